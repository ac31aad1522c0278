//! Copies the live rows of every table into a new file, checks it, and puts it in place.
//!
//! The engine's own compaction leaves deleted values in the file and gives back only what lies at
//! its end; a copy has neither fault and packs its pages full.

use std::fs;
use std::ops::Bound;
use std::path::Path;

use redb::{CursorError, WriteTransaction};

use super::engine::{Engine, EngineOptions, storage_error, table_error};
use super::place;
use super::rows::{KeyRange, Rows as _};
use super::snapshot::Snapshot;
use super::tables::{RecordTable, SharedTable, TableId, record_key_from};
use crate::base::error::{Error, Result};

/// Rows that one engine transaction of a copy takes at most, by their bytes.
const BATCH_BYTES: usize = 256 << 20;

/// Copies `from` into a new file at `to`, durable when this returns.
pub(crate) fn copy(from: &Snapshot, to: &Path, options: EngineOptions) -> Result<()> {
    let mut engine = Engine::create(to, options)?;
    for table in TableId::all() {
        let rows = from.count(table)?;
        if rows > 0 {
            copy_table(from, &engine, table)?;
            let copied = engine.snapshot()?.count(table)?;
            if copied != rows {
                let detail = format!("copy of {} has {copied} rows of {rows}", table.name());
                return Err(Error::corrupt(to.display().to_string(), detail));
            }
        }
    }
    engine.trim()?;
    engine.close()
}

fn copy_table(from: &Snapshot, engine: &Engine, table: TableId) -> Result<()> {
    let mut next = Some(KeyRange::all());
    while let Some(range) = next.take() {
        let transaction = engine.begin()?;
        let last = if table.kind().is_some() {
            copy_records(from, &transaction, table, range)
        } else {
            copy_shared(from, &transaction, table, range)
        };
        match last {
            Ok(last) => next = last.map(|key| KeyRange::all().after(&key)),
            Err(error) => {
                drop(transaction.abort());
                return Err(error);
            }
        }
        Engine::commit_transaction(transaction)?;
    }
    Ok(())
}

/// Copies rows until a batch is full; the last key then.
fn copy_records(
    from: &Snapshot,
    transaction: &WriteTransaction,
    table: TableId,
    range: KeyRange,
) -> Result<Option<Box<[u8]>>> {
    let name = table.name();
    let mut open = transaction
        .open_table(RecordTable::new(&name))
        .map_err(|error| table_error(&name, error))?;
    let mut cursor = open
        .upper_bound_mut(Bound::<u64>::Unbounded)
        .map_err(|error| storage_error(&name, error))?;
    let mut bytes = 0;
    let mut last = None;
    for row in from.range(table, range)? {
        let (key, value) = row?;
        cursor
            .insert_before(record_key_from(&key), &value[..])
            .map_err(|error| cursor_error(&name, error))?;
        bytes += value.len();
        if bytes > BATCH_BYTES {
            last = Some(key);
            break;
        }
    }
    cursor.close().map_err(|error| storage_error(&name, error))?;
    Ok(last)
}

fn copy_shared(
    from: &Snapshot,
    transaction: &WriteTransaction,
    table: TableId,
    range: KeyRange,
) -> Result<Option<Box<[u8]>>> {
    let name = table.name();
    let mut open = transaction
        .open_table(SharedTable::new(&name))
        .map_err(|error| table_error(&name, error))?;
    let mut cursor = open
        .upper_bound_mut(Bound::<&[u8]>::Unbounded)
        .map_err(|error| storage_error(&name, error))?;
    let mut bytes = 0;
    let mut last = None;
    for row in from.range(table, range)? {
        let (key, value) = row?;
        cursor.insert_before(&key[..], &value[..]).map_err(|error| cursor_error(&name, error))?;
        bytes += key.len() + value.len();
        if bytes > BATCH_BYTES {
            last = Some(key);
            break;
        }
    }
    cursor.close().map_err(|error| storage_error(&name, error))?;
    Ok(last)
}

fn cursor_error(name: &str, error: CursorError) -> Error {
    match error {
        CursorError::Storage(error) => storage_error(name, error),
        other => Error::engine("redb", format!("append to {name}"), other),
    }
}

/// Puts a finished copy in the place of the file that it was made from.
pub(crate) fn replace(copy: &Path, original: &Path) -> Result<()> {
    fs::rename(copy, original).map_err(|error| Error::io("rename", copy, error))?;
    place::sync_parent(original)
}
