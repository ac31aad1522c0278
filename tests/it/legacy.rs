//! Databases of the old application: what goes in comes out equal.
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use engraph::Store;
use engraph::legacy::{ExportOptions, Fate, ImportOptions, export, import, sample};
use engraph::record::Document;

/// The folder of sample databases, where there is one.
pub(crate) fn samples() -> Option<PathBuf> {
    let named = std::env::var_os("ENGRAPH_LEGACY_SAMPLES").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/legacy/samples");
    let found = named.or(Some(beside)).filter(|folder| folder.join("MANIFEST.json").is_file());
    if found.is_none() {
        eprintln!("no legacy samples: set ENGRAPH_LEGACY_SAMPLES to run this test");
    }
    found
}

fn databases(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
        .collect();
    found.sort();
    found
}

#[track_caller]
pub(crate) fn check_equal(samples: &Path, original: &Path, exported: &Path) {
    let tool = samples.parent().unwrap().join("sqlite_equal.py");
    let output =
        Command::new("python3").arg(tool).arg("--views").args([original, exported]).output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{} differs:\n{}{}",
        original.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn check_round_trip(folder: &Path) {
    let Some(samples) = samples() else { return };
    for original in databases(&samples.join(folder)) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path().join("store")).unwrap();
        let options = ImportOptions::new();
        let report =
            import(&store, std::slice::from_ref(&original), &options, &mut |_| {}).unwrap();
        assert_eq!(report.files[0].fate, Fate::Imported, "{:?}", report.files[0]);
        let out = dir.path().join("out");
        let exported = export(&store, &out, &ExportOptions::new(), &mut |_| {}).unwrap();
        if exported.skipped.is_empty() {
            assert_eq!(exported.files[0].changed, 0, "{}", original.display());
            check_equal(&samples, &original, &exported.files[0].path);
        }
        let verified = store.verify().unwrap();
        assert!(verified.is_ok(), "{}: {verified:?}", original.display());
        let again = import(&store, &[original], &ImportOptions::new(), &mut |_| {}).unwrap();
        assert_eq!(again.files[0].fate, Fate::Unchanged);
    }
}

#[test]
fn every_sample_comes_back_equal() {
    check_round_trip(Path::new(""));
}

#[test]
fn every_edge_case_comes_back_equal() {
    check_round_trip(Path::new("edge"));
}

#[test]
fn every_older_shape_comes_back_equal() {
    check_round_trip(Path::new("drift"));
}

#[test]
fn an_edited_record_changes_its_own_cells_only() {
    let dir = tempfile::tempdir().unwrap();
    let files = sample::write(dir.path(), 12).unwrap();
    let store = Store::create(dir.path().join("store")).unwrap();
    import(&store, &files, &ImportOptions::new(), &mut |_| {}).unwrap();
    let (id, before) = store.read().unwrap().iter::<Document>().unwrap().next().unwrap().unwrap();
    store
        .write(|tx| {
            tx.update::<Document>(id, |document| {
                document.category = "changed".into();
                Ok(())
            })
        })
        .unwrap();
    let out = dir.path().join("out");
    let report = export(&store, &out, &ExportOptions::new(), &mut |_| {}).unwrap();
    assert_eq!(report.files.iter().map(|file| file.changed).sum::<u64>(), 1);
    assert_ne!(before.category, "changed");
}

/// Runs statements of the old application on one of its databases.
pub(crate) fn old_application(database: &Path, statements: &str) {
    let script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); \
                  db.executescript(sys.argv[2]); db.commit(); db.close()";
    let status =
        Command::new("python3").args(["-c", script]).arg(database).arg(statements).status();
    assert!(status.unwrap().success());
}

pub(crate) fn python_is_there() -> bool {
    let found = Command::new("python3").arg("--version").output().is_ok();
    if !found {
        eprintln!("no python3: the test is skipped");
    }
    found
}

#[test]
fn a_newer_version_brings_its_changes_and_keeps_ours() {
    if !python_is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let documents = sample::write(dir.path(), 40).unwrap().swap_remove(0);
    let store = Store::create(dir.path().join("store")).unwrap();
    let paths = [documents.clone()];
    import(&store, &paths, &ImportOptions::new(), &mut |_| {}).unwrap();
    let ids: Vec<_> = {
        let read = store.read().unwrap();
        read.iter::<Document>().unwrap().map(|row| row.unwrap().0).take(3).collect()
    };
    let edit = |index: usize, category: &str| {
        store
            .write(|tx| {
                tx.update::<Document>(ids[index], |document| {
                    document.category = category.into();
                    Ok(())
                })
            })
            .unwrap();
    };
    edit(0, "ours");
    edit(1, "ours too");
    let row = |index: usize| store.read().unwrap().origin(ids[index]).unwrap().row;
    old_application(
        &documents,
        &format!(
            "UPDATE documents SET primary_purpose = 'theirs' WHERE id = {};
             UPDATE documents SET category = 'theirs' WHERE id = {};
             UPDATE documents SET category = 'theirs alone' WHERE id = {};
             INSERT INTO documents (file_name, file_type, category) VALUES ('new', 'txt', 'new');",
            row(0),
            row(1),
            row(2)
        ),
    );
    let report = import(&store, &paths, &ImportOptions::new(), &mut |_| {}).unwrap();
    let file = &report.files[0];
    assert_eq!(file.fate, Fate::Updated, "{file:?}");
    assert_eq!((file.changes.added, file.changes.changed, file.changes.removed), (1, 4, 0));
    assert_eq!(file.conflicts.len(), 1, "{:?}", file.conflicts);
    assert_eq!(file.conflicts[0].fields, ["category"]);
    let read = store.read().unwrap();
    let document = |index: usize| read.get::<Document>(ids[index]).unwrap().unwrap();
    assert_eq!(document(0).category, "ours");
    assert_eq!(document(0).primary_purpose.as_deref(), Some("theirs"));
    assert_eq!(document(1).category, "ours too");
    assert_eq!(document(2).category, "theirs alone");
    assert!(store.verify().unwrap().is_ok());
    drop(read);
    let again = import(&store, &paths, &ImportOptions::new(), &mut |_| {}).unwrap();
    assert_eq!(again.files[0].fate, Fate::Unchanged);
}

#[test]
fn an_updated_source_equals_a_fresh_import() {
    if !python_is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let documents = sample::write(dir.path(), 60).unwrap().swap_remove(0);
    let store = Store::create(dir.path().join("store")).unwrap();
    let paths = [documents.clone()];
    import(&store, &paths, &ImportOptions::new(), &mut |_| {}).unwrap();
    old_application(
        &documents,
        "PRAGMA foreign_keys = ON;
         DELETE FROM documents WHERE id % 7 = 0;
         UPDATE files_index SET status = 'missing' WHERE id % 5 = 0;
         INSERT INTO documents (file_name, file_type, category) VALUES ('n1', 'txt', 'x');
         INSERT INTO document_tags (document_id, tag_name)
            SELECT max(id), 'fresh' FROM documents;",
    );
    let report = import(&store, &paths, &ImportOptions::new(), &mut |_| {}).unwrap();
    assert_eq!(report.files[0].fate, Fate::Updated);
    assert!(report.files[0].conflicts.is_empty(), "{:?}", report.files[0].conflicts);
    let verified = store.verify().unwrap();
    assert!(verified.is_ok(), "{verified:?}");
    let out = dir.path().join("out");
    let exported = export(&store, &out, &ExportOptions::new(), &mut |_| {}).unwrap();
    assert_eq!(exported.files[0].changed + exported.files[0].deleted, 0);
    if let Some(samples) = samples() {
        check_equal(&samples, &documents, &exported.files[0].path);
    }
}

#[test]
fn records_made_here_become_rows() {
    let dir = tempfile::tempdir().unwrap();
    let documents = sample::write(dir.path(), 5).unwrap().swap_remove(0);
    let store = Store::create(dir.path().join("store")).unwrap();
    import(&store, &[documents], &ImportOptions::new(), &mut |_| {}).unwrap();
    let born = store
        .write(|tx| {
            let file_name = "born here.txt".to_owned();
            let id = tx.insert(&Document {
                file_name,
                file_type: "txt".into(),
                category: "new".into(),
                created_at: Some(tx.now()),
                ..Document::default()
            })?;
            tx.insert(&engraph::record::DocumentContent {
                document: Some(id),
                content_text: Some("text".into()),
                ..Default::default()
            })
        })
        .unwrap();
    let out = dir.path().join("out");
    let report = export(&store, &out, &ExportOptions::new(), &mut |_| {}).unwrap();
    assert_eq!(report.files[0].born, 2, "{:?}", report.files);
    let other = Store::create(dir.path().join("other")).unwrap();
    let paths = [report.files[0].path.clone()];
    let taken = import(&other, &paths, &ImportOptions::new(), &mut |_| {}).unwrap();
    assert_eq!(taken.files[0].fate, Fate::Imported);
    assert!(taken.files[0].dangling.is_empty(), "{:?}", taken.files[0].dangling);
    let read = other.read().unwrap();
    let (id, _) = read
        .iter::<Document>()
        .unwrap()
        .map(Result::unwrap)
        .find(|(_, document)| document.file_name == "born here.txt")
        .unwrap();
    let content = read.iter::<engraph::record::DocumentContent>().unwrap().map(Result::unwrap);
    let content: Vec<_> = content.filter(|(_, content)| content.document == Some(id)).collect();
    assert_eq!(content.len(), 1);
    assert!(store.read().unwrap().contains(born).unwrap());
}
