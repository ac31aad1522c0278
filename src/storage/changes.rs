//! The change log: one entry a write, the only feed of derived views.
//!
//! Key: sequence number and part, both big-endian. Part 0 starts with the time of the write; every
//! part holds runs of (operation, first id, count), so a load of a million records is a few bytes.

use super::rows::{KeyRange, Rows, RowsMut};
use super::tables::TableId;
use super::trim::Limit;
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, Kind, NodeId, Seq};
use crate::base::time::Timestamp;
use crate::base::varint;

/// Bytes after which a part is cut, below a page of the engine.
const PART_BYTES: usize = 3_800;

/// What happened to a run of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Records were written: inserted or replaced.
    Put,
    /// Records were deleted.
    Delete,
    /// Edges were made.
    Link,
    /// Edges were removed.
    Unlink,
    /// Vectors of records were written or deleted; the records themselves are as they were.
    Embed,
}

impl Operation {
    fn code(self) -> u8 {
        match self {
            Self::Put => 1,
            Self::Delete => 2,
            Self::Link => 3,
            Self::Unlink => 4,
            Self::Embed => 5,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Put,
            2 => Self::Delete,
            3 => Self::Link,
            4 => Self::Unlink,
            5 => Self::Embed,
            _ => return None,
        })
    }
}

/// One run of ids that one write changed in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The write.
    pub seq: Seq,
    /// When it was accepted.
    pub time: Timestamp,
    /// What happened.
    pub operation: Operation,
    /// The first id: a [`NodeId`] for records, an [`EdgeId`] for edges.
    first: u64,
    /// How many ids follow each other from there, the first included.
    pub count: u64,
}

impl Change {
    /// The records of the run; empty for edges.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        let count = match self.operation {
            Operation::Put | Operation::Delete | Operation::Embed => self.count,
            Operation::Link | Operation::Unlink => 0,
        };
        let first = self.first;
        (0..count).map(move |step| NodeId::from_u64(first + step))
    }

    /// The first id of the run, as a number.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The last id of the run, as a number; none in a run of none.
    pub(crate) fn last(&self) -> Option<u64> {
        // Reading checked that the sum fits.
        self.count.checked_sub(1).map(|steps| self.first + steps)
    }

    /// Whether the run holds that id.
    pub(crate) fn contains(&self, id: u64) -> bool {
        id >= self.first && id - self.first < self.count
    }

    /// The edges of the run; empty for records.
    pub fn edges(&self) -> impl Iterator<Item = EdgeId> + use<> {
        let count = match self.operation {
            Operation::Put | Operation::Delete | Operation::Embed => 0,
            Operation::Link | Operation::Unlink => self.count,
        };
        let first = self.first;
        (0..count).map(move |step| EdgeId::from_u64(first + step))
    }
}

/// The runs of one write, gathered while it goes on.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    runs: Vec<(Operation, u64, u64)>,
    /// Runs of [`Operation::Embed`], kept apart: a load that writes records and their vectors by
    /// turns is two runs, not two for each record.
    embedded: Vec<(Operation, u64, u64)>,
    /// Changes of records, by kind; as long as the greatest kind that changed needs.
    counts: Vec<u64>,
}

impl Gathered {
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.embedded.is_empty()
    }

    /// Notes one id. Ids that follow each other join one run.
    pub(crate) fn push(&mut self, operation: Operation, id: u64) {
        self.push_run(operation, id, 1);
    }

    /// How many changes of records of a kind there were.
    pub(crate) fn count_of(&self, kind: Kind) -> u64 {
        self.counts.get(kind.index()).copied().unwrap_or_default()
    }

    fn count(&mut self, operation: Operation, first: u64, count: u64) {
        if matches!(operation, Operation::Put | Operation::Delete) {
            let kind = NodeId::from_u64(first).kind().index();
            if self.counts.len() <= kind {
                self.counts.resize(kind + 1, 0);
            }
            self.counts[kind] += count;
        }
    }

    pub(crate) fn push_run(&mut self, operation: Operation, first: u64, count: u64) {
        self.count(operation, first, count);
        let runs = match operation {
            Operation::Embed => &mut self.embedded,
            _ => &mut self.runs,
        };
        if let Some((last, start, length)) = runs.last_mut()
            && *last == operation
        {
            if *start + *length == first {
                *length += count;
                return;
            }
            if first >= *start && first + count <= *start + *length {
                return;
            }
        }
        runs.push((operation, first, count));
    }

    /// Writes the entry of the write.
    pub(crate) fn write(&self, rows: &mut impl RowsMut, seq: Seq, time: Timestamp) -> Result<()> {
        let mut part = 0_u32;
        let mut value = Vec::with_capacity(32);
        varint::put_signed(&mut value, time.as_micros());
        for (operation, first, count) in self.runs.iter().chain(&self.embedded) {
            if value.len() > PART_BYTES {
                rows.put(TableId::CHANGES, &part_key(seq, part), &value)?;
                value.clear();
                part += 1;
            }
            value.push(operation.code());
            // The kind's byte goes to the low end, where a varint does not pay for it.
            varint::put(&mut value, first.rotate_left(8));
            varint::put(&mut value, *count);
        }
        rows.put(TableId::CHANGES, &part_key(seq, part), &value)
    }
}

pub(super) fn part_key(seq: Seq, part: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&seq.0.to_be_bytes());
    key[8..].copy_from_slice(&part.to_be_bytes());
    key
}

/// The write and the part behind a key.
pub(crate) fn split_key(key: &[u8]) -> Result<(Seq, u32)> {
    let bad = || Error::corrupt("table changes", format!("key of {} bytes", key.len()));
    let (seq, part) = key.split_first_chunk::<8>().ok_or_else(bad)?;
    let part: [u8; 4] = part.try_into().map_err(|_| bad())?;
    Ok((Seq(u64::from_be_bytes(*seq)), u32::from_be_bytes(part)))
}

/// The newest write in the log, with its time.
pub(crate) fn newest(rows: &impl Rows) -> Result<Option<(Seq, Timestamp)>> {
    let last = rows.first(TableId::CHANGES, KeyRange::all().descending())?;
    let Some((key, _)) = last else { return Ok(None) };
    let (seq, _) = split_key(&key)?;
    Ok(Some((seq, time_of(rows, seq)?)))
}

/// When a write of the log was accepted.
pub(crate) fn time_of(rows: &impl Rows, seq: Seq) -> Result<Timestamp> {
    let head = rows
        .get(TableId::CHANGES, &part_key(seq, 0))?
        .ok_or_else(|| Error::corrupt("table changes", format!("write {seq} has no head")))?;
    let time = varint::take_signed(&mut &head[..])
        .ok_or_else(|| Error::corrupt("table changes", format!("write {seq} has no time")))?;
    Ok(Timestamp::from_micros(time))
}

/// The oldest write of the log that counts: entries behind the limit may still wait to be swept.
pub(crate) fn oldest(rows: &impl Rows) -> Result<Option<Seq>> {
    let Some((key, _)) = rows.first(TableId::CHANGES, KeyRange::all())? else { return Ok(None) };
    let (first, _) = split_key(&key)?;
    let limit = Limit::load(rows)?;
    Ok(Some(limit.map_or(first, |limit| first.max(Seq(limit.seq.0.saturating_add(1))))))
}

/// Hands every change after `after` to `take`, in order, until it says stop.
pub(crate) fn read_after(
    rows: &dyn Rows,
    after: Seq,
    take: &mut dyn FnMut(Change) -> std::ops::ControlFlow<()>,
) -> Result<()> {
    let range = KeyRange::all().after(&part_key(after, u32::MAX));
    let mut time = Timestamp::default();
    for row in rows.range(TableId::CHANGES, range)? {
        let (key, value) = row?;
        if read_part(split_key(&key)?, &value, &mut time, take)?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// Hands the changes of one part of a write to `take`. The first part sets the time.
pub(crate) fn read_part(
    (seq, part): (Seq, u32),
    mut bytes: &[u8],
    time: &mut Timestamp,
    take: &mut dyn FnMut(Change) -> std::ops::ControlFlow<()>,
) -> Result<std::ops::ControlFlow<()>> {
    let bad = || Error::corrupt("table changes", format!("write {seq} part {part}"));
    if part == 0 {
        *time = Timestamp::from_micros(varint::take_signed(&mut bytes).ok_or_else(bad)?);
    }
    while let Some((&code, rest)) = bytes.split_first() {
        bytes = rest;
        let operation = Operation::from_code(code).ok_or_else(bad)?;
        let first = varint::take(&mut bytes).ok_or_else(bad)?.rotate_right(8);
        let count = varint::take(&mut bytes).ok_or_else(bad)?;
        if first.checked_add(count).is_none() {
            return Err(bad());
        }
        let change = Change { seq, time: *time, operation, first, count };
        if take(change).is_break() {
            return Ok(std::ops::ControlFlow::Break(()));
        }
    }
    Ok(std::ops::ControlFlow::Continue(()))
}

/// The runs of one part of a write.
pub(super) fn runs_of((seq, part): (Seq, u32), bytes: &[u8]) -> Result<Vec<Change>> {
    let mut runs = Vec::new();
    let mut take = |run| {
        runs.push(run);
        std::ops::ControlFlow::Continue(())
    };
    // Goes to the end, since nothing says stop.
    read_part((seq, part), bytes, &mut Timestamp::default(), &mut take).map(|_| runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_follow_each_other_join_one_run() {
        let mut gathered = Gathered::default();
        for id in [5, 6, 7, 6, 9] {
            gathered.push(Operation::Put, id);
        }
        gathered.push(Operation::Delete, 10);
        assert_eq!(
            gathered.runs,
            [(Operation::Put, 5, 3), (Operation::Put, 9, 1), (Operation::Delete, 10, 1)]
        );
    }

    #[test]
    fn records_and_vectors_written_by_turns_are_two_runs() {
        let mut gathered = Gathered::default();
        for id in 1..=100 {
            gathered.push(Operation::Put, id);
            gathered.push(Operation::Embed, id);
        }
        assert_eq!(gathered.runs, [(Operation::Put, 1, 100)]);
        assert_eq!(gathered.embedded, [(Operation::Embed, 1, 100)]);
        let only = Gathered { runs: Vec::new(), ..gathered };
        assert!(!only.is_empty());
    }
}
