//! Creating and opening, in order: storage, format, kinds, names, sources.

use std::path::Path;
use std::sync::Arc;

use super::Store;
use super::attached::Attached;
use super::audit::{self, Scope};
use super::commit::Shared;
use super::compact;
use super::core::{Core, Kinds};
use super::derived::Derived;
use super::live::{self, LiveGraph};
use super::migrate::{self, Formats};
use super::options::Options;
use super::read::Published;
use super::search::SearchSetup;
use super::sources::Sources;
use super::trim::Retention;
use super::vector_index::VectorIndex;
use super::worker;
use super::{erase, vector_near};
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::Kind;
use crate::base::limits::{NAME_BYTES_MAX, OWN_KINDS_MAX};
use crate::base::trace::category::STORE;
use crate::record::registry;
use crate::storage::changes;
use crate::storage::engine::{Engine, EngineOptions};
use crate::storage::layer::Layer;
use crate::storage::names::Names;
use crate::storage::snapshot::Snapshot;
use crate::storage::{KeyRange, Rows as _, TableId, place};

const KIND_PREFIX: &[u8] = b"kind/";
const ANALYZER_KEY: &[u8] = b"search_analyzer";

/// Makes a new store.
pub(crate) fn create(directory: &Path, options: Options) -> Result<Store> {
    // A registration that is refused must not leave a store behind.
    kinds(Vec::new(), &options, &mut Layer::default())?;
    place::create_directory(directory)?;
    // Whoever kills this leaves a store or none, never half of one.
    let engine = Engine::create(&place::unborn_file(directory), engine_options(&options))?;
    let mut layer = Layer::default();
    migrate::mark(&mut layer);
    engine.commit(&layer, true)?;
    engine.close()?;
    place::name_unborn(directory)?;
    let engine = Engine::open(&place::data_file(directory), engine_options(&options))?;
    tracing::info!(target: STORE, store = %directory.display(), "store created");
    finish(directory, options, engine, true)
}

/// Opens a store for reading and writing.
pub(crate) fn open(directory: &Path, options: Options) -> Result<Store> {
    open_with(directory, options, &migrate::FORMATS)
}

/// As [`open`], with the way from older formats.
pub(crate) fn open_with(directory: &Path, options: Options, formats: &Formats) -> Result<Store> {
    place::check_store(directory)?;
    let data_file = place::data_file(directory);
    let engine = open_present(&data_file, || Engine::open(&data_file, engine_options(&options)))?;
    place::remove_if_there(&compact::copy_file(directory))?;
    migrate::bring_up(&engine, directory, formats)?;
    finish(directory, options, engine, true)
}

/// Opens a store for reading.
pub(crate) fn open_read_only(directory: &Path, options: Options) -> Result<Store> {
    place::check_store(directory)?;
    let data_file = place::data_file(directory);
    let engine =
        open_present(&data_file, || Engine::open_read_only(&data_file, engine_options(&options)))?;
    migrate::check(&engine.snapshot()?, directory)?;
    finish(directory, options, engine, false)
}

/// Opens the file that has the name now: another process may have put a compacted one in its place
/// between the opening of the old one and its lock.
fn open_present(path: &Path, open: impl Fn() -> Result<Engine>) -> Result<Engine> {
    loop {
        let before = place::identity(path);
        let engine = open()?;
        if place::identity(path) == before {
            return Ok(engine);
        }
        engine.close()?;
    }
}

fn engine_options(options: &Options) -> EngineOptions {
    EngineOptions { cache_bytes: options.cache_bytes, disk: options.disk.clone() }
}

fn finish(directory: &Path, options: Options, engine: Engine, writable: bool) -> Result<Store> {
    let snapshot = engine.snapshot()?;
    let mut layer = Layer::default();
    let kinds = kinds(remembered(&snapshot)?, &options, &mut layer)?;
    let search = search_setup(&snapshot, &options, &mut layer)?;
    remember_retention(&snapshot, &options, &mut layer)?;
    let snapshot = if writable && !layer.is_empty() {
        drop(snapshot);
        engine.commit(&layer, false)?;
        engine.snapshot()?
    } else {
        snapshot
    };
    let newest = changes::newest(&snapshot)?;
    let (seq, time) = newest.unwrap_or_default();
    let core = Core {
        directory: directory.to_owned(),
        kinds,
        names: Names::load(&snapshot)?,
        sources: Sources::load(&snapshot)?,
        clock: options.clock,
        vectors: VectorIndex::new(
            options.vector_bytes_max,
            directory.join(place::VECTORS_DIRECTORY),
        ),
        recall_bytes_max: options.recall_bytes_max,
        search,
        graph_meter: Arc::default(),
        derived: Derived::default(),
        attached: Attached::default(),
        audit: Scope::load(&snapshot)?,
        compression: options.compression,
        disk: options.disk,
    };
    if writable {
        place::note_owner(directory);
        // Whoever erased may have stopped before the files went.
        if let Some(erased) = erase::newest(&snapshot)? {
            vector_near::remove_older(&directory.join(place::VECTORS_DIRECTORY), erased)?;
        }
    }
    tracing::info!(
        target: STORE, store = %directory.display(), seq = seq.0, writable, "store opened"
    );
    let base = Published::new(Arc::new(snapshot), seq, None);
    let live = LiveGraph::new(options.graph);
    let shared = Arc::new(Shared::new(core, engine, base, time, (writable, live)));
    live::opened(&shared);
    if writable {
        worker::start(&shared);
    }
    let store = Store::from_shared(shared);
    if let (Some(wanted), true) = (&options.audit, writable) {
        audit::apply(&store, wanted)?;
    }
    Ok(store)
}

/// How texts are indexed: as the options say, else as the store remembers.
fn search_setup(rows: &Snapshot, options: &Options, layer: &mut Layer) -> Result<SearchSetup> {
    let remembered = rows.get(TableId::META, ANALYZER_KEY)?;
    let remembered = remembered.map(|value| codec::decode(&value)).transpose()?;
    let analyzer = options.analyzer.or(remembered).unwrap_or_default();
    if options.analyzer.is_some() && options.analyzer != remembered {
        layer.set(TableId::META, ANALYZER_KEY, Some(&codec::encode(&analyzer)?));
    }
    Ok(SearchSetup { analyzer, threads: options.search_threads })
}

/// Notes how long the past is kept, where the options say so.
fn remember_retention(rows: &Snapshot, options: &Options, layer: &mut Layer) -> Result<()> {
    let Some(retention) = options.retention else { return Ok(()) };
    if Retention::load(rows)? != retention {
        let (key, value) = retention.row();
        layer.set(TableId::META, key, Some(&value));
    }
    Ok(())
}

/// The kinds that the store gave to an application's types.
fn remembered(rows: &Snapshot) -> Result<Vec<(Arc<str>, Kind)>> {
    let mut remembered: Vec<(Arc<str>, Kind)> = Vec::new();
    for row in rows.range(TableId::META, KeyRange::prefix(KIND_PREFIX))? {
        let (key, value) = row?;
        let bad = || Error::corrupt("table meta", "kind with a broken name or number");
        let name = std::str::from_utf8(&key[KIND_PREFIX.len()..]).map_err(|_| bad())?;
        let [number] = *value else { return Err(bad()) };
        remembered.push((name.into(), Kind(number)));
    }
    Ok(remembered)
}

/// The built-in kinds, those that the store remembers, and new ones for types registered now.
fn kinds(
    mut remembered: Vec<(Arc<str>, Kind)>,
    options: &Options,
    layer: &mut Layer,
) -> Result<Kinds> {
    let mut kinds = Kinds::default();
    for (kind, record_type) in registry::built_in() {
        kinds.add(kind, record_type)?;
    }
    let mut next = remembered
        .iter()
        .map(|(_, kind)| u16::from(kind.0) + 1)
        .max()
        .unwrap_or(0)
        .max(Kind::FIRST_OWN.0.into());
    for own in &options.own_types {
        if own.name.is_empty() || own.name.len() > NAME_BYTES_MAX {
            return Err(Error::invalid("record type name", format!("{:?}", own.name)));
        }
        let known = remembered.iter().position(|(name, _)| **name == *own.name);
        let kind = if let Some(position) = known {
            remembered.swap_remove(position).1
        } else {
            let number = u8::try_from(next).map_err(|_| Error::Limit {
                what: "own record types".into(),
                max: OWN_KINDS_MAX as u64,
                found: u64::from(next) - u64::from(Kind::FIRST_OWN.0) + 1,
            })?;
            next += 1;
            let key = [KIND_PREFIX, own.name.as_bytes()].concat();
            layer.set(TableId::META, &key, Some(&[number]));
            Kind(number)
        };
        kinds.add(kind, *own)?;
    }
    for (name, kind) in remembered {
        kinds.add_name(kind, name);
    }
    Ok(kinds)
}
