//! Writing a database that is equal to the one that a [`SchemaText`] describes.
//!
//! Rows are written as bytes. Each table has, while it is loaded, a second entry in the schema that
//! names the same pages with columns of no type: so no affinity changes a storage class, no
//! constraint, default, generated column or conflict clause interferes, every row id can be given,
//! also where columns have taken all of its names, and no index is kept up row by row. Indexes are
//! built afterwards by sorting. Virtual tables are rows of the schema and nothing else, so their
//! modules do not even have to exist; triggers and views become rows of the schema at the very end.
//!
//! The file is made in a folder of its own beside the target, checked, synced and only then given
//! the target's name.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags, Statement};
use tempfile::TempDir;

use super::check;
use super::fault;
use super::schema::{ColumnText, Object, ObjectKind, SchemaText, Storage, TableText, quoted};
use super::value::{Cell, Encoding};
use crate::base::error::{Error, Result};
use crate::base::limits::LEGACY_OUTPUT_CACHE_BYTES;

/// What to do when the target exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone and fail.
    #[default]
    Refuse,
    /// Replace it, in one step, when the new file is complete.
    Replace,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Rows of each table that has any.
    pub(crate) rows: BTreeMap<String, u64>,
    /// Rows of each table whose foreign key has no target, where there are any.
    pub(crate) dangling: BTreeMap<String, u64>,
    /// Rows that break a rule of their own table, in words.
    pub(crate) oddities: Vec<String>,
    /// Bytes of the file.
    pub(crate) bytes: u64,
}

/// A database that is being written.
#[derive(Debug)]
pub(crate) struct Output {
    db: Connection,
    schema: SchemaText,
    target: PathBuf,
    existing: Existing,
    file: PathBuf,
    raw: String,
    rows: Vec<u64>,
    /// Declared after the connection, so that the connection is closed first.
    folder: TempDir,
}

impl Output {
    /// Starts a database of this shape, to appear at `target` when it is finished.
    pub(crate) fn create(target: &Path, schema: SchemaText, existing: Existing) -> Result<Self> {
        check_target(target, existing)?;
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let folder = tempfile::Builder::new()
            .prefix(".engraph-export-")
            .tempdir_in(parent)
            .map_err(|source| Error::io("create a folder in", parent, source))?;
        let file = folder.path().join("export.db");
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&file, flags)
            .map_err(|source| fault::sqlite(target, "", "cannot be created", source))?;
        let rows = vec![0; schema.objects.len()];
        let raw = free_prefix(&schema);
        let mut output =
            Self { db, schema, target: target.to_path_buf(), existing, file, raw, rows, folder };
        output.configure().map_err(|source| output.failed("", source))?;
        output.create_tables()?;
        Ok(output)
    }

    /// The shape of the database.
    pub(crate) fn schema(&self) -> &SchemaText {
        &self.schema
    }

    fn configure(&self) -> rusqlite::Result<()> {
        let header = &self.schema.header;
        let page_size = if header.page_size == 0 { 4_096 } else { header.page_size };
        let cache_kib = LEGACY_OUTPUT_CACHE_BYTES >> 10;
        // A crash costs nothing but the unfinished file, so nothing is journaled or synced here.
        self.db.execute_batch(&format!(
            "PRAGMA page_size = {page_size};
             PRAGMA encoding = '{}';
             PRAGMA auto_vacuum = {};
             PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA journal_mode = OFF;
             PRAGMA synchronous = OFF;
             PRAGMA foreign_keys = OFF;
             PRAGMA trusted_schema = OFF;
             PRAGMA threads = 2;
             PRAGMA cache_size = -{cache_kib};
             BEGIN;
             PRAGMA user_version = {};
             PRAGMA application_id = {};
             COMMIT;",
            header.encoding.name(),
            header.auto_vacuum,
            header.user_version,
            header.application_id,
        ))
    }

    fn create_tables(&mut self) -> Result<()> {
        self.batch("PRAGMA writable_schema = ON; BEGIN")?;
        for place in 0..self.schema.objects.len() {
            let object = &self.schema.objects[place];
            match object.rows.as_ref().map(|rows| rows.storage) {
                None => {}
                Some(Storage::Virtual) => self.insert_object(place)?,
                Some(Storage::Rows | Storage::Keyed) => {
                    let exists = "SELECT count(*) FROM sqlite_schema WHERE name = ?1";
                    let there: i64 = self
                        .db
                        .query_row(exists, [&object.name], |row| row.get(0))
                        .map_err(|source| self.failed(&object.name, source))?;
                    // The first AUTOINCREMENT table brings `sqlite_sequence` with it.
                    if there == 0 {
                        self.define(place)?;
                    }
                    self.insert_raw(place)?;
                }
            }
        }
        self.batch("COMMIT; PRAGMA writable_schema = RESET; BEGIN")
    }

    /// Runs a definition as it stands in the schema. It comes from a file that is not trusted, so
    /// that it may define and nothing else.
    fn define(&mut self, place: usize) -> Result<()> {
        let guard = |db: &mut Connection, on: bool| {
            db.authorizer(on.then_some(only_definitions as fn(AuthContext<'_>) -> Authorization))
        };
        let object = &self.schema.objects[place];
        let Some(sql) = object.sql.clone() else { return Ok(()) };
        let name = object.name.clone();
        let done = guard(&mut self.db, true)
            .and_then(|()| self.db.execute(&sql, []))
            .and_then(|_| guard(&mut self.db, false));
        done.map_err(|source| self.failed(&name, source))
    }

    /// Puts an object into the schema without running anything.
    fn insert_object(&self, place: usize) -> Result<()> {
        let Object { kind, name, table, sql, .. } = &self.schema.objects[place];
        self.db
            .execute(
                "INSERT INTO sqlite_schema(type, name, tbl_name, rootpage, sql)
                 VALUES (?1, ?2, ?3, 0, ?4)",
                (kind.as_str(), name, table, sql),
            )
            .map(drop)
            .map_err(|source| self.failed(name, source))
    }

    /// Puts the second entry of a table into the schema.
    fn insert_raw(&self, place: usize) -> Result<()> {
        let object = &self.schema.objects[place];
        let Some(rows) = &object.rows else { return Ok(()) };
        let name = self.raw_name(place);
        let inserted = self
            .db
            .execute(
                "INSERT INTO sqlite_schema(type, name, tbl_name, rootpage, sql)
                 SELECT 'table', ?1, ?1, rootpage, ?2 FROM sqlite_schema
                 WHERE type = 'table' AND name = ?3",
                (&name, raw_definition(&name, rows), &object.name),
            )
            .map_err(|source| self.failed(&object.name, source))?;
        if inserted == 1 {
            return Ok(());
        }
        let reason = "its definition and its name in the schema disagree";
        Err(fault::at(&self.target, &object.name, reason))
    }

    fn raw_name(&self, place: usize) -> String {
        format!("{}{place}", self.raw)
    }

    /// Starts loading the table at place `object` of the schema. Rows are fastest in the order of
    /// their ids.
    pub(crate) fn loader(&mut self, object: usize) -> Result<Loader<'_>> {
        let raw = self.raw_name(object);
        let found = self.schema.objects.get(object);
        let found = found.and_then(|found| Some((found, found.rows.as_ref()?)));
        let (found, table) = found
            .filter(|(_, table)| table.storage != Storage::Virtual)
            .ok_or_else(|| Error::invalid("table", format!("object {object} holds no rows")))?;
        let utf8 = self.schema.header.encoding == Encoding::Utf8;
        let statement = self.db.prepare(&raw_insert(&raw, table, utf8)).map_err(|source| {
            fault::sqlite(&self.target, &found.name, "cannot be written", source)
        })?;
        let columns = table.columns.iter().map(ColumnText::is_real).collect();
        Ok(Loader {
            statement,
            target: &self.target,
            name: &found.name,
            table,
            real: columns,
            utf8,
            rows: &mut self.rows[object],
        })
    }

    /// Builds what is built from rows, checks the whole and gives the file its name.
    ///
    /// `rebuild` names full-text tables whose index no longer fits the rows that they index.
    pub(crate) fn finish(mut self, rebuild: &[String]) -> Result<Written> {
        let raw = format!("{}%", self.raw);
        self.batch("COMMIT; PRAGMA writable_schema = ON")?;
        self.db
            .execute("DELETE FROM sqlite_schema WHERE name LIKE ?1 ESCAPE '\\'", [escaped(&raw)])
            .map_err(|source| self.failed("", source))?;
        self.batch("PRAGMA writable_schema = RESET; BEGIN")?;
        self.build_indexes()?;
        self.batch("COMMIT; PRAGMA writable_schema = ON; BEGIN")?;
        self.complete_schema()?;
        self.batch("COMMIT; PRAGMA writable_schema = RESET")?;
        for name in rebuild {
            let name_quoted = quoted(name);
            self.db
                .execute(
                    &format!("INSERT INTO {name_quoted}({name_quoted}) VALUES ('rebuild')"),
                    [],
                )
                .map_err(|source| self.failed(name, source))?;
        }
        let mut written = self.check()?;
        if self.schema.header.wal {
            self.batch("PRAGMA journal_mode = WAL")?;
        }
        let Self { db, target, existing, file, folder, .. } = self;
        db.close().map_err(|(_, source)| fault::sqlite(&target, "", "cannot be closed", source))?;
        written.bytes = publish(&file, &target, existing)?;
        folder.close().map_err(|source| Error::io("clean up beside", &target, source))?;
        Ok(written)
    }

    fn build_indexes(&mut self) -> Result<()> {
        let automatic: Vec<String> = self
            .db
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NULL")
            .and_then(|mut statement| {
                statement.query_map([], |row| row.get(0)).and_then(Iterator::collect)
            })
            .map_err(|source| self.failed("", source))?;
        for name in automatic {
            self.db
                .execute(&format!("REINDEX main.{}", quoted(&name)), [])
                .map_err(|source| self.failed(&name, source))?;
        }
        for place in 0..self.schema.objects.len() {
            if self.schema.objects[place].kind == ObjectKind::Index {
                self.define(place)?;
            }
        }
        Ok(())
    }

    /// Adds triggers and views, and sets right what SQLite spells in its own way.
    fn complete_schema(&self) -> Result<()> {
        for (place, object) in self.schema.objects.iter().enumerate() {
            if matches!(object.kind, ObjectKind::Trigger | ObjectKind::View) {
                self.insert_object(place)?;
                continue;
            }
            self.db
                .execute(
                    "UPDATE sqlite_schema SET sql = ?1
                     WHERE type = ?2 AND name = ?3 AND sql IS NOT ?1 AND ?1 IS NOT NULL",
                    (&object.sql, object.kind.as_str(), &object.name),
                )
                .map_err(|source| self.failed(&object.name, source))?;
        }
        Ok(())
    }

    fn check(&self) -> Result<Written> {
        let findings = check::check_written(&self.db).map_err(|source| self.failed("", source))?;
        if let Some(first) = findings.damage.first() {
            let reason = format!("does not pass its check after it was written: {first}");
            return Err(fault::file(&self.target, reason));
        }
        let mut written = Written { oddities: findings.oddities, ..Written::default() };
        for (place, object, _) in self.schema.tables() {
            let sql = format!("SELECT count(*) FROM main.{} NOT INDEXED", quoted(&object.name));
            let count: i64 = self
                .db
                .query_row(&sql, [], |row| row.get(0))
                .map_err(|source| self.failed(&object.name, source))?;
            let (count, loaded) = (count.cast_unsigned(), self.rows[place]);
            if count != loaded && object.rows.as_ref().is_none_or(|rows| rows.shadow_of.is_none()) {
                let reason = format!("has {count} rows after {loaded} were written");
                return Err(fault::at(&self.target, &object.name, reason));
            }
            if count > 0 {
                written.rows.insert(object.name.clone(), count);
            }
        }
        written.dangling =
            dangling(&self.db, &self.schema).map_err(|source| self.failed("", source))?;
        Ok(written)
    }

    fn batch(&self, sql: &str) -> Result<()> {
        self.db.execute_batch(sql).map_err(|source| self.failed("", source))
    }

    fn failed(&self, place: &str, source: rusqlite::Error) -> Error {
        fault::sqlite(&self.target, place, "cannot be written", source)
    }
}

/// Writes the rows of one table.
#[derive(Debug)]
pub(crate) struct Loader<'o> {
    statement: Statement<'o>,
    target: &'o Path,
    name: &'o str,
    table: &'o TableText,
    real: Vec<bool>,
    utf8: bool,
    rows: &'o mut u64,
}

impl Loader<'_> {
    /// Writes a row. `rowid` does not matter where the table has no row ids.
    pub(crate) fn insert(&mut self, rowid: i64, cells: &[Cell<'_>]) -> Result<()> {
        if cells.len() != self.table.columns.len() {
            let reason = format!("{} cells for {} columns", cells.len(), self.table.columns.len());
            return Err(fault::at(self.target, format!("{} row {rowid}", self.name), reason));
        }
        self.bind(rowid, cells).and_then(|()| self.statement.raw_execute()).map_err(|source| {
            let place = format!("{} row {rowid}", self.name);
            fault::sqlite(self.target, place, "cannot be written", source)
        })?;
        *self.rows += 1;
        Ok(())
    }

    fn bind(&mut self, rowid: i64, cells: &[Cell<'_>]) -> rusqlite::Result<()> {
        let first = if self.table.storage == Storage::Rows {
            self.statement.raw_bind_parameter(1, rowid)?;
            2
        } else {
            1
        };
        for (place, cell) in cells.iter().enumerate() {
            let cell = match *cell {
                // The file holds NULL where a column is another name of the row id.
                _ if self.table.alias == Some(place) => Cell::Null,
                Cell::Real(number) if self.real[place] => compact_real(number),
                Cell::Text(bytes) if !self.utf8 => Cell::Blob(bytes),
                cell => cell,
            };
            self.statement.raw_bind_parameter(first + place, cell)?;
        }
        if !self.utf8 {
            for (place, cell) in cells.iter().enumerate() {
                let flag = matches!(cell, Cell::Text(_));
                self.statement.raw_bind_parameter(first + cells.len() + place, flag)?;
            }
        }
        Ok(())
    }
}

/// SQLite keeps whole numbers of floating-point columns as integers of up to six bytes and turns
/// them back when it reads them.
fn compact_real(number: f64) -> Cell<'static> {
    const BOUND: f64 = 140_737_488_355_328.0;
    #[expect(clippy::cast_possible_truncation, reason = "below the bound nothing is cut")]
    let integer = if number.abs() < BOUND { number as i64 } else { return Cell::Real(number) };
    #[expect(clippy::cast_precision_loss, reason = "below the bound nothing is lost")]
    let back = integer as f64;
    // Compared by bits, because the sign of zero counts.
    if back.to_bits() == number.to_bits() { Cell::Integer(integer) } else { Cell::Real(number) }
}

/// The names of the columns of a second entry.
fn raw_columns(table: &TableText) -> String {
    let names: Vec<String> = (0..table.columns.len()).map(|place| format!("c{place}")).collect();
    names.join(", ")
}

fn raw_definition(name: &str, table: &TableText) -> String {
    let columns = raw_columns(table);
    if table.storage != Storage::Keyed {
        return format!("CREATE TABLE {name}({columns})");
    }
    let key: Vec<String> = table
        .key
        .iter()
        .map(|part| {
            let order = if part.descending { "DESC" } else { "ASC" };
            format!("c{} COLLATE {} {order}", part.column, quoted(&part.collation))
        })
        .collect();
    format!("CREATE TABLE {name}({columns}, PRIMARY KEY({})) WITHOUT ROWID", key.join(", "))
}

fn raw_insert(name: &str, table: &TableText, utf8: bool) -> String {
    let width = table.columns.len();
    let (rowid, first) = if table.storage == Storage::Rows { ("rowid, ", 2) } else { ("", 1) };
    let mut values: Vec<String> = (1..first).map(|number| format!("?{number}")).collect();
    for place in 0..width {
        let value = first + place;
        let flag = value + width;
        values.push(if utf8 {
            format!("?{value}")
        } else {
            format!("iif(?{flag}, CAST(?{value} AS TEXT), ?{value})")
        });
    }
    let columns = raw_columns(table);
    format!("INSERT INTO {name}({rowid}{columns}) VALUES ({})", values.join(", "))
}

/// A prefix that no object of the schema starts with.
fn free_prefix(schema: &SchemaText) -> String {
    let mut prefix = String::from("engraph_raw_");
    let taken = |prefix: &str| {
        schema.objects.iter().any(|object| object.name.to_ascii_lowercase().starts_with(prefix))
    };
    while taken(&prefix) {
        prefix.push('_');
    }
    prefix
}

/// A `LIKE` pattern in which the underscore stands for itself.
fn escaped(pattern: &str) -> String {
    pattern.replace('_', "\\_")
}

/// What a definition may do.
pub(super) fn only_definitions(ctx: AuthContext<'_>) -> Authorization {
    match ctx.action {
        AuthAction::Select
        | AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::Pragma { .. }
        | AuthAction::Recursive
        | AuthAction::Transaction { .. }
        | AuthAction::CreateVtable { .. }
        | AuthAction::Unknown { .. } => Authorization::Deny,
        _ => Authorization::Allow,
    }
}

/// Rows of each table whose foreign key has no target. Tables whose keys cannot be checked, because
/// the table that they name is missing or has no fitting key, are left out.
pub(crate) fn dangling(
    db: &Connection,
    schema: &SchemaText,
) -> rusqlite::Result<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    for (_, object, rows) in schema.tables() {
        if rows.shadow_of.is_some() {
            continue;
        }
        let sql = format!("PRAGMA main.foreign_key_check({})", quoted(&object.name));
        let count = db.prepare(&sql).and_then(|mut statement| {
            let mut rows = statement.query([])?;
            let mut count = 0;
            while rows.next()?.is_some() {
                count += 1;
            }
            Ok(count)
        });
        match count {
            Ok(0) => {}
            Ok(count) => drop(found.insert(object.name.clone(), count)),
            Err(error) if fault::is_damage(&error) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(found)
}

/// Refuses targets that must not be replaced.
fn check_target(target: &Path, existing: Existing) -> Result<()> {
    match fs::symlink_metadata(target) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(fault::file(target, "is a directory"));
        }
        Ok(_) if existing == Existing::Refuse => {
            return Err(Error::already_exists("file", target.display()));
        }
        _ => {}
    }
    for suffix in ["-wal", "-journal"] {
        let mut beside = OsString::from(target);
        beside.push(suffix);
        if fs::metadata(&beside).is_ok_and(|metadata| metadata.len() > 0) {
            let reason = format!(
                "has a {suffix} file beside it that SQLite would apply to the new file; close or \
                 remove it first"
            );
            return Err(fault::file(target, reason));
        }
    }
    Ok(())
}

/// Makes a finished file durable under its final name. Returns its length.
fn publish(file: &Path, target: &Path, existing: Existing) -> Result<u64> {
    let synced = File::open(file).and_then(|open| {
        open.sync_all()?;
        open.metadata()
    });
    let bytes = synced.map_err(|source| Error::io("sync", file, source))?.len();
    check_target(target, existing)?;
    let named = match existing {
        Existing::Replace => fs::rename(file, target),
        Existing::Refuse => match fs::hard_link(file, target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Error::already_exists("file", target.display()));
            }
            // Not every file system has hard links.
            Err(_) => fs::rename(file, target),
            Ok(()) => Ok(()),
        },
    };
    named.map_err(|source| Error::io("rename a finished file to", target, source))?;
    if let Some(parent) = target.parent() {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        // Not every system can sync a folder; the file itself is safe.
        if let Ok(folder) = File::open(parent) {
            folder.sync_all().or_else(|error| match error.kind() {
                io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput => Ok(()),
                _ => Err(Error::io("sync", parent, error)),
            })?;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::legacy::fresh::Fresh;
    use crate::legacy::scan::scan_trusted;

    /// Writes rows into the only table of a shape and reads them back.
    fn round_trip(sql: &str, rows: &[(i64, Vec<Cell<'_>>)]) -> Result<Vec<(i64, String)>> {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("made.db");
        let schema = Fresh::make(sql, false).unwrap().schema().clone();
        let mut output = Output::create(&target, schema.clone(), Existing::Refuse)?;
        let (place, _, _) = schema.tables().next().unwrap();
        let mut loader = output.loader(place)?;
        for (rowid, cells) in rows {
            loader.insert(*rowid, cells)?;
        }
        drop(loader);
        output.finish(&[])?;
        let db = Connection::open(&target).unwrap();
        let mut found = Vec::new();
        scan_trusted(&db, &schema, place, |rowid, cells| {
            found.push((rowid, format!("{cells:?}")));
            Ok(())
        })?;
        Ok(found)
    }

    #[track_caller]
    fn survives(sql: &str, rows: &[(i64, Vec<Cell<'_>>)]) {
        let expected: Vec<_> =
            rows.iter().map(|(rowid, cells)| (*rowid, format!("{cells:?}"))).collect();
        assert_eq!(round_trip(sql, rows).unwrap(), expected, "{sql}");
    }

    #[test]
    fn no_affinity_and_no_rule_changes_a_cell() {
        let odd = [
            Cell::Null,
            Cell::Integer(1),
            Cell::Real(1.0),
            Cell::Real(-0.0),
            Cell::Real(1e300),
            Cell::Text(b"1"),
            Cell::Text(b"1.0"),
            Cell::Blob(b"1"),
            Cell::Text(b"\xff\0x"),
        ];
        for declared in ["INTEGER NOT NULL CHECK (a > 5)", "TEXT COLLATE NOCASE", ""] {
            let sql = format!("CREATE TABLE t(a {declared}, b DEFAULT 7)");
            let rows = odd.iter().zip(-3..).map(|(cell, rowid)| (rowid, vec![*cell, Cell::Null]));
            survives(&sql, &rows.collect::<Vec<_>>());
        }
        survives(
            "CREATE TABLE t(rowid, oid, _rowid_ REAL)",
            &[(1, vec![Cell::Text(b"9"), Cell::Null, Cell::Real(3.0)])],
        );
        survives(
            "CREATE TABLE t(a, b TEXT COLLATE NOCASE, PRIMARY KEY(b DESC, a)) WITHOUT ROWID",
            &[
                (1, vec![Cell::Real(0.5), Cell::Text(b"b")]),
                (2, vec![Cell::Integer(1), Cell::Text(b"A")]),
            ],
        );
    }

    #[test]
    fn a_definition_that_does_more_than_define_is_refused() {
        let mut schema = Fresh::make("CREATE TABLE t(a)", false).unwrap().schema().clone();
        let folder = tempfile::tempdir().unwrap();
        for sql in [
            "CREATE TABLE t AS SELECT randomblob(10) AS a",
            "CREATE TABLE t(a); DROP TABLE t",
            "ATTACH 'other.db' AS o",
            "CREATE TABLE other(a)",
        ] {
            schema.objects[0].sql = Some(sql.to_owned());
            let target = folder.path().join("made.db");
            let made = Output::create(&target, schema.clone(), Existing::Refuse);
            assert!(made.is_err(), "{sql}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    }

    #[test]
    fn an_existing_file_is_only_replaced_when_that_is_asked_for() {
        let schema = Fresh::make("CREATE TABLE t(a)", false).unwrap().schema().clone();
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("made.db");
        let make = |existing| Output::create(&target, schema.clone(), existing)?.finish(&[]);
        make(Existing::Refuse).unwrap();
        assert_eq!(make(Existing::Refuse).unwrap_err().kind(), "already_exists");
        fs::write(&target, "old").unwrap();
        make(Existing::Replace).unwrap();
        assert!(fs::read(&target).unwrap().starts_with(b"SQLite format 3"));
        fs::write(folder.path().join("made.db-wal"), "log").unwrap();
        assert!(make(Existing::Replace).unwrap_err().to_string().contains("-wal"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn rows_that_break_a_unique_key_are_refused_with_their_place() {
        let row = |rowid| (rowid, vec![Cell::Integer(4)]);
        let error = round_trip("CREATE TABLE t(a UNIQUE)", &[row(1), row(2)]).unwrap_err();
        assert!(error.to_string().contains("sqlite_autoindex_t_1"), "{error}");
        let error = round_trip("CREATE TABLE t(a)", &[row(1), row(1)]).unwrap_err();
        assert!(error.to_string().contains("t row 1"), "{error}");
    }
}
