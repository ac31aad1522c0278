//! What the command refuses: exit codes, places, causes and hints.

use std::fs;

use engraph::Store;
use engraph::record::TagDefinition;

use crate::session::Session;

#[test]
fn what_cannot_be_used_is_refused_with_a_hint() {
    let mut session = Session::new();
    session.store_with("s", &[TagDefinition { tag_name: "lease".into(), ..Default::default() }]);
    fs::create_dir(session.path("folder")).unwrap();
    fs::write(session.path("text.db"), "no database at all").unwrap();
    session
        .say("stats s --unknown-flag")
        .say("stats s --unknown-flag --json")
        .say("frobnicate")
        .say("stats absent")
        .say("stats absent --json")
        .say("stats folder")
        .say("stats text.db")
        .say("list s documents")
        .say("list s no_such_kind --json")
        .say("list s tag_definition --index no_such_index")
        .say("list s tag_definition --after document:1")
        .say("get s seventeen")
        .say("get s document:x")
        .say("search s lease --filter category")
        .say("search s lease --after nonsense")
        .say("search s lease AND ( --strict")
        .say("import legacy absent.db --into s")
        .say("import legacy text.db --into s")
        .say("import legacy text.db --into s --zone Middle/Earth")
        .say("export legacy s --out back --born-into nowhere")
        .say("verify s --against absent.db")
        .say("backup s folder/../s")
        .check("errors.txt");
}

#[test]
fn a_wrong_path_leaves_no_store_behind() {
    let session = Session::new();
    session.run(&["import", "legacy", "absent.db", "--into", "new"]).check(3, "", "absent.db");
    assert!(!session.path("new").exists());
    session.old_installation("old", 4);
    let dry = ["import", "legacy", "old", "--into", "new", "--dry-run"];
    session.run(&dry).check(0, "nothing was kept", "");
    assert!(!session.path("new").exists());
}

#[test]
fn a_store_in_use_names_the_process() {
    let session = Session::new();
    let store = Store::create(session.path("s")).unwrap();
    let holder = format!("process {}", std::process::id());
    for arguments in [&["stats", "s"][..], &["compact", "s"], &["search", "s", "x"]] {
        session.run(arguments).check(5, "", &holder);
    }
    session.run(&["stats", "s", "--json"]).check(5, "", "\"kind\":\"locked\"");
    store.close().unwrap();
    session.run(&["stats", "s"]).check(0, "writes", "");
}

#[test]
fn a_damaged_store_is_told_from_an_absent_one() {
    let session = Session::new();
    session.store_with("s", &[TagDefinition::default()]);
    let data = session.path("s").join("data.redb");
    fs::write(&data, b"this was a data file once").unwrap();
    session.run(&["stats", "s"]).check(4, "", "not a data file");
}

#[test]
fn a_damaged_page_is_found_by_verify() {
    let session = Session::new();
    let records: Vec<TagDefinition> = (0..200)
        .map(|number| TagDefinition {
            tag_name: format!("tag {number}"),
            description: Some("x".repeat(300)),
            ..Default::default()
        })
        .collect();
    session.store_with("s", &records);
    session.run(&["verify", "s"]).check(0, "ok", "");
    let data = session.path("s").join("data.redb");
    let mut bytes = fs::read(&data).unwrap();
    let at = bytes.windows(40).position(|window| window.iter().all(|byte| *byte == b'x')).unwrap();
    bytes[at] = b'y';
    fs::write(&data, bytes).unwrap();
    session.run(&["verify", "s"]).check(4, "damaged", "");
    session.run(&["verify", "s", "--json"]).check(4, "\"ok\":false", "");
}
