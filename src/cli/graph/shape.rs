//! Parts of the graph given out in a format of other programs, or as a picture.

use std::path::PathBuf;

use clap::Args;
use engraph::graph::Subgraph;
use engraph::transfer::{self, Attributes, ExportOptions, Format};

use super::target::tell;
use super::{Asked, Failure, Output, picture, text};
use crate::cli::target::{self, Target};

/// How a part of the graph is given out, besides as a table or as JSON.
#[derive(Args, Debug)]
pub(super) struct Shape {
    /// Write DOT, the language of Graphviz
    #[arg(long, conflicts_with = "graphml")]
    dot: bool,

    /// Write GraphML
    #[arg(long)]
    graphml: bool,

    /// Draw a picture into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    #[command(flatten)]
    target: Target,

    /// Also what records hold, and the properties of edges
    #[arg(long)]
    full: bool,
}

impl Shape {
    /// Whether any of it was asked for.
    pub(super) fn is_asked(&self) -> bool {
        self.dot || self.graphml || self.svg.is_some() || self.target.out.is_some()
    }

    fn format(&self) -> Option<Format> {
        if self.dot {
            Some(Format::Dot)
        } else if self.graphml {
            Some(Format::GraphMl)
        } else {
            self.target.out.as_deref().and_then(Format::of_path)
        }
    }

    /// Gives the part out as was asked, in the `otherwise` format where none was. Says whether that
    /// is all there is to give; else a table or JSON follows.
    pub(super) fn give(
        &self,
        on: &Asked<'_>,
        (part, otherwise): (&Subgraph, Option<Format>),
        output: &mut Output,
    ) -> Result<bool, Failure> {
        let format = self.format().or(otherwise);
        if format.is_none() && self.target.out.is_some() {
            return Err(Failure::usage(
                "no format: --dot or --graphml says how the file is written",
            ));
        }
        if let Some(path) = &self.svg {
            let svg = picture::draw(on.tx, part)?;
            target::write_file(path, self.target.force, |out| {
                out.write_all(svg.as_bytes()).map_err(|source| engraph::Error::Io {
                    action: "write".to_owned(),
                    path: path.clone(),
                    source,
                })
            })?;
        }
        if let Some(format) = format {
            let full = if self.full { Attributes::Full } else { Attributes::Short };
            let options = ExportOptions::new(format).attributes(full);
            let report = target::write_to(&self.target, output, |out| {
                transfer::export_subgraph(on.tx, part, &options, out)
            })?;
            tell(&report, &self.target, output)?;
            return Ok(true);
        }
        if self.svg.is_none() || output.is_json() {
            return Ok(false);
        }
        tell_sizes(part, output)?;
        Ok(true)
    }

    /// As [`Shape::give`], of an answer that is shown in part where `is_more`.
    pub(super) fn give_some(
        &self,
        on: &Asked<'_>,
        part: &Subgraph,
        (is_more, option): (bool, &str),
        output: &mut Output,
    ) -> Result<bool, Failure> {
        let is_all = self.give(on, (part, None), output)?;
        if is_all && is_more {
            output.note(format_args!("there are more: {option}"))?;
        }
        Ok(is_all)
    }
}

/// Says how large a part is.
pub(super) fn tell_sizes(part: &Subgraph, output: &mut Output) -> Result<(), Failure> {
    let sizes = (part.nodes().len() as u64, part.edges().len() as u64);
    let (nodes, edges) = (text::counted(sizes.0, "node"), text::counted(sizes.1, "edge"));
    output.note(format_args!("{nodes}, {edges}"))
}
