//! Takes a foreign graph in: nodes become records of the kind `entity`, edges edges between them.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Existing, Format, ImportOptions, graphml, node_link};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::limits::{TRANSFER_BATCH_EDGES, TRANSFER_WAITING_EDGES_MAX};
use crate::base::time::Timestamp;
use crate::base::trace::category::TRANSFER;
use crate::record::{Entity, Record as _};
use crate::store::{NewEdge, Store, WriteTx};

/// Type of an entity whose node says none.
const NODE: &str = "node";
/// Type of an edge that says none.
const RELATED: &str = "related_to";

/// What an import made, and what it left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ImportReport {
    /// Entities made.
    pub nodes: u64,
    /// Nodes that were entities of the store already.
    pub reused: u64,
    /// Edges made.
    pub edges: u64,
    /// Parts of the file that have no place in a store: attributes of the graph as a whole,
    /// drawings, ports.
    pub left_out: u64,
}

/// Takes the graph in a file into a store, in one write: whole, or not at all.
///
/// A node becomes an [`Entity`]. Its name is the attribute `name`, `label` or `title`, else its
/// id; its type is `type` or `kind`, else `node`; its `entity_id` is the id in the file. An edge
/// has the type that its attribute `type`, `label` or `relation` says, else `related_to`, and the
/// weight of `weight`. All other attributes are kept, as the entity's metadata and the edge's
/// properties; an edge without a direction has the property `directed`, which is false. What
/// [`export`](super::export()) wrote in full comes back as it was, entities that is; records of
/// other kinds become entities with the record as metadata.
///
/// Memory grows with the ids of the nodes, and with edges that come before their nodes.
///
/// # Errors
/// [`Error::Import`] with the line when the file is not well formed, names a node twice or leads to
/// one that is not there, or cannot be stored; [`Error::Invalid`] for a format that is not read;
/// [`Error::Io`]; otherwise as [`Store::bulk`].
pub fn import(store: &Store, path: &Path, options: &ImportOptions) -> Result<ImportReport> {
    let format = options.format.or_else(|| Format::of_path(path));
    if !matches!(format, Some(Format::GraphMl | Format::NodeLink)) {
        let reason = "GraphML (.graphml, .xml) and node-link JSON (.json) are read";
        return Err(Error::invalid("format", reason));
    }
    let span = tracing::info_span!(target: TRANSFER, "import", file = %path.display());
    let _entered = span.enter();
    let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
    let from = BufReader::new(file);
    store.bulk(|tx| {
        let mut intake = Intake::new(tx, path, options);
        match format {
            Some(Format::GraphMl) => graphml::read(from, &mut intake)?,
            _ => node_link::read(from, &mut intake)?,
        }
        intake.finish()
    })
}

/// A node as it stands in the file.
#[derive(Debug)]
pub(super) struct ForeignNode {
    pub(super) id: String,
    pub(super) attributes: Map<String, Value>,
    pub(super) line: u64,
}

/// An edge as it stands in the file.
#[derive(Debug)]
pub(super) struct ForeignEdge {
    pub(super) source: String,
    pub(super) target: String,
    pub(super) is_directed: bool,
    pub(super) attributes: Map<String, Value>,
    pub(super) line: u64,
}

/// Where readers hand nodes and edges to.
#[derive(Debug)]
pub(super) struct Intake<'i, 's> {
    tx: &'i mut WriteTx<'s>,
    file: &'i Path,
    options: &'i ImportOptions,
    nodes: HashMap<String, NodeId>,
    batch: Vec<NewEdge>,
    /// Edges whose ends have not come yet.
    waiting: Vec<ForeignEdge>,
    report: ImportReport,
}

impl<'i, 's> Intake<'i, 's> {
    fn new(tx: &'i mut WriteTx<'s>, file: &'i Path, options: &'i ImportOptions) -> Self {
        Self {
            tx,
            file,
            options,
            nodes: HashMap::new(),
            batch: Vec::new(),
            waiting: Vec::new(),
            report: ImportReport::default(),
        }
    }

    /// What is wrong with the file, and where.
    pub(super) fn fault(&self, line: u64, reason: impl Into<String>) -> Error {
        self.fault_at(format!("line {line}"), reason)
    }

    pub(super) fn fault_at(&self, place: String, reason: impl Into<String>) -> Error {
        Error::Import { file: self.file.to_owned(), place, reason: reason.into(), source: None }
    }

    /// Counts something of the file that is not kept.
    pub(super) fn leave_out(&mut self) {
        self.report.left_out += 1;
    }

    pub(super) fn node(&mut self, node: ForeignNode) -> Result<()> {
        let line = node.line;
        if self.nodes.contains_key(&node.id) {
            return Err(self.fault(line, format!("node {:?} is there twice", node.id)));
        }
        let key = node.id.clone();
        let entity = entity_of(node, &self.options.prefix)
            .map_err(|error| self.fault(line, error.to_string()))?;
        let id = if let Some(id) = self.present(&entity)? {
            self.report.reused += 1;
            id
        } else {
            self.report.nodes += 1;
            self.tx.insert(&entity).map_err(|error| self.refused(line, error))?
        };
        self.nodes.insert(key, id);
        Ok(())
    }

    /// The entity of that name, where the caller wants it to be used.
    fn present(&self, entity: &Entity) -> Result<Option<NodeId>> {
        if self.options.existing == Existing::Refuse {
            return Ok(None);
        }
        let found = self.tx.find::<Entity>("entity_id", &entity.entity_id)?;
        Ok(found.map(|(id, _)| id))
    }

    /// An error of the store about one element; others, such as a full disk, stay as they are.
    fn refused(&self, line: u64, error: Error) -> Error {
        match error {
            Error::AlreadyExists { .. } | Error::Invalid { .. } | Error::Limit { .. } => {
                self.fault(line, error.to_string())
            }
            error => error,
        }
    }

    pub(super) fn edge(&mut self, edge: ForeignEdge) -> Result<()> {
        let ends = (self.nodes.get(&edge.source), self.nodes.get(&edge.target));
        let (Some(&source), Some(&target)) = ends else {
            if self.waiting.len() >= TRANSFER_WAITING_EDGES_MAX {
                let reason = "too many edges come before the nodes that they lead to";
                return Err(self.fault(edge.line, reason));
            }
            self.waiting.push(edge);
            return Ok(());
        };
        let line = edge.line;
        let new = new_edge((source, target), edge).map_err(|reason| self.fault(line, reason))?;
        self.batch.push(new);
        if self.batch.len() >= TRANSFER_BATCH_EDGES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.tx.add_edges(&self.batch)?;
        self.report.edges += self.batch.len() as u64;
        self.batch.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<ImportReport> {
        for edge in std::mem::take(&mut self.waiting) {
            let missing = [&edge.source, &edge.target];
            if let Some(end) = missing.into_iter().find(|end| !self.nodes.contains_key(*end)) {
                let reason = format!("the edge leads to node {end:?}, which is not in the file");
                return Err(self.fault(edge.line, reason));
            }
            self.edge(edge)?;
        }
        self.flush()?;
        Ok(self.report)
    }
}

/// The first of these attributes that is a text with something in it, taken out.
fn take_text(attributes: &mut Map<String, Value>, names: &[&str]) -> Option<String> {
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let name = names.iter().find(|name| attributes.get(**name).is_some_and(is_text))?;
    match attributes.shift_remove(*name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// An attribute that is a JSON object, or a text of one, taken out.
fn take_object(attributes: &mut Map<String, Value>, name: &str) -> Option<Map<String, Value>> {
    let found = match attributes.get(name)? {
        Value::Object(object) => object.clone(),
        Value::String(text) if text.starts_with('{') => serde_json::from_str(text).ok()?,
        _ => return None,
    };
    attributes.shift_remove(name);
    Some(found)
}

fn entity_of(node: ForeignNode, prefix: &str) -> Result<Entity> {
    let ForeignNode { id, mut attributes, .. } = node;
    let is_entity = attributes.get("kind").and_then(Value::as_str) == Some(Entity::NAME);
    if is_entity && let Some(record) = take_object(&mut attributes, "record") {
        return whole_entity(record, prefix, &id);
    }
    let name = take_text(&mut attributes, &["name", "label", "title"]);
    let entity_type = take_text(&mut attributes, &["type"]);
    let kind = attributes.get("kind").and_then(Value::as_str);
    let entity_type = match (entity_type, kind) {
        (Some(entity_type), _) => {
            // What an export says besides is told by the record again.
            if is_entity {
                attributes.shift_remove("kind");
            }
            entity_type
        }
        (None, Some(kind)) if !kind.is_empty() => {
            take_text(&mut attributes, &["kind"]).unwrap_or_default()
        }
        (None, _) => NODE.to_owned(),
    };
    Ok(Entity {
        entity_id: format!("{prefix}{id}"),
        name: name.unwrap_or(id),
        entity_type,
        metadata: properties(&attributes)?,
        ..Entity::default()
    })
}

/// An entity that an export wrote in full. Its links named records of another store.
fn whole_entity(mut record: Map<String, Value>, prefix: &str, id: &str) -> Result<Entity> {
    record.shift_remove("file");
    record.shift_remove("code_entity");
    let mut entity: Entity = serde_json::from_value(Value::Object(record))
        .map_err(|error| Error::invalid("record", error.to_string()))?;
    let own = if entity.entity_id.is_empty() { id } else { &entity.entity_id };
    entity.entity_id = format!("{prefix}{own}");
    Ok(entity)
}

fn properties(attributes: &Map<String, Value>) -> Result<Option<Json>> {
    if attributes.is_empty() { Ok(None) } else { Json::of(attributes).map(Some) }
}

fn new_edge((source, target): (NodeId, NodeId), edge: ForeignEdge) -> Result<NewEdge, String> {
    let mut attributes = edge.attributes;
    let edge_type = take_text(&mut attributes, &["type", "label", "relation"]);
    let mut new = NewEdge::new(source, edge_type.unwrap_or_else(|| RELATED.to_owned()), target);
    if let Some(weight) = attributes.get("weight").and_then(Value::as_f64) {
        let short = weight as f32;
        if !short.is_finite() {
            return Err(format!("weight {weight:e} is no weight of an edge"));
        }
        new = new.weight(short);
        // Edges weigh in 32 bits: what says more is kept beside it.
        if short.to_string().parse() == Ok(weight) {
            attributes.shift_remove("weight");
        }
    }
    if let Some(time) = take_time(&mut attributes, "valid_from") {
        new = new.valid_from(time);
    }
    if let Some(time) = take_time(&mut attributes, "valid_to") {
        new = new.valid_to(time);
    }
    if let Some(inner) = take_object(&mut attributes, "properties") {
        attributes.extend(inner);
    }
    if !edge.is_directed {
        attributes.insert("directed".to_owned(), Value::Bool(false));
    }
    match properties(&attributes).map_err(|error| error.to_string())? {
        Some(properties) => Ok(new.properties(properties)),
        None => Ok(new),
    }
}

fn take_time(attributes: &mut Map<String, Value>, name: &str) -> Option<Timestamp> {
    let time = attributes.get(name)?.as_str()?.parse().ok()?;
    attributes.shift_remove(name);
    Some(time)
}
