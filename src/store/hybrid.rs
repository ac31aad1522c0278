//! Searching by words, vectors and nearness in the graph at once.
//!
//! Each part proposes candidates; every candidate gets every part that it has, and one score: the
//! weighted sum. A part only adds to it, and no candidate is dropped for lacking one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Store;
use super::commit::Shared;
use super::read::Published;
use super::record_read;
use super::similar::{meets_all, state_of};
use super::vectors;
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId, Seq};
use crate::graph::Direction;
use crate::record::Record;
use crate::search::vector::{Stream, VectorQuery, normalised, share_of};
use crate::search::{
    Embedder, Filter, HybridWeights, Metric, Parts, SearchOptions, Snippet, TextQuery,
};

/// Candidates of each part, for each hit wanted and at least.
const CANDIDATES_A_HIT: usize = 4;
const CANDIDATES_MIN: usize = 100;

/// Nodes that are looked at around each start.
const AROUND_MAX: usize = 1_000;

/// A record that a hybrid search found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HybridHit {
    /// The record.
    pub id: NodeId,
    /// The sum of its parts, each times its weight.
    pub score: f32,
    /// What the score is made of.
    pub parts: Parts,
    /// A passage of its text with the words found; nothing where no text matched.
    pub snippet: Option<Snippet>,
}

/// What a hybrid search found.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct HybridResults {
    /// The hits, the best first; equal ones in the order of their ids.
    pub hits: Vec<HybridHit>,
    /// The state of the store whose vectors and graph were searched.
    pub seq: Seq,
}

/// A hybrid search in the making. Made by [`Store::hybrid`].
#[derive(Debug)]
#[must_use = "a search does nothing until it is run"]
pub struct Hybrid<'s> {
    store: &'s Store,
    text: String,
    vector: Option<(String, Vec<f32>)>,
    near: Vec<NodeId>,
    hops: usize,
    weights: HybridWeights,
    metric: Metric,
    limit: usize,
    kinds: Vec<Kind>,
    filters: Vec<Filter>,
    unknown: Option<&'static str>,
}

impl Store {
    /// Searches by words and, where the builder is told so, by vectors and nearness in the graph.
    /// An empty text leaves the words out.
    ///
    /// ```
    /// use engraph::Store;
    /// use engraph::record::Document;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::create(dir.path().join("s"))?;
    /// let [memo, reply] = store.write(|tx| {
    ///     let document = |name: &str| Document { file_name: name.into(), ..Document::default() };
    ///     let ids = [tx.insert(&document("motion.txt"))?, tx.insert(&document("reply.txt"))?];
    ///     tx.put_vector(ids[1], "mini", &[0.6, 0.8])?;
    ///     Ok(ids)
    /// })?;
    /// let found = store.hybrid("motion").vector("mini", &[1.0, 0.0]).run()?;
    /// assert_eq!(found.hits[0].id, memo);
    /// assert_eq!((found.hits[0].parts.text, found.hits[0].parts.vector), (Some(1.0), None));
    /// assert_eq!((found.hits[1].id, found.hits[1].parts.vector), (reply, Some(0.6)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hybrid(&self, text: impl Into<String>) -> Hybrid<'_> {
        Hybrid {
            store: self,
            text: text.into(),
            vector: None,
            near: Vec::new(),
            hops: 2,
            weights: HybridWeights::default(),
            metric: Metric::default(),
            limit: 10,
            kinds: Vec::new(),
            filters: Vec::new(),
            unknown: None,
        }
    }
}

impl Hybrid<'_> {
    /// Also by the vectors of a model that are near this one.
    pub fn vector(mut self, model: impl Into<String>, vector: &[f32]) -> Self {
        self.vector = Some((model.into(), vector.to_vec()));
        self
    }

    /// Also by the vectors that are near that of the text.
    ///
    /// # Errors
    /// What the embedder fails with.
    pub fn embedded(mut self, embedder: &impl Embedder) -> Result<Self> {
        let vector = embedder.embed(&self.text)?;
        self.vector = Some((embedder.model().to_owned(), vector));
        Ok(self)
    }

    /// Also by the nearness to a record in the graph; more calls add records, of which the nearest
    /// counts.
    pub fn near(mut self, id: NodeId) -> Self {
        self.near.push(id);
        self
    }

    /// How many edges away, in either direction, a record is still near; two unless said otherwise.
    pub fn hops(mut self, hops: usize) -> Self {
        self.hops = hops;
        self
    }

    /// How much each part counts.
    pub fn weights(mut self, weights: HybridWeights) -> Self {
        self.weights = weights;
        self
    }

    /// How the nearness of vectors is measured; by the cosine unless said otherwise.
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// At most so many hits; ten by default.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Only records of a type; more calls add types.
    pub fn of<T: Record>(mut self) -> Self {
        match self.store.shared().core.kinds.of::<T>() {
            Ok(kind) => self.kinds.push(kind),
            Err(_) => self.unknown = Some(T::NAME),
        }
        self
    }

    /// Only records of a kind; more calls add kinds.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Only records that meet a condition; more calls narrow further.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Searches.
    ///
    /// # Errors
    /// [`Error::Invalid`] for weights that are not finite or below zero, and for vectors as
    /// [`Similar::run`](super::Similar::run); [`Error::NotFound`] when a type is not registered;
    /// [`Error::Limit`] as the parts; [`Error::Engine`] when the index cannot be written.
    pub fn run(self) -> Result<HybridResults> {
        if let Some(name) = self.unknown {
            return Err(Error::not_found("registered record type", name));
        }
        check_weights(&self.weights)?;
        let shared = self.store.shared();
        let published = shared.published()?;
        let pool = self.limit.saturating_mul(CANDIDATES_A_HIT).max(CANDIDATES_MIN);
        let mut found = Gathered::default();
        let text = self.add_text(&mut found, (shared, &published), pool)?;
        self.add_graph(&mut found, (shared, &published))?;
        self.add_vectors(&mut found, (shared, &published), pool)?;
        let mut hits: Vec<HybridHit> = found
            .0
            .into_iter()
            .map(|(id, parts)| {
                let score = parts.score(&self.weights);
                HybridHit { id, score, parts, snippet: None }
            })
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
        hits.truncate(self.limit);
        if let Some((query, options)) = text {
            add_snippets(&mut hits, (shared, &published), &query, &options)?;
        }
        Ok(HybridResults { hits, seq: published.seq })
    }

    /// Candidates by words: their scores as shares of the best.
    fn add_text(
        &self,
        found: &mut Gathered,
        (shared, published): (&Arc<Shared>, &Published),
        pool: usize,
    ) -> Result<Option<(TextQuery, SearchOptions)>> {
        if self.text.trim().is_empty() {
            return Ok(None);
        }
        let mut filters = self.filters.clone();
        if !self.kinds.is_empty() {
            filters.push(Filter::Kinds(self.kinds.clone()));
        }
        let options = SearchOptions { filters, limit: pool, ..SearchOptions::default() };
        let search = shared.search();
        if shared.writable() {
            search.catch_up(&shared.core, published, || shared.durable_seq())?;
        } else {
            search.refresh();
        }
        let query = TextQuery::parse(&self.text, &options)?;
        let hits = search.indexer().search(&query, &options, None)?.hits;
        let best = hits.iter().map(|hit| hit.score).fold(0.0, f32::max);
        for hit in hits {
            // A record that went since the index was written is no hit any more.
            if record_read::raw(&*published.rows, hit.id)?.is_some() {
                found.of(hit.id).text = Some(share_of(hit.score, best));
            }
        }
        Ok(Some((query, options)))
    }

    /// Candidates by hops from the records given.
    fn add_graph(
        &self,
        found: &mut Gathered,
        (shared, published): (&Arc<Shared>, &Published),
    ) -> Result<()> {
        if self.near.is_empty() {
            return Ok(());
        }
        let graph = published.graph(&shared.core);
        let state = state_of(&shared.core, published);
        let mut depths: BTreeMap<NodeId, usize> = BTreeMap::new();
        for start in self.near.iter().copied().collect::<BTreeSet<NodeId>>() {
            let walk = graph.from(start).any(Direction::Both).depth(0..=self.hops);
            for reached in walk.limit(AROUND_MAX).reached()? {
                let depth = depths.entry(reached.node).or_insert(reached.depth);
                *depth = reached.depth.min(*depth);
            }
        }
        for (id, depth) in depths {
            // What words have found meets the filters already.
            let is_known = found.0.contains_key(&id);
            let is_of_kind = self.kinds.is_empty() || self.kinds.contains(&id.kind());
            let counts = is_known
                || is_of_kind
                    && record_read::raw(&*published.rows, id)?.is_some()
                    && meets_all(state, id, &self.filters)?;
            if counts {
                found.of(id).graph = Some(1.0 / (1.0 + depth as f32));
            }
        }
        Ok(())
    }

    /// Candidates by vectors, and the vectors of the candidates that others have found.
    fn add_vectors(
        &self,
        found: &mut Gathered,
        (shared, published): (&Arc<Shared>, &Published),
        pool: usize,
    ) -> Result<()> {
        let Some((model, vector)) = &self.vector else { return Ok(()) };
        let mut similar = self.store.similar(model.as_str(), vector).metric(self.metric).top(pool);
        for kind in &self.kinds {
            similar = similar.kind(*kind);
        }
        for filter in &self.filters {
            similar = similar.filter(filter.clone());
        }
        let mut scores: BTreeMap<NodeId, f32> = BTreeMap::new();
        for hit in similar.run()?.hits {
            scores.insert(hit.id, hit.score);
        }
        let query = VectorQuery::new(self.metric, vector)?;
        let mut stream = Stream::new(&query);
        let number = shared.core.names.number(model);
        for id in found.0.keys().filter(|id| !scores.contains_key(id)).copied().collect::<Vec<_>>()
        {
            let vector = vectors::get(&shared.core, &*published.rows, (id, &[]), model, number)?;
            let vector = vector.filter(|vector| vector.len() == query.dimension());
            if let Some(score) = vector.and_then(|vector| stream.score(&vector)) {
                scores.insert(id, score);
            }
        }
        let best = scores.values().copied().fold(0.0, f32::max);
        for (id, score) in scores {
            found.of(id).vector = Some(normalised(self.metric, score, best));
        }
        Ok(())
    }
}

/// The candidates with their parts.
#[derive(Debug, Default)]
struct Gathered(BTreeMap<NodeId, Parts>);

impl Gathered {
    fn of(&mut self, id: NodeId) -> &mut Parts {
        self.0.entry(id).or_default()
    }
}

fn check_weights(weights: &HybridWeights) -> Result<()> {
    for (name, weight) in
        [("text", weights.text), ("vector", weights.vector), ("graph", weights.graph)]
    {
        if !weight.is_finite() || weight < 0.0 {
            let reason = format!("{weight}; it is a number from 0 on");
            return Err(Error::invalid(format!("weight of {name}"), reason));
        }
    }
    Ok(())
}

/// Adds passages to the hits that words have found.
fn add_snippets(
    hits: &mut [HybridHit],
    (shared, published): (&Arc<Shared>, &Published),
    query: &TextQuery,
    options: &SearchOptions,
) -> Result<()> {
    let highlighter = shared.search().indexer().highlighter(query, options);
    for hit in hits.iter_mut().filter(|hit| hit.parts.text.is_some()) {
        let Some(of) = shared.core.kinds.record_type(hit.id.kind()) else { continue };
        let Some(value) = record_read::raw(&*published.rows, hit.id)? else { continue };
        (of.describe)(&value, &mut |facts| {
            hit.snippet = highlighter.snippet(&facts.texts);
            Ok(())
        })?;
    }
    Ok(())
}
