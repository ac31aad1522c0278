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
    /// takes less than the reading. petgraph's `min_spanning_tree` takes edges from a heap and
    /// gives no identities back.
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

#[cfg(test)]
mod tests {
    use super::super::model::{Model, node};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// The same on plain lists.
    fn by_list(model: &Model) -> (Vec<f32>, usize) {
        let mut edges = model.edges.clone();
        edges.sort_by(|a, b| a.weight.total_cmp(&b.weight));
        let nodes = model.nodes();
        let mut labels: BTreeMap<_, _> = nodes.iter().map(|id| (*id, *id)).collect();
        let mut weights = Vec::new();
        for edge in edges {
            let (a, b) = (labels[&edge.source], labels[&edge.target]);
            if a != b {
                labels.values_mut().filter(|label| **label == b).for_each(|label| *label = a);
                weights.push(edge.weight);
            }
        }
        let trees = nodes.len() - weights.len();
        (weights, trees)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn forests_weigh_what_lists_say(model in Model::any(12, 30), typed: bool, lower: bool) {
            let mut model = model;
            if lower {
                model.edges.iter_mut().for_each(|edge| edge.weight -= 2.5);
            }
            let graph = model.graph();
            let (part, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let found = graph.spanning_forest(types).unwrap();
            let (weights, trees) = by_list(&part);
            prop_assert_eq!(found.edges.iter().map(|e| e.weight).collect::<Vec<_>>(), weights);
            prop_assert_eq!(found.trees, trees);
            let sum: f64 = found.edges.iter().map(|edge| f64::from(edge.weight)).sum();
            prop_assert!((found.weight - sum).abs() < 1e-9);
            let mut tied = Model { edges: Vec::new() };
            for edge in &found.edges {
                let same = part.edges.iter().find(|other| {
                    (other.source, other.target, other.id, other.weight.to_bits())
                        == (edge.source, edge.target, edge.edge, edge.weight.to_bits())
                });
                tied.edges.push(*same.unwrap());
            }
            prop_assert_eq!(by_list(&tied).0.len(), found.edges.len(), "it has no cycle");
        }
    }

    #[test]
    fn of_equal_edges_the_first_is_taken_and_what_is_no_number_is_refused() {
        let mut model = Model::of(&[(1, 0), (0, 1), (0, 1), (2, 2)]);
        let forest = model.graph().spanning_forest(&[]).unwrap();
        assert_eq!((forest.edges.len(), forest.trees), (1, 2));
        assert_eq!(forest.edges[0].source, node(0));
        assert_eq!(&*forest.edges[0].edge_type, "t0");
        model.edges[0].weight = -0.0;
        model.edges[1].weight = 0.0;
        let forest = model.graph().spanning_forest(&[]).unwrap();
        assert_eq!(forest.edges[0].source, node(0), "zeros of either sign are equal");
        model.edges[0].weight = f32::NAN;
        let found = model.graph().spanning_forest(&[]);
        assert!(matches!(found, Err(Error::Invalid { .. })), "{found:?}");
    }
}
