//! The graph in memory: built, kept up to date and merged while others read and write.

use std::sync::atomic::{AtomicBool, Ordering};

use engraph::graph::Direction;
use engraph::{GraphMemory, GraphView, NewEdge, NodeId, Seq, Store};

use crate::check::Cards as _;
use crate::check::sound;
use crate::workload::{Card, Home, on_threads, options};

fn in_memory(home: &Home) -> Store {
    options().graph(GraphMemory::at_open()).create(home.path()).unwrap()
}

fn cards(store: &Store, count: usize) -> Vec<NodeId> {
    let insert = |tx: &mut engraph::WriteTx<'_>| {
        (0..count).map(|number| tx.insert(&Card::new(format!("c{number}")))).collect()
    };
    store.write(insert).unwrap()
}

#[test]
fn readers_see_the_graph_of_the_tables_that_they_see() {
    let home = Home::new();
    let store = in_memory(&home);
    let ids = cards(&store, 12);
    let writing = AtomicBool::new(true);
    on_threads(4, |thread| {
        if thread == 0 {
            for round in 0..250_usize {
                // The link of one card and an edge that says the same move in one write.
                let (from, to) = (ids[round % 12], ids[round * 7 % 12]);
                let moved = |tx: &mut engraph::WriteTx<'_>| {
                    let card: Card = tx.get(from)?.unwrap();
                    let rank = card.rank + 1;
                    tx.put(from, &Card { rank, next: Some(to), ..card })?;
                    tx.link(from, "went", to)
                };
                store.write(moved).unwrap();
                if round % 50 == 0 {
                    assert!(store.build_graph().unwrap());
                }
            }
            writing.store(false, Ordering::Release);
            return;
        }
        let mut last = Seq(0);
        while writing.load(Ordering::Acquire) {
            let tx = store.read().unwrap();
            let graph = tx.graph();
            assert!(tx.seq() >= last && graph.seq() == tx.seq());
            assert!(graph.is_in_memory());
            last = tx.seq();
            for (id, card) in tx.cards() {
                let next = graph.neighbors_of_type(id, Direction::Out, "next").unwrap();
                let next: Vec<NodeId> = next.iter().map(|neighbor| neighbor.node).collect();
                assert_eq!(next, card.next.into_iter().collect::<Vec<_>>());
                let went = graph.neighbors_of_type(id, Direction::Out, "went").unwrap();
                assert_eq!(went.len() as i64, card.rank, "as many edges as moves");
            }
            if thread == 1 {
                let edges = graph.snapshot().unwrap().edges_count() as i64;
                let moves: i64 = tx.cards().iter().map(|(_, card)| card.rank).sum();
                let links = tx.cards().iter().filter(|(_, card)| card.next.is_some()).count();
                assert_eq!(edges, moves + links as i64);
            }
        }
    });
    assert_eq!(store.latencies().publish.count, store.latencies().commit.count);
    sound(&store);
}

#[test]
fn a_reopened_store_has_the_graph_that_was_closed() {
    let home = Home::new();
    let store = in_memory(&home);
    let ids = cards(&store, 5);
    let heavy = NewEdge::new(ids[0], "near", ids[4]).weight(2.5);
    store.write(|tx| tx.add_edge(&heavy).map(drop)).unwrap();
    store.write(|tx| tx.link(ids[0], "near", ids[2]).map(drop)).unwrap();
    store.write(|tx| tx.delete(ids[2]).map(drop)).unwrap();
    let before = store.graph().unwrap().neighbors(ids[0], Direction::Out).unwrap();
    assert_eq!((before.len(), before[0].weight), (1, 2.5));
    store.close().unwrap();
    for memory in [GraphMemory::at_open(), GraphMemory::never()] {
        let store = options().graph(memory).open(home.path()).unwrap();
        let graph = store.graph().unwrap();
        assert_eq!(graph.is_in_memory(), memory == GraphMemory::at_open());
        assert_eq!(graph.neighbors(ids[0], Direction::Out).unwrap(), before);
        store.close().unwrap();
    }
    let store = options().graph(GraphMemory::at_open()).open_read_only(home.path()).unwrap();
    assert!(store.graph().unwrap().is_in_memory());
}

#[test]
fn statistics_say_which_view_is_in_use_and_stay_as_they_are() {
    let home = Home::new();
    let store = in_memory(&home);
    assert_eq!(store.stats().unwrap().graph_cache.view, GraphView::Snapshot);
    let ids = cards(&store, 3);
    store.write(|tx| tx.link(ids[0], "near", ids[2]).map(drop)).unwrap();
    let with_delta = store.stats().unwrap();
    let graph = with_delta.graph_cache;
    assert_eq!((graph.view, graph.delta_entries), (GraphView::Delta, 2));
    assert!(graph.memory_bytes > 0);
    store.write(|_| Ok(())).unwrap();
    assert_eq!(store.stats().unwrap(), with_delta, "nothing measured is in it");
    assert!(store.build_graph().unwrap());
    let merged = store.stats().unwrap().graph_cache;
    assert_eq!((merged.view, merged.delta_entries), (GraphView::Snapshot, 0));
    assert_eq!(merged.snapshot_edges, 1);
    store.bulk(|tx| tx.link(ids[0], "near", ids[1]).map(drop)).unwrap();
    assert_eq!(store.latencies().commit.count, 2, "one a commit");
    let shortest = store.latencies().publish;
    assert!(shortest.min <= shortest.p50 && shortest.p50 <= shortest.max);
}
