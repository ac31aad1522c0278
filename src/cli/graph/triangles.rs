//! `engraph graph triangles`: records whose neighbours are neighbours of each other.

use std::cmp::Reverse;

use clap::Args;
use engraph::NodeId;
use engraph::graph::Triangles;
use serde::Serialize;

use super::follow::Types;
use super::node::{ShownNode, finish};
use super::ranking::Top;
use super::{Asked, Failure, Output, text};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    types: Types,

    #[command(flatten)]
    top: Top,
}

#[derive(Serialize)]
struct Shown {
    triangles: u64,
    clustering: f64,
    transitivity: f64,
    nodes: Vec<ShownCorner>,
}

#[derive(Serialize)]
struct ShownCorner {
    #[serde(flatten)]
    node: ShownNode,
    triangles: u64,
    clustering: f64,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let found = on.graph.triangles(&asked.types.names())?;
    let mut corners: Vec<(NodeId, u64)> = found.iter().filter(|(_, count)| *count > 0).collect();
    corners.sort_by_key(|(node, count)| (Reverse(*count), *node));
    let shown = show(on, &found, &corners[..corners.len().min(asked.top.top)])?;
    if output.is_json() {
        output.json(&shown)?;
        return Ok(Answer::yes_if(shown.triangles > 0));
    }
    let mut rows = Rows::new(["id", "kind", "label", "#triangles", "#clustering"]);
    for corner in &shown.nodes {
        let [id, kind, label] = corner.node.cells();
        let clustering = format!("{:.6}", corner.clustering);
        rows.push([id, kind, label, text::count(corner.triangles), clustering]);
    }
    if shown.triangles > 0 {
        output.line(format_args!(
            "{}, mean clustering {:.6}, transitivity {:.6}",
            text::counted(shown.triangles, "triangle"),
            shown.clustering,
            shown.transitivity
        ))?;
        output.line("")?;
    }
    finish(&rows, corners.len(), (asked.top.top, "--top"), output)
}

fn show(on: &Asked<'_>, found: &Triangles, corners: &[(NodeId, u64)]) -> Result<Shown, Failure> {
    let corner = |(node, triangles): &(NodeId, u64)| {
        let clustering = found.clustering(*node).unwrap_or_default();
        let node = ShownNode::load(on.tx, *node)?;
        Ok(ShownCorner { node, triangles: *triangles, clustering })
    };
    Ok(Shown {
        triangles: found.total(),
        clustering: found.clustering_mean(),
        transitivity: found.transitivity(),
        nodes: corners.iter().map(corner).collect::<Result<_, Failure>>()?,
    })
}
