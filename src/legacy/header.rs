//! The first hundred bytes of an SQLite file, judged before SQLite sees any of it.
//!
//! What is refused here is refused with a reason that a person can act on, and without giving a
//! hostile or foreign file to the engine.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::fault;
use crate::base::error::{Error, Result};

/// What every SQLite file starts with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Bytes of the header.
const HEADER_BYTES: usize = 100;
/// Bytes that are looked at to tell encrypted files from other ones.
const SAMPLE_BYTES: usize = 64 << 10;
/// Bits of entropy a byte from which a file counts as random. Compressed archives reach it too.
const RANDOM_BITS: f64 = 7.8;
/// The newest file format that SQLite reads.
const FORMAT_MAX: u8 = 2;

/// What the header of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileHeader {
    /// Bytes of a page.
    pub(crate) page_size: u32,
    /// Pages of the file, where the header's number can be trusted.
    pub(crate) pages: Option<u32>,
    /// Whether the file is in WAL mode.
    pub(crate) wal: bool,
}

impl FileHeader {
    /// Reads and judges the header of a regular file of `length` bytes.
    pub(crate) fn read(path: &Path, file: &mut File, length: u64) -> Result<Self> {
        let mut sample = Vec::with_capacity(SAMPLE_BYTES);
        file.take(SAMPLE_BYTES as u64)
            .read_to_end(&mut sample)
            .map_err(|source| fault::io(path, "cannot be read", source))?;
        Self::parse(&sample, length).map_err(|reason| fault::file(path, reason))
    }

    fn parse(sample: &[u8], length: u64) -> Result<Self, String> {
        if sample.is_empty() {
            return Err("is empty, there is nothing to import".to_owned());
        }
        if !sample.starts_with(MAGIC) {
            return Err(foreign(sample, length));
        }
        let header: &[u8; HEADER_BYTES] = sample
            .first_chunk()
            .ok_or_else(|| format!("is damaged: ends within its header, after {length} bytes"))?;
        let page_size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size if size >= 512 && size.is_power_of_two() => u32::from(size),
            size => return Err(format!("is damaged: its header states pages of {size} bytes")),
        };
        let (write, read) = (header[18], header[19]);
        if read > FORMAT_MAX || write > FORMAT_MAX {
            let format = read.max(write);
            return Err(format!(
                "has file format {format}, which a newer SQLite wrote or damage left"
            ));
        }
        if length < u64::from(page_size) {
            return Err(format!(
                "is damaged: {length} bytes are less than its first page of {page_size}"
            ));
        }
        let counted = word(header, 28);
        let trusted = counted > 0 && word(header, 24) == word(header, 92);
        Ok(Self { page_size, pages: trusted.then_some(counted), wal: read == 2 })
    }

    /// Refuses a file that is shorter than its own header says.
    pub(crate) fn check_length(&self, path: &Path, length: u64) -> Result<(), Error> {
        let stated = u64::from(self.pages.unwrap_or(0)) * u64::from(self.page_size);
        if length >= stated {
            return Ok(());
        }
        Err(fault::file(
            path,
            format!("is truncated: {length} bytes of {stated} that its header states"),
        ))
    }
}

fn word(bytes: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Why a file without the magic is no database.
fn foreign(sample: &[u8], length: u64) -> String {
    let text = sample.iter().filter(|byte| matches!(byte, b'\t'..=b'\r' | b' '..=b'~')).count();
    if sample.starts_with(&MAGIC[..8]) {
        return "is not an SQLite 3 database: its first bytes are damaged".to_owned();
    }
    if text == sample.len() {
        return "is not an SQLite database but a text".to_owned();
    }
    let random = sample.len() >= 1_024 && entropy(sample) >= RANDOM_BITS;
    if random && length.is_multiple_of(512) {
        return "is not an SQLite database; perhaps it is encrypted, then decrypt it first"
            .to_owned();
    }
    "is not an SQLite database".to_owned()
}

/// Shannon entropy in bits a byte.
#[expect(clippy::cast_precision_loss, reason = "a sample has at most some thousand bytes")]
fn entropy(sample: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in sample {
        counts[usize::from(byte)] += 1;
    }
    let total = sample.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
        let mut bytes = vec![0; 4_096];
        bytes[..16].copy_from_slice(MAGIC);
        bytes[16..18].copy_from_slice(&4_096_u16.to_be_bytes());
        bytes[18..20].copy_from_slice(&[1, 1]);
        bytes[24..28].copy_from_slice(&[0, 0, 0, 7]);
        bytes[28..32].copy_from_slice(&[0, 0, 0, 2]);
        bytes[92..96].copy_from_slice(&[0, 0, 0, 7]);
        change(&mut bytes);
        bytes
    }

    #[track_caller]
    fn refused(bytes: &[u8], word: &str) {
        let reason = FileHeader::parse(bytes, bytes.len() as u64).unwrap_err();
        assert!(reason.contains(word), "{reason}");
    }

    #[test]
    fn a_sound_header_tells_page_size_and_pages() {
        let parsed = FileHeader::parse(&header(|_| ()), 8_192).unwrap();
        assert_eq!(parsed, FileHeader { page_size: 4_096, pages: Some(2), wal: false });
        assert!(parsed.check_length(Path::new("x"), 8_192).is_ok());
        assert!(parsed.check_length(Path::new("x"), 8_191).is_err());
        let stale = FileHeader::parse(&header(|bytes| bytes[95] = 8), 8_192).unwrap();
        assert_eq!(stale.pages, None);
        let wide = header(|bytes| bytes[16..18].copy_from_slice(&[0, 1]));
        assert_eq!(FileHeader::parse(&wide, 65_536).unwrap().page_size, 65_536);
    }

    #[test]
    fn foreign_and_damaged_files_are_told_apart() {
        refused(b"", "empty");
        refused(b"name,size\n", "text");
        refused(&header(|_| ())[..100], "damaged");
        refused(&header(|_| ())[..50], "header");
        refused(&header(|bytes| bytes[17] = 3), "pages of");
        refused(&header(|bytes| bytes[19] = 9), "format 9");
        refused(&header(|bytes| bytes[10] = 0), "first bytes");
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(8_192)
        .collect();
        refused(&noise, "encrypted");
        refused(&noise[..8_000], "not an SQLite database");
    }
}
