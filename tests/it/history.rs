//! Earlier values: what a record was after any earlier write.

use engraph::record::Memory;
use engraph::{NodeId, Seq, Store};

use crate::check::{Cards as _, fault};
use crate::workload::{Card, Counter, Home, new_store, options};

#[track_caller]
fn check(store: &Store, id: NodeId, expected: &[Option<&str>]) {
    let tx = store.read().unwrap();
    let found: Vec<_> = (0..expected.len() as u64)
        .map(|seq| tx.get_as_of::<Card>(id, Seq(seq)).unwrap().map(|card| card.code))
        .collect();
    let found: Vec<_> = found.iter().map(Option::as_deref).collect();
    assert_eq!(found, expected);
    let newest = tx.get_as_of::<Card>(id, Seq(u64::MAX)).unwrap();
    assert_eq!(newest, tx.card(id), "as of the newest write");
}

#[test]
fn a_record_is_read_as_it_was_after_every_write() {
    let (home, store) = new_store();
    let other = store.write(|tx| tx.insert(&Card::new("other"))).unwrap();
    let id = store.write(|tx| tx.insert(&Card::new("first"))).unwrap();
    store.write(|tx| tx.put(other, &Card::new("another"))).unwrap();
    store.write(|tx| tx.put(id, &Card::new("second"))).unwrap();
    store.bulk(|tx| tx.put(id, &Card::new("third"))).unwrap();
    store.write(|tx| tx.delete(id)).unwrap();
    store.write(|tx| tx.delete(other)).unwrap();
    store.write(|tx| tx.put(id, &Card::new("back"))).unwrap();
    store.write(|tx| tx.put(id, &Card::new("last"))).unwrap();
    let (first, second, third) = (Some("first"), Some("second"), Some("third"));
    let expected =
        [None, None, first, first, second, third, None, None, Some("back"), Some("last")];
    check(&store, id, &expected);
    store.close().unwrap();
    check(&home.open(), id, &expected);
}

#[test]
fn what_changes_twice_in_one_write_has_one_earlier_value() {
    let (_home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Card::new("before"))).unwrap();
    store
        .write(|tx| {
            tx.put(id, &Card::new("between"))?;
            tx.delete(id)?;
            tx.put(id, &Card::new("almost"))?;
            tx.put(id, &Card::new("after"))
        })
        .unwrap();
    check(&store, id, &[None, Some("before"), Some("after")]);
}

#[test]
fn what_is_made_and_changed_in_one_write_was_not_there_before_it() {
    let (_home, store) = new_store();
    let (changed, deleted) = store
        .write(|tx| {
            let changed = tx.insert(&Card::new("draft"))?;
            tx.put(changed, &Card::new("final"))?;
            let deleted = tx.insert(&Card::new("gone"))?;
            tx.put(deleted, &Card::new("still going"))?;
            tx.delete(deleted)?;
            Ok((changed, deleted))
        })
        .unwrap();
    store.write(|tx| tx.put(changed, &Card::new("later"))).unwrap();
    check(&store, changed, &[None, Some("final"), Some("later")]);
    check(&store, deleted, &[None, None, None]);
}

#[test]
fn what_comes_back_and_is_changed_in_one_write_was_not_there_before_it() {
    let (_home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Card::new("first"))).unwrap();
    store.write(|tx| tx.delete(id)).unwrap();
    store
        .bulk(|tx| {
            tx.put(id, &Card::new("back"))?;
            tx.put(id, &Card::new("changed"))
        })
        .unwrap();
    check(&store, id, &[None, Some("first"), None, Some("changed")]);
    store
        .write(|tx| {
            tx.delete(id)?;
            tx.put(id, &Card::new("again"))?;
            tx.delete(id).map(|_| ())
        })
        .unwrap();
    check(&store, id, &[None, Some("first"), None, Some("changed"), None]);
}

#[test]
fn the_same_value_again_makes_no_version() {
    let (_home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    let other = store
        .write(|tx| {
            tx.put(id, &Card::new("a"))?;
            tx.insert(&Card::new("b"))
        })
        .unwrap();
    check(&store, id, &[None, Some("a"), Some("a")]);
    check(&store, other, &[None, None, Some("b")]);
}

#[test]
fn a_closure_reads_earlier_values_and_its_own() {
    let (_home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    store
        .write(|tx| {
            tx.put(id, &Card::new("b"))?;
            let as_of = |seq| tx.get_as_of::<Card>(id, Seq(seq)).map(Option::unwrap);
            assert_eq!((&*as_of(1)?.code, &*as_of(2)?.code), ("a", "b"));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_type_without_history_answers_with_the_present_value() {
    let (_home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Counter { count: 1 })).unwrap();
    store.write(|tx| tx.put(id, &Counter { count: 2 })).unwrap();
    let tx = store.read().unwrap();
    for seq in [1, 2, 9] {
        let found = tx.get_as_of(id, Seq(seq)).unwrap();
        assert_eq!(found, Some(Counter { count: 2 }), "as of {seq}");
    }
    assert_eq!(tx.get_as_of::<Card>(id, Seq(1)).unwrap(), None, "another type");
    store.write(|tx| tx.delete(id)).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.get_as_of::<Counter>(id, Seq(1)).unwrap(), None);
}

#[test]
fn memories_have_a_history() {
    let (_home, store) = new_store();
    let memory = |content: &str| Memory {
        record_id: "m".to_owned(),
        content: content.to_owned(),
        ..Memory::default()
    };
    let id = store.write(|tx| tx.insert(&memory("old"))).unwrap();
    store.write(|tx| tx.put(id, &memory("new"))).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.get_as_of(id, Seq(1)).unwrap(), Some(memory("old")));
    assert_eq!(tx.get_as_of(id, Seq(2)).unwrap(), Some(memory("new")));
}

#[test]
fn earlier_values_of_a_type_that_is_not_registered_are_not_read() {
    let home = Home::new();
    let store = options().create(home.path()).unwrap();
    let id = store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    store.close().unwrap();
    let store = Store::open(home.path()).unwrap();
    let found = store.read().unwrap().get_as_of::<Card>(id, Seq(1));
    assert_eq!(fault(found), "not_found");
}
