//! The graph without directions, parallel edges and loops: each pair of neighbours once in either
//! list, with what its edges add up to. Built in time linear in nodes and edges.

use std::ops::{ControlFlow, Range};

use super::GraphView as _;
use super::snapshot::Snapshot;
use super::view::Side;
use crate::base::error::Result;

/// What the edges of a pair add up to.
pub(super) trait Sum: Copy + Default {
    fn add(&mut self, other: Self);
}

/// Nothing: only who is next to whom.
impl Sum for () {
    fn add(&mut self, (): ()) {}
}

impl Sum for f64 {
    fn add(&mut self, other: Self) {
        *self += other;
    }
}

/// Neighbours of every node, ascending, each once.
#[derive(Debug)]
pub(super) struct Undirected<W> {
    /// Node -> its first neighbour; one more at the end.
    pub(super) starts: Vec<usize>,
    pub(super) neighbors: Vec<u32>,
    /// By place: the sum of what is between the two.
    pub(super) sums: Vec<W>,
    /// By node: the sum of its loops, each counted once.
    pub(super) loops: Vec<W>,
    /// By node: whether it has an edge that counts.
    pub(super) touched: Vec<bool>,
}

impl<W: Sum> Undirected<W> {
    /// `value` is asked about every edge twice, by its position: from its target's list, where the
    /// edge goes out (`Side::Out`), and from its source's, where it comes in; it tells what to add
    /// to the pair in the list of the other end. A loop is asked about once, as going out.
    pub(super) fn of(
        snapshot: &Snapshot,
        edge_types: Option<&[u32]>,
        value: impl Fn(Side, u32) -> W,
    ) -> Result<Self> {
        let count = snapshot.node_bound() as u32;
        let mut starts = Vec::with_capacity(count as usize + 1);
        let mut sum = 0;
        for node in 0..count {
            starts.push(sum);
            for side in [Side::Out, Side::In] {
                sum += degree(snapshot, node, side, edge_types)?;
            }
        }
        starts.push(sum);
        let mut found = Self {
            neighbors: vec![0; sum],
            sums: vec![W::default(); sum],
            loops: vec![W::default(); count as usize],
            touched: starts.windows(2).map(|ends| ends[0] < ends[1]).collect(),
            starts,
        };
        let mut ends = found.starts[..count as usize].to_vec();
        // Nodes enter the lists of their neighbours in ascending order, so that the lists are
        // sorted and what belongs to one pair meets at the end of a list.
        for node in 0..count {
            for side in [Side::Out, Side::In] {
                for_each(snapshot, node, (side, edge_types), |other, position| {
                    if other != node {
                        found.push(&mut ends[other as usize], other, node, value(side, position));
                    } else if side == Side::Out {
                        found.loops[node as usize].add(value(side, position));
                    }
                })?;
            }
        }
        found.close_gaps(&ends);
        Ok(found)
    }

    fn push(&mut self, end: &mut usize, list: u32, node: u32, value: W) {
        let start = self.starts[list as usize];
        if *end > start && self.neighbors[*end - 1] == node {
            self.sums[*end - 1].add(value);
            return;
        }
        self.neighbors[*end] = node;
        self.sums[*end] = value;
        *end += 1;
    }

    /// Lists were laid out for all edges, of which pairs are fewer.
    fn close_gaps(&mut self, ends: &[usize]) {
        let mut place = 0;
        for (start, end) in self.starts.iter_mut().zip(ends) {
            let list = std::mem::replace(start, place)..*end;
            self.neighbors.copy_within(list.clone(), place);
            self.sums.copy_within(list.clone(), place);
            place += list.len();
        }
        if let Some(last) = self.starts.last_mut() {
            *last = place;
        }
        self.neighbors.truncate(place);
        self.sums.truncate(place);
    }

    pub(super) fn len(&self) -> usize {
        self.loops.len()
    }

    pub(super) fn places(&self, node: u32) -> Range<usize> {
        self.starts[node as usize]..self.starts[node as usize + 1]
    }

    pub(super) fn of_node(&self, node: u32) -> &[u32] {
        &self.neighbors[self.places(node)]
    }

    pub(super) fn degree(&self, node: u32) -> usize {
        self.places(node).len()
    }
}

/// Hands the other end and the position of each edge of a node to `visit`.
pub(super) fn for_each(
    snapshot: &Snapshot,
    node: u32,
    (side, edge_types): (Side, Option<&[u32]>),
    mut visit: impl FnMut(u32, u32),
) -> Result<()> {
    let mut each = |edge_type| {
        snapshot.for_each(node, side, edge_type, |hop| {
            visit(hop.node, hop.via);
            ControlFlow::Continue(())
        })
    };
    match edge_types {
        None => each(None).map(drop),
        Some(edge_types) => {
            edge_types.iter().try_for_each(|edge_type| each(Some(*edge_type)).map(drop))
        }
    }
}

/// How many edges of the wanted types a node has on one side.
pub(super) fn degree(
    snapshot: &Snapshot,
    node: u32,
    side: Side,
    edge_types: Option<&[u32]>,
) -> Result<usize> {
    match edge_types {
        None => snapshot.degree(node, side, None),
        Some(edge_types) => edge_types
            .iter()
            .try_fold(0, |sum, edge_type| Ok(sum + snapshot.degree(node, side, Some(*edge_type))?)),
    }
}
