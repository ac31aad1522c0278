//! Paths between two nodes, searched from both ends at once.
//!
//! Without weights whole levels are expanded, the smaller frontier first: the first meeting is a
//! shortest path. With weights it is Dijkstra's search from both ends, which stops when no
//! undiscovered path can be cheaper. Both take the same steps on either view, so that of equally
//! good paths both views find the same one.

use std::fmt;
use std::ops::ControlFlow;

use super::traverse::{Filter, Rule, Rules};
use super::view::{GraphView, Label, NodeMap as _, NodeNumber, Queued, Scratch, ScratchOf, Step};
use super::{Direction, Graph, on_view};
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
}

/// A search for a path between two nodes. Made by [`Graph::path`].
///
/// ```no_run
/// # fn show(graph: &engraph::graph::Graph, a: engraph::NodeId, b: engraph::NodeId)
/// # -> engraph::Result<()> {
/// let fewest = graph.path(a, b).out("cites").out("mentions").hops_max(6).find()?;
/// let cheapest = graph.path(a, b).weighted().find()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a search does nothing until `find`"]
pub struct PathSearch<'g> {
    graph: &'g Graph,
    from: NodeId,
    to: NodeId,
    rules: Rules,
    weighted: bool,
    hops_max: usize,
    filter: Option<Filter<'g>>,
}

impl<'g> PathSearch<'g> {
    pub(super) fn new(graph: &'g Graph, from: NodeId, to: NodeId) -> Self {
        let rules = Rules::default();
        Self { graph, from, to, rules, weighted: false, hops_max: usize::MAX, filter: None }
    }

    /// Also follows edges of this type along their direction. Without any such call every edge is
    /// followed along its direction.
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

    /// Finds the path with the smallest sum of weights, instead of the fewest edges.
    pub fn weighted(mut self) -> Self {
        self.weighted = true;
        self
    }

    /// Finds paths of at most so many edges. Counts only without weights.
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
    /// [`Error::Corrupt`] when adjacency blocks are damaged; [`Error::Invalid`] when a weighted
    /// search meets a weight that is negative or not finite.
    pub fn find(self) -> Result<Option<Path>> {
        let query = Query {
            ends: (self.from, self.to),
            rules: [&self.rules.forward(), &self.rules.backward()],
            hops_max: self.hops_max,
            filter: self.filter.as_deref(),
        };
        on_view!(self.graph, view => {
            if self.weighted { cheapest(view, &query) } else { shortest(view, &query) }
        })
    }
}

impl fmt::Debug for PathSearch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PathSearch")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("rules", &self.rules)
            .field("weighted", &self.weighted)
            .field("hops_max", &self.hops_max)
            .finish_non_exhaustive()
    }
}

/// What a search does on either view. Pairs are: from the start, from the goal.
pub(super) struct Query<'a> {
    pub(super) ends: (NodeId, NodeId),
    pub(super) rules: [&'a [Rule]; 2],
    pub(super) hops_max: usize,
    pub(super) filter: Option<&'a (dyn Fn(NodeId) -> bool + 'a)>,
}

impl Query<'_> {
    fn keeps<V: GraphView>(&self, view: &V, node: V::Node) -> bool {
        self.filter.is_none_or(|keep| keep(view.id(node)))
    }

    /// The path of a node to itself.
    fn trivial(&self) -> Path {
        Path { nodes: vec![self.ends.0], edges: Vec::new(), weight: 0.0 }
    }
}

/// A path with the fewest edges.
pub(super) fn shortest<V: GraphView>(view: &V, query: &Query<'_>) -> Result<Option<Path>> {
    let (from, to) = query.ends;
    if from == to {
        return Ok(Some(query.trivial()));
    }
    let (Some(from), Some(to)) = (view.find(from), view.find(to)) else { return Ok(None) };
    view.with_scratch(|scratch| {
        for (end, node) in [from, to].into_iter().enumerate() {
            scratch.steps[end].reset(view.node_bound());
            scratch.steps[end].insert(node, Step { from: node, via: None });
            scratch.frontiers[end].clear();
            scratch.frontiers[end].push(node);
        }
        for _ in 0..query.hops_max {
            if scratch.frontiers.iter().any(Vec::is_empty) {
                return Ok(None);
            }
            let end = usize::from(scratch.frontiers[1].len() < scratch.frontiers[0].len());
            if let Some(meeting) = expand(view, query, scratch, end)? {
                let steps = &scratch.steps;
                return Ok(Some(path_through(view, meeting, |end, node| steps[end].get(node))));
            }
        }
        Ok(None)
    })
}

/// Expands one end by one level. Returns the first node that the other end has reached, too.
fn expand<V: GraphView>(
    view: &V,
    query: &Query<'_>,
    scratch: &mut ScratchOf<V>,
    end: usize,
) -> Result<Option<V::Node>> {
    let [first, second] = &mut scratch.steps;
    let (own, other) = if end == 0 { (first, second) } else { (second, first) };
    let next = &mut scratch.next;
    next.clear();
    let mut meeting = None;
    for node in &scratch.frontiers[end] {
        for rule in query.rules[end] {
            let flow = view.for_each(*node, rule.side, rule.edge_type, |hop| {
                if own.contains(hop.node) {
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
    }
    std::mem::swap(&mut scratch.frontiers[end], next);
    Ok(None)
}

/// The cheapest meeting of the two ends so far.
#[derive(Clone, Copy)]
struct Best<N> {
    cost: f64,
    meeting: Option<N>,
}

/// A path with the smallest sum of weights.
pub(super) fn cheapest<V: GraphView>(view: &V, query: &Query<'_>) -> Result<Option<Path>> {
    let (from, to) = query.ends;
    if from == to {
        return Ok(Some(query.trivial()));
    }
    let (Some(from), Some(to)) = (view.find(from), view.find(to)) else { return Ok(None) };
    view.with_scratch(|scratch| {
        for (end, node) in [from, to].into_iter().enumerate() {
            let label = Label { step: Step { from: node, via: None }, cost: 0.0 };
            scratch.labels[end].reset(view.node_bound());
            scratch.labels[end].insert(node, label);
            scratch.queues[end].clear();
            scratch.queues[end].push(Queued { cost: 0.0, node });
        }
        let mut best = Best { cost: f64::INFINITY, meeting: None };
        // When one end has no node left, it has reached everything, the other end included.
        while let (Some(first), Some(second)) = (next_cost(scratch, 0), next_cost(scratch, 1)) {
            if first + second >= best.cost {
                break;
            }
            relax(view, query, scratch, (usize::from(second < first), &mut best))?;
        }
        let labels = &scratch.labels;
        let step = |end: usize, node| labels[end].get(node).map(|label| label.step);
        Ok(best.meeting.map(|meeting| path_through(view, meeting, step)))
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
    query: &Query<'_>,
    scratch: &mut ScratchOf<V>,
    (end, best): (usize, &mut Best<V::Node>),
) -> Result<()> {
    let Some(Queued { cost, node }) = scratch.queues[end].pop() else { return Ok(()) };
    let [first, second] = &mut scratch.labels;
    let (own, other) = if end == 0 { (first, second) } else { (second, first) };
    let queue = &mut scratch.queues[end];
    let mut failed = None;
    for rule in query.rules[end] {
        let flow = view.for_each(node, rule.side, rule.edge_type, |hop| {
            let (edge, weight) = view.edge(hop.via);
            if !weight.is_finite() || weight < 0.0 {
                let reason = format!("{weight} of edge {edge} cannot be part of a path's cost");
                failed = Some(Error::invalid("weight", reason));
                return ControlFlow::Break(());
            }
            let cost = cost + f64::from(weight);
            if own.get(hop.node).is_some_and(|label| label.cost <= cost) {
                return ControlFlow::Continue(());
            }
            let met = other.get(hop.node);
            let is_end = met.is_some_and(|label| label.step.via.is_none());
            if !is_end && !query.keeps(view, hop.node) {
                return ControlFlow::Continue(());
            }
            let step = Step { from: node, via: Some(hop.via) };
            own.insert(hop.node, Label { step, cost });
            queue.push(Queued { cost, node: hop.node });
            if let Some(met) = met.filter(|met| cost + met.cost < best.cost) {
                *best = Best { cost: cost + met.cost, meeting: Some(hop.node) };
            }
            ControlFlow::Continue(())
        })?;
        if flow.is_break() {
            break;
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The path whose two halves meet at a node.
fn path_through<V: GraphView>(
    view: &V,
    meeting: V::Node,
    step: impl Fn(usize, V::Node) -> Option<Step<V::Node, V::Via>>,
) -> Path {
    let mut path = Path { nodes: Vec::new(), edges: Vec::new(), weight: 0.0 };
    let mut weights = Vec::new();
    for end in [0, 1] {
        let mut node = meeting;
        if end == 0 {
            path.nodes.push(view.id(node));
        }
        while let Some(Step { from, via: Some(via) }) = step(end, node) {
            let (edge, weight) = view.edge(via);
            path.nodes.push(view.id(from));
            path.edges.push(edge);
            weights.push(f64::from(weight));
            node = from;
        }
        if end == 0 {
            path.nodes.reverse();
            path.edges.reverse();
            weights.reverse();
        }
    }
    path.weight = weights.iter().sum();
    path
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "costs of one an edge are small whole numbers"
    )]

    use super::super::BlocksView;
    use super::super::model::{Model, any_rules, node};
    use super::*;
    use crate::storage::testing::MemoryRows;
    use proptest::prelude::*;

    /// Both views must find the very same path.
    fn on_both(
        model: &Model,
        query: &Query<'_>,
        find: impl Fn(&BlocksView<'_, MemoryRows>) -> Option<Path>,
        found: Option<&Path>,
    ) -> Option<Path> {
        let rows = model.rows();
        let path = find(&BlocksView::new(&rows));
        assert_eq!(path.as_ref(), found);
        if let Some(path) = &path {
            check(model, query, path);
        }
        path
    }

    /// Every edge of the path exists and is allowed, and the weight is their sum.
    fn check(model: &Model, query: &Query<'_>, path: &Path) {
        assert_eq!(path.nodes.len(), path.edges.len() + 1);
        let ends = (path.nodes[0], path.nodes[path.nodes.len() - 1]);
        assert_eq!(ends, query.ends);
        let mut sum = 0.0;
        for (pair, edge) in path.nodes.windows(2).zip(&path.edges) {
            let weights: Vec<f32> = query.rules[0]
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
            let mut backward = rules.clone();
            for rule in &mut backward {
                rule.side = rule.side.reversed();
            }
            let query =
                Query { ends, rules: [&rules, &backward], hops_max, filter: Some(&keep) };
            let snapshot = model.snapshot();
            let found = shortest(&snapshot, &query).unwrap();
            let again = |view: &BlocksView<'_, MemoryRows>| shortest(view, &query).unwrap();
            let path = on_both(&model, &query, again, found.as_ref());
            let costs = model.costs(ends.0, &rules, &keep, &|_| 1.0);
            let hops = costs.get(&ends.1).map(|hops| *hops as usize);
            let expected = hops.filter(|hops| *hops <= hops_max);
            prop_assert_eq!(path.map(|path| path.edges.len()), expected);
        }

        #[test]
        fn a_cheapest_path_costs_what_it_must(
            model in Model::any(14, 40), ends in (0_u64..15, 0_u64..15), rules in any_rules(),
            banned in 0_u64..16,
        ) {
            let ends = (node(ends.0), node(ends.1));
            let keep = |id: NodeId| id == ends.1 || id != node(banned);
            let mut backward = rules.clone();
            for rule in &mut backward {
                rule.side = rule.side.reversed();
            }
            let query = Query {
                ends, rules: [&rules, &backward], hops_max: usize::MAX, filter: Some(&keep),
            };
            let snapshot = model.snapshot();
            let found = cheapest(&snapshot, &query).unwrap();
            let again = |view: &BlocksView<'_, MemoryRows>| cheapest(view, &query).unwrap();
            let path = on_both(&model, &query, again, found.as_ref());
            let costs = model.costs(ends.0, &rules, &keep, &f64::from);
            prop_assert_eq!(path.map(|path| path.weight), costs.get(&ends.1).copied());
        }
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
