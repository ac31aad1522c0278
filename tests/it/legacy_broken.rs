//! Damaged, foreign and half-written files: what is really there is taken, the rest is refused with
//! a reason, and neither the files nor the store are touched by a refusal.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use engraph::legacy::{
    Damage, ExportOptions, Fate, FileReport, ImportOptions, export, import, sample,
};
use engraph::{Error, Seq, Store, StoreStats};
use tempfile::TempDir;

use crate::legacy::{check_equal, python_is_there, samples};
use crate::random::Random;

/// How long an answer may take for any of these small files.
const TIME_MAX: Duration = Duration::from_secs(20);

/// Files that are taken: the table that counts, its rows, and a part of what is told about them.
const TAKEN: [(&str, &str, u64, &str); 9] = [
    ("trailing_garbage.db", "entries", 20, ""),
    ("hot_journal/todo.db", "entries", 40, "rolled back"),
    ("wal_bit_flip/organization_audit.db", "organization_events", 7, "-wal"),
    ("wal_empty/organization_audit.db", "organization_events", 5, ""),
    ("wal_missing/organization_audit.db", "organization_events", 5, ""),
    ("wal_header_damaged/organization_audit.db", "organization_events", 5, "-wal"),
    ("wal_restarted/organization_audit.db", "organization_events", 15, ""),
    ("wal_pending/documents.db", "documents", 10, ""),
    ("wal_torn/documents.db", "documents", 7, "-wal"),
];

/// Files that are refused, also when asked to take what is readable, and a part of the reason.
const REFUSED: [(&str, &str); 15] = [
    ("ambiguous.db", "several kinds"),
    ("bad_page_size.db", "pages of 3 bytes"),
    ("empty.db", "empty"),
    ("encrypted_header.db", "encrypted"),
    ("future_format.db", "file format 9"),
    ("header_only.db", "damaged"),
    ("no_tables.db", "no tables"),
    ("random_bytes.db", "not an SQLite database"),
    ("text_file.db", "a text"),
    ("unrelated.db", "no known kind"),
    // Made by the script that lies beside the others.
    ("symlink_loop_a.db", "cannot be resolved"),
    ("symlink_loop_b.db", "cannot be resolved"),
    ("dangling_link.db", "link to nothing"),
    ("named_pipe.db", "not a regular file"),
    // A user who may read everything meets a header that is cut off.
    ("no_permission.db", ""),
];

/// Damaged files that give what is readable when that is asked for: the rows, and whether some are
/// lost.
const SALVAGED: [(&str, u64, bool); 4] = [
    ("corrupt_index.db", 23, false),
    ("corrupt_page.db", 22, true),
    ("truncated_60.db", 13, true),
    ("truncated_pages.db", 13, true),
];

/// A copy of the broken samples, with what version control cannot carry.
fn broken() -> Option<(TempDir, PathBuf)> {
    let samples = samples()?;
    let copy = tempfile::tempdir().unwrap();
    let folder = copy.path().join("broken");
    copy_folder(&samples.join("broken"), &folder);
    let made = Command::new("sh").arg(folder.join("make_special.sh")).arg(&folder).status();
    assert!(made.unwrap().success());
    Some((copy, folder))
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Everything below a folder: names, bytes, and where links lead.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            found.extend(contents(&path));
        }
        let bytes = if kind.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else if kind.is_file() {
            // The one without permission cannot be read, and so not be changed either.
            fs::read(&path).unwrap_or_default()
        } else {
            Vec::new()
        };
        found.insert(path, bytes);
    }
    found
}

fn state(store: &Store) -> (Seq, StoreStats) {
    let mut stats = store.stats().unwrap();
    stats.data_bytes_on_disk = 0;
    (store.seq(), stats)
}

/// Imports one path within the time allowed, leaving what lies beside it as it is.
#[track_caller]
fn import_one(store: &Store, path: &Path, damage: Damage) -> FileReport {
    let beside = path.parent().unwrap();
    let before = contents(beside);
    let start = Instant::now();
    let options = ImportOptions::new().damage(damage);
    let report = import(store, &[path.to_path_buf()], &options, &mut |_| {}).unwrap();
    assert!(start.elapsed() < TIME_MAX, "{}", path.display());
    assert!(contents(beside) == before, "{} or a file beside it was touched", path.display());
    let [file] = <[FileReport; 1]>::try_from(report.files).unwrap();
    file
}

#[test]
fn exactly_the_rows_that_are_there_are_taken() {
    let Some((_copy, folder)) = broken() else { return };
    for (name, table, rows, notice) in TAKEN {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path().join("store")).unwrap();
        let file = import_one(&store, &folder.join(name), Damage::Refuse);
        assert_eq!(file.fate, Fate::Imported, "{name}: {file:?}");
        assert_eq!(file.rows[table], rows, "{name}");
        assert!(file.lost.is_empty(), "{name}: {:?}", file.lost);
        let told = file.notices.iter().any(|told| told.contains(notice));
        let right = if notice.is_empty() { file.notices.is_empty() } else { told };
        assert!(right, "{name}: {:?}", file.notices);
        assert!(store.verify().unwrap().is_ok(), "{name}");
        if python_is_there() {
            let out = dir.path().join("out");
            let written = export(&store, &out, &ExportOptions::new(), &mut |_| {}).unwrap();
            check_equal(&samples().unwrap(), &folder.join(name), &written.files[0].path);
        }
    }
}

#[test]
fn a_refusal_says_why_and_touches_nothing() {
    let Some((_copy, folder)) = broken() else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path().join("store")).unwrap();
    import_one(&store, &folder.join("trailing_garbage.db"), Damage::Refuse);
    let before = state(&store);
    let damaged = SALVAGED.iter().map(|(name, ..)| {
        let part = if name.starts_with("truncated") { "truncated" } else { "damaged" };
        (*name, part, Damage::Refuse)
    });
    let foreign = REFUSED.iter().flat_map(|(name, reason)| {
        [Damage::Refuse, Damage::Salvage].map(|damage| (*name, *reason, damage))
    });
    for (name, part, damage) in damaged.chain(foreign) {
        let path = folder.join(name);
        if fs::symlink_metadata(&path).is_err() {
            // No pipes on this system.
            continue;
        }
        let file = import_one(&store, &path, damage);
        assert_eq!(file.fate, Fate::Refused, "{name}: {file:?}");
        let reason = file.reason.unwrap_or_default();
        assert!(!reason.is_empty() && reason.contains(part), "{name}: {reason:?}");
        assert_eq!(state(&store), before, "{name}");
    }
    for name in ["a_directory.db", "stray_shm"] {
        let paths = [folder.join(name)];
        let error = import(&store, &paths, &ImportOptions::new(), &mut |_| {}).unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{name}: {error}");
        assert_eq!(state(&store), before, "{name}");
    }
    assert!(store.verify().unwrap().is_ok());
}

#[test]
fn a_damaged_file_is_salvaged_when_that_is_asked_for() {
    let Some((_copy, folder)) = broken() else { return };
    for (name, rows, loses) in SALVAGED {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path().join("store")).unwrap();
        let file = import_one(&store, &folder.join(name), Damage::Salvage);
        assert_eq!(file.fate, Fate::Imported, "{name}: {file:?}");
        assert_eq!(file.rows["memory_proposals"], rows, "{name}: {file:?}");
        assert_eq!(!file.lost.is_empty(), loses, "{name}: {:?}", file.lost);
        assert!(file.notices.iter().any(|told| told.contains("damaged")), "{name}: {file:?}");
        assert!(store.verify().unwrap().is_ok(), "{name}");
        let out = dir.path().join("out");
        let written = export(&store, &out, &ExportOptions::new(), &mut |_| {}).unwrap();
        assert_eq!(written.files[0].rows["memory_proposals"], rows, "{name}");
        let again = Store::create(dir.path().join("again")).unwrap();
        let file = import_one(&again, &written.files[0].path, Damage::Refuse);
        assert_eq!(file.fate, Fate::Imported, "what was salvaged is sound: {file:?}");
    }
}

#[test]
fn a_folder_of_all_of_them_is_answered_file_by_file() {
    let Some((_copy, folder)) = broken() else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path().join("store")).unwrap();
    let before = contents(&folder);
    let start = Instant::now();
    let report =
        import(&store, std::slice::from_ref(&folder), &ImportOptions::new(), &mut |_| {}).unwrap();
    assert!(start.elapsed() < TIME_MAX);
    assert!(contents(&folder) == before);
    let name = |path: &Path| path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
    let of_fate = |fate: Fate| -> BTreeSet<String> {
        let files = report.files.iter().filter(|file| file.fate == fate);
        files.map(|file| name(&file.path)).collect()
    };
    let taken: BTreeSet<String> = TAKEN.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(of_fate(Fate::Imported), taken);
    let refused =
        REFUSED.iter().map(|(name, _)| *name).chain(SALVAGED.iter().map(|(name, ..)| *name));
    let there = refused.filter(|name| fs::symlink_metadata(folder.join(name)).is_ok());
    assert_eq!(of_fate(Fate::Refused), there.map(str::to_owned).collect());
    assert!(store.verify().unwrap().is_ok());
    assert_eq!(store.stats().unwrap().sources.len(), TAKEN.len());
}

/// Overwrites, cuts or lengthens a file somewhere.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let place = random.below(bytes.len());
        match random.below(6) {
            0 => bytes.truncate(place.max(1)),
            1 => bytes.extend_from_slice(&[0x5a; 700]),
            2 => bytes[place..].iter_mut().take(512).for_each(|byte| *byte ^= 0x77),
            3 => bytes[place % 100..].iter_mut().take(2).for_each(|byte| *byte = 0xff),
            _ => bytes[place] = bytes[place].wrapping_add(1 + random.below(255) as u8),
        }
    }
}

#[test]
fn no_damage_stops_an_import_or_harms_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let sound = sample::write(dir.path(), 4).unwrap();
    let store = Store::create(dir.path().join("store")).unwrap();
    let mut random = Random::new(11);
    let mut fates = BTreeMap::new();
    for round in 0..40 {
        let mut bytes = fs::read(&sound[round % sound.len()]).unwrap();
        damage(&mut bytes, &mut random);
        let folder = dir.path().join(round.to_string());
        fs::create_dir(&folder).unwrap();
        let path = folder.join("damaged.db");
        fs::write(&path, bytes).unwrap();
        for damage in [Damage::Refuse, Damage::Salvage] {
            let before = state(&store);
            let file = import_one(&store, &path, damage);
            if file.fate == Fate::Refused {
                assert!(file.reason.is_some_and(|reason| !reason.is_empty()));
                assert_eq!(state(&store), before, "round {round}");
            }
            *fates.entry((damage == Damage::Salvage, format!("{:?}", file.fate))).or_insert(0) += 1;
        }
    }
    assert!(store.verify().unwrap().is_ok());
    let count = |salvage: bool, fate: &str| fates.get(&(salvage, fate.to_owned())).copied();
    assert!(count(false, "Refused") > Some(10), "{fates:?}");
    assert!(count(true, "Imported") > Some(5), "{fates:?}");
    let out = dir.path().join("out");
    export(&store, &out, &ExportOptions::new(), &mut |_| {}).unwrap();
}

#[test]
fn every_broken_sample_is_in_one_of_the_lists() {
    let Some(samples) = samples() else { return };
    let list = fs::read(samples.join("MANIFEST.json")).unwrap();
    let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
    let mut listed: BTreeSet<&str> = TAKEN.iter().map(|(name, ..)| *name).collect();
    listed.extend(REFUSED.iter().map(|(name, _)| *name));
    listed.extend(SALVAGED.iter().map(|(name, ..)| *name));
    listed.insert("stray_shm/documents.db-shm");
    for (name, entry) in list["files"].as_object().unwrap() {
        if let Some(name) = name.strip_prefix("broken/")
            && let Some(expected) = entry["expect"].as_str()
        {
            assert!(listed.contains(name), "{name}: {expected}");
        }
    }
}
