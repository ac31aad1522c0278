//! Foreign rows carried letter by letter, in blocks that are read in order.
//!
//! A block, compressed by whoever made it, is keyed (source, table, ordinal of its first row, piece)
//! and cut into pieces
//! that fill one page of the engine each: a value with pages of its own is rounded up to a power of
//! two, which would waste a third of the file.

use super::rows::{KeyRange, Rows, RowsMut};
use super::tables::TableId;
use crate::base::error::{Error, Result};

/// A page of 4 096 bytes less its header, the entry's offsets and the key.
const PIECE_BYTES: usize = 4_000;

fn block_prefix(source: u32, table: u32) -> [u8; 8] {
    let mut prefix = [0; 8];
    prefix[..4].copy_from_slice(&source.to_be_bytes());
    prefix[4..].copy_from_slice(&table.to_be_bytes());
    prefix
}

fn piece_key(source: u32, table: u32, ordinal: u64, piece: u32) -> [u8; 20] {
    let mut key = [0; 20];
    key[..8].copy_from_slice(&block_prefix(source, table));
    key[8..16].copy_from_slice(&ordinal.to_be_bytes());
    key[16..].copy_from_slice(&piece.to_be_bytes());
    key
}

/// Writes a block whose first row has that ordinal.
pub(crate) fn put_block(
    rows: &mut impl RowsMut,
    source: u32,
    table: u32,
    ordinal: u64,
    block: &[u8],
) -> Result<()> {
    for (piece, bytes) in (0_u32..).zip(block.chunks(PIECE_BYTES)) {
        rows.put(TableId::VERBATIM, &piece_key(source, table, ordinal, piece), bytes)?;
    }
    Ok(())
}

/// Takes every block of a table of a source away.
pub(crate) fn delete_table(rows: &mut impl RowsMut, source: u32, table: u32) -> Result<()> {
    let prefix = block_prefix(source, table);
    loop {
        let keys: Vec<Box<[u8]>> = rows
            .range(TableId::VERBATIM, KeyRange::prefix(&prefix))?
            .take(1_000)
            .map(|row| row.map(|(key, _)| key))
            .collect::<Result<_>>()?;
        if keys.is_empty() {
            return Ok(());
        }
        for key in keys {
            rows.delete(TableId::VERBATIM, &key)?;
        }
    }
}

/// Hands every block of a table of a source to `take`, in order: the ordinal of its first row, and
/// the block.
pub(crate) fn for_each_block(
    rows: &impl Rows,
    source: u32,
    table: u32,
    take: &mut dyn FnMut(u64, Vec<u8>) -> Result<()>,
) -> Result<()> {
    let mut current: Option<(u64, Vec<u8>)> = None;
    let prefix = block_prefix(source, table);
    for row in rows.range(TableId::VERBATIM, KeyRange::prefix(&prefix))? {
        let (key, value) = row?;
        let (ordinal, piece) = split_key(&key)?;
        if piece == 0 {
            if let Some((first, block)) = current.replace((ordinal, value.to_vec())) {
                take(first, block)?;
            }
            continue;
        }
        match &mut current {
            Some((first, block)) if *first == ordinal => block.extend_from_slice(&value),
            _ => return Err(corrupt(source, table, ordinal, "piece without its first")),
        }
    }
    current.map_or(Ok(()), |(first, block)| take(first, block))
}

fn split_key(key: &[u8]) -> Result<(u64, u32)> {
    let bad = || Error::corrupt("table verbatim", format!("key of {} bytes", key.len()));
    let rest = key.get(8..).ok_or_else(bad)?;
    let (ordinal, piece) = rest.split_first_chunk::<8>().ok_or_else(bad)?;
    let piece: [u8; 4] = piece.try_into().map_err(|_| bad())?;
    Ok((u64::from_be_bytes(*ordinal), u32::from_be_bytes(piece)))
}

fn corrupt(source: u32, table: u32, ordinal: u64, detail: &str) -> Error {
    Error::corrupt(format!("verbatim rows of source {source}, table {table}, row {ordinal}"), detail)
}
