//! What is stored, as types: one trait, one file a family.
//!
//! A record type says everything about itself in one place: its name, its natural keys, its
//! ordered indexes, its links and its searchable text. Lower and upper layers interpret what it
//! says: `storage` writes the index rows, `graph` reads the links, `search` reads the text; none
//! of them names a record type.

pub mod artifact;
pub mod audit;
pub mod chunk;
pub mod code;
pub mod config;
pub mod document;
pub mod draft;
pub mod entity;
pub mod file;
pub mod hold;
pub mod knowledge;
pub mod learning;
pub mod memory;
pub mod organization;
pub mod persona;
pub mod provenance;
pub mod quality;
#[cfg(test)]
pub(crate) mod random;
pub mod recall;
pub(crate) mod registry;
mod stated;
pub mod tag;
pub mod task;
pub(crate) mod text_enum;
pub mod vector;
pub mod vocabulary;
pub mod workflow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::id::NodeId;
pub use crate::base::json::Json;
use crate::base::key::{self, Key};
use crate::base::time::Timestamp;
pub use crate::base::vector::Vector;
pub use artifact::{Artifact, ArtifactBlob, ArtifactEvent};
pub use audit::{
    ChangeType, GitOperation, GitOperationType, HashHistory, LogEntry, LogLevel, VerificationStatus,
};
pub use chunk::{
    ChunkEmbedding, ChunkType, ExtractedTable, ExtractionStatus, FileChunk, FileEntity,
    FileEntityLink,
};
pub use code::{
    CodeEntity, CodeEntityType, CodeFile, FileAnalysis, FileGroup, FileGroupMember, FileIssue,
    FileRelation, IssueStatus, ScanRun, TrackStatus,
};
pub use config::{ConfigValue, ValueType};
pub use document::{Document, DocumentAnalytics, DocumentContent, DocumentSearchRow, DocumentTag};
pub use draft::{Draft, DraftAction, DraftMemory, DraftStatus};
pub use entity::{Direction, Entity, MovedEnd, Relation, RelationEnd};
pub use file::{
    DuplicateType, FileDuplicate, HealthSummary, IndexedFile, KeywordSummary, ScanManifest,
    TimelineSummary, Watch,
};
pub use hold::{EraseReceipt, IdRun, LegalHold};
pub use knowledge::{
    KnowledgeProposal, KnowledgeQuestion, KnowledgeTerm, OntologyRelation, OntologyStatus,
    OntologyTerm, OntologyVersion, ProposalStatus, QuestionStatus, TermStatus,
};
pub use learning::{AnalysisVersion, LearningPath, LearningStep, PathStatus};
pub use memory::{
    Memory, MemoryCodeLink, MemoryProposal, MemoryProposalStatus, MemorySharing, MemoryType,
    SourceSpan,
};
pub use organization::{
    ActionType, FeedbackAction, LearningCase, OrganizationAction, OrganizationEvent,
    OrganizationFeedback, OrganizationProposal, OrganizationStatus,
};
pub use persona::{Persona, PersonaSkill, Skill, SkillResult};
pub use provenance::{EvidenceSpan, Provenance, ProvenanceLink, ProvenanceTarget};
pub use quality::{
    AlertStatus, BulkOperation, BulkStatus, BulkType, FileReview, Improvement, IssueTracker,
    Prompt, QualityMetrics, Review, ReviewType, RiskAlert, TrackedIssue, TrackedIssueStatus,
    TrackerType, Violation,
};
pub use recall::RecallMark;
pub use registry::RecordType;
pub use tag::{FileTag, TagDefinition};
pub use task::{
    DeadLetter, EventLevel, PipelineMode, QueueJob, QueueStatus, Schedule, Task, TaskEvent, TaskRun,
};
pub use vector::VectorDocument;
pub use vocabulary::{FileStatus, RunStatus, Severity};
pub use workflow::{DraftState, IdempotencyKey, WorkflowJob, WorkflowStatus, WorkflowStep};

/// Whether earlier values of a type's records are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum History {
    /// An overwrite or delete leaves nothing behind.
    #[default]
    None,
    /// The earlier value is kept under (id, sequence number) for the retention of the store.
    Versions,
}

/// Which vectors records of a type can carry in fields of their own: what
/// [`Facts::vector`] and [`Facts::vector_of`] say of them. Vectors that are written beside a record
/// ([`WriteTx::put_vector`](crate::WriteTx::put_vector)) need nothing of its type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CarriedVectors {
    /// None.
    #[default]
    None,
    /// Those of these models.
    Of(&'static [&'static str]),
    /// Those of models that the records name.
    OfAny,
}

impl CarriedVectors {
    /// Whether a record of the type can carry a vector of the model.
    pub(crate) fn may_be_of(self, model: &str) -> bool {
        match self {
            Self::None => false,
            Self::Of(models) => models.contains(&model),
            Self::OfAny => true,
        }
    }
}

/// A type that the store keeps.
///
/// The built-in families and an application's own types implement the same trait. Fields can be
/// added, dropped and reordered as long as the type carries `#[serde(default)]`.
///
/// ```
/// use engraph::NodeId;
/// use engraph::record::{Facts, Record};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// #[serde(default)]
/// struct Visit {
///     patient: String,
///     day: u32,
///     doctor: Option<NodeId>,
///     note: String,
/// }
///
/// impl Record for Visit {
///     const NAME: &'static str = "visit";
///     fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
///         facts.unique("patient_day", (&self.patient, self.day));
///         facts.index("day", self.day);
///         facts.link("seen_by", self.doctor);
///         facts.text("note", self.note.as_str());
///     }
/// }
/// ```
pub trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name in the store and in exports. Never changed.
    const NAME: &'static str;
    /// The version of the fields and of `describe`. An application that raises it puts its records
    /// again, so that they get the rows that the new description asks for; for the built-in types
    /// the upgrade of a store does it.
    const VERSION: u16 = 1;
    /// Whether earlier values are kept.
    const HISTORY: History = History::None;
    /// Which vectors its records can carry. A type that does not say so is not looked through for
    /// any.
    const VECTORS: CarriedVectors = CarriedVectors::None;

    /// Says what of this record is indexed, linked and searchable. Pure: the same record always
    /// says the same.
    fn describe<'a>(&'a self, facts: &mut Facts<'a>);
}

/// What a record says about itself: index keys, links, edges and searchable text.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    pub(crate) unique: Vec<(&'static str, Vec<u8>)>,
    pub(crate) indexes: Vec<(&'static str, Vec<u8>)>,
    pub(crate) links: Vec<(&'static str, NodeId)>,
    pub(crate) edges: Vec<StatedEdge<'a>>,
    pub(crate) texts: Vec<(&'static str, &'a str)>,
    pub(crate) keywords: Vec<(&'static str, &'a str)>,
    pub(crate) times: Vec<(&'static str, Timestamp)>,
    pub(crate) numbers: Vec<(&'static str, f64)>,
    pub(crate) attributes: Option<&'a Json>,
    pub(crate) vectors: Vec<StatedVector<'a>>,
}

/// A vector that a record carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StatedVector<'a> {
    /// The record that it is of, where that is another one.
    pub(crate) subject: Option<NodeId>,
    pub(crate) model: &'a str,
    pub(crate) values: &'a Vector,
}

/// An edge between two other records that a record states.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StatedEdge<'a> {
    pub(crate) source: NodeId,
    pub(crate) edge_type: &'a str,
    pub(crate) target: NodeId,
    pub(crate) weight: f32,
}

impl<'a> Facts<'a> {
    /// A natural key: at most one record of the type has it. `name` is the index's name.
    pub fn unique(&mut self, name: &'static str, key: impl Key) {
        self.unique.push((name, key::bytes_of(&key)));
    }

    /// An ordered index: records of the type can be listed by it and by any prefix of a tuple.
    pub fn index(&mut self, name: &'static str, key: impl Key) {
        self.indexes.push((name, key::bytes_of(&key)));
    }

    /// A link to another record: an edge of type `name` that a field of this record implies. It
    /// changes only with the field, and has no identity of its own.
    pub fn link(&mut self, name: &'static str, target: impl Into<Option<NodeId>>) {
        if let Some(target) = target.into() {
            self.links.push((name, target));
        }
    }

    /// An edge between two *other* records, stated by this one; its identity is this record's.
    /// For types that are relations, with properties of their own.
    pub fn edge(&mut self, source: NodeId, edge_type: &'a str, target: NodeId, weight: f32) {
        self.edges.push(StatedEdge { source, edge_type, target, weight });
    }

    /// Searchable text. Fields named `title` or `name` weigh more.
    pub fn text(&mut self, field: &'static str, text: impl Into<Option<&'a str>>) {
        if let Some(text) = text.into().filter(|text| !text.is_empty()) {
            self.texts.push((field, text));
        }
    }

    /// A word to filter search by, matched exactly: a namespace, tag, category or status.
    pub fn keyword(&mut self, field: &'static str, word: impl Into<Option<&'a str>>) {
        if let Some(word) = word.into().filter(|word| !word.is_empty()) {
            self.keywords.push((field, word));
        }
    }

    /// A time to filter and sort search by.
    pub fn time(&mut self, field: &'static str, time: impl Into<Option<Timestamp>>) {
        if let Some(time) = time.into() {
            self.times.push((field, time));
        }
    }

    /// A number to filter and sort search by.
    pub fn number(&mut self, field: &'static str, number: impl Into<Option<f64>>) {
        if let Some(number) = number.into() {
            self.numbers.push((field, number));
        }
    }

    /// Free attributes to filter search by. At most one a record: the last one counts.
    pub fn attributes(&mut self, json: impl Into<Option<&'a Json>>) {
        if let Some(json) = json.into() {
            self.attributes = Some(json);
        }
    }

    /// A vector of the record by a model, carried in a field: found as if it were written beside
    /// the record, and stored once. At most one a model and dimension: the first one counts. Needs
    /// [`Record::VECTORS`].
    pub fn vector(&mut self, model: &'a str, values: impl Into<Option<&'a Vector>>) {
        if let Some(values) = values.into().filter(|_| !model.is_empty()) {
            self.vectors.push(StatedVector { subject: None, model, values });
        }
    }

    /// As [`Facts::vector`], for a vector of another record, which is what a search finds. That
    /// record must be linked to as well, so that the vector is found from there.
    pub fn vector_of(
        &mut self,
        subject: impl Into<Option<NodeId>>,
        model: &'a str,
        values: impl Into<Option<&'a Vector>>,
    ) {
        if let (Some(subject), Some(values)) = (subject.into(), values.into())
            && !model.is_empty()
        {
            self.vectors.push(StatedVector { subject: Some(subject), model, values });
        }
    }
}

/// What a record type says about one value.
pub(crate) fn facts_of<T: Record>(record: &T) -> Facts<'_> {
    let mut facts = Facts::default();
    record.describe(&mut facts);
    facts
}
