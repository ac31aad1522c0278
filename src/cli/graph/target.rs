//! How a graph is given out: the names of the formats, and what is said of it.

use clap::ValueEnum;
use engraph::transfer::{ExportReport, Format};

use super::{Failure, Output, text};
use crate::cli::target::Target;

/// The formats, as they are named on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Form {
    /// The language of Graphviz
    Dot,
    /// XML that graph programs exchange
    Graphml,
    /// JSON as networkx reads it
    NodeLink,
}

impl From<Form> for Format {
    fn from(form: Form) -> Self {
        match form {
            Form::Dot => Self::Dot,
            Form::Graphml => Self::GraphMl,
            Form::NodeLink => Self::NodeLink,
        }
    }
}

/// Says what was written: beside the graph, or as data where the graph went to a file.
pub(super) fn tell(
    report: &ExportReport,
    target: &Target,
    output: &mut Output,
) -> Result<(), Failure> {
    if target.out.is_some() && output.is_json() {
        return output.json(report);
    }
    let nodes = text::counted(report.nodes, "node");
    let edges = text::counted(report.edges, "edge");
    let left_out = match report.dangling {
        0 => String::new(),
        count => {
            format!("; left out: {} to records that are not there", text::counted(count, "edge"))
        }
    };
    let line = format!("{nodes}, {edges}{left_out}");
    if target.out.is_some() { output.line(line) } else { output.note(line) }
}
