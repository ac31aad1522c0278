//! Rows of a load in the order in which they were written: packed into large pieces of memory, and
//! put in the order of their keys only when somebody asks for it.
//!
//! An ordered map pays for every row with a search and two allocations. A load mostly writes rows
//! that it never reads, many of them in the order of their keys, so a row here is a copy.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use super::rows::KeyRange;

/// Bytes of the first piece; each is twice the one before.
const PIECE_BYTES_FIRST: usize = 4 << 10;
/// Bytes of a piece at most, unless one row is longer.
const PIECE_BYTES_MAX: usize = 1 << 20;
/// The length that stands for a deleted row.
const DELETED: u32 = u32::MAX;

/// A row; its value is `None` where it was deleted.
pub(crate) type RunRow<'a> = (&'a [u8], Option<&'a [u8]>);

/// Where a row lies.
#[derive(Clone, Copy, Debug)]
struct Entry {
    piece: u32,
    start: u32,
    key: u32,
    value: u32,
}

/// Rows of one table in the order in which they were written.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pieces: Vec<Vec<u8>>,
    entries: Vec<Entry>,
    /// Whether every key is greater than the one before it.
    ascending: bool,
    /// The places of the rows in the order of their keys, the newest of those with the same key;
    /// made at the first look at rows that are not ascending.
    order: OnceLock<Vec<u32>>,
}

impl Default for Run {
    fn default() -> Self {
        let order = OnceLock::new();
        Self { pieces: Vec::new(), entries: Vec::new(), ascending: true, order }
    }
}

impl Run {
    /// Whether a row can be written here.
    pub(crate) fn takes(&self, key: &[u8], value: Option<&[u8]>) -> bool {
        let bytes = key.len() + value.map_or(0, <[u8]>::len);
        !self.is_sorted_aside()
            && bytes < DELETED as usize
            && self.entries.len() < u32::MAX as usize
    }

    /// Whether the order of the keys was asked for and had to be made: another row would spoil it.
    fn is_sorted_aside(&self) -> bool {
        self.order.get().is_some()
    }

    /// Bytes that writing another row would have to copy into an ordered map.
    pub(crate) fn bytes_to_move(&self) -> usize {
        if !self.is_sorted_aside() {
            return 0;
        }
        self.pieces.iter().map(Vec::len).sum()
    }

    /// How many rows were written, overwritten ones included.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Writes or deletes a row that the run [takes](Self::takes).
    pub(crate) fn push(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.ascending &= self.entries.last().is_none_or(|last| self.key(*last) < key);
        let bytes = key.len() + value.map_or(0, <[u8]>::len);
        let piece = match self.pieces.last() {
            Some(piece) if piece.capacity() - piece.len() >= bytes => self.pieces.len() - 1,
            last => {
                let usual = last.map_or(PIECE_BYTES_FIRST, |last| 2 * last.capacity());
                self.pieces.push(Vec::with_capacity(usual.min(PIECE_BYTES_MAX).max(bytes)));
                self.pieces.len() - 1
            }
        };
        let into = &mut self.pieces[piece];
        self.entries.push(Entry {
            piece: piece as u32,
            start: into.len() as u32,
            key: key.len() as u32,
            value: value.map_or(DELETED, |value| value.len() as u32),
        });
        into.extend_from_slice(key);
        into.extend_from_slice(value.unwrap_or_default());
    }

    fn key(&self, entry: Entry) -> &[u8] {
        let start = entry.start as usize;
        &self.pieces[entry.piece as usize][start..start + entry.key as usize]
    }

    fn row(&self, entry: Entry) -> RunRow<'_> {
        let start = entry.start as usize + entry.key as usize;
        let value = (entry.value != DELETED)
            .then(|| &self.pieces[entry.piece as usize][start..start + entry.value as usize]);
        (self.key(entry), value)
    }

    /// The places of the rows in the order of their keys; `None` where that is their own order.
    fn order(&self) -> Option<&[u32]> {
        (!self.ascending).then(|| &self.order.get_or_init(|| self.sorted())[..])
    }

    fn sorted(&self) -> Vec<u32> {
        // The first bytes of a key decide most comparisons without a look at the key.
        let mut places: Vec<(u64, u32)> = (0_u32..)
            .zip(&self.entries)
            .map(|(place, entry)| (first_bytes(self.key(*entry)), place))
            .collect();
        let key = |place: u32| self.key(self.entries[place as usize]);
        places.sort_unstable_by(|(first, place), (other_first, other)| {
            let keys = || key(*place).cmp(key(*other));
            first.cmp(other_first).then_with(keys).then(place.cmp(other))
        });
        let mut order: Vec<u32> = Vec::with_capacity(places.len());
        for (_, place) in places {
            match order.last_mut() {
                Some(last) if key(*last) == key(place) => *last = place,
                _ => order.push(place),
            }
        }
        order
    }

    /// The row of a key, if it was written or deleted here.
    pub(crate) fn get(&self, wanted: &[u8]) -> Option<RunRow<'_>> {
        let place = self.place_behind(&|key| key < wanted);
        let row = (place < self.rows()).then(|| self.row(self.entry(place)));
        row.filter(|(key, _)| *key == wanted)
    }

    /// The rows of a range in the order of their keys; each key once.
    pub(crate) fn range<'a>(
        &'a self,
        range: &KeyRange,
    ) -> impl DoubleEndedIterator<Item = RunRow<'a>> + use<'a> {
        let start = match &range.from {
            Bound::Unbounded => 0,
            Bound::Included(from) => self.place_behind(&|key| key < from.as_slice()),
            Bound::Excluded(from) => self.place_behind(&|key| key <= from.as_slice()),
        };
        let end = match &range.to {
            Bound::Unbounded => self.rows(),
            Bound::Included(to) => self.place_behind(&|key| key <= to.as_slice()),
            Bound::Excluded(to) => self.place_behind(&|key| key < to.as_slice()),
        };
        (start..end).map(|place| self.row(self.entry(place)))
    }

    /// How many rows there are, each key once.
    fn rows(&self) -> usize {
        self.order().map_or(self.entries.len(), <[u32]>::len)
    }

    /// The entry at a place in the order of the keys.
    fn entry(&self, place: usize) -> Entry {
        self.entries[self.order().map_or(place, |order| order[place] as usize)]
    }

    /// The first place in the order of the keys that is not `before`.
    fn place_behind(&self, before: &dyn Fn(&[u8]) -> bool) -> usize {
        match self.order() {
            Some(order) => {
                order.partition_point(|place| before(self.key(self.entries[*place as usize])))
            }
            None => self.entries.partition_point(|entry| before(self.key(*entry))),
        }
    }

    /// The same rows as an ordered map, which can be read and written by turns.
    pub(crate) fn to_tree(&self) -> BTreeMap<Box<[u8]>, Option<Arc<[u8]>>> {
        let rows = self.range(&KeyRange::all());
        rows.map(|(key, value)| (Box::from(key), value.map(Arc::from))).collect()
    }
}

/// The first bytes of a key as a number that sorts as they do.
fn first_bytes(key: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = key.len().min(8);
    first[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use std::ops::RangeBounds as _;

    use super::*;
    use proptest::prelude::*;

    fn written(rows: &[(Vec<u8>, Option<Vec<u8>>)]) -> Run {
        let mut run = Run::default();
        for (key, value) in rows {
            assert!(run.takes(key, value.as_deref()));
            run.push(key, value.as_deref());
        }
        run
    }

    fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
        let key = || prop::collection::vec(0_u8..3, 0..4);
        prop_oneof![
            Just(Bound::Unbounded),
            key().prop_map(Bound::Included),
            key().prop_map(Bound::Excluded),
        ]
    }

    proptest! {
        #[test]
        fn a_run_reads_like_an_ordered_map(
            mut rows in prop::collection::vec(
                (prop::collection::vec(0_u8..3, 0..12),
                 prop::option::of(prop::collection::vec(any::<u8>(), 0..6))), 0..40),
            ascending in any::<bool>(),
            from in bound(),
            to in bound(),
        ) {
            if ascending {
                rows.sort();
                rows.dedup_by(|a, b| a.0 == b.0);
            }
            let run = written(&rows);
            let model: BTreeMap<_, _> = rows.iter().cloned().collect();
            for (key, _) in &rows {
                let row = model.get_key_value(key);
                let row = row.map(|(key, value)| (&key[..], value.as_deref()));
                prop_assert_eq!(run.get(key), row);
                prop_assert_eq!(run.get(&[key, &[9][..]].concat()), None);
            }
            let range = KeyRange { from, to, descending: false };
            let bounds = (range.from.as_ref(), range.to.as_ref());
            let expected: Vec<RunRow<'_>> = model
                .iter()
                .filter(|(key, _)| bounds.contains(key))
                .map(|(key, value)| (&key[..], value.as_deref()))
                .collect();
            prop_assert_eq!(run.range(&range).collect::<Vec<_>>(), expected.clone());
            let backward: Vec<_> = expected.into_iter().rev().collect();
            prop_assert_eq!(run.range(&range).rev().collect::<Vec<_>>(), backward);
        }
    }

    #[test]
    fn rows_larger_than_a_piece_have_their_own() {
        let large = vec![7; PIECE_BYTES_MAX + 1];
        let rows: Vec<_> =
            (0_u8..9).map(|key| (vec![key], (key % 2 == 0).then(|| large.clone()))).collect();
        let run = written(&rows);
        for (key, value) in &rows {
            assert_eq!(run.get(key), Some((&key[..], value.as_deref())));
        }
    }

    #[test]
    fn rows_that_were_sorted_take_no_more() {
        let rows = [(vec![2], Some(vec![1])), (vec![1], None)];
        let run = written(&rows);
        assert_eq!(run.get(&[1]), Some((&[1][..], None)));
        assert!(!run.takes(&[3], None));
        assert_eq!(run.to_tree().len(), 2);
        let ascending = written(&rows[..1]);
        assert_eq!(ascending.get(&[2]), Some((&[2][..], Some(&[1][..]))));
        assert!(ascending.takes(&[3], None), "an ascending run is in order as it is");
    }
}
