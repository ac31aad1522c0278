//! Runs, tasks and events: random calls of several actors against a plain model with a table of
//! how a run may end, and threads of which one ends it.

use std::collections::BTreeMap;

use engraph::family::{EventQuery, NewEvent, NewRun, NewTask, RunQuery, TaskChange};
use engraph::record::{EventLevel, RunStatus, Task, TaskEvent, TaskRun};
use engraph::{Json, NodeId, ReadTx, Store, WriteTx};
use proptest::prelude::*;

use crate::check::{fault, only_winner, sound};
use crate::course::{By, Ledger, Model, all, course, follow, pick};
use crate::workload::{new_store, on_threads};

use RunStatus::{Cancelled, Completed, Failed, Running};

/// Type, payload, and whether such a run can be started anew.
const KINDS: [(&str, &str, bool); 4] = [
    ("file_pipeline", r#"{"mode": "refresh"}"#, true),
    ("file_pipeline", r#"{"mode": ""}"#, false),
    ("file_pipeline", "{}", false),
    ("import", "{}", true),
];
const LEVELS: [EventLevel; 3] = [EventLevel::Info, EventLevel::Warning, EventLevel::Error];
const OBJECT: &str = r#"{"n": 1}"#;
/// What is nowhere taken.
const LIST: &str = "[1]";

#[derive(Clone, Copy, Debug)]
enum End {
    Complete,
    Fail,
    Cancel,
}

/// What a run becomes: the whole table.
fn becomes(end: End, status: &RunStatus, has_open_tasks: bool) -> Option<RunStatus> {
    match (end, status, has_open_tasks) {
        (End::Complete, Running, false) => Some(Completed),
        (End::Fail, Running, _) => Some(Failed),
        (End::Cancel, Running, _) => Some(Cancelled),
        _ => None,
    }
}

/// One call. Numbers choose among what there is; a text is JSON.
#[derive(Clone, Debug)]
enum Call {
    Start(usize),
    End(End, usize, Option<&'static str>),
    Retry(usize),
    Add(usize),
    Change(usize, Option<f64>, Option<&'static str>, Option<RunStatus>),
    Note { run: usize, task: Option<usize>, level: usize, data: Option<&'static str> },
}

fn calls() -> impl Strategy<Value = Call> {
    let any = any::<usize>;
    let json = || prop::option::of(prop_oneof![4 => Just(OBJECT), 1 => Just(LIST)]);
    let end = prop_oneof![2 => Just(End::Complete), 1 => Just(End::Fail), 1 => Just(End::Cancel)];
    let percents = prop_oneof![
        6 => prop::sample::select(vec![0.0, 40.0, 100.0]),
        1 => prop::sample::select(vec![-0.5, 100.5, f64::NAN]),
    ];
    let status = prop::sample::select(vec![Completed, Failed]);
    let change = (any(), prop::option::of(percents), json(), prop::option::of(status));
    prop_oneof![
        2 => (0..KINDS.len()).prop_map(Call::Start),
        2 => (end, any(), json()).prop_map(|(end, run, json)| Call::End(end, run, json)),
        1 => any().prop_map(Call::Retry),
        3 => any().prop_map(Call::Add),
        4 => change.prop_map(|(task, percent, json, status)| {
            Call::Change(task, percent, json, status)
        }),
        2 => (any(), prop::option::of(any()), 0..LEVELS.len(), json())
            .prop_map(|(run, task, level, data)| Call::Note { run, task, level, data }),
    ]
}

/// Whether a run is on a list.
type IsMet = fn(&TaskRun) -> bool;

fn json(text: &str) -> Json {
    Json::from_text(text).unwrap()
}

#[derive(Clone, Debug, PartialEq)]
struct Plain {
    runs: BTreeMap<NodeId, TaskRun>,
    tasks: BTreeMap<NodeId, Task>,
    events: BTreeMap<NodeId, TaskEvent>,
    gone_run: NodeId,
    gone_task: NodeId,
    ledger: Ledger,
}

impl Plain {
    fn put_run(&mut self, id: NodeId, run: TaskRun, by: By) {
        self.ledger.put(id, by);
        self.runs.insert(id, run);
    }

    fn put_task(&mut self, id: NodeId, task: Task, by: By) {
        if self.tasks.get(&id) != Some(&task) {
            self.ledger.put(id, by);
            self.tasks.insert(id, task);
        }
    }

    fn put_event(&mut self, id: NodeId, event: TaskEvent, by: By) {
        self.ledger.put(id, by);
        assert_eq!(self.events.insert(id, event), None);
    }

    fn started(&mut self, id: NodeId, (run_type, payload): (&str, Json), by: By) {
        let run = TaskRun {
            run_type: run_type.to_owned(),
            status: Running,
            payload: Some(payload),
            summary: None,
            started_at: Some(by.now),
            completed_at: None,
        };
        self.put_run(id, run, by);
    }

    fn open_tasks(&self, run: NodeId) -> Vec<NodeId> {
        let is_open = |task: &Task| task.run == Some(run) && task.status == Running;
        self.tasks.iter().filter(|(_, task)| is_open(task)).map(|(id, _)| *id).collect()
    }

    fn end(
        &mut self,
        tx: &mut WriteTx<'_>,
        (end, id): (End, NodeId),
        summary: Option<&'static str>,
        by: By,
    ) {
        let given = summary.map(json);
        let done = match end {
            End::Complete => tx.tasks().complete(id, given.clone()).map(|()| true),
            End::Fail => tx.tasks().fail(id, given.clone()).map(|()| true),
            End::Cancel => tx.tasks().cancel(id),
        };
        let is_cancel = matches!(end, End::Cancel);
        let open = self.open_tasks(id);
        let status = match self.runs.get(&id).map(|run| becomes(end, &run.status, !open.is_empty()))
        {
            Some(Some(status)) => status,
            _ if is_cancel => return assert!(!done.unwrap()),
            Some(None) => return assert_eq!(fault(done), "conflict"),
            None => return assert_eq!(fault(done), "not_found"),
        };
        if !is_cancel && summary == Some(LIST) {
            return assert_eq!(fault(done), "invalid");
        }
        assert!(done.unwrap());
        for id in open {
            let mut task = self.tasks[&id].clone();
            (task.status, task.completed_at) = (status.clone(), Some(by.now));
            self.put_task(id, task, by);
        }
        let mut run = self.runs[&id].clone();
        (run.status, run.completed_at) = (status, Some(by.now));
        run.summary = given.filter(|_| !is_cancel);
        self.put_run(id, run, by);
        if is_cancel {
            let (event, _) = tx.tasks().events(&EventQuery::new(id)).unwrap().pop().unwrap();
            let noted = TaskEvent {
                run: Some(id),
                task: None,
                level: EventLevel::Warning,
                event_type: "run_cancelled".to_owned(),
                message: Some("Run cancelled".to_owned()),
                data: Some(json("{}")),
                created_at: Some(by.now),
            };
            self.put_event(event, noted, by);
        }
    }

    fn retry(&mut self, tx: &mut WriteTx<'_>, id: NodeId, by: By) {
        let done = tx.tasks().retry(id);
        let Some(run) = self.runs.get(&id).cloned() else {
            return assert_eq!(fault(done), "not_found");
        };
        if run.status == Running {
            return assert_eq!(fault(done), "conflict");
        }
        let payload = run.payload.unwrap();
        let can_be_retried = KINDS
            .iter()
            .any(|(name, text, can)| *can && *name == run.run_type && *text == payload.as_str());
        if !can_be_retried {
            return assert_eq!(fault(done), "invalid");
        }
        self.started(done.unwrap(), (&run.run_type, payload), by);
    }

    fn add(&mut self, tx: &mut WriteTx<'_>, run: NodeId, by: By) {
        let done = tx.tasks().add(NewTask::new(run, "step"));
        match self.runs.get(&run).map(|run| &run.status) {
            None => assert_eq!(fault(done), "not_found"),
            Some(Running) => {
                let task = Task {
                    run: Some(run),
                    task_name: "step".to_owned(),
                    status: Running,
                    progress: Some(0.0),
                    payload: Some(json("{}")),
                    result: None,
                    started_at: Some(by.now),
                    completed_at: None,
                };
                self.put_task(done.unwrap(), task, by);
            }
            Some(_) => assert_eq!(fault(done), "conflict"),
        }
    }

    fn change(
        &mut self,
        tx: &mut WriteTx<'_>,
        id: NodeId,
        (progress, result, status): (Option<f64>, Option<&str>, Option<&RunStatus>),
        by: By,
    ) {
        let mut change = TaskChange::new();
        if let Some(percent) = progress {
            change = change.progress(percent);
        }
        if let Some(result) = result {
            change = change.result(json(result));
        }
        change = match status {
            Some(Completed) => change.completed(),
            Some(_) => change.failed(),
            None => change,
        };
        let done = tx.tasks().change(id, change);
        if result == Some(LIST) || progress.is_some_and(|percent| !(0.0..=100.0).contains(&percent))
        {
            return assert_eq!(fault(done), "invalid");
        }
        let Some(mut task) = self.tasks.get(&id).cloned() else {
            return assert_eq!(fault(done), "not_found");
        };
        if task.status != Running {
            return assert_eq!(fault(done), "conflict");
        }
        task.progress = progress.or(task.progress);
        task.result = result.map(json).or(task.result);
        if let Some(status) = status {
            (task.status, task.completed_at) = (status.clone(), Some(by.now));
        }
        assert_eq!(done.unwrap(), task);
        self.put_task(id, task, by);
    }

    fn note(
        &mut self,
        tx: &mut WriteTx<'_>,
        (run, task): (NodeId, Option<NodeId>),
        (level, data): (EventLevel, Option<&str>),
        by: By,
    ) {
        let mut new = NewEvent::new(run, "note", "text").level(level.clone());
        if let Some(task) = task {
            new = new.task(task);
        }
        if let Some(data) = data {
            new = new.data(json(data));
        }
        let done = tx.tasks().event(new);
        let of_task = task.map(|id| self.tasks.get(&id).map(|task| task.run == Some(run)));
        if !self.runs.contains_key(&run) || of_task == Some(None) {
            return assert_eq!(fault(done), "not_found");
        }
        if of_task == Some(Some(false)) || data == Some(LIST) {
            return assert_eq!(fault(done), "invalid");
        }
        let event = TaskEvent {
            run: Some(run),
            task,
            level,
            event_type: "note".to_owned(),
            message: Some("text".to_owned()),
            data: Some(json(data.unwrap_or("{}"))),
            created_at: Some(by.now),
        };
        self.put_event(done.unwrap(), event, by);
    }

    fn check_lists(&self, tx: &ReadTx) {
        let new = RunQuery::new;
        let failed = new().run_type("file_pipeline").status(Failed);
        let lists: [(RunQuery, IsMet); 5] = [
            (new(), |_| true),
            (new().status(Running), |run| run.status == Running),
            (new().status(Cancelled), |run| run.status == Cancelled),
            (new().run_type("import"), |run| run.run_type == "import"),
            (failed, |run| run.run_type == "file_pipeline" && run.status == Failed),
        ];
        for (query, is_met) in lists {
            let expected = self.runs.iter().rev().filter(|(_, run)| is_met(run));
            let expected: Vec<_> =
                expected.skip(1).take(3).map(|(id, run)| (*id, run.clone())).collect();
            let found = tx.tasks().list(&query.clone().offset(1).limit(3)).unwrap();
            assert_eq!(found, expected, "{query:?}");
        }
    }
}

impl Model for Plain {
    type Call = Call;

    fn begin(store: &Store) -> Self {
        let gone = store.write(|tx| {
            let run = tx.tasks().start(NewRun::new("x"))?;
            let task = tx.tasks().add(NewTask::new(run, "x"))?;
            assert!(tx.delete(task)? && tx.delete(run)?);
            Ok((run, task))
        });
        let (gone_run, gone_task) = gone.unwrap();
        let (runs, tasks, events) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { runs, tasks, events, gone_run, gone_task, ledger: Ledger::default() }
    }

    fn call(&mut self, tx: &mut WriteTx<'_>, call: &Call, by: By) {
        let run = |number: usize| pick(&self.runs, number, self.gone_run);
        let task = |number: usize| pick(&self.tasks, number, self.gone_task);
        match call {
            Call::Start(kind) => {
                let (run_type, payload, _) = KINDS[*kind];
                let new = NewRun::new(run_type).payload(json(payload));
                let id = tx.tasks().start(new).unwrap();
                self.started(id, (run_type, json(payload)), by);
            }
            Call::End(end, number, summary) => self.end(tx, (*end, run(*number)), *summary, by),
            Call::Retry(number) => self.retry(tx, run(*number), by),
            Call::Add(number) => self.add(tx, run(*number), by),
            Call::Change(number, progress, result, status) => {
                self.change(tx, task(*number), (*progress, *result, status.as_ref()), by);
            }
            Call::Note { run: number, task: of, level, data } => {
                let ids = (run(*number), of.map(task));
                self.note(tx, ids, (LEVELS[*level].clone(), *data), by);
            }
        }
    }

    fn check(&self, tx: &ReadTx) {
        assert_eq!(all(tx), self.runs);
        assert_eq!(all(tx), self.tasks);
        assert_eq!(all(tx), self.events);
        for (id, run) in &self.runs {
            let found = tx.tasks().get(*id).unwrap().unwrap();
            assert_eq!(found.run, *run);
            let of_run = self.tasks.iter().filter(|(_, task)| task.run == Some(*id));
            assert!(found.tasks.iter().map(|(id, task)| (id, task)).eq(of_run));
            assert_eq!(tx.tasks().status(*id).unwrap().as_ref(), Some(&run.status));
            let warnings = EventQuery::new(*id).level(EventLevel::Warning);
            for (query, level) in
                [(EventQuery::new(*id), None), (warnings, Some(EventLevel::Warning))]
            {
                let expected = self.events.iter().filter(|(_, event)| {
                    event.run == Some(*id) && level.as_ref().is_none_or(|it| *it == event.level)
                });
                let found = tx.tasks().events(&query).unwrap();
                assert!(found.iter().map(|(id, event)| (id, event)).eq(expected), "{query:?}");
            }
        }
        assert_eq!(tx.tasks().get(self.gone_run).unwrap(), None);
        self.check_lists(tx);
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn runs_and_tasks_do_what_a_plain_model_says(writes in course(calls(), 25)) {
        follow::<Plain>(&writes);
    }
}

#[test]
fn a_summary_that_is_refused_leaves_the_tasks_of_its_run_open() {
    let (_home, store) = new_store();
    let (run, task) = store
        .write(|tx| {
            let run = tx.tasks().start(NewRun::new("x"))?;
            Ok((run, tx.tasks().add(NewTask::new(run, "step"))?))
        })
        .unwrap();
    let seq = store.seq();
    let refused =
        store.write(|tx| Ok(tx.tasks().fail(run, Some(json(LIST))).map_err(|it| it.kind())));
    assert_eq!(refused.unwrap(), Err("invalid"));
    assert_eq!(store.seq(), seq, "nothing was written");
    let found: Task = store.read().unwrap().get(task).unwrap().unwrap();
    assert_eq!((found.status, found.completed_at), (Running, None));
}

#[test]
fn of_eight_threads_that_end_a_task_or_a_run_one_does() {
    let (_home, store) = new_store();
    for round in 0..8 {
        let (run, task) = store
            .write(|tx| {
                let run = tx.tasks().start(NewRun::new("x"))?;
                Ok((run, tx.tasks().add(NewTask::new(run, "step"))?))
            })
            .unwrap();
        let ended = on_threads(8, |thread| {
            let change = TaskChange::new().progress(thread as f64);
            let change = if thread % 2 == 0 { change.completed() } else { change.failed() };
            store.write(|tx| tx.tasks().change(task, change)).map_err(|error| error.kind())
        });
        let winner = only_winner(&ended);
        let found: Task = store.read().unwrap().get(task).unwrap().unwrap();
        assert_eq!(Ok(&found), ended[winner].as_ref());
        let expected = if winner % 2 == 0 { Completed } else { Failed };
        assert_eq!((found.status, found.progress), (expected, Some(winner as f64)));

        let ended = on_threads(8, |thread| match (thread + round) % 3 {
            0 => store.write(|tx| tx.tasks().complete(run, None)).map_err(|error| error.kind()),
            1 => store.write(|tx| tx.tasks().fail(run, None)).map_err(|error| error.kind()),
            _ => {
                let is_cancelled = store.write(|tx| tx.tasks().cancel(run)).unwrap();
                is_cancelled.then_some(()).ok_or("conflict")
            }
        });
        let winner = (only_winner(&ended) + round) % 3;
        let found = store.read().unwrap().tasks().status(run).unwrap().unwrap();
        assert_eq!(found, [Completed, Failed, Cancelled][winner]);
        let events = store.read().unwrap().tasks().events(&EventQuery::new(run)).unwrap();
        assert_eq!(events.len(), usize::from(winner == 2), "told once, by who cancelled");
    }
    sound(&store);
}
