//! The open data file: create, open, snapshots, commits.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::backends::FileBackend;
use redb::{
    Builder, CommitError, CompactionError, Database, DatabaseError, Durability, ReadOnlyDatabase,
    ReadableDatabase as _, StorageError, TableError, TransactionError, WriteTransaction,
};

use super::apply::apply;
use super::bulk::Bulk;
use super::disk::{Disk, DiskBackend};
use super::guard::guarded;
use super::layer::Layer;
use super::place;
use super::snapshot::Snapshot;
use crate::base::error::{Error, Result};
use crate::base::trace::category::STORE;

/// How the data file is opened.
#[derive(Clone, Debug)]
pub(crate) struct EngineOptions {
    /// Bytes of page cache.
    pub(crate) cache_bytes: usize,
    /// What takes the place of the data file's bytes in tests of crashes; the file stays empty.
    pub(crate) disk: Option<Arc<dyn Disk>>,
}

impl EngineOptions {
    /// A cache of so many bytes over a file.
    pub(crate) fn new(cache_bytes: usize) -> Self {
        Self { cache_bytes, disk: None }
    }
}

/// The data file of a store.
pub(crate) struct Engine {
    file: File,
    path: PathBuf,
    options: EngineOptions,
}

enum File {
    Writable(Database),
    ReadOnly(ReadOnlyDatabase),
}

impl Engine {
    /// Makes a new data file. Fails when there is one.
    pub(crate) fn create(path: &Path, options: EngineOptions) -> Result<Self> {
        let file = place::create_new(path)?;
        let builder = builder(&options);
        let database = if let Some(disk) = &options.disk {
            on_disk(&builder, path, disk)?
        } else {
            let backend =
                FileBackend::new(file).map_err(|error| database_error(path, "lock", error))?;
            builder
                .create_with_backend(backend)
                .map_err(|error| database_error(path, "create", error))?
        };
        place::sync_parent(path)?;
        Ok(Self { file: File::Writable(database), path: path.to_owned(), options })
    }

    /// Opens a data file for reading and writing.
    pub(crate) fn open(path: &Path, options: EngineOptions) -> Result<Self> {
        let mut builder = builder(&options);
        let shown = path.display().to_string();
        builder.set_repair_callback(move |session| {
            tracing::info!(
                target: STORE, file = %shown, progress = session.progress(), "recovering data file"
            );
        });
        let open = || match &options.disk {
            Some(disk) => on_disk(&builder, path, disk),
            None => builder.open(path).map_err(|error| database_error(path, "open", error)),
        };
        let database = guarded(|| path.display().to_string(), open)?;
        Ok(Self { file: File::Writable(database), path: path.to_owned(), options })
    }

    /// Opens a data file that was closed cleanly, for reading only; writes nothing, takes no lock
    /// file.
    pub(crate) fn open_read_only(path: &Path, options: EngineOptions) -> Result<Self> {
        let open = || {
            builder(&options)
                .open_read_only(path)
                .map_err(|error| database_error(path, "open read-only", error))
        };
        let database = guarded(|| path.display().to_string(), open)?;
        Ok(Self { file: File::ReadOnly(database), path: path.to_owned(), options })
    }

    /// How the file was opened.
    pub(crate) fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// The newest committed state.
    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        let begin = || {
            let transaction = match &self.file {
                File::Writable(database) => database.begin_read(),
                File::ReadOnly(database) => database.begin_read(),
            };
            transaction.map(Snapshot::new).map_err(|error| transaction_error("begin a read", error))
        };
        guarded(|| self.path.display().to_string(), begin)
    }

    /// Writes a layer and makes it durable. With `quick_repair` the engine's free list goes with
    /// it, so that opening after a crash needs no walk over the file; twice the cost.
    pub(crate) fn commit(&self, layer: &Layer, quick_repair: bool) -> Result<()> {
        let mut transaction = self.begin()?;
        transaction.set_quick_repair(quick_repair);
        match guarded(|| "transaction", || apply(&transaction, layer)) {
            Ok(()) => Self::commit_transaction(transaction),
            Err(error) => {
                Self::abort_transaction(transaction)?;
                Err(error)
            }
        }
    }

    /// A transaction for a large write.
    pub(crate) fn bulk(&self) -> Result<Bulk> {
        let before = self.snapshot()?;
        Bulk::new(self.begin()?, before)
    }

    pub(super) fn begin(&self) -> Result<WriteTransaction> {
        let File::Writable(database) = &self.file else {
            return Err(Error::ReadOnly { action: "write".into() });
        };
        let begin = || {
            let mut transaction = database
                .begin_write()
                .map_err(|error| transaction_error("begin a write", error))?;
            transaction
                .set_durability(Durability::Immediate)
                .map_err(|error| Error::engine("redb", "set durability", error))?;
            Ok(transaction)
        };
        guarded(|| self.path.display().to_string(), begin)
    }

    pub(super) fn commit_transaction(transaction: WriteTransaction) -> Result<()> {
        let commit = || {
            transaction.commit().map_err(|error| match error {
                CommitError::Storage(error) => storage_error("commit", error),
                other => Error::engine("redb", "commit", other),
            })
        };
        guarded(|| "commit", commit)
    }

    pub(super) fn abort_transaction(transaction: WriteTransaction) -> Result<()> {
        let abort = || transaction.abort().map_err(|error| storage_error("transaction", error));
        guarded(|| "transaction", abort)
    }

    /// Gives the free space at the end of the file back. The engine doubles a file that grows, and
    /// keeps the half that it does not need.
    pub(super) fn trim(&mut self) -> Result<()> {
        let File::Writable(database) = &mut self.file else { return Ok(()) };
        let trim = || {
            database.compact().map_err(|error| match error {
                CompactionError::Storage(error) => storage_error("trim", error),
                other => Error::engine("redb", "trim", other),
            })
        };
        guarded(|| self.path.display().to_string(), trim).map(drop)
    }

    /// Closes the file and says whether that worked.
    pub(crate) fn close(self) -> Result<()> {
        let Self { file, path, .. } = self;
        let close = || {
            let closed = match file {
                File::Writable(database) => database.close(),
                File::ReadOnly(database) => database.close(),
            };
            closed.map_err(|error| database_error(&path, "close", error))
        };
        guarded(|| path.display().to_string(), close)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The database on a disk of a test: a new one where it is empty.
fn on_disk(builder: &Builder, path: &Path, disk: &Arc<dyn Disk>) -> Result<Database> {
    builder
        .create_with_backend(DiskBackend(Arc::clone(disk)))
        .map_err(|error| database_error(path, "open", error))
}

fn builder(options: &EngineOptions) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(options.cache_bytes);
    builder
}

fn database_error(path: &Path, action: &str, error: DatabaseError) -> Error {
    match error {
        DatabaseError::DatabaseAlreadyOpen => {
            Error::Locked { path: path.to_owned(), holder: place::holder_of(path) }
        }
        DatabaseError::UpgradeRequired(found) => {
            Error::Version { what: path.display().to_string(), found: found.into(), supported: 3 }
        }
        DatabaseError::Storage(StorageError::Io(source)) => {
            if source.kind() == std::io::ErrorKind::InvalidData {
                return Error::Corrupt {
                    place: path.display().to_string(),
                    detail: "not a data file of a store".into(),
                    source: Some(Box::new(source)),
                };
            }
            Error::io(action, path, source)
        }
        DatabaseError::Storage(error) => storage_error(&path.display().to_string(), error),
        other => Error::engine("redb", format!("{action} {}", path.display()), other),
    }
}

pub(super) fn transaction_error(action: &str, error: TransactionError) -> Error {
    match error {
        TransactionError::Storage(error) => storage_error(action, error),
        other => Error::engine("redb", action, other),
    }
}

pub(super) fn table_error(name: &str, error: TableError) -> Error {
    match error {
        TableError::Storage(error) => storage_error(name, error),
        TableError::TableTypeMismatch { .. } | TableError::TableIsMultimap(_) => Error::Corrupt {
            place: format!("table {name}"),
            detail: "table has another shape than this version writes".into(),
            source: Some(Box::new(error)),
        },
        other => Error::engine("redb", format!("open table {name}"), other),
    }
}

pub(super) fn storage_error(place: &str, error: StorageError) -> Error {
    match error {
        StorageError::Corrupted(detail) => Error::corrupt(place, detail),
        StorageError::Io(source) => Error::io("access", place, source),
        StorageError::PreviousIo => {
            Error::Poisoned { reason: format!("an earlier read or write failed ({place})") }
        }
        StorageError::DatabaseClosed => Error::Closed,
        other => Error::engine("redb", format!("access {place}"), other),
    }
}
