//! What the commands of the families share: a store opened for one question or one change, tables
//! of records, and a word on what was done.

use std::path::Path;

use engraph::record::Record;
use engraph::{NodeId, ReadTx, Store};

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::shown::{self, Shown};
use super::{place, text};

/// Widest cell of a table, in characters.
const CELL_MAX: usize = 48;

/// Asks one state of a store.
pub(super) fn looking(
    store: &Path,
    look: impl FnOnce(&ReadTx) -> Result<Answer, Failure>,
) -> Result<Answer, Failure> {
    let store = place::open_to_read(store)?;
    place::closing(&store, |store: &Store| look(&store.read()?))
}

/// Opens a store to change it.
pub(super) fn changing(
    store: &Path,
    change: impl FnOnce(&Store) -> Result<Answer, Failure>,
) -> Result<Answer, Failure> {
    let store = Store::open(store)?;
    place::closing(&store, change)
}

/// A table of some fields, or all of each record as JSON.
pub(super) fn show<T: Record>(
    tx: &ReadTx,
    records: &[(NodeId, T)],
    fields: &[&str],
    output: &mut Output,
) -> Result<Answer, Failure> {
    let mut rows = Rows::new(std::iter::once("id").chain(fields.iter().copied()));
    for (id, record) in records {
        let record = serde_json::to_value(record).unwrap_or_default();
        if output.is_json() {
            output.json(&Shown::new(tx, *id, record))?;
            continue;
        }
        let cells = fields.iter().map(|field| {
            let value = record.get(field).map(shown::plain).unwrap_or_default();
            text::shortened(&value, CELL_MAX)
        });
        rows.push(std::iter::once(id.to_string()).chain(cells));
    }
    if output.is_json() {
        return Ok(Answer::Yes);
    }
    if records.is_empty() {
        output.note("there are none")?;
    } else {
        output.table(&rows)?;
    }
    Ok(Answer::Yes)
}

/// A table of what was counted: the first row always, others where there are any.
pub(super) fn counts(
    head: &str,
    counts: &[(&str, u64)],
    output: &mut Output,
) -> Result<(), Failure> {
    let mut rows = Rows::new([head, "#count"]);
    for (place, (name, count)) in counts.iter().enumerate() {
        if place == 0 || *count > 0 {
            rows.push([*name, &text::count(*count)]);
        }
    }
    output.table(&rows)
}

/// Says what was done to a record.
pub(super) fn done(output: &mut Output, what: &str, id: NodeId) -> Result<Answer, Failure> {
    if output.is_json() {
        output.json(&serde_json::json!({ "done": what, "id": id }))?;
    } else {
        output.line(format_args!("{what} {id}"))?;
    }
    Ok(Answer::Yes)
}
