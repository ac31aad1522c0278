//! Search over the store: keeping the index in step with the change log, and asking it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use super::Store;
use super::commit::Shared;
use super::core::Core;
use super::read::Published;
use super::record_read;
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId, Seq};
use crate::record::{Facts, Record};
use crate::search::{
    Access, Cursor, Filter, Hits, IndexChange, Indexer, IndexerOptions, SearchOptions, Snippet,
    TextQuery,
};
use crate::storage::changes::{self, Operation};
use crate::storage::tables::record_key_from;
use crate::storage::{KeyRange, Rows as _, TableId, place};

/// Records that are read from the log before they are given to the index: a record that was
/// written many times is indexed once for all of them.
const BATCH_IDS: usize = 50_000;

/// The search index of an open store.
pub(crate) struct SearchIndex {
    pub(super) indexer: Indexer,
    /// Held while the index catches up: one at a time.
    catching_up: Mutex<()>,
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
        let options = IndexerOptions { access, ..IndexerOptions::default() };
        let indexer = Indexer::open(&core.directory.join(place::SEARCH_DIRECTORY), options);
        Self { indexer, catching_up: Mutex::new(()) }
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
fn is_searchable(facts: &Facts<'_>) -> bool {
    !facts.texts.is_empty() || !facts.keywords.is_empty()
}

/// Which writes a search must see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// Every write that was acknowledged before the call: brings the index up to date first.
    #[default]
    Acknowledged,
    /// What the index holds: answers at once, and says how far behind it is.
    Committed,
}

/// A record that a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchHit {
    /// The record.
    pub id: NodeId,
    /// How well it matches; comparable within one search only.
    pub score: f32,
    /// A passage of its text with the words found; nothing where no text matched.
    pub snippet: Option<Snippet>,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchResults {
    /// The hits, in the order asked for.
    pub hits: Vec<SearchHit>,
    /// The number of all hits, where it was asked for.
    pub total: Option<u64>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
    /// The newest write that the answer reflects.
    pub seq: Seq,
    /// Writes that the answer does not reflect yet.
    pub behind: u64,
}

/// What the search index is like.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SearchStats {
    /// The last write that it has absorbed; `None` when there is no usable index.
    pub watermark: Option<Seq>,
    /// Writes that it has not absorbed yet.
    pub behind: u64,
    /// Records in it.
    pub documents: u64,
    /// Segments that a query looks at.
    pub segments: u64,
    /// Bytes of its files.
    pub bytes_on_disk: u64,
}

/// A search in the making. Made by [`Store::search`].
#[derive(Clone, Debug)]
pub struct Search<'s> {
    store: &'s Store,
    text: String,
    options: SearchOptions,
    kinds: Vec<Kind>,
    freshness: Freshness,
    unknown: Option<&'static str>,
}

impl Store {
    /// Searches the records' texts.
    ///
    /// ```
    /// use engraph::Store;
    /// use engraph::record::Document;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::create(dir.path().join("s"))?;
    /// let memo = store.write(|tx| {
    ///     let file_name = "reply to the motion.txt".to_owned();
    ///     tx.insert(&Document { file_name, ..Document::default() })
    /// })?;
    /// let found = store.search("motion").of::<Document>().limit(5).run()?;
    /// assert_eq!(found.hits[0].id, memo);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn search(&self, text: impl Into<String>) -> Search<'_> {
        Search {
            store: self,
            text: text.into(),
            options: SearchOptions::default(),
            kinds: Vec::new(),
            freshness: Freshness::default(),
            unknown: None,
        }
    }

    /// What the search index is like now.
    #[must_use]
    pub fn search_stats(&self) -> SearchStats {
        let shared = self.shared();
        let indexer = &shared.search().indexer;
        let watermark = indexer.watermark();
        let newest = shared.durable_seq();
        SearchStats {
            watermark,
            behind: newest.0.saturating_sub(watermark.unwrap_or_default().0),
            documents: indexer.document_count(),
            segments: indexer.segments() as u64,
            bytes_on_disk: indexer.disk_bytes(),
        }
    }

    /// Reads every byte of the search index and names the files whose checksum is wrong. Nothing
    /// is lost by deleting such an index: it is built anew.
    ///
    /// # Errors
    /// [`Error::Engine`] when a file cannot be read at all.
    pub fn verify_search(&self) -> Result<Vec<std::path::PathBuf>> {
        self.shared().search().indexer.verify()
    }

    /// The last write that the search index has absorbed; `None` when there is no usable index.
    #[must_use]
    pub fn search_watermark(&self) -> Option<Seq> {
        self.shared().search().watermark()
    }
}

impl Search<'_> {
    /// Only records of a type; more calls add types.
    #[must_use]
    pub fn of<T: Record>(mut self) -> Self {
        match self.store.shared().core.kinds.of::<T>() {
            Ok(kind) => self.kinds.push(kind),
            Err(_) => self.unknown = Some(T::NAME),
        }
        self
    }

    /// Only records of a kind; more calls add kinds.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Only records that meet a condition; more calls narrow further.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.options.filters.push(filter);
        self
    }

    /// At most so many hits; ten by default.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.options.limit = limit;
        self
    }

    /// Goes on where the page before ended.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.options.after = Some(cursor);
        self
    }

    /// Everything else. Filters and limits given before are replaced.
    #[must_use]
    pub fn options(mut self, options: SearchOptions) -> Self {
        self.options = options;
        self
    }

    /// Which writes the search must see.
    #[must_use]
    pub fn freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
        self
    }

    /// Searches.
    ///
    /// # Errors
    /// [`Error::Query`] for a text that cannot be read, in strict syntax only;
    /// [`Error::NotFound`] when a type asked for is not registered; [`Error::Engine`] when the
    /// index cannot be written.
    pub fn run(mut self) -> Result<SearchResults> {
        if let Some(name) = self.unknown {
            return Err(Error::not_found("registered record type", name));
        }
        let shared: &Arc<Shared> = self.store.shared();
        let published = shared.published()?;
        let search = shared.search();
        if shared.writable() && self.freshness == Freshness::Acknowledged {
            search.catch_up(&shared.core, &published, || shared.durable_seq())?;
        } else if !shared.writable() {
            search.indexer.refresh();
        }
        if !self.kinds.is_empty() {
            self.options.filters.push(Filter::Kinds(std::mem::take(&mut self.kinds)));
        }
        let query = TextQuery::parse(&self.text, &self.options)?;
        let seq = search.watermark().unwrap_or_default();
        let found = search.indexer.search(&query, &self.options)?;
        let hits = self.with_snippets(&published, &query, &found)?;
        Ok(SearchResults {
            hits,
            total: found.total,
            next: found.next,
            seq,
            behind: published.seq.0.saturating_sub(seq.0),
        })
    }

    fn with_snippets(
        &self,
        published: &Published,
        query: &TextQuery,
        found: &Hits,
    ) -> Result<Vec<SearchHit>> {
        let shared = self.store.shared();
        let highlighter = shared.search().indexer.highlighter(query, &self.options);
        let mut hits = Vec::with_capacity(found.hits.len());
        for hit in &found.hits {
            // A record that went since the index was written is no hit any more.
            let Some(value) = record_read::raw(&*published.rows, hit.id)? else { continue };
            let mut snippet = None;
            if let Some(record_type) = shared.core.kinds.record_type(hit.id.kind()) {
                (record_type.describe)(&value, &mut |facts| {
                    snippet = highlighter.snippet(&facts.texts);
                    Ok(())
                })?;
            }
            hits.push(SearchHit { id: hit.id, score: hit.score, snippet });
        }
        Ok(hits)
    }
}
