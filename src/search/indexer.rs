//! The index on disk: opening, writing, the watermark, and starting over when it cannot be used.
//!
//! The index is derived. Whatever is wrong with it (missing, foreign, damaged, of another schema)
//! reads as "no watermark", is logged, and is mended by emptying the folder at the next write; it
//! is never an error of opening. Applying the same records again is harmless: each replaces the
//! document of its id. Between two commits nothing is visible, and a failed one leaves the index
//! at the one before. Commits are not synced; see `directory`.

use std::fs;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tantivy::index::SegmentComponent;
use tantivy::indexer::{IndexWriterOptions, UserOperation};
use tantivy::merge_policy::LogMergePolicy;
use tantivy::schema::Field;
use tantivy::store::{Compressor, ZstdCompressor};
use tantivy::{Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher};

use super::analyzer::{Analyzer, AnalyzerOptions, StopWords};
use super::directory::{self, IndexDirectory};
use super::document::{Batch, Document, Gate};
use super::parse::TextQuery;
use super::records::Records;
use super::schema::{Fields, schema_hash, tokenizers};
use super::{Access, SearchOptions};
use crate::base::error::{Error, Result};
use crate::base::id::{NodeId, Seq};
use crate::base::limits::INDEXER_BYTES;
use crate::base::trace::category::SEARCH;
use crate::record::Facts;

pub(super) const ENGINE: &str = "tantivy";

/// Segments of one size that are merged into one. Fewer than the engine's eight: a commit takes
/// its time anyway, and a query pays for every segment.
const MERGE_SEGMENTS_MIN: usize = 5;

/// The share of deleted documents from which a segment is rewritten.
const DELETED_RATIO_MAX: f32 = 0.25;

/// Attempts to empty a folder into which a thread of the engine still writes, and what is between.
const EMPTY_ATTEMPTS: usize = 100;
const EMPTY_PAUSE: Duration = Duration::from_millis(10);

/// Attempts to open a folder in which another process writes.
const OPEN_ATTEMPTS: usize = 3;

/// Documents that are handed to the engine's threads at once, and the bytes of their texts from
/// which fewer are: handing over takes a lock, which costs as much as a short document.
const HANDED_OVER: usize = 64;
const HANDED_OVER_BYTES: usize = 256 << 10;

/// Bytes of texts that wait for the engine's threads. Enough for each to have a batch at hand and
/// one ahead; what waits longer only takes memory and leaves the processor's cache.
const ON_THE_WAY_BYTES: usize = 2 << 20;

/// How an index is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexerOptions {
    pub(crate) analyzer: AnalyzerOptions,
    pub(crate) access: Access,
    /// Threads that build documents; more than one pays for large rebuilds only.
    pub(crate) threads: usize,
}

impl Default for IndexerOptions {
    fn default() -> Self {
        Self { analyzer: AnalyzerOptions::default(), access: Access::ReadWrite, threads: 1 }
    }
}

/// What happened to one record.
#[derive(Clone, Copy, Debug)]
pub(crate) enum IndexChange<'a> {
    /// The record is as these facts say.
    Put(NodeId, &'a Facts<'a>),
    /// The record is gone.
    Delete(NodeId),
}

/// The index of one store.
pub(crate) struct Indexer {
    folder: PathBuf,
    options: IndexerOptions,
    pub(super) fields: Fields,
    pub(super) analyzer: Analyzer,
    schema_hash: String,
    state: Mutex<State>,
    /// Locked before `state` where both are.
    writer: Mutex<Option<Writer>>,
}

/// What is known of the folder.
enum State {
    Unopened,
    /// Nothing in it can be used.
    Absent,
    Open(Index, IndexReader, Arc<View>),
}

/// One commit, as queries see it.
pub(super) struct View {
    pub(super) searcher: Searcher,
    pub(super) watermark: Seq,
}

struct Writer {
    index: Index,
    engine: IndexWriter<Document>,
    /// Set while the index is built anew.
    fresh: Option<Fresh>,
    /// The field by which documents are found that are replaced.
    group: Field,
    /// The records whose documents go before the next ones are handed over.
    gone: Vec<NodeId>,
    /// The records of the documents that wait.
    added: Vec<NodeId>,
    /// What is handed over next.
    waiting: Batch,
    gate: Arc<Gate>,
}

impl Writer {
    fn new(
        (index, group): (Index, Field),
        engine: IndexWriter<Document>,
        fresh: Option<Fresh>,
    ) -> Self {
        let (gone, added, waiting) = (Vec::new(), Vec::new(), Batch::default());
        Self {
            index,
            engine,
            fresh,
            group,
            gone,
            added,
            waiting,
            gate: Gate::new(ON_THE_WAY_BYTES),
        }
    }

    /// Removes the document of a record, if there is one.
    fn remove(&mut self, id: NodeId) -> Result<()> {
        if self.added.contains(&id) || self.gone.len() >= HANDED_OVER {
            self.hand_over()?;
        }
        self.gone.push(id);
        Ok(())
    }

    fn add(&mut self, id: NodeId, add: impl FnOnce(&mut Batch)) -> Result<()> {
        self.added.push(id);
        add(&mut self.waiting);
        if self.waiting.len() >= HANDED_OVER || self.waiting.text_bytes() >= HANDED_OVER_BYTES {
            self.hand_over()?;
        }
        Ok(())
    }

    /// Ends it without its last changes. Merges under way are waited for: they write into the
    /// folder, which may be emptied next.
    fn end(self) {
        if let Err(err) = self.engine.wait_merging_threads() {
            tracing::debug!(target: SEARCH, error = %err, "a merge ended with an error");
        }
    }

    fn hand_over(&mut self) -> Result<()> {
        self.added.clear();
        let failed = |err| Error::engine(ENGINE, "index records", err);
        if !self.gone.is_empty() {
            let gone = Records::new(self.group, std::mem::take(&mut self.gone));
            self.engine.delete_query(Box::new(gone)).map_err(failed)?;
        }
        let permit = self.gate.enter(self.waiting.text_bytes());
        let documents = self.waiting.take(Some(permit)).map(UserOperation::Add);
        self.engine.run(documents).map(drop).map_err(failed)
    }
}

/// The greatest key of each kind that was given to an index built from nothing. A greater key is
/// known to be new, which saves the search for a document to replace.
struct Fresh(Box<[u64; 256]>);

impl Fresh {
    fn new() -> Self {
        Self(Box::new([0; 256]))
    }

    /// Whether the record cannot be in the index yet.
    fn is_new(&mut self, id: NodeId) -> bool {
        let greatest = &mut self.0[id.kind().index()];
        // Keys are counted from one upwards here, so that zero says that there is none.
        let key = id.key() + 1;
        let is_new = key > *greatest;
        *greatest = key.max(*greatest);
        is_new
    }
}

/// What a commit says about itself.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    seq: u64,
    schema: String,
    /// How the texts were analyzed.
    #[serde(default)]
    analyzer: Option<AnalyzerOptions>,
}

impl Indexer {
    /// Prepares the index in `folder`. Nothing is opened and nothing is created before the first
    /// need.
    pub(crate) fn open(folder: &Path, options: IndexerOptions) -> Self {
        let fields = Fields::new();
        Self {
            folder: folder.to_owned(),
            options,
            schema_hash: schema_hash(&fields, options.analyzer),
            fields,
            analyzer: Analyzer::new(options.analyzer),
            state: Mutex::new(State::Unopened),
            writer: Mutex::new(None),
        }
    }

    /// Opens an index of texts that were analyzed in another way than `options` say, as that way.
    /// `None` when there is none that can be used.
    pub(crate) fn open_earlier(folder: &Path, options: IndexerOptions) -> Option<Self> {
        let meta: serde_json::Value = serde_json::from_slice(&directory::meta(folder)?).ok()?;
        let payload: Payload = serde_json::from_str(meta.get("payload")?.as_str()?).ok()?;
        let analyzer = payload.analyzer?;
        let earlier = Self::open(folder, IndexerOptions { analyzer, ..options });
        earlier.watermark().map(|_| earlier)
    }

    /// The last write that the index has absorbed. `None` when there is no usable index: every
    /// record has to be given to [`Indexer::apply`].
    pub(crate) fn watermark(&self) -> Option<Seq> {
        self.view().map(|view| view.watermark)
    }

    /// Takes in changes. They are visible after [`Indexer::commit`].
    ///
    /// # Errors
    /// [`Error::ReadOnly`]; [`Error::Engine`] or [`Error::Io`] when writing fails. Everything since
    /// the last commit is then forgotten: continue from [`Indexer::watermark`].
    pub(crate) fn apply<'a>(&self, batch: impl IntoIterator<Item = IndexChange<'a>>) -> Result<()> {
        self.with_writer("index records", |writer| {
            batch.into_iter().try_for_each(|change| self.apply_one(writer, change))
        })
    }

    /// Does something with the writer, which ends where that fails, with everything uncommitted.
    fn with_writer(
        &self,
        action: &str,
        work: impl FnOnce(&mut Writer) -> Result<()>,
    ) -> Result<()> {
        let mut slot = lock(&self.writer);
        let mut writer = self.take_writer(&mut slot, action)?;
        let done = work(&mut writer);
        match done {
            Ok(()) => *slot = Some(writer),
            Err(_) => writer.end(),
        }
        done
    }

    fn apply_one(&self, writer: &mut Writer, change: IndexChange<'_>) -> Result<()> {
        let (IndexChange::Put(id, ..) | IndexChange::Delete(id)) = change;
        if !writer.fresh.as_mut().is_some_and(|fresh| fresh.is_new(id)) {
            writer.remove(id)?;
        }
        if let IndexChange::Put(id, facts) = change {
            writer.add(id, |batch| self.fields.add_document(batch, id, facts))?;
        }
        Ok(())
    }

    /// Makes everything applied so far visible, as the state after write `seq`, and safe from a
    /// crash of the process.
    ///
    /// # Errors
    /// As [`Indexer::apply`].
    pub(crate) fn commit(&self, seq: Seq) -> Result<()> {
        self.with_writer("commit the search index", |writer| {
            let analyzer = Some(self.options.analyzer);
            let payload = Payload { seq: seq.0, schema: self.schema_hash.clone(), analyzer };
            let payload = serde_json::to_string(&payload)
                .map_err(|err| Error::engine(ENGINE, "write a commit payload", err))?;
            let failed = |err| Error::engine(ENGINE, "commit the search index", err);
            writer.hand_over()?;
            let mut prepared = writer.engine.prepare_commit().map_err(failed)?;
            prepared.set_payload(&payload);
            prepared.commit().map_err(failed)?;
            self.publish(&writer.index, seq)
        })
    }

    /// Shows the last commit to queries.
    fn publish(&self, index: &Index, seq: Seq) -> Result<()> {
        let mut state = lock(&self.state);
        let failed = |err| Error::engine(ENGINE, "read the committed search index", err);
        let reader = match &*state {
            State::Open(_, reader, _) => {
                reader.reload().map_err(failed)?;
                reader.clone()
            }
            State::Unopened | State::Absent => reader_of(index).map_err(failed)?,
        };
        let view = Arc::new(View { searcher: reader.searcher(), watermark: seq });
        *state = State::Open(index.clone(), reader, view);
        Ok(())
    }

    /// Forgets the index: it is built anew from the next [`Indexer::apply`] on.
    pub(crate) fn reset(&self) {
        let mut slot = lock(&self.writer);
        if let Some(writer) = slot.take() {
            writer.end();
        }
        *lock(&self.state) = State::Absent;
    }

    /// Segments of the last commit. Queries pay for each of them.
    pub(crate) fn segments(&self) -> usize {
        self.view().map_or(0, |view| view.searcher.segment_readers().len())
    }

    /// Records in the last commit.
    pub(crate) fn document_count(&self) -> u64 {
        self.view().map_or(0, |view| view.searcher.num_docs())
    }

    /// Bytes of the folder's files.
    pub(crate) fn disk_bytes(&self) -> u64 {
        let Ok(entries) = fs::read_dir(&self.folder) else { return 0 };
        entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
    }

    /// Reads every byte of the last commit and names the files whose checksum is wrong. Costs as
    /// much as reading the index.
    ///
    /// # Errors
    /// [`Error::Engine`] when a file cannot be read at all.
    pub(crate) fn verify(&self) -> Result<Vec<PathBuf>> {
        if self.view().is_none() {
            return Ok(Vec::new());
        }
        let index = match &*lock(&self.state) {
            State::Open(index, ..) => index.clone(),
            State::Unopened | State::Absent => return Ok(Vec::new()),
        };
        let damaged = guarded(|| index.validate_checksum())
            .map_err(|err| Error::engine(ENGINE, "verify the search index", err))?;
        let mut damaged: Vec<_> = damaged.into_iter().collect();
        damaged.sort_unstable();
        Ok(damaged)
    }

    /// Makes the last commit durable, so that it is trusted after a crash of the machine without
    /// reading it all. Commits do not wait for the disk; call this when there is time.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn sync(&self) -> Result<()> {
        if self.options.access == Access::ReadOnly || !directory::has_index(&self.folder) {
            return Ok(());
        }
        directory::sync(&self.folder).map_err(|err| Error::io("sync", &self.folder, err))
    }

    /// Waits for merges under way, ends the writer's threads and syncs. What was not committed is
    /// lost. The index can still be searched, and the next [`Indexer::apply`] starts a writer
    /// again.
    ///
    /// # Errors
    /// [`Error::Engine`] when a merge failed, and as [`Indexer::sync`].
    pub(crate) fn close(&self) -> Result<()> {
        if let Some(writer) = lock(&self.writer).take() {
            writer
                .engine
                .wait_merging_threads()
                .map_err(|err| Error::engine(ENGINE, "merge segments", err))?;
        }
        self.sync()
    }

    /// Reads a query text, and leaves out the words that say nothing, as the analyzer's options
    /// say.
    ///
    /// # Errors
    /// As [`TextQuery::parse`].
    pub(crate) fn parse(&self, text: &str, options: &SearchOptions) -> Result<TextQuery> {
        let mut query = TextQuery::parse(text, options)?;
        let AnalyzerOptions { stem, stop_words } = self.options.analyzer;
        if let Some(language) = stem.filter(|_| stop_words == StopWords::Drop) {
            query.drop_stop_words(&self.analyzer, language);
        }
        Ok(query)
    }

    /// How texts become terms here.
    pub(super) fn analyzer_options(&self) -> AnalyzerOptions {
        self.options.analyzer
    }

    /// The last commit; `None` when there is no usable index.
    pub(super) fn view(&self) -> Option<Arc<View>> {
        let mut state = lock(&self.state);
        if matches!(*state, State::Unopened) {
            *state = self.load();
        }
        match &*state {
            State::Open(_, _, view) => Some(Arc::clone(view)),
            State::Unopened | State::Absent => None,
        }
    }

    /// Looks again at an index that another process writes. For stores that are open read-only.
    pub(crate) fn refresh(&self) {
        if self.options.access == Access::ReadOnly {
            *lock(&self.state) = State::Unopened;
        }
    }

    fn load(&self) -> State {
        if !directory::has_index(&self.folder) {
            return State::Absent;
        }
        let mut attempts = match self.options.access {
            Access::ReadWrite => 1,
            Access::ReadOnly => OPEN_ATTEMPTS,
        };
        loop {
            attempts -= 1;
            match guarded(|| self.try_load()) {
                Ok(state) => return state,
                Err(_) if attempts > 0 => {}
                Err(err) => {
                    tracing::warn!(target: SEARCH, folder = %self.folder.display(), error = %err,
                        "search index cannot be used and will be built anew");
                    return State::Absent;
                }
            }
        }
    }

    fn try_load(&self) -> tantivy::Result<State> {
        let mut index = Index::open(IndexDirectory::open(&self.folder, self.options.access)?)?;
        index.set_tokenizers(tokenizers(self.options.analyzer));
        let payload = index.load_metas()?.payload.unwrap_or_default();
        let payload: Payload = serde_json::from_str(&payload).map_err(|err| {
            tantivy::TantivyError::InvalidArgument(format!("payload {payload:?}: {err}"))
        })?;
        if payload.schema != self.schema_hash || index.schema() != self.fields.schema {
            return Err(tantivy::TantivyError::SchemaError("another schema".into()));
        }
        if !directory::is_synced(&self.folder) {
            let damaged = index.validate_checksum()?;
            if !damaged.is_empty() {
                let reason = format!("wrong checksums: {damaged:?}");
                return Err(tantivy::TantivyError::InternalError(reason));
            }
        }
        let reader = reader_of(&index)?;
        for segment in reader.searcher().segment_readers() {
            // Queries never open this file, but merges do, and they fail where nobody is told.
            segment.get_store_reader(1)?;
            // Without this one the engine takes it that there are no positions.
            segment.open_read(SegmentComponent::Positions)?;
        }
        let view = View { searcher: reader.searcher(), watermark: Seq(payload.seq) };
        Ok(State::Open(index, reader, Arc::new(view)))
    }

    /// The writer, started if need be. The caller puts it back when its work has succeeded, so
    /// that a failure drops it with everything uncommitted.
    fn take_writer(&self, slot: &mut Option<Writer>, action: &str) -> Result<Writer> {
        if self.options.access == Access::ReadOnly {
            return Err(Error::ReadOnly { action: action.to_owned() });
        }
        if let Some(writer) = slot.take() {
            return Ok(writer);
        }
        if self.view().is_some()
            && let State::Open(index, ..) = &*lock(&self.state)
        {
            match self.start_writer(index.clone(), None) {
                Ok(writer) => return Ok(writer),
                Err(err @ tantivy::TantivyError::LockFailure(..)) => {
                    return Err(Error::engine(ENGINE, "start writing the search index", err));
                }
                Err(err) => {
                    tracing::warn!(target: SEARCH, folder = %self.folder.display(), error = %err,
                        "search index cannot be written and will be built anew");
                }
            }
        }
        *lock(&self.state) = State::Absent;
        self.start_anew()
    }

    fn start_anew(&self) -> Result<Writer> {
        empty_folder(&self.folder)?;
        let created = |err| Error::engine(ENGINE, "create the search index", err);
        let directory = IndexDirectory::open(&self.folder, Access::ReadWrite).map_err(created)?;
        let index = Index::builder()
            .schema(self.fields.schema.clone())
            .settings(settings())
            .tokenizers(tokenizers(self.options.analyzer))
            .open_or_create(directory)
            .map_err(created)?;
        self.start_writer(index, Some(Fresh::new()))
            .map_err(|err| Error::engine(ENGINE, "start writing the search index", err))
    }

    fn start_writer(&self, index: Index, fresh: Option<Fresh>) -> tantivy::Result<Writer> {
        let threads = self.options.threads.max(1);
        let options = IndexWriterOptions::builder()
            .num_worker_threads(threads)
            .memory_budget_per_thread(INDEXER_BYTES)
            .num_merge_threads(1)
            .build();
        let writer = guarded(|| index.writer_with_options(options))?;
        let mut policy = LogMergePolicy::default();
        policy.set_min_num_segments(MERGE_SEGMENTS_MIN);
        policy.set_del_docs_ratio_before_merge(DELETED_RATIO_MAX);
        writer.set_merge_policy(Box::new(policy));
        Ok(Writer::new((index, self.fields.group), writer, fresh))
    }
}

impl std::fmt::Debug for Indexer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Indexer")
            .field("folder", &self.folder)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// No document stores anything, yet each has a place in the engine's store, which only its better
/// compressor makes small.
fn settings() -> IndexSettings {
    IndexSettings {
        docstore_compression: Compressor::Zstd(ZstdCompressor::default()),
        docstore_compress_dedicated_thread: false,
        ..IndexSettings::default()
    }
}

fn reader_of(index: &Index) -> tantivy::Result<IndexReader> {
    index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()
}

/// Runs a call of the engine that may panic over damaged files, and makes that an error too.
pub(super) fn guarded<T>(call: impl FnOnce() -> tantivy::Result<T>) -> tantivy::Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result,
        Err(panic) => {
            let message = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
                .unwrap_or_default();
            Err(tantivy::TantivyError::InternalError(message))
        }
    }
}

/// Takes a lock; a thread that panicked while holding it left nothing half done behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the folder an empty one. Everything in it is the index's own, and so are files that come
/// while it is emptied: a writer that failed may have left a merge behind.
fn empty_folder(folder: &Path) -> Result<()> {
    let mut attempts = EMPTY_ATTEMPTS;
    loop {
        match fs::remove_dir_all(folder) {
            Ok(()) => break,
            Err(err) if err.kind() == ErrorKind::NotFound => break,
            Err(err) if err.kind() == ErrorKind::DirectoryNotEmpty && attempts > 0 => {
                attempts -= 1;
                std::thread::sleep(EMPTY_PAUSE);
            }
            Err(err) => return Err(Error::io("empty", folder, err)),
        }
    }
    fs::create_dir_all(folder).map_err(|err| Error::io("create", folder, err))
}
