//! Reading records whose type is only known by its name: what tools need.

use std::fmt;

use serde_json::Value;

use super::core::Core;
use super::read::ReadTx;
use super::record_read;
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
use crate::base::key::prefix_end;
use crate::base::varint;
use crate::record::RecordType;
use crate::storage::tables::record_key;
use crate::storage::{KeyRange, Rows, TableId, index};

impl ReadTx {
    /// Every kind that the store knows, with its name: the built-in ones, those registered now,
    /// and those that an application registered earlier.
    #[must_use]
    pub fn kinds(&self) -> Vec<(Kind, String)> {
        self.core().kinds.iter().map(|(kind, name)| (kind, name.to_string())).collect()
    }

    /// The name of a kind; `None` when the store knows none of that number.
    #[must_use]
    pub fn kind_name(&self, kind: Kind) -> Option<String> {
        self.core().kinds.name(kind).map(ToString::to_string)
    }

    /// The kind of that name.
    #[must_use]
    pub fn kind_named(&self, name: &str) -> Option<Kind> {
        self.core().kinds.by_name(name)
    }

    /// Every record of a kind as JSON, in the order of their ids, from the one behind `after` on.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the kind is unknown or its type is not registered;
    /// [`Error::Invalid`] when `after` is of another kind.
    pub fn iter_json(&self, kind: Kind, after: Option<NodeId>) -> Result<JsonScan<'_>> {
        let record_type = self.core().kinds.registered(kind)?;
        let mut range = KeyRange::all();
        if let Some(after) = after {
            check_kind(kind, after)?;
            range = range.after(&record_key(after.key()));
        }
        let rows = self.rows().range(TableId::records(kind), range)?;
        let records = rows.map(move |row| {
            let (key, value) = row?;
            Ok((record_read::id_of(kind, &key)?, (record_type.to_json)(&value)?))
        });
        Ok(JsonScan(Box::new(records)))
    }

    /// The records of a kind as JSON in the order of an index, from the entry of the record
    /// `after` on.
    ///
    /// # Errors
    /// As [`ReadTx::iter_json`]; [`Error::NotFound`] also when no record of the kind ever had a
    /// key in that index; [`Error::Invalid`] also when the record `after` has none now.
    pub fn index_json(
        &self,
        kind: Kind,
        index: &str,
        after: Option<NodeId>,
    ) -> Result<JsonScan<'_>> {
        let core = self.core();
        let record_type = core.kinds.registered(kind)?;
        let number = core.names.number(index).filter(|number| self.has_index(kind, *number));
        let Some(number) = number else { return Err(Error::not_found("index", index)) };
        let mut range = KeyRange::prefix(&index::index_prefix(kind, number));
        if let Some(after) = after {
            check_kind(kind, after)?;
            let key = index_key_of(core, self.rows(), after, index)?;
            range = range.after(&index::index_key(kind, number, &key, after));
        }
        let entries = self.rows().range(TableId::INDEX, range)?;
        let records = entries.map(move |entry| {
            let (entry, _) = entry?;
            self.entry_json(record_type, index::index_id(kind, &entry)?)
        });
        Ok(JsonScan(Box::new(records)))
    }

    /// The names of the ordered indexes in which records of a kind have keys.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when an index row cannot be read.
    pub fn indexes(&self, kind: Kind) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut range = KeyRange::prefix(&[kind.0]);
        // One probe an index: from each row on to what lies behind all rows of its index.
        while let Some((row, _)) = self.rows().first(TableId::INDEX, range.clone())? {
            let name = varint::take(&mut &row[1..])
                .and_then(|number| u32::try_from(number).ok())
                .and_then(|number| Some((number, self.core().names.name(number)?)));
            let Some((number, name)) = name else {
                return Err(Error::corrupt("table index", "row of an index without a name"));
            };
            found.push(name.to_string());
            let Some(end) = prefix_end(&index::index_prefix(kind, number)) else { break };
            range = range.starting_at(&end);
            if range.is_empty() {
                break;
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    fn has_index(&self, kind: Kind, number: u32) -> bool {
        let range = KeyRange::prefix(&index::index_prefix(kind, number));
        matches!(self.rows().first(TableId::INDEX, range), Ok(Some(_)) | Err(_))
    }

    fn entry_json(&self, record_type: &RecordType, id: NodeId) -> Result<(NodeId, Value)> {
        let value = record_read::raw(self.rows(), id)?.ok_or_else(|| {
            Error::corrupt("table index", format!("row of {id}, which is not there"))
        })?;
        Ok((id, (record_type.to_json)(&value)?))
    }
}

fn check_kind(kind: Kind, after: NodeId) -> Result<()> {
    if after.kind() == kind {
        Ok(())
    } else {
        Err(Error::invalid("after", format!("{after} is not of kind {}", kind.0)))
    }
}

/// The key that a record has in an index now.
fn index_key_of(core: &Core, rows: &impl Rows, id: NodeId, name: &str) -> Result<Vec<u8>> {
    let missing = || Error::invalid("after", format!("{id} has no key in index {name}"));
    let value = record_read::raw(rows, id)?.ok_or_else(missing)?;
    let mut key = None;
    (core.kinds.registered(id.kind())?.describe)(&value, &mut |facts| {
        key = facts.indexes.iter().find(|(index, _)| *index == name).map(|(_, key)| key.clone());
        Ok(())
    })?;
    key.ok_or_else(missing)
}

/// Iterates records as JSON. Made by [`ReadTx::iter_json`] and [`ReadTx::index_json`].
pub struct JsonScan<'a>(Box<dyn Iterator<Item = Result<(NodeId, Value)>> + 'a>);

impl Iterator for JsonScan<'_> {
    type Item = Result<(NodeId, Value)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl fmt::Debug for JsonScan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonScan")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::record::TagDefinition;

    fn store_with_tags(names: &[&str]) -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path().join("s")).unwrap();
        store
            .write(|tx| {
                for name in names {
                    let tag_name = (*name).to_owned();
                    tx.insert(&TagDefinition { tag_name, ..TagDefinition::default() })?;
                }
                Ok(())
            })
            .unwrap();
        (dir, store)
    }

    #[test]
    fn records_are_listed_by_kind_and_paged_by_id() {
        let (_dir, store) = store_with_tags(&["b", "a", "c"]);
        let tx = store.read().unwrap();
        let kind = tx.kind_named("tag_definition").unwrap();
        assert_eq!(tx.kind_name(kind).as_deref(), Some("tag_definition"));
        let all: Vec<_> = tx.iter_json(kind, None).unwrap().map(Result::unwrap).collect();
        let names: Vec<_> = all.iter().map(|(_, json)| json["tag_name"].clone()).collect();
        assert_eq!(names, ["b", "a", "c"]);
        let rest: Vec<_> =
            tx.iter_json(kind, Some(all[0].0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(rest, all[1..]);
        let other = NodeId::from_parts(Kind(1), 1);
        assert!(matches!(tx.iter_json(kind, Some(other)), Err(Error::Invalid { .. })));
        assert!(matches!(tx.iter_json(Kind(127), None), Err(Error::NotFound { .. })));
    }

    #[test]
    fn an_index_is_found_by_name_and_paged_from_a_record() {
        let (_dir, store) = store_with_tags(&["b", "a", "c"]);
        let tx = store.read().unwrap();
        let kind = tx.kind_named("tag_definition").unwrap();
        let indexes = tx.indexes(kind).unwrap();
        for index in &indexes {
            let all: Vec<_> =
                tx.index_json(kind, index, None).unwrap().map(Result::unwrap).collect();
            assert_eq!(all.len(), 3, "{index}");
            let rest: Vec<_> =
                tx.index_json(kind, index, Some(all[0].0)).unwrap().map(Result::unwrap).collect();
            assert_eq!(rest, all[1..], "{index}");
        }
        assert!(!indexes.is_empty());
        assert!(matches!(tx.index_json(kind, "absent", None), Err(Error::NotFound { .. })));
        assert!(tx.indexes(Kind(127)).unwrap().is_empty());
    }
}
