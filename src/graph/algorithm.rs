//! Whole-graph algorithms: components and topological order. All run on the snapshot, in time
//! linear in nodes and edges.

use std::borrow::Cow;
use std::sync::Arc;

use super::snapshot::Snapshot;
use super::view::Side;
use super::{Graph, GraphView as _};
use crate::base::error::Result;
use crate::base::id::NodeId;

/// In place of the number of a node, or of a part: there is none.
pub(super) const NONE: u32 = u32::MAX;

/// The parts of a graph: which nodes hang together.
#[derive(Clone, Debug)]
pub struct Components {
    snapshot: Arc<Snapshot>,
    /// By dense number; components count up in the order of their smallest nodes.
    labels: Vec<u32>,
    count: usize,
}

impl Components {
    /// How many components there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The number of the component of a node, below [`Components::count`]. `None` when the node has
    /// no edge that counts.
    pub fn of(&self, node: NodeId) -> Option<usize> {
        let label = self.labels[self.snapshot.index_of(node)? as usize];
        (label != NONE).then_some(label as usize)
    }

    /// The nodes of each component, largest component first, of equals the one with the smallest
    /// node; nodes ascend.
    pub fn groups(&self) -> Vec<Vec<NodeId>> {
        let mut groups = self.numbered_groups();
        groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
        groups
    }

    /// The nodes of each component, by its number; nodes ascend.
    pub(super) fn numbered_groups(&self) -> Vec<Vec<NodeId>> {
        let mut groups = vec![Vec::new(); self.count];
        for (node, label) in self.snapshot.nodes.iter().zip(&self.labels) {
            if let Some(group) = groups.get_mut(*label as usize) {
                group.push(*node);
            }
        }
        groups
    }
}

/// What a topological sort comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Every node after those that have an edge to it.
    Sorted(Vec<NodeId>),
    /// Nodes that form a cycle: each has an edge to the next, the last to the first.
    Cycle(Vec<NodeId>),
}

impl Graph {
    /// The parts that hang together when directions are ignored. Counts edges of the named types,
    /// of all types when none is named; nodes without such an edge are in no component.
    ///
    /// # Errors
    /// As [`Graph::snapshot`].
    pub fn weak_components(&self, edge_types: &[&str]) -> Result<Components> {
        let snapshot = self.snapshot()?;
        let rows = Rowed::of(&snapshot, self.numbers_of(edge_types).as_deref(), Side::Out);
        let mut sets = Sets::new(rows.count());
        let mut touched = vec![false; snapshot.nodes.len()];
        for node in 0..rows.count() {
            for target in rows.of_node(node) {
                sets.join(node, *target);
                touched[node as usize] = true;
                touched[*target as usize] = true;
            }
        }
        let roots = (0..rows.count())
            .map(|node| if touched[node as usize] { sets.root(node) } else { NONE })
            .collect();
        drop(rows);
        Ok(Components::numbered(snapshot, roots))
    }

    /// The parts in which every node leads to every other. Counts edges as
    /// [`Graph::weak_components`] does.
    ///
    /// # Errors
    /// As [`Graph::snapshot`].
    pub fn strong_components(&self, edge_types: &[&str]) -> Result<Components> {
        let snapshot = self.snapshot()?;
        let rows = Rowed::of(&snapshot, self.numbers_of(edge_types).as_deref(), Side::Out);
        let mut roots = strong_roots(&rows);
        for (root, touched) in roots.iter_mut().zip(rows.touched()) {
            if !touched {
                *root = NONE;
            }
        }
        drop(rows);
        Ok(Components::numbered(snapshot, roots))
    }

    /// The nodes in an order in which every edge leads forward, or a cycle that prevents it. Counts
    /// edges as [`Graph::weak_components`] does; nodes without such an edge are left out.
    ///
    /// # Errors
    /// As [`Graph::snapshot`].
    pub fn topological_order(&self, edge_types: &[&str]) -> Result<Order> {
        let snapshot = self.snapshot()?;
        let rows = Rowed::of(&snapshot, self.numbers_of(edge_types).as_deref(), Side::Out);
        let touched = rows.touched();
        let mut waiting = vec![0_u32; snapshot.nodes.len()];
        for target in &*rows.neighbors {
            waiting[*target as usize] += 1;
        }
        let wanted = touched.iter().filter(|touched| **touched).count();
        let mut order: Vec<u32> = Vec::with_capacity(wanted);
        let free = |node: &u32| touched[*node as usize] && waiting[*node as usize] == 0;
        order.extend((0..rows.count()).filter(free));
        let mut next = 0;
        while let Some(node) = order.get(next).copied() {
            next += 1;
            for target in rows.of_node(node) {
                waiting[*target as usize] -= 1;
                if waiting[*target as usize] == 0 {
                    order.push(*target);
                }
            }
        }
        let named = |nodes: Vec<u32>| nodes.into_iter().map(|node| snapshot.id(node)).collect();
        if order.len() == wanted {
            return Ok(Order::Sorted(named(order)));
        }
        Ok(Order::Cycle(named(cycle_among(&rows, &waiting))))
    }

    /// The numbers of edge types, sorted; `None` means all. Unknown names have no edges.
    pub(super) fn numbers_of(&self, edge_types: &[&str]) -> Option<Vec<u32>> {
        if edge_types.is_empty() {
            return None;
        }
        let known = edge_types.iter().filter_map(|name| self.names.number(name));
        let mut numbers: Vec<u32> = known.collect();
        numbers.sort_unstable();
        numbers.dedup();
        Some(numbers)
    }
}

/// A cycle among nodes that still wait for another: each has one that it waits for, so that going
/// back from any of them must return somewhere.
fn cycle_among(rows: &Rowed<'_>, waiting: &[u32]) -> Vec<u32> {
    let mut before = vec![NONE; waiting.len()];
    let waits = |node: u32| waiting[node as usize] > 0;
    for node in (0..rows.count()).filter(|node| waits(*node)) {
        for target in rows.of_node(node).iter().filter(|target| waits(**target)) {
            before[*target as usize] = node;
        }
    }
    let Some(mut node) = (0..rows.count()).find(|node| waits(*node)) else { return Vec::new() };
    let mut place = vec![NONE; waiting.len()];
    let mut way = Vec::new();
    while place[node as usize] == NONE {
        place[node as usize] = u32::try_from(way.len()).unwrap_or(NONE);
        way.push(node);
        node = before[node as usize];
    }
    let mut cycle = way.split_off(place[node as usize] as usize);
    cycle.reverse();
    // It begins with its smallest node, so that equal graphs report it alike.
    let smallest = cycle.iter().enumerate().min_by_key(|(_, node)| **node);
    let smallest = smallest.map_or(0, |(place, _)| place);
    cycle.rotate_left(smallest);
    cycle
}

impl Components {
    /// Numbers components in the order of their smallest nodes, from labels below the number of
    /// nodes.
    pub(super) fn numbered(snapshot: Arc<Snapshot>, mut labels: Vec<u32>) -> Self {
        let mut numbers = vec![NONE; labels.len()];
        let mut count = 0;
        for label in &mut labels {
            if *label == NONE {
                continue;
            }
            let number = &mut numbers[*label as usize];
            if *number == NONE {
                *number = count;
                count += 1;
            }
            *label = *number;
        }
        Self { snapshot, labels, count: count as usize }
    }
}

/// The neighbours of all nodes on one side, of some edge types.
pub(super) struct Rowed<'a> {
    /// Node -> its first neighbour; one more at the end.
    offsets: Vec<u32>,
    neighbors: Cow<'a, [u32]>,
}

impl<'a> Rowed<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, edge_types: Option<&[u32]>, side: Side) -> Self {
        let lists = snapshot.lists(side);
        let Some(edge_types) = edge_types else {
            let starts = lists.segments.iter().map(|segment| lists.starts[*segment as usize]);
            return Self { offsets: starts.collect(), neighbors: Cow::Borrowed(&lists.neighbors) };
        };
        let mut offsets = vec![0];
        let mut neighbors = Vec::new();
        for node in (0_u32..).take(snapshot.nodes.len()) {
            for edge_type in edge_types {
                neighbors.extend_from_slice(snapshot.neighbors_of_type(node, side, *edge_type));
            }
            // There are fewer than in the snapshot, whose places fit.
            offsets.push(u32::try_from(neighbors.len()).unwrap_or(u32::MAX));
        }
        Self { offsets, neighbors: Cow::Owned(neighbors) }
    }

    /// The neighbours for which `keep`, asked about a node and its neighbour, is true.
    pub(super) fn retain(&self, keep: impl Fn(u32, u32) -> bool) -> Rowed<'static> {
        let mut offsets = vec![0];
        let mut neighbors = Vec::new();
        for node in 0..self.count() {
            let kept = self.of_node(node).iter().filter(|other| keep(node, **other));
            neighbors.extend(kept);
            offsets.push(u32::try_from(neighbors.len()).unwrap_or(u32::MAX));
        }
        Rowed { offsets, neighbors: Cow::Owned(neighbors) }
    }

    /// Sorts the neighbours of each node and leaves each in once.
    pub(super) fn dedup(&mut self) {
        let mut neighbors = std::mem::take(&mut self.neighbors).into_owned();
        let (mut start, mut kept) = (0, 0);
        for offset in self.offsets.iter_mut().skip(1) {
            let list = start..*offset as usize;
            start = list.end;
            neighbors[list.clone()].sort_unstable();
            let first = kept;
            for place in list {
                if kept == first || neighbors[kept - 1] != neighbors[place] {
                    neighbors[kept] = neighbors[place];
                    kept += 1;
                }
            }
            *offset = u32::try_from(kept).unwrap_or(u32::MAX);
        }
        neighbors.truncate(kept);
        self.neighbors = Cow::Owned(neighbors);
    }

    /// How many nodes there are.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.offsets.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn of_node(&self, node: u32) -> &[u32] {
        &self.neighbors[self.first(node) as usize..self.first(node + 1) as usize]
    }

    pub(super) fn degree(&self, node: u32) -> u32 {
        self.first(node + 1) - self.first(node)
    }

    /// How many edges there are.
    pub(super) fn edges(&self) -> usize {
        self.neighbors.len()
    }

    fn first(&self, node: u32) -> u32 {
        self.offsets[node as usize]
    }

    /// Which nodes have an edge, by either end.
    pub(super) fn touched(&self) -> Vec<bool> {
        let mut touched: Vec<bool> =
            self.offsets.windows(2).map(|ends| ends[0] < ends[1]).collect();
        for target in &*self.neighbors {
            touched[*target as usize] = true;
        }
        touched
    }
}

/// Disjoint sets: each node points towards the root of its set, the smallest node.
pub(super) struct Sets(Vec<u32>);

impl Sets {
    /// Every node alone.
    pub(super) fn new(count: u32) -> Self {
        Self((0..count).collect())
    }

    fn root(&mut self, mut node: u32) -> u32 {
        while self.0[node as usize] != node {
            let above = self.0[self.0[node as usize] as usize];
            self.0[node as usize] = above;
            node = above;
        }
        node
    }

    /// Makes one set of those of two nodes. Says whether they were two.
    pub(super) fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b) as usize] = a.min(b);
        a != b
    }
}

/// By node: the node that stands for its strong component.
pub(super) fn strong_roots(rows: &Rowed<'_>) -> Vec<u32> {
    let mut search = StrongSearch::over(rows);
    for node in 0..rows.count() {
        search.from(node);
    }
    search.roots
}

/// Tarjan's search for strong components, with a stack of its own.
struct StrongSearch<'a> {
    rows: &'a Rowed<'a>,
    /// Order of discovery from 1 on, lowered to the earliest node of the same component; 0 is new.
    low: Vec<u32>,
    found: u32,
    /// By node: the node that stands for its component, once that is known.
    roots: Vec<u32>,
    open: Vec<u32>,
    /// Nodes on the way, their order of discovery and their next neighbour.
    way: Vec<(u32, u32, u32)>,
}

impl<'a> StrongSearch<'a> {
    fn over(rows: &'a Rowed<'a>) -> Self {
        let count = rows.count() as usize;
        let (open, way) = (Vec::new(), Vec::new());
        Self { rows, low: vec![0; count], found: 0, roots: vec![NONE; count], open, way }
    }

    fn from(&mut self, start: u32) {
        if self.low[start as usize] == 0 {
            self.enter(start);
        }
        while let Some((node, discovered, next)) = self.way.last_mut() {
            let node = *node;
            if let Some(target) = self.rows.of_node(node).get(*next as usize).copied() {
                *next += 1;
                if self.low[target as usize] == 0 {
                    self.enter(target);
                } else if self.roots[target as usize] == NONE {
                    self.lower(node, self.low[target as usize]);
                }
                continue;
            }
            let is_root = self.low[node as usize] == *discovered;
            self.way.pop();
            if is_root {
                self.close(node);
            } else if let Some((before, _, _)) = self.way.last() {
                self.lower(*before, self.low[node as usize]);
            }
        }
    }

    fn enter(&mut self, node: u32) {
        self.found += 1;
        self.low[node as usize] = self.found;
        self.open.push(node);
        self.way.push((node, self.found, 0));
    }

    fn lower(&mut self, node: u32, low: u32) {
        let own = &mut self.low[node as usize];
        *own = (*own).min(low);
    }

    fn close(&mut self, root: u32) {
        while let Some(node) = self.open.pop() {
            self.roots[node as usize] = root;
            if node == root {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::follow::Rule;
    use super::super::model::{Model, node};
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn of_type(model: &Model, edge_type: u32) -> Model {
        let edges = model.edges.iter().filter(|edge| edge.edge_type == edge_type);
        Model { edges: edges.copied().collect() }
    }

    /// Which nodes each node leads to.
    fn reach(model: &Model, sides: &[Side]) -> BTreeMap<NodeId, BTreeSet<NodeId>> {
        let rules: Vec<Rule> =
            sides.iter().map(|side| Rule { side: *side, edge_type: None }).collect();
        let nodes = model.nodes().into_iter();
        nodes
            .map(|node| {
                let costs = model.costs(node, &rules, &|_| true, &|_| 1.0);
                (node, costs.into_keys().collect())
            })
            .collect()
    }

    #[track_caller]
    fn check(found: &Components, nodes: &BTreeSet<NodeId>, same: impl Fn(NodeId, NodeId) -> bool) {
        for a in nodes {
            for b in nodes {
                assert_eq!(found.of(*a) == found.of(*b), same(*a, *b), "{a} {b}");
            }
        }
        let groups = found.groups();
        assert_eq!(groups.len(), found.count());
        assert_eq!(groups.iter().flatten().collect::<BTreeSet<_>>(), nodes.iter().collect());
        assert!(groups.is_sorted_by(|a, b| { (b.len(), a.first()) <= (a.len(), b.first()) }));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn components_hold_what_reaches_each_other(model in Model::any(16, 24), typed: bool) {
            let graph = model.graph();
            let (part, types): (_, &[&str]) =
                if typed { (of_type(&model, 1), &["t1"]) } else { (model, &[]) };
            let weak = reach(&part, &[Side::Out, Side::In]);
            let found = graph.weak_components(types).unwrap();
            check(&found, &part.nodes(), |a, b| weak[&a].contains(&b));
            let strong = reach(&part, &[Side::Out]);
            let found = graph.strong_components(types).unwrap();
            check(&found, &part.nodes(), |a, b| {
                strong[&a].contains(&b) && strong[&b].contains(&a)
            });
            prop_assert_eq!(found.of(node(99)), None);
        }

        #[test]
        fn an_order_leads_forward_or_a_cycle_is_shown(model in Model::any(16, 14), typed: bool) {
            let graph = model.graph();
            let (part, types): (_, &[&str]) =
                if typed { (of_type(&model, 1), &["t1"]) } else { (model, &[]) };
            match graph.topological_order(types).unwrap() {
                Order::Sorted(order) => {
                    let place = |id| order.iter().position(|node| *node == id).unwrap();
                    prop_assert_eq!(order.len(), part.nodes().len());
                    for edge in &part.edges {
                        prop_assert!(place(edge.source) < place(edge.target));
                    }
                }
                Order::Cycle(cycle) => {
                    prop_assert!(!cycle.is_empty());
                    let distinct: BTreeSet<_> = cycle.iter().collect();
                    prop_assert_eq!(distinct.len(), cycle.len());
                    for (from, to) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
                        let leads = |edge: &super::super::model::Arrow| {
                            (edge.source, edge.target) == (*from, *to)
                        };
                        prop_assert!(part.edges.iter().any(leads));
                    }
                }
            }
        }
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let edges: Vec<(u64, u64)> = (0..50_000).map(|number| (number, number + 1)).collect();
        let graph = Model::of(&edges).graph();
        assert_eq!(graph.strong_components(&[]).unwrap().count(), 50_001);
        assert_eq!(graph.weak_components(&[]).unwrap().count(), 1);
        let order = graph.topological_order(&[]).unwrap();
        assert!(matches!(order, Order::Sorted(order) if order.len() == 50_001));
    }
}
