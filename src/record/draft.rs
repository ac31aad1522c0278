//! Drafts: memories that wait for a person to look at them before they count.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::{Facts, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

text_enum! {
    /// State of a draft.
    DraftStatus {
        /// Takes changes, and waits for a decision.
        Open = "open",
        /// Its changes were made.
        Merged = "merged",
        /// Its changes were thrown away.
        Dropped = "dropped",
    }
}

text_enum! {
    /// What a draft would do to a memory.
    DraftAction {
        /// Add it.
        Add = "add",
        /// Change it.
        Change = "change",
        /// Delete it.
        Delete = "delete",
    }
}

/// A named set of changes to memories that do not count yet.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// Its name; the natural key.
    pub name: String,
    /// Who began it.
    pub author: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// State.
    pub status: DraftStatus,
    /// When it was begun.
    pub created_at: Option<Timestamp>,
    /// Who merged or dropped it.
    pub decided_by: Option<String>,
    /// When it was merged or dropped.
    pub decided_at: Option<Timestamp>,
}

impl Record for Draft {
    const NAME: &'static str = "draft";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("name", &self.name);
        facts.index("status", (&self.status, self.created_at));
    }
}

/// A change of a draft. It is no memory: it is not recalled, listed or found by a search.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DraftMemory {
    /// The draft.
    pub draft: Option<NodeId>,
    /// What it would do.
    pub action: DraftAction,
    /// The memory that it would change or delete.
    pub memory: Option<NodeId>,
    /// The memory as it was when the change was drafted, encoded, so that merging can tell by its
    /// bytes whether somebody has changed it since.
    #[serde(with = "serde_bytes", skip_serializing_if = "Vec::is_empty")]
    pub(crate) before: Vec<u8>,
    /// The memory as it would be, encoded.
    #[serde(with = "serde_bytes", skip_serializing_if = "Vec::is_empty")]
    pub(crate) after: Vec<u8>,
    /// When it was drafted.
    pub created_at: Option<Timestamp>,
}

impl Record for DraftMemory {
    const NAME: &'static str = "draft_memory";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let (Some(draft), Some(memory)) = (self.draft, self.memory) {
            facts.unique("draft_memory", (draft, memory));
        }
        facts.index("draft", self.draft);
        facts.link("draft", self.draft);
        facts.link("memory", self.memory);
    }
}
