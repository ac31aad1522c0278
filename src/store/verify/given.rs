//! Which keys of each kind the change log has seen, and what it did to them last: two bits a key.

use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
use crate::base::varint;
use crate::storage::changes::{Change, Operation};
use crate::storage::tables::record_key_from;
use crate::storage::{KeyRange, Rows, TableId, edges, index};

/// Keys of a kind that are tracked: 1 GiB of bits, more records than one file will hold.
const TRACKED_MAX: u64 = 1 << 32;

/// What the log says of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastSeen {
    /// The log does not name it.
    Never,
    Written,
    Deleted,
    /// The key is too great to be tracked.
    Untracked,
}

/// The keys of one kind.
#[derive(Debug, Default)]
struct Keys {
    /// The smallest key that was never given.
    next: u64,
    seen: Vec<u64>,
    present: Vec<u64>,
    /// Whether any was deleted or written a second time.
    touched: bool,
}

impl Keys {
    fn note(&mut self, first: u64, count: u64, present: bool) {
        let end = (first + count).min(self.next).min(TRACKED_MAX);
        if first >= end {
            return;
        }
        let words = end.div_ceil(64) as usize;
        if self.seen.len() < words {
            self.seen.resize(words, 0);
            self.present.resize(words, 0);
        }
        let mut key = first;
        while key < end {
            let bits = (64 - key % 64).min(end - key);
            let mask = (u64::MAX >> (64 - bits)) << (key % 64);
            let word = (key / 64) as usize;
            self.touched |= !present || self.seen[word] & mask != 0;
            self.seen[word] |= mask;
            if present {
                self.present[word] |= mask;
            } else {
                self.present[word] &= !mask;
            }
            key += bits;
        }
    }

    fn last_seen(&self, key: u64) -> LastSeen {
        if key >= TRACKED_MAX {
            return LastSeen::Untracked;
        }
        let (word, bit) = ((key / 64) as usize, 1 << (key % 64));
        match (self.seen.get(word), self.present.get(word)) {
            (Some(seen), Some(present)) if seen & bit != 0 => {
                if present & bit != 0 {
                    LastSeen::Written
                } else {
                    LastSeen::Deleted
                }
            }
            _ => LastSeen::Never,
        }
    }
}

/// The keys of all kinds. Those of kind 0 are the numbers of edges.
#[derive(Debug)]
pub(super) struct Given {
    kinds: Vec<Keys>,
}

impl Given {
    /// Reads which keys were ever given.
    pub(super) fn load(rows: &impl Rows, listener: &mut dyn FnMut(Error)) -> Result<Self> {
        let mut kinds = Vec::with_capacity(256);
        for kind in (0..=u8::MAX).map(Kind) {
            let next = match next_key(rows, kind) {
                Ok(next) => next,
                Err(error @ Error::Corrupt { .. }) => {
                    listener(error);
                    behind_last(rows, kind)?
                }
                Err(error) => return Err(error),
            };
            kinds.push(Keys { next, ..Keys::default() });
        }
        Ok(Self { kinds })
    }

    fn keys(&self, id: NodeId) -> &Keys {
        &self.kinds[id.kind().index()]
    }

    /// Whether the key was ever given to a record or an edge.
    pub(super) fn was_given(&self, id: NodeId) -> bool {
        id.key() > 0 && id.key() < self.keys(id).next
    }

    /// Takes in a change. Says what is wrong with it, if anything.
    pub(super) fn note(&mut self, change: &Change) -> Option<String> {
        let (of_records, present) = match change.operation {
            Operation::Put => (true, Some(true)),
            Operation::Delete => (true, Some(false)),
            Operation::Link => (false, Some(true)),
            Operation::Unlink => (false, Some(false)),
            Operation::Embed => (true, None),
        };
        let first = NodeId::from_u64(change.first());
        let last = NodeId::from_u64(change.first() + change.count.saturating_sub(1));
        let seq = change.seq;
        if change.count == 0 || first.kind() != last.kind() {
            return Some(format!("write {seq} has a run of {} ids from {first}", change.count));
        }
        if of_records == (first.kind() == Kind(0)) {
            return Some(format!("write {seq} names {first}, which has the wrong kind"));
        }
        let fault = (!self.was_given(first) || !self.was_given(last))
            .then(|| format!("write {seq} names {first} to {last}, which were never all given"));
        if let Some(present) = present {
            self.kinds[first.kind().index()].note(first.key(), change.count, present);
        }
        fault
    }

    /// What the log says of a record or edge.
    pub(super) fn last_seen(&self, id: NodeId) -> LastSeen {
        self.keys(id).last_seen(id.key())
    }

    /// Whether the log says that any record of a kind was deleted or written a second time.
    pub(super) fn is_touched(&self, kind: Kind) -> bool {
        self.kinds[kind.index()].touched
    }

    /// How many keys of a kind the log wrote last.
    pub(super) fn written(&self, kind: Kind) -> u64 {
        let words = self.kinds[kind.index()].present.iter();
        words.map(|word| u64::from(word.count_ones())).sum()
    }

    /// The records or edges of a kind that the log wrote last.
    pub(super) fn iter_written(&self, kind: Kind) -> impl Iterator<Item = NodeId> {
        let words = (0_u64..).zip(&self.kinds[kind.index()].present);
        words.filter(|(_, word)| **word != 0).flat_map(move |(number, word)| {
            (0..64)
                .filter(move |bit| word & (1 << bit) != 0)
                .map(move |bit| NodeId::from_parts(kind, number * 64 + bit))
        })
    }
}

/// The smallest key that was never given to a record of the kind.
fn next_key(rows: &impl Rows, kind: Kind) -> Result<u64> {
    if kind == Kind(0) {
        return Ok(edges::next_edge_id(rows)?.as_u64());
    }
    let floor = match rows.get(TableId::FLOORS, &index::floor_key(kind))? {
        None => 1,
        Some(value) => varint::take(&mut &value[..])
            .filter(|floor| *floor <= NodeId::MAX_KEY + 1)
            .ok_or_else(|| Error::corrupt("table floors", format!("kind {}", kind.0)))?,
    };
    Ok(floor.max(behind_last(rows, kind)?))
}

/// The key behind the greatest record of the kind.
fn behind_last(rows: &impl Rows, kind: Kind) -> Result<u64> {
    let last = rows.first(TableId::records(kind), KeyRange::all().descending())?;
    Ok(last.map_or(1, |(key, _)| record_key_from(&key).saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn runs_of_bits_read_like_a_map(
            runs in prop::collection::vec((1_u64..400, 1_u64..200, any::<bool>()), 0..30),
        ) {
            let mut keys = Keys { next: 450, ..Keys::default() };
            let mut model = BTreeMap::new();
            for (first, count, present) in runs {
                keys.note(first, count, present);
                for key in first..(first + count).min(450) {
                    model.insert(key, present);
                }
            }
            for key in 0..700 {
                let expected = match model.get(&key) {
                    None => LastSeen::Never,
                    Some(true) => LastSeen::Written,
                    Some(false) => LastSeen::Deleted,
                };
                prop_assert_eq!(keys.last_seen(key), expected, "key {}", key);
            }
            let given = Given { kinds: vec![keys] };
            let written: Vec<u64> = given.iter_written(Kind(0)).map(NodeId::key).collect();
            let expected: Vec<u64> =
                model.iter().filter(|(_, present)| **present).map(|(key, _)| *key).collect();
            prop_assert_eq!(given.written(Kind(0)), expected.len() as u64);
            prop_assert_eq!(written, expected);
        }
    }

    #[test]
    fn keys_that_were_never_given_take_no_memory() {
        let mut keys = Keys { next: 10, ..Keys::default() };
        keys.note(1 << 50, 1 << 50, true);
        assert!(keys.seen.is_empty());
        assert_eq!(keys.last_seen(1 << 50), LastSeen::Untracked);
    }
}
