//! Memories with links and shares, and memories that wait for a decision.

use super::{Exported, check, exported, json, store_in};
use crate::base::error::Result;
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::family::{
    MemoryCorrection, NeedsProvenance, NewCodeLink, NewMemory, NewMemoryProposal, ReviewPolicy,
};
use crate::record::{Memory, MemoryProposal, MemoryType};
use crate::store::{Store, WriteTx};

fn remember(tx: &mut WriteTx<'_>) -> Result<()> {
    let new = NewMemory::new("legal_entities", "entity_1", r#"{"text": "High Court"}"#)
        .memory_type(MemoryType::Entity)
        .agent("LegalEntityExtractor")
        .document_name("doc_-12")
        .metadata(json(r#"{"entity_type": "Court", "src": "caf\u00e9"}"#))
        .importance(0.6)
        .confidence(0.9)
        .embedding(&[0.5, -1.0])
        .record_id("a1");
    let first = tx.memories().remember(new)?;
    tx.memories().remember(NewMemory::new("smoke", "k", "The High Court sat").record_id("b2"))?;
    let link = NewCodeLink::new("src/court.py");
    tx.memories().link_file(first, link)?;
    tx.memories().share(first, "IracAnalyzer", Some(0.25)).map(drop)
}

#[test]
fn memories_are_searched_and_linked_by_the_old_statements() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), remember);
    assert_eq!(out.kinds(), ["unified_memory"], "links go where the memory manager looks for them");
    let db = out.db("unified_memory");
    // The keyword search, as the manager asks it.
    check(
        &db,
        "SELECT record_id, namespace, key, memory_type, agent_id, document_id, metadata,
         importance_score, confidence_score, access_count, created_at, updated_at,
         length(embedding_vector)
         FROM memory_records WHERE content LIKE '%high court%' AND memory_type = 'entity'
         ORDER BY importance_score DESC LIMIT 10",
        &[concat!(
            r#"a1|legal_entities|entity_1|entity|LegalEntityExtractor|doc_-12|"#,
            r#"{"entity_type": "Court", "src": "caf\u00e9"}|0.6|0.9|0|"#,
            "2026-02-14T08:18:02|2026-02-14T08:18:02|8"
        )],
    );
    check(
        &db,
        "SELECT record_id, memory_type, agent_id, metadata, importance_score, confidence_score
         FROM memory_records WHERE content LIKE '%high court%'
         ORDER BY importance_score DESC LIMIT 1",
        &["b2|agent|NULL|NULL|1.0|1.0"],
    );
    check(
        &db,
        "SELECT m.record_id, l.relation_type, l.confidence, l.source, l.created_at
         FROM memory_code_links l JOIN memory_records m ON m.record_id = l.memory_record_id
         WHERE l.file_path = 'src/court.py' ORDER BY l.confidence DESC, l.created_at DESC",
        &["a1|references|1.0|system|2026-02-14 08:18:02"],
    );
    check(
        &db,
        "SELECT source_record_id, target_agent_id, shared_at, relevance_score
         FROM knowledge_sharing",
        &["a1|IracAnalyzer|2026-02-14 08:18:02|0.25"],
    );
}

/// Memories of the types that the old application does not know.
fn new_types(tx: &mut WriteTx<'_>) -> Result<()> {
    let metadata = [None, Some("{}"), Some(r#"{"a":[1, 2]}"#), Some(r#"{"caf\u00e9": "}"}"#)];
    let types = ["episodic", "semantic", "procedural", "working"];
    for (memory_type, metadata) in types.into_iter().zip(metadata) {
        let new = NewMemory::new("n", memory_type, "something").record_id(memory_type);
        let new = new.memory_type(memory_type);
        tx.memories().remember(match metadata {
            Some(text) => new.metadata(json(text)),
            None => new,
        })?;
    }
    Ok(())
}

fn all(store: &Store) -> Vec<(String, MemoryType, Option<Json>)> {
    let read = store.read().unwrap();
    let rows = read.iter::<Memory>().unwrap().map(|row| row.unwrap().1);
    rows.map(|memory| (memory.record_id, memory.memory_type, memory.metadata)).collect()
}

#[test]
fn memories_of_new_types_go_out_as_the_nearest_old_type_and_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    store.write(new_types).unwrap();
    let out = Exported::of(&store, folder.path());
    check(
        &out.db("unified_memory"),
        "SELECT record_id, memory_type, metadata, json_valid(metadata) FROM memory_records",
        &[
            r#"episodic|context|{"engraph_memory_type": "episodic"}|1"#,
            r#"semantic|agent|{ "engraph_memory_type": "semantic"}|1"#,
            r#"procedural|agent|{"a":[1, 2], "engraph_memory_type": "procedural"}|1"#,
            r#"working|context|{"caf\u00e9": "}", "engraph_memory_type": "working"}|1"#,
        ],
    );
    assert_eq!(all(&out.back("unified_memory")), all(&store), "letter by letter");
}

#[test]
fn an_imported_memory_keeps_its_new_type_when_it_is_changed_here() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    store.write(new_types).unwrap();
    let back = Exported::of(&store, folder.path()).back("unified_memory");
    back.write(|tx| {
        let change = |tx: &mut WriteTx<'_>, name: &str, change: fn(&mut Memory)| {
            let (id, _) = tx.find::<Memory>("record_id", name)?.unwrap();
            let changed = |memory: &mut Memory| {
                change(memory);
                Ok(())
            };
            tx.memories().update(id, changed).map(drop)
        };
        change(tx, "episodic", |memory| memory.metadata = Some(json(r#"{"b": 1}"#)))?;
        change(tx, "working", |memory| memory.memory_type = MemoryType::Summary)?;
        change(tx, "semantic", |memory| memory.content = "else".into())
    })
    .unwrap();
    let again = tempfile::tempdir().unwrap();
    let out = Exported::of(&back, again.path());
    check(
        &out.db("unified_memory"),
        "SELECT record_id, memory_type, metadata, content FROM memory_records
         WHERE record_id <> 'procedural'",
        &[
            r#"episodic|context|{"b": 1, "engraph_memory_type": "episodic"}|something"#,
            r#"semantic|agent|{ "engraph_memory_type": "semantic"}|else"#,
            r#"working|summary|{"caf\u00e9": "}"}|something"#,
        ],
    );
    assert_eq!(all(&out.back("unified_memory")), all(&back));
}

#[test]
fn types_that_nobody_knows_are_set_aside_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    store
        .write(|tx| {
            tx.memories().remember(NewMemory::new("n", "a", "x").memory_type("dream"))?;
            tx.memories().remember(NewMemory::new("n", "b", "y")).map(drop)
        })
        .unwrap();
    let out = Exported::of(&store, folder.path());
    let file = out.file("unified_memory");
    assert_eq!(file.rows["memory_records"], 1);
    assert!(file.notes.iter().any(|note| note.starts_with("memory_records: 1 rows would stop")));
    let aside = out.folder.join("unified_memory.db.quarantine.jsonl");
    let aside = std::fs::read_to_string(aside).unwrap();
    assert!(aside.contains(r#""column":"memory_type""#) && aside.contains("dream"), "{aside}");
}

#[test]
fn a_memory_written_without_times_and_scores_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), |tx| {
        tx.insert(&Memory { record_id: "a".into(), ..Memory::default() })?;
        let updated_at = Some(Timestamp::from_micros(1));
        tx.insert(&Memory { record_id: "b".into(), updated_at, ..Memory::default() }).map(drop)
    });
    check(
        &out.db("unified_memory"),
        "SELECT record_id, created_at, updated_at, importance_score, confidence_score
         FROM memory_records",
        &[
            "a|2026-02-14T08:18:02|2026-02-14T08:18:02|1.0|NULL",
            "b|1970-01-01T00:00:00.000001|1970-01-01T00:00:00.000001|1.0|NULL",
        ],
    );
    let notes = &out.file("unified_memory").notes;
    let filled = |column: &str, rows| {
        let note =
            format!("memory_records.{column}: filled in where records say nothing, in {rows} rows");
        assert!(notes.contains(&note), "{notes:?}");
    };
    filled("created_at", 2);
    filled("updated_at", 1);
    filled("importance_score", 2);
}

fn propose(tx: &mut WriteTx<'_>) -> Result<()> {
    let policy = ReviewPolicy::new().needs_provenance(NeedsProvenance::Never);
    let new = NewMemoryProposal::new("legal_entities", "entity_doc_-12_1", "High Court, sealed")
        .metadata(json(r#"{"entity_type": "Court"}"#))
        .agent("LegalEntityExtractor")
        .document_name("doc_-12")
        .confidence(0.25);
    let first = tx.memories().propose(new, &policy)?;
    let new = NewMemoryProposal::new("n", "second", "plain").confidence(0.5).importance(0.5);
    let second = tx.memories().propose(new.memory_type("episodic"), &policy)?;
    let new = NewMemoryProposal::new("n", "third", "sure").importance(0.5);
    let third = tx.memories().propose(new, &policy)?;
    tx.memories().reject(third.id)?;
    tx.memories().approve(first.id, &MemoryCorrection::new(), &policy)?;
    assert!(second.memory.is_none());
    Ok(())
}

#[test]
fn proposals_are_listed_and_counted_by_the_old_statements() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), propose);
    assert_eq!(out.kinds(), ["documents", "memory_proposals", "unified_memory"]);
    let db = out.db("memory_proposals");
    check(
        &db,
        "SELECT id, namespace, key, memory_type, agent_id, document_id, metadata_json, confidence,
         importance, status, flags_json, length(stored_record_id), created_at, approved_at,
         rejected_at FROM memory_proposals ORDER BY id DESC LIMIT 200 OFFSET 0",
        &[
            "3|n|third|analysis|NULL|NULL|NULL|1.0|0.5|rejected|[]|36\
             |2026-02-14T08:18:02|2026-02-14T08:18:02|2026-02-14T08:18:02",
            concat!(
                "2|n|second|context|NULL|NULL|",
                r#"{"engraph_memory_type": "episodic"}|0.5|0.5|pending|[]|NULL"#,
                "|2026-02-14T08:18:02|NULL|NULL"
            ),
            concat!(
                "1|legal_entities|entity_doc_-12_1|analysis|LegalEntityExtractor|doc_-12|",
                r#"{"entity_type": "Court"}|0.25|1.0|approved|"#,
                r#"["low_confidence", "high_impact", "sensitive"]|36"#,
                "|2026-02-14T08:18:02|2026-02-14T08:18:02|NULL"
            ),
        ],
    );
    check(
        &db,
        "SELECT status, count(*) FROM memory_proposals GROUP BY status ORDER BY status",
        &["approved|1", "pending|1", "rejected|1"],
    );
    let (stored, name) = (out.db("unified_memory"), out.file("memory_proposals").path.clone());
    stored.execute("ATTACH ?1 AS waiting", [name.to_str().unwrap()]).unwrap();
    check(
        &stored,
        "SELECT p.id, m.content, m.confidence_score, json_extract(m.metadata, '$.entity_type'),
         json_extract(m.metadata, '$.expert_verified')
         FROM waiting.memory_proposals p JOIN memory_records m ON m.record_id = p.stored_record_id
         WHERE p.status = 'approved'",
        &["1|High Court, sealed|1.0|Court|1"],
    );
    check(
        &out.db("documents"),
        "SELECT category, status, verified_by, source FROM manager_knowledge
         WHERE term = 'High Court, sealed'",
        &["Court|verified|expert_approval|memory_proposal:1"],
    );
    let back = out.back("memory_proposals");
    let types: Vec<MemoryType> = back
        .read()
        .unwrap()
        .iter::<MemoryProposal>()
        .unwrap()
        .map(|row| row.unwrap().1.memory_type)
        .collect();
    assert_eq!(types, [MemoryType::Analysis, MemoryType::Episodic, MemoryType::Analysis]);
}
