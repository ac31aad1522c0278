//! `engraph graph forest`: the lightest edges that keep together what hangs together.

use clap::Args;
use serde::Serialize;

use super::edges::{self, ShownEdge, part_of_edges};
use super::follow::Types;
use super::node::{Labels, finish, rounded};
use super::shape::Shape;
use super::{Asked, Failure, Output, text};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    types: Types,

    /// Edges to show at most, lightest first
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,

    #[command(flatten)]
    shape: Shape,
}

#[derive(Serialize)]
struct Shown<'a> {
    trees: usize,
    weight: f64,
    count: usize,
    edges: Vec<ShownEdge<'a>>,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let forest = on.graph.spanning_forest(&asked.types.names())?;
    let count = forest.edges.len();
    let shown = &forest.edges[..count.min(asked.limit)];
    if asked.shape.is_asked() {
        let part = part_of_edges(on, shown)?;
        let more = (count > asked.limit, "--limit");
        if asked.shape.give_some(on, &part, more, output)? {
            return Ok(Answer::yes_if(count > 0));
        }
    }
    if output.is_json() {
        let edges = shown.iter().map(ShownEdge::from).collect();
        output.json(&Shown { trees: forest.trees, weight: forest.weight, count, edges })?;
        return Ok(Answer::yes_if(count > 0));
    }
    let mut labels = Labels::new(on.tx);
    let mut rows = Rows::new(edges::HEADS);
    for edge in shown {
        rows.push(ShownEdge::from(edge).cells(&mut labels)?);
    }
    if count > 0 {
        output.line(format_args!(
            "{}, {}, weight {}",
            text::counted(forest.trees as u64, "tree"),
            text::counted(count as u64, "edge"),
            rounded(forest.weight)
        ))?;
        output.line("")?;
    }
    finish(&rows, count, (asked.limit, "--limit"), output)
}
