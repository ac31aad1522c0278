//! A child process makes stores, one after the other, and is killed in between. Whatever it leaves
//! is a store, or a place where one can be made: never half of one.
//!
//! The child is this test binary itself, told by an environment variable to run one test.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use engraph::{Error, Store};

use crate::kill::Random;

/// Where the child makes its stores.
const FOLDER_VARIABLE: &str = "ENGRAPH_TEST_FOLDER_OF_CHILD";
const ROUNDS: usize = 40;

/// Not a test by itself: what the child of the test below does, until it is killed.
#[test]
fn the_child_makes_stores_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER_VARIABLE) else { return };
    let mut out = std::io::stdout().lock();
    out.write_all(b"begin\n").and_then(|()| out.flush()).unwrap();
    for number in 0.. {
        Store::create(Path::new(&folder).join(format!("{number:04}"))).unwrap().close().unwrap();
    }
}

fn kill_a_child(folder: &Path, random: &mut Random) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["create_kill::the_child_makes_stores_until_it_is_killed"])
        .args(["--exact", "--nocapture"])
        .env(FOLDER_VARIABLE, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("begin")), "the child ended");
    for _ in 0..random.below(20_000_000) {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_creation_leaves_a_store_or_none() {
    if std::env::var_os(FOLDER_VARIABLE).is_some() {
        return;
    }
    let mut random = Random(7);
    let (mut made, mut unmade) = (0, 0);
    for round in 0..ROUNDS {
        let home = tempfile::tempdir().unwrap();
        kill_a_child(home.path(), &mut random);
        let mut folders: Vec<_> =
            fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        let last = folders.pop();
        for folder in folders {
            Store::open(&folder).unwrap().close().unwrap();
        }
        let Some(last) = last else { continue };
        match Store::open(&last) {
            Ok(store) => {
                made += 1;
                store.close().unwrap();
            }
            Err(Error::NotFound { .. }) => {
                unmade += 1;
                Store::create(&last).unwrap().close().unwrap();
                let left = fs::read_dir(&last).unwrap().map(|entry| entry.unwrap().file_name());
                assert!(!left.into_iter().any(|name| name == "data.redb.new"), "round {round}");
            }
            Err(other) => panic!("round {round}: {other}"),
        }
    }
    assert!(made + unmade > ROUNDS / 2, "most children were killed while they made a store");
}

#[test]
fn what_a_killed_creation_left_is_taken_away_unless_somebody_is_at_it() {
    let home = tempfile::tempdir().unwrap();
    let left = home.path().join("data.redb.new");
    fs::write(&left, b"half a header").unwrap();
    let held = fs::File::open(&left).unwrap();
    held.lock().unwrap();
    let refused = Store::create(home.path()).map(drop);
    assert!(matches!(refused, Err(Error::Locked { .. })), "{refused:?}");
    drop(held);
    Store::create(home.path()).unwrap().close().unwrap();
    assert!(!left.exists());
    let again = Store::create(home.path()).map(drop);
    assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
}
