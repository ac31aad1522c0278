//! SQLite's FTS5 without contents, so that the index stands alone, with Porter's stemmer, and an
//! ordinary index of the topics.

use std::path::Path;

use rusqlite::{Connection, params};

use super::{HITS, Hit, Indexed, Query, Search};
use crate::Outcome;
use crate::texts::Text;

const SCHEMA: &str = "
    CREATE TABLE texts (id INTEGER PRIMARY KEY, body TEXT NOT NULL, topic TEXT NOT NULL);
    CREATE TABLE unfound (id INTEGER PRIMARY KEY, body TEXT NOT NULL, topic TEXT NOT NULL);
    CREATE VIRTUAL TABLE found USING
        fts5 (body, content = '', contentless_delete = 1, tokenize = 'porter unicode61');";
/// What the other systems index, too: topics can be asked for, and a text can be replaced.
const INDEX: &str = "
    BEGIN;
    INSERT INTO found (rowid, body) SELECT id, body FROM texts ORDER BY id;
    CREATE INDEX texts_topic ON texts (topic);
    COMMIT;";
const FIND: &str = "
    SELECT rowid, -rank FROM found WHERE found MATCH ?1 ORDER BY rank LIMIT ?2";
const FIND_TOPIC: &str = "
    SELECT found.rowid, -rank FROM found JOIN texts ON texts.id = found.rowid
    WHERE found MATCH ?1 AND topic = ?3 ORDER BY rank LIMIT ?2";

pub struct Sqlite(Connection);

impl Search for Sqlite {
    fn create(folder: &Path, texts: &[Text], threads: usize) -> Outcome<Option<Self>> {
        if threads > 1 {
            return Ok(None);
        }
        let mut connection = Connection::open(folder.join("texts.db"))?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;",
        )?;
        connection.execute_batch(SCHEMA)?;
        let transaction = connection.transaction()?;
        for text in texts {
            transaction
                .prepare_cached("INSERT INTO texts (body, topic) VALUES (?1, ?2)")?
                .execute(params![text.body, text.topic])?;
        }
        transaction.commit()?;
        Ok(Some(Self(connection)))
    }

    fn index(&mut self, _texts: &[Text]) -> Outcome {
        Ok(self.0.execute_batch(INDEX)?)
    }

    fn disk(&self) -> Outcome<u64> {
        let sql = "
            SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'found%' OR name = 'texts_topic'";
        Ok(self.0.query_row(sql, [], |row| row.get::<_, i64>(0))? as u64)
    }

    fn find(&mut self, query: Query<'_>) -> Outcome<Option<Vec<Hit>>> {
        let (text, topic) = match query {
            Query::Any(words) => (words.join(" OR "), None),
            Query::All(words) => (words.join(" AND "), None),
            Query::Phrase(words) => (format!("\"{}\"", words.join(" ")), None),
            Query::Prefix(start) => (format!("{start}*"), None),
            Query::Misspelt(_) => return Ok(None),
            Query::Filtered(words, topic) => (words.join(" OR "), Some(topic)),
        };
        let sql = topic.map_or(FIND, |_| FIND_TOPIC);
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = match topic {
            Some(topic) => statement.query(params![text, HITS as i64, topic])?,
            None => statement.query(params![text, HITS as i64])?,
        };
        let mut hits = Vec::with_capacity(HITS);
        while let Some(row) = rows.next()? {
            hits.push((row.get::<_, i64>(0)? as u64, row.get::<_, f64>(1)? as f32));
        }
        Ok(Some(hits))
    }

    fn put(&mut self, text: &Text, indexed: Indexed) -> Outcome<bool> {
        let transaction = self.0.transaction()?;
        let table = if indexed == Indexed::Yes { "texts" } else { "unfound" };
        transaction
            .prepare_cached(&format!("INSERT INTO {table} (body, topic) VALUES (?1, ?2)"))?
            .execute(params![text.body, text.topic])?;
        if indexed == Indexed::Yes {
            let id = transaction.last_insert_rowid();
            transaction
                .prepare_cached("INSERT INTO found (rowid, body) VALUES (?1, ?2)")?
                .execute(params![id, text.body])?;
        }
        transaction.commit()?;
        Ok(true)
    }

    /// What is committed is found.
    fn refresh(&mut self) -> Outcome {
        Ok(())
    }

    fn segments(&mut self) -> Outcome<Option<u64>> {
        Ok(None)
    }

    fn close(self) -> Outcome {
        self.0.close().map_err(|(_, error)| error.into())
    }
}
