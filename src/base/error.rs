//! The one error type of the crate. It imports nothing of the crate, so it starts no import cycle.
//!
//! A variant is named for what the caller can do about it. Engine errors are boxed sources and
//! never part of the interface, so a new version of an engine is not a breaking change here.

use std::path::PathBuf;

/// What an engine or the operating system said, kept as the source of an [`Error`].
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something of that name or key is there already: choose another, or update it.
    #[error("{what} already exists: {key}")]
    AlreadyExists {
        /// The thing, for example `document` or `store`.
        what: String,
        /// Its key, name or path.
        key: String,
    },
    /// Something that the call needs is absent.
    #[error("{what} not found: {key}")]
    NotFound {
        /// The thing, for example `document` or `store`.
        what: String,
        /// Its key, name or path.
        key: String,
    },
    /// The call contradicts the present state: read it again and decide.
    #[error("conflict in {what}: {reason}")]
    Conflict {
        /// The thing concerned.
        what: String,
        /// Why the call cannot be done in this state.
        reason: String,
    },
    /// A value that the caller gave is not acceptable.
    #[error("invalid {field}: {reason}")]
    Invalid {
        /// The argument, field or option.
        field: String,
        /// What is wrong with it, found and allowed value included.
        reason: String,
    },
    /// A bound of the crate would be exceeded.
    #[error("{what} of {found} exceeds the limit of {max}")]
    Limit {
        /// What is bounded, with its unit.
        what: String,
        /// The bound.
        max: u64,
        /// The value found.
        found: u64,
    },
    /// Bytes on disk are not what they must be. `verify` tells more; a backup may be needed.
    #[error("corrupt data in {place}: {detail}")]
    Corrupt {
        /// File, table and key.
        place: String,
        /// What was found.
        detail: String,
        /// The cause reported by an engine or decoder.
        #[source]
        source: Option<Cause>,
    },
    /// Another process holds the store.
    #[error("store {path} is in use by {holder}", path = path.display())]
    Locked {
        /// The store's directory.
        path: PathBuf,
        /// The process that holds it, as far as it can be told.
        holder: String,
    },
    /// The store was opened for reading only.
    #[error("cannot {action}: the store is open read-only")]
    ReadOnly {
        /// What was attempted.
        action: String,
    },
    /// The change log no longer reaches back that far.
    #[error("change log was trimmed: the oldest kept sequence number is {oldest}")]
    Trimmed {
        /// The oldest sequence number that can be read.
        oldest: u64,
    },
    /// The store was written by a newer version of this crate.
    #[error("{what} has format {found}; this version reads up to {supported}")]
    Version {
        /// The file or part concerned.
        what: String,
        /// The format found.
        found: u64,
        /// The newest format that this version knows.
        supported: u64,
    },
    /// A commit failed and its outcome is unknown: reopen the store, which decides.
    #[error("store is poisoned by an earlier failure and must be reopened: {reason}")]
    Poisoned {
        /// The failure that poisoned it.
        reason: String,
    },
    /// The store was closed.
    #[error("store is closed")]
    Closed,
    /// A closure given to the store panicked; nothing of it was kept.
    #[error("the closure given to {action} panicked: {message}")]
    Panicked {
        /// The call that ran the closure.
        action: String,
        /// The panic's message.
        message: String,
    },
    /// A query text cannot be understood.
    #[error("query cannot be read at byte {offset}: {reason}")]
    Query {
        /// Byte offset into the query text.
        offset: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A foreign file cannot be taken in or given out.
    #[error("{file}: {place}{reason}", file = file.display(), place = place_prefix(place))]
    Import {
        /// The file.
        file: PathBuf,
        /// Table, row or column; empty where the whole file is meant.
        place: String,
        /// What is wrong.
        reason: String,
        /// The cause reported by an engine.
        #[source]
        source: Option<Cause>,
    },
    /// The operating system refused something.
    #[error("cannot {action} {path}", path = path.display())]
    Io {
        /// The verb, for example `open` or `rename`.
        action: String,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// An engine failed in a way that has no better name here.
    #[error("{engine} failed to {action}")]
    Engine {
        /// The engine, for example `redb`.
        engine: &'static str,
        /// What was attempted.
        action: String,
        /// What the engine said.
        #[source]
        source: Cause,
    },
}

fn place_prefix(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!("{place}: ") }
}

impl Error {
    /// Builds [`Error::Invalid`].
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }

    /// Builds [`Error::NotFound`].
    pub fn not_found(what: impl Into<String>, key: impl std::fmt::Display) -> Self {
        Self::NotFound { what: what.into(), key: key.to_string() }
    }

    /// Builds [`Error::AlreadyExists`].
    pub fn already_exists(what: impl Into<String>, key: impl std::fmt::Display) -> Self {
        Self::AlreadyExists { what: what.into(), key: key.to_string() }
    }

    /// Builds [`Error::Conflict`].
    pub fn conflict(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Conflict { what: what.into(), reason: reason.into() }
    }

    /// Builds [`Error::Corrupt`] without a source.
    pub(crate) fn corrupt(place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Corrupt { place: place.into(), detail: detail.into(), source: None }
    }

    /// Builds [`Error::Io`].
    pub(crate) fn io(
        action: impl Into<String>,
        path: impl Into<PathBuf>,
        source: std::io::Error,
    ) -> Self {
        Self::Io { action: action.into(), path: path.into(), source }
    }

    /// Builds [`Error::Engine`].
    pub(crate) fn engine(
        engine: &'static str,
        action: impl Into<String>,
        source: impl Into<Cause>,
    ) -> Self {
        Self::Engine { engine, action: action.into(), source: source.into() }
    }

    /// A stable word for the variant, for machine-readable output.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AlreadyExists { .. } => "already_exists",
            Self::NotFound { .. } => "not_found",
            Self::Conflict { .. } => "conflict",
            Self::Invalid { .. } => "invalid",
            Self::Limit { .. } => "limit",
            Self::Corrupt { .. } => "corrupt",
            Self::Locked { .. } => "locked",
            Self::ReadOnly { .. } => "read_only",
            Self::Trimmed { .. } => "trimmed",
            Self::Version { .. } => "version",
            Self::Poisoned { .. } => "poisoned",
            Self::Closed => "closed",
            Self::Panicked { .. } => "panicked",
            Self::Query { .. } => "query",
            Self::Import { .. } => "import",
            Self::Io { .. } => "io",
            Self::Engine { .. } => "engine",
        }
    }
}

/// An error with its sources in one line.
pub(crate) fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_thing_place_and_bound() {
        let limit = Error::Limit { what: "value in bytes".into(), max: 4, found: 9 };
        assert_eq!(limit.to_string(), "value in bytes of 9 exceeds the limit of 4");
        let import = Error::Import {
            file: "a.db".into(),
            place: "documents row 3".into(),
            reason: "too large".into(),
            source: None,
        };
        assert_eq!(import.to_string(), "a.db: documents row 3: too large");
    }
}
