//! How many memories there are.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde::Serialize;

use super::{Memories, Reader};
use crate::base::error::Result;
use crate::record::{Memory, MemoryCodeLink, MemoryProposal, MemorySharing};

/// How many memories there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MemoryStats {
    /// All memories.
    pub memories: u64,
    /// Those that are neither retired nor expired.
    pub present: u64,
    /// Retired ones.
    pub retired: u64,
    /// Expired ones.
    pub expired: u64,
    /// Those that no policy may forget.
    pub pinned: u64,
    /// Those that carry an embedding.
    pub embedded: u64,
    /// By type, as are the next two: all memories.
    pub types: BTreeMap<String, u64>,
    /// By namespace.
    pub namespaces: BTreeMap<String, u64>,
    /// By agent, those without one left out.
    pub agents: BTreeMap<String, u64>,
    /// Links to files of code.
    pub code_links: u64,
    /// Shares.
    pub shares: u64,
    /// Proposals.
    pub proposals: u64,
}

impl<T: Deref<Target: Reader>> Memories<T> {
    /// Counts memories and what belongs to them. Looks at every memory.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when one does not decode.
    pub fn stats(&self) -> Result<MemoryStats> {
        let now = self.tx.now();
        let mut stats = MemoryStats::default();
        for row in self.tx.iter::<Memory>()? {
            let (_, memory) = row?;
            stats.memories += 1;
            stats.present += u64::from(memory.is_present(now));
            stats.retired += u64::from(memory.retired_at.is_some_and(|retired| retired <= now));
            stats.expired += u64::from(memory.is_expired(now));
            stats.pinned += u64::from(memory.pinned);
            stats.embedded += u64::from(memory.embedding.is_some());
            *stats.types.entry(memory.memory_type.to_string()).or_default() += 1;
            *stats.namespaces.entry(memory.namespace).or_default() += 1;
            if let Some(agent) = memory.agent_id {
                *stats.agents.entry(agent).or_default() += 1;
            }
        }
        let all = usize::MAX;
        stats.code_links = self.tx.index_count::<MemoryCodeLink>("record", (), all)? as u64;
        stats.proposals = self.tx.index_count::<MemoryProposal>("created", (), all)? as u64;
        for row in self.tx.iter::<MemorySharing>()? {
            row?;
            stats.shares += 1;
        }
        Ok(stats)
    }
}
