//! Database kind `documents`: the main database of the old application.
//! Documents, files, tasks, personas, curated knowledge, workflow jobs, the organizer.

use super::{
    Column, Database, Export, Form, Needs, Table, flag, json, json_floats, key, plain, reference,
    table, time, utc,
};
use crate::legacy::time::{Stamp, Zoneless};
use crate::record::{
    AnalysisVersion, Artifact, ArtifactBlob, ArtifactEvent, ChunkEmbedding, DeadLetter, Document,
    DocumentAnalytics, DocumentContent, DocumentSearchRow, DocumentTag, EvidenceSpan,
    ExtractedTable, FileChunk, FileDuplicate, FileEntity, FileEntityLink, HealthSummary,
    IdempotencyKey, IndexedFile, KeywordSummary, KnowledgeProposal, KnowledgeQuestion,
    KnowledgeTerm, LearningPath, LearningStep, MemoryCodeLink, OntologyRelation, OntologyTerm,
    OntologyVersion, OrganizationAction, OrganizationFeedback, OrganizationProposal, Persona,
    PersonaSkill, Provenance, ProvenanceLink, QueueJob, ScanManifest, Schedule, Skill, SkillResult,
    Task, TaskEvent, TaskRun, TimelineSummary, Watch, WorkflowJob,
};

/// Also part of the code index, since the same migrations ran there.
pub(super) const LEARNING_PATHS: Table = table::<LearningPath>(
    "aedis_learning_paths",
    &[
        json("heuristic_snapshot_json", "heuristic_snapshot"),
        time("created_at", "created_at", Stamp::F, Zoneless::Utc),
        time("updated_at", "updated_at", Stamp::F, Zoneless::Utc),
    ],
);

/// Also part of the code index, since the same migrations ran there.
pub(super) const LEARNING_STEPS: Table = table::<LearningStep>(
    "aedis_learning_path_steps",
    &[
        key("path_id", "path", "aedis_learning_paths", "path_id"),
        json("heuristic_ids_json", "heuristic_ids"),
        json("evidence_spans_json", "evidence_spans"),
        flag("completed"),
    ],
);

pub(super) static DATABASE: Database = Database {
    kind: "documents",
    default_name: "documents.db",
    wal: true,
    has: &[
        Needs { table: "files_index", columns: &[] },
        Needs { table: "organization_proposals", columns: &[] },
        Needs { table: "taskmaster_runs", columns: &[] },
        Needs { table: "documents", columns: &["file_name"] },
    ],
    lacks: &[],
    tables: &[
        table::<Document>(
            "documents",
            &[
                utc("created_at", "created_at"),
                time("updated_at", "updated_at", Stamp::D, Zoneless::Local),
            ],
        ),
        table::<DocumentContent>(
            "document_content",
            &[reference("document_id", "document", "documents"), utc("created_at", "created_at")],
        ),
        table::<DocumentTag>(
            "document_tags",
            &[reference("document_id", "document", "documents"), utc("created_at", "created_at")],
        ),
        table::<DocumentAnalytics>(
            "document_analytics",
            &[
                reference("document_id", "document", "documents"),
                json("top_terms", "top_terms"),
                utc("computed_at", "computed_at"),
            ],
        ),
        table::<DocumentSearchRow>(
            "search_indices",
            &[
                reference("document_id", "document", "documents"),
                utc("created_at", "created_at"),
                time("updated_at", "updated_at", Stamp::D, Zoneless::Local),
            ],
        ),
        table::<IndexedFile>(
            "files_index",
            &[
                time("mtime", "modified_at", Stamp::G, Zoneless::Utc),
                utc("last_checked_at", "last_checked_at"),
                json("metadata_json", "metadata"),
            ],
        ),
        table::<FileDuplicate>(
            "file_duplicate_relationships",
            &[
                reference("canonical_file_id", "canonical", "files_index"),
                reference("duplicate_file_id", "duplicate", "files_index"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<Watch>(
            "watched_directories",
            &[
                flag("recursive"),
                json("keywords_json", "keywords"),
                json("allowed_exts_json", "allowed_exts"),
                flag("active"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<ScanManifest>(
            "scan_manifest",
            &[
                time("mtime", "modified_at", Stamp::G, Zoneless::Utc),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<FileChunk>(
            "file_content_chunks",
            &[
                reference("file_id", "file", "files_index"),
                json("metadata_json", "metadata"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<ExtractedTable>(
            "file_extracted_tables",
            &[
                reference("file_id", "file", "files_index"),
                reference("source_chunk_id", "source_chunk", "file_content_chunks"),
                json("headers_json", "headers"),
                json("rows_json", "rows"),
                json("metadata_json", "metadata"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<ChunkEmbedding>(
            "file_chunk_embeddings",
            &[
                reference("file_id", "file", "files_index"),
                reference("chunk_id", "chunk", "file_content_chunks"),
                plain("vector_dim", "dimension"),
                json_floats("embedding_json", "embedding"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<FileEntity>(
            "file_entities",
            &[
                reference("file_id", "file", "files_index"),
                json("metadata_json", "metadata"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<FileEntityLink>(
            "file_entity_links",
            &[
                reference("source_file_id", "source", "files_index"),
                reference("target_file_id", "target", "files_index"),
                json("metadata_json", "metadata"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<TimelineSummary>(
            "mv_timeline_summary",
            &[
                reference("file_id", "file", "files_index"),
                utc("first_event_ts", "first_event_at"),
                utc("last_event_ts", "last_event_at"),
                utc("refreshed_at", "refreshed_at"),
            ],
        ),
        table::<KeywordSummary>(
            "mv_keyword_entity_summary",
            &[reference("file_id", "file", "files_index"), utc("refreshed_at", "refreshed_at")],
        ),
        table::<HealthSummary>(
            "mv_file_health_summary",
            &[
                reference("file_id", "file", "files_index"),
                flag("is_missing"),
                flag("is_damaged"),
                flag("is_stale"),
                utc("refreshed_at", "refreshed_at"),
            ],
        ),
        table::<TaskRun>(
            "taskmaster_runs",
            &[
                json("payload_json", "payload"),
                json("summary_json", "summary"),
                utc("started_at", "started_at"),
                utc("completed_at", "completed_at"),
            ],
        ),
        table::<Task>(
            "taskmaster_tasks",
            &[
                reference("run_id", "run", "taskmaster_runs"),
                json("payload_json", "payload"),
                json("result_json", "result"),
                utc("started_at", "started_at"),
                utc("completed_at", "completed_at"),
            ],
        ),
        table::<TaskEvent>(
            "taskmaster_events",
            &[
                reference("run_id", "run", "taskmaster_runs"),
                reference("task_id", "task", "taskmaster_tasks"),
                json("data_json", "data"),
                utc("created_at", "created_at"),
            ],
        ),
        table::<QueueJob>(
            "taskmaster_job_queue",
            &[
                json("payload_json", "payload"),
                utc("available_at", "available_at"),
                utc("started_at", "started_at"),
                utc("completed_at", "completed_at"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<DeadLetter>(
            "taskmaster_dead_letters",
            &[
                reference("queue_job_id", "job", "taskmaster_job_queue"),
                json("payload_json", "payload"),
                utc("created_at", "created_at"),
            ],
        ),
        table::<Schedule>(
            "taskmaster_schedules",
            &[
                json("payload_json", "payload"),
                flag("active"),
                utc("last_run_at", "last_run_at"),
                utc("next_run_at", "next_run_at"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<KnowledgeTerm>(
            "manager_knowledge",
            &[
                json("components_json", "components"),
                json("legal_use_cases_json", "legal_use_cases"),
                flag("is_canonical"),
                json("root_cause_json", "root_cause"),
                json("related_frameworks_json", "related_frameworks"),
                json("aliases_json", "aliases"),
                json("attributes_json", "attributes"),
                json("relations_json", "relations"),
                json("sources_json", "sources"),
                flag("verified"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<KnowledgeQuestion>(
            "manager_questions",
            &[
                json("context_json", "context"),
                utc("created_at", "created_at"),
                utc("answered_at", "answered_at"),
            ],
        ),
        table::<KnowledgeProposal>(
            "knowledge_proposals",
            &[
                json("payload_json", "payload"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<Persona>(
            "manager_personas",
            &[
                json("activation_rules_json", "activation_rules"),
                json("settings_json", "settings"),
                flag("active"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<Skill>(
            "manager_skills",
            &[
                json("config_json", "config"),
                flag("enabled"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<PersonaSkill>(
            "manager_persona_skills",
            &[
                reference("persona_id", "persona", "manager_personas"),
                reference("skill_id", "skill", "manager_skills"),
                utc("created_at", "created_at"),
            ],
        ),
        table::<SkillResult>(
            "manager_skill_results",
            &[
                reference("run_id", "run", "taskmaster_runs"),
                reference("persona_id", "persona", "manager_personas"),
                json("output_json", "output"),
                utc("created_at", "created_at"),
            ],
        ),
        table::<OrganizationProposal>(
            "organization_proposals",
            &[
                reference("run_id", "run", "taskmaster_runs"),
                reference("file_id", "file", "files_index"),
                json("alternatives_json", "alternatives"),
                json("metadata_json", "metadata"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<OrganizationFeedback>(
            "organization_feedback",
            &[
                reference("proposal_id", "proposal", "organization_proposals"),
                reference("file_id", "file", "files_index"),
                json("original_json", "original"),
                json("final_json", "final_value"),
                utc("created_at", "created_at"),
            ],
        ),
        table::<OrganizationAction>(
            "organization_actions",
            &[
                reference("proposal_id", "proposal", "organization_proposals"),
                reference("file_id", "file", "files_index"),
                flag("success"),
                utc("created_at", "created_at"),
            ],
        ),
        table::<AnalysisVersion>(
            "aedis_analysis_versions",
            &[
                reference("artifact_row_id", "artifact", "files_index"),
                json("payload_json", "payload"),
                json("audit_deltas_json", "audit_deltas"),
                time("created_at", "created_at", Stamp::C, Zoneless::Utc),
            ],
        ),
        LEARNING_PATHS,
        LEARNING_STEPS,
        table::<WorkflowJob>(
            "workflow_jobs",
            &[
                time("started_at", "started_at", Stamp::B, Zoneless::Utc),
                time("updated_at", "updated_at", Stamp::B, Zoneless::Utc),
                time("completed_at", "completed_at", Stamp::B, Zoneless::Utc),
                flag("webhook_enabled"),
                time(
                    "webhook_last_delivery_at",
                    "webhook_last_delivery_at",
                    Stamp::B,
                    Zoneless::Utc,
                ),
                json("stepper_json", "stepper"),
                json("pagination_json", "pagination"),
                json("undo_json", "undo"),
                json("metadata_json", "metadata"),
            ],
        ),
        table::<IdempotencyKey>(
            "workflow_idempotency_keys",
            &[
                json("response_json", "response"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<MemoryCodeLink>("memory_code_links", &[utc("created_at", "created_at")]),
        table::<Artifact>(
            "canonical_artifacts",
            &[json("metadata_json", "metadata"), utc("created_at", "created_at")],
        ),
        table::<ArtifactBlob>(
            "canonical_artifact_blobs",
            &[
                reference("artifact_row_id", "artifact", "canonical_artifacts"),
                utc("created_at", "created_at"),
            ],
        ),
        table::<ArtifactEvent>(
            "canonical_artifact_events",
            &[
                reference("artifact_row_id", "artifact", "canonical_artifacts"),
                json("event_data_json", "data"),
                utc("created_at", "created_at"),
            ],
        ),
        table::<OntologyVersion>(
            "ontology_registry",
            &[
                json("schema_json", "schema"),
                json("lineage_json", "lineage"),
                utc("created_at", "created_at"),
            ],
        ),
        table::<OntologyTerm>(
            "ontology_terms",
            &[
                reference("ontology_id", "ontology", "ontology_registry"),
                json("attributes_json", "attributes"),
            ],
        ),
        table::<OntologyRelation>(
            "ontology_relationships",
            &[
                reference("ontology_id", "ontology", "ontology_registry"),
                json("properties_json", "properties"),
            ],
        ),
        table::<Provenance>(
            "aedis_provenance_records",
            &[
                Column {
                    column: "source_artifact_row_id",
                    field: "artifact",
                    form: Form::RefDeclared {
                        table: "canonical_artifacts",
                        otherwise: "files_index",
                    },
                },
                time("captured_at", "captured_at", Stamp::E, Zoneless::Utc),
            ],
        ),
        table::<EvidenceSpan>(
            "aedis_evidence_spans",
            &[reference("provenance_id", "provenance", "aedis_provenance_records")],
        ),
        table::<ProvenanceLink>(
            "aedis_artifact_provenance_links",
            &[reference("provenance_id", "provenance", "aedis_provenance_records")],
        ),
    ],
    schema: include_str!("schema/documents.sql"),
    export: Export::Always,
};
