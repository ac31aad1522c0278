//! Opening an untrusted database file without touching the folder that it lies in.
//!
//! A source without a non-empty `-wal` or `-journal` beside it is opened immutable: SQLite neither
//! locks nor writes. Any other is copied together with it to a temporary folder and recovered
//! there. Whatever SQLite would do in silence on the way is reported.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::check::{self, Findings};
use super::fault;
use super::header::FileHeader;
use super::log::{self, LogState};
use super::schema::SchemaText;
use super::sound;
use crate::base::error::Result;
use crate::base::limits::{LEGACY_CACHE_BYTES, LEGACY_CELL_BYTES_MAX, LEGACY_OBJECTS_MAX};

/// Files beside a database that belong to it.
pub(super) const WAL: &str = "-wal";
pub(super) const JOURNAL: &str = "-journal";
/// What a rollback journal that is still to be rolled back starts with.
const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
/// Digits of an escaped byte of a path.
const HEX: &[u8; 16] = b"0123456789ABCDEF";
/// How often a source that changes while it is copied is copied again.
const COPIES_MAX: usize = 3;

/// What to do with a damaged source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Damage {
    /// Refuse it.
    #[default]
    Refuse,
    /// Take the rows that can be read, and say what cannot.
    Salvage,
}

/// An open database of the old application. Its folder stays as it is, byte for byte.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    db: Connection,
    schema: SchemaText,
    findings: Findings,
    notices: Vec<String>,
    damage: Damage,
    bytes: u64,
    /// State of the files when they were read in place; empty where a copy was made.
    watched: Vec<(PathBuf, Stamp)>,
    /// The folder of a private copy. Declared after the connection, so that the connection is
    /// closed first.
    copy_folder: Option<TempDir>,
}

/// What tells one state of a file from another: length and time of the last change.
pub(super) type Stamp = Option<(u64, Option<SystemTime>)>;

impl Source {
    /// Opens and checks the file at `path`. `scratch` is the folder for a private copy where one
    /// is needed, by default the system's.
    pub(crate) fn open(path: &Path, damage: Damage, scratch: Option<&Path>) -> Result<Self> {
        let (real, length) = resolve(path)?;
        let beside = companions(&real);
        let mut file =
            File::open(&real).map_err(|source| fault::io(path, "cannot be opened", source))?;
        let header = FileHeader::read(path, &mut file, length)?;
        if beside.is_empty() && damage == Damage::Refuse {
            header.check_length(path, length)?;
        }
        let mut notices = Vec::new();
        let watched = [real.clone(), with(&real, WAL), with(&real, JOURNAL)]
            .map(|file| (file.clone(), stamp(&file)));
        let (db, copy) = if beside.is_empty() {
            (connect_in_place(path, &real)?, None)
        } else {
            inspect_log(path, &real, &mut notices)?;
            let (db, copy) = connect_copy(path, &real, &beside, scratch)?;
            (db, Some(copy))
        };
        let mut source = Self {
            path: path.to_path_buf(),
            db,
            schema: SchemaText::default(),
            findings: Findings::default(),
            notices,
            damage,
            bytes: length,
            watched: if copy.is_none() { watched.to_vec() } else { Vec::new() },
            copy_folder: copy,
        };
        source.prepare(&real, header)?;
        Ok(source)
    }

    /// Opens a private copy of the file at `path`, made in `folder`, which goes with it. `header`
    /// is that of the file itself.
    pub(super) fn open_copy(
        path: &Path,
        header: FileHeader,
        (folder, copy): (TempDir, &Path),
        damage: Damage,
    ) -> Result<Self> {
        let bytes = fs::metadata(copy).map(|copy| copy.len());
        let bytes = bytes.map_err(|source| fault::io(path, "its copy cannot be read", source))?;
        let mut source = Self {
            path: path.to_path_buf(),
            db: connect_in_place(path, copy)?,
            schema: SchemaText::default(),
            findings: Findings::default(),
            notices: Vec::new(),
            damage,
            bytes,
            watched: Vec::new(),
            copy_folder: Some(folder),
        };
        source.prepare(copy, header)?;
        Ok(source)
    }

    /// Whether the file itself is read, and not a copy of it.
    pub(super) fn is_in_place(&self) -> bool {
        self.copy_folder.is_none()
    }

    /// Bounds, recovery, check and schema of a database that has just been opened.
    fn prepare(&mut self, real: &Path, header: FileHeader) -> Result<()> {
        restrict(&self.db, self.damage)
            .map_err(|source| fault::sqlite(&self.path, "", "cannot be opened", source))?;
        self.recover(real)?;
        self.findings = check::check(&mut self.db, &self.path, self.bytes)?;
        if let Some(first) = self.findings.damage.first() {
            let line = first.trim_start_matches("*** in database main ***").trim_start();
            let line = line.lines().next().unwrap_or_default();
            if self.damage == Damage::Refuse {
                return Err(fault::file(&self.path, format!("is damaged: {line}")));
            }
            self.notices.push(format!("is damaged: {line}"));
        }
        self.schema = SchemaText::read(&self.db, &self.path, header.wal)?;
        if self.damage == Damage::Salvage {
            sound::keep_sound(&mut self.schema, &self.path, &mut self.notices)?;
        }
        Ok(())
    }

    /// Lets SQLite roll back or replay what lies beside a copy, and says so.
    fn recover(&mut self, real: &Path) -> Result<()> {
        let hot = self.watched.is_empty() && is_hot(&with(real, JOURNAL));
        self.db
            .query_row("SELECT count(*) FROM main.sqlite_schema", [], |row| row.get::<_, i64>(0))
            .map_err(|source| match &source {
                source_error if fault::is_damage(source_error) => {
                    fault::sqlite(&self.path, "", "is damaged: its schema cannot be read", source)
                }
                _ => fault::sqlite(&self.path, "", "cannot be opened", source),
            })?;
        if hot {
            self.notices.push(
                "a transaction that was interrupted was rolled back on a private copy".to_owned(),
            );
        }
        self.db
            .pragma_update(None, "query_only", true)
            .map_err(|source| fault::sqlite(&self.path, "", "cannot be opened", source))
    }

    /// The path as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The connection, for reading.
    pub(crate) fn db(&self) -> &Connection {
        &self.db
    }

    /// The shape of the database.
    pub(crate) fn schema(&self) -> &SchemaText {
        &self.schema
    }

    /// What had to be left out or repaired on the way, in words.
    pub(crate) fn notices(&self) -> &[String] {
        &self.notices
    }

    /// What the check found.
    pub(crate) fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Whether damage was found, so that rows may be missing.
    pub(crate) fn is_damaged(&self) -> bool {
        !self.findings.damage.is_empty()
    }

    /// Bytes of the file when it was opened.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes sure that nobody has written to the source since it was opened: what was read in
    /// place would otherwise be of no single moment.
    pub(crate) fn check_unchanged(&self) -> Result<()> {
        if self.watched.iter().any(|(file, before)| stamp(file) != *before) {
            return Err(fault::file(&self.path, "was changed while it was read, read it again"));
        }
        Ok(())
    }
}

/// Follows links to a regular file, without opening anything.
pub(super) fn resolve(path: &Path) -> Result<(PathBuf, u64)> {
    let refuse = |reason: &str| Err(fault::file(path, reason));
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let link = fs::symlink_metadata(path).is_ok();
            return refuse(if link { "is a link to nothing" } else { "does not exist" });
        }
        Err(error) => return Err(fault::io(path, "cannot be resolved", error)),
    };
    if metadata.is_dir() {
        return refuse("is a directory");
    }
    if !metadata.is_file() {
        return refuse("is not a regular file");
    }
    let real =
        fs::canonicalize(path).map_err(|source| fault::io(path, "cannot be resolved", source))?;
    Ok((real, metadata.len()))
}

/// The files beside a database that hold a part of its state.
pub(super) fn companions(real: &Path) -> Vec<&'static str> {
    let filled = |metadata: Metadata| metadata.is_file() && metadata.len() > 0;
    [WAL, JOURNAL]
        .into_iter()
        .filter(|suffix| fs::metadata(with(real, suffix)).is_ok_and(filled))
        .collect()
}

pub(super) fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

pub(super) fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok().filter(|metadata| metadata.len() > 0)?;
    Some((metadata.len(), metadata.modified().ok()))
}

/// Whether a journal holds a transaction that is to be rolled back.
fn is_hot(journal: &Path) -> bool {
    let mut magic = [0; 8];
    File::open(journal).is_ok_and(|mut file| file.read_exact(&mut magic).is_ok())
        && magic == JOURNAL_MAGIC
}

/// Notes what of a write-ahead log SQLite is going to ignore.
fn inspect_log(path: &Path, real: &Path, notices: &mut Vec<String>) -> Result<()> {
    let log = with(real, WAL);
    if stamp(&log).is_some() {
        let state: LogState = log::inspect(&log)
            .map_err(|source| fault::io(path, "its -wal file cannot be read", source))?;
        notices.extend(state.notice());
    }
    Ok(())
}

/// Opens the file where it lies, so that SQLite touches nothing beside it.
fn connect_in_place(path: &Path, real: &Path) -> Result<Connection> {
    let mut uri = String::from("file:");
    for &byte in real.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(byte));
            }
            _ => {
                uri.push('%');
                uri.extend([byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)])));
            }
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri, flags)
        .map_err(|source| fault::sqlite(path, "", "cannot be opened", source))
}

/// Copies the file and its companions to a folder of our own and opens the copy.
fn connect_copy(
    path: &Path,
    real: &Path,
    beside: &[&str],
    scratch: Option<&Path>,
) -> Result<(Connection, TempDir)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("engraph-import-");
    let folder = scratch.map_or_else(|| builder.tempdir(), |scratch| builder.tempdir_in(scratch));
    let folder = folder
        .map_err(|source| fault::io(path, "no temporary folder for a private copy", source))?;
    let copy = folder.path().join("source.db");
    copy_stable(path, real, &copy, beside)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(&copy, flags)
        .map_err(|source| fault::sqlite(path, "", "cannot be opened", source))?;
    Ok((db, folder))
}

/// Copies until nothing has changed meanwhile.
fn copy_stable(path: &Path, real: &Path, copy: &Path, beside: &[&str]) -> Result<()> {
    let state = || [real.to_path_buf(), with(real, WAL), with(real, JOURNAL)].map(|f| stamp(&f));
    for _ in 0..COPIES_MAX {
        let before = state();
        let copied = copy_file(real, copy).and_then(|()| {
            beside.iter().try_for_each(|suffix| copy_file(&with(real, suffix), &with(copy, suffix)))
        });
        copied.map_err(|source| fault::io(path, "cannot be copied", source))?;
        if state() == before {
            return Ok(());
        }
    }
    Err(fault::file(path, "is being written by another process, try again later"))
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut File::open(from)?, &mut File::create(to)?).map(drop)
}

/// Takes every power from what the file's own schema could do.
///
/// SQLite opens a file that is shorter than its header says only where the schema may be written,
/// and never in defensive mode. Nothing can be written here all the same.
fn restrict(db: &Connection, damage: Damage) -> rusqlite::Result<()> {
    let salvage = damage == Damage::Salvage;
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, !salvage),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, salvage),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    ] {
        db.set_db_config(setting, on)?;
    }
    let bounded = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    db.set_limit(Limit::SQLITE_LIMIT_LENGTH, bounded(LEGACY_CELL_BYTES_MAX))?;
    db.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    db.set_limit(Limit::SQLITE_LIMIT_SCHEMA, bounded(LEGACY_OBJECTS_MAX + 1))?;
    db.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
    for (pragma, value) in [
        ("cell_size_check", 1),
        ("ignore_check_constraints", 1),
        ("mmap_size", 0),
        ("cache_size", -i64::from(bounded(LEGACY_CACHE_BYTES >> 10))),
    ] {
        db.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(
            |error| match error {
                rusqlite::Error::QueryReturnedNoRows => Ok(()),
                error => Err(error),
            },
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::legacy::scan::scan;

    fn make(path: &Path, sql: &str) -> Connection {
        let db = Connection::open(path).unwrap();
        db.execute_batch(sql).unwrap();
        db
    }

    #[test]
    fn odd_paths_are_opened_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b%41?mode=memory#\u{e9}.db");
        drop(make(&path, "CREATE TABLE t(a); INSERT INTO t VALUES (1)"));
        let source = Source::open(&path, Damage::Refuse, None).unwrap();
        assert_eq!(scan(&source, 0, |_, _| Ok(())).unwrap().rows, 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_another_process_uses_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.db");
        let sql = "PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1), (2);
                   BEGIN EXCLUSIVE; INSERT INTO t VALUES (3)";
        let owner = make(&path, sql);
        let names = || {
            let entries = fs::read_dir(folder.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let before = names();
        let source = Source::open(&path, Damage::Refuse, None).unwrap();
        assert_eq!(scan(&source, 0, |_, _| Ok(())).unwrap().rows, 2);
        assert_eq!(names(), before);
        drop(owner);
    }

    #[test]
    fn a_source_that_changes_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let owner = make(&path, "CREATE TABLE t(a)");
        let source = Source::open(&path, Damage::Refuse, None).unwrap();
        source.check_unchanged().unwrap();
        owner.execute_batch("CREATE TABLE u(a)").unwrap();
        let error = source.check_unchanged().unwrap_err().to_string();
        assert!(error.contains("was changed"), "{error}");
    }

    #[test]
    fn a_cell_above_the_limit_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for encoding in ["UTF-8", "UTF-16le"] {
            let path = folder.path().join(format!("{encoding}.db"));
            let size = LEGACY_CELL_BYTES_MAX;
            let sql = format!(
                "PRAGMA encoding = '{encoding}'; CREATE TABLE t(id INTEGER PRIMARY KEY, a, body);
                 INSERT INTO t VALUES (4, 'x', zeroblob({size})), (5, 'y', zeroblob({size} + 1));"
            );
            drop(make(&path, &sql));
            let source = Source::open(&path, Damage::Refuse, None).unwrap();
            let mut rows = Vec::new();
            let error = scan(&source, 0, |rowid, cells| {
                rows.push((rowid, cells[2].len()));
                Ok(())
            });
            assert_eq!(rows, [(4, size)]);
            let error = error.unwrap_err().to_string();
            assert!(error.contains("t row 5 column body: cell exceeds"), "{error}");
        }
    }

    #[test]
    fn nothing_in_a_schema_is_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hostile.db");
        let sql = "CREATE TABLE t(a, b AS (hex(a)), CHECK (a > 5));
                   PRAGMA ignore_check_constraints = ON; INSERT INTO t VALUES (1), (2);
                   CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n)
                       SELECT x FROM n;
                   CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT * FROM v; END;";
        drop(make(&path, sql));
        let source = Source::open(&path, Damage::Refuse, None).unwrap();
        assert_eq!(scan(&source, 0, |_, _| Ok(())).unwrap().rows, 2);
        assert!(source.db().execute("INSERT INTO t VALUES (3)", []).is_err());
        assert!(source.db().prepare("SELECT * FROM v").is_err());
    }
}
