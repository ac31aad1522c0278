CREATE TABLE memory_records (
    record_id TEXT PRIMARY KEY,
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    content TEXT NOT NULL,
    memory_type TEXT NOT NULL,
    agent_id TEXT,
    document_id TEXT,
    metadata TEXT,
    importance_score REAL DEFAULT 1.0,
    confidence_score REAL DEFAULT 1.0,
    access_count INTEGER DEFAULT 0,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    embedding_vector BLOB
);

CREATE TABLE knowledge_sharing (
    source_record_id TEXT,
    target_agent_id TEXT,
    shared_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    relevance_score REAL DEFAULT 1.0,
    FOREIGN KEY (source_record_id) REFERENCES memory_records(record_id)
);

CREATE TABLE memory_code_links (
    memory_record_id TEXT NOT NULL,
    file_path TEXT NOT NULL,
    relation_type TEXT NOT NULL DEFAULT 'references',
    confidence REAL NOT NULL DEFAULT 1.0,
    source TEXT NOT NULL DEFAULT 'system',
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(memory_record_id, file_path, relation_type)
);

CREATE INDEX idx_memory_type ON memory_records(memory_type);
CREATE INDEX idx_namespace ON memory_records(namespace);
CREATE INDEX idx_agent_id ON memory_records(agent_id);
CREATE INDEX idx_document_id ON memory_records(document_id);
CREATE INDEX idx_memory_code_links_file_path ON memory_code_links(file_path);
CREATE INDEX idx_memory_code_links_memory_record_id ON memory_code_links(memory_record_id);
