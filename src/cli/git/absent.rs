//! `engraph git read` where the command was built without it.

use super::Repository;
use crate::cli::failure::{Answer, Failure};
use crate::cli::output::Output;

pub(super) fn run(asked: &Repository, _output: &mut Output) -> Result<Answer, Failure> {
    Err(Failure::usage(format!(
        "{} cannot be read: this command was built without the feature `git`",
        asked.place.display()
    )))
}
