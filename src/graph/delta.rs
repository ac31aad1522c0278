//! What has changed since a snapshot was built, entry by entry: a persistent delta over its arrays.
//!
//! A node that has changed has a patch on each side: the entries that were added and the places of
//! the arrays that no longer count, never a copy of its list. Each added entry knows the place
//! before which it belongs, so that reading needs no comparison. A new version shares all but a
//! few tree nodes with the one before, whatever the size of the graph, the delta or the hub.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use imbl::shared_ptr::DefaultSharedPtr;
use imbl::{GenericHashMap, Vector};

use super::snapshot::Snapshot;
use super::sorted::{Sorted, SortedIter};
use super::view::{IdHasher, NodeMap, NodeNumber, Side, Stamped};
use crate::base::id::{EdgeId, NodeId};
use crate::storage::edge_log::{EdgeChange, Now};

type Map<K, V> = GenericHashMap<K, V, std::hash::BuildHasherDefault<IdHasher>, DefaultSharedPtr>;

/// A node of a snapshot with a delta over it. Compares as the identities do, though nodes of the
/// snapshot do not carry theirs: those that the delta added stand before the place where they
/// would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LiveNode {
    /// How many nodes of the snapshot come before it.
    place: u32,
    /// Greater than every identity for a node of the snapshot, which comes after the nodes that
    /// were added at its place.
    id: u64,
    /// The dense number: those that were added come after the snapshot's, as they arrived.
    index: u32,
}

const IN_BASE: u64 = u64::MAX;

impl LiveNode {
    /// The node of a snapshot that has this number.
    #[inline]
    pub(super) fn of_base(index: u32) -> Self {
        Self { place: index, id: IN_BASE, index }
    }

    #[inline]
    pub(super) fn index(self) -> u32 {
        self.index
    }

    /// The identity, for a node that the delta added.
    #[inline]
    pub(super) fn added_id(self) -> Option<NodeId> {
        (self.id != IN_BASE).then(|| NodeId::from_u64(self.id))
    }
}

impl NodeNumber for LiveNode {
    type Map<T: Copy + std::fmt::Debug> = ByIndex<T>;
}

/// A map from nodes by their dense numbers.
#[derive(Debug)]
pub(crate) struct ByIndex<T>(Stamped<T>);

impl<T> Default for ByIndex<T> {
    fn default() -> Self {
        Self(Stamped::default())
    }
}

impl<T: Copy> NodeMap<LiveNode, T> for ByIndex<T> {
    fn reset(&mut self, bound: usize) {
        self.0.reset(bound);
    }

    fn get(&self, node: LiveNode) -> Option<T> {
        self.0.get(node.index)
    }

    fn insert(&mut self, node: LiveNode, value: T) -> bool {
        self.0.insert(node.index, value)
    }

    fn contains(&self, node: LiveNode) -> bool {
        self.0.contains(node.index)
    }
}

/// What makes an entry the same; the order of entries in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) edge_type: u32,
    pub(super) neighbor: LiveNode,
    pub(super) edge: EdgeId,
}

impl Key {
    /// Not after any key of the type.
    fn first_of(edge_type: u32) -> Self {
        let neighbor = LiveNode { place: 0, id: 0, index: 0 };
        Self { edge_type, neighbor, edge: EdgeId::LINK }
    }
}

/// An entry that was added, besides its key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Added {
    /// The place of the snapshot's arrays before which it belongs.
    at: u32,
    pub(super) weight: f32,
}

/// What has changed in one list.
#[derive(Clone, Debug, Default)]
pub(super) struct Patch {
    added: Sorted<Key, Added>,
    /// Places of the snapshot's arrays whose entries are gone.
    removed: Sorted<u32, ()>,
}

/// A part of a list as it is read through a patch.
pub(super) enum Piece<'a> {
    /// Entries of one type in the snapshot's arrays.
    Run { edge_type: u32, places: Range<usize> },
    /// One entry of the delta.
    One(&'a Key, &'a Added),
}

impl Patch {
    fn len(&self) -> usize {
        self.added.len() + self.removed.len()
    }

    /// The places before which entries were added, with the neighbours there, in order. `None`
    /// where entries are gone, too.
    #[inline]
    pub(super) fn only_added(&self) -> Option<impl Iterator<Item = (usize, u32)> + '_> {
        let added = self.added.iter();
        let added = added.map(|(key, added)| (added.at as usize, key.neighbor.index()));
        (self.removed.len() == 0).then_some(added)
    }

    /// How many entries a list has whose places in the arrays are these.
    pub(super) fn degree(&self, places: &Range<usize>, edge_type: Option<u32>) -> usize {
        let Some(edge_type) = edge_type else {
            return places.len() + self.added.len() - self.removed.len();
        };
        let of_type = Key::first_of(edge_type);
        let added = self.added.from(&of_type).take_while(|(key, _)| key.edge_type == edge_type);
        let start = u32::try_from(places.start).unwrap_or(u32::MAX);
        let gone = self.removed.from(&start).take_while(|(gone, ())| places.end > **gone as usize);
        places.len() + added.count() - gone.count()
    }

    /// Hands a list to `visit` piece by piece, in order. `runs` are its types and places in the
    /// arrays, or those of the one type that is wanted.
    #[inline]
    pub(super) fn for_each<'a>(
        &'a self,
        runs: impl Iterator<Item = (u32, Range<usize>)>,
        edge_type: Option<u32>,
        mut visit: impl FnMut(Piece<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut cursor = Cursor::new(self, edge_type);
        for (edge_type, places) in runs {
            cursor.run(edge_type, places, &mut visit)?;
        }
        cursor.added_up_to(usize::MAX, &mut visit)
    }
}

/// Goes through the changes of a patch along the places of the arrays.
struct Cursor<'a> {
    only: Option<u32>,
    added: SortedIter<'a, Key, Added>,
    next_added: Option<(&'a Key, &'a Added)>,
    removed: SortedIter<'a, u32, ()>,
    next_removed: Option<usize>,
}

impl<'a> Cursor<'a> {
    #[inline]
    fn new(patch: &'a Patch, only: Option<u32>) -> Self {
        let added = match only {
            Some(edge_type) => patch.added.from(&Key::first_of(edge_type)),
            None => patch.added.iter(),
        };
        let removed = patch.removed.iter();
        let mut cursor = Self { only, added, next_added: None, removed, next_removed: None };
        cursor.step_added();
        cursor.step_removed();
        cursor
    }

    #[inline]
    fn step_added(&mut self) {
        let next = self.added.next();
        self.next_added =
            next.filter(|(key, _)| self.only.is_none_or(|only| key.edge_type == only));
    }

    #[inline]
    fn step_removed(&mut self) {
        self.next_removed = self.removed.next().map(|(place, ())| *place as usize);
    }

    /// Hands on the added entries that belong before a place.
    #[inline]
    fn added_up_to(
        &mut self,
        place: usize,
        visit: &mut impl FnMut(Piece<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        while let Some((key, added)) =
            self.next_added.filter(|(_, added)| added.at as usize <= place)
        {
            visit(Piece::One(key, added))?;
            self.step_added();
        }
        ControlFlow::Continue(())
    }

    /// Hands on the entries at some places, with what was added among them.
    #[inline]
    fn run(
        &mut self,
        edge_type: u32,
        places: Range<usize>,
        visit: &mut impl FnMut(Piece<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut place = places.start;
        // Changes of other types, when one is wanted.
        while self.next_removed.is_some_and(|removed| removed < place) {
            self.step_removed();
        }
        while place < places.end {
            self.added_up_to(place, visit)?;
            let added = self.next_added.map_or(usize::MAX, |(_, added)| added.at as usize);
            let removed = self.next_removed.unwrap_or(usize::MAX);
            let stop = places.end.min(added).min(removed);
            if stop > place {
                visit(Piece::Run { edge_type, places: place..stop })?;
                place = stop;
            }
            if place == removed && place < places.end {
                place += 1;
                self.step_removed();
            }
        }
        ControlFlow::Continue(())
    }
}

/// The changes of a whole graph over one snapshot. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Delta {
    sides: [Map<u32, Arc<Patch>>; 2],
    numbers: Map<NodeId, u32>,
    /// Nodes that the snapshot does not have, as they came.
    nodes: Vector<LiveNode>,
    /// Entries added and removed, both sides together.
    entries: usize,
}

fn side_index(side: Side) -> usize {
    match side {
        Side::Out => 0,
        Side::In => 1,
    }
}

impl Delta {
    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Nodes that were added, as they came.
    pub(super) fn nodes(&self) -> &Vector<LiveNode> {
        &self.nodes
    }

    /// The patch of a node by its dense number.
    #[inline]
    pub(super) fn patch(&self, index: u32, side: Side) -> Option<&Patch> {
        self.sides[side_index(side)].get(&index).map(|patch| &**patch)
    }

    /// The node of this identity, in the snapshot or added.
    pub(super) fn find(&self, base: &Snapshot, id: NodeId) -> Option<LiveNode> {
        if let Some(index) = base.index_of(id) {
            return Some(LiveNode::of_base(index));
        }
        let number = self.numbers.get(&id)?;
        self.nodes.get(*number as usize).copied()
    }

    fn find_or_add(&mut self, base: &Snapshot, id: NodeId) -> Option<LiveNode> {
        if let Some(found) = self.find(base, id) {
            return Some(found);
        }
        let number = u32::try_from(self.nodes.len()).ok()?;
        let index = u32::try_from(base.nodes.len() + self.nodes.len()).ok()?;
        let place = u32::try_from(base.nodes.partition_point(|other| *other < id)).ok()?;
        let node = LiveNode { place, id: id.as_u64(), index };
        self.nodes.push_back(node);
        self.numbers.insert(id, number);
        Some(node)
    }

    /// Applies one change over `base`. Returns the dense number of the node; `None` when there are
    /// no more numbers for nodes. Doing it twice is the same as once.
    pub(super) fn apply(&mut self, base: &Snapshot, change: &EdgeChange) -> Option<u32> {
        let EdgeChange { node, direction: side, entry, now } = *change;
        let (node, neighbor) = match now {
            Now::There => (self.find_or_add(base, node)?, self.find_or_add(base, entry.neighbor)?),
            // What nobody knows is gone already.
            Now::Gone => match (self.find(base, node), self.find(base, entry.neighbor)) {
                (Some(node), Some(neighbor)) => (node, neighbor),
                (node, _) => return Some(node.map_or(0, LiveNode::index)),
            },
        };
        let key = Key { edge_type: entry.edge_type, neighbor, edge: entry.edge };
        let (at, in_base) = match base.place_of(node, side, &key) {
            Ok(place) => (place, Some(base.position(side, place))),
            Err(place) => (place, None),
        };
        let at = u32::try_from(at).ok()?;
        let patches = &mut self.sides[side_index(side)];
        let patch = Arc::make_mut(patches.entry(node.index()).or_default());
        let before = patch.len();
        let unchanged =
            in_base.is_some_and(|at| base.weight(at).to_bits() == entry.weight.to_bits());
        if now == Now::Gone || unchanged {
            patch.added.remove(&key);
        } else {
            patch.added.insert(key, Added { at, weight: entry.weight });
        }
        if in_base.is_some() {
            if now == Now::There && unchanged {
                patch.removed.remove(&at);
            } else {
                patch.removed.insert(at, ());
            }
        }
        let after = patch.len();
        self.entries = self.entries + after - before;
        if after == 0 {
            patches.remove(&node.index());
        }
        Some(node.index())
    }

    /// Bytes in memory, about: slots of the maps, patches, entries.
    pub(super) fn size_bytes(&self) -> usize {
        let patches = self.sides.iter().map(Map::len).sum::<usize>();
        let entry = size_of::<(Key, Added)>();
        // Half of a hash map's slots are empty; lists grow by doubling.
        2 * (patches * (size_of::<Patch>() + 48) + self.entries * entry + self.nodes.len() * 40)
    }
}
