//! Why a memory was not recalled.

use serde::Serialize;

use super::answer::{SignalPart, signals_of};
use super::keep::Scope;
use super::rank::Refused;
use super::run::Recall;
use super::score::sum;
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::record::Memory;

/// What became of a memory in a recall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecallVerdict {
    /// It was shown.
    Shown,
    /// There is no such memory in the state that was asked.
    Absent,
    /// It is of a namespace that was not asked.
    OtherNamespace(String),
    /// It is of an agent that was not asked.
    OtherAgent(Option<String>),
    /// It is of a type that was not asked for.
    OtherType(String),
    /// It was retired.
    Retired,
    /// It has expired.
    Expired,
    /// It was not said in the time asked for.
    SaidAtOtherTime,
    /// It did not hold at the time asked for.
    NotHeld,
    /// No memory of its namespace has a word of the question or one that stands for it.
    NothingKnown,
    /// Nothing speaks for it: no word of the question is in it or around it, and no link leads to
    /// it.
    NothingShared,
    /// Another memory says nearly the same and was shown in its place.
    FoldedInto(NodeId),
    /// Others have more.
    OthersHaveMore,
}

/// Why a memory was recalled or not.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecallReason {
    /// What became of it.
    pub verdict: RecallVerdict,
    /// Its place among all memories that something speaks for, from 1 on.
    pub rank: Option<usize>,
    /// Its score, where something speaks for it.
    pub score: Option<f32>,
    /// What it lacks to the last one shown.
    pub missing: Option<f32>,
    /// Every signal that says something.
    pub signals: Vec<SignalPart>,
}

impl RecallReason {
    fn of(verdict: RecallVerdict) -> Self {
        Self { verdict, rank: None, score: None, missing: None, signals: Vec::new() }
    }
}

impl Recall<'_> {
    /// Tells what became of a memory: why it comes, or what keeps it from coming. Costs two
    /// recalls.
    ///
    /// ```
    /// use engraph::Store;
    /// use engraph::family::RecallVerdict;
    /// use engraph::record::Memory;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::create(dir.path().join("s"))?;
    /// let memo = store.write(|tx| {
    ///     let (namespace, content) = ("team".to_owned(), "Greta is away".to_owned());
    ///     tx.insert(&Memory { record_id: "m-1".into(), namespace, content, ..Memory::default() })
    /// })?;
    /// let reason = store.recall("Who is away?").namespace("home").why(memo)?;
    /// assert_eq!(reason.verdict, RecallVerdict::OtherNamespace("team".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Recall::run`].
    pub fn why(self, memory: NodeId) -> Result<RecallReason> {
        let prepared = self.prepare()?;
        let Some(asking) =
            prepared.askings.iter().find(|asking| asking.loaded.index.place(memory).is_some())
        else {
            return self.why_outside(memory);
        };
        let index = &asking.loaded.index;
        let Some(place) = index.place(memory) else {
            return Ok(RecallReason::of(RecallVerdict::Absent));
        };
        let conditions = &prepared.conditions;
        if let Some(refused) = conditions.refuses(index.entry(place)) {
            return Ok(RecallReason::of(match refused {
                Refused::Type => {
                    RecallVerdict::OtherType(index.entry(place).memory_type.as_str().to_owned())
                }
                Refused::Retired => RecallVerdict::Retired,
                Refused::Expired => RecallVerdict::Expired,
                Refused::Said => RecallVerdict::SaidAtOtherTime,
                Refused::Held => RecallVerdict::NotHeld,
            }));
        }
        if self.says_nothing_to(asking) {
            return Ok(RecallReason::of(RecallVerdict::NothingKnown));
        }
        let read = (&prepared.read, &prepared.read.asked);
        let scores = asking.scores(read, self.weights_in_use(), (conditions, self.given()))?;
        let Some(parts) = scores.parts(place) else {
            return Ok(RecallReason::of(RecallVerdict::NothingShared));
        };
        let score = sum(&parts);
        // Those of other scopes are ranked among each other and then counted.
        let mut rank = 1;
        for other in &prepared.askings {
            if self.says_nothing_to(other) {
                continue;
            }
            let scores = other.scores(read, self.weights_in_use(), (conditions, self.given()))?;
            let all = other.best(0, (&scores, conditions), usize::MAX);
            let before = |found: &&super::rank::Ranked| {
                let order = found.score.total_cmp(&score);
                order.is_gt() || order.is_eq() && found.id < memory
            };
            rank += all.iter().filter(before).count();
        }
        let limit = self.limit_in_use();
        let shown = self.found(limit)?.ranked;
        let verdict = if shown.iter().any(|hit| hit.id == memory) {
            RecallVerdict::Shown
        } else if let Some(hit) = shown.iter().find(|hit| hit.near_duplicates.contains(&memory)) {
            RecallVerdict::FoldedInto(hit.id)
        } else {
            RecallVerdict::OthersHaveMore
        };
        let last = shown.last().map(|last| last.score - score);
        Ok(RecallReason {
            missing: last.filter(|_| verdict == RecallVerdict::OthersHaveMore),
            verdict,
            rank: Some(rank),
            score: Some(score),
            signals: signals_of(&parts),
        })
    }

    /// Why a memory is in no scope that is asked.
    fn why_outside(&self, memory: NodeId) -> Result<RecallReason> {
        let found = self.store.read()?.get::<Memory>(memory)?;
        let verdict = match found {
            None => RecallVerdict::Absent,
            Some(memory) => {
                let scope = Scope::new(&memory.namespace, self.agents());
                if scope.has_agent(memory.agent_id.as_deref()) {
                    self.outside_by_namespace(memory.namespace)
                } else {
                    RecallVerdict::OtherAgent(memory.agent_id)
                }
            }
        };
        Ok(RecallReason::of(verdict))
    }

    /// A memory that is in the namespaces asked now was not there in the state asked.
    fn outside_by_namespace(&self, namespace: String) -> RecallVerdict {
        if self.asks(&namespace) {
            RecallVerdict::Absent
        } else {
            RecallVerdict::OtherNamespace(namespace)
        }
    }
}
