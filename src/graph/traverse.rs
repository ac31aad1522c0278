//! Walks from a node: neighbourhoods of a depth range, filtered and limited, nearest first.

use std::fmt;
use std::ops::{Bound, ControlFlow, RangeBounds};

use super::khop::Plain;
use super::view::{GraphView, NodeMap as _, Side};
use super::{Direction, Graph, on_view};
use crate::base::error::Result;
use crate::base::id::NodeId;

/// Which edges may be followed: any that one of the rules allows. None given means every edge
/// outwards.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    given: bool,
    rules: Vec<Rule>,
}

/// Edges of one type, or of any, on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) side: Side,
    pub(super) edge_type: Option<u32>,
}

impl Rules {
    /// Adds edges of a type. A type that was never used allows nothing.
    pub(super) fn add(&mut self, graph: &Graph, direction: Direction, edge_type: &str) {
        self.given = true;
        if let Some(number) = graph.names.number(edge_type) {
            self.extend(direction, Some(number));
        }
    }

    /// Adds edges of any type.
    pub(super) fn add_any(&mut self, direction: Direction) {
        self.given = true;
        self.extend(direction, None);
    }

    fn extend(&mut self, direction: Direction, edge_type: Option<u32>) {
        for side in direction.sides() {
            let rule = Rule { side: *side, edge_type };
            if !self.rules.contains(&rule) {
                self.rules.push(rule);
            }
        }
    }

    /// The numbers of the edge types that some rule names, sorted; `None` means all.
    fn edge_types(&self) -> Option<Vec<u32>> {
        if !self.given {
            return None;
        }
        let types: Option<Vec<u32>> = self.rules.iter().map(|rule| rule.edge_type).collect();
        types.map(|mut types| {
            types.sort_unstable();
            types.dedup();
            types
        })
    }

    /// The rules from a node onwards.
    pub(super) fn forward(&self) -> Vec<Rule> {
        if self.given {
            return self.rules.clone();
        }
        vec![Rule { side: Side::Out, edge_type: None }]
    }

    /// The rules from a node back to where one can come from.
    pub(super) fn backward(&self) -> Vec<Rule> {
        let mut rules = self.forward();
        for rule in &mut rules {
            rule.side = rule.side.reversed();
        }
        rules
    }
}

/// Says whether a node may be part of a walk or path.
pub(super) type Filter<'a> = Box<dyn Fn(NodeId) -> bool + 'a>;

/// A node that a walk has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Reached {
    /// The node.
    pub node: NodeId,
    /// The fewest edges from the start.
    pub depth: usize,
}

/// A walk from one node over the edges that its rules allow.
///
/// Every node is reached once, at its smallest depth, nearest first; nodes of one depth in the
/// order in which their predecessors were reached, then of their edges. Made by [`Graph::from`]:
///
/// ```no_run
/// # fn show(graph: &engraph::graph::Graph, node: engraph::NodeId) -> engraph::Result<()> {
/// let cited = graph.from(node).out("cites").depth(1..=3).limit(100).nodes()?;
/// let around = graph.from(node).any(engraph::graph::Direction::Both).nodes()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a walk does nothing until its nodes are asked for"]
pub struct Walk<'g> {
    graph: &'g Graph,
    start: NodeId,
    rules: Rules,
    depth: (usize, usize),
    limit: usize,
    filter: Option<Filter<'g>>,
}

impl<'g> Walk<'g> {
    pub(super) fn new(graph: &'g Graph, start: NodeId) -> Self {
        let rules = Rules::default();
        Self { graph, start, rules, depth: (1, 1), limit: usize::MAX, filter: None }
    }

    /// Also follows edges of this type along their direction.
    pub fn out(mut self, edge_type: &str) -> Self {
        self.rules.add(self.graph, Direction::Out, edge_type);
        self
    }

    /// Also follows edges of this type against their direction.
    pub fn incoming(mut self, edge_type: &str) -> Self {
        self.rules.add(self.graph, Direction::In, edge_type);
        self
    }

    /// Also follows edges of this type both ways.
    pub fn both(mut self, edge_type: &str) -> Self {
        self.rules.add(self.graph, Direction::Both, edge_type);
        self
    }

    /// Also follows edges of every type.
    pub fn any(mut self, direction: Direction) -> Self {
        self.rules.add_any(direction);
        self
    }

    /// The depths of the nodes wanted: `1..=1`, the neighbours, unless said otherwise. Depth 0 is
    /// the start itself; an open end goes on while there are new nodes.
    pub fn depth(mut self, range: impl RangeBounds<usize>) -> Self {
        let least = match range.start_bound() {
            Bound::Included(least) => *least,
            Bound::Excluded(below) => below.saturating_add(1),
            Bound::Unbounded => 0,
        };
        // An end that excludes depth 0 leaves nothing, which least > most says.
        self.depth = match range.end_bound() {
            Bound::Included(most) => (least, *most),
            Bound::Excluded(0) => (1, 0),
            Bound::Excluded(above) => (least, above - 1),
            Bound::Unbounded => (least, usize::MAX),
        };
        self
    }

    /// Stops after so many nodes.
    pub fn limit(mut self, nodes_max: usize) -> Self {
        self.limit = nodes_max;
        self
    }

    /// As [`Walk::limit`], unless a smaller limit was set.
    pub(super) fn limit_below(self, nodes_max: usize) -> Self {
        let least = self.limit.min(nodes_max);
        self.limit(least)
    }

    /// Leaves out nodes for which `keep` is false, and what is reached only through them. The start
    /// is not asked about. A second filter replaces the first.
    pub fn filter(mut self, keep: impl Fn(NodeId) -> bool + 'g) -> Self {
        self.filter = Some(Box::new(keep));
        self
    }

    /// The nodes reached, nearest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when adjacency blocks are damaged.
    pub fn nodes(self) -> Result<Vec<NodeId>> {
        let mut nodes = Vec::new();
        self.nodes_into(&mut nodes)?;
        Ok(nodes)
    }

    /// The walk for the quick kernel of `khop`. `None` when it has a filter or several rules.
    pub(super) fn plain(&self) -> Option<Plain> {
        let rule = match self.rules.rules[..] {
            _ if self.filter.is_some() => return None,
            [] if !self.rules.given => Rule { side: Side::Out, edge_type: None },
            [rule] => rule,
            _ => return None,
        };
        Some(Plain { start: self.start, rule, depth: self.depth, limit: self.limit })
    }

    pub(super) fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// The nodes reached with their depths, nearest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when adjacency blocks are damaged.
    pub fn reached(self) -> Result<Vec<Reached>> {
        let mut nodes = Vec::new();
        self.run(|reached| nodes.push(reached))?;
        Ok(nodes)
    }

    /// How many nodes are reached.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when adjacency blocks are damaged.
    pub fn count(self) -> Result<usize> {
        let mut count = 0;
        self.run(|_| count += 1)?;
        Ok(count)
    }

    /// The graph, and the numbers of the edge types that the walk follows; `None` means all.
    pub(super) fn followed(&self) -> (&'g Graph, Option<Vec<u32>>) {
        (self.graph, self.rules.edge_types())
    }

    pub(super) fn run(self, mut each: impl FnMut(Reached)) -> Result<()> {
        let mut left = self.limit;
        if left == 0 {
            return Ok(());
        }
        let plan = Plan {
            rules: &self.rules.forward(),
            depth: self.depth,
            filter: self.filter.as_deref(),
        };
        on_view!(self.graph, view => walk(view, self.start, &plan, |reached| {
            each(reached);
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }))
    }
}

impl fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk")
            .field("start", &self.start)
            .field("rules", &self.rules)
            .field("depth", &self.depth)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// What a walk does on either view.
pub(super) struct Plan<'a> {
    pub(super) rules: &'a [Rule],
    /// The least and the greatest depth wanted.
    pub(super) depth: (usize, usize),
    pub(super) filter: Option<&'a (dyn Fn(NodeId) -> bool + 'a)>,
}

/// Breadth first, handing nodes of the wanted depths to `each` until it says stop.
pub(super) fn walk<V: GraphView>(
    view: &V,
    start: NodeId,
    plan: &Plan<'_>,
    mut each: impl FnMut(Reached) -> ControlFlow<()>,
) -> Result<()> {
    let (least, most) = plan.depth;
    if least > most || (least == 0 && each(Reached { node: start, depth: 0 }).is_break()) {
        return Ok(());
    }
    let Some(start) = view.find(start).filter(|_| most > 0) else { return Ok(()) };
    view.with_scratch(|scratch| {
        scratch.seen.reset(view.node_bound());
        scratch.seen.insert(start, ());
        scratch.frontier.clear();
        scratch.frontier.push(start);
        let mut depth = 0;
        while depth < most && !scratch.frontier.is_empty() {
            depth += 1;
            scratch.next.clear();
            let (seen, next) = (&mut scratch.seen, &mut scratch.next);
            for node in &scratch.frontier {
                for rule in plan.rules {
                    let flow = view.for_each(*node, rule.side, rule.edge_type, |hop| {
                        if !seen.insert(hop.node, ()) {
                            return ControlFlow::Continue(());
                        }
                        let id = view.id(hop.node);
                        if plan.filter.is_some_and(|keep| !keep(id)) {
                            return ControlFlow::Continue(());
                        }
                        if depth < most {
                            next.push(hop.node);
                        }
                        if depth < least {
                            return ControlFlow::Continue(());
                        }
                        each(Reached { node: id, depth })
                    })?;
                    if flow.is_break() {
                        return Ok(());
                    }
                }
            }
            std::mem::swap(&mut scratch.frontier, &mut scratch.next);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "costs of one an edge are small whole numbers"
    )]

    use super::super::model::{Model, any_rules, node};
    use super::super::{BlocksView, Snapshot};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn walked<V: GraphView>(
        view: &V,
        start: NodeId,
        plan: &Plan<'_>,
        limit: usize,
    ) -> Vec<Reached> {
        let mut found = Vec::new();
        walk(view, start, plan, |reached| {
            found.push(reached);
            if found.len() >= limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
        found
    }

    proptest! {
        #[test]
        fn both_views_walk_alike_and_reach_what_they_should(
            model in Model::any(12, 40), start in 0_u64..13, rules in any_rules(),
            least in 0_usize..3, span in 0_usize..4, limit in 1_usize..30, banned in 0_u64..14,
        ) {
            let keep = |id: NodeId| id != node(banned);
            let plan = Plan { rules: &rules, depth: (least, least + span), filter: Some(&keep) };
            let rows = model.rows();
            let snapshot = model.snapshot();
            let blocks = BlocksView::new(&rows);
            let all = walked(&blocks, node(start), &plan, usize::MAX);
            prop_assert_eq!(&all, &walked(&snapshot, node(start), &plan, usize::MAX));
            prop_assert!(all.is_sorted_by_key(|reached| reached.depth));

            let expected: BTreeMap<NodeId, usize> = model
                .costs(node(start), &rules, &keep, &|_| 1.0)
                .into_iter()
                .map(|(id, depth)| (id, depth as usize))
                .filter(|(_, depth)| (least..=least + span).contains(depth))
                .collect();
            let found: BTreeMap<NodeId, usize> =
                all.iter().map(|reached| (reached.node, reached.depth)).collect();
            prop_assert_eq!(found.len(), all.len(), "every node once");
            prop_assert_eq!(found, expected);

            let limited = walked(&snapshot, node(start), &plan, limit);
            prop_assert_eq!(&limited[..], &all[..limit.min(all.len())]);
        }

        #[test]
        fn both_views_list_the_same_edges_in_the_same_order(model in Model::any(8, 60)) {
            let (rows, snapshot): (_, Snapshot) = (model.rows(), model.snapshot());
            let blocks = BlocksView::new(&rows);
            for id in (0..8).map(node) {
                for side in [Side::Out, Side::In] {
                    for edge_type in [None, Some(0), Some(1), Some(2), Some(7)] {
                        let expected = model.edges_of(id, Rule { side, edge_type });
                        prop_assert_eq!(&listed(&blocks, id, side, edge_type), &expected);
                        prop_assert_eq!(&listed(&snapshot, id, side, edge_type), &expected);
                        let degree = |count: Result<usize>| count.unwrap();
                        prop_assert_eq!(degree(blocks.degree(id, side, edge_type)), expected.len());
                        if let Some(dense) = snapshot.find(id) {
                            let count = degree(snapshot.degree(dense, side, edge_type));
                            prop_assert_eq!(count, expected.len());
                        }
                    }
                }
            }
        }
    }

    fn listed<V: GraphView>(
        view: &V,
        id: NodeId,
        side: Side,
        edge_type: Option<u32>,
    ) -> Vec<(u32, NodeId, crate::EdgeId, f32)> {
        let mut found = Vec::new();
        let Some(node) = view.find(id) else { return found };
        let flow = view.for_each(node, side, edge_type, |hop| {
            let (edge, weight) = view.edge(hop.via);
            found.push((hop.edge_type, view.id(hop.node), edge, weight));
            ControlFlow::Continue(())
        });
        assert!(flow.unwrap().is_continue());
        found
    }

    #[test]
    fn depths_can_be_any_range() {
        let graph = Model::of(&[(0, 1), (1, 2), (2, 3), (3, 0)]).graph();
        let depths = |walk: Walk<'_>| -> Vec<usize> {
            walk.reached().unwrap().iter().map(|reached| reached.depth).collect()
        };
        let from = || graph.from(node(0)).out("t0");
        assert_eq!(depths(from()), [1]);
        assert_eq!(depths(from().depth(..)), [0, 1, 2, 3]);
        assert_eq!(depths(from().depth(2..)), [2, 3]);
        assert_eq!(depths(from().depth(1..3)), [1, 2]);
        assert_eq!(depths(from().depth(0..0)), [0; 0]);
        assert_eq!(depths(from().depth(..).limit(0)), [0; 0]);
        assert_eq!(from().depth(1..=3).count().unwrap(), 3);
    }

    #[test]
    fn an_unknown_type_leads_nowhere_and_no_rule_leads_everywhere() {
        let graph = Model::of(&[(0, 1), (2, 0)]).graph();
        assert_eq!(graph.from(node(0)).out("never used").nodes().unwrap(), []);
        assert_eq!(graph.from(node(0)).nodes().unwrap(), [node(1)]);
        assert_eq!(graph.from(node(0)).incoming("t0").nodes().unwrap(), [node(2)]);
        let both = graph.from(node(0)).any(Direction::Both).nodes().unwrap();
        assert_eq!(both, [node(1), node(2)]);
    }

    #[test]
    fn a_walk_inside_a_filter_has_scratch_of_its_own() {
        let graph = Model::of(&[(0, 1), (0, 2), (1, 3), (2, 4)]).graph();
        let leads_on = |id| graph.from(id).count().unwrap() > 0;
        let walk = graph.from(node(0)).depth(1..).filter(leads_on);
        assert_eq!(walk.nodes().unwrap(), [node(2), node(1)]);
    }
}
