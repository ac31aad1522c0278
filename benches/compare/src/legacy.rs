//! Suite `legacy`: the old application's databases in and out, each call in a process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use engraph::legacy::{ExportOptions, Fate, ImportOptions, export, import, sample};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use crate::child::say;
use crate::{Failure, Outcome};

/// The systems of this suite.
pub const SYSTEMS: &[&str] = &["engraph", "sqlite"];

/// Rows that the sample writer makes for a thousand documents, in all tables but those of the
/// full-text index.
const ROWS_A_THOUSAND_DOCUMENTS: u64 = 19_632;
/// Rows of the file by default.
const ROWS: u64 = 1_000_000;

/// Runs the suite for a system.
pub fn run(system: &str, folder: &Path, size: u64) -> Outcome {
    let (source, rows) = database(folder, size)?;
    match system {
        "engraph" => {
            ours(folder, &source, rows)?;
            // Whether memory grows with the file is asked at the size that the limits are for.
            if size == ROWS { peak_of_four(folder, size) } else { Ok(()) }
        }
        "sqlite" => sqlite(folder, &source, rows),
        other => Err(format!("no system {other} in this suite").into()),
    }
}

/// A database of about `size` rows, and how many it has.
fn database(folder: &Path, size: u64) -> Outcome<(PathBuf, u64)> {
    let documents = u32::try_from((size * 1_000).div_ceil(ROWS_A_THOUSAND_DOCUMENTS))?;
    let mut files = sample::write(folder, documents)?;
    let source = files.swap_remove(0);
    for other in files {
        std::fs::remove_file(other)?;
    }
    let rows = rows_of(&source)?;
    Ok((source, rows))
}

/// The peak of memory at four times the rows.
fn peak_of_four(folder: &Path, size: u64) -> Outcome {
    let folder = folder.join("four");
    std::fs::create_dir(&folder)?;
    let (source, rows) = database(&folder, 4 * size)?;
    let store = folder.join("store");
    engraph::Store::create(&store)?.close()?;
    let (_, peak) = timed(&["import", &text(&store)?, &text(&source)?])?;
    match peak {
        Some(peak) => say("peak_memory_4m", peak as f64 / 1e6, rows, None),
        None => Ok(()),
    }
}

fn tables_of(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table'
        AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '%_fts%'";
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

fn rows_of(source: &Path) -> Outcome<u64> {
    let connection = Connection::open_with_flags(source, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut rows = 0;
    for table in tables_of(&connection)? {
        let sql = format!("SELECT count(*) FROM \"{table}\"");
        rows += connection.query_row(&sql, [], |row| row.get::<_, i64>(0))?.cast_unsigned();
    }
    Ok(rows)
}

/// One step in a process of its own, with the peak of its resident memory in bytes where the system
/// tells.
fn timed(arguments: &[&str]) -> Outcome<(f64, Option<u64>)> {
    let start = Instant::now();
    let mut child = Command::new(std::env::current_exe()?).arg("step").args(arguments).spawn()?;
    let mut peak = None;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        if let Some(found) = status.ok().as_deref().and_then(high_water) {
            peak = peak.max(Some(found));
        }
        if let Some(status) = child.try_wait()? {
            if !status.success() {
                return Err(format!("{arguments:?} ended with {status}").into());
            }
            return Ok((start.elapsed().as_secs_f64(), peak));
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

fn ours(folder: &Path, source: &Path, rows: u64) -> Outcome {
    let (store, out) = (folder.join("store"), folder.join("out"));
    engraph::Store::create(&store)?.close()?;
    let (seconds, peak) = timed(&["import", &text(&store)?, &text(source)?])?;
    say("import", rows as f64 / seconds, rows, None)?;
    if let Some(peak) = peak {
        say("peak_memory", peak as f64 / 1e6, rows, None)?;
    }
    let (seconds, _) = timed(&["import", &text(&store)?, &text(source)?])?;
    say("reimport_unchanged", seconds * 1e3, rows, None)?;
    let (seconds, _) = timed(&["export", &text(&store)?, &text(&out)?])?;
    say("export", rows as f64 / seconds, rows, None)?;
    timed(&["compact", &text(&store)?, &text(&store)?])?;
    let data = std::fs::metadata(store.join("data.redb"))?.len();
    let original = std::fs::metadata(source)?.len();
    say("size_ratio", data as f64 / original as f64, rows, None)?;
    let start = Instant::now();
    let opened = engraph::Store::open(&store)?;
    opened.search("document").run()?;
    say("searchable_s", start.elapsed().as_secs_f64(), rows, None)?;
    opened.close()?;
    Ok(())
}

fn text(path: &Path) -> Outcome<String> {
    Ok(path.to_str().ok_or("a path is no text")?.to_owned())
}

/// One step in a process of its own; used by the program itself.
pub fn step(what: &str, store: &Path, path: &Path) -> Outcome {
    let opened = engraph::Store::open(store)?;
    match what {
        "import" => {
            let paths = [path.to_owned()];
            let report = import(&opened, &paths, &ImportOptions::new(), &mut |_| {})?;
            if report.count(Fate::Refused) > 0 {
                return Err(format!("refused: {report:?}").into());
            }
        }
        "export" => {
            export(&opened, path, &ExportOptions::new(), &mut |_| {})?;
        }
        "compact" => {
            opened.compact()?;
        }
        other => return Err(format!("no step {other}").into()),
    }
    Ok(opened.close()?)
}

/// The same rows through prepared statements into a new database of the same schema, in one
/// transaction. The rows lie in memory already.
fn sqlite(folder: &Path, source: &Path, rows: u64) -> Outcome {
    let from = Connection::open_with_flags(source, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let to = Connection::open(folder.join("copy.db"))?;
    let schema: Vec<String> = from
        .prepare(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
             AND name NOT LIKE '%_fts_%' AND type IN ('table', 'index') ORDER BY rowid",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let start = Instant::now();
    to.execute_batch(
        "PRAGMA foreign_keys = OFF; PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL; BEGIN",
    )?;
    for sql in &schema {
        to.execute_batch(sql)?;
    }
    for table in tables_of(&from)? {
        copy_table(&from, &to, &table)?;
    }
    to.execute_batch("COMMIT")?;
    to.close().map_err(|(_, error)| Failure::from(error))?;
    let seconds = start.elapsed().as_secs_f64();
    say("import", rows as f64 / seconds, rows, None)?;
    say("export", rows as f64 / seconds, rows, None)
}

fn copy_table(from: &Connection, to: &Connection, table: &str) -> Outcome {
    let mut select = from.prepare(&format!("SELECT * FROM \"{table}\""))?;
    let columns = select.column_count();
    let places = vec!["?"; columns].join(", ");
    let mut insert = to.prepare(&format!("INSERT INTO \"{table}\" VALUES ({places})"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            match row.get_ref(column)? {
                ValueRef::Null => insert.raw_bind_parameter(column + 1, rusqlite::types::Null)?,
                ValueRef::Integer(number) => insert.raw_bind_parameter(column + 1, number)?,
                ValueRef::Real(number) => insert.raw_bind_parameter(column + 1, number)?,
                ValueRef::Text(bytes) => {
                    insert.raw_bind_parameter(column + 1, std::str::from_utf8(bytes)?)?;
                }
                ValueRef::Blob(bytes) => insert.raw_bind_parameter(column + 1, bytes)?,
            }
        }
        insert.raw_execute()?;
    }
    Ok(())
}
