//! The knowledge graph: loaded whole at the start of the old application.

use super::{check, exported, json};
use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::record::{Entity, Relation};
use crate::store::WriteTx;

fn draw(tx: &mut WriteTx<'_>) -> Result<()> {
    let case = tx.entities().create(&Entity {
        content: Some("Caf\u{e9} v Bar".into()),
        jurisdiction: Some("UK".into()),
        metadata: Some(json(r#"{"legal_domain": "contract"}"#)),
        confidence_score: Some(0.5),
        ..Entity::named("Smith v Jones", "Case")
    })?;
    let gone = tx.entities().create(&Entity::named("gone", "Case"))?;
    tx.entities().relate(case, "cites", gone)?;
    tx.entities().delete(gone)?;
    let statute = tx.entities().create(&Entity {
        entity_id: "ent_x".into(),
        ..Entity::named("Sale of Goods Act", "Statute")
    })?;
    tx.entities().relate(case, "cites", statute)?;
    tx.entities().create_relation(&Relation {
        relation_id: "rel_1".into(),
        relation_type: "applies_to".into(),
        source: Some(statute),
        target: Some(case),
        confidence: Some(0.75),
        strength: Some(0.5),
        is_active: Some(true),
        valid_from: Some(Timestamp::from_micros(1_000_000)),
        evidence: Some(json(r#"["p. 3"]"#)),
        metadata: Some(json(r#"{"provenance_id": 4}"#)),
        ..Relation::default()
    })?;
    Ok(())
}

#[test]
fn entities_and_relations_load_in_the_order_in_which_they_were_made() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), draw);
    assert_eq!(out.kinds(), ["knowledge_graph"]);
    let db = out.db("knowledge_graph");
    check(
        &db,
        "SELECT name, entity_type, content, jurisdiction, metadata_json, date_created,
         confidence_score, embedding FROM entities",
        &[
            "Smith v Jones|Case|Caf\u{e9} v Bar|UK|{\"legal_domain\": \"contract\"}\
             |2026-02-14T08:18:02+00:00|0.5|NULL",
            "Sale of Goods Act|Statute|NULL|NULL|NULL|2026-02-14T08:18:02+00:00|NULL|NULL",
        ],
    );
    // Ends are found by their text ids; none leads nowhere.
    check(
        &db,
        "SELECT r.relation_type, s.name, t.name, r.confidence_score, r.strength, r.is_active,
         r.temporal_validity_start, r.evidence_json, r.metadata_json
         FROM relationships r JOIN entities s ON s.id = r.source_id
         JOIN entities t ON t.id = r.target_id ORDER BY r.rowid",
        &[
            "cites|Smith v Jones|Sale of Goods Act|NULL|NULL|NULL|NULL|NULL|NULL",
            "applies_to|Sale of Goods Act|Smith v Jones|0.75|0.5|1|1970-01-01T00:00:01+00:00\
             |[\"p. 3\"]|{\"provenance_id\": 4}",
        ],
    );
    check(&db, "SELECT count(*), count(DISTINCT id), count(id) FROM relationships", &["2|2|2"]);
    check(&db, "SELECT id FROM entities WHERE lower(trim(name)) = 'sale of goods act'", &["ent_x"]);
}

#[test]
fn a_relation_whose_metadata_would_stop_the_graph_is_set_aside_alone() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), |tx| {
        let one = tx.entities().create(&Entity::named("a", "Case"))?;
        let other = tx.entities().create(&Entity::named("b", "Case"))?;
        tx.entities().relate(one, "cites", other)?;
        tx.entities()
            .create_relation(&Relation {
                relation_type: "cites".into(),
                source: Some(other),
                target: Some(one),
                metadata: Some(json(r#"{"key": 1}"#)),
                ..Relation::default()
            })
            .map(drop)
    });
    let file = out.file("knowledge_graph");
    assert_eq!((file.rows["entities"], file.rows["relationships"]), (2, 1));
    assert!(file.notes.iter().any(|note| note.starts_with("relationships: 1 rows would stop")));
}
