//! Marks: what should have been recalled.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Facts, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

/// A memory should be recalled by a question. Kept, so that it can be tried again after every
/// change of weights.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecallMark {
    /// The question.
    pub question: String,
    /// The namespace that is asked.
    pub namespace: String,
    /// The memory that should come.
    pub memory: Option<NodeId>,
    /// Name of the memory.
    pub record_id: String,
    /// When the question was asked, for what it says about time.
    pub asked_at: Option<Timestamp>,
    /// Who says so.
    pub agent_id: Option<String>,
    /// When the mark was made.
    pub created_at: Option<Timestamp>,
}

impl Record for RecallMark {
    const NAME: &'static str = "recall_mark";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique("mark", (&self.namespace, &self.question, &self.record_id));
        facts.index("namespace", (&self.namespace, self.created_at));
        facts.link("should_recall", self.memory);
        facts.text("title", self.question.as_str());
        facts.keyword("namespace", self.namespace.as_str());
        facts.keyword("agent", self.agent_id.as_deref());
        facts.time("created", self.created_at);
    }
}
