//! `engraph graph dominators`: what every way from a record leads through.

use clap::Args;
use engraph::NodeId;
use serde::Serialize;

use super::follow::Types;
use super::node::{Labels, ShownNode, finish, list, present};
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The record that ways start from
    root: String,

    /// Show all that dominate this record, nearest first
    #[arg(long, value_name = "ID")]
    of: Option<String>,

    #[command(flatten)]
    types: Types,

    /// Records to show at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    node: ShownNode,
    dominator: NodeId,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let root = present(on.tx, &asked.root)?;
    let found = on.graph.dominators(root, &asked.types.names())?;
    if let Some(of) = &asked.of {
        return list(on, &found.all_of(present(on.tx, of)?), asked.limit, output);
    }
    let pairs: Vec<(NodeId, NodeId)> = found.iter().collect();
    let mut labels = Labels::new(on.tx);
    let mut rows = Rows::new(["id", "kind", "label", "dominator", "label"]);
    for (node, dominator) in pairs.iter().take(asked.limit) {
        let shown = Shown { node: ShownNode::load(on.tx, *node)?, dominator: *dominator };
        if output.is_json() {
            output.json(&shown)?;
        } else {
            let [id, kind, label] = shown.node.cells();
            rows.push([id, kind, label, dominator.to_string(), labels.cell(*dominator)?]);
        }
    }
    finish(&rows, pairs.len(), (asked.limit, "--limit"), output)
}
