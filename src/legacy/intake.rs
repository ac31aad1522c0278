//! Taking in a source that is new: one pass for the row numbers, one for the rows.
//!
//! The thread that owns the source reads, packs, and makes records ready; another writes. Between
//! them lies a bounded number of bytes, so memory does not grow with the file. Reading starts when
//! the write has said which keys the rows get.

use std::sync::mpsc::{SyncSender, sync_channel};

use super::block::{Block, BlockReader};
use super::database::Database;
use super::feed::{BYTES_AHEAD, Batch, Maker, Message, read, row_numbers};
use super::import::Intake;
use super::ops::RowInput;
use super::plan::{Resolver, TablePlan, Typed, plan};
use super::queue::{Receiver, queue};
use super::report::{Fate, FileReport, Progress};
use super::row::{Fault, Misfits};
use super::schema::SchemaText;
use super::source::Source;
use super::value::Cell;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
use crate::base::trace::carried;
use crate::store::sources::{self, RunBuilder, SourceTable};
use crate::store::{Store, WriteTx};

/// Misfits that are named one by one.
const MISFITS_NAMED: usize = 20;

/// Takes in a source that is not there yet.
pub(super) fn take_in(
    intake: &Intake<'_>,
    source: &Source,
    database: &'static Database,
    progress: &mut dyn FnMut(&Progress),
) -> Result<FileReport> {
    let core = &intake.store.shared().core;
    let plans = plan(core, database, source.schema(), intake.zone)?;
    let counted = count_rows(source, &plans)?;
    let (sender, receiver) = queue(BYTES_AHEAD);
    let (give, given) = sync_channel(1);
    let schema = source.schema().clone();
    let described = describe(intake, source, database);
    std::thread::scope(|scope| {
        let plans = &plans;
        let writer = scope.spawn(carried(move || {
            let work = Work { intake, database, plans, schema, described };
            work.run(&counted, &give, &receiver)
        }));
        // Without keys the other side has failed, and says so itself.
        if let Ok(keys) = given.recv() {
            let maker = Maker::new(core, database, keys);
            read(source, plans, Some(maker), &sender, progress);
        }
        drop(sender);
        writer.join().unwrap_or_else(|_| {
            let message = "the writing thread ended".to_owned();
            Err(Error::Panicked { action: "import".into(), message })
        })
    })
}

/// What the store keeps of a source besides its tables.
pub(super) fn describe(
    intake: &Intake<'_>,
    source: &Source,
    database: &'static Database,
) -> sources::Source {
    let file_name = source.path().file_name().map(|name| name.to_string_lossy().into_owned());
    sources::Source {
        number: 0,
        database: database.kind.to_owned(),
        name: intake.name.to_owned(),
        file_name: file_name.unwrap_or_else(|| database.default_name.to_owned()),
        zone: intake.zone.iana_name().unwrap_or("UTC").to_owned(),
        digest: intake.digest.to_string(),
        mark: intake.mark.clone(),
        bytes: source.bytes(),
        tables: Vec::new(),
        detail: Vec::new(),
    }
}

/// Row numbers of every typed table as runs of keys from 0 on; keys are moved up later.
pub(super) fn count_rows(source: &Source, plans: &[TablePlan]) -> Result<Vec<RunBuilder>> {
    plans
        .iter()
        .map(|plan| {
            let mut runs = RunBuilder::new(0);
            if plan.typed.is_some() {
                row_numbers(source, plan, &mut |row| runs.key(row).map(|_| ()))?;
            }
            Ok(runs)
        })
        .collect()
}

/// The number of the source, and the keys of its rows.
type Keys = (u32, Vec<SourceTable>);

/// The writing side.
struct Work<'a> {
    intake: &'a Intake<'a>,
    database: &'static Database,
    plans: &'a [TablePlan],
    schema: SchemaText,
    described: sources::Source,
}

impl Work<'_> {
    fn run(
        mut self,
        counted: &[RunBuilder],
        give: &SyncSender<Keys>,
        messages: &Receiver<Message>,
    ) -> Result<FileReport> {
        let store = self.intake.store;
        let dry_run = self.intake.dry_run;
        let mut report = None;
        let done = store.bulk(|tx| {
            report = Some(self.write(tx, counted, give, messages)?);
            if dry_run { Err(Error::conflict("dry run", "nothing is kept")) } else { Ok(()) }
        });
        match (done, report) {
            (Err(error), None) => Err(error),
            (Err(error), Some(_)) if !dry_run => Err(error),
            (_, Some(report)) => Ok(report),
            (Ok(()), None) => Err(Error::conflict("import", "no report was made")),
        }
    }

    fn write(
        &mut self,
        tx: &mut WriteTx<'_>,
        counted: &[RunBuilder],
        give: &SyncSender<Keys>,
        messages: &Receiver<Message>,
    ) -> Result<FileReport> {
        let number = self.intake.store.shared().core.sources.next_number()?;
        tx.set_source(Some(number));
        let tables = give_keys(tx, self.plans, counted)?;
        if give.send((number, tables.clone())).is_err() {
            return Err(Error::conflict("import", "nobody reads"));
        }
        let mut rows = RowWriter::new(self.intake.store, self.database, number, tables);
        loop {
            match messages.receive() {
                Some(Message::Rows(batch)) => rows.write_batch(tx, self.plans, &batch)?,
                Some(Message::End(ending)) => {
                    rows.report.lost = ending.lost;
                    rows.add_misfits(ending.misfits);
                    break;
                }
                Some(Message::Failed(error)) => return Err(error),
                None => return Err(Error::conflict("import", "reading ended early")),
            }
        }
        let (mut report, tables) = rows.finish(self.plans);
        self.described.number = number;
        self.described.tables = tables;
        self.described.detail = codec::encode(&self.schema)?;
        tx.put_source(std::mem::take(&mut self.described))?;
        report.fate = Fate::Imported;
        report.source = number;
        report.links = tx.links();
        Ok(report)
    }
}

/// Gives keys to all rows of all typed tables.
fn give_keys(
    tx: &mut WriteTx<'_>,
    plans: &[TablePlan],
    counted: &[RunBuilder],
) -> Result<Vec<SourceTable>> {
    let mut tables = Vec::new();
    for (plan, runs) in plans.iter().zip(counted) {
        let mut table = SourceTable { name: plan.name.clone(), ..SourceTable::default() };
        if let Some(typed) = &plan.typed {
            let first = tx.next_key(typed.kind)?;
            table.kind = typed.kind.0;
            table.runs = runs.runs_from(first)?;
            let next = table.runs.last().map_or(first, |run| run.key + run.count);
            tx.advance_key(typed.kind, next)?;
        }
        tables.push(table);
    }
    Ok(tables)
}

/// Writes rows: verbatim, and as records.
pub(super) struct RowWriter<'a> {
    store: &'a Store,
    database: &'static Database,
    pub(super) number: u32,
    pub(super) tables: Vec<SourceTable>,
    misfits: Vec<Misfits>,
    pub(super) report: FileReport,
}

impl<'a> RowWriter<'a> {
    pub(super) fn new(
        store: &'a Store,
        database: &'static Database,
        number: u32,
        tables: Vec<SourceTable>,
    ) -> Self {
        let misfits = vec![Misfits::default(); tables.len()];
        Self { store, database, number, tables, misfits, report: FileReport::default() }
    }

    fn write_batch(
        &mut self,
        tx: &mut WriteTx<'_>,
        plans: &[TablePlan],
        batch: &Batch,
    ) -> Result<()> {
        let Batch { place, block, drafts } = batch;
        let plan = &plans[*place];
        let table = &mut self.tables[*place];
        tx.put_verbatim(self.number, *place as u32, table.rows, &block.bytes)?;
        table.rows += block.rows;
        let Some(typed) = &plan.typed else { return Ok(()) };
        let Some(drafts) = drafts else {
            return self.write_rows(tx, (*place, plan), typed, block);
        };
        let taken = tx.insert_drafts(drafts)?;
        self.count(typed, drafts.len() as u64, taken);
        Ok(())
    }

    /// Makes records of the rows of a block, and writes them.
    fn write_rows(
        &mut self,
        tx: &mut WriteTx<'_>,
        (place, plan): (usize, &TablePlan),
        typed: &Typed,
        block: &Block,
    ) -> Result<()> {
        let reader = BlockReader::open(&block.bytes)?;
        let (mut rows, mut cells) = (reader.rows()?, Vec::with_capacity(plan.columns));
        while let Some(row) = rows.next(&mut cells)? {
            let id = self.tables[place].node(row).ok_or_else(|| {
                Error::conflict("import", format!("{} row {row} was not counted", plan.name))
            })?;
            self.insert(tx, place, typed, id, (row, &cells))?;
        }
        Ok(())
    }

    /// Writes a row as a new record.
    pub(super) fn insert(
        &mut self,
        tx: &mut WriteTx<'_>,
        place: usize,
        typed: &Typed,
        id: NodeId,
        (row, cells): (i64, &[Cell<'_>]),
    ) -> Result<()> {
        let ops = &typed.table.ops;
        let free = if typed.refers_by_key {
            let value = self.read(tx, place, typed, row, cells)?;
            tx.insert_imported_value(id, &value)?
        } else {
            let resolve = Resolver {
                core: &self.store.shared().core,
                database: self.database,
                tables: &self.tables,
                find: &|_, _, _| None,
            };
            let input = RowInput { map: &typed.map, rowid: row, cells, resolve: &resolve };
            (ops.insert)(&input, &mut self.misfits[place], tx, id)?
        };
        self.count(typed, 1, u64::from(!free));
        Ok(())
    }

    /// Counts records, and those of them with a natural key that was taken.
    fn count(&mut self, typed: &Typed, records: u64, taken: u64) {
        let record = typed.table.record;
        count(&mut self.report.records, record, records);
        if taken > 0 {
            count(&mut self.report.duplicate_keys, record, taken);
        }
    }

    /// Takes in what the reading side found not to fit; no table is read into records by both.
    fn add_misfits(&mut self, found: Vec<Misfits>) {
        for (ours, theirs) in self.misfits.iter_mut().zip(found) {
            if ours.tallies().is_empty() {
                *ours = theirs;
            }
        }
    }

    /// Reads a row into the bytes of its record.
    pub(super) fn read(
        &mut self,
        tx: &WriteTx<'_>,
        place: usize,
        typed: &Typed,
        row: i64,
        cells: &[Cell<'_>],
    ) -> Result<Vec<u8>> {
        let number = self.number;
        let find = |kind: Kind, index: &str, key: &[u8]| {
            // A failure to read shows again, as an error, at the next write.
            tx.find_imported(kind, index, number, key).ok().flatten()
        };
        let resolve = Resolver {
            core: &self.store.shared().core,
            database: self.database,
            tables: &self.tables,
            find: &find,
        };
        let input = RowInput { map: &typed.map, rowid: row, cells, resolve: &resolve };
        (typed.table.ops.read)(&input, &mut self.misfits[place])
    }

    /// The report and the tables, when all rows are written.
    pub(super) fn finish(mut self, plans: &[TablePlan]) -> (FileReport, Vec<SourceTable>) {
        for plan in plans {
            let place = self.tables.iter().position(|table| table.name == plan.name);
            let rows = place.map_or(0, |place| self.tables[place].rows);
            self.report.rows.insert(plan.name.clone(), rows);
            if plan.typed.is_none() {
                self.report.verbatim_tables.push(plan.name.clone());
            }
            if let Some(place) = place {
                self.report_misfits(&plan.name, place);
            }
        }
        (self.report, self.tables)
    }

    fn report_misfits(&mut self, table: &str, place: usize) {
        for tally in self.misfits[place].tallies() {
            let column = format!("{table}.{}", tally.column);
            let counts = match tally.fault {
                Fault::Misfit => &mut self.report.misfits,
                Fault::Dangling => &mut self.report.dangling,
                Fault::ImpossibleTime => &mut self.report.impossible_times,
            };
            count(counts, &column, tally.count);
            if tally.fault == Fault::Misfit && self.report.first_misfits.len() < MISFITS_NAMED {
                let named = tally
                    .rows
                    .iter()
                    .map(|row| format!("{table} row {row} column {}", tally.column));
                self.report.first_misfits.extend(named);
                self.report.first_misfits.truncate(MISFITS_NAMED);
            }
        }
    }
}

pub(super) fn count(counts: &mut std::collections::BTreeMap<String, u64>, name: &str, more: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += more,
        None => drop(counts.insert(name.to_owned(), more)),
    }
}
