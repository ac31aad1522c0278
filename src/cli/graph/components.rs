//! `engraph graph components`: the parts that hang together.

use clap::Args;
use engraph::NodeId;
use serde::Serialize;

use super::follow::Types;
use super::node::{finish, label_of, shortened};
use super::ranking::Top;
use super::{Asked, Failure, Output};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    types: Types,

    #[command(flatten)]
    top: Top,

    /// Parts in which every record leads to every other, instead of directions being ignored
    #[arg(long)]
    strong: bool,

    /// Members to name of each part, at most
    #[arg(long, value_name = "N", default_value_t = 5)]
    members: usize,
}

#[derive(Serialize)]
struct Shown<'a> {
    component: usize,
    nodes: usize,
    label: Option<&'a str>,
    members: &'a [NodeId],
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let types = asked.types.names();
    let components = if asked.strong {
        on.graph.strong_components(&types)?
    } else {
        on.graph.weak_components(&types)?
    };
    let groups = components.groups();
    let mut rows = Rows::new(["#component", "#nodes", "label", "members"]);
    for (component, group) in (1..).zip(&groups).take(asked.top.top) {
        // The smallest member stands for the part.
        let label = match group.first() {
            Some(first) => label_of(on.tx, *first)?,
            None => None,
        };
        let members = &group[..group.len().min(asked.members)];
        if output.is_json() {
            let (nodes, label) = (group.len(), label.as_deref());
            output.json(&Shown { component, nodes, label, members })?;
            continue;
        }
        let mut named: Vec<String> = members.iter().map(ToString::to_string).collect();
        if members.len() < group.len() {
            named.push("...".to_owned());
        }
        rows.push([
            component.to_string(),
            group.len().to_string(),
            shortened(label.as_deref()),
            named.join(" "),
        ]);
    }
    finish(&rows, groups.len(), (asked.top.top, "--top"), output)
}
