//! Index rows and links that a newer version of a built-in type says of records that were written
//! before it: a part of the steps from format to format.

use super::entry::Implied;
use super::record_read;
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
use crate::record::registry::{self, RecordType};
use crate::storage::bulk::Bulk;
use crate::storage::names::{Names, NewNames};
use crate::storage::tables::record_key_from;
use crate::storage::{KeyRange, Rows as _, RowsMut as _, TableId, adjacency};

/// Records that are read before their rows are written.
const RECORDS_AT_ONCE: usize = 4_096;

/// Writes what is missing for the records of every built-in type whose description has changed
/// since its first version. Rows that are there stay; natural keys are not looked at, since whether
/// one is taken is decided when a record is written.
///
/// # Errors
/// [`Error::Corrupt`] for a record that does not decode.
pub(crate) fn built_in(rows: &mut Bulk) -> Result<()> {
    let names = Names::load(rows)?;
    let mut new_names = NewNames::default();
    for (kind, record_type) in registry::built_in() {
        if record_type.version > 1 {
            describe_all(rows, (&names, &mut new_names), kind, &record_type)?;
        }
    }
    Ok(())
}

fn describe_all(
    rows: &mut Bulk,
    (names, new_names): (&Names, &mut NewNames),
    kind: Kind,
    record_type: &RecordType,
) -> Result<()> {
    let table = TableId::records(kind);
    let mut range = KeyRange::all();
    loop {
        let page = rows.range(table, range)?.take(RECORDS_AT_ONCE);
        let keys = page.map(|row| row.map(|(key, _)| key)).collect::<Result<Vec<_>>>()?;
        let Some(last) = keys.last() else { return Ok(()) };
        range = KeyRange::all().after(last);
        for key in &keys {
            let id = NodeId::new(kind, record_key_from(key));
            let id = id.ok_or_else(|| Error::corrupt(table.name(), "key out of range"))?;
            let Some(value) = record_read::raw(&*rows, id)? else { continue };
            let mut implied = Implied::default();
            (record_type.describe)(&value, &mut |facts| {
                let mut number = |name: &str| names.intern(name, new_names, rows);
                implied = Implied::resolve(id, 0, facts, &mut number)?;
                Ok(())
            })?;
            for row in &implied.indexes {
                rows.put(TableId::INDEX, row, &[])?;
            }
            for link in &implied.adjacent {
                adjacency::insert(rows, link.node, link.direction, link.entry)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Document, DocumentTag, Persona, PersonaSkill, Record as _};
    use crate::store::migrate::{FORMATS, Formats, Step};
    use crate::store::{Options, Store, open};

    #[test]
    fn records_of_an_older_description_get_the_rows_of_the_newer_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let store = Store::create(&path).unwrap();
        let document = store
            .write(|tx| {
                let document = tx.insert(&Document::default())?;
                let tag_name = "urgent".to_owned();
                let document_of = Some(document);
                let tag = DocumentTag { document: document_of, tag_name, ..DocumentTag::default() };
                tx.insert(&tag)?;
                let persona = Some(tx.insert(&Persona { name: "a".into(), ..Persona::default() })?);
                tx.insert(&PersonaSkill { persona, ..PersonaSkill::default() })?;
                Ok(document)
            })
            .unwrap();
        // As if the index did not exist when the records were written, and its name neither.
        store
            .write(|tx| {
                let rows = &mut tx.writer.rows;
                for kind in [DocumentTag::NAME, PersonaSkill::NAME] {
                    let kind = registry::built_in().into_iter().find(|(_, of)| of.name == kind);
                    let prefix = [kind.unwrap().0.0];
                    let all = rows.range(TableId::INDEX, KeyRange::prefix(&prefix))?;
                    let keys =
                        all.map(|row| row.map(|(key, _)| key)).collect::<Result<Vec<_>>>()?;
                    assert!(!keys.is_empty());
                    keys.iter().try_for_each(|key| rows.delete(TableId::INDEX, key))?;
                }
                Ok(())
            })
            .unwrap();
        assert!(!store.verify().unwrap().is_ok());
        store.close().unwrap();

        let from = FORMATS.current;
        let steps: &'static [Step] = Box::leak(Box::new([Step { from, apply: built_in }]));
        let formats = Formats { current: from + 1, steps };
        let store = open::open_with(&path, Options::new(), &formats).unwrap();
        assert_eq!(store.verify().unwrap().problems, []);
        let tags = store.read().unwrap().documents().tags(document).unwrap();
        assert_eq!(tags.len(), 1);
    }
}
