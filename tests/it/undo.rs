//! Undoing: what a write or an author did is put back, and what came later stays.

use std::collections::BTreeMap;

use engraph::record::Memory;
use engraph::{Audit, LaterWrites, NodeId, Result, Seq, Store, Timestamp, Undo, Undone, WriteTx};
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
    let undone = undo(&store, seq);
    assert!(!undone.has_changes());
    let refused: Vec<&str> = undone.refused.iter().map(|it| it.what.as_str()).collect();
    let counter = counter.unwrap().to_string();
    assert_eq!(refused, [&edge.to_string(), &a.to_string(), &counter]);
    assert!(undone.refused.iter().all(|it| it.reason.contains("ke")), "{undone:?}");
    assert_eq!(fault(store.undo(&Undo::write(Seq(99)))), "not_found");
    assert_eq!(fault(store.undo(&Undo::write(Seq(0)))), "not_found");
    assert_eq!(fault(store.undo(&Undo::of_author("anna", Timestamp::default()))), "conflict");
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
