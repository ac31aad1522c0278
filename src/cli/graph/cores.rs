//! `engraph graph cores`: how densely records are tied in, and the dense parts.

use std::cmp::Reverse;

use clap::Args;

use super::edges::part_of;
use super::follow::Types;
use super::ranking::{self, Top, Value};
use super::shape::Shape;
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    types: Types,

    #[command(flatten)]
    top: Top,

    /// Only the k-core: the part in which every record has so many neighbours
    #[arg(long, value_name = "K", default_value_t = 0)]
    k: usize,

    #[command(flatten)]
    shape: Shape,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let cores = on.graph.cores(&asked.types.names())?;
    let mut found: Vec<_> = cores.iter().filter(|(_, number)| *number >= asked.k).collect();
    found.sort_by_key(|(node, number)| (Reverse(*number), *node));
    if asked.shape.is_asked() {
        let nodes = found.iter().take(asked.top.top).map(|(node, _)| *node);
        let part = part_of(on, nodes, |edge| asked.types.include(&edge.edge_type))?;
        let more = (found.len() > asked.top.top, "--top");
        if asked.shape.give_some(on, &part, more, output)? {
            return Ok(Answer::yes_if(!found.is_empty()));
        }
    }
    let ranked = found.into_iter().map(|(node, number)| (node, Value::Count(number as u64)));
    let ranked: Vec<_> = ranked.take(asked.top.top.saturating_add(1)).collect();
    ranking::show(on, ("core", &asked.top), &ranked, output)
}
