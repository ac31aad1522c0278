//! Database kind `vector_store`: the vector store.

use super::{Database, Export, Needs, floats, json, plain, table, time};
use crate::legacy::time::{Stamp, Zoneless};
use crate::record::VectorDocument;

pub(super) static DATABASE: Database = Database {
    kind: "vector_store",
    default_name: "metadata.db",
    wal: false,
    has: &[Needs { table: "documents", columns: &["embedding", "ttl_seconds", "last_accessed"] }],
    lacks: &[
        Needs { table: "files_index", columns: &[] },
        Needs { table: "documents", columns: &["file_name"] },
    ],
    tables: &[table::<VectorDocument>(
        "documents",
        &[
            plain("id", "vector_id"),
            floats("embedding", "embedding"),
            json("metadata_json", "metadata"),
            time("date_created", "created_at", Stamp::E, Zoneless::Utc),
            time("last_accessed", "last_accessed_at", Stamp::E, Zoneless::Utc),
            json("tags_json", "tags"),
        ],
    )],
    schema: include_str!("schema/vector_store.sql"),
    export: Export::Always,
};
