//! Random small graphs with engraph's answers, as JSON lines for `benches/oracles/compare.py`.
//!
//! An algorithm is one line of [`ALGORITHMS`], one function in one of the modules here, and one
//! function of the same name there.

mod parts;
mod scores;
mod similar;
mod ways;

use std::collections::BTreeMap;
use std::io::Write as _;

use engraph::graph::{Components, Direction, Graph, Scores};
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
    ("weak_components", parts::weak_components),
    ("strong_components", parts::strong_components),
    ("topological_order", parts::topological_order),
    ("cycles", parts::cycles),
    ("short_cycles", parts::short_cycles),
    ("cuts", parts::cuts),
    ("spanning_forest", parts::spanning_forest),
    ("dominators", parts::dominators),
    ("communities", parts::communities),
    ("page_rank", scores::page_rank),
    ("personal_page_rank", scores::personal_page_rank),
    ("degree", scores::degree),
    ("closeness", scores::closeness),
    ("harmonic", scores::harmonic),
    ("betweenness", scores::betweenness),
    ("betweenness_of_sources", scores::betweenness_of_sources),
    ("eigenvector", scores::eigenvector),
    ("katz", scores::katz),
    ("cores", scores::cores),
    ("triangles", scores::triangles),
    ("similarity", similar::similarity),
    ("predicted_links", similar::predicted_links),
    ("path_lengths", ways::path_lengths),
    ("path_weights", ways::path_weights),
    ("distances", ways::distances),
    ("neighborhoods", ways::neighborhoods),
    ("all_shortest", ways::all_shortest),
    ("all_simple", ways::all_simple),
    ("k_shortest", ways::k_shortest),
    ("maximum_flow", ways::maximum_flow),
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

    fn scores(&self, scores: &Scores) -> Value {
        let known = (0..)
            .zip(&self.nodes)
            .filter_map(|(number, node)| scores.of(*node).map(|score| (number, score)));
        json!(known.collect::<BTreeMap<u64, f64>>())
    }

    /// Something for each pair of nodes.
    fn table<T: Serialize>(&self, of: impl Fn(NodeId, NodeId) -> Outcome<T>) -> Outcome<Value> {
        let row = |from: &NodeId| self.nodes.iter().map(|to| of(*from, *to)).collect();
        let rows: Vec<Vec<T>> = self.nodes.iter().map(row).collect::<Outcome<_>>()?;
        Ok(json!(rows))
    }

    /// Ordered pairs of different nodes, not so many that asking about each takes long.
    fn pairs(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        let some = self.nodes.iter().copied().take(7);
        some.clone()
            .flat_map(move |from| some.clone().map(move |to| (from, to)))
            .filter(|(from, to)| from != to)
    }

    /// Something for each of [`Case::pairs`], behind the numbers of both.
    fn of_pairs<T: Serialize>(&self, of: impl Fn(NodeId, NodeId) -> Outcome<T>) -> Outcome<Value> {
        let one = |(from, to)| Ok((self.number(from)?, self.number(to)?, of(from, to)?));
        Ok(json!(self.pairs().map(one).collect::<Outcome<Vec<_>>>()?))
    }

    /// The nodes that have an edge.
    fn with_edge(&self) -> impl Iterator<Item = NodeId> {
        let has_edge = |node: &NodeId| {
            self.graph.degree(*node, Direction::Both).is_ok_and(|degree| degree > 0)
        };
        self.nodes.iter().copied().filter(has_edge)
    }
}
