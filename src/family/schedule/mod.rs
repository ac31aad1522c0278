//! Schedules: what is queued again and again, every so many minutes or by a cron expression.
//!
//! Somebody calls [`Schedules::run_due`] now and then; each due schedule then becomes one job, in
//! the same write that sets when it is due next, so a slot is never queued twice and never lost.
//! Slots that passed while nobody called are left out, but for one.

mod slot;

use std::ops::Deref;

use super::job::NewJob;
use super::{Reader, existing, named, object_or_empty};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::limits::CLAIM_JOBS_MAX;
use crate::base::time::Timestamp;
use crate::record::{PipelineMode, Schedule};
use crate::store::{ReadTx, WriteTx};

/// A schedule to be made.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewSchedule {
    name: Option<String>,
    mode: PipelineMode,
    payload: Option<Json>,
    when: When,
    first: Option<Timestamp>,
    queue: String,
    priority: i8,
    is_paused: bool,
}

#[derive(Clone, Debug)]
enum When {
    Minutes(u32),
    Cron(String),
}

impl NewSchedule {
    /// Every so many minutes, first after one interval.
    pub fn every(minutes: u32, mode: impl Into<PipelineMode>) -> Self {
        Self::when(When::Minutes(minutes), mode.into())
    }

    /// When a cron expression says so, in UTC: minute, hour, day of the month, month, day of the
    /// week, with the second before them if there are six fields.
    pub fn cron(expression: impl Into<String>, mode: impl Into<PipelineMode>) -> Self {
        Self::when(When::Cron(expression.into()), mode.into())
    }

    fn when(when: When, mode: PipelineMode) -> Self {
        Self {
            name: None,
            mode,
            payload: None,
            when,
            first: None,
            queue: String::new(),
            priority: 0,
            is_paused: false,
        }
    }

    /// Sets a name for people; it need not be unique.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the request of its jobs, a JSON object; `{}` where none is given.
    pub fn payload(mut self, payload: Json) -> Self {
        self.payload = Some(payload);
        self
    }

    /// Sets when it is first due; later intervals are counted from there.
    pub fn first_at(mut self, time: Timestamp) -> Self {
        self.first = Some(time);
        self
    }

    /// Sets the queue that its jobs go to.
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.queue = name.into();
        self
    }

    /// Sets the priority of its jobs.
    pub fn priority(mut self, priority: i8) -> Self {
        self.priority = priority;
        self
    }

    /// It does not run before it is resumed.
    pub fn paused(mut self) -> Self {
        self.is_paused = true;
        self
    }

    fn into_record(self, now: Timestamp) -> Result<Schedule> {
        named("mode", self.mode.as_str())?;
        let (every_minutes, cron) = match self.when {
            When::Minutes(0) => {
                return Err(Error::invalid("every_minutes", "0 is less than 1"));
            }
            When::Minutes(minutes) => (minutes.into(), None),
            When::Cron(expression) => (0, Some(expression)),
        };
        let mut schedule = Schedule {
            name: self.name,
            mode: self.mode,
            payload: object_or_empty("payload", self.payload)?,
            every_minutes,
            cron,
            queue: self.queue,
            priority: self.priority.into(),
            active: !self.is_paused,
            created_at: Some(now),
            updated_at: Some(now),
            ..Schedule::default()
        };
        // Also where the first time is given: an expression that cannot be read is refused now.
        let next = slot::next(&schedule, now, now)?;
        if next.is_none() {
            return Err(Error::invalid("cron", "it names no time that is still to come"));
        }
        schedule.next_run_at = self.first.or(next);
        Ok(schedule)
    }
}

/// A schedule that was due, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The schedule.
    pub schedule: NodeId,
    /// The job that was queued for it.
    pub job: NodeId,
    /// When it was due.
    pub due: Timestamp,
}

/// The schedules of a transaction. Made by [`ReadTx::schedules`] and [`WriteTx::schedules`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::NewSchedule;
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// store.write(|tx| {
///     let now = tx.now();
///     tx.schedules().create(NewSchedule::every(15, "refresh").first_at(now))?;
///     tx.schedules().create(NewSchedule::cron("0 3 * * SUN", "index"))
/// })?;
/// let fired = store.write(|tx| tx.schedules().run_due(10))?;
/// assert_eq!(fired.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Schedules<T> {
    tx: T,
}

impl ReadTx {
    /// The schedules, to look at.
    pub fn schedules(&self) -> Schedules<&Self> {
        Schedules { tx: self }
    }
}

impl WriteTx<'_> {
    /// The schedules.
    pub fn schedules(&mut self) -> Schedules<&mut Self> {
        Schedules { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Schedules<T> {
    /// The schedule `id`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn get(&self, id: NodeId) -> Result<Option<Schedule>> {
        self.tx.get(id)
    }

    /// Every schedule, newest id first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self) -> Result<Vec<(NodeId, Schedule)>> {
        let mut all = self.tx.iter()?.collect::<Result<Vec<_>>>()?;
        all.reverse();
        Ok(all)
    }

    /// The schedules that are not paused, newest id first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn active(&self) -> Result<Vec<(NodeId, Schedule)>> {
        let mut all = self.tx.index("active_next", (true,))?.collect::<Result<Vec<_>>>()?;
        all.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        Ok(all)
    }

    /// The active schedules that are due at a time, earliest first, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<(NodeId, Schedule)>> {
        // Those without a next time, which come first in the index, are never due.
        let first = (true, Some(Timestamp::from_micros(i64::MIN)));
        let rows = self.tx.index_from::<Schedule>("active_next", first)?;
        let is_due = |schedule: &Schedule| schedule.next_run_at.is_some_and(|time| time <= now);
        let due = rows.take_while(|row| row.as_ref().map_or(true, |(_, found)| is_due(found)));
        due.take(limit).collect()
    }
}

impl Schedules<&mut WriteTx<'_>> {
    /// Makes a schedule and returns its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an interval of nothing, an expression that cannot be read or names no
    /// time to come, no mode, or a payload that is no object.
    pub fn create(&mut self, schedule: NewSchedule) -> Result<NodeId> {
        let record = schedule.into_record(self.tx.now())?;
        self.tx.insert(&record)
    }

    /// Queues a job for each schedule that is due, earliest first, at most `limit`, and sets when
    /// each is due next.
    ///
    /// # Errors
    /// [`Error::Limit`] for more than a thousand; [`Error::Conflict`] with the schedule that no job
    /// can be made of, which is to be paused or deleted: no call of this family makes such a one.
    pub fn run_due(&mut self, limit: usize) -> Result<Vec<Fired>> {
        if limit > CLAIM_JOBS_MAX {
            let (max, found) = (CLAIM_JOBS_MAX as u64, limit as u64);
            return Err(Error::Limit { what: "schedules of one call".into(), max, found });
        }
        let due = self.due(self.tx.now(), limit)?;
        due.into_iter().map(|(id, schedule)| self.fire(id, schedule)).collect()
    }

    fn fire(&mut self, id: NodeId, schedule: Schedule) -> Result<Fired> {
        let due = schedule.next_run_at.unwrap_or(self.tx.now());
        let job = job_of(&schedule);
        let fired = self.tx.jobs().queue(schedule.queue.clone()).enqueue(job).and_then(|job| {
            self.advance(id, schedule)?;
            Ok(Fired { schedule: id, job, due })
        });
        fired.map_err(|error| match error {
            Error::Invalid { .. } | Error::Limit { .. } => {
                Error::conflict(format!("schedule {id}"), error.to_string())
            }
            other => other,
        })
    }

    /// Says that a schedule ran by other means, and sets when it is due next.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Invalid`] when its expression is no cron.
    pub fn mark_ran(&mut self, id: NodeId) -> Result<()> {
        let schedule = existing(&*self.tx, id)?;
        self.advance(id, schedule)
    }

    /// Stops a schedule until it is resumed. Tells whether it was active.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent.
    pub fn pause(&mut self, id: NodeId) -> Result<bool> {
        let schedule: Schedule = existing(&*self.tx, id)?;
        if !schedule.active {
            return Ok(false);
        }
        self.put(id, Schedule { active: false, ..schedule })?;
        Ok(true)
    }

    /// Lets a schedule run again, at its next time from now on: nothing is made up for. Tells
    /// whether it was paused.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Invalid`] when its expression is no cron.
    pub fn resume(&mut self, id: NodeId) -> Result<bool> {
        let mut schedule: Schedule = existing(&*self.tx, id)?;
        if schedule.active {
            return Ok(false);
        }
        let now = self.tx.now();
        if schedule.next_run_at.is_none_or(|time| time <= now) {
            schedule.next_run_at = slot::next(&schedule, schedule.next_run_at.unwrap_or(now), now)?;
        }
        schedule.active = true;
        self.put(id, schedule)?;
        Ok(true)
    }

    /// Deletes a schedule; jobs that it queued stay. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn delete(&mut self, id: NodeId) -> Result<bool> {
        Ok(self.get(id)?.is_some() && self.tx.delete(id)?)
    }

    fn advance(&mut self, id: NodeId, mut schedule: Schedule) -> Result<()> {
        let now = self.tx.now();
        schedule.last_run_at = Some(now);
        schedule.next_run_at = slot::next(&schedule, schedule.next_run_at.unwrap_or(now), now)?;
        self.put(id, schedule)
    }

    fn put(&mut self, id: NodeId, mut schedule: Schedule) -> Result<()> {
        schedule.updated_at = Some(self.tx.now());
        self.tx.put(id, &schedule)
    }
}

/// The job that a schedule stands for. An imported payload that is no object is left out.
fn job_of(schedule: &Schedule) -> NewJob {
    let priority = schedule.priority.clamp(i8::MIN.into(), i8::MAX.into()) as i8;
    let job = NewJob::new(schedule.mode.clone()).priority(priority);
    match object_or_empty("payload", schedule.payload.clone()) {
        Ok(Some(payload)) => job.payload(payload),
        Ok(None) | Err(_) => job,
    }
}
