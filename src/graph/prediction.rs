//! Link prediction: the pairs of nodes, not yet linked, that are most alike.

use super::Graph;
use super::parallel::{balanced, map, threads_of};
use super::part::{Loops, Part, Rows};
use super::scores::top_of;
use super::similarity::{Common, Set, Similarity};
use super::view::{NodeMap as _, Stamped};
use crate::base::error::Result;
use crate::base::id::NodeId;

/// Two nodes that are not linked, and how alike they are.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PredictedLink {
    /// Both nodes, the smaller one first.
    pub nodes: (NodeId, NodeId),
    /// By the measure that was asked for.
    pub score: f64,
}

impl Graph {
    /// The pairs of nodes that are most alike and have no edge with each other, in either
    /// direction, best first, of equals the smallest nodes first (Liben-Nowell, Kleinberg: The link
    /// prediction problem for social networks, 2003). Only pairs with a common neighbour are
    /// candidates, for preferential attachment too.
    ///
    /// From each node at most [`Similarity::steps_max`] steps are taken, so that hubs cost no more;
    /// all nodes together take time linear in nodes, edges and steps, and memory for the pairs
    /// asked for.
    ///
    /// # Errors
    /// As [`Graph::snapshot`].
    pub fn predict_links(
        &self,
        edge_types: &[&str],
        links_max: usize,
        options: &Similarity,
    ) -> Result<Vec<PredictedLink>> {
        let snapshot = self.snapshot()?;
        let part = Part::of(&snapshot, self.numbers_of(edge_types));
        let forth = part.rows(options.direction).simple(Loops::Keep);
        let back = part.rows(options.direction.reversed()).simple(Loops::Keep);
        let direction = options.direction;
        let sets = |rows: &Rows<'_>, direction| -> Vec<Set> {
            let set = |node| Set::of(rows.of(node), &node, direction);
            (0..rows.count() as u32).map(set).collect()
        };
        let scan = Scan {
            own: sets(&forth, direction),
            other: sets(&back, direction.reversed()),
            forth,
            back,
            options,
            links_max,
        };
        let runs = balanced(&scan.forth.offsets);
        let found = map(threads_of(options.threads), runs, |run| {
            scan.run(run.start as u32..run.end as u32)
        });
        let best = top_of(found.into_iter().flatten().collect(), links_max);
        let link = |((a, b), score)| PredictedLink { nodes: (part.id(a), part.id(b)), score };
        Ok(best.into_iter().map(link).collect())
    }
}

/// What a search for alike pairs reads.
struct Scan<'a> {
    /// The neighbours of each node.
    forth: Rows<'a>,
    /// The nodes whose neighbour each node is.
    back: Rows<'a>,
    own: Vec<Set>,
    other: Vec<Set>,
    options: &'a Similarity,
    links_max: usize,
}

type Scored = Vec<((u32, u32), f64)>;

impl Scan<'_> {
    /// The best pairs whose smaller node is one of these.
    fn run(&self, nodes: std::ops::Range<u32>) -> Scored {
        let mut common: Stamped<Common> = Stamped::default();
        let (mut candidates, mut best) = (Vec::new(), Vec::new());
        // Cut now and then, so that a round of cutting is paid for by what it drops.
        let full = self.links_max.saturating_mul(2).saturating_add(1_024);
        for node in nodes {
            common.reset(self.own.len());
            candidates.clear();
            self.meet(node, &mut common, &mut candidates);
            for other in candidates.iter().copied() {
                let Some(common) = common.get(other).filter(|common| common.count > 0) else {
                    continue;
                };
                if self.forth.leads_to(node, other) || self.back.leads_to(node, other) {
                    continue;
                }
                let sets = (self.own[node as usize], self.own[other as usize]);
                best.push(((node, other), self.options.measure.score(common, sets)));
                if best.len() >= full {
                    best = top_of(best, self.links_max);
                }
            }
        }
        top_of(best, self.links_max)
    }

    /// Finds the greater nodes that share a neighbour with a node.
    fn meet(&self, node: u32, common: &mut Stamped<Common>, candidates: &mut Vec<u32>) {
        let mut through = self.forth.of(node).to_vec();
        let steps: usize = through.iter().map(|neighbor| self.back.degree(*neighbor)).sum();
        if steps > self.options.steps_max {
            through.sort_by_key(|neighbor| self.back.degree(*neighbor));
        }
        let mut left = self.options.steps_max;
        for neighbor in through {
            let Some(after) = left.checked_sub(self.back.degree(neighbor)) else { break };
            left = after;
            let worth = self.options.measure.worth(self.other[neighbor as usize].degree);
            let row = self.back.of(neighbor);
            let greater = row.partition_point(|other| *other <= node);
            for other in row[greater..].iter().copied() {
                let mut sum = common.get(other).unwrap_or_default();
                sum.add(neighbor == node || neighbor == other, worth);
                if common.insert(other, sum) {
                    candidates.push(other);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Model, node};
    use super::super::similarity::Measure;
    use super::super::similarity::tests::{any_options, naive};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn the_best_pairs_without_an_edge_are_found(
            model in Model::any(10, 26),
            typed: bool,
            options in any_options(),
        ) {
            let graph = model.graph();
            let (part, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let found = graph.predict_links(types, usize::MAX, &options).unwrap();
            let count = Similarity { measure: Measure::CommonNeighbors, ..options.clone() };
            let ids: Vec<NodeId> = part.nodes().into_iter().collect();
            let mut expected = Vec::new();
            for (place, a) in ids.iter().enumerate() {
                for b in &ids[place + 1..] {
                    let linked = part.edges.iter().any(|edge| {
                        [(*a, *b), (*b, *a)].contains(&(edge.source, edge.target))
                    });
                    if !linked && naive(&part, (*a, *b), &count) > 0.0 {
                        expected.push(((*a, *b), naive(&part, (*a, *b), &options)));
                    }
                }
            }
            prop_assert_eq!(found.len(), expected.len());
            for (nodes, score) in &expected {
                let found = found.iter().find(|link| link.nodes == *nodes).unwrap();
                prop_assert!((found.score - score).abs() < 1e-12);
            }
            prop_assert!(found.is_sorted_by(|a, b| (b.score, a.nodes) <= (a.score, b.nodes)));
            for threads in 1..4 {
                let few =
                    graph.predict_links(types, 3, &options.clone().threads(threads)).unwrap();
                prop_assert_eq!(&few[..], &found[..found.len().min(3)]);
            }
        }
    }

    #[test]
    fn a_hub_beyond_the_steps_is_passed_by() {
        let mut edges = vec![(0, 10), (1, 10)];
        edges.extend((0..8).map(|other| (other, 11)));
        let graph = Model::of(&edges).graph();
        let options = Similarity::by(Measure::CommonNeighbors);
        let all = graph.predict_links(&[], 100, &options).unwrap();
        assert_eq!(all.len(), 28 + 1);
        let few = graph.predict_links(&[], 100, &options.steps_max(7)).unwrap();
        let pairs: Vec<_> = few.iter().map(|link| link.nodes).collect();
        assert!(pairs.contains(&(node(0), node(1))));
        assert!(!pairs.contains(&(node(2), node(4))));
    }
}
