//! Scanning a tree of files: what is new, changed, moved, gone, unreadable, special or linked.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engraph::family::{FileQuery, NewWatch, ScanOptions, ScanReport, TagQuery};
use engraph::record::{
    ChangeType, FileChunk, FileStatus, HashHistory, IndexedFile, RunStatus, ScanRun,
};
use engraph::{NodeId, Store};
use tempfile::TempDir;

use crate::check::{fault, sound};
use crate::workload::new_store;

/// A tree to be scanned. What is written there is old enough to be trusted.
struct Tree {
    home: TempDir,
    writes: u64,
}

impl Tree {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), writes: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().canonicalize().unwrap().join(name)
    }

    fn write(&mut self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        self.writes += 1;
        let time: SystemTime = UNIX_EPOCH + Duration::from_secs(1_000_000_000 + self.writes);
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }

    fn scan(&self, store: &Store) -> ScanReport {
        store.scan_tree(self.home.path(), &ScanOptions::new()).unwrap()
    }
}

/// The state and id of a file of the inventory.
fn find(store: &Store, path: &Path) -> Option<(NodeId, IndexedFile)> {
    store.read().unwrap().files().find(path.to_str().unwrap()).unwrap()
}

fn changes(store: &Store) -> Vec<ChangeType> {
    let tx = store.read().unwrap();
    tx.iter::<HashHistory>().unwrap().map(|row| row.unwrap().1.change_type).collect()
}

#[test]
fn only_what_is_new_or_changed_is_read() {
    let (_home, store) = new_store();
    let mut tree = Tree::new();
    tree.write("a.txt", "alpha");
    tree.write("sub/b.txt", "beta");
    let first = tree.scan(&store);
    assert_eq!((first.files, first.added, first.bytes_read), (2, 2, 9));
    let second = tree.scan(&store);
    assert_eq!((second.files, second.unchanged, second.bytes_read), (2, 2, 0));
    tree.write("a.txt", "gamma");
    tree.write("sub/b.txt", "beta");
    let third = tree.scan(&store);
    assert_eq!((third.changed, third.touched, third.unchanged, third.bytes_read), (1, 1, 0, 9));
    assert_eq!(changes(&store), [ChangeType::Modified]);
    let (_, file) = find(&store, &tree.path("a.txt")).unwrap();
    assert_eq!((file.file_size, file.status), (Some(5), FileStatus::Ready));
    assert_eq!(
        file.sha256.as_deref(),
        Some("be9d587defa1f0c09ef49eb17e206983a5f8f8289e4281860bd0ee5a19592c67")
    );
    let run: ScanRun = store.read().unwrap().get(third.run.unwrap()).unwrap().unwrap();
    assert_eq!((run.status, run.files_scanned, run.files_updated), (RunStatus::Completed, 2, 2));
    sound(&store);
}

#[test]
fn a_moved_file_keeps_its_id_and_one_that_is_gone_is_missing_until_it_comes_back() {
    let (_home, store) = new_store();
    let mut tree = Tree::new();
    tree.write("a.txt", "alpha");
    tree.write("b.txt", "beta");
    tree.write("empty.txt", "");
    tree.scan(&store);
    let (a, _) = find(&store, &tree.path("a.txt")).unwrap();
    let (b, _) = find(&store, &tree.path("b.txt")).unwrap();
    fs::create_dir(tree.path("sub")).unwrap();
    fs::rename(tree.path("a.txt"), tree.path("sub/c.txt")).unwrap();
    fs::rename(tree.path("empty.txt"), tree.path("void.txt")).unwrap();
    fs::remove_file(tree.path("b.txt")).unwrap();
    let report = tree.scan(&store);
    assert_eq!((report.moved, report.missing, report.added), (1, 2, 1), "empty ones tell nothing");
    assert_eq!(find(&store, &tree.path("sub/c.txt")).unwrap().0, a);
    assert_eq!(find(&store, &tree.path("a.txt")), None);
    let (_, gone) = find(&store, &tree.path("b.txt")).unwrap();
    assert_eq!((gone.status, gone.file_size), (FileStatus::Missing, None));
    tree.write("b.txt", "beta");
    tree.scan(&store);
    let (id, back) = find(&store, &tree.path("b.txt")).unwrap();
    assert_eq!((id, back.status, back.file_size), (b, FileStatus::Ready, Some(4)));
    sound(&store);
}

#[test]
fn copies_are_not_moves_and_of_two_candidates_the_one_of_that_name_moved() {
    let (_home, store) = new_store();
    let mut tree = Tree::new();
    tree.write("one/x.txt", "same");
    tree.write("two/y.txt", "same");
    tree.scan(&store);
    let (y, _) = find(&store, &tree.path("two/y.txt")).unwrap();
    tree.write("copy.txt", "same");
    assert_eq!(tree.scan(&store).moved, 0);
    fs::remove_dir_all(tree.path("one")).unwrap();
    fs::create_dir(tree.path("three")).unwrap();
    fs::rename(tree.path("two/y.txt"), tree.path("three/y.txt")).unwrap();
    let report = tree.scan(&store);
    assert_eq!((report.moved, report.missing), (1, 1));
    assert_eq!(find(&store, &tree.path("three/y.txt")).unwrap().0, y);
}

#[test]
fn what_is_left_out_is_not_missing() {
    let (_home, store) = new_store();
    let mut tree = Tree::new();
    tree.write("a.txt", "a");
    tree.write("b.log", "b");
    tree.write(".hidden", "h");
    let scan = |options: ScanOptions| store.scan_tree(tree.home.path(), &options).unwrap();
    assert_eq!(scan(ScanOptions::new().hidden_too()).files, 3);
    let report = scan(ScanOptions::new().exclude("*.log"));
    assert_eq!((report.files, report.missing, report.left_out), (1, 0, 2));
    let report = scan(ScanOptions::new().extensions(["LOG"]));
    assert_eq!((report.files, report.left_out), (1, 2));
    assert_eq!(scan(ScanOptions::new().containing(["a.t"])).files, 1);
    let report = scan(ScanOptions::new().files_max(1));
    assert_eq!((report.files, report.is_cut, report.missing), (1, true, 0));
    fs::write(tree.path(".gitignore"), "*.txt\n").unwrap();
    assert_eq!(scan(ScanOptions::new()).files, 1);
    assert_eq!(scan(ScanOptions::new().ignored_too()).files, 2);
    let bad = store.scan_tree(tree.home.path(), &ScanOptions::new().exclude("[z-a]"));
    assert_eq!(fault(bad), "invalid");
}

#[test]
fn a_root_that_is_not_there_is_an_error() {
    let (_home, store) = new_store();
    let nowhere = store.scan_tree("no/such/place", &ScanOptions::new());
    assert_eq!(fault(nowhere), "io");
    assert_eq!(store.read().unwrap().iter::<ScanRun>().unwrap().count(), 0);
}

#[test]
fn a_stopped_scan_keeps_what_it_found_and_misses_nothing() {
    let (_home, store) = new_store();
    let mut tree = Tree::new();
    for name in 0..600 {
        tree.write(&format!("{name:03}.txt"), &name.to_string());
    }
    let mut calls = 0;
    let stop = |_: &_| {
        calls += 1;
        ControlFlow::Break(())
    };
    let report = store.scan_tree_with(tree.home.path(), &ScanOptions::new(), stop).unwrap();
    assert_eq!((calls, report.is_stopped, report.added), (1, true, 512));
    let run: ScanRun = store.read().unwrap().get(report.run.unwrap()).unwrap().unwrap();
    assert_eq!(run.status, RunStatus::Cancelled);
    let rest = tree.scan(&store);
    assert_eq!((rest.unchanged, rest.added), (512, 88));
    assert_eq!(store.read().unwrap().files().count(&FileQuery::new()).unwrap(), 600);
}

#[test]
fn texts_are_cut_into_chunks_and_rules_are_asked() {
    let (_home, store) = new_store();
    store
        .write(|tx| {
            tx.tags()
                .define(engraph::family::NewTagDefinition::new("type", "note").pattern(r"\.md$"))
        })
        .unwrap();
    let mut tree = Tree::new();
    tree.write("a.md", "# One\nalpha\n# Two\nbeta");
    tree.write("b.bin", "binary");
    let options = ScanOptions::new().with_texts();
    store.scan_tree(tree.home.path(), &options).unwrap();
    let (file, _) = find(&store, &tree.path("a.md")).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.files().chunks(file).unwrap().len(), 2);
    assert_eq!(tx.tags().list(&TagQuery::new().file(file)).unwrap().len(), 1);
    assert_eq!(tx.iter::<FileChunk>().unwrap().count(), 2, "no text, no chunks");
    drop(tx);
    tree.write("a.md", "# Three\ngamma");
    store.scan_tree(tree.home.path(), &options).unwrap();
    let chunks = store.read().unwrap().files().chunks(file).unwrap();
    assert_eq!(chunks[0].1.title.as_deref(), Some("Three"));
    assert_eq!(chunks.len(), 1);
}

#[test]
fn watched_directories_are_scanned_as_they_are_watched() {
    let (_home, store) = new_store();
    let mut tree = Tree::new();
    tree.write("in/a.txt", "a");
    tree.write("in/b.log", "b");
    tree.write("in/sub/c.txt", "c");
    let path = tree.path("in");
    store
        .write(|tx| {
            tx.files().watch(NewWatch::new(path.to_str().unwrap()).flat().extensions(["txt"]))?;
            tx.files().watch(NewWatch::new("/no/such/place"))?;
            tx.files().watch(NewWatch::new("/other").inactive())
        })
        .unwrap();
    let mut reports = store.scan_watches(&ScanOptions::new()).unwrap();
    reports.sort_by_key(|(id, _)| *id);
    assert_eq!(reports.len(), 2);
    assert_eq!((reports[0].1.files, reports[0].1.added), (1, 1));
    assert_eq!((reports[1].1.files, reports[1].1.problems.len()), (0, 1));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::process::Command;

    use super::*;

    #[test]
    fn links_are_not_followed_unless_asked_for_and_loops_are_reported() {
        let (_home, store) = new_store();
        let mut tree = Tree::new();
        let mut other = Tree::new();
        tree.write("sub/a.txt", "a");
        other.write("b.txt", "b");
        symlink(tree.path(""), tree.path("sub/loop")).unwrap();
        symlink(tree.path("sub"), tree.path("again")).unwrap();
        symlink(other.path(""), tree.path("one")).unwrap();
        symlink(other.path(""), tree.path("two")).unwrap();
        symlink("nowhere", tree.path("dangling")).unwrap();
        let report = tree.scan(&store);
        assert_eq!((report.files, report.links, report.problems.len()), (1, 5, 0));
        let options = ScanOptions::new().follow_links();
        let report = store.scan_tree(tree.home.path(), &options).unwrap();
        assert_eq!(report.files, 2, "each directory once: {report:?}");
        let loops = report.problems.iter().filter(|it| it.reason.contains("leads back"));
        assert_eq!(loops.count(), 1, "{report:?}");
    }

    #[test]
    fn special_files_are_never_opened() {
        let (_home, store) = new_store();
        let mut tree = Tree::new();
        tree.write("a.txt", "a");
        // Opening a pipe that nobody writes to would wait for ever.
        let made = Command::new("mkfifo").arg(tree.path("pipe")).status().unwrap();
        assert!(made.success());
        let report = tree.scan(&store);
        assert_eq!((report.files, report.special, report.unreadable), (1, 1, 0));
    }

    #[test]
    fn what_cannot_be_read_is_reported_and_not_missing() {
        let (_home, store) = new_store();
        let mut tree = Tree::new();
        tree.write("a.txt", "alpha");
        tree.write("closed/b.txt", "beta");
        tree.scan(&store);
        let (file, directory) = (tree.path("a.txt"), tree.path("closed"));
        let close = |mode| {
            for path in [&file, &directory] {
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            }
        };
        tree.write("a.txt", "gamma");
        close(0o000);
        let is_root = File::open(&file).is_ok();
        let report = tree.scan(&store);
        close(0o755);
        if is_root {
            // Nothing is closed to this user.
            assert_eq!(report.changed, 1);
            return;
        }
        assert_eq!((report.unreadable, report.missing, report.problems.len()), (1, 0, 2));
        let (_, unread) = find(&store, &file).unwrap();
        assert_eq!(unread.status, FileStatus::Unreadable);
        assert!(
            unread.sha256.is_some() && unread.last_error.unwrap().starts_with("permission_denied")
        );
        assert_eq!(tree.scan(&store).changed, 1);
    }
}
