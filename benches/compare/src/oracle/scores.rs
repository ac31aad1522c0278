//! Numbers by node.

use std::collections::BTreeMap;

use engraph::NodeId;
use engraph::graph::{Betweenness, Closeness, Degree, Direction, Eigenvector, Katz, PageRank};
use serde_json::{Value, json};

use super::Case;
use crate::Outcome;

/// As near as it gets.
fn exact() -> PageRank {
    PageRank::new().tolerance(1e-15).rounds_max(2_000)
}

pub(super) fn page_rank(case: &Case) -> Outcome<Value> {
    Ok(case.scores(&case.graph.page_rank(&case.types, &exact())?))
}

pub(super) fn personal_page_rank(case: &Case) -> Outcome<Value> {
    let seeds: Vec<NodeId> = case.with_edge()?.into_iter().step_by(3).collect();
    if seeds.is_empty() {
        return Ok(Value::Null);
    }
    let ranks = case.graph.page_rank(&case.types, &exact().seeds(seeds.iter().copied()))?;
    Ok(json!({"seeds": case.numbers(&seeds)?, "ranks": case.scores(&ranks)}))
}

pub(super) fn degree(case: &Case) -> Outcome<Value> {
    let of = |options: Degree| -> Outcome<Value> {
        Ok(case.scores(&case.graph.degree_centrality(&case.types, &options)?))
    };
    Ok(json!({
        "both": of(Degree::new())?,
        "out": of(Degree::new().direction(Direction::Out))?,
        "in": of(Degree::new().direction(Direction::In))?,
        "strength": of(Degree::new().weighted())?,
        "normalized": of(Degree::new().normalized())?,
    }))
}

pub(super) fn closeness(case: &Case) -> Outcome<Value> {
    let of = |options: Closeness| -> Outcome<Value> {
        Ok(case.scores(&case.graph.closeness_centrality(&case.types, &options)?))
    };
    Ok(json!({
        "plain": of(Closeness::new())?,
        "weighted": of(Closeness::new().weighted())?,
        "uncorrected": of(Closeness::new().uncorrected())?,
        "outward": of(Closeness::new().direction(Direction::Out))?,
        "both": of(Closeness::new().direction(Direction::Both))?,
    }))
}

pub(super) fn harmonic(case: &Case) -> Outcome<Value> {
    let of = |options: Closeness| -> Outcome<Value> {
        Ok(case.scores(&case.graph.harmonic_centrality(&case.types, &options)?))
    };
    Ok(json!({
        "plain": of(Closeness::new())?,
        "weighted": of(Closeness::new().weighted())?,
    }))
}

pub(super) fn betweenness(case: &Case) -> Outcome<Value> {
    let of = |options: Betweenness| -> Outcome<Value> {
        Ok(case.scores(&case.graph.betweenness_centrality(&case.types, &options)?))
    };
    Ok(json!({
        "plain": of(Betweenness::new())?,
        "weighted": of(Betweenness::new().weighted())?,
        "undirected": of(Betweenness::new().undirected())?,
        "normalized": of(Betweenness::new().normalized())?,
    }))
}

pub(super) fn betweenness_of_sources(case: &Case) -> Outcome<Value> {
    let sources: Vec<NodeId> = case.with_edge()?.into_iter().step_by(2).collect();
    let options = Betweenness::new().sources(sources.iter().copied());
    let found = case.graph.betweenness_centrality(&case.types, &options)?;
    Ok(json!({"sources": case.numbers(&sources)?, "scores": case.scores(&found)}))
}

/// Edges taken both ways, so that there is one answer; null where it has not been reached.
pub(super) fn eigenvector(case: &Case) -> Outcome<Value> {
    let options = Eigenvector::new().direction(Direction::Both).tolerance(1e-13);
    let found = case.graph.eigenvector_centrality(&case.types, &options.rounds_max(50_000))?;
    let known = found.has_converged() && found.count() > 0;
    Ok(if known { case.scores(&found) } else { Value::Null })
}

pub(super) fn katz(case: &Case) -> Outcome<Value> {
    let degrees = case.graph.degree_centrality(&case.types, &Degree::new())?;
    let Some((_, most)) = degrees.top(1).first().copied() else { return Ok(Value::Null) };
    // Below the inverse of the largest eigenvalue, whatever the graph is.
    let attenuation = 1.0 / (most + 2.0);
    let options = Katz::new().attenuation(attenuation).tolerance(1e-14);
    let plain = case.graph.katz_centrality(&case.types, &options)?;
    let raw = case.graph.katz_centrality(&case.types, &options.unnormalized())?;
    Ok(json!({
        "attenuation": attenuation,
        "plain": case.scores(&plain),
        "unnormalized": case.scores(&raw),
    }))
}

pub(super) fn cores(case: &Case) -> Outcome<Value> {
    let found = case.graph.cores(&case.types)?;
    let numbers = found.iter().map(|(node, number)| Ok((case.number(node)?, number)));
    Ok(json!(numbers.collect::<Outcome<BTreeMap<_, _>>>()?))
}

pub(super) fn triangles(case: &Case) -> Outcome<Value> {
    let found = case.graph.triangles(&case.types)?;
    let (mut counts, mut clustering) = (BTreeMap::new(), BTreeMap::new());
    for (node, count) in found.iter() {
        let number = case.number(node)?;
        counts.insert(number, count);
        clustering.insert(number, found.clustering(node));
    }
    Ok(json!({
        "total": found.total(),
        "counts": counts,
        "clustering": clustering,
        "clustering_mean": found.clustering_mean(),
        "transitivity": found.transitivity(),
    }))
}
