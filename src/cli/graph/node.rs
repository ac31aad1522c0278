//! Nodes and edges as the answers show them.

use std::collections::BTreeMap;

use engraph::{EdgeId, NodeId, ReadTx};
use serde::Serialize;

use super::{Asked, Failure, Output, shown, text};
use crate::cli::failure::Answer;
use crate::cli::output::Rows;

/// Longest label in a table, in characters.
const LABEL_MAX: usize = 48;

/// The record that the user names, which must be there.
pub(super) fn present(tx: &ReadTx, text: &str) -> Result<NodeId, Failure> {
    let id = shown::id_named(tx, text)?;
    if tx.contains(id)? { Ok(id) } else { Err(Failure::no(format!("there is no record {id}"))) }
}

/// A record with what to call it. A dangling end has no label.
pub(super) fn label_of(tx: &ReadTx, id: NodeId) -> Result<Option<String>, Failure> {
    let kinds_known = tx.kind_name(id.kind()).is_some();
    if !kinds_known || !tx.contains(id)? {
        return Ok(None);
    }
    match tx.get_json(id) {
        Ok(record) => Ok(record.as_ref().map(shown::label)),
        // A type that is not registered here can be a neighbour, it only cannot be shown.
        Err(engraph::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A label as a cell of a table.
pub(super) fn shortened(label: Option<&str>) -> String {
    label.map_or_else(|| "(not there)".to_owned(), |label| text::shortened(label, LABEL_MAX))
}

/// How an edge is called: its number, the record that states it, or nothing for a link.
pub(super) fn edge_name(edge: EdgeId) -> Option<String> {
    match edge.stated_by() {
        Some(record) => Some(record.to_string()),
        None if edge.is_link() => None,
        None => Some(edge.to_string()),
    }
}

/// A node as JSON output has it, and the first cells of its row.
#[derive(Debug, Serialize)]
pub(super) struct ShownNode {
    pub(super) node: NodeId,
    pub(super) kind: String,
    pub(super) label: Option<String>,
}

impl ShownNode {
    pub(super) fn load(tx: &ReadTx, node: NodeId) -> Result<Self, Failure> {
        Ok(Self { node, kind: shown::kind_of(tx, node), label: label_of(tx, node)? })
    }

    /// Id, kind and label.
    pub(super) fn cells(&self) -> [String; 3] {
        [self.node.to_string(), self.kind.clone(), shortened(self.label.as_deref())]
    }
}

/// Labels as cells of a table, each looked up once.
pub(super) struct Labels<'a> {
    tx: &'a ReadTx,
    known: BTreeMap<NodeId, String>,
}

impl<'a> Labels<'a> {
    pub(super) fn new(tx: &'a ReadTx) -> Self {
        Self { tx, known: BTreeMap::new() }
    }

    pub(super) fn cell(&mut self, node: NodeId) -> Result<String, Failure> {
        if let Some(label) = self.known.get(&node) {
            return Ok(label.clone());
        }
        let label = shortened(label_of(self.tx, node)?.as_deref());
        self.known.insert(node, label.clone());
        Ok(label)
    }
}

/// A number that was computed, without the digits that only rounding has put there.
pub(super) fn rounded(number: f64) -> String {
    let text = format!("{number:.6}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Writes the table, and says what it leaves out. The answer is no when there is nothing.
pub(super) fn finish(
    rows: &Rows,
    found: usize,
    (limit, option): (usize, &str),
    output: &mut Output,
) -> Result<Answer, Failure> {
    if !output.is_json() {
        if found == 0 {
            output.note("there are none")?;
        } else {
            output.table(rows)?;
        }
        if found > limit {
            output.note(format_args!("there are more: {option}"))?;
        }
    }
    Ok(Answer::yes_if(found > 0))
}

/// Writes records, and nothing else of them than what they are.
pub(super) fn list(
    on: &Asked<'_>,
    nodes: &[NodeId],
    limit: usize,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let mut rows = Rows::new(["id", "kind", "label"]);
    for node in nodes.iter().take(limit) {
        let shown = ShownNode::load(on.tx, *node)?;
        if output.is_json() {
            output.json(&shown)?;
        } else {
            rows.push(shown.cells());
        }
    }
    finish(&rows, nodes.len(), (limit, "--limit"), output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computed_numbers_are_shown_without_noise() {
        let shown = [0.1 + 0.2, 100.0, 2.5, 0.0, -1.25, 1e-9, f64::INFINITY].map(rounded);
        assert_eq!(shown, ["0.3", "100", "2.5", "0", "-1.25", "0", "inf"]);
    }
}
