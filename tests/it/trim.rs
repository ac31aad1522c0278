//! Forgetting the past: what lies before the limit is gone, and nothing else is different.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use engraph::record::Memory;
use engraph::{
    Audit, EdgeId, Error, ManualClock, NodeId, Operation, Retention, SavedSearch, Seq, Store,
    Timestamp, Trim, Trimmed, Undo,
};
use proptest::prelude::*;

use crate::check::{Cards as _, fault, sound};
use crate::workload::{Card, Home, new_store, on_threads, options};

const DAY: Duration = Duration::from_secs(86_400);

fn rows(store: &Store, table: &str) -> u64 {
    store.stats().unwrap().tables.get(table).map_or(0, |table| table.rows)
}

fn put(store: &Store, id: NodeId, code: &str) -> Seq {
    store.write(|tx| tx.put(id, &Card::new(code))).unwrap();
    store.seq()
}

fn code_at(store: &Store, id: NodeId, seq: Seq) -> Result<Option<String>, Error> {
    Ok(store.read()?.get_as_of::<Card>(id, seq)?.map(|card| card.code))
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "cases are written in place")]
fn check_trimmed<T: std::fmt::Debug>(result: Result<T, Error>, oldest: u64) {
    assert!(matches!(result, Err(Error::Trimmed { oldest: it }) if it == oldest), "{result:?}");
}

#[test]
fn states_before_the_limit_are_gone_and_the_rest_is_as_it_was() {
    let (home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    let other = store.write(|tx| tx.insert(&Card::new("other"))).unwrap();
    put(&store, id, "b");
    let edge = store.write(|tx| tx.link(id, "near", other)).unwrap();
    store.write(|tx| tx.put_vector(other, "small", &[1.0, 2.0])).unwrap();
    store.write(|tx| tx.remove_edge(edge)).unwrap();
    store.write(|tx| tx.delete(other)).unwrap();
    let kept = put(&store, id, "c");
    let last = put(&store, id, "d");
    let trim = Trim::before_write(Seq(kept.0 - 1));
    let preview = store.trim_preview(&trim).unwrap();
    assert_eq!(store.seq(), last, "a preview writes nothing");
    let trimmed = store.trim(&trim).unwrap();
    assert_eq!(trimmed, preview);
    let Trimmed { readable_from, writes, versions, edges, vectors, .. } = trimmed;
    assert_eq!((readable_from.0, writes, versions, edges, vectors), (kept.0 - 1, 7, 2, 1, 1));
    store.close().unwrap();
    for _ in 0..2 {
        let store = home.open();
        check_trimmed(code_at(&store, id, Seq(kept.0 - 2)), kept.0);
        for (seq, code) in [(kept.0 - 1, "b"), (kept.0, "c"), (last.0, "d")] {
            assert_eq!(code_at(&store, id, Seq(seq)).unwrap().as_deref(), Some(code));
        }
        check_trimmed(store.changes(Seq(0), 9), kept.0);
        assert_eq!(store.changes(Seq(kept.0 - 1), 9).unwrap()[0].seq, kept);
        check_trimmed(store.read().unwrap().all_as_of::<Card>(Seq(1)), kept.0);
        check_trimmed(store.undo_preview(&Undo::write(Seq(kept.0 - 1))), kept.0);
        check_trimmed(store.search("b").as_of(Seq(1)).run(), kept.0);
        assert_eq!(store.search("d").of::<Card>().as_of(kept).run().unwrap().hits.len(), 0);
        assert_eq!(store.stats().unwrap().oldest_change, Some(kept));
        let versions = store.read().unwrap().versions::<Card>(id).unwrap();
        let codes: Vec<_> =
            versions.iter().map(|it| it.value.as_ref().unwrap().code.as_str()).collect();
        assert_eq!(codes, ["b", "c", "d"]);
        let known: Vec<_> = versions.iter().map(|it| it.seq).collect();
        assert_eq!(known, [None, Some(kept), Some(last)]);
        sound(&store);
    }
    let store = home.open();
    let again = store.trim(&trim).unwrap();
    assert_eq!((again.readable_from.0, again.writes), (kept.0 - 1, 0), "it is done once");
    store.undo(&Undo::write(last)).unwrap();
    assert_eq!(store.read().unwrap().card(id).unwrap().code, "c", "what is kept can be undone");
    sound(&store);
}

#[test]
fn everything_but_the_present_can_go() {
    let (_home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    for code in ["b", "c", "d"] {
        put(&store, id, code);
    }
    let newest = store.seq();
    let trimmed = store.trim(&Trim::before_write(newest)).unwrap();
    assert_eq!((trimmed.readable_from, trimmed.writes, trimmed.versions), (newest, 4, 3));
    assert_eq!(
        (rows(&store, "history"), code_at(&store, id, newest).unwrap()),
        (0, Some("d".into()))
    );
    check_trimmed(code_at(&store, id, Seq(newest.0 - 1)), newest.0 + 1);
    put(&store, id, "e");
    assert_eq!(code_at(&store, id, newest).unwrap().as_deref(), Some("d"));
    sound(&store);
}

#[test]
fn the_state_at_the_time_that_was_said_stays_readable() {
    let home = Home::new();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    let store = options().clock(Arc::clone(&clock)).create(home.path()).unwrap();
    let id = store.write(|tx| tx.insert(&Card::new("0"))).unwrap();
    for day in 1..10 {
        clock.advance(DAY);
        put(&store, id, &day.to_string());
    }
    let at = |days: f64| Timestamp::from_micros((days * 86_400e6) as i64);
    let code = |time| -> Result<_, Error> {
        let tx = store.read()?;
        let card = tx.get_as_of::<Card>(id, tx.seq_at(time)?)?;
        Ok(card.map(|card| card.code))
    };
    assert_eq!(store.trim(&Trim::before(at(-1.0))).unwrap().writes, 0, "there was nothing yet");
    assert_eq!(store.trim(&Trim::before(at(3.5))).unwrap().readable_from, Seq(4));
    for (time, expected) in [(3.0, "3"), (3.5, "3"), (4.0, "4"), (99.0, "9")] {
        assert_eq!(code(at(time)).unwrap().as_deref(), Some(expected), "at day {time}");
    }
    check_trimmed(code(at(2.9)), 5);
    assert_eq!(store.trim(&Trim::before(at(1.0))).unwrap().writes, 0, "that is gone already");
    let by_age = store.trim(&Trim::older_than(2 * DAY)).unwrap();
    assert_eq!((by_age.readable_from, by_age.writes), (Seq(8), 4));
    assert_eq!(code(at(7.0)).unwrap().as_deref(), Some("7"));
    check_trimmed(code(at(6.9)), 9);
    sound(&store);
}

#[test]
fn a_retention_is_remembered_and_kept_to_without_being_asked() {
    let home = Home::new();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    let keep = Retention::days(30);
    let store = options().clock(Arc::clone(&clock)).retention(keep).create(home.path()).unwrap();
    assert_eq!(store.retention().unwrap(), keep);
    let id = store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    put(&store, id, "b");
    clock.advance(20 * DAY);
    let kept = put(&store, id, "c");
    store.close().unwrap();
    clock.advance(15 * DAY);
    let store = options().clock(Arc::clone(&clock)).open(home.path()).unwrap();
    assert_eq!(store.retention().unwrap(), keep, "the store remembers");
    let (_open, never) = mpsc::channel::<()>();
    let deadline = Instant::now() + Duration::from_secs(60);
    while rows(&store, "history") > 1 {
        assert!(Instant::now() < deadline, "an idle store trims soon after it was opened");
        assert!(never.recv_timeout(Duration::from_millis(50)).is_err());
    }
    assert_eq!(store.stats().unwrap().oldest_change, Some(kept));
    assert_eq!(code_at(&store, id, Seq(kept.0 - 1)).unwrap().as_deref(), Some("b"));
    store.set_retention(Retention::forever()).unwrap();
    store.close().unwrap();
    let store = options().open(home.path()).unwrap();
    assert_eq!(store.retention().unwrap().age(), None);
    assert_eq!(store.stats().unwrap().retention_seconds, None);
    sound(&store);
}

#[test]
fn standing_searches_miss_nothing_that_goes() {
    let (home, store) = new_store();
    let memory = |content: &str| Memory { content: content.into(), ..Memory::default() };
    store.save_search("due", &SavedSearch::new("reply").standing()).unwrap();
    let mut wanted = Vec::new();
    for number in 0..50 {
        let content = if number % 10 == 7 { "a reply" } else { "nothing" };
        let id = store.write(|tx| tx.insert(&memory(content))).unwrap();
        wanted.extend((number % 10 == 7).then_some(id));
    }
    store.trim(&Trim::before_write(store.seq())).unwrap();
    store.close().unwrap();
    let store = home.open();
    wanted.push(store.write(|tx| tx.insert(&memory("another reply"))).unwrap());
    let found = store.matches("due", Seq(0), usize::MAX).unwrap();
    assert_eq!(found.matches.iter().map(|it| it.id).collect::<Vec<_>>(), wanted);
    assert_eq!(store.search("reply").run().unwrap().hits.len(), 6);
    sound(&store);
}

#[test]
fn the_audit_stays_whole_and_an_older_copy_proves_the_log() {
    let home = Home::new();
    let store = options().audit(Audit::all()).create(home.path()).unwrap();
    let id = store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    for code in ["b", "c", "d"] {
        put(&store, id, code);
    }
    let copy = home.around().join("copy");
    store.backup(&copy).unwrap();
    let older = Store::open(&copy).unwrap();
    let at = store.seq();
    assert_eq!(older.log_digest(at).unwrap(), store.log_digest(at).unwrap());
    store.trim(&Trim::before_write(Seq(at.0 - 1))).unwrap();
    for seq in [at.0 - 1, at.0] {
        let digest = store.log_digest(Seq(seq)).unwrap();
        assert_eq!((digest.len(), &digest), (64, &older.log_digest(Seq(seq)).unwrap()));
    }
    assert_ne!(store.log_digest(at).unwrap(), store.log_digest(Seq(at.0 - 1)).unwrap());
    check_trimmed(store.log_digest(Seq(1)), at.0);
    let later = older.log_digest(Seq(at.0 + 1));
    assert!(matches!(later, Err(Error::Invalid { .. })), "{later:?}");
    let report = store.read().unwrap().audit().verify(None).unwrap();
    assert_eq!((report.problems, report.entries > 0), (vec![], true));
    sound(&store);
}

#[test]
fn what_cannot_be_trimmed_says_why() {
    let (home, store) = new_store();
    assert_eq!(store.trim(&Trim::older_than(Duration::ZERO)).unwrap(), Trimmed::default());
    store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    let trim = Trim::before_write(Seq(1));
    assert_eq!(fault(store.trim(&Trim::before_write(Seq(2)))), "invalid");
    assert_eq!(fault(store.trim_preview(&Trim::before_write(Seq(2)))), "invalid");
    let inside = store.write(|_| store.trim(&trim));
    assert_eq!(fault(inside), "conflict");
    store.close().unwrap();
    assert_eq!(fault(store.trim(&trim)), "closed");
    assert_eq!(fault(store.retention()), "closed");
    let store = options().open_read_only(home.path()).unwrap();
    assert_eq!(fault(store.trim(&trim)), "read_only");
    assert_eq!(store.trim_preview(&trim).unwrap().writes, 1);
    assert_eq!(fault(store.set_retention(Retention::days(1))), "read_only");
}

#[test]
fn a_load_of_many_records_goes_in_many_writes() {
    let (_home, store) = new_store();
    let ids: Vec<NodeId> = store
        .bulk(|tx| (0..25_000).map(|it| tx.insert(&Card::new(it.to_string()))).collect())
        .unwrap();
    store
        .bulk(|tx| {
            let mut ids = ids.iter();
            ids.try_for_each(|id| tx.put(*id, &Card::new(format!("x{id}"))))
        })
        .unwrap();
    let seq = store.seq();
    let trimmed = store.trim(&Trim::before_write(seq)).unwrap();
    assert_eq!((trimmed.writes, trimmed.versions), (2, 25_000));
    assert!(store.seq().0 - seq.0 > 10, "the limit, and then the rows by the thousand");
    assert_eq!((rows(&store, "history"), store.read().unwrap().cards().len()), (0, 25_000));
    sound(&store);
}

#[test]
fn writers_and_readers_go_on_while_the_past_goes() {
    let (_home, store) = new_store();
    let ids: Vec<NodeId> = store
        .write(|tx| (0..4).map(|it| tx.insert(&Card::new(format!("{it}")))).collect())
        .unwrap();
    on_threads(6, |thread| match thread {
        0..4 => {
            for round in 0..60 {
                put(&store, ids[thread], &format!("{thread}/{round}"));
            }
        }
        4 => {
            for _ in 0..20 {
                store.trim(&Trim::before_write(Seq(store.seq().0.saturating_sub(5)))).unwrap();
            }
        }
        _ => {
            for _ in 0..60 {
                let tx = store.read().unwrap();
                let at = tx.seq();
                let found = tx.all_as_of::<Card>(at).unwrap();
                assert_eq!(found, tx.cards(), "a view keeps what it saw");
            }
        }
    });
    for (thread, id) in ids.iter().enumerate() {
        let card = store.read().unwrap().card(*id).unwrap();
        assert_eq!(card.code, format!("{thread}/59"));
    }
    sound(&store);
}

/// What a random write does to one of eight cards.
#[derive(Clone, Debug)]
enum Step {
    Put(usize, u8),
    Delete(usize),
    Link(usize, usize),
    Unlink(usize),
    Vector(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let card = 0..8_usize;
    prop_oneof![
        4 => (card.clone(), any::<u8>()).prop_map(|(card, value)| Step::Put(card, value)),
        2 => card.clone().prop_map(Step::Delete),
        2 => (card.clone(), card.clone()).prop_map(|(a, b)| Step::Link(a, b)),
        1 => card.clone().prop_map(Step::Unlink),
        1 => card.prop_map(Step::Vector),
    ]
}

fn apply(store: &Store, ids: &[NodeId], edges: &mut Vec<EdgeId>, steps: &[Step]) {
    let bulk = steps.len() > 2;
    let work = |tx: &mut engraph::WriteTx<'_>| {
        for step in steps {
            match step {
                Step::Put(card, value) => {
                    tx.put(ids[*card], &Card::new(format!("{card}")).place("s", (*value).into()))?;
                }
                Step::Delete(card) => drop(tx.delete(ids[*card])?),
                Step::Link(from, to) => {
                    if tx.contains(ids[*from])? && tx.contains(ids[*to])? {
                        edges.push(tx.link(ids[*from], "near", ids[*to])?);
                    }
                }
                Step::Unlink(edge) => {
                    if let Some(edge) = edges.get(*edge) {
                        tx.remove_edge(*edge)?;
                    }
                }
                Step::Vector(card) => {
                    if tx.contains(ids[*card])? {
                        tx.put_vector(ids[*card], "small", &[1.0, 2.0])?;
                    }
                }
            }
        }
        Ok(())
    };
    if bulk { store.bulk(work) } else { store.write(work) }.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn what_is_kept_is_as_the_model_says_and_nothing_is_left_of_the_rest(
        rounds in prop::collection::vec(
            (prop::collection::vec(prop::collection::vec(step(), 1..5), 1..10),
             any::<prop::sample::Index>()),
            1..4,
        ),
    ) {
        let (home, mut store) = new_store();
        let ids: Vec<NodeId> = store
            .write(|tx| (0..8).map(|card| tx.insert(&Card::new(format!("{card}")))).collect())
            .unwrap();
        let mut edges = Vec::new();
        let mut states: BTreeMap<Seq, Vec<(NodeId, Card)>> = BTreeMap::new();
        states.insert(store.seq(), store.read().unwrap().cards());
        for (writes, until) in rounds {
            for steps in &writes {
                apply(&store, &ids, &mut edges, steps);
                states.insert(store.seq(), store.read().unwrap().cards());
            }
            let known: Vec<Seq> = states.keys().copied().collect();
            let limit = known[until.index(known.len())];
            let preview = store.trim_preview(&Trim::before_write(limit)).unwrap();
            let (history, past) = (rows(&store, "history"), rows(&store, "vectors"));
            let trimmed = store.trim(&Trim::before_write(limit)).unwrap();
            prop_assert_eq!(trimmed, preview);
            prop_assert!(trimmed.readable_from >= limit);
            prop_assert_eq!(history - rows(&store, "history"), trimmed.versions + trimmed.edges);
            prop_assert_eq!(past - rows(&store, "vectors"), trimmed.vectors);
            states.insert(store.seq(), store.read().unwrap().cards());
            store.close().unwrap();
            store = home.open();
            let tx = store.read().unwrap();
            for (seq, state) in &states {
                let found = tx.all_as_of::<Card>(*seq);
                if *seq < trimmed.readable_from {
                    prop_assert!(matches!(found, Err(Error::Trimmed { .. })), "{:?}", found);
                    continue;
                }
                prop_assert_eq!(&found.unwrap(), state, "after write {}", seq);
                for id in &ids {
                    let wanted = state.iter().find(|(it, _)| it == id);
                    let wanted = wanted.map(|(_, card)| card.clone());
                    prop_assert_eq!(tx.get_as_of::<Card>(*id, *seq).unwrap(), wanted);
                }
            }
            drop(tx);
            // Every earlier value that is left is named by an entry that is left.
            let feed = store.changes(trimmed.readable_from, usize::MAX).unwrap();
            let named: u64 = feed
                .iter()
                .filter(|it| !matches!(it.operation, Operation::Link | Operation::Embed))
                .map(|it| it.count)
                .sum();
            prop_assert!(rows(&store, "history") <= named);
            sound(&store);
        }
    }
}
