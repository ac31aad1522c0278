//! `engraph graph cycles`: ways along edges that return to where they began.

use std::collections::BTreeSet;

use clap::Args;
use engraph::NodeId;
use engraph::graph::Subgraph;
use serde::Serialize;

use super::edges::part_of;
use super::follow::Types;
use super::groups::Group;
use super::node::finish;
use super::shape::Shape;
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    types: Types,

    /// Only cycles of at most so many records
    #[arg(long, value_name = "N")]
    length: Option<usize>,

    /// Cycles to find at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,

    #[command(flatten)]
    shape: Shape,
}

#[derive(Serialize)]
struct Shown<'a> {
    cycle: usize,
    #[serde(flatten)]
    group: Group<'a>,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let search = on.graph.cycles().edge_types(&asked.types.names());
    let search = search.length_max(asked.length.unwrap_or(usize::MAX));
    let cycles = search.cycles_max(asked.limit.saturating_add(1)).find()?;
    let shown = &cycles[..cycles.len().min(asked.limit)];
    if asked.shape.is_asked() {
        let more = (cycles.len() > asked.limit, "--limit");
        if asked.shape.give_some(on, &part_of_cycles(on, asked, shown)?, more, output)? {
            return Ok(Answer::yes_if(!cycles.is_empty()));
        }
    }
    let mut rows = Rows::new(["#cycle", "#nodes", "label", "members"]);
    for (cycle, nodes) in (1..).zip(shown) {
        let group = Group::load(on, nodes, usize::MAX)?;
        if output.is_json() {
            output.json(&Shown { cycle, group })?;
        } else {
            let [nodes, label, members] = group.cells();
            rows.push([cycle.to_string(), nodes, label, members]);
        }
    }
    finish(&rows, cycles.len(), (asked.limit, "--limit"), output)
}

/// The edges from each record of a cycle to the next.
fn part_of_cycles(
    on: &Asked<'_>,
    asked: &Arguments,
    cycles: &[Vec<NodeId>],
) -> Result<Subgraph, Failure> {
    let nodes: BTreeSet<NodeId> = cycles.iter().flatten().copied().collect();
    let mut steps = BTreeSet::new();
    for cycle in cycles {
        let next = cycle.iter().cycle().skip(1);
        steps.extend(cycle.iter().copied().zip(next.copied()));
    }
    part_of(on, nodes, |edge| {
        asked.types.include(&edge.edge_type) && steps.contains(&(edge.source, edge.target))
    })
}
