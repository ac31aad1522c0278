//! Packed matrices of the vectors of a store, kept in step with its writes.
//!
//! One for each model and dimension that was searched, built at its first use and brought up to
//! date by the change log whenever a newer state is searched. A reader of an older state searches
//! the matrix without the records that changed since, and reads those from its own rows: so no
//! reader ever sees vectors of another state than its own. What does not fit the memory that an
//! option allows is read from the rows, one vector after the other.

use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::erase;
use super::vector_near::{self, Files, Near};
use super::vector_rows::{Found, State, each_vector, is_there, vector_of};
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId, Seq};
use crate::base::limits::{VECTOR_CHANGES_KEPT_MAX, VECTOR_MODELS_MAX};
use crate::base::trace::category::SEARCH;
use crate::search::Scan;
use crate::search::vector::{
    Approximate, Candidate, Matrix, NewVector, Stream, Top, VectorQuery, Which,
};
use crate::storage::changes::{self, Operation};
use crate::storage::vectors;

/// Writes after which a matrix that was too large is tried again.
const TRY_AGAIN: u64 = 1_024;

/// Changed records below which a matrix is never built anew instead of followed.
const FOLLOW_MIN: usize = 4_096;

/// Candidates that an approximate index names unless a caller says how many, and for each hit
/// wanted at least: the order by its codes is nearly that of the values, and of several vectors of
/// one record one counts.
const CANDIDATES: usize = 128;
const CANDIDATES_PER_HIT: usize = 4;

/// Vectors for each candidate from which an approximate index is asked: where most are candidates,
/// looking at all is quicker.
const VECTORS_PER_CANDIDATE: usize = 8;

/// Vectors that are added to an approximate index while searches wait.
const ADDED_AT_ONCE: usize = 64;

/// What is done with a state.
pub(crate) type With<'w> = &'w mut dyn FnMut(State<'_>) -> Result<()>;

/// What is looked for.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) model: &'a str,
    pub(crate) query: &'a VectorQuery,
    pub(crate) count: usize,
    pub(crate) score_min: f32,
    /// Only these records, in the order of their ids.
    pub(crate) among: Option<&'a [NodeId]>,
    /// Only records of these kinds, where there are any.
    pub(crate) kinds: &'a [Kind],
    pub(crate) scan: Scan,
    /// How many an approximate index names at least.
    pub(crate) candidates: Option<usize>,
}

impl Request<'_> {
    fn keeps(&self, id: NodeId) -> bool {
        self.is_of_kind(id) && self.among.is_none_or(|among| among.binary_search(&id).is_ok())
    }

    fn is_of_kind(&self, id: NodeId) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&id.kind())
    }

    fn is_narrowed(&self) -> bool {
        !self.kinds.is_empty() || self.among.is_some()
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Neighbors {
    pub(crate) best: Vec<Candidate>,
    /// The dimension of a vector of the model, where there is none of the query's dimension.
    pub(crate) other_dimension: Option<usize>,
}

/// The matrices of an open store.
#[derive(Debug)]
pub(crate) struct VectorIndex {
    bytes_max: usize,
    /// Where approximate indexes are kept.
    folder: PathBuf,
    /// Held while one is built.
    building: Mutex<()>,
    slots: Mutex<Vec<Arc<Slot>>>,
    /// Counts searches, to know which matrix was used last.
    searches: AtomicU64,
}

/// The place of one matrix.
#[derive(Debug)]
struct Slot {
    model: Box<str>,
    dimension: usize,
    state: RwLock<Option<Loaded>>,
    bytes: AtomicUsize,
    used: AtomicU64,
    /// The state at which it was too large, and 1; 0 where it was not.
    too_large: AtomicU64,
    /// Whether the files of its approximate index were looked for.
    sought: AtomicBool,
}

#[derive(Debug)]
struct Loaded {
    matrix: Matrix,
    /// The state that it shows.
    seq: Seq,
    /// Records that were brought up to date, with the state that they were brought to.
    changed: VecDeque<(Seq, NodeId)>,
    /// Every change after this state is among them.
    since: Seq,
    other_dimension: Option<usize>,
    near: Option<Near>,
}

/// What a matrix in memory is like.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct VectorStats {
    /// The model.
    pub model: String,
    /// The number of values of each vector.
    pub dimension: usize,
    /// How many vectors it holds.
    pub vectors: u64,
    /// Bytes that it takes.
    pub memory_bytes: u64,
    /// The state of the store that it shows.
    pub seq: Seq,
    /// Vectors that an approximate index knows; `None` where there is none in memory.
    pub indexed: Option<u64>,
}

impl VectorIndex {
    /// Without any matrix yet; all of them may take `bytes_max`. Approximate indexes are kept in
    /// `folder`.
    pub(crate) fn new(bytes_max: usize, folder: PathBuf) -> Self {
        let (building, slots) = (Mutex::default(), Mutex::default());
        Self { bytes_max, folder, building, slots, searches: AtomicU64::new(0) }
    }

    /// The vectors of a model that are nearest to the query's in a state of the store.
    pub(crate) fn search(&self, state: State<'_>, request: &Request<'_>) -> Result<Neighbors> {
        let slot = self.slot(request.model, request.query.dimension());
        let mut seeks = request.scan == Scan::Approximate;
        loop {
            {
                let loaded = read(&slot);
                if let Some(loaded) = loaded.as_ref().filter(|loaded| loaded.seq >= state.seq)
                    && (!seeks || loaded.near.is_some() || slot.sought.load(Ordering::Relaxed))
                {
                    return if loaded.since <= state.seq {
                        loaded.search(state, request)
                    } else {
                        stream(state, request)
                    };
                }
            }
            if !self.catch_up(state, &slot)? {
                return stream(state, request);
            }
            if std::mem::take(&mut seeks) {
                self.seek(state, &slot)?;
            }
        }
    }

    /// What is in memory, in the order of models and dimensions.
    pub(crate) fn stats(&self) -> Vec<VectorStats> {
        let slots = lock(&self.slots).clone();
        let mut stats: Vec<VectorStats> = slots
            .iter()
            .filter_map(|slot| {
                let loaded = read(slot);
                loaded.as_ref().map(|loaded| VectorStats {
                    model: slot.model.to_string(),
                    dimension: slot.dimension,
                    vectors: loaded.matrix.len() as u64,
                    memory_bytes: loaded.size_bytes() as u64,
                    seq: loaded.seq,
                    indexed: loaded.near.as_ref().map(|near| loaded.indexed(near)),
                })
            })
            .collect();
        stats.sort_by(|a, b| (&a.model, a.dimension).cmp(&(&b.model, b.dimension)));
        stats
    }

    fn slot(&self, model: &str, dimension: usize) -> Arc<Slot> {
        let now = self.searches.fetch_add(1, Ordering::Relaxed);
        let mut slots = lock(&self.slots);
        let known = slots.iter().find(|it| *it.model == *model && it.dimension == dimension);
        if let Some(slot) = known {
            slot.used.store(now, Ordering::Relaxed);
            return Arc::clone(slot);
        }
        if slots.len() >= VECTOR_MODELS_MAX {
            let oldest = (0..slots.len()).min_by_key(|at| slots[*at].used.load(Ordering::Relaxed));
            if let Some(oldest) = oldest {
                slots.swap_remove(oldest);
            }
        }
        let slot = Arc::new(Slot {
            model: model.into(),
            dimension,
            state: RwLock::default(),
            bytes: AtomicUsize::new(0),
            used: AtomicU64::new(now),
            too_large: AtomicU64::new(0),
            sought: AtomicBool::new(false),
        });
        slots.push(Arc::clone(&slot));
        slot
    }

    /// Brings a matrix up to a state. Says whether it is there: not where it is too large.
    fn catch_up(&self, state: State<'_>, slot: &Arc<Slot>) -> Result<bool> {
        let too_large = slot.too_large.load(Ordering::Relaxed);
        if too_large > 0 && state.seq.0 < too_large + TRY_AGAIN {
            return Ok(false);
        }
        let mut place = write(slot);
        if place.as_ref().is_some_and(|loaded| loaded.seq >= state.seq) {
            return Ok(true);
        }
        let before = place.take();
        let allowed = self.bytes_max.saturating_sub(self.bytes_of_others(slot));
        let followed = match before {
            Some(loaded) => loaded.follow(state, slot)?,
            None => None,
        };
        let loaded = match followed {
            Some(loaded) if loaded.size_bytes() <= allowed => Some(loaded),
            Some(loaded) if self.make_room(slot, loaded.size_bytes()) => Some(loaded),
            Some(_) => None,
            None => {
                slot.sought.store(false, Ordering::Relaxed);
                Loaded::build(state, slot, &|bytes| {
                    bytes <= allowed || self.make_room(slot, bytes)
                })?
            }
        };
        let bytes = loaded.as_ref().map_or(0, Loaded::size_bytes);
        slot.bytes.store(bytes, Ordering::Relaxed);
        let mark = if loaded.is_some() { 0 } else { state.seq.0 + 1 };
        slot.too_large.store(mark, Ordering::Relaxed);
        *place = loaded;
        Ok(place.is_some())
    }

    fn bytes_of_others(&self, slot: &Arc<Slot>) -> usize {
        let slots = lock(&self.slots);
        let others = slots.iter().filter(|other| !Arc::ptr_eq(other, slot));
        others.map(|other| other.bytes.load(Ordering::Relaxed)).sum()
    }

    /// Drops matrices that were not used for longest until one of `bytes` fits. Says whether it
    /// does.
    fn make_room(&self, slot: &Arc<Slot>, bytes: usize) -> bool {
        if bytes > self.bytes_max {
            return false;
        }
        let mut others: Vec<Arc<Slot>> = lock(&self.slots).clone();
        others.retain(|other| !Arc::ptr_eq(other, slot));
        others.sort_by_key(|other| other.used.load(Ordering::Relaxed));
        for other in others {
            if bytes + self.bytes_of_others(slot) <= self.bytes_max {
                return true;
            }
            // One that is being searched or built stays: waiting for it could be for each other.
            if let Ok(mut state) = other.state.try_write() {
                *state = None;
                other.bytes.store(0, Ordering::Relaxed);
            }
        }
        bytes + self.bytes_of_others(slot) <= self.bytes_max
    }
}

/// Approximate indexes.
impl VectorIndex {
    /// Looks for the files of an approximate index, once.
    fn seek(&self, state: State<'_>, slot: &Arc<Slot>) -> Result<()> {
        let mut place = write(slot);
        let Some(loaded) = place.as_mut().filter(|loaded| loaded.seq <= state.seq) else {
            // A newer reader will look for them.
            return Ok(());
        };
        if slot.sought.swap(true, Ordering::Relaxed) || loaded.near.is_some() {
            return Ok(());
        }
        let files = Files::of(&self.folder, &slot.model, slot.dimension);
        let Some((index, seq)) = files.read(&slot.model, slot.dimension) else { return Ok(()) };
        if erase::newest(state.rows)?.is_some_and(|erased| erased > seq) {
            return vector_near::remove_all(&self.folder);
        }
        self.take_near(state, slot, loaded, (Arc::new(index), seq)).map(drop)
    }

    /// Takes an index in that shows the state `seq`, where it can be followed from there and there
    /// is memory for it. Says whether it did.
    fn take_near(
        &self,
        state: State<'_>,
        slot: &Arc<Slot>,
        loaded: &mut Loaded,
        (index, seq): (Arc<Approximate>, Seq),
    ) -> Result<bool> {
        if seq > loaded.seq || changes::oldest(state.rows)?.is_none_or(|it| it.0 > seq.0 + 1) {
            return Ok(false);
        }
        let Some(fresh) = loaded.changed_between(seq, state, slot)? else { return Ok(false) };
        let near = Near { index, fresh };
        let bytes = loaded.matrix.size_bytes() + near.size_bytes();
        let allowed = self.bytes_max.saturating_sub(self.bytes_of_others(slot));
        let fits = bytes <= allowed || self.make_room(slot, bytes);
        if fits {
            loaded.near = Some(near);
            slot.bytes.store(bytes, Ordering::Relaxed);
        } else {
            tracing::warn!(
                target: SEARCH, model = %slot.model, bytes,
                "approximate index does not fit the memory that vectors may take"
            );
        }
        Ok(fits)
    }

    /// Builds the approximate index of a model, or brings it up to date, and keeps it in files.
    /// `newest` gives the newest state.
    pub(crate) fn index(&self, model: &str, newest: &dyn Fn(With<'_>) -> Result<()>) -> Result<()> {
        let _building = lock(&self.building);
        newest(&mut |state| {
            let dimension = dimension_of(state, model)?;
            let dimension =
                dimension.ok_or_else(|| Error::not_found("vectors of the model", model))?;
            let slot = self.slot(model, dimension);
            if !self.catch_up(state, &slot)? {
                let reason = "they do not fit the memory of Options::vector_bytes_max";
                return Err(Error::invalid("vectors", reason));
            }
            self.seek(state, &slot)?;
            let index = if let Some(index) = extend(&slot)? {
                index
            } else {
                let count = read(&slot).as_ref().map_or(0, |loaded| loaded.matrix.len());
                Arc::new(vector_near::build(state, (model, dimension), count)?)
            };
            let files = Files::of(&self.folder, model, dimension);
            files.write(&index, (model, dimension), state.seq)?;
            // Whoever erases something after this state waits for the slot, and then forgets what
            // is in it.
            let mut place = write(&slot);
            newest(&mut |now| {
                if erase::newest(now.rows)?.is_some_and(|erased| erased > state.seq) {
                    vector_near::remove_all(&self.folder)?;
                    let reason = "something was erased while they were indexed; index them again";
                    return Err(Error::invalid("vectors", reason));
                }
                if let Some(loaded) = place.as_mut().filter(|loaded| loaded.seq <= now.seq) {
                    if self.take_near(now, &slot, loaded, (Arc::clone(&index), state.seq))? {
                        return Ok(());
                    }
                    let reason = "their index does not fit the memory of \
                        Options::vector_bytes_max, or most of them changed meanwhile";
                    return Err(Error::invalid("vectors", reason));
                }
                // It is read from its files when it is searched next.
                slot.sought.store(false, Ordering::Relaxed);
                Ok(())
            })
        })
    }

    /// Forgets all approximate indexes, and their files: what was erased may be in them.
    pub(crate) fn forget_near(&self) -> Result<()> {
        for slot in lock(&self.slots).clone() {
            if let Some(loaded) = write(&slot).as_mut() {
                loaded.near = None;
                slot.bytes.store(loaded.size_bytes(), Ordering::Relaxed);
            }
        }
        vector_near::remove_all(&self.folder)
    }
}

/// Brings the index in memory up to date, a few vectors at a time, where that is less work than
/// to build it.
fn extend(slot: &Slot) -> Result<Option<Arc<Approximate>>> {
    let fresh: Vec<NodeId> = match read(slot).as_ref().and_then(|loaded| loaded.near.as_ref()) {
        Some(near)
            if near.fresh.len() <= near.index.len() / 2
                && near.index.has_room_for(near.fresh.len()) =>
        {
            near.fresh.iter().copied().collect()
        }
        _ => return Ok(None),
    };
    for some in fresh.chunks(ADDED_AT_ONCE) {
        let mut place = write(slot);
        let Some(Loaded { matrix, near: Some(near), .. }) = place.as_mut() else {
            return Ok(None);
        };
        for carrier in some {
            near.index.remove(*carrier)?;
            if let Some(values) = matrix.values_of(*carrier) {
                near.index.add(*carrier, values)?;
            }
            near.fresh.remove(carrier);
        }
    }
    Ok(read(slot).as_ref().and_then(|loaded| loaded.near.as_ref()).map(|it| Arc::clone(&it.index)))
}

fn read(slot: &Slot) -> RwLockReadGuard<'_, Option<Loaded>> {
    slot.state.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(slot: &Slot) -> RwLockWriteGuard<'_, Option<Loaded>> {
    slot.state.write().unwrap_or_else(PoisonError::into_inner)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Loaded {
    /// Reads every vector of the model. `None` when `fits` says no to the bytes that they take.
    fn build(state: State<'_>, slot: &Slot, fits: &dyn Fn(usize) -> bool) -> Result<Option<Self>> {
        let mut matrix = Matrix::new(slot.dimension);
        let mut other_dimension = None;
        let mut fitting = 0;
        let mut outgrown = false;
        each_vector(state, &slot.model, &mut |found| {
            if found.values.len() != slot.dimension {
                other_dimension.get_or_insert(found.values.len());
                return Ok(ControlFlow::Continue(()));
            }
            let Found { carrier, subject, values } = found;
            let is_visible = subject == carrier || is_there(state, subject)?;
            matrix.set(NewVector { carrier, subject, is_visible, values });
            let bytes = matrix.size_bytes();
            if bytes > fitting {
                outgrown = !fits(bytes);
                // Asked again when it has grown by a sixteenth.
                fitting = bytes + bytes / 16;
            }
            Ok(if outgrown { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if outgrown || !fits(matrix.size_bytes()) {
            return Ok(None);
        }
        tracing::debug!(
            target: SEARCH,
            model = %slot.model,
            vectors = matrix.len(),
            "vectors brought into memory"
        );
        let (seq, since) = (state.seq, state.seq);
        let (changed, near) = (VecDeque::new(), None);
        Ok(Some(Self { matrix, seq, changed, since, other_dimension, near }))
    }

    /// Bytes that it takes, nearly.
    fn size_bytes(&self) -> usize {
        self.matrix.size_bytes() + self.near.as_ref().map_or(0, Near::size_bytes)
    }

    /// Vectors that the approximate index knows as they are.
    fn indexed(&self, near: &Near) -> u64 {
        let fresh = near.fresh.iter().filter(|carrier| self.matrix.contains(**carrier)).count();
        (self.matrix.len() - fresh) as u64
    }

    /// Brings the matrix up to a newer state. `None` where building it anew is cheaper, or the log
    /// no longer reaches back.
    fn follow(mut self, state: State<'_>, slot: &Slot) -> Result<Option<Self>> {
        if changes::oldest(state.rows)?.is_none_or(|oldest| oldest.0 > self.seq.0 + 1) {
            return Ok(None);
        }
        let Some(ids) = self.changed_between(self.seq, state, slot)? else { return Ok(None) };
        for id in &ids {
            self.bring_up(state, slot, *id)?;
            if let Some(near) = &mut self.near {
                near.fresh.insert(*id);
            }
            self.changed.push_back((state.seq, *id));
        }
        while self.changed.len() > VECTOR_CHANGES_KEPT_MAX {
            let Some((seq, _)) = self.changed.pop_front() else { break };
            self.since = self.since.max(seq);
        }
        if !ids.is_empty() {
            // It may have been of one of these.
            self.other_dimension = None;
        }
        self.seq = state.seq;
        Ok(Some(self))
    }

    /// The records whose vectors may have changed after a state up to a newer one. `None` when they
    /// are too many.
    fn changed_between(
        &self,
        seq: Seq,
        state: State<'_>,
        slot: &Slot,
    ) -> Result<Option<BTreeSet<NodeId>>> {
        let most = FOLLOW_MIN.max(self.matrix.len() / 2);
        let mut ids = BTreeSet::new();
        let mut is_full = false;
        changes::read_after(state.rows, seq, &mut |change| {
            let carries = |id: NodeId| {
                let of = state.core.kinds.record_type(id.kind());
                of.is_some_and(|of| of.vectors.may_be_of(&slot.model))
            };
            let concerns = |id: NodeId| match change.operation {
                Operation::Embed => true,
                Operation::Put => carries(id) || !self.matrix.carriers_of(id).is_empty(),
                Operation::Delete => {
                    self.matrix.contains(id) || !self.matrix.carriers_of(id).is_empty()
                }
                Operation::Link | Operation::Unlink => false,
            };
            // A run is of one kind: most loads have nothing to do with vectors.
            let is_foreign = change.operation == Operation::Put
                && !self.matrix.has_carriers()
                && !change.nodes().next().is_some_and(carries);
            if !is_foreign {
                for id in change.nodes().filter(|id| concerns(*id)) {
                    ids.insert(id);
                    is_full = ids.len() > most;
                    if is_full {
                        return ControlFlow::Break(());
                    }
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok((!is_full).then_some(ids))
    }

    /// Makes the rows of one record, and those that others carry for it, what a state says.
    fn bring_up(&mut self, state: State<'_>, slot: &Slot, id: NodeId) -> Result<()> {
        match vector_of(state, &slot.model, slot.dimension, id)? {
            Some((subject, values)) => {
                let is_visible = subject == id || is_there(state, subject)?;
                self.matrix.set(NewVector { carrier: id, subject, is_visible, values: &values });
            }
            None => drop(self.matrix.remove(id)),
        }
        if !self.matrix.carriers_of(id).is_empty() {
            let is_visible = is_there(state, id)?;
            for carrier in self.matrix.carriers_of(id).to_vec() {
                self.matrix.set_visible(carrier, is_visible);
            }
        }
        Ok(())
    }

    /// The best in a state that is not newer than the matrix and not older than what is known of
    /// its changes.
    fn search(&self, state: State<'_>, request: &Request<'_>) -> Result<Neighbors> {
        let mut top = Top::new(request.count, request.score_min);
        let changed = self.changed_after(state.seq);
        if let Some(places) = self.near_places(request, &changed) {
            self.matrix.search(request.query, Which::These(&places), Scan::Exact, &mut top);
            self.add_changed(state, request, &changed, &mut top)?;
        } else if changed.is_empty() && !request.is_narrowed() {
            self.matrix.search(request.query, Which::All, request.scan, &mut top);
        } else {
            let places = self.places(request, &changed);
            self.matrix.search(request.query, Which::These(&places), request.scan, &mut top);
            self.add_changed(state, request, &changed, &mut top)?;
        }
        let other_dimension =
            if self.matrix.len() == 0 { self.other(state, request)? } else { None };
        Ok(Neighbors { best: top.into_vec(), other_dimension })
    }

    /// Where the candidates of the approximate index are; `None` where it is not asked.
    fn near_places(&self, request: &Request<'_>, changed: &BTreeSet<NodeId>) -> Option<Vec<u32>> {
        let near = self.near.as_ref().filter(|_| request.scan == Scan::Approximate)?;
        let values = request.query.direction().filter(|_| !request.is_narrowed())?;
        let candidates = request.candidates.unwrap_or(CANDIDATES);
        let wanted = candidates.max(request.count.saturating_mul(CANDIDATES_PER_HIT));
        if wanted > self.matrix.len() / VECTORS_PER_CANDIDATE {
            return None;
        }
        let carriers = near.candidates(values, wanted)?;
        let carriers = carriers.iter().filter(|carrier| !changed.contains(carrier));
        let mut places: Vec<u32> =
            carriers.filter_map(|carrier| self.matrix.place_of(*carrier)).collect();
        places.sort_unstable();
        places.dedup();
        Some(places)
    }

    /// The dimension that vectors of the model have instead.
    fn other(&self, state: State<'_>, request: &Request<'_>) -> Result<Option<usize>> {
        let number = state.core.names.number(request.model);
        let beside = number.map(|number| vectors::dimension(state.rows, number)).transpose()?;
        let beside = beside.flatten().filter(|found| *found != request.query.dimension());
        Ok(beside.or(self.other_dimension))
    }

    /// The records that changed after a state, and those that carry vectors of them.
    fn changed_after(&self, seq: Seq) -> BTreeSet<NodeId> {
        let mut changed = BTreeSet::new();
        for (_, id) in self.changed.iter().rev().take_while(|(at, _)| *at > seq) {
            changed.insert(*id);
            changed.extend(self.matrix.carriers_of(*id));
        }
        changed
    }

    fn places(&self, request: &Request<'_>, changed: &BTreeSet<NodeId>) -> Vec<u32> {
        let Some(among) = request.among else {
            return self.matrix.places_where(|carrier, subject| {
                !changed.contains(&carrier) && request.is_of_kind(subject)
            });
        };
        let among = among.iter().copied();
        let mut places = self.matrix.places_of(among.filter(|id| request.is_of_kind(*id)));
        if !changed.is_empty() {
            let gone = self.matrix.places_where(|carrier, _| changed.contains(&carrier));
            places.retain(|place| gone.binary_search(place).is_err());
        }
        places
    }

    /// Adds the vectors of changed records as an older state has them.
    fn add_changed(
        &self,
        state: State<'_>,
        request: &Request<'_>,
        changed: &BTreeSet<NodeId>,
        top: &mut Top,
    ) -> Result<()> {
        let mut stream = Stream::new(request.query);
        for id in changed {
            let found = vector_of(state, request.model, self.matrix.dimension(), *id)?;
            let Some((subject, values)) = found else { continue };
            if request.keeps(subject) && (subject == *id || is_there(state, subject)?) {
                stream.push((subject, *id), values.into_iter(), top);
            }
        }
        Ok(())
    }
}

/// The dimension of the vectors of a model: of those beside records, or of the first that a record
/// carries. `None` where there are none.
fn dimension_of(state: State<'_>, model: &str) -> Result<Option<usize>> {
    let mut dimension = None;
    each_vector(state, model, &mut |found| {
        dimension = Some(found.values.len());
        Ok(ControlFlow::Break(()))
    })?;
    Ok(dimension)
}

/// As [`VectorIndex::search`], from the rows.
fn stream(state: State<'_>, request: &Request<'_>) -> Result<Neighbors> {
    let mut top = Top::new(request.count, request.score_min);
    let mut stream = Stream::new(request.query);
    let (mut other_dimension, mut any) = (None, false);
    each_vector(state, request.model, &mut |Found { carrier, subject, values }| {
        if values.len() == request.query.dimension() {
            any = true;
            if request.keeps(subject) && (subject == carrier || is_there(state, subject)?) {
                stream.push((subject, carrier), values.iter().copied(), &mut top);
            }
        } else {
            other_dimension.get_or_insert(values.len());
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let other_dimension = if any { None } else { other_dimension };
    Ok(Neighbors { best: top.into_vec(), other_dimension })
}
