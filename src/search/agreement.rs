//! One record judged alone and the index asked: both must say the same of any query.

use std::collections::BTreeSet;

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

use super::analyzer::Analyzer;
use super::matcher::Matcher;
use super::tests::{Note, WORDS, node, note_strategy, put};
use super::{
    Filter, IndexChange, Indexer, IndexerOptions, LastWord, Matching, SearchOptions, Subject,
    TextQuery, Typos,
};
use crate::base::id::{NodeId, Seq};
use crate::base::time::Timestamp;

/// A query text of the whole language. Phrases with gaps have two words: see `matcher`.
fn query_strategy() -> impl Strategy<Value = String> {
    let word = || prop::sample::select(WORDS);
    let leaf = prop_oneof![
        4 => word().prop_map(str::to_owned),
        1 => prop::sample::select(vec!["r*", "runn*", "get*", "snake_c*", "getN*", "\u{6771}*"])
            .prop_map(str::to_owned),
        1 => prop::sample::select(vec!["runing~1", "lata~", "replys~2", "nmae~", "gteName~2"])
            .prop_map(str::to_owned),
        1 => (word(), word()).prop_map(|(one, two)| format!("\"{one} {two}\"")),
        1 => (word(), word()).prop_map(|(one, two)| format!("\"{one} {two}\"*")),
        1 => (prop::sample::select(vec!["run", "reply", "late", "14"]), 1_u8..4,
            prop::sample::select(vec!["run", "later", "get", "name"]))
            .prop_map(|(one, slop, two)| format!("\"{one} {two}\"~{slop}")),
        1 => word().prop_map(|word| format!("title:{word}")),
        1 => (word(), prop::sample::select(vec!["^2", "^0.5", "*^3", "~1^0"]))
            .prop_map(|(word, weight)| format!("{word}{weight}")),
        1 => prop::sample::select(vec![
            "tag:a", "tag:B", "TAG:b", "tag:\"c d\"", "tag:c*", "none:run", "late:14", "key:v*",
            "run:late", "*", "?!", "\"\"", "tag:",
        ]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let mark = prop_oneof![4 => Just(""), 1 => Just("+"), 1 => Just("-"), 1 => Just("NOT ")];
        let glue = prop_oneof![3 => Just(" "), 1 => Just(" OR "), 1 => Just(" AND ")];
        let parts = prop::collection::vec((mark, inner, glue), 1..4);
        (parts, any::<bool>()).prop_map(|(parts, grouped)| {
            let parts = parts.iter().flat_map(|(mark, text, glue)| [*mark, text, *glue]);
            let text: String = parts.collect();
            if grouped { format!("({text})^2") } else { text }
        })
    })
}

fn filter_strategy() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["a", "b", "B", "c d"])
            .prop_map(|tag| Filter::keyword("tag", tag)),
        (-4_i64..5, -4_i64..5).prop_map(|(from, to)| {
            Filter::time("written", Timestamp::from_micros(from)..=Timestamp::from_micros(to))
        }),
        (-4_i8..5, -4_i8..5).prop_map(|(from, to)| {
            Filter::number("pages", f64::from(from) / 2.0..f64::from(to) / 2.0)
        }),
        Just(Filter::attribute("key", "v1")),
        Just(Filter::Kinds(vec![node(1, 1).kind()])),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            several.clone().prop_map(Filter::Any),
            several.prop_map(Filter::All),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

fn options_strategy() -> impl Strategy<Value = SearchOptions> {
    let matching = prop_oneof![Just(Matching::Any), Just(Matching::All)];
    let typos = prop_oneof![3 => Just(Typos::Refuse), 1 => Just(Typos::Accept)];
    let last_word = prop_oneof![3 => Just(LastWord::Whole), 1 => Just(LastWord::Prefix)];
    let filters = prop::collection::vec(filter_strategy(), 0..2);
    (matching, typos, last_word, filters).prop_map(|(matching, typos, last_word, filters)| {
        let options = SearchOptions { limit: 100, ..SearchOptions::default() };
        SearchOptions { matching, typos, last_word, filters, ..options }
    })
}

fn indexed(notes: &[(NodeId, Note)], folder: &std::path::Path) -> Indexer {
    let indexer = Indexer::open(folder, IndexerOptions::default());
    let (early, late) = notes.split_at(notes.len() / 2);
    put(&indexer, early, 1);
    put(&indexer, late, 2);
    // One comes and goes: what is deleted must not count as known.
    let gone = node(2, 99);
    put(&indexer, &[(gone, Note::new("gone"))], 3);
    indexer.apply([IndexChange::Delete(gone)]).unwrap();
    indexer.commit(Seq(4)).unwrap();
    indexer
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn a_matcher_finds_what_the_index_finds(
        notes in prop::collection::vec(note_strategy(), 1..10),
        questions in prop::collection::vec((query_strategy(), options_strategy()), 24..48),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut notes: Vec<(NodeId, Note)> =
            (1..).map(|key| node(if key % 3 == 0 { 2 } else { 1 }, key)).zip(notes).collect();
        let json = crate::base::json::Json::from_text(r#"{"key": ["v1", "v2"]}"#).unwrap();
        notes[0].1.more = Some(json);
        let indexer = indexed(&notes, folder.path());
        let facts: Vec<_> = notes.iter().map(|(id, note)| (*id, note.facts())).collect();
        let subjects: Vec<_> =
            facts.iter().map(|(id, facts)| (*id, Subject::new(*id, facts))).collect();
        let knows = |name: &str| subjects.iter().any(|(_, subject)| subject.has_field(name));
        for (text, options) in questions {
            let query = TextQuery::parse(&text, &options).unwrap();
            let hits = indexer.search(&query, &options, None).unwrap().hits;
            let found: BTreeSet<NodeId> = hits.iter().map(|hit| hit.id).collect();
            let matcher = Matcher::new(&Analyzer::default(), &query, &options);
            let matched: BTreeSet<NodeId> = subjects
                .iter()
                .filter(|(_, subject)| matcher.matches_knowing(subject, &knows))
                .map(|(id, _)| *id)
                .collect();
            assert_eq!(matched, found, "{text:?} {options:?} {query:?}");
        }
    }
}
