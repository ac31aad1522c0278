//! Courses of writes that several actors make, followed by a store and by a plain model at once.
//!
//! Refused calls do not end a write here, so that whatever they leave behind shows; some writes are
//! dropped at their end. The audit chain has to name exactly what the model says was changed.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use engraph::family::AuditAct;
use engraph::record::Record;
use engraph::{Audit, Error, ManualClock, NodeId, ReadTx, Seq, Store, Timestamp, WriteTx};
use proptest::prelude::*;

use crate::check::{fault, sound};
use crate::workload::{Home, options};

const ACTORS: [&str; 3] = ["ada", "bert", "cleo"];

/// One write: who makes it, seconds since the one before, what it does, and whether it is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Write<C> {
    actor: usize,
    pause: u64,
    calls: Vec<C>,
    is_dropped: bool,
}

/// Courses of up to so many writes, each of one to three calls.
pub(crate) fn course<C: Clone + Debug>(
    call: impl Strategy<Value = C>,
    writes_max: usize,
) -> impl Strategy<Value = Vec<Write<C>>> {
    let calls = prop::collection::vec(call, 1..4);
    let write = (0..ACTORS.len(), 0_u64..3, calls, prop::bool::weighted(0.1));
    let write = write.prop_map(|(actor, pause, calls, is_dropped)| Write {
        actor,
        pause,
        calls,
        is_dropped,
    });
    prop::collection::vec(write, 1..writes_max)
}

/// The write that a call is part of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct By {
    seq: Seq,
    actor: &'static str,
    pub(crate) now: Timestamp,
}

/// Who changed which record in which write, change by change.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ledger(BTreeMap<NodeId, Vec<(Seq, AuditAct, String)>>);

impl Ledger {
    pub(crate) fn put(&mut self, id: NodeId, by: By) {
        self.0.entry(id).or_default().push((by.seq, AuditAct::Put, by.actor.to_owned()));
    }

    pub(crate) fn delete(&mut self, id: NodeId, by: By) {
        self.0.entry(id).or_default().push((by.seq, AuditAct::Delete, by.actor.to_owned()));
    }

    /// The chain is whole, has an entry of every write that changed something, by its author and
    /// with as many changes, and tells of each record what is written here.
    fn check(&self, store: &Store) {
        let tx = store.read().unwrap();
        let report = tx.audit().verify(None).unwrap();
        assert!(report.is_ok(), "{report:#?}");
        let mut writes: BTreeMap<Seq, (String, u64)> = BTreeMap::new();
        for (id, expected) in &self.0 {
            for (seq, _, actor) in expected {
                writes.entry(*seq).or_insert((actor.clone(), 0)).1 += 1;
            }
            let found = tx.audit().history(*id).unwrap().into_iter();
            let found: Vec<_> =
                found.map(|it| (it.seq, it.act, it.author.unwrap_or_default())).collect();
            assert_eq!(found, *expected, "history of {id}");
        }
        let entries = tx.audit().entries(0, usize::MAX).unwrap().into_iter();
        let entries: BTreeMap<_, _> =
            entries.filter_map(|entry| Some((entry.seq, (entry.author?, entry.changes)))).collect();
        assert_eq!(entries, writes);
    }
}

/// What a store should hold, and what each call should do to it.
pub(crate) trait Model: Clone + Debug + PartialEq {
    type Call: Debug;

    /// The model of a store in which nobody has done anything; what has to be there is made.
    fn begin(store: &Store) -> Self;

    /// Makes a call, compares what came of it with what should, and follows it.
    fn call(&mut self, tx: &mut WriteTx<'_>, call: &Self::Call, by: By);

    /// Compares all that can be seen.
    fn check(&self, tx: &ReadTx);

    fn ledger(&self) -> &Ledger;
}

/// Follows a course and compares after every write.
pub(crate) fn follow<M: Model>(writes: &[Write<M::Call>]) {
    let home = Home::new();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000)));
    let options = options().audit(Audit::all()).clock(Arc::clone(&clock));
    let store = options.create(home.path()).unwrap();
    let mut model = M::begin(&store);
    for write in writes {
        clock.advance(Duration::from_secs(write.pause));
        let (before, seq) = (model.clone(), store.seq());
        let done = store.write(|tx| {
            let by = By { seq: tx.seq(), actor: ACTORS[write.actor], now: tx.now() };
            tx.set_author(by.actor)?;
            for call in &write.calls {
                model.call(tx, call, by);
            }
            if write.is_dropped { Err(Error::invalid("test", "dropped")) } else { Ok(()) }
        });
        if write.is_dropped {
            assert_eq!(fault(done), "invalid");
            model = before.clone();
        } else {
            done.unwrap();
        }
        let writes = u64::from(model != before);
        assert_eq!(store.seq().0 - seq.0, writes, "a write that changes nothing is none");
        model.check(&store.read().unwrap());
    }
    model.ledger().check(&store);
    sound(&store);
}

/// Every record of a type.
pub(crate) fn all<R: Record>(tx: &ReadTx) -> BTreeMap<NodeId, R> {
    tx.iter().unwrap().map(Result::unwrap).collect()
}

/// One of the records, or now and then one that is gone.
pub(crate) fn pick<T>(known: &BTreeMap<NodeId, T>, number: usize, gone: NodeId) -> NodeId {
    known.keys().nth(number % (known.len() + 1)).copied().unwrap_or(gone)
}
