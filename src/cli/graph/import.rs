//! `engraph graph import`: takes a graph of other programs in.

use std::path::PathBuf;

use clap::Args;
use engraph::Store;
use engraph::transfer::{self, Existing, ImportOptions};

use super::target::Form;
use super::{Failure, Output, text};
use crate::cli::failure::Answer;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// GraphML, or JSON as networkx writes it
    file: PathBuf,

    /// How the graph is written; by the file's extension unless said
    #[arg(long, value_enum)]
    format: Option<Form>,

    /// What the names of the entities begin with
    #[arg(long, value_name = "TEXT", default_value = "")]
    prefix: String,

    /// Use entities of the same name that are there, instead of refusing the file
    #[arg(long)]
    reuse: bool,
}

pub(super) fn run(
    store: &Store,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let mut options = ImportOptions::new().prefix(&asked.prefix);
    if let Some(form) = asked.format {
        options = options.format(form.into());
    }
    if asked.reuse {
        options = options.existing(Existing::Reuse);
    }
    let report = transfer::import(store, &asked.file, &options)?;
    if output.is_json() {
        output.json(&report)?;
        return Ok(Answer::Yes);
    }
    output.line(format_args!(
        "{} made, {} reused, {} made",
        text::counted(report.nodes, "entity"),
        text::count(report.reused),
        text::counted(report.edges, "edge"),
    ))?;
    if report.left_out > 0 {
        let parts = text::counted(report.left_out, "part");
        output.line(format_args!("left out: {parts} of the file that a store has no place for"))?;
    }
    Ok(Answer::Yes)
}
