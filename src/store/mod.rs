//! The public handle: open, read, write, bulk, close. Wires storage, graph and search.

pub(crate) mod attached;
pub(crate) mod audit;
pub(crate) mod commit;
pub(crate) mod compact;
pub(crate) mod core;
pub(crate) mod derived;
#[cfg(feature = "legacy")]
pub(crate) mod draft;
pub(crate) mod entry;
pub(crate) mod erase;
pub(crate) mod erase_rows;
mod group;
pub(crate) mod health;
pub(crate) mod hybrid;
#[cfg(feature = "legacy")]
pub(crate) mod import;
pub(crate) mod listing;
pub(crate) mod live;
pub(crate) mod migrate;
pub(crate) mod open;
pub(crate) mod options;
pub(crate) mod read;
pub(crate) mod readers;
pub(crate) mod record_read;
pub(crate) mod record_write;
pub(crate) mod redescribe;
pub(crate) mod restore;
pub(crate) mod search;
pub(crate) mod similar;
pub(crate) mod sources;
pub(crate) mod standing;
mod standing_feed;
pub(crate) mod stats;
pub(crate) mod trim;
pub(crate) mod tx;
pub(crate) mod undo;
mod undo_beside;
pub(crate) mod vector_index;
mod vector_near;
pub(crate) mod vector_rows;
pub(crate) mod vectors;
pub(crate) mod verify;
pub(crate) mod versions;
pub(crate) mod view;
pub(crate) mod watch;
pub(crate) mod worker;

use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::id::Seq;
pub use crate::base::metrics::{ErrorCounts, Latency};
use crate::base::time::Timestamp;
use crate::graph::Graph;
use crate::storage::changes::{self, Change};
use crate::storage::place;
pub use audit::Audit;
use commit::{Closer, Shared};
pub use compact::CompactReport;
pub use erase::ErasedCounts;
pub use health::{
    BackupNote, CacheHealth, Check, Health, HealthOptions, JobHealth, Reason, SizeHealth, Sizes,
    Status, ViewHealth, ViewLag, WriteHealth,
};
pub use hybrid::{Hybrid, HybridHit, HybridResults};
pub use listing::JsonScan;
pub use options::{Compression, GraphMemory, Options};
pub use read::ReadTx;
pub use readers::ReaderHealth;
pub use record_read::{IndexScan, RecordScan};
pub use search::{Completion, Completions, KeywordCompletion, SearchReport};
pub use search::{Freshness, Search, SearchHit, SearchResults, SearchStats};
pub use similar::{Similar, SimilarHit, SimilarResults};
pub use sources::Origin;
pub use standing::{SavedSearch, Watching};
pub use standing_feed::{Match, Matches};
pub use stats::{GraphStats, GraphView, SourceStats, StoreLatencies, StoreStats, TableStats};
pub use trim::{Retention, Trim, Trimmed};
pub use tx::{NewEdge, WriteTx};
pub use undo::{LaterWrites, NotUndone, Undo, UndoConflict, Undone};
pub use vector_index::VectorStats;
pub use vectors::VectorModel;
pub use verify::{Problem, VerifyReport};
pub use versions::Version;
pub use watch::Changed;

/// An open store: one directory. Cheap to clone; clones share everything.
///
/// ```
/// use engraph::Store;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("case.engraph");
/// let store = Store::create(&path)?;
/// assert_eq!(store.seq().0, 0);
/// store.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    shared: Arc<Shared>,
    /// Only for its drop: the thread for upkeep holds `shared` too, for moments.
    _closer: Arc<Closer>,
}

impl Store {
    /// Opens the store in `directory` with default options.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Locked`] when another process has it open,
    /// [`Error::Version`] when a newer version wrote it, [`Error::Corrupt`] when it is damaged.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self> {
        Options::new().open(directory)
    }

    /// Makes a new store in `directory`, which must be absent or empty.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the directory holds something, [`Error::Io`] otherwise.
    pub fn create(directory: impl AsRef<Path>) -> Result<Self> {
        Options::new().create(directory)
    }

    /// Opens a store that was closed cleanly, for reading only. Writes nothing but the note of a
    /// [`Store::backup`], where it can, so it works on a read-only disk.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_read_only(directory: impl AsRef<Path>) -> Result<Self> {
        Options::new().open_read_only(directory)
    }

    /// Options for opening: own record types, cache size, clock.
    #[must_use]
    pub fn builder() -> Options {
        Options::new()
    }

    pub(crate) fn from_shared(shared: Arc<Shared>) -> Self {
        let closer = Closer(Arc::clone(&shared));
        Self { shared, _closer: Arc::new(closer) }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// A consistent view of the newest durable state. Never blocks, never is blocked.
    ///
    /// A long-lived one keeps old pages from being reused.
    ///
    /// # Errors
    /// [`Error::Closed`] after [`Store::close`].
    pub fn read(&self) -> Result<ReadTx> {
        let published = self.shared.published()?;
        live::look_after(&self.shared, &published);
        Ok(ReadTx::new(Arc::clone(&self.shared.core), published))
    }

    /// Runs `closure` on top of every earlier write and makes what it wrote durable before
    /// returning.
    ///
    /// Closures run one at a time and each sees the writes of all before it, so a
    /// read-modify-write needs no retries. Concurrent callers share one sync. When the closure
    /// fails or panics, nothing of it is kept. The closure must not wait for another thread that
    /// writes to the same store; writes to two stores, nested in opposite orders on two threads,
    /// wait for each other for ever.
    ///
    /// # Errors
    /// What the closure returns; [`Error::Panicked`] when it panics; [`Error::Conflict`] for a
    /// write inside a write; [`Error::ReadOnly`], [`Error::Closed`]; [`Error::Poisoned`] when a
    /// commit failed, whose outcome reopening decides.
    pub fn write<T>(&self, closure: impl FnOnce(&mut WriteTx<'_>) -> Result<T>) -> Result<T> {
        self.shared.write(closure)
    }

    /// As [`Store::write`], for large loads: goes straight into a transaction of its own, at
    /// memory that does not grow with the load. Other writers wait meanwhile.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn bulk<T>(&self, closure: impl FnOnce(&mut WriteTx<'_>) -> Result<T>) -> Result<T> {
        self.shared.bulk(closure)
    }

    /// The graph of the newest durable state: records are its nodes, links and edges its edges.
    /// Cheap; nothing is built before it pays.
    ///
    /// # Errors
    /// [`Error::Closed`] after [`Store::close`].
    pub fn graph(&self) -> Result<Graph> {
        let published = self.shared.published()?;
        live::look_after(&self.shared, &published);
        Ok(published.graph(&self.shared.core))
    }

    /// Brings the graph into memory now, or merges what has changed since it was, instead of
    /// waiting until that pays. Says whether it is there: not where the options say never or give
    /// it too little memory. Linear in the edges; readers and writers go on meanwhile.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when adjacency blocks are damaged; [`Error::Closed`] after
    /// [`Store::close`].
    pub fn build_graph(&self) -> Result<bool> {
        live::build_now(&self.shared)
    }

    /// How long commits, and publishing them to readers, took since the store was opened.
    #[must_use]
    pub fn latencies(&self) -> StoreLatencies {
        stats::latencies(&self.shared)
    }

    /// The newest durable write.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.shared.durable_seq()
    }

    /// What happened after write `after`, oldest first: the change feed. Reads up to `limit`
    /// changes; ask again from the last one's `seq` for more, which starts with the next write.
    ///
    /// # Errors
    /// [`Error::Trimmed`] when the log no longer reaches back that far.
    pub fn changes(&self, after: Seq, limit: usize) -> Result<Vec<Change>> {
        let published = self.shared.published()?;
        let rows = &*published.rows;
        if let Some(oldest) = changes::oldest(rows)?
            && after.0.saturating_add(1) < oldest.0
        {
            return Err(Error::Trimmed { oldest: oldest.0 });
        }
        let mut found = Vec::new();
        changes::read_after(rows, after, &mut |change| {
            let full = found.len() >= limit
                && found.last().is_some_and(|last: &Change| last.seq != change.seq);
            if full {
                return std::ops::ControlFlow::Break(());
            }
            found.push(change);
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// The time of the newest durable write.
    #[must_use]
    pub fn last_write_time(&self) -> Timestamp {
        self.shared.durable_time()
    }

    /// The store's directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.shared.core.directory
    }

    /// Waits for running writes, then closes the data file. Later calls on any clone fail with
    /// [`Error::Closed`]. Dropping the last clone closes too, but cannot report a failure.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Engine`] when closing fails.
    pub fn close(&self) -> Result<()> {
        self.shared.close()
    }

    /// Checks that the tables agree with each other: pages, records, indexes, adjacency, change
    /// log. Reads every row once, at memory that grows with two bits a record only; writers wait
    /// while the pages are read.
    ///
    /// # Errors
    /// [`Error::Io`] when the data file cannot be read; [`Error::Conflict`] inside a write. Damage
    /// is no error: the report names it.
    pub fn verify(&self) -> Result<VerifyReport> {
        verify::verify(&self.shared)
    }

    /// Writes the live rows into a new data file, checks it, and puts it in the place of the old
    /// one: what was deleted is gone, and the file is as small as it can be. Writers wait; readers
    /// that begin meanwhile are not disturbed. A crash leaves the old file or the new one, whole.
    /// Needs as much free space as the new file takes.
    ///
    /// # Errors
    /// [`Error::Conflict`] while a [`ReadTx`] is open or inside a write; [`Error::ReadOnly`],
    /// [`Error::Closed`]; [`Error::Io`] when there is no space.
    pub fn compact(&self) -> Result<CompactReport> {
        compact::compact(&self.shared)
    }

    /// Copies the newest durable state into a new store in the directory `to`, which must be
    /// absent or empty. Reads one consistent state; writers go on meanwhile. Leaves a note of it in
    /// this store's directory where it can, for [`Store::health`].
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the directory holds something, [`Error::Io`] otherwise.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        compact::backup(&self.shared, to.as_ref())
    }

    /// Counts records, tables and sources. Walks the pages of every table for their bytes.
    ///
    /// # Errors
    /// [`Error::Io`] when the data file cannot be read.
    pub fn stats(&self) -> Result<StoreStats> {
        stats::stats(&self.shared)
    }

    /// Bytes of the data file and of the search index on disk.
    #[must_use]
    pub fn bytes_on_disk(&self) -> (u64, u64) {
        let directory = &self.shared.core.directory;
        (
            place::bytes_on_disk(&place::data_file(directory)),
            place::bytes_on_disk(&directory.join(place::SEARCH_DIRECTORY)),
        )
    }
}
