//! The demonstration: it ends well, says what it found, and leaves nothing behind.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::session::{Run, Session};

#[test]
fn the_demonstration_finds_the_export_equal_and_cleans_up() {
    let session = Session::new();
    let temporary = session.path("temporary");
    fs::create_dir(&temporary).unwrap();
    for variables in [&[][..], &["--json"]] {
        let mut command = session.command(&[&["demo", "--size", "8"][..], variables].concat());
        let run = Run::of(&command.env("TMPDIR", &temporary).output().unwrap());
        run.check(0, "", "");
        if variables.is_empty() {
            assert_eq!(run.stdout.matches("   equal  ").count(), 3, "{}", run.stdout);
            assert!(run.stdout.contains("documents row 1, category: "), "{}", run.stdout);
        } else {
            let told: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
            assert_eq!(told["equal"], true);
            assert_eq!(told["after_change"]["differences"].as_array().unwrap().len(), 1);
        }
        assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "the folder is left behind");
    }
}

#[test]
fn a_kept_demonstration_is_a_store_that_can_be_used() {
    let session = Session::new();
    session.run(&["demo", "--size", "4", "--keep", "kept"]).check(0, "Everything is in kept", "");
    session.run(&["verify", "kept/store.engraph"]).check(0, "ok", "");
    session.run(&["stats", "kept/store.engraph"]).check(0, "knowledge_graph", "");
    session.run(&["demo", "--size", "3"]).check(2, "", "4..=1000000");
}

#[cfg(unix)]
#[test]
fn an_interrupted_demonstration_leaves_no_folder_behind() {
    let session = Session::new();
    let temporary = session.path("temporary");
    fs::create_dir(&temporary).unwrap();
    let mut command = session.command(&["demo", "--size", "100000"]);
    let mut child = command.env("TMPDIR", &temporary).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("1. "), "{line}");
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 1);
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "the folder is left behind");
}
