//! Parts of a graph, and what holds them together.

use engraph::NodeId;
use engraph::graph::{Communities, Order};
use serde_json::{Value, json};

use super::Case;
use crate::Outcome;

pub(super) fn weak_components(case: &Case) -> Outcome<Value> {
    case.parts(&case.graph.weak_components(&case.types)?)
}

pub(super) fn strong_components(case: &Case) -> Outcome<Value> {
    case.parts(&case.graph.strong_components(&case.types)?)
}

pub(super) fn topological_order(case: &Case) -> Outcome<Value> {
    Ok(match case.graph.topological_order(&case.types)? {
        Order::Sorted(nodes) => json!({"order": case.numbers(&nodes)?}),
        Order::Cycle(nodes) => json!({"cycle": case.numbers(&nodes)?}),
    })
}

fn numbered(case: &Case, lists: &[Vec<NodeId>]) -> Outcome<Vec<Vec<usize>>> {
    lists.iter().map(|list| case.numbers(list)).collect()
}

/// Whether there is a cycle, and all there are where that cannot be very many.
pub(super) fn cycles(case: &Case) -> Outcome<Value> {
    let one = case.graph.find_cycle(&case.types)?.map(|cycle| case.numbers(&cycle)).transpose()?;
    let all = if case.nodes.len() <= 8 {
        let found = case.graph.cycles().edge_types(&case.types).cycles_max(usize::MAX).find()?;
        Some(numbered(case, &found)?)
    } else {
        None
    };
    Ok(json!({"one": one, "all": all}))
}

/// All cycles of up to four nodes.
pub(super) fn short_cycles(case: &Case) -> Outcome<Value> {
    let found =
        case.graph.cycles().edge_types(&case.types).length_max(4).cycles_max(usize::MAX).find()?;
    Ok(json!(numbered(case, &found)?))
}

pub(super) fn cuts(case: &Case) -> Outcome<Value> {
    let found = case.graph.cuts(&case.types)?;
    let bridges = found.bridges().iter();
    let bridges = bridges.map(|edge| Ok((case.number(edge.source)?, case.number(edge.target)?)));
    Ok(json!({
        "bridges": bridges.collect::<Outcome<Vec<_>>>()?,
        "articulation_points": case.numbers(&found.articulation_points())?,
        "blocks": numbered(case, &found.blocks())?,
    }))
}

pub(super) fn spanning_forest(case: &Case) -> Outcome<Value> {
    let found = case.graph.spanning_forest(&case.types)?;
    let ends = |edge: &engraph::graph::GraphEdge| {
        Ok((case.number(edge.source)?, case.number(edge.target)?, edge.weight))
    };
    let edges = found.edges.iter().map(ends).collect::<Outcome<Vec<_>>>()?;
    Ok(json!({"weight": found.weight, "trees": found.trees, "edges": edges}))
}

/// The nearest dominators of all that two of the nodes reach.
pub(super) fn dominators(case: &Case) -> Outcome<Value> {
    let mut answers = Vec::new();
    for root in case.nodes.iter().take(2) {
        let found = case.graph.dominators(*root, &case.types)?;
        let pairs = found.iter().map(|(node, above)| Ok((case.number(node)?, case.number(above)?)));
        answers.push((case.number(*root)?, pairs.collect::<Outcome<Vec<_>>>()?));
    }
    Ok(json!(answers))
}

/// Communities are not the same everywhere, but how good they are is.
pub(super) fn communities(case: &Case) -> Outcome<Value> {
    let search = || case.graph.communities().edge_types(&case.types).seed(3);
    let told = |found: &Communities| Ok((numbered(case, &found.groups())?, found.modularity()));
    let found = [search().louvain()?, search().leiden()?, search().label_propagation()?];
    Ok(json!(found.iter().map(told).collect::<Outcome<Vec<_>>>()?))
}
