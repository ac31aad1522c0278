//! Ids, kinds and records as the commands take and show them.

use engraph::{Error, Kind, NodeId, Origin, ReadTx};
use serde::Serialize;
use serde_json::Value;

use super::failure::Failure;

/// Longest hint with names of kinds, in names.
const NAMES_MAX: usize = 6;

/// The kind that the user names: by its name, or by its number.
pub(super) fn kind_named(tx: &ReadTx, name: &str) -> Result<Kind, Failure> {
    if let Some(kind) = tx.kind_named(name) {
        return Ok(kind);
    }
    if let Ok(number) = name.parse::<u8>()
        && tx.kind_name(Kind(number)).is_some()
    {
        return Ok(Kind(number));
    }
    let hint = similar(tx, name).map_or_else(
        || "`engraph stats STORE` shows which kinds a store has".to_owned(),
        |names| format!("similar names: {names}"),
    );
    Err(Failure::usage(format!("no kind of records is called {name:?}")).hint(hint))
}

/// Names of kinds that look like `name`, as a list; `None` when there are none.
fn similar(tx: &ReadTx, name: &str) -> Option<String> {
    let needle = name.to_lowercase();
    let stem = needle.get(..4).unwrap_or(&needle);
    let names = tx.kinds().into_iter().map(|(_, name)| name);
    let found: Vec<String> =
        names.filter(|known| !stem.is_empty() && known.contains(stem)).take(NAMES_MAX).collect();
    (!found.is_empty()).then(|| found.join(", "))
}

/// The id that the user names: `kind:key`, the kind by its number or its name.
pub(super) fn id_named(tx: &ReadTx, text: &str) -> Result<NodeId, Failure> {
    if let Ok(id) = text.parse::<NodeId>() {
        return Ok(id);
    }
    let bad = || {
        Failure::usage(format!("{text:?} is no id of a record"))
            .hint("ids are written kind:key, for example 1:17 or document:17")
    };
    let (kind, key) = text.split_once(':').ok_or_else(bad)?;
    let key = key.parse().map_err(|_| bad())?;
    NodeId::new(kind_named(tx, kind)?, key).ok_or_else(bad)
}

/// The name of a record's kind, or its number where nobody knows it.
pub(super) fn kind_of(tx: &ReadTx, id: NodeId) -> String {
    tx.kind_name(id.kind()).unwrap_or_else(|| id.kind().0.to_string())
}

/// A record as JSON output has it.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    pub(super) id: NodeId,
    pub(super) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<From>,
    pub(super) record: Value,
}

/// Where a record came from, as JSON output has it.
#[derive(Debug, Serialize)]
pub(super) struct From {
    pub(super) source: u32,
    pub(super) table: String,
    pub(super) row: i64,
}

impl From {
    fn new(origin: &Origin) -> Self {
        Self { source: origin.source, table: origin.table.to_string(), row: origin.row }
    }
}

impl Shown {
    pub(super) fn new(tx: &ReadTx, id: NodeId, record: Value) -> Self {
        let origin = tx.origin(id).as_ref().map(From::new);
        Self { id, kind: kind_of(tx, id), origin, record }
    }

    /// The record `id`, if it is there.
    pub(super) fn load(tx: &ReadTx, id: NodeId) -> Result<Option<Self>, Error> {
        Ok(tx.get_json(id)?.map(|record| Self::new(tx, id, record)))
    }
}

/// A value of a record as one text: texts as they are, all else as JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What to call a record in a list: the first of its fields that is a name or a text.
pub(super) fn label(record: &Value) -> String {
    const FIELDS: [&str; 14] = [
        "name",
        "title",
        "file_name",
        "display_name",
        "term",
        "key",
        "question",
        "tag_name",
        "task_name",
        "label",
        "entity_text",
        "file_path",
        "content",
        "relation_type",
    ];
    let Some(fields) = record.as_object() else { return plain(record) };
    let named = FIELDS.iter().filter_map(|field| fields.get(*field));
    let found = named.chain(fields.values()).find_map(|value| {
        // Ids of other records are texts too, and call nothing by a name.
        let text = value.as_str().filter(|text| !text.is_empty());
        text.filter(|text| text.parse::<NodeId>().is_err()).map(ToOwned::to_owned)
    });
    found.unwrap_or_else(|| record.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_called_by_its_name_before_anything_else() {
        assert_eq!(label(&json!({"category": "legal", "file_name": "memo.txt"})), "memo.txt");
        assert_eq!(label(&json!({"size": 4, "category": "legal"})), "legal");
        assert_eq!(label(&json!({"size": 4})), r#"{"size":4}"#);
        assert_eq!(label(&json!({"name": "", "key": "k"})), "k");
        assert_eq!(label(&json!({"file": "6:4", "folder": "cases"})), "cases");
    }
}
