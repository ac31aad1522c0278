//! Documents that are found through their embeddings: added, searched, counted, forgotten.

use std::sync::Arc;
use std::time::Duration;

use engraph::family::{NewVectorDocument, VectorQuestion};
use engraph::search::Filter;
use engraph::{Error, Json, ManualClock, NodeId, Store, Timestamp};

use crate::check::sound;
use crate::workload::Home;

const START: Timestamp = Timestamp::from_micros(1_771_057_082_000_000);

fn kept() -> (Home, Store, Arc<ManualClock>) {
    let home = Home::new();
    let clock = Arc::new(ManualClock::new(START));
    let store = Store::builder().clock(Arc::clone(&clock)).create(home.path()).unwrap();
    (home, store, clock)
}

fn add(store: &Store, new: NewVectorDocument) -> NodeId {
    store.write(|tx| tx.vector_documents().add(new)).unwrap()
}

#[track_caller]
fn check(store: &Store, question: &VectorQuestion, now: Timestamp, expected: &[NodeId]) {
    let tx = store.read().unwrap();
    let hits = tx.vector_documents().search(question, now).unwrap();
    assert_eq!(hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), expected);
}

#[test]
fn a_document_has_a_name_a_type_and_a_vector_of_unit_length() {
    let (_home, store, _) = kept();
    let id = add(&store, NewVectorDocument::new("a text", &[3.0, 4.0]));
    let named = add(&store, NewVectorDocument::new("", &[1.0, 0.0]).name("n").importance(1.0));
    let tx = store.read().unwrap();
    let document = tx.vector_documents().get(id).unwrap().unwrap();
    assert_eq!(document.embedding.unwrap().to_vec(), [0.6, 0.8]);
    assert_eq!(document.document_type.as_deref(), Some("general"));
    assert_eq!((document.importance_score, document.created_at), (Some(0.5), Some(START)));
    assert_eq!(tx.vector_documents().find(&document.vector_id).unwrap().unwrap().0, id);
    assert_eq!(tx.vector_documents().find("n").unwrap().unwrap().0, named);
    assert_eq!(tx.vector_documents().count().unwrap(), 2);
    sound(&store);
}

#[test]
fn d18_what_does_not_fit_is_refused_and_leaves_no_trace() {
    let (_home, store, _) = kept();
    add(&store, NewVectorDocument::new("a", &[1.0, 0.0]).name("n"));
    let taken = NewVectorDocument::new("b", &[1.0, 0.0]).name("n");
    let no_object = Json::from_text("[1]").unwrap();
    for (new, is_taken) in [
        (NewVectorDocument::new("b", &[1.0, 0.0, 0.0]), false),
        (NewVectorDocument::new("b", &[0.0, 0.0]), false),
        (NewVectorDocument::new("b", &[1.0, 0.0]).importance(1.5), false),
        (NewVectorDocument::new("b", &[1.0, 0.0]).metadata(no_object), false),
        (taken, true),
    ] {
        let added = store.write(|tx| tx.vector_documents().add(new));
        match added {
            Err(Error::AlreadyExists { .. }) => assert!(is_taken),
            Err(Error::Invalid { .. }) => assert!(!is_taken),
            other => panic!("{other:?}"),
        }
    }
    let tx = store.read().unwrap();
    assert_eq!(tx.vector_documents().count().unwrap(), 1);
    let question = VectorQuestion::new(&[1.0]);
    let asked = tx.vector_documents().search(&question, START);
    assert!(matches!(asked, Err(Error::Invalid { .. })), "{asked:?}");
}

#[test]
fn d19_a_search_answers_whatever_its_filters_let_through() {
    let (_home, store, _) = kept();
    let statute = |text: &str, x| NewVectorDocument::new(text, &[x, 1.0]).document_type("statute");
    let near = add(&store, NewVectorDocument::new("case", &[9.0, 1.0]).importance(0.1));
    let first = add(&store, statute("first", 3.0).case_id("c-1"));
    let second = add(&store, statute("second", 2.0).legal_domain("tax"));
    let question = VectorQuestion::new(&[1.0, 0.0]);
    check(&store, &question, START, &[near, first, second]);
    check(&store, &question.clone().top(1), START, &[near]);
    check(&store, &question.clone().top(0), START, &[]);
    let statutes = question.clone().filter(Filter::keyword("type", "statute"));
    check(&store, &statutes, START, &[first, second]);
    check(&store, &statutes.clone().legal_domain("tax").top(9), START, &[first, second]);
    check(&store, &statutes.filter(Filter::keyword("case", "c-1")), START, &[first]);
    // One hit is wanted, and the two nearest are let through by nothing.
    let third = question.clone().filter(Filter::keyword("domain", "tax")).top(1);
    check(&store, &third, START, &[second]);
    check(&store, &question.top(1).importance_min(0.5), START, &[first]);
}

#[test]
fn what_was_found_often_is_counted_and_counts() {
    let (_home, store, clock) = kept();
    let text = "x".repeat(50);
    let first = add(&store, NewVectorDocument::new(&*text, &[1.0, 0.0]));
    let second = add(&store, NewVectorDocument::new(&*text, &[1.0, 0.0]));
    let question = VectorQuestion::new(&[1.0, 0.0]);
    check(&store, &question, START, &[first, second]);
    clock.advance(Duration::from_secs(60));
    for _ in 0..11 {
        let gone = NodeId::from_u64(second.as_u64() + 1);
        store.write(|tx| tx.vector_documents().found([second, gone])).unwrap();
    }
    check(&store, &question, START, &[second, first]);
    let document = store.read().unwrap().vector_documents().get(second).unwrap().unwrap();
    assert_eq!(document.access_count, 11);
    assert!(document.last_accessed_at > Some(START));
}

#[test]
fn what_is_over_is_not_found_and_goes_when_asked_for() {
    let (_home, store, clock) = kept();
    let minute = Duration::from_secs(60);
    let short = add(&store, NewVectorDocument::new("a", &[1.0, 0.0]).time_to_live(minute));
    let long = add(&store, NewVectorDocument::new("b", &[1.0, 0.0]).time_to_live(minute * 60));
    let ever = add(&store, NewVectorDocument::new("c", &[1.0, 0.0]).time_to_live(Duration::ZERO));
    let question = VectorQuestion::new(&[1.0, 0.0]);
    check(&store, &question, START, &[short, long, ever]);
    clock.advance(minute * 2);
    let later = Timestamp::from_micros(START.as_micros() + 120_000_000);
    check(&store, &question, later, &[long, ever]);
    let cleaned = |limit| store.write(|tx| tx.vector_documents().delete_expired(limit)).unwrap();
    assert_eq!((cleaned(0), cleaned(9), cleaned(9)), (0, 1, 0));
    check(&store, &question, START, &[long, ever]);
    assert!(store.write(|tx| tx.vector_documents().delete(long)).unwrap());
    assert!(!store.write(|tx| tx.vector_documents().delete(short)).unwrap());
    check(&store, &question, START, &[ever]);
    sound(&store);
}
