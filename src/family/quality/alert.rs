//! Risk alerts: something about a file that somebody should look at.
//!
//! An alert is open, then looked into, then resolved or found to be none; the last two are final.

use std::ops::Deref;

use super::{Quality, Reader};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::family::{existing, named, object, share};
use crate::record::{AlertStatus, RiskAlert, Severity};
use crate::store::WriteTx;

/// How urgent an alert is where nothing is said.
const PRIORITY_DEFAULT: i64 = 5;

/// An alert to be raised.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewAlert {
    record: RiskAlert,
}

impl NewAlert {
    /// Something about the file at a path.
    pub fn new(
        path: impl Into<String>,
        alert_type: impl Into<String>,
        title: impl Into<String>,
    ) -> Self {
        Self {
            record: RiskAlert {
                file_path: path.into(),
                alert_type: alert_type.into(),
                alert_title: title.into(),
                detected_by: "user".into(),
                priority_score: Some(PRIORITY_DEFAULT),
                ..RiskAlert::default()
            },
        }
    }

    /// Sets the file.
    pub fn file(mut self, file: NodeId) -> Self {
        self.record.file = Some(file);
        self
    }

    /// Sets how bad it is; medium where nothing is said.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.record.severity = severity;
        self
    }

    /// Sets the message in full.
    pub fn message(mut self, text: impl Into<String>) -> Self {
        self.record.alert_message = text.into();
        self
    }

    /// Sets what found it, and how sure it is, 0 to 1.
    pub fn detected_by(mut self, detector: impl Into<String>, confidence: f64) -> Self {
        self.record.detected_by = detector.into();
        self.record.detection_confidence = Some(confidence);
        self
    }

    /// Sets how urgent it is, 1 to 10; 5 where nothing is said.
    pub fn priority(mut self, priority: i64) -> Self {
        self.record.priority_score = Some(priority);
        self
    }

    /// Sets the alert that it belongs to.
    pub fn parent(mut self, parent: NodeId) -> Self {
        self.record.parent = Some(parent);
        self
    }

    /// Sets the name of its group.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.record.alert_group_id = Some(group.into());
        self
    }

    /// Sets details, a JSON object.
    pub fn details(mut self, details: Json) -> Self {
        self.record.alert_details = Some(details);
        self
    }
}

/// How an alert ended.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Resolution {
    notes: Option<String>,
    commit: Option<String>,
    is_false: bool,
}

impl Resolution {
    /// It was resolved.
    pub fn resolved() -> Self {
        Self::default()
    }

    /// There was nothing.
    pub fn false_positive() -> Self {
        Self { is_false: true, ..Self::default() }
    }

    /// Sets how.
    pub fn notes(mut self, text: impl Into<String>) -> Self {
        self.notes = Some(text.into());
        self
    }

    /// Sets the commit.
    pub fn commit(mut self, hash: impl Into<String>) -> Self {
        self.commit = Some(hash.into());
        self
    }
}

impl<T: Deref<Target: Reader>> Quality<T> {
    /// Alerts in a state, the most urgent first, then the newest.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn alerts(&self, status: &AlertStatus, limit: usize) -> Result<Vec<(NodeId, RiskAlert)>> {
        self.tx.index_descending("status_priority", (status,))?.take(limit).collect()
    }

    /// Alerts about the file at a path, whatever their state.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn alerts_of(&self, path: &str) -> Result<Vec<(NodeId, RiskAlert)>> {
        self.tx.index("path", (path,))?.collect()
    }
}

impl Quality<&mut WriteTx<'_>> {
    /// Raises an alert and returns its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one without a path, type, title or detector, for a priority outside
    /// 1 to 10, a confidence outside 0 to 1, or details that are no object; [`Error::NotFound`]
    /// when the parent is absent.
    pub fn raise(&mut self, new: NewAlert) -> Result<NodeId> {
        let mut record = new.record;
        for (field, text) in [
            ("file_path", &record.file_path),
            ("alert_type", &record.alert_type),
            ("alert_title", &record.alert_title),
            ("detected_by", &record.detected_by),
        ] {
            named(field, text)?;
        }
        share("detection_confidence", record.detection_confidence)?;
        if record.priority_score.is_some_and(|score| !(1..=10).contains(&score)) {
            return Err(Error::invalid("priority_score", "it is not in 1 to 10"));
        }
        if let Some(parent) = record.parent {
            existing::<RiskAlert>(&*self.tx, parent)?;
        }
        record.alert_details = object("alert_details", record.alert_details)?;
        record.detected_at = Some(self.tx.now());
        self.tx.insert(&record)
    }

    /// Says who looks into an alert.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it has ended;
    /// [`Error::Invalid`] when nobody is named.
    pub fn investigate(&mut self, id: NodeId, assignee: &str) -> Result<RiskAlert> {
        named("assigned_to", assignee)?;
        self.change_alert(id, |alert| {
            alert.status = AlertStatus::Investigating;
            alert.assigned_to = Some(assignee.into());
        })
    }

    /// Ends an alert.
    ///
    /// # Errors
    /// As [`Quality::investigate`].
    pub fn resolve(&mut self, id: NodeId, by: &str, how: Resolution) -> Result<RiskAlert> {
        named("resolved_by", by)?;
        let now = self.tx.now();
        self.change_alert(id, |alert| {
            alert.status =
                if how.is_false { AlertStatus::FalsePositive } else { AlertStatus::Resolved };
            alert.resolved_at = Some(now);
            alert.resolved_by = Some(by.into());
            alert.resolution_notes = how.notes;
            alert.resolution_commit_hash = how.commit;
        })
    }

    /// Notes that somebody was told, and where.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it has ended.
    pub fn notified(&mut self, id: NodeId, channels: &[&str]) -> Result<RiskAlert> {
        let (now, channels) = (self.tx.now(), Json::of(channels)?);
        self.change_alert(id, |alert| {
            alert.notification_sent = true;
            alert.notified_at = Some(now);
            alert.notification_channels = Some(channels);
        })
    }

    fn change_alert(
        &mut self,
        id: NodeId,
        change: impl FnOnce(&mut RiskAlert),
    ) -> Result<RiskAlert> {
        self.tx.update(id, |alert: &mut RiskAlert| {
            if matches!(alert.status, AlertStatus::Resolved | AlertStatus::FalsePositive) {
                let reason = format!("it is {}", alert.status);
                return Err(Error::conflict(format!("risk_alert {id}"), reason));
            }
            change(alert);
            Ok(())
        })
    }
}
