//! The statements of the old application on SQLite, with `synchronous = FULL`, a connection a
//! worker and a busy timeout. The read that follows a claim asks for the worker too: without that
//! two workers can be given one job.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::Queue;
use crate::Outcome;

const SCHEMA: &str = "
    CREATE TABLE taskmaster_job_queue (
        id INTEGER PRIMARY KEY AUTOINCREMENT, mode TEXT NOT NULL, payload_json TEXT,
        status TEXT NOT NULL DEFAULT 'queued', retry_count INTEGER NOT NULL DEFAULT 0,
        max_retries INTEGER NOT NULL DEFAULT 2, last_error TEXT, worker_name TEXT,
        available_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, started_at TIMESTAMP,
        completed_at TIMESTAMP, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        updated_at TIMESTAMP);
    CREATE INDEX idx_taskmaster_queue_status_available
        ON taskmaster_job_queue (status, available_at);";
const NEXT: &str = "
    SELECT id FROM taskmaster_job_queue
    WHERE status = 'queued' AND available_at <= datetime('now') ORDER BY id LIMIT 1";
const CLAIM: &str = "
    UPDATE taskmaster_job_queue SET status = 'running', worker_name = ?1,
        started_at = datetime('now'), updated_at = datetime('now')
    WHERE id = ?2 AND status = 'queued'";
const READ: &str = "
    SELECT id, mode, payload_json, retry_count, max_retries FROM taskmaster_job_queue
    WHERE id = ?1 AND worker_name = ?2";
const COMPLETE: &str = "
    UPDATE taskmaster_job_queue SET status = 'completed', completed_at = datetime('now'),
        updated_at = datetime('now') WHERE id = ?1";

pub struct Sqlite(PathBuf);

pub struct Worker {
    connection: Connection,
    name: String,
}

fn connect(path: &Path) -> Outcome<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(60))?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    Ok(connection)
}

impl Queue for Sqlite {
    type Worker = Worker;

    fn create(folder: &Path, jobs: u64) -> Outcome<Self> {
        let path = folder.join("documents.db");
        let mut connection = connect(&path)?;
        connection.execute_batch(SCHEMA)?;
        let transaction = connection.transaction()?;
        for job in 0..jobs {
            transaction
                .prepare_cached(
                    "INSERT INTO taskmaster_job_queue (mode, payload_json) VALUES (?1, ?2)",
                )?
                .execute(params!["index", format!("{{\"path\": \"case/{job}.txt\"}}")])?;
        }
        transaction.commit()?;
        Ok(Self(path))
    }

    fn worker(&self, number: u64) -> Outcome<Worker> {
        Ok(Worker { connection: connect(&self.0)?, name: format!("worker-{number}") })
    }

    fn claim(&self, worker: &mut Worker) -> Outcome<Option<u64>> {
        loop {
            // Each on its own, as in the old application, all workers would choose the same job
            // and all but one update in vain; this is the best that these statements can do.
            let transaction =
                worker.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let next = transaction.prepare_cached(NEXT)?.query_row([], |row| row.get(0));
            let Some(id) = next.optional()? else { return Ok(None) };
            let id: i64 = id;
            let changed = transaction.prepare_cached(CLAIM)?.execute(params![worker.name, id])?;
            transaction.commit()?;
            if changed == 0 {
                continue;
            }
            let mut read = worker.connection.prepare_cached(READ)?;
            let job = read.query_row(params![id, worker.name], |row| {
                let payload: Option<String> = row.get(2)?;
                Ok((row.get::<_, i64>(0)?, payload))
            })?;
            let payload: serde_json::Value = serde_json::from_str(&job.1.unwrap_or_default())?;
            return if payload.is_object() {
                Ok(Some(job.0 as u64))
            } else {
                Err("a job has no payload".into())
            };
        }
    }

    fn complete(&self, worker: &mut Worker, job: u64) -> Outcome {
        worker.connection.prepare_cached(COMPLETE)?.execute([job as i64])?;
        Ok(())
    }

    fn completed(&self) -> Outcome<u64> {
        let sql = "SELECT count(*) FROM taskmaster_job_queue WHERE status = 'completed'";
        let count: i64 = connect(&self.0)?.query_row(sql, [], |row| row.get(0))?;
        Ok(count as u64)
    }
}
