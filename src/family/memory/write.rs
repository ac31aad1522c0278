//! Writing memories: what becomes of one whose key is taken or whose content is known, and what
//! goes with one that is deleted.

use std::ops::Deref;

use super::{Memories, NewMemory, Reader, check, existing};
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::near;
use crate::family::provenance::Target;
use crate::graph::Direction;
use crate::record::{
    Memory, MemoryCodeLink, MemoryProposal, MemorySharing, ProvenanceTarget, Record as _,
};
use crate::store::WriteTx;

/// Share of words and pairs of words in common from which two memories are near duplicates. Below
/// it, short texts that differ in one word of seven or more are told apart.
const NEAR_DEFAULT: f64 = 0.8;

/// What becomes of a new memory where the same agent has a present one of the same namespace and
/// key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnSameKey {
    /// It takes the older one's place: a record of its own that names the older one in
    /// `supersedes`; the older one is retired and stays, with its links, its evidence and its time.
    /// The default, since nothing is lost and nothing that is out of date is recalled. One with the
    /// same content only adds what it says besides to the one that is there.
    #[default]
    Supersede,
    /// It is written into the older one, which keeps its record id, its edges and what is not said
    /// anew. What it was before is in its history, for the retention of the store.
    Update,
    /// It is one more memory of that key.
    Add,
}

/// What becomes of a new memory where another of its namespace and agent says nearly the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnNear {
    /// It is written; nothing is compared. The default, since it costs nothing.
    #[default]
    Keep,
    /// It is written, with `near_duplicate` edges to the others whose weight says how alike they
    /// are.
    Link,
    /// It is not written: the other takes its tags and spans, the greater importance and
    /// confidence, and is touched. Texts that differ in a number or a negation are never merged,
    /// but linked.
    Merge,
}

/// How memories are written.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct MemoryPolicy {
    on_same_key: OnSameKey,
    on_near: OnNear,
    near_min: f64,
}

impl Default for MemoryPolicy {
    fn default() -> Self {
        Self {
            on_same_key: OnSameKey::default(),
            on_near: OnNear::default(),
            near_min: NEAR_DEFAULT,
        }
    }
}

impl MemoryPolicy {
    /// A newer memory of the same key supersedes the older one; nearly equal ones are not looked
    /// for.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what becomes of a memory whose key is taken.
    pub fn on_same_key(mut self, policy: OnSameKey) -> Self {
        self.on_same_key = policy;
        self
    }

    /// Sets what becomes of a memory that is nearly there. Only memories that were written while
    /// this was [`OnNear::Link`] or [`OnNear::Merge`] are found.
    pub fn on_near(mut self, policy: OnNear) -> Self {
        self.on_near = policy;
        self
    }

    /// Sets from which share of words and pairs of words in common two memories are nearly the
    /// same, 0.5 to 1; 0.8 where nothing is said.
    pub fn near_min(mut self, share: f64) -> Self {
        self.near_min = share;
        self
    }
}

/// What writing a memory came to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Remembered {
    /// The memory that now says it.
    pub id: NodeId,
    /// What was done.
    pub written: Written,
    /// Others that say nearly the same, the most alike first, with how alike they are.
    pub near: Vec<(NodeId, f64)>,
}

/// What was done with a new memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Written {
    /// It is a new record.
    Added,
    /// It is a new record that took this one's place.
    Superseded(NodeId),
    /// It was written into the one that was there.
    Updated,
    /// Nothing: the one that was there says all of it.
    Unchanged,
    /// It went into one that says nearly the same.
    Merged,
}

impl Memories<&mut WriteTx<'_>> {
    /// Remembers, by the default policy: a present memory of the same namespace, key and agent is
    /// superseded, or stays where it says the same. Returns the memory that now says it.
    ///
    /// # Errors
    /// [`Error::Invalid`] without namespace, key or content, for a score outside 0 to 1, metadata
    /// that are no object, an end before its beginning or an expiry that is over;
    /// [`Error::Limit`] for a field that is too long; [`Error::NotFound`] when a record that it was
    /// taken from is absent; [`Error::AlreadyExists`] when its record id is taken;
    /// [`Error::Conflict`] when it is to be written into a memory of another record id.
    pub fn remember(&mut self, new: NewMemory) -> Result<NodeId> {
        self.remember_as(new, &MemoryPolicy::default()).map(|remembered| remembered.id)
    }

    /// Remembers by a policy, and tells what was done.
    ///
    /// # Errors
    /// As [`Memories::remember`]; [`Error::Invalid`] for a threshold outside 0.5 to 1.
    pub fn remember_as(&mut self, new: NewMemory, policy: &MemoryPolicy) -> Result<Remembered> {
        super::near::check_threshold(policy.near_min)?;
        let new = self.settled(new)?;
        let same_key = match policy.on_same_key {
            OnSameKey::Add => None,
            OnSameKey::Supersede | OnSameKey::Update => self.same_key(&new.memory)?,
        };
        match same_key {
            None => self.add(new, policy, None),
            Some((id, old)) if policy.on_same_key == OnSameKey::Update => {
                self.write_over(id, &old, new)
            }
            Some((id, old)) if old.content == new.memory.content => self.write_over(id, &old, new),
            Some((id, _)) => {
                let remembered = self.add(new, policy, Some(id))?;
                if remembered.written == Written::Superseded(id) {
                    self.retire_for(id, remembered.id)?;
                }
                Ok(remembered)
            }
        }
    }

    /// Remembers several by the default policy, all or none; they come in the same order.
    ///
    /// # Errors
    /// As [`Memories::remember`].
    pub fn remember_many(&mut self, new: Vec<NewMemory>) -> Result<Vec<NodeId>> {
        new.into_iter().map(|new| self.remember(new)).collect()
    }

    /// Writes a memory as it is, in place of the one of the same record id, whatever else has its
    /// key: as the old application stores. Without a record id it gets a new one; without times
    /// those of this write.
    ///
    /// # Errors
    /// As [`Memories::remember`], but it may have expired.
    pub fn put(&mut self, memory: &Memory) -> Result<NodeId> {
        let mut memory = memory.clone();
        check(&memory)?;
        self.check_sources(&memory)?;
        let now = self.tx.now();
        memory.updated_at.get_or_insert(now);
        if memory.record_id.is_empty() {
            memory.record_id = self.new_record_id(&memory)?;
        } else if let Some((id, old)) = self.find(&memory.record_id)? {
            memory.created_at = memory.created_at.or(old.created_at).or(Some(now));
            if old.content != memory.content {
                self.drop_vectors(id)?;
            }
            self.tx.put(id, &memory)?;
            return Ok(id);
        }
        memory.created_at.get_or_insert(now);
        self.tx.insert(&memory)
    }

    /// Changes a memory and returns it as written, the time of the change set. Its record id stays.
    /// With the content, vectors of the old content go, unless the change brings another.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Invalid`] for another record id; what
    /// `change` returns; else as [`Memories::put`].
    pub fn update(
        &mut self,
        id: NodeId,
        change: impl FnOnce(&mut Memory) -> Result<()>,
    ) -> Result<Memory> {
        let old: Memory = existing(&*self.tx, id)?;
        let mut memory = old.clone();
        change(&mut memory)?;
        if memory == old {
            return Ok(old);
        }
        if memory.record_id != old.record_id {
            return Err(Error::invalid("record_id", "a memory keeps its record id"));
        }
        self.rewrite(id, &old, memory)
    }

    /// Notes that memories were of use: each was read once more, now. What
    /// [`decay`](fn@super::decay) takes from them begins anew. One write however many they are;
    /// each leaves its earlier value in the history.
    ///
    /// # Errors
    /// [`Error::NotFound`] when one is absent.
    pub fn touch(&mut self, ids: &[NodeId]) -> Result<()> {
        let now = self.tx.now();
        for id in ids {
            self.tx.update(*id, |memory: &mut Memory| {
                memory.access_count = memory.access_count.saturating_add(1);
                memory.last_accessed_at = Some(now);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Deletes a memory with what belongs to it: links to code, shares, vectors, edges, its
    /// provenance. Proposals that became it, memories taken from it and the one that superseded it
    /// no longer point to it. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `id` is no memory.
    pub fn delete(&mut self, id: NodeId) -> Result<bool> {
        let kind = self.tx.kind_of::<Memory>()?;
        if id.kind() != kind {
            return Err(Error::invalid("id", format!("{id} is no {}", Memory::NAME)));
        }
        let Some(memory) = self.get(id)? else { return Ok(false) };
        let mut parts = Vec::new();
        for row in self.tx.index::<MemoryCodeLink>("record", &memory.record_id)? {
            let (part, link) = row?;
            parts.extend(link.memory.is_none_or(|of| of == id).then_some(part));
        }
        for row in self.tx.index::<MemorySharing>("record", &memory.record_id)? {
            let (part, sharing) = row?;
            parts.extend(sharing.memory.is_none_or(|of| of == id).then_some(part));
        }
        for part in parts {
            self.tx.delete(part)?;
        }
        self.take_out_of_chain(id, &memory)?;
        self.forget_pointers(id)?;
        if !memory.record_id.is_empty() {
            self.tx.provenance().unlink(&provenance_target(&memory.record_id, id))?;
        }
        self.tx.delete(id)
    }

    /// Deletes memories, all or none; tells how many were there.
    ///
    /// # Errors
    /// As [`Memories::delete`].
    pub fn delete_many(&mut self, ids: &[NodeId]) -> Result<usize> {
        ids.iter().try_fold(0, |count, id| Ok(count + usize::from(self.delete(*id)?)))
    }

    /// A new memory in the form in which it is stored, checked.
    fn settled(&self, mut new: NewMemory) -> Result<NewMemory> {
        let memory = &mut new.memory;
        for tag in &mut memory.tags {
            *tag = tag.trim().to_owned();
        }
        memory.tags.retain(|tag| !tag.is_empty());
        memory.tags.sort();
        memory.tags.dedup();
        let now = self.tx.now();
        if let Some(lifetime) = new.lifetime {
            memory.expires_at = Some(now.saturating_add(lifetime));
        }
        check(memory)?;
        if memory.is_expired(now) {
            return Err(Error::invalid("expires_at", "it would have expired at once"));
        }
        self.check_sources(memory)?;
        Ok(new)
    }

    fn check_sources(&self, memory: &Memory) -> Result<()> {
        let spans = memory.spans.iter().map(|span| span.source);
        for id in spans.chain(memory.document).chain(memory.supersedes) {
            if !self.tx.contains(id)? {
                return Err(Error::not_found("record", id));
            }
        }
        Ok(())
    }

    /// Writes a new record, or merges it into one that says nearly the same.
    fn add(
        &mut self,
        new: NewMemory,
        policy: &MemoryPolicy,
        supersedes: Option<NodeId>,
    ) -> Result<Remembered> {
        let now = self.tx.now();
        let mut memory = new.completed(now);
        memory.supersedes = supersedes;
        let mut near = Vec::new();
        if policy.on_near != OnNear::Keep {
            let found = self.near(&memory, policy.near_min)?;
            near = found.into_iter().filter(|near| Some(near.id) != supersedes).collect();
            memory.sketch = near::sketch(&memory.content).map(Vec::from).unwrap_or_default();
        }
        let alike = near.iter().map(|near| (near.id, near.likeness)).collect();
        // One that is to take another's place is news, however well known its words are.
        if policy.on_near == OnNear::Merge
            && supersedes.is_none()
            && let Some(same) = near.iter().find(|near| near.says_the_same)
        {
            let id = same.id;
            self.merge(id, &memory)?;
            return Ok(Remembered { id, written: Written::Merged, near: alike });
        }
        if memory.record_id.is_empty() {
            memory.record_id = self.new_record_id(&memory)?;
        }
        let id = self.tx.insert(&memory)?;
        self.link_near(id, &near)?;
        let written = supersedes.map_or(Written::Added, Written::Superseded);
        Ok(Remembered { id, written, near: alike })
    }

    fn write_over(&mut self, id: NodeId, old: &Memory, new: NewMemory) -> Result<Remembered> {
        let record_id = &new.memory.record_id;
        if !record_id.is_empty() && *record_id != old.record_id {
            let reason = format!("its key is that of record id {:?}", old.record_id);
            return Err(Error::conflict(format!("memory {record_id:?}"), reason));
        }
        let memory = new.over(old);
        let (mut written, near) = (Written::Unchanged, Vec::new());
        if memory != *old {
            self.rewrite(id, old, memory)?;
            written = Written::Updated;
        }
        Ok(Remembered { id, written, near })
    }

    /// Writes a memory that has changed.
    pub(super) fn rewrite(
        &mut self,
        id: NodeId,
        old: &Memory,
        mut memory: Memory,
    ) -> Result<Memory> {
        check(&memory)?;
        self.check_sources(&memory)?;
        if memory.content != old.content {
            self.drop_vectors(id)?;
            if memory.embedding == old.embedding {
                memory.embedding = None;
            }
            if !memory.sketch.is_empty() {
                memory.sketch = near::sketch(&memory.content).map(Vec::from).unwrap_or_default();
            }
        }
        memory.updated_at = Some(self.tx.now());
        self.tx.put(id, &memory)?;
        Ok(memory)
    }

    /// Deletes the vectors that were written beside a memory: they are of another text now.
    fn drop_vectors(&mut self, id: NodeId) -> Result<()> {
        for model in self.tx.vector_models()? {
            self.tx.delete_vector(id, &model.name)?;
        }
        Ok(())
    }

    /// Memories that point to this one point past it.
    fn take_out_of_chain(&mut self, id: NodeId, memory: &Memory) -> Result<()> {
        let newer = self.tx.index::<Memory>("supersedes", id)?.collect::<Result<Vec<_>>>()?;
        for (newer, mut record) in newer {
            record.supersedes = memory.supersedes.filter(|older| *older != newer);
            self.tx.put(newer, &record)?;
        }
        Ok(())
    }

    /// Proposals that became a memory, and memories taken from it, no longer name it.
    fn forget_pointers(&mut self, id: NodeId) -> Result<()> {
        let (memories, proposals) =
            (self.tx.kind_of::<Memory>()?, self.tx.kind_of::<MemoryProposal>()?);
        let mut around = self.tx.neighbors(id, Direction::In)?;
        around.retain(|other| other.edge.is_link());
        for other in around {
            if other.node.kind() == proposals {
                self.tx.update(other.node, |proposal: &mut MemoryProposal| {
                    proposal.memory = proposal.memory.filter(|memory| *memory != id);
                    Ok(())
                })?;
            } else if other.node.kind() == memories && &*other.edge_type == "taken_from" {
                self.tx.update(other.node, |memory: &mut Memory| {
                    memory.spans.retain(|span| span.source != id);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// A name that no memory has: a UUID of version 8 (RFC 9562, section 5.8) out of the digest of
    /// what is written and when.
    pub(super) fn new_record_id(&self, memory: &Memory) -> Result<String> {
        let parts = [&memory.namespace, &memory.key, &memory.content];
        let parts = parts.map(|part| format!("{} {part}", part.len()));
        let (seq, time) = (self.tx.seq(), self.tx.now().as_micros());
        let text = format!("{seq} {time} {}", parts.join(" "));
        for number in 0_u64.. {
            let record_id = uuid(format!("{text} {number}").as_bytes());
            if self.find(&record_id)?.is_none() {
                return Ok(record_id);
            }
        }
        Err(Error::conflict("memory", "no record id is free"))
    }
}

impl<T: Deref<Target: Reader>> Memories<T> {
    /// The present memory of the same namespace, key and agent.
    fn same_key(&self, new: &Memory) -> Result<Option<(NodeId, Memory)>> {
        let now = self.tx.now();
        let found = self.with_key(&new.namespace, &new.key)?;
        let is_same = |memory: &Memory| memory.is_present(now) && memory.agent_id == new.agent_id;
        Ok(found.into_iter().find(|(_, memory)| is_same(memory)))
    }
}

/// What provenance of a memory is recorded for.
pub(super) fn provenance_target(record_id: &str, id: NodeId) -> Target {
    Target::of(ProvenanceTarget::from("memory"), record_id, id)
}

fn uuid(seed: &[u8]) -> String {
    let mut bytes = *Digest::of(seed).as_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = Digest::from_bytes(bytes).to_string();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_id_has_the_form_of_a_uuid() {
        let id = uuid(b"a");
        assert_eq!(id.len(), 36);
        assert_eq!((id.as_bytes()[14], id.as_bytes()[8]), (b'8', b'-'));
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_ne!(id, uuid(b"b"));
    }
}
