//! Ways from one node to another, and what can flow along them.

use engraph::NodeId;
use engraph::graph::Path;
use serde_json::{Value, json};

use super::Case;
use crate::Outcome;

pub(super) fn path_lengths(case: &Case) -> Outcome<Value> {
    case.table(|from, to| Ok(case.path(from, to).find()?.map(|path| path.edges.len())))
}

pub(super) fn path_weights(case: &Case) -> Outcome<Value> {
    case.table(|from, to| Ok(case.path(from, to).weighted().find()?.map(|path| path.weight)))
}

/// The same from searches for all at once.
pub(super) fn distances(case: &Case) -> Outcome<Value> {
    let row = |from: &NodeId| {
        let search = case.graph.distances(*from).weighted();
        let found = case.types.iter().fold(search, |search, name| search.out(name)).find()?;
        Ok(case.nodes.iter().map(|to| found.of(*to)).collect::<Vec<_>>())
    };
    Ok(json!(case.nodes.iter().map(row).collect::<Outcome<Vec<_>>>()?))
}

pub(super) fn neighborhoods(case: &Case) -> Outcome<Value> {
    let reached = |node: &NodeId| {
        let walk = case.graph.from(*node).depth(1..=2);
        let walk = case.types.iter().fold(walk, |walk, name| walk.out(name));
        case.numbers(&walk.nodes()?)
    };
    Ok(json!(case.nodes.iter().map(reached).collect::<Outcome<Vec<_>>>()?))
}

fn nodes_of(case: &Case, paths: &[Path]) -> Outcome<Vec<Vec<usize>>> {
    paths.iter().map(|path| case.numbers(&path.nodes)).collect()
}

pub(super) fn all_shortest(case: &Case) -> Outcome<Value> {
    case.of_pairs(|from, to| nodes_of(case, &case.path(from, to).all_shortest(usize::MAX)?.items))
}

/// Those of up to five edges.
pub(super) fn all_simple(case: &Case) -> Outcome<Value> {
    case.of_pairs(|from, to| {
        let search = case.path(from, to).hops_max(5);
        nodes_of(case, &search.all_simple(usize::MAX)?.items)
    })
}

/// The lengths of the four best paths, by edges and by weights, and the paths by weights.
pub(super) fn k_shortest(case: &Case) -> Outcome<Value> {
    case.of_pairs(|from, to| {
        let by_edges = case.path(from, to).k_shortest(4)?.items;
        let by_weights = case.path(from, to).weighted().k_shortest(4)?.items;
        let lengths: Vec<_> = by_edges.iter().map(|path| path.edges.len()).collect();
        let weights: Vec<_> = by_weights.iter().map(|path| path.weight).collect();
        Ok(json!({"lengths": lengths, "weights": weights, "paths": nodes_of(case, &by_weights)?}))
    })
}

/// The greatest flow, and the capacity of the cut that shows that there is no greater.
pub(super) fn maximum_flow(case: &Case) -> Outcome<Value> {
    case.of_pairs(|from, to| {
        let found = case.graph.max_flow(from, to).edge_types(&case.types).find()?;
        let cut: f64 = found.cut().iter().map(|edge| edge.capacity).sum();
        let edges = found.edges().iter().map(|part| {
            Ok((case.number(part.edge.source)?, case.number(part.edge.target)?, part.flow))
        });
        let edges = edges.collect::<Outcome<Vec<_>>>()?;
        Ok(json!({"value": found.value(), "cut": cut, "edges": edges}))
    })
}
