//! Suite `graph`: loading, traversal and whole-graph algorithms on R-MAT.
//!
//! A system is measured in stages, each in a process of its own, because opening and memory are
//! only told by a fresh one: `disk` (load and size), `open` (to the first answer), `blocks`
//! (traversal before there is a snapshot in memory), `memory` (traversal and algorithms in memory),
//! `delta` (edges added to it afterwards). What a system cannot do it says with `None`, and the
//! measure is left out for it.

mod csr;
mod csr_whole;
mod engraph_system;
mod packed;
mod petgraph_system;
pub mod python;
mod sqlite;
mod stages;
mod walk;

use std::path::Path;

use crate::Outcome;
use crate::child::Task;
use crate::rmat::{Edge, Rmat};

use csr::Csr;
use engraph_system::Engraph;
use packed::Packed;
use petgraph_system::Petgraph;
use sqlite::Sqlite;

/// The systems of this suite.
pub const SYSTEMS: &[&str] = &["engraph", "limit", "petgraph", "sqlite", "networkx", "igraph"];

/// The key of a node: engraph counts from 1.
pub fn key(node: u32) -> u64 {
    u64::from(node) + 1
}

/// Numbers by node, told one by one so that telling stays out of the time.
pub type Scores = Box<dyn Fn(&mut dyn FnMut(u64, f64))>;

/// The sizes of the parts of a graph, told on demand, so that counting stays out of the time.
pub type Sizes = Box<dyn Fn() -> Vec<usize>>;

/// What every system does: neighbourhoods and shortest paths.
pub trait Walk {
    /// The ids of the distinct nodes within so many out-hops of a node, itself not counted, over
    /// edges of one type or of all, into the caller's buffer. Ids hold the key in their low 56
    /// bits.
    fn reach(&mut self, from: u32, hops: usize, kind: Option<u8>, into: &mut Vec<u64>) -> Outcome;
    /// The fewest edges from a node to another, which it leads to.
    fn hops(&mut self, pair: (u32, u32)) -> Outcome<u64>;
}

/// A graph on disk.
pub trait Stored: Walk + Sized {
    /// Writes nodes and edges, durable at the end.
    fn load(folder: &Path, graph: &Rmat) -> Outcome<Self>;
    /// Closes it.
    fn close(self) -> Outcome;
    /// Makes the data as small as it gets, and says how many bytes that is.
    fn compact(folder: &Path) -> Outcome<u64>;
    /// Opens what was loaded.
    fn open(folder: &Path) -> Outcome<Self>;
    /// As `open`, never to bring the graph into memory.
    fn open_on_disk(folder: &Path) -> Outcome<Self> {
        Self::open(folder)
    }
}

/// A graph that is traversed as a whole. Each measure of its own is left out where it is `None`.
pub trait Whole: Walk + Sized {
    /// Gets the whole graph ready; for systems with a store it lies in `folder` already.
    fn build(folder: &Path, graph: &Rmat) -> Outcome<Self>;
    /// Bytes in memory, by its own count.
    fn memory(&self) -> Outcome<Option<u64>> {
        Ok(None)
    }
    /// Adds edges to a graph that is ready, which stays so.
    fn add(self, _edges: &[Edge], _all: &Rmat) -> Outcome<Option<Self>> {
        Ok(None)
    }
    /// The smallest sum of weights from a node to another.
    fn cheapest(&mut self, _pair: (u32, u32)) -> Outcome<Option<f64>> {
        Ok(None)
    }
    /// As [`Whole::cheapest`], by a second search of the system that starts from both ends, where
    /// its usual one starts from one.
    fn cheapest_from_both_ends(&mut self, _pair: (u32, u32)) -> Outcome<Option<f64>> {
        Ok(None)
    }
    /// The smallest sums of weights from a node to all it leads to, itself included.
    fn distances(&mut self, _from: u32) -> Outcome<Option<Scores>> {
        Ok(None)
    }
    /// Twenty rounds of PageRank from equal shares over the nodes that have an edge, damping 0.85,
    /// dead ends spread evenly.
    fn page_rank(&mut self, _threads: usize) -> Outcome<Option<Scores>> {
        Ok(None)
    }
    /// The same where every walk starts anew at one node.
    fn personal_rank(&mut self, _seed: u32) -> Outcome<Option<Scores>> {
        Ok(None)
    }
    /// Weakly connected parts of the nodes that have an edge.
    fn weak_parts(&mut self) -> Outcome<Option<Sizes>> {
        Ok(None)
    }
    /// Strongly connected parts of them.
    fn strong_parts(&mut self) -> Outcome<Option<Sizes>> {
        Ok(None)
    }
    /// Communities by Louvain's method, without directions; how good they are.
    fn louvain(&mut self) -> Outcome<Option<f64>> {
        Ok(None)
    }
    /// Triangles, without directions and parallel edges.
    fn triangles(&mut self) -> Outcome<Option<u64>> {
        Ok(None)
    }
    /// Betweenness by the shortest paths from these nodes alone, without parallel edges; neither
    /// scaled nor divided.
    fn betweenness(&mut self, _sources: &[u32]) -> Outcome<Option<Scores>> {
        Ok(None)
    }
    /// Writes one edge, so many times, and says the median of the times between the commit and the
    /// published view, in microseconds, as the system itself has counted them.
    fn publish(&mut self, _edges: &[Edge]) -> Outcome<Option<f64>> {
        Ok(None)
    }
}

/// Runs the suite for a system, or one stage of it.
pub fn run(task: &Task, stage: Option<&str>) -> Outcome {
    let Some(stage) = stage else { return all_stages(task) };
    match (task.system.as_str(), stage) {
        ("engraph", "disk") => stages::disk::<Engraph>(task),
        ("engraph", "open") => stages::open::<Engraph>(task),
        ("engraph", "blocks") => stages::blocks::<Engraph>(task),
        ("engraph", "memory") => stages::memory::<Engraph>(task),
        ("engraph", "delta") => stages::delta::<Engraph>(task),
        ("limit", "disk") => stages::disk::<Packed>(task),
        ("limit", "open") => stages::open::<Packed>(task),
        ("limit", "blocks") => stages::blocks::<Packed>(task),
        ("limit", "memory") => stages::memory::<Csr>(task),
        ("limit", "delta") => stages::delta::<Csr>(task),
        ("petgraph", "memory") => stages::memory::<Petgraph>(task),
        ("petgraph", "delta") => stages::delta::<Petgraph>(task),
        ("sqlite", "disk") => stages::disk::<Sqlite>(task),
        ("sqlite", "open") => stages::open::<Sqlite>(task),
        ("sqlite", "memory") => stages::memory::<Sqlite>(task),
        (_, stage) => Err(format!("system {} has no stage {stage}", task.system).into()),
    }
}

fn all_stages(task: &Task) -> Outcome {
    let stages: &[&str] = match task.system.as_str() {
        "engraph" | "limit" => &["disk", "open", "blocks", "memory", "delta"],
        "petgraph" => &["memory", "delta"],
        "sqlite" => &["disk", "open", "memory"],
        name if python::SYSTEMS.contains(&name) => return python::run(task),
        _ => return task.unknown_system(),
    };
    stages.iter().try_for_each(|stage| task.stage(stage))
}
