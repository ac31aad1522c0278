CREATE TABLE documents (
    id TEXT PRIMARY KEY,
    content TEXT NOT NULL,
    embedding BLOB,
    metadata_json TEXT,
    document_type TEXT DEFAULT 'general',
    legal_domain TEXT,
    case_id TEXT,
    jurisdiction TEXT,
    date_created TEXT NOT NULL,
    importance_score REAL DEFAULT 1.0,
    access_count INTEGER DEFAULT 0,
    last_accessed TEXT NOT NULL,
    tags_json TEXT,
    ttl_seconds INTEGER
);

CREATE INDEX idx_document_type ON documents(document_type);
CREATE INDEX idx_legal_domain ON documents(legal_domain);
CREATE INDEX idx_case_id ON documents(case_id);
CREATE INDEX idx_jurisdiction ON documents(jurisdiction);
CREATE INDEX idx_importance ON documents(importance_score);
CREATE INDEX idx_access_count ON documents(access_count);
CREATE INDEX idx_last_accessed ON documents(last_accessed);
