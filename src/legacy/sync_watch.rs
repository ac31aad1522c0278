//! Round after round: keeping in step with a database until somebody ends it.
//!
//! The store is opened for a round in which there is something to do, and let go between rounds, so
//! that others can use it. A file that is locked, half-written or gone for a moment, and a store
//! that another process holds, are waited for, longer each time.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::import::reason_of;
use super::report::{Progress, RowChanges};
use super::sync::{Recognised, SyncOptions, SyncReport, sync};
use super::sync_mark::mark_of;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::store::Store;

/// How often the wait after a failed round is doubled.
const DOUBLINGS_MAX: u32 = 5;

/// How long is waited between rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// After a round that went well.
    pub interval: Duration,
    /// At most, after rounds that could not read the file or open the store.
    pub longest: Duration,
}

impl Pace {
    /// With at most 32 times the interval, or a minute if that is longer.
    #[must_use]
    pub fn every(interval: Duration) -> Self {
        let longest = interval.saturating_mul(1 << DOUBLINGS_MAX).max(Duration::from_secs(60));
        Self { interval, longest }
    }

    /// The wait after so many failed rounds in a row.
    fn after(&self, failures: u32) -> Duration {
        if failures == 0 {
            return self.interval;
        }
        let doubled = self.interval.saturating_mul(1 << failures.min(DOUBLINGS_MAX));
        doubled.min(self.longest).max(self.interval)
    }
}

/// What one round of [`watch`] did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Round {
    /// Counts from 1.
    pub round: u64,
    /// What was done; nothing when the file could not be read or the store not be opened.
    pub report: Option<SyncReport>,
    /// Why nothing could be done this time.
    pub waiting_for: Option<String>,
    /// Seconds until the next round.
    pub next_in: f64,
}

/// What [`watch`] needs of its surroundings.
pub struct Surroundings<'a> {
    /// Opens the store, or hands a clone over that stays open.
    pub open: &'a mut dyn FnMut() -> Result<Store>,
    /// Waits so long. `false` ends the watch.
    pub wait: &'a mut dyn FnMut(Duration) -> bool,
    /// Takes the report of a round. `false` ends the watch.
    pub each: &'a mut dyn FnMut(&Round) -> bool,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

/// Calls [`sync`] again and again. Ends when `wait` or `each` says so, between rounds: what a round
/// began it finishes.
///
/// With [`SyncOptions::out`] the database is written out after each round after which the store is
/// not as it was, so its place must allow to be replaced. Records that
/// [`SyncOptions::records`] names are decided in the first round that goes well.
///
/// # Errors
/// What [`sync`] can fail with, except [`Error::Import`] and [`Error::Locked`], which are reported
/// and waited for.
pub fn watch(
    file: &Path,
    options: &SyncOptions,
    pace: Pace,
    around: Surroundings<'_>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<()> {
    let Surroundings { open, wait, each } = around;
    let mut watcher = Watcher { file, options: options.clone(), seen: None, written: None };
    let mut failures = 0;
    for round in 1.. {
        let done = watcher.round(open, progress);
        let (report, waiting_for) = match done {
            Ok(report) => (Some(report), None),
            Err(error @ Error::Import { .. }) => (None, Some(reason_of(&error))),
            Err(error @ Error::Locked { .. }) => (None, Some(error.to_string())),
            Err(error) => return Err(error),
        };
        failures = if waiting_for.is_some() { failures + 1 } else { 0 };
        let next = pace.after(failures);
        let next_in = next.as_secs_f64();
        if !each(&Round { round, report, waiting_for, next_in }) || !wait(next) {
            break;
        }
    }
    Ok(())
}

/// The state between rounds.
struct Watcher<'a> {
    file: &'a Path,
    options: SyncOptions,
    /// The mark before the last round that went well, and its report.
    seen: Option<(String, SyncReport)>,
    /// The newest write of the store when it was written out last.
    written: Option<Seq>,
}

impl Watcher<'_> {
    fn round(
        &mut self,
        open: &mut dyn FnMut() -> Result<Store>,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<SyncReport> {
        let mark = mark_of(self.file).unwrap_or_default();
        if let Some((seen, report)) = &self.seen
            && *seen == mark
            && !mark.is_empty()
            && !self.options.has_out()
            // Somebody may have decided those that were open.
            && report.conflicts.is_empty()
        {
            return Ok(report.clone());
        }
        let store = open()?;
        let mut report = sync(&store, self.file, &self.options.without_out(), progress)?;
        if self.options.has_out() && self.written != Some(store.seq()) {
            report.out = sync(&store, self.file, &self.options, progress)?.out;
            self.written = Some(store.seq());
        }
        self.options.forget_records();
        // A round that changes nothing says the same about conflicts, and nothing about rows.
        let quiet = SyncReport {
            is_new: false,
            unchanged: Some(Recognised::Mark),
            changes: RowChanges::default(),
            import: None,
            resolved: 0,
            out: None,
            elapsed: 0.0,
            ..report.clone()
        };
        self.seen = Some((mark, quiet));
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_waited_for_longer_and_longer_up_to_a_bound() {
        let pace = Pace::every(Duration::from_secs(1));
        let waits: Vec<u64> = (0..9).map(|failures| pace.after(failures).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 32, 32, 32]);
        let slow = Pace { interval: Duration::from_secs(90), longest: Duration::from_secs(60) };
        assert_eq!(slow.after(3), Duration::from_secs(90), "never sooner than usual");
    }
}
