//! `engraph graph communities`: the groups of records that have more edges within than between.

use std::cmp::Reverse;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::follow::Types;
use super::groups::Group;
use super::node::finish;
use super::ranking::Top;
use super::{Asked, Failure, Output, text};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// How they are found: the quick way, the thorough one, or without regard to modularity
    #[arg(long, value_enum, default_value_t = Method::Louvain)]
    method: Method,

    #[command(flatten)]
    types: Types,

    #[command(flatten)]
    top: Top,

    /// Members to name of each community, at most
    #[arg(long, value_name = "N", default_value_t = 5)]
    members: usize,

    /// Above 1 for smaller communities, below 1 for larger ones
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    resolution: f64,

    /// Take every edge for one of weight 1
    #[arg(long)]
    unweighted: bool,

    /// What the order of records is drawn from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Method {
    Louvain,
    Leiden,
    Labels,
}

#[derive(Serialize)]
struct Shown<'a> {
    method: Method,
    count: usize,
    modularity: f64,
    communities: Vec<Group<'a>>,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let search = on.graph.communities().edge_types(&asked.types.names());
    let mut search = search.resolution(asked.resolution).seed(asked.seed);
    if asked.unweighted {
        search = search.unweighted();
    }
    let found = match asked.method {
        Method::Louvain => search.louvain()?,
        Method::Leiden => search.leiden()?,
        Method::Labels => search.label_propagation()?,
    };
    let mut groups = found.groups();
    groups.sort_by_key(|group| Reverse(group.len()));
    let shown = groups.iter().take(asked.top.top);
    let communities = shown.map(|group| Group::load(on, group, asked.members));
    let communities = communities.collect::<Result<Vec<_>, _>>()?;
    let (count, modularity) = (found.count(), found.modularity());
    if output.is_json() {
        output.json(&Shown { method: asked.method, count, modularity, communities })?;
        return Ok(Answer::yes_if(count > 0));
    }
    let mut rows = Rows::new(["#community", "#nodes", "label", "members"]);
    for (number, group) in (1..).zip(&communities) {
        let [nodes, label, members] = group.cells();
        rows.push([number.to_string(), nodes, label, members]);
    }
    if count > 0 {
        let counted = text::counted(count as u64, "community");
        output.line(format_args!("{counted}, modularity {modularity:.6}"))?;
        output.line("")?;
    }
    finish(&rows, count, (asked.top.top, "--top"), output)
}
