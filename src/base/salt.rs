//! Unpredictable bytes that make digests of guessable texts useless to a guesser.
//!
//! The seed comes from the operating system, by the way of the keys that the standard library gives
//! its hash maps; it is never stored, and salts go through SHA-256, so that none tells another.

use std::hash::{BuildHasher as _, RandomState};

use super::digest::Digest;

/// Bytes of a salt.
pub(crate) const SALT_BYTES: usize = 16;

/// Salts for one write.
#[derive(Debug)]
pub(crate) struct Salts {
    seed: [u8; 32],
    count: u64,
}

impl Salts {
    pub(crate) fn new() -> Self {
        let mut seed = [0; 32];
        for (part, bytes) in (0_u64..).zip(seed.as_chunks_mut::<8>().0) {
            *bytes = RandomState::new().hash_one(part).to_be_bytes();
        }
        Self { seed, count: 0 }
    }

    /// The next salt.
    pub(crate) fn next(&mut self) -> [u8; SALT_BYTES] {
        self.count += 1;
        let mut bytes = [0; 40];
        bytes[..32].copy_from_slice(&self.seed);
        bytes[32..].copy_from_slice(&self.count.to_be_bytes());
        let mut salt = [0; SALT_BYTES];
        salt.copy_from_slice(&Digest::of(&bytes).as_bytes()[..SALT_BYTES]);
        salt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_salt_comes_twice() {
        let (mut one, mut other) = (Salts::new(), Salts::new());
        let mut all: Vec<_> = (0..100).flat_map(|_| [one.next(), other.next()]).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 200);
    }
}
