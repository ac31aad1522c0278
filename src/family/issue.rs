//! Issues about files, and the trackers that they are kept in. Nothing is asked of a tracker here.

use std::ops::Deref;

use super::{Reader, existing, named, object};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::record::{
    IssueTracker, Review, RiskAlert, Severity, TrackedIssue, TrackedIssueStatus, TrackerType,
};
use crate::store::{ReadTx, WriteTx};

/// A tracker to be known.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewTracker {
    record: IssueTracker,
}

impl NewTracker {
    /// A tracker at an address.
    pub fn new(
        name: impl Into<String>,
        tracker_type: TrackerType,
        base_url: impl Into<String>,
    ) -> Self {
        let (tracker_name, base_url) = (name.into(), base_url.into());
        let active = true;
        Self {
            record: IssueTracker {
                tracker_name,
                tracker_type,
                base_url,
                active,
                ..IssueTracker::default()
            },
        }
    }

    /// Sets the project within it.
    pub fn project(mut self, key: impl Into<String>) -> Self {
        self.record.project_key = Some(key.into());
        self
    }

    /// Sets its secret, which must be encrypted already.
    pub fn encrypted_token(mut self, token: impl Into<String>) -> Self {
        self.record.auth_token_encrypted = Some(token.into());
        self
    }

    /// Sets what else is known, a JSON object.
    pub fn custom_fields(mut self, fields: Json) -> Self {
        self.record.custom_fields = Some(fields);
        self
    }
}

/// An issue to be known.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewIssue {
    record: TrackedIssue,
}

impl NewIssue {
    /// An issue about the file at a path, by its name and address in a tracker.
    pub fn new(
        path: impl Into<String>,
        tracker: NodeId,
        (key, url): (impl Into<String>, impl Into<String>),
    ) -> Self {
        Self {
            record: TrackedIssue {
                file_path: path.into(),
                tracker: Some(tracker),
                issue_key: key.into(),
                issue_url: url.into(),
                issue_status: Some(TrackedIssueStatus::Open),
                issue_priority: Some(Severity::Medium),
                ..TrackedIssue::default()
            },
        }
    }

    /// Sets the file.
    pub fn file(mut self, file: NodeId) -> Self {
        self.record.file = Some(file);
        self
    }

    /// Sets what it is about, in a few words and in full.
    pub fn about(mut self, title: impl Into<String>, description: impl Into<String>) -> Self {
        self.record.issue_title = Some(title.into());
        self.record.issue_description = Some(description.into());
        self
    }

    /// Sets its type, for example `bug`.
    pub fn issue_type(mut self, issue_type: impl Into<String>) -> Self {
        self.record.issue_type = Some(issue_type.into());
        self
    }

    /// Sets how urgent it is; medium where nothing is said.
    pub fn priority(mut self, priority: Severity) -> Self {
        self.record.issue_priority = Some(priority);
        self
    }

    /// Sets the review that led to it.
    pub fn review(mut self, review: NodeId) -> Self {
        self.record.review = Some(review);
        self
    }

    /// Sets the alert that led to it.
    pub fn alert(mut self, alert: NodeId) -> Self {
        self.record.alert = Some(alert);
        self
    }
}

/// Issues and trackers of a transaction. Made by [`ReadTx::issues`] and [`WriteTx::issues`].
#[derive(Debug)]
pub struct Issues<T> {
    tx: T,
}

impl ReadTx {
    /// Issues and trackers, to look at.
    pub fn issues(&self) -> Issues<&Self> {
        Issues { tx: self }
    }
}

impl WriteTx<'_> {
    /// Issues and trackers.
    pub fn issues(&mut self) -> Issues<&mut Self> {
        Issues { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Issues<T> {
    /// Trackers that are used, by name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn trackers(&self) -> Result<Vec<(NodeId, IssueTracker)>> {
        self.tx.index("active", (true,))?.collect()
    }

    /// Issues in a state, oldest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(
        &self,
        status: &TrackedIssueStatus,
        limit: usize,
    ) -> Result<Vec<(NodeId, TrackedIssue)>> {
        self.tx.index("status", (status,))?.take(limit).collect()
    }

    /// The issue of a tracker by its name there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn find(&self, tracker: NodeId, key: &str) -> Result<Option<(NodeId, TrackedIssue)>> {
        self.tx.index("tracker_key", (Some(tracker), key))?.next().transpose()
    }
}

impl Issues<&mut WriteTx<'_>> {
    /// Adds a tracker and returns its id.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when one that is used has that name; [`Error::Invalid`] for one
    /// without a name or address, or custom fields that are no object.
    pub fn add_tracker(&mut self, new: NewTracker) -> Result<NodeId> {
        let mut record = new.record;
        named("tracker_name", &record.tracker_name)?;
        named("base_url", &record.base_url)?;
        record.custom_fields = object("custom_fields", record.custom_fields)?;
        let name = record.tracker_name.as_str();
        let same = self.tx.index::<IssueTracker>("active", (true, name))?.next();
        if let Some((id, _)) = same.transpose()? {
            return Err(Error::already_exists("issue_tracker of that name", id));
        }
        let now = Some(self.tx.now());
        (record.created_at, record.updated_at) = (now, now);
        self.tx.insert(&record)
    }

    /// Says that a tracker is used no longer. Its issues stay.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent.
    pub fn retire_tracker(&mut self, id: NodeId) -> Result<()> {
        let now = Some(self.tx.now());
        let change = |tracker: &mut IssueTracker| {
            (tracker.active, tracker.updated_at) = (false, now);
            Ok(())
        };
        self.tx.update(id, change).map(drop)
    }

    /// Notes how asking a tracker went.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it is used no longer.
    pub fn synced(&mut self, id: NodeId, status: &str) -> Result<()> {
        let now = Some(self.tx.now());
        let change = |tracker: &mut IssueTracker| {
            if !tracker.active {
                let reason = "it is used no longer";
                return Err(Error::conflict(format!("issue_tracker {id}"), reason));
            }
            (tracker.last_sync_at, tracker.updated_at) = (now, now);
            tracker.sync_status = Some(status.into());
            Ok(())
        };
        self.tx.update(id, change).map(drop)
    }

    /// Adds an issue and returns its id.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the tracker has one of that name; [`Error::NotFound`] when the
    /// tracker, review or alert is absent; [`Error::Invalid`] for one without a path, name or
    /// address.
    pub fn add(&mut self, new: NewIssue) -> Result<NodeId> {
        let mut record = new.record;
        named("file_path", &record.file_path)?;
        named("issue_key", &record.issue_key)?;
        named("issue_url", &record.issue_url)?;
        let tracker = record.tracker.ok_or_else(|| Error::not_found("issue_tracker", "none"))?;
        existing::<IssueTracker>(&*self.tx, tracker)?;
        if let Some(review) = record.review {
            existing::<Review>(&*self.tx, review)?;
        }
        if let Some(alert) = record.alert {
            existing::<RiskAlert>(&*self.tx, alert)?;
        }
        if let Some((id, _)) = self.find(tracker, &record.issue_key)? {
            return Err(Error::already_exists("tracked_issue of that name", id));
        }
        let now = Some(self.tx.now());
        (record.created_at, record.updated_at) = (now, now);
        self.tx.insert(&record)
    }

    /// Says in which state an issue is, and who works on it where that is given.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent.
    pub fn set_status(
        &mut self,
        id: NodeId,
        status: TrackedIssueStatus,
        assignee: Option<&str>,
    ) -> Result<TrackedIssue> {
        let now = Some(self.tx.now());
        self.tx.update(id, |issue: &mut TrackedIssue| {
            let is_done =
                matches!(status, TrackedIssueStatus::Resolved | TrackedIssueStatus::Closed);
            issue.resolved_at = if is_done { issue.resolved_at.or(now) } else { None };
            issue.issue_status = Some(status);
            issue.updated_at = now;
            if let Some(assignee) = assignee {
                issue.assigned_to = Some(assignee.into());
                issue.assigned_at = now;
            }
            Ok(())
        })
    }
}
