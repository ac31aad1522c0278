//! Groups of records as the answers show them: how many, and some of them.

use engraph::NodeId;
use serde::Serialize;

use super::node::{label_of, shortened};
use super::{Asked, Failure};

/// A group as JSON output has it. The first member stands for all.
#[derive(Debug, Serialize)]
pub(super) struct Group<'a> {
    nodes: usize,
    label: Option<String>,
    members: &'a [NodeId],
}

impl<'a> Group<'a> {
    /// A group of these, of which at most so many are named.
    pub(super) fn load(
        on: &Asked<'_>,
        nodes: &'a [NodeId],
        members_max: usize,
    ) -> Result<Self, Failure> {
        let label = match nodes.first() {
            Some(first) => label_of(on.tx, *first)?,
            None => None,
        };
        Ok(Self { nodes: nodes.len(), label, members: &nodes[..nodes.len().min(members_max)] })
    }

    /// How many there are, the label of the first, and the members.
    pub(super) fn cells(&self) -> [String; 3] {
        let mut named: Vec<String> = self.members.iter().map(ToString::to_string).collect();
        if self.members.len() < self.nodes {
            named.push("...".to_owned());
        }
        [self.nodes.to_string(), shortened(self.label.as_deref()), named.join(" ")]
    }
}
