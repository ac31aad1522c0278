//! `engraph export jsonl` and `import jsonl`, through the binary.

use std::fs::{self, File};

use crate::session::{Run, Session};

/// All but the first line, which says how many writes there were.
fn body(lines: &str) -> &str {
    lines.split_once('\n').unwrap().1
}

#[test]
fn a_store_goes_through_a_file_and_through_a_pipe() {
    let session = Session::new();
    session.old_installation("old", 20);
    session.run(&["import", "legacy", "old", "--into", "s"]).check(0, "imported", "");
    let told = session.run(&["export", "jsonl", "s", "--out", "s.jsonl"]);
    told.check(0, " records, ", "");
    session.run(&["export", "jsonl", "s", "--out", "s.jsonl"]).check(3, "", "--force");
    let lines = session.run(&["export", "jsonl", "s"]);
    lines.check(0, r#""engraph_jsonl": 1"#, " records, ");
    assert_eq!(lines.stdout, fs::read_to_string(session.path("s.jsonl")).unwrap());

    let taken = session.run(&["import", "jsonl", "s.jsonl", "--into", "t"]);
    taken.check(0, "made: ", "");
    session.run(&["verify", "t"]).check(0, "", "");
    let back = session.run(&["export", "jsonl", "t"]);
    assert_eq!(body(&back.stdout), body(&lines.stdout));
    let again = session.run(&["import", "jsonl", "s.jsonl", "--into", "t"]);
    again.check(0, "made: 0 records, 0 edges, 0 vectors; replaced: 0;", "");

    let mut piped = session.command(&["import", "jsonl", "-", "--into", "u", "--json"]);
    piped.stdin(File::open(session.path("s.jsonl")).unwrap());
    Run::of(&piped.output().unwrap()).check(0, r#""replaced":0"#, "");
    let back = session.run(&["export", "jsonl", "u"]);
    assert_eq!(body(&back.stdout), body(&lines.stdout));
}

#[test]
fn plain_records_and_files_that_do_not_fit() {
    let session = Session::new();
    let write = |name: &str, text: &str| fs::write(session.path(name), text).unwrap();
    write("plain", "{\"content\": \"owes 300\"}\n{\"content\": \"paid\"}\n");
    let plain = ["import", "jsonl", "plain", "--into", "s", "--kind", "memory"];
    session.run(&plain).check(0, "made: 2 records", "");
    session.run(&["get", "s", "memory:1"]).check(0, "owes 300", "");
    session.run(&["import", "jsonl", "plain", "--into", "s"]).check(3, "", "line 1");
    session.run(&["import", "jsonl", "absent", "--into", "new"]).check(3, "", "absent");
    assert!(!session.path("new").exists(), "no store is left behind");
    let kind = ["import", "jsonl", "plain", "--into", "s", "--kind", "memry"];
    session.run(&kind).check(2, "", "memry");
    let only = ["export", "jsonl", "s", "--kind", "document", "--out", "x", "--json"];
    session.run(&only).check(0, r#""records":0"#, "");
    session.run(&["export", "jsonl", "s", "--kind", "nothing"]).check(2, "", "nothing");
    let line = r#"{"id": "memory:1", "kind": "memory", "record": {"content": "x"}}"#;
    write("line", &line.replace("memory:1", "48:1"));
    session.run(&["import", "jsonl", "line", "--into", "s"]).check(3, "", "line 1");
    let replacing = ["import", "jsonl", "line", "--into", "s", "--replace"];
    session.run(&replacing).check(0, "replaced: 1", "");
}
