//! `GraphML`: nodes, typed and weighted edges, and what they hold as JSON texts.
//!
//! Written: attributes `kind`, `type`, `label` and `record` of nodes, `type`, `weight`,
//! `stated_by`, `valid_from`, `valid_to` and `properties` of edges. Read: any attributes, with
//! their types and defaults; hyperedges and graphs within nodes are refused, since a store cannot
//! hold them. Entities of a document are never expanded.

use std::collections::HashMap;
use std::io::{BufRead, Write};

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use serde_json::{Map, Value};

use super::export::{EdgeRow, NodeRow, Writer, written};
use super::import::{ForeignEdge, ForeignNode, Intake};
use super::lines::{Lines, Place};
use super::text::Xml;
use crate::base::error::Result;
use crate::base::json::Json;

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
"#;

/// Id, name, what it is for, and type of every attribute that is written.
const KEYS: [(&str, &str, &str, &str); 10] = [
    ("nk", "kind", "node", "string"),
    ("nt", "type", "node", "string"),
    ("nl", "label", "node", "string"),
    ("nr", "record", "node", "string"),
    ("et", "type", "edge", "string"),
    ("ew", "weight", "edge", "double"),
    ("es", "stated_by", "edge", "string"),
    ("ef", "valid_from", "edge", "string"),
    ("eu", "valid_to", "edge", "string"),
    ("ep", "properties", "edge", "string"),
];

/// Writes `GraphML`.
#[derive(Debug)]
pub(super) struct GraphMl;

/// Writes an attribute of a node or edge, where there is one.
fn data(out: &mut dyn Write, key: &str, value: Option<&str>) -> Result<()> {
    let Some(value) = value else { return Ok(()) };
    written(write!(out, "<data key=\"{key}\">{}</data>", Xml(value)))
}

impl Writer for GraphMl {
    fn begin(&mut self, out: &mut dyn Write) -> Result<()> {
        written(out.write_all(HEAD.as_bytes()))?;
        for (id, name, element, value_type) in KEYS {
            written(writeln!(
                out,
                "<key id=\"{id}\" for=\"{element}\" attr.name=\"{name}\" \
                 attr.type=\"{value_type}\"/>"
            ))?;
        }
        written(out.write_all(b"<graph id=\"engraph\" edgedefault=\"directed\">\n"))
    }

    fn node(&mut self, out: &mut dyn Write, node: &NodeRow<'_>) -> Result<()> {
        written(write!(out, "<node id=\"{}\">", node.id))?;
        data(out, "nk", Some(node.kind))?;
        data(out, "nt", node.of_type.as_deref())?;
        data(out, "nl", node.label.as_deref())?;
        data(out, "nr", node.record.as_ref().map(Value::to_string).as_deref())?;
        written(out.write_all(b"</node>\n"))
    }

    fn middle(&mut self, _out: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    fn edge(&mut self, out: &mut dyn Write, edge: &EdgeRow<'_>) -> Result<()> {
        let stated_by = edge.edge.stated_by().map(|record| record.to_string());
        written(write!(out, "<edge"))?;
        // Links and stated edges have no identity of their own, and an id has to be unique.
        if stated_by.is_none() && !edge.edge.is_link() {
            written(write!(out, " id=\"e{}\"", edge.edge))?;
        }
        written(write!(out, " source=\"{}\" target=\"{}\">", edge.source, edge.target))?;
        data(out, "et", Some(edge.edge_type))?;
        data(out, "ew", edge.weight.map(|weight| weight.to_string()).as_deref())?;
        data(out, "es", stated_by.as_deref())?;
        data(out, "ef", edge.valid_from.map(|time| time.to_string()).as_deref())?;
        data(out, "eu", edge.valid_to.map(|time| time.to_string()).as_deref())?;
        data(out, "ep", edge.properties.as_ref().map(Json::as_str))?;
        written(out.write_all(b"</edge>\n"))
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<()> {
        written(out.write_all(b"</graph>\n</graphml>\n"))
    }
}

/// Reads `GraphML`.
///
/// # Errors
/// [`Error::Import`](crate::Error::Import) with the line; what `intake` says.
pub(super) fn read(from: impl BufRead, intake: &mut Intake<'_, '_>) -> Result<()> {
    let lines = Lines::new(from);
    let place = lines.place();
    let mut xml = quick_xml::Reader::from_reader(lines);
    xml.config_mut().expand_empty_elements = true;
    let keys = Keys::default();
    Document { xml, place, buffer: Vec::new(), line: 1, keys, intake }.read()
}

/// What an attribute of a foreign graph is called, and of which type its values are.
#[derive(Clone, Debug)]
struct Key {
    name: String,
    element: String,
    value_type: String,
    default: Option<Value>,
}

#[derive(Debug, Default)]
struct Keys(HashMap<String, Key>);

impl Keys {
    /// What an element holds that says nothing.
    fn defaults(&self, element: &str) -> Map<String, Value> {
        let keys = self.0.values().filter(|key| key.element == element || key.element == "all");
        let mut found: Vec<_> =
            keys.filter_map(|key| Some((key.name.clone(), key.default.clone()?))).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found.into_iter().collect()
    }
}

/// One step through a document.
#[derive(Debug)]
enum Piece {
    Open(Tag),
    Close,
    Text(String),
    End,
}

/// The begin of an element.
#[derive(Debug)]
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
    line: u64,
}

impl Tag {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

struct Document<'d, 'i, 's, R> {
    xml: quick_xml::Reader<Lines<R>>,
    place: Place,
    buffer: Vec<u8>,
    /// Where the present piece begins.
    line: u64,
    keys: Keys,
    intake: &'d mut Intake<'i, 's>,
}

impl<R: BufRead> Document<'_, '_, '_, R> {
    fn read(&mut self) -> Result<()> {
        let root = loop {
            match self.next()? {
                Piece::Open(tag) => break tag,
                Piece::Text(text) if text.trim().is_empty() => {}
                _ => return self.fault("there is no XML in it"),
            }
        };
        if root.name != "graphml" {
            return self.fault(format!("is no GraphML: its root is {:?}", root.name));
        }
        while let Some(tag) = self.child()? {
            match tag.name.as_str() {
                "key" => self.key(&tag)?,
                "graph" => self.graph(&tag)?,
                _ => self.leave_out()?,
            }
        }
        loop {
            match self.next()? {
                Piece::End => return Ok(()),
                Piece::Text(text) if text.trim().is_empty() => {}
                _ => return self.fault("there is something behind the end of the document"),
            }
        }
    }

    fn key(&mut self, tag: &Tag) -> Result<()> {
        let Some(id) = tag.get("id") else { return self.fault("a key has no id") };
        let get = |name, or: &str| tag.get(name).unwrap_or(or).to_owned();
        let mut key = Key {
            name: get("attr.name", id),
            element: get("for", "all"),
            value_type: get("attr.type", "string"),
            default: None,
        };
        while let Some(child) = self.child()? {
            if child.name == "default" {
                let line = child.line;
                let text = self.text()?;
                key.default = text.map(|text| self.value(&key, &text, line)).transpose()?;
            } else {
                self.leave_out()?;
            }
        }
        self.keys.0.insert(id.to_owned(), key);
        Ok(())
    }

    fn graph(&mut self, tag: &Tag) -> Result<()> {
        let is_directed = match tag.get("edgedefault") {
            Some("directed") => true,
            Some("undirected") => false,
            other => {
                let found = other.unwrap_or_default();
                return self.fault(format!("edgedefault is {found:?}: directed or undirected"));
            }
        };
        while let Some(tag) = self.child()? {
            match tag.name.as_str() {
                "node" => self.node(&tag)?,
                "edge" => self.edge(&tag, is_directed)?,
                "hyperedge" => return self.fault("edges between more than two nodes are not read"),
                _ => self.leave_out()?,
            }
        }
        Ok(())
    }

    fn node(&mut self, tag: &Tag) -> Result<()> {
        let Some(id) = tag.get("id") else { return self.fault("a node has no id") };
        let attributes = self.attributes("node")?;
        self.intake.node(ForeignNode { id: id.to_owned(), attributes, line: tag.line })
    }

    fn edge(&mut self, tag: &Tag, is_directed: bool) -> Result<()> {
        let (Some(source), Some(target)) = (tag.get("source"), tag.get("target")) else {
            return self.fault("an edge has no source or no target");
        };
        let is_directed = match tag.get("directed") {
            None => is_directed,
            Some("true" | "1") => true,
            Some("false" | "0") => false,
            Some(other) => return self.fault(format!("directed is {other:?}: true or false")),
        };
        let (source, target) = (source.to_owned(), target.to_owned());
        let attributes = self.attributes("edge")?;
        self.intake.edge(ForeignEdge { source, target, is_directed, attributes, line: tag.line })
    }

    /// What a node or edge holds, up to its end.
    fn attributes(&mut self, element: &str) -> Result<Map<String, Value>> {
        let mut attributes = self.keys.defaults(element);
        while let Some(tag) = self.child()? {
            match tag.name.as_str() {
                "data" => self.data(&tag, &mut attributes)?,
                "graph" => return self.fault("a graph within a node is not read"),
                _ => self.leave_out()?,
            }
        }
        Ok(attributes)
    }

    fn data(&mut self, tag: &Tag, attributes: &mut Map<String, Value>) -> Result<()> {
        let id = tag.get("key").unwrap_or_default();
        let Some(key) = self.keys.0.get(id).cloned() else {
            return self.fault(format!("key {id:?} was not declared"));
        };
        if let Some(text) = self.text()? {
            let value = self.value(&key, &text, tag.line)?;
            attributes.insert(key.name, value);
        }
        Ok(())
    }

    fn value(&self, key: &Key, text: &str, line: u64) -> Result<Value> {
        let trimmed = text.trim();
        let value = match key.value_type.as_str() {
            "boolean" => match trimmed {
                "true" | "True" | "1" => Some(Value::Bool(true)),
                "false" | "False" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            "int" | "long" => trimmed.parse::<i64>().ok().map(Value::from),
            // JSON has no infinity: such a number stays a text.
            "float" | "double" => trimmed.parse::<f64>().ok().map(|number| {
                serde_json::Number::from_f64(number).map_or_else(|| Value::from(text), Value::from)
            }),
            _ => Some(Value::from(text)),
        };
        value.ok_or_else(|| {
            let Key { name, value_type, .. } = key;
            self.intake.fault(line, format!("attribute {name:?} is no {value_type}: {trimmed:?}"))
        })
    }

    // ---- pieces -----------------------------------------------------------------------------

    /// The next element within the present one, or `None` at its end.
    fn child(&mut self) -> Result<Option<Tag>> {
        loop {
            match self.next()? {
                Piece::Open(tag) => return Ok(Some(tag)),
                Piece::Close => return Ok(None),
                Piece::Text(text) if text.trim().is_empty() => {}
                Piece::Text(_) => return self.fault("there is text where elements belong"),
                Piece::End => return self.fault("the document ends early"),
            }
        }
    }

    /// The text of the present element, up to its end. `None` when it holds elements, which are
    /// drawings of other programs.
    fn text(&mut self) -> Result<Option<String>> {
        let (mut whole, mut is_plain) = (String::new(), true);
        loop {
            match self.next()? {
                Piece::Text(text) => whole.push_str(&text),
                Piece::Close => return Ok(is_plain.then_some(whole)),
                Piece::Open(_) => {
                    is_plain = false;
                    self.leave_out()?;
                }
                Piece::End => return self.fault("the document ends early"),
            }
        }
    }

    /// Passes the present element, and counts it.
    fn leave_out(&mut self) -> Result<()> {
        self.intake.leave_out();
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                Piece::Open(_) => depth += 1,
                Piece::Close => depth -= 1,
                Piece::Text(_) => {}
                Piece::End => return self.fault("the document ends early"),
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Piece> {
        loop {
            self.buffer.clear();
            self.line = self.place.line();
            self.place.begin();
            let event = self.xml.read_event_into(&mut self.buffer);
            let piece = event.map_err(|error| error.to_string()).and_then(|event| {
                let piece = match event {
                    Event::Start(start) | Event::Empty(start) => {
                        Piece::Open(tag_of(&start, self.line)?)
                    }
                    Event::End(_) => Piece::Close,
                    Event::Text(text) => Piece::Text(text.xml10_content().into_owned()),
                    Event::CData(text) => Piece::Text(text.xml10_content().into_owned()),
                    Event::GeneralRef(reference) => Piece::Text(resolved(&reference)?),
                    Event::Eof => Piece::End,
                    Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {
                        return Ok(None);
                    }
                };
                Ok(Some(piece))
            });
            match piece {
                Ok(Some(piece)) => return Ok(piece),
                Ok(None) => {}
                Err(reason) => return self.fault(reason),
            }
        }
    }

    fn fault<T>(&self, reason: impl Into<String>) -> Result<T> {
        Err(self.intake.fault(self.line, reason))
    }
}

fn tag_of(start: &BytesStart<'_>, line: u64) -> Result<Tag, String> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| error.to_string())?;
        attributes.push((attribute.key.0.to_owned(), value.into_owned()));
    }
    Ok(Tag { name: start.local_name().into_inner().to_owned(), attributes, line })
}

/// The character that a reference stands for.
fn resolved(reference: &BytesRef<'_>) -> Result<String, String> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => return Ok(character.to_string()),
        Ok(None) => {}
        Err(error) => return Err(error.to_string()),
    }
    let name = reference.xml10_content();
    let known = quick_xml::escape::resolve_predefined_entity(&name);
    known.map(ToOwned::to_owned).ok_or_else(|| format!("entity {name:?} is not known"))
}
