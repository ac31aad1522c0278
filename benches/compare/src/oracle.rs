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

use engraph::graph::{Components, Degree, Graph, PathSearch, Scores};
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
    /// The types of the edges that count; all when empty.
    types: Vec<&'static str>,
}

/// Null where there is nothing to ask of a graph.
type Algorithm = fn(&Case) -> Outcome<Value>;

/// The first can do with adjacency blocks; from [`parts::weak_components`] on they ask for the
/// whole graph in memory, which then is there for all.
const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("path_lengths", ways::path_lengths),
    ("path_weights", ways::path_weights),
    ("neighborhoods", ways::neighborhoods),
    ("all_shortest", ways::all_shortest),
    ("all_simple", ways::all_simple),
    ("k_shortest", ways::k_shortest),
    ("similarity", similar::similarity),
    ("simrank", similar::simrank),
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
    ("predicted_links", similar::predicted_links),
    ("distances", ways::distances),
    ("maximum_flow", ways::maximum_flow),
];

/// Writes so many graphs to standard output.
pub fn run(graphs: u64, seed: u64) -> Outcome {
    let mut out = std::io::stdout().lock();
    for number in 0..graphs {
        let mut random = Random::new(seed.wrapping_mul(0x1_0000).wrapping_add(number));
        let folder = tempfile::tempdir()?;
        let store = Store::builder().register::<Node>().create(folder.path().join("store"))?;
        let (nodes, edges) = draw(&mut random);
        let form = [Form::Blocks, Form::Snapshot, Form::Delta][random.below(3) as usize];
        let (graph, ids) = written(&store, form, (nodes, &edges))?;
        let types = if random.below(3) == 0 { vec![MANY] } else { Vec::new() };
        let counts = |edge: &&Edge| types.is_empty() || types.contains(&type_of(edge));
        let edges: Vec<&Edge> = edges.iter().filter(counts).collect();
        let case = Case { graph, nodes: ids, types: types.clone() };
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

/// The type of most edges, and that of the others.
const MANY: &str = "many";
const FEW: &str = "few";

fn type_of((source, target, weight): &Edge) -> &'static str {
    // Twins of other weights are of either type.
    if (source + target + (weight * 16.0) as usize).is_multiple_of(3) { FEW } else { MANY }
}

/// How the graph is there when it is first asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Blocks,
    Snapshot,
    /// A snapshot of half of it and of edges that are gone, and what has changed since.
    Delta,
}

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

fn written(
    store: &Store,
    form: Form,
    (nodes, edges): (usize, &[Edge]),
) -> Outcome<(Graph, Vec<NodeId>)> {
    let (bulk, single) = edges.split_at(edges.len() / 2);
    let nodes = store.write(|tx| {
        (0..nodes).map(|_| tx.insert(&Node {})).collect::<engraph::Result<Vec<NodeId>>>()
    })?;
    let new =
        |edge: &Edge| NewEdge::new(nodes[edge.0], type_of(edge), nodes[edge.1]).weight(edge.2);
    // By one call and one by one: two ways into the same lists.
    let doomed = store.write(|tx| {
        tx.add_edges(&bulk.iter().map(new).collect::<Vec<_>>())?;
        let doomed = single.iter().filter(|_| form == Form::Delta).map(|edge| {
            let (source, target, weight) = *edge;
            tx.add_edge(&new(&(target, source, weight)))
        });
        doomed.collect::<engraph::Result<Vec<_>>>()
    })?;
    if form == Form::Delta {
        store.build_graph()?;
    }
    store.write(|tx| {
        single.iter().try_for_each(|edge| tx.add_edge(&new(edge)).map(drop))?;
        doomed.iter().try_for_each(|edge| tx.remove_edge(*edge).map(drop))
    })?;
    if form == Form::Snapshot {
        store.build_graph()?;
    }
    let graph = store.graph()?;
    if graph.is_in_memory() == (form == Form::Blocks) {
        return Err(format!("the graph is not there as {form:?}").into());
    }
    Ok((graph, nodes))
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

    /// The nodes that have an edge that counts.
    fn with_edge(&self) -> Outcome<Vec<NodeId>> {
        let degrees = self.graph.degree_centrality(&self.types, &Degree::new())?;
        let nodes = self.nodes.iter().copied();
        Ok(nodes.filter(|node| degrees.of(*node).is_some()).collect())
    }

    /// A search for paths over the edges that count.
    fn path(&self, from: NodeId, to: NodeId) -> PathSearch<'_> {
        self.types.iter().fold(self.graph.path(from, to), |search, name| search.out(name))
    }
}
