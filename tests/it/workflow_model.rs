//! Workflow jobs and kept answers: random calls of several actors against a plain model, and
//! threads of which one makes a job, ends a step, or takes an entry off the undo stack.

use std::collections::{BTreeMap, BTreeSet};

use engraph::family::NewWorkflow;
use engraph::record::{DraftState, IdempotencyKey, WorkflowJob, WorkflowStatus, WorkflowStep};
use engraph::{Json, NodeId, ReadTx, Result, Store, Timestamp, WriteTx};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::check::{fault, only_winner, sound};
use crate::course::{By, Ledger, Model, all, course, follow};
use crate::workload::{new_store, on_threads};

use WorkflowStatus::{Cancelled, Completed, Failed, Queued, Running, WaitingInput};

const STEPS: [WorkflowStep; 7] = [
    WorkflowStep::Sources,
    WorkflowStep::IndexExtract,
    WorkflowStep::Summarize,
    WorkflowStep::Proposals,
    WorkflowStep::Review,
    WorkflowStep::Apply,
    WorkflowStep::Analytics,
];
/// Scopes of answers; the first is that of making jobs.
const SCOPES: [&str; 2] = ["create_job", "execute_step:wf_1:apply"];
const UNDO_MAX: usize = 25;
const DELIVERIES_MAX: usize = 50;

/// What is done to a job.
#[derive(Clone, Debug)]
enum Verb {
    Start(usize),
    Finish(usize, Option<u8>),
    Fail(usize),
    Wait,
    Cancel,
    Push(u8),
    PushNothing,
    Pop,
    Deliver(u8),
}

/// One call. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Call {
    Create {
        key: Option<usize>,
        has_address: bool,
        has_metadata: bool,
    },
    Job(usize, Verb),
    /// Every step of a job, each begun and finished.
    Run(usize),
    Push(usize, u8),
    Deliver(usize, u8),
    Keep(usize, usize, u8),
    Forget(u64, usize),
}

fn calls() -> impl Strategy<Value = Call> {
    // One more than there are: a step that is none.
    let step = || 0..STEPS.len() + 1;
    let verb = prop_oneof![
        4 => step().prop_map(Verb::Start),
        4 => (step(), prop::option::of(any::<u8>()))
            .prop_map(|(step, result)| Verb::Finish(step, result)),
        2 => step().prop_map(Verb::Fail),
        1 => Just(Verb::Wait),
        1 => Just(Verb::Cancel),
        1 => Just(Verb::PushNothing),
        2 => Just(Verb::Pop),
    ];
    let create = (prop::option::of(0_usize..3), prop::bool::ANY, prop::bool::ANY);
    prop_oneof![
        3 => create.prop_map(|(key, has_address, has_metadata)| {
            Call::Create { key, has_address, has_metadata }
        }),
        12 => (any::<usize>(), verb).prop_map(|(job, verb)| Call::Job(job, verb)),
        1 => any::<usize>().prop_map(Call::Run),
        2 => (any::<usize>(), 1_u8..30).prop_map(|(job, count)| Call::Push(job, count)),
        1 => (any::<usize>(), 1_u8..60).prop_map(|(job, count)| Call::Deliver(job, count)),
        1 => (0..SCOPES.len(), 0_usize..3, 0_u8..3)
            .prop_map(|(scope, key, value)| Call::Keep(scope, key, value)),
        1 => (0_u64..20, 0_usize..3).prop_map(|(age, limit)| Call::Forget(age, limit)),
    ]
}

/// A job: what is stored as it is, and what lies in its JSON.
#[derive(Clone, Debug, PartialEq)]
struct Job {
    record: WorkflowJob,
    steps: Vec<(&'static str, Timestamp)>,
    caller: Value,
    done: Vec<usize>,
    results: BTreeMap<String, Value>,
    error: Option<String>,
    undo: Option<Vec<Value>>,
    deliveries: Vec<Value>,
}

impl Job {
    fn is_over(&self) -> bool {
        matches!(self.record.status, Completed | Cancelled)
    }

    fn metadata(&self) -> Value {
        let done: Vec<&str> = self.done.iter().map(|step| STEPS[*step].as_str()).collect();
        let mut metadata = self.caller.clone();
        metadata["completed_steps"] = json!(done);
        metadata["last_result_by_step"] = json!(self.results);
        if let Some(error) = &self.error {
            metadata["last_error"] = json!(error);
        }
        if let Some(undo) = &self.undo {
            metadata["undo_stack"] = json!(undo);
        }
        if let Some(last) = self.deliveries.last() {
            metadata["webhook"] = json!({ "last_delivery": last, "deliveries": self.deliveries });
        }
        metadata
    }

    fn check(&self, found: &WorkflowJob) {
        let value = |json: &Option<Json>| json.as_ref().unwrap().to_value().unwrap();
        let steps: Vec<Value> = STEPS
            .iter()
            .zip(&self.steps)
            .map(|(step, (status, at))| {
                json!({ "name": step.as_str(), "status": status, "updated_at": at.to_string() })
            })
            .collect();
        assert_eq!(value(&found.stepper), json!(steps));
        assert_eq!(value(&found.metadata), self.metadata());
        let undo = self.undo.as_deref().unwrap_or_default();
        let token = undo.last().map(|entry| entry["token"].clone());
        assert_eq!(value(&found.undo), json!({ "depth": undo.len(), "last_undo_token": token }));
        let json =
            |job: &WorkflowJob| (job.stepper.clone(), job.metadata.clone(), job.undo.clone());
        let (stepper, metadata, undo) = json(found);
        assert_eq!(*found, WorkflowJob { stepper, metadata, undo, ..self.record.clone() });
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Plain {
    ids: BTreeMap<String, NodeId>,
    jobs: BTreeMap<NodeId, Job>,
    answers: BTreeMap<NodeId, IdempotencyKey>,
    ledger: Ledger,
}

impl Plain {
    /// The name of a job, or now and then one that none has.
    fn name(&self, number: usize) -> String {
        let job = self.jobs.values().nth(number % (self.jobs.len() + 1));
        job.map_or_else(|| "wf_000000000000".to_owned(), |job| job.record.job_id.clone())
    }

    fn answer(&self, scope: &str, key: &str) -> Option<(NodeId, &IdempotencyKey)> {
        let mut answers = self.answers.iter();
        let found = answers.find(|(_, row)| row.scope == scope && row.idempotency_key == key);
        found.map(|(id, row)| (*id, row))
    }

    fn kept(&mut self, tx: &WriteTx<'_>, (scope, key): (&str, &str), response: Json, by: By) {
        let known = self.answer(scope, key).map(|(id, row)| (id, row.created_at));
        let (id, created_at) = known.unwrap_or_else(|| {
            let found = tx.find::<IdempotencyKey>("scope_key", (scope, key)).unwrap();
            (found.unwrap().0, Some(by.now))
        });
        let row = IdempotencyKey {
            scope: scope.to_owned(),
            idempotency_key: key.to_owned(),
            response: Some(response),
            created_at,
            updated_at: Some(by.now),
        };
        if self.answers.get(&id) != Some(&row) {
            self.ledger.put(id, by);
            self.answers.insert(id, row);
        }
    }

    fn create(
        &mut self,
        tx: &mut WriteTx<'_>,
        key: Option<String>,
        (has_address, has_metadata): (bool, bool),
        by: By,
    ) {
        let mut new = NewWorkflow::new();
        let caller = if has_metadata { json!({ "who": "me" }) } else { json!({}) };
        if let Some(key) = &key {
            new = new.idempotency_key(key);
        }
        if has_address {
            new = new.webhook_url("http://x");
        }
        if has_metadata {
            new = new.metadata(Json::of(&caller).unwrap());
        }
        let done = tx.workflow().create(new);
        let known = key.as_ref().and_then(|key| self.answer(SCOPES[0], key));
        if let Some((_, known)) = known {
            let answer = known.response.as_ref().unwrap().to_value().unwrap();
            return match answer["job_id"].as_str() {
                Some(name) => assert_eq!(done.unwrap(), name, "the first answer, for ever"),
                None => assert_eq!(fault(done), "corrupt"),
            };
        }
        let name = done.unwrap();
        let digits = name.strip_prefix("wf_").unwrap();
        assert!(digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let (id, _) = tx.workflow().get(&name).unwrap().unwrap();
        assert_eq!(self.ids.insert(name.clone(), id), None, "a name of its own");
        self.ledger.put(id, by);
        let record = WorkflowJob {
            job_id: name.clone(),
            workflow: "memory_first_v2".to_owned(),
            status: Queued,
            current_step: WorkflowStep::Sources,
            progress: Some(0.0),
            draft_state: DraftState::Clean,
            started_at: Some(by.now),
            updated_at: Some(by.now),
            completed_at: None,
            idempotency_key: key.clone(),
            webhook_enabled: has_address,
            webhook_url: has_address.then(|| "http://x".to_owned()),
            webhook_last_delivery_status: None,
            webhook_last_delivery_at: None,
            stepper: None,
            pagination: Some(Json::from_text("{}").unwrap()),
            undo: None,
            metadata: None,
        };
        let job = Job {
            record,
            steps: vec![("not_started", by.now); STEPS.len()],
            caller,
            done: Vec::new(),
            results: BTreeMap::new(),
            error: None,
            undo: None,
            deliveries: Vec::new(),
        };
        self.jobs.insert(id, job);
        if let Some(key) = key {
            let answer = Json::of(&json!({ "job_id": name })).unwrap();
            self.kept(tx, (SCOPES[0], &key), answer, by);
        }
    }

    /// Does something to a job, compares, and follows it.
    fn job(&mut self, tx: &mut WriteTx<'_>, name: &str, verb: &Verb, by: By) {
        let id = self.ids.get(name).copied();
        let job = id.map(|id| &self.jobs[&id]);
        let done = call(tx, name, verb);
        match outcome(job, verb) {
            Outcome::Refused(kind) => assert_eq!(fault(done), kind, "{verb:?}"),
            Outcome::Nothing => assert_eq!(done.unwrap(), Done::Nothing, "{verb:?}"),
            Outcome::Done => {
                let id = id.unwrap();
                let mut job = self.jobs[&id].clone();
                let told = follow_verb(&mut job, verb, by.now);
                assert_eq!(done.unwrap(), told, "{verb:?}");
                job.record.updated_at = Some(by.now);
                if self.jobs[&id] != job {
                    self.ledger.put(id, by);
                    self.jobs.insert(id, job);
                }
            }
        }
    }

    fn forget(&mut self, tx: &mut WriteTx<'_>, before: Timestamp, limit: usize, by: By) {
        let mut old: Vec<_> = self
            .answers
            .iter()
            .filter(|(_, row)| row.created_at < Some(before))
            .map(|(id, row)| (row.created_at, *id))
            .collect();
        old.sort_unstable();
        old.truncate(limit);
        assert_eq!(tx.workflow().forget_answers(before, limit).unwrap(), old.len());
        for (_, id) in old {
            self.ledger.delete(id, by);
            self.answers.remove(&id);
        }
    }
}

/// What a call gave.
#[derive(Debug, PartialEq)]
enum Done {
    Something,
    Nothing,
    Popped(Value),
}

fn call(tx: &mut WriteTx<'_>, name: &str, verb: &Verb) -> Result<Done> {
    let step = |place: usize| STEPS.get(place).cloned().unwrap_or_else(|| "odd".into());
    match verb {
        Verb::Start(place) => tx.workflow().start_step(name, &step(*place))?,
        Verb::Finish(place, result) => {
            let result = result.map(|count| Json::of(&json!({ "count": count })).unwrap());
            tx.workflow().finish_step(name, &step(*place), result)?;
        }
        Verb::Fail(place) => tx.workflow().fail_step(name, &step(*place), &error(*place))?,
        Verb::Wait => tx.workflow().wait_for_input(name)?,
        Verb::Cancel => {
            return Ok(if tx.workflow().cancel(name)? { Done::Something } else { Done::Nothing });
        }
        Verb::Push(number) => tx.workflow().push_undo(name, &Json::of(&entry(*number)).unwrap())?,
        Verb::PushNothing => tx.workflow().push_undo(name, &Json::from_text("[1]").unwrap())?,
        Verb::Pop => {
            let popped = tx.workflow().pop_undo(name)?;
            return Ok(popped.map_or(Done::Nothing, |it| Done::Popped(it.to_value().unwrap())));
        }
        Verb::Deliver(number) => tx.workflow().delivered(name, &delivery(*number))?,
    }
    Ok(Done::Something)
}

fn error(place: usize) -> String {
    format!("no disk for {place}")
}

fn delivery(number: u8) -> String {
    format!("delivered:{number}")
}

fn entry(number: u8) -> Value {
    json!({ "token": number })
}

enum Outcome {
    Refused(&'static str),
    Nothing,
    Done,
}

/// Whether a call may be made: the whole table.
fn outcome(job: Option<&Job>, verb: &Verb) -> Outcome {
    let is_odd = |place: &usize| *place == STEPS.len();
    match (verb, job) {
        (Verb::Start(place) | Verb::Finish(place, _) | Verb::Fail(place), _) if is_odd(place) => {
            Outcome::Refused("invalid")
        }
        (Verb::Cancel, None) => Outcome::Nothing,
        (_, None) => Outcome::Refused("not_found"),
        (Verb::Cancel, Some(job)) if job.is_over() => Outcome::Nothing,
        (Verb::Start(_) | Verb::Finish(..) | Verb::Fail(_) | Verb::Wait, Some(job))
            if job.is_over() =>
        {
            Outcome::Refused("conflict")
        }
        (Verb::Finish(place, _) | Verb::Fail(place), Some(job))
            if job.steps[*place].0 != "in_progress" =>
        {
            Outcome::Refused("conflict")
        }
        (Verb::PushNothing, _) => Outcome::Refused("invalid"),
        (Verb::Pop, Some(job)) if job.undo.as_ref().is_none_or(Vec::is_empty) => Outcome::Nothing,
        _ => Outcome::Done,
    }
}

/// What a call that may be made does to a job, and what it tells.
fn follow_verb(job: &mut Job, verb: &Verb, now: Timestamp) -> Done {
    match verb {
        Verb::Start(place) => {
            job.record.status = Running;
            job.record.draft_state = DraftState::Saving;
            job.record.current_step = STEPS[*place].clone();
            let reached = (place + 1) as f64 / STEPS.len() as f64;
            job.record.progress = job.record.progress.map(|progress| progress.max(reached));
            job.done.retain(|done| done != place);
            job.steps[*place] = ("in_progress", now);
        }
        Verb::Finish(place, result) => {
            job.record.draft_state = DraftState::Clean;
            job.done.push(*place);
            job.steps[*place] = ("complete", now);
            if let Some(count) = result {
                job.results.insert(STEPS[*place].to_string(), json!({ "count": count }));
            }
            if job.done.len() == STEPS.len() {
                (job.record.status, job.record.completed_at) = (Completed, Some(now));
            }
        }
        Verb::Fail(place) => {
            (job.record.status, job.record.draft_state) = (Failed, DraftState::Failed);
            job.error = Some(error(*place));
            job.steps[*place] = ("failed", now);
        }
        Verb::Wait => job.record.status = WaitingInput,
        Verb::Cancel => (job.record.status, job.record.completed_at) = (Cancelled, Some(now)),
        Verb::Push(number) => {
            let undo = job.undo.get_or_insert_default();
            undo.push(entry(*number));
            undo.drain(..undo.len().saturating_sub(UNDO_MAX));
        }
        Verb::PushNothing => {}
        Verb::Pop => return Done::Popped(job.undo.as_mut().unwrap().pop().unwrap()),
        Verb::Deliver(number) => {
            let status = delivery(*number);
            job.deliveries.push(json!({ "status": status, "at": now.to_string() }));
            job.deliveries.drain(..job.deliveries.len().saturating_sub(DELIVERIES_MAX));
            job.record.webhook_last_delivery_status = Some(status);
            job.record.webhook_last_delivery_at = Some(now);
        }
    }
    Done::Something
}

impl Model for Plain {
    type Call = Call;

    fn begin(_store: &Store) -> Self {
        Self::default()
    }

    fn call(&mut self, tx: &mut WriteTx<'_>, call: &Call, by: By) {
        match call {
            Call::Create { key, has_address, has_metadata } => {
                let key = key.map(|key| format!("k{key}"));
                self.create(tx, key, (*has_address, *has_metadata), by);
            }
            Call::Job(number, verb) => self.job(tx, &self.name(*number), verb, by),
            Call::Run(number) => {
                let name = self.name(*number);
                for place in 0..STEPS.len() {
                    self.job(tx, &name, &Verb::Start(place), by);
                    self.job(tx, &name, &Verb::Finish(place, None), by);
                }
            }
            Call::Push(number, count) => {
                let name = self.name(*number);
                for number in 0..*count {
                    self.job(tx, &name, &Verb::Push(number), by);
                }
            }
            Call::Deliver(number, count) => {
                let name = self.name(*number);
                for number in 0..*count {
                    self.job(tx, &name, &Verb::Deliver(number), by);
                }
            }
            Call::Keep(scope, key, value) => {
                let (scope, key) = (SCOPES[*scope], format!("k{key}"));
                let value = if *value == 0 {
                    json!(self.jobs.len())
                } else {
                    json!({ "job_id": self.name(usize::from(*value)) })
                };
                let value = Json::of(&value).unwrap();
                tx.workflow().keep_answer(scope, &key, value.clone()).unwrap();
                self.kept(tx, (scope, &key), value, by);
            }
            Call::Forget(age, limit) => {
                let before = i64::try_from(*age).unwrap() * 1_000_000;
                let before = Timestamp::from_micros(by.now.as_micros() - before);
                self.forget(tx, before, *limit, by);
            }
        }
    }

    fn check(&self, tx: &ReadTx) {
        let stored = all::<WorkflowJob>(tx);
        assert!(stored.keys().eq(self.jobs.keys()));
        for (id, job) in &self.jobs {
            job.check(&stored[id]);
            let name = &job.record.job_id;
            assert_eq!(tx.workflow().get(name).unwrap().unwrap().0, *id);
        }
        assert_eq!(all(tx), self.answers);
        for row in self.answers.values() {
            let found = tx.workflow().answer(&row.scope, &row.idempotency_key).unwrap();
            assert_eq!(found, row.response);
        }
        for status in [None, Some(Queued), Some(Running), Some(Failed), Some(Completed)] {
            let met = self.jobs.iter().filter(|(_, job)| {
                status.as_ref().is_none_or(|status| *status == job.record.status)
            });
            let mut expected: Vec<_> = met.map(|(id, job)| (job.record.updated_at, *id)).collect();
            expected.sort_unstable();
            let expected: Vec<_> = expected.into_iter().rev().map(|(_, id)| id).take(3).collect();
            let found = tx.workflow().list(status.as_ref(), 3).unwrap();
            let found: Vec<_> = found.into_iter().map(|(id, _)| id).collect();
            assert_eq!(found, expected, "{status:?}, changed last first");
        }
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn jobs_and_answers_do_what_a_plain_model_says(writes in course(calls(), 25)) {
        follow::<Plain>(&writes);
    }
}

#[test]
fn of_eight_threads_that_make_a_job_under_one_key_one_does() {
    let (_home, store) = new_store();
    for round in 0..8 {
        let new = || NewWorkflow::new().idempotency_key(format!("k{round}"));
        let names = on_threads(8, |_| store.write(|tx| tx.workflow().create(new())).unwrap());
        assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
    }
    let jobs = store.read().unwrap().workflow().list(None, 99).unwrap();
    let names: BTreeSet<_> = jobs.iter().map(|(_, job)| &job.job_id).collect();
    assert_eq!((jobs.len(), names.len()), (8, 8));
    sound(&store);
}

#[test]
fn of_eight_threads_that_end_a_step_one_does_and_the_last_step_ends_the_job() {
    let (_home, store) = new_store();
    let name = store.write(|tx| tx.workflow().create(NewWorkflow::new())).unwrap();
    let job = || store.read().unwrap().workflow().get(&name).unwrap().unwrap().1;
    for step in &STEPS {
        let mut is_finished = false;
        while !is_finished {
            store.write(|tx| tx.workflow().start_step(&name, step)).unwrap();
            let ended = on_threads(8, |thread| {
                let result = Json::of(&json!({ "thread": thread })).unwrap();
                let ended = store.write(|tx| match thread {
                    0 => tx.workflow().fail_step(&name, step, "thread 0"),
                    _ => tx.workflow().finish_step(&name, step, Some(result)),
                });
                ended.map_err(|error| error.kind())
            });
            let winner = only_winner(&ended);
            let metadata = job().metadata.unwrap().to_value().unwrap();
            is_finished = winner > 0;
            if is_finished {
                let result = &metadata["last_result_by_step"][step.as_str()];
                assert_eq!(result["thread"], winner);
            } else {
                assert_eq!((job().status, &metadata["last_error"]), (Failed, &"thread 0".into()));
            }
        }
    }
    assert_eq!(job().status, Completed);
    let cancelled = on_threads(8, |_| store.write(|tx| tx.workflow().cancel(&name)).unwrap());
    assert_eq!(cancelled, [false; 8], "it has ended");
    sound(&store);
}

#[test]
fn of_eight_threads_one_takes_each_entry_off_the_undo_stack() {
    let (_home, store) = new_store();
    let name = store.write(|tx| tx.workflow().create(NewWorkflow::new())).unwrap();
    for number in 0..20 {
        let entry = Json::of(&entry(number)).unwrap();
        store.write(|tx| tx.workflow().push_undo(&name, &entry)).unwrap();
    }
    let pop = || store.write(|tx| tx.workflow().pop_undo(&name)).unwrap();
    let taken = on_threads(8, |_| std::iter::from_fn(pop).collect::<Vec<_>>());
    for of_thread in &taken {
        let tokens: Vec<_> = of_thread
            .iter()
            .map(|entry| entry.to_value().unwrap()["token"].as_u64().unwrap())
            .collect();
        assert!(tokens.is_sorted_by(|a, b| a > b), "newest first: {tokens:?}");
    }
    let mut all: Vec<String> = taken.iter().flatten().map(|it| it.as_str().to_owned()).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!((all.len(), taken.iter().flatten().count()), (20, 20));
    sound(&store);
}
