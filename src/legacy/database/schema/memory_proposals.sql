CREATE TABLE memory_proposals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    content TEXT NOT NULL,
    memory_type TEXT NOT NULL,
    agent_id TEXT,
    document_id TEXT,
    metadata_json TEXT,
    confidence REAL DEFAULT 1.0,
    importance REAL DEFAULT 1.0,
    status TEXT DEFAULT 'pending',
    flags_json TEXT,
    stored_record_id TEXT,
    created_at TEXT,
    approved_at TEXT,
    rejected_at TEXT
);

CREATE INDEX idx_proposals_status ON memory_proposals(status);
CREATE INDEX idx_proposals_ns_key ON memory_proposals(namespace, key);
