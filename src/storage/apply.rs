//! Writes a layer into an engine transaction: sorted, rows that lie together through a cursor.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::ops::Bound;

use redb::{CursorError, Key, ReadableTable as _, Table, WriteTransaction};

use super::engine::{storage_error, table_error};
use super::layer::{Layer, LayerRows};
use super::run::RunRow;
use super::tables::{RecordTable, SharedTable, TableId, record_key, record_key_from};
use crate::base::error::{Error, Result};

/// Rows between two neighbours from which a cursor pays. It builds pages of its own, so that a
/// short run would leave a page nearly empty at each commit.
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
            write_rows(&name, &mut open, rows, record_key_from, |key| record_key(key).to_vec())?;
        } else {
            let mut open = transaction
                .open_table(SharedTable::new(&name))
                .map_err(|error| table_error(&name, error))?;
            write_rows(&name, &mut open, rows, |key| key, <[u8]>::to_vec)?;
        }
    }
    Ok(())
}

/// Many rows between two neighbours of the table, or behind its last, go in through a cursor, which
/// is several times faster and packs the pages full; others one by one.
fn write_rows<'r, K>(
    name: &str,
    open: &mut Table<'_, K, &'static [u8]>,
    rows: &'r LayerRows,
    to_key: impl Fn(&'r [u8]) -> K::SelfType<'r>,
    to_bytes: impl Fn(K::SelfType<'_>) -> Vec<u8>,
) -> Result<()>
where
    K: Key + 'static,
{
    let fail = |error| storage_error(name, error);
    let mut ahead = Ahead::of(rows);
    while let Some(first) = ahead.first() {
        if let Some(last) = ahead.last_of_many() {
            let next = open.range(to_key(first)..).map_err(fail)?.next().transpose();
            let next = next.map_err(fail)?.map(|(key, _)| to_bytes(key.value()));
            let is_in_gap = |key: &[u8]| next.as_deref().is_none_or(|next| key < next);
            if is_in_gap(last) {
                let gap = Bound::Included(to_key(first));
                let mut cursor = open.lower_bound_mut(gap).map_err(fail)?;
                while let Some((key, value)) = ahead.next_if(is_in_gap) {
                    // A row that is deleted in a gap is not there.
                    if let Some(value) = value {
                        cursor.insert_before(to_key(key), value).map_err(|error| match error {
                            CursorError::Storage(error) => fail(error),
                            other => Error::engine("redb", format!("add rows to {name}"), other),
                        })?;
                    }
                }
                cursor.close().map_err(fail)?;
                continue;
            }
        }
        // Not so many are in this gap: to ask again for each would cost as much as to write it.
        for _ in 0..CURSOR_ROWS_MIN {
            match ahead.next_if(|_| true) {
                Some((key, Some(value))) => drop(open.insert(to_key(key), value).map_err(fail)?),
                Some((key, None)) => drop(open.remove(to_key(key)).map_err(fail)?),
                None => break,
            }
        }
    }
    Ok(())
}

/// Rows in the order of their keys, with a look at as many as a cursor pays for.
struct Ahead<'r> {
    seen: VecDeque<RunRow<'r>>,
    rest: Box<dyn Iterator<Item = RunRow<'r>> + 'r>,
}

impl<'r> Ahead<'r> {
    fn of(rows: &'r LayerRows) -> Self {
        let mut rest = rows.iter();
        Self { seen: rest.by_ref().take(CURSOR_ROWS_MIN).collect(), rest }
    }

    fn first(&self) -> Option<&'r [u8]> {
        self.seen.front().map(|(key, _)| *key)
    }

    /// The last key of as many rows as a cursor pays for; `None` where fewer are left.
    fn last_of_many(&self) -> Option<&'r [u8]> {
        let last = self.seen.back().filter(|_| self.seen.len() == CURSOR_ROWS_MIN);
        last.map(|(key, _)| *key)
    }

    fn next_if(&mut self, is_wanted: impl Fn(&[u8]) -> bool) -> Option<RunRow<'r>> {
        self.seen.front().filter(|(key, _)| is_wanted(key))?;
        let next = self.seen.pop_front()?;
        self.seen.extend(self.rest.next());
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use redb::backends::InMemoryBackend;
    use redb::{Database, ReadableDatabase as _};

    use super::*;
    use crate::base::id::Kind;

    /// Keys that follow each other at a distance, and whether they are put or deleted.
    fn streak() -> impl Strategy<Value = (u64, u64, u64, Option<u8>)> {
        (0_u64..3_000, 1_u64..4, 1_u64..400, prop::option::weighted(0.8, any::<u8>()))
    }

    fn layer_of(streaks: &[(u64, u64, u64, Option<u8>)], table: TableId) -> Layer {
        let mut layer = Layer::default();
        for &(first, step, count, value) in streaks {
            for key in (first..).step_by(step as usize).take(count as usize) {
                layer.set(table, &record_key(key), value.as_ref().map(std::slice::from_ref));
            }
        }
        layer
    }

    fn apply_and_read(table: TableId, layers: &[Layer]) -> BTreeMap<u64, Vec<u8>> {
        let engine = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        for layer in layers {
            let transaction = engine.begin_write().unwrap();
            apply(&transaction, layer).unwrap();
            transaction.commit().unwrap();
        }
        let (reader, name) = (engine.begin_read().unwrap(), table.name());
        let mut found = BTreeMap::new();
        if table.kind().is_some() {
            let open = reader.open_table(RecordTable::new(&name)).unwrap();
            for row in open.iter().unwrap() {
                let (key, value) = row.unwrap();
                found.insert(key.value(), value.value().to_vec());
            }
        } else {
            let open = reader.open_table(SharedTable::new(&name)).unwrap();
            for row in open.iter().unwrap() {
                let (key, value) = row.unwrap();
                found.insert(record_key_from(key.value()), value.value().to_vec());
            }
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn rows_end_up_as_in_a_map_wherever_the_gaps_are(
            writes in prop::collection::vec(prop::collection::vec(streak(), 1..6), 1..5),
            is_record in any::<bool>(),
        ) {
            let table = if is_record { TableId::records(Kind(3)) } else { TableId::INDEX };
            let layers: Vec<_> =
                writes.iter().map(|streaks| layer_of(streaks, table)).collect();
            let mut model = BTreeMap::new();
            for &(first, step, count, value) in writes.iter().flatten() {
                for key in (first..).step_by(step as usize).take(count as usize) {
                    match value {
                        Some(value) => drop(model.insert(key, vec![value])),
                        None => drop(model.remove(&key)),
                    }
                }
            }
            prop_assert_eq!(apply_and_read(table, &layers), model);
        }
    }

    #[test]
    fn as_many_rows_as_pay_and_one_fewer_fill_a_gap() {
        for count in [CURSOR_ROWS_MIN - 1, CURSOR_ROWS_MIN, CURSOR_ROWS_MIN + 1] {
            let count = count as u64;
            let around = layer_of(&[(1, count + 1, 2, Some(1))], TableId::INDEX);
            let between = layer_of(&[(2, 1, count, Some(2))], TableId::INDEX);
            let found = apply_and_read(TableId::INDEX, &[around, between]);
            let mut expected: BTreeMap<_, _> = (2..count + 2).map(|key| (key, vec![2])).collect();
            expected.extend([(1, vec![1]), (count + 2, vec![1])]);
            assert_eq!(found, expected);
        }
    }
}
