//! A log file that does not grow for ever: before a line would make it too large, it becomes
//! `FILE.1`, the one before `FILE.2`, and so on; the oldest goes.
//!
//! Failures are kept to itself: a log that cannot be written must not end what it tells about.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Size at which the next file begins.
const BYTES_MAX: u64 = 10 << 20;
/// Files that are kept besides the one that is written.
const KEPT: u32 = 5;

/// A log file, and those before it.
#[derive(Debug)]
pub(super) struct RotatingFile {
    path: PathBuf,
    bytes_max: u64,
    kept: u32,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
}

impl RotatingFile {
    /// Goes on with a file, or makes it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::with_limits(path, BYTES_MAX, KEPT)
    }

    fn with_limits(path: &Path, bytes_max: u64, kept: u32) -> io::Result<Self> {
        let open = Mutex::new(append_to(path)?);
        Ok(Self { path: path.to_owned(), bytes_max, kept, open })
    }

    /// Writes one line, in a file of its own where this one is full.
    pub(super) fn write(&self, line: &[u8]) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = open.bytes > 0 && open.bytes + line.len() as u64 > self.bytes_max;
        if is_full && let Ok(next) = self.rotate() {
            *open = next;
        }
        if open.file.write_all(line).is_ok() {
            open.bytes += line.len() as u64;
        }
    }

    fn rotate(&self) -> io::Result<Open> {
        for number in (1..self.kept).rev() {
            let (from, to) = (self.numbered(number), self.numbered(number + 1));
            if from.exists() {
                fs::rename(from, to)?;
            }
        }
        if self.kept > 0 {
            fs::rename(&self.path, self.numbered(1))?;
        }
        append_to(&self.path)
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn append_to(path: &Path) -> io::Result<Open> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    owner_only(&mut options);
    let file = options.open(path)?;
    let bytes = file.metadata()?.len();
    Ok(Open { file, bytes })
}

/// A log tells names and paths: it is for its owner.
#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

/// A log tells names and paths: it is for its owner.
#[cfg(not(unix))]
fn owner_only(_options: &mut OpenOptions) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_files_are_numbered_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let file = RotatingFile::with_limits(&path, 8, 2).unwrap();
        for line in ["one\n", "two\n", "three\n", "four\n", "much too long for one\n", "six\n"] {
            file.write(line.as_bytes());
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        assert_eq!(read("a.log"), "six\n");
        assert_eq!(read("a.log.1"), "much too long for one\n");
        assert_eq!(read("a.log.2"), "four\n");
        assert!(!folder.path().join("a.log.3").exists());
    }

    #[test]
    fn an_earlier_file_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        for line in ["one\n", "two\n", "three\n"] {
            RotatingFile::with_limits(&path, 8, 5).unwrap().write(line.as_bytes());
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
        let before = fs::read_to_string(folder.path().join("a.log.1")).unwrap();
        assert_eq!(before, "one\ntwo\n");
    }
}
