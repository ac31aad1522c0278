//! Proof that the search index holds what the records say, and nothing else.

use std::path::PathBuf;

use serde::Serialize;

use super::feed::is_searchable;
use crate::base::error::Result;
use crate::base::id::{NodeId, Seq};
use crate::storage::tables::record_key_from;
use crate::storage::{KeyRange, Rows as _, TableId};
use crate::store::Store;

/// Records that a report names one by one; more are only counted.
const NAMED_MAX: usize = 100;

/// Attempts to find the index at the write that is compared, while others write.
const ATTEMPTS: usize = 8;

/// What [`Store::check_search`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SearchReport {
    /// The write up to which the index was compared; `None` when there is no usable index, which is
    /// no problem: it is built when it is needed.
    pub watermark: Option<Seq>,
    /// Records that can be searched.
    pub records: u64,
    /// Files whose checksum is wrong.
    pub damaged_files: Vec<PathBuf>,
    /// The first records of which the index says something else than they do: not there, there more
    /// than once, or other words.
    pub differing: Vec<NodeId>,
    /// How many more there are.
    pub more_differing: u64,
}

impl SearchReport {
    /// Whether the index agrees with the records.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.damaged_files.is_empty() && self.differing.is_empty()
    }

    fn add(&mut self, id: NodeId) {
        if self.differing.len() < NAMED_MAX {
            self.differing.push(id);
        } else {
            self.more_differing += 1;
        }
    }
}

impl Store {
    /// Compares the search index, brought up to date, with every record: its words and their
    /// places, keywords, attributes, times and numbers. Reads both once, at 48 bytes a record.
    ///
    /// # Errors
    /// [`Error::Engine`](crate::Error::Engine) when the index cannot be read or written.
    pub fn check_search(&self) -> Result<SearchReport> {
        let shared = self.shared();
        let search = shared.search();
        let mut published = shared.published()?;
        for _ in 0..ATTEMPTS {
            if shared.writable() {
                search.catch_up(&shared.core, &published, || shared.durable_seq())?;
            }
            if search.watermark() == Some(published.seq) {
                break;
            }
            // Somebody has written meanwhile, and brought the index further.
            published = shared.published()?;
        }
        let indexer = search.indexer();
        let mut report = SearchReport { watermark: indexer.watermark(), ..SearchReport::default() };
        if report.watermark != Some(published.seq) {
            return Ok(report);
        }
        report.damaged_files = indexer.verify()?;
        let mut found = indexer.fingerprints()?;
        for (kind, _) in shared.core.kinds.iter() {
            let Some(record_type) = shared.core.kinds.record_type(kind) else { continue };
            for row in published.rows.range(TableId::records(kind), KeyRange::all())? {
                let (key, value) = row?;
                let id = NodeId::from_parts(kind, record_key_from(&key));
                (record_type.describe)(&value, &mut |facts| {
                    if is_searchable(facts) {
                        report.records += 1;
                        if found.remove(&id) != Some((indexer.fingerprint(id, facts), 1)) {
                            report.add(id);
                        }
                    }
                    Ok(())
                })?;
            }
        }
        for id in found.into_keys() {
            report.add(id);
        }
        Ok(report)
    }
}
