//! What the built-in types do: the rules of each family, as methods reached from a transaction.
//!
//! A family is a handle over a transaction, `Tasks<T>` with `T` either `&ReadTx` or `&mut WriteTx`,
//! made by an inherent method of the same name on both. Its parts, which every family copies:
//!
//! * `impl<T: Deref<Target: Reader>>`: what only reads, written once for both transactions;
//! * `impl Tasks<&mut WriteTx<'_>>`: what writes. It checks its input, refuses what the present
//!   state forbids ([`Error::Conflict`]) or lacks
//!   ([`Error::NotFound`]), and takes the time from `tx.now()`;
//! * `New...`: what is to be made, as a builder; a query type where a list has filters.
//!
//! Writes check, reads tolerate: an imported record that breaks a rule is given out as it is. There
//! is no state besides the records. Nothing here but the scanner and the analyzers looks
//! at files, and nothing knows
//! SQLite or the command.

pub mod analysis;
pub mod analyzer;
pub mod artifact;
pub mod audit;
pub mod config;
pub mod document;
pub mod draft;
pub mod entity;
pub mod file;
pub mod forget;
pub mod git;
mod health;
pub mod issue;
pub mod job;
pub mod knowledge;
pub mod learning;
pub mod memory;
pub mod organization;
pub mod persona;
pub mod provenance;
pub mod quality;
pub mod recall;
pub mod report;
pub mod review;
pub mod scan;
pub mod schedule;
pub mod tag;
pub mod task;
pub mod vector;
pub mod violation;
pub mod workflow;

use std::fmt::Debug;

use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::key::Key;
use crate::base::time::Timestamp;
use crate::record::Record;
use crate::store::{IndexScan, Origin, ReadTx, RecordScan, WriteTx};
pub use analysis::{Analyses, AnalysisChange, AnalysisQuery, NewAnalysis};
pub use analyzer::{
    Analysis, AnalyzeOptions, AnalyzeProgress, AnalyzeReport, Analyzer, BuiltInAnalyzer, Import,
    Source,
};
#[cfg(feature = "http")]
pub use analyzer::{HttpAnalyzer, HttpOptions, Protocol};
pub use artifact::{Artifacts, NewArtifact};
pub use audit::{
    AuditAct, AuditChange, AuditEntry, AuditHead, AuditProblem, AuditReport, AuditTrail,
    HashVerdict, NewHashEntry,
};
pub use config::Config;
pub use document::{
    DocumentChange, DocumentHit, DocumentQuery, DocumentStats, Documents, FullDocument,
    NewDocument, NewTag, Suggestions,
};
pub use draft::{DraftChange, Drafts, FieldChange, Merged, OnConflict};
pub use file::{
    DuplicatesFound, EntityLinksMade, FileDuplicates, FileOrder, FileQuery, FileSummary, Files,
    InventoryHealth, IsMarkdown, NewChunk, NewExtractedTable, NewFile, NewFileEntity, NewWatch,
    Watches, cut_text,
};
pub use forget::{Erase, Erased, Held, Holds, NewHold, Selected};
pub use forget::{ForgetCause, ForgetPlan, ForgetPolicy, Forgettable, Forgotten};
pub use git::{Git, NewGitOperation};
#[cfg(feature = "git")]
pub use git::{GitRead, GitReading};
pub use issue::{Issues, NewIssue, NewTracker};
pub use job::{Claimed, Failed, JobCounts, Jobs, Lease, NewJob, RetryPolicy};
pub use knowledge::{
    Knowledge, NewKnowledgeProposal, NewQuestion, Ontologies, Reviewed, TermQuery, Verdict,
};
pub use learning::{FullPath, Learning, NewPath, NewStep, PathQuery, StepState};
pub use memory::{
    Approved, Basis, ClusterMember, Concatenation, Extractive, HalfLives, Memories, MemoryCluster,
    MemoryCorrection, MemoryFlag, MemoryGrouping, MemoryPlace, MemoryPolicy, MemoryProposalQuery,
    MemoryProposalStats, MemoryQuery, MemoryStats, NearMemory, NeedsProvenance, NewCodeLink,
    NewMemory, NewMemoryProposal, OnNear, OnSameKey, Outdated, Proposed, ProposedMemory,
    Remembered, ReviewPolicy, SharedMemory, Summarizer, Written, decay,
};
pub use organization::{
    ActionGroup, GroupKind, Learned, Move, Moved, NewProposal, Organization, OrganizationStats,
    ProposalEdit, ProposalQuery,
};
pub use persona::{NewPersona, NewSkill, PersonaFilter, Personas, Seeded};
pub use provenance::{FullProvenance, NewProvenance, Provenances, Target};
pub use quality::{HistoryTrimmed, NewAlert, Quality, Resolution};
pub use recall::{
    ContextItem, LeftOut, MarkOutcome, NearDuplicates, Recall, RecallCheck, RecallContext,
    RecallFields, RecallHit, RecallMarks, RecallReason, RecallSignal, RecallStats, RecallStep,
    RecallUse, RecallVerdict, RecallVia, RecallWeights, Recalled, SignalPart, count_tokens,
};
pub use report::{
    CodeFileRow, CodeStatRow, DependencyRow, FileSummaryRow, IssueRow, QualityTrendRow, Reports,
    RiskRow,
};
pub use review::{NewReview, Reviews, Scores};
pub use scan::{ScanOptions, ScanProblem, ScanProgress, ScanReport};
pub use schedule::{Fired, NewSchedule, Schedules};
pub use tag::{
    Comparison, FieldTest, NewFileTag, NewTagDefinition, RULE_AUTHOR, RulesApplied, TagField,
    TagQuery, TagRule, Tags,
};
pub use task::{EventQuery, NewEvent, NewRun, NewTask, RunQuery, RunTasks, TaskChange, Tasks};
pub use vector::{NewVectorDocument, VectorDocuments, VectorHit, VectorQuestion};
pub use violation::{NewViolation, ViolationQuery, Violations};
pub use workflow::{NewWorkflow, Workflows};

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::store::ReadTx {}
    impl Sealed for crate::store::WriteTx<'_> {}
}

/// What both transactions read alike. The methods are those of [`ReadTx`] and [`WriteTx`].
pub trait Reader: sealed::Sealed + Debug + Sized {
    /// As [`ReadTx::get`].
    ///
    /// # Errors
    /// As there.
    fn get<R: Record>(&self, id: NodeId) -> Result<Option<R>>;

    /// As [`ReadTx::find`].
    ///
    /// # Errors
    /// As there.
    fn find<R: Record>(&self, index: &str, key: impl Key) -> Result<Option<(NodeId, R)>>;

    /// As [`ReadTx::find_all`].
    ///
    /// # Errors
    /// As there.
    fn find_all<R: Record>(&self, index: &str, prefix: impl Key) -> Result<Vec<(NodeId, R)>>;

    /// As [`ReadTx::iter`].
    ///
    /// # Errors
    /// As there.
    #[expect(clippy::iter_not_returning_iterator, reason = "it can fail before it starts")]
    fn iter<R: Record>(&self) -> Result<RecordScan<'_, R>>;

    /// As [`ReadTx::index`].
    ///
    /// # Errors
    /// As there.
    fn index<R: Record>(&self, index: &str, prefix: impl Key) -> Result<IndexScan<'_, R>>;

    /// As [`ReadTx::index_descending`].
    ///
    /// # Errors
    /// As there.
    fn index_descending<R: Record>(
        &self,
        index: &str,
        prefix: impl Key,
    ) -> Result<IndexScan<'_, R>>;

    /// As [`ReadTx::index_from`].
    ///
    /// # Errors
    /// As there.
    fn index_from<R: Record>(&self, index: &str, key: impl Key) -> Result<IndexScan<'_, R>>;

    /// As [`ReadTx::index_before`].
    ///
    /// # Errors
    /// As there.
    fn index_before<R: Record>(
        &self,
        index: &str,
        prefix: impl Key,
        key: impl Key,
        id: NodeId,
    ) -> Result<IndexScan<'_, R>>;

    /// As [`ReadTx::index_count`].
    ///
    /// # Errors
    /// As there.
    fn index_count<R: Record>(&self, index: &str, prefix: impl Key, limit: usize) -> Result<usize>;

    /// As [`ReadTx::get_json`].
    ///
    /// # Errors
    /// As there.
    fn get_json(&self, id: NodeId) -> Result<Option<serde_json::Value>>;

    /// As [`ReadTx::origin`].
    fn origin(&self, id: NodeId) -> Option<Origin>;

    /// As [`ReadTx::now`] and [`WriteTx::now`].
    fn now(&self) -> Timestamp;
}

macro_rules! reader {
    ($type:ty) => {
        impl Reader for $type {
            fn get<R: Record>(&self, id: NodeId) -> Result<Option<R>> {
                self.get(id)
            }

            fn find<R: Record>(&self, index: &str, key: impl Key) -> Result<Option<(NodeId, R)>> {
                self.find(index, key)
            }

            fn find_all<R: Record>(
                &self,
                index: &str,
                prefix: impl Key,
            ) -> Result<Vec<(NodeId, R)>> {
                self.find_all(index, prefix)
            }

            fn iter<R: Record>(&self) -> Result<RecordScan<'_, R>> {
                self.iter()
            }

            fn index<R: Record>(&self, index: &str, prefix: impl Key) -> Result<IndexScan<'_, R>> {
                self.index(index, prefix)
            }

            fn index_descending<R: Record>(
                &self,
                index: &str,
                prefix: impl Key,
            ) -> Result<IndexScan<'_, R>> {
                self.index_descending(index, prefix)
            }

            fn index_from<R: Record>(
                &self,
                index: &str,
                key: impl Key,
            ) -> Result<IndexScan<'_, R>> {
                self.index_from(index, key)
            }

            fn index_before<R: Record>(
                &self,
                index: &str,
                prefix: impl Key,
                key: impl Key,
                id: NodeId,
            ) -> Result<IndexScan<'_, R>> {
                self.index_before(index, prefix, key, id)
            }

            fn index_count<R: Record>(
                &self,
                index: &str,
                prefix: impl Key,
                limit: usize,
            ) -> Result<usize> {
                self.index_count::<R>(index, prefix, limit)
            }

            fn get_json(&self, id: NodeId) -> Result<Option<serde_json::Value>> {
                self.get_json(id)
            }

            fn origin(&self, id: NodeId) -> Option<Origin> {
                self.origin(id)
            }

            fn now(&self) -> Timestamp {
                self.now()
            }
        }
    };
}
reader!(ReadTx);
reader!(WriteTx<'_>);

/// The record `id`, whose absence is a fault of the caller.
fn existing<R: Record>(tx: &impl Reader, id: NodeId) -> Result<R> {
    tx.get(id)?.ok_or_else(|| Error::not_found(R::NAME, id))
}

/// What the old application calls a record: the number of the row that it came from, or its key
/// where it was made here.
fn row_number(tx: &impl Reader, id: NodeId) -> i64 {
    tx.origin(id).map_or_else(|| id.key().cast_signed(), |origin| origin.row)
}

/// What was given as a JSON object, or an empty one, as the old application stores it.
fn object_or_empty(field: &str, json: Option<Json>) -> Result<Option<Json>> {
    let json = match json {
        Some(json) => json,
        None => Json::from_text("{}")?,
    };
    object(field, Some(json))
}

/// What was given, which must be a JSON object if anything.
fn object(field: &str, json: Option<Json>) -> Result<Option<Json>> {
    if json.as_ref().is_some_and(|json| !json.as_str().trim_start().starts_with('{')) {
        return Err(Error::invalid(field, "it is no JSON object"));
    }
    Ok(json)
}

/// What was given as a JSON array, or an empty one, as the old application stores it.
fn array_or_empty(field: &str, json: Option<Json>) -> Result<Option<Json>> {
    let json = match json {
        Some(json) => json,
        None => Json::from_text("[]")?,
    };
    if !json.as_str().trim_start().starts_with('[') {
        return Err(Error::invalid(field, "it is no JSON array"));
    }
    Ok(Some(json))
}

/// A number that is a share of 1.
fn share(field: &str, number: Option<f64>) -> Result<()> {
    match number {
        Some(number) if !(0.0..=1.0).contains(&number) => {
            Err(Error::invalid(field, format!("{number} is not in 0 to 1")))
        }
        _ => Ok(()),
    }
}

/// A text of at most so many characters.
fn at_most(field: &str, text: &str, characters_max: usize) -> Result<()> {
    // Most texts are so short that their characters need not be counted.
    if text.len() <= characters_max {
        return Ok(());
    }
    let found = text.chars().count();
    if found <= characters_max {
        return Ok(());
    }
    let what = format!("{field} in characters");
    Err(Error::Limit { what, max: characters_max as u64, found: found as u64 })
}

/// A name or word that must say something.
fn named(field: &str, text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::invalid(field, "it is empty"));
    }
    Ok(())
}
