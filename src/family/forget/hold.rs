//! Legal holds: what nobody may erase or forget until they are released.

use std::ops::Deref;

use serde::Serialize;
use serde_json::Value;

use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;
use crate::family::{Reader, existing, named};
use crate::record::LegalHold;
use crate::store::{ReadTx, WriteTx};

/// A hold to be placed. It holds what at least one of its conditions names.
#[derive(Clone, Debug, Default)]
pub struct NewHold(LegalHold);

impl NewHold {
    /// A hold of that name, and why it is placed.
    #[must_use]
    pub fn new(name: impl Into<String>, reason: impl Into<String>) -> Self {
        let (name, reason) = (name.into(), reason.into());
        Self(LegalHold { name, reason, ..LegalHold::default() })
    }

    /// Says who orders it.
    #[must_use]
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.0.author = Some(author.into());
        self
    }

    /// Holds single records.
    #[must_use]
    pub fn records(mut self, records: impl IntoIterator<Item = NodeId>) -> Self {
        self.0.records.extend(records);
        self
    }

    /// Holds the memories and proposals of a namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.0.namespace = Some(namespace.into());
        self
    }

    /// Holds the memories and proposals of an agent.
    #[must_use]
    pub fn agent(mut self, agent_id: impl Into<String>) -> Self {
        self.0.agent_id = Some(agent_id.into());
        self
    }

    /// Holds a document, its parts, and what was remembered of it.
    #[must_use]
    pub fn document(mut self, document: NodeId) -> Self {
        self.0.document = Some(document);
        self
    }
}

/// A record that may not go, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The record.
    pub id: NodeId,
    /// What keeps it, in words.
    pub reason: String,
}

/// The legal holds of a store. Made by [`ReadTx::holds`] and [`WriteTx::holds`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::{Erase, NewHold};
/// use engraph::record::Memory;
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::create(dir.path().join("s"))?;
/// let (fact, hold) = store.write(|tx| {
///     let fact = tx.insert(&Memory { namespace: "case-7".into(), ..Memory::default() })?;
///     Ok((fact, tx.holds().place(NewHold::new("order 12", "pending suit").namespace("case-7"))?))
/// })?;
/// let erase = Erase::records([fact]).author("anna").reason("asked for");
/// assert!(store.erase(&erase).is_err());
/// store.write(|tx| tx.holds().release(hold))?;
/// assert_eq!(store.erase(&erase)?.counts.records, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Holds<T> {
    tx: T,
}

impl ReadTx {
    /// The legal holds, to look at.
    pub fn holds(&self) -> Holds<&Self> {
        Holds { tx: self }
    }
}

impl WriteTx<'_> {
    /// The legal holds.
    pub fn holds(&mut self) -> Holds<&mut Self> {
        Holds { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Holds<T> {
    /// Every hold, those that were released included, oldest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self) -> Result<Vec<(NodeId, LegalHold)>> {
        self.tx.iter::<LegalHold>()?.collect()
    }

    /// What holds a record; none where nothing does.
    ///
    /// # Errors
    /// As [`Holds::list`]; [`Error::NotFound`] when the record's type is not registered.
    pub fn on(&self, id: NodeId) -> Result<Option<Held>> {
        InForce::load(&*self.tx)?.on(&*self.tx, id)
    }
}

impl Holds<&mut WriteTx<'_>> {
    /// Places a hold.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it has no name, no reason or nothing to hold;
    /// [`Error::AlreadyExists`] when there is one of that name; [`Error::NotFound`] when a record
    /// that it names is not there.
    pub fn place(&mut self, hold: NewHold) -> Result<NodeId> {
        let mut hold = hold.0;
        named("name", &hold.name)?;
        named("reason", &hold.reason)?;
        hold.records.sort_unstable();
        hold.records.dedup();
        let holds_nothing = hold.records.is_empty()
            && hold.namespace.is_none()
            && hold.agent_id.is_none()
            && hold.document.is_none();
        if holds_nothing {
            return Err(Error::invalid("hold", "it names nothing to hold"));
        }
        for id in hold.records.iter().copied().chain(hold.document) {
            if !self.tx.contains(id)? {
                return Err(Error::not_found("record", id));
            }
        }
        hold.created_at = Some(self.tx.now());
        hold.released_at = None;
        self.tx.insert(&hold)
    }

    /// Ends a hold. It stays as a record.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not there; [`Error::Conflict`] when it was released before.
    pub fn release(&mut self, id: NodeId) -> Result<LegalHold> {
        let hold: LegalHold = existing(&*self.tx, id)?;
        if let Some(released_at) = hold.released_at {
            return Err(Error::conflict("release", format!("it was released at {released_at}")));
        }
        let now = self.tx.now();
        self.tx.update(id, |hold: &mut LegalHold| {
            hold.released_at = Some(now);
            Ok(())
        })
    }
}

/// The holds that were not released, ready to be asked about many records.
#[derive(Debug)]
pub(crate) struct InForce(Vec<LegalHold>);

impl InForce {
    pub(crate) fn load(tx: &impl Reader) -> Result<Self> {
        let mut holds = Vec::new();
        for row in tx.iter::<LegalHold>()? {
            let (_, hold) = row?;
            if hold.released_at.is_none() {
                holds.push(hold);
            }
        }
        Ok(Self(holds))
    }

    /// What keeps a record, if anything. Reads the record only where there are holds.
    pub(crate) fn on(&self, tx: &impl Reader, id: NodeId) -> Result<Option<Held>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        Ok(self.on_value(id, &tx.get_json(id)?.unwrap_or_default()))
    }

    /// Whether there are none, so that no record needs to be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What keeps a record that is or was as this JSON says.
    pub(crate) fn on_value(&self, id: NodeId, value: &Value) -> Option<Held> {
        let holds = |hold: &&LegalHold| {
            hold.records.contains(&id)
                || hold.document == Some(id)
                || hold.namespace.as_deref().is_some_and(|name| value["namespace"] == name)
                || hold.agent_id.as_deref().is_some_and(|name| value["agent_id"] == name)
                || hold.document.is_some_and(|document| is_of_document(value, document))
        };
        self.0.iter().find(holds).map(|hold| Held { id, reason: reason(hold) })
    }
}

fn is_of_document(value: &Value, document: NodeId) -> bool {
    let Ok(document) = serde_json::to_value(document) else { return false };
    let spans = value["spans"].as_array();
    value["document"] == document
        || spans.is_some_and(|spans| spans.iter().any(|span| span["source"] == document))
}

fn reason(hold: &LegalHold) -> String {
    let since = hold.created_at.map(|time: Timestamp| format!(" since {time}"));
    format!("legal hold {:?}{}", hold.name, since.unwrap_or_default())
}
