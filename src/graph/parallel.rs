//! Work of whole-graph algorithms spread over threads, with the same result for any number of them.
//!
//! Jobs are cut from the graph alone and their results are merged in the order of the jobs, so that
//! sums of floating-point numbers are added in one order however many threads there are and
//! whichever is first.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::base::limits::GRAPH_THREADS_MAX;

/// Jobs that the work of one pass is cut into at most: enough to even out unequal ones, few enough
/// that handing them out costs nothing.
const JOBS_MAX: usize = 64;
/// Edges and nodes that are worth a job of their own: about ten times what it costs to start a
/// thread. Small in tests, so that small graphs are cut too.
const JOB_WORK_MIN: usize = if cfg!(test) { 4 } else { 1 << 15 };

/// How many threads to use when `wanted` are asked for; 0 means as many as the machine has.
pub(super) fn threads_of(wanted: usize) -> usize {
    let count = match wanted {
        0 => thread::available_parallelism().map_or(1, NonZero::get),
        wanted => wanted,
    };
    count.min(GRAPH_THREADS_MAX)
}

/// How many threads so many edges and nodes are worth.
pub(super) fn threads_for(work: usize) -> usize {
    threads_of(0).min(work / JOB_WORK_MIN).max(1)
}

/// Runs `work` on each of so many threads, this one among them, and adds up what they return: for
/// whole numbers, whose sum does not depend on who counted what.
pub(super) fn sum_of(threads: usize, work: impl Fn() -> Vec<u64> + Sync) -> Vec<u64> {
    thread::scope(|scope| {
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

/// Cuts nodes into runs of about equal numbers of edges and nodes, by the first edge of each node
/// and one more at the end.
pub(super) fn balanced(offsets: &[usize]) -> Vec<Range<usize>> {
    let count = offsets.len().saturating_sub(1);
    let before = |node: usize| offsets[node] + node;
    let work = if count == 0 { 0 } else { before(count) };
    let jobs = (work / JOB_WORK_MIN).clamp(1, JOBS_MAX);
    let mut runs = Vec::with_capacity(jobs);
    let mut start = 0;
    for job in 1..=jobs {
        let goal = work / jobs * job;
        let mut end = start;
        if job == jobs {
            end = count;
        } else {
            end += offsets[start..count]
                .iter()
                .zip(start..)
                .take_while(|(first, node)| *first + node < goal)
                .count();
        }
        if start < end {
            runs.push(start..end);
        }
        start = end;
    }
    runs
}

/// Cuts `count` things of about equal work into runs, each of them worth a job.
pub(super) fn runs_of(count: usize) -> Vec<Range<usize>> {
    let size = count.div_ceil(JOBS_MAX).max(1);
    (0..count).step_by(size).map(|start| start..(start + size).min(count)).collect()
}

/// Runs every job and returns the results in the order of the jobs.
pub(super) fn map<J, R>(threads: usize, jobs: Vec<J>, run: impl Fn(J) -> R + Sync) -> Vec<R>
where
    J: Send,
    R: Send,
{
    let mut results = Vec::with_capacity(jobs.len());
    fold(threads, jobs, || (), |(), job| run(job), |result| results.push(result));
    results
}

/// Runs every job, with a state of the thread that does so, and merges the results in the order of
/// the jobs. Holds no more results than jobs are unfinished before them.
pub(super) fn fold<J, S, R>(
    threads: usize,
    jobs: Vec<J>,
    state: impl Fn() -> S + Sync,
    run: impl Fn(&mut S, J) -> R + Sync,
    mut merge: impl FnMut(R) + Send,
) where
    J: Send,
    R: Send,
{
    let threads = threads.min(jobs.len());
    if threads <= 1 {
        let mut state = state();
        for job in jobs {
            merge(run(&mut state, job));
        }
        return;
    }
    let queue = Mutex::new(jobs.into_iter().enumerate());
    let merging = Mutex::new(Merging { next: 0, early: BTreeMap::new(), merge });
    let work = || {
        let mut state = state();
        loop {
            let Some((place, job)) = lock(&queue).next() else { break };
            let result = run(&mut state, job);
            lock(&merging).take(place, result);
        }
    };
    // The scope waits for all of them and passes a panic on.
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}

/// Results on their way to be merged in order.
struct Merging<R, M> {
    next: usize,
    /// Results of later jobs that were done first.
    early: BTreeMap<usize, R>,
    merge: M,
}

impl<R, M: FnMut(R)> Merging<R, M> {
    fn take(&mut self, place: usize, result: R) {
        self.early.insert(place, result);
        while let Some(result) = self.early.remove(&self.next) {
            (self.merge)(result);
            self.next += 1;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_cover_every_node_once(degrees in prop::collection::vec(0_usize..40, 0..200)) {
            let mut offsets = vec![0];
            offsets.extend(degrees.iter().scan(0, |sum, degree| {
                *sum += degree;
                Some(*sum)
            }));
            let runs = balanced(&offsets);
            let nodes: Vec<usize> = runs.iter().cloned().flatten().collect();
            prop_assert_eq!(nodes, (0..degrees.len()).collect::<Vec<_>>());
            prop_assert!(runs.len() <= JOBS_MAX);
            let work = |run: &Range<usize>| offsets[run.end] - offsets[run.start] + run.len();
            let total: usize = runs.iter().map(work).sum();
            let fair = total / (total / JOB_WORK_MIN).clamp(1, JOBS_MAX);
            prop_assert!(runs.iter().all(|run| work(run) <= 2 * fair + 2 * 41 + JOBS_MAX));
            let things = runs_of(degrees.len());
            let things: Vec<usize> = things.into_iter().flatten().collect();
            prop_assert_eq!(things, (0..degrees.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        for threads in 1..5 {
            let jobs: Vec<u64> = (0..500).collect();
            // Early jobs take longest, so that later ones finish first.
            let found = map(threads, jobs, |job| {
                let rounds = if job % 50 == 0 { 20_000 } else { 1 };
                (0..rounds).fold(job, |sum: u64, _| std::hint::black_box(sum))
            });
            assert_eq!(found, (0..500).collect::<Vec<u64>>());
        }
    }

    #[test]
    fn a_panic_of_a_job_reaches_the_caller() {
        let jobs: Vec<u32> = (0..8).collect();
        let run = || map(2, jobs.clone(), |job| assert!(job != 5, "five"));
        assert!(std::panic::catch_unwind(run).is_err());
    }
}
