//! Memories that say nearly the same as others.
//!
//! Two memories are compared by the words and pairs of words that they share (Jaccard). Those that
//! a new one is compared with are found by a sketch of its runs of words, which is kept with each
//! memory that is written while near duplicates are asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;

use super::{Memories, MemoryQuery, Reader};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::{
    MEMORY_COMPARED_MAX, MEMORY_GROUPED_MAX, MEMORY_SPANS_MAX, MEMORY_TAGS_MAX,
};
use crate::base::near::{Shingles, sketch};
use crate::record::Memory;
use crate::store::{NewEdge, WriteTx};

/// The type of the edges between near duplicates.
const EDGE: &str = "near_duplicate";
/// Edges of one new memory: more say no more.
const EDGES_MAX: usize = 8;

/// A memory that says nearly the same.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct NearMemory {
    /// Which one.
    pub id: NodeId,
    /// The share of words and pairs of words that both have among those that either has, 0 to 1.
    pub likeness: f64,
    /// Whether it has the same numbers and negations: without, it says something else in nearly
    /// the same words.
    pub says_the_same: bool,
}

impl<T: Deref<Target: Reader>> Memories<T> {
    /// The present memories of the same namespace and agent that are alike by at least `min`, 0.5
    /// to 1, the most alike first. Finds those that were written while near duplicates were asked
    /// for ([`OnNear`](super::OnNear)); of many with the same run of words the newest 64.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another threshold; [`Error::Corrupt`] when one does not decode.
    pub fn near(&self, memory: &Memory, min: f64) -> Result<Vec<NearMemory>> {
        check_threshold(min)?;
        let Some(hashes) = sketch(&memory.content) else { return Ok(Vec::new()) };
        let shingles = Shingles::of(&memory.content);
        let now = self.tx.now();
        let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
        for (place, hash) in (0_u8..).zip(hashes) {
            let rows = self.tx.index_descending("sketch", (&memory.namespace, place, hash))?;
            for row in rows.take(MEMORY_COMPARED_MAX) {
                let (id, other): (NodeId, Memory) = row?;
                let is_other = other.record_id != memory.record_id || memory.record_id.is_empty();
                let is_asked = is_other && other.agent_id == memory.agent_id;
                if !is_asked || !other.is_present(now) || !seen.insert(id) {
                    continue;
                }
                let others = Shingles::of(&other.content);
                let likeness = shingles.likeness(&others);
                if likeness >= min {
                    let says_the_same = shingles.agrees_with(&others);
                    found.push(NearMemory { id, likeness, says_the_same });
                }
            }
        }
        found.sort_by(|a, b| b.likeness.total_cmp(&a.likeness).then(a.id.cmp(&b.id)));
        Ok(found)
    }

    /// Pairs among the memories of a query that are alike by at least `min`, 0.5 to 1, the smaller
    /// id first, in order, with how alike they are. Looks at all of them, whenever they were
    /// written, of the first 20,000.
    ///
    /// # Errors
    /// As [`Memories::near`].
    pub fn near_pairs(&self, query: &MemoryQuery, min: f64) -> Result<Vec<(NodeId, NodeId, f64)>> {
        check_threshold(min)?;
        let mut groups: HashMap<(u8, u32), Vec<NodeId>> = HashMap::new();
        let mut candidates = BTreeSet::new();
        let mut found = self.list(&query.clone().limit(MEMORY_GROUPED_MAX))?;
        found.sort_by_key(|(id, _)| *id);
        for (id, memory) in &found {
            let Some(hashes) = sketch(&memory.content) else { continue };
            for key in (0_u8..).zip(hashes) {
                let group = groups.entry(key).or_default();
                let from = group.len().saturating_sub(MEMORY_COMPARED_MAX);
                candidates.extend(group[from..].iter().map(|other| (*other, *id)));
                group.push(*id);
            }
        }
        let texts: BTreeMap<NodeId, Shingles> =
            found.iter().map(|(id, memory)| (*id, Shingles::of(&memory.content))).collect();
        let alike = |(first, second): (NodeId, NodeId)| {
            let likeness = texts.get(&first)?.likeness(texts.get(&second)?);
            (likeness >= min).then_some((first, second, likeness))
        };
        Ok(candidates.into_iter().filter_map(alike).collect())
    }
}

impl Memories<&mut WriteTx<'_>> {
    /// Connects a new memory with those that say nearly the same.
    pub(super) fn link_near(&mut self, id: NodeId, near: &[NearMemory]) -> Result<()> {
        for other in near.iter().take(EDGES_MAX) {
            #[expect(clippy::cast_possible_truncation, reason = "a share of 1 as a weight")]
            let weight = other.likeness as f32;
            self.tx.add_edge(&NewEdge::new(id, EDGE, other.id).weight(weight))?;
        }
        Ok(())
    }

    /// Lets a memory take what another that says the same has besides its content.
    pub(super) fn merge(&mut self, id: NodeId, new: &Memory) -> Result<Memory> {
        let now = self.tx.now();
        self.tx.update(id, |memory: &mut Memory| {
            for tag in &new.tags {
                if memory.tags.len() < MEMORY_TAGS_MAX && !memory.tags.contains(tag) {
                    memory.tags.push(tag.clone());
                }
            }
            for span in &new.spans {
                if memory.spans.len() < MEMORY_SPANS_MAX && !memory.spans.contains(span) {
                    memory.spans.push(span.clone());
                }
            }
            memory.importance_score = greater(memory.importance_score, new.importance_score);
            memory.confidence_score = greater(memory.confidence_score, new.confidence_score);
            memory.metadata = memory.metadata.take().or_else(|| new.metadata.clone());
            // What is said again is to be kept for as long as either was.
            let ends = memory.expires_at.zip(new.expires_at);
            memory.expires_at = ends.map(|(ours, theirs)| ours.max(theirs));
            memory.pinned |= new.pinned;
            memory.access_count = memory.access_count.saturating_add(1);
            memory.last_accessed_at = Some(now);
            memory.updated_at = Some(now);
            Ok(())
        })
    }
}

/// The greater of two scores, either of which may be missing.
fn greater(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}

pub(super) fn check_threshold(min: f64) -> Result<()> {
    if (0.5..=1.0).contains(&min) {
        return Ok(());
    }
    Err(Error::invalid("near_min", format!("{min} is not in 0.5 to 1")))
}
