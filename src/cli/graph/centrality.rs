//! `engraph graph centrality`: the records that matter most, by one measure or another.

use clap::{Args, ValueEnum};
use engraph::graph::{Betweenness, Closeness, Degree, Direction, Eigenvector, Katz, Scores};

use super::follow::{Along, Types};
use super::ranking::{self, Top, Value};
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// What makes a record matter
    #[arg(long, value_enum)]
    by: By,

    #[command(flatten)]
    types: Types,

    #[command(flatten)]
    top: Top,

    /// Edges that count: those from a record, to it, or both; by the measure unless said
    #[arg(long, value_enum)]
    direction: Option<Along>,

    /// Let weights count: as lengths of edges, or as how much they are worth
    #[arg(long)]
    weighted: bool,

    /// Divide by the most that there could be; degree and betweenness
    #[arg(long)]
    normalized: bool,

    /// Estimate from the paths that start at so many records; betweenness
    #[arg(long, value_name = "N")]
    sample: Option<usize>,

    /// What the sample is drawn from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// How much of a score each step passes on; katz
    #[arg(long, value_name = "X", default_value_t = 0.1)]
    attenuation: f64,
}

/// The measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// How many edges a record has
    Degree,
    /// How near the others are
    Closeness,
    /// The same, where not all hang together
    Harmonic,
    /// How many shortest paths lead through
    Betweenness,
    /// How much the neighbours matter
    Eigenvector,
    /// How many walks end there, long ones counting less
    Katz,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    if asked.normalized && !matches!(asked.by, By::Degree | By::Betweenness) {
        return Err(Failure::usage("--normalized is for degree and betweenness"));
    }
    if asked.sample.is_some() && asked.by != By::Betweenness {
        return Err(Failure::usage("--sample is for betweenness"));
    }
    let scores = scores(on, asked)?;
    let top = scores.top(asked.top.top.saturating_add(1));
    let value = |score: f64| match asked.by {
        By::Degree if !asked.weighted && !asked.normalized => Value::Count(score as u64),
        _ => Value::Score(score),
    };
    let ranked: Vec<_> = top.into_iter().map(|(id, score)| (id, value(score))).collect();
    let answer = ranking::show(on, ("score", &asked.top), &ranked, output)?;
    if !scores.has_converged() {
        output.note("the scores have not settled: they tell little")?;
    }
    Ok(answer)
}

fn scores(on: &Asked<'_>, asked: &Arguments) -> Result<Scores, Failure> {
    let (graph, types) = (on.graph, asked.types.names());
    let along = asked.direction.map(Direction::from);
    Ok(match asked.by {
        By::Degree => graph.degree_centrality(&types, &degree(asked, along))?,
        By::Closeness => graph.closeness_centrality(&types, &closeness(asked, along))?,
        By::Harmonic => graph.harmonic_centrality(&types, &closeness(asked, along))?,
        By::Betweenness => graph.betweenness_centrality(&types, &betweenness(asked, along))?,
        By::Eigenvector => {
            let options =
                along.map_or_else(Eigenvector::new, |to| Eigenvector::new().direction(to));
            let options = if asked.weighted { options.weighted() } else { options };
            graph.eigenvector_centrality(&types, &options)?
        }
        By::Katz => {
            let options = along.map_or_else(Katz::new, |along| Katz::new().direction(along));
            let options = if asked.weighted { options.weighted() } else { options };
            graph.katz_centrality(&types, &options.attenuation(asked.attenuation))?
        }
    })
}

fn degree(asked: &Arguments, along: Option<Direction>) -> Degree {
    let mut options = along.map_or_else(Degree::new, |along| Degree::new().direction(along));
    if asked.weighted {
        options = options.weighted();
    }
    if asked.normalized {
        options = options.normalized();
    }
    options
}

fn closeness(asked: &Arguments, along: Option<Direction>) -> Closeness {
    let options = along.map_or_else(Closeness::new, |along| Closeness::new().direction(along));
    if asked.weighted { options.weighted() } else { options }
}

/// Paths lead through a record as often against the edges as along them.
fn betweenness(asked: &Arguments, along: Option<Direction>) -> Betweenness {
    let mut options = Betweenness::new();
    if along == Some(Direction::Both) {
        options = options.undirected();
    }
    if asked.weighted {
        options = options.weighted();
    }
    if asked.normalized {
        options = options.normalized();
    }
    match asked.sample {
        Some(sample) => options.pivots(sample, asked.seed),
        None => options,
    }
}
