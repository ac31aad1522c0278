//! Cells by storage class, as they are stored: nothing is converted, nothing is normalised.

use std::borrow::Cow;

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

pub(crate) use crate::storage::cells::Cell;

/// The text encoding of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Encoding {
    /// Text cells hold UTF-8, or what was stored as such.
    #[default]
    Utf8,
    /// Text cells hold UTF-16, low byte first.
    Utf16Le,
    /// Text cells hold UTF-16, high byte first.
    Utf16Be,
}

impl Encoding {
    /// The name in `PRAGMA encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16le",
            Self::Utf16Be => "UTF-16be",
        }
    }

    /// The encoding of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Utf8, Self::Utf16Le, Self::Utf16Be].into_iter().find(|known| known.name() == name)
    }

    /// Stored bytes as text. `None` when they are no text in this encoding.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        let unit = match self {
            Self::Utf8 => return std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Self::Utf16Le => u16::from_le_bytes,
            Self::Utf16Be => u16::from_be_bytes,
        };
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return None;
        }
        char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
            .collect::<Result<String, _>>()
            .ok()
            .map(Cow::Owned)
    }

    /// Text as it is stored.
    pub(crate) fn encode(self, text: &str) -> Cow<'_, [u8]> {
        match self {
            Self::Utf8 => Cow::Borrowed(text.as_bytes()),
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

impl Cell<'_> {
    /// A copy that owns its bytes.
    pub(crate) fn to_value(self) -> Value {
        match self {
            Cell::Null => Value::Null,
            Cell::Integer(number) => Value::Integer(number),
            Cell::Real(number) => Value::Real(number),
            Cell::Text(bytes) => Value::Text(bytes.to_vec()),
            Cell::Blob(bytes) => Value::Blob(bytes.to_vec()),
        }
    }
}

impl<'a> From<ValueRef<'a>> for Cell<'a> {
    fn from(value: ValueRef<'a>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(bytes) => Self::Text(bytes),
            ValueRef::Blob(bytes) => Self::Blob(bytes),
        }
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(number),
            Self::Real(number) => ValueRef::Real(number),
            Self::Text(bytes) => ValueRef::Text(bytes),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A cell that owns its bytes: what a record's field becomes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value {
    /// SQL NULL.
    #[default]
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text, in the encoding of its database.
    Text(Vec<u8>),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// Text in UTF-8 as it is stored in a database of that encoding; other values as they are.
    pub(crate) fn encoded(self, encoding: Encoding) -> Self {
        match self {
            Self::Text(bytes) if encoding != Encoding::Utf8 => {
                Self::Text(encoding.encode(&String::from_utf8_lossy(&bytes)).into_owned())
            }
            value => value,
        }
    }

    /// The same, borrowed.
    pub(crate) fn as_cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Integer(number) => Cell::Integer(*number),
            Self::Real(number) => Cell::Real(*number),
            Self::Text(bytes) => Cell::Text(bytes),
            Self::Blob(bytes) => Cell::Blob(bytes),
        }
    }
}

/// A cell list without elements and with the allocation of `cells`, for the next row.
pub(crate) fn recycle<'b>(mut cells: Vec<Cell<'_>>) -> Vec<Cell<'b>> {
    cells.clear();
    cells.into_iter().map(|_| Cell::Null).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_the_encoding_of_its_database() {
        let text = "a\u{e9}\u{1f600}\0";
        for encoding in [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be] {
            let stored = encoding.encode(text);
            assert_eq!(encoding.decode(&stored).as_deref(), Some(text));
            assert_eq!(Encoding::from_name(encoding.name()), Some(encoding));
        }
        assert_eq!(Encoding::Utf8.decode(b"\xff"), None);
        assert_eq!(Encoding::Utf16Le.decode(b"\x00\xd8"), None);
        assert_eq!(Encoding::Utf16Be.decode(b"\x00"), None);
    }

    #[test]
    fn cells_compare_by_class_and_bits() {
        assert_ne!(Cell::Real(0.0), Cell::Real(-0.0));
        assert_ne!(Cell::Integer(1), Cell::Real(1.0));
        assert_ne!(Cell::Text(b"1"), Cell::Blob(b"1"));
        assert_eq!(Cell::Real(f64::NAN), Cell::Real(f64::NAN));
    }

    #[test]
    fn recycled_lists_keep_their_allocation() {
        let cells = vec![Cell::Null; 40];
        let place = cells.as_ptr().cast::<u8>();
        let again = recycle(cells);
        assert_eq!((again.len(), again.as_ptr().cast::<u8>()), (0, place));
    }
}
