//! `engraph analyze`: what source files are for, and the report on it.
//!
//! Who looks at the files is a setting, which the command line goes before; all but the key, which
//! is a setting only.

#[cfg(not(feature = "http"))]
#[path = "absent.rs"]
mod model;
#[cfg(feature = "http")]
mod model;

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use engraph::config::Settings;
use engraph::family::{
    AnalyzeOptions, AnalyzeProgress, AnalyzeReport, Analyzer, BuiltInAnalyzer, ScanOptions,
};
use serde_json::Value;

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
    Run(Run),
    /// Write the report on all analyses, in Markdown
    Report {
        /// The store's directory
        store: PathBuf,
        #[command(flatten)]
        choice: Choice,
    },
}

#[derive(Args, Debug)]
struct Run {
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
    /// Files to look at at a time, 16 at most; as many as there are processors without this
    #[arg(long, value_name = "N")]
    threads: Option<u64>,
    #[command(flatten)]
    choice: Choice,
}

/// Who looks at files. What is not said here is up to the settings `analysis.*`, where the key of
/// a server is as well.
#[derive(Args, Debug)]
#[command(next_help_heading = "Analyzer, also by settings `analysis.*`, its key by those alone")]
struct Choice {
    /// What looks at files; the built-in one needs no model
    #[arg(long, value_name = "NAME", value_parser = ["builtin", "openai", "ollama"])]
    analyzer: Option<String>,
    /// Address of the model's server
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Name of the model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// How long a request may take, such as 90, 500ms or 2m
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// How often a request that failed in passing is sent again
    #[arg(long, value_name = "N")]
    retries: Option<u64>,
    /// Time between two requests at least
    #[arg(long, value_name = "DURATION")]
    interval: Option<String>,
}

impl Choice {
    /// The analyzer by the command line, else by the settings.
    fn analyzer(&self, settings: &Settings) -> Result<Box<dyn Analyzer>, Failure> {
        let given = [
            ("analysis.analyzer", self.analyzer.clone().map(Value::from)),
            ("analysis.url", self.url.clone().map(Value::from)),
            ("analysis.model", self.model.clone().map(Value::from)),
            ("analysis.timeout", self.timeout.clone().map(Value::from)),
            ("analysis.retries", self.retries.map(Value::from)),
            ("analysis.interval", self.interval.clone().map(Value::from)),
        ];
        for (key, value) in given {
            if let Some(value) = value {
                settings.set(key, value)?;
            }
        }
        match settings.find_checked::<String>("analysis.analyzer")?.as_deref() {
            None | Some("builtin") => Ok(Box::new(BuiltInAnalyzer::new())),
            Some(name) => model::analyzer(name, settings),
        }
    }
}

pub(super) fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Run(asked) => analyze(asked, settings, output),
        Action::Report { store, choice } => {
            let analyzer = choice.analyzer(settings)?;
            looking(store, |tx| {
                let Some(report) = tx.analysis_report(&*analyzer)? else {
                    output.note("nothing was analyzed")?;
                    return Ok(Answer::No);
                };
                if output.is_json() {
                    output.json(&serde_json::json!({ "report": report }))?;
                } else {
                    output.bytes(text::escaped_lines(&report).as_bytes())?;
                }
                Ok(Answer::Yes)
            })
        }
    }
}

fn analyze(asked: &Run, settings: &Settings, output: &mut Output) -> Result<Answer, Failure> {
    let analyzer = asked.choice.analyzer(settings)?;
    let options = options(asked, settings)?;
    let root = asked.root.as_deref();
    changing(&asked.store, |store| {
        if let Some(root) = root {
            store.scan_tree(root, &ScanOptions::new())?;
        }
        let bar = Progress::new(output.form(), "analyzing");
        let progress = |progress: &AnalyzeProgress| {
            tracing::info!(done = progress.done, total = progress.total, "analyzing");
            bar.set("analyzing", progress.done, Some(progress.total));
            ControlFlow::Continue(())
        };
        let report = store.analyze_files(root, &*analyzer, &options, progress)?;
        bar.finish();
        show(&report, output)?;
        if let Some(reason) = &report.gave_up {
            let message = format!("the analyzer gave up: {reason}");
            let hint = "check the settings `analysis.*` and the server; what was analyzed is kept";
            return Err(Failure::failed(message).hint(hint));
        }
        Ok(Answer::yes_if(report.failed == 0 && report.errors == 0))
    })
}

fn options(asked: &Run, settings: &Settings) -> Result<AnalyzeOptions, Failure> {
    if let Some(threads) = asked.threads {
        settings.set("analysis.threads", threads)?;
    }
    let mut options = AnalyzeOptions::new().extensions(&asked.extensions);
    if let Some(threads) = settings.find_checked::<u64>("analysis.threads")? {
        options = options.threads(threads as usize);
    }
    if let Some(limit) = asked.limit {
        options = options.files_max(limit);
    }
    Ok(if asked.again { options.again() } else { options })
}

fn show(report: &AnalyzeReport, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(report);
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
    Ok(())
}
