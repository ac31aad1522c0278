//! Dominators: what every way from a node leads through.

use std::sync::Arc;

use petgraph::algo::dominators::simple_fast;
use petgraph::visit::{EdgeFiltered, EdgeRef as _};

use super::algorithm::NONE;
use super::snapshot::Snapshot;
use super::{EdgeReference, Graph, GraphView as _};
use crate::base::error::Result;
use crate::base::id::NodeId;

/// The dominators of all nodes that a root reaches. Made by [`Graph::dominators`].
#[derive(Clone, Debug)]
pub struct Dominators {
    snapshot: Arc<Snapshot>,
    /// By dense number: the nearest; the root's is itself; `NONE` where the root does not lead.
    nearest: Vec<u32>,
}

impl Dominators {
    /// The nearest node that every way from the root to `node` leads through, `node` apart. `None`
    /// for the root and for what it does not reach.
    pub fn of(&self, node: NodeId) -> Option<NodeId> {
        let node = self.snapshot.index_of(node)?;
        self.above(node).map(|above| self.snapshot.id(above))
    }

    /// All nodes that every way from the root to `node` leads through, `node` apart, nearest first:
    /// the root comes last. Empty for the root and for what it does not reach.
    pub fn all_of(&self, node: NodeId) -> Vec<NodeId> {
        let start = self.snapshot.index_of(node).and_then(|node| self.above(node));
        let all = std::iter::successors(start, |node| self.above(*node));
        all.map(|node| self.snapshot.id(node)).collect()
    }

    /// Every node that the root reaches, the root apart, in the order of the nodes, and its nearest
    /// dominator.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        let nodes = (0..).zip(&self.snapshot.nodes);
        nodes.filter_map(|(number, node)| {
            self.above(number).map(|above| (*node, self.snapshot.id(above)))
        })
    }

    fn above(&self, node: u32) -> Option<u32> {
        let above = self.nearest[node as usize];
        (above != NONE && above != node).then_some(above)
    }
}

impl Graph {
    /// The dominators of what `root` leads to along the direction of edges: a node dominates
    /// another when every way from the root to that leads through it. Counts edges of the named
    /// types, of all types when none is named.
    ///
    /// By petgraph's `simple_fast` (Cooper et al. 2001): quadratic in nodes at worst, close to
    /// linear on graphs that are not made to hurt it.
    ///
    /// # Errors
    /// As [`Graph::snapshot`].
    pub fn dominators(&self, root: NodeId, edge_types: &[&str]) -> Result<Dominators> {
        let snapshot = self.snapshot()?;
        let edge_types = self.numbers_of(edge_types);
        let mut nearest = vec![NONE; snapshot.node_bound()];
        if let Some(start) = snapshot.index_of(root) {
            let found = match &edge_types {
                None => simple_fast(&*snapshot, start),
                Some(edge_types) => {
                    let wanted = |edge: EdgeReference<'_>| {
                        let edge_type = snapshot.edge_type_at(edge.id());
                        edge_type.is_some_and(|number| edge_types.binary_search(&number).is_ok())
                    };
                    simple_fast(&EdgeFiltered::from_fn(&*snapshot, wanted), start)
                }
            };
            for (node, nearest) in (0..).zip(&mut nearest) {
                *nearest = found.immediate_dominator(node).unwrap_or(NONE);
            }
            nearest[start as usize] = start;
        }
        Ok(Dominators { snapshot, nearest })
    }
}

#[cfg(test)]
mod tests {
    use super::super::follow::Rule;
    use super::super::model::{Model, node};
    use super::super::view::Side;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// What a root reaches without passing a node.
    fn reach(model: &Model, root: NodeId, without: Option<NodeId>) -> BTreeSet<NodeId> {
        let rules = [Rule { side: Side::Out, edge_type: None }];
        model.costs(root, &rules, &|id| Some(id) != without, &|_| 1.0).into_keys().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn dominators_are_what_cannot_be_gone_round(model in Model::any(10, 22), typed: bool) {
            let graph = model.graph();
            let root = node(0);
            let (part, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let found = graph.dominators(root, types).unwrap();
            let reached = reach(&part, root, None);
            for id in (0..10).map(node) {
                let all: BTreeSet<NodeId> = found.all_of(id).into_iter().collect();
                let mut expected = BTreeSet::new();
                if reached.contains(&id) && id != root {
                    expected.insert(root);
                    let passed = |other: &&NodeId| {
                        ![root, id].contains(other)
                            && !reach(&part, root, Some(**other)).contains(&id)
                    };
                    expected.extend(reached.iter().filter(passed));
                }
                prop_assert_eq!(all, expected, "{}", id);
                prop_assert_eq!(found.of(id), found.all_of(id).first().copied());
            }
            let listed: Vec<_> = found.iter().collect();
            let each = |id: &NodeId| found.of(*id).map(|above| (*id, above));
            prop_assert_eq!(listed, part.nodes().iter().filter_map(each).collect::<Vec<_>>());
        }
    }
}
