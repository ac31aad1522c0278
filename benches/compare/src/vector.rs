//! Suite `vector`: the ten nearest of many vectors around centres, as embeddings are.
//!
//! All systems give the same answers, which is checked. `limit` is a plain loop over packed
//! numbers with the same registers, and no store around it.

mod engraph_system;
mod limit;
mod python;

use std::time::Instant;

use crate::Outcome;
use crate::child::{Task, say};
use crate::data::{Random, mix};
use crate::measure::each;

pub use python::is_there;

/// The systems of this suite.
pub const SYSTEMS: &[&str] = &["engraph", "limit", "sqlite_vec"];

/// Vectors unless a size is given.
const COUNT: u64 = 100_000;
/// Values of a vector.
pub const DIMENSION: usize = 384;
/// Neighbours that a query wants.
pub const HITS: usize = 10;
const QUERIES: u64 = 100;
/// Vectors around one centre.
const AROUND: u64 = 100;
/// How far they lie from it, as a share of its length.
const SPREAD: f32 = 0.5;
/// A filter keeps one of so many.
pub const TOPICS: u64 = 10;

/// A hit: the number of the vector, from 1, and its cosine.
pub type Hit = (u64, f32);

/// The vectors, of length 1, their topics by number, and the queries.
#[derive(Debug)]
pub struct Data {
    pub vectors: Vec<Vec<f32>>,
    pub queries: Vec<Vec<f32>>,
}

impl Data {
    fn new(count: u64) -> Self {
        let mut random = Random::new(384);
        let centres: Vec<Vec<f32>> =
            (0..count.div_ceil(AROUND)).map(|_| normal(&mut random)).collect();
        let around = |random: &mut Random| {
            let centre = &centres[random.below(centres.len() as u64) as usize];
            let noise = normal(random);
            unit(centre.iter().zip(noise).map(|(value, noise)| value + SPREAD * noise).collect())
        };
        let vectors = (0..count).map(|_| around(&mut random)).collect();
        let queries = (0..QUERIES).map(|_| around(&mut random)).collect();
        Self { vectors, queries }
    }
}

/// The topic of a vector, by its number.
pub fn topic(number: u64) -> u64 {
    mix(7, number) % TOPICS
}

/// A vector of nearly normal values.
fn normal(random: &mut Random) -> Vec<f32> {
    let mut value = || {
        let sum: u64 = (0..4).map(|_| random.below(1 << 20)).sum();
        (sum as f32 / (1 << 20) as f32 - 2.0) * 1.732
    };
    (0..DIMENSION).map(|_| value()).collect()
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}

/// How the nearest are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Every value of every vector.
    Exact,
    /// Codes of a byte a value first.
    Quantised,
    /// What an approximate index names.
    Approximate,
    /// Among the vectors of a topic.
    Filtered(u64),
}

/// Vectors that can be searched.
pub trait Nearest: Sized {
    fn create(task: &Task, data: &Data) -> Outcome<Self>;
    /// Builds an approximate index; `false` where there is none.
    fn index(&mut self) -> Outcome<bool> {
        Ok(false)
    }
    /// The best ten; `None` where there is no such way.
    fn find(&mut self, query: &[f32], way: Way) -> Outcome<Option<Vec<Hit>>>;
}

/// Runs the suite for a system.
pub fn run(task: &Task) -> Outcome {
    let data = Data::new(task.workload.size.unwrap_or(COUNT));
    match task.system.as_str() {
        "engraph" => suite::<engraph_system::Engraph>(task, &data),
        "limit" => suite::<limit::Limit>(task, &data),
        "sqlite_vec" => python::run(task, &data),
        _ => task.unknown_system(),
    }
}

fn suite<N: Nearest>(task: &Task, data: &Data) -> Outcome {
    let mut nearest = N::create(task, data)?;
    let asked: Vec<(u64, &[f32])> = (0..).zip(data.queries.iter().map(Vec::as_slice)).collect();
    for (measure, way) in [
        ("exact10_p50", Way::Exact),
        ("quantised10_p50", Way::Quantised),
        ("filtered_vector10_p50", Way::Filtered(0)),
    ] {
        let way = |number: u64| match way {
            Way::Filtered(_) => Way::Filtered(number % TOPICS),
            other => other,
        };
        if nearest.find(asked[0].1, way(0))?.is_none() {
            continue;
        }
        let find = |(number, query)| Ok(nearest.find(query, way(number))?.unwrap_or_default());
        each(&asked, find, |hits| answer(hits))?.say(measure)?;
    }
    recall(&mut nearest, &asked, ("recall_at_10", Way::Quantised))?;
    let start = Instant::now();
    if nearest.index()? {
        let count = data.vectors.len() as u64;
        say("index_vectors", count as f64 / start.elapsed().as_secs_f64(), count, None)?;
        let find = |(_, query)| Ok(nearest.find(query, Way::Approximate)?.unwrap_or_default());
        // Another index, other answers: they are told by their recall.
        each(&asked, find, |hits| hits.len() as u64)?.say("approximate10_p50")?;
        recall(&mut nearest, &asked, ("approximate_recall_at_10", Way::Approximate))?;
    }
    Ok(())
}

/// The share of the exact neighbours that a way finds.
fn recall<N: Nearest>(
    nearest: &mut N,
    asked: &[(u64, &[f32])],
    (measure, way): (&str, Way),
) -> Outcome {
    let (mut found, mut all) = (0, 0);
    for (_, query) in asked {
        let Some(these) = nearest.find(query, way)? else { return Ok(()) };
        let exact = nearest.find(query, Way::Exact)?.unwrap_or_default();
        all += exact.len();
        found += exact.iter().filter(|hit| these.iter().any(|it| it.0 == hit.0)).count();
    }
    say(measure, found as f64 / all.max(1) as f64, asked.len() as u64, None)
}

/// What does not depend on the last bits of the scores: which hits are better than the last, by
/// more than rounding.
fn answer(hits: &[Hit]) -> u64 {
    let last = hits.last().map_or(0.0, |hit| hit.1);
    let better = hits.iter().filter(|hit| hit.1 > last + 1e-5);
    better.fold(hits.len() as u64, |sum, hit| sum.wrapping_add(mix(0, hit.0)))
}
