//! Placeholder so that others can compile: the graph helper replaces this file.
use super::rows::*; use crate::{NodeId,EdgeId,Result,Timestamp,Json};
#[derive(Clone,Debug)] pub(crate) struct EdgeRecord{pub(crate) id:EdgeId,pub(crate) source:NodeId,pub(crate) edge_type:u32,pub(crate) target:NodeId,pub(crate) weight:f32,pub(crate) valid_from:Option<Timestamp>,pub(crate) valid_to:Option<Timestamp>,pub(crate) properties:Option<Json>}
pub(crate) fn add_edge<R:RowsMut>(_:&mut R,_:&EdgeRecord)->Result<()>{Ok(())}
pub(crate) fn remove_edge<R:RowsMut>(_:&mut R,_:EdgeId)->Result<Option<EdgeRecord>>{Ok(None)}
pub(crate) fn next_edge_id<R:Rows>(_:&R)->Result<EdgeId>{Ok(EdgeId::from_u64(1))}
pub(crate) fn remove_all_edges_of<R:RowsMut>(_:&mut R,_:NodeId)->Result<Vec<EdgeRecord>>{Ok(vec![])}
