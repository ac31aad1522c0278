//! Reading records, through the rows of a reader or of a write.

use std::marker::PhantomData;
use std::ops::ControlFlow;

use super::core::Core;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId, Seq};
use crate::base::key::{self, Key};
use crate::record::Record;
use crate::storage::changes::{self, Operation};
use crate::storage::tables::{record_key, record_key_from};
use crate::storage::{Bytes, KeyRange, RowIter, Rows, TableId, index};

/// The value of a record, decoded.
pub(crate) fn get<T: Record>(core: &Core, rows: &impl Rows, id: NodeId) -> Result<Option<T>> {
    let kind = core.kinds.of::<T>()?;
    if id.kind() != kind {
        return Ok(None);
    }
    raw(rows, id)?.map(|bytes| codec::decode(&bytes)).transpose()
}

/// The value of a record, as bytes.
pub(crate) fn raw(rows: &impl Rows, id: NodeId) -> Result<Option<Bytes>> {
    rows.get(TableId::records(id.kind()), &record_key(id.key()))
}

/// The record with a natural key, among what was born here and then among each source. `name` is
/// the number of the index's name.
pub(crate) fn find_id(
    core: &Core,
    rows: &impl Rows,
    kind: Kind,
    name: Option<u32>,
    key: &[u8],
) -> Result<Option<NodeId>> {
    let Some(number) = name else { return Ok(None) };
    if let Some(found) = find_in_source(rows, kind, number, 0, key)? {
        return Ok(Some(found));
    }
    for source in core.sources.all() {
        if let Some(found) = find_in_source(rows, kind, number, source.number, key)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The record with a natural key within one source.
pub(crate) fn find_in_source(
    rows: &impl Rows,
    kind: Kind,
    name: u32,
    source: u32,
    key: &[u8],
) -> Result<Option<NodeId>> {
    let row = index::unique_key(kind, name, source, key);
    let found = rows.get(TableId::UNIQUE, &row)?;
    found.map(|value| index::unique_id(kind, &value)).transpose()
}

/// The records whose natural key starts with the given one: those born here, then those of each
/// source, each part in the order of the key. Records kept without their key are not among them.
pub(crate) fn find_all<T: Record>(
    core: &Core,
    rows: &impl Rows,
    name: Option<u32>,
    prefix: &impl Key,
) -> Result<Vec<(NodeId, T)>> {
    let mut found = Vec::new();
    let Some(number) = name else { return Ok(found) };
    let kind = core.kinds.of::<T>()?;
    let key = key::bytes_of(prefix);
    let known = core.sources.all();
    for source in std::iter::once(0).chain(known.iter().map(|source| source.number)) {
        let start = index::unique_key(kind, number, source, &key);
        for row in rows.range(TableId::UNIQUE, KeyRange::prefix(&start))? {
            let id = index::unique_id(kind, &row?.1)?;
            let record = get(core, rows, id)?;
            let missing = || Error::corrupt("table unique", format!("row of {id}, which is gone"));
            found.push((id, record.ok_or_else(missing)?));
        }
    }
    Ok(found)
}

/// The identity of a record from the key of its row.
pub(crate) fn id_of(kind: Kind, key: &[u8]) -> Result<NodeId> {
    let key = record_key_from(key);
    NodeId::new(kind, key).ok_or_else(|| {
        Error::corrupt(TableId::records(kind).name(), format!("key {key} has more than 56 bits"))
    })
}

/// Every record of a type, in the order of their ids.
pub(crate) fn scan<'a, T: Record>(
    core: &'a Core,
    rows: &'a impl Rows,
    after: Option<NodeId>,
) -> Result<RecordScan<'a, T>> {
    let kind = core.kinds.of::<T>()?;
    let mut range = KeyRange::all();
    if let Some(after) = after {
        range = range.after(&record_key(after.key()));
    }
    let rows = rows.range(TableId::records(kind), range)?;
    Ok(RecordScan { kind, rows, record: PhantomData })
}

/// Which part of an index, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Keys that start with the given one.
    Prefix,
    /// The same, greatest key first.
    PrefixDescending,
    /// Keys from the given one on.
    From,
}

/// The records of a type in the order of an index, narrowed by a key. `name` is the number of the
/// index's name.
pub(crate) fn index_scan<'a, T: Record, R: Rows>(
    rows: &'a R,
    kind: Kind,
    name: Option<u32>,
    key: &impl Key,
    part: Part,
) -> Result<IndexScan<'a, T>> {
    let Some(number) = name else { return Ok(IndexScan::empty(kind, rows)) };
    let whole = index::index_prefix(kind, number);
    let mut start = whole.clone();
    key.write_key(&mut start);
    key::shorten(&mut start, whole.len());
    let range = match part {
        Part::Prefix => KeyRange::prefix(&start),
        Part::PrefixDescending => KeyRange::prefix(&start).descending(),
        Part::From => KeyRange::prefix(&whole).starting_at(&start),
    };
    let entries = rows.range(TableId::INDEX, range)?;
    Ok(IndexScan { kind, rows, entries, record: PhantomData })
}

/// As [`index_scan`], greatest key first, from the row before that of record `id` under `key` on.
pub(crate) fn index_before<'a, T: Record, R: Rows>(
    rows: &'a R,
    kind: Kind,
    name: Option<u32>,
    prefix: &impl Key,
    (key, id): (&impl Key, NodeId),
) -> Result<IndexScan<'a, T>> {
    let Some(number) = name else { return Ok(IndexScan::empty(kind, rows)) };
    let whole = index::index_prefix(kind, number);
    let mut start = whole.clone();
    prefix.write_key(&mut start);
    key::shorten(&mut start, whole.len());
    let mut place = whole.clone();
    key.write_key(&mut place);
    key::shorten(&mut place, whole.len());
    let place = index::index_key(kind, number, &place[whole.len()..], id);
    let range = KeyRange::prefix(&start).before(&place).descending();
    let entries = rows.range(TableId::INDEX, range)?;
    Ok(IndexScan { kind, rows, entries, record: PhantomData })
}

/// Up to `limit` rows of an index whose key starts with the given one, counted without reading
/// their records.
pub(crate) fn index_count(
    rows: &impl Rows,
    kind: Kind,
    name: Option<u32>,
    key: &impl Key,
    limit: usize,
) -> Result<usize> {
    let Some(number) = name else { return Ok(0) };
    let whole = index::index_prefix(kind, number);
    let mut start = whole.clone();
    key.write_key(&mut start);
    key::shorten(&mut start, whole.len());
    let entries = rows.range(TableId::INDEX, KeyRange::prefix(&start))?;
    entries.take(limit).try_fold(0, |count, entry| entry.map(|_| count + 1))
}

/// The value that a record of a versioned type had at the end of write `at`. Overwrites and deletes
/// left the value from before them; a creation left only its change, so the log after `at` is read
/// for it.
pub(crate) fn raw_as_of(rows: &impl Rows, id: NodeId, at: Seq) -> Result<Option<Bytes>> {
    let node = id.as_u64().to_be_bytes();
    let range = KeyRange::prefix(&node).after(&index::history_key(id, at));
    let kept = rows.first(TableId::HISTORY, range)?;
    let until = kept.as_ref().and_then(|(key, _)| key.last_chunk::<8>());
    let until = until.map_or(u64::MAX, |seq| u64::from_be_bytes(*seq));
    if let Some(oldest) = changes::oldest(rows)?
        && at.0.saturating_add(1) < oldest.0
    {
        return Err(Error::Trimmed { oldest: oldest.0 });
    }
    let mut created_later = false;
    changes::read_after(rows, at, &mut |change| {
        if change.seq.0 >= until {
            return ControlFlow::Break(());
        }
        created_later |= change.operation == Operation::Put && change.contains(id.as_u64());
        if created_later { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    match kept {
        _ if created_later => Ok(None),
        Some((_, before)) => Ok(Some(before)),
        None => raw(rows, id),
    }
}

/// Iterates records in the order of their ids. Made by `iter` of a transaction.
pub struct RecordScan<'a, T> {
    kind: Kind,
    rows: RowIter<'a>,
    record: PhantomData<T>,
}

impl<T: Record> Iterator for RecordScan<'_, T> {
    type Item = Result<(NodeId, T)>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        Some(row.and_then(|(key, value)| Ok((id_of(self.kind, &key)?, codec::decode(&value)?))))
    }
}

impl<T> std::fmt::Debug for RecordScan<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordScan").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Iterates records in the order of an index. Made by `index` of a transaction.
pub struct IndexScan<'a, T> {
    kind: Kind,
    rows: &'a dyn Rows,
    entries: RowIter<'a>,
    record: PhantomData<T>,
}

impl<'a, T: Record> IndexScan<'a, T> {
    /// What an index holds that no record was ever in.
    fn empty(kind: Kind, rows: &'a dyn Rows) -> Self {
        Self { kind, rows, entries: Box::new(std::iter::empty()), record: PhantomData }
    }

    fn resolve(&self, entry: &[u8]) -> Result<(NodeId, T)> {
        let id = index::index_id(self.kind, entry)?;
        let value = self.rows.get(TableId::records(self.kind), &record_key(id.key()))?;
        let value = value.ok_or_else(|| {
            Error::corrupt("table index", format!("row of {id}, which is not there"))
        })?;
        Ok((id, codec::decode(&value)?))
    }
}

impl<T: Record> Iterator for IndexScan<'_, T> {
    type Item = Result<(NodeId, T)>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        Some(entry.and_then(|(entry, _)| self.resolve(&entry)))
    }
}

impl<T> std::fmt::Debug for IndexScan<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexScan").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The read methods of a transaction, written once for readers and writers.
macro_rules! read_methods {
    ($type:ty) => {
        impl $type {
            /// The record `id`, or `None` when it is absent or of another type.
            ///
            /// # Errors
            /// [`Error::Corrupt`](crate::Error::Corrupt) when the stored value does not decode;
            /// [`Error::NotFound`](crate::Error::NotFound) when `T` is not registered.
            pub fn get<T: crate::record::Record>(
                &self,
                id: crate::NodeId,
            ) -> crate::Result<Option<T>> {
                crate::store::record_read::get(self.core(), self.rows(), id)
            }

            /// Whether the record `id` is there, of whatever type.
            ///
            /// # Errors
            /// [`Error::Io`](crate::Error::Io) when the data file cannot be read.
            pub fn contains(&self, id: crate::NodeId) -> crate::Result<bool> {
                Ok(crate::store::record_read::raw(self.rows(), id)?.is_some())
            }

            /// The id and record with a natural key; `index` is the name that
            /// [`Facts::unique`](crate::record::Facts::unique) gave it. What was born here comes
            /// before what was imported.
            ///
            /// # Errors
            /// As `get`.
            pub fn find<T: crate::record::Record>(
                &self,
                index: &str,
                key: impl crate::Key,
            ) -> crate::Result<Option<(crate::NodeId, T)>> {
                let kind = self.core().kinds.of::<T>()?;
                let key = crate::base::key::bytes_of(&key);
                let found = crate::store::record_read::find_id(
                    self.core(),
                    self.rows(),
                    kind,
                    self.name_number(index),
                    &key,
                )?;
                let Some(id) = found else { return Ok(None) };
                Ok(self.get(id)?.map(|record| (id, record)))
            }

            /// The records whose natural key starts with `prefix`, in the order of the key; what
            /// was born here comes before what was imported. Holds them in memory. By the name of
            /// an ordered index nothing is found: that is what `index` is for.
            ///
            /// # Errors
            /// As `get`.
            pub fn find_all<T: crate::record::Record>(
                &self,
                index: &str,
                prefix: impl crate::Key,
            ) -> crate::Result<Vec<(crate::NodeId, T)>> {
                let name = self.name_number(index);
                crate::store::record_read::find_all(self.core(), self.rows(), name, &prefix)
            }

            /// Every record of a type, in the order of their ids. Decodes as it goes.
            ///
            /// # Errors
            /// As `get`.
            #[expect(clippy::iter_not_returning_iterator, reason = "it can fail before it starts")]
            pub fn iter<T: crate::record::Record>(
                &self,
            ) -> crate::Result<crate::store::RecordScan<'_, T>> {
                crate::store::record_read::scan(self.core(), self.rows(), None)
            }

            /// As `iter`, from the record after `after` on: the way to page.
            ///
            /// # Errors
            /// As `get`.
            pub fn iter_after<T: crate::record::Record>(
                &self,
                after: crate::NodeId,
            ) -> crate::Result<crate::store::RecordScan<'_, T>> {
                crate::store::record_read::scan(self.core(), self.rows(), Some(after))
            }

            /// The records whose key in the ordered index `index` starts with `prefix`, in the
            /// order of the key. `()` is the prefix of every key.
            ///
            /// # Errors
            /// As `get`.
            pub fn index<T: crate::record::Record>(
                &self,
                index: &str,
                prefix: impl crate::Key,
            ) -> crate::Result<crate::store::IndexScan<'_, T>> {
                crate::store::record_read::index_scan(
                    self.rows(),
                    self.core().kinds.of::<T>()?,
                    self.name_number(index),
                    &prefix,
                    crate::store::record_read::Part::Prefix,
                )
            }

            /// As `index`, greatest key first.
            ///
            /// # Errors
            /// As `get`.
            pub fn index_descending<T: crate::record::Record>(
                &self,
                index: &str,
                prefix: impl crate::Key,
            ) -> crate::Result<crate::store::IndexScan<'_, T>> {
                crate::store::record_read::index_scan(
                    self.rows(),
                    self.core().kinds.of::<T>()?,
                    self.name_number(index),
                    &prefix,
                    crate::store::record_read::Part::PrefixDescending,
                )
            }

            /// The records from `key` on in the ordered index `index`, to its end.
            ///
            /// # Errors
            /// As `get`.
            pub fn index_from<T: crate::record::Record>(
                &self,
                index: &str,
                key: impl crate::Key,
            ) -> crate::Result<crate::store::IndexScan<'_, T>> {
                crate::store::record_read::index_scan(
                    self.rows(),
                    self.core().kinds.of::<T>()?,
                    self.name_number(index),
                    &key,
                    crate::store::record_read::Part::From,
                )
            }

            /// As `index_descending`, from the one before record `id` under `key` on: the way to
            /// page. `key` is the whole key that the record has in the index, and starts with
            /// `prefix`.
            ///
            /// # Errors
            /// As `get`.
            pub fn index_before<T: crate::record::Record>(
                &self,
                index: &str,
                prefix: impl crate::Key,
                key: impl crate::Key,
                id: crate::NodeId,
            ) -> crate::Result<crate::store::IndexScan<'_, T>> {
                crate::store::record_read::index_before(
                    self.rows(),
                    self.core().kinds.of::<T>()?,
                    self.name_number(index),
                    &prefix,
                    (&key, id),
                )
            }

            /// Counts the keys in the ordered index `index` that start with `prefix`, up to
            /// `limit`. Walks so many index rows, and reads no record.
            ///
            /// # Errors
            /// As `get`.
            pub fn index_count<T: crate::record::Record>(
                &self,
                index: &str,
                prefix: impl crate::Key,
                limit: usize,
            ) -> crate::Result<usize> {
                crate::store::record_read::index_count(
                    self.rows(),
                    self.core().kinds.of::<T>()?,
                    self.name_number(index),
                    &prefix,
                    limit,
                )
            }

            /// The record `id` as JSON, of whatever registered type.
            ///
            /// # Errors
            /// [`Error::NotFound`](crate::Error::NotFound) when its type is not registered.
            pub fn get_json(&self, id: crate::NodeId) -> crate::Result<Option<serde_json::Value>> {
                let Some(bytes) = crate::store::record_read::raw(self.rows(), id)? else {
                    return Ok(None);
                };
                let to_json = self.core().kinds.registered(id.kind())?.to_json;
                to_json(&bytes).map(Some)
            }

            /// The value that the record `id` had after write `at`. Only types with a history
            /// know their earlier values; others answer with the present one.
            ///
            /// # Errors
            /// As `get`.
            pub fn get_as_of<T: crate::record::Record>(
                &self,
                id: crate::NodeId,
                at: crate::Seq,
            ) -> crate::Result<Option<T>> {
                if id.kind() != self.core().kinds.of::<T>()? {
                    return Ok(None);
                }
                if T::HISTORY == crate::record::History::None {
                    return self.get(id);
                }
                crate::store::record_read::raw_as_of(self.rows(), id, at)?
                    .map(|bytes| crate::base::codec::decode(&bytes))
                    .transpose()
            }

            /// The vector of the record `id` by a model: the one that was written beside it, else
            /// the one that it carries in a field, else the one that another record carries for it.
            ///
            /// # Errors
            /// [`Error::Corrupt`](crate::Error::Corrupt) when a row is damaged.
            pub fn get_vector(
                &self,
                id: crate::NodeId,
                model: &str,
            ) -> crate::Result<Option<Vec<f32>>> {
                let number = self.name_number(model);
                let of = (id, self.pending_carriers(id));
                crate::store::vectors::get(self.core(), self.rows(), of, model, number)
            }

            /// Every model that has vectors beside records, in the order in which they were first
            /// named. Models of vectors that records carry in fields are not listed.
            ///
            /// # Errors
            /// [`Error::Corrupt`](crate::Error::Corrupt) when a row is damaged.
            pub fn vector_models(&self) -> crate::Result<Vec<crate::store::VectorModel>> {
                crate::store::vectors::models(self.rows(), &|number| self.name_of(number))
            }

            /// Where an imported record came from; `None` for what was born here.
            #[must_use]
            pub fn origin(&self, id: crate::NodeId) -> Option<crate::Origin> {
                self.core().sources.origin(id)
            }

            /// The kind that the store gave to a type.
            ///
            /// # Errors
            /// [`Error::NotFound`](crate::Error::NotFound) when `T` is not registered.
            pub fn kind_of<T: crate::record::Record>(&self) -> crate::Result<crate::Kind> {
                self.core().kinds.of::<T>()
            }
        }
    };
}
pub(crate) use read_methods;
