//! Taking in a newer version of a source: what changed there comes in, what was changed here stays.
//!
//! The earlier version's rows lie verbatim in the store, so each row is compared with itself. A
//! field that was changed on both sides to different values is a conflict: it is listed, and ours
//! is kept.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::block::{Block, BlockReader, blanked};
use super::database::Database;
use super::export::Target;
use super::feed::{BYTES_AHEAD, Message, read, row_numbers};
use super::import::Intake;
use super::intake::{RowWriter, count, describe};
use super::ops::RowInput;
use super::plan::{Resolver, TablePlan, Typed, plan};
use super::queue::{Receiver, queue};
use super::report::{Conflict, Fate, FileReport, Progress};
use super::row::{Misfits, changed_fields};
use super::schema::SchemaText;
use super::source::Source;
use super::sync_conflicts::{Pending, pending_of};
use super::value::{Cell, Value};
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
use crate::base::trace::carried;
use crate::storage::verbatim::{self, Blocks};
use crate::store::erase_rows::{self, ErasedRows};
use crate::store::sources::{self, RunBuilder, SourceTable};
use crate::store::{ReadTx, WriteTx, record_read};

/// Conflicts that are listed one by one.
const CONFLICTS_LISTED: usize = 10_000;

/// Takes in a newer version of `earlier`.
pub(super) fn update(
    intake: &Intake<'_>,
    source: &Source,
    database: &'static Database,
    earlier: &Arc<sources::Source>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<FileReport> {
    let core = &intake.store.shared().core;
    let plans = plan(core, database, source.schema(), intake.zone)?;
    let before = Target::of_source(Arc::clone(earlier))?;
    let plans_before = plan(core, database, &before.schema, &before.zone)?;
    let new_rows = rows_without_keys(source, &plans, earlier)?;
    let (sender, receiver) = queue(BYTES_AHEAD);
    let schema = source.schema().clone();
    let mut described = describe(intake, source, database);
    described.number = earlier.number;
    std::thread::scope(|scope| {
        let (plans, plans_before) = (&plans, &plans_before);
        let writer = scope.spawn(carried(move || {
            let work = Work { intake, database, plans, plans_before, earlier, schema, described };
            work.run(&new_rows, &receiver)
        }));
        read(source, plans, None, &sender, progress);
        drop(sender);
        writer.join().unwrap_or_else(|_| {
            let message = "the writing thread ended".to_owned();
            Err(Error::Panicked { action: "import".into(), message })
        })
    })
}

/// Row numbers of typed tables that no earlier version had, as runs of keys from 0 on.
fn rows_without_keys(
    source: &Source,
    plans: &[TablePlan],
    earlier: &sources::Source,
) -> Result<Vec<RunBuilder>> {
    plans
        .iter()
        .map(|plan| {
            let mut runs = RunBuilder::dense(0);
            if plan.typed.is_some() {
                let known = earlier.table(&plan.name).map(|(_, table)| table);
                row_numbers(source, plan, &mut |row| {
                    if known.is_none_or(|table| table.node(row).is_none()) {
                        runs.key(row)?;
                    }
                    Ok(())
                })?;
            }
            Ok(runs)
        })
        .collect()
}

/// The writing side.
struct Work<'a> {
    intake: &'a Intake<'a>,
    database: &'static Database,
    plans: &'a [TablePlan],
    plans_before: &'a [TablePlan],
    earlier: &'a Arc<sources::Source>,
    schema: SchemaText,
    described: sources::Source,
}

impl Work<'_> {
    fn run(mut self, new_rows: &[RunBuilder], messages: &Receiver<Message>) -> Result<FileReport> {
        let store = self.intake.store;
        let dry_run = self.intake.dry_run;
        let mut report = None;
        let done = store.bulk(|tx| {
            report = Some(self.write(tx, new_rows, messages)?);
            if dry_run { Err(Error::conflict("dry run", "nothing is kept")) } else { Ok(()) }
        });
        match (done, report) {
            (Err(error), None) => Err(error),
            (Err(error), Some(_)) if !dry_run => Err(error),
            (_, Some(report)) => Ok(report),
            (Ok(()), None) => Err(Error::conflict("import", "no report was made")),
        }
    }

    /// The tables of the source: those of the earlier version at their places, new ones behind.
    fn tables(&self, tx: &mut WriteTx<'_>, new_rows: &[RunBuilder]) -> Result<Vec<SourceTable>> {
        let mut tables = self.earlier.tables.clone();
        for (plan, runs) in self.plans.iter().zip(new_rows) {
            let place = if let Some((place, _)) = self.earlier.table(&plan.name) {
                place
            } else {
                tables.push(SourceTable { name: plan.name.clone(), ..Default::default() });
                tables.len() - 1
            };
            let Some(typed) = &plan.typed else { continue };
            let table = &mut tables[place];
            table.kind = typed.kind.0;
            let first = tx.next_key(typed.kind)?;
            let fresh = runs.runs_from(first)?;
            if let Some(last) = fresh.last() {
                tx.advance_key(typed.kind, last.key + last.count)?;
            }
            table.runs.extend(fresh);
            table.runs.sort_unstable_by_key(|run| run.row);
        }
        Ok(tables)
    }

    fn write(
        &mut self,
        tx: &mut WriteTx<'_>,
        new_rows: &[RunBuilder],
        messages: &Receiver<Message>,
    ) -> Result<FileReport> {
        let store = self.intake.store;
        let snapshot = store.read()?;
        tx.set_source(Some(self.earlier.number));
        let tables = self.tables(tx, new_rows)?;
        let rows = RowWriter::new(store, self.database, self.earlier.number, tables);
        let mut merge = Merge {
            work: self,
            snapshot: &snapshot,
            rows,
            table: None,
            seen: BTreeSet::new(),
            pending: pending_of(&snapshot, self.earlier.number)?,
        };
        loop {
            match messages.receive() {
                Some(Message::Rows(batch)) => merge.block(tx, batch.place, &batch.block)?,
                Some(Message::End(ending)) => {
                    merge.rows.report.lost = ending.lost;
                    break;
                }
                Some(Message::Failed(error)) => return Err(error),
                None => return Err(Error::conflict("import", "reading ended early")),
            }
        }
        let (mut report, tables) = merge.finish(tx)?;
        self.described.tables = tables;
        self.described.detail = codec::encode(&self.schema)?;
        tx.put_source(std::mem::take(&mut self.described))?;
        report.fate = Fate::Updated;
        report.source = self.earlier.number;
        report.links = tx.links();
        Ok(report)
    }
}

/// The rows of the earlier version of one table.
struct Earlier<'a> {
    blocks: Blocks<'a>,
    /// The next block, where no row of it was taken.
    whole: Option<Vec<u8>>,
    rows: VecDeque<(i64, Vec<Value>)>,
}

impl Earlier<'_> {
    /// Whether the next rows are exactly those of this block; passes over them then.
    fn skip(&mut self, block: &[u8]) -> Result<bool> {
        if !self.rows.is_empty() {
            return Ok(false);
        }
        if self.whole.is_none() {
            self.whole = self.blocks.next().transpose()?.map(|(_, block)| block);
        }
        let same = self.whole.as_deref() == Some(block);
        if same {
            self.whole = None;
        }
        Ok(same)
    }

    fn fill(&mut self) -> Result<()> {
        while self.rows.is_empty() {
            let next = match self.whole.take() {
                Some(block) => Some(block),
                None => self.blocks.next().transpose()?.map(|(_, block)| block),
            };
            let Some(block) = next else { return Ok(()) };
            let reader = BlockReader::open(&block)?;
            let (mut rows, mut cells) = (reader.rows()?, Vec::new());
            while let Some(row) = rows.next(&mut cells)? {
                self.rows.push_back((row, cells.iter().map(|cell| cell.to_value()).collect()));
            }
        }
        Ok(())
    }

    /// The next row up to and with `row`; any where there is no bound.
    fn next_up_to(&mut self, row: Option<i64>) -> Result<Option<(i64, Vec<Value>)>> {
        self.fill()?;
        let due = self.rows.front().is_some_and(|(next, _)| row.is_none_or(|row| *next <= row));
        Ok(if due { self.rows.pop_front() } else { None })
    }
}

/// The table that is being merged.
struct Current<'a> {
    plan: usize,
    place: usize,
    earlier: Earlier<'a>,
    ordinal: u64,
    /// Whether every block so far is what it was.
    same: bool,
    same_columns: bool,
    /// Rows that were erased here: their cells do not come back.
    erased: ErasedRows,
}

struct Merge<'a, 'w> {
    work: &'a Work<'w>,
    snapshot: &'a ReadTx,
    rows: RowWriter<'a>,
    table: Option<Current<'a>>,
    seen: BTreeSet<usize>,
    /// Conflicts of earlier imports that may be open still, by record.
    pending: BTreeMap<NodeId, Pending>,
}

impl<'a> Merge<'a, '_> {
    fn start(&mut self, plan: usize) -> Result<Current<'a>> {
        let name = &self.work.plans[plan].name;
        let named = |table: &SourceTable| table.name == *name;
        let place = self.rows.tables.iter().position(named);
        let place = place.ok_or_else(|| Error::not_found("table", name))?;
        self.seen.insert(place);
        let number = self.work.earlier.number;
        let blocks = verbatim::blocks(self.snapshot.rows(), number, place as u32)?;
        let before = self.work.plans_before.iter().find(|before| before.name == *name);
        let same_columns = before.is_some_and(|before| {
            let old = before.typed.as_ref().map(|typed| typed.map.columns());
            let new = self.work.plans[plan].typed.as_ref().map(|typed| typed.map.columns());
            before.columns == self.work.plans[plan].columns && old == new
        });
        self.rows.tables[place].rows = 0;
        let table = (&self.rows.tables[..], place);
        let erased = erase_rows::erased_rows(self.snapshot.rows(), number, table)?;
        Ok(Current {
            erased,
            plan,
            place,
            earlier: Earlier { blocks, whole: None, rows: VecDeque::new() },
            ordinal: 0,
            same: true,
            same_columns,
        })
    }

    fn block(&mut self, tx: &mut WriteTx<'_>, plan: usize, block: &Block) -> Result<()> {
        if self.table.as_ref().is_none_or(|table| table.plan != plan) {
            self.end_table(tx)?;
            self.table = Some(self.start(plan)?);
        }
        let Some(mut table) = self.table.take() else { return Ok(()) };
        if self.is_erased_as_a_whole(table.place)? {
            self.table = Some(table);
            return Ok(());
        }
        let blank = self.without_erased(&table, block)?;
        let block = blank.as_ref().unwrap_or(block);
        if !(table.same_columns && table.earlier.skip(&block.bytes)?) {
            self.keep_block(tx, &mut table, block)?;
            match &self.work.plans[plan].typed {
                Some(typed) => self.merge_rows(tx, &mut table, typed, block)?,
                None => self.pass_rows(&mut table, block)?,
            }
        } else if !table.same {
            self.keep_block(tx, &mut table, block)?;
        }
        table.ordinal += block.rows;
        self.rows.tables[table.place].rows += block.rows;
        self.table = Some(table);
        Ok(())
    }

    /// Whether a table holds what was derived from rows of which some were erased.
    fn is_erased_as_a_whole(&self, place: usize) -> Result<bool> {
        let number = self.work.earlier.number;
        Ok(erase_rows::is_touched(self.snapshot.rows(), number)?
            && erase_rows::derived_places(&self.rows.tables).contains(&place))
    }

    /// A block as it comes in where rows of it were erased here.
    fn without_erased(&mut self, table: &Current<'_>, block: &Block) -> Result<Option<Block>> {
        if table.erased.is_empty() {
            return Ok(None);
        }
        let mut rows = 0;
        let blank = blanked(&block.bytes, &mut |row| {
            let is_erased = table.erased.contains(row);
            rows += u64::from(is_erased);
            is_erased
        })?;
        self.rows.report.erased += rows;
        Ok(blank.map(|(bytes, _)| Block { bytes, ..*block }))
    }

    /// Writes a block in the place of what was there from its first row on.
    fn keep_block(
        &mut self,
        tx: &mut WriteTx<'_>,
        table: &mut Current<'_>,
        block: &Block,
    ) -> Result<()> {
        let (number, place) = (self.work.earlier.number, table.place as u32);
        if std::mem::take(&mut table.same) {
            tx.delete_verbatim_from(number, place, table.ordinal)?;
        }
        tx.put_verbatim(number, place, table.ordinal, &block.bytes)
    }

    /// Counts what changed in a table without records.
    fn pass_rows(&mut self, table: &mut Current<'_>, block: &Block) -> Result<()> {
        let reader = BlockReader::open(&block.bytes)?;
        let (mut rows, mut cells) = (reader.rows()?, Vec::new());
        while let Some(row) = rows.next(&mut cells)? {
            let changes = &mut self.rows.report.changes;
            let mut found = false;
            while let Some((old, values)) = table.earlier.next_up_to(Some(row))? {
                found = old == row;
                if found && !is_same(&values, &cells) {
                    changes.changed += 1;
                }
                changes.removed += u64::from(!found);
            }
            changes.added += u64::from(!found);
        }
        Ok(())
    }

    fn merge_rows(
        &mut self,
        tx: &mut WriteTx<'_>,
        table: &mut Current<'_>,
        typed: &Typed,
        block: &Block,
    ) -> Result<()> {
        let reader = BlockReader::open(&block.bytes)?;
        let (mut rows, mut cells) = (reader.rows()?, Vec::new());
        while let Some(row) = rows.next(&mut cells)? {
            let mut before = None;
            while let Some((old, values)) = table.earlier.next_up_to(Some(row))? {
                if old == row {
                    before = Some(values);
                } else {
                    self.removed(tx, table, typed, old, &values)?;
                }
            }
            if table.erased.contains(row) {
                continue;
            }
            match before {
                Some(values) if table.same_columns && is_same(&values, &cells) => {}
                Some(values) => self.changed(tx, table, typed, row, (&values, &cells))?,
                None => self.added(tx, table, typed, row, &cells)?,
            }
        }
        Ok(())
    }

    fn node(&self, table: &Current<'_>, row: i64) -> Result<NodeId> {
        self.rows.tables[table.place]
            .node(row)
            .ok_or_else(|| Error::conflict("import", format!("row {row} was not counted")))
    }

    fn added(
        &mut self,
        tx: &mut WriteTx<'_>,
        table: &Current<'_>,
        typed: &Typed,
        row: i64,
        cells: &[Cell<'_>],
    ) -> Result<()> {
        self.rows.report.changes.added += 1;
        let id = self.node(table, row)?;
        // A row that was gone for a while may find the record that was kept without it.
        let was_there = self.work.earlier.tables.get(table.place);
        if was_there.is_some_and(|table| table.node(row).is_some())
            && let Some(here) = tx.raw(id)?.map(|bytes| bytes.to_vec())
        {
            let there = self.rows.read(tx, table.place, typed, row, cells)?;
            let ops = &typed.table.ops;
            let fields = changed_fields(&(ops.scalars)(&here)?, &(ops.scalars)(&there)?);
            let reason = "changed here, deleted and made again in the source; ours is kept";
            let fields = fields.into_iter().collect();
            return self.conflict(tx, (typed, row, id), fields, (Some(there), reason));
        }
        self.rows.insert(tx, table.place, typed, id, (row, cells))
    }

    /// The bytes that the row of the earlier version became.
    fn value_before(&self, typed: &Typed, row: i64, values: &[Value]) -> Result<Vec<u8>> {
        let name = typed.table.name;
        let before = self.work.plans_before.iter().find(|before| before.name == name);
        let Some(before) = before.and_then(|before| before.typed.as_ref()) else {
            return Ok(Vec::new());
        };
        let number = self.work.earlier.number;
        let find = |kind: Kind, index: &str, key: &[u8]| {
            let index = self.snapshot.core().names.number(index)?;
            record_read::find_in_source(self.snapshot.rows(), kind, index, number, key)
                .ok()
                .flatten()
        };
        let resolve = Resolver {
            core: self.snapshot.core(),
            database: self.work.database,
            tables: &self.work.earlier.tables,
            find: &find,
        };
        let cells: Vec<Cell<'_>> = values.iter().map(Value::as_cell).collect();
        let input = RowInput { map: &before.map, rowid: row, cells: &cells, resolve: &resolve };
        (typed.table.ops.read)(&input, &mut Misfits::default())
    }

    fn changed(
        &mut self,
        tx: &mut WriteTx<'_>,
        table: &Current<'_>,
        typed: &Typed,
        row: i64,
        (values, cells): (&[Value], &[Cell<'_>]),
    ) -> Result<()> {
        self.rows.report.changes.changed += 1;
        let id = self.node(table, row)?;
        let before = self.value_before(typed, row, values)?;
        let there = self.rows.read(tx, table.place, typed, row, cells)?;
        let Some(here) = tx.raw(id)?.map(|bytes| bytes.to_vec()) else {
            if before == there {
                return Ok(());
            }
            let reason = "deleted here, changed in the source; it stays deleted";
            return self.conflict(tx, (typed, row, id), Vec::new(), (Some(there), reason));
        };
        if here == before {
            self.settle(tx, id)?;
            count(&mut self.rows.report.records, typed.table.record, 1);
            return tx.put_imported_value(id, &there);
        }
        let ops = &typed.table.ops;
        let [was, ours, theirs] = [&before, &here, &there].map(|bytes| (ops.scalars)(bytes));
        let (was, ours, theirs) = (was?, ours?, theirs?);
        let (here_changed, there_changed) =
            (changed_fields(&was, &ours), changed_fields(&was, &theirs));
        let differs = |name: &&str| ours.get(name) != theirs.get(name);
        let both: Vec<&'static str> = there_changed
            .iter()
            .copied()
            .filter(|name| here_changed.contains(name) && differs(name))
            .collect();
        let taken: BTreeSet<&str> =
            there_changed.iter().copied().filter(|name| !both.contains(name)).collect();
        if !both.is_empty() {
            let reason = "changed here and in the source; ours is kept";
            self.conflict(tx, (typed, row, id), both, (Some(there.clone()), reason))?;
        } else if let Some(mut known) = self.pending.remove(&id) {
            // What was open before may be open still, against what the row says now.
            known.theirs = Some(there.clone().into());
            known.put(tx, self.work.earlier.number)?;
            self.pending.insert(id, known);
        }
        if taken.is_empty() {
            return Ok(());
        }
        count(&mut self.rows.report.records, typed.table.record, 1);
        let joined = (ops.normalise)(&codec::with_fields(&here, &there, &taken)?)?;
        tx.put_imported_value(id, &joined)
    }

    fn removed(
        &mut self,
        tx: &mut WriteTx<'_>,
        table: &Current<'_>,
        typed: &Typed,
        row: i64,
        values: &[Value],
    ) -> Result<()> {
        self.rows.report.changes.removed += 1;
        let id = self.node(table, row)?;
        let Some(here) = tx.raw(id)?.map(|bytes| bytes.to_vec()) else {
            return self.settle(tx, id);
        };
        if here == self.value_before(typed, row, values)? {
            self.settle(tx, id)?;
            tx.delete(id)?;
            return Ok(());
        }
        let reason = "changed here, deleted in the source; it stays";
        self.conflict(tx, (typed, row, id), Vec::new(), (None, reason))
    }

    /// Lists a conflict, and remembers it with what the source says.
    fn conflict(
        &mut self,
        tx: &mut WriteTx<'_>,
        (typed, row, id): (&Typed, i64, NodeId),
        fields: Vec<&'static str>,
        (theirs, reason): (Option<Vec<u8>>, &str),
    ) -> Result<()> {
        let listed: Vec<String> = fields.into_iter().map(ToOwned::to_owned).collect();
        let mut fields: BTreeSet<String> = listed.iter().cloned().collect();
        match self.pending.remove(&id) {
            // The whole record was in question before, and is still.
            Some(known) if known.fields.is_empty() => fields.clear(),
            Some(known) if !fields.is_empty() => fields.extend(known.fields),
            _ => {}
        }
        let pending = Pending {
            table: typed.table.name.to_owned(),
            row,
            record: id,
            fields: fields.into_iter().collect(),
            theirs: theirs.map(Into::into),
            kept: false,
        };
        pending.put(tx, self.work.earlier.number)?;
        self.pending.insert(id, pending);
        let conflicts = &mut self.rows.report.conflicts;
        if conflicts.len() < CONFLICTS_LISTED {
            conflicts.push(Conflict {
                table: typed.table.name.to_owned(),
                row,
                record: id.to_string(),
                fields: listed,
                reason: reason.to_owned(),
            });
        }
        Ok(())
    }

    /// Forgets the conflict of a record on which both sides agree.
    fn settle(&mut self, tx: &mut WriteTx<'_>, id: NodeId) -> Result<()> {
        match self.pending.remove(&id) {
            Some(known) => known.delete(tx, self.work.earlier.number),
            None => Ok(()),
        }
    }

    /// Takes away what the newer version of the table no longer has.
    fn end_table(&mut self, tx: &mut WriteTx<'_>) -> Result<()> {
        let Some(mut table) = self.table.take() else { return Ok(()) };
        let typed = self.work.plans[table.plan].typed.as_ref();
        let mut left = false;
        while let Some((row, values)) = table.earlier.next_up_to(None)? {
            left = true;
            match typed {
                Some(typed) => self.removed(tx, &table, typed, row, &values)?,
                None => self.rows.report.changes.removed += 1,
            }
        }
        if left && table.same {
            let number = self.work.earlier.number;
            tx.delete_verbatim_from(number, table.place as u32, table.ordinal)?;
        }
        Ok(())
    }

    fn finish(mut self, tx: &mut WriteTx<'_>) -> Result<(FileReport, Vec<SourceTable>)> {
        self.end_table(tx)?;
        for (plan, described) in self.work.plans.iter().enumerate() {
            let place = self.rows.tables.iter().position(|table| table.name == described.name);
            if place.is_some_and(|place| !self.seen.contains(&place)) {
                // The table has no rows any more.
                self.table = Some(self.start(plan)?);
                self.end_table(tx)?;
            }
        }
        self.drop_tables(tx)?;
        Ok(self.rows.finish(self.work.plans))
    }

    /// Takes away the rows of tables that the newer version does not have at all. The table keeps
    /// its place, without rows.
    fn drop_tables(&mut self, tx: &mut WriteTx<'_>) -> Result<()> {
        for place in 0..self.rows.tables.len() {
            if self.seen.contains(&place) {
                continue;
            }
            let name = self.rows.tables[place].name.clone();
            let number = self.work.earlier.number;
            let blocks = verbatim::blocks(self.snapshot.rows(), number, place as u32)?;
            let mut earlier = Earlier { blocks, whole: None, rows: VecDeque::new() };
            let before = self.work.plans_before.iter().find(|before| before.name == name);
            let typed = before.and_then(|before| before.typed.as_ref());
            let blocks = verbatim::blocks(self.snapshot.rows(), number, place as u32)?;
            let table = Current {
                plan: 0,
                place,
                earlier: Earlier { blocks, whole: None, rows: VecDeque::new() },
                ordinal: 0,
                same: false,
                same_columns: false,
                erased: ErasedRows::default(),
            };
            while let Some((row, values)) = earlier.next_up_to(None)? {
                match typed {
                    Some(typed) => self.removed(tx, &table, typed, row, &values)?,
                    None => self.rows.report.changes.removed += 1,
                }
            }
            tx.delete_verbatim_from(number, place as u32, 0)?;
            self.rows.tables[place].rows = 0;
        }
        Ok(())
    }
}

fn is_same(values: &[Value], cells: &[Cell<'_>]) -> bool {
    values.len() == cells.len()
        && values.iter().zip(cells).all(|(value, cell)| value.as_cell() == *cell)
}
