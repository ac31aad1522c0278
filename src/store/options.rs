//! How a store is opened.

use std::path::Path;
use std::sync::Arc;

use super::Store;
use super::audit::Audit;
use super::open;
use super::trim::Retention;
use crate::base::error::Result;
use crate::base::limits::{
    CACHE_BYTES_DEFAULT, GRAPH_BYTES_DEFAULT, RECALL_BYTES_DEFAULT, VECTOR_BYTES_DEFAULT,
};
use crate::base::time::{Clock, SystemClock};
use crate::record::{Record, RecordType};
use crate::search::AnalyzerOptions;
use crate::storage::disk::Disk;

/// When the graph is brought into memory, and how much memory it may take.
///
/// Either way the answers are the same. Reads from the data file's blocks need no preparation;
/// in memory they are several times as fast, at up to 32 bytes an edge.
///
/// ```
/// use engraph::{GraphMemory, Store};
///
/// # let dir = tempfile::tempdir()?;
/// let memory = GraphMemory::at_first_use().bytes_max(256 << 20);
/// let store = Store::builder().graph(memory).create(dir.path().join("s"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphMemory {
    pub(crate) when: When,
    pub(crate) bytes_max: usize,
}

/// When the graph is built in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Never,
    ItPays,
    AtFirstUse,
    AtOpen,
}

impl Default for GraphMemory {
    fn default() -> Self {
        Self::when_it_pays()
    }
}

impl GraphMemory {
    const fn new(when: When) -> Self {
        Self { when, bytes_max: GRAPH_BYTES_DEFAULT }
    }

    /// Never: traversals read blocks. A whole-graph algorithm still builds what it needs, for its
    /// own graph alone.
    #[must_use]
    pub const fn never() -> Self {
        Self::new(When::Never)
    }

    /// Behind everybody's back, when traversals on blocks have cost more time than building it
    /// would. The default.
    #[must_use]
    pub const fn when_it_pays() -> Self {
        Self::new(When::ItPays)
    }

    /// Behind everybody's back, after the first traversal.
    #[must_use]
    pub const fn at_first_use() -> Self {
        Self::new(When::AtFirstUse)
    }

    /// Before opening returns.
    #[must_use]
    pub const fn at_open() -> Self {
        Self::new(When::AtOpen)
    }

    /// Bytes that the snapshot may take, 1 GiB unless said otherwise. A graph that needs more stays
    /// on blocks. While it is built or merged, twice as much is in use.
    #[must_use]
    pub const fn bytes_max(mut self, bytes: usize) -> Self {
        self.bytes_max = bytes;
        self
    }
}

/// Whether long values are written compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Values from half a kilobyte on, where that saves something.
    #[default]
    On,
    /// None: what is written now can be found byte by byte in the data file, and takes more room.
    /// For file systems that compress, and to prove what is in a file and what is not. Values that
    /// lie in the store already stay as they are.
    Off,
}

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
    pub(crate) graph: GraphMemory,
    pub(crate) vector_bytes_max: usize,
    pub(crate) recall_bytes_max: usize,
    /// Where it is to be another than the store remembers.
    pub(crate) analyzer: Option<AnalyzerOptions>,
    pub(crate) search_threads: usize,
    /// What is audited from now on; `None` leaves that as the store remembers it.
    pub(crate) audit: Option<Audit>,
    pub(crate) compression: Compression,
    /// How long the past is kept from now on; `None` leaves that as the store remembers it.
    pub(crate) retention: Option<Retention>,
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
            graph: GraphMemory::default(),
            vector_bytes_max: VECTOR_BYTES_DEFAULT,
            recall_bytes_max: RECALL_BYTES_DEFAULT,
            analyzer: None,
            search_threads: 1,
            audit: None,
            compression: Compression::On,
            retention: None,
        }
    }

    /// Says how long the store keeps its past: for ever unless that was ever said. The store
    /// remembers it.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = Some(retention);
        self
    }

    /// Bytes of page cache for the data file.
    #[must_use]
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// Says when the graph is brought into memory, and how much it may take there.
    #[must_use]
    pub fn graph(mut self, memory: GraphMemory) -> Self {
        self.graph = memory;
        self
    }

    /// Bytes that vectors may take in memory, 1 GiB unless said otherwise: five for each value of
    /// each vector of the models that are searched, and about 70 a vector. What does not fit is
    /// searched in the data file, more slowly and with the same answers; 0 brings none into memory.
    #[must_use]
    pub fn vector_bytes_max(mut self, bytes: usize) -> Self {
        self.vector_bytes_max = bytes;
        self
    }

    /// Bytes that memories held ready for recalls may take together, 1 GiB unless said otherwise:
    /// one to two kilobytes a memory of 150 bytes. Beyond, the namespaces go that were not asked
    /// for longest; one that does not fit alone is read again for every recall, more slowly and
    /// with the same answers, and 0 keeps none. It bounds what stays, not what a recall that runs
    /// needs: that holds every namespace that it asks.
    #[must_use]
    pub fn recall_bytes_max(mut self, bytes: usize) -> Self {
        self.recall_bytes_max = bytes;
        self
    }

    /// Says how texts become the words that are searched for. The store remembers it; another one
    /// than before rebuilds the search index when it is next needed.
    #[must_use]
    pub fn analyzer(mut self, analyzer: AnalyzerOptions) -> Self {
        self.analyzer = Some(analyzer);
        self
    }

    /// Threads that build the search index, 1 to 8: one unless said otherwise. More pay where many
    /// records are indexed at once, at 40 MB each.
    #[must_use]
    pub fn search_threads(mut self, threads: usize) -> Self {
        self.search_threads = threads.clamp(1, 8);
        self
    }

    /// Takes the time from another clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Says which changes the audit chain records from now on. The store remembers it, so that
    /// nobody who opens it otherwise leaves a gap; [`Audit::off`] ends it, and shows in the chain.
    /// Means nothing to a store that is opened for reading only.
    #[must_use]
    pub fn audit(mut self, audit: Audit) -> Self {
        self.audit = Some(audit);
        self
    }

    /// Says whether long values are written compressed. Not remembered: it holds for what is
    /// written until the store is closed.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
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
