//! Local moving, which Louvain and Leiden share: nodes go to the set where modularity grows most,
//! until none has such a set.
//!
//! Only nodes next to one that moved are looked at again, from a queue (Traag et al. 2019), so that
//! late rounds cost what changes and not the whole network.

use std::collections::VecDeque;

use super::network::{Network, part_disconnected};
use crate::graph::random::Random;

/// A move has to gain more than this part of the weight of all edges: less is rounding, and could
/// go on for ever.
const GAIN_MIN: f64 = 1e-12;
/// Looks at a node, on average, before moving ends in any case. Graphs take 5 to 30; only rounding
/// in sums of wildly different weights could go on.
const VISITS_PER_NODE_MAX: usize = 10_000;
/// Rounds of [`settle`] at most. Graphs take 2 to 20.
const SETTLE_ROUNDS_MAX: usize = 1_000;

/// What is known of a set. Both are needed of each set next to a node, so they share a line.
#[derive(Clone, Copy, Debug, Default)]
struct Set {
    /// The sum of the strengths of its nodes.
    strength: f64,
    /// The weight between it and the node at hand; zero between nodes.
    weight: f64,
}

/// Local moving on one network.
pub(super) struct Moving<'a> {
    network: &'a Network,
    labels: &'a mut [u32],
    sets: Vec<Set>,
    sizes: Vec<u32>,
    /// Labels without a node.
    free: Vec<u32>,
    /// What a unit of strength expects of another: resolution / total.
    expected: f64,
    gain_min: f64,
    near: Vec<u32>,
}

impl<'a> Moving<'a> {
    /// Starts from a partition: labels below the number of nodes.
    pub(super) fn new(network: &'a Network, labels: &'a mut [u32], resolution: f64) -> Self {
        let mut sets = vec![Set::default(); network.len()];
        let mut sizes = vec![0_u32; network.len()];
        for (node, label) in (0..).zip(labels.iter()) {
            sets[*label as usize].strength += network.strength(node);
            sizes[*label as usize] += 1;
        }
        let free = network.nodes().rev().filter(|label| sizes[*label as usize] == 0).collect();
        let expected = if network.total() > 0.0 { resolution / network.total() } else { 0.0 };
        let gain_min = GAIN_MIN * network.total();
        Self { network, labels, sets, sizes, free, expected, gain_min, near: Vec::new() }
    }

    /// Moves nodes, in a random order at first, until no move gains. Returns whether any moved.
    pub(super) fn run(&mut self, random: &mut Random) -> bool {
        let mut order: Vec<u32> = self.network.nodes().collect();
        random.shuffle(&mut order);
        let mut queue = VecDeque::from(order);
        let mut queued = vec![true; queue.len()];
        let mut any = false;
        let mut visits_left = VISITS_PER_NODE_MAX * queue.len();
        while let Some(node) = queue.pop_front().filter(|_| visits_left > 0) {
            visits_left -= 1;
            queued[node as usize] = false;
            let Some(label) = self.better(node) else { continue };
            any = true;
            self.assign(node, label);
            for other in self.network.neighbors(node) {
                let place = *other as usize;
                if self.labels[place] != label && !queued[place] {
                    queued[place] = true;
                    queue.push_back(*other);
                }
            }
        }
        any
    }

    /// The set that a node should go to, if that is another than its own.
    fn better(&mut self, node: u32) -> Option<u32> {
        let own = self.labels[node as usize];
        for (other, weight) in self.network.pairs(node) {
            let label = self.labels[other as usize];
            let set = &mut self.sets[label as usize];
            if set.weight == 0.0 {
                self.near.push(label);
            }
            set.weight += weight;
        }
        let strength = self.network.strength(node);
        let rate = strength * self.expected;
        let set = &self.sets[own as usize];
        let stay = set.weight - rate * (set.strength - strength);
        let (mut best, mut gain) = (own, stay + self.gain_min);
        for label in self.near.drain(..) {
            let set = &mut self.sets[label as usize];
            let value = std::mem::take(&mut set.weight) - rate * set.strength;
            if value > gain && label != own {
                (best, gain) = (label, value);
            }
        }
        // Alone it would neither have nor expect anything.
        if gain < 0.0 && self.sizes[own as usize] > 1 {
            best = self.free.last().copied().unwrap_or(best);
        }
        (best != own).then_some(best)
    }

    fn assign(&mut self, node: u32, label: u32) {
        let strength = self.network.strength(node);
        let old = std::mem::replace(&mut self.labels[node as usize], label) as usize;
        let new = label as usize;
        if self.sizes[new] == 0 {
            // It is the last of the free labels: no neighbour has one of those.
            self.free.pop();
        }
        self.sizes[new] += 1;
        self.sets[new].strength += strength;
        self.sizes[old] -= 1;
        self.sets[old].strength -= strength;
        if self.sizes[old] == 0 {
            // What rounding has left would stay for ever.
            self.sets[old].strength = 0.0;
            self.free.push(old as u32);
        }
    }
}

/// Moves nodes and parts what does not hang together until neither finds anything to do: no node
/// gains by going elsewhere, and every set hangs together.
///
/// A queue looks only at neighbours of what has moved, though others in the sets that it left and
/// joined see the difference, too. So all nodes are asked again until none moves. Both steps let
/// modularity grow, so it ends; the bound is for rounding, as above.
pub(super) fn settle(network: &Network, labels: &mut [u32], resolution: f64, random: &mut Random) {
    for _ in 0..SETTLE_ROUNDS_MAX {
        let moved = Moving::new(network, labels, resolution).run(random);
        let parted = part_disconnected(network, labels);
        if !moved && !parted {
            return;
        }
    }
}
