//! Triangles, and how much of what could be one is one.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Graph;
use super::parallel;
use super::snapshot::Snapshot;
use super::undirected::Undirected;
use crate::base::error::Result;
use crate::base::id::NodeId;

/// Nodes that a thread takes at a time: few enough to share dense parts, enough to be worth it.
const CHUNK: usize = 64;

/// The triangles of every node. Made by [`Graph::triangles`].
#[derive(Clone, Debug)]
pub struct Triangles {
    snapshot: Arc<Snapshot>,
    /// By dense number: triangles, and distinct neighbours; `None` where no edge counts.
    nodes: Vec<Option<(u64, u32)>>,
    total: u64,
}

impl Triangles {
    /// How many triangles there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many triangles a node is a corner of. `None` when it has no edge that counts.
    pub fn of(&self, node: NodeId) -> Option<u64> {
        self.get(node).map(|(triangles, _)| triangles)
    }

    /// The part of the pairs of a node's neighbours that are neighbours themselves, 0 to 1; 0 with
    /// fewer than two neighbours. `None` when it has no edge that counts.
    pub fn clustering(&self, node: NodeId) -> Option<f64> {
        self.get(node).map(local)
    }

    /// Every node that has an edge that counts, in the order of the nodes, and how many triangles
    /// it is a corner of.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, u64)> {
        let known = self.snapshot.nodes.iter().zip(&self.nodes);
        known.filter_map(|(node, known)| known.map(|(triangles, _)| (*node, triangles)))
    }

    /// The mean of [`Triangles::clustering`] over all nodes that have one; 0 when none has
    /// (Watts and Strogatz 1998).
    pub fn clustering_mean(&self) -> f64 {
        let (sum, count) = (self.nodes.iter().flatten())
            .fold((0.0, 0_u32), |(sum, count), node| (sum + local(*node), count + 1));
        if count == 0 { 0.0 } else { sum / f64::from(count) }
    }

    /// The part of the paths of two edges that are closed by a third, 0 to 1: the global clustering
    /// coefficient, or transitivity. 0 when there is no such path.
    pub fn transitivity(&self) -> f64 {
        let paths: f64 = self.nodes.iter().flatten().map(|(_, degree)| pairs_of(*degree)).sum();
        if paths > 0.0 { 3.0 * self.total as f64 / paths } else { 0.0 }
    }

    fn get(&self, node: NodeId) -> Option<(u64, u32)> {
        self.nodes[self.snapshot.index_of(node)? as usize]
    }
}

fn local((triangles, degree): (u64, u32)) -> f64 {
    let pairs = pairs_of(degree);
    if pairs > 0.0 { triangles as f64 / pairs } else { 0.0 }
}

fn pairs_of(degree: u32) -> f64 {
    f64::from(degree) * (f64::from(degree) - 1.0) / 2.0
}

impl Graph {
    /// Counts triangles: three nodes that are neighbours of each other. Directions are ignored,
    /// parallel edges count once, loops not at all. Counts edges of the named types, of all types
    /// when none is named.
    ///
    /// Every pair leads from the node with fewer neighbours to the one with more, so that no list
    /// is longer than the root of twice the edges (`forward`, Schank and Wagner 2005; Latapy 2008):
    /// O(m^1.5), on all processors.
    ///
    /// # Errors
    /// As [`Graph::snapshot`].
    pub fn triangles(&self, edge_types: &[&str]) -> Result<Triangles> {
        let snapshot = self.snapshot()?;
        let pairs = Undirected::of(&snapshot, self.numbers_of(edge_types).as_deref(), |_, _| ())?;
        let ranked = Ranked::of(&pairs);
        let threads = parallel::threads_for(ranked.targets.len());
        let counts = ranked.count(threads);
        let nodes = (0..).zip(&ranked.ranks).map(|(node, rank)| {
            let known = (counts[*rank as usize], pairs.degree(node) as u32);
            pairs.touched[node as usize].then_some(known)
        });
        let nodes = nodes.collect();
        // Each was counted at its three corners.
        let total = counts.iter().sum::<u64>() / 3;
        Ok(Triangles { snapshot, nodes, total })
    }
}

/// The pairs, each from its end of fewer neighbours; nodes numbered in that order.
struct Ranked {
    ranks: Vec<u32>,
    /// Rank -> its first target; one more at the end.
    starts: Vec<usize>,
    targets: Vec<u32>,
}

impl Ranked {
    fn of(pairs: &Undirected<()>) -> Self {
        let mut order: Vec<u32> = (0..pairs.len() as u32).collect();
        order.sort_by_key(|node| pairs.degree(*node));
        let mut ranks = vec![0; order.len()];
        for (rank, node) in (0..).zip(&order) {
            ranks[*node as usize] = rank;
        }
        let mut starts = vec![0];
        let mut targets = Vec::with_capacity(pairs.neighbors.len() / 2);
        for (rank, node) in (0..).zip(&order) {
            let start = targets.len();
            let others = pairs.of_node(*node).iter().map(|other| ranks[*other as usize]);
            targets.extend(others.filter(|other| *other > rank));
            targets[start..].sort_unstable();
            starts.push(targets.len());
        }
        Self { ranks, starts, targets }
    }

    fn of_rank(&self, rank: usize) -> &[u32] {
        &self.targets[self.starts[rank]..self.starts[rank + 1]]
    }

    /// The triangles of each rank. Counts are whole numbers, so that it does not matter which
    /// thread counts what.
    fn count(&self, threads: usize) -> Vec<u64> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut counting = Counting::over(self);
            loop {
                let first = next.fetch_add(CHUNK, Ordering::Relaxed);
                if first >= self.ranks.len() {
                    return counting.counts;
                }
                counting.take(first..self.ranks.len().min(first + CHUNK));
            }
        };
        parallel::sum_of(threads, work)
    }
}

/// What one thread has counted.
struct Counting<'a> {
    ranked: &'a Ranked,
    counts: Vec<u64>,
    /// A bit for each target of the present rank: it fits the nearest cache where words would not.
    marks: Vec<u64>,
}

impl<'a> Counting<'a> {
    fn over(ranked: &'a Ranked) -> Self {
        let count = ranked.ranks.len();
        Self { ranked, counts: vec![0; count], marks: vec![0; count.div_ceil(64)] }
    }

    fn take(&mut self, ranks: Range<usize>) {
        for rank in ranks {
            let targets = self.ranked.of_rank(rank);
            if targets.len() < 2 {
                continue;
            }
            for target in targets {
                self.marks[*target as usize / 64] |= 1 << (target % 64);
            }
            let mut own = 0;
            for middle in targets {
                let mut found = 0;
                for last in self.ranked.of_rank(*middle as usize) {
                    let closed = self.marks[*last as usize / 64] >> (last % 64) & 1;
                    found += closed;
                    self.counts[*last as usize] += closed;
                }
                self.counts[*middle as usize] += found;
                own += found;
            }
            self.counts[rank] += own;
            for target in targets {
                self.marks[*target as usize / 64] = 0;
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn triangles_are_those_of_three_loops(model in Model::any(14, 70), typed: bool) {
            let graph = model.graph();
            let (part, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let found = graph.triangles(types).unwrap();
            let nodes: Vec<NodeId> = part.nodes().into_iter().collect();
            let pairs: BTreeSet<(NodeId, NodeId)> = (part.edges.iter())
                .flat_map(|edge| [(edge.source, edge.target), (edge.target, edge.source)])
                .filter(|(a, b)| a != b)
                .collect();
            let (mut corners, mut paths, mut mean) = (0, 0, 0.0);
            for a in &nodes {
                let (mut closed, mut open) = (0_u64, 0_u64);
                for (b, c) in nodes.iter().flat_map(|b| nodes.iter().map(move |c| (b, c))) {
                    if b < c && pairs.contains(&(*a, *b)) && pairs.contains(&(*a, *c)) {
                        open += 1;
                        closed += u64::from(pairs.contains(&(*b, *c)));
                    }
                }
                prop_assert_eq!(found.of(*a), Some(closed), "{}", a);
                let local = if open > 0 { closed as f64 / open as f64 } else { 0.0 };
                prop_assert!((found.clustering(*a).unwrap() - local).abs() < 1e-12);
                mean += local / nodes.len() as f64;
                corners += closed;
                paths += open;
            }
            prop_assert_eq!(3 * found.total(), corners);
            let closed = if paths > 0 { corners as f64 / paths as f64 } else { 0.0 };
            prop_assert!((found.transitivity() - closed).abs() < 1e-12);
            prop_assert!((found.clustering_mean() - mean).abs() < 1e-12);
            prop_assert_eq!(found.of(node(99)), None);
            let listed: Vec<_> = found.iter().collect();
            let each = |node: &NodeId| found.of(*node).map(|triangles| (*node, triangles));
            prop_assert_eq!(listed, nodes.iter().filter_map(each).collect::<Vec<_>>());
        }
    }

    #[test]
    fn threads_do_not_change_what_is_counted() {
        // Steps close as 1 + 1 = 2, 2 + 5 = 7 and 5 + 2 = 7: three triangles from each node.
        let edges: Vec<(u64, u64)> =
            (0..400).flat_map(|a| [1, 2, 5, 7].map(|by| (a, (a + by) % 400))).collect();
        let pairs = Undirected::of(&Model::of(&edges).snapshot(), None, |_, _| ()).unwrap();
        let ranked = Ranked::of(&pairs);
        let alone = ranked.count(1);
        assert_eq!(alone.iter().sum::<u64>(), 3 * 3 * 400);
        for threads in [2, 5] {
            assert_eq!(ranked.count(threads), alone);
        }
    }

    #[test]
    fn a_hub_is_no_burden() {
        let mut edges: Vec<(u64, u64)> = (1..3_000).map(|leaf| (0, leaf)).collect();
        edges.push((1, 2));
        let found = Model::of(&edges).graph().triangles(&[]).unwrap();
        assert_eq!((found.total(), found.of(node(0)), found.of(node(3))), (1, Some(1), Some(0)));
    }
}
