//! Order-preserving key bytes: comparing the bytes compares the values.
//!
//! Every part ends itself, so that a tuple is the concatenation of its parts and a prefix of the
//! tuple is a prefix of the bytes.

use super::digest::Digest;
use super::id::{Kind, NodeId};
use super::limits::{INDEX_KEY_BYTES_MAX, INDEX_PART_BYTES_MAX};
use super::time::Timestamp;

/// A value that can stand in an index key: numbers, text, bytes, times, nodes, options and tuples
/// of them.
///
/// The bytes order as the values do; `None` comes before everything.
pub trait Key {
    /// Appends the bytes of this value.
    fn write_key(&self, out: &mut Vec<u8>);
}

/// The bytes of a key, cut to the limit: what is longer ends in a digest of the whole.
pub(crate) fn bytes_of<K: Key + ?Sized>(key: &K) -> Vec<u8> {
    let mut out = Vec::with_capacity(32);
    key.write_key(&mut out);
    shorten(&mut out, 0);
    out
}

/// Cuts `out[start..]` to the limit of an index key.
pub(crate) fn shorten(out: &mut Vec<u8>, start: usize) {
    if out.len() - start > INDEX_KEY_BYTES_MAX {
        let digest = Digest::of(&out[start..]);
        out.truncate(start + INDEX_KEY_BYTES_MAX - 32);
        out.extend_from_slice(digest.as_bytes());
    }
}

/// The smallest bytes that are greater than everything starting with `prefix`. `None` when there
/// are none.
pub(crate) fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

macro_rules! unsigned_key {
    ($($type:ty),*) => {$(
        impl Key for $type {
            fn write_key(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
        }
    )*};
}
unsigned_key!(u8, u16, u32, u64);

impl Key for i64 {
    fn write_key(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.cast_unsigned() ^ (1 << 63)).to_be_bytes());
    }
}

impl Key for i32 {
    fn write_key(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.cast_unsigned() ^ (1 << 31)).to_be_bytes());
    }
}

impl Key for f64 {
    /// IEEE 754 total order: -NaN, -inf, ..., -0.0, 0.0, ..., inf, NaN.
    fn write_key(&self, out: &mut Vec<u8>) {
        let bits = self.to_bits();
        let flipped = if bits >> 63 == 1 { !bits } else { bits ^ (1 << 63) };
        out.extend_from_slice(&flipped.to_be_bytes());
    }
}

impl Key for bool {
    fn write_key(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Key for [u8] {
    /// Zero bytes are written as `00 ff`, the end as `00 00`. What is too long is cut here and not
    /// at the end of the whole key, so that it still is a prefix of the tuples that start with it.
    fn write_key(&self, out: &mut Vec<u8>) {
        if self.len() > INDEX_PART_BYTES_MAX {
            let digest = Digest::of(self);
            let kept = INDEX_PART_BYTES_MAX - digest.as_bytes().len();
            write_escaped(&self[..kept], out);
            write_escaped(digest.as_bytes(), out);
        } else {
            write_escaped(self, out);
        }
        out.extend_from_slice(&[0, 0]);
    }
}

fn write_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
}

impl Key for str {
    fn write_key(&self, out: &mut Vec<u8>) {
        self.as_bytes().write_key(out);
    }
}

impl Key for String {
    fn write_key(&self, out: &mut Vec<u8>) {
        self.as_bytes().write_key(out);
    }
}

impl Key for Timestamp {
    fn write_key(&self, out: &mut Vec<u8>) {
        self.as_micros().write_key(out);
    }
}

impl Key for NodeId {
    fn write_key(&self, out: &mut Vec<u8>) {
        self.as_u64().write_key(out);
    }
}

impl Key for Kind {
    fn write_key(&self, out: &mut Vec<u8>) {
        out.push(self.0);
    }
}

impl<K: Key> Key for Option<K> {
    fn write_key(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        if let Some(key) = self {
            key.write_key(out);
        }
    }
}

impl<K: Key + ?Sized> Key for &K {
    fn write_key(&self, out: &mut Vec<u8>) {
        (**self).write_key(out);
    }
}

impl Key for () {
    fn write_key(&self, _out: &mut Vec<u8>) {}
}

macro_rules! tuple_key {
    ($($part:ident),+) => {
        impl<$($part: Key),+> Key for ($($part,)+) {
            fn write_key(&self, out: &mut Vec<u8>) {
                #[expect(non_snake_case, reason = "one name for the type and its value")]
                let ($($part,)+) = self;
                $($part.write_key(out);)+
            }
        }
    };
}
tuple_key!(A);
tuple_key!(A, B);
tuple_key!(A, B, C);
tuple_key!(A, B, C, D);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_order_as_the_values_do(
            a in (any::<Option<i64>>(), ".{0,6}", any::<u16>()),
            b in (any::<Option<i64>>(), ".{0,6}", any::<u16>()),
        ) {
            prop_assert_eq!(bytes_of(&a).cmp(&bytes_of(&b)), a.cmp(&b));
        }

        #[test]
        fn numbers_order_as_numbers(a in any::<f64>(), b in any::<f64>()) {
            prop_assert_eq!(bytes_of(&a).cmp(&bytes_of(&b)), a.total_cmp(&b));
        }
    }

    #[test]
    fn long_keys_are_cut_and_stay_apart() {
        let long = "k".repeat(10_000);
        let other = format!("{}x", &long[..9_999]);
        assert!(bytes_of(&long).len() < INDEX_KEY_BYTES_MAX);
        assert_ne!(bytes_of(&long), bytes_of(&other));
        assert_ne!(bytes_of(&long), bytes_of(&(&long, "x")));
        let zeros = [0_u8; 10_000];
        let nested = ((&zeros[..], &zeros[..]), (&zeros[..], &zeros[..]));
        assert_eq!(bytes_of(&nested).len(), INDEX_KEY_BYTES_MAX);
    }

    #[test]
    fn a_long_part_is_a_prefix_of_the_tuples_that_start_with_it() {
        for length in [100, 479, 480, 481, 10_000] {
            let part = "k".repeat(length);
            assert!(bytes_of(&(&part, 7_i64)).starts_with(&bytes_of(&part)), "{length}");
        }
    }

    #[test]
    fn a_prefix_ends_before_the_next() {
        assert_eq!(prefix_end(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(prefix_end(&[1, 0xff]), Some(vec![2]));
        assert_eq!(prefix_end(&[0xff]), None);
    }
}
