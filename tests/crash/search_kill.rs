//! A process is killed in the middle of each step of the search pipeline: a write, the index
//! catching up, standing searches looking at what was written, a rebuild, a load, the past being
//! trimmed, a close, texts indexed in another way. After reopening the index holds what the records
//! say, and standing searches have what they match.
//!
//! The child is this test binary itself, told by an environment variable to run one test. The
//! variable `ENGRAPH_TEST_SEARCH_KILLS` says how many children are killed.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use engraph::record::{Facts, History, Record};
use engraph::search::{AnalyzerOptions, Language, SearchOptions};
use engraph::{NodeId, Options, SavedSearch, Seq, Store, Trim};
use serde::{Deserialize, Serialize};

use crate::kill::Random;

/// Where the child finds its store.
const STORE_VARIABLE: &str = "ENGRAPH_TEST_SEARCH_OF_CHILD";
/// How many children are killed; the default is short.
const KILLS_VARIABLE: &str = "ENGRAPH_TEST_SEARCH_KILLS";
const KILLS_DEFAULT: usize = 12;

/// What the child does by turns; each is announced before it begins.
const STEPS: [&str; 8] =
    ["write", "search", "matches", "rebuild", "bulk", "trim", "reopen", "other analyzer"];
/// The standing searches that are compared.
const STANDING: [&str; 2] = ["late", "word +even"];

/// A text, found by its words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Slip {
    number: u64,
    text: String,
}

impl Record for Slip {
    const NAME: &'static str = "slip";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("number", self.number);
        facts.text("text", self.text.as_str());
        facts.keyword("parity", if self.number.is_multiple_of(2) { "even" } else { "odd" });
        facts.number("number", self.number as f64);
    }
}

fn slip(number: u64) -> Slip {
    let parity = if number.is_multiple_of(2) { "even" } else { "odd" };
    let late = if number.is_multiple_of(3) { " late" } else { "" };
    Slip { number, text: format!("word {parity} number{number:012}{late}") }
}

fn options() -> Options {
    Store::builder().cache_bytes(4 << 20).register::<Slip>()
}

fn open(path: &Path) -> Store {
    options().open(path).unwrap()
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line} end\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

/// One step. Returns the store, which may be another one.
fn take_step(step: &str, store: Store, path: &Path, number: u64) -> Store {
    match step {
        "write" => {
            for number in number..number + 5 {
                let id = store.write(|tx| tx.insert(&slip(number))).unwrap();
                if number % 4 == 1 {
                    // The next five numbers are nobody's.
                    store.write(|tx| tx.put(id, &slip(number + 5))).unwrap();
                } else if number % 4 == 3 {
                    store.write(|tx| tx.delete(id)).unwrap();
                } else {
                    say(&format!("wrote {number}"));
                }
            }
        }
        "search" => drop(store.search("word late").run().unwrap()),
        "matches" => drop(store.matches(STANDING[0], Seq(0), 1).unwrap()),
        "rebuild" => drop(store.rebuild_search().unwrap()),
        "bulk" => {
            store.bulk(|tx| (0..50).try_for_each(|n| tx.insert(&slip(n)).map(drop))).unwrap();
        }
        "trim" => {
            let limit = Seq(store.seq().0.saturating_sub(3));
            assert!(store.trim(&Trim::before_write(limit)).unwrap().readable_from >= limit);
        }
        "reopen" => {
            store.close().unwrap();
            return open(path);
        }
        _ => {
            store.close().unwrap();
            let language = number.is_multiple_of(20).then_some(Language::English);
            let analyzer = AnalyzerOptions { stem: language, ..AnalyzerOptions::default() };
            let store = options().analyzer(analyzer).open(path).unwrap();
            store.search("word").run().unwrap();
            return store;
        }
    }
    store
}

/// Not a test by itself.
#[test]
fn the_child_goes_through_the_pipeline_until_it_is_killed() {
    let Some(path) = std::env::var_os(STORE_VARIABLE) else { return };
    let path = Path::new(&path);
    let mut store = open(path);
    let mut number = (store.seq().0 + 1) * 1_000;
    // Not all in the same order, so that every step follows every other.
    let mut random = Random(number | 1);
    loop {
        let step = STEPS[random.below(STEPS.len())];
        say(&format!("begin {step}"));
        store = take_step(step, store, path, number);
        number += 10;
    }
}

/// Kills a child in its next step of this name. Returns the numbers that it has written for good.
fn kill_in_step(path: &Path, step: &str, random: &mut Random) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["search_kill::the_child_goes_through_the_pipeline_until_it_is_killed"])
        .args(["--exact", "--nocapture"])
        .env(STORE_VARIABLE, path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut written = Vec::new();
    let number_of = |line: &str| -> Option<u64> {
        line.split_once("wrote ")?.1.strip_suffix(" end")?.parse().ok()
    };
    let begin = format!("begin {step} end");
    let mut reached = false;
    for line in lines.by_ref() {
        let line = line.unwrap();
        written.extend(number_of(&line));
        if line.ends_with(&begin) {
            reached = true;
            break;
        }
    }
    // Somewhere in the course of the step, or of the ones after it.
    for _ in 0..random.below(30_000_000) {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    written.extend(lines.map_while(Result::ok).filter_map(|line| number_of(&line)));
    let status = child.wait().unwrap();
    assert!(reached, "the child ended before {step}: {status}");
    written
}

fn found(store: &Store, text: &str) -> BTreeSet<NodeId> {
    let options = SearchOptions { limit: 50_000, ..SearchOptions::default() };
    let found = store.search(text).options(options).run().unwrap();
    found.hits.into_iter().map(|hit| hit.id).collect()
}

#[test]
fn a_process_killed_in_any_step_leaves_an_index_that_agrees_with_the_records() {
    if std::env::var_os(STORE_VARIABLE).is_some() {
        return;
    }
    let kills = std::env::var(KILLS_VARIABLE).ok().and_then(|text| text.parse().ok());
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("store");
    let store = Store::builder().register::<Slip>().create(&path).unwrap();
    for text in STANDING {
        store.save_search(text, &SavedSearch::new(text).standing()).unwrap();
    }
    store.close().unwrap();
    let mut random = Random(11);
    for round in 0..kills.unwrap_or(KILLS_DEFAULT) {
        let step = STEPS[round % STEPS.len()];
        let written = kill_in_step(&path, step, &mut random);
        let store = open(&path);
        let report = store.check_search().unwrap();
        assert!(report.is_ok(), "round {round}, killed in {step}: {report:#?}");
        for number in written {
            let hits = found(&store, &format!("number{number:012}"));
            assert_eq!(hits.len(), 1, "round {round}, killed in {step}: write {number}");
        }
        for text in STANDING {
            let fed = store.matches(text, Seq(0), usize::MAX).unwrap();
            let fed: BTreeSet<NodeId> = fed.matches.iter().map(|found| found.id).collect();
            assert_eq!(fed, found(&store, text), "round {round}, killed in {step}: {text}");
        }
        let report = store.verify().unwrap();
        assert!(report.is_ok(), "round {round}, killed in {step}: {report:#?}");
        store.close().unwrap();
    }
}
