//! `engraph export`: gives databases back in the form of the old application, and records as JSON
//! lines.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use engraph::legacy::{self, Existing, ExportOptions, ExportReport, ExportedFile};
use engraph::transfer::{self, JsonlExport, JsonlExported};

use super::failure::{Answer, Failure};
use super::import::{counts, some};
use super::output::Output;
use super::progress::Progress;
use super::records::looking;
use super::target::{self, Target};
use super::{place, shown, text};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    to: To,
}

#[derive(Debug, Subcommand)]
enum To {
    /// SQLite databases of the old application, each under its file name
    Legacy(Legacy),
    /// Records, edges and vectors as JSON, one a line, for other tools and other stores
    Jsonl(Jsonl),
}

#[derive(Args, Debug)]
struct Jsonl {
    /// The store's directory
    store: PathBuf,

    /// Only records of these kinds, with the edges between them
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,

    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct Legacy {
    /// The store's directory
    store: PathBuf,

    /// Folder for the databases; made where there is none
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// How faithful the databases are
    #[arg(long, value_enum, default_value_t = Mode::Faithful)]
    mode: Mode,

    /// Replace files that are there
    #[arg(long)]
    force: bool,

    /// Source that takes the records made here, where several could
    #[arg(long, value_name = "NAME")]
    born_into: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// Equal cell for cell to what was imported, except where records changed here
    Faithful,
    /// With the fewest changes that let the newest old application open them
    Loadable,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.to {
        To::Legacy(asked) => export_legacy(asked, output),
        To::Jsonl(asked) => export_jsonl(asked, output),
    }
}

fn export_jsonl(asked: &Jsonl, output: &mut Output) -> Result<Answer, Failure> {
    looking(&asked.store, |tx| {
        let mut options = JsonlExport::new();
        for kind in &asked.kinds {
            options = options.kind(shown::kind_named(tx, kind)?);
        }
        let write = |out: &mut dyn std::io::Write| transfer::export_jsonl(tx, &options, out);
        let report = target::write_to(&asked.target, output, write)?;
        tell_jsonl(&report, asked.target.out.is_some(), output)
    })
}

/// Says what was written: beside the lines, or as data where they went to a file.
fn tell_jsonl(
    report: &JsonlExported,
    to_file: bool,
    output: &mut Output,
) -> Result<Answer, Failure> {
    if to_file && output.is_json() {
        output.json(report)?;
        return Ok(Answer::Yes);
    }
    let line = format!(
        "{}, {}, {}",
        text::counted(report.records, "record"),
        text::counted(report.edges, "edge"),
        text::counted(report.vectors, "vector"),
    );
    if to_file {
        output.line(line)?;
    } else {
        output.note(line)?;
    }
    for (kind, count) in &report.left_out {
        let count = text::counted(*count, "record");
        output.note(format_args!("left out: {count} of kind {kind}, of another application"))?;
    }
    Ok(Answer::Yes)
}

fn export_legacy(asked: &Legacy, output: &mut Output) -> Result<Answer, Failure> {
    let mut options = ExportOptions::new().mode(match asked.mode {
        Mode::Faithful => legacy::Mode::Faithful,
        Mode::Loadable => legacy::Mode::Loadable,
    });
    if asked.force {
        options = options.existing(Existing::Replace);
    }
    if let Some(name) = &asked.born_into {
        options = options.born_into(name);
    }
    let store = place::open_to_read(&asked.store)?;
    let report = place::closing(&store, |store| {
        let bar = Progress::new(output.form(), "exporting");
        let report = legacy::export(store, &asked.out, &options, &mut |progress| {
            let file = progress.file.file_name().unwrap_or_default().to_string_lossy();
            bar.set(&format!("{file}: {}", progress.table), progress.rows, None);
        });
        bar.finish();
        report.map_err(|error| hinted(error, asked.force))
    })?;
    if output.is_json() {
        output.json(&report)?;
    } else {
        show(&report, output)?;
    }
    Ok(Answer::Yes)
}

fn hinted(error: engraph::Error, is_forced: bool) -> Failure {
    let is_there = matches!(&error, engraph::Error::AlreadyExists { what, .. } if what == "file");
    let failure = Failure::from(error);
    if is_there && !is_forced {
        return failure.hint("--force replaces files that are there; or choose another folder");
    }
    failure
}

pub(super) fn show(report: &ExportReport, output: &mut Output) -> Result<(), Failure> {
    for file in &report.files {
        show_file(file, output)?;
    }
    counts("no database holds these records, they were left out", &report.left_out, output)?;
    some("never exported", &report.skipped, output)?;
    let rows: u64 = report.files.iter().flat_map(|file| file.rows.values()).sum();
    output.line(format_args!(
        "{}, {} in {:.2} s",
        text::counted(report.files.len() as u64, "file"),
        text::counted(rows, "row"),
        report.elapsed
    ))
}

pub(super) fn show_file(file: &ExportedFile, output: &mut Output) -> Result<(), Failure> {
    let path = file.path.display().to_string();
    output.line(format_args!(
        "exported  {}  {}, {}: {}, {}",
        text::escaped(&path),
        text::escaped(&file.kind),
        if file.source == 0 { "new".to_owned() } else { format!("source {}", file.source) },
        text::counted(file.rows.values().sum(), "row"),
        text::bytes(file.bytes),
    ))?;
    if file.changed + file.born + file.deleted > 0 {
        output.line(format_args!(
            "  rows: {} changed here, {} made here, {} deleted here",
            text::count(file.changed),
            text::count(file.born),
            text::count(file.deleted)
        ))?;
    }
    counts("rows whose reference has no target", &file.dangling, output)?;
    counts("rows that say something for which there is no column", &file.not_held, output)?;
    some("note", &file.notes, output)
}
