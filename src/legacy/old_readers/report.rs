//! What an export leaves out is named.

use super::{Exported, exported, json, store_in};
use crate::base::time::Timestamp;
use crate::family::{NewDocument, NewMemory, NewVectorDocument, NewViolation};
use crate::legacy::{Existing, SyncOptions, sync};
use crate::record::{Entity, Memory};
use crate::store::Store;

#[test]
fn records_and_fields_without_a_place_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    store
        .write(|tx| {
            let new = NewMemory::new("n", "k", "x").tag("a").session("s").pinned();
            tx.memories().remember(new.expires_at(Timestamp::from_micros(i64::MAX / 2)))?;
            tx.memories().remember(NewMemory::new("n", "l", "y").tag("a"))?;
            tx.memories().remember(NewMemory::new("n", "m", "z"))?;
            let document = tx.documents().create(NewDocument::new("a.txt", "txt", "x"))?;
            tx.violations().note(NewViolation::new(document, "privacy", "a name is shown"))?;
            tx.drafts().begin("d", None, None)?;
            let entity = Entity { aliases: vec!["b".into()], ..Entity::named("a", "Case") };
            tx.entities().create(&entity).map(drop)
        })
        .unwrap();
    let out = Exported::of(&store, folder.path());
    let left_out = &out.report.left_out;
    assert_eq!((left_out.len(), left_out["violation"], left_out["draft"]), (2, 1, 1));
    let held = &out.file("unified_memory").not_held;
    let expected = [
        ("memory_records.expires_at", 1),
        ("memory_records.pinned", 1),
        ("memory_records.session_id", 1),
        ("memory_records.tags", 2),
    ];
    assert_eq!(*held, expected.map(|(field, rows)| (field.to_owned(), rows)).into());
    let held = &out.file("knowledge_graph").not_held;
    assert_eq!(held.get("entities.aliases"), Some(&1));
}

#[test]
fn changed_fields_of_imported_records_without_a_place_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), |tx| {
        tx.memories().remember(NewMemory::new("n", "k", "x").record_id("a"))?;
        tx.memories().remember(NewMemory::new("n", "l", "y").record_id("b")).map(drop)
    });
    assert!(out.file("unified_memory").not_held.is_empty());
    let back = out.back("unified_memory");
    back.write(|tx| {
        let (id, _) = tx.find::<Memory>("record_id", "a")?.unwrap();
        let change = |memory: &mut Memory| {
            memory.tags.push("t".into());
            Ok(())
        };
        tx.memories().update(id, change).map(drop)
    })
    .unwrap();
    let again = tempfile::tempdir().unwrap();
    let held = Exported::of(&back, again.path()).file("unified_memory").not_held.clone();
    assert_eq!(held, [("memory_records.tags".to_owned(), 1)].into());
}

#[test]
fn records_that_say_nothing_without_a_place_are_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), |tx| {
        let new = NewVectorDocument::new("x", &[1.0; 384]).metadata(json("{}"));
        tx.vector_documents().add(new)?;
        tx.memories().remember(NewMemory::new("n", "k", "x")).map(drop)
    });
    assert!(out.report.files.iter().all(|file| file.not_held.is_empty()));
}

#[test]
fn a_file_that_is_kept_in_step_says_which_records_are_not_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), |tx| {
        tx.memories().remember(NewMemory::new("n", "k", "x")).map(drop)
    });
    let store = Store::create(folder.path().join("other")).unwrap();
    store
        .write(|tx| {
            tx.entities().create(&Entity::named("a", "Case"))?;
            tx.memories().remember(NewMemory::new("n", "l", "y"))?;
            tx.drafts().begin("d", None, None).map(drop)
        })
        .unwrap();
    let kept = folder.path().join("kept.db");
    let options = SyncOptions::new().out(&kept, Existing::Refuse);
    let report = sync(&store, &out.file("unified_memory").path, &options, &mut |_| {}).unwrap();
    let kept = report.out.unwrap();
    assert_eq!((kept.born, kept.rows["memory_records"]), (1, 2));
    for said in [
        "1 records made here belong into a database of kind knowledge_graph",
        "1 records of type draft made here are held by no database",
    ] {
        assert!(kept.notes.contains(&said.to_owned()), "{:?}", kept.notes);
    }
}
