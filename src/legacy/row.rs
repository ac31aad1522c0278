//! From rows to records and back, by one reader and one writer for all types.
//!
//! A [`RowMap`] says once, for a table as it lies in a file, which column becomes which field. A
//! cell that does not fit its field leaves the field at its default and is counted; the cell itself
//! is kept with the verbatim row, so nothing is lost by it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde::de::value::{BorrowedStrDeserializer, Error as Refused};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::database::{Column, Form, Table};
use super::scalar::{Scalar, Scalars};
use super::schema::TableText;
use super::shape::{Field, Want};
use super::stand_in;
use super::time::{parse_time, write_time};
use super::value::{Cell, Encoding, Value};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::vector::Vector;

/// Rows that are remembered of those with the same fault.
const ROWS_REMEMBERED: usize = 5;

/// Finds the records that a row refers to.
pub(crate) trait Resolve {
    /// The record made from a row of `table`.
    fn row(&self, table: &str, rowid: i64) -> Option<NodeId>;
    /// The record made from `table` whose unique index `index` has the key `text`.
    fn key(&self, table: &str, index: &str, text: &str) -> Option<NodeId>;
}

/// Finds the row that stands for a record.
pub(crate) trait Locate {
    /// The row of `table` that stands for the record.
    fn rowid(&self, table: &str, node: NodeId) -> Option<i64>;
}

/// How the columns of one table become the fields of one record type.
#[derive(Debug)]
pub(crate) struct RowMap {
    table: &'static str,
    encoding: Encoding,
    zone: TimeZone,
    fields: Vec<FieldMap>,
}

/// How one column becomes one field.
#[derive(Debug)]
pub(crate) struct FieldMap {
    /// The field of the record.
    pub(crate) field: &'static str,
    /// Place of the column among the stored ones.
    pub(crate) column: usize,
    /// Name of the column.
    pub(crate) name: String,
    form: Form,
    want: Want,
    optional: bool,
    /// Place of the column that says together with this one what the field is.
    beside: Option<usize>,
}

impl FieldMap {
    /// Whether the column holds JSON.
    #[cfg(test)]
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.form, Form::Json | Form::MemoryMetadata(_))
    }

    /// The other field that says what the cell is, where it takes two.
    fn other_field(&self) -> Option<&'static str> {
        match self.form {
            Form::MemoryType(_) => Some("metadata"),
            Form::MemoryMetadata(_) => Some("memory_type"),
            Form::Setting => Some("value_type"),
            _ => None,
        }
    }

    /// Whether the field is derived from a column that another field stands for.
    fn is_derived(&self) -> bool {
        matches!(self.form, Form::KeyRef { .. })
    }
}

/// Why a cell is not what its field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The cell cannot be a value of the field, which has its default.
    Misfit,
    /// The row that the cell names does not exist.
    Dangling,
    /// The time was never shown by the clocks of the zone.
    ImpossibleTime,
}

/// Cells of one table that are not what their fields say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Misfits {
    tallies: Vec<Tally>,
}

/// Cells of one column with the same fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    /// What is wrong.
    pub(crate) fault: Fault,
    /// The column.
    pub(crate) column: String,
    /// How many cells.
    pub(crate) count: u64,
    /// The first rows.
    pub(crate) rows: Vec<i64>,
}

impl Misfits {
    fn add(&mut self, fault: Fault, column: &str, rowid: i64) {
        let same = |tally: &&mut Tally| tally.fault == fault && tally.column == column;
        if let Some(tally) = self.tallies.iter_mut().find(same) {
            tally.count += 1;
            if tally.rows.len() < ROWS_REMEMBERED {
                tally.rows.push(rowid);
            }
        } else {
            let column = column.to_owned();
            self.tallies.push(Tally { fault, column, count: 1, rows: vec![rowid] });
        }
    }

    /// What was counted, by column.
    pub(crate) fn tallies(&self) -> &[Tally] {
        &self.tallies
    }
}

impl RowMap {
    /// Maps `table` as it lies in a file to a type with these `fields`. Times without a zone that
    /// were local ones are of `zone`.
    pub(crate) fn new(
        table: &Table,
        stored: &TableText,
        fields: &[Field],
        encoding: Encoding,
        zone: TimeZone,
    ) -> Self {
        let mut maps = Vec::new();
        for (place, column) in stored.columns.iter().enumerate() {
            let listed = |entry: &&Column| entry.column.eq_ignore_ascii_case(&column.name);
            let mut add = |name: &str, form: Form| {
                let field = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
                maps.extend(field.map(|field| FieldMap {
                    field: field.name,
                    column: place,
                    name: column.name.clone(),
                    form: declared(form, column.references.as_deref()),
                    want: field.want,
                    optional: field.optional,
                    beside: match form {
                        Form::MemoryType(other) | Form::MemoryMetadata(other) => {
                            stored.column(other)
                        }
                        _ => None,
                    },
                }));
            };
            let mut itself = false;
            for entry in table.columns.iter().filter(listed) {
                add(entry.field, entry.form);
                itself |= !matches!(entry.form, Form::KeyRef { .. });
            }
            if !itself {
                add(&column.name, Form::Plain);
            }
        }
        Self { table: table.name, encoding, zone, fields: maps }
    }

    /// The names of the columns that stand for fields, with their places.
    pub(crate) fn columns(&self) -> Vec<(usize, &str)> {
        self.fields.iter().map(|field| (field.column, field.name.as_str())).collect()
    }

    /// The fields that a column stands for.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &FieldMap> {
        self.fields.iter().filter(|field| !field.is_derived())
    }

    /// Reads a row.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        rowid: i64,
        cells: &[Cell<'_>],
        resolve: &dyn Resolve,
        misfits: &mut Misfits,
    ) -> Result<T> {
        let row = Row { map: self, rowid, cells, resolve, misfits, next: 0, item: Item::None };
        T::deserialize(row).map_err(|error| {
            Error::invalid(format!("{} row {rowid}", self.table), error.to_string())
        })
    }

    /// What the cells say of a field. `None` where it keeps its default.
    fn item<'c>(
        &self,
        field: &FieldMap,
        cells: &[Cell<'c>],
        resolve: &dyn Resolve,
    ) -> Result<Option<(Item<'c>, Option<Fault>)>, Fault> {
        let cell = cells.get(field.column).copied().unwrap_or(Cell::Null);
        if let Some(other) = field.beside.and_then(|place| cells.get(place))
            && let Some(item) = self.stood_for(field, cell, *other)
        {
            return Ok(Some((item, None)));
        }
        if cell.is_null() {
            return Ok(field.optional.then_some((Item::None, None)));
        }
        let item = match field.form {
            Form::Plain | Form::MemoryType(_) | Form::Setting => self.plain(field, cell),
            Form::Bool => truth(cell),
            Form::Time { zoneless, .. } => {
                if matches!(cell, Cell::Text(b"")) {
                    return Ok(None);
                }
                let found = self.time(cell, zoneless).ok_or(Fault::Misfit)?;
                let fault = found.impossible.then_some(Fault::ImpossibleTime);
                return Ok(Some((Item::Integer(found.time.as_micros()), fault)));
            }
            Form::Json | Form::MemoryMetadata(_) => match self.text(cell) {
                Some(text) if text.is_empty() => return Ok(None),
                Some(text) => is_json(&text).then_some(Item::Text(text)),
                None => None,
            },
            Form::JsonFloats => self.text(cell).and_then(|text| floats(&text)),
            Form::Floats => match cell {
                Cell::Blob(bytes) if bytes.len() % 4 == 0 => {
                    Some(Item::Bytes(Cow::Borrowed(bytes)))
                }
                _ => None,
            },
            Form::Ref(table) => match cell {
                Cell::Integer(rowid) => {
                    return match resolve.row(table, rowid) {
                        Some(node) => Ok(Some((Item::Unsigned(node.as_u64()), None))),
                        None => Err(Fault::Dangling),
                    };
                }
                _ => None,
            },
            Form::KeyRef { table, index } => match self.text(cell) {
                Some(text) => {
                    return match resolve.key(table, index, &text) {
                        Some(node) => Ok(Some((Item::Unsigned(node.as_u64()), None))),
                        None => Err(Fault::Dangling),
                    };
                }
                // The field of the column itself counts what is no text.
                None => return Ok(None),
            },
            Form::RefDeclared { .. } => None,
        };
        item.map(|item| Some((item, None))).ok_or(Fault::Misfit)
    }

    /// Type or metadata of a memory whose own type another stands for.
    fn stood_for<'c>(&self, field: &FieldMap, cell: Cell<'_>, other: Cell<'_>) -> Option<Item<'c>> {
        let (cell, other) = (self.text(cell)?, self.text(other)?);
        match field.form {
            Form::MemoryType(_) => {
                let (memory_type, _) = stand_in::read(&cell, &other)?;
                Some(Item::Text(Cow::Borrowed(memory_type)))
            }
            Form::MemoryMetadata(_) => {
                let (_, metadata) = stand_in::read(&other, &cell)?;
                Some(metadata.map_or(Item::None, |text| Item::Text(Cow::Owned(text))))
            }
            _ => None,
        }
    }

    fn time(&self, cell: Cell<'_>, zoneless: super::time::Zoneless) -> Option<super::time::Moment> {
        match cell {
            Cell::Text(_) if self.encoding != Encoding::Utf8 => {
                let text = self.text(cell)?;
                parse_time(Cell::Text(text.as_bytes()), zoneless, &self.zone)
            }
            cell => parse_time(cell, zoneless, &self.zone),
        }
    }

    fn text<'c>(&self, cell: Cell<'c>) -> Option<Cow<'c, str>> {
        match cell {
            Cell::Text(bytes) => self.encoding.decode(bytes),
            _ => None,
        }
    }

    fn plain<'c>(&self, field: &FieldMap, cell: Cell<'c>) -> Option<Item<'c>> {
        match (field.want, cell) {
            (Want::Text, Cell::Text(_)) => self.text(cell).map(Item::Text),
            (Want::Integer, Cell::Integer(number)) => Some(Item::Integer(number)),
            (Want::Unsigned, Cell::Integer(number)) => {
                u64::try_from(number).ok().map(Item::Unsigned)
            }
            (Want::Real, Cell::Real(number)) => Some(Item::Real(number)),
            (Want::Real, Cell::Integer(number)) => Some(Item::Real(rounded(number))),
            (Want::Bool, cell) => truth(cell),
            (Want::Bytes, Cell::Blob(bytes)) => Some(Item::Bytes(Cow::Borrowed(bytes))),
            _ => None,
        }
    }

    /// Whether a column stands for a field.
    pub(crate) fn holds(&self, field: &str) -> bool {
        self.fields.iter().any(|known| known.field == field)
    }

    /// The field that a column at a place stands for, for itself.
    pub(crate) fn field_at(&self, column: usize) -> Option<&FieldMap> {
        self.fields().find(|field| field.column == column)
    }

    /// The columns that name records by their natural key, and the fields of those records.
    pub(crate) fn named_by_key(&self) -> impl Iterator<Item = (usize, &'static str)> {
        self.fields
            .iter()
            .filter(|field| field.is_derived())
            .map(|known| (known.column, known.field))
    }

    /// A cell that holds a text.
    pub(crate) fn text_cell(&self, text: String) -> Value {
        Value::Text(text.into_bytes()).encoded(self.encoding)
    }

    /// The fields whose cells have to be written again where these fields have other values.
    pub(crate) fn to_rewrite(
        &self,
        changed: &BTreeSet<&'static str>,
        versions: [&Scalars; 2],
    ) -> impl Iterator<Item = &FieldMap> {
        let stands =
            versions.iter().any(|fields| stood_in(fields).is_some() || truth_of(fields).is_some());
        self.fields().filter(move |field| {
            let other = field.other_field().filter(|_| stands);
            changed.contains(field.field) || other.is_some_and(|other| changed.contains(other))
        })
    }

    /// The cell for a field of a record, in the column's usual form. A field that is empty is NULL.
    ///
    /// # Errors
    /// The node that has no row to be named by.
    pub(crate) fn cell(
        &self,
        field: &FieldMap,
        fields: &Scalars,
        locate: &dyn Locate,
    ) -> Result<Value, NodeId> {
        let text = match field.form {
            Form::MemoryType(_) => stood_in(fields).map(|(memory_type, _)| memory_type.to_owned()),
            Form::MemoryMetadata(_) => stood_in(fields).map(|(_, metadata)| metadata),
            Form::Setting => truth_of(fields).map(str::to_owned),
            _ => None,
        };
        match text {
            Some(text) => Ok(self.text_cell(text)),
            None => self.cell_of(field, fields.get(field.field), locate),
        }
    }

    /// The cell for a value, as [`RowMap::cell`].
    pub(crate) fn cell_of(
        &self,
        field: &FieldMap,
        value: Option<&Scalar>,
        locate: &dyn Locate,
    ) -> Result<Value, NodeId> {
        let Some(value) = value else { return Ok(Value::Null) };
        let cell = match (field.form, value) {
            (Form::Time { write, zoneless }, Scalar::Integer(micros)) => {
                let time = crate::base::time::Timestamp::from_micros(*micros);
                write_time(time, write, zoneless, &self.zone)
            }
            (Form::Ref(table), Scalar::Unsigned(number)) => {
                let node = NodeId::from_u64(*number);
                Value::Integer(locate.rowid(table, node).ok_or(node)?)
            }
            (Form::JsonFloats, Scalar::Bytes(bytes)) => {
                let vector = Vector::from_le_bytes(bytes.clone()).unwrap_or_default();
                let json = Json::of(&vector.to_vec());
                json.map_or(Value::Null, |json| Value::Text(json.as_str().into()))
            }
            (_, Scalar::Integer(number)) => Value::Integer(*number),
            (_, Scalar::Unsigned(number)) => Value::Integer(number.cast_signed()),
            (_, Scalar::Real(number)) => Value::Real(*number),
            (_, Scalar::Bool(truth)) => Value::Integer(i64::from(*truth)),
            (_, Scalar::Text(text)) => Value::Text(text.clone().into_bytes()),
            (_, Scalar::Bytes(bytes)) => Value::Blob(bytes.clone()),
            (_, Scalar::Other(_)) => Value::Null,
        };
        Ok(cell.encoded(self.encoding))
    }
}

/// A truth value among settings as the old application writes it.
fn truth_of(fields: &Scalars) -> Option<&'static str> {
    let is = |field, text| matches!(fields.get(field), Some(Scalar::Text(found)) if found == text);
    let truth = [("true", "True"), ("false", "False")].into_iter();
    let mut found = truth.filter(|(ours, _)| is("value_type", "bool") && is("value", ours));
    found.next().map(|(_, theirs)| theirs)
}

/// Type and metadata of a memory of a type that the old tables do not have, as they hold them.
fn stood_in(fields: &Scalars) -> Option<(&'static str, String)> {
    let text = |field| match fields.get(field) {
        Some(Scalar::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    stand_in::write(text("memory_type")?, text("metadata"))
}

/// Which of two tables a reference means, by what the file declares.
fn declared(form: Form, references: Option<&str>) -> Form {
    match form {
        Form::RefDeclared { table, otherwise } => {
            let named = references.is_some_and(|name| name.eq_ignore_ascii_case(table));
            Form::Ref(if named { table } else { otherwise })
        }
        form => form,
    }
}

/// A number of a column that holds both kinds.
#[expect(clippy::cast_precision_loss, reason = "the cell itself is kept beside the record")]
fn rounded(number: i64) -> f64 {
    number as f64
}

fn truth(cell: Cell<'_>) -> Option<Item<'static>> {
    match cell {
        Cell::Integer(0) => Some(Item::Bool(false)),
        Cell::Integer(1) => Some(Item::Bool(true)),
        _ => None,
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn floats(text: &str) -> Option<Item<'static>> {
    let numbers: Vec<f32> = serde_json::from_str(text).ok()?;
    let bytes = numbers.into_iter().flat_map(f32::to_le_bytes).collect();
    Some(Item::Bytes(Cow::Owned(bytes)))
}

/// The fields whose values differ between two versions of a record.
pub(crate) fn changed_fields(old: &Scalars, new: &Scalars) -> BTreeSet<&'static str> {
    let names = old.iter().chain(new.iter()).map(|(name, _)| *name);
    names.filter(|name| old.get(name) != new.get(name)).collect()
}

/// The value of a field, out of a cell.
enum Item<'c> {
    None,
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    Real(f64),
    Text(Cow<'c, str>),
    Bytes(Cow<'c, [u8]>),
}

/// A row that is being read: a map of those fields that have a fitting cell.
struct Row<'r, 'c> {
    map: &'r RowMap,
    rowid: i64,
    cells: &'r [Cell<'c>],
    resolve: &'r dyn Resolve,
    misfits: &'r mut Misfits,
    next: usize,
    item: Item<'c>,
}

impl<'de> Deserializer<'de> for Row<'_, '_> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_map(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Row<'_, '_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refused> {
        while let Some(field) = self.map.fields.get(self.next) {
            self.next += 1;
            match self.map.item(field, self.cells, self.resolve) {
                Ok(None) => {}
                Ok(Some((item, fault))) => {
                    if let Some(fault) = fault {
                        self.misfits.add(fault, &field.name, self.rowid);
                    }
                    self.item = item;
                    return seed.deserialize(BorrowedStrDeserializer::new(field.field)).map(Some);
                }
                Err(fault) => self.misfits.add(fault, &field.name, self.rowid),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        seed.deserialize(std::mem::replace(&mut self.item, Item::None))
    }
}

impl<'de> Deserializer<'de> for Item<'_> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self {
            Self::None => visitor.visit_none(),
            Self::Bool(truth) => visitor.visit_bool(truth),
            Self::Integer(number) => visitor.visit_i64(number),
            Self::Unsigned(number) => visitor.visit_u64(number),
            Self::Real(number) => visitor.visit_f64(number),
            Self::Text(Cow::Borrowed(text)) => visitor.visit_str(text),
            Self::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Self::Bytes(Cow::Borrowed(bytes)) => visitor.visit_bytes(bytes),
            Self::Bytes(Cow::Owned(bytes)) => visitor.visit_byte_buf(bytes),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self {
            Self::None => visitor.visit_none(),
            item => visitor.visit_some(item),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::Connection;

    use super::*;
    use crate::base::codec;
    use crate::base::id::Kind;
    use crate::legacy::copy::samples;
    use crate::legacy::database::DATABASES;
    use crate::legacy::detect::detect;
    use crate::legacy::ops::RowInput;
    use crate::legacy::scan::scan;
    use crate::legacy::schema::SchemaText;
    use crate::legacy::source::{Damage, Source};
    use crate::legacy::time::Stamp;
    use crate::record::{Document, IndexedFile, Memory, MemoryCodeLink, Watch};

    /// Every row with an id below a thousand exists, and every key that is not `gone`.
    struct Small;

    impl Resolve for Small {
        fn row(&self, _table: &str, rowid: i64) -> Option<NodeId> {
            let key = u64::try_from(rowid).ok().filter(|key| *key < 1_000)?;
            NodeId::new(Kind(9), key)
        }

        fn key(&self, _table: &str, _index: &str, text: &str) -> Option<NodeId> {
            (text != "gone").then_some(NodeId::from_u64(7))
        }
    }

    impl Locate for Small {
        fn rowid(&self, _table: &str, node: NodeId) -> Option<i64> {
            i64::try_from(node.key()).ok().filter(|_| node.kind() == Kind(9))
        }
    }

    /// The map of a table as its kind's newest shape has it, and the names of its columns.
    fn map(kind: &str, table: &str) -> (RowMap, Vec<String>) {
        let database = DATABASES.iter().find(|database| database.kind == kind).unwrap();
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(database.schema).unwrap();
        let schema = SchemaText::read(&db, Path::new("memory"), false).unwrap();
        let (_, stored) = schema.table(table).unwrap();
        let listed = database.tables.iter().find(|listed| listed.name == table).unwrap();
        let fields = (listed.ops.fields)().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let names = stored.columns.iter().map(|column| column.name.clone()).collect();
        (RowMap::new(listed, stored, &fields, Encoding::Utf8, zone), names)
    }

    /// Reads one row, of which only some cells are not NULL.
    fn read<T: DeserializeOwned>(
        kind: &str,
        table: &str,
        cells: &[(&str, Cell<'_>)],
    ) -> (T, Vec<(Fault, String)>) {
        let (map, names) = map(kind, table);
        let given = |name: &String| cells.iter().find(|(column, _)| column == name);
        let row: Vec<Cell<'_>> =
            names.iter().map(|name| given(name).map_or(Cell::Null, |(_, cell)| *cell)).collect();
        assert!(cells.iter().all(|(column, _)| names.iter().any(|name| name == column)));
        let mut misfits = Misfits::default();
        let record = map.read(1, &row, &Small, &mut misfits).unwrap();
        let faults = misfits.tallies().iter().map(|tally| (tally.fault, tally.column.clone()));
        (record, faults.collect())
    }

    #[test]
    fn cells_become_fields() {
        let (document, faults) = read::<Document>(
            "documents",
            "documents",
            &[
                ("id", Cell::Integer(4)),
                ("file_name", Cell::Text(b"a.txt")),
                ("created_at", Cell::Text(b"2026-02-14 08:18:02")),
                ("updated_at", Cell::Text(b"2026-02-14T09:18:02.000001")),
            ],
        );
        assert_eq!(faults, []);
        assert_eq!(document.file_name, "a.txt");
        assert_eq!(document.created_at.unwrap().as_micros(), 1_771_057_082_000_000);
        assert_eq!(document.updated_at.unwrap().as_micros(), 1_771_057_082_000_001);
        let (memory, faults) = read::<Memory>(
            "unified_memory",
            "memory_records",
            &[
                ("embedding_vector", Cell::Blob(&[0, 0, 128, 63])),
                ("importance_score", Cell::Integer(1)),
                ("metadata", Cell::Text(b"{\"a\": 1}")),
            ],
        );
        assert_eq!(faults, []);
        assert_eq!(memory.embedding.unwrap().to_vec(), [1.0]);
    }

    #[test]
    fn cells_that_do_not_fit_leave_the_default_and_are_counted() {
        let (file, faults) = read::<IndexedFile>(
            "documents",
            "files_index",
            &[
                ("display_name", Cell::Blob(b"x")),
                ("original_path", Cell::Text(b"\xff")),
                ("file_size", Cell::Text(b"12")),
                ("mtime", Cell::Text(b"yesterday")),
                ("metadata_json", Cell::Text(b"{'a': 1}")),
                ("ext", Cell::Text(b".txt")),
            ],
        );
        assert_eq!(file.ext.as_deref(), Some(".txt"));
        assert_eq!((file.display_name.as_str(), file.file_size), ("", None));
        let expected = ["display_name", "original_path", "file_size", "mtime", "metadata_json"];
        assert_eq!(faults, expected.map(|column| (Fault::Misfit, column.to_owned())));

        let (watch, faults) = read::<Watch>(
            "documents",
            "watched_directories",
            &[("recursive", Cell::Integer(0)), ("active", Cell::Integer(7))],
        );
        assert!(!watch.recursive);
        assert_eq!(faults, [(Fault::Misfit, "active".to_owned())]);
    }

    #[test]
    fn references_without_a_target_are_dangling() {
        let link = |path: &'static [u8]| {
            let cells = [("file_path", Cell::Text(path))];
            read::<MemoryCodeLink>("file_index", "memory_code_links", &cells)
        };
        let (found, faults) = link(b"src/a.py");
        assert_eq!((found.file, faults), (Some(NodeId::from_u64(7)), vec![]));
        assert_eq!(found.file_path, "src/a.py", "the column also stands for itself");
        let (lost, faults) = link(b"gone");
        assert_eq!((lost.file, lost.file_path.as_str()), (None, "gone"));
        assert_eq!(faults, [(Fault::Dangling, "file_path".to_owned())]);
    }

    #[test]
    fn changed_fields_are_found_by_name() {
        let old = Document { file_name: "a".into(), ..Document::default() };
        let new = Document { file_path: Some("/b".into()), category: "c".into(), ..old.clone() };
        let scalars = |document: &Document| Scalars::of(document).unwrap();
        let changed = changed_fields(&scalars(&old), &scalars(&new));
        assert_eq!(changed.into_iter().collect::<Vec<_>>(), ["category", "file_path"]);
        assert!(changed_fields(&scalars(&old), &scalars(&old)).is_empty());
    }

    /// Times whose usual form is coarser than what was read come back coarser.
    fn coarser(map: &FieldMap, value: Option<&Scalar>) -> bool {
        let Form::Time { write, .. } = map.form else { return false };
        let Some(Scalar::Integer(micros)) = value else { return false };
        let unit = match write {
            Stamp::A => 1_000_000,
            Stamp::H => 86_400_000_000,
            _ => return false,
        };
        micros % unit != 0
    }

    /// Reads every row of every sample, writes its fields as cells and reads those.
    #[test]
    fn what_is_written_reads_back_the_same() {
        let Some(samples) = samples() else { return };
        let list = std::fs::read(samples.join("MANIFEST.json")).unwrap();
        let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
        let (mut rows, mut same) = (0_u64, 0_u64);
        for (name, entry) in list["files"].as_object().unwrap() {
            if entry["kind"].is_null() {
                continue;
            }
            let path = samples.join(name);
            let source = Source::open(&path, Damage::Refuse, None).unwrap();
            let schema = source.schema();
            let database = detect(schema, &path).unwrap();
            for table in database.tables {
                let Some((place, stored)) = schema.table(table.name) else { continue };
                let fields = (table.ops.fields)().unwrap();
                let zone = TimeZone::get("America/New_York").unwrap();
                let map = RowMap::new(table, stored, &fields, schema.header.encoding, zone);
                let mut misfits = Misfits::default();
                scan(&source, place, |rowid, cells| {
                    let mut read = |cells: &[Cell<'_>]| {
                        let row = RowInput { map: &map, rowid, cells, resolve: &Small };
                        (table.ops.read)(&row, &mut misfits)
                    };
                    let record = read(cells)?;
                    let scalars = (table.ops.scalars)(&record)?;
                    let values: Vec<(usize, Value)> = map
                        .fields()
                        .filter(|field| !coarser(field, scalars.get(field.field)))
                        .filter(|field| scalars.get(field.field).is_some())
                        .map(|field| (field.column, map.cell(field, &scalars, &Small).unwrap()))
                        .collect();
                    let mut written = cells.to_vec();
                    for (column, value) in &values {
                        same += u64::from(written[*column] == value.as_cell());
                        rows += 1;
                        written[*column] = value.as_cell();
                    }
                    assert_eq!(
                        codec::unpack(&read(&written)?)?,
                        codec::unpack(&record)?,
                        "{name} {} row {rowid}",
                        table.name
                    );
                    Ok(())
                })
                .unwrap();
                for tally in misfits.tallies() {
                    eprintln!("{name} {}: {tally:?}", table.name);
                }
            }
        }
        eprintln!("{same} of {rows} cells are written as they were read");
        assert!(rows > 20_000 && same * 100 / rows > 95, "{same} of {rows}");
    }
}
