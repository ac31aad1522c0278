//! Bad places and bad files: an error that says what and where, never a panic.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use engraph::record::{Document, Memory};
use engraph::{Error, Result, Seq, Store};

use crate::check::{Cards as _, fault};
use crate::workload::{Card, Home, new_store, options};

const DATA_FILE: &str = "data.redb";

/// Name, size, content digest by eye: all bytes of all files of a folder.
fn files_of(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn a_path_that_is_no_store_is_not_found() {
    let home = Home::new();
    let file = home.around().join("file");
    fs::write(&file, "text").unwrap();
    for path in [home.path(), home.around().to_owned(), file.clone()] {
        assert_eq!(fault(Store::open(&path)), "not_found", "{}", path.display());
        assert_eq!(fault(Store::open_read_only(&path)), "not_found", "{}", path.display());
        let message = Store::open(&path).unwrap_err().to_string();
        assert!(message.contains(&path.display().to_string()), "{message}");
    }
    assert!(!home.path().exists(), "opening makes nothing");
    assert_eq!(fs::read(&file).unwrap(), b"text");
}

#[test]
fn a_store_is_not_made_where_something_is() {
    let home = Home::new();
    fs::create_dir(home.path()).unwrap();
    fs::write(home.path().join("letter.txt"), "keep me").unwrap();
    let before = files_of(&home.path());
    assert_eq!(fault(Store::create(home.path())), "already_exists");
    assert_eq!(files_of(&home.path()), before);
    fs::remove_file(home.path().join("letter.txt")).unwrap();
    home.create().close().unwrap();
    let before = files_of(&home.path());
    let refused = Store::create(home.path()).unwrap_err();
    assert!(matches!(&refused, Error::AlreadyExists { what, .. } if what == "store"), "{refused}");
    assert_eq!(files_of(&home.path()), before);
    assert_eq!(fault(Store::create(home.path().join(DATA_FILE))), "io", "below a file");
}

#[test]
fn a_store_that_is_open_is_locked_and_names_the_process() {
    let (home, store) = new_store();
    let path = home.path();
    for refused in [options().open(&path), options().open_read_only(&path)] {
        let error = refused.unwrap_err();
        let Error::Locked { holder, .. } = &error else { unreachable!("{error:?}") };
        assert!(holder.contains(&std::process::id().to_string()), "{holder}");
        assert!(error.to_string().contains("store"), "{error}");
    }
    store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    store.close().unwrap();
    home.open();
}

#[test]
fn readers_of_a_closed_store_do_not_lock_each_other_out() {
    let (home, store) = new_store();
    store.close().unwrap();
    let first = options().open_read_only(home.path()).unwrap();
    let second = options().open_read_only(home.path()).unwrap();
    assert_eq!(fault(options().open(home.path())), "locked");
    drop((first, second));
    home.open();
}

#[cfg(unix)]
#[test]
fn opening_for_reading_changes_no_file_and_needs_no_permission_to() {
    use std::os::unix::fs::PermissionsExt as _;

    let (home, store) = new_store();
    let id = store.write(|tx| tx.insert(&Card::new("a").place("s", 1))).unwrap();
    store.close().unwrap();
    let before = files_of(&home.path());
    let set_mode = |mode| {
        fs::set_permissions(home.path(), fs::Permissions::from_mode(mode)).unwrap();
    };
    let data = home.path().join(DATA_FILE);
    fs::set_permissions(&data, fs::Permissions::from_mode(0o400)).unwrap();
    set_mode(0o500);
    let store = options().open_read_only(home.path()).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.on_shelf("s"), [(id, Card::new("a").place("s", 1))]);
    assert_eq!(store.changes(Seq(0), 9).unwrap().len(), 1);
    assert_eq!(files_of(&home.path()), before, "while it is open");
    drop(tx);
    store.close().unwrap();
    set_mode(0o700);
    assert_eq!(files_of(&home.path()), before, "after it was closed");
}

/// Reads all that the public interface can read.
fn read_everything(store: &Store) -> Result<usize> {
    let tx = store.read()?;
    let mut rows = 0;
    for row in tx.iter::<Card>()? {
        let (id, card) = row?;
        rows += usize::from(tx.get::<Card>(id)?.is_some());
        rows += usize::from(tx.get_json(id)?.is_some());
        rows += usize::from(tx.get_as_of::<Card>(id, Seq(1))?.is_some());
        rows += usize::from(tx.find::<Card>("code", &card.code)?.is_some());
    }
    for row in tx.index::<Card>("shelf", ())?.chain(tx.index_descending::<Card>("rank", ())?) {
        row?;
        rows += 1;
    }
    for row in tx.iter::<Document>()? {
        row?;
        rows += 1;
    }
    for row in tx.iter::<Memory>()? {
        row?;
        rows += 1;
    }
    rows += store.changes(Seq(0), usize::MAX)?.len();
    Ok(rows)
}

/// Opens, reads and writes what may be damaged. `Err` only for a panic, with its message.
fn survives(directory: &Path) -> std::result::Result<bool, String> {
    let used = catch_unwind(AssertUnwindSafe(|| {
        let read_only = options().open_read_only(directory).and_then(|store| {
            let read = read_everything(&store);
            store.close()?;
            read
        });
        let written = options().open(directory).and_then(|store| {
            let read = read_everything(&store);
            let written = store.write(|tx| {
                for code in ["card 3", "card 4"] {
                    if let Some((id, _)) = tx.find::<Card>("code", code)? {
                        tx.delete(id)?;
                    }
                }
                tx.insert(&Card::new("new"))
            });
            store.close()?;
            read.and(written)
        });
        read_only.is_ok() && written.is_ok()
    }));
    used.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text").to_owned()
    })
}

/// The data file of a small closed store with every kind of row.
fn small_store() -> (Home, Vec<u8>) {
    let (home, store) = new_store();
    let first = store
        .write(|tx| {
            let first = tx.insert(&Card::new("first").alias("one").place("s", 1))?;
            for number in 0..40 {
                let card = Card::new(format!("card {number}")).place("s", number).next(first);
                let id = tx.insert(&card)?;
                tx.link(id, "to", first)?;
            }
            Ok(first)
        })
        .unwrap();
    store.write(|tx| tx.put(first, &Card::new("changed"))).unwrap();
    store
        .write(|tx| {
            let text = "a long text that is compressed ".repeat(200);
            tx.insert(&Document { file_path: Some(text), ..Document::default() })
        })
        .unwrap();
    store.close().unwrap();
    let bytes = fs::read(home.path().join(DATA_FILE)).unwrap();
    (home, bytes)
}

#[test]
fn a_damaged_data_file_is_an_error_and_never_a_panic() {
    let (home, good) = small_store();
    let data = home.path().join(DATA_FILE);
    // Pages that hold something; the rest of the file is reserve.
    let pages: Vec<usize> = (0..good.len() / 4_096)
        .filter(|page| good[page * 4_096..][..4_096].iter().any(|byte| *byte != 0))
        .collect();
    let mut panics = BTreeMap::new();
    let mut noticed = 0;
    let mut noise = 1_u64;
    for round in 0..400 {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let page = pages[(noise >> 33) as usize % pages.len()];
        let place = page * 4_096 + (noise >> 20) as usize % if round % 2 == 0 { 64 } else { 4_096 };
        let mut bad = good.clone();
        bad[place] ^= 1 << (noise >> 61);
        fs::write(&data, &bad).unwrap();
        match survives(&home.path()) {
            Ok(fine) => noticed += usize::from(!fine),
            Err(message) => {
                panics.insert(place, message);
            }
        }
    }
    assert!(panics.is_empty(), "{} panics: {panics:#?}", panics.len());
    assert!(noticed > 0, "no flipped bit was noticed");
}

#[test]
fn a_data_file_that_ends_early_is_an_error() {
    let (home, good) = small_store();
    let data = home.path().join(DATA_FILE);
    for length in [0, 1, 63, 64, 320, 4_095, 4_096, 8_192, 40_960, good.len() / 2, good.len() - 1] {
        fs::write(&data, &good[..length]).unwrap();
        let read = survives(&home.path());
        assert_eq!(read, Ok(false), "{length} of {} bytes", good.len());
    }
}

#[test]
fn a_data_file_of_something_else_is_an_error() {
    let home = Home::new();
    fs::create_dir(home.path()).unwrap();
    let data = home.path().join(DATA_FILE);
    let texts = [&b"SQLite format 3\0"[..], b"redb\x1a\x0a\xa9\x0d\x0a", b"\0", b"{}"];
    for text in texts {
        for length in [text.len(), 100, 4_096, 1 << 20] {
            let garbage: Vec<u8> = text.iter().copied().cycle().take(length).collect();
            fs::write(&data, &garbage).unwrap();
            assert_eq!(survives(&home.path()), Ok(false), "{length} bytes of {text:?}");
            assert_eq!(fs::read(&data).unwrap().len(), length, "nothing was added");
        }
    }
    fs::remove_file(&data).unwrap();
    fs::create_dir(&data).unwrap();
    assert_eq!(fault(Store::open(home.path())), "corrupt", "a directory in place of the file");
}

#[test]
fn records_over_the_limit_are_refused() {
    let (_home, store) = new_store();
    let mut card = Card::new("a");
    card.text = "x".repeat(257 << 20);
    let refused = store.write(|tx| tx.insert(&card));
    assert!(matches!(refused, Err(Error::Limit { .. })), "{:?}", refused.map_err(|e| e.kind()));
    store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    assert_eq!(store.seq(), Seq(1));
}
