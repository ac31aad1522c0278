//! What keeps records from being forgotten, and what is left when they were erased.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Facts, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

/// Forbids that records are erased or forgotten, until it is released.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LegalHold {
    /// Its name; the natural key.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Who ordered it.
    pub author: Option<String>,
    /// Records that it holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<NodeId>,
    /// Namespace whose memories and proposals it holds.
    pub namespace: Option<String>,
    /// Agent whose memories and proposals it holds.
    pub agent_id: Option<String>,
    /// Document that it holds, with its parts and what was remembered of it.
    pub document: Option<NodeId>,
    /// Since when.
    pub created_at: Option<Timestamp>,
    /// When it was released; it holds nothing from then on.
    pub released_at: Option<Timestamp>,
}

impl Record for LegalHold {
    const NAME: &'static str = "legal_hold";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("name", &self.name);
        facts.index("created", self.created_at);
        for (place, record) in self.records.iter().enumerate() {
            if !self.records[..place].contains(record) {
                facts.link("holds", *record);
            }
        }
        if self.document.is_some_and(|document| !self.records.contains(&document)) {
            facts.link("holds", self.document);
        }
        facts.text("name", self.name.as_str());
        facts.text("content", self.reason.as_str());
        facts.keyword("agent", self.author.as_deref());
        facts.time("created", self.created_at);
    }
}

/// Ids that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdRun {
    /// The first one.
    pub first: NodeId,
    /// How many, the first included.
    pub count: u64,
}

impl IdRun {
    /// Ids in order, as runs.
    #[must_use]
    pub fn of(ids: impl IntoIterator<Item = NodeId>) -> Vec<Self> {
        let mut runs: Vec<Self> = Vec::new();
        for id in ids {
            match runs.last_mut() {
                Some(run) if run.first.as_u64().checked_add(run.count) == Some(id.as_u64()) => {
                    run.count += 1;
                }
                _ => runs.push(Self { first: id, count: 1 }),
            }
        }
        runs
    }

    /// Whether an id is one of them.
    #[must_use]
    pub fn contains(&self, id: NodeId) -> bool {
        id >= self.first && id.as_u64() - self.first.as_u64() < self.count
    }
}

/// Says that something was erased, and nothing of what it was. Cannot be erased itself.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EraseReceipt {
    /// Who did it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When.
    pub erased_at: Option<Timestamp>,
    /// Which records, in order.
    pub ids: Vec<IdRun>,
    /// Numbers of sources of which everything was erased.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<u64>,
    /// Records that were there.
    pub records: u64,
    /// Earlier values of them.
    pub versions: u64,
    /// Edges that were made to or from them.
    pub edges: u64,
    /// Vectors beside them.
    pub vectors: u64,
    /// Payloads in the audit chain.
    pub payloads: u64,
    /// Imported rows.
    pub rows: u64,
    /// Cells of those that were not NULL.
    pub cells: u64,
}

impl Record for EraseReceipt {
    const NAME: &'static str = "erase_receipt";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("erased", self.erased_at);
        facts.index("author", (&self.author, self.erased_at));
        facts.text("content", self.reason.as_str());
        facts.keyword("agent", self.author.as_str());
        facts.time("created", self.erased_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::Kind;

    #[test]
    fn ids_that_follow_each_other_are_one_run() {
        let id = |kind, key| NodeId::new(Kind(kind), key).unwrap();
        let ids = [id(1, 4), id(1, 5), id(1, 7), id(2, 8)];
        let runs = IdRun::of(ids);
        let found: Vec<(NodeId, u64)> = runs.iter().map(|run| (run.first, run.count)).collect();
        assert_eq!(found, [(id(1, 4), 2), (id(1, 7), 1), (id(2, 8), 1)]);
        let contains = |id: NodeId| runs.iter().any(|run| run.contains(id));
        assert!(ids.iter().all(|id| contains(*id)));
        assert!(!contains(id(1, 6)) && !contains(id(1, 8)) && !contains(id(1, 3)));
    }
}
