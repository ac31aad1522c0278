//! Database kind `configuration`: settings.

use super::{Column, Database, Export, Form, Needs, table};
use crate::record::ConfigValue;

pub(super) static DATABASE: Database = Database {
    kind: "configuration",
    default_name: "configuration.db",
    wal: false,
    has: &[Needs { table: "configuration", columns: &["key", "value", "value_type"] }],
    lacks: &[],
    tables: &[table::<ConfigValue>(
        "configuration",
        &[Column { column: "value", field: "value", form: Form::Setting }],
    )],
    schema: include_str!("schema/configuration.sql"),
    export: Export::Always,
};
