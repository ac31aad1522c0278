//! More kinds of path searches: toward a goal by estimate, within a number of edges, the best few,
//! all simple ones, and the distances from one node to all.
//!
//! None recurses: a path may be as long as the graph is large.

mod best;
mod between;
mod bounded;
mod distances;
mod estimate;
mod heap;
mod meeting;
mod simple;

#[cfg(test)]
mod tests;

pub(super) use best::k_best;
pub(super) use between::Between;
pub(super) use bounded::within;
pub use distances::{DistanceSearch, Distances};
pub(super) use estimate::{Heuristic, toward};
pub(super) use meeting::{Meeting, Plain};
pub(super) use simple::simple;
