//! The store as it was after an earlier write, for a search: which records have changed since, and
//! what they were.
//!
//! Types with a history keep the value from before each change, so the first change after the
//! write leads to what a record was then. What has not changed is found in the present index.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::ControlFlow;

use super::feed::is_searchable;
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId, Seq};
use crate::base::limits::PAST_CHANGES_MAX;
use crate::record::History;
use crate::search::{Filter, Indexer, Past};
use crate::storage::changes::{self, Operation};
use crate::storage::{Bytes, Rows, TableId, index};
use crate::store::commit::Shared;
use crate::store::core::Core;
use crate::store::read::Published;
use crate::store::record_read;

/// What was different after an earlier write.
pub(super) struct PastView {
    pub(super) at: Seq,
    pub(super) records: Past,
    /// The records that have changed since, each with its first change.
    changed: HashMap<NodeId, Seq>,
}

impl PastView {
    /// Looks at the log after write `at`, and indexes what its records were.
    pub(super) fn new(
        shared: &Shared,
        indexer: &Indexer,
        published: &Published,
        at: Seq,
    ) -> Result<Self> {
        if at > published.seq {
            let reason = format!("write {at} is not there yet: the newest is {}", published.seq);
            return Err(Error::invalid("as_of", reason));
        }
        let core = &shared.core;
        let rows = &*published.rows;
        let changed = changed_after(core, rows, at)?;
        let mut builder = indexer.past()?;
        for (id, first) in &changed {
            builder.replace(*id);
            let Some(value) = before(rows, *id, *first)? else { continue };
            let Some(record_type) = core.kinds.record_type(id.kind()) else { continue };
            (record_type.describe)(&value, &mut |facts| {
                if is_searchable(facts) { builder.add(*id, facts) } else { Ok(()) }
            })?;
        }
        Ok(Self { at, records: builder.finish()?, changed })
    }

    /// The value that a record had.
    pub(super) fn value(&self, rows: &impl Rows, id: NodeId) -> Result<Option<Bytes>> {
        match self.changed.get(&id) {
            Some(first) => before(rows, id, *first),
            None => record_read::raw(rows, id),
        }
    }
}

/// What a record was before a change of it; nothing where that change made it.
fn before(rows: &impl Rows, id: NodeId, change: Seq) -> Result<Option<Bytes>> {
    rows.get(TableId::HISTORY, &index::history_key(id, change))
}

/// The records with a history that have changed after a write, each with its first change.
fn changed_after(core: &Core, rows: &impl Rows, at: Seq) -> Result<HashMap<NodeId, Seq>> {
    let oldest = changes::oldest(rows)?.unwrap_or(Seq(at.0.saturating_add(1)));
    if at.0.saturating_add(1) < oldest.0 {
        return Err(Error::Trimmed { oldest: oldest.0 });
    }
    let mut changed: HashMap<NodeId, (Seq, Seq)> = HashMap::new();
    changes::read_after(rows, at, &mut |change| {
        if matches!(change.operation, Operation::Put | Operation::Delete) {
            for id in change.nodes().filter(|id| has_history(core, id.kind())) {
                changed.entry(id).or_insert((change.seq, change.seq)).1 = change.seq;
            }
        }
        ControlFlow::Continue(())
    })?;
    if changed.len() > PAST_CHANGES_MAX {
        let mut last: Vec<Reverse<Seq>> =
            changed.values().map(|(_, last)| Reverse(*last)).collect();
        last.sort_unstable();
        let Reverse(from) = last[PAST_CHANGES_MAX];
        let reason = format!(
            "{} records have changed since write {at}; a search goes back over {PAST_CHANGES_MAX} \
             changed records, which is to write {from}",
            changed.len(),
        );
        return Err(Error::invalid("as_of", reason));
    }
    Ok(changed.into_iter().map(|(id, (first, _))| (id, first)).collect())
}

fn has_history(core: &Core, kind: Kind) -> bool {
    core.kinds.record_type(kind).is_some_and(|known| known.history != History::None)
}

/// The condition that a record is of a type that keeps what it was.
pub(super) fn kinds_with_history(core: &Core, asked: &[Kind]) -> Result<Filter> {
    if let Some(kind) = asked.iter().find(|kind| !has_history(core, **kind)) {
        let name = core.kinds.name(*kind).map_or_else(|| kind.0.to_string(), ToString::to_string);
        let reason =
            format!("{name} records keep no history, so what they were cannot be searched");
        return Err(Error::invalid("as_of", reason));
    }
    let kinds = core.kinds.iter().map(|(kind, _)| kind);
    Ok(Filter::Kinds(kinds.filter(|kind| has_history(core, *kind)).collect()))
}
