//! Who still reads an earlier state: such a reader keeps its pages from being used again.
//!
//! Reading costs nothing for this: a state is remembered, weakly, when a newer one takes its place.
//! Readers of the newest state keep nothing, so when they began is not known.

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::Serialize;

use super::read::Published;
use crate::base::id::Seq;
use crate::base::metrics::as_seconds_if_any;
use crate::base::time::Timestamp;
use crate::storage::snapshot::Snapshot;

/// Who reads the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReaderHealth {
    /// Read transactions, graphs and calls under way that keep a state.
    pub open: u64,
    /// Earlier states that somebody still reads. Their pages cannot be used again.
    pub old_states: u64,
    /// The oldest of them.
    pub oldest_seq: Option<Seq>,
    /// How long ago a newer state took the place of that one: no more than the age of its reader.
    #[serde(rename = "oldest_age_seconds", serialize_with = "as_seconds_if_any")]
    pub oldest_age: Option<Duration>,
}

/// The earlier states of an open store that somebody may still read, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    past: Vec<Past>,
}

#[derive(Debug)]
struct Past {
    published: Weak<Published>,
    /// Graphs hold the rows alone.
    rows: Weak<Snapshot>,
    seq: Seq,
    replaced: Timestamp,
}

impl Past {
    fn is_read(&self) -> bool {
        self.rows.strong_count() > 0
    }
}

impl Readers {
    /// Notes that a newer state has taken the place of this one.
    pub(crate) fn replaced(&mut self, old: &Arc<Published>, now: Timestamp) {
        self.past.retain(Past::is_read);
        self.past.push(Past {
            published: Arc::downgrade(old),
            rows: Arc::downgrade(&old.rows),
            seq: old.seq,
            replaced: now,
        });
    }

    /// Who reads now, `newest` included.
    pub(crate) fn look(&mut self, newest: &Arc<Published>, now: Timestamp) -> ReaderHealth {
        self.past.retain(Past::is_read);
        let of_past = |past: &Past| past.published.strong_count().max(1) as u64;
        let of_newest = Arc::strong_count(newest) as u64 - 1;
        let oldest = self.past.first();
        ReaderHealth {
            open: of_newest + self.past.iter().map(of_past).sum::<u64>(),
            old_states: self.past.len() as u64,
            oldest_seq: oldest.map(|past| past.seq),
            oldest_age: oldest.map(|past| age(past.replaced, now)),
        }
    }
}

/// How long ago a time was; nothing for one that is still to come.
pub(crate) fn age(time: Timestamp, now: Timestamp) -> Duration {
    let micros = now.as_micros().saturating_sub(time.as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
