//! The comparison of a database with what the store would give back for it.

use std::path::{Path, PathBuf};

use engraph::legacy::{Comparison, ImportOptions, import, sample, verify_against};
use engraph::record::{Document, FileChunk};
use engraph::{Error, Store};

fn imported(folder: &Path, files: &[PathBuf]) -> Store {
    let store = Store::create(folder.join("store")).unwrap();
    import(&store, files, &ImportOptions::new(), &mut |_| {}).unwrap();
    store
}

#[track_caller]
fn compare(store: &Store, file: &Path) -> Comparison {
    verify_against(store, file, None, &mut |_| {}).unwrap()
}

#[test]
fn what_was_imported_is_equal() {
    let dir = tempfile::tempdir().unwrap();
    let files = sample::write(dir.path(), 30).unwrap();
    let store = imported(dir.path(), &files);
    for file in &files {
        let mut told = 0;
        let found = verify_against(&store, file, None, &mut |_| told += 1).unwrap();
        assert!(found.is_equal(), "{found:?}");
        assert_eq!(found.source, file.to_string_lossy());
        assert!(found.tables >= 2 && found.rows > 40, "{found:?}");
        assert_eq!(found.count(), 0);
        assert!(told > 0);
        assert!(found.rebuilt.is_empty());
    }
}

#[test]
fn an_edited_record_is_named_by_row_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let files = sample::write(dir.path(), 12).unwrap();
    let store = imported(dir.path(), &files);
    let (id, before) = store.read().unwrap().iter::<Document>().unwrap().nth(4).unwrap().unwrap();
    let edited = store.write(|tx| {
        tx.update::<Document>(id, |document| {
            document.category = "changed".into();
            Ok(())
        })
    });
    edited.unwrap();
    let found = compare(&store, &files[0]);
    let [difference] = &found.differences[..] else { unreachable!("{found:?}") };
    assert_eq!(difference.table, "documents");
    assert_eq!(difference.row, Some(store.read().unwrap().origin(id).unwrap().row));
    assert_eq!(difference.column.as_deref(), Some("category"));
    assert_eq!(difference.file, Some(format!("text {:?}", before.category)));
    assert_eq!(difference.store.as_deref(), Some("text \"changed\""));
    assert!(compare(&store, &files[1]).is_equal(), "the others are as they were");
}

#[test]
fn deleted_and_new_records_are_rows_of_one_side() {
    let dir = tempfile::tempdir().unwrap();
    let files = sample::write(dir.path(), 12).unwrap();
    let store = imported(dir.path(), &files);
    let (id, chunk) = store.read().unwrap().iter::<FileChunk>().unwrap().nth(2).unwrap().unwrap();
    let row = store.read().unwrap().origin(id).unwrap().row;
    let changed = store.write(|tx| {
        tx.delete(id)?;
        tx.insert(&FileChunk { chunk_index: 1_000, ..chunk })
    });
    changed.unwrap();
    let found = compare(&store, &files[0]);
    let of_chunks: Vec<_> =
        found.differences.iter().filter(|found| found.table == "file_content_chunks").collect();
    let [gone, new] = &of_chunks[..] else { unreachable!("{found:?}") };
    assert_eq!((gone.row, gone.reason.as_str()), (Some(row), "the row is only in the file"));
    assert_eq!((new.column.as_ref(), new.reason.as_str()), (None, "the row is only in the store"));
    let of_full_text = found.differences.iter().any(|found| found.table.contains("_fts"));
    assert!(!of_full_text, "an index that was built anew is no difference: {found:?}");
    assert!(found.rebuilt.iter().all(|table| table.starts_with("file_content_chunks_fts")));
    let counter = found.differences.iter().find(|found| found.table == "sqlite_sequence").unwrap();
    assert_eq!(counter.reason, "other counter of \"file_content_chunks\"");
}

#[test]
fn the_source_is_found_by_name_file_name_or_kind() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let mut files = Vec::new();
    for (folder, documents) in [(&one, 3), (&two, 40)] {
        std::fs::create_dir(folder).unwrap();
        files.push(sample::write(folder, documents).unwrap().swap_remove(0));
    }
    let store = imported(dir.path(), &files);
    let moved = dir.path().join("moved.db");
    std::fs::copy(&files[1], &moved).unwrap();
    for file in &files {
        assert!(compare(&store, file).is_equal());
    }
    let against = |name: Option<&str>| verify_against(&store, &moved, name, &mut |_| {});
    assert!(matches!(against(None), Err(Error::Invalid { .. })), "two of that kind");
    assert!(matches!(against(Some("nothing")), Err(Error::NotFound { .. })));
    assert!(against(Some(&files[1].to_string_lossy())).unwrap().is_equal());
    let other = against(Some(&files[0].to_string_lossy())).unwrap();
    assert!(!other.is_equal());
    assert_eq!(other.differences.len(), 100);
    assert_eq!(other.count(), other.more_differences + 100);
}
