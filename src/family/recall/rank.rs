//! From scores to the memories that are shown: filters, order, near duplicates, diversity.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::index::{Entry, ScopeIndex};
use super::keep::Loaded;
use super::question::{Question, Read};
use super::score::{Parts, Scores, Via, sum};
use super::time::Asked;
use super::weights::{RecallSignal, RecallWeights};
use super::words::{CODE, may_be_name};
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::base::time::Timestamp;
use crate::graph::Direction;
use crate::record::MemoryType;
use crate::search::Metric;
use crate::search::vector::VectorQuery;
use crate::store::ReadTx;
use crate::store::vector_index::Request;
use crate::store::vector_rows::State;

/// Two memories with at least this share of their terms in common say nearly the same.
const NEAR: f32 = 0.9;
/// Terms from which memories are compared for that.
const NEAR_TERMS_MIN: usize = 8;

/// Which memories may be hits, besides their scope.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    pub(super) types: Vec<MemoryType>,
    /// Retired memories too.
    pub(super) with_retired: bool,
    pub(super) said_from: Option<Timestamp>,
    pub(super) said_to: Option<Timestamp>,
    /// Only what held then.
    pub(super) held_at: Option<Timestamp>,
    /// The time that decides what has expired.
    pub(super) now: Timestamp,
}

/// Why a memory is no hit, whatever its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Type,
    Retired,
    Expired,
    Said,
    Held,
}

impl Conditions {
    pub(super) fn refuses(&self, entry: &Entry) -> Option<Refused> {
        let reached = |time: Option<Timestamp>| time.is_some_and(|time| time <= self.now);
        if !self.types.is_empty() && !self.types.contains(&entry.memory_type) {
            return Some(Refused::Type);
        }
        if !self.with_retired && reached(entry.retired) {
            return Some(Refused::Retired);
        }
        if reached(entry.expires) {
            return Some(Refused::Expired);
        }
        let is_early = self.said_from.is_some_and(|from| entry.said.is_none_or(|at| at < from));
        let is_late = self.said_to.is_some_and(|to| entry.said.is_none_or(|at| at >= to));
        if is_early || is_late {
            return Some(Refused::Said);
        }
        let held = self.held_at.is_none_or(|time| {
            entry.since().is_none_or(|since| since <= time)
                && entry.valid_to.is_none_or(|until| time < until)
        });
        (!held).then_some(Refused::Held)
    }
}

/// Everything that a question is asked of one scope with.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) namespace: String,
    pub(super) loaded: Arc<Loaded>,
    pub(super) tx: ReadTx,
    pub(super) question: Question,
}

/// A vector, and the model whose vectors it is compared with.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) model: String,
    pub(super) values: Vec<f32>,
}

/// A memory with its score.
#[derive(Clone, Debug)]
pub(super) struct Ranked {
    pub(super) score: f32,
    pub(super) id: NodeId,
    /// Which of the scopes asked.
    pub(super) scope: usize,
    pub(super) place: u32,
    pub(super) parts: Parts,
    pub(super) joined: Joined,
    pub(super) near_duplicates: Vec<NodeId>,
}

/// Where the strongest of what joins a memory with others came from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Joined {
    pub(super) name: Option<Via>,
    pub(super) edge: Option<Via>,
}

/// The order of hits: the best first, equal ones by their ids.
pub(super) fn order(one: &Ranked, other: &Ranked) -> Ordering {
    other.score.total_cmp(&one.score).then_with(|| one.id.cmp(&other.id))
}

impl Asking {
    /// Scores every memory of the scope.
    pub(super) fn scores<'a>(
        &'a self,
        (read, asked): (&Read, &Asked),
        weights: &'a RecallWeights,
        (conditions, given): (&Conditions, Option<&Given>),
    ) -> Result<Scores<'a>> {
        let index = &self.loaded.index;
        let mut scores = Scores::new(index, &self.question, weights, asked);
        scores.choose_starts(&|entry| conditions.refuses(entry).is_none());
        if weights.name_link != 0.0 || weights.subject_link != 0.0 {
            scores.follow_names();
        }
        if weights.edge != 0.0 && self.is_present() {
            self.follow_edges(&mut scores)?;
        }
        if let Some(given) = given {
            let near = self.near(given)?;
            scores.add_vectors(near.into_iter());
        }
        if weights.overlap != 0.0 {
            scores.add_overlap(read.surfaces());
        }
        Ok(scores)
    }

    /// Whether the newest state is asked; an earlier one has no graph.
    fn is_present(&self) -> bool {
        self.loaded.seq == self.tx.seq()
    }

    fn follow_edges(&self, scores: &mut Scores<'_>) -> Result<()> {
        let graph = self.tx.graph();
        for start in scores.starts.clone() {
            let id = self.loaded.index.entry(start).id;
            for neighbor in graph.neighbors(id, Direction::Both)? {
                if let Some(place) = self.loaded.index.place(neighbor.node) {
                    scores.add_edge(start, place);
                }
            }
        }
        Ok(())
    }

    /// How near the vectors of the scope are to one.
    fn near(&self, given: &Given) -> Result<Vec<(u32, f32)>> {
        let index = &self.loaded.index;
        if !self.is_present() {
            return Ok(near_then(index, &given.values));
        }
        let query = VectorQuery::new(Metric::Cosine, &given.values)?;
        let among: Vec<NodeId> =
            index.settled.order.iter().map(|place| index.entry(*place).id).collect();
        let core = self.tx.core();
        let state = State { core, rows: self.tx.rows(), seq: self.tx.seq() };
        let request = Request {
            model: &given.model,
            query: &query,
            count: among.len(),
            score_min: f32::NEG_INFINITY,
            among: Some(&among),
            kinds: &[],
            scan: crate::search::Scan::default(),
            candidates: None,
        };
        let found = core.vectors.search(state, &request)?;
        if let (true, Some(dimension)) = (found.best.is_empty(), found.other_dimension) {
            let dimensions = (dimension, given.values.len());
            crate::store::vectors::check_dimension(&given.model, dimensions.0, dimensions.1)?;
        }
        let near = found.best.iter();
        Ok(near
            .filter_map(|candidate| Some((index.place(candidate.subject)?, candidate.score)))
            .collect())
    }

    /// The best of the scope that may be hits, in their order, and how many more there are.
    pub(super) fn best(
        &self,
        scope: usize,
        (scores, conditions): (&Scores<'_>, &Conditions),
        count: usize,
    ) -> Vec<Ranked> {
        let index = &self.loaded.index;
        let mut found: Vec<(f32, NodeId, u32)> = Vec::new();
        for place in &index.settled.order {
            let entry = index.entry(*place);
            let Some(parts) = scores.parts(*place) else { continue };
            if conditions.refuses(entry).is_none() {
                found.push((sum(&parts), entry.id, *place));
            }
        }
        let by_score = |one: &(f32, NodeId, u32), other: &(f32, NodeId, u32)| {
            other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1))
        };
        if found.len() > count && count > 0 {
            found.select_nth_unstable_by(count - 1, by_score);
            found.truncate(count);
        }
        found.sort_unstable_by(by_score);
        let ranked = found.into_iter().filter_map(|(score, id, place)| {
            let parts = scores.parts(place)?;
            let joined = joined_by(scores, &parts, place);
            Some(Ranked { score, id, scope, place, parts, joined, near_duplicates: Vec::new() })
        });
        ranked.collect()
    }
}

fn joined_by(scores: &Scores<'_>, parts: &Parts, place: u32) -> Joined {
    let value = |signal: RecallSignal| parts[signal as usize];
    let by_name = scores.name_links.get(&place).copied();
    let by_subject = scores.subject_links.get(&place).copied();
    let is_subject = value(RecallSignal::SubjectLink) > value(RecallSignal::NameLink);
    let name = if is_subject { by_subject } else { by_name };
    Joined {
        name: name
            .filter(|_| value(RecallSignal::SubjectLink).max(value(RecallSignal::NameLink)) > 0.0),
        edge: scores.edges.get(&place).copied().filter(|_| value(RecallSignal::Edge) > 0.0),
    }
}

/// As the vectors of an earlier state: those that the memories themselves carried.
fn near_then(index: &ScopeIndex, values: &[f32]) -> Vec<(u32, f32)> {
    let length = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
    let own = length(values);
    let mut found = Vec::new();
    for place in &index.settled.order {
        let Some(vector) = &index.entry(*place).embedding else { continue };
        let lengths = own * length(vector);
        if vector.len() == values.len() && lengths > 0.0 {
            let dot: f32 = vector.iter().zip(values).map(|(one, other)| one * other).sum();
            found.push((*place, (dot / lengths).clamp(-1.0, 1.0)));
        }
    }
    found
}

/// Folds memories that say nearly the same into the best of them, and shows `limit` at most.
///
/// Two sets with 90 % in common share one of the rarest tenth of their terms, and one more (prefix
/// filtering; Chaudhuri, Ganti and Kaushik 2006): only those that do are compared.
pub(super) fn fold_duplicates(
    ranked: Vec<Ranked>,
    askings: &[Asking],
    limit: usize,
) -> Vec<Ranked> {
    let mut shown: Vec<(Ranked, Vec<u32>)> = Vec::new();
    let mut by_digest: HashMap<(usize, u64), usize> = HashMap::new();
    let mut by_rare: HashMap<(usize, u32), Vec<usize>> = HashMap::new();
    for candidate in ranked {
        let (scope, index) = (candidate.scope, &askings[candidate.scope].loaded.index);
        let entry = index.entry(candidate.place);
        let mut terms: Vec<u32> = entry.terms.iter().map(|(term, _)| *term).collect();
        terms.sort_unstable_by_key(|term| (index.frequency(*term), *term));
        let rare: Vec<u32> = terms.iter().copied().take(terms.len() / 10 + 1).collect();
        terms.sort_unstable();
        let same = by_digest.get(&(scope, entry.digest)).copied().or_else(|| {
            let near = rare.iter().filter_map(|term| by_rare.get(&(scope, *term))).flatten();
            near.copied()
                .filter(|at| is_near(index, (entry, &terms), (shown[*at].0.place, &shown[*at].1)))
                .min()
        });
        if let Some(at) = same {
            shown[at].0.near_duplicates.push(candidate.id);
        } else if shown.len() < limit {
            by_digest.insert((scope, entry.digest), shown.len());
            for term in rare {
                by_rare.entry((scope, term)).or_default().push(shown.len());
            }
            shown.push((candidate, terms));
        }
    }
    shown.into_iter().map(|(ranked, _)| ranked).collect()
}

/// How many numbers two sorted lists have in common.
fn count_shared(one: &[u32], other: &[u32]) -> usize {
    let (mut at, mut count) = (0, 0);
    for number in one {
        while other.get(at).is_some_and(|known| known < number) {
            at += 1;
        }
        count += usize::from(other.get(at) == Some(number));
    }
    count
}

/// Whether two memories say nearly the same: most terms are in both, and what is not is no name,
/// number or code.
fn is_near(
    index: &ScopeIndex,
    (entry, terms): (&Entry, &[u32]),
    (other, other_terms): (u32, &[u32]),
) -> bool {
    let (own, all) = (terms.len(), other_terms.len());
    if own.min(all) < NEAR_TERMS_MIN {
        return false;
    }
    let shared = count_shared(terms, other_terms);
    if (shared as f32) < NEAR * (own + all - shared) as f32 {
        return false;
    }
    let telling = |entry: &Entry| -> Vec<u32> {
        let forms = entry.forms.iter().filter(|(form, manner)| {
            let text = index.forms.text(*form);
            manner & CODE != 0
                || text.bytes().any(|byte| byte.is_ascii_digit())
                || may_be_name(text, *manner) && index.is_name(*form)
        });
        forms.map(|(form, _)| *form).collect()
    };
    telling(entry) == telling(index.entry(other))
}

/// Puts what says something new before what was said: maximal marginal relevance (Carbonell and
/// Goldstein 1998), with the share of common terms as likeness.
pub(super) fn diversify(ranked: Vec<Ranked>, askings: &[Asking], share: f32) -> Vec<Ranked> {
    let best = ranked.first().map_or(0.0, |first| first.score).max(f32::MIN_POSITIVE);
    let mut left: Vec<(Ranked, HashSet<u32>, f32)> = ranked
        .into_iter()
        .map(|ranked| {
            let entry = askings[ranked.scope].loaded.index.entry(ranked.place);
            let terms = entry.terms.iter().map(|(term, _)| *term).collect();
            (ranked, terms, 0.0)
        })
        .collect();
    let mut chosen = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let worth = |(ranked, _, likeness): &(Ranked, HashSet<u32>, f32)| {
            (1.0 - share) * ranked.score / best - share * likeness
        };
        let mut next = 0;
        for at in 1..left.len() {
            if worth(&left[at]).total_cmp(&worth(&left[next])).is_gt() {
                next = at;
            }
        }
        let (ranked, terms, _) = left.remove(next);
        for (other, other_terms, likeness) in &mut left {
            if other.scope == ranked.scope {
                let shared = other_terms.intersection(&terms).count();
                let all = (other_terms.len() + terms.len() - shared).max(1);
                *likeness = likeness.max(shared as f32 / all as f32);
            }
        }
        chosen.push(ranked);
    }
    chosen
}
