//! Edges as algorithms return them.

use std::sync::Arc;

use super::snapshot::Snapshot;
use super::{Graph, GraphView as _, name_of};
use crate::base::error::Result;
use crate::base::id::{EdgeId, NodeId};

/// One edge that an algorithm chose.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GraphEdge {
    /// The name of the edge's type.
    pub edge_type: Arc<str>,
    /// Where it starts.
    pub source: NodeId,
    /// Where it ends.
    pub target: NodeId,
    /// The edge; [`EdgeId::LINK`] for a link.
    pub edge: EdgeId,
    /// The weight; 1 where none was given.
    pub weight: f32,
}

impl Graph {
    /// The edge at a position, of which the ends are known.
    pub(super) fn edge_between(
        &self,
        snapshot: &Snapshot,
        position: u32,
        (source, target): (u32, u32),
    ) -> Result<GraphEdge> {
        let edge_type = snapshot.edge_type_at(position).unwrap_or(u32::MAX);
        let edge_type = name_of(&*self.names, edge_type)?;
        let (edge, weight) = snapshot.edge(position);
        let (source, target) = (snapshot.id(source), snapshot.id(target));
        Ok(GraphEdge { edge_type, source, target, edge, weight })
    }
}
