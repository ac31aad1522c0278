//! Conflicts that wait for a decision: what was changed here and in the source, to different ends.
//!
//! Ours is the record; theirs is kept beside it, so that neither is lost. A conflict is remembered
//! from the import that finds it until somebody decides, or both sides agree by themselves. A
//! record that was kept although its row is gone is remembered on, because an export has to make a
//! row for it again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::Value;

use super::database::{DATABASES, Database};
use super::ops::RecordOps;
use super::report::Conflict;
use super::row::changed_fields;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::storage::Bytes;
use crate::store::record_read;
use crate::store::sources::Source;
use crate::store::{ReadTx, Store, WriteTx};

/// Which side of a conflict is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What the store holds.
    Ours,
    /// What the source holds.
    Theirs,
}

/// A conflict that nobody has decided yet, with what both sides say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenConflict {
    /// The name of the source.
    pub source: String,
    /// Where, and what happened.
    #[serde(flatten)]
    pub conflict: Conflict,
    /// What the record says: the fields concerned, or all where the whole record is. Nothing when
    /// it was deleted here.
    pub ours: Option<Value>,
    /// What the row says, in the same fields. Nothing when it was deleted in the source.
    pub theirs: Option<Value>,
}

/// A conflict as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) table: String,
    pub(super) row: i64,
    pub(super) record: NodeId,
    /// Empty where the whole record is meant.
    pub(super) fields: Vec<String>,
    /// The value that the row would be; nothing when it is gone.
    pub(super) theirs: Option<ByteBuf>,
    /// Whether it was decided that the record stays although its row is gone.
    pub(super) kept: bool,
}

const PREFIX: &[u8] = b"conflict/";

fn prefix_of(source: u32) -> Vec<u8> {
    [PREFIX, &source.to_be_bytes()].concat()
}

impl Pending {
    fn key(&self, source: u32) -> Vec<u8> {
        let record = self.record.as_u64();
        [&prefix_of(source)[..], &record.to_be_bytes()].concat()
    }

    /// Remembers it.
    pub(super) fn put(&self, tx: &mut WriteTx<'_>, source: u32) -> Result<()> {
        tx.put_note(&self.key(source), &codec::encode(self)?)
    }

    /// Forgets it.
    pub(super) fn delete(&self, tx: &mut WriteTx<'_>, source: u32) -> Result<()> {
        tx.delete_note(&self.key(source))
    }

    fn ops(&self, database: &Database) -> Result<RecordOps> {
        let table = database.tables.iter().find(|table| table.name == self.table);
        table.map(|table| table.ops).ok_or_else(|| Error::not_found("table", &self.table))
    }

    /// The fields that differ still; all of the record's where no fields were named.
    fn differing(&self, ops: &RecordOps, ours: &[u8], theirs: &[u8]) -> Result<Vec<String>> {
        let (ours, theirs) = ((ops.scalars)(ours)?, (ops.scalars)(theirs)?);
        let named =
            |name: &&str| self.fields.is_empty() || self.fields.iter().any(|field| field == name);
        let differing = changed_fields(&ours, &theirs);
        Ok(differing.into_iter().filter(named).map(ToOwned::to_owned).collect())
    }
}

/// What is remembered of the conflicts of a source, by record.
pub(super) fn pending_of(read: &ReadTx, source: u32) -> Result<BTreeMap<NodeId, Pending>> {
    decoded(&read.notes(&prefix_of(source))?)
}

fn decoded(notes: &[Bytes]) -> Result<BTreeMap<NodeId, Pending>> {
    let decoded = notes.iter().map(|value| {
        let pending: Pending = codec::decode(value)?;
        Ok((pending.record, pending))
    });
    decoded.collect()
}

/// The conflicts that nobody has decided yet: of the source with that name, or of all. In the order
/// of sources, then of records.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// let store = engraph::Store::create(dir.path().join("store"))?;
/// assert!(engraph::legacy::conflicts(&store, None)?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::NotFound`] when no source has that name; else what reading can fail with.
pub fn conflicts(store: &Store, source: Option<&str>) -> Result<Vec<OpenConflict>> {
    let read = store.read()?;
    let mut found = Vec::new();
    for source in named(store, source)? {
        found.extend(open_conflicts(&read, &source)?);
    }
    Ok(found)
}

fn named(store: &Store, name: Option<&str>) -> Result<Vec<std::sync::Arc<Source>>> {
    let mut sources = store.shared().core.sources.all();
    if let Some(name) = name {
        sources.retain(|source| source.name == name);
        if sources.is_empty() {
            return Err(Error::not_found("source", name));
        }
    }
    Ok(sources)
}

fn database_of(source: &Source) -> Result<&'static Database> {
    let known = DATABASES.iter().find(|known| known.kind == source.database);
    known.copied().ok_or_else(|| Error::not_found("database kind", &source.database))
}

/// The open conflicts of one source.
pub(super) fn open_conflicts(read: &ReadTx, source: &Source) -> Result<Vec<OpenConflict>> {
    let pending = pending_of(read, source.number)?;
    if pending.is_empty() {
        return Ok(Vec::new());
    }
    let database = database_of(source)?;
    let mut found = Vec::new();
    for pending in pending.into_values() {
        found.extend(shown(read, (source, database), &pending)?);
    }
    Ok(found)
}

/// The conflict for people. `None` when there is none any more.
fn shown(
    read: &ReadTx,
    (source, database): (&Source, &'static Database),
    pending: &Pending,
) -> Result<Option<OpenConflict>> {
    let ours = record_read::raw(read.rows(), pending.record)?;
    let to_json = read.core().kinds.registered(pending.record.kind())?.to_json;
    let json = |value: Option<&[u8]>, fields: &[String]| -> Result<Option<Value>> {
        let Some(value) = value else { return Ok(None) };
        let mut value = to_json(value)?;
        if let (Some(object), false) = (value.as_object_mut(), fields.is_empty()) {
            object.retain(|name, _| fields.iter().any(|field| field == name));
        }
        Ok(Some(value))
    };
    let theirs = pending.theirs.as_deref().map(Vec::as_slice);
    let (fields, reason) = match (ours.as_deref(), theirs) {
        (None, None) => return Ok(None),
        (Some(_), None) if pending.kept => return Ok(None),
        (Some(_), None) => (Vec::new(), "changed here, deleted in the source; it stays"),
        (None, Some(_)) => (Vec::new(), "deleted here, changed in the source; it stays deleted"),
        (Some(ours), Some(theirs)) => {
            let fields = pending.differing(&pending.ops(database)?, ours, theirs)?;
            if fields.is_empty() {
                return Ok(None);
            }
            (fields, "changed here and in the source; ours is kept")
        }
    };
    Ok(Some(OpenConflict {
        source: source.name.clone(),
        ours: json(ours.as_deref(), &fields)?,
        theirs: json(theirs, &fields)?,
        conflict: Conflict {
            table: pending.table.clone(),
            row: pending.row,
            record: pending.record.to_string(),
            fields,
            reason: reason.to_owned(),
        },
    }))
}

/// Decides open conflicts: of those records, or all of the source (of every source without a name)
/// where none are given. Tells how many were decided. One write: all or none.
///
/// `Theirs` puts what the source says into the record, makes it again, or deletes it. `Ours` keeps
/// the record as it is; the next change of the same row in the source may be a new conflict.
///
/// # Errors
/// [`Error::NotFound`] when no source has that name, or a record has no open conflict; else what
/// [`Store::write`] can fail with.
pub fn resolve(store: &Store, source: Option<&str>, records: &[NodeId], side: Side) -> Result<u64> {
    let sources = named(store, source)?;
    store.write(|tx| {
        let mut wanted: BTreeSet<NodeId> = records.iter().copied().collect();
        let mut decided = 0;
        for source in &sources {
            for pending in decoded(&tx.notes(&prefix_of(source.number))?)?.into_values() {
                if !records.is_empty() && !wanted.contains(&pending.record) {
                    continue;
                }
                let database = database_of(source)?;
                if decide(tx, (source.number, database), &pending, side)? {
                    wanted.remove(&pending.record);
                    decided += 1;
                }
            }
        }
        match wanted.first() {
            Some(record) => Err(Error::not_found("open conflict of record", record)),
            None => Ok(decided),
        }
    })
}

/// Tells whether there was something to decide.
fn decide(
    tx: &mut WriteTx<'_>,
    (source, database): (u32, &'static Database),
    pending: &Pending,
    side: Side,
) -> Result<bool> {
    let ours = tx.raw(pending.record)?.map(|value| value.to_vec());
    let theirs = pending.theirs.as_deref();
    match (ours, theirs, side) {
        (None, None, _) => pending.delete(tx, source)?,
        (Some(_), None, Side::Ours) => {
            if pending.kept {
                return Ok(false);
            }
            Pending { kept: true, ..pending.clone() }.put(tx, source)?;
            return Ok(true);
        }
        (Some(_), None, Side::Theirs) => {
            if pending.kept {
                return Ok(false);
            }
            tx.delete(pending.record)?;
            pending.delete(tx, source)?;
            return Ok(true);
        }
        (None, Some(_), Side::Ours) => {
            pending.delete(tx, source)?;
            return Ok(true);
        }
        (None, Some(theirs), Side::Theirs) => {
            tx.set_source(Some(source));
            tx.insert_imported_value(pending.record, theirs)?;
            tx.set_source(None);
            pending.delete(tx, source)?;
            return Ok(true);
        }
        (Some(ours), Some(theirs), side) => {
            let ops = pending.ops(database)?;
            let fields = pending.differing(&ops, &ours, theirs)?;
            pending.delete(tx, source)?;
            if side == Side::Theirs && !fields.is_empty() {
                let fields: BTreeSet<&str> = fields.iter().map(String::as_str).collect();
                let joined = (ops.normalise)(&codec::with_fields(&ours, theirs, &fields)?)?;
                tx.put_imported_value(pending.record, &joined)?;
            }
            return Ok(!fields.is_empty());
        }
    }
    Ok(false)
}
