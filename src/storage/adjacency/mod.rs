//! Adjacency lists: for each node and direction one ordered sequence of entries, cut into packed
//! blocks.
//!
//! The first block's key is the node (8 bytes, big-endian) and the direction; the keys of later
//! blocks append their lower bound: the shortest bytes that come after the entries of the block
//! before and not after their own first. A list that has entries has its first block, be it empty,
//! and that block says whether others follow; so a list of one block is one `get`. An edit reads
//! and writes one block, whatever the length of the list; only when a block has nearly emptied is
//! the next one looked at.
//!
//! Both directions hold the weight where it is not 1: reading it at the other end would cost a
//! search a neighbour, and few edges have one. The caller writes both ends.

mod read;

use super::block;
pub(crate) use super::block::{Broken, Entry, Group};
use super::edge_log::{EdgeChange, Now};
use super::rows::{Bytes, KeyRange, Rows, RowsMut};
use super::tables::TableId;
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, NodeId};
use crate::base::limits::ADJACENCY_BLOCK_BYTES;
#[cfg(test)]
pub(crate) use read::iter_all;
pub(crate) use read::{degree, for_each, get, iter_groups};

const TABLE: TableId = TableId::ADJACENCY;
const HEAD_BYTES: usize = 9;
/// A block longer than this is cut into blocks of the target size.
const SPLIT_BYTES: usize = 2 * ADJACENCY_BLOCK_BYTES;
/// A block shorter than this takes in the next one, if both are hardly more than the target size.
const MERGE_BYTES: usize = ADJACENCY_BLOCK_BYTES / 4;

/// Which end of its edges a list belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Direction {
    /// The node is the source; neighbours are targets.
    Out,
    /// The node is the target; neighbours are sources.
    In,
}

impl Direction {
    fn code(self) -> u8 {
        match self {
            Self::Out => 0,
            Self::In => 1,
        }
    }

    /// The direction of the same edge seen from its other end.
    pub(crate) fn reversed(self) -> Self {
        match self {
            Self::Out => Self::In,
            Self::In => Self::Out,
        }
    }
}

/// One list: a node and a direction.
#[derive(Clone, Copy, PartialEq, Eq)]
struct List {
    node: NodeId,
    direction: Direction,
}

impl List {
    fn head(self) -> [u8; HEAD_BYTES] {
        let mut key = [0; HEAD_BYTES];
        key[..8].copy_from_slice(&self.node.as_u64().to_be_bytes());
        key[8] = self.direction.code();
        key
    }

    fn key(self, bound: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(HEAD_BYTES + bound.len());
        key.extend_from_slice(&self.head());
        key.extend_from_slice(bound);
        key
    }

    fn of_key(key: &[u8]) -> Option<Self> {
        let (node, rest) = key.split_first_chunk::<8>()?;
        let direction = match rest.first()? {
            0 => Direction::Out,
            1 => Direction::In,
            _ => return None,
        };
        Some(Self { node: NodeId::from_u64(u64::from_be_bytes(*node)), direction })
    }

    /// The blocks behind `key`.
    fn after(self, key: &[u8]) -> KeyRange {
        KeyRange::prefix(&self.head()).after(key)
    }

    fn broken(self, detail: Broken) -> Error {
        let Self { node, direction } = self;
        Error::corrupt(format!("table adjacency, node {node} ({direction:?})"), detail)
    }

    fn decode(self, value: &[u8]) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        block::decode_into(value, &mut entries).map_err(|detail| self.broken(detail))?;
        Ok(entries)
    }

    fn change(self, entry: Entry, now: Now) -> EdgeChange {
        EdgeChange { node: self.node, direction: self.direction, entry, now }
    }

    /// The block that holds, or would hold, the entry of these order bytes. `None` when the list
    /// is not there.
    fn locate<R: Rows + ?Sized>(self, rows: &R, order: &[u8]) -> Result<Option<Block>> {
        let head = self.head();
        let Some(value) = rows.get(TABLE, &head)? else { return Ok(None) };
        if !block::has_more(&value) {
            return Ok(Some(Block { key: head.to_vec(), value }));
        }
        let range = KeyRange::all().starting_at(&head).up_to(&self.key(order)).descending();
        match rows.first(TABLE, range)? {
            Some((key, value)) => Ok(Some(Block { key: key.into_vec(), value })),
            None => Err(self.broken("first block is gone")),
        }
    }
}

/// A stored block with its key.
struct Block {
    key: Vec<u8>,
    value: Bytes,
}

impl Block {
    fn is_head(&self) -> bool {
        self.key.len() == HEAD_BYTES
    }

    /// Whether other blocks of the list may follow this one.
    fn may_be_followed(&self) -> bool {
        !self.is_head() || block::has_more(&self.value)
    }
}

// ---- writing ------------------------------------------------------------------------------

/// Adds an entry to a list. `false` when it was there; its weight is replaced then.
pub(crate) fn insert<R: RowsMut + ?Sized>(
    rows: &mut R,
    node: NodeId,
    direction: Direction,
    entry: Entry,
) -> Result<bool> {
    let list = List { node, direction };
    let Some(block) = list.locate(rows, &entry.order_bytes())? else {
        write_blocks(rows, list, &list.head(), &[entry], false)?;
        rows.note(list.change(entry, Now::There));
        return Ok(true);
    };
    let mut entries = list.decode(&block.value)?;
    let place = entries.binary_search_by(|other| other.key().cmp(&entry.key()));
    match place {
        Ok(position) if entries[position].weight.to_bits() == entry.weight.to_bits() => {
            return Ok(false);
        }
        Ok(position) => entries[position] = entry,
        Err(position) => entries.insert(position, entry),
    }
    write_blocks(rows, list, &block.key, &entries, block::has_more(&block.value))?;
    rows.note(list.change(entry, Now::There));
    Ok(place.is_err())
}

/// Takes an entry out of a list. Says whether it was there.
pub(crate) fn remove<R: RowsMut + ?Sized>(
    rows: &mut R,
    node: NodeId,
    direction: Direction,
    edge_type: u32,
    neighbor: NodeId,
    edge: EdgeId,
) -> Result<bool> {
    let list = List { node, direction };
    let order = block::order_bytes(edge_type, neighbor, edge);
    let Some(block) = list.locate(rows, &order)? else { return Ok(false) };
    let mut entries = list.decode(&block.value)?;
    let wanted = (edge_type, neighbor, edge);
    let Ok(position) = entries.binary_search_by(|entry| entry.key().cmp(&wanted)) else {
        return Ok(false);
    };
    let gone = entries.remove(position);
    if entries.is_empty() {
        remove_block(rows, list, &block)?;
    } else {
        shrink_block(rows, list, &block, entries)?;
    }
    rows.note(list.change(gone, Now::Gone));
    Ok(true)
}

/// Adds many entries, in order, to one list in one pass. Of equal ones the last counts; those that
/// are there get the new weight. Returns how many were new.
pub(crate) fn insert_sorted<R: RowsMut + ?Sized>(
    rows: &mut R,
    node: NodeId,
    direction: Direction,
    run: &[Entry],
) -> Result<usize> {
    assert!(run.is_sorted_by_key(Entry::key), "a run of adjacency entries is in order");
    let list = List { node, direction };
    let added = merge_into(rows, list, run)?;
    for entry in run {
        rows.note(list.change(*entry, Now::There));
    }
    Ok(added)
}

fn merge_into<R: RowsMut + ?Sized>(rows: &mut R, list: List, run: &[Entry]) -> Result<usize> {
    let mut added = 0;
    let mut rest = run;
    while let Some(first) = rest.first() {
        let Some(block) = list.locate(rows, &first.order_bytes())? else {
            if rest.is_sorted_by(|a, b| a.key() < b.key()) {
                write_blocks(rows, list, &list.head(), rest, false)?;
                return Ok(added + rest.len());
            }
            let merged = merge(&[], rest);
            write_blocks(rows, list, &list.head(), &merged, false)?;
            return Ok(added + merged.len());
        };
        let next = if block.may_be_followed() {
            rows.first(TABLE, list.after(&block.key))?.map(|(key, _)| key)
        } else {
            None
        };
        let count = next.map_or(rest.len(), |key| {
            rest.partition_point(|entry| entry.order_bytes()[..] < key[HEAD_BYTES..])
        });
        // The first entry belongs to this block, since its order bytes led here.
        let (here, later) = rest.split_at(count.max(1));
        let old = list.decode(&block.value)?;
        let merged = merge(&old, here);
        added += merged.len() - old.len();
        write_blocks(rows, list, &block.key, &merged, block::has_more(&block.value))?;
        rest = later;
    }
    Ok(added)
}

/// Takes a whole list out and returns its entries.
pub(crate) fn take_all<R: RowsMut + ?Sized>(
    rows: &mut R,
    node: NodeId,
    direction: Direction,
) -> Result<Vec<Entry>> {
    let list = List { node, direction };
    let mut entries = Vec::new();
    let mut keys = Vec::new();
    for row in rows.range(TABLE, KeyRange::prefix(&list.head()))? {
        let (key, value) = row?;
        block::decode_into(&value, &mut entries).map_err(|detail| list.broken(detail))?;
        keys.push(key);
    }
    for key in keys {
        rows.delete(TABLE, &key)?;
    }
    for entry in &entries {
        rows.note(list.change(*entry, Now::Gone));
    }
    Ok(entries)
}

/// The entries of both, in order; the newer weight wins.
fn merge(old: &[Entry], new: &[Entry]) -> Vec<Entry> {
    let mut merged: Vec<Entry> = Vec::with_capacity(old.len() + new.len());
    let mut old = old.iter().peekable();
    for entry in new {
        if let Some(same) = merged.last_mut().filter(|last| last.key() == entry.key()) {
            *same = *entry;
            continue;
        }
        while let Some(before) = old.next_if(|other| other.key() < entry.key()) {
            merged.push(*before);
        }
        old.next_if(|other| other.key() == entry.key());
        merged.push(*entry);
    }
    merged.extend(old);
    merged
}

/// Writes entries that stand in the block of `key`, as several blocks where they are too many.
fn write_blocks<R: RowsMut + ?Sized>(
    rows: &mut R,
    list: List,
    key: &[u8],
    entries: &[Entry],
    more: bool,
) -> Result<()> {
    let mut value = Vec::with_capacity(SPLIT_BYTES);
    block::encode(entries, more, &mut value);
    if value.len() <= SPLIT_BYTES {
        return rows.put(TABLE, key, &value);
    }
    let is_head = key.len() == HEAD_BYTES;
    let mut rest = entries;
    let mut before: Option<&Entry> = None;
    while let Some(first) = rest.first() {
        let count = block::entries_that_fit(rest, ADJACENCY_BLOCK_BYTES);
        let (here, later) = rest.split_at(count);
        value.clear();
        let follows = before.is_none() && is_head && (more || !later.is_empty());
        block::encode(here, follows, &mut value);
        match before {
            None => rows.put(TABLE, key, &value)?,
            Some(before) => {
                rows.put(TABLE, &list.key(&block::separator(before, first)), &value)?;
            }
        }
        before = here.last();
        rest = later;
    }
    Ok(())
}

/// Takes a block away whose last entry has gone. The first one stays while others follow.
fn remove_block<R: RowsMut + ?Sized>(rows: &mut R, list: List, block: &Block) -> Result<()> {
    if !block.is_head() {
        rows.delete(TABLE, &block.key)?;
        return settle_head(rows, list);
    }
    if block::has_more(&block.value) && has_later_blocks(rows, list)? {
        return write_blocks(rows, list, &block.key, &[], true);
    }
    rows.delete(TABLE, &block.key)
}

/// Writes a block that has lost entries, together with the next one where both have become small.
fn shrink_block<R: RowsMut + ?Sized>(
    rows: &mut R,
    list: List,
    block: &Block,
    mut entries: Vec<Entry>,
) -> Result<()> {
    let mut value = Vec::with_capacity(block.value.len());
    let more = block::has_more(&block.value);
    block::encode(&entries, more, &mut value);
    if value.len() >= MERGE_BYTES || !block.may_be_followed() {
        return rows.put(TABLE, &block.key, &value);
    }
    let next = rows.first(TABLE, list.after(&block.key))?;
    let small = |next: &Bytes| value.len() + next.len() <= ADJACENCY_BLOCK_BYTES + MERGE_BYTES;
    let Some((next_key, next)) = next.filter(|(_, next)| small(next)) else {
        return rows.put(TABLE, &block.key, &value);
    };
    block::decode_into(&next, &mut entries).map_err(|detail| list.broken(detail))?;
    drop(next);
    rows.delete(TABLE, &next_key)?;
    write_blocks(rows, list, &block.key, &entries, more)?;
    settle_head(rows, list)
}

fn has_later_blocks<R: Rows + ?Sized>(rows: &R, list: List) -> Result<bool> {
    Ok(rows.first(TABLE, list.after(&list.head()))?.is_some())
}

/// Makes the first block true again after a later one went: others follow or not, and an empty one
/// stays only while they do.
fn settle_head<R: RowsMut + ?Sized>(rows: &mut R, list: List) -> Result<()> {
    let head = list.head();
    if has_later_blocks(rows, list)? {
        return Ok(());
    }
    let Some(value) = rows.get(TABLE, &head)? else {
        return Err(list.broken("first block is gone"));
    };
    let entries = list.decode(&value)?;
    drop(value);
    if entries.is_empty() {
        rows.delete(TABLE, &head)
    } else {
        write_blocks(rows, list, &head, &entries, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::Kind;
    use crate::storage::testing::MemoryRows;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::ops::ControlFlow;

    type Key = (u32, NodeId, EdgeId);
    type Model = BTreeMap<Key, f32>;

    fn node(kind: u8, key: u64) -> NodeId {
        NodeId::new(Kind(kind), key).unwrap()
    }

    fn entry(((edge_type, neighbor, edge), weight): (Key, f32)) -> Entry {
        Entry { edge_type, neighbor, edge, weight }
    }

    fn removed(rows: &mut MemoryRows, hub: NodeId, (edge_type, neighbor, edge): Key) -> bool {
        remove(rows, hub, Direction::Out, edge_type, neighbor, edge).unwrap()
    }

    fn listed(rows: &MemoryRows, node: NodeId, edge_type: Option<u32>) -> Vec<Entry> {
        let mut found = Vec::new();
        for_each(rows, node, Direction::Out, edge_type, &mut |entry| {
            found.push(entry);
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    }

    #[track_caller]
    fn check(rows: &MemoryRows, hub: NodeId, model: &Model) {
        let expected: Vec<Entry> =
            model.iter().map(|(key, weight)| entry((*key, *weight))).collect();
        assert_eq!(listed(rows, hub, None), expected);
        assert_eq!(degree(rows, hub, Direction::Out, None).unwrap(), expected.len());
        for edge_type in 0..4 {
            let of_type: Vec<Entry> =
                expected.iter().filter(|entry| entry.edge_type == edge_type).copied().collect();
            assert_eq!(listed(rows, hub, Some(edge_type)), of_type);
            let counted = degree(rows, hub, Direction::Out, Some(edge_type)).unwrap();
            assert_eq!(counted, of_type.len());
        }
        let mut all = Vec::new();
        iter_all(rows, &mut |node, direction, entries| {
            assert_eq!((node, direction), (hub, Direction::Out));
            all.extend_from_slice(entries);
            Ok(())
        })
        .unwrap();
        assert_eq!(all, expected);
        if model.is_empty() {
            assert!(rows.table(TABLE).is_empty(), "an empty list leaves no row");
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(Key, f32),
        Remove(Key),
        RemoveSome { every: usize },
        Run(Vec<(Key, f32)>),
    }

    fn any_key() -> impl Strategy<Value = Key> {
        let neighbor = (0_u8..3, 0_u64..3_000).prop_map(|(kind, key)| node(kind, key));
        let edge =
            prop_oneof![3 => Just(0_u64), 2 => 1_u64..5_000, 1 => (7_u64 << 56)..(7 << 56) + 9];
        (0_u32..4, neighbor, edge.prop_map(EdgeId::from_u64))
    }

    fn any_weight() -> impl Strategy<Value = f32> {
        prop_oneof![3 => Just(1.0_f32), 1 => 0.0_f32..5.0]
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let run = prop::collection::btree_map(any_key(), any_weight(), 0..1_500);
        prop_oneof![
            4 => (any_key(), any_weight()).prop_map(|(key, weight)| Step::Insert(key, weight)),
            2 => any_key().prop_map(Step::Remove),
            2 => (1_usize..5).prop_map(|every| Step::RemoveSome { every }),
            1 => run.prop_map(|run| Step::Run(run.into_iter().collect())),
        ]
    }

    fn apply(rows: &mut MemoryRows, hub: NodeId, model: &mut Model, step: Step) {
        match step {
            Step::Insert(key, weight) => {
                let new = insert(rows, hub, Direction::Out, entry((key, weight))).unwrap();
                assert_eq!(new, model.insert(key, weight).is_none());
            }
            Step::Remove(key) => {
                let there = removed(rows, hub, key);
                assert_eq!(there, model.remove(&key).is_some());
            }
            Step::RemoveSome { every } => {
                let keys: Vec<Key> = model.keys().step_by(every).copied().collect();
                for key in keys {
                    assert!(removed(rows, hub, key));
                    model.remove(&key);
                }
            }
            Step::Run(run) => {
                let entries: Vec<Entry> = run.iter().copied().map(entry).collect();
                let before = model.len();
                model.extend(run);
                let added = insert_sorted(rows, hub, Direction::Out, &entries).unwrap();
                assert_eq!(added, model.len() - before);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_list_behaves_like_an_ordered_map(steps in prop::collection::vec(any_step(), 1..20)) {
            let hub = node(1, 77);
            let mut rows = MemoryRows::default();
            let mut model = Model::new();
            for step in steps {
                apply(&mut rows, hub, &mut model, step);
                check(&rows, hub, &model);
            }
            for (key, weight) in model.iter().step_by(7) {
                let found = get(&rows, hub, Direction::Out, *key).unwrap();
                assert_eq!(found, Some(entry((*key, *weight))));
            }
            let all = take_all(&mut rows, hub, Direction::Out).unwrap();
            assert_eq!(all.len(), model.len());
            check(&rows, hub, &Model::new());
        }
    }

    #[test]
    fn a_hub_is_cut_into_blocks_of_about_the_target() {
        let hub = node(1, 1);
        let mut one_by_one = MemoryRows::default();
        let mut at_once = MemoryRows::default();
        let entries: Vec<Entry> = (0..6_000)
            .map(|key| {
                entry(((u32::from(key % 2 == 1), node(2, key * 3), EdgeId::from_u64(key + 1)), 1.0))
            })
            .collect();
        for entry in &entries {
            assert!(insert(&mut one_by_one, hub, Direction::Out, *entry).unwrap());
        }
        let mut sorted = entries;
        sorted.sort_by_key(Entry::key);
        insert_sorted(&mut at_once, hub, Direction::Out, &sorted).unwrap();
        for rows in [&one_by_one, &at_once] {
            let blocks = rows.table(TABLE);
            let bytes: usize = blocks.iter().map(|(_, value)| value.len()).sum();
            assert!(blocks.iter().all(|(_, value)| value.len() <= SPLIT_BYTES));
            assert!(blocks.iter().all(|(key, _)| key.len() <= HEAD_BYTES + 20));
            assert!(bytes / blocks.len() > ADJACENCY_BLOCK_BYTES / 2, "{}", bytes / blocks.len());
            assert_eq!(listed(rows, hub, None), sorted);
        }
        for entry in sorted.iter().rev() {
            assert!(removed(&mut one_by_one, hub, entry.key()));
        }
        check(&one_by_one, hub, &Model::new());
    }

    #[test]
    fn blocks_that_shrink_are_joined() {
        let hub = node(1, 1);
        let mut rows = MemoryRows::default();
        let entries: Vec<Entry> =
            (0..20_000).map(|key| entry(((0, node(2, key * 90), EdgeId::LINK), 1.0))).collect();
        insert_sorted(&mut rows, hub, Direction::Out, &entries).unwrap();
        let full = rows.table(TABLE).len();
        for entry in entries.iter().filter(|entry| entry.neighbor.key() % 1_000 != 0) {
            assert!(removed(&mut rows, hub, entry.key()));
        }
        assert!(rows.table(TABLE).len() * 10 < full, "{} of {full}", rows.table(TABLE).len());
    }

    #[test]
    fn nodes_beside_each_other_keep_their_lists_apart() {
        let mut rows = MemoryRows::default();
        let around = [node(1, 4), node(1, 5), node(1, 6)];
        for hub in around {
            for direction in [Direction::Out, Direction::In] {
                let entries: Vec<Entry> = (0..3_000)
                    .map(|key| entry(((0, node(2, key), EdgeId::from(hub)), 1.0)))
                    .collect();
                insert_sorted(&mut rows, hub, direction, &entries).unwrap();
            }
        }
        assert_eq!(take_all(&mut rows, around[1], Direction::Out).unwrap().len(), 3_000);
        for hub in around {
            let out = degree(&rows, hub, Direction::Out, None).unwrap();
            assert_eq!(out, if hub == around[1] { 0 } else { 3_000 });
            assert_eq!(degree(&rows, hub, Direction::In, None).unwrap(), 3_000);
        }
    }

    #[test]
    fn broken_blocks_are_errors_that_name_the_node() {
        let hub = node(3, 9);
        let list = List { node: hub, direction: Direction::Out };
        for bytes in [&[0xff, 0][..], &[0b10, 1, 2, 0x80], &[0b10, 1, 2, 9, 0, 0], &[0, 1, 2, 9]] {
            let mut rows = MemoryRows::default();
            rows.put(TABLE, &list.head(), bytes).unwrap();
            let read =
                for_each(&rows, hub, Direction::Out, None, &mut |_| ControlFlow::Continue(()));
            let error = read.unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
            assert!(error.to_string().contains("node 3:9"), "{error}");
            let key = (0, hub, EdgeId::LINK);
            assert!(insert(&mut rows, hub, Direction::Out, entry((key, 1.0))).is_err());
            assert!(remove(&mut rows, hub, Direction::Out, key.0, key.1, key.2).is_err());
            assert!(iter_all(&rows, &mut |_, _, _| Ok(())).is_err());
        }
        let mut rows = MemoryRows::default();
        rows.put(TABLE, b"short", &[0]).unwrap();
        assert!(iter_all(&rows, &mut |_, _, _| Ok(())).is_err());
    }

    /// A random graph with the skew of real ones, from a fixed seed.
    fn skewed_edges(scale: u32, edges: u64) -> Vec<(u64, u64)> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state >> 32
        };
        let mut pair = move || {
            (0..scale).fold((0, 0), |(source, target), _| {
                let (right, down) = match random() % 100 {
                    0..57 => (0, 0),
                    57..76 => (1, 0),
                    76..95 => (0, 1),
                    _ => (1, 1),
                };
                (source << 1 | down, target << 1 | right)
            })
        };
        (0..edges).map(|_| pair()).collect()
    }

    #[test]
    fn edges_take_few_bytes() {
        let edges = skewed_edges(13, 65_536);
        let mut lists: BTreeMap<(NodeId, u8), Vec<Entry>> = BTreeMap::new();
        for (number, (source, target)) in edges.iter().enumerate() {
            let edge = EdgeId::from_u64(number as u64 + 1);
            let (source, target) = (node(1, source + 1), node(1, target + 1));
            lists.entry((source, 0)).or_default().push(entry(((1, target, edge), 1.0)));
            lists.entry((target, 1)).or_default().push(entry(((1, source, edge), 1.0)));
        }
        let mut rows = MemoryRows::default();
        for ((node, direction), mut entries) in lists {
            entries.sort_by_key(Entry::key);
            let direction = if direction == 0 { Direction::Out } else { Direction::In };
            insert_sorted(&mut rows, node, direction, &entries).unwrap();
        }
        let tenths = rows.bytes() * 10 / edges.len();
        assert!(tenths < 120, "{tenths} tenths of a byte an edge");
    }
}
