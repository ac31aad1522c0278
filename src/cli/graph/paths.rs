//! `engraph graph paths`: several ways from one record to another.

use clap::Args;
use engraph::graph::{Outcome, Path};

use super::edges::part_of_ways;
use super::follow::Follow;
use super::node::present;
use super::shape::Shape;
use super::ways::{self, Way};
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The record to start from
    from: String,

    /// The record to reach
    to: String,

    #[command(flatten)]
    follow: Follow,

    #[command(flatten)]
    which: Which,

    /// The smallest sums of weights instead of the fewest edges
    #[arg(long, conflicts_with_all = ["all_shortest", "all_simple"])]
    weighted: bool,

    /// Only ways of at most so many edges
    #[arg(long, value_name = "N", conflicts_with = "weighted")]
    hops: Option<usize>,

    /// Ways to show at most, where all are asked for
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,

    #[command(flatten)]
    shape: Shape,
}

#[derive(Args, Debug)]
#[group(multiple = false)]
struct Which {
    /// The best so many that meet no record twice, best first; 5 unless told otherwise
    #[arg(long, value_name = "N")]
    k: Option<usize>,

    /// All with the fewest edges
    #[arg(long)]
    all_shortest: bool,

    /// All that meet no record twice
    #[arg(long)]
    all_simple: bool,
}

/// Ways that are shown where nothing is said.
const K_DEFAULT: usize = 5;

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let (from, to) = (present(on.tx, &asked.from)?, present(on.tx, &asked.to)?);
    let mut search = asked.follow.search(on.graph.path(from, to));
    if asked.weighted {
        search = search.weighted();
    }
    if let Some(hops) = asked.hops {
        search = search.hops_max(hops);
    }
    if asked.which.k == Some(0) {
        return Err(Failure::usage("--k 0 asks for no way"));
    }
    let wanted = asked.limit.saturating_add(1);
    let (found, limit): (Outcome<Path>, usize) = if asked.which.all_shortest {
        (search.all_shortest(wanted)?, asked.limit)
    } else if asked.which.all_simple {
        (search.all_simple(wanted)?, asked.limit)
    } else {
        let k = asked.which.k.unwrap_or(K_DEFAULT);
        (search.k_shortest(k)?, k)
    };
    let found: Vec<Way> = found.items.into_iter().map(Way::from).collect();
    if !found.is_empty() && asked.shape.is_asked() {
        let part = part_of_ways(on, found.iter().take(limit).map(Way::parts))?;
        let more = (found.len() > limit, "--limit");
        if asked.shape.give_some(on, &part, more, output)? {
            return Ok(Answer::Yes);
        }
    }
    if found.is_empty() && !output.is_json() {
        output.note(format_args!("no way leads from {from} to {to}"))?;
        return Ok(Answer::No);
    }
    ways::show(on, &found, limit, output)
}
