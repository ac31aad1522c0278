//! `engraph graph similar` and `engraph graph links`: records that are alike by their neighbours,
//! and edges that are likely to be missing.

use clap::{Args, ValueEnum};
use engraph::graph::{Direction, Measure, SimRank, Similarity};
use serde::Serialize;

use super::follow::{Along, Types};
use super::node::{ShownNode, finish, present};
use super::ranking::{self, Top, Value};
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct ToOne {
    /// The record, for example 1:17 or document:17
    id: String,

    /// What makes records alike
    #[arg(long, value_enum, default_value_t = By::Jaccard)]
    by: By,

    /// By SimRank instead: alike is what alike records lead to
    #[arg(long, conflicts_with = "by")]
    simrank: bool,

    /// Estimate the SimRank from so many walks
    #[arg(long, value_name = "N", requires = "simrank")]
    sample: Option<usize>,

    /// What the walks are drawn from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    counted: Counted,
}

#[derive(Args, Debug)]
pub(super) struct Missing {
    /// What makes records alike
    #[arg(long, value_enum, default_value_t = By::AdamicAdar)]
    by: By,

    #[command(flatten)]
    counted: Counted,
}

/// What counts as a neighbour, and how much is shown.
#[derive(Args, Debug)]
struct Counted {
    #[command(flatten)]
    types: Types,

    /// Neighbours that count: those a record leads to, those that lead to it, or both; both unless
    /// said, for SimRank those that lead to it
    #[arg(long, value_enum)]
    direction: Option<Along>,

    #[command(flatten)]
    top: Top,
}

/// The measures.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    /// How many neighbours they have in common
    Common,
    /// Common neighbours, of all that either has
    Jaccard,
    /// Common neighbours, those with few neighbours counting more
    AdamicAdar,
    /// The same, counting still more
    Resource,
    /// The product of how many neighbours each has
    Preferential,
}

impl From<By> for Measure {
    fn from(by: By) -> Self {
        match by {
            By::Common => Self::CommonNeighbors,
            By::Jaccard => Self::Jaccard,
            By::AdamicAdar => Self::AdamicAdar,
            By::Resource => Self::ResourceAllocation,
            By::Preferential => Self::PreferentialAttachment,
        }
    }
}

impl Counted {
    fn similarity(&self, by: By) -> Similarity {
        let options = Similarity::by(by.into());
        self.direction.map_or(options.clone(), |along| options.direction(along.into()))
    }

    /// One more than is shown, to know whether there are more.
    fn wanted(&self) -> usize {
        self.top.top.saturating_add(1)
    }
}

pub(super) fn to_one(
    on: &Asked<'_>,
    asked: &ToOne,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let id = present(on.tx, &asked.id)?;
    let (types, wanted) = (asked.counted.types.names(), asked.counted.wanted());
    let found = if asked.simrank {
        let mut options = SimRank::new();
        if let Some(along) = asked.counted.direction.map(Direction::from) {
            options = options.direction(along);
        }
        if let Some(sample) = asked.sample {
            options = options.sampled(sample, asked.seed);
        }
        on.graph.simrank_from(&types, id, wanted, &options)?
    } else {
        on.graph.similar_to(&types, id, wanted, &asked.counted.similarity(asked.by))?
    };
    let ranked: Vec<_> = found.into_iter().map(|(id, score)| (id, Value::Score(score))).collect();
    ranking::show(on, ("score", &asked.counted.top), &ranked, output)
}

#[derive(Serialize)]
struct ShownLink {
    nodes: [ShownNode; 2],
    score: f64,
}

pub(super) fn missing(
    on: &Asked<'_>,
    asked: &Missing,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let (types, options) = (asked.counted.types.names(), asked.counted.similarity(asked.by));
    let links = on.graph.predict_links(&types, asked.counted.wanted(), &options)?;
    let mut rows = Rows::new(["id", "label", "id", "label", "#score"]);
    for link in links.iter().take(asked.counted.top.top) {
        let (one, other) = link.nodes;
        let nodes = [ShownNode::load(on.tx, one)?, ShownNode::load(on.tx, other)?];
        if output.is_json() {
            output.json(&ShownLink { nodes, score: link.score })?;
            continue;
        }
        let [[one, _, one_label], [other, _, other_label]] = nodes.each_ref().map(ShownNode::cells);
        rows.push([one, one_label, other, other_label, format!("{:.6}", link.score)]);
    }
    finish(&rows, links.len(), (asked.counted.top.top, "--top"), output)
}
