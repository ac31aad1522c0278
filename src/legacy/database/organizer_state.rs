//! Database kind `organizer_state`: the state of an early organizer; carried verbatim.

use super::{Database, Export, Needs};

pub(super) static DATABASE: Database = Database {
    kind: "organizer_state",
    default_name: "organizer_state.db",
    wal: false,
    has: &[
        Needs { table: "llm_assignments", columns: &[] },
        Needs { table: "llm_schema", columns: &[] },
        Needs { table: "execution_log", columns: &[] },
    ],
    lacks: &[],
    tables: &[],
    schema: include_str!("schema/organizer_state.sql"),
    export: Export::Always,
};
