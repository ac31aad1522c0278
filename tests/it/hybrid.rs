//! Words, vectors and nearness in the graph in one score.

use engraph::record::{Facts, Record};
use engraph::search::{EmbedWith, Filter, HybridWeights, Metric, Parts};
use engraph::{Error, HybridResults, NodeId, Store};
use serde::{Deserialize, Serialize};

use crate::workload::{Card, Home};

const MODEL: &str = "mini";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Page {
    text: String,
    shelf: String,
}

impl Record for Page {
    const NAME: &'static str = "page";
    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.text("text", self.text.as_str());
        facts.keyword("shelf", self.shelf.as_str());
    }
}

/// Pages 1 to 4 and a card without text, in a row; pages 2 to 4 and the card have vectors.
fn library() -> (Home, Store, Vec<NodeId>) {
    let home = Home::new();
    let store = crate::workload::options().register::<Page>().create(home.path()).unwrap();
    let ids = store
        .write(|tx| {
            let mut ids = Vec::new();
            for (text, shelf) in [
                ("the motion is due", "a"),
                ("motion and reply", "a"),
                ("nothing of that kind", "b"),
                ("something else", "a"),
            ] {
                ids.push(tx.insert(&Page { text: text.into(), shelf: shelf.into() })?);
            }
            ids.push(tx.insert(&Card::new("bare"))?);
            for (id, vector) in
                ids[1..].iter().zip([[0.6, 0.8], [1.0, 0.0], [-1.0, 0.0], [0.8, 0.6]])
            {
                tx.put_vector(*id, MODEL, &vector)?;
            }
            for pair in ids.windows(2) {
                tx.link(pair[0], "next", pair[1])?;
            }
            Ok(ids)
        })
        .unwrap();
    (home, store, ids)
}

fn parts(found: &HybridResults, id: NodeId) -> Parts {
    found.hits.iter().find(|hit| hit.id == id).unwrap().parts
}

#[test]
fn every_hit_has_the_parts_that_it_has_and_the_sum_of_them() {
    let (_home, store, ids) = library();
    let found =
        store.hybrid("motion").vector(MODEL, &[1.0, 0.0]).near(ids[3]).hops(1).run().unwrap();
    assert_eq!(found.seq, store.seq());
    assert_eq!(found.hits.len(), 5);
    let of = |place: usize| parts(&found, ids[place]);
    assert_eq!((of(0).vector, of(0).graph), (None, None));
    assert_eq!((of(1).vector, of(1).graph), (Some(0.6), None));
    assert_eq!((of(2).text, of(2).vector, of(2).graph), (None, Some(1.0), Some(0.5)));
    assert_eq!((of(3).text, of(3).vector, of(3).graph), (None, Some(0.0), Some(1.0)));
    assert_eq!((of(4).text, of(4).vector, of(4).graph), (None, Some(0.8), Some(0.5)));
    let best = found.hits.iter().filter_map(|hit| hit.parts.text).fold(0.0, f32::max);
    assert!((best - 1.0).abs() < 1e-6, "the best match of words is 1");
    let weights = HybridWeights::default();
    for hit in &found.hits {
        let Parts { text, vector, graph, .. } = hit.parts;
        let sum = text.unwrap_or(0.0) * weights.text
            + vector.unwrap_or(0.0) * weights.vector
            + graph.unwrap_or(0.0) * weights.graph;
        assert!((hit.score - sum).abs() < 1e-6);
        assert_eq!(hit.snippet.is_some(), text.is_some());
    }
    assert!(found.hits.is_sorted_by(|a, b| a.score >= b.score));
}

#[test]
fn a_vector_only_adds_and_a_weight_decides() {
    let (_home, store, ids) = library();
    let words = store.hybrid("motion").run().unwrap();
    let both = store.hybrid("motion").vector(MODEL, &[-1.0, 0.0]).run().unwrap();
    for hit in &words.hits {
        let with = both.hits.iter().find(|other| other.id == hit.id).unwrap();
        assert!(with.score >= hit.score);
    }
    let only = |weights| {
        let hybrid = store.hybrid("motion").vector(MODEL, &[1.0, 0.0]).near(ids[3]);
        hybrid.weights(weights).limit(1).run().unwrap().hits[0].id
    };
    let none = HybridWeights { text: 0.0, vector: 0.0, graph: 0.0 };
    assert_eq!(only(HybridWeights { vector: 1.0, ..none }), ids[2]);
    assert_eq!(only(HybridWeights { graph: 1.0, ..none }), ids[3]);
    assert_eq!(only(HybridWeights { text: 1.0, ..none }), words.hits[0].id);
    for weight in [-0.1, f32::NAN, f32::INFINITY] {
        let weights = HybridWeights { text: weight, ..none };
        let refused = store.hybrid("motion").weights(weights).run().unwrap_err();
        assert!(matches!(refused, Error::Invalid { .. }), "{refused}");
    }
}

#[test]
fn filters_hold_for_every_part() {
    let (_home, store, ids) = library();
    let all = || store.hybrid("motion").vector(MODEL, &[1.0, 0.0]).near(ids[3]).hops(4);
    let found = all().filter(Filter::keyword("shelf", "b")).run().unwrap();
    assert_eq!(found.hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), [ids[2]]);
    let found = all().of::<Card>().run().unwrap();
    assert_eq!(found.hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), [ids[4]]);
    let found = all().of::<Page>().of::<Card>().limit(100).run().unwrap();
    assert_eq!(found.hits.len(), 5);
    assert_eq!(all().limit(2).run().unwrap().hits.len(), 2);
}

#[test]
fn each_part_alone_is_enough() {
    let (_home, store, ids) = library();
    let by_vector = store.hybrid("").vector(MODEL, &[1.0, 0.0]).metric(Metric::Dot).run().unwrap();
    assert_eq!(by_vector.hits[0].id, ids[2]);
    assert_eq!(by_vector.hits.len(), 4);
    let by_graph = store.hybrid(" ").near(ids[0]).near(ids[4]).run().unwrap();
    let order: Vec<NodeId> = by_graph.hits.iter().map(|hit| hit.id).collect();
    assert_eq!(order, [ids[4], ids[0], ids[1], ids[3], ids[2]]);
    assert!(store.hybrid("").run().unwrap().hits.is_empty());
    store.write(|tx| tx.delete(ids[2])).unwrap();
    let again = store.hybrid("").vector(MODEL, &[1.0, 0.0]).near(ids[0]).run().unwrap();
    assert!(again.hits.iter().all(|hit| hit.id != ids[2]));
    let embedder = EmbedWith::new(MODEL, |text: &str| Ok(vec![text.len() as f32, 0.0]));
    let by_text = store.hybrid("motion").embedded(&embedder).unwrap().run().unwrap();
    assert_eq!(parts(&by_text, ids[1]).vector, Some(0.6));
    let refused = store.hybrid("x").vector(MODEL, &[1.0]).run().unwrap_err();
    assert!(matches!(refused, Error::Invalid { .. }), "{refused}");
}
