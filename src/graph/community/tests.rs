//! The methods against the definition of modularity, on random graphs.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::model::{Model, node};
use super::*;

/// Modularity as it is written: the sum over all ordered pairs of nodes in one community.
fn by_definition(model: &Model, resolution: f64, label: &dyn Fn(NodeId) -> usize) -> f64 {
    let mut between: BTreeMap<(NodeId, NodeId), f64> = BTreeMap::new();
    for edge in &model.edges {
        // A loop is met from both of its ends.
        for ends in [(edge.source, edge.target), (edge.target, edge.source)] {
            *between.entry(ends).or_default() += f64::from(edge.weight);
        }
    }
    let total: f64 = between.values().sum();
    if total == 0.0 {
        return 0.0;
    }
    let mut strengths: BTreeMap<NodeId, f64> = BTreeMap::new();
    for ((from, _), weight) in &between {
        *strengths.entry(*from).or_default() += weight;
    }
    let mut sum = 0.0;
    for (a, of_a) in &strengths {
        for (b, of_b) in strengths.iter().filter(|(b, _)| label(*a) == label(**b)) {
            let found = between.get(&(*a, *b)).copied().unwrap_or(0.0);
            sum += (found - resolution * of_a * of_b / total) / total;
        }
    }
    sum
}

/// No node gains by going to another community or off on its own.
fn check_settled(model: &Model, resolution: f64, found: &Communities) -> Result<(), TestCaseError> {
    let reached = found.modularity();
    for id in model.nodes() {
        for label in 0..=found.count() {
            let moved = |other: NodeId| {
                if other == id { label } else { found.of(other).unwrap() }
            };
            let value = by_definition(model, resolution, &moved);
            prop_assert!(value <= reached + 1e-9, "{id} to {label}: {value} over {reached}");
        }
    }
    Ok(())
}

/// Each community hangs together by edges that weigh something.
fn check_connected(model: &Model, found: &Communities) -> Result<(), TestCaseError> {
    for group in found.groups() {
        let mut reached = BTreeSet::from([group[0]]);
        for _ in 0..group.len() {
            for edge in model.edges.iter().filter(|edge| edge.weight > 0.0) {
                let ends = [edge.source, edge.target];
                let inside = ends.iter().all(|end| group.contains(end));
                if inside && ends.iter().any(|end| reached.contains(end)) {
                    reached.extend(ends);
                }
            }
        }
        prop_assert_eq!(reached.len(), group.len());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn partitions_are_settled_and_measured_by_the_definition(
        model in Model::any(12, 36),
        typed: bool,
        weighted: bool,
        resolution in prop_oneof![Just(1.0), 0.2_f64..3.0],
        seed: u64,
    ) {
        let graph = model.graph();
        let (mut part, types): (_, &[&str]) =
            if typed { (model.of_type(1), &["t1"]) } else { (model, &[]) };
        let mut search =
            graph.communities().edge_types(types).resolution(resolution).seed(seed);
        if !weighted {
            search = search.unweighted();
            part.edges.iter_mut().for_each(|edge| edge.weight = 1.0);
        }
        for found in [search.louvain().unwrap(), search.leiden().unwrap()] {
            check_settled(&part, resolution, &found)?;
            check_connected(&part, &found)?;
            let label = |id| found.of(id).unwrap();
            let expected = by_definition(&part, resolution, &label);
            prop_assert!((found.modularity() - expected).abs() < 1e-9);
            let told = search.modularity(|id| found.of(id)).unwrap();
            prop_assert!((told - expected).abs() < 1e-9);
            let nodes: BTreeSet<NodeId> = found.groups().into_iter().flatten().collect();
            prop_assert_eq!(nodes, part.nodes());
            for (number, group) in found.groups().iter().enumerate() {
                prop_assert!(group.iter().all(|id| found.of(*id) == Some(number)));
            }
        }
        let alone = search.modularity(|_| None).unwrap();
        let expected = by_definition(&part, resolution, &|id| id.as_u64() as usize);
        prop_assert!((alone - expected).abs() < 1e-9);
    }

    #[test]
    fn labels_prevail_around_their_nodes(model in Model::any(12, 36), seed: u64) {
        let graph = model.graph();
        let found = graph.communities().seed(seed).label_propagation().unwrap();
        for id in model.nodes() {
            let mut sums: BTreeMap<usize, f64> = BTreeMap::new();
            for edge in model.edges.iter().filter(|edge| edge.source != edge.target) {
                for (own, other) in [(edge.source, edge.target), (edge.target, edge.source)] {
                    if own == id {
                        *sums.entry(found.of(other).unwrap()).or_default() +=
                            f64::from(edge.weight);
                    }
                }
            }
            let own = sums.get(&found.of(id).unwrap()).copied().unwrap_or(0.0);
            prop_assert!(sums.values().all(|sum| *sum <= own));
        }
        let label = |id| found.of(id).unwrap();
        prop_assert!((found.modularity() - by_definition(&model, 1.0, &label)).abs() < 1e-9);
    }
}

/// Cliques of `size` nodes in a ring, one edge between neighbours.
fn ring_of_cliques(cliques: u64, size: u64) -> Model {
    let mut edges = Vec::new();
    for clique in 0..cliques {
        let first = clique * size;
        edges.extend((0..size).flat_map(|a| (0..a).map(move |b| (first + a, first + b))));
        edges.push((first, (first + size + 1) % (cliques * size)));
    }
    Model::of(&edges)
}

#[test]
fn cliques_are_told_apart_the_same_way_every_time() {
    let graph = ring_of_cliques(12, 6).graph();
    for seed in 0..4 {
        let search = graph.communities().seed(seed);
        for found in [search.louvain().unwrap(), search.leiden().unwrap()] {
            assert_eq!(found.count(), 12);
            assert!(found.groups().iter().all(|group| group.len() == 6));
        }
        // Labels can run over from one clique to the next, but never part one.
        let found = search.label_propagation().unwrap();
        let label = |number| found.of(node(number));
        assert!((0..72).all(|number| label(number) == label(number / 6 * 6)));
        assert!(found.count() > 1);
    }
    assert_eq!(graph.communities().resolution(0.0).leiden().unwrap().count(), 1);
}

#[test]
fn a_seed_gives_the_same_every_time() {
    let edges: Vec<(u64, u64)> =
        (0..600).map(|number| (number * number % 97, number * 31 % 89)).collect();
    let graph = Model::of(&edges).graph();
    let methods = [
        |search: &CommunitySearch<'_>| search.louvain().unwrap(),
        |search: &CommunitySearch<'_>| search.leiden().unwrap(),
        |search: &CommunitySearch<'_>| search.label_propagation().unwrap(),
    ];
    for method in methods {
        let of_seed = |seed| method(&graph.communities().seed(seed));
        for seed in 0..4 {
            let (found, again) = (of_seed(seed), of_seed(seed));
            assert_eq!(found.groups(), again.groups());
            assert_eq!(found.modularity().to_bits(), again.modularity().to_bits());
        }
        assert!((1..8).any(|seed| of_seed(seed).groups() != of_seed(0).groups()));
    }
}

/// The club of Zachary 1977 as far as its best known partition, of modularity 0.4198, goes.
const CLUB: &[(u64, u64)] = &[
    (2, 1),
    (3, 1),
    (3, 2),
    (4, 1),
    (4, 2),
    (4, 3),
    (5, 1),
    (6, 1),
    (7, 1),
    (7, 5),
    (7, 6),
    (8, 1),
    (8, 2),
    (8, 3),
    (8, 4),
    (9, 1),
    (9, 3),
    (10, 3),
    (11, 1),
    (11, 5),
    (11, 6),
    (12, 1),
    (13, 1),
    (13, 4),
    (14, 1),
    (14, 2),
    (14, 3),
    (14, 4),
    (17, 6),
    (17, 7),
    (18, 1),
    (18, 2),
    (20, 1),
    (20, 2),
    (22, 1),
    (22, 2),
    (26, 24),
    (26, 25),
    (28, 3),
    (28, 24),
    (28, 25),
    (29, 3),
    (30, 24),
    (30, 27),
    (31, 2),
    (31, 9),
    (32, 1),
    (32, 25),
    (32, 26),
    (32, 29),
    (33, 3),
    (33, 9),
    (33, 15),
    (33, 16),
    (33, 19),
    (33, 21),
    (33, 23),
    (33, 24),
    (33, 30),
    (33, 31),
    (33, 32),
    (34, 9),
    (34, 10),
    (34, 14),
    (34, 15),
    (34, 16),
    (34, 19),
    (34, 20),
    (34, 21),
    (34, 23),
    (34, 24),
    (34, 27),
    (34, 28),
    (34, 29),
    (34, 30),
    (34, 31),
    (34, 32),
    (34, 33),
];

#[test]
fn the_best_known_partition_is_found() {
    let graph = Model::of(CLUB).graph();
    let reach = |found: Communities| found.modularity();
    let leiden = (0..8).map(|seed| reach(graph.communities().seed(seed).leiden().unwrap()));
    let best = leiden.fold(0.0, f64::max);
    assert!((best - 0.4198).abs() < 1e-4, "{best}");
    for seed in 0..8 {
        let found = reach(graph.communities().seed(seed).louvain().unwrap());
        assert!(found > 0.385, "{found}");
    }
}

#[test]
fn shapes_made_to_hurt_are_done() {
    let mut edges: Vec<(u64, u64)> = (1..3_000).map(|leaf| (0, leaf)).collect();
    edges.extend((10_000..25_000).map(|number| (number, number + 1)));
    edges.extend((0..5_000).map(|pair| (50_000 + 2 * pair, 50_001 + 2 * pair)));
    let graph = Model::of(&edges).graph();
    for found in [graph.communities().louvain(), graph.communities().leiden()] {
        let found = found.unwrap();
        assert!(found.count() > 5_050, "{}", found.count());
        assert!(found.modularity() > 0.6, "{}", found.modularity());
    }
    let found = graph.communities().label_propagation().unwrap();
    let hub = found.of(node(0)).unwrap();
    assert_eq!(found.groups()[hub].len(), 3_000);
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_nothing() {
    let mut model = Model::of(&[(0, 1), (1, 2)]);
    for resolution in [-1.0, f64::NAN, f64::INFINITY] {
        let found = model.graph().communities().resolution(resolution).louvain();
        assert!(matches!(found, Err(Error::Invalid { .. })), "{found:?}");
    }
    model.edges.iter_mut().for_each(|edge| edge.weight = 0.0);
    let found = model.graph().communities().leiden().unwrap();
    assert_eq!((found.count(), found.modularity().to_bits()), (3, 0));
    for weight in [-1.0, f32::NAN, f32::INFINITY] {
        model.edges[0].weight = weight;
        let found = model.graph().communities().louvain();
        assert!(matches!(found, Err(Error::Invalid { .. })), "{found:?}");
        assert!(model.graph().communities().unweighted().louvain().is_ok());
    }
    let empty = Model::of(&[]).graph();
    assert_eq!(empty.communities().louvain().unwrap().count(), 0);
    assert_eq!(empty.communities().label_propagation().unwrap().groups().len(), 0);
}
