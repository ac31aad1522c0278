//! Drafts of memories: written apart, looked at as a difference, then merged or dropped.
//!
//! A draft remembers each memory as it was when it was drafted. Merging changes only the fields
//! that the draft changed, so that what others did to other fields meanwhile stays; a field that
//! both changed is a conflict.

mod merge;

use std::ops::Deref;

use serde::Serialize;
use serde_json::Value;

use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::family::{Reader, existing, named};
use crate::record::{Draft, DraftAction, DraftMemory, DraftStatus, Memory};
use crate::store::{ReadTx, WriteTx};
pub use merge::{Merged, OnConflict};

/// One field of a memory, before and after a draft.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// Its name.
    pub field: String,
    /// As it was when it was drafted; null where it was not set.
    pub before: Value,
    /// As it would be.
    pub after: Value,
    /// As it is now, where somebody has changed it since to something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<Value>,
}

/// What a draft would do to one memory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DraftChange {
    /// The change, a record of its own.
    pub id: NodeId,
    /// What it would do.
    pub action: DraftAction,
    /// The memory, unless it would be a new one.
    pub memory: Option<NodeId>,
    /// Namespace and name of the memory.
    pub namespace: String,
    /// Its name within the namespace.
    pub key: String,
    /// The fields that differ; of a new memory those that are set.
    pub fields: Vec<FieldChange>,
    /// Why it cannot be merged as it is, if it cannot.
    pub conflict: Option<String>,
}

/// The drafts of a store. Made by [`ReadTx::drafts`] and [`WriteTx::drafts`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::OnConflict;
/// use engraph::record::Memory;
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::create(dir.path().join("s"))?;
/// let memory = |content: &str| Memory { content: content.to_owned(), ..Memory::default() };
/// let fact = store.write(|tx| tx.insert(&memory("due on 14 March")))?;
/// let draft = store.write(|tx| {
///     let draft = tx.drafts().begin("review", Some("agent"), None)?;
///     tx.drafts().change(draft, fact, &memory("due on 15 March"))?;
///     tx.drafts().add(draft, &memory("the judge is Ms Lund"))?;
///     Ok(draft)
/// })?;
/// assert!(store.search("Lund").run()?.hits.is_empty(), "it does not count yet");
/// let changes = store.read()?.drafts().changes(draft)?;
/// assert_eq!(changes[0].fields[0].after, "due on 15 March");
/// let merged = store.write(|tx| tx.drafts().merge(draft, "anna", OnConflict::Refuse))?;
/// assert_eq!((merged.added.len(), merged.changed), (1, vec![fact]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Drafts<T> {
    tx: T,
}

impl ReadTx {
    /// The drafts, to look at.
    pub fn drafts(&self) -> Drafts<&Self> {
        Drafts { tx: self }
    }
}

impl WriteTx<'_> {
    /// The drafts.
    pub fn drafts(&mut self) -> Drafts<&mut Self> {
        Drafts { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Drafts<T> {
    /// Every draft, those that were decided included, oldest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self) -> Result<Vec<(NodeId, Draft)>> {
        self.tx.iter::<Draft>()?.collect()
    }

    /// The draft of that name.
    ///
    /// # Errors
    /// As [`Drafts::list`].
    pub fn find(&self, name: &str) -> Result<Option<(NodeId, Draft)>> {
        self.tx.find("name", name)
    }

    /// What an open draft would do, in the order in which it was drafted. Empty once it is decided.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such draft.
    pub fn changes(&self, draft: NodeId) -> Result<Vec<DraftChange>> {
        existing::<Draft>(&*self.tx, draft)?;
        let items = self.items(draft)?.into_iter();
        items.map(|(id, item)| self.change_of(id, &item)).collect()
    }

    fn items(&self, draft: NodeId) -> Result<Vec<(NodeId, DraftMemory)>> {
        self.tx.index::<DraftMemory>("draft", Some(draft))?.collect()
    }

    fn change_of(&self, id: NodeId, item: &DraftMemory) -> Result<DraftChange> {
        let now: Option<Memory> = match item.memory {
            Some(memory) => self.tx.get(memory)?,
            None => None,
        };
        let (before, after) = (merge::memory_of(&item.before)?, merge::memory_of(&item.after)?);
        let fields = merge::differing(before.as_ref(), after.as_ref(), now.as_ref())?;
        let conflict = merge::conflict((item, before.as_ref()), now.as_ref(), &fields);
        let shown = after.as_ref().or(before.as_ref());
        let (namespace, key) = shown
            .map_or_else(Default::default, |memory| (memory.namespace.clone(), memory.key.clone()));
        let (action, memory) = (item.action.clone(), item.memory);
        Ok(DraftChange { id, action, memory, namespace, key, fields, conflict })
    }
}

impl Drafts<&mut WriteTx<'_>> {
    /// Begins a draft.
    ///
    /// # Errors
    /// [`Error::Invalid`] without a name; [`Error::AlreadyExists`] when there is one of that name.
    pub fn begin(
        &mut self,
        name: &str,
        author: Option<&str>,
        description: Option<&str>,
    ) -> Result<NodeId> {
        named("name", name)?;
        let created_at = Some(self.tx.now());
        let (author, description) = (author.map(str::to_owned), description.map(str::to_owned));
        let name = name.to_owned();
        self.tx.insert(&Draft { name, author, description, created_at, ..Draft::default() })
    }

    /// Drafts a new memory.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such draft; [`Error::Conflict`] when it was decided.
    pub fn add(&mut self, draft: NodeId, memory: &Memory) -> Result<NodeId> {
        self.open(draft)?;
        let created_at = Some(self.tx.now());
        let after = codec::encode(memory)?;
        let draft = Some(draft);
        self.tx.insert(&DraftMemory { draft, after, created_at, ..DraftMemory::default() })
    }

    /// Drafts another state of a memory, in the place of one that the draft has of it.
    ///
    /// # Errors
    /// As [`Drafts::add`]; [`Error::NotFound`] when there is no such memory.
    pub fn change(&mut self, draft: NodeId, memory: NodeId, after: &Memory) -> Result<NodeId> {
        self.draft_of(draft, memory, DraftAction::Change, codec::encode(after)?)
    }

    /// Drafts that a memory is deleted.
    ///
    /// # Errors
    /// As [`Drafts::change`].
    pub fn delete(&mut self, draft: NodeId, memory: NodeId) -> Result<NodeId> {
        self.draft_of(draft, memory, DraftAction::Delete, Vec::new())
    }

    fn draft_of(
        &mut self,
        draft: NodeId,
        memory: NodeId,
        action: DraftAction,
        after: Vec<u8>,
    ) -> Result<NodeId> {
        self.open(draft)?;
        let now: Memory = existing(&*self.tx, memory)?;
        if let Some((id, item)) = self.tx.find::<DraftMemory>("draft_memory", (draft, memory))? {
            self.tx.put(id, &DraftMemory { action, after, ..item })?;
            return Ok(id);
        }
        self.tx.insert(&DraftMemory {
            draft: Some(draft),
            action,
            memory: Some(memory),
            before: codec::encode(&now)?,
            after,
            created_at: Some(self.tx.now()),
        })
    }

    /// Takes one change out of an open draft.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such change; [`Error::Conflict`] when its draft was
    /// decided.
    pub fn take_out(&mut self, change: NodeId) -> Result<()> {
        let item: DraftMemory = existing(&*self.tx, change)?;
        if let Some(draft) = item.draft {
            self.open(draft)?;
        }
        self.tx.delete(change).map(drop)
    }

    /// Throws the changes of a draft away. The draft stays as a record of that.
    ///
    /// # Errors
    /// As [`Drafts::add`]; [`Error::Invalid`] without a name of who does it.
    pub fn drop_draft(&mut self, draft: NodeId, author: &str) -> Result<Draft> {
        named("author", author)?;
        self.open(draft)?;
        self.decide(draft, author, DraftStatus::Dropped)
    }

    fn open(&self, draft: NodeId) -> Result<()> {
        let found: Draft = existing(&*self.tx, draft)?;
        if found.status != DraftStatus::Open {
            let reason = format!("draft {:?} is {}", found.name, found.status);
            return Err(Error::conflict("draft", reason));
        }
        Ok(())
    }

    /// Ends a draft. Its changes go: what they held is in the memories now, or not wanted.
    fn decide(&mut self, draft: NodeId, author: &str, status: DraftStatus) -> Result<Draft> {
        for (id, _) in self.items(draft)? {
            self.tx.delete(id)?;
        }
        let now = self.tx.now();
        self.tx.update(draft, |draft: &mut Draft| {
            draft.status = status;
            draft.decided_by = Some(author.to_owned());
            draft.decided_at = Some(now);
            Ok(())
        })
    }
}
