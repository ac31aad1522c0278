//! A plain loop over one packed matrix, the same width of registers, fused where the target can.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use wide::f32x8;

use super::{DIMENSION, Data, HITS, Hit, Nearest, Way, topic};
use crate::Outcome;
use crate::child::Task;

#[derive(Debug)]
pub struct Limit {
    matrix: Vec<f32>,
    topics: Vec<u64>,
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [f32x8::ZERO; 4];
    let a = a.as_chunks::<8>().0.as_chunks::<4>().0;
    let b = b.as_chunks::<8>().0.as_chunks::<4>().0;
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum = f32x8::new(*a).mul_add(f32x8::new(*b), *sum);
        }
    }
    ((sums[0] + sums[1]) + (sums[2] + sums[3])).reduce_add()
}

/// Scores as numbers that order as they do; those of unit vectors are more than -2.
fn key(score: f32) -> u32 {
    (score + 2.0).to_bits()
}

impl Nearest for Limit {
    fn create(_task: &Task, data: &Data) -> Outcome<Self> {
        let topics = (1..=data.vectors.len() as u64).map(topic).collect();
        Ok(Self { matrix: data.vectors.concat(), topics })
    }

    fn find(&mut self, query: &[f32], way: Way) -> Outcome<Option<Vec<Hit>>> {
        let wanted = match way {
            Way::Exact => None,
            Way::Quantised | Way::Approximate => return Ok(None),
            Way::Filtered(topic) => Some(topic),
        };
        let mut heap: BinaryHeap<Reverse<(u32, u64)>> = BinaryHeap::with_capacity(HITS + 1);
        let mut scores = Vec::with_capacity(HITS);
        let mut least = f32::MIN;
        for (number, row) in (1..).zip(self.matrix.chunks_exact(DIMENSION)) {
            if wanted.is_some_and(|topic| self.topics[number as usize - 1] != topic) {
                continue;
            }
            let score = dot(query, row);
            if score > least || heap.len() < HITS {
                heap.push(Reverse((key(score), number)));
                if heap.len() > HITS {
                    heap.pop();
                }
                if let Some(Reverse((key, _))) = heap.peek().filter(|_| heap.len() == HITS) {
                    least = f32::from_bits(*key) - 2.0;
                }
            }
        }
        scores.extend(
            heap.into_iter().map(|Reverse((key, number))| (number, f32::from_bits(key) - 2.0)),
        );
        scores.sort_by(|a: &Hit, b| b.1.total_cmp(&a.1));
        Ok(Some(scores))
    }
}
