//! Searching the vectors of a store: the nearest to a vector, or to that of a record.

use std::sync::Arc;

use super::Store;
use super::commit::Shared;
use super::read::{Published, ReadTx};
use super::record_read;
use super::vector_index::{Neighbors, Request, VectorStats};
use super::vector_rows::State;
use super::vectors::{self, check_values};
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId, Seq};
use crate::base::limits::VECTOR_HITS_MAX;
use crate::record::Record;
use crate::search::vector::{Candidate, VectorQuery, meets};
use crate::search::{Embedder, Filter, Metric, Scan};

/// Candidates that are looked at first for each hit wanted, where filters are asked of one after
/// the other.
const FIRST_CANDIDATES: usize = 4;

/// A record whose vector is near.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct SimilarHit {
    /// The record that the vector is of.
    pub id: NodeId,
    /// How near it is, by the metric; greater is nearer.
    pub score: f32,
    /// The record that carries the vector in a field, where that is another one.
    pub carrier: Option<NodeId>,
}

/// What a search of vectors found.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SimilarResults {
    /// The hits, the nearest first; equally near ones in the order of their ids.
    pub hits: Vec<SimilarHit>,
    /// The state of the store that was searched.
    pub seq: Seq,
}

/// Whose vectors are searched.
#[derive(Clone, Copy, Debug)]
enum Of<'s> {
    /// The newest state of a store.
    Store(&'s Store),
    /// The state of a reader.
    Reader(&'s ReadTx),
}

/// What others are compared with.
#[derive(Clone, Debug)]
enum Asked {
    Vector(Vec<f32>),
    Record(NodeId),
}

/// A search of vectors in the making. Made by [`Store::similar`] and [`Store::similar_to`].
#[derive(Clone, Debug)]
#[must_use = "a search does nothing until it is run"]
pub struct Similar<'s> {
    of: Of<'s>,
    model: String,
    asked: Asked,
    metric: Metric,
    count: usize,
    score_min: f32,
    kinds: Option<Vec<Kind>>,
    filters: Vec<Filter>,
    scan: Scan,
    candidates: Option<usize>,
    unknown: Option<&'static str>,
}

impl Store {
    /// Searches the vectors of a model for the nearest to `vector`: those that were written beside
    /// records, and those that records carry in fields. Sees every write that was acknowledged
    /// before.
    ///
    /// ```
    /// use engraph::Store;
    /// use engraph::record::Document;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::create(dir.path().join("s"))?;
    /// let [near, far] = store.write(|tx| {
    ///     let document = |name: &str| Document { file_name: name.into(), ..Document::default() };
    ///     let ids = [tx.insert(&document("a.txt"))?, tx.insert(&document("b.txt"))?];
    ///     tx.put_vector(ids[0], "mini", &[0.8, 0.6])?;
    ///     tx.put_vector(ids[1], "mini", &[0.0, 1.0])?;
    ///     Ok(ids)
    /// })?;
    /// let found = store.similar("mini", &[1.0, 0.0]).top(2).run()?;
    /// let ids: Vec<_> = found.hits.iter().map(|hit| hit.id).collect();
    /// assert_eq!(ids, [near, far]);
    /// assert_eq!(store.similar_to(near, "mini").run()?.hits[0].id, far);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn similar(&self, model: impl Into<String>, vector: &[f32]) -> Similar<'_> {
        Similar::new(Of::Store(self), model.into(), Asked::Vector(vector.to_vec()))
    }

    /// As [`Store::similar`], for the vector of the record `id`, which is no hit itself.
    pub fn similar_to(&self, id: NodeId, model: impl Into<String>) -> Similar<'_> {
        Similar::new(Of::Store(self), model.into(), Asked::Record(id))
    }

    /// As [`Store::similar`], for a text.
    ///
    /// # Errors
    /// What the embedder fails with.
    pub fn similar_text(&self, embedder: &impl Embedder, text: &str) -> Result<Similar<'_>> {
        let vector = embedder.embed(text)?;
        Ok(Similar::new(Of::Store(self), embedder.model().to_owned(), Asked::Vector(vector)))
    }

    /// Builds the approximate index of a model's vectors, which [`Scan::Approximate`] asks, or
    /// brings it up to date. It is kept in files beside the store's data, and read again when it
    /// is first asked after opening; vectors that are written afterwards are looked at one by one,
    /// until this is called again. Erasing anything forgets it.
    ///
    /// Needs the feature `ann`. It pays from some hundred thousand vectors on. The vectors of the
    /// model are brought into memory; the index takes about one byte a value and 450 a vector
    /// more. Building takes half a millisecond to two of a processor for each vector, the more the
    /// more there are, on all threads that the machine has; searches and writes go on meanwhile.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the model has no vectors; [`Error::Invalid`] without the feature,
    /// where the vectors and their index do not fit
    /// [`Options::vector_bytes_max`](crate::Options::vector_bytes_max), and where something was
    /// erased or most of them changed meanwhile; [`Error::Engine`] and [`Error::Io`];
    /// [`Error::ReadOnly`]; [`Error::Closed`].
    pub fn index_vectors(&self, model: &str) -> Result<()> {
        let shared = self.shared();
        if !shared.writable() {
            return Err(Error::ReadOnly { action: "index vectors".into() });
        }
        shared.core.vectors.index(model, &|take| {
            let published = shared.published()?;
            take(state_of(&shared.core, &published))
        })
    }

    /// The vectors that are in memory now, by model and dimension.
    #[must_use]
    pub fn vector_stats(&self) -> Vec<VectorStats> {
        self.shared().core.vectors.stats()
    }
}

impl ReadTx {
    /// As [`Store::similar`], in this state, whatever was written since. Filters, kinds apart, are
    /// asked of the nearest records one after the other; [`Store::similar`] has an index for them.
    pub fn similar(&self, model: impl Into<String>, vector: &[f32]) -> Similar<'_> {
        Similar::new(Of::Reader(self), model.into(), Asked::Vector(vector.to_vec()))
    }

    /// As [`ReadTx::similar`], for the vector of the record `id`, which is no hit itself.
    pub fn similar_to(&self, id: NodeId, model: impl Into<String>) -> Similar<'_> {
        Similar::new(Of::Reader(self), model.into(), Asked::Record(id))
    }
}

impl<'s> Similar<'s> {
    fn new(of: Of<'s>, model: String, asked: Asked) -> Self {
        Self {
            of,
            model,
            asked,
            metric: Metric::default(),
            count: 10,
            score_min: f32::NEG_INFINITY,
            kinds: None,
            filters: Vec::new(),
            scan: Scan::default(),
            candidates: None,
            unknown: None,
        }
    }

    /// At most so many hits; ten by default.
    pub fn top(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// How nearness is measured; by the cosine unless said otherwise.
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// Only hits with at least this score.
    pub fn min_score(mut self, score: f32) -> Self {
        self.score_min = score;
        self
    }

    /// Only records of a type; more calls add types.
    pub fn of<T: Record>(mut self) -> Self {
        let core = match self.of {
            Of::Store(store) => &store.shared().core,
            Of::Reader(tx) => tx.core_arc(),
        };
        if let Ok(kind) = core.kinds.of::<T>() {
            return self.kind(kind);
        }
        self.unknown = Some(T::NAME);
        self
    }

    /// Only records of a kind; more calls add kinds.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kinds.get_or_insert_default().push(kind);
        self
    }

    /// Only records that meet a condition; more calls narrow further. Conditions but those on kinds
    /// are met by records only that have a text or keyword, as in the search of texts.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// How the vectors are looked at. The answers are the same, but for [`Scan::Approximate`].
    pub fn scan(mut self, scan: Scan) -> Self {
        self.scan = scan;
        self
    }

    /// How many candidates [`Scan::Approximate`] looks at, 128 unless said otherwise and four for
    /// each hit at least. More of them find more of the nearest, and take longer.
    pub fn candidates(mut self, count: usize) -> Self {
        self.candidates = Some(count);
        self
    }

    /// Searches. Linear in the vectors of the model, or in the records that meet the filters where
    /// these are fewer.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a vector that is empty, not finite, without a direction where the
    /// metric is the cosine, or of another dimension than those of the model;
    /// [`Error::NotFound`] when the record asked for has no vector, or a type is not registered;
    /// [`Error::Limit`] for more than 100,000 hits; [`Error::Closed`].
    pub fn run(self) -> Result<SimilarResults> {
        if let Some(name) = self.unknown {
            return Err(Error::not_found("registered record type", name));
        }
        if self.count > VECTOR_HITS_MAX {
            return Err(Error::Limit {
                what: "hits of a search of vectors".into(),
                max: VECTOR_HITS_MAX as u64,
                found: self.count as u64,
            });
        }
        match self.of {
            Of::Store(store) => {
                let shared = store.shared();
                let published = shared.published()?;
                self.run_on(state_of(&shared.core, &published), Some(shared), &published)
            }
            Of::Reader(tx) => {
                self.run_on(state_of(tx.core_arc(), tx.published()), None, tx.published())
            }
        }
    }

    fn run_on(
        self,
        state: State<'_>,
        shared: Option<&Arc<Shared>>,
        published: &Published,
    ) -> Result<SimilarResults> {
        let vector = match &self.asked {
            Asked::Vector(vector) => vector.clone(),
            Asked::Record(id) => vector_of(state, *id, &self.model)?,
        };
        check_values(&vector)?;
        let query = VectorQuery::new(self.metric, &vector)?;
        let (kinds, filters) = self.narrowed();
        let nothing = SimilarResults { hits: Vec::new(), seq: state.seq };
        if kinds.as_ref().is_some_and(Vec::is_empty) {
            return Ok(nothing);
        }
        let among = match shared {
            Some(shared) if !filters.is_empty() => matching(shared, published, &filters)?,
            _ => None,
        };
        let itself = match self.asked {
            Asked::Vector(_) => None,
            Asked::Record(id) => Some(id),
        };
        let wanted = self.count;
        let request = Request {
            model: &self.model,
            query: &query,
            count: wanted + usize::from(itself.is_some()),
            score_min: self.score_min,
            kinds: kinds.as_deref().unwrap_or_default(),
            scan: self.scan,
            candidates: self.candidates,
            among: among.as_deref(),
        };
        let unasked = if among.is_none() { &filters[..] } else { &[] };
        let best = nearest(state, request, (itself, unasked, wanted))?;
        let hits = best.into_iter().map(hit_of).collect();
        Ok(SimilarResults { hits, ..nothing })
    }

    /// The kinds that may be found, if not all, and the filters that say something else.
    fn narrowed(&self) -> (Option<Vec<Kind>>, Vec<Filter>) {
        let mut kinds = self.kinds.clone();
        let mut others = Vec::new();
        for filter in &self.filters {
            match filter {
                Filter::Kinds(these) => match &mut kinds {
                    None => kinds = Some(these.clone()),
                    Some(kinds) => kinds.retain(|kind| these.contains(kind)),
                },
                other => others.push(other.clone()),
            }
        }
        (kinds, others)
    }
}

/// The best candidates that are not `itself` and meet all of `filters`.
fn nearest(
    state: State<'_>,
    mut request: Request<'_>,
    (itself, filters, wanted): (Option<NodeId>, &[Filter], usize),
) -> Result<Vec<Candidate>> {
    if !filters.is_empty() {
        request.count = request.count.saturating_mul(FIRST_CANDIDATES);
    }
    loop {
        let Neighbors { best, other_dimension } = state.core.vectors.search(state, &request)?;
        if let Some(dimension) = other_dimension {
            vectors::check_dimension(request.model, dimension, request.query.dimension())?;
        }
        let is_all = best.len() < request.count;
        let mut kept = Vec::new();
        for candidate in best {
            if kept.len() == wanted {
                break;
            }
            let is_other = Some(candidate.subject) != itself;
            if is_other && meets_all(state, candidate.subject, filters)? {
                kept.push(candidate);
            }
        }
        if is_all || kept.len() == wanted || filters.is_empty() {
            return Ok(kept);
        }
        request.count = request.count.saturating_mul(FIRST_CANDIDATES * 2);
    }
}

/// Whether a record meets filters, by what it says about itself.
pub(super) fn meets_all(state: State<'_>, id: NodeId, filters: &[Filter]) -> Result<bool> {
    if filters.is_empty() {
        return Ok(true);
    }
    let Some(of) = state.core.kinds.record_type(id.kind()) else { return Ok(false) };
    let Some(value) = record_read::raw(state.rows, id)? else { return Ok(false) };
    let mut does = false;
    (of.describe)(&value, &mut |facts| {
        does = filters.iter().all(|filter| meets(filter, id.kind(), facts));
        Ok(())
    })?;
    Ok(does)
}

/// The records that meet filters, where the text index shows this state.
fn matching(
    shared: &Arc<Shared>,
    published: &Published,
    filters: &[Filter],
) -> Result<Option<Vec<NodeId>>> {
    let search = shared.search();
    if shared.writable() {
        search.catch_up(&shared.core, published, || shared.durable_seq())?;
    }
    let found = search.indexer().matching(filters)?;
    Ok(found.filter(|(seq, _)| *seq == published.seq).map(|(_, ids)| ids))
}

pub(super) fn state_of<'a>(core: &'a super::core::Core, published: &'a Published) -> State<'a> {
    State { core, rows: &published.rows, seq: published.seq }
}

fn vector_of(state: State<'_>, id: NodeId, model: &str) -> Result<Vec<f32>> {
    let number = state.core.names.number(model);
    vectors::get(state.core, state.rows, (id, &[]), model, number)?
        .ok_or_else(|| Error::not_found(format!("vector of model {model}"), id))
}

fn hit_of(candidate: Candidate) -> SimilarHit {
    let Candidate { score, subject, carrier } = candidate;
    SimilarHit { id: subject, score, carrier: (carrier != subject).then_some(carrier) }
}
