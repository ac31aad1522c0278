//! Quick shortest paths: fewest edges, searched from both ends, without conditions, on a graph in
//! memory.
//!
//! The same path as the general search finds, over slices of dense numbers: what either end knows
//! of a node lies in one word, so that a neighbour costs one look. Edges are looked up once, along
//! the path.

use std::ops::ControlFlow;

use super::super::follow::Rule;
use super::super::khop::Slices;
use super::super::path::{Path, PathSearch};
use super::super::{Graph, Reading};
use crate::base::id::NodeId;

/// Which end met a node in which search, and the node before it.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    stamp: u32,
    before: u32,
}

/// Space of one search, by dense number.
#[derive(Debug, Default)]
pub(in crate::graph) struct Meeting {
    /// Twice the number of the search, which leaves room for the end.
    generation: u32,
    marks: Vec<Mark>,
    frontiers: [Vec<u32>; 2],
    next: Vec<u32>,
}

impl Meeting {
    /// Forgets the search before and makes room for nodes below `bound`.
    fn reset(&mut self, bound: usize) {
        if self.marks.len() < bound || self.generation > u32::MAX - 4 {
            // Zeroed pages of the system cost nothing until they are touched.
            self.marks = vec![Mark::default(); bound];
            self.generation = 0;
        }
        self.generation += 2;
        self.frontiers.iter_mut().for_each(Vec::clear);
    }

    /// Expands one end by one level. Returns the first node that the other end has met, too, with
    /// the node before it.
    fn level<G: Slices>(&mut self, graph: &G, rule: Rule, end: usize) -> Option<(u32, u32)> {
        let Self { generation, marks, frontiers, next } = self;
        let own = *generation + u32::from(end == 1);
        let theirs = *generation + u32::from(end == 0);
        next.clear();
        for node in frontiers[end].iter().copied() {
            let mut met = None;
            graph.each(node, rule, |neighbors| {
                for other in neighbors.iter().copied() {
                    let mark = &mut marks[other as usize];
                    if mark.stamp == own {
                        continue;
                    }
                    if mark.stamp == theirs {
                        met = met.or(Some(other));
                        return;
                    }
                    *mark = Mark { stamp: own, before: node };
                    next.push(other);
                }
            });
            if let Some(other) = met {
                return Some((other, node));
            }
        }
        std::mem::swap(&mut frontiers[end], next);
        None
    }

    /// The nodes behind `node` on the way back to an end, `node` first.
    fn back(&self, node: u32) -> impl Iterator<Item = u32> {
        let before = |node: &u32| {
            let before = self.marks[*node as usize].before;
            (before != *node).then_some(before)
        };
        std::iter::successors(Some(node), before)
    }
}

/// A search without conditions.
#[derive(Clone, Copy, Debug)]
pub(in crate::graph) struct Plain {
    pub(in crate::graph) ends: [NodeId; 2],
    pub(in crate::graph) rule: Rule,
    pub(in crate::graph) hops_max: usize,
}

/// The nodes of a path with the fewest edges, by dense number.
fn meet<G: Slices>(graph: &G, plan: &Plain, space: &mut Meeting) -> Option<Vec<u32>> {
    let [from, to] = plan.ends;
    let ends = [graph.index_of(from)?, graph.index_of(to)?];
    space.reset(graph.bound());
    for (end, node) in ends.into_iter().enumerate() {
        let stamp = space.generation + u32::from(end == 1);
        space.marks[node as usize] = Mark { stamp, before: node };
        space.frontiers[end].push(node);
    }
    let backward = Rule { side: plan.rule.side.reversed(), ..plan.rule };
    for _ in 0..plan.hops_max {
        let [first, second] = &space.frontiers;
        if first.is_empty() || second.is_empty() {
            return None;
        }
        let end = usize::from(second.len() < first.len());
        let rule = if end == 0 { plan.rule } else { backward };
        let Some((theirs, own)) = space.level(graph, rule, end) else { continue };
        let (left, right) = if end == 0 { (own, theirs) } else { (theirs, own) };
        let mut nodes: Vec<u32> = space.back(left).collect();
        nodes.reverse();
        nodes.extend(space.back(right));
        return Some(nodes);
    }
    None
}

fn find<G: Slices>(graph: &G, plan: &Plain, space: &mut Meeting) -> Option<Path> {
    if plan.ends[0] == plan.ends[1] {
        return Some(Path::of_node(plan.ends[0]));
    }
    let nodes = meet(graph, plan, space)?;
    let edges = nodes.windows(2).filter_map(|pair| graph.first_edge(pair[0], pair[1], plan.rule));
    let edges: Vec<_> = edges.collect();
    debug_assert_eq!(edges.len() + 1, nodes.len(), "neighbours have an edge");
    Some(Path::along(nodes.iter().map(|node| graph.id_at(*node)).collect(), &edges))
}

impl Graph {
    /// Breaks with the answer of a plain search; goes on where the graph is not in memory.
    fn meeting(&self, plan: &Plain) -> ControlFlow<Option<Path>> {
        match self.reading() {
            Reading::Blocks(_) => ControlFlow::Continue(()),
            Reading::Snapshot(snapshot) => {
                ControlFlow::Break(snapshot.meetings.lend(|space| find(snapshot, plan, space)))
            }
            Reading::Live(live) => {
                ControlFlow::Break(live.base().meetings.lend(|space| match live.plain() {
                    Some(snapshot) => find(&**snapshot, plan, space),
                    None => find(live, plan, space),
                }))
            }
        }
    }
}

impl PathSearch<'_> {
    /// Breaks with the answer of the quick search; goes on where that cannot be asked.
    pub(in crate::graph) fn quick(&self) -> ControlFlow<Option<Path>> {
        match self.plain() {
            Some(plan) if self.is_weighted() && plan.hops_max < usize::MAX => {
                ControlFlow::Continue(())
            }
            Some(plan) if self.is_weighted() => self.graph().between(&plan),
            Some(plan) => self.graph().meeting(&plan),
            None => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::budget::Budget;
    use super::super::super::follow::Follow;
    use super::super::super::live::Live;
    use super::super::super::model::{Model, any_rules, node};
    use super::super::super::path::{Costs, Query, best};
    use super::super::super::snapshot::Snapshot;
    use super::super::super::{BlocksView, Side};
    use super::*;
    use crate::base::id::Seq;
    use crate::storage::adjacency;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quick_searches_find_the_path_of_the_general_one(
            model in Model::any(14, 40), ends in (0_u64..16, 0_u64..16), rules in any_rules(),
            hops_max in 0_usize..7, gone in 0_usize..20,
        ) {
            let mut rows = model.rows();
            rows.take_log();
            let live = Live::new(Arc::new(model.snapshot()));
            for edge in model.edges.iter().skip(gone).step_by(2) {
                let (from, to) = (edge.source, edge.target);
                let kept = (edge.edge_type, edge.id);
                adjacency::remove(&mut rows, from, Side::Out, kept.0, to, kept.1).unwrap();
                adjacency::remove(&mut rows, to, Side::In, kept.0, from, kept.1).unwrap();
            }
            let log = rows.take_log();
            let less = live.next(log.changes().unwrap(), Seq(2)).unwrap();
            let fresh = Snapshot::build(&rows, Seq(2)).unwrap();
            let (graph, meter) = (model.graph(), Budget::default().meter());
            let follow = Follow::of_rules(&graph, &rules[..1]);
            let ends = (node(ends.0), node(ends.1));
            let costs = Costs::Hops;
            let query = Query {
                ends, follow: &follow, costs: &costs, hops_max, filter: None, avoid: None,
                meter: &meter,
            };
            let expected = best(&BlocksView::new(&rows), &query).unwrap();
            let plan = Plain { ends: [ends.0, ends.1], rule: rules[0], hops_max };
            let mut space = Meeting { generation: u32::MAX - 5, ..Meeting::default() };
            for _ in 0..3 {
                prop_assert_eq!(&find(&less, &plan, &mut space), &expected);
                prop_assert_eq!(&find(&fresh, &plan, &mut space), &expected);
            }
        }
    }
}
