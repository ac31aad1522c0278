//! Undoing: what a write or an author did is put back, and what came later stays.

use std::cell::RefCell;
use std::collections::BTreeMap;

use engraph::family::Erase;
use engraph::graph::Edge;
use engraph::record::Memory;
use engraph::{
    Audit, EdgeId, Json, LaterWrites, NewEdge, NodeId, Result, Seq, Store, Timestamp, Undo, Undone,
    WriteTx,
};
use proptest::prelude::*;

use crate::check::{Cards as _, fault, sound};
use crate::workload::{Card, Counter, new_store, options};

fn undo(store: &Store, seq: Seq) -> Undone {
    store.undo(&Undo::write(seq)).unwrap()
}

fn write(store: &Store, closure: impl FnOnce(&mut WriteTx<'_>) -> Result<()>) -> Seq {
    store.write(closure).unwrap();
    store.seq()
}

fn code(store: &Store, id: NodeId) -> Option<String> {
    store.read().unwrap().card(id).map(|card| card.code)
}

#[test]
fn what_was_made_changed_and_deleted_is_as_it_was() {
    let (_home, store) = new_store();
    let (changed, deleted) =
        store.write(|tx| Ok((tx.insert(&Card::new("a"))?, tx.insert(&Card::new("b"))?))).unwrap();
    let mut made = None;
    let seq = write(&store, |tx| {
        tx.put(changed, &Card::new("a2"))?;
        tx.put(changed, &Card::new("a3"))?;
        tx.delete(deleted)?;
        let card = tx.insert(&Card::new("c"))?;
        made = Some(card);
        tx.link(changed, "near", card).map(drop)
    });
    let made = made.unwrap();
    let preview = store.undo_preview(&Undo::write(seq)).unwrap();
    assert_eq!((store.seq(), preview.seq), (seq, None));
    let undone = undo(&store, seq);
    assert_eq!(Undone { seq: undone.seq, ..preview }, undone);
    assert_eq!(undone.seq, Some(store.seq()));
    assert_eq!((undone.restored, undone.removed), (vec![changed, deleted], vec![made]));
    assert_eq!((undone.unlinked.len(), undone.conflicts.len(), undone.refused.len()), (1, 0, 0));
    let found = [changed, deleted, made].map(|id| code(&store, id));
    assert_eq!(found, [Some("a".into()), Some("b".into()), None]);
    assert_eq!(store.read().unwrap().by_code("b").unwrap().0, deleted, "with its keys");
    sound(&store);
    let redone = undo(&store, store.seq());
    assert_eq!(redone.restored, [changed, made], "undoing is a write like others");
    assert_eq!(redone.removed, [deleted]);
    let found = [changed, deleted, made].map(|id| code(&store, id));
    assert_eq!(found, [Some("a3".into()), None, Some("c".into())]);
    sound(&store);
}

#[test]
fn what_a_later_write_changed_is_listed_and_kept_unless_asked() {
    let (_home, store) = new_store();
    let (both, alone) =
        store.write(|tx| Ok((tx.insert(&Card::new("a"))?, tx.insert(&Card::new("b"))?))).unwrap();
    let seq = write(&store, |tx| {
        tx.put(both, &Card::new("a2"))?;
        tx.put(alone, &Card::new("b2"))
    });
    let later = write(&store, |tx| tx.put(both, &Card::new("a3")));
    let undone = undo(&store, seq);
    assert_eq!(undone.restored, [alone]);
    assert_eq!((undone.conflicts[0].id, undone.conflicts[0].later), (both, Some(later)));
    assert_eq!(code(&store, both).as_deref(), Some("a3"));
    let again = store.undo(&Undo::write(seq).later(LaterWrites::Overwrite)).unwrap();
    assert_eq!((again.restored, again.conflicts.len()), (vec![both], 0));
    assert_eq!(code(&store, both).as_deref(), Some("a"));
    let nothing = undo(&store, seq);
    assert_eq!((nothing.has_changes(), nothing.seq), (false, None));
    sound(&store);
}

#[test]
fn edges_and_natural_keys_of_others_are_in_the_way() {
    let (_home, store) = new_store();
    let other = store.write(|tx| tx.insert(&Card::new("other"))).unwrap();
    let id = store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    let made = store.seq();
    store.write(|tx| tx.link(other, "near", id)).unwrap();
    let undone = undo(&store, made);
    assert_eq!((undone.conflicts[0].id, undone.conflicts[0].later), (id, None));
    assert!(code(&store, id).is_some());
    let renamed = write(&store, |tx| tx.put(id, &Card::new("b")));
    store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    let undone = undo(&store, renamed);
    assert!(undone.conflicts[0].reason.contains("code"), "{undone:?}");
    assert_eq!(code(&store, id).as_deref(), Some("b"));
    sound(&store);
}

#[test]
fn swapped_natural_keys_are_swapped_back() {
    let (_home, store) = new_store();
    let ids: Vec<NodeId> = store
        .write(|tx| ["a", "b", "c"].iter().map(|code| tx.insert(&Card::new(*code))).collect())
        .unwrap();
    let seq = write(&store, |tx| {
        tx.put(ids[2], &Card::new("d"))?;
        tx.put(ids[1], &Card::new("c"))?;
        tx.put(ids[0], &Card::new("b"))
    });
    assert_eq!(undo(&store, seq).restored, ids);
    let found: Vec<_> = ids.iter().map(|id| code(&store, *id).unwrap()).collect();
    assert_eq!(found, ["a", "b", "c"]);
    sound(&store);
}

#[test]
fn what_cannot_be_undone_is_said() {
    let (_home, store) = new_store();
    let (a, b) =
        store.write(|tx| Ok((tx.insert(&Card::new("a"))?, tx.insert(&Card::new("b"))?))).unwrap();
    let edge = store.write(|tx| tx.link(a, "near", b)).unwrap();
    let mut counter = None;
    let seq = write(&store, |tx| {
        counter = Some(tx.insert(&Counter { count: 1 })?);
        tx.put_vector(a, "model", &[1.0])?;
        tx.remove_edge(edge).map(drop)
    });
    store.write(|tx| tx.delete(b)).unwrap();
    let undone = undo(&store, seq);
    assert!(!undone.has_changes());
    let counter = counter.unwrap().to_string();
    let refused = |undone: &Undone| -> Vec<(String, String)> {
        undone.refused.iter().map(|it| (it.what.clone(), it.reason.clone())).collect()
    };
    let expected = [
        (counter, "its type keeps no earlier values".into()),
        (edge.to_string(), format!("its end {b} is not there")),
        (a.to_string(), "vectors beside records keep no earlier values".into()),
    ];
    assert_eq!(refused(&undone), expected);
    let (_home, store) = new_store();
    let (a, b) =
        store.write(|tx| Ok((tx.insert(&Card::new("a"))?, tx.insert(&Card::new("b"))?))).unwrap();
    let edge = store.write(|tx| tx.link(a, "near", b)).unwrap();
    let removed = write(&store, |tx| tx.remove_edge(edge).map(drop));
    assert_eq!(undo(&store, removed).relinked, [edge]);
    let again = write(&store, |tx| tx.remove_edge(edge).map(drop));
    let made_again = Seq(removed.0 + 1);
    let reason = format!("write {made_again} changed it too");
    assert_eq!(refused(&undo(&store, removed)), [(edge.to_string(), reason)]);
    let overwritten = store.undo(&Undo::write(removed).later(LaterWrites::Overwrite)).unwrap();
    assert_eq!((overwritten.relinked, overwritten.refused), (vec![edge], vec![]));
    assert!(!undo(&store, again).has_changes(), "it is there already");
    sound(&store);
    assert_eq!(fault(store.undo(&Undo::write(Seq(99)))), "not_found");
    assert_eq!(fault(store.undo(&Undo::write(Seq(0)))), "not_found");
    assert_eq!(fault(store.undo(&Undo::of_author("anna", Timestamp::default()))), "conflict");
}

/// An edge, whole.
#[derive(Clone, Debug, PartialEq)]
struct Whole {
    id: EdgeId,
    ends: (NodeId, NodeId),
    edge_type: String,
    weight: f32,
    valid: (Option<Timestamp>, Option<Timestamp>),
    properties: Option<Json>,
}

/// The edges between records, by number.
fn edges(store: &Store, from: &[NodeId]) -> Vec<Whole> {
    let tx = store.read().unwrap();
    let found = RefCell::new(Vec::new());
    for node in from.iter().filter(|node| tx.contains(**node).unwrap()) {
        let collect = |edge: &Edge<'_>| {
            found.borrow_mut().push(Whole {
                id: edge.id(),
                ends: (edge.from(), edge.to()),
                edge_type: edge.edge_type()?.to_string(),
                weight: edge.weight(),
                valid: (edge.valid_from()?, edge.valid_to()?),
                properties: edge.properties()?.cloned(),
            });
            Ok(true)
        };
        tx.graph().from(*node).depth(1..=1).edge_filter(collect).nodes().unwrap();
    }
    let mut found = found.into_inner();
    found.sort_by_key(|edge: &Whole| edge.id);
    found
}

#[test]
fn edges_that_went_come_back_whole() {
    let (_home, store) = new_store();
    let ids: Vec<NodeId> = store
        .write(|tx| ["a", "b", "c"].iter().map(|code| tx.insert(&Card::new(*code))).collect())
        .unwrap();
    let (a, b, c) = (ids[0], ids[1], ids[2]);
    let time = Timestamp::from_micros;
    let properties = Json::from_text(r#"{"page": 3, "why": "law"}"#).unwrap();
    store
        .write(|tx| {
            tx.add_edge(
                &NewEdge::new(a, "cites", b)
                    .weight(-0.5)
                    .valid_from(time(-7))
                    .valid_to(time(7))
                    .properties(properties.clone()),
            )?;
            tx.link(a, "cites", b)?;
            tx.link(c, "near", a)?;
            tx.link(a, "self", a)?;
            tx.link(b, "near", c)
        })
        .unwrap();
    let before = edges(&store, &ids);
    assert_eq!(before.len(), 5);
    let first = &before[0];
    assert_eq!((first.weight, first.valid.1, &first.edge_type[..]), (-0.5, Some(time(7)), "cites"));

    let removed = write(&store, |tx| tx.remove_edge(first.id).map(drop));
    assert_eq!(edges(&store, &ids), before[1..]);
    assert_eq!(undo(&store, removed).relinked, [first.id]);
    assert_eq!(edges(&store, &ids), before);

    let deleted = write(&store, |tx| tx.delete(a).map(drop));
    assert_eq!(edges(&store, &ids), before[4..]);
    let undone = undo(&store, deleted);
    assert_eq!((undone.restored, undone.relinked.len()), (vec![a], 4));
    assert!(undone.conflicts.is_empty() && undone.refused.is_empty());
    assert_eq!(edges(&store, &ids), before);
    sound(&store);
    let redone = undo(&store, store.seq());
    assert_eq!((redone.removed, redone.unlinked.len()), (vec![a], 4), "undone in turn");
    assert_eq!(edges(&store, &ids), before[4..]);
    let back = undo(&store, store.seq());
    assert_eq!((back.restored, back.relinked.len()), (vec![a], 4));
    assert_eq!(edges(&store, &ids), before);
    let new = store.write(|tx| tx.link(a, "near", c)).unwrap();
    assert!(before.iter().all(|edge| edge.id < new), "numbers are never given twice");
    sound(&store);
}

#[test]
fn edges_of_records_that_were_deleted_together_come_back_with_both() {
    let (_home, store) = new_store();
    let (a, b) =
        store.write(|tx| Ok((tx.insert(&Card::new("a"))?, tx.insert(&Card::new("b"))?))).unwrap();
    let edge = store.write(|tx| tx.link(a, "near", b)).unwrap();
    let first = write(&store, |tx| tx.delete(a).map(drop));
    let second = write(&store, |tx| tx.delete(b).map(drop));
    let undone = undo(&store, first);
    assert_eq!(undone.refused[0].reason, format!("its end {b} is not there"));
    assert_eq!((undone.restored, undone.relinked), (vec![a], vec![]));
    let undone = undo(&store, second);
    assert_eq!((undone.restored, undone.relinked), (vec![b], vec![]), "it went with the other");
    assert_eq!(undo(&store, first).relinked, [edge], "now both are there");
    let both = write(&store, |tx| {
        tx.delete(a)?;
        tx.delete(b).map(drop)
    });
    assert_eq!(undo(&store, both).relinked, [edge]);
    let made_and_gone = write(&store, |tx| {
        let made = tx.link(a, "near", b)?;
        tx.remove_edge(made)?;
        tx.put(a, &Card::new("a2"))
    });
    let undone = undo(&store, made_and_gone);
    assert_eq!((undone.restored, undone.relinked, undone.refused), (vec![a], vec![], vec![]));
    assert_eq!(edges(&store, &[a, b]).len(), 1);
    sound(&store);
}

#[test]
fn vectors_beside_a_record_that_was_deleted_come_back() {
    let (_home, store) = new_store();
    let vector = |id, model: &str| store.read().unwrap().get_vector(id, model).unwrap();
    let (card, counter) = store
        .write(|tx| {
            let card = tx.insert(&Card::new("a"))?;
            let counter = tx.insert(&Counter { count: 1 })?;
            tx.put_vector(card, "small", &[0.5, -1.0])?;
            tx.put_vector(card, "large", &[1.0, 2.0, 3.0])?;
            tx.put_vector(counter, "small", &[9.0, 9.0])?;
            Ok((card, counter))
        })
        .unwrap();
    store.write(|tx| tx.put_vector(card, "small", &[0.25, 1.0])).unwrap();
    let deleted = write(&store, |tx| {
        tx.delete(counter)?;
        tx.delete(card).map(drop)
    });
    assert_eq!((vector(card, "small"), vector(card, "large")), (None, None));
    sound(&store);
    let undone = undo(&store, deleted);
    assert_eq!((undone.restored, undone.refused.len()), (vec![card], 1), "counters have no past");
    assert_eq!(vector(card, "small"), Some(vec![0.25, 1.0]));
    assert_eq!(vector(card, "large"), Some(vec![1.0, 2.0, 3.0]));
    let hits = store.similar("large", &[1.0, 2.0, 3.0]).run().unwrap();
    assert_eq!(hits.hits[0].id, card, "and is found");
    let redone = undo(&store, store.seq());
    assert_eq!((redone.removed, redone.refused), (vec![card], vec![]));
    store.write(|tx| tx.delete_vector_model("large")).unwrap();
    let other = store.write(|tx| tx.insert(&Card::new("b"))).unwrap();
    store.write(|tx| tx.put_vector(other, "large", &[1.0])).unwrap();
    let undone = undo(&store, deleted);
    assert_eq!(undone.restored, [] as [NodeId; 0], "a later write deleted it too: {undone:?}");
    let undone = undo(&store, Seq(redone.seq.unwrap().0));
    assert_eq!(undone.restored, [card]);
    assert!(undone.refused[0].reason.contains("another dimension"), "{undone:?}");
    assert_eq!(vector(card, "small"), Some(vec![0.25, 1.0]));
    assert_eq!(vector(card, "large"), None);
    sound(&store);
}

#[test]
fn what_was_erased_does_not_come_back() {
    let (_home, store) = new_store();
    let (a, b) =
        store.write(|tx| Ok((tx.insert(&Card::new("a"))?, tx.insert(&Card::new("b"))?))).unwrap();
    let secret = Json::from_text(r#"{"said": "sealed"}"#).unwrap();
    let edge =
        store.write(|tx| tx.add_edge(&NewEdge::new(a, "told", b).properties(secret))).unwrap();
    store.write(|tx| tx.put_vector(b, "m", &[1.0])).unwrap();
    let removed = write(&store, |tx| tx.remove_edge(edge).map(drop));
    let deleted = write(&store, |tx| tx.delete(b).map(drop));
    let erased = store.erase(&Erase::records([b]).author("anna").reason("asked for")).unwrap();
    assert_eq!((erased.counts.edges, erased.counts.vectors), (1, 1));
    assert_eq!(undo(&store, removed).refused[0].reason, "what it was is not kept");
    let undone = undo(&store, deleted);
    assert!(!undone.has_changes() && undone.conflicts.is_empty(), "{undone:?}");
    sound(&store);
}

#[test]
fn all_that_an_author_wrote_since_a_time_is_undone() {
    let home = tempfile::tempdir().unwrap();
    let store = options().audit(Audit::all()).create(home.path().join("s")).unwrap();
    let by = |name: &str, closure: &dyn Fn(&mut WriteTx<'_>) -> Result<()>| {
        store
            .write(|tx| {
                tx.set_author(name)?;
                closure(tx)
            })
            .unwrap();
        store.last_write_time()
    };
    let id = store.write(|tx| tx.insert(&Card::new("first"))).unwrap();
    let memory = store.write(|tx| tx.insert(&Memory::default())).unwrap();
    by("agent", &|tx| tx.put(id, &Card::new("too early")));
    let since = by("agent", &|tx| tx.put(id, &Card::new("second")));
    by("agent", &|tx| tx.put(id, &Card::new("third")));
    by("agent", &|tx| tx.delete(memory).map(drop));
    by("anna", &|tx| tx.insert(&Card::new("hers")).map(drop));
    let undone = store.undo(&Undo::of_author("agent", since).author("anna")).unwrap();
    assert_eq!(undone.writes.len(), 3);
    assert_eq!(undone.restored.len(), 2);
    assert_eq!(code(&store, id).as_deref(), Some("too early"));
    assert!(store.read().unwrap().contains(memory).unwrap());
    assert!(store.read().unwrap().by_code("hers").is_some());
    assert_eq!(fault(store.undo(&Undo::of_author("nobody", since))), "not_found");
    let report = store.read().unwrap().audit().verify(None).unwrap();
    assert_eq!(report.problems, []);
    sound(&store);
}

/// One step of a random write: which card, and the value that it gets, none to delete it.
type Step = (u8, Option<u8>);

/// The cards by the number of their key.
type Cards = BTreeMap<u8, u8>;

/// What undoing a write makes of the state, by the states after each write.
fn expected(states: &[Cards], seq: usize) -> Cards {
    let (before, after, now) = (&states[seq - 1], &states[seq], &states[states.len() - 1]);
    let mut wanted = now.clone();
    for card in 0..8 {
        // A record that only later writes touched, or also later ones, stays.
        let touched = |at: usize| states[at].get(&card) != states[at - 1].get(&card);
        let later = (seq + 1..states.len()).any(touched);
        if before.get(&card) != after.get(&card) && !later {
            match before.get(&card) {
                Some(value) => wanted.insert(card, *value),
                None => wanted.remove(&card),
            };
        }
    }
    wanted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn undoing_any_write_is_as_the_model_says(
        writes in prop::collection::vec(
            prop::collection::vec((0_u8..8, prop::option::weighted(0.8, any::<u8>())), 1..4),
            1..12,
        ),
        undone in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let (_home, store) = new_store();
        let mut ids = BTreeMap::new();
        store.write(|tx| {
            for card in 0..8_u8 {
                ids.insert(card, tx.insert(&Card::new(format!("{card}")))?);
            }
            Ok(())
        }).unwrap();
        let start: Cards = (0..8).map(|card| (card, 0)).collect();
        store.write(|tx| {
            ids.iter().try_for_each(|(card, id)| tx.put(*id, &value(*card, 0)))
        }).unwrap();
        let first = store.seq();
        let mut states = vec![start];
        for steps in &writes {
            let mut next = states[states.len() - 1].clone();
            let before = store.seq();
            store.write(|tx| steps.iter().try_for_each(|step| apply(tx, &ids, *step))).unwrap();
            for (card, value) in steps {
                match value {
                    Some(value) => next.insert(*card, *value),
                    None => next.remove(card),
                };
            }
            // A write that changes nothing is none.
            if store.seq() != before {
                states.push(next);
            }
        }
        for index in undone {
            if states.len() < 2 {
                break;
            }
            let at = 1 + index.index(states.len() - 1);
            let touched_back = returned(&writes);
            let result = store.undo(&Undo::write(Seq(first.0 + at as u64))).unwrap();
            let found = found(&store, &ids);
            if !touched_back {
                prop_assert_eq!(&found, &expected(&states, at));
            }
            prop_assert!(result.refused.is_empty());
            if result.seq.is_some() {
                states.push(found);
            }
        }
        sound(&store);
    }
}

/// Whether a step may lead back to a value that was there before: such a change is one for the
/// log, and none for the model.
fn returned(writes: &[Vec<Step>]) -> bool {
    let mut seen: BTreeMap<u8, Vec<Option<u8>>> =
        (0..8).map(|card| (card, vec![Some(0)])).collect();
    writes.iter().flatten().any(|(card, value)| {
        let values = seen.entry(*card).or_default();
        let again = values.contains(value);
        values.push(*value);
        again
    })
}

fn value(card: u8, value: u8) -> Card {
    Card::new(format!("{card}")).place("main", value.into())
}

fn apply(tx: &mut WriteTx<'_>, ids: &BTreeMap<u8, NodeId>, (card, to): Step) -> Result<()> {
    match to {
        Some(to) => tx.put(ids[&card], &value(card, to)),
        None => tx.delete(ids[&card]).map(drop),
    }
}

fn found(store: &Store, ids: &BTreeMap<u8, NodeId>) -> Cards {
    let tx = store.read().unwrap();
    ids.iter()
        .filter_map(|(card, id)| Some((*card, u8::try_from(tx.card(*id)?.rank).unwrap())))
        .collect()
}

/// One step of a random write to cards and the edges between them.
#[derive(Clone, Debug)]
enum EdgeStep {
    Put(u8, u8),
    Delete(u8),
    Link(u8, u8, i8),
    Unlink(prop::sample::Index),
}

fn edge_step() -> impl Strategy<Value = EdgeStep> {
    prop_oneof![
        (0_u8..5, any::<u8>()).prop_map(|(card, to)| EdgeStep::Put(card, to)),
        (0_u8..5).prop_map(EdgeStep::Delete),
        (0_u8..5, 0_u8..5, any::<i8>()).prop_map(|(a, b, weight)| EdgeStep::Link(a, b, weight)),
        any::<prop::sample::Index>().prop_map(EdgeStep::Unlink),
    ]
}

fn take(
    tx: &mut WriteTx<'_>,
    ids: &BTreeMap<u8, NodeId>,
    known: &[EdgeId],
    step: &EdgeStep,
) -> Result<()> {
    match step {
        EdgeStep::Put(card, to) => tx.put(ids[card], &value(*card, *to)),
        EdgeStep::Delete(card) => tx.delete(ids[card]).map(drop),
        EdgeStep::Link(a, b, weight) => {
            let (a, b) = (ids[a], ids[b]);
            if !(tx.contains(a)? && tx.contains(b)?) {
                return Ok(());
            }
            let properties = Json::from_text(format!("{{\"n\": {weight}}}"))?;
            let edge = NewEdge::new(a, "near", b).weight(f32::from(*weight));
            tx.add_edge(&if weight % 2 == 0 { edge } else { edge.properties(properties) }).map(drop)
        }
        EdgeStep::Unlink(which) if !known.is_empty() => tx.remove_edge(*which.get(known)).map(drop),
        EdgeStep::Unlink(_) => Ok(()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn undoing_the_newest_write_gives_records_and_edges_as_before_it(
        writes in prop::collection::vec(prop::collection::vec(edge_step(), 1..5), 1..10),
    ) {
        let (_home, store) = new_store();
        let mut ids = BTreeMap::new();
        store.write(|tx| {
            for card in 0..5_u8 {
                ids.insert(card, tx.insert(&value(card, 0))?);
            }
            Ok(())
        }).unwrap();
        let nodes: Vec<NodeId> = ids.values().copied().collect();
        let state = || (found(&store, &ids), edges(&store, &nodes));
        for steps in &writes {
            let (before, seq) = (state(), store.seq());
            let known: Vec<EdgeId> = before.1.iter().map(|edge| edge.id).collect();
            store.write(|tx| steps.iter().try_for_each(|step| take(tx, &ids, &known, step)))
                .unwrap();
            let after = state();
            if store.seq() == seq {
                prop_assert_eq!(&after, &before);
                continue;
            }
            let undone = undo(&store, store.seq());
            prop_assert!(undone.refused.is_empty() && undone.conflicts.is_empty(), "{undone:?}");
            prop_assert_eq!(&state(), &before);
            if undone.seq.is_some() {
                undo(&store, store.seq());
                prop_assert_eq!(&state(), &after);
            }
        }
        sound(&store);
    }
}
