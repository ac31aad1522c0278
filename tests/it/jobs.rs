//! The job queue: order, leases, retries, dead letters, and many workers at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engraph::family::{Claimed, Failed, JobCounts, NewJob, RetryPolicy};
use engraph::record::{DeadLetter, PipelineMode, QueueJob, QueueStatus};
use engraph::{Json, ManualClock, NodeId, Store, Timestamp};

use crate::check::{fault, sound};
use crate::workload::{Home, on_threads};

const SECOND: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_secs(60);
const ALMOST_LEASE: Duration = Duration::from_secs(59);

/// A store, and its clock, which stands.
fn queue() -> (Home, Store, Arc<ManualClock>) {
    let home = Home::new();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_771_057_082_000_000)));
    let store = Store::builder().clock(Arc::clone(&clock)).create(home.path()).unwrap();
    (home, store, clock)
}

fn enqueue(store: &Store, job: NewJob) -> NodeId {
    store.write(|tx| tx.jobs().enqueue(job)).unwrap()
}

fn claim(store: &Store) -> Option<Claimed> {
    store.write(|tx| tx.jobs().claim("w", LEASE)).unwrap()
}

fn job(store: &Store, id: NodeId) -> QueueJob {
    store.read().unwrap().jobs().get(id).unwrap().unwrap()
}

fn counts(store: &Store) -> [usize; 5] {
    let JobCounts { queued, running, completed, dead_letter, cancelled, .. } =
        store.read().unwrap().jobs().counts().unwrap();
    [queued, running, completed, dead_letter, cancelled]
}

/// The jobs in the order in which they are claimed, by their modes.
fn order(store: &Store) -> Vec<String> {
    std::iter::from_fn(|| claim(store)).map(|claimed| claimed.job.mode.to_string()).collect()
}

#[test]
fn a_job_is_queued_claimed_and_completed() {
    let (_home, store, _clock) = queue();
    let payload = Json::from_text(r#"{"roots": []}"#).unwrap();
    let id = enqueue(&store, NewJob::new("index").payload(payload.clone()));
    let fresh = job(&store, id);
    assert_eq!((&fresh.mode, &fresh.status), (&PipelineMode::Index, &QueueStatus::Queued));
    assert_eq!((fresh.payload, fresh.max_retries, fresh.retry_count), (Some(payload), 2, 0));
    let claimed = claim(&store).unwrap();
    assert_eq!((claimed.lease.job, claimed.lease.attempt), (id, 1));
    assert_eq!(claimed.job, job(&store, id));
    assert_eq!(claimed.job.worker_name.as_deref(), Some("w"));
    assert_eq!(claimed.job.lease_until, Some(store.last_write_time().saturating_add(LEASE)));
    assert_eq!(claim(&store), None);
    store.write(|tx| tx.jobs().complete(claimed.lease)).unwrap();
    let done = job(&store, id);
    assert_eq!((done.status, done.lease_until), (QueueStatus::Completed, None));
    assert!(done.completed_at > done.started_at);
    assert_eq!(fault(store.write(|tx| tx.jobs().complete(claimed.lease))), "conflict");
    assert_eq!(counts(&store), [0, 0, 1, 0, 0]);
    sound(&store);
}

#[test]
fn greater_priorities_go_first_and_within_one_the_oldest() {
    let (_home, store, _clock) = queue();
    for (mode, priority) in [("c", 0), ("e", -128), ("a", 127), ("d", 0), ("b", 3)] {
        enqueue(&store, NewJob::new(mode).priority(priority));
    }
    assert_eq!(order(&store), ["a", "b", "c", "d", "e"]);
}

#[test]
fn a_delayed_job_waits_without_holding_up_others() {
    let (_home, store, clock) = queue();
    enqueue(&store, NewJob::new("urgent").priority(9).delay(10 * SECOND));
    let at = store.last_write_time().saturating_add(5 * SECOND);
    enqueue(&store, NewJob::new("later").at(at));
    enqueue(&store, NewJob::new("now").priority(-1));
    assert_eq!(order(&store), ["now"]);
    clock.advance(6 * SECOND);
    assert_eq!(order(&store), ["later"]);
    clock.advance(6 * SECOND);
    assert_eq!(order(&store), ["urgent"]);
}

#[test]
fn queues_are_apart() {
    let (_home, store, _clock) = queue();
    let mail = store.write(|tx| tx.jobs().queue("mail").enqueue(NewJob::new("send"))).unwrap();
    let mails = store.write(|tx| tx.jobs().queue("mails").enqueue(NewJob::new("send"))).unwrap();
    assert_eq!(claim(&store), None);
    let mut taken = Vec::new();
    for name in ["mails", "mail", "mail"] {
        let found = store.write(|tx| tx.jobs().queue(name).claim("w", LEASE)).unwrap();
        taken.extend(found.map(|claimed| claimed.lease.job));
    }
    assert_eq!(taken, [mails, mail]);
    let long = store.write(|tx| tx.jobs().queue("n".repeat(256)).enqueue(NewJob::new("send")));
    assert_eq!(fault(long), "limit");
}

#[test]
fn a_failed_job_is_tried_again_after_its_delay_and_dies_at_last() {
    let (_home, store, clock) = queue();
    let new = NewJob::new("index").max_retries(1).retry(RetryPolicy::Fixed(10 * SECOND));
    let id = enqueue(&store, new);
    let first = claim(&store).unwrap();
    let failed = store.write(|tx| tx.jobs().fail(first.lease, "no disk")).unwrap();
    let at = store.last_write_time().saturating_add(10 * SECOND);
    assert_eq!(failed, Failed::Retry { at });
    let waiting = job(&store, id);
    assert_eq!((waiting.retry_count, waiting.last_error.as_deref()), (1, Some("no disk")));
    assert!(waiting.worker_name.is_some() && waiting.started_at.is_some(), "both are kept");
    clock.advance(9 * SECOND);
    assert_eq!(claim(&store), None);
    clock.advance(2 * SECOND);
    let second = claim(&store).unwrap();
    assert_eq!(second.lease.attempt, 2);
    let Failed::Dead { letter } = store.write(|tx| tx.jobs().fail(second.lease, "none")).unwrap()
    else {
        unreachable!("it had two tries")
    };
    assert_eq!(job(&store, id).status, QueueStatus::DeadLetter);
    let letters = store.read().unwrap().jobs().dead_letters(9).unwrap();
    let (found, dead) = &letters[0];
    assert_eq!((*found, dead.job, dead.retry_count), (letter, Some(id), 2));
    assert_eq!(dead.error_message.as_deref(), Some("none"));
    assert_eq!((order(&store).len(), counts(&store)), (0, [0, 0, 0, 1, 0]));
}

#[test]
fn the_delays_of_a_job_grow_within_their_bounds() {
    let (_home, store, clock) = queue();
    let policy = RetryPolicy::Exponential { first: SECOND, max: 8 * SECOND };
    enqueue(&store, NewJob::new("index").max_retries(6).retry(policy));
    for whole in [1, 2, 4, 8, 8, 8] {
        let claimed = claim(&store).unwrap();
        let failed = store.write(|tx| tx.jobs().fail(claimed.lease, "x")).unwrap();
        let Failed::Retry { at } = failed else { unreachable!("it has tries left") };
        let delay = at.as_micros() - store.last_write_time().as_micros();
        assert!((whole * 500_000..=whole * 1_000_000).contains(&delay), "{whole}: {delay}");
        clock.advance(9 * SECOND);
    }
}

#[test]
fn a_job_whose_lease_ended_is_claimed_again_and_its_first_worker_is_refused() {
    let (_home, store, clock) = queue();
    let id = enqueue(&store, NewJob::new("index").max_retries(1));
    let lost = claim(&store).unwrap();
    clock.advance(ALMOST_LEASE);
    assert_eq!(claim(&store), None, "the lease still holds");
    clock.advance(2 * SECOND);
    let second = store.write(|tx| tx.jobs().claim("other", LEASE)).unwrap().unwrap();
    assert_eq!((second.lease.job, second.lease.attempt, second.job.retry_count), (id, 2, 1));
    assert_eq!(second.job.last_error.as_deref(), Some("lease of worker w ended"));
    assert_eq!(fault(store.write(|tx| tx.jobs().complete(lost.lease))), "conflict");
    assert_eq!(fault(store.write(|tx| tx.jobs().fail(lost.lease, "x"))), "conflict");
    assert_eq!(fault(store.write(|tx| tx.jobs().extend(lost.lease, LEASE))), "conflict");
    assert_eq!(fault(store.write(|tx| tx.jobs().release(lost.lease))), "conflict");
    assert_eq!(job(&store, id), second.job, "nothing of it is left");
    clock.advance(2 * LEASE);
    assert_eq!(store.write(|tx| tx.jobs().reclaim_expired(9)).unwrap(), 1);
    assert_eq!(counts(&store), [0, 0, 0, 1, 0], "a job that kills its workers dies");
}

#[test]
fn a_sign_of_life_keeps_a_job_and_a_late_one_counts_while_nobody_took_it() {
    let (_home, store, clock) = queue();
    enqueue(&store, NewJob::new("index"));
    let held = claim(&store).unwrap();
    for _ in 0..3 {
        clock.advance(ALMOST_LEASE);
        let until = store.write(|tx| tx.jobs().extend(held.lease, LEASE)).unwrap();
        assert_eq!(until, store.last_write_time().saturating_add(LEASE));
        assert_eq!(claim(&store), None);
    }
    clock.advance(2 * LEASE);
    store.write(|tx| tx.jobs().complete(held.lease)).unwrap();
}

#[test]
fn a_released_job_is_as_it_was() {
    let (_home, store, _clock) = queue();
    enqueue(&store, NewJob::new("index").max_retries(0));
    let first = claim(&store).unwrap();
    store.write(|tx| tx.jobs().release(first.lease)).unwrap();
    let second = claim(&store).unwrap();
    assert_eq!((second.lease.attempt, second.job.retry_count), (2, 0));
}

#[test]
fn what_the_old_application_left_running_is_put_back() {
    let (_home, store, _clock) = queue();
    let started_at = Some(Timestamp::from_micros(5));
    let old = QueueJob { status: QueueStatus::Running, max_retries: 2, ..QueueJob::default() };
    let ids = store.write(|tx| {
        let known = tx.insert(&QueueJob { started_at, ..old.clone() })?;
        Ok([known, tx.insert(&old)?])
    });
    let ids = ids.unwrap();
    let taken = store.write(|tx| tx.jobs().claim_many("w", LEASE, 9)).unwrap();
    let taken: BTreeSet<_> = taken.into_iter().map(|claimed| claimed.lease.job).collect();
    assert_eq!(taken, ids.into());
}

#[test]
fn an_imported_job_waits_ten_seconds_between_tries() {
    let (_home, store, _clock) = queue();
    store.write(|tx| tx.insert(&QueueJob { max_retries: 2, ..QueueJob::default() })).unwrap();
    let claimed = claim(&store).unwrap();
    let failed = store.write(|tx| tx.jobs().fail(claimed.lease, "x")).unwrap();
    let at = store.last_write_time().saturating_add(10 * SECOND);
    assert_eq!(failed, Failed::Retry { at });
}

#[test]
fn a_cancelled_job_is_not_run_and_its_worker_learns_it() {
    let (_home, store, _clock) = queue();
    let (waits, runs) = (NewJob::new("index").priority(-1), NewJob::new("index"));
    let (waits, runs) = (enqueue(&store, waits), enqueue(&store, runs));
    let held = claim(&store).unwrap();
    assert_eq!(held.lease.job, runs);
    for id in [waits, runs] {
        assert!(store.write(|tx| tx.jobs().cancel(id)).unwrap());
        assert!(!store.write(|tx| tx.jobs().cancel(id)).unwrap(), "it has ended");
    }
    assert_eq!(claim(&store), None);
    assert_eq!(fault(store.write(|tx| tx.jobs().extend(held.lease, LEASE))), "conflict");
    assert_eq!(fault(store.write(|tx| tx.jobs().complete(held.lease))), "conflict");
    assert_eq!(counts(&store), [0, 0, 0, 0, 2]);
}

/// Queues a job without retries and lets it die. Returns the job and its letter.
fn dead(store: &Store) -> (NodeId, NodeId) {
    let id = enqueue(store, NewJob::new("index").max_retries(0).priority(100));
    let held = claim(store).unwrap();
    let failed = store.write(|tx| tx.jobs().fail(held.lease, "x")).unwrap();
    let Failed::Dead { letter } = failed else { unreachable!("it had one try") };
    (id, letter)
}

#[test]
fn a_dead_job_is_queued_again_with_all_its_tries() {
    let (_home, store, _clock) = queue();
    let (id, letter) = dead(&store);
    assert_eq!(store.write(|tx| tx.jobs().requeue(letter)).unwrap(), id);
    assert_eq!((job(&store, id).retry_count, counts(&store)), (0, [1, 0, 0, 0, 0]));
    assert_eq!(store.read().unwrap().jobs().dead_letters(9).unwrap(), []);
    assert_eq!(fault(store.write(|tx| tx.jobs().requeue(letter))), "not_found");
    assert_eq!(claim(&store).unwrap().lease.job, id);
    // The letter of a job that runs is refused, and stays.
    let odd = store.write(|tx| tx.insert(&DeadLetter { job: Some(id), ..DeadLetter::default() }));
    let odd = odd.unwrap();
    // Also when the write goes on after the refusal.
    store
        .write(|tx| {
            assert_eq!(fault(tx.jobs().requeue(odd)), "conflict");
            tx.jobs().enqueue(NewJob::new("index"))
        })
        .unwrap();
    assert_eq!(store.read().unwrap().jobs().dead_letters(9).unwrap().len(), 1);
    // One whose job is gone becomes a new job.
    let alone = DeadLetter { mode: PipelineMode::Refresh, ..DeadLetter::default() };
    let alone = store.write(|tx| tx.insert(&alone)).unwrap();
    let new = store.write(|tx| tx.jobs().requeue(alone)).unwrap();
    assert_eq!(job(&store, new).mode, PipelineMode::Refresh);
}

#[test]
fn what_has_ended_is_purged_and_dead_jobs_are_discarded() {
    let (_home, store, clock) = queue();
    let (id, letter) = dead(&store);
    for _ in 0..3 {
        enqueue(&store, NewJob::new("index"));
        let held = claim(&store).unwrap();
        store.write(|tx| tx.jobs().complete(held.lease)).unwrap();
        clock.advance(LEASE);
    }
    let cancelled = enqueue(&store, NewJob::new("index"));
    store.write(|tx| tx.jobs().cancel(cancelled)).unwrap();
    let last = store.last_write_time();
    assert_eq!(store.write(|tx| tx.jobs().purge(last, 2)).unwrap(), 2);
    assert_eq!(store.write(|tx| tx.jobs().purge(last, 9)).unwrap(), 1);
    assert_eq!(counts(&store), [0, 0, 0, 1, 1], "what ended at that time stays");
    assert!(store.write(|tx| tx.jobs().discard(letter)).unwrap());
    assert!(!store.write(|tx| tx.jobs().discard(letter)).unwrap());
    assert_eq!(store.read().unwrap().jobs().get(id).unwrap(), None);
    sound(&store);
}

#[test]
fn what_is_not_acceptable_is_refused() {
    let (_home, store, _clock) = queue();
    enqueue(&store, NewJob::new("index"));
    store
        .write(|tx| {
            assert_eq!(fault(tx.jobs().enqueue(NewJob::new(""))), "invalid");
            let list = Json::from_text("[]")?;
            assert_eq!(fault(tx.jobs().enqueue(NewJob::new("x").payload(list))), "invalid");
            assert_eq!(fault(tx.jobs().enqueue(NewJob::new("x").depth_max(1))), "limit");
            assert_eq!(fault(tx.jobs().claim("", LEASE)), "invalid");
            assert_eq!(fault(tx.jobs().claim("w", Duration::ZERO)), "invalid");
            assert_eq!(fault(tx.jobs().claim_many("w", LEASE, 1_001)), "limit");
            assert_eq!(fault(tx.jobs().reclaim_expired(1_001)), "limit");
            tx.jobs().enqueue(NewJob::new("x").depth_max(2)).map(drop)
        })
        .unwrap();
    assert_eq!(store.read().unwrap().jobs().depth(1).unwrap(), 1);
    assert_eq!(store.read().unwrap().jobs().depth(9).unwrap(), 2);
}

#[test]
fn eight_workers_run_ten_thousand_jobs_once_each() {
    const JOBS: usize = 10_000;
    let (_home, store, _clock) = queue();
    let ids = store.write(|tx| {
        let job = |number: usize| NewJob::new("index").priority((number % 5) as i8);
        (0..JOBS).map(|number| tx.jobs().enqueue(job(number))).collect::<engraph::Result<_>>()
    });
    let ids: BTreeSet<NodeId> = ids.unwrap();
    let running: Mutex<BTreeSet<NodeId>> = Mutex::default();
    let ran = on_threads(8, |number| {
        let worker = format!("worker-{number}");
        let mut done: Vec<NodeId> = Vec::new();
        loop {
            let taken = store.write(|tx| tx.jobs().claim_many(&worker, LEASE, 20)).unwrap();
            if taken.is_empty() {
                return done;
            }
            for claimed in &taken {
                let is_alone = running.lock().unwrap().insert(claimed.lease.job);
                assert!(is_alone, "{} runs twice", claimed.lease.job);
            }
            store
                .write(|tx| taken.iter().try_for_each(|one| tx.jobs().complete(one.lease)))
                .unwrap();
            done.extend(taken.iter().map(|claimed| claimed.lease.job));
        }
    });
    let all: Vec<NodeId> = ran.into_iter().flatten().collect();
    assert_eq!((all.len(), all.into_iter().collect::<BTreeSet<_>>()), (JOBS, ids));
    assert_eq!(counts(&store), [0, 0, JOBS, 0, 0]);
}

#[test]
fn workers_that_vanish_lose_no_job() {
    let (_home, store, clock) = queue();
    let total = 200;
    for _ in 0..total {
        enqueue(&store, NewJob::new("index").max_retries(u32::MAX));
    }
    let done: Mutex<Vec<NodeId>> = Mutex::default();
    // Who finds nothing lets time pass only while nobody works: leases end, but not at once.
    let working = AtomicUsize::new(0);
    on_threads(8, |number| {
        for round in 0_usize.. {
            let taken = store.write(|tx| tx.jobs().claim_many("w", LEASE, 5)).unwrap();
            working.fetch_add(taken.len(), Ordering::SeqCst);
            for (place, claimed) in taken.iter().enumerate() {
                // A third is dropped as if the worker had died.
                if (number + round + place) % 3 == 0 {
                    continue;
                }
                match store.write(|tx| tx.jobs().complete(claimed.lease)) {
                    Ok(()) => done.lock().unwrap().push(claimed.lease.job),
                    lost => assert_eq!(fault(lost), "conflict"),
                }
            }
            working.fetch_sub(taken.len(), Ordering::SeqCst);
            if taken.is_empty() && counts(&store)[..2] == [0, 0] {
                break;
            }
            if taken.is_empty() && working.load(Ordering::SeqCst) == 0 {
                clock.advance(LEASE / 4);
            }
        }
    });
    assert_eq!(counts(&store), [0, 0, total, 0, 0]);
    let done = done.into_inner().unwrap();
    assert_eq!((done.len(), done.iter().collect::<BTreeSet<_>>().len()), (total, total));
    sound(&store);
}
