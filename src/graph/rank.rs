//! Rank of nodes by the rank of those that lead to them: PageRank and personalised PageRank.
//!
//! Ours because petgraph's `page_rank` is quadratic in the nodes, as is its parallel twin;
//! rustworkx-core and graphalgs have none. Each round is one pull over the inward rows: what a node
//! hands to each of its targets is computed once, when its own rank is known, and nodes are cut
//! into runs of equal work that any number of threads take.

use std::collections::BTreeMap;
use std::ops::Range;

use super::parallel::{balanced, map, threads_of};
use super::part::{Part, Rows};
use super::scores::{Approach, Scores};
use super::{Direction, Graph};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;

/// How [`Graph::page_rank`] is computed.
///
/// ```no_run
/// # fn show(graph: &engraph::graph::Graph, start: engraph::NodeId) -> engraph::Result<()> {
/// use engraph::graph::PageRank;
/// let ranks = graph.page_rank(&[], &PageRank::new())?;
/// let near = graph.page_rank(&["cites"], &PageRank::new().seeds([start]).rounds(20))?;
/// for (node, rank) in near.top(10) {}
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PageRank {
    damping: f64,
    tolerance: f64,
    rounds_max: usize,
    weighted: bool,
    seeds: BTreeMap<NodeId, f64>,
    threads: usize,
}

impl Default for PageRank {
    fn default() -> Self {
        let seeds = BTreeMap::new();
        let (damping, tolerance, rounds_max) = (0.85, 1e-9, 200);
        Self { damping, tolerance, rounds_max, weighted: false, seeds, threads: 0 }
    }
}

impl PageRank {
    /// Damping 0.85, a tolerance of 1e-9, at most 200 rounds, no weights, starting anywhere.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The chance to follow an edge rather than to start anew, 0 to below 1.
    #[must_use]
    pub fn damping(mut self, damping: f64) -> Self {
        self.damping = damping;
        self
    }

    /// Stops when the ranks of one round differ from those of the last by less than this in sum.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Stops after so many rounds at the latest.
    #[must_use]
    pub fn rounds_max(mut self, rounds_max: usize) -> Self {
        self.rounds_max = rounds_max;
        self
    }

    /// Computes exactly so many rounds, whatever the tolerance.
    #[must_use]
    pub fn rounds(mut self, rounds: usize) -> Self {
        (self.rounds_max, self.tolerance) = (rounds, 0.0);
        self
    }

    /// Follows an edge with a chance in proportion to its weight, rather than each alike.
    #[must_use]
    pub fn weighted(mut self) -> Self {
        self.weighted = true;
        self
    }

    /// Starts anew at one of these nodes, each with the same chance, which ranks nodes by their
    /// nearness to them: personalised PageRank. Seeds without an edge that counts do not count.
    #[must_use]
    pub fn seeds(self, seeds: impl IntoIterator<Item = NodeId>) -> Self {
        self.weighted_seeds(seeds.into_iter().map(|seed| (seed, 1.0)))
    }

    /// As [`PageRank::seeds`], each with a chance in proportion to its weight. Of a seed that is
    /// given twice the last weight counts.
    #[must_use]
    pub fn weighted_seeds(mut self, seeds: impl IntoIterator<Item = (NodeId, f64)>) -> Self {
        self.seeds = seeds.into_iter().collect();
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
    /// Ranks nodes by the chance to be met on an endless walk along the edges, which starts anew
    /// now and then and wherever no edge leads on (Page, Brin, Motwani, Winograd: The PageRank
    /// citation ranking, 1999). With seeds it is personalised PageRank, exact up to the tolerance;
    /// [`Graph::local_page_rank`] approaches the same ranks near the seeds only.
    ///
    /// The sum of all ranks is 1. Parallel edges count each, a self loop is an edge like any other.
    /// Each round takes time linear in nodes and edges.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a damping outside 0 to 1, seeds of which none has an edge that
    /// counts, and weights that are negative or not finite; otherwise as [`Graph::snapshot`].
    pub fn page_rank(&self, edge_types: &[&str], options: &PageRank) -> Result<Scores> {
        check_damping(options.damping)?;
        let snapshot = self.snapshot()?;
        let part = Part::of(&snapshot, self.numbers_of(edge_types));
        let starts = Starts::of(&part, &options.seeds)?;
        let inward = part.rows_by(options.weighted, Direction::In)?;
        let strengths: Vec<f64> = if options.weighted {
            let outward = part.weighted_rows(Direction::Out)?;
            (0..part.count() as u32).map(|node| outward.strength(node)).collect()
        } else {
            part.degrees(Direction::Out)
        };
        let (values, how) = Ranking::new(&inward, strengths, starts, options).run();
        let values = part.spread(values);
        drop((inward, part));
        Ok(Scores::approached(snapshot, (values, how)))
    }
}

/// Checks the chance to follow an edge.
pub(super) fn check_damping(damping: f64) -> Result<()> {
    if (0.0..1.0).contains(&damping) {
        return Ok(());
    }
    Err(Error::invalid("damping", format!("{damping} is not from 0 to below 1")))
}

/// The chance of each node to be where a walk starts anew.
enum Starts {
    Anywhere(f64),
    Seeds(Vec<f64>),
}

impl Starts {
    fn of(part: &Part<'_>, seeds: &BTreeMap<NodeId, f64>) -> Result<Self> {
        if seeds.is_empty() {
            return Ok(Self::Anywhere(1.0 / part.count() as f64));
        }
        if let Some(odd) = seeds.values().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
            return Err(Error::invalid("seeds", format!("weight {odd} is not 0 or more")));
        }
        let mut chances = vec![0.0; part.count()];
        let known = |(seed, weight): (&NodeId, &f64)| Some((part.number(*seed)?, *weight));
        let known: Vec<(u32, f64)> = seeds.iter().filter_map(known).collect();
        let total: f64 = known.iter().map(|(_, weight)| weight).sum();
        if total <= 0.0 {
            return Err(Error::invalid("seeds", "none of the nodes has an edge that counts"));
        }
        for (seed, weight) in known {
            chances[seed as usize] = weight / total;
        }
        Ok(Self::Seeds(chances))
    }

    #[inline]
    fn of_node(&self, node: usize) -> f64 {
        match self {
            Self::Anywhere(chance) => *chance,
            Self::Seeds(chances) => chances[node],
        }
    }
}

/// Ranks on their way.
struct Ranking<'a> {
    inward: &'a Rows<'a>,
    runs: Vec<Range<usize>>,
    starts: Starts,
    options: &'a PageRank,
    /// What a node hands on along an edge of weight 1, for each unit of its rank; 0 at dead ends.
    factors: Vec<f64>,
    scores: Vec<f64>,
    /// What each node hands on along an edge of weight 1.
    shares: Vec<f64>,
}

/// What a run of nodes adds up to in a round.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// By how much ranks changed.
    moved: f64,
    /// The ranks of dead ends.
    stranded: f64,
}

impl<'a> Ranking<'a> {
    fn new(
        inward: &'a Rows<'a>,
        strengths: Vec<f64>,
        starts: Starts,
        options: &'a PageRank,
    ) -> Self {
        let factor = |strength: f64| if strength > 0.0 { options.damping / strength } else { 0.0 };
        let factors: Vec<f64> = strengths.into_iter().map(factor).collect();
        let scores: Vec<f64> = (0..factors.len()).map(|node| starts.of_node(node)).collect();
        let shares = scores.iter().zip(&factors).map(|(score, factor)| score * factor).collect();
        let runs = balanced(&inward.offsets);
        Self { inward, runs, starts, options, factors, scores, shares }
    }

    fn run(mut self) -> (Vec<f64>, Approach) {
        let threads = threads_of(self.options.threads);
        let mut next = vec![0.0; self.scores.len()];
        let dead_ends = self.scores.iter().zip(&self.factors).filter(|(_, factor)| **factor == 0.0);
        let mut stranded: f64 = dead_ends.map(|(score, _)| score).sum();
        let mut how = Approach { rounds: 0, converged: self.scores.is_empty() };
        while !how.converged && how.rounds < self.options.rounds_max {
            how.rounds += 1;
            let sums = self.round(threads, stranded, &mut next);
            std::mem::swap(&mut self.shares, &mut next);
            stranded = sums.stranded;
            how.converged = sums.moved < self.options.tolerance;
        }
        (self.scores, how)
    }

    fn round(&mut self, threads: usize, stranded: f64, next: &mut [f64]) -> Sums {
        let damping = self.options.damping;
        let pull = Pull {
            inward: self.inward,
            starts: &self.starts,
            factors: &self.factors,
            shares: &self.shares,
            anew: 1.0 - damping + damping * stranded,
        };
        let (mut scores, mut next) = (&mut *self.scores, next);
        let mut jobs = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            let (own_scores, own_next);
            (own_scores, scores) = scores.split_at_mut(run.len());
            (own_next, next) = next.split_at_mut(run.len());
            jobs.push((run.start, own_scores, own_next));
        }
        let sums = map(threads, jobs, |(first, scores, next)| pull.run(first, scores, next));
        sums.iter().fold(Sums::default(), |all, one| Sums {
            moved: all.moved + one.moved,
            stranded: all.stranded + one.stranded,
        })
    }
}

/// What a round reads.
struct Pull<'a> {
    inward: &'a Rows<'a>,
    starts: &'a Starts,
    factors: &'a [f64],
    shares: &'a [f64],
    /// The rank that starts anew.
    anew: f64,
}

impl Pull<'_> {
    fn run(&self, first: usize, scores: &mut [f64], next: &mut [f64]) -> Sums {
        let mut sums = Sums::default();
        let run = first..first + scores.len();
        let factors = &self.factors[run.clone()];
        let mut slots = run.clone().zip(scores).zip(next.iter_mut().zip(factors));
        self.inward.each_arriving(run, self.shares, |arriving| {
            let Some(((node, score), (share, factor))) = slots.next() else { return };
            let new = self.anew * self.starts.of_node(node) + arriving;
            sums.moved += (new - *score).abs();
            *score = new;
            *share = new * factor;
            if *factor == 0.0 {
                sums.stranded += new;
            }
        });
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Arrow, Model, node};
    use super::*;
    use proptest::prelude::*;

    /// The same by a full matrix.
    fn by_matrix(model: &Model, options: &PageRank) -> Vec<(NodeId, f64)> {
        let nodes: Vec<NodeId> = model.nodes().into_iter().collect();
        let total: f64 = nodes.iter().filter_map(|node| options.seeds.get(node)).sum();
        let start = |node: &NodeId| {
            if options.seeds.is_empty() {
                1.0 / nodes.len() as f64
            } else {
                options.seeds.get(node).map_or(0.0, |weight| weight / total)
            }
        };
        let weight = |edge: &Arrow| if options.weighted { f64::from(edge.weight) } else { 1.0 };
        let strength = |from: &NodeId, to: Option<&NodeId>| -> f64 {
            let edges = model.edges.iter().filter(|edge| edge.source == *from);
            edges.filter(|edge| to.is_none_or(|to| edge.target == *to)).map(weight).sum()
        };
        let mut scores: Vec<f64> = nodes.iter().map(start).collect();
        for _ in 0..300 {
            let mut next: Vec<f64> =
                nodes.iter().map(|node| (1.0 - options.damping) * start(node)).collect();
            for (from, score) in nodes.iter().zip(&scores) {
                let all = strength(from, None);
                for (to, new) in nodes.iter().zip(&mut next) {
                    let chance = if all > 0.0 { strength(from, Some(to)) / all } else { start(to) };
                    *new += options.damping * score * chance;
                }
            }
            scores = next;
        }
        nodes.into_iter().zip(scores).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn ranks_are_those_of_the_matrix(
            model in Model::any(7, 20),
            seeded: bool,
            weighted: bool,
            typed: bool,
        ) {
            let graph = model.graph();
            let (model, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let mut options = PageRank::new().tolerance(1e-13).rounds_max(1_000);
            if let Some(edge) = model.edges.first().filter(|_| seeded) {
                options = options
                    .weighted_seeds([(edge.source, 2.0), (edge.target, 1.5), (node(99), 3.0)]);
            }
            options.weighted = weighted;
            let ranks = graph.page_rank(types, &options).unwrap();
            prop_assert!(ranks.has_converged());
            prop_assert_eq!(ranks.count(), model.nodes().len());
            for (id, score) in by_matrix(&model, &options) {
                let found = ranks.of(id).unwrap();
                prop_assert!((found - score).abs() < 1e-9, "{id}: {found} {score}");
            }
            for threads in 1..4 {
                let again = graph.page_rank(types, &options.clone().threads(threads)).unwrap();
                prop_assert!(again.iter().eq(ranks.iter()), "{threads} threads");
                prop_assert_eq!(again.rounds(), ranks.rounds());
            }
        }
    }

    #[test]
    fn rounds_are_computed_exactly() {
        let graph = Model::of(&[(0, 1), (1, 0)]).graph();
        let ranks = graph.page_rank(&[], &PageRank::new().rounds(7)).unwrap();
        assert_eq!((ranks.rounds(), ranks.has_converged()), (7, false));
        let ranks = graph.page_rank(&[], &PageRank::new()).unwrap();
        assert!(ranks.has_converged() && ranks.rounds() < 3);
        let none = graph.page_rank(&["t9"], &PageRank::new()).unwrap();
        assert_eq!((none.count(), none.has_converged()), (0, true));
    }

    #[test]
    fn without_damping_every_rank_is_the_start() {
        let graph = Model::of(&[(0, 1), (1, 2)]).graph();
        let ranks = graph.page_rank(&[], &PageRank::new().damping(0.0)).unwrap();
        assert!(ranks.iter().all(|(_, rank)| (rank - 1.0 / 3.0).abs() < 1e-15));
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let graph = Model::of(&[(0, 1)]).graph();
        for options in [
            PageRank::new().damping(-0.1),
            PageRank::new().damping(1.0),
            PageRank::new().damping(f64::NAN),
            PageRank::new().seeds([node(7)]),
            PageRank::new().weighted_seeds([(node(0), -1.0)]),
            PageRank::new().weighted_seeds([(node(0), 0.0)]),
        ] {
            let found = graph.page_rank(&[], &options);
            assert!(matches!(found, Err(Error::Invalid { .. })), "{options:?}");
        }
    }
}
