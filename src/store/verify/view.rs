//! What a verification reads through: the rows of one snapshot, and the names and sources that
//! were committed with them.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::super::core::Core;
use super::super::entry::{Implied, kind_name};
use super::super::record_read;
use super::super::sources::{Source, Sources};
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
use crate::base::varint;
use crate::storage::Bytes;
use crate::storage::names::Names;
use crate::storage::snapshot::Snapshot;

/// Stands for a name without a number: no row has it.
const NO_NUMBER: u32 = u32::MAX;
/// Unknown names that are remembered.
const UNKNOWN_MAX: usize = 100;

/// One snapshot with what its rows mean.
pub(super) struct View<'a> {
    core: &'a Core,
    pub(super) rows: &'a Snapshot,
    names: Names,
    sources: Sources,
    unknown: RefCell<BTreeSet<Box<str>>>,
}

impl<'a> View<'a> {
    /// Reads names and sources from the snapshot: the store may know newer ones.
    pub(super) fn load(core: &'a Core, rows: &'a Snapshot) -> Result<Self> {
        let (names, sources) = (Names::load(rows)?, Sources::load(rows)?);
        Ok(Self { core, rows, names, sources, unknown: RefCell::default() })
    }

    /// Whether the type of a kind is registered, so that its records can be described.
    pub(super) fn is_registered(&self, kind: Kind) -> bool {
        self.core.kinds.record_type(kind).is_some()
    }

    /// Whether the store knows the kind by name.
    pub(super) fn is_named(&self, kind: Kind) -> bool {
        self.core.kinds.name(kind).is_some()
    }

    /// A record for messages.
    pub(super) fn label(&self, id: NodeId) -> String {
        format!("record {id} ({})", kind_name(self.core, id.kind()))
    }

    /// The name of the index that a row belongs to.
    pub(super) fn index_name(&self, row: &[u8]) -> String {
        let number = row.get(1..).and_then(|mut rest| varint::take(&mut rest));
        let name = number.and_then(|number| self.names.name(u32::try_from(number).ok()?));
        name.map_or_else(|| "without a name".into(), |name| name.to_string())
    }

    /// Whether a number stands for a name.
    pub(super) fn has_name(&self, number: u32) -> bool {
        self.names.name(number).is_some()
    }

    /// The name of an edge type.
    pub(super) fn edge_type(&self, number: u32) -> String {
        self.names.name(number).map_or_else(|| format!("type {number}"), |name| name.to_string())
    }

    /// Names that are used and unknown.
    pub(super) fn unknown_names(&self) -> Vec<Box<str>> {
        self.unknown.borrow().iter().cloned().collect()
    }

    /// The value of a record, as bytes.
    pub(super) fn raw(&self, id: NodeId) -> Result<Option<Bytes>> {
        record_read::raw(self.rows, id)
    }

    /// Whether a record came from a source.
    pub(super) fn is_imported(&self, id: NodeId) -> bool {
        self.sources.source_of(id) != 0
    }

    /// Every source.
    pub(super) fn sources(&self) -> Vec<std::sync::Arc<Source>> {
        self.sources.all()
    }

    /// The rows that the value of a record implies.
    pub(super) fn implied(&self, id: NodeId, value: &[u8]) -> Result<Implied> {
        let describe = self.core.kinds.registered(id.kind())?.describe;
        let source = self.sources.source_of(id);
        let mut implied = Implied::default();
        describe(value, &mut |facts| {
            implied = Implied::resolve(id, source, facts, &mut |name| Ok(self.number(name)))?;
            Ok(())
        })?;
        Ok(implied)
    }

    fn number(&self, name: &str) -> u32 {
        self.names.number(name).unwrap_or_else(|| {
            let mut unknown = self.unknown.borrow_mut();
            if unknown.len() < UNKNOWN_MAX {
                unknown.insert(name.into());
            }
            NO_NUMBER
        })
    }

    /// What the record behind a row implies.
    pub(super) fn owner(&self, id: NodeId) -> Result<Owner> {
        let Some(value) = self.raw(id)? else { return Ok(Owner::Absent) };
        match self.implied(id, &value) {
            Ok(implied) => Ok(Owner::Implies(implied)),
            Err(Error::Corrupt { .. }) => Ok(Owner::Unreadable),
            Err(error) => Err(error),
        }
    }
}

/// The record that a row belongs to.
pub(super) enum Owner {
    Absent,
    /// Its value does not decode, which is said elsewhere.
    Unreadable,
    Implies(Implied),
}
