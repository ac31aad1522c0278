//! One score out of several: a weighted sum of normalised parts, or of reciprocal ranks where there
//! are no scores.

use std::collections::HashMap;

use super::metric::Metric;
use crate::base::id::NodeId;

/// What is added to a rank before it is inverted: the value of Cormack, Clarke and Buettcher (SIGIR
/// 2009), with which the first of a list does not outweigh everything.
const RANK_OFFSET: f32 = 60.0;

/// How much each part of a hybrid score counts. The score of a hit is the sum of its parts, each
/// times its weight; a part that a hit does not have adds nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HybridWeights {
    /// Of the match of words: its score divided by the best one.
    pub text: f32,
    /// Of the nearness of vectors: the cosine where it is positive; 1 / (1 + distance) for
    /// [`Metric::Euclidean`]; for [`Metric::Dot`] the product divided by the best one.
    pub vector: f32,
    /// Of the nearness in the graph: 1 / (1 + hops).
    pub graph: f32,
}

impl Default for HybridWeights {
    /// 0.6 for text, 0.4 for vectors, 0.2 for the graph.
    fn default() -> Self {
        Self { text: 0.6, vector: 0.4, graph: 0.2 }
    }
}

/// The parts of a hybrid score, each from 0 to 1. `None` where a hit has no such part.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Parts {
    /// The match of words.
    pub text: Option<f32>,
    /// The nearness of vectors.
    pub vector: Option<f32>,
    /// The nearness in the graph.
    pub graph: Option<f32>,
}

impl Parts {
    /// The sum of the parts, each times its weight.
    pub(crate) fn score(&self, weights: &HybridWeights) -> f32 {
        let part = |part: Option<f32>, weight: f32| part.map_or(0.0, |part| part * weight);
        part(self.text, weights.text)
            + part(self.vector, weights.vector)
            + part(self.graph, weights.graph)
    }
}

/// What the score of a vector becomes as a part.
pub(crate) fn normalised(metric: Metric, score: f32, best: f32) -> f32 {
    match metric {
        Metric::Cosine | Metric::Euclidean => score.clamp(0.0, 1.0),
        Metric::Dot => share_of(score, best),
    }
}

/// A score as a share of the best one; 0 where that is not positive.
pub(crate) fn share_of(score: f32, best: f32) -> f32 {
    if best > 0.0 { (score / best).clamp(0.0, 1.0) } else { 0.0 }
}

/// A record that [`reciprocal_rank_fusion`] found in at least one list.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FusedHit {
    /// The record.
    pub id: NodeId,
    /// The sum over the lists that have it of 1 / (60 + its rank).
    pub score: f32,
    /// Its rank in each list, from 1; `None` in those that do not have it.
    pub ranks: Vec<Option<usize>>,
}

/// Makes one list of several that are in order and have no scores that can be compared. What comes
/// twice in a list counts where it comes first. Equal scores come in the order of ids.
///
/// ```
/// use engraph::search::reciprocal_rank_fusion;
/// use engraph::{Kind, NodeId};
///
/// let node = |key| NodeId::new(Kind(1), key).unwrap();
/// let fused = reciprocal_rank_fusion(&[&[node(1), node(2)], &[node(2), node(3)]]);
/// let order: Vec<NodeId> = fused.iter().map(|hit| hit.id).collect();
/// assert_eq!(order, [node(2), node(1), node(3)]);
/// assert_eq!(fused[0].ranks, [Some(2), Some(1)]);
/// ```
#[must_use]
pub fn reciprocal_rank_fusion(lists: &[&[NodeId]]) -> Vec<FusedHit> {
    let mut places: HashMap<NodeId, usize> = HashMap::new();
    let mut hits: Vec<FusedHit> = Vec::new();
    for (list, ids) in lists.iter().enumerate() {
        for (rank, id) in (1..).zip(*ids) {
            let place = *places.entry(*id).or_insert_with(|| {
                hits.push(FusedHit { id: *id, score: 0.0, ranks: vec![None; lists.len()] });
                hits.len() - 1
            });
            hits[place].ranks[list].get_or_insert(rank);
        }
    }
    for hit in &mut hits {
        let ranks = hit.ranks.iter().flatten();
        hit.score = ranks.map(|rank| 1.0 / (RANK_OFFSET + *rank as f32)).sum();
    }
    hits.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
    hits
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the sums are exact")]
mod tests {
    use super::*;

    #[test]
    fn a_missing_part_adds_nothing_and_a_weight_scales() {
        let weights = HybridWeights { text: 1.0, vector: 0.5, graph: 2.0 };
        let parts = Parts { text: Some(0.5), vector: Some(1.0), graph: None };
        assert_eq!(parts.score(&weights), 1.0);
        assert_eq!(Parts::default().score(&weights), 0.0);
        assert_eq!(normalised(Metric::Cosine, -0.4, 0.9), 0.0);
        assert_eq!(normalised(Metric::Cosine, 0.4, 0.9), 0.4);
        assert_eq!(normalised(Metric::Dot, 4.0, 8.0), 0.5);
        assert_eq!(normalised(Metric::Dot, -4.0, -2.0), 0.0);
    }

    #[test]
    fn a_second_mention_in_a_list_counts_nothing() {
        let node = NodeId::from_u64;
        let fused = reciprocal_rank_fusion(&[&[node(5), node(7), node(5)], &[]]);
        let found: Vec<_> = fused.iter().map(|hit| (hit.id, hit.ranks.clone())).collect();
        assert_eq!(found, [(node(5), vec![Some(1), None]), (node(7), vec![Some(2), None])]);
        assert!((fused[0].score - 1.0 / 61.0).abs() < 1e-9);
        assert!(reciprocal_rank_fusion(&[]).is_empty());
    }
}
