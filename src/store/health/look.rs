//! Collects what a health report says, without judging it.

use std::collections::BTreeMap;

use super::{BackupNote, CacheHealth, Check, Health, HealthOptions, SizeHealth, Sizes, Status};
use super::{ViewHealth, ViewLag, WriteHealth};
use crate::base::error::Result;
use crate::base::id::{Kind, Seq};
use crate::base::time::Timestamp;
use crate::base::trace::category::STORE;
use crate::storage::snapshot::Snapshot;
use crate::storage::{TableId, changes, place};
use crate::store::commit::Shared;
use crate::store::entry::kind_name;
use crate::store::read::Published;
use crate::store::readers::age;
use crate::store::{standing_feed, stats};

/// Looks at an open store. Fails only when it is closed.
pub(crate) fn look(shared: &Shared, options: &HealthOptions) -> Result<Health> {
    let core = &shared.core;
    let now = core.clock.now();
    // Before this call holds a state itself.
    let (readers, poison) = shared.look(now);
    let published = shared.published()?;
    let mut health =
        Health { time: now, writable: shared.writable(), readers, ..Health::default() };
    if let Some(reason) = poison {
        let message = format!("a commit failed, the store must be opened again: {reason}");
        health.reason(Status::Failing, Check::Poisoned, message);
    }
    health.sizes = sizes(shared, &published, options, &mut health);
    let records = records(shared, &published.rows);
    health.records = health.read("records", records);
    health.records_total = health.records.values().sum();
    health.cache = CacheHealth {
        page_bytes_max: shared.page_cache_bytes(),
        graph: stats::graph_stats(&published),
        vectors: core.vectors.stats(),
    };
    let newest = changes::newest(&*published.rows);
    let newest = health.read("the change log", newest);
    health.writes = WriteHealth {
        seq: published.seq,
        last_commit: newest.map(|(_, time)| time),
        latencies: stats::latencies(shared),
    };
    health.errors = shared.errors.counts();
    health.views = views(shared, &published, &mut health);
    health.last_backup = last_backup(shared);
    Ok(health)
}

fn sizes(
    shared: &Shared,
    published: &Published,
    options: &HealthOptions,
    health: &mut Health,
) -> SizeHealth {
    let directory = &shared.core.directory;
    let data_bytes = place::bytes_on_disk(&place::data_file(directory));
    let of_test = shared.core.disk.as_ref().and_then(|disk| disk.space());
    let disk = match of_test.map_or_else(|| place::disk_space(directory), Ok) {
        Ok(found) => Some(found),
        Err(error) => {
            tracing::debug!(target: STORE, %error, "the disk does not say what is free");
            None
        }
    };
    let live_bytes = match options.sizes {
        Sizes::Counted => Some(health.read("tables", live_bytes(&published.rows))),
        Sizes::Skipped => None,
    };
    SizeHealth {
        data_bytes,
        live_bytes,
        dead_bytes: live_bytes.map(|live| data_bytes.saturating_sub(live)),
        search_bytes: place::bytes_on_disk(&directory.join(place::SEARCH_DIRECTORY)),
        disk_free_bytes: options.disk_free_bytes.or(disk.map(|(free, _)| free)),
        disk_total_bytes: disk.map(|(_, total)| total),
    }
}

/// Bytes of the pages that the tables of a state use.
fn live_bytes(rows: &Snapshot) -> Result<u64> {
    let mut bytes = 0;
    for table in TableId::all() {
        let size = rows.size(table)?;
        bytes += size.stored_bytes + size.overhead_bytes;
    }
    Ok(bytes)
}

fn records(shared: &Shared, rows: &Snapshot) -> Result<BTreeMap<String, u64>> {
    let mut records = BTreeMap::new();
    for kind in (0..=u8::MAX).map(Kind) {
        let count = rows.count(TableId::records(kind))?;
        if count > 0 {
            records.insert(kind_name(&shared.core, kind), count);
        }
    }
    Ok(records)
}

fn views(shared: &Shared, published: &Published, health: &mut Health) -> ViewHealth {
    let now = health.time;
    let lag = |watermark: Option<Seq>| lag(published, watermark, now);
    let search = lag(shared.search().watermark());
    let graph = lag(published.live.as_ref().map(|live| live.seq()));
    let vectors = shared.core.vectors.stats();
    let vectors = lag(vectors.iter().map(|vectors| vectors.seq).min());
    let standing = standing_feed::watermark(shared, published);
    let (seen, count) = health.read("saved searches", standing);
    let standing = lag((count > 0).then_some(seen));
    let search_rebuilding = shared.search().is_rebuilding();
    ViewHealth { search, search_rebuilding, graph, standing, vectors }
}

fn lag(published: &Published, watermark: Option<Seq>, now: Timestamp) -> ViewLag {
    let Some(seen) = watermark else { return ViewLag::default() };
    let behind = published.seq.0.saturating_sub(seen.0);
    let first = (behind > 0).then(|| changes::time_of(&*published.rows, Seq(seen.0 + 1)));
    // A trimmed log no longer says when.
    let behind_for = first.and_then(Result::ok).map(|time| age(time, now));
    ViewLag { watermark, behind, behind_for }
}

/// What the note says; one that cannot be read says nothing.
fn last_backup(shared: &Shared) -> Option<BackupNote> {
    serde_json::from_str(&place::backup_note(&shared.core.directory)?).ok()
}
