//! Taking in a newer version of a source.
use super::database::Database;
use super::import::Intake;
use super::report::{FileReport, Progress};
use super::source::Source;
use crate::base::error::{Error, Result};
use crate::store::sources;

pub(super) fn update(
    _intake: &Intake<'_>,
    source: &Source,
    _database: &'static Database,
    _earlier: &sources::Source,
    _progress: &mut dyn FnMut(&Progress),
) -> Result<FileReport> {
    Err(Error::Import { file: source.path().to_owned(), place: String::new(), reason: "newer version".into(), source: None })
}
