//! The rows of a database on their way out: as they came in, patched, left out, or new.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::SyncSender;

use super::block::{BlockReader, BlockWriter};
use super::born::Births;
use super::database::Form;
use super::export::{Mode, Target};
use super::made::{Made, path_of, write_numbers, write_paths};
use super::ops::RowInput;
use super::plan::{Resolver, TablePlan, Typed};
use super::row::{FieldMap, Locate, Misfits, Resolve, changed_fields};
use super::rules::{Filling, With, fillings_of};
use super::scalar::{Scalar, Scalars};
use super::schema::Storage;
use super::sync_conflicts::pending_of;
use super::value::{Cell, Value};
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
use crate::base::key;
use crate::storage::tables::{record_key, record_key_from};
use crate::storage::{Bytes, KeyRange, RowIter, Rows as _, TableId, verbatim};
use crate::store::ReadTx;
use crate::store::erase_rows::{self, ErasedRows};
use crate::store::record_read;
use crate::store::sources::SourceTable;

/// Records that a cursor passes over before it seeks.
const SKIP_MAX: usize = 64;

/// The table of the code index that others name files of.
const CODE_FILES: &str = "files";

/// Rows for the table at a place of the schema.
pub(super) struct Item {
    pub(super) object: usize,
    pub(super) rows: Packed,
}

/// A block of rows.
pub(super) struct Packed(Vec<u8>);

impl Packed {
    /// The rows of a block.
    pub(super) fn of(block: Vec<u8>) -> Self {
        Self(block)
    }

    /// Hands every row to `take`.
    pub(super) fn for_each(
        &self,
        take: &mut dyn FnMut(i64, &[Cell<'_>]) -> Result<()>,
    ) -> Result<()> {
        let reader = BlockReader::open(&self.0)?;
        let (mut rows, mut cells) = (reader.rows()?, Vec::new());
        while let Some(row) = rows.next(&mut cells)? {
            take(row, &cells)?;
        }
        Ok(())
    }
}

/// What went out.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) rows: BTreeMap<String, u64>,
    pub(super) changed: u64,
    pub(super) born: u64,
    pub(super) deleted: u64,
    /// Rows whose cells are NULL because they were erased.
    pub(super) erased: u64,
    /// Full-text tables whose words were erased with those of others.
    pub(super) emptied: Vec<String>,
    /// Tables whose rows are not what was imported.
    pub(super) touched: BTreeSet<String>,
    /// Rows whose records say something that no column holds, by table and field.
    pub(super) not_held: BTreeMap<String, u64>,
    pub(super) notes: Vec<String>,
}

/// Reads a database out of the store.
pub(super) struct Outgoing<'a> {
    read: &'a ReadTx,
    target: &'a Target,
    plans: &'a [TablePlan],
    born: &'a Births,
    tables: &'a [SourceTable],
    number: u32,
    sender: SyncSender<Item>,
    totals: Totals,
    /// Whether cells are filled in without which the old application fails.
    fills: bool,
    made: Made,
    /// Table and row of records that may be there without their rows.
    kept: BTreeMap<NodeId, (String, i64)>,
}

/// The records of a kind beside rows that come in the same order.
struct RecordCursor<'a> {
    read: &'a ReadTx,
    kind: Kind,
    rows: Option<RowIter<'a>>,
    next: Option<(u64, Bytes)>,
}

impl<'a> RecordCursor<'a> {
    fn new(read: &'a ReadTx, kind: Kind) -> Self {
        Self { read, kind, rows: None, next: None }
    }

    fn seek(&mut self, key: u64) -> Result<()> {
        let range = KeyRange::all().starting_at(&record_key(key));
        self.rows = Some(self.read.rows().range(TableId::records(self.kind), range)?);
        self.advance()
    }

    fn advance(&mut self) -> Result<()> {
        let row = self.rows.as_mut().and_then(Iterator::next).transpose()?;
        self.next = row.map(|(key, value)| (record_key_from(&key), value));
        Ok(())
    }

    /// The record with that key. Fast when keys grow.
    fn get(&mut self, key: u64) -> Result<Option<&Bytes>> {
        let behind = self.next.as_ref().is_none_or(|(next, _)| *next > key);
        if self.rows.is_none() || behind {
            self.seek(key)?;
        }
        let mut steps = 0;
        while self.next.as_ref().is_some_and(|(next, _)| *next < key) {
            steps += 1;
            if steps > SKIP_MAX { self.seek(key)? } else { self.advance()? }
        }
        Ok(self.next.as_ref().filter(|(next, _)| *next == key).map(|(_, value)| value))
    }
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(
        read: &'a ReadTx,
        target: &'a Target,
        plans: &'a [TablePlan],
        (born, mode): (&'a Births, Mode),
        sender: SyncSender<Item>,
    ) -> Self {
        let source = target.source.as_ref();
        Self {
            read,
            target,
            plans,
            born,
            tables: source.map_or(&[], |source| &source.tables),
            number: source.map_or(0, |source| source.number),
            sender,
            totals: Totals::default(),
            fills: mode == Mode::Loadable,
            made: Made::default(),
            kept: BTreeMap::new(),
        }
    }

    /// Reads every table and hands its rows over.
    pub(super) fn run(mut self) -> Result<Totals> {
        for (id, pending) in pending_of(self.read, self.number)? {
            if pending.theirs.is_none() {
                self.kept.insert(id, (pending.table, pending.row));
            }
        }
        self.totals.emptied = self.emptied()?;
        let mut plans: Vec<&TablePlan> = self.plans.iter().collect();
        plans.sort_by_key(|plan| plan.object);
        for plan in plans {
            if plan.name.eq_ignore_ascii_case("sqlite_sequence") {
                self.send_sequences(plan)?;
            } else {
                self.send_table(plan)?;
            }
        }
        self.totals.notes = self.made.notes();
        self.totals.not_held = self.made.not_held;
        Ok(self.totals)
    }

    fn send(&self, object: usize, bytes: Vec<u8>) -> Result<()> {
        self.sender
            .send(Item { object, rows: Packed(bytes) })
            .map_err(|_| Error::conflict("export", "the file could not take its rows"))
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.tables.iter().position(|table| table.name.eq_ignore_ascii_case(name))
    }

    /// The full-text tables of the source whose words went when rows were erased.
    fn emptied(&self) -> Result<Vec<String>> {
        if !erase_rows::is_touched(self.read.rows(), self.number)? {
            return Ok(Vec::new());
        }
        let places = erase_rows::derived_places(self.tables).into_iter();
        let names = places.filter_map(|place| self.tables[place].name.strip_suffix("_data"));
        Ok(names.map(str::to_owned).collect())
    }

    /// Counters that are behind the rows made here go up.
    fn send_sequences(&mut self, plan: &TablePlan) -> Result<()> {
        let mut raised: BTreeMap<String, i64> = BTreeMap::new();
        for (table, first) in &self.born.first {
            let object = self.target.schema.table(table).map(|(object, _)| object);
            let sql = object.and_then(|object| self.target.schema.objects[object].sql.as_deref());
            if sql.is_some_and(|sql| sql.to_ascii_uppercase().contains("AUTOINCREMENT")) {
                let count = self.born.tables.get(table).map_or(0, Vec::len) as u64;
                raised.insert((*table).to_owned(), first.saturating_add_unsigned(count - 1));
            }
        }
        let mut writer = BlockWriter::new(plan.columns);
        let mut last = 0;
        if let Some(place) = self.place(&plan.name) {
            for block in verbatim::blocks(self.read.rows(), self.number, place as u32)? {
                Packed(block?.1).for_each(&mut |row, cells| {
                    last = last.max(row);
                    let name = match cells.first() {
                        Some(Cell::Text(name)) => String::from_utf8_lossy(name).into_owned(),
                        _ => String::new(),
                    };
                    match (raised.remove(&name), cells) {
                        (Some(seq), [name, _]) => writer.push(row, &[*name, Cell::Integer(seq)]),
                        _ => writer.push(row, cells),
                    }
                    Ok(())
                })?;
            }
        }
        for (name, seq) in raised {
            last += 1;
            writer.push(last, &[Cell::Text(name.as_bytes()), Cell::Integer(seq)]);
        }
        if let Some(block) = writer.finish()? {
            self.totals.rows.insert(plan.name.clone(), block.rows);
            self.send(plan.object, block.bytes)?;
        }
        Ok(())
    }

    fn send_table(&mut self, plan: &TablePlan) -> Result<()> {
        let mut rows = 0;
        if let Some(place) = self.place(&plan.name) {
            let erased =
                erase_rows::erased_rows(self.read.rows(), self.number, (self.tables, place))?;
            let mut cursor =
                plan.typed.as_ref().map(|typed| RecordCursor::new(self.read, typed.kind));
            for block in verbatim::blocks(self.read.rows(), self.number, place as u32)? {
                let (_, block) = block?;
                let (block, count) = if let (Some(typed), Some(cursor)) = (&plan.typed, &mut cursor)
                {
                    let table = (&self.tables[place], &erased);
                    self.patched(plan, typed, table, cursor, block)?
                } else if !erased.is_empty() {
                    self.without_erased(plan, &erased, &block)?
                } else {
                    let mut count = 0;
                    let packed = Packed(block);
                    packed.for_each(&mut |_, _| {
                        count += 1;
                        Ok(())
                    })?;
                    (Some(packed.0), count)
                };
                rows += count;
                if let Some(block) = block {
                    self.send(plan.object, block)?;
                }
            }
        }
        if let Some(block) = self.target.start.get(&plan.object) {
            Packed(block.clone()).for_each(&mut |_, _| {
                rows += 1;
                Ok(())
            })?;
            self.send(plan.object, block.clone())?;
        }
        if let Some(typed) = &plan.typed {
            rows += self.send_kept(plan, typed)?;
            rows += self.send_born(plan, typed)?;
        }
        self.totals.rows.insert(plan.name.clone(), rows);
        Ok(())
    }

    /// A block with the cells that records say otherwise, and without the rows of deleted ones.
    fn patched(
        &mut self,
        plan: &TablePlan,
        typed: &Typed,
        (table, erased): (&SourceTable, &ErasedRows),
        cursor: &mut RecordCursor<'a>,
        block: Vec<u8>,
    ) -> Result<(Option<Vec<u8>>, u64)> {
        let reader = BlockReader::open(&block)?;
        let (mut rows, mut cells) = (reader.rows()?, Vec::with_capacity(plan.columns));
        let mut fates: Vec<(i64, Option<Vec<Value>>)> = Vec::new();
        let (mut count, mut same) = (0, true);
        while let Some(row) = rows.next(&mut cells)? {
            if erased.contains(row) {
                self.totals.touched.insert(plan.name.clone());
                if self.take_erased(plan) {
                    count += 1;
                } else {
                    same = false;
                    fates.push((row, None));
                }
                continue;
            }
            let node = table.node(row);
            let stored = match node {
                None => None,
                Some(node) => cursor.get(node.key())?.map(|bytes| &**bytes),
            };
            let Some(stored) = stored else {
                (self.totals.deleted, same) = (self.totals.deleted + 1, false);
                fates.push((row, None));
                continue;
            };
            count += 1;
            if let Some(patched) = self.patch(typed, row, &cells, stored)? {
                (self.totals.changed, same) = (self.totals.changed + 1, false);
                fates.push((row, Some(patched)));
            }
        }
        if same {
            drop(cells);
            return Ok((Some(block), count));
        }
        self.totals.touched.insert(plan.name.clone());
        Ok((rewrite(&reader, plan.columns, fates)?, count))
    }

    /// Counts a row whose cells were erased. Whether it can go out: not where its key would be
    /// NULL.
    fn take_erased(&mut self, plan: &TablePlan) -> bool {
        self.totals.erased += 1;
        let rows = self.target.schema.objects[plan.object].rows.as_ref();
        rows.is_none_or(|rows| rows.storage != Storage::Keyed)
    }

    /// A block of rows without records of which some were erased.
    fn without_erased(
        &mut self,
        plan: &TablePlan,
        erased: &ErasedRows,
        block: &[u8],
    ) -> Result<(Option<Vec<u8>>, u64)> {
        let reader = BlockReader::open(block)?;
        let (mut rows, mut cells) = (reader.rows()?, Vec::new());
        let (mut count, mut fates) = (0, Vec::new());
        while let Some(row) = rows.next(&mut cells)? {
            if erased.contains(row) && !self.take_erased(plan) {
                fates.push((row, None));
            } else {
                count += 1;
            }
        }
        self.totals.touched.insert(plan.name.clone());
        Ok((rewrite(&reader, plan.columns, fates)?, count))
    }

    /// The cells of a row with those replaced that its record says otherwise. `None` where none is.
    fn patch(
        &mut self,
        typed: &Typed,
        row: i64,
        cells: &[Cell<'_>],
        stored: &[u8],
    ) -> Result<Option<Vec<Value>>> {
        let find = |kind: Kind, index: &str, key: &[u8]| {
            let name = self.read.core().names.number(index)?;
            // A failure to read shows as a reference that leads nowhere, as it did at import.
            record_read::find_in_source(self.read.rows(), kind, name, self.number, key)
                .ok()
                .flatten()
        };
        let resolve = Resolver {
            core: self.read.core(),
            database: self.target.database,
            tables: self.tables,
            find: &find,
        };
        let input = RowInput { map: &typed.map, rowid: row, cells, resolve: &resolve };
        let imported = (typed.table.ops.read)(&input, &mut Misfits::default())?;
        if imported == stored {
            return Ok(None);
        }
        let (before, now) =
            ((typed.table.ops.scalars)(&imported)?, (typed.table.ops.scalars)(stored)?);
        let changed = changed_fields(&before, &now);
        let mut patched: Option<Vec<Value>> = None;
        let named = (typed.table.name, typed.table.record);
        self.made.lose(named, &typed.map, (&now, &before));
        for field in typed.map.to_rewrite(&changed, [&before, &now]) {
            let cell = typed.map.cell(field, &now, self);
            let cell = self.located(cell, typed, field)?;
            let values =
                patched.get_or_insert_with(|| cells.iter().map(|cell| cell.to_value()).collect());
            values[field.column] = cell;
        }
        Ok(patched)
    }

    /// The cell, or NULL, counted, where it would name a record without a row here.
    fn located(
        &mut self,
        cell: Result<Value, NodeId>,
        typed: &Typed,
        field: &FieldMap,
    ) -> Result<Value> {
        let node = match cell {
            Ok(cell) => return Ok(cell),
            Err(node) => node,
        };
        if let Some(row) = self.twin(typed, field, node)? {
            return Ok(Value::Integer(row));
        }
        self.made.unplace(typed.table.name, &field.name, node);
        Ok(Value::Null)
    }

    /// The row of the code file that has the path of a file of another list.
    fn twin(&self, typed: &Typed, field: &FieldMap, file: NodeId) -> Result<Option<i64>> {
        let referred = typed.table.columns.iter().find(|column| column.column == field.name);
        let is_code = referred.is_some_and(|column| column.form == Form::Ref(CODE_FILES));
        let kinds = &self.read.core().kinds;
        let (Some(kind), true) = (kinds.by_name("code_file"), is_code) else { return Ok(None) };
        let (Some(name), Some(path)) =
            (self.read.core().names.number("path"), path_of(self.read, file)?)
        else {
            return Ok(None);
        };
        for source in [0, self.number] {
            let key = key::bytes_of(&*path);
            let found = record_read::find_in_source(self.read.rows(), kind, name, source, &key)?;
            if let Some(row) = found.and_then(|node| self.rowid(CODE_FILES, node)) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// Rows of records that changed here and whose rows are gone in the source.
    fn send_kept(&mut self, plan: &TablePlan, typed: &Typed) -> Result<u64> {
        let mut rows = Vec::new();
        for (id, (table, row)) in &self.kept {
            if *table == typed.table.name && record_read::raw(self.read.rows(), *id)?.is_some() {
                rows.push((*row, *id));
            }
        }
        rows.sort_unstable();
        if !rows.is_empty() {
            self.send_rows(plan, typed, &rows, &[])?;
            self.totals.changed += rows.len() as u64;
        }
        Ok(rows.len() as u64)
    }

    fn send_born(&mut self, plan: &TablePlan, typed: &Typed) -> Result<u64> {
        let name = typed.table.name;
        let Some(ids) = self.born.tables.get(name) else { return Ok(0) };
        let first = self.born.first.get(name).copied().unwrap_or(1);
        let rows: Vec<(i64, NodeId)> = (first..).zip(ids.iter().copied()).collect();
        let fillings = if self.fills { fillings_of(self.target.database.kind) } else { &[] };
        self.send_rows(plan, typed, &rows, fillings)?;
        self.totals.born += rows.len() as u64;
        Ok(rows.len() as u64)
    }

    /// Fills in what a new row must say.
    fn fill(
        &mut self,
        plan: &TablePlan,
        typed: &Typed,
        fillings: &[Filling],
        values: &mut [Value],
    ) {
        let table = typed.table.name;
        for filling in fillings.iter().filter(|filling| filling.table == table) {
            let Some((_, rows)) = self.target.schema.table(&plan.name) else { continue };
            let Some(column) = rows.column(filling.column) else { continue };
            if values[column] != Value::Null {
                continue;
            }
            let value = match filling.with {
                With::Number(number) => Value::Real(number),
                With::Column(other) => {
                    rows.column(other).map_or(Value::Null, |other| values[other].clone())
                }
                With::Now => {
                    let now = Scalar::Integer(self.read.core().clock.now().as_micros());
                    let field = typed.map.field_at(column);
                    let cell = field.map(|field| typed.map.cell_of(field, Some(&now), self));
                    cell.and_then(Result::ok).unwrap_or(Value::Null)
                }
            };
            if value != Value::Null {
                values[column] = value;
                self.made.fill(table, filling.column);
            }
        }
    }

    /// Makes rows of records that have none.
    fn send_rows(
        &mut self,
        plan: &TablePlan,
        typed: &Typed,
        rows: &[(i64, NodeId)],
        fillings: &[Filling],
    ) -> Result<()> {
        let nothing = nothing(typed)?;
        let alias = self.target.schema.objects[plan.object].rows.as_ref().and_then(|t| t.alias);
        let mut writer = BlockWriter::new(plan.columns);
        for &(row, id) in rows {
            let stored = record_read::raw(self.read.rows(), id)?;
            let stored = stored.ok_or_else(|| Error::not_found("record", id))?;
            let scalars = (typed.table.ops.scalars)(&stored)?;
            let mut values = vec![Value::Null; plan.columns];
            for field in typed.map.fields() {
                let cell = typed.map.cell(field, &scalars, self);
                values[field.column] = self.located(cell, typed, field)?;
            }
            write_paths(self.read, &typed.map, &scalars, &mut values)?;
            write_numbers(self.read, (typed, self.born), &scalars, &mut values);
            self.fill(plan, typed, fillings, &mut values);
            let named = (typed.table.name, typed.table.record);
            self.made.lose(named, &typed.map, (&scalars, &nothing));
            if let Some(alias) = alias {
                values[alias] = Value::Integer(row);
            }
            let cells: Vec<Cell<'_>> = values.iter().map(Value::as_cell).collect();
            writer.push(row, &cells);
            if writer.is_full()
                && let Some(block) = writer.finish()?
            {
                self.send(plan.object, block.bytes)?;
            }
        }
        if let Some(block) = writer.finish()? {
            self.send(plan.object, block.bytes)?;
        }
        self.totals.touched.insert(plan.name.clone());
        Ok(())
    }
}

/// The fields of a record that says nothing.
fn nothing(typed: &Typed) -> Result<Scalars> {
    struct Nowhere;
    impl Resolve for Nowhere {
        fn row(&self, _: &str, _: i64) -> Option<NodeId> {
            None
        }

        fn key(&self, _: &str, _: &str, _: &str) -> Option<NodeId> {
            None
        }
    }
    let input = RowInput { map: &typed.map, rowid: 0, cells: &[], resolve: &Nowhere };
    (typed.table.ops.scalars)(&(typed.table.ops.read)(&input, &mut Misfits::default())?)
}

/// Writes a block anew: rows with a fate are replaced or left out, the others stay.
fn rewrite(
    reader: &BlockReader,
    columns: usize,
    fates: Vec<(i64, Option<Vec<Value>>)>,
) -> Result<Option<Vec<u8>>> {
    let mut writer = BlockWriter::new(columns);
    let (mut rows, mut cells) = (reader.rows()?, Vec::with_capacity(columns));
    let mut fates = fates.into_iter().peekable();
    while let Some(row) = rows.next(&mut cells)? {
        match fates.next_if(|(fated, _)| *fated == row) {
            None => writer.push(row, &cells),
            Some((_, None)) => {}
            Some((_, Some(values))) => {
                let patched: Vec<Cell<'_>> = values.iter().map(Value::as_cell).collect();
                writer.push(row, &patched);
            }
        }
    }
    Ok(writer.finish()?.map(|block| block.bytes))
}

impl Locate for Outgoing<'_> {
    fn rowid(&self, table: &str, node: NodeId) -> Option<i64> {
        if let Some(origin) = self.read.origin(node) {
            let here = origin.source == self.number && origin.table.eq_ignore_ascii_case(table);
            return here.then_some(origin.row);
        }
        self.born.row(table, node)
    }
}
