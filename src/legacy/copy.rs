//! Proof that nothing is lost on the way through: source, blocks, output, and then a comparison by
//! a tool that shares no code with this crate.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::block::{BlockReader, BlockWriter};
use super::output::{Existing, Output, Written};
use super::scan::scan;
use super::source::{Damage, Source};
use crate::base::error::Result;

/// Copies a database through blocks of verbatim rows.
fn copy(source: &Source, target: &Path) -> Result<Written> {
    let schema = source.schema().clone();
    let mut output = Output::create(target, schema.clone(), Existing::Refuse)?;
    for (place, _, rows) in schema.tables() {
        let mut loader = output.loader(place)?;
        let mut load = |bytes: &[u8]| -> Result<()> {
            let reader = BlockReader::open(bytes)?;
            let (mut rows, mut cells) = (reader.rows()?, Vec::new());
            while let Some(rowid) = rows.next(&mut cells)? {
                loader.insert(rowid, &cells)?;
            }
            Ok(())
        };
        let mut writer = BlockWriter::new(rows.columns.len());
        scan(source, place, |rowid, cells| {
            writer.push(rowid, cells);
            if !writer.is_full() {
                return Ok(());
            }
            writer.finish()?.map_or(Ok(()), |block| load(&block.bytes))
        })?;
        if let Some(block) = writer.finish()? {
            load(&block.bytes)?;
        }
    }
    output.finish(&[])
}

/// The folder of sample databases, where there is one.
pub(super) fn samples() -> Option<PathBuf> {
    let named = std::env::var_os("ENGRAPH_LEGACY_SAMPLES").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/legacy/samples");
    let found = named.or(Some(beside)).filter(|folder| folder.join("MANIFEST.json").is_file());
    if found.is_none() {
        eprintln!("no legacy samples: set ENGRAPH_LEGACY_SAMPLES to run this test");
    }
    found
}

/// Every file below `folder` with its bytes.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            found.extend(contents(&path));
        } else if metadata.is_file() {
            let bytes = fs::read(&path).unwrap_or_default();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

#[test]
fn every_sample_comes_out_equal() {
    let Some(samples) = samples() else { return };
    let tool = samples.join("../sqlite_equal.py");
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for part in ["", "edge", "drift"] {
        for entry in fs::read_dir(samples.join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "db") {
                continue;
            }
            let source = Source::open(&path, Damage::Refuse, None).unwrap();
            assert_eq!(source.notices(), [""; 0], "{}", path.display());
            let target = folder.path().join(path.file_name().unwrap());
            copy(&source, &target).unwrap();
            source.check_unchanged().unwrap();
            let Ok(equal) = Command::new("python3")
                .arg(&tool)
                .args(["--views", "--exact-sql"])
                .arg(&path)
                .arg(&target)
                .output()
            else {
                eprintln!("no python3: the copies are not compared");
                return;
            };
            let said = String::from_utf8_lossy(&equal.stdout);
            assert!(equal.status.success(), "{}: {said}", path.display());
            eprintln!("{}: {}", path.display(), said.trim_end());
            compared += 1;
        }
    }
    assert!(compared > 20);
    assert_eq!(contents(folder.path()).len(), compared, "nothing is left beside the targets");
}

/// What opening a broken sample must give.
enum Expected {
    /// An error that contains this.
    Refused(&'static str),
    /// So many rows of this table, and notices that contain this.
    Rows(&'static str, i64, &'static str),
}

#[test]
fn broken_samples_are_refused_or_recovered() {
    use Expected::{Refused, Rows};
    let Some(samples) = samples() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in contents(&samples.join("broken")) {
        let target = folder.path().join(path.strip_prefix(samples.join("broken")).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, bytes).unwrap();
    }
    let made =
        Command::new("sh").arg(folder.path().join("make_special.sh")).arg(folder.path()).status();
    assert!(made.unwrap().success());
    let before = contents(folder.path());
    for (name, expected) in [
        ("random_bytes.db", Refused("not an SQLite database")),
        ("empty.db", Refused("empty")),
        ("text_file.db", Refused("not an SQLite database but a text")),
        ("truncated_60.db", Refused("truncated")),
        ("truncated_pages.db", Refused("truncated")),
        ("header_only.db", Refused("damaged")),
        ("corrupt_page.db", Refused("damaged")),
        ("corrupt_index.db", Refused("damaged")),
        ("encrypted_header.db", Refused("encrypted")),
        ("bad_page_size.db", Refused("pages of 3 bytes")),
        ("future_format.db", Refused("format 9")),
        ("trailing_garbage.db", Rows("entries", 20, "")),
        ("unrelated.db", Rows("recipes", 3, "")),
        ("wal_pending/documents.db", Rows("documents", 10, "")),
        ("wal_torn/documents.db", Rows("documents", 7, "torn or damaged")),
        ("wal_bit_flip/organization_audit.db", Rows("organization_events", 7, "torn or damaged")),
        ("wal_header_damaged/organization_audit.db", Rows("organization_events", 5, "not used")),
        ("wal_missing/organization_audit.db", Rows("organization_events", 5, "")),
        ("wal_empty/organization_audit.db", Rows("organization_events", 5, "")),
        ("wal_restarted/organization_audit.db", Rows("organization_events", 15, "")),
        ("stray_shm/documents.db", Refused("does not exist")),
        ("stray_shm/documents.db-shm", Refused("not an SQLite database")),
        ("hot_journal/todo.db", Rows("entries", 40, "rolled back")),
        ("a_directory.db", Refused("directory")),
        ("symlink_loop_a.db", Refused("resolved")),
        ("dangling_link.db", Refused("link to nothing")),
        ("no_permission.db", Refused("")),
        ("named_pipe.db", Refused("not a regular file")),
    ] {
        let opened = Source::open(&folder.path().join(name), Damage::Refuse, None);
        match (opened, expected) {
            (Err(error), Refused(part)) => {
                assert!(error.to_string().contains(part), "{error}");
                assert_eq!(error.kind(), "import", "{error}");
            }
            (Ok(source), Rows(table, count, part)) => {
                let notices = source.notices().join("; ");
                assert_eq!(part.is_empty(), notices.is_empty(), "{name}: {notices}");
                assert!(notices.contains(part), "{name}: {notices}");
                if let Some((place, _)) = source.schema().table(table) {
                    let scanned = scan(&source, place, |_, _| Ok(())).unwrap();
                    assert_eq!(scanned.rows.cast_signed(), count, "{name}");
                    let target = folder.path().with_extension("copy");
                    copy(&source, &target).unwrap();
                    fs::remove_file(target).unwrap();
                } else {
                    assert_eq!(count, -1, "{name} has no table {table}");
                }
            }
            (Ok(source), Refused(part)) => panic!("{name} opened, not {part}: {source:?}"),
            (Err(error), Rows(..)) => panic!("{name}: {error:?}"),
        }
    }
    assert_eq!(contents(folder.path()), before, "nothing beside the sources has changed");
}

#[test]
fn salvage_takes_what_is_readable_and_says_what_is_not() {
    let Some(samples) = samples() else { return };
    for (name, at_least) in [
        ("corrupt_page.db", 20),
        ("corrupt_index.db", 20),
        ("truncated_60.db", 5),
        ("truncated_pages.db", 5),
    ] {
        let path = samples.join("broken").join(name);
        let source = Source::open(&path, Damage::Salvage, None).unwrap();
        assert!(source.is_damaged() && !source.notices().is_empty(), "{name}");
        let (place, _) = source.schema().table("memory_proposals").unwrap();
        let mut last = i64::MIN;
        let scanned = scan(&source, place, |rowid, _| {
            assert!(rowid > last, "{name}: row {rowid} after row {last}");
            last = rowid;
            Ok(())
        });
        let scanned = scanned.unwrap();
        eprintln!("{name}: {} rows, lost {:?}", scanned.rows, scanned.gaps);
        assert!(scanned.rows >= at_least, "{name}: {}", scanned.rows);
        assert_eq!(scanned.gaps.is_empty(), name == "corrupt_index.db", "{name}");
    }
}
