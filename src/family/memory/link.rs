//! What memories are about and who was shown them: links to files of code, and shares.

use std::cmp::Reverse;
use std::ops::Deref;

use super::{Memories, Reader, at_most, existing, named, share};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::MEMORY_NAME_CHARS_MAX;
use crate::record::{IndexedFile, Memory, MemoryCodeLink, MemorySharing};
use crate::store::WriteTx;

/// How a file is related where nothing is said, and who says so: as in the old application.
const RELATION_DEFAULT: &str = "references";
const SOURCE_DEFAULT: &str = "system";
/// How sure a link is, and how much a share matters, where nothing is said.
const SCORE_DEFAULT: f64 = 1.0;

/// A link from a memory to a file of code, to be made.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewCodeLink(MemoryCodeLink);

impl NewCodeLink {
    /// The memory references a file, by its path, any text.
    pub fn new(path: impl Into<String>) -> Self {
        Self(MemoryCodeLink {
            file_path: path.into(),
            relation_type: RELATION_DEFAULT.into(),
            confidence: Some(SCORE_DEFAULT),
            source: Some(SOURCE_DEFAULT.into()),
            ..MemoryCodeLink::default()
        })
    }

    /// Sets how they are related.
    pub fn relation(mut self, relation: impl Into<String>) -> Self {
        self.0.relation_type = relation.into();
        self
    }

    /// Sets how sure it is, 0 to 1.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.0.confidence = Some(confidence);
        self
    }

    /// Sets who says so.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Sets the indexed file that the path means, which makes the link an edge of the graph.
    pub fn file(mut self, file: NodeId) -> Self {
        self.0.file = Some(file);
        self
    }
}

/// A memory that was shown to an agent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SharedMemory {
    /// The share.
    pub sharing: MemorySharing,
    /// Which memory.
    pub id: NodeId,
    /// The memory.
    pub memory: Memory,
}

impl<T: Deref<Target: Reader>> Memories<T> {
    /// The links of a memory to files, the surest and newest first, at most `limit`.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the memory is absent; [`Error::Corrupt`] when one does not decode.
    pub fn files_of(&self, id: NodeId, limit: usize) -> Result<Vec<(NodeId, MemoryCodeLink)>> {
        let memory: Memory = existing(&*self.tx, id)?;
        let rows = self.tx.index_descending("record", (memory.record_id,))?;
        let is_of = |link: &MemoryCodeLink| link.memory.is_none_or(|of| of == id);
        rows.filter(|row| row.as_ref().map_or(true, |(_, link)| is_of(link))).take(limit).collect()
    }

    /// The memories that are linked to a file, by its path, the surest and newest link first, at
    /// most `limit`. Those that have expired are left out.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn about_file(&self, path: &str, limit: usize) -> Result<Vec<(NodeId, Memory)>> {
        let now = self.tx.now();
        let mut found: Vec<(NodeId, Memory)> = Vec::new();
        for row in self.tx.index_descending::<MemoryCodeLink>("path", (path,))? {
            if found.len() == limit {
                break;
            }
            let (_, link) = row?;
            let memory = match link.memory {
                Some(id) => self.get(id)?.map(|memory| (id, memory)),
                None => self.find(&link.memory_record_id)?,
            };
            let is_new = |id: NodeId| found.iter().all(|(known, _)| *known != id);
            found.extend(memory.filter(|(id, memory)| !memory.is_expired(now) && is_new(*id)));
        }
        Ok(found)
    }

    /// The memories that an agent was shown, those that matter most to it first, then the newest,
    /// at most `limit`. Those that are retired or have expired are left out. Reads all of its
    /// shares.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn shared_with(&self, agent: &str, limit: usize) -> Result<Vec<SharedMemory>> {
        let now = self.tx.now();
        let mut found = Vec::new();
        for row in self.tx.index_descending::<MemorySharing>("agent", (agent,))? {
            let (_, sharing) = row?;
            let memory = match (sharing.memory, &sharing.source_record_id) {
                (Some(id), _) => self.get(id)?.map(|memory| (id, memory)),
                (None, Some(record_id)) => self.find(record_id)?,
                (None, None) => None,
            };
            if let Some((id, memory)) = memory.filter(|(_, memory)| memory.is_present(now)) {
                found.push(SharedMemory { sharing, id, memory });
            }
        }
        let relevance = |shared: &SharedMemory| shared.sharing.relevance_score.unwrap_or_default();
        found.sort_by(|a, b| relevance(b).total_cmp(&relevance(a)));
        found.truncate(limit);
        Ok(found)
    }

    /// Who was shown a memory, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the memory is absent; [`Error::Corrupt`] when one does not decode.
    pub fn shares_of(&self, id: NodeId) -> Result<Vec<(NodeId, MemorySharing)>> {
        let memory: Memory = existing(&*self.tx, id)?;
        let mut found = Vec::new();
        for row in self.tx.index::<MemorySharing>("record", &memory.record_id)? {
            let (share, sharing) = row?;
            if sharing.memory.is_none_or(|of| of == id) {
                found.push((share, sharing));
            }
        }
        found.sort_by_key(|(share, sharing)| Reverse((sharing.shared_at, *share)));
        Ok(found)
    }
}

impl Memories<&mut WriteTx<'_>> {
    /// Links a memory to a file of code. A link of the same path and relation that is there is made
    /// anew in place. Returns the link.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the memory or the file is absent; [`Error::Invalid`] for an empty
    /// path or relation or a confidence outside 0 to 1; [`Error::Limit`] for a text that is too
    /// long.
    pub fn link_file(&mut self, id: NodeId, new: NewCodeLink) -> Result<NodeId> {
        let memory: Memory = existing(&*self.tx, id)?;
        let mut link = new.0;
        named("file_path", &link.file_path)?;
        named("relation_type", &link.relation_type)?;
        at_most("relation_type", &link.relation_type, MEMORY_NAME_CHARS_MAX)?;
        share("confidence", link.confidence)?;
        if let Some(file) = link.file {
            existing::<IndexedFile>(&*self.tx, file)?;
        }
        let key = (&memory.record_id, &link.file_path, &link.relation_type);
        let found = self.tx.find::<MemoryCodeLink>("record_path_type", key)?;
        link.memory_record_id = memory.record_id;
        link.memory = Some(id);
        link.created_at = Some(self.tx.now());
        match found {
            Some((row, _)) => {
                self.tx.put(row, &link)?;
                Ok(row)
            }
            None => self.tx.insert(&link),
        }
    }

    /// Takes a link to a file away. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `link` is no link of a memory to a file.
    pub fn unlink_file(&mut self, link: NodeId) -> Result<bool> {
        if link.kind() != self.tx.kind_of::<MemoryCodeLink>()? {
            return Err(Error::invalid("link", format!("{link} is no memory_code_link")));
        }
        self.tx.delete(link)
    }

    /// Shows a memory to another agent, to which it matters that much, 0 to 1; 1 where nothing is
    /// said. One that it was shown before is shown anew. Returns the share.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the memory is absent; [`Error::Invalid`] for an agent without a
    /// name or a relevance outside 0 to 1; [`Error::Conflict`] when it is the agent's own.
    pub fn share(&mut self, id: NodeId, agent: &str, relevance: Option<f64>) -> Result<NodeId> {
        let memory: Memory = existing(&*self.tx, id)?;
        named("target_agent_id", agent)?;
        at_most("target_agent_id", agent, MEMORY_NAME_CHARS_MAX)?;
        share("relevance_score", relevance)?;
        if memory.agent_id.as_deref() == Some(agent) {
            return Err(Error::conflict(format!("memory {id}"), format!("it is {agent:?}'s own")));
        }
        let sharing = MemorySharing {
            source_record_id: Some(memory.record_id),
            memory: Some(id),
            target_agent_id: Some(agent.to_owned()),
            shared_at: Some(self.tx.now()),
            relevance_score: Some(relevance.unwrap_or(SCORE_DEFAULT)),
        };
        match self.share_with(id, agent)? {
            Some(row) => {
                self.tx.put(row, &sharing)?;
                Ok(row)
            }
            None => self.tx.insert(&sharing),
        }
    }

    /// Takes a share back. Tells whether the agent was shown the memory.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the memory is absent.
    pub fn unshare(&mut self, id: NodeId, agent: &str) -> Result<bool> {
        match self.share_with(id, agent)? {
            Some(row) => self.tx.delete(row),
            None => Ok(false),
        }
    }

    fn share_with(&self, id: NodeId, agent: &str) -> Result<Option<NodeId>> {
        let is_with = |sharing: &MemorySharing| sharing.target_agent_id.as_deref() == Some(agent);
        let shares = self.shares_of(id)?.into_iter();
        Ok(shares.filter(|(_, sharing)| is_with(sharing)).map(|(row, _)| row).next())
    }
}
