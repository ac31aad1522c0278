//! `engraph verify`: proves that what a store derives agrees with what it holds.

use std::path::PathBuf;

use clap::Args;
use engraph::{Problem, VerifyReport};
use serde::Serialize;

use super::failure::{Answer, Failure};
use super::output::Output;
use super::progress::Progress;
use super::{place, text};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The store's directory
    store: PathBuf,
}

#[derive(Serialize)]
struct Verified<'a> {
    ok: bool,
    #[serde(flatten)]
    report: &'a VerifyReport,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let store = place::open_to_read(&arguments.store)?;
    place::closing(&store, |store| {
        let progress = Progress::new(output.form(), "verifying");
        let report = store.verify()?;
        progress.finish();
        show(&report, output)?;
        Ok(if report.is_ok() { Answer::Yes } else { Answer::Damaged })
    })
}

fn show(report: &VerifyReport, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&Verified { ok: report.is_ok(), report });
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
    let verdict = if report.is_ok() { "ok      " } else { "compared" };
    output.line(format_args!(
        "{verdict} {} records, {} index rows, {} links, {} edges",
        text::count(report.records),
        text::count(report.index_rows),
        text::count(report.links),
        text::count(report.edges),
    ))
}
