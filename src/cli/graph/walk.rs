//! `engraph graph walk`: the records reached from one.

use clap::Args;
use engraph::NodeId;
use engraph::graph::Reached;
use serde::Serialize;

use super::follow::Follow;
use super::node::{ShownNode, finish, present};
use super::range::Range;
use super::{Asked, Failure, Output, shown};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The record to start from, for example 1:17 or document:17
    id: String,

    #[command(flatten)]
    follow: Follow,

    /// Depths to show: 2, 1..3 or 2..
    #[arg(long, value_name = "RANGE", default_value = "1..3")]
    depth: Range,

    /// Show only records of these kinds; the walk goes through all
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,

    /// Records to show at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let id = present(on.tx, &asked.id)?;
    let kinds = asked.kinds.iter().map(|kind| shown::kind_named(on.tx, kind));
    let kinds = kinds.collect::<Result<Vec<_>, _>>()?;
    let walk = asked.follow.walk(on.graph.from(id)).depth(asked.depth.least..=asked.depth.most);
    let found = if kinds.is_empty() {
        walk.limit(asked.limit.saturating_add(1)).reached()?
    } else {
        let mut found = walk.reached()?;
        found.retain(|reached| kinds.contains(&reached.node.kind()));
        found
    };
    show(on, &found, asked.limit, output)
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    node: ShownNode,
    depth: usize,
}

/// What is around a record, up to a depth.
pub(super) fn around(
    on: &Asked<'_>,
    (id, depth, limit): (NodeId, usize, usize),
    follow: &Follow,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let walk = follow.walk(on.graph.from(id)).depth(1..=depth);
    let found = walk.limit(limit.saturating_add(1)).reached()?;
    show(on, &found, limit, output)
}

fn show(
    on: &Asked<'_>,
    found: &[Reached],
    limit: usize,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let mut rows = Rows::new(["#depth", "id", "kind", "label"]);
    for reached in found.iter().take(limit) {
        let shown = Shown { node: ShownNode::load(on.tx, reached.node)?, depth: reached.depth };
        if output.is_json() {
            output.json(&shown)?;
        } else {
            let [id, kind, label] = shown.node.cells();
            rows.push([shown.depth.to_string(), id, kind, label]);
        }
    }
    finish(&rows, found.len(), (limit, "--limit"), output)
}
