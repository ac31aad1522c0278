//! Whole-graph algorithms on plain arrays, each as short as it can be.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::csr::{Csr, Rows};

const NONE: u32 = u32::MAX;
const DAMPING: f64 = 0.85;
const ROUNDS: usize = 20;

/// A cost that is not negative, and a node: ordered by cost, since the bits of such numbers are.
type Queued = Reverse<(u64, u32)>;

fn queued(cost: f64, node: u32) -> Queued {
    Reverse((cost.to_bits(), node))
}

/// The costs from one node to all; infinite where there is no way.
pub fn distances(graph: &Csr, from: u32) -> Vec<f64> {
    let mut costs = vec![f64::INFINITY; graph.ids.len()];
    costs[from as usize] = 0.0;
    let mut queue = BinaryHeap::from([queued(0.0, from)]);
    while let Some(Reverse((bits, node))) = queue.pop() {
        let cost = f64::from_bits(bits);
        if cost > costs[node as usize] {
            continue;
        }
        relax(&graph.out, node, cost, |other, new| {
            if new < costs[other as usize] {
                costs[other as usize] = new;
                queue.push(queued(new, other));
            }
        });
    }
    costs
}

fn relax(rows: &Rows, node: u32, cost: f64, mut each: impl FnMut(u32, f64)) {
    let range = rows.range(node, None);
    for (other, weight) in rows.others[range.clone()].iter().zip(&rows.weights[range]) {
        each(*other, cost + f64::from(*weight));
    }
}

/// What the search for one cheapest path keeps from call to call.
#[derive(Debug, Default)]
pub struct Costs {
    generation: u32,
    stamps: [Vec<u32>; 2],
    costs: [Vec<f64>; 2],
    queues: [BinaryHeap<Queued>; 2],
}

impl Costs {
    fn cost(&self, end: usize, node: u32) -> f64 {
        let known = self.stamps[end][node as usize] == self.generation;
        if known { self.costs[end][node as usize] } else { f64::INFINITY }
    }

    fn set(&mut self, end: usize, node: u32, cost: f64) {
        self.stamps[end][node as usize] = self.generation;
        self.costs[end][node as usize] = cost;
        self.queues[end].push(queued(cost, node));
    }

    fn least(&self, end: usize) -> f64 {
        self.queues[end].peek().map_or(f64::INFINITY, |Reverse((bits, _))| f64::from_bits(*bits))
    }

    /// The cost of a cheapest path, searched from both ends.
    pub fn cheapest(&mut self, graph: &Csr, from: u32, to: u32) -> f64 {
        if from == to {
            return 0.0;
        }
        let nodes = graph.ids.len();
        if self.stamps[0].len() < nodes {
            self.stamps = [vec![0; nodes], vec![0; nodes]];
            self.costs = [vec![0.0; nodes], vec![0.0; nodes]];
        }
        self.generation += 1;
        self.queues.iter_mut().for_each(BinaryHeap::clear);
        self.set(0, from, 0.0);
        self.set(1, to, 0.0);
        let mut best = f64::INFINITY;
        loop {
            let (first, second) = (self.least(0), self.least(1));
            if first + second >= best || first.min(second).is_infinite() {
                return best;
            }
            let end = usize::from(second < first);
            let Some(Reverse((bits, node))) = self.queues[end].pop() else { return best };
            let cost = f64::from_bits(bits);
            if cost > self.cost(end, node) {
                continue;
            }
            let rows = if end == 0 { &graph.out } else { &graph.inward };
            relax(rows, node, cost, |other, new| {
                if new < self.cost(end, other) {
                    self.set(end, other, new);
                    best = best.min(new + self.cost(1 - end, other));
                }
            });
        }
    }
}

/// PageRank by pulling, on one thread or on two that share the nodes so that each has about as
/// many edges.
pub fn page_rank(graph: &Csr, seed: Option<u32>, threads: usize) -> Vec<f64> {
    let nodes = graph.ids.len();
    let even = 1.0 / nodes as f64;
    let start = |node: usize| match seed {
        None => even,
        Some(seed) => f64::from(u8::from(seed as usize == node)),
    };
    let degree = |node: u32| graph.out.range(node, None).len() as f64;
    let inverse: Vec<f64> = (0..nodes as u32).map(|node| 1.0 / degree(node)).collect();
    let mut scores: Vec<f64> = (0..nodes).map(start).collect();
    let mut shares = vec![0.0; nodes];
    let half = graph.inward.others.len() as u32 / 2;
    let middle = graph.inward.starts.partition_point(|start| *start < half) / 4;
    let middle = if threads == 1 { nodes } else { middle.min(nodes) };
    for _ in 0..ROUNDS {
        let mut stranded = 0.0;
        for ((score, share), inverse) in scores.iter().zip(&mut shares).zip(&inverse) {
            if inverse.is_finite() { *share = score * inverse } else { stranded += score }
        }
        let anew = 1.0 - DAMPING + DAMPING * stranded;
        let pull = |first: usize, scores: &mut [f64]| {
            for (node, score) in (first..).zip(scores) {
                let sources = graph.inward.of_node(node as u32);
                let arrived: f64 = sources.iter().map(|source| shares[*source as usize]).sum();
                *score = anew * start(node) + DAMPING * arrived;
            }
        };
        let (low, high) = scores.split_at_mut(middle);
        if high.is_empty() {
            pull(0, low);
        } else {
            std::thread::scope(|scope| {
                scope.spawn(|| pull(middle, high));
                pull(0, low);
            });
        }
    }
    scores
}

/// Labels of the weakly connected parts.
pub fn weak_parts(graph: &Csr) -> Vec<u32> {
    let nodes = graph.ids.len() as u32;
    let mut parents: Vec<u32> = (0..nodes).collect();
    for node in 0..nodes {
        for other in graph.out.of_node(node) {
            let (one, two) = (root(&mut parents, node), root(&mut parents, *other));
            parents[one.max(two) as usize] = one.min(two);
        }
    }
    (0..nodes).map(|node| root(&mut parents, node)).collect()
}

fn root(parents: &mut [u32], mut node: u32) -> u32 {
    while parents[node as usize] != node {
        let above = parents[parents[node as usize] as usize];
        parents[node as usize] = above;
        node = above;
    }
    node
}

/// Labels of the strongly connected parts, by Tarjan's search.
pub fn strong_parts(graph: &Csr) -> Vec<u32> {
    let nodes = graph.ids.len();
    let (mut order, mut low) = (vec![0_u32; nodes], vec![0_u32; nodes]);
    let mut labels = vec![NONE; nodes];
    let (mut found, mut stack, mut way) = (0, Vec::new(), Vec::new());
    for first in 0..nodes as u32 {
        if order[first as usize] == 0 {
            way.push((first, 0));
        }
        while let Some((node, next)) = way.last_mut() {
            let here = *node as usize;
            if *next == 0 && order[here] == 0 {
                found += 1;
                (order[here], low[here]) = (found, found);
                stack.push(*node);
            }
            if let Some(other) = graph.out.of_node(*node).get(*next) {
                *next += 1;
                let there = *other as usize;
                if order[there] == 0 {
                    way.push((*other, 0));
                } else if labels[there] == NONE {
                    low[here] = low[here].min(order[there]);
                }
                continue;
            }
            let node = *node;
            way.pop();
            if let Some((above, _)) = way.last() {
                low[*above as usize] = low[*above as usize].min(low[here]);
            }
            if low[here] == order[here] {
                let first = stack.iter().rposition(|member| *member == node).unwrap_or(0);
                stack.drain(first..).for_each(|member| labels[member as usize] = node);
            }
        }
    }
    labels
}

/// Rows of distinct neighbours.
struct Simple {
    starts: Vec<u32>,
    others: Vec<u32>,
}

impl Simple {
    fn of(nodes: usize, mut list: impl FnMut(u32, &mut Vec<u32>)) -> Self {
        let (mut starts, mut others, mut own) = (vec![0], Vec::new(), Vec::new());
        for node in 0..nodes as u32 {
            own.clear();
            list(node, &mut own);
            own.sort_unstable();
            own.dedup();
            others.extend_from_slice(&own);
            starts.push(others.len() as u32);
        }
        Self { starts, others }
    }

    fn of_node(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.others[self.starts[node] as usize..self.starts[node + 1] as usize]
    }
}

/// Triangles without directions: each is found at its node of least degree.
pub fn triangles(graph: &Csr) -> u64 {
    let nodes = graph.ids.len();
    let all = Simple::of(nodes, |node, list| {
        list.extend_from_slice(graph.out.of_node(node));
        list.extend_from_slice(graph.inward.of_node(node));
    });
    let rank = |node: u32| (all.of_node(node).len(), node);
    let upwards = Simple::of(nodes, |node, list| {
        let higher = all.of_node(node).iter().filter(|other| rank(**other) > rank(node));
        list.extend(higher);
    });
    let mut marks = vec![NONE; nodes];
    let mut count = 0;
    for node in 0..nodes as u32 {
        for other in upwards.of_node(node) {
            marks[*other as usize] = node;
        }
        for other in upwards.of_node(node) {
            let third = upwards.of_node(*other).iter();
            count += third.filter(|third| marks[**third as usize] == node).count() as u64;
        }
    }
    count
}

/// Brandes' accumulation from a few sources, without parallel edges.
pub fn betweenness(graph: &Csr, sources: &[u32]) -> Vec<f64> {
    let nodes = graph.ids.len();
    let out = Simple::of(nodes, |node, list| list.extend_from_slice(graph.out.of_node(node)));
    let mut scores = vec![0.0; nodes];
    for source in sources {
        let (mut depths, mut ways) = (vec![NONE; nodes], vec![0.0; nodes]);
        let mut hanging = vec![0.0; nodes];
        let mut order = vec![*source];
        depths[*source as usize] = 0;
        ways[*source as usize] = 1.0;
        let mut next = 0;
        while let Some(node) = order.get(next).copied() {
            next += 1;
            for other in out.of_node(node) {
                if depths[*other as usize] == NONE {
                    depths[*other as usize] = depths[node as usize] + 1;
                    order.push(*other);
                }
                if depths[*other as usize] == depths[node as usize] + 1 {
                    ways[*other as usize] += ways[node as usize];
                }
            }
        }
        for node in order.iter().rev() {
            let here = *node as usize;
            for other in out.of_node(*node) {
                let there = *other as usize;
                if depths[there] == depths[here].wrapping_add(1) {
                    hanging[here] += ways[here] / ways[there] * (1.0 + hanging[there]);
                }
            }
            if node != source {
                scores[here] += hanging[here];
            }
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Workload;
    use crate::rmat::Rmat;

    fn graph() -> Csr {
        let workload = Workload { size: None, scale: 7, edge_factor: 2, wordnet: None };
        Csr::of(&Rmat::of(&workload))
    }

    /// Costs between all pairs, by Floyd and Warshall.
    fn all_costs(graph: &Csr, cost: impl Fn(f32) -> f64) -> Vec<Vec<f64>> {
        let nodes = graph.ids.len();
        let mut costs = vec![vec![f64::INFINITY; nodes]; nodes];
        for (node, row) in costs.iter_mut().enumerate() {
            row[node] = 0.0;
            let range = graph.out.range(node as u32, None);
            let weights = &graph.out.weights[range.clone()];
            for (other, weight) in graph.out.others[range].iter().zip(weights) {
                let best = &mut row[*other as usize];
                *best = best.min(cost(*weight));
            }
        }
        for middle in 0..nodes {
            let through = costs[middle].clone();
            for row in &mut costs {
                let first = row[middle];
                row.iter_mut()
                    .zip(&through)
                    .for_each(|(best, rest)| *best = best.min(first + rest));
            }
        }
        costs
    }

    #[test]
    fn cheapest_paths_are_those_of_the_full_table() {
        let graph = graph();
        let table = all_costs(&graph, f64::from);
        let mut costs = Costs::default();
        for from in 0..graph.ids.len() as u32 {
            assert_eq!(distances(&graph, from), table[from as usize]);
            for to in 0..graph.ids.len() as u32 {
                let found = costs.cheapest(&graph, from, to);
                assert_eq!(found, table[from as usize][to as usize], "{from} {to}");
            }
        }
    }

    #[test]
    fn strong_parts_lead_to_each_other() {
        let graph = graph();
        let (table, labels) = (all_costs(&graph, f64::from), strong_parts(&graph));
        for (from, row) in table.iter().enumerate() {
            for (to, cost) in row.iter().enumerate() {
                let both = cost.is_finite() && table[to][from].is_finite();
                assert_eq!(labels[from] == labels[to], both, "{from} {to}");
            }
        }
    }

    #[test]
    fn ranks_sum_to_one_on_any_number_of_threads() {
        let graph = graph();
        for seed in [None, Some(3)] {
            let (one, two) = (page_rank(&graph, seed, 1), page_rank(&graph, seed, 2));
            assert_eq!(one, two);
            assert!((one.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn triangles_are_counted_once() {
        let graph = graph();
        let nodes = graph.ids.len();
        let meets = |one: usize, two: usize| {
            graph.out.of_node(one as u32).contains(&(two as u32))
                || graph.inward.of_node(one as u32).contains(&(two as u32))
        };
        let mut count = 0;
        for one in 0..nodes {
            for two in (one + 1..nodes).filter(|two| meets(one, *two)) {
                count += (two + 1..nodes)
                    .filter(|three| meets(one, *three) && meets(two, *three))
                    .count();
            }
        }
        assert_eq!(triangles(&graph), count as u64);
    }

    #[test]
    fn betweenness_adds_up_to_the_nodes_between() {
        let graph = graph();
        let sources: Vec<u32> = (0..graph.ids.len() as u32).collect();
        let hops = all_costs(&graph, |_| 1.0);
        // Each pair hands out one for every node between its ends, however many ways there are.
        let between = hops.iter().flatten().filter(|hops| hops.is_finite() && **hops > 0.0);
        let expected: f64 = between.map(|hops| hops - 1.0).sum();
        let found: f64 = betweenness(&graph, &sources).iter().sum();
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
}
