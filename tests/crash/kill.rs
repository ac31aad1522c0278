//! A child process writes and says what was acknowledged; it is killed at any moment. After
//! reopening every acknowledged write is there, and none is there by half.
//!
//! The child is this test binary itself, told by an environment variable to run one test.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use engraph::record::{Facts, History, Record};
use engraph::{EdgeId, NodeId, Operation, Result, Seq, Store, WriteTx};
use serde::{Deserialize, Serialize};

/// Where the child finds its store.
const STORE_VARIABLE: &str = "ENGRAPH_TEST_STORE_OF_CHILD";
const ROUNDS: u64 = 20;
const THREADS: u64 = 3;
/// Most acknowledged writes before a child is killed.
const WRITES_MAX: usize = 60;

/// A stream of numbers that look random (xorshift).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound
    }
}

/// Half of what one write makes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Half {
    number: u64,
    second: bool,
    other: Option<NodeId>,
    text: String,
}

impl Record for Half {
    const NAME: &'static str = "half";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique("number", (self.number, self.second));
        facts.index("number", self.number);
        facts.link("other", self.other);
    }
}

fn open(path: &Path) -> Store {
    Store::builder().cache_bytes(4 << 20).register::<Half>().open(path).unwrap()
}

/// Two linked records and an edge between them. Now and then an earlier pair goes.
fn write_pair(tx: &mut WriteTx<'_>, number: u64) -> Result<()> {
    let text = "some text ".repeat((number % 40) as usize * 20);
    let half = Half { number, second: false, other: None, text: text.clone() };
    let first = tx.insert(&half)?;
    let second = tx.insert(&Half { second: true, other: Some(first), ..half.clone() })?;
    tx.put(first, &Half { other: Some(second), ..half })?;
    tx.link(first, "pair", second)?;
    if number % 5 == 4 {
        for second in [false, true] {
            if let Some((id, _)) = tx.find::<Half>("number", (number - 2, second))? {
                tx.delete(id)?;
            }
        }
    }
    Ok(())
}

/// Not a test by itself: what the child of the test below does, until it is killed.
#[test]
fn the_child_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(STORE_VARIABLE) else { return };
    let store = open(Path::new(&path));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = store.clone();
            scope.spawn(move || {
                // Numbers of this process and thread, behind those of all children before.
                let first = (store.seq().0 + 1) * 1_000_000 + thread * 100_000;
                for number in first..first + 100_000 {
                    if number % 16 == 7 {
                        store.bulk(|tx| write_pair(tx, number)).unwrap();
                    } else {
                        store.write(|tx| write_pair(tx, number)).unwrap();
                    }
                    // One call, so that the lines of two threads do not mix; nobody captures it.
                    let line = format!("wrote {number} end\n");
                    let mut out = std::io::stdout().lock();
                    out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap();
                }
            });
        }
    });
}

/// Starts a child, kills it after some acknowledged writes, and returns their numbers.
fn kill_a_child(path: &Path, random: &mut Random) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["kill::the_child_writes_until_it_is_killed", "--exact", "--nocapture"])
        .env(STORE_VARIABLE, path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let wanted = 1 + random.below(WRITES_MAX);
    let mut acknowledged = Vec::new();
    // The harness writes lines of its own.
    let number_of = |line: &str| {
        line.split_once("wrote ")
            .and_then(|(_, rest)| rest.strip_suffix(" end")?.parse::<u64>().ok())
    };
    while acknowledged.len() < wanted {
        let Some(line) = lines.next() else { break };
        acknowledged.extend(number_of(&line.unwrap()));
    }
    // Somewhere in the course of the next write.
    for _ in 0..random.below(200_000) {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    // What it still said before it died counts too.
    acknowledged
        .extend(lines.map_while(std::result::Result::ok).filter_map(|line| number_of(&line)));
    let ended = child.wait_with_output().unwrap();
    assert!(
        acknowledged.len() >= wanted,
        "{}: {}",
        ended.status,
        String::from_utf8_lossy(&ended.stderr)
    );
    acknowledged
}

/// Checks that there are only whole pairs. Returns their numbers.
fn whole_pairs(store: &Store) -> BTreeSet<u64> {
    let tx = store.read().unwrap();
    let mut pairs: BTreeMap<u64, Vec<(NodeId, Half)>> = BTreeMap::new();
    for row in tx.iter::<Half>().unwrap() {
        let (id, half) = row.unwrap();
        pairs.entry(half.number).or_default().push((id, half));
    }
    for (number, pair) in &pairs {
        let [(first, one), (second, two)] = &pair[..] else {
            unreachable!("write {number} is there by half: {pair:?}");
        };
        assert_eq!((one.second, one.other), (false, Some(*second)), "write {number}");
        assert_eq!((two.second, two.other), (true, Some(*first)), "write {number}");
        assert_eq!(one.text, two.text, "write {number}");
        for (id, half) in pair {
            let found = tx.find::<Half>("number", (half.number, half.second)).unwrap();
            assert_eq!(found.as_ref(), Some(&(*id, half.clone())));
        }
    }
    let mut listed: Vec<u64> =
        tx.index::<Half>("number", ()).unwrap().map(|row| row.unwrap().1.number).collect();
    assert!(listed.is_sorted());
    listed.dedup();
    let numbers: BTreeSet<u64> = pairs.into_keys().collect();
    assert!(listed.iter().eq(&numbers), "the index lists what is there");
    numbers
}

/// Checks that the feed tells of all writes and agrees with the records. Returns the edges.
fn check_feed(store: &Store) -> BTreeSet<EdgeId> {
    let (mut records, mut edges) = (BTreeSet::<NodeId>::new(), BTreeSet::<EdgeId>::new());
    let mut newest = Seq(0);
    for change in store.changes(Seq(0), usize::MAX).unwrap() {
        assert!(change.seq.0 - newest.0 <= 1, "write {} follows {newest}", change.seq);
        newest = change.seq;
        match change.operation {
            Operation::Put => records.extend(change.nodes()),
            Operation::Delete => records.retain(|id| !change.nodes().any(|gone| gone == *id)),
            Operation::Link => edges.extend(change.edges()),
            Operation::Unlink => edges.retain(|id| !change.edges().any(|gone| gone == *id)),
            other => unreachable!("{other:?}"),
        }
    }
    assert_eq!(newest, store.seq());
    let tx = store.read().unwrap();
    let stored = tx.iter::<Half>().unwrap().map(|row| row.unwrap().0);
    assert!(stored.eq(records), "the feed and the records agree");
    edges
}

#[test]
fn a_killed_process_loses_no_acknowledged_write_and_leaves_none_by_half() {
    if std::env::var_os(STORE_VARIABLE).is_some() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("store");
    Store::builder().register::<Half>().create(&path).unwrap().close().unwrap();
    let mut random = Random(7);
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        acknowledged.extend(kill_a_child(&path, &mut random));
        let store = open(&path);
        let pairs = whole_pairs(&store);
        // A pair is deleted by the write two numbers on, which may have been cut off or not.
        let gone = |number: u64| {
            let deleter = number + 2;
            deleter % 5 == 4 && (acknowledged.contains(&deleter) || pairs.contains(&deleter))
        };
        for number in &acknowledged {
            assert!(pairs.contains(number) != gone(*number), "round {round}: write {number}");
        }
        let edges = check_feed(&store);
        assert_eq!(edges.len(), pairs.len(), "round {round}: one edge a pair");
        let report = store.verify().unwrap();
        assert!(report.is_ok(), "round {round}: {report:#?}");
        // Half of the rounds end in a store that was closed, half in one that was written to.
        if round % 2 == 0 {
            store.write(|tx| write_pair(tx, round)).unwrap();
        }
        store.close().unwrap();
        if round % 2 == 0 {
            acknowledged.insert(round);
        }
    }
    assert!(acknowledged.len() as u64 > ROUNDS);
}
