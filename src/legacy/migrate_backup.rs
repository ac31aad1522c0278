//! Copies of databases, byte for byte with digests, and the way back.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::fault;
use super::migrate_state::{BackupPart, Member};
use super::source::{JOURNAL, WAL, resolve, with};
use super::sync_mark::{SHM, mark_of};
use crate::base::digest::{Digest, Hasher};
use crate::base::error::{Error, Result};
use crate::storage::place;

/// The folder of the copies, within the backup folder.
const COPIES: &str = "files";
/// The folder of what a way back took out of the place of a copy.
const REPLACED: &str = "replaced";
/// How often a database that changes while it is copied is copied again.
const COPIES_MAX: usize = 3;
/// Bytes that are copied at once.
const CHUNK: usize = 256 << 10;

/// Copies a database and what belongs to it. `number` makes the names of the copies.
pub(super) fn back_up(backup: &Path, number: usize, member: &Member) -> Result<Vec<BackupPart>> {
    let copies = backup.join(COPIES);
    fs::create_dir_all(&copies).map_err(|error| Error::io("create", &copies, error))?;
    let (real, _) = resolve(&member.path)?;
    let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for _ in 0..COPIES_MAX {
        let before = mark_of(&real);
        let mut parts = Vec::new();
        for suffix in ["", WAL, JOURNAL] {
            let from = with(&real, suffix);
            let there = fs::metadata(&from).is_ok_and(|found| found.is_file() && found.len() > 0);
            if there || suffix.is_empty() {
                let copy = Path::new(COPIES).join(format!("{number:04}-{name}{suffix}"));
                let (bytes, digest) = copy_file(&member.path, &from, &backup.join(&copy))?;
                parts.push(BackupPart { suffix: suffix.to_owned(), copy, bytes, digest });
            }
        }
        if before.is_some() && mark_of(&real) == before {
            place::sync_parent(&copies.join("any"))?;
            return Ok(parts);
        }
    }
    let reason = "is being written by another process: end it first, or use `engraph sync`";
    Err(fault::file(&member.path, reason))
}

/// Copies a file durably, and proves the copy by reading it.
fn copy_file(named: &Path, from: &Path, to: &Path) -> Result<(u64, String)> {
    let mut source =
        File::open(from).map_err(|error| fault::io(named, "cannot be opened", error))?;
    let mut target = File::create(to).map_err(|error| Error::io("create", to, error))?;
    let mut hasher = Hasher::default();
    let (mut chunk, mut bytes) = (vec![0; CHUNK], 0);
    loop {
        let length =
            source.read(&mut chunk).map_err(|error| fault::io(named, "cannot be read", error))?;
        if length == 0 {
            break;
        }
        hasher.add(&chunk[..length]);
        target.write_all(&chunk[..length]).map_err(|error| Error::io("write", to, error))?;
        bytes += length as u64;
    }
    target.sync_all().map_err(|error| Error::io("sync", to, error))?;
    let digest = hasher.digest().to_string();
    if digest_of(to)?.as_ref() != (bytes > 0).then_some(&digest) {
        return Err(Error::corrupt(to.display().to_string(), "the copy has other bytes"));
    }
    Ok((bytes, digest))
}

/// The digest of a file. `None` when it is not there or empty.
fn digest_of(path: &Path) -> Result<Option<String>> {
    match File::open(path) {
        Ok(file) if file.metadata().is_ok_and(|found| found.len() == 0) => Ok(None),
        Ok(file) => {
            let digest = Digest::of_readers([file]);
            digest.map(|digest| Some(digest.to_string())).map_err(|e| Error::io("read", path, e))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("open", path, error)),
    }
}

/// Checks that the copies of a database are what they were.
pub(super) fn check_copies(backup: &Path, member: &Member) -> Result<()> {
    for part in &member.parts {
        let copy = backup.join(&part.copy);
        let found = digest_of(&copy)?;
        let expected = (part.bytes > 0).then_some(&part.digest);
        if found.as_ref() != expected {
            let detail = format!("is not the copy of {} any more", member.path.display());
            return Err(Error::corrupt(copy.display().to_string(), detail));
        }
    }
    Ok(())
}

/// Whether a database is what was copied, with all that belongs to it.
pub(super) fn is_as_copied(member: &Member) -> Result<bool> {
    for suffix in ["", WAL, JOURNAL] {
        let part = member.parts.iter().find(|part| part.suffix == suffix);
        let expected = part.filter(|part| part.bytes > 0).map(|part| &part.digest);
        let found = digest_of(&with(&real_path(member), suffix))?;
        if found.as_ref() != expected {
            return Ok(false);
        }
    }
    Ok(true)
}

fn real_path(member: &Member) -> PathBuf {
    fs::canonicalize(&member.path).unwrap_or_else(|_| member.path.clone())
}

/// Puts the copy of a database in its place again. What is there is kept in the backup folder; the
/// paths that it was kept under are the result. Repeatable: each file is in its place or not.
pub(super) fn put_back(backup: &Path, number: usize, member: &Member) -> Result<Vec<PathBuf>> {
    let real = real_path(member);
    let replaced = backup.join(REPLACED);
    fs::create_dir_all(&replaced).map_err(|error| Error::io("create", &replaced, error))?;
    let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut kept = Vec::new();
    // A log goes first: beside another database it would damage that.
    for suffix in [SHM, WAL, JOURNAL, ""] {
        let path = with(&real, suffix);
        if !path.exists() {
            continue;
        }
        let to = free_name(&replaced, &format!("{number:04}-{name}{suffix}"));
        copy_file(&member.path, &path, &to)?;
        kept.push(to);
        if !suffix.is_empty() {
            place::remove_if_there(&path)?;
        }
    }
    for part in &member.parts {
        let path = with(&real, &part.suffix);
        let unborn = with(&path, ".engraph-new");
        copy_file(&member.path, &backup.join(&part.copy), &unborn)?;
        fs::rename(&unborn, &path).map_err(|error| Error::io("rename", &unborn, error))?;
        place::sync_parent(&path)?;
    }
    Ok(kept)
}

fn free_name(folder: &Path, name: &str) -> PathBuf {
    let names = std::iter::once(name.to_owned()).chain((2_u32..).map(|n| format!("{name}.{n}")));
    let mut paths = names.map(|name| folder.join(name));
    paths.find(|path| !path.exists()).unwrap_or_else(|| folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(path: &Path) -> Member {
        Member {
            name: path.display().to_string(),
            path: path.to_path_buf(),
            parts: Vec::new(),
            unreadable: None,
            import: None,
        }
    }

    #[test]
    fn a_database_with_its_log_goes_out_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let (path, backup) = (folder.path().join("a.db"), folder.path().join("backup"));
        let wal = with(&path, WAL);
        fs::write(&path, "the database").unwrap();
        fs::write(&wal, "its log").unwrap();
        let mut member = member(&path);
        member.parts = back_up(&backup, 7, &member).unwrap();
        let names: Vec<_> = member.parts.iter().map(|part| part.copy.clone()).collect();
        assert_eq!(names, [Path::new("files/0007-a.db"), Path::new("files/0007-a.db-wal")]);
        check_copies(&backup, &member).unwrap();
        assert!(is_as_copied(&member).unwrap());
        fs::write(&path, "another one").unwrap();
        fs::remove_file(&wal).unwrap();
        fs::write(with(&path, JOURNAL), "a journal").unwrap();
        fs::write(with(&path, SHM), "an index").unwrap();
        assert!(!is_as_copied(&member).unwrap());
        let kept = put_back(&backup, 7, &member).unwrap();
        assert_eq!(kept.len(), 3, "{kept:?}");
        assert!(is_as_copied(&member).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"the database");
        assert_eq!(fs::read(&wal).unwrap(), b"its log");
        assert!(!with(&path, SHM).exists() && !with(&path, JOURNAL).exists());
        let another = kept.iter().find(|path| path.ends_with("0007-a.db")).unwrap();
        assert_eq!(fs::read(another).unwrap(), b"another one");
        fs::write(backup.join(&names[1]), "damaged").unwrap();
        assert_eq!(check_copies(&backup, &member).unwrap_err().kind(), "corrupt");
    }

    #[test]
    fn a_database_that_went_away_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let (path, backup) = (folder.path().join("a.db"), folder.path().join("backup"));
        fs::write(&path, "the database").unwrap();
        let mut member = member(&path);
        member.parts = back_up(&backup, 0, &member).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!is_as_copied(&member).unwrap());
        assert!(put_back(&backup, 0, &member).unwrap().is_empty());
        assert_eq!(fs::read(&path).unwrap(), b"the database");
    }

    #[test]
    fn an_empty_file_and_an_absent_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, backup) = (folder.path().join("a.db"), folder.path().join("backup"));
        assert_eq!(back_up(&backup, 0, &member(&path)).unwrap_err().kind(), "import");
        fs::write(&path, "").unwrap();
        let mut member = member(&path);
        let error = back_up(&backup, 0, &member).map(|parts| member.parts = parts);
        error.unwrap();
        assert!(is_as_copied(&member).unwrap());
        check_copies(&backup, &member).unwrap();
    }
}
