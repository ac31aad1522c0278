//! What an index is given: every record, or those that the change log names.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::base::error::Result;
use crate::base::id::{NodeId, Seq};
use crate::base::trace::category::SEARCH;
use crate::record::Facts;
use crate::search::{IndexChange, Indexer};
use crate::storage::changes::{self, Operation};
use crate::storage::tables::record_key_from;
use crate::storage::{KeyRange, Rows as _, TableId};
use crate::store::core::Core;
use crate::store::erase;
use crate::store::read::Published;
use crate::store::record_read;

/// Records that are read from the log before they are given to the index: a record that was
/// written many times is indexed once for all of them.
const BATCH_IDS: usize = 50_000;

/// An index that is brought up to a published state.
pub(super) struct Feed<'a> {
    pub(super) indexer: &'a Indexer,
    pub(super) core: &'a Core,
    pub(super) published: &'a Published,
    /// Asked between records, where somebody may want it to end.
    pub(super) goes_on: &'a dyn Fn() -> bool,
}

impl Feed<'_> {
    /// Gives the index what it lacks, and commits. `newest` tells the newest durable write: an
    /// index that is ahead of it is another store's, or of a store that was put back. Says whether
    /// it got to the end.
    pub(super) fn run(&self, newest: impl Fn() -> Seq) -> Result<bool> {
        let _span = tracing::debug_span!(target: SEARCH, "index").entered();
        let oldest = changes::oldest(&*self.published.rows)?;
        // What was erased since cannot be taken out of an index: it is built anew.
        let erased = erase::newest(&*self.published.rows)?.unwrap_or_default();
        let reaches =
            |seq: Seq| seq >= erased && oldest.is_some_and(|oldest| seq.0 + 1 >= oldest.0);
        let seq = self.published.seq;
        match self.indexer.watermark() {
            Some(watermark) if watermark == seq => return Ok(true),
            // Somebody with a newer view was here first.
            Some(watermark) if watermark > seq && watermark <= newest() => return Ok(true),
            Some(watermark) if watermark < seq && reaches(watermark) => self.follow(watermark)?,
            _ => self.rebuild()?,
        }
        if (self.goes_on)() {
            self.indexer.commit(seq)?;
            tracing::debug!(target: SEARCH, seq = seq.0, "the search index has caught up");
            return Ok(true);
        }
        Ok(false)
    }

    /// Gives the index every record that changed after `watermark`, as it is now.
    fn follow(&self, watermark: Seq) -> Result<()> {
        let mut ids: BTreeSet<NodeId> = BTreeSet::new();
        let mut result = Ok(());
        changes::read_after(&*self.published.rows, watermark, &mut |change| {
            if matches!(change.operation, Operation::Put | Operation::Delete) {
                for id in change.nodes() {
                    ids.insert(id);
                    if ids.len() >= BATCH_IDS {
                        result = self.give(&std::mem::take(&mut ids));
                        if result.is_err() || !(self.goes_on)() {
                            return ControlFlow::Break(());
                        }
                    }
                }
            }
            ControlFlow::Continue(())
        })?;
        result?;
        self.give(&ids)
    }

    fn give(&self, ids: &BTreeSet<NodeId>) -> Result<()> {
        for id in ids {
            match record_read::raw(&*self.published.rows, *id)? {
                Some(value) => self.give_one(*id, &value)?,
                None => self.indexer.apply([IndexChange::Delete(*id)])?,
            }
        }
        Ok(())
    }

    fn give_one(&self, id: NodeId, value: &[u8]) -> Result<()> {
        let Some(record_type) = self.core.kinds.record_type(id.kind()) else { return Ok(()) };
        (record_type.describe)(value, &mut |facts| {
            if is_searchable(facts) {
                self.indexer.apply([IndexChange::Put(id, facts)])
            } else {
                self.indexer.apply([IndexChange::Delete(id)])
            }
        })
    }

    /// Gives the index every record.
    fn rebuild(&self) -> Result<()> {
        tracing::info!(
            target: SEARCH, store = %self.core.directory.display(), "building the search index"
        );
        self.indexer.reset();
        let (core, published) = (self.core, self.published);
        for (kind, _) in core.kinds.iter() {
            let Some(record_type) = core.kinds.record_type(kind) else { continue };
            for row in published.rows.range(TableId::records(kind), KeyRange::all())? {
                if !(self.goes_on)() {
                    return Ok(());
                }
                let (key, value) = row?;
                let id = NodeId::from_parts(kind, record_key_from(&key));
                (record_type.describe)(&value, &mut |facts| {
                    if !is_searchable(facts) {
                        return Ok(());
                    }
                    self.indexer.apply([IndexChange::Put(id, facts)])
                })?;
            }
        }
        Ok(())
    }
}

/// Whether there is anything to find a record by.
pub(super) fn is_searchable(facts: &Facts<'_>) -> bool {
    !facts.texts.is_empty() || !facts.keywords.is_empty()
}
