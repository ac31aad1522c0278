//! Proposed memories and their review, and memories in short.

use engraph::family::{
    Concatenation, Extractive, MemoryCorrection, MemoryFlag, MemoryGrouping, MemoryProposalQuery,
    MemoryQuery, NeedsProvenance, NewArtifact, NewMemory, NewMemoryProposal, NewProvenance,
    Proposed, ProposedMemory, ReviewPolicy, Summarizer, Target,
};
use engraph::graph::Direction;
use engraph::record::{
    KnowledgeTerm, Memory, MemoryProposal, MemoryProposalStatus, MemoryType, Provenance,
    ProvenanceTarget, Record, TermStatus,
};
use engraph::{Json, NodeId, Result, Store};

use crate::check::{fault, sound};
use crate::workload::new_store;

use MemoryFlag::{Conflict, HighImpact, LowConfidence, Sensitive};

fn json(text: &str) -> Json {
    Json::from_text(text).unwrap()
}

/// A proposal that nothing is flagged in, of a type that needs no provenance.
fn plain(key: &str, content: &str) -> NewMemoryProposal {
    let new = NewMemoryProposal::new("legal", key, content).memory_type(MemoryType::Entity);
    new.importance(0.5).confidence(0.6)
}

fn propose(store: &Store, new: NewMemoryProposal) -> Proposed {
    store.write(|tx| tx.memories().propose(new, &ReviewPolicy::new())).unwrap()
}

fn approve(store: &Store, id: NodeId, correction: &MemoryCorrection) -> Option<NodeId> {
    let policy = ReviewPolicy::new();
    store.write(|tx| tx.memories().approve(id, correction, &policy)).unwrap().memory
}

fn proposal(store: &Store, id: NodeId) -> MemoryProposal {
    store.read().unwrap().memories().proposal(id).unwrap().unwrap()
}

fn memory(store: &Store, id: NodeId) -> Memory {
    store.read().unwrap().memories().get(id).unwrap().unwrap()
}

fn field(metadata: Option<&Json>, name: &str) -> serde_json::Value {
    metadata.unwrap().to_value().unwrap()[name].clone()
}

fn count<T: Record>(store: &Store) -> usize {
    store.read().unwrap().iter::<T>().unwrap().count()
}

fn listed(store: &Store, query: &MemoryProposalQuery) -> Vec<NodeId> {
    let found = store.read().unwrap().memories().proposals(query).unwrap();
    found.into_iter().map(|(id, _)| id).collect()
}

fn source(store: &Store) -> NewProvenance {
    let new = NewArtifact::of_bytes("memo", b"The reply is due.");
    let sha256 = new.sha256().to_owned();
    let memo = store.write(|tx| tx.artifacts().ingest(new)).unwrap();
    NewProvenance::new(memo, sha256, "test").quote(4, 9, "reply")
}

#[test]
fn a_proposal_waits_unless_it_is_sure_enough() {
    let (_home, store) = new_store();
    let waits = propose(&store, plain("a", "Ada is the clerk"));
    assert_eq!((waits.memory, &*waits.flags), (None, &[][..]));
    assert_eq!(proposal(&store, waits.id).status, MemoryProposalStatus::Pending);
    let sure = propose(&store, plain("b", "Bob is the judge").confidence(0.7).agent("scan"));
    let stored = memory(&store, sure.memory.unwrap());
    let row = proposal(&store, sure.id);
    assert_eq!((row.status, row.memory), (MemoryProposalStatus::Approved, sure.memory));
    assert_eq!(row.stored_record_id.as_deref(), Some(&*stored.record_id));
    assert!(row.approved_at.is_some() && row.rejected_at.is_none());
    assert_eq!((stored.confidence_score, stored.agent_id.as_deref()), (Some(0.7), Some("scan")));
    assert_eq!(count::<KnowledgeTerm>(&store), 0, "nobody looked: no term");
    // The threshold and the waiting of flagged ones are the caller's.
    let never = ReviewPolicy::new().approved_from(None);
    let done = store.write(|tx| tx.memories().propose(plain("c", "x").confidence(1.0), &never));
    assert_eq!(done.unwrap().memory, None);
    let careful = ReviewPolicy::new().flagged_wait();
    let flagged = plain("d", "sealed").confidence(1.0);
    let done = store.write(|tx| tx.memories().propose(flagged, &careful)).unwrap();
    assert_eq!((done.memory, &*done.flags), (None, &[Sensitive][..]));
    sound(&store);
}

#[test]
fn flags_say_what_a_reviewer_should_know() {
    let (_home, store) = new_store();
    let flags = |new: NewMemoryProposal| propose(&store, new).flags;
    assert_eq!(flags(plain("a", "x").confidence(0.49)), [LowConfidence]);
    assert_eq!(flags(plain("b", "x").confidence(0.5).importance(0.85)), [HighImpact]);
    for text in ["PRIVILEGED", "his SSN", "a Trade  secret? no, a trade SECRET", "medical"] {
        assert_eq!(flags(plain(text, text)), [Sensitive], "{text}");
    }
    let default = NewMemoryProposal::new("legal", "c", "x").memory_type(MemoryType::Entity);
    assert_eq!(flags(default), [HighImpact], "the default importance is 1");
    // Something else was approved under the name, blanks and case aside.
    assert_eq!(flags(plain("d", "due  on MONDAY").confidence(0.7)), []);
    assert_eq!(flags(plain("d", "Due on Monday")), []);
    assert_eq!(flags(plain("d", "due on Friday")), [Conflict]);
    // Or is remembered, whoever said it.
    store.write(|tx| tx.memories().remember(NewMemory::new("legal", "e", "tea"))).unwrap();
    assert_eq!(flags(plain("e", "milk")), [Conflict]);
    let all = plain("e", "medical").confidence(0.1).importance(1.0);
    let done = propose(&store, all);
    assert_eq!(done.flags, [LowConfidence, HighImpact, Sensitive, Conflict]);
    let stored = proposal(&store, done.id).flags.unwrap();
    assert_eq!(stored.as_str(), r#"["low_confidence", "high_impact", "sensitive", "conflict"]"#);
}

#[test]
fn d12_what_claims_something_needs_provenance_also_by_its_default_type() {
    let (_home, store) = new_store();
    let propose = |new: NewMemoryProposal, rule| {
        let policy = ReviewPolicy::new().needs_provenance(rule);
        store.write(|tx| tx.memories().propose(new, &policy))
    };
    let claims = NeedsProvenance::Claims;
    let default = || NewMemoryProposal::new("legal", "a", "x");
    assert_eq!(fault(propose(default(), claims)), "invalid");
    for claim in ["claim", "evidence", "fact", "issue", "argument"] {
        assert_eq!(fault(propose(default().memory_type(claim), claims)), "invalid", "{claim}");
    }
    let graded = || plain("a", "x").metadata(json(r#"{"claim_grade": "b"}"#));
    assert_eq!(fault(propose(graded(), claims)), "invalid");
    assert_eq!(fault(propose(plain("a", "x"), NeedsProvenance::Always)), "invalid");
    assert_eq!(count::<MemoryProposal>(&store), 0);
    propose(default(), NeedsProvenance::Never).unwrap();
    propose(plain("b", "x").metadata(json(r#"{"claim_grade": null}"#)), claims).unwrap();

    let done = propose(default().provenance(source(&store)), claims).unwrap();
    let row = proposal(&store, done.id);
    let tx = store.read().unwrap();
    let of = |target: &Target| tx.provenance().of(target).unwrap();
    let noted = of(&Target::record(ProvenanceTarget::MemoryProposal, done.id));
    assert_eq!(noted[0].spans[0].quote.as_deref(), Some("reply"));
    assert_eq!(field(row.metadata.as_ref(), "provenance_id"), noted[0].id.key());
    // The memory rests on the same source, and is no worse known than its proposal.
    let stored = memory(&store, done.memory.unwrap());
    let target = Target::of("memory".into(), &stored.record_id, done.memory.unwrap());
    assert_eq!(of(&target)[0].id, noted[0].id);
    drop(tx);
    store.write(|tx| tx.memories().delete_proposal(done.id, ProposedMemory::Goes)).unwrap();
    assert_eq!(count::<Provenance>(&store), 0, "it goes with what it supported");
    sound(&store);
}

#[test]
fn d13_an_approval_carries_what_the_proposal_knew() {
    let (_home, store) = new_store();
    let new = plain("a", "Ada is the clerk")
        .metadata(json(r#"{"entity_type": "person", "src": "memo", "page": 2}"#))
        .agent("scan")
        .document_name("doc_-1");
    let done = propose(&store, new);
    let correction = MemoryCorrection::new().metadata(json(r#"{"page": 3}"#)).importance(0.9);
    let id = approve(&store, done.id, &correction).unwrap();
    let found = memory(&store, id);
    let of = |name: &str| field(found.metadata.as_ref(), name);
    assert_eq!(
        (of("src"), of("entity_type"), of("page")),
        ("memo".into(), "person".into(), 3.into())
    );
    assert_eq!(of("expert_verified"), true);
    assert!(of("verified_at").as_str().unwrap().parse::<engraph::Timestamp>().is_ok());
    assert_eq!((found.confidence_score, found.importance_score), (Some(1.0), Some(0.9)));
    assert_eq!(
        (found.agent_id.as_deref(), found.document_id.as_deref()),
        (Some("scan"), Some("doc_-1"))
    );
    assert_eq!(found.memory_type, MemoryType::Entity);
    let row = proposal(&store, done.id);
    assert_eq!((row.status, row.memory), (MemoryProposalStatus::Approved, Some(id)));
    assert_eq!(row.confidence, Some(0.6), "the row says what was proposed");
    assert_eq!(field(row.metadata.as_ref(), "expert_verified"), serde_json::Value::Null);
}

#[test]
fn d14_flagged_proposals_are_listed() {
    let (_home, store) = new_store();
    let a = propose(&store, plain("a", "x")).id;
    let b = propose(&store, plain("b", "sealed")).id;
    let c = propose(&store, plain("c", "x").confidence(0.1)).id;
    let d = propose(&store, plain("d", "sealed").confidence(0.9)).id;
    let query = MemoryProposalQuery::new;
    for (asked, expected) in [
        (query(), vec![d, c, b, a]),
        (query().flagged(), vec![d, c, b]),
        (query().flag(Sensitive), vec![d, b]),
        (query().flag(LowConfidence), vec![c]),
        (query().flag(Conflict), vec![]),
        (query().status(MemoryProposalStatus::Pending), vec![c, b, a]),
        (query().status(MemoryProposalStatus::Pending).flag(Sensitive), vec![b]),
        (query().status(MemoryProposalStatus::Pending).limit(1), vec![c]),
        (query().flagged().offset(1).limit(1), vec![c]),
        (query().namespace("legal").limit(2), vec![d, c]),
        (query().namespace("other"), vec![]),
    ] {
        assert_eq!(listed(&store, &asked), expected, "{asked:?}");
    }
    let stats = store.read().unwrap().memories().proposal_stats().unwrap();
    assert_eq!((stats.total, stats.by_status["pending"], stats.by_status["approved"]), (4, 3, 1));
    assert_eq!((stats.flags["sensitive"], stats.flags["low_confidence"]), (2, 1));
}

#[test]
fn an_approval_makes_a_verified_term() {
    let (_home, store) = new_store();
    let approved = |new: NewMemoryProposal| {
        let id = propose(&store, new).id;
        let policy = ReviewPolicy::new().jurisdiction("UK");
        let correction = MemoryCorrection::new();
        let done = store.write(|tx| tx.memories().approve(id, &correction, &policy)).unwrap();
        let term = done.term.map(|term| {
            let term: KnowledgeTerm = store.read().unwrap().get(term).unwrap().unwrap();
            term
        });
        (id, term)
    };
    let content = r#"{"entity_id": "e-1", "text": " Smith v Jones ", "label": "case"}"#;
    let metadata = json(r#"{"entity_type": "case", "category": "x", "jurisdiction": "NZ"}"#);
    let (id, term) = approved(plain("a", content).metadata(metadata));
    let term = term.unwrap();
    assert_eq!((&*term.term, term.category.as_deref()), ("Smith v Jones", Some("Case")));
    assert_eq!((term.status, term.verified), (TermStatus::Verified, true));
    assert_eq!(term.verified_by.as_deref(), Some("expert_approval"));
    assert_eq!(term.source, Some(format!("memory_proposal:{}", id.key())));
    assert_eq!(term.jurisdiction.as_deref(), Some("NZ"));
    let (_, term) = approved(plain("b", "estoppel").metadata(json(r#"{"category": "concept"}"#)));
    let term = term.unwrap();
    assert_eq!((&*term.term, term.category.as_deref()), ("estoppel", Some("Concept")));
    assert_eq!(term.jurisdiction.as_deref(), Some("UK"));
    for (key, content) in [("long", "x ".repeat(200)), ("json", r#"{"a": 1}"#.into())] {
        assert_eq!(approved(plain(key, &content)).1.unwrap().term, key);
    }
}

#[test]
fn decisions_can_be_taken_again() {
    let (_home, store) = new_store();
    let id = propose(&store, plain("a", "x")).id;
    let stored = approve(&store, id, &MemoryCorrection::new());
    let seq = store.seq();
    let again = approve(&store, id, &MemoryCorrection::new().content("y"));
    assert_eq!((again, store.seq()), (stored, seq), "an approved one is left as it is");
    let rejected = store.write(|tx| tx.memories().reject(id)).unwrap();
    assert_eq!(rejected.status, MemoryProposalStatus::Rejected);
    assert!(rejected.approved_at.is_some() && rejected.rejected_at.is_some());
    assert_eq!(count::<Memory>(&store), 1, "what was stored stays");
    let again = approve(&store, id, &MemoryCorrection::new().content("y"));
    assert_eq!(again, stored, "it becomes the same memory again, not a second one");
    assert_eq!((count::<Memory>(&store), &*memory(&store, stored.unwrap()).content), (1, "y"));
    store.write(|tx| tx.memories().delete(stored.unwrap())).unwrap();
    store.write(|tx| tx.memories().reject(id)).unwrap();
    assert!(approve(&store, id, &MemoryCorrection::new()).is_some(), "a new one where it is gone");
    let gone = store.write(|tx| {
        tx.memories().delete_proposal(id, ProposedMemory::Stays)?;
        tx.memories().reject(id)
    });
    assert_eq!(fault(gone), "not_found");
    let gone = store.write(|tx| {
        tx.memories().delete_proposal(id, ProposedMemory::Stays)?;
        tx.memories().approve(id, &MemoryCorrection::new(), &ReviewPolicy::new())
    });
    assert_eq!(fault(gone), "not_found");
    sound(&store);
}

#[test]
fn a_proposal_is_changed_and_flagged_anew() {
    let (_home, store) = new_store();
    let id = propose(&store, plain("a", "sealed").metadata(json(r#"{"a": 1}"#))).id;
    let update = |content: Option<&str>, metadata| {
        store.write(|tx| tx.memories().update_proposal(id, content, metadata))
    };
    assert!(!update(None, None).unwrap());
    assert!(update(Some("open"), None).unwrap());
    let row = proposal(&store, id);
    assert_eq!((&*row.content, row.flags.unwrap().as_str()), ("open", "[]"));
    assert_eq!(row.metadata, Some(json(r#"{"a": 1}"#)));
    assert!(update(None, Some(json(r#"{"b": 2}"#))).unwrap());
    assert_eq!(proposal(&store, id).metadata, Some(json(r#"{"b": 2}"#)));
    assert_eq!(fault(update(Some(" "), None)), "invalid");
    assert_eq!(fault(update(None, Some(json("[]")))), "invalid");
}

#[test]
fn a_deleted_proposal_takes_its_memory_with_it_or_not() {
    let (_home, store) = new_store();
    for (memory, left) in [(ProposedMemory::Goes, 0), (ProposedMemory::Stays, 1)] {
        let done = propose(&store, plain("a", "x").confidence(1.0));
        let delete = || store.write(|tx| tx.memories().delete_proposal(done.id, memory));
        assert!(delete().unwrap());
        assert!(!delete().unwrap());
        assert_eq!((count::<MemoryProposal>(&store), count::<Memory>(&store)), (0, left));
    }
}

#[test]
fn a_proposal_that_breaks_a_rule_is_refused() {
    let (_home, store) = new_store();
    for bad in [
        plain("", "x"),
        plain("a", " "),
        plain("a", "x").confidence(1.1),
        plain("a", "x").importance(-0.1),
        plain("a", "x").metadata(json("1")),
    ] {
        let done = store.write(|tx| tx.memories().propose(bad, &ReviewPolicy::new()));
        assert_eq!(fault(done), "invalid");
    }
    // What import brought in whatever shape is listed.
    let odd = MemoryProposal {
        flags: Some(json(r#"{"no": "array"}"#)),
        metadata: Some(json("[1]")),
        status: MemoryProposalStatus::from("odd"),
        ..MemoryProposal::default()
    };
    let id = store.write(|tx| tx.insert(&odd)).unwrap();
    assert_eq!(listed(&store, &MemoryProposalQuery::new()), [id]);
    assert_eq!(listed(&store, &MemoryProposalQuery::new().flagged()), []);
    let stats = store.read().unwrap().memories().proposal_stats().unwrap();
    assert_eq!((stats.by_status["odd"], stats.flags.len()), (1, 0));
}

#[test]
fn a_memory_is_corrected() {
    let (_home, store) = new_store();
    let new = NewMemory::new("n", "k", "a").metadata(json(r#"{"a": 1, "b": 2}"#));
    let id = store.write(|tx| tx.memories().remember(new)).unwrap();
    let correction = MemoryCorrection::new()
        .content("b")
        .metadata(json(r#"{"b": 3}"#))
        .confidence(0.4)
        .importance(0.3);
    let found = store.write(|tx| tx.memories().correct(id, &correction)).unwrap();
    assert_eq!((&*found.content, found.metadata.clone()), ("b", Some(json(r#"{"a": 1, "b": 3}"#))));
    assert_eq!((found.confidence_score, found.importance_score), (Some(0.4), Some(0.3)));
    assert_eq!(memory(&store, id), found);
    let bad = MemoryCorrection::new().confidence(7.0);
    assert_eq!(fault(store.write(|tx| tx.memories().correct(id, &bad))), "invalid");
}

fn remember(store: &Store, key: &str, content: &str) -> NodeId {
    store.write(|tx| tx.memories().remember(NewMemory::new("notes", key, content))).unwrap()
}

#[test]
fn a_summary_names_what_it_is_made_of() {
    let (_home, store) = new_store();
    let a = remember(&store, "a", "The deadline moved to March. Lunch was good.");
    let b = remember(&store, "b", "The deadline of the reply is in March.");
    let summarize = |ids: &[NodeId], length| {
        store.write(|tx| tx.memories().summarize(ids, length, &Extractive))
    };
    let id = summarize(&[a, b, a], 15).unwrap();
    let found = memory(&store, id);
    assert_eq!(found.content, "The deadline moved to March.");
    assert_eq!((found.memory_type, &*found.namespace), (MemoryType::Summary, "notes"));
    assert_eq!(found.agent_id.as_deref(), Some("system_summarizer"));
    assert_eq!((found.importance_score, found.confidence_score), (Some(0.7), Some(0.9)));
    let ids = field(found.metadata.as_ref(), "original_record_ids");
    assert_eq!(ids, serde_json::json!([memory(&store, a).record_id, memory(&store, b).record_id]));
    assert_eq!(field(found.metadata.as_ref(), "target_length"), 15);
    let made_of = |id| {
        let around = store.read().unwrap().graph().neighbors(id, Direction::Out).unwrap();
        let of = around.into_iter().filter(|near| &*near.edge_type == "summarises");
        of.map(|near| near.node).collect::<Vec<_>>()
    };
    assert_eq!(made_of(id), [a, b]);
    let seq = store.seq();
    assert_eq!(summarize(&[a, b], 15).unwrap(), id, "the same again is no second summary");
    assert_eq!(store.seq(), seq);
    let longer = summarize(&[a, b], 100).unwrap();
    assert_eq!((memory(&store, longer).supersedes, made_of(longer)), (Some(id), vec![a, b]));
    assert_eq!(memory(&store, a).retired_at, None, "what is summed up stays");
    assert_eq!(fault(summarize(&[], 10)), "invalid");
    assert_eq!(fault(summarize(&[a], 0)), "invalid");
    let plain = store.write(|tx| tx.memories().summarize(&[b, a], 8, &Concatenation)).unwrap();
    assert_eq!(memory(&store, plain).content, "The deadline of ");
    sound(&store);
}

#[test]
fn another_summarizer_can_be_brought() {
    struct Count;
    impl Summarizer for Count {
        fn name(&self) -> &'static str {
            "count"
        }
        fn summarize(&self, texts: &[&str], _characters_max: usize) -> Result<String> {
            match texts.len() {
                1 => Err(engraph::Error::invalid("texts", "one needs no summary")),
                count => Ok(format!("{count} texts")),
            }
        }
    }
    let (_home, store) = new_store();
    let ids = [remember(&store, "a", "x"), remember(&store, "b", "y")];
    let id = store.write(|tx| tx.memories().summarize(&ids, 99, &Count)).unwrap();
    assert_eq!(memory(&store, id).content, "2 texts");
    assert_eq!(fault(store.write(|tx| tx.memories().summarize(&ids[..1], 99, &Count))), "invalid");
}

#[test]
fn memories_that_say_alike_are_grouped_and_summed_up() {
    let (_home, store) = new_store();
    let first = remember(&store, "a", "The reply to the motion is due on 14 March");
    let lunch = remember(&store, "b", "Lunch is at noon");
    let second = remember(&store, "c", "The reply to the motion is due on 21 March");
    let near = |key: &str, values: &[f32]| {
        let new = NewMemory::new("vectors", key, key).embedding(values);
        store.write(|tx| tx.memories().remember(new)).unwrap()
    };
    let [north, east, other] =
        [near("d", &[1.0, 0.0]), near("e", &[0.0, 1.0]), near("f", &[0.9, 0.1])];
    let groups = |grouping: MemoryGrouping| {
        let tx = store.read().unwrap();
        tx.memories().groups(&MemoryQuery::new(), &grouping).unwrap()
    };
    assert_eq!(groups(MemoryGrouping::new()), [vec![first, second], vec![north, other]]);
    assert_eq!(groups(MemoryGrouping::new().words_min(0.95)), [vec![north, other]]);
    assert_eq!(
        groups(MemoryGrouping::new().vectors_min(-1.0)),
        [vec![first, second], vec![north, east, other]]
    );
    assert_eq!(groups(MemoryGrouping::new().size_min(3)), [] as [Vec<NodeId>; 0]);
    assert_eq!(groups(MemoryGrouping::new().size_min(0)).concat().len(), 6);
    let consolidate = || {
        store.write(|tx| {
            let query = MemoryQuery::new().namespace("notes");
            tx.memories().consolidate(&query, &MemoryGrouping::new(), 100, &Extractive)
        })
    };
    let made = consolidate().unwrap();
    assert_eq!(made.len(), 1);
    let text = memory(&store, made[0]).content;
    assert!(text.contains("14 March") && text.contains("21 March") && !text.contains("Lunch"));
    assert_eq!(consolidate().unwrap(), made, "summaries are not summed up");
    assert!(!groups(MemoryGrouping::new()).concat().contains(&lunch));
}
