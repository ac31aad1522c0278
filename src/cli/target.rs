//! Where an export is written: standard output, or a file that is there whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use engraph::Error;
use tempfile::NamedTempFile;

use super::failure::Failure;
use super::output::Output;

/// What takes the export.
#[derive(Args, Debug)]
pub(super) struct Target {
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,

    /// Replace files that are there
    #[arg(long)]
    pub(super) force: bool,
}

/// Hands `write` what takes the export: the file, or standard output.
pub(super) fn write_to<T>(
    target: &Target,
    output: &mut Output,
    write: impl FnOnce(&mut dyn Write) -> Result<T, Error>,
) -> Result<T, Failure> {
    match &target.out {
        None => write(output.writer()).map_err(of_output),
        Some(path) => write_file(path, target.force, write),
    }
}

/// A failed write to standard output has its own rules: a closed pipe is no failure.
fn of_output(error: Error) -> Failure {
    match error {
        Error::Io { action, path, source }
            if action == "write" && path == Path::new("the export") =>
        {
            Failure::output(source)
        }
        error => error.into(),
    }
}

/// Writes beside the file first, and puts it in place when all is written.
pub(super) fn write_file<T>(
    path: &Path,
    is_forced: bool,
    write: impl FnOnce(&mut dyn Write) -> Result<T, Error>,
) -> Result<T, Failure> {
    let cannot = |error: &io::Error| Failure::io("write", path, error);
    // Said before the work, too: nobody wants to wait for a refusal.
    if !is_forced && path.exists() {
        return Err(there(path));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::metadata(folder).map_err(|error| cannot(&error))?;
    let beside = NamedTempFile::new_in(folder).map_err(|error| cannot(&error))?;
    let mut buffered = io::BufWriter::new(beside);
    let done = write(&mut buffered)?;
    let beside = buffered.into_inner().map_err(|error| cannot(error.error()))?;
    let kept = if is_forced { beside.persist(path) } else { beside.persist_noclobber(path) };
    match kept {
        Ok(_) => Ok(done),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(there(path)),
        Err(error) => Err(cannot(&error.error)),
    }
}

fn there(path: &Path) -> Failure {
    Failure::from(Error::already_exists("file", path.display()))
        .hint("--force replaces files that are there")
}
