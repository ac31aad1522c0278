//! Transcripts of `engraph file`, `tag`, `audit` and `report`, on stores whose clock stands.

use engraph::family::{NewAlert, NewFile, NewReview, Scores};
use engraph::record::{FileReview, Memory, ReviewType, Severity};
use engraph::{Audit, ManualClock, Result, Store, Timestamp, WriteTx};

use crate::session::Session;

const START: Timestamp = Timestamp::from_micros(1_771_057_082_000_000);

fn store(session: &Session, audit: Audit, fill: impl FnOnce(&Store) -> Result<()>) {
    let options = Store::builder().clock(ManualClock::new(START)).audit(audit);
    let store = options.create(session.path("s")).unwrap();
    fill(&store).unwrap();
    store.close().unwrap();
}

#[test]
fn files_are_scanned_listed_compared_and_shown() {
    let session = Session::new();
    store(&session, Audit::off(), |_| Ok(()));
    for (name, text) in [("a.txt", "same"), ("b.txt", "same"), ("sub/c.md", "# One\nword")] {
        let path = session.path("tree").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let run = |line: &str| session.run(&line.split(' ').collect::<Vec<_>>());
    run("file scan s tree --texts").check(0, "new", "");
    run("file scan s tree --json").check(0, "\"files\":3", "");
    run("file list s --ext txt").check(0, "a.txt", "");
    run("file list s --ext pdf").check(0, "", "there are none");
    run("file list s --status missing").check(0, "", "there are none");
    run("file duplicates s").check(0, "sha256", "");
    run("file duplicates s --near 0.2").check(2, "", "threshold");
    run("file show s tree/a.txt").check(0, "6:2", "");
    run("file show s tree/none.txt").check(1, "", "there is no file");
    std::fs::remove_file(session.path("tree/b.txt")).unwrap();
    run("file scan s tree").check(0, "missing", "");
    run("file health s").check(0, "missing", "");
    run("file remove s indexed_file:2 --json").check(0, "\"done\":\"removed\"", "");
    run("file remove s indexed_file:2").check(1, "", "there is no file");
    run("file scan s nowhere").check(3, "", "nowhere");
    run("search s word").check(0, "file_chunk", "");
}

#[test]
fn a_tree_is_analyzed_once_and_reported() {
    let session = Session::new();
    store(&session, Audit::off(), |_| Ok(()));
    for (name, text) in [("a.py", "'''Sorts letters.'''\nimport os\n"), ("b.rs", "")] {
        let path = session.path("tree").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let run = |line: &str| session.run(&line.split(' ').collect::<Vec<_>>());
    run("analyze report s").check(1, "", "nothing was analyzed");
    run("analyze run s tree --limit 1 --json").check(0, "\"is_stopped\":true", "");
    run("analyze run s tree").check(0, "empty", "");
    run("analyze run s --json").check(0, "\"unchanged\":2,\"analyzed\":0", "");
    run("analyze run s --again --ext .py --json").check(0, "\"files\":1", "");
    run("analyze report s").check(0, "* Sorts letters", "");
    run("analyze report s --json").check(0, "{\"report\":\"# Analysis", "");
    run("analyze run s nowhere").check(3, "", "nowhere");
}

#[test]
fn tags_are_defined_given_by_rules_and_taken() {
    let mut session = Session::new();
    store(&session, Audit::off(), |store| {
        store.write(|tx| {
            tx.files().put_all(["/c/a.pdf", "/c/b.txt"].map(NewFile::new))?;
            Ok(())
        })
    });
    session
        .say("tag define s type exhibit --glob **/*.pdf --color #112233")
        .say("tag define s type exhibit")
        .say("tag define s type broken --pattern (")
        .say("tag define s type odd --rule {\"regex\":1}")
        .say("tag definitions s")
        .say("tag apply s")
        .say("tag list s --file /c/a.pdf")
        .say("tag assign s /c/b.txt urgent --value today")
        .say("tag assign s /c/none.txt urgent")
        .say("tag list s --name urgent")
        .say("tag counts s")
        .say("tag remove s /c/b.txt urgent")
        .say("tag remove s /c/b.txt urgent")
        .say("tag seed s")
        .say("tag definitions s --category priority")
        .check("tag.txt");
}

fn remember(tx: &mut WriteTx<'_>) -> Result<()> {
    tx.set_author("anna")?;
    let fact =
        Memory { record_id: "m-1".into(), content: "due on 14 March".into(), ..Memory::default() };
    tx.insert(&fact).map(drop)
}

#[test]
fn the_audit_is_shown_verified_and_survives_an_erase() {
    let mut session = Session::new();
    store(&session, Audit::of::<Memory>(), |store| store.write(remember));
    session
        .say("audit log s")
        .say("audit history s memory:1")
        .say("audit history s memory:9")
        .say("audit verify s")
        .say("audit verify s --head nonsense");
    let head = session.run(&["audit", "head", "s"]);
    let digest = head.stdout.split_whitespace().last().unwrap().to_owned();
    session.run(&["audit", "verify", "s", "--head", &digest, "--json"]).check(
        0,
        "\"noted_entry\":2",
        "",
    );
    session.run(&["audit", "verify", "s", "--head", &"0".repeat(64)]).check(1, "no entry has", "");
    session.run(&["audit", "erase", "s", "memory:1", "--author", "bert"]).check(0, "erased", "");
    session.run(&["audit", "history", "s", "memory:1"]).check(0, "(erased)", "");
    session.run(&["audit", "verify", "s", "--head", &digest]).check(0, "the chain is whole", "");
    session.run(&["audit", "erase", "s", "memory:9", "--author", "bert"]).check(1, "", "not found");
    session.check("audit.txt");
}

#[test]
fn reports_are_shown_and_the_past_is_trimmed() {
    let mut session = Session::new();
    store(&session, Audit::off(), |store| {
        store.write(|tx| {
            let file = FileReview { path: "a.rs".into(), rating: Some(8), ..FileReview::default() };
            tx.reviews().put(&file)?;
            let scores = Scores { rating: Some(4), ..Scores::default() };
            tx.reviews().note(NewReview::new("a.rs", ReviewType::Periodic, scores))?;
            let alert = NewAlert::new("a.rs", "dangerous_pattern", "\u{1b}[31mred");
            tx.quality().raise(alert.severity(Severity::Critical).priority(9))?;
            tx.quality().measure().map(drop)
        })
    });
    session
        .say("report show s trends")
        .say("report show s risks --json")
        .say("report show s issues")
        .say("report trim s --keep 12")
        .say("report trim s --keep 0")
        .check("report.txt");
    session.run(&["report", "show", "s", "files"]).check(0, "a.rs", "");
    session.run(&["report", "measure", "s"]).check(0, "measured", "");
}
