//! Search as its users see it: explained, corrected, completed, rebuilt, and never in the way.

use std::fs;

use engraph::record::{Document, Memory};
use engraph::search::{
    AnalyzerOptions, Facet, FacetCounts, FoundIn, Language, Matching, SearchOptions, Total, Typos,
};
use engraph::{Error, Freshness, NodeId, Store, Timestamp};
use proptest::prelude::{Just, Strategy as _, any, prop, prop_oneof};

use crate::workload::{Card, Home, new_store};

fn memory(title: &str, content: &str) -> Memory {
    Memory { key: title.into(), content: content.into(), ..Memory::default() }
}

/// A store of memories with these titles and contents.
fn remembering(contents: &[(&str, &str)]) -> (Home, Store, Vec<NodeId>) {
    let (home, store) = new_store();
    let ids = store.write(|tx| {
        contents.iter().map(|(title, content)| tx.insert(&memory(title, content))).collect()
    });
    (home, store, ids.unwrap())
}

#[test]
fn a_search_for_ids_finds_the_same_without_cutting_texts() {
    let (_home, store, ids) = remembering(&[("a", "the reply"), ("b", "a reply to the reply")]);
    let cut = store.search("reply").run().unwrap();
    let bare = store.search("reply").without_snippets().run().unwrap();
    assert!(cut.hits.iter().all(|hit| hit.snippet.is_some()));
    assert!(bare.hits.iter().all(|hit| hit.snippet.is_none()));
    let scored = |found: &engraph::SearchResults| {
        found.hits.iter().map(|hit| (hit.id, hit.score)).collect::<Vec<_>>()
    };
    assert_eq!(scored(&bare), scored(&cut));
    // What went after the index was written is left out here as there.
    store.write(|tx| tx.delete(ids[0]).map(drop)).unwrap();
    let stale = |search: engraph::Search<'_>| {
        scored(&search.freshness(Freshness::Committed).run().unwrap())
    };
    let (bare, cut) = (store.search("reply").without_snippets(), store.search("reply"));
    let found = stale(bare);
    assert_eq!(found, stale(cut));
    assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [ids[1]]);
}

#[test]
fn the_parts_of_an_explanation_add_up_to_the_score() {
    let (_home, store, ids) = remembering(&[
        ("reply", "the reply to the letter is due in March"),
        ("note", "a letter, and another letter"),
        ("getUserName", "where the reply is made: get_user_name"),
    ]);
    for query in [
        "reply letter",
        "repl* due",
        "lettre~ reply",
        "\"the letter\" OR march",
        "(reply AND due) OR letter",
        "+reply letter -lunch",
        "title:reply user_name",
        "getUserName \"reply is\"*",
        "reply NOT (due AND lunch)",
        "reply^3 title:reply^0.5 \"the letter\"^2 (due lette*^4)^0.25 getUserName^2",
    ] {
        let search = store.search(query);
        let found = search.clone().run().unwrap();
        assert!(!found.hits.is_empty(), "{query}");
        for hit in found.hits {
            let explained = search.explain(hit.id).unwrap().unwrap();
            let sum: f32 = explained.parts.iter().map(|part| part.score).sum();
            assert!((sum - hit.score).abs() < 1e-4 * hit.score.max(1.0), "{query}: {explained:?}");
            assert!((explained.score - hit.score).abs() < 1e-5, "{query}: {explained:?}");
        }
    }
    let explained = store.search("letter lunch").explain(ids[1]).unwrap().unwrap();
    let [part] = &explained.parts[..] else { unreachable!("{explained:?}") };
    assert_eq!((&part.asked[..], part.found_in), ("letter", FoundIn::Text));
    assert_eq!((part.records, part.occurrences), (Some(2), Some(2)));
    assert_eq!(store.search("lunch").explain(ids[1]).unwrap(), None);
    assert_eq!(store.search("march AND lunch").explain(ids[0]).unwrap(), None);
}

#[test]
fn a_record_is_like_those_that_share_its_rare_words() {
    let (_home, store, ids) = remembering(&[
        ("a", "the motion to dismiss the complaint of the tenant"),
        ("b", "the lunch of the day is soup"),
        ("c", "a reply to the motion to dismiss"),
        ("d", "the tenant pays"),
    ]);
    let found = store.more_like(ids[0]).run().unwrap();
    let found: Vec<NodeId> = found.hits.iter().map(|hit| hit.id).collect();
    assert_eq!(found[0], ids[2]);
    assert!(!found.contains(&ids[0]), "the record itself is left out");
    let lone = store.write(|tx| tx.insert(&memory("x", "zzz yyy"))).unwrap();
    assert_eq!(store.more_like(lone).run().unwrap().hits, []);
    let gone = NodeId::new(ids[0].kind(), 999).unwrap();
    let absent = store.more_like(gone).run();
    assert!(matches!(absent, Err(Error::NotFound { .. })), "{absent:?}");
}

#[test]
fn a_misspelt_word_is_replaced_by_a_word_that_some_record_has() {
    let (_home, store, _) = remembering(&[
        ("a", "the replies are due before the deadline"),
        ("b", "the deadline of the Caf\u{e9}"),
    ]);
    let meant = |text: &str| store.search(text).did_you_mean().unwrap();
    assert_eq!(meant("deadlnie").as_deref(), Some("deadline"));
    assert_eq!(meant("the repplies OR deadlime").as_deref(), Some("the replies OR deadline"));
    assert_eq!(meant("cafr").as_deref(), Some("caf\u{e9}"));
    for known in ["deadline", "DEADLINES", "", "xyzxyz", "tag:deadlnie", "deadlni*", "-deadlnie"] {
        assert_eq!(meant(known), None, "{known}");
    }
}

#[test]
fn a_text_is_completed_by_words_titles_and_keywords() {
    let (_home, store) = new_store();
    store
        .write(|tx| {
            for (file, tag, words) in [
                ("lease agreement.txt", "leasing", "the replies"),
                ("lease reply.txt", "legal", "a reply, replied"),
                ("notes.txt", "legal", "replica"),
            ] {
                tx.insert(&Document { file_name: file.into(), ..Document::default() })?;
                tx.insert(&Memory { tags: vec![tag.into()], ..memory(tag, words) })?;
            }
            Ok(())
        })
        .unwrap();
    let complete = |text: &str| store.complete(text, 10).unwrap();
    let words: Vec<String> = complete("repl").words.into_iter().map(|word| word.word).collect();
    for word in ["replies", "reply", "replied", "replica"] {
        assert!(words.iter().any(|found| found == word), "{word} is not in {words:?}");
    }
    assert!(!words.iter().any(|word| word == "repli"), "no stems: {words:?}");
    assert_eq!(complete("lease rep").titles, ["lease reply.txt"]);
    assert_eq!(complete("lea").titles, ["lease agreement.txt", "lease reply.txt", "leasing"]);
    let keywords = complete("LEG").keywords;
    assert_eq!((&keywords[0].field[..], &keywords[0].word[..]), ("tag", "legal"));
    assert_eq!(keywords[0].records, 2);
    assert_eq!(complete(" "), engraph::Completions::default());
    assert_eq!(store.complete("repl", 1).unwrap().words.len(), 1);
}

#[test]
fn hits_are_counted_by_month() {
    let (_home, store) = new_store();
    let at = |text: &str| text.parse::<Timestamp>().ok();
    store
        .write(|tx| {
            for time in ["2026-03-31T23:59:59Z", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"] {
                tx.insert(&Memory { created_at: at(time), ..memory("a", "words") })?;
            }
            tx.insert(&memory("a", "words without a time"))
        })
        .unwrap();
    let options = SearchOptions {
        total: Total::Count,
        facets: vec![Facet::Months("created".into()), Facet::Months("none".into())],
        ..SearchOptions::default()
    };
    let found = store.search("words").options(options).run().unwrap();
    let months = vec![("2026-03".to_owned(), 2), ("2026-04".to_owned(), 1)];
    assert_eq!(found.facets, [FacetCounts::Months(months), FacetCounts::Months(vec![])]);
    assert_eq!(found.total, Some(4));
}

#[test]
fn a_title_counts_as_much_as_is_said() {
    let (_home, store, ids) =
        remembering(&[("lease", "another matter of which much is said"), ("x", "lease lease")]);
    let first = |title_weight: f32| {
        let options = SearchOptions { title_weight, ..SearchOptions::default() };
        store.search("lease").options(options).run().unwrap().hits[0].id
    };
    assert_eq!((first(0.0), first(10.0)), (ids[1], ids[0]));
}

#[test]
fn a_word_counts_as_much_as_its_weight() {
    let (_home, store, ids) = remembering(&[("x", "lease lease tenant"), ("y", "tenant keys")]);
    let found = |text: &str| {
        let found = store.search(text).run().unwrap();
        found.hits.iter().map(|hit| (hit.id, hit.score)).collect::<Vec<_>>()
    };
    let first = |text: &str| found(text)[0].0;
    assert_eq!((first("lease keys^9"), first("lease^9 keys")), (ids[1], ids[0]));
    assert_eq!((first("(x lease)^9 keys"), first("x lease \"tenant keys\"^9")), (ids[0], ids[1]));
    let ([(_, one), ..], [(_, three), ..]) = (&found("lease")[..], &found("lease^3")[..]) else {
        unreachable!("both words have a hit")
    };
    assert!((three - 3.0 * one).abs() < 1e-5, "{three} {one}");
    // What counts for nothing is found all the same.
    assert_eq!(found("lease^0").len(), 1);
    assert_eq!(
        store.search("leese^2 tenant").did_you_mean().unwrap().as_deref(),
        Some("lease^2 tenant")
    );
}

#[test]
fn the_analyzer_of_a_store_is_remembered_and_can_be_changed() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    let german = AnalyzerOptions { stem: Some(Language::German), ..AnalyzerOptions::default() };
    let store = Store::builder().analyzer(german).create(&path).unwrap();
    let id = store.write(|tx| tx.insert(&memory("a", "die H\u{e4}user"))).unwrap();
    let finds = |store: &Store| {
        let found = store.search("Hauses").run().unwrap();
        found.hits.first().is_some_and(|hit| hit.id == id)
    };
    assert!(finds(&store));
    store.close().unwrap();
    let store = Store::open(&path).unwrap();
    assert!(finds(&store), "remembered");
    store.close().unwrap();
    let store = Store::builder().analyzer(AnalyzerOptions::default()).open(&path).unwrap();
    assert!(finds(&store) || !store.search_stats().rebuilding, "the old index answers meanwhile");
    let late = store.write(|tx| tx.insert(&memory("b", "later words"))).unwrap();
    assert_eq!(store.search("later").run().unwrap().hits[0].id, late, "and sees what is written");
    while store.search_stats().rebuilding {
        std::thread::yield_now();
    }
    assert!(!finds(&store), "the new one has taken its place");
    assert_eq!(store.search("later").run().unwrap().hits[0].id, late);
    assert!(store.check_search().unwrap().is_ok());
    // The old one goes after the new one has begun to answer.
    while fs::read_dir(path.join("search")).unwrap().count() > 1 {
        std::thread::yield_now();
    }
}

#[test]
fn an_index_is_rebuilt_when_asked_and_when_damaged() {
    let (home, store, ids) = remembering(&[("a", "one"), ("b", "two")]);
    let rebuilt = store.rebuild_search().unwrap();
    assert_eq!((rebuilt.documents, rebuilt.behind), (2, 0));
    assert!(store.check_search().unwrap().is_ok());
    store.close().unwrap();
    for folder in fs::read_dir(home.path().join("search")).unwrap() {
        for entry in fs::read_dir(folder.unwrap().path()).unwrap() {
            fs::write(entry.unwrap().path(), "damage").unwrap();
        }
    }
    let store = home.open();
    assert_eq!(store.search("two").run().unwrap().hits[0].id, ids[1]);
    let report = store.check_search().unwrap();
    assert!(report.is_ok() && report.records == 2, "{report:?}");
    store.close().unwrap();
    let store = Store::open_read_only(home.path()).unwrap();
    assert!(matches!(store.rebuild_search(), Err(Error::ReadOnly { .. })));
    assert_eq!(store.search("one").run().unwrap().hits.len(), 1);
}

#[test]
fn a_search_sees_every_write_before_it_unless_it_need_not() {
    let (_home, store) = new_store();
    for number in 0..20 {
        let id = store.write(|tx| tx.insert(&memory("n", &format!("word{number}x")))).unwrap();
        let found = store.search(format!("word{number}x")).run().unwrap();
        assert_eq!((found.hits[0].id, found.behind), (id, 0));
    }
    store.write(|tx| tx.insert(&memory("n", "unseen"))).unwrap();
    let stale = store.search("unseen").freshness(Freshness::Committed).run().unwrap();
    assert_eq!((stale.hits.len(), stale.behind), (0, 1));
}

#[test]
fn what_the_index_holds_is_what_the_records_say_after_any_writes() {
    let (home, mut store) = new_store();
    let mut random = crate::random::Random::new(31);
    let mut ids: Vec<NodeId> = Vec::new();
    for step in 0..120 {
        store
            .write(|tx| {
                let known = (!ids.is_empty()).then(|| ids[random.below(ids.len())]);
                let text = format!("t{} getName{step} \u{6771}\u{4eac}", random.below(9));
                match (random.below(4), known) {
                    (0, Some(id)) => tx.delete(id).map(drop),
                    (1, Some(id)) => tx.put(id, &memory("changed", &text)),
                    _ => {
                        let tags = vec![text.clone(), "T".into()];
                        let created_at = Some(Timestamp::from_micros(step));
                        let importance_score = Some(f64::from(random.below(5) as u8) - 0.0);
                        let extra =
                            Memory { tags, created_at, importance_score, ..memory("new", &text) };
                        ids.push(tx.insert(&extra)?);
                        tx.insert(&Card { text, ..Card::new(step.to_string()) }).map(drop)
                    }
                }
            })
            .unwrap();
        if random.below(10) == 0 {
            store.search("t1").run().unwrap();
        }
        if step % 40 == 39 {
            store.close().unwrap();
            store = home.open();
            let report = store.check_search().unwrap();
            assert!(report.is_ok() && report.records > 0, "{report:?}");
            assert_eq!(report.watermark, Some(store.seq()));
        }
    }
}

#[test]
fn no_text_makes_any_part_of_a_lenient_search_fail() {
    let (_home, store, ids) = remembering(&[
        ("getName", "some text \u{6771}\u{4eac} with getName and words"),
        ("b", "other words"),
    ]);
    let piece = prop_oneof![
        prop::sample::select(vec![
            "\"", "(", ")", "*", "~", "~2", " OR ", " AND ", " NOT ", " -", "+", "tag:", "title:",
            "getName", "wrods", "^", "\\", "a:b:c",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}".prop_map(|text| text),
    ];
    let texts = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let matching =
        prop_oneof![Just(Matching::Any), Just(Matching::All), Just(Matching::AllElseAny)];
    let mut runner = proptest::test_runner::TestRunner::default();
    runner
        .run(&(texts, matching, any::<bool>()), |(text, matching, typos)| {
            let typos = if typos { Typos::Accept } else { Typos::Refuse };
            let options = SearchOptions { matching, typos, ..SearchOptions::default() };
            let search = store.search(&text).options(options);
            search.clone().run().unwrap();
            search.explain(ids[0]).unwrap();
            search.did_you_mean().unwrap();
            store.complete(&text, 3).unwrap();
            Ok(())
        })
        .unwrap();
}
