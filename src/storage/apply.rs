//! Writes a layer into an engine transaction: sorted, appending runs through a cursor.

use std::cmp::Reverse;
use std::ops::Bound;

use redb::{CursorError, Key, ReadableTable as _, Table, WriteTransaction};

use super::engine::{storage_error, table_error};
use super::layer::{Layer, LayerRows};
use super::tables::{RecordTable, SharedTable, TableId, record_key_from};
use crate::base::error::{Error, Result};

/// Rows behind the last key from which a cursor pays. It builds pages of its own, so a short run
/// would leave a page nearly empty at each commit.
const CURSOR_ROWS_MIN: usize = 128;

/// Bytes of a layer from which a second thread pays: the tables of a transaction are independent.
const PARALLEL_BYTES_MIN: usize = 8 << 20;

/// Writes every row of `layer`; a large one on two threads, each with its own tables.
pub(crate) fn apply(transaction: &WriteTransaction, layer: &Layer) -> Result<()> {
    let mut tables: Vec<(TableId, &LayerRows)> = layer.tables().collect();
    if layer.bytes() < PARALLEL_BYTES_MIN || tables.len() < 2 {
        return apply_tables(transaction, &tables);
    }
    tables.sort_by_key(|(_, rows)| Reverse(rows.len()));
    let (mut here, mut beside) = (Vec::new(), Vec::new());
    let (mut rows_here, mut rows_beside) = (0, 0);
    for (table, rows) in tables {
        if rows_here <= rows_beside {
            here.push((table, rows));
            rows_here += rows.len();
        } else {
            beside.push((table, rows));
            rows_beside += rows.len();
        }
    }
    std::thread::scope(|scope| {
        let other = scope.spawn(|| apply_tables(transaction, &beside));
        let applied = apply_tables(transaction, &here);
        // A panic of the engine is one in whichever thread; the caller knows what to make of it.
        let other = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        applied.and(other)
    })
}

fn apply_tables(transaction: &WriteTransaction, tables: &[(TableId, &LayerRows)]) -> Result<()> {
    for &(table, rows) in tables {
        let name = table.name();
        if table.kind().is_some() {
            let mut open = transaction
                .open_table(RecordTable::new(&name))
                .map_err(|error| table_error(&name, error))?;
            let last = open
                .last()
                .map_err(|error| storage_error(&name, error))?
                .map(|(key, _)| key.value());
            let appended = |key: &[u8]| last.is_none_or(|last| record_key_from(key) > last);
            write_rows(table, &mut open, rows, appended, record_key_from)?;
        } else {
            let mut open = transaction
                .open_table(SharedTable::new(&name))
                .map_err(|error| table_error(&name, error))?;
            let last = open
                .last()
                .map_err(|error| storage_error(&name, error))?
                .map(|(key, _)| key.value().to_vec());
            let appended = |key: &[u8]| last.as_deref().is_none_or(|last| key > last);
            write_rows(table, &mut open, rows, appended, |key| key)?;
        }
    }
    Ok(())
}

/// Rows up to the last key of the table one by one, those behind it through a cursor, which is
/// several times faster and packs the pages full.
fn write_rows<'r, K>(
    table: TableId,
    open: &mut Table<'_, K, &'static [u8]>,
    rows: &'r LayerRows,
    appended: impl Fn(&[u8]) -> bool,
    to_key: impl Fn(&'r [u8]) -> K::SelfType<'r>,
) -> Result<()>
where
    K: Key + 'static,
{
    let fail = |error| storage_error(&table.name(), error);
    let many = rows.len() >= CURSOR_ROWS_MIN;
    let mut tail = rows.iter().peekable();
    while let Some((key, value)) = tail.next_if(|(key, _)| !many || !appended(key)) {
        match value {
            Some(value) => drop(open.insert(to_key(key), value).map_err(fail)?),
            None => drop(open.remove(to_key(key)).map_err(fail)?),
        }
    }
    if tail.peek().is_none() {
        return Ok(());
    }
    let mut cursor = open.upper_bound_mut(Bound::<K::SelfType<'_>>::Unbounded).map_err(fail)?;
    for (key, value) in tail {
        // A deleted row behind the last key is not there.
        if let Some(value) = value {
            cursor.insert_before(to_key(key), value).map_err(|error| match error {
                CursorError::Storage(error) => fail(error),
                other => Error::engine("redb", format!("append to {}", table.name()), other),
            })?;
        }
    }
    cursor.close().map_err(fail)
}
