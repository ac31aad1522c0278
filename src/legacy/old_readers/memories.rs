//! Memories with links and shares, and memories that wait for a decision.

use super::{check, exported, json};
use crate::base::error::Result;
use crate::family::{NewCodeLink, NewMemory};
use crate::record::MemoryType;
use crate::store::WriteTx;

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
