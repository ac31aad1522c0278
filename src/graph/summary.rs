//! What a graph is made of: counts by type, and how edges are spread over nodes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::snapshot::Snapshot;
use super::view::Side;
use super::{Graph, GraphView as _, name_of};
use crate::base::error::Result;
use crate::base::id::{EdgeId, NodeId};

/// How many edges of one type there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TypeCount {
    /// The name of the type.
    pub edge_type: String,
    /// Its edges, links included.
    pub edges: usize,
}

/// How many nodes have a degree in one range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DegreeRange {
    /// The least degree of the range.
    pub least: usize,
    /// The greatest degree of the range.
    pub most: usize,
    /// Nodes with so many outward edges.
    pub nodes_out: usize,
    /// Nodes with so many inward edges.
    pub nodes_in: usize,
    /// Nodes with so many edges in both directions together.
    pub nodes: usize,
}

/// What a graph is made of. Made by [`Graph::summary`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// Nodes with an edge.
    pub nodes: usize,
    /// Edges of every sort.
    pub edges: usize,
    /// Of these, edges that were made by themselves.
    pub own_edges: usize,
    /// Of these, edges that records state.
    pub stated_edges: usize,
    /// Of these, links.
    pub links: usize,
    /// Of these, edges from a node to itself.
    pub self_loops: usize,
    /// Counts by type, most edges first, of equals by name.
    pub types: Vec<TypeCount>,
    /// Degrees in ranges that double: 0, 1, 2 to 3, 4 to 7 and so on, up to the greatest degree.
    pub degrees: Vec<DegreeRange>,
    /// The node with most edges in both directions, and how many; of equals the smallest node.
    pub largest: Option<(NodeId, usize)>,
}

impl Graph {
    /// Counts nodes, edges by type, and degrees. Linear in nodes and edges.
    ///
    /// # Errors
    /// As [`Graph::snapshot`].
    pub fn summary(&self) -> Result<Summary> {
        let snapshot = self.snapshot()?;
        let is_link = |edge: &&EdgeId| edge.is_link();
        let links = snapshot.edges.iter().filter(is_link).count();
        let is_stated = |edge: &&EdgeId| edge.stated_by().is_some();
        let stated_edges = snapshot.edges.iter().filter(is_stated).count();
        let (degrees, largest) = degrees(&snapshot)?;
        Ok(Summary {
            nodes: snapshot.nodes.len(),
            edges: snapshot.edges.len(),
            own_edges: snapshot.edges.len() - links - stated_edges,
            stated_edges,
            links,
            self_loops: self_loops(&snapshot),
            types: self.types(&snapshot)?,
            degrees,
            largest,
        })
    }

    fn types(&self, snapshot: &Snapshot) -> Result<Vec<TypeCount>> {
        let lists = snapshot.lists(Side::Out);
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for (edge_type, places) in lists.types.iter().zip(lists.starts.windows(2)) {
            *counts.entry(*edge_type).or_default() += (places[1] - places[0]) as usize;
        }
        let named = counts.into_iter().map(|(number, edges)| {
            Ok(TypeCount { edge_type: name_of(&*self.names, number)?.to_string(), edges })
        });
        let mut types: Vec<TypeCount> = named.collect::<Result<_>>()?;
        types.sort_by(|a, b| b.edges.cmp(&a.edges).then_with(|| a.edge_type.cmp(&b.edge_type)));
        Ok(types)
    }
}

fn self_loops(snapshot: &Snapshot) -> usize {
    let numbers = (0..).take(snapshot.nodes.len());
    numbers
        .map(|node: u32| {
            snapshot.neighbors_of(node, Side::Out).iter().filter(|other| **other == node).count()
        })
        .sum()
}

/// The ranges, and the node with most edges.
type Degrees = (Vec<DegreeRange>, Option<(NodeId, usize)>);

/// The range of a degree: 0, 1, 2 to 3, 4 to 7 and so on.
fn range_of(degree: usize) -> usize {
    degree.checked_ilog2().map_or(0, |log| log as usize + 1)
}

fn degrees(snapshot: &Snapshot) -> Result<Degrees> {
    let mut ranges: Vec<DegreeRange> = Vec::new();
    let mut largest: Option<(NodeId, usize)> = None;
    for (number, node) in (0..).zip(&snapshot.nodes) {
        let out = snapshot.degree(number, Side::Out, None)?;
        let inward = snapshot.degree(number, Side::In, None)?;
        let both = out + inward;
        while ranges.len() <= range_of(both) {
            let least = (1 << ranges.len()) >> 1;
            let most = ((1 << ranges.len()) - 1).max(least);
            ranges.push(DegreeRange { least, most, nodes_out: 0, nodes_in: 0, nodes: 0 });
        }
        ranges[range_of(out)].nodes_out += 1;
        ranges[range_of(inward)].nodes_in += 1;
        ranges[range_of(both)].nodes += 1;
        if largest.is_none_or(|(_, most)| both > most) {
            largest = Some((*node, both));
        }
    }
    Ok((ranges, largest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::model::{Model, node};
    use super::*;

    proptest! {
        #[test]
        fn a_summary_counts_what_the_edges_say(model in Model::any(10, 40)) {
            let found = model.graph().summary().unwrap();
            prop_assert_eq!(found.nodes, model.nodes().len());
            prop_assert_eq!(found.edges, model.edges.len());
            prop_assert_eq!(found.links, model.edges.iter().filter(|e| e.id.is_link()).count());
            prop_assert_eq!(found.own_edges + found.links, found.edges);
            let loops = model.edges.iter().filter(|edge| edge.source == edge.target).count();
            prop_assert_eq!(found.self_loops, loops);
            for count in &found.types {
                let number: u32 = count.edge_type[1..].parse().unwrap();
                let of_type = model.edges.iter().filter(|edge| edge.edge_type == number).count();
                prop_assert_eq!(count.edges, of_type);
            }
            for range in &found.degrees {
                let holds = |degree: usize| (range.least..=range.most).contains(&degree);
                let degree = |id, out: bool| {
                    let end = |e: &&super::super::model::Arrow| {
                        (if out { e.source } else { e.target }) == id
                    };
                    model.edges.iter().filter(end).count()
                };
                let nodes = model.nodes();
                let count = |of: &dyn Fn(NodeId) -> usize| {
                    nodes.iter().filter(|id| holds(of(**id))).count()
                };
                prop_assert_eq!(range.nodes_out, count(&|id| degree(id, true)));
                prop_assert_eq!(range.nodes_in, count(&|id| degree(id, false)));
                prop_assert_eq!(range.nodes, count(&|id| degree(id, true) + degree(id, false)));
            }
            let sum: usize = found.degrees.iter().map(|range| range.nodes).sum();
            prop_assert_eq!(sum, found.nodes);
        }
    }

    #[test]
    fn the_largest_node_and_stated_edges_are_told() {
        let mut model = Model::of(&[(0, 1), (0, 2), (3, 0), (4, 5)]);
        model.edges[3].id = EdgeId::from_u64(node(9).as_u64());
        let found = model.graph().summary().unwrap();
        assert_eq!(found.largest, Some((node(0), 3)));
        assert_eq!((found.stated_edges, found.own_edges), (1, 3));
        let ranges: Vec<_> = found.degrees.iter().map(|range| (range.least, range.most)).collect();
        assert_eq!(ranges, [(0, 0), (1, 1), (2, 3)]);
    }
}
