//! Rows that are left out of a database because they would stop the old application: they go into
//! a file beside it, one JSON object a line.
//!
//! A line holds table, row id, column and reason, and under `cells` every column with its value as
//! it was stored: integers, numbers and text as such, other cells as an object with one key:
//! `{"blob": HEX}`, `{"text": HEX}` for text that is none, `{"real": WORD}` for infinity.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use tempfile::NamedTempFile;

use super::judge::Fault;
use super::output::Existing;
use super::schema::ColumnText;
use super::value::{Cell, Encoding};
use crate::base::error::{Error, Result};

/// Collects the rows that are left out. The file appears when it is kept, and only if there are
/// any.
#[derive(Debug)]
pub(super) struct Quarantine {
    path: PathBuf,
    existing: Existing,
    file: Option<BufWriter<NamedTempFile>>,
}

impl Quarantine {
    /// The quarantine of the database at `target`.
    pub(super) fn beside(target: &Path, existing: Existing) -> Result<Self> {
        let mut path = target.as_os_str().to_owned();
        path.push(".quarantine.jsonl");
        let path = PathBuf::from(path);
        if existing == Existing::Refuse && std::fs::symlink_metadata(&path).is_ok() {
            return Err(Error::already_exists("file", path.display()));
        }
        Ok(Self { path, existing, file: None })
    }

    /// The name of the file.
    pub(super) fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Adds a row.
    pub(super) fn add(&mut self, row: &QuarantinedRow<'_>) -> Result<()> {
        let mut line = serde_json::to_vec(row)
            .map_err(|error| Error::invalid("quarantined row", error.to_string()))?;
        line.push(b'\n');
        let path = &self.path;
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let made = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
                let made = made.map_err(|error| Error::io("create", path, error))?;
                none.insert(BufWriter::new(made))
            }
        };
        file.write_all(&line).map_err(|error| Error::io("write", path, error))
    }

    /// Gives the file its name. One that an earlier export left there goes.
    pub(super) fn keep(self) -> Result<()> {
        let Self { path, existing, file } = self;
        let Some(file) = file else {
            return match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(Error::io("remove", path, error))
                }
                _ => Ok(()),
            };
        };
        let failed = |error| Error::io("write", &path, error);
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        let kept = match existing {
            Existing::Replace => file.persist(&path),
            Existing::Refuse => file.persist_noclobber(&path),
        };
        kept.map(drop).map_err(|error| failed(error.error))
    }
}

/// A row that is left out.
#[derive(Serialize)]
pub(super) struct QuarantinedRow<'a> {
    table: &'a str,
    rowid: i64,
    column: &'a str,
    reason: &'a str,
    cells: Cells<'a>,
}

impl<'a> QuarantinedRow<'a> {
    pub(super) fn new(
        table: &'a str,
        rowid: i64,
        fault: &'a Fault,
        (columns, cells, encoding): (&'a [ColumnText], &'a [Cell<'a>], Encoding),
    ) -> Self {
        let cells = Cells { columns, values: cells, encoding };
        Self { table, rowid, column: &fault.column, reason: &fault.reason, cells }
    }
}

struct Cells<'a> {
    columns: &'a [ColumnText],
    values: &'a [Cell<'a>],
    encoding: Encoding,
}

impl Serialize for Cells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for (column, cell) in self.columns.iter().zip(self.values) {
            map.serialize_entry(&column.name, &One { cell, encoding: self.encoding })?;
        }
        map.end()
    }
}

struct One<'a> {
    cell: &'a Cell<'a>,
    encoding: Encoding,
}

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (key, value) = match *self.cell {
            Cell::Null => return serializer.serialize_none(),
            Cell::Integer(number) => return serializer.serialize_i64(number),
            Cell::Real(number) if number.is_finite() => return serializer.serialize_f64(number),
            Cell::Real(number) => ("real", number.to_string()),
            Cell::Text(bytes) => match self.encoding.decode(bytes) {
                Some(text) => return serializer.serialize_str(&text),
                None => ("text", hex(bytes)),
            },
            Cell::Blob(bytes) => ("blob", hex(bytes)),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(key, &value)?;
        map.end()
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.extend([byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)])));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<ColumnText> {
        let column = |name: &&str| ColumnText { name: (*name).to_owned(), ..ColumnText::default() };
        names.iter().map(column).collect()
    }

    #[test]
    fn rows_are_written_with_every_storage_class() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("made.db");
        let columns = columns(&["z", "a", "b", "c", "d", "e", "f"]);
        let cells = [
            Cell::Null,
            Cell::Integer(1),
            Cell::Real(1.0),
            Cell::Real(f64::NEG_INFINITY),
            Cell::Text(b"a\"\n"),
            Cell::Text(b"\xff"),
            Cell::Blob(b"\x00\x1f"),
        ];
        let fault = Fault { column: "a".into(), reason: "it is odd".into() };
        let row = QuarantinedRow::new("t", -3, &fault, (&columns, &cells, Encoding::Utf8));
        let mut quarantine = Quarantine::beside(&target, Existing::Refuse).unwrap();
        quarantine.add(&row).unwrap();
        quarantine.add(&row).unwrap();
        quarantine.keep().unwrap();
        let path = folder.path().join("made.db.quarantine.jsonl");
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = "{\"table\":\"t\",\"rowid\":-3,\"column\":\"a\",\"reason\":\"it is odd\",\
             \"cells\":{\"z\":null,\"a\":1,\"b\":1.0,\"c\":{\"real\":\"-inf\"},\"d\":\"a\\\"\\n\",\
             \"e\":{\"text\":\"ff\"},\"f\":{\"blob\":\"001f\"}}}\n";
        assert_eq!(text, expected.repeat(2));
        assert!(Quarantine::beside(&target, Existing::Refuse).is_err(), "it is there already");
        Quarantine::beside(&target, Existing::Replace).unwrap().keep().unwrap();
        assert!(!path.exists(), "nothing is left out any more");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
