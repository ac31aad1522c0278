//! Answers that give each record one value: the shared options and the shared table.

use clap::Args;
use engraph::NodeId;
use serde::Serialize;

use super::node::{ShownNode, finish};
use super::{Asked, Failure, Output, text};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

/// How many records are shown.
#[derive(Args, Debug)]
pub(super) struct Top {
    /// Records to show at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) top: usize,
}

/// What a record is worth.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Value {
    /// A number between others.
    Score(f64),
    /// How many of something.
    Count(u64),
}

impl Value {
    fn cell(self) -> String {
        match self {
            Self::Score(score) => format!("{score:.6}"),
            Self::Count(count) => text::count(count),
        }
    }
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    node: ShownNode,
    value: Value,
}

/// Writes records with their values, best first: a table whose last column is called `name`, or
/// one JSON object a line with the key `value`. Hand over one more than `top` where there are more.
pub(super) fn show(
    on: &Asked<'_>,
    (name, top): (&str, &Top),
    ranked: &[(NodeId, Value)],
    output: &mut Output,
) -> Result<Answer, Failure> {
    let head = format!("#{name}");
    let mut rows = Rows::new(["id", "kind", "label", head.as_str()]);
    for (id, value) in ranked.iter().take(top.top) {
        let shown = Shown { node: ShownNode::load(on.tx, *id)?, value: *value };
        if output.is_json() {
            output.json(&shown)?;
        } else {
            let [id, kind, label] = shown.node.cells();
            rows.push([id, kind, label, value.cell()]);
        }
    }
    finish(&rows, ranked.len(), (top.top, "--top"), output)
}
