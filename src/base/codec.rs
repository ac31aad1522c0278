//! Value bytes: one codec byte, then `MessagePack` with field names, compressed where it pays.
//!
//! Field names make adding, dropping and reordering fields safe; the compact form is not.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Cursor;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize as _, Serialize};
use zstd::bulk::{Compressor, Decompressor};

use super::error::{Error, Result};
use super::limits::{COMPRESS_BYTES_MIN, RECORD_BYTES_MAX};
use super::varint;

/// `MessagePack` with field names.
const NAMED: u8 = 1;
/// Length as a varint, then a zstd frame of what [`NAMED`] holds.
const NAMED_ZSTD: u8 = 2;
/// Fast and nearly as small as the higher levels on texts of a few kilobytes.
const LEVEL: i32 = 1;

/// For blocks that are written once and read in order.
const LEVEL_SMALL: i32 = 3;

/// Encodes a value.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(NAMED);
    encode_named(value, &mut bytes)?;
    pack(bytes)
}

fn encode_named<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<()> {
    let mut serializer = rmp_serde::Serializer::new(out).with_struct_map();
    value.serialize(&mut serializer).map_err(|source| Error::Invalid {
        field: "record".into(),
        reason: format!("cannot be encoded: {source}"),
    })
}

fn pack(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(Error::Limit {
            what: "record in bytes".into(),
            max: RECORD_BYTES_MAX as u64,
            found: bytes.len() as u64,
        });
    }
    if bytes.len() < COMPRESS_BYTES_MIN {
        return Ok(bytes);
    }
    let mut packed = vec![NAMED_ZSTD];
    varint::put(&mut packed, bytes.len() as u64 - 1);
    let frame = compress(&bytes[1..])?;
    if packed.len() + frame.len() + bytes.len() / 16 > bytes.len() {
        return Ok(bytes);
    }
    packed.extend_from_slice(&frame);
    Ok(packed)
}

/// Decodes a value that [`encode`] made.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let named = unpack(bytes)?;
    rmp_serde::from_slice(&named).map_err(|source| Error::Corrupt {
        place: "record value".into(),
        detail: format!("{} bytes do not decode", bytes.len()),
        source: Some(Box::new(source)),
    })
}

/// A record with some fields as another version of it has them: `fields` are taken from `from`, the
/// others from `base`.
pub(crate) fn with_fields(base: &[u8], from: &[u8], fields: &BTreeSet<&str>) -> Result<Vec<u8>> {
    let (base, from) = (unpack(base)?, unpack(from)?);
    let mut chosen: Vec<(String, &[u8])> = split_fields(&base)?;
    chosen.retain(|(name, _)| !fields.contains(name.as_str()));
    chosen.extend(split_fields(&from)?.into_iter().filter(|(name, _)| fields.contains(&**name)));
    let count = u32::try_from(chosen.len()).unwrap_or(u32::MAX);
    let mut bytes = vec![NAMED, 0xdf];
    bytes.extend_from_slice(&count.to_be_bytes());
    for (name, value) in chosen {
        encode_named(&name, &mut bytes)?;
        bytes.extend_from_slice(value);
    }
    pack(bytes)
}

/// The fields of an encoded struct, each with its encoded value.
fn split_fields(named: &[u8]) -> Result<Vec<(String, &[u8])>> {
    let bad = || Error::corrupt("record value", "not a map of fields");
    let (count, head) = match *named {
        [marker @ 0x80..=0x8f, ..] => (u32::from(marker & 0x0f), 1),
        [0xde, a, b, ..] => (u32::from(u16::from_be_bytes([a, b])), 3),
        [0xdf, a, b, c, d, ..] => (u32::from_be_bytes([a, b, c, d]), 5),
        _ => return Err(bad()),
    };
    let mut cursor = Cursor::new(named);
    cursor.set_position(head);
    let mut fields = Vec::new();
    for _ in 0..count {
        let name = String::deserialize(&mut rmp_serde::Deserializer::new(&mut cursor))
            .map_err(|_| bad())?;
        let start = usize::try_from(cursor.position()).map_err(|_| bad())?;
        IgnoredAny::deserialize(&mut rmp_serde::Deserializer::new(&mut cursor))
            .map_err(|_| bad())?;
        let end = usize::try_from(cursor.position()).map_err(|_| bad())?;
        fields.push((name, named.get(start..end).ok_or_else(bad)?));
    }
    Ok(fields)
}

/// The `MessagePack` bytes behind the codec byte.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    match bytes.split_first() {
        Some((&NAMED, rest)) => Ok(Cow::Borrowed(rest)),
        Some((&NAMED_ZSTD, mut rest)) => {
            let length = varint::take(&mut rest)
                .and_then(|length| usize::try_from(length).ok())
                .filter(|length| *length <= RECORD_BYTES_MAX)
                .ok_or_else(|| Error::corrupt("record value", "length out of range"))?;
            decompress(rest, length).map(Cow::Owned)
        }
        Some((byte, _)) => {
            Err(Error::corrupt("record value", format!("codec byte {byte} is unknown")))
        }
        None => Err(Error::corrupt("record value", "no bytes")),
    }
}

/// An encoded value without its compression.
pub(crate) fn plain(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    if bytes.first() != Some(&NAMED_ZSTD) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut plain = vec![NAMED];
    plain.extend_from_slice(&unpack(bytes)?);
    Ok(Cow::Owned(plain))
}

/// Compresses bytes into one zstd frame.
pub(crate) fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    compress_at(LEVEL, bytes).map_err(|source| Error::engine("zstd", "compress a value", source))
}

/// Compresses bytes that are read seldom into one smaller zstd frame, at a third of the speed.
pub(crate) fn compress_small(bytes: &[u8]) -> Result<Vec<u8>> {
    let packed = compress_at(LEVEL_SMALL, bytes);
    packed.map_err(|source| Error::engine("zstd", "compress a block", source))
}

/// Bytes up to which a thread keeps what it compresses with. Making that anew costs more than
/// compressing a record; for larger values it takes megabytes, which nobody should keep.
const KEPT_BYTES_MAX: usize = 128 << 10;

thread_local! {
    static COMPRESSOR: RefCell<Option<(i32, Compressor<'static>)>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn compress_at(level: i32, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    if bytes.len() > KEPT_BYTES_MAX {
        return zstd::bulk::compress(bytes, level);
    }
    COMPRESSOR.with_borrow_mut(|kept| {
        let (at, compressor) = match kept {
            Some(kept) => kept,
            None => kept.insert((level, Compressor::new(level)?)),
        };
        if *at != level {
            compressor.set_compression_level(level)?;
            *at = level;
        }
        compressor.compress(bytes)
    })
}

fn decompress_to(frame: &[u8], length: usize) -> std::io::Result<Vec<u8>> {
    if length > KEPT_BYTES_MAX {
        return zstd::bulk::decompress(frame, length);
    }
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(kept) => kept,
            None => kept.insert(Decompressor::new()?),
        };
        decompressor.decompress(frame, length)
    })
}

/// Opens a frame that [`compress`] made of `length` bytes.
pub(crate) fn decompress(frame: &[u8], length: usize) -> Result<Vec<u8>> {
    let bytes = decompress_to(frame, length).map_err(|source| Error::Corrupt {
        place: "compressed value".into(),
        detail: format!("frame of {} bytes does not open", frame.len()),
        source: Some(Box::new(source)),
    })?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(Error::corrupt("compressed value", "frame has another length than it says"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Old {
        name: String,
        size: Option<i64>,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct New {
        added: u8,
        name: String,
    }

    #[test]
    fn fields_can_be_added_dropped_and_reordered() {
        let old = Old { name: "x".repeat(5_000), size: Some(4) };
        let bytes = encode(&old).unwrap();
        assert!(bytes.len() < 200, "long text is compressed");
        assert_eq!(decode::<Old>(&bytes).unwrap(), old);
        assert_eq!(decode::<New>(&bytes).unwrap().name, old.name);
    }

    #[test]
    fn a_value_can_be_kept_without_compression() {
        let old = Old { name: "x".repeat(5_000), size: Some(4) };
        let bytes = encode(&old).unwrap();
        let plain = plain(&bytes).unwrap();
        assert!(plain.len() > 5_000);
        assert_eq!(decode::<Old>(&plain).unwrap(), old);
    }

    #[test]
    fn fields_of_two_versions_are_joined() {
        let ours = encode(&Old { name: "ours".into(), size: Some(1) }).unwrap();
        let theirs = encode(&Old { name: "theirs".repeat(200), size: Some(2) }).unwrap();
        let joined = with_fields(&ours, &theirs, &BTreeSet::from(["size"])).unwrap();
        let expected = Old { name: "ours".into(), size: Some(2) };
        assert_eq!(decode::<Old>(&joined).unwrap(), expected);
    }

    #[test]
    fn broken_bytes_are_errors() {
        let good = encode(&Old { name: "y".repeat(900), size: None }).unwrap();
        for cut in 0..good.len() {
            assert!(decode::<Old>(&good[..cut]).is_err(), "cut at {cut}");
        }
        assert!(decode::<Old>(&[9, 1, 2]).is_err());
        assert!(decode::<Old>(&[2, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1]).is_err());
    }
}
