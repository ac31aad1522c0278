//! The bytes of one adjacency block: entries of one node and direction, grouped and packed.
//!
//! A block is a run of groups; a group holds the entries of one edge type whose neighbours have one
//! kind, in the order (type, neighbour, edge). The kind stands in the group's head once, so that
//! neighbours are small ascending numbers inside it.
//!
//! ```text
//! block = group*             an empty block is one flag byte
//! group = flags, type varint, kind byte, [kind byte of the edges], [length varint], body
//! body  = [count varint, count x weight f32 little-endian],
//!         per entry: neighbour key varint (less the one before),
//!                    [edge signed varint (less the one before)]
//! ```
//!
//! The last group of a block has no length: it ends with the block. Weights are there only where
//! one of the group is not 1. Knows bytes and entries; not tables, keys or errors of the store.

use std::ops::ControlFlow;

use crate::base::id::{EdgeId, Kind, NodeId};
use crate::base::varint;

/// How the edges of a group are written: all links, so not at all.
const LINKS: u8 = 0;
/// Edges with numbers of their own.
const NUMBERS: u8 = 1;
/// Edges stated by records of one kind: its byte stands in the head.
const STATED: u8 = 2;
/// Anything: whole ids, the kind's byte rotated to the low end.
const MIXED: u8 = 3;
const EDGES: u8 = 0b11;
/// The group has weights.
const WEIGHTED: u8 = 1 << 2;
/// The group is the last of its block and has no length.
const LAST: u8 = 1 << 3;
/// In the first flag byte of the first block: the list goes on in other blocks.
const MORE: u8 = 1 << 4;
const KNOWN: u8 = EDGES | WEIGHTED | LAST | MORE;

/// Bytes that an entry takes at most, group head included.
const ENTRY_BYTES_MAX: usize = 40;

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

    fn has_weight(&self) -> bool {
        self.weight.to_bits() != 1.0_f32.to_bits()
    }

    fn same_group(&self, other: &Self) -> bool {
        self.edge_type == other.edge_type && self.neighbor.kind() == other.neighbor.kind()
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
    let start = out.len();
    let mut body = Vec::new();
    let mut left = entries.len();
    for group in entries.chunk_by(Entry::same_group) {
        left -= group.len();
        encode_group(group, left == 0, &mut body, out);
    }
    if out.len() == start {
        out.push(LAST);
    }
    if more {
        out[start] |= MORE;
    }
}

fn encode_group(group: &[Entry], last: bool, body: &mut Vec<u8>, out: &mut Vec<u8>) {
    let Some(first) = group.first() else { return };
    let mode = edge_mode(group);
    let weighted = group.iter().any(Entry::has_weight);
    let mut flags = mode;
    flags |= if weighted { WEIGHTED } else { 0 };
    flags |= if last { LAST } else { 0 };
    out.push(flags);
    varint::put(out, first.edge_type.into());
    out.push(first.neighbor.kind().0);
    if mode == STATED {
        out.push(kind_of(first.edge));
    }
    body.clear();
    if weighted {
        varint::put(body, group.len() as u64);
        for entry in group {
            body.extend_from_slice(&entry.weight.to_le_bytes());
        }
    }
    encode_entries(group, mode, body);
    if !last {
        varint::put(out, body.len() as u64);
    }
    out.extend_from_slice(body);
}

fn encode_entries(group: &[Entry], mode: u8, body: &mut Vec<u8>) {
    let (mut neighbor, mut edge) = (0, 0);
    for entry in group {
        let key = entry.neighbor.key();
        varint::put(body, key - neighbor);
        neighbor = key;
        if mode != LINKS {
            let number = edge_number(entry.edge, mode);
            varint::put_signed(body, number.wrapping_sub(edge).cast_signed());
            edge = number;
        }
    }
}

fn edge_mode(group: &[Entry]) -> u8 {
    let Some(first) = group.first() else { return LINKS };
    let kind = kind_of(first.edge);
    if group.iter().any(|entry| kind_of(entry.edge) != kind) {
        MIXED
    } else if kind != 0 {
        STATED
    } else if group.iter().all(|entry| entry.edge.is_link()) {
        LINKS
    } else {
        NUMBERS
    }
}

fn kind_of(edge: EdgeId) -> u8 {
    NodeId::from_u64(edge.as_u64()).kind().0
}

fn edge_number(edge: EdgeId, mode: u8) -> u64 {
    match mode {
        MIXED => edge.as_u64().rotate_left(8),
        _ => NodeId::from_u64(edge.as_u64()).key(),
    }
}

/// How many of the first entries fill a block of about `target` bytes; at least one.
pub(crate) fn entries_that_fit(entries: &[Entry], target: usize) -> usize {
    if entries.len() * ENTRY_BYTES_MAX <= target {
        return entries.len();
    }
    let mut bytes = 0;
    let mut group = 0;
    let mut weighted = false;
    for (position, entry) in entries.iter().enumerate() {
        let before = position.checked_sub(1).map(|position| &entries[position]);
        let before = before.filter(|before| before.same_group(entry));
        if before.is_none() {
            (group, weighted) = (0, false);
            bytes += 6;
        }
        group += 1;
        bytes += entry_bytes(before, entry);
        match (weighted, entry.has_weight()) {
            (true, _) => bytes += 4,
            (false, true) => {
                weighted = true;
                bytes += 4 * group;
            }
            (false, false) => {}
        }
        if bytes > target {
            return position.max(1);
        }
    }
    entries.len()
}

fn entry_bytes(before: Option<&Entry>, entry: &Entry) -> usize {
    let (key, edge) = before.map_or((0, 0), |entry| (entry.neighbor.key(), entry.edge.as_u64()));
    let moved = entry.edge.as_u64().wrapping_sub(edge).cast_signed().unsigned_abs();
    varint_bytes(entry.neighbor.key() - key) + varint_bytes(moved << 1)
}

fn varint_bytes(number: u64) -> usize {
    ((64 - (number | 1).leading_zeros()).div_ceil(7)) as usize
}

// ---- reading ------------------------------------------------------------------------------

/// Whether the list whose first block this is goes on in other blocks.
pub(crate) fn has_more(block: &[u8]) -> bool {
    block.first().is_some_and(|flags| flags & MORE != 0)
}

/// Whether the block has no entries.
pub(crate) fn is_empty(block: &[u8]) -> bool {
    block.len() <= 1
}

/// The entries of one type whose neighbours have one kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group<'a> {
    pub(crate) edge_type: u32,
    kind: Kind,
    mode: u8,
    edge_kind: Kind,
    /// `None` where every weight is 1.
    weights: Option<&'a [u8]>,
    packed: &'a [u8],
}

/// The groups of a block, in order. Ends after the first broken one.
#[derive(Debug)]
pub(crate) struct Groups<'a> {
    rest: &'a [u8],
}

impl<'a> Groups<'a> {
    pub(crate) fn of(block: &'a [u8]) -> Self {
        Self { rest: if is_empty(block) { &[] } else { block } }
    }

    fn take(&mut self) -> Result<Group<'a>, Broken> {
        let bytes = &mut self.rest;
        let flags = take_byte(bytes)?;
        if flags & !KNOWN != 0 {
            return Err("unknown flags");
        }
        let edge_type = varint::take(bytes).and_then(|number| u32::try_from(number).ok());
        let edge_type = edge_type.ok_or("edge type out of range")?;
        let kind = Kind(take_byte(bytes)?);
        let mode = flags & EDGES;
        let edge_kind = Kind(if mode == STATED { take_byte(bytes)? } else { 0 });
        let mut body = if flags & LAST != 0 {
            std::mem::take(bytes)
        } else {
            varint::take_bytes(bytes).ok_or("group longer than its block")?
        };
        let weights = if flags & WEIGHTED != 0 { Some(take_weights(&mut body)?) } else { None };
        Ok(Group { edge_type, kind, mode, edge_kind, weights, packed: body })
    }
}

impl<'a> Iterator for Groups<'a> {
    type Item = Result<Group<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let group = self.take();
        if group.is_err() {
            self.rest = &[];
        }
        Some(group)
    }
}

fn take_byte(bytes: &mut &[u8]) -> Result<u8, Broken> {
    let (&byte, rest) = bytes.split_first().ok_or("block ends early")?;
    *bytes = rest;
    Ok(byte)
}

fn take_weights<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Broken> {
    let length = varint::take(bytes).and_then(|count| usize::try_from(count).ok()?.checked_mul(4));
    let (weights, rest) =
        length.and_then(|length| bytes.split_at_checked(length)).ok_or("weights end early")?;
    *bytes = rest;
    Ok(weights)
}

/// As [`varint::take`], quick for the one byte that most numbers have here.
#[inline]
fn take_number(bytes: &mut &[u8]) -> Result<u64, Broken> {
    match bytes.split_first() {
        Some((&byte, rest)) if byte < 0x80 => {
            *bytes = rest;
            Ok(byte.into())
        }
        _ => varint::take(bytes).ok_or("number ends early"),
    }
}

impl Group<'_> {
    /// How many entries the group has, without reading them.
    pub(crate) fn len(&self) -> usize {
        if let Some(weights) = self.weights {
            return weights.len() / 4;
        }
        let numbers = self.packed.iter().filter(|byte| **byte < 0x80).count();
        if self.mode == LINKS { numbers } else { numbers / 2 }
    }

    /// Hands every entry to `visit`, in order, until it says stop.
    #[inline]
    pub(crate) fn for_each(
        &self,
        visit: &mut (impl FnMut(Entry) -> ControlFlow<()> + ?Sized),
    ) -> Result<ControlFlow<()>, Broken> {
        let mut bytes = self.packed;
        let mut weights = self.weights.map(|weights| weights.chunks_exact(4));
        let (mut key, mut number) = (0_u64, 0_u64);
        while !bytes.is_empty() {
            key = key.checked_add(take_number(&mut bytes)?).ok_or("neighbor out of range")?;
            let neighbor = NodeId::new(self.kind, key).ok_or("neighbor out of range")?;
            let edge = if self.mode == LINKS {
                EdgeId::LINK
            } else {
                let raw = take_number(&mut bytes)?;
                number = number.wrapping_add((raw >> 1) ^ 0_u64.wrapping_sub(raw & 1));
                self.edge(number)?
            };
            let weight = match &mut weights {
                None => 1.0,
                Some(weights) => next_weight(weights)?,
            };
            if visit(Entry { edge_type: self.edge_type, neighbor, edge, weight }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        if weights.is_some_and(|mut weights| weights.next().is_some()) {
            return Err("more weights than entries");
        }
        Ok(ControlFlow::Continue(()))
    }

    #[inline]
    fn edge(&self, number: u64) -> Result<EdgeId, Broken> {
        if self.mode == MIXED {
            return Ok(EdgeId::from_u64(number.rotate_right(8)));
        }
        NodeId::new(self.edge_kind, number).map(EdgeId::from).ok_or("edge out of range")
    }
}

fn next_weight(weights: &mut std::slice::ChunksExact<'_, u8>) -> Result<f32, Broken> {
    let bytes = weights.next().and_then(|bytes| bytes.first_chunk::<4>());
    bytes.map(|bytes| f32::from_le_bytes(*bytes)).ok_or("fewer weights than entries")
}

/// Appends the entries of a block, which must continue those in `out` in order.
pub(crate) fn decode_into(block: &[u8], out: &mut Vec<Entry>) -> Result<(), Broken> {
    let start = out.len().saturating_sub(1);
    for group in Groups::of(block) {
        let flow = group?.for_each(&mut |entry| {
            out.push(entry);
            ControlFlow::Continue(())
        });
        flow.map(|_| ())?;
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
            prop_assert_eq!(is_empty(&bytes), entries.is_empty());
            let mut read = Vec::new();
            prop_assert_eq!(decode_into(&bytes, &mut read), Ok(()));
            prop_assert_eq!(&read, &entries);
            let counted: usize = Groups::of(&bytes).map(|group| group.unwrap().len()).sum();
            prop_assert_eq!(counted, entries.len());
            prop_assert!(bytes.len() <= 1 + entries.len() * ENTRY_BYTES_MAX);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut read = Vec::new();
            let whole = decode_into(&bytes, &mut read).is_ok();
            prop_assert!(!whole || read.is_sorted_by(|a, b| a.key() < b.key()));
            for group in Groups::of(&bytes).flatten() {
                prop_assert!(group.len() <= bytes.len());
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
