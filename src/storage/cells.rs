//! Blocks of foreign rows, verbatim: every cell with its storage class and its bytes.
//!
//! A block is written and read in order only. Layout of the packed bytes: a flag, the length of the
//! raw bytes, then the raw bytes or a zstd frame of them. Raw bytes: number of columns, then row
//! after row: row id as the difference to the one before, then cell after cell.

use std::fmt;

use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::limits::{LEGACY_CELL_BYTES_MAX, VERBATIM_BLOCK_BYTES};
use crate::base::varint;

const RAW: u8 = 0;
const ZSTD: u8 = 1;

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;
/// The row id: what a column that is another name of it reads as.
const ROW_ID: u8 = 5;
/// The integers 0 to 9.
const SMALL: u8 = 6;
/// Text no longer than what is left of the byte.
const SHORT: u8 = 16;

/// One cell, by storage class. Text is the stored bytes, in the encoding of its database.
#[derive(Clone, Copy)]
pub(crate) enum Cell<'a> {
    /// SQL NULL.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A floating-point number, kept bit by bit.
    Real(f64),
    /// Text as stored; may be no valid text and may contain NUL.
    Text(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
}

impl Cell<'_> {
    /// Bytes of text or blob.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Blob(bytes) => bytes.len(),
            Self::Null => 0,
            Self::Integer(_) | Self::Real(_) => 8,
        }
    }

    /// Whether the cell is NULL.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl PartialEq for Cell<'_> {
    /// Same storage class and same bits.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Real(a), Self::Real(b)) => a.to_bits() == b.to_bits(),
            (Self::Text(a), Self::Text(b)) | (Self::Blob(a), Self::Blob(b)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Debug for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Integer(number) => write!(f, "integer {number}"),
            Self::Real(number) => write!(f, "real {number:?}"),
            Self::Text(bytes) => write!(f, "text {}", bytes.escape_ascii()),
            Self::Blob(bytes) => write!(f, "blob {}", bytes.escape_ascii()),
        }
    }
}

/// Collects rows into blocks.
#[derive(Debug)]
pub(crate) struct BlockWriter {
    columns: usize,
    bytes: Vec<u8>,
    rows: u64,
    first: i64,
    rowid: i64,
}

/// A finished block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The row id of its first row.
    pub(crate) first: i64,
    /// Rows in it.
    pub(crate) rows: u64,
    /// The packed bytes.
    pub(crate) bytes: Vec<u8>,
}

impl BlockWriter {
    /// A writer for rows of `columns` cells.
    pub(crate) fn new(columns: usize) -> Self {
        let bytes = Vec::with_capacity(VERBATIM_BLOCK_BYTES + VERBATIM_BLOCK_BYTES / 4);
        Self { columns, bytes, rows: 0, first: 0, rowid: 0 }
    }

    /// Appends a row. `cells` must have as many cells as the writer was made for.
    pub(crate) fn push(&mut self, rowid: i64, cells: &[Cell<'_>]) {
        assert_eq!(cells.len(), self.columns, "rows of one block have the same columns");
        if self.rows == 0 {
            self.bytes.clear();
            varint::put(&mut self.bytes, self.columns as u64);
            (self.first, self.rowid) = (rowid, 0);
        }
        varint::put_signed(&mut self.bytes, rowid.wrapping_sub(self.rowid));
        self.rowid = rowid;
        encode_row(rowid, cells, &mut self.bytes);
        self.rows += 1;
    }

    /// Whether the block has reached its size and should be finished.
    pub(crate) fn is_full(&self) -> bool {
        self.rows > 0 && self.bytes.len() >= VERBATIM_BLOCK_BYTES
    }

    /// Packs what was collected. `None` when there are no rows. The writer is empty afterwards.
    pub(crate) fn finish(&mut self) -> Result<Option<Block>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let block = Block { first: self.first, rows: self.rows, bytes: pack(&self.bytes)? };
        self.rows = 0;
        self.bytes.clear();
        self.bytes.shrink_to(2 * VERBATIM_BLOCK_BYTES);
        Ok(Some(block))
    }
}

fn pack(raw: &[u8]) -> Result<Vec<u8>> {
    let frame = codec::compress_small(raw)?;
    let (flag, body) = if frame.len() < raw.len() { (ZSTD, &frame[..]) } else { (RAW, raw) };
    let mut packed = Vec::with_capacity(body.len() + 6);
    packed.push(flag);
    varint::put(&mut packed, raw.len() as u64);
    packed.extend_from_slice(body);
    Ok(packed)
}

/// Appends the cells of a row. A cell that holds the row id as an integer takes one byte.
pub(crate) fn encode_row(rowid: i64, cells: &[Cell<'_>], out: &mut Vec<u8>) {
    for cell in cells {
        match *cell {
            Cell::Null => out.push(NULL),
            Cell::Integer(number) if number == rowid => out.push(ROW_ID),
            Cell::Integer(number) => match u8::try_from(number) {
                Ok(small) if small < SHORT - SMALL => out.push(SMALL + small),
                _ => {
                    out.push(INTEGER);
                    varint::put_signed(out, number);
                }
            },
            Cell::Real(number) => {
                out.push(REAL);
                out.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            Cell::Text(bytes) => match u8::try_from(bytes.len()) {
                Ok(short) if short <= u8::MAX - SHORT => {
                    out.push(SHORT + short);
                    out.extend_from_slice(bytes);
                }
                _ => {
                    out.push(TEXT);
                    varint::put_bytes(out, bytes);
                }
            },
            Cell::Blob(bytes) => {
                out.push(BLOB);
                varint::put_bytes(out, bytes);
            }
        }
    }
}

/// Takes one cell off the front. `None` when the bytes are no cell.
pub(crate) fn decode_cell<'a>(rowid: i64, bytes: &mut &'a [u8]) -> Option<Cell<'a>> {
    let (&tag, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(match tag {
        NULL => Cell::Null,
        INTEGER => Cell::Integer(varint::take_signed(bytes)?),
        REAL => {
            let (bits, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Cell::Real(f64::from_bits(u64::from_le_bytes(*bits)))
        }
        TEXT => Cell::Text(varint::take_bytes(bytes)?),
        BLOB => Cell::Blob(varint::take_bytes(bytes)?),
        ROW_ID => Cell::Integer(rowid),
        SMALL..SHORT => Cell::Integer(i64::from(tag - SMALL)),
        SHORT.. => {
            let (text, rest) = bytes.split_at_checked(usize::from(tag - SHORT))?;
            *bytes = rest;
            Cell::Text(text)
        }
    })
}

/// An opened block.
#[derive(Debug)]
pub(crate) struct BlockReader {
    raw: Vec<u8>,
}

impl BlockReader {
    /// Opens packed bytes.
    pub(crate) fn open(packed: &[u8]) -> Result<Self> {
        let broken = || Error::corrupt("verbatim block", "its head is not readable");
        let (&flag, mut rest) = packed.split_first().ok_or_else(broken)?;
        let length = varint::take(&mut rest)
            .and_then(|length| usize::try_from(length).ok())
            .filter(|length| *length <= RAW_BYTES_MAX)
            .ok_or_else(broken)?;
        let raw = match flag {
            RAW if rest.len() == length => rest.to_vec(),
            ZSTD => codec::decompress(rest, length)?,
            _ => return Err(broken()),
        };
        Ok(Self { raw })
    }

    /// The rows, in order.
    pub(crate) fn rows(&self) -> Result<Rows<'_>> {
        let mut rest = &self.raw[..];
        let columns = varint::take(&mut rest)
            .and_then(|columns| usize::try_from(columns).ok())
            .filter(|columns| *columns <= COLUMNS_MAX)
            .ok_or_else(|| Error::corrupt("verbatim block", "number of columns"))?;
        Ok(Rows { rest, columns, rowid: 0 })
    }
}

/// A packed block with every cell of some rows NULL, and how many cells became so. `None` where
/// that changes nothing. The rows keep their places and ids.
pub(crate) fn blanked(
    packed: &[u8],
    is_erased: &mut dyn FnMut(i64) -> bool,
) -> Result<Option<(Vec<u8>, u64)>> {
    let reader = BlockReader::open(packed)?;
    let (mut rows, mut cells) = (reader.rows()?, Vec::new());
    let mut writer = BlockWriter::new(rows.columns);
    let nulls = vec![Cell::Null; rows.columns];
    let mut count = 0;
    while let Some(row) = rows.next(&mut cells)? {
        if is_erased(row) {
            count += cells.iter().filter(|cell| !cell.is_null()).count() as u64;
            writer.push(row, &nulls);
        } else {
            writer.push(row, &cells);
        }
    }
    if count == 0 {
        return Ok(None);
    }
    Ok(writer.finish()?.map(|block| (block.bytes, count)))
}

/// A packed block without its compression.
pub(crate) fn opened(packed: &[u8]) -> Result<Vec<u8>> {
    let reader = BlockReader::open(packed)?;
    let mut plain = Vec::with_capacity(reader.raw.len() + 6);
    plain.push(RAW);
    varint::put(&mut plain, reader.raw.len() as u64);
    plain.extend_from_slice(&reader.raw);
    Ok(plain)
}

/// Columns of a table at most, as SQLite has it.
const COLUMNS_MAX: usize = 32_767;
/// A block ends with the row that fills it, so it holds at most one row of the largest kind above
/// its size; SQLite bounds a row by 1 GiB.
const RAW_BYTES_MAX: usize = (1 << 30) + VERBATIM_BLOCK_BYTES + LEGACY_CELL_BYTES_MAX;

/// Reads the rows of a block one after the other.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    rest: &'a [u8],
    columns: usize,
    rowid: i64,
}

impl<'a> Rows<'a> {
    /// The next row: gives its row id (for tables without one the number of the row), and its cells
    /// replace those in `cells`. `None` at the end.
    pub(crate) fn next(&mut self, cells: &mut Vec<Cell<'a>>) -> Result<Option<i64>> {
        cells.clear();
        if self.rest.is_empty() {
            return Ok(None);
        }
        let rowid = self.take(cells);
        rowid.map(Some).ok_or_else(|| Error::corrupt("verbatim block", "a row ends early"))
    }

    fn take(&mut self, cells: &mut Vec<Cell<'a>>) -> Option<i64> {
        let rowid = self.rowid.wrapping_add(varint::take_signed(&mut self.rest)?);
        self.rowid = rowid;
        for _ in 0..self.columns {
            cells.push(decode_cell(rowid, &mut self.rest)?);
        }
        Some(rowid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_cell_by_cell() {
        let long = vec![7; 100_000];
        let rows: Vec<(i64, Vec<Cell<'_>>)> = vec![
            (i64::MIN, vec![Cell::Null, Cell::Integer(i64::MIN), Cell::Real(-0.0)]),
            (-5, vec![Cell::Integer(9), Cell::Text(b""), Cell::Blob(b"")]),
            (1, vec![Cell::Integer(-1), Cell::Text(b"\xff\0"), Cell::Null]),
            (7, vec![Cell::Real(f64::NAN), Cell::Text(&long), Cell::Blob(&long[..300])]),
            (i64::MAX, vec![Cell::Integer(i64::MAX); 3]),
        ];
        let mut writer = BlockWriter::new(3);
        for (rowid, cells) in &rows {
            writer.push(*rowid, cells);
        }
        assert!(writer.is_full());
        let block = writer.finish().unwrap().unwrap();
        assert_eq!((block.first, block.rows), (i64::MIN, 5));
        assert_eq!(writer.finish().unwrap(), None);

        let reader = BlockReader::open(&block.bytes).unwrap();
        let (mut found, mut cells) = (reader.rows().unwrap(), Vec::new());
        for (rowid, expected) in &rows {
            assert_eq!(found.next(&mut cells).unwrap(), Some(*rowid));
            assert_eq!(&cells, expected);
        }
        assert_eq!(found.next(&mut cells).unwrap(), None);
    }

    #[test]
    fn any_bytes_are_an_error_or_rows_but_never_a_panic() {
        let mut writer = BlockWriter::new(2);
        writer.push(1, &[Cell::Text(b"abc"), Cell::Real(0.5)]);
        let mut raw = vec![RAW];
        varint::put(&mut raw, writer.bytes.len() as u64);
        raw.extend_from_slice(&writer.bytes);
        for place in 0..raw.len() {
            for byte in 0..=255 {
                let mut bytes = raw.clone();
                bytes[place] = byte;
                let Ok(reader) = BlockReader::open(&bytes) else { continue };
                let Ok(mut rows) = reader.rows() else { continue };
                let mut cells = Vec::new();
                while let Ok(Some(_)) = rows.next(&mut cells) {}
            }
        }
    }

    fn row_ids(packed: &[u8]) -> Vec<i64> {
        let reader = BlockReader::open(packed).unwrap();
        let (mut rows, mut cells) = (reader.rows().unwrap(), Vec::new());
        std::iter::from_fn(|| rows.next(&mut cells).unwrap()).collect()
    }

    #[test]
    fn blanked_rows_keep_their_places() {
        let mut writer = BlockWriter::new(2);
        for row in [3, 7, 9] {
            writer.push(row, &[Cell::Text(b"secret"), Cell::Integer(row)]);
        }
        let packed = writer.finish().unwrap().unwrap().bytes;
        assert_eq!(blanked(&packed, &mut |row| row == 8).unwrap(), None);
        let (blank, cells) = blanked(&packed, &mut |row| row == 7).unwrap().unwrap();
        assert_eq!(cells, 2);
        assert_eq!(row_ids(&blank), [3, 7, 9]);
        assert_eq!(blanked(&blank, &mut |row| row == 7).unwrap(), None, "it is done already");
        let plain = opened(&blank).unwrap();
        assert_eq!(plain.windows(6).filter(|part| part == b"secret").count(), 2);
        assert_eq!(row_ids(&plain), [3, 7, 9]);
    }
}
