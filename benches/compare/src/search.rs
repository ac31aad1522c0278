//! Suite `search`: building an index of short texts, asking it, and keeping it up to date.
//!
//! `engraph` and `limit` give the same answers, which is checked; SQLite takes words apart and
//! ranks in its own way, so its answers are not compared.

mod engraph_system;
mod limit;
mod sqlite;
mod terms;

use std::path::Path;
use std::time::Instant;

use crate::Outcome;
use crate::child::{Task, say};
use crate::data::mix;
use crate::measure::{Times, each};
use crate::texts::{self, Question, Text};

/// The systems of this suite.
pub const SYSTEMS: &[&str] = &["engraph", "limit", "sqlite"];

/// Hits that a query wants.
pub const HITS: usize = 10;
const QUESTIONS: usize = 200;
/// Durable writes for each side of `write_overhead`.
const WRITES: usize = 500;
const FRESH_WRITES: usize = 100;
const MANY_WRITES: usize = 10_000;
/// Writes after which the index is brought up to date.
const BETWEEN: usize = 100;

/// One query.
#[derive(Clone, Copy, Debug)]
pub enum Query<'a> {
    /// One of the words is enough.
    Any(&'a [String]),
    /// Every one.
    All(&'a [String]),
    /// They follow each other.
    Phrase(&'a [String]),
    /// Words that begin like this.
    Prefix(&'a str),
    /// Words that are nearly this one.
    Misspelt(&'a str),
    /// As `Any`, among the texts of a topic.
    Filtered(&'a [String], &'a str),
}

/// A hit: the number of the text, from 1, and a score, higher for better ones.
pub type Hit = (u64, f32);

/// Texts that can be found.
pub trait Search: Sized {
    /// Takes texts in, where the system keeps texts, but indexes none. So many threads will;
    /// `None` where there cannot be that many.
    fn create(folder: &Path, texts: &[Text], threads: usize) -> Outcome<Option<Self>>;
    /// Indexes them, commit included.
    fn index(&mut self, texts: &[Text]) -> Outcome;
    /// Bytes of the index, texts and rows apart.
    fn disk(&self) -> Outcome<u64>;
    /// The best ten; `None` where there is no such query.
    fn find(&mut self, query: Query<'_>) -> Outcome<Option<Vec<Hit>>>;
    /// As `find` for any of some words, with the part of each text that was found: how many bytes
    /// that is.
    fn find_with_snippets(&mut self, _words: &[String]) -> Outcome<Option<usize>> {
        Ok(None)
    }
    /// Writes one text, durable on return; with the index or without any. Whether it is indexed at
    /// once is the system's affair.
    /// `false` where there is nothing to compare.
    fn put(&mut self, text: &Text, indexed: Indexed) -> Outcome<bool>;
    /// Makes everything written visible to queries.
    fn refresh(&mut self) -> Outcome;
    /// Segments that a query looks at; `None` where there are none.
    fn segments(&mut self) -> Outcome<Option<u64>>;
    /// Closes it.
    fn close(self) -> Outcome;
}

/// Whether a text is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexed {
    Yes,
    No,
}

/// Runs the suite for a system.
pub fn run(task: &Task, _stage: Option<&str>) -> Outcome {
    match task.system.as_str() {
        "engraph" => suite::<engraph_system::Engraph>(task, true),
        "limit" => suite::<limit::Limit>(task, true),
        "sqlite" => suite::<sqlite::Sqlite>(task, false),
        _ => task.unknown_system(),
    }
}

fn suite<S: Search>(task: &Task, compared: bool) -> Outcome {
    let texts = texts::all(&task.workload)?;
    let count = texts.len() as u64;
    for (threads, measure) in [(2, "index_2"), (1, "index")] {
        let folder = task.folder.join(measure);
        std::fs::create_dir_all(&folder)?;
        let Some(mut search) = S::create(&folder, &texts, threads)? else { continue };
        let start = Instant::now();
        search.index(&texts)?;
        say(measure, count as f64 / start.elapsed().as_secs_f64(), count, None)?;
        if threads == 1 {
            say("disk", search.disk()? as f64 / 1e6, count, None)?;
            queries(&mut search, &texts::questions(&texts, QUESTIONS)?, compared)?;
            writes(&mut search, &texts)?;
        }
        search.close()?;
    }
    Ok(())
}

type Asked = for<'a> fn(&'a Question) -> Query<'a>;

fn queries<S: Search>(search: &mut S, questions: &[Question], compared: bool) -> Outcome {
    let kinds: [(&str, Asked); 6] = [
        ("or10_p50", |one| Query::Any(&one.words)),
        ("and10_p50", |one| Query::All(&one.words)),
        ("phrase10_p50", |one| Query::Phrase(&one.phrase)),
        ("prefix10_p50", |one| Query::Prefix(&one.start)),
        ("fuzzy10_p50", |one| Query::Misspelt(&one.misspelt)),
        ("filtered10_p50", |one| Query::Filtered(&one.words, &one.topic)),
    ];
    let asked: Vec<&Question> = questions.iter().collect();
    for (measure, kind) in kinds {
        if search.find(kind(asked[0]))?.is_none() {
            continue;
        }
        let find = |one| Ok(search.find(kind(one))?.unwrap_or_default());
        let times = each(&asked, find, |hits| answer(hits))?;
        let check = compared.then_some(times.sum);
        say(measure, times.at(0.5), times.count(), check)?;
    }
    if search.find_with_snippets(&asked[0].words)?.is_some() {
        let find = |one: &Question| Ok(search.find_with_snippets(&one.words)?.unwrap_or_default());
        let times = each(&asked, find, |bytes| *bytes as u64)?;
        say("or10_snippets_p50", times.at(0.5), times.count(), None)?;
    }
    Ok(())
}

/// What does not depend on the order of equals: how many hits there are, and which ones are better
/// than the last, which others might have the score of.
fn answer(hits: &[Hit]) -> u64 {
    let last = hits.last().map_or(0.0, |hit| hit.1);
    let line = if hits.len() < HITS { f32::MIN } else { last * 1.000_01 };
    let better = hits.iter().filter(|hit| hit.1 > line);
    better.fold(hits.len() as u64, |sum, hit| sum.wrapping_add(mix(0, hit.0)))
}

/// A text like the others with a word that no other has: of consonants, which have no endings.
fn fresh_text(texts: &[Text], number: usize) -> (Text, String) {
    let model = &texts[number % texts.len()];
    let mut rest = number;
    let mut word = String::from("zq");
    while rest > 0 || word.len() < 6 {
        word.push(char::from(b"bcfghjkmpqrtvwxz"[rest % 16]));
        rest /= 16;
    }
    (Text { body: format!("{} {word}", model.body), topic: model.topic.clone() }, word)
}

fn writes<S: Search>(search: &mut S, texts: &[Text]) -> Outcome {
    let numbers: Vec<usize> = (0..WRITES).collect();
    let timed = |search: &mut S, indexed| -> Outcome<Option<Times>> {
        if !search.put(&fresh_text(texts, 0).0, indexed)? {
            return Ok(None);
        }
        let put = |number| search.put(&fresh_text(texts, number).0, indexed);
        each(&numbers, put, |_| 0).map(Some)
    };
    let without = timed(search, Indexed::No)?;
    let with = timed(search, Indexed::Yes)?;
    if let (Some(with), Some(without)) = (with, without) {
        say("write_overhead", with.at(0.5) / without.at(0.5), with.count(), None)?;
    }
    let mut next = WRITES * 2;
    let mut word = String::new();
    let mut waits = Vec::with_capacity(FRESH_WRITES);
    for _ in 0..FRESH_WRITES {
        next += 1;
        let text = fresh_text(texts, next);
        word.clone_from(&text.1);
        search.put(&text.0, Indexed::Yes)?;
        let start = Instant::now();
        search.refresh()?;
        let found = search.find(Query::Any(std::slice::from_ref(&word)))?;
        waits.push(start.elapsed().as_nanos() as f64 / 1e3);
        if found.is_none_or(|hits| hits.len() != 1) {
            return Err(format!("{word} is not found once").into());
        }
    }
    waits.sort_by(f64::total_cmp);
    say("fresh_p50", waits[waits.len() / 2], FRESH_WRITES as u64, None)?;
    if search.segments()?.is_none() {
        return Ok(());
    }
    for write in 0..MANY_WRITES {
        search.put(&fresh_text(texts, next + 1 + write).0, Indexed::Yes)?;
        if write % BETWEEN == BETWEEN - 1 {
            search.refresh()?;
        }
    }
    let segments = search.segments()?.unwrap_or_default();
    say("segments_after_10k_writes", segments as f64, MANY_WRITES as u64, None)
}
