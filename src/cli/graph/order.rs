//! `engraph graph order`: an order in which every edge leads forward.

use clap::Args;
use engraph::graph::Order;
use serde::Serialize;

use super::follow::Types;
use super::node::{ShownNode, finish};
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
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
    place: usize,
    in_cycle: bool,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let (nodes, in_cycle) = match on.graph.topological_order(&asked.types.names())? {
        Order::Sorted(nodes) => (nodes, false),
        Order::Cycle(nodes) => (nodes, true),
    };
    let mut rows = Rows::new(["#place", "id", "kind", "label"]);
    for (place, id) in (1..).zip(&nodes).take(asked.limit) {
        let shown = Shown { node: ShownNode::load(on.tx, *id)?, place, in_cycle };
        if output.is_json() {
            output.json(&shown)?;
        } else {
            let [id, kind, label] = shown.node.cells();
            rows.push([place.to_string(), id, kind, label]);
        }
    }
    let answer = finish(&rows, nodes.len(), (asked.limit, "--limit"), output)?;
    if !in_cycle {
        return Ok(answer);
    }
    if !output.is_json() {
        output.note("no order: each of these leads to the next, the last to the first")?;
    }
    Ok(Answer::No)
}
