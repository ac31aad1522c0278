//! The best of many scored vectors.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashSet};

use crate::base::id::NodeId;

/// A vector with its score.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// Not NaN.
    pub(crate) score: f32,
    /// The record that the vector is of.
    pub(crate) subject: NodeId,
    /// The record that it lies beside or in.
    pub(crate) carrier: NodeId,
}

impl Candidate {
    /// What is ranked higher is greater; equal scores go by id, the smaller first.
    fn rank(&self, other: &Self) -> Ordering {
        let ids = |one: &Self| Reverse((one.subject, one.carrier));
        self.score.total_cmp(&other.score).then_with(|| ids(self).cmp(&ids(other)))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.rank(other).is_eq()
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank(other)
    }
}

/// Keeps the best candidates, one for each subject.
#[derive(Clone, Debug)]
pub(crate) struct Top {
    count: usize,
    score_min: f32,
    /// The least of them on top.
    heap: BinaryHeap<Reverse<Candidate>>,
    /// The subjects of those that are kept.
    subjects: HashSet<NodeId>,
}

impl Top {
    /// Keeps `count` candidates whose score is at least `score_min`.
    pub(crate) fn new(count: usize, score_min: f32) -> Self {
        Self { count, score_min, heap: BinaryHeap::new(), subjects: HashSet::new() }
    }

    /// How many are kept.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The score below which nothing is kept.
    pub(super) fn threshold(&self) -> f32 {
        match self.heap.peek() {
            Some(Reverse(least)) if self.heap.len() >= self.count => least.score,
            _ if self.count == 0 => f32::INFINITY,
            _ => self.score_min,
        }
    }

    /// Takes a candidate in, if it is among the best.
    pub(crate) fn push(&mut self, candidate: Candidate) {
        if candidate.score < self.score_min || self.count == 0 {
            return;
        }
        let is_full = self.heap.len() >= self.count;
        if is_full && self.heap.peek().is_some_and(|Reverse(least)| candidate < *least) {
            return;
        }
        if !self.subjects.insert(candidate.subject) {
            let is_same = |kept: &Candidate| kept.subject == candidate.subject;
            if self.heap.iter().any(|Reverse(kept)| is_same(kept) && *kept < candidate) {
                self.heap.retain(|Reverse(kept)| !is_same(kept));
                self.heap.push(Reverse(candidate));
            }
            return;
        }
        if is_full && let Some(Reverse(least)) = self.heap.pop() {
            self.subjects.remove(&least.subject);
        }
        self.heap.push(Reverse(candidate));
    }

    /// The candidates, the best first.
    pub(crate) fn into_vec(self) -> Vec<Candidate> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse(candidate)| candidate).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(score: f32, subject: u64, carrier: u64) -> Candidate {
        let (subject, carrier) = (NodeId::from_u64(subject), NodeId::from_u64(carrier));
        Candidate { score, subject, carrier }
    }

    #[test]
    fn the_best_of_each_subject_are_kept_and_ties_go_by_id() {
        let mut top = Top::new(3, 0.0);
        for (score, subject, carrier) in [
            (0.5, 4, 4),
            (0.5, 2, 2),
            (0.9, 7, 8),
            (0.4, 7, 7),
            (0.95, 7, 9),
            (-0.1, 1, 1),
            (0.5, 3, 3),
            (0.2, 2, 5),
        ] {
            top.push(candidate(score, subject, carrier));
        }
        let kept: Vec<(f32, u64, u64)> = top
            .into_vec()
            .iter()
            .map(|kept| (kept.score, kept.subject.as_u64(), kept.carrier.as_u64()))
            .collect();
        assert_eq!(kept, [(0.95, 7, 9), (0.5, 2, 2), (0.5, 3, 3)]);
    }

    proptest::proptest! {
        #[test]
        fn what_is_kept_is_what_a_sort_gives(
            pushed in prop::collection::vec((0_u8..20, 0_u64..12, 0_u64..4), 0..60),
            count in 0_usize..8,
        ) {
            let pushed: Vec<_> = pushed
                .into_iter()
                .map(|(score, subject, carrier)| candidate(f32::from(score), subject, carrier))
                .collect();
            let mut top = Top::new(count, 3.0);
            for candidate in &pushed {
                top.push(*candidate);
            }
            let mut sorted = pushed;
            sorted.retain(|candidate| candidate.score >= 3.0);
            sorted.sort_by(|one, other| other.cmp(one));
            let mut seen = HashSet::new();
            sorted.retain(|candidate| seen.insert(candidate.subject));
            sorted.truncate(count);
            assert_eq!(top.into_vec(), sorted);
        }
    }

    #[test]
    fn none_is_kept_where_none_is_wanted() {
        let mut top = Top::new(0, f32::NEG_INFINITY);
        top.push(candidate(1.0, 1, 1));
        assert!(top.threshold().is_infinite());
        assert!(top.into_vec().is_empty());
    }
}
