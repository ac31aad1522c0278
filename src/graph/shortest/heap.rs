//! A heap with four children a node: half as deep as a binary one, and the children lie in one line
//! of the cache.

/// What waits at a cost, which is not negative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) cost: f64,
    pub(super) node: u32,
}

impl Waiting {
    /// The bits of costs that are not negative order as the costs do.
    #[inline]
    fn key(self) -> u128 {
        u128::from(self.cost.to_bits()) << 32 | u128::from(self.node)
    }

    #[inline]
    fn of_key(key: u128) -> Self {
        Self { cost: f64::from_bits((key >> 32) as u64), node: key as u32 }
    }
}

/// The cheapest first, of equals the smallest node.
#[derive(Debug, Default)]
pub(super) struct Heap(Vec<u128>);

impl Heap {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    #[inline]
    pub(super) fn push(&mut self, item: Waiting) {
        let key = item.key();
        let mut at = self.0.len();
        self.0.push(key);
        while at > 0 {
            let parent = (at - 1) / 4;
            if self.0[parent] <= key {
                break;
            }
            self.0[at] = self.0[parent];
            at = parent;
        }
        self.0[at] = key;
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<Waiting> {
        self.0.first().copied().map(Waiting::of_key)
    }

    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let top = self.peek()?;
        let key = self.0.pop()?;
        if !self.0.is_empty() {
            self.sink(key);
        }
        Some(top)
    }

    /// Puts a key into the place of the first.
    fn sink(&mut self, key: u128) {
        let mut at = 0;
        loop {
            let first = 4 * at + 1;
            let children = self.0.get(first..).unwrap_or_default();
            let children = &children[..children.len().min(4)];
            let Some((place, least)) = least(children).filter(|(_, least)| *least < key) else {
                break;
            };
            self.0[at] = least;
            at = first + place;
        }
        self.0[at] = key;
    }
}

/// The smallest of at most four keys, and its place.
#[inline]
fn least(keys: &[u128]) -> Option<(usize, u128)> {
    if let [a, b, c, d] = *keys {
        let left = if b < a { (1, b) } else { (0, a) };
        let right = if d < c { (3, d) } else { (2, c) };
        return Some(if right.1 < left.1 { right } else { left });
    }
    keys.iter().copied().enumerate().min_by_key(|(_, key)| *key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_heap_gives_what_it_holds_in_order(
            items in prop::collection::vec(prop::option::weighted(0.7, 0_u16..50), 0..200),
        ) {
            let (mut heap, mut model) = (Heap::default(), Vec::new());
            for item in items {
                if let Some(number) = item {
                    heap.push(Waiting { cost: f64::from(number), node: number.into() });
                    model.push(u32::from(number));
                    model.sort_unstable_by(|a, b| b.cmp(a));
                } else {
                    prop_assert_eq!(heap.pop().map(|item| item.node), model.pop());
                }
            }
        }
    }
}
