//! A machine that stops at any sync, and a disk that fails at any operation: what the store holds
//! afterwards is the state before or after the write that was under way, and all parts agree.

use std::sync::Arc;

use engraph::record::{Facts, History, Record};
use engraph::{NodeId, Options, Result, Seq, Store, Trim, testing};
use serde::{Deserialize, Serialize};

use super::disk::ForgetfulDisk;
use super::kill::Random;

/// Writes of one run; every third is a bulk load, every fourth trims, every fifth deletes.
const WRITES: u64 = 12;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Page {
    number: u64,
    before: Option<NodeId>,
    text: String,
}

impl Record for Page {
    const NAME: &'static str = "page";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique("number", self.number);
        facts.index("size", self.text.len() as u64);
        facts.link("before", self.before);
    }
}

fn options() -> Options {
    Store::builder().cache_bytes(1 << 20).register::<Page>()
}

/// Writes page `number`, and sometimes forgets what was before the last three of them.
fn write(store: &Store, number: u64) -> Result<()> {
    write_page(store, number)?;
    if number % 4 == 3 {
        store.trim(&Trim::before_write(Seq(store.seq().0.saturating_sub(3))))?;
    }
    Ok(())
}

/// What write `number` does: a page, a link and an edge to the one before, sometimes a deletion.
fn write_page(store: &Store, number: u64) -> Result<()> {
    let work = |tx: &mut engraph::WriteTx<'_>| {
        let before = tx.find::<Page>("number", number.saturating_sub(1))?.map(|(id, _)| id);
        let text = "words ".repeat((number % 7) as usize * 150);
        let id = tx.insert(&Page { number, before, text })?;
        if let Some(before) = before {
            tx.link(id, "follows", before)?;
            tx.update::<Page>(before, |page| {
                page.text.push('!');
                Ok(())
            })?;
        }
        if number % 5 == 4
            && let Some((id, _)) = tx.find::<Page>("number", number - 3)?
        {
            tx.delete(id)?;
        }
        Ok(())
    };
    if number % 3 == 2 { store.bulk(work) } else { store.write(work) }
}

/// Every page by number, with its text's length, and what the graph knows of it.
fn content(store: &Store) -> Vec<(u64, usize, usize)> {
    let tx = store.read().unwrap();
    let graph = tx.graph();
    let mut found = Vec::new();
    for row in tx.iter::<Page>().unwrap() {
        let (id, page) = row.unwrap();
        let degree = graph.degree(id, engraph::graph::Direction::Both).unwrap();
        found.push((page.number, page.text.len(), degree));
    }
    found
}

/// What a store holds after each number of writes.
fn expected() -> Vec<Vec<(u64, usize, usize)>> {
    let home = tempfile::tempdir().unwrap();
    let store = options().create(home.path().join("store")).unwrap();
    let mut states = vec![content(&store)];
    for number in 0..WRITES {
        write(&store, number).unwrap();
        states.push(content(&store));
    }
    states
}

/// Opens what is left and compares it with the states that are allowed.
#[track_caller]
fn check(directory: &std::path::Path, bytes: Vec<u8>, done: usize, what: &str) {
    let disk = Arc::new(ForgetfulDisk::with(bytes));
    let store = testing::open(directory, options(), disk);
    assert!(store.is_ok(), "{what}: after {done} writes: {store:?}");
    let store = store.unwrap();
    let report = store.verify().unwrap();
    assert!(report.problems.is_empty(), "{what}: {:?}", report.problems);
    let found = content(&store);
    let states = expected_states();
    let allowed = [&states[done], states.get(done + 1).unwrap_or(&states[done])];
    assert!(allowed.contains(&&found), "{what}: after {done} writes there is {found:?}");
    // It goes on from there.
    write(&store, 1_000).unwrap();
    store.close().unwrap();
}

fn expected_states() -> &'static [Vec<(u64, usize, usize)>] {
    static STATES: std::sync::OnceLock<Vec<Vec<(u64, usize, usize)>>> = std::sync::OnceLock::new();
    STATES.get_or_init(expected)
}

/// Writes until the disk fails; how many were acknowledged.
fn run(store: &Store) -> usize {
    (0..WRITES).take_while(|number| write(store, *number).is_ok()).count()
}

#[test]
fn a_stop_at_any_sync_leaves_the_state_before_or_after() {
    let mut random = Random(0x5eed_1234_abcd);
    for sync in 0.. {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("store");
        let disk = ForgetfulDisk::default();
        let store = testing::create(&directory, options(), Arc::new(disk.clone())).unwrap();
        disk.stop_at_sync(sync);
        let done = run(&store);
        drop(store);
        if !disk.has_failed() {
            assert_eq!(done, WRITES as usize);
            assert!(sync >= WRITES, "the run had {sync} syncs");
            return;
        }
        for _ in 0..4 {
            let bytes = disk.after_a_stop(&mut random);
            check(&directory, bytes, done, &format!("stopped at sync {sync}"));
        }
    }
}

#[test]
fn a_disk_that_fails_once_leaves_the_state_before_or_after() {
    let mut random = Random(0xfa11_5eed);
    let mut operation = 0;
    loop {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("store");
        let disk = ForgetfulDisk::default();
        let store = testing::create(&directory, options(), Arc::new(disk.clone())).unwrap();
        disk.fail_at_operation(operation);
        let done = run(&store);
        drop(store);
        if !disk.has_failed() {
            assert_eq!(done, WRITES as usize);
            assert!(operation > WRITES, "the run had {operation} operations");
            return;
        }
        check(&directory, disk.seen(), done, &format!("failed at operation {operation}"));
        // Each of the first ones, then a sample: they repeat themselves.
        operation += if operation < 40 { 1 } else { 1 + random.below(12) as u64 };
    }
}
