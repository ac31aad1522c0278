//! Foreign rows carried letter by letter, in blocks that are read in order.
//!
//! A block, compressed by whoever made it, is keyed (source, table, ordinal of its first row,
//! piece) and cut into pieces that fill one page of the engine each: a value with pages of its own
//! is rounded up to a power of two, which would waste a third of the file.

use super::rows::{KeyRange, RowIter, Rows, RowsMut};
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

/// Writes a block in the place of one of `old_bytes` bytes, and leaves nothing of that.
pub(crate) fn replace_block(
    rows: &mut impl RowsMut,
    (source, table, ordinal): (u32, u32, u64),
    old_bytes: usize,
    block: &[u8],
) -> Result<()> {
    put_block(rows, source, table, ordinal, block)?;
    let pieces = |bytes: usize| u32::try_from(bytes.div_ceil(PIECE_BYTES)).unwrap_or(u32::MAX);
    for piece in pieces(block.len())..pieces(old_bytes) {
        rows.delete(TableId::VERBATIM, &piece_key(source, table, ordinal, piece))?;
    }
    Ok(())
}

/// Takes every block of a table of a source away whose first row has that ordinal or a later one.
pub(crate) fn delete_from(
    rows: &mut impl RowsMut,
    source: u32,
    table: u32,
    ordinal: u64,
) -> Result<()> {
    let start = piece_key(source, table, ordinal, 0);
    let range = KeyRange::prefix(&block_prefix(source, table)).starting_at(&start);
    loop {
        let keys: Vec<Box<[u8]>> = rows
            .range(TableId::VERBATIM, range.clone())?
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

/// The blocks of a table of a source, in order.
pub(crate) struct Blocks<'a> {
    source: u32,
    table: u32,
    rows: RowIter<'a>,
    /// The ordinal of the next block's first row, and its first piece.
    next: Option<(u64, Vec<u8>)>,
}

/// Reads the blocks of a table of a source, in order: the ordinal of the first row, and the block.
pub(crate) fn blocks(rows: &impl Rows, source: u32, table: u32) -> Result<Blocks<'_>> {
    let prefix = block_prefix(source, table);
    let rows = rows.range(TableId::VERBATIM, KeyRange::prefix(&prefix))?;
    Ok(Blocks { source, table, rows, next: None })
}

impl Blocks<'_> {
    fn read(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        let mut current = self.next.take();
        for row in self.rows.by_ref() {
            let (key, value) = row?;
            let (ordinal, piece) = split_key(&key)?;
            match &mut current {
                None if piece == 0 => current = Some((ordinal, value.to_vec())),
                Some(_) if piece == 0 => {
                    self.next = Some((ordinal, value.to_vec()));
                    break;
                }
                Some((first, block)) if *first == ordinal => block.extend_from_slice(&value),
                _ => return Err(corrupt(self.source, self.table, ordinal)),
            }
        }
        Ok(current)
    }
}

impl Iterator for Blocks<'_> {
    type Item = Result<(u64, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn split_key(key: &[u8]) -> Result<(u64, u32)> {
    let bad = || Error::corrupt("table verbatim", format!("key of {} bytes", key.len()));
    let rest = key.get(8..).ok_or_else(bad)?;
    let (ordinal, piece) = rest.split_first_chunk::<8>().ok_or_else(bad)?;
    let piece: [u8; 4] = piece.try_into().map_err(|_| bad())?;
    Ok((u64::from_be_bytes(*ordinal), u32::from_be_bytes(piece)))
}

fn corrupt(source: u32, table: u32, ordinal: u64) -> Error {
    let place = format!("verbatim rows of source {source}, table {table}, row {ordinal}");
    Error::corrupt(place, "piece without its first")
}
