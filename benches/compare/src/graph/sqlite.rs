//! SQLite: an edge table with an index for each direction, and recursive queries.

use std::path::Path;

use rusqlite::{Connection, params};

use super::{Stored, Walk, Whole, key};
use crate::Outcome;
use crate::measure::bytes_below;
use crate::rmat::Rmat;

const SCHEMA: &str = "
    CREATE TABLE nodes (id INTEGER PRIMARY KEY, number INTEGER NOT NULL);
    CREATE TABLE edges (id INTEGER PRIMARY KEY, source INTEGER NOT NULL, target INTEGER NOT NULL,
        kind INTEGER NOT NULL, weight REAL NOT NULL);";
/// Made after the rows, which is faster.
const INDEXES: &str = "
    CREATE INDEX edges_out ON edges (source, kind, target);
    CREATE INDEX edges_in ON edges (target, kind, source);";

/// The visited set is the union's; a node is in it once a depth.
const REACH: &str = "
    WITH RECURSIVE walk (node, depth) AS (
        VALUES (?1, 0) UNION
        SELECT target, depth + 1 FROM walk JOIN edges ON source = node WHERE depth < ?2)
    SELECT DISTINCT node FROM walk WHERE depth > 0 AND node != ?1";
const REACH_KIND: &str = "
    WITH RECURSIVE walk (node, depth) AS (
        VALUES (?1, 0) UNION
        SELECT target, depth + 1 FROM walk JOIN edges ON source = node AND kind = ?3
        WHERE depth < ?2)
    SELECT DISTINCT node FROM walk WHERE depth > 0 AND node != ?1";
/// Rows come in the order of depth, and the query ends with the first that fits.
const HOPS: &str = "
    WITH RECURSIVE walk (node, depth) AS (
        VALUES (?1, 0) UNION
        SELECT target, depth + 1 FROM walk JOIN edges ON source = node)
    SELECT depth FROM walk WHERE node = ?2 LIMIT 1";

pub struct Sqlite(Connection);

fn connect(folder: &Path) -> Outcome<Connection> {
    let connection = Connection::open(folder.join("graph.db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;",
    )?;
    Ok(connection)
}

impl Stored for Sqlite {
    fn load(folder: &Path, graph: &Rmat) -> Outcome<Self> {
        let connection = connect(folder)?;
        connection.execute_batch("BEGIN")?;
        connection.execute_batch(SCHEMA)?;
        {
            let mut nodes = connection.prepare("INSERT INTO nodes VALUES (?1, ?2)")?;
            for node in 0..graph.nodes {
                nodes.execute(params![key(node) as i64, node])?;
            }
            let sql = "INSERT INTO edges VALUES (?1, ?2, ?3, ?4, ?5)";
            let mut edges = connection.prepare(sql)?;
            for (id, edge) in (1_i64..).zip(&graph.edges) {
                let (source, target) = (key(edge.source) as i64, key(edge.target) as i64);
                edges.execute(params![id, source, target, edge.kind, edge.weight])?;
            }
        }
        connection.execute_batch(INDEXES)?;
        connection.execute_batch("COMMIT")?;
        Ok(Self(connection))
    }

    fn close(self) -> Outcome {
        self.0.close().map_err(|(_, error)| error.into())
    }

    fn compact(folder: &Path) -> Outcome<u64> {
        let connection = connect(folder)?;
        connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?;
        Self(connection).close()?;
        bytes_below(folder)
    }

    fn open(folder: &Path) -> Outcome<Self> {
        Ok(Self(connect(folder)?))
    }
}

impl Walk for Sqlite {
    fn reach(&mut self, from: u32, hops: usize, kind: Option<u8>, into: &mut Vec<u64>) -> Outcome {
        let (from, hops) = (key(from) as i64, hops as i64);
        let mut statement = self.0.prepare_cached(kind.map_or(REACH, |_| REACH_KIND))?;
        let mut rows = match kind {
            Some(kind) => statement.query(params![from, hops, kind])?,
            None => statement.query(params![from, hops])?,
        };
        while let Some(row) = rows.next()? {
            into.push(row.get::<_, i64>(0)? as u64);
        }
        Ok(())
    }

    fn hops(&mut self, (from, to): (u32, u32)) -> Outcome<u64> {
        let mut statement = self.0.prepare_cached(HOPS)?;
        let hops = statement
            .query_row(params![key(from) as i64, key(to) as i64], |row| row.get::<_, i64>(0))?;
        Ok(hops as u64)
    }
}

impl Whole for Sqlite {
    fn build(folder: &Path, _graph: &Rmat) -> Outcome<Self> {
        Self::open(folder)
    }
}
