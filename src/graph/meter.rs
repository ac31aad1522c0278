//! What traversals on blocks have cost so far, in the same unit as the cost of a build: so that the
//! graph is built when that would have been cheaper.

use std::sync::atomic::{AtomicU64, Ordering};

/// Units of reading one list from its blocks, besides its entries: a search in the tree of pages
/// costs as much as decoding about twenty entries.
const LIST_UNITS: u64 = 20;
/// Units of building one edge: decoded once outward, numbered, counted and put in order inward.
const EDGE_UNITS: u64 = 2;

/// The cost of reads from blocks, in about 50 ns a unit.
#[derive(Debug, Default)]
pub(crate) struct Meter(AtomicU64);

impl Meter {
    /// Counts one list of so many entries.
    pub(super) fn list_read(&self, entries: u64) {
        self.0.fetch_add(LIST_UNITS + entries, Ordering::Relaxed);
    }

    /// Everything counted since the start, or since it was last forgotten.
    pub(crate) fn units(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Begins anew.
    pub(crate) fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// What building a snapshot of so many edges would cost.
    pub(crate) fn build_units(edges: u64) -> u64 {
        edges.saturating_mul(EDGE_UNITS)
    }
}
