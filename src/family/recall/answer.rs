//! What a recall answers with.

use std::ops::Range;

use serde::Serialize;

use super::weights::{RecallSignal, SIGNALS};
use crate::base::id::{NodeId, Seq};
use crate::record::Memory;

/// What a signal adds to a hit's score, its weight included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SignalPart {
    /// The signal.
    pub signal: RecallSignal,
    /// What it adds; below zero where it speaks against the memory.
    pub value: f32,
}

/// How a step of an evidence path is joined with the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecallVia {
    /// The first step: words of the question, or others that stand for them.
    Words,
    /// The next one stands beside it in the session.
    Neighbor,
    /// Both have this name, code or identifier.
    Name(String),
    /// An edge of the graph joins them.
    Edge,
    /// Its vector is near the question's.
    Vector,
    /// It is of a session that has words of the question.
    Session,
}

/// A step from the question to a memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecallStep {
    /// The memory of this step.
    pub memory: NodeId,
    /// How it is joined with the step before, or with the question.
    pub via: RecallVia,
    /// The bytes of its content that say so, in order; none where the content was not asked for.
    pub spans: Vec<Range<usize>>,
}

/// How much of a memory a hit brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecallFields {
    /// Its id alone: no record is read.
    Ids,
    /// Names, and a passage around what was found.
    #[default]
    Snippet,
    /// The whole memory.
    Full,
}

/// A memory that was recalled.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecallHit {
    /// The memory.
    pub id: NodeId,
    /// The namespace that it is of.
    pub namespace: String,
    /// The sum of its signals. 1 is about what a memory would have that has every word of the
    /// question and stands among others that do.
    pub score: f32,
    /// Every signal that says something, in the order of the table.
    pub signals: Vec<SignalPart>,
    /// The chain of memories from the question to this one, which is the last.
    pub path: Vec<RecallStep>,
    /// Others that say the same, in the order of their scores; they are not shown by themselves.
    pub near_duplicates: Vec<NodeId>,
    /// Its name; nothing where ids alone were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_id: Option<String>,
    /// A passage of its content; nothing where ids alone were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
    /// The memory itself, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// What a recall found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Recalled {
    /// The hits, the best first; equal ones in the order of their ids. Empty where nothing that is
    /// remembered has to do with the question.
    pub hits: Vec<RecallHit>,
    /// The share of the question's words that the memories know, of the namespace that knows most.
    pub known: f32,
    /// The state of the store that was asked.
    pub seq: Seq,
}

/// The signals of a score that say something.
pub(super) fn signals_of(parts: &[f32; SIGNALS]) -> Vec<SignalPart> {
    let all = RecallSignal::ALL.iter().zip(parts);
    all.filter(|(_, value)| **value != 0.0)
        .map(|(signal, value)| SignalPart { signal: *signal, value: *value })
        .collect()
}
