//! What was observed of an entity: memories that lead to it.

use std::collections::BTreeSet;

use super::{Memories, NewMemory};
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::graph::{Direction, Neighbor};
use crate::record::{Entity, Memory};
use crate::store::{ReadTx, WriteTx};

/// The type of the edge from an observation to its entity.
const EDGE: &str = "observation_of";

impl Memories<&ReadTx> {
    /// What was observed of an entity and is present, by id.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when something does not decode.
    pub fn observations(&self, entity: NodeId) -> Result<Vec<(NodeId, Memory)>> {
        let now = self.tx.now();
        let mut found = Vec::new();
        for id in ends(self.tx.graph().neighbors(entity, Direction::In)?) {
            let memory = self.get(id)?;
            found.extend(memory.filter(|memory| memory.is_present(now)).map(|memory| (id, memory)));
        }
        Ok(found)
    }
}

impl Memories<&mut WriteTx<'_>> {
    /// Remembers something of an entity, by the default policy, and returns the memory: an
    /// observation of the same namespace and key takes the older one's place.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when the entity is absent; else as
    /// [`Memories::remember`].
    pub fn observe(&mut self, entity: NodeId, new: NewMemory) -> Result<NodeId> {
        super::existing::<Entity>(&*self.tx, entity)?;
        let id = self.remember(new)?;
        if !ends(self.tx.neighbors(id, Direction::Out)?).contains(&entity) {
            self.tx.link(id, EDGE, entity)?;
        }
        Ok(id)
    }
}

fn ends(around: Vec<Neighbor>) -> BTreeSet<NodeId> {
    around.into_iter().filter(|near| &*near.edge_type == EDGE).map(|near| near.node).collect()
}
