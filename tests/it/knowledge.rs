//! Curated knowledge: what each call does, refuses and lists.

use engraph::family::{NewKnowledgeProposal, NewQuestion, Reviewed, TermQuery, Verdict};
use engraph::record::{
    Entity, KnowledgeProposal, KnowledgeQuestion, KnowledgeTerm, ProposalStatus, QuestionStatus,
    Record, Relation, TermStatus,
};
use engraph::{Json, NodeId, Store};

use crate::check::{fault, sound};
use crate::workload::new_store;

fn json(text: &str) -> Json {
    Json::from_text(text).unwrap()
}

fn term(name: &str) -> KnowledgeTerm {
    KnowledgeTerm::named(name)
}

fn upsert(store: &Store, term: &KnowledgeTerm) -> NodeId {
    store.write(|tx| tx.knowledge().upsert(term)).unwrap()
}

fn get(store: &Store, id: NodeId) -> KnowledgeTerm {
    store.read().unwrap().knowledge().get(id).unwrap().unwrap()
}

fn count<T: Record>(store: &Store) -> usize {
    store.read().unwrap().iter::<T>().unwrap().count()
}

fn ask(store: &Store, new: NewQuestion) -> NodeId {
    store.write(|tx| tx.knowledge().ask(new)).unwrap()
}

#[test]
fn a_new_term_is_settled_and_completed() {
    let (_home, store) = new_store();
    let new = KnowledgeTerm {
        canonical_value: Some(" promissory estoppel ".into()),
        ontology_entity_id: Some("legal issue".into()),
        ..term(" estoppel ").in_category("CONCEPT")
    };
    let found = get(&store, upsert(&store, &new));
    assert_eq!((&*found.term, found.category.as_deref()), ("estoppel", Some("Concept")));
    assert_eq!(found.canonical_value.as_deref(), Some("promissory estoppel"));
    assert_eq!(found.ontology_entity_id.as_deref(), Some("LegalIssue"));
    assert_eq!(
        (found.status, found.verified, found.confidence),
        (TermStatus::Proposed, false, Some(0.5))
    );
    assert_eq!((found.aliases, found.attributes), (Some(json("[]")), Some(json("{}"))));
    assert!(found.created_at.is_some() && found.updated_at.is_none());
}

#[test]
fn d7_an_upsert_keeps_what_it_does_not_say() {
    let (_home, store) = new_store();
    let first = KnowledgeTerm {
        notes: Some("by hand".into()),
        aliases: Some(json(r#"["bar"]"#)),
        confidence: Some(0.9),
        is_canonical: true,
        ..term("estoppel").in_category("concept")
    };
    let id = upsert(&store, &first);
    store
        .write(|tx| tx.knowledge().verify(id, Verdict::Verified, Some("Ada"), Some("seen")))
        .unwrap();
    let description = Some("a bar".to_owned());
    let second = KnowledgeTerm { description, ..term("estoppel").in_category(" Concept") };
    assert_eq!(upsert(&store, &second), id);
    let found = get(&store, id);
    assert_eq!(
        (found.notes.as_deref(), found.description.as_deref()),
        (Some("by hand"), Some("a bar"))
    );
    assert_eq!((found.aliases, found.confidence), (Some(json(r#"["bar"]"#)), Some(0.9)));
    assert!(found.verified && found.is_canonical);
    assert_eq!((found.status, found.verified_by.as_deref()), (TermStatus::Verified, Some("Ada")));
    assert!(found.updated_at > found.created_at);
    let status = TermStatus::Curated;
    upsert(&store, &KnowledgeTerm { status, confidence: Some(0.2), ..second });
    let found = get(&store, id);
    assert_eq!((found.status, found.confidence), (TermStatus::Curated, Some(0.2)));
}

#[test]
fn a_replacement_starts_anew_but_for_the_time_of_adding() {
    let (_home, store) = new_store();
    let id = upsert(&store, &KnowledgeTerm { notes: Some("old".into()), ..term("estoppel") });
    let made = get(&store, id).created_at;
    let again = store.write(|tx| tx.knowledge().replace(&term("estoppel"))).unwrap();
    let found = get(&store, id);
    assert_eq!((again, found.notes, found.created_at), (id, None, made));
}

#[test]
fn a_term_without_a_category_is_one_term() {
    let (_home, store) = new_store();
    let id = upsert(&store, &term("estoppel"));
    assert_eq!(upsert(&store, &term("estoppel").in_category(" ")), id);
    let other = upsert(&store, &term("estoppel").in_category("Case"));
    assert_ne!(other, id);
    // Import may bring twins: the oldest counts, and none is added.
    let twin = store.write(|tx| tx.insert(&term("estoppel"))).unwrap();
    assert_eq!(upsert(&store, &term("estoppel")), id);
    store.write(|tx| tx.knowledge().delete(id)).unwrap();
    assert_eq!(upsert(&store, &term("estoppel")), twin);
    assert_eq!(count::<KnowledgeTerm>(&store), 2);
}

#[test]
fn a_term_that_breaks_a_rule_is_refused() {
    let (_home, store) = new_store();
    for bad in [
        term(" "),
        KnowledgeTerm { confidence: Some(-0.1), ..term("x") },
        KnowledgeTerm { aliases: Some(json("{}")), ..term("x") },
        KnowledgeTerm { attributes: Some(json("[]")), ..term("x") },
        KnowledgeTerm { components: Some(json("1")), ..term("x") },
    ] {
        assert_eq!(fault(store.write(|tx| tx.knowledge().upsert(&bad))), "invalid", "{bad:?}");
    }
    let many = [term("a"), term("")];
    assert_eq!(fault(store.write(|tx| tx.knowledge().upsert_many(&many))), "invalid");
    assert_eq!(count::<KnowledgeTerm>(&store), 0);
    let ids = store.write(|tx| tx.knowledge().upsert_many(&[term("a"), term("b"), term("a")]));
    let ids = ids.unwrap();
    assert_eq!((ids[0], ids.len(), ids[1] == ids[0]), (ids[2], 3, false));
}

#[test]
fn a_term_is_found_in_any_spelling_of_its_category() {
    let (_home, store) = new_store();
    let id = upsert(&store, &term("Kim").in_category("expert_witness"));
    let odd = KnowledgeTerm { category: Some("EXPERT WITNESS".into()), ..term("Lee") };
    let imported = store.write(|tx| tx.insert(&odd)).unwrap();
    let tx = store.read().unwrap();
    let find =
        |name: &str, category| tx.knowledge().find(name, category).unwrap().map(|(id, _)| id);
    assert_eq!(find(" Kim ", Some("ExpertWitness")), Some(id));
    assert_eq!(find("Lee", Some("expert-witness")), Some(imported));
    assert_eq!((find("kim", Some("ExpertWitness")), find("Kim", None)), (None, None));
    assert!(tx.knowledge().has("Kim", None).unwrap());
    assert!(tx.knowledge().has("Kim", Some("ExpertWitness")).unwrap());
    assert!(!tx.knowledge().has("kim", None).unwrap(), "case counts");
    assert!(!tx.knowledge().has("Kim", Some("Case")).unwrap());
}

#[test]
fn terms_are_listed_by_id_state_category_and_text() {
    let (_home, store) = new_store();
    let notes = Some("See the STATUTE".to_owned());
    let made = [
        upsert(&store, &term("b").in_category("case")),
        upsert(&store, &KnowledgeTerm { notes, ..term("a").in_category("Case") }),
        upsert(&store, &term("statute of frauds").in_category("framework")),
    ];
    store.write(|tx| tx.knowledge().verify(made[0], Verdict::Rejected, None, None)).unwrap();
    let new = TermQuery::new;
    let tx = store.read().unwrap();
    for (query, expected) in [
        (new(), &[0, 1, 2][..]),
        (new().offset(1).limit(1), &[1]),
        (new().category("CASE"), &[0, 1]),
        (new().status(TermStatus::Rejected), &[0]),
        (new().containing("statute"), &[1, 2]),
        (new().containing("statute").category("case"), &[1]),
        (new().containing("%"), &[]),
    ] {
        let found = tx.knowledge().list(&query).unwrap();
        let found: Vec<_> = found.into_iter().map(|(id, _)| id).collect();
        let expected: Vec<_> = expected.iter().map(|place| made[*place]).collect();
        assert_eq!(found, expected, "{query:?}");
    }
}

#[test]
fn an_update_is_settled_and_takes_no_others_place() {
    let (_home, store) = new_store();
    let (id, other) = (upsert(&store, &term("a")), upsert(&store, &term("b").in_category("case")));
    let found = store.write(|tx| {
        tx.knowledge().update(id, |term| {
            term.term = " c ".into();
            term.category = Some("  ".into());
            Ok(())
        })
    });
    let found = found.unwrap();
    assert_eq!((&*found.term, &found.category), ("c", &None));
    assert!(found.updated_at.is_some());
    let taken = store.write(|tx| {
        tx.knowledge().update(id, |term| {
            (term.term, term.category) = ("b".into(), Some("CASE".into()));
            Ok(())
        })
    });
    assert_eq!(fault(taken), "already_exists");
    store.write(|tx| tx.knowledge().update(other, |_| Ok(()))).unwrap();
    assert!(store.write(|tx| tx.knowledge().delete(id)).unwrap());
    assert!(!store.write(|tx| tx.knowledge().delete(id)).unwrap());
    assert_eq!(fault(store.write(|tx| tx.knowledge().update(id, |_| Ok(())))), "not_found");
    sound(&store);
}

#[test]
fn a_verdict_replaces_the_one_before_and_sets_the_state() {
    let (_home, store) = new_store();
    let id = upsert(&store, &term("a"));
    let verify = |verdict, by, notes| {
        store.write(|tx| tx.knowledge().verify(id, verdict, by, notes)).unwrap()
    };
    let found = verify(Verdict::Verified, Some("Ada"), Some("seen"));
    assert_eq!((found.verified, found.status), (true, TermStatus::Verified));
    let found = verify(Verdict::Rejected, Some("Bo"), None);
    assert_eq!((found.verified, found.status), (false, TermStatus::Rejected));
    assert_eq!((found.verified_by.as_deref(), found.user_notes), (Some("Bo"), None));
}

#[test]
fn a_term_is_linked_to_a_label_of_the_ontology() {
    let (_home, store) = new_store();
    let id = upsert(&store, &term("a"));
    let found = store.write(|tx| tx.knowledge().link_ontology(id, "plea deal")).unwrap();
    assert_eq!(found.ontology_entity_id.as_deref(), Some("PleaDeal"));
    let blank = store.write(|tx| tx.knowledge().link_ontology(id, " "));
    assert_eq!(fault(blank), "invalid");
}

#[test]
fn d27_one_asker_has_one_open_question_about_a_term() {
    let (_home, store) = new_store();
    let about = |text: &str, name: &str| NewQuestion::new(text).term(name);
    let id = ask(&store, about("What is estoppel?", "estoppel"));
    assert_eq!(ask(&store, about("Who knows estoppel?", " estoppel ")), id);
    let resolver = about("What is estoppel?", "estoppel").asked_by("entity_resolver");
    assert_ne!(ask(&store, resolver), id);
    assert_ne!(ask(&store, about("What is laches?", "laches")), id);
    let free = ask(&store, NewQuestion::new("Who signs?"));
    assert_eq!(ask(&store, NewQuestion::new("Who signs?")), free);
    assert_ne!(ask(&store, NewQuestion::new("Who signs, and when?")), free);
    store.write(|tx| tx.knowledge().answer(id, "A bar")).unwrap();
    assert_ne!(ask(&store, about("What is estoppel?", "estoppel")), id, "that one is answered");
    let many = vec![about("a", "laches"), about("b", "waiver"), about("c", "waiver")];
    let ids = store.write(|tx| tx.knowledge().ask_many(many)).unwrap();
    assert_eq!((ids.len(), ids[1]), (3, ids[2]));
    assert_eq!(count::<KnowledgeQuestion>(&store), 7);
}

#[test]
fn questions_are_answered_again_and_listed_newest_first() {
    let (_home, store) = new_store();
    let made: Vec<_> =
        ["a", "b", "c"].iter().map(|text| ask(&store, NewQuestion::new(*text))).collect();
    store.write(|tx| tx.knowledge().answer(made[1], "no")).unwrap();
    let found = store.write(|tx| tx.knowledge().answer(made[1], "yes")).unwrap();
    assert_eq!((found.status, found.answer.as_deref()), (QuestionStatus::Answered, Some("yes")));
    assert!(found.answered_at.is_some());
    let tx = store.read().unwrap();
    let ids = |status: Option<&QuestionStatus>, offset, limit| -> Vec<NodeId> {
        let found = tx.knowledge().questions(status, offset, limit).unwrap();
        found.into_iter().map(|(id, _)| id).collect()
    };
    assert_eq!(ids(None, 0, 9), [made[2], made[1], made[0]]);
    assert_eq!(ids(Some(&QuestionStatus::Open), 0, 9), [made[2], made[0]]);
    assert_eq!(ids(None, 1, 1), [made[1]]);
    let question = tx.knowledge().question(made[0]).unwrap().unwrap();
    assert_eq!(question.asked_by.as_deref(), Some("taskmaster"));
    assert_eq!(fault(store.write(|tx| tx.knowledge().answer(made[0], " "))), "invalid");
    assert_eq!(fault(store.write(|tx| tx.knowledge().ask(NewQuestion::new("")))), "invalid");
    let list = NewQuestion::new("d").context(json("[]"));
    assert_eq!(fault(store.write(|tx| tx.knowledge().ask(list))), "invalid");
}

#[test]
fn an_approved_proposal_is_applied_once() {
    let (_home, store) = new_store();
    let entity = |name: &str| {
        let payload = format!(r#"{{"name": "{name}", "entity_type": "Court", "id": "{name}"}}"#);
        NewKnowledgeProposal::entity(json(&payload)).confidence(0.7).source("reader")
    };
    let propose = |new| store.write(|tx| tx.knowledge().propose(new)).unwrap();
    let approve = |id| store.write(|tx| tx.knowledge().approve(id, Some("fine")));
    let first = propose(entity("high"));
    let Reviewed::Applied(made) = approve(first).unwrap() else { unreachable!("it is sound") };
    let found: Entity = store.read().unwrap().get(made).unwrap().unwrap();
    assert_eq!((&*found.entity_id, &*found.entity_type), ("high", "Court"));
    assert_eq!(found.confidence_score, Some(0.7));
    assert_eq!(fault(approve(first)), "conflict", "only once");
    let payload =
        json(r#"{"source_id": "high", "target_id": "low", "relation_type": "overrules"}"#);
    let relation = propose(NewKnowledgeProposal::relation(payload));
    assert_eq!(fault(approve(relation)), "not_found", "an end is missing");
    let proposal = store.read().unwrap().knowledge().proposal(relation).unwrap().unwrap();
    assert_eq!(proposal.status, ProposalStatus::Proposed, "it can be approved later");
    approve(propose(entity("low"))).unwrap();
    let Reviewed::Applied(made) = approve(relation).unwrap() else { unreachable!("it is sound") };
    let found: Relation = store.read().unwrap().get(made).unwrap().unwrap();
    assert_eq!((&*found.relation_type, found.source.is_some()), ("overrules", true));
    let proposal = store.read().unwrap().knowledge().proposal(relation).unwrap().unwrap();
    assert_eq!(
        (proposal.status, proposal.review_note.as_deref()),
        (ProposalStatus::Approved, Some("fine"))
    );
    sound(&store);
}

#[test]
fn a_proposal_that_nobody_can_apply_is_rejected_with_the_reason() {
    let (_home, store) = new_store();
    for (proposal_type, payload) in
        [("theory", Some(json("{}"))), ("entity", Some(json("{}"))), ("entity", None)]
    {
        let imported = KnowledgeProposal {
            proposal_type: proposal_type.into(),
            payload,
            ..KnowledgeProposal::default()
        };
        let id = store.write(|tx| tx.insert(&imported)).unwrap();
        let reviewed = store.write(|tx| tx.knowledge().approve(id, None)).unwrap();
        let Reviewed::Rejected(note) = reviewed else { unreachable!("{reviewed:?}") };
        let found = store.read().unwrap().knowledge().proposal(id).unwrap().unwrap();
        assert_eq!((found.status, found.review_note), (ProposalStatus::Rejected, Some(note)));
    }
    assert_eq!(count::<Entity>(&store), 0);
}

#[test]
fn a_proposal_is_checked_when_it_is_made_and_rejected_once() {
    let (_home, store) = new_store();
    let sound_one = || json(r#"{"name": "x", "entity_type": "Court"}"#);
    for bad in [
        NewKnowledgeProposal::entity(json("[]")),
        NewKnowledgeProposal::entity(json(r#"{"name": "x"}"#)),
        NewKnowledgeProposal::entity(json(r#"{"name": " ", "entity_type": "Court"}"#)),
        NewKnowledgeProposal::relation(sound_one()),
        NewKnowledgeProposal::entity(sound_one()).confidence(2.0),
    ] {
        let shown = format!("{bad:?}");
        assert_eq!(fault(store.write(|tx| tx.knowledge().propose(bad))), "invalid", "{shown}");
    }
    let new = NewKnowledgeProposal::entity(sound_one());
    let id = store.write(|tx| tx.knowledge().propose(new)).unwrap();
    store.write(|tx| tx.knowledge().reject(id, Some("no"))).unwrap();
    assert_eq!(fault(store.write(|tx| tx.knowledge().reject(id, None))), "conflict");
    assert_eq!(fault(store.write(|tx| tx.knowledge().approve(id, None))), "conflict");
    let tx = store.read().unwrap();
    let rejected = tx.knowledge().proposals(Some(&ProposalStatus::Rejected), 0, 9).unwrap();
    assert_eq!((rejected[0].0, rejected[0].1.review_note.as_deref()), (id, Some("no")));
    assert!(tx.knowledge().proposals(Some(&ProposalStatus::Proposed), 0, 9).unwrap().is_empty());
}
