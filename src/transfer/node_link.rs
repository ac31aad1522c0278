//! The JSON node-link form, as `networkx.node_link_graph` reads and `node_link_data` writes it.
//!
//! One node and one edge a line, in ASCII. A key tells parallel edges of one pair apart: the
//! number of an edge, or the type of a link or stated edge. The list of edges is called `edges`;
//! `links`, as older versions of networkx call it, is read too.

use std::cell::RefCell;
use std::fmt;
use std::io::{BufRead, Write};

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::export::{EdgeRow, NodeRow, Writer, written};
use super::import::{ForeignEdge, ForeignNode, Intake};
use super::lines::{Lines, Place};
use super::text;
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, NodeId};
use crate::base::json::Json;
use crate::base::time::Timestamp;

/// Writes the form.
#[derive(Debug, Default)]
pub(super) struct NodeLink {
    /// Whether an element of the present list was written.
    is_behind: bool,
}

#[derive(Serialize)]
struct Node<'a> {
    id: NodeId,
    kind: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    of_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a Value>,
}

#[derive(Serialize)]
struct Edge<'a> {
    source: NodeId,
    target: NodeId,
    key: &'a str,
    #[serde(rename = "type")]
    of_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stated_by: Option<NodeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<&'a Json>,
}

/// What tells an edge from others of its pair. Numbers never look like the others.
fn key_of(edge: EdgeId, edge_type: &str) -> String {
    match edge.stated_by() {
        Some(record) => format!("{record} {edge_type}"),
        None if edge.is_link() => format!("link {edge_type}"),
        None => edge.to_string(),
    }
}

impl NodeLink {
    fn element(&mut self, out: &mut dyn Write, element: &impl Serialize) -> Result<()> {
        let before: &[u8] = if self.is_behind { b",\n" } else { b"\n" };
        self.is_behind = true;
        written(out.write_all(before))?;
        text::ascii_json(out, element)
    }
}

impl Writer for NodeLink {
    fn begin(&mut self, out: &mut dyn Write) -> Result<()> {
        written(
            out.write_all(
                b"{\"directed\": true, \"multigraph\": true, \"graph\": {}, \"nodes\": [",
            ),
        )
    }

    fn node(&mut self, out: &mut dyn Write, node: &NodeRow<'_>) -> Result<()> {
        let NodeRow { id, kind, .. } = *node;
        let (of_type, label) = (node.of_type.as_deref(), node.label.as_deref());
        self.element(out, &Node { id, kind, of_type, label, record: node.record.as_ref() })
    }

    fn middle(&mut self, out: &mut dyn Write) -> Result<()> {
        self.is_behind = false;
        written(out.write_all(b"\n], \"edges\": ["))
    }

    fn edge(&mut self, out: &mut dyn Write, edge: &EdgeRow<'_>) -> Result<()> {
        let element = Edge {
            source: edge.source,
            target: edge.target,
            key: &key_of(edge.edge, edge.edge_type),
            of_type: edge.edge_type,
            weight: edge.weight,
            stated_by: edge.edge.stated_by(),
            valid_from: edge.valid_from,
            valid_to: edge.valid_to,
            properties: edge.properties.as_ref(),
        };
        self.element(out, &element)
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<()> {
        written(out.write_all(b"\n]}\n"))
    }
}

/// Reads the form.
///
/// # Errors
/// [`Error::Import`] with the line; what `intake` says.
pub(super) fn read(from: impl BufRead, intake: &mut Intake<'_, '_>) -> Result<()> {
    let lines = Lines::new(from);
    let place = lines.place();
    let mut deserializer = serde_json::Deserializer::from_reader(lines);
    let document = Document { intake: RefCell::new(intake), place, failed: RefCell::new(None) };
    let done = deserializer.deserialize_map(&document).and_then(|()| deserializer.end());
    let Err(error) = done else { return Ok(()) };
    let Document { intake, failed, .. } = document;
    // serde can carry a text only: what the store said is kept beside it.
    if let Some(failed) = failed.into_inner() {
        return Err(failed);
    }
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let suffix = format!(" at line {line} column {column}");
    let reason = text.strip_suffix(&suffix).unwrap_or(&text);
    Err(intake.into_inner().fault_at(format!("line {line} column {column}"), reason))
}

struct Document<'d, 'i, 's> {
    intake: RefCell<&'d mut Intake<'i, 's>>,
    place: Place,
    failed: RefCell<Option<Error>>,
}

impl Document<'_, '_, '_> {
    /// Keeps an error until serde has unwound.
    fn kept<E: serde::de::Error>(&self, result: Result<()>) -> Result<(), E> {
        result.map_err(|error| {
            *self.failed.borrow_mut() = Some(error);
            E::custom("refused")
        })
    }

    fn node<E: serde::de::Error>(&self, mut attributes: Map<String, Value>) -> Result<(), E> {
        let line = self.place.line();
        let id = take_id(&mut attributes, "id")?;
        let mut intake = self.intake.borrow_mut();
        self.kept(intake.node(ForeignNode { id, attributes, line }))
    }

    fn edge<E: serde::de::Error>(
        &self,
        mut attributes: Map<String, Value>,
        is_directed: bool,
    ) -> Result<(), E> {
        let line = self.place.line();
        let source = take_id(&mut attributes, "source")?;
        let target = take_id(&mut attributes, "target")?;
        attributes.shift_remove("key");
        let edge = ForeignEdge { source, target, is_directed, attributes, line };
        let mut intake = self.intake.borrow_mut();
        self.kept(intake.edge(edge))
    }
}

/// The id in a field: a text, or a number as it is written.
fn take_id<E: serde::de::Error>(
    attributes: &mut Map<String, Value>,
    field: &'static str,
) -> Result<String, E> {
    match attributes.shift_remove(field) {
        Some(Value::String(id)) => Ok(id),
        Some(Value::Number(id)) => Ok(id.to_string()),
        Some(other) => Err(E::custom(format!("{field} is neither text nor number: {other}"))),
        None => Err(E::missing_field(field)),
    }
}

impl<'de> Visitor<'de> for &Document<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with nodes and edges")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        use serde::de::Error as _;
        // networkx takes a graph that says nothing for one without directions.
        let (mut is_directed, mut has_nodes, mut has_edges) = (false, false, false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "directed" if has_edges => {
                    return Err(A::Error::custom("`directed` comes behind the edges"));
                }
                "directed" => is_directed = map.next_value()?,
                "nodes" => {
                    has_nodes = true;
                    map.next_value_seed(Elements { document: self, edges: None })?;
                }
                "edges" | "links" => {
                    has_edges = true;
                    map.next_value_seed(Elements { document: self, edges: Some(is_directed) })?;
                }
                "multigraph" => drop(map.next_value::<IgnoredAny>()?),
                "graph" => {
                    let attributes: Map<String, Value> = map.next_value()?;
                    attributes.iter().for_each(|_| self.intake.borrow_mut().leave_out());
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    self.intake.borrow_mut().leave_out();
                }
            }
        }
        if has_nodes { Ok(()) } else { Err(A::Error::missing_field("nodes")) }
    }
}

/// The list of nodes, or that of edges with whether they are directed.
struct Elements<'a, 'd, 'i, 's> {
    document: &'a Document<'d, 'i, 's>,
    edges: Option<bool>,
}

impl<'de> DeserializeSeed<'de> for Elements<'_, '_, '_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, '_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.edges.is_some() { "a list of edges" } else { "a list of nodes" })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.document.place.begin();
        while let Some(attributes) = seq.next_element::<Map<String, Value>>()? {
            match self.edges {
                None => self.document.node(attributes)?,
                Some(is_directed) => self.document.edge(attributes, is_directed)?,
            }
            self.document.place.begin();
        }
        Ok(())
    }
}
