//! Whether an untrusted database is sound, asked within bounds of time.
//!
//! `quick_check` reads every page once: it finds damaged, lost and doubly used pages, damaged rows
//! and indexes with a wrong number of entries; 0.24 s for a million rows in 240 MB.
//! `integrity_check` also looks every row up in every index, which took 2.2 s there; since an
//! import never reads an index, that is done for files only where it costs next to nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use super::fault;
use super::schema::quoted;
use crate::base::error::Result;

/// Files up to this size are checked in full, in bytes.
const FULL_CHECK_BYTES_MAX: u64 = 64 << 20;
/// Time that a check may take, whatever the size of the file.
const TIME_BASE: Duration = Duration::from_secs(10);
/// Bytes a second that a check manages on the slowest disk that is waited for.
const BYTES_A_SECOND: u64 = 10 << 20;
/// Instructions of SQLite's machine between two looks at the clock.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;
/// Findings that are kept word by word.
const FINDINGS_MAX: usize = 20;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Bytes that are not what they must be.
    pub(crate) damage: Vec<String>,
    /// Rows that break a rule of their own table, and indexes that modules keep themselves. The
    /// rows are complete all the same.
    pub(crate) oddities: Vec<String>,
    /// All findings, also those that are not kept.
    pub(crate) count: u64,
}

impl Findings {
    fn add(&mut self, text: String) {
        self.count += 1;
        let list = if is_oddity(&text) { &mut self.oddities } else { &mut self.damage };
        if list.len() < FINDINGS_MAX {
            list.push(text);
        }
    }
}

/// Checks a database of `bytes` bytes.
pub(crate) fn check(db: &mut Connection, path: &Path, bytes: u64) -> Result<Findings> {
    let limit = TIME_BASE + Duration::from_secs(bytes / BYTES_A_SECOND);
    bounded(db, path, limit, |db| {
        let full = bytes <= FULL_CHECK_BYTES_MAX;
        ask_somehow(db, if full { "integrity_check" } else { "quick_check" })
    })
}

/// Checks a database that was written here: every table, but no index that a module keeps.
pub(crate) fn check_written(db: &Connection) -> rusqlite::Result<Findings> {
    by_table(db)
}

/// The answer of a check of the whole or, where a definition stands in its way, of each table.
fn ask_somehow(db: &Connection, pragma: &str) -> rusqlite::Result<Findings> {
    match ask(db, pragma) {
        Err(error) if is_unsupported(&error) => by_table(db),
        answer => answer,
    }
}

/// Runs `work` on `db` for at most `limit`.
pub(crate) fn bounded<T>(
    db: &mut Connection,
    path: &Path,
    limit: Duration,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T> {
    let failed = |source| fault::sqlite(path, "", "cannot be checked", source);
    let start = Instant::now();
    db.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || start.elapsed() > limit))
        .map_err(failed)?;
    let done = work(db);
    db.progress_handler(0, None::<fn() -> bool>).map_err(failed)?;
    done.map_err(|source| match source.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => {
            let reason = format!("needs more than {} s to be checked, gave up", limit.as_secs());
            fault::file(path, reason)
        }
        _ => failed(source),
    })
}

/// The answer of a check; damage that ends the check itself is a finding like any other.
fn ask(db: &Connection, pragma: &str) -> rusqlite::Result<Findings> {
    let mut findings = Findings::default();
    let mut run = || {
        let mut statement = db.prepare(&format!("PRAGMA main.{pragma}(1000000000)"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text: String = row.get(0)?;
            if text != "ok" {
                findings.add(text);
            }
        }
        Ok(())
    };
    let outcome = run();
    end(outcome, findings)
}

/// Each table that has pages, for itself. Definitions that this SQLite cannot work with stand in
/// the way of no other table.
fn by_table(db: &Connection) -> rusqlite::Result<Findings> {
    let mut findings = Findings::default();
    let mut run = || {
        let mut names = db
            .prepare("SELECT name FROM main.sqlite_schema WHERE rootpage > 0 AND type = 'table'")?;
        let mut rows = names.query([])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let pragma = format!("PRAGMA main.quick_check({})", quoted(&name));
            let each = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
            let texts: rusqlite::Result<Vec<_>> = db
                .prepare(&pragma)
                .and_then(|mut statement| statement.query_map([], each)?.collect());
            match texts {
                Ok(texts) => texts
                    .into_iter()
                    .filter(|text| text != "ok")
                    .for_each(|text| findings.add(text)),
                Err(error) if is_unsupported(&error) => {
                    findings.add(format!("{UNCHECKED}{name}: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    };
    let outcome = run();
    end(outcome, findings)
}

fn end(outcome: rusqlite::Result<()>, mut findings: Findings) -> rusqlite::Result<Findings> {
    match outcome {
        Err(error) if fault::is_damage(&error) => findings.add(error.to_string()),
        Err(error) => return Err(error),
        Ok(()) => {}
    }
    Ok(findings)
}

const UNCHECKED: &str = "cannot be checked by this SQLite: table ";

/// Whether a finding is about rules, not about bytes.
fn is_oddity(text: &str) -> bool {
    const STARTS: [&str; 7] = [
        "fts5: ",
        "NULL value in ",
        "NUMERIC value in ",
        "TEXT value in ",
        "CHECK constraint failed in ",
        "In RTree ",
        UNCHECKED,
    ];
    const PARTS: [&str; 3] =
        ["inverted index for FTS", " stores an imprecise floating-point value", " value in "];
    STARTS.iter().any(|start| text.starts_with(start))
        || (!text.starts_with("***") && PARTS.iter().any(|part| text.contains(part)))
}

/// Whether SQLite cannot work with a definition: an unknown collation, function or module.
fn is_unsupported(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::Unknown))
        || matches!(error, rusqlite::Error::SqlInputError { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_break_rules_are_no_damage() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE t(a TEXT, b INT);
             INSERT INTO t VALUES (NULL, 1);
             PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a TEXT NOT NULL, b INT)';
             PRAGMA writable_schema = RESET;",
        )
        .unwrap();
        let findings = check(&mut db, Path::new("memory"), 0).unwrap();
        assert_eq!(findings.damage, [""; 0]);
        assert_eq!(findings.oddities, ["NULL value in t.a"]);
    }

    #[test]
    fn unknown_collations_do_not_stop_a_check() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE t(a); CREATE INDEX i ON t(a); INSERT INTO t VALUES ('x'), ('y');
             PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(a COLLATE own)' WHERE name = 'i';
             PRAGMA writable_schema = RESET;",
        )
        .unwrap();
        let findings = check(&mut db, Path::new("memory"), 0).unwrap();
        assert_eq!(findings.damage, [""; 0]);
    }

    #[test]
    fn a_check_ends_in_time() {
        let mut db = Connection::open_in_memory().unwrap();
        let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
                       SELECT count(*) FROM n";
        let limit = Duration::from_millis(50);
        let outcome = bounded(&mut db, Path::new("memory"), limit, |db| {
            db.query_row(endless, [], |row| row.get::<_, i64>(0))
        });
        assert!(outcome.unwrap_err().to_string().contains("gave up"));
    }
}
