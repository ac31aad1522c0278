//! What is done with each table of a source: which record type, which columns, which keys.

use jiff::tz::TimeZone;

use super::database::{Database, Form, Table};
use super::row::{Resolve, RowMap};
use super::schema::SchemaText;
use crate::base::error::Result;
use crate::base::id::{Kind, NodeId};
use crate::base::key;
use crate::store::core::Core;
use crate::store::sources::SourceTable;

/// One table of a source, in the order in which tables are taken.
#[derive(Debug)]
pub(crate) struct TablePlan {
    /// The place of the table in the schema.
    pub(crate) object: usize,
    pub(crate) name: String,
    pub(crate) columns: usize,
    /// What its rows become; nothing for tables that are carried verbatim.
    pub(crate) typed: Option<Typed>,
}

/// How the rows of a table become records.
#[derive(Debug)]
pub(crate) struct Typed {
    pub(crate) table: &'static Table,
    pub(crate) kind: Kind,
    pub(crate) map: RowMap,
    /// Whether rows refer to others by their natural keys, which must be in by then.
    pub(crate) refers_by_key: bool,
}

/// Plans every table of a source: typed ones that refer to nothing by key first, then those that
/// do, then the others.
pub(crate) fn plan(
    core: &Core,
    database: &'static Database,
    schema: &SchemaText,
    zone: &TimeZone,
) -> Result<Vec<TablePlan>> {
    let mut plans = Vec::new();
    for (object, described, rows) in schema.tables() {
        let table = database
            .tables
            .iter()
            .find(|table| table.name.eq_ignore_ascii_case(&described.name))
            .filter(|_| rows.shadow_of.is_none());
        let typed = match table {
            None => None,
            Some(table) => typed(core, table, schema, rows, zone)?,
        };
        let columns = rows.columns.len();
        plans.push(TablePlan { object, name: described.name.clone(), columns, typed });
    }
    plans.sort_by_key(|plan| match &plan.typed {
        Some(typed) if !typed.refers_by_key => 0,
        Some(_) => 1,
        None => 2,
    });
    Ok(plans)
}

fn typed(
    core: &Core,
    table: &'static Table,
    schema: &SchemaText,
    rows: &super::schema::TableText,
    zone: &TimeZone,
) -> Result<Option<Typed>> {
    let Some(kind) = core.kinds.by_name(table.record) else { return Ok(None) };
    let fields = (table.ops.fields)()?;
    let map = RowMap::new(table, rows, &fields, schema.header.encoding, zone.clone());
    let refers_by_key =
        table.columns.iter().any(|column| matches!(column.form, Form::KeyRef { .. }));
    Ok(Some(Typed { table, kind, map, refers_by_key }))
}

/// Finds records by what the rows of a source say: row numbers through runs, keys through `find`.
pub(crate) struct Resolver<'a> {
    pub(crate) core: &'a Core,
    pub(crate) database: &'static Database,
    pub(crate) tables: &'a [SourceTable],
    pub(crate) find: &'a FindKey<'a>,
}

/// Looks a natural key up among the records of one source.
pub(crate) type FindKey<'a> = dyn Fn(Kind, &str, &[u8]) -> Option<NodeId> + 'a;

impl Resolve for Resolver<'_> {
    fn row(&self, table: &str, rowid: i64) -> Option<NodeId> {
        self.tables.iter().find(|found| found.name.eq_ignore_ascii_case(table))?.node(rowid)
    }

    fn key(&self, table: &str, index: &str, text: &str) -> Option<NodeId> {
        let described = self.database.tables.iter().find(|found| found.name == table)?;
        let kind = self.core.kinds.by_name(described.record)?;
        (self.find)(kind, index, &key::bytes_of(text))
    }
}
