//! `engraph graph neighbors`: what is connected to a record.

use clap::Args;
use engraph::NodeId;
use engraph::graph::{Direction, Neighbor};
use serde::Serialize;

use super::follow::Follow;
use super::node::{ShownNode, edge_name, finish, present};
use super::{Asked, Failure, Output, walk};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The record, for example 1:17 or document:17
    id: String,

    #[command(flatten)]
    follow: Follow,

    /// How many edges to go at most
    #[arg(long, value_name = "N", default_value_t = 1)]
    depth: usize,

    /// Records to show at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    node: ShownNode,
    edge_type: &'a str,
    direction: &'static str,
    edge: Option<String>,
    weight: f32,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let id = present(on.tx, &asked.id)?;
    if asked.depth > 1 {
        return walk::around(on, (id, asked.depth, asked.limit), &asked.follow, output);
    }
    let found = found(on, id, &asked.follow)?;
    let mut rows = Rows::new(["", "type", "id", "kind", "label", "#weight", "edge"]);
    for (direction, edge) in found.iter().take(asked.limit) {
        let shown = Shown {
            node: ShownNode::load(on.tx, edge.node)?,
            edge_type: &edge.edge_type,
            direction,
            edge: edge_name(edge.edge),
            weight: edge.weight,
        };
        if output.is_json() {
            output.json(&shown)?;
            continue;
        }
        let [id, kind, label] = shown.node.cells();
        let edge = shown.edge.unwrap_or_else(|| "link".to_owned());
        let weight = shown.weight.to_string();
        rows.push([*direction, shown.edge_type, &id, &kind, &label, &weight, &edge]);
    }
    finish(&rows, found.len(), (asked.limit, "--limit"), output)
}

fn found(
    on: &Asked<'_>,
    id: NodeId,
    follow: &Follow,
) -> Result<Vec<(&'static str, Neighbor)>, Failure> {
    let mut found = Vec::new();
    for (name, direction) in [("out", Direction::Out), ("in", Direction::In)] {
        if follow.direction() != direction && follow.direction() != Direction::Both {
            continue;
        }
        if follow.types.is_empty() {
            found.extend(on.graph.neighbors(id, direction)?.into_iter().map(|edge| (name, edge)));
        }
        for edge_type in &follow.types {
            let edges = on.graph.neighbors_of_type(id, direction, edge_type)?;
            found.extend(edges.into_iter().map(|edge| (name, edge)));
        }
    }
    Ok(found)
}
