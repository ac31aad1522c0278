//! What never changes while a store is open: its kinds, names, clock and place.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::attached::Attached;
use super::audit::Scope;
use super::derived::Derived;
use super::options::Compression;
use super::search::SearchSetup;
use super::sources::Sources;
use super::vector_index::VectorIndex;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::Kind;
use crate::base::time::Clock;
use crate::graph::Meter;
use crate::record::{Record, RecordType};
use crate::storage::disk::Disk;
use crate::storage::names::Names;

/// The part of an open store that all transactions share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) directory: PathBuf,
    pub(crate) kinds: Kinds,
    pub(crate) names: Names,
    pub(crate) sources: Sources,
    pub(crate) clock: Arc<dyn Clock>,
    /// Vectors in memory.
    pub(crate) vectors: VectorIndex,
    /// Bytes that recalls may hold in memory.
    pub(crate) recall_bytes_max: usize,
    /// How texts are indexed.
    pub(crate) search: SearchSetup,
    /// What reading the graph from blocks has cost.
    pub(crate) graph_meter: Arc<Meter>,
    /// What families computed from all records of a type.
    pub(crate) derived: Derived,
    /// What upper layers keep in memory.
    pub(crate) attached: Attached,
    /// What is audited.
    pub(crate) audit: Scope,
    /// Whether long values are written compressed.
    pub(crate) compression: Compression,
    /// What the data lies on in tests.
    pub(crate) disk: Option<Arc<dyn Disk>>,
}

impl Core {
    /// An encoded value as it is to be kept.
    pub(crate) fn kept<'a>(&self, value: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        match self.compression {
            Compression::On => Ok(Cow::Borrowed(value)),
            Compression::Off => codec::plain(value),
        }
    }
}

/// The kinds of a store: registered types, and names of types that are not registered now.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    by_type: HashMap<TypeId, Kind>,
    by_name: HashMap<Arc<str>, Kind>,
    types: Vec<Option<RecordType>>,
    names: Vec<Option<Arc<str>>>,
}

impl Kinds {
    /// Gives `kind` to a registered type.
    pub(crate) fn add(&mut self, kind: Kind, record_type: RecordType) -> Result<()> {
        if self.by_name.contains_key(record_type.name)
            || self.by_type.contains_key(&record_type.type_id)
        {
            return Err(Error::already_exists("record type", record_type.name));
        }
        self.add_name(kind, record_type.name.into());
        self.by_type.insert(record_type.type_id, kind);
        self.types[kind.index()] = Some(record_type);
        Ok(())
    }

    /// Remembers the name of a kind whose type is not registered.
    pub(crate) fn add_name(&mut self, kind: Kind, name: Arc<str>) {
        if self.types.len() <= kind.index() {
            self.types.resize(kind.index() + 1, None);
            self.names.resize(kind.index() + 1, None);
        }
        self.by_name.insert(Arc::clone(&name), kind);
        self.names[kind.index()] = Some(name);
    }

    /// The kind of a Rust type.
    pub(crate) fn of<T: Record>(&self) -> Result<Kind> {
        self.by_type.get(&TypeId::of::<T>()).copied().ok_or_else(|| {
            Error::not_found("registered record type", format!("{} (Options::register)", T::NAME))
        })
    }

    /// The kind of that name.
    pub(crate) fn by_name(&self, name: &str) -> Option<Kind> {
        self.by_name.get(name).copied()
    }

    /// The name of a kind.
    pub(crate) fn name(&self, kind: Kind) -> Option<&Arc<str>> {
        self.names.get(kind.index())?.as_ref()
    }

    /// The registered type of a kind.
    pub(crate) fn record_type(&self, kind: Kind) -> Option<&RecordType> {
        self.types.get(kind.index())?.as_ref()
    }

    /// The registered type of a kind, or an error that says what to do.
    pub(crate) fn registered(&self, kind: Kind) -> Result<&RecordType> {
        self.record_type(kind).ok_or_else(|| match self.name(kind) {
            Some(name) => Error::not_found(
                "registered record type",
                format!("{name} (its records can be read raw, not changed)"),
            ),
            None => Error::not_found("kind", kind.0),
        })
    }

    /// Every kind with its name, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Kind, &Arc<str>)> {
        self.names.iter().enumerate().filter_map(|(index, name)| {
            let kind = u8::try_from(index).ok()?;
            name.as_ref().map(|name| (Kind(kind), name))
        })
    }
}
