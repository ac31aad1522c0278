//! Violations: a document breaks a rule, and somebody looks at it.
//!
//! A violation is open until it is resolved or found to be none, which is final.

use std::ops::Deref;

use super::{Reader, existing, named, share};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::record::{AlertStatus, Document, Severity, Violation};
use crate::store::{ReadTx, WriteTx};

/// Violations of a list where nothing is said.
const VIOLATIONS_DEFAULT: usize = 100;

/// A violation to be noted.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewViolation {
    record: Violation,
}

impl NewViolation {
    /// A document breaks a rule.
    pub fn new(
        document: NodeId,
        violation_type: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let (violation_type, description) = (violation_type.into(), description.into());
        let document = Some(document);
        Self { record: Violation { document, violation_type, description, ..Violation::default() } }
    }

    /// Sets how bad it is; medium where nothing is said.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.record.severity = severity;
        self
    }

    /// Sets how sure it is, 0 to 1.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.record.confidence = Some(confidence);
        self
    }
}

/// Which violations to list.
#[derive(Clone, Debug)]
#[must_use]
pub struct ViolationQuery {
    document: Option<NodeId>,
    status: Option<AlertStatus>,
    severity: Option<Severity>,
    violation_type: Option<String>,
    limit: usize,
}

impl Default for ViolationQuery {
    fn default() -> Self {
        Self {
            document: None,
            status: None,
            severity: None,
            violation_type: None,
            limit: VIOLATIONS_DEFAULT,
        }
    }
}

impl ViolationQuery {
    /// The 100 newest violations.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those of a document.
    pub fn document(mut self, document: NodeId) -> Self {
        self.document = Some(document);
        self
    }

    /// Only those in a state.
    pub fn status(mut self, status: AlertStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Only those that are so bad.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Only those of a rule.
    pub fn violation_type(mut self, violation_type: impl Into<String>) -> Self {
        self.violation_type = Some(violation_type.into());
        self
    }

    /// Sets how many to list at most.
    pub fn limit(mut self, violations: usize) -> Self {
        self.limit = violations;
        self
    }

    fn is_met(&self, violation: &Violation) -> bool {
        self.document.is_none_or(|document| violation.document == Some(document))
            && self.status.as_ref().is_none_or(|status| *status == violation.status)
            && self.severity.as_ref().is_none_or(|severity| *severity == violation.severity)
            && self.violation_type.as_ref().is_none_or(|word| *word == violation.violation_type)
    }
}

/// Violations of a transaction. Made by [`ReadTx::violations`] and [`WriteTx::violations`].
#[derive(Debug)]
pub struct Violations<T> {
    tx: T,
}

impl ReadTx {
    /// Violations, to look at.
    pub fn violations(&self) -> Violations<&Self> {
        Violations { tx: self }
    }
}

impl WriteTx<'_> {
    /// Violations.
    pub fn violations(&mut self) -> Violations<&mut Self> {
        Violations { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Violations<T> {
    /// Violations, newest first. Walks the index of the document, the state, the severity or the
    /// rule, the first that is given; without any, that of the rules.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self, query: &ViolationQuery) -> Result<Vec<(NodeId, Violation)>> {
        let rows = match (&query.document, &query.status, &query.severity, &query.violation_type) {
            (Some(document), ..) => self.tx.index_descending("document", (Some(*document),))?,
            (_, Some(status), ..) => self.tx.index_descending("status", (status,))?,
            (_, _, Some(severity), _) => self.tx.index_descending("severity", (severity,))?,
            (_, _, _, Some(word)) => self.tx.index_descending("type", (word,))?,
            (None, None, None, None) => self.tx.index_descending("type", ())?,
        };
        let met = rows.filter(|row| {
            row.as_ref().map_or(true, |(_, violation): &(_, Violation)| query.is_met(violation))
        });
        let mut found = met.collect::<Result<Vec<_>>>()?;
        found.sort_by(|(a_id, a), (b_id, b)| (b.detected_at, b_id).cmp(&(a.detected_at, a_id)));
        found.truncate(query.limit);
        Ok(found)
    }
}

impl Violations<&mut WriteTx<'_>> {
    /// Notes a violation and returns its id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the document is absent; [`Error::Invalid`] for one without a rule
    /// or a description, or a confidence outside 0 to 1.
    pub fn note(&mut self, new: NewViolation) -> Result<NodeId> {
        let mut record = new.record;
        named("violation_type", &record.violation_type)?;
        named("description", &record.description)?;
        share("confidence", record.confidence)?;
        if let Some(document) = record.document {
            existing::<Document>(&*self.tx, document)?;
        }
        record.detected_at = Some(self.tx.now());
        self.tx.insert(&record)
    }

    /// As [`Violations::note`] for each, in order.
    ///
    /// # Errors
    /// As there; the first fault ends the write's work.
    pub fn note_all(&mut self, new: impl IntoIterator<Item = NewViolation>) -> Result<Vec<NodeId>> {
        new.into_iter().map(|violation| self.note(violation)).collect()
    }

    /// Says what somebody who looked at it found, and what they have to say.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it was resolved or found to
    /// be none before; [`Error::Invalid`] when nobody is named.
    pub fn review(
        &mut self,
        id: NodeId,
        status: AlertStatus,
        reviewer: &str,
        comments: Option<String>,
    ) -> Result<Violation> {
        named("reviewed_by", reviewer)?;
        let now = self.tx.now();
        self.tx.update(id, |violation: &mut Violation| {
            if matches!(violation.status, AlertStatus::Resolved | AlertStatus::FalsePositive) {
                let reason = format!("it is {}", violation.status);
                return Err(Error::conflict(format!("violation {id}"), reason));
            }
            violation.status = status;
            violation.reviewed_by = Some(reviewer.into());
            violation.reviewed_at = Some(now);
            violation.comments = comments.or(violation.comments.take());
            Ok(())
        })
    }
}
