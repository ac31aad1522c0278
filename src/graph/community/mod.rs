//! Communities: sets of nodes with more between them than chance would put there.
//!
//! Ours, because petgraph has none, and `leiden-rs` and `graphrs`, which have some, are for graph
//! types of their own: the snapshot would be copied once more, and what they promise of parallel
//! edges, loops, ties and order would be theirs to change. All three methods run on flat arrays
//! over the undirected view of the graph and give the same result for the same seed.

mod label;
mod leiden;
mod louvain;
mod moving;
mod network;

use std::collections::HashMap;
use std::sync::Arc;

use super::Graph;
use super::algorithm::Components;
use super::algorithm::NONE;
use super::snapshot::Snapshot;
use super::undirected::Undirected;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::graph::random::Random;
use network::Network;

/// Rounds of Leiden's method unless told otherwise: what its authors' program does. More of them
/// gain a hundredth of the modularity at most.
const LEIDEN_ROUNDS: usize = 2;
/// Rounds of label propagation: most graphs take about five (Raghavan et al. 2007).
const LABEL_ROUNDS: usize = 100;

/// A search for communities. Made by [`Graph::communities`].
///
/// The graph is taken without directions: the weight between two nodes is the sum of the weights of
/// all edges between them, both ways; a loop has its own weight. With `m` the weight of all edges,
/// `k` of a node the sum of the weights at it, a loop's twice, and `r` the resolution, modularity
/// (Newman and Girvan 2004; Reichardt and Bornholdt 2006) is the sum over communities of
/// `inside / m - r (sum of k / 2m)^2`. Without any weight it is 0. Nodes without an edge that
/// counts are in no community.
///
/// ```no_run
/// # fn show(graph: &engraph::graph::Graph, node: engraph::NodeId) -> engraph::Result<()> {
/// let communities = graph.communities().edge_types(&["cites"]).seed(7).leiden()?;
/// println!("{} communities, {:.3}", communities.count(), communities.modularity());
/// if let Some(number) = communities.of(node) {
///     println!("{node} is one of {:?}", communities.groups()[number]);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a search does nothing until a method is chosen"]
pub struct CommunitySearch<'g> {
    graph: &'g Graph,
    edge_types: Option<Vec<u32>>,
    weighted: bool,
    resolution: f64,
    seed: u64,
    rounds_max: Option<usize>,
}

/// What a search for communities has found.
#[derive(Clone, Debug)]
pub struct Communities {
    parts: Components,
    modularity: f64,
}

impl Communities {
    /// How many communities there are.
    pub fn count(&self) -> usize {
        self.parts.count()
    }

    /// The number of the community of a node, below [`Communities::count`]; they count up in the
    /// order of their smallest nodes. `None` when the node has no edge that counts.
    pub fn of(&self, node: NodeId) -> Option<usize> {
        self.parts.of(node)
    }

    /// The nodes of each community, by its number; nodes ascend.
    pub fn groups(&self) -> Vec<Vec<NodeId>> {
        self.parts.numbered_groups()
    }

    /// How good the partition is, by the weights and the resolution of the search.
    pub fn modularity(&self) -> f64 {
        self.modularity
    }
}

impl Graph {
    /// Starts a search for communities; see [`CommunitySearch`].
    pub fn communities(&self) -> CommunitySearch<'_> {
        CommunitySearch {
            graph: self,
            edge_types: None,
            weighted: true,
            resolution: 1.0,
            seed: 0,
            rounds_max: None,
        }
    }
}

impl CommunitySearch<'_> {
    /// Counts edges of these types only; of all types when none is named.
    pub fn edge_types(mut self, edge_types: &[&str]) -> Self {
        self.edge_types = self.graph.numbers_of(edge_types);
        self
    }

    /// Takes every edge for one of weight 1.
    pub fn unweighted(mut self) -> Self {
        self.weighted = false;
        self
    }

    /// How much of what chance would give is held against a community: above 1 they get smaller,
    /// below 1 larger. Label propagation knows no resolution.
    pub fn resolution(mut self, resolution: f64) -> Self {
        self.resolution = resolution;
        self
    }

    /// What the order of nodes is drawn from; 0 unless told otherwise.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// At most so many rounds of Leiden's method (2 unless told otherwise; it ends earlier when
    /// one gains nothing) or of label propagation (100; it ends when no label changes). Louvain's
    /// method goes through its levels once.
    pub fn rounds_max(mut self, rounds_max: usize) -> Self {
        self.rounds_max = Some(rounds_max);
        self
    }

    /// Louvain's method (Blondel et al. 2008) with a refinement of every level on the way back
    /// (Rotta and Noack 2011) and a queue of what has changed (Traag et al. 2019): the quick one.
    /// In the end no node gains by going elsewhere, and every community hangs together. Near linear
    /// in edges in practice; no bound is known.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a resolution or a weight that is negative or not finite; otherwise as
    /// [`Graph::snapshot`].
    pub fn louvain(&self) -> Result<Communities> {
        self.solve(|network, random| louvain::louvain(network, self.resolution, random))
    }

    /// Leiden's method (Traag et al. 2019): better communities than Louvain's in two to three times
    /// the time, with the same promises.
    ///
    /// # Errors
    /// As [`CommunitySearch::louvain`].
    pub fn leiden(&self) -> Result<Communities> {
        let rounds_max = self.rounds_max.unwrap_or(LEIDEN_ROUNDS);
        self.solve(|network, random| leiden::leiden(network, self.resolution, rounds_max, random))
    }

    /// Label propagation (Raghavan et al. 2007): every node takes the label with the greatest
    /// weight around it, until all have it. Linear in edges for each round. It heeds no modularity,
    /// so that a dense graph may come out as one community.
    ///
    /// # Errors
    /// As [`CommunitySearch::louvain`].
    pub fn label_propagation(&self) -> Result<Communities> {
        let rounds_max = self.rounds_max.unwrap_or(LABEL_ROUNDS);
        self.solve(|network, random| label::propagate(network, rounds_max, random))
    }

    /// The modularity of any partition, by the weights and the resolution of the search. Nodes of
    /// one community have the same label; one without a label is a community of its own. Linear.
    ///
    /// # Errors
    /// As [`CommunitySearch::louvain`].
    pub fn modularity(&self, label_of: impl Fn(NodeId) -> Option<usize>) -> Result<f64> {
        let snapshot = self.graph.snapshot()?;
        let (network, _) = self.network(&snapshot)?;
        let mut numbers: HashMap<usize, u32> = HashMap::new();
        let labels = (0..).zip(&snapshot.nodes).map(|(node, id)| match label_of(*id) {
            // The first node of each lends it its number.
            Some(label) => *numbers.entry(label).or_insert(node),
            None => node,
        });
        let labels: Vec<u32> = labels.collect();
        Ok(network.modularity(&labels, self.resolution))
    }

    fn solve(&self, method: impl FnOnce(&Network, &mut Random) -> Vec<u32>) -> Result<Communities> {
        let snapshot = self.graph.snapshot()?;
        let (network, touched) = self.network(&snapshot)?;
        let mut labels = method(&network, &mut Random::new(self.seed));
        let modularity = network.modularity(&labels, self.resolution);
        for (label, touched) in labels.iter_mut().zip(touched) {
            if !touched {
                *label = NONE;
            }
        }
        Ok(Communities { parts: Components::numbered(snapshot, labels), modularity })
    }

    /// The network, and which nodes have an edge that counts.
    fn network(&self, snapshot: &Arc<Snapshot>) -> Result<(Network, Vec<bool>)> {
        let valid = |value: f64| value.is_finite() && value >= 0.0;
        if !valid(self.resolution) {
            let reason = format!("{} is negative or not finite", self.resolution);
            return Err(Error::invalid("resolution", reason));
        }
        let weight = |_, position| {
            if self.weighted { f64::from(*snapshot.weight(position)) } else { 1.0 }
        };
        let pairs = Undirected::of(snapshot, self.edge_types.as_deref(), weight)?;
        if let Some(sum) = pairs.sums.iter().chain(&pairs.loops).find(|sum| !valid(**sum)) {
            let reason = format!("those between two nodes sum up to {sum}");
            return Err(Error::invalid("edge weights", reason));
        }
        Ok(network_of(pairs))
    }
}

/// Pairs without weight are as if they were not there.
fn network_of(pairs: Undirected<f64>) -> (Network, Vec<bool>) {
    let Undirected { mut starts, mut neighbors, mut sums, loops, touched } = pairs;
    if sums.contains(&0.0) {
        let mut kept = 0;
        for node in 0..loops.len() {
            let places = std::mem::replace(&mut starts[node], kept)..starts[node + 1];
            for place in places {
                if sums[place] > 0.0 {
                    (neighbors[kept], sums[kept]) = (neighbors[place], sums[place]);
                    kept += 1;
                }
            }
        }
        starts[loops.len()] = kept;
        neighbors.truncate(kept);
        sums.truncate(kept);
    }
    (Network::new(starts, neighbors, sums, loops), touched)
}

#[cfg(test)]
mod tests;
