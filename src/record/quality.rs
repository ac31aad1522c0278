//! Quality of files and documents: violations, alerts, reviews, issues, bulk operations, metrics.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::vocabulary::Severity;
use super::{Facts, Json, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

text_enum! {
    /// State of an alert or violation.
    AlertStatus {
        /// Found.
        Open = "open",
        /// Being looked into.
        Investigating = "investigating",
        /// Done.
        Resolved = "resolved",
        /// There was nothing.
        FalsePositive = "false_positive",
    }
}

text_enum! {
    /// Why a file was reviewed.
    ReviewType {
        /// For the first time.
        Initial = "initial",
        /// After it was rewritten.
        PostRefactor = "post_refactor",
        /// It was time.
        Periodic = "periodic",
        /// Something happened.
        Triggered = "triggered",
    }
}

text_enum! {
    /// How much better a file became.
    Improvement {
        /// Not at all.
        None = "none",
        /// A little.
        Minor = "minor",
        /// Somewhat.
        Moderate = "moderate",
        /// Much.
        Significant = "significant",
        /// It became worse.
        Regression = "regression",
    }
}

text_enum! {
    /// Which issue tracker.
    TrackerType {
        /// Jira.
        Jira = "jira",
        /// GitHub.
        Github = "github",
        /// Linear.
        Linear = "linear",
        /// Asana.
        Asana = "asana",
    }
}

text_enum! {
    /// State of an issue in a tracker.
    TrackedIssueStatus {
        /// Found.
        Open = "open",
        /// Being worked on.
        InProgress = "in_progress",
        /// Done.
        Resolved = "resolved",
        /// Put away.
        Closed = "closed",
    }
}

text_enum! {
    /// State of a bulk operation.
    BulkStatus {
        /// Waits.
        Pending = "pending",
        /// Under way.
        Running = "running",
        /// Ended well.
        Completed = "completed",
        /// Ended with an error.
        Failed = "failed",
        /// Stopped by somebody.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// What a bulk operation does.
    BulkType {
        /// Tags files.
        TagFiles = "tag_files",
        /// Marks files as cleaned up.
        MarkCleaned = "mark_cleaned",
        /// Opens issues.
        CreateIssues = "create_issues",
        /// Puts files away.
        ArchiveFiles = "archive_files",
    }
}

/// A document breaks a rule. The old application had no table for it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Violation {
    /// The document.
    pub document: Option<NodeId>,
    /// Name of the document, where it is not in the store.
    pub document_id: Option<String>,
    /// Which rule.
    pub violation_type: String,
    /// How bad.
    pub severity: Severity,
    /// State.
    pub status: AlertStatus,
    /// What is wrong.
    pub description: String,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// When it was found.
    pub detected_at: Option<Timestamp>,
    /// Who looked at it.
    pub reviewed_by: Option<String>,
    /// When it was looked at.
    pub reviewed_at: Option<Timestamp>,
    /// What they said.
    pub comments: Option<String>,
}

impl Record for Violation {
    const NAME: &'static str = "violation";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("status", (&self.status, self.detected_at));
        facts.index("severity", (&self.severity, self.detected_at));
        facts.index("type", (&self.violation_type, self.detected_at));
        facts.index("document", (self.document, self.detected_at));
        facts.link("document", self.document);
        facts.text("description", self.description.as_str());
        facts.text("comments", self.comments.as_deref());
        facts.keyword("type", self.violation_type.as_str());
        facts.keyword("severity", self.severity.as_str());
        facts.keyword("status", self.status.as_str());
        facts.time("created", self.detected_at);
    }
}

/// Something about a file that somebody should look at.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RiskAlert {
    /// The file, where it is known.
    pub file: Option<NodeId>,
    /// Path of the file.
    pub file_path: String,
    /// What kind, for example `low_quality`.
    pub alert_type: String,
    /// How bad.
    pub severity: Severity,
    /// In a few words.
    pub alert_title: String,
    /// In full.
    pub alert_message: String,
    /// What else is known: a JSON object.
    pub alert_details: Option<Json>,
    /// What found it.
    pub detected_by: String,
    /// How sure it is, 0 to 1.
    pub detection_confidence: Option<f64>,
    /// When it was found.
    pub detected_at: Option<Timestamp>,
    /// State.
    pub status: AlertStatus,
    /// Who works on it.
    pub assigned_to: Option<String>,
    /// How urgent, 1 to 10.
    pub priority_score: Option<i64>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// Who resolved it.
    pub resolved_by: Option<String>,
    /// How it was resolved.
    pub resolution_notes: Option<String>,
    /// The commit that resolved it.
    pub resolution_commit_hash: Option<String>,
    /// Whether somebody was told.
    pub notification_sent: bool,
    /// When they were told.
    pub notified_at: Option<Timestamp>,
    /// Array of where they were told.
    pub notification_channels: Option<Json>,
    /// The alert that it belongs to.
    pub parent: Option<NodeId>,
    /// Name of the group that it belongs to.
    pub alert_group_id: Option<String>,
}

impl Record for RiskAlert {
    const NAME: &'static str = "risk_alert";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("path", (&self.file_path, &self.status));
        facts.index("status_priority", (&self.status, self.priority_score, self.detected_at));
        facts.index("severity", (&self.severity, &self.status));
        facts.index("type", (&self.alert_type, &self.status));
        facts.index("detected", self.detected_at);
        facts.link("file", self.file);
        facts.link("parent", self.parent);
        facts.text("title", self.alert_title.as_str());
        facts.text("message", self.alert_message.as_str());
        facts.text("name", self.file_path.as_str());
        facts.text("notes", self.resolution_notes.as_deref());
        facts.keyword("type", self.alert_type.as_str());
        facts.keyword("severity", self.severity.as_str());
        facts.keyword("status", self.status.as_str());
        facts.time("created", self.detected_at);
    }
}

/// A file under review: its scores and its state.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileReview {
    /// Path; the natural key.
    pub path: String,
    /// Rating, 1 to 10.
    pub rating: Option<i64>,
    /// How easy it is to change.
    pub maintainability_score: Option<f64>,
    /// How safe it is.
    pub security_score: Option<f64>,
    /// How fast it is.
    pub performance_score: Option<f64>,
    /// How well it is documented.
    pub documentation_score: Option<f64>,
    /// Whether it was reviewed.
    pub reviewed: bool,
    /// Whether it was cleaned up.
    pub cleaned: bool,
    /// When it was last worked on.
    pub last_modified: Option<Timestamp>,
    /// First digest of the content.
    pub hash_before: Option<String>,
    /// Latest digest of the content.
    pub hash_after: Option<String>,
    /// Whether the latest digest was checked.
    pub hash_verified: bool,
    /// The commit that cleaned it up.
    pub cleanup_commit_hash: Option<String>,
    /// The commit that rewrote it.
    pub refactor_commit_hash: Option<String>,
    /// Who cleaned it up.
    pub cleanup_author: Option<String>,
    /// Its issue in a tracker.
    pub tracker_url: Option<String>,
    /// State of that issue.
    pub tracker_status: Option<String>,
    /// How urgent, by default 3.
    pub priority_level: Option<i64>,
    /// Part of the system: `core`, `test`, `legacy`, `security`.
    pub file_category: Option<String>,
    /// How risky it is.
    pub risk_level: Option<Severity>,
    /// When the file was last modified.
    pub last_modified_date: Option<Timestamp>,
    /// Number of lines.
    pub lines_of_code: Option<i64>,
    /// Complexity.
    pub complexity_score: Option<f64>,
    /// Share of it that tests cover.
    pub test_coverage: Option<f64>,
    /// How many others it needs.
    pub dependency_count: Option<i64>,
}

impl Record for FileReview {
    const NAME: &'static str = "file_review";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("path", &self.path);
        facts.index("rating", self.rating);
        if let Some(risk_level) = &self.risk_level {
            facts.index("risk", risk_level);
        }
        if let Some(file_category) = &self.file_category {
            facts.index("category", (file_category, &self.path));
        }
        facts.text("name", self.path.as_str());
        facts.keyword("category", self.file_category.as_deref());
        facts.keyword("risk", self.risk_level.as_ref().map(Severity::as_str));
        facts.time("modified", self.last_modified);
    }
}

/// One review of a file, with its scores before and afterwards.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Review {
    /// The file, where it is known.
    pub file: Option<NodeId>,
    /// Path of the file.
    pub file_path: String,
    /// Why it was reviewed.
    pub review_type: ReviewType,
    /// What happened.
    pub review_trigger: Option<String>,
    /// Name of the prompt.
    pub prompt_used: Option<String>,
    /// Rating before, 1 to 10.
    pub rating_before: Option<i64>,
    /// How easy it was to change.
    pub maintainability_before: Option<f64>,
    /// How safe it was.
    pub security_before: Option<f64>,
    /// How fast it was.
    pub performance_before: Option<f64>,
    /// How well it was documented.
    pub documentation_before: Option<f64>,
    /// Complexity before.
    pub complexity_before: Option<f64>,
    /// Rating afterwards, 1 to 10.
    pub rating_after: Option<i64>,
    /// How easy it is to change.
    pub maintainability_after: Option<f64>,
    /// How safe it is.
    pub security_after: Option<f64>,
    /// How fast it is.
    pub performance_after: Option<f64>,
    /// How well it is documented.
    pub documentation_after: Option<f64>,
    /// Complexity afterwards.
    pub complexity_after: Option<f64>,
    /// How much better it became.
    pub overall_improvement: Option<f64>,
    /// The same in a word.
    pub improvement_category: Option<Improvement>,
    /// When it was reviewed.
    pub reviewed_at: Option<Timestamp>,
    /// How long it took, in seconds.
    pub review_duration_seconds: Option<i64>,
    /// Version of the model.
    pub model_version: Option<String>,
    /// Notes.
    pub reviewer_notes: Option<String>,
    /// Whether the improvement was checked.
    pub improvement_verified: bool,
    /// When it was checked.
    pub verified_at: Option<Timestamp>,
    /// Notes of who checked.
    pub verification_notes: Option<String>,
}

impl Record for Review {
    const NAME: &'static str = "review";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("path", (&self.file_path, self.reviewed_at));
        facts.index("type", (&self.review_type, self.reviewed_at));
        if let Some(improvement_category) = &self.improvement_category {
            facts.index("improvement", (improvement_category, self.reviewed_at));
        }
        facts.index("reviewed", self.reviewed_at);
        facts.link("file", self.file);
        facts.text("name", self.file_path.as_str());
        facts.text("notes", self.reviewer_notes.as_deref());
        facts.text("verification", self.verification_notes.as_deref());
        facts.keyword("type", self.review_type.as_str());
        facts.keyword("improvement", self.improvement_category.as_ref().map(Improvement::as_str));
        facts.time("created", self.reviewed_at);
    }
}

/// An issue tracker that issues are kept in.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IssueTracker {
    /// Name; not unique in old data.
    pub tracker_name: String,
    /// Which one.
    pub tracker_type: TrackerType,
    /// Address.
    pub base_url: String,
    /// Address of its interface.
    pub api_endpoint: Option<String>,
    /// Secret, encrypted.
    pub auth_token_encrypted: Option<String>,
    /// Project within it.
    pub project_key: Option<String>,
    /// Type of a new issue.
    pub default_issue_type: Option<String>,
    /// Priority of a new issue.
    pub default_priority: Option<String>,
    /// What else is known: a JSON object.
    pub custom_fields: Option<Json>,
    /// Whether it is used.
    pub active: bool,
    /// When it was last asked.
    pub last_sync_at: Option<Timestamp>,
    /// How that went.
    pub sync_status: Option<String>,
    /// When it was added.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for IssueTracker {
    const NAME: &'static str = "issue_tracker";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("name", &self.tracker_name);
        facts.index("active", (self.active, &self.tracker_name));
        facts.text("name", self.tracker_name.as_str());
        facts.text("url", self.base_url.as_str());
        facts.keyword("type", self.tracker_type.as_str());
        facts.time("created", self.created_at);
    }
}

/// An issue about a file in a tracker.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrackedIssue {
    /// The file, where it is known.
    pub file: Option<NodeId>,
    /// Path of the file.
    pub file_path: String,
    /// The tracker.
    pub tracker: Option<NodeId>,
    /// Its name in the tracker.
    pub issue_key: String,
    /// Its address.
    pub issue_url: String,
    /// In a few words.
    pub issue_title: Option<String>,
    /// In full.
    pub issue_description: Option<String>,
    /// What kind: `bug`, `task`, `improvement`, `refactor`.
    pub issue_type: Option<String>,
    /// State.
    pub issue_status: Option<TrackedIssueStatus>,
    /// How urgent.
    pub issue_priority: Option<Severity>,
    /// Who works on it.
    pub assigned_to: Option<String>,
    /// Since when they do.
    pub assigned_at: Option<Timestamp>,
    /// When it was opened.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// The review that led to it.
    pub review: Option<NodeId>,
    /// The alert that led to it.
    pub alert: Option<NodeId>,
}

impl Record for TrackedIssue {
    const NAME: &'static str = "tracked_issue";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("path", (&self.file_path, &self.issue_status));
        if let Some(issue_status) = &self.issue_status {
            facts.index("status", (issue_status, self.created_at));
        }
        facts.index("tracker_key", (self.tracker, &self.issue_key));
        facts.index("created", self.created_at);
        facts.link("file", self.file);
        facts.link("tracker", self.tracker);
        facts.link("review", self.review);
        facts.link("alert", self.alert);
        facts.text("title", self.issue_title.as_deref());
        facts.text("description", self.issue_description.as_deref());
        facts.text("name", self.file_path.as_str());
        facts.keyword("type", self.issue_type.as_deref());
        facts.keyword("status", self.issue_status.as_ref().map(TrackedIssueStatus::as_str));
        facts.keyword("priority", self.issue_priority.as_ref().map(Severity::as_str));
        facts.keyword("key", self.issue_key.as_str());
        facts.time("created", self.created_at);
        facts.time("updated", self.updated_at);
    }
}

/// One operation on many files.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BulkOperation {
    /// Name.
    pub operation_name: String,
    /// What it does.
    pub operation_type: BulkType,
    /// Object: which files.
    pub operation_criteria: Option<Json>,
    /// Who asked for it.
    pub initiated_by: String,
    /// When they asked.
    pub initiated_at: Option<Timestamp>,
    /// State.
    pub status: BulkStatus,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Files that it is about.
    pub files_selected: i64,
    /// Files done so far.
    pub files_processed: i64,
    /// Files done well.
    pub files_successful: i64,
    /// Files that failed.
    pub files_failed: i64,
    /// Percent done, 0 to 100.
    pub progress_percentage: Option<f64>,
    /// The file at hand.
    pub current_file: Option<String>,
    /// When it should end.
    pub estimated_completion: Option<Timestamp>,
    /// What went wrong.
    pub error_message: Option<String>,
    /// Details of that.
    pub error_details: Option<Json>,
    /// What came out.
    pub operation_results: Option<Json>,
    /// Path of its log.
    pub log_file_path: Option<String>,
}

impl Record for BulkOperation {
    const NAME: &'static str = "bulk_operation";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("status", (&self.status, self.initiated_at));
        facts.index("type", (&self.operation_type, self.initiated_at));
        facts.index("initiated", self.initiated_at);
        facts.text("name", self.operation_name.as_str());
        facts.text("error", self.error_message.as_deref());
        facts.keyword("type", self.operation_type.as_str());
        facts.keyword("status", self.status.as_str());
        facts.time("created", self.initiated_at);
    }
}

/// The quality of all files on one day.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct QualityMetrics {
    /// The day, as its first moment in UTC; the natural key.
    pub measured_on: Option<Timestamp>,
    /// When it was measured.
    pub measured_at: Option<Timestamp>,
    /// Files there are.
    pub total_files: Option<i64>,
    /// Files reviewed.
    pub files_reviewed: Option<i64>,
    /// Files cleaned up.
    pub files_cleaned: Option<i64>,
    /// Files good enough.
    pub files_production_ready: Option<i64>,
    /// Files rated 1 or 2.
    pub files_rating_1_2: i64,
    /// Files rated 3 or 4.
    pub files_rating_3_4: i64,
    /// Files rated 5 or 6.
    pub files_rating_5_6: i64,
    /// Files rated 7 or 8.
    pub files_rating_7_8: i64,
    /// Files rated 9 or 10.
    pub files_rating_9_10: i64,
    /// Average rating.
    pub avg_rating: Option<f64>,
    /// Average of how easy they are to change.
    pub avg_maintainability: Option<f64>,
    /// Average of how safe they are.
    pub avg_security: Option<f64>,
    /// Average of how fast they are.
    pub avg_performance: Option<f64>,
    /// Average of how well they are documented.
    pub avg_documentation: Option<f64>,
    /// Open alerts that are critical.
    pub critical_alerts: i64,
    /// Open alerts that are high.
    pub high_alerts: i64,
    /// Open alerts that are medium.
    pub medium_alerts: i64,
    /// Open alerts that are low.
    pub low_alerts: i64,
    /// Files cleaned up that day.
    pub cleanup_operations: i64,
    /// Files rewritten that day.
    pub refactor_operations: i64,
    /// Files that became better.
    pub files_improved: i64,
    /// Files that became worse.
    pub files_regressed: i64,
    /// Average time of a review, in seconds.
    pub avg_review_time: Option<f64>,
    /// Average time of a clean-up, in seconds.
    pub avg_cleanup_time: Option<f64>,
    /// Calls of the model.
    pub api_calls: i64,
    /// What they cost.
    pub api_cost: Option<f64>,
}

impl Record for QualityMetrics {
    const NAME: &'static str = "quality_metrics";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(measured_on) = self.measured_on {
            facts.unique("day", measured_on);
        }
        facts.index("measured", self.measured_at);
        facts.time("created", self.measured_at);
    }
}

/// A template of a prompt for files of one kind.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prompt {
    /// Name; the natural key.
    pub prompt_name: String,
    /// Regular expression over paths.
    pub file_type_pattern: String,
    /// The template.
    pub prompt_template: String,
    /// What it is for.
    pub description: Option<String>,
    /// Array of what to look at.
    pub focus_areas: Option<Json>,
    /// Schema or text of the expected answer.
    pub expected_output_format: Option<String>,
    /// Version.
    pub prompt_version: Option<String>,
    /// How often it was used.
    pub usage_count: i64,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// Average time of an answer, in seconds.
    pub avg_response_time: Option<f64>,
    /// Average quality of an answer.
    pub avg_quality_score: Option<f64>,
    /// Whether it is used.
    pub active: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: Option<String>,
}

impl Record for Prompt {
    const NAME: &'static str = "prompt";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("name", &self.prompt_name);
        facts.index("active", (self.active, &self.prompt_name));
        facts.index("pattern", &self.file_type_pattern);
        facts.text("name", self.prompt_name.as_str());
        facts.text("description", self.description.as_deref());
        facts.text("template", self.prompt_template.as_str());
        facts.time("created", self.created_at);
        facts.time("updated", self.updated_at);
    }
}
