//! The change feed: every write once, in order, in pages, across bulk loads.

use engraph::{Change, EdgeId, Error, NodeId, Operation, Seq, Store};

use crate::check::whole_feed;
use crate::workload::{Card, new_store};

/// The feed read in pages, and how many pages it took.
fn in_pages(store: &Store, limit: usize) -> (Vec<Change>, usize) {
    let (mut all, mut pages) = (Vec::new(), 0);
    let mut after = Seq(0);
    loop {
        let page = store.changes(after, limit).unwrap();
        let Some(last) = page.last() else { return (all, pages) };
        after = last.seq;
        all.extend(page);
        pages += 1;
    }
}

fn nodes(changes: &[Change], operation: Operation) -> Vec<NodeId> {
    let of_operation = changes.iter().filter(|change| change.operation == operation);
    of_operation.flat_map(|change| change.nodes().collect::<Vec<_>>()).collect()
}

fn edges(changes: &[Change], operation: Operation) -> Vec<EdgeId> {
    let of_operation = changes.iter().filter(|change| change.operation == operation);
    of_operation.flat_map(|change| change.edges().collect::<Vec<_>>()).collect()
}

#[test]
fn the_feed_says_what_every_write_did() {
    let (home, store) = new_store();
    assert_eq!(store.changes(Seq(0), 9).unwrap(), []);
    let (ids, edge) = store
        .write(|tx| {
            let ids = [tx.insert(&Card::new("a"))?, tx.insert(&Card::new("b"))?];
            Ok((ids, tx.link(ids[0], "to", ids[1])?))
        })
        .unwrap();
    let failed: engraph::Result<()> = store.write(|tx| {
        tx.insert(&Card::new("never"))?;
        Err(Error::Closed)
    });
    assert!(matches!(failed, Err(Error::Closed)));
    store.write(|tx| tx.put(ids[1], &Card::new("c"))).unwrap();
    store.write(|tx| tx.delete(ids[0])).unwrap();
    store.close().unwrap();
    let store = home.open();
    let feed = whole_feed(&store);
    let of = |seq| -> Vec<Change> {
        feed.iter().filter(|change| change.seq == Seq(seq)).copied().collect()
    };
    assert_eq!(nodes(&of(1), Operation::Put), ids);
    assert_eq!(edges(&of(1), Operation::Link), [edge]);
    assert_eq!(nodes(&of(2), Operation::Put), [ids[1]]);
    assert_eq!(nodes(&of(3), Operation::Delete), [ids[0]]);
    assert_eq!(edges(&of(3), Operation::Unlink), [edge]);
    assert_eq!(feed.last().map(|change| change.seq), Some(Seq(3)));
}

#[test]
fn pages_of_any_size_make_the_same_feed() {
    let (_home, store) = new_store();
    for round in 0..6 {
        let insert = |tx: &mut engraph::WriteTx<'_>| {
            let first = tx.insert(&Card::new(format!("{round} a")))?;
            let second = tx.insert(&Card::new(format!("{round} b")))?;
            tx.link(first, "to", second)?;
            tx.delete(first).map(|_| ())
        };
        if round % 2 == 0 { store.write(insert).unwrap() } else { store.bulk(insert).unwrap() }
    }
    let feed = whole_feed(&store);
    for limit in [1, 2, 3, 5, 7, 100, usize::MAX] {
        let (found, pages) = in_pages(&store, limit);
        assert_eq!(found, feed, "in pages of {limit}");
        assert!(pages <= 6, "a page holds whole writes, at least one: {pages}");
    }
    assert_eq!(in_pages(&store, 1).1, 6);
    let rest = store.changes(Seq(4), 100).unwrap();
    assert_eq!(rest, feed[feed.len() - rest.len()..]);
    assert_eq!(rest.first().map(|change| change.seq), Some(Seq(5)));
}

#[test]
fn a_bulk_load_is_one_run_and_one_time() {
    let (_home, store) = new_store();
    let count = 5_000;
    let ids = store
        .bulk(|tx| {
            (0..count)
                .map(|number| tx.insert(&Card::new(number.to_string())))
                .collect::<engraph::Result<Vec<_>>>()
        })
        .unwrap();
    let feed = whole_feed(&store);
    assert_eq!(feed.len(), 1, "ids that follow each other are one run");
    assert_eq!(feed[0].count, count);
    assert_eq!(nodes(&feed, Operation::Put), ids);
}

#[test]
fn a_write_of_many_scattered_ids_is_told_whole() {
    let (_home, store) = new_store();
    let ids = store
        .bulk(|tx| {
            (0..6_000)
                .map(|number| tx.insert(&Card::new(number.to_string())))
                .collect::<engraph::Result<Vec<_>>>()
        })
        .unwrap();
    let every_other: Vec<NodeId> = ids.iter().copied().step_by(2).collect();
    store
        .write(|tx| {
            for id in &every_other {
                tx.delete(*id)?;
            }
            Ok(())
        })
        .unwrap();
    let feed = whole_feed(&store);
    assert_eq!(nodes(&feed, Operation::Delete), every_other);
    let page = store.changes(Seq(1), 10).unwrap();
    assert_eq!(page.len(), every_other.len(), "a page never ends inside a write");
}

#[test]
fn behind_the_newest_write_there_is_nothing() {
    let (_home, store) = new_store();
    store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    for after in [1, 2, u64::MAX - 1, u64::MAX] {
        assert_eq!(store.changes(Seq(after), 10).unwrap(), [], "after {after}");
    }
}
