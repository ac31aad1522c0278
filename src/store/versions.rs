//! The past of records: every value that one of them had, and all of a type as they were.
//!
//! Overwrites and deletes leave the value from before them, creations only their change; so both
//! walk the change log.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::read::{Published, ReadTx};
use super::record_read;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::{NodeId, Seq};
use crate::base::time::Timestamp;
use crate::record::{History, Record};
use crate::storage::changes::{self, Operation};
use crate::storage::trim::Limit;
use crate::storage::{Bytes, KeyRange, Rows, TableId, index};

/// A value that a record had, until the next one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Version<T> {
    /// The write that gave it this value; `None` where the change log no longer tells.
    pub seq: Option<Seq>,
    /// The time of that write.
    pub time: Option<Timestamp>,
    /// The value; `None` where the write deleted the record.
    pub value: Option<T>,
}

impl ReadTx {
    /// The present time, for ends of validity: that of the store's clock, but not before the newest
    /// write that this view sees, whose clock may have been ahead.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        // A log that cannot be read is told by whoever reads a record.
        let newest = changes::newest(self.rows()).ok().flatten();
        let clock = self.core().clock.now();
        newest.map_or(clock, |(_, time)| clock.max(time))
    }

    /// The last write that was accepted at or before a time.
    ///
    /// # Errors
    /// [`Error::Trimmed`] when the log no longer reaches back that far.
    pub fn seq_at(&self, time: Timestamp) -> Result<Seq> {
        seq_at(self.published(), time)
    }

    /// Every value that the record `id` had, oldest first, as far as they are kept. Types without
    /// a history know the present one only. Walks the change log.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a value does not decode; [`Error::NotFound`] when `T` is not
    /// registered.
    pub fn versions<T: Record>(&self, id: NodeId) -> Result<Vec<Version<T>>> {
        if id.kind() != self.core().kinds.of::<T>()? {
            return Ok(Vec::new());
        }
        if T::HISTORY == History::None {
            let value = self.get(id)?;
            let version = value.map(|value| Version { seq: None, time: None, value: Some(value) });
            return Ok(version.into_iter().collect());
        }
        versions_of(self.rows(), id)
    }

    /// The records of a type as they were after write `at`, in the order of their ids. Reads every
    /// record, and the change log from there on.
    ///
    /// # Errors
    /// [`Error::Trimmed`] when the log no longer reaches back that far; [`Error::Invalid`] for a
    /// type without a history; else as [`ReadTx::versions`].
    pub fn all_as_of<T: Record>(&self, at: Seq) -> Result<Vec<(NodeId, T)>> {
        if T::HISTORY == History::None {
            return Err(Error::invalid("at", format!("{} records keep no history", T::NAME)));
        }
        let (rows, kind) = (self.rows(), self.core().kinds.of::<T>()?);
        if let Some(oldest) = changes::oldest(rows)?
            && at.0.saturating_add(1) < oldest.0
        {
            return Err(Error::Trimmed { oldest: oldest.0 });
        }
        let mut changed = BTreeMap::new();
        changes::read_after(rows, at, &mut |change| {
            if is_of_a_record(change.operation) {
                for id in change.nodes().filter(|id| id.kind() == kind) {
                    changed.entry(id).or_insert(change.seq);
                }
            }
            ControlFlow::Continue(())
        })?;
        let mut found = Vec::new();
        for row in self.iter::<T>()? {
            let (id, record) = row?;
            if !changed.contains_key(&id) {
                found.push((id, record));
            }
        }
        for (id, first) in changed {
            if let Some(before) = before(rows, id, first)? {
                found.push((id, codec::decode(&before)?));
            }
        }
        found.sort_by_key(|(id, _)| *id);
        Ok(found)
    }
}

/// The last write that was accepted at or before a time.
pub(super) fn seq_at(published: &Published, time: Timestamp) -> Result<Seq> {
    let rows = &*published.rows;
    let Some(oldest) = changes::oldest(rows)? else { return Ok(published.seq) };
    // The greatest write whose time is not later, by halves; times grow with the writes.
    let (mut not_later, mut later) = (Seq(oldest.0 - 1), Seq(published.seq.0 + 1));
    while later.0 - not_later.0 > 1 {
        let middle = Seq(not_later.0 + (later.0 - not_later.0) / 2);
        if changes::time_of(rows, middle)? <= time {
            not_later = middle;
        } else {
            later = middle;
        }
    }
    if not_later >= oldest || oldest == Seq(1) {
        return Ok(not_later);
    }
    // The state that the last trimmed write left can be read; the limit knows since when it was.
    match Limit::load(rows)? {
        Some(limit) if limit.seq == not_later && limit.time <= time => Ok(not_later),
        _ => Err(Error::Trimmed { oldest: oldest.0 }),
    }
}

fn is_of_a_record(operation: Operation) -> bool {
    matches!(operation, Operation::Put | Operation::Delete)
}

/// What a record was before a change of it; nothing where that change made it.
fn before(rows: &impl Rows, id: NodeId, change: Seq) -> Result<Option<Bytes>> {
    rows.get(TableId::HISTORY, &index::history_key(id, change))
}

fn versions_of<T: Record>(rows: &impl Rows, id: NodeId) -> Result<Vec<Version<T>>> {
    let mut known = BTreeMap::new();
    changes::read_after(rows, Seq(0), &mut |change| {
        if is_of_a_record(change.operation) && change.contains(id.as_u64()) {
            known.insert(change.seq, change.time);
        }
        ControlFlow::Continue(())
    })?;
    // History is kept at its own length: writes that the log has forgotten may have left values.
    let mut ends: BTreeSet<Seq> = known.keys().copied().collect();
    for row in rows.range(TableId::HISTORY, KeyRange::prefix(&id.as_u64().to_be_bytes()))? {
        let (key, _) = row?;
        ends.extend(key.last_chunk::<8>().map(|seq| Seq(u64::from_be_bytes(*seq))));
    }
    let mut found = Vec::with_capacity(ends.len() + 1);
    let mut began: Option<Seq> = None;
    for end in ends {
        let value: Option<T> =
            before(rows, id, end)?.map(|bytes| codec::decode(&bytes)).transpose()?;
        if began.is_some() || value.is_some() {
            let time = began.and_then(|seq| known.get(&seq).copied());
            found.push(Version { seq: began, time, value });
        }
        began = Some(end);
    }
    let value = record_read::raw(rows, id)?.map(|bytes| codec::decode(&bytes)).transpose()?;
    if began.is_some() || value.is_some() {
        let time = began.and_then(|seq| known.get(&seq).copied());
        found.push(Version { seq: began, time, value });
    }
    Ok(found)
}
