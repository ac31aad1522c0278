//! Files and directories, by platform: the one module that knows permissions and lock files.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::base::error::{Error, Result};
use crate::base::limits::BACKUP_NOTE_BYTES_MAX;
use crate::base::trace::category::STORE;

/// The file with the truth, inside the store's directory.
pub(crate) const DATA_FILE: &str = "data.redb";
/// The directory of the search index, inside the store's directory.
pub(crate) const SEARCH_DIRECTORY: &str = "search";
/// The directory of approximate indexes of vectors, inside the store's directory.
pub(crate) const VECTORS_DIRECTORY: &str = "vectors";
/// The data file of a store that is being made: it gets its name when it can be opened.
const UNBORN_FILE: &str = "data.redb.new";
/// Says who has the store open; only a hint, the lock is the engine's.
const OWNER_FILE: &str = "owner";
/// Says when the store was last copied; only a hint, losing it loses nothing.
const BACKUP_FILE: &str = "last_backup";

/// The data file of the store in `directory`.
pub(crate) fn data_file(directory: &Path) -> PathBuf {
    directory.join(DATA_FILE)
}

/// Where the data file of a store is made.
pub(crate) fn unborn_file(directory: &Path) -> PathBuf {
    directory.join(UNBORN_FILE)
}

/// Makes the directory of a new store: it must be absent or empty, but for what a creation left
/// that was killed, which is taken away.
pub(crate) fn create_directory(directory: &Path) -> Result<()> {
    match fs::read_dir(directory) {
        Ok(entries) => {
            for entry in entries {
                let entry =
                    entry.map_err(|error| Error::io("create a store in", directory, error))?;
                if *entry.file_name() != *UNBORN_FILE {
                    let what = if data_file(directory).exists() { "store" } else { "directory" };
                    return Err(Error::already_exists(what, directory.display()));
                }
            }
            remove_unborn(directory)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(directory).map_err(|error| Error::io("create", directory, error))
        }
        Err(error) => Err(Error::io("create a store in", directory, error)),
    }
}

/// Removes the data file that a killed creation left. One that is locked is being made right now.
fn remove_unborn(directory: &Path) -> Result<()> {
    let path = unborn_file(directory);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("open", path, error)),
    };
    match file.try_lock() {
        Ok(()) => remove_if_there(&path),
        Err(TryLockError::WouldBlock) => {
            let holder = holder_of(&path);
            Err(Error::Locked { path, holder })
        }
        Err(TryLockError::Error(error)) => Err(Error::io("lock", path, error)),
    }
}

/// Gives the data file of a new store its name, for good. Fails when there is a store by now.
pub(crate) fn name_unborn(directory: &Path) -> Result<()> {
    let (unborn, named) = (unborn_file(directory), data_file(directory));
    // A link never takes another's place; a renamed file would.
    match fs::hard_link(&unborn, &named) {
        Ok(()) => remove_if_there(&unborn)?,
        Err(_) if named.exists() => {
            return Err(Error::already_exists("store", directory.display()));
        }
        // Some file systems have no links.
        Err(_) => {
            fs::rename(&unborn, &named).map_err(|error| Error::io("rename", unborn, error))?;
        }
    }
    sync_parent(&named)
}

/// Checks that `directory` holds a store.
pub(crate) fn check_store(directory: &Path) -> Result<()> {
    let data = data_file(directory);
    match fs::metadata(&data) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(Error::corrupt(data.display().to_string(), "not a regular file")),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(Error::not_found("store", directory.display()))
        }
        Err(error) => Err(Error::io("open", data, error)),
    }
}

/// Makes a new file, readable and writable for its owner; fails when there is one.
pub(crate) fn create_new(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    owner_only(&mut options);
    options.open(path).map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            Error::already_exists("file", path.display())
        } else {
            Error::io("create", path, error)
        }
    })
}

#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn owner_only(_options: &mut OpenOptions) {}

/// Makes a new directory entry durable, where the platform can.
#[cfg(unix)]
pub(crate) fn sync_parent(path: &Path) -> Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let directory = File::open(parent).map_err(|error| Error::io("open", parent, error))?;
    directory.sync_all().map_err(|error| Error::io("sync", parent, error))
}

/// Makes a new directory entry durable, where the platform can.
#[cfg(not(unix))]
pub(crate) fn sync_parent(_path: &Path) -> Result<()> {
    Ok(())
}

/// Removes a file; one that is not there is no fault.
pub(crate) fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

/// What tells two files of one name apart, where the platform can.
#[cfg(unix)]
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// What tells two files of one name apart, where the platform can.
#[cfg(not(unix))]
pub(crate) fn identity(_path: &Path) -> Option<(u64, u64)> {
    None
}

/// Notes this process as the one that has the store open. A failure is no fault: it is a hint.
pub(crate) fn note_owner(directory: &Path) {
    let write = || -> std::io::Result<()> {
        let mut file = File::create(directory.join(OWNER_FILE))?;
        writeln!(file, "process {}", std::process::id())
    };
    if let Err(error) = write() {
        tracing::debug!(target: STORE, %error, "could not note the owner of the store");
    }
}

/// Takes the note of [`note_owner`] away.
pub(crate) fn clear_owner(directory: &Path) {
    if let Err(error) = fs::remove_file(directory.join(OWNER_FILE)) {
        tracing::debug!(target: STORE, %error, "could not remove the owner note of the store");
    }
}

/// Who has the store of this data file open, as far as it can be told.
pub(crate) fn holder_of(data_file: &Path) -> String {
    let note = data_file.parent().map(|directory| directory.join(OWNER_FILE));
    note.and_then(|note| fs::read_to_string(note).ok())
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty() && text.len() < 100)
        .unwrap_or_else(|| "another process".to_owned())
}

/// Notes a copy that was made of the store. A failure is no fault: it is a hint.
pub(crate) fn note_backup(directory: &Path, note: &str) {
    if let Err(error) = fs::write(directory.join(BACKUP_FILE), note) {
        tracing::debug!(target: STORE, %error, "could not note the copy of the store");
    }
}

/// The note of [`note_backup`], unless it is longer than one can be.
pub(crate) fn backup_note(directory: &Path) -> Option<String> {
    let mut note = String::new();
    let file = File::open(directory.join(BACKUP_FILE)).ok()?;
    let read = file.take(BACKUP_NOTE_BYTES_MAX + 1).read_to_string(&mut note).ok()?;
    (read as u64 <= BACKUP_NOTE_BYTES_MAX).then_some(note)
}

/// Bytes that the file system of a path has left for us, and all that it has.
pub(crate) fn disk_space(path: &Path) -> Result<(u64, u64)> {
    let found = fs4::statvfs(path).map_err(|error| Error::io("ask the disk of", path, error))?;
    Ok((found.available_space(), found.total_space()))
}

/// Bytes of a file, or of all files below a directory; what cannot be read counts as nothing.
pub(crate) fn bytes_on_disk(path: &Path) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else { return 0 };
    if !found.is_dir() {
        return found.len();
    }
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    entries.filter_map(std::result::Result::ok).map(|entry| bytes_on_disk(&entry.path())).sum()
}
