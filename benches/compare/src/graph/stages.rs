//! The stages of the suite, the same for every system.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use super::{Scores, Sizes, Stored, Walk, Whole};
use crate::Outcome;
use crate::child::{Task, say};
use crate::data::mix;
use crate::measure::{Times, each, resident};
use crate::rmat::{Edge, Questions, Rmat};

/// Times that a whole-graph algorithm runs, after one that is not timed.
const REPEATS: usize = 3;
/// Sources of the sampled betweenness.
const SOURCES: usize = 16;
/// The file with the node that a fresh process asks for first.
const FIRST: &str = "first-node";

/// Where a system keeps the whole graph.
fn full(task: &Task) -> Outcome<PathBuf> {
    let folder = task.folder.join("full");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Load and size on disk.
pub fn disk<S: Stored>(task: &Task) -> Outcome {
    let graph = Rmat::of(&task.workload);
    let folder = full(task)?;
    let count = graph.edges.len() as u64;
    let start = Instant::now();
    let stored = S::load(&folder, &graph)?;
    say("load", count as f64 / start.elapsed().as_secs_f64(), count, None)?;
    stored.close()?;
    let nodes = task.folder.join("nodes");
    fs::create_dir_all(&nodes)?;
    S::load(&nodes, &graph.without_edges())?.close()?;
    let bytes = S::compact(&folder)?.saturating_sub(S::compact(&nodes)?);
    say("disk_per_edge", bytes as f64 / count as f64, count, None)?;
    fs::remove_dir_all(&nodes)?;
    let first = Questions::of(&graph)?.starts[0];
    Ok(fs::write(task.folder.join(FIRST), first.to_string())?)
}

/// From the start of opening to the first answer, in a process that did nothing before.
pub fn open<S: Stored>(task: &Task) -> Outcome {
    let folder = full(task)?;
    let first: u32 = fs::read_to_string(task.folder.join(FIRST))?.parse()?;
    let mut found = Vec::new();
    let before = resident();
    let start = Instant::now();
    let mut stored = S::open(&folder)?;
    stored.reach(first, 1, None, &mut found)?;
    let millis = start.elapsed().as_secs_f64() * 1e3;
    say("open_first_hop", millis, 1, Some(sum_of_ids(&found)))?;
    if let (Some(before), Some(after)) = (before, resident()) {
        let grown = after.saturating_sub(before) as f64 / 1e6;
        say("memory_after_open", grown, 1, None)?;
    }
    stored.close()
}

/// Traversal straight from what lies on disk.
pub fn blocks<S: Stored>(task: &Task) -> Outcome {
    let graph = Rmat::of(&task.workload);
    let questions = Questions::of(&graph)?;
    drop(graph);
    let mut stored = S::open_on_disk(&full(task)?)?;
    reach(&mut stored, &questions.starts, 2, None)?.say("khop2_blocks_p50")?;
    reach(&mut stored, fewer(&questions.starts), 3, None)?.say("khop3_blocks_p50")?;
    each(&questions.pairs, |pair| stored.hops(pair), |hops| *hops)?.say("path_blocks_p50")?;
    stored.close()
}

/// Traversal and algorithms in memory.
pub fn memory<S: Whole>(task: &Task) -> Outcome {
    let graph = Rmat::of(&task.workload);
    let questions = Questions::of(&graph)?;
    let edges = graph.edges.len() as u64;
    let folder = full(task)?;
    let before = resident();
    let mut whole = S::build(&folder, &graph)?;
    if let Some(bytes) = whole.memory()? {
        say("memory_per_edge", bytes as f64 / edges as f64, edges, None)?;
        if let (Some(before), Some(after)) = (before, resident()) {
            let grown = after.saturating_sub(before);
            say("memory_per_edge_rss", grown as f64 / edges as f64, edges, None)?;
        }
    }
    walks(&mut whole, &questions)?;
    paths(&mut whole, &questions)?;
    ranks(&mut whole, &questions)?;
    parts(&mut whole)?;
    structure(&mut whole, &questions)?;
    if let Some(micros) = whole.publish(&graph.edges[..1_000.min(graph.edges.len())])? {
        say("publish_p50", micros, 1_000, None)?;
    }
    Ok(())
}

/// Two hops where one edge of twenty came after the graph was made ready.
pub fn delta<S: Whole>(task: &Task) -> Outcome {
    let graph = Rmat::of(&task.workload);
    let questions = Questions::of(&graph)?;
    let folder = task.folder.join("base");
    fs::create_dir_all(&folder)?;
    let (base, added): (Rmat, &[Edge]) = graph.split(graph.edges.len() / 20 * 19);
    let whole = S::build(&folder, &base)?;
    if let Some(mut whole) = whole.add(added, &graph)? {
        reach(&mut whole, &questions.starts, 2, None)?.say("khop2_delta5_p50")?;
    }
    Ok(())
}

fn fewer(starts: &[u32]) -> &[u32] {
    &starts[..starts.len().min(200)]
}

/// Ids in any order, as keys.
fn sum_of_ids(ids: &[u64]) -> u64 {
    let key = |id: &u64| mix(0, id & ((1 << 56) - 1));
    ids.iter().fold(ids.len() as u64, |sum, id| sum.wrapping_add(key(id)))
}

fn reach<W: Walk>(walk: &mut W, starts: &[u32], hops: usize, kind: Option<u8>) -> Outcome<Times> {
    let buffer = std::cell::RefCell::new(Vec::new());
    let operation = |start| {
        let mut into = buffer.borrow_mut();
        into.clear();
        walk.reach(start, hops, kind, &mut into)
    };
    each(starts, operation, |()| sum_of_ids(&buffer.borrow()))
}

fn walks<S: Whole>(whole: &mut S, questions: &Questions) -> Outcome {
    for (hops, starts) in
        [(1, &questions.starts[..]), (2, &questions.starts[..]), (3, fewer(&questions.starts))]
    {
        let times = reach(whole, starts, hops, None)?;
        times.say(&format!("khop{hops}_p50"))?;
        say(&format!("khop{hops}_p99"), times.at(0.99), times.count(), Some(times.sum))?;
    }
    reach(whole, &questions.starts, 2, Some(0))?.say("khop2_filtered_p50")
}

fn paths<S: Whole>(whole: &mut S, questions: &Questions) -> Outcome {
    let times = each(&questions.pairs, |pair| whole.hops(pair), |hops| *hops)?;
    times.say("path_p50")?;
    say("path_p99", times.at(0.99), times.count(), Some(times.sum))?;
    // Exact: sums of a few weights of 24 bits fit into 53, whichever end a search adds up from.
    let exact = |cost: &f64| cost.to_bits();
    if let Some(times) = where_able(&questions.pairs, |pair| whole.cheapest(pair), exact)? {
        times.say("weighted_path_p50")?;
    }
    let from_both_ends = |pair| whole.cheapest_from_both_ends(pair);
    if let Some(times) = where_able(&questions.pairs, from_both_ends, exact)? {
        times.say("weighted_path_both_ends_p50")?;
    }
    let exact = |scores: &Scores| sum_of_scores(scores, f64::to_bits);
    let from = &questions.starts[..5];
    if let Some(times) = where_able(from, |start| whole.distances(start), exact)? {
        times.say_millis("dijkstra_p50")?;
    }
    Ok(())
}

fn ranks<S: Whole>(whole: &mut S, questions: &Questions) -> Outcome {
    // The order of a sum shows in the last digits; these are far from them.
    let close = |scores: &Scores| sum_of_scores(scores, |rank| (rank * 1e10).round() as u64);
    for (threads, measure) in [(1, "pagerank20"), (2, "pagerank20_2")] {
        if let Some(times) = where_able(&[(); REPEATS], |()| whole.page_rank(threads), close)? {
            say(measure, times.at(0.5) / 1e3, times.count(), Some(times.sum))?;
        }
    }
    let seeds = &questions.starts[..20];
    if let Some(times) = where_able(seeds, |seed| whole.personal_rank(seed), close)? {
        times.say("ppr_p50")?;
    }
    Ok(())
}

fn parts<S: Whole>(whole: &mut S) -> Outcome {
    let sizes = |sizes: &Sizes| {
        let mut sizes = sizes();
        sizes.sort_unstable();
        sizes.iter().fold(0, |sum, size| mix(sum, *size as u64))
    };
    if let Some(times) = where_able(&[(); REPEATS], |()| whole.weak_parts(), sizes)? {
        times.say_millis("wcc")?;
    }
    if let Some(times) = where_able(&[(); REPEATS], |()| whole.strong_parts(), sizes)? {
        times.say_millis("scc")?;
    }
    Ok(())
}

fn structure<S: Whole>(whole: &mut S, questions: &Questions) -> Outcome {
    let mut quality = 0.0;
    let louvain = |()| whole.louvain();
    // Two good divisions of one graph need not be the same: how good they are stands beside.
    let check = |found: &f64| {
        quality = *found;
        0
    };
    if let Some(times) = where_able(&[(); REPEATS], louvain, check)? {
        say("louvain", times.at(0.5) / 1e3, times.count(), None)?;
        say("louvain_modularity", quality, 1, None)?;
    }
    if let Some(times) = where_able(&[(); REPEATS], |()| whole.triangles(), |count| *count)? {
        times.say_millis("triangles")?;
    }
    let sources = &questions.starts[..SOURCES];
    // Many values end in a half, so the steps do not.
    let close = |scores: &Scores| sum_of_scores(scores, |score| (score * 10.0 + 0.137) as u64);
    if let Some(times) = where_able(&[(); REPEATS], |()| whole.betweenness(sources), close)? {
        times.say_millis("betweenness_sampled")?;
    }
    Ok(())
}

fn sum_of_scores(scores: &Scores, number: impl Fn(f64) -> u64) -> u64 {
    let mut sum = 0_u64;
    scores(&mut |id, score| {
        let key = id & ((1 << 56) - 1);
        sum = sum.wrapping_add(mix(mix(0, key), number(score)));
    });
    sum
}

/// As [`each`], unless the system cannot do it. The untimed pass is over all inputs as well.
fn where_able<I: Copy, A>(
    inputs: &[I],
    mut operation: impl FnMut(I) -> Outcome<Option<A>>,
    check: impl FnMut(&A) -> u64,
) -> Outcome<Option<Times>> {
    let Some(first) = inputs.first() else { return Ok(None) };
    if operation(*first)?.is_none() {
        return Ok(None);
    }
    let sure = |input| operation(input)?.ok_or_else(|| "a measure got lost".into());
    each(inputs, sure, check).map(Some)
}
