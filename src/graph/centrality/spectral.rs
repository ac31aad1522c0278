//! Eigenvector and Katz centrality: a node matters by what its neighbours matter.

use std::ops::Range;

use crate::base::error::{Error, Result};
use crate::graph::parallel::{balanced, map, threads_of};
use crate::graph::part::{Part, Rows};
use crate::graph::scores::{Approach, Scores};
use crate::graph::{Direction, Graph};

/// How [`Graph::eigenvector_centrality`] is computed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Eigenvector {
    rounds: Iteration,
}

/// How [`Graph::katz_centrality`] is computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Katz {
    attenuation: f64,
    base: f64,
    normalized: bool,
    rounds: Iteration,
}

/// What both have in common.
#[derive(Clone, Debug, PartialEq)]
struct Iteration {
    direction: Direction,
    weighted: bool,
    tolerance: f64,
    rounds_max: usize,
    threads: usize,
}

impl Default for Iteration {
    fn default() -> Self {
        let (tolerance, rounds_max) = (1e-9, 1_000);
        Self { direction: Direction::In, weighted: false, tolerance, rounds_max, threads: 0 }
    }
}

/// The options that both have, each documented where it is seen.
macro_rules! common_options {
    () => {
        /// [`Direction::In`], the default, lets a node matter by those that lead to it,
        /// [`Direction::Out`] by those that it leads to, [`Direction::Both`] by either.
        #[must_use]
        pub fn direction(mut self, direction: Direction) -> Self {
            self.rounds.direction = direction;
            self
        }

        /// Counts each edge as often as its weight says.
        #[must_use]
        pub fn weighted(mut self) -> Self {
            self.rounds.weighted = true;
            self
        }

        /// Stops when the scores of one round differ from those of the last by less than this in
        /// sum. 1e-9 where nothing is said.
        #[must_use]
        pub fn tolerance(mut self, tolerance: f64) -> Self {
            self.rounds.tolerance = tolerance;
            self
        }

        /// Stops after so many rounds at the latest; see [`Scores::has_converged`]. 1000 where
        /// nothing is said.
        #[must_use]
        pub fn rounds_max(mut self, rounds_max: usize) -> Self {
            self.rounds.rounds_max = rounds_max;
            self
        }

        /// Uses so many threads; 0, the default, means as many as the machine has. The result is
        /// the same bit for bit.
        #[must_use]
        pub fn threads(mut self, threads: usize) -> Self {
            self.rounds.threads = threads;
            self
        }
    };
}

impl Eigenvector {
    /// From the nodes that lead to a node, without weights.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    common_options!();
}

impl Default for Katz {
    fn default() -> Self {
        Self { attenuation: 0.1, base: 1.0, normalized: true, rounds: Iteration::default() }
    }
}

impl Katz {
    /// An attenuation of 0.1, a base of 1, normalised, from the nodes that lead to a node, without
    /// weights.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How much of a neighbour's score arrives, above 0. It has to be below the inverse of the
    /// largest eigenvalue, which is at most the largest degree: else scores grow without end, and
    /// the result has not converged.
    #[must_use]
    pub fn attenuation(mut self, attenuation: f64) -> Self {
        self.attenuation = attenuation;
        self
    }

    /// The score that each node has by itself.
    #[must_use]
    pub fn base(mut self, base: f64) -> Self {
        self.base = base;
        self
    }

    /// Leaves the scores as the definition gives them, instead of making the sum of their squares
    /// 1.
    #[must_use]
    pub fn unnormalized(mut self) -> Self {
        self.normalized = false;
        self
    }

    common_options!();
}

impl Graph {
    /// Scores that are in proportion to the sum of the scores of the neighbours: the eigenvector of
    /// the largest eigenvalue (Bonacich: Power and centrality, 1987). The sum of their squares is
    /// 1.
    ///
    /// By power iteration of the matrix plus one, which converges on graphs with two sides as well;
    /// each round is linear in nodes and edges. Parallel edges count each, a self loop is one edge
    /// outward and one inward. Means little where the graph is not strongly connected, and
    /// converges slowly, if at all, where it has no circle.
    ///
    /// # Errors
    /// [`Error::Invalid`] for weights that are negative or not finite; otherwise as
    /// [`Graph::snapshot`].
    pub fn eigenvector_centrality(
        &self,
        edge_types: &[&str],
        options: &Eigenvector,
    ) -> Result<Scores> {
        self.in_rounds(edge_types, &options.rounds, |sweep, values, how| {
            let each = 1.0 / (values.len() as f64).sqrt();
            values.fill(each);
            sweep.repeat(values, how, |own, arriving| own + arriving, normalize);
        })
    }

    /// The number of walks that end at a node, each step less by the attenuation, plus a base
    /// (Katz: A new status index derived from sociometric analysis, 1953): the solution of
    /// `x = attenuation * A x + base`.
    ///
    /// Each round is linear in nodes and edges. Parallel edges count each, a self loop is one edge
    /// outward and one inward. Stops as soon as scores are no longer finite.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an attenuation that is not above 0, a base that is not finite, and
    /// weights that are negative or not finite; otherwise as [`Graph::snapshot`].
    pub fn katz_centrality(&self, edge_types: &[&str], options: &Katz) -> Result<Scores> {
        let Katz { attenuation, base, normalized, ref rounds } = *options;
        if !(attenuation.is_finite() && attenuation > 0.0) {
            return Err(Error::invalid("attenuation", format!("{attenuation} is not above 0")));
        }
        if !base.is_finite() {
            return Err(Error::invalid("base", format!("{base} is not finite")));
        }
        self.in_rounds(edge_types, rounds, |sweep, values, how| {
            sweep.repeat(values, how, |_, arriving| attenuation * arriving + base, |_| ());
            if normalized {
                normalize(values);
            }
        })
    }

    fn in_rounds(
        &self,
        edge_types: &[&str],
        rounds: &Iteration,
        run: impl FnOnce(&Sweep<'_>, &mut Vec<f64>, &mut Approach),
    ) -> Result<Scores> {
        let snapshot = self.snapshot()?;
        let part = Part::of(&snapshot, self.numbers_of(edge_types));
        let rows = part.rows_by(rounds.weighted, rounds.direction)?;
        let sweep = Sweep { rows: &rows, runs: balanced(&rows.offsets), rounds };
        let mut values = vec![0.0; part.count()];
        let mut how = Approach { rounds: 0, converged: values.is_empty() };
        run(&sweep, &mut values, &mut how);
        let values = part.spread(values);
        drop((rows, part));
        Ok(Scores::approached(snapshot, (values, how)))
    }
}

/// Scales values so that the sum of their squares is 1.
fn normalize(values: &mut [f64]) {
    // Scaled first, so that squares of large values stay finite.
    let largest = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return;
    }
    let squares: f64 = values.iter().map(|value| (value / largest).powi(2)).sum();
    let length = largest * squares.sqrt();
    for value in values {
        *value /= length;
    }
}

/// Iteration over all nodes.
struct Sweep<'a> {
    rows: &'a Rows<'a>,
    runs: Vec<Range<usize>>,
    rounds: &'a Iteration,
}

impl Sweep<'_> {
    /// Replaces each value by what `step` makes of it and of what arrives from the neighbours, then
    /// lets `settle` change them all, until they stay.
    fn repeat(
        &self,
        values: &mut Vec<f64>,
        how: &mut Approach,
        step: impl Fn(f64, f64) -> f64 + Sync,
        settle: impl Fn(&mut [f64]),
    ) {
        let threads = threads_of(self.rounds.threads);
        let mut next = vec![0.0; values.len()];
        while !how.converged && how.rounds < self.rounds.rounds_max {
            how.rounds += 1;
            let mut rest = &mut *next;
            let mut jobs = Vec::with_capacity(self.runs.len());
            for run in &self.runs {
                let own;
                (own, rest) = rest.split_at_mut(run.len());
                jobs.push((run.clone(), own));
            }
            map(threads, jobs, |(run, next)| {
                let mut slots = next.iter_mut().zip(&values[run.clone()]);
                self.rows.each_arriving(run, values, |arriving| {
                    if let Some((next, own)) = slots.next() {
                        *next = step(*own, arriving);
                    }
                });
            });
            settle(&mut next);
            std::mem::swap(values, &mut next);
            let moved: f64 = values.iter().zip(&next).map(|(new, old)| (new - old).abs()).sum();
            how.converged = moved < self.rounds.tolerance;
            if !moved.is_finite() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::NodeId;
    use crate::graph::model::Model;
    use proptest::prelude::*;

    type Matrix = Vec<Vec<f64>>;

    /// What arrives at each node of a row from each node of a column.
    fn matrix(model: &Model, rounds: &Iteration) -> (Vec<NodeId>, Matrix) {
        let nodes: Vec<NodeId> = model.nodes().into_iter().collect();
        let mut matrix = vec![vec![0.0; nodes.len()]; nodes.len()];
        for edge in &model.edges {
            let weight = if rounds.weighted { f64::from(edge.weight) } else { 1.0 };
            let source = nodes.binary_search(&edge.source).unwrap();
            let target = nodes.binary_search(&edge.target).unwrap();
            if rounds.direction != Direction::Out {
                matrix[target][source] += weight;
            }
            if rounds.direction != Direction::In {
                matrix[source][target] += weight;
            }
        }
        (nodes, matrix)
    }

    fn times(matrix: &Matrix, values: &[f64]) -> Vec<f64> {
        let row = |row: &Vec<f64>| row.iter().zip(values).map(|(a, b)| a * b).sum();
        matrix.iter().map(row).collect()
    }

    /// Solves `(1 - factor * matrix) x = base` by elimination.
    fn solve(matrix: &Matrix, factor: f64, base: f64) -> Vec<f64> {
        let count = matrix.len();
        let mut rows: Matrix = Vec::new();
        for (number, row) in matrix.iter().enumerate() {
            let mut row: Vec<f64> = row.iter().map(|value| -factor * value).collect();
            row[number] += 1.0;
            row.push(base);
            rows.push(row);
        }
        for column in 0..count {
            let largest = (column..count)
                .max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()));
            rows.swap(column, largest.unwrap());
            let pivot = rows[column].clone();
            for (number, row) in rows.iter_mut().enumerate() {
                if number != column {
                    let share = row[column] / pivot[column];
                    row.iter_mut().zip(&pivot).for_each(|(value, own)| *value -= share * own);
                }
            }
        }
        (0..count).map(|number| rows[number][count] / rows[number][number]).collect()
    }

    fn any_rounds() -> impl Strategy<Value = Iteration> {
        let direction = prop::sample::select(vec![Direction::Out, Direction::In, Direction::Both]);
        (direction, any::<bool>()).prop_map(|(direction, weighted)| Iteration {
            direction,
            weighted,
            tolerance: 1e-13,
            rounds_max: 250,
            ..Iteration::default()
        })
    }

    #[track_caller]
    fn check(found: &Scores, nodes: &[NodeId], expected: &[f64]) {
        assert_eq!(found.count(), nodes.len());
        for (id, expected) in nodes.iter().zip(expected) {
            let found = found.of(*id).unwrap();
            assert!((found - expected).abs() < 1e-9, "{id}: {found} {expected}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn katz_scores_solve_their_equation(
            model in Model::any(8, 20),
            typed: bool,
            rounds in any_rounds(),
        ) {
            let graph = model.graph();
            let (model, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let (nodes, matrix) = matrix(&model, &rounds);
            let most = matrix.iter().map(|row| row.iter().sum::<f64>()).fold(1.0, f64::max);
            let attenuation = 0.8 / most;
            let options = Katz { attenuation, base: 0.5, normalized: false, rounds };
            let found = graph.katz_centrality(types, &options).unwrap();
            prop_assert!(found.has_converged());
            let mut expected = solve(&matrix, attenuation, 0.5);
            check(&found, &nodes, &expected);
            let options = Katz { normalized: true, ..options };
            let length = expected.iter().map(|value| value * value).sum::<f64>().sqrt();
            for value in &mut expected {
                *value /= length;
            }
            let found = graph.katz_centrality(types, &options).unwrap();
            check(&found, &nodes, &expected);
            for threads in 1..4 {
                let again =
                    graph.katz_centrality(types, &options.clone().threads(threads)).unwrap();
                prop_assert!(again.iter().eq(found.iter()), "{threads} threads");
            }
        }

        #[test]
        fn eigenvector_scores_are_those_of_the_matrix(
            model in Model::any(8, 24),
            typed: bool,
            rounds in any_rounds(),
        ) {
            let graph = model.graph();
            let (model, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let (nodes, matrix) = matrix(&model, &rounds);
            let options = Eigenvector { rounds }.rounds_max(100);
            let found = graph.eigenvector_centrality(types, &options).unwrap();
            let mut expected = vec![1.0; nodes.len()];
            for _ in 0..found.rounds() {
                let arriving = times(&matrix, &expected);
                expected.iter_mut().zip(arriving).for_each(|(value, more)| *value += more);
                let length = expected.iter().map(|value| value * value).sum::<f64>().sqrt();
                for value in &mut expected {
                    *value /= length;
                }
            }
            check(&found, &nodes, &expected);
            if found.has_converged() && !nodes.is_empty() {
                let image = times(&matrix, &expected);
                let value: f64 = image.iter().zip(&expected).map(|(a, b)| a * b).sum();
                for (image, own) in image.iter().zip(&expected) {
                    prop_assert!((image - value * own).abs() < 1e-6);
                }
            }
            for threads in 1..4 {
                let options = options.clone().threads(threads);
                let again = graph.eigenvector_centrality(types, &options).unwrap();
                prop_assert!(again.iter().eq(found.iter()), "{threads} threads");
            }
        }
    }

    #[test]
    fn scores_that_grow_without_end_have_not_converged() {
        let graph = Model::of(&[(0, 1), (1, 0), (0, 0), (1, 1)]).graph();
        let found = graph.katz_centrality(&[], &Katz::new().attenuation(20.0)).unwrap();
        assert!(!found.has_converged() && found.rounds() < 1_000);
        let ring = graph.eigenvector_centrality(&[], &Eigenvector::new()).unwrap();
        assert!(ring.has_converged());
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let graph = Model::of(&[(0, 1)]).graph();
        for options in [
            Katz::new().attenuation(0.0),
            Katz::new().attenuation(f64::NAN),
            Katz::new().base(f64::INFINITY),
        ] {
            let found = graph.katz_centrality(&[], &options);
            assert!(matches!(found, Err(Error::Invalid { .. })));
        }
    }
}
