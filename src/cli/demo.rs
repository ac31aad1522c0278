//! `engraph demo`: an old installation goes in, is searched and walked, and comes out equal.
//!
//! Everything happens in a temporary folder that is gone at the end, also after an interruption,
//! unless `--keep` names a folder.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::styling::Style;
use engraph::legacy::{self, Comparison, ExportOptions, Fate, FileReport, ImportOptions};
use engraph::record::{Document, Entity};
use engraph::{Error, NodeId, Store};
use serde::Serialize;
use tempfile::TempDir;

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::progress::Progress;
use super::{place, search, shown, text};

/// What is looked for: the sample says in some documents and memories when a reply is due.
const QUERY: &str = "reply due March";
/// Kinds of records that are listed.
const KINDS_MAX: usize = 12;
/// The code of a process that an interruption ended, as shells give it.
const INTERRUPTED: i32 = 130;
/// How often the folder is emptied while it fills up again.
const REMOVE_ATTEMPTS: usize = 1_000;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Documents of the old installation; there are about 25 times as many rows
    #[arg(long, value_name = "N", default_value_t = 40,
          value_parser = clap::value_parser!(u32).range(4..=1_000_000))]
    size: u32,

    /// Work in this folder, absent or empty, and leave everything there
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// What one step took, and what it was about.
#[derive(Serialize)]
struct Step {
    name: &'static str,
    seconds: f64,
    count: u64,
    unit: &'static str,
}

/// The whole demonstration, for programs.
#[derive(Serialize)]
struct Told<'a> {
    equal: bool,
    steps: &'a [Step],
    comparisons: &'a [Comparison],
    after_change: &'a Comparison,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let (root, _gone_at_the_end) = folder(arguments.keep.as_deref(), output)?;
    let old = root.join("old");
    std::fs::create_dir_all(&old).map_err(|error| Failure::io("make", &old, &error))?;
    let mut demo = Demo { output, root: &root, steps: Vec::new() };
    let files = demo.write_old(&old, arguments.size)?;
    let store = Store::create(root.join("store.engraph"))?;
    let answer = place::closing(&store, |store| demo.show(store, &files))?;
    if !demo.output.is_json() {
        demo.farewell(arguments.keep.as_deref())?;
    }
    Ok(answer)
}

/// The folder to work in, and what takes it away at the end.
fn folder(keep: Option<&Path>, output: &mut Output) -> Result<(PathBuf, Option<TempDir>), Failure> {
    if let Some(keep) = keep {
        return Ok((keep.to_owned(), None));
    }
    let made = tempfile::Builder::new()
        .prefix("engraph-demo-")
        .tempdir()
        .map_err(|error| Failure::io("make", Path::new("a temporary folder"), &error))?;
    let root = made.path().to_owned();
    let doomed = root.clone();
    let handled = ctrlc::set_handler(move || {
        // What runs beside this goes on writing until the process ends, so that the folder may fill
        // up again while it is emptied.
        for _ in 0..REMOVE_ATTEMPTS {
            drop(std::fs::remove_dir_all(&doomed));
            if !doomed.exists() {
                break;
            }
        }
        interrupted();
    });
    if let Err(error) = handled {
        output.note(format_args!("an interruption will leave the folder behind: {error}"))?;
    }
    Ok((root, Some(made)))
}

#[expect(clippy::exit, reason = "an interruption ends the process, as it would without a handler")]
fn interrupted() {
    std::process::exit(INTERRUPTED);
}

struct Demo<'a> {
    output: &'a mut Output,
    root: &'a Path,
    steps: Vec<Step>,
}

impl Demo<'_> {
    fn title(&mut self, title: &str) -> Result<(), Failure> {
        if self.output.is_json() {
            return Ok(());
        }
        if !self.steps.is_empty() {
            self.output.line("")?;
        }
        let bold = self.output.style(Style::new().bold());
        self.output.line(format_args!("{bold}{}. {title}{bold:#}", self.steps.len() + 1))?;
        self.output.flush()
    }

    /// Writes a line for people.
    fn say(&mut self, line: &str) -> Result<(), Failure> {
        if self.output.is_json() { Ok(()) } else { self.output.line(format_args!("   {line}")) }
    }

    /// Notes a step that is done.
    fn done(
        &mut self,
        name: &'static str,
        took: Duration,
        (count, unit): (u64, &'static str),
    ) -> Result<(), Failure> {
        let seconds = took.as_secs_f64();
        self.steps.push(Step { name, seconds, count, unit });
        self.say(&format!("{} in {}", text::counted(count, unit), text::duration(took)))
    }

    fn write_old(&mut self, old: &Path, size: u32) -> Result<Vec<PathBuf>, Failure> {
        self.title("An installation of the old application: three SQLite databases")?;
        let start = Instant::now();
        let files = legacy::sample::write(old, size)?;
        let took = start.elapsed();
        let mut total: u64 = 0;
        for file in &files {
            let bytes = file.metadata().map_or(0, |found| found.len());
            total += bytes;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            self.say(&format!("{name}  {}", text::bytes(bytes)))?;
        }
        self.done("write_sample", took, (total, "byte"))?;
        Ok(files)
    }

    fn show(&mut self, store: &Store, files: &[PathBuf]) -> Result<Answer, Failure> {
        self.import(store, files)?;
        self.search(store)?;
        self.walk(store)?;
        self.export(store)?;
        let comparisons = self.compare(store, files)?;
        let after_change = self.change(store, files)?;
        let is_equal = comparisons.iter().all(Comparison::is_equal);
        let is_one_cell = after_change.as_ref().is_none_or(|after| after.count() == 1);
        if self.output.is_json() {
            self.output.json(&Told {
                equal: is_equal,
                steps: &self.steps,
                comparisons: &comparisons,
                after_change: &after_change.unwrap_or_default(),
            })?;
        }
        Ok(Answer::yes_if(is_equal && is_one_cell))
    }

    fn import(&mut self, store: &Store, files: &[PathBuf]) -> Result<(), Failure> {
        self.title("They go in: every row becomes a record, and is kept as it was")?;
        let bar = Progress::new(self.output.form(), "importing");
        let start = Instant::now();
        let report = legacy::import(store, files, &ImportOptions::new(), &mut |progress| {
            bar.set(&progress.table, progress.rows, None);
        })?;
        let took = start.elapsed();
        bar.finish();
        if let Some(file) = report.files.iter().find(|file| file.fate == Fate::Refused) {
            let reason = file.reason.clone().unwrap_or_default();
            return Err(Failure::no(format!("{} was refused: {reason}", file.path.display())));
        }
        self.say_records(&report.files)?;
        let rows = report.files.iter().map(FileReport::total_rows).sum();
        self.done("import", took, (rows, "row"))
    }

    fn say_records(&mut self, files: &[FileReport]) -> Result<(), Failure> {
        if self.output.is_json() {
            return Ok(());
        }
        let mut counts: Vec<(&String, u64)> = Vec::new();
        for (kind, count) in files.iter().flat_map(|file| &file.records) {
            match counts.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, sum)) => *sum += count,
                None => counts.push((kind, *count)),
            }
        }
        counts.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
        let mut rows = Rows::new(["   kind", "#records"]);
        for (kind, count) in counts.iter().take(KINDS_MAX) {
            rows.push([format!("   {kind}"), text::count(*count)]);
        }
        self.output.table(&rows)?;
        let more = counts.len().saturating_sub(KINDS_MAX) as u64;
        if more > 0 {
            self.say(&format!("and {}", text::counted(more, "other kind")))
        } else {
            Ok(())
        }
    }

    fn search(&mut self, store: &Store) -> Result<(), Failure> {
        self.title(&format!("Search over all of them: {QUERY}"))?;
        let start = Instant::now();
        // The first search builds the index; only a later one shows what a search costs.
        store.search(QUERY).limit(0).run()?;
        let built = start.elapsed();
        let start = Instant::now();
        let found = store.search(QUERY).limit(5).run()?;
        let took = start.elapsed();
        if !self.output.is_json() {
            search::show(&store.read()?, &found, self.output)?;
        }
        self.say(&format!("the index was built in {}", text::duration(built)))?;
        self.done("search", took, (found.hits.len() as u64, "hit"))
    }

    fn walk(&mut self, store: &Store) -> Result<(), Failure> {
        self.title("Every record is a node of one graph")?;
        let tx = store.read()?;
        let ends = [entity(&tx, "ent_1")?, entity(&tx, "ent_3")?];
        let graph = store.graph()?;
        let start = Instant::now();
        let near = graph.from(ends[0]).any(engraph::graph::Direction::Both).depth(1..=2).count()?;
        let path = graph.shortest_path(ends[0], ends[1])?;
        let took = start.elapsed();
        self.say(&format!("{near} records lie within two edges of {}", name(&tx, ends[0])?))?;
        let Some(path) = path else {
            return Err(Failure::no(format!("no way leads from {} to {}", ends[0], ends[1])));
        };
        let names: Result<Vec<String>, Error> =
            path.nodes.iter().map(|node| name(&tx, *node)).collect();
        self.say(&format!("a shortest way: {}", names?.join(" -> ")))?;
        self.done("graph", took, (2, "question"))
    }

    fn export(&mut self, store: &Store) -> Result<(), Failure> {
        self.title("They come out again")?;
        let start = Instant::now();
        let out = self.root.join("out");
        let report = legacy::export(store, &out, &ExportOptions::new(), &mut |_| {})?;
        let took = start.elapsed();
        let rows = report.files.iter().flat_map(|file| file.rows.values()).sum();
        self.done("export", took, (rows, "row"))
    }

    fn compare(&mut self, store: &Store, files: &[PathBuf]) -> Result<Vec<Comparison>, Failure> {
        self.title("What comes out is equal to what went in, cell by cell")?;
        let start = Instant::now();
        let mut comparisons = Vec::with_capacity(files.len());
        for file in files {
            let comparison = legacy::verify_against(store, file, None, &mut |_| {})?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let verdict = if comparison.is_equal() { "equal" } else { "DIFFERENT" };
            self.say(&format!(
                "{verdict}  {name}: {}, {}, {}",
                text::counted(comparison.tables, "table"),
                text::counted(comparison.rows, "row"),
                text::counted(comparison.count(), "difference")
            ))?;
            comparisons.push(comparison);
        }
        let rows = comparisons.iter().map(|comparison| comparison.rows).sum();
        self.done("compare", start.elapsed(), (rows, "row"))?;
        Ok(comparisons)
    }

    /// Changes one field of one document: exactly that cell must differ then.
    fn change(&mut self, store: &Store, files: &[PathBuf]) -> Result<Option<Comparison>, Failure> {
        self.title("A record that is changed here changes its cell, and nothing else")?;
        let start = Instant::now();
        let first = store.read()?.iter::<Document>()?.next().transpose()?;
        let (Some((id, _)), Some(file)) = (first, files.first()) else { return Ok(None) };
        store.write(|tx| {
            tx.update(id, |document: &mut Document| {
                document.category = "reviewed".into();
                Ok(())
            })
        })?;
        let comparison = legacy::verify_against(store, file, None, &mut |_| {})?;
        for found in &comparison.differences {
            let column = found.column.as_deref().unwrap_or_default();
            let row = found.row.map(|row| row.to_string()).unwrap_or_default();
            self.say(&format!(
                "{} row {row}, {column}: {} -> {}",
                found.table,
                found.file.as_deref().unwrap_or("nothing"),
                found.store.as_deref().unwrap_or("nothing")
            ))?;
        }
        self.done("change", start.elapsed(), (comparison.count(), "difference"))?;
        Ok(Some(comparison))
    }

    fn farewell(&mut self, keep: Option<&Path>) -> Result<(), Failure> {
        self.output.line("")?;
        let store = match keep {
            Some(keep) => {
                let keep = keep.display().to_string();
                self.output.line(format_args!("Everything is in {}.", text::escaped(&keep)))?;
                keep + "/store.engraph"
            }
            None => "my.engraph".to_owned(),
        };
        let store = text::escaped(&store);
        let bold = self.output.style(Style::new().bold());
        self.output.line(format_args!("{bold}What to do next{bold:#}"))?;
        for (command, what) in [
            (format!("engraph import legacy OLD_FOLDER --into {store}"), "your own databases"),
            (format!("engraph search {store} WORDS"), "find something in them"),
            (format!("engraph stats {store}"), "see what came in"),
            (format!("engraph export legacy {store} --out BACK"), "go back at any time"),
        ] {
            self.output.line(format_args!("   {command:52}  {what}"))?;
        }
        Ok(())
    }
}

fn entity(tx: &engraph::ReadTx, entity_id: &str) -> Result<NodeId, Error> {
    let found = tx.find::<Entity>("entity_id", entity_id)?;
    found.map(|(id, _)| id).ok_or_else(|| Error::not_found("entity", entity_id))
}

fn name(tx: &engraph::ReadTx, id: NodeId) -> Result<String, Error> {
    Ok(tx.get_json(id)?.map_or_else(|| id.to_string(), |record| shown::label(&record)))
}
