//! `engraph graph bridges`: the edges and the records that alone hold parts together.

use clap::Args;
use engraph::graph::Cuts;
use serde::Serialize;

use super::edges::{self, ShownEdge};
use super::follow::Types;
use super::node::{Labels, ShownNode};
use super::{Asked, Failure, Output, text};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    types: Types,

    /// Edges and records to show at most, of each
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

#[derive(Serialize)]
struct Shown<'a> {
    bridges_count: usize,
    bridges: Vec<ShownEdge<'a>>,
    articulation_points_count: usize,
    articulation_points: Vec<ShownNode>,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let cuts = on.graph.cuts(&asked.types.names())?;
    let shown = show(on, &cuts, asked.limit)?;
    let counts = (shown.bridges_count, shown.articulation_points_count);
    if output.is_json() {
        output.json(&shown)?;
    } else if counts == (0, 0) {
        output.note("there are none")?;
    } else {
        tables(on, &shown, output)?;
        if counts.0.max(counts.1) > asked.limit {
            output.note("there are more: --limit")?;
        }
    }
    Ok(Answer::yes_if(counts != (0, 0)))
}

fn show<'a>(on: &Asked<'_>, cuts: &'a Cuts, limit: usize) -> Result<Shown<'a>, Failure> {
    let points = cuts.articulation_points();
    let shown = points.iter().take(limit).map(|node| ShownNode::load(on.tx, *node));
    Ok(Shown {
        bridges_count: cuts.bridges().len(),
        bridges: cuts.bridges().iter().take(limit).map(ShownEdge::from).collect(),
        articulation_points_count: points.len(),
        articulation_points: shown.collect::<Result<_, _>>()?,
    })
}

fn tables(on: &Asked<'_>, shown: &Shown<'_>, output: &mut Output) -> Result<(), Failure> {
    let mut labels = Labels::new(on.tx);
    output.line(text::counted(shown.bridges_count as u64, "bridge"))?;
    if !shown.bridges.is_empty() {
        let mut rows = Rows::new(edges::HEADS);
        for edge in &shown.bridges {
            rows.push(edge.cells(&mut labels)?);
        }
        output.table(&rows)?;
    }
    output.line("")?;
    let points = shown.articulation_points_count as u64;
    output.line(text::counted(points, "articulation point"))?;
    if !shown.articulation_points.is_empty() {
        let mut rows = Rows::new(["id", "kind", "label"]);
        for node in &shown.articulation_points {
            rows.push(node.cells());
        }
        output.table(&rows)?;
    }
    Ok(())
}
