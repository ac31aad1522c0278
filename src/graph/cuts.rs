//! Where a graph comes apart: bridges, articulation points, and the blocks between them.

use std::sync::Arc;

use super::Graph;
use super::algorithm::NONE;
use super::edge::GraphEdge;
use super::snapshot::Snapshot;
use super::undirected::{degree, for_each};
use super::view::Side;
use crate::base::error::Result;
use crate::base::id::NodeId;

/// The weak places of a graph. Made by [`Graph::cuts`].
#[derive(Clone, Debug)]
pub struct Cuts {
    snapshot: Arc<Snapshot>,
    bridges: Vec<GraphEdge>,
    /// The nodes of all blocks, one block after the other.
    members: Vec<u32>,
    /// Where each block ends.
    ends: Vec<usize>,
}

impl Cuts {
    /// The edges without which a part would fall in two, in the order of their sources.
    pub fn bridges(&self) -> &[GraphEdge] {
        &self.bridges
    }

    /// The nodes without which a part would fall apart, ascending.
    pub fn articulation_points(&self) -> Vec<NodeId> {
        let mut nodes = self.members.clone();
        nodes.sort_unstable();
        // It is what several blocks have in common.
        let runs = nodes.chunk_by(|a, b| a == b).filter(|run| run.len() > 1);
        runs.map(|run| self.snapshot.nodes[run[0] as usize]).collect()
    }

    /// The blocks, or biconnected components: the largest parts that no single node holds together;
    /// a bridge with its ends is one. Largest first, of equals that with the smallest nodes; nodes
    /// ascend. An articulation point is in several of them.
    pub fn blocks(&self) -> Vec<Vec<NodeId>> {
        let mut start = 0;
        let blocks = self.ends.iter().map(|end| {
            let members = &self.members[std::mem::replace(&mut start, *end)..*end];
            let mut block: Vec<NodeId> =
                members.iter().map(|node| self.snapshot.nodes[*node as usize]).collect();
            block.sort_unstable();
            block
        });
        let mut blocks: Vec<Vec<NodeId>> = blocks.collect();
        blocks.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        blocks
    }
}

impl Graph {
    /// Finds bridges, articulation points and blocks in one search. Directions are ignored, loops
    /// do not count, and of parallel edges none is a bridge. Counts edges of the named types, of
    /// all types when none is named.
    ///
    /// Linear in nodes and edges (Tarjan 1972; Hopcroft and Tarjan 1973), on a stack of its own.
    /// petgraph's searches are for undirected graphs, one for each question, and its `bridges` for
    /// simple ones: a doubled edge would be a bridge.
    ///
    /// # Errors
    /// As [`Graph::snapshot`]; [`Error::Corrupt`](crate::Error::Corrupt) when a bridge's type has
    /// no name.
    pub fn cuts(&self, edge_types: &[&str]) -> Result<Cuts> {
        let snapshot = self.snapshot()?;
        let incidence = Incidence::of(&snapshot, self.numbers_of(edge_types).as_deref())?;
        let mut search = Search::over(&incidence);
        for node in 0..incidence.len() {
            search.from(node);
        }
        let Search { mut bridges, members, ends, .. } = search;
        bridges.sort_unstable();
        let bridges = bridges.into_iter().map(|(position, a, b)| {
            let leads = snapshot.position_of(a, b, position);
            self.edge_between(&snapshot, position, if leads { (a, b) } else { (b, a) })
        });
        let bridges = bridges.collect::<Result<_>>()?;
        Ok(Cuts { snapshot, bridges, members, ends })
    }
}

impl Snapshot {
    /// Whether the edge at a position leads from `source` to `target`, rather than back.
    fn position_of(&self, source: u32, target: u32, position: u32) -> bool {
        let place = position as usize;
        self.out.range(source).contains(&place) && self.out.neighbors[place] == target
    }
}

/// The edges at every node, by either end, loops apart.
struct Incidence {
    starts: Vec<usize>,
    /// The other end, and the position of the edge.
    edges: Vec<(u32, u32)>,
}

impl Incidence {
    fn of(snapshot: &Snapshot, edge_types: Option<&[u32]>) -> Result<Self> {
        let mut starts = vec![0];
        let mut edges = Vec::new();
        for node in 0..snapshot.nodes.len() as u32 {
            for side in [Side::Out, Side::In] {
                edges.reserve(degree(snapshot, node, side, edge_types)?);
                for_each(snapshot, node, (side, edge_types), |other, position| {
                    if other != node {
                        edges.push((other, position));
                    }
                })?;
            }
            starts.push(edges.len());
        }
        Ok(Self { starts, edges })
    }

    fn len(&self) -> u32 {
        self.starts.len() as u32 - 1
    }
}

/// A node on the way from the root.
struct Frame {
    node: u32,
    /// The edge that it was entered by.
    via: u32,
    next: usize,
}

struct Search<'a> {
    incidence: &'a Incidence,
    /// Order of discovery from 1 on; 0 is new.
    found: Vec<u32>,
    /// The earliest node that the node and those found from it have an edge to.
    low: Vec<u32>,
    count: u32,
    way: Vec<Frame>,
    /// Nodes that are in no block yet with those found after them.
    open: Vec<u32>,
    /// The position of each bridge, and its ends.
    bridges: Vec<(u32, u32, u32)>,
    members: Vec<u32>,
    ends: Vec<usize>,
}

impl<'a> Search<'a> {
    fn over(incidence: &'a Incidence) -> Self {
        let count = incidence.len() as usize;
        Self {
            incidence,
            found: vec![0; count],
            low: vec![0; count],
            count: 0,
            way: Vec::new(),
            open: Vec::new(),
            bridges: Vec::new(),
            members: Vec::new(),
            ends: Vec::new(),
        }
    }

    fn from(&mut self, root: u32) {
        if self.found[root as usize] != 0 {
            return;
        }
        self.enter(root, NONE);
        while let Some(frame) = self.way.last_mut() {
            let node = frame.node;
            if frame.next == self.incidence.starts[node as usize + 1] {
                let via = frame.via;
                self.way.pop();
                self.leave(node, via);
                continue;
            }
            let (other, position) = self.incidence.edges[frame.next];
            frame.next += 1;
            // Of parallel edges only the one that was followed leads nowhere new.
            if position == frame.via {
                continue;
            }
            match self.found[other as usize] {
                0 => self.enter(other, position),
                found => self.lower(node, found),
            }
        }
        self.open.clear();
    }

    fn enter(&mut self, node: u32, via: u32) {
        self.count += 1;
        self.found[node as usize] = self.count;
        self.low[node as usize] = self.count;
        self.open.push(node);
        self.way.push(Frame { node, via, next: self.incidence.starts[node as usize] });
    }

    fn lower(&mut self, node: u32, found: u32) {
        let low = &mut self.low[node as usize];
        *low = found.min(*low);
    }

    fn leave(&mut self, node: u32, via: u32) {
        let Some(Frame { node: above, .. }) = self.way.last() else { return };
        let above = *above;
        let low = self.low[node as usize];
        self.lower(above, low);
        if low < self.found[above as usize] {
            return;
        }
        if low > self.found[above as usize] {
            self.bridges.push((via, above, node));
        }
        while let Some(member) = self.open.pop() {
            self.members.push(member);
            if member == node {
                break;
            }
        }
        self.members.push(above);
        self.ends.push(self.members.len());
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Arrow, Model, node};
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// How many parts the nodes form with those edges.
    fn parts(nodes: &BTreeSet<NodeId>, edges: &[Arrow]) -> usize {
        let mut labels: BTreeMap<NodeId, NodeId> = nodes.iter().map(|id| (*id, *id)).collect();
        for edge in edges {
            if let (Some(a), Some(b)) = (labels.get(&edge.source), labels.get(&edge.target)) {
                let (a, b) = (*a, *b);
                labels.values_mut().filter(|label| **label == b).for_each(|label| *label = a);
            }
        }
        labels.values().collect::<BTreeSet<_>>().len()
    }

    fn without(nodes: &BTreeSet<NodeId>, gone: NodeId) -> BTreeSet<NodeId> {
        nodes.iter().copied().filter(|id| *id != gone).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn cuts_are_what_taking_away_shows(model in Model::any(12, 16), typed: bool) {
            let graph = model.graph();
            let (part, types): (_, &[&str]) =
                if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
            let found = graph.cuts(types).unwrap();
            let nodes = part.nodes();
            let whole = parts(&nodes, &part.edges);
            let mut bridges = Vec::new();
            for place in 0..part.edges.len() {
                let mut edges = part.edges.clone();
                let edge = edges.remove(place);
                if parts(&nodes, &edges) > whole {
                    bridges.push((edge.source, edge.target, edge.id, edge.weight.to_bits()));
                }
            }
            let told: Vec<_> = (found.bridges().iter())
                .map(|edge| (edge.source, edge.target, edge.edge, edge.weight.to_bits()))
                .collect();
            prop_assert_eq!(told, bridges);
            let splits = |id: &NodeId| {
                let rest = without(&nodes, *id);
                let alone = part.edges.iter().all(|edge| {
                    (edge.source == *id) == (edge.target == *id)
                });
                !alone && parts(&rest, &part.edges) > whole
            };
            let expected: Vec<NodeId> = nodes.iter().copied().filter(splits).collect();
            prop_assert_eq!(found.articulation_points(), expected);
            check_blocks(&found.blocks(), &part)?;
        }
    }

    /// Every edge that is no loop is in one block; no node of a block holds it together; a node
    /// that two blocks share is all that they share.
    fn check_blocks(blocks: &[Vec<NodeId>], model: &Model) -> Result<(), TestCaseError> {
        for edge in model.edges.iter().filter(|edge| edge.source != edge.target) {
            let holds =
                |block: &&Vec<NodeId>| block.contains(&edge.source) && block.contains(&edge.target);
            prop_assert_eq!(blocks.iter().filter(holds).count(), 1);
        }
        for block in blocks {
            let inside: BTreeSet<NodeId> = block.iter().copied().collect();
            prop_assert!(inside.len() == block.len() && block.len() > 1);
            prop_assert_eq!(parts(&inside, &model.edges), 1);
            for gone in block {
                prop_assert_eq!(parts(&without(&inside, *gone), &model.edges), 1);
            }
            let shares =
                |other: &&Vec<NodeId>| other.iter().filter(|id| inside.contains(id)).count() > 1;
            prop_assert_eq!(blocks.iter().filter(shares).count(), 1, "itself only");
        }
        prop_assert!(blocks.is_sorted_by_key(|block| std::cmp::Reverse(block.len())));
        Ok(())
    }

    #[test]
    fn a_doubled_edge_is_no_bridge_and_a_long_chain_needs_no_deep_stack() {
        let mut edges: Vec<(u64, u64)> = (0..40_000).map(|number| (number, number + 1)).collect();
        edges.extend([(7, 6), (9, 9)]);
        let cuts = Model::of(&edges).graph().cuts(&[]).unwrap();
        assert_eq!(cuts.bridges().len(), 39_999);
        assert!(cuts.bridges().iter().all(|edge| edge.source != node(6)));
        assert_eq!(cuts.articulation_points().len(), 39_999);
        assert_eq!(cuts.blocks().len(), 40_000);
    }
}
