//! A write transaction: buffered operations that read their own writes.

use std::borrow::Cow;

use super::commit::Shared;
use super::core::Core;
use super::derived::OwnDerived;
use super::record_read::{self, read_methods};
use super::record_write::{OnTaken, Writer};
use super::search::SearchIndex;
use super::sources::Source;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, Kind, NodeId, Seq};
use crate::base::json::Json;
use crate::base::limits::WRITE_BUFFER_BYTES_MAX;
use crate::base::time::Timestamp;
use crate::record::{Facts, Record, facts_of};
use crate::storage::audit::Act;
use crate::storage::bulk::Bulk;
use crate::storage::edge_load::{self, Arrow};
use crate::storage::edge_log::EdgeChange;
use crate::storage::edges::{self, EdgeRecord};
use crate::storage::overlay::Overlay;
use crate::storage::{Bytes, KeyRange, RowIter, Rows, RowsMut, TableId};

/// The rows that a write goes to: a buffer, or an engine transaction of its own.
#[derive(Debug)]
pub(crate) enum TxRows {
    Buffer(Box<Overlay>),
    Bulk(Box<Bulk>),
}

impl Rows for TxRows {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>> {
        match self {
            Self::Buffer(rows) => rows.get(table, key),
            Self::Bulk(rows) => rows.get(table, key),
        }
    }

    fn range(&self, table: TableId, range: KeyRange) -> Result<RowIter<'_>> {
        match self {
            Self::Buffer(rows) => rows.range(table, range),
            Self::Bulk(rows) => rows.range(table, range),
        }
    }
}

impl RowsMut for TxRows {
    fn put(&mut self, table: TableId, key: &[u8], value: &[u8]) -> Result<()> {
        match self {
            Self::Buffer(rows) => {
                rows.put(table, key, value)?;
                let found = rows.own().bytes();
                if found <= WRITE_BUFFER_BYTES_MAX {
                    return Ok(());
                }
                rows.give_up_log();
                Err(Error::Limit {
                    what: "one write in bytes (Store::bulk takes more)".into(),
                    max: WRITE_BUFFER_BYTES_MAX as u64,
                    found: found as u64,
                })
            }
            Self::Bulk(rows) => rows.put(table, key, value),
        }
    }

    fn delete(&mut self, table: TableId, key: &[u8]) -> Result<()> {
        match self {
            Self::Buffer(rows) => rows.delete(table, key),
            Self::Bulk(rows) => rows.delete(table, key),
        }
    }

    fn note(&mut self, change: EdgeChange) {
        if let Self::Buffer(rows) = self {
            rows.note(change);
        }
    }
}

/// Names of edge types that one call remembers, so that it need not ask for each edge.
const TYPES_KEPT_MAX: usize = 16;

/// An edge to be made: directed, typed, weighted, with properties and a validity if given.
#[derive(Clone, Debug)]
pub struct NewEdge {
    pub(super) source: NodeId,
    pub(super) edge_type: Cow<'static, str>,
    pub(super) target: NodeId,
    pub(super) weight: f32,
    pub(super) valid_from: Option<Timestamp>,
    pub(super) valid_to: Option<Timestamp>,
    pub(super) properties: Option<Json>,
}

impl NewEdge {
    /// An edge of weight 1 without properties, valid at all times. The type is a literal or a
    /// `String`.
    #[must_use]
    pub fn new(source: NodeId, edge_type: impl Into<Cow<'static, str>>, target: NodeId) -> Self {
        Self {
            source,
            edge_type: edge_type.into(),
            target,
            weight: 1.0,
            valid_from: None,
            valid_to: None,
            properties: None,
        }
    }

    /// Sets the weight, a finite number.
    #[must_use]
    pub fn weight(mut self, weight: f32) -> Self {
        self.weight = weight;
        self
    }

    /// Sets the time from which the edge is valid.
    #[must_use]
    pub fn valid_from(mut self, time: Timestamp) -> Self {
        self.valid_from = Some(time);
        self
    }

    /// Sets the time until which the edge is valid, itself excluded.
    #[must_use]
    pub fn valid_to(mut self, time: Timestamp) -> Self {
        self.valid_to = Some(time);
        self
    }

    /// Sets the properties.
    #[must_use]
    pub fn properties(mut self, properties: Json) -> Self {
        self.properties = Some(properties);
        self
    }

    fn arrow(&self, edge_type: u32) -> Result<Arrow> {
        let Self { source, target, weight, .. } = *self;
        if !weight.is_finite() {
            return Err(Error::invalid("weight", format!("{weight} is not finite")));
        }
        Ok(Arrow { source, target, edge_type, weight })
    }

    fn is_detailed(&self) -> bool {
        self.valid_from.is_some() || self.valid_to.is_some() || self.properties.is_some()
    }
}

/// A write in progress. Made by [`Store::write`](crate::Store::write) and
/// [`Store::bulk`](crate::Store::bulk); reads see what was written before and in it.
#[derive(Debug)]
pub struct WriteTx<'s> {
    shared: &'s Shared,
    time: Timestamp,
    pub(crate) writer: Writer<TxRows>,
    /// Sources that become known when the write is durable.
    pub(crate) sources: Vec<Source>,
    pub(super) own_derived: OwnDerived,
    /// Who makes the write, for the audit chain.
    pub(super) author: Option<String>,
}

impl<'s> WriteTx<'s> {
    pub(crate) fn new(shared: &'s Shared, rows: TxRows, seq: Seq, time: Timestamp) -> Self {
        let writer = Writer::new(rows, seq);
        let (sources, own_derived) = (Vec::new(), OwnDerived::default());
        Self { shared, time, writer, sources, own_derived, author: None }
    }

    pub(crate) fn search(&self) -> &SearchIndex {
        self.shared.search()
    }

    pub(crate) fn core(&self) -> &Core {
        &self.shared.core
    }

    pub(crate) fn writer_and_core(&mut self) -> (&mut Writer<TxRows>, &'s Core) {
        (&mut self.writer, &self.shared.core)
    }

    fn pending_carriers(&self, id: NodeId) -> &[NodeId] {
        self.writer.pending_carriers(id)
    }

    pub(crate) fn rows(&self) -> &TxRows {
        &self.writer.rows
    }

    /// The number of an index's name or an edge type, also of one that is new in this write.
    pub(crate) fn name_number(&self, name: &str) -> Option<u32> {
        self.core().names.number_in(name, &self.writer.new_names)
    }

    /// The name behind a number, also of one that is new in this write.
    pub(crate) fn name_of(&self, number: u32) -> Option<std::sync::Arc<str>> {
        self.core().names.name_in(number, &self.writer.new_names)
    }

    /// The sequence number that this write gets if it is accepted.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.writer.seq
    }

    /// The time of this write: not before the clock, and after every earlier write.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.time
    }

    /// Writes a new record and gives it an identity.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when one of its natural keys is taken; [`Error::NotFound`] when
    /// the type is not registered; [`Error::Limit`] when the record or the write is too large.
    pub fn insert<T: Record>(&mut self, record: &T) -> Result<NodeId> {
        let kind = self.core().kinds.of::<T>()?;
        let id = self.writer.next_id(kind)?;
        let value = codec::encode(record)?;
        let core = &self.shared.core;
        self.writer.insert_new(core, id, &value, &facts_of(record), OnTaken::Refuse)?;
        Ok(id)
    }

    /// Replaces the record `id`, or writes it there when it was deleted.
    ///
    /// # Errors
    /// As [`WriteTx::insert`]; [`Error::Invalid`] when `id` is of another type or was never given.
    pub fn put<T: Record>(&mut self, id: NodeId, record: &T) -> Result<()> {
        let kind = self.core().kinds.of::<T>()?;
        self.check_given(kind, id)?;
        let value = codec::encode(record)?;
        self.put_value(id, &value, &facts_of(record), OnTaken::Refuse)
    }

    fn check_given(&mut self, kind: Kind, id: NodeId) -> Result<()> {
        if id.kind() != kind {
            let reason = format!("{id} is of another type than the record");
            return Err(Error::invalid("id", reason));
        }
        if id.key() >= self.writer.next_key(kind)? {
            return Err(Error::invalid("id", format!("{id} was never given to a record")));
        }
        Ok(())
    }

    pub(crate) fn put_value(
        &mut self,
        id: NodeId,
        value: &[u8],
        facts: &Facts<'_>,
        on_taken: OnTaken,
    ) -> Result<()> {
        let core = &self.shared.core;
        let value = &*core.kept(value)?;
        match record_read::raw(&self.writer.rows, id)? {
            Some(old) if *old == *value => Ok(()),
            Some(old) => self.writer.replace(core, id, (&old, value), facts, on_taken),
            None => self.writer.insert_new(core, id, value, facts, on_taken).map(|_| ()),
        }
    }

    /// Changes the record `id` in place and returns it as written.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; else as [`WriteTx::insert`], and what `change`
    /// returns.
    pub fn update<T: Record>(
        &mut self,
        id: NodeId,
        change: impl FnOnce(&mut T) -> Result<()>,
    ) -> Result<T> {
        let mut record: T = self.get(id)?.ok_or_else(|| Error::not_found(T::NAME, id))?;
        change(&mut record)?;
        self.put(id, &record)?;
        Ok(record)
    }

    /// Deletes the record `id` with its edges in both directions. Tells whether it was there.
    /// Links that other records still state stay, and are reported as dangling by `verify`.
    ///
    /// # Errors
    /// [`Error::NotFound`] when its type is not registered: its index rows are unknown then.
    pub fn delete(&mut self, id: NodeId) -> Result<bool> {
        let Some(old) = record_read::raw(&self.writer.rows, id)? else { return Ok(false) };
        self.core().kinds.registered(id.kind())?;
        self.writer.flush_links()?;
        for edge in edges::remove_all_edges_of(&mut self.writer.rows, id)? {
            self.writer.unlinked(&edge)?;
            self.audit_edge(Act::Unlink, &edge)?;
        }
        self.writer.delete(&self.shared.core, id, &old)?;
        Ok(true)
    }

    /// Makes an edge of weight 1.
    ///
    /// # Errors
    /// As [`WriteTx::add_edge`].
    pub fn link(&mut self, source: NodeId, edge_type: &str, target: NodeId) -> Result<EdgeId> {
        self.add_edge(&NewEdge::new(source, edge_type.to_owned(), target))
    }

    /// Makes an edge. Parallel edges and self loops are allowed.
    ///
    /// # Errors
    /// [`Error::NotFound`] when an end is absent; [`Error::Invalid`] for a weight that is not
    /// finite or a type without a name.
    pub fn add_edge(&mut self, edge: &NewEdge) -> Result<EdgeId> {
        self.writer.flush_links()?;
        for end in [edge.source, edge.target] {
            if !self.contains(end)? {
                return Err(Error::not_found("node", end));
            }
        }
        let id = edges::next_edge_id(&self.writer.rows)?;
        let record = self.edge_record(id, edge)?;
        edges::add_edge(&mut self.writer.rows, &record)?;
        self.writer.linked(id, 1);
        self.audit_edge(Act::Link, &record)?;
        Ok(id)
    }

    /// Makes many edges, each list of neighbours in one pass; their ids follow each other from the
    /// one returned. For loads: the edges of one call are held in memory.
    ///
    /// # Errors
    /// As [`WriteTx::add_edge`].
    pub fn add_edges(&mut self, new: &[NewEdge]) -> Result<EdgeId> {
        self.writer.flush_links()?;
        let first = edges::next_edge_id(&self.writer.rows)?;
        let is_audited = self.core().audit.covers_edges();
        let mut arrows = Vec::with_capacity(new.len());
        // Edges that have more than an arrow, with their ids.
        let mut whole = Vec::new();
        // Edges of a load have few types, most often literals.
        let mut types: Vec<(&str, u32)> = Vec::new();
        for (edge, id) in new.iter().zip(first.as_u64()..) {
            if is_audited || edge.is_detailed() {
                whole.push((edge, id));
            }
            let known = types.iter().find(|(name, _)| *name == edge.edge_type);
            let arrow = match known {
                Some((_, number)) => edge.arrow(*number)?,
                None => self.arrow(edge)?,
            };
            if known.is_none() && types.len() < TYPES_KEPT_MAX {
                types.push((&edge.edge_type, arrow.edge_type));
            }
            arrows.push(arrow);
        }
        edge_load::add_edges(&mut self.writer.rows, first, &arrows, |rows, node| {
            Ok(record_read::raw(rows, node)?.is_some())
        })?;
        for (edge, id) in whole {
            let record = self.edge_record(EdgeId::from_u64(id), edge)?;
            edges::put_details(&mut self.writer.rows, &record)?;
            self.audit_edge(Act::Link, &record)?;
        }
        if !new.is_empty() {
            self.writer.linked(first, new.len() as u64);
        }
        Ok(first)
    }

    pub(super) fn arrow(&mut self, edge: &NewEdge) -> Result<Arrow> {
        let (writer, core) = (&mut self.writer, &self.shared.core);
        edge.arrow(core.names.intern(&edge.edge_type, &mut writer.new_names, &mut writer.rows)?)
    }

    fn edge_record(&mut self, id: EdgeId, edge: &NewEdge) -> Result<EdgeRecord> {
        let Arrow { source, target, edge_type, weight } = self.arrow(edge)?;
        Ok(EdgeRecord {
            id,
            source,
            edge_type,
            target,
            weight,
            valid_from: edge.valid_from,
            valid_to: edge.valid_to,
            properties: edge.properties.clone(),
        })
    }

    /// Writes a new record that is given as JSON, for tools that know types by name only.
    ///
    /// # Errors
    /// As [`WriteTx::insert`]; [`Error::Invalid`] when the value is not of the kind's shape.
    pub fn insert_json(&mut self, kind: Kind, value: serde_json::Value) -> Result<NodeId> {
        let record_type = *self.core().kinds.registered(kind)?;
        let bytes = (record_type.from_json)(value)?;
        self.insert_value(kind, &bytes)
    }

    /// Writes a new record of a registered kind that is encoded already.
    pub(super) fn insert_value(&mut self, kind: Kind, value: &[u8]) -> Result<NodeId> {
        let record_type = *self.core().kinds.registered(kind)?;
        let id = self.writer.next_id(kind)?;
        let core = &self.shared.core;
        (record_type.describe)(value, &mut |facts| {
            self.writer.insert_new(core, id, value, facts, OnTaken::Refuse).map(|_| ())
        })?;
        Ok(id)
    }

    /// Removes an edge. Tells whether it was there. Links and edges that a record states go with
    /// that record only.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the adjacency blocks are damaged.
    pub fn remove_edge(&mut self, id: EdgeId) -> Result<bool> {
        self.writer.flush_links()?;
        let removed = edges::remove_edge(&mut self.writer.rows, id)?;
        if let Some(edge) = &removed {
            self.writer.unlinked(edge)?;
            self.audit_edge(Act::Unlink, edge)?;
        }
        Ok(removed.is_some())
    }

    /// Writes the audit and the change entry. Nothing is written to the rows after this.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.writer.flush_links()?;
        self.finish_audit()?;
        let (seq, time) = (self.writer.seq, self.time);
        self.writer.changes.write(&mut self.writer.rows, seq, time)
    }

    /// Whether anything was written that deserves a sequence number. Names that only what was
    /// refused would have needed do not.
    pub(crate) fn has_changes(&self) -> bool {
        !self.writer.changes.is_empty()
            || match &self.writer.rows {
                TxRows::Buffer(rows) => {
                    rows.own().tables().any(|(table, _)| table != TableId::NAMES)
                }
                TxRows::Bulk(rows) => rows.is_written(),
            }
    }
}

read_methods!(WriteTx<'_>);
