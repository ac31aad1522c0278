//! Small parts of the graph, taken out and owned: to be drawn, exported or handed on.
//!
//! A subgraph holds nodes by ascending identity and edges by source, then type (in the order in
//! which types were first used), target and edge, so that equal questions give equal answers on
//! either view. Limits bound it; what they cut off is said, never hidden.

use std::ops::ControlFlow;
use std::sync::Arc;

use petgraph::graph::{DiGraph, NodeIndex};

use super::traverse::Walk;
use super::view::{GraphView, Side};
use super::{Direction, EdgeNames, Graph, name_of, on_view};
use crate::base::error::Result;
use crate::base::id::{EdgeId, NodeId};
use crate::base::limits::{SUBGRAPH_EDGES_DEFAULT, SUBGRAPH_NODES_DEFAULT};

/// How large a [`Subgraph`] may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubgraphLimits {
    /// Most nodes; 10 000 unless said otherwise.
    pub nodes_max: usize,
    /// Most edges; 100 000 unless said otherwise.
    pub edges_max: usize,
}

impl Default for SubgraphLimits {
    fn default() -> Self {
        Self { nodes_max: SUBGRAPH_NODES_DEFAULT, edges_max: SUBGRAPH_EDGES_DEFAULT }
    }
}

/// What [`Graph::ego`] takes out around a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ego {
    /// How many edges to go at most; 0 is the node alone.
    pub radius: usize,
    /// Along the edges, against them, or both, which is the default.
    pub direction: Direction,
    /// The types of the edges that are followed and kept; all when empty.
    pub edge_types: Vec<String>,
    /// How large it may become; nearer nodes come first.
    pub limits: SubgraphLimits,
}

impl Default for Ego {
    fn default() -> Self {
        Self {
            radius: 1,
            direction: Direction::Both,
            edge_types: Vec::new(),
            limits: SubgraphLimits::default(),
        }
    }
}

/// One edge of a [`Subgraph`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SubgraphEdge {
    /// Where it starts.
    pub source: NodeId,
    /// The name of its type.
    pub edge_type: Arc<str>,
    /// Where it ends.
    pub target: NodeId,
    /// The edge; [`EdgeId::LINK`] for a link.
    pub edge: EdgeId,
    /// The weight; 1 where none was given.
    pub weight: f32,
}

/// A part of the graph as of one write: nodes, and edges between them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subgraph {
    nodes: Vec<NodeId>,
    edges: Vec<SubgraphEdge>,
    is_cut: bool,
}

impl Subgraph {
    /// The nodes, ascending.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// The edges, by source, then type, target and edge.
    #[must_use]
    pub fn edges(&self) -> &[SubgraphEdge] {
        &self.edges
    }

    /// Whether a limit left out nodes or edges that belong to it.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Leaves in only the edges for which `keep` is true. All nodes stay.
    pub fn retain_edges(&mut self, keep: impl FnMut(&SubgraphEdge) -> bool) {
        self.edges.retain(keep);
    }

    /// The place of a node in [`Subgraph::nodes`]. Logarithmic.
    #[must_use]
    pub fn index_of(&self, node: NodeId) -> Option<usize> {
        self.nodes.binary_search(&node).ok()
    }
}

/// The same graph for petgraph's algorithms that want one of its own. Node indexes are places in
/// [`Subgraph::nodes`], edge indexes places in [`Subgraph::edges`].
impl From<&Subgraph> for DiGraph<NodeId, SubgraphEdge> {
    fn from(subgraph: &Subgraph) -> Self {
        let mut graph = Self::with_capacity(subgraph.nodes.len(), subgraph.edges.len());
        for node in &subgraph.nodes {
            graph.add_node(*node);
        }
        let place = |node| subgraph.index_of(node).map(NodeIndex::new);
        for edge in &subgraph.edges {
            if let (Some(source), Some(target)) = (place(edge.source), place(edge.target)) {
                graph.add_edge(source, target, edge.clone());
            }
        }
        graph
    }
}

impl Graph {
    /// The nodes given, and every edge of the named types between two of them; of all types when
    /// none is named. Nodes count whether they have edges or not. Linear in the outward edges of
    /// the nodes.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when adjacency blocks are damaged.
    ///
    /// ```no_run
    /// # fn show(graph: &engraph::graph::Graph, a: engraph::NodeId, b: engraph::NodeId)
    /// # -> engraph::Result<()> {
    /// let between = graph.induced(&[a, b], &[], &Default::default())?;
    /// println!("{} edges", between.edges().len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn induced(
        &self,
        nodes: &[NodeId],
        edge_types: &[&str],
        limits: &SubgraphLimits,
    ) -> Result<Subgraph> {
        let mut nodes = nodes.to_vec();
        nodes.sort_unstable();
        nodes.dedup();
        let is_cut = nodes.len() > limits.nodes_max;
        nodes.truncate(limits.nodes_max);
        self.edges_among(nodes, self.numbers_of(edge_types).as_deref(), (limits, is_cut))
    }

    /// A node and what is around it, with every edge of the followed types between these nodes.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when adjacency blocks are damaged.
    pub fn ego(&self, node: NodeId, ego: &Ego) -> Result<Subgraph> {
        let mut walk = self.from(node).depth(..=ego.radius);
        if ego.edge_types.is_empty() {
            walk = walk.any(ego.direction);
        }
        for edge_type in &ego.edge_types {
            walk = match ego.direction {
                Direction::Out => walk.out(edge_type),
                Direction::In => walk.incoming(edge_type),
                Direction::Both => walk.both(edge_type),
            };
        }
        walk.subgraph(&ego.limits)
    }

    /// The subgraph of sorted, distinct nodes. `is_cut` says whether some are missing already.
    fn edges_among(
        &self,
        nodes: Vec<NodeId>,
        edge_types: Option<&[u32]>,
        (limits, is_cut): (&SubgraphLimits, bool),
    ) -> Result<Subgraph> {
        let mut subgraph = Subgraph { nodes, edges: Vec::new(), is_cut };
        on_view!(self, view => {
            fill(view, &*self.names, &mut subgraph, (edge_types, limits.edges_max))
        })?;
        Ok(subgraph)
    }
}

impl Walk<'_> {
    /// The nodes that the walk reaches and every edge between two of them whose type it follows.
    /// The walk's own limit counts besides those given here; only the latter say that they cut.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when adjacency blocks are damaged.
    pub fn subgraph(self, limits: &SubgraphLimits) -> Result<Subgraph> {
        let (graph, edge_types) = self.followed();
        let most = self.limit_below(limits.nodes_max.saturating_add(1));
        let mut nodes = most.nodes()?;
        let is_cut = nodes.len() > limits.nodes_max;
        nodes.truncate(limits.nodes_max);
        nodes.sort_unstable();
        graph.edges_among(nodes, edge_types.as_deref(), (limits, is_cut))
    }
}

/// Adds the edges between the nodes of a subgraph, of one type after the other.
fn fill<V: GraphView>(
    view: &V,
    names: &dyn EdgeNames,
    subgraph: &mut Subgraph,
    (edge_types, edges_max): (Option<&[u32]>, usize),
) -> Result<()> {
    let Subgraph { nodes, edges, is_cut } = subgraph;
    let is_wanted = |edge_type: u32| {
        edge_types.is_none_or(|edge_types| edge_types.binary_search(&edge_type).is_ok())
    };
    // Types by number until the end, so that each name is looked up once.
    let mut types: Vec<u32> = Vec::new();
    let mut known: Vec<(u32, Arc<str>)> = Vec::new();
    for source in nodes.iter().copied() {
        let Some(node) = view.find(source) else { continue };
        let flow = view.for_each(node, Side::Out, None, |hop| {
            if !is_wanted(hop.edge_type) {
                return ControlFlow::Continue(());
            }
            let target = view.id(hop.node);
            if nodes.binary_search(&target).is_err() {
                return ControlFlow::Continue(());
            }
            if edges.len() >= edges_max {
                *is_cut = true;
                return ControlFlow::Break(());
            }
            let (edge, weight) = view.edge(hop.via);
            types.push(hop.edge_type);
            edges.push(SubgraphEdge { source, edge_type: Arc::default(), target, edge, weight });
            ControlFlow::Continue(())
        })?;
        if flow.is_break() {
            break;
        }
    }
    for (edge, number) in edges.iter_mut().zip(types) {
        edge.edge_type = match known.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(place) => Arc::clone(&known[place].1),
            Err(place) => {
                let name = name_of(names, number)?;
                known.insert(place, (number, Arc::clone(&name)));
                name
            }
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use petgraph::visit::EdgeRef as _;
    use proptest::prelude::*;

    use super::super::BlocksView;
    use super::super::model::{Model, names, node};
    use super::*;

    /// Edges of the model between some nodes, as a subgraph lists them.
    fn among(model: &Model, nodes: &BTreeSet<NodeId>, types: Option<u32>) -> Vec<SubgraphEdge> {
        let mut edges: Vec<_> = model
            .edges
            .iter()
            .filter(|edge| nodes.contains(&edge.source) && nodes.contains(&edge.target))
            .filter(|edge| types.is_none_or(|wanted| edge.edge_type == wanted))
            .collect();
        edges.sort_by_key(|edge| (edge.source, edge.edge_type, edge.target, edge.id));
        edges
            .into_iter()
            .map(|edge| SubgraphEdge {
                source: edge.source,
                edge_type: format!("t{}", edge.edge_type).into(),
                target: edge.target,
                edge: edge.id,
                weight: edge.weight,
            })
            .collect()
    }

    proptest! {
        #[test]
        fn an_induced_subgraph_has_every_edge_between_its_nodes_on_both_views(
            model in Model::any(12, 40), chosen in prop::collection::vec(0_u64..14, 0..12),
            wanted in prop::option::of(0_u32..3), edges_max in 0_usize..30,
        ) {
            let chosen: Vec<NodeId> = chosen.into_iter().map(node).collect();
            let nodes: BTreeSet<NodeId> = chosen.iter().copied().collect();
            let mut expected = among(&model, &nodes, wanted);
            let name = wanted.map(|number| format!("t{number}"));
            let types: Vec<&str> = name.iter().map(String::as_str).collect();
            let limits = SubgraphLimits { edges_max, ..SubgraphLimits::default() };
            let found = model.graph().induced(&chosen, &types, &limits).unwrap();
            prop_assert_eq!(found.is_cut(), expected.len() > edges_max);
            expected.truncate(edges_max);
            prop_assert_eq!(found.edges(), &expected[..]);
            prop_assert_eq!(found.nodes(), nodes.into_iter().collect::<Vec<_>>());

            let rows = model.rows();
            let mut again = Subgraph { edges: Vec::new(), is_cut: false, ..found.clone() };
            let numbers = wanted.map(|number| vec![number]);
            fill(&BlocksView::new(&rows), &*names(), &mut again, (numbers.as_deref(), edges_max))
                .unwrap();
            prop_assert_eq!(again, found);
        }

        #[test]
        fn an_ego_is_the_induced_subgraph_of_what_is_near(
            model in Model::any(12, 24), start in 0_u64..12, radius in 0_usize..4,
            direction in prop_oneof![
                Just(Direction::Out), Just(Direction::In), Just(Direction::Both)
            ],
            nodes_max in 1_usize..14,
        ) {
            let graph = model.graph();
            let limits = SubgraphLimits { nodes_max, ..SubgraphLimits::default() };
            let ego = Ego { radius, direction, limits, ..Ego::default() };
            let found = graph.ego(node(start), &ego).unwrap();
            let near = graph.from(node(start)).any(direction).depth(..=radius).nodes().unwrap();
            prop_assert_eq!(found.is_cut(), near.len() > nodes_max);
            let kept: BTreeSet<NodeId> = near.into_iter().take(nodes_max).collect();
            prop_assert_eq!(found.edges(), &among(&model, &kept, None)[..]);
            prop_assert_eq!(found.nodes(), kept.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_walk_keeps_the_edges_that_it_may_follow() {
        let mut model = Model::of(&[(0, 1), (1, 2), (2, 0), (0, 2)]);
        model.edges[3].edge_type = 1;
        let graph = model.graph();
        let limits = SubgraphLimits::default();
        let walk = graph.from(node(0)).out("t0").depth(..);
        let found = walk.subgraph(&limits).unwrap();
        assert_eq!((found.nodes().len(), found.edges().len()), (3, 3));
        let none = graph.from(node(0)).out("never used").depth(..).subgraph(&limits).unwrap();
        assert_eq!((none.nodes(), none.edges().len()), (&[node(0)][..], 0));
        let own = graph.from(node(0)).out("t0").depth(..).limit(2).subgraph(&limits).unwrap();
        assert_eq!((own.nodes().len(), own.is_cut()), (2, false));
    }

    #[test]
    fn edges_that_are_not_wanted_go_and_nodes_stay() {
        let model = Model::of(&[(0, 1), (1, 2), (2, 0)]);
        let all: Vec<NodeId> = model.nodes().into_iter().collect();
        let mut found = model.graph().induced(&all, &[], &SubgraphLimits::default()).unwrap();
        found.retain_edges(|edge| edge.source == node(1));
        assert_eq!(found.nodes(), all);
        assert_eq!(found.edges().len(), 1);
        assert_eq!(found.edges()[0].target, node(2));
    }

    #[test]
    fn petgraph_sees_the_same_nodes_and_edges() {
        let model = Model::of(&[(0, 1), (0, 1), (1, 1), (4, 5)]);
        let all: Vec<NodeId> = model.nodes().into_iter().collect();
        let found = model.graph().induced(&all, &[], &SubgraphLimits::default()).unwrap();
        let twin = DiGraph::from(&found);
        assert_eq!(twin.node_weights().copied().collect::<Vec<_>>(), found.nodes());
        for (edge, expected) in twin.edge_references().zip(found.edges()) {
            assert_eq!(edge.weight(), expected);
            assert_eq!(twin[edge.source()], expected.source);
            assert_eq!(twin[edge.target()], expected.target);
        }
        assert_eq!(twin.edge_count(), 4);
    }
}
