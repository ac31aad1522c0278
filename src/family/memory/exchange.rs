//! Memories as JSON, to be taken elsewhere and back: what the old application writes and reads, and
//! the fields that it did not have.
//!
//! Ids of other records mean nothing elsewhere, so they are left out; a memory is called by its
//! record id, which stays. Vectors, links and shares are left out as well; the whole of a store is
//! what `export` of the command writes.

use std::io;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Memories, MemoryQuery, Reader};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::limits::MEMORY_TRANSFER_MAX;
use crate::base::time::Timestamp;
use crate::record::{Memory, MemoryType};
use crate::store::WriteTx;

/// Namespace and key where an imported memory has none.
const PLACE_DEFAULT: &str = "import";

/// A memory as JSON.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Exchanged {
    record_id: Option<String>,
    namespace: Option<String>,
    key: Option<String>,
    content: Option<serde_json::Value>,
    memory_type: Option<MemoryType>,
    agent_id: Option<String>,
    document_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    metadata: Option<serde_json::Value>,
    importance_score: Option<f64>,
    confidence_score: Option<f64>,
    access_count: Option<i64>,
    last_accessed_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    session_id: Option<String>,
    valid_from: Option<Timestamp>,
    valid_to: Option<Timestamp>,
    retired_at: Option<Timestamp>,
    /// Record id of the older memory.
    supersedes: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pinned: bool,
}

impl Exchanged {
    fn of(memory: Memory, supersedes: Option<String>) -> Result<Self> {
        Ok(Self {
            record_id: Some(memory.record_id),
            namespace: Some(memory.namespace),
            key: Some(memory.key),
            content: Some(memory.content.into()),
            memory_type: Some(memory.memory_type),
            agent_id: memory.agent_id,
            document_id: memory.document_id,
            tags: memory.tags,
            metadata: memory.metadata.map(|metadata| metadata.to_value()).transpose()?,
            importance_score: memory.importance_score,
            confidence_score: memory.confidence_score,
            access_count: Some(memory.access_count),
            last_accessed_at: memory.last_accessed_at,
            expires_at: memory.expires_at,
            created_at: memory.created_at,
            updated_at: memory.updated_at,
            session_id: memory.session_id,
            valid_from: memory.valid_from,
            valid_to: memory.valid_to,
            retired_at: memory.retired_at,
            supersedes,
            pinned: memory.pinned,
        })
    }

    fn into_memory(self) -> Result<Memory> {
        let place = |text: Option<String>| {
            text.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| PLACE_DEFAULT.into())
        };
        let content = match self.content {
            Some(serde_json::Value::String(text)) => text,
            None | Some(serde_json::Value::Null) => String::new(),
            Some(other) => other.to_string(),
        };
        let metadata = self.metadata.filter(|metadata| !metadata.is_null());
        Ok(Memory {
            record_id: self.record_id.unwrap_or_default(),
            namespace: place(self.namespace),
            key: place(self.key),
            content,
            memory_type: self.memory_type.unwrap_or_default(),
            agent_id: self.agent_id,
            document_id: self.document_id,
            tags: self.tags,
            metadata: metadata.map(|metadata| Json::of(&metadata)).transpose()?,
            importance_score: self.importance_score,
            confidence_score: self.confidence_score,
            access_count: self.access_count.unwrap_or_default(),
            last_accessed_at: self.last_accessed_at,
            expires_at: self.expires_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
            session_id: self.session_id,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            retired_at: self.retired_at,
            pinned: self.pinned,
            ..Memory::default()
        })
    }
}

impl<T: Deref<Target: Reader>> Memories<T> {
    /// Writes the memories of a query as a JSON array, one object a line, and tells how many. At
    /// most 100,000, whatever the query's limit.
    ///
    /// # Errors
    /// [`Error::Io`] when `out` takes no more; [`Error::Corrupt`] when a memory does not decode.
    pub fn export_json(&self, query: &MemoryQuery, mut out: impl io::Write) -> Result<usize> {
        let failed = |error| Error::io("write", "the memories", error);
        let found = self.list(query)?;
        let count = found.len().min(MEMORY_TRANSFER_MAX);
        out.write_all(b"[").map_err(failed)?;
        for (number, (_, memory)) in found.into_iter().take(count).enumerate() {
            let older = memory.supersedes.map(|older| self.get(older)).transpose()?.flatten();
            let whole = Exchanged::of(memory, older.map(|older| older.record_id))?;
            let between: &[u8] = if number == 0 { b"\n" } else { b",\n" };
            out.write_all(between).map_err(failed)?;
            serde_json::to_writer(&mut out, &whole).map_err(|error| failed(error.into()))?;
        }
        out.write_all(b"\n]\n").map_err(failed)?;
        Ok(count)
    }
}

impl Memories<&mut WriteTx<'_>> {
    /// Takes memories in from JSON: an array of objects, as [`Memories::export_json`] and the old
    /// application write it. Record ids are kept, and a memory of the same one is replaced; without
    /// namespace or key they are `import`; unknown fields are passed over. All or none; returns the
    /// memories in order.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a text that is no such array, or an object that is no memory, with
    /// its number; [`Error::Limit`] for more than 100,000.
    pub fn import_json(&mut self, json: &str) -> Result<Vec<NodeId>> {
        let values: Vec<serde_json::Value> = serde_json::from_str(json)
            .map_err(|error| Error::invalid("json", format!("no array of memories: {error}")))?;
        if values.len() > MEMORY_TRANSFER_MAX {
            let (max, found) = (MEMORY_TRANSFER_MAX as u64, values.len() as u64);
            return Err(Error::Limit { what: "memories of one import".into(), max, found });
        }
        let mut ids = Vec::with_capacity(values.len());
        let mut chains = Vec::new();
        // Lists begin with what is newest: from their end on, the order of ids is that of age.
        for (number, value) in values.into_iter().enumerate().rev() {
            let at = |reason: String| Error::invalid(format!("memory {}", number + 1), reason);
            let mut exchanged: Exchanged =
                serde_json::from_value(value).map_err(|error| at(error.to_string()))?;
            let older = exchanged.supersedes.take();
            let id = match self.put(&exchanged.into_memory()?) {
                Err(Error::Invalid { field, reason }) => {
                    return Err(at(format!("{field}: {reason}")));
                }
                other => other?,
            };
            chains.extend(older.map(|older| (id, older)));
            ids.push(id);
        }
        ids.reverse();
        // The older one of a chain may come after the newer one.
        for (id, older) in chains {
            if let Some((older, _)) = self.find(&older)?.filter(|(older, _)| *older != id) {
                self.tx.update(id, |memory: &mut Memory| {
                    memory.supersedes = Some(older);
                    Ok(())
                })?;
            }
        }
        Ok(ids)
    }
}
