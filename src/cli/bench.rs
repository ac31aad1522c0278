//! `engraph bench`: measures recalls on a set of memories and questions.
//!
//! A set is a folder with `memories.jsonl`, `questions.jsonl` and, for vectors, `embeddings.f32`
//! (little-endian, 384 values a row: first all memories, then all questions). A memory has `id`,
//! `namespace` and `text`, and perhaps `session`, `at` and `agent`; a question `id`, `namespace`,
//! `question`, `evidence` (ids of memories), and perhaps `asked_at`. Nothing of a question but its
//! text, its time and its vector is shown to the store.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, Subcommand};
use engraph::family::{NearDuplicates, RecallFields, RecallSignal, RecallWeights};
use engraph::record::{Memory, Vector};
use engraph::{NodeId, Store, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};

/// Values of a vector in `embeddings.f32`.
const DIMENSION: usize = 384;
/// Hits asked for each question.
const LIMIT: usize = 20;
const DEPTHS: [usize; 3] = [5, 10, 20];

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Ask a set of questions, and compare what is recalled with what should be
    Recall(RecallArguments),
}

#[derive(Args, Debug)]
struct RecallArguments {
    /// The folder of the set: memories.jsonl, questions.jsonl, embeddings.f32
    set: PathBuf,

    /// Give the vectors too
    #[arg(long)]
    hybrid: bool,

    /// Write the hits of each question here, one JSON object a line
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Load the set so many more times, under other namespaces
    #[arg(long, value_name = "N", default_value_t = 0)]
    crowd: usize,

    /// Weights to begin with: default, legacy or words
    #[arg(long, value_name = "NAME", default_value = "default")]
    preset: String,

    /// Another weight for a signal, for example `vector=0.5`; 0 leaves it out
    #[arg(long, value_name = "SIGNAL=WEIGHT")]
    weight: Vec<String>,

    /// Show memories that say nearly the same one by one
    #[arg(long)]
    near_duplicates: bool,
}

#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    namespace: String,
    #[serde(default)]
    session: Option<String>,
    #[serde(default)]
    at: Option<Timestamp>,
    #[serde(default)]
    agent: Option<String>,
    text: String,
}

#[derive(Debug, Deserialize)]
struct Question {
    id: String,
    namespace: String,
    #[serde(rename = "question")]
    text: String,
    evidence: Vec<String>,
    #[serde(default)]
    asked_at: Option<Timestamp>,
}

/// What is measured, each a mean over the questions.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Measures {
    any: [f64; 3],
    all: [f64; 3],
    recall: [f64; 3],
    ndcg_10: f64,
    mrr: f64,
}

#[derive(Serialize)]
struct Outcome {
    memories: usize,
    questions: usize,
    hybrid: bool,
    #[serde(flatten)]
    measures: Measures,
    p50_ms: f64,
    p95_ms: f64,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Recall(arguments) => recall(arguments, output),
    }
}

fn recall(arguments: &RecallArguments, output: &mut Output) -> Result<Answer, Failure> {
    let weights = weights(&arguments.preset, &arguments.weight)?;
    let memories: Vec<Line> = lines(&arguments.set.join("memories.jsonl"))?;
    let questions: Vec<Question> = lines(&arguments.set.join("questions.jsonl"))?;
    let rows = memories.len() + questions.len();
    let vectors = if arguments.hybrid { Some(read_vectors(&arguments.set, rows)?) } else { None };
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::io("make a folder below", &std::env::temp_dir(), &error))?;
    let store = Store::create(folder.path().join("store"))?;
    let names = load(&store, &memories, vectors.as_deref(), arguments.crowd)?;
    let mut replies = Vec::new();
    // The first pass warms up; the second one is measured.
    for _ in 0..2 {
        replies.clear();
        for (at, question) in questions.iter().enumerate() {
            let row = vectors.as_deref().map(|vectors| &vectors[memories.len() + at]);
            let how = (row.map(Vec::as_slice), weights, arguments);
            replies.push(ask(&store, question, how, &names)?);
        }
    }
    store.close()?;
    if let Some(out) = &arguments.out {
        write_run(out, &replies)?;
    }
    let memories = memories.len() * (1 + arguments.crowd);
    let outcome = Outcome { memories, ..outcome(&questions, &replies, arguments.hybrid) };
    show(&outcome, output)?;
    Ok(Answer::Yes)
}

/// The weights that a preset and single settings give.
pub(super) fn weights(preset: &str, settings: &[String]) -> Result<RecallWeights, Failure> {
    let mut weights = RecallWeights::preset(preset)?;
    for setting in settings {
        let bad = || {
            let known = RecallSignal::ALL.iter().map(|signal| signal.name());
            Failure::usage(format!("{setting:?} is no weight of a signal")).hint(format!(
                "SIGNAL=WEIGHT, with one of {}",
                known.collect::<Vec<_>>().join(", ")
            ))
        };
        let (name, weight) = setting.split_once('=').ok_or_else(bad)?;
        let signal = RecallSignal::ALL.iter().find(|signal| signal.name() == name);
        let weight: f32 = weight.parse().map_err(|_| bad())?;
        weights = weights.with(*signal.ok_or_else(bad)?, weight);
    }
    Ok(weights)
}

fn lines<T: DeserializeOwned>(file: &Path) -> Result<Vec<T>, Failure> {
    let text = fs::read_to_string(file).map_err(|error| Failure::io("read", file, &error))?;
    let rows = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    rows.map(|(at, line)| {
        serde_json::from_str(line)
            .map_err(|error| Failure::usage(format!("{} line {}: {error}", file.display(), at + 1)))
    })
    .collect()
}

fn read_vectors(set: &Path, count: usize) -> Result<Vec<Vec<f32>>, Failure> {
    let file = set.join("embeddings.f32");
    let bytes = fs::read(&file).map_err(|error| Failure::io("read", &file, &error))?;
    let values: Vec<f32> =
        bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    if values.len() != count * DIMENSION {
        let message = format!(
            "{} holds {} bytes; {count} rows of {DIMENSION} values are {}",
            file.display(),
            bytes.len(),
            count * DIMENSION * 4,
        );
        return Err(Failure::usage(message));
    }
    Ok(values.chunks_exact(DIMENSION).map(<[f32]>::to_vec).collect())
}

/// Puts the memories into the store, and gives back their names by their ids.
fn load<'a>(
    store: &Store,
    memories: &'a [Line],
    vectors: Option<&[Vec<f32>]>,
    crowd: usize,
) -> Result<HashMap<NodeId, &'a str>, Failure> {
    let mut names = HashMap::new();
    for copy in 0..=crowd {
        let under = |text: &str| match copy {
            0 => text.to_owned(),
            copy => format!("crowd-{copy}/{text}"),
        };
        let ids = store.bulk(|tx| {
            let mut ids = Vec::with_capacity(memories.len());
            for (at, line) in memories.iter().enumerate() {
                ids.push(tx.insert(&Memory {
                    record_id: under(&line.id),
                    namespace: under(&line.namespace),
                    key: under(&line.id),
                    content: line.text.clone(),
                    agent_id: line.agent.clone(),
                    session_id: line.session.clone(),
                    created_at: line.at,
                    updated_at: line.at,
                    embedding: vectors.map(|vectors| Vector::from_slice(&vectors[at])),
                    ..Memory::default()
                })?);
            }
            Ok(ids)
        })?;
        if copy == 0 {
            names.extend(ids.into_iter().zip(memories.iter().map(|line| line.id.as_str())));
        }
    }
    Ok(names)
}

/// A question, and the names of the memories that were recalled for it.
#[derive(Serialize)]
struct Reply<'a> {
    question_id: &'a str,
    hits: Vec<&'a str>,
    ms: f64,
}

fn ask<'a>(
    store: &Store,
    question: &'a Question,
    (vector, weights, arguments): (Option<&[f32]>, RecallWeights, &RecallArguments),
    names: &HashMap<NodeId, &'a str>,
) -> Result<Reply<'a>, Failure> {
    let mut recall = store
        .recall(question.text.as_str())
        .namespace(question.namespace.as_str())
        .weights(weights)
        .fields(RecallFields::Ids)
        .limit(LIMIT);
    if let Some(asked_at) = question.asked_at {
        recall = recall.asked_at(asked_at);
    }
    if let Some(vector) = vector {
        recall = recall.vector(vector);
    }
    if arguments.near_duplicates {
        recall = recall.near_duplicates(NearDuplicates::Show);
    }
    let start = Instant::now();
    let found = recall.run()?;
    let ms = start.elapsed().as_secs_f64() * 1_000.0;
    // A hit of another namespace would have no name here, and count as wrong.
    let name = |id: &NodeId| names.get(id).copied().unwrap_or("of another namespace");
    let hits = found.hits.iter().map(|hit| name(&hit.id)).collect();
    Ok(Reply { question_id: &question.id, hits, ms })
}

fn write_run(out: &Path, replies: &[Reply<'_>]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io("write", out, &error);
    let mut file = std::io::BufWriter::new(fs::File::create(out).map_err(failed)?);
    for reply in replies {
        super::output::write_json(&mut file, reply).map_err(failed)?;
        file.write_all(b"\n").map_err(failed)?;
    }
    file.flush().map_err(failed)
}

impl Measures {
    /// The measures of one question.
    fn of(hits: &[&str], evidence: &HashSet<&str>) -> Self {
        let mut measures = Self::default();
        let wanted = evidence.len().max(1);
        let places: Vec<usize> =
            (0..hits.len()).filter(|at| evidence.contains(hits[*at])).collect();
        for (slot, depth) in DEPTHS.into_iter().enumerate() {
            let found = places.iter().filter(|at| **at < depth).count();
            measures.any[slot] = f64::from(u8::from(found > 0));
            measures.all[slot] = f64::from(u8::from(found == evidence.len()));
            measures.recall[slot] = found as f64 / wanted as f64;
        }
        let gain = |at: usize| 1.0 / ((at + 2) as f64).log2();
        let ideal: f64 = (0..wanted.min(10)).map(gain).sum();
        let first = places.iter().copied().filter(|at| *at < 10);
        measures.ndcg_10 = first.map(gain).sum::<f64>() / ideal;
        measures.mrr = places.first().map_or(0.0, |at| 1.0 / (at + 1) as f64);
        measures
    }

    fn add(&mut self, other: &Self, share: f64) {
        let pairs = [
            (&mut self.any, &other.any),
            (&mut self.all, &other.all),
            (&mut self.recall, &other.recall),
        ];
        for (sums, values) in pairs {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value * share;
            }
        }
        self.ndcg_10 += other.ndcg_10 * share;
        self.mrr += other.mrr * share;
    }
}

/// The smallest value with at least so many of a hundred at or below it.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

fn outcome(questions: &[Question], replies: &[Reply<'_>], hybrid: bool) -> Outcome {
    let mut measures = Measures::default();
    for (question, reply) in questions.iter().zip(replies) {
        let evidence = question.evidence.iter().map(String::as_str).collect();
        measures.add(&Measures::of(&reply.hits, &evidence), 1.0 / questions.len() as f64);
    }
    let mut times: Vec<f64> = replies.iter().map(|reply| reply.ms).collect();
    times.sort_by(f64::total_cmp);
    Outcome {
        memories: 0,
        questions: questions.len(),
        hybrid,
        measures,
        p50_ms: percentile(&times, 0.5),
        p95_ms: percentile(&times, 0.95),
    }
}

fn show(outcome: &Outcome, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(outcome);
    }
    let mut rows = Rows::new(["measure", "#@5", "#@10", "#@20"]);
    let Measures { any, all, recall, ndcg_10, mrr } = outcome.measures;
    let percent = |value: f64| format!("{:.1}", value * 100.0);
    for (name, values) in [("any", any), ("all", all), ("recall", recall)] {
        let cells = values.map(percent);
        rows.push([name, &cells[0], &cells[1], &cells[2]]);
    }
    rows.push(["ndcg", "", &percent(ndcg_10), ""]);
    rows.push(["mrr", "", "", &percent(mrr)]);
    output.table(&rows)?;
    output.line(format_args!(
        "{} questions of {} memories in the store; p50 {:.3} ms, p95 {:.3} ms",
        outcome.questions, outcome.memories, outcome.p50_ms, outcome.p95_ms
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_those_of_the_set() {
        let evidence = HashSet::from(["a", "b", "c"]);
        let measures = Measures::of(&["x", "a", "y", "b"], &evidence);
        assert_eq!((measures.any[0], measures.all[0]), (1.0, 0.0));
        assert!((measures.recall[0] - 2.0 / 3.0).abs() < 1e-12);
        assert!((measures.mrr - 0.5).abs() < 1e-12);
        let ideal = 1.0 + 1.0 / 3.0_f64.log2() + 0.5;
        let gained = 1.0 / 3.0_f64.log2() + 1.0 / 5.0_f64.log2();
        assert!((measures.ndcg_10 - gained / ideal).abs() < 1e-12);
        assert!(Measures::of(&[], &evidence).recall[2].abs() < 1e-12);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert!((percentile(&values, 0.5) - 2.0).abs() < 1e-12);
        assert!((percentile(&values, 0.95) - 4.0).abs() < 1e-12);
        assert!(percentile(&[], 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_weight_is_set_by_the_name_of_its_signal() {
        let weights = weights("words", &["vector=0.5".to_owned()]).unwrap();
        assert_eq!((weights.words, weights.vector), (1.0, 0.5));
        for bad in ["vector", "vector=", "none=1", "vector=x"] {
            assert!(super::weights("default", &[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
