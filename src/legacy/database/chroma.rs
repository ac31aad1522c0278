//! Database kind `chroma`: a vector database of another program; carried verbatim, never written.

use super::{Database, Export, Needs};

pub(super) static DATABASE: Database = Database {
    kind: "chroma",
    default_name: "chroma.sqlite3",
    wal: false,
    has: &[
        Needs { table: "collections", columns: &[] },
        Needs { table: "embeddings_queue", columns: &[] },
        Needs { table: "embedding_metadata", columns: &[] },
    ],
    lacks: &[],
    tables: &[],
    schema: "",
    export: Export::Never,
};
