//! Quick walks: the distinct nodes within some hops, without filters, on a graph in memory.
//!
//! The same nodes in the same order as the general walk finds, but over slices of dense numbers:
//! whether a neighbour is new decides by how much the queue grows, not which way a branch goes, and
//! identities are looked up once, at the end.

use super::delta::Piece;
use super::follow::Rule;
use super::live::Live;
use super::snapshot::Snapshot;
use super::traverse::Walk;
use super::view::GraphView as _;
use super::{Graph, Reading};
use crate::base::error::Result;
use crate::base::id::{EdgeId, NodeId};
use std::ops::ControlFlow;

/// Space of one walk, by dense number.
#[derive(Debug, Default)]
pub(super) struct Reach {
    generation: u32,
    /// A node was met when it has the stamp of the present generation.
    stamps: Vec<u32>,
    /// The nodes met, in order. One longer than there are nodes: the next is written before it is
    /// known whether it is new.
    queue: Vec<u32>,
}

impl Reach {
    /// Forgets the walk before and makes room for nodes below `bound`.
    fn reset(&mut self, bound: usize) {
        if self.stamps.len() < bound || self.generation == u32::MAX {
            // Zeroed pages of the system cost nothing until they are touched.
            self.stamps = vec![0; bound];
            self.queue = vec![0; bound + 1];
            self.generation = 0;
        }
        self.generation += 1;
    }
}

/// A walk without filters, as the kernel takes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain {
    pub(super) start: NodeId,
    pub(super) rule: Rule,
    /// The least and the greatest depth wanted.
    pub(super) depth: (usize, usize),
    pub(super) limit: usize,
}

/// Neighbours as slices of dense numbers.
pub(super) trait Slices {
    fn index_of(&self, id: NodeId) -> Option<u32>;
    fn id_at(&self, index: u32) -> NodeId;
    /// Greater than every dense number.
    fn bound(&self) -> usize;
    /// Hands the neighbours that a rule allows to `each`, in order.
    fn each(&self, index: u32, rule: Rule, each: impl FnMut(&[u32]));
    /// The first edge from a node to another that a rule allows, with its weight.
    fn first_edge(&self, index: u32, other: u32, rule: Rule) -> Option<(EdgeId, f32)>;
}

impl Slices for Snapshot {
    fn index_of(&self, id: NodeId) -> Option<u32> {
        Self::index_of(self, id)
    }

    #[inline]
    fn id_at(&self, index: u32) -> NodeId {
        self.nodes[index as usize]
    }

    fn bound(&self) -> usize {
        self.nodes.len()
    }

    #[inline]
    fn each(&self, index: u32, rule: Rule, mut each: impl FnMut(&[u32])) {
        each(match rule.edge_type {
            None => self.neighbors_of(index, rule.side),
            Some(edge_type) => self.neighbors_of_type(index, rule.side, edge_type),
        });
    }

    fn first_edge(&self, index: u32, other: u32, rule: Rule) -> Option<(EdgeId, f32)> {
        let lists = self.lists(rule.side);
        lists.runs(index, rule.edge_type).find_map(|(_, places)| {
            let neighbors = &lists.neighbors[places.clone()];
            let at = neighbors.partition_point(|neighbor| *neighbor < other);
            let found = neighbors.get(at) == Some(&other);
            found.then(|| self.edge(self.position(rule.side, places.start + at)))
        })
    }
}

impl Slices for Live {
    fn index_of(&self, id: NodeId) -> Option<u32> {
        self.dense(id)
    }

    #[inline]
    fn id_at(&self, index: u32) -> NodeId {
        Self::id_at(self, index)
    }

    fn bound(&self) -> usize {
        super::GraphView::node_bound(self)
    }

    #[inline]
    fn each(&self, index: u32, rule: Rule, mut each: impl FnMut(&[u32])) {
        let base = self.base();
        let Some(patch) = self.patch(index, rule.side) else {
            if self.is_in_base(index) {
                Slices::each(&**base, index, rule, each);
            }
            return;
        };
        let lists = base.lists(rule.side);
        let neighbors = &lists.neighbors;
        if rule.edge_type.is_none()
            && let Some(added) = patch.only_added()
        {
            // All types at once: what was added stands between the entries of one slice.
            let places = if self.is_in_base(index) { lists.range(index) } else { 0..0 };
            let mut from = places.start;
            for (at, neighbor) in added {
                // Entries of an added node belong before some place of another list.
                let at = at.min(places.end);
                if at > from {
                    each(&neighbors[from..at]);
                    from = at;
                }
                each(&[neighbor]);
            }
            each(&neighbors[from..places.end]);
            return;
        }
        let runs = self.runs(index, rule.side, rule.edge_type);
        let all = patch.for_each(runs, rule.edge_type, |piece| {
            match piece {
                Piece::Run { places, .. } => each(&neighbors[places]),
                Piece::One(key, _) => each(&[key.neighbor.index()]),
            }
            ControlFlow::Continue(())
        });
        debug_assert!(all.is_continue(), "nobody says stop");
    }

    fn first_edge(&self, index: u32, other: u32, rule: Rule) -> Option<(EdgeId, f32)> {
        if self.patch(index, rule.side).is_none() {
            return Slices::first_edge(&**self.base(), index, other, rule);
        }
        let node = self.find(self.id_at(index))?;
        let mut via = None;
        let flow = self.for_each(node, rule.side, rule.edge_type, |hop| {
            if hop.node.index() != other {
                return ControlFlow::Continue(());
            }
            via = Some(hop.via);
            ControlFlow::Break(())
        });
        debug_assert!(flow.is_ok(), "a graph in memory is read without errors");
        via.map(|via| self.edge(via))
    }
}

/// Puts the nodes that a plain walk reaches behind those in `out`, nearest first.
fn walk<G: Slices>(graph: &G, plan: &Plain, space: &mut Reach, out: &mut Vec<NodeId>) {
    let (least, most) = plan.depth;
    if least > most || plan.limit == 0 {
        return;
    }
    let Some(start) = graph.index_of(plan.start) else {
        out.extend((least == 0).then_some(plan.start));
        return;
    };
    space.reset(graph.bound());
    let (first, end) = spread(graph, plan, start, space);
    let reached = &space.queue[first..end];
    let wanted = &reached[..reached.len().min(plan.limit)];
    out.extend(wanted.iter().map(|index| graph.id_at(*index)));
}

/// Fills the queue level by level. Returns where the nodes of the depths wanted begin and end.
fn spread<G: Slices>(graph: &G, plan: &Plain, start: u32, space: &mut Reach) -> (usize, usize) {
    let (least, most) = plan.depth;
    let Reach { generation, stamps, queue } = space;
    let generation = *generation;
    stamps[start as usize] = generation;
    queue[0] = start;
    let (mut from, mut filled, mut depth) = (0, 1, 0);
    let mut first = 0;
    while depth < most && from < filled {
        let level = from..filled;
        depth += 1;
        if depth <= least {
            first = filled;
        }
        for place in level.clone() {
            let node = queue[place];
            graph.each(node, plan.rule, |neighbors| {
                for neighbor in neighbors {
                    let stamp = &mut stamps[*neighbor as usize];
                    let is_new = *stamp != generation;
                    *stamp = generation;
                    queue[filled] = *neighbor;
                    filled += usize::from(is_new);
                }
            });
            if depth >= least && filled - first >= plan.limit {
                return (first, filled);
            }
        }
        from = level.end;
    }
    // The walk may have ended before it came as deep as was wanted.
    let first = if depth < least { filled } else { first };
    (first, filled)
}

impl Graph {
    /// Runs a plain walk where the graph is in memory. Says whether it is.
    fn reach(&self, plan: &Plain, out: &mut Vec<NodeId>) -> bool {
        match self.reading() {
            Reading::Blocks(_) => return false,
            Reading::Snapshot(snapshot) => {
                snapshot.reach.lend(|space| walk(snapshot, plan, space, out));
            }
            Reading::Live(live) => live.base().reach.lend(|space| walk(live, plan, space, out)),
        }
        true
    }
}

impl Walk<'_> {
    /// Puts the nodes reached behind those in `nodes`, nearest first: as [`Walk::nodes`], into
    /// space that the caller reuses. Without a filter and with one kind of edges it is the quickest
    /// way to ask for a neighbourhood.
    ///
    /// ```no_run
    /// # use engraph::{NodeId, Result};
    /// # fn show(graph: &engraph::graph::Graph, starts: &[NodeId]) -> Result<()> {
    /// let mut near = Vec::new();
    /// for start in starts {
    ///     near.clear();
    ///     graph.from(*start).depth(1..=2).nodes_into(&mut near)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Walk::nodes`]; `nodes` then has some of them.
    pub fn nodes_into(self, nodes: &mut Vec<NodeId>) -> Result<()> {
        if let Some(plan) = self.plain()
            && self.graph().reach(&plan, nodes)
        {
            return Ok(());
        }
        self.whole(|reached| nodes.push(reached.node))
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::Budget;
    use super::super::follow::Follow;
    use super::super::model::{Model, any_rules, names, no_details, node};
    use super::super::traverse::{Plan, walk as general};
    use super::super::{BlocksView, Direction, Side};
    use super::*;
    use crate::base::id::Seq;
    use crate::storage::adjacency;
    use proptest::prelude::*;
    use std::sync::Arc;

    proptest! {
        #[test]
        fn quick_walks_take_the_steps_of_the_general_one(
            model in Model::any(14, 50), start in 0_u64..16, rules in any_rules(),
            least in 0_usize..4, span in 0_usize..5, limit in 0_usize..20, gone in 0_usize..20,
        ) {
            let mut rows = model.rows();
            rows.take_log();
            let live = Live::new(Arc::new(model.snapshot()));
            for edge in model.edges.iter().skip(gone) {
                let (edge_type, id) = (edge.edge_type, edge.id);
                let (from, to) = (edge.source, edge.target);
                adjacency::remove(&mut rows, from, Side::Out, edge_type, to, id)
                    .unwrap();
                adjacency::remove(&mut rows, to, Side::In, edge_type, from, id)
                    .unwrap();
            }
            let log = rows.take_log();
            let less = live.next(log.changes().unwrap(), Seq(2)).unwrap();
            let fresh = Snapshot::build(&rows, Seq(2)).unwrap();
            let depth = (least, least + span);
            let plan = Plain { start: node(start), rule: rules[0], depth, limit };
            let mut expected = Vec::new();
            let (graph, meter) = (model.graph(), Budget::default().meter());
            let follow = Follow::of_rules(&graph, &rules[..1]);
            let steps = Plan { follow: &follow, depth, filter: None };
            general(&BlocksView::new(&rows), plan.start, &steps, &meter, |reached| {
                expected.push(reached.node);
                ControlFlow::Continue(())
            }).unwrap();
            expected.truncate(limit);
            let mut space = Reach { generation: u32::MAX - 1, ..Reach::default() };
            for _ in 0..3 {
                let (mut on_live, mut on_fresh) = (Vec::new(), Vec::new());
                walk(&less, &plan, &mut space, &mut on_live);
                walk(&fresh, &plan, &mut space, &mut on_fresh);
                prop_assert_eq!(&on_live, &expected);
                prop_assert_eq!(&on_fresh, &expected);
            }
        }
    }

    proptest! {
        #[test]
        fn quick_walks_see_what_was_added(
            model in Model::any(14, 50), start in 0_u64..16, rules in any_rules(),
            least in 0_usize..4, span in 0_usize..5, before in 0_usize..50,
        ) {
            let (first, later) = model.edges.split_at(before.min(model.edges.len()));
            let few = Model { edges: first.to_vec() };
            let mut rows = few.rows();
            rows.take_log();
            let live = Live::new(Arc::new(few.snapshot()));
            for edge in later {
                let ends = [(edge.source, edge.target), (edge.target, edge.source)];
                for ((node, neighbor), side) in ends.into_iter().zip([Side::Out, Side::In]) {
                    let entry = adjacency::Entry {
                        edge_type: edge.edge_type, neighbor, edge: edge.id, weight: edge.weight,
                    };
                    adjacency::insert(&mut rows, node, side, entry).unwrap();
                }
            }
            let log = rows.take_log();
            let more = live.next(log.changes().unwrap(), Seq(2)).unwrap();
            let depth = (least, least + span);
            let plan = Plain { start: node(start), rule: rules[0], depth, limit: usize::MAX };
            let mut space = Reach::default();
            let (mut found, mut expected) = (Vec::new(), Vec::new());
            walk(&more, &plan, &mut space, &mut found);
            walk(&model.snapshot(), &plan, &mut space, &mut expected);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn nodes_are_put_behind_those_that_are_there() {
        let model = Model::of(&[(0, 1), (1, 2), (1, 3)]);
        let live = Arc::new(Live::new(Arc::new(model.snapshot())));
        let graph = Graph::of_live(&live, names(), no_details());
        let mut found = Vec::new();
        graph.from(node(1)).nodes_into(&mut found).unwrap();
        graph.from(node(2)).incoming("t0").depth(1..=2).nodes_into(&mut found).unwrap();
        graph.from(node(1)).any(Direction::Both).nodes_into(&mut found).unwrap();
        graph.from(node(77)).depth(0..=3).nodes_into(&mut found).unwrap();
        graph.from(node(0)).depth(..).filter(|id| id != node(1)).nodes_into(&mut found).unwrap();
        let expected = [2, 3, 1, 0, 2, 3, 0, 77, 0].map(node);
        assert_eq!(found, expected);
    }
}
