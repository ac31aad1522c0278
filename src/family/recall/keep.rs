//! The indexes of an open store, one a scope, kept in step with its writes.
//!
//! A scope is a namespace, seen whole or through some of its agents. Its index is built at its
//! first use and brought up to date by the change log whenever a newer state is asked. A reader
//! holds an index of exactly its own state, through an `Arc`: nobody waits while another asks. The
//! scopes that were not asked for longest go when all of them take too much memory. One that alone
//! takes too much is never kept, and drives out no other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use serde::Serialize;

use super::groups::Groups;
use super::index::{Embeddings, ScopeIndex};
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::{NodeId, Seq};
use crate::base::limits::{PAST_CHANGES_MAX, RECALL_SCOPES_MAX};
use crate::record::Memory;
use crate::search::Pieces;
use crate::storage::changes::{self, Operation};
use crate::storage::{Rows as _, TableId, index};
use crate::store::{ReadTx, Store};

/// Changed memories below which an index is never built anew instead of followed.
const FOLLOW_MIN: usize = 4_096;

/// Whose memories are asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Scope {
    pub(super) namespace: String,
    /// Only memories of these agents, in order; of everybody where there are none.
    pub(super) agents: Vec<String>,
}

impl Scope {
    pub(super) fn new(namespace: &str, agents: &[String]) -> Self {
        let mut agents = agents.to_vec();
        agents.sort_unstable();
        agents.dedup();
        Self { namespace: namespace.to_owned(), agents }
    }

    /// Whether a memory is of it.
    pub(super) fn has(&self, memory: &Memory) -> bool {
        memory.namespace == self.namespace && self.has_agent(memory.agent_id.as_deref())
    }

    pub(super) fn has_agent(&self, agent: Option<&str>) -> bool {
        self.agents.is_empty()
            || agent.is_some_and(|agent| self.agents.iter().any(|known| known == agent))
    }
}

/// An index, and the state that it shows.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) index: ScopeIndex,
    pub(super) seq: Seq,
}

#[derive(Debug, Default)]
struct Slot {
    state: RwLock<Option<Arc<Loaded>>>,
    bytes: AtomicUsize,
    used: AtomicU64,
}

/// What of an open store is held in memory for recalls. Made by [`Store::recall_stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RecallStats {
    /// Namespaces, whole or through some of their agents, whose memories are held.
    pub scopes: usize,
    /// Bytes that they take together, roughly.
    pub bytes: usize,
    /// Bytes that they may take.
    pub bytes_max: usize,
    /// How often the memories of one were read as a whole since the store was opened; following
    /// later writes is not counted.
    pub loads: u64,
}

impl Store {
    /// What is held in memory for recalls.
    ///
    /// ```
    /// use engraph::Store;
    /// use engraph::family::NewMemory;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::builder().recall_bytes_max(64 << 20).create(dir.path().join("s"))?;
    /// store.write(|tx| tx.memories().remember(NewMemory::new("team", "tea", "Ada drinks tea")))?;
    /// store.recall("Who drinks tea?").namespace("team").run()?;
    /// let stats = store.recall_stats()?;
    /// assert_eq!((stats.scopes, stats.loads), (1, 1));
    /// assert!(stats.bytes <= stats.bytes_max);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Closed`] when the store is closed.
    pub fn recall_stats(&self) -> Result<RecallStats> {
        let tx = self.read()?;
        let indexes = tx.attached::<RecallIndexes>();
        let slots = indexes.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let held = slots.values().map(|slot| slot.bytes.load(Ordering::Relaxed));
        let held: Vec<usize> = held.filter(|bytes| *bytes > 0).collect();
        Ok(RecallStats {
            scopes: held.len(),
            bytes: held.iter().sum(),
            bytes_max: tx.core().recall_bytes_max,
            loads: indexes.loads.load(Ordering::Relaxed),
        })
    }
}

/// The indexes of an open store.
#[derive(Debug, Default)]
pub(super) struct RecallIndexes {
    slots: Mutex<HashMap<Scope, Arc<Slot>>>,
    /// Counts questions, to know which scope was asked last.
    questions: AtomicU64,
    /// Counts indexes that were built.
    loads: AtomicU64,
    groups: OnceLock<Groups>,
}

impl RecallIndexes {
    /// Everyday words by their subject, as terms of this store.
    pub(super) fn groups(&self, pieces: &mut Pieces) -> &Groups {
        self.groups.get_or_init(|| Groups::new(pieces))
    }

    /// The index of a scope at the newest state, and a reader of that state.
    pub(super) fn newest(&self, store: &Store, scope: &Scope) -> Result<(Arc<Loaded>, ReadTx)> {
        let slot = self.slot(scope);
        loop {
            let tx = store.read()?;
            let known = slot.state.read().unwrap_or_else(PoisonError::into_inner).clone();
            match known {
                Some(loaded) if loaded.seq == tx.seq() => return Ok((loaded, tx)),
                // Somebody saw a newer state: it is there for this reader too.
                Some(loaded) if loaded.seq > tx.seq() => continue,
                _ => {}
            }
            let mut state = slot.state.write().unwrap_or_else(PoisonError::into_inner);
            if state.as_ref().is_some_and(|loaded| loaded.seq >= tx.seq()) {
                continue;
            }
            slot.bytes.store(0, Ordering::Relaxed);
            let followed = match state.take() {
                Some(loaded) => follow(Arc::unwrap_or_clone(loaded), &tx, scope)?,
                None => None,
            };
            let loaded = if let Some(loaded) = followed {
                loaded
            } else {
                self.loads.fetch_add(1, Ordering::Relaxed);
                build(&tx, scope)?
            };
            let loaded = Arc::new(loaded);
            let (bytes, bytes_max) = (loaded.index.size_bytes(), tx.core().recall_bytes_max);
            let is_kept = bytes <= bytes_max;
            slot.bytes.store(if is_kept { bytes } else { 0 }, Ordering::Relaxed);
            *state = is_kept.then(|| Arc::clone(&loaded));
            drop(state);
            self.make_room(&slot, bytes_max);
            return Ok((loaded, tx));
        }
    }

    fn slot(&self, scope: &Scope) -> Arc<Slot> {
        let now = self.questions.fetch_add(1, Ordering::Relaxed);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.contains_key(scope) && slots.len() >= RECALL_SCOPES_MAX {
            let oldest = slots.iter().min_by_key(|(_, slot)| slot.used.load(Ordering::Relaxed));
            if let Some(oldest) = oldest.map(|(scope, _)| scope.clone()) {
                slots.remove(&oldest);
            }
        }
        let slot = Arc::clone(slots.entry(scope.clone()).or_default());
        slot.used.store(now, Ordering::Relaxed);
        slot
    }

    /// Drops indexes that were not asked for longest until all others fit.
    fn make_room(&self, own: &Arc<Slot>, bytes_max: usize) {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<&Arc<Slot>> = slots.values().collect();
        all.sort_by_key(|slot| slot.used.load(Ordering::Relaxed));
        let mut bytes: usize = all.iter().map(|slot| slot.bytes.load(Ordering::Relaxed)).sum();
        for slot in all {
            if bytes <= bytes_max {
                return;
            }
            // One that is being built stays: waiting for it could be for each other.
            if !Arc::ptr_eq(slot, own)
                && let Ok(mut state) = slot.state.try_write()
            {
                *state = None;
                bytes = bytes.saturating_sub(slot.bytes.swap(0, Ordering::Relaxed));
            }
        }
    }
}

fn pieces_of(tx: &ReadTx) -> Pieces {
    Pieces::new(tx.core().search.analyzer)
}

/// Reads every memory of a scope.
fn build(tx: &ReadTx, scope: &Scope) -> Result<Loaded> {
    let mut pieces = pieces_of(tx);
    let mut index = ScopeIndex::new(Embeddings::Leave);
    for row in tx.index::<Memory>("namespace", scope.namespace.as_str())? {
        let (id, memory) = row?;
        if scope.has(&memory) {
            index.put(&mut pieces, id, &memory);
        }
    }
    index.settle();
    tracing::debug!(namespace = %scope.namespace, "memories held ready for recalls");
    Ok(Loaded { index, seq: tx.seq() })
}

/// Brings an index up to a newer state. `None` where building it anew is cheaper, or the log no
/// longer reaches back.
fn follow(mut loaded: Loaded, tx: &ReadTx, scope: &Scope) -> Result<Option<Loaded>> {
    let oldest = changes::oldest(tx.rows())?;
    if oldest.is_none_or(|oldest| oldest.0 > loaded.seq.0 + 1) || loaded.index.is_worn() {
        return Ok(None);
    }
    let most = FOLLOW_MIN.max(loaded.index.settled.count / 2);
    let kind = tx.kind_of::<Memory>()?;
    let mut ids = BTreeSet::new();
    changes::read_after(tx.rows(), loaded.seq, &mut |change| {
        if matches!(change.operation, Operation::Put | Operation::Delete) {
            ids.extend(change.nodes().take(most + 1).filter(|id| id.kind() == kind));
        }
        if ids.len() > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if ids.len() > most {
        return Ok(None);
    }
    let mut pieces = pieces_of(tx);
    let mut has_changed = false;
    for id in ids {
        match tx.get::<Memory>(id)? {
            Some(memory) if scope.has(&memory) => {
                loaded.index.put(&mut pieces, id, &memory);
                has_changed = true;
            }
            _ => has_changed |= loaded.index.remove(id),
        }
    }
    if has_changed {
        loaded.index.settle();
    }
    loaded.seq = tx.seq();
    Ok(Some(loaded))
}

/// The index of a scope as it was after an earlier write: what has not changed since, and what the
/// history says of the rest.
pub(super) fn past(tx: &ReadTx, scope: &Scope, at: Seq) -> Result<Loaded> {
    if at > tx.seq() {
        let reason = format!("write {at} is not there yet: the newest is {}", tx.seq());
        return Err(Error::invalid("as_of", reason));
    }
    let changed = changed_after(tx, at)?;
    let mut pieces = pieces_of(tx);
    let mut index = ScopeIndex::new(Embeddings::Keep);
    for row in tx.index::<Memory>("namespace", scope.namespace.as_str())? {
        let (id, memory) = row?;
        if scope.has(&memory) && !changed.contains_key(&id) {
            index.put(&mut pieces, id, &memory);
        }
    }
    for (id, first) in &changed {
        let Some(memory) = before(tx, *id, *first)? else { continue };
        if scope.has(&memory) {
            index.put(&mut pieces, *id, &memory);
        }
    }
    index.settle();
    Ok(Loaded { index, seq: at })
}

/// What a memory was before a change of it; nothing where that change made it.
fn before(tx: &ReadTx, id: NodeId, change: Seq) -> Result<Option<Memory>> {
    let kept = tx.rows().get(TableId::HISTORY, &index::history_key(id, change))?;
    kept.map(|value| codec::decode(&value)).transpose()
}

/// A memory as it was after an earlier write.
pub(super) fn memory_at(tx: &ReadTx, id: NodeId, at: Seq) -> Result<Option<Memory>> {
    if at == tx.seq() { tx.get(id) } else { tx.get_as_of(id, at) }
}

/// The memories that have changed after a write, each with its first change.
fn changed_after(tx: &ReadTx, at: Seq) -> Result<BTreeMap<NodeId, Seq>> {
    let oldest = changes::oldest(tx.rows())?.unwrap_or(Seq(at.0.saturating_add(1)));
    if at.0.saturating_add(1) < oldest.0 {
        return Err(Error::Trimmed { oldest: oldest.0 });
    }
    let kind = tx.kind_of::<Memory>()?;
    let mut changed: BTreeMap<NodeId, Seq> = BTreeMap::new();
    changes::read_after(tx.rows(), at, &mut |change| {
        if matches!(change.operation, Operation::Put | Operation::Delete) {
            for id in change.nodes().filter(|id| id.kind() == kind) {
                changed.entry(id).or_insert(change.seq);
            }
        }
        if changed.len() > PAST_CHANGES_MAX {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    if changed.len() > PAST_CHANGES_MAX {
        return Err(Error::Limit {
            what: "memories changed since an earlier write that is asked".into(),
            max: PAST_CHANGES_MAX as u64,
            found: changed.len() as u64,
        });
    }
    Ok(changed)
}

/// Longest namespace that stands whole in the key of an index.
const NAMESPACE_WHOLE_BYTES: usize = 400;

/// Every namespace that has memories, in order. One look a namespace.
pub(super) fn namespaces(tx: &ReadTx) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    let mut from = String::new();
    loop {
        let next = tx.index_from::<Memory>("namespace", from.as_str())?.next().transpose()?;
        let Some((_, memory)) = next else { return Ok(found) };
        if memory.namespace.len() > NAMESPACE_WHOLE_BYTES {
            break;
        }
        from.clear();
        from.push_str(&memory.namespace);
        from.push('\0');
        found.push(memory.namespace);
    }
    // Where one is cut in the index, its order is another one.
    let mut all = BTreeSet::new();
    for row in tx.iter::<Memory>()? {
        all.insert(row?.1.namespace);
    }
    Ok(all.into_iter().collect())
}
