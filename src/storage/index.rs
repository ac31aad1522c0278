//! Keys of index rows, history rows and floors.

use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId, Seq};
use crate::base::varint;

/// Bytes of a record's key at the end of an index row.
const ID_BYTES: usize = 7;

/// What all rows of one index of a kind start with.
pub(crate) fn index_prefix(kind: Kind, name: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(48);
    key.push(kind.0);
    varint::put(&mut key, name.into());
    key
}

/// The row of one record in an ordered index.
pub(crate) fn index_key(kind: Kind, name: u32, key: &[u8], id: NodeId) -> Vec<u8> {
    let mut row = index_prefix(kind, name);
    row.extend_from_slice(key);
    row.extend_from_slice(&id.key().to_be_bytes()[1..]);
    row
}

/// The record at the end of an index row.
pub(crate) fn index_id(kind: Kind, row: &[u8]) -> Result<NodeId> {
    let start = row.len().checked_sub(ID_BYTES);
    let start = start.ok_or_else(|| Error::corrupt("table index", "row without a record"))?;
    let mut key = [0; 8];
    key[1..].copy_from_slice(&row[start..]);
    Ok(NodeId::from_parts(kind, u64::from_be_bytes(key)))
}

/// The row of a natural key. Keys are unique within a source; what is born here is source 0.
pub(crate) fn unique_key(kind: Kind, name: u32, source: u32, key: &[u8]) -> Vec<u8> {
    let mut row = index_prefix(kind, name);
    varint::put(&mut row, source.into());
    row.extend_from_slice(key);
    row
}

/// The value of a natural key's row.
pub(crate) fn unique_value(id: NodeId) -> Vec<u8> {
    let mut value = Vec::with_capacity(5);
    varint::put(&mut value, id.key());
    value
}

/// The record behind a natural key's row.
pub(crate) fn unique_id(kind: Kind, value: &[u8]) -> Result<NodeId> {
    varint::take(&mut &value[..])
        .filter(|key| *key <= NodeId::MAX_KEY)
        .map(|key| NodeId::from_parts(kind, key))
        .ok_or_else(|| Error::corrupt("table unique", "value is no record key"))
}

/// The row of an earlier value: what the record was before write `seq`.
pub(crate) fn history_key(id: NodeId, seq: Seq) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&id.as_u64().to_be_bytes());
    key[8..].copy_from_slice(&seq.0.to_be_bytes());
    key
}

/// The row of the smallest key that a kind may give next.
pub(crate) fn floor_key(kind: Kind) -> [u8; 1] {
    [kind.0]
}
