//! How far every node is from one: breadth first by edges, Dijkstra's search by weights and costs.
//!
//! Runs on the snapshot, over flat arrays by dense number.

use std::fmt;
use std::sync::Arc;

use super::super::budget::{Budget, End, budget_methods};
use super::super::follow::{Edge, Follow, NodeFilter, Way, follow_methods};
use super::super::path::{Costs, Path, check_cost};
use super::super::{Graph, GraphView as _, Snapshot};
use super::heap::{Heap, Waiting};
use crate::base::error::Result;
use crate::base::id::NodeId;

/// A search for the distances of all nodes from one. Made by [`Graph::distances`].
///
/// ```no_run
/// # fn show(graph: &engraph::graph::Graph, a: engraph::NodeId, b: engraph::NodeId)
/// # -> engraph::Result<()> {
/// let distances = graph.distances(a).out("cites").weighted().find()?;
/// if let (Some(cost), Some(path)) = (distances.of(b), distances.path_to(b)) {
///     assert_eq!(path.cost, cost);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a search does nothing until `find`"]
pub struct DistanceSearch<'g> {
    follow: Follow<'g>,
    from: NodeId,
    costs: Costs<'g>,
    filter: Option<NodeFilter<'g>>,
    budget: Budget,
}

impl<'g> DistanceSearch<'g> {
    pub(in crate::graph) fn new(graph: &'g Graph, from: NodeId) -> Self {
        let (follow, budget) = (Follow::new(graph), Budget::default());
        Self { follow, from, costs: Costs::Hops, filter: None, budget }
    }

    follow_methods!('g);
    budget_methods!();

    /// Sums the edges' weights, instead of counting edges.
    pub fn weighted(mut self) -> Self {
        self.costs = Costs::Weights;
        self
    }

    /// Sums what `cost` says of the edges. It must always say the same of an edge.
    pub fn cost(mut self, cost: impl Fn(&Edge<'_>) -> Result<f64> + 'g) -> Self {
        self.costs = Costs::Of(Box::new(cost));
        self
    }

    /// Goes only through nodes for which `keep` is true. The start is not asked about.
    pub fn filter(mut self, keep: impl Fn(NodeId) -> bool + 'g) -> Self {
        self.filter = Some(Box::new(keep));
        self
    }

    /// Searches. Needs the snapshot, which is built where there is none yet. Where a budget is
    /// spent, the nodes that were settled until then have their distances; see
    /// [`Distances::end`].
    ///
    /// # Errors
    /// As [`Graph::snapshot`]; [`Error::Invalid`](crate::Error::Invalid) when the search meets a
    /// weight or cost that is negative or not finite; what an edge filter or cost fails with.
    pub fn find(self) -> Result<Distances> {
        let snapshot = self.follow.graph.snapshot()?;
        let mut search = Search::over(&snapshot, &self);
        let end = match snapshot.index_of(self.from) {
            None => End::Complete,
            Some(start) if matches!(self.costs, Costs::Hops) => search.breadth_first(start)?,
            Some(start) => search.cheapest_first(start)?,
        };
        let Search { labels, .. } = search;
        Ok(Distances { snapshot, from: self.from, labels, end })
    }
}

impl fmt::Debug for DistanceSearch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DistanceSearch")
            .field("from", &self.from)
            .field("follow", &self.follow)
            .finish_non_exhaustive()
    }
}

/// How far nodes are from one, with the ways there.
#[derive(Clone, Debug)]
pub struct Distances {
    snapshot: Arc<Snapshot>,
    from: NodeId,
    /// By dense number.
    labels: Vec<Label>,
    end: End,
}

/// How a node was come to. One line of the cache has all of it.
#[derive(Clone, Copy, Debug)]
struct Label {
    /// Infinite where no way was found.
    cost: f64,
    before: u32,
    /// The position of the edge from the node before.
    position: u32,
}

const UNSEEN: Label = Label { cost: f64::INFINITY, before: 0, position: 0 };

impl Distances {
    /// The distance of a node; `None` when no way leads there. The start has distance 0, whether it
    /// has edges or not.
    #[must_use]
    pub fn of(&self, node: NodeId) -> Option<f64> {
        if node == self.from {
            return Some(0.0);
        }
        let cost = self.labels[self.snapshot.index_of(node)? as usize].cost;
        cost.is_finite().then_some(cost)
    }

    /// A best path to a node; `None` when no way leads there.
    #[must_use]
    pub fn path_to(&self, node: NodeId) -> Option<Path> {
        let cost = self.of(node)?;
        let (mut nodes, mut edges) = (vec![node], Vec::new());
        let mut number = self.snapshot.index_of(node);
        while let Some(at) = number.filter(|at| self.snapshot.id(*at) != self.from) {
            let Label { before, position, .. } = self.labels[at as usize];
            nodes.push(self.snapshot.id(before));
            edges.push(self.snapshot.edge(position));
            number = Some(before);
        }
        nodes.reverse();
        edges.reverse();
        Some(Path { cost, ..Path::along(nodes, &edges) })
    }

    /// The nodes that a way leads to, by ascending identity, with their distances.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, f64)> + '_ {
        let all =
            self.snapshot.nodes.iter().copied().zip(self.labels.iter().map(|label| label.cost));
        all.filter(|(_, cost)| cost.is_finite())
    }

    /// Why the search ended.
    #[must_use]
    pub fn end(&self) -> End {
        self.end
    }
}

struct Search<'a, 'g> {
    snapshot: &'a Snapshot,
    asked: &'a DistanceSearch<'g>,
    labels: Vec<Label>,
}

impl<'a, 'g> Search<'a, 'g> {
    fn over(snapshot: &'a Snapshot, asked: &'a DistanceSearch<'g>) -> Self {
        let count = snapshot.nodes_count();
        Self { snapshot, asked, labels: vec![UNSEEN; count] }
    }

    fn breadth_first(&mut self, start: u32) -> Result<End> {
        let Self { snapshot, asked, labels } = self;
        let meter = asked.budget.meter();
        labels[start as usize].cost = 0.0;
        let mut queue = vec![start];
        let mut at = 0;
        while let Some(node) = queue.get(at).copied() {
            at += 1;
            if meter.expand().is_break() {
                break;
            }
            let cost = labels[node as usize].cost + 1.0;
            asked.follow.try_hops(*snapshot, (node, Way::Forward), &meter, |hop, _| {
                let known = &mut labels[hop.node as usize];
                let is_new = known.cost.is_infinite()
                    && asked.filter.as_ref().is_none_or(|keep| keep(snapshot.id(hop.node)));
                if is_new {
                    *known = Label { cost, before: node, position: hop.via };
                    queue.push(hop.node);
                }
                Ok(())
            })?;
        }
        Ok(meter.end())
    }

    fn cheapest_first(&mut self, start: u32) -> Result<End> {
        let Self { snapshot, asked, labels } = self;
        let meter = asked.budget.meter();
        // The lists of one side are read as they lie where nothing asks for more.
        let flat = asked.follow.whole_side().filter(|_| matches!(asked.costs, Costs::Weights));
        let bare = flat.filter(|_| snapshot.sums_weights && asked.filter.is_none());
        let mut heap = Heap::default();
        labels[start as usize].cost = 0.0;
        heap.push(Waiting { cost: 0.0, node: start });
        while let Some(Waiting { cost, node }) = heap.pop() {
            if cost > labels[node as usize].cost {
                continue;
            }
            if meter.expand().is_break() {
                unsettle(labels, (node, cost), &mut heap);
                break;
            }
            if let Some(side) = bare {
                for (place, other) in snapshot.places_of(node, side) {
                    let known = &mut labels[other as usize];
                    // Weights are not negative.
                    if known.cost <= cost {
                        continue;
                    }
                    let position = snapshot.position(side, place);
                    let cost = cost + f64::from(*snapshot.weight(position));
                    if cost < known.cost {
                        *known = Label { cost, before: node, position };
                        heap.push(Waiting { cost, node: other });
                    }
                }
                continue;
            }
            let mut relax = |other: u32, step: f64, position: u32| {
                let (cost, known) = (cost + step, &mut labels[other as usize]);
                let is_better = cost < known.cost
                    && asked.filter.as_ref().is_none_or(|keep| keep(snapshot.id(other)));
                if is_better {
                    *known = Label { cost, before: node, position };
                    heap.push(Waiting { cost, node: other });
                }
            };
            let way = (node, Way::Forward);
            if let Some(side) = flat {
                for (place, other) in snapshot.places_of(node, side) {
                    let position = snapshot.position(side, place);
                    let weight = f64::from(*snapshot.weight(position));
                    relax(other, check_cost("weight", weight, *snapshot, position)?, position);
                }
                continue;
            }
            asked.follow.try_hops(*snapshot, way, &meter, |hop, side| {
                let step = asked.costs.of(*snapshot, &asked.follow, way, (hop, side))?;
                relax(hop.node, step, hop.via);
                Ok(())
            })?;
            if meter.is_stopped() {
                unsettle(labels, (node, cost), &mut heap);
                break;
            }
        }
        Ok(meter.end())
    }
}

/// Forgets the costs of nodes that still wait: cheaper ways to them might have been found. The node
/// that was being looked at is settled.
fn unsettle(labels: &mut [Label], (node, cost): (u32, f64), heap: &mut Heap) {
    while let Some(waiting) = heap.pop() {
        let known = &mut labels[waiting.node as usize].cost;
        if waiting.cost <= *known {
            *known = f64::INFINITY;
        }
    }
    labels[node as usize].cost = cost;
}
