//! Every built-in type through the store: written, read, found, listed, changed, deleted.
//!
//! The table names each type once, with the natural keys by which its records are found.

use std::collections::BTreeSet;
use std::fmt::Debug;

use engraph::record::{
    AnalysisVersion, Artifact, ArtifactBlob, ArtifactEvent, BulkOperation, ChunkEmbedding,
    CodeEntity, CodeFile, ConfigValue, DeadLetter, Document, DocumentAnalytics, DocumentContent,
    DocumentSearchRow, DocumentTag, Draft, DraftMemory, Entity, EraseReceipt, EvidenceSpan,
    ExtractedTable, FileAnalysis, FileChunk, FileDuplicate, FileEntity, FileEntityLink, FileGroup,
    FileGroupMember, FileIssue, FileRelation, FileReview, FileTag, GitOperation, HashHistory,
    HealthSummary, History, IdempotencyKey, IndexedFile, IssueTracker, KeywordSummary,
    KnowledgeProposal, KnowledgeQuestion, KnowledgeTerm, LearningCase, LearningPath, LearningStep,
    LegalHold, LogEntry, Memory, MemoryCodeLink, MemoryProposal, MemorySharing, OntologyRelation,
    OntologyTerm, OntologyVersion, OrganizationAction, OrganizationEvent, OrganizationFeedback,
    OrganizationProposal, Persona, PersonaSkill, Prompt, Provenance, ProvenanceLink,
    QualityMetrics, QueueJob, RecallMark, Record, Relation, Review, RiskAlert, ScanManifest,
    ScanRun, Schedule, Skill, SkillResult, TagDefinition, Task, TaskEvent, TaskRun,
    TimelineSummary, TrackedIssue, VectorDocument, Violation, Watch, WorkflowJob,
};
use engraph::{Kind, NodeId, ReadTx, Seq, Store, WriteTx};

use crate::check::{fault, sound};
use crate::random::Random;
use crate::workload::Home;

/// What a test does with each type; `holds` says whether a transaction finds `record` under `id`
/// by each natural key that the record has, and how many those are.
pub(crate) trait Visit {
    fn visit<T: Record + Clone + PartialEq + Debug>(&mut self, holds: Holds<T>);
}

/// Natural keys of a record: how many it has, and the ids that are found under them.
pub(crate) type Holds<T> = fn(&ReadTx, &T) -> Vec<Option<(NodeId, T)>>;

macro_rules! families {
    ($($type:ident $(, $index:literal => |$record:ident| $key:expr)*;)+) => {
        pub(crate) fn visit_all(visitor: &mut impl Visit) {
            $(visitor.visit::<$type>(|_tx, _record| {
                let found: Vec<Option<Option<(NodeId, $type)>>> = vec![$({
                    let $record = _record;
                    $key.map(|key| _tx.find($index, key).unwrap())
                }),*];
                found.into_iter().flatten().collect()
            });)+
        }
    };
}

/// A text that is no key when it is empty.
fn text(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

families! {
    Document;
    DocumentContent;
    DocumentTag, "document_tag" => |tag| tag.document.map(|id| (id, &tag.tag_name));
    DocumentAnalytics, "document" => |row| row.document;
    DocumentSearchRow;
    IndexedFile, "path_hash" => |file| text(&file.path_hash);
    FileDuplicate, "pair" => |pair| pair.canonical.zip(pair.duplicate)
        .map(|(canonical, duplicate)| (canonical, duplicate, &pair.relationship_type));
    Watch, "path" => |watch| text(&watch.normalized_path);
    ScanManifest, "path_hash" => |row| text(&row.path_hash);
    TimelineSummary, "file" => |row| row.file;
    KeywordSummary, "file" => |row| row.file;
    HealthSummary, "file" => |row| row.file;
    FileChunk, "file_chunk" => |chunk| chunk.file.map(|id| (id, chunk.chunk_index));
    ExtractedTable, "file_table" => |table| table.file.map(|id| (id, table.table_index));
    ChunkEmbedding, "chunk_model" => |row| row.chunk.map(|id| (id, &row.embedding_model));
    FileEntity, "file_entity" => |entity| entity.file.zip(entity.ontology_id.as_ref())
        .map(|(file, ontology)| (file, ontology, &entity.entity_text));
    FileEntityLink, "files_ontology_basis" => |link| link.source.zip(link.target)
        .zip(link.ontology_id.as_ref())
        .map(|((source, target), ontology)| (source, target, ontology, &link.link_basis));
    CodeFile, "path" => |file| text(&file.file_path),
        "absolute_path" => |file| file.absolute_path.as_deref().and_then(text);
    FileAnalysis;
    FileRelation;
    FileIssue;
    CodeEntity;
    FileGroup, "name" => |group| text(&group.group_name);
    FileGroupMember, "group_file" => |member| member.group.zip(member.file);
    ScanRun;
    TagDefinition, "category_name" => |tag| Some((&tag.category, &tag.tag_name));
    FileTag;
    TaskRun;
    Task;
    TaskEvent;
    QueueJob;
    DeadLetter;
    Schedule;
    WorkflowJob, "job_id" => |job| text(&job.job_id);
    IdempotencyKey, "scope_key" => |row| Some((&row.scope, &row.idempotency_key));
    Persona, "name" => |persona| text(&persona.name);
    Skill, "name" => |skill| text(&skill.name);
    PersonaSkill, "persona_skill" => |row| row.persona.zip(row.skill);
    SkillResult;
    KnowledgeTerm, "term_category" => |term| term.category.as_ref().map(|name| (&term.term, name));
    KnowledgeQuestion;
    KnowledgeProposal;
    OntologyVersion, "type_version" => |row| Some((&row.ontology_type, &row.version));
    OntologyTerm, "ontology_term" => |term| term.ontology.map(|id| (id, &term.term_id));
    OntologyRelation;
    Entity, "entity_id" => |entity| text(&entity.entity_id);
    Relation, "relation_id" => |relation| text(&relation.relation_id);
    Memory, "record_id" => |memory| text(&memory.record_id);
    MemoryCodeLink, "record_path_type" => |link|
        Some((&link.memory_record_id, &link.file_path, &link.relation_type));
    MemoryProposal;
    MemorySharing;
    VectorDocument, "vector_id" => |row| text(&row.vector_id);
    Provenance;
    EvidenceSpan;
    ProvenanceLink;
    Artifact, "artifact_sha256" => |artifact| Some((&artifact.artifact_id, &artifact.sha256));
    ArtifactBlob;
    ArtifactEvent;
    OrganizationProposal;
    OrganizationFeedback;
    OrganizationAction;
    OrganizationEvent;
    LearningCase;
    AnalysisVersion, "analysis_id" => |row| text(&row.analysis_id);
    LearningPath, "path_id" => |path| text(&path.path_id);
    LearningStep, "path_step" => |step| Some((&step.path_id, &step.step_id));
    HashHistory;
    GitOperation;
    LogEntry;
    Violation;
    RiskAlert;
    FileReview, "path" => |review| text(&review.path);
    Review;
    IssueTracker;
    TrackedIssue;
    BulkOperation;
    QualityMetrics, "day" => |row| row.measured_on;
    Prompt, "name" => |prompt| text(&prompt.prompt_name);
    ConfigValue, "key" => |value| text(&value.key);
    RecallMark, "mark" => |mark| Some((&mark.namespace, &mark.question, &mark.record_id));
    LegalHold, "name" => |hold| text(&hold.name);
    EraseReceipt;
    Draft, "name" => |draft| text(&draft.name);
    DraftMemory, "draft_memory" => |one| one.draft.zip(one.memory);
}

/// Writes, reads, changes and deletes random records of each type.
struct Lifecycle {
    store: Store,
    kinds: BTreeSet<Kind>,
    keyed: usize,
}

/// How often a record stands in each ordered index of its type.
fn listed<T: Record + PartialEq>(tx: &ReadTx, id: NodeId, record: &T) -> Vec<(String, usize)> {
    let kind = tx.kind_of::<T>().unwrap();
    let count = |name: &str, forward: bool| {
        let rows = if forward { tx.index::<T>(name, ()) } else { tx.index_descending(name, ()) };
        rows.unwrap()
            .map(Result::unwrap)
            .filter(|(found, value)| {
                assert!(*found != id || value == record, "{id} in index {name}");
                *found == id
            })
            .count()
    };
    let names = tx.indexes(kind).unwrap();
    names
        .into_iter()
        .map(|name| {
            let times = count(&name, true);
            assert_eq!(times, count(&name, false), "index {name} of {} both ways", T::NAME);
            (name, times)
        })
        .collect()
}

/// Whether a record is in an index as often as it can be: once but for the few of several keys.
fn once<T: Record>((name, times): &(String, usize)) -> bool {
    let is_several = matches!((T::NAME, name.as_str()), ("entity", "alias") | ("memory", "sketch"));
    *times <= 1 || is_several
}

impl Lifecycle {
    #[track_caller]
    fn check<T: Record + Clone + PartialEq + Debug>(
        &mut self,
        id: NodeId,
        record: &T,
        holds: Holds<T>,
    ) {
        let tx = self.store.read().unwrap();
        assert_eq!(tx.get(id).unwrap().as_ref(), Some(record), "{}", T::NAME);
        assert!(tx.get_json(id).unwrap().unwrap().is_object(), "{}", T::NAME);
        let found = holds(&tx, record);
        self.keyed += found.len();
        for found in &found {
            assert_eq!(found.as_ref(), Some(&(id, record.clone())), "{} by its key", T::NAME);
        }
        assert!(listed(&tx, id, record).iter().all(once::<T>), "{}", T::NAME);
        let again = self.store.write(|tx| {
            let again = tx.insert(record)?;
            tx.delete(again)
        });
        match again {
            Ok(deleted) => assert!(deleted && found.is_empty(), "{} twice", T::NAME),
            Err(error) => assert_eq!((error.kind(), found.is_empty()), ("already_exists", false)),
        }
    }
}

impl Visit for Lifecycle {
    fn visit<T: Record + Clone + PartialEq + Debug>(&mut self, holds: Holds<T>) {
        let store = self.store.clone();
        for seed in 0..3 {
            let mut random = Random::new(seed);
            let (first, second): (T, T) = (random.value(), random.value());
            let id = store.write(|tx| tx.insert(&first)).unwrap();
            assert!(self.kinds.insert(id.kind()) == (seed == 0), "{} has its own kind", T::NAME);
            self.check(id, &first, holds);
            let change = |record: &mut T| {
                record.clone_from(&second);
                Ok(())
            };
            let changed = |tx: &mut WriteTx<'_>| tx.update(id, change).map(|_| tx.seq());
            let before = Seq(store.write(changed).unwrap().0 - 1);
            self.check(id, &second, holds);
            let tx = store.read().unwrap();
            for found in holds(&tx, &first) {
                assert_ne!(found.map(|(found, _)| found), Some(id), "{} by an old key", T::NAME);
            }
            if T::HISTORY == History::Versions {
                assert_eq!(tx.get_as_of(id, before).unwrap(), Some(first), "{}", T::NAME);
            }
            assert!(store.write(|tx| tx.delete(id)).unwrap());
            let tx = store.read().unwrap();
            assert_eq!(tx.get::<T>(id).unwrap(), None, "{}", T::NAME);
            assert!(holds(&tx, &second).iter().all(Option::is_none), "{} by its key", T::NAME);
            assert_eq!(tx.indexes(id.kind()).unwrap(), [""; 0], "rows left of {}", T::NAME);
        }
    }
}

#[test]
fn records_of_every_type_are_written_found_listed_changed_and_deleted() {
    let home = Home::new();
    let store = Store::create(home.path()).unwrap();
    let mut lifecycle = Lifecycle { store: store.clone(), kinds: BTreeSet::new(), keyed: 0 };
    visit_all(&mut lifecycle);
    let tx = store.read().unwrap();
    let known: BTreeSet<Kind> = tx.kinds().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(lifecycle.kinds, known, "every kind of the store is in the table");
    sound(&store);
    assert!(lifecycle.keyed > 100, "{} natural keys", lifecycle.keyed);
}

/// Loads records of each type in bulk and keeps them for after the store is opened again.
struct Load<'s> {
    store: &'s Store,
    again: bool,
}

impl Visit for Load<'_> {
    fn visit<T: Record + Clone + PartialEq + Debug>(&mut self, _holds: Holds<T>) {
        let mut random = Random::new(99);
        let mut records: Vec<T> = Vec::new();
        for _ in 0..8 {
            records.push(random.value());
        }
        if !self.again {
            let refused = self
                .store
                .bulk(|tx| {
                    let results: Vec<_> = records.iter().map(|record| tx.insert(record)).collect();
                    Ok(results.into_iter().filter(Result::is_err).map(fault).collect::<Vec<_>>())
                })
                .unwrap();
            assert!(refused.iter().all(|kind| *kind == "already_exists"), "{}", T::NAME);
        }
        let tx = self.store.read().unwrap();
        let stored: Vec<(NodeId, T)> = tx.iter::<T>().unwrap().map(Result::unwrap).collect();
        let mut expected = records.iter();
        let in_order = stored.iter().all(|(_, record)| expected.any(|other| other == record));
        assert!(in_order && stored.len() > 5, "{}: {} records", T::NAME, stored.len());
        for (id, record) in &stored {
            assert!(listed(&tx, *id, record).iter().all(once::<T>), "{}", T::NAME);
        }
    }
}

#[test]
fn records_of_every_type_are_loaded_in_bulk_and_there_after_reopening() {
    let home = Home::new();
    let store = Store::create(home.path()).unwrap();
    visit_all(&mut Load { store: &store, again: false });
    store.close().unwrap();
    let store = Store::open(home.path()).unwrap();
    visit_all(&mut Load { store: &store, again: true });
    sound(&store);
}
