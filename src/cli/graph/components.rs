//! `engraph graph components`: the parts that hang together.

use clap::Args;
use serde::Serialize;

use super::follow::Types;
use super::groups::Group;
use super::node::finish;
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
    #[serde(flatten)]
    group: Group<'a>,
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
        let group = Group::load(on, group, asked.members)?;
        if output.is_json() {
            output.json(&Shown { component, group })?;
        } else {
            let [nodes, label, members] = group.cells();
            rows.push([component.to_string(), nodes, label, members]);
        }
    }
    finish(&rows, groups.len(), (asked.top.top, "--top"), output)
}
