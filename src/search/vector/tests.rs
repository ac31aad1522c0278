//! The matrix against plain loops over a map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::base::id::NodeId;

/// carrier -> (subject, whether that is there, values)
type Model = BTreeMap<u64, (u64, bool, Vec<f32>)>;

fn node(number: u64) -> NodeId {
    NodeId::from_u64(number)
}

/// The best of the model, by scoring every vector one by one.
fn expected(
    model: &Model,
    query: &VectorQuery,
    (count, score_min): (usize, f32),
) -> Vec<(NodeId, u32)> {
    let mut stream = Stream::new(query);
    let mut best: BTreeMap<NodeId, f32> = BTreeMap::new();
    for (subject, _, values) in model.values().filter(|(_, visible, _)| *visible) {
        let Some(score) = stream.score(values) else { continue };
        let kept = best.entry(node(*subject)).or_insert(score);
        *kept = kept.max(score);
    }
    let mut best: Vec<(NodeId, f32)> = best.into_iter().collect();
    best.retain(|(_, score)| *score >= score_min);
    best.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    best.truncate(count);
    best.into_iter().map(|(id, score)| (id, score.to_bits())).collect()
}

fn found(
    matrix: &Matrix,
    query: &VectorQuery,
    (count, score_min): (usize, f32),
    (which, scan): (Which<'_>, Scan),
) -> Vec<(NodeId, u32)> {
    let mut top = Top::new(count, score_min);
    matrix.search(query, which, scan, &mut top);
    top.into_vec().iter().map(|hit| (hit.subject, hit.score.to_bits())).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Set(u64, u64, Vec<f32>),
    Remove(u64),
    Show(u64, bool),
}

const DIMENSION: usize = 5;

fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        6 => -1.0_f32..1.0,
        2 => (-3_i8..=3).prop_map(f32::from),
        1 => prop_oneof![Just(0.0_f32), Just(1e-30), Just(3e20), Just(f32::MAX), Just(1e-44)],
    ]
}

fn vector() -> impl Strategy<Value = Vec<f32>> {
    prop_oneof![
        8 => prop::collection::vec(value(), DIMENSION),
        1 => Just(vec![0.0; DIMENSION]),
        2 => Just(vec![0.5; DIMENSION]),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let carrier = 0_u64..24;
    // Mostly vectors of their carriers; else of one of a few others.
    let subject = prop_oneof![3 => Just(u64::MAX), 1 => 0_u64..6];
    let step = prop_oneof![
        6 => (carrier.clone(), subject, vector()).prop_map(|(carrier, subject, values)| {
            Step::Set(carrier, if subject == u64::MAX { carrier } else { subject }, values)
        }),
        2 => carrier.clone().prop_map(Step::Remove),
        1 => (carrier, any::<bool>()).prop_map(|(carrier, visible)| Step::Show(carrier, visible)),
    ];
    prop::collection::vec(step, 0..60)
}

fn run(steps: &[Step]) -> (Matrix, Model) {
    let (mut matrix, mut model) = (Matrix::new(DIMENSION), Model::new());
    for step in steps {
        match step {
            Step::Set(carrier, subject, values) => {
                let (id, subject_id) = (node(*carrier), node(*subject));
                matrix.set(NewVector {
                    carrier: id,
                    subject: subject_id,
                    is_visible: true,
                    values,
                });
                model.insert(*carrier, (*subject, true, values.clone()));
            }
            Step::Remove(carrier) => {
                assert_eq!(matrix.remove(node(*carrier)), model.remove(carrier).is_some());
            }
            Step::Show(carrier, visible) => {
                matrix.set_visible(node(*carrier), *visible);
                if let Some(kept) = model.get_mut(carrier) {
                    kept.1 = *visible;
                }
            }
        }
        assert_eq!(matrix.len(), model.len());
    }
    (matrix, model)
}

fn metric() -> impl Strategy<Value = Metric> {
    prop_oneof![Just(Metric::Cosine), Just(Metric::Dot), Just(Metric::Euclidean)]
}

proptest! {
    #[test]
    fn every_way_to_search_finds_what_a_plain_loop_finds(
        steps in steps(),
        asked in vector(),
        metric in metric(),
        count in 0_usize..8,
        score_min in prop_oneof![Just(f32::NEG_INFINITY), -0.5_f32..0.9],
        some in prop::collection::btree_set(0_u64..24, 0..12),
    ) {
        let (matrix, model) = run(&steps);
        let Ok(query) = VectorQuery::new(metric, &asked) else { return Ok(()) };
        let wanted = (count, score_min);
        let all = expected(&model, &query, wanted);
        for scan in [Scan::Auto, Scan::Exact, Scan::Quantised] {
            prop_assert_eq!(found(&matrix, &query, wanted, (Which::All, scan)), &all[..]);
        }
        let places = matrix.places_of(some.iter().map(|id| node(*id)));
        prop_assert_eq!(
            &places,
            &matrix.places_where(|_, subject| some.contains(&subject.as_u64()))
        );
        let few: Model =
            model.into_iter().filter(|(_, (subject, ..))| some.contains(subject)).collect();
        let few = expected(&few, &query, wanted);
        for scan in [Scan::Exact, Scan::Quantised] {
            let which = Which::These(&places);
            prop_assert_eq!(found(&matrix, &query, wanted, (which, scan)), &few[..]);
        }
    }
}

/// Many vectors around few centres, as embeddings are.
fn clustered(count: u64, dimension: usize) -> Vec<Vec<f32>> {
    let mut state = 7_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let centres: Vec<Vec<f32>> =
        (0..20).map(|_| (0..dimension).map(|_| next()).collect()).collect();
    (0..count)
        .map(|number| {
            let centre = &centres[number as usize % centres.len()];
            centre.iter().map(|value| value + 0.3 * next()).collect()
        })
        .collect()
}

#[test]
fn codes_find_the_same_across_blocks_of_clustered_vectors() {
    let vectors = clustered(3_000, 48);
    let mut matrix = Matrix::new(48);
    for (number, values) in (1..).zip(&vectors) {
        let id = node(number);
        matrix.set(NewVector { carrier: id, subject: id, is_visible: true, values });
    }
    // Every third goes, so that rows move between blocks.
    for number in (1..=3_000).step_by(3) {
        assert!(matrix.remove(node(number)));
    }
    assert_eq!(matrix.len(), 2_000);
    for metric in [Metric::Cosine, Metric::Dot, Metric::Euclidean] {
        for asked in vectors.iter().step_by(397) {
            let query = VectorQuery::new(metric, asked).unwrap();
            let wanted = (10, f32::NEG_INFINITY);
            let exact = found(&matrix, &query, wanted, (Which::All, Scan::Exact));
            assert_eq!(exact.len(), 10);
            let quantised = found(&matrix, &query, wanted, (Which::All, Scan::Quantised));
            assert_eq!(quantised, exact);
        }
    }
}
