//! The rows of a database on their way out: as they came in, patched, left out, or new.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::SyncSender;

use super::block::{BlockReader, BlockWriter};
use super::born::Births;
use super::export::Target;
use super::ops::RowInput;
use super::plan::{Resolver, TablePlan, Typed};
use super::row::{Locate, Misfits, changed_fields};
use super::schema::Storage;
use super::sync_conflicts::pending_of;
use super::value::{Cell, Value};
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
use crate::storage::tables::{record_key, record_key_from};
use crate::storage::{Bytes, KeyRange, RowIter, Rows as _, TableId, verbatim};
use crate::store::ReadTx;
use crate::store::erase_rows::{self, ErasedRows};
use crate::store::record_read;
use crate::store::sources::SourceTable;

/// Records that a cursor passes over before it seeks.
const SKIP_MAX: usize = 64;

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
    /// Row number of the first record made here, by table.
    first_born: BTreeMap<&'static str, i64>,
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
        born: &'a Births,
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
            first_born: BTreeMap::new(),
            kept: BTreeMap::new(),
        }
    }

    /// Reads every table and hands its rows over.
    pub(super) fn run(mut self) -> Result<Totals> {
        let sequences = self.sequences()?;
        for (id, pending) in pending_of(self.read, self.number)? {
            if pending.theirs.is_none() {
                self.kept.insert(id, (pending.table, pending.row));
            }
        }
        for (table, ids) in &self.born.tables {
            if !ids.is_empty() {
                let last = self.last_row(table).max(sequences.get(*table).copied().unwrap_or(0));
                let end = last.checked_add_unsigned(ids.len() as u64);
                if end.is_none() {
                    let reason = format!("{table} has no row numbers left");
                    return Err(Error::conflict("export", reason));
                }
                self.first_born.insert(table, last + 1);
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

    /// The greatest row number of a table of the source.
    fn last_row(&self, name: &str) -> i64 {
        let place = self.place(name);
        let runs = place.map_or(&[][..], |place| &self.tables[place].runs);
        runs.last().map_or(0, |run| run.row.saturating_add_unsigned(run.count - 1)).max(0)
    }

    /// The counters of `sqlite_sequence`, by table.
    fn sequences(&self) -> Result<BTreeMap<String, i64>> {
        let mut found = BTreeMap::new();
        let Some(place) = self.place("sqlite_sequence") else { return Ok(found) };
        for block in verbatim::blocks(self.read.rows(), self.number, place as u32)? {
            Packed(block?.1).for_each(&mut |_, cells| {
                if let [Cell::Text(name), Cell::Integer(seq)] = cells {
                    found.insert(String::from_utf8_lossy(name).into_owned(), *seq);
                }
                Ok(())
            })?;
        }
        Ok(found)
    }

    /// Counters that are behind the rows made here go up.
    fn send_sequences(&mut self, plan: &TablePlan) -> Result<()> {
        let mut raised: BTreeMap<String, i64> = BTreeMap::new();
        for (table, first) in &self.first_born {
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
        for field in typed.map.to_rewrite(&changed, [&before, &now]) {
            let cell = typed.map.cell(field, &now, self);
            let cell = self.located(cell, typed.table.name, row);
            let values =
                patched.get_or_insert_with(|| cells.iter().map(|cell| cell.to_value()).collect());
            values[field.column] = cell;
        }
        Ok(patched)
    }

    /// The cell, or NULL and a note where it would name a record without a row here.
    fn located(&mut self, cell: Result<Value, NodeId>, table: &str, row: i64) -> Value {
        cell.unwrap_or_else(|node| {
            let note = format!("{table} row {row}: {node} has no row here, NULL is written");
            self.totals.notes.push(note);
            Value::Null
        })
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
            self.send_rows(plan, typed, &rows)?;
            self.totals.changed += rows.len() as u64;
        }
        Ok(rows.len() as u64)
    }

    fn send_born(&mut self, plan: &TablePlan, typed: &Typed) -> Result<u64> {
        let name = typed.table.name;
        let Some(ids) = self.born.tables.get(name) else { return Ok(0) };
        let first = self.first_born.get(name).copied().unwrap_or(1);
        let rows: Vec<(i64, NodeId)> = (first..).zip(ids.iter().copied()).collect();
        self.send_rows(plan, typed, &rows)?;
        self.totals.born += rows.len() as u64;
        Ok(rows.len() as u64)
    }

    /// Makes rows of records that have none.
    fn send_rows(&mut self, plan: &TablePlan, typed: &Typed, rows: &[(i64, NodeId)]) -> Result<()> {
        let name = typed.table.name;
        let alias = self.target.schema.objects[plan.object].rows.as_ref().and_then(|t| t.alias);
        let mut writer = BlockWriter::new(plan.columns);
        for &(row, id) in rows {
            let stored = record_read::raw(self.read.rows(), id)?;
            let stored = stored.ok_or_else(|| Error::not_found("record", id))?;
            let scalars = (typed.table.ops.scalars)(&stored)?;
            let mut values = vec![Value::Null; plan.columns];
            for field in typed.map.fields() {
                let cell = typed.map.cell(field, &scalars, self);
                values[field.column] = self.located(cell, name, row);
            }
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
        let (name, ids) = self.born.tables.iter().find(|(name, _)| **name == table)?;
        let position = ids.binary_search(&node).ok()?;
        self.first_born.get(name)?.checked_add_unsigned(position as u64)
    }
}
