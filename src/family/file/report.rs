//! The summaries of the inventory, computed when they are asked for.

use std::ops::Deref;
use std::time::Duration;

use super::{Files, Reader, existing};
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::base::time::Timestamp;
use crate::record::{FileEntity, FileStatus, FileTag, HashHistory, IndexedFile, Record};

/// Rows that a summary counts at most of one kind.
const COUNTED_MAX: usize = 100_000;

/// How the files of the inventory are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct InventoryHealth {
    /// Files there are, in whatever state.
    pub total: u64,
    /// Files that are readable.
    pub ready: u64,
    /// Files whose content is broken.
    pub damaged: u64,
    /// Files that are gone.
    pub missing: u64,
    /// Files that cannot be opened.
    pub unreadable: u64,
    /// Files that are known by name only.
    pub indexed: u64,
    /// Files in a state outside the list.
    pub other: u64,
    /// Files that were not looked at for too long.
    pub stale: u64,
    /// Bytes of the files that are there.
    pub bytes: u64,
}

/// What is known about one file, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct FileSummary {
    /// State of the file.
    pub status: FileStatus,
    /// Whether it was not looked at for too long.
    pub is_stale: bool,
    /// The earliest of what is known to have happened to it.
    pub first_event_at: Option<Timestamp>,
    /// The latest.
    pub last_event_at: Option<Timestamp>,
    /// Changes of its content that are known.
    pub changes: u64,
    /// Tags that it has.
    pub tags: u64,
    /// Chunks of its text.
    pub chunks: u64,
    /// Tables that were found in it.
    pub tables: u64,
    /// Names and things that it mentions.
    pub entities: u64,
    /// Files with the same bytes.
    pub exact_duplicates: u64,
    /// Files with nearly the same text.
    pub near_duplicates: u64,
}

impl<T: Deref<Target: Reader>> Files<T> {
    /// How all files are. What was last looked at before `now` less `stale_after` is stale. Reads
    /// every file.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when one does not decode.
    pub fn health(&self, now: Timestamp, stale_after: Duration) -> Result<InventoryHealth> {
        let mut health = InventoryHealth::default();
        for row in self.tx.iter::<IndexedFile>()? {
            let (_, file) = row?;
            health.total += 1;
            let count = match &file.status {
                FileStatus::Ready => &mut health.ready,
                FileStatus::Damaged => &mut health.damaged,
                FileStatus::Missing => &mut health.missing,
                FileStatus::Unreadable => &mut health.unreadable,
                FileStatus::Indexed => &mut health.indexed,
                FileStatus::Other(_) => &mut health.other,
            };
            *count += 1;
            health.stale += u64::from(is_stale(&file, now, stale_after));
            let bytes = file.file_size.and_then(|size| u64::try_from(size).ok());
            health.bytes = health.bytes.saturating_add(bytes.unwrap_or_default());
        }
        Ok(health)
    }

    /// What is known about one file.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when it is absent;
    /// [`Error::Corrupt`](crate::Error::Corrupt) when something of it does not decode.
    pub fn summary(
        &self,
        file: NodeId,
        now: Timestamp,
        stale_after: Duration,
    ) -> Result<FileSummary> {
        let record: IndexedFile = existing(&*self.tx, file)?;
        let duplicates = self.duplicates(file)?;
        let mut summary = FileSummary {
            is_stale: is_stale(&record, now, stale_after),
            tags: self.count_by::<FileTag>(file)?,
            entities: self.count_by::<FileEntity>(file)?,
            chunks: self.chunks(file)?.len() as u64,
            tables: self.tables(file)?.len() as u64,
            exact_duplicates: duplicates.exact.len() as u64,
            near_duplicates: duplicates.near.len() as u64,
            ..FileSummary::default()
        };
        let mut events = vec![record.modified_at, record.last_checked_at];
        for row in self.tx.index::<HashHistory>("file", (Some(file),))? {
            events.push(row?.1.recorded_at);
            summary.changes += 1;
        }
        summary.status = record.status;
        summary.first_event_at = events.iter().flatten().min().copied();
        summary.last_event_at = events.iter().flatten().max().copied();
        Ok(summary)
    }

    fn count_by<R: Record>(&self, file: NodeId) -> Result<u64> {
        Ok(self.tx.index_count::<R>("file", (Some(file),), COUNTED_MAX)? as u64)
    }
}

fn is_stale(file: &IndexedFile, now: Timestamp, stale_after: Duration) -> bool {
    file.last_checked_at.is_none_or(|time| time.saturating_add(stale_after) < now)
}
