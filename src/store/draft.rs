//! New records made ready on one thread and written on another: encoded, described, and packed so
//! that handing them over costs no allocation a record.
//!
//! Names of indexes and edge types get their numbers from the write, so a draft counts its own
//! names from 0, and its rows are renumbered when they are written.

use super::core::Core;
use super::entry::{Adjacent, Implied};
use super::record_write::Writer;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::varint;
use crate::record::{Record, facts_of};
use crate::storage::{RowsMut, TableId, index};

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
struct Draft<'a> {
    drafts: &'a Drafts,
    id: NodeId,
    value: &'a [u8],
    /// The end of the value, from which the rows go on.
    bytes: u32,
    unique: (u32, u32),
    index: (u32, u32),
    adjacent: &'a [Adjacent],
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

    /// Bytes that they take in memory, nearly.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
            + size_of_val(&self.rows[..])
            + size_of_val(&self.adjacent[..])
            + size_of_val(&self.records[..])
    }

    /// The names of indexes and edge types, in the order of the numbers that they have here.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The records, in order.
    fn records(&self) -> impl Iterator<Item = Draft<'_>> {
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
    fn unique(self) -> impl Iterator<Item = DraftRow<'a>> {
        self.rows(self.unique)
    }

    /// The rows of its indexes.
    fn index(self) -> impl Iterator<Item = DraftRow<'a>> {
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
struct DraftRow<'a>(&'a [u8]);

impl DraftRow<'_> {
    /// Writes the row into `out` with the name's number from `numbers`.
    fn renumbered(self, numbers: &[u32], out: &mut Vec<u8>) -> Result<()> {
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

impl Adjacent {
    /// The entry with the number of its edge type from `numbers`.
    fn renumbered(mut self, numbers: &[u32]) -> Result<Self> {
        let number = numbers.get(self.entry.edge_type as usize);
        let lost = || Error::invalid("draft", "a link names no edge type");
        self.entry.edge_type = *number.ok_or_else(lost)?;
        Ok(self)
    }
}

impl<R: RowsMut> Writer<R> {
    /// Writes records that are known to be new, as [`Writer::insert_new`] does where taken keys are
    /// passed over. Gives how many had a natural key that was taken.
    pub(crate) fn insert_drafts(&mut self, core: &Core, drafts: &Drafts) -> Result<u64> {
        let numbers: Vec<u32> = drafts
            .names()
            .map(|name| core.names.intern(name, &mut self.new_names, &mut self.rows))
            .collect::<Result<_>>()?;
        let (mut row, mut taken) = (Vec::new(), 0);
        for draft in drafts.records() {
            let id = draft.id;
            let mut free = true;
            for unique in draft.unique() {
                unique.renumbered(&numbers, &mut row)?;
                match self.rows.get(TableId::UNIQUE, &row)? {
                    None => self.rows.put(TableId::UNIQUE, &row, &index::unique_value(id))?,
                    Some(value) => free &= index::unique_id(id.kind(), &value)? == id,
                }
            }
            for index in draft.index() {
                index.renumbered(&numbers, &mut row)?;
                self.rows.put(TableId::INDEX, &row, &[])?;
            }
            for adjacent in draft.adjacent {
                self.connect(adjacent.renumbered(&numbers)?)?;
            }
            self.put_new(core, id, draft.value)?;
            taken += u64::from(!free);
        }
        Ok(taken)
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

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::base::id::Kind;
    use crate::base::time::{ManualClock, Timestamp};
    use crate::record::Facts;
    use crate::storage::{KeyRange, Rows as _};
    use crate::store::{Store, WriteTx};

    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Part {
        name: String,
        code: u8,
        of: Option<NodeId>,
        beside: Option<NodeId>,
        relation: String,
    }

    impl Record for Part {
        const NAME: &'static str = "test_part";
        fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
            facts.unique("name", &self.name);
            if self.code > 0 {
                facts.unique("code", self.code);
                facts.index("by_code", self.code);
            }
            facts.index("by_name", &self.name);
            facts.link("of", self.of);
            facts.link("of", self.beside);
            if let (Some(of), Some(beside)) = (self.of, self.beside) {
                facts.edge(of, &self.relation, beside, 0.5);
            }
        }
    }

    fn part(key: u64) -> NodeId {
        NodeId::new(Kind(128), key).unwrap()
    }

    /// Parts that share names, codes and links, with and without each.
    fn parts() -> Vec<(NodeId, Part)> {
        let of = |key: u64, every: u64| (key.is_multiple_of(every)).then(|| part(key / every + 1));
        let make = |key: u64| Part {
            name: format!("part {}", key % 40),
            code: if key.is_multiple_of(3) { (key / 3) as u8 } else { 0 },
            of: of(key, 2),
            beside: of(key, 4),
            relation: if key.is_multiple_of(8) { "touches" } else { "of" }.into(),
        };
        (1..60).map(|key| (part(key), make(key))).collect()
    }

    /// Every row of a store into which `write` has written.
    fn rows_after(write: impl FnOnce(&mut WriteTx<'_>) -> Result<u64>) -> (u64, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::new(Timestamp::from_micros(7));
        let store = Store::builder()
            .register::<Part>()
            .clock(std::sync::Arc::new(clock))
            .create(directory.path().join("store"))
            .unwrap();
        // The names that are known have other numbers than those that the drafts give.
        store.write(|tx| tx.insert(&Part { name: "born".into(), ..Part::default() })).unwrap();
        let taken = store
            .bulk(|tx| {
                tx.set_source(Some(3));
                write(tx)
            })
            .unwrap();
        let read = store.read().unwrap();
        let rows = TableId::all().flat_map(|table| {
            let rows = read.rows().range(table, KeyRange::all()).unwrap();
            rows.map(move |row| row.map(|(key, value)| format!("{table:?} {key:?} {:?}", &*value)))
        });
        (taken, rows.collect::<Result<_>>().unwrap())
    }

    #[test]
    fn drafts_are_written_as_records_one_by_one_are() {
        let parts = || parts().into_iter().map(|(id, record)| (part(id.key() + 1), record));
        let one_by_one = rows_after(|tx| {
            let mut taken = 0;
            for (id, record) in parts() {
                taken += u64::from(!tx.insert_imported(id, &record)?);
            }
            Ok(taken)
        });
        let drafted = rows_after(|tx| {
            let mut drafts = Drafts::default();
            for (id, record) in parts() {
                drafts.push(id, 3, &record)?;
            }
            assert_eq!(drafts.len(), parts().count());
            tx.insert_drafts(&drafts)
        });
        assert_eq!(drafted.0, 19, "parts 41 to 59 have names that others have");
        assert_eq!(drafted.1.len(), one_by_one.1.len());
        assert_eq!(drafted, one_by_one);
    }
}
