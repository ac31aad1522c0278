//! Which keys were certainly not written: a filter of fixed size that proves absence.
//!
//! A Bloom filter whose bits for one key lie in one line of the cache. A load asks of every new
//! record whether its natural keys are taken; nearly all answers are no, and cost nothing here.

use std::hash::{DefaultHasher, Hasher as _};

/// Lines of 512 bits: 4 MiB, so that of 4 million keys 1 in 50 is looked up for nothing.
const LINES: usize = 1 << 16;
/// Bits that are set for a key.
const BITS_A_KEY: u32 = 5;

/// One line of the cache.
type Line = [u64; 8];

/// Keys that were added.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyFilter {
    /// Empty until the first key.
    lines: Vec<Line>,
}

impl KeyFilter {
    /// Adds a key.
    pub(crate) fn add(&mut self, key: &[u8]) {
        if self.lines.is_empty() {
            self.lines = vec![Line::default(); LINES];
        }
        let (line, bits) = place(key);
        for (word, bits) in self.lines[line].iter_mut().zip(bits) {
            *word |= bits;
        }
    }

    /// Whether a key may have been added. `false` is certain.
    pub(crate) fn may_have(&self, key: &[u8]) -> bool {
        if self.lines.is_empty() {
            return false;
        }
        let (line, bits) = place(key);
        self.lines[line].iter().zip(bits).all(|(word, bits)| word & bits == bits)
    }
}

/// The line of a key, and its bits there.
fn place(key: &[u8]) -> (usize, Line) {
    let mut hasher = DefaultHasher::new();
    hasher.write(key);
    let mut hash = hasher.finish();
    let line = (hash % LINES as u64) as usize;
    hash >>= LINES.trailing_zeros();
    let mut bits = Line::default();
    for _ in 0..BITS_A_KEY {
        bits[(hash % 8) as usize] |= 1 << (hash / 8 % 64);
        hash >>= 9;
    }
    (line, bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_keys_are_never_denied_and_others_nearly_always() {
        let mut filter = KeyFilter::default();
        assert!(!filter.may_have(b"anything"));
        let key = |number: u32| [&b"key "[..], &number.to_be_bytes()].concat();
        for number in 0..50_000 {
            filter.add(&key(number));
        }
        assert!((0..50_000).all(|number| filter.may_have(&key(number))));
        let wrong = (50_000..100_000).filter(|number| filter.may_have(&key(*number))).count();
        assert!(wrong < 50, "{wrong} of 50000 keys that were not added");
    }
}
