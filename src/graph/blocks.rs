//! The graph straight from the adjacency blocks of any rows: nothing to build, next to no memory,
//! consistent with the rows by construction.

use std::ops::ControlFlow;

use super::meter::Meter;
use super::view::{GraphView, Hop, ScratchOf, Side};
use crate::base::error::Result;
use crate::base::id::{EdgeId, NodeId};
use crate::storage::{Rows, adjacency};

/// A view of the graph that reads adjacency blocks as it goes.
#[derive(Debug)]
pub(crate) struct BlocksView<'a, R: Rows + ?Sized> {
    rows: &'a R,
    meter: Option<&'a Meter>,
}

impl<'a, R: Rows + ?Sized> BlocksView<'a, R> {
    /// The graph in these rows.
    #[cfg(test)]
    pub(crate) fn new(rows: &'a R) -> Self {
        Self { rows, meter: None }
    }

    /// The graph in these rows; what is read of it is counted.
    pub(crate) fn metered(rows: &'a R, meter: &'a Meter) -> Self {
        Self { rows, meter: Some(meter) }
    }
}

impl<R: Rows + ?Sized> GraphView for BlocksView<'_, R> {
    type Node = NodeId;
    type Via = (EdgeId, f32);

    fn find(&self, id: NodeId) -> Option<NodeId> {
        Some(id)
    }

    fn id(&self, node: NodeId) -> NodeId {
        node
    }

    fn edge(&self, via: (EdgeId, f32)) -> (EdgeId, f32) {
        via
    }

    fn for_each<F>(
        &self,
        node: NodeId,
        side: Side,
        edge_type: Option<u32>,
        mut visit: F,
    ) -> Result<ControlFlow<()>>
    where
        F: FnMut(Hop<NodeId, (EdgeId, f32)>) -> ControlFlow<()>,
    {
        let mut flow = ControlFlow::Continue(());
        let mut entries = 0;
        adjacency::for_each(self.rows, node, side, edge_type, &mut |entry| {
            entries += 1;
            let via = (entry.edge, entry.weight);
            flow = visit(Hop { edge_type: entry.edge_type, node: entry.neighbor, via });
            flow
        })?;
        if let Some(meter) = self.meter {
            meter.list_read(entries);
        }
        Ok(flow)
    }

    fn degree(&self, node: NodeId, side: Side, edge_type: Option<u32>) -> Result<usize> {
        adjacency::degree(self.rows, node, side, edge_type)
    }

    fn node_bound(&self) -> usize {
        0
    }

    fn with_scratch<T>(&self, run: impl FnOnce(&mut ScratchOf<Self>) -> T) -> T {
        run(&mut ScratchOf::<Self>::default())
    }
}
