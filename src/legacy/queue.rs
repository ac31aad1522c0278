//! A queue between two threads that holds a bounded number of bytes.
//!
//! The writing side of an import stops for half a second whenever a batch goes into the engine;
//! a bound by number would either stop the reading side with it or hold blocks of large cells
//! without a limit.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The sending end.
pub(super) struct Sender<T>(Arc<Shared<T>>);

/// The receiving end.
pub(super) struct Receiver<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    bytes_max: usize,
}

struct State<T> {
    waiting: VecDeque<(usize, T)>,
    bytes: usize,
    /// Whether both ends are there.
    open: bool,
}

/// A queue that takes more as long as it holds at most `bytes_max`, and always when it is empty.
pub(super) fn queue<T>(bytes_max: usize) -> (Sender<T>, Receiver<T>) {
    let state = Mutex::new(State { waiting: VecDeque::new(), bytes: 0, open: true });
    let shared = Arc::new(Shared { state, changed: Condvar::new(), bytes_max });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().open = false;
        self.changed.notify_all();
    }
}

impl<T> Sender<T> {
    /// Hands over an item of that many bytes; waits for room. `false` when nobody receives any
    /// more.
    pub(super) fn send(&self, bytes: usize, item: T) -> bool {
        let mut state = self.0.lock();
        while state.open && !state.waiting.is_empty() && state.bytes + bytes > self.0.bytes_max {
            state = self.0.wait(state);
        }
        if state.open {
            state.bytes += bytes;
            state.waiting.push_back((bytes, item));
            self.0.changed.notify_all();
        }
        state.open
    }
}

impl<T> Receiver<T> {
    /// The next item; waits for it. `None` when all were received and nobody sends any more.
    pub(super) fn receive(&self) -> Option<T> {
        let mut state = self.0.lock();
        loop {
            if let Some((bytes, item)) = state.waiting.pop_front() {
                state.bytes -= bytes;
                self.0.changed.notify_all();
                return Some(item);
            }
            if !state.open {
                return None;
            }
            state = self.0.wait(state);
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_order_and_never_more_than_fit() {
        let (sender, receiver) = queue(10);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for item in 0..200_usize {
                    // Some do not fit at all, and go alone.
                    assert!(sender.send(item % 13, item));
                }
            });
            for item in 0..200 {
                let held = receiver.0.lock().bytes;
                assert!(held <= 12, "{held} bytes");
                assert_eq!(receiver.receive(), Some(item));
            }
            assert_eq!(receiver.receive(), None);
        });
    }

    #[test]
    fn a_sender_that_waits_learns_that_nobody_receives() {
        let (sender, receiver) = queue(1);
        assert!(sender.send(1, ()));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| sender.send(1, ()));
            drop(receiver);
            assert!(!waiting.join().unwrap());
        });
    }
}
