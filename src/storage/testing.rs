//! Rows in memory, for unit tests of what is built on rows. Not part of the library.

use std::collections::BTreeMap;

use super::edge_log::{EdgeChange, EdgeLog};
use super::rows::{Bytes, KeyRange, RowIter, Rows, RowsMut};
use super::tables::TableId;
use crate::base::error::Result;

/// Tables as one ordered map.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryRows(BTreeMap<TableId, BTreeMap<Vec<u8>, Vec<u8>>>, EdgeLog);

impl MemoryRows {
    /// The rows of one table.
    pub(crate) fn table(&self, table: TableId) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.0.get(&table).cloned().unwrap_or_default().into_iter().collect()
    }

    /// The changes of adjacency entries since this was last asked.
    pub(crate) fn take_log(&mut self) -> EdgeLog {
        std::mem::take(&mut self.1)
    }

    /// Bytes of all keys and values.
    pub(crate) fn bytes(&self) -> usize {
        self.0.values().flatten().map(|(key, value)| key.len() + value.len()).sum()
    }
}

impl Rows for MemoryRows {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.0.get(&table).and_then(|rows| rows.get(key)).cloned().map(Bytes::Copy))
    }

    fn range(&self, table: TableId, range: KeyRange) -> Result<RowIter<'_>> {
        let Some(rows) = self.0.get(&table).filter(|_| !range.is_empty()) else {
            return Ok(Box::new(std::iter::empty()));
        };
        let found = rows
            .range::<Vec<u8>, _>((range.from, range.to))
            .map(|(key, value)| Ok((key.clone().into(), Bytes::Copy(value.clone()))));
        Ok(if range.descending { Box::new(found.rev()) } else { Box::new(found) })
    }
}

impl RowsMut for MemoryRows {
    fn put(&mut self, table: TableId, key: &[u8], value: &[u8]) -> Result<()> {
        self.0.entry(table).or_default().insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn delete(&mut self, table: TableId, key: &[u8]) -> Result<()> {
        if let Some(rows) = self.0.get_mut(&table) {
            rows.remove(key);
        }
        Ok(())
    }

    fn note(&mut self, change: EdgeChange) {
        self.1.push(change);
    }
}
