//! Databases of the old application: what goes in comes out equal.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use engraph::Store;
use engraph::legacy::{ExportOptions, Fate, ImportOptions, export, import, sample};
use engraph::record::Document;

/// The folder of sample databases, where there is one.
fn samples() -> Option<PathBuf> {
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
fn check_equal(samples: &Path, original: &Path, exported: &Path) {
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
        let report = import(&store, &[original.clone()], &options, &mut |_| {}).unwrap();
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
