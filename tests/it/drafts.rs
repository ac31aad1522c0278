//! Drafts: apart from what counts, looked at as a difference, merged field by field or dropped.

use engraph::family::{DraftChange, Erase, OnConflict};
use engraph::record::{Draft, DraftAction, DraftMemory, DraftStatus, Memory};
use engraph::{Json, NodeId, Result, Store, WriteTx};
use tempfile::TempDir;

use crate::check::{fault, sound};

fn memory(content: &str) -> Memory {
    let metadata = Json::from_text("{\"kept\":   \"as it is\"}").unwrap();
    Memory {
        namespace: "case-7".into(),
        key: "deadline".into(),
        content: content.into(),
        metadata: Some(metadata),
        ..Memory::default()
    }
}

struct Home {
    _folder: TempDir,
    store: Store,
    fact: NodeId,
    draft: NodeId,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(folder.path().join("s")).unwrap();
        let (fact, draft) = store
            .write(|tx| {
                let fact = tx.insert(&memory("due on 14 March"))?;
                Ok((fact, tx.drafts().begin("review", Some("agent"), None)?))
            })
            .unwrap();
        Self { _folder: folder, store, fact, draft }
    }

    fn write<T>(&self, closure: impl FnOnce(&mut WriteTx<'_>) -> Result<T>) -> T {
        self.store.write(closure).unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut Memory)) -> NodeId {
        let mut after = self.now().unwrap();
        change(&mut after);
        self.write(|tx| tx.drafts().change(self.draft, self.fact, &after))
    }

    fn edit(&self, change: impl FnOnce(&mut Memory)) {
        self.write(|tx| {
            tx.update(self.fact, |memory: &mut Memory| {
                change(memory);
                Ok(())
            })
        });
    }

    fn now(&self) -> Option<Memory> {
        self.store.read().unwrap().get(self.fact).unwrap()
    }

    fn changes(&self) -> Vec<DraftChange> {
        self.store.read().unwrap().drafts().changes(self.draft).unwrap()
    }
}

#[test]
fn a_draft_does_not_count_before_it_is_merged() {
    let home = Home::new();
    home.change(|memory| memory.content = "due on 15 March, says Lund".into());
    home.write(|tx| tx.drafts().add(home.draft, &memory("the judge is Lund")));
    assert_eq!(home.store.search("Lund").run().unwrap().hits, []);
    assert_eq!(home.store.read().unwrap().iter::<Memory>().unwrap().count(), 1);
    assert_eq!(home.now().unwrap().content, "due on 14 March");

    let changes = home.changes();
    assert_eq!(changes.len(), 2);
    assert_eq!((&changes[0].action, changes[0].memory), (&DraftAction::Change, Some(home.fact)));
    let fields: Vec<_> = changes[0].fields.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["content"]);
    assert_eq!(changes[0].fields[0].before, "due on 14 March");
    assert_eq!((&changes[1].action, changes[1].memory), (&DraftAction::Add, None));
    assert_eq!((&*changes[1].namespace, &*changes[1].key), ("case-7", "deadline"));
    assert!(changes.iter().all(|change| change.conflict.is_none()));

    let merged = home.write(|tx| tx.drafts().merge(home.draft, "anna", OnConflict::Refuse));
    assert_eq!((merged.added.len(), &merged.changed[..]), (1, &[home.fact][..]));
    assert_eq!(home.store.search("Lund").run().unwrap().hits.len(), 2);
    let tx = home.store.read().unwrap();
    let draft: Draft = tx.get(home.draft).unwrap().unwrap();
    assert_eq!((draft.status, draft.decided_by.as_deref()), (DraftStatus::Merged, Some("anna")));
    assert_eq!(tx.iter::<DraftMemory>().unwrap().count(), 0, "nothing is held twice");
    let found = tx.get::<Memory>(home.fact).unwrap().unwrap();
    assert_eq!(found.metadata, memory("").metadata, "bytes that nobody changed stay");
    drop(tx);
    sound(&home.store);
}

#[test]
fn other_fields_that_changed_since_stay_and_the_same_is_a_conflict() {
    let home = Home::new();
    home.change(|memory| {
        memory.content = "due on 15 March".into();
        memory.agent_id = Some("agent".into());
    });
    home.edit(|memory| memory.importance_score = Some(0.9));
    assert_eq!(home.changes()[0].conflict, None);
    home.edit(|memory| memory.content = "due on 16 March".into());
    let change = &home.changes()[0];
    assert_eq!(change.conflict.as_deref(), Some("also changed since: content"));
    let content = change.fields.iter().find(|it| it.field == "content").unwrap();
    assert_eq!(content.now.as_ref().unwrap(), "due on 16 March");
    let merge = |mode| home.store.write(|tx| tx.drafts().merge(home.draft, "anna", mode));
    assert_eq!(fault(merge(OnConflict::Refuse)), "conflict");
    assert_eq!(home.now().unwrap().content, "due on 16 March");
    merge(OnConflict::Overwrite).unwrap();
    let now = home.now().unwrap();
    assert_eq!((&*now.content, now.importance_score), ("due on 15 March", Some(0.9)));
    assert_eq!(now.agent_id.as_deref(), Some("agent"));
    assert_eq!(fault(merge(OnConflict::Overwrite)), "conflict");
    sound(&home.store);
}

#[test]
fn what_was_deleted_since_is_a_conflict_and_comes_back_only_if_asked() {
    let home = Home::new();
    home.change(|memory| memory.content = "due on 15 March".into());
    home.write(|tx| tx.delete(home.fact));
    assert_eq!(home.changes()[0].conflict.as_deref(), Some("it was deleted since"));
    let merge = |mode| home.store.write(|tx| tx.drafts().merge(home.draft, "anna", mode));
    assert_eq!(fault(merge(OnConflict::Refuse)), "conflict");
    merge(OnConflict::Overwrite).unwrap();
    assert_eq!(home.now().unwrap().content, "due on 15 March");
    sound(&home.store);
}

#[test]
fn a_memory_can_be_drafted_away() {
    let home = Home::new();
    home.write(|tx| tx.drafts().delete(home.draft, home.fact));
    home.edit(|memory| memory.content = "still of use".into());
    assert!(home.changes()[0].conflict.is_some());
    let merge = |mode| home.store.write(|tx| tx.drafts().merge(home.draft, "anna", mode));
    assert_eq!(fault(merge(OnConflict::Refuse)), "conflict");
    assert_eq!(merge(OnConflict::Overwrite).unwrap().deleted, [home.fact]);
    assert_eq!(home.now(), None);
    sound(&home.store);
}

#[test]
fn the_last_change_of_a_memory_counts_and_one_can_be_taken_out() {
    let home = Home::new();
    let first = home.change(|memory| memory.content = "a".into());
    let second = home.change(|memory| memory.content = "b".into());
    assert_eq!(first, second);
    assert_eq!(home.changes()[0].fields[0].after, "b");
    home.write(|tx| tx.drafts().take_out(first));
    assert_eq!(home.changes(), []);
    assert_eq!(fault(home.store.write(|tx| tx.drafts().take_out(first))), "not_found");
}

#[test]
fn a_dropped_draft_leaves_its_name_and_nothing_else() {
    let home = Home::new();
    home.change(|memory| memory.content = "a".into());
    home.write(|tx| tx.drafts().drop_draft(home.draft, "anna"));
    assert_eq!(home.changes(), []);
    assert_eq!(home.now().unwrap(), memory("due on 14 March"));
    let tx = home.store.read().unwrap();
    let (id, draft) = tx.drafts().find("review").unwrap().unwrap();
    assert_eq!((id, draft.status), (home.draft, DraftStatus::Dropped));
    assert_eq!(tx.drafts().list().unwrap().len(), 1);
    drop(tx);
    let add = |draft| home.store.write(|tx| tx.drafts().add(draft, &memory("late")));
    assert_eq!(fault(add(home.draft)), "conflict");
    assert_eq!(fault(add(NodeId::new(home.draft.kind(), 9).unwrap())), "not_found");
    let begin = |name: &str| home.store.write(|tx| tx.drafts().begin(name, None, None));
    assert_eq!(fault(begin("review")), "already_exists");
    assert_eq!(fault(begin(" ")), "invalid");
    let gone = home.store.write(|tx| tx.drafts().drop_draft(home.draft, "anna"));
    assert_eq!(fault(gone), "conflict");
    sound(&home.store);
}

#[test]
fn a_taken_name_merges_nothing() {
    let home = Home::new();
    let named = Memory { record_id: "m-1".into(), ..memory("named") };
    home.write(|tx| tx.drafts().add(home.draft, &memory("first")));
    home.write(|tx| tx.drafts().add(home.draft, &named));
    home.write(|tx| tx.insert(&named).map(drop));
    let merged =
        home.store.write(|tx| tx.drafts().merge(home.draft, "anna", OnConflict::Overwrite));
    assert_eq!(fault(merged), "already_exists");
    assert_eq!(home.store.read().unwrap().iter::<Memory>().unwrap().count(), 2);
    assert_eq!(home.changes().len(), 2);
}

#[test]
fn erasing_a_subject_reaches_drafts() {
    let home = Home::new();
    let of_agent = Memory { agent_id: Some("clerk".into()), ..memory("secret") };
    home.write(|tx| tx.drafts().add(home.draft, &of_agent));
    home.change(|memory| memory.content = "secret too".into());
    let erase = |erase: Erase| erase.author("anna").reason("asked for");
    assert_eq!(home.store.erase(&erase(Erase::of_agent("clerk"))).unwrap().counts.records, 1);
    assert_eq!(home.changes().len(), 1);
    let with_parts = erase(Erase::records([home.fact]).with_parts());
    assert_eq!(home.store.erase(&with_parts).unwrap().counts.records, 2);
    assert_eq!(home.changes(), []);
    sound(&home.store);
}
