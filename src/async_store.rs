//! The store for code that runs on tokio: the calls of [`Store`] as futures.
//!
//! It has no runtime and no threads of its own. What may wait or touch the disk runs on the
//! blocking pool of the runtime that polls it, so a thread that drives tasks is never held up;
//! semaphores bound how much of the pool one store takes. Whatever exceeds them waits as a future,
//! in the order in which it came.
//!
//! **Dropping a future.** Until its closure has begun, the call leaves no trace: the closure will
//! never run. From then on the closure runs to its end on its own thread and a write is committed
//! whole (or, when the closure fails, not at all); only the answer goes nowhere. There is no state
//! in between, and a write that was awaited to the end is durable. Shutting the runtime down is
//! the same: tokio drops what has not begun and waits for the rest.
//!
//! A closure must not block on another call of the same `AsyncStore`: it would hold one place
//! while it waits for the next.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::base::limits::{ASYNC_CHANGES_PAGE, ASYNC_READS_MAX, ASYNC_WRITES_MAX};
use crate::graph::Graph;
use crate::storage::changes::Change;
use crate::store::commit::message_of;
use crate::store::{
    CompactReport, Health, HealthOptions, Options, ReadTx, Search, SearchResults, SearchStats,
    Store, StoreStats, Trim, Trimmed, VerifyReport, WriteTx,
};

/// A [`Store`] whose calls are futures. Cheap to clone; clones share everything, their limits too.
///
/// ```
/// use engraph::AsyncStore;
/// use engraph::record::Document;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("case.engraph");
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let store = AsyncStore::create(path).await?;
/// let memo = Document { file_name: "memo.txt".into(), ..Document::default() };
/// let id = store.write(move |tx| tx.insert(&memo)).await?;
/// let name = store.read(move |tx| Ok(tx.get::<Document>(id)?.map(|it| it.file_name))).await?;
/// assert_eq!(name.as_deref(), Some("memo.txt"));
/// store.close().await
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct AsyncStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Taken only by the drop.
    store: Option<Store>,
    writes: Arc<Semaphore>,
    reads: Arc<Semaphore>,
}

impl Drop for Inner {
    /// Closing waits for the disk, so it is done on the blocking pool too.
    fn drop(&mut self) {
        if let (Some(store), Ok(runtime)) = (self.store.take(), Handle::try_current()) {
            drop(runtime.spawn_blocking(move || drop(store)));
        }
    }
}

impl From<Store> for AsyncStore {
    fn from(store: Store) -> Self {
        let semaphore = |places| Arc::new(Semaphore::new(places));
        let (writes, reads) = (semaphore(Self::WRITES_MAX), semaphore(Self::READS_MAX));
        let inner = Inner { store: Some(store), writes, reads };
        Self { inner: Arc::new(inner) }
    }
}

impl AsyncStore {
    /// Writes and bulk loads that run at a time; more wait their turn.
    pub const WRITES_MAX: usize = ASYNC_WRITES_MAX;
    /// Reads, walks and searches that run at a time; more wait their turn.
    pub const READS_MAX: usize = ASYNC_READS_MAX;

    /// Opens the store in `directory` with default options.
    ///
    /// # Errors
    /// As [`Store::open`]; [`Error::Conflict`] outside a tokio runtime, as every call here.
    pub async fn open(directory: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(Options::new(), directory).await
    }

    /// Makes a new store in `directory`, which must be absent or empty.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub async fn create(directory: impl Into<PathBuf>) -> Result<Self> {
        Self::create_with(Options::new(), directory).await
    }

    /// Opens the store in `directory`. When the future is dropped, the store is closed again.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(options: Options, directory: impl Into<PathBuf>) -> Result<Self> {
        let directory = directory.into();
        on_pool(None, move || options.open(directory)).await.map(Self::from)
    }

    /// Makes a new store in `directory`, which must be absent or empty. When the future is
    /// dropped, there is none or an empty one, closed.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub async fn create_with(options: Options, directory: impl Into<PathBuf>) -> Result<Self> {
        let directory = directory.into();
        on_pool(None, move || options.create(directory)).await.map(Self::from)
    }

    /// The same store for code that may block. Its use is outside the limits here.
    ///
    /// # Errors
    /// [`Error::Closed`] while the last handle is being dropped.
    pub fn to_store(&self) -> Result<Store> {
        self.inner.store.clone().ok_or(Error::Closed)
    }

    /// Runs `closure` on a consistent view of the newest durable state.
    ///
    /// # Errors
    /// What the closure returns; [`Error::Panicked`] when it panics; [`Error::Closed`].
    pub async fn read<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&ReadTx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.inner.reads, 1, move |store| closure(&store.read()?)).await
    }

    /// Runs `closure` on top of every earlier write, as [`Store::write`]; ready once what it wrote
    /// is durable. What dropping the future does is said at the top of this module: the write is
    /// whole, or it never was.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.inner.writes, 1, move |store| store.write(closure)).await
    }

    /// As [`AsyncStore::write`], for large loads: see [`Store::bulk`].
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn bulk<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.inner.writes, 1, move |store| store.bulk(closure)).await
    }

    /// Searches the records' texts; `refine` says what else is asked:
    /// `store.search("motion", |search| search.limit(5))`.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub async fn search(
        &self,
        text: impl Into<String>,
        refine: impl FnOnce(Search<'_>) -> Search<'_> + Send + 'static,
    ) -> Result<SearchResults> {
        let text = text.into();
        self.run(&self.inner.reads, 1, move |store| refine(store.search(text)).run()).await
    }

    /// Runs `closure` on the graph of the newest durable state.
    ///
    /// # Errors
    /// As [`AsyncStore::read`].
    pub async fn graph<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&Graph) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.inner.reads, 1, move |store| closure(&store.graph()?)).await
    }

    /// Runs any other call of the store that reads, on the blocking pool and within the limit of
    /// reads: `store.blocking(|store| Ok(store.latencies()))`.
    ///
    /// # Errors
    /// As [`AsyncStore::read`].
    pub async fn blocking<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.inner.reads, 1, closure).await
    }

    /// What happened after write `after`, oldest first, as [`Store::changes`].
    ///
    /// # Errors
    /// As [`Store::changes`].
    pub async fn changes(&self, after: Seq, limit: usize) -> Result<Vec<Change>> {
        self.run(&self.inner.reads, 1, move |store| store.changes(after, limit)).await
    }

    /// Follows the change feed from behind write `after`.
    #[must_use]
    pub fn follow(&self, after: Seq) -> Changes {
        Changes { store: self.clone(), ready: VecDeque::new(), read: after, told: after }
    }

    /// The newest durable write. Does not wait.
    ///
    /// # Errors
    /// As [`AsyncStore::to_store`].
    pub fn seq(&self) -> Result<Seq> {
        Ok(self.inner.store()?.seq())
    }

    /// Brings the graph into memory now: see [`Store::build_graph`].
    ///
    /// # Errors
    /// As [`Store::build_graph`].
    pub async fn build_graph(&self) -> Result<bool> {
        self.run(&self.inner.reads, 1, Store::build_graph).await
    }

    /// Builds the search index anew: see [`Store::rebuild_search`].
    ///
    /// # Errors
    /// As [`Store::rebuild_search`].
    pub async fn rebuild_search(&self) -> Result<SearchStats> {
        self.run(&self.inner.reads, 1, Store::rebuild_search).await
    }

    /// Checks that the tables agree with each other: see [`Store::verify`].
    ///
    /// # Errors
    /// As [`Store::verify`].
    pub async fn verify(&self) -> Result<VerifyReport> {
        self.run(&self.inner.reads, 1, Store::verify).await
    }

    /// Makes the data file as small as it can be: see [`Store::compact`]. Waits until the reads
    /// that were asked for here before it have ended; later ones wait for it.
    ///
    /// # Errors
    /// As [`Store::compact`]: [`Error::Conflict`] while a [`ReadTx`] of [`AsyncStore::to_store`] is
    /// open.
    pub async fn compact(&self) -> Result<CompactReport> {
        self.run(&self.inner.reads, Self::READS_MAX, Store::compact).await
    }

    /// Forgets a part of the past: see [`Store::trim`]. When the future is dropped, it is trimmed
    /// all the same.
    ///
    /// # Errors
    /// As [`Store::trim`].
    pub async fn trim(&self, trim: Trim) -> Result<Trimmed> {
        self.run(&self.inner.reads, 1, move |store| store.trim(&trim)).await
    }

    /// Copies the newest durable state into a new store: see [`Store::backup`]. When the future is
    /// dropped, the copy is completed all the same.
    ///
    /// # Errors
    /// As [`Store::backup`].
    pub async fn backup(&self, to: impl Into<PathBuf>) -> Result<()> {
        let to = to.into();
        self.run(&self.inner.reads, 1, move |store| store.backup(to)).await
    }

    /// Counts records, tables and sources: see [`Store::stats`].
    ///
    /// # Errors
    /// As [`Store::stats`].
    pub async fn stats(&self) -> Result<StoreStats> {
        self.run(&self.inner.reads, 1, Store::stats).await
    }

    /// How the store is doing: see [`Store::health_with`]. Waits for a place, as every read.
    ///
    /// # Errors
    /// As [`Store::health_with`].
    pub async fn health(&self, options: HealthOptions) -> Result<Health> {
        self.run(&self.inner.reads, 1, move |store| store.health_with(&options)).await
    }

    /// Waits for running writes, then closes the data file; later calls fail with
    /// [`Error::Closed`], feeds end. Dropping the last handle closes too, but in the background:
    /// who wants to open the store again at once has to close it.
    ///
    /// # Errors
    /// As [`Store::close`].
    pub async fn close(&self) -> Result<()> {
        self.run(&self.inner.reads, 1, Store::close).await
    }

    async fn run<T: Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        count: usize,
        job: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let places = Arc::clone(places).acquire_many_owned(count as u32).await;
        let places = places.map_err(|_| Error::Closed)?;
        let inner = Arc::clone(&self.inner);
        on_pool(Some(places), move || job(inner.store()?)).await
    }
}

impl Inner {
    fn store(&self) -> Result<&Store> {
        self.store.as_ref().ok_or(Error::Closed)
    }
}

/// Runs a job on the blocking pool of the present runtime, unless nobody waits for it any more
/// when it is its turn. The places are free again when it has ended, not when it is dropped.
async fn on_pool<T: Send + 'static>(
    places: Option<OwnedSemaphorePermit>,
    job: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let runtime = Handle::try_current()
        .map_err(|_| Error::conflict("async store", "there is no tokio runtime here"))?;
    let (answer, awaited) = oneshot::channel();
    let task = runtime.spawn_blocking(move || {
        let _places = places;
        if answer.is_closed() {
            return;
        }
        let result = catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|panic| {
            let action = "async store".to_owned();
            Err(Error::Panicked { action, message: message_of(&*panic) })
        });
        // Nobody may be waiting any more; then the result is dropped here.
        drop(answer.send(result));
    });
    drop(task);
    awaited.await.unwrap_or_else(|_| {
        Err(Error::conflict("async store", "the tokio runtime is shutting down"))
    })
}

/// The change feed of an [`AsyncStore`], which waits for what has not happened yet. Made by
/// [`AsyncStore::follow`].
#[derive(Debug)]
pub struct Changes {
    store: AsyncStore,
    ready: VecDeque<Change>,
    /// The last write that was read, and the last one that was told whole.
    read: Seq,
    told: Seq,
}

impl Changes {
    /// The next change; waits until there is one. `None` once the store is closed. Dropping the
    /// future loses nothing: the next call gives what it would have given.
    ///
    /// # Errors
    /// [`Error::Trimmed`] when the feed fell behind what the log keeps; [`Error::Poisoned`] when
    /// no write can come any more.
    pub async fn next(&mut self) -> Result<Option<Change>> {
        loop {
            if let Some(change) = self.ready.pop_front() {
                let is_last = self.ready.front().is_none_or(|next| next.seq != change.seq);
                if is_last {
                    self.told = change.seq;
                }
                return Ok(Some(change));
            }
            match self.fill().await {
                Ok(()) => {}
                Err(Error::Closed) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Where to go on, in another process too: every change up to this write was given.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.told
    }

    async fn fill(&mut self) -> Result<()> {
        let newest = self.store.inner.store()?.changed(self.read).await?;
        let page = self.store.changes(self.read, ASYNC_CHANGES_PAGE).await?;
        // A write without changes is passed over.
        self.read = page.last().map_or(newest, |last| last.seq);
        self.ready.extend(page);
        Ok(())
    }
}
