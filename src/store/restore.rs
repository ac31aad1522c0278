//! Writing records and edges that were somewhere else before, under the identity that they had.

use serde_json::Value;

use super::record_read;
use super::record_write::OnTaken;
use super::tx::{NewEdge, WriteTx};
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, Kind, NodeId};
use crate::base::json::Json;
use crate::base::limits::RESTORE_GAP_MAX;
use crate::storage::edges;

/// What became of something that was written under its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restored {
    /// It was not there.
    Made,
    /// It was there, and is the same.
    Unchanged,
    /// It was there, and was another.
    Replaced,
}

/// Refuses a record that does not have one of the fields given.
fn check_known(given: &[String], record: &Value) -> Result<()> {
    match given.iter().find(|name| record.get(name.as_str()).is_none()) {
        Some(name) => Err(Error::invalid("record", format!("it has no field {name:?}"))),
        None => Ok(()),
    }
}

/// The fields of a record that say something: what is empty may be left out where it is written.
fn fields_of(record: &Value) -> Vec<String> {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::Bool(is_so) => *is_so,
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(values) => !values.is_empty(),
    };
    let fields = record.as_object().into_iter().flatten();
    fields.filter(|(_, value)| says(value)).map(|(name, _)| name.clone()).collect()
}

impl WriteTx<'_> {
    /// Writes a new record that is given as JSON, of which every field must be known.
    pub(crate) fn insert_known_json(&mut self, kind: Kind, value: Value) -> Result<NodeId> {
        let record_type = *self.core().kinds.registered(kind)?;
        let given = fields_of(&value);
        let bytes = (record_type.from_json)(value)?;
        check_known(&given, &(record_type.to_json)(&bytes)?)?;
        self.insert_value(kind, &bytes)
    }

    /// Writes a record that is given as JSON under an identity, which may be one that was never
    /// given. One that is there is replaced where that is wanted, and else an error if it differs.
    pub(crate) fn restore_json(
        &mut self,
        id: NodeId,
        value: Value,
        is_replaced: bool,
    ) -> Result<Restored> {
        let record_type = *self.core().kinds.registered(id.kind())?;
        let next = self.writer.next_key(id.kind())?;
        if id.key() == 0 || id.key() > next.saturating_add(RESTORE_GAP_MAX) {
            let reason = format!("{id} is too far from the keys that were given: next is {next}");
            return Err(Error::invalid("id", reason));
        }
        let given = fields_of(&value);
        let bytes = (record_type.from_json)(value)?;
        let shown = (record_type.to_json)(&bytes)?;
        check_known(&given, &shown)?;
        let restored = match record_read::raw(self.rows(), id)? {
            None => Restored::Made,
            Some(old) if (record_type.to_json)(&old)? == shown => return Ok(Restored::Unchanged),
            Some(_) if is_replaced => Restored::Replaced,
            Some(_) => return Err(Error::already_exists("another record", id)),
        };
        (record_type.describe)(&bytes, &mut |facts| {
            self.put_value(id, &bytes, facts, OnTaken::Refuse)
        })?;
        Ok(restored)
    }

    /// The number of the next new edge.
    pub(crate) fn next_edge(&self) -> Result<EdgeId> {
        edges::next_edge_id(self.rows())
    }

    /// Whether an edge can be made: that it has a type and a weight, and its ends are there.
    pub(crate) fn check_edge(&mut self, new: &NewEdge) -> Result<()> {
        for end in [new.source, new.target] {
            if !self.contains(end)? {
                return Err(Error::not_found("node", end));
            }
        }
        self.arrow(new).map(drop)
    }

    /// Makes edges whose numbers follow each other from `first` on, or from the next new one if
    /// that is greater.
    pub(crate) fn restore_edges(&mut self, first: EdgeId, new: &[NewEdge]) -> Result<()> {
        edges::raise_floor(&mut self.writer.rows, first)?;
        self.add_edges(new).map(drop)
    }

    /// Whether the edge of a number is there and is this one.
    pub(crate) fn is_edge(&self, id: EdgeId, new: &NewEdge) -> Result<bool> {
        let Some(edge) = edges::get_edge(self.rows(), id)? else { return Ok(false) };
        let value = |json: &Option<Json>| json.as_ref().map(Json::parse::<Value>).transpose();
        Ok((edge.source, edge.target) == (new.source, new.target)
            && self.name_of(edge.edge_type).as_deref() == Some(&*new.edge_type)
            && edge.weight.to_bits() == new.weight.to_bits()
            && (edge.valid_from, edge.valid_to) == (new.valid_from, new.valid_to)
            && value(&edge.properties)? == value(&new.properties)?)
    }
}
