//! Transcripts of `engraph task` and `engraph job`, on a store whose clock stands.

use std::time::Duration;

use engraph::family::{NewEvent, NewJob, NewRun, NewTask, RetryPolicy, TaskChange};
use engraph::{Json, ManualClock, Result, Store, Timestamp, WriteTx};

use crate::session::Session;

const START: Timestamp = Timestamp::from_micros(1_771_057_082_000_000);
const LEASE: Duration = Duration::from_secs(60);

fn fill(tx: &mut WriteTx<'_>) -> Result<()> {
    let payload = Json::from_text(r#"{"mode": "index", "roots": ["cases"]}"#)?;
    let run = tx.tasks().start(NewRun::new("file_pipeline").payload(payload))?;
    let task = tx.tasks().add(NewTask::new(run, "index"))?;
    tx.tasks().change(task, TaskChange::new().progress(40.0))?;
    tx.tasks().event(NewEvent::new(run, "task_started", "index \u{1b}[31mred").task(task))?;
    let done = tx.tasks().start(NewRun::new("file_pipeline"))?;
    tx.tasks().complete(done, None)?;
    let once = NewJob::new("refresh").max_retries(0).retry(RetryPolicy::Fixed(LEASE));
    tx.jobs().enqueue(once)?;
    if let Some(claimed) = tx.jobs().claim("w", LEASE)? {
        tx.jobs().fail(claimed.lease, "disk is away")?;
    }
    tx.jobs().enqueue(NewJob::new("index"))?;
    tx.jobs().enqueue(NewJob::new("index").priority(7))?;
    tx.jobs().queue("mail").enqueue(NewJob::new("send")).map(drop)
}

#[test]
fn runs_and_jobs_are_shown_cancelled_retried_and_requeued() {
    let mut session = Session::new();
    let clock = ManualClock::new(START);
    let store = Store::builder().clock(clock).create(session.path("s")).unwrap();
    store.write(fill).unwrap();
    store.close().unwrap();
    session
        .say("task runs s")
        .say("task runs s --status completed --json")
        .say("task runs s --type other")
        .say("task list s task_run:1")
        .say("task show s task_run:1")
        .say("task show s task_run:1 --json")
        .say("task events s task_run:1")
        .say("task show s task_run:9")
        .say("task retry s task_run:1")
        .say("task retry s task_run:2")
        .say("job list s")
        .say("job list s --queue mail --json")
        .say("job list s --status dead_letter")
        .say("job dead s")
        .say("job stats s")
        .say("job requeue s dead_letter:1 dead_letter:9")
        .say("job dead s --json")
        .say("job requeue s dead_letter:1")
        .say("job stats s --json")
        .say("task cancel s task_run:1")
        .say("task cancel s task_run:1")
        .say("task retry s task_run:1 --json")
        .check("task.txt");
}
