//! A read transaction: tables and graph of one sequence number.

use std::sync::{Arc, OnceLock};

use super::core::Core;
use super::record_read::read_methods;
use crate::base::id::{NodeId, Seq};
use crate::graph::{Graph, Live};
use crate::storage::snapshot::Snapshot;

/// What a commit publishes: the tables of one sequence number, and the graph where it is in memory.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) rows: Arc<Snapshot>,
    pub(crate) seq: Seq,
    pub(crate) live: Option<Arc<Live>>,
    pub(crate) graph: OnceLock<Graph>,
}

impl Published {
    pub(crate) fn new(rows: Arc<Snapshot>, seq: Seq, live: Option<Arc<Live>>) -> Self {
        Self { rows, seq, live, graph: OnceLock::new() }
    }

    /// Whether the delta of the graph in memory should be merged.
    pub(crate) fn is_outgrown(&self) -> bool {
        self.live.as_deref().is_some_and(super::live::is_outgrown)
    }

    /// The same state, read through another transaction.
    pub(crate) fn with_rows(&self, rows: Snapshot) -> Self {
        Self::new(Arc::new(rows), self.seq, self.live.clone())
    }
}

/// A consistent view of the store at one sequence number. Made by
/// [`Store::read`](crate::Store::read).
#[derive(Clone, Debug)]
pub struct ReadTx {
    core: Arc<Core>,
    published: Arc<Published>,
}

impl ReadTx {
    pub(crate) fn new(core: Arc<Core>, published: Arc<Published>) -> Self {
        Self { core, published }
    }

    /// The newest write that this view sees.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.published.seq
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// The number of an index's name or an edge type.
    pub(crate) fn name_number(&self, name: &str) -> Option<u32> {
        self.core.names.number(name)
    }

    /// The index's name or edge type behind a number.
    pub(crate) fn name_of(&self, number: u32) -> Option<Arc<str>> {
        self.core.names.name(number)
    }

    pub(crate) fn core_arc(&self) -> &Arc<Core> {
        &self.core
    }

    pub(crate) fn published(&self) -> &Published {
        &self.published
    }

    /// Everything that a reader sees is in its rows.
    #[expect(clippy::unused_self, reason = "as a write in progress is asked")]
    fn pending_carriers(&self, _: NodeId) -> &[NodeId] {
        &[]
    }

    pub(crate) fn rows(&self) -> &Snapshot {
        &self.published.rows
    }
}

read_methods!(ReadTx);
