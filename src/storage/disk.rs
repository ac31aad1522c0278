//! What the data file lies on, when it is not a file: the door for tests of crashes and faults.
//!
//! A store outside tests never uses it. What is written to a disk is durable only after
//! [`Disk::sync`]; the engine reads and writes from several threads.

use std::fmt::Debug;
use std::io::Result;
use std::sync::Arc;

use redb::StorageBackend;

/// Bytes that can be read and written at any place.
#[cfg_attr(not(feature = "testing"), expect(unreachable_pub, reason = "for the door to tests"))]
pub trait Disk: Debug + Send + Sync + 'static {
    /// How many bytes there are.
    ///
    /// # Errors
    /// What the disk fails with.
    fn length(&self) -> Result<u64>;

    /// Fills `buffer` with the bytes at `offset`.
    ///
    /// # Errors
    /// What the disk fails with; reading past the end is an error.
    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<()>;

    /// Cuts the bytes off, or adds zeros.
    ///
    /// # Errors
    /// What the disk fails with.
    fn set_len(&self, len: u64) -> Result<()>;

    /// Writes bytes at `offset`, inside the length.
    ///
    /// # Errors
    /// What the disk fails with.
    fn write(&self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Makes what was written durable.
    ///
    /// # Errors
    /// What the disk fails with.
    fn sync(&self) -> Result<()>;

    /// Bytes that are free, and all that there are; `None` where the file system of the store's
    /// directory is to be asked.
    fn space(&self) -> Option<(u64, u64)> {
        None
    }
}

/// A disk as the engine wants it.
#[derive(Debug)]
pub(super) struct DiskBackend(pub(super) Arc<dyn Disk>);

impl StorageBackend for DiskBackend {
    fn len(&self) -> Result<u64> {
        self.0.length()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.0.write(offset, data)
    }
}
