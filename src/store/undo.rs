//! Undoing: earlier values put back, as a write of its own.
//!
//! What a write changed is read from the change log, and what was there before it from the history.
//! So a write can be undone as far as the log reaches, for records of versioned types and for
//! edges. What a later write changed too is left as it is, unless the caller says otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde::Serialize;

use super::Store;
use super::record_read;
use super::record_write::OnTaken;
use super::tx::WriteTx;
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, NodeId, Seq};
use crate::base::limits::UNDO_RECORDS_MAX;
use crate::base::time::Timestamp;
use crate::record::History;
use crate::storage::adjacency::{self, Direction};
use crate::storage::audit::{self, Act, Head};
use crate::storage::changes::{self, Change, Operation};
use crate::storage::{Rows as _, TableId, index};

/// What happens to records that a later write changed too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LaterWrites {
    /// They stay as they are, and are listed.
    #[default]
    Keep,
    /// They are put back too: what later writes did to them is lost with it.
    Overwrite,
}

#[derive(Clone, Debug)]
enum Target {
    Write(Seq),
    Author(String, Timestamp),
}

/// What is to be undone. Handed to [`Store::undo`].
///
/// ```
/// use engraph::record::Memory;
/// use engraph::{Store, Undo};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::create(dir.path().join("s"))?;
/// let memory = |content: &str| Memory { content: content.to_owned(), ..Memory::default() };
/// let fact = store.write(|tx| tx.insert(&memory("due on 14 March")))?;
/// store.write(|tx| tx.put(fact, &memory("due on 15 March")))?;
/// let undone = store.undo(&Undo::write(store.seq()).author("anna"))?;
/// assert_eq!(undone.restored, [fact]);
/// let now = store.read()?.get::<Memory>(fact)?;
/// assert_eq!(now, Some(memory("due on 14 March")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Undo {
    target: Target,
    author: Option<String>,
    later: LaterWrites,
}

impl Undo {
    /// One write.
    #[must_use]
    pub fn write(seq: Seq) -> Self {
        Self { target: Target::Write(seq), author: None, later: LaterWrites::Keep }
    }

    /// Every write of an author from that time on, as the audit chain names them.
    #[must_use]
    pub fn of_author(name: impl Into<String>, since: Timestamp) -> Self {
        let target = Target::Author(name.into(), since);
        Self { target, author: None, later: LaterWrites::Keep }
    }

    /// Says who undoes it, for the audit chain.
    #[must_use]
    pub fn author(mut self, name: impl Into<String>) -> Self {
        self.author = Some(name.into());
        self
    }

    /// Says what happens to what later writes changed too.
    #[must_use]
    pub fn later(mut self, later: LaterWrites) -> Self {
        self.later = later;
        self
    }
}

/// A record that was left as it is because something came later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UndoConflict {
    /// The record.
    pub id: NodeId,
    /// The first later write that changed it; none where something else is in the way.
    pub later: Option<Seq>,
    /// What is in the way, in words.
    pub reason: String,
}

/// Something that cannot be undone at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotUndone {
    /// The record, or the edge.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// What undoing did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// The writes that were asked for.
    pub writes: Vec<Seq>,
    /// The write that undid them; none where there was nothing to do.
    pub seq: Option<Seq>,
    /// Records that have their earlier value again.
    pub restored: Vec<NodeId>,
    /// Records that are gone again.
    pub removed: Vec<NodeId>,
    /// Edges that are gone again.
    pub unlinked: Vec<EdgeId>,
    /// Edges that are there again.
    pub relinked: Vec<EdgeId>,
    /// What was left because something came later.
    pub conflicts: Vec<UndoConflict>,
    /// What cannot be undone.
    pub refused: Vec<NotUndone>,
}

impl Undone {
    /// Whether anything was changed.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        let records = !(self.restored.is_empty() && self.removed.is_empty());
        records || !(self.unlinked.is_empty() && self.relinked.is_empty())
    }

    pub(super) fn refuse(&mut self, what: &impl ToString, reason: &str) {
        self.refused.push(NotUndone { what: what.to_string(), reason: reason.to_owned() });
    }

    fn conflict(&mut self, id: NodeId, later: Option<Seq>, reason: impl Into<String>) {
        self.conflicts.push(UndoConflict { id, later, reason: reason.into() });
    }
}

/// What the writes in question did, and what came after them.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Their first change of each record, and the first later change of another write.
    records: BTreeMap<NodeId, (Seq, Option<Seq>)>,
    linked: BTreeSet<EdgeId>,
    /// Their first removal of each edge that was there before, and the first later change of
    /// another write.
    pub(super) unlinked: BTreeMap<EdgeId, (Seq, Option<Seq>)>,
    pub(super) embedded: BTreeSet<NodeId>,
    found: BTreeSet<Seq>,
}

impl Touched {
    fn take(&mut self, change: &Change, is_ours: bool) {
        if is_ours {
            self.found.insert(change.seq);
        }
        match (change.operation, is_ours) {
            (Operation::Put | Operation::Delete, true) => {
                for id in change.nodes() {
                    self.records.entry(id).or_insert((change.seq, None));
                }
            }
            (Operation::Put | Operation::Delete, false) => self.later(change),
            (Operation::Link, true) => {
                for edge in change.edges() {
                    // One that comes back is the same edge: nothing was done to it.
                    if self.unlinked.remove(&edge).is_none() {
                        self.linked.insert(edge);
                    }
                }
            }
            (Operation::Unlink, true) => {
                for edge in change.edges() {
                    if !self.linked.remove(&edge) {
                        self.unlinked.entry(edge).or_insert((change.seq, None));
                    }
                }
            }
            (Operation::Link | Operation::Unlink, false) => self.later_edges(change),
            (Operation::Embed, true) => self.embedded.extend(change.nodes()),
            (Operation::Embed, false) => {}
        }
    }

    /// A run of another write: a load may be far longer than what is to be undone.
    fn later(&mut self, change: &Change) {
        let (first, count) = (change.first(), change.count);
        let last = NodeId::from_u64(first.saturating_add(count.saturating_sub(1)));
        for (_, (_, later)) in self.records.range_mut(NodeId::from_u64(first)..=last) {
            later.get_or_insert(change.seq);
        }
    }

    fn later_edges(&mut self, change: &Change) {
        let (first, count) = (change.first(), change.count);
        let last = EdgeId::from_u64(first.saturating_add(count.saturating_sub(1)));
        for (_, (_, later)) in self.unlinked.range_mut(EdgeId::from_u64(first)..=last) {
            later.get_or_insert(change.seq);
        }
    }

    /// How many records and edges there are to undo.
    fn count(&self) -> u64 {
        (self.records.len() + self.linked.len() + self.unlinked.len()) as u64
    }
}

impl Store {
    /// Undoes a write, or what an author wrote, as a new write: what was overwritten or deleted has
    /// its earlier value again, what was made is gone. Says what it left and why.
    ///
    /// Only types with a history keep earlier values. Edges that were made go, edges that were
    /// removed come back where both ends are there. A record that was deleted has the vectors again
    /// that were beside it; vectors that were written over or deleted by themselves do not come
    /// back. Costs a walk over the change log from the first of the writes on.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such write, or none of that author;
    /// [`Error::Trimmed`] when the log no longer has it; [`Error::Conflict`] when nothing was ever
    /// audited, so that nobody knows who wrote what; [`Error::Limit`] for too many records and
    /// edges.
    pub fn undo(&self, undo: &Undo) -> Result<Undone> {
        self.write(|tx| tx.undo(undo))
    }

    /// What [`Store::undo`] would do. Nothing is kept.
    ///
    /// # Errors
    /// As there.
    pub fn undo_preview(&self, undo: &Undo) -> Result<Undone> {
        let mut undone = None;
        let dropped = self.write(|tx| {
            undone = Some(tx.undo(undo)?);
            Err::<(), _>(Error::conflict("undo", "nothing is kept of a preview"))
        });
        match (undone, dropped) {
            (Some(undone), _) => Ok(Undone { seq: None, ..undone }),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Ok(Undone::default()),
        }
    }
}

impl WriteTx<'_> {
    /// Undoes inside this write. See [`Store::undo`].
    ///
    /// # Errors
    /// As there.
    pub fn undo(&mut self, undo: &Undo) -> Result<Undone> {
        if let Some(author) = &undo.author {
            self.set_author(author)?;
        }
        let writes = match &undo.target {
            Target::Write(seq) => BTreeSet::from([*seq]),
            Target::Author(name, since) => self.writes_of(name, *since)?,
        };
        let touched = self.touched(&writes)?;
        let mut undone = Undone { writes: writes.into_iter().collect(), ..Undone::default() };
        self.undo_links(&touched, &mut undone)?;
        self.undo_records(&touched, undo.later, &mut undone)?;
        self.relink(&touched, undo.later, &mut undone)?;
        for id in &touched.embedded {
            // With a record that was made go its vectors.
            if undone.removed.binary_search(id).is_err() {
                undone.refuse(id, "vectors beside records keep no earlier values");
            }
        }
        undone.seq = undone.has_changes().then(|| self.seq());
        Ok(undone)
    }

    /// The writes of an author, as the audit chain has them.
    fn writes_of(&self, name: &str, since: Timestamp) -> Result<BTreeSet<Seq>> {
        if audit::newest(self.rows())?.is_none() {
            let reason = "nothing was ever audited, so that nobody knows who wrote what";
            return Err(Error::conflict("undo", reason));
        }
        let mut writes = BTreeSet::new();
        for row in audit::heads(self.rows(), 0)? {
            let (number, head) = row?;
            let broken = || Error::corrupt("table audit", format!("entry {number}"));
            let head = head.ok_or_else(broken)?;
            if head.time >= since && self.is_of_author(&head, name)? {
                writes.insert(head.seq);
            }
        }
        if writes.is_empty() {
            return Err(Error::not_found("write of an author", name));
        }
        Ok(writes)
    }

    fn is_of_author(&self, head: &Head, name: &str) -> Result<bool> {
        let Ok(last) = u32::try_from(head.items) else { return Ok(false) };
        let item = audit::item(self.rows(), head.number, last)?;
        let item = item.filter(|item| item.act == Act::Author);
        let said = item.and_then(|item| item.secret).map(|(_, said)| said);
        Ok(said.is_some_and(|said| said == name.as_bytes()))
    }

    fn touched(&self, writes: &BTreeSet<Seq>) -> Result<Touched> {
        let mut touched = Touched::default();
        let Some(first) = writes.first() else { return Ok(touched) };
        if let Some(oldest) =
            changes::oldest(self.rows())?.filter(|oldest| first.0 > 0 && oldest > first)
        {
            return Err(Error::Trimmed { oldest: oldest.0 });
        }
        let mut too_many = false;
        let before = Seq(first.0.saturating_sub(1));
        changes::read_after(self.rows(), before, &mut |change| {
            let is_ours = writes.contains(&change.seq);
            too_many |= is_ours && change.count > UNDO_RECORDS_MAX;
            if too_many {
                return ControlFlow::Break(());
            }
            touched.take(&change, is_ours);
            too_many = touched.count() > UNDO_RECORDS_MAX;
            ControlFlow::Continue(())
        })?;
        if too_many {
            return Err(Error::Limit {
                what: "records and edges to undo at once".into(),
                max: UNDO_RECORDS_MAX,
                found: UNDO_RECORDS_MAX + 1,
            });
        }
        match writes.iter().find(|seq| !touched.found.contains(seq)) {
            // An entry of the audit chain may be all that a write did.
            Some(_) if writes.len() > 1 => Ok(touched),
            Some(seq) => Err(Error::not_found("write", seq)),
            None => Ok(touched),
        }
    }

    fn undo_links(&mut self, touched: &Touched, undone: &mut Undone) -> Result<()> {
        for edge in &touched.linked {
            if self.remove_edge(*edge)? {
                undone.unlinked.push(*edge);
            }
        }
        Ok(())
    }

    fn undo_records(
        &mut self,
        touched: &Touched,
        later: LaterWrites,
        undone: &mut Undone,
    ) -> Result<()> {
        let mut waiting: Vec<(NodeId, Vec<u8>)> = Vec::new();
        for (id, (first, changed_by)) in &touched.records {
            let of_type = self.core().kinds.record_type(id.kind());
            match of_type.map(|of_type| of_type.history) {
                None => undone.refuse(id, "its type is not registered"),
                Some(History::None) => undone.refuse(id, "its type keeps no earlier values"),
                Some(_) => {
                    let target =
                        self.rows().get(TableId::HISTORY, &index::history_key(*id, *first))?;
                    let present = record_read::raw(self.rows(), *id)?;
                    let keeps = later == LaterWrites::Keep;
                    match (target.map(|bytes| bytes.to_vec()), present) {
                        (None, None) => {}
                        (Some(target), Some(present)) if *target == *present => {}
                        _ if keeps && changed_by.is_some() => {
                            undone.conflict(*id, *changed_by, "a later write changed it too");
                        }
                        (None, Some(_)) if keeps && self.has_edges(*id)? => {
                            undone.conflict(*id, None, "other writes made edges of it");
                        }
                        (None, Some(_)) => {
                            self.delete(*id)?;
                            undone.removed.push(*id);
                        }
                        (Some(target), _) => waiting.push((*id, target)),
                    }
                }
            }
        }
        let mut absent = BTreeSet::new();
        for (id, _) in &waiting {
            if !self.contains(*id)? {
                absent.insert(*id);
            }
        }
        self.restore(waiting, undone)?;
        absent.retain(|id| undone.restored.binary_search(id).is_ok());
        self.restore_vectors(&absent, touched, undone)
    }

    /// Puts earlier values back. One whose natural key another of them still has waits for that.
    fn restore(&mut self, mut waiting: Vec<(NodeId, Vec<u8>)>, undone: &mut Undone) -> Result<()> {
        loop {
            let count = waiting.len();
            let mut refused = Vec::new();
            for (id, value) in std::mem::take(&mut waiting) {
                let describe = self.core().kinds.registered(id.kind())?.describe;
                let put = describe(&value, &mut |facts| {
                    self.put_value(id, &value, facts, OnTaken::Refuse)
                });
                match put {
                    Ok(()) => undone.restored.push(id),
                    Err(error @ Error::AlreadyExists { .. }) => {
                        refused.push(error.to_string());
                        waiting.push((id, value));
                    }
                    Err(error) => return Err(error),
                }
            }
            if waiting.is_empty() || waiting.len() == count {
                for ((id, _), reason) in waiting.into_iter().zip(refused) {
                    undone.conflict(id, None, reason);
                }
                undone.restored.sort_unstable();
                return Ok(());
            }
        }
    }

    /// Whether a record has edges that were made by themselves.
    fn has_edges(&self, id: NodeId) -> Result<bool> {
        let mut found = false;
        for direction in [Direction::Out, Direction::In] {
            adjacency::for_each(self.rows(), id, direction, None, &mut |entry| {
                found = !entry.edge.is_link() && entry.edge.stated_by().is_none();
                if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
