//! Compaction and backup: the live rows of every table in a new file, checked before it counts.
//!
//! A crash at any moment leaves the old data file or the new one, whole: the copy is made beside
//! the data file, synced, and renamed over it. Nothing is written meanwhile, so both say the same.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::commit::Shared;
use super::health;
use crate::base::error::{Error, Result};
use crate::base::limits::CACHE_BYTES_DEFAULT;
use crate::base::trace::category::STORE;
use crate::storage::engine::{Engine, EngineOptions};
use crate::storage::snapshot::Snapshot;
use crate::storage::{compact as copies, place};

/// What [`Store::compact`](crate::Store::compact) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CompactReport {
    /// Bytes of the data file before.
    pub before_bytes: u64,
    /// Bytes of the data file after.
    pub after_bytes: u64,
}

/// The copy of a compaction, until it takes the place of the data file.
pub(crate) fn copy_file(directory: &Path) -> PathBuf {
    directory.join("data.redb.compact")
}

/// Compacts the data file of an open store. See `Store::compact`.
pub(crate) fn compact(shared: &Shared) -> Result<CompactReport> {
    let data_file = place::data_file(&shared.core.directory);
    let copy = copy_file(&shared.core.directory);
    let before_bytes = place::bytes_on_disk(&data_file);
    let replaced = shared.replace_engine(&copy, |rows, options| {
        place::remove_if_there(&copy)?;
        build(rows, &copy, options)
    });
    if let Err(error) = replaced {
        discard(&copy);
        return Err(error);
    }
    let after_bytes = place::bytes_on_disk(&data_file);
    tracing::info!(target: STORE, before_bytes, after_bytes, "store compacted");
    Ok(CompactReport { before_bytes, after_bytes })
}

fn build(rows: &Snapshot, copy: &Path, options: &EngineOptions) -> Result<Engine> {
    if options.disk.is_some() {
        return Err(Error::conflict("compact", "the store is no file"));
    }
    copies::copy(rows, copy, options.clone())?;
    Engine::open(copy, options.clone())
}

/// Takes a copy away that does not count. What stays is taken away by the next opening.
fn discard(copy: &Path) {
    if let Err(error) = place::remove_if_there(copy) {
        tracing::warn!(target: STORE, %error, "could not remove an unfinished copy");
    }
}

/// Copies the newest state of an open store into a new store directory. See `Store::backup`.
pub(crate) fn backup(shared: &Shared, to: &Path) -> Result<()> {
    let published = shared.published()?;
    place::create_directory(to)?;
    place::sync_parent(to)?;
    let copy = copy_file(to);
    let options = EngineOptions::new(CACHE_BYTES_DEFAULT);
    let copied = copies::copy(&published.rows, &copy, options)
        .and_then(|()| copies::replace(&copy, &place::data_file(to)));
    if copied.is_err() {
        discard(&copy);
        return copied;
    }
    health::note_backup(&shared.core, published.seq, to);
    tracing::info!(target: STORE, seq = published.seq.0, to = %to.display(), "store copied");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    use crate::base::id::NodeId;
    use crate::record::{Facts, Record};
    use crate::store::Store;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Note {
        text: String,
    }

    impl Record for Note {
        const NAME: &'static str = "test_note";
        fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
            facts.unique("text", &self.text);
        }
    }

    fn note(number: usize) -> Note {
        // Digits that do not compress away.
        Note { text: format!("{number} {:?}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) }
    }

    /// A store of which nine tenths were deleted.
    fn sparse() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store =
            Store::builder().register::<Note>().create(directory.path().join("store")).unwrap();
        let ids: Vec<NodeId> =
            store.bulk(|tx| (0..20_000).map(|number| tx.insert(&note(number))).collect()).unwrap();
        store
            .bulk(|tx| {
                for id in ids.iter().filter(|id| id.key() % 10 != 0) {
                    tx.delete(*id)?;
                }
                Ok(())
            })
            .unwrap();
        (directory, store)
    }

    #[track_caller]
    fn check_whole(store: &Store) {
        let read = store.read().unwrap();
        assert_eq!(read.iter::<Note>().unwrap().count(), 2_000);
        let found = read.find::<Note>("text", &note(9).text).unwrap().unwrap();
        assert_eq!((found.0.key(), found.1), (10, note(9)));
        assert_eq!(store.verify().unwrap().problems, []);
    }

    #[test]
    fn a_compacted_store_is_smaller_and_goes_on_as_before() {
        let (directory, store) = sparse();
        let seq = store.seq();
        let report = store.compact().unwrap();
        assert!(report.after_bytes * 3 < report.before_bytes, "{report:?}");
        assert_eq!(store.seq(), seq);
        assert!(!copy_file(store.directory()).exists());
        check_whole(&store);
        let id = store.write(|tx| tx.insert(&Note { text: "after".into() })).unwrap();
        assert_eq!(id.key(), 20_001, "keys are not given again");
        assert!(store.compact().is_ok(), "it can be done again");
        store.close().unwrap();
        let path = directory.path().join("store");
        let store = Store::builder().register::<Note>().open(path).unwrap();
        assert_eq!(store.read().unwrap().get::<Note>(id).unwrap().unwrap().text, "after");
        store.write(|tx| tx.delete(id)).unwrap();
        check_whole(&store);
    }

    #[test]
    fn an_open_reader_refuses_compaction_and_stays_whole() {
        let (_directory, store) = sparse();
        let reader = store.read().unwrap();
        let size = store.bytes_on_disk().0;
        assert!(matches!(store.compact(), Err(Error::Conflict { .. })));
        assert_eq!(store.bytes_on_disk().0, size);
        assert_eq!(reader.iter::<Note>().unwrap().count(), 2_000);
        drop(reader);
        let graph = store.graph().unwrap();
        assert!(matches!(store.compact(), Err(Error::Conflict { .. })), "a graph reads too");
        drop(graph);
        store.compact().unwrap();
    }

    #[test]
    fn a_reader_that_comes_while_the_copy_is_made_reads_on() {
        let (_directory, store) = sparse();
        let copy = copy_file(store.directory());
        let mut reader = None;
        store
            .shared()
            .replace_engine(&copy, |rows, options| {
                reader = Some(store.read()?);
                build(rows, &copy, options)
            })
            .unwrap();
        let reader = reader.unwrap();
        store.write(|tx| tx.insert(&Note { text: "new".into() }).map(drop)).unwrap();
        store.shared().checkpoint().unwrap();
        assert_eq!(reader.iter::<Note>().unwrap().map(Result::unwrap).count(), 2_000);
        drop(reader);
        store.shared().checkpoint().unwrap();
        assert_eq!(store.read().unwrap().iter::<Note>().unwrap().count(), 2_001);
        store.close().unwrap();
    }

    #[test]
    fn a_failed_copy_changes_nothing() {
        let (_directory, store) = sparse();
        let copy = copy_file(store.directory());
        let failed = store
            .shared()
            .replace_engine(&copy, |_, _| Err(Error::corrupt("copy", "rows are missing")));
        assert!(matches!(failed, Err(Error::Corrupt { .. })));
        std::fs::create_dir(&copy).unwrap();
        assert!(matches!(store.compact(), Err(Error::Io { .. })), "something is in the way");
        check_whole(&store);
        store.write(|tx| tx.insert(&Note { text: "after".into() }).map(drop)).unwrap();
    }

    #[test]
    fn a_store_that_cannot_be_written_is_not_compacted() {
        let (directory, store) = sparse();
        let inner = store.write(|_| Ok(store.compact())).unwrap();
        assert!(matches!(inner, Err(Error::Conflict { .. })));
        store.close().unwrap();
        assert!(matches!(store.compact(), Err(Error::Closed)));
        let path = directory.path().join("store");
        let store = Store::builder().register::<Note>().open_read_only(path).unwrap();
        assert!(matches!(store.compact(), Err(Error::ReadOnly { .. })));
        check_whole(&store);
    }

    #[test]
    fn opening_takes_the_leftover_of_a_crash_away() {
        let (directory, store) = sparse();
        store.close().unwrap();
        let path = directory.path().join("store");
        std::fs::write(copy_file(&path), b"half a copy").unwrap();
        let open = || Store::builder().register::<Note>();
        drop(open().open_read_only(&path).unwrap());
        assert!(copy_file(&path).exists(), "a reader writes nothing");
        let store = open().open(&path).unwrap();
        assert!(!copy_file(&path).exists());
        check_whole(&store);
    }

    #[test]
    fn a_backup_is_a_store_of_its_own_and_the_writer_goes_on() {
        let (directory, store) = sparse();
        let to = directory.path().join("backup");
        let reader = store.read().unwrap();
        store.backup(&to).unwrap();
        store.write(|tx| tx.insert(&Note { text: "later".into() }).map(drop)).unwrap();
        drop(reader);
        let copy = Store::builder().register::<Note>().open(&to).unwrap();
        check_whole(&copy);
        assert!(copy.seq() < store.seq());
        assert!(matches!(store.backup(&to), Err(Error::AlreadyExists { .. })));
    }
}
