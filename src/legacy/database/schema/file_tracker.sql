CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_path TEXT UNIQUE NOT NULL,
    relative_path TEXT,
    file_name TEXT,
    file_extension TEXT,
    file_size INTEGER,
    content_hash TEXT,
    status TEXT DEFAULT 'discovered',
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    content TEXT
);

CREATE TABLE file_analysis (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_path TEXT UNIQUE NOT NULL,
    file_name TEXT,
    file_type TEXT,
    programming_language TEXT,
    primary_purpose TEXT,
    key_functionality TEXT,
    dependencies TEXT,
    complexity_score INTEGER,
    analysis_timestamp REAL,
    analysis_notes TEXT,
    ai_model_used TEXT
);

CREATE TABLE document_organization (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_path TEXT,
    target_path TEXT,
    category TEXT,
    organized_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
