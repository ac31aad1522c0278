//! `engraph graph`: what is around a record, and how two records are connected.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use engraph::graph::{Direction, Graph, Neighbor, Path};
use engraph::{EdgeId, NodeId, ReadTx, Store};
use serde::Serialize;

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::{place, shown, text};

/// Longest label in a table, in characters.
const LABEL_MAX: usize = 48;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The store's directory
    store: PathBuf,

    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// What is connected to a record
    Neighbors(Neighbors),
    /// A shortest way from one record to another
    Path(Way),
}

/// Which edges are followed.
#[derive(Args, Debug)]
struct Follow {
    /// Only edges of these types
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,

    /// Along the edges, against them, or both
    #[arg(long, value_enum, default_value_t = Along::Both)]
    direction: Along,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Along {
    Out,
    In,
    Both,
}

impl From<Along> for Direction {
    fn from(along: Along) -> Self {
        match along {
            Along::Out => Self::Out,
            Along::In => Self::In,
            Along::Both => Self::Both,
        }
    }
}

#[derive(Args, Debug)]
struct Neighbors {
    /// The record, for example 1:17 or document:17
    id: String,

    #[command(flatten)]
    follow: Follow,

    /// How many edges to go at most
    #[arg(long, value_name = "N", default_value_t = 1)]
    depth: usize,

    /// Records to show at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

#[derive(Args, Debug)]
struct Way {
    /// The record to start from
    from: String,

    /// The record to reach
    to: String,

    #[command(flatten)]
    follow: Follow,

    /// The smallest sum of weights instead of the fewest edges
    #[arg(long)]
    weighted: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let store = place::open_to_read(&arguments.store)?;
    place::closing(&store, |store| answer(store, &arguments.question, output))
}

fn answer(store: &Store, question: &Question, output: &mut Output) -> Result<Answer, Failure> {
    let tx = store.read()?;
    let graph = store.graph()?;
    match question {
        Question::Neighbors(asked) => {
            let id = present(&tx, &asked.id)?;
            if asked.depth <= 1 {
                neighbors(&tx, &graph, (id, asked), output)
            } else {
                around(&tx, &graph, (id, asked), output)
            }
        }
        Question::Path(asked) => path(&tx, &graph, asked, output),
    }
}

/// The record that the user names, which must be there.
fn present(tx: &ReadTx, text: &str) -> Result<NodeId, Failure> {
    let id = shown::id_named(tx, text)?;
    if tx.contains(id)? { Ok(id) } else { Err(Failure::no(format!("there is no record {id}"))) }
}

/// A record with what to call it. A dangling end has no label.
fn label_of(tx: &ReadTx, id: NodeId) -> Result<Option<String>, Failure> {
    let kinds_known = tx.kind_name(id.kind()).is_some();
    if !kinds_known || !tx.contains(id)? {
        return Ok(None);
    }
    match tx.get_json(id) {
        Ok(record) => Ok(record.as_ref().map(shown::label)),
        // A type that is not registered here can be a neighbour, it only cannot be shown.
        Err(engraph::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// How an edge is called: its number, the record that states it, or nothing for a link.
fn edge_name(edge: EdgeId) -> Option<String> {
    match edge.stated_by() {
        Some(record) => Some(record.to_string()),
        None if edge.is_link() => None,
        None => Some(edge.to_string()),
    }
}

#[derive(Serialize)]
struct ShownNeighbor<'a> {
    node: NodeId,
    kind: String,
    label: Option<String>,
    edge_type: &'a str,
    direction: &'static str,
    edge: Option<String>,
    weight: f32,
}

fn neighbors(
    tx: &ReadTx,
    graph: &Graph,
    (id, asked): (NodeId, &Neighbors),
    output: &mut Output,
) -> Result<Answer, Failure> {
    let mut found: Vec<(&'static str, Neighbor)> = Vec::new();
    for (name, direction) in [("out", Direction::Out), ("in", Direction::In)] {
        let wanted: Direction = asked.follow.direction.into();
        if wanted != direction && wanted != Direction::Both {
            continue;
        }
        if asked.follow.types.is_empty() {
            found.extend(graph.neighbors(id, direction)?.into_iter().map(|edge| (name, edge)));
        }
        for edge_type in &asked.follow.types {
            let edges = graph.neighbors_of_type(id, direction, edge_type)?;
            found.extend(edges.into_iter().map(|edge| (name, edge)));
        }
    }
    let mut rows = Rows::new(["", "type", "id", "kind", "label", "#weight", "edge"]);
    for (direction, edge) in found.iter().take(asked.limit) {
        let shown = ShownNeighbor {
            node: edge.node,
            kind: shown::kind_of(tx, edge.node),
            label: label_of(tx, edge.node)?,
            edge_type: &edge.edge_type,
            direction,
            edge: edge_name(edge.edge),
            weight: edge.weight,
        };
        if output.is_json() {
            output.json(&shown)?;
        } else {
            rows.push([
                shown.direction,
                shown.edge_type,
                &shown.node.to_string(),
                &shown.kind,
                &shortened(shown.label),
                &shown.weight.to_string(),
                shown.edge.as_deref().unwrap_or("link"),
            ]);
        }
    }
    finish(&rows, found.len(), asked.limit, output)
}

#[derive(Serialize)]
struct ShownReached {
    node: NodeId,
    kind: String,
    label: Option<String>,
    depth: usize,
}

fn around(
    tx: &ReadTx,
    graph: &Graph,
    (id, asked): (NodeId, &Neighbors),
    output: &mut Output,
) -> Result<Answer, Failure> {
    let mut walk = graph.from(id).depth(1..=asked.depth).limit(asked.limit.saturating_add(1));
    let direction: Direction = asked.follow.direction.into();
    if asked.follow.types.is_empty() {
        walk = walk.any(direction);
    }
    for edge_type in &asked.follow.types {
        walk = match direction {
            Direction::Out => walk.out(edge_type),
            Direction::In => walk.incoming(edge_type),
            Direction::Both => walk.both(edge_type),
        };
    }
    let found = walk.reached()?;
    let mut rows = Rows::new(["#depth", "id", "kind", "label"]);
    for reached in found.iter().take(asked.limit) {
        let shown = ShownReached {
            node: reached.node,
            kind: shown::kind_of(tx, reached.node),
            label: label_of(tx, reached.node)?,
            depth: reached.depth,
        };
        if output.is_json() {
            output.json(&shown)?;
        } else {
            rows.push([
                &shown.depth.to_string(),
                &shown.node.to_string(),
                &shown.kind,
                &shortened(shown.label),
            ]);
        }
    }
    finish(&rows, found.len(), asked.limit, output)
}

fn shortened(label: Option<String>) -> String {
    label.map_or_else(|| "(not there)".to_owned(), |label| text::shortened(&label, LABEL_MAX))
}

/// Writes the table, and says what it leaves out. The answer is no when there is nothing.
fn finish(rows: &Rows, found: usize, limit: usize, output: &mut Output) -> Result<Answer, Failure> {
    if !output.is_json() {
        if found == 0 {
            output.note("there are none")?;
        } else {
            output.table(rows)?;
        }
        if found > limit {
            output.note("there are more: --limit")?;
        }
    }
    Ok(Answer::yes_if(found > 0))
}

#[derive(Serialize)]
struct ShownPath {
    found: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<f64>,
    nodes: Vec<ShownNode>,
    edges: Vec<Option<String>>,
}

#[derive(Serialize)]
struct ShownNode {
    node: NodeId,
    kind: String,
    label: Option<String>,
}

fn path(tx: &ReadTx, graph: &Graph, asked: &Way, output: &mut Output) -> Result<Answer, Failure> {
    let (from, to) = (present(tx, &asked.from)?, present(tx, &asked.to)?);
    let found = find(graph, (from, to), asked)?;
    let shown = match &found {
        None => ShownPath { found: false, weight: None, nodes: Vec::new(), edges: Vec::new() },
        Some(path) => show_path(tx, path)?,
    };
    if output.is_json() {
        output.json(&shown)?;
    } else if shown.found {
        let mut rows = Rows::new(["#step", "id", "kind", "label", "edge"]);
        for (step, node) in shown.nodes.iter().enumerate() {
            let edge = match step.checked_sub(1).and_then(|at| shown.edges.get(at)) {
                None => "",
                Some(None) => "link",
                Some(Some(edge)) => edge,
            };
            rows.push([
                &step.to_string(),
                &node.node.to_string(),
                &node.kind,
                &shortened(node.label.clone()),
                edge,
            ]);
        }
        output.table(&rows)?;
    } else {
        output.note(format_args!("no way leads from {from} to {to}"))?;
    }
    Ok(Answer::yes_if(shown.found))
}

fn find(graph: &Graph, (from, to): (NodeId, NodeId), asked: &Way) -> Result<Option<Path>, Failure> {
    let mut search = graph.path(from, to);
    let direction: Direction = asked.follow.direction.into();
    if asked.follow.types.is_empty() {
        search = search.any(direction);
    }
    for edge_type in &asked.follow.types {
        search = match direction {
            Direction::Out => search.out(edge_type),
            Direction::In => search.incoming(edge_type),
            Direction::Both => search.both(edge_type),
        };
    }
    if asked.weighted {
        search = search.weighted();
    }
    Ok(search.find()?)
}

fn show_path(tx: &ReadTx, path: &Path) -> Result<ShownPath, Failure> {
    let mut nodes = Vec::with_capacity(path.nodes.len());
    for &node in &path.nodes {
        let (kind, label) = (shown::kind_of(tx, node), label_of(tx, node)?);
        nodes.push(ShownNode { node, kind, label });
    }
    let edges = path.edges.iter().map(|edge| edge_name(*edge)).collect();
    Ok(ShownPath { found: true, weight: Some(path.weight), nodes, edges })
}
