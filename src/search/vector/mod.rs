//! Nearest neighbours among vectors: packed matrices of vectors, and searching them.
//!
//! Derived from rows that the store keeps, in memory only. Knows no store and no transactions:
//! whoever holds a matrix keeps it in step. Every answer is exact, and the same to the bit however
//! it was found; equal scores come in the order of their ids.

#[cfg(feature = "ann")]
mod approximate;
#[cfg(not(feature = "ann"))]
#[path = "approximate_absent.rs"]
mod approximate;
mod condition;
mod embedder;
mod filtered;
mod fusion;
mod kernel;
mod matrix;
mod metric;
mod stream;
#[cfg(test)]
mod tests;
mod top;

pub use embedder::{EmbedWith, Embedder, LocalHash};
pub use fusion::{FusedHit, HybridWeights, Parts, reciprocal_rank_fusion};
pub use matrix::Scan;
pub use metric::Metric;

pub(crate) use approximate::Approximate;
pub(crate) use condition::meets;
pub(crate) use fusion::{normalised, share_of};
pub(crate) use matrix::{Matrix, NewVector, Which};
pub(crate) use metric::VectorQuery;
pub(crate) use stream::Stream;
pub(crate) use top::{Candidate, Top};
