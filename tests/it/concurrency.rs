//! Many threads on one store: closures one at a time, commits together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use engraph::{EdgeId, Error, NodeId, Result, Seq};

use crate::check::{Cards as _, Ends, fault, same_cards, same_edges, sound, whole_feed};
use crate::workload::{Card, Counter, new_store, on_threads};

const THREADS: usize = 8;

#[expect(clippy::unnecessary_wraps, reason = "what `update` takes")]
fn add_one(counter: &mut Counter) -> Result<()> {
    counter.count += 1;
    Ok(())
}

#[test]
fn eight_threads_count_to_eight_thousand_without_a_retry() {
    let (_home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Counter::default())).unwrap();
    on_threads(THREADS, |_| {
        for _ in 0..1_000 {
            store.write(|tx| tx.update(id, add_one)).unwrap();
        }
    });
    let counter: Counter = store.read().unwrap().get(id).unwrap().unwrap();
    assert_eq!(counter.count, 8_000);
    assert_eq!(store.seq(), Seq(8_001));
    assert_eq!(whole_feed(&store).len(), 8_001);
}

#[test]
fn closures_that_fail_panic_or_only_read_do_not_disturb_others() {
    let (home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Counter::default())).unwrap();
    let rounds = 150;
    on_threads(THREADS, |thread| {
        let mut seen = 0;
        for _ in 0..rounds {
            match thread {
                0 | 1 => {
                    let failed: Result<()> = store.write(|tx| {
                        tx.update(id, add_one)?;
                        tx.insert(&Card::new("never"))?;
                        Err(Error::Invalid { field: "test".into(), reason: "refused".into() })
                    });
                    assert_eq!(fault(failed), "invalid");
                }
                2 | 3 => {
                    let panicked: Result<()> = store.write(|tx| {
                        tx.update(id, add_one)?;
                        tx.insert(&Card::new("never"))?;
                        std::panic::resume_unwind(Box::new("on purpose"))
                    });
                    assert_eq!(fault(panicked), "panicked");
                }
                4 | 5 => {
                    let count = store
                        .write(|tx| Ok(tx.get::<Counter>(id)?.map_or(-1, |counter| counter.count)))
                        .unwrap();
                    assert!(count >= seen, "{count} after {seen}");
                    let durable: Counter = store.read().unwrap().get(id).unwrap().unwrap();
                    assert!(durable.count >= count, "a reader returned before its group");
                    seen = count;
                }
                _ => {
                    store.write(|tx| tx.update(id, add_one)).unwrap();
                }
            }
        }
    });
    store.close().unwrap();
    let store = home.open();
    let counter: Counter = store.read().unwrap().get(id).unwrap().unwrap();
    assert_eq!(counter.count, 2 * rounds);
    assert_eq!(store.seq().0, 1 + 2 * rounds as u64);
    assert_eq!(store.read().unwrap().cards(), []);
}

#[test]
fn every_closure_reads_what_waits_and_what_is_in_flight() {
    let (home, store) = new_store();
    // Changed inside the closures, which run one at a time, so it is always what they must see.
    let model: Mutex<BTreeMap<NodeId, Card>> = Mutex::default();
    let edges: Mutex<BTreeMap<EdgeId, Ends>> = Mutex::default();
    let ahead = AtomicUsize::new(0);
    on_threads(THREADS, |thread| {
        for round in 0..12_usize {
            store
                .write(|tx| {
                    let (mut model, mut edges) = (model.lock().unwrap(), edges.lock().unwrap());
                    if tx.seq().0 > store.seq().0 + 1 {
                        ahead.fetch_add(1, Ordering::Relaxed);
                    }
                    same_cards(tx, &model);
                    let code = format!("{thread} {round}");
                    let card = Card::new(&*code).alias(&code).place("s", round as i64 % 5);
                    let id = tx.insert(&card)?;
                    let others: Vec<NodeId> = model.keys().copied().chain([id]).collect();
                    for other in others.iter().rev().take(2) {
                        let edge = tx.link(id, "to", *other)?;
                        edges.insert(edge, (id, "to".to_owned(), *other, 1.0));
                    }
                    model.insert(id, card);
                    if round % 3 == 1 {
                        let (old, _) = model.pop_first().unwrap();
                        assert!(tx.delete(old)?);
                        edges.retain(|_, (source, _, target, _)| *source != old && *target != old);
                    }
                    if round % 3 == 2 {
                        let mut entry = model.last_entry().unwrap();
                        entry.get_mut().rank -= 10;
                        tx.put(*entry.key(), entry.get())?;
                    }
                    same_cards(tx, &model);
                    let nodes: Vec<NodeId> = model.keys().copied().collect();
                    same_edges(&nodes, (&model, &edges), |node, direction| {
                        tx.neighbors(node, direction).unwrap()
                    });
                    Ok(())
                })
                .unwrap();
        }
    });
    assert!(ahead.load(Ordering::Relaxed) > 0, "no closure ran while others were being synced");
    let model = model.into_inner().unwrap();
    same_cards(&store.read().unwrap(), &model);
    store.close().unwrap();
    let store = home.open();
    same_cards(&store.read().unwrap(), &model);
    whole_feed(&store);
    sound(&store);
}

#[test]
fn an_acknowledged_write_is_seen_by_every_later_reader() {
    let (_home, store) = new_store();
    on_threads(THREADS, |thread| {
        for round in 0..40 {
            let code = format!("{thread} {round}");
            let (id, seq) =
                store.write(|tx| Ok((tx.insert(&Card::new(&*code))?, tx.seq()))).unwrap();
            let tx = store.read().unwrap();
            assert!(tx.seq() >= seq && store.seq() >= seq);
            assert_eq!(tx.by_code(&code).map(|(found, _)| found), Some(id));
        }
    });
    assert_eq!(store.seq(), Seq(THREADS as u64 * 40));
}

#[test]
fn readers_never_see_half_a_write() {
    let (_home, store) = new_store();
    let [from, to] = store
        .write(|tx| Ok([tx.insert(&Counter { count: 500 })?, tx.insert(&Counter { count: 500 })?]))
        .unwrap();
    let done = AtomicBool::new(false);
    on_threads(6, |thread| {
        if thread < 2 {
            for _ in 0..200 {
                let move_one = |tx: &mut engraph::WriteTx<'_>| {
                    tx.update(from, |counter: &mut Counter| {
                        counter.count -= 1;
                        Ok(())
                    })?;
                    tx.update(to, add_one)?;
                    Ok(())
                };
                if thread == 0 {
                    store.write(move_one).unwrap();
                } else {
                    store.bulk(move_one).unwrap();
                }
            }
            done.store(true, Ordering::Relaxed);
            return;
        }
        let mut newest = Seq(0);
        while !done.load(Ordering::Relaxed) {
            let tx = store.read().unwrap();
            assert!(tx.seq() >= newest, "readers go forward");
            newest = tx.seq();
            let count = |id| tx.get::<Counter>(id).unwrap().unwrap().count;
            assert_eq!(count(from) + count(to), 1_000);
            assert_eq!(count(to), 500 + newest.0 as i64 - 1, "tables and number belong together");
        }
    });
}

#[test]
fn one_of_many_gets_a_natural_key() {
    let (_home, store) = new_store();
    for round in 0..20 {
        let code = round.to_string();
        let results = on_threads(THREADS, |_| store.write(|tx| tx.insert(&Card::new(&*code))));
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        for result in lost {
            assert_eq!(fault(result), "already_exists");
        }
    }
    let ids: BTreeSet<u64> = store.read().unwrap().cards().iter().map(|(id, _)| id.key()).collect();
    assert_eq!(ids, (1..=20).collect(), "losers use up no key");
}

#[test]
fn bulk_loads_and_writes_take_turns() {
    let (_home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Counter::default())).unwrap();
    on_threads(THREADS, |thread| {
        for round in 0..15 {
            let both = |tx: &mut engraph::WriteTx<'_>| {
                tx.insert(&Card::new(format!("{thread} {round}")))?;
                tx.update(id, add_one).map(|_| ())
            };
            if thread % 4 == 0 {
                store.bulk(both).unwrap();
            } else {
                store.write(both).unwrap();
            }
            if thread % 4 == 1 {
                let failed: Result<()> = store.bulk(|tx| {
                    tx.update(id, add_one)?;
                    Err(Error::Invalid { field: "test".into(), reason: "refused".into() })
                });
                assert_eq!(fault(failed), "invalid");
            }
        }
    });
    let tx = store.read().unwrap();
    assert_eq!(tx.get::<Counter>(id).unwrap().unwrap().count, THREADS as i64 * 15);
    assert_eq!(tx.cards().len(), THREADS * 15);
    assert_eq!(store.seq(), Seq(1 + THREADS as u64 * 15));
    whole_feed(&store);
    sound(&store);
}

#[test]
fn closing_while_others_write_loses_nothing_that_was_acknowledged() {
    let (home, store) = new_store();
    let acknowledged: Mutex<BTreeSet<String>> = Mutex::default();
    on_threads(THREADS, |thread| {
        for round in 0.. {
            if thread == 0 && round == 20 {
                store.close().unwrap();
            }
            let code = format!("{thread} {round}");
            match store.write(|tx| tx.insert(&Card::new(&*code))) {
                Ok(_) => assert!(acknowledged.lock().unwrap().insert(code)),
                Err(error) => {
                    assert!(matches!(error, Error::Closed), "{error}");
                    break;
                }
            }
        }
    });
    let store = home.open();
    let found: BTreeSet<String> =
        store.read().unwrap().cards().into_iter().map(|(_, card)| card.code).collect();
    assert_eq!(found, acknowledged.into_inner().unwrap());
    sound(&store);
    assert!(found.len() >= 20);
}
