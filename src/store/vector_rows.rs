//! The vectors of a model in one state of a store, wherever they lie: beside records, or in fields.

use std::ops::ControlFlow;

use super::core::Core;
use super::record_read;
use super::vectors::{self as values, each_carried};
use crate::base::error::Result;
use crate::base::id::{NodeId, Seq};
use crate::storage::snapshot::Snapshot;
use crate::storage::tables::record_key_from;
use crate::storage::{KeyRange, Rows as _, TableId, vectors};

/// One state of a store.
#[derive(Clone, Copy)]
pub(crate) struct State<'a> {
    pub(crate) core: &'a Core,
    pub(crate) rows: &'a Snapshot,
    pub(crate) seq: Seq,
}

/// A vector as it lies in the rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) carrier: NodeId,
    pub(super) subject: NodeId,
    pub(super) values: &'a [f32],
}

/// Hands every vector of a model to `take`, of whatever dimension: those beside records first, then
/// those that records carry, the first of each dimension.
pub(super) fn each_vector(
    state: State<'_>,
    model: &str,
    take: &mut dyn FnMut(Found<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let number = state.core.names.number(model);
    let mut beside = None;
    if let Some(number) = number {
        beside = vectors::dimension(state.rows, number)?.map(|dimension| (number, dimension));
        for row in vectors::of_model(state.rows, number, None)? {
            let (key, bytes) = row?;
            let id = vectors::node_of(&key)?;
            let Some(values) = values::values_of(&bytes) else { continue };
            if take(Found { carrier: id, subject: id, values: &values })?.is_break() {
                return Ok(());
            }
        }
    }
    for (kind, _) in state.core.kinds.iter() {
        let of = state.core.kinds.record_type(kind);
        if !of.is_some_and(|of| of.vectors.may_be_of(model)) {
            continue;
        }
        for row in state.rows.range(TableId::records(kind), KeyRange::all())? {
            let (key, value) = row?;
            let carrier = NodeId::from_parts(kind, record_key_from(&key));
            for (subject, values) in carried(state, model, carrier, &value)? {
                if let Some((number, dimension)) = beside
                    && dimension == values.len()
                    && vectors::get(state.rows, number, carrier)?.is_some()
                {
                    continue;
                }
                if take(Found { carrier, subject, values: &values })?.is_break() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// The vectors of a model that a record carries, the first of each dimension, with the records that
/// they are of.
fn carried(
    state: State<'_>,
    model: &str,
    id: NodeId,
    value: &[u8],
) -> Result<Vec<(NodeId, Vec<f32>)>> {
    let mut found: Vec<(NodeId, Vec<f32>)> = Vec::new();
    each_carried(state.core, id, value, model, &mut |subject, values| {
        if found.iter().all(|(_, other)| other.len() != values.dimension()) {
            found.push((subject, values.to_vec()));
        }
    })?;
    Ok(found)
}

/// Whether a record is there.
pub(super) fn is_there(state: State<'_>, id: NodeId) -> Result<bool> {
    Ok(record_read::raw(state.rows, id)?.is_some())
}

/// The vector that lies beside a record, else the first that it carries, with the record that it is
/// of.
pub(super) fn vector_of(
    state: State<'_>,
    model: &str,
    dimension: usize,
    id: NodeId,
) -> Result<Option<(NodeId, Vec<f32>)>> {
    if let Some(number) = state.core.names.number(model)
        && let Some(bytes) = vectors::get(state.rows, number, id)?
        && bytes.len() == dimension * size_of::<f32>()
    {
        return Ok(values::values_of(&bytes).map(|values| (id, values)));
    }
    let Some(value) = record_read::raw(state.rows, id)? else { return Ok(None) };
    let carried = carried(state, model, id, &value)?;
    Ok(carried.into_iter().find(|(_, values)| values.len() == dimension))
}
