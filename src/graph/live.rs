//! The graph in memory of a store that is written to: a snapshot, and over it a delta that each
//! commit extends.
//!
//! A node that no delta has touched is read from the snapshot's arrays after one look at a bit.
//! The bits are shared by all versions over one snapshot and only ever set: a bit too many costs a
//! look into the map and nothing else.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::delta::{Delta, LiveNode, Patch, Piece};
use super::snapshot::{Pool, Snapshot};
use super::view::{GraphView, Hop, ScratchOf, Side};
use crate::base::error::Result;
use crate::base::id::{EdgeId, NodeId, Seq};
use crate::storage::edge_log::EdgeChange;

/// Bounds of nodes are rounded up to this, so that scratch space is not made anew for each node
/// that is added.
const BOUND_STEP: usize = 4_096;

/// A snapshot and what has changed since. Immutable: the next state is another one that shares
/// nearly everything.
pub(crate) struct Live {
    base: Arc<Base>,
    delta: Delta,
    seq: Seq,
    /// The same graph without a delta, made when a whole-graph algorithm asks for it.
    folded: OnceLock<Arc<Snapshot>>,
}

/// What all states over one snapshot share.
struct Base {
    snapshot: Arc<Snapshot>,
    /// A bit a node, outward and inward, for nodes that some delta has touched.
    touched: [Box<[AtomicU64]>; 2],
    pool: Pool<ScratchOf<Live>>,
}

impl Base {
    fn new(snapshot: Arc<Snapshot>) -> Self {
        let words = snapshot.nodes_count().div_ceil(64);
        let bits = || (0..words).map(|_| AtomicU64::new(0)).collect();
        Self { snapshot, touched: [bits(), bits()], pool: Pool::default() }
    }

    fn bits(&self, side: Side) -> &[AtomicU64] {
        match side {
            Side::Out => &self.touched[0],
            Side::In => &self.touched[1],
        }
    }

    /// A state is handed to other threads through a lock, which orders these stores before their
    /// loads.
    fn touch(&self, side: Side, index: u32) {
        if let Some(word) = self.bits(side).get(index as usize / 64) {
            word.fetch_or(1 << (index % 64), Ordering::Relaxed);
        }
    }

    /// Whether a delta may know the node. Yes for those that the snapshot does not have.
    #[inline]
    fn is_touched(&self, side: Side, index: u32) -> bool {
        let word = self.bits(side).get(index as usize / 64);
        word.is_none_or(|word| word.load(Ordering::Relaxed) >> (index % 64) & 1 == 1)
            || index as usize >= self.snapshot.nodes_count()
    }
}

impl Live {
    /// The graph of a snapshot, unchanged so far.
    pub(crate) fn new(snapshot: Arc<Snapshot>) -> Self {
        let seq = snapshot.seq();
        let base = Arc::new(Base::new(snapshot));
        Self { base, delta: Delta::default(), seq, folded: OnceLock::new() }
    }

    /// The state after `changes`, as of write `seq`. Costs what the changes cost, whatever the size
    /// of the graph. `None` when there are no numbers left for nodes.
    pub(crate) fn next(&self, changes: &[EdgeChange], seq: Seq) -> Option<Self> {
        if let Some(folded) = self.folded.get() {
            return Self::new(Arc::clone(folded)).advanced(changes, seq);
        }
        let delta = self.delta.clone();
        let next = Self { base: Arc::clone(&self.base), delta, seq, folded: OnceLock::new() };
        next.advanced(changes, seq)
    }

    fn advanced(mut self, changes: &[EdgeChange], seq: Seq) -> Option<Self> {
        self.seq = seq;
        for change in changes {
            let index = self.delta.apply(&self.base.snapshot, change)?;
            self.base.touch(change.direction, index);
        }
        Some(self)
    }

    /// The snapshot beneath.
    pub(crate) fn base(&self) -> &Arc<Snapshot> {
        &self.base.snapshot
    }

    /// The snapshot that is the whole graph: the one beneath where nothing has changed.
    pub(crate) fn plain(&self) -> Option<&Arc<Snapshot>> {
        if self.delta.is_empty() { Some(&self.base.snapshot) } else { self.folded.get() }
    }

    /// The graph without a delta: folded now where it was not. Linear in the edges then.
    ///
    /// # Errors
    /// [`Error::Limit`](crate::Error::Limit) for more than 2^32 nodes or edges;
    /// [`Error::Corrupt`](crate::Error::Corrupt) when the directions disagree.
    pub(crate) fn folded(&self) -> Result<Arc<Snapshot>> {
        if let Some(plain) = self.plain() {
            return Ok(Arc::clone(plain));
        }
        let folded = Arc::new(Snapshot::fold(self)?);
        Ok(Arc::clone(self.folded.get_or_init(|| folded)))
    }

    pub(crate) fn seq(&self) -> Seq {
        self.seq
    }

    /// Entries added and removed since the snapshot, both directions together.
    pub(crate) fn delta_entries(&self) -> usize {
        self.delta.entries()
    }

    /// Bytes in memory, about.
    pub(crate) fn size_bytes(&self) -> usize {
        let folded = self.folded.get().map_or(0, |folded| folded.size_bytes());
        let bits = 8 * (self.base.touched[0].len() + self.base.touched[1].len());
        self.base.snapshot.size_bytes() + bits + self.delta.size_bytes() + folded
    }

    /// Every node that has or had an edge, in the order of identities.
    pub(super) fn all_nodes(&self) -> impl Iterator<Item = LiveNode> {
        let mut added: Vec<LiveNode> = self.delta.nodes().iter().copied().collect();
        added.sort_unstable();
        let mut added = added.into_iter().peekable();
        let bases = 0..u32::try_from(self.base.snapshot.nodes_count()).unwrap_or(u32::MAX);
        let mut base = bases.map(LiveNode::of_base).peekable();
        std::iter::from_fn(move || match (added.peek(), base.peek()) {
            (Some(first), Some(second)) if first < second => added.next(),
            (Some(_), None) => added.next(),
            _ => base.next(),
        })
    }

    /// The dense number of a node.
    pub(super) fn dense(&self, id: NodeId) -> Option<u32> {
        self.delta.find(&self.base.snapshot, id).map(LiveNode::index)
    }

    /// The changes of a list. `None` where it is as the snapshot has it.
    #[inline]
    pub(super) fn patch(&self, index: u32, side: Side) -> Option<&Patch> {
        if !self.base.is_touched(side, index) {
            return None;
        }
        self.delta.patch(index, side)
    }

    /// The dense number has arrays of its own.
    #[inline]
    pub(super) fn is_in_base(&self, index: u32) -> bool {
        (index as usize) < self.base.snapshot.nodes_count()
    }

    /// The types and places of a list in the snapshot's arrays, or those of one type.
    #[inline]
    pub(super) fn runs(
        &self,
        index: u32,
        side: Side,
        edge_type: Option<u32>,
    ) -> impl Iterator<Item = (u32, Range<usize>)> {
        let lists = self.base.snapshot.lists(side);
        self.is_in_base(index).then(|| lists.runs(index, edge_type)).into_iter().flatten()
    }

    /// The identity behind a dense number.
    #[inline]
    pub(super) fn id_at(&self, index: u32) -> NodeId {
        let nodes = &self.base.snapshot.nodes;
        if let Some(id) = nodes.get(index as usize) {
            return *id;
        }
        let added = self.delta.nodes().get(index as usize - nodes.len());
        added.and_then(|node| node.added_id()).unwrap_or(NodeId::from_u64(0))
    }
}

/// How an edge was come by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LiveVia {
    /// Its position in the snapshot.
    Base(u32),
    /// It is in the delta.
    Added(EdgeId, f32),
}

impl GraphView for Live {
    type Node = LiveNode;
    type Via = LiveVia;

    fn find(&self, id: NodeId) -> Option<LiveNode> {
        self.delta.find(&self.base.snapshot, id)
    }

    fn id(&self, node: LiveNode) -> NodeId {
        node.added_id().unwrap_or_else(|| self.base.snapshot.nodes[node.index() as usize])
    }

    fn edge(&self, via: LiveVia) -> (EdgeId, f32) {
        match via {
            LiveVia::Base(position) => self.base.snapshot.edge(position),
            LiveVia::Added(edge, weight) => (edge, weight),
        }
    }

    #[inline]
    fn for_each<F>(
        &self,
        node: LiveNode,
        side: Side,
        edge_type: Option<u32>,
        mut visit: F,
    ) -> Result<ControlFlow<()>>
    where
        F: FnMut(Hop<LiveNode, LiveVia>) -> ControlFlow<()>,
    {
        let base = &*self.base.snapshot;
        let neighbors = &base.lists(side).neighbors;
        let run = |edge_type: u32, places: Range<usize>, visit: &mut F| {
            for place in places {
                let node = LiveNode::of_base(neighbors[place]);
                let via = LiveVia::Base(base.position(side, place));
                visit(Hop { edge_type, node, via })?;
            }
            ControlFlow::Continue(())
        };
        let runs = self.runs(node.index(), side, edge_type);
        let Some(patch) = self.patch(node.index(), side) else {
            for (edge_type, places) in runs {
                if run(edge_type, places, &mut visit).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            return Ok(ControlFlow::Continue(()));
        };
        Ok(patch.for_each(runs, edge_type, |piece| match piece {
            Piece::Run { edge_type, places } => run(edge_type, places, &mut visit),
            Piece::One(key, added) => {
                let via = LiveVia::Added(key.edge, added.weight);
                visit(Hop { edge_type: key.edge_type, node: key.neighbor, via })
            }
        }))
    }

    fn degree(&self, node: LiveNode, side: Side, edge_type: Option<u32>) -> Result<usize> {
        let lists = self.base.snapshot.lists(side);
        let places = match edge_type {
            _ if !self.is_in_base(node.index()) => 0..0,
            Some(edge_type) => lists.range_of_type(node.index(), edge_type),
            None => lists.range(node.index()),
        };
        Ok(match self.patch(node.index(), side) {
            Some(patch) => patch.degree(&places, edge_type),
            None => places.len(),
        })
    }

    fn node_bound(&self) -> usize {
        let nodes = self.base.snapshot.nodes_count() + self.delta.nodes().len();
        nodes.next_multiple_of(BOUND_STEP)
    }

    fn with_scratch<T>(&self, run: impl FnOnce(&mut ScratchOf<Self>) -> T) -> T {
        self.base.pool.lend(run)
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("seq", &self.seq)
            .field("base", &self.base.snapshot)
            .field("delta_entries", &self.delta.entries())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::Budget;
    use super::super::follow::{Follow, Rule};
    use super::super::model::{Arrow, Model, any_rules, names, no_details, node};
    use super::super::path::{Costs, Query, best};
    use super::super::traverse::{Plan, Reached, walk};
    use super::super::{BlocksView, Graph};
    use super::*;
    use crate::storage::adjacency::{self, Entry};
    use crate::storage::testing::MemoryRows;
    use proptest::prelude::*;

    /// What a group of writes does to the edges.
    #[derive(Clone, Debug)]
    enum Step {
        Add(Arrow),
        /// Takes the edge at this place of the list away, or gives it another weight.
        Remove(usize),
        Weigh(usize, f32),
        DeleteNode(u64),
        /// Many parallel edges of one hub, in one run.
        Load {
            hub: u64,
            count: u64,
        },
        /// What nobody has noticed: a group without edges.
        Nothing,
        Merge,
    }

    fn any_step(nodes: u64) -> impl Strategy<Value = Step> {
        let id = prop_oneof![1 => Just(EdgeId::LINK), 3 => (1_u64..30).prop_map(EdgeId::from_u64)];
        let weight = prop_oneof![2 => Just(1.0_f32), 1 => (0_u8..4).prop_map(f32::from)];
        let arrow = (0..nodes, 0_u32..3, 0..nodes, id, weight.clone());
        let arrow = arrow.prop_map(|(source, edge_type, target, id, weight)| Arrow {
            source: node(source),
            edge_type,
            target: node(target),
            id,
            weight,
        });
        prop_oneof![
            8 => arrow.prop_map(Step::Add),
            4 => any::<usize>().prop_map(Step::Remove),
            2 => (any::<usize>(), weight).prop_map(|(place, weight)| Step::Weigh(place, weight)),
            1 => (0..nodes).prop_map(Step::DeleteNode),
            1 => (0..nodes, 1_u64..60).prop_map(|(hub, count)| Step::Load { hub, count }),
            1 => Just(Step::Nothing),
            1 => Just(Step::Merge),
        ]
    }

    /// Rows and a plain list of edges that change together.
    struct Twin {
        model: Model,
        rows: MemoryRows,
    }

    impl Twin {
        fn ends(edge: &Arrow) -> [(NodeId, Side, Entry); 2] {
            let Arrow { source, edge_type, target, id: edge, weight } = *edge;
            [(source, Side::Out, target), (target, Side::In, source)].map(
                |(node, side, neighbor)| (node, side, Entry { edge_type, neighbor, edge, weight }),
            )
        }

        fn add(&mut self, edge: Arrow) {
            let same = |other: &Arrow| Arrow { weight: edge.weight, ..*other } == edge;
            self.model.edges.retain(|other| !same(other));
            self.model.edges.push(edge);
            for (node, side, entry) in Self::ends(&edge) {
                adjacency::insert(&mut self.rows, node, side, entry).unwrap();
            }
        }

        fn remove(&mut self, place: usize) {
            let edge = self.model.edges.remove(place);
            for (node, side, entry) in Self::ends(&edge) {
                let (edge_type, neighbor, edge) = entry.key();
                adjacency::remove(&mut self.rows, node, side, edge_type, neighbor, edge).unwrap();
            }
        }

        fn run(&mut self, step: &Step) {
            let count = self.model.edges.len();
            match step {
                Step::Add(edge) => self.add(*edge),
                Step::Remove(place) if count > 0 => self.remove(place % count),
                Step::Weigh(place, weight) if count > 0 => {
                    let edge = self.model.edges[place % count];
                    self.add(Arrow { weight: *weight, ..edge });
                }
                Step::DeleteNode(number) => {
                    let gone = node(*number);
                    for side in [Side::Out, Side::In] {
                        for entry in adjacency::take_all(&mut self.rows, gone, side).unwrap() {
                            let (edge_type, other, edge) = entry.key();
                            let side = side.reversed();
                            adjacency::remove(&mut self.rows, other, side, edge_type, gone, edge)
                                .unwrap();
                        }
                    }
                    self.model.edges.retain(|edge| edge.source != gone && edge.target != gone);
                }
                Step::Load { hub, count } => {
                    for number in 0..*count {
                        let id = EdgeId::from_u64(1_000 + number);
                        let (source, target) = (node(*hub), node(number % 5));
                        self.add(Arrow { source, edge_type: 1, target, id, weight: 1.0 });
                    }
                }
                Step::Remove(_) | Step::Weigh(..) | Step::Nothing | Step::Merge => {}
            }
        }
    }

    type Listed = Vec<(u32, NodeId, EdgeId, f32)>;

    fn listed<V: GraphView>(view: &V, id: NodeId, rule: Rule) -> Listed {
        let mut found = Vec::new();
        let Some(node) = view.find(id) else { return found };
        let flow = view.for_each(node, rule.side, rule.edge_type, |hop| {
            let (edge, weight) = view.edge(hop.via);
            found.push((hop.edge_type, view.id(hop.node), edge, weight));
            ControlFlow::Continue(())
        });
        assert!(flow.unwrap().is_continue());
        assert_eq!(view.degree(node, rule.side, rule.edge_type).unwrap(), found.len());
        found
    }

    fn same_lists(live: &Live, twin: &Twin, nodes: u64) {
        let blocks = BlocksView::new(&twin.rows);
        for id in (0..nodes).map(node) {
            for side in [Side::Out, Side::In] {
                for edge_type in [None, Some(0), Some(1), Some(2), Some(7)] {
                    let rule = Rule { side, edge_type };
                    let expected = twin.model.edges_of(id, rule);
                    assert_eq!(listed(&blocks, id, rule), expected);
                    assert_eq!(listed(live, id, rule), expected, "{id} {rule:?}");
                }
            }
        }
    }

    fn same_snapshot(folded: &Snapshot, built: &Snapshot) {
        assert!(folded.seq() <= built.seq());
        assert_eq!(folded.nodes, built.nodes);
        assert_eq!((&folded.edges, &folded.positions), (&built.edges, &built.positions));
        for (ours, theirs) in [(&folded.out, &built.out), (&folded.inward, &built.inward)] {
            assert_eq!((&ours.offsets, &ours.segments), (&theirs.offsets, &theirs.segments));
            assert_eq!(ours.types, theirs.types);
            assert_eq!((&ours.starts, &ours.neighbors), (&theirs.starts, &theirs.neighbors));
        }
        let weights = |snapshot: &Snapshot| -> Vec<f32> {
            (0..snapshot.edges.len()).map(|at| *snapshot.weight(at as u32)).collect()
        };
        assert_eq!(weights(folded), weights(built));
    }

    fn walked<V: GraphView>(view: &V, start: NodeId, plan: &Plan<'_, '_>) -> Vec<Reached> {
        let mut found = Vec::new();
        walk(view, start, plan, &Budget::default().meter(), |reached| {
            found.push(reached);
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    }

    const NODES: u64 = 9;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_graph_that_is_written_to_is_what_a_naive_one_is(
            model in Model::any(6, 20), steps in prop::collection::vec(any_step(NODES), 1..24),
            rules in any_rules(), start in 0..NODES, goal in 0..NODES,
        ) {
            let mut twin = Twin { rows: model.rows(), model };
            twin.rows.take_log();
            let mut live = Live::new(Arc::new(Snapshot::build(&twin.rows, Seq(0)).unwrap()));
            let mut versions = Vec::new();
            for (seq, step) in (1..).map(Seq).zip(&steps) {
                let before = twin.model.clone();
                twin.run(step);
                let log = twin.rows.take_log();
                let changes = log.changes().unwrap();
                let next = live.next(changes, seq).unwrap();
                // Changes are absolute: replaying them changes nothing.
                let again = next.next(changes, seq).unwrap();
                prop_assert_eq!(again.delta_entries(), next.delta_entries());
                versions.push((live, before));
                live = next;
                same_lists(&live, &twin, NODES);
                let built = Snapshot::build(&twin.rows, seq).unwrap();
                if matches!(step, Step::Merge) {
                    same_snapshot(&live.folded().unwrap(), &built);
                    let merged = live.next(&[], seq).unwrap();
                    prop_assert_eq!(merged.delta_entries(), 0);
                    live = merged;
                } else if live.plain().is_none() {
                    same_snapshot(&Snapshot::fold(&live).unwrap(), &built);
                }
                let graph = twin.model.graph();
                let follow = &Follow::of_rules(&graph, &rules);
                let plan = Plan { follow, depth: (0, usize::MAX), filter: None };
                let blocks = BlocksView::new(&twin.rows);
                let ends = (node(start), node(goal));
                prop_assert_eq!(walked(&live, ends.0, &plan), walked(&blocks, ends.0, &plan));
                for costs in &[Costs::Hops, Costs::Weights] {
                    let meter = &Budget::default().meter();
                    let (filter, avoid, hops_max) = (None, None, 9);
                    let query = Query { ends, follow, costs, hops_max, filter, avoid, meter };
                    prop_assert_eq!(best(&live, &query).unwrap(), best(&blocks, &query).unwrap());
                }
            }
            for (version, model) in &versions {
                let rule = Rule { side: Side::Out, edge_type: None };
                for id in (0..NODES).map(node) {
                    prop_assert_eq!(listed(version, id, rule), model.edges_of(id, rule));
                }
            }
        }

        #[test]
        fn nodes_that_were_added_compare_as_identities_do(
            base in prop::collection::btree_set(0_u64..40, 2..20),
            added in prop::collection::btree_set(0_u64..60, 1..20),
        ) {
            let base: Vec<u64> = base.into_iter().collect();
            let edges: Vec<_> = base.windows(2).map(|pair| (pair[0], pair[1])).collect();
            let mut rows = Model::of(&edges).rows();
            let snapshot = Arc::new(Snapshot::build(&rows, Seq(1)).unwrap());
            rows.take_log();
            for number in &added {
                let link = |neighbor| Entry {
                    edge_type: 0, neighbor, edge: EdgeId::LINK, weight: 1.0 };
                adjacency::insert(&mut rows, node(*number), Side::Out, link(node(50))).unwrap();
                adjacency::insert(&mut rows, node(50), Side::In, link(node(*number))).unwrap();
            }
            let log = rows.take_log();
            let live = Live::new(snapshot).next(log.changes().unwrap(), Seq(2)).unwrap();
            let mut ids: Vec<NodeId> = base.iter().chain(&added).map(|n| node(*n)).collect();
            ids.sort_unstable();
            ids.dedup();
            let nodes: Vec<LiveNode> = ids.iter().map(|id| live.find(*id).unwrap()).collect();
            prop_assert!(nodes.is_sorted());
            let all: Vec<NodeId> = live.all_nodes().map(|node| live.id(node)).collect();
            prop_assert!(all.is_sorted() && ids.iter().all(|id| all.contains(id)));
        }
    }

    #[test]
    fn a_graph_without_a_delta_is_its_snapshot() {
        let live = Arc::new(Live::new(Arc::new(Model::of(&[(0, 1)]).snapshot())));
        let untouched = Arc::new(live.next(&[], Seq(9)).unwrap());
        let graph = Graph::of_live(&untouched, names(), no_details());
        assert_eq!(graph.seq(), Seq(9));
        assert!(Arc::ptr_eq(&graph.snapshot().unwrap(), live.base()));
        assert!(matches!(graph.reading(), super::super::Reading::Snapshot(_)));
    }

    #[test]
    fn a_graph_is_folded_once_and_what_follows_stands_on_it() {
        let mut rows = Model::of(&[(0, 1), (1, 2)]).rows();
        let live = Live::new(Arc::new(Snapshot::build(&rows, Seq(1)).unwrap()));
        rows.take_log();
        adjacency::remove(&mut rows, node(0), Side::Out, 0, node(1), EdgeId::from_u64(1)).unwrap();
        adjacency::remove(&mut rows, node(1), Side::In, 0, node(0), EdgeId::from_u64(1)).unwrap();
        let log = rows.take_log();
        let live = Arc::new(live.next(log.changes().unwrap(), Seq(2)).unwrap());
        assert_eq!((live.delta_entries(), live.base().nodes_count()), (2, 3));
        let folded = Graph::of_live(&live, names(), no_details()).snapshot().unwrap();
        assert_eq!((folded.nodes_count(), folded.edges_count()), (2, 1));
        assert!(Arc::ptr_eq(&folded, &live.folded().unwrap()));
        let next = live.next(&[], Seq(3)).unwrap();
        assert!(Arc::ptr_eq(next.base(), &folded));
    }

    #[test]
    fn an_edge_of_a_great_hub_costs_its_own_patch_only() {
        let hub_edges: Vec<(u64, u64)> = (1..3_000).map(|number| (0, number)).collect();
        let mut rows = Model::of(&hub_edges).rows();
        let live = Live::new(Arc::new(Snapshot::build(&rows, Seq(1)).unwrap()));
        rows.take_log();
        let before = live.size_bytes();
        let entry =
            Entry { edge_type: 0, neighbor: node(3), edge: EdgeId::from_u64(90_000), weight: 2.0 };
        adjacency::insert(&mut rows, node(0), Side::Out, entry).unwrap();
        let log = rows.take_log();
        assert_eq!(log.changes().unwrap().len(), 1, "not the hub's whole list");
        let live = live.next(log.changes().unwrap(), Seq(2)).unwrap();
        assert_eq!(live.delta_entries(), 1);
        assert!(live.size_bytes() - before < 1_000);
        let rule = Rule { side: Side::Out, edge_type: None };
        let parallel = listed(&live, node(0), rule).into_iter().filter(|hop| hop.1 == node(3));
        let weights: Vec<f32> = parallel.map(|hop| hop.3).collect();
        assert_eq!(weights, [1.0, 2.0]);
    }
}
