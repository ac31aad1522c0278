//! `engraph graph`: transcripts of every question, and what it refuses.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use engraph::record::{Document, Entity};
use engraph::{NewEdge, Store};

use crate::session::{Run, Session};

#[test]
fn every_question_is_answered() {
    let mut session = Session::new();
    session.old_installation("old", 6);
    session.run(&["import", "legacy", "old", "--into", "s"]).check(0, "3 imported", "");
    session
        .say("graph s walk entity:1 --depth 0..2 --direction out")
        .say("graph s walk entity:1 --depth 1.. --type part_o --json --limit 2")
        .say("graph s walk document:1 --depth 1.. --direction in --kind document_content")
        .say("graph s walk entity:1 --depth 3..1")
        .say("graph s ego entity:1")
        .say("graph s ego entity:1 --radius 2 --direction out --limit 3")
        .say("graph s ego entity:1 --dot")
        .say("graph s ego entity:1 --graphml --type related_to")
        .say("graph s ego entity:1 --json --type related_to --full")
        .say("graph s subgraph entity:1 entity:2 document:1")
        .say("graph s subgraph document:1 --dot")
        .say("graph s subgraph entity:99")
        .say("graph s stats")
        .say("graph s components --top 3 --type related_to --type part_o")
        .say("graph s components --strong --top 2 --members 2 --json")
        .say("graph s components --type never_used")
        .say("graph s pagerank --top 3 --seed entity:1")
        .say("graph s pagerank --damping 1.5")
        .say("graph s order --type part_o --limit 3")
        .say("graph s order --type related_to --type part_o")
        .say("graph s order --type contradicts")
        .say("graph s order --type contradicts --json")
        .say("graph s export --format dot --kind entity")
        .say("graph s export")
        .say("graph s export --format dot --kind no_such_kind")
        .check("graph.txt");
}

#[test]
fn graphs_go_to_files_and_come_back() {
    let mut session = Session::new();
    session.old_installation("old", 6);
    session.run(&["import", "legacy", "old", "--into", "s"]).check(0, "3 imported", "");
    session.run(&["init", "other"]).check(0, "", "");
    fs::write(session.path("bad.graphml"), "<graphml>\n<graph/></graphml>").unwrap();
    session
        .say("graph s export --out g.graphml --kind entity --full")
        .say("graph s export --out g.graphml --kind entity")
        .say("graph s export --out g.json --kind entity --full --json")
        .say("graph s export --out no/such/folder.dot")
        .say("graph other import g.graphml --prefix a/")
        .say("graph other import g.graphml --prefix a/")
        .say("graph other import g.graphml --prefix a/ --reuse --json")
        .say("graph other import g.json --prefix b/")
        .say("graph other import bad.graphml")
        .say("graph other import bad.graphml --format dot")
        .say("graph other import absent.json")
        .say("graph s ego entity:1 --svg ego.svg")
        .say("graph s ego entity:1 --svg ego.svg")
        .say("graph s ego entity:1 --out ego.dot --svg ego.svg --force --json")
        .say("graph s ego entity:1 --out ego")
        .say("graph other neighbors entity:1")
        .say("verify other")
        .check("graph_files.txt");
    let svg = fs::read_to_string(session.path("ego.svg")).unwrap();
    assert_eq!(svg.matches("<circle").count(), 4, "{svg}");
    assert_eq!(svg.matches("marker-end").count(), 6, "{svg}");
    let dot = fs::read_to_string(session.path("ego.dot")).unwrap();
    assert!(dot.starts_with("digraph"), "the extension says the format: {dot}");
}

#[test]
fn stored_control_characters_reach_neither_terminal_nor_file() {
    let hostile = "memo\u{1b}[2J\u{1b}[31m\u{9b}1m\u{202e}\u{7}\r\nforged line <&\">";
    let session = Session::new();
    let store = Store::create(session.path("s")).unwrap();
    store
        .write(|tx| {
            let memo = tx.insert(&Document { file_name: hostile.into(), ..Document::default() })?;
            let thing = tx.entities().create(&Entity::named(hostile, hostile))?;
            tx.add_edge(&NewEdge::new(memo, hostile, thing))?;
            tx.add_edge(&NewEdge::new(thing, hostile, memo))
        })
        .unwrap();
    store.close().unwrap();
    let part = ["graph", "s", "ego", "document:1"];
    for arguments in [
        &["graph", "s", "walk", "document:1"][..],
        &["graph", "s", "path", "document:1", "entity:1"],
        &part,
        &[&part[..], &["--dot", "--full"]].concat(),
        &[&part[..], &["--graphml", "--full"]].concat(),
        &[&part[..], &["--svg", "p.svg", "--force"]].concat(),
        &["graph", "s", "stats"],
        &["graph", "s", "components"],
        &["graph", "s", "pagerank"],
        &["graph", "s", "order"],
        &["graph", "s", "export", "--format", "graphml", "--full"],
        &["graph", "s", "export", "--format", "node-link", "--full"],
        &["graph", "s", "walk", hostile],
        &["graph", "s", "export", "--format", "dot", "--kind", hostile],
    ] {
        for form in [&[][..], &["--json"]] {
            let run = session.run(&[arguments, form].concat());
            let shown = format!("{}{}", run.stdout, run.stderr);
            let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!shown.contains(bad), "{arguments:?} {form:?}: {shown:?}");
            assert!(!shown.lines().any(|line| line.trim_start().starts_with("forged line")));
        }
    }
    let svg = fs::read_to_string(session.path("p.svg")).unwrap();
    assert!(!svg.contains(|c: char| c.is_control() && c != '\n'), "{svg:?}");
    assert!(!svg.contains("<&"), "{svg}");
}

#[test]
fn a_closed_pipe_ends_an_export_quietly() {
    let session = Session::new();
    let entities: Vec<Entity> = (0..3_000)
        .map(|number| Entity::named(format!("entity {number} {}", "x".repeat(60)), "Case"))
        .collect();
    session.store_with("s", &entities);
    for format in ["dot", "graphml", "node-link"] {
        let mut command = session.command(&["graph", "s", "export", "--format", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        drop(reader);
        let run = Run::of(&child.wait_with_output().unwrap());
        assert!(!line.is_empty());
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{format}");
    }
}

#[test]
fn a_picture_of_too_many_nodes_is_refused() {
    let session = Session::new();
    let entities: Vec<Entity> = (0..501).map(|n| Entity::named(n.to_string(), "Case")).collect();
    session.store_with("s", &entities);
    let ids: Vec<String> = (1..=501).map(|n| format!("entity:{n}")).collect();
    let ids = ids.iter().map(String::as_str);
    let arguments: Vec<&str> = ["graph", "s", "subgraph"]
        .into_iter()
        .chain(ids)
        .chain(["--limit", "600", "--svg", "p.svg"])
        .collect();
    session.run(&arguments).check(2, "", "at most 500");
    assert!(!session.path("p.svg").exists());
}
