//! Transcripts of `engraph memory recall` and its like, and of `engraph bench recall`.

use std::fs;

use engraph::record::Memory;
use serde_json::{Value, json};

use crate::session::Session;

fn memory(name: &str, at: &str, content: &str) -> Memory {
    Memory {
        record_id: name.into(),
        namespace: "team".into(),
        content: content.into(),
        created_at: Some(at.parse().unwrap()),
        ..Memory::default()
    }
}

#[test]
fn memories_are_recalled_explained_and_marked() {
    let mut session = Session::new();
    session.store_with(
        "s",
        &[
            memory("m-1", "2025-01-16T09:00:00Z", "Greta's flat is in Lisbon\u{1b}[31m."),
            memory("m-2", "2025-07-15T09:00:00Z", "Greta has moved to Graz."),
            memory("m-3", "2025-08-15T09:00:00Z", "greta has moved to Graz"),
            memory("m-4", "2025-09-15T09:00:00Z", "Bram swears by Kafka."),
        ],
    );
    session
        .say("memory recall s Greta?")
        .say("memory recall s Greta? --limit 1 --explain --asked-at 2026-01-01 --preset words")
        .say("memory recall s Greta? --limit 1 --json --preset words --namespace team")
        .say("memory recall s xylophone")
        .say("memory recall s Kafka --namespace nobody")
        .say("memory recall s Kafka --weight words=2 --weight none=1")
        .say("memory recall s Kafka --preset best")
        .say("memory recall s Kafka --agent Anna")
        .say("memory recall s Kafka --count-use --limit 1")
        .say("memory context s Greta --tokens 8")
        .say("memory context s xylophone")
        .say("memory why s Greta m-4")
        .say("memory why s Greta m-3 --limit 1")
        .say("memory why s Greta m-9")
        .say("memory mark s Greta m-2")
        .say("memory mark s Kafka memory:1")
        .say("memory check s")
        .say("memory check s --preset legacy --json")
        .say("verify s --json")
        .check("recall.txt");
}

#[test]
fn a_set_is_measured_and_its_run_written() {
    let session = Session::new();
    let set = session.path("set");
    fs::create_dir_all(&set).unwrap();
    let memories = [
        json!({"id": "a", "namespace": "n", "session": "s", "at": "2025-01-01T00:00:00Z",
            "agent": "Ann", "text": "The harbour is closed."}),
        json!({"id": "b", "namespace": "n", "session": null, "at": null, "agent": null,
            "text": "Bram swears by Kafka.", "meta": {"x": 1}}),
        json!({"id": "c", "namespace": "m", "text": "The harbour of another namespace."}),
    ];
    let questions = [
        json!({"id": "q1", "namespace": "n", "question": "Is the harbour closed?",
            "category": "x", "evidence": ["a"], "asked_at": "2025-02-01T00:00:00Z"}),
        json!({"id": "q2", "namespace": "n", "question": "Which tool does Bram use?",
            "evidence": ["b", "c"]}),
    ];
    let lines =
        |values: &[Value]| values.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    fs::write(set.join("memories.jsonl"), lines(&memories)).unwrap();
    fs::write(set.join("questions.jsonl"), lines(&questions)).unwrap();
    let rows = (memories.len() + questions.len()) * 384;
    let bytes: Vec<u8> = (0..rows)
        .flat_map(|at| (f32::from(u8::from(at % 384 == at / 384)) + 0.1).to_le_bytes())
        .collect();
    fs::write(set.join("embeddings.f32"), &bytes).unwrap();

    let run =
        session.run(&["bench", "recall", "set", "--out", "run.jsonl", "--json", "--crowd", "2"]);
    run.check(0, "\"memories\":9", "");
    let outcome: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&outcome["mrr"], &outcome["recall"][1]), (&1.0.into(), &0.75.into()));
    let written = fs::read_to_string(session.path("run.jsonl")).unwrap();
    let hits: Vec<Value> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&hits[0]["question_id"], &hits[0]["hits"][0]), (&"q1".into(), &"a".into()));
    assert_eq!(hits[1]["hits"], json!(["b"]));

    session.run(&["bench", "recall", "set", "--hybrid"]).check(0, "2 questions of 3 memories", "");
    session.run(&["bench", "recall", "absent"]).check(3, "", "memories.jsonl");
    session.run(&["bench", "recall", "set", "--weight", "x"]).check(2, "", "no weight");
    fs::write(set.join("embeddings.f32"), &bytes[4..]).unwrap();
    session.run(&["bench", "recall", "set", "--hybrid"]).check(2, "", "5 rows");
    fs::write(set.join("questions.jsonl"), "{").unwrap();
    session.run(&["bench", "recall", "set"]).check(2, "", "line 1");
}
