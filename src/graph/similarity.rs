//! Similarity of two nodes by the neighbours that they have in common.
//!
//! Neighbours are sets: parallel edges count once. The two nodes themselves are no common
//! neighbours of each other, though they count where all neighbours are counted; a self loop makes
//! a node its own neighbour and, where both directions count, adds one more to its degree. That is
//! what networkx does on its undirected graphs. It has nothing for directed ones; here one
//! direction alone can be taken, and the degree of a common neighbour is then that of the edges it
//! is common by.
//!
//! A pair, and the nodes similar to one, are read from whichever view there is, at the cost of the
//! neighbours of the neighbours; nothing is built. Considered instead: petgraph and rustworkx-core
//! have none of these measures, graphalgs has none either.

use super::local::{LocalMap, Which};
use super::scores::top_of;
use super::view::GraphView;
use super::{Direction, Graph, on_view};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;

/// Candidates that are kept beyond those asked for, before the worst are dropped. Small in tests,
/// so that something is dropped there too.
const CUT_MIN: usize = if cfg!(test) { 1 } else { 256 };

/// How alike two nodes are, by their neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// How many neighbours they have in common.
    CommonNeighbors,
    /// Common neighbours for each neighbour of either (Jaccard 1901).
    Jaccard,
    /// Common neighbours, each worth `1 / ln(degree)` (Adamic, Adar: Friends and neighbors on the
    /// web, 2003).
    AdamicAdar,
    /// Common neighbours, each worth `1 / degree` (Zhou, Lue, Zhang: Predicting missing links via
    /// local information, 2009).
    ResourceAllocation,
    /// The product of their degrees (Barabasi, Albert 1999; Liben-Nowell, Kleinberg 2003).
    PreferentialAttachment,
}

/// How nodes are compared by [`Graph::similarity`], [`Graph::similar_to`] and
/// [`Graph::predict_links`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Similarity {
    pub(super) measure: Measure,
    pub(super) direction: Direction,
    pub(super) steps_max: usize,
    pub(super) threads: usize,
}

impl Similarity {
    /// Compares by a measure, over edges of both directions, with at most 100 000 steps a node.
    #[must_use]
    pub fn by(measure: Measure) -> Self {
        Self { measure, direction: Direction::Both, steps_max: 100_000, threads: 0 }
    }

    /// Takes the neighbours of this direction only.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Looks for candidates in no more than so many steps from each node. A step is an edge from a
    /// neighbour to a candidate. Neighbours with the fewest edges come first, because they tell
    /// most; those for which no steps are left count as if they were not common. A pair by itself
    /// is always compared in full.
    #[must_use]
    pub fn steps_max(mut self, steps_max: usize) -> Self {
        self.steps_max = steps_max;
        self
    }

    /// Uses so many threads in [`Graph::predict_links`]; 0, the default, means as many as the
    /// machine has. The result is the same bit for bit.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }
}

impl Graph {
    /// How alike two nodes are. 0 for nodes without an edge that counts. Linear in the neighbours
    /// of both, and for Adamic-Adar and resource allocation of the common ones.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a node with itself; [`Error::Corrupt`] when adjacency blocks are
    /// damaged.
    pub fn similarity(
        &self,
        edge_types: &[&str],
        nodes: (NodeId, NodeId),
        options: &Similarity,
    ) -> Result<f64> {
        if nodes.0 == nodes.1 {
            return Err(Error::invalid("nodes", "a node is not compared with itself"));
        }
        let which = Which { direction: options.direction, edge_types: self.numbers_of(edge_types) };
        on_view!(self, view => pair(view, &which, nodes, options.measure))
    }

    /// The nodes that are most alike to one, best first, of equals the smallest node first. Only
    /// nodes with a common neighbour are candidates, whether they are neighbours themselves or not.
    ///
    /// Takes as many steps as the neighbours of the node have edges, bounded by
    /// [`Similarity::steps_max`]; the Jaccard measure and preferential attachment also read the
    /// neighbours of the candidates that can be among the best.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when adjacency blocks are damaged.
    pub fn similar_to(
        &self,
        edge_types: &[&str],
        node: NodeId,
        nodes_max: usize,
        options: &Similarity,
    ) -> Result<Vec<(NodeId, f64)>> {
        let which = Which { direction: options.direction, edge_types: self.numbers_of(edge_types) };
        on_view!(self, view => similar(view, &which, (node, nodes_max), options))
    }
}

/// What two nodes have in common.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Common {
    /// Common neighbours, the two nodes apart.
    pub(super) count: usize,
    /// Members of both sets, the two nodes included.
    pub(super) shared: usize,
    /// What the common neighbours are worth.
    pub(super) worth: f64,
}

impl Common {
    /// Adds one common member of the sets, `own` if it is one of the two nodes.
    pub(super) fn add(&mut self, own: bool, worth: f64) {
        self.shared += 1;
        if !own {
            self.count += 1;
            self.worth += worth;
        }
    }
}

impl Measure {
    /// What a common neighbour of this degree is worth; it has two at least.
    pub(super) fn worth(self, degree: usize) -> f64 {
        match self {
            Self::AdamicAdar => 1.0 / (degree as f64).ln(),
            Self::ResourceAllocation => 1.0 / degree as f64,
            _ => 1.0,
        }
    }

    fn weighs_neighbors(self) -> bool {
        matches!(self, Self::AdamicAdar | Self::ResourceAllocation)
    }

    pub(super) fn weighs_sets(self) -> bool {
        matches!(self, Self::Jaccard | Self::PreferentialAttachment)
    }

    /// The score of two nodes, from what they have in common and the sizes of their sets.
    pub(super) fn score(self, common: Common, sets: (Set, Set)) -> f64 {
        match self {
            Self::CommonNeighbors => common.count as f64,
            Self::AdamicAdar | Self::ResourceAllocation => common.worth,
            Self::PreferentialAttachment => sets.0.degree as f64 * sets.1.degree as f64,
            Self::Jaccard => match sets.0.size + sets.1.size - common.shared {
                0 => 0.0,
                all => common.count as f64 / all as f64,
            },
        }
    }
}

/// How large the set of a node's neighbours is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Set {
    pub(super) size: usize,
    /// The size, and one more for a self loop where both directions count.
    pub(super) degree: usize,
}

impl Set {
    /// The set with these members, ascending, of a node.
    pub(super) fn of<N: Ord>(members: &[N], node: &N, direction: Direction) -> Self {
        let size = members.len();
        let is_loop = direction == Direction::Both && members.binary_search(node).is_ok();
        Self { size, degree: size + usize::from(is_loop) }
    }
}

fn pair<V: GraphView>(
    view: &V,
    which: &Which,
    nodes: (NodeId, NodeId),
    measure: Measure,
) -> Result<f64> {
    let (Some(a), Some(b)) = (view.find(nodes.0), view.find(nodes.1)) else { return Ok(0.0) };
    let (of_a, of_b) = (which.neighbors(view, a)?, which.neighbors(view, b)?);
    let sets = (Set::of(&of_a, &a, which.direction), Set::of(&of_b, &b, which.direction));
    let mut common = Common::default();
    for other in of_a.iter().filter(|other| of_b.binary_search(other).is_ok()) {
        let own = [a, b].contains(other);
        let worth = if own || !measure.weighs_neighbors() {
            1.0
        } else {
            let back = which.reversed();
            let members = back.neighbors(view, *other)?;
            measure.worth(Set::of(&members, other, back.direction).degree)
        };
        common.add(own, worth);
    }
    Ok(measure.score(common, sets))
}

fn similar<V: GraphView>(
    view: &V,
    which: &Which,
    (node, nodes_max): (NodeId, usize),
    options: &Similarity,
) -> Result<Vec<(NodeId, f64)>> {
    let Some(node) = view.find(node) else { return Ok(Vec::new()) };
    let own = which.neighbors(view, node)?;
    let set = Set::of(&own, &node, which.direction);
    let candidates = candidates(view, which, (node, own), options)?;
    let mut open = Vec::with_capacity(candidates.len());
    for (other, common) in candidates.into_iter().filter(|(_, common)| common.count > 0) {
        let ceiling = match options.measure {
            // Either node has at least the neighbours of the first.
            Measure::Jaccard => common.count as f64 / set.size as f64,
            Measure::PreferentialAttachment => {
                set.degree as f64 * which.degree(view, other)? as f64
            }
            measure => measure.score(common, (set, Set::default())),
        };
        open.push(((other, common), ceiling));
    }
    open.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.0.cmp(&b.0.0)));
    let (mut best, mut bar) = (Vec::new(), 0.0);
    for ((other, common), ceiling) in open {
        if ceiling < bar {
            break;
        }
        let score = if options.measure.weighs_sets() {
            let members = which.neighbors(view, other)?;
            options.measure.score(common, (set, Set::of(&members, &other, which.direction)))
        } else {
            ceiling
        };
        best.push((view.id(other), score));
        // Cut now and then, so that a round of cutting is paid for by what it drops.
        if best.len() >= nodes_max.saturating_mul(2).saturating_add(CUT_MIN) {
            best = top_of(best, nodes_max);
            bar = best.last().map_or(f64::INFINITY, |(_, score)| *score);
        }
    }
    Ok(top_of(best, nodes_max))
}

/// What other nodes have in common with one, from the neighbours that tell most.
fn candidates<V: GraphView>(
    view: &V,
    which: &Which,
    (node, own): (V::Node, Vec<V::Node>),
    options: &Similarity,
) -> Result<LocalMap<V::Node, Common>> {
    let back = which.reversed();
    let mut through = Vec::with_capacity(own.len());
    for neighbor in own {
        through.push((back.degree(view, neighbor)?, neighbor));
    }
    through.sort_unstable();
    let mut found: LocalMap<V::Node, Common> = LocalMap::default();
    let mut left = options.steps_max;
    for (degree, neighbor) in through {
        let Some(after) = left.checked_sub(degree) else { break };
        left = after;
        let members = back.neighbors(view, neighbor)?;
        let worth = options.measure.worth(Set::of(&members, &neighbor, back.direction).degree);
        for other in members.into_iter().filter(|other| *other != node) {
            let is_end = neighbor == node || neighbor == other;
            found.entry(other).or_default().add(is_end, worth);
        }
    }
    Ok(found)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::BlocksView;
    use super::super::model::{Model, node};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    pub(in super::super) const MEASURES: [Measure; 5] = [
        Measure::CommonNeighbors,
        Measure::Jaccard,
        Measure::AdamicAdar,
        Measure::ResourceAllocation,
        Measure::PreferentialAttachment,
    ];

    pub(in super::super) fn members(
        model: &Model,
        id: NodeId,
        direction: Direction,
    ) -> BTreeSet<NodeId> {
        let outward = model.edges.iter().filter(|edge| edge.source == id).map(|edge| edge.target);
        let inward = model.edges.iter().filter(|edge| edge.target == id).map(|edge| edge.source);
        match direction {
            Direction::Out => outward.collect(),
            Direction::In => inward.collect(),
            Direction::Both => outward.chain(inward).collect(),
        }
    }

    /// By the definitions.
    pub(in super::super) fn naive(
        model: &Model,
        (a, b): (NodeId, NodeId),
        options: &Similarity,
    ) -> f64 {
        let set = |id| members(model, id, options.direction);
        let degree = |id: NodeId, direction: Direction| {
            let set = members(model, id, direction);
            (set.len() + usize::from(direction == Direction::Both && set.contains(&id))) as f64
        };
        let back = |id: &NodeId| degree(*id, options.direction.reversed());
        let mut common: BTreeSet<NodeId> = &set(a) & &set(b);
        common.retain(|id| ![a, b].contains(id));
        match options.measure {
            Measure::CommonNeighbors => common.len() as f64,
            Measure::Jaccard => common.len() as f64 / (&set(a) | &set(b)).len().max(1) as f64,
            Measure::AdamicAdar => common.iter().map(|id| 1.0 / back(id).ln()).sum(),
            Measure::ResourceAllocation => common.iter().map(|id| 1.0 / back(id)).sum(),
            Measure::PreferentialAttachment => {
                degree(a, options.direction) * degree(b, options.direction)
            }
        }
    }

    pub(in super::super) fn any_options() -> impl Strategy<Value = Similarity> {
        let direction = prop::sample::select(vec![Direction::Out, Direction::In, Direction::Both]);
        let measure = prop::sample::select(MEASURES.to_vec());
        (measure, direction)
            .prop_map(|(measure, direction)| Similarity::by(measure).direction(direction))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn scores_are_those_of_the_definitions(
            model in Model::any(9, 34),
            typed: bool,
            options in any_options(),
        ) {
            let graph = model.graph();
            let rows = model.rows();
            let types: &[&str] = if typed { &["t1"] } else { &[] };
            let which =
                Which { direction: options.direction, edge_types: graph.numbers_of(types) };
            let part = if typed { model.of_type(1) } else { model };
            let ids: Vec<NodeId> = (0..10).map(node).collect();
            for a in &ids {
                let mut expected = Vec::new();
                for b in ids.iter().filter(|b| *b != a) {
                    let score = naive(&part, (*a, *b), &options);
                    let found = graph.similarity(types, (*a, *b), &options).unwrap();
                    prop_assert!((found - score).abs() < 1e-12, "{a} {b}: {found} {score}");
                    let blocks = BlocksView::new(&rows);
                    let again = pair(&blocks, &which, (*a, *b), options.measure).unwrap();
                    prop_assert_eq!(again.to_bits(), found.to_bits());
                    let count = Similarity { measure: Measure::CommonNeighbors, ..options.clone() };
                    if naive(&part, (*a, *b), &count) > 0.0 {
                        expected.push((*b, score));
                    }
                }
                let found = graph.similar_to(types, *a, usize::MAX, &options).unwrap();
                prop_assert_eq!(found.len(), expected.len());
                for (id, score) in &found {
                    let expected = expected.iter().find(|(other, _)| other == id).unwrap().1;
                    prop_assert!((score - expected).abs() < 1e-12, "{a} {id}");
                }
                let few = graph.similar_to(types, *a, 2, &options).unwrap();
                prop_assert_eq!(&few[..], &found[..few.len()]);
                prop_assert!(found.is_sorted_by(|a, b| (b.1, a.0) <= (a.1, b.0)));
            }
        }
    }

    #[test]
    fn steps_go_to_the_neighbours_that_tell_most() {
        // 0 and 1 share the rare 10; 0 and 2..6 share the hub 11.
        let mut edges = vec![(0, 10), (1, 10), (0, 11)];
        edges.extend((2..7).map(|other| (other, 11)));
        let graph = Model::of(&edges).graph();
        let options = Similarity::by(Measure::AdamicAdar);
        let all = graph.similar_to(&[], node(0), 9, &options).unwrap();
        assert_eq!(all.len(), 6);
        assert_eq!(all[0].0, node(1));
        let few = graph.similar_to(&[], node(0), 9, &options.steps_max(7)).unwrap();
        assert_eq!(few, all[..1]);
    }

    #[test]
    fn a_node_is_not_compared_with_itself() {
        let graph = Model::of(&[(0, 1)]).graph();
        let options = Similarity::by(Measure::Jaccard);
        let found = graph.similarity(&[], (node(0), node(0)), &options);
        assert!(matches!(found, Err(Error::Invalid { .. })));
    }
}
