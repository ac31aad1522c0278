//! Vectors beside records: writing and reading them in transactions.
//!
//! A vector is of a record and a model. It lies in a table of its own, or in a field of a record
//! that says so ([`Facts::vector`](crate::record::Facts::vector)); readers are not told which. The
//! first kind has one dimension a model, which its first vector decides.

use std::ops::ControlFlow;

use super::core::Core;
use super::record_read;
use super::tx::WriteTx;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::VECTOR_DIMENSION_MAX;
use crate::record::Facts;
use crate::search::Embedder;
use crate::storage::adjacency::{self, Direction};
use crate::storage::changes::Operation;
use crate::storage::{Rows, vectors};

/// A model whose vectors are written beside records.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct VectorModel {
    /// Its name.
    pub name: String,
    /// The number of values of each of its vectors.
    pub dimension: usize,
}

impl WriteTx<'_> {
    /// Writes the vector of the record `id` by a model, or replaces it. The first vector of a model
    /// decides its dimension.
    ///
    /// The change feed names the record under [`Operation::Embed`]; the record is not written.
    ///
    /// ```
    /// use engraph::Store;
    /// use engraph::record::Document;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::create(dir.path().join("s"))?;
    /// let memo = store.write(|tx| {
    ///     let file_name = "memo.txt".to_owned();
    ///     let memo = tx.insert(&Document { file_name, ..Document::default() })?;
    ///     tx.put_vector(memo, "mini", &[0.6, 0.8])?;
    ///     Ok(memo)
    /// })?;
    /// assert_eq!(store.read()?.get_vector(memo, "mini")?, Some(vec![0.6, 0.8]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such record; [`Error::Invalid`] for another dimension
    /// than the model's, no values, or values that are not finite; [`Error::Limit`] beyond 65,536
    /// values.
    pub fn put_vector(&mut self, id: NodeId, model: &str, values: &[f32]) -> Result<()> {
        check_values(values)?;
        if !self.contains(id)? {
            return Err(Error::not_found("record", id));
        }
        let (writer, core) = self.writer_and_core();
        let number = core.names.intern(model, &mut writer.new_names, &mut writer.rows)?;
        let known = match writer.dimensions.get(&number) {
            Some(dimension) => Some(*dimension),
            None => vectors::dimension(&writer.rows, number)?,
        };
        match known {
            None => vectors::put_dimension(&mut writer.rows, number, values.len())?,
            Some(dimension) => check_dimension(model, dimension, values.len())?,
        }
        writer.dimensions.insert(number, values.len());
        vectors::put(&mut writer.rows, number, id, values)?;
        writer.changes.push(Operation::Embed, id.as_u64());
        Ok(())
    }

    /// Writes the vector that an embedder makes of a text beside the record `id`. The embedder runs
    /// while other writers wait; embed before the write where it is slow.
    ///
    /// # Errors
    /// As [`WriteTx::put_vector`], and what the embedder fails with.
    pub fn embed(&mut self, id: NodeId, embedder: &impl Embedder, text: &str) -> Result<()> {
        let vector = embedder.embed(text)?;
        self.put_vector(id, embedder.model(), &vector)
    }

    /// Deletes the vector that was written beside the record `id` for a model. Tells whether it was
    /// there. A vector that a record carries in a field goes with the field.
    ///
    /// # Errors
    /// [`Error::Io`] when the data file cannot be read.
    pub fn delete_vector(&mut self, id: NodeId, model: &str) -> Result<bool> {
        let Some(number) = self.name_number(model) else { return Ok(false) };
        let writer = &mut self.writer;
        if vectors::get(&writer.rows, number, id)?.is_none() {
            return Ok(false);
        }
        vectors::delete(&mut writer.rows, number, id)?;
        writer.changes.push(Operation::Embed, id.as_u64());
        Ok(true)
    }

    /// Deletes every vector that was written beside a record for a model, and tells how many there
    /// were. The model's next vector decides its dimension anew. Linear in the vectors.
    ///
    /// # Errors
    /// [`Error::Limit`] when the write is too large: [`Store::bulk`](crate::Store::bulk) takes
    /// more.
    pub fn delete_vector_model(&mut self, model: &str) -> Result<u64> {
        /// Keys that are held at once.
        const PAGE: usize = 4_096;
        let Some(number) = self.name_number(model) else { return Ok(0) };
        let writer = &mut self.writer;
        if vectors::dimension(&writer.rows, number)?.is_none() {
            return Ok(0);
        }
        let (mut deleted, mut after) = (0, None);
        loop {
            let page: Vec<NodeId> = vectors::of_model(&writer.rows, number, after)?
                .take(PAGE)
                .map(|row| row.and_then(|(key, _)| vectors::node_of(&key)))
                .collect::<Result<_>>()?;
            for id in &page {
                vectors::delete(&mut writer.rows, number, *id)?;
                writer.changes.push(Operation::Embed, id.as_u64());
            }
            deleted += page.len() as u64;
            after = page.last().copied();
            if page.len() < PAGE {
                break;
            }
        }
        vectors::delete_model(&mut writer.rows, number)?;
        writer.dimensions.remove(&number);
        Ok(deleted)
    }
}

/// Refuses what is no vector.
pub(crate) fn check_values(values: &[f32]) -> Result<()> {
    if values.is_empty() {
        return Err(Error::invalid("vector", "it has no values"));
    }
    if values.len() > VECTOR_DIMENSION_MAX {
        return Err(Error::Limit {
            what: "values of a vector".into(),
            max: VECTOR_DIMENSION_MAX as u64,
            found: values.len() as u64,
        });
    }
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(place) => {
            let reason = format!("value {place} is {}, which is not finite", values[place]);
            Err(Error::invalid("vector", reason))
        }
    }
}

/// Refuses a vector of another dimension than its model's.
pub(crate) fn check_dimension(model: &str, dimension: usize, found: usize) -> Result<()> {
    if dimension == found {
        return Ok(());
    }
    let reason = format!("{found} values; vectors of model {model} have {dimension}");
    Err(Error::invalid("vector", reason))
}

/// Every model that has vectors beside records, in the order in which they were first named.
pub(crate) fn models(
    rows: &impl Rows,
    name: &dyn Fn(u32) -> Option<std::sync::Arc<str>>,
) -> Result<Vec<VectorModel>> {
    let found = vectors::models(rows)?.into_iter().map(|(number, dimension)| {
        let name = name(number).ok_or_else(|| {
            Error::corrupt("table vectors", format!("model {number} has no name"))
        })?;
        Ok(VectorModel { name: name.to_string(), dimension })
    });
    found.collect()
}

/// The vector of a record by a model: the one beside it, else the one that it carries, else the one
/// that another record carries for it. Of several of the last kind that of the smallest id.
/// `number` is that of the model's name. `pending` are records that may carry one and whose links
/// are not in the rows yet.
pub(crate) fn get(
    core: &Core,
    rows: &impl Rows,
    (id, pending): (NodeId, &[NodeId]),
    model: &str,
    number: Option<u32>,
) -> Result<Option<Vec<f32>>> {
    if let Some(number) = number
        && let Some(bytes) = vectors::get(rows, number, id)?
    {
        return values_of(&bytes)
            .map(Some)
            .ok_or_else(|| vectors::broken(id, "bytes that are no floats"));
    }
    let mut found = None;
    let Some(value) = record_read::raw(rows, id)? else { return Ok(None) };
    each_carried(core, id, &value, model, &mut |subject, values| {
        if subject == id && found.is_none() {
            found = Some(values.to_vec());
        }
    })?;
    if found.is_some() {
        return Ok(found);
    }
    for carrier in carriers(core, rows, (id, pending), model)? {
        let Some(value) = record_read::raw(rows, carrier)? else { continue };
        each_carried(core, carrier, &value, model, &mut |subject, values| {
            if subject == id && found.is_none() {
                found = Some(values.to_vec());
            }
        })?;
        if found.is_some() {
            break;
        }
    }
    Ok(found)
}

/// The floats of a row.
pub(crate) fn values_of(bytes: &[u8]) -> Option<Vec<f32>> {
    let (chunks, []) = bytes.as_chunks::<4>() else { return None };
    Some(chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect())
}

/// The records that link to `id` and may carry a vector for it, in the order of their ids.
fn carriers(
    core: &Core,
    rows: &impl Rows,
    (id, pending): (NodeId, &[NodeId]),
    model: &str,
) -> Result<Vec<NodeId>> {
    let may_carry = |carrier: NodeId| {
        let of = core.kinds.record_type(carrier.kind());
        of.is_some_and(|of| of.vectors.may_be_of(model))
    };
    let mut found: Vec<_> = pending.iter().copied().filter(|it| may_carry(*it)).collect();
    adjacency::for_each(rows, id, Direction::In, None, &mut |entry| {
        if entry.edge.is_link() && may_carry(entry.neighbor) {
            found.push(entry.neighbor);
        }
        ControlFlow::Continue(())
    })?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Hands the vectors of a model that a record carries to `take`, with the records that they are of.
/// Those that are no proper vectors are passed over: old databases hold such.
pub(crate) fn each_carried(
    core: &Core,
    id: NodeId,
    value: &[u8],
    model: &str,
    take: &mut dyn FnMut(NodeId, &crate::record::Vector),
) -> Result<()> {
    let Some(of) = core.kinds.record_type(id.kind()).filter(|of| of.vectors.may_be_of(model))
    else {
        return Ok(());
    };
    (of.describe)(value, &mut |facts: &Facts<'_>| {
        for stated in facts.vectors.iter().filter(|stated| stated.model == model) {
            let dimension = stated.values.dimension();
            let is_proper = dimension > 0
                && dimension <= VECTOR_DIMENSION_MAX
                && stated.values.iter().all(f32::is_finite);
            if is_proper {
                take(stated.subject.unwrap_or(id), stated.values);
            }
        }
        Ok(())
    })
}
