//! How much can flow from one node to another, and the edges that bound it.

use std::fmt;
use std::sync::Arc;

use super::algorithm::NONE;
use super::edge::GraphEdge;
use super::snapshot::Snapshot;
use super::undirected::{Undirected, for_each};
use super::view::Side;
use super::{Graph, GraphView as _};
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, NodeId};

/// What an edge can carry, from its identity and its weight.
type Capacity<'g> = Box<dyn Fn(EdgeId, f32) -> f64 + 'g>;

/// A search for the greatest flow between two nodes. Made by [`Graph::max_flow`].
///
/// ```no_run
/// # fn show(graph: &engraph::graph::Graph, a: engraph::NodeId, b: engraph::NodeId)
/// # -> engraph::Result<()> {
/// // How many paths there are that share no edge, and edges that cut all of them.
/// let flow = graph.max_flow(a, b).capacity(|_, _| 1.0).find()?;
/// println!("{} paths, cut by {:?}", flow.value(), flow.cut());
/// # Ok(())
/// # }
/// ```
#[must_use = "a search does nothing until `find`"]
pub struct FlowSearch<'g> {
    graph: &'g Graph,
    from: NodeId,
    to: NodeId,
    edge_types: Option<Vec<u32>>,
    capacity: Capacity<'g>,
}

/// What an edge carries.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FlowEdge {
    /// The edge.
    pub edge: GraphEdge,
    /// What it could carry.
    pub capacity: f64,
    /// What it carries.
    pub flow: f64,
}

/// A greatest flow, and a smallest cut.
#[derive(Clone, Debug)]
pub struct Flow {
    from: NodeId,
    value: f64,
    edges: Vec<FlowEdge>,
    cut: Vec<FlowEdge>,
    snapshot: Arc<Snapshot>,
    /// By dense number: whether the node is on the side of the source.
    side: Vec<bool>,
}

impl Flow {
    /// How much flows: the sum of the capacities of the cut.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The edges that carry something, in the order of their sources. What flows both ways between
    /// two nodes is set off; of parallel edges the first are filled first.
    pub fn edges(&self) -> &[FlowEdge] {
        &self.edges
    }

    /// The edges from the side of the source to the other that could carry something: without them
    /// nothing can flow. All are full. Of several smallest cuts it is the one next to the source.
    pub fn cut(&self) -> &[FlowEdge] {
        &self.cut
    }

    /// Whether a node is on the side of the source.
    pub fn is_source_side(&self, node: NodeId) -> bool {
        let known = self.snapshot.index_of(node).map(|node| self.side[node as usize]);
        known.unwrap_or(false) || node == self.from
    }

    /// The nodes on the side of the source, ascending.
    pub fn source_side(&self) -> Vec<NodeId> {
        let sided = self.snapshot.nodes.iter().zip(&self.side);
        let mut nodes: Vec<NodeId> =
            sided.filter(|(_, side)| **side).map(|(node, _)| *node).collect();
        if nodes.is_empty() {
            nodes.push(self.from);
        }
        nodes
    }
}

impl Graph {
    /// Starts a search for the greatest flow along the direction of edges; see [`FlowSearch`].
    pub fn max_flow(&self, from: NodeId, to: NodeId) -> FlowSearch<'_> {
        let capacity: Capacity<'_> = Box::new(|_, weight| f64::from(weight));
        FlowSearch { graph: self, from, to, edge_types: None, capacity }
    }
}

impl<'g> FlowSearch<'g> {
    /// Follows edges of these types only; of all types when none is named.
    pub fn edge_types(mut self, edge_types: &[&str]) -> Self {
        self.edge_types = self.graph.numbers_of(edge_types);
        self
    }

    /// What an edge can carry, from its identity ([`EdgeId::LINK`] for a link) and its weight. The
    /// weight unless told otherwise. Asked more than once about an edge: it has to say the same.
    pub fn capacity(mut self, capacity: impl Fn(EdgeId, f32) -> f64 + 'g) -> Self {
        self.capacity = Box::new(capacity);
        self
    }

    /// A greatest flow and a smallest cut. Parallel edges carry what they can together, loops
    /// nothing. Nothing flows to or from a node without an edge.
    ///
    /// By levels and blocking flows (Dinic 1970), with levels from the target and a place kept in
    /// every list: O(n^2 m) at worst, far less in practice. petgraph's `dinics` takes weights for
    /// capacities, adds them up in `f32`, and tells no cut.
    ///
    /// # Errors
    /// [`Error::Invalid`] for equal ends, or a capacity that is negative or not finite; otherwise
    /// as [`Graph::cuts`].
    pub fn find(self) -> Result<Flow> {
        if self.from == self.to {
            return Err(Error::invalid("ends of a flow", format!("both are {}", self.from)));
        }
        let snapshot = self.graph.snapshot()?;
        let capacity = |position| {
            let (edge, weight) = snapshot.edge(position);
            (self.capacity)(edge, weight)
        };
        // In the list of the source of an edge, which asks about what comes in at the target.
        let value = |side, position| if side == Side::In { capacity(position) } else { 0.0 };
        let pairs = Undirected::of(&snapshot, self.edge_types.as_deref(), value)?;
        self.check(&snapshot, &capacity)?;
        let capacities = pairs.sums.clone();
        let mut residual = Residual::of(pairs);
        let (mut value, mut side) = (0.0, vec![false; snapshot.node_bound()]);
        if let Some(from) = snapshot.index_of(self.from) {
            if let Some(to) = snapshot.index_of(self.to) {
                value = residual.fill(from, to);
            }
            side = residual.reach(from);
        }
        let net = capacities.iter().zip(&residual.pairs.sums).map(|(all, left)| all - left);
        let mut flows: Vec<f64> = net.collect();
        let mut flow =
            Flow { from: self.from, value, edges: Vec::new(), cut: Vec::new(), snapshot, side };
        self.share(&residual.pairs, &mut flows, &mut flow)?;
        Ok(flow)
    }

    fn check(&self, snapshot: &Snapshot, capacity: &impl Fn(u32) -> f64) -> Result<()> {
        let mut refused = None;
        for node in 0..snapshot.node_bound() as u32 {
            for_each(snapshot, node, (Side::Out, self.edge_types.as_deref()), |_, position| {
                let found = capacity(position);
                if !found.is_finite() || found < 0.0 {
                    refused = Some(found);
                }
            })?;
            if let Some(found) = refused {
                let node = snapshot.id(node);
                let reason = format!("{found} at an edge of {node} is negative or not finite");
                return Err(Error::invalid("capacity", reason));
            }
        }
        Ok(())
    }

    /// Shares what flows between two nodes among the edges between them, and picks those of the
    /// cut.
    fn share(&self, pairs: &Undirected<f64>, flows: &mut [f64], flow: &mut Flow) -> Result<()> {
        let snapshot = Arc::clone(&flow.snapshot);
        let mut chosen = Vec::new();
        for node in 0..pairs.len() as u32 {
            let places = pairs.places(node);
            let start = places.start;
            let source_side = flow.side[node as usize];
            if !source_side && !flows[places].iter().any(|flow| *flow > 0.0) {
                continue;
            }
            for_each(
                &snapshot,
                node,
                (Side::Out, self.edge_types.as_deref()),
                |other, position| {
                    let Ok(found) = pairs.of_node(node).binary_search(&other) else { return };
                    let (edge, weight) = snapshot.edge(position);
                    let capacity = (self.capacity)(edge, weight);
                    let left = &mut flows[start + found];
                    let own = left.clamp(0.0, capacity);
                    *left -= own;
                    let cuts = source_side && !flow.side[other as usize] && capacity > 0.0;
                    if own > 0.0 || cuts {
                        chosen.push((other, position, capacity, own, cuts));
                    }
                },
            )?;
            for (other, position, capacity, own, cuts) in chosen.drain(..) {
                let edge = self.graph.edge_between(&snapshot, position, (node, other))?;
                let found = FlowEdge { edge, capacity, flow: own };
                if cuts {
                    flow.cut.push(found.clone());
                }
                if own > 0.0 {
                    flow.edges.push(found);
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for FlowSearch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowSearch")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("edge_types", &self.edge_types)
            .finish_non_exhaustive()
    }
}

/// What can still flow from each node to each neighbour.
struct Residual {
    /// Their sums are what is left.
    pairs: Undirected<f64>,
    /// The place of the same pair in the list of its other end.
    mirrors: Vec<usize>,
    /// By node: how many edges it is from the target, along what is left.
    levels: Vec<u32>,
    /// By node: the place in its list before which nothing is left in this phase.
    cursors: Vec<usize>,
}

impl Residual {
    fn of(pairs: Undirected<f64>) -> Self {
        // Lists ascend, so nodes come up in each list in the order in which they are visited.
        let mut cursors = pairs.starts[..pairs.len()].to_vec();
        let mut mirrors = Vec::with_capacity(pairs.neighbors.len());
        for other in &pairs.neighbors {
            let place = &mut cursors[*other as usize];
            mirrors.push(*place);
            *place += 1;
        }
        let levels = vec![NONE; pairs.len()];
        Self { pairs, mirrors, levels, cursors }
    }

    /// Lets flow all that can. Returns how much that is.
    fn fill(&mut self, from: u32, to: u32) -> f64 {
        let mut value = 0.0;
        while self.level(from, to) {
            let count = self.pairs.len();
            self.cursors.copy_from_slice(&self.pairs.starts[..count]);
            value += self.block(from, to);
        }
        value
    }

    /// Finds the distance of nodes to the target until the source is met. Says whether it was.
    fn level(&mut self, from: u32, to: u32) -> bool {
        self.levels.fill(NONE);
        self.levels[to as usize] = 0;
        let mut queue = vec![to];
        let mut next = 0;
        while let Some(node) = queue.get(next).copied() {
            next += 1;
            let level = self.levels[node as usize] + 1;
            for place in self.pairs.places(node) {
                let other = self.pairs.neighbors[place];
                let leads = self.pairs.sums[self.mirrors[place]] > 0.0;
                if leads && self.levels[other as usize] == NONE {
                    self.levels[other as usize] = level;
                    if other == from {
                        return true;
                    }
                    queue.push(other);
                }
            }
        }
        false
    }

    /// Lets flow along shortest ways until each of them has a full edge.
    fn block(&mut self, from: u32, to: u32) -> f64 {
        let mut value = 0.0;
        let mut way: Vec<usize> = Vec::new();
        loop {
            let node = way.last().map_or(from, |place| self.pairs.neighbors[*place]);
            if node == to {
                value += self.push_along(&mut way);
            } else if let Some(place) = self.advance(node) {
                way.push(place);
            } else {
                let Some(place) = way.pop() else { return value };
                // Nothing more gets through there in this phase.
                self.levels[node as usize] = NONE;
                let above = self.pairs.neighbors[self.mirrors[place]];
                self.cursors[above as usize] += 1;
            }
        }
    }

    /// The next place in the list of a node that leads closer to the target.
    fn advance(&mut self, node: u32) -> Option<usize> {
        let end = self.pairs.starts[node as usize + 1];
        let level = self.levels[node as usize];
        let start = self.cursors[node as usize];
        let leads = |place: &usize| {
            let other = self.pairs.neighbors[*place] as usize;
            let closer = self.levels[other].checked_add(1) == Some(level);
            closer && self.pairs.sums[*place] > 0.0
        };
        let found = (start..end).find(leads);
        self.cursors[node as usize] = found.unwrap_or(end);
        found
    }

    /// Fills a way and cuts it off at the first full edge.
    fn push_along(&mut self, way: &mut Vec<usize>) -> f64 {
        let left = way.iter().map(|place| self.pairs.sums[*place]);
        let amount = left.fold(f64::INFINITY, f64::min);
        let mut full = way.len();
        for (step, place) in way.iter().enumerate().rev() {
            self.pairs.sums[*place] -= amount;
            self.pairs.sums[self.mirrors[*place]] += amount;
            if self.pairs.sums[*place] <= 0.0 {
                full = step;
            }
        }
        way.truncate(full);
        amount
    }

    /// Which nodes something could still flow to.
    fn reach(&self, from: u32) -> Vec<bool> {
        let mut reached = vec![false; self.pairs.len()];
        reached[from as usize] = true;
        let mut waiting = vec![from];
        while let Some(node) = waiting.pop() {
            for place in self.pairs.places(node) {
                let other = self.pairs.neighbors[place];
                if self.pairs.sums[place] > 0.0 && !reached[other as usize] {
                    reached[other as usize] = true;
                    waiting.push(other);
                }
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Arrow, Model, node};
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// The smallest cut by trying every side, for nodes 0 to `count`, from 0 to 1.
    fn smallest_cut(model: &Model, count: u32) -> f64 {
        let sides = (0..1_u32 << count).filter(|side| side & 1 == 1 && side & 2 == 0);
        let ids: BTreeMap<NodeId, u32> = (0..count).map(|n| (node(n.into()), n)).collect();
        let cost = |side: u32| {
            let on_side = |id: &NodeId| side >> ids[id] & 1 == 1;
            let cut = |edge: &&Arrow| on_side(&edge.source) && !on_side(&edge.target);
            model.edges.iter().filter(cut).map(|edge| f64::from(edge.weight)).sum()
        };
        sides.map(cost).fold(f64::INFINITY, f64::min)
    }

    /// No edge carries too much, nothing is lost on the way, the cut is full and cuts.
    fn check(flow: &Flow, model: &Model) -> Result<(), TestCaseError> {
        let mut balances: BTreeMap<NodeId, f64> = BTreeMap::new();
        for found in flow.edges() {
            prop_assert!(found.flow > 0.0 && found.flow <= found.capacity);
            *balances.entry(found.edge.source).or_default() -= found.flow;
            *balances.entry(found.edge.target).or_default() += found.flow;
        }
        let lost = |id: &NodeId| balances.get(id).copied().unwrap_or(0.0);
        prop_assert!((lost(&node(0)) + flow.value()).abs() < 1e-9);
        prop_assert!((lost(&node(1)) - flow.value()).abs() < 1e-9);
        let between = balances.iter().filter(|(id, _)| ![node(0), node(1)].contains(id));
        for (id, balance) in between {
            prop_assert!(balance.abs() < 1e-9, "{}", id);
        }
        let sum: f64 = flow.cut().iter().map(|found| found.capacity).sum();
        prop_assert!((sum - flow.value()).abs() < 1e-9);
        let side: BTreeSet<NodeId> = flow.source_side().into_iter().collect();
        prop_assert!(flow.is_source_side(node(0)) && !flow.is_source_side(node(1)));
        let crosses = |edge: &&Arrow| {
            edge.weight > 0.0 && side.contains(&edge.source) && !side.contains(&edge.target)
        };
        prop_assert_eq!(model.edges.iter().filter(crosses).count(), flow.cut().len());
        for id in model.nodes() {
            prop_assert_eq!(flow.is_source_side(id), side.contains(&id));
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(192))]
        #[test]
        fn the_greatest_flow_is_the_smallest_cut(
            model in Model::any(8, 40),
            typed: bool,
            parts: bool,
        ) {
            let mut model = model;
            if parts {
                model.edges.iter_mut().for_each(|edge| edge.weight *= 0.3);
            }
            let graph = model.graph();
            let (part, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let flow = graph.max_flow(node(0), node(1)).edge_types(types).find().unwrap();
            prop_assert!((flow.value() - smallest_cut(&part, 8)).abs() < 1e-9);
            check(&flow, &part)?;
            // With capacities of 1 it is how many ways share no edge.
            let flow = graph.max_flow(node(0), node(1)).edge_types(types).capacity(|_, _| 1.0);
            let flow = flow.find().unwrap();
            let mut ones = part;
            ones.edges.iter_mut().for_each(|edge| edge.weight = 1.0);
            prop_assert!((flow.value() - smallest_cut(&ones, 8)).abs() < 1e-9);
            check(&flow, &ones)?;
        }
    }

    #[test]
    fn parallel_edges_carry_together_and_long_ways_are_no_burden() {
        let mut edges: Vec<(u64, u64)> = (1..20_000).map(|a| (a + 1, a)).collect();
        edges.extend([(0, 20_000), (0, 20_000), (0, 0)]);
        let mut model = Model::of(&edges);
        let last = model.edges.len() - 1;
        model.edges.iter_mut().for_each(|edge| edge.weight = 5.0);
        model.edges[last - 1].weight = 2.0;
        model.edges[last - 2].weight = 1.5;
        let flow = model.graph().max_flow(node(0), node(1)).find().unwrap();
        assert_eq!(flow.value().to_bits(), 3.5_f64.to_bits());
        let cut: Vec<f64> = flow.cut().iter().map(|found| found.flow).collect();
        assert_eq!(cut, [1.5, 2.0]);
        assert_eq!(flow.source_side(), [node(0)]);
        assert_eq!(flow.edges().len(), 20_001);
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_strangers_get_nothing() {
        let graph = Model::of(&[(0, 1)]).graph();
        let found = graph.max_flow(node(0), node(0)).find();
        assert!(matches!(found, Err(Error::Invalid { .. })), "{found:?}");
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            let found = graph.max_flow(node(0), node(1)).capacity(|_, _| wrong).find();
            assert!(matches!(found, Err(Error::Invalid { .. })), "{found:?}");
        }
        for (from, to) in [(0, 77), (77, 0), (77, 78)] {
            let flow = graph.max_flow(node(from), node(to)).find().unwrap();
            assert_eq!(flow.value().to_bits(), 0);
            assert!(flow.is_source_side(node(from)) && !flow.is_source_side(node(to)));
            assert!(flow.source_side().contains(&node(from)));
            assert!(flow.cut().is_empty() && flow.edges().is_empty());
        }
    }
}
