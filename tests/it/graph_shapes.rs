//! Graphs that are no kind of average: all finish, on blocks and in memory.
//!
//! `ENGRAPH_TEST_SHAPE_EDGES` sets how large the hub is, 1 000 000 for the real thing.

use engraph::{GraphMemory, NewEdge, NodeId, Store};

use crate::workload::{Card, Home, options};

const EDGES_VARIABLE: &str = "ENGRAPH_TEST_SHAPE_EDGES";
const EDGES_DEFAULT: usize = 20_000;

fn edges_max() -> usize {
    let edges = std::env::var(EDGES_VARIABLE).ok().and_then(|text| text.parse().ok());
    edges.unwrap_or(EDGES_DEFAULT)
}

/// Nodes, and edges between them by place.
fn store_of(nodes: usize, edges: impl Iterator<Item = (usize, usize)>) -> (Home, Vec<NodeId>) {
    let home = Home::new();
    let store = options().create(home.path()).unwrap();
    let ids = store
        .bulk(|tx| {
            let made = (0..nodes).map(|number| tx.insert(&Card::new(format!("c{number}"))));
            let ids = made.collect::<engraph::Result<Vec<_>>>()?;
            let edges: Vec<NewEdge> =
                edges.map(|(from, to)| NewEdge::new(ids[from], "to", ids[to])).collect();
            tx.add_edges(&edges)?;
            Ok(ids)
        })
        .unwrap();
    store.close().unwrap();
    (home, ids)
}

/// Runs on a graph that stays on disk, and on one in memory.
fn on_both(home: &Home, check: impl Fn(&Store)) {
    for memory in [GraphMemory::never(), GraphMemory::at_open()] {
        let store = options().graph(memory).open(home.path()).unwrap();
        check(&store);
        store.close().unwrap();
    }
}

#[test]
fn thirty_one_nodes_that_all_know_each_other_are_walked_to_depth_8() {
    let pairs = (0..31).flat_map(|from| (0..31).map(move |to| (from, to)));
    let (home, ids) = store_of(31, pairs.filter(|(from, to)| from != to));
    on_both(&home, |store| {
        let graph = store.graph().unwrap();
        assert_eq!(graph.from(ids[0]).depth(1..=8).nodes().unwrap().len(), 30);
        let path = graph.shortest_path(ids[3], ids[30]).unwrap().unwrap();
        assert_eq!(path.edges.len(), 1);
        // There are more simple paths than can be counted.
        let some = graph.path(ids[0], ids[1]).hops_max(8).all_simple(1_000).unwrap();
        assert_eq!(some.items.len(), 1_000);
    });
}

#[test]
fn a_hub_is_read_and_written_like_any_node() {
    let spokes = edges_max();
    let (home, ids) = store_of(spokes + 1, (1..=spokes).map(|spoke| (0, spoke)));
    on_both(&home, |store| {
        let graph = store.graph().unwrap();
        assert_eq!(graph.from(ids[0]).depth(1..=2).nodes().unwrap().len(), spokes);
        assert_eq!(graph.from(ids[spokes]).incoming("to").nodes().unwrap(), [ids[0]]);
        assert!(graph.shortest_path(ids[1], ids[2]).unwrap().is_none());
        let edge = store.write(|tx| tx.link(ids[0], "to", ids[1])).unwrap();
        assert!(store.write(|tx| tx.remove_edge(edge)).unwrap());
        let ranks = store.graph().unwrap().weak_components(&[]).unwrap();
        assert_eq!(ranks.groups().len(), 1);
    });
}

#[test]
fn a_chain_is_followed_to_its_end() {
    let length = edges_max() / 10;
    let (home, ids) = store_of(length + 1, (0..length).map(|from| (from, from + 1)));
    on_both(&home, |store| {
        let graph = store.graph().unwrap();
        let path = graph.shortest_path(ids[0], ids[length]).unwrap().unwrap();
        assert_eq!(path.edges.len(), length);
        let path = graph.path(ids[0], ids[length]).weighted().find().unwrap().unwrap();
        assert_eq!(path.edges.len(), length);
        assert_eq!(graph.from(ids[0]).depth(1..).nodes().unwrap().len(), length);
        assert_eq!(graph.strong_components(&[]).unwrap().groups().len(), length + 1);
    });
}

#[test]
fn many_parts_are_told_apart() {
    let parts = edges_max() / 10;
    let (home, ids) = store_of(2 * parts, (0..parts).map(|part| (2 * part, 2 * part + 1)));
    on_both(&home, |store| {
        let graph = store.graph().unwrap();
        assert_eq!(graph.weak_components(&[]).unwrap().groups().len(), parts);
        assert!(graph.shortest_path(ids[0], ids[2]).unwrap().is_none());
        assert_eq!(graph.communities().louvain().unwrap().groups().len(), parts);
    });
}
