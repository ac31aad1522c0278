//! `engraph graph ego` and `engraph graph subgraph`: a part of the graph as a table, in a format
//! of other programs, or as a picture.

use std::path::PathBuf;

use clap::Args;
use engraph::graph::{Ego, Subgraph, SubgraphLimits};
use engraph::transfer::{self, Attributes, ExportOptions, Format};

use super::follow::{Follow, Types};
use super::node::{edge_name, label_of, present, shortened};
use super::target::{self, Target};
use super::{Asked, Failure, Output, picture, text};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

#[derive(Args, Debug)]
pub(super) struct Around {
    /// The record, for example 1:17 or document:17
    id: String,

    #[command(flatten)]
    follow: Follow,

    /// How many edges to go at most
    #[arg(long, value_name = "N", default_value_t = 1)]
    radius: usize,

    #[command(flatten)]
    shape: Shape,
}

#[derive(Args, Debug)]
pub(super) struct Between {
    /// The records, for example 1:17 or document:17
    #[arg(required = true)]
    ids: Vec<String>,

    #[command(flatten)]
    types: Types,

    #[command(flatten)]
    shape: Shape,
}

/// How a part of the graph is given out. JSON is the node-link form.
#[derive(Args, Debug)]
struct Shape {
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

    /// Records to take at most
    #[arg(long, value_name = "N", default_value_t = 200)]
    limit: usize,
}

impl Shape {
    fn limits(&self) -> SubgraphLimits {
        SubgraphLimits { nodes_max: self.limit, ..SubgraphLimits::default() }
    }

    fn format(&self, output: &Output) -> Option<Format> {
        let of_path = self.target.out.as_deref().and_then(Format::of_path);
        if self.dot {
            Some(Format::Dot)
        } else if self.graphml {
            Some(Format::GraphMl)
        } else {
            of_path.or_else(|| output.is_json().then_some(Format::NodeLink))
        }
    }
}

pub(super) fn around(
    on: &Asked<'_>,
    asked: &Around,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let id = present(on.tx, &asked.id)?;
    let ego = Ego {
        radius: asked.radius,
        direction: asked.follow.direction(),
        edge_types: asked.follow.types.clone(),
        limits: asked.shape.limits(),
    };
    give(on, &on.graph.ego(id, &ego)?, &asked.shape, output)
}

pub(super) fn between(
    on: &Asked<'_>,
    asked: &Between,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let ids = asked.ids.iter().map(|id| present(on.tx, id)).collect::<Result<Vec<_>, _>>()?;
    let found = on.graph.induced(&ids, &asked.types.names(), &asked.shape.limits())?;
    give(on, &found, &asked.shape, output)
}

fn give(
    on: &Asked<'_>,
    part: &Subgraph,
    shape: &Shape,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let format = shape.format(output);
    if format.is_none() && shape.target.out.is_some() {
        return Err(Failure::usage("no format: --dot or --graphml says how the file is written"));
    }
    if let Some(path) = &shape.svg {
        let svg = picture::draw(on.tx, part)?;
        target::write_file(path, shape.target.force, |out| {
            out.write_all(svg.as_bytes()).map_err(|source| engraph::Error::Io {
                action: "write".to_owned(),
                path: path.clone(),
                source,
            })
        })?;
    }
    let full = if shape.full { Attributes::Full } else { Attributes::Short };
    if let Some(format) = format {
        let options = ExportOptions::new(format).attributes(full);
        let report = target::write_to(&shape.target, output, |out| {
            transfer::export_subgraph(on.tx, part, &options, out)
        })?;
        target::tell(&report, &shape.target, output)?;
    } else {
        if shape.svg.is_none() {
            table(on, part, output)?;
        }
        let sizes = (part.nodes().len() as u64, part.edges().len() as u64);
        let (nodes, edges) = (text::counted(sizes.0, "node"), text::counted(sizes.1, "edge"));
        output.note(format_args!("{nodes}, {edges}"))?;
    }
    if part.is_cut() {
        output.note("there are more: --limit")?;
    }
    Ok(Answer::Yes)
}

/// The edges, each end with its label.
fn table(on: &Asked<'_>, part: &Subgraph, output: &mut Output) -> Result<(), Failure> {
    let labels = part.nodes().iter().map(|node| label_of(on.tx, *node));
    let labels = labels.collect::<Result<Vec<_>, _>>()?;
    let label = |node| {
        let place = part.index_of(node);
        shortened(place.and_then(|place| labels.get(place)?.as_deref()))
    };
    let mut rows = Rows::new(["source", "label", "type", "target", "label", "#weight", "edge"]);
    for edge in part.edges() {
        rows.push([
            edge.source.to_string(),
            label(edge.source),
            edge.edge_type.to_string(),
            edge.target.to_string(),
            label(edge.target),
            edge.weight.to_string(),
            edge_name(edge.edge).unwrap_or_else(|| "link".to_owned()),
        ]);
    }
    if part.edges().is_empty() { Ok(()) } else { output.table(&rows) }
}
