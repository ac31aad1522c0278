//! The log of the command: where it goes, in which form, and what ties its lines together.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::session::{Run, Session};

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn one_correlation_id_is_on_every_line_of_a_call_across_threads() {
    let session = Session::new();
    session.old_installation("old", 6);
    let import = ["import", "legacy", "old", "--into", "s"];
    let json = ["--log-level", "debug", "--log-format", "json"];
    let run = session.run(&[&import[..], &json].concat());
    run.check(0, "imported", "");
    let lines = objects(&run.stderr);
    let ids: BTreeSet<&str> =
        lines.iter().map(|line| line["correlation_id"].as_str().unwrap()).collect();
    let [id] = ids.into_iter().collect::<Vec<_>>()[..] else { panic!("{}", run.stderr) };
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert!(lines.iter().all(|line| line["fields"]["call"] == "import legacy"));
    let messages: Vec<&str> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!((messages[0], messages[messages.len() - 1]), ("call began", "call ended"));
    // The rows are written by another thread than the one that the command began on.
    let other = lines.iter().filter(|line| line["message"] == "bulk committed");
    assert!(other.clone().count() > 0 && other.clone().all(|line| line["thread"] != "main"));
    let again = session.run(&["stats", "s", "--log-level", "info", "--log-format", "json"]);
    assert_ne!(objects(&again.stderr)[0]["correlation_id"], *id, "another call, another id");
    let given = session.run(&["stats", "s", "-v", "--correlation-id", "c0ffee"]);
    assert!(given.stderr.lines().all(|line| line.ends_with("correlation_id=c0ffee")));
}

#[test]
fn a_file_takes_the_lines_and_is_gone_on_with() {
    let session = Session::new();
    session.run(&["init", "s", "--log-file", "a.log"]).check(0, "", "");
    let run = session.run(&["get", "s", "document:1", "--log-file", "a.log"]);
    assert_eq!((run.code, run.stderr.lines().count()), (1, 1), "{}", run.stderr);
    let lines = objects(&fs::read_to_string(session.path("a.log")).unwrap());
    let ended: Vec<_> = lines.iter().filter(|line| line["message"] == "call ended").collect();
    let codes: Vec<_> = ended.iter().map(|line| line["fields"]["exit_code"].clone()).collect();
    assert_eq!(codes, [0, 1]);
    session.run(&["stats", "s", "--log-file", "b.log", "--log-format", "human"]).check(0, "", "");
    let text = fs::read_to_string(session.path("b.log")).unwrap();
    assert!(text.lines().all(|line| line.contains(" INFO  ")), "{text}");
    session.run(&["stats", "s", "--log-file", "absent/a.log"]).check(3, "", "log file");
}

#[test]
fn nothing_is_said_unless_it_is_asked_for() {
    let session = Session::new();
    session.old_installation("old", 3);
    session.run(&["import", "legacy", "old", "--into", "s"]).check(0, "imported", "");
    for line in [&["stats", "s"][..], &["search", "s", "reply"], &["verify", "s"]] {
        let run = session.run(line);
        assert!(!run.stderr.contains("engraph") && !run.stderr.contains("INFO"), "{}", run.stderr);
    }
    let run = session.run(&["stats", "s", "--log-level", "off"]);
    assert_eq!((run.code, &*run.stderr), (0, ""));
    let run = session.run(&["search", "s", "reply", "--log-level", "off,engraph::search=debug"]);
    assert!(run.stderr.contains("search: searched"), "{}", run.stderr);
    assert!(!run.stderr.contains("store opened"));
    assert!(run.stderr.lines().all(|line| line.contains("correlation_id=")), "{}", run.stderr);
    session.run(&["stats", "s", "--log-level", "engraph=loudly"]).check(2, "", "--log-level");
    session.run(&["stats", "s", "--log-format", "xml"]).check(2, "", "xml");
}

#[test]
fn secrets_on_the_command_line_are_in_no_line() {
    let session = Session::new();
    session.run(&["init", "s"]).check(0, "", "");
    let secret = "Zq7planted9";
    let path = format!("absent?api_key={secret}");
    for format in ["human", "json"] {
        let log = format!("{format}.log");
        let mut command = session.command(&["stats", &path, "--log-level", "trace"]);
        command.args(["--log-format", format, "--log-file", &log]);
        let run = Run::of(&command.output().unwrap());
        assert_eq!(run.code, 3);
        let text = fs::read_to_string(session.path(&log)).unwrap();
        assert!(!text.contains(secret) && text.contains("[redacted]"), "{text}");
    }
}
