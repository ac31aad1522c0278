//! Foreign rows carried letter by letter, in compressed blocks that are read in order.
//!
//! A block is keyed (source, table, ordinal of its first row, piece). Its frame is cut into pieces
//! that fill one page of the engine each: a value of its own page is rounded up to a power of two,
//! which would waste a third of the file.

use super::rows::{KeyRange, Rows, RowsMut};
use super::tables::TableId;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::varint;

/// A page of 4 096 bytes less its header, the entry's offsets and the key.
const PIECE_BYTES: usize = 4_000;

/// Longest block that is read, in bytes: one row of cells at their limit, and a margin.
const BLOCK_BYTES_MAX: u64 = 2 << 30;

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

/// A block ready to be written: compressing is work for any thread.
#[derive(Debug)]
pub(crate) struct Packed(Vec<u8>);

impl Packed {
    /// Compresses a block.
    pub(crate) fn of(block: &[u8]) -> Result<Self> {
        let frame = codec::compress_small(block)?;
        let mut packed = Vec::with_capacity(frame.len() + 10);
        varint::put(&mut packed, block.len() as u64);
        packed.extend_from_slice(&frame);
        Ok(Self(packed))
    }
}

/// Writes a block whose first row has that ordinal.
pub(crate) fn put_block(
    rows: &mut impl RowsMut,
    source: u32,
    table: u32,
    ordinal: u64,
    block: &Packed,
) -> Result<()> {
    for (piece, bytes) in (0_u32..).zip(block.0.chunks(PIECE_BYTES)) {
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
/// its bytes.
pub(crate) fn for_each_block(
    rows: &impl Rows,
    source: u32,
    table: u32,
    take: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut current: Option<(u64, Vec<u8>)> = None;
    let prefix = block_prefix(source, table);
    for row in rows.range(TableId::VERBATIM, KeyRange::prefix(&prefix))? {
        let (key, value) = row?;
        let (ordinal, piece) = split_key(&key)?;
        if piece == 0 {
            if let Some((first, packed)) = current.take() {
                take(first, &unpack(&packed, source, table, first)?)?;
            }
            current = Some((ordinal, value.to_vec()));
            continue;
        }
        match &mut current {
            Some((first, packed)) if *first == ordinal => packed.extend_from_slice(&value),
            _ => return Err(corrupt(source, table, ordinal, "piece without its first")),
        }
    }
    if let Some((first, packed)) = current {
        take(first, &unpack(&packed, source, table, first)?)?;
    }
    Ok(())
}

fn split_key(key: &[u8]) -> Result<(u64, u32)> {
    let bad = || Error::corrupt("table verbatim", format!("key of {} bytes", key.len()));
    let rest = key.get(8..).ok_or_else(bad)?;
    let (ordinal, piece) = rest.split_first_chunk::<8>().ok_or_else(bad)?;
    let piece: [u8; 4] = piece.try_into().map_err(|_| bad())?;
    Ok((u64::from_be_bytes(*ordinal), u32::from_be_bytes(piece)))
}

fn unpack(packed: &[u8], source: u32, table: u32, ordinal: u64) -> Result<Vec<u8>> {
    let mut frame = packed;
    let length = varint::take(&mut frame)
        .filter(|length| *length <= BLOCK_BYTES_MAX)
        .and_then(|length| usize::try_from(length).ok())
        .ok_or_else(|| corrupt(source, table, ordinal, "length out of range"))?;
    codec::decompress(frame, length)
}

fn corrupt(source: u32, table: u32, ordinal: u64, detail: &str) -> Error {
    Error::corrupt(format!("verbatim rows of source {source}, table {table}, row {ordinal}"), detail)
}
