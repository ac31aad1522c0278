//! Waiting for the next durable write, as a future that any executor can poll.
//!
//! Whoever publishes a state wakes everybody who waits; a woken future looks for itself whether it
//! was meant. It leaves its waker before it looks the last time, so no wake-up is lost.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::Store;
use crate::base::error::Result;
use crate::base::id::Seq;

/// The futures that wait for a write.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    wakers: BTreeMap<u64, Waker>,
    next_slot: u64,
}

impl Watchers {
    /// Wakes all: something was published, or nothing will be any more.
    pub(crate) fn wake(&self) {
        let wakers = self.with(|waiting| std::mem::take(&mut waiting.wakers));
        // Outside the lock, because a waker runs code of its executor.
        wakers.into_values().for_each(Waker::wake);
    }

    fn with<T>(&self, action: impl FnOnce(&mut Waiting) -> T) -> T {
        action(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn enter(&self, slot: Option<u64>, waker: &Waker) -> u64 {
        // Made and dropped outside the lock too: the last waker of a task may end other tasks.
        let waker = waker.clone();
        let (slot, replaced) = self.with(|waiting| {
            let slot = slot.unwrap_or_else(|| {
                waiting.next_slot += 1;
                waiting.next_slot
            });
            (slot, waiting.wakers.insert(slot, waker))
        });
        drop(replaced);
        slot
    }

    fn leave(&self, slot: u64) {
        let left = self.with(|waiting| waiting.wakers.remove(&slot));
        drop(left);
    }
}

/// Waits until a write is durable. Made by [`Store::changed`]; needs no particular executor, and
/// polling it never blocks.
#[derive(Debug)]
#[must_use = "a future does nothing until it is polled"]
pub struct Changed<'s> {
    store: &'s Store,
    after: Seq,
    slot: Option<u64>,
}

impl Store {
    /// A future that is ready once a write newer than `after` is durable, with the newest one.
    ///
    /// Its output is [`crate::Error::Closed`] once the store is closed and
    /// [`crate::Error::Poisoned`] after a failed commit, when no write will come any more.
    pub fn changed(&self, after: Seq) -> Changed<'_> {
        Changed { store: self, after, slot: None }
    }
}

impl Future for Changed<'_> {
    type Output = Result<Seq>;

    fn poll(self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let shared = this.store.shared();
        let mut outcome = shared.newer(this.after).transpose();
        if outcome.is_none() {
            this.slot = Some(shared.watchers().enter(this.slot, ctx.waker()));
            outcome = shared.newer(this.after).transpose();
        }
        outcome.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.store.shared().watchers().leave(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A waker whose end ends another that waits.
    struct Last(Arc<Watchers>);

    impl Wake for Last {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Last {
        fn drop(&mut self) {
            self.0.leave(99);
        }
    }

    #[test]
    fn a_waker_that_is_replaced_may_end_others() {
        let watchers = Arc::new(Watchers::default());
        let (told, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let slot = watchers.enter(None, &Waker::from(Arc::new(Last(Arc::clone(&watchers)))));
            watchers.enter(Some(slot), Waker::noop());
            told.send(()).unwrap_or_default();
        });
        let patience = std::time::Duration::from_secs(60);
        assert!(ended.recv_timeout(patience).is_ok(), "it waits for itself");
    }

    #[test]
    fn a_waker_is_woken_once_and_not_after_it_left() {
        let watchers = Watchers::default();
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let first = watchers.enter(None, &waker);
        assert_eq!(watchers.enter(Some(first), &waker), first);
        watchers.wake();
        watchers.wake();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        let second = watchers.enter(None, &waker);
        assert_ne!(first, second);
        watchers.leave(second);
        watchers.wake();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }
}
