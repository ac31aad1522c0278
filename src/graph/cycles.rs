//! Cycles: whether there are any, one of them, or all up to a length and a number.

use super::algorithm::{NONE, Order, Rowed, strong_roots};
use super::snapshot::Snapshot;
use super::view::{NodeMap as _, Side, Stamped};
use super::{Graph, GraphView as _};
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::base::limits::CYCLES_DEFAULT;

/// A search for cycles. Made by [`Graph::cycles`].
///
/// A cycle follows edges along their direction, meets no node twice and ends where it began. A loop
/// is a cycle of one node. Parallel edges make no further cycles: one is told by its nodes.
///
/// ```no_run
/// # fn show(graph: &engraph::graph::Graph) -> engraph::Result<()> {
/// for cycle in graph.cycles().edge_types(&["depends_on"]).length_max(6).find()? {
///     println!("{cycle:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a search does nothing until `find`"]
pub struct CycleSearch<'g> {
    graph: &'g Graph,
    edge_types: Option<Vec<u32>>,
    length_max: usize,
    cycles_max: usize,
}

impl Graph {
    /// Starts a search for cycles; see [`CycleSearch`].
    pub fn cycles(&self) -> CycleSearch<'_> {
        let (length_max, cycles_max) = (usize::MAX, CYCLES_DEFAULT);
        CycleSearch { graph: self, edge_types: None, length_max, cycles_max }
    }

    /// One cycle along the direction of edges: each node has an edge to the next, the last to the
    /// first. `None` when there is none. Linear. Counts edges of the named types, of all types when
    /// none is named.
    ///
    /// # Errors
    /// As [`Graph::snapshot`].
    pub fn find_cycle(&self, edge_types: &[&str]) -> Result<Option<Vec<NodeId>>> {
        Ok(match self.topological_order(edge_types)? {
            Order::Sorted(_) => None,
            Order::Cycle(cycle) => Some(cycle),
        })
    }

    /// Whether there is a cycle, as [`Graph::find_cycle`] finds it.
    ///
    /// # Errors
    /// As [`Graph::snapshot`].
    pub fn has_cycle(&self, edge_types: &[&str]) -> Result<bool> {
        self.find_cycle(edge_types).map(|cycle| cycle.is_some())
    }
}

impl CycleSearch<'_> {
    /// Counts edges of these types only; of all types when none is named.
    pub fn edge_types(mut self, edge_types: &[&str]) -> Self {
        self.edge_types = self.graph.numbers_of(edge_types);
        self
    }

    /// Finds cycles of at most so many nodes. No bound unless told otherwise.
    pub fn length_max(mut self, length_max: usize) -> Self {
        self.length_max = length_max;
        self
    }

    /// Stops after so many cycles; after 1 000 unless told otherwise, because even small graphs can
    /// have more than can be counted.
    pub fn cycles_max(mut self, cycles_max: usize) -> Self {
        self.cycles_max = cycles_max;
        self
    }

    /// The cycles, shortest first, each from its smallest node on; of equal length in the order of
    /// their nodes. Which are found, when there are more, is the same every time.
    ///
    /// Without a bound on the length it is O((n + m) (c + 1)) for `c` cycles (Johnson 1975), with a
    /// bound `k` O((n + m) k (c + n)) at worst, but each node costs only what lies within `k` edges
    /// of it (Gupta and Suzumura 2021). petgraph lists paths between two nodes only, by trying all.
    ///
    /// # Errors
    /// As [`Graph::snapshot`].
    pub fn find(&self) -> Result<Vec<Vec<NodeId>>> {
        let snapshot = self.graph.snapshot()?;
        let mut search = Search::over(&snapshot, self.edge_types.as_deref());
        search.length_max = search.length_max.min(self.length_max);
        search.run(self.cycles_max);
        let named = |cycle: &Vec<u32>| {
            let smallest = (0..cycle.len()).min_by_key(|place| cycle[*place]).unwrap_or(0);
            let nodes = cycle.iter().cycle().skip(smallest).take(cycle.len());
            nodes.map(|node| snapshot.id(*node)).collect()
        };
        let mut cycles: Vec<Vec<NodeId>> = search.cycles.iter().map(named).collect();
        cycles.sort_unstable_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        Ok(cycles)
    }
}

/// A node on the way from the start.
struct Frame {
    node: u32,
    next: usize,
    /// The fewest edges from it back to the start of all ways that were found.
    back: usize,
}

/// No way back was found.
const FAR: usize = usize::MAX;

struct Search<'a> {
    /// Where edges lead, each neighbour once.
    out: Rowed<'a>,
    inward: Rowed<'a>,
    length_max: usize,
    /// By node: the node that stands for its strong component. `NONE` once all cycles through the
    /// node are known; it is then as good as gone.
    roots: Vec<u32>,
    /// A node may be entered when fewer nodes than this are on the way: with more, a cycle would be
    /// too long or meet a node twice, as far as is known.
    locks: Stamped<usize>,
    on_way: Vec<bool>,
    way: Vec<Frame>,
    waiting: Vec<(u32, usize)>,
    cycles: Vec<Vec<u32>>,
    /// Edges looked at since components were last found.
    work: usize,
}

impl<'a> Search<'a> {
    fn over(snapshot: &'a Snapshot, edge_types: Option<&[u32]>) -> Self {
        let mut out = Rowed::of(snapshot, edge_types, Side::Out);
        out.dedup();
        let count = out.count() as usize;
        Self {
            roots: strong_roots(&out),
            out,
            inward: Rowed::of(snapshot, edge_types, Side::In),
            length_max: count,
            locks: Stamped::default(),
            on_way: vec![false; count],
            way: Vec::new(),
            waiting: Vec::new(),
            cycles: Vec::new(),
            work: 0,
        }
    }

    /// Finds the cycles through one node after the other, which is then gone. Nodes with many edges
    /// come first, so that they are not met again and again from each of their neighbours.
    fn run(&mut self, cycles_max: usize) {
        if self.length_max == 0 {
            return;
        }
        let mut order: Vec<u32> = (0..self.out.count()).collect();
        let degree = |node: &u32| self.out.degree(*node).min(self.inward.degree(*node));
        order.retain(|node| degree(node) > 0);
        order.sort_by_key(|node| std::cmp::Reverse(degree(node)));
        let size = self.out.count() as usize + self.inward.edges();
        for start in order {
            if self.cycles.len() >= cycles_max {
                return;
            }
            // Without the nodes that are gone components fall apart, and what is in none is
            // spared. Done when as much was searched, it never costs more than the search.
            if self.work > size {
                let roots = &self.roots;
                let same = |a: u32, b: u32| {
                    roots[a as usize] != NONE && roots[a as usize] == roots[b as usize]
                };
                let mut found = strong_roots(&self.out.retain(same));
                for (found, root) in found.iter_mut().zip(roots) {
                    if *root == NONE {
                        *found = NONE;
                    }
                }
                self.roots = found;
                self.work = 0;
            }
            self.lock_by_distance(start);
            self.through(start, cycles_max);
            self.roots[start as usize] = NONE;
        }
    }

    /// Locks every node by its distance to the start; those too far away are left out.
    fn lock_by_distance(&mut self, start: u32) {
        self.locks.reset(self.roots.len());
        self.locks.insert(start, 0);
        let mut level = vec![start];
        let mut next = Vec::new();
        for lock in (1..self.length_max).rev() {
            for node in &level {
                let sources = self.inward.of_node(*node);
                self.work += sources.len();
                for source in sources {
                    let same = self.roots[*source as usize] == self.roots[start as usize];
                    // `length_max - distance + 1`.
                    if same && !self.locks.contains(*source) {
                        self.locks.insert(*source, lock + 1);
                        next.push(*source);
                    }
                }
            }
            if next.is_empty() {
                return;
            }
            level.clear();
            std::mem::swap(&mut level, &mut next);
        }
    }

    fn through(&mut self, start: u32, cycles_max: usize) {
        self.enter(start);
        while let Some(frame) = self.way.last_mut() {
            let Some(other) = self.out.of_node(frame.node).get(frame.next).copied() else {
                self.leave();
                continue;
            };
            frame.next += 1;
            self.work += 1;
            if other == start {
                frame.back = 1;
                self.cycles.push(self.way.iter().map(|frame| frame.node).collect());
                if self.cycles.len() >= cycles_max {
                    break;
                }
            } else if self.locks.get(other).is_some_and(|lock| self.way.len() < lock) {
                self.enter(other);
            }
        }
        for frame in self.way.drain(..) {
            self.on_way[frame.node as usize] = false;
        }
    }

    fn enter(&mut self, node: u32) {
        self.locks.insert(node, self.way.len());
        self.on_way[node as usize] = true;
        self.way.push(Frame { node, next: 0, back: FAR });
    }

    fn leave(&mut self) {
        let Some(frame) = self.way.pop() else { return };
        self.on_way[frame.node as usize] = false;
        let Some(above) = self.way.last_mut().filter(|_| frame.back != FAR) else { return };
        above.back = above.back.min(frame.back + 1);
        self.unlock(frame.node, frame.back);
    }

    /// There is a way back from a node, of so many edges: it and what leads to it may be entered
    /// wherever that leaves a cycle short enough.
    fn unlock(&mut self, node: u32, back: usize) {
        self.waiting.push((node, back));
        while let Some((node, back)) = self.waiting.pop() {
            let lock = (self.length_max + 1).saturating_sub(back);
            if self.locks.get(node).is_none_or(|old| old >= lock) {
                continue;
            }
            self.locks.insert(node, lock);
            let sources = self.inward.of_node(node);
            self.work += sources.len();
            for source in sources {
                if !self.on_way[*source as usize] {
                    self.waiting.push((*source, back + 1));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Model, node};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// All cycles whose smallest node comes first, by trying every way.
    fn by_trying(model: &Model, length_max: usize) -> Vec<Vec<NodeId>> {
        let arcs: BTreeSet<(NodeId, NodeId)> =
            model.edges.iter().map(|edge| (edge.source, edge.target)).collect();
        let mut ways: Vec<Vec<NodeId>> = model.nodes().into_iter().map(|id| vec![id]).collect();
        let mut cycles = Vec::new();
        while let Some(way) = ways.pop() {
            let last = way[way.len() - 1];
            if way.len() <= length_max && arcs.contains(&(last, way[0])) {
                cycles.push(way.clone());
            }
            for (_, next) in arcs.iter().filter(|(from, _)| *from == last) {
                if *next > way[0] && !way.contains(next) {
                    ways.push([&way[..], &[*next]].concat());
                }
            }
        }
        cycles.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        cycles
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(192))]
        #[test]
        fn cycles_are_those_that_trying_finds(
            model in Model::any(7, 26),
            typed: bool,
            length_max in prop_oneof![0_usize..8, Just(usize::MAX)],
        ) {
            let graph = model.graph();
            let (part, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let expected = by_trying(&part, length_max);
            let search = graph.cycles().edge_types(types).length_max(length_max);
            let found = search.clone().cycles_max(usize::MAX).find().unwrap();
            prop_assert_eq!(&found, &expected);
            let some = search.cycles_max(3).find().unwrap();
            prop_assert_eq!(some.len(), expected.len().min(3));
            prop_assert!(some.iter().all(|cycle| expected.contains(cycle)));
            let all = by_trying(&part, usize::MAX);
            prop_assert_eq!(graph.has_cycle(types).unwrap(), !all.is_empty());
        }
    }

    #[test]
    fn components_are_found_again_as_nodes_go() {
        // Rings on a chain of one-way bridges, of growing length; each start breaks one ring.
        let mut edges = Vec::new();
        let mut first = 0;
        for length in 2..40 {
            edges.extend((0..length).map(|step| (first + step, first + (step + 1) % length)));
            edges.push((first, first + length));
            first += length;
        }
        let graph = Model::of(&edges).graph();
        let found = graph.cycles().find().unwrap();
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), (2..40).collect::<Vec<_>>());
        assert_eq!(graph.cycles().length_max(10).find().unwrap().len(), 9);
    }

    #[test]
    fn shapes_made_to_hurt_are_done() {
        let dense: Vec<(u64, u64)> =
            (0..31).flat_map(|a| (0..31).map(move |b| (a, b))).filter(|(a, b)| a != b).collect();
        let graph = Model::of(&dense).graph();
        assert_eq!(graph.cycles().find().unwrap().len(), CYCLES_DEFAULT);
        let pairs = graph.cycles().length_max(2).find().unwrap();
        assert_eq!(pairs.len(), 31 * 30 / 2);

        let ring: Vec<(u64, u64)> = (0..30_000).map(|a| (a, (a + 1) % 30_000)).collect();
        let graph = Model::of(&ring).graph();
        assert_eq!(graph.cycles().find().unwrap()[0].len(), 30_000);
        assert!(graph.cycles().length_max(100).find().unwrap().is_empty());
        assert_eq!(graph.find_cycle(&[]).unwrap().unwrap()[0], node(0));

        let star: Vec<(u64, u64)> = (1..3_000).flat_map(|leaf| [(0, leaf), (leaf, 0)]).collect();
        let found = Model::of(&star).graph().cycles().cycles_max(usize::MAX).find().unwrap();
        assert_eq!(found.len(), 2_999);
    }
}
