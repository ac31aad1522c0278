//! What a write changed in the adjacency lists, entry by entry, for whoever keeps the graph in
//! memory up to date.
//!
//! A change is absolute: the entry is there with this weight, or it is not there. So changes can be
//! applied twice, and of several to one entry the last counts. They go with the rows that they
//! describe: the log of a buffer that is dropped is dropped with it.

use super::adjacency::{Direction, Entry};
use crate::base::id::NodeId;
use crate::base::limits::EDGE_LOG_CHANGES_MAX;

/// One entry of one list, as it is from now on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EdgeChange {
    pub(crate) node: NodeId,
    pub(crate) direction: Direction,
    pub(crate) entry: Entry,
    pub(crate) now: Now,
}

/// What an entry is after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Now {
    There,
    Gone,
}

/// The changes of one write or of several, in their order. Gives up when they are too many.
#[derive(Clone, Debug, Default)]
pub(crate) struct EdgeLog {
    changes: Vec<EdgeChange>,
    is_full: bool,
}

impl EdgeLog {
    pub(crate) fn push(&mut self, change: EdgeChange) {
        if self.changes.len() < EDGE_LOG_CHANGES_MAX && !self.is_full {
            self.changes.push(change);
        } else {
            self.give_up();
        }
    }

    /// Adds what happened after the changes here.
    pub(crate) fn extend(&mut self, newer: &Self) {
        if newer.is_full || self.changes.len() + newer.changes.len() > EDGE_LOG_CHANGES_MAX {
            self.give_up();
        }
        if !self.is_full {
            self.changes.extend_from_slice(&newer.changes);
        }
    }

    /// Forgets the changes and says so from now on.
    pub(crate) fn give_up(&mut self) {
        self.is_full = true;
        self.changes = Vec::new();
    }

    /// The changes in their order. `None` when they were too many.
    pub(crate) fn changes(&self) -> Option<&[EdgeChange]> {
        (!self.is_full).then_some(&self.changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{EdgeId, Kind};

    fn change(key: u64) -> EdgeChange {
        let node = NodeId::new(Kind(1), key).unwrap();
        let entry = Entry { edge_type: 0, neighbor: node, edge: EdgeId::LINK, weight: 1.0 };
        EdgeChange { node, direction: Direction::Out, entry, now: Now::There }
    }

    #[test]
    fn a_log_keeps_the_order_until_it_is_full_and_then_nothing() {
        let mut log = EdgeLog::default();
        log.push(change(1));
        let mut newer = EdgeLog::default();
        newer.push(change(2));
        log.extend(&newer);
        assert_eq!(log.changes(), Some(&[change(1), change(2)][..]));
        for _ in 0..EDGE_LOG_CHANGES_MAX {
            newer.push(change(3));
        }
        assert_eq!(newer.changes(), None);
        log.extend(&newer);
        log.push(change(4));
        assert_eq!(log.changes(), None, "once full, always full");
    }
}
