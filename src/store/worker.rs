//! The background thread of an open store: one look a second at what can be done while it is idle,
//! and one at the graph in memory, which commits ask for when its delta has grown.
//!
//! It holds the store weakly: a store that nobody else holds goes, and the thread with it.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::commit::Shared;
use super::{live, standing_feed, trim};
use crate::base::error::Result;
use crate::base::trace::carried;
use crate::base::trace::category::STORE;

/// How long nothing must have been written before the store counts as idle.
const IDLE: Duration = Duration::from_secs(1);
/// How long until it is looked again whether some of the past is too old to be kept.
const TRIM_EVERY: Duration = Duration::from_secs(3_600);

/// Tells the thread to end, or that there is something to do.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    told: Mutex<Told>,
    changed: Condvar,
}

/// What the thread was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Told {
    #[default]
    Nothing,
    Wake,
    Stop,
}

impl Stop {
    /// Ends the thread soon; does not wait for it.
    pub(crate) fn stop(&self) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Told::Stop;
        self.changed.notify_all();
    }

    /// Whether the thread is to end.
    fn is_stopped(&self) -> bool {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) == Told::Stop
    }

    /// Lets the thread look after the graph at once.
    pub(crate) fn wake(&self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == Told::Nothing {
            *told = Told::Wake;
            self.changed.notify_all();
        }
    }

    /// Waits for a while, or less when the thread is told something.
    fn wait(&self, duration: Duration) -> Told {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_quiet = |told: &mut Told| *told == Told::Nothing;
        let waited = self.changed.wait_timeout_while(told, duration, is_quiet);
        let mut told = waited.unwrap_or_else(PoisonError::into_inner).0;
        let now = *told;
        if now == Told::Wake {
            *told = Told::Nothing;
        }
        now
    }
}

/// Starts the thread for a store. Without it the store works, only without idle upkeep.
pub(crate) fn start(shared: &Arc<Shared>) {
    let (weak, stop) = (Arc::downgrade(shared), Arc::clone(shared.stop()));
    let started = std::thread::Builder::new()
        .name("engraph-upkeep".into())
        .spawn(carried(move || run(&weak, &stop)));
    if let Err(error) = started {
        tracing::warn!(target: STORE, %error, "no thread for upkeep");
    }
}

fn run(shared: &Weak<Shared>, stop: &Stop) {
    let mut seen = None;
    let mut trimmed: Option<Instant> = None;
    loop {
        let told = stop.wait(IDLE);
        let Some(shared) = shared.upgrade().filter(|_| told != Told::Stop) else { return };
        if let Ok(published) = shared.published() {
            live::look_after(&shared, &published);
        }
        shared.search().start_building(&shared);
        if told == Told::Wake {
            continue;
        }
        let now = shared.accepted_seq();
        let idle = seen.replace(now) == Some(now);
        if !idle {
            continue;
        }
        let mut done = upkeep(&shared);
        if done.is_ok() && trimmed.is_none_or(|last| last.elapsed() >= TRIM_EVERY) {
            done = trim::by_retention(&shared, &|| !stop.is_stopped());
            trimmed = Some(Instant::now());
        }
        if let Err(error) = done {
            shared.errors.upkeep.add();
            tracing::warn!(target: STORE, %error, "upkeep failed");
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
    standing_feed::catch_up(shared)?;
    Ok(())
}
