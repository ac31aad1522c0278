//! `engraph graph distances`: how far the others are from a record.

use clap::Args;
use engraph::NodeId;
use serde::Serialize;

use super::follow::Follow;
use super::node::{ShownNode, finish, present, rounded};
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The record to start from, for example 1:17 or document:17
    id: String,

    #[command(flatten)]
    follow: Follow,

    /// Sums of weights instead of numbers of edges
    #[arg(long)]
    weighted: bool,

    /// Records to show at most, nearest first
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    node: ShownNode,
    distance: f64,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let id = present(on.tx, &asked.id)?;
    let mut search = asked.follow.distances(on.graph.distances(id));
    if asked.weighted {
        search = search.weighted();
    }
    let found = search.find()?;
    let mut nodes: Vec<(NodeId, f64)> = found.iter().filter(|(node, _)| *node != id).collect();
    // The sort is stable: equally far records stay in the order of their ids.
    nodes.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    let mut rows = Rows::new(["#distance", "id", "kind", "label"]);
    for (node, distance) in nodes.iter().take(asked.limit) {
        let shown = Shown { node: ShownNode::load(on.tx, *node)?, distance: *distance };
        if output.is_json() {
            output.json(&shown)?;
        } else {
            let [id, kind, label] = shown.node.cells();
            rows.push([rounded(shown.distance), id, kind, label]);
        }
    }
    finish(&rows, nodes.len(), (asked.limit, "--limit"), output)
}
