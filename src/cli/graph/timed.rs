//! `engraph graph timed`: ways that take each edge while it is valid, and never go back in time.

use clap::Args;
use engraph::graph::TimedPath;
use engraph::{NodeId, Timestamp};
use serde::Serialize;

use super::follow::Follow;
use super::node::{ShownNode, edge_name, finish, present};
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The record to start from, for example 1:17 or document:17
    from: String,

    /// The record to reach; without it, all that can be reached in time
    to: Option<String>,

    #[command(flatten)]
    follow: Follow,

    /// When to start, for example 2024-05-01 or 2024-05-01T08:00:00Z
    #[arg(long, value_name = "TIME")]
    at: String,

    /// When to have arrived
    #[arg(long, value_name = "TIME")]
    by: Option<String>,

    /// Records to show at most, earliest first
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    node: ShownNode,
    time: Timestamp,
    hops: usize,
    /// The edge that leads there: `None` at the start, and where only times were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    edge: Option<String>,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let from = present(on.tx, &asked.from)?;
    let mut search = asked.follow.timed(on.graph.timed(from, asked.at.parse()?));
    if let Some(by) = &asked.by {
        search = search.arrive_by(by.parse()?);
    }
    if let Some(to) = &asked.to {
        let to = present(on.tx, to)?;
        return match search.earliest(to)? {
            Some(found) => way(on, &found, output),
            None => none((from, to), output),
        };
    }
    let found = search.arrivals()?.items;
    let mut rows = Rows::new(["time", "#hops", "id", "kind", "label"]);
    for arrival in found.iter().take(asked.limit) {
        let node = ShownNode::load(on.tx, arrival.node)?;
        show(
            &Shown { node, time: arrival.time, hops: arrival.hops, edge: None },
            &mut rows,
            output,
        )?;
    }
    finish(&rows, found.len(), (asked.limit, "--limit"), output)
}

fn way(on: &Asked<'_>, found: &TimedPath, output: &mut Output) -> Result<Answer, Failure> {
    let mut rows = Rows::new(["time", "#hops", "id", "kind", "label"]);
    for (hops, (node, time)) in found.path.nodes.iter().zip(&found.times).enumerate() {
        let edge = hops.checked_sub(1).and_then(|before| found.path.edges.get(before));
        let edge = edge.map(|edge| edge_name(*edge).unwrap_or_else(|| "link".to_owned()));
        let node = ShownNode::load(on.tx, *node)?;
        show(&Shown { node, time: *time, hops, edge }, &mut rows, output)?;
    }
    let shown = found.path.nodes.len();
    finish(&rows, shown, (shown, "--limit"), output)
}

fn none((from, to): (NodeId, NodeId), output: &mut Output) -> Result<Answer, Failure> {
    output.note(format_args!("no way leads from {from} to {to} in time"))?;
    Ok(Answer::yes_if(false))
}

fn show(shown: &Shown, rows: &mut Rows, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(shown);
    }
    let [id, kind, label] = shown.node.cells();
    rows.push([shown.time.to_string(), shown.hops.to_string(), id, kind, label]);
    Ok(())
}
