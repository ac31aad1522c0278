//! A heap with four children a node: half as deep as a binary one, and the children lie in one line
//! of the cache.

/// What waits at a cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) cost: f64,
    pub(super) node: u32,
}

impl Waiting {
    #[inline]
    fn is_before(self, other: Self) -> bool {
        self.cost <= other.cost && (self.cost < other.cost || self.node < other.node)
    }
}

/// The cheapest first, of equals the smallest node.
#[derive(Debug, Default)]
pub(super) struct Heap(Vec<Waiting>);

impl Heap {
    pub(super) fn push(&mut self, item: Waiting) {
        let mut at = self.0.len();
        self.0.push(item);
        while at > 0 {
            let parent = (at - 1) / 4;
            if !item.is_before(self.0[parent]) {
                break;
            }
            self.0[at] = self.0[parent];
            at = parent;
        }
        self.0[at] = item;
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn peek(&self) -> Option<Waiting> {
        self.0.first().copied()
    }

    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let top = self.0.first().copied()?;
        let item = self.0.pop()?;
        if !self.0.is_empty() {
            self.sink(item);
        }
        Some(top)
    }

    /// Puts an item into the place of the first.
    fn sink(&mut self, item: Waiting) {
        let mut at = 0;
        loop {
            let first = 4 * at + 1;
            let children = &self.0[first.min(self.0.len())..self.0.len().min(first + 4)];
            let mut least: Option<(usize, Waiting)> = None;
            for (place, child) in children.iter().copied().enumerate() {
                if least.is_none_or(|(_, best)| child.is_before(best)) {
                    least = Some((first + place, child));
                }
            }
            match least {
                Some((place, child)) if child.is_before(item) => {
                    self.0[at] = child;
                    at = place;
                }
                _ => break,
            }
        }
        self.0[at] = item;
    }
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
