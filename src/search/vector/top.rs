//! The best of many scored vectors.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

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
}

impl Top {
    /// Keeps `count` candidates whose score is at least `score_min`.
    pub(crate) fn new(count: usize, score_min: f32) -> Self {
        Self { count, score_min, heap: BinaryHeap::new() }
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
        let same = self.heap.iter().find(|Reverse(kept)| kept.subject == candidate.subject);
        if let Some(Reverse(kept)) = same {
            if *kept < candidate {
                self.heap.retain(|Reverse(kept)| kept.subject != candidate.subject);
                self.heap.push(Reverse(candidate));
            }
        } else {
            if is_full {
                self.heap.pop();
            }
            self.heap.push(Reverse(candidate));
        }
    }

    /// The candidates, the best first.
    pub(crate) fn into_vec(self) -> Vec<Candidate> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse(candidate)| candidate).collect()
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn none_is_kept_where_none_is_wanted() {
        let mut top = Top::new(0, f32::NEG_INFINITY);
        top.push(candidate(1.0, 1, 1));
        assert!(top.threshold().is_infinite());
        assert!(top.into_vec().is_empty());
    }
}
