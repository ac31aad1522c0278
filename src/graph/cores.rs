//! Cores: how densely a node is tied in.

use std::sync::Arc;

use super::Graph;
use super::snapshot::Snapshot;
use super::undirected::Undirected;
use crate::base::error::Result;
use crate::base::id::NodeId;

/// The core number of every node. Made by [`Graph::cores`].
#[derive(Clone, Debug)]
pub struct Cores {
    snapshot: Arc<Snapshot>,
    /// By dense number; `None` where no edge counts.
    numbers: Vec<Option<u32>>,
}

impl Cores {
    /// The greatest `k` for which the node lies in the `k`-core. `None` when it has no edge that
    /// counts.
    pub fn of(&self, node: NodeId) -> Option<usize> {
        let number = self.numbers[self.snapshot.index_of(node)? as usize]?;
        Some(number as usize)
    }

    /// Every node that has an edge that counts, in the order of the nodes, and its core number.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, usize)> {
        let numbered = self.snapshot.nodes.iter().zip(&self.numbers);
        numbered.filter_map(|(node, number)| number.map(|number| (*node, number as usize)))
    }

    /// The greatest core number: the degeneracy of the graph.
    pub fn max(&self) -> usize {
        self.numbers.iter().flatten().max().map_or(0, |number| *number as usize)
    }

    /// The nodes of the `k`-core, ascending.
    pub fn core(&self, k: usize) -> Vec<NodeId> {
        self.iter().filter(|(_, number)| *number >= k).map(|(node, _)| node).collect()
    }
}

impl Graph {
    /// Core numbers. The `k`-core is the largest part of the graph in which every node has at least
    /// `k` neighbours within the part. Directions are ignored, parallel edges count once, loops not
    /// at all. Counts edges of the named types, of all types when none is named.
    ///
    /// Nodes are peeled off by degree, from buckets: linear in nodes and edges (Batagelj and
    /// Zaversnik 2003).
    ///
    /// # Errors
    /// As [`Graph::snapshot`].
    pub fn cores(&self, edge_types: &[&str]) -> Result<Cores> {
        let snapshot = self.snapshot()?;
        let pairs = Undirected::of(&snapshot, self.numbers_of(edge_types).as_deref(), |_, _| ())?;
        let numbers = peel(&pairs);
        let numbers = numbers.into_iter().zip(&pairs.touched);
        let numbers = numbers.map(|(number, touched)| touched.then_some(number)).collect();
        Ok(Cores { snapshot, numbers })
    }
}

/// Takes away a node with the fewest neighbours left until none is left; that number, at that time,
/// is the core number.
fn peel(pairs: &Undirected<()>) -> Vec<u32> {
    let nodes = 0..pairs.len() as u32;
    let mut left: Vec<u32> = nodes.clone().map(|node| pairs.degree(node) as u32).collect();
    let mut order: Vec<u32> = nodes.collect();
    order.sort_by_key(|node| left[*node as usize]);
    let mut places = vec![0; order.len()];
    for (place, node) in order.iter().enumerate() {
        places[*node as usize] = place;
    }
    // Degree -> the first place of the nodes that have so many neighbours left.
    let most = left.iter().max().map_or(0, |most| *most as usize);
    let mut firsts: Vec<usize> = (0..=most)
        .map(|degree| order.partition_point(|node| (left[*node as usize] as usize) < degree))
        .collect();
    for place in 0..order.len() {
        let node = order[place];
        let own = left[node as usize];
        for other in pairs.of_node(node) {
            let degree = left[*other as usize];
            if degree <= own {
                continue;
            }
            // It changes places with the first of its bucket, which then begins one later.
            let first = firsts[degree as usize];
            let moved = order[first];
            order.swap(first, places[*other as usize]);
            places[moved as usize] = places[*other as usize];
            places[*other as usize] = first;
            firsts[degree as usize] = first + 1;
            left[*other as usize] = degree - 1;
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::super::model::{Model, node};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// The `k`-core by taking nodes away until nothing changes.
    fn by_definition(model: &Model, k: usize) -> BTreeSet<NodeId> {
        let mut left = model.nodes();
        loop {
            let ties = |own: NodeId| {
                let near: BTreeSet<NodeId> = (model.edges.iter())
                    .flat_map(|edge| [(edge.source, edge.target), (edge.target, edge.source)])
                    .filter(|(from, to)| *from == own && to != from && left.contains(to))
                    .map(|(_, to)| to)
                    .collect();
                near.len()
            };
            let kept: BTreeSet<NodeId> =
                left.iter().copied().filter(|node| ties(*node) >= k).collect();
            if kept == left {
                return left;
            }
            left = kept;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn cores_are_what_peeling_leaves(model in Model::any(14, 50), typed: bool) {
            let graph = model.graph();
            let (part, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let cores = graph.cores(types).unwrap();
            for k in 0..=cores.max() + 1 {
                let expected = by_definition(&part, k);
                prop_assert_eq!(cores.core(k).into_iter().collect::<BTreeSet<_>>(), expected);
            }
            prop_assert!(cores.core(cores.max() + 1).is_empty());
            for id in part.nodes() {
                prop_assert!(cores.core(cores.of(id).unwrap()).contains(&id));
            }
            prop_assert_eq!(cores.of(node(99)), None);
        }
    }
}
