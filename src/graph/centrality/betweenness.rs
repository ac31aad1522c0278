//! Betweenness centrality: how many of the shortest paths go through a node.

use super::search::{Search, is_same};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::graph::parallel::{fold, runs_of, threads_of};
use crate::graph::part::{Loops, Part, Rows};
use crate::graph::random::Random;
use crate::graph::scores::Scores;
use crate::graph::{Direction, Graph};

/// How [`Graph::betweenness_centrality`] is computed.
///
/// ```no_run
/// # fn show(graph: &engraph::graph::Graph) -> engraph::Result<()> {
/// use engraph::graph::Betweenness;
/// let options = Betweenness::new().undirected().normalized().pivots(256, 42);
/// let bridges = graph.betweenness_centrality(&["cites"], &options)?.top(10);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Betweenness {
    undirected: bool,
    weighted: bool,
    normalized: bool,
    sources: Sources,
    threads: usize,
}

/// Where searches start.
#[derive(Clone, Debug, Default, PartialEq)]
enum Sources {
    #[default]
    All,
    /// So many, chosen by a seed.
    Drawn(usize, u64),
    Given(Vec<NodeId>),
}

impl Betweenness {
    /// Exact, along the direction of edges, each of length 1, not normalised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes edges both ways; each pair of nodes then counts once.
    #[must_use]
    pub fn undirected(mut self) -> Self {
        self.undirected = true;
        self
    }

    /// Takes the weights of edges for their lengths, instead of 1.
    #[must_use]
    pub fn weighted(mut self) -> Self {
        self.weighted = true;
        self
    }

    /// Divides by the number of pairs of other nodes, so that 1 means to lie on every shortest
    /// path. With two nodes or fewer all scores are 0.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        self.normalized = true;
        self
    }

    /// Counts only the paths that start at so many nodes, chosen by the seed, and scales them up.
    /// With as many pivots as nodes the result is exact.
    #[must_use]
    pub fn pivots(mut self, count: usize, seed: u64) -> Self {
        self.sources = Sources::Drawn(count, seed);
        self
    }

    /// Counts only the paths that start at these nodes, and does not scale them up: what the parts
    /// of a division of all nodes give adds up to the exact result. A node that is named twice
    /// counts twice; one without an edge that counts starts no path. Replaces
    /// [`Betweenness::pivots`], and is replaced by it.
    #[must_use]
    pub fn sources(mut self, nodes: impl IntoIterator<Item = NodeId>) -> Self {
        self.sources = Sources::Given(nodes.into_iter().collect());
        self
    }

    /// Uses so many threads; 0, the default, means as many as the machine has. The result is the
    /// same bit for bit.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }
}

impl Graph {
    /// For each node, the share of the shortest paths between two others that go through it, added
    /// up over all pairs (Freeman: A set of measures of centrality based on betweenness, 1977).
    ///
    /// Computed by Brandes' algorithm (A faster algorithm for betweenness centrality, 2001): a
    /// search from every node, in time of nodes times edges, with a logarithm for weights. With
    /// pivots a search from each of them only (Brandes, Pich: Centrality estimation in large
    /// networks, 2007); the error of a normalised score falls with the root of their number.
    ///
    /// Of parallel edges the shortest counts, once; self loops do not. Numbers of paths are
    /// floating-point numbers and lose their meaning beyond 1e308.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no pivots, and for weights that are negative or not finite, or 0:
    /// then there may be endlessly many shortest paths. Otherwise as [`Graph::snapshot`].
    pub fn betweenness_centrality(
        &self,
        edge_types: &[&str],
        options: &Betweenness,
    ) -> Result<Scores> {
        if let Sources::Drawn(0, _) = options.sources {
            return Err(Error::invalid("pivots", "there has to be one at least"));
        }
        let snapshot = self.snapshot()?;
        let part = Part::of(&snapshot, self.numbers_of(edge_types));
        let direction = if options.undirected { Direction::Both } else { Direction::Out };
        let rows = part.rows_by(options.weighted, direction)?.simple(Loops::Drop);
        if (0..part.count() as u32).any(|node| rows.weights_of(node).contains(&0.0)) {
            return Err(Error::invalid("weight", "0 on an edge, so that paths cannot be counted"));
        }
        let sources = match &options.sources {
            Sources::All => (0..part.count() as u32).collect(),
            Sources::Drawn(wanted, seed) => Random::new(*seed).sample(part.count(), *wanted),
            Sources::Given(nodes) => nodes.iter().filter_map(|node| part.number(*node)).collect(),
        };
        let scale = scale_of(part.count(), sources.len(), options);
        let mut values = vec![0.0; part.count()];
        sum_up(&rows, &sources, threads_of(options.threads), &mut values);
        for value in &mut values {
            *value *= scale;
        }
        let values = part.spread(values);
        drop(part);
        Ok(Scores::new(snapshot, values))
    }
}

/// What sums over the searches are multiplied with.
fn scale_of(nodes: usize, searches: usize, options: &Betweenness) -> f64 {
    let nodes = nodes as f64;
    let pairs = (nodes - 1.0) * (nodes - 2.0);
    let scale = match (options.normalized, options.undirected) {
        (true, _) if pairs > 0.0 => 1.0 / pairs,
        (false, true) => 0.5,
        _ => 1.0,
    };
    match options.sources {
        // With all of them the factor is 1, and the result the exact one to the last bit.
        Sources::Drawn(..) if searches > 0 => scale * (nodes / searches as f64),
        _ => scale,
    }
}

/// Adds what the searches from all sources find.
fn sum_up(rows: &Rows<'_>, sources: &[u32], threads: usize, values: &mut [f64]) {
    let count = values.len();
    let run = |search: &mut Search, run: std::ops::Range<usize>| {
        let mut sums = vec![0.0; count];
        for source in &sources[run] {
            if rows.has_weights() {
                search.by_weight(rows, *source);
                depend::<true>(rows, search, &mut sums);
            } else {
                search.by_hops(rows, *source);
                depend::<false>(rows, search, &mut sums);
            }
        }
        sums
    };
    let merge = |sums: Vec<f64>| {
        for (value, sum) in values.iter_mut().zip(sums) {
            *value += sum;
        }
    };
    fold(threads, runs_of(sources.len()), || Search::over(count), run, merge);
}

/// Adds how far the source of a search depends on each node, farthest nodes first. A node asks its
/// successors, so that no lists of predecessors are kept.
fn depend<const WEIGHTED: bool>(rows: &Rows<'_>, search: &mut Search, sums: &mut [f64]) {
    let marks = &mut search.marks;
    let Some((_, others)) = search.order.split_first() else { return };
    for node in others.iter().rev() {
        let own = marks[*node as usize];
        let weights = rows.weights_of(*node);
        let mut after = 0.0;
        for (place, target) in rows.of(*node).iter().enumerate() {
            let length = if WEIGHTED { f64::from(weights[place]) } else { 1.0 };
            let next = marks[*target as usize];
            if is_same(next.distance, own.distance + length) {
                after += next.paths;
            }
        }
        let dependency = own.paths * after;
        sums[*node as usize] += dependency;
        // From here on only nodes before it ask, for what a path to it is worth.
        marks[*node as usize].paths = (1.0 + dependency) / own.paths;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::model::{Model, node};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// The shortest of parallel edges, without self loops.
    type Lengths = BTreeMap<(NodeId, NodeId), f64>;

    fn lengths(model: &Model, options: &Betweenness) -> Lengths {
        let mut lengths = Lengths::new();
        for edge in model.edges.iter().filter(|edge| edge.source != edge.target) {
            let length = if options.weighted { f64::from(edge.weight) } else { 1.0 };
            let mut ends = vec![(edge.source, edge.target)];
            if options.undirected {
                ends.push((edge.target, edge.source));
            }
            for ends in ends {
                let known = lengths.entry(ends).or_insert(length);
                *known = known.min(length);
            }
        }
        lengths
    }

    /// Every path without a circle from the end of `path`, with its length.
    fn extend(
        lengths: &Lengths,
        path: &mut Vec<NodeId>,
        length: f64,
        found: &mut Vec<(Vec<NodeId>, f64)>,
    ) {
        found.push((path.clone(), length));
        for ((from, to), step) in lengths {
            if path.last() == Some(from) && !path.contains(to) {
                path.push(*to);
                extend(lengths, path, length + step, found);
                path.pop();
            }
        }
    }

    /// By looking at every path there is.
    fn naive(model: &Model, options: &Betweenness) -> BTreeMap<NodeId, f64> {
        let nodes = model.nodes();
        let lengths = lengths(model, options);
        let mut scores: BTreeMap<NodeId, f64> = nodes.iter().map(|node| (*node, 0.0)).collect();
        for from in &nodes {
            let mut found = Vec::new();
            extend(&lengths, &mut vec![*from], 0.0, &mut found);
            for to in nodes.iter().filter(|to| *to != from) {
                let paths: Vec<_> =
                    found.iter().filter(|(path, _)| path.last() == Some(to)).collect();
                let least = paths.iter().map(|path| path.1).fold(f64::INFINITY, f64::min);
                let shortest: Vec<_> = paths.iter().filter(|path| path.1 <= least).collect();
                for (path, _) in &shortest {
                    for between in &path[1..path.len() - 1] {
                        *scores.get_mut(between).unwrap() += 1.0 / shortest.len() as f64;
                    }
                }
            }
        }
        let count = nodes.len() as f64;
        let scale = match (options.normalized, options.undirected) {
            (true, _) => 1.0 / ((count - 1.0) * (count - 2.0)).max(1.0),
            (false, true) => 0.5,
            (false, false) => 1.0,
        };
        for score in scores.values_mut() {
            *score *= scale;
        }
        scores
    }

    #[track_caller]
    fn check(found: &Scores, expected: &BTreeMap<NodeId, f64>) {
        assert_eq!(found.count(), expected.len());
        for (id, expected) in expected {
            let found = found.of(*id).unwrap();
            assert!((found - expected).abs() < 1e-9, "{id}: {found} {expected}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn scores_are_those_of_all_paths(
            model in Model::any(7, 18),
            typed: bool,
            flags: [bool; 3],
        ) {
            let mut model = model;
            model.edges.iter_mut().for_each(|edge| edge.weight = edge.weight.max(1.0));
            let graph = model.graph();
            let (model, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let [undirected, weighted, normalized] = flags;
            let options =
                Betweenness { undirected, weighted, normalized, ..Betweenness::new() };
            let found = graph.betweenness_centrality(types, &options).unwrap();
            check(&found, &naive(&model, &options));
            for threads in 1..4 {
                let options = options.clone().threads(threads);
                let again = graph.betweenness_centrality(types, &options).unwrap();
                prop_assert!(again.iter().eq(found.iter()), "{threads} threads");
            }
            let all = graph.betweenness_centrality(types, &options.pivots(1_000, 3)).unwrap();
            prop_assert!(all.iter().eq(found.iter()));
        }

        #[test]
        fn sources_of_all_parts_add_up_to_the_whole(
            model in Model::any(9, 24),
            undirected: bool,
            normalized: bool,
            parts in 1_u64..4,
        ) {
            let graph = model.graph();
            let options = Betweenness { undirected, normalized, ..Betweenness::new() };
            let mut sums: BTreeMap<NodeId, f64> = BTreeMap::new();
            for part in 0..parts {
                // Nodes that are not in the graph start no path.
                let sources = (0..20).filter(|number| number % parts == part).map(node);
                // Of pivots and sources the last counts.
                let options = options.clone().pivots(0, 1).sources(sources);
                for (id, score) in graph.betweenness_centrality(&[], &options).unwrap().iter() {
                    *sums.entry(id).or_default() += score;
                }
            }
            check(&graph.betweenness_centrality(&[], &options).unwrap(), &sums);
        }
    }

    #[test]
    fn a_source_counts_as_often_as_it_is_named() {
        let graph = Model::of(&[(0, 1), (1, 2), (3, 1)]).graph();
        let of = |sources: &[u64]| {
            let options = Betweenness::new().sources(sources.iter().copied().map(node));
            graph.betweenness_centrality(&[], &options).unwrap().of(node(1))
        };
        assert_eq!([of(&[]), of(&[0]), of(&[0, 0]), of(&[0, 3])], [0.0, 1.0, 2.0, 2.0].map(Some));
    }

    #[test]
    fn pivots_estimate_what_all_nodes_give() {
        // A ladder of squares: many ties, and a middle that matters most.
        let rungs = (0..40_u64).flat_map(|n| {
            let (left, right) = (2 * n, 2 * n + 1);
            [(left, right), (left, left + 2), (right, right + 2)]
        });
        let graph = Model::of(&rungs.collect::<Vec<_>>()).graph();
        let options = Betweenness::new().undirected().normalized();
        let exact = graph.betweenness_centrality(&[], &options).unwrap();
        let mut mean: BTreeMap<NodeId, f64> = BTreeMap::new();
        for seed in 0..60 {
            let options = options.clone().pivots(20, seed);
            let found = graph.betweenness_centrality(&[], &options).unwrap();
            let again = graph.betweenness_centrality(&[], &options.threads(3)).unwrap();
            assert!(found.iter().eq(again.iter()));
            for (id, score) in found.iter() {
                *mean.entry(id).or_default() += score / 60.0;
            }
        }
        for (id, exact) in exact.iter() {
            assert!((mean[&id] - exact).abs() < 0.03, "{id}: {} {exact}", mean[&id]);
        }
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        let mut model = Model::of(&[(0, 1), (1, 2), (2, 2)]);
        model.edges[2].weight = 0.0;
        let weighted = Betweenness::new().weighted();
        let found = model.graph().betweenness_centrality(&[], &weighted).unwrap();
        assert_eq!(found.of(node(1)), Some(1.0), "a self loop may weigh nothing");
        model.edges[0].weight = 0.0;
        for options in [weighted, Betweenness::new().pivots(0, 1)] {
            let found = model.graph().betweenness_centrality(&[], &options);
            assert!(matches!(found, Err(Error::Invalid { .. })));
        }
    }
}
