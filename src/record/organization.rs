//! Where files should go: proposals, what people said, what was done, and what is learned from it.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::{Facts, History, Json, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

text_enum! {
    /// State of a proposal.
    OrganizationStatus {
        /// Waits for a decision.
        Proposed = "proposed",
        /// Accepted.
        Approved = "approved",
        /// Refused.
        Rejected = "rejected",
        /// The file was moved.
        Applied = "applied",
    }
}

text_enum! {
    /// What somebody did with a proposal.
    FeedbackAction {
        /// Accepted it.
        Accept = "accept",
        /// Refused it.
        Reject = "reject",
        /// Changed it.
        Edit = "edit",
        /// The system changed it, after earlier feedback.
        AutoCorrect = "auto_correct",
    }
}

text_enum! {
    /// What was done to a file.
    ActionType {
        /// It was moved.
        Move = "move",
        /// It was copied.
        Copy = "copy",
    }
}

/// A folder and a name proposed for a file.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationProposal {
    /// The run that made it.
    pub run: Option<NodeId>,
    /// The file.
    pub file: Option<NodeId>,
    /// Path of the file when it was made.
    pub current_path: Option<String>,
    /// Folder, separated by slashes.
    pub proposed_folder: String,
    /// Name of the file.
    pub proposed_filename: String,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// Why.
    pub rationale: Option<String>,
    /// Array of other folders.
    pub alternatives: Option<Json>,
    /// Who was asked.
    pub provider: Option<String>,
    /// Name of the model.
    pub model: Option<String>,
    /// State.
    pub status: OrganizationStatus,
    /// Object with how it was decided.
    pub metadata: Option<Json>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for OrganizationProposal {
    const NAME: &'static str = "organization_proposal";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("file", self.file);
        facts.index("status", (&self.status, self.created_at));
        facts.index("created", self.created_at);
        facts.link("run", self.run);
        facts.link("file", self.file);
        facts.text("name", self.proposed_filename.as_str());
        facts.text("folder", self.proposed_folder.as_str());
        facts.text("path", self.current_path.as_deref());
        facts.text("rationale", self.rationale.as_deref());
        facts.keyword("status", self.status.as_str());
        facts.keyword("provider", self.provider.as_deref());
        facts.keyword("model", self.model.as_deref());
        facts.time("created", self.created_at);
        facts.time("updated", self.updated_at);
    }
}

/// What somebody did with a proposal.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationFeedback {
    /// The proposal.
    pub proposal: Option<NodeId>,
    /// The file.
    pub file: Option<NodeId>,
    /// What was done.
    pub action: FeedbackAction,
    /// Object: the proposal before.
    pub original: Option<Json>,
    /// Object: the proposal afterwards; empty for a refusal.
    pub final_value: Option<Json>,
    /// Note.
    pub note: Option<String>,
    /// When it was done.
    pub created_at: Option<Timestamp>,
}

impl Record for OrganizationFeedback {
    const NAME: &'static str = "organization_feedback";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("proposal", self.proposal);
        facts.index("action", (&self.action, self.created_at));
        facts.index("created", self.created_at);
        facts.link("proposal", self.proposal);
        facts.link("file", self.file);
        facts.text("note", self.note.as_deref());
        facts.keyword("action", self.action.as_str());
        facts.time("created", self.created_at);
    }
}

/// What was done to a file, or only tried out.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationAction {
    /// The proposal.
    pub proposal: Option<NodeId>,
    /// The file.
    pub file: Option<NodeId>,
    /// What was done; absent where the source does not say.
    pub action_type: Option<ActionType>,
    /// Path before.
    pub from_path: Option<String>,
    /// Path afterwards.
    pub to_path: Option<String>,
    /// Whether it went well; absent where the source does not say.
    pub success: Option<bool>,
    /// Whether it was only tried out; absent where the source does not say.
    pub dry_run: Option<bool>,
    /// When it was undone.
    pub undone_at: Option<Timestamp>,
    /// The action that it undid.
    pub undoes: Option<NodeId>,
    /// What went wrong.
    pub error: Option<String>,
    /// Group that the file was sorted into.
    pub category: Option<String>,
    /// Name of the call that it belongs to, 32 hexadecimal digits.
    pub rollback_group: Option<String>,
    /// When it was done.
    pub created_at: Option<Timestamp>,
}

impl Record for OrganizationAction {
    const NAME: &'static str = "organization_action";
    const VERSION: u16 = 2;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("file", (self.file, self.created_at));
        facts.index("proposal", self.proposal);
        if let Some(rollback_group) = &self.rollback_group {
            facts.index("group", rollback_group);
        }
        facts.index("created", self.created_at);
        facts.link("proposal", self.proposal);
        facts.link("file", self.file);
        facts.link("undoes", self.undoes);
        facts.text("name", self.to_path.as_deref());
        facts.text("path", self.from_path.as_deref());
        facts.text("error", self.error.as_deref());
        facts.keyword("type", self.action_type.as_ref().map(ActionType::as_str));
        facts.keyword("category", self.category.as_deref());
        facts.time("created", self.created_at);
    }
}

/// An event of the audit log of the organizer.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationEvent {
    /// What happened.
    pub event_type: String,
    /// What else is known: a JSON object.
    pub payload: Option<Json>,
    /// When it happened.
    pub created_at: Option<Timestamp>,
}

impl Record for OrganizationEvent {
    const NAME: &'static str = "organization_event";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("type", (&self.event_type, self.created_at));
        facts.index("created", self.created_at);
        facts.keyword("type", self.event_type.as_str());
        facts.time("created", self.created_at);
        facts.attributes(self.payload.as_ref());
    }
}

/// What can be learned from one event: what was proposed and what became of it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LearningCase {
    /// The event; one case each.
    pub event: Option<NodeId>,
    /// What happened.
    pub event_type: String,
    /// What was done, in lower case.
    pub action: Option<String>,
    /// How it ended: `success`, `failed` or free text.
    pub outcome: Option<String>,
    /// The proposal, where it is known.
    pub proposal: Option<NodeId>,
    /// Number of the proposal in the database that it comes from.
    pub proposal_number: Option<i64>,
    /// The file, where it is known.
    pub file: Option<NodeId>,
    /// Number of the file in the database that it comes from.
    pub file_number: Option<i64>,
    /// Root below which the files lie.
    pub root_scope: Option<String>,
    /// Path of the file.
    pub current_path: Option<String>,
    /// Folder that was proposed.
    pub recommended_folder: Option<String>,
    /// Name that was proposed.
    pub recommended_filename: Option<String>,
    /// Folder that was taken.
    pub final_folder: Option<String>,
    /// Name that was taken.
    pub final_filename: Option<String>,
    /// Path before.
    pub old_path: Option<String>,
    /// Path afterwards.
    pub new_path: Option<String>,
    /// How sure the proposal was, 0 to 1.
    pub confidence: Option<f64>,
    /// Who was asked.
    pub provider: Option<String>,
    /// Name of the model.
    pub model: Option<String>,
    /// Note.
    pub note: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// Object, as of the event.
    pub payload: Option<Json>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for LearningCase {
    const NAME: &'static str = "learning_case";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(action) = &self.action {
            facts.index("action", (action, self.created_at));
        }
        if let Some(outcome) = &self.outcome {
            facts.index("outcome", (outcome, self.created_at));
        }
        if let Some(file_number) = self.file_number {
            facts.index("file", file_number);
        }
        if let Some(proposal_number) = self.proposal_number {
            facts.index("proposal", proposal_number);
        }
        facts.index("created", self.created_at);
        facts.link("event", self.event);
        facts.link("proposal", self.proposal);
        facts.link("file", self.file);
        facts.text("name", self.final_filename.as_deref());
        facts.text("path", self.current_path.as_deref());
        facts.text("folder", self.final_folder.as_deref());
        facts.text("note", self.note.as_deref());
        facts.text("error", self.error.as_deref());
        facts.keyword("type", self.event_type.as_str());
        facts.keyword("action", self.action.as_deref());
        facts.keyword("outcome", self.outcome.as_deref());
        facts.time("created", self.created_at);
    }
}
