CREATE TABLE file_review (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE,
    rating INTEGER,
    maintainability_score REAL,
    security_score REAL,
    performance_score REAL,
    documentation_score REAL,
    reviewed BOOLEAN DEFAULT FALSE,
    cleaned BOOLEAN DEFAULT FALSE,
    last_modified TIMESTAMP,
    hash_before TEXT,
    hash_after TEXT,
    hash_verified BOOLEAN DEFAULT FALSE,
    cleanup_commit_hash TEXT,
    refactor_commit_hash TEXT,
    cleanup_author TEXT,
    tracker_url TEXT,
    tracker_status TEXT,
    priority_level INTEGER DEFAULT 3,
    file_category TEXT,
    risk_level TEXT,
    last_modified_date TIMESTAMP,
    lines_of_code INTEGER,
    complexity_score REAL,
    test_coverage REAL,
    dependency_count INTEGER
);

CREATE TABLE file_hash_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_path TEXT NOT NULL,
    operation_type TEXT NOT NULL,
    hash_before TEXT NOT NULL,
    hash_after TEXT NOT NULL,
    hash_algorithm TEXT DEFAULT 'SHA256',
    operation_timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    git_commit_hash TEXT,
    author_name TEXT,
    author_email TEXT,
    verification_status TEXT DEFAULT 'pending',
    verification_timestamp TIMESTAMP,
    operation_details TEXT,
    FOREIGN KEY (file_path) REFERENCES file_review(path)
);

CREATE TABLE git_operations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_path TEXT NOT NULL,
    operation_type TEXT NOT NULL,
    commit_hash_before TEXT,
    commit_hash_after TEXT NOT NULL,
    branch_name TEXT,
    author_name TEXT NOT NULL,
    author_email TEXT NOT NULL,
    commit_message TEXT,
    operation_timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    files_changed INTEGER DEFAULT 1,
    lines_added INTEGER DEFAULT 0,
    lines_removed INTEGER DEFAULT 0,
    operation_success BOOLEAN DEFAULT TRUE,
    rollback_commit_hash TEXT,
    FOREIGN KEY (file_path) REFERENCES file_review(path)
);

CREATE TABLE file_tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_path TEXT NOT NULL,
    tag_name TEXT NOT NULL,
    tag_category TEXT NOT NULL,
    tag_value TEXT,
    confidence_score REAL DEFAULT 1.0,
    created_by TEXT DEFAULT 'system',
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    expires_at TIMESTAMP,
    metadata TEXT,
    FOREIGN KEY (file_path) REFERENCES file_review(path)
);

CREATE TABLE tag_definitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    category TEXT NOT NULL,
    tag_name TEXT NOT NULL,
    description TEXT,
    color_hex TEXT DEFAULT '#6B7280',
    icon_name TEXT,
    auto_assign_rules TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(category, tag_name)
);

CREATE TABLE review_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_path TEXT NOT NULL,
    review_type TEXT NOT NULL,
    review_trigger TEXT,
    codestral_prompt_used TEXT,
    rating_before INTEGER,
    maintainability_before REAL,
    security_before REAL,
    performance_before REAL,
    documentation_before REAL,
    complexity_before REAL,
    rating_after INTEGER,
    maintainability_after REAL,
    security_after REAL,
    performance_after REAL,
    documentation_after REAL,
    complexity_after REAL,
    overall_improvement REAL,
    improvement_category TEXT,
    review_timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    review_duration_seconds INTEGER,
    codestral_model_version TEXT,
    reviewer_notes TEXT,
    improvement_verified BOOLEAN DEFAULT FALSE,
    verification_timestamp TIMESTAMP,
    verification_notes TEXT,
    FOREIGN KEY (file_path) REFERENCES file_review(path)
);

CREATE TABLE risk_alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_path TEXT NOT NULL,
    alert_type TEXT NOT NULL,
    severity TEXT NOT NULL,
    alert_title TEXT NOT NULL,
    alert_message TEXT NOT NULL,
    alert_details TEXT,
    detected_by TEXT NOT NULL,
    detection_confidence REAL DEFAULT 1.0,
    detection_timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    status TEXT DEFAULT 'open',
    assigned_to TEXT,
    priority_score INTEGER DEFAULT 5,
    resolved_at TIMESTAMP,
    resolved_by TEXT,
    resolution_notes TEXT,
    resolution_commit_hash TEXT,
    notification_sent BOOLEAN DEFAULT FALSE,
    notification_timestamp TIMESTAMP,
    notification_channels TEXT,
    parent_alert_id INTEGER,
    alert_group_id TEXT,
    FOREIGN KEY (file_path) REFERENCES file_review(path),
    FOREIGN KEY (parent_alert_id) REFERENCES risk_alerts(id)
);

CREATE TABLE codestral_prompts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    prompt_name TEXT NOT NULL UNIQUE,
    file_type_pattern TEXT NOT NULL,
    prompt_template TEXT NOT NULL,
    description TEXT,
    focus_areas TEXT,
    expected_output_format TEXT,
    prompt_version TEXT DEFAULT '1.0',
    usage_count INTEGER DEFAULT 0,
    last_used_at TIMESTAMP,
    avg_response_time REAL,
    avg_quality_score REAL,
    active BOOLEAN DEFAULT TRUE,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    created_by TEXT DEFAULT 'system'
);

CREATE TABLE issue_trackers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tracker_name TEXT NOT NULL,
    tracker_type TEXT NOT NULL,
    base_url TEXT NOT NULL,
    api_endpoint TEXT,
    auth_token_encrypted TEXT,
    project_key TEXT,
    default_issue_type TEXT DEFAULT 'Task',
    default_priority TEXT DEFAULT 'Medium',
    custom_fields TEXT,
    active BOOLEAN DEFAULT TRUE,
    last_sync_at TIMESTAMP,
    sync_status TEXT DEFAULT 'pending',
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE file_issues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_path TEXT NOT NULL,
    tracker_id INTEGER NOT NULL,
    issue_key TEXT NOT NULL,
    issue_url TEXT NOT NULL,
    issue_title TEXT,
    issue_description TEXT,
    issue_type TEXT,
    issue_status TEXT,
    issue_priority TEXT,
    assigned_to TEXT,
    assigned_at TIMESTAMP,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    resolved_at TIMESTAMP,
    review_id INTEGER,
    alert_id INTEGER,
    FOREIGN KEY (file_path) REFERENCES file_review(path),
    FOREIGN KEY (tracker_id) REFERENCES issue_trackers(id),
    FOREIGN KEY (alert_id) REFERENCES risk_alerts(id)
);

CREATE TABLE bulk_operations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    operation_name TEXT NOT NULL,
    operation_type TEXT NOT NULL,
    operation_criteria TEXT NOT NULL,
    initiated_by TEXT NOT NULL,
    initiated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    status TEXT DEFAULT 'pending',
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    files_selected INTEGER DEFAULT 0,
    files_processed INTEGER DEFAULT 0,
    files_successful INTEGER DEFAULT 0,
    files_failed INTEGER DEFAULT 0,
    progress_percentage REAL DEFAULT 0.0,
    current_file TEXT,
    estimated_completion TIMESTAMP,
    error_message TEXT,
    error_details TEXT,
    operation_results TEXT,
    log_file_path TEXT
);

CREATE TABLE quality_metrics_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    measurement_date DATE NOT NULL,
    measurement_timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    total_files INTEGER,
    files_reviewed INTEGER,
    files_cleaned INTEGER,
    files_production_ready INTEGER,
    files_rating_1_2 INTEGER DEFAULT 0,
    files_rating_3_4 INTEGER DEFAULT 0,
    files_rating_5_6 INTEGER DEFAULT 0,
    files_rating_7_8 INTEGER DEFAULT 0,
    files_rating_9_10 INTEGER DEFAULT 0,
    avg_rating REAL,
    avg_maintainability REAL,
    avg_security REAL,
    avg_performance REAL,
    avg_documentation REAL,
    critical_alerts INTEGER DEFAULT 0,
    high_alerts INTEGER DEFAULT 0,
    medium_alerts INTEGER DEFAULT 0,
    low_alerts INTEGER DEFAULT 0,
    cleanup_operations INTEGER DEFAULT 0,
    refactor_operations INTEGER DEFAULT 0,
    files_improved INTEGER DEFAULT 0,
    files_regressed INTEGER DEFAULT 0,
    avg_review_time REAL,
    avg_cleanup_time REAL,
    codestral_api_calls INTEGER DEFAULT 0,
    codestral_api_cost REAL DEFAULT 0.0,
    UNIQUE(measurement_date)
);

CREATE TABLE knowledge_graph_nodes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    node_id TEXT NOT NULL UNIQUE,
    node_type TEXT NOT NULL,
    node_label TEXT NOT NULL,
    content TEXT,
    content_hash TEXT,
    embedding_vector BLOB,
    source_file TEXT,
    source_line_start INTEGER,
    source_line_end INTEGER,
    category TEXT,
    subcategory TEXT,
    confidence_score REAL DEFAULT 1.0,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    last_accessed_at TIMESTAMP,
    metadata TEXT,
    FOREIGN KEY (source_file) REFERENCES file_review(path)
);

CREATE TABLE knowledge_graph_edges (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    edge_id TEXT NOT NULL UNIQUE,
    source_node_id TEXT NOT NULL,
    target_node_id TEXT NOT NULL,
    edge_type TEXT NOT NULL,
    edge_label TEXT,
    weight REAL DEFAULT 1.0,
    confidence REAL DEFAULT 1.0,
    direction TEXT DEFAULT 'directed',
    context TEXT,
    evidence TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    metadata TEXT,
    FOREIGN KEY (source_node_id) REFERENCES knowledge_graph_nodes(node_id),
    FOREIGN KEY (target_node_id) REFERENCES knowledge_graph_nodes(node_id)
);

CREATE INDEX idx_file_hash_history_path ON file_hash_history(file_path);
CREATE INDEX idx_file_hash_history_operation ON file_hash_history(operation_type);
CREATE INDEX idx_file_hash_history_timestamp ON file_hash_history(operation_timestamp);
CREATE INDEX idx_git_operations_file ON git_operations(file_path);
CREATE INDEX idx_git_operations_commit ON git_operations(commit_hash_after);
CREATE INDEX idx_git_operations_author ON git_operations(author_name);
CREATE INDEX idx_file_tags_path ON file_tags(file_path);
CREATE INDEX idx_file_tags_category ON file_tags(tag_category);
CREATE INDEX idx_file_tags_name ON file_tags(tag_name);
CREATE INDEX idx_review_history_path ON review_history(file_path);
CREATE INDEX idx_review_history_type ON review_history(review_type);
CREATE INDEX idx_review_history_improvement ON review_history(improvement_category);
CREATE INDEX idx_risk_alerts_file ON risk_alerts(file_path);
CREATE INDEX idx_risk_alerts_severity ON risk_alerts(severity);
CREATE INDEX idx_risk_alerts_status ON risk_alerts(status);
CREATE INDEX idx_risk_alerts_type ON risk_alerts(alert_type);
CREATE INDEX idx_risk_alerts_priority ON risk_alerts(priority_score);
CREATE INDEX idx_codestral_prompts_pattern ON codestral_prompts(file_type_pattern);
CREATE INDEX idx_codestral_prompts_active ON codestral_prompts(active);
CREATE INDEX idx_file_issues_path ON file_issues(file_path);
CREATE INDEX idx_file_issues_tracker ON file_issues(tracker_id);
CREATE INDEX idx_file_issues_status ON file_issues(issue_status);
CREATE INDEX idx_bulk_operations_status ON bulk_operations(status);
CREATE INDEX idx_bulk_operations_type ON bulk_operations(operation_type);
CREATE INDEX idx_bulk_operations_initiated ON bulk_operations(initiated_at);
CREATE INDEX idx_quality_metrics_date ON quality_metrics_history(measurement_date);
CREATE INDEX idx_quality_metrics_timestamp ON quality_metrics_history(measurement_timestamp);
CREATE INDEX idx_kg_nodes_type ON knowledge_graph_nodes(node_type);
CREATE INDEX idx_kg_nodes_source ON knowledge_graph_nodes(source_file);
CREATE INDEX idx_kg_edges_source ON knowledge_graph_edges(source_node_id);
CREATE INDEX idx_kg_edges_target ON knowledge_graph_edges(target_node_id);
CREATE INDEX idx_kg_edges_type ON knowledge_graph_edges(edge_type);

CREATE TRIGGER update_file_review_on_hash_change
AFTER INSERT ON file_hash_history
BEGIN
    UPDATE file_review
    SET
        hash_after = NEW.hash_after,
        hash_verified = CASE WHEN NEW.verification_status = 'verified' THEN TRUE ELSE FALSE END,
        cleanup_commit_hash = NEW.git_commit_hash,
        cleanup_author = NEW.author_name,
        last_modified = NEW.operation_timestamp
    WHERE path = NEW.file_path;
END;

CREATE TRIGGER create_risk_alert_on_low_rating
AFTER UPDATE ON file_review
WHEN NEW.rating <= 5 AND (OLD.rating IS NULL OR OLD.rating > 5)
BEGIN
    INSERT INTO risk_alerts (
        file_path, alert_type, severity,
        alert_title, alert_message, detected_by
    )
    VALUES (
        NEW.path,
        'low_quality',
        CASE
            WHEN NEW.rating <= 3 THEN 'critical'
            WHEN NEW.rating <= 4 THEN 'high'
            ELSE 'medium'
        END,
        'Low Code Quality Rating',
        'File has received a low quality rating of ' || NEW.rating || '/10 and requires attention.',
        'automated_trigger'
    );
END;

CREATE TRIGGER auto_tag_files_on_review
AFTER INSERT ON file_review
BEGIN
    INSERT INTO file_tags (file_path, tag_name, tag_category, created_by)
    SELECT NEW.path, 'test', 'type', 'auto_tagger'
    WHERE NEW.path LIKE '%test%' OR NEW.path LIKE '%_test.py';
    INSERT INTO file_tags (file_path, tag_name, tag_category, created_by)
    SELECT NEW.path, 'security', 'type', 'auto_tagger'
    WHERE NEW.path LIKE '%security%' OR NEW.path LIKE '%auth%' OR NEW.path LIKE '%crypto%';
    INSERT INTO file_tags (file_path, tag_name, tag_category, created_by)
    SELECT NEW.path, 'agent', 'type', 'auto_tagger'
    WHERE NEW.path LIKE '%agent%' OR NEW.path LIKE '%workflow%';
    INSERT INTO file_tags (file_path, tag_name, tag_category, created_by)
    SELECT NEW.path,
           CASE
               WHEN NEW.rating >= 8 THEN 'production_ready'
               WHEN NEW.rating >= 6 THEN 'needs_review'
               ELSE 'needs_refactor'
           END,
           'status', 'auto_tagger'
    WHERE NEW.rating IS NOT NULL;
END;

CREATE VIEW file_summary AS
SELECT
    fr.path,
    fr.rating,
    fr.maintainability_score,
    fr.security_score,
    fr.performance_score,
    fr.documentation_score,
    fr.hash_before,
    fr.hash_after,
    fr.cleanup_commit_hash,
    fr.risk_level,
    fr.file_category,
    fr.priority_level,
    GROUP_CONCAT(DISTINCT ft.tag_name) as tags,
    COUNT(DISTINCT ra.id) as alert_count,
    MAX(ra.severity) as highest_alert_severity,
    MAX(rh.review_timestamp) as last_review,
    COUNT(DISTINCT rh.id) as review_count,
    COUNT(DISTINCT fi.id) as issue_count,
    fr.reviewed,
    fr.cleaned,
    fr.last_modified
FROM file_review fr
LEFT JOIN file_tags ft ON fr.path = ft.file_path
LEFT JOIN risk_alerts ra ON fr.path = ra.file_path AND ra.status = 'open'
LEFT JOIN review_history rh ON fr.path = rh.file_path
LEFT JOIN file_issues fi ON fr.path = fi.file_path AND fi.issue_status IN ('open', 'in_progress')
GROUP BY fr.path;

CREATE VIEW quality_trends AS
SELECT
    DATE(measurement_timestamp) as date,
    total_files,
    files_reviewed,
    files_cleaned,
    (files_cleaned * 100.0 / NULLIF(total_files, 0)) as cleanup_percentage,
    avg_rating,
    avg_maintainability,
    avg_security,
    (critical_alerts + high_alerts) as high_priority_alerts,
    cleanup_operations,
    files_improved
FROM quality_metrics_history
ORDER BY measurement_timestamp DESC;

CREATE VIEW risk_dashboard AS
SELECT
    ra.file_path,
    ra.alert_type,
    ra.severity,
    ra.alert_title,
    ra.detection_timestamp,
    ra.status,
    ra.priority_score,
    fr.rating as file_rating,
    fr.file_category,
    GROUP_CONCAT(DISTINCT ft.tag_name) as tags
FROM risk_alerts ra
JOIN file_review fr ON ra.file_path = fr.path
LEFT JOIN file_tags ft ON ra.file_path = ft.file_path
WHERE ra.status = 'open'
GROUP BY ra.id
ORDER BY ra.priority_score DESC, ra.detection_timestamp DESC;
