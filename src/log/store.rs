//! Log lines as records: a sink that writes them to a store, many at a time.
//!
//! Whoever logs never waits: lines go into a bounded list, and what does not fit is dropped and
//! counted. A thread of the sink writes the list when it is long enough or a second old. What that
//! thread causes itself is not logged, so a store can keep lines about itself; at level debug those
//! about its upkeep would follow each other for ever, so a sink takes `info` and above unless it is
//! told otherwise.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;
use tracing::dispatcher::{self, Dispatch};

use super::layer::LineSink;
use super::line::{Level, Line};
use crate::base::error::Result;
use crate::base::json::Json;
use crate::base::limits::{LOG_BATCH_LINES, LOG_WAITING_BYTES_MAX, LOG_WAITING_LINES_MAX};
use crate::record::{LogEntry, LogLevel};
use crate::store::Store;

/// How long a line waits for others at most.
const WAIT: Duration = Duration::from_secs(1);

/// Writes lines to a store as [`LogEntry`] records. Dropping it writes what waits; not within a
/// write to the store, which that would wait for.
#[derive(Debug)]
pub struct StoreSink {
    shared: Arc<Shared>,
    level_max: Level,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What a sink did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreSinkStats {
    /// Lines that were written.
    pub written: u64,
    /// Lines that did not fit, or could not be written.
    pub dropped: u64,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    state: Mutex<State>,
    /// Signalled when there is something to do or to know.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<LogEntry>,
    /// Their bytes, about.
    waiting_bytes: usize,
    /// Lines that were let in so far, and those of them that are written or dropped.
    taken: u64,
    settled: u64,
    stats: StoreSinkStats,
    urgent: bool,
    stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be written next; waits for it. `None` at the end.
    fn batch(&self) -> Option<Vec<LogEntry>> {
        let mut state = self.lock();
        // Whoever flushes says so again if this batch is not all.
        state.urgent = false;
        while state.waiting.is_empty() {
            if state.stopped {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let is_too_few = |state: &mut State| {
            state.waiting.len() < LOG_BATCH_LINES && !state.urgent && !state.stopped
        };
        let waited = self.changed.wait_timeout_while(state, WAIT, is_too_few);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        let count = state.waiting.len().min(LOG_BATCH_LINES);
        let batch: Vec<LogEntry> = state.waiting.drain(..count).collect();
        state.waiting_bytes -= batch.iter().map(bytes_of).sum::<usize>();
        Some(batch)
    }

    fn run(&self) {
        while let Some(batch) = self.batch() {
            let written: Result<()> = self
                .store
                .write(|tx| batch.iter().try_for_each(|entry| tx.insert(entry).map(drop)));
            let mut state = self.lock();
            state.settled += batch.len() as u64;
            match written {
                Ok(()) => state.stats.written += batch.len() as u64,
                // A store that is closed or poisoned takes nothing more; nobody is to fail by it.
                Err(_) => state.stats.dropped += batch.len() as u64,
            }
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Nothing is written any more: what waits, or was to be written just now, is dropped.
    fn give_up(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.waiting.clear();
        state.waiting_bytes = 0;
        state.stats.dropped += state.taken - state.settled;
        state.settled = state.taken;
        drop(state);
        self.changed.notify_all();
    }
}

impl StoreSink {
    /// Writes lines of level `info` and above to a store, on a thread of its own.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) when there can be no thread.
    pub fn new(store: &Store) -> Result<Self> {
        let shared = Arc::new(Shared {
            store: store.clone(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let worker = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("engraph-log".into())
            .spawn(move || {
                let run = || dispatcher::with_default(&Dispatch::none(), || worker.run());
                if catch_unwind(AssertUnwindSafe(run)).is_err() {
                    worker.give_up();
                }
            })
            .map_err(|error| crate::Error::io("start a thread for", "log lines", error))?;
        Ok(Self { shared, level_max: Level::Info, thread: Mutex::new(Some(thread)) })
    }

    /// Takes lines of this level and of all that matter more.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level_max = level;
        self
    }

    /// Waits until every line that was taken before is written or dropped. Not to be called within
    /// a write to the store, which the lines would wait for.
    pub fn flush(&self) {
        let mut state = self.shared.lock();
        let taken = state.taken;
        while state.settled < taken {
            // Again after each batch: what comes meanwhile is not urgent.
            state.urgent = true;
            self.shared.changed.notify_all();
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What it did so far.
    #[must_use]
    pub fn stats(&self) -> StoreSinkStats {
        self.shared.lock().stats
    }
}

impl LineSink for StoreSink {
    fn take(&self, line: &Line) {
        if line.level > self.level_max {
            return;
        }
        let entry = entry(line);
        let bytes = bytes_of(&entry);
        let mut state = self.shared.lock();
        let is_full = state.waiting.len() >= LOG_WAITING_LINES_MAX
            || state.waiting_bytes + bytes > LOG_WAITING_BYTES_MAX;
        if is_full || state.stopped {
            state.stats.dropped += 1;
            return;
        }
        state.waiting_bytes += bytes;
        state.taken += 1;
        state.waiting.push_back(entry);
        drop(state);
        self.shared.changed.notify_all();
    }
}

impl Drop for StoreSink {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A thread that panicked has nothing more to say.
        drop(thread.map(JoinHandle::join));
    }
}

/// About how much memory a line takes.
fn bytes_of(entry: &LogEntry) -> usize {
    let details = entry.details.as_ref().map_or(0, |details| details.as_str().len());
    size_of::<LogEntry>() + entry.message.len() + entry.category.len() + details
}

/// The record of a line.
fn entry(line: &Line) -> LogEntry {
    let details = json!({ "target": line.target, "spans": line.spans, "fields": line.fields });
    LogEntry {
        level: match line.level {
            Level::Error => LogLevel::Error,
            Level::Warn => LogLevel::Warning,
            Level::Info => LogLevel::Info,
            Level::Debug => LogLevel::Debug,
            Level::Trace => LogLevel::Trace,
        },
        category: line.category().to_owned(),
        message: line.message.clone(),
        details: Json::of(&details).ok(),
        correlation_id: line.correlation_id.clone(),
        logged_at: Some(line.time),
    }
}
