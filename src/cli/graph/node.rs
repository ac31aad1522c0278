//! Nodes and edges as the answers show them.

use engraph::{EdgeId, NodeId, ReadTx};
use serde::Serialize;

use super::{Failure, Output, shown, text};
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
