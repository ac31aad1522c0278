//! `engraph sync`: rounds, conflicts, and how it ends.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use engraph::Store;
use engraph::record::Document;

use crate::session::Session;

/// Runs statements of the old application, as another process. `false` where there is no python3.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn statements(database: &Path, sql: &str) -> bool {
    let script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); \
                  db.execute('PRAGMA foreign_keys = ON'); db.executescript(sys.argv[2]); \
                  db.commit(); db.close()";
    let ran = Command::new("python3").args(["-c", script]).arg(database).arg(sql).status();
    let Ok(status) = ran else {
        eprintln!("no python3: the test is skipped");
        return false;
    };
    assert!(status.success());
    true
}

fn edit(session: &Session, store: &str) {
    let store = Store::open(session.path(store)).unwrap();
    let ids: Vec<_> = {
        let read = store.read().unwrap();
        read.iter::<Document>().unwrap().map(|row| row.unwrap().0).take(3).collect()
    };
    store
        .write(|tx| {
            tx.delete(ids[2])?;
            ids[..2].iter().try_for_each(|id| {
                tx.update::<Document>(*id, |document| {
                    document.category = "ours".into();
                    Ok(())
                })
                .map(drop)
            })
        })
        .unwrap();
    store.close().unwrap();
}

#[test]
fn changes_come_in_and_conflicts_are_listed_until_decided() {
    let mut session = Session::new();
    session.old_installation("old", 6);
    let database = session.path("old/documents.db");
    session.say("sync legacy old/documents.db s").say("sync legacy old/documents.db s");
    edit(&session, "s");
    if !statements(
        &database,
        "UPDATE documents SET category = 'theirs' WHERE id <= 3;
         UPDATE documents SET primary_purpose = 'theirs' WHERE id = 4;
         DELETE FROM document_tags WHERE document_id = 6;",
    ) {
        return;
    }
    session
        .say("sync legacy old/documents.db s")
        .say("sync legacy old/documents.db s")
        .say("sync legacy old/documents.db s --resolve theirs --record document:1")
        .say("sync legacy old/documents.db s --resolve theirs --record document:1")
        .say("sync legacy old/documents.db s --resolve ours --out out.db")
        .say("sync legacy old/documents.db s --out out.db")
        .say("sync legacy old/documents.db s --out old/documents.db --force")
        .say("sync legacy old/absent.db s2")
        .say("sync legacy old/documents.db s --record document:1")
        .say("sync legacy old/documents.db s --watch --interval=-1")
        .say("sync legacy old/documents.db s --watch --interval 0 --rounds 2 --as second")
        .check("sync.txt");
    assert!(!session.path("s2").exists(), "a wrong path leaves no store");
}

fn start(session: &Session, arguments: &[&str]) -> Child {
    let mut command = session.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[cfg(unix)]
#[test]
fn a_watch_tells_every_round_and_ends_cleanly_when_interrupted() {
    let session = Session::new();
    session.old_installation("old", 3);
    let database = session.path("old/documents.db");
    if !statements(&database, "UPDATE documents SET category = 'first'") {
        return;
    }
    let line = ["sync", "legacy", "old/documents.db", "s", "--watch", "--interval", "0.05"];
    let mut child = start(&session, &[&line[..], &["--json"]].concat());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines =
        lines.map(|line| -> serde_json::Value { serde_json::from_str(&line.unwrap()).unwrap() });
    let first = lines.next().unwrap();
    assert_eq!((&first["round"], &first["report"]["is_new"]), (&1.into(), &true.into()));
    let quiet = lines.next().unwrap();
    assert_eq!(quiet["report"]["unchanged"], "mark");
    // Between rounds the store is free for others.
    let store = loop {
        match Store::open(session.path("s")) {
            Err(engraph::Error::Locked { .. }) => {}
            opened => break opened.unwrap(),
        }
    };
    statements(&database, "UPDATE documents SET category = 'second'");
    let waiting = lines.find(|line| line["waiting_for"].is_string()).unwrap();
    assert!(waiting["waiting_for"].as_str().unwrap().contains("in use"), "{waiting}");
    store.close().unwrap();
    let changed = lines.find(|line| line["report"]["changes"]["changed"] == 3).unwrap();
    assert_eq!(changed["report"]["conflicts"], serde_json::json!([]));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert!(lines.all(|line| line["round"].is_u64()), "every line is whole");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    session.run(&["verify", "s"]).check(0, "ok", "");
    let said = session.run(&["list", "s", "document", "--json"]);
    assert_eq!(said.stdout.matches("second").count(), 3, "{}", said.stdout);
}
