//! A small ordered map that versions share: an array while it is short, a persistent tree from then
//! on, so that a change of a long one copies a few tree nodes and not the whole.

use imbl::OrdMap;
use imbl::ordmap::RangedIter;
use imbl::shared_ptr::DefaultSharedPtr;

/// Entries that an array holds at most. Most nodes have one or two changes, for which a tree would
/// take ten times the memory.
const FEW: usize = 32;

/// An ordered map that is cheap to clone.
#[derive(Clone)]
pub(super) enum Sorted<K, V> {
    Few(Vec<(K, V)>),
    Many(OrdMap<K, V>),
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl<K: Ord + Copy, V: Copy> Sorted<K, V> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(entries) => entries.len(),
            Self::Many(entries) => entries.len(),
        }
    }

    /// Sets the value of a key. Says whether it had none.
    pub(super) fn insert(&mut self, key: K, value: V) -> bool {
        let entries = match self {
            Self::Few(entries) => entries,
            Self::Many(entries) => return entries.insert(key, value).is_none(),
        };
        match entries.binary_search_by(|(other, _)| other.cmp(&key)) {
            Ok(place) => {
                entries[place].1 = value;
                return false;
            }
            Err(place) => entries.insert(place, (key, value)),
        }
        if entries.len() > FEW {
            *self = Self::Many(entries.iter().copied().collect());
        }
        true
    }

    /// Takes a key away. Says whether it was there.
    pub(super) fn remove(&mut self, key: &K) -> bool {
        match self {
            Self::Few(entries) => match entries.binary_search_by(|(other, _)| other.cmp(key)) {
                Ok(place) => {
                    entries.remove(place);
                    true
                }
                Err(_) => false,
            },
            Self::Many(entries) => entries.remove(key).is_some(),
        }
    }

    /// The entries from a key on, in order.
    pub(super) fn from(&self, key: &K) -> SortedIter<'_, K, V> {
        match self {
            Self::Few(entries) => {
                let start = entries.partition_point(|(other, _)| other < key);
                SortedIter::Few(entries[start..].iter())
            }
            Self::Many(entries) => SortedIter::Many(Box::new(entries.range(*key..))),
        }
    }

    /// All entries, in order.
    pub(super) fn iter(&self) -> SortedIter<'_, K, V> {
        match self {
            Self::Few(entries) => SortedIter::Few(entries.iter()),
            Self::Many(entries) => SortedIter::Many(Box::new(entries.range::<_, K>(..))),
        }
    }
}

impl<K: Ord + Copy + std::fmt::Debug, V: Copy + std::fmt::Debug> std::fmt::Debug for Sorted<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Entries of a [`Sorted`], in order.
pub(super) enum SortedIter<'a, K, V> {
    Few(std::slice::Iter<'a, (K, V)>),
    /// Boxed: it is ten times as large, and long lists pay for the allocation.
    Many(Box<RangedIter<'a, K, V, DefaultSharedPtr>>),
}

impl<'a, K: Ord, V> Iterator for SortedIter<'a, K, V> {
    type Item = (&'a K, &'a V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(entries) => entries.next().map(|(key, value)| (key, value)),
            Self::Many(entries) => entries.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_is_an_ordered_map_of_any_length(
            steps in prop::collection::vec(
                (0_u8..90, prop::option::weighted(0.8, any::<u8>())), 0..200),
            from in 0_u8..100,
        ) {
            let mut sorted: Sorted<u8, u8> = Sorted::default();
            let mut model = BTreeMap::new();
            for (key, value) in steps {
                let before = sorted.clone();
                let listed: Vec<_> = model.clone().into_iter().collect();
                if let Some(value) = value {
                    let new = model.insert(key, value).is_none();
                    prop_assert_eq!(sorted.insert(key, value), new);
                } else {
                    prop_assert_eq!(sorted.remove(&key), model.remove(&key).is_some());
                }
                prop_assert_eq!(sorted.len(), model.len());
                let copied = before.iter().map(|(key, value)| (*key, *value));
                prop_assert_eq!(copied.collect::<Vec<_>>(), listed, "an older version stays");
            }
            let rest: Vec<_> = sorted.from(&from).map(|(key, value)| (*key, *value)).collect();
            prop_assert_eq!(rest, model.range(from..).map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
        }
    }
}
