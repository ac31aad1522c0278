//! Random operations on the queue against a plain map of jobs, compared after every step.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engraph::family::{Failed, Lease, NewJob, RetryPolicy};
use engraph::record::{QueueJob, QueueStatus};
use engraph::{ManualClock, NodeId, Store, Timestamp};

use proptest::prelude::*;

use crate::check::sound;
use crate::workload::Home;

const SECOND: Duration = Duration::from_secs(1);
const RECLAIMS_OF_A_CLAIM: usize = 16;

/// One step. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    Enqueue { priority: i8, delay: u32, retries: u32 },
    Claim { count: usize, lease: u32 },
    Complete(usize),
    Fail(usize),
    Extend(usize, u32),
    Release(usize),
    Cancel(usize),
    Requeue(usize),
    Pass(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (-1_i8..2, prop_oneof![Just(0), 1_u32..20], 0_u32..3)
            .prop_map(|(priority, delay, retries)| Step::Enqueue { priority, delay, retries }),
        4 => (1_usize..4, 1_u32..20).prop_map(|(count, lease)| Step::Claim { count, lease }),
        2 => any::<usize>().prop_map(Step::Complete),
        2 => any::<usize>().prop_map(Step::Fail),
        1 => (any::<usize>(), 1_u32..20).prop_map(|(held, lease)| Step::Extend(held, lease)),
        1 => any::<usize>().prop_map(Step::Release),
        1 => any::<usize>().prop_map(Step::Cancel),
        1 => any::<usize>().prop_map(Step::Requeue),
        2 => (1_u32..15).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..50)
}

/// A job as the model sees it: its state, and when the state ends or began.
#[derive(Clone, Debug, PartialEq)]
struct Plain {
    status: QueueStatus,
    priority: i64,
    attempts: i64,
    failures: i64,
    max_retries: i64,
    due: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Plain {
    fn of(job: &QueueJob) -> Self {
        Self {
            status: job.status.clone(),
            priority: job.priority,
            attempts: job.attempts,
            failures: job.retry_count,
            max_retries: job.max_retries,
            due: job.available_at,
            until: job.lease_until,
        }
    }

    fn wait(&mut self, due: Timestamp) {
        self.status = QueueStatus::Queued;
        (self.due, self.until) = (Some(due), None);
    }

    fn end(&mut self, status: QueueStatus) {
        self.status = status;
        self.until = None;
    }

    fn fail(&mut self, due: Timestamp) {
        self.failures += 1;
        if self.failures > self.max_retries {
            self.end(QueueStatus::DeadLetter);
        } else {
            self.wait(due);
        }
    }
}

struct Model {
    store: Store,
    clock: Arc<ManualClock>,
    jobs: BTreeMap<NodeId, Plain>,
    /// Every lease ever given, lost ones too.
    leases: Vec<Lease>,
    letters: Vec<(NodeId, NodeId)>,
}

impl Model {
    /// The job of a lease, if the lease still holds.
    fn held(&mut self, lease: Lease) -> Option<&mut Plain> {
        let job = self.jobs.get_mut(&lease.job)?;
        (job.status == QueueStatus::Running && job.attempts == lease.attempt).then_some(job)
    }

    fn lease(&self, number: usize) -> Option<Lease> {
        (!self.leases.is_empty()).then(|| self.leases[number % self.leases.len()])
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Enqueue { priority, delay, retries } => {
                let new = NewJob::new("x").priority(*priority).max_retries(*retries);
                let new = new.delay(*delay * SECOND).retry(RetryPolicy::Fixed(3 * SECOND));
                let id = self.store.write(|tx| tx.jobs().enqueue(new)).unwrap();
                let job = Plain {
                    status: QueueStatus::Queued,
                    priority: (*priority).into(),
                    attempts: 0,
                    failures: 0,
                    max_retries: (*retries).into(),
                    due: Some(self.store.last_write_time().saturating_add(*delay * SECOND)),
                    until: None,
                };
                assert_eq!(self.jobs.insert(id, job), None);
            }
            Step::Claim { count, lease } => self.claim(*count, *lease * SECOND),
            Step::Pass(seconds) => self.clock.advance(*seconds * SECOND),
            Step::Cancel(number) => {
                let Some(id) = self.jobs.keys().nth(number % self.jobs.len().max(1)).copied()
                else {
                    return;
                };
                let found = self.store.write(|tx| tx.jobs().cancel(id)).unwrap();
                let job = self.jobs.get_mut(&id).unwrap();
                let is_open = matches!(job.status, QueueStatus::Queued | QueueStatus::Running);
                assert_eq!(found, is_open);
                if is_open {
                    job.end(QueueStatus::Cancelled);
                }
            }
            Step::Requeue(number) => {
                if self.letters.is_empty() {
                    return;
                }
                let (letter, id) = self.letters.remove(number % self.letters.len());
                assert_eq!(self.store.write(|tx| tx.jobs().requeue(letter)).unwrap(), id);
                let job = self.jobs.get_mut(&id).unwrap();
                job.failures = 0;
                job.wait(self.store.last_write_time());
            }
            Step::Complete(number)
            | Step::Fail(number)
            | Step::Extend(number, _)
            | Step::Release(number) => {
                if let Some(lease) = self.lease(*number) {
                    self.show(step, lease);
                }
            }
        }
    }

    fn claim(&mut self, count: usize, lease: Duration) {
        let taken = self.store.write(|tx| tx.jobs().claim_many("w", lease, count)).unwrap();
        // A claim that found nothing and put nothing back is no write, and the clock's time counts.
        let now = self.store.last_write_time().max(engraph::Clock::now(&*self.clock));
        let ends = |(id, job): (&NodeId, &Plain)| Some((job.until.filter(|end| *end <= now)?, *id));
        let mut expired: Vec<_> = self.jobs.iter().filter_map(ends).collect();
        expired.sort_unstable();
        for (_, id) in expired.into_iter().take(RECLAIMS_OF_A_CLAIM) {
            self.jobs.get_mut(&id).unwrap().fail(now);
        }
        let letters = self.store.read().unwrap().jobs().dead_letters(999).unwrap();
        self.letters = letters.iter().map(|(id, letter)| (*id, letter.job.unwrap())).collect();
        let mut due: Vec<_> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.status == QueueStatus::Queued && job.due <= Some(now))
            .map(|(id, job)| (Reverse(job.priority), job.due, *id))
            .collect();
        due.sort_unstable();
        let expected: Vec<_> = due.into_iter().take(count).map(|(_, _, id)| id).collect();
        let found: Vec<_> = taken.iter().map(|claimed| claimed.lease.job).collect();
        assert_eq!(found, expected);
        for claimed in taken {
            let job = self.jobs.get_mut(&claimed.lease.job).unwrap();
            job.status = QueueStatus::Running;
            job.attempts += 1;
            job.until = Some(now.saturating_add(lease));
            assert_eq!(job.attempts, claimed.lease.attempt);
            self.leases.push(claimed.lease);
        }
    }

    /// A worker shows a lease, which may be lost.
    fn show(&mut self, step: &Step, lease: Lease) {
        let shown = self.store.write(|tx| match step {
            Step::Complete(_) => tx.jobs().complete(lease).map(|()| None),
            Step::Fail(_) => tx.jobs().fail(lease, "x").map(Some),
            Step::Extend(_, seconds) => tx.jobs().extend(lease, *seconds * SECOND).map(|_| None),
            _ => tx.jobs().release(lease).map(|()| None),
        });
        let now = self.store.last_write_time();
        let Some(job) = self.held(lease) else {
            assert_eq!(shown.unwrap_err().kind(), "conflict");
            return;
        };
        match step {
            Step::Complete(_) => job.end(QueueStatus::Completed),
            Step::Fail(_) => job.fail(now.saturating_add(3 * SECOND)),
            Step::Extend(_, seconds) => job.until = Some(now.saturating_add(*seconds * SECOND)),
            _ => job.wait(now),
        }
        if let Some(Failed::Dead { letter }) = shown.unwrap() {
            self.letters.push((letter, lease.job));
        }
    }

    fn check(&self) {
        let tx = self.store.read().unwrap();
        let stored = tx.iter::<QueueJob>().unwrap().map(Result::unwrap);
        let stored: BTreeMap<_, _> = stored.map(|(id, job)| (id, Plain::of(&job))).collect();
        assert_eq!(stored, self.jobs);
        let count = |status| self.jobs.values().filter(|job| job.status == status).count();
        let counts = tx.jobs().counts().unwrap();
        assert_eq!(counts.queued, count(QueueStatus::Queued));
        assert_eq!(counts.running, count(QueueStatus::Running));
        assert_eq!(counts.dead_letter, count(QueueStatus::DeadLetter));
        assert_eq!(counts.dead_letter, self.letters.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_queue_does_what_a_plain_map_does(steps in steps()) {
        let home = Home::new();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000)));
        let store = Store::builder().clock(Arc::clone(&clock)).create(home.path()).unwrap();
        let mut model =
            Model { store, clock, jobs: BTreeMap::new(), leases: Vec::new(), letters: Vec::new() };
        for step in &steps {
            model.run(step);
            model.check();
        }
        sound(&model.store);
    }
}
