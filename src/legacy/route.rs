//! Which kind of database takes a record made here, where several have a table for its type.
//!
//! Most types go where the first kind that has a table for them is. Those named here do not: the
//! old application reads them elsewhere, or the tables are for different records of one type.

use super::database::DATABASES;
use super::ops::RecordOps;
use super::scalar::{Scalar, Scalars};
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::store::{ReadTx, record_read};

/// The kind that takes the records of a type that meet a condition.
struct Route {
    record: &'static str,
    when: When,
    database: &'static str,
}

/// What is asked of a record.
enum When {
    Always,
    /// It says something in a field.
    Has(&'static str),
    /// A field is one of these words.
    Is(&'static str, &'static [&'static str]),
    /// A field names a record of a type.
    Names(&'static str, &'static str),
}

/// Asked in this order; the last one of a type takes all that are left.
static ROUTES: &[Route] = &[
    // The memory manager looks for links beside its memories, not in the main database.
    route("memory_code_link", When::Always, "unified_memory"),
    // The table of the code index has no reader.
    route("config_value", When::Always, "configuration"),
    // Only the code index runs patterns, and it has no place for rules, icons and times.
    route("tag_definition", When::Has("auto_assign_pattern"), "file_index"),
    route("tag_definition", When::Always, "enhanced"),
    // The code index names its own files by number; the other tables name any file by its path.
    route("file_tag", When::Names("file", "code_file"), "file_index"),
    route("file_tag", When::Always, "enhanced"),
    // One table has operations that somebody answers for, with digests on both sides; the other
    // one what was noticed.
    route(
        "hash_history",
        When::Is("change_type", &["cleanup", "refactor", "organization", "quality_fix"]),
        "enhanced",
    ),
    route("hash_history", When::Always, "file_index"),
];

const fn route(record: &'static str, when: When, database: &'static str) -> Route {
    Route { record, when, database }
}

/// Records of a type by the kind of database that takes them; no kind: the first that can.
pub(super) fn routed(
    read: &ReadTx,
    record: &str,
    born: Vec<NodeId>,
) -> Result<Vec<(Option<&'static str>, Vec<NodeId>)>> {
    let routes: Vec<&Route> = ROUTES.iter().filter(|route| route.record == record).collect();
    if routes.is_empty() {
        return Ok(vec![(None, born)]);
    }
    if let [Route { when: When::Always, database, .. }] = routes[..] {
        return Ok(vec![(Some(*database), born)]);
    }
    let mut found: Vec<(Option<&'static str>, Vec<NodeId>)> = Vec::new();
    for id in born {
        let fields = fields_of(read, record, id)?;
        let chosen = routes.iter().find(|route| route.when.is_met(read, &fields));
        let database = chosen.map(|route| route.database);
        match found.iter_mut().find(|(known, _)| *known == database) {
            Some((_, ids)) => ids.push(id),
            None => found.push((database, vec![id])),
        }
    }
    Ok(found)
}

impl When {
    fn is_met(&self, read: &ReadTx, fields: &Scalars) -> bool {
        match *self {
            Self::Always => true,
            Self::Has(field) => fields.get(field).is_some(),
            Self::Is(field, words) => {
                matches!(fields.get(field), Some(Scalar::Text(text)) if words.contains(&&**text))
            }
            Self::Names(field, record) => match fields.get(field) {
                Some(Scalar::Unsigned(number)) => {
                    let kind = NodeId::from_u64(*number).kind();
                    read.kind_name(kind).is_some_and(|name| name == record)
                }
                _ => false,
            },
        }
    }
}

/// The functions of a type that has an old table.
pub(super) fn ops_of(record: &str) -> Option<&'static RecordOps> {
    let mut tables = DATABASES.iter().flat_map(|database| database.tables);
    tables.find(|table| table.record == record).map(|table| &table.ops)
}

/// The fields of a record; none where it is gone or its type has no old table.
pub(super) fn fields_of(read: &ReadTx, record: &str, id: NodeId) -> Result<Scalars> {
    match (ops_of(record), record_read::raw(read.rows(), id)?) {
        (Some(ops), Some(bytes)) => (ops.scalars)(&bytes),
        _ => Ok(Scalars::default()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_leads_to_a_table_and_ends_with_one_for_all() {
        for Route { record, database, when } in ROUTES {
            let known = DATABASES.iter().find(|known| known.kind == *database).unwrap();
            let table = known.tables.iter().find(|table| table.record == *record).unwrap();
            let fields = (table.ops.fields)().unwrap();
            if let When::Has(field) | When::Is(field, _) | When::Names(field, _) = when {
                assert!(fields.iter().any(|known| known.name == *field), "{record} {field}");
            }
        }
        let records: BTreeSet<&str> = ROUTES.iter().map(|route| route.record).collect();
        for record in records {
            let last = ROUTES.iter().rfind(|route| route.record == record).unwrap();
            assert!(matches!(last.when, When::Always), "{record}");
        }
    }
}
