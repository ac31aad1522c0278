//! `engraph report`: the views of the old schemas, quality of a day, and what is kept of the past.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::failure::{Answer, Failure};
use super::file::fields;
use super::output::{Output, Rows};
use super::records::{changing, done, looking};
use super::shown;
use super::text;

/// Widest cell of a table, in characters.
const CELL_MAX: usize = 40;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show a report
    Show {
        /// The store's directory
        store: PathBuf,
        /// Which one
        report: Report,
    },
    /// Measure the quality of all files, and keep that as the measurement of the day
    Measure {
        /// The store's directory
        store: PathBuf,
    },
    /// Remove changes of contents, reviews and measurements that are older than so many months
    Trim {
        /// The store's directory
        store: PathBuf,
        /// Months to keep, of 30 days
        #[arg(long, value_name = "N")]
        keep: u32,
    },
}

/// A report, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Report {
    /// Files under review, with tags, alerts and issues
    Files,
    /// Measurements, the newest first
    Trends,
    /// Open alerts, the most urgent first
    Risks,
    /// Source files, with their latest analysis
    Code,
    /// What source files use
    Dependencies,
    /// Source files by type and category
    Stats,
    /// Open issues of source files
    Issues,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Show { store, report } => looking(store, |tx| {
            let reports = tx.reports();
            match report {
                Report::Files => rows(&reports.file_summary()?, output),
                Report::Trends => rows(&reports.quality_trends()?, output),
                Report::Risks => rows(&reports.risk_dashboard()?, output),
                Report::Code => rows(&reports.code_files()?, output),
                Report::Dependencies => rows(&reports.code_dependencies()?, output),
                Report::Stats => rows(&reports.code_stats()?, output),
                Report::Issues => rows(&reports.issue_summary()?, output),
            }
        }),
        Action::Measure { store } => changing(store, |store| {
            done(output, "measured", store.write(|tx| tx.quality().measure())?)
        }),
        Action::Trim { store, keep } => changing(store, |store| {
            let trimmed = store.write(|tx| tx.quality().keep_months(*keep))?;
            fields(&serde_json::json!(trimmed), output)
        }),
    }
}

/// Rows as JSON, or as a table whose heads are the fields; records within a row are flattened to
/// what tells them from others.
fn rows<T: Serialize>(found: &[T], output: &mut Output) -> Result<Answer, Failure> {
    if output.is_json() {
        for row in found {
            output.json(row)?;
        }
        return Ok(Answer::Yes);
    }
    let values: Vec<_> =
        found.iter().map(|row| serde_json::to_value(row).unwrap_or_default()).collect();
    let Some(first) = values.first().and_then(|row| row.as_object()) else {
        output.note("there are none")?;
        return Ok(Answer::Yes);
    };
    let heads: Vec<String> = first.keys().cloned().collect();
    let mut table = Rows::new(heads.iter().map(String::as_str));
    for row in &values {
        let cell = |head: &String| {
            let value = &row[head];
            let whole = if value.is_object() { shown::label(value) } else { shown::plain(value) };
            text::shortened(&whole, CELL_MAX)
        };
        table.push(heads.iter().map(cell));
    }
    output.table(&table)?;
    Ok(Answer::Yes)
}
