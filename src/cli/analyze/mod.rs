//! `engraph analyze`: what source files are for, and the report on it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use engraph::family::{
    AnalyzeOptions, AnalyzeProgress, AnalyzeReport, BuiltInAnalyzer, ScanOptions,
};

use super::failure::{Answer, Failure};
use super::output::Output;
use super::progress::Progress;
use super::records::{changing, counts, looking};
use super::text;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Analyze what is new or changed; what a killed run did is not done again
    Run {
        /// The store's directory
        store: PathBuf,
        /// The directory to scan and analyze; without one, all files of the inventory
        root: Option<PathBuf>,
        /// Only files with this extension
        #[arg(long = "ext", value_name = "EXT")]
        extensions: Vec<String>,
        /// Analyze so many files at most
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        /// Analyze what is done already too
        #[arg(long)]
        again: bool,
    },
    /// Write the report on all analyses, in Markdown
    Report {
        /// The store's directory
        store: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Run { store, root, extensions, limit, again } => {
            let mut options = AnalyzeOptions::new().extensions(extensions);
            if let Some(limit) = limit {
                options = options.files_max(*limit);
            }
            if *again {
                options = options.again();
            }
            analyze(store, root.as_deref(), &options, output)
        }
        Action::Report { store } => looking(store, |tx| {
            let Some(report) = tx.analysis_report(&BuiltInAnalyzer::new())? else {
                output.note("nothing was analyzed")?;
                return Ok(Answer::No);
            };
            if output.is_json() {
                output.json(&serde_json::json!({ "report": report }))?;
            } else {
                output.bytes(text::escaped_lines(&report).as_bytes())?;
            }
            Ok(Answer::Yes)
        }),
    }
}

fn analyze(
    store: &Path,
    root: Option<&Path>,
    options: &AnalyzeOptions,
    output: &mut Output,
) -> Result<Answer, Failure> {
    changing(store, |store| {
        if let Some(root) = root {
            store.scan_tree(root, &ScanOptions::new())?;
        }
        let bar = Progress::new(output.form(), "analyzing");
        let progress = |progress: &AnalyzeProgress| {
            tracing::info!(done = progress.done, total = progress.total, "analyzing");
            bar.set("analyzing", progress.done, Some(progress.total));
            ControlFlow::Continue(())
        };
        let report = store.analyze_files(root, &BuiltInAnalyzer::new(), options, progress)?;
        bar.finish();
        show(&report, output)
    })
}

fn show(report: &AnalyzeReport, output: &mut Output) -> Result<Answer, Failure> {
    if output.is_json() {
        output.json(report)?;
        return Ok(Answer::Yes);
    }
    let found = [
        ("in question", report.files),
        ("analyzed", report.analyzed),
        ("done before", report.unchanged),
        ("empty", report.skipped_empty),
        ("without an answer", report.failed),
        ("with an error", report.errors),
        ("too large", report.too_large),
        ("relations", report.relations),
    ];
    counts("files", &found, output)?;
    for (path, reason) in &report.problems {
        output.note(text::escaped(&format!("{path}: {reason}")))?;
    }
    Ok(Answer::Yes)
}
