//! `engraph list`: the records of a kind, in the order of their ids or of an index.

use std::path::PathBuf;

use clap::Args;
use engraph::{Error, Kind, NodeId, ReadTx, Store};
use serde_json::Value;

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::shown::{self, Shown};
use super::{place, text};

/// Widest cell of a table, in characters.
const CELL_MAX: usize = 48;
/// Columns of a table besides the id.
const FIELDS_MAX: usize = 6;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The store's directory
    store: PathBuf,

    /// Kind of the records, for example document
    kind: String,

    /// Order of this index instead of the ids
    #[arg(long, value_name = "NAME")]
    index: Option<String>,

    /// Only what comes after this record
    #[arg(long, value_name = "ID")]
    after: Option<String>,

    /// Records to list at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let store = place::open_to_read(&arguments.store)?;
    place::closing(&store, |store| list(store, arguments, output))
}

fn list(store: &Store, arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let tx = store.read()?;
    let kind = shown::kind_named(&tx, &arguments.kind)?;
    let after = arguments.after.as_deref().map(|id| shown::id_named(&tx, id)).transpose()?;
    let mut records = match &arguments.index {
        None => tx.iter_json(kind, after)?,
        Some(index) => tx
            .index_json(kind, index, after)
            .map_err(|error| index_failure(&tx, kind, index, error))?,
    };
    let mut page = Vec::new();
    let mut last = None;
    for record in records.by_ref().take(arguments.limit) {
        let (id, record) = record?;
        last = Some(id);
        if output.is_json() {
            output.json(&Shown::new(&tx, id, record))?;
        } else {
            page.push((id, record));
        }
    }
    if !output.is_json() {
        show(&page, output)?;
        if let Some(last) = last
            && records.next().is_some()
        {
            output.note(format_args!("there are more: --after {last}"))?;
        }
    }
    Ok(Answer::Yes)
}

fn index_failure(tx: &ReadTx, kind: Kind, index: &str, error: Error) -> Failure {
    if !matches!(&error, Error::NotFound { what, .. } if what == "index") {
        return error.into();
    }
    let failure = Failure::usage(format!("no index of this kind is called {index:?}"));
    match tx.indexes(kind) {
        Ok(names) if names.is_empty() => {
            failure.hint("there are no records of this kind that an index could order")
        }
        Ok(names) => failure.hint(format!("its indexes: {}", names.join(", "))),
        Err(error) => error.into(),
    }
}

/// A table of the fields that the records have in common and that are short.
fn show(page: &[(NodeId, Value)], output: &mut Output) -> Result<(), Failure> {
    if page.is_empty() {
        return output.note("there are none");
    }
    let fields = columns(page, output.columns());
    let mut rows = Rows::new(std::iter::once("id").chain(fields.iter().map(String::as_str)));
    for (id, record) in page {
        let cells = fields.iter().map(|field| cell(record, field));
        rows.push(std::iter::once(id.to_string()).chain(cells));
    }
    output.table(&rows)
}

fn cell(record: &Value, field: &str) -> String {
    let value = record.get(field).map(shown::plain).unwrap_or_default();
    text::shortened(&value, CELL_MAX)
}

/// The fields to show: in the order in which the records have them, as many as fit.
fn columns(page: &[(NodeId, Value)], width: usize) -> Vec<String> {
    let mut names: Vec<&String> = Vec::new();
    for (_, record) in page {
        for (name, value) in record.as_object().into_iter().flatten() {
            let is_simple = !value.is_object() && !value.is_array() && !value.is_null();
            if is_simple && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let id_width = page.iter().map(|(id, _)| id.to_string().len()).max().unwrap_or(0);
    let mut left = width.saturating_sub(id_width + 2);
    let mut fields = Vec::new();
    for name in names {
        let cells = page.iter().map(|(_, record)| cell(record, name).chars().count());
        let needed = cells.max().unwrap_or(0).max(name.chars().count()) + 2;
        if fields.is_empty() || (needed <= left && fields.len() < FIELDS_MAX) {
            left = left.saturating_sub(needed);
            fields.push(name.clone());
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_simple_fields_that_fit() {
        let id: NodeId = "1:1".parse().unwrap();
        let page = [
            (id, json!({"a": "x", "tags": [], "long": "y".repeat(90), "b": 4})),
            (id, json!({"c": true, "a": "z"})),
        ];
        assert_eq!(columns(&page, 120), ["a", "long", "b", "c"]);
        assert_eq!(columns(&page, 20), ["a", "b", "c"]);
    }
}
