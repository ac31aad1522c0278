//! The crate through its public interface, with a record type of the application's own as nodes.

use std::path::{Path, PathBuf};

use engraph::graph::{Betweenness, Graph, PageRank};
use engraph::record::{Facts, Record};
use engraph::{GraphMemory, Kind, NewEdge, NodeId, Store};
use serde::{Deserialize, Serialize};

use super::{Scores, Sizes, Stored, Walk, Whole, key};
use crate::Outcome;
use crate::rmat::{Edge, KIND_NAMES, Rmat};

/// Edges of one write beside a graph in memory.
const WRITE_EDGES: usize = 1_000;

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Node {
    number: u32,
}

impl Record for Node {
    const NAME: &'static str = "benchmark_node";

    fn describe<'a>(&'a self, _facts: &mut Facts<'a>) {}
}

#[derive(Debug)]
pub struct Engraph {
    store: Store,
    /// Taken once, outside the time.
    graph: Graph,
    /// The nodes that have an edge, where the whole graph was asked for.
    touched: Vec<NodeId>,
    /// Space for answers.
    found: Vec<NodeId>,
}

fn node(number: u32) -> Outcome<NodeId> {
    Ok(NodeId::new(Kind::FIRST_OWN, key(number)).ok_or("key out of range")?)
}

fn new_edge(edge: &Edge) -> Outcome<NewEdge> {
    let (source, target) = (node(edge.source)?, node(edge.target)?);
    Ok(NewEdge::new(source, KIND_NAMES[usize::from(edge.kind)], target).weight(edge.weight))
}

fn place(folder: &Path) -> PathBuf {
    folder.join("store")
}

impl Engraph {
    fn of(store: Store) -> Outcome<Self> {
        let graph = store.graph()?;
        Ok(Self { store, graph, touched: Vec::new(), found: Vec::new() })
    }

    fn ranked(&self, options: &PageRank) -> Outcome<Option<Scores>> {
        let ranks = self.graph.page_rank(&[], options)?;
        let touched = self.touched.clone();
        Ok(Some(Box::new(move |take| {
            for node in &touched {
                take(node.as_u64(), ranks.of(*node).unwrap_or(f64::NAN));
            }
        })))
    }
}

impl Stored for Engraph {
    fn load(folder: &Path, graph: &Rmat) -> Outcome<Self> {
        let store = Store::builder().register::<Node>().create(place(folder))?;
        let edges = graph.edges.iter().map(new_edge).collect::<Outcome<Vec<_>>>()?;
        store.bulk(|tx| {
            for number in 0..graph.nodes {
                tx.insert(&Node { number })?;
            }
            tx.add_edges(&edges)
        })?;
        Self::of(store)
    }

    fn close(self) -> Outcome {
        Ok(self.store.close()?)
    }

    fn compact(folder: &Path) -> Outcome<u64> {
        let store = Store::builder().register::<Node>().open(place(folder))?;
        store.compact()?;
        let (data, _) = store.bytes_on_disk();
        store.close()?;
        Ok(data)
    }

    fn open(folder: &Path) -> Outcome<Self> {
        Self::of(Store::builder().register::<Node>().open(place(folder))?)
    }

    fn open_on_disk(folder: &Path) -> Outcome<Self> {
        let options = Store::builder().register::<Node>().graph(GraphMemory::never());
        Self::of(options.open(place(folder))?)
    }
}

impl Walk for Engraph {
    fn reach(&mut self, from: u32, hops: usize, kind: Option<u8>, into: &mut Vec<u64>) -> Outcome {
        let mut walk = self.graph.from(node(from)?).depth(1..=hops);
        if let Some(kind) = kind {
            walk = walk.out(KIND_NAMES[usize::from(kind)]);
        }
        self.found.clear();
        walk.nodes_into(&mut self.found)?;
        into.extend(self.found.iter().map(|id| id.as_u64()));
        Ok(())
    }

    fn hops(&mut self, (from, to): (u32, u32)) -> Outcome<u64> {
        let path = self.graph.shortest_path(node(from)?, node(to)?)?;
        Ok(path.ok_or("a pair has no path")?.edges.len() as u64)
    }
}

impl Whole for Engraph {
    fn build(folder: &Path, graph: &Rmat) -> Outcome<Self> {
        let store = if place(folder).exists() {
            <Self as Stored>::open(folder)?
        } else {
            <Self as Stored>::load(folder, graph)?
        };
        if !store.store.build_graph()? {
            return Err("the graph is too large for memory".into());
        }
        let graph_now = store.store.graph()?;
        let touched = graph.touched().into_iter().map(node).collect::<Outcome<Vec<_>>>()?;
        Ok(Self { graph: graph_now, touched, store: store.store, found: Vec::new() })
    }

    fn memory(&self) -> Outcome<Option<u64>> {
        Ok(Some(self.graph.snapshot()?.size_bytes() as u64))
    }

    /// Only where the store keeps its graph in memory through a write.
    fn add(self, edges: &[Edge], _all: &Rmat) -> Outcome<Option<Self>> {
        for edges in edges.chunks(WRITE_EDGES) {
            let new = edges.iter().map(new_edge).collect::<Outcome<Vec<_>>>()?;
            self.store.write(|tx| tx.add_edges(&new))?;
        }
        let graph = self.store.graph()?;
        Ok(graph.is_in_memory().then_some(Self { graph, ..self }))
    }

    fn cheapest(&mut self, (from, to): (u32, u32)) -> Outcome<Option<f64>> {
        let path = self.graph.path(node(from)?, node(to)?).weighted().find()?;
        Ok(Some(path.ok_or("a pair has no path")?.weight))
    }

    fn page_rank(&mut self, threads: usize) -> Outcome<Option<Scores>> {
        self.ranked(&PageRank::new().rounds(20).threads(threads))
    }

    fn personal_rank(&mut self, seed: u32) -> Outcome<Option<Scores>> {
        self.ranked(&PageRank::new().rounds(20).threads(1).seeds([node(seed)?]))
    }

    fn weak_parts(&mut self) -> Outcome<Option<Sizes>> {
        let parts = self.graph.weak_components(&[])?;
        Ok(Some(Box::new(move || parts.groups().iter().map(Vec::len).collect())))
    }

    fn strong_parts(&mut self) -> Outcome<Option<Sizes>> {
        let parts = self.graph.strong_components(&[])?;
        Ok(Some(Box::new(move || parts.groups().iter().map(Vec::len).collect())))
    }

    fn distances(&mut self, from: u32) -> Outcome<Option<Scores>> {
        let found = self.graph.distances(node(from)?).weighted().find()?;
        Ok(Some(Box::new(move |take| {
            for (node, distance) in found.iter() {
                take(node.as_u64(), distance);
            }
        })))
    }

    fn louvain(&mut self) -> Outcome<Option<f64>> {
        Ok(Some(self.graph.communities().louvain()?.modularity()))
    }

    fn triangles(&mut self) -> Outcome<Option<u64>> {
        Ok(Some(self.graph.triangles(&[])?.total()))
    }

    fn betweenness(&mut self, sources: &[u32]) -> Outcome<Option<Scores>> {
        let sources = sources.iter().map(|source| node(*source)).collect::<Outcome<Vec<_>>>()?;
        let found = self.graph.betweenness_centrality(&[], &Betweenness::new().sources(sources))?;
        Ok(Some(Box::new(move |take| {
            for (node, score) in found.iter() {
                take(node.as_u64(), score);
            }
        })))
    }

    fn publish(&mut self, edges: &[Edge]) -> Outcome<Option<f64>> {
        for edge in edges {
            let new = new_edge(edge)?;
            self.store.write(|tx| tx.add_edge(&new))?;
        }
        Ok(Some(self.store.latencies().publish.p50.as_secs_f64() * 1e6))
    }
}
