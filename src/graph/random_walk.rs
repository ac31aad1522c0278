//! Random walks: plain, by weights, and those of node2vec, which remember where they came from.
//!
//! Each walk has a stream of random numbers of its own, made from the seed, its start and its
//! number, so that walks are the same for any number of threads, and those of one node do not
//! depend on which others are asked for. Considered instead: petgraph and rustworkx-core have no
//! walks; the node2vec crates keep a table for each pair of neighbours, which takes memory of the
//! sum of the squares of all degrees.

use std::ops::Range;

use super::parallel::{map, runs_of, threads_of};
use super::part::{Part, Rows};
use super::random::Random;
use super::{Direction, Graph};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::WALK_NODES_MAX;

/// Draws of one step before its chances are added up instead: keeps steps that hardly ever find
/// what the biases favour from drawing without end.
const DRAWS_MAX: usize = 32;

/// How [`Graph::random_walks`] walks.
///
/// ```no_run
/// # fn show(graph: &engraph::graph::Graph) -> engraph::Result<()> {
/// use engraph::graph::{Direction, RandomWalks};
/// let options = RandomWalks::new(42).direction(Direction::Both).in_out_parameter(0.5);
/// for walk in graph.random_walks(&["cites"], &[], &options)?.iter() {
///     // One sentence for an embedding.
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RandomWalks {
    seed: u64,
    length: usize,
    per_node: usize,
    direction: Direction,
    weighted: bool,
    return_parameter: f64,
    in_out_parameter: f64,
    threads: usize,
}

impl RandomWalks {
    /// Ten walks of up to 80 nodes from each start, along edges, each with the same chance.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            length: 80,
            per_node: 10,
            direction: Direction::Out,
            weighted: false,
            return_parameter: 1.0,
            in_out_parameter: 1.0,
            threads: 0,
        }
    }

    /// Ends a walk at so many nodes, the start among them. It ends before at a node from which no
    /// edge leads on.
    #[must_use]
    pub fn length(mut self, nodes: usize) -> Self {
        self.length = nodes;
        self
    }

    /// Makes so many walks from each start.
    #[must_use]
    pub fn per_node(mut self, walks: usize) -> Self {
        self.per_node = walks;
        self
    }

    /// Follows edges of this direction.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Follows an edge with a chance in proportion to its weight.
    #[must_use]
    pub fn weighted(mut self) -> Self {
        self.weighted = true;
        self
    }

    /// The `p` of node2vec: the chance to go back to the node before is divided by it.
    #[must_use]
    pub fn return_parameter(mut self, p: f64) -> Self {
        self.return_parameter = p;
        self
    }

    /// The `q` of node2vec: the chance to go to a node to which no edge leads from the node before
    /// is divided by it. Below 1 walks lead away, above 1 they stay near.
    #[must_use]
    pub fn in_out_parameter(mut self, q: f64) -> Self {
        self.in_out_parameter = q;
        self
    }

    /// Uses so many threads; 0, the default, means as many as the machine has. The walks are the
    /// same.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    fn check(&self) -> Result<()> {
        for (name, value) in [
            ("return_parameter", self.return_parameter),
            ("in_out_parameter", self.in_out_parameter),
        ] {
            if !(value.is_finite() && value > 0.0 && value.recip().is_finite()) {
                return Err(Error::invalid(name, format!("{value} is not above 0")));
            }
        }
        Ok(())
    }
}

/// Walks from some nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walks {
    nodes: Vec<NodeId>,
    /// Where each walk ends in the nodes.
    ends: Vec<usize>,
}

impl Walks {
    /// How many walks there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// The nodes of each walk, its start first. Walks come in the order of their starts.
    pub fn iter(&self) -> impl Iterator<Item = &[NodeId]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| &self.nodes[*start..*end])
    }

    fn extend(&mut self, more: &Self) {
        let before = self.nodes.len();
        self.nodes.extend_from_slice(&more.nodes);
        self.ends.extend(more.ends.iter().map(|end| before + end));
    }
}

impl Graph {
    /// Walks at random from each of the starts, or from every node with an edge that counts when
    /// there are none (Perozzi, Al-Rfou, Skiena: DeepWalk, 2014). Starts without such an edge are
    /// left out, and each counts once. Parallel edges count each; a self loop can be followed.
    ///
    /// With a return or in-out parameter other than 1 these are the walks of node2vec (Grover,
    /// Leskovec: node2vec, 2016): a step is drawn by the edges alone and accepted by what the
    /// parameters make of it, so that nothing is kept for pairs of nodes. A step takes logarithmic
    /// time for each draw; the expected number of draws is at most the ratio of the parameters'
    /// extremes, and after 32 of them the chances are added up instead, with the same outcome.
    ///
    /// # Errors
    /// [`Error::Invalid`] for parameters that are not above 0, or weights that are negative or not
    /// finite; [`Error::Limit`] for more nodes in all walks than memory is meant for; otherwise as
    /// [`Graph::snapshot`].
    pub fn random_walks(
        &self,
        edge_types: &[&str],
        starts: &[NodeId],
        options: &RandomWalks,
    ) -> Result<Walks> {
        options.check()?;
        let snapshot = self.snapshot()?;
        let part = Part::of(&snapshot, self.numbers_of(edge_types));
        let starts: Vec<u32> = if starts.is_empty() {
            (0..part.count() as u32).collect()
        } else {
            let mut known: Vec<u32> =
                starts.iter().filter_map(|start| part.number(*start)).collect();
            known.sort_unstable();
            known.dedup();
            known
        };
        let found = starts.len().saturating_mul(options.per_node).saturating_mul(options.length);
        if found > WALK_NODES_MAX {
            let (max, found) = (WALK_NODES_MAX as u64, found as u64);
            return Err(Error::Limit { what: "nodes of random walks".to_owned(), max, found });
        }
        let rows = part.rows_by(options.weighted, options.direction)?.sorted();
        let walker = Walker::new(&part, &rows, options);
        let jobs = runs_of(starts.len());
        let parts = map(threads_of(options.threads), jobs, |run| walker.run(&starts, run));
        let mut walks = Walks::default();
        for part in &parts {
            walks.extend(part);
        }
        Ok(walks)
    }
}

struct Walker<'a> {
    part: &'a Part<'a>,
    rows: &'a Rows<'a>,
    options: &'a RandomWalks,
    /// By place: the sum of the weights of a row up to there. Empty without weights.
    sums: Vec<f64>,
    /// What the chance of a step is multiplied with: back, away.
    biases: [f64; 2],
}

impl<'a> Walker<'a> {
    fn new(part: &'a Part<'a>, rows: &'a Rows<'a>, options: &'a RandomWalks) -> Self {
        let mut sums = Vec::new();
        if rows.has_weights() {
            for node in 0..rows.count() as u32 {
                let mut sum = 0.0;
                sums.extend(rows.weights_of(node).iter().map(|weight| {
                    sum += f64::from(*weight);
                    sum
                }));
            }
        }
        let biases = [options.return_parameter.recip(), options.in_out_parameter.recip()];
        Self { part, rows, options, sums, biases }
    }

    fn run(&self, starts: &[u32], run: Range<usize>) -> Walks {
        let mut walks = Walks::default();
        for start in &starts[run] {
            let id = self.part.id(*start);
            for number in 0..self.options.per_node {
                let mut random = Random::of(self.options.seed, id.as_u64(), number as u64);
                self.walk(*start, &mut random, &mut walks.nodes);
                walks.ends.push(walks.nodes.len());
            }
        }
        walks
    }

    fn walk(&self, start: u32, random: &mut Random, nodes: &mut Vec<NodeId>) {
        let (mut before, mut node) = (None, start);
        for step in 0..self.options.length {
            nodes.push(self.part.id(node));
            if step + 1 == self.options.length {
                break;
            }
            let next = match before {
                Some(before) if self.is_biased() => self.biased(before, node, random),
                _ => self.draw(node, random),
            };
            let Some(next) = next else { break };
            (before, node) = (Some(node), next);
        }
    }

    fn is_biased(&self) -> bool {
        self.biases.map(f64::to_bits) != [1.0_f64.to_bits(); 2]
    }

    /// A neighbour by the edges alone.
    fn draw(&self, node: u32, random: &mut Random) -> Option<u32> {
        let row = self.rows.of(node);
        if row.is_empty() {
            return None;
        }
        if self.sums.is_empty() {
            return Some(row[random.below(row.len())]);
        }
        pick(&self.sums[self.rows.range(node)], random).map(|place| row[place])
    }

    /// A neighbour by the edges and by where the walk came from.
    fn biased(&self, before: u32, node: u32, random: &mut Random) -> Option<u32> {
        let most = self.biases.iter().fold(1.0, |most: f64, bias| most.max(*bias));
        for _ in 0..DRAWS_MAX {
            let next = self.draw(node, random)?;
            if random.unit() * most < self.bias(before, next) {
                return Some(next);
            }
        }
        let mut sum = 0.0;
        let sums = self.rows.weighted_of(node).map(|(next, weight)| {
            sum += weight * self.bias(before, next);
            sum
        });
        let sums: Vec<f64> = sums.collect();
        pick(&sums, random).map(|place| self.rows.of(node)[place])
    }

    fn bias(&self, before: u32, next: u32) -> f64 {
        let [back, away] = self.biases;
        if next == before {
            back
        } else if self.rows.leads_to(before, next) {
            1.0
        } else {
            away
        }
    }
}

/// A place with a chance in proportion to what it adds to the sums; `None` if none adds anything.
fn pick(sums: &[f64], random: &mut Random) -> Option<usize> {
    let total = sums.last().copied().filter(|total| *total > 0.0)?;
    loop {
        let wanted = random.unit() * total;
        let place = sums.partition_point(|sum| *sum <= wanted);
        // Rounding can carry the product up to the total.
        if place < sums.len() {
            return Some(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Model, node};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn walks_follow_edges_until_none_leads_on(
            model in Model::any(9, 24),
            typed: bool,
            weighted: bool,
            biases in prop::sample::select(vec![(1.0, 1.0), (0.25, 4.0), (1e6, 1e-6)]),
            direction in prop::sample::select(vec![Direction::Out, Direction::In, Direction::Both]),
        ) {
            let graph = model.graph();
            let (part, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let (return_parameter, in_out_parameter) = biases;
            let options = RandomWalks {
                direction,
                weighted,
                return_parameter,
                in_out_parameter,
                ..RandomWalks::new(5).length(7).per_node(3)
            };
            let walks = graph.random_walks(types, &[], &options).unwrap();
            let leads = |from: NodeId, to: Option<NodeId>| {
                part.edges.iter().any(|edge| {
                    let out = edge.source == from && to.is_none_or(|to| edge.target == to);
                    let inward = edge.target == from && to.is_none_or(|to| edge.source == to);
                    let counts = !weighted || edge.weight > 0.0;
                    counts && (out && direction != Direction::In
                        || inward && direction != Direction::Out)
                })
            };
            let starts: Vec<NodeId> = walks.iter().map(|walk| walk[0]).collect();
            let nodes = part.nodes().into_iter();
            prop_assert_eq!(starts, nodes.flat_map(|id| [id; 3]).collect::<Vec<_>>());
            for walk in walks.iter() {
                prop_assert!(walk.windows(2).all(|step| leads(step[0], Some(step[1]))));
                let last = *walk.last().unwrap();
                prop_assert!(walk.len() == 7 || !leads(last, None), "{walk:?}");
            }
            for threads in 1..4 {
                let options = options.clone().threads(threads);
                prop_assert_eq!(&graph.random_walks(types, &[], &options).unwrap(), &walks);
            }
            if let Some(start) = part.edges.first().map(|edge| edge.source) {
                let starts = [start, node(99), start];
                let own = graph.random_walks(types, &starts, &options).unwrap();
                let expected: Vec<_> = walks.iter().filter(|walk| walk[0] == start).collect();
                prop_assert_eq!(own.iter().collect::<Vec<_>>(), expected);
            }
        }
    }

    /// The graph of the chances' tests: 0 and 1 have 2, 3 and each other for neighbours, 4 hangs on
    /// 1, by two edges and one that weighs more.
    fn kite() -> Model {
        let mut model = Model::of(&[(0, 1), (0, 2), (1, 2), (1, 3), (0, 3), (1, 4), (1, 4)]);
        model.edges[3].weight = 3.0;
        model
    }

    /// How often each third node follows 0 and 1.
    fn after_0_and_1(options: &RandomWalks) -> BTreeMap<NodeId, f64> {
        let options = RandomWalks { length: 3, per_node: 40_000, ..options.clone() };
        let walks = kite().graph().random_walks(&[], &[node(0)], &options).unwrap();
        let thirds: Vec<NodeId> =
            walks.iter().filter(|walk| walk[1] == node(1)).map(|walk| walk[2]).collect();
        let mut counts = BTreeMap::new();
        for third in &thirds {
            *counts.entry(*third).or_default() += 1.0 / thirds.len() as f64;
        }
        counts
    }

    #[track_caller]
    fn check(options: &RandomWalks, chances: &[(u64, f64)]) {
        let found = after_0_and_1(options);
        let total: f64 = chances.iter().map(|(_, chance)| chance).sum();
        for (number, chance) in chances {
            let found = found.get(&node(*number)).copied().unwrap_or(0.0);
            let expected = chance / total;
            assert!((found - expected).abs() < 0.02, "{number}: {found} {expected}");
        }
    }

    #[test]
    fn steps_have_the_chances_of_the_definition() {
        let both = RandomWalks::new(3).direction(Direction::Both);
        check(&both, &[(0, 1.0), (2, 1.0), (3, 1.0), (4, 2.0)]);
        check(&both.clone().weighted(), &[(0, 1.0), (2, 1.0), (3, 3.0), (4, 2.0)]);
        let biased = both.return_parameter(0.25).in_out_parameter(2.0);
        check(&biased, &[(0, 4.0), (2, 1.0), (3, 1.0), (4, 1.0)]);
        check(&biased.clone().weighted(), &[(0, 4.0), (2, 1.0), (3, 3.0), (4, 1.0)]);
        // No edge leads back, so that every draw is refused and chances are added up.
        let onward = RandomWalks::new(3).return_parameter(1e-12).in_out_parameter(2.0);
        check(&onward, &[(0, 0.0), (2, 1.0), (3, 1.0), (4, 1.0)]);
        check(&onward.weighted(), &[(0, 0.0), (2, 1.0), (3, 3.0), (4, 1.0)]);
    }

    #[test]
    fn a_step_that_is_never_favoured_is_taken_when_it_is_the_only_one() {
        let graph = Model::of(&[(0, 1), (2, 1)]).graph();
        let options = RandomWalks::new(1).direction(Direction::Both).return_parameter(1e12);
        let walks = graph.random_walks(&[], &[node(0)], &options.length(4)).unwrap();
        let expected = [node(0), node(1), node(2), node(1)];
        assert!(walks.iter().all(|walk| walk == expected));
        assert_eq!(walks.count(), 10);
    }

    #[test]
    fn seeds_lead_to_different_walks() {
        let graph = kite().graph();
        let options = |seed| RandomWalks::new(seed).direction(Direction::Both);
        let walks = |seed| graph.random_walks(&[], &[], &options(seed)).unwrap();
        assert_ne!(walks(1), walks(2));
        let all: std::collections::BTreeSet<Vec<NodeId>> =
            walks(1).iter().map(<[NodeId]>::to_vec).collect();
        assert_eq!(all.len(), 50, "no two of 80 nodes are alike");
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let graph = Model::of(&[(0, 1)]).graph();
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-310] {
            for options in [
                RandomWalks::new(1).return_parameter(value),
                RandomWalks::new(1).in_out_parameter(value),
            ] {
                let found = graph.random_walks(&[], &[], &options);
                assert!(matches!(found, Err(Error::Invalid { .. })), "{options:?}");
            }
        }
        let found = graph.random_walks(&[], &[], &RandomWalks::new(1).per_node(usize::MAX));
        assert!(matches!(found, Err(Error::Limit { .. })));
    }
}
