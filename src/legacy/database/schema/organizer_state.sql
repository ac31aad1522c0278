CREATE TABLE files (
    file_id TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    name TEXT NOT NULL,
    extension TEXT,
    content_excerpt TEXT,
    metadata_json TEXT,
    content_hash TEXT,
    semantic_group_id TEXT,
    is_duplicate INTEGER DEFAULT 0,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE llm_schema (
    schema_id TEXT PRIMARY KEY,
    schema_json TEXT,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE llm_assignments (
    assignment_id TEXT PRIMARY KEY,
    file_id TEXT,
    target_path TEXT,
    new_filename TEXT,
    confidence REAL,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(file_id)
);

CREATE TABLE execution_log (
    exec_id TEXT PRIMARY KEY,
    file_id TEXT,
    source_path TEXT,
    target_path TEXT,
    success INTEGER,
    error TEXT,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP
);
