//! Where imported records came from, without a row a record: runs of row numbers and keys.
//!
//! A table's rows get keys that grow with their row numbers, so a run (first row, first key,
//! length) stands for as many records as it is long, and both directions are a binary search.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::tx::WriteTx;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
use crate::storage::{KeyRange, Rows, RowsMut, TableId};

/// Row numbers of a source's table that stand beside keys: row `row + n` is key `key + n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) row: i64,
    pub(crate) key: u64,
    pub(crate) count: u64,
}

/// One table of a source and the records made from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SourceTable {
    pub(crate) name: String,
    /// 0 where the rows are carried without records.
    pub(crate) kind: u8,
    pub(crate) rows: u64,
    /// In the order of the rows.
    pub(crate) runs: Vec<Run>,
}

impl SourceTable {
    /// The record made from a row.
    pub(crate) fn node(&self, row: i64) -> Option<NodeId> {
        let after = self.runs.partition_point(|run| run.row <= row);
        let run = self.runs[..after].last()?;
        let step = row.wrapping_sub(run.row).cast_unsigned();
        (step < run.count && self.kind != 0)
            .then(|| NodeId::from_parts(Kind(self.kind), run.key + step))
    }
}

/// An imported database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Source {
    /// 1 and up; 0 is what is born here.
    pub(crate) number: u32,
    /// The database kind.
    pub(crate) database: String,
    /// The name given, or the file's path.
    pub(crate) name: String,
    /// The file's name, for export.
    pub(crate) file_name: String,
    /// The time zone that its local times are read with.
    pub(crate) zone: String,
    /// SHA-256 of the file (and its log) when it was last read.
    pub(crate) digest: String,
    /// What tells one state of the file from another without reading all of it; empty where it
    /// is not known.
    pub(crate) mark: String,
    /// Bytes of the file when it was last read.
    pub(crate) bytes: u64,
    pub(crate) tables: Vec<SourceTable>,
    /// What the import layer wants to keep beside it, for example the schema's text.
    #[serde(with = "serde_bytes")]
    pub(crate) detail: Vec<u8>,
}

impl Source {
    /// The table of that name, with its position.
    pub(crate) fn table(&self, name: &str) -> Option<(usize, &SourceTable)> {
        self.tables.iter().enumerate().find(|(_, table)| table.name == name)
    }
}

/// Where a record came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The number of the source; 1 and up.
    pub source: u32,
    /// The name of the table.
    pub table: Arc<str>,
    /// The row number in it.
    pub row: i64,
}

/// A run of keys with what it came from.
#[derive(Clone, Debug)]
struct KeyRun {
    count: u64,
    row: i64,
    source: u32,
    table: Arc<str>,
}

/// Every source of a store, and the way from a record back to its row.
#[derive(Debug, Default)]
pub(crate) struct Sources(RwLock<Arc<Known>>);

#[derive(Clone, Debug, Default)]
struct Known {
    sources: BTreeMap<u32, Arc<Source>>,
    runs: BTreeMap<(u8, u64), KeyRun>,
}

impl Known {
    fn add(&mut self, source: Arc<Source>) {
        for table in &source.tables {
            let name: Arc<str> = table.name.as_str().into();
            for run in &table.runs {
                let origin = KeyRun {
                    count: run.count,
                    row: run.row,
                    source: source.number,
                    table: Arc::clone(&name),
                };
                self.runs.insert((table.kind, run.key), origin);
            }
        }
        self.sources.insert(source.number, source);
    }
}

const PREFIX: &[u8] = b"source/";

fn source_key(number: u32) -> Vec<u8> {
    let mut key = PREFIX.to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    key
}

impl Sources {
    /// Reads every source.
    pub(crate) fn load(rows: &impl Rows) -> Result<Self> {
        let mut known = Known::default();
        for row in rows.range(TableId::META, KeyRange::prefix(PREFIX))? {
            let (_, value) = row?;
            known.add(Arc::new(codec::decode::<Source>(&value)?));
        }
        Ok(Self(RwLock::new(Arc::new(known))))
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes a source into a transaction; [`Sources::accept`] takes it in after the commit.
    pub(crate) fn write(rows: &mut impl RowsMut, source: &Source) -> Result<()> {
        rows.put(TableId::META, &source_key(source.number), &codec::encode(source)?)
    }

    /// Takes in a source that was committed.
    pub(crate) fn accept(&self, source: Source) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut known).add(Arc::new(source));
    }

    /// All sources, in the order of their numbers.
    pub(crate) fn all(&self) -> Vec<Arc<Source>> {
        self.known().sources.values().cloned().collect()
    }

    /// The source of that database kind and name.
    pub(crate) fn find(&self, database: &str, name: &str) -> Option<Arc<Source>> {
        let known = self.known();
        known
            .sources
            .values()
            .find(|source| source.database == database && source.name == name)
            .cloned()
    }

    /// The number for the next source.
    pub(crate) fn next_number(&self) -> Result<u32> {
        let last = self.known().sources.keys().next_back().copied().unwrap_or(0);
        last.checked_add(1).ok_or_else(|| Error::Limit {
            what: "sources".into(),
            max: u32::MAX.into(),
            found: u64::from(u32::MAX) + 1,
        })
    }

    /// The source of a record; 0 when it was born here.
    pub(crate) fn source_of(&self, id: NodeId) -> u32 {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.runs.is_empty() {
            return 0;
        }
        run_of(&known, id).map_or(0, |(_, run)| run.source)
    }

    /// The keys of a kind that no source gave: ranges of (first, end), in order.
    pub(crate) fn born_keys(&self, kind: Kind) -> Vec<(u64, u64)> {
        let known = self.known();
        let mut ranges = Vec::new();
        let mut next = 0;
        for ((_, first), run) in known.runs.range((kind.0, 0)..=(kind.0, NodeId::MAX_KEY)) {
            if *first > next {
                ranges.push((next, *first));
            }
            next = first + run.count;
        }
        ranges.push((next, NodeId::MAX_KEY + 1));
        ranges
    }

    /// Where a record came from; `None` when it was born here.
    pub(crate) fn origin(&self, id: NodeId) -> Option<Origin> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (first, run) = run_of(&known, id)?;
        let row = run.row.wrapping_add((id.key() - first).cast_signed());
        Some(Origin { source: run.source, table: Arc::clone(&run.table), row })
    }
}

fn run_of(known: &Known, id: NodeId) -> Option<(u64, &KeyRun)> {
    let kind = id.kind().0;
    let ((_, first), run) = known.runs.range((kind, 0)..=(kind, id.key())).next_back()?;
    (id.key() - first < run.count).then_some((*first, run))
}

/// Gives keys to the rows of one table as they come, in the order of their row numbers.
#[derive(Clone, Debug)]
pub(crate) struct RunBuilder {
    next_key: u64,
    gap_max: u64,
    runs: Vec<Run>,
}

impl RunBuilder {
    /// Runs without gaps of a table: more of them are made longer by taking gaps in.
    const RUNS_EXACT: usize = 16_384;
    /// Gaps between row numbers up to this are then kept as gaps between keys.
    const GAP_MAX: u64 = 1_024;

    /// Starts with the smallest key that may be given.
    pub(crate) fn new(first_key: u64) -> Self {
        Self { next_key: first_key, gap_max: Self::GAP_MAX, runs: Vec::new() }
    }

    /// As [`RunBuilder::new`], with no gaps: for rows between those of other runs.
    pub(crate) fn dense(first_key: u64) -> Self {
        Self { next_key: first_key, gap_max: 0, runs: Vec::new() }
    }

    /// The key of the next row. Row numbers must grow.
    pub(crate) fn key(&mut self, row: i64) -> Result<u64> {
        let exact = self.runs.len() < Self::RUNS_EXACT;
        if let Some(run) = self.runs.last_mut() {
            let step = row.wrapping_sub(run.row).cast_unsigned();
            let gap_max = if exact { 0 } else { self.gap_max };
            if step >= run.count && step - run.count <= gap_max {
                run.count = step + 1;
                self.next_key = run.key + run.count;
                return Ok(run.key + step);
            }
        }
        if self.next_key > NodeId::MAX_KEY {
            return Err(Error::Limit {
                what: "keys of a kind".into(),
                max: NodeId::MAX_KEY,
                found: self.next_key,
            });
        }
        let key = self.next_key;
        self.runs.push(Run { row, key, count: 1 });
        self.next_key += 1;
        Ok(key)
    }

    /// The runs with all keys moved up by `first`.
    pub(crate) fn runs_from(&self, first: u64) -> Result<Vec<Run>> {
        let fits = first.checked_add(self.next_key).is_some_and(|end| end <= NodeId::MAX_KEY + 1);
        if !fits {
            return Err(Error::Limit {
                what: "keys of a kind".into(),
                max: NodeId::MAX_KEY,
                found: first.saturating_add(self.next_key),
            });
        }
        Ok(self.runs.iter().map(|run| Run { key: run.key + first, ..*run }).collect())
    }

    #[cfg(test)]
    pub(crate) fn into_runs(self) -> Vec<Run> {
        self.runs
    }
}

impl WriteTx<'_> {
    /// Writes what the store knows of a source; known to others when the write is durable.
    pub(crate) fn put_source(&mut self, source: Source) -> Result<()> {
        Sources::write(&mut self.writer.rows, &source)?;
        self.sources.push(source);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_find_their_records_and_records_their_rows() {
        let rows = [-7, 1, 2, 3, 10, 1_000_000_000_000_000, i64::MAX - 1];
        let mut builder = RunBuilder::new(5);
        let keys: Vec<u64> = rows.iter().map(|row| builder.key(*row).unwrap()).collect();
        assert!(keys.is_sorted_by(|a, b| a < b));
        let runs = builder.into_runs();
        assert_eq!(runs.len(), 5, "rows that follow each other share a run");
        let table = SourceTable { name: "t".into(), kind: 4, rows: 7, runs };
        let sources = Sources::default();
        sources.accept(Source { number: 1, tables: vec![table.clone()], ..Source::default() });
        for (row, key) in rows.iter().zip(keys) {
            let node = table.node(*row).unwrap();
            assert_eq!(node.key(), key);
            assert_eq!(sources.origin(node).unwrap().row, *row);
            assert_eq!(sources.source_of(node), 1);
        }
        assert_eq!(table.node(i64::MIN), None);
        assert_eq!(sources.origin(NodeId::from_parts(Kind(4), 4)), None);
        assert_eq!(sources.origin(NodeId::from_parts(Kind(5), 6)), None);
    }
}
