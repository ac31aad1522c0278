//! Formats: the mark in the file, and the steps that bring an older store up to the present one.
//!
//! Before the first step the data file is copied to `data.redb.format-N.bak` beside it, and the
//! copy is checked. All steps and the new mark are one engine transaction: a crash leaves the old
//! format or the new one.

use std::path::{Path, PathBuf};

use super::redescribe;
use crate::base::error::{Error, Result};
use crate::base::limits::CACHE_BYTES_DEFAULT;
use crate::base::trace::category::STORE;
use crate::base::varint;
use crate::storage::bulk::Bulk;
use crate::storage::engine::{Engine, EngineOptions};
use crate::storage::layer::Layer;
use crate::storage::{Rows, RowsMut as _, TableId, compact, format1, place};

const FORMAT_KEY: &[u8] = b"format";

/// Brings the tables of one format to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The format that it starts from; it ends at the one after.
    pub(crate) from: u64,
    pub(crate) apply: fn(&mut Bulk) -> Result<()>,
}

/// The format that is written, and the way to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Formats {
    pub(crate) current: u64,
    pub(crate) steps: &'static [Step],
}

/// What this version writes and reads. Format 1 is the first; 2 packs edges by the bit.
pub(crate) const FORMATS: Formats =
    Formats { current: 2, steps: &[Step { from: 1, apply: from_1_to_2 }] };

fn from_1_to_2(rows: &mut Bulk) -> Result<()> {
    format1::bring_up(rows)?;
    redescribe::built_in(rows)
}

/// Marks a new store.
pub(crate) fn mark(layer: &mut Layer) {
    layer.set(TableId::META, FORMAT_KEY, Some(&mark_of(FORMATS.current)));
}

fn mark_of(format: u64) -> Vec<u8> {
    let mut mark = Vec::with_capacity(2);
    varint::put(&mut mark, format);
    mark
}

/// The format of a store, which may be an older one.
pub(crate) fn read(rows: &impl Rows, directory: &Path, formats: &Formats) -> Result<u64> {
    let value = rows.get(TableId::META, FORMAT_KEY)?;
    let found =
        value.as_deref().and_then(|mut value| varint::take(&mut value)).ok_or_else(|| {
            let data_file = place::data_file(directory).display().to_string();
            Error::corrupt(data_file, "no format mark: not a data file of a store")
        })?;
    if found <= formats.current {
        return Ok(found);
    }
    Err(Error::Version {
        what: format!("store {}", directory.display()),
        found,
        supported: formats.current,
    })
}

/// Checks that a store that is only read has the present format.
pub(crate) fn check(rows: &impl Rows, directory: &Path) -> Result<()> {
    let found = read(rows, directory, &FORMATS)?;
    if found == FORMATS.current {
        return Ok(());
    }
    let action = format!("bring the store from format {found} to {}", FORMATS.current);
    Err(Error::ReadOnly { action })
}

/// Brings a store to the present format, where it has an older one.
pub(crate) fn bring_up(engine: &Engine, directory: &Path, formats: &Formats) -> Result<()> {
    let snapshot = engine.snapshot()?;
    let found = read(&snapshot, directory, formats)?;
    if found == formats.current {
        return Ok(());
    }
    let steps = (found..formats.current).map(|from| step_from(from, formats));
    let steps = steps.collect::<Result<Vec<_>>>()?;
    let backup = backup_file(directory, found);
    let partial = partial_file(&backup);
    place::remove_if_there(&partial)?;
    let options = EngineOptions::new(CACHE_BYTES_DEFAULT);
    compact::copy(&snapshot, &partial, options)?;
    compact::replace(&partial, &backup)?;
    drop(snapshot);
    let mut bulk = engine.bulk()?;
    if let Err(error) = run(&steps, &mut bulk, formats.current) {
        bulk.abort()?;
        return Err(error);
    }
    bulk.commit()?;
    let current = formats.current;
    tracing::info!(
        target: STORE, found, current, backup = %backup.display(), "store brought to a newer format"
    );
    Ok(())
}

fn step_from(from: u64, formats: &Formats) -> Result<Step> {
    formats.steps.iter().find(|step| step.from == from).copied().ok_or_else(|| Error::Version {
        what: "store that is too old to be brought up".into(),
        found: from,
        supported: formats.current,
    })
}

fn run(steps: &[Step], bulk: &mut Bulk, format: u64) -> Result<()> {
    for step in steps {
        (step.apply)(bulk)?;
    }
    bulk.put(TableId::META, FORMAT_KEY, &mark_of(format))
}

fn backup_file(directory: &Path, format: u64) -> PathBuf {
    directory.join(format!("data.redb.format-{format}.bak"))
}

fn partial_file(backup: &Path) -> PathBuf {
    backup.with_extension("bak.partial")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::KeyRange;
    use crate::store::{Options, Store, open};

    /// The format that `Store::create` writes.
    const PRESENT: u64 = FORMATS.current;

    /// Adds a row, so that a step shows.
    const ADDS: Step =
        Step { from: PRESENT, apply: |bulk| bulk.put(TableId::META, b"added", b"by a step") };
    const GROWS: Step = Step {
        from: PRESENT + 1,
        apply: |bulk| {
            let before = bulk.get(TableId::META, b"added")?.unwrap().to_vec();
            bulk.put(TableId::META, b"added", &[&before[..], b", grown"].concat())
        },
    };
    const FAILS: Step = Step {
        from: PRESENT + 1,
        apply: |bulk| {
            bulk.put(TableId::META, b"added", b"half done")?;
            Err(Error::corrupt("table meta", "cannot be brought up"))
        },
    };

    fn new_store() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        Store::create(&path).unwrap().close().unwrap();
        (directory, path)
    }

    fn meta(store: &Store, key: &[u8]) -> Option<Vec<u8>> {
        let read = store.read().unwrap();
        read.rows().get(TableId::META, key).unwrap().map(|value| value.to_vec())
    }

    #[test]
    fn steps_run_in_order_after_a_copy_of_the_file() {
        let (_directory, path) = new_store();
        let formats = Formats { current: PRESENT + 2, steps: &[GROWS, ADDS] };
        let store = open::open_with(&path, Options::new(), &formats).unwrap();
        assert_eq!(meta(&store, b"added").unwrap(), b"by a step, grown");
        assert_eq!(meta(&store, FORMAT_KEY).unwrap(), [PRESENT as u8 + 2]);
        store.close().unwrap();

        let backup = backup_file(&path, PRESENT);
        let engine = Engine::open_read_only(&backup, EngineOptions::new(1 << 20)).unwrap();
        let old = engine.snapshot().unwrap();
        assert_eq!(old.range(TableId::META, KeyRange::all()).unwrap().count(), 1);
        assert_eq!(*old.get(TableId::META, FORMAT_KEY).unwrap().unwrap(), [PRESENT as u8]);
        drop(old);
        engine.close().unwrap();

        let store = open::open_with(&path, Options::new(), &formats).unwrap();
        assert_eq!(meta(&store, b"added").unwrap(), b"by a step, grown", "once only");
        store.close().unwrap();
        let too_new = Store::open(&path).map(drop);
        let Err(Error::Version { found, supported, .. }) = too_new else { panic!("{too_new:?}") };
        assert_eq!((found, supported), (PRESENT + 2, PRESENT));
    }

    #[test]
    fn a_failed_step_leaves_the_old_format_and_can_be_tried_again() {
        let (_directory, path) = new_store();
        let failing = Formats { current: PRESENT + 2, steps: &[ADDS, FAILS] };
        let failed = open::open_with(&path, Options::new(), &failing).map(drop);
        assert!(matches!(failed, Err(Error::Corrupt { .. })));
        let store = Store::open(&path).unwrap();
        assert_eq!(
            (meta(&store, b"added"), meta(&store, FORMAT_KEY)),
            (None, Some(vec![PRESENT as u8]))
        );
        store.close().unwrap();
        std::fs::write(partial_file(&backup_file(&path, PRESENT)), b"half a copy").unwrap();
        let formats = Formats { current: PRESENT + 2, steps: &[ADDS, GROWS] };
        let store = open::open_with(&path, Options::new(), &formats).unwrap();
        assert_eq!(meta(&store, FORMAT_KEY).unwrap(), [PRESENT as u8 + 2]);
        assert!(!partial_file(&backup_file(&path, PRESENT)).exists());
    }

    #[test]
    fn a_format_without_a_step_is_refused_before_anything_is_written() {
        let (_directory, path) = new_store();
        let formats = Formats { current: PRESENT + 2, steps: &[ADDS] };
        let refused = open::open_with(&path, Options::new(), &formats).map(drop);
        assert!(matches!(refused, Err(Error::Version { found, .. }) if found == PRESENT + 1));
        assert!(!backup_file(&path, PRESENT).exists());
    }
}
