//! Search over the store: what can be asked of its index.

mod feed;
mod index;
mod past;
mod suggest;
mod verify;

use std::sync::Arc;

use super::Store;
use super::commit::Shared;
use super::read::Published;
use super::record_read;
use super::standing::SavedSearch;
use super::versions;
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId, Seq};
use crate::base::time::Timestamp;
use crate::base::trace::category::SEARCH;
use crate::record::Record;
use crate::search::{
    Cursor, Explanation, FacetCounts, Filter, Hits, Indexer, SearchOptions, Snippet, Snippets,
    TextQuery,
};
pub(crate) use index::{SearchIndex, SearchSetup};
use past::PastView;
pub use suggest::{Completion, Completions, KeywordCompletion};
pub use verify::SearchReport;

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
    /// The counts asked for, in that order.
    pub facets: Vec<FacetCounts>,
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
    /// Whether another index is to take its place, because texts are to be indexed in another way
    /// than before. It is built behind the scenes.
    pub rebuilding: bool,
}

/// A search in the making. Made by [`Store::search`].
#[derive(Clone, Debug)]
pub struct Search<'s> {
    store: &'s Store,
    subject: About,
    options: SearchOptions,
    kinds: Vec<Kind>,
    freshness: Freshness,
    at: Option<At>,
    unknown: Option<&'static str>,
}

/// What a search looks for.
#[derive(Clone, Debug)]
enum About {
    Text(String),
    /// Records like this one.
    Record(NodeId),
}

/// The state of the store that a search looks at, where it is not the present one.
#[derive(Clone, Copy, Debug)]
enum At {
    Seq(Seq),
    Time(Timestamp),
}

/// A search that is ready to be run.
struct Prepared {
    indexer: Arc<Indexer>,
    published: Arc<Published>,
    query: TextQuery,
    options: SearchOptions,
    past: Option<PastView>,
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
        Search::new(self, About::Text(text.into()))
    }

    /// Searches for records like this one: those that share its most telling words, the record
    /// itself left out.
    ///
    /// ```
    /// use engraph::Store;
    /// use engraph::record::Memory;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::create(dir.path().join("s"))?;
    /// let remember = |content: &str| Memory { content: content.into(), ..Memory::default() };
    /// let (first, second) = store.write(|tx| {
    ///     let first = tx.insert(&remember("The motion to dismiss was filed in March"))?;
    ///     tx.insert(&remember("Lunch is at noon"))?;
    ///     Ok((first, tx.insert(&remember("A reply to the motion to dismiss is due"))?))
    /// })?;
    /// let found = store.more_like(first).run()?;
    /// assert_eq!(found.hits[0].id, second);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn more_like(&self, record: NodeId) -> Search<'_> {
        Search::new(self, About::Record(record))
    }

    /// Runs the search that was saved under a name; more can be asked of it first.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that name.
    pub fn search_saved(&self, name: &str) -> Result<Search<'_>> {
        let SavedSearch { text, options, .. } =
            self.saved_search(name)?.ok_or_else(|| Error::not_found("saved search", name))?;
        Ok(Search { options, ..Search::new(self, About::Text(text)) })
    }

    /// Forgets the search index and builds it anew from the records.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]; [`Error::Engine`] or [`Error::Io`] when it cannot be written.
    pub fn rebuild_search(&self) -> Result<SearchStats> {
        let shared = self.shared();
        if !shared.writable() {
            return Err(Error::ReadOnly { action: "rebuild the search index".into() });
        }
        let published = shared.published()?;
        let search = shared.search();
        search.forget();
        search.catch_up(&shared.core, &published, || shared.durable_seq())?;
        search.sync()?;
        Ok(self.search_stats())
    }

    /// What the search index is like now.
    #[must_use]
    pub fn search_stats(&self) -> SearchStats {
        let shared = self.shared();
        let indexer = shared.search().indexer();
        let watermark = indexer.watermark();
        let newest = shared.durable_seq();
        SearchStats {
            watermark,
            behind: newest.0.saturating_sub(watermark.unwrap_or_default().0),
            documents: indexer.document_count(),
            segments: indexer.segments() as u64,
            bytes_on_disk: indexer.disk_bytes(),
            rebuilding: shared.search().is_rebuilding(),
        }
    }

    /// Reads every byte of the search index and names the files whose checksum is wrong. Nothing
    /// is lost by deleting such an index: it is built anew.
    ///
    /// # Errors
    /// [`Error::Engine`] when a file cannot be read at all.
    pub fn verify_search(&self) -> Result<Vec<std::path::PathBuf>> {
        self.shared().search().indexer().verify()
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

    /// Gives ids and scores alone.
    #[must_use]
    pub fn without_snippets(mut self) -> Self {
        self.options.snippets = Snippets::Skip;
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

    /// Searches the store as it was after write `seq`. Only types with a history are found: they
    /// alone keep what they were. Scores are by today's statistics.
    #[must_use]
    pub fn as_of(mut self, seq: Seq) -> Self {
        self.at = Some(At::Seq(seq));
        self
    }

    /// As [`Search::as_of`], after the last write that was accepted at or before a time.
    #[must_use]
    pub fn as_of_time(mut self, time: Timestamp) -> Self {
        self.at = Some(At::Time(time));
        self
    }

    /// Searches.
    ///
    /// # Errors
    /// [`Error::Query`] for a text that cannot be read, in strict syntax only;
    /// [`Error::NotFound`] when a type asked for is not registered, or a record to be like is
    /// absent; [`Error::Engine`] when the index cannot be written. At an earlier write:
    /// [`Error::Trimmed`] and [`Error::Invalid`], which say how far back a search can go.
    pub fn run(self) -> Result<SearchResults> {
        let _span = tracing::debug_span!(target: SEARCH, "search").entered();
        let prepared = self.prepare()?;
        let Prepared { indexer, published, query, options, past } = &prepared;
        let past_records = past.as_ref().map(|past| &past.records);
        let found = indexer.search(query, options, past_records)?;
        let hits = self.with_snippets(&prepared, &found)?;
        tracing::debug!(target: SEARCH, hits = hits.len(), "searched");
        // Without an index there is nothing that the answer could reflect.
        let seq = found.watermark.unwrap_or_default();
        Ok(SearchResults {
            hits,
            total: found.total,
            next: found.next,
            facets: found.facets,
            seq: past.as_ref().map_or(seq, |past| past.at),
            behind: published.seq.0.saturating_sub(seq.0),
        })
    }

    /// Why a record has its score in this search; `None` when the search does not find it.
    ///
    /// # Errors
    /// As [`Search::run`]; [`Error::Invalid`] at an earlier write.
    pub fn explain(&self, id: NodeId) -> Result<Option<Explanation>> {
        if self.at.is_some() {
            let reason = "only scores of the present state can be explained";
            return Err(Error::invalid("as_of", reason));
        }
        let Prepared { indexer, query, options, .. } = self.prepare()?;
        indexer.explain(&query, &options, id)
    }

    fn new(store: &Store, subject: About) -> Search<'_> {
        Search {
            store,
            subject,
            options: SearchOptions::default(),
            kinds: Vec::new(),
            freshness: Freshness::default(),
            at: None,
            unknown: None,
        }
    }

    /// Brings the index up to date as far as is asked for, and reads the query.
    fn prepare(&self) -> Result<Prepared> {
        if let Some(name) = self.unknown {
            return Err(Error::not_found("registered record type", name));
        }
        let shared: &Arc<Shared> = self.store.shared();
        let mut published = shared.published()?;
        self.freshen(shared, &published)?;
        // One and the same for all of it, though another may take its place meanwhile.
        let indexer = shared.search().indexer();
        let mut options = self.options.clone();
        if !self.kinds.is_empty() {
            options.filters.push(Filter::Kinds(self.kinds.clone()));
        }
        let query = match &self.subject {
            About::Text(text) => indexer.parse(text, &options)?,
            About::Record(id) => like(shared, &indexer, &published, *id)?,
        };
        let mut past = None;
        if let Some(at) = self.at {
            // Not older than what the index holds: others may have brought it further meanwhile.
            published = shared.published()?;
            let at = match at {
                At::Seq(seq) => seq,
                At::Time(time) => versions::seq_at(&published, time)?,
            };
            options.filters.push(past::kinds_with_history(&shared.core, &self.kinds)?);
            past = Some(PastView::new(shared, &indexer, &published, at)?);
        }
        Ok(Prepared { indexer, published, query, options, past })
    }

    fn freshen(&self, shared: &Shared, published: &Published) -> Result<()> {
        let search = shared.search();
        if !shared.writable() {
            search.refresh();
        } else if self.freshness == Freshness::Acknowledged {
            search.catch_up(&shared.core, published, || shared.durable_seq())?;
        }
        Ok(())
    }

    fn with_snippets(&self, prepared: &Prepared, found: &Hits) -> Result<Vec<SearchHit>> {
        let Prepared { indexer, published, query, options, past } = prepared;
        if options.snippets == Snippets::Skip {
            return without_snippets(prepared, found);
        }
        let shared = self.store.shared();
        let highlighter = indexer.highlighter(query, options);
        let mut hits = Vec::with_capacity(found.hits.len());
        for hit in &found.hits {
            let value = match past {
                Some(past) => past.value(&*published.rows, hit.id)?,
                None => record_read::raw(&*published.rows, hit.id)?,
            };
            // A record that went since the index was written is no hit any more.
            let Some(value) = value else { continue };
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

/// The hits alone. Where the index is of the very state that is published, each is still there.
fn without_snippets(prepared: &Prepared, found: &Hits) -> Result<Vec<SearchHit>> {
    let Prepared { published, past, .. } = prepared;
    let is_exact = past.is_none() && found.watermark == Some(published.seq);
    let mut hits = Vec::with_capacity(found.hits.len());
    for hit in &found.hits {
        let is_there = is_exact
            || match past {
                Some(past) => past.value(&*published.rows, hit.id)?.is_some(),
                None => record_read::raw(&*published.rows, hit.id)?.is_some(),
            };
        if is_there {
            hits.push(SearchHit { id: hit.id, score: hit.score, snippet: None });
        }
    }
    Ok(hits)
}

/// The query for records like one that is there.
fn like(
    shared: &Shared,
    indexer: &Indexer,
    published: &Published,
    id: NodeId,
) -> Result<TextQuery> {
    let value = record_read::raw(&*published.rows, id)?;
    let value = value.ok_or_else(|| Error::not_found("record", id))?;
    let record_type = shared.core.kinds.registered(id.kind())?;
    let mut query = TextQuery::default();
    (record_type.describe)(&value, &mut |facts| {
        query = indexer.like(id, facts)?;
        Ok(())
    })?;
    Ok(query)
}
