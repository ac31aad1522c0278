//! Database kind `configuration`: settings.

use super::{Database, Export, Needs, table};
use crate::record::ConfigValue;

pub(super) static DATABASE: Database = Database {
    kind: "configuration",
    default_name: "configuration.db",
    wal: false,
    has: &[Needs { table: "configuration", columns: &["key", "value", "value_type"] }],
    lacks: &[],
    tables: &[table::<ConfigValue>("configuration", &[])],
    schema: include_str!("schema/configuration.sql"),
    export: Export::Always,
};
