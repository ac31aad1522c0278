//! Audit: who changed what, proven by a chain of digests; and the history of the contents of files.
//!
//! The chain is written by the store for what [`Options::audit`](crate::Options::audit) says. Here
//! it is read, verified and, where somebody has a right to be forgotten, emptied of payloads.

mod history;
mod verify;

use serde::Serialize;
use serde_json::Value;

use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::id::{NodeId, Seq};
use crate::base::time::Timestamp;
use crate::storage::audit::{self, Act, Head, Item};
use crate::store::{ReadTx, WriteTx};
pub use history::{HashVerdict, NewHashEntry};
pub use verify::{AuditProblem, AuditReport};

/// The newest entry of the chain: what to note elsewhere, to see later that the chain up to here is
/// still the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditHead {
    /// Number of the entry, from 1.
    pub number: u64,
    /// Its digest: 64 hexadecimal digits.
    pub digest: String,
    /// The write.
    pub seq: Seq,
    /// When it was accepted.
    pub time: Timestamp,
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditAct {
    /// A record was written.
    Put,
    /// A record was deleted.
    Delete,
    /// An edge was made.
    Link,
    /// An edge was removed.
    Unlink,
    /// What the chain held of a record was erased.
    Erase,
    /// What is audited changed.
    Scope,
}

/// One entry of the chain: one write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Number of the entry, from 1.
    pub number: u64,
    /// The write.
    pub seq: Seq,
    /// When it was accepted.
    pub time: Timestamp,
    /// Who made it, where that was said.
    pub author: Option<String>,
    /// Changes in it.
    pub changes: u64,
    /// Its digest.
    pub digest: String,
}

/// One change of a record, as the chain knows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AuditChange {
    /// Number of the entry.
    pub entry: u64,
    /// The write.
    pub seq: Seq,
    /// When it was accepted.
    pub time: Timestamp,
    /// Who made it, where that was said.
    pub author: Option<String>,
    /// What it did.
    pub act: AuditAct,
    /// The record as it was written; none where it was deleted or erased, or where its type is not
    /// registered.
    pub value: Option<Value>,
    /// Fields that differ from the change before; all of them in the first one.
    pub changed: Vec<String>,
    /// Whether the value was erased.
    pub is_erased: bool,
}

/// The audit of a transaction. Made by [`ReadTx::audit`] and [`WriteTx::audit`].
///
/// ```
/// use engraph::record::Memory;
/// use engraph::{Audit, Store};
///
/// # let dir = tempfile::tempdir()?;
/// let audit = Audit::of::<Memory>();
/// let store = Store::builder().audit(audit).create(dir.path().join("s"))?;
/// let fact = store.write(|tx| {
///     tx.set_author("anna")?;
///     tx.insert(&Memory { content: "The reply is due".into(), ..Memory::default() })
/// })?;
/// let tx = store.read()?;
/// let history = tx.audit().history(fact)?;
/// assert_eq!(history[0].author.as_deref(), Some("anna"));
/// let head = tx.audit().head()?.unwrap();
/// assert!(tx.audit().verify(Some(&head.digest))?.is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AuditTrail<T> {
    tx: T,
}

impl ReadTx {
    /// The audit, to look at.
    pub fn audit(&self) -> AuditTrail<&Self> {
        AuditTrail { tx: self }
    }
}

impl WriteTx<'_> {
    /// The audit.
    pub fn audit(&mut self) -> AuditTrail<&mut Self> {
        AuditTrail { tx: self }
    }
}

impl AuditTrail<&ReadTx> {
    /// The newest entry; none where nothing was ever audited.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn head(&self) -> Result<Option<AuditHead>> {
        Ok(audit::newest(self.tx.rows())?.map(|head| AuditHead {
            number: head.number,
            digest: head.digest.to_string(),
            seq: head.seq,
            time: head.time,
        }))
    }

    /// Entries after number `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn entries(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>> {
        let mut found = Vec::new();
        for row in audit::heads(self.tx.rows(), after)?.take(limit) {
            let (number, head) = row?;
            let head = head.ok_or_else(|| broken(number))?;
            let author = self.author(&head)?;
            let changes = head.items.saturating_sub(author.is_named.into());
            found.push(AuditEntry {
                number,
                seq: head.seq,
                time: head.time,
                author: author.name,
                changes,
                digest: head.digest.to_string(),
            });
        }
        Ok(found)
    }

    /// Every change of a record that the chain knows, oldest first: who made it, and what it
    /// changed.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn history(&self, id: NodeId) -> Result<Vec<AuditChange>> {
        let rows = self.tx.rows();
        let mut found = Vec::new();
        let mut last: Option<Value> = None;
        for place in audit::places(rows, Some(id.as_u64()))? {
            let (_, number, place) = place?;
            let head = audit::head(rows, number)?.ok_or_else(|| broken(number))?;
            let item = audit::item(rows, number, place)?.ok_or_else(|| broken(number))?;
            let value = self.value(id, &item)?;
            let changed = value.as_ref().map(|value| differing(last.as_ref(), value));
            if value.is_some() || item.act == Act::Delete {
                last.clone_from(&value);
            }
            found.push(AuditChange {
                entry: number,
                seq: head.seq,
                time: head.time,
                author: self.author(&head)?.name,
                act: act_of(item.act),
                value,
                changed: changed.unwrap_or_default(),
                is_erased: item.secret.is_none(),
            });
        }
        Ok(found)
    }

    fn value(&self, id: NodeId, item: &Item) -> Result<Option<Value>> {
        let Some((_, payload)) = item.secret.as_ref().filter(|_| item.act == Act::Put) else {
            return Ok(None);
        };
        let record_type = self.tx.core().kinds.record_type(id.kind());
        record_type.map(|record_type| (record_type.to_json)(payload)).transpose()
    }

    /// The author is the last item of an entry, where there is one.
    fn author(&self, head: &Head) -> Result<Author> {
        let Ok(last) = u32::try_from(head.items) else { return Ok(Author::default()) };
        let item = audit::item(self.tx.rows(), head.number, last)?;
        let Some(item) = item.filter(|item| item.act == Act::Author) else {
            return Ok(Author::default());
        };
        let name = item.secret.map(|(_, name)| String::from_utf8_lossy(&name).into_owned());
        Ok(Author { is_named: true, name })
    }
}

#[derive(Debug, Default)]
struct Author {
    is_named: bool,
    name: Option<String>,
}

impl AuditTrail<&mut WriteTx<'_>> {
    /// Erases a record for good: deletes it with its edges, and removes what the audit chain and
    /// the history hold of its values, with the salts. The chain stays whole and says that they
    /// were erased. Returns how many payloads the chain held.
    ///
    /// The bytes lie in free pages of the data file until they are overwritten or the store is
    /// compacted, the row of an imported record stays in its source as it came, and other records
    /// may quote it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when neither the record is there nor anything is known of it;
    /// [`Error::Corrupt`] when something does not decode.
    pub fn erase(&mut self, id: NodeId) -> Result<u64> {
        let was_there = self.tx.delete(id)?;
        let erased = self.tx.erase_payloads(id)?;
        if !was_there && erased.is_none() {
            return Err(Error::not_found("record", id));
        }
        Ok(erased.unwrap_or(0))
    }
}

fn act_of(act: Act) -> AuditAct {
    match act {
        Act::Put => AuditAct::Put,
        Act::Delete => AuditAct::Delete,
        Act::Link => AuditAct::Link,
        Act::Unlink => AuditAct::Unlink,
        Act::Erase => AuditAct::Erase,
        Act::Scope | Act::Author => AuditAct::Scope,
    }
}

/// Names of the fields that are not the same.
fn differing(before: Option<&Value>, after: &Value) -> Vec<String> {
    let fields = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (before, after) = (before.map(fields).unwrap_or_default(), fields(after));
    let mut names: Vec<String> = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(name, _)| name.clone())
        .collect();
    names.extend(before.keys().filter(|name| !after.contains_key(*name)).cloned());
    names
}

fn broken(number: u64) -> Error {
    Error::corrupt("table audit", format!("entry {number}"))
}

/// The digest that somebody noted.
fn noted(text: &str) -> Result<Digest> {
    let bad = || Error::invalid("digest", format!("{text:?} is not 64 hexadecimal digits"));
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(bad());
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| bad())?;
    }
    Ok(Digest::from_bytes(bytes))
}

#[cfg(test)]
mod tests;
