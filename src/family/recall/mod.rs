//! Recall: which memories have to do with a question, and why.
//!
//! The score of a memory is a weighted sum of normalised signals: words, what stands around them,
//! links between memories, vectors where they are given, who speaks, and time. `docs/memory.md`
//! has the formula of each, where it comes from, and what it adds on which data.
//!
//! Memories are held in memory by scope (a namespace, whole or through some of its agents), and
//! nothing outside the scope has a say in a score. The same question to the same memories gives
//! the same answer, whatever the number of threads and the history of the store.

mod answer;
mod cohesion;
mod context;
mod evidence;
mod groups;
mod index;
mod keep;
mod mark;
mod question;
mod rank;
mod run;
mod score;
mod time;
mod weights;
mod why;
mod words;

pub use answer::{RecallFields, RecallHit, RecallStep, RecallVia, Recalled, SignalPart};
pub use context::{ContextItem, LeftOut, RecallContext, count_tokens};
pub use keep::RecallStats;
pub use mark::{MarkOutcome, RecallCheck, RecallMarks};
pub use run::{NearDuplicates, Recall, RecallUse};
pub use weights::{RecallSignal, RecallWeights};
pub use why::{RecallReason, RecallVerdict};
