//! A read transaction with its tables kept open: opening one costs more than a get.

use std::ops::Bound;
use std::sync::OnceLock;

use redb::{
    OwnedAccessGuard, ReadOnlyTable, ReadTransaction, ReadableTableMetadata as _, TableError,
};

use super::engine::{storage_error, table_error};
use super::guard::{GuardedRows, guarded};
use super::rows::{Bytes, KeyRange, RowIter, Rows};
use super::tables::{RecordTable, SharedTable, TableId, record_key, record_key_from};
use crate::base::error::Result;

/// A consistent view of all tables, shared between threads.
pub(crate) struct Snapshot {
    transaction: ReadTransaction,
    tables: Box<[OnceLock<Option<Open>>]>,
}

enum Open {
    Records(ReadOnlyTable<u64, &'static [u8]>),
    Shared(ReadOnlyTable<&'static [u8], &'static [u8]>),
}

/// What a table takes in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableSize {
    pub(crate) rows: u64,
    pub(crate) stored_bytes: u64,
    pub(crate) overhead_bytes: u64,
}

impl Snapshot {
    pub(crate) fn new(transaction: ReadTransaction) -> Self {
        let tables = (0..TableId::COUNT).map(|_| OnceLock::new()).collect();
        Self { transaction, tables }
    }

    fn table(&self, table: TableId) -> Result<Option<&Open>> {
        let cell = &self.tables[table.index()];
        if let Some(open) = cell.get() {
            return Ok(open.as_ref());
        }
        let opened = guarded(|| table.name(), || self.open(table))?;
        Ok(cell.get_or_init(|| opened).as_ref())
    }

    fn open(&self, table: TableId) -> Result<Option<Open>> {
        let name = table.name();
        let opened = if table.kind().is_some() {
            self.transaction.open_table(RecordTable::new(&name)).map(Open::Records)
        } else {
            self.transaction.open_table(SharedTable::new(&name)).map(Open::Shared)
        };
        match opened {
            Ok(open) => Ok(Some(open)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(table_error(&name, error)),
        }
    }

    /// Rows and bytes of one table. Walks the table's pages for the bytes.
    pub(crate) fn size(&self, table: TableId) -> Result<TableSize> {
        let (rows, stats) = match self.table(table)? {
            None => return Ok(TableSize::default()),
            Some(Open::Records(open)) => (open.len(), open.stats()),
            Some(Open::Shared(open)) => (open.len(), open.stats()),
        };
        let name = table.name();
        let stats = stats.map_err(|error| storage_error(&name, error))?;
        Ok(TableSize {
            rows: rows.map_err(|error| storage_error(&name, error))?,
            stored_bytes: stats.stored_bytes(),
            overhead_bytes: stats.metadata_bytes() + stats.fragmented_bytes(),
        })
    }

    /// The number of rows of one table. Constant cost.
    pub(crate) fn count(&self, table: TableId) -> Result<u64> {
        let count = match self.table(table)? {
            None => return Ok(0),
            Some(Open::Records(open)) => open.len(),
            Some(Open::Shared(open)) => open.len(),
        };
        count.map_err(|error| storage_error(&table.name(), error))
    }
}

impl Rows for Snapshot {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>> {
        let Some(open) = self.table(table)? else { return Ok(None) };
        let find = || {
            let found = match open {
                Open::Records(open) => open.get_owned(record_key_from(key)),
                Open::Shared(open) => open.get_owned(key),
            };
            match found {
                Ok(guard) => Ok(guard.map(page)),
                Err(error) => Err(storage_error(&table.name(), error)),
            }
        };
        guarded(|| table.name(), find)
    }

    fn range(&self, table: TableId, range: KeyRange) -> Result<RowIter<'_>> {
        if range.is_empty() {
            return Ok(Box::new(std::iter::empty()));
        }
        let Some(open) = self.table(table)? else { return Ok(Box::new(std::iter::empty())) };
        guarded(|| table.name(), || rows_of(open, table, &range))
    }
}

/// The value behind a guard. Looks at it once, while a panic of the engine is still an error: a
/// damaged page can say that the value lies outside of it.
fn page(guard: OwnedAccessGuard<&'static [u8]>) -> Bytes {
    std::hint::black_box(guard.value().len());
    Bytes::Page(guard)
}

/// The rows of a range of an open table.
fn rows_of<'a>(open: &'a Open, table: TableId, range: &KeyRange) -> Result<RowIter<'a>> {
    match open {
        Open::Records(open) => {
            let Some(bounds) = number_bounds(range) else {
                return Ok(Box::new(std::iter::empty()));
            };
            let rows = open
                .range_owned(bounds)
                .map_err(|error| storage_error(&table.name(), error))?
                .map(move |row| match row {
                    Ok((key, value)) => Ok((record_key(key.value()).into(), page(value))),
                    Err(error) => Err(storage_error(&table.name(), error)),
                });
            Ok(Box::new(GuardedRows::new(rows, table.name().into(), range.descending)))
        }
        Open::Shared(open) => {
            let bounds =
                (range.from.as_ref().map(Vec::as_slice), range.to.as_ref().map(Vec::as_slice));
            let rows = open
                .range_owned::<&[u8]>(bounds)
                .map_err(|error| storage_error(&table.name(), error))?
                .map(move |row| match row {
                    Ok((key, value)) => Ok((key.value().into(), page(value))),
                    Err(error) => Err(storage_error(&table.name(), error)),
                });
            Ok(Box::new(GuardedRows::new(rows, table.name().into(), range.descending)))
        }
    }
}

/// Byte bounds of a record table as bounds of numbers. `None` when nothing lies between them.
pub(crate) fn number_bounds(range: &KeyRange) -> Option<(Bound<u64>, Bound<u64>)> {
    let number = |bound: &Bound<Vec<u8>>| bound.as_ref().map(|bytes| record_key_from(bytes));
    let bounds = (number(&range.from), number(&range.to));
    let empty = match bounds {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
        | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
        _ => false,
    };
    (!empty).then_some(bounds)
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}
