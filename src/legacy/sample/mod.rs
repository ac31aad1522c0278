//! Writes an installation of the old application: three databases with plausible rows in all of
//! their tables. For the demonstration, tests and benchmarks.
//!
//! The same number of documents always gives the same rows. Nothing here reads a clock or the
//! environment.

mod content;
mod files;
mod memory;
mod tasks;
mod text;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Statement};

use super::fault;
use crate::base::error::{Error, Result};

const DOCUMENTS: &str = include_str!("../database/schema/documents.sql");
const UNIFIED_MEMORY: &str = include_str!("../database/schema/unified_memory.sql");
const KNOWLEDGE_GRAPH: &str = include_str!("../database/schema/knowledge_graph.sql");

/// Result of what only SQLite can refuse.
type Filled = rusqlite::Result<()>;

/// Writes `documents.db`, `unified_memory.db` and `knowledge_graph.db` into `directory` and gives
/// their paths. The number of rows grows with the number of documents: about 25 for each in the
/// first database, 2 in the second and 3 in the third.
///
/// ```
/// let dir = tempfile::tempdir()?;
/// let files = engraph::legacy::sample::write(dir.path(), 10)?;
/// assert_eq!(files.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Import`] when a file of one of these names is there, or cannot be written.
pub fn write(directory: &Path, documents: u32) -> Result<Vec<PathBuf>> {
    let count = i64::from(documents);
    let files: [(&str, &str, Fill); 3] = [
        ("documents.db", DOCUMENTS, fill_documents),
        ("unified_memory.db", UNIFIED_MEMORY, memory::fill_memories),
        ("knowledge_graph.db", KNOWLEDGE_GRAPH, memory::fill_graph),
    ];
    let mut written = Vec::with_capacity(files.len());
    for (name, schema, fill) in files {
        let path = directory.join(name);
        write_database(&path, schema, |db| fill(db, count))?;
        written.push(path);
    }
    Ok(written)
}

type Fill = fn(&Connection, i64) -> Filled;

fn fill_documents(db: &Connection, documents: i64) -> Filled {
    content::fill(db, documents)?;
    files::fill(db, documents)?;
    tasks::fill(db, documents)
}

fn write_database(
    path: &Path,
    schema: &str,
    fill: impl FnOnce(&Connection) -> Filled,
) -> Result<()> {
    if path.exists() {
        return Err(fault::file(path, "is there already and is not replaced"));
    }
    fill_file(path, schema, fill).map_err(|source| Error::Import {
        file: path.to_path_buf(),
        place: String::new(),
        reason: "cannot be written".into(),
        source: Some(Box::new(source)),
    })
}

fn fill_file(path: &Path, schema: &str, fill: impl FnOnce(&Connection) -> Filled) -> Filled {
    let db = Connection::open(path)?;
    // The file is made in one go: what a crash leaves is thrown away, not recovered. Foreign keys
    // are off because one of the old tables refers to a table of another database.
    db.execute_batch(
        "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN;",
    )?;
    db.execute_batch(schema)?;
    fill(&db)?;
    // The application keeps its files in this mode.
    db.execute_batch("COMMIT; PRAGMA journal_mode = WAL;")?;
    db.close().map_err(|(_, error)| error)
}

/// Runs one prepared statement for each of `count` rows, numbered from 1.
fn rows(
    db: &Connection,
    sql: &str,
    count: i64,
    mut row: impl FnMut(&mut Statement<'_>, i64) -> rusqlite::Result<usize>,
) -> Filled {
    let mut statement = db.prepare(sql)?;
    for number in 1..=count {
        row(&mut statement, number)?;
    }
    Ok(())
}

/// A part of the rows, rounded up: there is always at least one.
fn share(count: i64, divisor: i64) -> i64 {
    count / divisor + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(db: &Connection) -> Vec<(String, i64)> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' \
                   AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '%_fts%'";
        let mut statement = db.prepare(sql).unwrap();
        let names = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let count = |name: String| {
            let sql = format!("SELECT count(*) FROM \"{name}\"");
            let rows = db.query_row(&sql, [], |row| row.get(0)).unwrap();
            (name, rows)
        };
        names.map(|name| count(name.unwrap())).collect()
    }

    #[test]
    fn every_table_of_every_database_has_rows() {
        let dir = tempfile::tempdir().unwrap();
        for path in write(dir.path(), 20).unwrap() {
            let db = Connection::open(&path).unwrap();
            for (table, rows) in tables(&db) {
                assert!(rows > 0, "{table} in {} is empty", path.display());
            }
            let check: String =
                db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(check, "ok", "{}", path.display());
        }
    }

    #[test]
    fn references_within_a_database_hold() {
        let dir = tempfile::tempdir().unwrap();
        let path = &write(dir.path(), 30).unwrap()[0];
        let db = Connection::open(path).unwrap();
        // The one table whose declared reference leads out of the database.
        db.execute_batch("PRAGMA foreign_keys = OFF; DROP TABLE memory_code_links;").unwrap();
        let mut statement = db.prepare("PRAGMA foreign_key_check").unwrap();
        let broken: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(broken.is_empty(), "{broken:?}");
    }

    #[test]
    fn the_same_size_gives_the_same_rows_and_nothing_is_replaced() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = write(one.path(), 12).unwrap();
        let second = write(two.path(), 12).unwrap();
        for (first, second) in first.iter().zip(&second) {
            assert_eq!(std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
        }
        assert!(matches!(write(one.path(), 12), Err(Error::Import { .. })));
    }
}
