//! Giving databases back: every source under its own file name, what was born here in canonical
//! rows.
//!
//! A row goes out as it came in. Only where the record that it became says something else today, a
//! cell is replaced: one whose field, read from the verbatim row by the same code, differs from the
//! record's. So an untouched store gives back what it took, and no flag has to say what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::tz::TimeZone;

use super::block::BlockWriter;
use super::born::{Births, births};
use super::database::{DATABASES, Database, Export};
use super::fault;
use super::fresh::Fresh;
use super::fulltext::{FullText, full_text_over, is_rebuildable};
use super::loadable::Fixes;
use super::outgoing::{Item, Outgoing, Totals};
use super::output::{Existing, Output};
use super::plan::plan;
use super::report::{ExportReport, ExportedFile, Progress};
use super::schema::SchemaText;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::trace::carried;
use crate::base::trace::category::LEGACY;
use crate::store::sources::Source;
use crate::store::{ReadTx, Store};

/// Tables that lie between the two threads at most, in blocks.
const BLOCKS_AHEAD: usize = 16;

/// How faithful an export is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Equal to what was imported, cell for cell, except where records changed here.
    #[default]
    Faithful,
    /// With the smallest set of changes that lets the newest old application open it.
    Loadable,
}

/// How databases are given back.
#[derive(Clone, Debug, Default)]
pub struct ExportOptions {
    mode: Mode,
    existing: Existing,
    born_into: Option<String>,
}

impl ExportOptions {
    /// Faithful, over no existing file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How faithful the export is.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// What to do with files that exist already.
    #[must_use]
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// The name of the source that takes the records made here, where several could.
    #[must_use]
    pub fn born_into(mut self, name: impl Into<String>) -> Self {
        self.born_into = Some(name.into());
        self
    }
}

/// A database that is going to be written.
pub(super) struct Target {
    pub(super) database: &'static Database,
    /// The source that it was imported as; nothing for a fresh file.
    pub(super) source: Option<Arc<Source>>,
    pub(super) schema: SchemaText,
    pub(super) zone: TimeZone,
    /// For a fresh file: rows that tables start with, as blocks by place in the schema.
    pub(super) start: BTreeMap<usize, Vec<u8>>,
}

impl Target {
    /// The database that a source was.
    pub(super) fn of_source(source: Arc<Source>) -> Result<Self> {
        let database = DATABASES.iter().find(|known| known.kind == source.database);
        let database =
            database.ok_or_else(|| Error::not_found("database kind", &source.database))?;
        let schema = codec::decode(&source.detail)?;
        let zone = TimeZone::get(if source.zone.is_empty() { "UTC" } else { &source.zone })
            .map_err(|error| Error::invalid("time zone", error.to_string()))?;
        Ok(Self { database, source: Some(source), schema, zone, start: BTreeMap::new() })
    }

    /// A fresh database of a kind, in its newest shape.
    pub(super) fn fresh(database: &'static Database) -> Result<Self> {
        let fresh = Fresh::make(database.schema, database.wal)?;
        let schema = fresh.schema().clone();
        let mut start = BTreeMap::new();
        for (object, _, rows) in schema.tables() {
            let mut writer = BlockWriter::new(rows.columns.len());
            fresh.rows(object, |row, cells| {
                writer.push(row, cells);
                Ok(())
            })?;
            if let Some(block) = writer.finish()? {
                start.insert(object, block.bytes);
            }
        }
        Ok(Self { database, source: None, schema, zone: TimeZone::UTC, start })
    }

    fn file_name(&self) -> &str {
        self.source.as_ref().map_or(self.database.default_name, |source| &source.file_name)
    }
}

/// Writes every imported database, and what was born here, into `directory`.
///
/// Each file is written beside its place, checked, and then given its name; one that fails leaves
/// nothing behind.
///
/// # Errors
/// [`Error::Import`] when a file exists (unless it may be replaced) or cannot be written;
/// [`Error::NotFound`] when the source that `born_into` names is not there.
pub fn export(
    store: &Store,
    directory: &Path,
    options: &ExportOptions,
    progress: &mut dyn FnMut(&Progress),
) -> Result<ExportReport> {
    let start = Instant::now();
    let read = store.read()?;
    let mut report = ExportReport::default();
    let mut targets = Vec::new();
    for source in store.shared().core.sources.all() {
        let target = Target::of_source(source)?;
        if target.database.export == Export::Never {
            report.skipped.push(target.file_name().to_owned());
        } else {
            targets.push(target);
        }
    }
    let births = births(&read, &mut targets, options.born_into.as_deref(), &mut report.left_out)?;
    std::fs::create_dir_all(directory).map_err(|error| Error::io("create", directory, error))?;
    let mut taken = BTreeSet::new();
    for (place, target) in targets.into_iter().enumerate() {
        let path = free_name(directory, target.file_name(), &mut taken);
        let born = births.of(place);
        report.files.push(write(&read, &target, &born, &path, options, progress)?);
    }
    report.elapsed = start.elapsed().as_secs_f64();
    Ok(report)
}

/// A second file of one name is `name.2.db`, and so on.
fn free_name(directory: &Path, name: &str, taken: &mut BTreeSet<String>) -> PathBuf {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let mut candidate = name.to_owned();
    let mut number = 1;
    while !taken.insert(candidate.to_lowercase()) {
        number += 1;
        candidate = format!("{stem}.{number}{extension}");
    }
    directory.join(candidate)
}

/// Writes one database.
pub(super) fn write(
    read: &ReadTx,
    target: &Target,
    born: &Births,
    path: &Path,
    options: &ExportOptions,
    progress: &mut dyn FnMut(&Progress),
) -> Result<ExportedFile> {
    let span = tracing::info_span!(target: LEGACY, "export", file = %path.display());
    let _entered = span.enter();
    let mut fixes = match options.mode {
        Mode::Faithful => Fixes::none(target),
        Mode::Loadable => Fixes::loadable(read, (target, born), path, options.existing)?,
    };
    let plans = plan(read.core(), target.database, &target.schema, &target.zone)?;
    let mut output = Output::create(path, fixes.schema.clone(), options.existing)?;
    let (sender, receiver) = std::sync::mpsc::sync_channel(BLOCKS_AHEAD);
    let (number, kind) =
        (target.source.as_ref().map_or(0, |source| source.number), target.database.kind);
    let mut totals = std::thread::scope(|scope| {
        let plans = &plans;
        let reader = scope.spawn(carried(move || {
            Outgoing::new(read, target, plans, (born, options.mode), sender).run()
        }));
        let loaded = load(&mut output, &mut fixes, &receiver, path, progress);
        drop(receiver);
        let read = reader.join().unwrap_or_else(|_| {
            let message = "the reading thread ended".to_owned();
            Err(Error::Panicked { action: "export".into(), message })
        });
        loaded.and(read)
    })?;
    fixes.add_rows(&mut output)?;
    if fixes.is_any() {
        totals.rows.values_mut().for_each(|rows| *rows = 0);
        totals.rows.append(&mut fixes.rows);
    }
    let file = finish(output, totals, &fixes, path, kind, number)?;
    fixes.keep_quarantine()?;
    Ok(file)
}

/// Takes rows as they come and puts them into the file.
fn load(
    output: &mut Output,
    fixes: &mut Fixes,
    receiver: &std::sync::mpsc::Receiver<Item>,
    path: &Path,
    progress: &mut dyn FnMut(&Progress),
) -> Result<()> {
    let mut next = receiver.recv().ok();
    while let Some(item) = next.take() {
        let object = item.object;
        let table = output.schema().objects[object].name.clone();
        let mut step = Progress { file: path.to_owned(), table, rows: 0 };
        let mut loader = output.loader(object)?;
        let mut current = Some(item);
        while let Some(item) = current.take() {
            item.rows.for_each(&mut |row, cells| {
                step.rows += 1;
                fixes.pass(object, row, cells, &mut |row, cells| loader.insert(row, cells))
            })?;
            progress(&step);
            match receiver.recv() {
                Ok(item) if item.object == object => current = Some(item),
                Ok(item) => next = Some(item),
                Err(_) => {}
            }
        }
    }
    Ok(())
}

fn finish(
    output: Output,
    totals: Totals,
    fixes: &Fixes,
    path: &Path,
    kind: &str,
    source: u32,
) -> Result<ExportedFile> {
    let (mut rebuild, stale) = indexes_to_rebuild(output.schema(), &totals.touched);
    for index in &fixes.rebuild {
        if !rebuild.contains(index) {
            rebuild.push(index.clone());
        }
    }
    let schema = output.schema().clone();
    let mut empty = Vec::new();
    for index in &totals.emptied {
        if !is_rebuildable(&schema, index) {
            empty.push(index.clone());
        } else if !rebuild.iter().any(|name| name.eq_ignore_ascii_case(index)) {
            rebuild.push(index.clone());
        }
    }
    let written = output.finish(&rebuild)?;
    let expected: BTreeMap<&String, u64> = totals
        .rows
        .iter()
        .filter(|(_, rows)| **rows > 0)
        .map(|(name, rows)| (name, *rows))
        .collect();
    for (table, rows) in expected {
        let found = written.rows.get(table).copied().unwrap_or(0);
        if found != rows && !is_rebuilt(&schema, table, &rebuild) {
            return Err(fault::at(path, table, format!("{found} rows were written of {rows}")));
        }
    }
    let mut file = ExportedFile {
        path: path.to_owned(),
        kind: kind.to_owned(),
        source,
        rows: totals.rows,
        changed: totals.changed,
        born: totals.born,
        deleted: totals.deleted,
        erased: totals.erased,
        dangling: written.dangling,
        not_held: totals.not_held,
        notes: fixes.notes(),
        bytes: written.bytes,
    };
    file.notes.extend(written.oddities);
    file.notes.extend(totals.notes);
    if totals.erased > 0 {
        file.notes.push(format!("{} rows were erased here: their cells are NULL", totals.erased));
    }
    file.notes.extend(empty.into_iter().map(|name| {
        format!("full-text table {name} was erased with its rows and cannot be rebuilt")
    }));
    let stale = stale.into_iter().filter(|name| !fixes.emptied.contains(name));
    file.notes.extend(stale.map(|name| {
        format!("full-text table {name} cannot be rebuilt and shows the rows as imported")
    }));
    tracing::info!(
        target: LEGACY,
        rows = file.rows.values().sum::<u64>(),
        changed = file.changed,
        "file written"
    );
    Ok(file)
}

/// Full-text tables over the contents of tables that changed: those that can be rebuilt, and those
/// that cannot.
fn indexes_to_rebuild(
    schema: &SchemaText,
    touched: &BTreeSet<String>,
) -> (Vec<String>, Vec<String>) {
    let over = touched.iter().flat_map(|table| full_text_over(schema, table));
    let (rebuild, stale): (Vec<_>, Vec<_>) = over.partition(|index| index.rebuildable);
    let names = |indexes: Vec<FullText>| indexes.into_iter().map(|index| index.name).collect();
    (names(rebuild), names(stale))
}

/// Whether a table holds the contents of an index that was built anew.
fn is_rebuilt(schema: &SchemaText, table: &str, rebuild: &[String]) -> bool {
    let index = schema.table(table).and_then(|(_, rows)| rows.shadow_of.as_deref());
    index.is_some_and(|index| rebuild.iter().any(|name| name.eq_ignore_ascii_case(index)))
}
