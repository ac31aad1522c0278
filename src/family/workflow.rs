//! Workflow jobs in seven steps, and answers kept under idempotency keys.
//!
//! A job goes through its steps in any order, each started, then finished or failed; when all are
//! done, so is the job. Reading a job never makes or changes one. What the old application keeps in
//! the job's JSON (stepper, undo stack, results, deliveries) is kept there in its form. Telling an
//! address is the caller's; what came of it is noted here.

use std::ops::Deref;

use serde_json::{Map, Value, json};

use super::{Reader, named, object};
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::limits::{WORKFLOW_DELIVERIES_MAX, WORKFLOW_UNDO_MAX};
use crate::base::time::Timestamp;
use crate::record::{DraftState, IdempotencyKey, WorkflowJob, WorkflowStatus, WorkflowStep};
use crate::store::{ReadTx, WriteTx};

const WORKFLOW_DEFAULT: &str = "memory_first_v2";
/// The scope of the answers to [`Workflows::create`].
const CREATE_SCOPE: &str = "create_job";

const STEPS: [WorkflowStep; 7] = [
    WorkflowStep::Sources,
    WorkflowStep::IndexExtract,
    WorkflowStep::Summarize,
    WorkflowStep::Proposals,
    WorkflowStep::Review,
    WorkflowStep::Apply,
    WorkflowStep::Analytics,
];

/// A workflow job to be made.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewWorkflow {
    workflow: String,
    webhook_url: Option<String>,
    idempotency_key: Option<String>,
    metadata: Option<Json>,
}

impl Default for NewWorkflow {
    fn default() -> Self {
        Self {
            workflow: WORKFLOW_DEFAULT.to_owned(),
            webhook_url: None,
            idempotency_key: None,
            metadata: None,
        }
    }
}

impl NewWorkflow {
    /// A job of the workflow `memory_first_v2`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets which workflow.
    pub fn workflow(mut self, name: impl Into<String>) -> Self {
        self.workflow = name.into();
        self
    }

    /// Sets the address that is to be told.
    pub fn webhook_url(mut self, url: impl Into<String>) -> Self {
        self.webhook_url = Some(url.into());
        self
    }

    /// Sets a key: a second job with the same key is the first one.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Sets what the caller keeps with it, a JSON object.
    pub fn metadata(mut self, metadata: Json) -> Self {
        self.metadata = Some(metadata);
        self
    }
}

/// Workflow jobs and idempotency keys of a transaction. Made by [`ReadTx::workflow`] and
/// [`WriteTx::workflow`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::NewWorkflow;
/// use engraph::record::WorkflowStep;
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// let new = NewWorkflow::new().idempotency_key("k-1");
/// let name = store.write(|tx| tx.workflow().create(new.clone()))?;
/// assert_eq!(store.write(|tx| tx.workflow().create(new))?, name);
/// store.write(|tx| {
///     tx.workflow().start_step(&name, &WorkflowStep::Sources)?;
///     tx.workflow().finish_step(&name, &WorkflowStep::Sources, None)
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Workflows<T> {
    tx: T,
}

impl ReadTx {
    /// Workflow jobs and idempotency keys, to look at.
    pub fn workflow(&self) -> Workflows<&Self> {
        Workflows { tx: self }
    }
}

impl WriteTx<'_> {
    /// Workflow jobs and idempotency keys.
    pub fn workflow(&mut self) -> Workflows<&mut Self> {
        Workflows { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Workflows<T> {
    /// The job of that name; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn get(&self, name: &str) -> Result<Option<(NodeId, WorkflowJob)>> {
        self.tx.find("job_id", name)
    }

    /// The jobs, of one state if one is given, changed last first, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(
        &self,
        status: Option<&WorkflowStatus>,
        limit: usize,
    ) -> Result<Vec<(NodeId, WorkflowJob)>> {
        let rows = match status {
            Some(status) => self.tx.index_descending("status", (status,))?,
            None => self.tx.index_descending("updated", ())?,
        };
        rows.take(limit).collect()
    }

    /// The answer that was kept for a call under a key of the caller.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn answer(&self, scope: &str, key: &str) -> Result<Option<Json>> {
        let found = self.tx.find::<IdempotencyKey>("scope_key", (scope, key))?;
        Ok(found.and_then(|(_, row)| row.response))
    }

    fn existing(&self, name: &str) -> Result<(NodeId, WorkflowJob)> {
        self.get(name)?.ok_or_else(|| Error::not_found("workflow_job", name))
    }

    /// A job that has not ended.
    fn open(&self, name: &str) -> Result<(NodeId, WorkflowJob)> {
        let (id, job) = self.existing(name)?;
        if matches!(job.status, WorkflowStatus::Completed | WorkflowStatus::Cancelled) {
            let reason = format!("it is {}", job.status);
            return Err(Error::conflict(format!("workflow_job {name}"), reason));
        }
        Ok((id, job))
    }
}

impl Workflows<&mut WriteTx<'_>> {
    /// Makes a job and returns its name; with an idempotency key that was used before, the name of
    /// the job that was made then.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a workflow without a name, an empty key, or metadata that is no
    /// object; [`Error::Corrupt`] when the answer kept under the key names no job.
    pub fn create(&mut self, new: NewWorkflow) -> Result<String> {
        named("workflow", &new.workflow)?;
        if let Some(key) = &new.idempotency_key {
            named("idempotency_key", key)?;
            if let Some(answer) = self.answer(CREATE_SCOPE, key)? {
                return named_in(&answer, key);
            }
        }
        let now = self.tx.now();
        let name = self.free_name()?;
        let mut metadata = fields(object("metadata", new.metadata)?.as_ref());
        metadata.insert("completed_steps".into(), json!([]));
        metadata.insert("last_result_by_step".into(), json!({}));
        let steps: Vec<Value> =
            STEPS.iter().map(|step| step_value(step.as_str(), "not_started", now)).collect();
        self.tx.insert(&WorkflowJob {
            job_id: name.clone(),
            workflow: new.workflow,
            progress: Some(0.0),
            started_at: Some(now),
            updated_at: Some(now),
            idempotency_key: new.idempotency_key.clone(),
            webhook_enabled: new.webhook_url.is_some(),
            webhook_url: new.webhook_url,
            stepper: Some(Json::of(&steps)?),
            pagination: Some(Json::from_text("{}")?),
            undo: Some(undo_value(&[])?),
            metadata: Some(Json::of(&metadata)?),
            ..WorkflowJob::default()
        })?;
        if let Some(key) = &new.idempotency_key {
            self.keep_answer(CREATE_SCOPE, key, Json::of(&json!({ "job_id": &name }))?)?;
        }
        Ok(name)
    }

    /// Starts a step, also one that failed or was done before.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such job; [`Error::Conflict`] when it is completed or
    /// cancelled; [`Error::Invalid`] for a step outside the seven.
    pub fn start_step(&mut self, name: &str, step: &WorkflowStep) -> Result<()> {
        let place = place_of(step)?;
        let (id, mut job) = self.open(name)?;
        job.status = WorkflowStatus::Running;
        job.draft_state = DraftState::Saving;
        job.current_step = step.clone();
        let reached = (place + 1) as f64 / STEPS.len() as f64;
        job.progress = Some(job.progress.unwrap_or(0.0).max(reached));
        // What is begun anew is not done any more, whatever becomes of it.
        let mut metadata = fields(job.metadata.as_ref());
        let mut done = take_list(&mut metadata, "completed_steps");
        done.retain(|word| word.as_str() != Some(step.as_str()));
        metadata.insert("completed_steps".into(), done.into());
        job.metadata = Some(Json::of(&metadata)?);
        self.set_step(&mut job, step, "in_progress")?;
        self.put(id, job)
    }

    /// Finishes a step that was started, with its result if it has one. The last one of the seven
    /// completes the job.
    ///
    /// # Errors
    /// As [`Workflows::start_step`]; [`Error::Conflict`] also when the step is not under way.
    pub fn finish_step(
        &mut self,
        name: &str,
        step: &WorkflowStep,
        result: Option<Json>,
    ) -> Result<()> {
        let (id, mut job) = self.under_way(name, step)?;
        let mut metadata = fields(job.metadata.as_ref());
        let mut done = take_list(&mut metadata, "completed_steps");
        let word = json!(step.as_str());
        if !done.contains(&word) {
            done.push(word);
        }
        let is_done = STEPS.iter().all(|step| done.contains(&json!(step.as_str())));
        metadata.insert("completed_steps".into(), done.into());
        if let Some(result) = result {
            let mut results = take_object(&mut metadata, "last_result_by_step");
            results.insert(step.to_string(), result.to_value()?);
            metadata.insert("last_result_by_step".into(), results.into());
        }
        job.metadata = Some(Json::of(&metadata)?);
        job.draft_state = DraftState::Clean;
        if is_done {
            job.status = WorkflowStatus::Completed;
            job.completed_at = Some(self.tx.now());
        }
        self.set_step(&mut job, step, "complete")?;
        self.put(id, job)
    }

    /// Says that a step failed, and with it the job. The step can be started again.
    ///
    /// # Errors
    /// As [`Workflows::finish_step`].
    pub fn fail_step(&mut self, name: &str, step: &WorkflowStep, error: &str) -> Result<()> {
        let (id, mut job) = self.under_way(name, step)?;
        job.status = WorkflowStatus::Failed;
        job.draft_state = DraftState::Failed;
        let mut metadata = fields(job.metadata.as_ref());
        metadata.insert("last_error".into(), json!(error));
        job.metadata = Some(Json::of(&metadata)?);
        self.set_step(&mut job, step, "failed")?;
        self.put(id, job)
    }

    /// Says that the job waits for somebody.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such job; [`Error::Conflict`] when it is completed or
    /// cancelled.
    pub fn wait_for_input(&mut self, name: &str) -> Result<()> {
        let (id, mut job) = self.open(name)?;
        job.status = WorkflowStatus::WaitingInput;
        self.put(id, job)
    }

    /// Cancels a job. Tells whether it was there and had not ended.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn cancel(&mut self, name: &str) -> Result<bool> {
        let Some((id, mut job)) = self.get(name)? else { return Ok(false) };
        if matches!(job.status, WorkflowStatus::Completed | WorkflowStatus::Cancelled) {
            return Ok(false);
        }
        job.status = WorkflowStatus::Cancelled;
        job.completed_at = Some(self.tx.now());
        self.put(id, job)?;
        Ok(true)
    }

    /// Remembers what it takes to undo something, a JSON object. The newest 25 are kept.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such job; [`Error::Invalid`] when it is no object.
    pub fn push_undo(&mut self, name: &str, entry: &Json) -> Result<()> {
        let (id, mut job) = self.existing(name)?;
        object("undo", Some(entry.clone()))?;
        let mut metadata = fields(job.metadata.as_ref());
        let mut stack = take_list(&mut metadata, "undo_stack");
        push_bounded(&mut stack, entry.to_value()?, WORKFLOW_UNDO_MAX);
        job.undo = Some(undo_value(&stack)?);
        metadata.insert("undo_stack".into(), stack.into());
        job.metadata = Some(Json::of(&metadata)?);
        self.put(id, job)
    }

    /// Takes the newest entry off the undo stack, for the caller to undo.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such job.
    pub fn pop_undo(&mut self, name: &str) -> Result<Option<Json>> {
        let (id, mut job) = self.existing(name)?;
        let mut metadata = fields(job.metadata.as_ref());
        let mut stack = take_list(&mut metadata, "undo_stack");
        let Some(entry) = stack.pop() else { return Ok(None) };
        job.undo = Some(undo_value(&stack)?);
        metadata.insert("undo_stack".into(), stack.into());
        job.metadata = Some(Json::of(&metadata)?);
        self.put(id, job)?;
        Json::of(&entry).map(Some)
    }

    /// Notes how the telling of the job's address went. The newest 50 are kept.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such job; [`Error::Invalid`] for an empty status.
    pub fn delivered(&mut self, name: &str, status: &str) -> Result<()> {
        named("status", status)?;
        let (id, mut job) = self.existing(name)?;
        let now = self.tx.now();
        let mut metadata = fields(job.metadata.as_ref());
        let mut webhook = take_object(&mut metadata, "webhook");
        let delivery = json!({ "status": status, "at": now.to_string() });
        webhook.insert("last_delivery".into(), delivery.clone());
        let mut deliveries = take_list(&mut webhook, "deliveries");
        push_bounded(&mut deliveries, delivery, WORKFLOW_DELIVERIES_MAX);
        webhook.insert("deliveries".into(), deliveries.into());
        metadata.insert("webhook".into(), webhook.into());
        job.metadata = Some(Json::of(&metadata)?);
        job.webhook_last_delivery_status = Some(status.to_owned());
        job.webhook_last_delivery_at = Some(now);
        self.put(id, job)
    }

    /// Keeps the answer to a call under a key of the caller, in place of an earlier one.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty scope or key.
    pub fn keep_answer(&mut self, scope: &str, key: &str, response: Json) -> Result<()> {
        named("scope", scope)?;
        named("idempotency_key", key)?;
        let now = self.tx.now();
        if let Some((id, mut row)) = self.tx.find::<IdempotencyKey>("scope_key", (scope, key))? {
            row.response = Some(response);
            row.updated_at = Some(now);
            return self.tx.put(id, &row);
        }
        self.tx.insert(&IdempotencyKey {
            scope: scope.to_owned(),
            idempotency_key: key.to_owned(),
            response: Some(response),
            created_at: Some(now),
            updated_at: Some(now),
        })?;
        Ok(())
    }

    /// Deletes answers that were first given before a time, oldest first, at most `limit`; tells
    /// how many.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn forget_answers(&mut self, before: Timestamp, limit: usize) -> Result<usize> {
        let rows = self.tx.index::<IdempotencyKey>("created", ())?;
        let is_old = |row: &IdempotencyKey| row.created_at.is_none_or(|time| time < before);
        let old = rows.take_while(|row| row.as_ref().map_or(true, |(_, row)| is_old(row)));
        let old = old.take(limit).map(|row| row.map(|(id, _)| id)).collect::<Result<Vec<_>>>()?;
        for id in &old {
            self.tx.delete(*id)?;
        }
        Ok(old.len())
    }

    /// A job whose step is under way.
    fn under_way(&self, name: &str, step: &WorkflowStep) -> Result<(NodeId, WorkflowJob)> {
        place_of(step)?;
        let (id, job) = self.open(name)?;
        let steps = steps_of(&job);
        let is_under_way = steps
            .iter()
            .any(|found| found["name"] == step.as_str() && found["status"] == "in_progress");
        if is_under_way {
            return Ok((id, job));
        }
        let reason = format!("its step {step} is not under way");
        Err(Error::conflict(format!("workflow_job {name}"), reason))
    }

    fn set_step(&self, job: &mut WorkflowJob, step: &WorkflowStep, status: &str) -> Result<()> {
        let new = step_value(step.as_str(), status, self.tx.now());
        let mut steps = steps_of(job);
        match steps.iter_mut().find(|found| found["name"] == step.as_str()) {
            Some(found) => *found = new,
            None => steps.push(new),
        }
        job.stepper = Some(Json::of(&steps)?);
        Ok(())
    }

    /// A name that no job has. It is not secret: it follows from the number and the time of the
    /// write.
    fn free_name(&self) -> Result<String> {
        for try_number in 0_u64.. {
            let seed = [self.tx.seq().0, self.tx.now().as_micros().cast_unsigned(), try_number];
            let digest = Digest::of(&seed.map(u64::to_be_bytes).concat());
            let number =
                digest.as_bytes()[..6].iter().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
            // As the old application names them: 12 hexadecimal digits.
            let name = format!("wf_{number:012x}");
            if self.get(&name)?.is_none() {
                return Ok(name);
            }
        }
        Err(Error::conflict("workflow_job", "every name is taken"))
    }

    fn put(&mut self, id: NodeId, mut job: WorkflowJob) -> Result<()> {
        job.updated_at = Some(self.tx.now());
        self.tx.put(id, &job)
    }
}

fn place_of(step: &WorkflowStep) -> Result<usize> {
    STEPS
        .iter()
        .position(|known| known == step)
        .ok_or_else(|| Error::invalid("step", format!("{step} is not one of the seven")))
}

fn named_in(answer: &Json, key: &str) -> Result<String> {
    let name = answer.to_value().ok().and_then(|value| Some(value["job_id"].as_str()?.to_owned()));
    name.ok_or_else(|| {
        Error::corrupt(format!("idempotency_key {key}"), "the kept answer names no job")
    })
}

fn step_value(name: &str, status: &str, now: Timestamp) -> Value {
    json!({ "name": name, "status": status, "updated_at": now.to_string() })
}

fn undo_value(stack: &[Value]) -> Result<Json> {
    let token = stack.last().and_then(|entry| entry.get("token")).cloned();
    Json::of(&json!({ "depth": stack.len(), "last_undo_token": token }))
}

/// The steps as they are stored; what is no list of objects reads as none.
fn steps_of(job: &WorkflowJob) -> Vec<Value> {
    let steps = job.stepper.as_ref().and_then(|json| json.parse::<Vec<Value>>().ok());
    let mut steps = steps.unwrap_or_default();
    steps.retain(Value::is_object);
    steps
}

/// The fields of a stored object; what is none reads as empty.
fn fields(json: Option<&Json>) -> Map<String, Value> {
    json.and_then(|json| json.parse().ok()).unwrap_or_default()
}

/// Takes the list under a name out; what is none reads as empty.
fn take_list(map: &mut Map<String, Value>, name: &str) -> Vec<Value> {
    match map.get_mut(name).map(Value::take) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

/// Takes the object under a name out; what is none reads as empty.
fn take_object(map: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match map.get_mut(name).map(Value::take) {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// Adds to a list that keeps its newest entries.
fn push_bounded(list: &mut Vec<Value>, entry: Value, max: usize) {
    list.push(entry);
    list.drain(..list.len().saturating_sub(max));
}
