//! `engraph graph stats`: nodes, edges by type, degrees.

use super::node::label_of;
use super::{Asked, Failure, Output, shown, text};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

/// Longest name of an edge type in the table, in characters.
const NAME_MAX: usize = 48;

pub(super) fn run(on: &Asked<'_>, output: &mut Output) -> Result<Answer, Failure> {
    let summary = on.graph.summary()?;
    if output.is_json() {
        output.json(&summary)?;
        return Ok(Answer::Yes);
    }
    let count = |number: usize| text::count(number as u64);
    output.line(format_args!(
        "{}, {}: {} own, {} stated by records, {} links; {}",
        text::counted(summary.nodes as u64, "node"),
        text::counted(summary.edges as u64, "edge"),
        count(summary.own_edges),
        count(summary.stated_edges),
        count(summary.links),
        text::counted(summary.self_loops as u64, "self loop"),
    ))?;
    if let Some((node, degree)) = summary.largest {
        let label = label_of(on.tx, node)?.unwrap_or_default();
        output.line(format_args!(
            "largest: {} {node} {} with {}",
            text::escaped(&shown::kind_of(on.tx, node)),
            text::shortened(&label, NAME_MAX),
            text::counted(degree as u64, "edge"),
        ))?;
    }
    if summary.edges == 0 {
        return Ok(Answer::Yes);
    }
    let mut types = Rows::new(["type", "#edges"]);
    for found in &summary.types {
        types.push([text::shortened(&found.edge_type, NAME_MAX), count(found.edges)]);
    }
    output.line("")?;
    output.table(&types)?;
    let mut degrees = Rows::new(["#degree", "#nodes", "#out", "#in"]);
    for range in &summary.degrees {
        let span = match range.most - range.least {
            0 => range.least.to_string(),
            _ => format!("{}-{}", range.least, range.most),
        };
        degrees.push([span, count(range.nodes), count(range.nodes_out), count(range.nodes_in)]);
    }
    output.line("")?;
    output.table(&degrees)?;
    Ok(Answer::Yes)
}
