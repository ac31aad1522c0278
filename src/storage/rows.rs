//! The one interface to rows: get, range, put, delete. Readers, write buffers and bulk
//! transactions all speak it, so what is built on rows is written once.

use std::ops::{Bound, Deref};
use std::sync::Arc;

use redb::OwnedAccessGuard;

use super::edge_log::EdgeChange;
use super::tables::TableId;
use crate::base::error::Result;
use crate::base::key::prefix_end;

/// The bytes of a value: in the engine's page, in a layer, or copied.
pub(crate) enum Bytes {
    Page(OwnedAccessGuard<&'static [u8]>),
    Layer(Arc<[u8]>),
    Copy(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Page(guard) => guard.value(),
            Self::Layer(bytes) => bytes,
            Self::Copy(bytes) => bytes,
        }
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bytes({} bytes)", self.len())
    }
}

/// One row of a range, or the error that ended it.
pub(crate) type Row = Result<(Box<[u8]>, Bytes)>;
/// The rows of a range, in its order.
pub(crate) type RowIter<'a> = Box<dyn Iterator<Item = Row> + 'a>;

/// Which rows, and in which order.
#[derive(Clone, Debug)]
pub(crate) struct KeyRange {
    pub(crate) from: Bound<Vec<u8>>,
    pub(crate) to: Bound<Vec<u8>>,
    pub(crate) descending: bool,
}

impl KeyRange {
    /// Every row.
    pub(crate) fn all() -> Self {
        Self { from: Bound::Unbounded, to: Bound::Unbounded, descending: false }
    }

    /// Rows whose key starts with `prefix`.
    pub(crate) fn prefix(prefix: &[u8]) -> Self {
        let to = prefix_end(prefix).map_or(Bound::Unbounded, Bound::Excluded);
        Self { from: Bound::Included(prefix.to_vec()), to, descending: false }
    }

    /// Only rows after `key`.
    pub(crate) fn after(mut self, key: &[u8]) -> Self {
        self.from = Bound::Excluded(key.to_vec());
        self
    }

    /// Only rows from `key` on.
    pub(crate) fn starting_at(mut self, key: &[u8]) -> Self {
        self.from = Bound::Included(key.to_vec());
        self
    }

    /// Only rows before `key`.
    pub(crate) fn before(mut self, key: &[u8]) -> Self {
        self.to = Bound::Excluded(key.to_vec());
        self
    }

    /// Only rows up to and with `key`.
    pub(crate) fn up_to(mut self, key: &[u8]) -> Self {
        self.to = Bound::Included(key.to_vec());
        self
    }

    /// The same rows, greatest key first.
    pub(crate) fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// Whether no key can lie in the range; such ranges panic in ordered maps.
    pub(crate) fn is_empty(&self) -> bool {
        match (&self.from, &self.to) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
            | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        }
    }
}

/// Reading rows.
pub(crate) trait Rows {
    /// The value of one row.
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>>;

    /// The rows of a range, in order.
    fn range(&self, table: TableId, range: KeyRange) -> Result<RowIter<'_>>;

    /// The first row of a range.
    fn first(&self, table: TableId, range: KeyRange) -> Result<Option<(Box<[u8]>, Bytes)>> {
        self.range(table, range)?.next().transpose()
    }
}

/// Writing rows. Absolute rows only, never deltas.
pub(crate) trait RowsMut: Rows {
    /// Writes a row, whether it is there or not.
    fn put(&mut self, table: TableId, key: &[u8], value: &[u8]) -> Result<()>;

    /// Takes a row away, whether it is there or not.
    fn delete(&mut self, table: TableId, key: &[u8]) -> Result<()>;

    /// Takes note of an adjacency entry that the rows written so far have changed. Only a buffer
    /// whose log somebody reads does more than forget it.
    fn note(&mut self, _change: EdgeChange) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverted_ranges_are_known_to_be_empty() {
        assert!(KeyRange::all().starting_at(b"b").before(b"a").is_empty());
        assert!(KeyRange::all().after(b"a").up_to(b"a").is_empty());
        assert!(KeyRange::all().after(b"a").before(b"a").is_empty());
        assert!(!KeyRange::all().starting_at(b"a").up_to(b"a").is_empty());
        assert!(!KeyRange::all().is_empty());
    }
}
