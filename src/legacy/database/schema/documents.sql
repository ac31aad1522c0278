CREATE TABLE documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_name TEXT NOT NULL,
    file_type TEXT NOT NULL,
    category TEXT NOT NULL,
    file_path TEXT,
    primary_purpose TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP
);

CREATE TABLE document_content (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL,
    content_text TEXT,
    content_type TEXT DEFAULT 'text/plain',
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (document_id) REFERENCES documents(id) ON DELETE CASCADE
);

CREATE TABLE document_analytics (
    document_id INTEGER PRIMARY KEY,
    char_count INTEGER DEFAULT 0,
    word_count INTEGER DEFAULT 0,
    sentence_count INTEGER DEFAULT 0,
    top_terms TEXT,
    computed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (document_id) REFERENCES documents(id) ON DELETE CASCADE
);

CREATE TABLE document_tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL,
    tag_name TEXT NOT NULL,
    tag_value TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (document_id) REFERENCES documents(id) ON DELETE CASCADE,
    UNIQUE(document_id, tag_name)
);

CREATE TABLE search_indices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL,
    search_terms TEXT NOT NULL,
    relevance_score REAL DEFAULT 1.0,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP,
    FOREIGN KEY (document_id) REFERENCES documents(id) ON DELETE CASCADE
);

CREATE TABLE files_index (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    display_name TEXT NOT NULL,
    original_path TEXT NOT NULL,
    normalized_path TEXT NOT NULL,
    path_hash TEXT NOT NULL UNIQUE,
    file_size INTEGER,
    mtime REAL,
    mime_type TEXT,
    mime_source TEXT,
    sha256 TEXT,
    ext TEXT,
    status TEXT NOT NULL DEFAULT 'ready',
    last_checked_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    last_error TEXT,
    metadata_json TEXT
);

CREATE TABLE file_duplicate_relationships (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    canonical_file_id INTEGER NOT NULL,
    duplicate_file_id INTEGER NOT NULL,
    relationship_type TEXT NOT NULL DEFAULT 'exact',
    confidence REAL NOT NULL DEFAULT 1.0,
    match_basis TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP,
    UNIQUE(canonical_file_id, duplicate_file_id, relationship_type),
    FOREIGN KEY (canonical_file_id) REFERENCES files_index(id) ON DELETE CASCADE,
    FOREIGN KEY (duplicate_file_id) REFERENCES files_index(id) ON DELETE CASCADE
);

CREATE TABLE watched_directories (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    original_path TEXT NOT NULL,
    normalized_path TEXT NOT NULL UNIQUE,
    recursive INTEGER NOT NULL DEFAULT 1,
    keywords_json TEXT,
    allowed_exts_json TEXT,
    active INTEGER NOT NULL DEFAULT 1,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP
);

CREATE TABLE file_content_chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id INTEGER NOT NULL,
    chunk_index INTEGER NOT NULL,
    chunk_type TEXT NOT NULL DEFAULT 'text',
    title TEXT,
    content TEXT NOT NULL,
    token_estimate INTEGER DEFAULT 0,
    char_count INTEGER DEFAULT 0,
    metadata_json TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP,
    UNIQUE(file_id, chunk_index),
    FOREIGN KEY (file_id) REFERENCES files_index(id) ON DELETE CASCADE
);

CREATE TABLE file_extracted_tables (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id INTEGER NOT NULL,
    source_chunk_id INTEGER,
    table_index INTEGER NOT NULL DEFAULT 0,
    extraction_status TEXT NOT NULL DEFAULT 'placeholder',
    extraction_method TEXT,
    headers_json TEXT,
    rows_json TEXT,
    metadata_json TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP,
    UNIQUE(file_id, table_index),
    FOREIGN KEY (file_id) REFERENCES files_index(id) ON DELETE CASCADE,
    FOREIGN KEY (source_chunk_id) REFERENCES file_content_chunks(id) ON DELETE SET NULL
);

CREATE TABLE file_chunk_embeddings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id INTEGER NOT NULL,
    chunk_id INTEGER NOT NULL,
    embedding_model TEXT NOT NULL,
    vector_dim INTEGER NOT NULL,
    embedding_json TEXT NOT NULL,
    embedding_hash TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP,
    UNIQUE(chunk_id, embedding_model),
    FOREIGN KEY (file_id) REFERENCES files_index(id) ON DELETE CASCADE,
    FOREIGN KEY (chunk_id) REFERENCES file_content_chunks(id) ON DELETE CASCADE
);

CREATE TABLE file_entities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id INTEGER NOT NULL,
    entity_text TEXT NOT NULL,
    entity_type TEXT,
    ontology_id TEXT,
    confidence REAL DEFAULT 0.5,
    provenance TEXT,
    metadata_json TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP,
    UNIQUE(file_id, ontology_id, entity_text),
    FOREIGN KEY (file_id) REFERENCES files_index(id) ON DELETE CASCADE
);

CREATE TABLE file_entity_links (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_file_id INTEGER NOT NULL,
    target_file_id INTEGER NOT NULL,
    ontology_id TEXT,
    link_basis TEXT NOT NULL DEFAULT 'shared_entity',
    confidence REAL DEFAULT 0.6,
    metadata_json TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP,
    UNIQUE(source_file_id, target_file_id, ontology_id, link_basis),
    FOREIGN KEY (source_file_id) REFERENCES files_index(id) ON DELETE CASCADE,
    FOREIGN KEY (target_file_id) REFERENCES files_index(id) ON DELETE CASCADE
);

CREATE TABLE mv_timeline_summary (
    file_id INTEGER PRIMARY KEY,
    first_event_ts TEXT,
    last_event_ts TEXT,
    event_count INTEGER NOT NULL DEFAULT 0,
    refreshed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files_index(id) ON DELETE CASCADE
);

CREATE TABLE mv_keyword_entity_summary (
    file_id INTEGER PRIMARY KEY,
    rule_tag_count INTEGER NOT NULL DEFAULT 0,
    entity_count INTEGER NOT NULL DEFAULT 0,
    unresolved_candidate_count INTEGER NOT NULL DEFAULT 0,
    refreshed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files_index(id) ON DELETE CASCADE
);

CREATE TABLE mv_file_health_summary (
    file_id INTEGER PRIMARY KEY,
    status TEXT,
    is_missing INTEGER NOT NULL DEFAULT 0,
    is_damaged INTEGER NOT NULL DEFAULT 0,
    is_stale INTEGER NOT NULL DEFAULT 0,
    refreshed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files_index(id) ON DELETE CASCADE
);

CREATE TABLE taskmaster_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_type TEXT NOT NULL,
    status TEXT NOT NULL,
    payload_json TEXT,
    summary_json TEXT,
    started_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    completed_at TIMESTAMP
);

CREATE TABLE taskmaster_tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    task_name TEXT NOT NULL,
    status TEXT NOT NULL,
    progress REAL DEFAULT 0,
    payload_json TEXT,
    result_json TEXT,
    started_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    completed_at TIMESTAMP,
    FOREIGN KEY (run_id) REFERENCES taskmaster_runs(id) ON DELETE CASCADE
);

CREATE TABLE taskmaster_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    task_id INTEGER,
    level TEXT NOT NULL,
    event_type TEXT NOT NULL,
    message TEXT,
    data_json TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (run_id) REFERENCES taskmaster_runs(id) ON DELETE CASCADE,
    FOREIGN KEY (task_id) REFERENCES taskmaster_tasks(id) ON DELETE SET NULL
);

CREATE TABLE taskmaster_job_queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    mode TEXT NOT NULL,
    payload_json TEXT,
    status TEXT NOT NULL DEFAULT 'queued',
    retry_count INTEGER NOT NULL DEFAULT 0,
    max_retries INTEGER NOT NULL DEFAULT 2,
    last_error TEXT,
    worker_name TEXT,
    available_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP
);

CREATE TABLE taskmaster_dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue_job_id INTEGER NOT NULL,
    mode TEXT NOT NULL,
    payload_json TEXT,
    error_message TEXT,
    retry_count INTEGER NOT NULL DEFAULT 0,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (queue_job_id) REFERENCES taskmaster_job_queue(id) ON DELETE CASCADE
);

CREATE TABLE manager_knowledge (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    term TEXT NOT NULL,
    category TEXT,
    canonical_value TEXT,
    ontology_entity_id TEXT,
    framework_type TEXT,
    jurisdiction TEXT,
    components_json TEXT,
    legal_use_cases_json TEXT,
    preferred_perspective TEXT,
    is_canonical INTEGER NOT NULL DEFAULT 0,
    issue_category TEXT,
    severity TEXT,
    impact_description TEXT,
    root_cause_json TEXT,
    fix_status TEXT,
    resolution_evidence TEXT,
    resolution_date TIMESTAMP,
    next_review_date TEXT,
    related_frameworks_json TEXT,
    aliases_json TEXT,
    description TEXT,
    attributes_json TEXT,
    relations_json TEXT,
    sources_json TEXT,
    notes TEXT,
    source TEXT,
    confidence REAL DEFAULT 0.5,
    status TEXT NOT NULL DEFAULT 'proposed',
    verified INTEGER NOT NULL DEFAULT 0,
    verified_by TEXT,
    user_notes TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP,
    UNIQUE(term, category)
);

CREATE TABLE manager_questions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    question TEXT NOT NULL,
    context_json TEXT,
    linked_term TEXT,
    status TEXT NOT NULL DEFAULT 'open',
    answer TEXT,
    asked_by TEXT DEFAULT 'taskmaster',
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    answered_at TIMESTAMP
);

CREATE TABLE manager_personas (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    role TEXT,
    system_prompt TEXT,
    activation_rules_json TEXT,
    settings_json TEXT,
    active INTEGER NOT NULL DEFAULT 1,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP
);

CREATE TABLE knowledge_proposals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    proposal_type TEXT NOT NULL,
    payload_json TEXT NOT NULL,
    confidence REAL,
    source TEXT,
    status TEXT NOT NULL DEFAULT 'proposed',
    review_note TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP
);

CREATE TABLE manager_skills (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    description TEXT,
    config_json TEXT,
    enabled INTEGER NOT NULL DEFAULT 1,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP
);

CREATE TABLE manager_persona_skills (
    persona_id INTEGER NOT NULL,
    skill_id INTEGER NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (persona_id, skill_id),
    FOREIGN KEY (persona_id) REFERENCES manager_personas(id) ON DELETE CASCADE,
    FOREIGN KEY (skill_id) REFERENCES manager_skills(id) ON DELETE CASCADE
);

CREATE TABLE scan_manifest (
    path_hash TEXT PRIMARY KEY,
    normalized_path TEXT NOT NULL,
    file_size INTEGER,
    mtime REAL,
    sha256 TEXT,
    last_status TEXT,
    last_error TEXT,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE taskmaster_schedules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT,
    mode TEXT NOT NULL,
    payload_json TEXT,
    every_minutes INTEGER NOT NULL,
    active INTEGER NOT NULL DEFAULT 1,
    last_run_at TIMESTAMP,
    next_run_at TIMESTAMP,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP
);

CREATE TABLE manager_skill_results (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    persona_id INTEGER,
    skill_name TEXT NOT NULL,
    output_json TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (run_id) REFERENCES taskmaster_runs(id) ON DELETE CASCADE
);

CREATE TABLE organization_proposals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER,
    file_id INTEGER NOT NULL,
    current_path TEXT,
    proposed_folder TEXT NOT NULL,
    proposed_filename TEXT NOT NULL,
    confidence REAL DEFAULT 0.5,
    rationale TEXT,
    alternatives_json TEXT,
    provider TEXT,
    model TEXT,
    status TEXT NOT NULL DEFAULT 'proposed',
    metadata_json TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files_index(id) ON DELETE CASCADE
);

CREATE TABLE organization_feedback (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    proposal_id INTEGER NOT NULL,
    file_id INTEGER,
    action TEXT NOT NULL,
    original_json TEXT,
    final_json TEXT,
    note TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (proposal_id) REFERENCES organization_proposals(id) ON DELETE CASCADE,
    FOREIGN KEY (file_id) REFERENCES files_index(id) ON DELETE SET NULL
);

CREATE TABLE organization_actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    proposal_id INTEGER,
    file_id INTEGER,
    action_type TEXT NOT NULL,
    from_path TEXT,
    to_path TEXT,
    success INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    rollback_group TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (proposal_id) REFERENCES organization_proposals(id) ON DELETE SET NULL,
    FOREIGN KEY (file_id) REFERENCES files_index(id) ON DELETE SET NULL
);

CREATE TABLE aedis_analysis_versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    analysis_id TEXT NOT NULL UNIQUE,
    artifact_row_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    parent_version INTEGER,
    status TEXT NOT NULL DEFAULT 'draft',
    payload_json TEXT,
    audit_deltas_json TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (artifact_row_id) REFERENCES files_index(id) ON DELETE CASCADE
);

CREATE TABLE aedis_learning_paths (
    path_id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    objective_id TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'active',
    ontology_version INTEGER NOT NULL DEFAULT 1,
    heuristic_snapshot_json TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE aedis_learning_path_steps (
    path_id TEXT NOT NULL,
    step_id TEXT NOT NULL,
    title TEXT NOT NULL,
    instruction TEXT NOT NULL,
    objective_id TEXT NOT NULL,
    heuristic_ids_json TEXT,
    evidence_spans_json TEXT,
    difficulty INTEGER NOT NULL DEFAULT 1,
    completed INTEGER NOT NULL DEFAULT 0,
    step_order INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (path_id, step_id),
    FOREIGN KEY (path_id) REFERENCES aedis_learning_paths(path_id) ON DELETE CASCADE
);

CREATE TABLE workflow_jobs (
    job_id TEXT PRIMARY KEY,
    workflow TEXT NOT NULL DEFAULT 'memory_first_v2',
    status TEXT NOT NULL DEFAULT 'queued',
    current_step TEXT NOT NULL DEFAULT 'sources',
    progress REAL NOT NULL DEFAULT 0,
    draft_state TEXT NOT NULL DEFAULT 'clean',
    started_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    completed_at TIMESTAMP,
    idempotency_key TEXT,
    webhook_enabled INTEGER NOT NULL DEFAULT 0,
    webhook_url TEXT,
    webhook_last_delivery_status TEXT,
    webhook_last_delivery_at TIMESTAMP,
    stepper_json TEXT,
    pagination_json TEXT,
    undo_json TEXT,
    metadata_json TEXT
);

CREATE TABLE workflow_idempotency_keys (
    scope TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    response_json TEXT NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (scope, idempotency_key)
);

CREATE TABLE schema_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    checksum TEXT,
    success INTEGER NOT NULL,
    error TEXT
);

CREATE TABLE memory_code_links (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    memory_record_id TEXT NOT NULL,
    file_path TEXT NOT NULL,
    relation_type TEXT NOT NULL,
    confidence REAL DEFAULT 1.0,
    source TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (memory_record_id) REFERENCES memory_records(record_id) ON DELETE CASCADE,
    UNIQUE(memory_record_id, file_path, relation_type)
);

CREATE TABLE canonical_artifacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    artifact_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    source_uri TEXT,
    mime_type TEXT,
    metadata_json TEXT,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(artifact_id, sha256)
);

CREATE TABLE canonical_artifact_blobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    artifact_row_id INTEGER NOT NULL,
    blob_locator TEXT NOT NULL,
    content_size_bytes INTEGER,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (artifact_row_id) REFERENCES canonical_artifacts(id)
);

CREATE TABLE canonical_artifact_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    artifact_row_id INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    event_data_json TEXT,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (artifact_row_id) REFERENCES canonical_artifacts(id)
);

CREATE TABLE ontology_registry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ontology_type TEXT NOT NULL,
    version TEXT NOT NULL,
    status TEXT NOT NULL,
    schema_json TEXT,
    lineage_json TEXT,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(ontology_type, version)
);

CREATE TABLE ontology_terms (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ontology_id INTEGER NOT NULL,
    term_id TEXT NOT NULL,
    label TEXT NOT NULL,
    attributes_json TEXT,
    status TEXT NOT NULL DEFAULT 'active',
    UNIQUE(ontology_id, term_id),
    FOREIGN KEY (ontology_id) REFERENCES ontology_registry(id)
);

CREATE TABLE ontology_relationships (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ontology_id INTEGER NOT NULL,
    from_term TEXT NOT NULL,
    to_term TEXT NOT NULL,
    rel_type TEXT NOT NULL,
    properties_json TEXT,
    FOREIGN KEY (ontology_id) REFERENCES ontology_registry(id)
);

CREATE TABLE aedis_provenance_records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_artifact_row_id INTEGER NOT NULL,
    source_sha256 TEXT NOT NULL,
    extractor_id TEXT NOT NULL,
    captured_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    notes TEXT
);

CREATE TABLE aedis_evidence_spans (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provenance_id INTEGER NOT NULL,
    start_char INTEGER NOT NULL,
    end_char INTEGER NOT NULL,
    quote TEXT,
    FOREIGN KEY (provenance_id) REFERENCES aedis_provenance_records(id)
);

CREATE TABLE aedis_artifact_provenance_links (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provenance_id INTEGER NOT NULL,
    target_type TEXT NOT NULL,
    target_id TEXT NOT NULL,
    FOREIGN KEY (provenance_id) REFERENCES aedis_provenance_records(id)
);

CREATE INDEX idx_learning_path_steps_path_order ON aedis_learning_path_steps(path_id, step_order);
CREATE INDEX idx_learning_path_steps_path_completed
    ON aedis_learning_path_steps(path_id, completed);
CREATE INDEX idx_memory_code_links_memory_record_id ON memory_code_links(memory_record_id);
CREATE INDEX idx_memory_code_links_file_path ON memory_code_links(file_path);
CREATE INDEX idx_documents_category ON documents(category);
CREATE INDEX idx_documents_file_type ON documents(file_type);
CREATE INDEX idx_document_tags_name ON document_tags(tag_name);
CREATE INDEX idx_search_indices_terms ON search_indices(search_terms);
CREATE INDEX idx_files_index_status ON files_index(status);
CREATE INDEX idx_files_index_ext ON files_index(ext);
CREATE INDEX idx_files_index_mtime ON files_index(mtime);
CREATE INDEX idx_files_index_sha256 ON files_index(sha256);
CREATE INDEX idx_files_index_path_hash ON files_index(path_hash);
CREATE INDEX idx_files_index_mime ON files_index(mime_type);
CREATE INDEX idx_file_dup_rel_canonical ON file_duplicate_relationships(canonical_file_id);
CREATE INDEX idx_file_dup_rel_duplicate ON file_duplicate_relationships(duplicate_file_id);
CREATE INDEX idx_file_dup_rel_type ON file_duplicate_relationships(relationship_type);
CREATE INDEX idx_watched_directories_active ON watched_directories(active);
CREATE INDEX idx_file_content_chunks_file_id ON file_content_chunks(file_id);
CREATE INDEX idx_file_content_chunks_type ON file_content_chunks(chunk_type);
CREATE INDEX idx_file_extracted_tables_file_id ON file_extracted_tables(file_id);
CREATE INDEX idx_file_chunk_embeddings_file_id ON file_chunk_embeddings(file_id);
CREATE INDEX idx_file_chunk_embeddings_model ON file_chunk_embeddings(embedding_model);
CREATE INDEX idx_file_entities_file_id ON file_entities(file_id);
CREATE INDEX idx_file_entities_ontology_id ON file_entities(ontology_id);
CREATE INDEX idx_file_entity_links_source ON file_entity_links(source_file_id);
CREATE INDEX idx_file_entity_links_target ON file_entity_links(target_file_id);
CREATE INDEX idx_taskmaster_runs_status ON taskmaster_runs(status);
CREATE INDEX idx_taskmaster_tasks_run_id ON taskmaster_tasks(run_id);
CREATE INDEX idx_taskmaster_events_run_id ON taskmaster_events(run_id);
CREATE INDEX idx_taskmaster_queue_status_available ON taskmaster_job_queue(status, available_at);
CREATE INDEX idx_taskmaster_dead_letters_job_id ON taskmaster_dead_letters(queue_job_id);
CREATE INDEX idx_manager_knowledge_term ON manager_knowledge(term);
CREATE INDEX idx_manager_questions_status ON manager_questions(status);
CREATE INDEX idx_manager_personas_active ON manager_personas(active);
CREATE INDEX idx_knowledge_proposals_status ON knowledge_proposals(status);
CREATE INDEX idx_manager_skills_enabled ON manager_skills(enabled);
CREATE INDEX idx_scan_manifest_mtime ON scan_manifest(mtime);
CREATE INDEX idx_taskmaster_schedules_next_run ON taskmaster_schedules(next_run_at);
CREATE INDEX idx_manager_skill_results_run_id ON manager_skill_results(run_id);
CREATE INDEX idx_org_proposals_file_id ON organization_proposals(file_id);
CREATE INDEX idx_org_proposals_status ON organization_proposals(status);
CREATE INDEX idx_org_feedback_proposal_id ON organization_feedback(proposal_id);
CREATE INDEX idx_org_actions_file_id ON organization_actions(file_id);
CREATE INDEX idx_workflow_jobs_status_updated ON workflow_jobs(status, updated_at);
CREATE INDEX idx_workflow_jobs_idempotency_key ON workflow_jobs(idempotency_key);
CREATE INDEX idx_aedis_analysis_versions_analysis_id ON aedis_analysis_versions(analysis_id);
CREATE INDEX idx_provenance_source ON aedis_provenance_records(source_artifact_row_id);
CREATE INDEX idx_evidence_offsets ON aedis_evidence_spans(start_char, end_char);

CREATE VIRTUAL TABLE file_content_chunks_fts USING fts5(
    title, content,
    content='file_content_chunks',
    content_rowid='id'
);

CREATE TRIGGER file_chunks_ai AFTER INSERT ON file_content_chunks
BEGIN
    INSERT INTO file_content_chunks_fts(rowid, title, content)
    VALUES (new.id, new.title, new.content);
END;

CREATE TRIGGER file_chunks_ad AFTER DELETE ON file_content_chunks
BEGIN
    INSERT INTO file_content_chunks_fts(file_content_chunks_fts, rowid, title, content)
    VALUES('delete', old.id, old.title, old.content);
END;

CREATE TRIGGER file_chunks_au AFTER UPDATE ON file_content_chunks
BEGIN
    INSERT INTO file_content_chunks_fts(file_content_chunks_fts, rowid, title, content)
    VALUES('delete', old.id, old.title, old.content);
    INSERT INTO file_content_chunks_fts(rowid, title, content)
    VALUES (new.id, new.title, new.content);
END;

CREATE TRIGGER prevent_canonical_artifacts_update
BEFORE UPDATE ON canonical_artifacts
BEGIN
    SELECT RAISE(ABORT, 'Mutation of canonical artifacts is forbidden.');
END;

CREATE TRIGGER prevent_canonical_artifacts_delete
BEFORE DELETE ON canonical_artifacts
BEGIN
    SELECT RAISE(ABORT, 'Deletion of canonical artifacts is forbidden.');
END;
