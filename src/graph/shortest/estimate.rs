//! A search from the start alone, led by an estimate of what is left (A*).

use super::super::follow::Way;
use super::super::path::{Path, Query};
use super::super::view::{GraphView, Label, NodeMap as _, Queued, Step};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;

/// What the rest of the way from a node costs at the least.
pub(in crate::graph) type Heuristic<'g> = Box<dyn Fn(NodeId) -> f64 + 'g>;

/// A path to the goal, the cheapest where the estimate never says too much. A node is looked at
/// again when a cheaper way to it is found, so that estimates need not agree with each other.
pub(in crate::graph) fn toward<V: GraphView>(
    view: &V,
    query: &Query<'_, '_>,
    heuristic: &Heuristic<'_>,
) -> Result<Option<Path>> {
    let (from, to) = query.ends;
    if from == to {
        return Ok(Some(Path::of_node(from)));
    }
    let (Some(start), Some(goal)) = (view.find(from), view.find(to)) else { return Ok(None) };
    let estimate = |node: V::Node| {
        let left = heuristic(view.id(node));
        if left.is_finite() && left >= 0.0 {
            return Ok(left);
        }
        Err(Error::invalid("heuristic", format!("{left} at node {}", view.id(node))))
    };
    view.with_scratch(|scratch| {
        let ([labels, _], [queue, _]) = (&mut scratch.labels, &mut scratch.queues);
        labels.reset(view.node_bound());
        queue.clear();
        labels.insert(start, Label { step: Step { from: start, via: None }, cost: 0.0 });
        queue.push(Queued { cost: estimate(start)?, node: start });
        while let Some(Queued { cost: total, node }) = queue.pop() {
            let Some(Label { cost, .. }) = labels.get(node) else { continue };
            if total > cost + estimate(node)? {
                continue;
            }
            if node == goal {
                return Ok(Some(back(view, goal, cost, |node| labels.get(node))));
            }
            if query.meter.expand().is_break() {
                return Ok(None);
            }
            let way = (node, Way::Forward);
            query.follow.try_hops(view, way, query.meter, |hop, side| {
                let cost = cost + query.costs.of(view, query.follow, way, (hop, side))?;
                let known = labels.get(hop.node).is_some_and(|label| label.cost <= cost);
                if known || (hop.node != goal && !query.keeps(view, hop.node)) {
                    return Ok(());
                }
                let total = cost + estimate(hop.node)?;
                let step = Step { from: node, via: Some(hop.via) };
                labels.insert(hop.node, Label { step, cost });
                queue.push(Queued { cost: total, node: hop.node });
                Ok(())
            })?;
            if query.meter.is_stopped() {
                return Ok(None);
            }
        }
        Ok(None)
    })
}

/// The path that the labels lead back along.
fn back<V: GraphView>(
    view: &V,
    goal: V::Node,
    cost: f64,
    label: impl Fn(V::Node) -> Option<Label<V::Node, V::Via>>,
) -> Path {
    let (mut nodes, mut edges) = (vec![view.id(goal)], Vec::new());
    let mut node = goal;
    while let Some(Step { from, via: Some(via) }) = label(node).map(|label| label.step) {
        nodes.push(view.id(from));
        edges.push(view.edge(via));
        node = from;
    }
    nodes.reverse();
    edges.reverse();
    Path { cost, ..Path::along(nodes, &edges) }
}
