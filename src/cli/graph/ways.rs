//! Ways through the graph as the answers show them: each step a row, or each way an object.

use engraph::graph::Path;
use engraph::{EdgeId, NodeId};
use serde::Serialize;

use super::node::{ShownNode, edge_name, finish};
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

/// A way: its nodes, and where it is known the edges between them.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) nodes: Vec<NodeId>,
    pub(super) edges: Option<Vec<EdgeId>>,
    pub(super) weight: Option<f64>,
}

impl Way {
    /// A way of which only the nodes are known.
    pub(super) fn of_nodes(nodes: &[NodeId]) -> Self {
        Self { nodes: nodes.to_vec(), edges: None, weight: None }
    }

    /// The nodes, and the edges between them.
    pub(super) fn parts(&self) -> (&[NodeId], &[EdgeId]) {
        (&self.nodes, self.edges.as_deref().unwrap_or_default())
    }
}

impl From<Path> for Way {
    fn from(path: Path) -> Self {
        Self { nodes: path.nodes, edges: Some(path.edges), weight: Some(path.weight) }
    }
}

/// A way as JSON output has it.
#[derive(Serialize)]
struct Shown {
    way: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<f64>,
    nodes: Vec<ShownNode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edges: Option<Vec<Option<String>>>,
}

/// Writes up to `limit` ways. Hand over one more where there are more.
pub(super) fn show(
    on: &Asked<'_>,
    ways: &[Way],
    limit: usize,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let has_edges = ways.iter().any(|way| way.edges.is_some());
    let heads = ["#way", "#step", "id", "kind", "label", "edge"];
    let mut rows = Rows::new(heads.into_iter().take(if has_edges { 6 } else { 5 }));
    for (number, way) in (1..).zip(ways).take(limit) {
        let nodes = way.nodes.iter().map(|node| ShownNode::load(on.tx, *node));
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        let edges = way.edges.as_ref().map(|edges| edges.iter().copied().map(edge_name).collect());
        let shown = Shown { way: number, weight: way.weight, nodes, edges };
        if output.is_json() {
            output.json(&shown)?;
        } else {
            push(&mut rows, &shown);
        }
    }
    finish(&rows, ways.len(), (limit, "--limit"), output)
}

fn push(rows: &mut Rows, shown: &Shown) {
    for (step, node) in shown.nodes.iter().enumerate() {
        let [id, kind, label] = node.cells();
        let mut cells = vec![shown.way.to_string(), step.to_string(), id, kind, label];
        if let Some(edges) = &shown.edges {
            cells.push(match step.checked_sub(1).and_then(|before| edges.get(before)) {
                None => String::new(),
                Some(None) => "link".to_owned(),
                Some(Some(edge)) => edge.clone(),
            });
        }
        rows.push(cells);
    }
}
