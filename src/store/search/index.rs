//! The index of an open store: kept in step with the change log, which alone feeds it.
//!
//! An index that is missing, foreign, damaged or ahead of the log is built anew from the records;
//! one that is behind reads the log from its watermark on and is given the records as they are now.
//! Either way may be cut off anywhere: what was not committed is done again.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use crate::base::error::Result;
use crate::base::id::{NodeId, Seq};
use crate::record::Facts;
use crate::search::{
    Access, AnalyzerOptions, IndexChange, Indexer, IndexerOptions, Matcher, SearchOptions,
};
use crate::storage::changes::{self, Operation};
use crate::storage::tables::record_key_from;
use crate::storage::{KeyRange, Rows as _, TableId, place};
use crate::store::core::Core;
use crate::store::read::Published;
use crate::store::record_read;
use crate::store::standing::Standing;

/// Records that are read from the log before they are given to the index: a record that was
/// written many times is indexed once for all of them.
const BATCH_IDS: usize = 50_000;

/// How the texts of a store are indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SearchSetup {
    pub(crate) analyzer: AnalyzerOptions,
    /// Threads that build documents.
    pub(crate) threads: usize,
}

impl Default for SearchSetup {
    fn default() -> Self {
        Self { analyzer: AnalyzerOptions::default(), threads: 1 }
    }
}

/// The search index of an open store.
pub(crate) struct SearchIndex {
    pub(in crate::store) indexer: Indexer,
    /// Held while the index catches up: one at a time.
    catching_up: Mutex<()>,
    pub(crate) standing: Standing,
}

impl std::fmt::Debug for SearchIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SearchIndex").finish_non_exhaustive()
    }
}

impl SearchIndex {
    /// Prepares the index of the store; opens and makes nothing.
    pub(crate) fn new(core: &Core, writable: bool) -> Self {
        let access = if writable { Access::ReadWrite } else { Access::ReadOnly };
        let SearchSetup { analyzer, threads } = core.search;
        let options = IndexerOptions { analyzer, access, threads };
        let indexer = Indexer::open(&core.directory.join(place::SEARCH_DIRECTORY), options);
        Self { indexer, catching_up: Mutex::new(()), standing: Standing::default() }
    }

    /// What decides on single records, without the index, whether a query finds them.
    pub(crate) fn matcher(&self, text: &str, options: &SearchOptions) -> Result<Matcher> {
        let query = self.indexer.parse(text, options)?;
        Ok(self.indexer.matcher(&query, options))
    }

    /// Forgets the index, so that it is built anew when it next catches up.
    pub(super) fn forget(&self) {
        let _alone = self.catching_up.lock().unwrap_or_else(PoisonError::into_inner);
        self.indexer.reset();
    }

    /// The last write that the index has absorbed.
    pub(crate) fn watermark(&self) -> Option<Seq> {
        self.indexer.watermark()
    }

    /// Makes the index durable; until then a crash costs a check of it.
    pub(crate) fn sync(&self) -> Result<()> {
        self.indexer.sync()
    }

    pub(crate) fn close(&self) -> Result<()> {
        self.indexer.close()
    }

    /// Brings the index up to a published state. `newest` tells the newest durable write: an index
    /// that is ahead of it is another store's, or of a store that was put back.
    pub(crate) fn catch_up(
        &self,
        core: &Core,
        published: &Published,
        newest: impl Fn() -> Seq,
    ) -> Result<()> {
        if self.watermark() == Some(published.seq) {
            return Ok(());
        }
        let _alone = self.catching_up.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = changes::oldest(&*published.rows)?;
        let reaches = |seq: Seq| oldest.is_some_and(|oldest| seq.0 + 1 >= oldest.0);
        match self.watermark() {
            Some(watermark) if watermark == published.seq => return Ok(()),
            // Somebody with a newer view was here first.
            Some(watermark) if watermark > published.seq && watermark <= newest() => return Ok(()),
            Some(watermark) if watermark < published.seq && reaches(watermark) => {
                self.follow(core, published, watermark)?;
            }
            _ => self.rebuild(core, published)?,
        }
        self.indexer.commit(published.seq)
    }

    /// Gives the index every record that changed after `watermark`, as it is now.
    fn follow(&self, core: &Core, published: &Published, watermark: Seq) -> Result<()> {
        let mut ids: BTreeSet<NodeId> = BTreeSet::new();
        let mut result = Ok(());
        changes::read_after(&*published.rows, watermark, &mut |change| {
            if matches!(change.operation, Operation::Put | Operation::Delete) {
                for id in change.nodes() {
                    ids.insert(id);
                    if ids.len() >= BATCH_IDS {
                        result = self.give(core, published, &std::mem::take(&mut ids));
                        if result.is_err() {
                            return ControlFlow::Break(());
                        }
                    }
                }
            }
            ControlFlow::Continue(())
        })?;
        result?;
        self.give(core, published, &ids)
    }

    fn give(&self, core: &Core, published: &Published, ids: &BTreeSet<NodeId>) -> Result<()> {
        for id in ids {
            match record_read::raw(&*published.rows, *id)? {
                Some(value) => self.give_one(core, published.seq, *id, &value)?,
                None => self.indexer.apply([IndexChange::Delete(*id)])?,
            }
        }
        Ok(())
    }

    fn give_one(&self, core: &Core, seq: Seq, id: NodeId, value: &[u8]) -> Result<()> {
        let Some(record_type) = core.kinds.record_type(id.kind()) else { return Ok(()) };
        (record_type.describe)(value, &mut |facts| {
            if is_searchable(facts) {
                self.indexer.apply([IndexChange::Put(id, seq, facts)])
            } else {
                self.indexer.apply([IndexChange::Delete(id)])
            }
        })
    }

    /// Gives the index every record.
    fn rebuild(&self, core: &Core, published: &Published) -> Result<()> {
        tracing::info!(store = %core.directory.display(), "building the search index");
        self.indexer.reset();
        for (kind, _) in core.kinds.iter() {
            let Some(record_type) = core.kinds.record_type(kind) else { continue };
            for row in published.rows.range(TableId::records(kind), KeyRange::all())? {
                let (key, value) = row?;
                let id = NodeId::from_parts(kind, record_key_from(&key));
                (record_type.describe)(&value, &mut |facts| {
                    if !is_searchable(facts) {
                        return Ok(());
                    }
                    self.indexer.apply([IndexChange::Put(id, published.seq, facts)])
                })?;
            }
        }
        Ok(())
    }
}

/// Whether there is anything to find a record by.
pub(crate) fn is_searchable(facts: &Facts<'_>) -> bool {
    !facts.texts.is_empty() || !facts.keywords.is_empty()
}
