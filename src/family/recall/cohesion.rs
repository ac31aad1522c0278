//! How much memories that were said one after the other belong together.
//!
//! In a talk, what a turn is about stands beside it; in a heap of notes, neighbours share a day
//! and nothing else. The measure compares how alike neighbours are (cosine of their terms, each
//! weighted by how telling it is) with pairs of different sessions. Both are taken from an even
//! sample in the order of ids, so the same memories always give the same measure.

use super::index::{NONE, ScopeIndex};

/// Pairs of neighbours that are looked at, and twice as many others.
const PAIRS_MAX: usize = 256;
/// Neighbours as alike as any two count nothing up to this ratio, and fully from the next on.
const RATIO_LOW: f32 = 1.6;
const RATIO_HIGH: f32 = 3.4;
/// Pairs that make the measure half certain: few pairs are alike by chance.
const PAIRS_HALF: f32 = 30.0;

/// The cohesion of an index, 0 to 1.
pub(super) fn measure(index: &ScopeIndex) -> f32 {
    let settled = &index.settled;
    let pairs: Vec<(u32, u32)> = settled
        .order
        .iter()
        .map(|place| (*place, settled.after[*place as usize]))
        .filter(|(_, after)| *after != NONE)
        .collect();
    if pairs.is_empty() {
        return 0.0;
    }
    let idfs: Vec<f32> = (0..index.postings.len()).map(|term| index.idf(term as u32)).collect();
    let step = pairs.len().div_ceil(PAIRS_MAX);
    let near = mean(pairs.iter().step_by(step).map(|pair| alike(index, &idfs, *pair)));
    let count = settled.order.len();
    let step = count.div_ceil(PAIRS_MAX);
    let others = (0..count).step_by(step).flat_map(|at| (0..2).map(move |turn| (at, turn)));
    let far = mean(others.filter_map(|(at, turn)| {
        let other = settled.order[(at + count / 2 + 7 * turn) % count];
        let one = settled.order[at];
        let apart = index.entry(one).session != index.entry(other).session;
        (one != other && apart).then(|| alike(index, &idfs, (one, other)))
    }));
    let ratio = if far > 0.0 { near / far } else { 1.0 };
    let certain = pairs.len() as f32 / (pairs.len() as f32 + PAIRS_HALF);
    ((ratio - RATIO_LOW) / (RATIO_HIGH - RATIO_LOW)).clamp(0.0, 1.0) * certain
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) =
        values.fold((0.0_f64, 0_u32), |(sum, count), value| (sum + f64::from(value), count + 1));
    if count == 0 { 0.0 } else { (sum / f64::from(count)) as f32 }
}

/// The cosine of the terms of two memories.
fn alike(index: &ScopeIndex, idfs: &[f32], (one, other): (u32, u32)) -> f32 {
    let weight = |term: u32| idfs[term as usize] * idfs[term as usize];
    let length = |place: u32| {
        let terms = index.entry(place).terms.iter();
        terms.map(|(term, _)| f64::from(weight(*term))).sum::<f64>().sqrt()
    };
    let (one_terms, other_terms) = (&index.entry(one).terms, &index.entry(other).terms);
    // Terms are in the order of their texts, not of their numbers: short lists are searched.
    let mut shared = 0.0_f64;
    for (term, _) in one_terms {
        if other_terms.iter().any(|(candidate, _)| candidate == term) {
            shared += f64::from(weight(*term));
        }
    }
    let lengths = length(one) * length(other);
    if lengths > 0.0 { (shared / lengths) as f32 } else { 0.0 }
}
