//! Suite `queue`: workers claim the oldest job that is due and complete it, both durable before
//! the next step; and one worker that takes a hundred jobs a step, which the old statements cannot.

mod engraph_system;
mod sqlite;

use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use engraph_system::Engraph;

use crate::Outcome;
use crate::child::{Task, say};
use crate::measure::on_threads;

/// The systems of this suite.
pub const SYSTEMS: &[&str] = &["engraph", "sqlite"];

/// A queue of jobs on disk.
pub trait Queue: Sync + Sized {
    /// What a worker keeps for itself.
    type Worker;
    /// Makes a new one with so many jobs, all due.
    fn create(folder: &Path, jobs: u64) -> Outcome<Self>;
    /// Prepares a worker.
    fn worker(&self, number: u64) -> Outcome<Self::Worker>;
    /// Claims the oldest job that is due: durable, and for this worker alone. `None` when none is.
    fn claim(&self, worker: &mut Self::Worker) -> Outcome<Option<u64>>;
    /// Marks a job completed: durable.
    fn complete(&self, worker: &mut Self::Worker, job: u64) -> Outcome;
    /// How many jobs are completed.
    fn completed(&self) -> Outcome<u64>;
}

/// Runs the suite for a system.
pub fn run(task: &Task, size: u64) -> Outcome {
    for (threads, measure) in [(1, "claim_complete_1"), (8, "claim_complete_8")] {
        match task.system.as_str() {
            "engraph" => suite::<Engraph>(task, size, (threads, measure), one_by_one)?,
            "sqlite" => suite::<sqlite::Sqlite>(task, size, (threads, measure), one_by_one)?,
            _ => return task.unknown_system(),
        }
    }
    if task.system == "engraph" {
        suite::<Engraph>(task, size, (1, "claim_complete_batch"), Engraph::work_in_batches)?;
    }
    Ok(())
}

/// Works until no job is due. Gives the jobs done.
fn one_by_one<Q: Queue>(queue: &Q, worker: &mut Q::Worker) -> Outcome<Vec<u64>> {
    let mut own = Vec::new();
    while let Some(job) = queue.claim(worker)? {
        queue.complete(worker, job)?;
        own.push(job);
    }
    Ok(own)
}

fn suite<Q: Queue>(
    task: &Task,
    jobs: u64,
    (threads, measure): (u64, &str),
    work: impl Fn(&Q, &mut Q::Worker) -> Outcome<Vec<u64>> + Sync,
) -> Outcome {
    let folder = task.folder.join(measure);
    std::fs::create_dir_all(&folder)?;
    let queue = Q::create(&folder, jobs)?;
    let done = Mutex::new(Vec::new());
    let start = Instant::now();
    on_threads(threads, |number| {
        let own = work(&queue, &mut queue.worker(number)?)?;
        done.lock().map_err(|_| "lock")?.extend(own);
        Ok(())
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let mut done = done.into_inner().map_err(|_| "lock")?;
    done.sort_unstable();
    let once = done.windows(2).all(|two| two[0] != two[1]);
    if !once || done.len() as u64 != jobs || queue.completed()? != jobs {
        return Err(format!("{measure}: {} claims of {jobs} jobs", done.len()).into());
    }
    say(measure, jobs as f64 / seconds, jobs, Some(jobs))
}
