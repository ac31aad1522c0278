//! Closeness and harmonic centrality: how near a node is to all others.

use super::search::Search;
use crate::base::error::Result;
use crate::graph::parallel::{fold, threads_of};
use crate::graph::part::{Loops, Part, Rows};
use crate::graph::scores::Scores;
use crate::graph::{Direction, Graph};

/// Sources of one search without weights: the bits of a word.
const SOURCES: usize = 64;

/// How [`Graph::closeness_centrality`] and [`Graph::harmonic_centrality`] measure distances.
#[derive(Clone, Debug, PartialEq)]
pub struct Closeness {
    direction: Direction,
    weighted: bool,
    corrected: bool,
    threads: usize,
}

impl Default for Closeness {
    fn default() -> Self {
        Self { direction: Direction::In, weighted: false, corrected: true, threads: 0 }
    }
}

impl Closeness {
    /// Distances from all nodes to the node, in edges, with the correction for parts that the node
    /// does not hang together with.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// [`Direction::In`], the default, measures from the others to the node, [`Direction::Out`]
    /// from the node to the others, [`Direction::Both`] along edges either way.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Takes the weights of edges for their lengths, instead of 1.
    #[must_use]
    pub fn weighted(mut self) -> Self {
        self.weighted = true;
        self
    }

    /// Leaves the correction out, so that a node near to a few that it hangs together with can be
    /// closer than one that is near to all. Does not change harmonic centrality.
    #[must_use]
    pub fn uncorrected(mut self) -> Self {
        self.corrected = false;
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
    /// The inverse of the mean distance to each node from those that reach it (Freeman: Centrality
    /// in social networks, 1978), times the share of the other nodes that do (Wasserman, Faust:
    /// Social network analysis, 1994): with `r` such nodes, the sum `d` of their distances and `n`
    /// nodes it is `r / d * r / (n - 1)`. 0 where no node reaches it.
    ///
    /// Exact: a search from every node, in time of nodes times edges at worst. Without weights 64
    /// searches share one pass (Then and others: The more the merrier, 2014), which makes that
    /// several times faster; with weights it is Dijkstra's search.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for weights that are negative or not finite;
    /// otherwise as [`Graph::snapshot`].
    pub fn closeness_centrality(&self, edge_types: &[&str], options: &Closeness) -> Result<Scores> {
        self.by_distances(edge_types, options, |found, others| {
            if found.sum <= 0.0 || others == 0 {
                return 0.0;
            }
            let near = found.reached as f64 / found.sum;
            if options.corrected { near * (found.reached as f64 / others as f64) } else { near }
        })
    }

    /// The sum of the inverse distances to each node from all others, where those that do not reach
    /// it add nothing (Marchiori, Latora: Harmony in the small-world, 2000; Boldi, Vigna: Axioms
    /// for centrality, 2014). Nodes at distance 0 add nothing either. Divided by the number of
    /// other nodes it is 0 to 1 without weights. Costs as [`Graph::closeness_centrality`].
    ///
    /// # Errors
    /// As [`Graph::closeness_centrality`].
    pub fn harmonic_centrality(&self, edge_types: &[&str], options: &Closeness) -> Result<Scores> {
        self.by_distances(edge_types, options, |found, _| found.inverses)
    }

    fn by_distances(
        &self,
        edge_types: &[&str],
        options: &Closeness,
        score: impl Fn(&Distances, usize) -> f64,
    ) -> Result<Scores> {
        let snapshot = self.snapshot()?;
        let part = Part::of(&snapshot, self.numbers_of(edge_types));
        let rows = part.rows_by(options.weighted, options.direction)?.simple(Loops::Drop);
        let others = part.count().saturating_sub(1);
        let found = distances_of(&rows, threads_of(options.threads));
        let values = part.spread(found.iter().map(|found| score(found, others)).collect());
        drop(part);
        Ok(Scores::new(snapshot, values))
    }
}

/// What the distances of one node come to.
#[derive(Clone, Copy, Debug, Default)]
struct Distances {
    /// How many other nodes there are at any distance.
    reached: u64,
    sum: f64,
    inverses: f64,
}

impl Distances {
    fn add(&mut self, nodes: u64, distance: f64) {
        self.reached += nodes;
        self.sum += nodes as f64 * distance;
        if distance > 0.0 {
            self.inverses += nodes as f64 / distance;
        }
    }
}

fn distances_of(rows: &Rows<'_>, threads: usize) -> Vec<Distances> {
    let count = rows.count();
    let mut found = Vec::with_capacity(count);
    let jobs = (0..count as u32).step_by(SOURCES);
    let jobs = jobs.map(|first| first..(first + SOURCES as u32).min(count as u32)).collect();
    let merge = |part: Vec<Distances>| found.extend(part);
    if rows.has_weights() {
        let run = |search: &mut Search, sources: std::ops::Range<u32>| {
            sources.map(|source| by_weight(rows, source, search)).collect()
        };
        fold(threads, jobs, || Search::over(count), run, merge);
    } else {
        let run = |search: &mut ManySearch, sources| search.run(rows, sources);
        fold(threads, jobs, || ManySearch::over(count), run, merge);
    }
    found
}

fn by_weight(rows: &Rows<'_>, source: u32, search: &mut Search) -> Distances {
    search.by_weight(rows, source);
    let mut found = Distances::default();
    for node in search.order.iter().filter(|node| **node != source) {
        found.add(1, search.marks[*node as usize].distance);
    }
    found
}

/// Up to 64 searches by number of edges at once, one bit of every word each.
struct ManySearch {
    /// Which searches have met a node.
    seen: Vec<u64>,
    /// Which searches met it at the present distance.
    present: Vec<u64>,
    /// Which searches meet it at the next distance.
    next: Vec<u64>,
    /// Nodes with a present bit.
    active: Vec<u32>,
    /// Nodes with a next bit.
    touched: Vec<u32>,
}

impl ManySearch {
    fn over(count: usize) -> Self {
        let words = || vec![0; count];
        let (seen, present, next) = (words(), words(), words());
        Self { seen, present, next, active: Vec::new(), touched: Vec::new() }
    }

    fn run(&mut self, rows: &Rows<'_>, sources: std::ops::Range<u32>) -> Vec<Distances> {
        self.seen.fill(0);
        let mut found = vec![Distances::default(); sources.len()];
        for (search, source) in sources.enumerate() {
            self.seen[source as usize] |= 1 << search;
            self.present[source as usize] |= 1 << search;
            self.active.push(source);
        }
        let mut distance = 0.0;
        while !self.active.is_empty() {
            distance += 1.0;
            self.expand(rows);
            for (found, nodes) in found.iter_mut().zip(self.advance()) {
                found.add(nodes, distance);
            }
        }
        found
    }

    /// Meets the neighbours of the present nodes.
    fn expand(&mut self, rows: &Rows<'_>) {
        for node in self.active.drain(..) {
            let searches = std::mem::take(&mut self.present[node as usize]);
            for target in rows.of(node) {
                let new = searches & !self.seen[*target as usize];
                if new == 0 {
                    continue;
                }
                let next = &mut self.next[*target as usize];
                if *next == 0 {
                    self.touched.push(*target);
                }
                *next |= new;
            }
        }
    }

    /// Makes the next nodes present. Returns how many each search has met.
    fn advance(&mut self) -> [u64; SOURCES] {
        let mut counts = [0; SOURCES];
        for node in &self.touched {
            let mut searches = std::mem::take(&mut self.next[*node as usize]);
            self.seen[*node as usize] |= searches;
            self.present[*node as usize] = searches;
            while searches != 0 {
                counts[searches.trailing_zeros() as usize] += 1;
                searches &= searches - 1;
            }
        }
        std::mem::swap(&mut self.active, &mut self.touched);
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::NodeId;
    use crate::graph::follow::Rule;
    use crate::graph::model::{Model, node};
    use proptest::prelude::*;

    /// The distances by relaxing every edge until nothing changes.
    fn naive(model: &Model, id: NodeId, options: &Closeness) -> Vec<f64> {
        let sides = options.direction.sides().iter();
        let rules: Vec<Rule> = sides.map(|side| Rule { side: *side, edge_type: None }).collect();
        let cost = |weight| if options.weighted { f64::from(weight) } else { 1.0 };
        let costs = model.costs(id, &rules, &|_| true, &cost);
        costs.into_iter().filter(|(other, _)| *other != id).map(|(_, cost)| cost).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn scores_follow_from_the_distances(
            model in Model::any(12, 26),
            typed: bool,
            weighted: bool,
            direction in prop::sample::select(vec![Direction::Out, Direction::In, Direction::Both]),
        ) {
            let graph = model.graph();
            let (model, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let options = Closeness { direction, weighted, ..Closeness::new() };
            let close = graph.closeness_centrality(types, &options).unwrap();
            let plain = graph.closeness_centrality(types, &options.clone().uncorrected()).unwrap();
            let harmonic = graph.harmonic_centrality(types, &options).unwrap();
            let nodes = model.nodes();
            prop_assert_eq!(close.count(), nodes.len());
            for id in nodes.iter().copied() {
                let distances = naive(&model, id, &options);
                let (reached, sum) = (distances.len() as f64, distances.iter().sum::<f64>());
                let expected = if sum > 0.0 { reached / sum } else { 0.0 };
                let share = reached / (nodes.len() as f64 - 1.0).max(1.0);
                let inverses: f64 =
                    distances.iter().filter(|far| **far > 0.0).map(|far| 1.0 / far).sum();
                for (found, expected) in
                    [(&plain, expected), (&close, expected * share), (&harmonic, inverses)]
                {
                    let found = found.of(id).unwrap();
                    prop_assert!((found - expected).abs() < 1e-12, "{id}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn many_searches_agree_with_single_ones_for_any_number_of_threads() {
        // More than two words of sources, on a ring with chords and a part of its own.
        let mut edges: Vec<(u64, u64)> = (0..150).map(|n| (n, (n + 1) % 150)).collect();
        edges.extend((0..150).step_by(7).map(|n| (n, (n * n + 3) % 150)));
        edges.extend([(200, 201), (201, 202), (202, 202)]);
        let graph = Model::of(&edges).graph();
        let options = Closeness::new();
        for score in [Graph::closeness_centrality, Graph::harmonic_centrality] {
            let alone = score(&graph, &[], &options.clone().threads(1)).unwrap();
            for threads in [2, 3] {
                let found = score(&graph, &[], &options.clone().threads(threads)).unwrap();
                assert!(found.iter().eq(alone.iter()), "{threads} threads");
            }
            // Weights are all 1, so that Dijkstra's search has to agree.
            let single = score(&graph, &[], &options.clone().weighted()).unwrap();
            for ((id, one), (_, many)) in single.iter().zip(alone.iter()) {
                assert!((one - many).abs() < 1e-9, "{id}");
            }
        }
        let close = graph.closeness_centrality(&[], &options).unwrap();
        assert_eq!(close.of(node(200)), Some(0.0), "nothing leads there");
    }
}
