CREATE TABLE configuration (
    key TEXT PRIMARY KEY,
    value TEXT,
    value_type TEXT
);
