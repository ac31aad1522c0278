//! The graph in memory as of one sequence number: compressed sparse rows in both directions.
//!
//! Nodes have dense numbers in the order of their identities; neighbours are sorted by edge type,
//! then node, then edge, so that one type of one node is one slice. An edge is known by its
//! position in the outward arrays. Nodes without an edge are not in it. Immutable: a newer state is
//! another snapshot, or a delta over this one.

use std::ops::{ControlFlow, Range};
use std::sync::{Mutex, PoisonError};

use super::delta::{Key, LiveNode};
use super::khop::Reach;
use super::shortest::{Between, Meeting};
use super::view::{GraphView, Hop, ScratchOf, Side};
use crate::base::error::Result;
use crate::base::id::{EdgeId, Kind, NodeId, Seq};

/// Numbers in a page of the map from identity to dense number: 4 KiB.
const PAGE: usize = 1_024;
/// Scratch spaces that are kept for the next traversals: about as many as run at a time.
const POOLED_MAX: usize = 8;

/// An immutable graph in memory, as of one sequence number.
///
/// `petgraph`'s traits are implemented for `&Snapshot`, so its algorithms run on it as they are.
/// Its node identifiers are dense numbers (see [`Snapshot::index_of`] and [`Snapshot::node_at`]),
/// its edge identifiers are positions (see [`Snapshot::edge_at`]), its weights are [`NodeId`] and
/// `f32`.
pub struct Snapshot {
    pub(super) seq: Seq,
    /// By dense number.
    pub(super) nodes: Vec<NodeId>,
    pub(super) numbers: Numbers,
    pub(super) out: Lists,
    pub(super) inward: Lists,
    /// The position of the same edge in the outward arrays, for each inward one.
    pub(super) positions: Vec<u32>,
    /// By position.
    pub(super) edges: Vec<EdgeId>,
    /// By position; empty when every weight is 1.
    pub(super) weights: Vec<f32>,
    /// Whether all weights are finite and none is negative.
    pub(super) sums_weights: bool,
    pub(super) pool: Pool<ScratchOf<Self>>,
    /// Space of the quick walks over dense numbers.
    pub(super) reach: Pool<Reach>,
    pub(super) meetings: Pool<Meeting>,
    pub(super) between: Pool<Between>,
}

/// The neighbours of all nodes on one side.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Node -> its first neighbour; one more at the end. The same as by way of the segments, in one
    /// step: who asks for all types waits for memory once.
    pub(super) offsets: Vec<u32>,
    /// Node -> its first segment; one more at the end.
    pub(super) segments: Vec<u32>,
    /// Segment -> edge type.
    pub(super) types: Vec<u32>,
    /// Segment -> its first neighbour; one more at the end.
    pub(super) starts: Vec<u32>,
    pub(super) neighbors: Vec<u32>,
}

impl Lists {
    /// The segments of a node.
    #[inline]
    fn segments_of(&self, node: u32) -> Range<usize> {
        let node = node as usize;
        self.segments[node] as usize..self.segments[node + 1] as usize
    }

    /// The places of a segment.
    #[inline]
    fn segment(&self, segment: usize) -> Range<usize> {
        self.starts[segment] as usize..self.starts[segment + 1] as usize
    }

    /// The places of a node.
    #[inline]
    pub(super) fn range(&self, node: u32) -> Range<usize> {
        let node = node as usize;
        self.offsets[node] as usize..self.offsets[node + 1] as usize
    }

    /// The types of a node with their places, or the one type that is wanted.
    #[inline]
    pub(super) fn runs(
        &self,
        node: u32,
        edge_type: Option<u32>,
    ) -> impl Iterator<Item = (u32, Range<usize>)> {
        let all = self.segments_of(node);
        let segments = match edge_type {
            None => all,
            Some(edge_type) => match self.types[all.clone()].binary_search(&edge_type) {
                Ok(found) => all.start + found..all.start + found + 1,
                Err(_) => 0..0,
            },
        };
        segments.map(|segment| (self.types[segment], self.segment(segment)))
    }

    /// The places of one type of a node.
    pub(super) fn range_of_type(&self, node: u32, edge_type: u32) -> Range<usize> {
        let segments = self.segments_of(node);
        match self.types[segments.clone()].binary_search(&edge_type) {
            Ok(found) => self.segment(segments.start + found),
            Err(_) => 0..0,
        }
    }

    /// Whether a node has an edge to another.
    pub(super) fn leads_to(&self, node: u32, other: u32) -> bool {
        self.segments_of(node)
            .any(|segment| self.neighbors[self.segment(segment)].binary_search(&other).is_ok())
    }

    fn segment_of(&self, place: usize) -> usize {
        self.starts.partition_point(|start| *start as usize <= place).saturating_sub(1)
    }
}

impl Snapshot {
    /// The sequence number of the last write in it. A graph whose later writes changed no edge
    /// hands out the same snapshot.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// How many nodes have an edge.
    pub fn nodes_count(&self) -> usize {
        self.nodes.len()
    }

    /// How many edges there are, links included.
    pub fn edges_count(&self) -> usize {
        self.edges.len()
    }

    /// The dense number of a node. `None` when it has no edge.
    pub fn index_of(&self, node: NodeId) -> Option<u32> {
        self.numbers.get(&self.nodes, node)
    }

    /// The node behind a dense number.
    pub fn node_at(&self, index: u32) -> Option<NodeId> {
        self.nodes.get(index as usize).copied()
    }

    /// The edge at a position.
    pub fn edge_at(&self, position: u32) -> Option<EdgeId> {
        self.edges.get(position as usize).copied()
    }

    /// The number of the edge type at a position; `Graph::edge_type_name` has its name.
    /// Logarithmic.
    pub fn edge_type_at(&self, position: u32) -> Option<u32> {
        self.edges.get(position as usize)?;
        self.out.types.get(self.out.segment_of(position as usize)).copied()
    }

    pub(super) fn weight(&self, position: u32) -> &f32 {
        const ONE: &f32 = &1.0;
        self.weights.get(position as usize).unwrap_or(ONE)
    }

    pub(super) fn lists(&self, side: Side) -> &Lists {
        match side {
            Side::Out => &self.out,
            Side::In => &self.inward,
        }
    }

    /// The neighbours of a node on one side, in order.
    pub(super) fn neighbors_of(&self, node: u32, side: Side) -> &[u32] {
        let lists = self.lists(side);
        &lists.neighbors[lists.range(node)]
    }

    /// As [`Snapshot::neighbors_of`], of one edge type.
    pub(super) fn neighbors_of_type(&self, node: u32, side: Side, edge_type: u32) -> &[u32] {
        let lists = self.lists(side);
        &lists.neighbors[lists.range_of_type(node, edge_type)]
    }

    /// The places of a node's edges on one side, with the neighbours there.
    pub(super) fn places_of(
        &self,
        node: u32,
        side: Side,
    ) -> impl Iterator<Item = (usize, u32)> + '_ {
        let lists = self.lists(side);
        let places = lists.range(node);
        places.clone().zip(lists.neighbors[places].iter().copied())
    }

    /// The position of the edge at a place of one side.
    pub(super) fn position(&self, side: Side, place: usize) -> u32 {
        match side {
            // Positions are below 2^32, which the build has checked.
            Side::Out => u32::try_from(place).unwrap_or(u32::MAX),
            Side::In => self.positions[place],
        }
    }

    /// Where an entry stands on one side of a node, or before which place it would.
    pub(super) fn place_of(&self, node: LiveNode, side: Side, key: &Key) -> Result<usize, usize> {
        let lists = self.lists(side);
        let node = node.index();
        if node as usize >= self.nodes.len() {
            return Err(0);
        }
        let segments = lists.segments_of(node);
        let segment = match lists.types[segments.clone()].binary_search(&key.edge_type) {
            Ok(found) => lists.segment(segments.start + found),
            Err(greater) => return Err(lists.starts[segments.start + greater] as usize),
        };
        let neighbors = &lists.neighbors[segment.clone()];
        let before = neighbors.partition_point(|other| LiveNode::of_base(*other) < key.neighbor);
        let parallel =
            neighbors[before..].partition_point(|other| LiveNode::of_base(*other) == key.neighbor);
        let start = segment.start + before;
        let edge_at = |place| self.edges[self.position(side, place) as usize];
        let (mut low, mut high) = (start, start + parallel);
        while low < high {
            let middle = low.midpoint(high);
            if edge_at(middle) < key.edge {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let found = low < start + parallel && edge_at(low) == key.edge;
        if found { Ok(low) } else { Err(low) }
    }

    /// Bytes in memory, about.
    pub fn size_bytes(&self) -> usize {
        let lists = |lists: &Lists| {
            let nodes = lists.offsets.len() + lists.segments.len();
            nodes + lists.types.len() + lists.starts.len() + lists.neighbors.len()
        };
        let words = lists(&self.out) + lists(&self.inward) + self.positions.len();
        4 * (words + self.weights.len())
            + 8 * (self.nodes.len() + self.edges.len())
            + self.numbers.size_bytes()
    }
}

impl GraphView for Snapshot {
    type Node = u32;
    type Via = u32;

    fn find(&self, id: NodeId) -> Option<u32> {
        self.index_of(id)
    }

    fn id(&self, node: u32) -> NodeId {
        self.nodes[node as usize]
    }

    fn edge(&self, via: u32) -> (EdgeId, f32) {
        (self.edges[via as usize], *self.weight(via))
    }

    #[inline]
    fn for_each<F>(
        &self,
        node: u32,
        side: Side,
        edge_type: Option<u32>,
        mut visit: F,
    ) -> Result<ControlFlow<()>>
    where
        F: FnMut(Hop<u32, u32>) -> ControlFlow<()>,
    {
        let lists = self.lists(side);
        let mut each = |edge_type: u32, places: Range<usize>| {
            let neighbors = &lists.neighbors[places.clone()];
            for (place, node) in places.zip(neighbors) {
                let via = self.position(side, place);
                if visit(Hop { edge_type, node: *node, via }).is_break() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        };
        if let Some(edge_type) = edge_type {
            return Ok(each(edge_type, lists.range_of_type(node, edge_type)));
        }
        for segment in lists.segments_of(node) {
            if each(lists.types[segment], lists.segment(segment)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn degree(&self, node: u32, side: Side, edge_type: Option<u32>) -> Result<usize> {
        let lists = self.lists(side);
        Ok(match edge_type {
            Some(edge_type) => lists.range_of_type(node, edge_type).len(),
            None => lists.range(node).len(),
        })
    }

    fn node_bound(&self) -> usize {
        self.nodes.len()
    }

    fn with_scratch<T>(&self, run: impl FnOnce(&mut ScratchOf<Self>) -> T) -> T {
        self.pool.lend(run)
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("seq", &self.seq)
            .field("nodes", &self.nodes.len())
            .field("edges", &self.edges.len())
            .finish_non_exhaustive()
    }
}

/// Scratch spaces between uses. A traversal that panics keeps its own.
#[derive(Debug)]
pub(super) struct Pool<S>(Mutex<Vec<S>>);

impl<S> Default for Pool<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<S: Default> Pool<S> {
    /// Lends a space to `run`; one that was used before where there is one.
    pub(super) fn lend<T>(&self, run: impl FnOnce(&mut S) -> T) -> T {
        let pooled = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut space = pooled.unwrap_or_default();
        let result = run(&mut space);
        let mut pooled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pooled.len() < POOLED_MAX {
            pooled.push(space);
        }
        result
    }
}

/// Identity -> dense number. Keys count up per kind, so that pages of numbers by key are small and
/// quick; where keys lie too far apart for that, the sorted identities are searched.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    kinds: Vec<KindNumbers>,
}

#[derive(Debug, Default)]
struct KindNumbers {
    /// The range of the kind in the sorted identities.
    nodes: Range<usize>,
    first_page: u64,
    /// Empty where keys lie too far apart. A page holds numbers plus one; zero is none.
    pages: Vec<Option<Box<[u32]>>>,
}

impl Numbers {
    /// Numbers the sorted identities in their order.
    pub(super) fn of(nodes: &[NodeId]) -> Self {
        let mut kinds = Vec::new();
        let mut start = 0;
        for run in nodes.chunk_by(|a, b| a.kind() == b.kind()) {
            let Some(kind) = run.first().map(|node| node.kind()) else { continue };
            kinds.resize_with(kind.index() + 1, KindNumbers::default);
            kinds[kind.index()] = KindNumbers::of(run, start);
            start += run.len();
        }
        Self { kinds }
    }

    fn get(&self, nodes: &[NodeId], node: NodeId) -> Option<u32> {
        let Kind(kind) = node.kind();
        let kind = self.kinds.get(usize::from(kind))?;
        if kind.pages.is_empty() {
            let found = nodes[kind.nodes.clone()].binary_search(&node).ok()?;
            return u32::try_from(kind.nodes.start + found).ok();
        }
        let page = page_of(node).checked_sub(kind.first_page)?;
        let page = kind.pages.get(usize::try_from(page).ok()?)?.as_ref()?;
        page[place_of(node)].checked_sub(1)
    }

    fn size_bytes(&self) -> usize {
        let pages = self.kinds.iter().flat_map(|kind| &kind.pages);
        pages.map(|page| 16 + page.as_ref().map_or(0, |page| 4 * page.len())).sum()
    }
}

impl KindNumbers {
    fn of(run: &[NodeId], start: usize) -> Self {
        let nodes = start..start + run.len();
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return Self::default() };
        let first_page = page_of(*first);
        let span = usize::try_from(page_of(*last) - first_page + 1).unwrap_or(usize::MAX);
        let used = run.chunk_by(|a, b| page_of(*a) == page_of(*b)).count();
        let fits = used * PAGE <= 16 * run.len() + 4 * PAGE && span <= 16 * used + 64;
        if !fits {
            return Self { nodes, first_page, pages: Vec::new() };
        }
        let mut pages: Vec<Option<Box<[u32]>>> = Vec::new();
        pages.resize_with(span, || None);
        for (number, node) in (start + 1..).zip(run) {
            let page = usize::try_from(page_of(*node) - first_page).unwrap_or(usize::MAX);
            let page = pages[page].get_or_insert_with(|| vec![0; PAGE].into_boxed_slice());
            page[place_of(*node)] = u32::try_from(number).unwrap_or(0);
        }
        Self { nodes, first_page, pages }
    }
}

fn page_of(node: NodeId) -> u64 {
    node.key() / PAGE as u64
}

fn place_of(node: NodeId) -> usize {
    usize::try_from(node.key() % PAGE as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn identities_have_the_numbers_of_their_order(
            near in prop::collection::btree_set((1_u64..4, 0_u64..5_000), 0..200),
            far in prop::collection::btree_set((4_u64..6, any::<u64>()), 0..20),
            absent in prop::collection::vec(any::<u64>(), 20),
        ) {
            let nodes: BTreeSet<NodeId> = near.into_iter().chain(far)
                .map(|(kind, key)| NodeId::from_u64((kind << 56) | (key & NodeId::MAX_KEY)))
                .collect();
            let nodes: Vec<NodeId> = nodes.into_iter().collect();
            let numbers = Numbers::of(&nodes);
            for (number, node) in (0..).zip(&nodes) {
                prop_assert_eq!(numbers.get(&nodes, *node), Some(number));
            }
            let near_misses = nodes.iter().map(|node| node.as_u64() ^ 1);
            for number in absent.into_iter().chain(near_misses) {
                let node = NodeId::from_u64(number);
                let expected = nodes.binary_search(&node).ok();
                let expected = expected.and_then(|place| place.try_into().ok());
                prop_assert_eq!(numbers.get(&nodes, node), expected);
            }
        }
    }
}
