//! Rank of nodes by the rank of those that lead to them, ours because petgraph's is quadratic.

use std::sync::Arc;

use super::algorithm::Rowed;
use super::snapshot::Snapshot;
use super::view::Side;
use super::{Graph, GraphView as _};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;

/// How [`Graph::page_rank`] is computed.
#[derive(Clone, Debug, PartialEq)]
pub struct PageRank {
    /// The chance to follow an edge rather than to start anew, 0 to below 1.
    pub damping: f64,
    /// Stops when the ranks of one round differ from those of the last by less than this in sum.
    pub tolerance: f64,
    /// Stops after so many rounds at the latest.
    pub rounds_max: usize,
    /// Where a walk starts anew: anywhere when empty, else at one of these nodes, which ranks nodes
    /// by their nearness to them. Nodes without an edge do not count.
    pub seeds: Vec<NodeId>,
}

impl Default for PageRank {
    fn default() -> Self {
        Self { damping: 0.85, tolerance: 1e-9, rounds_max: 200, seeds: Vec::new() }
    }
}

/// The rank of every node; their sum is 1.
#[derive(Clone, Debug)]
pub struct Ranks {
    snapshot: Arc<Snapshot>,
    /// By dense number.
    scores: Vec<f64>,
    rounds: usize,
    converged: bool,
}

impl Ranks {
    /// The rank of a node. `None` when it has no edge.
    pub fn of(&self, node: NodeId) -> Option<f64> {
        self.scores.get(self.snapshot.index_of(node)? as usize).copied()
    }

    /// The nodes of the highest ranks, highest first, of equals the smallest node.
    pub fn top(&self, nodes_max: usize) -> Vec<(NodeId, f64)> {
        let ranked = self.snapshot.nodes.iter().copied().zip(self.scores.iter().copied());
        let mut ranked: Vec<(NodeId, f64)> = ranked.collect();
        let order = |a: &(NodeId, f64), b: &(NodeId, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if nodes_max < ranked.len() {
            ranked.select_nth_unstable_by(nodes_max, order);
            ranked.truncate(nodes_max);
        }
        ranked.sort_unstable_by(order);
        ranked
    }

    /// How many rounds were computed.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// Whether the tolerance was met before the rounds ran out.
    pub fn has_converged(&self) -> bool {
        self.converged
    }
}

impl Graph {
    /// Ranks nodes by the chance to be met on an endless walk along the edges. Parallel edges
    /// count each; weights do not. Linear in nodes and edges for each round.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a damping outside 0 to 1, or seeds of which none has an edge;
    /// otherwise as [`Graph::snapshot`].
    pub fn page_rank(&self, options: &PageRank) -> Result<Ranks> {
        if !(0.0..1.0).contains(&options.damping) {
            let reason = format!("{} is not from 0 to below 1", options.damping);
            return Err(Error::invalid("damping", reason));
        }
        let snapshot = self.snapshot()?;
        let starts = starts_of(&snapshot, &options.seeds)?;
        let inward = Rowed::of(&snapshot, None, Side::In);
        let outward = Rowed::of(&snapshot, None, Side::Out);
        let mut scores = starts.clone();
        // What a node hands to each of its targets.
        let mut shares = vec![0.0; scores.len()];
        let (mut rounds, mut converged) = (0, scores.is_empty());
        while !converged && rounds < options.rounds_max {
            rounds += 1;
            let mut stranded = 0.0;
            for ((node, score), share) in (0..).zip(&scores).zip(&mut shares) {
                match outward.degree(node) {
                    0 => stranded += score,
                    degree => *share = score / f64::from(degree),
                }
            }
            let anew = 1.0 - options.damping + options.damping * stranded;
            let mut moved = 0.0;
            for ((node, score), start) in (0..).zip(&mut scores).zip(&starts) {
                let arrived: f64 =
                    inward.of_node(node).iter().map(|source| shares[*source as usize]).sum();
                let new = anew * start + options.damping * arrived;
                moved += (new - *score).abs();
                *score = new;
            }
            converged = moved < options.tolerance;
        }
        drop((inward, outward));
        Ok(Ranks { snapshot, scores, rounds, converged })
    }
}

/// The chance of each node to be where a walk starts anew.
fn starts_of(snapshot: &Snapshot, seeds: &[NodeId]) -> Result<Vec<f64>> {
    let count = snapshot.node_bound();
    if seeds.is_empty() {
        return Ok(vec![one_of(count); count]);
    }
    let mut found: Vec<u32> = seeds.iter().filter_map(|seed| snapshot.index_of(*seed)).collect();
    found.sort_unstable();
    found.dedup();
    if found.is_empty() {
        return Err(Error::invalid("seeds", "none of the nodes has an edge"));
    }
    let mut starts = vec![0.0; count];
    for node in &found {
        starts[*node as usize] = one_of(found.len());
    }
    Ok(starts)
}

/// One share of `count` equal ones. Counts are dense numbers, so they fit.
fn one_of(count: usize) -> f64 {
    1.0 / f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::model::{Model, node};
    use super::*;
    use proptest::prelude::*;

    /// The same by a full matrix.
    fn by_matrix(model: &Model, options: &PageRank) -> Vec<(NodeId, f64)> {
        let nodes: Vec<NodeId> = model.nodes().into_iter().collect();
        let known = |seed: &NodeId| nodes.contains(seed);
        let seeds = options.seeds.iter().filter(|seed| known(seed)).count();
        let start = |node: &NodeId| match seeds {
            0 => one_of(nodes.len()),
            seeds if options.seeds.contains(node) => one_of(seeds),
            _ => 0.0,
        };
        let degree = |node| model.edges.iter().filter(|edge| edge.source == node).count();
        let mut scores: Vec<f64> = nodes.iter().map(start).collect();
        for _ in 0..300 {
            let mut next: Vec<f64> =
                nodes.iter().map(|node| (1.0 - options.damping) * start(node)).collect();
            for (from, score) in nodes.iter().zip(&scores) {
                for (to, new) in nodes.iter().zip(&mut next) {
                    let edges = model.edges.iter();
                    let count =
                        edges.filter(|edge| (edge.source, edge.target) == (*from, *to)).count();
                    let chance = match degree(*from) {
                        0 => start(to),
                        degree => (0..count).map(|_| one_of(degree)).sum(),
                    };
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
        fn ranks_are_those_of_the_matrix(model in Model::any(7, 20), seeded: bool) {
            let mut options =
                PageRank { tolerance: 1e-13, rounds_max: 1_000, ..PageRank::default() };
            if let Some(edge) = model.edges.first().filter(|_| seeded) {
                options.seeds = vec![edge.source, edge.target, edge.source];
                options.seeds.dedup();
            }
            let distinct: std::collections::BTreeSet<_> = options.seeds.drain(..).collect();
            options.seeds = distinct.into_iter().collect();
            let ranks = model.graph().page_rank(&options).unwrap();
            prop_assert!(ranks.has_converged());
            for (id, score) in by_matrix(&model, &options) {
                let found = ranks.of(id).unwrap();
                prop_assert!((found - score).abs() < 1e-9, "{id}: {found} {score}");
            }
            let top = ranks.top(3);
            prop_assert_eq!(&top[..], &ranks.top(usize::MAX)[..top.len()]);
        }
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let graph = Model::of(&[(0, 1)]).graph();
        for damping in [-0.1, 1.0, f64::NAN] {
            let found = graph.page_rank(&PageRank { damping, ..PageRank::default() });
            assert!(matches!(found, Err(Error::Invalid { .. })));
        }
        let seeds = vec![node(7)];
        let found = graph.page_rank(&PageRank { seeds, ..PageRank::default() });
        assert!(matches!(found, Err(Error::Invalid { .. })));
    }
}
