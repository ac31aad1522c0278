//! Leiden's method (Traag et al. 2019): as Louvain's, but what is made a node is a refined set, so
//! that sets hang together and can be parted again later.

use super::moving::{Moving, settle};
use super::network::{Members, Network, renumber};
use crate::graph::random::Random;

/// How much less than the best a merge may gain and still have a chance, in parts of the mean
/// weight of a pair: what the paper calls theta, and its value.
const RANDOMNESS: f64 = 0.01;

/// A partition of the network: labels from 0 on. Starts anew from the last partition until that
/// changes nothing, `rounds_max` times at most.
pub(super) fn leiden(
    network: &Network,
    resolution: f64,
    rounds_max: usize,
    random: &mut Random,
) -> Vec<u32> {
    let mut labels: Vec<u32> = network.nodes().collect();
    let mut quality = network.modularity(&labels, resolution);
    for _ in 0..rounds_max {
        let mut next = labels.clone();
        round(network, &mut next, resolution, random);
        let reached = network.modularity(&next, resolution);
        if reached <= quality + 1e-9 {
            break;
        }
        (labels, quality) = (next, reached);
    }
    settle(network, &mut labels, resolution, random);
    renumber(&mut labels);
    labels
}

/// Goes through all levels once, from the partition in `labels`.
fn round(network: &Network, labels: &mut [u32], resolution: f64, random: &mut Random) {
    let mut level: Option<Network> = None;
    // The node of the level that each node of the network lies in, and the labels of the level.
    let mut inside: Vec<u32> = network.nodes().collect();
    let mut sets = labels.to_vec();
    loop {
        let top = level.as_ref().unwrap_or(network);
        let moved = Moving::new(top, &mut sets, resolution).run(random);
        let count = renumber(&mut sets);
        let mut refined = Refinement::new(top, &sets, resolution).run(count, random);
        let refined_count = renumber(&mut refined);
        if (!moved && level.is_some()) || count == top.len() || refined_count == top.len() {
            break;
        }
        let mut above = vec![0; refined_count];
        for (node, part) in refined.iter().enumerate() {
            above[*part as usize] = sets[node];
        }
        for place in &mut inside {
            *place = refined[*place as usize];
        }
        let next = top.contract(&refined, refined_count);
        sets = above;
        level = Some(next);
    }
    for (label, place) in labels.iter_mut().zip(&inside) {
        *label = sets[*place as usize];
    }
}

/// Parts every set anew: nodes that are alone merge with well-connected parts of their set.
struct Refinement<'a> {
    network: &'a Network,
    sets: &'a [u32],
    expected: f64,
    parts: Vec<u32>,
    strengths: Vec<f64>,
    /// By part: its weight to the rest of its set.
    outward: Vec<f64>,
    /// By part: whether another node has joined its first one.
    merged: Vec<bool>,
    weights: Vec<f64>,
    randomness: f64,
}

impl<'a> Refinement<'a> {
    fn new(network: &'a Network, sets: &'a [u32], resolution: f64) -> Self {
        let count = network.len();
        let strengths = network.nodes().map(|node| network.strength(node)).collect();
        let within = |node: u32| {
            let own = sets[node as usize];
            let inside = network.pairs(node).filter(|(other, _)| sets[*other as usize] == own);
            inside.map(|(_, weight)| weight).sum()
        };
        let pairs: usize = network.nodes().map(|node| network.neighbors(node).len()).sum();
        let total = network.total();
        Self {
            network,
            sets,
            expected: if total > 0.0 { resolution / total } else { 0.0 },
            parts: network.nodes().collect(),
            strengths,
            outward: network.nodes().map(within).collect(),
            merged: vec![false; count],
            weights: vec![0.0; count],
            randomness: RANDOMNESS * total / pairs.max(1) as f64,
        }
    }

    fn run(mut self, count: usize, random: &mut Random) -> Vec<u32> {
        let members = Members::of(self.sets, count);
        let mut order = Vec::new();
        let mut choices = Vec::new();
        for set in 0..count as u32 {
            order.clear();
            order.extend_from_slice(members.of_set(set));
            let whole = order.iter().map(|node| self.network.strength(*node)).sum();
            random.shuffle(&mut order);
            for node in &order {
                if !self.merged[*node as usize] && self.is_well_connected(*node, whole) {
                    self.merge(*node, whole, &mut choices, random);
                }
            }
        }
        self.parts
    }

    /// Whether a part has at least the weight to the rest of its set that is expected.
    fn is_well_connected(&self, part: u32, whole: f64) -> bool {
        let strength = self.strengths[part as usize];
        self.outward[part as usize] >= self.expected * strength * (whole - strength)
    }

    fn merge(&mut self, node: u32, whole: f64, choices: &mut Vec<(u32, f64)>, random: &mut Random) {
        let own = self.sets[node as usize];
        choices.clear();
        for (other, weight) in self.network.pairs(node) {
            if self.sets[other as usize] != own {
                continue;
            }
            let part = self.parts[other as usize];
            let sum = &mut self.weights[part as usize];
            if *sum == 0.0 {
                choices.push((part, 0.0));
            }
            *sum += weight;
        }
        let rate = self.expected * self.network.strength(node);
        for (part, gain) in choices.iter_mut() {
            let weight = std::mem::take(&mut self.weights[*part as usize]);
            *gain = weight - rate * self.strengths[*part as usize];
            if *gain < 0.0 || !self.is_well_connected(*part, whole) {
                // Never chosen.
                *gain = f64::NEG_INFINITY;
            }
        }
        let Some(part) = choose(choices, self.randomness, random) else { return };
        let between: f64 = self
            .network
            .pairs(node)
            .filter(|(other, _)| self.parts[*other as usize] == part)
            .map(|(_, weight)| weight)
            .sum();
        let place = part as usize;
        self.strengths[place] += self.network.strength(node);
        self.outward[place] += self.outward[node as usize] - 2.0 * between;
        self.merged[place] = true;
        self.parts[node as usize] = part;
    }
}

/// A part by chance, likelier the more it gains; to stay alone gains nothing.
fn choose(choices: &[(u32, f64)], randomness: f64, random: &mut Random) -> Option<u32> {
    let best = choices.iter().map(|(_, gain)| *gain).fold(0.0, f64::max);
    let chance = |gain: f64| ((gain - best) / randomness).exp();
    let alone = chance(0.0);
    let sum: f64 = alone + choices.iter().map(|(_, gain)| chance(*gain)).sum::<f64>();
    let mut drawn = random.unit() * sum - alone;
    if drawn < 0.0 {
        return None;
    }
    let mut last = None;
    for (part, gain) in choices {
        let chance = chance(*gain);
        if chance > 0.0 {
            last = Some(*part);
            drawn -= chance;
            if drawn < 0.0 {
                break;
            }
        }
    }
    last
}
