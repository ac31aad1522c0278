//! What went wrong, for people: the message, what caused it, a hint, and the exit code.

use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Style};
use engraph::Error;
use serde::Serialize;

use super::output::{self, Form};
use super::text;

/// The exit codes, as `--help` and the README tell them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done, and the answer is yes
  1  done, and the answer is no: absent record, no hit, no path, differences, a refused file
  2  the command line or a value on it cannot be used
  3  a store or file cannot be found, opened, read or written
  4  a store is damaged
  5  a store is in use by another process, or its state forbids the call
  6  the command failed for another reason
  7  a store is failing, as its health says";

/// The exit codes. Meanings are in [`EXIT_CODES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Yes = 0,
    No = 1,
    Usage = 2,
    Place = 3,
    Damaged = 4,
    Busy = 5,
    Failed = 6,
    Failing = 7,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// How a command that did its work ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// What was looked at is damaged.
    Damaged,
    /// What was looked at does not work, or soon will not.
    Failing,
}

impl Answer {
    pub(crate) fn yes_if(condition: bool) -> Self {
        if condition { Self::Yes } else { Self::No }
    }

    pub(crate) fn code(self) -> Code {
        match self {
            Self::Yes => Code::Yes,
            Self::No => Code::No,
            Self::Damaged => Code::Damaged,
            Self::Failing => Code::Failing,
        }
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    kind: &'static str,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    /// The reader of standard output went away: nothing to say, and nothing went wrong.
    is_closed_pipe: bool,
}

impl Failure {
    fn new(code: Code, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            kind,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            is_closed_pipe: false,
        }
    }

    /// The command line cannot be used.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, "usage", message)
    }

    /// The answer is no, and why is worth a message.
    pub(crate) fn no(message: impl Into<String>) -> Self {
        Self::new(Code::No, "not_found", message)
    }

    /// Something that the command depends on does not do what it is for.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Code::Failed, "engine", message)
    }

    /// Standard output cannot be written.
    #[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
    pub(crate) fn output(error: io::Error) -> Self {
        let is_closed_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        let mut failure = Self::new(Code::Place, "io", "cannot write to standard output");
        failure.causes.push(error.to_string());
        failure.is_closed_pipe = is_closed_pipe;
        failure
    }

    /// The operating system refused something that the command itself asked for.
    pub(crate) fn io(action: &str, path: &Path, error: &io::Error) -> Self {
        let mut failure =
            Self::new(Code::Place, "io", format!("cannot {action} {}", path.display()));
        failure.causes.push(error.to_string());
        failure.hint = io_hint(error.kind()).map(ToOwned::to_owned);
        failure
    }

    /// What went wrong, without what caused it.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says it on standard error and gives the exit code.
    pub(crate) fn report(&self, form: Form) -> Code {
        if self.is_closed_pipe {
            return Code::Yes;
        }
        let mut stderr = anstream::stderr();
        let written = match form {
            Form::People => write!(stderr, "{}", Shown(self)),
            Form::Json => writeln!(stderr, "{}", self.to_json()),
        };
        // With standard error gone too, the exit code is what is left to tell.
        drop(written);
        self.code
    }

    fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Report<'a> {
            error: Inner<'a>,
        }
        #[derive(Serialize)]
        struct Inner<'a> {
            kind: &'a str,
            message: &'a str,
            causes: &'a [String],
            hint: Option<&'a str>,
            exit_code: u8,
        }
        let report = Report {
            error: Inner {
                kind: self.kind,
                message: &self.message,
                causes: &self.causes,
                hint: self.hint.as_deref(),
                exit_code: self.code as u8,
            },
        };
        let mut json = Vec::new();
        // Texts and numbers always have a JSON form, and memory takes every write.
        drop(output::write_json(&mut json, &report));
        String::from_utf8(json).unwrap_or_default()
    }
}

/// A failure as lines for people.
struct Shown<'a>(&'a Failure);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(failure) = self;
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let dim = Style::new().bold();
        writeln!(f, "{red}error:{red:#} {}", text::escaped(&failure.message))?;
        for cause in &failure.causes {
            writeln!(f, "  {dim}cause:{dim:#} {}", text::escaped(cause))?;
        }
        if let Some(hint) = &failure.hint {
            writeln!(f, "  {dim}hint:{dim:#} {}", text::escaped(hint))?;
        }
        Ok(())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut failure = Self::new(code(&error), error.kind(), error.to_string());
        failure.causes = causes(&error);
        failure.hint = hint(&error);
        failure
    }
}

/// The exit code of an error of the library.
fn code(error: &Error) -> Code {
    match error {
        Error::NotFound { what, .. } if what == "store" || what == "file" => Code::Place,
        Error::NotFound { .. } | Error::Trimmed { .. } => Code::No,
        Error::Invalid { .. } | Error::Query { .. } | Error::Limit { .. } => Code::Usage,
        Error::AlreadyExists { .. }
        | Error::Import { .. }
        | Error::Io { .. }
        | Error::ReadOnly { .. }
        | Error::Version { .. } => Code::Place,
        Error::Corrupt { .. } => Code::Damaged,
        Error::Locked { .. } | Error::Conflict { .. } => Code::Busy,
        _ => Code::Failed,
    }
}

/// What caused the error, outermost first. What a message already says is not repeated.
fn causes(error: &Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut said = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.contains(&text) {
            said.clone_from(&text);
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}

/// What can be done about an error.
fn hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::NotFound { what, key } if what == "store" && Path::new(key).exists() => {
            "a store is a directory that `engraph init` or an import made".to_owned()
        }
        Error::NotFound { what, key } if what == "store" => {
            format!("`engraph init {key}` makes a new store there")
        }
        Error::NotFound { what, .. } if what == "registered record type" => {
            "only the application that registered this type can read its records".to_owned()
        }
        Error::AlreadyExists { what, .. } if what == "store" => {
            "it can be used as it is; choose another place for a new one".to_owned()
        }
        Error::AlreadyExists { what, .. } if what == "directory" => {
            "a new store needs an absent or empty directory".to_owned()
        }
        Error::Corrupt { .. } => {
            "`engraph verify STORE` tells what is damaged; a backup brings it back".to_owned()
        }
        Error::Locked { .. } => {
            "one process at a time opens a store: wait for it, or end it".to_owned()
        }
        Error::Version { .. } => "a newer version of engraph reads it".to_owned(),
        Error::Poisoned { .. } => "what was acknowledged is kept: run the command again".to_owned(),
        Error::Io { source, .. } => io_hint(source.kind())?.to_owned(),
        _ => return None,
    };
    Some(hint)
}

fn io_hint(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::PermissionDenied => {
            Some("check who may read and write there, and that the disk is not read-only")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("make room on the disk; nothing of the failed call was kept")
        }
        io::ErrorKind::NotFound => Some("check the path"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: Error, code: Code, shown: &str) {
        let failure = Failure::from(error);
        assert_eq!(failure.code, code);
        let text = anstream::adapter::strip_str(&Shown(&failure).to_string()).to_string();
        assert_eq!(text, shown);
    }

    #[test]
    fn an_error_is_shown_with_its_causes_and_a_hint() {
        let source = io::Error::new(io::ErrorKind::PermissionDenied, "denied");
        check(
            Error::Io { action: "open".into(), path: "a.db".into(), source },
            Code::Place,
            "error: cannot open a.db\n  cause: denied\n  hint: check who may read and write \
             there, and that the disk is not read-only\n",
        );
    }

    #[test]
    fn stored_text_in_an_error_is_escaped() {
        check(
            Error::invalid("name", "\u{1b}[2J\nforged"),
            Code::Usage,
            "error: invalid name: \\u{1b}[2J\\nforged\n",
        );
        let failure = Failure::from(Error::invalid("name", "\u{9b}"));
        assert!(!failure.to_json().contains(text::is_unsafe));
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let failure = Failure::output(io::ErrorKind::BrokenPipe.into());
        assert_eq!(failure.report(Form::People), Code::Yes);
    }

    #[test]
    fn every_variant_has_its_exit_code() {
        let locked = Error::Locked { path: "s".into(), holder: "process 7".into() };
        for (error, expected) in [
            (Error::not_found("store", "s"), Code::Place),
            (Error::not_found("node", "1:1"), Code::No),
            (Error::Query { offset: 0, reason: String::new() }, Code::Usage),
            (locked, Code::Busy),
            (Error::Closed, Code::Failed),
        ] {
            assert_eq!(code(&error), expected, "{error}");
        }
    }
}
