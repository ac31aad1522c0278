//! Measures engraph beside what people would use instead: one run, the same work, checked answers.
//!
//! The systems of a suite take turns, each in a fresh process and a fresh folder; what is reported
//! is the median of the runs with minimum and maximum. A measure whose answers differ between
//! systems ends the run with exit code 1.

mod child;
mod data;
mod legacy;
mod records;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What went wrong, in words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
/// The result of every step.
pub type Outcome<T = ()> = Result<T, Failure>;

#[derive(Debug, Parser)]
#[command(about, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Suites to run: records, legacy, or all.
    #[arg(required = true)]
    suites: Vec<String>,
    #[command(flatten)]
    options: Options,
}

/// What every suite can be told.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Only these systems, separated by commas.
    #[arg(long, value_delimiter = ',')]
    system: Vec<String>,
    /// Runs of each system.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Records of the suite `records`, or rows of the suite `legacy`.
    #[arg(long)]
    size: Option<u64>,
    /// Where folders are made; the system's temporary folder by default.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Also writes the lines to this file.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Turns result files into a Markdown table.
    Table {
        /// Files with JSON lines.
        files: Vec<PathBuf>,
    },
    /// One system of one suite, in this process; used by the program itself.
    #[command(hide = true)]
    Child {
        suite: String,
        system: String,
        folder: PathBuf,
        #[arg(long)]
        size: Option<u64>,
    },
    /// One step of the suite `legacy`, in this process; used by the program itself.
    #[command(hide = true)]
    Step { what: String, store: PathBuf, path: PathBuf },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Some(Command::Table { files }) => report::table(&files),
        Some(Command::Child { suite, system, folder, size }) => {
            child::run(&suite, &system, &folder, size)
        }
        Some(Command::Step { what, store, path }) => legacy::step(&what, &store, &path),
        None => report::run(&arguments.suites, &arguments.options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("engraph-compare: {failure}");
            ExitCode::FAILURE
        }
    }
}
