//! A database that its own application uses, as of one moment.
//!
//! SQLite copies it page by page into a temporary folder, under the locks by which its users agree
//! with each other: the copy is of one state that was committed, and writers of a database with a
//! log never wait for it. Everything else reads the copy.
//!
//! What that does to the source's folder: a database without a log is locked while it is copied and
//! written to in no way. A database with a log and its index `-shm` gets a note of the reader in
//! that index, which is shared memory and no data. Where that way is closed, because nobody uses
//! the database, or there is an interrupted transaction to roll back, it is opened as an import
//! opens it, which writes nothing at all.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::fault;
use super::header::FileHeader;
use super::source::{Damage, JOURNAL, Source, WAL, companions, resolve, with};
use super::sync_mark::SHM;
use crate::base::error::Result;

/// How long a lock of another process is waited for.
const LOCK_WAIT: Duration = Duration::from_millis(500);

/// Opens the database at `path`, which may be written to by others at the same time. `scratch` is
/// the folder for the private copy, by default the system's.
pub(super) fn open_live(path: &Path, damage: Damage, scratch: Option<&Path>) -> Result<Source> {
    let (real, length) = resolve(path)?;
    let mut file = File::open(&real).map_err(|e| fault::io(path, "cannot be opened", e))?;
    let header = FileHeader::read(path, &mut file, length)?;
    // Closing a file takes the locks away that this process has on it, so it is done first.
    drop(file);
    let beside = companions(&real);
    if damage == Damage::Refuse && beside.is_empty() {
        header.check_length(path, length)?;
    }
    let in_use = if header.wal {
        beside.contains(&WAL) && with(&real, SHM).exists()
    } else {
        !beside.contains(&WAL)
    };
    if !in_use {
        return Source::open(path, damage, scratch);
    }
    match copied(path, &real, scratch) {
        Ok((folder, copy)) => Source::open_copy(path, header, (folder, &copy), damage),
        Err(Refusal::Busy(error)) => {
            Err(fault::sqlite(path, "", "is locked by another process, try again later", error))
        }
        Err(Refusal::Closed(error)) if beside.contains(&JOURNAL) || header.wal => {
            tracing::debug!(%error, file = %path.display(), "no reader's place, copied as files");
            Source::open(path, damage, scratch)
        }
        Err(Refusal::Closed(error)) => Err(fault::sqlite(path, "", "cannot be copied", error)),
        Err(Refusal::Scratch(error)) => {
            Err(fault::io(path, "no temporary folder for a private copy", error))
        }
    }
}

/// Why there is no copy.
enum Refusal {
    /// Another process holds a lock that does not go with reading.
    Busy(rusqlite::Error),
    /// SQLite cannot read the file this way.
    Closed(rusqlite::Error),
    Scratch(std::io::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
        match error.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked) => Self::Busy(error),
            _ => Self::Closed(error),
        }
    }
}

/// Copies the database into a folder of our own.
fn copied(
    path: &Path,
    real: &Path,
    scratch: Option<&Path>,
) -> Result<(TempDir, std::path::PathBuf), Refusal> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("engraph-sync-");
    let folder = scratch.map_or_else(|| builder.tempdir(), |scratch| builder.tempdir_in(scratch));
    let folder = folder.map_err(Refusal::Scratch)?;
    let copy = folder.path().join("source.db");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let live = Connection::open_with_flags(real, flags)?;
    live.busy_timeout(LOCK_WAIT)?;
    // Whoever closes a database last takes its log in. That is not for us to do.
    live.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(&copy, flags)?;
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
    let backup = Backup::new(&live, &mut target)?;
    let step = backup.step(-1)?;
    drop(backup);
    if step != StepResult::Done {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        return Err(Refusal::Busy(rusqlite::Error::SqliteFailure(busy, None)));
    }
    drop(target);
    drop(live);
    tracing::debug!(file = %path.display(), "copied as of one moment");
    Ok((folder, copy))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;
    use crate::legacy::scan::scan;

    fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        entries
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read(entry.path()).unwrap())
            })
            .filter(|(name, _)| !name.ends_with(SHM))
            .collect()
    }

    fn count(path: &Path) -> u64 {
        let source = open_live(path, Damage::Refuse, None).unwrap();
        scan(&source, 0, |_, _| Ok(())).unwrap().rows
    }

    #[test]
    fn what_is_committed_is_read_and_nothing_is_written() {
        for mode in ["WAL", "DELETE", "TRUNCATE", "PERSIST"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.db");
            let db = Connection::open(&path).unwrap();
            let sql = "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2);";
            db.execute_batch(&format!("PRAGMA journal_mode = {mode}; {sql}")).unwrap();
            db.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (3)").unwrap();
            let before = files(folder.path());
            assert_eq!(count(&path), 2, "{mode}: what is not committed is not there");
            assert_eq!(files(folder.path()), before, "{mode}");
            db.execute_batch("COMMIT").unwrap();
            let before = files(folder.path());
            assert_eq!(count(&path), 3, "{mode}");
            assert_eq!(files(folder.path()), before, "{mode}");
            drop(db);
            let before = files(folder.path());
            assert_eq!(count(&path), 3, "{mode}: nobody uses it any more");
            assert_eq!(files(folder.path()), before, "{mode}");
        }
    }

    #[test]
    fn a_lock_that_forbids_reading_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let db = Connection::open(&path).unwrap();
        db.execute_batch("CREATE TABLE t(a); BEGIN EXCLUSIVE").unwrap();
        let error = open_live(&path, Damage::Refuse, None).unwrap_err();
        assert_eq!(error.kind(), "import");
        assert!(error.to_string().contains("locked"), "{error}");
    }

    #[test]
    fn an_interrupted_transaction_is_rolled_back_in_the_copy_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let other = folder.path().join("b.db");
        let db = Connection::open(&path).unwrap();
        let sql = "CREATE TABLE t(a); INSERT INTO t VALUES (1);
                   PRAGMA cache_size = 1; PRAGMA cache_spill = ON; BEGIN;
                   WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5000)
                   INSERT INTO t SELECT hex(x) || 'something longer' FROM n;";
        db.execute_batch(sql).unwrap();
        // As a crash leaves it: a part of the transaction in the file, and the journal beside it.
        fs::copy(&path, &other).unwrap();
        fs::copy(with(&path, JOURNAL), with(&other, JOURNAL)).unwrap();
        drop(db);
        let before = files(folder.path());
        let source = open_live(&other, Damage::Refuse, None).unwrap();
        assert_eq!(scan(&source, 0, |_, _| Ok(())).unwrap().rows, 1);
        assert!(source.notices()[0].contains("rolled back"), "{:?}", source.notices());
        assert_eq!(files(folder.path()), before);
    }
}
