//! `engraph migrate`: the whole way, killed in the middle, and back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::session::Session;

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

fn backups(session: &Session) -> Vec<String> {
    let entries = fs::read_dir(session.path(".")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("case.engraph.backup-")).collect()
}

#[test]
fn there_and_back() {
    let mut session = Session::new();
    session.old_installation("old", 6);
    fs::write(session.path("old/notes.db"), "no database").unwrap();
    fs::write(session.path("memo.txt"), "born here").unwrap();
    let before = contents(&session.path("old"));
    let store = format!("removed {}", session.path("case.engraph").display());
    session
        .say("migrate old --into case.engraph --dry-run")
        .say("migrate old/documents.db --into case.engraph --backup-dir copies")
        .say("migrate old/documents.db --into case.engraph --backup-dir copies")
        .say("migrate old --into case.engraph --backup-dir others");
    assert_eq!(contents(&session.path("old")), before);
    session.say("verify case.engraph").say("doc add case.engraph memo.txt --category legal");
    let refused = session.run(&["migrate", "--rollback", "copies"]);
    refused.check(5, "", "records written");
    refused.check(5, "", "`engraph export` or `engraph backup` keeps it");
    session.say("migrate --rollback nowhere").say("migrate").say("migrate old");
    session.check("migrate.txt");

    session.run(&["migrate", "old", "--into", "b", "--backup-dir", "c"]).check(
        1,
        "3 of 4 databases complete",
        "engraph migrate --rollback",
    );
    let undone = session.run(&["migrate", "--rollback", "c"]);
    undone.check(0, "0 databases put back, 4 as they were", "");
    assert!(!undone.stdout.contains(&store), "another store was removed");
    assert!(!session.path("b").exists() && session.path("case.engraph").exists());
    let json = session.run(&["migrate", "--rollback", "c", "--json"]);
    json.check(0, "\"is_store_removed\":false", "");
}

#[test]
fn the_commands_of_the_guide_do_what_it_says() {
    let session = Session::new();
    session.old_installation("old", 4);
    let before = contents(&session.path("old"));
    let guide = include_str!("../../docs/migration.md");
    let mut run = 0;
    for line in guide.lines().filter_map(|line| line.strip_prefix("    engraph ")) {
        // Nobody is there to interrupt it.
        let rounds = if line.contains("--watch") { " --rounds 1" } else { "" };
        let line = format!("{line}{rounds}");
        let arguments: Vec<&str> = line.split(' ').collect();
        session.run(&arguments).check(0, "", "");
        assert_eq!(contents(&session.path("old")), before, "{line}");
        run += 1;
    }
    assert_eq!(run, 10, "commands of the guide");
}

#[test]
fn a_killed_command_is_taken_up_by_the_next() {
    let session = Session::new();
    session.old_installation("old", 120);
    let before = contents(&session.path("old"));
    let line = ["migrate", "old", "--into", "case.engraph"];
    let mut child = session.command(&line);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // As soon as there is a store, somewhere in the import.
    let end = Instant::now() + Duration::from_secs(60);
    while !session.path("case.engraph/data.redb").exists() && Instant::now() < end {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(backups(&session).len(), 1);
    assert_eq!(contents(&session.path("old")), before);
    let run = session.run(&line);
    run.check(0, "3 of 3 databases complete, taken up from an earlier run,", "");
    let [backup] = &backups(&session)[..] else { unreachable!("one folder is gone on with") };
    session.run(&["verify", "case.engraph", "--against", "old/documents.db"]).check(0, "equal", "");
    let report = fs::read_to_string(session.path(backup).join("report.md")).unwrap();
    assert!(report.contains("Went on from where an earlier run was ended"), "{report}");
    // The same within the second of the first run, whose folder of copies it then meets.
    session.run(&line).check(3, "", "already exists");
    session.run(&["migrate", "--rollback", backup]).check(0, "removed", "");
    assert!(!session.path("case.engraph").exists());
    assert_eq!(contents(&session.path("old")), before);
}
