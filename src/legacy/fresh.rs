//! The shape of a database that does not exist yet: made in memory from statements of our own, and
//! read back like any other.

use std::path::Path;

use rusqlite::Connection;

use super::scan::scan_trusted;
use super::schema::SchemaText;
use super::value::Cell;
use crate::base::error::{Error, Result};

/// A database in memory that is only a shape, and what its statements and modules put into it.
#[derive(Debug)]
pub(crate) struct Fresh {
    db: Connection,
    schema: SchemaText,
}

impl Fresh {
    /// Runs `statements`. `wal` says whether a file of this shape is in WAL mode.
    pub(crate) fn make(statements: &str, wal: bool) -> Result<Self> {
        let failed = |source| Error::engine("sqlite", "make the shape of a new database", source);
        let db = Connection::open_in_memory().map_err(failed)?;
        db.execute_batch(statements).map_err(failed)?;
        let schema = SchemaText::read(&db, Path::new("new database"), wal)?;
        Ok(Self { db, schema })
    }

    /// The shape.
    pub(crate) fn schema(&self) -> &SchemaText {
        &self.schema
    }

    /// The database.
    pub(crate) fn db(&self) -> &Connection {
        &self.db
    }

    /// The rows that a new table starts with. The tables that hold a full-text index need theirs
    /// before the index can be used.
    pub(crate) fn rows(
        &self,
        object: usize,
        take: impl FnMut(i64, &[Cell<'_>]) -> Result<()>,
    ) -> Result<()> {
        scan_trusted(&self.db, &self.schema, object, take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::legacy::database::DATABASES;
    use crate::legacy::fulltext::full_text_over;
    use crate::legacy::output::{Existing, Output};

    #[test]
    fn every_kind_can_be_made_from_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for database in DATABASES.iter().filter(|database| !database.schema.is_empty()) {
            let fresh = Fresh::make(database.schema, database.wal).unwrap();
            let target = folder.path().join(format!("{}.db", database.kind));
            let schema = fresh.schema().clone();
            let mut output = Output::create(&target, schema.clone(), Existing::Refuse).unwrap();
            for (place, _, _) in schema.tables() {
                let mut loader = output.loader(place).unwrap();
                fresh.rows(place, |rowid, cells| loader.insert(rowid, cells)).unwrap();
            }
            output.finish(&[]).unwrap();
            let made = Connection::open(&target).unwrap();
            let read = SchemaText::read(&made, &target, database.wal).unwrap();
            let names = |text: &SchemaText| {
                let mut all: Vec<_> =
                    text.objects.iter().map(|o| (o.name.clone(), o.sql.clone())).collect();
                all.sort();
                all
            };
            assert_eq!(names(&read), names(&schema), "{}", database.kind);
        }
    }

    #[test]
    fn a_full_text_index_is_rebuilt_over_new_rows() {
        let database = DATABASES.iter().find(|database| database.kind == "documents").unwrap();
        let fresh = Fresh::make(database.schema, true).unwrap();
        let schema = fresh.schema().clone();
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("documents.db");
        let mut output = Output::create(&target, schema.clone(), Existing::Refuse).unwrap();
        for (place, object, rows) in schema.tables() {
            let mut loader = output.loader(place).unwrap();
            fresh.rows(place, |rowid, cells| loader.insert(rowid, cells)).unwrap();
            if object.name == "file_content_chunks" {
                let mut cells = vec![Cell::Null; rows.columns.len()];
                cells[rows.column("content").unwrap()] = Cell::Text(b"a copper lamp");
                loader.insert(7, &cells).unwrap();
            }
        }
        let indexes = full_text_over(&schema, "file_content_chunks");
        let rebuild: Vec<_> = indexes.into_iter().map(|index| index.name).collect();
        assert_eq!(rebuild, ["file_content_chunks_fts"]);
        output.finish(&rebuild).unwrap();
        let made = Connection::open(&target).unwrap();
        let query =
            "SELECT rowid FROM file_content_chunks_fts WHERE file_content_chunks_fts MATCH 'lamp'";
        assert_eq!(made.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap(), 7);
        assert_eq!(std::fs::read(&target).unwrap()[18..20], [2, 2], "WAL mode in the header");
    }
}
