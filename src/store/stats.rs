//! Numbers about a store, in an order that does not change.

use std::collections::BTreeMap;

use serde::Serialize;

use super::commit::Shared;
use super::entry::kind_name;
use super::migrate;
use super::read::Published;
use super::trim::Retention;
use crate::base::error::Result;
use crate::base::id::{Kind, Seq};
use crate::base::metrics::Latency;
use crate::base::time::Timestamp;
use crate::graph;
use crate::storage::snapshot::Snapshot;
use crate::storage::{TableId, changes, place};

/// What [`Store::stats`](crate::Store::stats) counted.
///
/// Two calls without a write between them say the same, but for what ends in `_on_disk`, since the
/// engine gives pages back when it likes, and `graph_cache`, which is built when it pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoreStats {
    /// The format of the data file.
    pub format: u64,
    /// The newest write.
    pub seq: Seq,
    /// When it was accepted; none in a store that was never written to.
    pub last_write_time: Option<Timestamp>,
    /// The oldest write that the change log still holds.
    pub oldest_change: Option<Seq>,
    /// How long the past is kept, in seconds; none is for ever.
    pub retention_seconds: Option<u64>,
    /// Records by the name of their type, all together, where there are any.
    pub records: BTreeMap<String, u64>,
    /// How many records there are.
    pub records_total: u64,
    /// Types that have records here and are not registered.
    pub unregistered: Vec<String>,
    /// Every table of the data file that has rows, by its name there.
    pub tables: BTreeMap<String, TableStats>,
    /// The imported databases, in the order of their numbers.
    pub sources: Vec<SourceStats>,
    /// What is held of the graph in memory just now. Comes and goes without a write.
    pub graph_cache: GraphStats,
    /// Bytes of the data file.
    pub data_bytes_on_disk: u64,
    /// Bytes of the search index.
    pub search_bytes_on_disk: u64,
}

/// The graph in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GraphStats {
    /// What traversals read now.
    pub view: GraphView,
    /// Edges in the snapshot.
    pub snapshot_edges: u64,
    /// Entries added and removed since the snapshot; an edge is one at each end.
    pub delta_entries: u64,
    /// Bytes that snapshot and delta take.
    pub memory_bytes: u64,
}

/// What traversals read. Answers are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GraphView {
    /// The blocks of the data file.
    #[default]
    Blocks,
    /// A snapshot in memory.
    Snapshot,
    /// A snapshot in memory, and over it what has changed since.
    Delta,
}

/// How long the steps of commits took since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoreLatencies {
    /// Applying a group of writes and making it durable.
    pub commit: Latency,
    /// From then on until readers see it, the graph in memory included.
    pub publish: Latency,
}

/// What one table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TableStats {
    /// Its rows.
    pub rows: u64,
    /// Bytes of their keys and values, as stored.
    pub stored_bytes: u64,
}

/// One imported database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceStats {
    /// 1 and up.
    pub number: u32,
    /// The database kind.
    pub database: String,
    /// The name given, or the file's path.
    pub name: String,
    /// The file's name.
    pub file_name: String,
    /// Its rows by table.
    pub rows: BTreeMap<String, u64>,
}

/// Counts an open store. See `Store::stats`.
pub(crate) fn stats(shared: &Shared) -> Result<StoreStats> {
    let core = &shared.core;
    let published = shared.published()?;
    let rows = &*published.rows;
    let mut records = BTreeMap::new();
    let mut unregistered = Vec::new();
    for kind in (0..=u8::MAX).map(Kind) {
        let count = rows.count(TableId::records(kind))?;
        if count == 0 {
            continue;
        }
        let name = kind_name(core, kind);
        if core.kinds.record_type(kind).is_none() {
            unregistered.push(name.clone());
        }
        records.insert(name, count);
    }
    unregistered.sort_unstable();
    let newest = changes::newest(rows)?;
    Ok(StoreStats {
        format: migrate::read(rows, &core.directory, &migrate::FORMATS)?,
        seq: newest.map_or(Seq(0), |(seq, _)| seq),
        last_write_time: newest.map(|(_, time)| time),
        oldest_change: changes::oldest(rows)?,
        retention_seconds: Retention::load(rows)?.age().map(|age| age.as_secs()),
        records_total: records.values().sum(),
        records,
        unregistered,
        tables: tables(rows)?,
        sources: sources(shared),
        graph_cache: graph_stats(&published),
        data_bytes_on_disk: place::bytes_on_disk(&place::data_file(&core.directory)),
        search_bytes_on_disk: place::bytes_on_disk(&core.directory.join(place::SEARCH_DIRECTORY)),
    })
}

/// See `Store::latencies`.
pub(crate) fn latencies(shared: &Shared) -> StoreLatencies {
    let measured = &shared.latencies;
    StoreLatencies { commit: measured.commit.summary(), publish: measured.publish.summary() }
}

/// What is held of the graph in memory.
pub(crate) fn graph_stats(published: &Published) -> GraphStats {
    let of_snapshot = |snapshot: &graph::Snapshot| GraphStats {
        view: GraphView::Snapshot,
        snapshot_edges: snapshot.edges_count() as u64,
        delta_entries: 0,
        memory_bytes: snapshot.size_bytes() as u64,
    };
    let Some(live) = &published.live else {
        let built = published.graph.get().and_then(|graph| graph.built());
        return built.map_or_else(GraphStats::default, |built| of_snapshot(built));
    };
    let delta_entries = live.delta_entries() as u64;
    let view = if delta_entries == 0 { GraphView::Snapshot } else { GraphView::Delta };
    GraphStats {
        view,
        delta_entries,
        memory_bytes: live.size_bytes() as u64,
        ..of_snapshot(live.base())
    }
}

fn tables(rows: &Snapshot) -> Result<BTreeMap<String, TableStats>> {
    let mut tables = BTreeMap::new();
    for table in TableId::all() {
        let size = rows.size(table)?;
        if size.rows > 0 {
            let stats = TableStats { rows: size.rows, stored_bytes: size.stored_bytes };
            tables.insert(table.name().into_owned(), stats);
        }
    }
    Ok(tables)
}

fn sources(shared: &Shared) -> Vec<SourceStats> {
    let sources = shared.core.sources.all();
    let stats = sources.iter().map(|source| SourceStats {
        number: source.number,
        database: source.database.clone(),
        name: source.name.clone(),
        file_name: source.file_name.clone(),
        rows: source.tables.iter().map(|table| (table.name.clone(), table.rows)).collect(),
    });
    stats.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    use crate::record::{Facts, Record};
    use crate::store::Store;

    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Stone {
        weight: u64,
    }

    impl Record for Stone {
        const NAME: &'static str = "test_stone";
        fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
            facts.index("weight", self.weight);
        }
    }

    #[test]
    fn an_untouched_store_says_the_same_twice_and_after_reopening() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let store = Store::builder().register::<Stone>().create(&path).unwrap();
        let empty = store.stats().unwrap();
        let format = migrate::FORMATS.current;
        assert_eq!((empty.format, empty.seq, empty.last_write_time), (format, Seq(0), None));
        assert_eq!((empty.records_total, empty.records.len()), (0, 0));
        for weight in 0..3 {
            store.write(|tx| tx.insert(&Stone { weight }).map(drop)).unwrap();
        }
        let first = store.stats().unwrap();
        assert_eq!(first.records, BTreeMap::from([("test_stone".into(), 3)]));
        assert_eq!(first.tables["index"].rows, 3);
        assert!(first.tables["record_128"].stored_bytes > 20);
        assert_eq!((first.seq, first.oldest_change), (Seq(3), Some(Seq(1))));
        assert!(first.unregistered.is_empty() && first.data_bytes_on_disk > 0);
        let again = store.stats().unwrap();
        assert_eq!(serde_json::to_string(&first).unwrap(), serde_json::to_string(&again).unwrap());
        store.close().unwrap();
        let mut reopened = Store::open(&path).unwrap().stats().unwrap();
        assert_eq!(reopened.unregistered, ["test_stone"]);
        reopened.unregistered.clear();
        reopened.data_bytes_on_disk = first.data_bytes_on_disk;
        assert_eq!(reopened, first);
    }
}
