CREATE TABLE classification_history (
    filename TEXT PRIMARY KEY,
    category TEXT NOT NULL,
    last_updated TEXT NOT NULL
);
