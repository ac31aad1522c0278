CREATE TABLE entities (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    content TEXT,
    jurisdiction TEXT,
    legal_domain TEXT,
    authority_level TEXT,
    date_created TEXT,
    date_modified TEXT,
    classification_json TEXT,
    confidence_score REAL,
    importance_score REAL,
    relationships_json TEXT,
    context_tags_json TEXT,
    metadata_json TEXT,
    embedding BLOB,
    embedding_model TEXT
);

CREATE TABLE relationships (
    id TEXT PRIMARY KEY,
    source_id TEXT NOT NULL,
    target_id TEXT NOT NULL,
    relation_type TEXT NOT NULL,
    confidence_score REAL,
    importance_score REAL,
    strength REAL,
    legal_basis TEXT,
    jurisdiction TEXT,
    date_established TEXT,
    temporal_validity_start TEXT,
    temporal_validity_end TEXT,
    is_active BOOLEAN,
    evidence_json TEXT,
    citations_json TEXT,
    metadata_json TEXT
);
