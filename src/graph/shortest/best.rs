//! The best few paths without loops: Yen's search with Lawler's shortcut.
//!
//! Every path but the first leaves an earlier one at some node. For each node at which a path found
//! may be left, the best way on is searched that avoids the nodes before it and the steps that were
//! taken there already; the best of these candidates is the next path. A path is left no earlier
//! than where it left its own predecessor: the earlier nodes have been tried.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::super::budget::{End, Outcome};
use super::super::follow::Way;
use super::super::path::{Avoid, Path, Query, best};
use super::super::view::GraphView;
use crate::base::error::Result;
use crate::base::id::{EdgeId, NodeId};

/// Up to `count_max` paths, best first.
pub(in crate::graph) fn k_best<V: GraphView>(
    view: &V,
    query: &Query<'_, '_>,
    count_max: usize,
) -> Result<Outcome<Path>> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut waiting = BinaryHeap::new();
    if count_max > 0
        && let Some(path) = best(view, query)?
    {
        let legs = legs(view, query, &path.nodes)?;
        waiting.push(Candidate::new(path.nodes, legs, 0));
    }
    while let Some(next) = waiting.pop() {
        found.push(next);
        if found.len() < count_max && !query.meter.is_stopped() {
            leave(view, query, &found, &mut waiting)?;
        }
        if found.len() >= count_max || query.meter.is_stopped() {
            break;
        }
    }
    let end = match query.meter.end() {
        End::Complete if found.len() >= count_max => End::Limit,
        end => end,
    };
    Ok(Outcome::new(found.into_iter().map(Candidate::into_path).collect(), end))
}

/// Adds the best ways to leave the last path found, at each node from where it left another on.
fn leave<V: GraphView>(
    view: &V,
    query: &Query<'_, '_>,
    found: &[Candidate],
    waiting: &mut BinaryHeap<Candidate>,
) -> Result<()> {
    let Some(path) = found.last() else { return Ok(()) };
    for at in path.left_at..path.legs.len() {
        let root = &path.nodes[..=at];
        let same = found.iter().filter(|other| other.nodes.starts_with(root));
        let next = same.filter_map(|other| other.nodes.get(at + 1).copied()).collect();
        let avoid = Avoid { nodes: root.iter().copied().collect(), next };
        let hops_max = query.hops_max.saturating_sub(at);
        let ends = (path.nodes[at], query.ends.1);
        let spur = Query { ends, hops_max, avoid: Some(&avoid), ..*query };
        if let Some(rest) = best(view, &spur)? {
            let mut all = path.legs[..at].to_vec();
            all.extend(legs(view, query, &rest.nodes)?);
            let nodes = [&root[..at], &rest.nodes[..]].concat();
            waiting.push(Candidate::new(nodes, all, at));
        }
        if query.meter.is_stopped() {
            break;
        }
    }
    Ok(())
}

/// One edge of a path, with its weight and what it costs.
#[derive(Clone, Copy, Debug)]
struct Leg {
    edge: (EdgeId, f32),
    cost: f64,
}

/// The cheapest edges between nodes that follow each other, of equals the first.
fn legs<V: GraphView>(view: &V, query: &Query<'_, '_>, nodes: &[NodeId]) -> Result<Vec<Leg>> {
    let mut legs = Vec::with_capacity(nodes.len().saturating_sub(1));
    for pair in nodes.windows(2) {
        let (Some(from), Some(to)) = (view.find(pair[0]), view.find(pair[1])) else { break };
        let mut cheapest: Option<Leg> = None;
        let way = (from, Way::Forward);
        query.follow.try_hops(view, way, query.meter, |hop, side| {
            if hop.node != to {
                return Ok(());
            }
            let cost = query.costs.of(view, query.follow, way, (hop, side))?;
            if cheapest.is_none_or(|known| cost < known.cost) {
                cheapest = Some(Leg { edge: view.edge(hop.via), cost });
            }
            Ok(())
        })?;
        legs.extend(cheapest);
    }
    Ok(legs)
}

/// A path that waits to be the next best; the best is the greatest.
#[derive(Debug)]
struct Candidate {
    nodes: Vec<NodeId>,
    legs: Vec<Leg>,
    cost: f64,
    /// Where it left the path that it comes from.
    left_at: usize,
}

impl Candidate {
    fn new(nodes: Vec<NodeId>, legs: Vec<Leg>, left_at: usize) -> Self {
        let cost = legs.iter().map(|leg| leg.cost).sum();
        Self { nodes, legs, cost, left_at }
    }

    fn into_path(self) -> Path {
        let edges: Vec<_> = self.legs.iter().map(|leg| leg.edge).collect();
        Path { cost: self.cost, ..Path::along(self.nodes, &edges) }
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let cost = other.cost.total_cmp(&self.cost);
        let length = other.legs.len().cmp(&self.legs.len());
        cost.then(length).then_with(|| other.nodes.cmp(&self.nodes))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}
