//! A child process takes in a folder of databases and is killed at any moment. After reopening each
//! file is in as a whole or not at all, and taking the folder in again completes it.
//!
//! The child is this test binary itself, told by an environment variable to run one test.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use engraph::legacy::{Fate, ImportOptions, ImportReport, import, sample};
use engraph::{Store, StoreStats};

use crate::kill::Random;

/// Where the child finds its store and the folder.
const STORE_VARIABLE: &str = "ENGRAPH_TEST_STORE_OF_IMPORTING_CHILD";
const FOLDER_VARIABLE: &str = "ENGRAPH_TEST_FOLDER_OF_IMPORTING_CHILD";
const ROUNDS: usize = 10;
/// Documents of the sample installations, one in a folder of its own each.
const INSTALLATIONS: [u32; 3] = [300, 40, 200];

/// What the child says at every step of its import.
const STEP: &[u8] = b"\nstep taken\n";
const WORD: &[u8] = b"step taken";

/// Rows by table, of every source by its name.
type Rows = BTreeMap<String, BTreeMap<String, u64>>;

fn take_in(store: &Store, folder: &Path) -> ImportReport {
    import(store, &[folder.to_path_buf()], &ImportOptions::new(), &mut |_| {}).unwrap()
}

/// Not a test by itself: what the child of the test below does, until it is killed.
#[test]
fn the_child_imports_until_it_is_killed() {
    let Some(path) = std::env::var_os(STORE_VARIABLE) else { return };
    let folder = PathBuf::from(std::env::var_os(FOLDER_VARIABLE).unwrap());
    let store = Store::open(Path::new(&path)).unwrap();
    import(&store, &[folder], &ImportOptions::new(), &mut |_| {
        let mut out = std::io::stdout().lock();
        out.write_all(STEP).and_then(|()| out.flush()).unwrap();
    })
    .unwrap();
    store.close().unwrap();
}

/// Starts a child and kills it after so many steps, and a little more. Returns the steps that it
/// told of.
fn run_child(store: &Path, folder: &Path, steps: usize, spins: usize) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["import_kill::the_child_imports_until_it_is_killed", "--exact", "--nocapture"])
        .env(STORE_VARIABLE, store)
        .env(FOLDER_VARIABLE, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The harness writes lines of its own.
    let mut lines = lines.map_while(Result::ok).filter(|line| line.as_bytes().ends_with(WORD));
    // The pipe stays open: the child is to be killed, not to fail at its next word.
    let told = lines.by_ref().take(steps).count();
    for _ in 0..spins {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    told
}

fn rows_of(stats: &StoreStats) -> Rows {
    let sources = stats.sources.iter();
    sources.map(|source| (source.name.clone(), source.rows.clone())).collect()
}

/// What a full import gives: rows of every source, and records by source and type.
struct Whole {
    rows: Rows,
    records: BTreeMap<String, BTreeMap<String, u64>>,
    stats: StoreStats,
}

impl Whole {
    fn of(home: &Path, folder: &Path) -> Self {
        let store = Store::create(home.join("whole")).unwrap();
        let report = take_in(&store, folder);
        assert_eq!(report.count(Fate::Imported), 3 * INSTALLATIONS.len());
        let files = report.files.into_iter();
        let records = files.map(|file| (file.name, file.records)).collect();
        let stats = store.stats().unwrap();
        Self { rows: rows_of(&stats), records, stats }
    }

    /// Checks that a store holds some of the files, each as a whole. Returns how many.
    #[track_caller]
    fn check(&self, store: &Store) -> usize {
        let stats = store.stats().unwrap();
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for (name, rows) in rows_of(&stats) {
            assert_eq!(Some(&rows), self.rows.get(&name), "{name}");
            for (record, count) in self.records[&name].iter().filter(|(_, count)| **count > 0) {
                *expected.entry(record.clone()).or_default() += count;
            }
        }
        assert_eq!(stats.records, expected, "records of the files that are in, and no others");
        let found = store.verify().unwrap();
        assert!(found.is_ok(), "{found:?}");
        stats.sources.len()
    }
}

#[test]
fn a_killed_import_leaves_whole_files_only_and_can_be_completed() {
    if std::env::var_os(STORE_VARIABLE).is_some() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("old");
    for (place, documents) in INSTALLATIONS.into_iter().enumerate() {
        let installation = folder.join(place.to_string());
        std::fs::create_dir_all(&installation).unwrap();
        sample::write(&installation, documents).unwrap();
    }
    let whole = Whole::of(home.path(), &folder);
    // How many steps a child takes that nobody disturbs.
    let path = home.path().join("undisturbed");
    Store::create(&path).unwrap().close().unwrap();
    let usual = run_child(&path, &folder, usize::MAX, 0);
    assert_eq!(whole.check(&Store::open(&path).unwrap()), whole.rows.len());
    let mut random = Random(5);
    let mut partly = 0;
    for round in 0..ROUNDS {
        let path = home.path().join(round.to_string());
        Store::create(&path).unwrap().close().unwrap();
        // One of equal parts of those steps, a random one within it, and a moment behind it.
        let part = usual / ROUNDS;
        let steps = part * round + random.below(part);
        run_child(&path, &folder, steps, random.below(200_000));
        let store = Store::open(&path).unwrap();
        let there = whole.check(&store);
        partly += usize::from(there > 0 && there < whole.rows.len());
        let report = take_in(&store, &folder);
        assert_eq!(report.count(Fate::Unchanged), there, "round {round}");
        assert_eq!(report.count(Fate::Imported), whole.rows.len() - there, "round {round}");
        assert_eq!(whole.check(&store), whole.rows.len(), "round {round}");
        assert_eq!(store.stats().unwrap().records_total, whole.stats.records_total);
        store.close().unwrap();
        std::fs::remove_dir_all(&path).unwrap();
    }
    assert!(partly > 0, "no child was killed while some files were in and others were not");
}
