//! The audit chain from outside: what it records, who did it, what is erased; and the history of
//! the contents of files.

use engraph::family::{AuditAct, HashVerdict, NewFile, NewHashEntry};
use engraph::record::{
    ChangeType, Document, FileReview, HashHistory, Memory, Persona, VerificationStatus,
};
use engraph::{Audit, NewEdge, NodeId, Store, Timestamp};
use tempfile::TempDir;

use crate::check::{fault, sound};
use crate::workload::{Card, new_store};

fn audited(audit: Audit) -> (TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    let store = Store::builder().audit(audit).create(home.path().join("s")).unwrap();
    (home, store)
}

fn memory(content: &str) -> Memory {
    Memory { record_id: "m-1".into(), content: content.into(), ..Memory::default() }
}

#[track_caller]
fn whole(store: &Store, entries: u64, changes: u64) {
    let report = store.read().unwrap().audit().verify(None).unwrap();
    assert_eq!(report.problems, []);
    assert_eq!((report.entries, report.changes), (entries, changes));
    sound(store);
}

#[test]
fn nothing_is_recorded_unless_asked_for() {
    let (_home, store) = new_store();
    store.write(|tx| tx.insert(&memory("a"))).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.audit().head().unwrap(), None);
    assert!(tx.audit().verify(None).unwrap().is_ok());
    assert_eq!(tx.audit().entries(0, 9).unwrap(), []);
}

#[test]
fn the_history_of_a_record_says_who_changed_what() {
    let (_home, store) = audited(Audit::of::<Memory>());
    let id = store
        .write(|tx| {
            tx.set_author("anna")?;
            tx.insert(&memory("due on 14 March"))
        })
        .unwrap();
    store.write(|tx| tx.insert(&Persona::default())).unwrap();
    store
        .write(|tx| {
            tx.set_author("bert")?;
            tx.put(id, &Memory { importance_score: Some(0.5), ..memory("due on 15 March") })
        })
        .unwrap();
    store
        .write(|tx| {
            tx.put(id, &Memory { importance_score: Some(0.5), ..memory("due on 15 March") })
        })
        .unwrap();
    store.write(|tx| tx.delete(id)).unwrap();
    let history = store.read().unwrap().audit().history(id).unwrap();
    let found: Vec<_> = history.iter().map(|it| (it.act, it.author.as_deref())).collect();
    let expected =
        [(AuditAct::Put, Some("anna")), (AuditAct::Put, Some("bert")), (AuditAct::Delete, None)];
    assert_eq!(found, expected, "a write that changes nothing is none");
    let mut changed = history[1].changed.clone();
    changed.sort();
    assert_eq!(changed, ["content", "importance_score"]);
    assert!(history[0].changed.contains(&"content".to_owned()));
    assert_eq!(history[1].value.as_ref().unwrap()["content"], "due on 15 March");
    assert_eq!(history[2].value, None);
    whole(&store, 4, 4);
}

#[test]
fn a_refused_write_leaves_no_entry() {
    let (_home, store) = audited(Audit::all());
    let refused = store.write(|tx| {
        tx.insert(&memory("a"))?;
        Err::<(), _>(engraph::Error::invalid("test", "no"))
    });
    assert_eq!(fault(refused), "invalid");
    assert_eq!(fault(store.write(|tx| tx.set_author(" "))), "invalid");
    assert_eq!(fault(store.write(|tx| tx.set_author("x".repeat(1_001)))), "limit");
    whole(&store, 1, 1);
    store.write(|tx| tx.insert(&memory("a"))).unwrap();
    whole(&store, 2, 2);
}

#[test]
fn all_covers_edges_too_and_bulk_writes() {
    let (_home, store) = audited(Audit::all());
    let (a, b) =
        store.bulk(|tx| Ok((tx.insert(&memory("a"))?, tx.insert(&Document::default())?))).unwrap();
    let edge = store.write(|tx| tx.add_edge(&NewEdge::new(a, "cites", b))).unwrap();
    store.write(|tx| tx.remove_edge(edge)).unwrap();
    store.write(|tx| tx.add_edges(&[NewEdge::new(a, "x", b), NewEdge::new(b, "x", a)])).unwrap();
    store.write(|tx| tx.delete(a)).unwrap();
    // Scope; two records; an edge; one removed; two edges; two removed and a record.
    whole(&store, 6, 1 + 2 + 1 + 1 + 2 + 3);
}

#[test]
fn the_store_remembers_what_is_audited_and_shows_when_that_changes() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    let store = Store::builder().audit(Audit::of::<Memory>()).create(&path).unwrap();
    store.close().unwrap();
    let store = Store::open(&path).unwrap();
    let id = store.write(|tx| tx.insert(&memory("a"))).unwrap();
    whole(&store, 2, 2);
    store.close().unwrap();
    let store = Store::builder().audit(Audit::of::<Memory>()).open(&path).unwrap();
    whole(&store, 2, 2);
    store.close().unwrap();
    let store = Store::builder().audit(Audit::off()).open(&path).unwrap();
    store.write(|tx| tx.put(id, &memory("b"))).unwrap();
    whole(&store, 3, 3);
    store.close().unwrap();
    let store = Store::builder().audit(Audit::of::<Memory>()).open(&path).unwrap();
    whole(&store, 4, 4);
    store.write(|tx| tx.put(id, &memory("c"))).unwrap();
    whole(&store, 5, 5);
    store.compact().unwrap();
    whole(&store, 5, 5);
    store.close().unwrap();
    let unknown = Store::builder().audit(Audit::of::<Card>()).open(&path);
    assert_eq!(fault(unknown.map(drop)), "not_found");
}

#[test]
fn an_erased_record_leaves_nothing_but_that_it_was_erased() {
    let (_home, store) = audited(Audit::of::<Memory>());
    let secret = "the witness lives in Ulm";
    let id = store.write(|tx| tx.insert(&memory(secret))).unwrap();
    store.write(|tx| tx.put(id, &memory("moved"))).unwrap();
    let before = store.seq();
    let digest = store.read().unwrap().audit().head().unwrap().unwrap().digest;
    assert!(store.write(|tx| tx.audit().erase(id)).unwrap() >= 2);
    let tx = store.read().unwrap();
    assert_eq!(tx.get::<Memory>(id).unwrap(), None);
    assert_eq!(tx.get_as_of::<Memory>(id, before).unwrap(), None, "no earlier value either");
    let history = tx.audit().history(id).unwrap();
    assert!(history.iter().take(3).all(|it| it.is_erased && it.value.is_none()), "{history:?}");
    assert_eq!(history.last().unwrap().act, AuditAct::Erase);
    let report = tx.audit().verify(Some(&digest)).unwrap();
    assert!(report.is_ok(), "{report:?}");
    assert_eq!((report.erased, report.noted_entry), (3, Some(3)));
    drop(tx);
    sound(&store);
    assert_eq!(fault(store.write(|tx| tx.audit().erase(NodeId::from_u64(5)))), "not_found");
    store.compact().unwrap();
    store.close().unwrap();
    let bytes = std::fs::read(store.directory().join("data.redb")).unwrap();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
}

#[test]
fn earlier_values_of_what_is_not_audited_are_erased_too() {
    let (_home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Card::new("secret"))).unwrap();
    let before = store.seq();
    store.write(|tx| tx.delete(id)).unwrap();
    assert_eq!(store.read().unwrap().get_as_of(id, before).unwrap(), Some(Card::new("secret")));
    assert_eq!(store.write(|tx| tx.audit().erase(id)).unwrap(), 0, "the chain held nothing");
    assert_eq!(store.read().unwrap().get_as_of::<Card>(id, before).unwrap(), None);
    assert!(store.read().unwrap().audit().verify(None).unwrap().is_ok());
    sound(&store);
}

#[test]
fn a_noted_digest_is_found_or_missed() {
    let (_home, store) = audited(Audit::of::<Memory>());
    store.write(|tx| tx.insert(&memory("a"))).unwrap();
    let tx = store.read().unwrap();
    let head = tx.audit().head().unwrap().unwrap();
    assert_eq!(tx.audit().verify(Some(&head.digest)).unwrap().noted_entry, Some(2));
    assert!(!tx.audit().verify(Some(&"0".repeat(64))).unwrap().is_ok());
    for bad in ["", "zz", &"g".repeat(64), &"\u{e9}".repeat(32)] {
        assert_eq!(fault(tx.audit().verify(Some(bad))), "invalid", "{bad}");
    }
}

#[test]
fn changes_of_contents_are_noted_and_reach_the_file_under_review() {
    let (_home, store) = new_store();
    let (one, two) = ("a".repeat(64), "B".repeat(64));
    let review = FileReview { path: "a.py".into(), ..FileReview::default() };
    let review = store.write(|tx| tx.insert(&review)).unwrap();
    let entry = || {
        NewHashEntry::new("a.py", ChangeType::Refactor, (&*one, &*two)).author("anna").commit("c1")
    };
    let id = store.write(|tx| tx.audit().note_hash(entry())).unwrap();
    let file: FileReview = store.read().unwrap().get(review).unwrap().unwrap();
    assert_eq!((file.hash_before, file.hash_after), (None, Some("b".repeat(64))));
    assert_eq!(
        (file.cleanup_author.as_deref(), file.cleanup_commit_hash.as_deref()),
        (Some("anna"), Some("c1"))
    );
    assert!(!file.hash_verified && file.last_modified.is_some());
    store.write(|tx| tx.audit().verify_hash(id, HashVerdict::Right)).unwrap();
    let again = store.write(|tx| tx.audit().verify_hash(id, HashVerdict::Wrong));
    assert_eq!(fault(again), "conflict");
    assert!(store.read().unwrap().get::<FileReview>(review).unwrap().unwrap().hash_verified);
    let verified = entry().verification(VerificationStatus::Verified);
    let next = store.write(|tx| tx.audit().note_hash(verified)).unwrap();
    let tx = store.read().unwrap();
    let ids = |found: Vec<(NodeId, HashHistory)>| -> Vec<NodeId> {
        found.into_iter().map(|(id, _)| id).collect()
    };
    assert_eq!(ids(tx.audit().hashes_of("a.py", 9).unwrap()), [next, id]);
    assert_eq!(ids(tx.audit().hashes_by(&ChangeType::Refactor, 1).unwrap()), [next]);
    assert_eq!(tx.audit().hashes_by(&ChangeType::Cleanup, 9).unwrap(), []);
    let all = (Timestamp::from_micros(0), Timestamp::from_micros(i64::MAX));
    assert_eq!(ids(tx.audit().hashes_between(all.0, all.1, 9).unwrap()), [id, next]);
}

#[test]
fn a_change_of_contents_without_both_digests_is_refused() {
    let (_home, store) = new_store();
    let good = "a".repeat(64);
    let new = |path: &str, before: &str, after: &str| {
        NewHashEntry::new(path, ChangeType::Cleanup, (before, after))
    };
    for (entry, expected) in [
        (new("", &good, &good), "invalid"),
        (new("a", "", &good), "invalid"),
        (new("a", &good, "abc"), "invalid"),
        (new("a", &good, &good).file(NodeId::from_u64(77)), "not_found"),
    ] {
        assert_eq!(fault(store.write(|tx| tx.audit().note_hash(entry))), expected);
    }
    let file = store.write(|tx| tx.files().put(NewFile::new("a"))).unwrap();
    store.write(|tx| tx.audit().note_hash(new("a", &good, &good).file(file))).unwrap();
}
