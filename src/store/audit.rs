//! What of a store is audited: chosen at open, remembered, and changed in the open.
//!
//! Every change of an audited type becomes an item of the audit chain, in the same write. A change
//! of the choice is an entry itself, so that a time without audit shows.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::core::{Core, Kinds};
use super::record_write::Writer;
use super::tx::WriteTx;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
use crate::record::Record;
use crate::storage::audit::{self, Act, Trail};
use crate::storage::edges::EdgeRecord;
use crate::storage::{Bytes, KeyRange, Rows, RowsMut, TableId, vectors};

const SCOPE_KEY: &[u8] = b"audit/scope";
/// Longest name of who made a write, in bytes.
const AUTHOR_BYTES_MAX: usize = 1_000;

/// Which changes the audit chain records. Given to [`Options::audit`](crate::Options::audit); a
/// store remembers it.
///
/// ```
/// use engraph::record::{Document, Memory};
/// use engraph::{Audit, Store};
///
/// # let dir = tempfile::tempdir()?;
/// let audit = Audit::of::<Memory>().and::<Document>();
/// let store = Store::builder().audit(audit).create(dir.path().join("s"))?;
/// store.write(|tx| {
///     tx.set_author("anna")?;
///     tx.insert(&Memory::default())
/// })?;
/// assert!(store.read()?.audit().verify(None)?.is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Audit {
    /// All types and edges, or those named.
    is_all: bool,
    types: Vec<&'static str>,
}

impl Audit {
    /// Every change of every record and edge.
    pub fn all() -> Self {
        Self { is_all: true, types: Vec::new() }
    }

    /// Every change of records of a type.
    pub fn of<R: Record>() -> Self {
        Self::off().and::<R>()
    }

    /// Every change of records of another type too.
    pub fn and<R: Record>(mut self) -> Self {
        self.types.push(R::NAME);
        self
    }

    /// Nothing from now on. What was recorded stays.
    pub fn off() -> Self {
        Self { is_all: false, types: Vec::new() }
    }

    fn encode(&self, kinds: &Kinds) -> Result<Vec<u8>> {
        let kind = |name: &&str| {
            let found = kinds.by_name(name).map(|kind| kind.0);
            found.ok_or_else(|| Error::not_found("registered record type", name))
        };
        let mut bytes = self.types.iter().map(kind).collect::<Result<Vec<u8>>>()?;
        bytes.sort_unstable();
        bytes.dedup();
        bytes.insert(0, u8::from(self.is_all));
        Ok(bytes)
    }
}

/// What is audited in an open store.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    is_all: AtomicBool,
    kinds: [AtomicU64; 4],
}

impl Scope {
    /// What the store remembers.
    pub(crate) fn load(rows: &impl Rows) -> Result<Self> {
        let scope = Self::default();
        if let Some(bytes) = remembered(rows)? {
            scope.set(&bytes);
        }
        Ok(scope)
    }

    fn set(&self, bytes: &[u8]) {
        let (is_all, kinds) =
            bytes.split_first().map_or((false, bytes), |(all, kinds)| (*all != 0, kinds));
        let mut sets = [0_u64; 4];
        for kind in kinds {
            sets[usize::from(kind / 64)] |= 1 << (kind % 64);
        }
        for (kept, set) in self.kinds.iter().zip(sets) {
            kept.store(set, Ordering::Release);
        }
        self.is_all.store(is_all, Ordering::Release);
    }

    /// Whether changes of records of a kind are recorded.
    pub(crate) fn covers(&self, kind: Kind) -> bool {
        let set = &self.kinds[usize::from(kind.0 / 64)];
        self.covers_edges() || set.load(Ordering::Acquire) >> (kind.0 % 64) & 1 == 1
    }

    /// Whether changes of edges are recorded.
    pub(crate) fn covers_edges(&self) -> bool {
        self.is_all.load(Ordering::Acquire)
    }
}

/// What the store remembers to be audited: byte for byte what the newest change of that in the
/// chain says. None where there never was one.
pub(crate) fn remembered(rows: &impl Rows) -> Result<Option<Bytes>> {
    rows.get(TableId::META, SCOPE_KEY)
}

/// Brings the scope of a store that was just opened to the one asked for.
pub(crate) fn apply(store: &super::Store, wanted: &Audit) -> Result<()> {
    let shared = store.shared();
    let bytes = wanted.encode(&shared.core.kinds)?;
    let known = remembered(&*shared.published()?.rows)?;
    let is_known = match known {
        Some(known) => *known == *bytes,
        None => bytes == [0],
    };
    if is_known {
        return Ok(());
    }
    store.write(|tx| {
        tx.writer.rows.put(TableId::META, SCOPE_KEY, &bytes)?;
        tx.writer.audit_always(Act::Scope, 0, &bytes)
    })?;
    shared.core.audit.set(&bytes);
    Ok(())
}

impl<R: RowsMut> Writer<R> {
    /// Records a change of a record, where its kind is audited.
    pub(super) fn audit(&mut self, core: &Core, act: Act, id: NodeId, value: &[u8]) -> Result<()> {
        if core.audit.covers(id.kind()) {
            self.audit_always(act, id.as_u64(), value)
        } else {
            Ok(())
        }
    }

    /// Adds an item to the audit entry of this write.
    pub(crate) fn audit_always(&mut self, act: Act, id: u64, payload: &[u8]) -> Result<()> {
        let mut trail = match self.trail.take() {
            Some(trail) => trail,
            None => Trail::begin(&self.rows)?,
        };
        let added = trail.add(&mut self.rows, act, id, payload);
        self.trail = Some(trail);
        added
    }
}

impl WriteTx<'_> {
    /// Says who makes this write, for the audit chain. Nothing where the write changes nothing that
    /// is audited.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty name; [`Error::Limit`] for a very long one.
    pub fn set_author(&mut self, name: impl Into<String>) -> Result<()> {
        let name = name.into();
        if name.trim().is_empty() {
            return Err(Error::invalid("author", "it is empty"));
        }
        if name.len() > AUTHOR_BYTES_MAX {
            return Err(Error::Limit {
                what: "name of an author in bytes".into(),
                max: AUTHOR_BYTES_MAX as u64,
                found: name.len() as u64,
            });
        }
        self.author = Some(name);
        Ok(())
    }

    /// Records a change of an edge, where edges are audited.
    pub(super) fn audit_edge(&mut self, act: Act, edge: &EdgeRecord) -> Result<()> {
        if !self.core().audit.covers_edges() {
            return Ok(());
        }
        let payload = match act {
            Act::Link => codec::encode(&(
                edge.source,
                self.edge_type_name(edge.edge_type),
                edge.target,
                edge.weight,
                edge.valid_from,
                edge.valid_to,
                edge.properties.as_ref(),
            ))?,
            _ => Vec::new(),
        };
        self.writer.audit_always(act, edge.id.as_u64(), &payload)
    }

    fn edge_type_name(&self, number: u32) -> Option<String> {
        let name = self.core().names.name_in(number, &self.writer.new_names);
        name.map(|name| name.to_string())
    }

    /// Writes the audit entry of this write, if it has one.
    pub(super) fn finish_audit(&mut self) -> Result<()> {
        if self.writer.trail.is_none() {
            return Ok(());
        }
        if let Some(author) = self.author.take() {
            self.writer.audit_always(Act::Author, 0, author.as_bytes())?;
        }
        let (seq, time) = (self.seq(), self.now());
        match self.writer.trail.take() {
            Some(trail) => trail.finish(&mut self.writer.rows, seq, time),
            None => Ok(()),
        }
    }

    /// Erases every payload of a record that the audit chain holds, and its earlier values, and
    /// notes that in the chain. Returns how many payloads there were; `None` where neither the
    /// chain nor the history knows of the record.
    pub(crate) fn erase_payloads(&mut self, id: NodeId) -> Result<Option<u64>> {
        let rows = &self.writer.rows;
        let places = audit::places(rows, Some(id.as_u64()))?.collect::<Result<Vec<_>>>()?;
        let history = KeyRange::prefix(&id.as_u64().to_be_bytes());
        let earlier = rows.range(TableId::HISTORY, history)?;
        let earlier = earlier.map(|row| row.map(|(key, _)| key)).collect::<Result<Vec<_>>>()?;
        if places.is_empty() && earlier.is_empty() {
            return Ok(None);
        }
        self.writer.audit_always(Act::Erase, id.as_u64(), &[])?;
        let mut erased = 0;
        for (_, number, place) in places {
            erased += u64::from(audit::erase(&mut self.writer.rows, number, place)?);
        }
        for key in earlier {
            self.writer.rows.delete(TableId::HISTORY, &key)?;
        }
        vectors::forget_past(&mut self.writer.rows, id)?;
        Ok(Some(erased))
    }
}
