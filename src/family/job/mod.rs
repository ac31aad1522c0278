//! The job queue: claims with leases, retries, priorities, delays, dead letters.
//!
//! A job is *queued*, *running* under a lease, or has ended. Every change of state is one write
//! transaction, so no job is given to two workers; a worker that dies loses its lease when that
//! ends, and the job is tried again. A lease names the job and how often it was taken: who shows an
//! older number has lost it.
//!
//! The index of waiting jobs is ordered by queue, priority, due time and age. A claim goes to the
//! first job of the queue; where that is not due yet, it skips to the next priority, so it costs at
//! most one probe a priority in use, and nothing has to be moved when a delay ends.

mod retry;

use std::ops::Deref;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Reader, existing, named, object_or_empty};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::limits::{CLAIM_JOBS_MAX, CLAIM_RECLAIMS_MAX, NAME_BYTES_MAX};
use crate::base::time::Timestamp;
use crate::base::trace::category::FAMILY;
use crate::record::{DeadLetter, PipelineMode, QueueJob, QueueStatus};
use crate::store::{ReadTx, WriteTx};
pub use retry::RetryPolicy;

/// Tries after the first one where nothing is said.
const RETRIES_DEFAULT: u32 = 2;

/// A job to be queued.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewJob {
    mode: PipelineMode,
    payload: Option<Json>,
    priority: i8,
    max_retries: u32,
    retry: RetryPolicy,
    start: Start,
    depth_max: Option<usize>,
}

/// When a job may first be taken.
#[derive(Clone, Copy, Debug)]
enum Start {
    After(Duration),
    At(Timestamp),
}

impl NewJob {
    /// A job of priority 0 that may start at once, with two more tries after the first one.
    pub fn new(mode: impl Into<PipelineMode>) -> Self {
        Self {
            mode: mode.into(),
            payload: None,
            priority: 0,
            max_retries: RETRIES_DEFAULT,
            retry: RetryPolicy::default(),
            start: Start::After(Duration::ZERO),
            depth_max: None,
        }
    }

    /// Sets the request, a JSON object; `{}` where none is given.
    pub fn payload(mut self, payload: Json) -> Self {
        self.payload = Some(payload);
        self
    }

    /// Sets the priority: jobs of a greater one go first.
    pub fn priority(mut self, priority: i8) -> Self {
        self.priority = priority;
        self
    }

    /// Sets how many tries follow a failed first one.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets how long it waits between tries.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// It may not start before so long after the write.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.start = Start::After(delay);
        self
    }

    /// It may not start before this time.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.start = Start::At(time);
        self
    }

    /// It is refused when so many jobs wait in the queue already.
    pub fn depth_max(mut self, jobs: usize) -> Self {
        self.depth_max = Some(jobs);
        self
    }

    fn into_record(self, queue: &str, now: Timestamp) -> Result<QueueJob> {
        named("mode", self.mode.as_str())?;
        let mut job = QueueJob {
            payload: object_or_empty("payload", self.payload)?,
            mode: self.mode,
            queue: queue.to_owned(),
            priority: self.priority.into(),
            max_retries: self.max_retries.into(),
            available_at: Some(match self.start {
                Start::After(delay) => now.saturating_add(delay),
                Start::At(time) => time,
            }),
            created_at: Some(now),
            updated_at: Some(now),
            ..QueueJob::default()
        };
        self.retry.store(&mut job)?;
        Ok(job)
    }
}

/// The right to run a job until a time. Shown when the job is completed, failed or held longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// The job.
    pub job: NodeId,
    /// How often the job had been taken with this time.
    pub attempt: i64,
}

/// A job that a worker has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// What to show when it is done.
    pub lease: Lease,
    /// The job as it is now; `lease_until` says how long the lease is.
    pub job: QueueJob,
}

/// What became of a job whose try failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// It is queued again.
    Retry {
        /// Not before this time.
        at: Timestamp,
    },
    /// It failed too often, and is not tried again.
    Dead {
        /// The dead letter, which can be requeued.
        letter: NodeId,
    },
}

/// How many jobs are in each state, in all queues together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JobCounts {
    /// Waiting, those that are not due yet included.
    pub queued: usize,
    /// Under a lease, those whose lease ended included.
    pub running: usize,
    /// Done.
    pub completed: usize,
    /// Failed too often.
    pub dead_letter: usize,
    /// Stopped by somebody.
    pub cancelled: usize,
}

/// The job queue of a transaction. Made by [`ReadTx::jobs`] and [`WriteTx::jobs`].
///
/// ```
/// use std::time::Duration;
///
/// use engraph::Store;
/// use engraph::family::{Failed, NewJob};
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// store.write(|tx| tx.jobs().enqueue(NewJob::new("refresh").priority(5)))?;
///
/// let lease = Duration::from_secs(60);
/// let claimed = store.write(|tx| tx.jobs().claim("worker-1", lease))?.unwrap();
/// let failed = store.write(|tx| tx.jobs().fail(claimed.lease, "disk is away"))?;
/// assert!(matches!(failed, Failed::Retry { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Jobs<T> {
    tx: T,
    queue: String,
}

impl ReadTx {
    /// The job queue, to look at.
    pub fn jobs(&self) -> Jobs<&Self> {
        Jobs { tx: self, queue: String::new() }
    }
}

impl WriteTx<'_> {
    /// The job queue.
    pub fn jobs(&mut self) -> Jobs<&mut Self> {
        Jobs { tx: self, queue: String::new() }
    }
}

impl<T: Deref<Target: Reader>> Jobs<T> {
    /// The same for the queue of that name; without a name it is the one that imported jobs are in.
    /// A queue is there as long as jobs are in it.
    #[must_use]
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.queue = name.into();
        self
    }

    /// The job `id`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn get(&self, id: NodeId) -> Result<Option<QueueJob>> {
        self.tx.get(id)
    }

    /// How many jobs wait in this queue, those not due yet included; counted up to `limit`.
    ///
    /// # Errors
    /// [`Error::Io`] when the data file cannot be read.
    pub fn depth(&self, limit: usize) -> Result<usize> {
        self.tx.index_count::<QueueJob>("ready", &self.queue, limit)
    }

    /// How many jobs there are in each state. Walks one index row a job.
    ///
    /// # Errors
    /// [`Error::Io`] when the data file cannot be read.
    pub fn counts(&self) -> Result<JobCounts> {
        let ended = |status| self.tx.index_count::<QueueJob>("ended", (&status,), usize::MAX);
        Ok(JobCounts {
            queued: self.tx.index_count::<QueueJob>("ready", (), usize::MAX)?,
            running: self.tx.index_count::<QueueJob>("lease", (), usize::MAX)?,
            completed: ended(QueueStatus::Completed)?,
            dead_letter: ended(QueueStatus::DeadLetter)?,
            cancelled: ended(QueueStatus::Cancelled)?,
        })
    }

    /// The jobs of a state, at most `limit`: queued ones of this queue in the order in which they
    /// are taken; running ones of all queues by the end of their leases; others newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self, status: &QueueStatus, limit: usize) -> Result<Vec<(NodeId, QueueJob)>> {
        let rows = match status {
            QueueStatus::Queued => self.tx.index("ready", &self.queue)?,
            QueueStatus::Running => self.tx.index("lease", ())?,
            ended => self.tx.index_descending("ended", (ended,))?,
        };
        rows.take(limit).collect()
    }

    /// The jobs that were given up, at most `limit`, newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<(NodeId, DeadLetter)>> {
        self.tx.index_descending("created", ())?.take(limit).collect()
    }

    /// The jobs of this queue that may start, first one first.
    fn due(&self, now: Timestamp, count: usize) -> Result<Vec<(NodeId, QueueJob)>> {
        let mut found = Vec::new();
        let mut rank = Some(0_u8);
        while let Some(from) = rank.take() {
            for row in self.tx.index_from::<QueueJob>("ready", (&self.queue, from))? {
                let (id, job) = row?;
                if found.len() == count || job.queue != self.queue {
                    return Ok(found);
                }
                if job.available_at.is_some_and(|time| time > now) {
                    // Nothing behind it in its priority is due either.
                    rank = job.rank().checked_add(1);
                    break;
                }
                found.push((id, job));
            }
        }
        Ok(found)
    }
}

impl Jobs<&mut WriteTx<'_>> {
    /// Queues a job and returns its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a job without a mode or with a payload that is no object;
    /// [`Error::Limit`] when the queue holds as many jobs as the job allows, or the queue's name is
    /// too long.
    pub fn enqueue(&mut self, job: NewJob) -> Result<NodeId> {
        if self.queue.len() > NAME_BYTES_MAX {
            let (max, found) = (NAME_BYTES_MAX as u64, self.queue.len() as u64);
            return Err(Error::Limit { what: "name of a queue in bytes".into(), max, found });
        }
        if let Some(max) = job.depth_max
            && self.depth(max)? >= max
        {
            let (max, found) = (max as u64, max as u64 + 1);
            return Err(Error::Limit { what: "queue in waiting jobs".into(), max, found });
        }
        let record = job.into_record(&self.queue, self.tx.now())?;
        self.tx.insert(&record)
    }

    /// Takes the next job that is due, until `lease` from now; `None` when none is. Jobs whose
    /// lease ended are put back first, a few a call.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a worker without a name or a lease of no length.
    pub fn claim(&mut self, worker: &str, lease: Duration) -> Result<Option<Claimed>> {
        Ok(self.claim_many(worker, lease, 1)?.pop())
    }

    /// As [`Jobs::claim`], up to `count` jobs in one write, first one first.
    ///
    /// # Errors
    /// As [`Jobs::claim`]; [`Error::Limit`] for more than a thousand.
    pub fn claim_many(
        &mut self,
        worker: &str,
        lease: Duration,
        count: usize,
    ) -> Result<Vec<Claimed>> {
        named("worker", worker)?;
        check_count("jobs of one claim", count)?;
        let until = self.lease_end(lease)?;
        self.reclaim_expired(CLAIM_RECLAIMS_MAX)?;
        let now = self.tx.now();
        let due = self.due(now, count)?;
        due.into_iter().map(|(id, job)| self.take(id, job, worker, until)).collect()
    }

    fn take(
        &mut self,
        id: NodeId,
        mut job: QueueJob,
        worker: &str,
        until: Timestamp,
    ) -> Result<Claimed> {
        job.status = QueueStatus::Running;
        job.worker_name = Some(worker.to_owned());
        job.attempts = job.attempts.saturating_add(1);
        job.lease_until = Some(until);
        job.started_at = Some(self.tx.now());
        self.put(id, &mut job)?;
        Ok(Claimed { lease: Lease { job: id, attempt: job.attempts }, job })
    }

    /// Holds a job until `lease` from now: the sign of life of a worker that needs longer. Returns
    /// when the lease ends.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the lease was lost or the job was cancelled: the worker must stop;
    /// [`Error::NotFound`] when the job is gone; [`Error::Invalid`] for a lease of no length.
    pub fn extend(&mut self, held: Lease, lease: Duration) -> Result<Timestamp> {
        let until = self.lease_end(lease)?;
        let mut job = self.held(held)?;
        job.lease_until = Some(until);
        self.put(held.job, &mut job)?;
        Ok(until)
    }

    /// Says that a job is done.
    ///
    /// # Errors
    /// As [`Jobs::extend`].
    pub fn complete(&mut self, held: Lease) -> Result<()> {
        let mut job = self.held(held)?;
        self.end(held.job, &mut job, QueueStatus::Completed)
    }

    /// Says that a try failed. The job is queued again after the delay of its retry policy, or
    /// becomes a dead letter when it has no tries left.
    ///
    /// # Errors
    /// As [`Jobs::extend`].
    pub fn fail(&mut self, held: Lease, error: &str) -> Result<Failed> {
        let job = self.held(held)?;
        let failures = u32::try_from(job.retry_count.saturating_add(1)).unwrap_or(1);
        let delay = RetryPolicy::of(&job).delay(held.job, failures);
        self.failed(held.job, job, error, delay)
    }

    /// Gives a job back untried: it can be taken again at once, and has as many tries left.
    ///
    /// # Errors
    /// As [`Jobs::extend`].
    pub fn release(&mut self, held: Lease) -> Result<()> {
        let mut job = self.held(held)?;
        self.wait(held.job, &mut job, Duration::ZERO).map(drop)
    }

    /// Puts back jobs whose lease ended, of all queues, at most `limit`; tells how many. Each
    /// counts as a failed try and can be taken again at once; without tries left it becomes a dead
    /// letter. What the old application left running has no lease, and is put back as well.
    ///
    /// # Errors
    /// [`Error::Limit`] for more than a thousand.
    pub fn reclaim_expired(&mut self, limit: usize) -> Result<usize> {
        check_count("jobs of one reclaim", limit)?;
        let now = self.tx.now();
        let mut expired = Vec::new();
        for row in self.tx.index::<QueueJob>("lease", ())?.take(limit) {
            let (id, job) = row?;
            if job.lease_until.is_some_and(|until| until > now) {
                break;
            }
            expired.push((id, job));
        }
        let count = expired.len();
        for (id, job) in expired {
            let worker = job.worker_name.as_deref().unwrap_or("unknown");
            let error = format!("lease of worker {worker} ended");
            self.failed(id, job, &error, Duration::ZERO)?;
        }
        Ok(count)
    }

    /// Cancels a job that waits or runs; tells whether there was one. A worker that runs it learns
    /// it when it next shows its lease.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the job does not decode.
    pub fn cancel(&mut self, id: NodeId) -> Result<bool> {
        let Some(mut job) = self.get(id)? else { return Ok(false) };
        if !matches!(job.status, QueueStatus::Queued | QueueStatus::Running) {
            return Ok(false);
        }
        self.end(id, &mut job, QueueStatus::Cancelled)?;
        Ok(true)
    }

    /// Queues the job of a dead letter again, with all its tries, and deletes the letter. Returns
    /// the job: the old one, or a new one where that is gone.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such letter; [`Error::Conflict`] when its job is not
    /// dead.
    pub fn requeue(&mut self, letter: NodeId) -> Result<NodeId> {
        let dead: DeadLetter = existing(&*self.tx, letter)?;
        let job = match dead.job {
            Some(id) => self.get(id)?.map(|job| (id, job)),
            None => None,
        };
        let Some((id, mut job)) = job else {
            let mut job = NewJob::new(dead.mode);
            job.payload = dead.payload;
            let id = self.enqueue(job)?;
            self.tx.delete(letter)?;
            return Ok(id);
        };
        if job.status != QueueStatus::DeadLetter {
            let reason = format!("it is {}, not a dead letter", job.status);
            return Err(Error::conflict(format!("queue_job {id}"), reason));
        }
        self.tx.delete(letter)?;
        job.retry_count = 0;
        job.completed_at = None;
        self.wait(id, &mut job, Duration::ZERO)?;
        Ok(id)
    }

    /// Deletes a dead letter with its job. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn discard(&mut self, letter: NodeId) -> Result<bool> {
        let Some(dead) = self.tx.get::<DeadLetter>(letter)? else { return Ok(false) };
        if let Some(id) = dead.job
            && self.get(id)?.is_some_and(|job| job.status == QueueStatus::DeadLetter)
        {
            self.tx.delete(id)?;
        }
        self.tx.delete(letter)
    }

    /// Deletes completed and cancelled jobs that ended before a time, at most `limit`; tells how
    /// many. Dead letters stay.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn purge(&mut self, before: Timestamp, limit: usize) -> Result<usize> {
        let mut old = Vec::new();
        for status in [QueueStatus::Completed, QueueStatus::Cancelled] {
            for row in self.tx.index::<QueueJob>("ended", (status,))?.take(limit - old.len()) {
                let (id, job) = row?;
                if job.completed_at.is_some_and(|time| time >= before) {
                    break;
                }
                old.push(id);
            }
        }
        for id in &old {
            self.tx.delete(*id)?;
        }
        Ok(old.len())
    }

    fn lease_end(&self, lease: Duration) -> Result<Timestamp> {
        let now = self.tx.now();
        let end = now.saturating_add(lease);
        if end == now {
            return Err(Error::invalid("lease", format!("{lease:?} is shorter than 1 us")));
        }
        Ok(end)
    }

    /// The job of a lease that holds. One that ended holds as long as nobody put the job back.
    fn held(&self, lease: Lease) -> Result<QueueJob> {
        let job: QueueJob = existing(&*self.tx, lease.job)?;
        if job.status == QueueStatus::Running && job.attempts == lease.attempt {
            return Ok(job);
        }
        let reason = if job.status == QueueStatus::Running {
            format!("another worker has taken it, attempt {}", job.attempts)
        } else {
            format!("the lease was lost, it is {}", job.status)
        };
        Err(Error::conflict(format!("queue_job {}", lease.job), reason))
    }

    fn failed(
        &mut self,
        id: NodeId,
        mut job: QueueJob,
        error: &str,
        delay: Duration,
    ) -> Result<Failed> {
        job.retry_count = job.retry_count.saturating_add(1);
        job.last_error = Some(error.to_owned());
        if job.retry_count <= job.max_retries {
            let at = self.wait(id, &mut job, delay)?;
            return Ok(Failed::Retry { at });
        }
        self.end(id, &mut job, QueueStatus::DeadLetter)?;
        tracing::debug!(target: FAMILY, job = %id, error, "a job failed for good");
        let letter = self.tx.insert(&DeadLetter {
            job: Some(id),
            mode: job.mode,
            payload: job.payload,
            error_message: job.last_error,
            retry_count: job.retry_count,
            created_at: Some(self.tx.now()),
        })?;
        Ok(Failed::Dead { letter })
    }

    fn wait(&mut self, id: NodeId, job: &mut QueueJob, delay: Duration) -> Result<Timestamp> {
        let at = self.tx.now().saturating_add(delay);
        job.status = QueueStatus::Queued;
        job.lease_until = None;
        job.available_at = Some(at);
        self.put(id, job)?;
        Ok(at)
    }

    fn end(&mut self, id: NodeId, job: &mut QueueJob, status: QueueStatus) -> Result<()> {
        job.status = status;
        job.lease_until = None;
        job.completed_at = Some(self.tx.now());
        self.put(id, job)
    }

    fn put(&mut self, id: NodeId, job: &mut QueueJob) -> Result<()> {
        job.updated_at = Some(self.tx.now());
        self.tx.put(id, job)
    }
}

fn check_count(what: &str, found: usize) -> Result<()> {
    if found <= CLAIM_JOBS_MAX {
        return Ok(());
    }
    Err(Error::Limit { what: what.into(), max: CLAIM_JOBS_MAX as u64, found: found as u64 })
}
