//! How a store is opened.

use std::path::Path;
use std::sync::Arc;

use super::Store;
use super::open;
use crate::base::error::Result;
use crate::base::limits::CACHE_BYTES_DEFAULT;
use crate::base::time::{Clock, SystemClock};
use crate::record::{Record, RecordType};
use crate::storage::disk::Disk;

/// Options for opening a store, and the own record types of an application.
///
/// ```
/// use engraph::Store;
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::builder().cache_bytes(16 << 20).create(dir.path().join("s"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) cache_bytes: usize,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) own_types: Vec<RecordType>,
    /// Tests of crashes put the data on a disk of theirs.
    pub(crate) disk: Option<Arc<dyn Disk>>,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults: 64 MiB of cache, the system's clock, built-in record types only.
    #[must_use]
    pub fn new() -> Self {
        Self {
            cache_bytes: CACHE_BYTES_DEFAULT,
            clock: Arc::new(SystemClock),
            own_types: Vec::new(),
            disk: None,
        }
    }

    /// Bytes of page cache for the data file.
    #[must_use]
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// Takes the time from another clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Registers a record type of the application. It gets tables, indexes, links, search, change
    /// log, verify and export like any built-in one. The store remembers its name; a type that is
    /// not registered at the next opening is carried, not lost.
    #[must_use]
    pub fn register<T: Record>(mut self) -> Self {
        self.own_types.push(RecordType::of::<T>());
        self
    }

    /// Opens an existing store.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(self, directory: impl AsRef<Path>) -> Result<Store> {
        open::open(directory.as_ref(), self)
    }

    /// Makes a new store.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn create(self, directory: impl AsRef<Path>) -> Result<Store> {
        open::create(directory.as_ref(), self)
    }

    /// Opens an existing store for reading only.
    ///
    /// # Errors
    /// As [`Store::open_read_only`].
    pub fn open_read_only(self, directory: impl AsRef<Path>) -> Result<Store> {
        open::open_read_only(directory.as_ref(), self)
    }
}
