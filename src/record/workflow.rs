//! Workflow jobs in seven steps, and the answers kept under idempotency keys.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::{Facts, Json, Record};
use crate::base::time::Timestamp;

text_enum! {
    /// State of a workflow job.
    WorkflowStatus {
        /// Waits.
        Queued = "queued",
        /// Under way.
        Running = "running",
        /// Waits for somebody.
        WaitingInput = "waiting_input",
        /// Ended well.
        Completed = "completed",
        /// Ended with an error.
        Failed = "failed",
        /// Stopped by somebody.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// The steps of a workflow, in order.
    WorkflowStep {
        /// Choose the sources.
        Sources = "sources",
        /// Read them.
        IndexExtract = "index_extract",
        /// Put them in short.
        Summarize = "summarize",
        /// Make proposals.
        Proposals = "proposals",
        /// Look at the proposals.
        Review = "review",
        /// Carry them out.
        Apply = "apply",
        /// Look at the result.
        Analytics = "analytics",
    }
}

text_enum! {
    /// State of the draft of a job.
    DraftState {
        /// Everything is saved.
        Clean = "clean",
        /// Something is not saved.
        Dirty = "dirty",
        /// Being saved.
        Saving = "saving",
        /// Could not be saved.
        Failed = "failed",
    }
}

/// A job that goes through the steps of a workflow.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkflowJob {
    /// Its name, `wf_` and 12 hexadecimal digits; the natural key.
    pub job_id: String,
    /// Which workflow, by default `memory_first_v2`.
    pub workflow: String,
    /// State.
    pub status: WorkflowStatus,
    /// The step at hand.
    pub current_step: WorkflowStep,
    /// Share done, 0 to 1.
    pub progress: Option<f64>,
    /// State of the draft.
    pub draft_state: DraftState,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Key that it was made with.
    pub idempotency_key: Option<String>,
    /// Whether an address is told.
    pub webhook_enabled: bool,
    /// The address.
    pub webhook_url: Option<String>,
    /// How the last telling went.
    pub webhook_last_delivery_status: Option<String>,
    /// When it was last told.
    pub webhook_last_delivery_at: Option<Timestamp>,
    /// Array of the steps, each with name, status and time.
    pub stepper: Option<Json>,
    /// Object: step to count and cursor.
    pub pagination: Option<Json>,
    /// Object: depth and last token.
    pub undo: Option<Json>,
    /// Object with results, deliveries and keys of the caller.
    pub metadata: Option<Json>,
}

impl Record for WorkflowJob {
    const NAME: &'static str = "workflow_job";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("job_id", &self.job_id);
        facts.index("status", (&self.status, self.updated_at));
        if let Some(idempotency_key) = &self.idempotency_key {
            facts.index("idempotency", idempotency_key);
        }
        facts.index("updated", self.updated_at);
        facts.text("name", self.job_id.as_str());
        facts.keyword("workflow", self.workflow.as_str());
        facts.keyword("status", self.status.as_str());
        facts.keyword("step", self.current_step.as_str());
        facts.time("created", self.started_at);
        facts.time("updated", self.updated_at);
    }
}

/// The answer to a call, kept so that a repeated call gets the same.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IdempotencyKey {
    /// What is called, for example `create_job`.
    pub scope: String,
    /// The key of the caller.
    pub idempotency_key: String,
    /// The answer.
    pub response: Option<Json>,
    /// When it was first given.
    pub created_at: Option<Timestamp>,
    /// When it was last replaced.
    pub updated_at: Option<Timestamp>,
}

impl Record for IdempotencyKey {
    const NAME: &'static str = "idempotency_key";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique("scope_key", (&self.scope, &self.idempotency_key));
        facts.index("created", self.created_at);
    }
}
