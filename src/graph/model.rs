//! A naive multigraph to compare views and algorithms with. For unit tests only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::follow::Rule;
use super::view::Side;
use super::{EdgeDetails, EdgeNames, Graph, Snapshot};
use crate::base::id::{EdgeId, Kind, NodeId, Seq};
use crate::storage::adjacency::{self, Entry};
use crate::storage::testing::MemoryRows;

/// One edge of the model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Arrow {
    pub(super) source: NodeId,
    pub(super) edge_type: u32,
    pub(super) target: NodeId,
    pub(super) id: EdgeId,
    pub(super) weight: f32,
}

/// Edges as a plain list.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) edges: Vec<Arrow>,
}

/// Types are named `t0`, `t1` and so on.
struct Names;

impl EdgeNames for Names {
    fn number(&self, name: &str) -> Option<u32> {
        name.strip_prefix('t')?.parse().ok().filter(|number| *number < 10)
    }

    fn name(&self, number: u32) -> Option<Arc<str>> {
        (number < 10).then(|| format!("t{number}").into())
    }
}

/// The names that models use.
pub(super) fn names() -> Arc<dyn EdgeNames> {
    Arc::new(Names)
}

/// Edges of models have neither validity nor properties.
pub(super) fn no_details() -> Arc<dyn EdgeDetails> {
    Arc::new(MemoryRows::default())
}

/// The nodes of models: two kinds, keys close together.
pub(super) fn node(number: u64) -> NodeId {
    NodeId::new(Kind(1 + (number % 2) as u8), 10 + number).unwrap()
}

impl Model {
    /// Edges of type 0 and weight 1, with numbers from 1 on.
    pub(super) fn of(edges: &[(u64, u64)]) -> Self {
        let edges = (1..).zip(edges).map(|(id, (source, target))| Arrow {
            source: node(*source),
            edge_type: 0,
            target: node(*target),
            id: EdgeId::from_u64(id),
            weight: 1.0,
        });
        Self { edges: edges.collect() }
    }

    /// Random graphs with parallel edges, self loops, links and three types.
    pub(super) fn any(nodes: u64, edges: usize) -> impl Strategy<Value = Self> {
        let weight = prop_oneof![2 => Just(1.0_f32), 1 => (0_u8..6).prop_map(f32::from)];
        let edge = (0..nodes, 0_u32..3, 0..nodes, any::<bool>(), weight);
        prop::collection::vec(edge, 0..edges).prop_map(|edges| {
            let edges =
                (1..).zip(edges).map(|(number, (source, edge_type, target, link, weight))| {
                    let id = if link { EdgeId::LINK } else { EdgeId::from_u64(number) };
                    let (source, target) = (node(source), node(target));
                    (
                        (source, edge_type, target, id),
                        Arrow { source, edge_type, target, id, weight },
                    )
                });
            let distinct: BTreeMap<_, Arrow> = edges.collect();
            Self { edges: distinct.into_values().collect() }
        })
    }

    /// The adjacency blocks of the edges.
    pub(super) fn rows(&self) -> MemoryRows {
        let mut rows = MemoryRows::default();
        for edge in &self.edges {
            for (node, side, neighbor) in
                [(edge.source, Side::Out, edge.target), (edge.target, Side::In, edge.source)]
            {
                let Arrow { edge_type, id, weight, .. } = *edge;
                let entry = Entry { edge_type, neighbor, edge: id, weight };
                assert!(adjacency::insert(&mut rows, node, side, entry).unwrap());
            }
        }
        rows
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot::build(&self.rows(), Seq(1)).unwrap()
    }

    pub(super) fn graph(&self) -> Graph {
        Graph::of_snapshot(Arc::new(self.snapshot()), names())
    }

    /// The edges of one type.
    pub(super) fn of_type(&self, edge_type: u32) -> Self {
        let edges = self.edges.iter().filter(|edge| edge.edge_type == edge_type);
        Self { edges: edges.copied().collect() }
    }

    /// The nodes that have an edge.
    pub(super) fn nodes(&self) -> BTreeSet<NodeId> {
        self.edges.iter().flat_map(|edge| [edge.source, edge.target]).collect()
    }

    /// The edges that a rule allows from a node, in order: type, other end, edge, weight.
    pub(super) fn edges_of(&self, node: NodeId, rule: Rule) -> Vec<(u32, NodeId, EdgeId, f32)> {
        let mut found: Vec<_> = self
            .edges
            .iter()
            .filter(|edge| rule.edge_type.is_none_or(|wanted| edge.edge_type == wanted))
            .filter_map(|edge| {
                let (own, other) = match rule.side {
                    Side::Out => (edge.source, edge.target),
                    Side::In => (edge.target, edge.source),
                };
                (own == node).then_some((edge.edge_type, other, edge.id, edge.weight))
            })
            .collect();
        found.sort_by_key(|(edge_type, other, id, _)| (*edge_type, *other, *id));
        found
    }

    /// The smallest cost from a node to each that it reaches by so many edges at most: one round
    /// an edge, each over what the round before came to.
    pub(super) fn costs_within(
        &self,
        hops_max: usize,
        start: NodeId,
        rules: &[Rule],
        (keep, cost): (&dyn Fn(NodeId) -> bool, &dyn Fn(f32) -> f64),
    ) -> BTreeMap<NodeId, f64> {
        let mut costs = BTreeMap::from([(start, 0.0)]);
        for _ in 0..hops_max {
            for (node, so_far) in costs.clone() {
                for rule in rules {
                    for (_, other, _, weight) in self.edges_of(node, *rule) {
                        let total = so_far + cost(weight);
                        let better = costs.get(&other).is_none_or(|known| total < *known);
                        if better && keep(other) {
                            costs.insert(other, total);
                        }
                    }
                }
            }
        }
        costs
    }

    /// The smallest cost from a node to each that it reaches, by relaxing until nothing changes.
    pub(super) fn costs(
        &self,
        start: NodeId,
        rules: &[Rule],
        keep: &dyn Fn(NodeId) -> bool,
        cost: &dyn Fn(f32) -> f64,
    ) -> BTreeMap<NodeId, f64> {
        let mut costs = BTreeMap::from([(start, 0.0)]);
        loop {
            let mut changed = false;
            for (node, so_far) in costs.clone() {
                for rule in rules {
                    for (_, other, _, weight) in self.edges_of(node, *rule) {
                        let total = so_far + cost(weight);
                        let better = costs.get(&other).is_none_or(|known| total < *known);
                        if better && keep(other) {
                            costs.insert(other, total);
                            changed = true;
                        }
                    }
                }
            }
            if !changed {
                return costs;
            }
        }
    }
}

/// Up to three rules, each with or without a type.
pub(super) fn any_rules() -> impl Strategy<Value = Vec<Rule>> {
    let side = prop_oneof![2 => Just(Side::Out), 1 => Just(Side::In)];
    let rule = (side, prop::option::of(0_u32..3));
    let rule = rule.prop_map(|(side, edge_type)| Rule { side, edge_type });
    prop::collection::vec(rule, 1..4)
}
