//! Suite `transfer`: records out of a store as text and into a new one, with all their indexes,
//! durable at the end. SQLite writes and reads statements as its shell's `.dump` and `.read` do.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use engraph::transfer::{JsonlExport, JsonlImport, export_jsonl, import_jsonl};

use crate::Outcome;
use crate::child::{Task, say};
use crate::data::{digest, memory, mix};
use crate::records::{Engraph, Sqlite, System};

/// The systems of this suite.
pub const SYSTEMS: &[&str] = &["engraph", "sqlite"];

/// A store that goes out as text and comes back.
trait Text: System {
    /// Writes every record into a file, synced; how many there were.
    fn write_out(&self, file: &Path) -> Outcome<u64>;
    /// Reads them into this store, which is empty: durable.
    fn read_in(&self, file: &Path) -> Outcome;
}

impl Text for Engraph {
    fn write_out(&self, file: &Path) -> Outcome<u64> {
        let mut out = BufWriter::new(File::create(file)?);
        let report = export_jsonl(&self.0.read()?, &JsonlExport::new(), &mut out)?;
        out.into_inner()?.sync_all()?;
        Ok(report.records)
    }

    fn read_in(&self, file: &Path) -> Outcome {
        import_jsonl(&self.0, file, &JsonlImport::new())?;
        Ok(())
    }
}

impl Text for Sqlite {
    fn write_out(&self, file: &Path) -> Outcome<u64> {
        let reader = self.reader.lock().map_err(|_| "lock")?;
        let mut out = BufWriter::new(File::create(file)?);
        writeln!(out, "BEGIN TRANSACTION;")?;
        let mut tables = reader.prepare(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, rowid",
        )?;
        let mut schema = Vec::new();
        let mut rows = tables.query([])?;
        while let Some(row) = rows.next()? {
            schema.push(row.get::<_, String>(0)?);
        }
        // The table before the rows, its index behind them.
        let (table, indexes) = schema.split_first().ok_or("no table")?;
        writeln!(out, "{table};")?;
        let mut records = reader.prepare(
            "SELECT 'INSERT INTO memories VALUES(' || quote(id) || ',' || quote(namespace) || ','
                || quote(key) || ',' || quote(content) || ',' || quote(memory_type) || ','
                || quote(importance) || ',' || quote(created) || ');' FROM memories",
        )?;
        let mut rows = records.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            writeln!(out, "{}", row.get_ref(0)?.as_str()?)?;
            count += 1;
        }
        for index in indexes {
            writeln!(out, "{index};")?;
        }
        writeln!(out, "COMMIT;")?;
        out.into_inner()?.sync_all()?;
        Ok(count)
    }

    fn read_in(&self, file: &Path) -> Outcome {
        let writer = self.writer.lock().map_err(|_| "lock")?;
        writer.execute_batch("DROP TABLE memories;")?;
        // One by one, as the shell does: a batch of all would copy the rest for each.
        let mut statement = String::new();
        for line in BufReader::new(File::open(file)?).lines() {
            statement.push_str(&line?);
            if statement.ends_with(';') {
                writer.execute_batch(&statement)?;
                statement.clear();
            } else {
                statement.push('\n');
            }
        }
        Ok(())
    }
}

/// Runs the suite for a system.
pub fn run(task: &Task, size: u64) -> Outcome {
    match task.system.as_str() {
        "engraph" => suite::<Engraph>(task, size),
        "sqlite" => suite::<Sqlite>(task, size),
        _ => task.unknown_system(),
    }
}

fn suite<S: Text>(task: &Task, size: u64) -> Outcome {
    let [from, to] = ["from", "to"].map(|name| task.folder.join(name));
    fs::create_dir_all(&from)?;
    fs::create_dir_all(&to)?;
    let file = task.folder.join("records.txt");
    let store = S::create(&from)?;
    store.bulk(&mut (0..size).map(memory))?;
    let start = Instant::now();
    let count = store.write_out(&file)?;
    let seconds = start.elapsed().as_secs_f64();
    let sum = sum_of(&store)?;
    say("jsonl_export", count as f64 / seconds, count, Some(sum))?;
    store.close()?;
    let copy = S::create(&to)?;
    let start = Instant::now();
    copy.read_in(&file)?;
    let seconds = start.elapsed().as_secs_f64();
    let back = sum_of(&copy)?;
    if back != sum {
        return Err("what came back is not what went out".into());
    }
    say("jsonl_import", size as f64 / seconds, size, Some(back))?;
    copy.close()
}

/// A checksum over every record, in the order of their ids.
fn sum_of<S: System>(store: &S) -> Outcome<u64> {
    let mut sum = 0;
    store.scan(&mut |memory| {
        let number = memory.importance.to_bits() ^ memory.created.cast_unsigned();
        sum = mix(mix(sum, digest(memory.key.as_bytes())), number);
        sum = mix(sum, digest(memory.content.as_bytes()));
    })?;
    Ok(sum)
}
