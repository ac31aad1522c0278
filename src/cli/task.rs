//! `engraph task` and `engraph job`: runs with their tasks and events, and the job queue.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use engraph::family::{EventQuery, JobCounts, RunQuery};
use engraph::record::{QueueStatus, RunStatus};
use engraph::{NodeId, ReadTx, Result as StoreResult, WriteTx};
use serde::Serialize;

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::records::{changing, done, looking, show};
use super::shown::{self, Shown};
use super::text;

/// Columns of a list of runs.
const RUN_FIELDS: &[&str] = &["run_type", "status", "started_at", "completed_at"];

#[derive(Args, Debug)]
pub(super) struct TaskArguments {
    #[command(subcommand)]
    action: TaskAction,
}

#[derive(Debug, Subcommand)]
enum TaskAction {
    /// List runs, newest first
    Runs {
        /// The store's directory
        store: PathBuf,
        /// Only runs in this state
        #[arg(long, value_name = "STATE")]
        status: Option<Run>,
        /// Only runs of this type
        #[arg(long = "type", value_name = "TYPE")]
        run_type: Option<String>,
        /// Runs to list at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// List the tasks of a run
    List(OneRun),
    /// Show a run and its tasks, all of it
    Show(OneRun),
    /// List what happened in a run, oldest first
    Events {
        #[command(flatten)]
        run: OneRun,
        /// Events to list at most
        #[arg(long, value_name = "N", default_value_t = 500)]
        limit: usize,
    },
    /// Cancel a run that is under way, with its tasks
    Cancel(OneRun),
    /// Start a run that has ended once more
    Retry(OneRun),
}

/// A run of a store.
#[derive(Args, Debug)]
struct OneRun {
    /// The store's directory
    store: PathBuf,
    /// The run, for example `task_run:3`
    run: String,
}

/// State of a run, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Run {
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl From<Run> for RunStatus {
    fn from(status: Run) -> Self {
        match status {
            Run::Running => Self::Running,
            Run::Completed => Self::Completed,
            Run::Failed => Self::Failed,
            Run::Cancelled => Self::Cancelled,
        }
    }
}

#[derive(Args, Debug)]
pub(super) struct JobArguments {
    #[command(subcommand)]
    action: JobAction,
}

#[derive(Debug, Subcommand)]
enum JobAction {
    /// List jobs of a state
    List {
        /// The store's directory
        store: PathBuf,
        /// Which jobs; waiting ones come in the order in which they are taken
        #[arg(long, value_name = "STATE", default_value = "queued")]
        status: Job,
        /// The queue of waiting jobs, where it has a name
        #[arg(long, value_name = "NAME", default_value = "")]
        queue: String,
        /// Jobs to list at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// List jobs that failed too often, newest first
    Dead {
        /// The store's directory
        store: PathBuf,
        /// Dead letters to list at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Queue dead jobs again
    Requeue {
        /// The store's directory
        store: PathBuf,
        /// The dead letters, for example `dead_letter:3`
        #[arg(required = true, value_name = "LETTER")]
        letters: Vec<String>,
    },
    /// Count the jobs in each state
    Stats {
        /// The store's directory
        store: PathBuf,
    },
}

/// State of a job, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Job {
    Queued,
    Running,
    Completed,
    #[value(name = "dead_letter")]
    DeadLetter,
    Cancelled,
}

impl From<Job> for QueueStatus {
    fn from(status: Job) -> Self {
        match status {
            Job::Queued => Self::Queued,
            Job::Running => Self::Running,
            Job::Completed => Self::Completed,
            Job::DeadLetter => Self::DeadLetter,
            Job::Cancelled => Self::Cancelled,
        }
    }
}

pub(super) fn run_task(arguments: &TaskArguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        TaskAction::Runs { store, status, run_type, limit } => {
            let mut query = RunQuery::new().limit(*limit);
            if let Some(status) = status {
                query = query.status((*status).into());
            }
            if let Some(run_type) = run_type {
                query = query.run_type(run_type);
            }
            looking(store, |tx| show(tx, &tx.tasks().list(&query)?, RUN_FIELDS, output))
        }
        TaskAction::List(run) => looking(&run.store, |tx| {
            const FIELDS: &[&str] = &["task_name", "status", "progress", "completed_at"];
            show(tx, &run.found(tx)?.1.tasks, FIELDS, output)
        }),
        TaskAction::Show(run) => looking(&run.store, |tx| show_run(tx, run, output)),
        TaskAction::Events { run, limit } => looking(&run.store, |tx| {
            const FIELDS: &[&str] = &["created_at", "level", "event_type", "message"];
            let query = EventQuery::new(run.found(tx)?.0).limit(*limit);
            show(tx, &tx.tasks().events(&query)?, FIELDS, output)
        }),
        TaskAction::Cancel(run) => changing(&run.store, |store| {
            let id = run.id(&store.read()?)?;
            let is_cancelled = store.write(|tx| tx.tasks().cancel(id))?;
            if !is_cancelled {
                return Err(Failure::no(format!("no run {} is under way", run.run)));
            }
            done(output, "cancelled", id)
        }),
        TaskAction::Retry(run) => changing(&run.store, |store| {
            let id = run.id(&store.read()?)?;
            done(output, "started", store.write(|tx| tx.tasks().retry(id))?)
        }),
    }
}

pub(super) fn run_job(arguments: &JobArguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        JobAction::List { store, status, queue, limit } => looking(store, |tx| {
            const FIELDS: &[&str] =
                &["mode", "priority", "retry_count", "available_at", "worker_name", "last_error"];
            let jobs = tx.jobs().queue(queue).list(&(*status).into(), *limit)?;
            show(tx, &jobs, FIELDS, output)
        }),
        JobAction::Dead { store, limit } => looking(store, |tx| {
            const FIELDS: &[&str] = &["job", "mode", "retry_count", "error_message", "created_at"];
            show(tx, &tx.jobs().dead_letters(*limit)?, FIELDS, output)
        }),
        JobAction::Requeue { store, letters } => changing(store, |store| {
            let tx = store.read()?;
            let ids = letters.iter().map(|letter| shown::id_named(&tx, letter));
            let ids = ids.collect::<Result<Vec<NodeId>, Failure>>()?;
            // All or none: what was not requeued would be hard to tell otherwise.
            let requeue = |tx: &mut WriteTx<'_>| {
                ids.iter().map(|id| tx.jobs().requeue(*id)).collect::<StoreResult<Vec<_>>>()
            };
            for job in store.write(requeue)? {
                done(output, "queued", job)?;
            }
            Ok(Answer::Yes)
        }),
        JobAction::Stats { store } => looking(store, |tx| show_counts(tx.jobs().counts()?, output)),
    }
}

impl OneRun {
    fn id(&self, tx: &ReadTx) -> Result<NodeId, Failure> {
        shown::id_named(tx, &self.run)
    }

    fn found(&self, tx: &ReadTx) -> Result<(NodeId, engraph::family::RunTasks), Failure> {
        let id = self.id(tx)?;
        let found = tx.tasks().get(id)?;
        let found = found.ok_or_else(|| Failure::no(format!("there is no run {}", self.run)))?;
        Ok((id, found))
    }
}

fn show_run(tx: &ReadTx, run: &OneRun, output: &mut Output) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    struct Whole {
        #[serde(flatten)]
        run: Shown,
        tasks: Vec<Shown>,
    }
    let (id, found) = run.found(tx)?;
    let shown = |id: NodeId| -> Result<Shown, Failure> {
        let shown = Shown::load(tx, id)?;
        shown.ok_or_else(|| Failure::no(format!("there is no record {id}")))
    };
    let tasks = found.tasks.iter().map(|(id, _)| shown(*id)).collect::<Result<Vec<_>, _>>()?;
    let whole = Whole { run: shown(id)?, tasks };
    if output.is_json() {
        output.json(&whole)?;
        return Ok(Answer::Yes);
    }
    for (place, shown) in std::iter::once(&whole.run).chain(&whole.tasks).enumerate() {
        if place > 0 {
            output.line("")?;
        }
        let mut rows = Rows::new([shown.kind.as_str(), &shown.id.to_string()]);
        for (field, value) in shown.record.as_object().into_iter().flatten() {
            rows.push([field, &shown::plain(value)]);
        }
        output.table(&rows)?;
    }
    Ok(Answer::Yes)
}

fn show_counts(counts: JobCounts, output: &mut Output) -> Result<Answer, Failure> {
    if output.is_json() {
        output.json(&counts)?;
        return Ok(Answer::Yes);
    }
    let mut rows = Rows::new(["state", "#jobs"]);
    for (state, count) in [
        ("queued", counts.queued),
        ("running", counts.running),
        ("completed", counts.completed),
        ("dead_letter", counts.dead_letter),
        ("cancelled", counts.cancelled),
    ] {
        rows.push([state, &text::count(count as u64)]);
    }
    output.table(&rows)?;
    Ok(Answer::Yes)
}
