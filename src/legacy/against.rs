//! Proof that nothing of a database was lost or changed: it is compared, cell by cell, with what
//! the store would give back for it.
//!
//! The comparison is made between two files, both opened as untrusted sources, so that writing is
//! proved along with reading. Rows are streamed; one thread reads what was given back while the
//! other reads the file. An index that was built anew, because rows that it covers changed here,
//! has other bytes for the same words: it is named, not compared.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use serde::Serialize;

use super::block::{decode_cell, encode_row};
use super::born::births;
use super::collate::Order;
use super::database::Export;
use super::detect::detect;
use super::export::{ExportOptions, Target, write};
use super::fulltext::full_text_over;
use super::report::{ExportedFile, Progress};
use super::scan::scan;
use super::schema::{Object, SchemaText, Storage, TableText};
use super::source::{Damage, Source};
use super::value::{Cell, Encoding, Value};
use crate::base::error::{Error, Result};
use crate::base::trace::carried;
use crate::store::{Store, sources};

/// Differences that are kept one by one; the others are counted.
const DIFFERENCES_KEPT: usize = 100;
/// Characters of a value that are shown.
const SHOWN_CHARS: usize = 60;
/// Bytes of rows that are handed over at once.
const BATCH_BYTES: usize = 256 << 10;
/// Batches that lie between the two threads at most.
const BATCHES_AHEAD: usize = 8;
/// Rows between two reports of progress.
const ROWS_A_STEP: u64 = 4_096;

/// How a database and what the store gives back for it compare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The file that was compared.
    pub file: PathBuf,
    /// The kind of database.
    pub kind: String,
    /// The name of the source that it was compared with.
    pub source: String,
    /// Tables that both have.
    pub tables: u64,
    /// Rows that both have.
    pub rows: u64,
    /// The first differences.
    pub differences: Vec<Difference>,
    /// Differences beyond those.
    pub more_differences: u64,
    /// Full-text indexes that were built anew because of rows that changed here.
    pub rebuilt: Vec<String>,
}

impl Comparison {
    /// Whether no difference was found.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }

    /// All differences, also those that are not kept.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.differences.len() as u64 + self.more_differences
    }
}

/// One difference between a database and what the store gives back for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The table or other object of the schema; empty for a setting of the whole file.
    pub table: String,
    /// The row, by its row id; in tables without row ids its number in the file that has it.
    pub row: Option<i64>,
    /// The column or setting.
    pub column: Option<String>,
    /// What differs, in words.
    pub reason: String,
    /// What the file has, shortened; nothing where it has nothing.
    pub file: Option<String>,
    /// What the store gives back, shortened; nothing where it gives nothing.
    pub store: Option<String>,
}

/// Compares the database at `file` with what a faithful export of its source would write now.
///
/// The source is the one named by `source`, else the one whose name is the path or whose file name
/// is that of `file`, else the only one of the same kind. The file is not touched.
///
/// # Errors
/// [`Error::Import`] when the file cannot be read or is damaged; [`Error::NotFound`] when no source
/// fits, [`Error::Invalid`] when several do; else what [`export`](super::export()) can fail with.
pub fn verify_against(
    store: &Store,
    file: &Path,
    source: Option<&str>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Comparison> {
    let theirs = Source::open(file, Damage::Refuse, None)?;
    let database = detect(theirs.schema(), file)?;
    let all = store.shared().core.sources.all();
    let chosen = choose(&all, database.kind, file, source)?;
    let folder = tempfile::Builder::new()
        .prefix("engraph-verify-")
        .tempdir()
        .map_err(|error| Error::io("create a folder in", std::env::temp_dir(), error))?;
    let given = folder.path().join("given.db");
    let options = ExportOptions::new();
    let written = give_back(store, &chosen, &given, &options, progress)?;
    let ours = Source::open(&given, Damage::Refuse, None)?;
    let mut compare = Compare {
        theirs: &theirs,
        schema: ours.schema().clone(),
        touched: written.changed + written.born + written.deleted > 0,
        differing: BTreeSet::new(),
        derived: false,
        found: Comparison {
            file: file.to_path_buf(),
            kind: database.kind.to_owned(),
            source: chosen.name.clone(),
            ..Comparison::default()
        },
    };
    compare.run(ours, progress)?;
    theirs.check_unchanged()?;
    Ok(compare.found)
}

/// The source that a file is compared with.
fn choose(
    all: &[Arc<sources::Source>],
    kind: &str,
    file: &Path,
    name: Option<&str>,
) -> Result<Arc<sources::Source>> {
    let fitting = || all.iter().filter(|known| known.database == kind);
    if let Some(name) = name {
        return fitting()
            .find(|known| known.name == name)
            .cloned()
            .ok_or_else(|| Error::not_found(format!("source of kind {kind}"), name));
    }
    let path = file.to_string_lossy();
    if let Some(found) = fitting().find(|known| known.name == path) {
        return Ok(Arc::clone(found));
    }
    let file_name = file.file_name().map(|name| name.to_string_lossy());
    let named: Vec<_> =
        fitting().filter(|known| Some(known.file_name.as_str()) == file_name.as_deref()).collect();
    let chosen = if named.is_empty() { fitting().collect() } else { named };
    match chosen[..] {
        [only] => Ok(Arc::clone(only)),
        [] => Err(Error::not_found(format!("source of kind {kind}"), file.display())),
        _ => {
            let all: Vec<&str> = chosen.iter().map(|known| known.name.as_str()).collect();
            Err(Error::invalid("source", format!("several fit, name one: {}", all.join(", "))))
        }
    }
}

/// Writes what an export of everything would write for one source.
pub(super) fn give_back(
    store: &Store,
    chosen: &sources::Source,
    path: &Path,
    options: &ExportOptions,
    progress: &mut dyn FnMut(&Progress),
) -> Result<ExportedFile> {
    let read = store.read()?;
    let mut targets = Vec::new();
    let mut place = 0;
    for source in store.shared().core.sources.all() {
        let wanted = source.number == chosen.number;
        let target = Target::of_source(source)?;
        if wanted {
            place = targets.len();
        }
        if wanted || target.database.export != Export::Never {
            targets.push(target);
        }
    }
    let mut left_out = BTreeMap::new();
    let all = births(&read, &mut targets, None, &mut left_out)?;
    let mut file = write(&read, &targets[place], &all.of(place), path, options, progress)?;
    let elsewhere = all.elsewhere(place).map(|(other, records)| {
        let kind = targets[other].database.kind;
        format!("{records} records made here belong into a database of kind {kind}")
    });
    file.notes.extend(elsewhere);
    let nowhere = left_out.into_iter();
    file.notes.extend(nowhere.map(|(kind, records)| {
        format!("{records} records of type {kind} made here are held by no database")
    }));
    Ok(file)
}

/// Tables that both files have, under their places in either schema.
struct Pair {
    theirs: usize,
    ours: usize,
}

/// A comparison under way.
struct Compare<'a> {
    theirs: &'a Source,
    /// The shape of what was given back.
    schema: SchemaText,
    /// Whether records of the source changed here.
    touched: bool,
    /// Tables with differences, in lower case.
    differing: BTreeSet<String>,
    /// Whether differences of the present table follow from those of another.
    derived: bool,
    found: Comparison,
}

impl Compare<'_> {
    fn run(&mut self, ours: Source, progress: &mut dyn FnMut(&Progress)) -> Result<()> {
        self.compare_headers();
        self.compare_objects();
        let pairs = self.pairs();
        let places: Vec<usize> = pairs.iter().map(|pair| pair.ours).collect();
        let (sender, receiver) = sync_channel(BATCHES_AHEAD);
        std::thread::scope(|scope| {
            let reader = scope.spawn(carried(move || feed(&ours, &places, &sender)));
            let mut given = Given { receiver, batch: Vec::new(), at: 0, ended: false };
            let mut work = || -> Result<()> {
                for pair in &pairs {
                    given.ended = false;
                    self.compare_table(pair, &mut given, progress)?;
                }
                Ok(())
            };
            let done = work();
            drop(given);
            reader.join().map_err(|_| {
                let message = "the reading thread ended".to_owned();
                Error::Panicked { action: "verify".into(), message }
            })?;
            done
        })
    }

    fn add(&mut self, difference: Difference) {
        self.differing.insert(difference.table.to_ascii_lowercase());
        if self.derived {
            if !self.found.rebuilt.contains(&difference.table) {
                self.found.rebuilt.push(difference.table);
            }
        } else if self.found.differences.len() < DIFFERENCES_KEPT {
            self.found.differences.push(difference);
        } else {
            self.found.more_differences += 1;
        }
    }

    fn compare_headers(&mut self) {
        let (theirs, ours) = (&self.theirs.schema().header, &self.schema.header);
        let settings = [
            ("user_version", theirs.user_version.to_string(), ours.user_version.to_string()),
            ("application_id", theirs.application_id.to_string(), ours.application_id.to_string()),
            ("encoding", theirs.encoding.name().to_owned(), ours.encoding.name().to_owned()),
        ];
        for (setting, file, store) in settings.into_iter().filter(|(_, file, store)| file != store)
        {
            self.add(Difference {
                column: Some(setting.to_owned()),
                reason: "other setting of the file".to_owned(),
                file: Some(file),
                store: Some(store),
                ..Difference::default()
            });
        }
    }

    /// Compares what `sqlite_schema` says, in whatever order.
    fn compare_objects(&mut self) {
        let by_name = |schema: &SchemaText| -> BTreeMap<(String, &'static str), Option<String>> {
            let named =
                |object: &Object| ((object.name.clone(), object.kind.as_str()), object.sql.clone());
            schema.objects.iter().map(named).collect()
        };
        let (theirs, mut ours) = (by_name(self.theirs.schema()), by_name(&self.schema));
        for ((name, kind), file) in theirs {
            let reason = match ours.remove(&(name.clone(), kind)) {
                Some(store) if store == file => continue,
                Some(store) => (format!("other definition of the {kind}"), store),
                None => (format!("the {kind} is only in the file"), None),
            };
            self.add_object(name, reason.0, file, reason.1);
        }
        for ((name, kind), store) in ours {
            self.add_object(name, format!("the {kind} is only in the store"), None, store);
        }
    }

    fn add_object(
        &mut self,
        table: String,
        reason: String,
        file: Option<String>,
        store: Option<String>,
    ) {
        let shown = |sql: Option<String>| sql.map(|sql| shortened(&sql));
        self.add(Difference {
            table,
            reason,
            file: shown(file),
            store: shown(store),
            ..Difference::default()
        });
    }

    /// The tables that both have: those that are derived from others come last.
    fn pairs(&mut self) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (theirs, object, _) in self.theirs.schema().tables() {
            let found = self.schema.table(&object.name);
            if let Some((ours, rows)) = found
                && rows.storage != Storage::Virtual
            {
                pairs.push(Pair { theirs, ours });
            }
        }
        self.found.tables = pairs.len() as u64;
        pairs.sort_by_key(|pair| self.rows_of_theirs(pair).shadow_of.is_some());
        pairs
    }

    fn rows_of_theirs(&self, pair: &Pair) -> &TableText {
        static NONE: TableText = TableText {
            storage: Storage::Virtual,
            shadow_of: None,
            columns: Vec::new(),
            alias: None,
            rowid: None,
            key: Vec::new(),
        };
        self.theirs.schema().objects[pair.theirs].rows.as_ref().unwrap_or(&NONE)
    }

    fn compare_table(
        &mut self,
        pair: &Pair,
        given: &mut Given,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<()> {
        let name = self.theirs.schema().objects[pair.theirs].name.clone();
        let theirs = self.rows_of_theirs(pair).clone();
        let ours = self.schema.objects[pair.ours].rows.clone().unwrap_or_default();
        self.derived = theirs.shadow_of.as_deref().is_some_and(|index| self.is_derived(index));
        self.compare_columns(&name, &theirs, &ours);
        let shared = theirs.columns.iter().enumerate().filter_map(|(place, column)| {
            Some((column.name.clone(), place, ours.column(&column.name)?))
        });
        let shared: Vec<_> = shared.collect();
        let widths = (theirs.columns.len(), ours.columns.len());
        let mut table = TableCompare {
            order: Order::of(&name, &theirs, &ours, self.schema.header.encoding),
            aligned: widths.0 == widths.1
                && shared.len() == widths.0
                && shared.iter().all(|(_, file, store)| file == store),
            shared,
            widths,
            encoding: self.theirs.schema().header.encoding,
            encoded: Vec::new(),
            name,
        };
        let mut step =
            Progress { file: self.theirs.path().to_path_buf(), table: table.name.clone(), rows: 0 };
        let (source, place) = (self.theirs, pair.theirs);
        if table.order == Order::Name {
            return self.compare_counters(&table, place, given);
        }
        scan(source, place, |row, cells| {
            step.rows += 1;
            if step.rows.is_multiple_of(ROWS_A_STEP) {
                progress(&step);
            }
            self.compare_row(&mut table, given, row, cells)
        })?;
        progress(&step);
        while let Some((row, _)) = given.peek()? {
            self.add(table.missing(row, "the row is only in the store"));
            given.advance();
        }
        Ok(())
    }

    /// Whether the rows that a full-text index covers differ, or may have been changed here.
    fn is_derived(&self, index: &str) -> bool {
        self.touched
            || self.differing.iter().any(|table| {
                let indexes = full_text_over(self.theirs.schema(), table);
                indexes.iter().any(|found| found.name.eq_ignore_ascii_case(index))
            })
    }

    fn compare_columns(&mut self, name: &str, theirs: &TableText, ours: &TableText) {
        let missing = |from: &TableText, other: &TableText| -> Vec<String> {
            let absent = from.columns.iter().filter(|column| other.column(&column.name).is_none());
            absent.map(|column| column.name.clone()).collect()
        };
        let only = [
            (missing(theirs, ours), "the column is only in the file"),
            (missing(ours, theirs), "the column is only in the store"),
        ];
        for (columns, reason) in only {
            for column in columns {
                self.add(Difference {
                    table: name.to_owned(),
                    column: Some(column),
                    reason: reason.to_owned(),
                    ..Difference::default()
                });
            }
        }
    }

    fn compare_row(
        &mut self,
        table: &mut TableCompare,
        given: &mut Given,
        row: i64,
        cells: &[Cell<'_>],
    ) -> Result<()> {
        table.encoded.clear();
        // Row id 0 keeps the bytes of a row independent of its place.
        encode_row(0, cells, &mut table.encoded);
        loop {
            let Some((other, bytes)) = given.peek()? else {
                self.add(table.missing(row, "the row is only in the file"));
                return Ok(());
            };
            let by_row = table.order == Order::Row;
            if table.aligned && bytes == table.encoded && (!by_row || other == row) {
                self.found.rows += 1;
                given.advance();
                return Ok(());
            }
            let (order, differences) = {
                let ours = decode(bytes, table.widths.1)?;
                match table.order.compare((row, cells), (other, &ours)) {
                    Ordering::Equal => (Ordering::Equal, table.differences(row, cells, &ours)),
                    order => (order, Vec::new()),
                }
            };
            match order {
                Ordering::Less => {
                    self.add(table.missing(row, "the row is only in the file"));
                    return Ok(());
                }
                Ordering::Greater => {
                    self.add(table.missing(other, "the row is only in the store"));
                    given.advance();
                }
                Ordering::Equal => {
                    self.found.rows += 1;
                    for difference in differences {
                        self.add(difference);
                    }
                    given.advance();
                    return Ok(());
                }
            }
        }
    }

    /// Compares `sqlite_sequence`: it is a set of names with counters, whatever its row ids.
    fn compare_counters(
        &mut self,
        table: &TableCompare,
        place: usize,
        given: &mut Given,
    ) -> Result<()> {
        let mut theirs: BTreeMap<Vec<u8>, Value> = BTreeMap::new();
        scan(self.theirs, place, |_, cells| {
            take_counter(&mut theirs, cells);
            Ok(())
        })?;
        let mut ours: BTreeMap<Vec<u8>, Value> = BTreeMap::new();
        while let Some((_, bytes)) = given.peek()? {
            take_counter(&mut ours, &decode(bytes, table.widths.1)?);
            given.advance();
        }
        let names: BTreeSet<&Vec<u8>> = theirs.keys().chain(ours.keys()).collect();
        let mut differences = Vec::new();
        for name in names {
            let (file, store) = (theirs.get(name), ours.get(name));
            if file.is_some() && store.is_some() {
                self.found.rows += 1;
            }
            if file != store {
                let shown = |value: Option<&Value>| {
                    value.map(|value| shown(&value.as_cell(), table.encoding))
                };
                let of = shown_text(name, table.encoding);
                differences.push(Difference {
                    table: table.name.clone(),
                    column: Some("seq".to_owned()),
                    reason: format!("other counter of {of}"),
                    file: shown(file),
                    store: shown(store),
                    row: None,
                });
            }
        }
        for difference in differences {
            self.add(difference);
        }
        Ok(())
    }
}

fn take_counter(counters: &mut BTreeMap<Vec<u8>, Value>, cells: &[Cell<'_>]) {
    let mut name = Vec::new();
    if let Some(first) = cells.first() {
        encode_row(0, &[*first], &mut name);
        if let Cell::Text(text) = first {
            name = text.to_vec();
        }
    }
    counters.insert(name, cells.get(1).map_or(Value::Null, |cell| cell.to_value()));
}

/// One table under comparison.
struct TableCompare {
    name: String,
    order: Order,
    /// Columns that both have: name, place in the file, place in what was given back.
    shared: Vec<(String, usize, usize)>,
    widths: (usize, usize),
    /// Whether both have the same columns in the same order: then equal bytes are equal rows.
    aligned: bool,
    encoding: Encoding,
    encoded: Vec<u8>,
}

impl TableCompare {
    fn missing(&self, row: i64, reason: &str) -> Difference {
        Difference {
            table: self.name.clone(),
            row: Some(row),
            reason: reason.to_owned(),
            ..Difference::default()
        }
    }

    fn differences(&self, row: i64, theirs: &[Cell<'_>], ours: &[Cell<'_>]) -> Vec<Difference> {
        let differing = self.shared.iter().filter_map(|(name, file, store)| {
            let (file, store) = (theirs[*file], ours[*store]);
            (file != store).then(|| Difference {
                table: self.name.clone(),
                row: Some(row),
                column: Some(name.clone()),
                reason: "other value".to_owned(),
                file: Some(shown(&file, self.encoding)),
                store: Some(shown(&store, self.encoding)),
            })
        });
        differing.collect()
    }
}

/// What the reading thread hands over.
enum Message {
    /// Rows: row id and length in eight bytes each, then the cells.
    Rows(Vec<u8>),
    /// The end of a table.
    End,
    Failed(Error),
}

/// Reads the tables at `places`, one after the other.
fn feed(ours: &Source, places: &[usize], sender: &SyncSender<Message>) {
    for &place in places {
        let mut batch = Vec::with_capacity(BATCH_BYTES);
        let mut encoded = Vec::new();
        let hand_over = |batch: &mut Vec<u8>| {
            sender
                .send(Message::Rows(std::mem::take(batch)))
                .map_err(|_| Error::conflict("verify", "the comparison ended early"))
        };
        let done = scan(ours, place, |row, cells| {
            encoded.clear();
            encode_row(0, cells, &mut encoded);
            batch.extend_from_slice(&row.to_le_bytes());
            batch.extend_from_slice(&(encoded.len() as u64).to_le_bytes());
            batch.extend_from_slice(&encoded);
            if batch.len() < BATCH_BYTES { Ok(()) } else { hand_over(&mut batch) }
        });
        let done = done.and_then(|_| if batch.is_empty() { Ok(()) } else { hand_over(&mut batch) });
        let last = match done {
            Ok(()) => Message::End,
            Err(error) => Message::Failed(error),
        };
        let failed = matches!(last, Message::Failed(_));
        // The other side is gone only when it has failed, and then says so itself.
        if sender.send(last).is_err() || failed {
            return;
        }
    }
}

/// The rows that were given back, in order, table after table.
struct Given {
    receiver: Receiver<Message>,
    batch: Vec<u8>,
    at: usize,
    ended: bool,
}

const HEAD_BYTES: usize = 16;

impl Given {
    /// The next row of the table, if there is one.
    fn peek(&mut self) -> Result<Option<(i64, &[u8])>> {
        while self.at == self.batch.len() {
            if self.ended {
                return Ok(None);
            }
            match self.receiver.recv() {
                Ok(Message::Rows(batch)) => (self.batch, self.at) = (batch, 0),
                Ok(Message::End) => self.ended = true,
                Ok(Message::Failed(error)) => return Err(error),
                Err(_) => return Err(Error::conflict("verify", "reading ended early")),
            }
        }
        let (row, bytes) = self.head();
        Ok(Some((row, &self.batch[bytes])))
    }

    fn advance(&mut self) {
        self.at = self.head().1.end;
    }

    fn head(&self) -> (i64, std::ops::Range<usize>) {
        let word = |from: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&self.batch[from..from + 8]);
            bytes
        };
        let start = self.at + HEAD_BYTES;
        let length = u64::from_le_bytes(word(self.at + 8));
        let end = start + usize::try_from(length).unwrap_or(usize::MAX - start);
        (i64::from_le_bytes(word(self.at)), start..end)
    }
}

fn decode(mut bytes: &[u8], width: usize) -> Result<Vec<Cell<'_>>> {
    let mut cells = Vec::with_capacity(width);
    while !bytes.is_empty() {
        let cell = decode_cell(0, &mut bytes)
            .ok_or_else(|| Error::conflict("verify", "a row was cut on its way"))?;
        cells.push(cell);
    }
    Ok(cells)
}

/// A cell for people: storage class and the first characters.
fn shown(cell: &Cell<'_>, encoding: Encoding) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Integer(number) => format!("integer {number}"),
        Cell::Real(number) => format!("real {number:?}"),
        Cell::Text(bytes) => format!("text {}", shown_text(bytes, encoding)),
        Cell::Blob(bytes) => {
            let mut hex = String::with_capacity(SHOWN_CHARS);
            for byte in bytes.iter().take(SHOWN_CHARS / 2) {
                hex.extend(
                    [byte >> 4, byte & 0xf]
                        .map(|half| char::from(b"0123456789abcdef"[usize::from(half)])),
                );
            }
            let more = if bytes.len() > SHOWN_CHARS / 2 { "..." } else { "" };
            format!("blob of {} bytes {hex}{more}", bytes.len())
        }
    }
}

fn shown_text(bytes: &[u8], encoding: Encoding) -> String {
    match encoding.decode(bytes) {
        Some(text) => shortened(&text),
        None => format!(
            "{} (no valid {})",
            shortened(&bytes.escape_ascii().to_string()),
            encoding.name()
        ),
    }
}

/// The first characters of a text, quoted.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{:?}... ({} bytes)", &text[..end], text.len()),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &Path, sql: &str) {
        rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
    }

    fn places(found: &Comparison) -> Vec<(&str, Option<i64>, Option<&str>)> {
        let differences = found.differences.iter();
        differences
            .map(|found| (found.table.as_str(), found.row, found.column.as_deref()))
            .collect()
    }

    #[test]
    fn rows_are_paired_by_their_keys() {
        let dir = tempfile::tempdir().unwrap();
        let files = crate::legacy::sample::write(dir.path(), 4).unwrap();
        let graph = files[2].clone();
        change(
            &graph,
            "CREATE TABLE extra(name TEXT COLLATE NOCASE, part, value,
                 PRIMARY KEY(name DESC, part)) WITHOUT ROWID;
             WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000)
             INSERT INTO extra SELECT iif(x % 2, 'Name ', 'name ') || x, x / 2.0, x FROM n;
             CREATE TABLE plain(a, b);
             WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000)
             INSERT INTO plain(rowid, a, b) SELECT x * 3, x, hex(x) FROM n;",
        );
        let store = Store::create(dir.path().join("store")).unwrap();
        let options = crate::legacy::ImportOptions::new();
        crate::legacy::import(&store, std::slice::from_ref(&graph), &options, &mut |_| {}).unwrap();
        let compare = || verify_against(&store, &graph, None, &mut |_| {}).unwrap();
        let found = compare();
        assert!(found.is_equal(), "{found:?}");
        assert!(found.rows >= 6_000);
        change(
            &graph,
            "DELETE FROM extra WHERE value = 1500;
             UPDATE extra SET value = 'other' WHERE value = 700;
             INSERT INTO extra VALUES ('NAME 2000', 0, NULL);
             DELETE FROM plain WHERE rowid IN (3, 9000);
             INSERT INTO plain(rowid, a) VALUES (4, 5);
             UPDATE plain SET b = CAST(b AS BLOB) WHERE a = 50;
             PRAGMA user_version = 9;
             CREATE INDEX more ON plain(a);",
        );
        let found = compare();
        assert_eq!(
            places(&found),
            [
                ("", None, Some("user_version")),
                ("more", None, None),
                ("extra", Some(331), Some("value")),
                ("extra", Some(1_886), None),
                ("extra", Some(2_442), None),
                ("plain", Some(3), None),
                ("plain", Some(4), None),
                ("plain", Some(150), Some("b")),
                ("plain", Some(9_000), None),
            ],
            "{found:#?}"
        );
    }

    #[test]
    fn values_are_shown_short() {
        let shown = |cell: Cell<'_>| shown(&cell, Encoding::Utf8);
        assert_eq!(shown(Cell::Text(b"a\nb")), r#"text "a\nb""#);
        assert_eq!(shown(Cell::Blob(b"\x01\xff")), "blob of 2 bytes 01ff");
        let long = "\u{e9}".repeat(100);
        let text = shown(Cell::Text(long.as_bytes()));
        assert!(text.ends_with("... (200 bytes)"), "{text}");
        assert!(shown(Cell::Text(b"\xff")).contains("no valid UTF-8"));
    }
}
