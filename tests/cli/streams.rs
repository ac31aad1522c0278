//! Standard output and standard error: closed pipes, colours, control characters, logs.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use engraph::record::{Document, TagDefinition};

use crate::session::{Run, Session};

/// A title that would clear the screen, colour what follows and write from right to left.
const HOSTILE: &str = "memo\u{1b}[2J\u{1b}[31m\u{9b}1m\u{202e}\u{7}\r\nforged line";

fn tags(count: usize) -> Vec<TagDefinition> {
    (0..count)
        .map(|number| TagDefinition {
            tag_name: format!("tag {number}"),
            description: Some("words ".repeat(50)),
            ..Default::default()
        })
        .collect()
}

#[test]
fn a_closed_pipe_ends_the_command_quietly() {
    let session = Session::new();
    session.store_with("s", &tags(2_000));
    for arguments in [
        &["list", "s", "tag_definition", "--limit", "2000", "--json"][..],
        &["list", "s", "tag_definition", "--limit", "2000"],
        &["completions", "bash"],
    ] {
        let mut command = session.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        drop(reader);
        let run = Run::of(&child.wait_with_output().unwrap());
        assert!(!line.is_empty());
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn stored_control_characters_never_reach_the_terminal() {
    let session = Session::new();
    let document = Document {
        file_name: HOSTILE.into(),
        file_type: "txt".into(),
        category: HOSTILE.into(),
        primary_purpose: Some(format!("lease {HOSTILE}")),
        ..Default::default()
    };
    session.store_with("s", &[document]);
    for arguments in [
        &["get", "s", "document:1"][..],
        &["list", "s", "document"],
        &["search", "s", "memo"],
        &["search", "s", "lease"],
        &["get", "s", HOSTILE],
        &["list", "s", HOSTILE],
        &["stats", HOSTILE],
    ] {
        for form in [&[][..], &["--json"]] {
            let run = session.run(&[arguments, form].concat());
            let shown = format!("{}{}", run.stdout, run.stderr);
            let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!shown.contains(bad), "{arguments:?} {form:?}: {shown:?}");
            assert!(
                !shown.lines().any(|line| line.trim_start() == "forged line")
                    || arguments[0] == "get"
            );
        }
    }
    let run = session.run(&["get", "s", "document:1", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["record"]["file_name"], HOSTILE);
}

#[test]
fn colours_are_for_terminals_and_can_be_refused() {
    let session = Session::new();
    session.store_with("s", &tags(1));
    let has_colour = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = session.command(arguments);
        command.envs(variables.iter().copied());
        let run = Run::of(&command.output().unwrap());
        (run.stdout.contains('\u{1b}'), run.stderr.contains('\u{1b}'))
    };
    let (list, wrong) = (["list", "s", "tag_definition"], ["stats", "absent"]);
    assert_eq!(has_colour(&[], &list), (false, false));
    assert_eq!(has_colour(&[], &wrong), (false, false));
    assert_eq!(has_colour(&[("CLICOLOR_FORCE", "1")], &list), (true, false));
    assert_eq!(has_colour(&[("CLICOLOR_FORCE", "1")], &wrong), (false, true));
    let refused = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    assert_eq!(has_colour(&refused, &list), (false, false));
    assert_eq!(has_colour(&refused, &wrong), (false, false));
}

#[test]
fn stats_of_an_untouched_store_say_the_same_twice() {
    let session = Session::new();
    session.store_with("s", &tags(20));
    let first = session.run(&["stats", "s", "--json"]);
    first.check(0, "\"tag_definition\":20", "");
    assert_eq!(first.stdout, session.run(&["stats", "s", "--json"]).stdout);
}

#[test]
fn looking_at_a_store_does_not_write_to_it() {
    let session = Session::new();
    session.store_with("s", &tags(20));
    session.run(&["search", "s", "tag"]).check(0, "tag_definition", "");
    let files = || {
        let mut files: Vec<_> = fs::read_dir(session.path("s"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = files();
    for arguments in [
        &["stats", "s"][..],
        &["get", "s", "tag_definition:1"],
        &["list", "s", "tag_definition"],
        &["search", "s", "tag"],
        &["verify", "s"],
        &["graph", "s", "neighbors", "tag_definition:1"],
    ] {
        let run = session.run(arguments);
        assert!(run.code <= 1, "{arguments:?}: {}", run.stderr);
    }
    assert!(before == files(), "a file of the store changed");
}

#[test]
fn logs_are_off_until_asked_for_and_go_to_standard_error() {
    let session = Session::new();
    session.store_with("s", &tags(1));
    assert_eq!(session.run(&["stats", "s"]).stderr, "");
    session.run(&["stats", "s", "-v"]).check(0, "writes", "store opened");
    let mut command = session.command(&["stats", "s"]);
    let run = Run::of(&command.env("RUST_LOG", "engraph=info").output().unwrap());
    run.check(0, "writes", "store opened");
    let mut command = session.command(&["stats", "s"]);
    let run = Run::of(&command.env("RUST_LOG", "engraph=loudly").output().unwrap());
    run.check(2, "", "RUST_LOG");
}

#[test]
fn every_shell_gets_its_completions() {
    let session = Session::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        session.run(&["completions", shell]).check(0, "engraph", "");
    }
    session.run(&["completions", "tcsh"]).check(2, "", "tcsh");
}
