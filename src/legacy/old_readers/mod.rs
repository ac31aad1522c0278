//! What the families write, exported to be loaded, as the old application's own statements read it.
//!
//! Tests only. The old readers compare queue times as text with `datetime('now')`, decode JSON
//! that Python wrote, and refuse words outside their lists.

mod code_index;
mod documents;
mod graph;
mod memories;
mod provenance;
mod quality;
mod report;
mod settings;
mod vectors;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::{ExportOptions, ExportReport, ExportedFile, Fate, ImportOptions, Mode, export, import};
use crate::base::error::Result;
use crate::base::json::Json;
use crate::base::time::{ManualClock, Timestamp};
use crate::store::{Store, WriteTx};

/// 2026-02-14 08:18:02 UTC, to the second: where forms with a fraction drop it.
const NOW: i64 = 1_771_057_082_000_000;

fn json(text: &str) -> Json {
    Json::from_text(text).unwrap()
}

/// The rows of a statement, cells joined as SQLite would show them.
fn rows(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).unwrap();
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        let cells = (0..columns).map(|column| {
            Ok(match row.get::<_, Value>(column)? {
                Value::Null => "NULL".to_owned(),
                Value::Integer(number) => number.to_string(),
                Value::Real(number) => format!("{number:?}"),
                Value::Text(text) => text,
                Value::Blob(bytes) => format!("{} bytes", bytes.len()),
            })
        });
        Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
    };
    statement.query_map([], row).unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

#[track_caller]
fn check(db: &Connection, sql: &str, expected: &[&str]) {
    assert_eq!(rows(db, sql), expected, "{sql}");
}

/// A store whose clock stands still.
fn store_in(folder: &Path) -> Store {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(NOW)));
    Store::builder().clock(clock).create(folder.join("store")).unwrap()
}

/// Databases that a store was exported to.
struct Exported {
    folder: PathBuf,
    report: ExportReport,
}

impl Exported {
    fn of(store: &Store, folder: &Path) -> Self {
        let options = ExportOptions::new().mode(Mode::Loadable);
        let folder = folder.join("out");
        let report = export(store, &folder, &options, &mut |_| {}).unwrap();
        Self { folder, report }
    }

    #[track_caller]
    fn file(&self, kind: &str) -> &ExportedFile {
        self.report.files.iter().find(|one| one.kind == kind).unwrap()
    }

    /// The database of a kind, from which nothing was left out and in which nothing is amiss.
    #[track_caller]
    fn db(&self, kind: &str) -> Connection {
        let file = self.file(kind);
        assert!(file.dangling.is_empty(), "{:?}", file.dangling);
        let odd = |note: &&String| note.starts_with("NULL") || note.contains("would stop");
        assert_eq!(file.notes.iter().filter(odd).collect::<Vec<_>>(), Vec::<&String>::new());
        let mut name = file.path.file_name().unwrap().to_owned();
        name.push(".quarantine.jsonl");
        assert!(!self.folder.join(name).exists(), "all can be loaded");
        Connection::open(&file.path).unwrap()
    }

    /// The kinds of the databases, in order.
    fn kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<&str> = self.report.files.iter().map(|file| &*file.kind).collect();
        kinds.sort_unstable();
        kinds
    }

    /// A new store that the database of a kind was imported into.
    #[track_caller]
    fn back(&self, kind: &str) -> Store {
        let store = Store::create(self.folder.join(format!("back-{kind}"))).unwrap();
        let paths = [self.file(kind).path.clone()];
        let report = import(&store, &paths, &ImportOptions::new(), &mut |_| {}).unwrap();
        assert_eq!(report.files[0].fate, Fate::Imported, "{:?}", report.files[0]);
        assert!(report.files[0].misfits.is_empty(), "{:?}", report.files[0].misfits);
        store
    }
}

/// What a store that `fill` wrote to is exported to. Every record goes somewhere.
#[track_caller]
fn exported(folder: &Path, fill: fn(&mut WriteTx<'_>) -> Result<()>) -> Exported {
    let store = store_in(folder);
    store.write(fill).unwrap();
    let out = Exported::of(&store, folder);
    assert!(out.report.left_out.is_empty(), "{:?}", out.report.left_out);
    out
}
