//! `engraph graph ego` and `engraph graph subgraph`: a part of the graph as a table, in a format
//! of other programs, or as a picture.

use clap::Args;
use engraph::graph::{Ego, Subgraph, SubgraphLimits};
use engraph::transfer::Format;

use super::edges::{self, ShownEdge};
use super::follow::{Follow, Types};
use super::node::{Labels, present};
use super::shape::{Shape, tell_sizes};
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Around {
    /// The record, for example 1:17 or document:17
    id: String,

    #[command(flatten)]
    follow: Follow,

    /// How many edges to go at most
    #[arg(long, value_name = "N", default_value_t = 1)]
    radius: usize,

    #[command(flatten)]
    bounded: Bounded,
}

#[derive(Args, Debug)]
pub(super) struct Between {
    /// The records, for example 1:17 or document:17
    #[arg(required = true)]
    ids: Vec<String>,

    #[command(flatten)]
    types: Types,

    #[command(flatten)]
    bounded: Bounded,
}

/// How a part is given out, and how large it may be. JSON is the node-link form.
#[derive(Args, Debug)]
struct Bounded {
    #[command(flatten)]
    shape: Shape,

    /// Records to take at most
    #[arg(long, value_name = "N", default_value_t = 200)]
    limit: usize,
}

impl Bounded {
    fn limits(&self) -> SubgraphLimits {
        SubgraphLimits { nodes_max: self.limit, ..SubgraphLimits::default() }
    }
}

pub(super) fn around(
    on: &Asked<'_>,
    asked: &Around,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let id = present(on.tx, &asked.id)?;
    let ego = Ego {
        radius: asked.radius,
        direction: asked.follow.direction(),
        edge_types: asked.follow.types.clone(),
        limits: asked.bounded.limits(),
    };
    give(on, &on.graph.ego(id, &ego)?, &asked.bounded.shape, output)
}

pub(super) fn between(
    on: &Asked<'_>,
    asked: &Between,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let ids = asked.ids.iter().map(|id| present(on.tx, id)).collect::<Result<Vec<_>, _>>()?;
    let found = on.graph.induced(&ids, &asked.types.names(), &asked.bounded.limits())?;
    give(on, &found, &asked.bounded.shape, output)
}

fn give(
    on: &Asked<'_>,
    part: &Subgraph,
    shape: &Shape,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let json = output.is_json().then_some(Format::NodeLink);
    if !shape.give(on, (part, json), output)? {
        table(on, part, output)?;
        tell_sizes(part, output)?;
    }
    if part.is_cut() {
        output.note("there are more: --limit")?;
    }
    Ok(Answer::Yes)
}

/// The edges, each end with its label.
fn table(on: &Asked<'_>, part: &Subgraph, output: &mut Output) -> Result<(), Failure> {
    let mut labels = Labels::new(on.tx);
    let mut rows = Rows::new(edges::HEADS);
    for edge in part.edges() {
        rows.push(ShownEdge::from(edge).cells(&mut labels)?);
    }
    if part.edges().is_empty() { Ok(()) } else { output.table(&rows) }
}
