//! Paths between two nodes, searched from both ends at once.
//!
//! Without weights whole levels are expanded, the smaller frontier first: the first meeting is a
//! shortest path. With weights it is Dijkstra's search from both ends, which stops when no
//! undiscovered path can be cheaper. Both take the same steps on either view, so that of equally
//! good paths both views find the same one.

use std::collections::HashSet;
use std::fmt;
use std::ops::ControlFlow;

use super::budget::{Budget, Meter, Outcome, budget_methods};
use super::follow::{Edge, Follow, NodeFilter, Way, follow_methods};
use super::shortest::{self, Heuristic};
use super::view::{GraphView, Hop, Label, NodeMap as _, NodeNumber, Queued, Scratch, ScratchOf};
use super::view::{Side, Step};
use super::{Graph, on_view};
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, NodeId};

/// A way from one node to another.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Path {
    /// The nodes, both ends included.
    pub nodes: Vec<NodeId>,
    /// The edges between them, one fewer; [`EdgeId::LINK`] for links.
    pub edges: Vec<EdgeId>,
    /// The sum of the edges' weights.
    pub weight: f64,
    /// What the search made small: edges, weights, or what the caller's function sums up to.
    pub cost: f64,
}

impl Path {
    /// The path of a node to itself.
    pub(super) fn of_node(node: NodeId) -> Self {
        Self { nodes: vec![node], edges: Vec::new(), weight: 0.0, cost: 0.0 }
    }

    /// The path along edges with their weights; it costs as many as they are.
    pub(super) fn along(nodes: Vec<NodeId>, edges: &[(EdgeId, f32)]) -> Self {
        let weight = edges.iter().map(|(_, weight)| f64::from(*weight)).sum();
        let cost = hops_cost(edges.len());
        Self { nodes, edges: edges.iter().map(|(edge, _)| *edge).collect(), weight, cost }
    }
}

#[expect(clippy::cast_precision_loss, reason = "paths are shorter than 2^53 edges")]
pub(super) fn hops_cost(hops: usize) -> f64 {
    hops as f64
}

/// What is handed each thing found, with what makes the path to it, until it says stop.
pub(super) type Give<'a, T, P> = &'a mut dyn FnMut(T, &dyn Fn() -> P) -> ControlFlow<()>;

/// How a search came to each node of a tree: places, each with the place before it.
#[derive(Debug)]
pub(super) struct Links<N, V>(Vec<(N, Option<(usize, V)>)>);

impl<N, V> Default for Links<N, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<N: Copy, V: Copy> Links<N, V> {
    pub(super) fn push(&mut self, node: N, before: Option<(usize, V)>) {
        self.0.push((node, before));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn node(&self, at: usize) -> N {
        self.0[at].0
    }

    /// The path from the root to a place.
    pub(super) fn path<G: GraphView<Node = N, Via = V>>(&self, view: &G, at: usize) -> Path {
        let (mut nodes, mut edges) = (Vec::new(), Vec::new());
        let mut next = Some(at);
        while let Some(at) = next {
            let (node, before) = self.0[at];
            nodes.push(view.id(node));
            edges.extend(before.map(|(_, via)| view.edge(via)));
            next = before.map(|(place, _)| place);
        }
        nodes.reverse();
        edges.reverse();
        Path::along(nodes, &edges)
    }

    /// The places, each before those that were reached from it, these before its next sibling.
    /// Those reached from one place stand together, since places are expanded in order.
    pub(super) fn preorder(&self) -> impl Iterator<Item = usize> + use<N, V> {
        let mut children = vec![0..0; self.0.len()];
        for (at, (_, before)) in self.0.iter().enumerate() {
            if let Some((place, _)) = before {
                let known = &mut children[*place];
                // The root has no place before it, so that 0 is no child.
                *known = if known.start == 0 { at..at + 1 } else { known.start..at + 1 };
            }
        }
        let mut stack = vec![0];
        std::iter::from_fn(move || {
            let at = stack.pop()?;
            stack.extend(children[at].clone().rev());
            Some(at)
        })
    }
}

/// What an edge costs, by the caller.
type CostOf<'g> = Box<dyn Fn(&Edge<'_>) -> Result<f64> + 'g>;

/// What a search makes small.
pub(super) enum Costs<'g> {
    /// The number of edges.
    Hops,
    Weights,
    Of(CostOf<'g>),
}

impl Costs<'_> {
    /// What an edge costs: a number that can be summed.
    #[inline]
    pub(super) fn of<V: GraphView>(
        &self,
        view: &V,
        follow: &Follow<'_>,
        (node, way): (V::Node, Way),
        (hop, side): (Hop<V::Node, V::Via>, Side),
    ) -> Result<f64> {
        let (field, cost) = match self {
            Self::Hops => return Ok(1.0),
            Self::Weights => ("weight", f64::from(view.edge(hop.via).1)),
            Self::Of(cost) => ("cost", cost(&follow.edge(view, (node, way), side, hop))?),
        };
        check_cost(field, cost, view, hop.via)
    }
}

/// The cost, if it can be summed.
#[inline]
pub(super) fn check_cost<V: GraphView>(
    field: &str,
    cost: f64,
    view: &V,
    via: V::Via,
) -> Result<f64> {
    if cost.is_finite() && cost >= 0.0 {
        return Ok(cost);
    }
    let (edge, _) = view.edge(via);
    Err(Error::invalid(field, format!("{cost} of edge {edge} cannot be part of a path's cost")))
}

/// A search for paths between two nodes. Made by [`Graph::path`].
///
/// ```no_run
/// # fn show(graph: &engraph::graph::Graph, a: engraph::NodeId, b: engraph::NodeId)
/// # -> engraph::Result<()> {
/// let fewest = graph.path(a, b).out("cites").out("mentions").hops_max(6).find()?;
/// let cheapest = graph.path(a, b).weighted().find()?;
/// let doubled = graph.path(a, b).cost(|edge| Ok(2.0 * f64::from(edge.weight()))).find()?;
/// let three_best = graph.path(a, b).weighted().k_shortest(3)?;
/// let some = graph.path(a, b).hops_max(4).nodes_max(10_000).all_simple(100)?;
/// if some.end.is_partial() { /* there may be more */ }
/// # Ok(())
/// # }
/// ```
#[must_use = "a search does nothing until `find`"]
pub struct PathSearch<'g> {
    follow: Follow<'g>,
    from: NodeId,
    to: NodeId,
    costs: Costs<'g>,
    heuristic: Option<Heuristic<'g>>,
    hops_max: usize,
    filter: Option<NodeFilter<'g>>,
    budget: Budget,
}

impl<'g> PathSearch<'g> {
    pub(super) fn new(graph: &'g Graph, from: NodeId, to: NodeId) -> Self {
        Self {
            follow: Follow::new(graph),
            from,
            to,
            costs: Costs::Hops,
            heuristic: None,
            hops_max: usize::MAX,
            filter: None,
            budget: Budget::default(),
        }
    }

    follow_methods!('g);
    budget_methods!();

    /// Finds the path with the smallest sum of weights, instead of the fewest edges.
    pub fn weighted(mut self) -> Self {
        self.costs = Costs::Weights;
        self
    }

    /// Finds the path with the smallest sum of what `cost` says of its edges. It must always say
    /// the same of an edge; an error of it ends the search.
    pub fn cost(mut self, cost: impl Fn(&Edge<'_>) -> Result<f64> + 'g) -> Self {
        self.costs = Costs::Of(Box::new(cost));
        self
    }

    /// Lets [`PathSearch::find`] search from the start alone, nodes first that seem near the goal
    /// (A*). `at_least` says what the rest of the way costs at the least; where it says more than
    /// it does, a path is found that need not be the cheapest. Not asked where
    /// [`PathSearch::hops_max`] is set.
    pub fn heuristic(mut self, at_least: impl Fn(NodeId) -> f64 + 'g) -> Self {
        self.heuristic = Some(Box::new(at_least));
        self
    }

    /// Finds paths of at most so many edges. With weights or costs each node can be looked at once
    /// for each number of edges that leads to it cheaper than fewer do, from the start alone.
    pub fn hops_max(mut self, hops_max: usize) -> Self {
        self.hops_max = hops_max;
        self
    }

    /// Goes only through nodes for which `keep` is true. The ends are not asked about.
    pub fn filter(mut self, keep: impl Fn(NodeId) -> bool + 'g) -> Self {
        self.filter = Some(Box::new(keep));
        self
    }

    /// A best path, or `None` when there is none. From a node to itself it is that node alone,
    /// whether it has edges or not.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when adjacency blocks are damaged; [`Error::Invalid`] when the search
    /// meets a weight, cost or estimate that is negative or not finite; [`Error::Limit`] when a
    /// budget is spent; what an edge filter or cost fails with.
    pub fn find(self) -> Result<Option<Path>> {
        if let ControlFlow::Break(path) = self.quick() {
            return Ok(path);
        }
        let meter = self.budget.meter();
        let query = self.query(&meter);
        let heuristic = self.heuristic.as_ref().filter(|_| self.hops_max == usize::MAX);
        let found = on_view!(self.follow.graph, view => match heuristic {
            Some(heuristic) => shortest::toward(view, &query, heuristic),
            None => best(view, &query),
        })?;
        self.budget.check(meter.end())?;
        Ok(found)
    }

    /// All paths with the fewest edges, up to `count_max`, in the order of their nodes. Paths are
    /// told apart by their nodes. Weights and costs do not count. Costs two searches over as many
    /// levels as the paths are long.
    ///
    /// # Errors
    /// As [`PathSearch::find`], [`Error::Limit`] apart.
    pub fn all_shortest(mut self, count_max: usize) -> Result<Outcome<Path>> {
        self.costs = Costs::Hops;
        let meter = self.budget.meter();
        let mut query = self.query(&meter);
        on_view!(self.follow.graph, view => {
            // No path is shorter than the shortest, so that all up to its length are as long.
            match best(view, &query)? {
                Some(path) => {
                    query.hops_max = path.edges.len();
                    shortest::simple(view, &query, count_max)
                }
                None => Ok(Outcome::new(Vec::new(), meter.end())),
            }
        })
    }

    /// The `count_max` best paths that come to no node twice, best first; equally good ones in the
    /// order of their edges' number, then of their nodes. Paths are told apart by their nodes: of
    /// parallel edges the cheapest stands for all. Each path costs a search an edge of it.
    ///
    /// # Errors
    /// As [`PathSearch::find`], [`Error::Limit`] apart.
    pub fn k_shortest(self, count_max: usize) -> Result<Outcome<Path>> {
        let meter = self.budget.meter();
        let query = self.query(&meter);
        on_view!(self.follow.graph, view => shortest::k_best(view, &query, count_max))
    }

    /// All paths of at most [`PathSearch::hops_max`] edges that come to no node twice, up to
    /// `count_max`, in the order of their nodes. Paths are told apart by their nodes. There can be
    /// more of them than can be counted: set a limit or a budget.
    ///
    /// # Errors
    /// As [`PathSearch::find`], [`Error::Limit`] apart.
    pub fn all_simple(self, count_max: usize) -> Result<Outcome<Path>> {
        let meter = self.budget.meter();
        let query = self.query(&meter);
        on_view!(self.follow.graph, view => shortest::simple(view, &query, count_max))
    }

    pub(super) fn is_weighted(&self) -> bool {
        matches!(self.costs, Costs::Weights)
    }

    pub(super) fn graph(&self) -> &'g Graph {
        self.follow.graph
    }

    /// The search for the quick kernels. `None` when it follows several kinds of edges or has any
    /// condition, budget or cost of the caller's.
    pub(super) fn plain(&self) -> Option<shortest::Plain> {
        let Self { follow, from, to, costs, heuristic, hops_max, filter, budget } = self;
        let bare = !matches!(costs, Costs::Of(_)) && heuristic.is_none() && filter.is_none();
        let rule = follow.only_rule().filter(|_| bare && budget.is_none())?;
        Some(shortest::Plain { ends: [*from, *to], rule, hops_max: *hops_max })
    }

    fn query<'a>(&'a self, meter: &'a Meter) -> Query<'a, 'g> {
        Query {
            ends: (self.from, self.to),
            follow: &self.follow,
            costs: &self.costs,
            hops_max: self.hops_max,
            filter: self.filter.as_deref(),
            avoid: None,
            meter,
        }
    }
}

impl fmt::Debug for PathSearch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PathSearch")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("follow", &self.follow)
            .field("hops_max", &self.hops_max)
            .finish_non_exhaustive()
    }
}

/// What a search does on either view.
#[derive(Clone, Copy)]
pub(super) struct Query<'a, 'g> {
    pub(super) ends: (NodeId, NodeId),
    pub(super) follow: &'a Follow<'g>,
    pub(super) costs: &'a Costs<'g>,
    pub(super) hops_max: usize,
    pub(super) filter: Option<&'a (dyn Fn(NodeId) -> bool + 'g)>,
    pub(super) avoid: Option<&'a Avoid>,
    pub(super) meter: &'a Meter,
}

/// What a search for another path keeps away from.
#[derive(Debug, Default)]
pub(super) struct Avoid {
    pub(super) nodes: HashSet<NodeId>,
    /// From the start, not straight to these.
    pub(super) next: HashSet<NodeId>,
}

impl Query<'_, '_> {
    /// Whether paths may go through a node.
    #[inline]
    pub(super) fn keeps<V: GraphView>(&self, view: &V, node: V::Node) -> bool {
        // The identity is a miss of the cache, which most searches can do without.
        self.filter.is_none_or(|keep| keep(view.id(node)))
            && self.avoid.is_none_or(|avoid| !avoid.nodes.contains(&view.id(node)))
    }

    /// Whether a path may go from one node straight to the other.
    pub(super) fn passes<V: GraphView>(
        &self,
        view: &V,
        node: V::Node,
        way: Way,
        other: V::Node,
    ) -> bool {
        let Some(avoid) = self.avoid else { return true };
        let (from, to) = match way {
            Way::Forward => (view.id(node), view.id(other)),
            Way::Backward => (view.id(other), view.id(node)),
        };
        from != self.ends.0 || !avoid.next.contains(&to)
    }
}

/// A path with the smallest cost, as the query counts it. `None` also when the meter stops.
pub(super) fn best<V: GraphView>(view: &V, query: &Query<'_, '_>) -> Result<Option<Path>> {
    let (from, to) = query.ends;
    if from == to {
        return Ok(Some(Path::of_node(from)));
    }
    let (Some(from), Some(to)) = (view.find(from), view.find(to)) else { return Ok(None) };
    match query.costs {
        Costs::Hops => shortest(view, query, [from, to]),
        Costs::Weights | Costs::Of(_) if query.hops_max < usize::MAX => {
            shortest::within(view, query)
        }
        Costs::Weights | Costs::Of(_) => cheapest(view, query, [from, to]),
    }
}

/// A path with the fewest edges.
fn shortest<V: GraphView>(
    view: &V,
    query: &Query<'_, '_>,
    ends: [V::Node; 2],
) -> Result<Option<Path>> {
    view.with_scratch(|scratch| {
        for (end, node) in ends.into_iter().enumerate() {
            scratch.steps[end].reset(view.node_bound());
            scratch.steps[end].insert(node, Step { from: node, via: None });
            scratch.frontiers[end].clear();
            scratch.frontiers[end].push(node);
        }
        for _ in 0..query.hops_max {
            if scratch.frontiers.iter().any(Vec::is_empty) {
                return Ok(None);
            }
            let way =
                Way::BOTH[usize::from(scratch.frontiers[1].len() < scratch.frontiers[0].len())];
            let meeting = level(view, query, scratch, way)?;
            if query.meter.is_stopped() {
                return Ok(None);
            }
            if let Some(meeting) = meeting {
                let steps = &scratch.steps;
                let (nodes, edges) = through(view, meeting, |end, node| steps[end].get(node));
                return Ok(Some(Path::along(nodes, &edges)));
            }
        }
        Ok(None)
    })
}

/// Expands one end by one level. Returns the first node that the other end has reached, too.
fn level<V: GraphView>(
    view: &V,
    query: &Query<'_, '_>,
    scratch: &mut ScratchOf<V>,
    way: Way,
) -> Result<Option<V::Node>> {
    let [first, second] = &mut scratch.steps;
    let (own, other) = if way == Way::Forward { (first, second) } else { (second, first) };
    let next = &mut scratch.next;
    next.clear();
    let mut meeting = None;
    for node in &scratch.frontiers[way.index()] {
        if query.meter.expand().is_break() {
            return Ok(None);
        }
        let flow = query.follow.hops(view, (*node, way), query.meter, |hop, _| {
            if own.contains(hop.node) || !query.passes(view, *node, way, hop.node) {
                return ControlFlow::Continue(());
            }
            let step = Step { from: *node, via: Some(hop.via) };
            if other.contains(hop.node) {
                own.insert(hop.node, step);
                meeting = Some(hop.node);
                return ControlFlow::Break(());
            }
            if query.keeps(view, hop.node) {
                own.insert(hop.node, step);
                next.push(hop.node);
            }
            ControlFlow::Continue(())
        })?;
        if flow.is_break() {
            return Ok(meeting);
        }
    }
    std::mem::swap(&mut scratch.frontiers[way.index()], next);
    Ok(None)
}

/// The cheapest meeting of the two ends so far.
#[derive(Clone, Copy)]
struct Best<N> {
    cost: f64,
    meeting: Option<N>,
    /// The least that it costs the other end to come to a node which it has not settled.
    rest: f64,
}

/// A path with the smallest sum of costs.
fn cheapest<V: GraphView>(
    view: &V,
    query: &Query<'_, '_>,
    ends: [V::Node; 2],
) -> Result<Option<Path>> {
    view.with_scratch(|scratch| {
        for (end, node) in ends.into_iter().enumerate() {
            let label = Label { step: Step { from: node, via: None }, cost: 0.0 };
            scratch.labels[end].reset(view.node_bound());
            scratch.labels[end].insert(node, label);
            scratch.queues[end].clear();
            scratch.queues[end].push(Queued { cost: 0.0, node });
        }
        let mut best = Best { cost: f64::INFINITY, meeting: None, rest: 0.0 };
        // When one end has no node left, it has reached everything, the other end included.
        while let (Some(first), Some(second)) = (next_cost(scratch, 0), next_cost(scratch, 1)) {
            if first + second >= best.cost {
                break;
            }
            if query.meter.expand().is_break() {
                return Ok(None);
            }
            let way = Way::BOTH[usize::from(second < first)];
            best.rest = first.max(second);
            relax(view, query, scratch, (way, &mut best))?;
        }
        let labels = &scratch.labels;
        let step = |end: usize, node| labels[end].get(node).map(|label| label.step);
        Ok(best.meeting.filter(|_| !query.meter.is_stopped()).map(|meeting| {
            let (mut nodes, mut edges) = through(view, meeting, step);
            cut_loops(&mut nodes, &mut edges);
            Path { cost: best.cost, ..Path::along(nodes, &edges) }
        }))
    })
}

/// The cost of the cheapest node that waits at one end. Outdated ones are dropped.
fn next_cost<N, V>(scratch: &mut Scratch<N, V>, end: usize) -> Option<f64>
where
    N: NodeNumber,
    V: Copy + fmt::Debug,
{
    while let Some(queued) = scratch.queues[end].peek() {
        let label = scratch.labels[end].get(queued.node);
        if label.is_some_and(|label| label.cost >= queued.cost) {
            return Some(queued.cost);
        }
        scratch.queues[end].pop();
    }
    None
}

/// Settles the cheapest node that waits at one end and looks at its edges.
fn relax<V: GraphView>(
    view: &V,
    query: &Query<'_, '_>,
    scratch: &mut ScratchOf<V>,
    (way, best): (Way, &mut Best<V::Node>),
) -> Result<()> {
    let Some(Queued { cost, node }) = scratch.queues[way.index()].pop() else { return Ok(()) };
    let [first, second] = &mut scratch.labels;
    let (own, other) = if way == Way::Forward { (first, second) } else { (second, first) };
    let queue = &mut scratch.queues[way.index()];
    query.follow.try_hops(view, (node, way), query.meter, |hop, side| {
        let cost = cost + query.costs.of(view, query.follow, (node, way), (hop, side))?;
        if own.get(hop.node).is_some_and(|label| label.cost <= cost)
            || !query.passes(view, node, way, hop.node)
        {
            return Ok(());
        }
        let met = other.get(hop.node);
        // Where the other end has not been, no path from here can be better than the best.
        if met.is_none() && cost + best.rest >= best.cost {
            return Ok(());
        }
        let is_end = met.is_some_and(|label| label.step.via.is_none());
        if !is_end && !query.keeps(view, hop.node) {
            return Ok(());
        }
        let step = Step { from: node, via: Some(hop.via) };
        own.insert(hop.node, Label { step, cost });
        queue.push(Queued { cost, node: hop.node });
        if let Some(met) = met.filter(|met| cost + met.cost < best.cost) {
            *best = Best { cost: cost + met.cost, meeting: Some(hop.node), ..*best };
        }
        Ok(())
    })
}

/// Nodes, and edges with their weights, of the path whose two halves meet at a node.
fn through<V: GraphView>(
    view: &V,
    meeting: V::Node,
    step: impl Fn(usize, V::Node) -> Option<Step<V::Node, V::Via>>,
) -> (Vec<NodeId>, Vec<(EdgeId, f32)>) {
    let (mut nodes, mut edges) = (vec![view.id(meeting)], Vec::new());
    for end in [0, 1] {
        let mut node = meeting;
        while let Some(Step { from, via: Some(via) }) = step(end, node) {
            nodes.push(view.id(from));
            edges.push(view.edge(via));
            node = from;
        }
        if end == 0 {
            nodes.reverse();
            edges.reverse();
        }
    }
    (nodes, edges)
}

/// Takes out what leads back to the same node: edges that cost nothing can.
pub(super) fn cut_loops(nodes: &mut Vec<NodeId>, edges: &mut Vec<(EdgeId, f32)>) {
    let mut seen: HashSet<NodeId> = HashSet::with_capacity(nodes.len());
    let mut kept = 0;
    for at in 0..nodes.len() {
        let node = nodes[at];
        if !seen.insert(node) {
            while kept > 1 && nodes[kept - 1] != node {
                kept -= 1;
                seen.remove(&nodes[kept]);
            }
            continue;
        }
        nodes[kept] = node;
        if let Some(edge) = at.checked_sub(1) {
            edges[kept - 1] = edges[edge];
        }
        kept += 1;
    }
    nodes.truncate(kept);
    edges.truncate(kept.saturating_sub(1));
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "costs of one an edge are small whole numbers"
    )]

    use super::super::BlocksView;
    use super::super::follow::Rule;
    use super::super::model::{Model, any_rules, node};
    use super::*;
    use proptest::prelude::*;

    /// The path that both views find.
    #[track_caller]
    fn found(model: &Model, rules: &[Rule], query: &Query<'_, '_>) -> Option<Path> {
        let rows = model.rows();
        let path = best(&BlocksView::new(&rows), query).unwrap();
        assert_eq!(path, best(&model.snapshot(), query).unwrap());
        if let Some(path) = &path {
            check(model, rules, query.ends, path);
        }
        path
    }

    /// Every edge of the path exists and is allowed, and the weight is their sum.
    #[track_caller]
    fn check(model: &Model, rules: &[Rule], ends: (NodeId, NodeId), path: &Path) {
        assert_eq!(path.nodes.len(), path.edges.len() + 1);
        assert_eq!((path.nodes[0], path.nodes[path.nodes.len() - 1]), ends);
        let distinct: HashSet<_> = path.nodes.iter().collect();
        assert_eq!(distinct.len(), path.nodes.len(), "no loops");
        let mut sum = 0.0;
        for (pair, edge) in path.nodes.windows(2).zip(&path.edges) {
            let weights: Vec<f32> = rules
                .iter()
                .flat_map(|rule| model.edges_of(pair[0], *rule))
                .filter(|(_, other, id, _)| (other, id) == (&pair[1], edge))
                .map(|(_, _, _, weight)| weight)
                .collect();
            // Links of several types between two nodes share their identity.
            sum += weights.iter().copied().map(f64::from).fold(f64::INFINITY, f64::min);
            assert!(!weights.is_empty(), "{pair:?} by {edge}");
        }
        assert!(sum <= path.weight, "{sum} {path:?}");
    }

    proptest! {
        #[test]
        fn a_shortest_path_is_as_long_as_it_must_be(
            model in Model::any(14, 40), ends in (0_u64..15, 0_u64..15), rules in any_rules(),
            banned in 0_u64..16, hops_max in prop_oneof![2 => Just(usize::MAX), 1 => 0_usize..5],
        ) {
            let ends = (node(ends.0), node(ends.1));
            let keep = |id: NodeId| id == ends.1 || id != node(banned);
            let (graph, meter) = (model.graph(), Budget::default().meter());
            let follow = Follow::of_rules(&graph, &rules);
            let (costs, filter, meter) = (&Costs::Hops, Some(&keep as _), &meter);
            let (follow, avoid) = (&follow, None);
            let query = Query { ends, follow, costs, hops_max, filter, avoid, meter };
            let path = found(&model, &rules, &query);
            let costs = model.costs(ends.0, &rules, &keep, &|_| 1.0);
            let hops = costs.get(&ends.1).map(|hops| *hops as usize);
            let expected = hops.filter(|hops| *hops <= hops_max);
            prop_assert_eq!(path.map(|path| path.edges.len()), expected);
        }

        #[test]
        fn a_cheapest_path_costs_what_it_must(
            model in Model::any(14, 40), ends in (0_u64..15, 0_u64..15), rules in any_rules(),
            banned in 0_u64..16, by_caller: bool, by_estimate: bool,
            hops_max in prop_oneof![1 => Just(usize::MAX), 1 => 0_usize..5],
        ) {
            let ends = (node(ends.0), node(ends.1));
            let keep = |id: NodeId| id == ends.1 || id != node(banned);
            let (graph, meter) = (model.graph(), Budget::default().meter());
            let follow = Follow::of_rules(&graph, &rules);
            let (costs, cost): (_, &dyn Fn(f32) -> f64) = if by_caller {
                let cost = |edge: &Edge<'_>| Ok(2.0 * f64::from(edge.weight()) + 1.0);
                (Costs::Of(Box::new(cost)), &|weight| 2.0 * f64::from(weight) + 1.0)
            } else {
                (Costs::Weights, &|weight| f64::from(weight))
            };
            let (costs, filter, meter) = (&costs, Some(&keep as _), &meter);
            let (follow, avoid) = (&follow, None);
            let query = Query { ends, follow, costs, hops_max, filter, avoid, meter };
            let path = if by_estimate && hops_max == usize::MAX {
                // What is left from the node, exactly: the best of all estimates.
                let left = |from| {
                    let keep = |id| id == from || keep(id);
                    model.costs(from, &rules, &keep, cost).get(&ends.1).copied().unwrap_or(1e9)
                };
                let heuristic: Heuristic<'_> = Box::new(left);
                let rows = model.rows();
                let path = shortest::toward(&BlocksView::new(&rows), &query, &heuristic).unwrap();
                let again = shortest::toward(&model.snapshot(), &query, &heuristic).unwrap();
                prop_assert_eq!(&path, &again);
                path
            } else {
                found(&model, &rules, &query)
            };
            let costs = model.costs_within(hops_max.min(20), ends.0, &rules, (&keep, cost));
            prop_assert!(path.as_ref().is_none_or(|path| path.edges.len() <= hops_max));
            prop_assert_eq!(path.map(|path| path.cost), costs.get(&ends.1).copied());
        }
    }

    #[test]
    fn loops_are_cut_out_of_a_path() {
        let (mut nodes, mut edges) = (Vec::new(), Vec::new());
        for (at, number) in [1, 2, 3, 4, 2, 5, 1, 6].into_iter().enumerate() {
            nodes.push(node(number));
            edges.push((EdgeId::from_u64(at as u64), 1.0));
        }
        edges.remove(0);
        cut_loops(&mut nodes, &mut edges);
        assert_eq!(nodes, [node(1), node(6)]);
        assert_eq!(edges, [(EdgeId::from_u64(7), 1.0)]);
    }

    #[test]
    fn a_spent_budget_is_an_error_and_not_an_absent_path() {
        let edges: Vec<(u64, u64)> = (0..50).map(|number| (number, number + 1)).collect();
        let graph = Model::of(&edges).graph();
        let path = || graph.path(node(0), node(50)).nodes_max(10);
        for search in [path(), path().weighted(), path().heuristic(|_| 0.0)] {
            let found = search.find();
            assert!(matches!(found, Err(Error::Limit { max: 10, .. })), "{found:?}");
        }
        let late = std::time::Instant::now();
        let found = graph.path(node(0), node(50)).deadline(late).find();
        assert!(matches!(found, Err(Error::Limit { .. })), "{found:?}");
        assert!(path().all_simple(9).unwrap().end.is_partial());
    }

    #[test]
    fn an_estimate_that_is_no_number_is_refused() {
        let graph = Model::of(&[(0, 1), (1, 2)]).graph();
        for left in [f64::NAN, -1.0, f64::INFINITY] {
            let found = graph.path(node(0), node(2)).heuristic(move |_| left).find();
            assert!(matches!(found, Err(Error::Invalid { .. })), "{found:?}");
        }
        let found = graph.path(node(0), node(2)).cost(|_| Ok(-0.5)).find();
        assert!(matches!(found, Err(Error::Invalid { .. })), "{found:?}");
        let reason = || Error::conflict("cost", "of the caller");
        let found = graph.path(node(0), node(2)).cost(|_| Err(reason())).find();
        assert!(matches!(found, Err(Error::Conflict { .. })), "{found:?}");
    }

    #[test]
    fn a_weight_that_cannot_be_summed_is_refused() {
        for weight in [-1.0, f32::INFINITY, f32::NAN] {
            let mut model = Model::of(&[(0, 1), (1, 2)]);
            model.edges[1].weight = weight;
            let graph = model.graph();
            let found = graph.path(node(0), node(2)).weighted().find();
            assert!(matches!(found, Err(Error::Invalid { .. })), "{found:?}");
            let hops = graph.shortest_path(node(0), node(2)).unwrap();
            assert_eq!(hops.map(|path| path.edges.len()), Some(2));
        }
    }

    #[test]
    fn a_node_reaches_itself_and_an_unknown_one_nothing() {
        let graph = Model::of(&[(0, 1)]).graph();
        let own = graph.shortest_path(node(9), node(9)).unwrap().unwrap();
        assert_eq!((own.nodes, own.edges), (vec![node(9)], vec![]));
        assert_eq!(graph.shortest_path(node(0), node(9)).unwrap(), None);
        assert_eq!(graph.path(node(1), node(0)).find().unwrap(), None);
        let back = graph.path(node(1), node(0)).incoming("t0").find().unwrap();
        assert_eq!(back.map(|path| path.nodes), Some(vec![node(1), node(0)]));
    }
}
