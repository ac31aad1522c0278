//! Approximate indexes of vectors: built, asked, kept in files, followed, forgotten.

use std::fs;
use std::path::{Path, PathBuf};

use engraph::family::Erase;
use engraph::record::Memory;
use engraph::search::{Metric, Scan};
use engraph::{Error, NodeId, SimilarResults, Store};

use crate::workload::{Card, Home, options};

const MODEL: &str = "mini";
const DIMENSION: usize = 24;
const CENTRES: u64 = 60;
const COUNT: u64 = 3_000;
/// A share that only all of them exceed.
const ALL: f64 = 0.9999;

/// A value between -1 and 1 (splitmix64).
fn value(number: u64) -> f32 {
    let mut bits = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
}

/// A vector around one of the centres.
fn vector(number: u64) -> Vec<f32> {
    let centre = number % CENTRES;
    let values = 0..DIMENSION as u64;
    values.map(|at| value(centre << 8 | at) + 0.3 * value(number << 32 | at)).collect()
}

fn filled() -> (Home, Store, Vec<NodeId>) {
    let home = Home::new();
    let store = options().create(home.path()).unwrap();
    let mut ids = Vec::new();
    store
        .bulk(|tx| {
            for number in 0..COUNT {
                let id = tx.insert(&Card::new(number.to_string()))?;
                tx.put_vector(id, MODEL, &vector(number))?;
                ids.push(id);
            }
            Ok(())
        })
        .unwrap();
    (home, store, ids)
}

fn found(store: &Store, query: &[f32], scan: Scan) -> SimilarResults {
    store.similar(MODEL, query).scan(scan).run().unwrap()
}

/// The share of the exact hits that are found, over some queries. What is found has its score.
#[track_caller]
fn recall(store: &Store) -> f64 {
    let (mut hits, mut all) = (0, 0);
    for number in 0..50 {
        let query = vector(COUNT + 7 * number);
        let exact = found(store, &query, Scan::Exact).hits;
        let near = found(store, &query, Scan::Approximate).hits;
        assert_eq!(near.len(), exact.len());
        assert!(near.is_sorted_by(|a, b| a.score >= b.score));
        all += exact.len();
        for hit in &exact {
            let same = near.iter().find(|it| it.id == hit.id);
            assert!(same.is_none_or(|it| it.score.to_bits() == hit.score.to_bits()));
            hits += usize::from(same.is_some());
        }
    }
    f64::from(hits as u32) / f64::from(all as u32)
}

fn indexed(store: &Store) -> Option<u64> {
    store.vector_stats().first().and_then(|stats| stats.indexed)
}

fn files(home: &Home) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(home.path().join("vectors")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn first(found: &SimilarResults) -> Option<NodeId> {
    found.hits.first().map(|hit| hit.id)
}

#[test]
fn most_of_the_nearest_are_found_with_their_scores_and_again_after_opening() {
    let (home, store, _) = filled();
    // Without an index every vector is looked at.
    assert!(recall(&store) > ALL);
    assert_eq!(indexed(&store), None);
    store.index_vectors(MODEL).unwrap();
    assert_eq!(indexed(&store), Some(COUNT));
    assert!(recall(&store) > 0.95, "{}", recall(&store));
    let query = vector(COUNT);
    let before = found(&store, &query, Scan::Approximate).hits;
    store.close().unwrap();

    let store = home.open();
    assert_eq!(found(&store, &query, Scan::Approximate).hits, before);
    assert_eq!(indexed(&store), Some(COUNT));
    store.close().unwrap();
    let store = Store::builder().register::<Card>().open_read_only(home.path()).unwrap();
    assert_eq!(found(&store, &query, Scan::Approximate).hits, before);
    let refused = store.index_vectors(MODEL).unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused}");
}

#[test]
fn what_is_written_afterwards_is_seen_at_once() {
    let (home, store, ids) = filled();
    store.index_vectors(MODEL).unwrap();
    let reader = store.read().unwrap();
    let (new, replaced, gone) = (vector(COUNT + 1), vector(COUNT + 2), ids[5]);
    let added = store
        .write(|tx| {
            let added = tx.insert(&Card::new("new"))?;
            tx.put_vector(added, MODEL, &new)?;
            tx.put_vector(ids[9], MODEL, &replaced)?;
            tx.delete_vector(ids[6], MODEL)?;
            tx.delete(gone)?;
            Ok(added)
        })
        .unwrap();
    let check = |store: &Store| {
        assert_eq!(first(&found(store, &new, Scan::Approximate)), Some(added));
        assert_eq!(first(&found(store, &replaced, Scan::Approximate)), Some(ids[9]));
        for number in [5, 6, 9] {
            let near = found(store, &vector(number), Scan::Approximate);
            assert_ne!(first(&near), Some(ids[number as usize]));
        }
        assert!(recall(store) > 0.95);
    };
    check(&store);
    assert_eq!(indexed(&store), Some(COUNT - 3), "two are fresh, two gone");
    // A reader of the state before sees that state.
    let old = reader.similar(MODEL, &vector(5)).scan(Scan::Approximate).run().unwrap();
    assert_eq!(first(&old), Some(gone));
    drop(reader);
    store.close().unwrap();

    // The files are older than the writes, which are followed from the log.
    let store = home.open();
    check(&store);
    assert_eq!(indexed(&store), Some(COUNT - 3));
    store.index_vectors(MODEL).unwrap();
    assert_eq!(indexed(&store), Some(COUNT - 1));
    check(&store);
    store.close().unwrap();
    let store = home.open();
    check(&store);
    assert_eq!(indexed(&store), Some(COUNT - 1));
}

#[test]
fn more_changes_than_it_knows_make_it_new() {
    let (_home, store, ids) = filled();
    store.index_vectors(MODEL).unwrap();
    store
        .bulk(|tx| {
            for (number, id) in (COUNT * 2..).zip(&ids[..2_000]) {
                tx.put_vector(*id, MODEL, &vector(number))?;
            }
            Ok(())
        })
        .unwrap();
    assert!(recall(&store) > 0.95);
    store.index_vectors(MODEL).unwrap();
    assert_eq!(indexed(&store), Some(COUNT));
    assert!(recall(&store) > 0.95);
}

#[test]
fn searches_and_writes_go_on_while_it_is_built() {
    let (_home, store, ids) = filled();
    std::thread::scope(|scope| {
        let indexing = scope.spawn(|| {
            for _ in 0..3 {
                store.index_vectors(MODEL).unwrap();
            }
        });
        let (store, ids) = (&store, &ids);
        scope.spawn(move || {
            for (number, id) in (COUNT * 3..).zip(&ids[..200]) {
                store.write(|tx| tx.put_vector(*id, MODEL, &vector(number))).unwrap();
            }
        });
        let mut number = 0;
        while !indexing.is_finished() {
            number += 1;
            let query = vector(number);
            let near = found(store, &query, Scan::Approximate);
            assert!(near.hits.is_sorted_by(|a, b| a.score >= b.score));
            assert_eq!(near.hits.len(), 10);
        }
    });
    store.index_vectors(MODEL).unwrap();
    assert_eq!(indexed(&store), Some(COUNT));
    assert!(recall(&store) > 0.95);
}

#[test]
fn other_metrics_kinds_and_large_pages_are_answered_exactly() {
    let (_home, store, _) = filled();
    store.index_vectors(MODEL).unwrap();
    let query = vector(COUNT);
    for metric in [Metric::Dot, Metric::Euclidean] {
        let similar = || store.similar(MODEL, &query).metric(metric);
        assert_eq!(
            similar().scan(Scan::Approximate).run().unwrap(),
            similar().scan(Scan::Exact).run().unwrap()
        );
    }
    let of_cards = || store.similar(MODEL, &query).of::<Card>();
    assert_eq!(
        of_cards().scan(Scan::Approximate).run().unwrap(),
        of_cards().scan(Scan::Exact).run().unwrap()
    );
    let narrow = store.similar(MODEL, &query).scan(Scan::Approximate).candidates(1).top(1);
    assert_eq!(narrow.run().unwrap().hits.len(), 1);
    let large = || store.similar(MODEL, &query).top(1_000);
    assert_eq!(
        large().scan(Scan::Approximate).run().unwrap(),
        large().scan(Scan::Exact).run().unwrap()
    );
}

#[test]
fn damaged_files_are_not_read() {
    let (home, store, _) = filled();
    store.index_vectors(MODEL).unwrap();
    store.close().unwrap();
    let [data, note] = <[PathBuf; 2]>::try_from(files(&home)).unwrap();
    let damage = |path: &Path, change: &dyn Fn(&mut Vec<u8>)| {
        let whole = fs::read(path).unwrap();
        let mut damaged = whole.clone();
        change(&mut damaged);
        fs::write(path, damaged).unwrap();
        let store = home.open();
        assert!(recall(&store) > ALL, "every vector is looked at");
        assert_eq!(indexed(&store), None);
        store.close().unwrap();
        fs::write(path, whole).unwrap();
    };
    damage(&data, &|bytes| bytes[500] ^= 1);
    damage(&data, &|bytes| bytes.truncate(100));
    damage(&data, &Vec::clear);
    damage(&note, &|bytes| bytes.truncate(20));
    damage(&note, &|bytes| bytes[0] = b'x');
    let store = home.open();
    recall(&store);
    assert_eq!(indexed(&store), Some(COUNT));
    store.close().unwrap();
    fs::remove_file(&data).unwrap();
    let store = home.open();
    assert!(recall(&store) > ALL);
    store.index_vectors(MODEL).unwrap();
    assert_eq!(indexed(&store), Some(COUNT));
}

#[test]
fn an_erasure_forgets_it() {
    let (home, store, _) = filled();
    let memory = Memory { record_id: "m".into(), ..Memory::default() };
    let memory = store
        .write(|tx| {
            let id = tx.insert(&memory)?;
            tx.put_vector(id, MODEL, &vector(COUNT))?;
            Ok(id)
        })
        .unwrap();
    store.index_vectors(MODEL).unwrap();
    assert_eq!(files(&home).len(), 2);
    let erase = Erase::records([memory]).author("anna").reason("asked for by the subject");
    let kept: Vec<(PathBuf, Vec<u8>)> =
        files(&home).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    store.erase(&erase).unwrap();
    assert_eq!((files(&home).len(), indexed(&store)), (0, None));
    assert!(recall(&store) > ALL);
    store.close().unwrap();

    // As a crash before the files went leaves it.
    let folder = home.path().join("vectors");
    fs::create_dir_all(&folder).unwrap();
    for (path, bytes) in kept {
        fs::write(path, bytes).unwrap();
    }
    let store = home.open();
    assert!(!folder.exists());
    store.close().unwrap();

    // As one while the first files were written leaves it: no note says what it shows.
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("half.new"), "half").unwrap();
    let store = home.open();
    assert!(!folder.exists());
    store.index_vectors(MODEL).unwrap();
    store.close().unwrap();
    let store = home.open();
    recall(&store);
    assert_eq!(indexed(&store), Some(COUNT));
}

#[test]
fn what_cannot_be_indexed_is_refused() {
    let (home, store, _) = filled();
    let refused = store.index_vectors("other").unwrap_err();
    assert!(matches!(refused, Error::NotFound { .. }), "{refused}");
    store.close().unwrap();
    let store = options().vector_bytes_max(100 << 10).open(home.path()).unwrap();
    let refused = store.index_vectors(MODEL).unwrap_err();
    assert!(matches!(refused, Error::Invalid { .. }), "{refused}");
    assert!(files(&home).is_empty());
    store.close().unwrap();
    // Room for the vectors, and none for their index.
    let store = options().vector_bytes_max(2 << 20).open(home.path()).unwrap();
    let refused = store.index_vectors(MODEL).unwrap_err();
    assert!(matches!(refused, Error::Invalid { .. }), "{refused}");
    assert!(recall(&store) > ALL);
}
