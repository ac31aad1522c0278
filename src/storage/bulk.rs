//! Large writes: straight into an engine transaction of their own, in sorted batches, at memory
//! that does not grow with the load.

use redb::{ReadableTable as _, WriteTransaction};

use super::apply::apply;
use super::engine::{Engine, storage_error, table_error};
use super::filter::KeyFilter;
use super::guard::guarded;
use super::layer::{Layer, Said, merged};
use super::rows::{Bytes, KeyRange, RowIter, Rows, RowsMut};
use super::snapshot::{Snapshot, number_bounds};
use super::tables::{RecordTable, SharedTable, TableId, record_key, record_key_from};
use crate::base::error::Result;

/// Bytes of rows that are gathered before they are sorted into the transaction.
const BATCH_BYTES: usize = 96 << 20;
/// Bytes of one table that are put in an ordered map because they are read and written by turns:
/// short rows take six times their bytes meanwhile, so that more of them are flushed instead.
const MOVED_BYTES_MAX: usize = 1 << 20;
/// Rows that the first step of a range over the transaction copies: most ranges ask for one row.
const PAGE_ROWS_FIRST: usize = 2;
/// Rows that later steps copy; they grow up to this.
const PAGE_ROWS_MAX: usize = 256;

/// Tables of which a load asks for rows that are mostly not there: the natural keys of new records,
/// the neighbours of new nodes.
const FILTERED: [TableId; 2] = [TableId::UNIQUE, TableId::ADJACENCY];

/// An engine transaction with a batch of rows over it.
pub(crate) struct Bulk {
    batch: Layer,
    transaction: WriteTransaction,
    /// What was there when the transaction began.
    before: Snapshot,
    /// Tables that had no rows when the transaction began and were not flushed to since: looking
    /// into them is for nothing.
    empty: Box<[bool]>,
    /// The keys of [`FILTERED`] tables that were written or deleted here.
    touched: [KeyFilter; FILTERED.len()],
    written: bool,
    /// Bytes of the batch from which it is flushed.
    batch_bytes_max: usize,
}

impl Bulk {
    pub(crate) fn new(transaction: WriteTransaction, before: Snapshot) -> Result<Self> {
        let empty = TableId::all()
            .map(|table| before.count(table).map(|rows| rows == 0))
            .collect::<Result<_>>()?;
        let touched = FILTERED.map(|_| KeyFilter::default());
        let batch = Layer::for_load();
        let batch_bytes_max = BATCH_BYTES;
        Ok(Self { batch, transaction, before, empty, touched, written: false, batch_bytes_max })
    }

    /// Whether any row was written or deleted, names apart.
    pub(crate) fn is_written(&self) -> bool {
        self.written
    }

    fn flush(&mut self) -> Result<()> {
        if !self.batch.is_empty() {
            guarded(|| "transaction", || apply(&self.transaction, &self.batch))?;
            for (table, _) in self.batch.tables() {
                self.empty[table.index()] = false;
            }
            self.batch = Layer::for_load();
        }
        Ok(())
    }

    /// Makes everything durable.
    pub(crate) fn commit(mut self) -> Result<()> {
        self.flush()?;
        Engine::commit_transaction(self.transaction)
    }

    /// Leaves no trace. Never dropped while unwinding: that would leak pages.
    pub(crate) fn abort(self) -> Result<()> {
        Engine::abort_transaction(self.transaction)
    }

    fn filter(table: TableId) -> Option<usize> {
        FILTERED.iter().position(|filtered| *filtered == table)
    }

    fn set(&mut self, table: TableId, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        self.written |= table != TableId::NAMES;
        if let Some(filter) = Self::filter(table) {
            self.touched[filter].add(key);
        }
        if self.batch.bytes_to_move(table) > self.batch_bytes_max.min(MOVED_BYTES_MAX) {
            self.flush()?;
        }
        self.batch.set(table, key, value);
        if self.batch.bytes() > self.batch_bytes_max { self.flush() } else { Ok(()) }
    }

    fn base_get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>> {
        if self.empty[table.index()] {
            return Ok(None);
        }
        guarded(|| table.name(), || self.transaction_get(table, key))
    }

    fn transaction_get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>> {
        let name = table.name();
        let value = if table.kind().is_some() {
            let open = self
                .transaction
                .open_table(RecordTable::new(&name))
                .map_err(|error| table_error(&name, error))?;
            let found =
                open.get(record_key_from(key)).map_err(|error| storage_error(&name, error))?;
            found.map(|guard| guard.value().to_vec())
        } else {
            let open = self
                .transaction
                .open_table(SharedTable::new(&name))
                .map_err(|error| table_error(&name, error))?;
            let found = open.get(key).map_err(|error| storage_error(&name, error))?;
            found.map(|guard| guard.value().to_vec())
        };
        Ok(value.map(Bytes::Copy))
    }

    fn base_page(&self, table: TableId, range: &KeyRange, rows_max: usize) -> Result<Page> {
        let name = table.name();
        let fail = |error| storage_error(&name, error);
        let mut page = Vec::new();
        if table.kind().is_some() {
            let Some(bounds) = number_bounds(range) else { return Ok(page) };
            let open = self
                .transaction
                .open_table(RecordTable::new(&name))
                .map_err(|error| table_error(&name, error))?;
            let mut rows = open.range(bounds).map_err(fail)?;
            while page.len() < rows_max {
                let row = if range.descending { rows.next_back() } else { rows.next() };
                let Some(row) = row else { break };
                let (key, value) = row.map_err(fail)?;
                page.push((record_key(key.value()).into(), value.value().to_vec()));
            }
        } else {
            let bounds =
                (range.from.as_ref().map(Vec::as_slice), range.to.as_ref().map(Vec::as_slice));
            let open = self
                .transaction
                .open_table(SharedTable::new(&name))
                .map_err(|error| table_error(&name, error))?;
            let mut rows = open.range::<&[u8]>(bounds).map_err(fail)?;
            while page.len() < rows_max {
                let row = if range.descending { rows.next_back() } else { rows.next() };
                let Some(row) = row else { break };
                let (key, value) = row.map_err(fail)?;
                page.push((key.value().into(), value.value().to_vec()));
            }
        }
        Ok(page)
    }

    fn base_range(&self, table: TableId, range: KeyRange) -> RowIter<'_> {
        let mut left = Some(range);
        let mut rows_max = PAGE_ROWS_FIRST;
        let pages = std::iter::from_fn(move || {
            let range = left.take()?;
            let page = match guarded(|| table.name(), || self.base_page(table, &range, rows_max)) {
                Ok(page) => page,
                Err(error) => return Some(vec![Err(error)]),
            };
            if let Some((last, _)) = page.last().filter(|_| page.len() == rows_max) {
                let rest = if range.descending { range.before(last) } else { range.after(last) };
                left = (!rest.is_empty()).then_some(rest);
                rows_max = (rows_max * 4).min(PAGE_ROWS_MAX);
            }
            Some(page.into_iter().map(|(key, value)| Ok((key, Bytes::Copy(value)))).collect())
        });
        Box::new(pages.flatten())
    }
}

/// Copied rows.
type Page = Vec<(Box<[u8]>, Vec<u8>)>;

impl Rows for Bulk {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>> {
        if Self::filter(table).is_some_and(|filter| !self.touched[filter].may_have(key)) {
            return self.before.get(table, key);
        }
        match self.batch.get(table, key) {
            Said::Value(value) => Ok(Some(value)),
            Said::Deleted => Ok(None),
            Said::Nothing => self.base_get(table, key),
        }
    }

    fn range(&self, table: TableId, range: KeyRange) -> Result<RowIter<'_>> {
        if range.is_empty() {
            return Ok(Box::new(std::iter::empty()));
        }
        let base = if self.empty[table.index()] {
            Box::new(std::iter::empty())
        } else {
            self.base_range(table, range.clone())
        };
        Ok(merged(&[&self.batch], base, table, &range))
    }
}

impl RowsMut for Bulk {
    fn put(&mut self, table: TableId, key: &[u8], value: &[u8]) -> Result<()> {
        self.set(table, key, Some(value))
    }

    fn delete(&mut self, table: TableId, key: &[u8]) -> Result<()> {
        self.set(table, key, None)
    }
}

impl std::fmt::Debug for Bulk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bulk").field("batch_bytes", &self.batch.bytes()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::id::Kind;
    use crate::storage::engine::EngineOptions;
    use crate::storage::testing::MemoryRows;

    /// Two that are filtered, one that is not, and one with numbers as keys.
    fn tables() -> [TableId; 4] {
        [TableId::UNIQUE, TableId::ADJACENCY, TableId::INDEX, TableId::records(Kind(1))]
    }

    #[derive(Clone, Debug)]
    enum Step {
        Put(u8),
        Delete,
        Get,
        Range(bool),
    }

    fn steps() -> impl Strategy<Value = Vec<(usize, u8, Step)>> {
        let step = prop_oneof![
            4 => any::<u8>().prop_map(Step::Put),
            1 => Just(Step::Delete),
            2 => Just(Step::Get),
            1 => any::<bool>().prop_map(Step::Range),
        ];
        prop::collection::vec((0..4_usize, 0_u8..4, step), 0..80)
    }

    fn seen(rows: &impl Rows, table: TableId, range: KeyRange) -> Vec<(Vec<u8>, Vec<u8>)> {
        let rows = rows.range(table, range).unwrap().map(|row| {
            let (key, value) = row.unwrap();
            (key.into_vec(), value.to_vec())
        });
        rows.collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_bulk_reads_like_one_map_whenever_it_is_flushed(
            before in steps(),
            during in steps(),
            batch_bytes_max in prop_oneof![Just(0_usize), Just(150), Just(400), Just(BATCH_BYTES)],
        ) {
            let directory = tempfile::tempdir().unwrap();
            let options = EngineOptions::new(1 << 20);
            let engine = Engine::create(&directory.path().join("data"), options).unwrap();
            let mut model = MemoryRows::default();
            for (most, steps) in [(BATCH_BYTES, before), (batch_bytes_max, during)] {
                let mut bulk = engine.bulk().unwrap();
                bulk.batch_bytes_max = most;
                for (table, key, step) in steps {
                    let (table, key) = (tables()[table], record_key(u64::from(key)));
                    match step {
                        Step::Put(value) => {
                            bulk.put(table, &key, &[value]).unwrap();
                            model.put(table, &key, &[value]).unwrap();
                        }
                        Step::Delete => {
                            bulk.delete(table, &key).unwrap();
                            model.delete(table, &key).unwrap();
                        }
                        Step::Get => {
                            let copied = |rows: &dyn Rows| {
                                rows.get(table, &key).unwrap().map(|value| value.to_vec())
                            };
                            prop_assert_eq!(copied(&bulk), copied(&model));
                        }
                        Step::Range(descending) => {
                            let mut range = KeyRange::all().starting_at(&key);
                            range.descending = descending;
                            let expected = seen(&model, table, range.clone());
                            prop_assert_eq!(seen(&bulk, table, range), expected);
                        }
                    }
                }
                bulk.commit().unwrap();
                let snapshot = engine.snapshot().unwrap();
                for table in tables() {
                    prop_assert_eq!(seen(&snapshot, table, KeyRange::all()), model.table(table));
                }
            }
        }
    }
}
