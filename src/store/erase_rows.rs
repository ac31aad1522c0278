//! Erasing the rows that records were imported from.
//!
//! A row keeps its place, so that an export has as many rows as the import; its cells are NULL, and
//! a mark says that they were erased, so that a newer version of the file does not bring them back.
//! What SQLite derived from rows (full-text indexes, samples of values) goes as a whole: it holds
//! words of all rows, and an export builds it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::erase::ErasedCounts;
use super::options::Compression;
use super::sources::{Source, SourceTable};
use super::tx::WriteTx;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::storage::{KeyRange, Rows, RowsMut as _, TableId, cells, verbatim};

/// Before (source, place of the table, row): rows that were erased.
const ROW_PREFIX: &[u8] = b"erased/row/";
/// Before a source: everything of it was erased, also what comes with a newer version of it.
const SOURCE_PREFIX: &[u8] = b"erased/source/";
/// Names of tables and numbers; the rows keep their ids, so it stays right.
const SEQUENCES: &str = "sqlite_sequence";

/// The rows of a table that were erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ErasedRows {
    is_all: bool,
    rows: BTreeSet<i64>,
}

impl ErasedRows {
    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        !self.is_all && self.rows.is_empty()
    }

    /// Whether a row is one of them.
    pub(crate) fn contains(&self, row: i64) -> bool {
        self.is_all || self.rows.contains(&row)
    }
}

fn source_key(source: u32) -> Vec<u8> {
    [SOURCE_PREFIX, &source.to_be_bytes()].concat()
}

fn row_key(source: u32, place: u32, row: i64) -> Vec<u8> {
    [ROW_PREFIX, &source.to_be_bytes(), &place.to_be_bytes(), &row.to_be_bytes()].concat()
}

/// The rows of a table of a source that were erased; `place` is where it stands among `tables`.
pub(crate) fn erased_rows(
    rows: &impl Rows,
    source: u32,
    (tables, place): (&[SourceTable], usize),
) -> Result<ErasedRows> {
    if is_kept(tables, place) {
        return Ok(ErasedRows::default());
    }
    let place = place as u32;
    if rows.get(TableId::META, &source_key(source))?.is_some() {
        return Ok(ErasedRows { is_all: true, rows: BTreeSet::new() });
    }
    let mut found = BTreeSet::new();
    let key = row_key(source, place, 0);
    for row in rows.range(TableId::META, KeyRange::prefix(&key[..key.len() - 8]))? {
        let (key, _) = row?;
        let row = key.last_chunk::<8>();
        let row = row.ok_or_else(|| Error::corrupt("table meta", "mark of an erased row"))?;
        found.insert(i64::from_be_bytes(*row));
    }
    Ok(ErasedRows { is_all: false, rows: found })
}

/// The names of the full-text indexes whose tables are among these, in lower case.
fn full_text(tables: &[SourceTable]) -> BTreeSet<String> {
    let names: BTreeSet<String> =
        tables.iter().map(|table| table.name.to_ascii_lowercase()).collect();
    let indexes = names.iter().filter_map(|name| name.strip_suffix("_config"));
    let is_index =
        |name: &&str| ["_data", "_idx"].iter().all(|part| names.contains(&format!("{name}{part}")));
    indexes.filter(is_index).map(str::to_owned).collect()
}

/// Whether a table holds counters or settings, which are never erased: nothing works without them.
fn is_kept(tables: &[SourceTable], place: usize) -> bool {
    let Some(table) = tables.get(place).filter(|table| table.kind == 0) else { return false };
    let name = table.name.to_ascii_lowercase();
    let index = name.strip_suffix("_config");
    name == SEQUENCES || index.is_some_and(|index| full_text(tables).contains(index))
}

/// Whether anything of a source was erased.
pub(crate) fn is_touched(rows: &impl Rows, source: u32) -> Result<bool> {
    if rows.get(TableId::META, &source_key(source))?.is_some() {
        return Ok(true);
    }
    let key = row_key(source, 0, 0);
    let range = KeyRange::prefix(&key[..ROW_PREFIX.len() + 4]);
    Ok(rows.first(TableId::META, range)?.is_some())
}

/// The places of tables that hold what was derived from the rows of others: the words of full-text
/// indexes, samples of values. Told by their names, which the engine gives them.
pub(crate) fn derived_places(tables: &[SourceTable]) -> Vec<usize> {
    let indexes = full_text(tables);
    let of_index = |name: &str| {
        let parts = ["_data", "_idx", "_docsize"].iter();
        let mut names = parts.filter_map(|part| name.strip_suffix(part));
        names.any(|index| indexes.contains(index))
    };
    let is_derived = |table: &SourceTable| {
        let name = table.name.to_ascii_lowercase();
        let is_plain = table.kind == 0;
        is_plain && (of_index(&name) || name == "sqlite_stat3" || name == "sqlite_stat4")
    };
    let places = tables.iter().enumerate();
    places.filter(|(_, table)| is_derived(table)).map(|(place, _)| place).collect()
}

impl WriteTx<'_> {
    /// Erases the rows that records came from, and all rows of the given sources.
    pub(super) fn erase_rows(
        &mut self,
        ids: &BTreeSet<NodeId>,
        sources: &BTreeSet<u32>,
        counts: &mut ErasedCounts,
    ) -> Result<()> {
        let known: BTreeMap<u32, Arc<Source>> =
            self.core().sources.all().into_iter().map(|one| (one.number, one)).collect();
        let mut wanted: BTreeMap<u32, BTreeMap<usize, BTreeSet<i64>>> = BTreeMap::new();
        for id in ids {
            let Some(origin) = self.origin(*id) else { continue };
            let place = known.get(&origin.source).and_then(|source| source.table(&origin.table));
            let Some((place, _)) = place else { continue };
            let rows = wanted.entry(origin.source).or_default().entry(place).or_default();
            rows.insert(origin.row);
        }
        for number in sources {
            let source = known.get(number);
            let source = source.ok_or_else(|| Error::not_found("source", number))?;
            self.erase_source(source, counts)?;
            wanted.remove(number);
        }
        for (number, places) in wanted {
            for (place, rows) in places {
                let place = place as u32;
                for row in &rows {
                    self.writer.rows.put(TableId::META, &row_key(number, place, *row), &[])?;
                }
                let is_erased = &mut |row| rows.contains(&row);
                self.blank(number, place, is_erased, counts)?;
            }
            if let Some(source) = known.get(&number) {
                self.erase_derived(source)?;
            }
        }
        Ok(())
    }

    fn erase_source(&mut self, source: &Source, counts: &mut ErasedCounts) -> Result<()> {
        self.writer.rows.put(TableId::META, &source_key(source.number), &[])?;
        for place in 0..source.tables.len() {
            if !is_kept(&source.tables, place) {
                self.blank(source.number, place as u32, &mut |_| true, counts)?;
            }
        }
        self.erase_derived(source)
    }

    /// Makes the cells of rows of one table NULL.
    fn blank(
        &mut self,
        source: u32,
        place: u32,
        is_erased: &mut dyn FnMut(i64) -> bool,
        counts: &mut ErasedCounts,
    ) -> Result<()> {
        let mut written = Vec::new();
        for block in verbatim::blocks(&self.writer.rows, source, place)? {
            let (ordinal, block) = block?;
            let mut rows = 0;
            let blank = cells::blanked(&block, &mut |row| {
                let is_erased = is_erased(row);
                rows += u64::from(is_erased);
                is_erased
            })?;
            if let Some((blank, cells)) = blank {
                counts.rows += rows;
                counts.cells += cells;
                written.push((ordinal, block.len(), blank));
            }
        }
        for (ordinal, old_bytes, block) in written {
            let is_plain = self.core().compression == Compression::Off;
            let block = if is_plain { cells::opened(&block)? } else { block };
            let key = (source, place, ordinal);
            verbatim::replace_block(&mut self.writer.rows, key, old_bytes, &block)?;
        }
        Ok(())
    }

    /// Takes away what was derived from the rows of a source.
    fn erase_derived(&mut self, source: &Source) -> Result<()> {
        let places = derived_places(&source.tables);
        if places.iter().all(|place| source.tables[*place].rows == 0) {
            return Ok(());
        }
        let mut source = source.clone();
        for place in places {
            verbatim::delete_from(&mut self.writer.rows, source.number, place as u32, 0)?;
            source.tables[place].rows = 0;
        }
        self.put_source(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testing::MemoryRows;

    fn tables(names: &[&str]) -> Vec<SourceTable> {
        let table = |name: &&str| SourceTable { name: (*name).to_owned(), ..Default::default() };
        names.iter().map(table).collect()
    }

    #[test]
    fn what_is_derived_is_told_by_its_names() {
        let all = ["t", "f_data", "f_idx", "f_docsize", "f_config", "f_content", "sqlite_stat4"];
        assert_eq!(derived_places(&tables(&all)), [1, 2, 3, 6]);
        assert_eq!(derived_places(&tables(&["my_data", "my_idx", "sqlite_stat1"])), [0; 0]);
        let mut typed = tables(&all);
        typed[1].kind = 7;
        assert_eq!(derived_places(&typed), [2, 3, 6], "a table of records is none");
    }

    #[test]
    fn marks_are_of_one_table_of_one_source() {
        let mut rows = MemoryRows::default();
        for row in [i64::MIN, -1, 5] {
            rows.put(TableId::META, &row_key(2, 7, row), &[]).unwrap();
        }
        rows.put(TableId::META, &row_key(2, 8, 6), &[]).unwrap();
        rows.put(TableId::META, &source_key(4), &[]).unwrap();
        let names = ["a", "sqlite_sequence", "b", "c", "d", "e", "f", "g"];
        let tables = tables(&names);
        let erased = |source, place| erased_rows(&rows, source, (&tables, place)).unwrap();
        let found = erased(2, 7);
        assert!([i64::MIN, -1, 5].iter().all(|row| found.contains(*row)));
        assert!(!found.contains(6) && !found.is_empty());
        assert!(erased(2, 6).is_empty());
        assert!(erased(4, 0).contains(9));
        assert!(erased(4, 1).is_empty(), "counters stay");
        let touched: Vec<bool> = (1..=4).map(|one| is_touched(&rows, one).unwrap()).collect();
        assert_eq!(touched, [false, true, false, true]);
    }
}
