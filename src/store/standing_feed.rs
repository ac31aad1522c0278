//! Standing searches: which records began to match, as a feed.
//!
//! The change log is read from a watermark of its own on; each record that was written is held, as
//! it is now, against every standing search. What began to match is entered under the write that
//! was its last; what no longer matches, or is gone, is taken out again. So the entries of a search
//! are at any time the records that match it among those written since it was saved: a crash, or
//! looking at a change twice, alters nothing. Entries and watermark are written in one write.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use super::Store;
use super::commit::Shared;
use super::core::Core;
use super::read::Published;
use super::standing::{Saved, Watching, all, find};
use crate::base::error::{Error, Result};
use crate::base::id::{NodeId, Seq};
use crate::search::{Matcher, Subject};
use crate::storage::changes::{self, Operation};
use crate::storage::{KeyRange, Rows, RowsMut, TableId};
use crate::store::record_read;

/// Where the watermark lies.
const SEEN_KEY: &[u8] = b"standing_searches_seen";
/// Records that are looked at before what was found is written.
const BATCH_IDS: usize = 10_000;
/// Writes without a match after which the watermark is written all the same: they would be looked
/// at again after every opening.
const SEEN_LAG_MAX: u64 = 10_000;

/// Rows of matches in their order: (search, write, record) -> nothing.
const IN_ORDER: u8 = 0;
/// Rows of matches by record: (search, record) -> write.
const BY_RECORD: u8 = 1;

/// What an open store remembers of its standing searches.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// The last write that was looked at; locked while writes are.
    seen: Mutex<Option<Seq>>,
}

/// A record that began to match a standing search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Match {
    /// The record.
    pub id: NodeId,
    /// The write with which it began to match, as far as it was looked at in between.
    pub seq: Seq,
}

/// Part of the feed of a standing search.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Matches {
    /// The matches in the order of their writes, then of their ids.
    pub matches: Vec<Match>,
    /// Where to go on: everything up to this write was told.
    pub seq: Seq,
}

fn prefix(form: u8, search: u32) -> [u8; 5] {
    let mut key = [form; 5];
    key[1..].copy_from_slice(&search.to_be_bytes());
    key
}

fn in_order_key(search: u32, found: Match) -> Vec<u8> {
    let (seq, id) = (found.seq.0.to_be_bytes(), found.id.as_u64().to_be_bytes());
    [&prefix(IN_ORDER, search)[..], &seq, &id].concat()
}

fn by_record_key(search: u32, id: NodeId) -> Vec<u8> {
    [&prefix(BY_RECORD, search)[..], &id.as_u64().to_be_bytes()].concat()
}

fn number(bytes: &[u8]) -> Result<u64> {
    let bytes = bytes.try_into().map_err(|_| Error::corrupt("table matches", "broken number"))?;
    Ok(u64::from_be_bytes(bytes))
}

/// Takes away everything that a search has matched.
pub(super) fn forget_matches(rows: &mut impl RowsMut, search: u32) -> Result<()> {
    for form in [IN_ORDER, BY_RECORD] {
        let range = KeyRange::prefix(&prefix(form, search));
        let keys: Vec<Box<[u8]>> = rows
            .range(TableId::MATCHES, range)?
            .map(|row| row.map(|(key, _)| key))
            .collect::<Result<_>>()?;
        for key in keys {
            rows.delete(TableId::MATCHES, &key)?;
        }
    }
    Ok(())
}

/// Takes a record out of everything that matched it. Gives how often it was there.
pub(super) fn forget_record(rows: &mut impl RowsMut, id: NodeId) -> Result<u64> {
    let mut forgotten = 0;
    for (_, saved) in all(rows)? {
        let key = by_record_key(saved.number, id);
        if let Some(seq) = rows.get(TableId::MATCHES, &key)? {
            let found = Match { id, seq: Seq(number(&seq)?) };
            rows.delete(TableId::MATCHES, &in_order_key(saved.number, found))?;
            rows.delete(TableId::MATCHES, &key)?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

/// One standing search, ready to be held against records.
struct Watch {
    number: u32,
    since: Seq,
    matcher: Matcher,
}

/// What is to be written: matches that began and ended, by search.
#[derive(Default)]
struct Found {
    began: Vec<(u32, Match)>,
    ended: Vec<(u32, Match)>,
}

impl Found {
    fn write(&self, rows: &mut impl RowsMut) -> Result<()> {
        for (search, ended) in &self.ended {
            rows.delete(TableId::MATCHES, &in_order_key(*search, *ended))?;
            rows.delete(TableId::MATCHES, &by_record_key(*search, ended.id))?;
        }
        for (search, began) in &self.began {
            rows.put(TableId::MATCHES, &in_order_key(*search, *began), &[])?;
            let seq = began.seq.0.to_be_bytes();
            rows.put(TableId::MATCHES, &by_record_key(*search, began.id), &seq)?;
        }
        Ok(())
    }
}

/// Holds what was written since the watermark against the standing searches.
///
/// Writes only where something began or ceased to match. Gives the last write that was looked at.
pub(super) fn catch_up(shared: &Shared) -> Result<Seq> {
    let mut known = shared.search().standing.seen.lock().unwrap_or_else(PoisonError::into_inner);
    let published = shared.published()?;
    let stored = seen_in(&*published.rows)?;
    let watches = watches(shared, &published)?;
    let Some(since) = watches.iter().map(|watch| watch.since).min() else {
        return Ok(published.seq);
    };
    let mut seen = known.unwrap_or_default().max(stored).max(since);
    if !shared.writable() || seen >= published.seq {
        return Ok(seen.min(published.seq));
    }
    let mut written = stored;
    let mut looker = Looker { core: &shared.core, published: &published, watches: &watches };
    let mut ids: BTreeMap<NodeId, Seq> = BTreeMap::new();
    let mut result = Ok(());
    let from = looker.start(seen)?;
    changes::read_after(&*published.rows, from, &mut |change| {
        if !matches!(change.operation, Operation::Put | Operation::Delete) {
            return ControlFlow::Continue(());
        }
        for id in change.nodes() {
            ids.insert(id, change.seq);
            if ids.len() >= BATCH_IDS {
                // The write at hand is not looked at to its end.
                seen = Seq(change.seq.0 - 1).max(seen);
                let batch = std::mem::take(&mut ids);
                result =
                    looker.look(&batch).and_then(|found| keep(shared, &found, seen, &mut written));
                if result.is_err() {
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    result?;
    let found = looker.look(&ids)?;
    seen = published.seq;
    keep(shared, &found, seen, &mut written)?;
    *known = Some(seen);
    Ok(seen)
}

fn seen_in(rows: &impl Rows) -> Result<Seq> {
    let value = rows.get(TableId::META, SEEN_KEY)?;
    value.map_or(Ok(Seq(0)), |value| number(&value).map(Seq))
}

/// Stores that writes were looked at, before the log of them is trimmed. They were: by
/// [`catch_up`], which stores that only now and then.
pub(super) fn note_seen(rows: &mut impl RowsMut, seen: Seq) -> Result<()> {
    let is_standing = |(_, saved): &(_, Saved)| saved.search.watch == Watching::On;
    if !all(rows)?.iter().any(is_standing) || seen_in(rows)? >= seen {
        return Ok(());
    }
    rows.put(TableId::META, SEEN_KEY, &seen.0.to_be_bytes())
}

/// The last write that was held against the standing searches, and how many there are.
pub(super) fn watermark(shared: &Shared, published: &Published) -> Result<(Seq, usize)> {
    let saved = all(&*published.rows)?.into_iter();
    let standing = saved.filter(|(_, saved)| saved.search.watch == Watching::On);
    let since: Vec<Seq> = standing.map(|(_, saved)| saved.since).collect();
    let stored = seen_in(&*published.rows)?.max(since.iter().min().copied().unwrap_or_default());
    // Held while writes are looked at: whoever only asks does not wait for that.
    let known = shared.search().standing.seen.try_lock().ok().and_then(|seen| *seen);
    Ok((known.unwrap_or_default().max(stored).min(published.seq), since.len()))
}

fn watches(shared: &Shared, published: &Published) -> Result<Vec<Watch>> {
    let saved = all(&*published.rows)?.into_iter();
    let standing = saved.filter(|(_, saved)| saved.search.watch == Watching::On);
    let watches = standing.map(|(_, saved)| {
        let matcher = shared.search().matcher(&saved.search.text, &saved.search.options)?;
        Ok(Watch { number: saved.number, since: saved.since, matcher })
    });
    watches.collect()
}

/// Writes what was found together with the watermark, if there is a reason to write.
fn keep(shared: &Shared, found: &Found, seen: Seq, written: &mut Seq) -> Result<()> {
    let lags = seen.0.saturating_sub(written.0) >= SEEN_LAG_MAX;
    if found.began.is_empty() && found.ended.is_empty() && !lags {
        return Ok(());
    }
    shared.write(|tx| {
        // A search that was forgotten meanwhile must not leave rows behind.
        let saved = all(tx.rows())?;
        let is_there = |search: u32| saved.iter().any(|(_, saved)| saved.number == search);
        let still = |rows: &[(u32, Match)]| -> Vec<(u32, Match)> {
            rows.iter().filter(|(search, _)| is_there(*search)).copied().collect()
        };
        let found = Found { began: still(&found.began), ended: still(&found.ended) };
        found.write(&mut tx.writer.rows)?;
        tx.writer.rows.put(TableId::META, SEEN_KEY, &seen.0.to_be_bytes())
    })?;
    *written = seen;
    Ok(())
}

/// Looks at records of one published state.
struct Looker<'a> {
    core: &'a Core,
    published: &'a Published,
    watches: &'a [Watch],
}

impl Looker<'_> {
    /// Where the log has to be read from. A log that was trimmed beyond the watermark does not say
    /// what has changed, and is an error.
    fn start(&self, seen: Seq) -> Result<Seq> {
        match changes::oldest(&*self.published.rows)? {
            Some(oldest) if seen.0.saturating_add(1) < oldest.0 => {
                Err(Error::Trimmed { oldest: oldest.0 })
            }
            _ => Ok(seen),
        }
    }

    /// What began and ceased to match among these records, each with its last change.
    fn look(&mut self, ids: &BTreeMap<NodeId, Seq>) -> Result<Found> {
        let mut found = Found::default();
        for (id, seq) in ids {
            let mut matched = vec![false; self.watches.len()];
            if let Some(value) = record_read::raw(&*self.published.rows, *id)?
                && let Some(record_type) = self.core.kinds.record_type(id.kind())
            {
                (record_type.describe)(&value, &mut |facts| {
                    let subject = Subject::new(*id, facts);
                    for (watch, matched) in self.watches.iter().zip(&mut matched) {
                        *matched = watch.since < *seq && watch.matcher.matches(&subject);
                    }
                    Ok(())
                })?;
            }
            for (watch, matches) in self.watches.iter().zip(matched) {
                let key = by_record_key(watch.number, *id);
                let entered = self.published.rows.get(TableId::MATCHES, &key)?;
                match entered {
                    None if matches => {
                        found.began.push((watch.number, Match { id: *id, seq: *seq }));
                    }
                    Some(value) if !matches => {
                        let seq = Seq(number(&value)?);
                        found.ended.push((watch.number, Match { id: *id, seq }));
                    }
                    _ => {}
                }
            }
        }
        Ok(found)
    }
}

impl Store {
    /// The records that began to match a standing search with a write after `after`: up to `limit`
    /// of them, but those of one write together. Looks at what was written before the call first.
    ///
    /// A record that no longer matches is no longer told of; one that matches again is told of
    /// again. Only writes after the one that saved the search count.
    ///
    /// # Errors
    /// [`Error::NotFound`] when no search is saved under that name; [`Error::Invalid`] when it is
    /// not a standing one; [`Error::Conflict`] inside a write: what was found has to be written.
    pub fn matches(&self, search: &str, after: Seq, limit: usize) -> Result<Matches> {
        if self.shared().is_writing() {
            return Err(Error::conflict(
                "matches",
                "they are read inside a write of the same store",
            ));
        }
        let seen = catch_up(self.shared())?;
        let published = self.shared().published()?;
        let rows = &*published.rows;
        let saved = find(rows, search)?;
        let saved = saved.ok_or_else(|| Error::not_found("saved search", search))?;
        if saved.search.watch == Watching::Off {
            let reason = format!("{search:?} is saved, but not as a standing search");
            return Err(Error::invalid("search", reason));
        }
        let mut found = Matches { matches: Vec::new(), seq: seen.max(after) };
        let last = Match { id: NodeId::from_u64(u64::MAX), seq: after };
        let range = KeyRange::prefix(&prefix(IN_ORDER, saved.number));
        for row in rows.range(TableId::MATCHES, range.after(&in_order_key(saved.number, last)))? {
            let (key, _) = row?;
            let Some((seq, id)) = key.get(5..13).zip(key.get(13..)) else {
                return Err(Error::corrupt("table matches", "broken key"));
            };
            let next = Match { id: NodeId::from_u64(number(id)?), seq: Seq(number(seq)?) };
            if next.seq > seen {
                break;
            }
            let full = found.matches.len() >= limit;
            if let Some(last) = found.matches.last().filter(|_| full)
                && last.seq != next.seq
            {
                found.seq = last.seq;
                break;
            }
            found.matches.push(next);
        }
        Ok(found)
    }
}
