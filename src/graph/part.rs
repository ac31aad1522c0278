//! The part of a snapshot that edges of some types form, as plain rows for whole-graph algorithms.
//!
//! Only nodes with such an edge are in it; they are numbered anew where others are left out, in the
//! same order. Rows come as they are (parallel edges each), or simple: sorted, one entry for each
//! neighbour.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

use super::snapshot::Snapshot;
use super::{Direction, GraphView as _};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;

/// Number of a node that is not in the part.
const NONE: u32 = u32::MAX;

/// The nodes that edges of some types touch.
pub(super) struct Part<'a> {
    snapshot: &'a Snapshot,
    /// `None` means all.
    edge_types: Option<Vec<u32>>,
    /// `None` when every node is in it.
    chosen: Option<Chosen>,
}

struct Chosen {
    /// Number in the part -> dense number.
    nodes: Vec<u32>,
    /// Dense number -> number in the part.
    numbers: Vec<u32>,
}

impl<'a> Part<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, edge_types: Option<Vec<u32>>) -> Self {
        let all = Self { snapshot, edge_types, chosen: None };
        let dense = 0..snapshot.node_bound() as u32;
        if dense.clone().all(|node| all.touches(node)) {
            return all;
        }
        let nodes: Vec<u32> = dense.clone().filter(|node| all.touches(*node)).collect();
        let mut numbers = vec![NONE; dense.len()];
        for (number, node) in (0..).zip(&nodes) {
            numbers[*node as usize] = number;
        }
        Self { chosen: Some(Chosen { nodes, numbers }), ..all }
    }

    fn touches(&self, node: u32) -> bool {
        Direction::Both.sides().iter().any(|side| match &self.edge_types {
            None => !self.snapshot.neighbors_of(node, *side).is_empty(),
            Some(types) => types.iter().any(|edge_type| {
                !self.snapshot.neighbors_of_type(node, *side, *edge_type).is_empty()
            }),
        })
    }

    pub(super) fn count(&self) -> usize {
        self.chosen.as_ref().map_or(self.snapshot.node_bound(), |chosen| chosen.nodes.len())
    }

    pub(super) fn number(&self, node: NodeId) -> Option<u32> {
        let dense = self.snapshot.index_of(node)?;
        let Some(chosen) = &self.chosen else { return Some(dense) };
        chosen.numbers.get(dense as usize).copied().filter(|number| *number != NONE)
    }

    pub(super) fn id(&self, number: u32) -> NodeId {
        self.snapshot.id(self.dense(number))
    }

    fn dense(&self, number: u32) -> u32 {
        self.chosen.as_ref().map_or(number, |chosen| chosen.nodes[number as usize])
    }

    /// Values by number in the part -> values by dense number, NaN for the nodes outside.
    pub(super) fn spread(&self, values: Vec<f64>) -> Vec<f64> {
        let Some(chosen) = &self.chosen else { return values };
        let mut spread = vec![f64::NAN; chosen.numbers.len()];
        for (node, value) in chosen.nodes.iter().zip(values) {
            spread[*node as usize] = value;
        }
        spread
    }

    /// The neighbours of every node, parallel edges each.
    pub(super) fn rows(&self, direction: Direction) -> Rows<'a> {
        if let ([side], None, None) = (direction.sides(), &self.edge_types, &self.chosen) {
            let lists = self.snapshot.lists(*side);
            let first = |node| lists.range(node).start;
            let mut offsets: Vec<usize> = (0..self.count() as u32).map(first).collect();
            offsets.push(lists.neighbors.len());
            return Rows { offsets, neighbors: Cow::Borrowed(&lists.neighbors), weights: None };
        }
        let mut rows = Rows::with_capacity(self.count());
        for number in 0..self.count() as u32 {
            self.each_list(number, direction, |neighbors| {
                let neighbors = neighbors.iter().map(|node| self.inner(*node));
                rows.neighbors.to_mut().extend(neighbors);
            });
            rows.offsets.push(rows.neighbors.len());
        }
        rows
    }

    fn each_list(&self, number: u32, direction: Direction, mut visit: impl FnMut(&[u32])) {
        let node = self.dense(number);
        for side in direction.sides() {
            let Some(types) = &self.edge_types else {
                visit(self.snapshot.neighbors_of(node, *side));
                continue;
            };
            for edge_type in types {
                visit(self.snapshot.neighbors_of_type(node, *side, *edge_type));
            }
        }
    }

    fn inner(&self, dense: u32) -> u32 {
        self.chosen.as_ref().map_or(dense, |chosen| chosen.numbers[dense as usize])
    }

    /// How many edges each node has.
    pub(super) fn degrees(&self, direction: Direction) -> Vec<f64> {
        let degree = |number| {
            let mut sum = 0;
            self.each_list(number, direction, |neighbors| sum += neighbors.len());
            sum as f64
        };
        (0..self.count() as u32).map(degree).collect()
    }

    /// As [`Part::rows`], with the weight of each edge.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a weight that is negative or not finite.
    pub(super) fn weighted_rows(&self, direction: Direction) -> Result<Rows<'a>> {
        let mut rows = Rows::with_capacity(self.count());
        let mut weights: Vec<f32> = Vec::new();
        let types: Vec<Option<u32>> = match &self.edge_types {
            None => vec![None],
            Some(types) => types.iter().copied().map(Some).collect(),
        };
        for number in 0..self.count() as u32 {
            let node = self.dense(number);
            for side in direction.sides() {
                for edge_type in &types {
                    let flow = self.snapshot.for_each(node, *side, *edge_type, |hop| {
                        rows.neighbors.to_mut().push(self.inner(hop.node));
                        weights.push(self.snapshot.edge(hop.via).1);
                        ControlFlow::Continue(())
                    })?;
                    debug_assert!(flow.is_continue(), "nothing here stops early");
                }
            }
            rows.offsets.push(rows.neighbors.len());
        }
        if let Some(odd) = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
            let reason = format!("{odd} on an edge is negative or not finite");
            return Err(Error::invalid("weight", reason));
        }
        rows.weights = Some(weights);
        Ok(rows)
    }

    /// As [`Part::weighted_rows`] or [`Part::rows`].
    ///
    /// # Errors
    /// As [`Part::weighted_rows`].
    pub(super) fn rows_by(&self, weighted: bool, direction: Direction) -> Result<Rows<'a>> {
        if weighted { self.weighted_rows(direction) } else { Ok(self.rows(direction)) }
    }
}

/// Whether an edge from a node to itself counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loops {
    Keep,
    Drop,
}

/// The neighbours of every node.
pub(super) struct Rows<'a> {
    /// Node -> its first neighbour; one more at the end.
    pub(super) offsets: Vec<usize>,
    neighbors: Cow<'a, [u32]>,
    /// By place; `None` when edges only count.
    weights: Option<Vec<f32>>,
}

impl Rows<'_> {
    fn with_capacity(nodes: usize) -> Self {
        let mut offsets = Vec::with_capacity(nodes + 1);
        offsets.push(0);
        Self { offsets, neighbors: Cow::Owned(Vec::new()), weights: None }
    }

    pub(super) fn count(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The places of a node's neighbours.
    pub(super) fn range(&self, node: u32) -> Range<usize> {
        self.offsets[node as usize]..self.offsets[node as usize + 1]
    }

    pub(super) fn of(&self, node: u32) -> &[u32] {
        &self.neighbors[self.range(node)]
    }

    /// The weights of [`Rows::of`]; empty when edges only count.
    pub(super) fn weights_of(&self, node: u32) -> &[f32] {
        self.weights.as_ref().map_or(&[], |weights| &weights[self.range(node)])
    }

    /// The neighbours with their weights; 1 when edges only count.
    pub(super) fn weighted_of(&self, node: u32) -> impl Iterator<Item = (u32, f64)> {
        let weights = self.weights_of(node);
        let neighbors = self.of(node).iter().enumerate();
        neighbors.map(|(place, other)| (*other, weights.get(place).map_or(1.0, |w| f64::from(*w))))
    }

    pub(super) fn has_weights(&self) -> bool {
        self.weights.is_some()
    }

    pub(super) fn degree(&self, node: u32) -> usize {
        self.range(node).len()
    }

    /// The sum of the weights of a node's edges; their number when edges only count.
    pub(super) fn strength(&self, node: u32) -> f64 {
        match &self.weights {
            None => self.degree(node) as f64,
            Some(weights) => weights[self.range(node)].iter().map(|w| f64::from(*w)).sum(),
        }
    }

    /// Hands what arrives at each node of a run to `take`, in order, when each neighbour sends its
    /// share times the weight of the edge. The inner loop of everything that goes in rounds.
    #[inline]
    pub(super) fn each_arriving(
        &self,
        run: Range<usize>,
        shares: &[f64],
        mut take: impl FnMut(f64),
    ) {
        let neighbors: &[u32] = &self.neighbors;
        let rows = self.offsets[run.start..=run.end].windows(2).map(|ends| ends[0]..ends[1]);
        let Some(weights) = &self.weights else {
            for row in rows {
                let sources = neighbors[row].iter();
                take(sources.fold(0.0, |sum, source| sum + shares[*source as usize]));
            }
            return;
        };
        for row in rows {
            let weighted = neighbors[row.clone()].iter().zip(&weights[row]);
            take(weighted.fold(0.0, |sum, (source, weight)| {
                sum + shares[*source as usize] * f64::from(*weight)
            }));
        }
    }

    /// Whether an edge leads from one node to another. Only for sorted rows.
    pub(super) fn leads_to(&self, node: u32, other: u32) -> bool {
        self.of(node).binary_search(&other).is_ok()
    }

    /// The same with each row sorted by neighbour; parallel edges keep their order.
    pub(super) fn sorted(self) -> Self {
        if (0..self.count() as u32).all(|node| self.of(node).is_sorted()) {
            return self;
        }
        let Self { offsets, neighbors, weights } = self;
        let mut neighbors = neighbors.into_owned();
        let mut sorted_weights = weights.clone();
        for ends in offsets.windows(2) {
            let row = &mut neighbors[ends[0]..ends[1]];
            let (Some(sorted), Some(weights)) = (&mut sorted_weights, &weights) else {
                row.sort_unstable();
                continue;
            };
            let mut pairs: Vec<(u32, f32)> =
                row.iter().copied().zip(weights[ends[0]..ends[1]].iter().copied()).collect();
            pairs.sort_by_key(|(node, _)| *node);
            for ((node, weight), place) in pairs.into_iter().zip(ends[0]..) {
                row[place - ends[0]] = node;
                sorted[place] = weight;
            }
        }
        Self { offsets, neighbors: Cow::Owned(neighbors), weights: sorted_weights }
    }

    /// The same with one entry for each neighbour, the lightest of parallel edges, sorted.
    pub(super) fn simple(self, loops: Loops) -> Self {
        let sorted = self.sorted();
        let mut simple = Self::with_capacity(sorted.count());
        let mut neighbors: Vec<u32> = Vec::with_capacity(sorted.neighbors.len());
        let mut weights = sorted.weights.is_some().then(Vec::new);
        for node in 0..sorted.count() as u32 {
            let first = neighbors.len();
            for place in sorted.range(node) {
                let other = sorted.neighbors[place];
                if loops == Loops::Drop && other == node {
                    continue;
                }
                let known = neighbors.len() > first && neighbors.last() == Some(&other);
                if !known {
                    neighbors.push(other);
                }
                let Some((kept, all)) = weights.as_mut().zip(sorted.weights.as_ref()) else {
                    continue;
                };
                match kept.last_mut().filter(|_| known) {
                    Some(least) => *least = all[place].min(*least),
                    None => kept.push(all[place]),
                }
            }
            simple.offsets.push(neighbors.len());
        }
        Self { offsets: simple.offsets, neighbors: Cow::Owned(neighbors), weights }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Model;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Listed = Vec<(NodeId, f32)>;

    fn listed(part: &Part<'_>, rows: &Rows<'_>) -> BTreeMap<NodeId, Listed> {
        let row = |number| {
            let row = rows.weighted_of(number).map(|(node, weight)| (part.id(node), weight as f32));
            (part.id(number), row.collect())
        };
        (0..part.count() as u32).map(row).collect()
    }

    fn sorted(mut edges: Listed) -> Listed {
        edges.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        edges
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn rows_hold_the_edges_of_the_types(
            model in Model::any(9, 30),
            types in prop::option::of(prop::sample::subsequence(vec![0_u32, 1, 2], 0..3)),
        ) {
            let snapshot = model.snapshot();
            let part = Part::of(&snapshot, types.clone());
            let counts = |number: &u32| types.as_ref().is_none_or(|types| types.contains(number));
            let edges = model.edges.iter().filter(|edge| counts(&edge.edge_type));
            let kept = Model { edges: edges.copied().collect() };
            let nodes: Vec<NodeId> = kept.nodes().into_iter().collect();
            prop_assert_eq!(nodes.len(), part.count());
            for direction in [Direction::Out, Direction::In, Direction::Both] {
                let mut expected: BTreeMap<NodeId, Listed> =
                    nodes.iter().map(|node| (*node, Vec::new())).collect();
                for edge in &kept.edges {
                    for side in direction.sides() {
                        let (own, other) = match side {
                            super::super::view::Side::Out => (edge.source, edge.target),
                            super::super::view::Side::In => (edge.target, edge.source),
                        };
                        expected.get_mut(&own).unwrap().push((other, edge.weight));
                    }
                }
                let weighted = part.weighted_rows(direction).unwrap();
                let plain = part.rows(direction);
                for number in 0..part.count() as u32 {
                    prop_assert_eq!(plain.of(number), weighted.of(number));
                }
                let found = listed(&part, &weighted);
                for (node, edges) in &expected {
                    prop_assert_eq!(sorted(found[node].clone()), sorted(edges.clone()));
                }
                let simple = listed(&part, &weighted.simple(Loops::Drop));
                let bare = listed(&part, &plain.simple(Loops::Keep));
                for (node, edges) in expected {
                    let mut edges = sorted(edges);
                    edges.dedup_by_key(|(other, _)| *other);
                    let ones: Listed = edges.iter().map(|(other, _)| (*other, 1.0)).collect();
                    prop_assert_eq!(&bare[&node], &ones);
                    edges.retain(|(other, _)| *other != node);
                    prop_assert_eq!(&simple[&node], &edges);
                }
            }
            for (number, node) in (0..).zip(&nodes) {
                prop_assert_eq!(part.number(*node), Some(number));
            }
            let values = part.spread((0..part.count()).map(|value| value as f64).collect());
            for node in model.nodes() {
                let value = values[snapshot.index_of(node).unwrap() as usize];
                let expected = nodes.binary_search(&node).ok().map(|place| place as f64);
                prop_assert_eq!((!value.is_nan()).then_some(value), expected);
                prop_assert_eq!(part.number(node).is_some(), expected.is_some());
            }
        }
    }

    #[test]
    fn weights_that_make_no_sense_are_refused() {
        for weight in [-1.0, f32::NAN, f32::INFINITY] {
            let mut model = Model::of(&[(0, 1), (1, 2)]);
            model.edges[1].weight = weight;
            let snapshot = model.snapshot();
            let found = Part::of(&snapshot, None).weighted_rows(Direction::Out);
            assert!(matches!(found, Err(Error::Invalid { .. })), "{weight}");
        }
    }
}
