//! Which kind of database a file is: by its tables and columns, never by its name.

use std::path::Path;

use super::database::{DATABASES, Database, Needs, PROTOTYPES};
use super::fault;
use super::schema::{SchemaText, Storage};
use crate::base::error::Result;

/// Tables that are named when a file is of no known kind.
const NAMED_MAX: usize = 8;

/// The kind of a database of this shape. Ambiguous and unknown ones are refused.
pub(crate) fn detect(schema: &SchemaText, path: &Path) -> Result<&'static Database> {
    let matching: Vec<&'static Database> = DATABASES
        .iter()
        .filter(|database| {
            database.has.iter().all(|needs| has(schema, needs))
                && !database.lacks.iter().any(|needs| has(schema, needs))
        })
        .copied()
        .collect();
    match matching[..] {
        [only] => Ok(only),
        [] => Err(fault::file(path, unknown(schema))),
        _ => {
            let kinds: Vec<&str> = matching.iter().map(|database| database.kind).collect();
            let reason = format!("could be of several kinds: {}", kinds.join(", "));
            Err(fault::file(path, reason))
        }
    }
}

fn has(schema: &SchemaText, needs: &Needs) -> bool {
    schema.table(needs.table).is_some_and(|(_, table)| {
        let known = table.storage != Storage::Virtual || needs.columns.is_empty();
        known && needs.columns.iter().all(|column| table.column(column).is_some())
    })
}

/// Why a file without a kind is refused.
fn unknown(schema: &SchemaText) -> String {
    let prototype = PROTOTYPES.iter().find(|known| known.has.iter().all(|need| has(schema, need)));
    if let Some(prototype) = prototype {
        return format!(
            "is a database of the {}, which nothing ever used; there is nothing to convert",
            prototype.name
        );
    }
    let names: Vec<&str> = schema
        .tables()
        .filter(|(_, object, rows)| rows.shadow_of.is_none() && !object.name.starts_with("sqlite_"))
        .map(|(_, object, _)| object.name.as_str())
        .collect();
    if names.is_empty() {
        return "is of no known kind: it has no tables".to_owned();
    }
    let more = if names.len() > NAMED_MAX { ", ..." } else { "" };
    let shown = names[..names.len().min(NAMED_MAX)].join(", ");
    format!("is of no known kind; its tables: {shown}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::legacy::copy::samples;
    use crate::legacy::source::{Damage, Source};
    use rusqlite::Connection;

    fn kind(path: &Path) -> Result<&'static str> {
        let source = Source::open(path, Damage::Refuse, None)?;
        detect(source.schema(), path).map(|database| database.kind)
    }

    #[test]
    fn samples_are_of_the_kind_that_their_list_says() {
        let Some(samples) = samples() else { return };
        let list = std::fs::read(samples.join("MANIFEST.json")).unwrap();
        let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
        let mut known = 0;
        for (name, entry) in list["files"].as_object().unwrap() {
            let Some(expected) = entry["kind"].as_str() else { continue };
            let expected = match expected {
                "to-do" => "todo".to_owned(),
                "organisation audit" => "organization_audit".to_owned(),
                "configuration store" => "configuration".to_owned(),
                other => other.replace(' ', "_"),
            };
            assert_eq!(kind(&samples.join(name)).unwrap(), expected, "{name}");
            known += 1;
        }
        assert!(known > 20);
        for (name, part) in [
            ("ambiguous.db", "several kinds: todo, configuration"),
            ("unrelated.db", "its tables: recipes"),
            ("no_tables.db", "no tables"),
        ] {
            let error = kind(&samples.join("broken").join(name)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn prototypes_are_refused_by_name() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE agent_memories(a)").unwrap();
        let path = Path::new("agent_memory.db");
        let schema = SchemaText::read(&db, path, false).unwrap();
        let error = detect(&schema, path).unwrap_err().to_string();
        assert!(error.contains("agent memory prototype"), "{error}");
    }
}
