//! Definitions of a damaged file that can still be carried out.
//!
//! Of a damaged file the engine passes over definitions that it cannot read. They would stand in
//! the way later, when an equal file is written: so they are left out at once, and named. Rows are
//! never left out here: a table whose own definition is damaged refuses the file.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::hooks::{AuthContext, Authorization};

use super::fault;
use super::output::only_definitions;
use super::schema::{Object, ObjectKind, SchemaText, Storage};
use crate::base::error::{Error, Result};

/// Takes out of `schema` every index, view and trigger that cannot be defined, and says so.
pub(super) fn keep_sound(
    schema: &mut SchemaText,
    path: &Path,
    notices: &mut Vec<String>,
) -> Result<()> {
    let failed = |source| Error::engine("sqlite", "try the definitions of a damaged file", source);
    let mut db = Connection::open_in_memory().map_err(failed)?;
    // Indexes and triggers can stand before their tables in the file.
    for object in schema.objects.iter().filter(|object| object.kind == ObjectKind::Table) {
        let virtual_table =
            object.rows.as_ref().is_none_or(|rows| rows.storage == Storage::Virtual);
        if !virtual_table && !is_reserved(object) {
            define(&mut db, object).map_err(|reason| fault::at(path, &object.name, reason))?;
        }
    }
    let mut unreadable = Vec::new();
    schema.objects.retain(|object| {
        let virtual_table =
            object.rows.as_ref().is_some_and(|rows| rows.storage == Storage::Virtual);
        let sound = match object.kind {
            ObjectKind::Table if virtual_table => read_only(&db, object),
            ObjectKind::Table => Ok(()),
            _ => define(&mut db, object),
        };
        let Err(reason) = sound else { return true };
        let (kind, name) = (object.kind.as_str(), object.name.escape_debug());
        notices.push(format!("{kind} {name} is left out: {reason}"));
        if virtual_table {
            unreadable.push(object.name.to_ascii_lowercase());
        }
        false
    });
    for rows in schema.objects.iter_mut().filter_map(|object| object.rows.as_mut()) {
        if rows.shadow_of.as_ref().is_some_and(|table| unreadable.contains(table)) {
            rows.shadow_of = None;
        }
    }
    Ok(())
}

/// Whether the engine makes the table itself.
fn is_reserved(object: &Object) -> bool {
    object.name.to_ascii_lowercase().starts_with("sqlite_")
}

/// Reads the definition of a virtual table, whose module does not have to be there.
fn read_only(db: &Connection, object: &Object) -> Result<(), String> {
    let sql = object.sql.as_deref().unwrap_or_default();
    db.prepare(sql).map(drop).map_err(|error| format!("its definition is damaged: {error}"))
}

/// Carries out a definition and looks whether it made what it stands for.
fn define(db: &mut Connection, object: &Object) -> Result<(), String> {
    let guard = only_definitions as fn(AuthContext<'_>) -> Authorization;
    // Automatic indexes come with their tables.
    if let Some(sql) = &object.sql {
        db.authorizer(Some(guard))
            .and_then(|()| db.execute(sql, []))
            .map_err(|error| format!("its definition is damaged: {error}"))?;
        db.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
            .map_err(|error| error.to_string())?;
    }
    let query = "SELECT count(*) FROM sqlite_schema WHERE type = ?1 AND name = ?2";
    let made: i64 = db
        .query_row(query, [object.kind.as_str(), &object.name], |row| row.get(0))
        .map_err(|error| error.to_string())?;
    if made == 1 { Ok(()) } else { Err("its definition and its name disagree".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::legacy::fresh::Fresh;

    fn schema() -> SchemaText {
        let statements = "CREATE TABLE t(a UNIQUE, b);
            CREATE INDEX good ON t(b);
            CREATE INDEX broken ON t(a);
            CREATE VIEW v AS SELECT 1;
            CREATE VIRTUAL TABLE f USING fts5(a);
            CREATE TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM t; END;";
        Fresh::make(statements, false).unwrap().schema().clone()
    }

    #[test]
    fn damaged_definitions_are_left_out_and_named() {
        let mut schema = schema();
        let sound = schema.clone();
        let mut notices = Vec::new();
        keep_sound(&mut schema, Path::new("x"), &mut notices).unwrap();
        assert_eq!((&schema, &notices[..]), (&sound, &[][..]));
        for (name, sql) in [
            ("broken", "CREATE INDEX broken ON u(a)"),
            ("r", "CREATE TRIGGER r AFTER INSERT ON t BEGIN DELXTE FROM t; END"),
            ("v", "CREATE VIEW other AS SELECT 1"),
            ("f", "CREATE VIRTUAL TABLE f USING fts5(a) \u{1f}"),
        ] {
            let object = schema.objects.iter_mut().find(|object| object.name == name).unwrap();
            object.sql = Some(sql.to_owned());
        }
        keep_sound(&mut schema, Path::new("x"), &mut notices).unwrap();
        assert_eq!(notices.len(), 4, "{notices:?}");
        let names: Vec<_> = schema.objects.iter().map(|object| object.name.as_str()).collect();
        assert_eq!(names[..3], ["t", "sqlite_autoindex_t_1", "good"]);
        assert!(names[3..].iter().all(|name| name.starts_with("f_")), "{names:?}");
        let mut rows = schema.objects.iter().filter_map(|object| object.rows.as_ref());
        assert!(rows.all(|rows| rows.shadow_of.is_none()), "they are tables like any other");
    }

    #[test]
    fn a_table_without_a_definition_refuses_the_file() {
        let mut schema = schema();
        schema.objects[0].sql = Some("CREATE TABLE t(a, b".to_owned());
        let error = keep_sound(&mut schema, Path::new("x.db"), &mut Vec::new()).unwrap_err();
        assert!(error.to_string().starts_with("x.db: t: its definition is damaged"), "{error}");
    }
}
