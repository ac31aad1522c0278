//! What traversals need of a graph, and the scratch space that they use.
//!
//! Two views implement it: blocks straight from the rows, and the snapshot in memory. Traversals
//! are written once, over the trait, and take the same steps on both: nodes compare as their
//! identities do, and neighbours come in the order (type, neighbour, edge).

use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::ops::ControlFlow;

use crate::base::error::Result;
use crate::base::id::{EdgeId, NodeId};
pub(crate) use crate::storage::adjacency::Direction as Side;

/// One edge as seen from the node that is being expanded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hop<N, V> {
    pub(crate) edge_type: u32,
    /// The other end.
    pub(crate) node: N,
    /// What [`GraphView::edge`] tells the edge from.
    pub(crate) via: V,
}

/// A graph that can be traversed.
pub(crate) trait GraphView {
    /// How the view names nodes; ordered as the identities are.
    type Node: NodeNumber;
    /// How the view names edges.
    type Via: Copy + std::fmt::Debug;

    /// The node of this identity. `None` when it has no edges; a view may not notice that.
    fn find(&self, id: NodeId) -> Option<Self::Node>;

    /// The identity of a node.
    fn id(&self, node: Self::Node) -> NodeId;

    /// The edge, and its weight.
    fn edge(&self, via: Self::Via) -> (EdgeId, f32);

    /// Hands the edges of a node on one side, or those of one type, to `visit` until it says stop.
    fn for_each<F>(
        &self,
        node: Self::Node,
        side: Side,
        edge_type: Option<u32>,
        visit: F,
    ) -> Result<ControlFlow<()>>
    where
        F: FnMut(Hop<Self::Node, Self::Via>) -> ControlFlow<()>;

    /// How many edges a node has on one side, or how many of one type.
    fn degree(&self, node: Self::Node, side: Side, edge_type: Option<u32>) -> Result<usize>;

    /// A number greater than that of any node, for scratch space indexed by it.
    fn node_bound(&self) -> usize;

    /// Lends scratch space to `run`. Whoever uses a part of it resets that part first.
    fn with_scratch<T>(&self, run: impl FnOnce(&mut ScratchOf<Self>) -> T) -> T;
}

/// The scratch space of a view.
pub(crate) type ScratchOf<V> = Scratch<<V as GraphView>::Node, <V as GraphView>::Via>;

/// How a view names nodes, and the map that suits it.
pub(crate) trait NodeNumber: Copy + Ord + Hash + std::fmt::Debug {
    /// A map from nodes.
    type Map<T: Copy + std::fmt::Debug>: NodeMap<Self, T> + std::fmt::Debug;
}

/// A map from nodes that is emptied at no cost.
pub(crate) trait NodeMap<N, T: Copy>: Default {
    /// Empties the map and makes it fit numbers below `bound`.
    fn reset(&mut self, bound: usize);

    /// The value of a node.
    fn get(&self, node: N) -> Option<T>;

    /// Sets the value of a node. Says whether it had none.
    fn insert(&mut self, node: N, value: T) -> bool;

    /// Whether the node has a value.
    fn contains(&self, node: N) -> bool {
        self.get(node).is_some()
    }
}

/// A map from dense numbers: a value counts when it has the stamp of the present generation.
#[derive(Debug)]
pub(crate) struct Stamped<T> {
    generation: u32,
    stamps: Vec<u32>,
    values: Vec<T>,
}

impl<T> Default for Stamped<T> {
    fn default() -> Self {
        Self { generation: 0, stamps: Vec::new(), values: Vec::new() }
    }
}

impl<T: Copy> NodeMap<u32, T> for Stamped<T> {
    fn reset(&mut self, bound: usize) {
        if self.stamps.len() < bound {
            // Zeroed pages of the system cost nothing until they are touched.
            self.stamps = vec![0; bound];
            self.generation = 0;
        }
        if self.generation == u32::MAX {
            self.stamps.fill(0);
            self.generation = 0;
        }
        self.generation += 1;
    }

    fn get(&self, node: u32) -> Option<T> {
        if self.contains(node) { self.values.get(node as usize).copied() } else { None }
    }

    fn insert(&mut self, node: u32, value: T) -> bool {
        let place = node as usize;
        if self.values.len() <= place {
            self.values.resize(self.stamps.len().max(place + 1), value);
        }
        if self.stamps.len() <= place {
            self.stamps.resize(place + 1, 0);
        }
        self.values[place] = value;
        let old = std::mem::replace(&mut self.stamps[place], self.generation);
        old != self.generation
    }

    fn contains(&self, node: u32) -> bool {
        self.stamps.get(node as usize) == Some(&self.generation)
    }
}

impl<T> Stamped<T> {
    /// Takes the value of a node away. Says whether there was one.
    pub(crate) fn remove(&mut self, node: u32) -> bool {
        match self.stamps.get_mut(node as usize) {
            // Generations count from 1, so that 0 is none of them.
            Some(stamp) if *stamp == self.generation => {
                *stamp = 0;
                true
            }
            _ => false,
        }
    }
}

impl NodeNumber for u32 {
    type Map<T: Copy + std::fmt::Debug> = Stamped<T>;
}

/// A map from identities.
#[derive(Debug)]
pub(crate) struct Hashed<T>(HashMap<NodeId, T, BuildHasherDefault<IdHasher>>);

impl<T> Default for Hashed<T> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<T: Copy> NodeMap<NodeId, T> for Hashed<T> {
    fn reset(&mut self, _bound: usize) {
        self.0.clear();
    }

    fn get(&self, node: NodeId) -> Option<T> {
        self.0.get(&node).copied()
    }

    fn insert(&mut self, node: NodeId, value: T) -> bool {
        self.0.insert(node, value).is_none()
    }
}

impl NodeNumber for NodeId {
    type Map<T: Copy + std::fmt::Debug> = Hashed<T>;
}

/// Spreads identities, which count up, over the table. The store gives them, so that nobody can
/// choose them to collide; the standard hasher costs more than reading a block's entry.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// How a search got to a node: from where and by which edge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<N, V> {
    pub(crate) from: N,
    /// `None` at the start.
    pub(crate) via: Option<V>,
}

/// A step with what the way there costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label<N, V> {
    pub(crate) step: Step<N, V>,
    pub(crate) cost: f64,
}

/// A node that waits at a cost; the cheapest is the greatest, of equals the smallest node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queued<N> {
    pub(crate) cost: f64,
    pub(crate) node: N,
}

impl<N: Ord> Ord for Queued<N> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.cost.total_cmp(&self.cost).then_with(|| other.node.cmp(&self.node))
    }
}

impl<N: Ord> PartialOrd for Queued<N> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<N: Ord> PartialEq for Queued<N> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<N: Ord> Eq for Queued<N> {}

/// Space that traversals reuse, so that none pays for the size of the graph. Parts are filled at
/// their first use.
#[derive(Debug)]
pub(crate) struct Scratch<N: NodeNumber, V: Copy + std::fmt::Debug> {
    pub(crate) seen: N::Map<()>,
    pub(crate) frontier: Vec<N>,
    pub(crate) next: Vec<N>,
    /// Of a search from both ends, as all pairs here: from the start, from the goal.
    pub(crate) steps: [N::Map<Step<N, V>>; 2],
    pub(crate) frontiers: [Vec<N>; 2],
    pub(crate) labels: [N::Map<Label<N, V>>; 2],
    pub(crate) queues: [BinaryHeap<Queued<N>>; 2],
}

impl<N: NodeNumber, V: Copy + std::fmt::Debug> Default for Scratch<N, V> {
    fn default() -> Self {
        Self {
            seen: Default::default(),
            frontier: Vec::new(),
            next: Vec::new(),
            steps: Default::default(),
            frontiers: Default::default(),
            labels: Default::default(),
            queues: [BinaryHeap::new(), BinaryHeap::new()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_forgets_everything_even_when_generations_run_out() {
        let mut map = Stamped::<u8> { generation: u32::MAX - 2, ..Stamped::default() };
        for round in 0..5 {
            map.reset(4);
            assert_eq!(map.get(3), None, "round {round}");
            assert!(map.insert(3, round));
            assert!(!map.insert(3, round + 1));
            assert_eq!(map.get(3), Some(round + 1));
            assert!(!map.contains(9));
        }
        map.reset(10);
        assert!((0..10).all(|node| !map.contains(node)));
    }

    #[test]
    fn the_cheapest_comes_first_and_of_equals_the_smallest() {
        let mut queue: BinaryHeap<Queued<u32>> = [(2.0, 1), (1.0, 7), (1.0, 3)]
            .into_iter()
            .map(|(cost, node)| Queued { cost, node })
            .collect();
        let order: Vec<u32> = std::iter::from_fn(|| queue.pop()).map(|next| next.node).collect();
        assert_eq!(order, [3, 7, 1]);
    }
}
