//! Where a statement comes from: the source, the passages, what they support.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::{Facts, History, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

text_enum! {
    /// What a provenance supports.
    ProvenanceTarget {
        /// A proposal where a file should go.
        OrganizationProposal = "organization_proposal",
        /// A proposed memory.
        MemoryProposal = "memory_proposal",
        /// A version of an analysis.
        AnalysisVersion = "analysis_version",
        /// An entity of the knowledge graph.
        KnowledgeEntity = "knowledge_entity",
        /// A relation of the knowledge graph.
        KnowledgeRelationship = "knowledge_relationship",
        /// The approval of a change of the knowledge graph.
        KnowledgeProposalApproval = "knowledge_proposal_approval",
        /// The verification of a term.
        ManagerKnowledgeVerification = "manager_knowledge_verification",
        /// The curation of a term.
        ManagerKnowledgeCuration = "manager_knowledge_curation",
        /// What a planner kept.
        PlannerPersistedOutput = "planner_persisted_output",
        /// The promotion of a heuristic.
        HeuristicPromotion = "heuristic_promotion",
    }
}

/// One source, as it was when something was taken from it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// The file or canonical artifact.
    pub artifact: Option<NodeId>,
    /// SHA-256 of the source, 64 hexadecimal digits.
    pub source_sha256: String,
    /// What took it, 1 to 100 characters.
    pub extractor_id: String,
    /// When it was taken.
    pub captured_at: Option<Timestamp>,
    /// Notes, at most 2000 characters.
    pub notes: Option<String>,
}

impl Record for Provenance {
    const NAME: &'static str = "provenance";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("artifact", (self.artifact, self.captured_at));
        facts.index("sha256", &self.source_sha256);
        facts.link("artifact", self.artifact);
        facts.text("notes", self.notes.as_deref());
        facts.text("extractor", self.extractor_id.as_str());
        facts.time("created", self.captured_at);
    }
}

/// A passage of a source.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvidenceSpan {
    /// The source.
    pub provenance: Option<NodeId>,
    /// First character, from 0.
    pub start_char: i64,
    /// The character behind the last one.
    pub end_char: i64,
    /// The words, at most 2000 characters.
    pub quote: Option<String>,
}

impl Record for EvidenceSpan {
    const NAME: &'static str = "evidence_span";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("provenance", (self.provenance, self.start_char));
        facts.link("provenance", self.provenance);
        facts.text("quote", self.quote.as_deref());
    }
}

/// A source supports something.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProvenanceLink {
    /// The source.
    pub provenance: Option<NodeId>,
    /// What kind of thing it supports.
    pub target_type: ProvenanceTarget,
    /// Which one: its number or name as text.
    pub target_id: String,
    /// Which one, where it is known.
    pub target: Option<NodeId>,
}

impl Record for ProvenanceLink {
    const NAME: &'static str = "provenance_link";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("target", (&self.target_type, &self.target_id));
        facts.index("provenance", self.provenance);
        facts.link("provenance", self.provenance);
        facts.link("target", self.target);
        facts.keyword("type", self.target_type.as_str());
    }
}
