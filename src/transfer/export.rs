//! Reads nodes and edges out of a store, one after the other, and hands them to a format.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::dot::Dot;
use super::graphml::GraphMl;
use super::node_link::NodeLink;
use super::text;
use super::{Attributes, ExportOptions, Format, Nodes};
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, Kind, NodeId};
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::base::trace::category::TRANSFER;
use crate::graph::Subgraph;
use crate::storage::adjacency::{self, Direction, Entry};
use crate::storage::tables::record_key;
use crate::storage::{KeyRange, Rows as _, TableId, edges};
use crate::store::ReadTx;
use crate::store::record_read;

/// What an export wrote, and what it could not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExportReport {
    /// Nodes written.
    pub nodes: u64,
    /// Edges written, links included.
    pub edges: u64,
    /// Edges left out because they lead to a record that is not there.
    pub dangling: u64,
}

/// A node as formats write it.
#[derive(Debug)]
pub(super) struct NodeRow<'a> {
    pub(super) id: NodeId,
    pub(super) kind: &'a str,
    /// What the record says its type is.
    pub(super) of_type: Option<String>,
    pub(super) label: Option<String>,
    pub(super) record: Option<Value>,
}

/// An edge as formats write it.
#[derive(Debug)]
pub(super) struct EdgeRow<'a> {
    pub(super) source: NodeId,
    pub(super) edge_type: &'a str,
    pub(super) target: NodeId,
    pub(super) edge: EdgeId,
    /// Absent where it is no finite number.
    pub(super) weight: Option<f32>,
    pub(super) properties: Option<Json>,
    pub(super) valid_from: Option<Timestamp>,
    pub(super) valid_to: Option<Timestamp>,
}

/// A format: first `begin`, then the nodes, `middle`, the edges, `end`.
pub(super) trait Writer {
    fn begin(&mut self, out: &mut dyn Write) -> Result<()>;
    fn node(&mut self, out: &mut dyn Write, node: &NodeRow<'_>) -> Result<()>;
    fn middle(&mut self, out: &mut dyn Write) -> Result<()>;
    fn edge(&mut self, out: &mut dyn Write, edge: &EdgeRow<'_>) -> Result<()>;
    fn end(&mut self, out: &mut dyn Write) -> Result<()>;
}

/// What a failed write of an export is.
pub(super) fn written(result: std::io::Result<()>) -> Result<()> {
    result.map_err(|error| Error::io("write", "the export", error))
}

fn writer_of(format: Format) -> Box<dyn Writer> {
    match format {
        Format::Dot => Box::new(Dot),
        Format::GraphMl => Box::new(GraphMl),
        Format::NodeLink => Box::<NodeLink>::default(),
    }
}

/// Writes the graph of a store: nodes by kind, then edges by node. Memory does not grow with the
/// graph.
///
/// # Errors
/// [`Error::Io`] when `out` fails; [`Error::Corrupt`] when rows cannot be read;
/// [`Error::NotFound`] for a kind that the store does not know.
pub fn export(tx: &ReadTx, options: &ExportOptions, out: &mut dyn Write) -> Result<ExportReport> {
    let mut run = Run::new(tx, options)?;
    let mut writer = writer_of(options.format);
    writer.begin(out)?;
    for kind in run.kinds.clone() {
        run.nodes_of(kind, &mut |row| writer.node(out, row))?;
    }
    writer.middle(out)?;
    for kind in run.kinds.clone() {
        for row in tx.rows().range(TableId::records(kind), KeyRange::all())? {
            let id = record_read::id_of(kind, &row?.0)?;
            run.edges_of(id, &mut |row| writer.edge(out, row))?;
        }
    }
    writer.end(out)?;
    written(out.flush())?;
    tracing::info!(target: TRANSFER, format = ?options.format, "graph written");
    Ok(run.report)
}

/// Writes a subgraph. Its nodes and edges are written as they are; of the options only format and
/// attributes count. Nodes that are not there any more, or never were, have an id and a kind only.
///
/// # Errors
/// As [`export`].
pub fn export_subgraph(
    tx: &ReadTx,
    subgraph: &Subgraph,
    options: &ExportOptions,
    out: &mut dyn Write,
) -> Result<ExportReport> {
    let mut run = Run::new(tx, options)?;
    let mut writer = writer_of(options.format);
    writer.begin(out)?;
    for &id in subgraph.nodes() {
        let value = record_read::raw(tx.rows(), id)?;
        writer.node(out, &run.node_row(id, value.as_deref())?)?;
        run.report.nodes += 1;
    }
    writer.middle(out)?;
    for edge in subgraph.edges() {
        let ends = (edge.source, edge.target);
        writer.edge(out, &run.edge_row(ends, &edge.edge_type, (edge.edge, edge.weight))?)?;
        run.report.edges += 1;
    }
    writer.end(out)?;
    written(out.flush())?;
    Ok(run.report)
}

/// One export.
struct Run<'a> {
    tx: &'a ReadTx,
    options: &'a ExportOptions,
    /// Ascending.
    kinds: Vec<Kind>,
    names: [Option<Arc<str>>; 256],
    /// Numbers of the edge types wanted, sorted; `None` means all.
    edge_types: Option<Vec<u32>>,
    /// Whether edges have to be looked up for what they hold.
    has_details: bool,
    report: ExportReport,
}

impl<'a> Run<'a> {
    fn new(tx: &'a ReadTx, options: &'a ExportOptions) -> Result<Self> {
        let known = &tx.core().kinds;
        let mut names = [const { None }; 256];
        for (kind, name) in known.iter() {
            names[kind.index()] = Some(Arc::clone(name));
        }
        let mut kinds: Vec<Kind> = known.iter().map(|(kind, _)| kind).collect();
        if !options.kinds.is_empty() {
            kinds.clone_from(&options.kinds);
            if let Some(unknown) = kinds.iter().find(|kind| names[kind.index()].is_none()) {
                return Err(Error::not_found("kind", unknown.0));
            }
        }
        kinds.sort_unstable();
        kinds.dedup();
        let edge_types = (!options.edge_types.is_empty()).then(|| {
            let names = options.edge_types.iter();
            let mut numbers: Vec<u32> = names.filter_map(|name| tx.name_number(name)).collect();
            numbers.sort_unstable();
            numbers
        });
        let has_details = options.attributes == Attributes::Full
            && tx.rows().first(TableId::EDGES, KeyRange::all())?.is_some();
        let report = ExportReport::default();
        Ok(Self { tx, options, kinds, names, edge_types, has_details, report })
    }

    fn nodes_of(
        &mut self,
        kind: Kind,
        each: &mut dyn FnMut(&NodeRow<'_>) -> Result<()>,
    ) -> Result<()> {
        for row in self.tx.rows().range(TableId::records(kind), KeyRange::all())? {
            let (key, value) = row?;
            let id = record_read::id_of(kind, &key)?;
            if self.options.nodes == Nodes::Connected && !self.is_connected(id)? {
                continue;
            }
            each(&self.node_row(id, Some(&value))?)?;
            self.report.nodes += 1;
        }
        Ok(())
    }

    fn is_connected(&self, id: NodeId) -> Result<bool> {
        let mut found = false;
        for direction in [Direction::Out, Direction::In] {
            adjacency::for_each(self.tx.rows(), id, direction, None, &mut |_| {
                found = true;
                ControlFlow::Break(())
            })?;
        }
        Ok(found)
    }

    /// A node from the bytes of its record; nothing but its kind where there is no record, or
    /// where its type is not registered.
    fn node_row(&self, id: NodeId, value: Option<&[u8]>) -> Result<NodeRow<'_>> {
        let kind = self.names[id.kind().index()].as_deref().unwrap_or("unknown");
        let mut row = NodeRow { id, kind, of_type: None, label: None, record: None };
        let record_type = self.tx.core().kinds.record_type(id.kind());
        if let (Some(value), Some(record_type)) = (value, record_type) {
            (record_type.describe)(value, &mut |facts| {
                row.label = text::label(facts);
                row.of_type = text::type_of(facts);
                Ok(())
            })?;
            if self.options.attributes == Attributes::Full {
                row.record = Some((record_type.to_json)(value)?);
            }
        }
        Ok(row)
    }

    /// Hands the wanted outward edges of a node to `each`.
    fn edges_of(
        &mut self,
        source: NodeId,
        each: &mut dyn FnMut(&EdgeRow<'_>) -> Result<()>,
    ) -> Result<()> {
        let rows = self.tx.rows();
        let mut failed = None;
        adjacency::for_each(rows, source, Direction::Out, None, &mut |entry| match self
            .edge(source, entry, each)
        {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    fn edge(
        &mut self,
        source: NodeId,
        entry: Entry,
        each: &mut dyn FnMut(&EdgeRow<'_>) -> Result<()>,
    ) -> Result<()> {
        let is_wanted = |types: &Vec<u32>| types.binary_search(&entry.edge_type).is_ok();
        if !self.edge_types.as_ref().is_none_or(is_wanted) {
            return Ok(());
        }
        if self.kinds.binary_search(&entry.neighbor.kind()).is_err() {
            return Ok(());
        }
        // Deleting a record deletes the edges that were made by themselves, but not what other
        // records still state.
        let is_own = !entry.edge.is_link() && entry.edge.stated_by().is_none();
        if !is_own && !self.is_there(entry.neighbor)? {
            self.report.dangling += 1;
            return Ok(());
        }
        let edge_type = self.tx.core().names.name(entry.edge_type).ok_or_else(|| {
            Error::corrupt("table names", format!("edge type {} has no name", entry.edge_type))
        })?;
        let ends = (source, entry.neighbor);
        each(&self.edge_row(ends, &edge_type, (entry.edge, entry.weight))?)?;
        self.report.edges += 1;
        Ok(())
    }

    fn is_there(&self, id: NodeId) -> Result<bool> {
        let key = record_key(id.key());
        Ok(self.tx.rows().get(TableId::records(id.kind()), &key)?.is_some())
    }

    fn edge_row<'e>(
        &self,
        (source, target): (NodeId, NodeId),
        edge_type: &'e str,
        (edge, weight): (EdgeId, f32),
    ) -> Result<EdgeRow<'e>> {
        let mut row = EdgeRow {
            source,
            edge_type,
            target,
            edge,
            weight: Some(weight).filter(|weight| weight.is_finite()),
            properties: None,
            valid_from: None,
            valid_to: None,
        };
        if self.has_details {
            let details = edges::details_of(self.tx.rows(), edge)?;
            (row.valid_from, row.valid_to) = (details.valid_from, details.valid_to);
            row.properties = details.properties;
        }
        Ok(row)
    }
}
