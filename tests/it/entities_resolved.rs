//! Entities that are one: other names, suggestions, merges; and facts that hold for a time.

use engraph::entity::NewFact;
use engraph::family::NewMemory;
use engraph::graph::Direction;
use engraph::record::{Entity, Relation};
use engraph::{NodeId, Store, Timestamp};

use crate::check::{fault, sound};
use crate::workload::new_store;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn create(store: &Store, name: &str) -> NodeId {
    store.write(|tx| tx.entities().create(&Entity::named(name, "Person"))).unwrap()
}

fn get(store: &Store, id: NodeId) -> Entity {
    store.read().unwrap().entities().get(id).unwrap().unwrap()
}

fn resolve(store: &Store, name: &str) -> Option<NodeId> {
    store.read().unwrap().entities().resolve(name).unwrap().map(|(id, _)| id)
}

/// Ends and types of all relations, in order.
fn relations(store: &Store) -> Vec<(Option<NodeId>, String, Option<NodeId>)> {
    let tx = store.read().unwrap();
    let all = tx.iter::<Relation>().unwrap().map(|row| row.unwrap().1);
    all.map(|relation| (relation.source, relation.relation_type, relation.target)).collect()
}

#[test]
fn an_entity_is_found_by_its_other_names() {
    let (_home, store) = new_store();
    let ada = create(&store, "Ada Lovelace");
    let add = |alias: &str| store.write(|tx| tx.entities().add_alias(ada, alias));
    assert!(add(" Countess of Lovelace ").unwrap());
    assert!(!add("countess OF lovelace").unwrap());
    assert!(!add("ADA LOVELACE").unwrap(), "that is its name");
    assert_eq!(fault(add(" ")), "invalid");
    assert_eq!(resolve(&store, "the countess"), None);
    assert_eq!(resolve(&store, "COUNTESS of Lovelace"), Some(ada));
    assert_eq!(resolve(&store, "ada lovelace"), Some(ada));
    let named = create(&store, "Countess of Lovelace");
    assert_eq!(resolve(&store, "Countess of Lovelace"), Some(named), "names come first");
    let hits = store.search("countess").of::<Entity>().run().unwrap();
    assert_eq!(hits.hits.len(), 2, "other names are searched too");
}

#[test]
fn an_upsert_adds_to_the_entity_of_that_name() {
    let (_home, store) = new_store();
    let upsert = |entity: &Entity| store.write(|tx| tx.entities().upsert(entity)).unwrap();
    let content = Some("a mathematician".to_owned());
    let first = upsert(&Entity { content, ..Entity::named("Ada Lovelace", "Person") });
    let aliases = vec!["A. Lovelace".to_owned()];
    let description = Some("wrote notes".to_owned());
    let more = Entity { aliases, description, ..Entity::named("ADA LOVELACE", "person") };
    assert_eq!(upsert(&more), first);
    assert_eq!(upsert(&Entity::named("a. lovelace", "Person")), first);
    let found = get(&store, first);
    assert_eq!((&*found.name, &*found.aliases), ("Ada Lovelace", &["A. Lovelace".to_owned()][..]));
    assert_eq!(found.content.as_deref(), Some("a mathematician"));
    assert_eq!(found.description.as_deref(), Some("wrote notes"));
    let seq = store.seq();
    upsert(&more);
    assert_eq!(store.seq(), seq, "nothing is new");
    assert_ne!(upsert(&Entity::named("Ada Lovelace", "Ship")), first);
}

#[test]
fn entities_that_may_be_one_are_suggested() {
    let (_home, store) = new_store();
    let [a, b, c] = ["Jonathan Miller", "Jonathon Miller", "Zoe Miller"].map(|n| create(&store, n));
    let [club, firm] = ["The Club", "Old Firm"].map(|name| create(&store, name));
    store
        .write(|tx| {
            for person in [a, b] {
                tx.entities().relate(person, "member_of", club)?;
            }
            tx.entities().relate(c, "works_at", firm)?;
            tx.entities().create(&Entity::named("Jonathan Miller", "Ship"))
        })
        .unwrap();
    let same = |min| store.read().unwrap().entities().same(min).unwrap();
    let found = same(0.8);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].first, found[0].second), (a, b));
    assert!(found[0].names < 1.0 && (found[0].neighbors - 1.0).abs() < f64::EPSILON);
    assert!((found[0].score - 1.0).abs() < f64::EPSILON, "they have all neighbours in common");
    assert_eq!(fault(store.read().unwrap().entities().same(0.2)), "invalid");
    store.write(|tx| tx.entities().keep_apart(a, b)).unwrap();
    assert_eq!(same(0.8), []);
    store.write(|tx| tx.entities().add_alias(c, "Jonathan K. Miller")).unwrap();
    let pairs: Vec<_> = same(0.8).iter().map(|same| (same.first, same.second)).collect();
    assert_eq!(pairs, [(a, c), (b, c)], "other names count");
}

#[test]
fn a_merge_moves_relations_and_can_be_taken_back() {
    let (_home, store) = new_store();
    let [ada, countess, babbage] =
        ["Ada Lovelace", "The Countess", "Babbage"].map(|name| create(&store, name));
    store
        .write(|tx| {
            tx.entities().relate(ada, "knows", babbage)?;
            tx.entities().relate(babbage, "writes_to", countess)?;
            tx.entities().relate(countess, "is", ada)?;
            tx.entities().relate(countess, "admires", countess)
        })
        .unwrap();
    let (before, own) = (relations(&store), get(&store, ada));
    let merge = |kept, other| store.write(|tx| tx.entities().merge(kept, other));
    let unmerge = |id| store.write(|tx| tx.entities().unmerge(id));
    assert_eq!(fault(merge(ada, ada)), "conflict");
    assert_eq!(fault(unmerge(countess)), "conflict");
    assert_eq!(merge(ada, countess).unwrap(), 4);
    let ends: Vec<_> = relations(&store).into_iter().map(|(from, _, to)| (from, to)).collect();
    let (ada_end, other) = (Some(ada), Some(babbage));
    assert_eq!(ends, [(ada_end, other), (other, ada_end), (ada_end, ada_end), (ada_end, ada_end)]);
    assert_eq!(get(&store, ada).aliases, ["The Countess"]);
    assert_eq!(resolve(&store, "the countess"), Some(ada));
    assert_eq!(get(&store, countess).merged_into, Some(ada));
    assert_eq!(fault(merge(babbage, countess)), "conflict");
    assert_eq!(fault(merge(countess, babbage)), "conflict");
    sound(&store);
    // A chain is undone from its end.
    merge(babbage, ada).unwrap();
    assert_eq!(resolve(&store, "the countess"), Some(babbage));
    assert_eq!(fault(unmerge(countess)), "conflict");
    unmerge(ada).unwrap();
    assert_eq!(unmerge(countess).unwrap(), 4);
    assert_eq!(relations(&store), before);
    let found = get(&store, ada);
    assert_eq!(found, Entity { updated_at: found.updated_at, ..own });
    let names = |relation: &Relation| (relation.source_id.clone(), relation.target_id.clone());
    let tx = store.read().unwrap();
    let writes = tx.iter::<Relation>().unwrap().map(|row| row.unwrap().1).nth(1).unwrap();
    let expected = (get(&store, babbage).entity_id, get(&store, countess).entity_id);
    assert_eq!(names(&writes), expected);
    drop(tx);
    sound(&store);
}

#[test]
fn what_became_of_relations_after_a_merge_stays() {
    let (_home, store) = new_store();
    let [a, b, c] = ["a", "b", "c"].map(|name| create(&store, name));
    let relation = store.write(|tx| tx.entities().relate(b, "knows", c)).unwrap();
    store.write(|tx| tx.entities().merge(a, b)).unwrap();
    let later = store.write(|tx| tx.entities().relate(a, "likes", c)).unwrap();
    store.write(|tx| tx.entities().delete_relation(relation)).unwrap();
    assert_eq!(store.write(|tx| tx.entities().unmerge(b)).unwrap(), 0);
    let left = store.read().unwrap().entities().relations_of(a, Direction::Out).unwrap();
    assert_eq!(left.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [later]);
    sound(&store);
}

#[test]
fn facts_hold_for_a_time() {
    let (_home, store) = new_store();
    let [ada, london, paris] = ["Ada", "London", "Paris"].map(|name| create(&store, name));
    let state = |fact: NewFact| store.write(|tx| tx.entities().state(fact));
    let lives = |city| NewFact::new(ada, "lives_in", city).only();
    let first = state(lives(london).valid_from(at(10))).unwrap();
    let second = state(lives(paris).valid_from(at(20)).confidence(0.8)).unwrap();
    assert_eq!(state(lives(paris).valid_from(at(20))).unwrap(), second, "not stated twice");
    state(NewFact::new(ada, "likes", london)).unwrap();
    state(NewFact::new(ada, "likes", paris).valid_to(at(15))).unwrap();
    let facts = |predicate, time| {
        let tx = store.read().unwrap();
        let found = tx.entities().facts_at(ada, predicate, at(time)).unwrap();
        found.into_iter().map(|(id, fact)| (id, fact.target.unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(facts(Some("lives_in"), 5), []);
    assert_eq!(facts(Some("lives_in"), 10), [(first, london)]);
    assert_eq!(facts(Some("lives_in"), 19), [(first, london)]);
    assert_eq!(facts(Some("lives_in"), 20), [(second, paris)]);
    assert_eq!(facts(Some("likes"), 5).len(), 2);
    assert_eq!(facts(Some("likes"), 15).len(), 1);
    assert_eq!(facts(None, 25).len(), 2);
    assert_eq!(fault(state(lives(london).valid_from(at(9)).valid_to(at(9)))), "invalid");
    assert_eq!(fault(state(lives(london).confidence(2.0))), "invalid");
    let gone = store.write(|tx| {
        tx.entities().delete(paris)?;
        tx.entities().state(NewFact::new(ada, "likes", paris))
    });
    assert_eq!(fault(gone), "not_found");
    sound(&store);
}

#[test]
fn what_is_observed_leads_to_its_entity() {
    let (_home, store) = new_store();
    let [ada, bob] = ["Ada", "Bob"].map(|name| create(&store, name));
    let observe = |entity, key: &str, content: &str| {
        let new = NewMemory::new("people", key, content);
        store.write(|tx| tx.memories().observe(entity, new))
    };
    let tea = observe(ada, "ada/drink", "Ada drinks tea").unwrap();
    assert_eq!(observe(ada, "ada/drink", "Ada drinks tea").unwrap(), tea);
    let town = observe(ada, "ada/town", "Ada lives in London").unwrap();
    observe(bob, "bob/town", "Bob lives in Paris").unwrap();
    let seen = |entity| {
        let found = store.read().unwrap().memories().observations(entity).unwrap();
        found.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(seen(ada), [tea, town]);
    let milk = observe(ada, "ada/drink", "Ada drinks milk").unwrap();
    assert_eq!(seen(ada), [town, milk], "what is out of date is left out");
    assert_eq!(fault(observe(tea, "x", "y")), "not_found");
    sound(&store);
}
