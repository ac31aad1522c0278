//! A worker is killed while it holds jobs: they are claimed again when its lease has ended, and
//! none is lost.
//!
//! The child is this test binary itself, told by an environment variable to run one test.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use engraph::family::NewJob;
use engraph::{Clock as _, ManualClock, NodeId, Store, SystemClock};

/// Where the child finds its store.
const STORE_VARIABLE: &str = "ENGRAPH_TEST_QUEUE_OF_CHILD";
const LEASE: Duration = Duration::from_secs(3_600);
const JOBS: usize = 200;

/// Not a test by itself: a worker that claims and completes until it is killed, and completes the
/// first job of each two only.
#[test]
fn the_child_claims_until_it_is_killed() {
    let Some(path) = std::env::var_os(STORE_VARIABLE) else { return };
    let store = Store::open(Path::new(&path)).unwrap();
    loop {
        let taken = store.write(|tx| tx.jobs().claim_many("child", LEASE, 2)).unwrap();
        let Some(first) = taken.first() else { break };
        store.write(|tx| tx.jobs().complete(first.lease)).unwrap();
        let line = format!("completed {} end\n", first.lease.job);
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap();
    }
    // All are taken: stays alive, holding its leases, until it is killed.
    loop {
        std::thread::park();
    }
}

#[test]
fn jobs_of_a_killed_worker_are_claimed_again_when_its_lease_has_ended() {
    if std::env::var_os(STORE_VARIABLE).is_some() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("store");
    let store = Store::create(&path).unwrap();
    let ids = store.write(|tx| (0..JOBS).map(|_| tx.jobs().enqueue(NewJob::new("x"))).collect());
    let ids: BTreeSet<NodeId> = ids.unwrap();
    store.close().unwrap();

    let completed = kill_a_worker(&path, 20);
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let store = Store::builder().clock(Arc::clone(&clock)).open(&path).unwrap();
    let counts = store.read().unwrap().jobs().counts().unwrap();
    assert!(counts.completed >= completed.len() && counts.running >= 20, "{counts:?}");
    let claim = || -> BTreeSet<NodeId> {
        let taken = store.write(|tx| tx.jobs().claim_many("heir", LEASE, 1_000)).unwrap();
        taken.into_iter().map(|claimed| claimed.lease.job).collect()
    };
    let waiting = claim();
    assert_eq!(waiting.len(), counts.queued, "what the dead worker held is still held");
    clock.advance(2 * LEASE);
    store.write(|tx| tx.jobs().reclaim_expired(1_000)).unwrap();
    let all = claim();
    assert_eq!(all.len() + counts.completed, JOBS);
    assert!(all.is_subset(&ids) && all.is_disjoint(&completed) && waiting.is_subset(&all));
    let report = store.verify().unwrap();
    assert!(report.is_ok(), "{report:#?}");
}

/// Starts a worker, kills it after so many acknowledged completions, and returns those.
fn kill_a_worker(path: &Path, wanted: usize) -> BTreeSet<NodeId> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["queue_kill::the_child_claims_until_it_is_killed", "--exact", "--nocapture"])
        .env(STORE_VARIABLE, path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let id_of = |line: &str| -> Option<NodeId> {
        line.split_once("completed ")?.1.strip_suffix(" end")?.parse().ok()
    };
    let mut completed = BTreeSet::new();
    while completed.len() < wanted {
        let Some(line) = lines.next() else { break };
        completed.extend(id_of(&line.unwrap()));
    }
    child.kill().unwrap();
    completed.extend(lines.map_while(Result::ok).filter_map(|line| id_of(&line)));
    child.wait().unwrap();
    assert!(completed.len() >= wanted, "{completed:?}");
    completed
}
