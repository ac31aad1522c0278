//! A memory to be written, as a builder.

use std::time::Duration;

use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::base::vector::Vector;
use crate::record::{Memory, MemoryType, SourceSpan};

/// How much a new memory matters, and how sure it is, where nothing is said: as in the old
/// application.
const SCORE_DEFAULT: f64 = 1.0;

/// A memory to be written.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewMemory {
    pub(super) memory: Memory,
    pub(super) memory_type: Option<MemoryType>,
    pub(super) lifetime: Option<Duration>,
}

impl NewMemory {
    /// A memory of that namespace and key: text, or JSON as text.
    pub fn new(
        namespace: impl Into<String>,
        key: impl Into<String>,
        content: impl Into<String>,
    ) -> Self {
        let memory = Memory {
            namespace: namespace.into(),
            key: key.into(),
            content: content.into(),
            ..Memory::default()
        };
        Self { memory, memory_type: None, lifetime: None }
    }

    /// A memory with these fields.
    pub(super) fn of(memory: Memory) -> Self {
        let memory_type = Some(memory.memory_type.clone());
        Self { memory, memory_type, lifetime: None }
    }

    /// Sets what it is about; [`MemoryType::Agent`] where nothing is said.
    pub fn memory_type(mut self, memory_type: impl Into<MemoryType>) -> Self {
        self.memory_type = Some(memory_type.into());
        self
    }

    /// Sets who remembers it.
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.memory.agent_id = Some(agent.into());
        self
    }

    /// Sets the record that it was taken from, which becomes a link.
    pub fn document(mut self, document: NodeId) -> Self {
        self.memory.document = Some(document);
        self
    }

    /// Sets the name of the document that it was taken from, any text.
    pub fn document_name(mut self, name: impl Into<String>) -> Self {
        self.memory.document_id = Some(name.into());
        self
    }

    /// Sets the talk or piece of work that it belongs to.
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.memory.session_id = Some(session.into());
        self
    }

    /// Adds a tag.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.memory.tags.push(tag.into());
        self
    }

    /// Sets what else is known, a JSON object.
    pub fn metadata(mut self, metadata: Json) -> Self {
        self.memory.metadata = Some(metadata);
        self
    }

    /// Sets how much it matters, 0 to 1; 1 where nothing is said.
    pub fn importance(mut self, importance: f64) -> Self {
        self.memory.importance_score = Some(importance);
        self
    }

    /// Sets how sure it is, 0 to 1; 1 where nothing is said.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.memory.confidence_score = Some(confidence);
        self
    }

    /// Sets since when it is known, where that is not the time of the write.
    pub fn created_at(mut self, time: Timestamp) -> Self {
        self.memory.created_at = Some(time);
        self
    }

    /// Sets since when it is true.
    pub fn valid_from(mut self, time: Timestamp) -> Self {
        self.memory.valid_from = Some(time);
        self
    }

    /// Sets until when it is true, that time excluded.
    pub fn valid_to(mut self, time: Timestamp) -> Self {
        self.memory.valid_to = Some(time);
        self
    }

    /// Sets when it expires.
    pub fn expires_at(mut self, time: Timestamp) -> Self {
        self.memory.expires_at = Some(time);
        self
    }

    /// Sets how long after the write it expires.
    pub fn time_to_live(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// No policy may forget it.
    pub fn pinned(mut self) -> Self {
        self.memory.pinned = true;
        self
    }

    /// Adds a part of a record's text that it was taken from, in bytes from `start` up to, not
    /// including, `end`.
    pub fn span(mut self, source: NodeId, start: u64, end: u64) -> Self {
        self.memory.spans.push(SourceSpan { source, start, end });
        self
    }

    /// Sets the embedding of the content.
    pub fn embedding(mut self, values: &[f32]) -> Self {
        self.memory.embedding = Some(Vector::from_slice(values));
        self
    }

    /// Sets the record id; a new one is made where none is given.
    pub fn record_id(mut self, record_id: impl Into<String>) -> Self {
        self.memory.record_id = record_id.into();
        self
    }

    /// The memory as it is written at `now`, with what is not said filled in.
    pub(super) fn completed(self, now: Timestamp) -> Memory {
        let mut memory = self.memory;
        memory.memory_type = self.memory_type.unwrap_or_default();
        memory.importance_score.get_or_insert(SCORE_DEFAULT);
        memory.confidence_score.get_or_insert(SCORE_DEFAULT);
        memory.created_at.get_or_insert(now);
        memory.updated_at = Some(now);
        memory
    }

    /// What of it is said laid over a memory that is there; what is not said stays.
    pub(super) fn over(self, old: &Memory) -> Memory {
        let (new, mut memory) = (self.memory, old.clone());
        if new.embedding.is_some() || new.content != memory.content {
            memory.embedding = new.embedding;
        }
        memory.content = new.content;
        if let Some(memory_type) = self.memory_type {
            memory.memory_type = memory_type;
        }
        memory.document_id = new.document_id.or(memory.document_id);
        memory.document = new.document.or(memory.document);
        memory.session_id = new.session_id.or(memory.session_id);
        memory.metadata = new.metadata.or(memory.metadata);
        memory.importance_score = new.importance_score.or(memory.importance_score);
        memory.confidence_score = new.confidence_score.or(memory.confidence_score);
        memory.created_at = new.created_at.or(memory.created_at);
        memory.expires_at = new.expires_at.or(memory.expires_at);
        memory.valid_from = new.valid_from.or(memory.valid_from);
        memory.valid_to = new.valid_to.or(memory.valid_to);
        memory.pinned |= new.pinned;
        if !new.tags.is_empty() {
            memory.tags = new.tags;
        }
        if !new.spans.is_empty() {
            memory.spans = new.spans;
        }
        memory
    }
}
