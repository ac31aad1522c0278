//! How a store is doing: one report, and a verdict with its reasons.
//!
//! Looking is apart from judging: `look` collects numbers, `assess` compares them with the limits
//! of the options and knows nothing else. What cannot be read is a reason, not an error: a damaged
//! store is when somebody asks. The layer above adds what only it knows, the job queue, and judges.

mod assess;
mod look;
mod prometheus;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::core::Core;
use super::readers::ReaderHealth;
use super::stats::{GraphStats, StoreLatencies};
use super::vector_index::VectorStats;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::base::metrics::{ErrorCounts, as_seconds_if_any};
use crate::base::time::Timestamp;
use crate::base::trace::category::STORE;
use crate::storage::place;
pub(crate) use assess::assess;
pub(crate) use look::look;

/// What counts as healthy, and how closely to look.
///
/// ```
/// use std::time::Duration;
///
/// use engraph::{HealthOptions, Status, Store};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::create(dir.path().join("s"))?;
/// let options = HealthOptions {
///     backup_age_max: Some(Duration::from_secs(24 * 3600)),
///     disk_free_bytes_min: 0,
///     disk_free_bytes_failing: 0,
///     ..HealthOptions::default()
/// };
/// let health = store.health_with(&options)?;
/// assert_eq!(health.status, Status::Degraded, "it was never copied");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HealthOptions {
    /// Whether live and dead bytes are counted, which reads every page of the data file.
    pub sizes: Sizes,
    /// Free bytes of the disk below which the store is degraded: 1 GiB.
    pub disk_free_bytes_min: u64,
    /// Free bytes of the disk below which it is failing, since a write may not find room: 64 MiB.
    pub disk_free_bytes_failing: u64,
    /// Free bytes to judge by, instead of asking the operating system: where a quota or a volume of
    /// one's own says otherwise.
    pub disk_free_bytes: Option<u64>,
    /// How long a reader may keep a state that newer ones have replaced: 5 minutes.
    pub reader_age_max: Duration,
    /// Writes that a derived view in use may be behind: 100 000. The search index and the standing
    /// searches follow in idle seconds and when they are asked.
    pub view_behind_max: u64,
    /// The share of the data file that may be dead, where that is `dead_bytes_min` at least: 0.8.
    pub dead_share_max: f64,
    /// Dead bytes that are never worth a compaction: 256 MiB.
    pub dead_bytes_min: u64,
    /// How long ninety-nine of a hundred commits may take: 5 seconds.
    pub commit_p99_max: Duration,
    /// Jobs that may wait in the queues; no limit unless said otherwise.
    pub jobs_queued_max: Option<u64>,
    /// Jobs that may lie among the dead; no limit unless said otherwise.
    pub jobs_dead_max: Option<u64>,
    /// How old the last copy may be; none is needed unless said otherwise.
    pub backup_age_max: Option<Duration>,
}

impl Default for HealthOptions {
    fn default() -> Self {
        Self {
            sizes: Sizes::Counted,
            disk_free_bytes_min: 1 << 30,
            disk_free_bytes_failing: 64 << 20,
            disk_free_bytes: None,
            reader_age_max: Duration::from_secs(300),
            view_behind_max: 100_000,
            dead_share_max: 0.8,
            dead_bytes_min: 256 << 20,
            commit_p99_max: Duration::from_secs(5),
            jobs_queued_max: None,
            jobs_dead_max: None,
            backup_age_max: None,
        }
    }
}

/// Whether live and dead bytes are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sizes {
    /// They are; linear in the size of the data file.
    #[default]
    Counted,
    /// They are not: for those who ask every few seconds.
    Skipped,
}

/// The verdict on a store, from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All is as it should be.
    #[default]
    Ok,
    /// It works; somebody should look.
    Degraded,
    /// It does not work, or soon will not.
    Failing,
}

impl Status {
    /// As it stands in JSON and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
        }
    }
}

/// What a reason is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Check {
    /// A commit failed: nothing is written before the store is opened again.
    Poisoned,
    /// Something of the store could not be read.
    Data,
    /// The free space of the disk.
    Disk,
    /// A reader that keeps an old state.
    Readers,
    /// The search index is behind.
    Search,
    /// The standing searches are behind.
    Standing,
    /// The data file is mostly dead.
    DeadBytes,
    /// Commits are slow.
    Commits,
    /// The job queue.
    Jobs,
    /// The last copy.
    Backup,
}

impl Check {
    /// As it stands in JSON and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poisoned => "poisoned",
            Self::Data => "data",
            Self::Disk => "disk",
            Self::Readers => "readers",
            Self::Search => "search",
            Self::Standing => "standing",
            Self::DeadBytes => "dead_bytes",
            Self::Commits => "commits",
            Self::Jobs => "jobs",
            Self::Backup => "backup",
        }
    }
}

/// Why a store is not all well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reason {
    /// How bad it is.
    pub status: Status,
    /// What it is about.
    pub check: Check,
    /// For people: what was found and what is allowed.
    pub message: String,
}

/// How a store is doing. Made by `Store::health`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// The verdict: the worst of the reasons.
    pub status: Status,
    /// Why it is not all well, worst first.
    pub reasons: Vec<Reason>,
    /// When it was looked at, by the store's clock.
    pub time: Timestamp,
    /// Whether the store was opened for writing.
    pub writable: bool,
    /// Bytes on disk.
    pub sizes: SizeHealth,
    /// Records by the name of their type, where there are any.
    pub records: BTreeMap<String, u64>,
    /// How many records there are.
    pub records_total: u64,
    /// What is held in memory.
    pub cache: CacheHealth,
    /// Who reads.
    pub readers: ReaderHealth,
    /// What was written.
    pub writes: WriteHealth,
    /// What failed since the store was opened.
    pub errors: ErrorCounts,
    /// The job queue.
    pub jobs: JobHealth,
    /// How far the derived views are.
    pub views: ViewHealth,
    /// The last copy that `Store::backup` made.
    pub last_backup: Option<BackupNote>,
}

/// Bytes on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SizeHealth {
    /// The data file.
    pub data_bytes: u64,
    /// Those of it that the newest state uses; none where they were not counted.
    pub live_bytes: Option<u64>,
    /// The rest of it: free pages, and pages that old readers keep. Compaction gives them back.
    pub dead_bytes: Option<u64>,
    /// The search index.
    pub search_bytes: u64,
    /// What the disk has left for us; none where it does not say.
    pub disk_free_bytes: Option<u64>,
    /// All that the disk has.
    pub disk_total_bytes: Option<u64>,
}

/// What is held in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CacheHealth {
    /// Bytes that the engine's page cache may take.
    pub page_bytes_max: u64,
    /// The graph.
    pub graph: GraphStats,
    /// Vectors, by model and dimension.
    pub vectors: Vec<VectorStats>,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WriteHealth {
    /// The newest durable write.
    pub seq: Seq,
    /// When it was accepted; none in a store that was never written to.
    pub last_commit: Option<Timestamp>,
    /// How long commits took since the store was opened.
    pub latencies: StoreLatencies,
}

/// The job queue, all queues together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JobHealth {
    /// Jobs that wait, those that are not due yet included.
    pub queued: u64,
    /// Jobs under a lease.
    pub running: u64,
    /// Jobs that failed too often.
    pub dead: u64,
}

/// How far the derived views are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ViewHealth {
    /// The search index. One that was never asked for has no watermark, and is not behind.
    pub search: ViewLag,
    /// Whether another search index is being built to take its place.
    pub search_rebuilding: bool,
    /// The graph in memory; no watermark while traversals read the data file.
    pub graph: ViewLag,
    /// Standing searches; no watermark where there are none.
    pub standing: ViewLag,
    /// Vectors in memory: those that are the furthest behind.
    pub vectors: ViewLag,
}

/// How far one derived view is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ViewLag {
    /// The last write that it has absorbed; none where there is no such view.
    pub watermark: Option<Seq>,
    /// Writes that it has not absorbed.
    pub behind: u64,
    /// How long ago the first of those was accepted, where the change log still says so.
    #[serde(rename = "behind_seconds", serialize_with = "as_seconds_if_any")]
    pub behind_for: Option<Duration>,
}

/// A copy that was made of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BackupNote {
    /// When it was done.
    pub time: Timestamp,
    /// The newest write in it.
    pub seq: Seq,
    /// Where it was put.
    pub to: String,
}

impl Health {
    pub(crate) fn reason(&mut self, status: Status, check: Check, message: impl Into<String>) {
        self.reasons.push(Reason { status, check, message: message.into() });
    }

    /// Takes what was read; what could not be read makes the store fail.
    pub(crate) fn read<T: Default>(&mut self, what: &str, found: Result<T>) -> T {
        found.unwrap_or_else(|error: Error| {
            let message = format!("{what} cannot be read: {error}");
            self.reason(Status::Failing, Check::Data, message);
            T::default()
        })
    }
}

/// Leaves a note of a copy beside the data file.
pub(super) fn note_backup(core: &Core, seq: Seq, to: &Path) {
    let note = BackupNote { time: core.clock.now(), seq, to: to.display().to_string() };
    match serde_json::to_string(&note) {
        Ok(note) => place::note_backup(&core.directory, &note),
        Err(error) => {
            tracing::debug!(target: STORE, %error, "could not note the copy of the store");
        }
    }
}
