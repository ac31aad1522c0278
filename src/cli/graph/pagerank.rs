//! `engraph graph pagerank`: the records that most ways lead to.

use clap::Args;
use engraph::graph::{LocalPageRank, PageRank};

use super::follow::Types;
use super::node::present;
use super::ranking::{self, Top, Value};
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    types: Types,

    #[command(flatten)]
    top: Top,

    /// Rank by nearness to these records
    #[arg(long = "seed", value_name = "ID")]
    seeds: Vec<String>,

    /// Look around the seeds only, to this exactness, for example 1e-6: for graphs too large to be
    /// gone through
    #[arg(long, value_name = "EPSILON", requires = "seeds")]
    local: Option<f64>,

    /// Chance to follow an edge rather than to start anew, 0 to below 1
    #[arg(long, value_name = "X", default_value_t = 0.85)]
    damping: f64,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let seeds = asked.seeds.iter().map(|seed| present(on.tx, seed));
    let seeds: Vec<_> = seeds.collect::<Result<_, _>>()?;
    if let Some(epsilon) = asked.local {
        let options = LocalPageRank::new().damping(asked.damping).epsilon(epsilon);
        let found = on.graph.local_page_rank(&asked.types.names(), &seeds, &options)?;
        let ranked = found.ranks.into_iter().map(|(id, rank)| (id, Value::Score(rank)));
        return ranking::show(on, ("rank", &asked.top), &ranked.collect::<Vec<_>>(), output);
    }
    let options = PageRank::new().damping(asked.damping).seeds(seeds);
    let ranks = on.graph.page_rank(&asked.types.names(), &options)?;
    let top = ranks.top(asked.top.top.saturating_add(1));
    let ranked: Vec<_> = top.into_iter().map(|(id, rank)| (id, Value::Score(rank))).collect();
    ranking::show(on, ("rank", &asked.top), &ranked, output)
}
