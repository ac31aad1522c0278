CREATE TABLE organization_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_type TEXT NOT NULL,
    payload_json TEXT NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE organization_learning_cases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id INTEGER,
    event_type TEXT NOT NULL,
    action TEXT,
    outcome TEXT,
    proposal_id INTEGER,
    file_id INTEGER,
    root_scope TEXT,
    current_path TEXT,
    recommended_folder TEXT,
    recommended_filename TEXT,
    final_folder TEXT,
    final_filename TEXT,
    old_path TEXT,
    new_path TEXT,
    confidence REAL,
    provider TEXT,
    model TEXT,
    note TEXT,
    error TEXT,
    payload_json TEXT NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX idx_org_events_type ON organization_events(event_type);
CREATE INDEX idx_org_events_created ON organization_events(created_at DESC);
CREATE INDEX idx_org_cases_proposal_id ON organization_learning_cases(proposal_id);
CREATE INDEX idx_org_cases_file_id ON organization_learning_cases(file_id);
CREATE INDEX idx_org_cases_action ON organization_learning_cases(action);
CREATE INDEX idx_org_cases_outcome ON organization_learning_cases(outcome);
CREATE INDEX idx_org_cases_created ON organization_learning_cases(created_at DESC);
