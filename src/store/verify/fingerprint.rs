//! Sets of rows as two numbers: how many, and the sum of their hashes. Order plays no part, so two
//! tables that are walked in different orders can be compared at constant memory.
//!
//! Finds accidents, not forgeries: whoever can write the file can also make the sums agree.

use crate::base::id::NodeId;
use crate::storage::adjacency::{Direction, Entry};
use crate::storage::edges::Ends;

/// The fraction of the golden ratio: odd, and its bits show no pattern.
const MULTIPLIER: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// A set of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint {
    sum: u128,
    count: u64,
}

impl Fingerprint {
    /// Takes in one row.
    pub(super) fn add(&mut self, row: RowHash) {
        self.sum = self.sum.wrapping_add(row.finish());
        self.count += 1;
    }

    /// How many rows there are.
    pub(super) fn count(self) -> u64 {
        self.count
    }
}

/// The hash of one row, fed part by part.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowHash(u128);

impl RowHash {
    /// An index row.
    pub(super) fn of_index(row: &[u8]) -> Self {
        Self(1).bytes(row)
    }

    /// A natural key's row and the record that it points to.
    pub(super) fn of_unique(row: &[u8], id: NodeId) -> Self {
        Self(2).bytes(row).number(id.as_u64())
    }

    /// An adjacency entry with its weight.
    pub(super) fn of_entry(node: NodeId, direction: Direction, entry: &Entry) -> Self {
        let weight = entry.weight + 0.0; // A negative zero is a zero.
        Self::of_place(node, direction, entry).number(weight.to_bits().into())
    }

    /// An adjacency entry without its weight.
    pub(super) fn of_place(node: NodeId, direction: Direction, entry: &Entry) -> Self {
        let outward = u64::from(matches!(direction, Direction::Out));
        Self(3)
            .number(node.as_u64())
            .number((outward << 32) | u64::from(entry.edge_type))
            .number(entry.neighbor.as_u64())
            .number(entry.edge.as_u64())
    }

    /// The weight of an edge, whichever of its ends holds it.
    pub(super) fn of_weight(entry: &Entry) -> Self {
        Self(4).number(entry.edge.as_u64()).number((entry.weight + 0.0).to_bits().into())
    }

    fn number(self, number: u64) -> Self {
        Self(scramble(self.0 ^ u128::from(number)))
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<8>();
        let hash = words.iter().fold(self, |hash, word| hash.number(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        // The length keeps apart what differs only in zeros at its end.
        hash.number(u64::from_le_bytes(last)).number(bytes.len() as u64)
    }

    fn finish(self) -> u128 {
        scramble(scramble(self.0))
    }
}

/// One step that can be undone, so that it loses nothing: the multiplication carries low bits
/// up, the shift brings high bits down.
fn scramble(state: u128) -> u128 {
    let product = state.wrapping_add(MULTIPLIER).wrapping_mul(MULTIPLIER);
    product ^ (product >> 67)
}

/// The adjacency entries of an edge, one at each end, without a weight.
pub(super) fn entries_of(edge: &Ends) -> [(NodeId, Direction, Entry); 2] {
    let entry =
        |neighbor| Entry { edge_type: edge.edge_type, neighbor, edge: edge.id, weight: 1.0 };
    [
        (edge.source, Direction::Out, entry(edge.target)),
        (edge.target, Direction::In, entry(edge.source)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn print_of(rows: &[&[u8]]) -> Fingerprint {
        let mut print = Fingerprint::default();
        for row in rows {
            print.add(RowHash::of_index(row));
        }
        print
    }

    #[test]
    fn order_plays_no_part_and_every_row_does() {
        let whole = print_of(&[b"a", b"bc", b"d"]);
        assert_eq!(whole, print_of(&[b"d", b"a", b"bc"]));
        for other in [&[&b"a"[..], b"bc"][..], &[b"ab", b"c", b"d"], &[b"a", b"bc", b"d\0"]] {
            assert_ne!(whole, print_of(other));
        }
        assert_ne!(print_of(&[b"a", b"a"]), print_of(&[b"b", b"b"]));
    }

    #[test]
    fn neighbouring_rows_hash_apart() {
        let mut seen = HashSet::new();
        let mut low = HashSet::new();
        for number in 0..20_000_u32 {
            let hash = RowHash::of_index(&number.to_be_bytes()).finish();
            assert!(seen.insert(hash));
            low.insert(hash & u128::from(u32::MAX));
        }
        assert!(low.len() > 19_990, "the low bits alone hardly collide");
    }
}
