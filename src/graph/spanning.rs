//! The cheapest edges that hold a graph together.

use super::algorithm::Sets;
use super::edge::GraphEdge;
use super::undirected::for_each;
use super::view::Side;
use super::{Graph, GraphView as _};
use crate::base::error::{Error, Result};

/// A minimum spanning forest. Made by [`Graph::spanning_forest`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpanningForest {
    /// The edges, lightest first, of equals in the order of source, type, target and edge.
    pub edges: Vec<GraphEdge>,
    /// The sum of their weights.
    pub weight: f64,
    /// How many trees there are: the parts of the graph, nodes without an edge that counts apart.
    pub trees: usize,
}

impl Graph {
    /// A set of edges of the smallest weight that leaves together what hangs together. Directions
    /// are ignored; of parallel edges only the lightest can be in it, a loop never. Weights may be
    /// negative. Counts edges of the named types, of all types when none is named.
    ///
    /// Edges are sorted as whole numbers and joined (Kruskal 1956): O(m log m), of which the sort
    /// takes less than the reading. petgraph's `min_spanning_tree` does the same over a heap of
    /// edge references and gives no identities back.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a weight that is not a number; otherwise as [`Graph::cuts`].
    pub fn spanning_forest(&self, edge_types: &[&str]) -> Result<SpanningForest> {
        let snapshot = self.snapshot()?;
        let edge_types = self.numbers_of(edge_types);
        let count = snapshot.node_bound() as u32;
        let mut sources = vec![0; snapshot.edges_count()];
        let mut keys = Vec::new();
        let mut touched = vec![false; count as usize];
        for node in 0..count {
            for_each(&snapshot, node, (Side::Out, edge_types.as_deref()), |target, position| {
                sources[position as usize] = node;
                touched[node as usize] = true;
                touched[target as usize] = true;
                let weight = ascending(*snapshot.weight(position));
                keys.push(u64::from(weight) << 32 | u64::from(position));
            })?;
        }
        keys.sort_unstable();
        let mut sets = Sets::new(count);
        let mut forest = SpanningForest {
            edges: Vec::new(),
            weight: 0.0,
            trees: touched.into_iter().filter(|touched| *touched).count(),
        };
        for key in keys {
            let position = key as u32;
            let weight = *snapshot.weight(position);
            if weight.is_nan() {
                return Err(Error::invalid("edge weight", "it is not a number"));
            }
            let source = sources[position as usize];
            let target = snapshot.out.neighbors[position as usize];
            if sets.join(source, target) {
                forest.edges.push(self.edge_between(&snapshot, position, (source, target))?);
                forest.weight += f64::from(weight);
                forest.trees -= 1;
            }
        }
        Ok(forest)
    }
}

/// Bits that compare as whole numbers the way weights compare. Zeros of either sign are one.
fn ascending(weight: f32) -> u32 {
    let bits = (weight + 0.0).to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}
