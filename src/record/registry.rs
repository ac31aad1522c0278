//! Every kind once: the built-in list, and the types that an application registers at open.

use std::any::TypeId;
use std::fmt;

use super::{
    AnalysisVersion, Artifact, ArtifactBlob, ArtifactEvent, BulkOperation, ChunkEmbedding,
    CodeEntity, CodeFile, ConfigValue, DeadLetter, Document, DocumentAnalytics, DocumentContent,
    DocumentSearchRow, DocumentTag, Draft, DraftMemory, Entity, EraseReceipt, EvidenceSpan,
    ExtractedTable, FileAnalysis, FileChunk, FileDuplicate, FileEntity, FileEntityLink, FileGroup,
    FileGroupMember, FileIssue, FileRelation, FileReview, FileTag, GitOperation, HashHistory,
    HealthSummary, IdempotencyKey, IndexedFile, IssueTracker, KeywordSummary, KnowledgeProposal,
    KnowledgeQuestion, KnowledgeTerm, LearningCase, LearningPath, LearningStep, LegalHold,
    LogEntry, Memory, MemoryCodeLink, MemoryProposal, MemorySharing, OntologyRelation,
    OntologyTerm, OntologyVersion, OrganizationAction, OrganizationEvent, OrganizationFeedback,
    OrganizationProposal, Persona, PersonaSkill, Prompt, Provenance, ProvenanceLink,
    QualityMetrics, QueueJob, RecallMark, Relation, Review, RiskAlert, ScanManifest, ScanRun,
    Schedule, Skill, SkillResult, TagDefinition, Task, TaskEvent, TaskRun, TimelineSummary,
    TrackedIssue, VectorDocument, Violation, Watch, WorkflowJob,
};
use super::{CarriedVectors, Facts, History, Record, facts_of};
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::Kind;

type DescribeFn = fn(&[u8], &mut dyn FnMut(&Facts<'_>) -> Result<()>) -> Result<()>;

/// A record type without its Rust type: what the store needs to describe, show and read values.
#[derive(Clone, Copy)]
pub struct RecordType {
    pub(crate) name: &'static str,
    pub(crate) version: u16,
    pub(crate) history: History,
    pub(crate) vectors: CarriedVectors,
    pub(crate) type_id: TypeId,
    pub(crate) describe: DescribeFn,
    pub(crate) to_json: fn(&[u8]) -> Result<serde_json::Value>,
    pub(crate) from_json: fn(serde_json::Value) -> Result<Vec<u8>>,
}

impl RecordType {
    /// The description of `T`.
    #[must_use]
    pub fn of<T: Record>() -> Self {
        Self {
            name: T::NAME,
            version: T::VERSION,
            history: T::HISTORY,
            vectors: T::VECTORS,
            type_id: TypeId::of::<T>(),
            describe: |bytes, take| {
                let record: T = codec::decode(bytes)?;
                take(&facts_of(&record))
            },
            to_json: |bytes| {
                let record: T = codec::decode(bytes)?;
                serde_json::to_value(&record)
                    .map_err(|error| Error::invalid(T::NAME, error.to_string()))
            },
            from_json: |value| {
                let record: T = serde_json::from_value(value)
                    .map_err(|error| Error::invalid(T::NAME, error.to_string()))?;
                codec::encode(&record)
            },
        }
    }

    /// The name in the store and in exports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordType")
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Gives the built-in types their kinds. A number is never given twice, also not when a type goes.
macro_rules! kinds {
    ($($kind:literal => $type:ident,)+) => {
        /// The built-in types with their kinds.
        pub(crate) fn built_in() -> Vec<(Kind, RecordType)> {
            vec![$((Kind($kind), RecordType::of::<$type>())),+]
        }

        /// Shows every built-in type to `visitor`, for tests of what all have in common.
        #[cfg(test)]
        pub(crate) fn visit_built_in(visitor: &mut impl Visit) {
            $(visitor.visit::<$type>();)+
        }
    };
}

kinds! {
    1 => Document,
    2 => DocumentContent,
    3 => DocumentTag,
    4 => DocumentAnalytics,
    5 => DocumentSearchRow,
    6 => IndexedFile,
    7 => FileDuplicate,
    8 => Watch,
    9 => ScanManifest,
    10 => TimelineSummary,
    11 => KeywordSummary,
    12 => HealthSummary,
    13 => FileChunk,
    14 => ExtractedTable,
    15 => ChunkEmbedding,
    16 => FileEntity,
    17 => FileEntityLink,
    18 => CodeFile,
    19 => FileAnalysis,
    20 => FileRelation,
    21 => FileIssue,
    22 => CodeEntity,
    23 => FileGroup,
    24 => FileGroupMember,
    25 => ScanRun,
    26 => TagDefinition,
    27 => FileTag,
    28 => TaskRun,
    29 => Task,
    30 => TaskEvent,
    31 => QueueJob,
    32 => DeadLetter,
    33 => Schedule,
    34 => WorkflowJob,
    35 => IdempotencyKey,
    36 => Persona,
    37 => Skill,
    38 => PersonaSkill,
    39 => SkillResult,
    40 => KnowledgeTerm,
    41 => KnowledgeQuestion,
    42 => KnowledgeProposal,
    43 => OntologyVersion,
    44 => OntologyTerm,
    45 => OntologyRelation,
    46 => Entity,
    47 => Relation,
    48 => Memory,
    49 => MemoryCodeLink,
    50 => MemoryProposal,
    51 => MemorySharing,
    52 => VectorDocument,
    53 => Provenance,
    54 => EvidenceSpan,
    55 => ProvenanceLink,
    56 => Artifact,
    57 => ArtifactBlob,
    58 => ArtifactEvent,
    59 => OrganizationProposal,
    60 => OrganizationFeedback,
    61 => OrganizationAction,
    62 => OrganizationEvent,
    63 => LearningCase,
    64 => AnalysisVersion,
    65 => LearningPath,
    66 => LearningStep,
    67 => HashHistory,
    68 => GitOperation,
    69 => LogEntry,
    70 => Violation,
    71 => RiskAlert,
    72 => FileReview,
    73 => Review,
    74 => IssueTracker,
    75 => TrackedIssue,
    76 => BulkOperation,
    77 => QualityMetrics,
    78 => Prompt,
    79 => ConfigValue,
    120 => RecallMark,
    121 => LegalHold,
    122 => EraseReceipt,
    123 => Draft,
    124 => DraftMemory,
}

/// What a test does with each built-in type.
#[cfg(test)]
pub(crate) trait Visit {
    fn visit<T: Record + PartialEq + fmt::Debug>(&mut self);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::record::random::Random;

    #[test]
    fn every_name_and_every_kind_is_given_once_and_below_the_applications() {
        let types = built_in();
        let kinds: HashSet<_> = types.iter().map(|(kind, _)| *kind).collect();
        let names: HashSet<_> = types.iter().map(|(_, record)| record.name).collect();
        assert_eq!((kinds.len(), names.len()), (types.len(), types.len()));
        for (kind, record) in types {
            assert!(kind.0 > 0 && kind < Kind::FIRST_OWN, "{}", record.name);
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(record.name.bytes().all(plain), "{}", record.name);
        }
    }

    #[test]
    fn random_records_of_every_type_survive_encoding_and_can_be_described() {
        struct Survive;
        impl Visit for Survive {
            fn visit<T: Record + PartialEq + fmt::Debug>(&mut self) {
                for seed in 0..60 {
                    let record: T = Random::new(seed).value();
                    let bytes = codec::encode(&record).unwrap();
                    let back: T = codec::decode(&bytes).unwrap();
                    assert_eq!(back, record, "{} from seed {seed}", T::NAME);
                    let facts = facts_of(&record);
                    for (index, _) in facts.unique.iter().chain(&facts.indexes) {
                        assert!(!index.is_empty(), "{}", T::NAME);
                    }
                    for stated in &facts.vectors {
                        assert!(T::VECTORS.may_be_of(stated.model), "{}", T::NAME);
                    }
                    let edge_types = facts.edges.iter().map(|edge| edge.edge_type);
                    assert!(edge_types.clone().all(|name| !name.is_empty()), "{}", T::NAME);
                }
            }
        }
        visit_built_in(&mut Survive);
    }

    #[test]
    fn no_index_of_a_type_has_the_name_of_another() {
        struct Distinct;
        impl Visit for Distinct {
            fn visit<T: Record + PartialEq + fmt::Debug>(&mut self) {
                for seed in 0..60 {
                    let record: T = Random::new(seed).value();
                    let facts = facts_of(&record);
                    let unique: HashSet<_> = facts.unique.iter().map(|(name, _)| name).collect();
                    assert_eq!(unique.len(), facts.unique.len(), "{}", T::NAME);
                    // A record may stand in an index under several keys, under each once.
                    let mut seen = HashSet::new();
                    for (name, key) in &facts.indexes {
                        assert!(!unique.contains(name), "{} has two indexes {name}", T::NAME);
                        assert!(seen.insert((name, key)), "{} is in {name} twice", T::NAME);
                    }
                }
            }
        }
        visit_built_in(&mut Distinct);
    }
}
