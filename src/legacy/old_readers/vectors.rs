//! The vector store: read by position, in order, and given up at the first row that is odd.

use rusqlite::types::Value;

use super::{Exported, check, exported, json, store_in};
use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::family::NewVectorDocument;
use crate::record::VectorDocument;
use crate::store::WriteTx;

fn embedding(first: f32, dimension: usize) -> Vec<f32> {
    (0..dimension).map(|place| if place == 0 { first } else { 0.0 }).collect()
}

fn add(tx: &mut WriteTx<'_>) -> Result<()> {
    let new = NewVectorDocument::new("caf\u{e9}", &embedding(3.0, 384))
        .name("d1")
        .legal_domain("contract")
        .case_id("c7")
        .metadata(json(r#"{"document_id": 4}"#))
        .importance(0.75)
        .time_to_live(std::time::Duration::from_secs(60));
    let first = tx.vector_documents().add(new)?;
    tx.vector_documents().add(NewVectorDocument::new("", &embedding(-1.0, 384)).name("d2"))?;
    tx.vector_documents().found([first])
}

#[test]
fn documents_are_read_by_position_and_their_dates_carry_a_zone() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), add);
    assert_eq!(out.kinds(), ["vector_store"]);
    let db = out.db("vector_store");
    let mut statement = db.prepare("SELECT * FROM documents").unwrap();
    let read = |row: &rusqlite::Row<'_>| {
        let cells: Vec<Value> = (0..14).map(|place| row.get(place).unwrap()).collect();
        Ok(cells)
    };
    let rows: Vec<Vec<Value>> =
        statement.query_map([], read).unwrap().map(Result::unwrap).collect();
    let text = |text: &str| Value::Text(text.to_owned());
    let vector = |first: f32| {
        Value::Blob(embedding(first, 384).iter().flat_map(|value| value.to_le_bytes()).collect())
    };
    let now = || text("2026-02-14T08:18:02+00:00");
    let expected = vec![
        text("d1"),
        text("caf\u{e9}"),
        vector(1.0),
        text(r#"{"document_id": 4}"#),
        text("general"),
        text("contract"),
        text("c7"),
        Value::Null,
        now(),
        Value::Real(0.75),
        Value::Integer(1),
        now(),
        Value::Null,
        Value::Integer(60),
    ];
    assert_eq!(rows[0], expected);
    // Nobody has found the second one yet; NULL would end the load.
    let (id, last_accessed, ttl) = (&rows[1][0], &rows[1][11], &rows[1][13]);
    assert_eq!((id, last_accessed, ttl), (&text("d2"), &now(), &Value::Null));
    assert_eq!((rows.len(), &rows[1][2]), (2, &vector(-1.0)));
}

#[test]
fn vectors_of_one_other_length_all_go_out_and_strays_are_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let stray = |tx: &mut WriteTx<'_>| {
        let created_at = Some(Timestamp::from_micros(0));
        let embedding = Some(crate::record::Vector::from_slice(&[1.0, 0.0]));
        let vector_id = "stray".to_owned();
        tx.insert(&VectorDocument { vector_id, embedding, created_at, ..VectorDocument::default() })
    };
    store
        .write(|tx| {
            for name in ["a", "b"] {
                let new = NewVectorDocument::new("x", &embedding(1.0, 6)).name(name);
                tx.vector_documents().add(new)?;
            }
            stray(tx)
        })
        .unwrap();
    let out = Exported::of(&store, folder.path());
    let file = out.file("vector_store");
    assert_eq!(file.rows["documents"], 2);
    let has = |start: &str| file.notes.iter().any(|note| note.starts_with(start));
    assert!(has("documents: most vectors have 6 numbers"), "{:?}", file.notes);
    assert!(has("documents: 1 rows would stop"), "{:?}", file.notes);
    let db = rusqlite::Connection::open(&file.path).unwrap();
    check(&db, "SELECT id, length(embedding) FROM documents", &["a|24", "b|24"]);
}
