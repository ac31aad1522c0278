//! Database kind `memory_proposals`: memories that wait for a decision.

use super::{Column, Database, Export, Needs, json, memory_type, table, time};
use crate::legacy::time::{Stamp, Zoneless};
use crate::record::MemoryProposal;

const TYPE: [Column; 2] = memory_type("metadata_json");

pub(super) static DATABASE: Database = Database {
    kind: "memory_proposals",
    default_name: "memory_proposals.db",
    wal: false,
    has: &[Needs { table: "memory_proposals", columns: &["stored_record_id", "flags_json"] }],
    lacks: &[],
    tables: &[table::<MemoryProposal>(
        "memory_proposals",
        &[
            TYPE[0],
            TYPE[1],
            json("flags_json", "flags"),
            time("created_at", "created_at", Stamp::D, Zoneless::Local),
            time("approved_at", "approved_at", Stamp::D, Zoneless::Local),
            time("rejected_at", "rejected_at", Stamp::D, Zoneless::Local),
        ],
    )],
    schema: include_str!("schema/memory_proposals.sql"),
    export: Export::Always,
};
