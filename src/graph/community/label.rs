//! Label propagation (Raghavan et al. 2007): every node takes the label that most of its
//! neighbours have.

use std::cmp::Ordering;

use super::network::{Network, renumber};
use crate::graph::random::Random;

/// A partition of the network: labels from 0 on. Rounds end when no label changes, after
/// `rounds_max` at the latest.
///
/// Nodes are asked one after the other in a random order. A node keeps its label when no other has
/// more weight around it, so that every change adds to the weight between equal labels and the end
/// is reached; of several better ones it takes the smallest, and labels are numbered by the order.
pub(super) fn propagate(network: &Network, rounds_max: usize, random: &mut Random) -> Vec<u32> {
    let mut order: Vec<u32> = network.nodes().collect();
    random.shuffle(&mut order);
    let mut labels = vec![0; network.len()];
    for (label, node) in (0..).zip(&order) {
        labels[*node as usize] = label;
    }
    let mut waiting = vec![true; network.len()];
    let mut sums = vec![0.0; network.len()];
    let mut near = Vec::new();
    for _ in 0..rounds_max {
        let mut changed = false;
        for node in &order {
            if !std::mem::take(&mut waiting[*node as usize]) {
                continue;
            }
            let own = labels[*node as usize];
            let best = prevailing(network, *node, &labels, (&mut sums, &mut near));
            if best == own {
                continue;
            }
            labels[*node as usize] = best;
            changed = true;
            for other in network.neighbors(*node) {
                waiting[*other as usize] |= labels[*other as usize] != best;
            }
        }
        if !changed {
            break;
        }
    }
    renumber(&mut labels);
    labels
}

/// The label with the greatest weight around a node. `sums` is zero between calls.
fn prevailing(
    network: &Network,
    node: u32,
    labels: &[u32],
    (sums, near): (&mut [f64], &mut Vec<u32>),
) -> u32 {
    for (other, weight) in network.pairs(node) {
        let label = labels[other as usize];
        let sum = &mut sums[label as usize];
        if *sum == 0.0 {
            near.push(label);
        }
        *sum += weight;
    }
    let own = labels[node as usize];
    let kept = sums[own as usize];
    let (mut best, mut most) = (own, kept);
    for label in near.drain(..) {
        let sum = std::mem::take(&mut sums[label as usize]);
        // Sums are no negative zeros, so that order is as of numbers.
        let better = match sum.total_cmp(&most) {
            Ordering::Greater => true,
            Ordering::Equal => most > kept && label < best,
            Ordering::Less => false,
        };
        if better {
            (best, most) = (label, sum);
        }
    }
    best
}
