//! The vectors beside records: of models and records that are there, of one dimension a model, and
//! finite.

use std::collections::BTreeMap;

use super::VerifyReport;
use super::view::View;
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::storage::vectors::{VectorRow, read_dimension};
use crate::storage::{KeyRange, Rows as _, TableId};

const PLACE: &str = "table vectors";

/// Checks every row of the table. The rows of the models come first.
pub(super) fn check(view: &View<'_>, report: &mut VerifyReport) -> Result<()> {
    let mut dimensions: BTreeMap<u32, usize> = BTreeMap::new();
    for row in view.rows.range(TableId::VECTORS, KeyRange::all())? {
        let (key, value) = row?;
        match VectorRow::from_key(&key) {
            // What went with a record may be of a model that has another dimension by now.
            Some(VectorRow::Past(model, id, seq)) => {
                if !view.has_name(model) || !is_whole(&value) {
                    let label = view.label(id);
                    report.add(PLACE, format!("vector of {label} before write {seq} is broken"));
                }
            }
            None => report.add(PLACE, format!("key {key:02x?} is no model and no vector")),
            Some(VectorRow::Model(model)) => {
                if !view.has_name(model) {
                    report.add(PLACE, format!("model {model} has no name"));
                }
                match read_dimension(&value) {
                    Ok(dimension) => drop(dimensions.insert(model, dimension)),
                    Err(error) => report.add_corrupt(error)?,
                }
            }
            Some(VectorRow::Vector(model, id)) => {
                report.vectors += 1;
                if let Some(fault) = fault(view, dimensions.get(&model), id, &value)? {
                    report.add(PLACE, format!("vector of {} {fault}", view.label(id)));
                }
            }
        }
    }
    Ok(())
}

/// Whether bytes are floats that are finite.
fn is_whole(value: &[u8]) -> bool {
    let (values, rest) = value.as_chunks::<4>();
    rest.is_empty() && values.iter().all(|bytes| f32::from_le_bytes(*bytes).is_finite())
}

/// What is wrong with a vector, if anything.
fn fault(
    view: &View<'_>,
    dimension: Option<&usize>,
    id: NodeId,
    value: &[u8],
) -> Result<Option<String>> {
    let Some(dimension) = dimension else { return Ok(Some("is of a model that is none".into())) };
    let (values, rest) = value.as_chunks::<4>();
    if !rest.is_empty() || values.len() != *dimension {
        let found = value.len();
        return Ok(Some(format!("has {found} bytes; its model has {dimension} values")));
    }
    if !is_whole(value) {
        return Ok(Some("has a value that is not finite".into()));
    }
    let absent = view.raw(id)?.is_none();
    Ok(absent.then(|| "is there, the record is not".into()))
}
