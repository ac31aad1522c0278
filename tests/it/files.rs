//! The file inventory: what is put in, moved, missed and removed, and how files resemble each
//! other.

use std::collections::BTreeSet;
use std::time::Duration;

use engraph::family::{
    FileOrder, FileQuery, IsMarkdown, NewChunk, NewExtractedTable, NewFile, NewFileEntity,
    NewFileTag, NewTagDefinition, NewWatch, TagQuery, Watches, cut_text,
};
use engraph::record::{
    ChangeType, ChunkEmbedding, ExtractedTable, ExtractionStatus, FileChunk, FileDuplicate,
    FileEntity, FileEntityLink, FileStatus, FileTag, HashHistory, IndexedFile, Record,
    ScanManifest,
};
use engraph::{Json, NodeId, Store, Timestamp};

use crate::check::{fault, sound};
use crate::workload::new_store;

const ONE: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222222222222222222222222222";

fn put(store: &Store, file: NewFile) -> NodeId {
    store.write(|tx| tx.files().put(file)).unwrap()
}

fn get(store: &Store, id: NodeId) -> IndexedFile {
    store.read().unwrap().get(id).unwrap().unwrap()
}

fn chunk(text: &str) -> NewChunk {
    NewChunk { content: text.into(), ..NewChunk::default() }
}

fn changes(store: &Store, file: NodeId) -> Vec<ChangeType> {
    let tx = store.read().unwrap();
    let rows = tx.index::<HashHistory>("file", (Some(file),)).unwrap();
    rows.map(|row| row.unwrap().1.change_type).collect()
}

fn count<R: Record>(store: &Store) -> usize {
    store.read().unwrap().iter::<R>().unwrap().count()
}

#[test]
fn a_file_is_put_once_under_every_spelling_of_its_path() {
    let (_home, store) = new_store();
    let time = Timestamp::from_micros(5);
    let id = put(&store, NewFile::new(r"C:\Cases\Memo.TXT").size(10).modified_at(time).sha256(ONE));
    let file = get(&store, id);
    assert_eq!(
        (&*file.normalized_path, &*file.display_name),
        ("/mnt/c/Cases/Memo.TXT", "Memo.TXT")
    );
    assert_eq!(
        (file.ext.as_deref(), file.mime_type.as_deref()),
        (Some(".txt"), Some("text/plain"))
    );
    // The key that the old application makes of that path.
    assert_eq!(file.path_hash, "77955dca64d66e20c969cb4cb1327b07e3b14ba0");
    assert_eq!(put(&store, NewFile::new("/mnt/c/Cases/Memo.TXT").sha256(TWO.to_uppercase())), id);
    let changed = get(&store, id);
    assert_eq!((changed.file_size, changed.sha256.as_deref()), (None, Some(TWO)), "all replaced");
    assert_eq!(changed.metadata, Some(Json::from_text("{}").unwrap()));
    assert!(changed.last_checked_at > file.last_checked_at);
    assert_eq!(changes(&store, id), [ChangeType::Modified]);
    let found = store.read().unwrap().files().find(r"\mnt\c\Cases\Memo.TXT").unwrap();
    assert_eq!(found.unwrap().0, id);
    assert_eq!(store.read().unwrap().files().find("/other").unwrap(), None);
    sound(&store);
}

#[test]
fn files_that_cannot_be_are_refused() {
    let (_home, store) = new_store();
    for file in [
        NewFile::new(""),
        NewFile::new(" "),
        NewFile::new("a").sha256("abc"),
        NewFile::new("a").sha256("\u{e9}".repeat(32)),
        NewFile::new("a").metadata(Json::from_text("[]").unwrap()),
    ] {
        assert_eq!(fault(store.write(|tx| tx.files().put(file))), "invalid");
    }
    let both = [NewFile::new("a"), NewFile::new("")];
    assert_eq!(fault(store.write(|tx| tx.files().put_all(both))), "invalid");
    assert_eq!(count::<IndexedFile>(&store), 0);
}

/// D8.
#[test]
fn metadata_changes_alone() {
    let (_home, store) = new_store();
    let id = put(&store, NewFile::new("a").size(3));
    let metadata = Json::from_text(r#"{"pages": 3}"#).unwrap();
    store.write(|tx| tx.files().set_metadata(id, metadata.clone())).unwrap();
    let file = get(&store, id);
    assert_eq!((file.metadata, file.file_size), (Some(metadata.clone()), Some(3)));
    let list = Json::from_text("[]").unwrap();
    assert_eq!(fault(store.write(|tx| tx.files().set_metadata(id, list))), "invalid");
    let gone = store.write(|tx| tx.files().delete(id).map(|_| id)).unwrap();
    assert_eq!(fault(store.write(|tx| tx.files().set_metadata(gone, metadata))), "not_found");
}

#[test]
fn a_moved_file_keeps_its_id_and_what_belongs_to_it() {
    let (_home, store) = new_store();
    store
        .write(|tx| tx.tags().define(NewTagDefinition::new("type", "new").pattern("^/new/")))
        .unwrap();
    let id = put(&store, NewFile::new("/old/a.txt").size(3).sha256(ONE));
    put(&store, NewFile::new("/taken"));
    store.write(|tx| tx.tags().assign(NewFileTag::new(id, "mine"))).unwrap();
    store.write(|tx| tx.files().relocate(id, "/new/b.md")).unwrap();
    let file = get(&store, id);
    assert_eq!((&*file.normalized_path, file.ext.as_deref()), ("/new/b.md", Some(".md")));
    let tx = store.read().unwrap();
    assert_eq!(tx.files().find("/old/a.txt").unwrap(), None);
    let tags = tx.tags().list(&TagQuery::new().file(id)).unwrap();
    let names: Vec<_> = tags.iter().map(|(_, tag)| &*tag.tag_name).collect();
    assert_eq!(names, ["mine", "new"], "rules see the new path");
    let (_, moved) = tx.index::<HashHistory>("file", (Some(id),)).unwrap().next().unwrap().unwrap();
    assert_eq!(
        (moved.old_path.as_deref(), moved.new_path.as_deref()),
        (Some("/old/a.txt"), Some("/new/b.md"))
    );
    assert_eq!(fault(store.write(|tx| tx.files().relocate(id, "/taken"))), "already_exists");
    assert_eq!(fault(store.write(|tx| tx.files().relocate(id, ""))), "invalid");
    sound(&store);
}

/// D22.
#[test]
fn a_file_that_is_gone_keeps_its_digest_and_may_come_back() {
    let (_home, store) = new_store();
    let metadata = Json::from_text(r#"{"a": 1}"#).unwrap();
    let time = Timestamp::from_micros(9);
    let file = || NewFile::new("a").size(3).modified_at(time).sha256(ONE);
    let id = put(&store, file().metadata(metadata.clone()));
    assert!(store.write(|tx| tx.files().mark_missing(id)).unwrap());
    assert!(!store.write(|tx| tx.files().mark_missing(id)).unwrap());
    let gone = get(&store, id);
    assert_eq!(
        (gone.status, gone.last_error.as_deref()),
        (FileStatus::Missing, Some("file_missing"))
    );
    assert_eq!((gone.file_size, gone.modified_at), (None, None));
    assert_eq!((gone.sha256.as_deref(), gone.metadata), (Some(ONE), Some(metadata)));
    assert_eq!(put(&store, file()), id);
    let back = get(&store, id);
    assert_eq!((back.status, back.last_error), (FileStatus::Ready, None));
    assert_eq!(changes(&store, id), [ChangeType::Deleted]);
}

#[test]
fn a_deleted_file_takes_everything_that_is_about_it_along() {
    let (_home, store) = new_store();
    let (a, b) =
        (put(&store, NewFile::new("a").sha256(ONE)), put(&store, NewFile::new("b").sha256(ONE)));
    store
        .write(|tx| {
            for file in [a, b] {
                let chunks = tx.files().replace_chunks(file, vec![chunk("x"), chunk("y")])?;
                tx.files().put_embedding(chunks[0], "m", &[1.0, 0.0])?;
                let table = NewExtractedTable {
                    status: ExtractionStatus::Extracted,
                    method: None,
                    headers: vec!["h".into()],
                    rows: vec![vec!["1".into()]],
                };
                tx.files().replace_tables(file, vec![table])?;
                let entity = NewFileEntity::new("Ulm").ontology_id("place");
                tx.files().replace_entities(file, vec![entity])?;
                tx.tags().assign(NewFileTag::new(file, "t"))?;
            }
            tx.files().find_duplicates()?;
            tx.files().link_entities()
        })
        .unwrap();
    let counts = || {
        (
            count::<FileChunk>(&store),
            count::<ChunkEmbedding>(&store),
            count::<ExtractedTable>(&store),
            count::<FileEntity>(&store),
            count::<FileEntityLink>(&store),
            count::<FileDuplicate>(&store),
            count::<FileTag>(&store),
        )
    };
    assert_eq!(counts(), (4, 2, 2, 2, 1, 1, 2));
    assert!(store.write(|tx| tx.files().delete(a)).unwrap());
    assert!(!store.write(|tx| tx.files().delete(a)).unwrap());
    assert_eq!(counts(), (2, 1, 1, 1, 0, 0, 1));
    assert_eq!(store.verify().unwrap().dangling_links, 0);
    sound(&store);
}

#[test]
fn files_are_listed_by_order_state_extension_and_words() {
    let (_home, store) = new_store();
    for (path, size, time) in [("/x/b.txt", 1, 30), ("/x/A.pdf", 2, 10), ("/Yes/c.txt", 3, 20)] {
        put(&store, NewFile::new(path).size(size).modified_at(Timestamp::from_micros(time)));
    }
    let gone = put(&store, NewFile::new("/x/d.txt"));
    store.write(|tx| tx.files().mark_missing(gone)).unwrap();
    let tx = store.read().unwrap();
    let list = |query: FileQuery| -> String {
        let found = tx.files().list(&query).unwrap();
        found.iter().map(|(_, file)| file.display_name[..1].to_owned()).collect()
    };
    let new = FileQuery::new;
    for (query, expected) in [
        (new(), "dcAb"),
        (new().ascending(), "bAcd"),
        (new().order(FileOrder::Name).ascending(), "Abcd"),
        (new().order(FileOrder::Modified), "bcAd"),
        (new().status(FileStatus::Missing), "d"),
        (new().status(FileStatus::Ready).order(FileOrder::Name).ascending(), "Abc"),
        (new().extension("TXT"), "dcb"),
        (new().extension(".pdf"), "A"),
        (new().containing("yEs"), "c"),
        (new().offset(1).limit(2), "cA"),
        (new().extension("doc"), ""),
    ] {
        let shown = format!("{query:?}");
        assert_eq!(list(query), expected, "{shown}");
    }
    assert_eq!(tx.files().count(&new().extension("txt").limit(1)).unwrap(), 3);
}

#[test]
fn chunks_replace_each_other_with_what_was_made_of_them() {
    let (_home, store) = new_store();
    let file = put(&store, NewFile::new("a.md"));
    let chunks = cut_text("# One\nalpha\n# Two\nbeta", IsMarkdown::Yes);
    let ids = store.write(|tx| tx.files().replace_chunks(file, chunks)).unwrap();
    let embedding =
        |values: &[f32]| store.write(|tx| tx.files().put_embedding(ids[0], "m", values));
    let first = embedding(&[1.0, 2.0]).unwrap();
    assert_eq!(embedding(&[3.0]).unwrap(), first, "one for each model");
    assert_eq!(fault(embedding(&[])), "invalid");
    assert_eq!(fault(embedding(&[f32::NAN])), "invalid");
    let tx = store.read().unwrap();
    let found = tx.files().chunks(file).unwrap();
    let titles: Vec<_> = found.iter().map(|(_, c)| (c.chunk_index, c.title.as_deref())).collect();
    assert_eq!(titles, [(0, Some("One")), (1, Some("Two"))]);
    assert_eq!((found[0].1.char_count, found[0].1.token_estimate), (5, 1));
    assert_eq!(tx.files().embeddings(file).unwrap()[0].1.dimension, 1);
    drop(tx);
    store.write(|tx| tx.files().replace_chunks(file, vec![chunk("gamma")])).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.files().chunks(file).unwrap().len(), 1);
    assert_eq!(tx.files().embeddings(file).unwrap(), []);
    assert_eq!(store.search("gamma").of::<FileChunk>().run().unwrap().hits.len(), 1);
    let absent = store.write(|tx| tx.files().replace_chunks(ids[0], vec![]));
    assert_eq!(fault(absent), "not_found");
}

#[test]
fn entities_link_the_files_that_share_a_label() {
    let (_home, store) = new_store();
    let files: Vec<NodeId> = ["a", "b", "c"].map(|path| put(&store, NewFile::new(path))).into();
    let entity = |text: &str, label: &str| NewFileEntity::new(text).ontology_id(label);
    store
        .write(|tx| {
            let ulm = || vec![entity("Ulm", "place"), entity("  ", "place"), entity("Ulm", "city")];
            assert_eq!(tx.files().replace_entities(files[0], ulm())?, 2, "blanks are left out");
            tx.files().replace_entities(files[1], vec![entity("Bonn", "place").confidence(0.9)])?;
            tx.files().replace_entities(files[2], vec![entity("1999", "year").confidence(0.0)])
        })
        .unwrap();
    let made = store.write(|tx| tx.files().link_entities()).unwrap();
    assert_eq!((made.links, made.added, made.removed), (1, 1, 0));
    let again = store.write(|tx| tx.files().link_entities()).unwrap();
    assert_eq!((again.links, again.added, again.removed), (1, 0, 0));
    let tx = store.read().unwrap();
    let (_, link) = tx.files().entity_links(files[1]).unwrap().remove(0);
    assert_eq!((link.source, link.target), (Some(files[0]), Some(files[1])));
    assert_eq!(tx.files().entities(files[2]).unwrap()[0].1.confidence, Some(0.5));
    drop(tx);
    let twice = vec![entity("x", "y"), entity("x", "y")];
    let twice = store.write(|tx| tx.files().replace_entities(files[0], twice));
    assert_eq!(fault(twice), "already_exists");
    let odd = vec![entity("x", "y").confidence(2.0)];
    assert_eq!(fault(store.write(|tx| tx.files().replace_entities(files[0], odd))), "invalid");
    store.write(|tx| tx.files().replace_entities(files[0], vec![])).unwrap();
    assert_eq!(store.write(|tx| tx.files().link_entities()).unwrap().removed, 1);
}

/// D26.
#[test]
fn exact_duplicates_are_those_with_the_same_digest_that_are_readable() {
    let (_home, store) = new_store();
    let file = |path: &str, digest: &str| put(&store, NewFile::new(path).sha256(digest));
    let (a, b, c) = (file("a", ONE), file("b", ONE), file("c", ONE));
    file("d", TWO);
    let gone = file("e", ONE);
    store.write(|tx| tx.files().mark_missing(gone)).unwrap();
    let found = store.write(|tx| tx.files().find_duplicates()).unwrap();
    assert_eq!((found.pairs, found.added, found.removed), (2, 2, 0));
    let tx = store.read().unwrap();
    assert_eq!(tx.files().duplicates(a).unwrap().exact, [b, c]);
    let of_b = tx.files().duplicates(b).unwrap();
    assert_eq!((of_b.duplicate_of, of_b.exact), (Some(a), vec![]));
    drop(tx);
    put(&store, NewFile::new("b").sha256(TWO));
    let found = store.write(|tx| tx.files().find_duplicates()).unwrap();
    assert_eq!((found.pairs, found.added, found.removed), (2, 1, 1));
    assert_eq!(fault(store.read().unwrap().files().duplicates(NodeId::from_u64(1))), "not_found");
}

/// D28.
#[test]
fn twins_of_an_old_store_are_linked_and_both_stay() {
    let (_home, store) = new_store();
    let slash = put(&store, NewFile::new("/mnt/c/a.txt").sha256(ONE));
    let twin = IndexedFile {
        normalized_path: r"\mnt\c\a.txt".into(),
        path_hash: "of the other spelling".into(),
        sha256: Some(ONE.into()),
        ..IndexedFile::default()
    };
    let twin = store.write(|tx| tx.insert(&twin)).unwrap();
    assert_eq!(store.write(|tx| tx.files().link_twins()).unwrap().added, 1);
    assert_eq!(store.write(|tx| tx.files().link_twins()).unwrap().added, 0);
    assert_eq!(store.write(|tx| tx.files().find_duplicates()).unwrap().pairs, 0, "one file");
    let tx = store.read().unwrap();
    assert_eq!(tx.files().duplicates(slash).unwrap().twins, [twin]);
    assert_eq!(tx.files().duplicates(twin).unwrap().twins, [slash]);
    assert_eq!(get(&store, twin).normalized_path, r"\mnt\c\a.txt");
}

#[test]
fn near_duplicates_share_most_of_their_words() {
    let (_home, store) = new_store();
    let text = |from: usize| -> String {
        (from..from + 200).map(|word| format!("word{word}")).collect::<Vec<_>>().join(" ")
    };
    let mut ids = Vec::new();
    for (path, from, digest) in [
        ("a", 0, None),
        ("b", 5, None),
        ("c", 1_000, None),
        ("d", 0, Some(ONE)),
        ("e", 0, Some(ONE)),
    ] {
        let mut file = NewFile::new(path);
        if let Some(digest) = digest {
            file = file.sha256(digest);
        }
        let id = put(&store, file);
        store
            .write(|tx| tx.files().replace_chunks(id, cut_text(&text(from), IsMarkdown::No)))
            .unwrap();
        ids.push(id);
    }
    store.write(|tx| tx.files().find_near_duplicates(0.7)).unwrap();
    let tx = store.read().unwrap();
    let near = |place: usize| -> BTreeSet<NodeId> {
        let found = tx.files().duplicates(ids[place]).unwrap().near;
        assert!(found.windows(2).all(|pair| pair[0].1 >= pair[1].1), "the most alike first");
        found.into_iter().map(|(id, _)| id).collect()
    };
    assert_eq!(near(0), BTreeSet::from([ids[1], ids[3], ids[4]]));
    assert_eq!(near(2), BTreeSet::new());
    assert!(!near(3).contains(&ids[4]), "the same bytes are no near duplicates");
    drop(tx);
    for threshold in [0.4, 1.1, f64::NAN] {
        let refused = store.write(|tx| tx.files().find_near_duplicates(threshold));
        assert_eq!(fault(refused), "invalid");
    }
}

#[test]
fn reports_count_what_there_is() {
    let (_home, store) = new_store();
    let a = put(&store, NewFile::new("a").size(10).sha256(ONE));
    put(&store, NewFile::new("b").size(5).status(FileStatus::Damaged, Some("bad".into())));
    let gone = put(&store, NewFile::new("c").size(7));
    store.write(|tx| tx.files().mark_missing(gone)).unwrap();
    store.write(|tx| tx.files().replace_chunks(a, vec![chunk("x")])).unwrap();
    let tx = store.read().unwrap();
    let now = store.last_write_time();
    let day = Duration::from_secs(24 * 3_600);
    let health = tx.files().health(now, day).unwrap();
    assert_eq!((health.total, health.ready, health.damaged, health.missing), (3, 1, 1, 1));
    assert_eq!((health.bytes, health.stale), (15, 0));
    let later = now.saturating_add(day * 2);
    assert_eq!(tx.files().health(later, day).unwrap().stale, 3);
    let summary = tx.files().summary(a, later, day).unwrap();
    assert_eq!((summary.chunks, summary.is_stale, summary.changes), (1, true, 0));
    assert_eq!(summary.last_event_at, get(&store, a).last_checked_at);
    assert_eq!(tx.files().summary(gone, now, day).unwrap().changes, 1);
}

#[test]
fn directories_are_watched_by_path_and_manifests_kept_by_path() {
    let (_home, store) = new_store();
    let watch = |path: &str| NewWatch::new(path).extensions(["txt"]).keywords(["case"]);
    let id = store.write(|tx| tx.files().watch(watch(r"C:\in"))).unwrap();
    assert_eq!(store.write(|tx| tx.files().watch(watch("/mnt/c/in").flat())).unwrap(), id);
    let other = store.write(|tx| tx.files().watch(NewWatch::new("/out").inactive())).unwrap();
    let tx = store.read().unwrap();
    let ids = |which| -> Vec<NodeId> {
        tx.files().watches(which).unwrap().into_iter().map(|(id, _)| id).collect()
    };
    assert_eq!((ids(Watches::All), ids(Watches::Active)), (vec![other, id], vec![id]));
    drop(tx);
    assert!(store.write(|tx| tx.files().unwatch(r"\mnt\c\in")).unwrap());
    assert!(!store.write(|tx| tx.files().unwatch("/mnt/c/in")).unwrap());
    assert_eq!(fault(store.write(|tx| tx.files().watch(NewWatch::new("")))), "invalid");
    let seen = |size| ScanManifest {
        normalized_path: r"C:\a".into(),
        file_size: Some(size),
        ..ScanManifest::default()
    };
    let first = store.write(|tx| tx.files().put_manifest(seen(1))).unwrap();
    assert_eq!(store.write(|tx| tx.files().put_manifest(seen(2))).unwrap(), first);
    let found = store.read().unwrap().files().manifest("/mnt/c/a").unwrap().unwrap();
    assert_eq!((found.0, found.1.file_size), (first, Some(2)));
}
