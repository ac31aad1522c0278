//! Database kind `organizer`: an early organizer; carried verbatim.

use super::{Database, Export, Needs};

pub(super) static DATABASE: Database = Database {
    kind: "organizer",
    default_name: "organizer.db",
    wal: false,
    has: &[Needs { table: "classification_history", columns: &[] }],
    lacks: &[],
    tables: &[],
    schema: include_str!("schema/organizer.sql"),
    export: Export::Always,
};
