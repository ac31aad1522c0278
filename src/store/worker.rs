//! The background thread of an open store: one look a second at what can be done while it is idle.
//!
//! It holds the store weakly: a store that nobody else holds goes, and the thread with it.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::commit::Shared;
use crate::base::error::Result;

/// How long nothing must have been written before the store counts as idle.
const IDLE: Duration = Duration::from_secs(1);

/// Tells the thread to end.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Ends the thread soon; does not wait for it.
    pub(crate) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits for a while; whether the thread must end.
    fn wait(&self, duration: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(stopped, duration, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Starts the thread for a store. Without it the store works, only without idle upkeep.
pub(crate) fn start(shared: &Arc<Shared>) {
    let (weak, stop) = (Arc::downgrade(shared), Arc::clone(shared.stop()));
    let started =
        std::thread::Builder::new().name("engraph-upkeep".into()).spawn(move || run(&weak, &stop));
    if let Err(error) = started {
        tracing::warn!(%error, "no thread for upkeep");
    }
}

fn run(shared: &Weak<Shared>, stop: &Stop) {
    let mut seen = None;
    while !stop.wait(IDLE) {
        let Some(shared) = shared.upgrade() else { return };
        let now = shared.accepted_seq();
        let idle = seen.replace(now) == Some(now);
        if idle && let Err(error) = upkeep(&shared) {
            tracing::warn!(%error, "upkeep failed");
        }
    }
}

/// What an idle store does: stores the engine's free list and brings the search index up to date.
fn upkeep(shared: &Shared) -> Result<()> {
    shared.checkpoint()?;
    // An index that nobody has asked for is not built behind anybody's back.
    if shared.search().watermark().is_some() {
        let published = shared.published()?;
        shared.search().catch_up(&shared.core, &published, || shared.durable_seq())?;
        shared.search().sync()?;
    }
    Ok(())
}
