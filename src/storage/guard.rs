//! Damaged pages: where the engine meets one it panics, and here that becomes an error like any
//! other damage.
//!
//! Every call into the engine that reads pages goes through [`guarded`] or [`GuardedRows`]. What
//! the engine left behind in such a call is not used again: its own locks are poisoned, so later
//! calls fail in the same way.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::rows::Row;
use crate::base::error::{Error, Result};

/// Runs a call into the engine. `place` names what it is about, for the error.
pub(crate) fn guarded<T, P: Into<String>>(
    place: impl FnOnce() -> P,
    call: impl FnOnce() -> Result<T>,
) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(damage(place(), &*panic)))
}

/// The error that stands for a panic of the engine.
fn damage(place: impl Into<String>, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    Error::corrupt(place, format!("the engine gave up on a damaged page: {text}"))
}

/// Rows of the engine, in either direction. Ends after the first panic.
pub(crate) struct GuardedRows<I> {
    rows: Option<I>,
    place: String,
    descending: bool,
}

impl<I> GuardedRows<I> {
    pub(crate) fn new(rows: I, place: String, descending: bool) -> Self {
        Self { rows: Some(rows), place, descending }
    }
}

impl<I: DoubleEndedIterator<Item = Row>> Iterator for GuardedRows<I> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let rows = self.rows.as_mut()?;
        let descending = self.descending;
        let step = AssertUnwindSafe(|| if descending { rows.next_back() } else { rows.next() });
        match catch_unwind(step) {
            Ok(row) => row,
            Err(panic) => {
                // Its state is unknown, so it is not even dropped.
                std::mem::forget(self.rows.take());
                Some(Err(damage(self.place.as_str(), &*panic)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::Bytes;
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_place_and_the_last_row() {
        let failed = guarded(|| "page 4", || -> Result<()> { panic!("bad page") });
        let text = failed.unwrap_err().to_string();
        assert!(text.contains("page 4") && text.contains("bad page"), "{text}");
        let rows = (0_u8..9).map(|number| {
            assert!(number < 2, "bad row");
            Ok((Box::from([number]), Bytes::Copy(vec![number])))
        });
        let read: Vec<_> = GuardedRows::new(rows, "table x".to_owned(), false).collect();
        assert_eq!(read.len(), 3);
        assert!(matches!(&read[2], Err(Error::Corrupt { place, .. }) if place == "table x"));
    }
}
