//! The documents database: documents, queue, knowledge, personas, files, versions, workflows.

use std::time::Duration;

use super::{check, exported, json};
use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::family::{
    AnalysisChange, GroupKind, Moved, NewAnalysis, NewArtifact, NewChunk, NewDocument, NewEvent,
    NewFile, NewFileEntity, NewJob, NewKnowledgeProposal, NewPath, NewPersona, NewProposal,
    NewProvenance, NewQuestion, NewRun, NewSchedule, NewSkill, NewStep, NewTag, NewTask, NewWatch,
    NewWorkflow, TaskChange, Verdict,
};
use crate::record::{KnowledgeTerm, ScanManifest, WorkflowStep};
use crate::store::WriteTx;

const LEASE: Duration = Duration::from_secs(60);

#[test]
fn documents_are_listed_searched_and_counted_by_the_old_statements() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), |tx| {
        let new = NewDocument::new("Memo.DOCX", "DOCX", " legal ").content("The reply is due.");
        tx.documents().create(new.primary_purpose("r\u{e9}ply").tag(NewTag::new("Urgent")))?;
        tx.documents().create(NewDocument::new("b.txt", "txt", "legal")).map(drop)
    });
    let db = out.db("documents");
    check(
        &db,
        "SELECT file_name, file_type, category, primary_purpose, created_at, updated_at
         FROM documents WHERE category = 'legal' ORDER BY created_at DESC, id",
        &[
            "Memo.DOCX|docx|legal|r\u{e9}ply|2026-02-14 08:18:02|NULL",
            "b.txt|txt|legal|NULL|2026-02-14 08:18:02|NULL",
        ],
    );
    check(
        &db,
        "SELECT d.file_name, c.content_text, c.content_type, s.search_terms
         FROM documents d JOIN document_content c ON c.document_id = d.id
         LEFT JOIN search_indices s ON s.document_id = d.id WHERE c.content_text LIKE '%REPLY%'",
        &["Memo.DOCX|The reply is due.|text/plain|reply"],
    );
    check(
        &db,
        "SELECT tag_name, tag_value, created_at FROM document_tags",
        &["urgent|NULL|2026-02-14 08:18:02"],
    );
    check(
        &db,
        "SELECT char_count, word_count, sentence_count, json_extract(top_terms, '$[0]') IS NOT NULL
         FROM document_analytics",
        &["17|4|1|1"],
    );
    check(
        &db,
        "SELECT count(*) FROM document_tags t LEFT JOIN documents d
         ON d.id = t.document_id WHERE d.id IS NULL",
        &["0"],
    );
}

fn work(tx: &mut WriteTx<'_>) -> Result<()> {
    let run =
        tx.tasks().start(NewRun::new("file_pipeline").payload(json(r#"{"roots": ["/in"]}"#)))?;
    let task = tx.tasks().add(NewTask::new(run, "scan"))?;
    tx.tasks().change(task, TaskChange::new().progress(100.0).completed())?;
    tx.tasks().event(NewEvent::new(run, "note", "caf\u{e9}").task(task))?;
    tx.tasks().complete(run, Some(json(r#"{"files": 3}"#)))?;
    tx.jobs().enqueue(NewJob::new("index").payload(json(r#"{"roots": []}"#)).max_retries(0))?;
    let claimed = tx.jobs().claim("worker-1", LEASE)?.unwrap();
    tx.jobs().fail(claimed.lease, "no disk")?;
    tx.jobs().enqueue(NewJob::new("summarize"))?;
    let claimed = tx.jobs().claim("worker-1", LEASE)?.unwrap();
    tx.jobs().complete(claimed.lease)?;
    tx.jobs().enqueue(NewJob::new("index"))?;
    tx.jobs().enqueue(NewJob::new("index").delay(Duration::from_secs(3_600)))?;
    tx.schedules().create(NewSchedule::every(30, "index").name("nightly"))?;
    tx.schedules().create(NewSchedule::every(5, "index").paused()).map(drop)
}

#[test]
fn a_queue_is_claimed_and_schedules_are_due_by_comparing_texts() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), work);
    let db = out.db("documents");
    check(
        &db,
        "SELECT run_type, status, payload_json, summary_json, started_at, completed_at
         FROM taskmaster_runs WHERE started_at >= '2026-02-14 08:18:02'",
        &[concat!(
            r#"file_pipeline|completed|{"roots": ["/in"]}|{"files": 3}"#,
            "|2026-02-14 08:18:02|2026-02-14 08:18:02"
        )],
    );
    check(
        &db,
        "SELECT t.task_name, t.status, t.progress, e.level, e.event_type, e.message
         FROM taskmaster_tasks t JOIN taskmaster_events e ON e.task_id = t.id
         WHERE e.event_type = 'note'",
        &["scan|completed|100.0|info|note|caf\u{e9}"],
    );
    // The old claim: the oldest of those queued whose time has come, as texts.
    let claim = "SELECT id, mode, payload_json FROM taskmaster_job_queue
        WHERE status = 'queued' AND available_at <= ";
    check(&db, &format!("{claim} '2026-02-14 08:18:02' ORDER BY id LIMIT 9"), &["3|index|{}"]);
    check(&db, &format!("{claim} '2026-02-14 09:18:01' ORDER BY id LIMIT 9"), &["3|index|{}"]);
    check(
        &db,
        &format!("{claim} '2026-02-14 09:18:02' ORDER BY id LIMIT 9"),
        &["3|index|{}", "4|index|{}"],
    );
    check(
        &db,
        "SELECT status, retry_count, max_retries, last_error, worker_name, completed_at
         FROM taskmaster_job_queue WHERE id < 3 ORDER BY id",
        &[
            "dead_letter|1|0|no disk|worker-1|2026-02-14 08:18:02",
            "completed|0|2|NULL|worker-1|2026-02-14 08:18:02",
        ],
    );
    check(
        &db,
        "SELECT queue_job_id, mode, payload_json, error_message, retry_count
         FROM taskmaster_dead_letters",
        &[r#"1|index|{"roots": []}|no disk|1"#],
    );
    let due = "SELECT name, every_minutes, active, last_run_at, next_run_at
        FROM taskmaster_schedules WHERE active = 1 AND next_run_at <= ";
    check(&db, &format!("{due} '2026-02-14 08:48:01'"), &[]);
    check(&db, &format!("{due} '2026-02-14 08:48:02'"), &["nightly|30|1|NULL|2026-02-14 08:48:02"]);
    check(&db, "SELECT count(*) FROM taskmaster_schedules WHERE active = 0", &["1"]);
}

fn curate(tx: &mut WriteTx<'_>) -> Result<()> {
    let term = KnowledgeTerm::named("estoppel").in_category("legal issue");
    let id = tx.knowledge().upsert(&KnowledgeTerm {
        aliases: Some(json(r#"["preclusion", "Sperrwirkung \u00fc"]"#)),
        ..term
    })?;
    tx.knowledge().verify(id, Verdict::Verified, Some("Ada"), None)?;
    tx.knowledge().ask(NewQuestion::new("What is laches?").term("laches"))?;
    tx.knowledge().propose(NewKnowledgeProposal::entity(json(
        r#"{"name": "High Court", "entity_type": "Court"}"#,
    )))?;
    let persona = tx.personas().upsert(NewPersona::new("Critic").role("tests"))?;
    let skill = tx.personas().upsert_skill(NewSkill::new("Scan"))?;
    tx.personas().attach(persona, skill)?;
    let run = tx.tasks().start(NewRun::new("skills"))?;
    tx.personas().add_result(run, "Scan", json(r#"{"ok": true}"#), Some(persona)).map(drop)
}

#[test]
fn knowledge_and_personas_are_what_the_old_readers_decode() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), curate);
    let db = out.db("documents");
    check(
        &db,
        "SELECT term, category, status, verified, verified_by, is_canonical, confidence,
         json_extract(aliases_json, '$[1]'), json_type(components_json), created_at
         FROM manager_knowledge WHERE category = 'LegalIssue'",
        &[concat!(
            "estoppel|LegalIssue|verified|1|Ada|0|0.5|Sperrwirkung \u{fc}|object",
            "|2026-02-14 08:18:02"
        )],
    );
    check(
        &db,
        "SELECT question, linked_term, status, answer, json_type(context_json)
         FROM manager_questions WHERE status = 'open' ORDER BY created_at DESC",
        &["What is laches?|laches|open|NULL|object"],
    );
    check(
        &db,
        "SELECT proposal_type, json_extract(payload_json, '$.name'), status
         FROM knowledge_proposals",
        &["entity|High Court|proposed"],
    );
    check(
        &db,
        "SELECT p.name, p.active, s.name, s.enabled FROM manager_personas p
         JOIN manager_persona_skills l ON l.persona_id = p.id
         JOIN manager_skills s ON s.id = l.skill_id ORDER BY s.name",
        &["Critic|1|Scan|1"],
    );
    check(
        &db,
        "SELECT skill_name, output_json, persona_id FROM manager_skill_results
         JOIN taskmaster_runs r ON r.id = run_id",
        &[r#"Scan|{"ok": true}|1"#],
    );
}

fn file_away(tx: &mut WriteTx<'_>) -> Result<()> {
    let new = |path: &str| {
        NewFile::new(path).size(10).modified_at(Timestamp::from_micros(1_427_725_440_000_000))
    };
    let sha = "ab".repeat(32);
    let file = tx.files().put(new("/in/a.txt").sha256(&*sha))?;
    tx.files().put(new("/in/b.txt").sha256(&*sha))?;
    let chunk = NewChunk { content: "The reply is due".into(), ..NewChunk::default() };
    let chunks = tx.files().replace_chunks(file, vec![chunk])?;
    tx.files().put_embedding(chunks[0], "mini", &[0.5, -1.0])?;
    tx.files()
        .replace_entities(file, vec![NewFileEntity::new("High Court").entity_type("Court")])?;
    tx.files().find_duplicates()?;
    tx.files().watch(NewWatch::new("/in").keywords(["memo"]))?;
    tx.files().put_manifest(ScanManifest {
        normalized_path: "/in/a.txt".into(),
        file_size: Some(10),
        ..ScanManifest::default()
    })?;
    let source = || NewProvenance::new(file, &*sha, "reader").quote(0, 5, "words");
    let new = NewProposal::new(file, "cases/7", "a.txt").provenance(source());
    let proposal = tx.organization().propose(new)?;
    tx.organization().accept(proposal, Some("fine"))?;
    let group = tx.organization().begin(&[proposal], Some("/out"), GroupKind::Real)?;
    tx.organization().finish(group.moves[0].action, Moved::Done).map(drop)
}

#[test]
fn files_and_their_organization_are_found_by_the_old_joins() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), file_away);
    let db = out.db("documents");
    check(
        &db,
        "SELECT normalized_path, length(path_hash), file_size, mtime, ext, status
         FROM files_index ORDER BY id",
        &["/in/a.txt|40|10|1427725440.0|.txt|ready", "/in/b.txt|40|10|1427725440.0|.txt|ready"],
    );
    check(
        &db,
        "SELECT c.chunk_index, c.chunk_type, c.content, c.token_estimate, e.embedding_model,
         e.vector_dim, e.embedding_json, length(e.embedding_hash)
         FROM file_content_chunks c JOIN file_chunk_embeddings e ON e.chunk_id = c.id",
        &["0|text|The reply is due|4|mini|2|[0.5, -1.0]|40"],
    );
    check(&db, "SELECT entity_text, entity_type FROM file_entities", &["High Court|Court"]);
    check(
        &db,
        "SELECT relationship_type, confidence FROM file_duplicate_relationships",
        &["exact|1.0"],
    );
    check(
        &db,
        "SELECT original_path, recursive, keywords_json, active FROM watched_directories",
        &[r#"/in|1|["memo"]|1"#],
    );
    check(
        &db,
        "SELECT normalized_path, file_size, length(path_hash) FROM scan_manifest",
        &["/in/a.txt|10|40"],
    );
    check(
        &db,
        "SELECT p.status, p.proposed_folder, a.action_type, a.success, a.from_path, a.to_path,
         length(a.rollback_group) > 0 FROM organization_actions a
         JOIN organization_proposals p ON p.id = a.proposal_id",
        &["applied|cases/7|move|1|/in/a.txt|/out/cases/7/a.txt|1"],
    );
    check(&db, "SELECT action, note FROM organization_feedback", &["accept|fine"]);
    check(
        &db,
        "SELECT extractor_id, length(source_sha256), start_char, end_char, quote
         FROM aedis_provenance_records r JOIN aedis_evidence_spans s ON s.provenance_id = r.id",
        &["reader|64|0|5|words"],
    );
}

fn keep(tx: &mut WriteTx<'_>) -> Result<()> {
    let file = tx.files().put(NewFile::new("/in/a.txt"))?;
    let (_, version) = tx.analyses().add(NewAnalysis::new(file).analysis_id("an"))?;
    let change = AnalysisChange::new().status("final").rationale("checked");
    tx.analyses().update(&version.analysis_id, change)?;
    let step = NewStep::new("Read", "Read it").evidence(file, 0, 5, "words");
    tx.learning().put(NewPath::new("p", "ada", "o").step(step))?;
    tx.artifacts().ingest(NewArtifact::of_bytes("memo", b"abc").blob("blobs/1"))?;
    let name = tx.workflow().create(NewWorkflow::new().idempotency_key("k"))?;
    tx.workflow().start_step(&name, &WorkflowStep::from("index_extract"))?;
    tx.workflow().keep_answer("create_job", "k", json(r#"{"a": 1}"#)).map(drop)
}

#[test]
fn versions_paths_artifacts_and_workflows_keep_their_words_and_times() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), keep);
    let db = out.db("documents");
    check(
        &db,
        "SELECT analysis_id, version, parent_version, status,
         json_extract(audit_deltas_json, '$[0].new_value')
         FROM aedis_analysis_versions ORDER BY version DESC LIMIT 1",
        &["an|1|NULL|final|final"],
    );
    check(
        &db,
        "SELECT p.path_id, p.user_id, p.status, p.created_at LIKE '2026-02-14T08:18:02%Z',
         s.title, s.completed, s.step_order, json_array_length(s.evidence_spans_json)
         FROM aedis_learning_paths p JOIN aedis_learning_path_steps s ON s.path_id = p.path_id",
        &["p|ada|active|1|Read|0|1|1"],
    );
    check(
        &db,
        "SELECT length(a.sha256), b.blob_locator, b.content_size_bytes, e.event_type, a.created_at
         FROM canonical_artifacts a JOIN canonical_artifact_blobs b ON b.artifact_row_id = a.id
         JOIN canonical_artifact_events e ON e.artifact_row_id = a.id",
        &["64|blobs/1|3|ingested|2026-02-14 08:18:02"],
    );
    check(
        &db,
        "SELECT length(job_id), substr(job_id, 1, 3), status, current_step, draft_state,
         idempotency_key, webhook_enabled, started_at, json_array_length(stepper_json)
         FROM workflow_jobs",
        &["15|wf_|running|index_extract|saving|k|0|2026-02-14 08:18:02|7"],
    );
    check(
        &db,
        "SELECT scope, response_json FROM workflow_idempotency_keys",
        &[r#"create_job|{"a": 1}"#],
    );
}
