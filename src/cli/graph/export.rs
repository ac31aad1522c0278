//! `engraph graph export`: gives the whole graph to other programs.

use clap::Args;
use engraph::transfer::{self, Attributes, ExportOptions, Format, Nodes};

use super::follow::Types;
use super::target::{Form, tell};
use super::{Asked, Failure, Output, shown};
use crate::cli::failure::Answer;
use crate::cli::target::{self, Target};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// How the graph is written; by the file's extension unless said
    #[arg(long, value_enum)]
    format: Option<Form>,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    types: Types,

    /// Only records of these kinds
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,

    /// Only records that have an edge
    #[arg(long)]
    connected: bool,

    /// Also what records hold, and the properties of edges
    #[arg(long)]
    full: bool,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let of_path = asked.target.out.as_deref().and_then(Format::of_path);
    let format = asked.format.map(Format::from).or(of_path).ok_or_else(|| {
        Failure::usage("no format: --format says how the graph is written")
            .hint("dot, graphml or node-link; or a file with an extension that tells")
    })?;
    let mut options = ExportOptions::new(format);
    for kind in &asked.kinds {
        options = options.kind(shown::kind_named(on.tx, kind)?);
    }
    for edge_type in &asked.types.types {
        options = options.edge_type(edge_type);
    }
    if asked.connected {
        options = options.nodes(Nodes::Connected);
    }
    if asked.full {
        options = options.attributes(Attributes::Full);
    }
    let report =
        target::write_to(&asked.target, output, |out| transfer::export(on.tx, &options, out))?;
    tell(&report, &asked.target, output)?;
    Ok(Answer::Yes)
}
