//! Versions of ontologies: what each call does, refuses and lists.

use engraph::record::{OntologyStatus, OntologyVersion};
use engraph::{Json, NodeId, Store};

use crate::check::{fault, sound};
use crate::workload::new_store;

use OntologyStatus::{Active, Deprecated, Inactive};

fn add(store: &Store, ontology_type: &str, version: &str) -> NodeId {
    store.write(|tx| tx.ontologies().add(ontology_type, version, None)).unwrap()
}

fn status(store: &Store, id: NodeId) -> OntologyStatus {
    store.read().unwrap().get::<OntologyVersion>(id).unwrap().unwrap().status
}

#[test]
fn one_version_of_a_type_is_in_use() {
    let (_home, store) = new_store();
    let (first, second) = (add(&store, "domain", "1"), add(&store, "domain", "2"));
    let other = add(&store, "tool", "1");
    assert_eq!(status(&store, first), Inactive);
    for id in [first, other, second] {
        store.write(|tx| tx.ontologies().activate(id)).unwrap();
    }
    let found = [first, second, other].map(|id| status(&store, id));
    assert_eq!(found, [Inactive, Active, Active]);
    let tx = store.read().unwrap();
    assert_eq!(tx.ontologies().active("domain").unwrap().unwrap().0, second);
    assert_eq!(tx.ontologies().active("none").unwrap(), None);
    let versions = tx.ontologies().versions("domain").unwrap();
    let versions: Vec<_> = versions.iter().map(|(_, version)| &*version.version).collect();
    assert_eq!(versions, ["1", "2"]);
    drop(tx);
    let third = add(&store, "domain", "3");
    let found: OntologyVersion = store.read().unwrap().get(third).unwrap().unwrap();
    assert_eq!(found.lineage.unwrap().as_str(), r#"{"from": "2"}"#);
    sound(&store);
}

#[test]
fn a_version_in_use_is_not_deprecated_and_a_deprecated_one_not_used() {
    let (_home, store) = new_store();
    let (first, second) = (add(&store, "domain", "1"), add(&store, "domain", "2"));
    store.write(|tx| tx.ontologies().activate(first)).unwrap();
    assert_eq!(fault(store.write(|tx| tx.ontologies().deprecate(first))), "conflict");
    store.write(|tx| tx.ontologies().deprecate(second)).unwrap();
    assert_eq!(status(&store, second), Deprecated);
    assert_eq!(fault(store.write(|tx| tx.ontologies().activate(second))), "conflict");
    assert_eq!(status(&store, first), Active, "nothing changed");
}

#[test]
fn terms_and_relations_belong_to_a_version() {
    let (_home, store) = new_store();
    let (first, second) = (add(&store, "domain", "1"), add(&store, "domain", "2"));
    store
        .write(|tx| {
            tx.ontologies().add_term(first, "judge", "Judge", None)?;
            tx.ontologies().add_term(first, "court", "Court", None)?;
            tx.ontologies().add_term(second, "court", "Court", None)?;
            tx.ontologies().relate(first, "judge", "sits_in", "court", None)
        })
        .unwrap();
    let tx = store.read().unwrap();
    let labels = |id| -> Vec<String> {
        let found = tx.ontologies().terms(id).unwrap();
        found.into_iter().map(|(_, term)| term.label).collect()
    };
    assert_eq!(
        (labels(first), labels(second)),
        (vec!["Court".into(), "Judge".into()], vec!["Court".to_owned()])
    );
    let found = tx.ontologies().relations_from(first, "judge").unwrap();
    assert_eq!((found.len(), &*found[0].1.to_term), (1, "court"));
    assert!(tx.ontologies().relations_from(second, "judge").unwrap().is_empty());
    assert!(tx.ontologies().term(second, "judge").unwrap().is_none());
}

#[test]
fn what_is_absent_taken_or_not_acceptable_is_refused() {
    let (_home, store) = new_store();
    let id = add(&store, "domain", "1");
    store
        .write(|tx| {
            let list = || Some(Json::from_text("[]").unwrap());
            let gone = tx.ontologies().add("domain", "2", None)?;
            tx.delete(gone)?;
            let term = tx.ontologies().add_term(id, "a", "A", None)?;
            assert_eq!(fault(tx.ontologies().add("domain", "1", None)), "already_exists");
            assert_eq!(fault(tx.ontologies().add(" ", "1", None)), "invalid");
            assert_eq!(fault(tx.ontologies().add("domain", "", None)), "invalid");
            assert_eq!(fault(tx.ontologies().add("domain", "3", list())), "invalid");
            assert_eq!(fault(tx.ontologies().activate(gone)), "not_found");
            assert_eq!(fault(tx.ontologies().deprecate(term)), "not_found");
            assert_eq!(fault(tx.ontologies().add_term(gone, "b", "B", None)), "not_found");
            assert_eq!(fault(tx.ontologies().add_term(id, "a", "B", None)), "already_exists");
            assert_eq!(fault(tx.ontologies().add_term(id, "b", " ", None)), "invalid");
            assert_eq!(fault(tx.ontologies().relate(id, "a", "is", "b", None)), "not_found");
            assert_eq!(fault(tx.ontologies().relate(id, "a", "", "a", None)), "invalid");
            assert_eq!(fault(tx.ontologies().relate(id, "a", "is", "a", list())), "invalid");
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_first_versions_are_seeded_once() {
    let (_home, store) = new_store();
    let own = add(&store, "domain", "7");
    assert_eq!(store.write(|tx| tx.ontologies().seed_defaults()).unwrap(), 5);
    assert_eq!(store.write(|tx| tx.ontologies().seed_defaults()).unwrap(), 0);
    assert_eq!(status(&store, own), Inactive, "what is there stays");
    let tx = store.read().unwrap();
    assert_eq!(tx.ontologies().active("tool").unwrap().unwrap().1.version, "1");
}
