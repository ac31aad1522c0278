//! Workflow jobs and idempotency keys: steps, completion, undo, deliveries, kept answers.

use engraph::family::NewWorkflow;
use engraph::record::{DraftState, WorkflowJob, WorkflowStatus, WorkflowStep};
use engraph::{Json, Seq, Store};

use crate::check::{fault, sound};
use crate::workload::new_store;

const STEPS: [WorkflowStep; 7] = [
    WorkflowStep::Sources,
    WorkflowStep::IndexExtract,
    WorkflowStep::Summarize,
    WorkflowStep::Proposals,
    WorkflowStep::Review,
    WorkflowStep::Apply,
    WorkflowStep::Analytics,
];

fn create(store: &Store) -> String {
    store.write(|tx| tx.workflow().create(NewWorkflow::new())).unwrap()
}

fn job(store: &Store, name: &str) -> WorkflowJob {
    store.read().unwrap().workflow().get(name).unwrap().unwrap().1
}

fn json(text: &str) -> Json {
    Json::from_text(text).unwrap()
}

#[test]
fn a_new_job_has_a_name_of_its_own_and_seven_steps_to_go() {
    let (_home, store) = new_store();
    let new = NewWorkflow::new().webhook_url("http://x").metadata(json(r#"{"who": "me"}"#));
    let names = store.write(|tx| {
        let first = tx.workflow().create(new.clone())?;
        Ok([first, tx.workflow().create(new)?])
    });
    let names = names.unwrap();
    assert_ne!(names[0], names[1], "also within one write");
    let digits = names[0].strip_prefix("wf_").unwrap();
    assert!(digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let job = job(&store, &names[0]);
    assert_eq!((job.status, job.progress), (WorkflowStatus::Queued, Some(0.0)));
    assert!(job.webhook_enabled && job.workflow == "memory_first_v2");
    let steps = job.stepper.unwrap().to_value().unwrap();
    let steps = steps.as_array().unwrap();
    let in_order = steps.iter().map(|step| step["name"].as_str().unwrap());
    assert!(in_order.eq(STEPS.iter().map(WorkflowStep::as_str)));
    assert!(steps.iter().all(|step| step["status"] == "not_started"));
    let metadata = job.metadata.unwrap().to_value().unwrap();
    let expected = r#"{"who":"me","completed_steps":[],"last_result_by_step":{}}"#;
    assert_eq!(metadata.to_string(), expected);
}

#[test]
fn asking_for_a_job_that_is_not_there_makes_none() {
    let (_home, store) = new_store();
    assert_eq!(store.read().unwrap().workflow().get("wf_0123456789ab").unwrap(), None);
    let found = store.write(|tx| tx.workflow().get("wf_0123456789ab")).unwrap();
    assert_eq!((found, store.seq()), (None, Seq(0)));
    let step = &WorkflowStep::Sources;
    assert_eq!(fault(store.write(|tx| tx.workflow().start_step("wf_x", step))), "not_found");
    assert!(!store.write(|tx| tx.workflow().cancel("wf_x")).unwrap());
}

#[test]
fn a_job_is_completed_when_all_its_steps_are() {
    let (_home, store) = new_store();
    let name = create(&store);
    for (place, step) in STEPS.iter().enumerate() {
        assert_ne!(job(&store, &name).status, WorkflowStatus::Completed, "before {step}");
        store.write(|tx| tx.workflow().start_step(&name, step)).unwrap();
        let begun = job(&store, &name);
        assert_eq!((begun.status, &begun.current_step), (WorkflowStatus::Running, step));
        assert_eq!(begun.progress, Some((place + 1) as f64 / 7.0));
        assert_eq!(begun.draft_state, DraftState::Saving);
        let result = Some(json(r#"{"count": 3}"#));
        store.write(|tx| tx.workflow().finish_step(&name, step, result)).unwrap();
    }
    let done = job(&store, &name);
    assert_eq!((&done.status, &done.draft_state), (&WorkflowStatus::Completed, &DraftState::Clean));
    assert!(done.completed_at.is_some());
    let metadata = done.metadata.unwrap().to_value().unwrap();
    assert_eq!(metadata["last_result_by_step"]["apply"]["count"], 3);
    let again = store.write(|tx| tx.workflow().start_step(&name, &STEPS[0]));
    assert_eq!(fault(again), "conflict");
    sound(&store);
}

#[test]
fn a_failed_step_fails_the_job_and_can_be_started_again() {
    let (_home, store) = new_store();
    let name = create(&store);
    let step = &WorkflowStep::Summarize;
    let early = store.write(|tx| tx.workflow().finish_step(&name, step, None));
    assert_eq!(fault(early), "conflict", "it was not started");
    store.write(|tx| tx.workflow().start_step(&name, step)).unwrap();
    store.write(|tx| tx.workflow().fail_step(&name, step, "no model")).unwrap();
    let failed = job(&store, &name);
    let states = (failed.status, failed.draft_state);
    assert_eq!(states, (WorkflowStatus::Failed, DraftState::Failed));
    assert_eq!(failed.metadata.unwrap().to_value().unwrap()["last_error"], "no model");
    store.write(|tx| tx.workflow().start_step(&name, step)).unwrap();
    store.write(|tx| tx.workflow().start_step(&name, &STEPS[0])).unwrap();
    assert_eq!(job(&store, &name).progress, Some(3.0 / 7.0), "it never goes back");
    let odd = store.write(|tx| tx.workflow().start_step(&name, &"odd".into()));
    assert_eq!(fault(odd), "invalid");
}

#[test]
fn a_step_that_is_begun_anew_is_not_done_until_it_is_finished_again() {
    let (_home, store) = new_store();
    let name = create(&store);
    let run = |step: &WorkflowStep| {
        store.write(|tx| tx.workflow().start_step(&name, step)).unwrap();
        store.write(|tx| tx.workflow().finish_step(&name, step, None)).unwrap();
    };
    run(&STEPS[0]);
    store.write(|tx| tx.workflow().start_step(&name, &STEPS[0])).unwrap();
    store.write(|tx| tx.workflow().fail_step(&name, &STEPS[0], "no disk")).unwrap();
    STEPS[1..].iter().for_each(run);
    assert_ne!(job(&store, &name).status, WorkflowStatus::Completed, "one step has failed");
    run(&STEPS[0]);
    assert_eq!(job(&store, &name).status, WorkflowStatus::Completed);
}

#[test]
fn jobs_wait_are_cancelled_and_are_listed_by_their_last_change() {
    let (_home, store) = new_store();
    let (first, second) = (create(&store), create(&store));
    store.write(|tx| tx.workflow().wait_for_input(&first)).unwrap();
    let names = |status: Option<&WorkflowStatus>, limit| -> Vec<String> {
        let found = store.read().unwrap().workflow().list(status, limit).unwrap();
        found.into_iter().map(|(_, job)| job.job_id).collect()
    };
    assert_eq!(names(None, 9), [first.clone(), second.clone()]);
    assert_eq!(names(Some(&WorkflowStatus::Queued), 9), [second]);
    assert!(store.write(|tx| tx.workflow().cancel(&first)).unwrap());
    assert!(!store.write(|tx| tx.workflow().cancel(&first)).unwrap());
    assert_eq!(fault(store.write(|tx| tx.workflow().wait_for_input(&first))), "conflict");
    assert_eq!(names(Some(&WorkflowStatus::Cancelled), 9), [first]);
}

#[test]
fn what_is_to_be_undone_comes_back_newest_first() {
    let (_home, store) = new_store();
    let name = create(&store);
    for number in 0..30 {
        let entry = json(&format!(r#"{{"token": "t{number}"}}"#));
        store.write(|tx| tx.workflow().push_undo(&name, &entry)).unwrap();
    }
    let undo = job(&store, &name).undo.unwrap().to_value().unwrap();
    assert_eq!(undo.to_string(), r#"{"depth":25,"last_undo_token":"t29"}"#);
    let popped = (0..30).map_while(|_| store.write(|tx| tx.workflow().pop_undo(&name)).unwrap());
    let tokens: Vec<_> = popped.map(|entry| entry.to_value().unwrap()["token"].clone()).collect();
    assert_eq!(tokens.len(), 25);
    assert_eq!((&tokens[0], &tokens[24]), (&"t29".into(), &"t5".into()));
    assert_eq!(fault(store.write(|tx| tx.workflow().push_undo(&name, &json("4")))), "invalid");
}

#[test]
fn the_newest_deliveries_are_kept() {
    let (_home, store) = new_store();
    let name = create(&store);
    for number in 0..52 {
        let status = format!("delivered:200@attempt={number}");
        store.write(|tx| tx.workflow().delivered(&name, &status)).unwrap();
    }
    let job = job(&store, &name);
    let last = "delivered:200@attempt=51";
    assert_eq!(job.webhook_last_delivery_status.as_deref(), Some(last));
    let webhook = &job.metadata.unwrap().to_value().unwrap()["webhook"];
    let deliveries = webhook["deliveries"].as_array().unwrap();
    assert_eq!((deliveries.len(), &deliveries[49]["status"]), (50, &last.into()));
}

#[test]
fn a_repeated_call_gets_the_first_answer() {
    let (_home, store) = new_store();
    let new = || NewWorkflow::new().idempotency_key("k");
    let first = store.write(|tx| tx.workflow().create(new())).unwrap();
    let again = store.write(|tx| tx.workflow().create(new().workflow("other"))).unwrap();
    assert_eq!(again, first);
    assert_eq!(store.read().unwrap().workflow().list(None, 9).unwrap().len(), 1);
    let scope = "execute_step:wf_1:apply";
    store.write(|tx| tx.workflow().keep_answer(scope, "k", json("1"))).unwrap();
    store.write(|tx| tx.workflow().keep_answer(scope, "k", json("2"))).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.workflow().answer(scope, "k").unwrap(), Some(json("2")));
    assert_eq!(tx.workflow().answer(scope, "other").unwrap(), None);
    assert_eq!(fault(store.write(|tx| tx.workflow().keep_answer("", "k", json("1")))), "invalid");
    let before = store.last_write_time();
    assert_eq!(store.write(|tx| tx.workflow().forget_answers(before, 1)).unwrap(), 1);
    assert_eq!(store.write(|tx| tx.workflow().forget_answers(before, 9)).unwrap(), 1);
    assert_eq!(store.read().unwrap().workflow().answer(scope, "k").unwrap(), None);
}
