//! Proposed changes of the knowledge graph: random calls of several actors against a plain model,
//! and threads of which one has its proposal applied.

use std::collections::{BTreeMap, BTreeSet};

use engraph::family::{NewKnowledgeProposal, Reviewed};
use engraph::record::{Entity, KnowledgeProposal, ProposalStatus, Relation};
use engraph::{Json, NodeId, ReadTx, Store, WriteTx};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::check::{fault, only_winner, sound};
use crate::course::{By, Ledger, Model, all, course, follow, pick};
use crate::workload::{new_store, on_threads};

use ProposalStatus::{Approved, Proposed, Rejected};

/// Names that proposals give entities; two are those that the store gives by itself.
const NAMES: [&str; 4] = ["a", "b", "ent_2", "ent_4_2"];
const STATES: [ProposalStatus; 3] = [Proposed, Approved, Rejected];

/// One call. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Call {
    /// An entity, of one of the names or of none.
    Entity(Option<usize>),
    /// A relation between two names, of one name or of none.
    Relation(usize, usize, bool),
    /// What only import brings in: nobody can apply it.
    Import(usize),
    /// What is refused at once.
    Bad(usize),
    Approve(usize, Option<&'static str>),
    Reject(usize, Option<&'static str>),
    Delete(usize),
}

fn calls() -> impl Strategy<Value = Call> {
    let any = any::<usize>;
    let name = || 0..NAMES.len();
    let note = || prop::option::of(Just("seen"));
    prop_oneof![
        4 => prop::option::of(name()).prop_map(Call::Entity),
        4 => (name(), name(), prop::bool::ANY)
            .prop_map(|(from, to, is_named)| Call::Relation(from, to, is_named)),
        1 => (0_usize..3).prop_map(Call::Import),
        1 => (0_usize..4).prop_map(Call::Bad),
        8 => (any(), note()).prop_map(|(number, note)| Call::Approve(number, note)),
        2 => (any(), note()).prop_map(|(number, note)| Call::Reject(number, note)),
        1 => any().prop_map(Call::Delete),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct Graph {
    proposals: BTreeMap<NodeId, KnowledgeProposal>,
    /// Entities by their names.
    entities: BTreeMap<NodeId, String>,
    /// Relations by their names, with their ends.
    relations: BTreeMap<NodeId, (String, NodeId, NodeId)>,
    gone: NodeId,
    ledger: Ledger,
}

impl Graph {
    fn named(&self, name: &str) -> Option<NodeId> {
        self.entities.iter().find(|(_, known)| *known == name).map(|(id, _)| *id)
    }

    fn put(&mut self, id: NodeId, proposal: KnowledgeProposal, by: By) {
        self.ledger.put(id, by);
        self.proposals.insert(id, proposal);
    }

    fn propose(&mut self, tx: &mut WriteTx<'_>, is_entity: bool, payload: &Value, by: By) {
        let json = Json::of(payload).unwrap();
        let new = if is_entity {
            NewKnowledgeProposal::entity(json.clone())
        } else {
            NewKnowledgeProposal::relation(json.clone())
        };
        let id = tx.knowledge().propose(new.confidence(0.5).source("model")).unwrap();
        let proposal = KnowledgeProposal {
            proposal_type: if is_entity { "entity" } else { "relationship" }.to_owned(),
            payload: Some(json),
            confidence: Some(0.5),
            source: Some("model".to_owned()),
            status: Proposed,
            review_note: None,
            created_at: Some(by.now),
            updated_at: None,
        };
        self.put(id, proposal, by);
    }

    fn import(&mut self, tx: &mut WriteTx<'_>, number: usize, by: By) {
        let (proposal_type, payload) =
            [("theory", Some("{}")), ("entity", Some(r#"{"name": "x"}"#)), ("relationship", None)]
                [number];
        let proposal = KnowledgeProposal {
            proposal_type: proposal_type.to_owned(),
            payload: payload.map(|text| Json::from_text(text).unwrap()),
            created_at: Some(by.now),
            ..KnowledgeProposal::default()
        };
        let id = tx.insert(&proposal).unwrap();
        self.put(id, proposal, by);
    }

    fn decided(&mut self, id: NodeId, status: ProposalStatus, note: Option<&str>, by: By) {
        let proposal = KnowledgeProposal {
            status,
            review_note: note.map(ToOwned::to_owned),
            updated_at: Some(by.now),
            ..self.proposals[&id].clone()
        };
        self.put(id, proposal, by);
    }

    /// Why what a sound payload says cannot be done now, if it cannot.
    fn refusal(&self, payload: &Value) -> Option<&'static str> {
        let text = |field: &str| payload[field].as_str();
        let is_there = |name: &str| self.named(name).is_some();
        let Some((source, target)) = text("source_id").zip(text("target_id")) else {
            return text("entity_id").is_some_and(is_there).then_some("already_exists");
        };
        if !is_there(source) || !is_there(target) {
            return Some("not_found");
        }
        let mut names = self.relations.values().map(|(name, ..)| name.as_str());
        let is_taken = names.any(|name| text("relation_id") == Some(name));
        is_taken.then_some("already_exists")
    }

    fn approve(&mut self, tx: &mut WriteTx<'_>, id: NodeId, note: Option<&str>, by: By) {
        let done = tx.knowledge().approve(id, note);
        let Some(proposal) = self.proposals.get(&id).cloned() else {
            return assert_eq!(fault(done), "not_found");
        };
        if proposal.status != Proposed {
            return assert_eq!(fault(done), "conflict", "{proposal:?}");
        }
        if proposal.source.is_none() {
            let Reviewed::Rejected(reason) = done.unwrap() else { unreachable!("{proposal:?}") };
            assert!(!reason.is_empty());
            return self.decided(id, Rejected, Some(&reason), by);
        }
        let payload = proposal.payload.unwrap().to_value().unwrap();
        let refusal = self.refusal(&payload);
        if let Some(kind) = refusal {
            return assert_eq!(fault(done), kind, "{payload}");
        }
        let Reviewed::Applied(made) = done.unwrap() else { unreachable!("{payload}") };
        self.decided(id, Approved, note, by);
        self.made(made, &payload, by);
    }

    /// Follows what an approval made.
    fn made(&mut self, id: NodeId, payload: &Value, by: By) {
        self.ledger.put(id, by);
        let text = |field: &str| payload[field].as_str();
        if let Some((source, target)) = text("source_id").zip(text("target_id")) {
            let [source, target] = [source, target].map(|name| self.named(name).unwrap());
            let taken = self.relations.values().map(|(name, ..)| name.clone()).collect();
            let name = self.name((text("relation_id"), "rel"), &taken, id, by);
            self.relations.insert(id, (name, source, target));
        } else {
            let taken = self.entities.values().cloned().collect();
            let name = self.name((text("entity_id"), "ent"), &taken, id, by);
            self.entities.insert(id, name);
        }
    }

    /// The name that was given, or one from the key past those that are taken; what gets such a
    /// name is written twice for that.
    fn name(
        &mut self,
        (given, stem): (Option<&str>, &str),
        taken: &BTreeSet<String>,
        id: NodeId,
        by: By,
    ) -> String {
        if let Some(name) = given {
            return name.to_owned();
        }
        self.ledger.put(id, by);
        let first = format!("{stem}_{}", id.key());
        let others = (2..).map(|number| format!("{first}_{number}"));
        let mut names = std::iter::once(first.clone()).chain(others);
        names.find(|name| !taken.contains(name)).unwrap()
    }

    fn reject(&mut self, tx: &mut WriteTx<'_>, id: NodeId, note: Option<&str>, by: By) {
        let done = tx.knowledge().reject(id, note);
        match self.proposals.get(&id).map(|proposal| &proposal.status) {
            None => assert_eq!(fault(done), "not_found"),
            Some(Proposed) => {
                done.unwrap();
                self.decided(id, Rejected, note, by);
            }
            Some(_) => assert_eq!(fault(done), "conflict"),
        }
    }

    fn delete(&mut self, tx: &mut WriteTx<'_>, number: usize, by: By) {
        let Some(id) = self.entities.keys().nth(number % self.entities.len().max(1)).copied()
        else {
            return;
        };
        let touches =
            |(_, source, target): &(String, NodeId, NodeId)| *source == id || *target == id;
        let relations = self.relations.iter().filter(|(_, relation)| touches(relation));
        let relations: Vec<NodeId> = relations.map(|(id, _)| *id).collect();
        let deleted = tx.entities().delete(id).unwrap();
        assert_eq!(deleted, Some(relations.len() as u64));
        for id in relations {
            self.ledger.delete(id, by);
            self.relations.remove(&id);
        }
        self.ledger.delete(id, by);
        self.entities.remove(&id);
    }
}

/// A proposal that is refused at once.
fn bad(number: usize) -> NewKnowledgeProposal {
    let json = |value: Value| Json::of(&value).unwrap();
    match number {
        0 => NewKnowledgeProposal::entity(json(json!([1]))),
        1 => NewKnowledgeProposal::entity(json(json!({ "name": " ", "entity_type": "Court" }))),
        2 => NewKnowledgeProposal::relation(json(json!({ "source_id": "a", "target_id": "b" }))),
        _ => {
            let sound = json!({ "name": "x", "entity_type": "Court" });
            NewKnowledgeProposal::entity(json(sound)).confidence(-0.1)
        }
    }
}

impl Model for Graph {
    type Call = Call;

    fn begin(store: &Store) -> Self {
        let gone = store.write(|tx| {
            let id = tx.insert(&KnowledgeProposal::default())?;
            assert!(tx.delete(id)?);
            Ok(id)
        });
        Self {
            proposals: BTreeMap::new(),
            entities: BTreeMap::new(),
            relations: BTreeMap::new(),
            gone: gone.unwrap(),
            ledger: Ledger::default(),
        }
    }

    fn call(&mut self, tx: &mut WriteTx<'_>, call: &Call, by: By) {
        let proposal = |number: usize| pick(&self.proposals, number, self.gone);
        match call {
            Call::Entity(name) => {
                let mut payload = json!({ "name": "Somebody", "entity_type": "Person" });
                if let Some(name) = name {
                    payload["entity_id"] = NAMES[*name].into();
                }
                self.propose(tx, true, &payload, by);
            }
            Call::Relation(from, to, is_named) => {
                let ends = (NAMES[*from], NAMES[*to]);
                let mut payload =
                    json!({ "source_id": ends.0, "target_id": ends.1, "relation_type": "cites" });
                if *is_named {
                    payload["relation_id"] = "r".into();
                }
                self.propose(tx, false, &payload, by);
            }
            Call::Import(number) => self.import(tx, *number, by),
            Call::Bad(number) => {
                assert_eq!(fault(tx.knowledge().propose(bad(*number))), "invalid");
            }
            Call::Approve(number, note) => self.approve(tx, proposal(*number), *note, by),
            Call::Reject(number, note) => self.reject(tx, proposal(*number), *note, by),
            Call::Delete(number) => self.delete(tx, *number, by),
        }
    }

    fn check(&self, tx: &ReadTx) {
        assert_eq!(all(tx), self.proposals);
        for status in STATES.map(Some).into_iter().chain([None]) {
            let newest = self.proposals.iter().rev();
            let met = newest.filter(|(_, it)| status.as_ref().is_none_or(|is| *is == it.status));
            let expected: Vec<_> = met.skip(1).take(3).map(|(id, it)| (*id, it.clone())).collect();
            let found = tx.knowledge().proposals(status.as_ref(), 1, 3).unwrap();
            assert_eq!(found, expected, "{status:?}");
        }
        let entities = all::<Entity>(tx).into_iter();
        let entities: BTreeMap<_, _> = entities
            .map(|(id, entity)| {
                assert_eq!((&*entity.name, entity.confidence_score), ("Somebody", Some(0.5)));
                (id, entity.entity_id)
            })
            .collect();
        assert_eq!(entities, self.entities);
        let relations = all::<Relation>(tx).into_iter();
        let relations: BTreeMap<_, _> = relations
            .map(|(id, relation)| {
                let (source, target) = (relation.source.unwrap(), relation.target.unwrap());
                assert_eq!(relation.source_id, self.entities[&source]);
                assert_eq!(relation.target_id, self.entities[&target]);
                (id, (relation.relation_id, source, target))
            })
            .collect();
        assert_eq!(relations, self.relations);
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn knowledge_proposals_do_what_a_plain_model_says(writes in course(calls(), 25)) {
        follow::<Graph>(&writes);
    }
}

#[test]
fn of_eight_threads_that_decide_on_a_proposal_one_does() {
    let (_home, store) = new_store();
    for round in 0..8 {
        let payload = json!({ "name": "Somebody", "entity_type": "Person" });
        let new = NewKnowledgeProposal::entity(Json::of(&payload).unwrap());
        let id = store.write(|tx| tx.knowledge().propose(new)).unwrap();
        let decided = on_threads(8, |thread| {
            let note = thread.to_string();
            let decided = store.write(|tx| match (thread + round) % 2 {
                0 => tx.knowledge().approve(id, Some(&note)).map(drop),
                _ => tx.knowledge().reject(id, Some(&note)),
            });
            decided.map_err(|error| error.kind())
        });
        let before = store.read().unwrap().entities().counts().unwrap().entities;
        let winner = only_winner(&decided);
        let found = store.read().unwrap().knowledge().proposal(id).unwrap().unwrap();
        let expected = if (winner + round) % 2 == 0 { Approved } else { Rejected };
        assert_eq!((&found.status, found.review_note), (&expected, Some(winner.to_string())));
        let approved = store.read().unwrap().knowledge().proposals(Some(&Approved), 0, 99).unwrap();
        assert_eq!(before as usize, approved.len(), "an entity for each that was approved");
    }
    sound(&store);
}
