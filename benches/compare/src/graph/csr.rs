//! Plain arrays in memory: compressed sparse rows of both directions, neighbours sorted by type
//! and node, so that one type of a node is one slice. The limit of every traversal.

use std::path::Path;

use super::walk::{Adjacent, Scratch, hops, reach};
use super::{Scores, Sizes, Walk, Whole, csr_whole, key};
use crate::Outcome;
use crate::rmat::{Edge, KINDS, Rmat};

/// The kind byte of the first own type, as the ids of engraph have it.
const KIND: u64 = 128;
const NONE: u32 = u32::MAX;

/// One direction.
#[derive(Debug, Default)]
pub struct Rows {
    /// Four a node: where the edges of a type begin; one more at the end.
    pub starts: Vec<u32>,
    /// The other end of each edge.
    pub others: Vec<u32>,
    /// The weight of each edge.
    pub weights: Vec<f32>,
    /// The number of each edge; kept on the outward side only.
    pub edges: Vec<u64>,
}

impl Rows {
    /// Edges are (this end, other end, edge).
    fn of(nodes: usize, mut edges: Vec<(u32, u32, u32)>, graph: &Rmat, ids: bool) -> Self {
        let kind = |edge: u32| graph.edges[edge as usize].kind;
        edges.sort_unstable_by_key(|(own, other, edge)| (*own, kind(*edge), *other, *edge));
        let mut starts = vec![0_u32; nodes * usize::from(KINDS) + 1];
        for (own, _, edge) in &edges {
            starts[*own as usize * usize::from(KINDS) + usize::from(kind(*edge)) + 1] += 1;
        }
        for slot in 1..starts.len() {
            starts[slot] += starts[slot - 1];
        }
        let weight = |edge: u32| graph.edges[edge as usize].weight;
        Self {
            starts,
            others: edges.iter().map(|(_, other, _)| *other).collect(),
            weights: edges.iter().map(|(_, _, edge)| weight(*edge)).collect(),
            edges: edges.iter().filter(|_| ids).map(|(_, _, edge)| u64::from(*edge)).collect(),
        }
    }

    /// The places of a node's edges.
    pub fn range(&self, node: u32, kind: Option<u8>) -> std::ops::Range<usize> {
        let first = node as usize * usize::from(KINDS);
        let (from, to) = match kind {
            Some(kind) => (first + usize::from(kind), first + usize::from(kind) + 1),
            None => (first, first + usize::from(KINDS)),
        };
        self.starts[from] as usize..self.starts[to] as usize
    }

    /// The other ends of a node's edges.
    pub fn of_node(&self, node: u32) -> &[u32] {
        &self.others[self.range(node, None)]
    }

    fn bytes(&self) -> usize {
        4 * (self.starts.len() + self.others.len() + self.weights.len()) + 8 * self.edges.len()
    }
}

/// The arrays, over the nodes that have an edge.
#[derive(Debug)]
pub struct Csr {
    /// Dense number -> id.
    pub ids: Vec<u64>,
    /// Node -> dense number.
    numbers: Vec<u32>,
    /// Outwards.
    pub out: Rows,
    /// Inwards.
    pub inward: Rows,
    scratch: Scratch,
    costs: csr_whole::Costs,
}

impl Csr {
    /// The arrays of a graph.
    pub fn of(graph: &Rmat) -> Self {
        let touched = graph.touched();
        let mut numbers = vec![NONE; graph.nodes as usize];
        for (number, node) in (0..).zip(&touched) {
            numbers[*node as usize] = number;
        }
        let ends = |edge: &Edge| (numbers[edge.source as usize], numbers[edge.target as usize]);
        let along =
            (0..).zip(&graph.edges).map(|(place, edge)| (ends(edge).0, ends(edge).1, place));
        let out = Rows::of(touched.len(), along.collect(), graph, true);
        let against =
            (0..).zip(&graph.edges).map(|(place, edge)| (ends(edge).1, ends(edge).0, place));
        let inward = Rows::of(touched.len(), against.collect(), graph, false);
        let ids = touched.iter().map(|node| KIND << 56 | key(*node)).collect();
        Self { ids, numbers, out, inward, scratch: Scratch::default(), costs: Default::default() }
    }

    /// The dense number of a node.
    pub fn number(&self, node: u32) -> u32 {
        self.numbers[node as usize]
    }

    /// Numbers by dense number, to be told by id.
    fn told(&self, scores: Vec<f64>) -> Scores {
        let ids = self.ids.clone();
        Box::new(move |take| {
            ids.iter().zip(&scores).for_each(|(id, score)| take(*id, *score));
        })
    }
}

/// The sizes of the parts that labels below their count name.
fn sizes_of(labels: Vec<u32>) -> Sizes {
    Box::new(move || {
        let mut sizes = vec![0; labels.len()];
        labels.iter().for_each(|label| sizes[*label as usize] += 1);
        sizes.retain(|size| *size > 0);
        sizes
    })
}

impl Adjacent for Csr {
    fn bound(&self) -> usize {
        self.ids.len()
    }

    fn id(&self, node: u32) -> u64 {
        self.ids[node as usize]
    }

    fn each(
        &self,
        node: u32,
        backward: bool,
        kind: Option<u8>,
        mut visit: impl FnMut(u32),
    ) -> Outcome {
        let rows = if backward { &self.inward } else { &self.out };
        for other in &rows.others[rows.range(node, kind)] {
            visit(*other);
        }
        Ok(())
    }
}

impl Walk for Csr {
    fn reach(&mut self, from: u32, hops: usize, kind: Option<u8>, into: &mut Vec<u64>) -> Outcome {
        let mut scratch = std::mem::take(&mut self.scratch);
        let from = self.number(from);
        // A node whose only edges come later is no node of the arrays.
        if from != NONE {
            reach(self, &mut scratch, (from, hops), kind, into)?;
        }
        self.scratch = scratch;
        Ok(())
    }

    fn hops(&mut self, (from, to): (u32, u32)) -> Outcome<u64> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let found = hops(self, &mut scratch, (self.number(from), self.number(to)));
        self.scratch = scratch;
        found
    }
}

impl Whole for Csr {
    fn build(_folder: &Path, graph: &Rmat) -> Outcome<Self> {
        Ok(Self::of(graph))
    }

    fn memory(&self) -> Outcome<Option<u64>> {
        let nodes = 8 * self.ids.len() + 4 * self.numbers.len();
        Ok(Some((nodes + self.out.bytes() + self.inward.bytes()) as u64))
    }

    /// The limit of a delta is to have none.
    fn add(self, _edges: &[Edge], all: &Rmat) -> Outcome<Option<Self>> {
        Ok(Some(Self::of(all)))
    }

    fn cheapest(&mut self, (from, to): (u32, u32)) -> Outcome<Option<f64>> {
        let mut costs = std::mem::take(&mut self.costs);
        let found = costs.cheapest(self, self.number(from), self.number(to));
        self.costs = costs;
        Ok(Some(found))
    }

    fn distances(&mut self, from: u32) -> Outcome<Option<Scores>> {
        let costs = csr_whole::distances(self, self.number(from));
        let ids = self.ids.clone();
        Ok(Some(Box::new(move |take| {
            let reached = ids.iter().zip(&costs).filter(|(_, cost)| cost.is_finite());
            reached.for_each(|(id, cost)| take(*id, *cost));
        })))
    }

    fn page_rank(&mut self, threads: usize) -> Outcome<Option<Scores>> {
        Ok(Some(self.told(csr_whole::page_rank(self, None, threads))))
    }

    fn personal_rank(&mut self, seed: u32) -> Outcome<Option<Scores>> {
        Ok(Some(self.told(csr_whole::page_rank(self, Some(self.number(seed)), 1))))
    }

    fn weak_parts(&mut self) -> Outcome<Option<Sizes>> {
        Ok(Some(sizes_of(csr_whole::weak_parts(self))))
    }

    fn strong_parts(&mut self) -> Outcome<Option<Sizes>> {
        Ok(Some(sizes_of(csr_whole::strong_parts(self))))
    }

    fn triangles(&mut self) -> Outcome<Option<u64>> {
        Ok(Some(csr_whole::triangles(self)))
    }

    fn betweenness(&mut self, sources: &[u32]) -> Outcome<Option<Scores>> {
        let sources: Vec<u32> = sources.iter().map(|node| self.number(*node)).collect();
        Ok(Some(self.told(csr_whole::betweenness(self, &sources))))
    }
}
