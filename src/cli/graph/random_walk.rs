//! `engraph graph random-walk`: ways that chance takes from a record.

use clap::Args;
use engraph::graph::RandomWalks;

use super::follow::{Along, Types};
use super::node::present;
use super::ways::{self, Way};
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The record to start from, for example 1:17 or document:17
    id: String,

    #[command(flatten)]
    types: Types,

    /// Along the edges, against them, or both
    #[arg(long, value_enum, default_value_t = Along::Out)]
    direction: Along,

    /// Edges to follow at most; a walk ends before where none leads on
    #[arg(long, value_name = "N", default_value_t = 10)]
    steps: usize,

    /// How many walks
    #[arg(long, value_name = "N", default_value_t = 1)]
    walks: usize,

    /// What chance is drawn from: the same walks from the same number
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Follow heavier edges more often
    #[arg(long)]
    weighted: bool,

    /// Above 1 to return less to where a walk has just been (p of node2vec)
    #[arg(long = "return", value_name = "P", default_value_t = 1.0)]
    back: f64,

    /// Above 1 to stay near, below 1 to lead away (q of node2vec)
    #[arg(long, value_name = "Q", default_value_t = 1.0)]
    in_out: f64,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let id = present(on.tx, &asked.id)?;
    let mut options = RandomWalks::new(asked.seed)
        .direction(asked.direction.into())
        .length(asked.steps.saturating_add(1))
        .per_node(asked.walks)
        .return_parameter(asked.back)
        .in_out_parameter(asked.in_out);
    if asked.weighted {
        options = options.weighted();
    }
    let walks = on.graph.random_walks(&asked.types.names(), &[id], &options)?;
    let found: Vec<Way> = walks.iter().map(Way::of_nodes).collect();
    ways::show(on, &found, asked.walks, output)
}
