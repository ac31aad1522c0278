//! Transcripts of `engraph doc`, `org`, `knowledge` and `persona`, on stores whose clock stands.

use std::fs;

use engraph::family::{GroupKind, NewKnowledgeProposal, NewProposal, NewQuestion};
use engraph::record::{IndexedFile, KnowledgeProposal};
use engraph::{Json, ManualClock, Result, Store, Timestamp, WriteTx};

use crate::session::Session;

const START: Timestamp = Timestamp::from_micros(1_771_057_082_000_000);

fn fill(session: &Session, fill: impl FnOnce(&mut WriteTx<'_>) -> Result<()>) {
    let store = Store::builder().clock(ManualClock::new(START)).create(session.path("s")).unwrap();
    store.write(fill).unwrap();
    store.close().unwrap();
}

/// Lines without the times that the command's own clock gives.
fn without_times(text: &str) -> String {
    text.lines().filter(|line| !line.contains("_at ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn documents_are_added_shown_tagged_and_deleted() {
    let mut session = Session::new();
    fs::write(session.path("memo.md"), "The reply is due.\u{1b}[31m File it!\n").unwrap();
    fs::write(session.path("scan.pdf"), b"%PDF\0\xff").unwrap();
    session
        .say("init s")
        .say("doc add s memo.md scan.pdf --category legal --tag urgent --tag case=7")
        .say("doc add s absent.txt --category legal")
        .say("doc add s memo.md --category legal --type exe")
        .say("doc show s document:1 --text")
        .say("doc show s document:2 --text")
        .say("doc show s document:9")
        .say("doc tag s document:1 late urgent")
        .say("doc tag s document:1 late --remove")
        .say("doc tag s document:1 late --remove")
        .say("doc stats s")
        .say("doc stats s --json")
        .say("doc rm s document:2 document:9")
        .say("doc rm s document:2")
        .say("doc list s --category tax")
        .check("doc.txt");
    let shown = session.run(&["doc", "show", "s", "document:1"]);
    let expected = "document       1:1\nfile_name      memo.md\nfile_type      txt\n\
        category       legal\nfile_path      memo.md\ntag case       7\ntag urgent\n\
        words          7\nsentences      1\n\nThe reply is due.\\u{1b}[31m File it!";
    let found: Vec<_> = shown.stdout.lines().filter(|line| !line.contains("_at")).collect();
    let settled = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let found: Vec<_> = found.into_iter().map(settled).collect();
    let expected: Vec<_> = expected.lines().map(settled).collect();
    assert_eq!(found[..expected.len()], expected);
    for list in [&["--search", "reply"][..], &["--tag", "urgent"], &["--type", "txt"]] {
        let run = session.run(&[&["doc", "list", "s"], list].concat());
        run.check(0, "memo.md", "");
    }
    session.run(&["doc", "list", "s", "--search", "motion"]).check(0, "", "there are none");
    session.run(&["doc", "list", "s", "--json"]).check(0, r#""file_name":"memo.md""#, "");
}

#[test]
fn files_are_moved_as_proposed_and_back() {
    let mut session = Session::new();
    for name in ["a.txt", "b.txt", "c.txt"] {
        fs::create_dir_all(session.path("in")).unwrap();
        fs::write(session.path("in").join(name), name).unwrap();
    }
    fill(&session, |tx| {
        for name in ["a.txt", "b.txt", "c.txt", "gone.txt"] {
            let normalized_path = format!("in/{name}");
            let file = tx.insert(&IndexedFile { normalized_path, ..IndexedFile::default() })?;
            tx.organization().propose(NewProposal::new(file, "cases/7", name))?;
        }
        Ok(())
    });
    session
        .say("org list s")
        .say("org accept s organization_proposal:1 organization_proposal:2 --note fine")
        .say("org accept s organization_proposal:1 organization_proposal:3")
        .say("org reject s organization_proposal:3 --json")
        .say("org list s --status approved --root in/a.txt")
        .say("org show s organization_proposal:9")
        .say("org undo s")
        .say("org apply s --root out");
    assert!(session.path("in").join("a.txt").exists(), "it was only tried out");
    fs::create_dir_all(session.path("out/cases/7")).unwrap();
    fs::write(session.path("out/cases/7/b.txt"), "other").unwrap();
    let applied = session.run(&["org", "apply", "s", "--root", "out", "--real"]);
    applied.check(1, "not moved in/b.txt -> out/cases/7/b.txt: there is a file of that name", "");
    applied.check(1, "moved in/a.txt -> out/cases/7/a.txt\n", "");
    assert_eq!(fs::read(session.path("out/cases/7/b.txt")).unwrap(), b"other");
    assert_eq!(fs::read(session.path("out/cases/7/a.txt")).unwrap(), b"a.txt");
    assert!(!session.path("in/a.txt").exists());
    session.say("org stats s").say("org list s --status applied");
    let undone = session.run(&["org", "undo", "s"]);
    undone.check(0, "moved out/cases/7/a.txt -> in/a.txt\n", "");
    assert_eq!(fs::read(session.path("in/a.txt")).unwrap(), b"a.txt");
    session.say("org undo s").say("org stats s --json").say("org apply s --json").check("org.txt");
    let shown = session.run(&["org", "show", "s", "organization_proposal:1"]);
    shown.check(0, "accept", "");
    session.run(&["org", "actions", "s", "--json"]).check(0, "there is a file of that name", "");
}

#[test]
fn a_file_that_is_gone_is_not_moved() {
    let session = Session::new();
    fill(&session, |tx| {
        let normalized_path = "in/gone.txt".to_owned();
        let file = tx.insert(&IndexedFile { normalized_path, ..IndexedFile::default() })?;
        let id = tx.organization().propose(NewProposal::new(file, "cases", "a.txt"))?;
        tx.organization().accept(id, None).map(drop)
    });
    let run = session.run(&["org", "apply", "s", "--real"]);
    run.check(1, "not moved in/gone.txt -> in/cases/a.txt: the file is not there", "");
}

#[test]
fn what_a_call_that_died_began_is_settled_by_the_next_one() {
    let session = Session::new();
    fs::create_dir_all(session.path("in")).unwrap();
    fs::create_dir_all(session.path("out/cases")).unwrap();
    fs::write(session.path("in/b.txt"), "b").unwrap();
    fs::write(session.path("out/cases/a.txt"), "a").unwrap();
    fill(&session, |tx| {
        let mut ids = Vec::new();
        for name in ["a.txt", "b.txt"] {
            let normalized_path = format!("in/{name}");
            let file = tx.insert(&IndexedFile { normalized_path, ..IndexedFile::default() })?;
            let id = tx.organization().propose(NewProposal::new(file, "cases", name))?;
            tx.organization().accept(id, None)?;
            ids.push(id);
        }
        tx.organization().begin(&ids, Some("out"), GroupKind::Real).map(drop)
    });
    let run = session.run(&["org", "apply", "s", "--root", "out", "--real"]);
    run.check(0, "moved in/b.txt -> out/cases/b.txt\n", "interrupted: in/a.txt was moved");
    run.check(0, "", "interrupted: in/b.txt was not moved");
    assert!(session.path("out/cases/b.txt").exists());
    let list = session.run(&["org", "list", "s", "--status", "applied", "--json"]);
    assert_eq!(list.stdout.lines().count(), 2);
}

#[test]
fn terms_questions_and_proposals_are_looked_after() {
    let mut session = Session::new();
    fill(&session, |tx| {
        tx.knowledge().ask(NewQuestion::new("What is laches?").term("laches"))?;
        let payload = Json::from_text(r#"{"name": "High Court", "entity_type": "Court"}"#)?;
        tx.knowledge().propose(NewKnowledgeProposal::entity(payload))?;
        let proposal_type = "theory".to_owned();
        tx.insert(&KnowledgeProposal { proposal_type, ..KnowledgeProposal::default() }).map(drop)
    });
    session
        .say("knowledge add s estoppel --category legal_issue --notes old")
        .say("knowledge add s estoppel --category LegalIssue --canonical bar")
        .say("knowledge add s waiver --confidence 2")
        .say("knowledge list s")
        .say("knowledge list s --containing old --json --status verified")
        .say("knowledge verify s knowledge_term:1 --by Ada")
        .say("knowledge list s --status verified")
        .say("knowledge reject s knowledge_term:9")
        .say("knowledge questions s --open")
        .say("knowledge answer s knowledge_question:1 delay")
        .say("knowledge questions s --open")
        .say("knowledge proposals s")
        .say("knowledge approve s knowledge_proposal:1")
        .say("knowledge approve s knowledge_proposal:1")
        .say("knowledge approve s knowledge_proposal:2")
        .say("knowledge proposals s")
        .check("knowledge.txt");
}

#[test]
fn personas_are_seeded_resolved_and_given_skills() {
    let mut session = Session::new();
    session
        .say("init s")
        .say("persona list s")
        .say("persona resolve s")
        .say("persona seed s")
        .say("persona seed s --json")
        .say("persona list s --active")
        .say("persona skills s")
        .check("persona.txt");
    let run = session.run(&["persona", "resolve", "s", "--mode", "recovery"]);
    run.check(0, "Recovery Coordinator", "");
    let attach = ["persona", "attach", "s", "Summarizer", "Strategic Simulation"];
    session.run(&attach).check(0, "attached", "");
    session.run(&attach).check(1, "", "it was attached before");
    let shown = session.run(&["persona", "show", "s", "Summarizer"]);
    assert!(without_times(&shown.stdout).contains("Strategic Simulation"));
    let detach = ["persona", "detach", "s", "Summarizer", "Strategic Simulation"];
    session.run(&detach).check(0, "detached", "");
    session.run(&["persona", "show", "s", "Nobody"]).check(1, "", "there is no persona");
}
