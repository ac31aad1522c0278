//! Entities and relations of the knowledge graph.

use engraph::entity::EntityCounts;
use engraph::graph::{Direction, Ego};
use engraph::record::{Entity, Relation};
use engraph::{NodeId, Store};

use crate::check::{fault, sound};

fn new_store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path().join("s")).unwrap();
    (dir, store)
}

fn create(store: &Store, names: &[&str]) -> Vec<NodeId> {
    let created = store.write(|tx| {
        names.iter().map(|name| tx.entities().create(&Entity::named(*name, "Case"))).collect()
    });
    created.unwrap()
}

#[test]
fn entities_are_created_found_listed_and_changed() {
    let (_dir, store) = new_store();
    let ids = create(&store, &["Smith v Jones", "High Court", "high court"]);
    store.write(|tx| tx.entities().create(&Entity::named("London", "Place"))).unwrap();
    let tx = store.read().unwrap();
    let entities = tx.entities();
    let first = entities.get(ids[0]).unwrap().unwrap();
    assert_eq!(first.entity_id, format!("ent_{}", ids[0].key()));
    assert_eq!((first.created_at, first.updated_at), (first.updated_at, first.created_at));
    assert!(first.created_at.is_some());
    assert_eq!(entities.find(&first.entity_id).unwrap(), Some((ids[0], first)));
    let by_name = |name: &str| entities.find_by_name(name).unwrap().map(|(id, _)| id);
    assert_eq!(by_name("high court"), Some(ids[2]), "the exact spelling comes first");
    assert_eq!(by_name(" HIGH Court\n"), Some(ids[1]), "then the oldest of any spelling");
    assert_eq!(by_name("nobody"), None);
    let listed = entities.list(Some(ids[0]), 2).unwrap();
    assert_eq!(listed.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids[1..]);
    let cases = entities.of_type("Case").unwrap().map(|found| found.unwrap().1.name);
    assert_eq!(cases.collect::<Vec<_>>(), ["High Court", "Smith v Jones", "high court"]);

    let changed = store.write(|tx| {
        tx.entities().update(ids[0], |entity| {
            entity.jurisdiction = Some("UK".into());
            Ok(())
        })
    });
    let changed = changed.unwrap();
    assert!(changed.updated_at > changed.created_at);
    let unnamed = |entity: &mut Entity| {
        entity.name.clear();
        Ok(())
    };
    assert_eq!(fault(store.write(|tx| tx.entities().update(ids[0], unnamed))), "invalid");
    assert_eq!(fault(store.write(|tx| tx.entities().create(&Entity::named(" ", "x")))), "invalid");
}

#[test]
fn names_are_never_given_twice() {
    let (_dir, store) = new_store();
    let ids = create(&store, &["a", "b"]);
    store.write(|tx| tx.entities().delete(ids[1])).unwrap();
    let next = create(&store, &["c"])[0];
    assert!(next.key() > ids[1].key());
    // A caller's own name does not stand in the way.
    let chosen = format!("ent_{}", next.key() + 2);
    let own = Entity { entity_id: chosen.clone(), ..Entity::named("own", "Case") };
    store.write(|tx| tx.entities().create(&own)).unwrap();
    let given = create(&store, &["d"])[0];
    assert_eq!(given.key(), next.key() + 2);
    let tx = store.read().unwrap();
    assert_eq!(tx.entities().get(given).unwrap().unwrap().entity_id, format!("{chosen}_2"));
    assert_eq!(fault(store.write(|tx| tx.entities().create(&own))), "already_exists");
}

#[test]
fn relations_are_edges_and_need_both_ends() {
    let (_dir, store) = new_store();
    let ids = create(&store, &["a", "b", "c"]);
    let cites = store.write(|tx| tx.entities().relate(ids[0], "cites", ids[1])).unwrap();
    let own = Relation {
        source: Some(ids[1]),
        target: Some(ids[1]),
        relation_type: "cites".into(),
        strength: Some(0.25),
        ..Relation::default()
    };
    let own = store.write(|tx| tx.entities().create_relation(&own)).unwrap();
    let tx = store.read().unwrap();
    let relation = tx.entities().relation(cites).unwrap().unwrap();
    assert_eq!(relation.relation_id, format!("rel_{}", cites.key()));
    assert_eq!(relation.source_id, tx.entities().get(ids[0]).unwrap().unwrap().entity_id);
    let of = |id, direction| -> Vec<NodeId> {
        let found = tx.entities().relations_of(id, direction).unwrap();
        found.into_iter().map(|(id, _)| id).collect()
    };
    assert_eq!(of(ids[1], Direction::Both), [cites, own]);
    assert_eq!(of(ids[1], Direction::Out), [own]);
    assert_eq!(of(ids[2], Direction::Both), []);
    let near = tx.graph().ego(ids[0], &Ego::default()).unwrap();
    assert_eq!((near.nodes(), near.edges().len()), (&ids[..2], 2));
    assert!((near.edges()[1].weight - 0.25).abs() < f32::EPSILON);

    let half = Relation { source: Some(ids[0]), relation_type: "x".into(), ..Relation::default() };
    assert_eq!(fault(store.write(|tx| tx.entities().create_relation(&half))), "invalid");
    assert_eq!(fault(store.write(|tx| tx.entities().relate(ids[0], " ", ids[1]))), "invalid");
    assert_eq!(fault(store.write(|tx| tx.entities().relate(ids[0], "x", cites))), "invalid");
    let absent = NodeId::from_u64(ids[2].as_u64() + 9);
    assert_eq!(fault(store.write(|tx| tx.entities().relate(ids[0], "x", absent))), "not_found");
    assert_eq!(fault(store.write(|tx| tx.entities().delete_relation(ids[0]))), "invalid");
    assert!(store.write(|tx| tx.entities().delete_relation(cites)).unwrap());
    assert!(!store.write(|tx| tx.entities().delete_relation(cites)).unwrap());
    sound(&store);
}

#[test]
fn deleting_an_entity_deletes_its_relations_and_edges() {
    let (_dir, store) = new_store();
    let ids = create(&store, &["a", "b", "c"]);
    store
        .write(|tx| {
            tx.entities().relate(ids[0], "cites", ids[1])?;
            tx.entities().relate(ids[1], "cites", ids[1])?;
            tx.entities().relate(ids[2], "cites", ids[0])?;
            // As an import leaves it, where the other end is unknown.
            tx.insert(&Relation { target: Some(ids[1]), ..Relation::default() })?;
            tx.link(ids[2], "near", ids[1])
        })
        .unwrap();
    assert_eq!(store.write(|tx| tx.entities().delete(ids[1])).unwrap(), Some(3));
    assert_eq!(store.write(|tx| tx.entities().delete(ids[1])).unwrap(), None);
    let tx = store.read().unwrap();
    let counts = tx.entities().counts().unwrap();
    let EntityCounts { entities, relations, .. } = counts;
    assert_eq!((entities, relations), (2, 1));
    assert_eq!(counts.entity_types["Case"], 2);
    assert_eq!(counts.relation_types["cites"], 1);
    assert_eq!(tx.entities().list_relations(None, 9).unwrap().len(), 1);
    assert_eq!(tx.graph().degree(ids[2], Direction::Both).unwrap(), 1);
    sound(&store);
}

#[test]
fn a_write_sees_its_own_entities_and_relations() {
    let (_dir, store) = new_store();
    store
        .write(|tx| {
            let a = tx.entities().create(&Entity::named("a", "Case"))?;
            let b = tx.entities().create(&Entity::named("b", "Case"))?;
            let relation = tx.entities().relate(a, "cites", b)?;
            let found = tx.entities().relations_of(b, Direction::In)?;
            assert_eq!(found.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), [relation]);
            assert_eq!(tx.entities().find_by_name("A")?.map(|(id, _)| id), Some(a));
            assert_eq!(tx.entities().delete(a)?, Some(1));
            assert_eq!(tx.entities().list(None, 9)?.len(), 1);
            Ok(())
        })
        .unwrap();
}
