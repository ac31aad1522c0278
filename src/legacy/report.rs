//! What an import or export did, for people and for machines.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What became of one file of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fate {
    /// It was new, and is in.
    Imported,
    /// It is a newer version of a source that was there; what changed is in.
    Updated,
    /// It was in already, letter by letter.
    Unchanged,
    /// It is not in; nothing of it was kept.
    #[default]
    Refused,
}

/// What one import did, file by file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ImportReport {
    /// Whether nothing was kept because only a report was asked for.
    pub dry_run: bool,
    /// The files, in the order in which they were taken.
    pub files: Vec<FileReport>,
}

impl ImportReport {
    /// How many files had that fate.
    #[must_use]
    pub fn count(&self, fate: Fate) -> usize {
        self.files.iter().filter(|file| file.fate == fate).count()
    }
}

/// What became of one file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// The name of the source.
    pub name: String,
    /// The number of the source; 0 where the file was refused.
    pub source: u32,
    /// What became of it.
    pub fate: Fate,
    /// The kind of database, where it was recognised.
    pub kind: Option<String>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// What had to be left out or repaired while opening it, in words.
    pub notices: Vec<String>,
    /// Rows that were read, by table.
    pub rows: BTreeMap<String, u64>,
    /// Records that were written, by kind.
    pub records: BTreeMap<String, u64>,
    /// Links and edges that the records imply.
    pub links: u64,
    /// Tables that are carried verbatim, without records.
    pub verbatim_tables: Vec<String>,
    /// References that lead nowhere, by table and column.
    pub dangling: BTreeMap<String, u64>,
    /// Cells that do not fit their field, by table and column; they are kept verbatim.
    pub misfits: BTreeMap<String, u64>,
    /// The first misfits, as `table row N column C`.
    pub first_misfits: Vec<String>,
    /// Local times that no clock showed, by table and column.
    pub impossible_times: BTreeMap<String, u64>,
    /// Records whose natural key another record of the source has, by kind; they are kept.
    pub duplicate_keys: BTreeMap<String, u64>,
    /// Rows of a newer version: new, changed and gone.
    pub changes: RowChanges,
    /// Rows of a newer version that came in without their cells, because they were erased here.
    pub erased: u64,
    /// What was changed both here and there; our value was kept.
    pub conflicts: Vec<Conflict>,
    /// Rows that could not be read from a damaged file, in words.
    pub lost: Vec<String>,
    /// Seconds that it took.
    pub elapsed: f64,
}

impl FileReport {
    /// Rows that were read, of all tables.
    #[must_use]
    pub fn total_rows(&self) -> u64 {
        self.rows.values().sum()
    }
}

/// How a newer version of a source differs from what was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowChanges {
    /// Rows that were not there.
    pub added: u64,
    /// Rows with other cells.
    pub changed: u64,
    /// Rows that are gone.
    pub removed: u64,
}

/// A field that was changed here and in the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The table.
    pub table: String,
    /// The row.
    pub row: i64,
    /// The record here.
    pub record: String,
    /// The fields concerned; empty where the whole record was deleted on one side.
    pub fields: Vec<String>,
    /// What happened, in words.
    pub reason: String,
}

/// What one export did, file by file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ExportReport {
    /// The databases that were written.
    pub files: Vec<ExportedFile>,
    /// Records that no database can hold, by kind.
    pub left_out: BTreeMap<String, u64>,
    /// Sources that are never exported.
    pub skipped: Vec<String>,
    /// Seconds that it took.
    pub elapsed: f64,
}

/// One database that was written.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ExportedFile {
    /// The file.
    pub path: PathBuf,
    /// The kind of database.
    pub kind: String,
    /// The number of the source; 0 for a fresh file.
    pub source: u32,
    /// Rows that were written, by table.
    pub rows: BTreeMap<String, u64>,
    /// Rows whose cells differ from what was imported.
    pub changed: u64,
    /// Rows of records that were made here.
    pub born: u64,
    /// Rows left out because their records were deleted here.
    pub deleted: u64,
    /// Rows whose cells are NULL because they were erased here.
    pub erased: u64,
    /// Rows whose foreign key has no target, by table.
    pub dangling: BTreeMap<String, u64>,
    /// Rows whose records say something that no column holds, as `table.field`; it was left out.
    pub not_held: BTreeMap<String, u64>,
    /// What else deserves attention, in words.
    pub notes: Vec<String>,
    /// Bytes of the file.
    pub bytes: u64,
}

/// How far a long call is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The file that is read or written.
    pub file: PathBuf,
    /// The table.
    pub table: String,
    /// Rows of the table so far.
    pub rows: u64,
}
