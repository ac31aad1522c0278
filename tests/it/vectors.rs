//! Vectors beside records and in their fields: written, read, searched, deleted.

use engraph::record::{CarriedVectors, Document, Facts, Record, Vector};
use engraph::search::{EmbedWith, Filter, LocalHash, Metric, Scan};
use engraph::{Error, NodeId, Operation, Seq, SimilarResults, Store, VectorModel};
use serde::{Deserialize, Serialize};

use crate::workload::{Card, Counter, Home, new_store};

const MODEL: &str = "mini";

fn card(store: &Store, code: &str, vector: &[f32]) -> NodeId {
    store
        .write(|tx| {
            let id = tx.insert(&Card::new(code))?;
            tx.put_vector(id, MODEL, vector)?;
            Ok(id)
        })
        .unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: engraph::Result<T>) -> Error {
    result.unwrap_err()
}

fn ids(found: &SimilarResults) -> Vec<NodeId> {
    found.hits.iter().map(|hit| hit.id).collect()
}

#[test]
fn a_vector_is_written_read_replaced_and_deleted() {
    let (home, store) = new_store();
    let id = store
        .write(|tx| {
            let id = tx.insert(&Card::new("a"))?;
            assert_eq!(tx.get_vector(id, MODEL)?, None);
            tx.put_vector(id, MODEL, &[0.1, -0.0, f32::MIN_POSITIVE])?;
            tx.put_vector(id, "other", &[1.0])?;
            assert_eq!(tx.get_vector(id, MODEL)?, Some(vec![0.1, -0.0, f32::MIN_POSITIVE]));
            assert_eq!(tx.vector_models()?.len(), 2);
            Ok(id)
        })
        .unwrap();
    store.write(|tx| tx.put_vector(id, MODEL, &[1.0, 2.0, 3.0])).unwrap();
    store.close().unwrap();
    let store = home.open();
    let read = store.read().unwrap();
    assert_eq!(read.get_vector(id, MODEL).unwrap(), Some(vec![1.0, 2.0, 3.0]));
    let models: Vec<(String, usize)> = read
        .vector_models()
        .unwrap()
        .into_iter()
        .map(|VectorModel { name, dimension, .. }| (name, dimension))
        .collect();
    assert_eq!(models, [(MODEL.to_owned(), 3), ("other".to_owned(), 1)]);
    assert!(store.write(|tx| tx.delete_vector(id, MODEL)).unwrap());
    assert!(!store.write(|tx| tx.delete_vector(id, MODEL)).unwrap());
    assert!(!store.write(|tx| tx.delete_vector(id, "never named")).unwrap());
    assert_eq!(store.read().unwrap().get_vector(id, MODEL).unwrap(), None);
    assert_eq!(read.get_vector(id, MODEL).unwrap(), Some(vec![1.0, 2.0, 3.0]));
    let report = store.verify().unwrap();
    assert_eq!((report.problems.as_slice(), report.vectors), (&[][..], 1));
}

#[test]
fn what_is_no_vector_is_refused_and_leaves_no_trace() {
    let (_home, store) = new_store();
    let id = card(&store, "a", &[1.0, 2.0]);
    let put = |id: NodeId, model: &str, vector: &[f32]| {
        refused(store.write(|tx| tx.put_vector(id, model, vector)))
    };
    for (vector, words) in [
        (&[1.0, 2.0, 3.0][..], "3 values; vectors of model mini have 2"),
        (&[1.0, f32::NAN], "value 1 is NaN"),
        (&[f32::NEG_INFINITY, 1.0], "value 0 is -inf"),
        (&[], "no values"),
    ] {
        let error = put(id, MODEL, vector);
        assert!(matches!(&error, Error::Invalid { field, .. } if field == "vector"), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(matches!(put(id, "long", &vec![0.0; 65_537]), Error::Limit { found: 65_537, .. }));
    assert!(matches!(put(id, "", &[1.0]), Error::Invalid { field, .. } if field == "name"));
    let absent = NodeId::new(id.kind(), 99).unwrap();
    assert!(matches!(put(absent, MODEL, &[1.0, 2.0]), Error::NotFound { .. }));
    let failed: engraph::Result<()> = store.write(|tx| {
        tx.put_vector(id, "never", &[1.0])?;
        Err(Error::Closed)
    });
    assert!(failed.is_err());
    let read = store.read().unwrap();
    assert_eq!((read.seq(), read.vector_models().unwrap().len()), (Seq(1), 1));
    assert_eq!(read.get_vector(id, MODEL).unwrap(), Some(vec![1.0, 2.0]));
}

#[test]
fn the_feed_names_records_whose_vectors_changed() {
    let (_home, store) = new_store();
    let first = card(&store, "a", &[1.0]);
    let second = card(&store, "b", &[2.0]);
    let history = store.seq();
    store.write(|tx| tx.put_vector(first, MODEL, &[3.0])).unwrap();
    store.write(|tx| tx.delete_vector(second, MODEL).map(drop)).unwrap();
    let feed = store.changes(history, 10).unwrap();
    let named: Vec<(Operation, Vec<NodeId>)> =
        feed.iter().map(|change| (change.operation, change.nodes().collect())).collect();
    assert_eq!(named, [(Operation::Embed, vec![first]), (Operation::Embed, vec![second])]);
    assert_eq!(feed[0].edges().count(), 0);
    // A vector is no new value of its record.
    let read = store.read().unwrap();
    assert_eq!(read.get_as_of::<Card>(first, Seq(1)).unwrap(), Some(Card::new("a")));
}

#[test]
fn a_record_takes_its_vectors_with_it() {
    let (_home, store) = new_store();
    let (gone, stays) = (card(&store, "a", &[1.0, 0.0]), card(&store, "b", &[0.9, 0.1]));
    store.write(|tx| tx.put_vector(gone, "other", &[5.0])).unwrap();
    assert_eq!(ids(&store.similar(MODEL, &[1.0, 0.0]).run().unwrap()), [gone, stays]);
    store.write(|tx| tx.delete(gone)).unwrap();
    assert_eq!(ids(&store.similar(MODEL, &[1.0, 0.0]).run().unwrap()), [stays]);
    store.write(|tx| tx.put(gone, &Card::new("a"))).unwrap();
    assert_eq!(ids(&store.similar(MODEL, &[1.0, 0.0]).run().unwrap()), [stays]);
    let read = store.read().unwrap();
    assert_eq!(read.get_vector(gone, MODEL).unwrap(), None);
    assert_eq!(read.get_vector(gone, "other").unwrap(), None);
    let report = store.verify().unwrap();
    assert_eq!((report.problems.as_slice(), report.vectors), (&[][..], 1));
}

#[test]
fn a_model_that_is_deleted_can_come_back_with_another_dimension() {
    let (_home, store) = new_store();
    let id = card(&store, "a", &[1.0, 2.0]);
    card(&store, "b", &[1.0, 2.0]);
    assert_eq!(store.similar(MODEL, &[1.0, 2.0]).run().unwrap().hits.len(), 2);
    let deleted = store
        .write(|tx| {
            let deleted = tx.delete_vector_model(MODEL)?;
            assert_eq!(tx.delete_vector_model(MODEL)?, 0);
            tx.put_vector(id, MODEL, &[1.0, 2.0, 3.0])?;
            Ok(deleted)
        })
        .unwrap();
    assert_eq!(deleted, 2);
    assert_eq!(ids(&store.similar(MODEL, &[1.0, 2.0, 3.0]).run().unwrap()), [id]);
    let error = refused(store.similar(MODEL, &[1.0, 2.0]).run());
    assert!(error.to_string().contains("have 3"), "{error}");
    assert!(store.verify().unwrap().is_ok());
}

#[test]
fn hits_come_nearest_first_and_equal_ones_by_id() {
    let (_home, store) = new_store();
    let far = card(&store, "far", &[-1.0, 0.0]);
    let [a, b] = [card(&store, "a", &[3.0, 4.0]), card(&store, "b", &[0.6, 0.8])];
    let zero = card(&store, "zero", &[0.0, 0.0]);
    let asked = [0.6, 0.8];
    let found = store.similar(MODEL, &asked).run().unwrap();
    assert_eq!(ids(&found), [a, b, far]);
    assert_eq!((found.seq, found.hits[0].carrier), (store.seq(), None));
    assert!((found.hits[2].score + 0.6).abs() < 1e-6);
    let dot = store.similar(MODEL, &asked).metric(Metric::Dot).run().unwrap();
    assert_eq!(ids(&dot), [a, b, zero, far]);
    let near = store.similar(MODEL, &asked).metric(Metric::Euclidean).run().unwrap();
    assert_eq!(ids(&near)[..2], [b, zero]);
    assert_eq!((near.hits[0].score, near.hits[1].score), (1.0, 0.5));
    for scan in [Scan::Auto, Scan::Exact, Scan::Quantised] {
        let few = store.similar(MODEL, &asked).scan(scan).min_score(0.5).top(5).run().unwrap();
        assert_eq!(ids(&few), [a, b]);
        assert_eq!(ids(&store.similar(MODEL, &asked).scan(scan).top(1).run().unwrap()), [a]);
    }
    assert_eq!(ids(&store.similar_to(a, MODEL).run().unwrap()), [b, far]);
    assert_eq!(ids(&store.similar_to(far, MODEL).top(1).run().unwrap()), [a]);
    assert!(store.similar(MODEL, &asked).top(0).run().unwrap().hits.is_empty());
}

#[test]
fn a_search_that_makes_no_sense_is_refused() {
    let (_home, store) = new_store();
    let id = card(&store, "a", &[1.0, 2.0]);
    let bare = store.write(|tx| tx.insert(&Card::new("bare"))).unwrap();
    for vector in [&[][..], &[f32::NAN, 1.0], &[1.0, 2.0, 3.0], &[0.0, 0.0]] {
        let error = refused(store.similar(MODEL, vector).run());
        assert!(matches!(&error, Error::Invalid { field, .. } if field == "vector"), "{error}");
    }
    let error = refused(store.similar_to(bare, MODEL).run());
    assert_eq!(error.to_string(), format!("vector of model mini not found: {bare}"));
    assert!(matches!(refused(store.similar_to(id, "none").run()), Error::NotFound { .. }));
    assert!(matches!(
        refused(store.similar(MODEL, &[1.0, 2.0]).of::<Own>().run()),
        Error::NotFound { .. }
    ));
    let many = store.similar(MODEL, &[1.0, 2.0]).top(100_001);
    assert!(matches!(refused(many.run()), Error::Limit { found: 100_001, .. }));
    // A model without vectors has none that are near.
    assert!(store.similar("none", &[1.0]).run().unwrap().hits.is_empty());
    store.close().unwrap();
    assert!(matches!(refused(store.similar(MODEL, &[1.0, 2.0]).run()), Error::Closed));
}

#[test]
fn a_reader_sees_the_vectors_of_its_own_state() {
    for bytes_max in [0, 1 << 20] {
        let home = Home::new();
        let options = crate::workload::options().vector_bytes_max(bytes_max);
        let store = options.create(home.path()).unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|code| card(&store, code, &[1.0, code.len() as f32]));
        store.write(|tx| tx.put_vector(b, MODEL, &[0.5, 0.4])).unwrap();
        let before = store.read().unwrap();
        let asked = [1.0, 0.0];
        let seen = |found: engraph::Result<SimilarResults>| -> Vec<(NodeId, f32)> {
            found.unwrap().hits.iter().map(|hit| (hit.id, hit.score)).collect()
        };
        let first = seen(before.similar(MODEL, &asked).run());
        let around = seen(before.similar_to(a, MODEL).run());
        assert_eq!(around.iter().map(|hit| hit.0).collect::<Vec<_>>(), [c, b]);
        assert_eq!(first.iter().map(|hit| hit.0).collect::<Vec<_>>(), [b, a, c]);
        let d = store
            .write(|tx| {
                tx.put_vector(b, MODEL, &[-1.0, 0.0])?;
                tx.delete(a)?;
                tx.delete_vector(c, MODEL)?;
                let d = tx.insert(&Card::new("d"))?;
                tx.put_vector(d, MODEL, &[1.0, 0.0])?;
                Ok(d)
            })
            .unwrap();
        let newest = seen(store.similar(MODEL, &asked).run());
        assert_eq!(newest, [(d, 1.0), (b, -1.0)]);
        // The vectors in memory are ahead of the older reader now.
        assert_eq!(seen(before.similar(MODEL, &asked).run()), first);
        let kind = a.kind();
        assert_eq!(seen(before.similar(MODEL, &asked).kind(kind).run()), first);
        assert_eq!(seen(before.similar_to(a, MODEL).run()), around);
        assert_eq!(seen(store.read().unwrap().similar(MODEL, &asked).run()), newest);
        assert_eq!(store.vector_stats().is_empty(), bytes_max == 0);
    }
}

#[test]
fn filters_mean_the_same_for_stores_and_readers() {
    let home = Home::new();
    let store = crate::workload::options().register::<Note>().create(home.path()).unwrap();
    let (cards, counter) = notes(&store);
    let read = store.read().unwrap();
    let filters = [
        vec![Filter::keyword("word", "odd")],
        vec![Filter::number("number", 17.0..=23.0)],
        vec![
            Filter::number("number", ..20.0),
            Filter::Not(Box::new(Filter::keyword("word", "odd"))),
        ],
        vec![Filter::Any(vec![Filter::keyword("word", "none"), Filter::number("number", 199.0..)])],
        vec![Filter::Kinds(vec![cards[0].kind()]), Filter::All(vec![])],
        vec![Filter::Kinds(vec![counter.kind()])],
        vec![Filter::Kinds(vec![])],
        vec![Filter::keyword("word", "none")],
    ];
    let mut sizes = Vec::new();
    for filters in filters {
        let (mut of_store, mut of_reader) =
            (store.similar(MODEL, &[1.0, 1.0]).top(50), read.similar(MODEL, &[1.0, 1.0]).top(50));
        for filter in filters {
            of_store = of_store.filter(filter.clone());
            of_reader = of_reader.filter(filter);
        }
        let found = of_store.run().unwrap();
        assert_eq!(found, of_reader.run().unwrap());
        sizes.push(found.hits.len());
    }
    assert_eq!(sizes, [50, 7, 10, 1, 50, 1, 0, 0]);
    let typed = store.similar(MODEL, &[1.0, 1.0]).of::<Counter>().run().unwrap();
    assert_eq!(ids(&typed), [counter]);
}

/// Two hundred notes and a counter, each with a vector.
fn notes(store: &Store) -> (Vec<NodeId>, NodeId) {
    store
        .bulk(|tx| {
            let mut notes = Vec::new();
            for number in 0..200_u16 {
                let id = tx.insert(&Note {
                    number: f64::from(number),
                    word: if number % 10 < 5 { "even" } else { "odd" }.to_owned(),
                    text: "a note".to_owned(),
                })?;
                tx.put_vector(id, MODEL, &[f32::from(number), 10.0])?;
                notes.push(id);
            }
            let counter = tx.insert(&Counter { count: 1 })?;
            tx.put_vector(counter, MODEL, &[1.0, 1.0])?;
            Ok((notes, counter))
        })
        .unwrap()
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Note {
    number: f64,
    word: String,
    text: String,
}

impl Record for Note {
    const NAME: &'static str = "note";
    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.text("text", self.text.as_str());
        facts.keyword("word", self.word.as_str());
        facts.number("number", self.number);
    }
}

/// Carries vectors of its own and of another record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Own {
    mine: Option<Vector>,
    of: Option<NodeId>,
    others: Option<Vector>,
}

impl Record for Own {
    const NAME: &'static str = "own_vectors";
    const VECTORS: CarriedVectors = CarriedVectors::Of(&[MODEL]);
    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.link("of", self.of);
        facts.vector(MODEL, self.mine.as_ref());
        facts.vector_of(self.of, MODEL, self.others.as_ref());
    }
}

#[test]
fn a_write_reads_the_vectors_that_its_own_records_carry_for_others() {
    let home = Home::new();
    let store = crate::workload::options().register::<Own>().create(home.path()).unwrap();
    let check = |tx: &mut engraph::WriteTx<'_>, code: &str| {
        let card = tx.insert(&Card::new(code))?;
        let others = Some(Vector::from_slice(&[0.8, 0.6]));
        let own = tx.insert(&Own { of: Some(card), others, ..Own::default() })?;
        assert_eq!(tx.get_vector(card, MODEL)?, Some(vec![0.8, 0.6]));
        tx.put(own, &Own::default())?;
        assert_eq!(tx.get_vector(card, MODEL)?, None);
        Ok(())
    };
    store.write(|tx| check(tx, "a")).unwrap();
    store.bulk(|tx| check(tx, "b")).unwrap();
}

#[test]
fn vectors_in_fields_are_found_and_stored_once() {
    for bytes_max in [0, 1 << 20] {
        let home = Home::new();
        let options = || crate::workload::options().register::<Own>();
        let store = options().vector_bytes_max(bytes_max).create(home.path()).unwrap();
        let vector = |values: &[f32]| Some(Vector::from_slice(values));
        let (card, own, other) = store
            .write(|tx| {
                let card = tx.insert(&Card::new("a"))?;
                let own = tx.insert(&Own { mine: vector(&[1.0, 0.0]), ..Own::default() })?;
                let others = vector(&[0.8, 0.6]);
                let other = tx.insert(&Own { of: Some(card), others, ..Own::default() })?;
                // What old databases hold: broken, too long, without values.
                tx.insert(&Own { mine: vector(&[f32::NAN, 0.0]), ..Own::default() })?;
                tx.insert(&Own { mine: vector(&[1.0, 0.0, 0.0]), ..Own::default() })?;
                tx.insert(&Own { mine: vector(&[]), ..Own::default() })?;
                Ok((card, own, other))
            })
            .unwrap();
        let search = || store.similar(MODEL, &[1.0, 0.0]).run().unwrap();
        let found = search();
        assert_eq!(ids(&found), [own, card]);
        assert_eq!((found.hits[0].carrier, found.hits[1].carrier), (None, Some(other)));
        let before = store.read().unwrap();
        assert_eq!(before.get_vector(card, MODEL).unwrap(), Some(vec![0.8, 0.6]));
        assert_eq!(before.get_vector(own, MODEL).unwrap(), Some(vec![1.0, 0.0]));
        assert!(before.vector_models().unwrap().is_empty(), "none lies beside a record");
        assert_eq!(ids(&store.similar_to(card, MODEL).run().unwrap()), [own]);
        assert_eq!(store.similar(MODEL, &[1.0, 0.0, 0.0]).run().unwrap().hits.len(), 1);
        let error = refused(store.similar(MODEL, &[1.0; 4]).run());
        assert!(matches!(error, Error::Invalid { .. }), "{error}");

        store.write(|tx| tx.put_vector(own, MODEL, &[0.0, 1.0])).unwrap();
        assert_eq!(ids(&search()), [card, own], "what lies beside a record counts");
        store.write(|tx| tx.delete_vector(own, MODEL)).unwrap();
        assert_eq!(ids(&search()), [own, card]);
        store.write(|tx| tx.delete(card)).unwrap();
        assert_eq!(ids(&search()), [own], "its subject is gone");
        assert_eq!(ids(&before.similar(MODEL, &[1.0, 0.0]).run().unwrap()), [own, card]);
        store.write(|tx| tx.put(card, &Card::new("b"))).unwrap();
        assert_eq!(ids(&search()), [own, card]);
        store
            .write(|tx| tx.put(other, &Own { mine: vector(&[0.9, 0.1]), ..Own::default() }))
            .unwrap();
        assert_eq!(ids(&search()), [own, other]);
        store.write(|tx| tx.delete(other)).unwrap();
        assert_eq!(ids(&search()), [own]);
        assert_eq!(ids(&before.similar(MODEL, &[1.0, 0.0]).run().unwrap()), [own, card]);
        assert!(store.verify().unwrap().is_ok());
    }
}

#[test]
fn two_vectors_of_one_record_are_one_hit() {
    let home = Home::new();
    let store = crate::workload::options().register::<Own>().create(home.path()).unwrap();
    let vector = |values: &[f32]| Some(Vector::from_slice(values));
    let (card, best) = store
        .write(|tx| {
            let card = tx.insert(&Card::new("a"))?;
            let others =
                |values: &[f32]| Own { of: Some(card), others: vector(values), ..Own::default() };
            tx.insert(&others(&[0.0, 1.0]))?;
            let best = tx.insert(&others(&[1.0, 0.0]))?;
            tx.insert(&others(&[0.7, 0.7]))?;
            tx.insert(&Own { mine: vector(&[-1.0, 0.0]), ..Own::default() })?;
            Ok((card, best))
        })
        .unwrap();
    for scan in [Scan::Exact, Scan::Quantised] {
        let found = store.similar(MODEL, &[1.0, 0.0]).scan(scan).top(2).run().unwrap();
        assert_eq!((found.hits[0].id, found.hits[0].carrier), (card, Some(best)));
        assert_eq!((found.hits.len(), found.hits[1].score), (2, -1.0));
    }
}

#[test]
fn matrices_share_the_memory_that_they_may_take() {
    let home = Home::new();
    // Room for one block of one model, not of two.
    let options = crate::workload::options().vector_bytes_max(150 << 10);
    let store = options.create(home.path()).unwrap();
    let id = card(&store, "a", &[1.0; 16]);
    store.write(|tx| tx.put_vector(id, "second", &[1.0; 16])).unwrap();
    for model in [MODEL, "second", MODEL] {
        assert_eq!(ids(&store.similar(model, &[1.0; 16]).run().unwrap()), [id]);
        let held: Vec<String> = store.vector_stats().into_iter().map(|it| it.model).collect();
        assert_eq!(held, [model]);
    }
    assert_eq!(ids(&store.similar(MODEL, &[1.0; 16]).run().unwrap()), [id]);
    // More than the bound is searched in the file.
    store
        .write(|tx| {
            for number in 0..2_000 {
                let id = tx.insert(&Counter { count: number })?;
                tx.put_vector(id, MODEL, &[number as f32 - 1e6; 16])?;
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(ids(&store.similar(MODEL, &[1.0; 16]).top(1).run().unwrap()), [id]);
    assert!(store.vector_stats().is_empty());
}

#[test]
fn a_text_is_searched_by_what_an_embedder_makes_of_it() {
    let (_home, store) = new_store();
    let id = store
        .write(|tx| {
            let id = tx.insert(&Document { file_name: "a".into(), ..Document::default() })?;
            let embedder = LocalHash;
            tx.embed(id, &embedder, "the reply")?;
            Ok(id)
        })
        .unwrap();
    let found = store.similar_text(&LocalHash, "the reply").unwrap().run().unwrap();
    assert_eq!(ids(&found), [id]);
    assert!((found.hits[0].score - 1.0).abs() < 1e-5);
    let failing = EmbedWith::new("broken", |_: &str| Err(Error::Closed));
    assert!(matches!(refused(store.similar_text(&failing, "x").map(drop)), Error::Closed));
    let failed = store.write(|tx| tx.embed(id, &failing, "x"));
    assert!(matches!(refused(failed), Error::Closed));
}

#[test]
fn a_load_larger_than_what_is_in_memory_is_taken_in() {
    let (_home, store) = new_store();
    let first = card(&store, "a", &[1.0, 0.0]);
    assert_eq!(ids(&store.similar(MODEL, &[1.0, 0.0]).run().unwrap()), [first]);
    let before = store.read().unwrap();
    let last = store
        .bulk(|tx| {
            let mut last = first;
            for number in 1..=4_200_u16 {
                last = tx.insert(&Counter { count: number.into() })?;
                tx.put_vector(last, MODEL, &[f32::from(number), 1.0])?;
            }
            Ok(last)
        })
        .unwrap();
    let products = store.similar(MODEL, &[1.0, 0.0]).metric(Metric::Dot);
    assert_eq!(ids(&products.top(1).run().unwrap()), [last]);
    assert_eq!(store.vector_stats()[0].vectors, 4_201);
    assert_eq!(ids(&before.similar(MODEL, &[1.0, 0.0]).run().unwrap()), [first]);
    let changes = store.changes(Seq(1), 100).unwrap();
    assert_eq!(changes.len(), 2, "a run of records and one of vectors");
    store.bulk(|tx| tx.delete_vector_model(MODEL)).unwrap();
    assert!(store.similar(MODEL, &[1.0, 0.0]).run().unwrap().hits.is_empty());
    assert_eq!(store.verify().unwrap().vectors, 0);
}

#[test]
fn no_search_sees_half_of_a_write() {
    const MOVES: usize = 60;
    let (_home, store) = new_store();
    let places = ["a", "b", "c"].map(|code| store.write(|tx| tx.insert(&Card::new(code))).unwrap());
    store.write(|tx| tx.put_vector(places[0], MODEL, &[1.0, 0.0])).unwrap();
    let found = crate::workload::on_threads(3, |thread| {
        let mut seen = 0;
        for step in 0..MOVES {
            if thread == 0 {
                // The one vector moves on.
                store
                    .write(|tx| {
                        assert!(tx.delete_vector(places[step % 3], MODEL)?);
                        tx.put_vector(places[(step + 1) % 3], MODEL, &[1.0, 0.0])
                    })
                    .unwrap();
            } else if thread == 1 {
                let found = store.similar(MODEL, &[1.0, 0.0]).run().unwrap();
                assert_eq!(found.hits.len(), 1);
                seen += 1;
            } else {
                let read = store.read().unwrap();
                let found = read.similar(MODEL, &[1.0, 0.0]).run().unwrap();
                let moves = usize::try_from(read.seq().0).unwrap() - 4;
                assert_eq!(ids(&found), [places[moves % 3]]);
                assert_eq!(found.seq, read.seq());
                seen += 1;
            }
        }
        seen
    });
    assert_eq!(found, [0, MOVES, MOVES]);
}
