//! The index's folder, as the engine sees it: files are written without waiting for the disk.
//!
//! The engine would sync about seventeen times a commit, in competition with the store's own
//! commits, for an index that can be built anew. Here nothing is synced until [`sync`], which then
//! notes the state it made durable. Another state can have lost bytes in a crash of the machine, so
//! its checksums are read before it is trusted. A crash of the process alone loses nothing.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, MmapDirectory, TerminatingWrite,
    WatchCallback, WatchHandle, WritePtr,
};

use super::Access;
use crate::base::digest::Digest;

/// The file that describes the last commit.
const META: &str = "meta.json";

/// The file that holds the digest of the last description that is durable with all its files.
const SYNCED: &str = ".synced";

/// The folder of an index.
#[derive(Clone)]
pub(super) struct IndexDirectory {
    files: MmapDirectory,
    folder: PathBuf,
    access: Access,
}

impl IndexDirectory {
    pub(super) fn open(folder: &Path, access: Access) -> tantivy::Result<Self> {
        Ok(Self { files: MmapDirectory::open(folder)?, folder: folder.to_owned(), access })
    }

    fn may_write(&self) -> io::Result<()> {
        match self.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => {
                let reason = "the search index is open read-only";
                Err(io::Error::new(ErrorKind::PermissionDenied, reason))
            }
        }
    }
}

/// Whether the folder holds an index, usable or not.
pub(super) fn has_index(folder: &Path) -> bool {
    folder.join(META).exists()
}

/// What the folder's index says of its last commit.
pub(super) fn meta(folder: &Path) -> Option<Vec<u8>> {
    fs::read(folder.join(META)).ok()
}

/// Whether the last commit is the one that [`sync`] made durable.
pub(super) fn is_synced(folder: &Path) -> bool {
    let noted = fs::read_to_string(folder.join(SYNCED));
    let meta = fs::read(folder.join(META));
    matches!((noted, meta), (Ok(noted), Ok(meta)) if noted == Digest::of(&meta).to_string())
}

/// Makes the last commit durable. When another one arrives meanwhile, that one remains to be done.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    if is_synced(folder) {
        return Ok(());
    }
    let meta = fs::read(folder.join(META))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            sync_file(&entry.path())?;
        }
    }
    sync_folder(folder)?;
    if fs::read(folder.join(META))? != meta {
        return Ok(());
    }
    let path = folder.join(SYNCED);
    let mut file = File::create(&path)?;
    file.write_all(Digest::of(&meta).to_string().as_bytes())?;
    file.sync_all()
}

fn sync_file(path: &Path) -> io::Result<()> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file.sync_all(),
        // A merge has removed it since the folder was listed.
        Err(err) if err.kind() == ErrorKind::NotFound => Ok(()),
        Err(err) => Err(err),
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened, and its entries are durable with their files.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

impl fmt::Debug for IndexDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexDirectory")
            .field("folder", &self.folder)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl Directory for IndexDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.files.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.may_write().map_err(|err| DeleteError::IoError {
            io_error: Arc::new(err),
            filepath: path.to_owned(),
        })?;
        self.files.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.files.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let failed = |err| OpenWriteError::wrap_io_error(err, path.to_owned());
        self.may_write().map_err(failed)?;
        let file = OpenOptions::new().write(true).create_new(true).open(self.folder.join(path));
        match file {
            Ok(file) => Ok(BufWriter::new(Box::new(UnsyncedFile(file)))),
            Err(err) if err.kind() == ErrorKind::AlreadyExists => {
                Err(OpenWriteError::FileAlreadyExists(path.to_owned()))
            }
            Err(err) => Err(failed(err)),
        }
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.files.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.may_write()?;
        let new = self.folder.join(format!("{}.new", path.display()));
        fs::write(&new, data)?;
        fs::rename(new, self.folder.join(path))
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        match self.access {
            Access::ReadWrite => self.files.acquire_lock(lock),
            // The lock is against files that vanish while they are opened. Whoever writes meanwhile
            // makes that opening fail, and it is tried again.
            Access::ReadOnly => Ok(DirectoryLock::from(Box::new(()))),
        }
    }

    fn watch(&self, _callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        // Readers are told of commits; nobody watches.
        Ok(WatchHandle::empty())
    }
}

/// A file that is complete when it is closed, and durable after [`sync`].
struct UnsyncedFile(File);

impl Write for UnsyncedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl TerminatingWrite for UnsyncedFile {
    fn terminate_ref(&mut self, _token: AntiCallToken) -> io::Result<()> {
        self.0.flush()
    }
}
