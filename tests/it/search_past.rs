//! Searching the store as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use engraph::record::{Document, Memory};
use engraph::search::{Facet, FacetCounts, SearchOptions, Total};
use engraph::{Error, ManualClock, NodeId, Seq, Store, Timestamp};

use crate::workload::new_store;

fn memory(content: &str) -> Memory {
    Memory { content: content.into(), ..Memory::default() }
}

fn found_as_of(store: &Store, query: &str, at: u64) -> BTreeSet<NodeId> {
    let found = store.search(query).limit(1_000).as_of(Seq(at)).run().unwrap();
    assert_eq!(found.seq, Seq(at));
    found.hits.into_iter().map(|hit| hit.id).collect()
}

#[test]
fn a_past_search_finds_what_matched_then_with_the_words_of_then() {
    let (_home, store) = new_store();
    let a = store.write(|tx| tx.insert(&memory("the reply is due"))).unwrap();
    let b = store.write(|tx| tx.insert(&memory("a letter"))).unwrap();
    store.write(|tx| tx.put(a, &memory("the reply was sent"))).unwrap();
    store.write(|tx| tx.delete(b)).unwrap();
    store.write(|tx| tx.insert(&memory("due again"))).unwrap();
    assert_eq!(found_as_of(&store, "due", 0), BTreeSet::new());
    for at in [1, 2] {
        assert_eq!(found_as_of(&store, "due", at), BTreeSet::from([a]), "{at}");
    }
    assert_eq!(found_as_of(&store, "due", 3), BTreeSet::new());
    assert_eq!(found_as_of(&store, "letter", 3), BTreeSet::from([b]));
    assert_eq!(found_as_of(&store, "letter", 4), BTreeSet::new());
    let then = store.search("due").as_of(Seq(2)).run().unwrap();
    assert_eq!(then.hits[0].snippet.as_ref().unwrap().text, "the reply is due");
    assert!(then.hits[0].score > 0.0);
    let options = SearchOptions {
        total: Total::Count,
        facets: vec![Facet::Kinds],
        ..SearchOptions::default()
    };
    let counted = store.search("").options(options).as_of(Seq(2)).run().unwrap();
    assert_eq!(counted.total, Some(2));
    assert_eq!(counted.facets, [FacetCounts::Kinds(vec![(a.kind(), 2)])]);
}

#[test]
fn what_has_no_past_says_so() {
    let (_home, store) = new_store();
    store.write(|tx| tx.insert(&memory("a"))).unwrap();
    let document = store.search("a").of::<Document>().as_of(Seq(1)).run();
    assert!(matches!(document, Err(Error::Invalid { .. })), "{document:?}");
    let future = store.search("a").as_of(Seq(2)).run();
    assert!(matches!(future, Err(Error::Invalid { .. })), "{future:?}");
    let explained =
        store.search("a").as_of(Seq(1)).explain(NodeId::new(engraph::Kind(1), 1).unwrap());
    assert!(matches!(explained, Err(Error::Invalid { .. })), "{explained:?}");
    // Documents keep no history and are left out.
    let named = Document { file_name: "a".into(), ..Document::default() };
    store.write(|tx| tx.insert(&named)).unwrap();
    assert_eq!(found_as_of(&store, "a", 2).len(), 1);
}

#[test]
fn a_time_stands_for_the_last_write_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000)));
    let options = Store::builder().clock(Arc::clone(&clock));
    let store = options.create(folder.path().join("s")).unwrap();
    let id = store.write(|tx| tx.insert(&memory("first"))).unwrap();
    for word in ["second", "third"] {
        clock.advance(Duration::from_secs(1));
        store.write(|tx| tx.put(id, &memory(word))).unwrap();
    }
    for (micros, word) in [
        (999_999, None),
        (1_000_000, Some("first")),
        (1_999_999, Some("first")),
        (2_000_000, Some("second")),
        (3_000_000, Some("third")),
        (i64::MAX, Some("third")),
    ] {
        let found = store.search("*").as_of_time(Timestamp::from_micros(micros)).run().unwrap();
        let text = found.hits.first().and_then(|hit| hit.snippet.as_ref()).map(|it| &*it.text);
        assert_eq!(text, word, "{micros}");
    }
}

#[test]
fn every_earlier_state_is_found_as_a_scan_of_it_finds_it() {
    let (home, mut store) = new_store();
    let mut random = crate::random::Random::new(77);
    let words = ["reply", "due", "late", "letter"];
    let mut states: Vec<BTreeMap<NodeId, String>> = vec![BTreeMap::new()];
    for _ in 0..60 {
        let mut state = states.last().unwrap().clone();
        let text = format!("{} {}", words[random.below(4)], words[random.below(4)]);
        let known = state.keys().nth(random.below(state.len().max(1))).copied();
        match (random.below(4), known) {
            (0, Some(id)) => {
                store.write(|tx| tx.delete(id)).unwrap();
                state.remove(&id);
            }
            (1 | 2, Some(id)) if state[&id] != text => {
                store.write(|tx| tx.put(id, &memory(&text))).unwrap();
                state.insert(id, text);
            }
            _ => {
                let id = store.write(|tx| tx.insert(&memory(&text))).unwrap();
                state.insert(id, text);
            }
        }
        states.push(state);
        if random.below(20) == 0 {
            store.close().unwrap();
            store = home.open();
        }
    }
    assert_eq!(store.seq(), Seq(60));
    for (at, state) in states.iter().enumerate() {
        for word in words {
            let expected: BTreeSet<NodeId> =
                state.iter().filter(|(_, text)| text.contains(word)).map(|(id, _)| *id).collect();
            assert_eq!(found_as_of(&store, word, at as u64), expected, "{word} as of {at}");
        }
    }
    // Page by page the same.
    let mut paged = BTreeSet::new();
    let mut next = None;
    loop {
        let mut search = store.search("reply due").limit(3).as_of(Seq(40));
        if let Some(cursor) = next {
            search = search.after(cursor);
        }
        let page = search.run().unwrap();
        paged.extend(page.hits.iter().map(|hit| hit.id));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(paged, found_as_of(&store, "reply due", 40));
}
