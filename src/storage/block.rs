//! The bytes of one adjacency block: entries of one node and direction, grouped by type and packed.
//!
//! A block holds entries in the order (type, neighbour, edge). The types stand in front, each once
//! with the number of its entries; neighbours, edges and weights are [columns](super::columns), so
//! that an entry costs the bits in which it differs from the others.
//!
//! ```text
//! block   = flags, heads, columns         an empty block is the flags alone
//! heads   = groups varint, per group: type varint (less the one before), entries varint
//!         | type varint                   with the flag ONE: a single entry
//! columns = neighbour and edge with the kind's byte at the low end, weight's bits ^ those of 1
//! ```
//!
//! Knows bytes and entries; not tables, keys or errors of the store.

use std::cmp::Ordering;

use super::columns::{Extent, Packed};
use crate::base::id::{EdgeId, NodeId};
use crate::base::varint;

/// In the flags of the first block: the list goes on in other blocks.
const MORE: u8 = 1;
/// The block has one entry.
const ONE: u8 = 1 << 1;
const KNOWN: u8 = MORE | ONE;

/// Bytes that an entry takes at most, its part of the heads included.
const ENTRY_BYTES_MAX: usize = 40;
/// Bytes of one group's head at most.
const HEAD_BYTES_MAX: usize = 8;
/// The bits of the weight that most edges have.
const ONE_BITS: u32 = 1.0_f32.to_bits();

/// One edge as seen from one of its ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) edge_type: u32,
    /// The other end.
    pub(crate) neighbor: NodeId,
    pub(crate) edge: EdgeId,
    pub(crate) weight: f32,
}

impl Entry {
    /// What makes an entry the same and gives its place. The weight does not.
    pub(crate) fn key(&self) -> (u32, NodeId, EdgeId) {
        (self.edge_type, self.neighbor, self.edge)
    }

    /// [`Entry::key`] as bytes of the same order.
    pub(crate) fn order_bytes(&self) -> [u8; 20] {
        order_bytes(self.edge_type, self.neighbor, self.edge)
    }

    /// The entry as numbers that differ in few bits from those of its neighbours.
    fn row(&self) -> [u64; 3] {
        let weight = self.weight.to_bits() ^ ONE_BITS;
        [self.neighbor.as_u64().rotate_left(8), self.edge.as_u64().rotate_left(8), weight.into()]
    }

    #[inline]
    fn of_row(edge_type: u32, [neighbor, edge, weight]: [u64; 3]) -> Self {
        Self {
            edge_type,
            neighbor: NodeId::from_u64(neighbor.rotate_right(8)),
            edge: EdgeId::from_u64(edge.rotate_right(8)),
            weight: f32::from_bits(weight as u32 ^ ONE_BITS),
        }
    }
}

/// The key of an entry as bytes of the same order.
pub(crate) fn order_bytes(edge_type: u32, neighbor: NodeId, edge: EdgeId) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&edge_type.to_be_bytes());
    bytes[4..12].copy_from_slice(&neighbor.as_u64().to_be_bytes());
    bytes[12..].copy_from_slice(&edge.as_u64().to_be_bytes());
    bytes
}

/// The shortest bytes that come after everything of `before` and not after `first`.
pub(crate) fn separator(before: &Entry, first: &Entry) -> Vec<u8> {
    let (low, high) = (before.order_bytes(), first.order_bytes());
    let common = low.iter().zip(&high).take_while(|(a, b)| a == b).count();
    high[..(common + 1).min(high.len())].to_vec()
}

/// What is wrong with the bytes of a block.
pub(crate) type Broken = &'static str;

// ---- writing ------------------------------------------------------------------------------

/// Appends the block of `entries`, which are in order and distinct.
pub(crate) fn encode(entries: &[Entry], more: bool, out: &mut Vec<u8>) {
    let more = if more { MORE } else { 0 };
    match entries {
        [] => return out.push(more),
        [entry] => {
            out.push(more | ONE);
            varint::put(out, entry.edge_type.into());
        }
        entries => {
            out.push(more);
            put_heads(entries, out);
        }
    }
    let rows = || entries.iter().map(Entry::row);
    Extent::of(rows()).pack(rows(), out);
}

fn put_heads(entries: &[Entry], out: &mut Vec<u8>) {
    let groups = || entries.chunk_by(|a, b| a.edge_type == b.edge_type);
    varint::put(out, groups().count() as u64);
    let mut before = 0;
    for group in groups() {
        let edge_type = group.first().map_or(before, |entry| entry.edge_type);
        varint::put(out, (edge_type - before).into());
        varint::put(out, group.len() as u64);
        before = edge_type;
    }
}

/// How many of the first entries fill a block of about `target` bytes; at least one.
pub(crate) fn entries_that_fit(entries: &[Entry], target: usize) -> usize {
    if entries.len() * ENTRY_BYTES_MAX <= target {
        return entries.len();
    }
    let mut heads = 3;
    let mut newest = None;
    let mut extent = Extent::default();
    for (position, entry) in entries.iter().enumerate() {
        if newest != Some(entry.edge_type) {
            newest = Some(entry.edge_type);
            heads += HEAD_BYTES_MAX;
        }
        extent.add(entry.row());
        if heads + extent.bytes() > target {
            return position.max(1);
        }
    }
    entries.len()
}

// ---- reading ------------------------------------------------------------------------------

/// Whether the list whose first block this is goes on in other blocks.
pub(crate) fn has_more(block: &[u8]) -> bool {
    block.first().is_some_and(|flags| flags & MORE != 0)
}

/// The types of a block and how many entries each has.
#[derive(Clone, Copy, Debug, Default)]
struct Heads<'a> {
    bytes: &'a [u8],
    left: u64,
    edge_type: u32,
    /// The only group has one entry and does not say so.
    is_one: bool,
}

impl<'a> Heads<'a> {
    fn of(block: &'a [u8]) -> Result<Self, Broken> {
        let Some((&flags, mut bytes)) = block.split_first() else { return Ok(Self::default()) };
        if flags & !KNOWN != 0 {
            return Err("unknown flags");
        }
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let is_one = flags & ONE != 0;
        let left = if is_one { 1 } else { varint::take(&mut bytes).ok_or("heads end early")? };
        Ok(Self { bytes, left, edge_type: 0, is_one })
    }

    /// The next type, and how many entries it has.
    #[inline]
    fn take(&mut self) -> Result<(u32, usize), Broken> {
        let step = varint::take(&mut self.bytes).and_then(|step| u32::try_from(step).ok());
        let edge_type = step.and_then(|step| self.edge_type.checked_add(step));
        self.edge_type = edge_type.ok_or("edge type out of range")?;
        self.left -= 1;
        if self.is_one {
            return Ok((self.edge_type, 1));
        }
        let count = varint::take(&mut self.bytes).and_then(|count| usize::try_from(count).ok());
        Ok((self.edge_type, count.ok_or("entries out of range")?))
    }
}

/// The groups of a block, in order.
#[derive(Debug)]
pub(crate) struct Groups<'a> {
    heads: Heads<'a>,
    packed: Packed<'a, 3>,
    /// The place of the next group's first entry.
    first: usize,
}

impl<'a> Groups<'a> {
    /// Reads the heads, and checks that the block is as long as they say.
    pub(crate) fn of(block: &'a [u8]) -> Result<Self, Broken> {
        let heads = Heads::of(block)?;
        let (mut entries, mut most) = (0_usize, 0);
        let mut rest = heads;
        while rest.left > 0 {
            let (_, count) = rest.take()?;
            entries = entries.checked_add(count).ok_or("entries out of range")?;
            most = most.max(count);
        }
        let mut bytes = rest.bytes;
        if entries == 0 && bytes.is_empty() {
            return Ok(Self { heads, packed: Packed::default(), first: 0 });
        }
        let packed = Packed::take(&mut bytes, entries).ok_or("columns end early")?;
        if packed.row_bits() == 0 && most > 1 {
            return Err("equal entries");
        }
        if !bytes.is_empty() {
            return Err("bytes behind the entries");
        }
        Ok(Self { heads, packed, first: 0 })
    }
}

impl<'a> Iterator for Groups<'a> {
    type Item = Group<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.heads.left == 0 {
            return None;
        }
        let (edge_type, count) = self.heads.take().ok()?;
        let first = self.first;
        self.first += count;
        Some(Group { edge_type, packed: self.packed, first, count })
    }
}

/// The entries of one type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group<'a> {
    pub(crate) edge_type: u32,
    packed: Packed<'a, 3>,
    first: usize,
    count: usize,
}

impl Group<'_> {
    /// How many entries the group has.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Every entry, in order.
    #[inline]
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        let places = self.first..self.first + self.count;
        places.map(|place| Entry::of_row(self.edge_type, self.packed.row(place)))
    }

    /// The entry of this neighbour and edge.
    pub(crate) fn find(&self, neighbor: NodeId, edge: EdgeId) -> Option<Entry> {
        let entry = |place| Entry::of_row(self.edge_type, self.packed.row(place));
        let (mut low, mut high) = (self.first, self.first + self.count);
        while low < high {
            let middle = low.midpoint(high);
            let found = entry(middle);
            match (found.neighbor, found.edge).cmp(&(neighbor, edge)) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Some(found),
                Ordering::Greater => high = middle,
            }
        }
        None
    }
}

/// Appends the entries of a block, which must continue those in `out` in order.
pub(crate) fn decode_into(block: &[u8], out: &mut Vec<Entry>) -> Result<(), Broken> {
    let start = out.len().saturating_sub(1);
    for group in Groups::of(block)? {
        out.extend(group.entries());
    }
    if out[start..].is_sorted_by(|a, b| a.key() < b.key()) {
        Ok(())
    } else {
        Err("entries out of order")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Key = (u32, u64, u64);

    fn any_edge() -> impl Strategy<Value = u64> {
        prop_oneof![
            Just(0_u64),
            1_u64..100,
            (1_u64..3, 0_u64..100).prop_map(|(kind, key)| (kind << 56) | key),
            any::<u64>(),
        ]
    }

    fn any_entries() -> impl Strategy<Value = Vec<Entry>> {
        let node = prop_oneof![
            (0_u64..4, 0_u64..50).prop_map(|(kind, key)| (kind << 56) | key),
            any::<u64>(),
        ];
        let weight = prop_oneof![4 => Just(1.0_f32), 1 => -2.0_f32..9.0];
        let key = (prop_oneof![0_u32..4, any::<u32>()], node, any_edge());
        prop::collection::btree_map(key, weight, 0..60).prop_map(|map: BTreeMap<Key, f32>| {
            map.into_iter()
                .map(|((edge_type, neighbor, edge), weight)| Entry {
                    edge_type,
                    neighbor: NodeId::from_u64(neighbor),
                    edge: EdgeId::from_u64(edge),
                    weight,
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn a_block_reads_back_as_it_was_written(entries in any_entries(), more: bool) {
            let mut bytes = Vec::new();
            encode(&entries, more, &mut bytes);
            prop_assert_eq!(has_more(&bytes), more);
            prop_assert_eq!(bytes.len() == 1, entries.is_empty());
            let mut read = Vec::new();
            prop_assert_eq!(decode_into(&bytes, &mut read), Ok(()));
            prop_assert_eq!(&read, &entries);
            let groups = || Groups::of(&bytes).unwrap();
            prop_assert_eq!(groups().map(|group| group.len()).sum::<usize>(), entries.len());
            for entry in &entries {
                let group = groups().find(|group| group.edge_type == entry.edge_type).unwrap();
                prop_assert_eq!(group.find(entry.neighbor, entry.edge), Some(*entry));
            }
            prop_assert!(bytes.len() <= 1 + entries.len() * ENTRY_BYTES_MAX);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut read = Vec::new();
            let whole = decode_into(&bytes, &mut read).is_ok();
            prop_assert!(!whole || read.is_sorted_by(|a, b| a.key() < b.key()));
            for group in Groups::of(&bytes).into_iter().flatten() {
                prop_assert!(group.len() <= 8 * bytes.len());
            }
        }

        #[test]
        fn a_changed_byte_is_read_without_a_panic(
            entries in any_entries(), place: prop::sample::Index, byte: u8,
        ) {
            let mut bytes = Vec::new();
            encode(&entries, false, &mut bytes);
            let place = place.index(bytes.len());
            bytes[place] = byte;
            let mut read = Vec::new();
            if decode_into(&bytes, &mut read).is_ok() {
                prop_assert!(read.is_sorted_by(|a, b| a.key() < b.key()));
            }
        }

        #[test]
        fn a_separator_lies_between(entries in any_entries()) {
            for pair in entries.windows(2) {
                let between = separator(&pair[0], &pair[1]);
                prop_assert!(pair[0].order_bytes()[..] < between[..]);
                prop_assert!(between[..] <= pair[1].order_bytes()[..]);
            }
        }

        #[test]
        fn blocks_are_cut_near_their_target(entries in any_entries(), target in 50_usize..400) {
            let mut rest = &entries[..];
            while !rest.is_empty() {
                let count = entries_that_fit(rest, target);
                prop_assert!(count >= 1);
                let mut bytes = Vec::new();
                encode(&rest[..count], false, &mut bytes);
                prop_assert!(bytes.len() <= 2 * target.max(ENTRY_BYTES_MAX), "{}", bytes.len());
                rest = &rest[count..];
            }
        }
    }
}
