//! Edges that were removed: what they were before the write that removed them.
//!
//! They are rows of the history like earlier values of records, under the number of the edge as a
//! key of kind 0. An edge is never changed, only made and removed, so that a removal is all that
//! there is to keep. Value: type as varint, source and target as rotated nodes, the weight (f32,
//! little-endian), and a value with validity and properties where it had any.

use super::edges::{Details, EdgeRecord};
use super::index::history_key;
use super::rows::{KeyRange, Rows, RowsMut};
use super::tables::TableId;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, NodeId, Seq};
use crate::base::varint;

/// The kind byte that all keys begin with.
const EDGES: [u8; 1] = [0];

fn key_of(edge: EdgeId, seq: Seq) -> [u8; 16] {
    history_key(NodeId::from_u64(edge.as_u64()), seq)
}

/// Keeps what an edge was before write `seq` removed it.
pub(crate) fn keep<R: RowsMut + ?Sized>(rows: &mut R, edge: &EdgeRecord, seq: Seq) -> Result<()> {
    rows.put(TableId::HISTORY, &key_of(edge.id, seq), &encode(edge)?)
}

/// What an edge was before write `seq` removed it; `None` where that is not known.
pub(crate) fn get(rows: &impl Rows, edge: EdgeId, seq: Seq) -> Result<Option<EdgeRecord>> {
    let value = rows.get(TableId::HISTORY, &key_of(edge, seq))?;
    value.map(|value| decode(edge, &value)).transpose()
}

/// Forgets the removed edges of which `is_end` says that it is an end of theirs, and tells how many
/// there were. Reads every removed edge.
pub(crate) fn forget_of<R: RowsMut>(rows: &mut R, is_end: impl Fn(NodeId) -> bool) -> Result<u64> {
    let mut gone = Vec::new();
    for row in rows.range(TableId::HISTORY, KeyRange::prefix(&EDGES))? {
        let (key, value) = row?;
        let number = key.first_chunk::<8>().map_or(0, |number| u64::from_be_bytes(*number));
        let edge = decode(EdgeId::from_u64(number), &value)?;
        if is_end(edge.source) || is_end(edge.target) {
            gone.push(key);
        }
    }
    for key in &gone {
        rows.delete(TableId::HISTORY, key)?;
    }
    Ok(gone.len() as u64)
}

fn encode(edge: &EdgeRecord) -> Result<Vec<u8>> {
    let mut value = Vec::with_capacity(20);
    varint::put(&mut value, edge.edge_type.into());
    for end in [edge.source, edge.target] {
        varint::put(&mut value, end.as_u64().rotate_left(8));
    }
    value.extend_from_slice(&edge.weight.to_le_bytes());
    let details = Details {
        valid_from: edge.valid_from,
        valid_to: edge.valid_to,
        properties: edge.properties.clone(),
    };
    if details != Details::default() {
        value.extend_from_slice(&codec::encode(&details)?);
    }
    Ok(value)
}

/// Reads what an edge was.
///
/// # Errors
/// [`Error::Corrupt`] for other bytes than [`keep`] writes.
pub(crate) fn decode(id: EdgeId, mut bytes: &[u8]) -> Result<EdgeRecord> {
    let bad = |detail: &str| Error::corrupt(format!("table history, edge {id}"), detail);
    let mut number = || varint::take(&mut bytes).ok_or_else(|| bad("ends early"));
    let edge_type = u32::try_from(number()?).map_err(|_| bad("type is out of range"))?;
    let source = NodeId::from_u64(number()?.rotate_right(8));
    let target = NodeId::from_u64(number()?.rotate_right(8));
    let (weight, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| bad("ends early"))?;
    let weight = f32::from_le_bytes(*weight);
    if weight.is_nan() {
        return Err(bad("weight is not a number"));
    }
    let details = if rest.is_empty() { Details::default() } else { codec::decode(rest)? };
    let Details { valid_from, valid_to, properties } = details;
    Ok(EdgeRecord { id, source, edge_type, target, weight, valid_from, valid_to, properties })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::Kind;
    use crate::base::json::Json;
    use crate::base::time::Timestamp;
    use crate::storage::testing::MemoryRows;

    fn node(key: u64) -> NodeId {
        NodeId::new(Kind(200), key).unwrap()
    }

    fn edge(number: u64, source: u64, target: u64) -> EdgeRecord {
        EdgeRecord {
            id: EdgeId::from_u64(number),
            source: node(source),
            edge_type: 300,
            target: node(target),
            weight: -0.25,
            valid_from: None,
            valid_to: None,
            properties: None,
        }
    }

    #[test]
    fn a_removed_edge_is_read_back_whole_and_a_plain_one_is_small() {
        let mut rows = MemoryRows::default();
        let plain = edge(7, 1, 2);
        let whole = EdgeRecord {
            valid_from: Some(Timestamp::from_micros(-5)),
            valid_to: Some(Timestamp::from_micros(5)),
            properties: Some(Json::from_text(r#"{"page": 3}"#).unwrap()),
            ..edge(8, NodeId::MAX_KEY, 1)
        };
        for removed in [&plain, &whole] {
            keep(&mut rows, removed, Seq(9)).unwrap();
            assert_eq!(get(&rows, removed.id, Seq(9)).unwrap().as_ref(), Some(removed));
            assert_eq!(get(&rows, removed.id, Seq(8)).unwrap(), None);
        }
        assert!(encode(&plain).unwrap().len() <= 12);
    }

    #[test]
    fn edges_of_a_node_are_forgotten_and_nothing_else_is() {
        let mut rows = MemoryRows::default();
        for (number, source, target) in [(1, 1, 2), (2, 2, 3), (3, 3, 1), (4, 1, 1)] {
            keep(&mut rows, &edge(number, source, target), Seq(1)).unwrap();
        }
        rows.put(TableId::HISTORY, &history_key(node(1), Seq(1)), &[1]).unwrap();
        assert_eq!(forget_of(&mut rows, |end| end == node(1)).unwrap(), 3);
        assert_eq!(rows.table(TableId::HISTORY).len(), 2);
        assert!(get(&rows, EdgeId::from_u64(2), Seq(1)).unwrap().is_some());
    }

    #[test]
    fn other_bytes_are_errors() {
        let id = EdgeId::from_u64(1);
        let good = encode(&edge(1, 1, 2)).unwrap();
        let nan = [&good[..good.len() - 4], &f32::NAN.to_le_bytes()].concat();
        let behind = [&good[..], &[0xc1]].concat();
        for bytes in [&[][..], &[0x80], &good[..good.len() - 1], &nan, &behind] {
            assert!(matches!(decode(id, bytes), Err(Error::Corrupt { .. })), "{bytes:?}");
        }
    }
}
