//! The reading side of an import: reads rows, packs them verbatim, makes records ready where that
//! needs nothing of the store, and hands all of it over in batches.

use super::block::{Block, BlockWriter};
use super::database::Database;
use super::fault;
use super::ops::RowInput;
use super::plan::{Resolver, TablePlan};
use super::queue::Sender;
use super::report::Progress;
use super::row::Misfits;
use super::scan::scan;
use super::schema::quoted;
use super::source::Source;
use super::value::Cell;
use crate::base::error::{Error, Result};
use crate::store::core::Core;
use crate::store::draft::Drafts;
use crate::store::sources::SourceTable;

/// Bytes that may lie between the two threads: what is read while a batch goes into the engine.
pub(super) const BYTES_AHEAD: usize = 32 << 20;

/// What the reading thread hands over.
pub(super) enum Message {
    /// Rows of one table.
    Rows(Batch),
    /// Everything was read.
    End(Ending),
    /// Reading failed: nothing is kept.
    Failed(Error),
}

/// Rows of one table.
pub(super) struct Batch {
    /// The place of the table in the plan.
    pub(super) place: usize,
    /// The rows, verbatim.
    pub(super) block: Block,
    /// The records made of them; `None` where the writing side makes them.
    pub(super) drafts: Option<Drafts>,
}

/// What is known when everything was read.
#[derive(Default)]
pub(super) struct Ending {
    /// Rows that could not be read, in words.
    pub(super) lost: Vec<String>,
    /// Cells that did not fit, by the place of the table in the plan.
    pub(super) misfits: Vec<Misfits>,
}

/// Makes records of the rows of a new source ahead of the write that takes them.
///
/// Rows that refer to others by natural keys are left to the writing side, which can look those up.
pub(super) struct Maker<'a> {
    core: &'a Core,
    database: &'static Database,
    source: u32,
    tables: Vec<SourceTable>,
    misfits: Vec<Misfits>,
}

impl<'a> Maker<'a> {
    /// For a source with that number, whose rows have the keys that `tables` says.
    pub(super) fn new(
        core: &'a Core,
        database: &'static Database,
        (source, tables): (u32, Vec<SourceTable>),
    ) -> Self {
        let misfits = vec![Misfits::default(); tables.len()];
        Self { core, database, source, tables, misfits }
    }

    fn make(
        &mut self,
        (place, plan): (usize, &TablePlan),
        (row, cells): (i64, &[Cell<'_>]),
        drafts: &mut Drafts,
    ) -> Result<()> {
        let Some(typed) = &plan.typed else { return Ok(()) };
        let id = self.tables[place].node(row).ok_or_else(|| {
            Error::conflict("import", format!("{} row {row} was not counted", plan.name))
        })?;
        let resolve = Resolver {
            core: self.core,
            database: self.database,
            tables: &self.tables,
            find: &|_, _, _| None,
        };
        let input = RowInput { map: &typed.map, rowid: row, cells, resolve: &resolve };
        (typed.table.ops.draft)(&input, &mut self.misfits[place], drafts, (id, self.source))
    }
}

/// Hands every row number of a table to `take`, in order.
pub(super) fn row_numbers(
    source: &Source,
    plan: &TablePlan,
    take: &mut dyn FnMut(i64) -> Result<()>,
) -> Result<()> {
    let rowid = source.schema().objects[plan.object].rows.as_ref().and_then(|t| t.rowid.as_ref());
    let Some(rowid) = rowid.filter(|_| !source.is_damaged()) else {
        return scan(source, plan.object, |row, _| take(row)).map(|_| ());
    };
    let failed = |error| fault::sqlite(source.path(), &plan.name, "cannot be read", error);
    let sql = format!("SELECT {rowid} FROM main.{} NOT INDEXED", quoted(&plan.name));
    let mut statement = source.db().prepare(&sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        take(row.get(0).map_err(failed)?)?;
    }
    Ok(())
}

/// Reads every table and hands its rows over, then says how it ended.
pub(super) fn read(
    source: &Source,
    plans: &[TablePlan],
    mut maker: Option<Maker<'_>>,
    sender: &Sender<Message>,
    progress: &mut dyn FnMut(&Progress),
) {
    let mut ending = Ending::default();
    let outcome = plans.iter().enumerate().try_for_each(|table| {
        let lost = read_table(source, table, maker.as_mut(), sender, progress)?;
        ending.lost.extend(lost);
        Ok(())
    });
    ending.misfits = maker.map_or_else(Vec::new, |maker| maker.misfits);
    let message = match outcome.and_then(|()| source.check_unchanged()) {
        Ok(()) => Message::End(ending),
        Err(error) => Message::Failed(error),
    };
    // The other side is gone only when it has failed, and then says so itself.
    sender.send(0, message);
}

fn read_table(
    source: &Source,
    (place, plan): (usize, &TablePlan),
    maker: Option<&mut Maker<'_>>,
    sender: &Sender<Message>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Vec<String>> {
    let mut writer = BlockWriter::new(plan.columns);
    let mut maker = maker.filter(|_| plan.typed.as_ref().is_some_and(|typed| !typed.refers_by_key));
    let mut drafts = maker.is_some().then(Drafts::default);
    let mut step = Progress { file: source.path().to_owned(), table: plan.name.clone(), rows: 0 };
    let mut send = |writer: &mut BlockWriter, drafts: &mut Option<Drafts>| -> Result<()> {
        let Some(block) = writer.finish()? else { return Ok(()) };
        step.rows += block.rows;
        progress(&step);
        let drafts = drafts.as_mut().map(std::mem::take);
        let bytes = block.bytes.len() + drafts.as_ref().map_or(0, Drafts::bytes);
        if sender.send(bytes, Message::Rows(Batch { place, block, drafts })) {
            return Ok(());
        }
        Err(fault::at(source.path(), &plan.name, "the store could not take its rows"))
    };
    let scanned = scan(source, plan.object, |row, cells| {
        writer.push(row, cells);
        if let (Some(maker), Some(drafts)) = (&mut maker, &mut drafts) {
            maker.make((place, plan), (row, cells), drafts)?;
        }
        if writer.is_full() { send(&mut writer, &mut drafts) } else { Ok(()) }
    })?;
    send(&mut writer, &mut drafts)?;
    let mut lost: Vec<String> =
        scanned.gaps.iter().map(|gap| format!("{}: {gap}", plan.name)).collect();
    if scanned.misplaced > 0 {
        let rows = scanned.misplaced;
        lost.push(format!("{}: {rows} rows whose ids or keys are out of order", plan.name));
    }
    Ok(lost)
}
