//! A recall in the making, and how it is run.

use std::collections::BTreeSet;

use super::answer::{RecallFields, RecallHit, Recalled, signals_of};
use super::evidence::{Sought, snippet};
use super::keep::{self, RecallIndexes, Scope};
use super::question::{Question, Read};
use super::rank::{self, Asking, Conditions, Given, Ranked};
use super::weights::RecallWeights;
use crate::base::error::{Error, Result};
use crate::base::id::{NodeId, Seq};
use crate::base::limits::{RECALL_HITS_MAX, RECALL_QUESTION_BYTES_MAX};
use crate::base::time::Timestamp;
use crate::record::{Memory, MemoryType};
use crate::search::{Embedder, Pieces};
use crate::storage::changes;
use crate::store::{Store, vectors};

/// Memories that are ranked for each hit wanted and at least, so that near duplicates can be
/// folded.
const RANKED_A_HIT: usize = 3;
const RANKED_MIN: usize = 50;
/// Memories that diversity chooses from.
const DIVERSE_MAX: usize = 100;

/// The model of the vectors that memories carry.
const MODEL: &str = "memory";

/// What becomes of memories that say nearly the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NearDuplicates {
    /// The best one is shown, and names the others.
    #[default]
    Fold,
    /// Each is a hit of its own.
    Show,
}

/// Whether a recall leaves a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecallUse {
    /// It only reads.
    #[default]
    Leave,
    /// It counts as use of every memory that it shows: one write.
    Count,
}

/// The state that is asked, where it is not the newest.
#[derive(Clone, Copy, Debug)]
enum At {
    Seq(Seq),
    Time(Timestamp),
}

/// A recall in the making. Made by [`Store::recall`].
#[derive(Clone, Debug)]
#[must_use = "a recall does nothing until it is run"]
pub struct Recall<'s> {
    pub(super) store: &'s Store,
    pub(super) text: String,
    namespaces: BTreeSet<String>,
    agents: Vec<String>,
    conditions: Conditions,
    given: Option<Given>,
    weights: RecallWeights,
    limit: usize,
    score_min: f32,
    asked_at: Option<Timestamp>,
    at: Option<At>,
    fields: RecallFields,
    near_duplicates: NearDuplicates,
    diversity: f32,
    usage: RecallUse,
}

impl Store {
    /// Recalls the memories that have to do with a text: a question, or what somebody works on.
    /// Never a query in a query's syntax. Sees every write that was acknowledged before.
    ///
    /// Every namespace is asked unless the builder names some; each is judged by its own memories
    /// alone.
    ///
    /// ```
    /// use engraph::Store;
    /// use engraph::record::Memory;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::create(dir.path().join("s"))?;
    /// let memory = |name: &str, content: &str| Memory {
    ///     record_id: name.into(),
    ///     namespace: "team".into(),
    ///     content: content.into(),
    ///     ..Memory::default()
    /// };
    /// let moved = store.write(|tx| {
    ///     tx.insert(&memory("m-1", "Kavya will be away on Friday."))?;
    ///     tx.insert(&memory("m-2", "Greta swears by Kafka."))?;
    ///     tx.insert(&memory("m-3", "Kavya has moved to Graz."))
    /// })?;
    /// let recalled = store.recall("Where does Kavya live now?").namespace("team").run()?;
    /// assert_eq!(recalled.hits[0].id, moved);
    /// assert!(store.recall("xylophone").run()?.hits.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recall(&self, text: impl Into<String>) -> Recall<'_> {
        Recall {
            store: self,
            text: text.into(),
            namespaces: BTreeSet::new(),
            agents: Vec::new(),
            conditions: Conditions::default(),
            given: None,
            weights: RecallWeights::default(),
            limit: 10,
            score_min: f32::NEG_INFINITY,
            asked_at: None,
            at: None,
            fields: RecallFields::default(),
            near_duplicates: NearDuplicates::default(),
            diversity: 0.0,
            usage: RecallUse::default(),
        }
    }
}

impl Recall<'_> {
    /// Only memories of this namespace; more calls add namespaces.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespaces.insert(namespace.into());
        self
    }

    /// Only memories of this agent; more calls add agents. What others remember has no say in the
    /// scores either: the answer is that of a store without them.
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agents.push(agent.into());
        self
    }

    /// Only memories of this type; more calls add types.
    pub fn memory_type(mut self, memory_type: MemoryType) -> Self {
        self.conditions.types.push(memory_type);
        self
    }

    /// Only memories that were said from a time on.
    pub fn said_from(mut self, time: Timestamp) -> Self {
        self.conditions.said_from = Some(time);
        self
    }

    /// Only memories that were said before a time.
    pub fn said_before(mut self, time: Timestamp) -> Self {
        self.conditions.said_to = Some(time);
        self
    }

    /// Only what held at a time, by what memories say of their validity.
    pub fn held_at(mut self, time: Timestamp) -> Self {
        self.conditions.held_at = Some(time);
        self
    }

    /// Retired memories too. Expired ones are never recalled.
    pub fn with_retired(mut self) -> Self {
        self.conditions.with_retired = true;
        self
    }

    /// Also by the nearness of the vectors that memories carry.
    pub fn vector(self, vector: &[f32]) -> Self {
        self.vector_of(MODEL, vector)
    }

    /// Also by the nearness of the vectors of a model.
    pub fn vector_of(mut self, model: impl Into<String>, vector: &[f32]) -> Self {
        self.given = Some(Given { model: model.into(), values: vector.to_vec() });
        self
    }

    /// Also by the vectors that are near that of the text.
    ///
    /// # Errors
    /// What the embedder fails with.
    pub fn embedded(self, embedder: &impl Embedder) -> Result<Self> {
        let vector = embedder.embed(&self.text)?;
        Ok(self.vector_of(embedder.model(), &vector))
    }

    /// How much each signal counts.
    pub fn weights(mut self, weights: RecallWeights) -> Self {
        self.weights = weights;
        self
    }

    /// At most so many hits; ten by default.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Only hits with at least this score.
    pub fn score_min(mut self, score: f32) -> Self {
        self.score_min = score;
        self
    }

    /// When the question is asked, for "yesterday", "in May" and what has expired; the store's
    /// clock unless said otherwise, or the time of the earlier state that is asked.
    pub fn asked_at(mut self, time: Timestamp) -> Self {
        self.asked_at = Some(time);
        self
    }

    /// Asks the memories as they were after a write: what was written later has no say in it.
    pub fn as_of(mut self, seq: Seq) -> Self {
        self.at = Some(At::Seq(seq));
        self
    }

    /// Asks the memories as they were at a time.
    pub fn as_of_time(mut self, time: Timestamp) -> Self {
        self.at = Some(At::Time(time));
        self
    }

    /// How much of each memory a hit brings.
    pub fn fields(mut self, fields: RecallFields) -> Self {
        self.fields = fields;
        self
    }

    /// What becomes of memories that say nearly the same.
    pub fn near_duplicates(mut self, near_duplicates: NearDuplicates) -> Self {
        self.near_duplicates = near_duplicates;
        self
    }

    /// How much a hit has to say something new, 0 (not at all, the default) to 1.
    pub fn diversity(mut self, share: f32) -> Self {
        self.diversity = share;
        self
    }

    /// Whether what is shown counts as used; the default is to read only.
    pub fn usage(mut self, usage: RecallUse) -> Self {
        self.usage = usage;
        self
    }

    /// Recalls. Linear in the memories that have words of the question, and in the scope's, which
    /// lie in memory.
    ///
    /// # Errors
    /// [`Error::Invalid`] for weights that are not finite, a diversity beyond 0 to 1, a vector that
    /// cannot be compared, or a state that is not there yet; [`Error::Limit`] for more than 10,000
    /// hits or a question of more than 64 KiB; [`Error::Trimmed`] for a state before the oldest one
    /// that is kept; [`Error::ReadOnly`] where use is to be counted; [`Error::Closed`].
    pub fn run(self) -> Result<Recalled> {
        let found = self.found(self.limit)?;
        let recalled = self.shown(&found)?;
        if self.usage == RecallUse::Count && !recalled.hits.is_empty() {
            let ids: Vec<NodeId> = recalled.hits.iter().map(|hit| hit.id).collect();
            self.store.write(|tx| {
                let now = tx.now();
                for id in &ids {
                    if tx.contains(*id)? {
                        tx.update(*id, |memory: &mut Memory| {
                            memory.access_count = memory.access_count.saturating_add(1);
                            memory.last_accessed_at = Some(now);
                            Ok(())
                        })?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(recalled)
    }

    fn check(&self) -> Result<()> {
        self.weights.check()?;
        if !(0.0..=1.0).contains(&self.diversity) {
            return Err(Error::invalid(
                "diversity",
                format!("{} is not in 0 to 1", self.diversity),
            ));
        }
        if let Some(given) = &self.given {
            vectors::check_values(&given.values)?;
        }
        let limit = |what: &str, max: usize, found: usize| {
            if found <= max {
                return Ok(());
            }
            Err(Error::Limit { what: what.into(), max: max as u64, found: found as u64 })
        };
        limit("hits of a recall", RECALL_HITS_MAX, self.limit)?;
        limit("question of a recall in bytes", RECALL_QUESTION_BYTES_MAX, self.text.len())
    }

    /// Asks every scope.
    pub(super) fn prepare(&self) -> Result<Prepared> {
        self.check()?;
        let tx = self.store.read()?;
        let at = match self.at {
            None => None,
            Some(At::Seq(seq)) => Some(seq),
            Some(At::Time(time)) => Some(tx.seq_at(time)?),
        };
        let now = match (self.asked_at, self.at, at) {
            (Some(asked_at), ..) => asked_at,
            (None, Some(At::Time(time)), _) => time,
            // An earlier state is asked when it was the newest.
            (None, _, Some(seq)) if seq.0 > 0 && seq <= tx.seq() => {
                changes::time_of(tx.rows(), seq)?
            }
            _ => tx.core().clock.now(),
        };
        let mut pieces = Pieces::new(tx.core().search.analyzer);
        let read = Read::new(&mut pieces, &self.text, now);
        let indexes = tx.attached::<RecallIndexes>();
        let namespaces = if self.namespaces.is_empty() {
            keep::namespaces(&tx)?
        } else {
            self.namespaces.iter().cloned().collect()
        };
        let groups = indexes.groups(&mut pieces);
        let mut askings = Vec::with_capacity(namespaces.len());
        for namespace in namespaces {
            let scope = Scope::new(&namespace, &self.agents);
            let (loaded, tx) = match at {
                None => indexes.newest(self.store, &scope)?,
                Some(at) => (keep::past(&tx, &scope, at)?.into(), tx.clone()),
            };
            let question = Question::of(&read, &loaded.index, (&mut pieces, groups));
            askings.push(Asking { namespace, loaded, tx, question });
        }
        let conditions = Conditions { now, ..self.conditions.clone() };
        let seq = askings.iter().map(|asking| asking.loaded.seq).min();
        let seq = seq.unwrap_or_else(|| at.unwrap_or_else(|| tx.seq()));
        Ok(Prepared { read, askings, conditions, seq })
    }

    /// The best memories of all scopes, in their order.
    pub(super) fn found(&self, limit: usize) -> Result<Found> {
        let prepared = self.prepare()?;
        let many = limit.saturating_mul(RANKED_A_HIT).max(RANKED_MIN);
        let mut ranked = Vec::new();
        for (scope, asking) in prepared.askings.iter().enumerate() {
            if self.says_nothing_to(asking) {
                continue;
            }
            let given = (&prepared.conditions, self.given.as_ref());
            let scores =
                asking.scores((&prepared.read, &prepared.read.asked), &self.weights, given)?;
            ranked.append(&mut asking.best(scope, (&scores, &prepared.conditions), many));
        }
        ranked.sort_by(rank::order);
        ranked.retain(|ranked| ranked.score >= self.score_min);
        if self.near_duplicates == NearDuplicates::Fold {
            ranked = rank::fold_duplicates(ranked, &prepared.askings, many);
        }
        if self.diversity > 0.0 {
            ranked.truncate(DIVERSE_MAX.max(limit));
            ranked = rank::diversify(ranked, &prepared.askings, self.diversity);
        }
        ranked.truncate(limit);
        Ok(Found { prepared, ranked })
    }

    /// Whether a scope knows nothing of the question, so that nothing in it has to do with it.
    pub(super) fn says_nothing_to(&self, asking: &Asking) -> bool {
        self.given.is_none() && self.weights.overlap == 0.0 && !asking.question.says_something()
    }

    pub(super) fn given(&self) -> Option<&Given> {
        self.given.as_ref()
    }

    pub(super) fn weights_in_use(&self) -> &RecallWeights {
        &self.weights
    }

    pub(super) fn agents(&self) -> &[String] {
        &self.agents
    }

    /// Whether a namespace is asked.
    pub(super) fn asks(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.contains(namespace)
    }

    pub(super) fn limit_in_use(&self) -> usize {
        self.limit
    }

    /// The hits as they are asked for.
    fn shown(&self, found: &Found) -> Result<Recalled> {
        let prepared = &found.prepared;
        let known = prepared.askings.iter().map(|asking| asking.question.known);
        let mut recalled = Recalled {
            hits: Vec::with_capacity(found.ranked.len()),
            known: known.fold(0.0, f32::max),
            seq: prepared.seq,
        };
        for ranked in &found.ranked {
            recalled.hits.push(self.hit(prepared, ranked)?);
        }
        Ok(recalled)
    }

    fn hit(&self, prepared: &Prepared, ranked: &Ranked) -> Result<RecallHit> {
        let asking = &prepared.askings[ranked.scope];
        let sought = Sought::new(&asking.loaded.index, &asking.question);
        let mut pieces = Pieces::new(asking.tx.core().search.analyzer);
        let mut content = |id: NodeId| match self.fields {
            RecallFields::Ids => Ok(None),
            _ => Ok(asking.memory(id)?.map(|memory| memory.content)),
        };
        let path = sought.path(ranked, &mut pieces, &mut content)?;
        let memory = match self.fields {
            RecallFields::Ids => None,
            _ => asking.memory(ranked.id)?,
        };
        let spans = path.last().map_or(&[][..], |step| &step.spans);
        Ok(RecallHit {
            id: ranked.id,
            namespace: asking.namespace.clone(),
            score: ranked.score,
            signals: signals_of(&ranked.parts),
            near_duplicates: ranked.near_duplicates.clone(),
            record_id: memory.as_ref().map(|memory| memory.record_id.clone()),
            snippet: memory.as_ref().map(|memory| snippet(&memory.content, spans)),
            memory: memory.filter(|_| self.fields == RecallFields::Full),
            path,
        })
    }
}

impl Asking {
    /// A memory in the state that is asked.
    pub(super) fn memory(&self, id: NodeId) -> Result<Option<Memory>> {
        keep::memory_at(&self.tx, id, self.loaded.seq)
    }
}

/// A question, ready to be scored.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) read: Read,
    pub(super) askings: Vec<Asking>,
    pub(super) conditions: Conditions,
    pub(super) seq: Seq,
}

/// The memories found, in their order.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) prepared: Prepared,
    pub(super) ranked: Vec<Ranked>,
}
