//! A number for every node: what centralities and ranks return.

use std::fmt;
use std::sync::Arc;

use super::snapshot::Snapshot;
use crate::base::id::NodeId;

/// A score for every node that has an edge of the wanted types.
#[derive(Clone)]
pub struct Scores {
    snapshot: Arc<Snapshot>,
    /// By dense number; NaN for nodes that do not count, and for those only.
    values: Vec<f64>,
    rounds: usize,
    converged: bool,
}

impl Scores {
    /// Scores that were computed at once.
    pub(super) fn new(snapshot: Arc<Snapshot>, values: Vec<f64>) -> Self {
        Self { snapshot, values, rounds: 0, converged: true }
    }

    /// Scores that were approached in rounds.
    pub(super) fn approached(snapshot: Arc<Snapshot>, (values, how): (Vec<f64>, Approach)) -> Self {
        Self { snapshot, values, rounds: how.rounds, converged: how.converged }
    }

    /// The score of a node. `None` when it has no edge that counts.
    pub fn of(&self, node: NodeId) -> Option<f64> {
        let value = self.values.get(self.snapshot.index_of(node)? as usize)?;
        (!value.is_nan()).then_some(*value)
    }

    /// Every node and its score, in the order of the nodes.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, f64)> {
        let all = self.snapshot.nodes.iter().copied().zip(self.values.iter().copied());
        all.filter(|(_, value)| !value.is_nan())
    }

    /// The nodes of the highest scores, highest first, of equals the smallest node first.
    pub fn top(&self, nodes_max: usize) -> Vec<(NodeId, f64)> {
        top_of(self.iter().collect(), nodes_max)
    }

    /// How many nodes have a score.
    pub fn count(&self) -> usize {
        self.iter().count()
    }

    /// How many rounds were computed; 0 for scores that are not approached in rounds.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// Whether the tolerance was met before the rounds ran out. True for scores that are not
    /// approached in rounds.
    pub fn has_converged(&self) -> bool {
        self.converged
    }
}

impl fmt::Debug for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scores")
            .field("nodes", &self.values.len())
            .field("rounds", &self.rounds)
            .field("converged", &self.converged)
            .finish_non_exhaustive()
    }
}

/// How rounds ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Approach {
    pub(super) rounds: usize,
    pub(super) converged: bool,
}

/// The highest of some scores, highest first, of equals the smallest thing first.
pub(super) fn top_of<T: Ord>(mut scored: Vec<(T, f64)>, wanted: usize) -> Vec<(T, f64)> {
    let order = |a: &(T, f64), b: &(T, f64)| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0));
    if wanted < scored.len() {
        scored.select_nth_unstable_by(wanted, order);
        scored.truncate(wanted);
    }
    scored.sort_unstable_by(order);
    scored
}

#[cfg(test)]
mod tests {
    use super::super::model::{Model, node};
    use super::*;

    #[test]
    fn nodes_that_do_not_count_have_no_score() {
        let snapshot = Arc::new(Model::of(&[(0, 2), (4, 6)]).snapshot());
        let scores = Scores::new(snapshot, vec![1.0, f64::NAN, 3.0, 1.0]);
        assert_eq!(scores.of(node(0)), Some(1.0));
        assert_eq!(scores.of(node(2)), None);
        assert_eq!(scores.of(node(9)), None);
        assert_eq!(scores.top(2), [(node(4), 3.0), (node(0), 1.0)]);
        assert_eq!(scores.iter().collect::<Vec<_>>().len(), scores.count());
        assert_eq!(scores.count(), 3);
        assert_eq!(scores.top(9).len(), 3);
    }
}
