//! SQLite, WAL and `synchronous = FULL`: one connection for writing, one for reading.

use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use rusqlite::{Connection, Row, params};

use super::System;
use crate::Outcome;
use crate::data::Memory;

const SCHEMA: &str = "
    CREATE TABLE memories (
        id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, key TEXT NOT NULL, content TEXT NOT NULL,
        memory_type TEXT NOT NULL, importance REAL NOT NULL, created INTEGER NOT NULL,
        UNIQUE (namespace, key));
    CREATE INDEX memories_created ON memories (created);";
const INSERT: &str = "INSERT INTO memories
    (namespace, key, content, memory_type, importance, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const COLUMNS: &str = "namespace, key, content, memory_type, importance, created";

pub struct Sqlite {
    pub writer: Mutex<Connection>,
    pub reader: Mutex<Connection>,
}

fn connect(folder: &Path) -> Outcome<Connection> {
    let connection = Connection::open(folder.join("memories.db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;",
    )?;
    Ok(connection)
}

fn memory_of(row: &Row<'_>) -> rusqlite::Result<Memory> {
    Ok(Memory {
        namespace: row.get(0)?,
        key: row.get(1)?,
        content: row.get(2)?,
        memory_type: row.get(3)?,
        importance: row.get(4)?,
        created: row.get(5)?,
    })
}

fn insert(connection: &Connection, memory: &Memory) -> Outcome<u64> {
    connection.prepare_cached(INSERT)?.execute(params![
        memory.namespace,
        memory.key,
        memory.content,
        memory.memory_type,
        memory.importance,
        memory.created
    ])?;
    Ok(connection.last_insert_rowid() as u64)
}

fn locked(mutex: &Mutex<Connection>) -> Outcome<MutexGuard<'_, Connection>> {
    Ok(mutex.lock().map_err(|_| "lock")?)
}

impl System for Sqlite {
    fn create(folder: &Path) -> Outcome<Self> {
        let writer = connect(folder)?;
        writer.execute_batch(SCHEMA)?;
        Ok(Self { writer: Mutex::new(writer), reader: Mutex::new(connect(folder)?) })
    }

    fn open(folder: &Path) -> Outcome<Self> {
        Ok(Self { writer: Mutex::new(connect(folder)?), reader: Mutex::new(connect(folder)?) })
    }

    fn put(&self, memory: &Memory) -> Outcome<u64> {
        insert(&*locked(&self.writer)?, memory)
    }

    fn bulk(&self, memories: &mut dyn Iterator<Item = Memory>) -> Outcome {
        let writer = locked(&self.writer)?;
        writer.execute_batch("BEGIN")?;
        for memory in memories {
            insert(&writer, &memory)?;
        }
        writer.execute_batch("COMMIT")?;
        Ok(())
    }

    fn get(&self, id: u64) -> Outcome<Option<Memory>> {
        let reader = locked(&self.reader)?;
        let sql = format!("SELECT {COLUMNS} FROM memories WHERE id = ?1");
        let mut statement = reader.prepare_cached(&sql)?;
        let mut rows = statement.query([id as i64])?;
        Ok(rows.next()?.map(memory_of).transpose()?)
    }

    fn update(&self, id: u64) -> Outcome {
        let writer = locked(&self.writer)?;
        let sql = "UPDATE memories SET importance = importance + 1 WHERE id = ?1";
        writer.prepare_cached(sql)?.execute([id as i64])?;
        Ok(())
    }

    fn page(&self, created: i64, rows: usize, take: &mut dyn FnMut(Memory)) -> Outcome {
        let reader = locked(&self.reader)?;
        let sql = format!(
            "SELECT {COLUMNS} FROM memories WHERE created >= ?1 ORDER BY created, id LIMIT ?2"
        );
        let mut statement = reader.prepare_cached(&sql)?;
        let mut found = statement.query(params![created, rows as i64])?;
        while let Some(row) = found.next()? {
            take(memory_of(row)?);
        }
        Ok(())
    }

    fn scan(&self, take: &mut dyn FnMut(Memory)) -> Outcome {
        let reader = locked(&self.reader)?;
        let mut statement = reader.prepare(&format!("SELECT {COLUMNS} FROM memories"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            take(memory_of(row)?);
        }
        Ok(())
    }

    fn close(self) -> Outcome {
        drop(self.reader);
        self.writer.into_inner().map_err(|_| "lock")?.close().map_err(|(_, error)| error.into())
    }
}
