//! `engraph graph flow`: how much can flow from one record to another, and what stops more.

use std::collections::BTreeSet;

use clap::Args;
use engraph::graph::{Flow, FlowEdge};
use serde::Serialize;

use super::edges::{ShownEdge, part_of_edges};
use super::follow::Types;
use super::node::{Labels, present, rounded};
use super::shape::Shape;
use super::{Asked, Failure, Output, text};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The record that it flows from
    from: String,

    /// The record that it flows to
    to: String,

    #[command(flatten)]
    types: Types,

    /// Let each edge carry 1 instead of its weight: counts ways that share no edge
    #[arg(long)]
    unit: bool,

    /// Edges to show at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,

    #[command(flatten)]
    shape: Shape,
}

#[derive(Serialize)]
struct Shown<'a> {
    value: f64,
    edges: Vec<ShownPart<'a>>,
    cut: Vec<ShownPart<'a>>,
}

#[derive(Serialize)]
struct ShownPart<'a> {
    #[serde(flatten)]
    edge: ShownEdge<'a>,
    capacity: f64,
    flow: f64,
}

impl<'a> From<&'a FlowEdge> for ShownPart<'a> {
    fn from(found: &'a FlowEdge) -> Self {
        let edge = ShownEdge::from(&found.edge);
        Self { edge, capacity: found.capacity, flow: found.flow }
    }
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let (from, to) = (present(on.tx, &asked.from)?, present(on.tx, &asked.to)?);
    let mut search = on.graph.max_flow(from, to).edge_types(&asked.types.names());
    if asked.unit {
        search = search.capacity(|_, _| 1.0);
    }
    let flow = search.find()?;
    let answer = Answer::yes_if(flow.value() > 0.0);
    let is_more = flow.edges().len() > asked.limit;
    if asked.shape.is_asked() {
        let part = part_of_edges(on, flow.edges().iter().take(asked.limit).map(|part| &part.edge))?;
        let more = (is_more, "--limit");
        if asked.shape.give_some(on, &part, more, output)? {
            return Ok(answer);
        }
    }
    if output.is_json() {
        let edges = flow.edges().iter().take(asked.limit).map(ShownPart::from).collect();
        let cut = flow.cut().iter().take(asked.limit).map(ShownPart::from).collect();
        output.json(&Shown { value: flow.value(), edges, cut })?;
    } else if flow.value() > 0.0 {
        table(on, &flow, asked.limit, output)?;
        if is_more {
            output.note("there are more: --limit")?;
        }
    } else {
        output.note(format_args!("nothing flows from {from} to {to}"))?;
    }
    Ok(answer)
}

fn table(on: &Asked<'_>, flow: &Flow, limit: usize, output: &mut Output) -> Result<(), Failure> {
    output.line(format_args!(
        "{} at the most over {}, of which {} stop more",
        rounded(flow.value()),
        text::counted(flow.edges().len() as u64, "edge"),
        text::count(flow.cut().len() as u64),
    ))?;
    output.line("")?;
    let full: BTreeSet<_> = flow.cut().iter().map(key).collect();
    let mut labels = Labels::new(on.tx);
    let heads =
        ["source", "label", "type", "target", "label", "#capacity", "#flow", "edge", "stops"];
    let mut rows = Rows::new(heads);
    for part in flow.edges().iter().take(limit) {
        let shown = ShownEdge::from(&part.edge).cells(&mut labels)?;
        let [source, label, edge_type, target, other, _, edge] = shown;
        let (capacity, carried) = (rounded(part.capacity), rounded(part.flow));
        let stops = if full.contains(&key(part)) { "yes" } else { "" }.to_owned();
        rows.push([source, label, edge_type, target, other, capacity, carried, edge, stops]);
    }
    output.table(&rows)
}

/// What tells edges apart: links have no identity of their own.
fn key(part: &FlowEdge) -> (engraph::NodeId, &str, engraph::NodeId, engraph::EdgeId) {
    (part.edge.source, &*part.edge.edge_type, part.edge.target, part.edge.edge)
}
