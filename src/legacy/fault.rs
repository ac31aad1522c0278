//! Errors of this layer: always with the file, where possible with table, row and column.

use std::path::Path;

use crate::base::error::Error;

/// The file as a whole cannot be used.
pub(crate) fn file(path: &Path, reason: impl Into<String>) -> Error {
    at(path, "", reason)
}

/// Something at a place within the file cannot be used.
pub(crate) fn at(path: &Path, place: impl Into<String>, reason: impl Into<String>) -> Error {
    Error::Import {
        file: path.to_path_buf(),
        place: place.into(),
        reason: reason.into(),
        source: None,
    }
}

/// The operating system refused something about the file.
pub(crate) fn io(path: &Path, reason: impl Into<String>, source: std::io::Error) -> Error {
    Error::Import {
        file: path.to_path_buf(),
        place: String::new(),
        reason: reason.into(),
        source: Some(Box::new(source)),
    }
}

/// SQLite refused something at a place within the file.
pub(crate) fn sqlite(
    path: &Path,
    place: impl Into<String>,
    reason: impl Into<String>,
    source: rusqlite::Error,
) -> Error {
    Error::Import {
        file: path.to_path_buf(),
        place: place.into(),
        reason: reason.into(),
        source: Some(Box::new(source)),
    }
}

/// Whether SQLite reports that bytes of the file are not what they must be.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, SystemIoFailure};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase | SystemIoFailure))
}
