//! `engraph import`: takes databases of the old application into a store, and records that are
//! written as JSON lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use engraph::legacy::{self, Damage, Fate, FileReport, ImportOptions, ImportReport};
use engraph::transfer::{self, JsonlImport, JsonlImported};
use engraph::{Error, Store};

use super::failure::{Answer, Failure};
use super::output::{Form, Output};
use super::progress::Progress;
use super::{place, shown, text};

/// Conflicts and lost rows that are shown for a file; the JSON report has all.
const SHOWN_MAX: usize = 20;
/// Cells without a field that are named for a file.
const MISFITS_MAX: usize = 5;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    /// SQLite databases of the old application
    Legacy(Legacy),
    /// Records as JSON, one a line: what `export jsonl` wrote, or plain records of one kind
    Jsonl(Jsonl),
}

#[derive(Args, Debug)]
struct Jsonl {
    /// The file, or - for standard input
    file: PathBuf,

    /// The store's directory; made where there is none
    #[arg(long, value_name = "STORE")]
    into: PathBuf,

    /// Each line is a record of this kind and nothing else, and gets a new id
    #[arg(long, value_name = "KIND", conflicts_with = "replace")]
    kind: Option<String>,

    /// Replace records and vectors that are there and differ, instead of refusing the file
    #[arg(long)]
    replace: bool,
}

#[derive(Args, Debug)]
struct Legacy {
    /// Files, or folders that are searched for them. They stay as they are, byte for byte
    #[arg(required = true)]
    path: Vec<PathBuf>,

    /// The store's directory; made where there is none
    #[arg(long, value_name = "STORE")]
    into: PathBuf,

    /// Name of the source, for a single file: the same name again is a newer version of it
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,

    /// Time zone of the times in the files that say none, for example Europe/Berlin
    #[arg(long, value_name = "NAME", default_value = "UTC")]
    zone: String,

    /// Only report what would happen
    #[arg(long)]
    dry_run: bool,

    /// Take what can be read of a damaged file, and say what cannot
    #[arg(long)]
    salvage: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.from {
        From::Legacy(asked) => import_legacy(asked, output),
        From::Jsonl(asked) => import_jsonl(asked, output),
    }
}

fn import_jsonl(asked: &Jsonl, output: &mut Output) -> Result<Answer, Failure> {
    let is_piped = asked.file == Path::new("-");
    // A wrong path must not leave an empty store behind.
    if !is_piped {
        std::fs::metadata(&asked.file).map_err(|error| Failure::io("read", &asked.file, &error))?;
    }
    let store = match Store::open(&asked.into) {
        Err(Error::NotFound { what, .. }) if what == "store" => Store::create(&asked.into)?,
        opened => opened?,
    };
    let report = place::closing(&store, |store| take_lines(store, asked, is_piped))?;
    if output.is_json() {
        output.json(&report)?;
        return Ok(Answer::Yes);
    }
    output.line(format_args!(
        "made: {}, {}, {}; replaced: {}; unchanged: {}",
        text::counted(report.records, "record"),
        text::counted(report.edges, "edge"),
        text::counted(report.vectors, "vector"),
        text::count(report.replaced),
        text::count(report.unchanged),
    ))?;
    Ok(Answer::Yes)
}

fn take_lines(store: &Store, asked: &Jsonl, is_piped: bool) -> Result<JsonlImported, Failure> {
    let mut options = JsonlImport::new();
    if let Some(kind) = &asked.kind {
        options = options.kind(shown::kind_named(&store.read()?, kind)?);
    }
    if asked.replace {
        options = options.replacing();
    }
    if is_piped {
        let from = std::io::stdin().lock();
        let name = Path::new("standard input");
        return Ok(transfer::import_jsonl_from(store, from, name, &options)?);
    }
    Ok(transfer::import_jsonl(store, &asked.file, &options)?)
}

fn import_legacy(asked: &Legacy, output: &mut Output) -> Result<Answer, Failure> {
    let report = take_in(asked, output.form())?;
    if output.is_json() {
        output.json(&report)?;
    } else {
        show(&report, output)?;
    }
    Ok(Answer::yes_if(report.count(Fate::Refused) == 0))
}

fn take_in(asked: &Legacy, form: Form) -> Result<ImportReport, Failure> {
    // A wrong path must not leave an empty store behind.
    for path in &asked.path {
        std::fs::metadata(path).map_err(|error| Failure::io("read", path, &error))?;
    }
    let mut options = ImportOptions::new().zone(&asked.zone);
    if let Some(name) = &asked.name {
        options = options.name(name);
    }
    if asked.dry_run {
        options = options.dry_run();
    }
    if asked.salvage {
        options = options.damage(Damage::Salvage);
    }
    // Keeps the store of a dry run without one until the report is there.
    let scratch;
    let store = match Store::open(&asked.into) {
        Err(Error::NotFound { what, .. }) if what == "store" && asked.dry_run => {
            scratch = tempfile::tempdir()
                .map_err(|error| Failure::io("make", Path::new("a temporary folder"), &error))?;
            Store::create(scratch.path().join("store"))?
        }
        Err(Error::NotFound { what, .. }) if what == "store" => Store::create(&asked.into)?,
        opened => opened?,
    };
    import_with_bar(&store, &asked.path, &options, form)
}

/// Imports with a bar, then closes the store.
fn import_with_bar(
    store: &Store,
    paths: &[PathBuf],
    options: &ImportOptions,
    form: Form,
) -> Result<ImportReport, Failure> {
    place::closing(store, |store| {
        let bar = Progress::new(form, "importing");
        let report = legacy::import(store, paths, options, &mut |progress| {
            let file = progress.file.file_name().unwrap_or_default().to_string_lossy();
            bar.set(&format!("{file}: {}", progress.table), progress.rows, None);
        })?;
        bar.finish();
        Ok(report)
    })
}

/// A line for every file and what is worth knowing about it, then the sum.
pub(super) fn show(report: &ImportReport, output: &mut Output) -> Result<(), Failure> {
    for file in &report.files {
        show_file(file, output)?;
    }
    let records = report.files.iter().flat_map(|file| file.records.values()).sum();
    let rows = report.files.iter().map(FileReport::total_rows).sum();
    output.line(format_args!(
        "{}{}, {} of {}; {} imported, {} updated, {} unchanged, {} refused",
        if report.dry_run { "dry run, nothing was kept: " } else { "" },
        text::counted(report.files.len() as u64, "file"),
        text::counted(records, "record"),
        text::counted(rows, "row"),
        report.count(Fate::Imported),
        report.count(Fate::Updated),
        report.count(Fate::Unchanged),
        report.count(Fate::Refused),
    ))
}

fn show_file(file: &FileReport, output: &mut Output) -> Result<(), Failure> {
    let path = file.path.display().to_string();
    let path = text::escaped(&path);
    if file.fate == Fate::Refused {
        let reason = file.reason.as_deref().unwrap_or("no reason was given");
        return output.line(format_args!("refused    {path}: {}", text::escaped(reason)));
    }
    let fate = match file.fate {
        Fate::Imported => "imported ",
        Fate::Updated => "updated  ",
        Fate::Unchanged => "unchanged",
        _ => "other    ",
    };
    let kind = file.kind.as_deref().unwrap_or("unknown kind");
    if file.fate == Fate::Unchanged {
        return output.line(format_args!("{fate}  {path}  {kind}, source {}", file.source));
    }
    output.line(format_args!(
        "{fate}  {path}  {kind}, source {}: {} from {} in {:.2} s",
        file.source,
        text::counted(file.records.values().sum(), "record"),
        text::counted(file.total_rows(), "row"),
        file.elapsed,
    ))?;
    for notice in &file.notices {
        output.line(format_args!("  notice: {}", text::escaped(notice)))?;
    }
    let changes = file.changes;
    if file.fate == Fate::Updated {
        output.line(format_args!(
            "  rows: {} new, {} changed, {} gone",
            text::count(changes.added),
            text::count(changes.changed),
            text::count(changes.removed)
        ))?;
    }
    if !file.verbatim_tables.is_empty() {
        let tables = file.verbatim_tables.join(", ");
        output.line(format_args!("  carried as they are: {}", text::escaped(&tables)))?;
    }
    counts("references that lead nowhere", &file.dangling, output)?;
    counts("cells that do not fit, kept as they are", &file.misfits, output)?;
    if !file.first_misfits.is_empty() {
        let first = file.first_misfits.iter().take(MISFITS_MAX).cloned().collect::<Vec<_>>();
        let first = first.join(", ");
        output.line(format_args!("    the first of them: {}", text::escaped(&first)))?;
    }
    counts("local times that no clock showed", &file.impossible_times, output)?;
    counts("records whose natural key was taken, kept without it", &file.duplicate_keys, output)?;
    let conflicts: Vec<String> = file.conflicts.iter().map(conflict).collect();
    some("conflict, ours was kept", &conflicts, output)?;
    some("lost", &file.lost, output)
}

fn conflict(conflict: &legacy::Conflict) -> String {
    format!(
        "{} row {}, record {} {}: {}",
        conflict.table,
        conflict.row,
        conflict.record,
        conflict.fields.join(", "),
        conflict.reason
    )
}

/// A line with counts by place, where there are any.
pub(super) fn counts(
    what: &str,
    counts: &BTreeMap<String, u64>,
    output: &mut Output,
) -> Result<(), Failure> {
    if counts.is_empty() {
        return Ok(());
    }
    let parts: Vec<String> =
        counts.iter().map(|(place, count)| format!("{place} {}", text::count(*count))).collect();
    output.line(format_args!("  {what}: {}", text::escaped(&parts.join(", "))))
}

/// A line for each, up to a number.
pub(super) fn some(what: &str, lines: &[String], output: &mut Output) -> Result<(), Failure> {
    for line in lines.iter().take(SHOWN_MAX) {
        output.line(format_args!("  {what}: {}", text::escaped(line)))?;
    }
    let more = lines.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        output.line(format_args!("  {what}: {more} more; --json shows all"))?;
    }
    Ok(())
}
