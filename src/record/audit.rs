//! What happened to files and to the system: hash history, git operations, log lines.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::{Facts, History, Json, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

text_enum! {
    /// What was done to a file.
    ChangeType {
        /// It appeared.
        Created = "created",
        /// Its content changed.
        Modified = "modified",
        /// It was moved.
        Moved = "moved",
        /// It was deleted.
        Deleted = "deleted",
        /// It was renamed.
        Renamed = "renamed",
        /// It was cleaned up.
        Cleanup = "cleanup",
        /// It was rewritten.
        Refactor = "refactor",
        /// It was organized.
        Organization = "organization",
        /// A fault was mended.
        QualityFix = "quality_fix",
    }
}

text_enum! {
    /// Whether somebody checked.
    VerificationStatus {
        /// Not yet.
        Pending = "pending",
        /// It was right.
        Verified = "verified",
        /// It was wrong.
        Failed = "failed",
    }
}

text_enum! {
    /// What an operation did to a file.
    GitOperationType {
        /// Cleaned it up.
        Cleanup = "cleanup",
        /// Rewrote it.
        Refactor = "refactor",
        /// Moved it.
        Move = "move",
        /// Deleted it.
        Delete = "delete",
        /// Brought it.
        Add = "add",
        /// Changed what stands in it.
        Modify = "modify",
    }
}

text_enum! {
    /// How much a log line matters.
    LogLevel default Info {
        /// Every step.
        Trace = "TRACE",
        /// For those who look for a fault.
        Debug = "DEBUG",
        /// For the record.
        Info = "INFO",
        /// Something is odd.
        Warning = "WARNING",
        /// Something went wrong.
        Error = "ERROR",
        /// The system cannot go on.
        Critical = "CRITICAL",
    }
}

/// The content of a file changed; only ever added.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HashHistory {
    /// The file.
    pub file: Option<NodeId>,
    /// Path of the file.
    pub file_path: String,
    /// What was done.
    pub change_type: ChangeType,
    /// Path before.
    pub old_path: Option<String>,
    /// Path afterwards.
    pub new_path: Option<String>,
    /// Digest of the content before, in hexadecimal digits.
    pub hash_before: Option<String>,
    /// Digest of the content afterwards, in hexadecimal digits.
    pub hash_after: Option<String>,
    /// Name of the digest.
    pub hash_algorithm: Option<String>,
    /// Lines that came.
    pub lines_added: i64,
    /// Lines that went.
    pub lines_removed: i64,
    /// Lines that changed.
    pub lines_modified: i64,
    /// The commit.
    pub commit_hash: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// Who did it.
    pub author_name: Option<String>,
    /// Address of who did it.
    pub author_email: Option<String>,
    /// Message of the commit.
    pub commit_message: Option<String>,
    /// When it was done or noticed.
    pub recorded_at: Option<Timestamp>,
    /// When it was committed.
    pub committed_at: Option<Timestamp>,
    /// Whether somebody checked.
    pub verification_status: Option<VerificationStatus>,
    /// When it was checked.
    pub verified_at: Option<Timestamp>,
    /// What else is known: a JSON object.
    pub details: Option<Json>,
}

impl Record for HashHistory {
    const NAME: &'static str = "hash_history";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("file", (self.file, self.recorded_at));
        facts.index("path", (&self.file_path, self.recorded_at));
        facts.index("type", (&self.change_type, self.recorded_at));
        facts.index("recorded", self.recorded_at);
        facts.link("file", self.file);
        facts.text("name", self.file_path.as_str());
        facts.text("message", self.commit_message.as_deref());
        facts.text("author", self.author_name.as_deref());
        facts.keyword("type", self.change_type.as_str());
        facts.keyword("commit", self.commit_hash.as_deref());
        facts.keyword(
            "verification",
            self.verification_status.as_ref().map(VerificationStatus::as_str),
        );
        facts.time("created", self.recorded_at);
    }
}

/// A git operation on a file; only ever added.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GitOperation {
    /// The file.
    pub file: Option<NodeId>,
    /// Path of the file.
    pub file_path: String,
    /// What was done.
    pub operation_type: GitOperationType,
    /// The commit before.
    pub commit_hash_before: Option<String>,
    /// The commit afterwards.
    pub commit_hash_after: String,
    /// The branch.
    pub branch_name: Option<String>,
    /// Who did it.
    pub author_name: String,
    /// Address of who did it.
    pub author_email: String,
    /// Message of the commit.
    pub commit_message: Option<String>,
    /// When it was done.
    pub operated_at: Option<Timestamp>,
    /// Files that changed.
    pub files_changed: i64,
    /// Lines that came.
    pub lines_added: i64,
    /// Lines that went.
    pub lines_removed: i64,
    /// Whether it went well.
    pub operation_success: bool,
    /// The commit that took it back.
    pub rollback_commit_hash: Option<String>,
}

impl Record for GitOperation {
    const NAME: &'static str = "git_operation";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("path", (&self.file_path, self.operated_at));
        facts.index("commit", &self.commit_hash_after);
        facts.index("author", (&self.author_name, self.operated_at));
        facts.index("operated", self.operated_at);
        facts.link("file", self.file);
        facts.text("name", self.file_path.as_str());
        facts.text("message", self.commit_message.as_deref());
        facts.text("author", self.author_name.as_str());
        facts.keyword("type", self.operation_type.as_str());
        facts.keyword("commit", self.commit_hash_after.as_str());
        facts.keyword("branch", self.branch_name.as_deref());
        facts.time("created", self.operated_at);
    }
}

/// A line of the system log.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogEntry {
    /// How much it matters.
    pub level: LogLevel,
    /// Part of the system, for example `scan` or `database`.
    pub category: String,
    /// For people.
    pub message: String,
    /// What else is known: a JSON object.
    pub details: Option<Json>,
    /// What ties lines of one operation together.
    pub correlation_id: Option<String>,
    /// When it was written.
    pub logged_at: Option<Timestamp>,
}

impl Record for LogEntry {
    const NAME: &'static str = "log_entry";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("level", (&self.level, self.logged_at));
        facts.index("category", (&self.category, self.logged_at));
        facts.index("logged", self.logged_at);
        facts.text("message", self.message.as_str());
        facts.keyword("level", self.level.as_str());
        facts.keyword("category", self.category.as_str());
        facts.keyword("correlation", self.correlation_id.as_deref());
        facts.time("created", self.logged_at);
    }
}
