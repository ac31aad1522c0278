//! Writes: all or nothing, reading what they wrote, keys and edges, large writes.

use std::collections::BTreeMap;

use engraph::graph::Direction;
use engraph::record::{Document, TagDefinition};
use engraph::{EdgeId, Error, Kind, NewEdge, NodeId, Operation, Result, Seq, Store, WriteTx};

use crate::check::{Cards as _, fault, same_cards, sound, whole_feed};
use crate::random::Random;
use crate::workload::{Card, Counter, new_store};

/// What a refused closure ends with.
fn refusal() -> Error {
    Error::Invalid { field: "test".into(), reason: "refused".into() }
}

/// Everything that can be seen of a store from outside.
fn state(store: &Store) -> (Seq, Vec<(NodeId, Card)>, usize) {
    let cards = store.read().unwrap().cards();
    (store.seq(), cards, whole_feed(store).len())
}

/// Touches every kind of row: records, both kinds of index, links, edges, names.
fn disturb(tx: &mut WriteTx<'_>, old: NodeId) -> Result<()> {
    let new = tx.insert(&Card::new("new").alias("n").next(old))?;
    tx.link(old, "never seen before", new)?;
    tx.update(old, |card: &mut Card| {
        "changed".clone_into(&mut card.code);
        card.rank = 77;
        Ok(())
    })?;
    tx.insert(&TagDefinition { tag_name: "t".to_owned(), ..TagDefinition::default() })?;
    tx.delete(old)?;
    Ok(())
}

type Way = fn(&Store, NodeId) -> Result<()>;

#[track_caller]
fn leaves_no_trace(way: Way, expected: &str) {
    let (home, store) = new_store();
    let (old, edge) = store
        .write(|tx| {
            let old = tx.insert(&Card::new("old").alias("o"))?;
            Ok((old, tx.link(old, "self", old)?))
        })
        .unwrap();
    let before = state(&store);
    assert_eq!(fault(way(&store, old)), expected);
    assert_eq!(state(&store), before);
    let tx = store.read().unwrap();
    assert_eq!(tx.by_code("old"), Some((old, Card::new("old").alias("o"))));
    assert_eq!((tx.by_code("new"), tx.by_alias("n")), (None, None));
    assert_eq!(tx.iter::<TagDefinition>().unwrap().count(), 0);
    let (next, next_edge) = store
        .write(|tx| {
            assert_eq!(tx.seq(), Seq(before.0.0 + 1), "no number was used up");
            let next = tx.insert(&Card::new("new"))?;
            Ok((next, tx.link(old, "never seen before", next)?))
        })
        .unwrap();
    assert_eq!(next.key(), old.key() + 1, "no key was used up");
    assert_eq!(next_edge.as_u64(), edge.as_u64() + 1);
    store.close().unwrap();
    let store = home.open();
    assert_eq!(store.read().unwrap().cards().len(), 2);
    assert!(store.write(|tx| tx.remove_edge(edge)).unwrap());
    sound(&store);
}

#[test]
fn a_failed_write_leaves_no_trace() {
    leaves_no_trace(
        |store, old| {
            store.write(|tx| {
                disturb(tx, old)?;
                Err(refusal())
            })
        },
        "invalid",
    );
}

#[test]
fn a_panicking_write_leaves_no_trace() {
    leaves_no_trace(
        |store, old| {
            store.write(|tx| {
                disturb(tx, old)?;
                std::panic::resume_unwind(Box::new("on purpose"))
            })
        },
        "panicked",
    );
}

#[test]
fn a_failed_bulk_load_leaves_no_trace() {
    leaves_no_trace(
        |store, old| {
            store.bulk(|tx| {
                disturb(tx, old)?;
                Err(refusal())
            })
        },
        "invalid",
    );
}

#[test]
fn a_panicking_bulk_load_leaves_no_trace() {
    leaves_no_trace(
        |store, old| {
            store.bulk(|tx| {
                disturb(tx, old)?;
                std::panic::resume_unwind(Box::new("on purpose"))
            })
        },
        "panicked",
    );
}

#[test]
fn a_panic_is_reported_with_its_message_and_its_call() {
    let (_home, store) = new_store();
    let failed = store.write(|tx| {
        tx.insert(&Card::new("a"))?;
        assert!(tx.seq() == Seq(0), "message of the panic");
        Ok(())
    });
    let Err(Error::Panicked { action, message }) = failed else {
        unreachable!("{failed:?}");
    };
    assert_eq!((&*action, &*message), ("write", "message of the panic"));
}

#[test]
fn a_write_inside_a_write_is_a_conflict_and_no_deadlock() {
    let (_home, store) = new_store();
    store
        .write(|tx| {
            tx.insert(&Card::new("outer"))?;
            assert_eq!(fault(store.write(|tx| tx.insert(&Card::new("inner")))), "conflict");
            assert_eq!(fault(store.bulk(|tx| tx.insert(&Card::new("inner")))), "conflict");
            assert_eq!(fault(store.close()), "conflict");
            Ok(())
        })
        .unwrap();
    store
        .bulk(|tx| {
            assert_eq!(fault(store.write(|tx| tx.insert(&Card::new("inner")))), "conflict");
            assert_eq!(fault(store.close()), "conflict");
            tx.insert(&Card::new("bulk"))
        })
        .unwrap();
    store.write(|tx| tx.insert(&Card::new("after"))).unwrap();
    let cards = store.read().unwrap().cards();
    let codes: Vec<_> = cards.iter().map(|(_, card)| &*card.code).collect();
    assert_eq!(codes, ["outer", "bulk", "after"]);
}

#[test]
fn a_write_in_another_store_inside_a_write_works() {
    let ((_home, store), (_other_home, other)) = (new_store(), new_store());
    store
        .write(|tx| {
            other.write(|inner| {
                let again = store.write(|again| again.insert(&Card::new("again")));
                assert_eq!(fault(again), "conflict");
                inner.insert(&Card::new("inner"))
            })?;
            other.bulk(|inner| inner.insert(&Card::new("bulk")))?;
            assert_eq!(other.read()?.cards().len(), 2, "durable before the outer write");
            tx.insert(&Card::new("outer"))
        })
        .unwrap();
    assert_eq!((store.seq(), other.seq()), (Seq(1), Seq(2)));
}

#[track_caller]
fn reads_its_own_writes(tx: &mut WriteTx<'_>) {
    let mut model = BTreeMap::new();
    for (code, rank) in [("b", 2), ("a", 2), ("c", -1)] {
        let card = Card::new(code).alias(&format!("alias of {code}")).place("s", rank);
        model.insert(tx.insert(&card).unwrap(), card);
        same_cards(tx, &model);
    }
    let first = *model.keys().next().unwrap();
    let changed = Card::new("changed").place("t", 9);
    tx.put(first, &changed).unwrap();
    model.insert(first, changed);
    same_cards(tx, &model);
    assert_eq!(tx.by_code("b"), None);
    assert_eq!(tx.by_alias("alias of b"), None);
    let (last, _) = model.pop_last().unwrap();
    assert!(tx.contains(last).unwrap());
    assert!(tx.delete(last).unwrap());
    assert!(!tx.contains(last).unwrap());
    same_cards(tx, &model);
    assert_eq!(tx.by_code("c"), None);
}

#[test]
fn a_write_reads_its_own_writes_also_under_names_that_are_new() {
    let (_home, store) = new_store();
    store
        .write(|tx| {
            reads_its_own_writes(tx);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_bulk_load_reads_its_own_writes() {
    let (_home, store) = new_store();
    store
        .bulk(|tx| {
            reads_its_own_writes(tx);
            Ok(())
        })
        .unwrap();
}

#[test]
fn an_insert_that_was_refused_leaves_nothing_when_the_write_goes_on() {
    let (_home, store) = new_store();
    let taken = store.write(|tx| tx.insert(&Card::new("x").alias("taken"))).unwrap();
    let id = store
        .write(|tx| {
            let refused = tx.insert(&Card::new("free").alias("taken").place("s", 4));
            assert_eq!(fault(refused), "already_exists");
            assert_eq!(tx.by_code("free"), None);
            tx.insert(&Card::new("free"))
        })
        .unwrap();
    let model = BTreeMap::from([(taken, Card::new("x").alias("taken")), (id, Card::new("free"))]);
    same_cards(&store.read().unwrap(), &model);
}

#[test]
fn a_change_that_was_refused_leaves_the_record_as_it_was() {
    let (_home, store) = new_store();
    let mut model = BTreeMap::new();
    for (code, alias) in [("a", "1"), ("b", "2")] {
        let card = Card::new(code).alias(alias).place("s", 5);
        model.insert(store.write(|tx| tx.insert(&card)).unwrap(), card);
    }
    let second = *model.keys().next_back().unwrap();
    store
        .write(|tx| {
            let change = Card::new("c").alias("1").place("t", 6);
            assert_eq!(fault(tx.put(second, &change)), "already_exists");
            let changed = tx.update(second, |card: &mut Card| {
                *card = change;
                Ok(())
            });
            assert_eq!(fault(changed), "already_exists");
            same_cards(tx, &model);
            tx.insert(&Counter::default())
        })
        .unwrap();
    same_cards(&store.read().unwrap(), &model);
    assert_eq!(store.read().unwrap().by_code("c"), None);
    store.write(|tx| tx.delete(second)).unwrap();
    model.remove(&second);
    same_cards(&store.read().unwrap(), &model);
    sound(&store);
}

#[test]
fn writes_that_change_nothing_have_no_number() {
    let (_home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    assert_eq!(store.write(|tx| Ok(tx.cards().len())).unwrap(), 1);
    store.write(|tx| tx.put(id, &Card::new("a"))).unwrap();
    store.write(|tx| tx.update(id, |_: &mut Card| Ok(()))).unwrap();
    let absent = NodeId::new(id.kind(), 99).unwrap();
    assert!(!store.write(|tx| tx.delete(absent)).unwrap());
    assert!(!store.write(|tx| tx.remove_edge(EdgeId::from_u64(5))).unwrap());
    assert_eq!(store.seq(), Seq(1));
    assert_eq!(whole_feed(&store).len(), 1);
}

#[test]
fn put_replaces_update_needs_the_record_and_delete_tells() {
    let (_home, store) = new_store();
    store
        .write(|tx| {
            let id = tx.insert(&Card::new("a"))?;
            let counter = tx.insert(&Counter::default())?;
            let next = NodeId::new(id.kind(), id.key() + 1).unwrap();
            assert_eq!(fault(tx.put(next, &Card::new("b"))), "invalid", "never given");
            assert_eq!(fault(tx.put(counter, &Card::new("b"))), "invalid", "another type");
            assert_eq!(fault(tx.update(next, |_: &mut Card| Ok(()))), "not_found");
            assert_eq!(fault(tx.update(counter, |_: &mut Card| Ok(()))), "not_found");
            let refused = tx.update(id, |card: &mut Card| {
                card.rank = 9;
                Err(refusal())
            });
            assert_eq!(fault(refused), "invalid");
            assert_eq!(tx.card(id), Some(Card::new("a")));
            let updated = tx.update(id, |card: &mut Card| {
                card.rank = 3;
                Ok(())
            })?;
            assert_eq!(updated.rank, 3);
            assert!(tx.delete(id)?);
            assert!(!tx.delete(id)?);
            tx.put(id, &Card::new("again"))?;
            assert_eq!(tx.by_code("again"), Some((id, Card::new("again"))));
            Ok(())
        })
        .unwrap();
}

#[test]
fn keys_are_never_given_twice() {
    let (home, mut store) = new_store();
    let mut given = Vec::new();
    for round in 0..4 {
        let ids = store
            .write(|tx| {
                let first = tx.insert(&Card::new(format!("{round} a")))?;
                let second = tx.insert(&Card::new(format!("{round} b")))?;
                Ok([first, second])
            })
            .unwrap();
        given.extend(ids);
        match round {
            // The last one alone, both at once, and both in a bulk load.
            0 => store.write(|tx| tx.delete(ids[1])).unwrap(),
            1 => store.write(|tx| Ok(tx.delete(ids[0])? && tx.delete(ids[1])?)).unwrap(),
            _ => store.bulk(|tx| Ok(tx.delete(ids[1])? && tx.delete(ids[0])?)).unwrap(),
        };
        store.close().unwrap();
        store = home.open();
    }
    let in_one = store
        .write(|tx| {
            let id = tx.insert(&Card::new("short"))?;
            tx.delete(id)?;
            Ok(id)
        })
        .unwrap();
    given.push(in_one);
    given.push(store.write(|tx| tx.insert(&Card::new("end"))).unwrap());
    let keys: Vec<u64> = given.iter().map(|id| id.key()).collect();
    assert_eq!(keys, (1..=10).collect::<Vec<u64>>());
}

#[test]
fn edge_numbers_are_never_given_twice() {
    let (home, store) = new_store();
    let (id, first) = store
        .write(|tx| {
            let id = tx.insert(&Card::new("a"))?;
            Ok((id, tx.link(id, "self", id)?))
        })
        .unwrap();
    assert!(store.write(|tx| tx.remove_edge(first)).unwrap());
    store.close().unwrap();
    let store = home.open();
    let second = store.write(|tx| tx.link(id, "self", id)).unwrap();
    assert!(second > first);
    assert!(!store.write(|tx| tx.remove_edge(first)).unwrap());
    assert!(store.write(|tx| tx.remove_edge(second)).unwrap());
}

#[test]
fn an_edge_needs_both_ends_a_type_and_a_finite_weight() {
    let (_home, store) = new_store();
    store
        .write(|tx| {
            let here = tx.insert(&Card::new("a"))?;
            let gone = tx.insert(&Card::new("b"))?;
            tx.delete(gone)?;
            let nowhere = NodeId::new(Kind(77), 1).unwrap();
            for (source, target) in [(here, gone), (gone, here), (here, nowhere)] {
                assert_eq!(fault(tx.link(source, "to", target)), "not_found");
            }
            assert_eq!(fault(tx.link(here, "", here)), "invalid");
            assert_eq!(fault(tx.link(here, &"t".repeat(256), here)), "invalid");
            for weight in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let edge = NewEdge::new(here, "to", here).weight(weight);
                assert_eq!(fault(tx.add_edge(&edge)), "invalid");
            }
            let (first, second) = (tx.link(here, "to", here)?, tx.link(here, "to", here)?);
            assert_ne!(first, second, "parallel edges are two");
            assert!(tx.remove_edge(first)?);
            assert!(!tx.remove_edge(first)?);
            assert!(tx.remove_edge(second)?);
            Ok(())
        })
        .unwrap();
}

#[test]
fn deleting_a_record_removes_its_edges_in_both_directions() {
    let (_home, store) = new_store();
    let (ids, edges) = store
        .write(|tx| {
            let ids = ["a", "b", "c"].map(|code| tx.insert(&Card::new(code)).unwrap());
            let [a, b, c] = ids;
            let edges = [(a, b), (b, a), (b, b), (c, a)];
            Ok((ids, edges.map(|(source, target)| tx.link(source, "to", target).unwrap())))
        })
        .unwrap();
    assert!(store.write(|tx| tx.delete(ids[1])).unwrap());
    let unlinked: Vec<_> = whole_feed(&store)
        .iter()
        .filter(|change| change.operation == Operation::Unlink && change.seq == Seq(2))
        .flat_map(|change| change.edges().collect::<Vec<_>>())
        .collect();
    assert_eq!(unlinked, edges[..3]);
    let removed = store
        .write(|tx| edges.into_iter().map(|edge| tx.remove_edge(edge)).collect::<Result<Vec<_>>>())
        .unwrap();
    assert_eq!(removed, [false, false, false, true]);
}

/// Text that does not compress to much less than three quarters.
fn noise(length: usize) -> String {
    let mut random = Random::new(1);
    (0..length).map(|_| char::from(b' ' + (random.number() >> 58) as u8)).collect()
}

#[track_caller]
fn links(store: &Store, node: NodeId, direction: Direction, expected: &[NodeId]) {
    let found = store.graph().unwrap().neighbors(node, direction).unwrap();
    assert!(found.iter().all(|one| one.edge.is_link() && &*one.edge_type == "next"), "{found:?}");
    let ends: Vec<NodeId> = found.iter().map(|one| one.node).collect();
    assert_eq!(ends, expected);
}

#[test]
fn a_link_follows_its_field() {
    let (_home, store) = new_store();
    let [a, b, c] = store
        .write(|tx| {
            let a = tx.insert(&Card::new("a"))?;
            Ok([a, tx.insert(&Card::new("b"))?, tx.insert(&Card::new("c").next(a))?])
        })
        .unwrap();
    links(&store, c, Direction::Out, &[a]);
    links(&store, a, Direction::In, &[c]);
    store.write(|tx| tx.put(c, &Card::new("c").next(b))).unwrap();
    store.write(|tx| tx.put(a, &Card::new("a").next(b))).unwrap();
    links(&store, a, Direction::In, &[]);
    links(&store, b, Direction::In, &[a, c]);
    store.write(|tx| tx.put(c, &Card::new("c"))).unwrap();
    links(&store, c, Direction::Out, &[]);
    // A card may point to itself, and takes that link with it.
    store.bulk(|tx| tx.put(c, &Card::new("c").next(c))).unwrap();
    links(&store, c, Direction::Both, &[c, c]);
    store.write(|tx| tx.delete(c)).unwrap();
    links(&store, c, Direction::Both, &[]);
    links(&store, b, Direction::In, &[a]);
    sound(&store);
}

#[test]
fn a_link_stays_when_its_target_goes_and_is_reported() {
    let (_home, store) = new_store();
    let [a, b] = store
        .write(|tx| {
            let a = tx.insert(&Card::new("a"))?;
            Ok([a, tx.insert(&Card::new("b").next(a))?])
        })
        .unwrap();
    store.write(|tx| tx.delete(a)).unwrap();
    links(&store, b, Direction::Out, &[a]);
    let report = store.verify().unwrap();
    assert!(report.is_ok() && report.dangling_links == 1, "{report:#?}");
    store.write(|tx| tx.put(a, &Card::new("a"))).unwrap();
    assert_eq!(store.verify().unwrap().dangling_links, 0);
    store.write(|tx| Ok(tx.delete(b)? && tx.delete(a)?)).unwrap();
    links(&store, a, Direction::In, &[]);
    sound(&store);
}

#[test]
fn a_record_of_any_size_up_to_the_limit_comes_back() {
    let (home, store) = new_store();
    let text = noise(3_000_000);
    let sizes = [0, 1, 511, 512, 4_000, 4_096, 65_536, text.len()];
    let ids = store
        .write(|tx| {
            sizes
                .iter()
                .map(|size| {
                    let mut card = Card::new(size.to_string());
                    text[..*size].clone_into(&mut card.text);
                    tx.insert(&card)
                })
                .collect::<Result<Vec<_>>>()
        })
        .unwrap();
    store.close().unwrap();
    let store = home.open();
    let tx = store.read().unwrap();
    for (size, id) in sizes.iter().zip(ids) {
        assert!(tx.card(id).unwrap().text == text[..*size], "{size} bytes");
    }
}

#[test]
fn a_bulk_load_that_outgrows_its_batch_reads_and_keeps_everything() {
    let (home, store) = new_store();
    let old = store.write(|tx| tx.insert(&Card::new("old").place("s", -1))).unwrap();
    let noise = noise(4_000_000);
    let count = 3_000;
    store
        .bulk(|tx| {
            for number in 0..count {
                let mut card = Card::new(format!("{number:06}")).place("s", number % 7).next(old);
                if number % 100 == 0 {
                    noise.clone_into(&mut card.text);
                }
                let id = tx.insert(&card)?;
                if number % 100 == 99 {
                    // Of the batch, of the transaction under it, and of the store.
                    assert_eq!(tx.card(id).as_ref(), Some(&card));
                    assert!(tx.by_code("000000").is_some());
                    assert!(tx.card(old).is_some());
                    assert_eq!(fault(tx.insert(&Card::new("000000"))), "already_exists");
                }
            }
            tx.delete(old)?;
            assert_eq!(tx.iter::<Card>()?.count() as i64, count);
            assert_eq!(tx.index::<Card>("rank", 3_i64)?.count() as i64, (count + 3) / 7);
            Ok(())
        })
        .unwrap();
    store.close().unwrap();
    let store = home.open();
    let tx = store.read().unwrap();
    let codes = tx.iter::<Card>().unwrap().map(|row| row.unwrap().1.code);
    assert!(codes.eq((0..count).map(|number| format!("{number:06}"))));
    let descending = tx.index_descending::<Card>("shelf", "s").unwrap();
    let ranks: Vec<i64> = descending.map(|row| row.unwrap().1.rank).collect();
    assert_eq!(ranks.len() as i64, count);
    assert!(ranks.is_sorted_by(|a, b| a >= b));
    assert_eq!(tx.by_code("old"), None);
    assert_eq!(store.seq(), Seq(2));
    sound(&store);
}

#[test]
fn documents_of_the_built_in_families_go_through_the_same_door() {
    let (_home, store) = new_store();
    let document = Document { file_name: "memo.txt".to_owned(), ..Document::default() };
    let id = store.write(|tx| tx.insert(&document)).unwrap();
    assert_eq!(store.read().unwrap().get(id).unwrap(), Some(document));
}
