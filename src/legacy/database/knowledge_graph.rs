//! Database kind `knowledge_graph`: the knowledge graph.

use super::{Database, Export, Needs, flag, floats, json, key, plain, table, time};
use crate::legacy::time::{Stamp, Zoneless};
use crate::record::{Entity, Relation};

pub(super) static DATABASE: Database = Database {
    kind: "knowledge_graph",
    default_name: "knowledge_graph.db",
    wal: false,
    has: &[
        Needs { table: "entities", columns: &["id", "entity_type"] },
        Needs { table: "relationships", columns: &["source_id", "target_id", "relation_type"] },
    ],
    lacks: &[Needs { table: "files", columns: &[] }],
    tables: &[
        table::<Entity>(
            "entities",
            &[
                plain("id", "entity_id"),
                time("date_created", "created_at", Stamp::E, Zoneless::Utc),
                time("date_modified", "updated_at", Stamp::E, Zoneless::Utc),
                json("classification_json", "classification"),
                json("relationships_json", "relationships"),
                json("context_tags_json", "context_tags"),
                json("metadata_json", "metadata"),
                floats("embedding", "embedding"),
            ],
        ),
        table::<Relation>(
            "relationships",
            &[
                plain("id", "relation_id"),
                key("source_id", "source", "entities", "entity_id"),
                key("target_id", "target", "entities", "entity_id"),
                plain("confidence_score", "confidence"),
                time("temporal_validity_start", "valid_from", Stamp::E, Zoneless::Utc),
                time("temporal_validity_end", "valid_to", Stamp::E, Zoneless::Utc),
                flag("is_active"),
                json("evidence_json", "evidence"),
                json("citations_json", "citations"),
                json("metadata_json", "metadata"),
            ],
        ),
    ],
    schema: include_str!("schema/knowledge_graph.sql"),
    export: Export::Always,
};
