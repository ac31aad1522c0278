//! `engraph graph path`: a shortest way from one record to another.

use clap::Args;
use engraph::graph::Path;
use serde::Serialize;

use super::follow::Follow;
use super::node::{ShownNode, edge_name, present};
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The record to start from
    from: String,

    /// The record to reach
    to: String,

    #[command(flatten)]
    follow: Follow,

    /// The smallest sum of weights instead of the fewest edges
    #[arg(long)]
    weighted: bool,
}

#[derive(Serialize)]
struct Shown {
    found: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<f64>,
    nodes: Vec<ShownNode>,
    edges: Vec<Option<String>>,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let (from, to) = (present(on.tx, &asked.from)?, present(on.tx, &asked.to)?);
    let mut search = asked.follow.search(on.graph.path(from, to));
    if asked.weighted {
        search = search.weighted();
    }
    let shown = match search.find()? {
        None => Shown { found: false, weight: None, nodes: Vec::new(), edges: Vec::new() },
        Some(path) => show(on, &path)?,
    };
    if output.is_json() {
        output.json(&shown)?;
    } else if shown.found {
        output.table(&rows_of(&shown))?;
    } else {
        output.note(format_args!("no way leads from {from} to {to}"))?;
    }
    Ok(Answer::yes_if(shown.found))
}

fn show(on: &Asked<'_>, path: &Path) -> Result<Shown, Failure> {
    let nodes = path.nodes.iter().map(|node| ShownNode::load(on.tx, *node));
    let nodes = nodes.collect::<Result<_, _>>()?;
    let edges = path.edges.iter().map(|edge| edge_name(*edge)).collect();
    Ok(Shown { found: true, weight: Some(path.weight), nodes, edges })
}

fn rows_of(shown: &Shown) -> Rows {
    let mut rows = Rows::new(["#step", "id", "kind", "label", "edge"]);
    for (step, node) in shown.nodes.iter().enumerate() {
        let edge = match step.checked_sub(1).and_then(|at| shown.edges.get(at)) {
            None => "",
            Some(None) => "link",
            Some(Some(edge)) => edge,
        };
        let [id, kind, label] = node.cells();
        rows.push([step.to_string(), id, kind, label, edge.to_owned()]);
    }
    rows
}
