//! A read transaction: tables and graph of one sequence number.

use std::sync::Arc;

use super::core::Core;
use super::record_read::read_methods;
use crate::base::id::Seq;
use crate::storage::snapshot::Snapshot;

/// What a commit publishes: the tables of one sequence number.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) rows: Arc<Snapshot>,
    pub(crate) seq: Seq,
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

    pub(crate) fn core_arc(&self) -> &Arc<Core> {
        &self.core
    }

    pub(crate) fn rows(&self) -> &Snapshot {
        &self.published.rows
    }

    pub(crate) fn rows_arc(&self) -> &Arc<Snapshot> {
        &self.published.rows
    }
}

read_methods!(ReadTx);
