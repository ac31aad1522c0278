//! Creating and opening, in order: storage, format, kinds, names, sources.

use std::path::Path;
use std::sync::Arc;

use super::Store;
use super::commit::Shared;
use super::core::{Core, Kinds};
use super::options::Options;
use super::read::Published;
use super::sources::Sources;
use crate::base::error::{Error, Result};
use crate::base::id::Kind;
use crate::base::limits::{NAME_BYTES_MAX, OWN_KINDS_MAX};
use crate::base::varint;
use crate::record::registry;
use crate::storage::changes;
use crate::storage::engine::{Engine, EngineOptions};
use crate::storage::layer::Layer;
use crate::storage::names::Names;
use crate::storage::snapshot::Snapshot;
use crate::storage::{KeyRange, Rows, TableId, place};

/// The format that this version writes. Older ones are migrated, newer ones refused.
pub(crate) const FORMAT: u64 = 1;

const FORMAT_KEY: &[u8] = b"format";
const KIND_PREFIX: &[u8] = b"kind/";

/// Makes a new store.
pub(crate) fn create(directory: &Path, options: Options) -> Result<Store> {
    place::create_directory(directory)?;
    let path = place::data_file(directory);
    let engine = Engine::create(&path, engine_options(&options))?;
    let mut layer = Layer::default();
    let mut format = Vec::new();
    varint::put(&mut format, FORMAT);
    layer.set(TableId::META, FORMAT_KEY, Some(&format));
    engine.commit(&layer, true)?;
    tracing::info!(store = %directory.display(), "store created");
    finish(directory, options, engine, true)
}

/// Opens a store for reading and writing.
pub(crate) fn open(directory: &Path, options: Options) -> Result<Store> {
    place::check_store(directory)?;
    let engine = Engine::open(&place::data_file(directory), engine_options(&options))?;
    finish(directory, options, engine, true)
}

/// Opens a store for reading.
pub(crate) fn open_read_only(directory: &Path, options: Options) -> Result<Store> {
    place::check_store(directory)?;
    let engine = Engine::open_read_only(&place::data_file(directory), engine_options(&options))?;
    finish(directory, options, engine, false)
}

fn engine_options(options: &Options) -> EngineOptions {
    EngineOptions { cache_bytes: options.cache_bytes }
}

fn finish(directory: &Path, options: Options, engine: Engine, writable: bool) -> Result<Store> {
    let snapshot = engine.snapshot()?;
    check_format(&snapshot, directory)?;
    let mut layer = Layer::default();
    let kinds = kinds(&snapshot, &options, &mut layer)?;
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
    };
    if writable {
        place::note_owner(directory);
    }
    tracing::info!(store = %directory.display(), seq = seq.0, writable, "store opened");
    let base = Published { rows: Arc::new(snapshot), seq };
    Ok(Store::from_shared(Arc::new(Shared::new(core, engine, base, time, writable))))
}

fn check_format(rows: &Snapshot, directory: &Path) -> Result<()> {
    let value = rows.get(TableId::META, FORMAT_KEY)?;
    let found = value.as_deref().and_then(|mut value| varint::take(&mut value));
    match found {
        Some(FORMAT) => Ok(()),
        Some(found) if found > FORMAT => Err(Error::Version {
            what: format!("store {}", directory.display()),
            found,
            supported: FORMAT,
        }),
        Some(_) | None => Err(Error::corrupt(
            place::data_file(directory).display().to_string(),
            "no format mark: not a data file of a store",
        )),
    }
}

/// The built-in kinds, those that the store remembers, and new ones for types registered now.
fn kinds(rows: &Snapshot, options: &Options, layer: &mut Layer) -> Result<Kinds> {
    let mut remembered: Vec<(Arc<str>, Kind)> = Vec::new();
    for row in rows.range(TableId::META, KeyRange::prefix(KIND_PREFIX))? {
        let (key, value) = row?;
        let bad = || Error::corrupt("table meta", "kind with a broken name or number");
        let name = std::str::from_utf8(&key[KIND_PREFIX.len()..]).map_err(|_| bad())?;
        let [number] = *value else { return Err(bad()) };
        remembered.push((name.into(), Kind(number)));
    }
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
