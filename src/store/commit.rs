//! The write path: one closure at a time, one sync for all who wait.
//!
//! Two locks. The *turn* is held while a closure runs and joins its group; the *state* lock for
//! microseconds, never across user code or the engine. Order: turn, then state. A closure's view
//! (waiting group, group in flight, base) is fixed when it starts. Whoever joins first leads: takes
//! the waiting group, commits it, publishes, wakes the others and hands the lead on. After a failed
//! commit nothing commits until the store is opened again.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::core::Core;
use super::group::{Awaited, Group, Phase};
use super::live::{LiveGraph, Publication};
use super::read::Published;
use super::readers::{ReaderHealth, Readers};
use super::search::SearchIndex;
use super::tx::{TxRows, WriteTx};
use super::watch::Watchers;
use super::worker::Stop;
use crate::base::error::{Error, Result, describe};
use crate::base::id::Seq;
use crate::base::metrics::{ErrorCounters, Histogram};
use crate::base::time::Timestamp;
use crate::base::trace::category::COMMIT;
use crate::graph::Live;
use crate::storage::bulk::Bulk;
use crate::storage::changes::Gathered;
use crate::storage::engine::{Engine, EngineOptions};
use crate::storage::layer::Layer;
use crate::storage::overlay::{Overlay, View};
use crate::storage::snapshot::Snapshot;
use crate::storage::{compact, place};

/// How long a leader waits at most for the writers of the last cycle. Strict pipelining halves the
/// groups; with the wait eight writers make groups of eight and a fifth more throughput.
const GATHER_MAX: Duration = Duration::from_micros(100);

/// How long a compaction waits for readers to end: the search index may just be catching up.
const READERS_END_MAX: Duration = Duration::from_millis(200);

/// Everything that the clones of a store share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) core: Arc<Core>,
    engine: Mutex<Option<Arc<Engine>>>,
    /// Engines of data files that were compacted away, while somebody still reads them.
    retired: Mutex<Vec<Retired>>,
    turn: Mutex<()>,
    state: Mutex<State>,
    /// Signalled when a writer joins while a leader gathers.
    joined: Condvar,
    writable: bool,
    stop: Arc<Stop>,
    /// Held while the past is trimmed. Never taken inside a write.
    pub(super) trimming: Mutex<()>,
    watchers: Watchers,
    search: SearchIndex,
    live: LiveGraph,
    pub(crate) latencies: Latencies,
    pub(crate) errors: ErrorCounters,
}

/// How long the steps of a commit took.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    /// Applying a group and making it durable.
    pub(crate) commit: Histogram,
    /// From then on until readers see it, graph included.
    pub(crate) publish: Histogram,
}

/// A durable state that nobody sees yet.
struct Durable<'a> {
    base: Published,
    publication: Publication<'a>,
    since: Instant,
}

/// An engine that is no longer the store's, and the rows that it last published.
#[derive(Debug)]
struct Retired {
    rows: Weak<Snapshot>,
    engine: Arc<Engine>,
}

impl Retired {
    fn is_unread(&self) -> bool {
        self.rows.strong_count() == 0
    }

    fn close(self) -> Result<()> {
        Arc::try_unwrap(self.engine).map_or(Ok(()), Engine::close)
    }
}

#[derive(Debug)]
struct State {
    base: Arc<Published>,
    /// Who still reads what `base` was before.
    readers: Readers,
    in_flight: Option<Arc<Layer>>,
    flight_group: Option<Arc<Group>>,
    waiting: Arc<Layer>,
    group: Arc<Group>,
    /// Writers in the waiting group, and how many the last one had.
    members: usize,
    last_members: usize,
    leading: bool,
    gathering: bool,
    next_seq: Seq,
    last_time: Timestamp,
    durable_time: Timestamp,
    poison: Option<String>,
    closed: bool,
    /// Commits since the last one that stored the engine's free list.
    unrepaired: u64,
}

impl State {
    /// Publishes a state. Gives the one before, which must be dropped without the lock.
    fn publish(&mut self, next: Published, now: Timestamp) -> Arc<Published> {
        let old = std::mem::replace(&mut self.base, Arc::new(next));
        self.readers.replaced(&old, now);
        old
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every critical section leaves its data whole at each step that can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// The stores that this thread is writing to.
    static WRITING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Marks this thread as writing to a store, until dropped.
struct Writing;

impl Writing {
    fn enter(store: usize) -> Result<Self> {
        WRITING.with_borrow_mut(|stores| {
            if stores.contains(&store) {
                return Err(Error::conflict("write", "a write inside a write of the same store"));
            }
            stores.push(store);
            Ok(Self)
        })
    }

    /// Whether this thread is writing to the store. No where the thread is ending.
    fn is_in(store: usize) -> bool {
        WRITING.try_with(|stores| stores.borrow().contains(&store)).unwrap_or(false)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        WRITING.with_borrow_mut(|stores| {
            stores.pop();
        });
    }
}

/// What a finished closure needs before its caller returns.
enum Outcome {
    /// Nothing to wait for.
    Settled,
    /// The newest group that it joined or can have seen.
    Wait(Arc<Group>),
    /// It must lead its own group.
    Lead(Arc<Group>),
}

impl Shared {
    pub(crate) fn new(
        core: Core,
        engine: Engine,
        base: Published,
        last_time: Timestamp,
        (writable, live): (bool, LiveGraph),
    ) -> Self {
        let next_seq = Seq(base.seq.0 + 1);
        let search = SearchIndex::new(&core, writable);
        Self {
            core: Arc::new(core),
            engine: Mutex::new(Some(Arc::new(engine))),
            retired: Mutex::default(),
            turn: Mutex::new(()),
            state: Mutex::new(State {
                base: Arc::new(base),
                readers: Readers::default(),
                in_flight: None,
                flight_group: None,
                waiting: Arc::default(),
                group: Arc::default(),
                members: 0,
                last_members: 0,
                leading: false,
                gathering: false,
                next_seq,
                last_time,
                durable_time: last_time,
                poison: None,
                closed: false,
                unrepaired: 0,
            }),
            joined: Condvar::new(),
            writable,
            stop: Arc::default(),
            trimming: Mutex::default(),
            watchers: Watchers::default(),
            search,
            live,
            latencies: Latencies::default(),
            errors: ErrorCounters::default(),
        }
    }

    /// The newest durable state.
    pub(crate) fn published(&self) -> Result<Arc<Published>> {
        let state = lock(&self.state);
        if state.closed { Err(Error::Closed) } else { Ok(Arc::clone(&state.base)) }
    }

    pub(crate) fn durable_seq(&self) -> Seq {
        lock(&self.state).base.seq
    }

    /// The newest durable write when it is newer than `after`; an error when none will come.
    pub(crate) fn newer(&self, after: Seq) -> Result<Option<Seq>> {
        let state = lock(&self.state);
        if state.closed {
            return Err(Error::Closed);
        }
        match &state.poison {
            _ if state.base.seq > after => Ok(Some(state.base.seq)),
            Some(reason) => Err(Error::Poisoned { reason: reason.clone() }),
            None => Ok(None),
        }
    }

    pub(crate) fn watchers(&self) -> &Watchers {
        &self.watchers
    }

    pub(crate) fn durable_time(&self) -> Timestamp {
        lock(&self.state).durable_time
    }

    pub(crate) fn writable(&self) -> bool {
        self.writable
    }

    /// The newest accepted write, durable or not.
    pub(crate) fn accepted_seq(&self) -> Seq {
        Seq(lock(&self.state).next_seq.0 - 1)
    }

    pub(crate) fn search(&self) -> &SearchIndex {
        &self.search
    }

    pub(crate) fn live(&self) -> &LiveGraph {
        &self.live
    }

    /// Publishes the newest state anew, with another graph in memory.
    pub(crate) fn publish_live(&self, _: &mut Publication<'_>, live: Option<Arc<Live>>) {
        let mut state = lock(&self.state);
        let next = Published::new(Arc::clone(&state.base.rows), state.base.seq, live);
        let old_base = std::mem::replace(&mut state.base, Arc::new(next));
        drop(state);
        drop(old_base);
    }

    pub(crate) fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    fn engine(&self) -> Result<Arc<Engine>> {
        lock(&self.engine).as_ref().map(Arc::clone).ok_or(Error::Closed)
    }

    /// Bytes that the engine's page cache may take.
    pub(crate) fn page_cache_bytes(&self) -> u64 {
        self.engine().map_or(0, |engine| engine.options().cache_bytes as u64)
    }

    fn check_writable(&self, state: &State) -> Result<()> {
        if state.closed {
            return Err(Error::Closed);
        }
        if !self.writable {
            return Err(Error::ReadOnly { action: "write".into() });
        }
        match &state.poison {
            Some(reason) => Err(Error::Poisoned { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    /// The time of the next write: the clock's, but after every earlier one.
    fn next_time(&self, state: &State) -> Timestamp {
        let after_last = state.last_time.saturating_add(Duration::from_micros(1));
        self.core.clock.now().max(after_last)
    }

    fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Whether this thread is inside a write of this store.
    pub(crate) fn is_writing(&self) -> bool {
        Writing::is_in(self.identity())
    }

    /// Runs a closure and makes its writes durable. See `Store::write`.
    pub(crate) fn write<T>(
        &self,
        closure: impl FnOnce(&mut WriteTx<'_>) -> Result<T>,
    ) -> Result<T> {
        let _span = tracing::debug_span!(target: COMMIT, "write").entered();
        let writing = Writing::enter(self.identity())?;
        let turn = lock(&self.turn);
        let (view, seq, time) = {
            let state = lock(&self.state);
            self.check_writable(&state)?;
            let view = View {
                waiting: Arc::clone(&state.waiting),
                in_flight: state.in_flight.as_ref().map(Arc::clone),
                base: Arc::clone(&state.base.rows),
            };
            (view, state.next_seq, self.next_time(&state))
        };
        let rows = TxRows::Buffer(Box::new(Overlay::new(view)));
        let mut tx = WriteTx::new(self, rows, seq, time);
        let result = run("write", &mut tx, closure);
        self.errors.note_write(&result);
        let outcome = match &result {
            Ok(_) if tx.has_changes() => self.join(tx, time),
            _ => {
                drop(tx);
                self.check_poison().map(|()| self.seen())
            }
        };
        drop(turn);
        drop(writing);
        match outcome? {
            Outcome::Settled => {}
            Outcome::Wait(group) => self.settle(&group)?,
            Outcome::Lead(group) => {
                self.lead();
                self.settle(&group)?;
            }
        }
        result
    }

    /// Waits until a group is durable, leading where it is told to.
    fn settle(&self, group: &Group) -> Result<()> {
        loop {
            match group.wait() {
                Awaited::Done(result) => return result,
                Awaited::Lead => self.lead(),
            }
        }
    }

    /// Fails when a commit failed: a closure can have seen what it wrote.
    fn check_poison(&self) -> Result<()> {
        match &lock(&self.state).poison {
            Some(reason) => Err(Error::Poisoned { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    /// The newest group that a closure can have seen and that is not durable yet.
    fn seen(&self) -> Outcome {
        let state = lock(&self.state);
        if state.members > 0 {
            Outcome::Wait(Arc::clone(&state.group))
        } else if let Some(group) = &state.flight_group {
            Outcome::Wait(Arc::clone(group))
        } else {
            Outcome::Settled
        }
    }

    fn join(&self, mut tx: WriteTx<'_>, time: Timestamp) -> Result<Outcome> {
        tx.finish()?;
        let WriteTxParts { layer, new_names, changes } = parts(tx)?;
        let mut state = lock(&self.state);
        self.check_writable(&state)?;
        self.core.derived.forget(&changes);
        // The closure's view is dropped, so the waiting layer is extended in place.
        Arc::make_mut(&mut state.waiting).extend(layer);
        self.core.names.accept(new_names);
        state.next_seq = Seq(state.next_seq.0 + 1);
        state.last_time = time;
        state.members += 1;
        let group = Arc::clone(&state.group);
        if state.gathering && state.members >= state.last_members {
            self.joined.notify_all();
        }
        if state.leading {
            return Ok(Outcome::Wait(group));
        }
        state.leading = true;
        Ok(Outcome::Lead(group))
    }

    /// Commits the waiting group and hands the lead on.
    fn lead(&self) {
        let (layer, group, seq, time) = self.take_group();
        let committed = catch_unwind(AssertUnwindSafe(|| self.commit_layer(&layer, seq)))
            .unwrap_or_else(|panic| {
                Err(Error::Panicked { action: "commit".into(), message: message_of(&*panic) })
            });
        let outgrown = committed.as_ref().is_ok_and(|durable| durable.base.is_outgrown());
        let mut old_base = None;
        let (phase, next) = {
            let mut state = lock(&self.state);
            state.flight_group = None;
            match committed {
                Ok(durable) => {
                    old_base = Some(state.publish(durable.base, self.core.clock.now()));
                    drop(durable.publication);
                    self.latencies.publish.record(durable.since.elapsed());
                    state.in_flight = None;
                    state.durable_time = time;
                    let next = (state.members > 0).then(|| Arc::clone(&state.group));
                    state.leading = next.is_some();
                    (Phase::Done(None), next.map(|next| (next, Phase::Lead)))
                }
                Err(error) => {
                    let reason = self.poison(&mut state, &error);
                    let next = Arc::clone(&state.group);
                    state.leading = false;
                    state.members = 0;
                    (Phase::Done(Some(reason.clone())), Some((next, Phase::Done(Some(reason)))))
                }
            }
        };
        if let Some((next, phase)) = next {
            next.set(phase);
        }
        group.set(phase);
        self.watchers.wake();
        drop(old_base);
        if outgrown {
            self.stop.wake();
        }
    }

    /// Who reads what, and why nothing can be written any more.
    pub(crate) fn look(&self, now: Timestamp) -> (ReaderHealth, Option<String>) {
        let mut state = lock(&self.state);
        let State { base, readers, poison, .. } = &mut *state;
        (readers.look(base, now), poison.clone())
    }

    fn poison(&self, state: &mut State, error: &Error) -> String {
        self.errors.commits.add();
        let reason = describe(error);
        tracing::error!(
            target: COMMIT, store = %self.core.directory.display(), %reason, "commit failed"
        );
        state.poison = Some(reason.clone());
        reason
    }

    /// Takes the waiting group in flight, after a short wait for the writers of the last cycle.
    fn take_group(&self) -> (Arc<Layer>, Arc<Group>, Seq, Timestamp) {
        let mut state = lock(&self.state);
        if state.last_members > 1 && state.members < state.last_members {
            let end = Instant::now() + GATHER_MAX;
            state.gathering = true;
            while state.members < state.last_members {
                let Some(left) = end.checked_duration_since(Instant::now()) else { break };
                let waited = self.joined.wait_timeout(state, left);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            state.gathering = false;
        }
        let layer = std::mem::take(&mut state.waiting);
        let group = std::mem::take(&mut state.group);
        state.in_flight = Some(Arc::clone(&layer));
        state.flight_group = Some(Arc::clone(&group));
        state.last_members = state.members;
        state.members = 0;
        state.unrepaired += 1;
        (layer, group, Seq(state.next_seq.0 - 1), state.last_time)
    }

    fn commit_layer(&self, layer: &Layer, seq: Seq) -> Result<Durable<'_>> {
        let engine = self.engine()?;
        let start = Instant::now();
        engine.commit(layer, false)?;
        let since = Instant::now();
        self.latencies.commit.record(since - start);
        let micros = || (since - start).as_micros() as u64;
        tracing::debug!(target: COMMIT, seq = seq.0, micros = micros(), "group committed");
        let rows = Arc::new(engine.snapshot()?);
        let mut publication = self.live.publication();
        let old_base = Arc::clone(&lock(&self.state).base);
        let live = publication.next(&old_base, &layer.edges, seq);
        Ok(Durable { base: Published::new(rows, seq, live), publication, since })
    }

    /// Runs a closure in a transaction of its own. See `Store::bulk`.
    pub(crate) fn bulk<T>(&self, closure: impl FnOnce(&mut WriteTx<'_>) -> Result<T>) -> Result<T> {
        let _span = tracing::debug_span!(target: COMMIT, "bulk").entered();
        let _writing = Writing::enter(self.identity())?;
        let _turn = lock(&self.turn);
        self.drain()?;
        let (seq, time) = {
            let state = lock(&self.state);
            self.check_writable(&state)?;
            (state.next_seq, self.next_time(&state))
        };
        let bulk = self.engine()?.bulk()?;
        let mut tx = WriteTx::new(self, TxRows::Bulk(Box::new(bulk)), seq, time);
        let result = run("bulk", &mut tx, closure);
        self.errors.note_write(&result);
        let has_changes = tx.has_changes();
        let result = result.and_then(|value| {
            if has_changes {
                tx.finish()?;
            }
            Ok(value)
        });
        let new_names = std::mem::take(&mut tx.writer.new_names);
        let new_sources = std::mem::take(&mut tx.sources);
        let TxRows::Bulk(bulk) = tx.writer.rows else {
            return Err(Error::conflict("bulk", "the write lost its transaction"));
        };
        let value = match result {
            Ok(value) if has_changes => value,
            unchanged_or_failed => {
                bulk.abort()?;
                return unchanged_or_failed;
            }
        };
        // Before the rows are published, so that no reader sees rows whose names it lacks.
        self.core.names.accept(new_names);
        self.core.derived.forget(&tx.writer.changes);
        for source in new_sources {
            self.core.sources.accept(source);
        }
        let committed = self.commit_bulk(*bulk, seq, time);
        self.watchers.wake();
        committed.map(|()| value)
    }

    fn commit_bulk(&self, bulk: Bulk, seq: Seq, time: Timestamp) -> Result<()> {
        let committed = bulk.commit().and_then(|()| self.engine()?.snapshot());
        let mut publication = self.live.publication();
        let mut state = lock(&self.state);
        match committed {
            Ok(rows) => {
                publication.lose_track();
                let base = Published::new(Arc::new(rows), seq, None);
                let old_base = state.publish(base, self.core.clock.now());
                state.next_seq = Seq(seq.0 + 1);
                state.last_time = time;
                state.durable_time = time;
                state.unrepaired += 1;
                drop(state);
                drop(old_base);
                tracing::debug!(target: COMMIT, seq = seq.0, "bulk committed");
                Ok(())
            }
            Err(error) => {
                let reason = self.poison(&mut state, &error);
                Err(Error::Poisoned { reason })
            }
        }
    }

    /// Runs `action` while nothing is written and everything accepted is durable.
    pub(crate) fn paused<T>(&self, action: impl FnOnce() -> Result<T>) -> Result<T> {
        let _writing = Writing::enter(self.identity())?;
        let _turn = lock(&self.turn);
        self.drain()?;
        action()
    }

    /// Puts a new engine on a copy of the data file in the place of the open one. `build` gets the
    /// newest rows and makes the file `copy`, which then takes the data file's name.
    pub(crate) fn replace_engine(
        &self,
        copy: &Path,
        build: impl FnOnce(&Snapshot, &EngineOptions) -> Result<Engine>,
    ) -> Result<()> {
        let _writing = Writing::enter(self.identity())?;
        let _turn = lock(&self.turn);
        self.drain()?;
        let base = self.without_readers()?;
        let engine = build(&base.rows, self.engine()?.options())?;
        let rows = engine.snapshot()?;
        drop(base);
        let renamed = compact::replace(copy, &place::data_file(&self.core.directory));
        if renamed.is_err() && copy.exists() {
            return renamed;
        }
        let publication = self.live.publication();
        let old_base = {
            let mut state = lock(&self.state);
            let next = state.base.with_rows(rows);
            let old_base = state.publish(next, self.core.clock.now());
            if let Some(engine) = lock(&self.engine).replace(Arc::new(engine)) {
                let rows = Arc::downgrade(&old_base.rows);
                lock(&self.retired).push(Retired { rows, engine });
            }
            if let Err(error) = &renamed {
                // Renamed, but not for certain after a crash: what is written now could be lost.
                self.poison(&mut state, error);
            }
            old_base
        };
        drop(publication);
        drop(old_base);
        renamed.and(self.release_retired())
    }

    /// The newest state, published anew, once nobody reads what was published before. Whoever
    /// begins to read from here on is not waited for.
    fn without_readers(&self) -> Result<Arc<Published>> {
        self.live.stop_building();
        self.search.stop_building();
        let fresh = self.engine()?.snapshot()?;
        let (base, old_base) = {
            let _publication = self.live.publication();
            let mut state = lock(&self.state);
            self.check_writable(&state)?;
            let next = state.base.with_rows(fresh);
            let old_base = state.publish(next, self.core.clock.now());
            (Arc::clone(&state.base), old_base)
        };
        let rows = Arc::downgrade(&old_base.rows);
        drop(old_base);
        let end = Instant::now() + READERS_END_MAX;
        while rows.strong_count() > 0 {
            if Instant::now() >= end {
                return Err(Error::conflict("compact", "a read transaction is open"));
            }
            // Readers give no sign when they end.
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(base)
    }

    /// Closes the retired engines that nobody reads any more.
    fn release_retired(&self) -> Result<()> {
        let unread: Vec<Retired> =
            lock(&self.retired).extract_if(.., |retired| retired.is_unread()).collect();
        unread.into_iter().try_for_each(Retired::close)
    }

    /// Waits until nothing is waiting or in flight. The caller has the turn, so nothing joins.
    fn drain(&self) -> Result<()> {
        loop {
            match self.seen() {
                Outcome::Settled => return Ok(()),
                Outcome::Wait(group) | Outcome::Lead(group) => self.settle(&group)?,
            }
        }
    }

    /// Stores the engine's free list, so that opening after a crash needs no walk. Does nothing
    /// when that is done already. Called when the store is idle.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        if !self.writable || lock(&self.state).unrepaired == 0 {
            return Ok(());
        }
        let _turn = lock(&self.turn);
        self.drain()?;
        self.release_retired()?;
        {
            let state = lock(&self.state);
            if state.unrepaired == 0 || self.check_writable(&state).is_err() {
                return Ok(());
            }
        }
        self.engine()?.commit(&Layer::default(), true)?;
        lock(&self.state).unrepaired = 0;
        Ok(())
    }

    /// Closes the data file.
    pub(crate) fn close(&self) -> Result<()> {
        if Writing::is_in(self.identity()) {
            return Err(Error::conflict("close", "a close inside a write of the same store"));
        }
        self.stop.stop();
        let _turn = lock(&self.turn);
        let drained = self.drain();
        {
            let mut state = lock(&self.state);
            if state.closed {
                return Ok(());
            }
            state.closed = true;
        }
        self.watchers.wake();
        self.live.stop_building();
        self.search.stop_building();
        let retired = std::mem::take(&mut *lock(&self.retired));
        let retired = retired.into_iter().try_for_each(Retired::close);
        let engine = lock(&self.engine).take();
        let closed = match engine.map(Arc::try_unwrap) {
            Some(Ok(engine)) => engine.close(),
            Some(Err(_)) | None => Ok(()),
        };
        let search = self.search.close();
        if self.writable {
            place::clear_owner(&self.core.directory);
        }
        drained.and(closed).and(search).and(retired)
    }
}

/// Closes the store when the last of its clones goes, whoever else still looks at it.
#[derive(Debug)]
pub(crate) struct Closer(pub(crate) Arc<Shared>);

impl Drop for Closer {
    fn drop(&mut self) {
        if let Err(error) = self.0.close() {
            tracing::warn!(
                target: COMMIT, error = %describe(&error), "store did not close cleanly"
            );
        }
    }
}

struct WriteTxParts {
    layer: Layer,
    changes: Gathered,
    new_names: crate::storage::names::NewNames,
}

fn parts(tx: WriteTx<'_>) -> Result<WriteTxParts> {
    let (new_names, changes) = (tx.writer.new_names, tx.writer.changes);
    match tx.writer.rows {
        TxRows::Buffer(rows) => Ok(WriteTxParts { layer: rows.into_layer(), new_names, changes }),
        TxRows::Bulk(_) => Err(Error::conflict("write", "the write has no buffer")),
    }
}

/// Runs user code: a panic becomes an error.
fn run<T>(
    action: &str,
    tx: &mut WriteTx<'_>,
    closure: impl FnOnce(&mut WriteTx<'_>) -> Result<T>,
) -> Result<T> {
    catch_unwind(AssertUnwindSafe(|| closure(tx))).unwrap_or_else(|panic| {
        Err(Error::Panicked { action: action.to_owned(), message: message_of(&*panic) })
    })
}

pub(crate) fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
