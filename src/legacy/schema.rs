//! Everything that a database says about its own shape, as plain data that can be stored and from
//! which an equal database can be made.
//!
//! Nothing here runs code of virtual tables: their definitions are texts, and the tables that hold
//! their contents are tables like any other.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::fault;
use super::value::Encoding;
use crate::base::error::Result;
use crate::base::limits::LEGACY_OBJECTS_MAX;

/// The shape of a database: header and schema objects in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SchemaText {
    /// What the file's header says.
    pub(crate) header: Header,
    /// The rows of `sqlite_schema`, in order.
    pub(crate) objects: Vec<Object>,
}

/// The settings that a database file carries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Header {
    /// Encoding of text cells.
    pub(crate) encoding: Encoding,
    /// `PRAGMA user_version`.
    pub(crate) user_version: i32,
    /// `PRAGMA application_id`.
    pub(crate) application_id: i32,
    /// Bytes of a page.
    pub(crate) page_size: u32,
    /// `PRAGMA auto_vacuum`: 0 none, 1 full, 2 incremental.
    pub(crate) auto_vacuum: u8,
    /// Whether the file is in WAL mode.
    pub(crate) wal: bool,
}

/// One row of `sqlite_schema`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Object {
    /// Table, index, view or trigger.
    pub(crate) kind: ObjectKind,
    /// Its name.
    pub(crate) name: String,
    /// The table that it belongs to.
    pub(crate) table: String,
    /// Its definition, letter by letter. `None` for automatic indexes.
    pub(crate) sql: Option<String>,
    /// For tables: what their rows look like.
    pub(crate) rows: Option<TableText>,
}

/// What a schema object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ObjectKind {
    /// A table of any storage.
    Table,
    /// An index.
    Index,
    /// A view.
    View,
    /// A trigger.
    Trigger,
}

impl ObjectKind {
    /// The word in `sqlite_schema`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Index => "index",
            Self::View => "view",
            Self::Trigger => "trigger",
        }
    }

    fn from_str(word: &str) -> Option<Self> {
        [Self::Table, Self::Index, Self::View, Self::Trigger]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// How a table keeps its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Storage {
    /// By row id.
    #[default]
    Rows,
    /// By primary key (`WITHOUT ROWID`).
    Keyed,
    /// In a module; other tables hold what there is to hold.
    Virtual,
}

/// The rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TableText {
    /// How the table keeps its rows.
    pub(crate) storage: Storage,
    /// The virtual table whose contents this table holds.
    pub(crate) shadow_of: Option<String>,
    /// The stored columns in physical order: what a row of cells consists of. Columns that are
    /// computed when they are read are not among them.
    pub(crate) columns: Vec<ColumnText>,
    /// Which column is another name of the row id.
    pub(crate) alias: Option<usize>,
    /// A name by which the row id can be read, quoted where needed. `None` where every name is
    /// taken by a column, and for keyed tables.
    pub(crate) rowid: Option<String>,
    /// For keyed tables: the key.
    pub(crate) key: Vec<KeyPart>,
}

/// A stored column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ColumnText {
    /// Its name.
    pub(crate) name: String,
    /// Its declared type, as written.
    pub(crate) declared: String,
    /// The table that a foreign key of this column alone names.
    pub(crate) references: Option<String>,
}

impl ColumnText {
    /// Whether SQLite turns numbers of this column into floating-point ones when it reads them.
    pub(crate) fn is_real(&self) -> bool {
        let declared = self.declared.to_ascii_uppercase();
        let has = |part: &str| declared.contains(part);
        let other = ["INT", "CHAR", "CLOB", "TEXT", "BLOB"].into_iter().any(has);
        !other && ["REAL", "FLOA", "DOUB"].into_iter().any(has)
    }
}

/// A part of the key of a `WITHOUT ROWID` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyPart {
    /// Index into the stored columns.
    pub(crate) column: usize,
    /// The name of the collation.
    pub(crate) collation: String,
    /// Whether the order is descending.
    pub(crate) descending: bool,
}

impl SchemaText {
    /// Reads the shape of an open database.
    pub(crate) fn read(db: &Connection, path: &Path, wal: bool) -> Result<Self> {
        let text = read(db, wal).map_err(|error| match error {
            Fault::Sqlite(source) => fault::sqlite(path, "sqlite_schema", "cannot be read", source),
            Fault::Reason(place, reason) => fault::at(path, place, reason),
        })?;
        Ok(text)
    }

    /// The tables that hold rows, with their place among the objects.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (usize, &Object, &TableText)> {
        self.objects
            .iter()
            .enumerate()
            .filter_map(|(place, object)| Some((place, object, object.rows.as_ref()?)))
            .filter(|(_, _, rows)| rows.storage != Storage::Virtual)
    }

    /// A table by name; names differ by more than the case of ASCII letters.
    pub(crate) fn table(&self, name: &str) -> Option<(usize, &TableText)> {
        self.objects
            .iter()
            .enumerate()
            .filter(|(_, object)| object.name.eq_ignore_ascii_case(name))
            .find_map(|(place, object)| Some((place, object.rows.as_ref()?)))
    }
}

impl TableText {
    /// The place of a column among the stored ones; the case of ASCII letters does not matter.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }
}

/// A name as SQL writes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

enum Fault {
    Sqlite(rusqlite::Error),
    Reason(String, String),
}

impl From<rusqlite::Error> for Fault {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sqlite(source)
    }
}

fn read(db: &Connection, wal: bool) -> Result<SchemaText, Fault> {
    let mut objects = objects(db)?;
    let stored: HashSet<String> = objects
        .iter()
        .filter(|object| object.kind == ObjectKind::Index)
        .map(|object| object.name.clone())
        .collect();
    let modules = modules(&objects);
    for object in &mut objects {
        if object.kind == ObjectKind::Table {
            object.rows = Some(table(db, object, &stored, &modules)?);
        }
    }
    Ok(SchemaText { header: header(db, wal)?, objects })
}

fn header(db: &Connection, wal: bool) -> Result<Header, Fault> {
    let encoding: String = db.query_row("PRAGMA main.encoding", [], |row| row.get(0))?;
    let encoding = Encoding::from_name(&encoding).ok_or_else(|| {
        Fault::Reason(String::new(), format!("text encoding {encoding} is unknown"))
    })?;
    Ok(Header {
        encoding,
        user_version: db.query_row("PRAGMA main.user_version", [], |row| row.get(0))?,
        application_id: db.query_row("PRAGMA main.application_id", [], |row| row.get(0))?,
        page_size: db.query_row("PRAGMA main.page_size", [], |row| row.get(0))?,
        auto_vacuum: db.query_row("PRAGMA main.auto_vacuum", [], |row| row.get(0))?,
        wal,
    })
}

fn objects(db: &Connection) -> Result<Vec<Object>, Fault> {
    let mut objects = Vec::new();
    let mut statement =
        db.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if objects.len() == LEGACY_OBJECTS_MAX {
            let reason = format!("more than {LEGACY_OBJECTS_MAX} tables, indexes and so on");
            return Err(Fault::Reason("sqlite_schema".to_owned(), reason));
        }
        let place = || format!("sqlite_schema row {}", objects.len() + 1);
        let text = |column: usize| -> Result<Option<String>, Fault> {
            row.get(column).map_err(|error| {
                Fault::Reason(place(), format!("column {column} is not text: {error}"))
            })
        };
        let name = |column| Ok::<_, Fault>(text(column)?.unwrap_or_default());
        let word = name(0)?;
        let kind = ObjectKind::from_str(&word).ok_or_else(|| {
            Fault::Reason(place(), format!("{word:?} is no kind of schema object"))
        })?;
        let object = Object { kind, name: name(1)?, table: name(2)?, sql: text(3)?, rows: None };
        objects.push(object);
    }
    Ok(objects)
}

/// The virtual tables with their modules, names and modules in lower case.
fn modules(objects: &[Object]) -> Vec<(String, String)> {
    objects
        .iter()
        .filter(|object| object.kind == ObjectKind::Table)
        .filter_map(|object| {
            let rest = virtual_table(object.sql.as_deref()?)?;
            Some((object.name.to_ascii_lowercase(), module(rest).unwrap_or_default()))
        })
        .collect()
}

/// What follows `CREATE VIRTUAL TABLE`. `None` for other definitions.
fn virtual_table(sql: &str) -> Option<&str> {
    ["create", "virtual", "table"].into_iter().try_fold(sql, |rest, word| {
        let (found, rest) = identifier(rest)?;
        found.eq_ignore_ascii_case(word).then_some(rest)
    })
}

/// The module in `name USING module(...)`, in lower case.
fn module(definition: &str) -> Option<String> {
    module_and_rest(definition).map(|(module, _)| module)
}

fn module_and_rest(definition: &str) -> Option<(String, &str)> {
    let (_, rest) = identifier(definition)?;
    let (using, rest) = identifier(rest)?;
    let (module, rest) = identifier(rest)?;
    using.eq_ignore_ascii_case("using").then(|| (module.to_ascii_lowercase(), rest))
}

/// The module of a virtual table and what stands between its brackets. `None` for other
/// definitions.
pub(crate) fn definition_of(sql: &str) -> Option<(String, &str)> {
    let (module, rest) = module_and_rest(virtual_table(sql)?)?;
    let open = rest.find('(')?;
    let close = rest.rfind(')').filter(|close| *close > open)?;
    Some((module, &rest[open + 1..close]))
}

/// Takes a name, quoted or not, off the front.
fn identifier(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let close = match text.chars().next()? {
        quote @ ('"' | '\'' | '`') => quote,
        '[' => ']',
        _ => {
            let inside = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
            let end = text.find(|c| !inside(c)).unwrap_or(text.len());
            return (end > 0).then(|| text.split_at(end));
        }
    };
    let mut from = 1;
    loop {
        let end = from + text[from..].find(close)?;
        let rest = &text[end + close.len_utf8()..];
        if close == ']' || !rest.starts_with(close) {
            return Some((&text[1..end], rest));
        }
        from = end + 2 * close.len_utf8();
    }
}

/// The virtual table whose contents `name` holds.
fn shadow_of(name: &str, modules: &[(String, String)]) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let suffixes = |module: &str| -> &[&str] {
        match module {
            "fts5" => &["data", "idx", "content", "docsize", "config"],
            "fts3" | "fts4" => &["content", "segments", "segdir", "docsize", "stat"],
            "rtree" | "rtree_i32" | "geopoly" => &["node", "rowid", "parent"],
            _ => &[],
        }
    };
    modules
        .iter()
        .find(|(table, module)| {
            name.strip_prefix(table.as_str())
                .and_then(|rest| rest.strip_prefix('_'))
                .is_some_and(|suffix| suffixes(module).contains(&suffix))
        })
        .map(|(table, _)| table.clone())
}

fn table(
    db: &Connection,
    object: &Object,
    stored_indexes: &HashSet<String>,
    modules: &[(String, String)],
) -> Result<TableText, Fault> {
    let lower = object.name.to_ascii_lowercase();
    if modules.iter().any(|(name, _)| *name == lower) {
        return Ok(TableText { storage: Storage::Virtual, ..TableText::default() });
    }
    let all = columns(db, &object.name)?;
    if all.is_empty() {
        let reason = "its definition and its name in the schema disagree".to_owned();
        return Err(Fault::Reason(object.name.clone(), reason));
    }
    let mut text = TableText {
        shadow_of: shadow_of(&object.name, modules),
        columns: all.iter().filter(|c| !c.computed).map(Described::text).collect(),
        ..TableText::default()
    };
    declare_references(db, &object.name, &mut text)?;
    match primary_index(db, &object.name)? {
        Some(index) if !stored_indexes.contains(&index) && is_keyed(db, &object.name)? => {
            text.storage = Storage::Keyed;
            text.key = key(db, &index, &text)?;
        }
        primary => {
            let keys: Vec<_> = all.iter().filter(|column| column.key).collect();
            if let ([only], None) = (&keys[..], primary)
                && only.declared.eq_ignore_ascii_case("integer")
            {
                text.alias = text.column(&only.name);
            }
            text.rowid = rowid_name(&all, &text);
        }
    }
    Ok(text)
}

/// Whether a table is `WITHOUT ROWID`. The missing entry of its primary index alone does not say so
/// in a damaged file.
fn is_keyed(db: &Connection, table: &str) -> rusqlite::Result<bool> {
    let query = "SELECT count(*) FROM pragma_table_list(?1) WHERE schema = 'main' AND wr";
    db.query_row(query, [table], |row| row.get::<_, i64>(0)).map(|count| count > 0)
}

/// A name of the row id that no column has taken.
fn rowid_name(all: &[Described], text: &TableText) -> Option<String> {
    let taken = |name: &&str| all.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    match ["rowid", "_rowid_", "oid"].into_iter().find(|name| !taken(name)) {
        Some(name) => Some(name.to_owned()),
        None => text.alias.map(|alias| quoted(&text.columns[alias].name)),
    }
}

/// A column as the engine describes it.
struct Described {
    name: String,
    declared: String,
    key: bool,
    computed: bool,
}

impl Described {
    fn text(&self) -> ColumnText {
        ColumnText { name: self.name.clone(), declared: self.declared.clone(), references: None }
    }
}

fn columns(db: &Connection, table: &str) -> Result<Vec<Described>, Fault> {
    const COMPUTED: i64 = 2;
    let mut statement = db.prepare_cached(
        "SELECT name, type, pk, hidden FROM pragma_table_xinfo(?1, 'main') ORDER BY cid",
    )?;
    let rows = statement.query_map([table], |row| {
        Ok(Described {
            name: row.get(0)?,
            declared: row.get(1)?,
            key: row.get::<_, i64>(2)? > 0,
            computed: row.get::<_, i64>(3)? == COMPUTED,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Notes which columns are foreign keys of their own.
fn declare_references(db: &Connection, table: &str, text: &mut TableText) -> Result<(), Fault> {
    let mut statement = db.prepare_cached(
        "SELECT min(\"table\"), min(\"from\") FROM pragma_foreign_key_list(?1, 'main')
         GROUP BY id HAVING count(*) = 1",
    )?;
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let column: String = row.get(1)?;
        if let Some(place) = text.column(&column) {
            text.columns[place].references = Some(row.get(0)?);
        }
    }
    Ok(())
}

/// The index of the primary key, where the key is not the row id itself.
fn primary_index(db: &Connection, table: &str) -> Result<Option<String>, Fault> {
    let mut statement =
        db.prepare_cached("SELECT name FROM pragma_index_list(?1, 'main') WHERE origin = 'pk'")?;
    let mut rows = statement.query([table])?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

fn key(db: &Connection, index: &str, text: &TableText) -> Result<Vec<KeyPart>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT name, coll, \"desc\" FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno",
    )?;
    let mut rows = statement.query([index])?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let column = text.column(&name).ok_or_else(|| {
            Fault::Reason(index.to_owned(), format!("key column {name:?} is not stored"))
        })?;
        parts.push(KeyPart { column, collation: row.get(1)?, descending: row.get(2)? });
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(sql: &str) -> SchemaText {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(sql).unwrap();
        SchemaText::read(&db, Path::new("memory"), false).unwrap()
    }

    #[test]
    fn every_storage_is_recognised() {
        let text = schema(
            "CREATE TABLE plain(id INTEGER PRIMARY KEY, name TEXT, twice AS (id * 2));
             CREATE TABLE keyed(a TEXT, b, PRIMARY KEY(b DESC, a COLLATE NOCASE)) WITHOUT ROWID;
             CREATE TABLE taken(rowid, oid, _rowid_);
             CREATE TABLE down(id INTEGER PRIMARY KEY DESC);
             CREATE VIRTUAL TABLE words USING fts5(body);",
        );
        let table = |name: &str| text.table(name).unwrap().1;
        assert_eq!(table("plain").alias, Some(0));
        assert_eq!(table("plain").columns.len(), 2, "a computed column is not stored");
        assert_eq!(table("PLAIN").rowid.as_deref(), Some("rowid"));
        let keyed = table("keyed");
        assert_eq!(keyed.storage, Storage::Keyed);
        assert_eq!(
            keyed.key,
            [
                KeyPart { column: 1, collation: "BINARY".into(), descending: true },
                KeyPart { column: 0, collation: "NOCASE".into(), descending: false },
            ]
        );
        assert_eq!(table("taken").rowid, None);
        assert_eq!((table("down").alias, table("down").storage), (None, Storage::Rows));
        assert_eq!(table("words").storage, Storage::Virtual);
        assert_eq!(table("words_data").shadow_of.as_deref(), Some("words"));
        assert!(text.tables().all(|(_, object, _)| object.name != "words"));
    }

    #[test]
    fn the_shape_survives_being_stored() {
        let text = schema("CREATE TABLE t(\"odd \"\" name\" REAL, b); CREATE INDEX i ON t(b);");
        let bytes = crate::base::codec::encode(&text).unwrap();
        assert_eq!(crate::base::codec::decode::<SchemaText>(&bytes).unwrap(), text);
        assert!(text.objects[0].rows.as_ref().unwrap().columns[0].is_real());
    }

    #[test]
    fn modules_are_found_in_definitions() {
        let using = |sql| virtual_table(sql).and_then(module);
        assert_eq!(using("CREATE VIRTUAL TABLE a USING fts5(x)").as_deref(), Some("fts5"));
        assert_eq!(using("create  virtual\ntable a using\"RTree\" (x)").as_deref(), Some("rtree"));
        let odd = "CREATE VIRTUAL TABLE \"a \"\" using b\" USING [alien]";
        assert_eq!(using(odd).as_deref(), Some("alien"));
        assert_eq!(using("CREATE TABLE a(x)"), None);
        assert_eq!(using("CREATE VIRTUAL TABLE \"never ends"), None);
    }
}
