//! Louvain's method: move nodes, make a node of each set, and go on with the smaller network.

use super::moving::{Moving, settle};
use super::network::{Network, renumber};
use crate::graph::random::Random;

/// A partition of the network: labels from 0 on.
///
/// The levels are those of Blondel et al. 2008. On the way back each level is moved once more with
/// the sets of the coarser one (Rotta and Noack 2011): a node that was merged too early can leave.
pub(super) fn louvain(network: &Network, resolution: f64, random: &mut Random) -> Vec<u32> {
    let mut levels: Vec<(Network, Vec<u32>)> = Vec::new();
    loop {
        let top = levels.last().map_or(network, |(top, _)| top);
        let mut labels: Vec<u32> = top.nodes().collect();
        if !Moving::new(top, &mut labels, resolution).run(random) {
            return refine(network, levels, labels, resolution, random);
        }
        let count = renumber(&mut labels);
        let next = top.contract(&labels, count);
        levels.push((next, labels));
    }
}

/// Hands the labels of the coarsest level down, level by level.
fn refine(
    network: &Network,
    mut levels: Vec<(Network, Vec<u32>)>,
    mut coarse: Vec<u32>,
    resolution: f64,
    random: &mut Random,
) -> Vec<u32> {
    while let Some((_, mut labels)) = levels.pop() {
        for label in &mut labels {
            *label = coarse[*label as usize];
        }
        if let Some((level, _)) = levels.last() {
            Moving::new(level, &mut labels, resolution).run(random);
        }
        coarse = labels;
    }
    settle(network, &mut coarse, resolution, random);
    renumber(&mut coarse);
    coarse
}
