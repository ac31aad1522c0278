//! Measures engraph beside what people would use instead: one run, the same work, checked answers.
//!
//! The systems of a suite take turns, each in a fresh process and a fresh folder; what is reported
//! is the median of the runs with minimum and maximum. A measure whose answers differ between
//! systems ends the run with exit code 1.

mod child;
mod data;
mod graph;
mod legacy;
mod measure;
mod oracle;
mod plot;
mod queue;
mod recall;
mod records;
mod report;
mod rmat;
mod search;
mod texts;
mod transfer;
mod vector;

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
    /// Suites to run: records, graph, search, vector, recall, legacy, queue, transfer,
    /// or all.
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
    #[command(flatten)]
    workload: Workload,
    /// Where folders are made; the system's temporary folder by default.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Also writes the lines to this file.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// How large the data is. Handed on to every child, so that all systems do the same work.
#[derive(Clone, Debug, clap::Args)]
pub struct Workload {
    /// Records of the suites `records` and `transfer`, rows of `legacy`, texts of `search`, vectors
    /// of `vector`, memories of `recall`, jobs of `queue`.
    #[arg(long)]
    size: Option<u64>,
    /// The graph has 2^scale nodes.
    #[arg(long, default_value_t = 17)]
    scale: u32,
    /// Edges of the graph for each node.
    #[arg(long, default_value_t = 8)]
    edge_factor: u32,
    /// The folder of WordNet's `data.noun` and its like, for the suite `search`.
    #[arg(long)]
    wordnet: Option<PathBuf>,
}

impl Workload {
    /// The same on the command line of a child.
    fn hand_on(&self, command: &mut std::process::Command) {
        command.arg("--scale").arg(self.scale.to_string());
        command.arg("--edge-factor").arg(self.edge_factor.to_string());
        if let Some(size) = self.size {
            command.arg("--size").arg(size.to_string());
        }
        if let Some(folder) = &self.wordnet {
            command.arg("--wordnet").arg(folder);
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Turns result files into a Markdown table.
    Table {
        /// Files with JSON lines.
        files: Vec<PathBuf>,
    },
    /// Turns result files into a picture (SVG): a row a measure, a bar a system.
    Plot {
        /// Files with JSON lines.
        files: Vec<PathBuf>,
    },
    /// Writes random small graphs with engraph's answers as JSON lines, for
    /// `benches/oracles/compare.py`.
    Oracle {
        /// How many graphs.
        #[arg(long, default_value_t = 200)]
        graphs: u64,
        /// Where the random numbers start.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// One system of one suite, in this process; used by the program itself.
    #[command(hide = true)]
    Child {
        suite: String,
        system: String,
        folder: PathBuf,
        /// A part of the suite that wants a process of its own.
        #[arg(long)]
        stage: Option<String>,
        #[command(flatten)]
        workload: Workload,
    },
    /// One step of the suite `legacy`, in this process; used by the program itself.
    #[command(hide = true)]
    Step { what: String, store: PathBuf, path: PathBuf },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Some(Command::Table { files }) => report::table(&files),
        Some(Command::Plot { files }) => plot::plot(&files),
        Some(Command::Oracle { graphs, seed }) => oracle::run(graphs, seed),
        Some(Command::Child { suite, system, folder, stage, workload }) => {
            child::run(&child::Task { suite, system, folder, workload }, stage.as_deref())
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
