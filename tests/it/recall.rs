//! Memories by a question: each signal, scopes, time, and answers that explain themselves.

use engraph::family::{
    NearDuplicates, RecallFields, RecallHit, RecallSignal, RecallUse, RecallVerdict, RecallVia,
    RecallWeights, count_tokens,
};
use engraph::record::{Memory, MemoryType, Vector};
use engraph::{Error, NewEdge, NodeId, Store, Timestamp};

use crate::workload::Home;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A memory of the namespace `team`.
fn note(name: &str, content: &str) -> Memory {
    Memory {
        record_id: name.into(),
        namespace: "team".into(),
        content: content.into(),
        ..Memory::default()
    }
}

/// A turn of a talk.
fn turn(name: &str, (session, at): (&str, &str), agent: &str, content: &str) -> Memory {
    Memory {
        session_id: Some(session.into()),
        created_at: Some(time(at)),
        agent_id: Some(agent.into()),
        ..note(name, content)
    }
}

fn store_of(memories: &[Memory]) -> (Home, Store, Vec<NodeId>) {
    let home = Home::new();
    let store = Store::create(home.path()).unwrap();
    let ids = store
        .write(|tx| memories.iter().map(|memory| tx.insert(memory)).collect::<Result<Vec<_>, _>>())
        .unwrap();
    (home, store, ids)
}

/// The names of what is recalled, in order.
fn names(hits: &[RecallHit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.record_id.as_deref().unwrap()).collect()
}

#[track_caller]
fn check(memories: &[Memory], question: &str, expected: &[&str]) {
    let (_home, store, _) = store_of(memories);
    let found =
        store.recall(question).namespace("team").limit(expected.len().max(1)).run().unwrap();
    assert_eq!(names(&found.hits), expected, "{question}");
}

fn signal(hit: &RecallHit, signal: RecallSignal) -> f32 {
    hit.signals.iter().find(|part| part.signal == signal).map_or(0.0, |part| part.value)
}

#[test]
fn words_of_the_question_are_found_by_their_stems_and_questions_words_say_nothing() {
    let memories = [
        note("a", "What was that, and where did you do it?"),
        note("b", "The replies were filed on Monday"),
        note("c", "Nothing of the kind"),
    ];
    check(&memories, "When did you file the reply?", &["b"]);
}

#[test]
fn codes_are_found_whole_before_those_that_share_a_part() {
    let memories = [
        note("a", "Ines opened ticket K-9257: Falcon cannot reach Redis"),
        note("b", "Jonas opened ticket K-9256: Falcon cannot reach Redis"),
        note("c", "Nobody opened ticket A-9256: Quartz cannot reach Kafka"),
    ];
    check(&memories, "status of k-9256", &["b"]);
}

#[test]
fn texts_without_blanks_are_found_by_characters_and_pairs() {
    let memories = [
        note("a", "\u{76db}\u{5bb4}\u{7684}\u{89c4}\u{6a21}"),
        note("b", "\u{5730}\u{70b9}\u{662f}\u{5317}\u{4eac}"),
    ];
    check(&memories, "\u{5317}\u{4eac}\u{7684}\u{6d3b}\u{52a8}\u{662f}\u{4ec0}\u{4e48}?", &["b"]);
}

#[test]
fn a_misspelt_name_is_found_and_a_known_word_is_not_bent() {
    let memories = [
        note("a", "Chiara works as an engineer"),
        note("b", "The chart works well"),
        note("c", "Bram swears by Kafka"),
    ];
    check(&memories, "Who is Chaira?", &["a"]);
    let (_home, store, _) = store_of(&memories);
    let found = store.recall("chart").run().unwrap();
    assert_eq!(names(&found.hits), ["b"]);
}

#[test]
fn another_name_of_the_same_and_another_word_for_the_same_are_found() {
    let memories = [
        note("a", "Everybody calls Kavya Nair Kiki."),
        note("b", "Kiki relocated, the new address is in Graz."),
        note("c", "Bram complained about the trains to Graz."),
        note("d", "Kiki thinks that Kafka is overrated."),
    ];
    let (_home, store, ids) = store_of(&memories);
    let found = store.recall("Where does Kavya live?").run().unwrap();
    let hit = found.hits.iter().find(|hit| hit.id == ids[1]).unwrap();
    assert!(signal(hit, RecallSignal::Words) > 0.0 && signal(hit, RecallSignal::Groups) > 0.0);
    let place = |id: NodeId| found.hits.iter().position(|hit| hit.id == id);
    assert!(place(ids[1]) < place(ids[3]) && place(ids[1]) < place(ids[2]));
}

/// A talk of two about several things, four sessions of six turns.
fn talk() -> Vec<Memory> {
    let subjects = [
        ("sailing", "boat", "harbour", "wind"),
        ("pottery", "clay", "bowl", "kiln"),
        ("garden", "tomato", "seed", "soil"),
        ("piano", "sonata", "teacher", "scale"),
    ];
    let mut memories = Vec::new();
    for (session, (a, b, c, d)) in subjects.into_iter().enumerate() {
        let is_asked = session == 1;
        let turns = [
            format!("Again {a} with {b} and {c}!"),
            format!("{b} and {c}: {a} needs {d}"),
            format!("Yes, {a}, {d}, {c}"),
            if is_asked {
                format!("Do you take your {b} along when the {d} is bad for {a}?")
            } else {
                format!("{d}, {b}, {a}")
            },
            if is_asked {
                "Never, Oscar would be too frightened of it.".to_owned()
            } else {
                format!("{c} {a} {b}")
            },
            format!("{b}, {c}, {d}: that is {a}"),
        ];
        for (place, content) in turns.iter().enumerate() {
            let at = format!("2026-03-0{}T10:0{place}:00Z", session + 1);
            let agent = if place % 2 == 0 { "Anna" } else { "Ben" };
            let name = format!("{session}.{place}");
            let said = format!("s-{session}");
            memories.push(turn(&name, (&said, &at), agent, content));
        }
    }
    memories
}

#[test]
fn in_a_talk_the_answer_stands_beside_the_words_of_the_question() {
    let (_home, store, ids) = store_of(&talk());
    let recall = store.recall("Does Anna take the kiln when the clay is bad?").limit(24);
    let found = recall.near_duplicates(NearDuplicates::Show).run().unwrap();
    let at = |place: usize| found.hits.iter().position(|hit| hit.id == ids[place]).unwrap();
    // The answer to the question of the pottery session, which shares no word with it.
    let answer = 6 + 4;
    let hit = &found.hits[at(answer)];
    for expected in [RecallSignal::Window, RecallSignal::Session, RecallSignal::Answers] {
        assert!(signal(hit, expected) > 0.0, "{expected:?} of {:?}", hit.signals);
    }
    assert!(signal(hit, RecallSignal::Speaker) > 0.0);
    assert!(at(answer) < 6);
}

#[test]
fn context_counts_nothing_where_neighbours_share_only_the_day() {
    let mut memories = Vec::new();
    for place in 0..60 {
        let subject = ["trains", "Kafka", "lunch", "reviews", "photos"][place % 5];
        let name = ["Greta", "Bram", "Ines"][place % 3];
        let at = format!("2026-03-{:02}T10:{:02}:00Z", place / 3 + 1, place % 3);
        let day = format!("day-{}", place / 3);
        let said = format!("{name} talked about {subject} today");
        memories.push(turn(&format!("n{place}"), (&day, &at), "bot", &said));
    }
    let (_home, store, _) = store_of(&memories);
    let found = store.recall("lunch with Greta").limit(60).run().unwrap();
    assert!(found.hits.iter().all(|hit| signal(hit, RecallSignal::Session) < 0.05));
}

#[test]
fn a_shared_rare_name_leads_to_what_shares_no_word_with_the_question() {
    let mut memories: Vec<Memory> = (0..40)
        .map(|number| {
            note(&format!("n{number}"), &format!("Filler: text number {number} of many."))
        })
        .collect();
    memories.push(note("start", "Van Hook: Van Hook is a township, governed from Mountrail."));
    memories.push(note("end", "Mountrail: Mountrail has its offices in Stanley."));
    let (_home, store, ids) = store_of(&memories);
    let found = store.recall("Where do they sit who govern Van Hook?").limit(2).run().unwrap();
    assert_eq!(names(&found.hits), ["start", "end"]);
    let hit = &found.hits[1];
    assert!(signal(hit, RecallSignal::SubjectLink) > 0.0);
    let path: Vec<_> = hit.path.iter().map(|step| (step.memory, step.via.clone())).collect();
    let name = RecallVia::Name("mountrail".into());
    assert_eq!(path, [(ids[40], RecallVia::Words), (ids[41], name)]);
    let content = &memories[41].content;
    let said: Vec<_> = hit.path[1].spans.iter().map(|span| &content[span.clone()]).collect();
    assert_eq!(said, ["Mountrail", "Mountrail"]);
}

#[test]
fn an_edge_leads_to_what_shares_nothing_with_the_question() {
    let memories =
        [note("a", "The harbour report"), note("b", "Ropes and anchors"), note("c", "x")];
    let (_home, store, ids) = store_of(&memories);
    store.write(|tx| tx.add_edge(&NewEdge::new(ids[0], "explains", ids[1])).map(drop)).unwrap();
    let found = store.recall("harbour").run().unwrap();
    assert_eq!(names(&found.hits), ["a", "b"]);
    assert_eq!(found.hits[1].path.last().unwrap().via, RecallVia::Edge);
    let weights = RecallWeights { edge: 0.0, ..RecallWeights::default() };
    let found = store.recall("harbour").weights(weights).run().unwrap();
    assert_eq!(names(&found.hits), ["a"]);
}

#[test]
fn vectors_add_to_words_and_find_alone_what_is_near() {
    let vector = |values: [f32; 2]| Some(Vector::from_slice(&values));
    let memories = [
        Memory { embedding: vector([1.0, 0.0]), ..note("near", "Ropes and anchors") },
        Memory { embedding: vector([0.0, 1.0]), ..note("far", "Seeds and soil") },
        Memory { embedding: vector([0.0, 1.0]), ..note("word", "The harbour report") },
    ];
    let (_home, store, _) = store_of(&memories);
    let recall = || store.recall("harbour").vector(&[1.0, 0.0]);
    let found = recall().run().unwrap();
    assert_eq!(names(&found.hits), ["word", "near"]);
    assert_eq!(found.hits[1].path[0].via, RecallVia::Vector);
    assert!(matches!(
        store.recall("harbour").vector(&[1.0, 0.0, 0.0]).run(),
        Err(Error::Invalid { .. })
    ));
    assert!(matches!(store.recall("x").vector(&[0.0, 0.0]).run(), Err(Error::Invalid { .. })));
    // The state before the last write, by what its memories carried.
    let seq = store.seq();
    store.write(|tx| tx.insert(&note("later", "harbour harbour"))).unwrap();
    let then = recall().as_of(seq).run().unwrap();
    assert_eq!(names(&then.hits), ["word", "near"]);
}

fn dated(name: &str, at: &str, content: &str) -> Memory {
    Memory { created_at: Some(time(at)), ..note(name, content) }
}

fn moves() -> [Memory; 4] {
    [
        dated("january", "2025-01-02T09:00:00Z", "Elif lives in Turin."),
        dated("may", "2025-05-22T09:00:00Z", "Elif has moved to Izmir."),
        dated("august", "2025-08-01T09:00:00Z", "Elif is settling in Graz."),
        dated("other", "2025-01-05T09:00:00Z", "Bram swears by Kafka."),
    ]
}

#[test]
fn the_newest_not_later_than_the_time_named_comes_first() {
    let (_home, store, _) = store_of(&moves());
    let first = |question: &str| {
        let recall = store.recall(question).asked_at(time("2026-01-02T09:00:00Z"));
        recall.run().unwrap().hits[0].record_id.clone().unwrap()
    };
    assert_eq!(first("Where does Elif live now?"), "august");
    assert_eq!(first("Where was Elif living in June 2025?"), "may");
    assert_eq!(first("Where was Elif living in February 2025?"), "january");
    assert_eq!(first("Where was Elif in June?"), "may");
}

#[test]
fn what_held_is_told_by_validity_and_what_was_said_by_its_time() {
    let memories = [
        Memory {
            valid_from: Some(time("2020-01-01")),
            valid_to: Some(time("2021-01-01")),
            ..dated("old", "2025-06-01T00:00:00Z", "The office was in Graz")
        },
        Memory {
            valid_from: Some(time("2021-01-01")),
            ..dated("new", "2025-05-01T00:00:00Z", "The office is in Linz")
        },
    ];
    let (_home, store, _) = store_of(&memories);
    let held = |at: &str| {
        let found = store.recall("office").held_at(time(at)).run().unwrap();
        names(&found.hits).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(held("2020-06-01"), ["old"]);
    assert_eq!(held("2021-01-01"), ["new"]);
    assert!(held("2019-01-01").is_empty());
    let said = store.recall("office").said_from(time("2025-05-15")).run().unwrap();
    assert_eq!(names(&said.hits), ["old"]);
    let said = store.recall("office").said_before(time("2025-05-15")).run().unwrap();
    assert_eq!(names(&said.hits), ["new"]);
    let asked = |question: &str| {
        let recall = store.recall(question).asked_at(time("2026-01-01"));
        names(&recall.run().unwrap().hits)[0].to_owned()
    };
    assert_eq!(asked("Where was the office in 2020?"), "old");
    assert_eq!(asked("Where was the office in March 2022?"), "new");
}

#[test]
fn retired_and_expired_memories_do_not_come() {
    let now = time("2026-01-01");
    let memories = [
        Memory { retired_at: Some(time("2025-01-01")), ..note("retired", "the harbour") },
        Memory { retired_at: Some(time("2027-01-01")), ..note("later", "the harbour") },
        Memory { expires_at: Some(time("2025-12-31")), ..note("expired", "the harbour") },
        Memory { memory_type: MemoryType::Episodic, ..note("episode", "a harbour") },
    ];
    let (_home, store, _) = store_of(&memories);
    let recall =
        || store.recall("harbour").asked_at(now).near_duplicates(NearDuplicates::Show).limit(9);
    let sorted = |hits: &[RecallHit]| {
        let mut names: Vec<_> = names(hits).iter().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(sorted(&recall().run().unwrap().hits), ["episode", "later"]);
    assert_eq!(
        sorted(&recall().with_retired().run().unwrap().hits),
        ["episode", "later", "retired"]
    );
    let typed = recall().memory_type(MemoryType::Episodic).run().unwrap();
    assert_eq!(sorted(&typed.hits), ["episode"]);
}

#[test]
fn a_namespace_is_judged_by_its_own_memories_alone() {
    let own = talk();
    let (_home, alone, _) = store_of(&own);
    let home = Home::new();
    let crowd = Store::create(home.path()).unwrap();
    for copy in 0..6 {
        let namespace = ["zoo", "team", "alpha", "team ", "TEAM", "tea"][copy];
        crowd
            .write(|tx| {
                for (place, memory) in own.iter().enumerate() {
                    let mut memory = memory.clone();
                    memory.namespace = namespace.into();
                    if namespace != "team" {
                        memory.record_id = format!("{namespace}/{}", memory.record_id);
                        memory.content.push_str([" clay", " kiln Anna", ""][(copy + place) % 3]);
                    }
                    tx.insert(&memory)?;
                }
                Ok(())
            })
            .unwrap();
    }
    for question in
        ["Does Anna like clay?", "What of the harbour?", "Oscar", "When was the kiln on?"]
    {
        let scores = |store: &Store| -> Vec<(String, u32)> {
            let found = store.recall(question).namespace("team").limit(24).run().unwrap();
            assert!(found.hits.iter().all(|hit| hit.namespace == "team"));
            let name = |hit: &RecallHit| hit.record_id.clone().unwrap();
            found.hits.iter().map(|hit| (name(hit), hit.score.to_bits())).collect()
        };
        assert_eq!(scores(&alone), scores(&crowd), "{question}");
    }
    assert!(crowd.recall("clay").namespace("nobody").run().unwrap().hits.is_empty());
    let everywhere = crowd.recall("Oscar").limit(100).near_duplicates(NearDuplicates::Show);
    let found = everywhere.run().unwrap().hits;
    let mut namespaces: Vec<_> = found.iter().map(|hit| hit.namespace.as_str()).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    assert_eq!(namespaces, ["TEAM", "alpha", "tea", "team", "team ", "zoo"]);
}

#[test]
fn an_agent_is_asked_as_if_the_others_were_not_there() {
    let all = talk();
    let only: Vec<Memory> =
        all.iter().filter(|memory| memory.agent_id.as_deref() == Some("Ben")).cloned().collect();
    let (_home, all, _) = store_of(&all);
    let (_other, only, _) = store_of(&only);
    let scores = |store: &Store| -> Vec<(String, u32)> {
        let found = store.recall("kiln and clay, Anna?").agent("Ben").limit(30).run().unwrap();
        let name = |hit: &RecallHit| hit.record_id.clone().unwrap();
        found.hits.iter().map(|hit| (name(hit), hit.score.to_bits())).collect()
    };
    assert!(!scores(&all).is_empty());
    assert_eq!(scores(&all), scores(&only));
    assert!(all.recall("kiln").agent("Nobody").run().unwrap().hits.is_empty());
}

#[test]
fn nothing_is_an_answer() {
    let (_home, store, _) = store_of(&moves());
    for question in ["xylophone", "", "?!", "\u{8336}", "qqqq zzzz"] {
        let found = store.recall(question).run().unwrap();
        assert!(found.hits.is_empty() && found.known == 0.0, "{question}: {found:?}");
    }
    let home = Home::new();
    assert!(Store::create(home.path()).unwrap().recall("x").run().unwrap().hits.is_empty());
}

#[test]
fn what_says_the_same_is_shown_once() {
    let long = "The meeting about the harbour contract was moved to the big room on the first \
                floor, beside the kitchen and above the garden";
    let memories = [
        note("a", "Harbour report."),
        note("b", "harbour report"),
        note("c", &format!("{long} today")),
        note("d", &format!("{long} again")),
        note("e", &format!("{long} 2")),
        note("f", "report of the harbour"),
    ];
    let (_home, store, ids) = store_of(&memories);
    let found = store.recall("harbour report meeting").run().unwrap();
    let folded = |name: &str| {
        let hit = found.hits.iter().find(|hit| hit.record_id.as_deref() == Some(name)).unwrap();
        hit.near_duplicates.clone()
    };
    assert_eq!(folded("a"), [ids[1]]);
    assert_eq!(folded("c"), [ids[3]]);
    assert!(folded("e").is_empty() && folded("f").is_empty());
    let all = store.recall("harbour report meeting").near_duplicates(NearDuplicates::Show);
    assert_eq!(all.run().unwrap().hits.len(), 6);
}

#[test]
fn diversity_brings_what_is_new_before_what_was_said() {
    let memories = [
        note("a", "harbour contract room one"),
        note("b", "harbour contract room two"),
        note("c", "harbour gulls"),
    ];
    let (_home, store, _) = store_of(&memories);
    let weights = RecallWeights::words_only();
    let recall = || store.recall("harbour contract room").weights(weights);
    assert_eq!(names(&recall().run().unwrap().hits), ["a", "b", "c"]);
    let diverse = recall().diversity(0.8).run().unwrap();
    assert_eq!(names(&diverse.hits), ["a", "c", "b"]);
    assert!(matches!(recall().diversity(1.5).run(), Err(Error::Invalid { .. })));
}

#[test]
fn why_a_memory_does_not_come_is_told() {
    let now = time("2026-01-01");
    let memories = [
        note("shown", "harbour contract"),
        note("less", "a harbour far away, with many other words around it"),
        Memory { namespace: "home".into(), ..note("else", "harbour") },
        Memory { retired_at: Some(time("2020-01-01")), ..note("retired", "harbour") },
        Memory { expires_at: Some(time("2020-01-01")), ..note("expired", "harbour") },
        Memory { memory_type: MemoryType::Working, ..note("working", "harbour") },
        note("nothing", "gulls"),
        note("same", "Harbour contract!"),
    ];
    let (_home, store, ids) = store_of(&memories);
    let recall = || {
        store
            .recall("harbour contract")
            .namespace("team")
            .memory_type(MemoryType::Agent)
            .asked_at(now)
            .limit(1)
    };
    let verdict = |at: usize| recall().why(ids[at]).unwrap().verdict;
    assert_eq!(verdict(0), RecallVerdict::Shown);
    assert_eq!(verdict(2), RecallVerdict::OtherNamespace("home".into()));
    assert_eq!(verdict(3), RecallVerdict::Retired);
    assert_eq!(verdict(4), RecallVerdict::Expired);
    assert_eq!(verdict(5), RecallVerdict::OtherType("working".into()));
    assert_eq!(verdict(6), RecallVerdict::NothingShared);
    assert_eq!(verdict(7), RecallVerdict::FoldedInto(ids[0]));
    let less = recall().why(ids[1]).unwrap();
    assert_eq!((less.verdict, less.rank), (RecallVerdict::OthersHaveMore, Some(3)));
    assert!(less.missing.unwrap() > 0.0 && !less.signals.is_empty());
    let other = recall().agent("Anna").why(ids[0]).unwrap();
    assert_eq!(other.verdict, RecallVerdict::OtherAgent(None));
    let unknown = store.recall("zzzz").namespace("team").why(ids[0]).unwrap();
    assert_eq!(unknown.verdict, RecallVerdict::NothingKnown);
    store.write(|tx| tx.delete(ids[0]).map(drop)).unwrap();
    assert_eq!(verdict(0), RecallVerdict::Absent);
}

#[test]
fn a_context_fills_what_there_is_room_for() {
    let memories = [
        dated("a", "2026-02-01T00:00:00Z", "harbour contract"),
        dated("b", "2026-01-01T00:00:00Z", &format!("harbour contract {}", "long ".repeat(40))),
        dated("c", "2025-01-01T00:00:00Z", "harbour"),
    ];
    let (_home, store, ids) = store_of(&memories);
    let context = |tokens: usize| store.recall("harbour contract").context(tokens).unwrap();
    let all = context(1_000);
    assert_eq!((all.items.len(), all.left_out.len()), (3, 0));
    assert!(all.text().starts_with("harbour\nharbour contract long"));
    let small = context(8);
    let chosen: Vec<_> = small.items.iter().map(|item| item.id).collect();
    assert_eq!(chosen, [ids[0], ids[2]]);
    assert_eq!(small.left_out[0].id, ids[1]);
    assert_eq!(small.tokens, count_tokens("harbour contract") + count_tokens("harbour"));
    assert!(context(0).items.is_empty());
    let counted = store.recall("harbour contract").context_counted(1, &|_| 1).unwrap();
    assert_eq!((counted.items.len(), counted.tokens), (1, 1));
}

#[test]
fn marks_are_tried_again() {
    let (_home, store, ids) = store_of(&moves());
    let question = "Where does Elif live now?";
    let mark = store
        .write(|tx| {
            let mark = tx.recall_marks().add(question, ids[2], None)?;
            assert_eq!(tx.recall_marks().add(question, ids[2], None)?, mark);
            tx.recall_marks().add("xylophone", ids[0], None)?;
            Ok(mark)
        })
        .unwrap();
    let check = store.check_recall(1, RecallWeights::default()).unwrap();
    let ranks: Vec<_> = check.marks.iter().map(|outcome| outcome.rank).collect();
    assert_eq!((check.come, ranks), (1, vec![Some(1), None]));
    let worse = store.check_recall(1, RecallWeights::none()).unwrap();
    assert_eq!(worse.come, 0);
    assert!(store.write(|tx| tx.recall_marks().remove(mark)).unwrap());
    assert!(!store.write(|tx| tx.recall_marks().remove(mark)).unwrap());
    assert_eq!(store.read().unwrap().recall_marks().list().unwrap().len(), 1);
    let refused = store.write(|tx| tx.recall_marks().add(" ", ids[0], None));
    assert!(matches!(refused, Err(Error::Invalid { .. })));
    let refused = store.write(|tx| tx.recall_marks().add("x", mark, None));
    assert!(matches!(refused, Err(Error::NotFound { .. })));
}

#[test]
fn use_is_counted_when_it_is_asked_for_only() {
    let (_home, store, ids) = store_of(&moves());
    let count = || store.read().unwrap().get::<Memory>(ids[0]).unwrap().unwrap().access_count;
    let seq = store.seq();
    store.recall("Elif").run().unwrap();
    assert_eq!((count(), store.seq()), (0, seq));
    store.recall("Elif").usage(RecallUse::Count).run().unwrap();
    assert_eq!(count(), 1);
    let found = store.recall("Elif lives").limit(1).run().unwrap();
    assert!(signal(&found.hits[0], RecallSignal::Use) > 0.0);
}

#[test]
fn the_old_score_has_the_old_numbers() {
    let scored = |name: &str, content: &str, confidence: Option<f64>, importance: Option<f64>| {
        let (confidence_score, importance_score) = (confidence, importance);
        Memory { confidence_score, importance_score, ..note(name, content) }
    };
    let memories = [
        scored("a", "the reply is due", Some(0.9), Some(0.5)),
        scored("b", "reply", Some(0.0), None),
        scored("c", "gulls", Some(1.0), Some(1.0)),
    ];
    let (_home, store, _) = store_of(&memories);
    let found = store.recall("The reply due").weights(RecallWeights::legacy()).run().unwrap();
    assert_eq!(names(&found.hits), ["a", "b"]);
    let near = |score: f32, expected: f32| assert!((score - expected).abs() < 1e-6, "{score}");
    near(found.hits[0].score, 0.4 + 0.4 * 0.9 + 0.2 * 0.5);
    near(found.hits[1].score, 0.4 / 3.0 + 0.4 * 0.5);
}

#[test]
fn fields_say_how_much_is_read() {
    let long = format!("{} harbour {}", "before ".repeat(60), "after ".repeat(60));
    let (_home, store, _) = store_of(&[note("a", &long)]);
    let hit = |fields| store.recall("harbour").fields(fields).run().unwrap().hits.remove(0);
    let ids = hit(RecallFields::Ids);
    assert_eq!((ids.record_id, ids.snippet, ids.memory), (None, None, None));
    let snippet = hit(RecallFields::Snippet);
    assert!(snippet.snippet.as_ref().unwrap().contains("harbour"));
    assert!(snippet.snippet.unwrap().len() < 250 && snippet.memory.is_none());
    let span = snippet.path[0].spans[0].clone();
    assert_eq!(&long[span], "harbour");
    assert_eq!(hit(RecallFields::Full).memory.unwrap().content, long);
}

#[test]
fn limits_and_weights_are_checked() {
    let (_home, store, _) = store_of(&moves());
    assert!(matches!(store.recall("x").limit(10_001).run(), Err(Error::Limit { .. })));
    assert!(matches!(store.recall("x".repeat(70_000)).run(), Err(Error::Limit { .. })));
    let weights = RecallWeights { words: f32::INFINITY, ..RecallWeights::default() };
    assert!(matches!(store.recall("x").weights(weights).run(), Err(Error::Invalid { .. })));
    let seq = engraph::Seq(99);
    assert!(matches!(store.recall("x").as_of(seq).run(), Err(Error::Invalid { .. })));
    assert!(store.recall("Elif").limit(0).run().unwrap().hits.is_empty());
    store.close().unwrap();
    assert!(matches!(store.recall("Elif").run(), Err(Error::Closed)));
}

/// Memories of a namespace, as many as that.
fn crowd(namespace: &str, count: usize) -> Vec<Memory> {
    let one = |number: usize| Memory {
        namespace: namespace.into(),
        ..note(
            &format!("{namespace}-{number}"),
            &format!("The harbour of {namespace} has berth {number} for ship {}", number * 7),
        )
    };
    (0..count).map(one).collect()
}

/// A store with a small and a large namespace, opened with a bound, and what both take together.
fn bounded(home: &Home, bytes_max: Option<usize>) -> Store {
    let mut options = Store::builder();
    if let Some(bytes_max) = bytes_max {
        options = options.recall_bytes_max(bytes_max);
    }
    if home.path().exists() {
        return options.open(home.path()).unwrap();
    }
    let store = options.create(home.path()).unwrap();
    let all = [crowd("small", 20), crowd("large", 60)].concat();
    store.write(|tx| all.iter().try_for_each(|memory| tx.insert(memory).map(drop))).unwrap();
    store
}

#[test]
fn what_does_not_fit_into_memory_is_read_again_with_the_same_answers() {
    let home = Home::new();
    let asked = |store: &Store, namespace: &str| {
        store.recall("Which ship is in berth 7?").namespace(namespace).limit(5).run().unwrap().hits
    };
    let held = |store: &Store| {
        let stats = store.recall_stats().unwrap();
        assert!(stats.bytes <= stats.bytes_max, "{stats:?}");
        (stats.scopes, stats.loads)
    };
    let store = bounded(&home, None);
    assert_eq!(held(&store), (0, 0));
    let small = asked(&store, "small");
    let small_bytes = store.recall_stats().unwrap().bytes;
    let large = asked(&store, "large");
    let both_bytes = store.recall_stats().unwrap().bytes;
    assert!(small_bytes > 0 && both_bytes > 3 * small_bytes);
    assert_eq!((held(&store), small.len(), large.len()), ((2, 2), 5, 5));
    store.close().unwrap();

    let again = |bytes_max: usize, expected: [(usize, u64); 4]| {
        let store = bounded(&home, Some(bytes_max));
        assert_eq!(store.recall_stats().unwrap().bytes_max, bytes_max);
        for (namespace, expected) in ["small", "large", "small", "large"].iter().zip(expected) {
            let hits = asked(&store, namespace);
            assert_eq!(&hits, if *namespace == "small" { &small } else { &large });
            assert_eq!(held(&store), expected, "{namespace} of {bytes_max}");
        }
        store.close().unwrap();
    };
    again(both_bytes, [(1, 1), (2, 2), (2, 2), (2, 2)]);
    again(both_bytes - 1, [(1, 1), (1, 2), (1, 3), (1, 4)]);
    // The large one alone does not fit, and leaves the small one where it is.
    again(small_bytes, [(1, 1), (1, 2), (1, 2), (1, 3)]);
    again(small_bytes - 1, [(0, 1), (0, 2), (0, 3), (0, 4)]);
    again(0, [(0, 1), (0, 2), (0, 3), (0, 4)]);

    let store = bounded(&home, Some(0));
    let everywhere = store.recall("Which ship is in berth 7?").limit(80).run().unwrap();
    assert!(
        ["small", "large"]
            .iter()
            .all(|name| { everywhere.hits.iter().any(|hit| hit.namespace == *name) })
    );
    store.write(|tx| tx.insert(&crowd("small", 21)[20]).map(drop)).unwrap();
    let found = store.recall("berth 20").namespace("small").limit(1).run().unwrap();
    assert_eq!(names(&found.hits), ["small-20"], "later writes are seen without an index too");
}
