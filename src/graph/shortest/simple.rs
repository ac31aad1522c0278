//! All paths up to a length that come to no node twice.
//!
//! A search from the goal first says how far each node is from it, so that no step is taken from
//! which the goal is too far. The paths are then listed by depth-first search with a stack of its
//! own.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::super::budget::{End, Outcome};
use super::super::follow::Way;
use super::super::path::{Path, Query};
use super::super::view::GraphView;
use crate::base::error::Result;
use crate::base::id::{EdgeId, NodeId};

/// The paths in the order of their nodes, up to `count_max`; of parallel edges the first counts.
pub(in crate::graph) fn simple<V: GraphView>(
    view: &V,
    query: &Query<'_, '_>,
    count_max: usize,
) -> Result<Outcome<Path>> {
    let (from, to) = query.ends;
    if count_max == 0 {
        return Ok(Outcome::new(Vec::new(), End::Limit));
    }
    if from == to {
        return Ok(Outcome::new(vec![Path::of_node(from)], End::Complete));
    }
    let (Some(start), Some(goal)) = (view.find(from), view.find(to)) else {
        return Ok(Outcome::new(Vec::new(), End::Complete));
    };
    let left = levels(view, query, goal)?;
    let mut listing =
        Listing { view, query, left: &left, stack: Vec::new(), on_path: HashSet::new() };
    let mut found = Vec::new();
    if left.contains_key(&start) && !query.meter.is_stopped() {
        listing.run(start, goal, |path| {
            found.push(path);
            if found.len() < count_max {
                return ControlFlow::Continue(());
            }
            query.meter.stop(End::Limit)
        })?;
    }
    Ok(Outcome::new(found, query.meter.end()))
}

/// How many edges lead from each node to the goal at the least, as far as paths may be long.
fn levels<V: GraphView>(
    view: &V,
    query: &Query<'_, '_>,
    goal: V::Node,
) -> Result<HashMap<V::Node, usize>> {
    let start = view.find(query.ends.0);
    let mut left = HashMap::from([(goal, 0)]);
    let mut queue = std::collections::VecDeque::from([goal]);
    while let Some(node) = queue.pop_front() {
        let next = left[&node] + 1;
        if next > query.hops_max || query.meter.expand().is_break() {
            break;
        }
        query.follow.try_hops(view, (node, Way::Backward), query.meter, |hop, _| {
            let is_end = Some(hop.node) == start;
            if !left.contains_key(&hop.node) && (is_end || query.keeps(view, hop.node)) {
                left.insert(hop.node, next);
                queue.push_back(hop.node);
            }
            Ok(())
        })?;
    }
    Ok(left)
}

/// The way on from one node of the path that is being listed.
struct Fork<N, V> {
    node: N,
    /// What leads on, the last first.
    next: Vec<(N, V)>,
    /// By which edge the next node of the path is reached.
    edge: Option<(EdgeId, f32)>,
}

struct Listing<'a, 'q, 'g, V: GraphView> {
    view: &'a V,
    query: &'a Query<'q, 'g>,
    left: &'a HashMap<V::Node, usize>,
    stack: Vec<Fork<V::Node, V::Via>>,
    on_path: HashSet<V::Node>,
}

impl<V: GraphView> Listing<'_, '_, '_, V> {
    fn run(
        &mut self,
        start: V::Node,
        goal: V::Node,
        mut each: impl FnMut(Path) -> ControlFlow<()>,
    ) -> Result<()> {
        self.enter(start)?;
        while let Some(fork) = self.stack.last_mut() {
            if self.query.meter.is_stopped() {
                return Ok(());
            }
            let Some((node, via)) = fork.next.pop() else {
                self.on_path.remove(&fork.node);
                self.stack.pop();
                continue;
            };
            fork.edge = Some(self.view.edge(via));
            if node != goal {
                self.enter(node)?;
            } else if each(self.path(goal)).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Goes on to a node of the path.
    fn enter(&mut self, node: V::Node) -> Result<()> {
        self.on_path.insert(node);
        let mut next: Vec<(V::Node, V::Via)> = Vec::new();
        // The edges of the path with one more node.
        let hops = self.stack.len() + 1;
        let room = self.query.hops_max.checked_sub(hops);
        if let Some(room) = room.filter(|_| self.query.meter.expand().is_continue()) {
            let (left, on_path) = (self.left, &self.on_path);
            let way = (node, Way::Forward);
            self.query.follow.try_hops(self.view, way, self.query.meter, |hop, _| {
                let leads = left.get(&hop.node).is_some_and(|left| *left <= room);
                if leads && !on_path.contains(&hop.node) {
                    next.push((hop.node, hop.via));
                }
                Ok(())
            })?;
            // Stable: of parallel edges the first stays.
            next.sort_by_key(|(node, _)| *node);
            next.dedup_by_key(|(node, _)| *node);
            next.reverse();
        }
        self.stack.push(Fork { node, next, edge: None });
        Ok(())
    }

    fn path(&self, goal: V::Node) -> Path {
        let on_path = self.stack.iter().map(|fork| fork.node);
        let nodes: Vec<NodeId> = on_path.chain([goal]).map(|node| self.view.id(node)).collect();
        let edges: Vec<_> = self.stack.iter().filter_map(|fork| fork.edge).collect();
        Path::along(nodes, &edges)
    }
}
