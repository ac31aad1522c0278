//! What a record's facts become in the tables: index rows and adjacency entries.

use super::core::Core;
use crate::base::error::Result;
use crate::base::id::{EdgeId, Kind, NodeId};
use crate::record::Facts;
use crate::storage::RowsMut;
use crate::storage::adjacency::{Direction, Entry};
use crate::storage::index;
use crate::storage::names::NewNames;

/// One entry of the adjacency blocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Adjacent {
    pub(crate) node: NodeId,
    pub(crate) direction: Direction,
    pub(crate) entry: Entry,
}

impl Adjacent {
    fn identity(&self) -> (NodeId, bool, u32, NodeId, EdgeId) {
        let out = matches!(self.direction, Direction::Out);
        (self.node, out, self.entry.edge_type, self.entry.neighbor, self.entry.edge)
    }
}

/// A unique row: its key, and the index's name and key for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UniqueRow {
    pub(crate) row: Vec<u8>,
    pub(crate) name: &'static str,
}

/// The rows that one record implies besides its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Implied {
    pub(crate) unique: Vec<UniqueRow>,
    pub(crate) indexes: Vec<Vec<u8>>,
    pub(crate) adjacent: Vec<Adjacent>,
}

impl Implied {
    /// Resolves facts into rows. Names that are new are interned.
    pub(crate) fn of(
        core: &Core,
        context: (&mut NewNames, &mut impl RowsMut),
        id: NodeId,
        source: u32,
        facts: &Facts<'_>,
    ) -> Result<Self> {
        let (new_names, rows) = context;
        Self::resolve(id, source, facts, &mut |name| core.names.intern(name, new_names, rows))
    }

    /// As [`Implied::of`], with the numbers of the names from `number`.
    pub(crate) fn resolve(
        id: NodeId,
        source: u32,
        facts: &Facts<'_>,
        number: &mut dyn FnMut(&str) -> Result<u32>,
    ) -> Result<Self> {
        let mut implied = Self::default();
        let kind = id.kind();
        for (name, key) in &facts.unique {
            let row = index::unique_key(kind, number(name)?, source, key);
            implied.unique.push(UniqueRow { row, name });
        }
        for (name, key) in &facts.indexes {
            implied.indexes.push(index::index_key(kind, number(name)?, key, id));
        }
        for (name, target) in &facts.links {
            implied.connect(id, number(name)?, *target, EdgeId::LINK, 1.0);
        }
        for edge in &facts.edges {
            let edge_type = number(edge.edge_type)?;
            implied.connect(edge.source, edge_type, edge.target, id.into(), edge.weight);
        }
        implied.normalise();
        Ok(implied)
    }

    fn connect(
        &mut self,
        source: NodeId,
        edge_type: u32,
        target: NodeId,
        edge: EdgeId,
        weight: f32,
    ) {
        let weight = if weight.is_finite() { weight } else { 1.0 };
        self.adjacent.push(Adjacent {
            node: source,
            direction: Direction::Out,
            entry: Entry { edge_type, neighbor: target, edge, weight },
        });
        self.adjacent.push(Adjacent {
            node: target,
            direction: Direction::In,
            entry: Entry { edge_type, neighbor: source, edge, weight },
        });
    }

    /// Two fields that imply the same link are one link.
    fn normalise(&mut self) {
        self.adjacent.sort_by_key(Adjacent::identity);
        self.adjacent.dedup_by_key(|adjacent| adjacent.identity());
        self.indexes.sort_unstable();
        self.indexes.dedup();
        self.unique.dedup_by(|a, b| a.row == b.row);
    }

    /// What is here and not in `other`.
    pub(crate) fn without(&self, other: &Self) -> Self {
        Self {
            unique: difference(&self.unique, &other.unique),
            indexes: difference(&self.indexes, &other.indexes),
            adjacent: difference(&self.adjacent, &other.adjacent),
        }
    }
}

fn difference<T: PartialEq + Clone>(these: &[T], others: &[T]) -> Vec<T> {
    these.iter().filter(|item| !others.contains(item)).cloned().collect()
}

/// The kind's byte as text for messages.
pub(crate) fn kind_name(core: &Core, kind: Kind) -> String {
    core.kinds.name(kind).map_or_else(|| format!("kind {}", kind.0), ToString::to_string)
}
