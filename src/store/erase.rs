//! Erasing: records for good, with all that the store holds of them elsewhere.
//!
//! Below the rules of [`Store::erase`](crate::Store::erase): whether something may be erased, and
//! the receipt of it, are the family's. The search index cannot take words out of what it has
//! written, so that one that is older than the newest erasure is built anew instead of following
//! the log; that holds after a crash too, because the mark is part of the write.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::commit::Shared;
use super::standing_feed;
use super::tx::WriteTx;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::{NodeId, Seq};
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::storage::audit::{self, Act};
use crate::storage::changes::Operation;
use crate::storage::{KeyRange, Rows, RowsMut as _, TableId, edge_past, edges, place, vectors};

/// The write that erased last.
const NEWEST_KEY: &[u8] = b"erased/newest";

/// What the audit chain holds of an edge: its ends, its type, its weight, its validity, and its
/// properties.
type LinkPayload =
    (NodeId, Option<String>, NodeId, f32, Option<Timestamp>, Option<Timestamp>, Option<Json>);

/// How much was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ErasedCounts {
    /// Records that were there.
    pub records: u64,
    /// Earlier values of them.
    pub versions: u64,
    /// Edges that were made to or from them, those that were removed before included.
    pub edges: u64,
    /// Vectors beside them, those that went with a record that was deleted before included.
    pub vectors: u64,
    /// Matches of standing searches.
    pub matches: u64,
    /// Payloads in the audit chain.
    pub payloads: u64,
    /// Imported rows.
    pub rows: u64,
    /// Cells of those that were not NULL.
    pub cells: u64,
}

/// The newest write that erased something.
pub(crate) fn newest(rows: &impl Rows) -> Result<Option<Seq>> {
    let Some(value) = rows.get(TableId::META, NEWEST_KEY)? else { return Ok(None) };
    let bytes = <[u8; 8]>::try_from(&*value);
    let bytes = bytes.map_err(|_| Error::corrupt("table meta", "newest erasure"))?;
    Ok(Some(Seq(u64::from_be_bytes(bytes))))
}

/// After something was erased: builds the search index anew, where there is one, and forgets
/// approximate indexes of vectors.
pub(crate) fn renew_search(shared: &Shared) -> Result<()> {
    shared.core.vectors.forget_near()?;
    if !shared.core.directory.join(place::SEARCH_DIRECTORY).exists() {
        return Ok(());
    }
    let published = shared.published()?;
    shared.search().catch_up(&shared.core, &published, || shared.durable_seq())
}

impl WriteTx<'_> {
    /// Erases records, whether they are still there or only remembered, and every row of the given
    /// sources. Ids of which nothing is known are an error.
    ///
    /// Reads the audit chain once, and the verbatim rows of the tables concerned.
    pub(crate) fn erase_records(
        &mut self,
        ids: &BTreeSet<NodeId>,
        sources: &BTreeSet<u32>,
    ) -> Result<ErasedCounts> {
        let mut counts = ErasedCounts::default();
        for id in ids {
            self.erase_record(*id, &mut counts)?;
        }
        counts.edges += edge_past::forget_of(&mut self.writer.rows, |end| ids.contains(&end))?;
        self.erase_edge_payloads(ids, &mut counts)?;
        self.erase_rows(ids, sources, &mut counts)?;
        let seq = self.seq().0.to_be_bytes();
        self.writer.rows.put(TableId::META, NEWEST_KEY, &seq)?;
        Ok(counts)
    }

    fn erase_record(&mut self, id: NodeId, counts: &mut ErasedCounts) -> Result<()> {
        let versions = self.history_keys(id)?.len() as u64;
        counts.vectors += vectors::forget_past(&mut self.writer.rows, id)?;
        for (model, _) in vectors::models(&self.writer.rows)? {
            let there = vectors::get(&self.writer.rows, model, id)?.is_some();
            counts.vectors += u64::from(there);
        }
        self.writer.flush_links()?;
        for edge in edges::remove_all_edges_of(&mut self.writer.rows, id)? {
            self.writer.changes.push(Operation::Unlink, edge.id.as_u64());
            self.audit_edge(Act::Unlink, &edge)?;
            counts.edges += 1;
        }
        let was_there = self.delete(id)?;
        vectors::forget_past(&mut self.writer.rows, id)?;
        for key in self.history_keys(id)? {
            self.writer.rows.delete(TableId::HISTORY, &key)?;
        }
        let places = audit::places(&self.writer.rows, Some(id.as_u64()))?;
        let places = places.collect::<Result<Vec<_>>>()?;
        if !was_there && versions == 0 && places.is_empty() && self.origin(id).is_none() {
            return Err(Error::not_found("record", id));
        }
        let places = places.into_iter().map(|(_, number, place)| (number, place)).collect();
        counts.payloads += self.erase_items(id.as_u64(), places)?;
        counts.matches += standing_feed::forget_record(&mut self.writer.rows, id)?;
        counts.records += u64::from(was_there);
        counts.versions += versions;
        Ok(())
    }

    fn history_keys(&self, id: NodeId) -> Result<Vec<Box<[u8]>>> {
        let range = KeyRange::prefix(&id.as_u64().to_be_bytes());
        self.writer.rows.range(TableId::HISTORY, range)?.map(|row| Ok(row?.0)).collect()
    }

    /// Erases items of the audit chain that are of one record or edge, and notes that in it.
    fn erase_items(&mut self, id: u64, places: Vec<(u64, u32)>) -> Result<u64> {
        if places.is_empty() {
            return Ok(0);
        }
        self.writer.audit_always(Act::Erase, id, &[])?;
        let mut erased = 0;
        for (number, place) in places {
            erased += u64::from(audit::erase(&mut self.writer.rows, number, place)?);
        }
        Ok(erased)
    }

    /// Erases what the audit chain holds of edges that had one of the records as an end, those that
    /// are long gone included: the chain does not list them by their ends.
    fn erase_edge_payloads(
        &mut self,
        ids: &BTreeSet<NodeId>,
        counts: &mut ErasedCounts,
    ) -> Result<()> {
        let mut found: BTreeMap<u64, Vec<(u64, u32)>> = BTreeMap::new();
        for row in audit::items(&self.writer.rows, None)? {
            let (number, place, item) = row?;
            let Some(item) = item.filter(|item| item.act == Act::Link) else { continue };
            let Some((_, payload)) = &item.secret else { continue };
            let (source, _, target, ..): LinkPayload = codec::decode(payload)?;
            if ids.contains(&source) || ids.contains(&target) {
                found.entry(item.id).or_default().push((number, place));
            }
        }
        for (edge, places) in found {
            counts.payloads += self.erase_items(edge, places)?;
        }
        Ok(())
    }
}
