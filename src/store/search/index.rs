//! The index of an open store: kept in step with the change log, which alone feeds it.
//!
//! An index that is missing, foreign, damaged or ahead of the log is built anew from the records;
//! one that is behind reads the log from its watermark on and is given the records as they are now.
//! Either way may be cut off anywhere: what was not committed is done again.
//!
//! Each way of indexing has a folder of its own, named after its hash. When texts are to be indexed
//! in another way than before, the old index goes on answering, and following the log, while the
//! new one is built by a thread of its own; then they are swapped.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;

use super::feed::Feed;
use crate::base::error::Result;
use crate::base::id::Seq;
use crate::base::trace::carried;
use crate::base::trace::category::SEARCH;
use crate::search::{
    Access, AnalyzerOptions, Indexer, IndexerOptions, Matcher, SearchOptions, index_name,
};
use crate::storage::place;
use crate::store::commit::Shared;
use crate::store::core::Core;
use crate::store::read::Published;
use crate::store::standing::Standing;

/// Rounds in which a new index runs after the log before writers wait for the rest.
const ROUNDS_MAX: usize = 8;

/// How the texts of a store are indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SearchSetup {
    pub(crate) analyzer: AnalyzerOptions,
    /// Threads that build documents.
    pub(crate) threads: usize,
}

impl Default for SearchSetup {
    fn default() -> Self {
        Self { analyzer: AnalyzerOptions::default(), threads: 1 }
    }
}

/// The search index of an open store.
pub(crate) struct SearchIndex {
    /// The folder around the folders of the indexes.
    folder: PathBuf,
    options: IndexerOptions,
    /// The index as texts are to be indexed now.
    wanted: Arc<Indexer>,
    /// Chosen at the first need.
    slots: Mutex<Option<Slots>>,
    /// Held while the index catches up: one at a time.
    catching_up: Mutex<()>,
    building: Mutex<Option<JoinHandle<()>>>,
    stopped: AtomicBool,
    pub(crate) standing: Standing,
}

/// The index that answers, and the one that is to take its place.
struct Slots {
    serving: Arc<Indexer>,
    next: Option<Arc<Indexer>>,
}

impl std::fmt::Debug for SearchIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SearchIndex").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SearchIndex {
    /// Prepares the index of the store; opens and makes nothing.
    pub(crate) fn new(core: &Core, writable: bool) -> Self {
        let access = if writable { Access::ReadWrite } else { Access::ReadOnly };
        let SearchSetup { analyzer, threads } = core.search;
        let folder = core.directory.join(place::SEARCH_DIRECTORY);
        let options = IndexerOptions { analyzer, access, threads };
        Self {
            wanted: Arc::new(Indexer::open(&folder.join(index_name(analyzer)), options)),
            folder,
            options,
            slots: Mutex::new(None),
            catching_up: Mutex::new(()),
            building: Mutex::new(None),
            stopped: AtomicBool::new(false),
            standing: Standing::default(),
        }
    }

    /// The index that answers.
    pub(crate) fn indexer(&self) -> Arc<Indexer> {
        let mut slots = lock(&self.slots);
        Arc::clone(&slots.get_or_insert_with(|| self.choose()).serving)
    }

    fn next(&self) -> Option<Arc<Indexer>> {
        lock(&self.slots).as_ref()?.next.clone()
    }

    /// The index as texts are to be indexed now; where there is none yet, an earlier one serves.
    fn choose(&self) -> Slots {
        let wanted = Arc::clone(&self.wanted);
        if wanted.watermark().is_none()
            && let Some(earlier) = self.earlier()
        {
            return Slots { serving: Arc::new(earlier), next: Some(wanted) };
        }
        Slots { serving: wanted, next: None }
    }

    /// A usable index of texts that were indexed in another way.
    fn earlier(&self) -> Option<Indexer> {
        let name = index_name(self.options.analyzer);
        let entries = fs::read_dir(&self.folder).ok()?;
        let mut others = entries.flatten().filter(|entry| *entry.file_name() != *name);
        others.find_map(|entry| Indexer::open_earlier(&entry.path(), self.options))
    }

    /// Takes away what is left of earlier indexes. What cannot be taken away now stays until the
    /// next time.
    fn remove_earlier(&self) {
        let name = index_name(self.options.analyzer);
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if *entry.file_name() == *name {
                continue;
            }
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if let Err(error) = removed {
                tracing::warn!(
                    target: SEARCH, path = %path.display(), %error, "an earlier search index stays"
                );
            }
        }
    }

    /// Looks again at an index that another process writes.
    pub(in crate::store) fn refresh(&self) {
        self.wanted.refresh();
        *lock(&self.slots) = None;
    }

    /// What decides on single records, without the index, whether a query finds them.
    pub(crate) fn matcher(&self, text: &str, options: &SearchOptions) -> Result<Matcher> {
        let query = self.wanted.parse(text, options)?;
        Ok(self.wanted.matcher(&query, options))
    }

    /// Forgets the index, so that it is built anew when it next catches up.
    pub(super) fn forget(&self) {
        self.stop_building();
        let _alone = lock(&self.catching_up);
        let slots = Slots { serving: Arc::clone(&self.wanted), next: None };
        drop(lock(&self.slots).replace(slots));
        self.wanted.reset();
    }

    /// The last write that the index has absorbed.
    pub(crate) fn watermark(&self) -> Option<Seq> {
        self.indexer().watermark()
    }

    /// Whether another index is being built to take the place of the one that answers.
    pub(crate) fn is_rebuilding(&self) -> bool {
        self.next().is_some()
    }

    /// Makes the index durable; until then a crash costs a check of it.
    pub(crate) fn sync(&self) -> Result<()> {
        self.indexer().sync()
    }

    pub(crate) fn close(&self) -> Result<()> {
        self.stop_building();
        let slots = lock(&self.slots).take();
        slots.map_or(Ok(()), |slots| slots.serving.close())
    }

    /// Brings the index up to a published state. `newest` tells the newest durable write.
    pub(crate) fn catch_up(
        &self,
        core: &Core,
        published: &Published,
        newest: impl Fn() -> Seq,
    ) -> Result<()> {
        if self.watermark() == Some(published.seq) {
            return Ok(());
        }
        let _alone = lock(&self.catching_up);
        let indexer = self.indexer();
        let is_new = indexer.watermark().is_none();
        let feed = Feed { indexer: &indexer, core, published, goes_on: &|| true };
        feed.run(newest)?;
        if is_new && self.next().is_none() {
            self.remove_earlier();
        }
        Ok(())
    }

    /// Begins to build the index that is to take the place of the one that answers, if there is
    /// one and nobody builds it yet.
    pub(crate) fn start_building(&self, shared: &Arc<Shared>) {
        let Some(next) = self.next().filter(|_| shared.writable()) else { return };
        let mut building = lock(&self.building);
        if building.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        self.stopped.store(false, Ordering::Relaxed);
        let weak = Arc::downgrade(shared);
        let named = std::thread::Builder::new().name("engraph-search".into());
        match named.spawn(carried(move || build(&weak, &next))) {
            Ok(thread) => *building = Some(thread),
            Err(error) => {
                tracing::warn!(target: SEARCH, %error, "no thread for a new search index");
            }
        }
    }

    /// Ends a build that is running and waits for its end, so that nobody reads the rows of the
    /// state that it was made from.
    pub(crate) fn stop_building(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = lock(&self.building).take()
            && thread.join().is_err()
        {
            tracing::warn!(target: SEARCH, "building a new search index panicked");
        }
    }

    fn goes_on(&self) -> bool {
        !self.stopped.load(Ordering::Relaxed)
    }

    /// Builds an index up to the newest state, and lets it answer from then on.
    fn build_and_swap(&self, shared: &Shared, next: &Arc<Indexer>) -> Result<()> {
        let newest = || shared.durable_seq();
        let goes_on = || self.goes_on();
        for _ in 0..ROUNDS_MAX {
            let published = shared.published()?;
            let (core, published) = (&shared.core, &*published);
            let feed = Feed { indexer: next, core, published, goes_on: &goes_on };
            if !feed.run(newest)? {
                return Ok(());
            }
            if published.seq == newest() {
                break;
            }
        }
        next.sync()?;
        let _alone = lock(&self.catching_up);
        let published = shared.published()?;
        let (core, published) = (&shared.core, &*published);
        if !(Feed { indexer: next, core, published, goes_on: &goes_on }).run(newest)? {
            return Ok(());
        }
        let slots = Slots { serving: Arc::clone(next), next: None };
        let before = lock(&self.slots).replace(slots);
        if let Some(before) = before {
            before.serving.close()?;
        }
        tracing::info!(
            target: SEARCH, store = %core.directory.display(), "a new search index answers"
        );
        self.remove_earlier();
        Ok(())
    }
}

fn build(shared: &Weak<Shared>, next: &Arc<Indexer>) {
    let Some(shared) = shared.upgrade() else { return };
    if let Err(error) = shared.search().build_and_swap(&shared, next) {
        shared.errors.search.add();
        tracing::warn!(target: SEARCH, %error, "a new search index could not be built");
    }
}
