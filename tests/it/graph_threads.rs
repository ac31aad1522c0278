//! The graph in memory against a plain multigraph, while several threads change it and it is
//! merged: each state that a reader sees is the one that the writes before it make.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use engraph::graph::Direction;
use engraph::{EdgeId, GraphMemory, NewEdge, NodeId, ReadTx, Result, Store, WriteTx};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::check::sound;
use crate::workload::{Card, Counter, Home, on_threads, options};

const WRITERS: usize = 3;
const READERS: usize = 2;

/// What a writer wants; what it comes to depends on what the others did.
#[derive(Clone, Debug)]
enum Step {
    Insert,
    Delete(Index),
    Link(Index, Index, u8),
    /// A link that a field implies.
    Next(Index, Option<Index>),
    Remove(Index),
    /// Folds what was added since the last merge into the arrays.
    Merge,
}

/// What a writer did, in the order of the writes.
#[derive(Clone, Debug)]
enum Done {
    Inserted(NodeId),
    Deleted(NodeId),
    Linked(EdgeId, NodeId, NodeId, u8),
    Pointed(NodeId, Option<NodeId>),
    Removed(EdgeId),
    Nothing,
}

/// The multigraph, as plainly as it can be written.
#[derive(Clone, Debug, Default)]
struct Model {
    nodes: BTreeMap<NodeId, Option<NodeId>>,
    edges: BTreeMap<EdgeId, (NodeId, NodeId, u8)>,
}

/// Type, neighbor, edge and weight, in order.
type Ends = Vec<(String, NodeId, EdgeId, f32)>;

impl Model {
    fn apply(&mut self, done: &Done) {
        match done {
            Done::Inserted(id) => drop(self.nodes.insert(*id, None)),
            Done::Deleted(id) => {
                self.nodes.remove(id);
                self.edges.retain(|_, (source, target, _)| source != id && target != id);
            }
            Done::Linked(edge, source, target, kind) => {
                self.edges.insert(*edge, (*source, *target, *kind));
            }
            Done::Pointed(id, next) => drop(self.nodes.insert(*id, *next)),
            Done::Removed(edge) => drop(self.edges.remove(edge)),
            Done::Nothing => {}
        }
    }

    fn ends(&self, node: NodeId, direction: Direction) -> Ends {
        let out = direction == Direction::Out;
        let edges = self.edges.iter().filter_map(|(edge, (source, target, kind))| {
            let (here, there) = if out { (source, target) } else { (target, source) };
            (*here == node).then(|| (name(*kind), *there, *edge, weight(*kind)))
        });
        let links = self.nodes.iter().filter_map(|(source, next)| {
            let next = (*next)?;
            let (here, there) = if out { (*source, next) } else { (next, *source) };
            (here == node).then(|| ("next".to_owned(), there, EdgeId::LINK, 1.0))
        });
        sorted(edges.chain(links).collect())
    }
}

fn name(kind: u8) -> String {
    format!("type {kind}")
}

fn weight(kind: u8) -> f32 {
    f32::from(kind) + 0.5
}

fn sorted(mut ends: Ends) -> Ends {
    ends.sort_by(|a, b| a.partial_cmp(b).unwrap());
    ends
}

fn any_step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    prop_oneof![
        4 => Just(Step::Insert),
        1 => index().prop_map(Step::Delete),
        8 => (index(), index(), 0..3_u8).prop_map(|(from, to, kind)| Step::Link(from, to, kind)),
        2 => (index(), proptest::option::of(index())).prop_map(|(at, to)| Step::Next(at, to)),
        3 => index().prop_map(Step::Remove),
        1 => Just(Step::Merge),
    ]
}

/// One write: what it does depends on the model, which the writes before it made.
fn write(tx: &mut WriteTx<'_>, counter: NodeId, model: &Model, step: &Step) -> Result<Done> {
    let count = tx.get::<Counter>(counter)?.unwrap().count;
    tx.put(counter, &Counter { count: count + 1 })?;
    let nodes: Vec<NodeId> = model.nodes.keys().copied().collect();
    let edges: Vec<EdgeId> = model.edges.keys().copied().collect();
    Ok(match step {
        Step::Insert => Done::Inserted(tx.insert(&Card::new(count.to_string()))?),
        Step::Delete(at) if !nodes.is_empty() => {
            let id = *at.get(&nodes);
            assert!(tx.delete(id)?);
            Done::Deleted(id)
        }
        Step::Link(from, to, kind) if !nodes.is_empty() => {
            let (from, to) = (*from.get(&nodes), *to.get(&nodes));
            let edge = NewEdge::new(from, name(*kind), to).weight(weight(*kind));
            Done::Linked(tx.add_edge(&edge)?, from, to, *kind)
        }
        Step::Next(at, to) if !nodes.is_empty() => {
            let id = *at.get(&nodes);
            let next = to.map(|to| *to.get(&nodes));
            let card: Card = tx.get(id)?.unwrap();
            tx.put(id, &Card { next, ..card })?;
            Done::Pointed(id, next)
        }
        Step::Remove(at) if !edges.is_empty() => {
            let edge = *at.get(&edges);
            assert!(tx.remove_edge(edge)?);
            Done::Removed(edge)
        }
        _ => Done::Nothing,
    })
}

/// What was done so far, and what it comes to.
#[derive(Debug, Default)]
struct Log {
    done: Vec<Done>,
    model: Model,
}

fn run(store: &Store, counter: NodeId, log: &Mutex<Log>, steps: &[Step]) {
    for step in steps {
        if matches!(step, Step::Merge) {
            store.build_graph().unwrap();
        }
        // Closures run one at a time, so that the log is in the order of the writes.
        let write = |tx: &mut WriteTx<'_>| {
            let mut log = log.lock().unwrap();
            let done = write(tx, counter, &log.model, step)?;
            log.model.apply(&done);
            log.done.push(done);
            Ok(())
        };
        store.write(write).unwrap();
    }
}

/// One reader's model, which goes on from state to state.
#[derive(Debug, Default)]
struct Follower {
    applied: usize,
    model: Model,
}

impl Follower {
    fn same(&mut self, tx: &ReadTx, counter: NodeId, log: &Mutex<Log>) {
        let count = tx.get::<Counter>(counter).unwrap().unwrap().count as usize;
        for done in &log.lock().unwrap().done[self.applied..count] {
            self.model.apply(done);
        }
        self.applied = count;
        let graph = tx.graph();
        assert!(graph.is_in_memory());
        for node in self.model.nodes.keys() {
            for direction in [Direction::Out, Direction::In] {
                let found = graph.neighbors(*node, direction).unwrap();
                let found = found
                    .iter()
                    .map(|end| (end.edge_type.to_string(), end.node, end.edge, end.weight));
                let found = sorted(found.collect());
                assert_eq!(found, self.model.ends(*node, direction), "{node} {direction:?}");
            }
        }
    }
}

fn steps_of_one() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any_step(), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_readers_see_while_threads_write_is_the_multigraph_of_the_writes_before(
        steps in prop::collection::vec(steps_of_one(), WRITERS),
    ) {
        let home = Home::new();
        let store = options().graph(GraphMemory::at_open()).create(home.path()).unwrap();
        let counter = store.write(|tx| tx.insert(&Counter::default())).unwrap();
        let log = Mutex::new(Log::default());
        let writing = AtomicUsize::new(WRITERS);
        on_threads(WRITERS + READERS, |thread| {
            if let Some(steps) = steps.get(thread) {
                run(&store, counter, &log, steps);
                writing.fetch_sub(1, Ordering::Release);
                return;
            }
            let mut follower = Follower::default();
            loop {
                let last = writing.load(Ordering::Acquire) == 0;
                follower.same(&store.read().unwrap(), counter, &log);
                if last {
                    break;
                }
            }
            assert_eq!(follower.applied, log.lock().unwrap().done.len());
        });
        sound(&store);
        store.close().unwrap();
        let store = options().graph(GraphMemory::at_open()).open(home.path()).unwrap();
        Follower::default().same(&store.read().unwrap(), counter, &log);
    }
}
