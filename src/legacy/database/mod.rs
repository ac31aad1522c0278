//! What the old application's databases look like: data only, one file a kind.
//!
//! A kind says how it is told from the others, which tables hold records of ours, and what its
//! newest shape is. Of a table's columns only those are listed whose name, form or meaning differs
//! from the field of the same name; integer primary keys are the business of who reads rows. A
//! table that is not listed has no type of ours and travels verbatim, as do columns that no field
//! stands for.

mod chroma;
mod configuration;
mod documents;
mod enhanced;
mod file_index;
mod file_tracker;
mod knowledge_graph;
mod memory_proposals;
mod organization_audit;
mod organizer;
mod organizer_state;
mod prototype;
mod todo;
mod unified_memory;
mod vector_store;

pub(crate) use prototype::PROTOTYPES;

use super::ops::RecordOps;
use super::time::{Stamp, Zoneless};
use crate::record::Record;

/// Every kind of database that is recognised. At most one matches a sound file.
pub(crate) static DATABASES: &[&Database] = &[
    &documents::DATABASE,
    &unified_memory::DATABASE,
    &memory_proposals::DATABASE,
    &knowledge_graph::DATABASE,
    &vector_store::DATABASE,
    &file_index::DATABASE,
    &enhanced::DATABASE,
    &file_tracker::DATABASE,
    &organization_audit::DATABASE,
    &todo::DATABASE,
    &organizer::DATABASE,
    &organizer_state::DATABASE,
    &configuration::DATABASE,
    &chroma::DATABASE,
];

/// One kind of database.
#[derive(Debug)]
pub(crate) struct Database {
    /// Its name; also in the store.
    pub(crate) kind: &'static str,
    /// The name of a file of this kind that is made here.
    pub(crate) default_name: &'static str,
    /// Whether such a file uses a write-ahead log.
    pub(crate) wal: bool,
    /// What a file of this kind has, all of it.
    pub(crate) has: &'static [Needs],
    /// What a file of this kind has not, none of it.
    pub(crate) lacks: &'static [Needs],
    /// The tables that hold records of ours.
    pub(crate) tables: &'static [Table],
    /// The newest shape as statements: tables, indexes, full-text tables, triggers, views.
    pub(crate) schema: &'static str,
    /// Whether files of this kind are written.
    pub(crate) export: Export,
}

/// A table, and columns that it must have; no columns: the table alone.
#[derive(Debug)]
pub(crate) struct Needs {
    pub(crate) table: &'static str,
    pub(crate) columns: &'static [&'static str],
}

/// Whether files of a kind are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Export {
    /// Imported ones as they were, and new ones.
    Always,
    /// Not at all: the format belongs to another program.
    Never,
}

/// A table whose rows are records of one type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// Its name in the database.
    pub(crate) name: &'static str,
    /// The name of the record type.
    pub(crate) record: &'static str,
    /// The columns that differ from the field of the same name.
    pub(crate) columns: &'static [Column],
    /// What can be done with the record type.
    pub(crate) ops: RecordOps,
}

/// How one column becomes one field.
///
/// A column can be listed twice, once as [`Form::KeyRef`] and once for itself. Where it is listed
/// as `KeyRef` alone, it also stands for the field of its own name.
#[expect(clippy::struct_field_names, reason = "column and field are the two sides")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its name in the table.
    pub(crate) column: &'static str,
    /// The name of the field in the record.
    pub(crate) field: &'static str,
    /// How the value is written in a cell.
    pub(crate) form: Form,
}

/// How a value is written in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is.
    Plain,
    /// A point in time. Any form is read; new values are written in `write`.
    Time {
        /// The form of new values.
        write: Stamp,
        /// What a time without a zone means here.
        zoneless: Zoneless,
    },
    /// A truth value as 0 or 1.
    Bool,
    /// JSON as text.
    Json,
    /// A setting as text, truth values as Python spells them. Another field says which type it is
    /// of.
    Setting,
    /// The type of a memory, or what stands for it where the old application does not know it.
    /// Names the column of the metadata, which say it then.
    MemoryType(&'static str),
    /// The metadata of a memory: JSON as text. Names the column of the type.
    MemoryMetadata(&'static str),
    /// An embedding as a JSON array of numbers.
    JsonFloats,
    /// An embedding as 32-bit floats, little-endian.
    Floats,
    /// The integer key of a row of the named table of the same database.
    Ref(&'static str),
    /// As `Ref` to `table` where the file declares a foreign key to it, else to `otherwise`.
    RefDeclared {
        /// The table that a foreign key may name.
        table: &'static str,
        /// The table that is meant where there is none.
        otherwise: &'static str,
    },
    /// A text that is the natural key of a record. Derived from another column: never written back.
    KeyRef {
        /// The table that holds the record, in the same database.
        table: &'static str,
        /// The unique index of the record type, whose key is this text alone.
        index: &'static str,
    },
}

/// Says that the rows of a table are records of type `T`.
const fn table<T: Record>(name: &'static str, columns: &'static [Column]) -> Table {
    Table { name, record: T::NAME, columns, ops: RecordOps::of::<T>() }
}

/// A column of another name.
const fn plain(column: &'static str, field: &'static str) -> Column {
    Column { column, field, form: Form::Plain }
}

/// A time, written in UTC to the second, as the database's own clock does.
const fn utc(column: &'static str, field: &'static str) -> Column {
    time(column, field, Stamp::A, Zoneless::Utc)
}

/// A time in another form.
const fn time(
    column: &'static str,
    field: &'static str,
    write: Stamp,
    zoneless: Zoneless,
) -> Column {
    Column { column, field, form: Form::Time { write, zoneless } }
}

/// A truth value of the same name.
const fn flag(column: &'static str) -> Column {
    Column { column, field: column, form: Form::Bool }
}

/// JSON as text.
const fn json(column: &'static str, field: &'static str) -> Column {
    Column { column, field, form: Form::Json }
}

/// An embedding as a JSON array.
const fn json_floats(column: &'static str, field: &'static str) -> Column {
    Column { column, field, form: Form::JsonFloats }
}

/// An embedding as bytes.
const fn floats(column: &'static str, field: &'static str) -> Column {
    Column { column, field, form: Form::Floats }
}

/// The integer key of a row of another table.
const fn reference(column: &'static str, field: &'static str, table: &'static str) -> Column {
    Column { column, field, form: Form::Ref(table) }
}

/// The type and the metadata of a memory.
const fn memory_type(metadata: &'static str) -> [Column; 2] {
    let column = "memory_type";
    [
        Column { column, field: "memory_type", form: Form::MemoryType(metadata) },
        Column { column: metadata, field: "metadata", form: Form::MemoryMetadata(column) },
    ]
}

/// The natural key of a record.
const fn key(
    column: &'static str,
    field: &'static str,
    table: &'static str,
    index: &'static str,
) -> Column {
    Column { column, field, form: Form::KeyRef { table, index } }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::fmt;

    use rusqlite::Connection;
    use serde_json::Value;

    use super::*;
    use crate::base::codec;
    use crate::record::facts_of;
    use crate::record::random::{Random, fields_of};
    use crate::record::registry::{RecordType, Visit, visit_built_in};

    /// What is learned of a record type from random records.
    struct Shape {
        fields: HashSet<&'static str>,
        samples: Vec<Value>,
        unique: HashSet<&'static str>,
    }

    #[derive(Default)]
    struct Shapes(HashMap<&'static str, Shape>);

    impl Visit for Shapes {
        fn visit<T: Record + PartialEq + fmt::Debug>(&mut self) {
            let fields = fields_of::<T>().iter().copied().collect();
            let mut shape = Shape { fields, samples: Vec::new(), unique: HashSet::new() };
            let mut random = Random::new(1);
            for _ in 0..40 {
                let record: T = random.value();
                shape.unique.extend(facts_of(&record).unique.iter().map(|(name, _)| *name));
                let bytes = codec::encode(&record).unwrap();
                shape.samples.push((RecordType::of::<T>().to_json)(&bytes).unwrap());
            }
            self.0.insert(T::NAME, shape);
        }
    }

    fn shapes() -> Shapes {
        let mut shapes = Shapes::default();
        visit_built_in(&mut shapes);
        shapes
    }

    /// An empty database of the newest shape, and the names of its ordinary tables.
    fn made(database: &Database) -> (Connection, Vec<String>) {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(database.schema).unwrap();
        let tables = texts(&db, "SELECT name FROM pragma_table_list WHERE type = 'table'");
        (db, tables)
    }

    fn texts(db: &Connection, query: &str) -> Vec<String> {
        let mut statement = db.prepare(query).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn columns(db: &Connection, table: &str) -> Vec<String> {
        texts(db, &format!("SELECT name FROM pragma_table_info('{table}')"))
    }

    #[test]
    fn every_listed_column_and_field_exists() {
        let shapes = shapes();
        for database in DATABASES {
            let (db, _) = made(database);
            for table in database.tables {
                let present = columns(&db, table.name);
                let shape = &shapes.0[table.record];
                for Column { column, field, .. } in table.columns {
                    let place = format!("{} {}.{column}", database.kind, table.name);
                    assert!(present.iter().any(|name| name == column), "{place} is no column");
                    assert!(shape.fields.contains(field), "{place}: no field {field}");
                }
            }
        }
    }

    #[test]
    fn every_column_that_is_not_listed_is_a_field_or_the_integer_key() {
        let shapes = shapes();
        for database in DATABASES {
            let (db, _) = made(database);
            for table in database.tables {
                let query =
                    "SELECT name FROM pragma_table_info('{}') WHERE pk AND type = 'INTEGER'";
                let integer_key = texts(&db, &query.replace("{}", table.name));
                let own = table.columns.iter().filter(|c| !matches!(c.form, Form::KeyRef { .. }));
                let listed: HashSet<_> = own.map(|column| column.column).collect();
                for column in columns(&db, table.name) {
                    let known = listed.contains(column.as_str())
                        || shapes.0[table.record].fields.contains(column.as_str())
                        || integer_key.contains(&column);
                    assert!(known, "{} {}.{column} has no field", database.kind, table.name);
                }
            }
        }
    }

    #[test]
    fn no_field_takes_its_value_from_two_columns() {
        for database in DATABASES {
            let (db, _) = made(database);
            for table in database.tables {
                let mut taken = HashSet::new();
                let own = table.columns.iter().filter(|c| !matches!(c.form, Form::KeyRef { .. }));
                let listed: HashMap<_, _> = own.map(|c| (c.column, c.field)).collect();
                for column in columns(&db, table.name) {
                    let field = listed.get(column.as_str()).map_or(column.clone(), |f| (*f).into());
                    assert!(taken.insert(field), "{} {}.{column}", database.kind, table.name);
                }
            }
        }
    }

    #[test]
    fn forms_fit_their_fields() {
        let shapes = shapes();
        for database in DATABASES {
            for table in database.tables {
                let shape = &shapes.0[table.record];
                for column in table.columns {
                    let given = shape.samples.iter().filter_map(|record| record.get(column.field));
                    // An infinite number has no JSON form.
                    let values = given.filter(|value| !value.is_null());
                    let fits = |value: &Value| match column.form {
                        Form::Plain | Form::Json => value.is_string() || value.is_number(),
                        Form::MemoryType(_) | Form::MemoryMetadata(_) | Form::Setting => {
                            value.is_string()
                        }
                        Form::Time { .. } => {
                            let text = value.as_str().unwrap_or_default();
                            text.parse::<crate::Timestamp>().is_ok()
                        }
                        Form::Bool => value.is_boolean(),
                        Form::JsonFloats | Form::Floats => value.is_array(),
                        Form::Ref(_) | Form::RefDeclared { .. } | Form::KeyRef { .. } => {
                            value.as_str().is_some_and(|text| text.parse::<crate::NodeId>().is_ok())
                        }
                    };
                    let mut seen = 0;
                    for value in values {
                        seen += 1;
                        let place = format!("{}.{}", table.name, column.column);
                        assert!(fits(value), "{} {place}: {value}", database.kind);
                    }
                    assert!(seen > 0, "{} {} has no sample", table.name, column.field);
                }
            }
        }
    }

    #[test]
    fn references_lead_to_listed_tables_and_unique_indexes() {
        let shapes = shapes();
        for database in DATABASES {
            let find = |name: &str| database.tables.iter().find(|table| table.name == name);
            for table in database.tables {
                for column in table.columns {
                    let place = format!("{} {}.{}", database.kind, table.name, column.column);
                    match column.form {
                        Form::Ref(target) => assert!(find(target).is_some(), "{place}"),
                        Form::RefDeclared { table, otherwise } => {
                            assert!(find(table).is_some() && find(otherwise).is_some(), "{place}");
                        }
                        Form::KeyRef { table, index } => {
                            let target = find(table).unwrap_or_else(|| panic!("{place}"));
                            assert!(shapes.0[target.record].unique.contains(index), "{place}");
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    #[test]
    fn every_table_of_a_kind_with_records_is_listed() {
        for database in DATABASES.iter().filter(|database| !database.tables.is_empty()) {
            let (_db, tables) = made(database);
            for name in tables {
                let listed = database.tables.iter().any(|table| table.name == name);
                let verbatim = name == "schema_migrations" || name.starts_with("sqlite_");
                assert!(listed || verbatim, "{} {name}", database.kind);
            }
        }
    }

    #[test]
    fn the_newest_shape_of_a_kind_matches_that_kind_alone() {
        for database in DATABASES.iter().filter(|database| !database.schema.is_empty()) {
            let (db, _) = made(database);
            let has = |needs: &Needs| {
                let present = columns(&db, needs.table);
                let holds = |column: &&str| present.iter().any(|name| name == column);
                !present.is_empty() && needs.columns.iter().all(holds)
            };
            let matching: Vec<_> = DATABASES
                .iter()
                .filter(|kind| kind.has.iter().all(has) && !kind.lacks.iter().any(has))
                .map(|kind| kind.kind)
                .collect();
            assert_eq!(matching, [database.kind]);
            assert!(!PROTOTYPES.iter().any(|prototype| prototype.has.iter().all(has)));
        }
    }
}
