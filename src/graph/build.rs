//! Builds a snapshot from the adjacency blocks in one pass over them, or from another one and the
//! delta over it.
//!
//! The outward lists are taken as they are stored; the inward ones follow from them by counting,
//! and the stored inward blocks only have to agree in number.

use std::ops::ControlFlow;

use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, NodeId, Seq};
use crate::storage::adjacency::{Broken, Entry, Group};
use crate::storage::{Rows, adjacency};

use super::live::Live;
use super::snapshot::{Lists, Numbers, Pool, Snapshot};
use super::view::{GraphView as _, Side};

impl Snapshot {
    /// Reads the graph of `rows`, whose last write is `seq`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when blocks are damaged or the directions disagree; [`Error::Limit`] for
    /// more than 2^32 nodes or edges.
    pub(crate) fn build<R: Rows + ?Sized>(rows: &R, seq: Seq) -> Result<Self> {
        let mut read = Reading::default();
        adjacency::iter_groups(rows, &mut |node, side, group| read.take(node, side, group))?;
        read.finish(seq)
    }

    /// As [`Snapshot::build`], as long as `go_on` says so. `None` when it said no.
    pub(crate) fn build_while<R: Rows + ?Sized>(
        rows: &R,
        seq: Seq,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<Self>> {
        let mut read = Reading::default();
        let mut stopped = false;
        let all = adjacency::iter_groups(rows, &mut |node, side, group| {
            if !go_on() {
                stopped = true;
                return Err("stopped");
            }
            read.take(node, side, group)
        });
        if stopped {
            return Ok(None);
        }
        all?;
        read.finish(seq).map(Some)
    }

    /// The graph of a snapshot and the delta over it, as one built anew would be.
    ///
    /// # Errors
    /// As [`Snapshot::build`].
    pub(crate) fn fold(live: &Live) -> Result<Self> {
        let mut read = Reading::default();
        for node in live.all_nodes() {
            let inward = live.degree(node, Side::In, None)?;
            if inward == 0 && live.degree(node, Side::Out, None)? == 0 {
                continue;
            }
            let bad = |detail| Error::corrupt("graph in memory", detail);
            read.start(live.id(node)).map_err(bad)?;
            read.inward += inward;
            let mut failed = None;
            let flow = live.for_each(node, Side::Out, None, |hop| {
                let (edge, weight) = live.edge(hop.via);
                let entry =
                    Entry { edge_type: hop.edge_type, neighbor: live.id(hop.node), edge, weight };
                match read.open(hop.edge_type) {
                    Ok(()) => {
                        read.push(&entry);
                        ControlFlow::Continue(())
                    }
                    Err(detail) => {
                        failed = Some(detail);
                        ControlFlow::Break(())
                    }
                }
            })?;
            if let (ControlFlow::Break(()), Some(detail)) = (flow, failed) {
                return Err(bad(detail));
            }
        }
        read.finish(live.seq())
    }
}

/// The outward lists while they are read.
#[derive(Default)]
struct Reading {
    nodes: Vec<NodeId>,
    /// Node -> its first segment.
    segments: Vec<u32>,
    types: Vec<u32>,
    starts: Vec<u32>,
    targets: Vec<NodeId>,
    edges: Vec<EdgeId>,
    weights: Vec<f32>,
    inward: usize,
}

impl Reading {
    fn take(&mut self, node: NodeId, side: Side, group: &Group<'_>) -> Result<(), Broken> {
        if self.nodes.last() != Some(&node) {
            self.start(node)?;
        }
        if side == Side::In {
            self.inward += group.len();
            return Ok(());
        }
        self.open(group.edge_type)?;
        group.entries().for_each(|entry| self.push(&entry));
        Ok(())
    }

    /// Begins the list of the next node.
    fn start(&mut self, node: NodeId) -> Result<(), Broken> {
        self.nodes.push(node);
        self.segments.push(place(&self.types)?);
        Ok(())
    }

    /// Begins a segment, unless the newest one of the node has the type already.
    fn open(&mut self, edge_type: u32) -> Result<(), Broken> {
        let first = self.segments.last().map_or(0, |first| *first as usize);
        let is_open = self.types.len() > first && self.types.last() == Some(&edge_type);
        if !is_open {
            self.types.push(edge_type);
            self.starts.push(place(&self.targets)?);
        }
        Ok(())
    }

    fn push(&mut self, entry: &Entry) {
        self.targets.push(entry.neighbor);
        self.edges.push(entry.edge);
        self.note_weight(entry.weight);
    }

    /// Weights are kept from the first on that is not 1.
    fn note_weight(&mut self, weight: f32) {
        if self.weights.is_empty() {
            if weight.to_bits() == 1.0_f32.to_bits() {
                return;
            }
            self.weights = vec![1.0; self.edges.len() - 1];
        }
        self.weights.push(weight);
    }

    fn finish(mut self, seq: Seq) -> Result<Snapshot> {
        // Checks that every number below fits, too.
        let (nodes_count, edges_count) = (number(self.nodes.len())?, number(self.edges.len())?);
        if self.inward != self.edges.len() {
            let detail = format!("{edges_count} edges outward, {} inward", self.inward);
            return Err(Error::corrupt("table adjacency", detail));
        }
        self.segments.push(number(self.types.len())?);
        self.starts.push(edges_count);
        let numbers = Numbers::of(&self.nodes);
        let mut snapshot = Snapshot {
            seq,
            nodes: std::mem::take(&mut self.nodes),
            numbers,
            out: Lists::default(),
            inward: Lists::default(),
            positions: Vec::new(),
            edges: self.edges,
            sums_weights: self.weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0),
            weights: self.weights,
            pool: Pool::default(),
            reach: Pool::default(),
            meetings: Pool::default(),
            between: Pool::default(),
        };
        let mut neighbors = Vec::with_capacity(self.targets.len());
        for target in &self.targets {
            neighbors.push(snapshot.index_of(*target).ok_or_else(|| {
                let place = format!("table adjacency, node {target} (In)");
                Error::corrupt(place, "no list, though an edge leads here")
            })?);
        }
        drop(self.targets);
        let (segments, types, starts) = (self.segments, self.types, self.starts);
        let offsets = segments.iter().map(|segment| starts[*segment as usize]).collect();
        snapshot.out = Lists { offsets, segments, types, starts, neighbors };
        (snapshot.inward, snapshot.positions) = transpose(&snapshot.out, nodes_count)?;
        Ok(snapshot)
    }
}

/// An inward edge while its list is put in order.
#[derive(Clone, Copy, Default)]
struct Inward {
    edge_type: u32,
    source: u32,
    position: u32,
}

/// The inward lists, and the outward position of each of their edges.
fn transpose(out: &Lists, nodes_count: u32) -> Result<(Lists, Vec<u32>)> {
    let (mut places, mut edges) = spread(out, nodes_count);
    let mut lists = Lists { neighbors: Vec::with_capacity(edges.len()), ..Lists::default() };
    let mut positions = Vec::with_capacity(edges.len());
    // Filling has moved each node's place to its end, where the next node starts.
    let mut start = 0;
    for end in places.drain(..) {
        let list = &mut edges[start..end as usize];
        // Sources ascend already; that is the order within a type.
        if !list.is_sorted_by_key(|edge| edge.edge_type) {
            list.sort_unstable_by_key(|edge| (edge.edge_type, edge.position));
        }
        lists.segments.push(number(lists.types.len())?);
        lists.offsets.push(number(lists.neighbors.len())?);
        for segment in list.chunk_by(|a, b| a.edge_type == b.edge_type) {
            lists.types.extend(segment.first().map(|edge| edge.edge_type));
            lists.starts.push(number(lists.neighbors.len())?);
            lists.neighbors.extend(segment.iter().map(|edge| edge.source));
            positions.extend(segment.iter().map(|edge| edge.position));
        }
        start = end as usize;
    }
    lists.segments.push(number(lists.types.len())?);
    lists.offsets.push(number(lists.neighbors.len())?);
    lists.starts.push(number(lists.neighbors.len())?);
    Ok((lists, positions))
}

/// The edges by target, in the order of their positions, and where the list of each target ends.
fn spread(out: &Lists, nodes_count: u32) -> (Vec<u32>, Vec<Inward>) {
    let mut places = vec![0_u32; nodes_count as usize];
    for target in &out.neighbors {
        places[*target as usize] += 1;
    }
    let mut sum = 0;
    for place in &mut places {
        sum += std::mem::replace(place, sum);
    }
    let mut edges = vec![Inward::default(); out.neighbors.len()];
    let mut position = 0;
    for source in 0..nodes_count {
        let node = source as usize;
        for segment in out.segments[node] as usize..out.segments[node + 1] as usize {
            let edge_type = out.types[segment];
            for target in &out.neighbors[position as usize..out.starts[segment + 1] as usize] {
                let place = &mut places[*target as usize];
                edges[*place as usize] = Inward { edge_type, source, position };
                *place += 1;
                position += 1;
            }
        }
    }
    (places, edges)
}

/// The place behind the last of `items`, for the lists while they are read.
fn place<T>(items: &[T]) -> Result<u32, Broken> {
    u32::try_from(items.len()).map_err(|_| "more than 2^32 edges before it")
}

fn number(count: usize) -> Result<u32> {
    u32::try_from(count).map_err(|_| Error::Limit {
        what: "graph snapshot in nodes or edges".into(),
        max: u32::MAX.into(),
        found: count as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::Kind;
    use crate::storage::testing::MemoryRows;

    #[test]
    fn directions_that_disagree_are_corrupt() {
        let node = |key| NodeId::new(Kind(1), key).unwrap();
        let entry = |neighbor| Entry { edge_type: 0, neighbor, edge: EdgeId::LINK, weight: 1.0 };
        let mut rows = MemoryRows::default();
        adjacency::insert(&mut rows, node(1), Side::Out, entry(node(2))).unwrap();
        let alone = Snapshot::build(&rows, Seq(1)).unwrap_err();
        assert!(matches!(alone, Error::Corrupt { .. }), "{alone}");
        adjacency::insert(&mut rows, node(3), Side::In, entry(node(1))).unwrap();
        let elsewhere = Snapshot::build(&rows, Seq(1)).unwrap_err();
        assert!(elsewhere.to_string().contains("node 1:2"), "{elsewhere}");
    }

    #[test]
    fn no_rows_make_an_empty_snapshot() {
        let snapshot = Snapshot::build(&MemoryRows::default(), Seq(4)).unwrap();
        assert_eq!((snapshot.seq(), snapshot.nodes_count()), (Seq(4), 0));
        assert_eq!(snapshot.edges_count(), 0);
    }
}
