//! The life of a store: made, opened, read, closed.

use engraph::record::Document;
use engraph::{ManualClock, Seq, Store, Timestamp};

use crate::check::{Cards as _, fault};
use crate::workload::{Card, Home, new_store, options};

#[test]
fn a_store_is_made_in_an_absent_or_an_empty_directory() {
    let home = Home::new();
    let nested = home.around().join("a").join("b");
    Store::create(&nested).unwrap().close().unwrap();
    let empty = home.around().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let store = Store::create(&empty).unwrap();
    assert_eq!(store.directory(), empty);
    assert_eq!(store.seq(), Seq(0));
    assert!(store.bytes_on_disk().0 > 0);
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let (home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Card::new("a").place("left", 3))).unwrap();
    let (seq, time) = (store.seq(), store.last_write_time());
    store.close().unwrap();
    let store = home.open();
    assert_eq!((store.seq(), store.last_write_time()), (seq, time));
    assert_eq!(store.read().unwrap().card(id), Some(Card::new("a").place("left", 3)));
}

#[test]
fn a_dropped_store_is_closed() {
    let (home, store) = new_store();
    let clone = store.clone();
    drop(store);
    clone.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    drop(clone);
    assert_eq!(home.open().read().unwrap().cards().len(), 1);
}

#[test]
fn after_closing_every_call_on_every_clone_says_so() {
    let (_home, store) = new_store();
    let clone = store.clone();
    store.close().unwrap();
    clone.close().unwrap();
    assert_eq!(fault(clone.read()), "closed");
    assert_eq!(fault(clone.write(|_| Ok(()))), "closed");
    assert_eq!(fault(clone.bulk(|_| Ok(()))), "closed");
    assert_eq!(fault(clone.changes(Seq(0), 1)), "closed");
}

#[test]
fn a_reader_keeps_its_view_while_others_write() {
    let (_home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Card::new("old"))).unwrap();
    let before = store.read().unwrap();
    store
        .write(|tx| {
            tx.put(id, &Card::new("new"))?;
            tx.insert(&Card::new("more"))
        })
        .unwrap();
    store.bulk(|tx| tx.insert(&Card::new("bulk"))).unwrap();
    assert_eq!(before.seq(), Seq(1));
    assert_eq!(before.cards(), [(id, Card::new("old"))]);
    assert_eq!(before.by_code("new"), None);
    let after = store.read().unwrap();
    assert_eq!((after.seq(), after.cards().len()), (Seq(3), 3));
}

#[test]
fn a_reader_outlives_the_closed_store_without_a_panic() {
    let (home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    let reader = store.read().unwrap();
    store.close().unwrap();
    if let Ok(found) = reader.get::<Card>(id) {
        assert_eq!(found, Some(Card::new("a")));
    }
    drop(reader);
    assert_eq!(home.open().read().unwrap().card(id), Some(Card::new("a")));
}

#[test]
fn a_store_opened_for_reading_refuses_to_write() {
    let (home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    store.close().unwrap();
    let store = options().open_read_only(home.path()).unwrap();
    assert_eq!(store.read().unwrap().card(id), Some(Card::new("a")));
    assert_eq!(store.changes(Seq(0), 9).unwrap().len(), 1);
    assert_eq!(fault(store.write(|tx| tx.insert(&Card::new("b")))), "read_only");
    assert_eq!(fault(store.bulk(|tx| tx.insert(&Card::new("b")))), "read_only");
    store.close().unwrap();
}

#[test]
fn records_of_different_types_have_keys_of_their_own() {
    let (_home, store) = new_store();
    let (card, document) = store
        .write(|tx| Ok((tx.insert(&Card::new("a"))?, tx.insert(&Document::default())?)))
        .unwrap();
    assert_eq!((card.key(), document.key()), (1, 1));
    let tx = store.read().unwrap();
    assert_eq!(tx.get::<Document>(card).unwrap(), None, "another type is not there");
    assert_eq!(tx.get::<Document>(document).unwrap(), Some(Document::default()));
    assert_eq!(tx.kind_of::<Card>().unwrap(), card.kind());
    assert_eq!(tx.get_json(card).unwrap().unwrap()["code"], "a");
    assert_eq!(tx.origin(card), None);
}

#[test]
fn times_grow_while_the_clock_stands_still_and_after_it_went_back() {
    let home = Home::new();
    let late = Timestamp::from_micros(5_000);
    let store = options().clock(ManualClock::new(late)).create(home.path()).unwrap();
    let mut times = Vec::new();
    for number in 0..5 {
        let code = number.to_string();
        times.push(
            store
                .write(|tx| {
                    tx.insert(&Card::new(code))?;
                    Ok(tx.now())
                })
                .unwrap(),
        );
        assert_eq!(Some(&store.last_write_time()), times.last());
    }
    times.push(
        store
            .bulk(|tx| {
                tx.insert(&Card::new("bulk"))?;
                Ok(tx.now())
            })
            .unwrap(),
    );
    store.close().unwrap();
    let early = ManualClock::new(Timestamp::from_micros(10));
    let store = options().clock(early).open(home.path()).unwrap();
    let last = store
        .write(|tx| {
            tx.insert(&Card::new("last"))?;
            Ok(tx.now())
        })
        .unwrap();
    times.push(last);
    assert_eq!(times[0], late);
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}
