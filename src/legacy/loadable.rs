//! What a database needs so that the newest old application opens it, and nothing more.
//!
//! The shape is completed where the application does not do that itself, its list of migrations
//! says that nothing is left to do, full-text indexes are built anew, and rows that would stop it
//! go into a file beside the database. Everything else is written as in a faithful export.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::Connection;
use rusqlite::hooks::{AuthContext, Authorization};

use super::born::Births;
use super::export::Target;
use super::fault;
use super::fresh::Fresh;
use super::fulltext::full_text_over;
use super::judge::{Judge, VECTOR_BYTES};
use super::outgoing::Packed;
use super::output::{Existing, Output, only_definitions};
use super::quarantine::{Quarantine, QuarantinedRow};
use super::route::fields_of;
use super::scalar::Scalar;
use super::schema::{ColumnText, Object, SchemaText, Storage, TableText, quoted};
use super::time::{Stamp, Zoneless, write_time};
use super::value::{Cell, Value};
use crate::base::error::{Error, Result};
use crate::storage::verbatim;
use crate::store::ReadTx;

/// The list of migrations in the main database, and what it must say.
const MIGRATIONS_TABLE: &str = "schema_migrations";
const MIGRATIONS: [&str; 6] = [
    "baseline",
    "legacy_schema_upgrades",
    "manager_knowledge_jurisdiction",
    "learning_path_storage",
    "Create memory_code_links table",
    "Add ai_model_version to file_analysis",
];

/// Changes to a database on its way out.
#[derive(Debug)]
pub(super) struct Fixes {
    /// The shape that is written. Tables have the places that they have in the target.
    pub(super) schema: SchemaText,
    /// Full-text tables that are built anew.
    pub(super) rebuild: Vec<String>,
    /// Full-text tables that are left empty.
    pub(super) emptied: Vec<String>,
    tables: BTreeMap<usize, TableFix>,
    /// Rows besides those that come: place of the table, row id, cells.
    added: Vec<(usize, i64, Vec<Value>)>,
    quarantine: Option<Quarantine>,
    notes: Vec<String>,
    /// Rows that were let through or added, by table.
    pub(super) rows: BTreeMap<String, u64>,
}

/// Changes to one table.
#[derive(Debug, Default)]
struct TableFix {
    name: String,
    /// The columns that come.
    columns: Vec<ColumnText>,
    /// Where the cells of a row that is written come from; nothing when they stay as they are.
    layout: Option<Vec<Taken>>,
    judge: Option<Judge>,
    migrations: Option<Migrations>,
    /// Whether no row that comes is written.
    emptied: bool,
    left_out: u64,
}

/// Where a cell comes from.
#[derive(Debug)]
enum Taken {
    Column(usize),
    Given(Value),
}

/// The places of the columns of the list of migrations, and the versions that it has.
#[derive(Debug)]
struct Migrations {
    version: usize,
    success: usize,
    error: Option<usize>,
    seen: BTreeSet<i64>,
}

impl Fixes {
    /// No change.
    pub(super) fn none(target: &Target) -> Self {
        Self {
            schema: target.schema.clone(),
            rebuild: Vec::new(),
            emptied: Vec::new(),
            tables: BTreeMap::new(),
            added: Vec::new(),
            quarantine: None,
            notes: Vec::new(),
            rows: BTreeMap::new(),
        }
    }

    /// The changes that a database needs which is going to be written to `path`.
    pub(super) fn loadable(
        read: &ReadTx,
        (target, born): (&Target, &Births),
        path: &Path,
        existing: Existing,
    ) -> Result<Self> {
        let head = Fresh::make(target.database.schema, target.database.wal)?;
        let mut fixes = Self::none(target);
        fixes.quarantine = Some(Quarantine::beside(path, existing)?);
        let kind = target.database.kind;
        let vector_bytes = vector_bytes(read, target, born)?;
        fixes.judge_tables(kind, &head, vector_bytes);
        match kind {
            "documents" => {
                fixes.complete_columns(&head, path)?;
                for table in [MIGRATIONS_TABLE, "memory_code_links"] {
                    fixes.add_table(&head, table);
                }
                fixes.complete_migrations(read);
                if !fixes.schema.header.wal {
                    fixes.schema.header.wal = true;
                    fixes.notes.push("the file is in WAL mode".to_owned());
                }
            }
            "unified_memory" => {
                fixes.complete_columns(&head, path)?;
                for (_, object, _) in head.schema().tables() {
                    fixes.add_table(&head, &object.name);
                }
            }
            "vector_store" => {
                fixes.order_columns(&head, "documents", path)?;
                if vector_bytes != VECTOR_BYTES {
                    fixes.notes.push(format!(
                        "documents: most vectors have {} numbers; the old application has to be \
                         told so, it expects {}",
                        vector_bytes / 4,
                        VECTOR_BYTES / 4
                    ));
                }
            }
            _ => {}
        }
        fixes.renew_full_text(&head)?;
        Ok(fixes)
    }

    /// What was done, in words.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        let Some(quarantine) = &self.quarantine else { return notes };
        for fix in self.tables.values().filter(|fix| fix.left_out > 0) {
            notes.push(format!(
                "{}: {} rows would stop the old application and are in {}",
                fix.name,
                fix.left_out,
                quarantine.name()
            ));
        }
        notes
    }

    /// Whether rows can differ from those that come.
    pub(super) fn is_any(&self) -> bool {
        self.quarantine.is_some()
    }

    /// Hands a row on to `insert` as it is to be written, or leaves it out.
    pub(super) fn pass(
        &mut self,
        object: usize,
        row: i64,
        cells: &[Cell<'_>],
        insert: &mut dyn FnMut(i64, &[Cell<'_>]) -> Result<()>,
    ) -> Result<()> {
        let Some(fix) = self.tables.get_mut(&object) else {
            if self.quarantine.is_some() {
                count(&mut self.rows, &self.schema.objects[object].name);
            }
            return insert(row, cells);
        };
        if fix.emptied {
            return Ok(());
        }
        let fault = fix.judge.as_mut().and_then(|judge| judge.fault(cells));
        if let (Some(fault), Some(quarantine)) = (fault, &mut self.quarantine) {
            fix.left_out += 1;
            let encoding = self.schema.header.encoding;
            let whole = (&fix.columns[..], cells, encoding);
            return quarantine.add(&QuarantinedRow::new(&fix.name, row, &fault, whole));
        }
        count(&mut self.rows, &fix.name);
        if fix.layout.is_none() && fix.migrations.is_none() {
            return insert(row, cells);
        }
        let mut laid: Vec<Cell<'_>> = match &fix.layout {
            None => cells.to_vec(),
            Some(layout) => layout
                .iter()
                .map(|taken| match taken {
                    Taken::Column(place) => cells[*place],
                    Taken::Given(value) => value.as_cell(),
                })
                .collect(),
        };
        if let Some(migrations) = &mut fix.migrations {
            migrations.succeed(&mut laid);
        }
        insert(row, &laid)
    }

    /// Writes the rows that are added, after all others.
    pub(super) fn add_rows(&mut self, output: &mut Output) -> Result<()> {
        for (place, row, values) in std::mem::take(&mut self.added) {
            let seen = self.tables.get(&place).and_then(|fix| fix.migrations.as_ref());
            if seen.is_some_and(|migrations| migrations.seen.contains(&row)) {
                continue;
            }
            let cells: Vec<Cell<'_>> = values.iter().map(Value::as_cell).collect();
            output.loader(place)?.insert(row, &cells)?;
            count(&mut self.rows, &self.schema.objects[place].name);
        }
        Ok(())
    }

    /// Gives the file of rows that were left out its name.
    pub(super) fn keep_quarantine(&mut self) -> Result<()> {
        self.quarantine.take().map_or(Ok(()), Quarantine::keep)
    }

    /// Every table that the application knows is judged.
    fn judge_tables(&mut self, kind: &str, head: &Fresh, vector_bytes: usize) {
        let encoding = self.schema.header.encoding;
        for (place, object, rows) in self.schema.tables() {
            if !is_known(head.schema(), &object.name) {
                continue;
            }
            let judge = Judge::new(kind, &object.name, rows, encoding, vector_bytes);
            let fix = TableFix {
                name: object.name.clone(),
                columns: rows.columns.clone(),
                judge: Some(judge),
                ..TableFix::default()
            };
            self.tables.insert(place, fix);
        }
    }

    /// Adds the columns of the newest shape that known tables lack, as the last ones.
    fn complete_columns(&mut self, head: &Fresh, path: &Path) -> Result<()> {
        for place in self.tables.keys().copied().collect::<Vec<_>>() {
            let object = &self.schema.objects[place];
            let (Some(rows), Some((_, newest))) = (&object.rows, head.schema().table(&object.name))
            else {
                continue;
            };
            let missing: Vec<&ColumnText> = newest
                .columns
                .iter()
                .filter(|column| rows.column(&column.name).is_none())
                .collect();
            if missing.is_empty() {
                continue;
            }
            let mut added = Vec::new();
            for column in missing {
                added.push((column.clone(), default_of(head, &object.name, column)?));
            }
            let sql = object.sql.clone().unwrap_or_default();
            self.replace(place, &sql, &added, path)?;
            let names: Vec<&str> = added.iter().map(|(column, _)| column.name.as_str()).collect();
            self.notes.push(format!(
                "{}: columns added: {}",
                self.schema.objects[place].name,
                names.join(", ")
            ));
        }
        Ok(())
    }

    /// Brings the columns of a table into the order of the newest shape; others come last.
    fn order_columns(&mut self, head: &Fresh, table: &str, path: &Path) -> Result<()> {
        let (Some((place, rows)), Some((newest, head_rows))) =
            (self.schema.table(table), head.schema().table(table))
        else {
            return Ok(());
        };
        let same = |(ours, theirs): (&ColumnText, &ColumnText)| {
            ours.name.eq_ignore_ascii_case(&theirs.name)
        };
        let in_order = rows.columns.len() >= head_rows.columns.len()
            && rows.columns.iter().zip(&head_rows.columns).all(same);
        if in_order {
            return Ok(());
        }
        let others = rows.columns.iter().filter(|column| head_rows.column(&column.name).is_none());
        let others: Vec<_> = others.map(|column| (column.clone(), None)).collect();
        let sql = head.schema().objects[newest].sql.clone().unwrap_or_default();
        self.replace(place, &sql, &others, path)?;
        self.notes.push(format!("{table}: columns are in the order in which they are read"));
        Ok(())
    }

    /// Gives a table the shape of a definition with some columns more.
    fn replace(
        &mut self,
        place: usize,
        sql: &str,
        more: &[(ColumnText, Option<Constant>)],
        path: &Path,
    ) -> Result<()> {
        let name = self.schema.objects[place].name.clone();
        let old = self.schema.objects[place].rows.take().unwrap_or_default();
        let (sql, rows) = altered(&name, sql, more)
            .map_err(|source| fault::sqlite(path, &name, "its shape cannot be completed", source))
            .and_then(|db| {
                let schema = SchemaText::read(&db, path, false)?;
                let found = schema.table(&name).map(|(place, rows)| (place, rows.clone()));
                let (found, rows) = found.ok_or_else(|| Error::not_found("table", &name))?;
                Ok((schema.objects[found].sql.clone(), rows))
            })?;
        let layout = rows.columns.iter().map(|column| match old.column(&column.name) {
            Some(place) => Taken::Column(place),
            None => Taken::Given(
                more.iter()
                    .find(|(added, _)| added.name == column.name)
                    .and_then(|(_, default)| default.as_ref())
                    .map_or(Value::Null, |default| default.value.clone()),
            ),
        });
        let layout = layout.collect();
        let object = &mut self.schema.objects[place];
        (object.sql, object.rows) = (sql, Some(rows));
        if let Some(fix) = self.tables.get_mut(&place) {
            fix.layout = Some(layout);
        }
        Ok(())
    }

    /// Adds a table of the newest shape, with its indexes, where there is none of that name.
    fn add_table(&mut self, head: &Fresh, name: &str) {
        let there = |schema: &SchemaText, name: &str| {
            schema.objects.iter().any(|object| object.name.eq_ignore_ascii_case(name))
        };
        if there(&self.schema, name) {
            return;
        }
        let belongs = |object: &&Object| object.table.eq_ignore_ascii_case(name);
        for object in head.schema().objects.iter().filter(belongs) {
            if !there(&self.schema, &object.name) {
                self.schema.objects.push(object.clone());
            }
        }
        self.notes.push(format!("{name}: table added"));
    }

    /// Has the list of migrations say that all of them are done.
    fn complete_migrations(&mut self, read: &ReadTx) {
        let Some((place, rows)) = self.schema.table(MIGRATIONS_TABLE) else { return };
        let (Some(version), Some(name), Some(applied), Some(success)) = (
            rows.column("version"),
            rows.column("name"),
            rows.column("applied_at"),
            rows.column("success"),
        ) else {
            return;
        };
        let encoding = self.schema.header.encoding;
        let now =
            write_time(read.core().clock.now(), Stamp::A, Zoneless::Utc, &jiff::tz::TimeZone::UTC);
        for (number, migration) in (1..).zip(MIGRATIONS) {
            let mut values = vec![Value::Null; rows.columns.len()];
            values[version] = Value::Integer(number);
            values[name] = Value::Text(migration.into()).encoded(encoding);
            values[applied] = now.clone().encoded(encoding);
            values[success] = Value::Integer(1);
            self.added.push((place, number, values));
        }
        let error = rows.column("error");
        let fix = self.tables.entry(place).or_default();
        MIGRATIONS_TABLE.clone_into(&mut fix.name);
        fix.migrations = Some(Migrations { version, success, error, seen: BTreeSet::new() });
    }

    /// Indexes over known tables are built anew, and left empty where that cannot be done.
    fn renew_full_text(&mut self, head: &Fresh) -> Result<()> {
        let known: Vec<String> = self
            .schema
            .tables()
            .filter(|(_, object, _)| is_known(head.schema(), &object.name))
            .map(|(_, object, _)| object.name.clone())
            .collect();
        for index in known.iter().flat_map(|table| full_text_over(&self.schema, table)) {
            if index.rebuildable {
                self.rebuild.push(index.name);
            } else if head.schema().table(&index.name).is_some() {
                empty(&self.schema, head, &index.name, &mut self.tables, &mut self.added)?;
                self.notes.push(format!("{}: left empty, to be filled anew", index.name));
                self.emptied.push(index.name);
            }
        }
        Ok(())
    }
}

/// Has the contents of an index be those of one over no rows.
fn empty(
    schema: &SchemaText,
    head: &Fresh,
    index: &str,
    tables: &mut BTreeMap<usize, TableFix>,
    added: &mut Vec<(usize, i64, Vec<Value>)>,
) -> Result<()> {
    let holds = |rows: &TableText| {
        rows.shadow_of.as_deref().is_some_and(|found| found.eq_ignore_ascii_case(index))
    };
    for (place, object, rows) in schema.tables().filter(|(_, _, rows)| holds(rows)) {
        let name = object.name.clone();
        tables.insert(place, TableFix { name, emptied: true, ..TableFix::default() });
        let Some((newest, head_rows)) = head.schema().table(&object.name) else { continue };
        if head_rows.columns.len() != rows.columns.len() {
            continue;
        }
        head.rows(newest, |row, cells| {
            added.push((place, row, cells.iter().map(|cell| cell.to_value()).collect()));
            Ok(())
        })?;
    }
    Ok(())
}

impl Migrations {
    /// Notes which migration a row is about, and that it succeeded.
    fn succeed(&mut self, cells: &mut [Cell<'_>]) {
        let Cell::Integer(version) = cells[self.version] else { return };
        let expected = 1..=MIGRATIONS.len() as i64;
        if !expected.contains(&version) {
            return;
        }
        self.seen.insert(version);
        if cells[self.success] != Cell::Integer(1) {
            cells[self.success] = Cell::Integer(1);
            if let Some(error) = self.error {
                cells[error] = Cell::Null;
            }
        }
    }
}

fn count(rows: &mut BTreeMap<String, u64>, table: &str) {
    match rows.get_mut(table) {
        Some(count) => *count += 1,
        None => drop(rows.insert(table.to_owned(), 1)),
    }
}

/// Whether the application has a table of that name that holds rows of its own.
fn is_known(head: &SchemaText, table: &str) -> bool {
    head.table(table).is_some_and(|(place, rows)| {
        let own = !head.objects[place].name.starts_with("sqlite_");
        own && rows.storage != Storage::Virtual && rows.shadow_of.is_none()
    })
}

/// A default that is always the same.
struct Constant {
    sql: String,
    value: Value,
}

/// The default of a column in the newest shape. `None` where there is none, or it is computed.
fn default_of(head: &Fresh, table: &str, column: &ColumnText) -> Result<Option<Constant>> {
    let failed = |source| Error::engine("sqlite", "read the newest shape", source);
    let sql: Option<String> = head
        .db()
        .query_row(
            "SELECT dflt_value FROM pragma_table_info(?1) WHERE name = ?2",
            [table, &column.name],
            |row| row.get(0),
        )
        .map_err(failed)?;
    let Some(sql) = sql else { return Ok(None) };
    let upper = sql.to_ascii_uppercase();
    if upper.starts_with("CURRENT_") || upper.starts_with('(') {
        return Ok(None);
    }
    let value = head
        .db()
        .query_row(&format!("SELECT {sql}"), [], |row| Ok(Cell::from(row.get_ref(0)?).to_value()))
        .map_err(failed)?;
    Ok(Some(Constant { sql, value }))
}

/// A database in memory with a table of that definition and some columns more. The definition is
/// not trusted: it may define and nothing else.
fn altered(
    name: &str,
    sql: &str,
    more: &[(ColumnText, Option<Constant>)],
) -> rusqlite::Result<Connection> {
    let mut db = Connection::open_in_memory()?;
    db.authorizer(Some(only_definitions as fn(AuthContext<'_>) -> Authorization))?;
    db.execute(sql, [])?;
    db.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    for (column, default) in more {
        let default = default.as_ref().map(|default| format!(" DEFAULT {}", default.sql));
        db.execute(
            &format!(
                "ALTER TABLE {} ADD COLUMN {} {}{}",
                quoted(name),
                column.name,
                column.declared,
                default.unwrap_or_default()
            ),
            [],
        )?;
    }
    Ok(db)
}

/// Bytes of most vectors that go into a database, those of a source and those made here.
fn vector_bytes(read: &ReadTx, target: &Target, born: &Births) -> Result<usize> {
    let mut lengths: BTreeMap<usize, u64> = BTreeMap::new();
    let mut count = |bytes: &[u8]| {
        if !bytes.is_empty() && bytes.len().is_multiple_of(4) {
            *lengths.entry(bytes.len()).or_default() += 1;
        }
    };
    if target.database.kind != "vector_store" {
        return Ok(VECTOR_BYTES);
    }
    let column = target.schema.table("documents").and_then(|(_, rows)| rows.column("embedding"));
    let place = target.source.as_ref().and_then(|source| source.table("documents"));
    if let (Some(source), Some(column), Some((place, _))) = (&target.source, column, place) {
        for block in verbatim::blocks(read.rows(), source.number, place as u32)? {
            Packed::of(block?.1).for_each(&mut |_, cells| {
                if let Some(Cell::Blob(bytes)) = cells.get(column) {
                    count(bytes);
                }
                Ok(())
            })?;
        }
    }
    for id in born.tables.get("documents").into_iter().flatten() {
        if let Some(Scalar::Bytes(bytes)) =
            fields_of(read, "vector_document", *id)?.get("embedding")
        {
            count(bytes);
        }
    }
    // Of two that are as frequent the one that the application expects.
    let most = lengths.into_iter().max_by_key(|(bytes, count)| (*count, *bytes == VECTOR_BYTES));
    Ok(most.map_or(VECTOR_BYTES, |(length, _)| length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::legacy::copy::samples;
    use crate::legacy::scan::scan;
    use crate::legacy::source::{Damage, Source};
    use crate::legacy::{ExportOptions, ExportedFile, ImportOptions, Mode, export, import, sample};
    use crate::store::Store;

    /// A store with one imported database, and its loadable export.
    struct Made {
        store: Store,
        out: std::path::PathBuf,
        file: ExportedFile,
        _folder: tempfile::TempDir,
    }

    impl Made {
        fn of(original: &Path) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::create(folder.path().join("store")).unwrap();
            let paths = [original.to_path_buf()];
            import(&store, &paths, &ImportOptions::new(), &mut |_| {}).unwrap();
            let out = folder.path().join("out");
            let file = loadable_export(&store, &out).swap_remove(0);
            Self { store, out, file, _folder: folder }
        }

        fn db(&self) -> Connection {
            Connection::open(&self.file.path).unwrap()
        }

        fn left_out(&self) -> BTreeMap<String, Vec<String>> {
            let name = self.file.path.file_name().unwrap().to_string_lossy();
            let path = self.out.join(format!("{name}.quarantine.jsonl"));
            let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                let text = |key: &str| row[key].as_str().unwrap().to_owned();
                tables.entry(text("table")).or_default().push(text("column"));
            }
            tables
        }
    }

    fn loadable_export(store: &Store, out: &Path) -> Vec<ExportedFile> {
        let options = ExportOptions::new().mode(Mode::Loadable);
        export(store, out, &options, &mut |_| {}).unwrap().files
    }

    fn one<T: rusqlite::types::FromSql>(db: &Connection, sql: &str) -> T {
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// The databases of a folder of samples that are exported at all.
    fn databases(folder: &str) -> Vec<std::path::PathBuf> {
        let Some(samples) = samples() else { return Vec::new() };
        let mut found: Vec<_> = std::fs::read_dir(samples.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
            .collect();
        found.sort();
        found
    }

    /// Sound, without a row that stops the application, and without losing one.
    #[track_caller]
    fn check_loadable(original: &Path) -> BTreeMap<String, usize> {
        let made = Made::of(original);
        let place = original.display();
        assert_eq!(one::<String>(&made.db(), "PRAGMA integrity_check"), "ok", "{place}");
        let written = Source::open(&made.file.path, Damage::Refuse, None).unwrap();
        let source = Source::open(original, Damage::Refuse, None).unwrap();
        let head = Fresh::make(
            crate::legacy::detect::detect(source.schema(), original).unwrap().schema,
            false,
        )
        .unwrap();
        let left_out = made.left_out();
        let mut counts = BTreeMap::new();
        for (object, described, rows) in source.schema().tables() {
            let name = &described.name;
            let before = scan(&source, object, |_, _| Ok(())).unwrap().rows;
            let (place_now, rows_now) = written.schema().table(name).unwrap();
            let known = is_known(head.schema(), name);
            let length = vector_length(&source, name);
            let encoding = source.schema().header.encoding;
            let mut judge = Judge::new(&made.file.kind, name, rows_now, encoding, length);
            let after = scan(&written, place_now, |row, cells| {
                let fault = judge.fault(cells).filter(|_| known);
                assert_eq!(fault, None, "{place} {name} row {row}");
                Ok(())
            });
            let gone = left_out.get(name).map_or(0, Vec::len);
            if rows.shadow_of.is_none() && name != MIGRATIONS_TABLE {
                assert_eq!(after.unwrap().rows + gone as u64, before, "{place} {name}");
            }
            if gone > 0 {
                counts.insert(name.clone(), gone);
                let note = format!("{name}: {gone} rows would stop");
                assert!(made.file.notes.iter().any(|told| told.starts_with(&note)), "{place}");
            }
        }
        assert_eq!(left_out.len(), counts.len(), "{place}");
        if made.file.kind == "documents" {
            let db = made.db();
            let done = "SELECT group_concat(version || name, '|') FROM (SELECT * FROM \
                        schema_migrations WHERE success = 1 AND error IS NULL AND version < 7 \
                        ORDER BY version)";
            let expected = (1..).zip(MIGRATIONS).map(|(number, name)| format!("{number}{name}"));
            let expected: Vec<String> = expected.collect();
            assert_eq!(one::<String>(&db, done), expected.join("|"), "{place}");
            assert_eq!(one::<String>(&db, "PRAGMA journal_mode"), "wal", "{place}");
            let jurisdiction = "SELECT count(*) FROM pragma_table_info('manager_knowledge') \
                                WHERE name = 'jurisdiction'";
            assert_eq!(one::<i64>(&db, jurisdiction), 1, "{place}");
            one::<i64>(&db, "SELECT count(*) FROM memory_code_links");
            let check = "INSERT INTO file_content_chunks_fts(file_content_chunks_fts, rank) \
                         VALUES ('integrity-check', 1)";
            db.execute(check, []).unwrap();
        }
        counts
    }

    fn vector_length(source: &Source, table: &str) -> usize {
        let rows = source.schema().table(table).and_then(|(_, rows)| rows.column("embedding"));
        if rows.is_some() { VECTOR_BYTES } else { 0 }
    }

    #[test]
    fn ordinary_databases_lose_hardly_a_row() {
        let Some(samples) = samples() else { return };
        for original in databases("").into_iter().chain(databases("drift")) {
            let odd: &[&str] = match original.strip_prefix(&samples).unwrap().to_str().unwrap() {
                // A link to nothing of no type, and a span that ends before its start.
                "documents.db" => &["aedis_artifact_provenance_links", "aedis_evidence_spans"],
                // No importance, which breaks searches.
                "unified_memory.db" | "unified_memory_head.db" => &["memory_records"],
                _ => &[],
            };
            let odd = odd.iter().map(|table| ((*table).to_owned(), 1)).collect();
            assert_eq!(check_loadable(&original), odd, "{}", original.display());
        }
    }

    #[test]
    fn an_old_memory_gets_the_newest_shape() {
        let Some(samples) = samples() else { return };
        for name in ["unified_memory.db", "drift/unified_memory_old_opened.db"] {
            let made = Made::of(&samples.join(name));
            let db = made.db();
            let last = "SELECT name FROM pragma_table_info('memory_records') ORDER BY cid DESC";
            assert_eq!(one::<String>(&db, last), "embedding_vector", "{name}");
            db.execute(
                "INSERT INTO memory_code_links(memory_record_id, file_path) VALUES ('a', 'b')",
                [],
            )
            .unwrap();
            let indexes = "SELECT count(*) FROM sqlite_schema WHERE type = 'index' \
                           AND tbl_name = 'memory_code_links'";
            assert_eq!(one::<i64>(&db, indexes), 3, "{name}");
            let again = loadable_export(&made.store, &made.out.join("again"));
            assert_eq!(again[0].notes, made.file.notes);
        }
    }

    #[test]
    fn vectors_are_read_by_place() {
        let Some(samples) = samples() else { return };
        let folder = tempfile::tempdir().unwrap();
        let original = folder.path().join("metadata.db");
        std::fs::copy(samples.join("vector_metadata.db"), &original).unwrap();
        std::fs::set_permissions(
            &original,
            std::fs::metadata(folder.path()).unwrap().permissions(),
        )
        .unwrap();
        let db = Connection::open(&original).unwrap();
        db.execute_batch(
            "CREATE TABLE other AS SELECT tags_json, content, id, embedding, metadata_json,
                 document_type, legal_domain, case_id, jurisdiction, date_created, 7 AS extra,
                 importance_score, access_count, last_accessed, ttl_seconds FROM documents;
             DROP TABLE documents; ALTER TABLE other RENAME TO documents",
        )
        .unwrap();
        let before: String = one(&db, "SELECT group_concat(id || quote(tags_json)) FROM documents");
        drop(db);
        let db = Made::of(&original).db();
        let columns = "SELECT group_concat(name) FROM pragma_table_info('documents')";
        assert_eq!(
            one::<String>(&db, columns),
            "id,content,embedding,metadata_json,document_type,legal_domain,case_id,jurisdiction,\
             date_created,importance_score,access_count,last_accessed,tags_json,ttl_seconds,extra"
        );
        let after: String = one(&db, "SELECT group_concat(id || quote(tags_json)) FROM documents");
        assert_eq!(after, before);
        assert_eq!(one::<i64>(&db, "SELECT sum(extra = 7) = count(*) FROM documents"), 1);
    }

    #[test]
    fn records_made_here_are_judged_too() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(folder.path().join("store")).unwrap();
        let document = crate::record::Document {
            file_name: "a".into(),
            file_type: "pdf".into(),
            category: "c".into(),
            ..Default::default()
        };
        store.write(|tx| tx.insert(&document)).unwrap();
        let out = folder.path().join("out");
        let files = loadable_export(&store, &out);
        assert_eq!(files[0].rows["documents"], 0);
        assert_eq!(files[0].rows[MIGRATIONS_TABLE], 6);
        let line = std::fs::read_to_string(out.join("documents.db.quarantine.jsonl")).unwrap();
        assert!(line.contains("\"column\":\"file_type\""), "{line}");
        let options = ExportOptions::new().mode(Mode::Loadable);
        let again = export(&store, &out, &options, &mut |_| {});
        assert!(again.is_err(), "what is there is not replaced");
        let options = options.existing(Existing::Replace);
        store
            .write(|tx| {
                let (id, _) = tx.iter::<crate::record::Document>()?.next().unwrap()?;
                tx.update::<crate::record::Document>(id, |document| {
                    document.file_type = "DOCX".into();
                    document.created_at = Some(crate::Timestamp::from_micros(1));
                    Ok(())
                })
            })
            .unwrap();
        let files = export(&store, &out, &options, &mut |_| {}).unwrap().files;
        assert_eq!(files[0].rows["documents"], 1);
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1, "no quarantine any more");
    }

    #[test]
    fn a_database_that_needs_nothing_is_hardly_touched() {
        let folder = tempfile::tempdir().unwrap();
        let files = sample::write(folder.path(), 10).unwrap();
        for (original, notes) in files.iter().zip([0, 0, 0]) {
            let made = Made::of(original);
            assert_eq!(made.file.notes.len(), notes, "{:?}", made.file.notes);
            let options = ExportOptions::new();
            let out = made.out.join("faithful");
            let faithful = export(&made.store, &out, &options, &mut |_| {}).unwrap();
            let (mut rows, mut before) = (made.file.rows.clone(), faithful.files[0].rows.clone());
            rows.remove(MIGRATIONS_TABLE);
            before.remove(MIGRATIONS_TABLE);
            rows.retain(|table, _| !table.contains("_fts_"));
            before.retain(|table, _| !table.contains("_fts_"));
            assert_eq!(rows, before);
        }
    }

    #[test]
    fn rows_that_stop_the_application_are_left_out() {
        let expected: [(&str, &[(&str, usize)]); 9] = [
            ("config_store_hostile", &[("configuration", 6)]),
            (
                "documents_hostile",
                &[
                    ("aedis_analysis_versions", 4),
                    ("aedis_learning_paths", 1),
                    ("document_tags", 5),
                    ("documents", 10),
                    ("workflow_jobs", 6),
                ],
            ),
            ("file_index_changed", &[]),
            ("knowledge_graph_hostile", &[("entities", 2), ("relationships", 4)]),
            ("memory_proposals_hostile", &[("memory_proposals", 10)]),
            ("todo_unknown_module", &[]),
            ("todo_utf16", &[]),
            ("unified_memory_hostile", &[("memory_records", 12)]),
            ("vector_metadata_hostile", &[("documents", 10)]),
        ];
        for (original, (name, counts)) in databases("edge").iter().zip(expected) {
            assert_eq!(original.file_stem().unwrap().to_str(), Some(name));
            let counts = counts.iter().map(|(table, rows)| ((*table).to_owned(), *rows)).collect();
            assert_eq!(check_loadable(original), counts, "{name}");
        }
    }
}
