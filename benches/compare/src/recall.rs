//! Suite `recall`: memories by a question, in the largest of a hundred namespaces.
//!
//! Memories of about 150 bytes, words drawn from a vocabulary as words of a language are (few
//! often, most rarely), with names, sessions of twenty turns, two agents and times. A question has
//! a name and two to three words of a memory among words that say nothing.

use std::time::Instant;

use engraph::family::{Recall, RecallFields};
use engraph::record::{Memory, Vector};
use engraph::{Store, Timestamp};

use crate::Outcome;
use crate::child::{Task, say};
use crate::data::{Random, mix};
use crate::measure::each;
use crate::vector::DIMENSION;

/// The systems of this suite. Others recall otherwise, so there is no common answer to check.
pub const SYSTEMS: &[&str] = &["engraph"];

const NAMESPACES: u64 = 100;
/// The share of the largest one: a fifth of all.
const LARGEST_SHARE: u64 = 5;
/// Memories of a session.
const SESSION: u64 = 20;
const VOCABULARY: u64 = 20_000;
const NAMES: u64 = 2_000;
const WORDS: u64 = 22;
const QUESTIONS: u64 = 500;
const TOKENS: usize = 4_000;

/// The word with that number: two to five syllables.
fn word(number: u64) -> String {
    const SYLLABLES: [&str; 16] = [
        "ba", "den", "fo", "gir", "hu", "kam", "lo", "mer", "nu", "pas", "ri", "sel", "to", "ver",
        "wi", "zan",
    ];
    let mut rest = mix(11, number);
    (0..2 + number % 4)
        .map(|_| {
            rest = mix(rest, number);
            SYLLABLES[(rest % 16) as usize]
        })
        .collect()
}

fn name(number: u64) -> String {
    let mut name = word(1_000_000 + number);
    name[..1].make_ascii_uppercase();
    name
}

/// Numbers of the words of a memory, and of its name.
fn drawn(number: u64) -> (Vec<u64>, u64) {
    let mut random = Random::new(number.wrapping_mul(0x9e37_79b9));
    let words = (0..WORDS).map(|_| random.zipf(VOCABULARY)).collect();
    (words, random.below(NAMES))
}

fn namespace(number: u64, count: u64) -> u64 {
    if number < count / LARGEST_SHARE { 0 } else { 1 + number % (NAMESPACES - 1) }
}

fn memory(number: u64, count: u64, vector: Option<Vec<f32>>) -> Memory {
    let (words, named) = drawn(number);
    let mut words: Vec<String> = words.into_iter().map(word).collect();
    words.insert(3, name(named));
    let namespace = namespace(number, count);
    // Neighbours of a namespace follow each other by its own count.
    let place = if namespace == 0 { number } else { number / (NAMESPACES - 1) };
    Memory {
        record_id: format!("m-{number:08}"),
        namespace: format!("case-{namespace:03}"),
        key: format!("fact-{number:08}"),
        content: words.join(" "),
        agent_id: Some(["Anna", "Ben"][(number % 2) as usize].into()),
        session_id: Some(format!("s-{}", place / SESSION)),
        created_at: Some(Timestamp::from_micros(
            1_700_000_000_000_000 + number as i64 * 60_000_000,
        )),
        embedding: vector.map(|values| Vector::from_slice(&values)),
        ..Memory::default()
    }
}

/// A vector that is near those of the same name.
fn vector(number: u64) -> Vec<f32> {
    let (_, named) = drawn(number);
    let (mut centre, mut noise) = (Random::new(named + 1), Random::new(number + 1));
    let value = |random: &mut Random| random.below(2_000) as f32 / 1_000.0 - 1.0;
    (0..DIMENSION).map(|_| value(&mut centre) + 0.5 * value(&mut noise)).collect()
}

fn question(number: u64, count: u64) -> (String, Vec<f32>) {
    let memory = Random::new(number + 77).below(count / LARGEST_SHARE);
    let (words, named) = drawn(memory);
    // The words that say most are the rare ones.
    let mut rare = words;
    rare.sort_unstable();
    let words: Vec<String> =
        rare.iter().rev().take(2 + (number % 2) as usize).map(|it| word(*it)).collect();
    let text =
        format!("When did {} say what the {} was about?", name(named), words.join(" and the "));
    (text, vector(memory))
}

/// Runs the suite for a system.
pub fn run(task: &Task, count: u64) -> Outcome {
    if task.system != "engraph" {
        return task.unknown_system();
    }
    let asked: Vec<(String, Vec<f32>)> =
        (0..QUESTIONS).map(|number| question(number, count)).collect();
    let asked: Vec<(&str, &[f32])> =
        asked.iter().map(|(text, vector)| (text.as_str(), vector.as_slice())).collect();
    let store = load(task, "text", count, |_| None)?;
    let start = Instant::now();
    recall(&store, asked[0].0).run()?;
    say("recall_first_ms", start.elapsed().as_secs_f64() * 1e3, 1, None)?;
    let hits = |(text, _): (&str, &[f32])| Ok(recall(&store, text).run()?.hits);
    let times = each(&asked, hits, |hits| sum(hits.iter().map(|hit| hit.id.key())))?;
    times.say("recall_p50")?;
    say("recall_p99", times.at(0.99), times.count(), Some(times.sum))?;
    let context = |(text, _): (&str, &[f32])| Ok(recall(&store, text).context(TOKENS)?.items);
    let times = each(&asked, context, |items| sum(items.iter().map(|item| item.id.key())))?;
    times.say("context_p50")?;
    store.close()?;
    let store = load(task, "hybrid", count, |number| Some(vector(number)))?;
    let hits = |(text, vector): (&str, &[f32])| {
        Ok(recall(&store, text).vector(vector).fields(RecallFields::Ids).run()?.hits)
    };
    let times = each(&asked, hits, |hits| sum(hits.iter().map(|hit| hit.id.key())))?;
    times.say("recall_hybrid_p50")?;
    Ok(store.close()?)
}

fn recall<'s>(store: &'s Store, text: &str) -> Recall<'s> {
    let asked_at = Timestamp::from_micros(1_800_000_000_000_000);
    store.recall(text).namespace("case-000").asked_at(asked_at)
}

fn load(
    task: &Task,
    folder: &str,
    count: u64,
    vector: impl Fn(u64) -> Option<Vec<f32>>,
) -> Outcome<Store> {
    let store = Store::create(task.folder.join(folder))?;
    store.bulk(|tx| {
        (0..count)
            .try_for_each(|number| tx.insert(&memory(number, count, vector(number))).map(drop))
    })?;
    Ok(store)
}

fn sum(keys: impl Iterator<Item = u64>) -> u64 {
    keys.fold(0, mix)
}
