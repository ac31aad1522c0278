//! Forgetting policies: what may go by age, use and number, and why.
//!
//! A policy is a value. Nothing is forgotten until somebody applies one; pins and legal holds win.
//! Forgotten memories are deleted as by hand: the history keeps them, and `undo` brings them back.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::hold::{Held, InForce};
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::{NodeId, Seq};
use crate::base::time::Timestamp;
use crate::family::{Reader, named, share};
use crate::record::{Memory, MemoryType};
use crate::storage::{KeyRange, Rows as _, RowsMut as _, TableId};
use crate::store::{ReadTx, Store, WriteTx};

/// Memories that one write forgets.
const BATCH: usize = 1_000;
/// Before the namespaces of stored policies.
const STORED_PREFIX: &[u8] = b"forget_policy/";
/// What a memory weighs that says nothing of its importance.
const IMPORTANCE_DEFAULT: f64 = 0.5;
/// Days after which an unread memory weighs half, unless said otherwise.
const HALF_LIFE_DAYS: f64 = 30.0;
const DAY: Duration = Duration::from_secs(86_400);

/// How long memories of a type are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Retention {
    /// All types where there is none.
    memory_type: Option<MemoryType>,
    days: u32,
}

/// Which memories may be forgotten. One that any rule names goes, unless it is pinned or held.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use engraph::family::ForgetPolicy;
/// use engraph::record::Memory;
/// use engraph::{ManualClock, Store, Timestamp};
///
/// # let dir = tempfile::tempdir()?;
/// let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000_000_000_000)));
/// let store = Store::builder().clock(Arc::clone(&clock)).create(dir.path().join("s"))?;
/// store.write(|tx| {
///     let expires_at = Some(tx.now().saturating_add(Duration::from_secs(60)));
///     tx.insert(&Memory { expires_at, ..Memory::default() })?;
///     tx.insert(&Memory { expires_at, pinned: true, ..Memory::default() })
/// })?;
/// clock.advance(Duration::from_secs(61));
/// let policy = ForgetPolicy::new().expired();
/// let plan = store.plan_forgetting(&policy)?;
/// assert_eq!((plan.going.len(), plan.kept.len()), (1, 1));
/// assert_eq!(store.forget(&policy, "anna")?.forgotten.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForgetPolicy {
    namespace: Option<String>,
    expired: bool,
    records_max: Option<u64>,
    weight_min: Option<f64>,
    half_life_days: f64,
    retention: Vec<Retention>,
}

impl Default for ForgetPolicy {
    fn default() -> Self {
        Self {
            namespace: None,
            expired: false,
            records_max: None,
            weight_min: None,
            half_life_days: HALF_LIFE_DAYS,
            retention: Vec::new(),
        }
    }
}

impl ForgetPolicy {
    /// A policy for all namespaces by which nothing goes yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at one namespace only.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Memories go whose time to live is over.
    #[must_use]
    pub fn expired(mut self) -> Self {
        self.expired = true;
        self
    }

    /// Of each namespace at most so many stay: those of the greatest weight, of equal ones the
    /// newest. Pinned and held ones count, and stay.
    #[must_use]
    pub fn records_max(mut self, records: u64) -> Self {
        self.records_max = Some(records);
        self
    }

    /// Memories go whose weight is below this, 0 to 1. The weight is the importance (one half where
    /// none is said) halved with every half-life since the memory was last read, or else changed:
    /// `importance * 2 ^ (-age / half_life)`.
    #[must_use]
    pub fn weight_min(mut self, weight: f64) -> Self {
        self.weight_min = Some(weight);
        self
    }

    /// Sets the half-life of the weight in days, 30 unless said otherwise.
    #[must_use]
    pub fn half_life_days(mut self, days: f64) -> Self {
        self.half_life_days = days;
        self
    }

    /// Memories of a type go that were made more than so many days ago; of every type where none is
    /// given. What is said of a type goes before what is said of all.
    #[must_use]
    pub fn keep_days(mut self, memory_type: Option<MemoryType>, days: u32) -> Self {
        self.retention.retain(|rule| rule.memory_type != memory_type);
        self.retention.push(Retention { memory_type, days });
        self
    }

    fn check(&self) -> Result<()> {
        share("weight", self.weight_min)?;
        if !(self.half_life_days.is_finite() && self.half_life_days > 0.0) {
            let reason = format!("{} days are no time", self.half_life_days);
            return Err(Error::invalid("half-life", reason));
        }
        Ok(())
    }

    /// Days that memories of a type are kept.
    fn days_of(&self, memory_type: &MemoryType) -> Option<u32> {
        let of = |wanted: Option<&MemoryType>| {
            let mut rules = self.retention.iter();
            rules.find(|rule| rule.memory_type.as_ref() == wanted).map(|rule| rule.days)
        };
        of(Some(memory_type)).or_else(|| of(None))
    }

    /// What a memory weighs.
    fn weight(&self, memory: &Memory, now: Timestamp) -> f64 {
        let importance = memory.importance_score.unwrap_or(IMPORTANCE_DEFAULT);
        let used = memory.last_accessed_at.or(memory.updated_at).or(memory.created_at);
        let age = used.map_or(0, |used| now.as_micros().saturating_sub(used.as_micros()));
        #[expect(clippy::cast_precision_loss, reason = "a part of a second does not matter")]
        let days = age.max(0) as f64 / (DAY.as_micros() as f64);
        importance * (-days / self.half_life_days).exp2()
    }

    /// Why a memory goes by itself, whatever others there are.
    fn cause(&self, memory: &Memory, now: Timestamp) -> Option<(ForgetCause, String)> {
        if let Some(expires_at) = memory.expires_at.filter(|at| self.expired && *at <= now) {
            return Some((ForgetCause::Expired, format!("it expired at {expires_at}")));
        }
        let days = self.days_of(&memory.memory_type);
        if let (Some(days), Some(created_at)) = (days, memory.created_at)
            && created_at.saturating_add(DAY.saturating_mul(days)) < now
        {
            let why = format!("made at {created_at}, {} is kept {days} days", memory.memory_type);
            return Some((ForgetCause::TooOld, why));
        }
        let (min, weight) = (self.weight_min?, self.weight(memory, now));
        let faded = weight < min;
        faded.then(|| (ForgetCause::Faded, format!("its weight {weight:.4} is below {min}")))
    }
}

/// The rule by which a memory goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ForgetCause {
    /// Its time to live is over.
    Expired,
    /// It is older than its type is kept.
    TooOld,
    /// It weighs too little.
    Faded,
    /// Its namespace has too many that weigh more.
    OverCap,
}

/// A memory that goes, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forgettable {
    /// The memory.
    pub id: NodeId,
    /// Its namespace.
    pub namespace: String,
    /// Its name within it.
    pub key: String,
    /// The rule.
    pub cause: ForgetCause,
    /// Why, in words.
    pub reason: String,
    /// When it was changed last and read last: one that was meanwhile is not forgotten.
    #[serde(skip)]
    seen: Seen,
}

/// What tells whether somebody has changed or used a memory.
type Seen = (Option<Timestamp>, Option<Timestamp>, Option<Timestamp>, i64);

fn seen(memory: &Memory) -> Seen {
    (memory.updated_at, memory.last_accessed_at, memory.expires_at, memory.access_count)
}

/// What a policy would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ForgetPlan {
    /// What goes, in the order of the ids.
    pub going: Vec<Forgettable>,
    /// What would go, and may not.
    pub kept: Vec<Held>,
}

/// What applying a policy did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// What is gone.
    pub forgotten: Vec<Forgettable>,
    /// What would have gone, and may not, or was changed meanwhile.
    pub kept: Vec<Held>,
    /// The writes that did it.
    pub writes: Vec<Seq>,
}

impl Store {
    /// What [`Store::forget`] would do now. Reads every memory of the namespaces concerned once, at
    /// the memory that their ids and weights take.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a weight beyond 0 to 1, or a half-life that is no time.
    pub fn plan_forgetting(&self, policy: &ForgetPolicy) -> Result<ForgetPlan> {
        let tx = self.read()?;
        // Times of writes only grow, also where the clock does not.
        let now = self.shared().core.clock.now().max(self.last_write_time());
        plan(&tx, policy, now)
    }

    /// Forgets what a policy names, a thousand memories a write. What somebody changes or reads
    /// meanwhile stays.
    ///
    /// # Errors
    /// As [`Store::plan_forgetting`] and [`Store::write`]; batches before a failure stay.
    pub fn forget(&self, policy: &ForgetPolicy, author: &str) -> Result<Forgotten> {
        named("author", author)?;
        let ForgetPlan { going, kept } = self.plan_forgetting(policy)?;
        let mut done = Forgotten { kept, ..Forgotten::default() };
        for batch in going.chunks(BATCH) {
            let before = done.forgotten.len();
            let seq = self.write(|tx| {
                tx.set_author(author)?;
                forget_batch(tx, batch, &mut done)?;
                Ok(tx.seq())
            })?;
            if done.forgotten.len() > before {
                done.writes.push(seq);
            }
        }
        Ok(done)
    }

    /// Applies every stored policy. See [`WriteTx::store_forget_policy`].
    ///
    /// # Errors
    /// As [`Store::forget`].
    pub fn forget_as_stored(&self, author: &str) -> Result<Forgotten> {
        let mut all = Forgotten::default();
        let policies = self.read()?.forget_policies()?;
        for policy in policies {
            let done = self.forget(&policy, author)?;
            all.forgotten.extend(done.forgotten);
            all.kept.extend(done.kept);
            all.writes.extend(done.writes);
        }
        Ok(all)
    }
}

fn stored_key(namespace: Option<&str>) -> Vec<u8> {
    // A namespace may be empty, so that the policy for all of them has a mark of its own.
    let mark = [u8::from(namespace.is_some())];
    [STORED_PREFIX, &mark, namespace.unwrap_or_default().as_bytes()].concat()
}

impl WriteTx<'_> {
    /// Keeps a policy with the data, in the place of the one for the same namespace. It is applied
    /// by [`Store::forget_as_stored`] only.
    ///
    /// # Errors
    /// As [`Store::plan_forgetting`].
    pub fn store_forget_policy(&mut self, policy: &ForgetPolicy) -> Result<()> {
        policy.check()?;
        let key = stored_key(policy.namespace.as_deref());
        self.writer.rows.put(TableId::META, &key, &codec::encode(policy)?)
    }

    /// Forgets the policy for a namespace, or the one for all. Tells whether there was one.
    ///
    /// # Errors
    /// [`Error::Io`] when the data file cannot be read.
    pub fn drop_forget_policy(&mut self, namespace: Option<&str>) -> Result<bool> {
        let key = stored_key(namespace);
        let was_there = self.rows().get(TableId::META, &key)?.is_some();
        self.writer.rows.delete(TableId::META, &key)?;
        Ok(was_there)
    }
}

impl ReadTx {
    /// The policies that are kept with the data: the one for all namespaces first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn forget_policies(&self) -> Result<Vec<ForgetPolicy>> {
        let rows = self.rows().range(TableId::META, KeyRange::prefix(STORED_PREFIX))?;
        rows.map(|row| codec::decode(&row?.1)).collect()
    }
}

fn plan(tx: &ReadTx, policy: &ForgetPolicy, now: Timestamp) -> Result<ForgetPlan> {
    policy.check()?;
    let holds = InForce::load(tx)?;
    let mut plan = ForgetPlan::default();
    let mut staying: HashMap<String, Vec<(f64, NodeId)>> = HashMap::new();
    let memories: Box<dyn Iterator<Item = Result<(NodeId, Memory)>>> = match &policy.namespace {
        Some(name) => Box::new(tx.index("namespace", (name,))?),
        None => Box::new(tx.iter()?),
    };
    for row in memories {
        let (id, memory) = row?;
        if let Some((cause, reason)) = policy.cause(&memory, now)
            && decide(tx, &holds, (id, &memory), (cause, reason), &mut plan)?
        {
            continue;
        }
        if policy.records_max.is_some() {
            let weight = policy.weight(&memory, now);
            staying.entry(memory.namespace).or_default().push((weight, id));
        }
    }
    if let Some(max) = policy.records_max {
        for of_namespace in staying.into_values() {
            over_cap(tx, &holds, of_namespace, max, &mut plan)?;
        }
    }
    plan.going.sort_unstable_by_key(|going| going.id);
    plan.kept.sort_unstable_by_key(|held| held.id);
    plan.kept.dedup_by_key(|held| held.id);
    Ok(plan)
}

/// Lists what weighs least until no more than `max` are left.
fn over_cap(
    tx: &ReadTx,
    holds: &InForce,
    mut staying: Vec<(f64, NodeId)>,
    max: u64,
    plan: &mut ForgetPlan,
) -> Result<()> {
    let mut over = (staying.len() as u64).saturating_sub(max);
    staying.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (weight, id) in staying {
        if over == 0 {
            break;
        }
        let Some(memory) = tx.get::<Memory>(id)? else { continue };
        let why =
            format!("its weight {weight:.4} is not among the {max} greatest of its namespace");
        if decide(tx, holds, (id, &memory), (ForgetCause::OverCap, why), plan)? {
            over -= 1;
        }
    }
    Ok(())
}

/// Whether a memory that a rule names goes; else says what keeps it.
fn decide(
    tx: &impl Reader,
    holds: &InForce,
    (id, memory): (NodeId, &Memory),
    (cause, reason): (ForgetCause, String),
    plan: &mut ForgetPlan,
) -> Result<bool> {
    if let Some(held) = kept_by(tx, holds, id, memory)? {
        plan.kept.push(held);
        return Ok(false);
    }
    let (namespace, key, seen) = (memory.namespace.clone(), memory.key.clone(), seen(memory));
    plan.going.push(Forgettable { id, namespace, key, cause, reason, seen });
    Ok(true)
}

fn kept_by(tx: &impl Reader, holds: &InForce, id: NodeId, memory: &Memory) -> Result<Option<Held>> {
    if memory.pinned {
        return Ok(Some(Held { id, reason: "it is pinned".into() }));
    }
    holds.on(tx, id)
}

fn forget_batch(tx: &mut WriteTx<'_>, batch: &[Forgettable], done: &mut Forgotten) -> Result<()> {
    let holds = InForce::load(tx)?;
    for going in batch {
        let Some(memory) = tx.get::<Memory>(going.id)? else { continue };
        if let Some(held) = kept_by(tx, &holds, going.id, &memory)? {
            done.kept.push(held);
        } else if seen(&memory) == going.seen {
            tx.delete(going.id)?;
            done.forgotten.push(going.clone());
        } else {
            let reason = "it was changed or read meanwhile".to_owned();
            done.kept.push(Held { id: going.id, reason });
        }
    }
    Ok(())
}
