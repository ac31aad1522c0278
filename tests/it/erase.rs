//! Erasing for good: nothing of a record is left in any file, and a receipt says that it was done.

use std::fs;
use std::path::{Path, PathBuf};

use engraph::family::{Erase, NewHold};
use engraph::record::{
    Document, DocumentContent, EraseReceipt, Memory, MemoryProposal, MemorySharing, Persona,
};
use engraph::{
    Audit, Compression, Json, NewEdge, NodeId, Options, SavedSearch, Seq, Store, Timestamp,
};
use tempfile::TempDir;

use crate::check::{fault, sound};

/// Short enough to lie in one piece wherever it is written.
const PLANTED: &str = "zanzibarqueue";

fn new_store(options: Options) -> (TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    let store = options.create(home.path().join("s")).unwrap();
    (home, store)
}

fn memory(content: &str) -> Memory {
    Memory {
        namespace: "case-7".into(),
        key: "debt".into(),
        content: content.into(),
        ..Memory::default()
    }
}

fn erase(ids: impl IntoIterator<Item = NodeId>) -> Erase {
    Erase::records(ids).author("anna").reason("asked for by the subject")
}

/// The files of a folder that hold these bytes, each read whole.
pub(crate) fn files_with(folder: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, bytes));
        } else if fs::read(&path).unwrap().windows(bytes.len()).any(|part| part == bytes) {
            found.push(path);
        }
    }
    found
}

#[track_caller]
fn whole(store: &Store) -> u64 {
    sound(store);
    assert!(store.check_search().unwrap().is_ok());
    let report = store.read().unwrap().audit().verify(None).unwrap();
    assert_eq!(report.problems, []);
    report.erased
}

/// A store in which the planted word lies wherever a store keeps something of a record.
fn planted(store: &Store) -> (NodeId, NodeId) {
    store.save_search("debts", &SavedSearch::new("owes").standing()).unwrap();
    let long =
        format!("Mr Vanterpool owes {PLANTED} 300. {}", "The sum was agreed on. ".repeat(90));
    let other = store.write(|tx| tx.insert(&memory("The reply is due"))).unwrap();
    let id = store.write(|tx| tx.insert(&memory(&long))).unwrap();
    let gone = store
        .write(|tx| {
            let properties = Json::from_text(format!("{{\"note\": \"{PLANTED}\"}}"))?;
            tx.add_edge(&NewEdge::new(other, "concerns", id).properties(properties.clone()))?;
            tx.add_edge(&NewEdge::new(id, "concerns", other).properties(properties))
        })
        .unwrap();
    store.write(|tx| tx.remove_edge(gone)).unwrap();
    store.write(|tx| tx.put_vector(id, "model", &[0.123_456_7, -0.765_432_1])).unwrap();
    store.write(|tx| tx.put(id, &memory(&format!("He owes {PLANTED} nothing")))).unwrap();
    assert_eq!(store.search(PLANTED).run().unwrap().hits.len(), 1);
    assert_eq!(store.complete("zanzibarq", 9).unwrap().words.len(), 1);
    assert_eq!(store.matches("debts", Seq(0), 9).unwrap().matches.len(), 1);
    store.write(|tx| tx.put(other, &memory("The reply is late"))).unwrap();
    (id, other)
}

#[test]
fn nothing_is_left_in_any_file_after_erasing_and_compacting() {
    let options = Store::builder().audit(Audit::all()).compression(Compression::Off);
    let (_home, store) = new_store(options);
    let (id, other) = planted(&store);
    let vector = 0.123_456_7_f32.to_le_bytes();
    assert!(!files_with(store.directory(), PLANTED.as_bytes()).is_empty());
    assert!(!files_with(store.directory(), &vector).is_empty());

    let erased = store.erase(&erase([id])).unwrap();
    let counts = erased.counts;
    assert_eq!((counts.records, counts.versions), (1, 1));
    assert_eq!(counts.edges, 2, "one that was there, one that was removed before");
    assert_eq!((counts.vectors, counts.matches), (1, 1));
    assert!(counts.payloads >= 4, "two values of the record, two edges: {counts:?}");
    store.compact().unwrap();

    assert_eq!(files_with(store.directory(), PLANTED.as_bytes()), [""; 0].map(PathBuf::from));
    assert_eq!(files_with(store.directory(), &vector), [""; 0].map(PathBuf::from));
    assert_eq!(store.search(PLANTED).run().unwrap().hits, []);
    assert_eq!(store.complete("zanzibarq", 9).unwrap().words, []);
    assert_eq!(store.matches("debts", Seq(0), 9).unwrap().matches, []);
    assert_eq!(store.search("late").run().unwrap().hits[0].id, other);
    assert!(whole(&store) >= 4);
    let tx = store.read().unwrap();
    assert!(!tx.contains(id).unwrap());
    assert_eq!(tx.get_as_of::<Memory>(id, Seq(u64::MAX)).unwrap(), None);
    assert!(tx.audit().history(id).unwrap().iter().all(|change| change.value.is_none()));
}

#[test]
fn with_compression_no_value_that_can_be_read_has_it() {
    let (home, store) = new_store(Store::builder().audit(Audit::all()));
    let (id, other) = planted(&store);
    let newest = store.seq();
    store.erase(&erase([id])).unwrap();
    store.compact().unwrap();
    store.close().unwrap();
    let store = Store::open(home.path().join("s")).unwrap();
    let tx = store.read().unwrap();
    for (kind, _) in tx.kinds() {
        for row in tx.iter_json(kind, None).unwrap() {
            let (of, value) = row.unwrap();
            assert!(!value.to_string().contains(PLANTED), "{of}");
        }
    }
    for at in 0..=newest.0 {
        for of in [id, other] {
            let value = tx.get_as_of::<Memory>(of, Seq(at)).unwrap();
            assert!(value.is_none_or(|it| !it.content.contains(PLANTED)), "{of} at {at}");
        }
    }
    for of in [id, other] {
        for change in tx.audit().history(of).unwrap() {
            let shown = change.value.map(|value| value.to_string()).unwrap_or_default();
            assert!(!shown.contains(PLANTED));
        }
    }
    assert_eq!(tx.get_vector(id, "model").unwrap(), None);
    assert_eq!(store.complete("zanzibarq", 9).unwrap().words, []);
    drop(tx);
    whole(&store);
}

#[test]
fn an_index_that_missed_an_erasure_is_built_anew() {
    let (home, store) = new_store(Store::builder());
    let (id, _) = planted(&store);
    store.close().unwrap();
    let search = home.path().join("s").join("search");
    let kept = home.path().join("kept");
    copy_folder(&search, &kept);
    let store = Store::open(home.path().join("s")).unwrap();
    store.erase(&erase([id])).unwrap();
    store.close().unwrap();
    // As a crash between the write and the new index leaves it.
    fs::remove_dir_all(&search).unwrap();
    copy_folder(&kept, &search);
    let store = Store::open(home.path().join("s")).unwrap();
    assert_eq!(store.complete("zanzibarq", 9).unwrap().words, []);
    assert_eq!(files_with(&search, PLANTED.as_bytes()), [""; 0].map(PathBuf::from));
    whole(&store);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy_folder(&path, &target) } else { drop(fs::copy(path, target)) }
    }
}

#[test]
fn a_receipt_says_who_when_why_and_which_and_cannot_be_erased() {
    let (_home, store) = new_store(Store::builder());
    let ids: Vec<NodeId> =
        store.write(|tx| (0..3).map(|_| tx.insert(&memory("x"))).collect()).unwrap();
    let erased = store.erase(&erase([ids[0], ids[1]])).unwrap();
    let tx = store.read().unwrap();
    let receipt: EraseReceipt = tx.get(erased.id).unwrap().unwrap();
    assert_eq!(receipt, erased.receipt);
    assert_eq!((&*receipt.author, &*receipt.reason), ("anna", "asked for by the subject"));
    assert_eq!(receipt.erased_at, Some(store.last_write_time()));
    assert_eq!((receipt.ids.len(), receipt.ids[0].count), (1, 2));
    let all = |erase: Erase| fault(store.erase(&erase));
    assert_eq!(all(erase([erased.id])), "invalid");
    assert_eq!(all(Erase::records([ids[2]]).reason("why")), "invalid");
    assert_eq!(all(Erase::records([ids[2]]).author("anna")), "invalid");
    assert_eq!(all(erase([])), "not_found");
    assert_eq!(all(erase([ids[0], ids[2], NodeId::new(ids[0].kind(), 99).unwrap()])), "not_found");
    assert!(store.read().unwrap().contains(ids[2]).unwrap(), "a refused call erases nothing");
    drop(tx);
    whole(&store);
}

#[test]
fn what_is_only_remembered_can_be_erased_too() {
    let (_home, store) = new_store(Store::builder());
    let id = store.write(|tx| tx.insert(&memory("secret"))).unwrap();
    let before = store.seq();
    store.write(|tx| tx.delete(id)).unwrap();
    let found = |at| store.read().unwrap().get_as_of::<Memory>(id, at).unwrap();
    assert!(found(before).is_some());
    let counts = store.erase(&erase([id])).unwrap().counts;
    assert_eq!((counts.records, counts.versions), (0, 1));
    assert_eq!(found(before), None);
    whole(&store);
}

#[test]
fn everything_of_a_subject_goes_with_its_parts() {
    let (_home, store) = new_store(Store::builder());
    let clerk = Some("clerk".to_owned());
    let (gone, stays) = store
        .write(|tx| {
            let memory_of = Memory { agent_id: clerk.clone(), ..memory("a") };
            let fact = tx.insert(&memory_of)?;
            let proposal = MemoryProposal { agent_id: clerk.clone(), ..Default::default() };
            let became = MemoryProposal { memory: Some(fact), ..Default::default() };
            let shown = MemorySharing { target_agent_id: clerk.clone(), ..Default::default() };
            let gone = vec![fact, tx.insert(&proposal)?, tx.insert(&became)?, tx.insert(&shown)?];
            let other = Memory { agent_id: Some("clerk2".into()), ..memory("b") };
            let stays = vec![tx.insert(&other)?, tx.insert(&Persona::default())?];
            Ok((gone, stays))
        })
        .unwrap();
    let of_clerk = Erase::of_agent("clerk").author("anna").reason("left");
    let mut expected = gone.clone();
    expected.sort_unstable();
    let seq = store.seq();
    assert_eq!(store.erase_selects(&of_clerk).unwrap().ids, expected);
    assert_eq!(store.seq(), seq, "to look is no write");
    store.erase(&of_clerk).unwrap();
    let tx = store.read().unwrap();
    assert!(gone.iter().all(|id| !tx.contains(*id).unwrap()));
    assert!(stays.iter().all(|id| tx.contains(*id).unwrap()));
    drop(tx);
    let (document, parts) = store
        .write(|tx| {
            let document = tx.insert(&Document::default())?;
            let content = DocumentContent { document: Some(document), ..Default::default() };
            let of_it = Memory { document: Some(document), ..memory("of it") };
            Ok((document, [tx.insert(&content)?, tx.insert(&of_it)?]))
        })
        .unwrap();
    let alone = store.erase_selects(&erase([document])).unwrap().ids;
    assert_eq!(alone, [document]);
    store.erase(&Erase::of_document(document).author("anna").reason("withdrawn")).unwrap();
    let tx = store.read().unwrap();
    assert!(parts.iter().all(|id| !tx.contains(*id).unwrap()));
    drop(tx);
    store.erase(&Erase::of_namespace("case-7").author("anna").reason("closed")).unwrap();
    assert!(!store.read().unwrap().contains(stays[0]).unwrap());
    assert_eq!(fault(store.erase(&Erase::of_source(3).author("a").reason("b"))), "not_found");
    whole(&store);
}

#[test]
fn a_legal_hold_refuses_until_it_is_released() {
    let (_home, store) = new_store(Store::builder());
    let (document, part, free) = store
        .write(|tx| {
            let document = tx.insert(&Document::default())?;
            let content = DocumentContent { document: Some(document), ..Default::default() };
            Ok((document, tx.insert(&content)?, tx.insert(&memory("free"))?))
        })
        .unwrap();
    let place = |hold: NewHold| store.write(|tx| tx.holds().place(hold));
    let of_document = place(NewHold::new("order 12", "suit").document(document)).unwrap();
    let error = store.erase(&erase([free, part])).unwrap_err();
    assert_eq!(error.kind(), "conflict");
    let text = error.to_string();
    assert!(text.contains("order 12") && text.contains(&part.to_string()), "{text}");
    let selected = store.erase_selects(&erase([free, part])).unwrap();
    assert_eq!((selected.ids.len(), selected.held.len()), (2, 1));
    let tx = store.read().unwrap();
    assert!(tx.holds().on(document).unwrap().is_some());
    assert!(tx.holds().on(free).unwrap().is_none());
    drop(tx);
    let by_name = place(NewHold::new("order 13", "suit").namespace("case-7")).unwrap();
    let agent = place(NewHold::new("order 14", "suit").agent("nobody").records([free])).unwrap();
    assert_eq!(fault(store.erase(&erase([free]))), "conflict");
    for hold in [by_name, agent] {
        store.write(|tx| tx.holds().release(hold)).unwrap();
    }
    store.write(|tx| tx.delete(free)).unwrap();
    let remembered = place(NewHold::new("order 17", "suit").namespace("case-7")).unwrap();
    assert_eq!(fault(store.erase(&erase([free]))), "conflict", "what is remembered is held too");
    store.write(|tx| tx.holds().release(remembered)).unwrap();
    store.erase(&erase([free])).unwrap();
    assert_eq!(fault(store.write(|tx| tx.holds().release(agent))), "conflict");
    assert_eq!(
        fault(place(NewHold::new("order 12", "again").document(document))),
        "already_exists"
    );
    assert_eq!(fault(place(NewHold::new("order 15", "of nothing"))), "invalid");
    assert_eq!(fault(place(NewHold::new("", "no name").records([part]))), "invalid");
    assert_eq!(fault(place(NewHold::new("order 16", "gone").records([free]))), "not_found");
    assert_eq!(fault(store.erase(&erase([of_document]))), "invalid");
    let holds = store.read().unwrap().holds().list().unwrap();
    let released: Vec<bool> = holds.iter().map(|(_, hold)| hold.released_at.is_some()).collect();
    assert_eq!(released, [false, true, true, true]);
    assert!(holds.iter().all(|(_, hold)| hold.created_at > Some(Timestamp::from_micros(0))));
    whole(&store);
}
