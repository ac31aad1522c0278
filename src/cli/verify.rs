//! `engraph verify`: proves that what a store derives agrees with what it holds.

use std::path::{Path, PathBuf};

use clap::Args;
use engraph::legacy::{self, Comparison};
use engraph::{Problem, Store, VerifyReport};
use serde::Serialize;

use super::failure::{Answer, Failure};
use super::output::Output;
use super::progress::Progress;
use super::{place, text};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The store's directory
    store: PathBuf,

    /// Instead compare this database, cell by cell, with what the store would give back for it
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,

    /// Name of the source to compare with, where several could be meant
    #[arg(long, value_name = "NAME", requires = "against")]
    source: Option<String>,
}

#[derive(Serialize)]
struct Compared<'a> {
    equal: bool,
    differences_total: u64,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

#[derive(Serialize)]
struct Verified<'a> {
    ok: bool,
    damaged_search_files: &'a [PathBuf],
    #[serde(flatten)]
    report: &'a VerifyReport,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let store = place::open_to_read(&arguments.store)?;
    place::closing(&store, |store| {
        if let Some(file) = &arguments.against {
            return compare(store, file, arguments.source.as_deref(), output);
        }
        let progress = Progress::new(output.form(), "verifying");
        let report = store.verify()?;
        let search = store.verify_search()?;
        progress.finish();
        show(&report, &search, output)?;
        let is_ok = report.is_ok() && search.is_empty();
        Ok(if is_ok { Answer::Yes } else { Answer::Damaged })
    })
}

fn compare(
    store: &Store,
    file: &Path,
    source: Option<&str>,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let bar = Progress::new(output.form(), "comparing");
    let comparison = legacy::verify_against(store, file, source, &mut |progress| {
        bar.set(&format!("comparing {}", progress.table), progress.rows, None);
    })?;
    bar.finish();
    if output.is_json() {
        let (equal, differences_total) = (comparison.is_equal(), comparison.count());
        output.json(&Compared { equal, differences_total, comparison: &comparison })?;
    } else {
        show_comparison(&comparison, output)?;
    }
    Ok(Answer::yes_if(comparison.is_equal()))
}

fn show_comparison(comparison: &Comparison, output: &mut Output) -> Result<(), Failure> {
    for found in &comparison.differences {
        let row = found.row.map(|row| format!(" row {row}")).unwrap_or_default();
        let column = found.column.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        let place = format!("{}{row}{column}: {}", found.table, found.reason);
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let values = format!("file {}, store {}", side(&found.file), side(&found.store));
        output.line(format_args!("differs  {}", text::escaped(&place)))?;
        output.line(format_args!("         {}", text::escaped(&values)))?;
    }
    if comparison.more_differences > 0 {
        output.line(format_args!("differs  {} more", text::count(comparison.more_differences)))?;
    }
    for name in &comparison.rebuilt {
        let name = text::escaped(name);
        output.line(format_args!("rebuilt  {name}: rows that it covers changed here"))?;
    }
    output.line(format_args!(
        "{}  {}, {}, {}",
        if comparison.is_equal() { "equal  " } else { "compared" },
        text::counted(comparison.tables, "table"),
        text::counted(comparison.rows, "row"),
        text::counted(comparison.count(), "difference")
    ))
}

fn show(
    report: &VerifyReport,
    damaged_search_files: &[PathBuf],
    output: &mut Output,
) -> Result<(), Failure> {
    let ok = report.is_ok() && damaged_search_files.is_empty();
    if output.is_json() {
        return output.json(&Verified { ok, damaged_search_files, report });
    }
    for file in damaged_search_files {
        let file = file.display().to_string();
        output.line(format_args!("damaged  {}: its checksum differs", text::escaped(&file)))?;
        output
            .note("nothing is lost with the search index: delete its folder, it is built anew")?;
    }
    for Problem { place, detail, .. } in &report.problems {
        output.line(format_args!(
            "damaged  {}: {}",
            text::escaped(place),
            text::escaped(detail)
        ))?;
    }
    if report.more_problems > 0 {
        output.line(format_args!("damaged  {} more", text::count(report.more_problems)))?;
    }
    for (count, what) in [
        (report.dangling_links, "links whose end is not there: the records that state them stay"),
        (report.duplicate_keys, "natural keys that came twice: the second record has none"),
        (report.unchecked_kinds, "kinds of another application: read, not compared"),
    ] {
        if count > 0 {
            output.line(format_args!("found    {} {what}", text::count(count)))?;
        }
    }
    let verdict = if ok { "ok      " } else { "compared" };
    output.line(format_args!(
        "{verdict} {} records, {} index rows, {} links, {} edges",
        text::count(report.records),
        text::count(report.index_rows),
        text::count(report.links),
        text::count(report.edges),
    ))
}
