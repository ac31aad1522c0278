//! Reading the rows of a source: one pass over a table, in the order in which it is stored.
//!
//! Rows are streamed, and no cell is converted. Damaged places are passed over where the source was
//! opened for that, and reported as gaps.

use rusqlite::{Connection, ErrorCode, Statement};

use super::collate::Order;
use super::fault;
use super::schema::{ColumnText, Object, SchemaText, Storage, TableText, quoted};
use super::source::Source;
use super::value::{Cell, Encoding, Value, recycle};
use crate::base::error::{Error, Result};
use crate::base::limits::LEGACY_CELL_BYTES_MAX;

/// Gaps that are kept one by one.
const GAPS_MAX: usize = 1_000;
/// A damaged file can lead many rows to the same pages: what is salvaged is at most this many
/// times the size of the file.
const SALVAGE_TIMES_MAX: u64 = 4;

/// Rows behind a damaged place that are asked for one by one: more than a page usually holds.
const STEPS_ONE_BY_ONE: usize = 10_000;

/// What one pass over a table gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// Rows that were read.
    pub(crate) rows: u64,
    /// Places that could not be read.
    pub(crate) gaps: Vec<Gap>,
    /// Rows of a damaged table that were passed over because their row id or key does not come
    /// after the one before: damage leads to rows twice, and ids that are damaged themselves.
    pub(crate) misplaced: u64,
}

/// Rows that could not be read: all that may have been between two row ids, both excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The last row that could be read before, if any.
    pub(crate) after: Option<i64>,
    /// The first row that could be read again, if any.
    pub(crate) before: Option<i64>,
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.after, self.before) {
            (None, None) => f.write_str("all rows"),
            (Some(after), None) => write!(f, "all rows after row {after}"),
            (None, Some(before)) => write!(f, "all rows before row {before}"),
            (Some(after), Some(before)) => write!(f, "rows between row {after} and row {before}"),
        }
    }
}

/// Reads every row of the table at place `object` of the schema. `take` gets the row id (for
/// tables without one the number of the row, from 1) and the stored cells.
pub(crate) fn scan(
    source: &Source,
    object: usize,
    take: impl FnMut(i64, &[Cell<'_>]) -> Result<()>,
) -> Result<Scanned> {
    let table = Table::of(source.schema(), object)?;
    let last = None;
    let mut pass = Pass { source, table, take, scanned: Scanned::default(), bytes: 0, last };
    pass.run()?;
    Ok(pass.scanned)
}

/// Reads every row of a table of a database that is trusted, such as one made in memory.
pub(crate) fn scan_trusted(
    db: &Connection,
    schema: &SchemaText,
    object: usize,
    mut take: impl FnMut(i64, &[Cell<'_>]) -> Result<()>,
) -> Result<()> {
    let table = Table::of(schema, object)?;
    let failed = |source| Error::engine("sqlite", format!("read {}", table.object.name), source);
    let mut statement = db.prepare(&table.select("")).map_err(failed)?;
    match table.read(&mut statement, None, &mut |rowid, cells| take(rowid, cells)) {
        Ok(()) => Ok(()),
        Err(Stop::Sqlite { source, .. }) => Err(failed(source)),
        Err(Stop::Taker(error)) => Err(error),
    }
}

/// A table and how its rows are asked for.
#[derive(Clone, Copy)]
struct Table<'s> {
    object: &'s Object,
    rows: &'s TableText,
    encoding: Encoding,
}

/// Why reading stopped before the end.
enum Stop {
    Sqlite { source: rusqlite::Error, last: Option<i64> },
    Taker(Error),
}

impl<'s> Table<'s> {
    fn of(schema: &'s SchemaText, object: usize) -> Result<Self> {
        let found =
            schema.objects.get(object).and_then(|object| Some((object, object.rows.as_ref()?)));
        let (object, rows) = found
            .filter(|(_, rows)| rows.storage != Storage::Virtual)
            .ok_or_else(|| Error::invalid("table", format!("object {object} holds no rows")))?;
        Ok(Self { object, rows, encoding: schema.header.encoding })
    }

    /// The query for all rows. In UTF-16 the engine would convert text on the way, and not always
    /// back to the same; so text is asked for as bytes, with a flag beside each column.
    fn select(&self, condition: &str) -> String {
        let mut asked = vec![self.rows.rowid.clone().unwrap_or_else(|| "NULL".to_owned())];
        let utf8 = self.encoding == Encoding::Utf8;
        for (place, column) in self.rows.columns.iter().enumerate() {
            let name = quoted(&column.name);
            asked.push(if self.rows.alias == Some(place) {
                "NULL".to_owned()
            } else if utf8 {
                name
            } else {
                format!("CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END")
            });
        }
        if !utf8 {
            let flag = |column: &ColumnText| format!("typeof({}) = 'text'", quoted(&column.name));
            asked.extend(self.rows.columns.iter().map(flag));
        }
        let (asked, table) = (asked.join(", "), quoted(&self.object.name));
        // Without `NOT INDEXED` an index that covers all columns could be read instead.
        format!("SELECT {asked} FROM main.{table} NOT INDEXED {condition}")
    }

    fn read(
        &self,
        statement: &mut Statement<'_>,
        from: Option<i64>,
        take: &mut dyn FnMut(i64, &[Cell<'_>]) -> Result<()>,
    ) -> Result<(), Stop> {
        let mut last = None;
        let width = self.rows.columns.len();
        let mut number = 0;
        let mut spare: Vec<Cell<'static>> = Vec::with_capacity(width);
        let rows = match from {
            Some(from) => statement.query([from]),
            None => statement.query([]),
        };
        let stop = |source, last| Stop::Sqlite { source, last };
        let mut rows = rows.map_err(|source| stop(source, last))?;
        while let Some(row) = rows.next().map_err(|source| stop(source, last))? {
            number += 1;
            let mut cells = recycle(spare);
            let rowid = match &self.rows.rowid {
                Some(_) => row.get(0).map_err(|source| stop(source, last))?,
                None => number,
            };
            for place in 0..width {
                let cell = row.get_ref(place + 1).map_err(|source| stop(source, last))?.into();
                cells.push(match cell {
                    _ if self.rows.alias == Some(place) => Cell::Integer(rowid),
                    Cell::Blob(bytes) if self.encoding != Encoding::Utf8 => {
                        let flag = row.get_ref(place + 1 + width);
                        match flag.map_err(|source| stop(source, last))?.into() {
                            Cell::Integer(1) => Cell::Text(bytes),
                            _ => Cell::Blob(bytes),
                        }
                    }
                    cell => cell,
                });
            }
            take(rowid, &cells).map_err(Stop::Taker)?;
            last = Some(rowid);
            spare = recycle(cells);
        }
        Ok(())
    }
}

/// One pass over a table of a source.
struct Pass<'s, F> {
    source: &'s Source,
    table: Table<'s>,
    take: F,
    scanned: Scanned,
    bytes: u64,
    /// Row id and, for keyed tables, cells of the last row of a damaged table.
    last: Option<(i64, Vec<Value>)>,
}

impl<F: FnMut(i64, &[Cell<'_>]) -> Result<()>> Pass<'_, F> {
    fn run(&mut self) -> Result<()> {
        let salvage = self.source.is_damaged();
        let from_row = format!("WHERE {} >= ?1", self.table.rows.rowid.as_deref().unwrap_or(""));
        let seekable = salvage && self.table.rows.rowid.is_some();
        let condition = if seekable { &from_row } else { "" };
        let mut statement = match self.source.db().prepare(&self.table.select(condition)) {
            Ok(statement) => statement,
            Err(source) => return Err(self.error(source, None)),
        };
        let mut from = seekable.then_some(i64::MIN);
        loop {
            let (last, source) = match self.read(&mut statement, from) {
                Ok(()) => return Ok(()),
                Err(Stop::Taker(error)) => return Err(error),
                Err(Stop::Sqlite { source, last }) => (last, source),
            };
            if !salvage || !fault::is_damage(&source) {
                return Err(self.error(source, last));
            }
            // The furthest place that was reached: rows out of order must not lead back.
            let asked = from.filter(|from| *from > i64::MIN).map(|from| from - 1);
            let taken = self.last.as_ref().map(|(row, _)| *row);
            let after = [last, asked, taken].into_iter().flatten().max();
            let next = if seekable { self.next_readable(after) } else { None };
            if self.scanned.gaps.len() < GAPS_MAX {
                self.scanned.gaps.push(Gap { after, before: next });
            }
            match next {
                Some(next) => from = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn read(&mut self, statement: &mut Statement<'_>, from: Option<i64>) -> Result<(), Stop> {
        let Self { source, table, take, scanned, bytes, last } = self;
        let budget =
            if source.is_damaged() { source.bytes() * SALVAGE_TIMES_MAX } else { u64::MAX };
        let order = source
            .is_damaged()
            .then(|| Order::of(&table.object.name, table.rows, table.rows, table.encoding));
        table.read(statement, from, &mut |rowid, cells| {
            if let Some(large) = cells.iter().position(|cell| cell.len() > LEGACY_CELL_BYTES_MAX) {
                return Err(too_large(source, table, rowid, large));
            }
            if budget < u64::MAX {
                *bytes += cells.iter().map(|cell| cell.len() as u64).sum::<u64>();
                if *bytes > budget {
                    let reason = "damage leads to more data than the file has, gave up";
                    return Err(fault::at(source.path(), &table.object.name, reason));
                }
            }
            if let Some(order) = &order {
                if !follows(order, last.as_ref(), rowid, cells) {
                    scanned.misplaced += 1;
                    return Ok(());
                }
                let keyed = table.rows.storage == Storage::Keyed;
                let kept = if keyed { cells } else { &[] };
                *last = Some((rowid, kept.iter().map(|cell| cell.to_value()).collect()));
            }
            scanned.rows += 1;
            take(rowid, cells)
        })
    }

    /// The first row behind a damaged place. The place covers a range of row ids, at least those of
    /// one page: what lies close behind is asked for one by one, what lies further by ever longer
    /// steps, of which the last one is halved.
    fn next_readable(&self, after: Option<i64>) -> Option<i64> {
        let rowid = self.table.rows.rowid.as_deref()?;
        let table = quoted(&self.table.object.name);
        let sql = format!(
            "SELECT {rowid} FROM main.{table} NOT INDEXED
             WHERE {rowid} >= ?1 ORDER BY {rowid} LIMIT 1"
        );
        let mut statement = self.source.db().prepare(&sql).ok()?;
        let mut probe = |from: i64| -> Option<Option<i64>> {
            let mut rows = statement.query([from]).ok()?;
            rows.next().ok()?.map(|row| row.get(0).ok()).map_or(Some(None), |id| id.map(Some))
        };
        let mut bad = after.map_or(i64::MIN, |after| after.saturating_add(1));
        for _ in 0..STEPS_ONE_BY_ONE {
            bad = bad.checked_add(1)?;
            if let Some(found) = probe(bad) {
                return found;
            }
        }
        let mut step = 1_i64;
        let (mut good, mut found) = loop {
            let next = bad.checked_add(step)?;
            if let Some(found) = probe(next) {
                break (next, found);
            }
            bad = next;
            step = step.saturating_mul(2);
        };
        while good - bad > 1 {
            let middle = bad + (good - bad) / 2;
            match probe(middle) {
                Some(row) => (good, found) = (middle, row),
                None => bad = middle,
            }
        }
        found
    }

    /// Names table and row of a failure.
    fn error(&self, source: rusqlite::Error, last: Option<i64>) -> Error {
        let (path, name) = (self.source.path(), &self.table.object.name);
        if source.sqlite_error_code() == Some(ErrorCode::TooBig)
            && let Some((rowid, column)) = self.find_too_large()
        {
            return too_large(self.source, &self.table, rowid, column);
        }
        let place = match last {
            Some(last) => format!("{name} after row {last}"),
            None => name.clone(),
        };
        fault::sqlite(path, place, "cannot be read", source)
    }

    /// The first cell above the limit, found without loading it.
    fn find_too_large(&self) -> Option<(i64, usize)> {
        let rowid = self.table.rows.rowid.as_deref().unwrap_or("0");
        let table = quoted(&self.table.object.name);
        self.table.rows.columns.iter().enumerate().find_map(|(place, column)| {
            let sql = format!(
                "SELECT {rowid} FROM main.{table} NOT INDEXED WHERE octet_length({}) > ?1 LIMIT 1",
                quoted(&column.name)
            );
            let limit = i64::try_from(LEGACY_CELL_BYTES_MAX).unwrap_or(i64::MAX);
            let row = self.source.db().query_row(&sql, [limit], |row| row.get(0)).ok()?;
            Some((row, place))
        })
    }
}

/// Whether a row comes after the last one in the order in which its table is stored.
fn follows(
    order: &Order,
    last: Option<&(i64, Vec<Value>)>,
    rowid: i64,
    cells: &[Cell<'_>],
) -> bool {
    last.is_none_or(|(last, kept)| {
        let kept: Vec<Cell<'_>> = kept.iter().map(Value::as_cell).collect();
        order.compare((rowid, cells), (*last, &kept)).is_gt()
    })
}

fn too_large(source: &Source, table: &Table<'_>, rowid: i64, column: usize) -> Error {
    let name = &table.rows.columns[column].name;
    fault::at(
        source.path(),
        format!("{} row {rowid} column {name}", table.object.name),
        format!("cell exceeds the limit of {LEGACY_CELL_BYTES_MAX} bytes"),
    )
}
