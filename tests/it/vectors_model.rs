//! Random writes of vectors against a plain map: after every step the newest state, and every
//! reader that is still open, finds what a loop over the map finds.

use std::collections::BTreeMap;

use engraph::record::{CarriedVectors, Facts, Record, Vector};
use engraph::search::{Metric, Scan};
use engraph::{NodeId, ReadTx, SimilarResults, Store};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::workload::Home;

const MODEL: &str = "mini";

/// A thing that can carry a vector of its own, and one of another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Thing {
    vector: Option<Vector>,
    of: Option<NodeId>,
}

impl Record for Thing {
    const NAME: &'static str = "thing";
    const VECTORS: CarriedVectors = CarriedVectors::Of(&[MODEL]);
    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.link("of", self.of);
        match self.of {
            None => facts.vector(MODEL, self.vector.as_ref()),
            Some(of) => facts.vector_of(of, MODEL, self.vector.as_ref()),
        }
    }
}

/// What one record holds.
#[derive(Clone, Debug, Default)]
struct Held {
    carried: Option<[f32; 2]>,
    of: Option<NodeId>,
    beside: Option<[f32; 2]>,
}

type Model = BTreeMap<NodeId, Held>;

#[derive(Clone, Debug)]
enum Step {
    /// A record at a place, with a vector of its own or of the record at another place.
    Put(usize, Option<[f32; 2]>, Option<usize>),
    Beside(usize, [f32; 2]),
    NotBeside(usize),
    Delete(usize),
    Read,
    Forget,
    Reopen,
}

const PLACES: usize = 8;

fn vector() -> impl Strategy<Value = [f32; 2]> {
    [-2_i8..=2, -2_i8..=2].prop_map(|[x, y]| [f32::from(x), f32::from(y) / 2.0])
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let place = 0..PLACES;
    let step = prop_oneof![
        4 => (place.clone(), prop::option::of(vector()), prop::option::weighted(0.3, place.clone()))
            .prop_map(|(place, vector, of)| Step::Put(place, vector, of)),
        4 => (place.clone(), vector()).prop_map(|(place, vector)| Step::Beside(place, vector)),
        1 => place.clone().prop_map(Step::NotBeside),
        2 => place.prop_map(Step::Delete),
        2 => Just(Step::Read),
        1 => Just(Step::Forget),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(prop::collection::vec(step, 1..4), 1..14)
}

/// Every record that is found, with its score, the nearest first.
fn expected(model: &Model, asked: [f32; 2], metric: Metric) -> Vec<(NodeId, f32)> {
    let mut best: BTreeMap<NodeId, f32> = BTreeMap::new();
    for (id, held) in model {
        let (subject, vector) = match (held.beside, held.carried) {
            (Some(vector), _) => (*id, vector),
            (None, Some(vector)) => (held.of.unwrap_or(*id), vector),
            (None, None) => continue,
        };
        let Some(score) = score(asked, vector, metric) else { continue };
        if model.contains_key(&subject) {
            let kept = best.entry(subject).or_insert(score);
            *kept = kept.max(score);
        }
    }
    let mut found: Vec<(NodeId, f32)> = best.into_iter().collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    found
}

/// Small halves: every sum is exact, and each operation after it is the one that is documented.
fn score(a: [f32; 2], b: [f32; 2], metric: Metric) -> Option<f32> {
    let length = |v: [f32; 2]| {
        (f64::from(v[0]) * f64::from(v[0]) + f64::from(v[1]) * f64::from(v[1])).sqrt() as f32
    };
    // A score of 0 has no sign.
    let dot = a[0] * b[0] + a[1] * b[1] + 0.0;
    match metric {
        Metric::Dot => Some(dot),
        Metric::Cosine => {
            (length(b) > 0.0).then(|| (dot / (length(a) * length(b))).clamp(-1.0, 1.0))
        }
        Metric::Euclidean => {
            let (x, y) = (a[0] - b[0], a[1] - b[1]);
            Some(1.0 / (1.0 + (x * x + y * y).sqrt()))
        }
    }
}

fn seen(found: engraph::Result<SimilarResults>) -> Vec<(NodeId, f32)> {
    found.unwrap().hits.iter().map(|hit| (hit.id, hit.score)).collect()
}

fn check(read: &ReadTx, model: &Model, asked: [f32; 2]) {
    for metric in [Metric::Cosine, Metric::Dot, Metric::Euclidean] {
        let expected = expected(model, asked, metric);
        for scan in [Scan::Exact, Scan::Quantised] {
            let similar = || read.similar(MODEL, &asked).metric(metric).scan(scan);
            assert_eq!(seen(similar().top(100).run()), expected, "{metric:?} {scan:?}");
            let few = expected.iter().take(2).copied().collect::<Vec<_>>();
            assert_eq!(seen(similar().top(2).run()), few, "{metric:?} {scan:?}");
        }
    }
}

fn apply(store: &Store, steps: &[Step], model: &mut Model, ids: &[NodeId]) {
    let changed = store.write(|tx| {
        let mut model = model.clone();
        for step in steps {
            match step {
                Step::Put(place, vector, of) => {
                    let of = of.map(|place| ids[place]).filter(|of| *of != ids[*place]);
                    let thing =
                        Thing { vector: vector.map(|values| Vector::from_slice(&values)), of };
                    tx.put(ids[*place], &thing)?;
                    let held = model.entry(ids[*place]).or_default();
                    (held.carried, held.of) = (*vector, of);
                }
                Step::Beside(place, vector) => {
                    if let Some(held) = model.get_mut(&ids[*place]) {
                        tx.put_vector(ids[*place], MODEL, vector)?;
                        held.beside = Some(*vector);
                    }
                }
                Step::NotBeside(place) => {
                    let was = model.get_mut(&ids[*place]).and_then(|held| held.beside.take());
                    assert_eq!(tx.delete_vector(ids[*place], MODEL)?, was.is_some());
                }
                Step::Delete(place) => {
                    let was = model.remove(&ids[*place]).is_some();
                    assert_eq!(tx.delete(ids[*place])?, was);
                }
                Step::Read | Step::Forget | Step::Reopen => {}
            }
        }
        Ok(model)
    });
    *model = changed.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn every_reader_finds_what_its_state_holds(
        writes in steps(),
        asked in vector().prop_filter("a direction", |vector| *vector != [0.0, 0.0]),
        bytes_max in prop_oneof![3 => Just(1_usize << 24), 1 => Just(0)],
    ) {
        let home = Home::new();
        let options = || Store::builder().register::<Thing>().vector_bytes_max(bytes_max);
        let mut store = options().create(home.path()).unwrap();
        let ids: Vec<NodeId> = store
            .write(|tx| (0..PLACES).map(|_| tx.insert(&Thing::default())).collect())
            .unwrap();
        let mut model: Model = ids.iter().map(|id| (*id, Held::default())).collect();
        let mut readers: Vec<(ReadTx, Model)> = Vec::new();
        for steps in &writes {
            apply(&store, steps, &mut model, &ids);
            for step in steps {
                match step {
                    Step::Read => readers.push((store.read().unwrap(), model.clone())),
                    Step::Forget => readers.clear(),
                    Step::Reopen => {
                        readers.clear();
                        store.close().unwrap();
                        store = options().open(home.path()).unwrap();
                    }
                    _ => {}
                }
            }
            // Sometimes an old reader is the first to bring vectors into memory.
            if let Some((read, then)) = readers.first() {
                check(read, then, asked);
            }
            check(&store.read().unwrap(), &model, asked);
            for (read, then) in &readers {
                check(read, then, asked);
            }
        }
        let report = store.verify().unwrap();
        prop_assert_eq!(report.problems, []);
        let beside = model.values().filter(|held| held.beside.is_some()).count();
        prop_assert_eq!(report.vectors, beside as u64);
    }
}
