//! The graph of the suite `graph`: R-MAT as in Graph500, from a seed.

use crate::Outcome;
use crate::Workload;
use crate::data::Random;

/// How many edge types there are.
pub const KINDS: u8 = 4;

/// The names of the edge types.
pub const KIND_NAMES: [&str; KINDS as usize] = ["cites", "mentions", "follows", "part_of"];

/// One edge. Nodes count from 0.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Where it starts.
    pub source: u32,
    /// Where it ends.
    pub target: u32,
    /// Its type, below [`KINDS`].
    pub kind: u8,
    /// Its weight, 0.1 to 1.1: a multiple of 1/1024, so that sums are exact in any order and the
    /// answers of all systems are equal to the last bit.
    pub weight: f32,
}

/// The graph, edges in the order of their arrival.
#[derive(Clone, Debug)]
pub struct Rmat {
    /// How many nodes there are, those without an edge included.
    pub nodes: u32,
    /// The edges.
    pub edges: Vec<Edge>,
}

impl Rmat {
    /// The graph of a workload.
    pub fn of(workload: &Workload) -> Self {
        let (nodes, mut random) = (1_u32 << workload.scale, Random::new(1));
        let labels = shuffled(nodes, &mut random);
        let count = u64::from(nodes) * u64::from(workload.edge_factor);
        let mut edges = Vec::with_capacity(count as usize);
        while (edges.len() as u64) < count {
            let (source, target) = ends(workload.scale, &mut random);
            if source != target {
                edges.push(Edge {
                    source: labels[source as usize],
                    target: labels[target as usize],
                    kind: random.below(KINDS.into()) as u8,
                    weight: (103 + random.below(1_024)) as f32 / 1_024.0,
                });
            }
        }
        Self { nodes, edges }
    }

    /// The nodes alone.
    pub fn without_edges(&self) -> Self {
        Self { nodes: self.nodes, edges: Vec::new() }
    }

    /// The same nodes with only the first or the last of the edges.
    pub fn split(&self, first: usize) -> (Self, &[Edge]) {
        let (base, added) = self.edges.split_at(first);
        (Self { nodes: self.nodes, edges: base.to_vec() }, added)
    }

    /// The nodes that have an edge, ascending.
    pub fn touched(&self) -> Vec<u32> {
        let mut touched = vec![false; self.nodes as usize];
        for edge in &self.edges {
            touched[edge.source as usize] = true;
            touched[edge.target as usize] = true;
        }
        (0..self.nodes).filter(|node| touched[*node as usize]).collect()
    }
}

/// The ends of one edge, before labels.
fn ends(scale: u32, random: &mut Random) -> (u32, u32) {
    let (mut source, mut target) = (0, 0);
    for _ in 0..scale {
        let (down, right) = match random.below(100) {
            0..57 => (0, 0),
            57..76 => (0, 1),
            76..95 => (1, 0),
            _ => (1, 1),
        };
        source = source << 1 | down;
        target = target << 1 | right;
    }
    (source, target)
}

/// All numbers below `count` in random order (Fisher-Yates).
fn shuffled(count: u32, random: &mut Random) -> Vec<u32> {
    let mut labels: Vec<u32> = (0..count).collect();
    for last in (1..count).rev() {
        let other = random.below(u64::from(last) + 1) as usize;
        labels.swap(last as usize, other);
    }
    labels
}

/// What is asked of the graph.
#[derive(Clone, Debug)]
pub struct Questions {
    /// Nodes with an out-edge: 1 000, or fewer of a small graph.
    pub starts: Vec<u32>,
    /// Hundred pairs of which the first leads to the second.
    pub pairs: Vec<(u32, u32)>,
}

impl Questions {
    /// The questions of a graph.
    pub fn of(graph: &Rmat) -> Outcome<Self> {
        let mut random = Random::new(2);
        let lists = Lists::of(graph);
        let able: Vec<u32> =
            (0..graph.nodes).filter(|node| !lists.targets(*node).is_empty()).collect();
        if able.is_empty() {
            return Err("the graph has no edges".into());
        }
        let mut any = || able[random.below(able.len() as u64) as usize];
        let starts: Vec<u32> = (0..1_000).map(|_| any()).collect();
        // A node from which most of the graph is reached has many answers; one that leads to
        // nothing but a few has some still.
        let mut pairs = Vec::new();
        let mut tries = 0;
        while pairs.len() < 100 {
            let (from, to) = (any(), any());
            tries += 1;
            if from != to && lists.leads(from, to) {
                pairs.push((from, to));
            } else if tries > 100_000 {
                return Err("the graph is too sparse for a hundred pairs".into());
            }
        }
        Ok(Self { starts, pairs })
    }
}

/// Out-neighbours, to find questions with.
struct Lists {
    starts: Vec<u32>,
    targets: Vec<u32>,
}

impl Lists {
    fn of(graph: &Rmat) -> Self {
        let mut starts = vec![0_u32; graph.nodes as usize + 1];
        for edge in &graph.edges {
            starts[edge.source as usize + 1] += 1;
        }
        for node in 0..graph.nodes as usize {
            starts[node + 1] += starts[node];
        }
        let mut places = starts.clone();
        let mut targets = vec![0; graph.edges.len()];
        for edge in &graph.edges {
            let place = &mut places[edge.source as usize];
            targets[*place as usize] = edge.target;
            *place += 1;
        }
        Self { starts, targets }
    }

    fn targets(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.targets[self.starts[node] as usize..self.starts[node + 1] as usize]
    }

    /// Whether there is a way.
    fn leads(&self, from: u32, to: u32) -> bool {
        let mut seen = vec![false; self.starts.len()];
        let mut queue = vec![from];
        while let Some(node) = queue.pop() {
            for next in self.targets(node) {
                if *next == to {
                    return true;
                }
                if !std::mem::replace(&mut seen[*next as usize], true) {
                    queue.push(*next);
                }
            }
        }
        false
    }
}
