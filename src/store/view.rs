//! The graph of a published state, and the edges that a write sees.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::core::Core;
use super::read::{Published, ReadTx};
use super::tx::WriteTx;
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
use crate::graph::{Direction, EdgeDetails, EdgeNames, Graph, Neighbor};
use crate::storage::adjacency;
use crate::storage::snapshot::Snapshot;

impl EdgeNames for Core {
    fn number(&self, name: &str) -> Option<u32> {
        self.names.number(name)
    }

    fn name(&self, number: u32) -> Option<Arc<str>> {
        self.names.name(number)
    }

    fn kind(&self, record_type: &str) -> Option<Kind> {
        self.kinds.by_name(record_type)
    }
}

impl Published {
    /// The graph of this state; everybody who asks shares what is built for it.
    pub(crate) fn graph(&self, core: &Arc<Core>) -> Graph {
        let made = self.graph.get_or_init(|| {
            let names: Arc<dyn EdgeNames> = Arc::<Core>::clone(core);
            if let Some(live) = &self.live {
                let details: Arc<dyn EdgeDetails> = Arc::<Snapshot>::clone(&self.rows);
                return Graph::of_live(live, names, details);
            }
            let meter = Arc::clone(&core.graph_meter);
            Graph::of_blocks(Arc::clone(&self.rows), self.seq, names, meter)
        });
        made.clone()
    }
}

impl WriteTx<'_> {
    /// The edges and links of a node as this write sees them, its own included, in the order in
    /// which [`Graph::neighbors`] gives them. Takes `&mut` because a bulk load sorts its links in
    /// first. Walks and algorithms are run on the graph of a reader, which this write is not in.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the adjacency blocks are damaged.
    pub fn neighbors(&mut self, node: NodeId, direction: Direction) -> Result<Vec<Neighbor>> {
        self.writer.flush_links()?;
        let mut entries = Vec::new();
        for side in direction.sides() {
            adjacency::for_each(self.rows(), node, *side, None, &mut |entry| {
                entries.push(entry);
                ControlFlow::Continue(())
            })?;
        }
        let names = &self.core().names;
        let neighbors = entries.into_iter().map(|entry| {
            let edge_type =
                names.name_in(entry.edge_type, &self.writer.new_names).ok_or_else(|| {
                    let detail = format!("edge type {} has no name", entry.edge_type);
                    Error::corrupt(format!("table adjacency, node {node}"), detail)
                })?;
            let (node, edge, weight) = (entry.neighbor, entry.edge, entry.weight);
            Ok(Neighbor { edge_type, node, edge, weight })
        });
        neighbors.collect()
    }
}

impl ReadTx {
    /// The graph at this sequence number: records are its nodes, links and edges its edges.
    #[must_use]
    pub fn graph(&self) -> Graph {
        self.published().graph(self.core_arc())
    }
}
