//! petgraph's traits on the snapshot, so that its algorithms run on it as they are.
//!
//! Node identifiers are dense numbers, edge identifiers positions in the outward arrays; both are
//! without holes. A walk over a node's edges allocates nothing.

use std::iter::{Copied, Zip};
use std::ops::Range;
use std::slice::Iter;

use petgraph::data::DataMap;
use petgraph::visit::{
    Data, EdgeCount, EdgeIndexable, EdgeRef, GetAdjacencyMatrix, GraphBase, GraphProp,
    IntoEdgeReferences, IntoEdges, IntoEdgesDirected, IntoNeighbors, IntoNeighborsDirected,
    IntoNodeIdentifiers, IntoNodeReferences, NodeCompactIndexable, NodeCount, NodeIndexable,
    VisitMap, Visitable,
};
use petgraph::{Directed, Direction};

use super::snapshot::Snapshot;
use super::view::{NodeMap as _, Side, Stamped};
use crate::base::id::NodeId;

/// An edge of a [`Snapshot`], as petgraph's algorithms see it.
#[derive(Clone, Copy, Debug)]
pub struct EdgeReference<'a> {
    source: u32,
    target: u32,
    position: u32,
    weight: &'a f32,
}

impl EdgeRef for EdgeReference<'_> {
    type NodeId = u32;
    type EdgeId = u32;
    type Weight = f32;

    fn source(&self) -> u32 {
        self.source
    }

    fn target(&self) -> u32 {
        self.target
    }

    fn weight(&self) -> &f32 {
        self.weight
    }

    fn id(&self) -> u32 {
        self.position
    }
}

fn side_of(direction: Direction) -> Side {
    match direction {
        Direction::Outgoing => Side::Out,
        Direction::Incoming => Side::In,
    }
}

/// Dense numbers and positions are below 2^32, which the build has checked.
fn dense(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl GraphBase for Snapshot {
    type NodeId = u32;
    type EdgeId = u32;
}

impl GraphProp for Snapshot {
    type EdgeType = Directed;
}

impl Data for Snapshot {
    type NodeWeight = NodeId;
    type EdgeWeight = f32;
}

impl DataMap for Snapshot {
    fn node_weight(&self, id: u32) -> Option<&NodeId> {
        self.nodes.get(id as usize)
    }

    fn edge_weight(&self, id: u32) -> Option<&f32> {
        ((id as usize) < self.edges.len()).then(|| self.weight(id))
    }
}

impl NodeCount for Snapshot {
    fn node_count(&self) -> usize {
        self.nodes.len()
    }
}

impl NodeIndexable for Snapshot {
    fn node_bound(&self) -> usize {
        self.nodes.len()
    }

    fn to_index(&self, id: u32) -> usize {
        id as usize
    }

    fn from_index(&self, index: usize) -> u32 {
        dense(index)
    }
}

impl NodeCompactIndexable for Snapshot {}

impl EdgeCount for Snapshot {
    fn edge_count(&self) -> usize {
        self.edges.len()
    }
}

impl EdgeIndexable for Snapshot {
    fn edge_bound(&self) -> usize {
        self.edges.len()
    }

    fn to_index(&self, id: u32) -> usize {
        id as usize
    }

    fn from_index(&self, index: usize) -> u32 {
        dense(index)
    }
}

impl IntoNodeIdentifiers for &Snapshot {
    type NodeIdentifiers = Range<u32>;

    fn node_identifiers(self) -> Range<u32> {
        0..dense(self.nodes.len())
    }
}

impl<'a> IntoNodeReferences for &'a Snapshot {
    type NodeRef = (u32, &'a NodeId);
    type NodeReferences = Zip<Range<u32>, Iter<'a, NodeId>>;

    fn node_references(self) -> Self::NodeReferences {
        self.node_identifiers().zip(&self.nodes)
    }
}

impl<'a> IntoNeighbors for &'a Snapshot {
    type Neighbors = Copied<Iter<'a, u32>>;

    fn neighbors(self, node: u32) -> Self::Neighbors {
        self.neighbors_of(node, Side::Out).iter().copied()
    }
}

impl<'a> IntoNeighborsDirected for &'a Snapshot {
    type NeighborsDirected = Copied<Iter<'a, u32>>;

    fn neighbors_directed(self, node: u32, direction: Direction) -> Self::NeighborsDirected {
        self.neighbors_of(node, side_of(direction)).iter().copied()
    }
}

/// The edges of one node on one side.
#[derive(Clone, Debug)]
pub struct NodeEdges<'a> {
    snapshot: &'a Snapshot,
    node: u32,
    side: Side,
    places: Range<usize>,
}

impl<'a> Iterator for NodeEdges<'a> {
    type Item = EdgeReference<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let place = self.places.next()?;
        let other = self.snapshot.lists(self.side).neighbors[place];
        let position = self.snapshot.position(self.side, place);
        let (source, target) = match self.side {
            Side::Out => (self.node, other),
            Side::In => (other, self.node),
        };
        Some(EdgeReference { source, target, position, weight: self.snapshot.weight(position) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl ExactSizeIterator for NodeEdges<'_> {}

impl<'a> IntoEdges for &'a Snapshot {
    type Edges = NodeEdges<'a>;

    fn edges(self, node: u32) -> NodeEdges<'a> {
        self.edges_directed(node, Direction::Outgoing)
    }
}

impl<'a> IntoEdgesDirected for &'a Snapshot {
    type EdgesDirected = NodeEdges<'a>;

    fn edges_directed(self, node: u32, direction: Direction) -> NodeEdges<'a> {
        let side = side_of(direction);
        NodeEdges { snapshot: self, node, side, places: self.lists(side).range(node) }
    }
}

/// All edges, by position.
#[derive(Clone, Debug)]
pub struct AllEdges<'a> {
    snapshot: &'a Snapshot,
    next_node: u32,
    current: NodeEdges<'a>,
}

impl<'a> Iterator for AllEdges<'a> {
    type Item = EdgeReference<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(edge) = self.current.next() {
                return Some(edge);
            }
            if self.next_node as usize >= self.snapshot.nodes.len() {
                return None;
            }
            self.current = self.snapshot.edges(self.next_node);
            self.next_node += 1;
        }
    }
}

impl<'a> IntoEdgeReferences for &'a Snapshot {
    type EdgeRef = EdgeReference<'a>;
    type EdgeReferences = AllEdges<'a>;

    fn edge_references(self) -> AllEdges<'a> {
        let current = NodeEdges { snapshot: self, node: 0, side: Side::Out, places: 0..0 };
        AllEdges { snapshot: self, next_node: 0, current }
    }
}

/// Which nodes an algorithm of petgraph has visited. Resetting costs nothing.
#[derive(Debug, Default)]
pub struct Visited(Stamped<()>);

impl VisitMap<u32> for Visited {
    fn visit(&mut self, node: u32) -> bool {
        self.0.insert(node, ())
    }

    fn is_visited(&self, node: &u32) -> bool {
        self.0.contains(*node)
    }

    fn unvisit(&mut self, node: u32) -> bool {
        self.0.remove(node)
    }
}

impl Visitable for Snapshot {
    type Map = Visited;

    fn visit_map(&self) -> Visited {
        let mut map = Visited::default();
        self.reset_map(&mut map);
        map
    }

    fn reset_map(&self, map: &mut Visited) {
        map.0.reset(self.nodes.len());
    }
}

/// Adjacency is asked of the sorted lists themselves: a matrix would be quadratic. Logarithmic in
/// the degree for each edge type of the node.
impl GetAdjacencyMatrix for Snapshot {
    type AdjMatrix = ();

    fn adjacency_matrix(&self) {}

    fn is_adjacent(&self, (): &(), source: u32, target: u32) -> bool {
        self.out.leads_to(source, target)
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Model;
    use super::*;
    use petgraph::algo;
    use petgraph::data::Element;
    use petgraph::graph::NodeIndex;
    use petgraph::visit::{Bfs, Dfs, UndirectedAdaptor};
    use proptest::prelude::*;

    /// The same graph as petgraph holds it, dense numbers as weights.
    fn twin(snapshot: &Snapshot) -> petgraph::Graph<u32, f32, Directed, u32> {
        let mut twin = petgraph::Graph::new();
        for node in snapshot.node_identifiers() {
            twin.add_node(node);
        }
        for edge in snapshot.edge_references() {
            twin.add_edge(edge.source().into(), edge.target().into(), *edge.weight());
        }
        twin
    }

    fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut items: Vec<T> = items.into_iter().collect();
        items.sort();
        items
    }

    fn tree_weight<N>(tree: impl Iterator<Item = Element<N, f32>>) -> f64 {
        tree.map(|element| match element {
            Element::Edge { weight, .. } => f64::from(weight),
            Element::Node { .. } => 0.0,
        })
        .sum()
    }

    #[test]
    fn petgraph_algorithms_answer_as_on_its_own_graph() {
        let config = ProptestConfig::with_cases(48);
        proptest!(config, |(model in Model::any(14, 40))| {
            let snapshot = &model.snapshot();
            let twin = twin(snapshot);
            if snapshot.node_count() == 0 {
                return Ok(());
            }
            let costs = algo::dijkstra(snapshot, 0, None, |edge| f64::from(*edge.weight()));
            let theirs = algo::dijkstra(&twin, 0.into(), None, |edge| f64::from(*edge.weight()));
            prop_assert_eq!(costs.len(), theirs.len());
            for (node, cost) in &costs {
                prop_assert_eq!(Some(cost), theirs.get(&NodeIndex::<u32>::new(*node as usize)));
            }
            let goal = dense(snapshot.node_count() - 1);
            let found = algo::astar(
                snapshot, 0, |node| node == goal, |edge| f64::from(*edge.weight()), |_| 0.0);
            prop_assert_eq!(found.map(|(cost, _)| cost), costs.get(&goal).copied());

            let groups = |components: Vec<Vec<u32>>| sorted(components.into_iter().map(sorted));
            let theirs = algo::tarjan_scc(&twin).into_iter()
                .map(|nodes| nodes.into_iter().map(|node| dense(node.index())).collect());
            prop_assert_eq!(groups(algo::tarjan_scc(snapshot)), groups(theirs.collect()));
            prop_assert_eq!(
                algo::toposort(snapshot, None).is_ok(), algo::toposort(&twin, None).is_ok());
            prop_assert_eq!(
                algo::connected_components(snapshot), algo::connected_components(&twin));
            // Bridges are defined without directions.
            let undirected = twin.clone().into_edge_type::<petgraph::Undirected>();
            prop_assert_eq!(
                algo::bridges(UndirectedAdaptor(snapshot)).count(),
                algo::bridges(&undirected).count());
            prop_assert!(algo::is_isomorphic(snapshot, &twin));

            let tree = tree_weight(algo::min_spanning_tree(snapshot));
            let theirs = tree_weight(algo::min_spanning_tree(&twin));
            prop_assert!((tree - theirs).abs() < f64::EPSILON, "{} {}", tree, theirs);
        });
    }

    #[test]
    fn traits_agree_with_each_other() {
        let config = ProptestConfig::with_cases(48);
        proptest!(config, |(model in Model::any(10, 30))| {
            let snapshot = &model.snapshot();
            let all: Vec<u32> = snapshot.edge_references().map(|edge| edge.id()).collect();
            let expected: Vec<u32> = (0..dense(EdgeIndexable::edge_bound(snapshot))).collect();
            prop_assert_eq!(all, expected);
            let mut inward = Vec::new();
            for node in snapshot.node_identifiers() {
                let edges = snapshot.edges(node);
                prop_assert_eq!(edges.len(), snapshot.neighbors(node).count());
                let sources = snapshot.edges_directed(node, Direction::Incoming);
                for edge in sources {
                    prop_assert_eq!(edge.target(), node);
                    prop_assert_eq!(snapshot.edge_weight(edge.id()), Some(edge.weight()));
                    inward.push(edge.id());
                }
                for other in snapshot.node_identifiers() {
                    let adjacent = snapshot.neighbors(node).any(|target| target == other);
                    prop_assert_eq!(snapshot.is_adjacent(&(), node, other), adjacent);
                }
            }
            prop_assert_eq!(sorted(inward).len(), snapshot.edge_count());
            for (node, weight) in snapshot.node_references() {
                prop_assert_eq!(snapshot.index_of(*weight), Some(node));
            }
            if snapshot.node_count() > 0 {
                let mut dfs = Dfs::new(snapshot, 0);
                let mut bfs = Bfs::new(snapshot, 0);
                let deep = sorted(std::iter::from_fn(|| dfs.next(snapshot)));
                let broad = sorted(std::iter::from_fn(|| bfs.next(snapshot)));
                prop_assert_eq!(deep, broad);
            }
        });
    }
}
