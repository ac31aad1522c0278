//! A child process analyzes a tree and is killed at any moment. After reopening each file is done
//! as a whole or not begun, and the next run does exactly what is left.
//!
//! The child is this test binary itself, told by an environment variable to run one test.

use std::io::{BufRead as _, BufReader, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};

use engraph::Store;
use engraph::family::{AnalyzeOptions, AnalyzeReport, BuiltInAnalyzer, ScanOptions};
use engraph::record::{CodeFile, FileAnalysis, TrackStatus};

use crate::kill::Random;

/// Where the child finds its store.
const STORE_VARIABLE: &str = "ENGRAPH_TEST_STORE_OF_ANALYZING_CHILD";
const FILES: usize = 1_500;
const ROUNDS: usize = 6;

/// What the child says after each batch.
const STEP: &[u8] = b"\nbatch analyzed\n";
const WORD: &[u8] = b"batch analyzed";

fn analyze(store: &Store, mut told: impl FnMut()) -> AnalyzeReport {
    let options = AnalyzeOptions::new();
    let progress = |_: &_| {
        told();
        ControlFlow::Continue(())
    };
    store.analyze_files(None, &BuiltInAnalyzer::new(), &options, progress).unwrap()
}

/// Not a test by itself: what the child of the test below does, until it is killed.
#[test]
fn the_child_analyzes_until_it_is_killed() {
    let Some(path) = std::env::var_os(STORE_VARIABLE) else { return };
    let store = Store::open(Path::new(&path)).unwrap();
    analyze(&store, || {
        let mut out = std::io::stdout().lock();
        out.write_all(STEP).and_then(|()| out.flush()).unwrap();
    });
    store.close().unwrap();
}

/// Starts a child and kills it after so many batches, and a little more.
fn run_child(store: &Path, batches: usize, spins: usize) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["analyze_kill::the_child_analyzes_until_it_is_killed", "--exact", "--nocapture"])
        .env(STORE_VARIABLE, store)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok).filter(|line| line.as_bytes().ends_with(WORD));
    // The pipe stays open: the child is to be killed, not to fail at its next word.
    let told = lines.by_ref().take(batches).count();
    assert_eq!(told, batches);
    for _ in 0..spins {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// How many files are done, each of them whole.
#[track_caller]
fn done(store: &Store) -> u64 {
    let tx = store.read().unwrap();
    let mut done = 0;
    for row in tx.iter::<CodeFile>().unwrap() {
        let (id, file) = row.unwrap();
        let analyses = tx.index::<FileAnalysis>("file", (Some(id),)).unwrap().count();
        let is_done = file.status == Some(TrackStatus::Analyzed);
        assert_eq!(analyses, usize::from(is_done), "{}", file.file_path);
        assert_eq!(file.content_hash.is_some(), is_done);
        done += u64::from(is_done);
    }
    done
}

#[test]
fn a_killed_analysis_is_resumed_without_repeating_work() {
    let home = tempfile::tempdir().unwrap();
    let tree = home.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    for number in 0..FILES {
        let text = format!("'''Part {number}.'''\nimport os\nimport f{}\n", number + 1);
        std::fs::write(tree.join(format!("f{number}.py")), text).unwrap();
    }
    let mut random = Random(5);
    for round in 0..ROUNDS {
        let path = home.path().join(format!("store{round}"));
        let store = Store::create(&path).unwrap();
        store.scan_tree(&tree, &ScanOptions::new()).unwrap();
        store.close().unwrap();
        drop(store);
        // Twice in a row, at any moment between the first batch and the last.
        run_child(&path, 1, random.below(200_000));
        run_child(&path, 1, random.below(2_000_000));

        let store = Store::open(&path).unwrap();
        let before = done(&store);
        assert!(before >= 256, "{before}");
        let report = analyze(&store, || {});
        assert_eq!((report.unchanged, report.analyzed), (before, FILES as u64 - before));
        assert_eq!(done(&store), FILES as u64);
        assert!(store.verify().unwrap().problems.is_empty());
    }
}
