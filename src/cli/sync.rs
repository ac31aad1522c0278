//! `engraph sync`: keeps a store in step with a database that its own application goes on using.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use engraph::legacy::{
    self, Existing, OpenConflict, Pace, Recognised, Round, Side, Surroundings, SyncOptions,
    SyncReport,
};
use engraph::{Error, Store};

use super::failure::{Answer, Failure};
use super::import::{counts, some};
use super::output::Output;
use super::progress::Progress;
use super::{export, place, shown, text};

/// Seconds between rounds where nobody says otherwise.
const INTERVAL_DEFAULT: f64 = 5.0;
/// Seconds between rounds at most: a year.
const INTERVAL_MAX: f64 = 31_536_000.0;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    with: With,
}

#[derive(Debug, Subcommand)]
enum With {
    /// A database of the old application, which may be in use
    Legacy(Legacy),
}

#[derive(Args, Debug)]
struct Legacy {
    /// The database. It is read as of one moment and never written to
    file: PathBuf,

    /// The store's directory; made where there is none
    store: PathBuf,

    /// Name of the source; the path as given without it
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,

    /// Time zone of the times in the file that say none, for example Europe/Berlin
    #[arg(long, value_name = "NAME")]
    zone: Option<String>,

    /// Go on until Ctrl-C: a report line for every round
    #[arg(long)]
    watch: bool,

    /// Seconds between the rounds of --watch
    #[arg(long, value_name = "SECONDS", default_value_t = INTERVAL_DEFAULT, requires = "watch")]
    interval: f64,

    /// End --watch after so many rounds
    #[arg(long, value_name = "N", requires = "watch")]
    rounds: Option<u64>,

    /// Decide the open conflicts of this database: keep the store's side, or take the database's
    #[arg(long, value_enum, value_name = "SIDE")]
    resolve: Option<Winner>,

    /// Decide the conflict of this record only, for example document:17; may be repeated
    #[arg(long, value_name = "ID", requires = "resolve")]
    record: Vec<String>,

    /// Also write the database, as the store has it, into another file that the newest old
    /// application can open
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Replace the file that --out names; --watch always does
    #[arg(long, requires = "out")]
    force: bool,

    /// Read the file although its length, times and counters say that nothing changed
    #[arg(long)]
    thorough: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Winner {
    /// The store's side stays
    Ours,
    /// The database's side is taken
    Theirs,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let With::Legacy(asked) = &arguments.with;
    // A wrong path must not leave an empty store behind.
    std::fs::metadata(&asked.file).map_err(|error| Failure::io("read", &asked.file, &error))?;
    let mut options = SyncOptions::new();
    if let Some(name) = &asked.name {
        options = options.name(name);
    }
    if let Some(zone) = &asked.zone {
        options = options.zone(zone);
    }
    if asked.thorough {
        options = options.thorough();
    }
    if let Some(out) = &asked.out {
        let replace = asked.force || asked.watch;
        options = options.out(out, if replace { Existing::Replace } else { Existing::Refuse });
    }
    if let Some(winner) = asked.resolve {
        options = options.resolve(match winner {
            Winner::Ours => Side::Ours,
            Winner::Theirs => Side::Theirs,
        });
        options = options.records(named_records(asked)?);
    }
    if asked.watch { watch(asked, &options, output) } else { once(asked, &options, output) }
}

/// The records that are named, which needs a store where they are named by type.
fn named_records(asked: &Legacy) -> Result<Vec<engraph::NodeId>, Failure> {
    if asked.record.is_empty() {
        return Ok(Vec::new());
    }
    let store = place::open_to_read(&asked.store)?;
    place::closing(&store, |store| {
        let read = store.read()?;
        asked.record.iter().map(|id| shown::id_named(&read, id)).collect()
    })
}

fn open(asked: &Legacy) -> Result<Store, Error> {
    match Store::open(&asked.store) {
        Err(Error::NotFound { what, .. }) if what == "store" => Store::create(&asked.store),
        opened => opened,
    }
}

fn once(asked: &Legacy, options: &SyncOptions, output: &mut Output) -> Result<Answer, Failure> {
    let store = open(asked)?;
    let report = place::closing(&store, |store| {
        let bar = Progress::new(output.form(), "in step");
        let report = legacy::sync(store, &asked.file, options, &mut |progress| {
            bar.set(&progress.table, progress.rows, None);
        });
        bar.finish();
        report
    })?;
    if output.is_json() {
        output.json(&report)?;
    } else {
        show(&report, output)?;
    }
    Ok(Answer::yes_if(report.conflicts.is_empty()))
}

/// Set by Ctrl-C, and waited on between rounds.
#[derive(Debug, Default)]
struct Ending {
    ended: Mutex<bool>,
    changed: Condvar,
}

impl Ending {
    fn end(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits so long. Tells whether to go on.
    fn wait(&self, time: Duration) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(ended, time, |ended| !*ended);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

fn watch(asked: &Legacy, options: &SyncOptions, output: &mut Output) -> Result<Answer, Failure> {
    if !(0.0..=INTERVAL_MAX).contains(&asked.interval) {
        let reason = format!("{} is no number of seconds from 0 to a year", asked.interval);
        return Err(Error::invalid("interval", reason).into());
    }
    let ending = Arc::new(Ending::default());
    let at_end = Arc::clone(&ending);
    ctrlc::set_handler(move || at_end.end())
        .map_err(|error| Failure::from(Error::conflict("Ctrl-C", error.to_string())))?;
    let pace = Pace::every(Duration::from_secs_f64(asked.interval));
    let mut failed = None;
    let mut open_conflicts = false;
    let mut each = |round: &Round| {
        open_conflicts = round.report.as_ref().map_or(open_conflicts, |r| !r.conflicts.is_empty());
        let told = tell(round, output).and_then(|()| output.flush());
        let goes_on = told.is_ok() && asked.rounds.is_none_or(|rounds| round.round < rounds);
        failed = told.err();
        goes_on
    };
    let around = Surroundings {
        open: &mut || open(asked),
        wait: &mut |time| ending.wait(time),
        each: &mut each,
    };
    legacy::watch(&asked.file, options, pace, around, &mut |_| {})?;
    match failed {
        Some(failure) => Err(failure),
        None => Ok(Answer::yes_if(!open_conflicts)),
    }
}

/// The line of a round.
fn tell(round: &Round, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(round);
    }
    match (&round.report, &round.waiting_for) {
        (Some(report), _) => {
            output.line(format_args!("round {}: {}", round.round, headline(report)))?;
            details(report, output)
        }
        (None, reason) => output.line(format_args!(
            "round {}: waiting for {:.1} s: {}",
            round.round,
            round.next_in,
            text::escaped(reason.as_deref().unwrap_or("no reason was given"))
        )),
    }
}

fn headline(report: &SyncReport) -> String {
    let changes = report.changes;
    let rows = report.import.as_ref().map_or(0, legacy::FileReport::total_rows);
    let what = match report.unchanged {
        Some(Recognised::Mark) => "unchanged".to_owned(),
        Some(Recognised::Digest) => "unchanged, by its digest".to_owned(),
        Some(_) => "unchanged, by its rows".to_owned(),
        None if report.is_new => format!("new, {}", text::counted(rows, "row")),
        None => format!(
            "rows: {} new, {} changed, {} gone",
            text::count(changes.added),
            text::count(changes.changed),
            text::count(changes.removed)
        ),
    };
    let mut parts = vec![what];
    if report.resolved > 0 {
        parts.push(format!("{} decided", text::counted(report.resolved, "conflict")));
    }
    if !report.conflicts.is_empty() {
        let open = text::counted(report.conflicts.len() as u64, "conflict");
        parts.push(format!("{open} open"));
    }
    format!("{}; in {:.2} s", parts.join("; "), report.elapsed)
}

fn show(report: &SyncReport, output: &mut Output) -> Result<(), Failure> {
    let file = report.file.display().to_string();
    output.line(format_args!(
        "{}  {}, source {}: {}",
        text::escaped(&file),
        text::escaped(&report.kind),
        report.source,
        headline(report)
    ))?;
    details(report, output)
}

fn details(report: &SyncReport, output: &mut Output) -> Result<(), Failure> {
    if let Some(file) = &report.import {
        some("notice", &file.notices, output)?;
        counts("references that lead nowhere", &file.dangling, output)?;
        counts("cells that do not fit, kept as they are", &file.misfits, output)?;
    }
    let conflicts: Vec<String> = report.conflicts.iter().map(conflict).collect();
    some("conflict", &conflicts, output)?;
    match &report.out {
        Some(file) => export::show_file(file, output),
        None => Ok(()),
    }
}

fn conflict(open: &OpenConflict) -> String {
    let found = &open.conflict;
    let side = |value: &Option<serde_json::Value>| match value {
        None => "deleted".to_owned(),
        Some(_) if found.fields.is_empty() => "there".to_owned(),
        Some(value) => text::shortened(&value.to_string(), 60),
    };
    format!(
        "{} row {}, record {}: {}; ours {}, theirs {}",
        found.table,
        found.row,
        found.record,
        found.reason,
        side(&open.ours),
        side(&open.theirs)
    )
}
