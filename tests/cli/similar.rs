//! Transcripts of `engraph similar`.

use std::fs;

use engraph::Store;
use engraph::record::{Document, Vector, VectorDocument};

use crate::session::Session;

#[test]
fn records_are_found_by_their_vectors() {
    let mut session = Session::new();
    let store = Store::create(session.path("s")).unwrap();
    store
        .write(|tx| {
            for (name, vector) in [
                ("memo.txt", [0.6, 0.8]),
                ("reply \u{1b}[31m.txt", [0.8, 0.6]),
                ("far.txt", [-1.0, 0.0]),
            ] {
                let id = tx.insert(&Document { file_name: name.into(), ..Document::default() })?;
                tx.put_vector(id, "mini", &vector)?;
            }
            tx.insert(&Document { file_name: "bare.txt".into(), ..Document::default() })?;
            for (name, vector) in [("v-1", [1.0, 0.0]), ("v-2", [0.0, 1.0])] {
                tx.insert(&VectorDocument {
                    vector_id: name.into(),
                    content: format!("text of {name}"),
                    embedding: Some(Vector::from_slice(&vector)),
                    ..VectorDocument::default()
                })?;
            }
            Ok(())
        })
        .unwrap();
    store.close().unwrap();
    fs::write(session.path("q.json"), "[0.6, 0.8]").unwrap();
    fs::write(session.path("long.json"), "[1, 2, 3]").unwrap();
    fs::write(session.path("broken.json"), "{\"a\": 1}").unwrap();
    session
        .say("similar s document:1 --model mini")
        .say("similar s document:1 --model mini --limit 1 --json")
        .say("similar s --vector q.json --model mini --metric euclidean")
        .say("similar s --vector q.json --model mini --metric dot --kind document --limit 2")
        .say("similar s --vector q.json --model vector_document --json")
        .say("similar s vector_document:1 --model vector_document")
        .say("similar s --vector q.json --model mini --kind memory")
        .say("similar s document:4 --model mini")
        .say("similar s document:1 --model other")
        .say("similar s --vector long.json --model mini")
        .say("similar s --vector broken.json --model mini")
        .say("similar s --vector absent.json --model mini")
        .say("similar s --model mini")
        .say("similar s document:1 --vector q.json --model mini")
        .say("verify s --json")
        .check("similar.txt");
}

#[cfg(feature = "ann")]
#[test]
fn vectors_are_indexed_and_asked_approximately() {
    let mut session = Session::new();
    let store = Store::create(session.path("s")).unwrap();
    store
        .bulk(|tx| {
            for number in 0..3_000_u16 {
                let file_name = format!("{number}.txt");
                let id = tx.insert(&Document { file_name, ..Document::default() })?;
                let angle = f32::from(number) / 1_000.0;
                tx.put_vector(id, "mini", &[angle.cos(), angle.sin()])?;
            }
            Ok(())
        })
        .unwrap();
    store.close().unwrap();
    session
        .say("search index-vectors s mini")
        .say("search index-vectors s other")
        .say("similar s document:1 --model mini --approximate --limit 2")
        .check("similar_approximate.txt");
}
