//! Suite `records`: puts, gets, pages and scans of small records, each put acknowledged.

mod engraph_system;
mod limit;
mod sqlite;

pub use engraph_system::Engraph;
pub use sqlite::Sqlite;

use std::path::Path;
use std::time::Instant;

use crate::Outcome;
use crate::child::say;
use crate::data::{Memory, Random, digest, memory, mix};
use crate::measure::{bytes_below, on_threads};

/// The systems of this suite.
pub const SYSTEMS: &[&str] = &["engraph", "limit", "sqlite"];

/// Durable puts of one thread; more threads share this many times their root.
const PUTS_1: u64 = 2_000;
const PUTS_8: u64 = 8_000;
const PUTS_64: u64 = 32_000;
const GETS: u64 = 100_000;
const PAGES: u64 = 2_000;
const PAGE_ROWS: usize = 100;

/// A store of memories with a unique index on (namespace, key) and an ordered one on created.
pub trait System: Sync + Sized {
    /// Makes a new one.
    fn create(folder: &Path) -> Outcome<Self>;
    /// Opens one that was closed.
    fn open(folder: &Path) -> Outcome<Self>;
    /// One acknowledged put; the record's id.
    fn put(&self, memory: &Memory) -> Outcome<u64>;
    /// All puts in one transaction.
    fn bulk(&self, memories: &mut dyn Iterator<Item = Memory>) -> Outcome;
    /// The record with that id, decoded. Ids count from 1.
    fn get(&self, id: u64) -> Outcome<Option<Memory>>;
    /// Adds 1 to the importance of a record, acknowledged.
    fn update(&self, id: u64) -> Outcome;
    /// `rows` records from a time on, in its order, decoded.
    fn page(&self, created: i64, rows: usize, take: &mut dyn FnMut(Memory)) -> Outcome;
    /// Every record, decoded.
    fn scan(&self, take: &mut dyn FnMut(Memory)) -> Outcome;
    /// Closes it.
    fn close(self) -> Outcome;
}

/// Runs the suite for a system.
pub fn run(system: &str, folder: &Path, size: u64) -> Outcome {
    match system {
        "engraph" => suite::<engraph_system::Engraph>(folder, size),
        "limit" => suite::<limit::Limit>(folder, size),
        "sqlite" => suite::<sqlite::Sqlite>(folder, size),
        other => Err(format!("no system {other} in this suite").into()),
    }
}

fn suite<S: System>(folder: &Path, size: u64) -> Outcome {
    let filled = folder.join("filled");
    std::fs::create_dir_all(&filled)?;
    let store = S::create(&filled)?;
    let start = Instant::now();
    store.bulk(&mut (0..size).map(memory))?;
    say("bulk_put_100k", size as f64 / start.elapsed().as_secs_f64(), size, None)?;
    gets(&store, size)?;
    pages(&store, size)?;
    scan(&store)?;
    puts(&store, size, 1, PUTS_1, "durable_put_1")?;
    puts(&store, size + PUTS_1, 8, PUTS_8, "durable_put_8")?;
    puts(&store, size + PUTS_1 + PUTS_8, 64, PUTS_64, "durable_put_64")?;
    updates(&store, size)?;
    store.close()?;
    say("disk", bytes_below(&filled)? as f64 / 1e6, size, None)?;
    let start = Instant::now();
    let store = S::open(&filled)?;
    let found = store.get(1)?;
    say("open_ms", start.elapsed().as_secs_f64() * 1e3, 1, found.map(|one| check(&one)))?;
    store.close()
}

fn check(memory: &Memory) -> u64 {
    mix(digest(memory.key.as_bytes()), digest(memory.content.as_bytes()))
}

fn gets<S: System>(store: &S, size: u64) -> Outcome {
    for (name, zipf) in [("get", false), ("get_hot", true)] {
        for timed in [false, true] {
            let mut random = Random::new(7);
            let mut sum = 0;
            let mut times = Vec::with_capacity(GETS as usize);
            for _ in 0..GETS {
                let id = 1 + if zipf { random.zipf(size) } else { random.below(size) };
                let start = Instant::now();
                let found = store.get(id)?.ok_or("a record is missing")?;
                times.push(start.elapsed().as_nanos() as f64 / 1e3);
                sum = mix(sum, check(&found));
            }
            if timed {
                times.sort_by(f64::total_cmp);
                let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
                say(&format!("{name}_p50"), at(0.5), GETS, Some(sum))?;
                if !zipf {
                    say("get_p99", at(0.99), GETS, Some(sum))?;
                }
            }
        }
    }
    Ok(())
}

fn pages<S: System>(store: &S, size: u64) -> Outcome {
    let mut random = Random::new(9);
    let mut sum = 0;
    let mut times = Vec::new();
    for _ in 0..PAGES {
        let created = memory(random.below(size - PAGE_ROWS as u64)).created;
        let start = Instant::now();
        let mut found = 0;
        store.page(created, PAGE_ROWS, &mut |one| {
            found += 1;
            sum = mix(sum, digest(one.key.as_bytes()));
        })?;
        times.push(start.elapsed().as_nanos() as f64 / 1e3);
        if found != PAGE_ROWS {
            return Err(format!("a page has {found} records").into());
        }
    }
    times.sort_by(f64::total_cmp);
    say("page_p50", times[times.len() / 2], PAGES, Some(sum))
}

fn scan<S: System>(store: &S) -> Outcome {
    let start = Instant::now();
    let (mut count, mut sum) = (0_u64, 0_u64);
    store.scan(&mut |one| {
        count += 1;
        sum = sum.wrapping_add(check(&one));
    })?;
    say("scan", count as f64 / start.elapsed().as_secs_f64(), count, Some(sum))
}

fn puts<S: System>(store: &S, first: u64, threads: u64, count: u64, name: &str) -> Outcome {
    let start = Instant::now();
    on_threads(threads, |thread| {
        let each = count / threads;
        (0..each).try_for_each(|step| store.put(&memory(first + thread * each + step)).map(|_| ()))
    })?;
    say(name, count as f64 / start.elapsed().as_secs_f64(), count, None)
}

fn updates<S: System>(store: &S, size: u64) -> Outcome {
    let start = Instant::now();
    on_threads(8, |thread| {
        let mut random = Random::new(100 + thread);
        (0..PUTS_8 / 8).try_for_each(|_| store.update(1 + random.below(size)))
    })?;
    say("update_8", PUTS_8 as f64 / start.elapsed().as_secs_f64(), PUTS_8, None)
}
