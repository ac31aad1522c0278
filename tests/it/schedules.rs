//! Schedules: due once a slot, without drift, paused, resumed, deleted, by cron.

use std::sync::Arc;
use std::time::Duration;

use engraph::family::NewSchedule;
use engraph::record::{PipelineMode, QueueStatus, Schedule};
use engraph::{Json, ManualClock, NodeId, Store, Timestamp};

use crate::check::{fault, sound};
use crate::workload::{Home, on_threads};

const MINUTE: Duration = Duration::from_secs(60);

/// A store, and its clock, which stands at ten o'clock on a Sunday.
fn at_ten() -> (Home, Store, Arc<ManualClock>) {
    let home = Home::new();
    let clock = Arc::new(ManualClock::new(at("2026-03-01T10:00:00Z")));
    let store = Store::builder().clock(Arc::clone(&clock)).create(home.path()).unwrap();
    (home, store, clock)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn create(store: &Store, schedule: NewSchedule) -> NodeId {
    store.write(|tx| tx.schedules().create(schedule)).unwrap()
}

fn next(store: &Store, id: NodeId) -> Option<Timestamp> {
    store.read().unwrap().schedules().get(id).unwrap().unwrap().next_run_at
}

/// Runs what is due, and returns how many jobs that made.
fn run(store: &Store) -> usize {
    store.write(|tx| tx.schedules().run_due(10)).unwrap().len()
}

#[test]
fn a_slot_is_queued_once_and_late_runs_do_not_move_the_next() {
    let (_home, store, clock) = at_ten();
    let first = at("2026-03-01T10:15:00Z");
    let payload = Json::from_text(r#"{"a": 1}"#).unwrap();
    let new = NewSchedule::every(15, "refresh").first_at(first).queue("q").priority(4);
    let id = create(&store, new.payload(payload.clone()));
    assert_eq!(run(&store), 0);
    clock.advance(17 * MINUTE);
    let fired = store.write(|tx| tx.schedules().run_due(10)).unwrap();
    assert_eq!((fired.len(), fired[0].schedule, fired[0].due), (1, id, first));
    assert_eq!(run(&store), 0, "once a slot");
    assert_eq!(next(&store, id), Some(at("2026-03-01T10:30:00Z")), "no drift");
    let tx = store.read().unwrap();
    let job = tx.jobs().get(fired[0].job).unwrap().unwrap();
    assert_eq!((job.mode, job.payload), (PipelineMode::Refresh, Some(payload)));
    assert_eq!((&*job.queue, job.priority, job.status), ("q", 4, QueueStatus::Queued));
    clock.advance(3 * 60 * MINUTE);
    assert_eq!(run(&store), 1, "missed slots are left out, but for one");
    assert_eq!(next(&store, id), Some(at("2026-03-01T13:30:00Z")));
    sound(&store);
}

#[test]
fn the_first_run_is_an_interval_away_unless_it_is_said_otherwise() {
    let (_home, store, _clock) = at_ten();
    let later = create(&store, NewSchedule::every(5, "index"));
    let made = store.last_write_time();
    assert_eq!(next(&store, later), Some(made.saturating_add(5 * MINUTE)));
    let now = create(&store, NewSchedule::every(5, "index").first_at(made));
    let due = store.read().unwrap().schedules().due(store.last_write_time(), 9).unwrap();
    assert_eq!(due.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [now]);
}

#[test]
fn a_cron_expression_says_when() {
    let (_home, store, clock) = at_ten();
    let id = create(&store, NewSchedule::cron("30 9 * * MON-FRI", "index").name("workdays"));
    assert_eq!(next(&store, id), Some(at("2026-03-02T09:30:00Z")));
    clock.advance(24 * 60 * MINUTE);
    assert_eq!(run(&store), 1);
    assert_eq!(next(&store, id), Some(at("2026-03-03T09:30:00Z")));
}

#[test]
fn the_earliest_are_run_first_and_the_limit_holds() {
    let (_home, store, clock) = at_ten();
    let late = create(&store, NewSchedule::every(3, "index"));
    let early = create(&store, NewSchedule::every(2, "index"));
    clock.advance(5 * MINUTE);
    let one = |store: &Store| store.write(|tx| tx.schedules().run_due(1)).unwrap()[0].schedule;
    assert_eq!([one(&store), one(&store)], [early, late]);
    assert_eq!(fault(store.write(|tx| tx.schedules().run_due(1_001))), "limit");
}

#[test]
fn a_paused_schedule_waits_and_makes_up_for_nothing() {
    let (_home, store, clock) = at_ten();
    let id = create(&store, NewSchedule::every(10, "index").first_at(at("2026-03-01T10:10:00Z")));
    assert!(store.write(|tx| tx.schedules().pause(id)).unwrap());
    assert!(!store.write(|tx| tx.schedules().pause(id)).unwrap());
    assert_eq!(store.read().unwrap().schedules().active().unwrap(), []);
    clock.advance(65 * MINUTE);
    assert_eq!(run(&store), 0);
    assert!(store.write(|tx| tx.schedules().resume(id)).unwrap());
    assert!(!store.write(|tx| tx.schedules().resume(id)).unwrap());
    assert_eq!((run(&store), next(&store, id)), (0, Some(at("2026-03-01T11:10:00Z"))));
    let paused = create(&store, NewSchedule::every(1, "index").paused());
    let listed = store.read().unwrap().schedules().list().unwrap();
    assert_eq!(listed.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [paused, id]);
    assert!(store.write(|tx| tx.schedules().delete(id)).unwrap());
    assert!(!store.write(|tx| tx.schedules().delete(id)).unwrap());
    assert_eq!(fault(store.write(|tx| tx.schedules().pause(id))), "not_found");
    assert_eq!(fault(store.write(|tx| tx.schedules().mark_ran(id))), "not_found");
}

#[test]
fn what_cannot_run_is_refused() {
    let (_home, store, _clock) = at_ten();
    for schedule in [
        NewSchedule::every(0, "index"),
        NewSchedule::every(1, ""),
        NewSchedule::every(1, "index").payload(Json::from_text("7").unwrap()),
        NewSchedule::cron("every day", "index"),
        NewSchedule::cron("0 0 30 2 *", "index"),
    ] {
        let refused = store.write(|tx| tx.schedules().create(schedule.clone()));
        assert_eq!(fault(refused), "invalid", "{schedule:?}");
    }
}

#[test]
fn an_imported_schedule_without_interval_counts_as_an_hour_and_without_time_is_never_due() {
    let (_home, store, clock) = at_ten();
    let due = Some(at("2026-03-01T09:00:00Z"));
    let base = Schedule { active: true, ..Schedule::default() };
    let (id, _) = store
        .write(|tx| {
            let due = tx.insert(&Schedule { next_run_at: due, ..base.clone() })?;
            Ok((due, tx.insert(&base)?))
        })
        .unwrap();
    assert_eq!((run(&store), next(&store, id)), (1, Some(at("2026-03-01T11:00:00Z"))));
    clock.advance(30 * MINUTE);
    store.write(|tx| tx.schedules().mark_ran(id)).unwrap();
    assert_eq!(next(&store, id), Some(at("2026-03-01T12:00:00Z")));
}

#[test]
fn a_schedule_that_no_job_can_be_made_of_is_named_and_nothing_is_half_done() {
    let (_home, store, clock) = at_ten();
    let good = create(&store, NewSchedule::every(1, "index"));
    let next_run_at = Some(at("2026-03-01T11:00:00Z"));
    let active = Schedule { active: true, next_run_at, ..Schedule::default() };
    for bad in [
        Schedule { mode: "".into(), ..active.clone() },
        Schedule { cron: Some("odd".into()), ..active.clone() },
    ] {
        clock.advance(60 * MINUTE);
        let id = store.write(|tx| tx.insert(&bad)).unwrap();
        let refused = store.write(|tx| tx.schedules().run_due(10)).unwrap_err();
        assert_eq!(refused.kind(), "conflict");
        assert!(refused.to_string().contains(&id.to_string()), "{refused}");
        assert!(next(&store, good) < Some(store.last_write_time()), "still to be run");
        store.write(|tx| tx.schedules().pause(id)).unwrap();
        assert_eq!(run(&store), 1);
    }
}

#[test]
fn many_who_run_what_is_due_queue_each_slot_once() {
    let (_home, store, clock) = at_ten();
    for _ in 0..40 {
        create(&store, NewSchedule::every(1, "index"));
    }
    // Half a minute from the next slot, whatever microsecond each was made at.
    clock.advance(MINUTE + MINUTE / 2);
    let fired = on_threads(4, |_| (0..10).map(|_| run(&store)).sum::<usize>());
    assert_eq!(fired.iter().sum::<usize>(), 40);
    assert_eq!(store.read().unwrap().jobs().depth(100).unwrap(), 40);
}
