//! Quick cheapest paths between two nodes: sums of weights, searched from both ends, without
//! conditions, on a snapshot all of whose weights can be summed.
//!
//! The same steps as the general search, over flat arrays: what both ends know of a node lies in
//! one line of the cache, and of a settled node's edges nothing but the other end is read.

use std::ops::ControlFlow;

use super::super::path::{Path, cut_loops};
use super::super::snapshot::Snapshot;
use super::super::view::GraphView as _;
use super::super::{Graph, Reading};
use super::heap::{Heap, Waiting};
use super::meeting::Plain;
use crate::base::id::{EdgeId, NodeId};

/// How an end came to a node.
#[derive(Clone, Copy, Debug)]
struct Label {
    cost: f64,
    /// The node before; itself at the end.
    before: u32,
    /// The position of the edge from it.
    via: u32,
}

const UNSEEN: Label = Label { cost: f64::INFINITY, before: 0, via: 0 };

/// Space of one search, by dense number.
#[derive(Debug, Default)]
pub(in crate::graph) struct Between {
    labels: Vec<[Label; 2]>,
    /// The nodes that have a label of either end.
    touched: Vec<u32>,
    heaps: [Heap; 2],
}

/// The cheapest meeting of the two ends so far.
#[derive(Clone, Copy)]
struct Best {
    cost: f64,
    meeting: Option<u32>,
}

impl Between {
    /// Forgets the search before and makes room for nodes below `bound`.
    fn reset(&mut self, bound: usize) {
        for node in self.touched.drain(..) {
            self.labels[node as usize] = [UNSEEN; 2];
        }
        self.labels.resize(self.labels.len().max(bound), [UNSEEN; 2]);
        self.heaps.iter_mut().for_each(Heap::clear);
    }

    fn set(&mut self, end: usize, node: u32, label: Label) {
        let known = &mut self.labels[node as usize];
        if known.iter().all(|label| label.cost.is_infinite()) {
            self.touched.push(node);
        }
        known[end] = label;
        self.heaps[end].push(Waiting { cost: label.cost, node });
    }

    /// The cost of the cheapest node that waits at an end. Outdated ones are dropped.
    fn next_cost(&mut self, end: usize) -> Option<f64> {
        while let Some(Waiting { cost, node }) = self.heaps[end].peek() {
            if self.labels[node as usize][end].cost >= cost {
                return Some(cost);
            }
            self.heaps[end].pop();
        }
        None
    }

    /// Settles the cheapest node that waits at an end and looks at its edges. `rest` is the least
    /// that it costs the other end to come to a node which it has not settled.
    fn relax(
        &mut self,
        graph: &Snapshot,
        plan: &Plain,
        (end, rest): (usize, f64),
        best: &mut Best,
    ) {
        let Some(Waiting { cost: so_far, node }) = self.heaps[end].pop() else { return };
        let side = if end == 0 { plan.rule.side } else { plan.rule.side.reversed() };
        let lists = graph.lists(side);
        for (_, places) in lists.runs(node, plan.rule.edge_type) {
            let neighbors = &lists.neighbors[places.clone()];
            for (place, other) in places.zip(neighbors.iter().copied()) {
                let labels = self.labels[other as usize];
                // Weights are not negative.
                if labels[end].cost <= so_far {
                    continue;
                }
                let via = graph.position(side, place);
                let cost = so_far + f64::from(*graph.weight(via));
                let theirs = labels[1 - end].cost;
                // Where the other end has not been, no path from here can be better than the best.
                let too_far = theirs.is_infinite() && cost + rest >= best.cost;
                if labels[end].cost <= cost || too_far {
                    continue;
                }
                self.set(end, other, Label { cost, before: node, via });
                if cost + theirs < best.cost {
                    *best = Best { cost: cost + theirs, meeting: Some(other) };
                }
            }
        }
    }

    /// Nodes, and edges with their weights, from a node back to an end.
    fn back(&self, graph: &Snapshot, end: usize, node: u32) -> Vec<(NodeId, (EdgeId, f32))> {
        let label = |node: u32| self.labels[node as usize][end];
        let before = |node: &u32| Some(label(*node).before).filter(|before| before != node);
        std::iter::successors(Some(node), before)
            .take_while(|node| label(*node).before != *node)
            .map(|node| (graph.nodes[label(node).before as usize], graph.edge(label(node).via)))
            .collect()
    }
}

/// A path with the smallest sum of weights.
fn find(graph: &Snapshot, plan: &Plain, space: &mut Between) -> Option<Path> {
    let [from, to] = plan.ends;
    if from == to {
        return Some(Path::of_node(from));
    }
    let ends = [graph.index_of(from)?, graph.index_of(to)?];
    space.reset(graph.nodes.len());
    for (end, node) in ends.into_iter().enumerate() {
        space.set(end, node, Label { cost: 0.0, before: node, via: 0 });
    }
    let mut best = Best { cost: f64::INFINITY, meeting: None };
    // When one end has no node left, it has reached everything, the other end included.
    while let (Some(first), Some(second)) = (space.next_cost(0), space.next_cost(1)) {
        if first + second >= best.cost {
            break;
        }
        space.relax(graph, plan, (usize::from(second < first), first.max(second)), &mut best);
    }
    let meeting = best.meeting?;
    let (mut nodes, mut edges): (Vec<_>, Vec<_>) =
        space.back(graph, 0, meeting).into_iter().rev().unzip();
    nodes.push(graph.nodes[meeting as usize]);
    for (node, edge) in space.back(graph, 1, meeting) {
        nodes.push(node);
        edges.push(edge);
    }
    cut_loops(&mut nodes, &mut edges);
    Some(Path { cost: best.cost, ..Path::along(nodes, &edges) })
}

impl Graph {
    /// Breaks with the answer of a plain search; goes on where no snapshot is at hand or its
    /// weights have to be looked at.
    pub(super) fn between(&self, plan: &Plain) -> ControlFlow<Option<Path>> {
        let snapshot = match self.reading() {
            Reading::Blocks(_) => None,
            Reading::Snapshot(snapshot) => Some(snapshot),
            Reading::Live(live) => live.plain().map(|snapshot| &**snapshot),
        };
        match snapshot.filter(|snapshot| snapshot.sums_weights) {
            None => ControlFlow::Continue(()),
            Some(snapshot) => {
                ControlFlow::Break(snapshot.between.lend(|space| find(snapshot, plan, space)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::BlocksView;
    use super::super::super::budget::Budget;
    use super::super::super::follow::Follow;
    use super::super::super::model::{Model, any_rules, node};
    use super::super::super::path::{Costs, Query, best};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quick_searches_find_the_path_of_the_general_one(
            model in Model::any(14, 40), ends in prop::collection::vec((0_u64..16, 0_u64..16), 3),
            rules in any_rules(),
        ) {
            let rows = model.rows();
            let snapshot = model.snapshot();
            prop_assert!(snapshot.sums_weights);
            let (graph, meter) = (model.graph(), Budget::default().meter());
            let follow = Follow::of_rules(&graph, &rules[..1]);
            let mut space = Between::default();
            for (from, to) in ends {
                let (ends, costs) = ((node(from), node(to)), Costs::Weights);
                let query = Query {
                    ends, follow: &follow, costs: &costs, hops_max: usize::MAX, filter: None,
                    avoid: None, meter: &meter,
                };
                let expected = best(&BlocksView::new(&rows), &query).unwrap();
                let plan = Plain { ends: [ends.0, ends.1], rule: rules[0], hops_max: usize::MAX };
                prop_assert_eq!(&find(&snapshot, &plan, &mut space), &expected);
            }
        }
    }
}
