//! Scoring vectors as they come, without holding them: for matrices that memory has no place for,
//! and for the few vectors in which a matrix differs from what a reader sees.

use super::metric::{Measure, VectorQuery};
use super::top::{Candidate, Top};
use crate::base::id::NodeId;

/// One vector at a time.
#[derive(Debug)]
pub(crate) struct Stream<'q> {
    query: &'q VectorQuery,
    row: Vec<f32>,
    codes: Vec<i8>,
}

impl<'q> Stream<'q> {
    pub(crate) fn new(query: &'q VectorQuery) -> Self {
        Self { query, row: Vec::with_capacity(query.stride()), codes: Vec::new() }
    }

    /// Scores a vector of the query's dimension.
    pub(crate) fn push(
        &mut self,
        (subject, carrier): (NodeId, NodeId),
        values: impl Iterator<Item = f32>,
        top: &mut Top,
    ) {
        self.row.clear();
        self.row.extend(values);
        self.row.resize(self.query.stride(), 0.0);
        self.codes.clear();
        let measure = Measure::of(&self.row, &mut self.codes);
        if let Some(score) = self.query.score(&self.row, &measure) {
            top.push(Candidate { score, subject, carrier });
        }
    }

    /// The score of one vector; `None` where it has none.
    pub(crate) fn score(&mut self, values: &[f32]) -> Option<f32> {
        let mut top = Top::new(1, f32::NEG_INFINITY);
        let nobody = NodeId::from_u64(0);
        self.push((nobody, nobody), values.iter().copied(), &mut top);
        top.into_vec().first().map(|candidate| candidate.score)
    }
}
