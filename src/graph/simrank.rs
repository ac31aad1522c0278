//! SimRank: two nodes are alike if those that lead to them are alike (Jeh, Widom: SimRank: a
//! measure of structural-context similarity, 2002).
//!
//! `s(a, a) = 1`, and else `s(a, b)` is the decay times the mean of `s(i, j)` over all `i` that
//! lead to `a` and all `j` that lead to `b`, 0 where there are none. Neighbours are sets, as in
//! [`super::similarity`]; a self loop leads a node to itself. networkx takes the same edges on its
//! directed graphs.
//!
//! The recursion is cut off at a depth: the result is too small by at most `decay ^ (depth + 1)`,
//! in practice by far less. It is followed for the pairs that are asked about only, each at each
//! depth once, so that a query costs what lies above them and not the square of the graph. Where
//! that is too much, the similarities of one node can be estimated from random walks.

use super::local::{LocalMap, LocalSet, Which};
use super::parallel::{fold, runs_of, threads_of};
use super::part::{Loops, Part, Rows};
use super::random::Random;
use super::scores::top_of;
use super::view::GraphView;
use super::{Direction, Graph, on_view};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::SIMRANK_PAIRS_MAX;

/// How [`Graph::simrank`] and [`Graph::simrank_from`] are computed.
#[derive(Clone, Debug, PartialEq)]
pub struct SimRank {
    decay: f64,
    depth: usize,
    direction: Direction,
    /// How many walks, and the seed that leads them.
    sampled: Option<(usize, u64)>,
    threads: usize,
}

impl Default for SimRank {
    fn default() -> Self {
        Self { decay: 0.8, depth: 5, direction: Direction::In, sampled: None, threads: 0 }
    }
}

impl SimRank {
    /// A decay of 0.8, to a depth of 5, by the nodes that lead to a node.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How much of the likeness of neighbours is passed on, above 0 and below 1.
    #[must_use]
    pub fn decay(mut self, decay: f64) -> Self {
        self.decay = decay;
        self
    }

    /// How many steps away from the nodes neighbours are compared.
    #[must_use]
    pub fn depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// [`Direction::In`], the default, compares those that lead to the nodes, [`Direction::Out`]
    /// those that the nodes lead to, [`Direction::Both`] either.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Lets [`Graph::simrank_from`] estimate: so many times, a random walk goes back from every
    /// node and is compared with that of the node asked about. The seed chooses the ways.
    #[must_use]
    pub fn sampled(mut self, walks: usize, seed: u64) -> Self {
        self.sampled = Some((walks, seed));
        self
    }

    /// Uses so many threads for samples; 0, the default, means as many as the machine has. The
    /// result is the same bit for bit.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    fn check(&self) -> Result<()> {
        if !(self.decay > 0.0 && self.decay < 1.0) {
            let reason = format!("{} is not above 0 and below 1", self.decay);
            return Err(Error::invalid("decay", reason));
        }
        if self.sampled.is_some_and(|(walks, _)| walks == 0) {
            return Err(Error::invalid("walks", "there has to be one at least"));
        }
        Ok(())
    }
}

impl Graph {
    /// The SimRank of two nodes, from 0 to 1. Follows pairs of neighbours to the depth, each pair
    /// at each depth once.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a decay that is not between 0 and 1; [`Error::Limit`] when more pairs
    /// would have to be followed than memory is meant for: a smaller depth helps;
    /// [`Error::Corrupt`] when adjacency blocks are damaged.
    pub fn simrank(
        &self,
        edge_types: &[&str],
        nodes: (NodeId, NodeId),
        options: &SimRank,
    ) -> Result<f64> {
        options.check()?;
        if nodes.0 == nodes.1 {
            return Ok(1.0);
        }
        let which = Which { direction: options.direction, edge_types: self.numbers_of(edge_types) };
        on_view!(self, view => {
            let (Some(a), Some(b)) = (view.find(nodes.0), view.find(nodes.1)) else {
                return Ok(0.0);
            };
            let mut pairs = Pairs::new(view, &which);
            let found = pairs.follow(vec![ordered(a, b)], options)?;
            Ok(found.get(&ordered(a, b)).copied().unwrap_or(0.0))
        })
    }

    /// The nodes of the highest SimRank with one, highest first, of equals the smallest node first;
    /// none whose SimRank is 0.
    ///
    /// Exact up to the depth, at the cost of all pairs of the node with a candidate; or, when
    /// [`SimRank::sampled`], an estimate without bias whose error falls with the root of the number
    /// of walks, in time of walks times depth times nodes (Fogaras, Racz: Scaling link-based
    /// similarity search, 2005).
    ///
    /// # Errors
    /// As [`Graph::simrank`]; with samples also as [`Graph::snapshot`].
    pub fn simrank_from(
        &self,
        edge_types: &[&str],
        node: NodeId,
        nodes_max: usize,
        options: &SimRank,
    ) -> Result<Vec<(NodeId, f64)>> {
        options.check()?;
        if let Some(sampled) = options.sampled {
            let snapshot = self.snapshot()?;
            let part = Part::of(&snapshot, self.numbers_of(edge_types));
            return Ok(top_of(estimate(&part, node, sampled, options), nodes_max));
        }
        let which = Which { direction: options.direction, edge_types: self.numbers_of(edge_types) };
        let found = on_view!(self, view => from_one(view, &which, node, options)?);
        Ok(top_of(found, nodes_max))
    }
}

type Pair<N> = (N, N);

/// SimRank is the same both ways.
fn ordered<N: Ord>(a: N, b: N) -> Pair<N> {
    if a <= b { (a, b) } else { (b, a) }
}

/// Pairs that are followed upwards.
struct Pairs<'a, V: GraphView> {
    view: &'a V,
    which: &'a Which,
    /// The neighbours of the nodes that were met.
    lists: LocalMap<V::Node, Vec<V::Node>>,
    /// How many pairs of neighbours were looked at.
    seen: usize,
}

impl<'a, V: GraphView> Pairs<'a, V> {
    fn new(view: &'a V, which: &'a Which) -> Self {
        Self { view, which, lists: LocalMap::default(), seen: 0 }
    }

    /// The scores of distinct pairs of different nodes, those above 0.
    fn follow(
        &mut self,
        pairs: Vec<Pair<V::Node>>,
        options: &SimRank,
    ) -> Result<LocalMap<Pair<V::Node>, f64>> {
        let mut levels = Vec::with_capacity(options.depth);
        let mut level = pairs;
        for _ in 0..options.depth {
            let above = self.above(&level)?;
            levels.push(level);
            level = above;
        }
        let mut scores = LocalMap::default();
        for level in levels.into_iter().rev() {
            let score = |pair: Pair<V::Node>| (pair, options.decay * self.mean(pair, &scores));
            scores = level.into_iter().map(score).filter(|(_, score)| *score > 0.0).collect();
        }
        Ok(scores)
    }

    /// The pairs of different neighbours of pairs.
    fn above(&mut self, level: &[Pair<V::Node>]) -> Result<Vec<Pair<V::Node>>> {
        let mut met: LocalSet<Pair<V::Node>> = LocalSet::default();
        let mut above = Vec::new();
        for (a, b) in level.iter().copied() {
            self.learn(a)?;
            self.learn(b)?;
            let (of_a, of_b) = (&self.lists[&a], &self.lists[&b]);
            self.seen = self.seen.saturating_add(of_a.len().saturating_mul(of_b.len()));
            if self.seen > SIMRANK_PAIRS_MAX {
                let (max, found) = (SIMRANK_PAIRS_MAX as u64, self.seen as u64);
                return Err(Error::Limit { what: "pairs of SimRank".to_owned(), max, found });
            }
            for i in of_a {
                for j in of_b.iter().filter(|j| *j != i) {
                    let pair = ordered(*i, *j);
                    if met.insert(pair) {
                        above.push(pair);
                    }
                }
            }
        }
        Ok(above)
    }

    fn learn(&mut self, node: V::Node) -> Result<()> {
        if !self.lists.contains_key(&node) {
            self.lists.insert(node, self.which.neighbors(self.view, node)?);
        }
        Ok(())
    }

    fn mean(&self, (a, b): Pair<V::Node>, scores: &LocalMap<Pair<V::Node>, f64>) -> f64 {
        let (of_a, of_b) = (&self.lists[&a], &self.lists[&b]);
        if of_a.is_empty() || of_b.is_empty() {
            return 0.0;
        }
        let mut sum = 0.0;
        for i in of_a {
            for j in of_b {
                sum +=
                    if i == j { 1.0 } else { scores.get(&ordered(*i, *j)).copied().unwrap_or(0.0) };
            }
        }
        sum / (of_a.len() as f64 * of_b.len() as f64)
    }
}

/// The scores of one node with all others, those above 0.
fn from_one<V: GraphView>(
    view: &V,
    which: &Which,
    node: NodeId,
    options: &SimRank,
) -> Result<Vec<(NodeId, f64)>> {
    let Some(node) = view.find(node) else { return Ok(Vec::new()) };
    // Who has a node above it at the same distance as this node has: up to the farthest, and down
    // again, with those at each distance joined on the way.
    let mut layers = vec![vec![node]];
    for _ in 0..options.depth {
        let last = layers.last().map_or(&[][..], Vec::as_slice);
        layers.push(around(view, which, last)?);
    }
    let back = which.reversed();
    let mut found = Vec::new();
    for layer in layers.into_iter().rev() {
        found = around(view, &back, &found)?;
        found.extend(layer);
        found.sort_unstable();
        found.dedup();
    }
    let others = found.into_iter().filter(|other| *other != node);
    let pairs = others.map(|other| ordered(node, other)).collect();
    let scores = Pairs::new(view, which).follow(pairs, options)?;
    let other = |(a, b)| view.id(if a == node { b } else { a });
    Ok(scores.into_iter().map(|(pair, score)| (other(pair), score)).collect())
}

/// The neighbours of some nodes.
fn around<V: GraphView>(view: &V, which: &Which, nodes: &[V::Node]) -> Result<Vec<V::Node>> {
    let mut found = Vec::new();
    for node in nodes {
        which.for_each(view, *node, |other| found.push(other))?;
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// A walk that has met or cannot go on.
const NOWHERE: u32 = u32::MAX;

/// Where the walks of one sample are.
struct Walkers {
    /// The node that the walk of each node is at.
    places: Vec<u32>,
    /// Where a walk at each node goes next: walks that meet stay together.
    next: Vec<u32>,
}

fn estimate(
    part: &Part<'_>,
    node: NodeId,
    (walks, seed): (usize, u64),
    options: &SimRank,
) -> Vec<(NodeId, f64)> {
    let Some(node) = part.number(node) else { return Vec::new() };
    let count = part.count();
    let rows = part.rows(options.direction).simple(Loops::Keep);
    let mut sums = vec![0.0; count];
    let state = || Walkers { places: vec![0; count], next: vec![0; count] };
    let run = |walkers: &mut Walkers, run: std::ops::Range<usize>| {
        let mut sums = vec![0.0; count];
        for walk in run {
            walkers.run(&rows, node, mixed(seed, walk), options, &mut sums);
        }
        sums
    };
    let merge = |found: Vec<f64>| {
        for (sum, found) in sums.iter_mut().zip(found) {
            *sum += found;
        }
    };
    fold(threads_of(options.threads), runs_of(walks), state, run, merge);
    let means = (0..).zip(sums).filter(|(_, sum)| *sum > 0.0);
    means.map(|(other, sum)| (part.id(other), sum / walks as f64)).collect()
}

/// The seed of one sample.
fn mixed(seed: u64, walk: usize) -> u64 {
    Random::of(seed, walk as u64, 0).next()
}

impl Walkers {
    fn run(&mut self, rows: &Rows<'_>, node: u32, seed: u64, options: &SimRank, sums: &mut [f64]) {
        for (own, place) in (0..).zip(&mut self.places) {
            *place = own;
        }
        let mut worth = 1.0;
        for step in 0..options.depth as u64 {
            worth *= options.decay;
            for (own, next) in (0..).zip(&mut self.next) {
                let row = rows.of(own);
                *next = match row.len() {
                    0 => NOWHERE,
                    count => row[Random::of(seed, step, u64::from(own)).below(count)],
                };
            }
            for place in self.places.iter_mut().filter(|place| **place != NOWHERE) {
                *place = self.next[*place as usize];
            }
            let goal = self.places[node as usize];
            if goal == NOWHERE {
                return;
            }
            for (other, place) in self.places.iter_mut().enumerate() {
                if *place == goal && other != node as usize {
                    sums[other] += worth;
                    *place = NOWHERE;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::BlocksView;
    use super::super::model::{Model, node};
    use super::super::similarity::tests::members;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// All pairs, by the definition.
    fn naive(model: &Model, options: &SimRank) -> BTreeMap<Pair<NodeId>, f64> {
        let nodes = model.nodes();
        let lists: BTreeMap<NodeId, Vec<NodeId>> = nodes
            .iter()
            .map(|id| (*id, members(model, *id, options.direction).into_iter().collect()))
            .collect();
        let all = nodes.iter().flat_map(|a| nodes.iter().map(|b| (*a, *b)));
        let all: Vec<Pair<NodeId>> = all.collect();
        let mut scores: BTreeMap<_, f64> =
            all.iter().map(|pair| (*pair, f64::from(u8::from(pair.0 == pair.1)))).collect();
        for _ in 0..options.depth {
            let score = |(a, b): &Pair<NodeId>| {
                let (of_a, of_b) = (&lists[a], &lists[b]);
                if a == b || of_a.is_empty() || of_b.is_empty() {
                    return f64::from(u8::from(a == b));
                }
                let pairs = of_a.iter().flat_map(|i| of_b.iter().map(|j| (*i, *j)));
                let sum: f64 = pairs.map(|pair| scores[&pair]).sum();
                options.decay * sum / (of_a.len() * of_b.len()) as f64
            };
            scores = all.iter().map(|pair| (*pair, score(pair))).collect();
        }
        scores
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn scores_are_those_of_the_definition(
            model in Model::any(7, 22),
            typed: bool,
            depth in 0_usize..6,
            direction in prop::sample::select(vec![Direction::Out, Direction::In, Direction::Both]),
        ) {
            let graph = model.graph();
            let rows = model.rows();
            let (part, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let options = SimRank::new().depth(depth).direction(direction);
            let which = Which { direction, edge_types: graph.numbers_of(types) };
            let expected = naive(&part, &options);
            for a in part.nodes() {
                let found = graph.simrank_from(types, a, usize::MAX, &options).unwrap();
                let blocks = from_one(&BlocksView::new(&rows), &which, a, &options).unwrap();
                prop_assert_eq!(&top_of(blocks, usize::MAX), &found);
                for b in part.nodes() {
                    let expected = expected[&(a, b)];
                    let one = graph.simrank(types, (a, b), &options).unwrap();
                    prop_assert!((one - expected).abs() < 1e-12, "{a} {b}: {one} {expected}");
                    if a != b {
                        let listed = found.iter().find(|(id, _)| *id == b);
                        let listed = listed.map_or(0.0, |(_, score)| *score);
                        prop_assert!((listed - expected).abs() < 1e-12);
                    }
                }
            }
            let unknown = graph.simrank(types, (node(98), node(99)), &options).unwrap();
            prop_assert!(unknown.abs() < 1e-15);
        }
    }

    #[test]
    fn samples_estimate_the_scores_for_any_number_of_threads() {
        // Two layers above five nodes, with a circle.
        let edges =
            [(8, 5), (8, 6), (9, 6), (9, 7), (5, 0), (5, 1), (6, 1), (6, 2), (7, 2), (7, 3)];
        let mut edges = edges.to_vec();
        edges.extend([(3, 8), (1, 9), (0, 9), (6, 4)]);
        let model = Model::of(&edges);
        let graph = model.graph();
        let options = SimRank::new();
        let exact = naive(&model, &options);
        let sampled = options.sampled(4_000, 11).threads(1);
        for number in [0, 1, 5] {
            let found = graph.simrank_from(&[], node(number), 20, &sampled).unwrap();
            for threads in [2, 3] {
                let options = sampled.clone().threads(threads);
                let again = graph.simrank_from(&[], node(number), 20, &options).unwrap();
                assert_eq!(again, found);
            }
            for other in model.nodes().into_iter().filter(|other| *other != node(number)) {
                let listed = found.iter().find(|(id, _)| *id == other);
                let listed = listed.map_or(0.0, |(_, score)| *score);
                let exact = exact[&(node(number), other)];
                assert!((listed - exact).abs() < 0.025, "{number} {other}: {listed} {exact}");
            }
        }
    }

    #[test]
    fn too_many_pairs_are_refused() {
        let count = 2_100_u64;
        let sources = (0..count).flat_map(|source| [(source, count), (source, count + 1)]);
        let graph = Model::of(&sources.collect::<Vec<_>>()).graph();
        let pair = (node(count), node(count + 1));
        let found = graph.simrank(&[], pair, &SimRank::new());
        assert!(matches!(found, Err(Error::Limit { .. })));
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let graph = Model::of(&[(0, 1)]).graph();
        for options in [
            SimRank::new().decay(0.0),
            SimRank::new().decay(1.0),
            SimRank::new().decay(f64::NAN),
            SimRank::new().sampled(0, 1),
        ] {
            let found = graph.simrank_from(&[], node(0), 5, &options);
            assert!(matches!(found, Err(Error::Invalid { .. })), "{options:?}");
            let found = graph.simrank(&[], (node(0), node(1)), &options);
            assert!(matches!(found, Err(Error::Invalid { .. })), "{options:?}");
        }
    }
}
