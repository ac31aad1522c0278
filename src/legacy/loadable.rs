//! What a database needs so that the newest old application opens it.

use super::export::Target;
use crate::base::error::{Error, Result};

/// Changes to a database on its way out.
#[derive(Debug, Default)]
pub(super) struct Fixes {
    notes: Vec<String>,
}

impl Fixes {
    /// No change.
    pub(super) fn none() -> Self {
        Self::default()
    }

    /// What was done, in words.
    pub(super) fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

/// The changes that a database needs.
pub(super) fn fixes(_target: &Target) -> Result<Fixes> {
    Err(Error::invalid("mode", "loadable exports are not written by this version"))
}
