CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_path TEXT NOT NULL UNIQUE,
    file_name TEXT NOT NULL,
    file_extension TEXT,
    relative_path TEXT NOT NULL,
    absolute_path TEXT NOT NULL,
    file_size INTEGER,
    lines_of_code INTEGER,
    created_at TIMESTAMP,
    modified_at TIMESTAMP,
    last_scanned_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    content_hash TEXT,
    hash_algorithm TEXT DEFAULT 'SHA256',
    file_type TEXT,
    file_category TEXT,
    module_path TEXT,
    is_active BOOLEAN DEFAULT TRUE,
    is_deprecated BOOLEAN DEFAULT FALSE,
    is_test_file BOOLEAN DEFAULT FALSE,
    is_generated BOOLEAN DEFAULT FALSE,
    has_tests BOOLEAN DEFAULT FALSE,
    test_coverage REAL,
    UNIQUE(absolute_path)
);

CREATE TABLE file_analysis (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id INTEGER NOT NULL,
    file_path TEXT NOT NULL,
    primary_purpose TEXT,
    key_functionality TEXT,
    main_classes TEXT,
    main_functions TEXT,
    dependencies TEXT,
    exports TEXT,
    complexity_score REAL,
    maintainability_score REAL,
    documentation_score REAL,
    security_score REAL,
    ai_model_used TEXT,
    analysis_timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    analysis_confidence REAL DEFAULT 1.0,
    analysis_notes TEXT,
    raw_ai_response TEXT,
    ai_model_version TEXT,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE
);

CREATE TABLE file_relationships (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_file_id INTEGER NOT NULL,
    target_file_id INTEGER,
    relationship_type TEXT NOT NULL,
    relationship_details TEXT,
    line_number INTEGER,
    confidence REAL DEFAULT 1.0,
    detected_by TEXT,
    detected_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (source_file_id) REFERENCES files(id) ON DELETE CASCADE,
    FOREIGN KEY (target_file_id) REFERENCES files(id) ON DELETE CASCADE
);

CREATE TABLE file_change_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id INTEGER NOT NULL,
    file_path TEXT NOT NULL,
    change_type TEXT NOT NULL,
    old_path TEXT,
    new_path TEXT,
    old_hash TEXT,
    new_hash TEXT,
    lines_added INTEGER DEFAULT 0,
    lines_removed INTEGER DEFAULT 0,
    lines_modified INTEGER DEFAULT 0,
    git_commit_hash TEXT,
    git_branch TEXT,
    git_author TEXT,
    git_message TEXT,
    detected_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    committed_at TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE
);

CREATE TABLE file_tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id INTEGER NOT NULL,
    tag_name TEXT NOT NULL,
    tag_category TEXT NOT NULL,
    tag_value TEXT,
    confidence REAL DEFAULT 1.0,
    created_by TEXT DEFAULT 'system',
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE
);

CREATE TABLE tag_definitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    category TEXT NOT NULL,
    tag_name TEXT NOT NULL,
    description TEXT,
    color_hex TEXT DEFAULT '#6B7280',
    auto_assign_pattern TEXT,
    UNIQUE(category, tag_name)
);

CREATE TABLE file_issues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id INTEGER NOT NULL,
    issue_type TEXT NOT NULL,
    severity TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    location TEXT,
    detected_by TEXT,
    detection_confidence REAL DEFAULT 1.0,
    detected_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    status TEXT DEFAULT 'open',
    assigned_to TEXT,
    resolved_at TIMESTAMP,
    resolution_notes TEXT,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE
);

CREATE TABLE code_entities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id INTEGER NOT NULL,
    entity_type TEXT NOT NULL,
    entity_name TEXT NOT NULL,
    full_name TEXT,
    line_start INTEGER,
    line_end INTEGER,
    parent_entity_id INTEGER,
    docstring TEXT,
    has_documentation BOOLEAN DEFAULT FALSE,
    signature TEXT,
    parameters TEXT,
    return_type TEXT,
    complexity INTEGER,
    lines_of_code INTEGER,
    is_public BOOLEAN DEFAULT TRUE,
    is_async BOOLEAN DEFAULT FALSE,
    is_generator BOOLEAN DEFAULT FALSE,
    decorators TEXT,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE,
    FOREIGN KEY (parent_entity_id) REFERENCES code_entities(id) ON DELETE CASCADE
);

CREATE TABLE file_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    group_name TEXT NOT NULL UNIQUE,
    group_type TEXT,
    description TEXT,
    parent_group_id INTEGER,
    path_pattern TEXT,
    FOREIGN KEY (parent_group_id) REFERENCES file_groups(id) ON DELETE CASCADE
);

CREATE TABLE file_group_members (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id INTEGER NOT NULL,
    file_id INTEGER NOT NULL,
    added_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (group_id) REFERENCES file_groups(id) ON DELETE CASCADE,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE,
    UNIQUE(group_id, file_id)
);

CREATE TABLE scan_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    scan_type TEXT NOT NULL,
    started_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    completed_at TIMESTAMP,
    duration_seconds REAL,
    files_scanned INTEGER DEFAULT 0,
    files_added INTEGER DEFAULT 0,
    files_updated INTEGER DEFAULT 0,
    files_removed INTEGER DEFAULT 0,
    files_analyzed INTEGER DEFAULT 0,
    status TEXT DEFAULT 'running',
    error_message TEXT,
    scan_config TEXT,
    ai_model_used TEXT
);

CREATE TABLE knowledge_nodes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    node_id TEXT NOT NULL UNIQUE,
    node_type TEXT NOT NULL,
    label TEXT NOT NULL,
    description TEXT,
    file_id INTEGER,
    entity_id INTEGER,
    embedding_vector BLOB,
    properties TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE,
    FOREIGN KEY (entity_id) REFERENCES code_entities(id) ON DELETE CASCADE
);

CREATE TABLE knowledge_edges (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    edge_id TEXT NOT NULL UNIQUE,
    source_node_id TEXT NOT NULL,
    target_node_id TEXT NOT NULL,
    edge_type TEXT NOT NULL,
    weight REAL DEFAULT 1.0,
    confidence REAL DEFAULT 1.0,
    properties TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (source_node_id) REFERENCES knowledge_nodes(node_id) ON DELETE CASCADE,
    FOREIGN KEY (target_node_id) REFERENCES knowledge_nodes(node_id) ON DELETE CASCADE
);

CREATE TABLE system_config (
    key TEXT PRIMARY KEY,
    value TEXT,
    value_type TEXT,
    description TEXT,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE system_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    level TEXT NOT NULL,
    category TEXT NOT NULL,
    message TEXT NOT NULL,
    details TEXT,
    timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE schema_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    checksum TEXT,
    success INTEGER NOT NULL,
    error TEXT
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

CREATE INDEX idx_files_path ON files(file_path);
CREATE INDEX idx_files_ext ON files(file_extension);
CREATE INDEX idx_files_type ON files(file_type);
CREATE INDEX idx_files_category ON files(file_category);
CREATE INDEX idx_files_modified ON files(modified_at);
CREATE INDEX idx_analysis_file_id ON file_analysis(file_id);
CREATE INDEX idx_analysis_timestamp ON file_analysis(analysis_timestamp);
CREATE INDEX idx_relationships_source ON file_relationships(source_file_id);
CREATE INDEX idx_relationships_target ON file_relationships(target_file_id);
CREATE INDEX idx_relationships_type ON file_relationships(relationship_type);
CREATE INDEX idx_history_file_id ON file_change_history(file_id);
CREATE INDEX idx_history_type ON file_change_history(change_type);
CREATE INDEX idx_history_date ON file_change_history(detected_at);
CREATE INDEX idx_tags_file_id ON file_tags(file_id);
CREATE INDEX idx_tags_category ON file_tags(tag_category);
CREATE INDEX idx_tags_name ON file_tags(tag_name);
CREATE INDEX idx_issues_file_id ON file_issues(file_id);
CREATE INDEX idx_issues_type ON file_issues(issue_type);
CREATE INDEX idx_issues_severity ON file_issues(severity);
CREATE INDEX idx_issues_status ON file_issues(status);
CREATE INDEX idx_entities_file_id ON code_entities(file_id);
CREATE INDEX idx_entities_type ON code_entities(entity_type);
CREATE INDEX idx_entities_name ON code_entities(entity_name);
CREATE INDEX idx_entities_parent ON code_entities(parent_entity_id);
CREATE INDEX idx_scan_history_date ON scan_history(started_at);
CREATE INDEX idx_knowledge_nodes_type ON knowledge_nodes(node_type);
CREATE INDEX idx_knowledge_nodes_file ON knowledge_nodes(file_id);
CREATE INDEX idx_knowledge_edges_source ON knowledge_edges(source_node_id);
CREATE INDEX idx_knowledge_edges_target ON knowledge_edges(target_node_id);
CREATE INDEX idx_knowledge_edges_type ON knowledge_edges(edge_type);
CREATE INDEX idx_system_logs_level ON system_logs(level);
CREATE INDEX idx_system_logs_category ON system_logs(category);
CREATE INDEX idx_system_logs_timestamp ON system_logs(timestamp);
CREATE INDEX idx_learning_path_steps_path_order ON aedis_learning_path_steps(path_id, step_order);
CREATE INDEX idx_learning_path_steps_path_completed
    ON aedis_learning_path_steps(path_id, completed);
CREATE INDEX idx_memory_code_links_memory_record_id ON memory_code_links(memory_record_id);
CREATE INDEX idx_memory_code_links_file_path ON memory_code_links(file_path);

CREATE VIRTUAL TABLE file_search USING fts5(
    file_path,
    file_name,
    primary_purpose,
    key_functionality,
    content='file_analysis',
    content_rowid='id'
);

CREATE TRIGGER auto_tag_files_on_insert
AFTER INSERT ON files
BEGIN
    INSERT INTO file_tags (file_id, tag_name, tag_category, created_by)
    SELECT
        NEW.id,
        td.tag_name,
        td.category,
        'auto_trigger'
    FROM tag_definitions td
    WHERE td.auto_assign_pattern IS NOT NULL
    AND NEW.file_path REGEXP td.auto_assign_pattern;
END;

CREATE TRIGGER update_file_timestamp
AFTER UPDATE ON files
BEGIN
    UPDATE files
    SET last_scanned_at = CURRENT_TIMESTAMP
    WHERE id = NEW.id;
END;

CREATE TRIGGER log_file_changes
AFTER UPDATE ON files
WHEN OLD.content_hash != NEW.content_hash
BEGIN
    INSERT INTO file_change_history (
        file_id, file_path, change_type,
        old_hash, new_hash, detected_at
    )
    VALUES (
        NEW.id, NEW.file_path, 'modified',
        OLD.content_hash, NEW.content_hash, CURRENT_TIMESTAMP
    );
END;

CREATE TRIGGER file_search_insert
AFTER INSERT ON file_analysis
BEGIN
    INSERT INTO file_search(rowid, file_path, file_name, primary_purpose, key_functionality)
    SELECT NEW.id, f.file_path, f.file_name, NEW.primary_purpose, NEW.key_functionality
    FROM files f WHERE f.id = NEW.file_id;
END;

CREATE VIEW v_files_complete AS
SELECT
    f.id,
    f.file_path,
    f.file_name,
    f.file_extension,
    f.file_type,
    f.file_category,
    f.lines_of_code,
    f.modified_at,
    f.is_active,
    fa.primary_purpose,
    fa.complexity_score,
    fa.maintainability_score,
    COUNT(DISTINCT fi.id) as issue_count,
    COUNT(DISTINCT ft.id) as tag_count,
    GROUP_CONCAT(DISTINCT ft.tag_name) as tags,
    MAX(fa.analysis_timestamp) as last_analyzed
FROM files f
LEFT JOIN file_analysis fa ON f.id = fa.file_id
LEFT JOIN file_issues fi ON f.id = fi.file_id AND fi.status = 'open'
LEFT JOIN file_tags ft ON f.id = ft.file_id
GROUP BY f.id;

CREATE VIEW v_file_dependencies AS
SELECT
    f1.file_path as source_file,
    f2.file_path as target_file,
    fr.relationship_type,
    fr.relationship_details,
    fr.confidence
FROM file_relationships fr
JOIN files f1 ON fr.source_file_id = f1.id
LEFT JOIN files f2 ON fr.target_file_id = f2.id
WHERE f1.is_active = TRUE;

CREATE VIEW v_file_stats AS
SELECT
    file_type,
    file_category,
    COUNT(*) as file_count,
    SUM(lines_of_code) as total_lines,
    AVG(lines_of_code) as avg_lines,
    COUNT(CASE WHEN is_test_file THEN 1 END) as test_files,
    COUNT(CASE WHEN is_deprecated THEN 1 END) as deprecated_files
FROM files
WHERE is_active = TRUE
GROUP BY file_type, file_category;

CREATE VIEW v_issue_summary AS
SELECT
    f.file_path,
    fi.issue_type,
    fi.severity,
    COUNT(*) as issue_count
FROM file_issues fi
JOIN files f ON fi.file_id = f.id
WHERE fi.status = 'open'
GROUP BY f.file_path, fi.issue_type, fi.severity;
