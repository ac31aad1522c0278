//! What algorithms near a few nodes need of either view: neighbours and degrees by edge types.
//! Nothing here costs more than the nodes that are asked about.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::ops::ControlFlow;

use super::Direction;
use super::view::{GraphView, IdHasher};
use crate::base::error::Result;

/// A map from nodes, or pairs of them, of a view.
pub(super) type LocalMap<K, T> = HashMap<K, T, BuildHasherDefault<IdHasher>>;

/// A set of them.
pub(super) type LocalSet<K> = HashSet<K, BuildHasherDefault<IdHasher>>;

/// Which edges count.
#[derive(Clone, Debug)]
pub(super) struct Which {
    pub(super) direction: Direction,
    /// `None` means all.
    pub(super) edge_types: Option<Vec<u32>>,
}

impl Which {
    /// The same edges from their other ends.
    pub(super) fn reversed(&self) -> Self {
        Self { direction: self.direction.reversed(), edge_types: self.edge_types.clone() }
    }

    fn types(&self) -> impl Iterator<Item = Option<u32>> {
        let all = self.edge_types.is_none().then_some(None);
        all.into_iter().chain(self.edge_types.iter().flatten().copied().map(Some))
    }

    /// Hands the other end of every edge of a node to `visit`, parallel edges each.
    pub(super) fn for_each<V: GraphView>(
        &self,
        view: &V,
        node: V::Node,
        mut visit: impl FnMut(V::Node),
    ) -> Result<()> {
        for side in self.direction.sides() {
            for edge_type in self.types() {
                let flow = view.for_each(node, *side, edge_type, |hop| {
                    visit(hop.node);
                    ControlFlow::Continue(())
                })?;
                debug_assert!(flow.is_continue(), "nothing here stops early");
            }
        }
        Ok(())
    }

    /// The distinct neighbours of a node, ascending.
    pub(super) fn neighbors<V: GraphView>(&self, view: &V, node: V::Node) -> Result<Vec<V::Node>> {
        let mut found = Vec::new();
        self.for_each(view, node, |other| found.push(other))?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// How many edges a node has, parallel edges each.
    pub(super) fn degree<V: GraphView>(&self, view: &V, node: V::Node) -> Result<usize> {
        let mut sum = 0;
        for side in self.direction.sides() {
            for edge_type in self.types() {
                sum += view.degree(node, *side, edge_type)?;
            }
        }
        Ok(sum)
    }
}
