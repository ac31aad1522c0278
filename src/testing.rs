//! The door for tests of crashes and faults: stores over a disk of the test. Not for applications,
//! and in no release feature set.

use std::path::Path;
use std::sync::Arc;

pub use crate::storage::disk::Disk;

use crate::base::error::Result;
use crate::store::{Options, Store};

/// Makes a store in `directory`, whose data lies on `disk`; the data file stays empty.
///
/// # Errors
/// As [`Store::create`].
pub fn create(directory: &Path, mut options: Options, disk: Arc<dyn Disk>) -> Result<Store> {
    options.disk = Some(disk);
    options.create(directory)
}

/// Opens the store that [`create`] made in `directory`, as `disk` has it now.
///
/// # Errors
/// As [`Store::open`].
pub fn open(directory: &Path, mut options: Options, disk: Arc<dyn Disk>) -> Result<Store> {
    options.disk = Some(disk);
    options.open(directory)
}
