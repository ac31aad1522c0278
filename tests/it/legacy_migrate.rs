//! The whole way from the old application to a store, and back, whatever happens on it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use engraph::legacy::{
    Damage, Fate, MigrateOptions, MigrationProgress, MigrationReport, MigrationStep, migrate,
    rollback, sample, unfinished_migration, verify_against,
};
use engraph::record::Document;
use engraph::{Error, Store};

/// Where the child finds its folder, and at which step it ends itself.
const FOLDER_VARIABLE: &str = "ENGRAPH_TEST_FOLDER_OF_MIGRATING_CHILD";
const STEP_VARIABLE: &str = "ENGRAPH_TEST_STEP_OF_MIGRATING_CHILD";

/// An old installation with the places that a migration of it uses.
struct Move {
    dir: tempfile::TempDir,
    old: PathBuf,
    store: PathBuf,
    backup: PathBuf,
}

impl Move {
    fn new(documents: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let places = Self::at(dir.path());
        fs::create_dir(&places.0).unwrap();
        sample::write(&places.0, documents).unwrap();
        Self { old: places.0, store: places.1, backup: places.2, dir }
    }

    fn at(folder: &Path) -> (PathBuf, PathBuf, PathBuf) {
        (folder.join("old"), folder.join("new.engraph"), folder.join("new.engraph.backup"))
    }

    fn run(&self) -> Result<MigrationReport, Error> {
        self.run_with(&MigrateOptions::new(), &mut |_| {})
    }

    fn run_with(
        &self,
        options: &MigrateOptions,
        progress: &mut dyn FnMut(&MigrationProgress),
    ) -> Result<MigrationReport, Error> {
        let paths = [self.old.clone()];
        migrate(&paths, &self.store, &self.backup, options, progress)
    }

    fn documents(&self) -> usize {
        let store = Store::open_read_only(&self.store).unwrap();
        let read = store.read().unwrap();
        read.iter::<Document>().unwrap().count()
    }

    fn database(&self) -> PathBuf {
        self.old.join("documents.db")
    }
}

/// Every file below a folder with its bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn all_databases_are_copied_taken_in_and_compared() {
    let case = Move::new(8);
    let before = contents(&case.old);
    let report = case.run().unwrap();
    assert!(report.is_complete(), "{report:#?}");
    assert!(!report.resumed && !report.dry_run);
    assert_eq!(report.files.len(), 3);
    for file in &report.files {
        let copied = fs::read(case.backup.join(&file.backup[0].copy)).unwrap();
        assert_eq!(copied, before[&file.path], "{}", file.path.display());
        assert_eq!(file.backup[0].bytes, copied.len() as u64);
        assert!(file.comparison.as_ref().unwrap().is_equal());
        assert_eq!(file.import.as_ref().unwrap().fate, Fate::Imported);
    }
    assert_eq!(report.records["document"], 8);
    assert_eq!(contents(&case.old), before, "the databases are read only");
    assert_eq!(case.documents(), 8);
    let written = fs::read_to_string(case.backup.join("report.md")).unwrap();
    assert!(written.contains("3 of 3 complete"), "{written}");
    assert!(written.contains("engraph migrate --rollback"), "{written}");
    let digest = &report.files[0].backup[0].digest;
    assert!(written.contains(digest.as_str()), "{written}");
    let json: serde_json::Value = serde_json::to_value(&report).unwrap();
    assert_eq!(json["files"][0]["import"]["fate"], "imported");
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let case = Move::new(4);
    let before = contents(case.dir.path());
    let report = case.run_with(&MigrateOptions::new().dry_run(), &mut |_| {}).unwrap();
    assert!(report.dry_run && report.is_complete(), "{report:#?}");
    assert_eq!(report.files.len(), 3);
    assert_eq!(report.files[0].import.as_ref().unwrap().records["document"], 4);
    assert_eq!(contents(case.dir.path()), before);
    assert!(!case.store.exists() && !case.backup.exists());
    assert!(report.to_markdown().starts_with("# What a migration would do"));
}

#[test]
fn a_damaged_database_is_copied_and_named_and_stops_nobody() {
    let case = Move::new(6);
    let damaged = case.old.join("unified_memory.db");
    let mut bytes = fs::read(&damaged).unwrap();
    let end = bytes.len();
    bytes[4_096..end.min(40_960)].fill(0x5a);
    fs::write(&damaged, &bytes).unwrap();
    fs::write(case.old.join("notes.db"), "this is a text").unwrap();
    std::os::unix::fs::symlink(case.dir.path().join("nowhere"), case.old.join("link.db")).unwrap();
    let report = case.run().unwrap();
    assert!(!report.is_complete());
    let problem = |name: &str| {
        let file = report.files.iter().find(|file| file.path.ends_with(name)).unwrap();
        (file.problem.clone().unwrap_or_default(), file.backup.len())
    };
    let (reason, copies) = problem("unified_memory.db");
    assert!(reason.starts_with("refused: is damaged"), "{reason}");
    assert_eq!(copies, 1);
    assert!(problem("notes.db").0.contains("not an SQLite database but a text"));
    assert_eq!(problem("link.db"), ("not copied: is a link to nothing".to_owned(), 0));
    assert_eq!(problem("documents.db"), (String::new(), 1));
    assert_eq!(case.documents(), 6);
    assert!(report.to_markdown().contains("2 of 5 complete"), "{}", report.to_markdown());

    let undone = rollback(&case.backup).unwrap();
    assert_eq!((undone.is_store_removed, undone.untouched), (true, 5));
    assert_eq!(fs::read(&damaged).unwrap(), bytes, "damaged as it was");
}

#[test]
fn what_can_be_read_of_a_damaged_database_is_taken_when_asked_for() {
    let case = Move::new(60);
    let damaged = case.old.join("unified_memory.db");
    let mut bytes = fs::read(&damaged).unwrap();
    let end = bytes.len();
    bytes[end - 4_096..].fill(0x5a);
    fs::write(&damaged, &bytes).unwrap();
    let options = MigrateOptions::new().damage(Damage::Salvage);
    let report = case.run_with(&options, &mut |_| {}).unwrap();
    let file = report.files.iter().find(|file| file.path == damaged).unwrap();
    assert_eq!(file.import.as_ref().unwrap().fate, Fate::Imported, "{file:#?}");
    assert!(file.problem.as_deref().is_some_and(|p| p.starts_with("not compared: is damaged")));
}

#[test]
fn a_way_back_removes_the_store_and_leaves_the_databases() {
    let case = Move::new(4);
    let before = contents(&case.old);
    case.run().unwrap();
    // Looking writes nothing that would be lost.
    let store = Store::open(&case.store).unwrap();
    store.search("reply").run().unwrap();
    store.close().unwrap();
    let undone = rollback(&case.backup).unwrap();
    assert!(undone.is_store_removed && undone.put_back.is_empty());
    assert_eq!(undone.untouched, 3);
    assert!(!case.store.exists());
    assert_eq!(contents(&case.old), before);
    let again = rollback(&case.backup).unwrap();
    assert!(!again.is_store_removed, "there is nothing left to do");
    let refused = case.run();
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    assert!(case.backup.join("report.md").exists(), "the folder stays");
}

#[test]
fn databases_that_changed_since_are_put_back_and_what_was_there_is_kept() {
    let case = Move::new(4);
    let before = contents(&case.old);
    case.run().unwrap();
    let newer = case.dir.path().join("newer");
    fs::create_dir(&newer).unwrap();
    let newer = fs::read(&sample::write(&newer, 9).unwrap()[0]).unwrap();
    fs::write(case.database(), &newer).unwrap();
    fs::write(case.old.join("documents.db-wal"), "a log of the newer one").unwrap();
    fs::write(case.old.join("documents.db-shm"), "its index").unwrap();
    fs::remove_file(case.old.join("unified_memory.db")).unwrap();
    let undone = rollback(&case.backup).unwrap();
    assert_eq!((undone.put_back.len(), undone.untouched), (2, 1));
    assert_eq!(contents(&case.old), before);
    let kept: Vec<Vec<u8>> = undone
        .put_back
        .iter()
        .flat_map(|file| &file.replaced)
        .map(|path| fs::read(path).unwrap())
        .collect();
    assert_eq!(kept, [b"its index".to_vec(), b"a log of the newer one".to_vec(), newer]);
}

#[track_caller]
fn check_refused(case: &Move, part: &str) {
    let (old, backup) = (contents(&case.old), contents(&case.backup));
    let error = rollback(&case.backup).unwrap_err();
    assert!(error.to_string().contains(part), "{error}");
    assert_eq!((contents(&case.old), contents(&case.backup)), (old, backup), "nothing was done");
    assert!(case.store.join("data.redb").exists());
}

#[test]
fn a_way_back_is_refused_when_something_would_be_lost() {
    let case = Move::new(4);
    case.run().unwrap();
    fs::write(case.database(), "changed since").unwrap();
    let store = Store::open(&case.store).unwrap();
    let inserted = store.write(|tx| {
        tx.insert(&Document { file_name: "born here.txt".into(), ..Document::default() })
    });
    check_refused(&case, "in use");
    store.close().unwrap();
    let id = inserted.unwrap();
    check_refused(&case, &format!("1 records written, the first {id}"));

    let case = Move::new(2);
    case.run().unwrap();
    fs::write(case.store.join("notes.txt"), "mine").unwrap();
    check_refused(&case, "notes.txt");
    fs::remove_file(case.store.join("notes.txt")).unwrap();
    let copy = contents(&case.backup.join("files")).into_keys().next().unwrap();
    let whole = fs::read(&copy).unwrap();
    fs::write(&copy, &whole[1..]).unwrap();
    check_refused(&case, "is not the copy");
    fs::write(&copy, &whole).unwrap();
    assert!(rollback(&case.backup).unwrap().is_store_removed);

    let none = case.dir.path().join("none");
    assert!(matches!(rollback(&none), Err(Error::NotFound { .. })));
}

#[test]
fn a_deletion_and_a_setting_are_writes_too() {
    let case = Move::new(2);
    case.run().unwrap();
    let store = Store::open(&case.store).unwrap();
    let id = store.read().unwrap().iter::<Document>().unwrap().next().unwrap().unwrap().0;
    store.write(|tx| tx.delete(id)).unwrap();
    store.close().unwrap();
    check_refused(&case, "1 records deleted");

    let case = Move::new(2);
    case.run().unwrap();
    let store = Store::open(&case.store).unwrap();
    store.save_search("mine", &engraph::SavedSearch::new("reply")).unwrap();
    store.close().unwrap();
    check_refused(&case, "settings");
}

#[test]
fn places_that_are_taken_are_refused_before_anything_is_done() {
    let case = Move::new(2);
    let exists = |result: Result<MigrationReport, Error>| {
        assert!(matches!(result, Err(Error::AlreadyExists { .. })), "{result:?}");
    };
    Store::create(&case.store).unwrap().close().unwrap();
    exists(case.run());
    exists(case.run_with(&MigrateOptions::new().dry_run(), &mut |_| {}));
    assert!(!case.backup.exists());
    fs::remove_dir_all(&case.store).unwrap();
    fs::create_dir(&case.backup).unwrap();
    fs::write(case.backup.join("mine.txt"), "mine").unwrap();
    exists(case.run());
    fs::remove_dir_all(&case.backup).unwrap();
    let zone = MigrateOptions::new().zone("Nowhere/Place");
    let refused = case.run_with(&zone, &mut |_| {});
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    let empty = case.dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let options = MigrateOptions::new();
    let none = migrate(&[empty], &case.store, &case.backup, &options, &mut |_| {});
    assert!(matches!(none, Err(Error::NotFound { .. })), "{none:?}");
    assert!(!case.backup.exists() && !case.store.exists());
    assert!(case.run().unwrap().is_complete());
    let through = case.run();
    assert!(matches!(through, Err(Error::Conflict { .. })), "{through:?}");
    let other = case.dir.path().join("other.engraph");
    let paths = [case.old.clone()];
    let foreign = migrate(&paths, &other, &case.backup, &options, &mut |_| {});
    assert!(matches!(foreign, Err(Error::Conflict { .. })), "{foreign:?}");
}

#[test]
fn a_disk_that_refuses_is_an_error_and_the_way_goes_on_when_it_is_repaired() {
    let case = Move::new(3);
    // Files where folders are needed: what a full or read-only disk does, for every user.
    fs::write(&case.backup, "a file").unwrap();
    let refused = case.run().unwrap_err();
    assert_eq!(refused.kind(), "already_exists", "{refused}");
    fs::remove_file(&case.backup).unwrap();
    let mut blocked = false;
    let refused = case.run_with(&MigrateOptions::new(), &mut |progress| {
        if progress.step == MigrationStep::BackingUp && !blocked {
            blocked = true;
            fs::write(case.backup.join("files"), "a file").unwrap();
        }
    });
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), "io", "{refused}");
    assert!(!case.store.exists());
    assert_eq!(unfinished_migration(&case.store).unwrap(), Some(case.backup.clone()));
    fs::remove_file(case.backup.join("files")).unwrap();
    let report = case.run().unwrap();
    assert!(report.resumed && report.is_complete(), "{report:#?}");
    assert_eq!(unfinished_migration(&case.store).unwrap(), None);
}

#[test]
fn a_copy_that_was_damaged_meanwhile_ends_the_way() {
    let case = Move::new(3);
    let mut steps = 0;
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        case.run_with(&MigrateOptions::new(), &mut |progress| {
            steps += u32::from(progress.step == MigrationStep::Importing);
            assert!(steps < 3, "ended by the test");
        })
    }));
    assert!(ended.is_err());
    let copy = contents(&case.backup.join("files")).into_keys().next().unwrap();
    let whole = fs::read(&copy).unwrap();
    fs::write(&copy, "damaged").unwrap();
    let refused = case.run().unwrap_err();
    assert_eq!(refused.kind(), "corrupt", "{refused}");
    fs::write(&copy, whole).unwrap();
    assert!(case.run().unwrap().is_complete());
}

#[test]
fn a_database_that_is_written_to_meanwhile_is_named() {
    let case = Move::new(3);
    let newer = case.dir.path().join("newer");
    fs::create_dir(&newer).unwrap();
    let newer = fs::read(&sample::write(&newer, 5).unwrap()[0]).unwrap();
    let mut is_written = false;
    let report = case.run_with(&MigrateOptions::new(), &mut |progress| {
        if progress.step == MigrationStep::Importing && !is_written {
            is_written = true;
            fs::write(case.database(), &newer).unwrap();
        }
    });
    let report = report.unwrap();
    let file = report.files.iter().find(|file| file.path == case.database()).unwrap();
    let problem = file.problem.as_deref().unwrap_or_default();
    assert!(problem.contains("after it was copied"), "{file:#?}");
    assert!(!report.is_complete());
    let undone = rollback(&case.backup).unwrap();
    assert_eq!(undone.put_back.len(), 1);
}

/// Not a test by itself: what the child of the test below does, until it ends itself at a step.
#[test]
fn the_child_migrates_until_it_is_ended() {
    let Some(folder) = std::env::var_os(FOLDER_VARIABLE) else { return };
    let last: usize = std::env::var(STEP_VARIABLE).unwrap().parse().unwrap();
    let (old, store, backup) = Move::at(Path::new(&folder));
    let mut steps = 0;
    let report = migrate(&[old], &store, &backup, &MigrateOptions::new(), &mut |_| {
        steps += 1;
        if steps == last {
            // Nothing is closed, flushed or dropped, as when it is killed.
            std::process::abort();
        }
    });
    report.unwrap();
}

/// Whether the child was ended before it was through.
fn run_child(case: &Move, step: usize) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["legacy_migrate::the_child_migrates_until_it_is_ended", "--exact"])
        .env(FOLDER_VARIABLE, case.dir.path())
        .env(STEP_VARIABLE, step.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    !status.success()
}

#[test]
fn a_killed_migration_is_taken_up_or_undone() {
    if std::env::var_os(FOLDER_VARIABLE).is_some() {
        return;
    }
    let usual = {
        let (case, mut steps) = (Move::new(2), 0);
        case.run_with(&MigrateOptions::new(), &mut |_| steps += 1).unwrap();
        steps
    };
    let mut ended = 0;
    // The copying step by step, the rest in strides.
    for step in (1..=4).chain((5..usual).step_by(usual / 6)) {
        let case = Move::new(2);
        let before = contents(&case.old);
        ended += usize::from(run_child(&case, step));
        assert_eq!(contents(&case.old), before, "step {step}");
        assert_eq!(unfinished_migration(&case.store).unwrap(), Some(case.backup.clone()));
        if step % 2 == 0 {
            let undone = rollback(&case.backup).unwrap();
            assert_eq!(undone.untouched, 3, "step {step}");
            assert!(!case.store.exists(), "step {step}");
            assert_eq!(contents(&case.old), before, "step {step}");
            continue;
        }
        let report = case.run().unwrap();
        assert!(report.resumed && report.is_complete(), "step {step}: {report:#?}");
        assert_eq!(case.documents(), 2, "step {step}");
        let store = Store::open(&case.store).unwrap();
        assert!(verify_against(&store, &case.database(), None, &mut |_| {}).unwrap().is_equal());
        store.close().unwrap();
        assert!(rollback(&case.backup).unwrap().is_store_removed, "step {step}");
    }
    assert!(ended >= 6, "{ended} of {usual}");
}
