//! Trimming: how much of the past is kept, and forgetting the rest.
//!
//! Whoever follows the change log comes first: the search index and the standing searches are
//! brought up before it is shortened, so that neither has to be made anew. Then one write moves the
//! limit, from which moment nothing reads what lies behind it, and small writes sweep that up, so
//! that other writers hardly wait.

use std::time::Duration;

use serde::Serialize;

use super::Store;
use super::commit::{Shared, lock};
use super::read::Published;
use super::{standing_feed, versions};
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::base::time::Timestamp;
use crate::base::trace::category::STORE;
use crate::storage::trim::{Anchor, Doomed, Limit, Sweep, Swept, digest_to};
use crate::storage::{Rows, RowsMut as _, TableId, changes, place};

/// Rows that one write takes away, for ten to twenty milliseconds.
const BATCH_ROWS: usize = 2_000;
/// Writes for which upkeep trims at once.
const WRITES_MIN: u64 = 1_000;
/// The share of its age by which the past must be too old before upkeep trims fewer writes.
const AGE_PARTS: u32 = 32;
const RETENTION_KEY: &[u8] = b"retention";

/// How long a store keeps its past: the change log and the earlier values of records. Given to
/// [`Options::retention`](crate::Options::retention); a store remembers it.
///
/// ```
/// use engraph::{Retention, Store};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::builder().retention(Retention::days(90)).create(dir.path().join("s"))?;
/// assert_eq!(store.retention()?, Retention::days(90));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Retention(Option<Duration>);

impl Retention {
    /// Everything, for ever: nothing is trimmed unless [`Store::trim`] is called. The default.
    pub const fn forever() -> Self {
        Self(None)
    }

    /// What is younger than that. An open store looks once an hour, when it is idle, and trims when
    /// a thousand writes, or a thirtieth of that age, are too old.
    pub const fn of(age: Duration) -> Self {
        Self(Some(age))
    }

    /// What is younger than so many days of 24 hours.
    pub const fn days(days: u32) -> Self {
        Self::of(Duration::from_secs(days as u64 * 86_400))
    }

    /// How long; `None` is for ever.
    #[must_use]
    pub const fn age(self) -> Option<Duration> {
        self.0
    }

    pub(super) fn load(rows: &impl Rows) -> Result<Self> {
        let Some(value) = rows.get(TableId::META, RETENTION_KEY)? else { return Ok(Self(None)) };
        if value.is_empty() {
            return Ok(Self(None));
        }
        let bytes = <[u8; 8]>::try_from(&*value);
        let bytes = bytes.map_err(|_| Error::corrupt("table meta", "retention"))?;
        Ok(Self(Some(Duration::from_micros(u64::from_be_bytes(bytes)))))
    }

    /// The row that remembers it.
    pub(super) fn row(self) -> (&'static [u8], Vec<u8>) {
        let micros = |age: Duration| u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
        let value = self.0.map(|age| micros(age).to_be_bytes().to_vec());
        (RETENTION_KEY, value.unwrap_or_default())
    }
}

/// Which part of the past is to be forgotten. Given to [`Store::trim`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Trim(To);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Age(Duration),
    Time(Timestamp),
    Seq(Seq),
}

impl Trim {
    /// States that the store was in longer ago than that, by its clock.
    pub const fn older_than(age: Duration) -> Self {
        Self(To::Age(age))
    }

    /// States from before that time. The one at that time can still be read.
    pub const fn before(time: Timestamp) -> Self {
        Self(To::Time(time))
    }

    /// States from before that write. The one that it left can still be read, and is then the
    /// oldest one.
    pub const fn before_write(seq: Seq) -> Self {
        Self(To::Seq(seq))
    }
}

/// What [`Store::trim`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Trimmed {
    /// The oldest state that can be read: what this write left. 0 is that of the empty store.
    pub readable_from: Seq,
    /// Entries of the change log that went.
    pub writes: u64,
    /// Earlier values of records that went.
    pub versions: u64,
    /// Removed edges that were remembered.
    pub edges: u64,
    /// Vectors that were remembered of deleted records.
    pub vectors: u64,
}

impl Trimmed {
    fn new(readable_from: Seq, swept: Swept) -> Self {
        let Swept { writes, versions, edges, vectors } = swept;
        Self { readable_from, writes, versions, edges, vectors }
    }
}

impl Store {
    /// Forgets a part of the past: entries of the change log, and with them the earlier values of
    /// records, the edges that were removed and the vectors of deleted records. What the store
    /// holds now stays as it is, and so does the audit chain. From then on reads of an earlier
    /// state fail with [`Error::Trimmed`], as do an undo and a change feed that go back that far.
    ///
    /// Takes effect at once and as a whole; the rows are taken away in many small writes after
    /// that, and by the next call or upkeep if the process ends meanwhile. The cost is in what
    /// goes. The data file does not shrink: its pages are used again, and [`Store::compact`] gives
    /// them back.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use engraph::{Store, Trim};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::create(dir.path().join("s"))?;
    /// let trimmed = store.trim(&Trim::older_than(Duration::from_secs(90 * 86_400)))?;
    /// assert_eq!(trimmed.writes, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for a write that is not there yet; [`Error::ReadOnly`],
    /// [`Error::Closed`]; [`Error::Conflict`] inside a write; [`Error::Corrupt`] when the change
    /// log is damaged: states from before the limit are gone then, and the rows from there on stay.
    pub fn trim(&self, trim: &Trim) -> Result<Trimmed> {
        trim_to(self.shared(), *trim, &|| true)
    }

    /// What [`Store::trim`] would do. Changes nothing.
    ///
    /// # Errors
    /// As [`Store::trim`].
    pub fn trim_preview(&self, trim: &Trim) -> Result<Trimmed> {
        let published = self.shared().published()?;
        let rows = &*published.rows;
        let limit = limit_of(self.shared(), &published, *trim)?;
        let mut sweep = Sweep::new(rows, limit.seq)?;
        sweep.batch(rows, usize::MAX, &mut |_| ())?;
        Ok(Trimmed::new(limit.seq, sweep.swept))
    }

    /// How long the store keeps its past.
    ///
    /// # Errors
    /// [`Error::Closed`] after [`Store::close`].
    pub fn retention(&self) -> Result<Retention> {
        Retention::load(&*self.shared().published()?.rows)
    }

    /// Says how long the store keeps its past, from now on and for whoever opens it.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn set_retention(&self, retention: Retention) -> Result<()> {
        if self.retention()? == retention {
            return Ok(());
        }
        let (key, value) = retention.row();
        self.write(|tx| tx.writer.rows.put(TableId::META, key, &value))
    }

    /// A digest over the change log from its first entry up to that of a write, those that were
    /// trimmed included: 64 hexadecimal digits. An older copy of the store has the same one for
    /// the same write, if neither log was altered. Reads the log up to there.
    ///
    /// # Errors
    /// [`Error::Trimmed`] when entries behind that write were trimmed; [`Error::Invalid`] for a
    /// write that is not there yet.
    pub fn log_digest(&self, up_to: Seq) -> Result<String> {
        let published = self.shared().published()?;
        check_is_there(&published, up_to)?;
        let rows = &*published.rows;
        let oldest = || Ok(changes::oldest(rows)?.map_or(0, |oldest| oldest.0));
        match digest_to(rows, up_to)? {
            Some(digest) => Ok(digest.to_string()),
            None => Err(Error::Trimmed { oldest: oldest()? }),
        }
    }
}

fn check_is_there(published: &Published, seq: Seq) -> Result<()> {
    if seq <= published.seq {
        return Ok(());
    }
    let reason = format!("write {seq} is not there yet: the newest is {}", published.seq);
    Err(Error::invalid("write", reason))
}

/// Where the limit is when that is trimmed; where it is now if that is further.
fn limit_of(shared: &Shared, published: &Published, trim: Trim) -> Result<Limit> {
    let rows = &*published.rows;
    let none = Limit { seq: Seq(0), time: Timestamp::default() };
    let now = Limit::load(rows)?.unwrap_or(none);
    let to_time = |time: Timestamp| match versions::seq_at(published, time) {
        Err(Error::Trimmed { .. }) => Ok(now.seq),
        seq => seq,
    };
    let seq = match trim.0 {
        To::Age(age) => {
            let micros = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
            let now = shared.core.clock.now().as_micros();
            to_time(Timestamp::from_micros(now.saturating_sub(micros)))?
        }
        To::Time(time) => to_time(time)?,
        To::Seq(seq) => {
            check_is_there(published, seq)?;
            seq
        }
    };
    if seq <= now.seq {
        return Ok(now);
    }
    Ok(Limit { seq, time: changes::time_of(rows, seq)? })
}

/// Whether rows behind the limit wait to be swept.
fn is_unswept(rows: &impl Rows) -> Result<bool> {
    let Some(limit) = Limit::load(rows)? else { return Ok(false) };
    Ok(Anchor::load(rows)?.seq < limit.seq)
}

/// Trims, as long as `goes_on` says so: what is left then is behind the limit already.
fn trim_to(shared: &Shared, trim: Trim, goes_on: &dyn Fn() -> bool) -> Result<Trimmed> {
    if !shared.writable() {
        return Err(Error::ReadOnly { action: "trim".into() });
    }
    if shared.is_writing() {
        return Err(Error::conflict("trim", "a trim inside a write of the same store"));
    }
    // One at a time: the anchor follows the rows in their order.
    let _trimming = lock(&shared.trimming);
    let published = shared.published()?;
    let limit = limit_of(shared, &published, trim)?;
    let known = Limit::load(&*published.rows)?;
    if known.is_none_or(|known| known.seq < limit.seq) && limit.seq > Seq(0) {
        follow_first(shared, limit.seq)?;
        shared.write(|tx| {
            standing_feed::note_seen(&mut tx.writer.rows, limit.seq)?;
            limit.put(&mut tx.writer.rows)
        })?;
    }
    let mut sweep = Sweep::new(&*published.rows, limit.seq)?;
    drop(published);
    let mut more = true;
    while more && goes_on() {
        let mut doomed: Vec<Doomed> = Vec::new();
        more = {
            let published = shared.published()?;
            sweep.batch(&*published.rows, BATCH_ROWS, &mut |row| doomed.push(row))?
        };
        if !doomed.is_empty() {
            shared.write(|tx| {
                let rows = &mut tx.writer.rows;
                for (table, key) in &doomed {
                    rows.delete(*table, key)?;
                }
                sweep.anchor.put(rows)
            })?;
        }
    }
    let trimmed = Trimmed::new(limit.seq, sweep.swept);
    if trimmed.writes > 0 {
        tracing::info!(
            target: STORE, readable_from = limit.seq.0, writes = trimmed.writes,
            versions = trimmed.versions, "the past was trimmed"
        );
    }
    Ok(trimmed)
}

/// Brings up what follows the log, so that it does not miss what goes.
fn follow_first(shared: &Shared, limit: Seq) -> Result<()> {
    if shared.core.directory.join(place::SEARCH_DIRECTORY).exists() {
        let published = shared.published()?;
        shared.search().catch_up(&shared.core, &published, || shared.durable_seq())?;
        // An index that is behind on disk would be built anew after a crash.
        shared.search().sync()?;
    }
    let seen = standing_feed::catch_up(shared)?;
    if seen < limit {
        let reason = format!("standing searches have seen the writes up to {seen} only");
        return Err(Error::conflict("trim", reason));
    }
    Ok(())
}

/// Trims what the store's retention no longer covers, and what an earlier trim left.
pub(super) fn by_retention(shared: &Shared, goes_on: &dyn Fn() -> bool) -> Result<()> {
    let published = shared.published()?;
    let rows = &*published.rows;
    let mut trim = None;
    if let Some(age) = Retention::load(rows)?.age() {
        let too_old = Trim::older_than(age);
        let limit = limit_of(shared, &published, too_old)?;
        trim = is_worth_it(Limit::load(rows)?, limit, age).then_some(too_old);
    }
    if trim.is_none() && is_unswept(rows)? {
        trim = Some(Trim::before_write(Seq(0)));
    }
    drop(published);
    trim.map_or(Ok(()), |trim| trim_to(shared, trim, goes_on).map(drop))
}

/// Whether the limit would move far. Trimming writes entries too: without this, a store that nobody
/// writes to would for ever trim what trimming wrote.
fn is_worth_it(known: Option<Limit>, next: Limit, age: Duration) -> bool {
    let Some(known) = known else { return next.seq > Seq(0) };
    let micros = next.time.as_micros().saturating_sub(known.time.as_micros());
    let passed = Duration::from_micros(u64::try_from(micros).unwrap_or_default());
    let writes = next.seq.0.saturating_sub(known.seq.0);
    writes >= WRITES_MIN || writes > 0 && passed >= age / AGE_PARTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::NodeId;
    use crate::base::time::ManualClock;
    use crate::record::Memory;

    fn memory(content: &str) -> Memory {
        Memory { content: content.into(), ..Memory::default() }
    }

    /// A store with a memory that was written five times.
    fn store() -> (tempfile::TempDir, Store, NodeId) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create(directory.path().join("store")).unwrap();
        let id = store.write(|tx| tx.insert(&memory("1"))).unwrap();
        for content in ["2", "3", "4", "5"] {
            store.write(|tx| tx.put(id, &memory(content))).unwrap();
        }
        (directory, store, id)
    }

    fn unswept(store: &Store) -> bool {
        is_unswept(&*store.shared().published().unwrap().rows).unwrap()
    }

    #[test]
    fn what_was_not_swept_is_gone_for_readers_and_sweeping_goes_on_later() {
        let (_directory, store, id) = store();
        let limit = Trim::before_write(Seq(3));
        let trimmed = trim_to(store.shared(), limit, &|| false).unwrap();
        assert_eq!((trimmed.readable_from, trimmed.writes), (Seq(3), 0));
        assert!(unswept(&store));
        let at = |seq| store.read().unwrap().get_as_of::<Memory>(id, Seq(seq));
        assert!(matches!(at(2), Err(Error::Trimmed { oldest: 4 })));
        assert_eq!(at(3).unwrap().unwrap().content, "3");
        assert_eq!(store.verify().unwrap().problems, []);
        let preview = store.trim_preview(&Trim::before_write(Seq(0))).unwrap();
        assert_eq!((preview.readable_from, preview.writes, preview.versions), (Seq(3), 3, 2));
        // Upkeep sweeps, though the past is kept for ever.
        by_retention(store.shared(), &|| true).unwrap();
        assert!(!unswept(&store));
        let preview = store.trim_preview(&Trim::before_write(Seq(0))).unwrap();
        assert_eq!((preview.writes, preview.versions), (0, 0));
        assert_eq!(at(3).unwrap().unwrap().content, "3");
        assert_eq!(store.verify().unwrap().problems, []);
    }

    #[test]
    fn a_sweep_may_stop_inside_of_an_entry() {
        let (_directory, store, _) = store();
        let ids: Vec<NodeId> =
            store.bulk(|tx| (0..6_000).map(|_| tx.insert(&memory("x"))).collect()).unwrap();
        // No two neighbours, so that the entry has thousands of runs, and several parts.
        let every_other = || ids.iter().step_by(2);
        store.bulk(|tx| every_other().try_for_each(|id| tx.put(*id, &memory("y")))).unwrap();
        let limit = store.seq();
        let batches = std::cell::Cell::new(0);
        let is_first = || batches.replace(batches.get() + 1) == 0;
        let trimmed = trim_to(store.shared(), Trim::before_write(limit), &is_first).unwrap();
        assert!(trimmed.versions > 1_900, "{trimmed:?}");
        let anchor = Anchor::load(&*store.shared().published().unwrap().rows).unwrap();
        assert!(anchor.seq == limit && anchor.part > 0, "{anchor:?}");
        assert_eq!(store.verify().unwrap().problems, []);
        let rest = store.trim(&Trim::before_write(limit)).unwrap();
        assert_eq!(trimmed.versions + rest.versions, 3_004);
        assert_eq!(store.stats().unwrap().tables.get("history"), None);
        assert_eq!(store.verify().unwrap().problems, []);
    }

    #[test]
    fn a_store_that_keeps_its_past_is_not_written_to() {
        let (_directory, store, _) = store();
        let seq = store.seq();
        by_retention(store.shared(), &|| true).unwrap();
        store.set_retention(Retention::forever()).unwrap();
        assert_eq!(store.trim(&Trim::before_write(Seq(0))).unwrap(), Trimmed::default());
        assert_eq!(store.seq(), seq);
    }

    #[test]
    fn what_trimming_wrote_is_not_trimmed_again_and_again() {
        let directory = tempfile::tempdir().unwrap();
        let clock = std::sync::Arc::new(ManualClock::new(Timestamp::from_micros(0)));
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let hours = |hours: u64| minutes(hours * 60);
        let store = Store::builder()
            .clock(std::sync::Arc::clone(&clock))
            .retention(Retention::days(32))
            .create(directory.path().join("store"))
            .unwrap();
        let trim = || {
            let before = store.seq();
            by_retention(store.shared(), &|| true).unwrap();
            store.seq() > before
        };
        assert!(!trim(), "nothing was written");
        let id = store.write(|tx| tx.insert(&memory("1"))).unwrap();
        assert!(!trim(), "it is young");
        clock.advance(hours(40 * 24));
        assert!(trim());
        clock.advance(hours(1));
        store.write(|tx| tx.put(id, &memory("2"))).unwrap();
        assert!(!trim());
        clock.advance(minutes(32 * 24 * 60 - 1));
        assert!(trim(), "much is too old");
        clock.advance(hours(1));
        assert!(!trim(), "one write of an hour is");
        for number in 0..WRITES_MIN {
            store.write(|tx| tx.put(id, &memory(&number.to_string()))).unwrap();
        }
        clock.advance(hours(23));
        assert!(!trim());
        clock.advance(hours(31 * 24 + 2));
        assert!(trim(), "many writes are");
        assert_eq!(store.verify().unwrap().problems, []);
    }

    #[test]
    fn a_retention_is_read_as_written_and_other_bytes_are_errors() {
        let (_directory, store, _) = store();
        for retention in [Retention::days(7), Retention::of(Duration::MAX), Retention::forever()] {
            store.set_retention(retention).unwrap();
            let most = Duration::from_micros(u64::MAX);
            let kept = store.retention().unwrap().age();
            assert_eq!(kept, retention.age().map(|age| age.min(most)));
        }
        store.trim(&Trim::older_than(Duration::MAX)).unwrap();
        store.write(|tx| tx.writer.rows.put(TableId::META, RETENTION_KEY, &[1])).unwrap();
        assert!(matches!(store.retention(), Err(Error::Corrupt { .. })));
    }
}
