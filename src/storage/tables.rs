//! Every table in one place: the shared ones by number, then one a record type.

use std::borrow::Cow;

use redb::TableDefinition;

use crate::base::id::Kind;

/// The number of a table inside this process. The file knows tables by name only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TableId(u16);

const SHARED: [&str; 14] = [
    "unique",
    "index",
    "adjacency",
    "edges",
    "edge_sources",
    "history",
    "changes",
    "audit",
    "names",
    "floors",
    "verbatim",
    "meta",
    "vectors",
    "matches",
];

impl TableId {
    /// (kind, index name, source, key) -> key of the record.
    pub(crate) const UNIQUE: Self = Self(0);
    /// (kind, index name, key, key of the record) -> nothing.
    pub(crate) const INDEX: Self = Self(1);
    /// (node, direction, lower bound) -> packed block of neighbours.
    pub(crate) const ADJACENCY: Self = Self(2);
    /// edge -> validity and properties, where there are any.
    pub(crate) const EDGES: Self = Self(3);
    /// First edge of a run -> packed sources and targets of the run's edges.
    pub(crate) const EDGE_SOURCES: Self = Self(4);
    /// (node, sequence number) -> the value before that write.
    pub(crate) const HISTORY: Self = Self(5);
    /// (sequence number, part) -> what the write did.
    pub(crate) const CHANGES: Self = Self(6);
    /// The audit chain: entries, their items, and where the items of a record are.
    pub(crate) const AUDIT: Self = Self(7);
    /// Name -> number, for edge types and indexes.
    pub(crate) const NAMES: Self = Self(8);
    /// Kind, or the edges -> the smallest key that may be given next.
    pub(crate) const FLOORS: Self = Self(9);
    /// (source, table, ordinal of the first row) -> compressed legacy rows.
    pub(crate) const VERBATIM: Self = Self(10);
    /// Facts about the store itself.
    pub(crate) const META: Self = Self(11);
    /// A model, or (model, node) -> its dimension, or the vector of the node by the model.
    pub(crate) const VECTORS: Self = Self(12);
    /// What standing searches have matched: in order, and by record.
    pub(crate) const MATCHES: Self = Self(13);
    /// How many numbers there are.
    pub(crate) const COUNT: usize = SHARED.len() + 256;

    /// The table of the records of `kind`.
    pub(crate) fn records(kind: Kind) -> Self {
        Self(SHARED.len() as u16 + u16::from(kind.0))
    }

    /// The kind whose records the table holds.
    pub(crate) fn kind(self) -> Option<Kind> {
        let number = self.0.checked_sub(SHARED.len() as u16)?;
        u8::try_from(number).ok().map(Kind)
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Every table, the shared ones first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT as u16).map(Self)
    }

    /// The name in the file.
    pub(crate) fn name(self) -> Cow<'static, str> {
        match (SHARED.get(self.index()), self.kind()) {
            (Some(name), _) => Cow::Borrowed(name),
            (None, Some(kind)) => Cow::Owned(format!("record_{:03}", kind.0)),
            (None, None) => Cow::Borrowed("unknown"),
        }
    }
}

/// Record tables: key of the record -> value.
pub(crate) type RecordTable<'a> = TableDefinition<'a, u64, &'static [u8]>;
/// Shared tables: bytes -> bytes.
pub(crate) type SharedTable<'a> = TableDefinition<'a, &'static [u8], &'static [u8]>;

/// The bytes of a record's key in a layer, ordered as the numbers.
pub(crate) fn record_key(key: u64) -> [u8; 8] {
    key.to_be_bytes()
}

/// The key behind [`record_key`]. Shorter bytes stand for the numbers that start with them.
pub(crate) fn record_key_from(bytes: &[u8]) -> u64 {
    let mut key = [0; 8];
    let length = bytes.len().min(8);
    key[..length].copy_from_slice(&bytes[..length]);
    u64::from_be_bytes(key)
}
