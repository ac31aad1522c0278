//! Memories, their links to code, the proposals that become memories, and sharing.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::{CarriedVectors, Facts, History, Json, Record, Vector};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

/// The model of the vectors that memories carry: the old application has one and does not name it.
const MODEL: &str = "memory";

text_enum! {
    /// What a memory is about.
    MemoryType {
        /// What an agent keeps for itself.
        Agent = "agent",
        /// A document.
        Document = "document",
        /// A thing found in a text.
        Entity = "entity",
        /// The result of an analysis.
        Analysis = "analysis",
        /// A case.
        CaseLaw = "case_law",
        /// A precedent.
        Precedent = "precedent",
        /// Circumstances.
        Context = "context",
        /// Several memories in short.
        Summary = "summary",
        /// Something that happened or was said, at a time.
        Episodic = "episodic",
        /// Something that holds, whenever it was learnt.
        Semantic = "semantic",
        /// How something is done.
        Procedural = "procedural",
        /// What is needed for the work at hand only.
        Working = "working",
    }
}

text_enum! {
    /// State of a proposal.
    MemoryProposalStatus {
        /// Waits for a decision.
        Pending = "pending",
        /// Stored as a memory.
        Approved = "approved",
        /// Refused.
        Rejected = "rejected",
    }
}

/// A part of a record's text that a memory was taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceSpan {
    /// The record that has the text.
    pub source: NodeId,
    /// Where the part begins, in bytes of the text.
    pub start: u64,
    /// Where it ends, in bytes of the text; after its last byte.
    pub end: u64,
}

/// Something remembered.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Name of the memory, usually a UUID; the natural key.
    pub record_id: String,
    /// Where it belongs, for example `legal_entities`.
    pub namespace: String,
    /// Name within the namespace; not unique.
    pub key: String,
    /// What is remembered: text, or JSON as text.
    pub content: String,
    /// What it is about.
    pub memory_type: MemoryType,
    /// Who remembers it.
    pub agent_id: Option<String>,
    /// Name of the document it was taken from; refers to no table.
    pub document_id: Option<String>,
    /// The document it was taken from, where that is known.
    pub document: Option<NodeId>,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What else is known: a JSON object.
    pub metadata: Option<Json>,
    /// How much it matters, 0 to 1.
    pub importance_score: Option<f64>,
    /// How sure it is, 0 to 1.
    pub confidence_score: Option<f64>,
    /// How often it was read.
    pub access_count: i64,
    /// When it was last read.
    pub last_accessed_at: Option<Timestamp>,
    /// When it may be forgotten.
    pub expires_at: Option<Timestamp>,
    /// When it was first stored.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// The embedding of the content.
    pub embedding: Option<Vector>,
    /// The talk or piece of work that it belongs to.
    pub session_id: Option<String>,
    /// Since when it is true of the world; beside `created_at`, since when it is known.
    pub valid_from: Option<Timestamp>,
    /// Until when it is true of the world.
    pub valid_to: Option<Timestamp>,
    /// Since when it is known to be out of date; it is kept and not recalled by default.
    pub retired_at: Option<Timestamp>,
    /// The older memory whose place it takes.
    pub supersedes: Option<NodeId>,
    /// Never forgotten by a policy.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// The parts of records that it was taken from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<SourceSpan>,
    /// Hashes of the content by which near duplicates are found; only where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sketch: Vec<u32>,
}

impl Record for Memory {
    const NAME: &'static str = "memory";
    const HISTORY: History = History::Versions;
    const VECTORS: CarriedVectors = CarriedVectors::Of(&[MODEL]);

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("record_id", &self.record_id);
        facts.index("namespace_key", (&self.namespace, &self.key));
        facts.index("namespace", (&self.namespace, self.updated_at));
        facts.index("type", (&self.memory_type, self.updated_at));
        if let Some(agent_id) = &self.agent_id {
            facts.index("agent", (agent_id, self.updated_at));
        }
        if let Some(document_id) = &self.document_id {
            facts.index("document_id", document_id);
        }
        facts.index("updated", self.updated_at);
        if let Some(expires_at) = self.expires_at {
            facts.index("expires", expires_at);
        }
        if let Some(session_id) = &self.session_id {
            facts.index("session", (&self.namespace, session_id, self.created_at));
        }
        if let Some(older) = self.supersedes {
            facts.index("supersedes", older);
        }
        for (place, hash) in (0_u8..).zip(&self.sketch) {
            facts.index("sketch", (&self.namespace, place, *hash));
        }
        facts.link("document", self.document);
        facts.link("supersedes", self.supersedes);
        for (place, span) in self.spans.iter().enumerate() {
            // Two parts of one record are one link.
            if self.spans[..place].iter().all(|earlier| earlier.source != span.source) {
                facts.link("taken_from", span.source);
            }
        }
        facts.text("title", self.key.as_str());
        facts.text("content", self.content.as_str());
        facts.keyword("namespace", self.namespace.as_str());
        facts.keyword("type", self.memory_type.as_str());
        facts.keyword("agent", self.agent_id.as_deref());
        for word in &self.tags {
            facts.keyword("tag", word.as_str());
        }
        facts.time("created", self.created_at);
        facts.time("updated", self.updated_at);
        facts.number("importance", self.importance_score);
        facts.number("confidence", self.confidence_score);
        facts.attributes(self.metadata.as_ref());
        facts.vector(MODEL, self.embedding.as_ref());
    }
}

/// A memory is about a source file.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryCodeLink {
    /// Name of the memory.
    pub memory_record_id: String,
    /// The memory, where it exists.
    pub memory: Option<NodeId>,
    /// Path of the file; any text.
    pub file_path: String,
    /// The file, where it is known.
    pub file: Option<NodeId>,
    /// How they are related, by default `references`.
    pub relation_type: String,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// Who made the link.
    pub source: Option<String>,
    /// When it was last made.
    pub created_at: Option<Timestamp>,
}

impl Record for MemoryCodeLink {
    const NAME: &'static str = "memory_code_link";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique(
            "record_path_type",
            (&self.memory_record_id, &self.file_path, &self.relation_type),
        );
        facts.index("record", (&self.memory_record_id, self.confidence, self.created_at));
        facts.index("path", (&self.file_path, self.confidence, self.created_at));
        facts.relation(self.memory, &self.relation_type, self.file, self.confidence);
        facts.text("name", self.file_path.as_str());
        facts.keyword("type", self.relation_type.as_str());
        facts.time("created", self.created_at);
    }
}

/// A memory that waits for a decision.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryProposal {
    /// Where it would belong.
    pub namespace: String,
    /// Name within the namespace.
    pub key: String,
    /// What would be remembered.
    pub content: String,
    /// What it is about.
    pub memory_type: MemoryType,
    /// Who proposes it.
    pub agent_id: Option<String>,
    /// Name of the document it was taken from; refers to no table.
    pub document_id: Option<String>,
    /// What else is known: a JSON object.
    pub metadata: Option<Json>,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// How much it matters, 0 to 1.
    pub importance: Option<f64>,
    /// State.
    pub status: MemoryProposalStatus,
    /// Array of `low_confidence`, `high_impact`, `sensitive`, `conflict`.
    pub flags: Option<Json>,
    /// Name of the memory that it became; kept after a later rejection.
    pub stored_record_id: Option<String>,
    /// The memory that it became, where it exists.
    pub memory: Option<NodeId>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last approved.
    pub approved_at: Option<Timestamp>,
    /// When it was last rejected.
    pub rejected_at: Option<Timestamp>,
}

impl Record for MemoryProposal {
    const NAME: &'static str = "memory_proposal";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("namespace_key", (&self.namespace, &self.key));
        facts.index("status", (&self.status, self.created_at));
        facts.index("created", self.created_at);
        facts.link("memory", self.memory);
        facts.text("title", self.key.as_str());
        facts.text("content", self.content.as_str());
        facts.keyword("namespace", self.namespace.as_str());
        facts.keyword("type", self.memory_type.as_str());
        facts.keyword("agent", self.agent_id.as_deref());
        facts.keyword("status", self.status.as_str());
        facts.time("created", self.created_at);
        facts.number("importance", self.importance);
        facts.number("confidence", self.confidence);
        facts.attributes(self.metadata.as_ref());
    }
}

/// A memory was shown to another agent.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemorySharing {
    /// Name of the memory.
    pub source_record_id: Option<String>,
    /// The memory, where it exists.
    pub memory: Option<NodeId>,
    /// Who it was shown to.
    pub target_agent_id: Option<String>,
    /// When it was shown.
    pub shared_at: Option<Timestamp>,
    /// How much it mattered to them, 0 to 1.
    pub relevance_score: Option<f64>,
}

impl Record for MemorySharing {
    const NAME: &'static str = "memory_sharing";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(source_record_id) = &self.source_record_id {
            facts.index("record", source_record_id);
        }
        if let Some(target_agent_id) = &self.target_agent_id {
            facts.index("agent", (target_agent_id, self.shared_at));
        }
        facts.link("memory", self.memory);
        facts.keyword("agent", self.target_agent_id.as_deref());
        facts.time("created", self.shared_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::facts_of;

    #[test]
    fn a_memory_is_unique_by_its_name_and_only_listed_by_namespace_and_key() {
        let memory = Memory {
            record_id: "a".into(),
            namespace: "case-7".into(),
            key: "deadline".into(),
            tags: vec!["urgent".into(), "court".into()],
            ..Default::default()
        };
        let facts = facts_of(&memory);
        let unique: Vec<_> = facts.unique.iter().map(|(name, _)| *name).collect();
        assert_eq!(unique, ["record_id"]);
        assert!(facts.indexes.iter().any(|(name, _)| *name == "namespace_key"));
        assert!(facts.keywords.contains(&("tag", "court")));
        assert!(facts_of(&Memory::default()).unique.is_empty());
    }
}
