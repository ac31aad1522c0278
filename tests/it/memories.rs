//! Memories: what each call does, refuses and lists.

use std::sync::Arc;
use std::time::Duration;

use engraph::family::{
    Basis, MemoryPlace, MemoryPolicy, MemoryQuery, NewCodeLink, NewMemory, OnNear, OnSameKey,
    Remembered, Written,
};
use engraph::graph::Direction;
use engraph::record::{
    Document, IndexedFile, Memory, MemoryCodeLink, MemoryProposal, MemorySharing, MemoryType,
    Record,
};
use engraph::{Json, ManualClock, NodeId, Store, Timestamp};

use crate::check::{fault, sound};
use crate::workload::new_store;

fn json(text: &str) -> Json {
    Json::from_text(text).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_771_057_082_000_000 + seconds * 1_000_000)
}

/// A store whose clock stands at `at(0)`.
fn clocked() -> (tempfile::TempDir, Store, Arc<ManualClock>) {
    let home = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(at(0)));
    let store = Store::builder().clock(Arc::clone(&clock)).create(home.path().join("s")).unwrap();
    (home, store, clock)
}

fn due(content: &str) -> NewMemory {
    NewMemory::new("case-7", "deadline", content)
}

fn note(key: &str, content: &str) -> NewMemory {
    NewMemory::new("notes", key, content)
}

fn remember(store: &Store, new: NewMemory) -> NodeId {
    store.write(|tx| tx.memories().remember(new)).unwrap()
}

fn remember_as(store: &Store, new: NewMemory, policy: MemoryPolicy) -> Remembered {
    store.write(|tx| tx.memories().remember_as(new, &policy)).unwrap()
}

fn get(store: &Store, id: NodeId) -> Memory {
    store.read().unwrap().memories().get(id).unwrap().unwrap()
}

fn listed(store: &Store, query: &MemoryQuery) -> Vec<NodeId> {
    let found = store.read().unwrap().memories().list(query).unwrap();
    found.into_iter().map(|(id, _)| id).collect()
}

fn count<T: Record>(store: &Store) -> usize {
    store.read().unwrap().iter::<T>().unwrap().count()
}

fn chain(store: &Store, id: NodeId) -> Vec<NodeId> {
    let found = store.read().unwrap().memories().chain(id).unwrap();
    found.into_iter().map(|(id, _)| id).collect()
}

fn edges(store: &Store, id: NodeId, edge_type: &str) -> Vec<(NodeId, f32)> {
    let around = store.read().unwrap().graph().neighbors(id, Direction::Out).unwrap();
    let of_type = around.into_iter().filter(|near| &*near.edge_type == edge_type);
    of_type.map(|near| (near.node, near.weight)).collect()
}

#[test]
fn a_memory_is_remembered_with_all_that_is_said() {
    let (_home, store, _clock) = clocked();
    let memo = store.write(|tx| tx.insert(&Document::default())).unwrap();
    let new = due("The reply is due on 14 March")
        .memory_type(MemoryType::Semantic)
        .agent("clerk")
        .session("talk-1")
        .document(memo)
        .document_name("doc_-17")
        .tag(" urgent ")
        .tag("court")
        .tag("urgent")
        .metadata(json(r#"{"a": 1}"#))
        .importance(0.8)
        .confidence(0.9)
        .valid_from(at(-10))
        .valid_to(at(10))
        .time_to_live(Duration::from_secs(60))
        .pinned()
        .span(memo, 4, 9)
        .embedding(&[0.6, 0.8]);
    let id = remember(&store, new);
    let found = get(&store, id);
    assert_eq!(found.record_id.len(), 36);
    assert_eq!(found.tags, ["court", "urgent"]);
    assert_eq!((found.importance_score, found.confidence_score), (Some(0.8), Some(0.9)));
    assert_eq!((found.valid_from, found.valid_to), (Some(at(-10)), Some(at(10))));
    assert!(found.expires_at > Some(at(59)) && found.expires_at < Some(at(61)));
    assert_eq!(
        (found.agent_id.as_deref(), found.session_id.as_deref()),
        (Some("clerk"), Some("talk-1"))
    );
    assert_eq!((found.document, found.spans[0].source), (Some(memo), memo));
    assert!(found.pinned && found.created_at.is_some() && found.created_at == found.updated_at);
    let tx = store.read().unwrap();
    assert_eq!(tx.get_vector(id, "memory").unwrap(), Some(vec![0.6, 0.8]));
    assert_eq!(tx.memories().find(&found.record_id).unwrap().unwrap().0, id);
    assert_eq!(tx.memories().current("case-7", "deadline").unwrap().unwrap().0, id);
    assert_eq!(edges(&store, id, "taken_from"), [(memo, 1.0)]);
    sound(&store);
}

#[test]
fn what_is_not_said_is_as_in_the_old_application() {
    let (_home, store) = new_store();
    let found = get(&store, remember(&store, due("x")));
    assert_eq!((found.importance_score, found.confidence_score), (Some(1.0), Some(1.0)));
    assert_eq!((found.memory_type, found.access_count), (MemoryType::Agent, 0));
}

#[test]
fn a_memory_that_breaks_a_rule_is_refused() {
    let (_home, store, _clock) = clocked();
    let gone = store.write(|tx| {
        let id = tx.insert(&Document::default())?;
        tx.delete(id)?;
        Ok(id)
    });
    let gone = gone.unwrap();
    let long = "x".repeat(401);
    for (bad, kind) in [
        (NewMemory::new(" ", "k", "c"), "invalid"),
        (NewMemory::new("n", "", "c"), "invalid"),
        (NewMemory::new("n", "k", "\n"), "invalid"),
        (due("c").importance(1.5), "invalid"),
        (due("c").confidence(f64::NAN), "invalid"),
        (due("c").metadata(json("[]")), "invalid"),
        (due("c").agent(" "), "invalid"),
        (due("c").session(""), "invalid"),
        (due("c").valid_from(at(1)).valid_to(at(1)), "invalid"),
        (due("c").expires_at(at(0)), "invalid"),
        (due("c").time_to_live(Duration::ZERO), "invalid"),
        (due("c").span(gone, 4, 4), "invalid"),
        (due("c").embedding(&[]), "invalid"),
        (due("c").embedding(&[f32::NAN]), "invalid"),
        (due("c").span(gone, 4, 9), "not_found"),
        (due("c").document(gone), "not_found"),
        (NewMemory::new(&*long, "k", "c"), "limit"),
        (NewMemory::new("n", &*long, "c"), "limit"),
        (due("c").tag(&*long), "limit"),
        (due(&"x".repeat((4 << 20) + 1)), "limit"),
        ((0..257).fold(due("c"), |new, tag| new.tag(tag.to_string())), "limit"),
    ] {
        assert_eq!(fault(store.write(|tx| tx.memories().remember(bad.clone()))), kind, "{bad:?}");
    }
    let low = MemoryPolicy::new().near_min(0.4);
    assert_eq!(fault(store.write(|tx| tx.memories().remember_as(due("c"), &low))), "invalid");
    assert_eq!(count::<Memory>(&store), 0);
    let long = "\u{e9}".repeat(400);
    remember(&store, NewMemory::new(&*long, &*long, "c"));
    assert_eq!(store.read().unwrap().memories().with_key(&long, &long).unwrap().len(), 1);
}

#[test]
fn a_newer_memory_of_the_same_key_supersedes_the_older_one() {
    let (home, store, clock) = clocked();
    let first = remember(&store, due("14 March").valid_from(at(-5)));
    clock.advance(Duration::from_secs(10));
    let second = remember(&store, due("21 March").valid_from(at(5)));
    clock.advance(Duration::from_secs(10));
    let third = remember(&store, due("28 March"));
    assert_eq!(get(&store, second).supersedes, Some(first));
    let old = get(&store, first);
    assert_eq!(old.valid_to, Some(at(5)), "true until the newer one was");
    assert!(old.retired_at.is_some_and(|time| time >= at(10) && time < at(11)));
    assert_eq!(get(&store, second).valid_to, None, "nobody said until when");
    assert_eq!(listed(&store, &MemoryQuery::new()), [third]);
    assert_eq!(listed(&store, &MemoryQuery::new().with_retired()), [third, second, first]);
    for id in [first, second, third] {
        assert_eq!(chain(&store, id), [first, second, third]);
    }
    assert_eq!(edges(&store, third, "supersedes"), [(second, 1.0)]);
    // Each has its key, and the present one is found by it.
    let tx = store.read().unwrap();
    assert_eq!(tx.memories().current("case-7", "deadline").unwrap().unwrap().0, third);
    assert_eq!(tx.memories().with_key("case-7", "deadline").unwrap().len(), 3);
    drop(tx);
    sound(&store);
    drop((store, home));
}

#[test]
fn the_same_again_is_no_new_memory() {
    let (_home, store) = new_store();
    let policy = MemoryPolicy::new;
    let first = remember_as(&store, due("14 March").tag("a"), policy());
    assert_eq!((first.written, first.near), (Written::Added, vec![]));
    let seq = store.seq();
    let again = remember_as(&store, due("14 March"), policy());
    assert_eq!((again.id, again.written), (first.id, Written::Unchanged));
    assert_eq!(store.seq(), seq, "nothing was written");
    let more = remember_as(&store, due("14 March").importance(0.5), policy());
    assert_eq!((more.id, more.written), (first.id, Written::Updated));
    let found = get(&store, first.id);
    assert_eq!((found.importance_score, &*found.tags), (Some(0.5), &["a".to_owned()][..]));
}

#[test]
fn agents_do_not_supersede_each_other() {
    let (_home, store) = new_store();
    let ada = remember(&store, due("14 March").agent("ada"));
    let bob = remember(&store, due("21 March").agent("bob"));
    let none = remember(&store, due("28 March"));
    assert_eq!(listed(&store, &MemoryQuery::new()), [none, bob, ada]);
    assert_eq!(listed(&store, &MemoryQuery::new().agent("ada")), [ada]);
}

#[test]
fn an_update_keeps_the_record_and_its_history() {
    let (_home, store) = new_store();
    let update = || MemoryPolicy::new().on_same_key(OnSameKey::Update);
    let first = remember_as(&store, due("14 March").tag("a").session("s"), update());
    let before = get(&store, first.id);
    let again = remember_as(&store, due("21 March").tag("b"), update());
    assert_eq!((again.id, again.written), (first.id, Written::Updated));
    let found = get(&store, first.id);
    assert_eq!((&*found.content, &*found.tags), ("21 March", &["b".to_owned()][..]));
    assert_eq!((&found.record_id, found.created_at), (&before.record_id, before.created_at));
    assert_eq!(found.session_id.as_deref(), Some("s"), "what is not said stays");
    let history = store.read().unwrap().memories().history(first.id).unwrap();
    let contents: Vec<_> =
        history.iter().map(|version| &*version.value.as_ref().unwrap().content).collect();
    assert_eq!(contents, ["14 March", "21 March"]);
    assert!(history[0].seq < history[1].seq && history[0].time < history[1].time);
    let other = due("28 March").record_id("m-9");
    let done = store.write(|tx| tx.memories().remember_as(other, &update()));
    assert_eq!(fault(done), "conflict");
}

#[test]
fn memories_of_one_key_can_be_added() {
    let (_home, store) = new_store();
    let add = || MemoryPolicy::new().on_same_key(OnSameKey::Add);
    let ids = [0, 1].map(|_| remember_as(&store, due("14 March"), add()).id);
    assert_ne!(ids[0], ids[1]);
    assert_ne!(get(&store, ids[0]).record_id, get(&store, ids[1]).record_id);
    // Also in one write.
    let twice = store.write(|tx| {
        let mut one = || tx.memories().remember_as(due("14 March"), &add()).map(|done| done.id);
        Ok([one()?, one()?])
    });
    let [one, other] = twice.unwrap();
    assert_ne!(get(&store, one).record_id, get(&store, other).record_id);
    assert_eq!(count::<Memory>(&store), 4);
}

#[test]
fn a_record_id_is_taken_once() {
    let (_home, store) = new_store();
    let id = remember(&store, due("a").record_id("m-1"));
    assert_eq!(store.read().unwrap().memories().find("m-1").unwrap().unwrap().0, id);
    let again = note("k", "b").record_id("m-1");
    assert_eq!(fault(store.write(|tx| tx.memories().remember(again))), "already_exists");
}

#[test]
fn put_replaces_the_whole_row_by_its_record_id() {
    let (_home, store) = new_store();
    let id = remember(&store, due("a").record_id("m-1").tag("t").agent("ada"));
    let row = Memory {
        record_id: "m-1".into(),
        namespace: "n".into(),
        key: "k".into(),
        content: "b".into(),
        memory_type: MemoryType::from("odd"),
        expires_at: Some(at(-5)),
        ..Memory::default()
    };
    let created = get(&store, id).created_at;
    assert_eq!(store.write(|tx| tx.memories().put(&row)).unwrap(), id);
    let found = get(&store, id);
    let expected = Memory { created_at: created, updated_at: found.updated_at, ..row.clone() };
    assert_eq!(found, expected);
    // Without an id it is a new row, whatever has its key.
    let nameless = Memory { record_id: String::new(), ..row };
    let other = store.write(|tx| tx.memories().put(&nameless)).unwrap();
    assert_ne!(other, id);
    assert_eq!(get(&store, other).record_id.len(), 36);
    let bad = Memory { content: String::new(), ..nameless };
    assert_eq!(fault(store.write(|tx| tx.memories().put(&bad))), "invalid");
}

#[test]
fn a_change_takes_the_vectors_of_the_old_content_with_it() {
    let (_home, store) = new_store();
    let id = remember(&store, due("a").embedding(&[1.0, 0.0]));
    store.write(|tx| tx.put_vector(id, "mini", &[0.6, 0.8])).unwrap();
    let update = |change: &dyn Fn(&mut Memory)| {
        store.write(|tx| {
            tx.memories().update(id, |memory| {
                change(memory);
                Ok(())
            })
        })
    };
    update(&|memory| memory.importance_score = Some(0.1)).unwrap();
    let tx = store.read().unwrap();
    assert!(tx.get_vector(id, "mini").unwrap().is_some());
    assert!(tx.get_vector(id, "memory").unwrap().is_some());
    let changed = update(&|memory| memory.content = "b".into()).unwrap();
    assert_eq!(changed.embedding, None);
    assert!(changed.updated_at > changed.created_at);
    let tx = store.read().unwrap();
    assert_eq!(tx.get_vector(id, "mini").unwrap(), None);
    assert_eq!(tx.get_vector(id, "memory").unwrap(), None);
    assert_eq!(fault(update(&|memory| memory.record_id = "x".into())), "invalid");
    assert_eq!(fault(update(&|memory| memory.key = String::new())), "invalid");
    let seq = store.seq();
    update(&|_| ()).unwrap();
    assert_eq!(store.seq(), seq, "no change, no write");
    let absent = store.write(|tx| {
        let id = tx.memories().remember(note("x", "y"))?;
        tx.memories().delete(id)?;
        tx.memories().update(id, |_| Ok(()))
    });
    assert_eq!(fault(absent), "not_found");
}

#[test]
fn d11_what_belongs_to_a_memory_goes_with_it() {
    let (_home, store) = new_store();
    let [first, second, third] = ["a", "b", "c"].map(|content| remember(&store, due(content)));
    let taken = remember(&store, note("k", "v").span(second, 0, 1));
    let proposal = store
        .write(|tx| {
            tx.memories().link_file(second, NewCodeLink::new("src/a.rs"))?;
            tx.memories().link_file(first, NewCodeLink::new("src/a.rs"))?;
            tx.memories().share(second, "bob", None)?;
            tx.put_vector(second, "mini", &[0.6, 0.8])?;
            tx.link(second, "about", taken)?;
            let stored_record_id = Some("kept".to_owned());
            tx.insert(&MemoryProposal {
                memory: Some(second),
                stored_record_id,
                ..Default::default()
            })
        })
        .unwrap();
    assert!(store.write(|tx| tx.memories().delete(second)).unwrap());
    assert!(!store.write(|tx| tx.memories().delete(second)).unwrap());
    assert_eq!((count::<MemoryCodeLink>(&store), count::<MemorySharing>(&store)), (1, 0));
    let tx = store.read().unwrap();
    assert_eq!(tx.get_vector(second, "mini").unwrap(), None);
    let proposal: MemoryProposal = tx.get(proposal).unwrap().unwrap();
    assert_eq!((proposal.memory, proposal.stored_record_id.as_deref()), (None, Some("kept")));
    assert_eq!(get(&store, taken).spans, []);
    assert_eq!(chain(&store, third), [first, third], "the chain closes over the gap");
    sound(&store);
    let report = store.verify().unwrap();
    assert_eq!(report.problems, [], "nothing points to it");
    let document = store.write(|tx| tx.insert(&Document::default())).unwrap();
    assert_eq!(fault(store.write(|tx| tx.memories().delete(document))), "invalid");
    assert_eq!(store.write(|tx| tx.memories().delete_many(&[first, second, third])).unwrap(), 2);
}

#[test]
fn an_expired_memory_is_not_listed() {
    let (_home, store, clock) = clocked();
    let soon = remember(&store, due("a").time_to_live(Duration::from_secs(5)));
    let late = remember(&store, note("k", "b"));
    assert_eq!(listed(&store, &MemoryQuery::new()), [late, soon]);
    clock.advance(Duration::from_secs(6));
    assert_eq!(listed(&store, &MemoryQuery::new()), [late]);
    assert_eq!(listed(&store, &MemoryQuery::new().with_expired()), [late, soon]);
    // Its key is free again, and it is no link of the chain.
    let next = remember(&store, due("c"));
    assert_eq!(chain(&store, next), [next]);
    let stats = store.read().unwrap().memories().stats().unwrap();
    assert_eq!((stats.memories, stats.present, stats.expired), (3, 2, 1));
}

#[test]
fn a_list_has_what_the_query_says_newest_first() {
    let (_home, store, clock) = clocked();
    let new = |new: NewMemory| {
        clock.advance(Duration::from_secs(1));
        remember(&store, new)
    };
    let a =
        new(note("a", "1").memory_type(MemoryType::Episodic).agent("ada").session("s1").tag("x"));
    let b = new(note("b", "2").memory_type("semantic").agent("bob").session("s1").tag("y"));
    let c = new(NewMemory::new("other", "c", "3").agent("ada").tag("x"));
    let d = new(note("d", "4").valid_from(at(100)).session("s2"));
    let query = MemoryQuery::new;
    for (asked, expected) in [
        (query(), vec![d, c, b, a]),
        (query().namespace("notes"), vec![d, b, a]),
        (query().namespace("notes").agent("ada"), vec![a]),
        (query().agent("ada"), vec![c, a]),
        (query().memory_type("semantic"), vec![b]),
        (query().memory_type(MemoryType::Agent), vec![d, c]),
        (query().session("s1"), vec![b, a]),
        (query().namespace("notes").session("s1"), vec![b, a]),
        (query().namespace("other").session("s1"), vec![]),
        (query().tag("x"), vec![c, a]),
        (query().tag("x").tag("y"), vec![c, b, a]),
        (query().updated_after(at(3)), vec![d, c]),
        (query().updated_before(at(2)), vec![b, a]),
        (query().created_after(at(2)).created_before(at(3)), vec![c, b]),
        (query().valid_at(at(50)), vec![c, b, a]),
        (query().valid_at(at(100)), vec![d, c, b, a]),
        (query().limit(2), vec![d, c]),
        (query().offset(1).limit(2), vec![c, b]),
        (query().limit(0), vec![]),
    ] {
        assert_eq!(listed(&store, &asked), expected, "{asked:?}");
        let all = asked.clone().limit(usize::MAX);
        let counted = store.read().unwrap().memories().count(&asked).unwrap();
        assert_eq!(counted, listed(&store, &all).len(), "{asked:?}");
    }
    store
        .write(|tx| {
            tx.memories().update(a, |memory| {
                memory.importance_score = Some(0.2);
                Ok(())
            })
        })
        .unwrap();
    assert_eq!(listed(&store, &query())[0], a, "what changed last comes first");
}

#[test]
fn pages_follow_each_other_by_place() {
    let (_home, store) = new_store();
    let ids: Vec<NodeId> = store
        .write(|tx| {
            let new = (0..23).map(|number| {
                note(&number.to_string(), "x").agent(if number % 2 == 0 { "ada" } else { "bob" })
            });
            tx.memories().remember_many(new.collect())
        })
        .unwrap();
    for query in [
        MemoryQuery::new(),
        MemoryQuery::new().namespace("notes"),
        MemoryQuery::new().agent("ada"),
        MemoryQuery::new().memory_type("agent"),
    ] {
        let whole = listed(&store, &query.clone().limit(usize::MAX));
        let (mut paged, mut page) = (Vec::new(), query.clone().limit(4));
        loop {
            let found = store.read().unwrap().memories().list(&page).unwrap();
            let Some((id, last)) = found.last() else { break };
            page = page.after(MemoryPlace::of(*id, last));
            paged.extend(found.iter().map(|(id, _)| *id));
        }
        assert_eq!(paged, whole);
    }
    assert_eq!(listed(&store, &MemoryQuery::new()).len(), ids.len());
}

#[test]
fn the_past_is_read_as_it_was_known() {
    let (_home, store, clock) = clocked();
    let first = remember(&store, due("14 March"));
    clock.advance(Duration::from_secs(10));
    let second = remember(&store, due("21 March"));
    let gone = remember(&store, note("k", "v"));
    clock.advance(Duration::from_secs(10));
    store.write(|tx| tx.memories().delete(gone)).unwrap();
    let known = |time: Timestamp| {
        let tx = store.read().unwrap();
        let found = tx.memories().list_at(time, &MemoryQuery::new()).unwrap();
        found.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(known(at(-1)), []);
    assert_eq!(known(at(5)), [first], "nothing that was learnt later");
    assert_eq!(known(at(15)), [gone, second]);
    assert_eq!(known(at(25)), [second]);
    let tx = store.read().unwrap();
    assert_eq!(tx.memories().get_at(first, at(5)).unwrap().unwrap().retired_at, None);
    assert!(tx.memories().get_at(first, at(15)).unwrap().unwrap().retired_at.is_some());
    assert_eq!(tx.memories().get_at(gone, at(25)).unwrap(), None);
    let history = tx.memories().history(gone).unwrap();
    let values: Vec<_> = history.iter().map(|version| version.value.is_some()).collect();
    assert_eq!(values, [true, false]);
}

#[test]
fn use_is_noted_when_it_is_told() {
    let (_home, store, clock) = clocked();
    let id = remember(&store, due("a"));
    store.read().unwrap().memories().get(id).unwrap();
    assert_eq!(get(&store, id).access_count, 0, "reading changes nothing");
    clock.advance(Duration::from_secs(10));
    store.write(|tx| tx.memories().touch(&[id, id])).unwrap();
    let found = get(&store, id);
    assert_eq!(found.access_count, 2);
    assert!(found.last_accessed_at >= Some(at(10)) && found.updated_at < Some(at(1)));
    let absent = store.write(|tx| {
        tx.memories().delete(id)?;
        tx.memories().touch(&[id])
    });
    assert_eq!(fault(absent), "not_found");
}

#[test]
fn near_duplicates_are_kept_linked_or_merged() {
    let (_home, store) = new_store();
    let said = "The reply is due on 14 March at the registry of the court";
    let again = "the reply is due on 14 march, at the registry of the court!";
    let later = "The reply is due on 21 March at the registry of the court";
    let policy = |on_near| MemoryPolicy::new().on_near(on_near);
    let first =
        remember_as(&store, note("a", said).tag("x").importance(0.2), policy(OnNear::Link)).id;
    let kept = remember_as(&store, note("b", again), policy(OnNear::Keep));
    assert_eq!((kept.written, &*kept.near), (Written::Added, &[][..]));
    let linked = remember_as(&store, note("c", again), policy(OnNear::Link));
    assert_eq!(linked.near, [(first, 1.0)], "what was kept without looking is not looked at");
    assert_eq!(edges(&store, linked.id, "near_duplicate"), [(first, 1.0)]);
    let merged =
        remember_as(&store, note("d", again).tag("y").importance(0.7), policy(OnNear::Merge));
    assert_eq!((merged.written, merged.id), (Written::Merged, first));
    let found = get(&store, first);
    assert_eq!((&*found.content, found.access_count), (said, 1));
    assert_eq!((found.importance_score, found.tags.len()), (Some(0.7), 2));
    // Another number is another fact, however alike the rest is.
    let other = remember_as(&store, note("e", later), policy(OnNear::Merge).near_min(0.6));
    assert_eq!(other.written, Written::Added);
    assert_eq!(other.near.len(), 2);
    // Other namespaces and agents are not looked at.
    let far = NewMemory::new("far", "a", said);
    assert_eq!(remember_as(&store, far, policy(OnNear::Merge)).written, Written::Added);
    let bobs = note("f", said).agent("bob");
    assert_eq!(remember_as(&store, bobs, policy(OnNear::Merge)).written, Written::Added);
    let pairs = store.read().unwrap().memories().near_pairs(&MemoryQuery::new(), 0.9).unwrap();
    assert!(pairs.iter().any(|(a, b, share)| (*a, *b) == (first, kept.id) && *share > 0.99));
    assert!(pairs.iter().all(|(a, b, _)| a < b));
    sound(&store);
}

#[test]
fn one_memory_can_be_told_to_supersede_another() {
    let (_home, store) = new_store();
    let [a, b, c] = ["a", "b", "c"].map(|key| remember(&store, note(key, key)));
    let supersede = |older, newer| store.write(|tx| tx.memories().supersede(older, newer));
    supersede(a, b).unwrap();
    supersede(a, b).unwrap();
    assert!(get(&store, a).retired_at.is_some());
    assert_eq!(fault(supersede(a, a)), "conflict");
    assert_eq!(fault(supersede(b, a)), "conflict");
    assert_eq!(fault(supersede(a, c)), "conflict");
    assert_eq!(fault(supersede(c, b)), "conflict");
    supersede(b, c).unwrap();
    assert_eq!(fault(supersede(c, a)), "conflict", "no circles");
    assert_eq!(chain(&store, b), [a, b, c]);
    assert!(store.write(|tx| tx.memories().reinstate(b)).unwrap());
    assert!(!store.write(|tx| tx.memories().reinstate(b)).unwrap());
    assert_eq!((chain(&store, b), chain(&store, c)), (vec![a, b], vec![c]));
    assert!(store.write(|tx| tx.memories().retire(c)).unwrap());
    assert!(!store.write(|tx| tx.memories().retire(c)).unwrap());
    assert_eq!(listed(&store, &MemoryQuery::new()), [b]);
    sound(&store);
}

#[test]
fn what_seems_out_of_date_is_suggested_and_nothing_is_done() {
    let (_home, store, clock) = clocked();
    let new = |new: NewMemory| {
        clock.advance(Duration::from_secs(1));
        remember_as(&store, new, MemoryPolicy::new().on_same_key(OnSameKey::Add)).id
    };
    let old = new(note("a", "The reply is due on 14 March"));
    let mid = new(note("b", "The reply is due on 18 March"));
    let newest = new(note("c", "The reply is due on 21 March"));
    new(note("d", "The registry opens at nine in the morning"));
    let fact = |object: &str| {
        format!(r#"{{"subject": "Ada", "predicate": "lives in", "object": "{object}"}}"#)
    };
    let paris = new(note("e", &fact("Paris")));
    let rome = new(note("f", &fact("Rome")));
    let tea = new(note("drink", "tea, please"));
    let milk = new(note("drink", "milk"));
    new(NewMemory::new("other", "g", "The reply is due on 28 March"));
    new(note("h", "The reply is due on 28 March").agent("bob"));
    let seq = store.seq();
    let outdated = || store.read().unwrap().memories().outdated(&MemoryQuery::new()).unwrap();
    let pairs: Vec<_> =
        outdated().iter().map(|pair| (pair.older, pair.newer, pair.basis)).collect();
    assert_eq!(
        pairs,
        [
            (old, newest, Basis::Frame),
            (mid, newest, Basis::Frame),
            (paris, rome, Basis::Fact),
            (tea, milk, Basis::Key),
        ]
    );
    let first = &outdated()[0];
    assert_eq!(
        (&*first.subject, &*first.before, &*first.after),
        ("the reply is due on", "14", "21")
    );
    assert_eq!(store.seq(), seq, "nothing is done");
    store.write(|tx| tx.memories().keep_both(tea, milk)).unwrap();
    store.write(|tx| tx.memories().supersede(paris, rome)).unwrap();
    let pairs: Vec<_> = outdated().iter().map(|pair| pair.older).collect();
    assert_eq!(pairs, [old, mid]);
}

#[test]
fn files_are_linked_once_a_path_and_relation() {
    let (_home, store, clock) = clocked();
    let [a, b] = ["a", "b"].map(|key| remember(&store, note(key, key)));
    let file = store.write(|tx| tx.insert(&IndexedFile::default())).unwrap();
    let link = |id, new: NewCodeLink| {
        clock.advance(Duration::from_secs(1));
        store.write(|tx| tx.memories().link_file(id, new))
    };
    let first = link(a, NewCodeLink::new("src/a.rs").confidence(0.5).file(file)).unwrap();
    let second = link(a, NewCodeLink::new("src/b.rs").relation("tests").source("ada")).unwrap();
    let other = link(b, NewCodeLink::new("src/a.rs").confidence(0.9)).unwrap();
    let before: MemoryCodeLink = store.read().unwrap().get(first).unwrap().unwrap();
    assert_eq!((&*before.relation_type, before.source.as_deref()), ("references", Some("system")));
    assert_eq!(edges(&store, a, "references").len(), 1);
    assert_eq!(link(a, NewCodeLink::new("src/a.rs").confidence(0.6).file(file)).unwrap(), first);
    let after: MemoryCodeLink = store.read().unwrap().get(first).unwrap().unwrap();
    assert!(after.created_at > before.created_at && after.confidence == Some(0.6));
    let tx = store.read().unwrap();
    let files: Vec<_> =
        tx.memories().files_of(a, 100).unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(files, [second, first], "the surest first");
    let about: Vec<_> =
        tx.memories().about_file("src/a.rs", 100).unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(about, [b, a]);
    assert_eq!(tx.memories().about_file("src/a.rs", 1).unwrap().len(), 1);
    assert_eq!(tx.memories().about_file("src/c.rs", 1).unwrap().len(), 0);
    for (bad, kind) in [
        (NewCodeLink::new(" "), "invalid"),
        (NewCodeLink::new("x").relation(""), "invalid"),
        (NewCodeLink::new("x").confidence(2.0), "invalid"),
        (NewCodeLink::new("x").file(a), "not_found"),
    ] {
        assert_eq!(fault(link(a, bad)), kind);
    }
    assert_eq!(fault(link(file, NewCodeLink::new("x"))), "not_found");
    assert!(store.write(|tx| tx.memories().unlink_file(other)).unwrap());
    assert!(!store.write(|tx| tx.memories().unlink_file(other)).unwrap());
    assert_eq!(fault(store.write(|tx| tx.memories().unlink_file(a))), "invalid");
}

#[test]
fn memories_are_shared_with_agents_by_relevance() {
    let (_home, store) = new_store();
    let [a, b] = ["a", "b"].map(|key| remember(&store, note(key, key).agent("ada")));
    let share = |id, agent: &str, relevance| {
        let agent = agent.to_owned();
        store.write(|tx| tx.memories().share(id, &agent, relevance))
    };
    let first = share(a, "bob", Some(0.3)).unwrap();
    share(b, "bob", Some(0.6)).unwrap();
    share(a, "eve", None).unwrap();
    let seen = |agent: &str| {
        let found = store.read().unwrap().memories().shared_with(agent, 10).unwrap();
        found.into_iter().map(|shared| shared.id).collect::<Vec<_>>()
    };
    assert_eq!((seen("bob"), seen("eve"), seen("ada")), (vec![b, a], vec![a], vec![]));
    assert_eq!(share(a, "bob", Some(0.9)).unwrap(), first, "shown anew");
    assert_eq!(seen("bob"), [a, b]);
    assert_eq!(store.read().unwrap().memories().shares_of(a).unwrap().len(), 2);
    assert_eq!(fault(share(a, "ada", None)), "conflict");
    assert_eq!(fault(share(a, " ", None)), "invalid");
    assert_eq!(fault(share(a, "bob", Some(-0.1))), "invalid");
    store.write(|tx| tx.memories().retire(a)).unwrap();
    assert_eq!(seen("bob"), [b], "what is out of date is not shown");
    assert!(store.write(|tx| tx.memories().unshare(b, "bob")).unwrap());
    assert!(!store.write(|tx| tx.memories().unshare(b, "bob")).unwrap());
    // What others know, shared or not.
    remember(&store, note("c", "c"));
    let others = |agent: &str| {
        let found = store.read().unwrap().memories().of_others(agent, 20).unwrap();
        found.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!((others("bob"), others("ada")), (vec![b], vec![]));
}

#[test]
fn memories_go_out_as_json_and_come_back() {
    let (_home, store) = new_store();
    let first = remember(&store, due("14 March").tag("x").metadata(json(r#"{"a": [1]}"#)));
    let second = remember(&store, due("21 \"March\"\n").memory_type("odd").session("s").pinned());
    let query = MemoryQuery::new().with_retired();
    let mut out = Vec::new();
    assert_eq!(store.read().unwrap().memories().export_json(&query, &mut out).unwrap(), 2);
    let text = String::from_utf8(out).unwrap();
    let (_other_home, other) = new_store();
    let ids = other.write(|tx| tx.memories().import_json(&text)).unwrap();
    let expected = [get(&store, second), get(&store, first)];
    for (id, expected) in ids.iter().zip(expected) {
        let supersedes = expected.supersedes.map(|_| ids[1]);
        assert_eq!(get(&other, *id), Memory { supersedes, ..expected });
    }
    let seq = other.seq();
    assert_eq!(other.write(|tx| tx.memories().import_json(&text)).unwrap(), ids);
    assert!(other.seq().0 <= seq.0 + 1);
    assert_eq!(count::<Memory>(&other), 2);
    sound(&other);
}

#[test]
fn an_import_fills_in_what_is_missing_and_takes_all_or_none() {
    let (_home, store) = new_store();
    let import = |text: &str| store.write(|tx| tx.memories().import_json(text));
    let ids =
        import(r#"[{"content": "a", "odd": 1}, {"content": {"b": 2}, "record_id": "m"}]"#).unwrap();
    let [a, b] = [get(&store, ids[0]), get(&store, ids[1])];
    assert_eq!((&*a.namespace, &*a.key, a.memory_type), ("import", "import", MemoryType::Agent));
    assert_eq!((a.record_id.len(), &*b.record_id, &*b.content), (36, "m", r#"{"b":2}"#));
    assert!(a.created_at.is_some() && a.updated_at.is_some());
    for bad in [
        "",
        "{}",
        "[1]",
        r#"[{"content": "c"}, {"content": ""}]"#,
        r#"[{"content": "c"}, {"content": "c", "created_at": "yesterday"}]"#,
        r#"[{"content": "c", "importance_score": 3}]"#,
        r#"[{"content": "c", "metadata": [1]}]"#,
    ] {
        assert_eq!(fault(import(bad)), "invalid", "{bad}");
    }
    assert_eq!(count::<Memory>(&store), 2);
    assert_eq!(import("[]").unwrap(), []);
}

#[test]
fn statistics_count_what_there_is() {
    let (_home, store) = new_store();
    let a = remember(&store, note("a", "1").agent("ada").pinned().embedding(&[1.0]));
    remember(&store, note("a", "2").agent("ada").memory_type("semantic"));
    store
        .write(|tx| {
            tx.memories().link_file(a, NewCodeLink::new("x"))?;
            tx.memories().share(a, "bob", None)
        })
        .unwrap();
    let stats = store.read().unwrap().memories().stats().unwrap();
    assert_eq!((stats.memories, stats.present, stats.retired, stats.pinned), (2, 1, 1, 1));
    assert_eq!((stats.embedded, stats.code_links, stats.shares, stats.proposals), (1, 1, 1, 0));
    assert_eq!((stats.types["agent"], stats.types["semantic"]), (1, 1));
    assert_eq!((stats.namespaces["notes"], stats.agents["ada"]), (2, 2));
}

#[test]
fn d10_no_other_software_is_needed() {
    // Embeddings are given or not; nothing is loaded to remember or to list.
    let (_home, store) = new_store();
    let id = remember(&store, due("no vectors"));
    assert_eq!(listed(&store, &MemoryQuery::new()), [id]);
    assert_eq!(store.read().unwrap().get_vector(id, "memory").unwrap(), None);
}
