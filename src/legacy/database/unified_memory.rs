//! Database kind `unified_memory`: memories, their links to code, and sharing.

use super::{Column, Database, Export, Needs, floats, key, memory_type, table, time, utc};
use crate::legacy::time::{Stamp, Zoneless};
use crate::record::{Memory, MemoryCodeLink, MemorySharing};

const TYPE: [Column; 2] = memory_type("metadata");

pub(super) static DATABASE: Database = Database {
    kind: "unified_memory",
    default_name: "unified_memory.db",
    wal: false,
    has: &[Needs { table: "memory_records", columns: &["record_id", "namespace", "key"] }],
    lacks: &[Needs { table: "files_index", columns: &[] }],
    tables: &[
        table::<Memory>(
            "memory_records",
            &[
                TYPE[0],
                TYPE[1],
                time("created_at", "created_at", Stamp::D, Zoneless::Local),
                time("updated_at", "updated_at", Stamp::D, Zoneless::Local),
                floats("embedding_vector", "embedding"),
            ],
        ),
        table::<MemorySharing>(
            "knowledge_sharing",
            &[
                key("source_record_id", "memory", "memory_records", "record_id"),
                utc("shared_at", "shared_at"),
            ],
        ),
        table::<MemoryCodeLink>(
            "memory_code_links",
            &[
                key("memory_record_id", "memory", "memory_records", "record_id"),
                utc("created_at", "created_at"),
            ],
        ),
    ],
    schema: include_str!("schema/unified_memory.sql"),
    export: Export::Always,
};
