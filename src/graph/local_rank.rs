//! Personalised PageRank near its seeds, by pushing what is not yet placed, at a cost that does not
//! grow with the graph.

use std::collections::VecDeque;

use super::local::{LocalMap, Which};
use super::rank::check_damping;
use super::scores::top_of;
use super::view::GraphView;
use super::{Direction, Graph, on_view};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;

/// How [`Graph::local_page_rank`] is computed.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalPageRank {
    damping: f64,
    epsilon: f64,
}

impl Default for LocalPageRank {
    fn default() -> Self {
        Self { damping: 0.85, epsilon: 1e-5 }
    }
}

impl LocalPageRank {
    /// Damping 0.85, epsilon 1e-5.
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

    /// A node passes its rank on as long as what waits at it is at least this for each of its
    /// edges. Above 0; a tenth of it is about ten times the work.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }
}

/// The ranks of the nodes near some seeds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LocalRanks {
    /// The nodes with a rank, highest first, of equals the smallest node first. None is above the
    /// exact rank.
    pub ranks: Vec<(NodeId, f64)>,
    /// What the ranks lack of 1, which is what the exact ranks have more, in sum.
    pub missing: f64,
    /// How many nodes passed their rank on, each as often as it did.
    pub pushes: usize,
}

impl Graph {
    /// The nodes that a walk meets which starts at one of the seeds, each with the same chance, and
    /// returns there now and then and wherever no edge leads on: what [`Graph::page_rank`] gives
    /// with the same seeds, from below.
    ///
    /// By forward push (Andersen, Chung, Lang: Local graph partitioning using PageRank vectors,
    /// 2006). At most `1 / (epsilon * (1 - damping))` edges are followed, however large the graph
    /// is, and nothing is built in memory. Parallel edges count each, weights do not.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a damping outside 0 to 1, an epsilon that is not above 0, or seeds of
    /// which none has an edge that counts; [`Error::Corrupt`] when adjacency blocks are damaged.
    pub fn local_page_rank(
        &self,
        edge_types: &[&str],
        seeds: &[NodeId],
        options: &LocalPageRank,
    ) -> Result<LocalRanks> {
        check_damping(options.damping)?;
        if !(options.epsilon.is_finite() && options.epsilon > 0.0) {
            return Err(Error::invalid("epsilon", format!("{} is not above 0", options.epsilon)));
        }
        let which = Which { direction: Direction::Out, edge_types: self.numbers_of(edge_types) };
        on_view!(self, view => ranks_near(view, &which, seeds, options))
    }
}

/// What is known of a node.
struct Place<N> {
    node: N,
    degree: usize,
    rank: f64,
    /// What has arrived and is not yet placed.
    waiting: f64,
    queued: bool,
}

struct Pushing<'a, V: GraphView> {
    view: &'a V,
    which: &'a Which,
    epsilon: f64,
    numbers: LocalMap<V::Node, usize>,
    places: Vec<Place<V::Node>>,
    queue: VecDeque<usize>,
}

fn ranks_near<V: GraphView>(
    view: &V,
    which: &Which,
    seeds: &[NodeId],
    options: &LocalPageRank,
) -> Result<LocalRanks> {
    let any = Which { direction: Direction::Both, ..which.clone() };
    let mut starts = Vec::new();
    for seed in seeds.iter().filter_map(|seed| view.find(*seed)) {
        if any.degree(view, seed)? > 0 {
            starts.push(seed);
        }
    }
    starts.sort_unstable();
    starts.dedup();
    if starts.is_empty() {
        return Err(Error::invalid("seeds", "none of the nodes has an edge that counts"));
    }
    let mut pushing = Pushing {
        view,
        which,
        epsilon: options.epsilon,
        numbers: LocalMap::default(),
        places: Vec::new(),
        queue: VecDeque::new(),
    };
    pushing.start(&starts, 1.0)?;
    let mut pushes = 0;
    while let Some(number) = pushing.queue.pop_front() {
        pushes += 1;
        pushing.push(number, &starts, options.damping)?;
    }
    let missing = pushing.places.iter().map(|place| place.waiting).sum();
    let ranked = pushing.places.iter().filter(|place| place.rank > 0.0);
    let ranks = ranked.map(|place| (view.id(place.node), place.rank)).collect();
    Ok(LocalRanks { ranks: top_of(ranks, usize::MAX), missing, pushes })
}

impl<V: GraphView> Pushing<'_, V> {
    /// Keeps a part of what waits at a node as its rank and passes the rest on.
    fn push(&mut self, number: usize, starts: &[V::Node], damping: f64) -> Result<()> {
        let place = &mut self.places[number];
        place.queued = false;
        let waiting = std::mem::take(&mut place.waiting);
        place.rank += (1.0 - damping) * waiting;
        let (node, degree) = (place.node, place.degree);
        if degree == 0 {
            return self.start(starts, damping * waiting);
        }
        let share = damping * waiting / degree as f64;
        let mut failed = None;
        let (view, which) = (self.view, self.which);
        which.for_each(view, node, |other| {
            if failed.is_none() {
                failed = self.add(other, share).err();
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    fn start(&mut self, starts: &[V::Node], amount: f64) -> Result<()> {
        let share = amount / starts.len() as f64;
        starts.iter().try_for_each(|start| self.add(*start, share))
    }

    fn add(&mut self, node: V::Node, amount: f64) -> Result<()> {
        let number = if let Some(number) = self.numbers.get(&node) {
            *number
        } else {
            let degree = self.which.degree(self.view, node)?;
            self.numbers.insert(node, self.places.len());
            self.places.push(Place { node, degree, rank: 0.0, waiting: 0.0, queued: false });
            self.places.len() - 1
        };
        let place = &mut self.places[number];
        place.waiting += amount;
        if !place.queued && place.waiting >= self.epsilon * place.degree.max(1) as f64 {
            place.queued = true;
            self.queue.push_back(number);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::BlocksView;
    use super::super::model::{Model, node};
    use super::super::rank::PageRank;
    use super::*;
    use proptest::prelude::*;

    fn is_invalid(error: Option<&Error>) -> bool {
        matches!(error, Some(Error::Invalid { .. }))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn ranks_are_the_exact_ones_from_below(
            model in Model::any(12, 30),
            typed: bool,
            starts in prop::collection::vec(0_u64..14, 1..4),
            epsilon in prop::sample::select(vec![1e-1, 1e-2, 1e-4, 1e-8]),
        ) {
            let graph = model.graph();
            let types: &[&str] = if typed { &["t1"] } else { &[] };
            let seeds: Vec<NodeId> = starts.into_iter().map(node).collect();
            let options = LocalPageRank::new().epsilon(epsilon);
            let exact =
                graph.page_rank(types, &PageRank::new().seeds(seeds.clone()).tolerance(1e-14));
            let found = graph.local_page_rank(types, &seeds, &options);
            let (Ok(exact), Ok(found)) = (&exact, &found) else {
                prop_assert!(is_invalid(exact.as_ref().err()) && is_invalid(found.as_ref().err()));
                return Ok(());
            };
            let sum: f64 = found.ranks.iter().map(|(_, rank)| rank).sum();
            prop_assert!((sum + found.missing - 1.0).abs() < 1e-9);
            for (id, rank) in &found.ranks {
                prop_assert!(*rank <= exact.of(*id).unwrap() + 1e-9);
            }
            let edges = model.edges.len() as f64;
            prop_assert!(found.missing <= epsilon * (edges + model.nodes().len() as f64));
            prop_assert!(found.pushes as f64 <= 1.0 / (epsilon * 0.15) + 1.0);
            let rows = model.rows();
            let which =
                Which { direction: Direction::Out, edge_types: graph.numbers_of(types) };
            let blocks = ranks_near(&BlocksView::new(&rows), &which, &seeds, &options).unwrap();
            prop_assert_eq!(&blocks, found, "both views agree");
        }
    }

    #[test]
    fn the_cost_does_not_grow_with_the_graph() {
        let ring = |count: u64| {
            let edges: Vec<(u64, u64)> = (0..count).map(|n| (n, (n + 1) % count)).collect();
            Model::of(&edges).graph()
        };
        let options = LocalPageRank::new().epsilon(1e-3);
        let small = ring(100).local_page_rank(&[], &[node(0)], &options).unwrap();
        let large = ring(10_000).local_page_rank(&[], &[node(0)], &options).unwrap();
        assert_eq!(small, large);
        assert!(large.ranks.len() < 60);
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let graph = Model::of(&[(0, 1)]).graph();
        for (seed, options) in [
            (0, LocalPageRank::new().damping(1.0)),
            (0, LocalPageRank::new().epsilon(0.0)),
            (0, LocalPageRank::new().epsilon(f64::NAN)),
            (7, LocalPageRank::new()),
        ] {
            let found = graph.local_page_rank(&[], &[node(seed)], &options);
            assert!(matches!(found, Err(Error::Invalid { .. })), "{options:?}");
        }
    }
}
