//! Learns the weights of a recall from sets of questions with known answers.
//!
//! ```text
//! cargo run --release --example recall_learn -- SET... [--hybrid]
//! ```
//!
//! A set is a folder as `engraph bench recall` takes it. The signals of the first hundred memories
//! of each question are gathered, and a linear mix is fitted to them: the cross entropy of each
//! piece of evidence against what is none, by gradient descent, all sets counting the same. Then
//! the same is done once without each set, and the weights so learned are tried on it.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use engraph::family::{NearDuplicates, RecallFields, RecallSignal, RecallWeights};
use engraph::record::{Memory, Vector};
use engraph::{NodeId, Store, Timestamp};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

const CANDIDATES: usize = 100;
const DIMENSION: usize = 384;
const ROUNDS: usize = 300;
/// How much a difference of scores says, before weights are learned.
const SHARPNESS: f64 = 20.0;
const STEP: f64 = 0.02;
const RESTRAINT: f64 = 0.01;

/// The signals of a candidate, unweighted, and whether it is evidence.
struct Candidate {
    values: Vec<f64>,
    is_evidence: bool,
}

struct Question {
    candidates: Vec<Candidate>,
    evidence: usize,
}

struct Set {
    name: String,
    questions: Vec<Question>,
}

fn main() -> Outcome<()> {
    let (mut folders, mut hybrid) = (Vec::new(), false);
    for argument in std::env::args().skip(1) {
        if argument == "--hybrid" {
            hybrid = true;
        } else {
            folders.push(PathBuf::from(argument));
        }
    }
    if folders.is_empty() {
        println!("usage: recall_learn SET... [--hybrid]");
        return Ok(());
    }
    let sets = folders.iter().map(|folder| gather(folder, hybrid)).collect::<Outcome<Vec<_>>>()?;
    let start: Vec<f64> = RecallSignal::ALL
        .iter()
        .map(|signal| f64::from(RecallWeights::default().of(*signal)))
        .collect();
    show("as shipped", &sets, &start);
    let all: Vec<&Set> = sets.iter().collect();
    let learned = learn(&all, &start);
    for (signal, (before, after)) in RecallSignal::ALL.iter().zip(start.iter().zip(&learned)) {
        if *before != 0.0 {
            println!("{:16} {before:6.2} -> {after:6.3}", signal.name());
        }
    }
    show("learned from all", &sets, &learned);
    for left_out in &sets {
        let others: Vec<&Set> = sets.iter().filter(|set| set.name != left_out.name).collect();
        if !others.is_empty() {
            let weights = learn(&others, &start);
            println!(
                "learned without {0}: {0} {1:.1}",
                left_out.name,
                recall_10(left_out, &weights)
            );
        }
    }
    Ok(())
}

fn show(what: &str, sets: &[Set], weights: &[f64]) {
    let figures: Vec<String> =
        sets.iter().map(|set| format!("{} {:.1}", set.name, recall_10(set, weights))).collect();
    println!("recall@10 {what}: {}", figures.join(", "));
}

/// The share of the evidence among the first ten, in percent.
fn recall_10(set: &Set, weights: &[f64]) -> f64 {
    let mut sum = 0.0;
    for question in &set.questions {
        let mut scores: Vec<(f64, bool)> = question
            .candidates
            .iter()
            .map(|candidate| (score(candidate, weights), candidate.is_evidence))
            .collect();
        scores.sort_by(|one, other| other.0.total_cmp(&one.0));
        let found = scores.iter().take(10).filter(|(_, is_evidence)| *is_evidence).count();
        sum += found as f64 / question.evidence.max(1) as f64;
    }
    100.0 * sum / set.questions.len().max(1) as f64
}

fn score(candidate: &Candidate, weights: &[f64]) -> f64 {
    candidate.values.iter().zip(weights).map(|(value, weight)| value * weight).sum()
}

/// Fits weights by gradient descent (Adam; Kingma and Ba 2015). Signals that nothing begins with
/// stay out; no signal changes its sign.
fn learn(sets: &[&Set], start: &[f64]) -> Vec<f64> {
    let mut weights = start.to_vec();
    let (mut mean, mut square) = (vec![0.0; start.len()], vec![0.0; start.len()]);
    for round in 1..=ROUNDS {
        let mut gradient: Vec<f64> = weights.iter().map(|weight| RESTRAINT * weight).collect();
        for set in sets {
            let share = 1.0 / set.questions.len().max(1) as f64;
            for question in &set.questions {
                add_gradient(question, &weights, share, &mut gradient);
            }
        }
        let step = if round > ROUNDS * 7 / 10 { STEP / 5.0 } else { STEP };
        for at in (0..weights.len()).filter(|at| start[*at] != 0.0) {
            mean[at] = 0.9 * mean[at] + 0.1 * gradient[at];
            square[at] = 0.99 * square[at] + 0.01 * gradient[at] * gradient[at];
            let (fair_mean, fair_square) = (
                mean[at] / (1.0 - 0.9_f64.powi(round as i32)),
                square[at] / (1.0 - 0.99_f64.powi(round as i32)),
            );
            weights[at] -= step * fair_mean / (fair_square.sqrt() + 1e-9);
            let sign = start[at].signum();
            weights[at] = sign * (sign * weights[at]).max(0.0);
        }
    }
    weights
}

fn add_gradient(question: &Question, weights: &[f64], share: f64, gradient: &mut [f64]) {
    let scores: Vec<f64> =
        question.candidates.iter().map(|one| SHARPNESS * score(one, weights)).collect();
    let most = scores.iter().copied().fold(f64::MIN, f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
    let pairs = || question.candidates.iter().zip(&powers);
    let others: f64 = pairs().filter(|(one, _)| !one.is_evidence).map(|(_, power)| power).sum();
    let evidence = pairs().filter(|(one, _)| one.is_evidence);
    let evidence: Vec<(&Candidate, f64)> =
        evidence.map(|(one, power)| (one, 1.0 - power / (power + others))).collect();
    if evidence.is_empty() || others <= 0.0 {
        return;
    }
    let share = SHARPNESS * share / evidence.len() as f64;
    let missing: f64 = evidence.iter().map(|(_, missing)| missing).sum();
    for (one, missing) in &evidence {
        for (sum, value) in gradient.iter_mut().zip(&one.values) {
            *sum -= share * missing * value;
        }
    }
    for (one, power) in pairs().filter(|(one, _)| !one.is_evidence) {
        for (sum, value) in gradient.iter_mut().zip(&one.values) {
            *sum += share * missing * power / others * value;
        }
    }
}

fn text<'v>(line: &'v Value, field: &str) -> Option<&'v str> {
    line.get(field).and_then(Value::as_str)
}

fn time(line: &Value, field: &str) -> Option<Timestamp> {
    text(line, field).and_then(|time| time.parse().ok())
}

fn lines(file: &Path) -> Outcome<Vec<Value>> {
    let text = fs::read_to_string(file)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Ok(lines.map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// Asks every question of a set and keeps the signals of what is recalled.
fn gather(folder: &Path, hybrid: bool) -> Outcome<Set> {
    let memories = lines(&folder.join("memories.jsonl"))?;
    let questions = lines(&folder.join("questions.jsonl"))?;
    // A set without vectors is asked without them.
    let vectors = if hybrid { fs::read(folder.join("embeddings.f32")).ok() } else { None };
    let vector = |row: usize| -> Option<Vec<f32>> {
        let bytes = vectors.as_ref()?.chunks_exact(DIMENSION * 4).nth(row)?;
        Some(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    };
    let home = tempfile::tempdir()?;
    let store = Store::create(home.path().join("store"))?;
    let mut names: HashMap<NodeId, &str> = HashMap::new();
    store.bulk(|tx| {
        for (row, line) in memories.iter().enumerate() {
            let owned = |field: &str| text(line, field).map(ToOwned::to_owned);
            let id = tx.insert(&Memory {
                record_id: owned("id").unwrap_or_default(),
                key: owned("id").unwrap_or_default(),
                namespace: owned("namespace").unwrap_or_default(),
                content: owned("text").unwrap_or_default(),
                agent_id: owned("agent"),
                session_id: owned("session"),
                created_at: time(line, "at"),
                embedding: vector(row).map(|values| Vector::from_slice(&values)),
                ..Memory::default()
            })?;
            names.insert(id, text(line, "id").unwrap_or_default());
        }
        Ok(())
    })?;
    let mut asked = Vec::new();
    for (row, line) in questions.iter().enumerate() {
        let mut recall = store
            .recall(text(line, "question").unwrap_or_default())
            .namespace(text(line, "namespace").unwrap_or_default())
            .near_duplicates(NearDuplicates::Show)
            .fields(RecallFields::Ids)
            .limit(CANDIDATES);
        if let Some(asked_at) = time(line, "asked_at") {
            recall = recall.asked_at(asked_at);
        }
        if let Some(values) = vector(memories.len() + row) {
            recall = recall.vector(&values);
        }
        let evidence = line.get("evidence").and_then(Value::as_array);
        let evidence: HashSet<&str> =
            evidence.into_iter().flatten().filter_map(Value::as_str).collect();
        let weights = RecallWeights::default();
        let candidates = recall.run()?.hits.into_iter().map(|hit| {
            let mut values = vec![0.0; RecallSignal::ALL.len()];
            for part in &hit.signals {
                values[part.signal as usize] = f64::from(part.value / weights.of(part.signal));
            }
            let is_evidence = names.get(&hit.id).is_some_and(|name| evidence.contains(name));
            Candidate { values, is_evidence }
        });
        let candidates = candidates.collect();
        asked.push(Question { candidates, evidence: evidence.len() });
    }
    store.close()?;
    let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
    Ok(Set { name, questions: asked })
}
