//! Centralities: how much a node matters, by its edges, its distances, the paths through it, or the
//! weight of its neighbours.
//!
//! Conventions, which are those of networkx where it has one:
//!
//! * Only nodes with an edge of the wanted types are in the graph; their number is the `n` of every
//!   formula.
//! * Distances and paths: of parallel edges only the shortest counts, once; self loops never do.
//! * Degrees and spectral scores: parallel edges count each, a self loop is one edge outward and
//!   one inward.
//! * Distances go by default to the node, spectral scores come by default from the nodes that lead
//!   to it.
//!
//! Every result is the same, bit for bit, for any number of threads: each node is computed by
//! itself, or partial sums are merged in one order.
//!
//! Considered instead: petgraph and graphalgs have none of these; rustworkx-core has most of them
//! over petgraph's traits, adds up in the order in which its threads end, and has neither pivots
//! nor harmonic centrality. On rows the loops are short.

mod betweenness;
mod degree;
mod distance;
mod search;
mod spectral;

pub use betweenness::Betweenness;
pub use degree::Degree;
pub use distance::Closeness;
pub use spectral::{Eigenvector, Katz};
