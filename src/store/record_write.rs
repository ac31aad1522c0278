//! Writing records: the row, what it implies, its history and its change, through any rows.

use std::collections::{BTreeMap, HashMap};

use super::core::Core;
use super::entry::{Adjacent, Implied, UniqueRow, kind_name};
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, Kind, NodeId, Seq};
use crate::base::varint;
use crate::record::{CarriedVectors, Facts, History};
use crate::storage::audit::{Act, Trail};
use crate::storage::changes::{Gathered, Operation};
use crate::storage::edges::EdgeRecord;
use crate::storage::names::NewNames;
use crate::storage::tables::record_key;
use crate::storage::{KeyRange, RowsMut, TableId, adjacency, edge_past, index, vectors};

/// Links that a write gathers before it sorts them into the blocks.
const PENDING_LINKS_MAX: usize = 1 << 19;

/// What to do when a natural key is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnTaken {
    /// The write fails.
    Refuse,
    /// The record is kept without the key; the caller is told.
    Keep,
}

/// Ids as runs, so that a load of any length is a few numbers.
#[derive(Debug, Default)]
struct Born(BTreeMap<u64, u64>);

impl Born {
    fn insert(&mut self, id: NodeId) {
        let id = id.as_u64();
        if let Some((_, last)) = self.0.range_mut(..=id).next_back()
            && *last + 1 >= id
        {
            *last = id.max(*last);
        } else {
            self.0.insert(id, id);
        }
    }

    fn contains(&self, id: NodeId) -> bool {
        let id = id.as_u64();
        self.0.range(..=id).next_back().is_some_and(|(_, last)| *last >= id)
    }
}

/// Writes records through rows. One lives as long as its write.
#[derive(Debug)]
pub(crate) struct Writer<R> {
    pub(crate) rows: R,
    pub(crate) seq: Seq,
    pub(crate) changes: Gathered,
    pub(crate) new_names: NewNames,
    /// The audit entry of this write, once it has one.
    pub(super) trail: Option<Trail>,
    /// The source that is being imported: its records are not known to the store yet.
    pub(crate) source: Option<u32>,
    /// Links and stated edges that were added.
    pub(crate) links: u64,
    /// Dimensions of models that this write has looked up: a load must not read what it writes.
    pub(crate) dimensions: HashMap<u32, usize>,
    next_keys: HashMap<Kind, u64>,
    /// Records of versioned types that were not there before this write.
    born: Born,
    /// The first edge that this write makes: it and all after it were not there before.
    first_edge: Option<EdgeId>,
    /// Links that are not in the blocks yet.
    pending: Vec<Adjacent>,
    /// Of these, by their targets, those from records that may carry vectors of others; of what is
    /// imported none, as nobody asks for vectors meanwhile.
    pending_carriers: HashMap<NodeId, Vec<NodeId>>,
}

impl<R: RowsMut> Writer<R> {
    pub(crate) fn new(rows: R, seq: Seq) -> Self {
        Self {
            rows,
            seq,
            changes: Gathered::default(),
            new_names: NewNames::default(),
            trail: None,
            source: None,
            links: 0,
            dimensions: HashMap::new(),
            next_keys: HashMap::new(),
            born: Born::default(),
            first_edge: None,
            pending: Vec::new(),
            pending_carriers: HashMap::new(),
        }
    }

    /// The smallest key that was never given to a record of the kind.
    pub(crate) fn next_key(&mut self, kind: Kind) -> Result<u64> {
        if let Some(next) = self.next_keys.get(&kind) {
            return Ok(*next);
        }
        let last = self.rows.first(TableId::records(kind), KeyRange::all().descending())?;
        let after_last = last
            .map_or(1, |(key, _)| crate::storage::tables::record_key_from(&key).saturating_add(1));
        let floor = match self.rows.get(TableId::FLOORS, &index::floor_key(kind))? {
            None => 1,
            Some(value) => varint::take(&mut &value[..])
                .ok_or_else(|| Error::corrupt("table floors", format!("kind {}", kind.0)))?,
        };
        let next = after_last.max(floor);
        self.next_keys.insert(kind, next);
        Ok(next)
    }

    /// Says that keys below `next` are given.
    pub(crate) fn advance_key(&mut self, kind: Kind, next: u64) -> Result<()> {
        if next > self.next_key(kind)? {
            self.next_keys.insert(kind, next);
        }
        Ok(())
    }

    /// The next new identity. It is given when a record is written under it.
    pub(crate) fn next_id(&mut self, kind: Kind) -> Result<NodeId> {
        let key = self.next_key(kind)?;
        NodeId::new(kind, key).ok_or(Error::Limit {
            what: "keys of a kind".into(),
            max: NodeId::MAX_KEY,
            found: key,
        })
    }

    /// Writes a record that is known to be new. Tells whether every natural key was free.
    pub(crate) fn insert_new(
        &mut self,
        core: &Core,
        id: NodeId,
        value: &[u8],
        facts: &Facts<'_>,
        on_taken: OnTaken,
    ) -> Result<bool> {
        let implied = self.implied(core, id, facts)?;
        let taken = self.taken(core, id, &implied, on_taken)?;
        self.add(core, id, &implied, &taken)?;
        self.put_new(core, id, value)?;
        Ok(taken.is_empty())
    }

    /// Writes the value of a record that is known to be new.
    pub(super) fn put_new(&mut self, core: &Core, id: NodeId, value: &[u8]) -> Result<()> {
        if core.kinds.registered(id.kind())?.history != History::None {
            self.born.insert(id);
        }
        let value = &*core.kept(value)?;
        self.rows.put(TableId::records(id.kind()), &record_key(id.key()), value)?;
        self.advance_key(id.kind(), id.key() + 1)?;
        self.changes.push(Operation::Put, id.as_u64());
        self.audit(core, Act::Put, id, value)
    }

    /// Replaces a record, given as (old, new) value: only what differs is touched.
    pub(crate) fn replace(
        &mut self,
        core: &Core,
        id: NodeId,
        (old, value): (&[u8], &[u8]),
        facts: &Facts<'_>,
        on_taken: OnTaken,
    ) -> Result<()> {
        let before = self.implied_by(core, id, old)?;
        let after = self.implied(core, id, facts)?;
        let new = after.without(&before);
        let taken = self.taken(core, id, &new, on_taken)?;
        self.remove(id, &before.without(&after))?;
        self.add(core, id, &new, &taken)?;
        self.keep_history(core, id, old)?;
        let value = &*core.kept(value)?;
        self.rows.put(TableId::records(id.kind()), &record_key(id.key()), value)?;
        self.changes.push(Operation::Put, id.as_u64());
        self.audit(core, Act::Put, id, value)
    }

    /// Deletes a record with everything that it implies. Edges that others made to it are the
    /// caller's.
    pub(crate) fn delete(&mut self, core: &Core, id: NodeId, old: &[u8]) -> Result<()> {
        let before = self.implied_by(core, id, old)?;
        self.remove(id, &before)?;
        self.keep_history(core, id, old)?;
        let kind = id.kind();
        if self.next_key(kind)? == id.key() + 1 {
            // The greatest key goes: without a floor it would be given again.
            let mut floor = Vec::with_capacity(5);
            varint::put(&mut floor, id.key() + 1);
            self.rows.put(TableId::FLOORS, &index::floor_key(kind), &floor)?;
        }
        let keeps = self.keeps_past(core, id)?;
        for (model, _) in vectors::models(&self.rows)? {
            if let Some(vector) = vectors::get(&self.rows, model, id)? {
                if keeps {
                    vectors::keep(&mut self.rows, (model, id), self.seq, &vector)?;
                }
                vectors::delete(&mut self.rows, model, id)?;
            }
        }
        self.rows.delete(TableId::records(kind), &record_key(id.key()))?;
        self.changes.push(Operation::Delete, id.as_u64());
        self.audit(core, Act::Delete, id, &[])
    }

    fn implied(&mut self, core: &Core, id: NodeId, facts: &Facts<'_>) -> Result<Implied> {
        let source = match self.source {
            Some(source) => source,
            None if facts.unique.is_empty() => 0,
            None => core.sources.source_of(id),
        };
        Implied::of(core, (&mut self.new_names, &mut self.rows), id, source, facts)
    }

    fn implied_by(&mut self, core: &Core, id: NodeId, value: &[u8]) -> Result<Implied> {
        let describe = core.kinds.registered(id.kind())?.describe;
        let mut implied = None;
        describe(value, &mut |facts| {
            implied = Some(self.implied(core, id, facts)?);
            Ok(())
        })?;
        Ok(implied.unwrap_or_default())
    }

    fn add(&mut self, core: &Core, id: NodeId, new: &Implied, taken: &[UniqueRow]) -> Result<()> {
        for unique in new.unique.iter().filter(|unique| !taken.contains(unique)) {
            self.rows.put(TableId::UNIQUE, &unique.row, &index::unique_value(id))?;
        }
        for row in &new.indexes {
            self.rows.put(TableId::INDEX, row, &[])?;
        }
        for adjacent in &new.adjacent {
            self.note_carrier(core, adjacent);
            self.connect(*adjacent)?;
        }
        Ok(())
    }

    /// The natural keys that others have. Asked before anything is written, so that a refused
    /// record leaves no trace in a write that goes on.
    fn taken(
        &self,
        core: &Core,
        id: NodeId,
        new: &Implied,
        on_taken: OnTaken,
    ) -> Result<Vec<UniqueRow>> {
        let mut taken = Vec::new();
        for unique in &new.unique {
            let Some(value) = self.rows.get(TableId::UNIQUE, &unique.row)? else { continue };
            let holder = index::unique_id(id.kind(), &value)?;
            if holder == id {
                continue;
            }
            if on_taken == OnTaken::Refuse {
                let what = format!("{} with that {}", kind_name(core, id.kind()), unique.name);
                return Err(Error::already_exists(what, holder));
            }
            taken.push(unique.clone());
        }
        Ok(taken)
    }

    fn remove(&mut self, id: NodeId, gone: &Implied) -> Result<()> {
        for unique in &gone.unique {
            let holder = self.rows.get(TableId::UNIQUE, &unique.row)?;
            let ours = match holder {
                None => false,
                Some(value) => index::unique_id(id.kind(), &value)? == id,
            };
            if ours {
                self.rows.delete(TableId::UNIQUE, &unique.row)?;
            }
        }
        for row in &gone.indexes {
            self.rows.delete(TableId::INDEX, row)?;
        }
        if !gone.adjacent.is_empty() {
            self.flush_links()?;
        }
        for Adjacent { node, direction, entry } in &gone.adjacent {
            let (edge_type, neighbor, edge) = (entry.edge_type, entry.neighbor, entry.edge);
            adjacency::remove(&mut self.rows, *node, *direction, edge_type, neighbor, edge)?;
        }
        Ok(())
    }

    /// Adds one adjacency entry, with the next batch of them.
    pub(super) fn connect(&mut self, adjacent: Adjacent) -> Result<()> {
        self.links += u64::from(adjacent.direction == adjacency::Direction::Out);
        self.pending.push(adjacent);
        if self.pending.len() >= PENDING_LINKS_MAX { self.flush_links() } else { Ok(()) }
    }

    /// Notes the target of a link that may carry a vector of it.
    fn note_carrier(&mut self, core: &Core, adjacent: &Adjacent) {
        let Adjacent { node, direction, entry } = adjacent;
        if *direction == adjacency::Direction::In && entry.edge.is_link() {
            let of = core.kinds.record_type(entry.neighbor.kind());
            if of.is_some_and(|of| of.vectors != CarriedVectors::None) {
                self.pending_carriers.entry(*node).or_default().push(entry.neighbor);
            }
        }
    }

    /// The records that may carry a vector of `id` and whose links are not in the blocks yet.
    pub(crate) fn pending_carriers(&self, id: NodeId) -> &[NodeId] {
        self.pending_carriers.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Sorts the gathered links into the blocks. To be called before these are read.
    pub(crate) fn flush_links(&mut self) -> Result<()> {
        let mut links = std::mem::take(&mut self.pending);
        self.pending_carriers.clear();
        links.sort_unstable_by_key(|link| {
            let entry = &link.entry;
            let inward = matches!(link.direction, adjacency::Direction::In);
            (link.node, inward, entry.edge_type, entry.neighbor, entry.edge)
        });
        let mut entries = Vec::new();
        for run in links.chunk_by(|a, b| a.node == b.node && a.direction == b.direction) {
            let Some(first) = run.first() else { continue };
            entries.clear();
            entries.extend(run.iter().map(|link| link.entry));
            adjacency::insert_sorted(&mut self.rows, first.node, first.direction, &entries)?;
        }
        Ok(())
    }

    /// Whether it is kept what a record was before this write.
    fn keeps_past(&self, core: &Core, id: NodeId) -> Result<bool> {
        let versioned = core.kinds.registered(id.kind())?.history != History::None;
        Ok(versioned && !self.born.contains(id))
    }

    /// Notes that edges were made, from that number on.
    pub(super) fn linked(&mut self, first: EdgeId, count: u64) {
        self.first_edge.get_or_insert(first);
        self.changes.push_run(Operation::Link, first.as_u64(), count);
    }

    /// Notes that an edge was removed, and keeps what it was.
    pub(super) fn unlinked(&mut self, edge: &EdgeRecord) -> Result<()> {
        self.changes.push(Operation::Unlink, edge.id.as_u64());
        if self.first_edge.is_some_and(|first| edge.id >= first) {
            return Ok(());
        }
        edge_past::keep(&mut self.rows, edge, self.seq)
    }

    fn keep_history(&mut self, core: &Core, id: NodeId, old: &[u8]) -> Result<()> {
        if !self.keeps_past(core, id)? {
            return Ok(());
        }
        let key = index::history_key(id, self.seq);
        // A second change in the same write must not hide the value from before the write.
        if self.rows.get(TableId::HISTORY, &key)?.is_none() {
            self.rows.put(TableId::HISTORY, &key, old)?;
        }
        Ok(())
    }
}
