//! Runs and their tasks and events, the job queue with its dead letters, schedules.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::vocabulary::RunStatus;
use super::{Facts, Json, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

text_enum! {
    /// What a run of the file pipeline does.
    PipelineMode {
        /// Looks for files.
        Index = "index",
        /// Looks at known files again.
        Refresh = "refresh",
        /// Scans the watched directories, then refreshes.
        WatchRefresh = "watch_refresh",
        /// Analyzes files that are ready.
        AnalyzeIndexed = "analyze_indexed",
        /// Proposes where files should go.
        OrganizeIndexed = "organize_indexed",
    }
}

text_enum! {
    /// How much an event matters.
    EventLevel {
        /// For the record.
        Info = "info",
        /// Something is odd.
        Warning = "warning",
        /// Something went wrong.
        Error = "error",
    }
}

text_enum! {
    /// State of a queued job.
    QueueStatus {
        /// Waits for a worker, or for its next try.
        Queued = "queued",
        /// Taken by a worker.
        Running = "running",
        /// Done.
        Completed = "completed",
        /// Failed too often.
        DeadLetter = "dead_letter",
        /// Stopped by somebody. The old application does not know it, and leaves such jobs alone.
        Cancelled = "cancelled",
    }
}

/// One run of a pipeline, made of tasks.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskRun {
    /// Which pipeline; only `file_pipeline` is written.
    pub run_type: String,
    /// State.
    pub status: RunStatus,
    /// Object with the mode and the request.
    pub payload: Option<Json>,
    /// Object with the result, by mode; absent while running.
    pub summary: Option<Json>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

impl Record for TaskRun {
    const NAME: &'static str = "task_run";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("status", (&self.status, self.started_at));
        facts.index("type", (&self.run_type, self.started_at));
        facts.index("started", self.started_at);
        facts.keyword("type", self.run_type.as_str());
        facts.keyword("status", self.status.as_str());
        facts.time("created", self.started_at);
    }
}

/// One step of a run.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Task {
    /// The run.
    pub run: Option<NodeId>,
    /// Name of the step.
    pub task_name: String,
    /// State.
    pub status: RunStatus,
    /// Percent done, 0 to 100.
    pub progress: Option<f64>,
    /// Object with what is to do.
    pub payload: Option<Json>,
    /// Object with the result; absent while running.
    pub result: Option<Json>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

impl Record for Task {
    const NAME: &'static str = "task";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("run", self.run);
        facts.index("status", (&self.status, self.started_at));
        facts.link("run", self.run);
        facts.text("name", self.task_name.as_str());
        facts.keyword("status", self.status.as_str());
        facts.time("created", self.started_at);
    }
}

/// Something that happened in a run.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskEvent {
    /// The run.
    pub run: Option<NodeId>,
    /// The task, where it is about one.
    pub task: Option<NodeId>,
    /// How much it matters.
    pub level: EventLevel,
    /// What happened, for example `task_started`.
    pub event_type: String,
    /// For people.
    pub message: Option<String>,
    /// Object with details.
    pub data: Option<Json>,
    /// When it happened.
    pub created_at: Option<Timestamp>,
}

impl Record for TaskEvent {
    const NAME: &'static str = "task_event";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("run", (self.run, self.created_at));
        facts.index("type", (&self.event_type, self.created_at));
        facts.link("run", self.run);
        facts.link("task", self.task);
        facts.text("message", self.message.as_deref());
        facts.keyword("type", self.event_type.as_str());
        facts.keyword("level", self.level.as_str());
        facts.time("created", self.created_at);
    }
}

/// A job that waits for a worker, is run by one, or has ended.
///
/// A job stands in one index, the one of its state, so that a change of state touches two index
/// rows. The fields `queue`, `priority`, `attempts`, `lease_until`, `retry_delay_micros` and
/// `retry_delay_max_micros` have no column in the old databases.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct QueueJob {
    /// What is to be run.
    pub mode: PipelineMode,
    /// Object with the request.
    pub payload: Option<Json>,
    /// State.
    pub status: QueueStatus,
    /// Failed tries so far.
    pub retry_count: i64,
    /// Tries after the first one.
    pub max_retries: i64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Who took it last; kept after a failed try.
    pub worker_name: Option<String>,
    /// The queue that it waits in; empty for the only one that the old application had.
    pub queue: String,
    /// Greater ones go first; -128 to 127.
    pub priority: i64,
    /// How often it was taken. The number of the last time is what its holder shows.
    pub attempts: i64,
    /// Until when the worker may keep it; a job past this can be taken by another.
    pub lease_until: Option<Timestamp>,
    /// How long to wait after the first failed try, in microseconds; 10 s where nothing is said.
    pub retry_delay_micros: Option<i64>,
    /// Where present, the delay doubles with each failed try up to this, in microseconds.
    pub retry_delay_max_micros: Option<i64>,
    /// Not before this time.
    pub available_at: Option<Timestamp>,
    /// When it was last taken; kept after a failed try.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// When it was queued.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl QueueJob {
    /// The place of the priority in the order of the queue: the greatest priority comes first.
    pub(crate) fn rank(&self) -> u8 {
        (127 - self.priority.clamp(-128, 127)) as u8
    }
}

impl Record for QueueJob {
    const NAME: &'static str = "queue_job";
    const VERSION: u16 = 2;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        match self.status {
            QueueStatus::Queued => {
                facts.index("ready", (&self.queue, self.rank(), self.available_at));
            }
            // The old application gave no leases: what it left running counts from its start.
            QueueStatus::Running => facts.index("lease", self.lease_until.or(self.started_at)),
            _ => facts.index("ended", (&self.status, self.completed_at)),
        }
        facts.keyword("mode", self.mode.as_str());
        facts.keyword("status", self.status.as_str());
        facts.text("error", self.last_error.as_deref());
        facts.time("created", self.created_at);
    }
}

/// A job that failed too often.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeadLetter {
    /// The job.
    pub job: Option<NodeId>,
    /// What was to be run.
    pub mode: PipelineMode,
    /// The request, as the job had it.
    pub payload: Option<Json>,
    /// What went wrong last.
    pub error_message: Option<String>,
    /// Failed tries.
    pub retry_count: i64,
    /// When it was given up.
    pub created_at: Option<Timestamp>,
}

impl Record for DeadLetter {
    const NAME: &'static str = "dead_letter";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("job", self.job);
        facts.index("created", self.created_at);
        facts.link("job", self.job);
        facts.text("error", self.error_message.as_deref());
        facts.keyword("mode", self.mode.as_str());
        facts.time("created", self.created_at);
    }
}

/// Something to run again and again.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Schedule {
    /// Name; not unique.
    pub name: Option<String>,
    /// What is to be run.
    pub mode: PipelineMode,
    /// Object with the request.
    pub payload: Option<Json>,
    /// Interval, in minutes; none where a cron expression says when.
    pub every_minutes: i64,
    /// Cron expression, in UTC. It, `queue` and `priority` have no column in the old databases.
    pub cron: Option<String>,
    /// The queue that its jobs go to.
    pub queue: String,
    /// The priority of its jobs.
    pub priority: i64,
    /// Whether it runs.
    pub active: bool,
    /// When it last ran.
    pub last_run_at: Option<Timestamp>,
    /// When it is due.
    pub next_run_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for Schedule {
    const NAME: &'static str = "schedule";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("active_next", (self.active, self.next_run_at));
        facts.text("name", self.name.as_deref());
        facts.keyword("mode", self.mode.as_str());
        facts.time("created", self.created_at);
    }
}
