//! Random small graphs with engraph's answers, as JSON lines for `benches/oracles/compare.py`.
//!
//! An algorithm is one line of [`ALGORITHMS`] and one function here, and one function of the same
//! name there.

use std::collections::BTreeMap;
use std::io::Write as _;

use engraph::graph::{Components, Graph, Order, PageRank, Scores};
use engraph::record::{Facts, Record};
use engraph::{NewEdge, NodeId, Store};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Outcome;
use crate::data::Random;

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Node {}

impl Record for Node {
    const NAME: &'static str = "oracle_node";

    fn describe<'a>(&'a self, _facts: &mut Facts<'a>) {}
}

/// One graph in a store, its nodes by number.
struct Case {
    graph: Graph,
    nodes: Vec<NodeId>,
}

/// Null where there is nothing to ask of a graph.
type Algorithm = fn(&Case) -> Outcome<Value>;

const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("weak_components", weak_components),
    ("strong_components", strong_components),
    ("topological_order", topological_order),
    ("page_rank", page_rank),
    ("personal_page_rank", personal_page_rank),
    ("path_lengths", path_lengths),
    ("path_weights", path_weights),
    ("neighborhoods", neighborhoods),
];

/// Writes so many graphs to standard output.
pub fn run(graphs: u64, seed: u64) -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut out = std::io::stdout().lock();
    for number in 0..graphs {
        let mut random = Random::new(seed.wrapping_mul(0x1_0000).wrapping_add(number));
        let store =
            Store::builder().register::<Node>().create(folder.path().join(number.to_string()))?;
        let (nodes, edges) = draw(&mut random);
        let case = written(&store, nodes, &edges)?;
        let mut answers = serde_json::Map::new();
        for (name, algorithm) in ALGORITHMS {
            let answer = algorithm(&case)?;
            if !answer.is_null() {
                answers.insert((*name).into(), answer);
            }
        }
        let line = json!({"graph": number, "nodes": nodes, "edges": edges, "answers": answers});
        writeln!(out, "{line}")?;
        drop(case);
        store.close()?;
    }
    Ok(())
}

/// Source, target, weight.
type Edge = (usize, usize, f32);

/// A graph of up to 24 nodes: sparse ones fall into parts and leave nodes alone, dense ones have
/// parallel edges; every third leads only forward, so that it can be sorted.
fn draw(random: &mut Random) -> (usize, Vec<Edge>) {
    let nodes = 1 + random.below(24) as usize;
    let forward = random.below(3) == 0;
    let count = random.below(3 * nodes as u64 + 1) as usize;
    let mut edges: Vec<Edge> = Vec::with_capacity(count);
    for _ in 0..count {
        let (one, two) = (random.below(nodes as u64) as usize, random.below(nodes as u64) as usize);
        let weight = (1 + random.below(64)) as f32 / 16.0;
        match edges.last() {
            // Some edges have a twin of another weight.
            Some((source, target, _)) if random.below(6) == 0 => {
                edges.push((*source, *target, weight));
            }
            _ if forward && one == two => {}
            _ if forward => edges.push((one.min(two), one.max(two), weight)),
            _ => edges.push((one, two, weight)),
        }
    }
    (nodes, edges)
}

fn written(store: &Store, nodes: usize, edges: &[Edge]) -> Outcome<Case> {
    let nodes = store.write(|tx| {
        let nodes: Vec<NodeId> =
            (0..nodes).map(|_| tx.insert(&Node {})).collect::<engraph::Result<_>>()?;
        // By one call and one by one: two ways into the same lists.
        let (bulk, single) = edges.split_at(edges.len() / 2);
        let new = |(source, target, weight): &Edge| {
            let kind = if source < target { "up" } else { "down" };
            NewEdge::new(nodes[*source], kind, nodes[*target]).weight(*weight)
        };
        tx.add_edges(&bulk.iter().map(new).collect::<Vec<_>>())?;
        for edge in single {
            tx.add_edge(&new(edge))?;
        }
        Ok(nodes)
    })?;
    Ok(Case { graph: store.graph()?, nodes })
}

impl Case {
    fn number(&self, node: NodeId) -> Outcome<usize> {
        Ok(self.nodes.binary_search(&node).map_err(|_| "an answer names an unknown node")?)
    }

    fn numbers(&self, nodes: &[NodeId]) -> Outcome<Vec<usize>> {
        nodes.iter().map(|node| self.number(*node)).collect()
    }

    fn parts(&self, parts: &Components) -> Outcome<Value> {
        let parts: Vec<_> =
            parts.groups().iter().map(|part| self.numbers(part)).collect::<Outcome<_>>()?;
        Ok(json!(parts))
    }

    fn ranks(&self, ranks: &Scores) -> Value {
        let known = (0..)
            .zip(&self.nodes)
            .filter_map(|(number, node)| ranks.of(*node).map(|rank| (number, rank)));
        json!(known.collect::<BTreeMap<u64, f64>>())
    }

    /// Something for each pair of nodes.
    fn table<T: Serialize>(&self, of: impl Fn(NodeId, NodeId) -> Outcome<T>) -> Outcome<Value> {
        let row = |from: &NodeId| self.nodes.iter().map(|to| of(*from, *to)).collect();
        let rows: Vec<Vec<T>> = self.nodes.iter().map(row).collect::<Outcome<_>>()?;
        Ok(json!(rows))
    }
}

fn weak_components(case: &Case) -> Outcome<Value> {
    case.parts(&case.graph.weak_components(&[])?)
}

fn strong_components(case: &Case) -> Outcome<Value> {
    case.parts(&case.graph.strong_components(&[])?)
}

fn topological_order(case: &Case) -> Outcome<Value> {
    Ok(match case.graph.topological_order(&[])? {
        Order::Sorted(nodes) => json!({"order": case.numbers(&nodes)?}),
        Order::Cycle(nodes) => json!({"cycle": case.numbers(&nodes)?}),
    })
}

/// As near as it gets.
fn exact() -> PageRank {
    PageRank::new().tolerance(1e-15).rounds_max(2_000)
}

fn page_rank(case: &Case) -> Outcome<Value> {
    Ok(case.ranks(&case.graph.page_rank(&[], &exact())?))
}

fn personal_page_rank(case: &Case) -> Outcome<Value> {
    let with_edge = case.nodes.iter().copied().filter(|node| {
        case.graph.degree(*node, engraph::graph::Direction::Both).is_ok_and(|degree| degree > 0)
    });
    let seeds: Vec<NodeId> = with_edge.step_by(3).collect();
    if seeds.is_empty() {
        return Ok(Value::Null);
    }
    let ranks = case.graph.page_rank(&[], &exact().seeds(seeds.iter().copied()))?;
    Ok(json!({"seeds": case.numbers(&seeds)?, "ranks": case.ranks(&ranks)}))
}

fn path_lengths(case: &Case) -> Outcome<Value> {
    case.table(|from, to| Ok(case.graph.shortest_path(from, to)?.map(|path| path.edges.len())))
}

fn path_weights(case: &Case) -> Outcome<Value> {
    case.table(|from, to| Ok(case.graph.path(from, to).weighted().find()?.map(|path| path.weight)))
}

fn neighborhoods(case: &Case) -> Outcome<Value> {
    let reached = |node: &NodeId| case.numbers(&case.graph.from(*node).depth(1..=2).nodes()?);
    Ok(json!(case.nodes.iter().map(reached).collect::<Outcome<Vec<_>>>()?))
}
