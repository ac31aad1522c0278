//! Edges as the answers show them, and the parts of the graph that they make.

use std::collections::BTreeSet;

use engraph::graph::{GraphEdge, Subgraph, SubgraphEdge, SubgraphLimits};
use engraph::{EdgeId, NodeId};
use serde::Serialize;

use super::node::{Labels, edge_name};
use super::{Asked, Failure};

/// The heads of [`ShownEdge::cells`].
pub(super) const HEADS: [&str; 7] =
    ["source", "label", "type", "target", "label", "#weight", "edge"];

/// An edge as JSON output has it.
#[derive(Debug, Serialize)]
pub(super) struct ShownEdge<'a> {
    source: NodeId,
    edge_type: &'a str,
    target: NodeId,
    edge: Option<String>,
    weight: f32,
}

impl<'a> From<&'a SubgraphEdge> for ShownEdge<'a> {
    fn from(found: &'a SubgraphEdge) -> Self {
        let SubgraphEdge { source, edge_type, target, edge, weight, .. } = found;
        let (source, target, edge) = (*source, *target, edge_name(*edge));
        Self { source, edge_type, target, edge, weight: *weight }
    }
}

impl<'a> From<&'a GraphEdge> for ShownEdge<'a> {
    fn from(found: &'a GraphEdge) -> Self {
        let GraphEdge { source, edge_type, target, edge, weight, .. } = found;
        let (source, target, edge) = (*source, *target, edge_name(*edge));
        Self { source, edge_type, target, edge, weight: *weight }
    }
}

impl ShownEdge<'_> {
    /// The edge as a row of a table.
    pub(super) fn cells(&self, labels: &mut Labels<'_>) -> Result<[String; 7], Failure> {
        Ok([
            self.source.to_string(),
            labels.cell(self.source)?,
            self.edge_type.to_owned(),
            self.target.to_string(),
            labels.cell(self.target)?,
            self.weight.to_string(),
            self.edge.clone().unwrap_or_else(|| "link".to_owned()),
        ])
    }
}

/// The part of the graph that is made of these edges.
pub(super) fn part_of_edges<'e>(
    on: &Asked<'_>,
    edges: impl IntoIterator<Item = &'e GraphEdge>,
) -> Result<Subgraph, Failure> {
    let mut nodes = BTreeSet::new();
    let mut wanted = BTreeSet::new();
    for edge in edges {
        nodes.extend([edge.source, edge.target]);
        wanted.insert((edge.source, &*edge.edge_type, edge.target, edge.edge));
    }
    part_of(on, nodes, |edge| {
        wanted.contains(&(edge.source, &*edge.edge_type, edge.target, edge.edge))
    })
}

/// The part of the graph that is made of ways: nodes, and the edges from each to the next. A way
/// does not tell the type of a link, so that parallel links are all of it.
pub(super) fn part_of_ways<'w>(
    on: &Asked<'_>,
    ways: impl IntoIterator<Item = (&'w [NodeId], &'w [EdgeId])>,
) -> Result<Subgraph, Failure> {
    let mut nodes = BTreeSet::new();
    let mut wanted = BTreeSet::new();
    for (along, edges) in ways {
        nodes.extend(along.iter().copied());
        for (ends, edge) in along.windows(2).zip(edges) {
            wanted.insert((ends[0].min(ends[1]), ends[0].max(ends[1]), *edge));
        }
    }
    part_of(on, nodes, |edge| {
        let (low, high) = (edge.source.min(edge.target), edge.source.max(edge.target));
        wanted.contains(&(low, high, edge.edge))
    })
}

/// These nodes, and of the edges between them those for which `keep` is true.
pub(super) fn part_of(
    on: &Asked<'_>,
    nodes: impl IntoIterator<Item = NodeId>,
    keep: impl FnMut(&SubgraphEdge) -> bool,
) -> Result<Subgraph, Failure> {
    let nodes: Vec<NodeId> = nodes.into_iter().collect();
    // What is asked for has its limits already.
    let limits = SubgraphLimits { nodes_max: usize::MAX, edges_max: usize::MAX };
    let mut part = on.graph.induced(&nodes, &[], &limits)?;
    part.retain_edges(keep);
    Ok(part)
}
