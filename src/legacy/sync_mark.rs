//! What tells one state of a database from another without reading it: a few hundred bytes.
//!
//! Of the file itself: who it is, its length and time, and its header with the counter that each
//! transaction raises where there is no write-ahead log. Of a log: its header, and the head of its
//! index in the `-shm` file, which each transaction changes: the number of frames and their running
//! checksum. Lengths and times alone would miss a transaction within one tick of the file system's
//! clock.
//!
//! Files are read as bytes; no lock is taken and nothing is written.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::source::{JOURNAL, WAL, with};
use crate::base::digest::Hasher;
use crate::storage::place;

/// The index of the log, shared between the processes that use the database.
pub(super) const SHM: &str = "-shm";
/// Bytes of the head of a database file.
const FILE_HEAD: u64 = 100;
/// Bytes of the head of a log.
const WAL_HEAD: u64 = 32;
/// Bytes of the first copy of the head of a log's index.
const SHM_HEAD: u64 = 48;

/// The mark of the database at `path`. `None` when it cannot be read. Equal marks mean equal
/// contents; a mark that was taken before the contents were read may be older, never newer.
pub(super) fn mark_of(path: &Path) -> Option<String> {
    let real = fs::canonicalize(path).ok()?;
    let mut hasher = Hasher::default();
    if !add(&mut hasher, &real, FILE_HEAD) {
        return None;
    }
    for (suffix, head) in [(WAL, WAL_HEAD), (SHM, SHM_HEAD), (JOURNAL, 0)] {
        hasher.add(suffix.as_bytes());
        // One that is not there, or goes away meanwhile, adds nothing but its name.
        add(&mut hasher, &with(&real, suffix), head);
    }
    Some(hasher.digest().to_string())
}

/// Adds a regular file with `head` bytes of it. Tells whether it is there.
fn add(hasher: &mut Hasher, path: &Path, head: u64) -> bool {
    let Ok(found) = fs::metadata(path) else { return false };
    if !found.is_file() || found.len() == 0 {
        return found.is_file();
    }
    let mut bytes = Vec::new();
    let read = head == 0
        || File::open(path).and_then(|file| file.take(head).read_to_end(&mut bytes)).is_ok();
    let (volume, file) = place::identity(path).unwrap_or_default();
    for number in [volume, file, found.len(), bytes.len() as u64] {
        hasher.add(&number.to_le_bytes());
    }
    // The index is memory that is shared through a file: its time says nothing.
    if !path.as_os_str().as_encoded_bytes().ends_with(SHM.as_bytes()) {
        let time = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        hasher.add(&time.map_or(0, |time| time.as_nanos()).to_le_bytes());
    }
    hasher.add(&bytes);
    read
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn every_write_is_seen(mode: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let db = Connection::open(&path).unwrap();
        db.execute_batch(&format!("PRAGMA journal_mode = {mode}; CREATE TABLE t(a)")).unwrap();
        let mut marks = vec![mark_of(&path).unwrap()];
        for number in 0..300 {
            if number % 50 == 49 {
                // The log starts anew: its length stays, and it is written from the front again.
                db.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
                assert!(mark_of(&path).is_some());
            }
            db.execute("INSERT INTO t VALUES (?1)", [number]).unwrap();
            let mark = mark_of(&path).unwrap();
            assert_eq!(Some(&mark), mark_of(&path).as_ref(), "looking changes nothing");
            assert!(!marks.contains(&mark), "{mode}: write {number} was not seen");
            marks.push(mark);
        }
    }

    #[test]
    fn every_transaction_makes_another_mark() {
        every_write_is_seen("WAL");
        every_write_is_seen("DELETE");
        every_write_is_seen("PERSIST");
    }

    #[test]
    fn a_file_in_the_place_of_another_has_another_mark() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.db"), folder.path().join("b.db"));
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t(a)").unwrap();
        fs::copy(&path, &other).unwrap();
        let before = mark_of(&path).unwrap();
        fs::rename(&other, &path).unwrap();
        assert_ne!(mark_of(&path).unwrap(), before);
        assert_eq!(mark_of(&folder.path().join("absent.db")), None);
        assert_eq!(mark_of(folder.path()), None);
    }
}
