//! Threads for the algorithms whose result does not depend on how work is shared.

/// Work below this much is done before a second thread has started.
const WORK_MIN: usize = 50_000;
/// Memory is needed for each thread, and the bus is full before.
const THREADS_MAX: usize = 16;

/// How many threads so much work is worth.
pub(super) fn count(work: usize) -> usize {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    threads.min(THREADS_MAX).min(work / WORK_MIN).max(1)
}

/// Runs `work` on each of so many threads, this one among them, and adds up what they return.
pub(super) fn sum_of(threads: usize, work: impl Fn() -> Vec<u64> + Sync) -> Vec<u64> {
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(&work)).collect();
        let mut sums = work();
        for other in others {
            let counts = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        sums
    })
}
