//! One system of one suite in a process of its own: prints a line a measure.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::{Outcome, Workload, graph, legacy, queue, recall, records, search, transfer, vector};

/// What one process has to do.
#[derive(Clone, Debug)]
pub struct Task {
    /// The suite.
    pub suite: String,
    /// The system that is measured.
    pub system: String,
    /// A folder of its own.
    pub folder: PathBuf,
    /// How large the data is.
    pub workload: Workload,
}

impl Task {
    /// The command that does this task, or a part of it, in a process of its own.
    pub fn command(&self, stage: Option<&str>) -> Outcome<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("child").arg(&self.suite).arg(&self.system).arg(&self.folder);
        if let Some(stage) = stage {
            command.arg("--stage").arg(stage);
        }
        self.workload.hand_on(&mut command);
        Ok(command)
    }

    /// Does a part of the task in a fresh process, which prints its measures itself.
    pub fn stage(&self, stage: &str) -> Outcome {
        let status = self.command(Some(stage))?.status()?;
        if status.success() { Ok(()) } else { Err(format!("{stage} ended with {status}").into()) }
    }

    /// That the suite has no such system.
    pub fn unknown_system<T>(&self) -> Outcome<T> {
        Err(format!("no system {} in suite {}", self.system, self.suite).into())
    }
}

/// What one process measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// The measure's name.
    pub measure: String,
    /// Its value, in the unit of its name.
    pub value: f64,
    /// How many operations stand behind it.
    pub n: u64,
    /// Checksum of the answers, where there are any.
    pub check: Option<String>,
}

/// Prints a measure.
pub fn say(measure: &str, value: f64, n: u64, check: Option<u64>) -> Outcome {
    let check = check.map(|sum| format!("{sum:016x}"));
    let line = serde_json::to_string(&Measured { measure: measure.to_owned(), value, n, check })?;
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// Runs a task, or one stage of it.
pub fn run(task: &Task, stage: Option<&str>) -> Outcome {
    let size = |usual: u64| task.workload.size.unwrap_or(usual);
    match task.suite.as_str() {
        "records" => records::run(&task.system, &task.folder, size(100_000)),
        "graph" => graph::run(task, stage),
        "search" => search::run(task, stage),
        "vector" => vector::run(task),
        "recall" => recall::run(task, size(100_000)),
        "legacy" => legacy::run(&task.system, &task.folder, size(1_000_000)),
        "queue" => queue::run(task, size(4_000)),
        "transfer" => transfer::run(task, size(100_000)),
        other => Err(format!("no suite {other}").into()),
    }
}
