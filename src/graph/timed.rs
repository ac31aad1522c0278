//! Paths that respect time: each edge is taken while it is valid, and time never goes back.
//!
//! An edge valid from `a` until `b` can be taken at any time from `a` on and before `b`, and takes
//! no time; one may wait at a node as long as one likes. Without a beginning or end the edge can be
//! taken at any time on that side. To be at a node earlier is never worse, so that Dijkstra's
//! search by the time of arrival finds the earliest for every node.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;
use std::ops::ControlFlow;

use super::budget::{Budget, End, Meter, Outcome, budget_methods};
use super::follow::{Follow, NodeFilter, Way, follow_methods};
use super::path::{Give, Path};
use super::view::GraphView;
use super::{Graph, on_view};
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

/// When a node can be reached at the earliest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Arrival {
    /// The node.
    pub node: NodeId,
    /// The earliest time.
    pub time: Timestamp,
    /// The fewest edges by which it is reached at that time.
    pub hops: usize,
}

/// A path with the time of arrival at each of its nodes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TimedPath {
    /// The path.
    pub path: Path,
    /// By node of the path; they never decrease.
    pub times: Vec<Timestamp>,
}

/// A search for paths that respect time, from a node and a time on. Made by [`Graph::timed`].
///
/// ```no_run
/// # fn show(graph: &engraph::graph::Graph, a: engraph::NodeId, b: engraph::NodeId)
/// # -> engraph::Result<()> {
/// use engraph::Timestamp;
///
/// let departure = Timestamp::from_micros(0);
/// let soonest = graph.timed(a, departure).out("told").earliest(b)?;
/// let informed = graph.timed(a, departure).out("told").arrivals()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a search does nothing until `earliest` or `arrivals`"]
pub struct TimedSearch<'g> {
    follow: Follow<'g>,
    start: NodeId,
    departure: Timestamp,
    latest: Timestamp,
    filter: Option<NodeFilter<'g>>,
    budget: Budget,
}

impl<'g> TimedSearch<'g> {
    pub(super) fn new(graph: &'g Graph, start: NodeId, departure: Timestamp) -> Self {
        let latest = Timestamp::from_micros(i64::MAX);
        let (follow, budget) = (Follow::new(graph), Budget::default());
        Self { follow, start, departure, latest, filter: None, budget }
    }

    follow_methods!('g);
    budget_methods!();

    /// Arrives at this time at the latest.
    pub fn arrive_by(mut self, time: Timestamp) -> Self {
        self.latest = time;
        self
    }

    /// Goes only through nodes for which `keep` is true. The start is not asked about.
    pub fn filter(mut self, keep: impl Fn(NodeId) -> bool + 'g) -> Self {
        self.filter = Some(Box::new(keep));
        self
    }

    /// A path that arrives as early as can be, of those one with the fewest edges. `None` when none
    /// arrives in time.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when adjacency blocks or edges are damaged;
    /// [`Error::Limit`](crate::Error::Limit) when a budget is spent; what a filter fails with.
    pub fn earliest(self, goal: NodeId) -> Result<Option<TimedPath>> {
        let (meter, mut found) = (self.budget.meter(), None);
        self.run(&meter, &mut |arrival, path| {
            if arrival.node != goal {
                return ControlFlow::Continue(());
            }
            found = Some(path());
            meter.stop(End::Stopped)
        })?;
        self.budget.check(meter.end())?;
        Ok(found)
    }

    /// Every node that can be reached in time, the start included, by the time of arrival.
    ///
    /// # Errors
    /// As [`TimedSearch::earliest`], [`Error::Limit`](crate::Error::Limit) apart.
    pub fn arrivals(self) -> Result<Outcome<Arrival>> {
        let (meter, mut found) = (self.budget.meter(), Vec::new());
        self.run(&meter, &mut |arrival, _| {
            found.push(arrival);
            ControlFlow::Continue(())
        })?;
        Ok(Outcome::new(found, meter.end()))
    }

    fn run(&self, meter: &Meter, each: Give<'_, Arrival, TimedPath>) -> Result<()> {
        if self.departure > self.latest {
            return Ok(());
        }
        let (node, time) = (self.start, self.departure);
        on_view!(self.follow.graph, view => {
            if let Some(start) = view.find(node) {
                return search(view, self, start, meter, each);
            }
        });
        let path = || TimedPath { path: Path::of_node(node), times: vec![time] };
        let _nothing_follows = each(Arrival { node, time, hops: 0 }, &path);
        Ok(())
    }
}

impl fmt::Debug for TimedSearch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedSearch")
            .field("start", &self.start)
            .field("departure", &self.departure)
            .field("follow", &self.follow)
            .finish_non_exhaustive()
    }
}

/// When a node is reached, after how many edges, and from where.
#[derive(Clone, Copy)]
struct Label<N, V> {
    at: (Timestamp, usize),
    before: Option<(N, V)>,
}

type Labels<V> =
    HashMap<<V as GraphView>::Node, Label<<V as GraphView>::Node, <V as GraphView>::Via>>;

/// Settles nodes by time, then edges, then node, handing each to `each` until it says stop.
fn search<V: GraphView>(
    view: &V,
    asked: &TimedSearch<'_>,
    start: V::Node,
    meter: &Meter,
    each: Give<'_, Arrival, TimedPath>,
) -> Result<()> {
    let mut labels: Labels<V> = HashMap::new();
    let first = (asked.departure, 0);
    labels.insert(start, Label { at: first, before: None });
    let mut queue = BinaryHeap::from([Reverse((first, start))]);
    while let Some(Reverse((at, node))) = queue.pop() {
        if labels.get(&node).is_none_or(|label| label.at < at) {
            continue;
        }
        let ((time, hops), id) = (at, view.id(node));
        if each(Arrival { node: id, time, hops }, &|| trace(view, &labels, node)).is_break()
            || meter.expand().is_break()
        {
            return Ok(());
        }
        let way = (node, Way::Forward);
        asked.follow.try_hops(view, way, meter, |hop, side| {
            let later = asked.follow.edge(view, way, side, hop).takeable_from(time)?;
            let Some(later) = later.filter(|later| *later <= asked.latest) else { return Ok(()) };
            let at = (later, hops + 1);
            let is_better = labels.get(&hop.node).is_none_or(|label| at < label.at);
            if is_better && asked.filter.as_ref().is_none_or(|keep| keep(view.id(hop.node))) {
                labels.insert(hop.node, Label { at, before: Some((node, hop.via)) });
                queue.push(Reverse((at, hop.node)));
            }
            Ok(())
        })?;
        if meter.is_stopped() {
            return Ok(());
        }
    }
    Ok(())
}

fn trace<V: GraphView>(view: &V, labels: &Labels<V>, goal: V::Node) -> TimedPath {
    let (mut nodes, mut edges, mut times) = (Vec::new(), Vec::new(), Vec::new());
    let mut next = Some(goal);
    while let Some((node, label)) = next.and_then(|node| Some((node, labels.get(&node)?))) {
        nodes.push(view.id(node));
        times.push(label.at.0);
        edges.extend(label.before.map(|(_, via)| view.edge(via)));
        next = label.before.map(|(before, _)| before);
    }
    nodes.reverse();
    times.reverse();
    edges.reverse();
    TimedPath { path: Path::along(nodes, &edges), times }
}
