//! Saved searches, and what standing ones match.

use std::collections::BTreeMap;

use engraph::record::{Memory, Record as _};
use engraph::search::{Filter, Matching, SearchOptions, Syntax};
use engraph::{Error, NodeId, SavedSearch, Seq, Store};

use crate::check::sound;
use crate::workload::{Card, Home, new_store};

fn memory(content: &str) -> Memory {
    Memory { content: content.into(), ..Memory::default() }
}

fn remember(store: &Store, content: &str) -> NodeId {
    store.write(|tx| tx.insert(&memory(content))).unwrap()
}

fn matched(store: &Store, search: &str, after: Seq) -> Vec<NodeId> {
    let found = store.matches(search, after, usize::MAX).unwrap();
    assert!(found.seq >= after);
    found.matches.into_iter().map(|found| found.id).collect()
}

#[test]
fn saved_searches_are_kept_run_replaced_and_forgotten() {
    let (home, store) = new_store();
    let reply = remember(&store, "a reply is due");
    let all = SearchOptions { matching: Matching::All, ..SearchOptions::default() };
    let filters = vec![Filter::Kinds(vec![reply.kind()]), Filter::number("importance", ..=1.0)];
    let narrow = SearchOptions { filters, ..all.clone() };
    store.save_search("due", &SavedSearch::new("reply due").options(all)).unwrap();
    store.save_search("narrow", &SavedSearch::new("reply").options(narrow)).unwrap();
    store.close().unwrap();
    let store = home.open();
    let found = store.search_saved("due").unwrap().of::<Memory>().run().unwrap();
    assert_eq!(found.hits[0].id, reply);
    assert_eq!(store.search_saved("narrow").unwrap().run().unwrap().hits, []);
    let names: Vec<String> =
        store.saved_searches().unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["due", "narrow"]);
    store.save_search("due", &SavedSearch::new("nothing")).unwrap();
    assert_eq!(store.saved_search("due").unwrap().unwrap().text, "nothing");
    assert!(store.forget_search("due").unwrap() && !store.forget_search("due").unwrap());
    let forgotten = store.search_saved("due").map(|_| ());
    assert!(matches!(forgotten, Err(Error::NotFound { .. })), "{forgotten:?}");
    sound(&store);
}

#[test]
fn what_cannot_be_saved_says_why() {
    let (_home, store) = new_store();
    let strict = SearchOptions { syntax: Syntax::Strict, ..SearchOptions::default() };
    let broken = store.save_search("x", &SavedSearch::new("(a").options(strict));
    assert!(matches!(broken, Err(Error::Query { .. })), "{broken:?}");
    let nameless = store.save_search("", &SavedSearch::new("a"));
    assert!(matches!(nameless, Err(Error::Invalid { .. })), "{nameless:?}");
    let long = store.save_search("x", &SavedSearch::new("a".repeat(1 << 20)));
    assert!(matches!(long, Err(Error::Limit { .. })), "{long:?}");
    assert!(matches!(store.matches("x", Seq(0), 1), Err(Error::NotFound { .. })));
    store.save_search("x", &SavedSearch::new("a")).unwrap();
    assert!(matches!(store.matches("x", Seq(0), 1), Err(Error::Invalid { .. })));
}

#[test]
fn a_standing_search_tells_of_records_as_they_begin_to_match() {
    let (home, store) = new_store();
    remember(&store, "an old reply");
    store.save_search("replies", &SavedSearch::new("reply -draft").standing()).unwrap();
    assert_eq!(matched(&store, "replies", Seq(0)), []);
    let first = remember(&store, "the first reply");
    let draft = remember(&store, "a draft of a reply");
    assert_eq!(matched(&store, "replies", Seq(0)), [first]);
    let seen = store.matches("replies", Seq(0), 9).unwrap().seq;
    assert_eq!(matched(&store, "replies", seen), []);
    store.write(|tx| tx.put(draft, &memory("a reply"))).unwrap();
    assert_eq!(matched(&store, "replies", seen), [draft]);
    store.write(|tx| tx.put(first, &memory("the first reply, again"))).unwrap();
    assert_eq!(matched(&store, "replies", Seq(0)), [first, draft], "it matched already");
    store.write(|tx| tx.put(first, &memory("something else"))).unwrap();
    assert_eq!(matched(&store, "replies", Seq(0)), [draft]);
    store.write(|tx| tx.put(first, &memory("reply"))).unwrap();
    store.close().unwrap();
    let store = home.open();
    assert_eq!(matched(&store, "replies", Seq(0)), [draft, first]);
    store.write(|tx| tx.delete(draft)).unwrap();
    assert_eq!(matched(&store, "replies", Seq(0)), [first]);
    // Another text under the same name begins anew.
    store.save_search("replies", &SavedSearch::new("reply OR draft").standing()).unwrap();
    assert_eq!(matched(&store, "replies", Seq(0)), []);
    let last = remember(&store, "draft");
    assert_eq!(matched(&store, "replies", Seq(0)), [last]);
    sound(&store);
    assert!(store.forget_search("replies").unwrap());
    assert!(!store.stats().unwrap().tables.contains_key("matches"));
}

#[test]
fn a_page_of_matches_holds_whole_writes() {
    let (_home, store) = new_store();
    store.save_search("a", &SavedSearch::new("word").standing()).unwrap();
    for count in [1, 3, 2] {
        store
            .write(|tx| (0..count).try_for_each(|_| tx.insert(&memory("word")).map(drop)))
            .unwrap();
    }
    let mut after = Seq(0);
    let mut pages = Vec::new();
    loop {
        let page = store.matches("a", after, 2).unwrap();
        if page.matches.is_empty() {
            break;
        }
        pages.push(page.matches.len());
        after = page.seq;
    }
    assert_eq!(pages, [4, 2]);
}

#[test]
fn looking_at_matches_writes_nothing_where_nothing_matched() {
    let (_home, store) = new_store();
    store.save_search("a", &SavedSearch::new("word").standing()).unwrap();
    remember(&store, "other");
    let before = store.seq();
    assert_eq!(matched(&store, "a", Seq(0)), []);
    assert_eq!(store.seq(), before);
    let inside = store.write(|tx| {
        tx.insert(&memory("word"))?;
        Ok(store.matches("a", Seq(0), 1)?.matches.len())
    });
    assert!(matches!(inside, Err(Error::Conflict { .. })), "{inside:?}");
}

#[test]
fn a_load_larger_than_a_batch_is_matched_to_its_end() {
    let (_home, store) = new_store();
    store.save_search("even", &SavedSearch::new("even").standing()).unwrap();
    store
        .bulk(|tx| {
            for number in 0..25_000_u32 {
                let text = if number % 100 == 0 { "even" } else { "odd" };
                tx.insert(&Card { text: text.into(), ..Card::new(number.to_string()) })?;
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(matched(&store, "even", Seq(0)).len(), 250);
}

#[test]
fn the_feed_holds_what_a_search_finds_after_any_writes() {
    let (home, mut store) = new_store();
    let mut random = crate::random::Random::new(5);
    let words = ["reply", "due", "late", "getName", "replies"];
    let queries = ["reply", "+due -late", "\"reply due\"", "get*", "lat~ OR due", "*"];
    for query in queries {
        store.save_search(query, &SavedSearch::new(query).standing()).unwrap();
    }
    let mut alive: BTreeMap<NodeId, String> = BTreeMap::new();
    for step in 0..150 {
        let text: Vec<&str> = (0..random.below(4)).map(|_| words[random.below(5)]).collect();
        let text = text.join(" ");
        let known = alive.keys().nth(random.below(alive.len().max(1))).copied();
        match (random.below(5), known) {
            (0, Some(id)) => {
                store.write(|tx| tx.delete(id)).unwrap();
                alive.remove(&id);
            }
            (1 | 2, Some(id)) => {
                store.write(|tx| tx.put(id, &memory(&text))).unwrap();
                alive.insert(id, text);
            }
            _ => {
                let id = store.write(|tx| tx.insert(&memory(&text))).unwrap();
                alive.insert(id, text);
            }
        }
        if random.below(6) > 0 {
            continue;
        }
        for query in queries {
            let options = SearchOptions { limit: 1_000, ..SearchOptions::default() };
            let found = store.search(query).options(options).run().unwrap();
            let mut found: Vec<NodeId> = found.hits.iter().map(|hit| hit.id).collect();
            let mut fed = matched(&store, query, Seq(0));
            found.sort_unstable();
            fed.sort_unstable();
            assert_eq!(fed, found, "step {step}: {query}");
        }
        if random.below(4) == 0 {
            store.close().unwrap();
            store = home.open();
        }
    }
    assert!(alive.len() > 10, "{} of {}", alive.len(), Memory::NAME);
    sound(&store);
}

#[test]
fn a_store_open_for_reading_tells_of_what_was_looked_at() {
    let (home, store): (Home, Store) = new_store();
    store.save_search("a", &SavedSearch::new("word").standing()).unwrap();
    let id = remember(&store, "word");
    assert_eq!(matched(&store, "a", Seq(0)), [id]);
    remember(&store, "another word");
    store.close().unwrap();
    let store = Store::open_read_only(home.path()).unwrap();
    assert_eq!(matched(&store, "a", Seq(0)), [id]);
}
