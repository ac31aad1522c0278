//! New records made ready on one thread and written on another: encoded, described, and packed so
//! that handing them over costs no allocation a record.
//!
//! Names of indexes and edge types get their numbers from the write, so a draft counts its own
//! names from 0, and its rows are renumbered when they are written.

use super::entry::{Adjacent, Implied};
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::varint;
use crate::record::{Record, facts_of};

/// Records that are ready to be written, in order.
#[derive(Debug, Default)]
pub(crate) struct Drafts {
    /// Names of indexes and edge types, by the numbers that the rows have here.
    names: Vec<Box<str>>,
    /// For each record its value, the rows of its natural keys and those of its indexes.
    bytes: Vec<u8>,
    /// Where each row ends in `bytes`.
    rows: Vec<u32>,
    adjacent: Vec<Adjacent>,
    records: Vec<Ends>,
}

/// Where the parts of one record end; they start where those of the record before it end.
#[derive(Clone, Copy, Debug)]
struct Ends {
    id: NodeId,
    value: u32,
    unique: u32,
    rows: u32,
    adjacent: u32,
}

/// One record that is ready to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'a> {
    drafts: &'a Drafts,
    pub(crate) id: NodeId,
    pub(crate) value: &'a [u8],
    /// The end of the value, from which the rows go on.
    bytes: u32,
    unique: (u32, u32),
    index: (u32, u32),
    pub(crate) adjacent: &'a [Adjacent],
}

impl Drafts {
    /// Encodes and describes a record of an imported source.
    pub(crate) fn push<T: Record>(&mut self, id: NodeId, source: u32, record: &T) -> Result<()> {
        let value = codec::encode(record)?;
        let names = &mut self.names;
        let number = &mut |name: &str| Ok(number_of(names, name));
        let implied = Implied::resolve(id, source, &facts_of(record), number)?;
        self.bytes.extend_from_slice(&value);
        let value = offset(self.bytes.len())?;
        for unique in &implied.unique {
            self.push_row(&unique.row)?;
        }
        let unique = offset(self.rows.len())?;
        for row in &implied.indexes {
            self.push_row(row)?;
        }
        self.adjacent.extend_from_slice(&implied.adjacent);
        let (rows, adjacent) = (offset(self.rows.len())?, offset(self.adjacent.len())?);
        self.records.push(Ends { id, value, unique, rows, adjacent });
        Ok(())
    }

    fn push_row(&mut self, row: &[u8]) -> Result<()> {
        self.bytes.extend_from_slice(row);
        self.rows.push(offset(self.bytes.len())?);
        Ok(())
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// The names of indexes and edge types, in the order of the numbers that they have here.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The records, in order.
    pub(crate) fn records(&self) -> impl Iterator<Item = Draft<'_>> {
        let (mut bytes, mut rows, mut adjacent) = (0, 0, 0);
        self.records.iter().map(move |ends| {
            let draft = Draft {
                drafts: self,
                id: ends.id,
                value: &self.bytes[bytes as usize..ends.value as usize],
                bytes: ends.value,
                unique: (rows, ends.unique),
                index: (ends.unique, ends.rows),
                adjacent: &self.adjacent[adjacent as usize..ends.adjacent as usize],
            };
            bytes = draft.end_of_row(ends.rows);
            (rows, adjacent) = (ends.rows, ends.adjacent);
            draft
        })
    }
}

impl<'a> Draft<'a> {
    /// The rows of its natural keys.
    pub(crate) fn unique(self) -> impl Iterator<Item = DraftRow<'a>> {
        self.rows(self.unique)
    }

    /// The rows of its indexes.
    pub(crate) fn index(self) -> impl Iterator<Item = DraftRow<'a>> {
        self.rows(self.index)
    }

    fn rows(self, (from, to): (u32, u32)) -> impl Iterator<Item = DraftRow<'a>> {
        (from..to).map(move |row| {
            let (start, end) = (self.end_of_row(row), self.end_of_row(row + 1));
            DraftRow(&self.drafts.bytes[start as usize..end as usize])
        })
    }

    /// Where the row before that one ends.
    fn end_of_row(self, row: u32) -> u32 {
        if row == self.unique.0 { self.bytes } else { self.drafts.rows[row as usize - 1] }
    }
}

/// A row with the number that its name has in the draft.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DraftRow<'a>(&'a [u8]);

impl DraftRow<'_> {
    /// Writes the row into `out` with the name's number from `numbers`.
    pub(crate) fn renumbered(self, numbers: &[u32], out: &mut Vec<u8>) -> Result<()> {
        let lost = || Error::invalid("draft", "a row names no index");
        let (kind, mut rest) = self.0.split_first().ok_or_else(lost)?;
        let number = varint::take(&mut rest).and_then(|local| numbers.get(local as usize));
        out.clear();
        out.push(*kind);
        varint::put(out, u64::from(*number.ok_or_else(lost)?));
        out.extend_from_slice(rest);
        Ok(())
    }
}

/// The number of a name among those of a draft; there are few, so they are just looked through.
fn number_of(names: &mut Vec<Box<str>>, name: &str) -> u32 {
    let place = names.iter().position(|known| **known == *name).unwrap_or_else(|| {
        names.push(name.into());
        names.len() - 1
    });
    place as u32
}

fn offset(found: usize) -> Result<u32> {
    let max = u64::from(u32::MAX);
    u32::try_from(found).map_err(|_| Error::Limit {
        what: "records of one block in bytes".into(),
        max,
        found: found as u64,
    })
}
