//! Runs, their tasks and events.
//!
//! A run is under way until it is completed, failed or cancelled, and then never changes; its open
//! tasks end with it. A task changes only while it is under way itself.

use std::ops::Deref;

use serde::Deserialize;

use super::{Reader, existing, named, object, object_or_empty};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::record::{EventLevel, RunStatus, Task, TaskEvent, TaskRun};
use crate::store::{ReadTx, WriteTx};

/// The type of run whose payload names a mode.
const FILE_PIPELINE: &str = "file_pipeline";
/// Runs of a list where nothing is said.
const RUNS_DEFAULT: usize = 50;
/// Events of a list where nothing is said.
const EVENTS_DEFAULT: usize = 500;

/// A run to be started.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewRun {
    run_type: String,
    payload: Option<Json>,
}

impl NewRun {
    /// A run of that type; the file pipeline's is `file_pipeline`.
    pub fn new(run_type: impl Into<String>) -> Self {
        Self { run_type: run_type.into(), payload: None }
    }

    /// Sets the mode and the request, a JSON object; `{}` where none is given.
    pub fn payload(mut self, payload: Json) -> Self {
        self.payload = Some(payload);
        self
    }
}

/// A task to be started.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewTask {
    run: NodeId,
    name: String,
    payload: Option<Json>,
}

impl NewTask {
    /// A task of a run.
    pub fn new(run: NodeId, name: impl Into<String>) -> Self {
        Self { run, name: name.into(), payload: None }
    }

    /// Sets what is to do, a JSON object; `{}` where none is given.
    pub fn payload(mut self, payload: Json) -> Self {
        self.payload = Some(payload);
        self
    }
}

/// What changes in a task; what is not given stays.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TaskChange {
    progress: Option<f64>,
    result: Option<Json>,
    status: Option<RunStatus>,
}

impl TaskChange {
    /// Changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the progress in percent, 0 to 100.
    pub fn progress(mut self, percent: f64) -> Self {
        self.progress = Some(percent);
        self
    }

    /// Sets the result, a JSON object.
    pub fn result(mut self, result: Json) -> Self {
        self.result = Some(result);
        self
    }

    /// Ends it well.
    pub fn completed(mut self) -> Self {
        self.status = Some(RunStatus::Completed);
        self
    }

    /// Ends it with an error.
    pub fn failed(mut self) -> Self {
        self.status = Some(RunStatus::Failed);
        self
    }
}

/// An event to be noted.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewEvent {
    run: NodeId,
    task: Option<NodeId>,
    level: EventLevel,
    event_type: String,
    message: String,
    data: Option<Json>,
}

impl NewEvent {
    /// Something that happened in a run, for the record.
    pub fn new(run: NodeId, event_type: impl Into<String>, message: impl Into<String>) -> Self {
        let (event_type, message) = (event_type.into(), message.into());
        Self { run, task: None, level: EventLevel::Info, event_type, message, data: None }
    }

    /// Sets how much it matters.
    pub fn level(mut self, level: EventLevel) -> Self {
        self.level = level;
        self
    }

    /// Sets the task that it is about.
    pub fn task(mut self, task: NodeId) -> Self {
        self.task = Some(task);
        self
    }

    /// Sets details, a JSON object; `{}` where none is given.
    pub fn data(mut self, data: Json) -> Self {
        self.data = Some(data);
        self
    }
}

/// Which runs to list.
#[derive(Clone, Debug)]
#[must_use]
pub struct RunQuery {
    status: Option<RunStatus>,
    run_type: Option<String>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    offset: usize,
    limit: usize,
}

impl Default for RunQuery {
    fn default() -> Self {
        Self {
            status: None,
            run_type: None,
            after: None,
            before: None,
            offset: 0,
            limit: RUNS_DEFAULT,
        }
    }
}

impl RunQuery {
    /// The 50 newest runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only runs in that state.
    pub fn status(mut self, status: RunStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Only runs of that type.
    pub fn run_type(mut self, run_type: impl Into<String>) -> Self {
        self.run_type = Some(run_type.into());
        self
    }

    /// Only runs that started then or later.
    pub fn started_after(mut self, time: Timestamp) -> Self {
        self.after = Some(time);
        self
    }

    /// Only runs that started then or earlier.
    pub fn started_before(mut self, time: Timestamp) -> Self {
        self.before = Some(time);
        self
    }

    /// Leaves out the first ones.
    pub fn offset(mut self, runs: usize) -> Self {
        self.offset = runs;
        self
    }

    /// Sets how many runs to list at most.
    pub fn limit(mut self, runs: usize) -> Self {
        self.limit = runs;
        self
    }

    fn is_met(&self, run: &TaskRun) -> bool {
        self.status.as_ref().is_none_or(|status| *status == run.status)
            && self.run_type.as_ref().is_none_or(|run_type| *run_type == run.run_type)
            && self.before.is_none_or(|time| run.started_at.is_some_and(|start| start <= time))
    }
}

/// Which events of a run to list.
#[derive(Clone, Debug)]
#[must_use]
pub struct EventQuery {
    run: NodeId,
    level: Option<EventLevel>,
    event_type: Option<String>,
    limit: usize,
}

impl EventQuery {
    /// The 500 oldest events of a run.
    pub fn new(run: NodeId) -> Self {
        Self { run, level: None, event_type: None, limit: EVENTS_DEFAULT }
    }

    /// Only events of that level.
    pub fn level(mut self, level: EventLevel) -> Self {
        self.level = Some(level);
        self
    }

    /// Only events of that type.
    pub fn event_type(mut self, event_type: impl Into<String>) -> Self {
        self.event_type = Some(event_type.into());
        self
    }

    /// Sets how many events to list at most.
    pub fn limit(mut self, events: usize) -> Self {
        self.limit = events;
        self
    }

    fn is_met(&self, event: &TaskEvent) -> bool {
        self.level.as_ref().is_none_or(|level| *level == event.level)
            && self.event_type.as_ref().is_none_or(|word| *word == event.event_type)
    }
}

/// A run with its tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct RunTasks {
    /// The run.
    pub run: TaskRun,
    /// Its tasks, in the order in which they were started.
    pub tasks: Vec<(NodeId, Task)>,
}

/// Runs, tasks and events of a transaction. Made by [`ReadTx::tasks`] and [`WriteTx::tasks`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::{NewRun, NewTask, TaskChange};
/// use engraph::record::RunStatus;
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// let (run, task) = store.write(|tx| {
///     let run = tx.tasks().start(NewRun::new("file_pipeline"))?;
///     Ok((run, tx.tasks().add(NewTask::new(run, "index"))?))
/// })?;
/// store.write(|tx| tx.tasks().change(task, TaskChange::new().progress(40.0)))?;
/// store.write(|tx| tx.tasks().fail(run, None))?;
/// let found = store.read()?.tasks().get(run)?.unwrap();
/// assert_eq!(found.tasks[0].1.status, RunStatus::Failed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Tasks<T> {
    tx: T,
}

impl ReadTx {
    /// Runs, tasks and events, to look at.
    pub fn tasks(&self) -> Tasks<&Self> {
        Tasks { tx: self }
    }
}

impl WriteTx<'_> {
    /// Runs, tasks and events.
    pub fn tasks(&mut self) -> Tasks<&mut Self> {
        Tasks { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Tasks<T> {
    /// The run `id` with its tasks.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn get(&self, id: NodeId) -> Result<Option<RunTasks>> {
        let Some(run) = self.tx.get(id)? else { return Ok(None) };
        let tasks = self.tx.index("run", (Some(id),))?.collect::<Result<_>>()?;
        Ok(Some(RunTasks { run, tasks }))
    }

    /// The state of the run `id`: what a step asks now and then, to see whether it was cancelled.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn status(&self, id: NodeId) -> Result<Option<RunStatus>> {
        Ok(self.tx.get::<TaskRun>(id)?.map(|run| run.status))
    }

    /// Runs, newest first. Walks an index of the state or the type, where one is given; runs that
    /// started after `started_before`, and those that the other filter leaves out, are read too.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self, query: &RunQuery) -> Result<Vec<(NodeId, TaskRun)>> {
        let rows = match (&query.status, &query.run_type) {
            (Some(status), _) => self.tx.index_descending::<TaskRun>("status", (status,))?,
            (None, Some(run_type)) => self.tx.index_descending("type", (run_type,))?,
            (None, None) => self.tx.index_descending("started", ())?,
        };
        let is_early = |run: &TaskRun| query.after.is_some_and(|time| run.started_at < Some(time));
        let until_early = rows.take_while(|row| !matches!(row, Ok((_, run)) if is_early(run)));
        let met = until_early.filter(|row| row.as_ref().map_or(true, |(_, run)| query.is_met(run)));
        met.skip(query.offset).take(query.limit).collect()
    }

    /// Events of a run, oldest first. Reads what the filters leave out too.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn events(&self, query: &EventQuery) -> Result<Vec<(NodeId, TaskEvent)>> {
        let rows = self.tx.index::<TaskEvent>("run", (Some(query.run),))?;
        let met = rows.filter(|row| row.as_ref().map_or(true, |(_, event)| query.is_met(event)));
        met.take(query.limit).collect()
    }

    fn open_tasks(&self, run: NodeId) -> Result<Vec<(NodeId, Task)>> {
        let rows = self.tx.index::<Task>("run", (Some(run),))?;
        let is_open = |task: &Task| task.status == RunStatus::Running;
        rows.filter(|row| row.as_ref().map_or(true, |(_, task)| is_open(task))).collect()
    }

    fn running(&self, id: NodeId) -> Result<TaskRun> {
        let run: TaskRun = existing(&*self.tx, id)?;
        if run.status == RunStatus::Running {
            return Ok(run);
        }
        Err(Error::conflict(format!("task_run {id}"), format!("it is {}", run.status)))
    }
}

impl Tasks<&mut WriteTx<'_>> {
    /// Starts a run and returns its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a run without a type or with a payload that is no object.
    pub fn start(&mut self, run: NewRun) -> Result<NodeId> {
        named("run_type", &run.run_type)?;
        self.tx.insert(&TaskRun {
            run_type: run.run_type,
            payload: object_or_empty("payload", run.payload)?,
            started_at: Some(self.tx.now()),
            ..TaskRun::default()
        })
    }

    /// Ends a run well.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it has ended, cancelled
    /// included, or a task of it is still under way; [`Error::Invalid`] for a summary that is no
    /// object.
    pub fn complete(&mut self, run: NodeId, summary: Option<Json>) -> Result<()> {
        let record = self.running(run)?;
        if let Some((task, _)) = self.open_tasks(run)?.first() {
            let reason = format!("its task {task} is still under way");
            return Err(Error::conflict(format!("task_run {run}"), reason));
        }
        self.end(run, record, RunStatus::Completed, summary)
    }

    /// Ends a run with an error, and with it its tasks that are under way.
    ///
    /// # Errors
    /// As [`Tasks::complete`], but for the tasks.
    pub fn fail(&mut self, run: NodeId, summary: Option<Json>) -> Result<()> {
        let record = self.running(run)?;
        // Before the tasks end, so that a refusal leaves them as they are.
        let summary = object("summary", summary)?;
        self.end_tasks(run, &RunStatus::Failed)?;
        self.end(run, record, RunStatus::Failed, summary)
    }

    /// Cancels a run with its tasks that are under way, and notes the event `run_cancelled`. Tells
    /// whether the run was there and under way. Steps see it when they ask for the run's state.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn cancel(&mut self, run: NodeId) -> Result<bool> {
        let Some(record) = self.tx.get::<TaskRun>(run)? else { return Ok(false) };
        if record.status != RunStatus::Running {
            return Ok(false);
        }
        self.end_tasks(run, &RunStatus::Cancelled)?;
        self.end(run, record, RunStatus::Cancelled, None)?;
        let event = NewEvent::new(run, "run_cancelled", "Run cancelled");
        self.event(event.level(EventLevel::Warning))?;
        Ok(true)
    }

    /// Starts a new run of the same type with the same payload.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the run is absent; [`Error::Conflict`] when it is still under way;
    /// [`Error::Invalid`] when it is of the file pipeline and its payload names no mode.
    pub fn retry(&mut self, run: NodeId) -> Result<NodeId> {
        let old: TaskRun = existing(&*self.tx, run)?;
        if old.status == RunStatus::Running {
            return Err(Error::conflict(format!("task_run {run}"), "it is still under way"));
        }
        if old.run_type == FILE_PIPELINE && !names_mode(old.payload.as_ref()) {
            return Err(Error::invalid("payload", format!("that of task_run {run} has no mode")));
        }
        self.start(NewRun { run_type: old.run_type, payload: old.payload })
    }

    /// Starts a task of a run and returns its id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the run is absent; [`Error::Conflict`] when it has ended;
    /// [`Error::Invalid`] for a task without a name or with a payload that is no object.
    pub fn add(&mut self, task: NewTask) -> Result<NodeId> {
        named("task_name", &task.name)?;
        self.running(task.run)?;
        self.tx.insert(&Task {
            run: Some(task.run),
            task_name: task.name,
            progress: Some(0.0),
            payload: object_or_empty("payload", task.payload)?,
            started_at: Some(self.tx.now()),
            ..Task::default()
        })
    }

    /// Changes a task and returns it as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it has ended;
    /// [`Error::Invalid`] for a progress outside 0 to 100 or a result that is no object.
    pub fn change(&mut self, id: NodeId, change: TaskChange) -> Result<Task> {
        let result = object("result", change.result)?;
        if let Some(percent) = change.progress
            && !(0.0..=100.0).contains(&percent)
        {
            return Err(Error::invalid("progress", format!("{percent} is not in 0 to 100")));
        }
        let now = self.tx.now();
        self.tx.update(id, |task: &mut Task| {
            if task.status != RunStatus::Running {
                let reason = format!("it is {}", task.status);
                return Err(Error::conflict(format!("task {id}"), reason));
            }
            task.progress = change.progress.or(task.progress);
            if result.is_some() {
                task.result = result;
            }
            if let Some(status) = change.status {
                task.status = status;
                task.completed_at = Some(now);
            }
            Ok(())
        })
    }

    /// Notes an event and returns its id. Also a run that has ended takes events.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the run or the task is absent; [`Error::Invalid`] when the task is
    /// of another run, for an event without a type, or for data that is no object.
    pub fn event(&mut self, event: NewEvent) -> Result<NodeId> {
        named("event_type", &event.event_type)?;
        existing::<TaskRun>(&*self.tx, event.run)?;
        if let Some(id) = event.task
            && existing::<Task>(&*self.tx, id)?.run != Some(event.run)
        {
            return Err(Error::invalid("task", format!("{id} is not of run {}", event.run)));
        }
        self.tx.insert(&TaskEvent {
            run: Some(event.run),
            task: event.task,
            level: event.level,
            event_type: event.event_type,
            message: Some(event.message),
            data: object_or_empty("data", event.data)?,
            created_at: Some(self.tx.now()),
        })
    }

    fn end_tasks(&mut self, run: NodeId, status: &RunStatus) -> Result<()> {
        for (id, mut task) in self.open_tasks(run)? {
            task.status = status.clone();
            task.completed_at = Some(self.tx.now());
            self.tx.put(id, &task)?;
        }
        Ok(())
    }

    fn end(
        &mut self,
        id: NodeId,
        mut run: TaskRun,
        status: RunStatus,
        summary: Option<Json>,
    ) -> Result<()> {
        run.summary = object("summary", summary)?;
        run.status = status;
        run.completed_at = Some(self.tx.now());
        self.tx.put(id, &run)
    }
}

/// Whether a payload names the mode of the file pipeline.
fn names_mode(payload: Option<&Json>) -> bool {
    #[derive(Deserialize)]
    struct Payload {
        mode: String,
    }
    payload.is_some_and(|json| json.parse().is_ok_and(|Payload { mode }| !mode.is_empty()))
}
