//! Database kind `todo`: a to-do list; carried verbatim.

use super::{Database, Export, Needs};

pub(super) static DATABASE: Database = Database {
    kind: "todo",
    default_name: "todo.db",
    wal: false,
    has: &[
        Needs { table: "entries", columns: &["group_id", "text"] },
        Needs { table: "groups", columns: &[] },
    ],
    lacks: &[],
    tables: &[],
    schema: include_str!("schema/todo.sql"),
    export: Export::Always,
};
