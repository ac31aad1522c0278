//! Forgetting the past: the oldest entries of the change log, and the earlier values that only they
//! lead to.
//!
//! Two steps. The first moves the limit, in one write: from then on nothing reads a state from
//! before it, whatever is still there. The second sweeps up what lies behind the limit, in as many
//! writes as it takes; one that was interrupted goes on where it was.
//!
//! An entry names every record and edge that its write changed, so the keys of the earlier values
//! follow from it: a sweep reads what it takes away and little else, however long the history is.
//!
//! A digest goes over every row of the log that was swept, each in its turn, so that whoever has an
//! older copy can prove that the log was trimmed and not altered.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::changes::{self, Change, Operation};
use super::rows::{KeyRange, Rows, RowsMut};
use super::tables::TableId;
use super::vectors;
use crate::base::digest::{Digest, Hasher};
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId, Seq};
use crate::base::time::Timestamp;

const LIMIT_KEY: &[u8] = b"changes/limit";
const ANCHOR_KEY: &[u8] = b"changes/anchor";
/// Rows of other writes that are passed one by one before a seek, which costs as much as some
/// twenty of them.
const PASSED_MAX: u32 = 16;

/// From where on the past is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// The newest write whose entry does not count any more. The state that it left can be read.
    pub(crate) seq: Seq,
    /// When it was accepted.
    pub(crate) time: Timestamp,
}

impl Limit {
    /// Reads it; `None` where nothing was ever trimmed.
    pub(crate) fn load(rows: &(impl Rows + ?Sized)) -> Result<Option<Self>> {
        let Some(value) = rows.get(TableId::META, LIMIT_KEY)? else { return Ok(None) };
        let bad = || Error::corrupt("table meta", "limit of the change log");
        let (seq, time) = value.split_first_chunk::<8>().ok_or_else(bad)?;
        let time: [u8; 8] = time.try_into().map_err(|_| bad())?;
        Ok(Some(Self {
            seq: Seq(u64::from_be_bytes(*seq)),
            time: Timestamp::from_micros(i64::from_be_bytes(time)),
        }))
    }

    pub(crate) fn put(self, rows: &mut impl RowsMut) -> Result<()> {
        let value = [self.seq.0.to_be_bytes(), self.time.as_micros().to_be_bytes()].concat();
        rows.put(TableId::META, LIMIT_KEY, &value)
    }
}

/// What the log began with: its last row that was swept, and the digest of all up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) seq: Seq,
    pub(crate) part: u32,
    pub(crate) digest: Digest,
}

impl Default for Anchor {
    /// That of a log that still has all its rows.
    fn default() -> Self {
        Self { seq: Seq(0), part: 0, digest: Digest::from_bytes([0; 32]) }
    }
}

impl Anchor {
    /// Reads it.
    pub(crate) fn load(rows: &(impl Rows + ?Sized)) -> Result<Self> {
        let Some(value) = rows.get(TableId::META, ANCHOR_KEY)? else { return Ok(Self::default()) };
        let bad = || Error::corrupt("table meta", "anchor of the change log");
        let (key, digest) = value.split_first_chunk::<12>().ok_or_else(bad)?;
        let (seq, part) = changes::split_key(key)?;
        let digest = Digest::from_bytes(digest.try_into().map_err(|_| bad())?);
        Ok(Self { seq, part, digest })
    }

    pub(crate) fn put(&self, rows: &mut impl RowsMut) -> Result<()> {
        let key = changes::part_key(self.seq, self.part);
        rows.put(TableId::META, ANCHOR_KEY, &[&key[..], self.digest.as_bytes()].concat())
    }

    /// Whether a row of the log may follow it.
    pub(crate) fn is_before(&self, seq: Seq, part: u32) -> bool {
        let goes_on = seq == self.seq && part == self.part.saturating_add(1);
        goes_on || seq.0 == self.seq.0.saturating_add(1) && part == 0
    }

    /// The anchor behind one more row.
    fn with(&self, (seq, part): (Seq, u32), key: &[u8], value: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.add(self.digest.as_bytes()).add(key).add(value);
        Self { seq, part, digest: hasher.digest() }
    }

    /// The rows of the log behind it, up to those of a write.
    fn rows_to(&self, until: Seq) -> KeyRange {
        let end = changes::part_key(until, u32::MAX);
        let all = KeyRange::all().up_to(&end);
        if *self == Self::default() {
            return all;
        }
        all.after(&changes::part_key(self.seq, self.part))
    }
}

/// The digest of the log up to a write: what the anchor of a log says that was swept up to there.
/// `None` where the log no longer has what it takes.
pub(crate) fn digest_to(rows: &impl Rows, until: Seq) -> Result<Option<Digest>> {
    let mut anchor = Anchor::load(rows)?;
    if until < anchor.seq {
        return Ok(None);
    }
    for row in rows.range(TableId::CHANGES, anchor.rows_to(until))? {
        let (key, value) = row?;
        anchor = anchor.with(changes::split_key(&key)?, &key, &value);
    }
    Ok(Some(anchor.digest))
}

/// How much was swept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    pub(crate) writes: u64,
    pub(crate) versions: u64,
    pub(crate) edges: u64,
    pub(crate) vectors: u64,
}

/// A row to take away.
pub(crate) type Doomed = (TableId, Box<[u8]>);

/// Goes over what lies behind the limit, a batch at a time.
pub(crate) struct Sweep {
    until: Seq,
    pub(crate) anchor: Anchor,
    pub(crate) swept: Swept,
    /// Where the batch before ended inside a row of the log.
    within: Option<Within>,
    /// Keys that were taken for the write at hand: it may name a record more than once.
    taken: HashSet<Box<[u8]>>,
}

/// A place inside a row of the log: its run, the table that is looked at for it, the next id.
#[derive(Clone, Copy, Debug)]
struct Within {
    run: usize,
    table: usize,
    id: u64,
}

impl Sweep {
    /// Sweeps the entries up to a write.
    pub(crate) fn new(rows: &impl Rows, until: Seq) -> Result<Self> {
        let anchor = Anchor::load(rows)?;
        let (swept, taken) = (Swept::default(), HashSet::new());
        Ok(Self { until, anchor, swept, within: None, taken })
    }

    /// Hands the next rows to `take`, about `most` of them, and says whether there may be more. The
    /// anchor goes with them: both have to be written at once, before the next batch.
    pub(crate) fn batch(
        &mut self,
        rows: &impl Rows,
        most: usize,
        take: &mut dyn FnMut(Doomed),
    ) -> Result<bool> {
        let mut count = 0;
        let mut take = |doomed| {
            count += 1;
            take(doomed);
            count < most
        };
        self.taken.clear();
        for row in rows.range(TableId::CHANGES, self.anchor.rows_to(self.until))? {
            let (key, value) = row?;
            let place = changes::split_key(&key)?;
            if place.1 == 0 {
                self.taken.clear();
            }
            let runs = changes::runs_of(place, &value)?;
            let start = self.within.take();
            let skipped = start.map_or(0, |within| within.run);
            for (number, run) in runs.iter().enumerate().skip(skipped) {
                let start = start.filter(|within| within.run == number);
                if let Some((table, id)) = self.run(rows, run, start, &mut take)? {
                    self.within = Some(Within { run: number, table, id });
                    return Ok(true);
                }
            }
            self.anchor = self.anchor.with(place, &key, &value);
            self.swept.writes += u64::from(place.1 == 0);
            if !take((TableId::CHANGES, key)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What a run of an entry left of earlier values. Where `take` had enough: the table and the id
    /// at which to go on.
    fn run(
        &mut self,
        rows: &impl Rows,
        run: &Change,
        start: Option<Within>,
        take: &mut dyn FnMut(Doomed) -> bool,
    ) -> Result<Option<(usize, u64)>> {
        const HISTORY: (TableId, &[u8]) = (TableId::HISTORY, &[]);
        const VECTORS: (TableId, &[u8]) = (TableId::VECTORS, vectors::PAST_PREFIX);
        let tables: &[_] = match run.operation {
            Operation::Put | Operation::Unlink => &[HISTORY],
            Operation::Delete => &[HISTORY, VECTORS],
            Operation::Link | Operation::Embed => return Ok(None),
        };
        let Some(last) = run.last() else { return Ok(None) };
        let (first, skipped) = start.map_or((run.first(), 0), |at| (at.id, at.table));
        for (number, (table, prefix)) in tables.iter().enumerate().skip(skipped) {
            let from = if number == skipped { first } else { run.first() };
            let ids = (from, last);
            let mut take_one = |key: Box<[u8]>, id: u64| {
                if !self.taken.insert(key.clone()) {
                    return true;
                }
                match (*table, NodeId::from_u64(id).kind()) {
                    (TableId::VECTORS, _) => self.swept.vectors += 1,
                    (_, Kind(0)) => self.swept.edges += 1,
                    _ => self.swept.versions += 1,
                }
                take((*table, key))
            };
            if let Some(id) = left_by(rows, (*table, prefix), ids, run.seq, &mut take_one)? {
                return Ok(Some((number, id)));
            }
        }
        Ok(None)
    }
}

/// Hands the rows of a table whose keys begin with a prefix, an id within `ids` and a write to
/// `take`, until that has enough; gives the id of the last one then.
///
/// Passes the rows that other writes left, with a seek where they are many, so the cost is in the
/// ids that have rows.
fn left_by(
    rows: &impl Rows,
    (table, prefix): (TableId, &[u8]),
    (first, last): (u64, u64),
    seq: Seq,
    take: &mut dyn FnMut(Box<[u8]>, u64) -> bool,
) -> Result<Option<u64>> {
    let key_of = |id: u64| [prefix, &id.to_be_bytes(), &seq.0.to_be_bytes()].concat();
    let end = [&key_of(last)[..], &[0xff; 8]].concat();
    let mut from = first;
    'seek: while from <= last {
        let range = KeyRange::all().starting_at(&key_of(from)).up_to(&end);
        let mut passed = 0;
        for row in rows.range(table, range)? {
            let (key, _) = row?;
            let place = || format!("table {}", table.name());
            let bad = || Error::corrupt(place(), "key of an earlier value");
            let rest = key.get(prefix.len()..).ok_or_else(bad)?;
            let (id, rest) = rest.split_first_chunk::<8>().ok_or_else(bad)?;
            let write = rest.first_chunk::<8>().ok_or_else(bad)?;
            let id = u64::from_be_bytes(*id);
            let order = u64::from_be_bytes(*write).cmp(&seq.0);
            if order == Ordering::Equal {
                passed = 0;
                if !take(key, id) {
                    return Ok(Some(id));
                }
                continue;
            }
            passed += 1;
            if passed > PASSED_MAX {
                let next = if order == Ordering::Less { Some(id) } else { id.checked_add(1) };
                let Some(next) = next else { return Ok(None) };
                from = next;
                continue 'seek;
            }
        }
        return Ok(None);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::changes::Gathered;
    use crate::storage::index::history_key;
    use crate::storage::testing::MemoryRows;

    fn node(key: u64) -> NodeId {
        NodeId::new(Kind(200), key).unwrap()
    }

    /// A log of five writes with all that they left.
    fn log() -> MemoryRows {
        let mut rows = MemoryRows::default();
        let mut write = |seq: u64, runs: &[(Operation, u64, u64)]| {
            let mut gathered = Gathered::default();
            for (operation, first, count) in runs {
                gathered.push_run(*operation, *first, *count);
            }
            gathered.write(&mut rows, Seq(seq), Timestamp::from_micros(seq as i64)).unwrap();
        };
        let at = |key| node(key).as_u64();
        write(1, &[(Operation::Put, at(1), 1_000), (Operation::Link, 1, 5)]);
        write(2, &[(Operation::Put, at(10), 20)]);
        let again = (Operation::Delete, at(15), 1);
        write(3, &[again, (Operation::Put, at(15), 1), again, (Operation::Unlink, 3, 1)]);
        write(4, &[(Operation::Delete, at(12), 4), (Operation::Embed, at(20), 3)]);
        write(5, &[(Operation::Put, at(10), 20)]);
        let earlier = [(2, 10..30), (3, 15..16), (4, 12..16), (5, 10..12), (5, 16..30)];
        for (seq, keys) in earlier {
            for key in keys {
                rows.put(TableId::HISTORY, &history_key(node(key), Seq(seq)), &[1]).unwrap();
            }
        }
        let edge = history_key(NodeId::from_u64(3), Seq(3));
        rows.put(TableId::HISTORY, &edge, &[2]).unwrap();
        for model in [1, 2] {
            vectors::keep(&mut rows, (model, node(13)), Seq(4), &[0; 4]).unwrap();
        }
        rows
    }

    /// Sweeps in batches of `most` rows, and says how much.
    fn sweep(rows: &mut MemoryRows, until: u64, most: usize) -> Swept {
        let mut sweep = Sweep::new(rows, Seq(until)).unwrap();
        loop {
            let mut doomed = Vec::new();
            let more = sweep.batch(rows, most, &mut |row| doomed.push(row)).unwrap();
            assert!(doomed.len() <= most);
            assert!(!doomed.is_empty() || !more, "every batch gets on");
            for (table, key) in doomed {
                assert!(rows.get(table, &key).unwrap().is_some(), "each row goes once");
                rows.delete(table, &key).unwrap();
            }
            sweep.anchor.put(rows).unwrap();
            if !more {
                return sweep.swept;
            }
        }
    }

    #[test]
    fn what_a_trimmed_write_left_goes_and_nothing_else() {
        for most in [1, 2, 3, 7, 1_000] {
            let mut rows = log();
            let swept = sweep(&mut rows, 3, most);
            assert_eq!(swept, Swept { writes: 3, versions: 21, edges: 1, vectors: 0 });
            assert_eq!(changes::oldest(&rows).unwrap(), Some(Seq(4)));
            let newer = rows.range(TableId::HISTORY, KeyRange::all()).unwrap();
            assert_eq!(newer.count(), 20);
            let swept = sweep(&mut rows, 4, most);
            assert_eq!(swept, Swept { writes: 1, versions: 4, edges: 0, vectors: 2 });
            assert_eq!(rows.table(TableId::VECTORS).len(), 0);
            let newer = rows.range(TableId::HISTORY, KeyRange::all()).unwrap();
            assert_eq!(newer.count(), 16);
        }
    }

    #[test]
    fn rows_of_many_other_writes_are_passed() {
        let mut rows = MemoryRows::default();
        let many = u64::from(PASSED_MAX) * 3;
        for seq in 1..=many {
            let mut gathered = Gathered::default();
            gathered.push_run(Operation::Put, node(1).as_u64(), 5);
            gathered.write(&mut rows, Seq(seq), Timestamp::from_micros(seq as i64)).unwrap();
            for key in [1, 2, 5] {
                rows.put(TableId::HISTORY, &history_key(node(key), Seq(seq)), &[1]).unwrap();
            }
        }
        // Not yet swept in between, so that rows of older writes lie in the way too.
        let mut sweep = Sweep::new(&rows, Seq(many - 1)).unwrap();
        let mut doomed = HashSet::new();
        let more = sweep.batch(&rows, usize::MAX, &mut |row| assert!(doomed.insert(row)));
        assert!(!more.unwrap());
        let expected = Swept { writes: many - 1, versions: 3 * (many - 1), ..Swept::default() };
        assert_eq!((sweep.swept, doomed.len() as u64), (expected, 4 * (many - 1)));
    }

    #[test]
    fn a_sweep_that_was_interrupted_goes_on_where_it_was() {
        let mut rows = log();
        let mut first = Sweep::new(&rows, Seq(3)).unwrap();
        let mut doomed = Vec::new();
        assert!(first.batch(&rows, 12, &mut |row| doomed.push(row)).unwrap());
        for (table, key) in doomed {
            rows.delete(table, &key).unwrap();
        }
        first.anchor.put(&mut rows).unwrap();
        let rest = sweep(&mut rows, 3, 5);
        assert_eq!(first.swept.versions + rest.versions, 21);
        assert_eq!(rest.edges, 1);
        assert_eq!(changes::oldest(&rows).unwrap(), Some(Seq(4)));
    }

    #[test]
    fn the_digest_is_that_of_an_untrimmed_copy_however_it_was_swept() {
        let whole = log();
        for (until, most) in [(1, 1), (3, 4), (4, 1_000)] {
            let mut rows = log();
            sweep(&mut rows, 1, most);
            sweep(&mut rows, until, most);
            let anchor = Anchor::load(&rows).unwrap();
            assert_eq!((anchor.seq, anchor.part), (Seq(until), 0));
            assert_eq!(digest_to(&whole, Seq(until)).unwrap(), Some(anchor.digest));
            assert_eq!(digest_to(&rows, Seq(until)).unwrap(), Some(anchor.digest));
            assert_eq!(digest_to(&rows, Seq(5)).unwrap(), digest_to(&whole, Seq(5)).unwrap());
            assert_eq!(digest_to(&rows, Seq(until - 1)).unwrap(), None);
        }
        let mut altered = log();
        altered.put(TableId::CHANGES, &changes::part_key(Seq(2), 0), &[4]).unwrap();
        assert_ne!(digest_to(&altered, Seq(3)).unwrap(), digest_to(&whole, Seq(3)).unwrap());
    }

    #[test]
    fn limit_and_anchor_are_read_as_written_and_other_bytes_are_errors() {
        let mut rows = MemoryRows::default();
        assert_eq!(Limit::load(&rows).unwrap(), None);
        assert_eq!(Anchor::load(&rows).unwrap(), Anchor::default());
        let limit = Limit { seq: Seq(7), time: Timestamp::from_micros(-9) };
        limit.put(&mut rows).unwrap();
        assert_eq!(Limit::load(&rows).unwrap(), Some(limit));
        let anchor = Anchor { seq: Seq(7), part: 2, digest: Digest::of(b"x") };
        anchor.put(&mut rows).unwrap();
        assert_eq!(Anchor::load(&rows).unwrap(), anchor);
        assert!(anchor.is_before(Seq(7), 3) && anchor.is_before(Seq(8), 0));
        assert!(!anchor.is_before(Seq(8), 1) && !anchor.is_before(Seq(9), 0));
        for key in [LIMIT_KEY, ANCHOR_KEY] {
            rows.put(TableId::META, key, &[0; 15]).unwrap();
        }
        assert!(matches!(Limit::load(&rows), Err(Error::Corrupt { .. })));
        assert!(matches!(Anchor::load(&rows), Err(Error::Corrupt { .. })));
    }
}
