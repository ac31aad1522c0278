//! Memories: what an agent knows, since when, from where, and what became of it.
//!
//! A memory has a namespace, a key within it, and a content. Two clocks tell its time: `created_at`
//! and `retired_at` say when the store knew it, `valid_from` and `valid_to` when it was true. One
//! that is out of date is *retired*, not deleted: the newer one names it in `supersedes`, so a
//! chain leads from what holds to all that held before. One that has *expired* is as good as
//! forgotten. Lists give what is present, neither retired nor expired, unless they are asked for
//! more. Earlier values of one record are kept beside that, by the store, for its retention.
//!
//! What belongs to a memory goes with it: links to code, shares, vectors. Memories that wait for a
//! decision are proposals, with rules of their own.

mod cluster;
mod condense;
mod correction;
mod decay;
mod exchange;
mod link;
mod near;
mod new;
mod observe;
mod query;
mod review;
mod stats;
mod supersede;
mod write;

use std::cmp::Reverse;
use std::ops::Deref;

use super::{Reader, at_most, existing, named, object, share};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;
use crate::record::Memory;
use crate::store::{ReadTx, WriteTx};
pub use cluster::{ClusterMember, MemoryCluster};
pub use condense::{Concatenation, Extractive, MemoryGrouping, Summarizer};
pub use correction::MemoryCorrection;
pub use decay::{HalfLives, decay};
pub use link::{NewCodeLink, SharedMemory};
pub use near::NearMemory;
pub use new::NewMemory;
pub use query::{MemoryPlace, MemoryQuery};
pub use review::{
    Approved, MemoryFlag, MemoryProposalQuery, MemoryProposalStats, NeedsProvenance,
    NewMemoryProposal, Proposed, ProposedMemory, ReviewPolicy,
};
pub use stats::MemoryStats;
pub use supersede::{Basis, Outdated};
pub use write::{MemoryPolicy, OnNear, OnSameKey, Remembered, Written};

/// Memories of a transaction. Made by [`ReadTx::memories`] and [`WriteTx::memories`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::{MemoryQuery, NewMemory};
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// let due = |content| NewMemory::new("case-7", "deadline", content);
/// let first = store.write(|tx| tx.memories().remember(due("The reply is due on 14 March")))?;
/// let second = store.write(|tx| tx.memories().remember(due("The reply is due on 21 March")))?;
///
/// let tx = store.read()?;
/// let known = tx.memories().list(&MemoryQuery::new().namespace("case-7"))?;
/// assert_eq!(known.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [second]);
/// let chain = tx.memories().chain(second)?;
/// assert_eq!(chain.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [first, second]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Memories<T> {
    tx: T,
}

impl ReadTx {
    /// Memories, to look at.
    pub fn memories(&self) -> Memories<&Self> {
        Memories { tx: self }
    }
}

impl WriteTx<'_> {
    /// Memories.
    pub fn memories(&mut self) -> Memories<&mut Self> {
        Memories { tx: self }
    }
}

impl Memory {
    /// Whether it holds at a time as far as is known: it is neither retired nor expired then.
    #[must_use]
    pub fn is_present(&self, at: Timestamp) -> bool {
        !self.is_expired(at) && self.retired_at.is_none_or(|retired| at < retired)
    }

    /// Whether it has expired by a time.
    #[must_use]
    pub fn is_expired(&self, at: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires| expires <= at)
    }

    /// Whether what it says was true at a time. Without bounds it was at all times.
    #[must_use]
    pub fn is_valid(&self, at: Timestamp) -> bool {
        self.valid_from.is_none_or(|from| from <= at) && self.valid_to.is_none_or(|to| at < to)
    }
}

impl<T: Deref<Target: Reader>> Memories<T> {
    /// The memory `id`, retired and expired ones too.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn get(&self, id: NodeId) -> Result<Option<Memory>> {
        self.tx.get(id)
    }

    /// The memory of that record id: those made here first, then those imported.
    ///
    /// # Errors
    /// As [`Memories::get`].
    pub fn find(&self, record_id: &str) -> Result<Option<(NodeId, Memory)>> {
        self.tx.find("record_id", record_id)
    }

    /// All memories of a namespace and key, newest first, retired and expired ones too.
    ///
    /// # Errors
    /// As [`Memories::get`].
    pub fn with_key(&self, namespace: &str, key: &str) -> Result<Vec<(NodeId, Memory)>> {
        let rows = self.tx.index("namespace_key", (namespace, key))?;
        let mut found: Vec<(NodeId, Memory)> = rows.collect::<Result<_>>()?;
        found.sort_by_key(|(id, memory)| Reverse((memory.updated_at, *id)));
        Ok(found)
    }

    /// The present memory of a namespace and key; the newest where there are several.
    ///
    /// # Errors
    /// As [`Memories::get`].
    pub fn current(&self, namespace: &str, key: &str) -> Result<Option<(NodeId, Memory)>> {
        let now = self.tx.now();
        let found = self.with_key(namespace, key)?;
        Ok(found.into_iter().find(|(_, memory)| memory.is_present(now)))
    }

    /// The memories that followed each other, of which `id` is one, oldest first: each takes the
    /// place of the one before. Empty when `id` is absent.
    ///
    /// # Errors
    /// As [`Memories::get`].
    pub fn chain(&self, id: NodeId) -> Result<Vec<(NodeId, Memory)>> {
        let Some(memory) = self.get(id)? else { return Ok(Vec::new()) };
        let mut older = memory.supersedes;
        let mut chain = vec![(id, memory)];
        // What import or a plain write brings may go in circles.
        let is_in = |chain: &[(NodeId, Memory)], id| chain.iter().any(|(known, _)| *known == id);
        while let Some(id) = older.filter(|id| !is_in(&chain, *id)) {
            let Some(memory) = self.get(id)? else { break };
            older = memory.supersedes;
            chain.push((id, memory));
        }
        chain.reverse();
        let mut last = id;
        while let Some((id, memory)) = self.successor(last)? {
            if is_in(&chain, id) {
                break;
            }
            chain.push((id, memory));
            last = id;
        }
        Ok(chain)
    }

    /// The memory that takes the place of another; the oldest where there are several.
    fn successor(&self, id: NodeId) -> Result<Option<(NodeId, Memory)>> {
        self.tx.index("supersedes", id)?.next().transpose()
    }
}

impl Memories<&ReadTx> {
    /// Every value that the memory `id` had, oldest first, as far as they are kept; see
    /// [`ReadTx::versions`].
    ///
    /// # Errors
    /// As there.
    pub fn history(&self, id: NodeId) -> Result<Vec<crate::store::Version<Memory>>> {
        self.tx.versions(id)
    }

    /// The memory `id` as it was known at a time.
    ///
    /// # Errors
    /// [`Error::Trimmed`] when the change log no longer reaches back that far.
    pub fn get_at(&self, id: NodeId, time: Timestamp) -> Result<Option<Memory>> {
        self.tx.get_as_of(id, self.tx.seq_at(time)?)
    }

    /// What [`Memories::list`] would have given at a time: nothing that was learnt later is in it.
    /// Reads every memory, and the change log from then on.
    ///
    /// # Errors
    /// [`Error::Trimmed`] when the change log no longer reaches back that far.
    pub fn list_at(&self, time: Timestamp, query: &MemoryQuery) -> Result<Vec<(NodeId, Memory)>> {
        let mut found = self.tx.all_as_of::<Memory>(self.tx.seq_at(time)?)?;
        found.retain(|(_, memory)| query.is_met(memory, time));
        Ok(query.page(found))
    }
}

/// What writing a memory refuses, whatever the store holds.
fn check(memory: &Memory) -> Result<()> {
    use crate::base::limits::{
        MEMORY_CONTENT_BYTES_MAX, MEMORY_NAME_CHARS_MAX, MEMORY_SPANS_MAX, MEMORY_TAGS_MAX,
    };
    named("namespace", &memory.namespace)?;
    named("key", &memory.key)?;
    named("content", &memory.content)?;
    let (agent, session) = (memory.agent_id.as_deref(), memory.session_id.as_deref());
    for (field, text) in [("agent_id", agent), ("session_id", session)] {
        text.map_or(Ok(()), |text| named(field, text))?;
    }
    let names = [
        ("namespace", Some(&*memory.namespace)),
        ("key", Some(&memory.key)),
        ("record_id", Some(&memory.record_id)),
        ("memory_type", Some(memory.memory_type.as_str())),
        ("agent_id", agent),
        ("session_id", session),
        ("document_id", memory.document_id.as_deref()),
    ];
    let tags = memory.tags.iter().map(|tag| ("tags", Some(&**tag)));
    for (field, text) in names.into_iter().chain(tags) {
        at_most(field, text.unwrap_or_default(), MEMORY_NAME_CHARS_MAX)?;
    }
    for (what, found, max) in [
        ("content in bytes", memory.content.len(), MEMORY_CONTENT_BYTES_MAX),
        ("tags of a memory", memory.tags.len(), MEMORY_TAGS_MAX),
        ("spans of a memory", memory.spans.len(), MEMORY_SPANS_MAX),
    ] {
        if found > max {
            return Err(Error::Limit { what: what.into(), max: max as u64, found: found as u64 });
        }
    }
    object("metadata", memory.metadata.clone())?;
    share("importance_score", memory.importance_score)?;
    share("confidence_score", memory.confidence_score)?;
    if let (Some(from), Some(to)) = (memory.valid_from, memory.valid_to)
        && to <= from
    {
        return Err(Error::invalid("valid_to", format!("{to} is not after {from}")));
    }
    if let Some(vector) = &memory.embedding
        && (vector.dimension() == 0 || !vector.iter().all(f32::is_finite))
    {
        return Err(Error::invalid("embedding", "it has no values, or some that are not finite"));
    }
    if let Some(span) = memory.spans.iter().find(|span| span.end <= span.start) {
        let reason = format!("a part from {} to {} does not end behind it", span.start, span.end);
        return Err(Error::invalid("spans", reason));
    }
    Ok(())
}
