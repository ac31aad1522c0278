//! Path searches against naive ones, and on shapes made to exhaust them.

#![expect(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "costs are small whole numbers, so that sums are exact"
)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::budget::Budget;
use super::super::follow::{Follow, Rule};
use super::super::model::{Model, any_rules, node};
use super::super::path::{Costs, Path, Query};
use super::super::view::Side;
use super::super::{BlocksView, Direction, End, Graph};
use super::*;
use crate::base::error::Error;
use crate::base::id::NodeId;

const OUT: &[Rule] = &[Rule { side: Side::Out, edge_type: None }];

/// Every path without loops, with the least that each can cost, by trying everything.
fn naive(
    model: &Model,
    rules: &[Rule],
    path: &mut Vec<NodeId>,
    cost: f64,
    (to, hops_max, found): (NodeId, usize, &mut BTreeMap<Vec<NodeId>, f64>),
) {
    let last = path[path.len() - 1];
    if last == to {
        let known = found.entry(path.clone()).or_insert(cost);
        *known = known.min(cost);
        return;
    }
    if path.len() > hops_max {
        return;
    }
    for (_, next, _, weight) in rules.iter().flat_map(|rule| model.edges_of(last, *rule)) {
        if !path.contains(&next) {
            path.push(next);
            naive(model, rules, path, cost + f64::from(weight), (to, hops_max, &mut *found));
            path.pop();
        }
    }
}

fn all(
    model: &Model,
    rules: &[Rule],
    ends: (NodeId, NodeId),
    hops: usize,
) -> BTreeMap<Vec<NodeId>, f64> {
    let mut found = BTreeMap::new();
    naive(model, rules, &mut vec![ends.0], 0.0, (ends.1, hops, &mut found));
    found
}

fn nodes(paths: &[Path]) -> Vec<Vec<NodeId>> {
    paths.iter().map(|path| path.nodes.clone()).collect()
}

proptest! {
    #[test]
    fn the_best_few_are_the_best_of_all(
        model in Model::any(7, 22), ends in (0_u64..7, 0_u64..7), rules in any_rules(),
        count in 1_usize..8, weighted: bool,
    ) {
        let ends = (node(ends.0), node(ends.1));
        let (graph, meter) = (model.graph(), Budget::default().meter());
        let follow = Follow::of_rules(&graph, &rules);
        let costs = if weighted { Costs::Weights } else { Costs::Hops };
        let (costs, meter) = (&costs, &meter);
        let hops_max = usize::MAX;
        let query =
            Query { ends, follow: &follow, costs, hops_max, filter: None, avoid: None, meter };
        let rows = model.rows();
        let found = k_best(&BlocksView::new(&rows), &query, count).unwrap();
        prop_assert_eq!(&found, &k_best(&model.snapshot(), &query, count).unwrap());
        let expected = all(&model, &rules, ends, usize::MAX - 1);
        let hops = |path: &[NodeId]| (path.len() - 1) as f64;
        let cost = |path: &Vec<NodeId>, sum: f64| if weighted { sum } else { hops(path) };
        let mut costs: Vec<f64> = expected.iter().map(|(path, sum)| cost(path, *sum)).collect();
        costs.sort_by(f64::total_cmp);
        costs.truncate(count);
        let found_costs: Vec<f64> = found.items.iter().map(|path| path.cost).collect();
        prop_assert_eq!(found_costs, costs);
        let distinct: BTreeSet<_> = nodes(&found.items).into_iter().collect();
        prop_assert_eq!(distinct.len(), found.items.len());
        for path in &found.items {
            prop_assert_eq!(cost(&path.nodes, expected[&path.nodes]), path.cost);
        }
    }

    #[test]
    fn all_simple_paths_are_listed_in_order(
        model in Model::any(7, 22), ends in (0_u64..7, 0_u64..7), rules in any_rules(),
        hops_max in prop_oneof![Just(usize::MAX), 0_usize..5], count in 1_usize..30,
    ) {
        let ends = (node(ends.0), node(ends.1));
        let (graph, meter) = (model.graph(), Budget::default().meter());
        let follow = Follow::of_rules(&graph, &rules);
        let (costs, meter) = (&Costs::Hops, &meter);
        let query =
            Query { ends, follow: &follow, costs, hops_max, filter: None, avoid: None, meter };
        let rows = model.rows();
        let found = simple(&BlocksView::new(&rows), &query, count).unwrap();
        let other = Query { meter: &Budget::default().meter(), ..query };
        prop_assert_eq!(&found, &simple(&model.snapshot(), &other, count).unwrap());
        let mut expected: Vec<_> =
            all(&model, &rules, ends, hops_max.min(99)).into_keys().collect();
        expected.truncate(count);
        prop_assert_eq!(nodes(&found.items), expected);
    }

    #[test]
    fn all_shortest_paths_are_the_simple_ones_of_their_length(
        model in Model::any(8, 30), ends in (0_u64..8, 0_u64..8),
    ) {
        let ends = (node(ends.0), node(ends.1));
        let found = model.graph().path(ends.0, ends.1).all_shortest(1_000).unwrap();
        let every = all(&model, OUT, ends, 99);
        let least = every.keys().map(Vec::len).min();
        let expected: Vec<_> = every.into_keys().filter(|path| Some(path.len()) == least).collect();
        prop_assert_eq!(nodes(&found.items), expected);
        prop_assert_eq!(found.end, End::Complete);
    }

    #[test]
    fn distances_are_what_they_must_be(
        model in Model::any(12, 40), start in 0_u64..13, banned in 0_u64..14, weighted: bool,
    ) {
        let (graph, start) = (model.graph(), node(start));
        let keep = |id: NodeId| id != node(banned);
        let search = graph.distances(start).filter(keep);
        let found = if weighted { search.weighted() } else { search }.find().unwrap();
        let cost: &dyn Fn(f32) -> f64 = if weighted { &f64::from } else { &|_| 1.0 };
        let expected = model.costs(start, OUT, &keep, cost);
        for id in (0..13).map(node) {
            prop_assert_eq!(found.of(id), expected.get(&id).copied());
            let path = found.path_to(id);
            prop_assert_eq!(path.as_ref().map(|path| path.cost), found.of(id));
            if let Some(path) = path {
                let sum = if weighted { path.weight } else { (path.nodes.len() - 1) as f64 };
                prop_assert_eq!(sum, path.cost);
            }
        }
        let listed: BTreeMap<_, _> = found.iter().collect();
        let touched = model.nodes();
        let expected: BTreeMap<_, _> =
            expected.into_iter().filter(|(id, _)| touched.contains(id)).collect();
        prop_assert_eq!(listed, expected);
    }
}

#[test]
fn a_budget_leaves_only_settled_distances() {
    let mut model = Model::of(&[(0, 1), (0, 2), (1, 2), (2, 3)]);
    for (edge, weight) in model.edges.iter_mut().zip([1.0, 9.0, 1.0, 1.0]) {
        edge.weight = weight;
    }
    let graph = model.graph();
    let found = graph.distances(node(0)).weighted().nodes_max(1).find().unwrap();
    assert_eq!(found.end(), End::Nodes);
    assert_eq!([found.of(node(1)), found.of(node(2))], [Some(1.0), None]);
    let whole = graph.distances(node(0)).weighted().find().unwrap();
    assert_eq!(whole.of(node(3)), Some(3.0));
    model.edges[3].weight = -1.0;
    let found = model.graph().distances(node(0)).weighted().find();
    assert!(matches!(found, Err(Error::Invalid { .. })));
}

#[test]
fn too_many_paths_end_at_a_limit_or_a_budget() {
    let edges: Vec<(u64, u64)> = (0..31)
        .flat_map(|from| (0..31).map(move |to| (from, to)))
        .filter(|(a, b)| a != b)
        .collect();
    let graph = Model::of(&edges).graph();
    let search = || graph.path(node(0), node(30)).hops_max(8);
    let some = search().all_simple(5_000).unwrap();
    assert_eq!((some.items.len(), some.end), (5_000, End::Limit));
    let some = search().nodes_max(1_000).all_simple(usize::MAX).unwrap();
    assert!(some.end == End::Nodes && !some.items.is_empty());
    let best = search().k_shortest(40).unwrap();
    let lengths: Vec<usize> = best.items.iter().map(|path| path.edges.len()).collect();
    assert_eq!((lengths[0], lengths[1], lengths[29], lengths[30]), (1, 2, 2, 3));
    assert_eq!(search().all_shortest(9).unwrap().items.len(), 1);
}

fn chain(length: u64) -> Graph {
    let edges: Vec<(u64, u64)> = (0..length).map(|number| (number, number + 1)).collect();
    Model::of(&edges).graph()
}

#[test]
fn long_chains_need_no_deep_stack() {
    let (graph, hops) = (chain(20_000), 20_000);
    let (from, to) = (node(0), node(20_000));
    let length = |path: Option<Path>| path.map(|path| path.edges.len());
    assert_eq!(length(graph.path(from, to).find().unwrap()), Some(hops));
    assert_eq!(length(graph.path(from, to).weighted().find().unwrap()), Some(hops));
    assert_eq!(length(graph.path(from, to).heuristic(|_| 0.0).find().unwrap()), Some(hops));
    assert_eq!(graph.path(from, to).all_simple(2).unwrap().items.len(), 1);
    assert_eq!(length(graph.regular(from, "t0+").unwrap().path_to(to).unwrap()), Some(hops));
    assert_eq!(graph.pattern(from).out("t0").repeat(1..).nodes().unwrap().len(), hops);
    assert_eq!(graph.from(from).depth(1..).depth_first().count().unwrap(), hops);
    assert_eq!(length(graph.distances(from).find().unwrap().path_to(to)), Some(hops));
}

#[test]
fn a_hub_and_many_small_parts_are_no_trouble() {
    let spokes = (1..20_000).map(|number| (0, number));
    let parts = (0..10_000).map(|number| (30_000 + 2 * number, 30_001 + 2 * number));
    let graph = Model::of(&spokes.chain(parts).collect::<Vec<_>>()).graph();
    let both = |from, to| graph.path(node(from), node(to)).any(Direction::Both);
    let through = both(5, 7).find().unwrap().map(|path| path.nodes);
    assert_eq!(through, Some(vec![node(5), node(0), node(7)]));
    assert_eq!(both(5, 30_000).find().unwrap(), None);
    assert_eq!(both(5, 7).k_shortest(3).unwrap().items.len(), 1);
    assert_eq!(both(30_000, 30_001).weighted().all_simple(9).unwrap().items.len(), 1);
}
