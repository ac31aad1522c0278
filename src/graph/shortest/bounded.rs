//! The cheapest path of at most so many edges.
//!
//! Dijkstra's search over pairs of cost and edges: to come to a node at a higher cost is worth
//! something only by fewer edges. Nodes are settled by cost, then by edges, so that each settling
//! of a node after its first has fewer edges than the one before: at most `hops_max` a node.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use super::super::follow::Way;
use super::super::path::{Path, Query};
use super::super::view::GraphView;
use crate::base::error::Result;

/// A way to a node, as the last edge after another way.
struct Leg<N, V> {
    node: N,
    before: Option<(usize, V)>,
}

/// A way that waits to be gone on from: the cheapest is the greatest, of equals the shortest.
#[derive(Clone, Copy)]
struct Waiting<N> {
    cost: f64,
    hops: usize,
    node: N,
    /// Its place among the legs.
    leg: usize,
}

/// A cheapest path within the limit of the query. `None` also when the meter stops.
pub(in crate::graph) fn within<V: GraphView>(
    view: &V,
    query: &Query<'_, '_>,
) -> Result<Option<Path>> {
    let (from, to) = query.ends;
    if from == to {
        return Ok(Some(Path::of_node(from)));
    }
    let (Some(start), Some(goal)) = (view.find(from), view.find(to)) else { return Ok(None) };
    let mut legs = vec![Leg { node: start, before: None }];
    let mut fewest: HashMap<V::Node, usize> = HashMap::new();
    let mut queue = BinaryHeap::from([Waiting { cost: 0.0, hops: 0, node: start, leg: 0 }]);
    while let Some(Waiting { cost, hops, node, leg }) = queue.pop() {
        if fewest.get(&node).is_some_and(|known| *known <= hops) {
            continue;
        }
        fewest.insert(node, hops);
        if node == goal {
            return Ok(Some(back(view, &legs, leg, cost)));
        }
        if query.meter.expand().is_break() {
            return Ok(None);
        }
        if hops == query.hops_max {
            continue;
        }
        let way = (node, Way::Forward);
        query.follow.try_hops(view, way, query.meter, |hop, side| {
            let cost = cost + query.costs.of(view, query.follow, way, (hop, side))?;
            let is_known = fewest.get(&hop.node).is_some_and(|known| *known <= hops + 1);
            if !is_known
                && query.passes(view, node, Way::Forward, hop.node)
                && (hop.node == goal || query.keeps(view, hop.node))
            {
                queue.push(Waiting { cost, hops: hops + 1, node: hop.node, leg: legs.len() });
                legs.push(Leg { node: hop.node, before: Some((leg, hop.via)) });
            }
            Ok(())
        })?;
        if query.meter.is_stopped() {
            return Ok(None);
        }
    }
    Ok(None)
}

/// The path that ends with a leg.
fn back<V: GraphView>(view: &V, legs: &[Leg<V::Node, V::Via>], last: usize, cost: f64) -> Path {
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    let mut next = legs.get(last);
    while let Some(leg) = next {
        nodes.push(view.id(leg.node));
        edges.extend(leg.before.map(|(_, via)| view.edge(via)));
        next = leg.before.and_then(|(before, _)| legs.get(before));
    }
    nodes.reverse();
    edges.reverse();
    Path { cost, ..Path::along(nodes, &edges) }
}

impl<N: Ord> Ord for Waiting<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        let cost = other.cost.total_cmp(&self.cost);
        let rest = (other.hops, &other.node, other.leg).cmp(&(self.hops, &self.node, self.leg));
        cost.then(rest)
    }
}

impl<N: Ord> PartialOrd for Waiting<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<N: Ord> PartialEq for Waiting<N> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<N: Ord> Eq for Waiting<N> {}
