//! The graph in memory of an open store: kept up to date by commits, built and merged behind them.
//!
//! Each commit publishes the graph with its rows: the delta of the state before, extended by what
//! the group changed. Where there is none, readers use the blocks, until what they have spent there
//! would have paid for a build. Builds and merges run on a thread of their own from a state that
//! does not change; what is committed meanwhile is logged and replayed on the result. One runs at a
//! time. What a delta cannot take, a bulk load above all, drops the graph from memory.
//!
//! Lock order: `publishing`, then the store's state. Who holds `publishing` alone decides which
//! state comes next.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::commit::Shared;
use super::options::{GraphMemory, When};
use super::read::Published;
use crate::base::error::Result;
use crate::base::id::Seq;
use crate::base::trace::carried;
use crate::base::trace::category::GRAPH;
use crate::graph::{Live, Meter, Snapshot};
use crate::storage::TableId;
use crate::storage::edge_log::EdgeLog;
use crate::storage::snapshot::Snapshot as RowsSnapshot;

/// Edges of a delta from which it is merged, besides a share of the snapshot: below, a merge costs
/// more than the look into the delta that it saves.
const MERGE_EDGES_MIN: usize = 256;
/// The share of the snapshot's edges from which a delta is merged: with a twentieth, two hops take
/// half as long again.
const MERGE_SHARE: usize = 8;
/// Edges of a delta, besides half of the snapshot, from which it is dropped: merges do not keep up.
const DROP_EDGES_MIN: usize = 1 << 16;
/// Changes that are replayed while commits wait for it: a millisecond.
const REPLAY_AT_ONCE_MAX: usize = 1_000;
/// Units of the meter below which nobody asks what a build would cost: a millisecond.
const METER_UNITS_MIN: u64 = 20_000;
/// Bytes that an edge takes in a snapshot, with its share of the nodes.
const EDGE_BYTES: u64 = 32;
/// Edges in a run of the table that finds them by number, at most.
const RUN_EDGES: u64 = 128;

/// What keeps the graph in memory.
#[derive(Debug)]
pub(crate) struct LiveGraph {
    memory: GraphMemory,
    publishing: Mutex<Publishing>,
    /// Signalled when a build has ended.
    settled: Condvar,
    /// The graph takes more than it may, or could not be built: not tried again.
    given_up: AtomicBool,
}

/// What only one thread at a time may do: publish a state, begin a build or end one.
#[derive(Debug, Default)]
struct Publishing {
    build: Option<Build>,
}

/// A build or merge that is running.
#[derive(Debug, Default)]
struct Build {
    /// What was committed since its state.
    log: EdgeLog,
    stopped: Arc<AtomicBool>,
}

impl LiveGraph {
    pub(crate) fn new(memory: GraphMemory) -> Self {
        let (publishing, settled) = (Mutex::default(), Condvar::new());
        Self { memory, publishing, settled, given_up: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, Publishing> {
        self.publishing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the graph may be in memory at all.
    fn is_wanted(&self) -> bool {
        self.memory.when != When::Never && !self.given_up.load(Ordering::Relaxed)
    }

    fn fits(&self, bytes: u64) -> bool {
        bytes <= self.memory.bytes_max as u64
    }

    /// Begins to publish the next state. No other one is published until it is dropped.
    pub(crate) fn publication(&self) -> Publication<'_> {
        Publication { keeper: self, publishing: self.lock() }
    }

    /// Ends a build that is running and waits for its end, so that nobody reads the rows of the
    /// state that it was made from.
    pub(crate) fn stop_building(&self) {
        let publishing = self.lock();
        if let Some(build) = &publishing.build {
            build.stopped.store(true, Ordering::Relaxed);
        }
        drop(self.wait(publishing));
    }

    fn wait<'a>(&self, publishing: MutexGuard<'a, Publishing>) -> MutexGuard<'a, Publishing> {
        let waited = self.settled.wait_while(publishing, |publishing| publishing.build.is_some());
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a build, or a merge of what is there, would pay now.
    fn would_pay(&self, published: &Published, meter: &Meter) -> Result<bool> {
        if !self.is_wanted() {
            return Ok(false);
        }
        if let Some(live) = &published.live {
            return Ok(is_outgrown(live));
        }
        if published.graph.get().is_some_and(|graph| graph.built().is_some()) {
            return Ok(false);
        }
        let spent = meter.units();
        match self.memory.when {
            When::Never => Ok(false),
            When::AtFirstUse => Ok(spent > 0),
            When::AtOpen => Ok(true),
            When::ItPays if spent < METER_UNITS_MIN => Ok(false),
            When::ItPays => {
                let edges = edges_about(&published.rows)?;
                Ok(spent > Meter::build_units(edges) && self.fits(edges * EDGE_BYTES))
            }
        }
    }
}

/// About how many edges there are, without counting them: those that have numbers lie in runs, and
/// a link has a list of its own at one end at least. Rather too many.
fn edges_about(rows: &RowsSnapshot) -> Result<u64> {
    let numbered = rows.count(TableId::EDGE_SOURCES)?.saturating_mul(RUN_EDGES);
    Ok(rows.count(TableId::ADJACENCY)?.saturating_add(numbered))
}

/// Whether a delta has grown past its share.
pub(crate) fn is_outgrown(live: &Live) -> bool {
    let edges = live.base().edges_count();
    live.delta_entries() / 2 > edges / MERGE_SHARE + MERGE_EDGES_MIN
}

/// The right to publish the next state.
pub(crate) struct Publication<'a> {
    keeper: &'a LiveGraph,
    publishing: MutexGuard<'a, Publishing>,
}

impl Publication<'_> {
    /// The graph in memory after a group of writes over the state `old`.
    pub(crate) fn next(&mut self, old: &Published, log: &EdgeLog, seq: Seq) -> Option<Arc<Live>> {
        if let Some(build) = &mut self.publishing.build {
            build.log.extend(log);
        }
        let live = old.live.clone().or_else(|| self.adopted(old))?;
        let next = live.next(log.changes()?, seq)?;
        let edges = next.base().edges_count();
        let is_too_much = next.delta_entries() / 2 > edges / 2 + DROP_EDGES_MIN;
        (!is_too_much).then(|| Arc::new(next))
    }

    /// A snapshot that somebody had built for a whole-graph algorithm serves from then on.
    fn adopted(&self, old: &Published) -> Option<Arc<Live>> {
        let built = old.graph.get()?.built()?;
        let keeps = self.keeper.is_wanted() && self.keeper.fits(built.size_bytes() as u64);
        keeps.then(|| Arc::new(Live::new(Arc::clone(built))))
    }

    /// Says that edges were written which no log tells of.
    pub(crate) fn lose_track(&mut self) {
        if let Some(build) = &mut self.publishing.build {
            build.log.give_up();
            build.stopped.store(true, Ordering::Relaxed);
        }
    }
}

/// The right to run the one build, until dropped.
struct Claim {
    shared: Arc<Shared>,
    from: Arc<Published>,
    stopped: Arc<AtomicBool>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let keeper = self.shared.live();
        let mut publishing = keeper.lock();
        let is_own = |build: &Build| Arc::ptr_eq(&build.stopped, &self.stopped);
        if publishing.build.as_ref().is_some_and(is_own) {
            publishing.build = None;
        }
        drop(publishing);
        keeper.settled.notify_all();
    }
}

impl Claim {
    /// `None` while another build is running.
    fn new(shared: &Arc<Shared>) -> Result<Option<Self>> {
        let mut publishing = shared.live().lock();
        let from = shared.published()?;
        if publishing.build.is_some() {
            return Ok(None);
        }
        let build = Build::default();
        let stopped = Arc::clone(&build.stopped);
        publishing.build = Some(build);
        Ok(Some(Self { shared: Arc::clone(shared), from, stopped }))
    }

    /// Builds or merges, and publishes the result. What is already in memory without a delta is
    /// left alone.
    fn run(self) -> Result<()> {
        let _span = tracing::debug_span!(target: GRAPH, "build").entered();
        let keeper = self.shared.live();
        let go_on = || !self.stopped.load(Ordering::Relaxed);
        let snapshot = match &self.from.live {
            Some(live) if live.delta_entries() == 0 => return Ok(()),
            Some(live) => live.folded()?,
            None => match Snapshot::build_while(&*self.from.rows, self.from.seq, &go_on)? {
                Some(snapshot) => Arc::new(snapshot),
                None => return Ok(()),
            },
        };
        if !keeper.fits(snapshot.size_bytes() as u64) {
            let bytes = snapshot.size_bytes();
            tracing::info!(target: GRAPH, bytes, "the graph takes more memory than it may");
            keeper.given_up.store(true, Ordering::Relaxed);
            self.shared.publish_live(&mut keeper.publication(), None);
            return Ok(());
        }
        if let Some(graph) = self.from.graph.get() {
            graph.adopt(&snapshot);
        }
        self.install(snapshot);
        Ok(())
    }

    /// Publishes a snapshot with what was committed since its state.
    fn install(&self, snapshot: Arc<Snapshot>) {
        let mut live = Live::new(snapshot);
        loop {
            let mut publication = self.shared.live().publication();
            let Some(build) = &mut publication.publishing.build else { return };
            let log = std::mem::take(&mut build.log);
            let Some(changes) = log.changes().filter(|_| !self.stopped.load(Ordering::Relaxed))
            else {
                return;
            };
            let is_last = changes.len() <= REPLAY_AT_ONCE_MAX;
            if !is_last {
                drop(publication);
                match live.next(changes, live.seq()) {
                    Some(next) => live = next,
                    None => return,
                }
                continue;
            }
            let next = live.next(changes, self.shared.durable_seq());
            self.shared.publish_live(&mut publication, next.map(Arc::new));
            self.shared.core.graph_meter.forget();
            let seq = self.shared.durable_seq().0;
            tracing::debug!(target: GRAPH, seq, "the graph is in memory");
            return;
        }
    }
}

/// Starts a build or a merge behind everybody's back, where one would pay.
pub(crate) fn look_after(shared: &Arc<Shared>, published: &Published) {
    let claim = match shared.live().would_pay(published, &shared.core.graph_meter) {
        Ok(true) => Claim::new(shared),
        Ok(false) => return,
        Err(error) => Err(error),
    };
    match claim {
        Ok(Some(claim)) => {
            let thread = std::thread::Builder::new().name("engraph-graph".into());
            if let Err(error) = thread.spawn(carried(move || run_aside(claim))) {
                tracing::warn!(target: GRAPH, %error, "no thread to build the graph in memory");
            }
        }
        Ok(None) => {}
        Err(error) => {
            tracing::debug!(target: GRAPH, %error, "the graph in memory was not looked after");
        }
    }
}

fn run_aside(claim: Claim) {
    let shared = Arc::clone(&claim.shared);
    if let Err(error) = claim.run() {
        shared.errors.graph.add();
        tracing::warn!(target: GRAPH, %error, "the graph stays out of memory");
        shared.live().given_up.store(true, Ordering::Relaxed);
    }
}

/// Builds or merges now. Says whether the graph is in memory.
pub(crate) fn build_now(shared: &Arc<Shared>) -> Result<bool> {
    let keeper = shared.live();
    while keeper.is_wanted() {
        if let Some(claim) = Claim::new(shared)? {
            claim.run()?;
            break;
        }
        drop(keeper.wait(keeper.lock()));
    }
    Ok(shared.published()?.live.is_some())
}

/// Looks after the graph of a store that is opened: at once where the options say so. A graph that
/// cannot be built is read from blocks, which name what is damaged.
pub(crate) fn opened(shared: &Arc<Shared>) {
    if shared.live().memory.when != When::AtOpen {
        return;
    }
    if let Err(error) = build_now(shared) {
        shared.errors.graph.add();
        tracing::warn!(target: GRAPH, %error, "the graph stays out of memory");
        shared.live().given_up.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{EdgeId, NodeId};
    use crate::graph::Direction;
    use crate::record::{Facts, Record};
    use crate::store::{NewEdge, Options, Store};
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Stop {
        next: Option<NodeId>,
    }

    impl Record for Stop {
        const NAME: &'static str = "test_stop";
        fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
            facts.link("next", self.next);
        }
    }

    fn options(memory: GraphMemory) -> Options {
        Store::builder().register::<Stop>().graph(memory)
    }

    /// A store with so many records in a ring of links.
    fn ring(memory: GraphMemory, count: usize) -> (tempfile::TempDir, Store, Vec<NodeId>) {
        let directory = tempfile::tempdir().unwrap();
        let store = options(memory).create(directory.path().join("store")).unwrap();
        let stops = store
            .write(|tx| {
                let stops: Vec<NodeId> =
                    (0..count).map(|_| tx.insert(&Stop::default())).collect::<Result<_>>()?;
                for (place, stop) in stops.iter().enumerate() {
                    tx.put(*stop, &Stop { next: Some(stops[(place + 1) % count]) })?;
                }
                Ok(stops)
            })
            .unwrap();
        (directory, store, stops)
    }

    fn settled(store: &Store) {
        let keeper = store.shared().live();
        drop(keeper.wait(keeper.lock()));
    }

    fn live_of(store: &Store) -> Option<Arc<Live>> {
        store.shared().published().unwrap().live.clone()
    }

    /// The newest state has its graph in memory, and it is what the rows say.
    #[track_caller]
    fn check(store: &Store, nodes: &[NodeId]) {
        let published = store.shared().published().unwrap();
        let live = published.live.as_ref().expect("in memory");
        assert_eq!(live.seq(), published.seq);
        let memory = published.graph(&store.shared().core);
        let rows = Published::new(Arc::clone(&published.rows), published.seq, None);
        let blocks = rows.graph(&store.shared().core);
        assert!(memory.is_in_memory() && !blocks.is_in_memory());
        for node in nodes {
            for direction in [Direction::Out, Direction::In] {
                let listed = memory.neighbors(*node, direction).unwrap();
                assert_eq!(listed, blocks.neighbors(*node, direction).unwrap(), "{node}");
            }
        }
        let counts = |snapshot: &Snapshot| (snapshot.nodes_count(), snapshot.edges_count());
        let built = Snapshot::build(&*published.rows, published.seq).unwrap();
        assert_eq!(counts(&Snapshot::fold(live).unwrap()), counts(&built));
    }

    fn link(store: &Store, source: NodeId, target: NodeId) -> EdgeId {
        store.write(|tx| tx.link(source, "near", target)).unwrap()
    }

    #[test]
    fn every_kind_of_write_extends_the_graph_in_memory() {
        let (_home, store, mut stops) = ring(GraphMemory::at_open(), 6);
        check(&store, &stops);
        let near = link(&store, stops[0], stops[3]);
        check(&store, &stops);
        let heavy = NewEdge::new(stops[3], "heavy", stops[3]).weight(7.5);
        store.write(|tx| tx.add_edge(&heavy).map(drop)).unwrap();
        check(&store, &stops);
        // Several edges in one list, in one run.
        let many: Vec<NewEdge> =
            stops.iter().map(|stop| NewEdge::new(stops[1], "near", *stop)).collect();
        store.write(|tx| tx.add_edges(&many).map(drop)).unwrap();
        check(&store, &stops);
        // A link moves with its field.
        store.write(|tx| tx.put(stops[2], &Stop { next: Some(stops[0]) })).unwrap();
        check(&store, &stops);
        let new = store.write(|tx| tx.insert(&Stop { next: Some(stops[1]) })).unwrap();
        stops.push(new);
        check(&store, &stops);
        assert!(store.write(|tx| tx.remove_edge(near)).unwrap());
        check(&store, &stops);
        // The one that has most edges goes, and what led to it.
        assert!(store.write(|tx| tx.delete(stops[1])).unwrap());
        check(&store, &stops);
        let entries = live_of(&store).unwrap().delta_entries();
        let refused: Result<()> = store.write(|tx| {
            tx.link(stops[0], "near", stops[5])?;
            tx.delete(stops[3])?;
            Err(crate::Error::invalid("test", "refused"))
        });
        assert!(refused.is_err());
        store.write(|tx| tx.insert(&Stop::default()).map(drop)).unwrap();
        assert_eq!(live_of(&store).unwrap().delta_entries(), entries, "no trace, and no edge");
        check(&store, &stops);
    }

    #[test]
    fn a_load_drops_the_graph_until_it_is_built_again() {
        let (_home, store, mut stops) = ring(GraphMemory::at_open(), 4);
        check(&store, &stops);
        stops.push(store.bulk(|tx| tx.insert(&Stop { next: Some(stops[0]) })).unwrap());
        assert!(live_of(&store).is_none());
        assert_eq!(store.graph().unwrap().degree(stops[0], Direction::In).unwrap(), 2);
        assert!(store.build_graph().unwrap());
        check(&store, &stops);
    }

    #[test]
    fn what_is_committed_during_a_build_or_a_merge_is_in_its_result() {
        let (_home, store, stops) = ring(GraphMemory::when_it_pays(), 5);
        assert!(live_of(&store).is_none());
        for _ in ["build", "merge"] {
            let claim = Claim::new(store.shared()).unwrap().unwrap();
            assert!(Claim::new(store.shared()).unwrap().is_none(), "one at a time");
            let gone = link(&store, stops[0], stops[2]);
            link(&store, stops[0], stops[4]);
            store.write(|tx| tx.remove_edge(gone).map(drop)).unwrap();
            claim.run().unwrap();
            check(&store, &stops);
            assert_eq!(live_of(&store).unwrap().delta_entries(), 2, "what came meanwhile");
        }
        settled(&store);
    }

    #[test]
    fn more_is_replayed_than_commits_would_wait_for() {
        let (_home, store, stops) = ring(GraphMemory::when_it_pays(), 3);
        let claim = Claim::new(store.shared()).unwrap().unwrap();
        let many = vec![NewEdge::new(stops[0], "near", stops[1]); REPLAY_AT_ONCE_MAX];
        store.write(|tx| tx.add_edges(&many).map(drop)).unwrap();
        claim.run().unwrap();
        check(&store, &stops);
    }

    #[test]
    fn a_build_that_a_load_overtakes_is_given_up() {
        let (_home, store, stops) = ring(GraphMemory::when_it_pays(), 3);
        let claim = Claim::new(store.shared()).unwrap().unwrap();
        store.bulk(|tx| tx.link(stops[0], "near", stops[2]).map(drop)).unwrap();
        claim.run().unwrap();
        assert!(live_of(&store).is_none());
        assert!(store.build_graph().unwrap());
        check(&store, &stops);
    }

    #[test]
    fn a_delta_that_has_grown_is_merged() {
        let (_home, store, stops) = ring(GraphMemory::at_open(), 3);
        assert!(store.build_graph().unwrap());
        let many = vec![NewEdge::new(stops[0], "near", stops[1]); MERGE_EDGES_MIN + 8];
        store.write(|tx| tx.add_edges(&many).map(drop)).unwrap();
        // The thread for upkeep may have been quicker.
        drop(store.graph().unwrap());
        settled(&store);
        assert_eq!(live_of(&store).unwrap().delta_entries(), 0);
        check(&store, &stops);
    }

    #[test]
    fn the_options_say_whether_the_graph_is_in_memory() {
        for memory in [GraphMemory::never(), GraphMemory::at_open().bytes_max(64)] {
            let (_home, store, stops) = ring(memory, 4);
            assert_eq!(store.graph().unwrap().from(stops[0]).depth(..).count().unwrap(), 4);
            assert!(!store.build_graph().unwrap());
            store.graph().unwrap().snapshot().unwrap();
            link(&store, stops[0], stops[1]);
            assert!(!store.graph().unwrap().is_in_memory());
        }
        let (_home, store, stops) = ring(GraphMemory::at_first_use(), 4);
        drop(store.graph().unwrap());
        settled(&store);
        assert!(!store.graph().unwrap().is_in_memory(), "nothing was asked of it");
        let graph = store.graph().unwrap();
        graph.from(stops[0]).count().unwrap();
        drop(store.graph().unwrap());
        settled(&store);
        check(&store, &stops);
        assert!(graph.is_in_memory(), "who has the state in hand gains, too");
    }

    #[test]
    fn the_graph_is_built_when_blocks_have_cost_more_than_that() {
        let (_home, store, stops) = ring(GraphMemory::when_it_pays(), 40);
        let meter = &store.shared().core.graph_meter;
        let graph = store.graph().unwrap();
        while meter.units() <= METER_UNITS_MIN {
            drop(store.graph().unwrap());
            settled(&store);
            assert!(!store.graph().unwrap().is_in_memory());
            graph.from(stops[0]).depth(..).count().unwrap();
        }
        drop(store.graph().unwrap());
        settled(&store);
        assert_eq!(meter.units(), 0, "begins anew");
        check(&store, &stops);
    }

    #[test]
    fn a_snapshot_that_an_algorithm_had_built_serves_from_then_on() {
        let (_home, store, stops) = ring(GraphMemory::when_it_pays(), 4);
        store.graph().unwrap().snapshot().unwrap();
        link(&store, stops[0], stops[2]);
        check(&store, &stops);
        assert_eq!(live_of(&store).unwrap().delta_entries(), 2);
    }

    #[test]
    fn a_store_closes_and_compacts_while_its_graph_is_built() {
        let (home, store, _) = ring(GraphMemory::when_it_pays(), 300);
        for _ in 0..3 {
            let claim = Claim::new(store.shared()).unwrap().unwrap();
            let building = std::thread::spawn(move || claim.run());
            store.compact().unwrap();
            building.join().unwrap().unwrap();
        }
        let claim = Claim::new(store.shared()).unwrap().unwrap();
        let building = std::thread::spawn(move || claim.run());
        store.close().unwrap();
        let again = options(GraphMemory::at_open()).open(home.path().join("store"));
        assert!(live_of(&again.unwrap()).is_some());
        building.join().unwrap().unwrap();
    }
}
