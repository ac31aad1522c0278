//! Operations on many files: what was asked for, how far it is, how it ended.
//!
//! An operation waits, is under way, and then ends in one of three ways, which is final. Counts
//! only grow, and the share and the estimate are computed from them.

use std::ops::Deref;
use std::time::Duration;

use super::{Quality, Reader};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::family::{named, object, object_or_empty};
use crate::record::{BulkOperation, BulkStatus, BulkType};
use crate::store::WriteTx;

impl<T: Deref<Target: Reader>> Quality<T> {
    /// Operations in a state, newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn bulk_operations(
        &self,
        status: &BulkStatus,
        limit: usize,
    ) -> Result<Vec<(NodeId, BulkOperation)>> {
        self.tx.index_descending("status", (status,))?.take(limit).collect()
    }
}

impl Quality<&mut WriteTx<'_>> {
    /// Asks for an operation on the files that meet `criteria`, a JSON object, and returns its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one without a name or without who asks, or criteria that are no
    /// object.
    pub fn ask_bulk(
        &mut self,
        name: &str,
        operation_type: BulkType,
        criteria: Option<Json>,
        asker: &str,
    ) -> Result<NodeId> {
        named("operation_name", name)?;
        named("initiated_by", asker)?;
        self.tx.insert(&BulkOperation {
            operation_name: name.into(),
            operation_type,
            operation_criteria: object_or_empty("operation_criteria", criteria)?,
            initiated_by: asker.into(),
            initiated_at: Some(self.tx.now()),
            progress_percentage: Some(0.0),
            ..BulkOperation::default()
        })
    }

    /// Starts an operation on so many files.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it does not wait.
    pub fn start_bulk(&mut self, id: NodeId, files: u64) -> Result<BulkOperation> {
        let now = self.tx.now();
        self.change_bulk(id, &[BulkStatus::Pending], |operation| {
            operation.status = BulkStatus::Running;
            operation.started_at = Some(now);
            operation.files_selected = i64::try_from(files).unwrap_or(i64::MAX);
            Ok(())
        })
    }

    /// Adds files that were done, well or not, to an operation that is under way, and names the one
    /// at hand.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it is not under way;
    /// [`Error::Invalid`] when more are done than were selected.
    pub fn advance_bulk(
        &mut self,
        id: NodeId,
        (successful, failed): (u32, u32),
        current: Option<&str>,
    ) -> Result<BulkOperation> {
        let now = self.tx.now();
        self.change_bulk(id, &[BulkStatus::Running], |operation| {
            operation.files_successful += i64::from(successful);
            operation.files_failed += i64::from(failed);
            operation.files_processed += i64::from(successful) + i64::from(failed);
            let (done, all) = (operation.files_processed, operation.files_selected);
            if done > all {
                return Err(Error::invalid("files", format!("{done} of {all} are done")));
            }
            operation.progress_percentage = Some(done as f64 * 100.0 / all.max(1) as f64);
            operation.current_file = current.map(Into::into);
            operation.estimated_completion = estimate(operation, now);
            Ok(())
        })
    }

    /// Ends an operation that is under way: completed, or failed where an error is given.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it is not under way;
    /// [`Error::Invalid`] for results that are no object.
    pub fn end_bulk(
        &mut self,
        id: NodeId,
        results: Option<Json>,
        error: Option<&str>,
    ) -> Result<BulkOperation> {
        let (now, results) = (self.tx.now(), object("operation_results", results)?);
        self.change_bulk(id, &[BulkStatus::Running], |operation| {
            operation.status =
                if error.is_some() { BulkStatus::Failed } else { BulkStatus::Completed };
            if error.is_none() {
                operation.progress_percentage = Some(100.0);
            }
            operation.error_message = error.map(Into::into);
            operation.operation_results = results;
            ended(operation, now);
            Ok(())
        })
    }

    /// Stops an operation that waits or is under way.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it has ended.
    pub fn cancel_bulk(&mut self, id: NodeId) -> Result<BulkOperation> {
        let now = self.tx.now();
        self.change_bulk(id, &[BulkStatus::Pending, BulkStatus::Running], |operation| {
            operation.status = BulkStatus::Cancelled;
            ended(operation, now);
            Ok(())
        })
    }

    fn change_bulk(
        &mut self,
        id: NodeId,
        from: &[BulkStatus],
        change: impl FnOnce(&mut BulkOperation) -> Result<()>,
    ) -> Result<BulkOperation> {
        self.tx.update(id, |operation: &mut BulkOperation| {
            if !from.contains(&operation.status) {
                let reason = format!("it is {}", operation.status);
                return Err(Error::conflict(format!("bulk_operation {id}"), reason));
            }
            change(operation)
        })
    }
}

fn ended(operation: &mut BulkOperation, now: Timestamp) {
    operation.completed_at = Some(now);
    operation.current_file = None;
    operation.estimated_completion = None;
}

/// When it ends if the files that are left take as long as those done.
fn estimate(operation: &BulkOperation, now: Timestamp) -> Option<Timestamp> {
    let took = now.as_micros().saturating_sub(operation.started_at?.as_micros());
    let done = operation.files_processed;
    if done == 0 {
        return None;
    }
    let left = operation.files_selected.saturating_sub(done);
    let micros = i128::from(took) * i128::from(left) / i128::from(done);
    Some(now.saturating_add(Duration::from_micros(u64::try_from(micros).ok()?)))
}
