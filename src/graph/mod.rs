//! The graph: views of the edges, traversal, paths and algorithms. The only folder naming petgraph.
//!
//! Every record is a node; edges and links lie in the adjacency blocks of the store. They are read
//! as *blocks*, straight from a read transaction, or in memory: a *snapshot*, alone or with the
//! *delta* of what has changed since over it. [`Graph`] holds whichever is there; answers are the
//! same on all, order included. Nothing here writes.

mod algorithm;
mod blocks;
mod budget;
mod build;
mod centrality;
mod community;
mod cores;
mod cuts;
mod cycles;
mod delta;
mod dominators;
mod edge;
mod expression;
mod flow;
mod follow;
mod khop;
mod live;
mod local;
mod local_rank;
mod meter;
mod page;
mod parallel;
mod part;
mod path;
mod prediction;
mod random;
mod random_walk;
mod rank;
mod regular;
mod scores;
mod shortest;
mod similarity;
mod simrank;
mod snapshot;
mod sorted;
mod spanning;
mod steps;
mod subgraph;
mod summary;
mod timed;
mod traverse;
mod triangles;
mod undirected;
mod view;
mod visit;

#[cfg(test)]
mod model;

use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, Kind, NodeId, Seq};
use crate::base::time::Timestamp;
use crate::storage;

pub use algorithm::{Components, Order};
pub(crate) use blocks::BlocksView;
pub use budget::{End, Outcome};
pub use centrality::{Betweenness, Closeness, Degree, Eigenvector, Katz};
pub use community::{Communities, CommunitySearch};
pub use cores::Cores;
pub use cuts::Cuts;
pub use cycles::CycleSearch;
pub use dominators::Dominators;
pub use edge::GraphEdge;
pub use flow::{Flow, FlowEdge, FlowSearch};
pub use follow::Edge;
pub(crate) use follow::EdgeDetails;
pub(crate) use live::Live;
pub use local_rank::{LocalPageRank, LocalRanks};
pub(crate) use meter::Meter;
pub use page::Page;
pub use path::{Path, PathSearch};
pub use prediction::PredictedLink;
pub use random_walk::{RandomWalks, Walks};
pub use rank::PageRank;
pub use regular::{Matched, RegularPath};
pub use scores::Scores;
pub use shortest::{DistanceSearch, Distances};
pub use similarity::{Measure, Similarity};
pub use simrank::SimRank;
pub use snapshot::Snapshot;
pub use spanning::SpanningForest;
pub use steps::Pattern;
pub use subgraph::{Ego, Subgraph, SubgraphEdge, SubgraphLimits};
pub use summary::{DegreeRange, Summary, TypeCount};
pub use timed::{Arrival, TimedPath, TimedSearch};
pub use traverse::{Reached, Walk};
pub use triangles::Triangles;
pub(crate) use view::GraphView;
pub use visit::{AllEdges, EdgeReference, NodeEdges, Visited};

use view::Side;

/// What the names of edge types are resolved with.
pub(crate) trait EdgeNames: Send + Sync {
    /// The number of a known name.
    fn number(&self, name: &str) -> Option<u32>;
    /// The name behind a number.
    fn name(&self, number: u32) -> Option<Arc<str>>;
    /// The kind of a record type, by its name. None where the graph's owner knows no types.
    fn kind(&self, _record_type: &str) -> Option<Kind> {
        None
    }
}

/// Which edges of a node are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Edges that start at the node.
    #[default]
    Out,
    /// Edges that end at the node.
    In,
    /// The outward edges, then the inward ones. A self loop is one of each.
    Both,
}

impl Direction {
    pub(crate) fn sides(self) -> &'static [Side] {
        match self {
            Self::Out => &[Side::Out],
            Self::In => &[Side::In],
            Self::Both => &[Side::Out, Side::In],
        }
    }

    /// The same edges seen from their other ends.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Out => Self::In,
            Self::In => Self::Out,
            Self::Both => Self::Both,
        }
    }
}

/// One edge of a node, as seen from it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Neighbor {
    /// The name of the edge's type.
    pub edge_type: Arc<str>,
    /// The other end.
    pub node: NodeId,
    /// The edge; [`EdgeId::LINK`] for a link.
    pub edge: EdgeId,
    /// The weight; 1 where none was given.
    pub weight: f32,
}

/// The graph as of one write. Cheap to clone; shared between threads; never waits for writers.
#[derive(Clone)]
pub struct Graph {
    names: Arc<dyn EdgeNames>,
    seq: Seq,
    details: Arc<dyn EdgeDetails>,
    view: View,
}

#[derive(Clone)]
enum View {
    Blocks(Arc<Blocks>),
    Snapshot(Arc<Snapshot>),
    Live(Arc<Live>),
}

struct Blocks {
    rows: Arc<storage::snapshot::Snapshot>,
    meter: Arc<Meter>,
    /// Made when a whole-graph algorithm first asks for it, or behind everybody's back.
    built: OnceLock<Arc<Snapshot>>,
}

/// The view that a graph is read through.
pub(crate) enum Reading<'a> {
    Blocks(BlocksView<'a, storage::snapshot::Snapshot>),
    Snapshot(&'a Snapshot),
    Live(&'a Live),
}

/// Runs an expression on whichever view there is.
macro_rules! on_view {
    ($graph:expr, $view:ident => $body:expr) => {
        match $graph.reading() {
            $crate::graph::Reading::Blocks(blocks) => {
                let $view = &blocks;
                $body
            }
            $crate::graph::Reading::Snapshot($view) => $body,
            $crate::graph::Reading::Live($view) => $body,
        }
    };
}
pub(crate) use on_view;

impl Graph {
    /// The graph in the adjacency blocks of `rows`, whose last write is `seq`. What is read from
    /// them is counted by `meter`.
    pub(crate) fn of_blocks(
        rows: Arc<storage::snapshot::Snapshot>,
        seq: Seq,
        names: Arc<dyn EdgeNames>,
        meter: Arc<Meter>,
    ) -> Self {
        let details: Arc<dyn EdgeDetails> = Arc::<storage::snapshot::Snapshot>::clone(&rows);
        let blocks = Blocks { rows, meter, built: OnceLock::new() };
        Self { names, details, seq, view: View::Blocks(Arc::new(blocks)) }
    }

    /// The graph of a snapshot in memory.
    #[cfg(test)]
    pub(crate) fn of_snapshot(snapshot: Arc<Snapshot>, names: Arc<dyn EdgeNames>) -> Self {
        let details = Arc::new(storage::testing::MemoryRows::default());
        Self { names, details, seq: snapshot.seq(), view: View::Snapshot(snapshot) }
    }

    /// The graph of a snapshot in memory and the delta over it. Without a delta nothing is left of
    /// the detour.
    pub(crate) fn of_live(
        live: &Arc<Live>,
        names: Arc<dyn EdgeNames>,
        details: Arc<dyn EdgeDetails>,
    ) -> Self {
        let view = match live.plain() {
            Some(plain) => View::Snapshot(Arc::clone(plain)),
            None => View::Live(Arc::clone(live)),
        };
        Self { names, details, seq: live.seq(), view }
    }

    pub(crate) fn reading(&self) -> Reading<'_> {
        match &self.view {
            View::Blocks(blocks) => match blocks.built.get() {
                Some(built) => Reading::Snapshot(built),
                None => Reading::Blocks(BlocksView::metered(&blocks.rows, &blocks.meter)),
            },
            View::Snapshot(snapshot) => Reading::Snapshot(snapshot),
            View::Live(live) => Reading::Live(live),
        }
    }

    /// The snapshot that was built for this graph while it was read from blocks.
    pub(crate) fn built(&self) -> Option<&Arc<Snapshot>> {
        match &self.view {
            View::Blocks(blocks) => blocks.built.get(),
            View::Snapshot(_) | View::Live(_) => None,
        }
    }

    /// Lets this graph and its clones be read from a snapshot of the same state.
    pub(crate) fn adopt(&self, snapshot: &Arc<Snapshot>) {
        if let View::Blocks(blocks) = &self.view {
            blocks.built.get_or_init(|| Arc::clone(snapshot));
        }
    }

    /// The sequence number of the last write in it.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Whether the graph is in memory, rather than read from blocks as it is asked.
    pub fn is_in_memory(&self) -> bool {
        !matches!(self.reading(), Reading::Blocks(_))
    }

    /// The whole graph as one snapshot in memory, for petgraph's algorithms. Where there is none
    /// yet it is built now, or folded from an older one and what changed since, in time linear in
    /// the edges, and kept with this graph and its clones.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when adjacency blocks are damaged; [`Error::Limit`] for more than 2^32
    /// nodes or edges.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>> {
        match &self.view {
            View::Snapshot(snapshot) => Ok(Arc::clone(snapshot)),
            View::Live(live) => live.folded(),
            View::Blocks(blocks) => {
                if let Some(built) = blocks.built.get() {
                    return Ok(Arc::clone(built));
                }
                let built = Arc::new(Snapshot::build(&*blocks.rows, self.seq)?);
                Ok(Arc::clone(blocks.built.get_or_init(|| built)))
            }
        }
    }

    /// The edges of a node, sorted by edge type (in the order in which types were first used), then
    /// neighbour, then edge. Parallel edges are listed one by one.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when adjacency blocks are damaged.
    pub fn neighbors(&self, node: NodeId, direction: Direction) -> Result<Vec<Neighbor>> {
        on_view!(self, view => list_neighbors(view, &*self.names, node, (direction, None)))
    }

    /// As [`Graph::neighbors`], of one edge type; none for a type that was never used.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when adjacency blocks are damaged.
    pub fn neighbors_of_type(
        &self,
        node: NodeId,
        direction: Direction,
        edge_type: &str,
    ) -> Result<Vec<Neighbor>> {
        let Some(number) = self.names.number(edge_type) else { return Ok(Vec::new()) };
        on_view!(self, view => {
            list_neighbors(view, &*self.names, node, (direction, Some(number)))
        })
    }

    /// How many edges a node has.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when adjacency blocks are damaged.
    pub fn degree(&self, node: NodeId, direction: Direction) -> Result<usize> {
        on_view!(self, view => {
            let Some(node) = view.find(node) else { return Ok(0) };
            direction.sides().iter().try_fold(0, |sum, side| {
                Ok(sum + view.degree(node, *side, None)?)
            })
        })
    }

    /// Starts a walk from a node; see [`Walk`].
    pub fn from(&self, node: NodeId) -> Walk<'_> {
        Walk::new(self, node)
    }

    /// Starts a pattern of several steps from a node; see [`Pattern`].
    pub fn pattern(&self, start: NodeId) -> Pattern<'_> {
        Pattern::new(self, start)
    }

    /// Starts a search along a regular expression over edge types; see [`RegularPath`].
    ///
    /// # Errors
    /// [`Error::Query`] with the offset of the first fault of the expression.
    pub fn regular(&self, start: NodeId, expression: &str) -> Result<RegularPath<'_>> {
        RegularPath::new(self, start, expression)
    }

    /// Starts a search for paths that respect time; see [`TimedSearch`].
    pub fn timed(&self, start: NodeId, departure: Timestamp) -> TimedSearch<'_> {
        TimedSearch::new(self, start, departure)
    }

    /// Starts a search for the distances of all nodes from one; see [`DistanceSearch`].
    pub fn distances(&self, start: NodeId) -> DistanceSearch<'_> {
        DistanceSearch::new(self, start)
    }

    /// Starts a search for a path; see [`PathSearch`].
    pub fn path(&self, from: NodeId, to: NodeId) -> PathSearch<'_> {
        PathSearch::new(self, from, to)
    }

    /// A path with the fewest edges along their direction, of any type. `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when adjacency blocks are damaged.
    pub fn shortest_path(&self, from: NodeId, to: NodeId) -> Result<Option<Path>> {
        self.path(from, to).find()
    }

    /// The name of an edge type, from its number in a snapshot. `None` when there is no such type.
    #[must_use]
    pub fn edge_type_name(&self, number: u32) -> Option<Arc<str>> {
        self.names.name(number)
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("seq", &self.seq())
            .field("is_in_memory", &self.is_in_memory())
            .finish_non_exhaustive()
    }
}

fn name_of(names: &dyn EdgeNames, edge_type: u32) -> Result<Arc<str>> {
    names
        .name(edge_type)
        .ok_or_else(|| Error::corrupt("table names", format!("edge type {edge_type} has no name")))
}

/// The edges of a node on any view, those of an overlay included.
pub(crate) fn list_neighbors<V: GraphView>(
    view: &V,
    names: &dyn EdgeNames,
    node: NodeId,
    (direction, edge_type): (Direction, Option<u32>),
) -> Result<Vec<Neighbor>> {
    let mut found = Vec::new();
    let Some(node) = view.find(node) else { return Ok(found) };
    let mut known: Option<(u32, Arc<str>)> = None;
    let mut failed = None;
    for side in direction.sides() {
        let flow = view.for_each(node, *side, edge_type, |hop| {
            // Types come in runs, so that names are looked up once a run.
            let name = match &known {
                Some((number, name)) if *number == hop.edge_type => Arc::clone(name),
                _ => match name_of(names, hop.edge_type) {
                    Ok(name) => {
                        known = Some((hop.edge_type, Arc::clone(&name)));
                        name
                    }
                    Err(error) => {
                        failed = Some(error);
                        return ControlFlow::Break(());
                    }
                },
            };
            let (edge, weight) = view.edge(hop.via);
            found.push(Neighbor { edge_type: name, node: view.id(hop.node), edge, weight });
            ControlFlow::Continue(())
        })?;
        if flow.is_break() {
            break;
        }
    }
    failed.map_or(Ok(found), Err)
}

#[cfg(test)]
mod tests {
    use super::model::{Model, names, node};
    use super::*;
    use crate::storage::engine::{Engine, EngineOptions};
    use crate::storage::layer::Layer;
    use crate::storage::tables::TableId;

    /// The graph of a model, straight from the blocks of a store's file.
    fn on_disk(model: &Model) -> (tempfile::TempDir, Engine, Graph) {
        let folder = tempfile::tempdir().unwrap();
        let options = EngineOptions::new(1 << 20);
        let engine = Engine::create(&folder.path().join("data.redb"), options).unwrap();
        let mut layer = Layer::default();
        for (key, value) in model.rows().table(TableId::ADJACENCY) {
            layer.set(TableId::ADJACENCY, &key, Some(&value));
        }
        engine.commit(&layer, false).unwrap();
        let rows = Arc::new(engine.snapshot().unwrap());
        (folder, engine, Graph::of_blocks(rows, Seq(1), names(), Arc::default()))
    }

    #[test]
    fn blocks_of_a_file_answer_as_the_snapshot_does() {
        let mut edges: Vec<(u64, u64)> = (1..4_000).map(|number| (0, number)).collect();
        edges.extend([(5, 6), (6, 5), (7, 7), (5, 6), (3_000, 8)]);
        let mut model = Model::of(&edges);
        for edge in model.edges.iter_mut().step_by(3) {
            edge.edge_type = 1;
        }
        let (_folder, _engine, blocks) = on_disk(&model);
        let memory = model.graph();
        for number in [0, 5, 6, 7, 8, 3_000, 9_999] {
            for direction in [Direction::Out, Direction::In, Direction::Both] {
                let id = node(number);
                let listed = blocks.neighbors(id, direction).unwrap();
                assert_eq!(listed, memory.neighbors(id, direction).unwrap());
                assert_eq!(blocks.degree(id, direction).unwrap(), listed.len());
                assert_eq!(memory.degree(id, direction).unwrap(), listed.len());
                let typed = blocks.neighbors_of_type(id, direction, "t1").unwrap();
                assert_eq!(typed, memory.neighbors_of_type(id, direction, "t1").unwrap());
                let kept = listed.into_iter().filter(|neighbor| &*neighbor.edge_type == "t1");
                assert_eq!(typed, kept.collect::<Vec<_>>());
            }
        }
        let far = |graph: &Graph| graph.from(node(0)).depth(..).nodes().unwrap();
        assert_eq!(far(&blocks), far(&memory));
        assert!(!blocks.is_in_memory());
        let parts = blocks.weak_components(&[]).unwrap();
        assert_eq!(parts.count(), memory.weak_components(&[]).unwrap().count());
        assert!(blocks.clone().is_in_memory(), "clones share what was built");
    }

    #[test]
    fn a_graph_goes_to_other_threads() {
        fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
        shared(&Model::of(&[(0, 1)]).graph());
    }

    #[test]
    fn a_type_without_a_name_is_corrupt() {
        let mut model = Model::of(&[(0, 1)]);
        model.edges[0].edge_type = 77;
        let found = model.graph().neighbors(node(0), Direction::Out);
        assert!(matches!(found, Err(Error::Corrupt { .. })), "{found:?}");
    }
}
