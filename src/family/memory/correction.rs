//! What somebody who looked at a memory corrects in it.

use super::review::fields_of;
use super::{Memories, object};
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::record::Memory;
use crate::store::WriteTx;

/// What is corrected in a memory; what is not given stays.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct MemoryCorrection {
    content: Option<String>,
    metadata: Option<Json>,
    importance: Option<f64>,
    confidence: Option<f64>,
}

impl MemoryCorrection {
    /// Corrects nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the content.
    pub fn content(mut self, content: impl Into<String>) -> Self {
        self.content = Some(content.into());
        self
    }

    /// Sets fields of the metadata, a JSON object; fields that it does not have stay.
    pub fn metadata(mut self, metadata: Json) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Sets how much it matters, 0 to 1.
    pub fn importance(mut self, importance: f64) -> Self {
        self.importance = Some(importance);
        self
    }

    /// Sets how sure it is, 0 to 1.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.confidence = Some(confidence);
        self
    }

    pub(super) fn apply(&self, memory: &mut Memory) -> Result<()> {
        if let Some(content) = &self.content {
            memory.content.clone_from(content);
        }
        if let Some(metadata) = object("metadata", self.metadata.clone())? {
            let mut fields = fields_of(memory.metadata.as_ref());
            fields.extend(fields_of(Some(&metadata)));
            memory.metadata = Some(Json::of(&fields)?);
        }
        memory.importance_score = self.importance.or(memory.importance_score);
        memory.confidence_score = self.confidence.or(memory.confidence_score);
        Ok(())
    }
}

impl Memories<&mut WriteTx<'_>> {
    /// Corrects a memory and returns it as written.
    ///
    /// # Errors
    /// As [`Memories::update`].
    pub fn correct(&mut self, id: NodeId, correction: &MemoryCorrection) -> Result<Memory> {
        self.update(id, |memory| correction.apply(memory))
    }
}
