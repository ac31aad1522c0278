//! What communities are sought in: a weighted undirected graph in flat arrays, and its contraction.

/// A weighted undirected graph. A pair of neighbours lies in both lists, with one weight greater
/// than zero; loops lie apart.
#[derive(Debug, Default)]
pub(super) struct Network {
    /// Node -> its first neighbour; one more at the end.
    starts: Vec<usize>,
    neighbors: Vec<u32>,
    weights: Vec<f64>,
    loops: Vec<f64>,
    /// By node: the weights of its pairs, and twice that of its loop.
    strengths: Vec<f64>,
    /// The sum of the strengths: twice the weight of all edges.
    total: f64,
}

impl Network {
    pub(super) fn new(
        starts: Vec<usize>,
        neighbors: Vec<u32>,
        weights: Vec<f64>,
        loops: Vec<f64>,
    ) -> Self {
        let lists = starts.windows(2).map(|ends| weights[ends[0]..ends[1]].iter().sum::<f64>());
        let strengths: Vec<f64> = lists.zip(&loops).map(|(sum, own)| sum + 2.0 * own).collect();
        let total = strengths.iter().sum();
        Self { starts, neighbors, weights, loops, strengths, total }
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.loops.len()
    }

    pub(super) fn nodes(&self) -> std::ops::Range<u32> {
        0..self.len() as u32
    }

    pub(super) fn total(&self) -> f64 {
        self.total
    }

    pub(super) fn strength(&self, node: u32) -> f64 {
        self.strengths[node as usize]
    }

    pub(super) fn neighbors(&self, node: u32) -> &[u32] {
        &self.neighbors[self.starts[node as usize]..self.starts[node as usize + 1]]
    }

    /// The neighbours of a node, and the weight of each pair.
    pub(super) fn pairs(&self, node: u32) -> impl Iterator<Item = (u32, f64)> {
        let places = self.starts[node as usize]..self.starts[node as usize + 1];
        let weights = &self.weights[places.clone()];
        self.neighbors[places].iter().copied().zip(weights.iter().copied())
    }

    /// The modularity of a partition: labels below the number of nodes.
    pub(super) fn modularity(&self, labels: &[u32], resolution: f64) -> f64 {
        if self.total <= 0.0 {
            return 0.0;
        }
        let mut inside = 0.0;
        let mut sums = vec![0.0; self.len()];
        for node in self.nodes() {
            let label = labels[node as usize];
            sums[label as usize] += self.strength(node);
            let own = self.pairs(node).filter(|(other, _)| labels[*other as usize] == label);
            inside += 2.0 * self.loops[node as usize] + own.map(|(_, weight)| weight).sum::<f64>();
        }
        let expected: f64 = sums.iter().map(|sum| (sum / self.total).powi(2)).sum();
        inside / self.total - resolution * expected
    }

    /// The network whose nodes are the sets of a partition: labels below `count`, each in use.
    pub(super) fn contract(&self, labels: &[u32], count: usize) -> Self {
        let members = Members::of(labels, count);
        let mut loops = vec![0.0; count];
        let (mut neighbors, mut weights) = (Vec::new(), Vec::new());
        let mut starts = Vec::with_capacity(count + 1);
        starts.push(0);
        let mut sums = vec![0.0; count];
        for (set, own) in (0..).zip(&mut loops) {
            let start = neighbors.len();
            for node in members.of_set(set) {
                *own += self.loops[*node as usize];
                for (other, weight) in self.pairs(*node) {
                    let label = labels[other as usize];
                    if label == set {
                        // Every pair inside is met from both ends.
                        *own += 0.5 * weight;
                        continue;
                    }
                    let sum = &mut sums[label as usize];
                    if *sum == 0.0 {
                        neighbors.push(label);
                    }
                    *sum += weight;
                }
            }
            let found = neighbors[start..].iter();
            weights.extend(found.map(|label| std::mem::take(&mut sums[*label as usize])));
            starts.push(neighbors.len());
        }
        Self::new(starts, neighbors, weights, loops)
    }
}

/// The nodes of each set of a partition, ascending.
#[derive(Debug)]
pub(super) struct Members {
    starts: Vec<usize>,
    nodes: Vec<u32>,
}

impl Members {
    pub(super) fn of(labels: &[u32], count: usize) -> Self {
        let mut starts = vec![0; count + 1];
        for label in labels {
            starts[*label as usize + 1] += 1;
        }
        for set in 0..count {
            starts[set + 1] += starts[set];
        }
        let mut places = starts.clone();
        let mut nodes = vec![0; labels.len()];
        for (node, label) in (0..).zip(labels) {
            let place = &mut places[*label as usize];
            nodes[*place] = node;
            *place += 1;
        }
        Self { starts, nodes }
    }

    pub(super) fn of_set(&self, set: u32) -> &[u32] {
        &self.nodes[self.starts[set as usize]..self.starts[set as usize + 1]]
    }
}

/// Renumbers labels from 0 on in the order of their first nodes. Returns how many there are.
pub(super) fn renumber(labels: &mut [u32]) -> usize {
    const NONE: u32 = u32::MAX;
    let bound = labels.iter().max().map_or(0, |label| *label as usize + 1);
    let mut numbers = vec![NONE; bound];
    let mut count = 0;
    for label in labels {
        let number = &mut numbers[*label as usize];
        if *number == NONE {
            *number = count;
            count += 1;
        }
        *label = *number;
    }
    count as usize
}

/// Parts every set of a partition into what hangs together. Returns whether any set was parted.
///
/// That never lowers modularity: there is nothing between the parts, and less is expected.
pub(super) fn part_disconnected(network: &Network, labels: &mut [u32]) -> bool {
    const NONE: u32 = u32::MAX;
    let sets = renumber(labels);
    let mut parts = vec![NONE; labels.len()];
    let mut count = 0;
    let mut waiting = Vec::new();
    for start in network.nodes() {
        if parts[start as usize] != NONE {
            continue;
        }
        parts[start as usize] = count;
        waiting.push(start);
        while let Some(node) = waiting.pop() {
            for other in network.neighbors(node) {
                let place = *other as usize;
                if parts[place] == NONE && labels[place] == labels[node as usize] {
                    parts[place] = count;
                    waiting.push(*other);
                }
            }
        }
        count += 1;
    }
    labels.copy_from_slice(&parts);
    count as usize != sets
}
