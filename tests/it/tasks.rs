//! Runs, tasks and events: what each call does, refuses and lists.

use engraph::family::{EventQuery, NewEvent, NewRun, NewTask, RunQuery, TaskChange};
use engraph::record::{EventLevel, RunStatus, Task, TaskRun};
use engraph::{Json, NodeId, Store};

use crate::check::{fault, sound};
use crate::workload::new_store;

fn json(text: &str) -> Json {
    Json::from_text(text).unwrap()
}

fn start(store: &Store) -> NodeId {
    store.write(|tx| tx.tasks().start(NewRun::new("file_pipeline"))).unwrap()
}

fn add(store: &Store, run: NodeId, name: &str) -> NodeId {
    store.write(|tx| tx.tasks().add(NewTask::new(run, name))).unwrap()
}

fn states(store: &Store, run: NodeId) -> (RunStatus, Vec<RunStatus>) {
    let found = store.read().unwrap().tasks().get(run).unwrap().unwrap();
    (found.run.status, found.tasks.into_iter().map(|(_, task)| task.status).collect())
}

#[test]
fn a_run_goes_from_start_to_completion_with_its_tasks() {
    let (_home, store) = new_store();
    let run = start(&store);
    let (first, second) = (add(&store, run, "index"), add(&store, run, "refresh"));
    let change = TaskChange::new().progress(40.0);
    let task = store.write(|tx| tx.tasks().change(first, change)).unwrap();
    assert_eq!((task.progress, task.status), (Some(40.0), RunStatus::Running));
    assert_eq!((&task.payload, &task.completed_at), (&Some(json("{}")), &None));
    let open = store.write(|tx| tx.tasks().complete(run, None));
    assert_eq!(fault(open), "conflict", "a task is under way");
    for id in [first, second] {
        let change = TaskChange::new().result(json(r#"{"n": 1}"#)).completed();
        store.write(|tx| tx.tasks().change(id, change)).unwrap();
    }
    store.write(|tx| tx.tasks().complete(run, Some(json(r#"{"ok": true}"#)))).unwrap();
    let found = store.read().unwrap().tasks().get(run).unwrap().unwrap();
    let names: Vec<_> = found.tasks.iter().map(|(id, task)| (*id, &*task.task_name)).collect();
    assert_eq!(names, [(first, "index"), (second, "refresh")]);
    assert_eq!(found.tasks[0].1.progress, Some(40.0), "what is not given stays");
    assert_eq!(
        (found.run.status, found.run.summary),
        (RunStatus::Completed, Some(json(r#"{"ok": true}"#)))
    );
    assert!(found.run.completed_at > found.run.started_at);
    sound(&store);
}

#[test]
fn a_failed_run_fails_its_open_tasks_and_leaves_the_others() {
    let (_home, store) = new_store();
    let run = start(&store);
    let done = add(&store, run, "done");
    add(&store, run, "open");
    store.write(|tx| tx.tasks().change(done, TaskChange::new().completed())).unwrap();
    store.write(|tx| tx.tasks().fail(run, None)).unwrap();
    let expected = (RunStatus::Failed, vec![RunStatus::Completed, RunStatus::Failed]);
    assert_eq!(states(&store, run), expected);
    let open: Vec<(NodeId, Task)> = store.read().unwrap().tasks().get(run).unwrap().unwrap().tasks;
    assert!(open[1].1.completed_at.is_some());
}

#[test]
fn a_cancelled_run_stays_cancelled() {
    let (_home, store) = new_store();
    let run = start(&store);
    let task = add(&store, run, "index");
    assert!(store.write(|tx| tx.tasks().cancel(run)).unwrap());
    assert_eq!(store.read().unwrap().tasks().status(run).unwrap(), Some(RunStatus::Cancelled));
    assert_eq!(states(&store, run), (RunStatus::Cancelled, vec![RunStatus::Cancelled]));
    assert!(!store.write(|tx| tx.tasks().cancel(run)).unwrap(), "it has ended");
    assert_eq!(fault(store.write(|tx| tx.tasks().complete(run, None))), "conflict");
    assert_eq!(fault(store.write(|tx| tx.tasks().fail(run, None))), "conflict");
    assert_eq!(fault(store.write(|tx| tx.tasks().add(NewTask::new(run, "late")))), "conflict");
    let late = TaskChange::new().progress(50.0);
    assert_eq!(fault(store.write(|tx| tx.tasks().change(task, late))), "conflict");
    let events = store.read().unwrap().tasks().events(&EventQuery::new(run)).unwrap();
    let types: Vec<_> = events.iter().map(|(_, event)| &*event.event_type).collect();
    assert_eq!(types, ["run_cancelled"]);
}

#[test]
fn what_is_absent_or_not_acceptable_is_refused() {
    let (_home, store) = new_store();
    let (run, other) = (start(&store), start(&store));
    let task = add(&store, other, "index");
    let gone = store.write(|tx| {
        let id = tx.insert(&TaskRun::default())?;
        tx.delete(id)?;
        Ok(id)
    });
    let gone = gone.unwrap();
    let list = json("[1]");
    let (new, add) = (NewRun::new, |name: &str| NewTask::new(run, name));
    let event = || NewEvent::new(run, "note", "");
    store
        .write(|tx| {
            assert_eq!(fault(tx.tasks().start(new(" "))), "invalid");
            assert_eq!(fault(tx.tasks().start(new("x").payload(list.clone()))), "invalid");
            assert_eq!(fault(tx.tasks().add(add(""))), "invalid");
            assert_eq!(fault(tx.tasks().add(NewTask::new(gone, "index"))), "not_found");
            assert_eq!(fault(tx.tasks().complete(gone, None)), "not_found");
            assert_eq!(fault(tx.tasks().fail(gone, None)), "not_found");
            assert_eq!(fault(tx.tasks().retry(gone)), "not_found");
            assert!(!tx.tasks().cancel(gone)?);
            assert_eq!(fault(tx.tasks().complete(run, Some(list.clone()))), "invalid");
            for percent in [-1.0, 100.1, f64::NAN] {
                let change = TaskChange::new().progress(percent);
                assert_eq!(fault(tx.tasks().change(task, change)), "invalid", "{percent}");
            }
            assert_eq!(fault(tx.tasks().change(gone, TaskChange::new())), "not_found");
            assert_eq!(fault(tx.tasks().event(event().task(task))), "invalid", "another run's");
            assert_eq!(fault(tx.tasks().event(event().data(list.clone()))), "invalid");
            assert_eq!(fault(tx.tasks().event(NewEvent::new(gone, "note", ""))), "not_found");
            assert_eq!(fault(tx.tasks().event(NewEvent::new(run, "", ""))), "invalid");
            Ok(())
        })
        .unwrap();
    assert_eq!(store.read().unwrap().tasks().get(gone).unwrap(), None);
    assert_eq!(store.read().unwrap().tasks().status(gone).unwrap(), None);
}

#[test]
fn a_run_is_retried_with_its_payload_once_it_has_ended() {
    let (_home, store) = new_store();
    let payload = json(r#"{"mode": "refresh", "roots": []}"#);
    let new = NewRun::new("file_pipeline").payload(payload.clone());
    let run = store.write(|tx| tx.tasks().start(new)).unwrap();
    assert_eq!(fault(store.write(|tx| tx.tasks().retry(run))), "conflict");
    store.write(|tx| tx.tasks().fail(run, None)).unwrap();
    let again = store.write(|tx| tx.tasks().retry(run)).unwrap();
    let found = store.read().unwrap().tasks().get(again).unwrap().unwrap().run;
    assert_eq!((found.status, found.payload), (RunStatus::Running, Some(payload)));
    let bare = start(&store);
    store.write(|tx| tx.tasks().fail(bare, None)).unwrap();
    assert_eq!(fault(store.write(|tx| tx.tasks().retry(bare))), "invalid", "no mode");
}

#[test]
fn runs_are_listed_newest_first_by_state_type_and_time() {
    let (_home, store) = new_store();
    let runs: Vec<_> = (0..6)
        .map(|number| {
            let run_type = if number % 2 == 0 { "even" } else { "odd" };
            let run = store.write(|tx| tx.tasks().start(NewRun::new(run_type))).unwrap();
            if number % 3 == 0 {
                store.write(|tx| tx.tasks().fail(run, None)).unwrap();
            }
            run
        })
        .collect();
    let tx = store.read().unwrap();
    let time = |place: usize| tx.get::<TaskRun>(runs[place]).unwrap().unwrap().started_at.unwrap();
    let new = RunQuery::new;
    for (query, expected) in [
        (new(), &[5, 4, 3, 2, 1, 0][..]),
        (new().limit(2).offset(1), &[4, 3]),
        (new().run_type("even"), &[4, 2, 0]),
        (new().status(RunStatus::Failed), &[3, 0]),
        (new().status(RunStatus::Failed).run_type("odd"), &[3]),
        (new().started_after(time(2)).started_before(time(4)), &[4, 3, 2]),
        (new().run_type("odd").started_before(time(3)).limit(1), &[3]),
        (new().run_type("none"), &[]),
    ] {
        let found = tx.tasks().list(&query).unwrap();
        let found: Vec<_> = found.into_iter().map(|(id, _)| id).collect();
        let expected: Vec<_> = expected.iter().map(|place| runs[*place]).collect();
        assert_eq!(found, expected, "{query:?}");
    }
}

#[test]
fn events_are_listed_oldest_first_by_level_and_type() {
    let (_home, store) = new_store();
    let (run, other) = (start(&store), start(&store));
    let task = add(&store, run, "index");
    for (of, event_type, level) in [
        (run, "task_started", EventLevel::Info),
        (other, "task_started", EventLevel::Info),
        (run, "task_progress", EventLevel::Warning),
        (run, "task_progress", EventLevel::Info),
    ] {
        let event = NewEvent::new(of, event_type, "text").level(level);
        let event = if of == run { event.task(task) } else { event };
        store.write(|tx| tx.tasks().event(event)).unwrap();
    }
    let tx = store.read().unwrap();
    let keys = |query: &EventQuery| -> Vec<u64> {
        tx.tasks().events(query).unwrap().iter().map(|(id, _)| id.key()).collect()
    };
    assert_eq!(keys(&EventQuery::new(run)), [1, 3, 4]);
    assert_eq!(keys(&EventQuery::new(run).limit(1)), [1]);
    assert_eq!(keys(&EventQuery::new(run).event_type("task_progress")), [3, 4]);
    assert_eq!(keys(&EventQuery::new(run).level(EventLevel::Warning)), [3]);
    assert_eq!(keys(&EventQuery::new(other)), [2]);
}
