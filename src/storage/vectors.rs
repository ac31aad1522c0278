//! Vectors beside records: rows of raw 32-bit floats, and the models that they belong to.
//!
//! Row of a model: 0 and the number of its name (u32 BE); its value is the dimension, a varint. Row
//! of a vector: 1, the number of the model's name (u32 BE), the node (u64 BE); its value is the
//! floats, little-endian. The vectors of a model lie together in the order of their nodes. Row of a
//! vector that went with its record: 2, the node, the write that deleted it (u64 BE both), the
//! number of the model's name; the floats.

use super::rows::{Bytes, KeyRange, RowIter, Rows, RowsMut};
use super::tables::TableId;
use crate::base::error::{Error, Result};
use crate::base::id::{NodeId, Seq};
use crate::base::varint;

const MODEL: u8 = 0;
const VECTOR: u8 = 1;
const PAST: u8 = 2;
/// Before the node and the write of a vector that went with its record.
pub(crate) const PAST_PREFIX: &[u8] = &[PAST];
const PLACE: &str = "table vectors";

/// What a row of the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VectorRow {
    /// The dimension of a model, by the number of its name.
    Model(u32),
    /// The vector of a record by a model.
    Vector(u32, NodeId),
    /// The vector of a record by a model, from before a write deleted the record.
    Past(u32, NodeId, Seq),
}

impl VectorRow {
    /// Reads the key of a row.
    pub(crate) fn from_key(key: &[u8]) -> Option<Self> {
        let (tag, rest) = key.split_first()?;
        if *tag == PAST {
            let (node, rest) = rest.split_first_chunk::<8>()?;
            let (seq, model) = rest.split_first_chunk::<8>()?;
            let node = NodeId::from_u64(u64::from_be_bytes(*node));
            let model = u32::from_be_bytes(model.try_into().ok()?);
            return Some(Self::Past(model, node, Seq(u64::from_be_bytes(*seq))));
        }
        let (model, rest) = rest.split_first_chunk::<4>()?;
        let model = u32::from_be_bytes(*model);
        match (*tag, rest) {
            (MODEL, []) => Some(Self::Model(model)),
            (VECTOR, node) => {
                let node = u64::from_be_bytes(node.try_into().ok()?);
                Some(Self::Vector(model, NodeId::from_u64(node)))
            }
            _ => None,
        }
    }
}

fn model_key(model: u32) -> [u8; 5] {
    let mut key = [MODEL; 5];
    key[1..].copy_from_slice(&model.to_be_bytes());
    key
}

fn vector_prefix(model: u32) -> [u8; 5] {
    let mut key = model_key(model);
    key[0] = VECTOR;
    key
}

fn vector_key(model: u32, node: NodeId) -> [u8; 13] {
    let mut key = [VECTOR; 13];
    key[1..5].copy_from_slice(&model.to_be_bytes());
    key[5..].copy_from_slice(&node.as_u64().to_be_bytes());
    key
}

fn past_prefix(node: NodeId) -> [u8; 9] {
    let mut key = [PAST; 9];
    key[1..].copy_from_slice(&node.as_u64().to_be_bytes());
    key
}

fn past_key(model: u32, node: NodeId, seq: Seq) -> [u8; 21] {
    let mut key = [0; 21];
    key[..9].copy_from_slice(&past_prefix(node));
    key[9..17].copy_from_slice(&seq.0.to_be_bytes());
    key[17..].copy_from_slice(&model.to_be_bytes());
    key
}

/// The dimension behind the value of a model's row.
pub(crate) fn read_dimension(value: &[u8]) -> Result<usize> {
    varint::take(&mut &value[..])
        .and_then(|dimension| usize::try_from(dimension).ok())
        .filter(|dimension| *dimension > 0)
        .ok_or_else(|| Error::corrupt(PLACE, "a model without a dimension"))
}

/// The dimension of a model, by the number of its name; `None` where it has no vectors.
pub(crate) fn dimension(rows: &impl Rows, model: u32) -> Result<Option<usize>> {
    let value = rows.get(TableId::VECTORS, &model_key(model))?;
    value.map(|value| read_dimension(&value)).transpose()
}

/// Gives a model its dimension.
pub(crate) fn put_dimension(rows: &mut impl RowsMut, model: u32, dimension: usize) -> Result<()> {
    let mut value = Vec::with_capacity(3);
    varint::put(&mut value, dimension as u64);
    rows.put(TableId::VECTORS, &model_key(model), &value)
}

/// Takes the row of a model away; its vectors are the caller's.
pub(crate) fn delete_model(rows: &mut impl RowsMut, model: u32) -> Result<()> {
    rows.delete(TableId::VECTORS, &model_key(model))
}

/// Every model by the number of its name, with its dimension.
pub(crate) fn models(rows: &impl Rows) -> Result<Vec<(u32, usize)>> {
    let mut found = Vec::new();
    for row in rows.range(TableId::VECTORS, KeyRange::prefix(&[MODEL]))? {
        let (key, value) = row?;
        let Some(VectorRow::Model(model)) = VectorRow::from_key(&key) else {
            return Err(Error::corrupt(PLACE, format!("key {key:02x?} is no model")));
        };
        found.push((model, read_dimension(&value)?));
    }
    Ok(found)
}

/// The vector of a record by a model.
pub(crate) fn get(rows: &impl Rows, model: u32, node: NodeId) -> Result<Option<Bytes>> {
    rows.get(TableId::VECTORS, &vector_key(model, node))
}

/// Writes the vector of a record by a model.
pub(crate) fn put(rows: &mut impl RowsMut, model: u32, node: NodeId, values: &[f32]) -> Result<()> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    rows.put(TableId::VECTORS, &vector_key(model, node), &bytes)
}

/// Takes the vector of a record by a model away.
pub(crate) fn delete(rows: &mut impl RowsMut, model: u32, node: NodeId) -> Result<()> {
    rows.delete(TableId::VECTORS, &vector_key(model, node))
}

/// Keeps the vector of a record that write `seq` deletes.
pub(crate) fn keep(
    rows: &mut impl RowsMut,
    (model, node): (u32, NodeId),
    seq: Seq,
    bytes: &[u8],
) -> Result<()> {
    rows.put(TableId::VECTORS, &past_key(model, node, seq), bytes)
}

/// The vectors that went with a record when write `seq` deleted it, by the numbers of their models'
/// names.
pub(crate) fn past(rows: &impl Rows, node: NodeId, seq: Seq) -> Result<Vec<(u32, Bytes)>> {
    let mut found = Vec::new();
    let prefix = [&past_prefix(node)[..], &seq.0.to_be_bytes()].concat();
    for row in rows.range(TableId::VECTORS, KeyRange::prefix(&prefix))? {
        let (key, value) = row?;
        let Some(VectorRow::Past(model, ..)) = VectorRow::from_key(&key) else {
            return Err(Error::corrupt(PLACE, format!("key {key:02x?} is no vector")));
        };
        found.push((model, value));
    }
    Ok(found)
}

/// Forgets the vectors that ever went with a record. Tells how many there were.
pub(crate) fn forget_past(rows: &mut impl RowsMut, node: NodeId) -> Result<u64> {
    let range = KeyRange::prefix(&past_prefix(node));
    let keys = rows.range(TableId::VECTORS, range)?.map(|row| row.map(|(key, _)| key));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    for key in &keys {
        rows.delete(TableId::VECTORS, key)?;
    }
    Ok(keys.len() as u64)
}

/// The vectors of a model, in the order of their nodes; with `after`, those behind that node.
pub(crate) fn of_model(rows: &dyn Rows, model: u32, after: Option<NodeId>) -> Result<RowIter<'_>> {
    let mut range = KeyRange::prefix(&vector_prefix(model));
    if let Some(after) = after {
        range = range.after(&vector_key(model, after));
    }
    rows.range(TableId::VECTORS, range)
}

/// The node at the end of a vector's key.
pub(crate) fn node_of(key: &[u8]) -> Result<NodeId> {
    match VectorRow::from_key(key) {
        Some(VectorRow::Vector(_, node)) => Ok(node),
        _ => Err(Error::corrupt(PLACE, format!("key {key:02x?} is no vector"))),
    }
}

/// Says that the bytes of a vector are not what its model needs.
pub(crate) fn broken(node: NodeId, detail: &str) -> Error {
    Error::corrupt(format!("{PLACE}, node {node}"), detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::Kind;

    #[test]
    fn keys_are_read_back_and_order_by_model_and_node() {
        let node = |kind, key| NodeId::new(Kind(kind), key).unwrap();
        let nodes = [node(1, 1), node(1, 256), node(2, 1)];
        let mut keys: Vec<Vec<u8>> = vec![model_key(0).to_vec(), model_key(300).to_vec()];
        for model in [0, 300] {
            for node in nodes {
                let key = vector_key(model, node);
                assert_eq!(VectorRow::from_key(&key), Some(VectorRow::Vector(model, node)));
                assert!(key.starts_with(&vector_prefix(model)));
                keys.push(key.to_vec());
            }
        }
        for node in nodes {
            let key = past_key(300, node, Seq(7));
            assert_eq!(VectorRow::from_key(&key), Some(VectorRow::Past(300, node, Seq(7))));
            assert!(key.starts_with(&past_prefix(node)));
            keys.push(key.to_vec());
        }
        assert!(keys.is_sorted());
        assert_eq!(VectorRow::from_key(&model_key(300)), Some(VectorRow::Model(300)));
        for bad in
            [&[][..], &[0], &[2, 0, 0, 0, 0], &[0, 0, 0, 0, 0, 1], &[1, 0, 0, 0, 0, 1], &[2; 20]]
        {
            assert_eq!(VectorRow::from_key(bad), None, "{bad:?}");
        }
    }
}
