//! What becomes of records made here on their way into old tables, besides cells for fields: what
//! has no place is counted, and what the old application cannot do without is filled in.

use std::collections::BTreeMap;

use super::born::Births;
use super::plan::Typed;
use super::route::fields_of;
use super::row::RowMap;
use super::scalar::{Scalar, Scalars};
use super::value::Value;
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::store::ReadTx;

/// Fields that say again what a column says, or what can be found again.
const REPEATED: [(&str, &str); 7] = [
    ("memory", "sketch"),
    ("memory_code_link", "file"),
    ("memory_code_link", "memory"),
    ("memory_proposal", "memory"),
    ("file_tag", "file_path"),
    ("file_analysis", "dependency_text"),
    ("provenance_link", "target"),
];

/// Types of files, and the field that has the path.
const PATHS: [(&str, &str); 3] =
    [("indexed_file", "normalized_path"), ("code_file", "file_path"), ("file_review", "path")];

/// Columns with the number of a row as text, and the field that names its record.
const NUMBERS: [(&str, &str, &str); 1] = [("provenance_link", "target_id", "target")];

/// Counts what was not written as it stands in the records.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// Rows whose records say something in a field without a column, by table and field.
    pub(super) not_held: BTreeMap<String, u64>,
    /// Cells that were filled in, by table and column.
    filled: BTreeMap<String, u64>,
    /// References that lead to no row, by table and column, with the first of them.
    unplaced: BTreeMap<String, (u64, NodeId)>,
}

impl Made {
    /// Counts the fields of a record that no column stands for. `nothing` are those of a record
    /// that says nothing.
    pub(super) fn lose(
        &mut self,
        (table, record): (&str, &str),
        map: &RowMap,
        (fields, nothing): (&Scalars, &Scalars),
    ) {
        for (field, value) in fields.iter() {
            let is_said = nothing.get(field) != Some(value);
            if is_said && !map.holds(field) && !REPEATED.contains(&(record, *field)) {
                *self.not_held.entry(format!("{table}.{field}")).or_default() += 1;
            }
        }
    }

    /// Counts a cell that was filled in.
    pub(super) fn fill(&mut self, table: &str, column: &str) {
        *self.filled.entry(format!("{table}.{column}")).or_default() += 1;
    }

    /// Counts a reference to a record without a row.
    pub(super) fn unplace(&mut self, table: &str, column: &str, node: NodeId) {
        self.unplaced.entry(format!("{table}.{column}")).or_insert((0, node)).0 += 1;
    }

    /// What was counted, in words.
    pub(super) fn notes(&self) -> Vec<String> {
        let filled = self.filled.iter().map(|(place, rows)| {
            format!("{place}: filled in where records say nothing, in {rows} rows")
        });
        let unplaced = self.unplaced.iter().map(|(place, (rows, first))| {
            format!("{place}: {first} has no row here, NULL is written, in {rows} rows")
        });
        filled.chain(unplaced).collect()
    }
}

/// The path of a file, whichever list of files it is in.
pub(super) fn path_of(read: &ReadTx, file: NodeId) -> Result<Option<String>> {
    let Some(record) = read.kind_name(file.kind()) else { return Ok(None) };
    let Some((_, field)) = PATHS.iter().find(|(known, _)| *known == record) else {
        return Ok(None);
    };
    Ok(match fields_of(read, &record, file)?.get(field) {
        Some(Scalar::Text(path)) if !path.is_empty() => Some(path.clone()),
        _ => None,
    })
}

/// Writes the paths of files that records name by reference alone, where the table names them by
/// path.
pub(super) fn write_paths(
    read: &ReadTx,
    map: &RowMap,
    fields: &Scalars,
    values: &mut [Value],
) -> Result<()> {
    for (column, field) in map.named_by_key() {
        let is_empty = match &values[column] {
            Value::Null => true,
            Value::Text(text) => text.is_empty(),
            _ => false,
        };
        if let Some(Scalar::Unsigned(number)) = fields.get(field).filter(|_| is_empty)
            && let Some(path) = path_of(read, NodeId::from_u64(*number))?
        {
            values[column] = map.text_cell(path);
        }
    }
    Ok(())
}

/// Writes the numbers of rows that records made here have from now on, where a text names them by
/// their keys.
pub(super) fn write_numbers(
    read: &ReadTx,
    (typed, born): (&Typed, &Births),
    fields: &Scalars,
    values: &mut [Value],
) {
    for (_, text, node) in NUMBERS.iter().filter(|(record, ..)| *record == typed.table.record) {
        let Some(Scalar::Unsigned(number)) = fields.get(node) else { continue };
        let node = NodeId::from_u64(*number);
        let is_key =
            matches!(fields.get(text), Some(Scalar::Text(text)) if *text == node.key().to_string());
        if read.origin(node).is_none()
            && is_key
            && let Some(row) = born.row_anywhere(node)
            && let Some(field) = typed.map.fields().find(|field| field.field == *text)
        {
            values[field.column] = typed.map.text_cell(row.to_string());
        }
    }
}
