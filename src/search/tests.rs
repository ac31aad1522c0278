//! The index as its users see it: written, reopened, damaged, asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use tantivy::tokenizer::TokenStream as _;

use super::analyzer::{Analyzer, Unit, phrase_terms};
use super::build::distance;
use super::{
    Access, AnalyzerOptions, Cursor, Facet, FacetCounts, Filter, IndexChange, Indexer,
    IndexerOptions, LastWord, Matching, Order, SearchOptions, Sort, Syntax, TextQuery, Total,
    Typos,
};
use crate::base::error::Error;
use crate::base::id::{Kind, NodeId, Seq};
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::record::Facts;

/// A record of the tests.
#[derive(Clone, Debug, Default)]
pub(super) struct Note {
    pub(super) title: String,
    pub(super) body: String,
    pub(super) tags: Vec<String>,
    pub(super) written: Option<i64>,
    pub(super) pages: Option<f64>,
    pub(super) more: Option<Json>,
}

impl Note {
    pub(super) fn new(body: &str) -> Self {
        Self { body: body.to_owned(), ..Self::default() }
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        let mut facts = Facts::default();
        facts.text("title", self.title.as_str());
        facts.text("body", self.body.as_str());
        for tag in &self.tags {
            facts.keyword("tag", tag.as_str());
        }
        facts.time("written", self.written.map(Timestamp::from_micros));
        facts.number("pages", self.pages);
        facts.attributes(self.more.as_ref());
        facts
    }
}

pub(super) fn node(kind: u8, key: u64) -> NodeId {
    NodeId::new(Kind(kind), key).unwrap()
}

pub(super) fn put(indexer: &Indexer, notes: &[(NodeId, Note)], seq: u64) {
    let facts: Vec<_> = notes.iter().map(|(id, note)| (*id, note.facts())).collect();
    let changes = facts.iter().map(|(id, facts)| IndexChange::Put(*id, facts));
    indexer.apply(changes).unwrap();
    indexer.commit(Seq(seq)).unwrap();
}

/// An index of these notes, numbered from one, of kind 1.
fn index_of(folder: &Path, notes: &[Note]) -> Indexer {
    let indexer = Indexer::open(folder, IndexerOptions::default());
    let notes: Vec<_> = (1..).map(|key| node(1, key)).zip(notes.iter().cloned()).collect();
    put(&indexer, &notes, 1);
    indexer
}

fn find(indexer: &Indexer, text: &str, options: &SearchOptions) -> Vec<u64> {
    let query = TextQuery::parse(text, options).unwrap();
    let found = indexer.search(&query, options, None).unwrap();
    found.hits.iter().map(|hit| hit.id.key()).collect()
}

#[track_caller]
fn check(indexer: &Indexer, text: &str, expected: &[u64]) {
    assert_eq!(find(indexer, text, &SearchOptions::default()), expected, "{text:?}");
}

#[track_caller]
fn check_filter(indexer: &Indexer, filter: Filter, expected: &[u64]) {
    let shown = format!("{filter:?}");
    let options = SearchOptions { filters: vec![filter], ..SearchOptions::default() };
    assert_eq!(find(indexer, "", &options), expected, "{shown}");
}

#[test]
fn what_is_committed_is_found_and_survives_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("search");
    let indexer = Indexer::open(&path, IndexerOptions::default());
    assert_eq!(indexer.watermark(), None);
    assert!(!path.exists(), "nothing is made before the first write");
    check(&indexer, "reply", &[]);

    put(&indexer, &[(node(1, 1), Note::new("the reply")), (node(1, 2), Note::new("a letter"))], 7);
    assert_eq!((indexer.watermark(), indexer.document_count()), (Some(Seq(7)), 2));
    check(&indexer, "replies", &[1]);

    put(&indexer, &[(node(1, 1), Note::new("a letter again"))], 8);
    check(&indexer, "reply", &[]);
    check(&indexer, "letter", &[2, 1]);
    indexer.apply([IndexChange::Delete(node(1, 2))]).unwrap();
    check(&indexer, "letter", &[2, 1]);
    indexer.commit(Seq(9)).unwrap();
    check(&indexer, "letter", &[1]);
    indexer.close().unwrap();

    let indexer = Indexer::open(&path, IndexerOptions::default());
    assert_eq!((indexer.watermark(), indexer.document_count()), (Some(Seq(9)), 1));
    check(&indexer, "letter", &[1]);
    assert!(indexer.disk_bytes() > 0 && indexer.verify().unwrap().is_empty());
}

#[test]
fn an_engine_whose_threads_have_died_is_an_error_and_no_wait() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("search");
    let indexer = Indexer::open(&path, IndexerOptions::default());
    put(&indexer, &[(node(1, 1), Note::new("the reply"))], 1);
    // Its threads cannot begin a segment any more.
    fs::remove_dir_all(&path).unwrap();
    fs::write(&path, "no folder").unwrap();
    let note = Note::new(&"word ".repeat(13_000));
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // More than may be on the way.
            let facts = note.facts();
            let mut changes = (2..200).map(|key| IndexChange::Put(node(1, key), &facts));
            let failed = changes.any(|change| indexer.apply([change]).is_err());
            sender.send(failed).unwrap();
        });
        let failed = receiver.recv_timeout(std::time::Duration::from_secs(60));
        assert_eq!(failed, Ok(true));
    });
}

#[test]
fn applying_the_same_records_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let indexer = Indexer::open(folder.path(), IndexerOptions::default());
    let notes = [(node(2, 5), Note::new("five")), (node(1, 9), Note::new("nine"))];
    for seq in 1..=3 {
        put(&indexer, &notes, seq);
        put(&indexer, &[notes[1].clone(), notes[0].clone(), notes[1].clone()], seq);
        assert_eq!(indexer.document_count(), 2);
    }
    indexer.apply([IndexChange::Delete(node(3, 3))]).unwrap();
    indexer.commit(Seq(4)).unwrap();
    assert_eq!(indexer.document_count(), 2);
}

#[test]
fn what_is_not_committed_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let indexer = index_of(folder.path(), &[Note::new("one")]);
    let note = Note::new("two");
    indexer.apply([IndexChange::Put(node(1, 2), &note.facts())]).unwrap();
    indexer.close().unwrap();
    drop(indexer);
    let indexer = Indexer::open(folder.path(), IndexerOptions::default());
    assert_eq!((indexer.watermark(), indexer.document_count()), (Some(Seq(1)), 1));
}

/// Damages an index, and expects it to read as none and to be built anew.
#[track_caller]
fn check_damage(what: &str, options: IndexerOptions, damage: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    index_of(folder.path(), &[Note::new("old words")]).close().unwrap();
    damage(folder.path());
    let indexer = Indexer::open(folder.path(), options);
    assert_eq!(indexer.watermark(), None, "{what}");
    check(&indexer, "old", &[]);
    put(&indexer, &[(node(1, 4), Note::new("new words"))], 5);
    assert_eq!((indexer.watermark(), indexer.document_count()), (Some(Seq(5)), 1));
    check(&indexer, "words", &[4]);
    indexer.close().unwrap();
    let indexer = Indexer::open(folder.path(), options);
    assert_eq!(indexer.watermark(), Some(Seq(5)));
}

fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = entries.filter(|path| path.to_str().unwrap().ends_with(end)).collect();
    assert!(!files.is_empty(), "no file {end}");
    files
}

#[test]
fn a_damaged_index_is_built_anew() {
    let options = IndexerOptions::default();
    check_damage("half", options, |folder| fs::write(folder.join("meta.json"), "{ \"x").unwrap());
    check_damage("empty", options, |folder| fs::write(folder.join("meta.json"), "").unwrap());
    check_damage("none", options, |folder| fs::remove_file(folder.join("meta.json")).unwrap());
    check_damage("managed", options, |folder| {
        fs::write(folder.join(".managed.json"), "]").unwrap();
    });
    for end in [".term", ".idx", ".pos", ".fast", ".store", ".fieldnorm"] {
        check_damage(end, options, |folder| {
            for file in files(folder, end) {
                let bytes = fs::read(&file).unwrap();
                fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
            }
        });
        check_damage(end, options, |folder| {
            for file in files(folder, end) {
                fs::write(file, "").unwrap();
            }
        });
        check_damage(end, options, |folder| {
            for file in files(folder, end) {
                fs::remove_file(file).unwrap();
            }
        });
    }
}

#[test]
fn a_foreign_index_is_built_anew() {
    let options = IndexerOptions::default();
    let replace = |folder: &Path, old: &str, new: &str| {
        let meta = fs::read_to_string(folder.join("meta.json")).unwrap();
        assert!(meta.contains(old), "{meta}");
        fs::write(folder.join("meta.json"), meta.replace(old, new)).unwrap();
    };
    check_damage("foreign", options, |folder| replace(folder, "\\\"seq\\\"", "\\\"other\\\""));
    check_damage("foreign", options, |folder| {
        replace(folder, "\\\"schema\\\":\\\"", "\\\"schema\\\":\\\"0");
    });
    check_damage("foreign", options, |folder| replace(folder, "\"title\"", "\"topic\""));
    let other = IndexerOptions {
        analyzer: AnalyzerOptions { stem: None, ..AnalyzerOptions::default() },
        ..options
    };
    check_damage("analyzer", other, |_| {});
}

fn change_a_byte(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    bytes[0] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_commit_that_was_not_synced_is_read_before_it_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    drop(index_of(folder.path(), &[Note::new("words")]));
    let indexer = Indexer::open(folder.path(), IndexerOptions::default());
    assert_eq!(indexer.watermark(), Some(Seq(1)));
    drop(indexer);
    change_a_byte(&files(folder.path(), ".pos")[0]);
    let indexer = Indexer::open(folder.path(), IndexerOptions::default());
    assert_eq!(indexer.watermark(), None);
}

#[test]
fn a_changed_byte_is_found_by_verifying() {
    let folder = tempfile::tempdir().unwrap();
    let indexer = index_of(folder.path(), &[Note::new("words")]);
    indexer.sync().unwrap();
    drop(indexer);
    let file = &files(folder.path(), ".pos")[0];
    change_a_byte(file);
    let indexer = Indexer::open(folder.path(), IndexerOptions::default());
    assert_eq!(indexer.verify().unwrap(), [PathBuf::from(file.file_name().unwrap())]);
}

#[test]
fn a_forgotten_index_is_built_anew() {
    let folder = tempfile::tempdir().unwrap();
    let indexer = index_of(folder.path(), &[Note::new("old")]);
    indexer.reset();
    assert_eq!(indexer.watermark(), None);
    put(&indexer, &[(node(1, 2), Note::new("new"))], 3);
    assert_eq!((indexer.watermark(), indexer.document_count()), (Some(Seq(3)), 1));
}

#[test]
fn a_store_open_for_reading_changes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let writer = index_of(folder.path(), &[Note::new("one")]);
    writer.close().unwrap();
    let listing = || -> BTreeMap<PathBuf, u64> {
        let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| (entry.path(), entry.metadata().unwrap().len())).collect()
    };
    for lock in files(folder.path(), ".lock") {
        fs::remove_file(lock).unwrap();
    }
    let before = listing();
    let options = IndexerOptions { access: Access::ReadOnly, ..IndexerOptions::default() };
    let reader = Indexer::open(folder.path(), options);
    assert_eq!(reader.watermark(), Some(Seq(1)));
    check(&reader, "one", &[1]);
    assert!(matches!(reader.apply([IndexChange::Delete(node(1, 1))]), Err(Error::ReadOnly { .. })));
    assert!(matches!(reader.commit(Seq(2)), Err(Error::ReadOnly { .. })));
    assert_eq!(listing(), before);

    put(&writer, &[(node(1, 2), Note::new("one more"))], 2);
    check(&reader, "more", &[]);
    reader.refresh();
    check(&reader, "more", &[2]);

    let nowhere = Indexer::open(&folder.path().join("none"), options);
    assert_eq!(nowhere.watermark(), None);
    check(&nowhere, "one", &[]);
}

#[test]
fn hundreds_of_commits_leave_few_segments() {
    let folder = tempfile::tempdir().unwrap();
    let indexer = Indexer::open(folder.path(), IndexerOptions::default());
    for key in 1..=300 {
        put(&indexer, &[(node(1, key), Note::new("the same words again"))], key);
    }
    indexer.close().unwrap();
    let indexer = Indexer::open(folder.path(), IndexerOptions::default());
    assert_eq!(indexer.document_count(), 300);
    assert!(indexer.segments() < 20, "{}", indexer.segments());
}

#[test]
fn an_index_is_begun_anew_while_segments_merge() {
    let folder = tempfile::tempdir().unwrap();
    let indexer = Indexer::open(folder.path(), IndexerOptions::default());
    let note = Note::new("a text of some words that are merged while the folder is emptied");
    for round in 0..40 {
        // The fifth segment begins a merge.
        for seq in 1..=5 + round % 3 {
            let notes: Vec<_> = (0..50).map(|at| (node(1, seq * 50 + at), note.clone())).collect();
            put(&indexer, &notes, seq);
        }
        indexer.reset();
    }
    put(&indexer, &[(node(1, 1), note)], 1);
    indexer.close().unwrap();
    assert_eq!(indexer.document_count(), 1);
    let known = fs::read_to_string(folder.path().join(".managed.json")).unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with('.') || known.contains(&name), "{name} is of an earlier index");
    }
}

#[test]
fn every_construct_of_the_language_finds() {
    let folder = tempfile::tempdir().unwrap();
    let mut notes = [
        Note::new("the reply to the letter is due on 14 March"),
        Note::new("a letter of reply, late"),
        Note::new("fn getUserName() in src/search/mod.rs"),
        Note::new("\u{6771}\u{4eac}\u{90fd}\u{306e}\u{4eba} caf\u{e9}"),
        Note::new("deadlines are not deadly"),
    ];
    notes[1].title = "Reply".into();
    notes[1].tags = vec!["To Do".into(), "urgent".into()];
    notes[4].tags = vec!["urgent".into()];
    notes[4].more = Some(Json::from_text(r#"{"author": {"name": "Ann"}, "year": 2026}"#).unwrap());
    let indexer = index_of(folder.path(), &notes);
    check(&indexer, "reply", &[2, 1]);
    check(&indexer, "\"reply to\"", &[1]);
    check(&indexer, "\"letter reply\"", &[]);
    check(&indexer, "\"letter reply\"~1", &[2]);
    check(&indexer, "letter -late", &[1]);
    check(&indexer, "letter NOT late", &[1]);
    check(&indexer, "+letter march", &[1, 2]);
    check(&indexer, "march OR deadly", &[5, 1]);
    check(&indexer, "letter AND (march OR deadly)", &[1]);
    check(&indexer, "-letter", &[3, 4, 5]);
    check(&indexer, "user", &[3]);
    check(&indexer, "getusername", &[3]);
    check(&indexer, "get_user_name", &[3]);
    check(&indexer, "getUser*", &[3]);
    check(&indexer, "search/mod.rs", &[3]);
    check(&indexer, "\u{4eac}\u{90fd}", &[4]);
    check(&indexer, "\u{6771}\u{90fd}", &[]);
    check(&indexer, "\u{4eba}", &[4]);
    check(&indexer, "CAFE", &[4]);
    check(&indexer, "deadlin*", &[5]);
    check(&indexer, "\"are not dead\"*", &[5]);
    check(&indexer, "deadlnies~", &[5]);
    check(&indexer, "deadlnies", &[]);
    check(&indexer, "+nothing* letter", &[]);
    check(&indexer, "letter AND nothing*", &[]);
    check(&indexer, "tag:urgent", &[2, 5]);
    check(&indexer, "tag:URG* deadly", &[5]);
    check(&indexer, "tag:\"to do\"", &[2]);
    check(&indexer, "author.name:ann", &[5]);
    check(&indexer, "year:2026 OR march", &[1, 5]);
    check(&indexer, "title:reply", &[2]);
    check(&indexer, "title:letter", &[]);
    check(&indexer, "reply:to", &[1]);
    check(&indexer, "*", &[1, 2, 3, 4, 5]);
    check(&indexer, "", &[1, 2, 3, 4, 5]);
    check(&indexer, "?!", &[]);
}

#[test]
fn options_decide_what_matches() {
    let folder = tempfile::tempdir().unwrap();
    let indexer =
        index_of(folder.path(), &[Note::new("alpha beta"), Note::new("alpha"), Note::new("gamma")]);
    let find_with = |text: &str, options: SearchOptions| find(&indexer, text, &options);
    let all = SearchOptions { matching: Matching::All, ..SearchOptions::default() };
    assert_eq!(find_with("alpha beta", all.clone()), [1]);
    assert_eq!(find_with("beta gamma", all), [0; 0]);
    let either = SearchOptions { matching: Matching::AllElseAny, ..SearchOptions::default() };
    assert_eq!(find_with("alpha beta", either.clone()), [1]);
    assert_eq!(find_with("beta gamma", either), [3, 1]);
    let typos = SearchOptions { typos: Typos::Accept, ..SearchOptions::default() };
    assert_eq!(find_with("gmama", typos.clone()), [3]);
    assert_eq!(find_with("bet", typos), [0; 0]);
    let typing = SearchOptions { last_word: LastWord::Prefix, ..SearchOptions::default() };
    assert_eq!(find_with("be", typing.clone()), [1]);
    assert_eq!(find_with("be ", typing), [0; 0]);
    let strict = SearchOptions { syntax: Syntax::Strict, ..SearchOptions::default() };
    assert_eq!(find_with("no:alpha", strict.clone()), [0; 0]);
    assert_eq!(find_with("(alpha AND beta)", strict), [1]);
    let far = SearchOptions { offset: usize::MAX, ..SearchOptions::default() };
    assert!(matches!(indexer.search(&TextQuery::default(), &far, None), Err(Error::Limit { .. })));
}

#[test]
fn filters_decide_without_a_score() {
    let folder = tempfile::tempdir().unwrap();
    let mut notes = vec![Note::default(); 4];
    notes[0].tags = vec!["a".into(), "b".into()];
    notes[1].tags = vec!["A".into()];
    notes[2].tags = vec!["b".into(), "b".into(), "x".repeat(3_000)];
    notes[0].written = Some(-5);
    notes[1].written = Some(10);
    notes[2].written = Some(i64::MAX);
    notes[0].pages = Some(0.5);
    notes[1].pages = Some(-0.0);
    notes[2].pages = Some(7.0);
    notes[3].pages = Some(f64::INFINITY);
    notes[3].more = Some(Json::from_text(r#"{"k": ["v", 2.0], "b": true}"#).unwrap());
    let indexer = index_of(folder.path(), &notes);
    put(&indexer, &[(node(9, 50), Note { pages: Some(3.0), ..Note::default() })], 2);
    let time = |us| Timestamp::from_micros(us);
    check_filter(&indexer, Filter::Kinds(vec![Kind(9), Kind(8)]), &[50]);
    check_filter(&indexer, Filter::Kinds(vec![]), &[]);
    check_filter(&indexer, Filter::keyword("tag", "a"), &[1]);
    check_filter(&indexer, Filter::keyword("tag", "A"), &[2]);
    check_filter(&indexer, Filter::keyword("tag", "x".repeat(3_000)), &[3]);
    check_filter(&indexer, Filter::keyword("tag", "x".repeat(3_001)), &[]);
    check_filter(&indexer, Filter::any_keyword("tag", ["a", "A"]), &[1, 2]);
    check_filter(&indexer, Filter::all_keywords("tag", ["a", "b"]), &[1]);
    check_filter(&indexer, Filter::Not(Box::new(Filter::keyword("tag", "b"))), &[2, 4, 50]);
    check_filter(&indexer, Filter::attribute("k", "v"), &[4]);
    check_filter(&indexer, Filter::attribute("k", &2), &[4]);
    check_filter(&indexer, Filter::attribute("b", &true), &[4]);
    check_filter(&indexer, Filter::attribute("tag", "b"), &[]);
    check_filter(&indexer, Filter::time("written", time(-5)..time(10)), &[1]);
    check_filter(&indexer, Filter::time("written", ..=time(10)), &[1, 2]);
    check_filter(&indexer, Filter::time("written", ..), &[1, 2, 3]);
    check_filter(&indexer, Filter::time("never", ..), &[]);
    check_filter(&indexer, Filter::number("pages", 0.0..0.6), &[1, 2]);
    check_filter(&indexer, Filter::number("pages", -0.0..=0.0), &[2]);
    check_filter(&indexer, Filter::number("pages", 2.5..), &[3, 50]);
    check_filter(&indexer, Filter::number("pages", 3.0..f64::INFINITY), &[3, 50]);
    check_filter(&indexer, Filter::number("pages", ..), &[1, 2, 3, 50]);
    check_filter(&indexer, Filter::number("pages", f64::NAN..), &[]);
    check_filter(&indexer, Filter::All(vec![]), &[1, 2, 3, 4, 50]);
    check_filter(&indexer, Filter::Any(vec![]), &[]);
}

#[test]
fn hits_are_sorted_counted_and_paged() {
    let folder = tempfile::tempdir().unwrap();
    let tag = |key: u64| vec![if key.is_multiple_of(3) { "fizz" } else { "other" }.to_owned()];
    let note = |key: u64| Note {
        written: (key != 5).then(|| i64::try_from(key * 7 % 10).unwrap()),
        pages: Some(if key == 4 { 1.5 } else { 1.0 }),
        tags: tag(key),
        ..Note::new("same words")
    };
    let indexer = Indexer::open(folder.path(), IndexerOptions::default());
    for keys in [1..=4, 5..=7, 8..=9] {
        let notes: Vec<_> = keys.rev().map(|key| (node(1, key), note(key))).collect();
        put(&indexer, &notes, 1);
    }
    let paged = |sort: Sort| {
        let options = SearchOptions { sort, limit: 2, ..SearchOptions::default() };
        let mut keys = Vec::new();
        let mut after: Option<Cursor> = None;
        loop {
            let options = SearchOptions { after, ..options.clone() };
            let query = TextQuery::parse("words", &options).unwrap();
            let found = indexer.search(&query, &options, None).unwrap();
            keys.extend(found.hits.iter().map(|hit| hit.id.key()));
            match found.next {
                Some(next) => after = Some(next.to_string().parse().unwrap()),
                None => return keys,
            }
        }
    };
    assert_eq!(paged(Sort::Score), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let ascending = Sort::Time("written".into(), Order::Ascending);
    // By key * 7 % 10, the note without a time last.
    assert_eq!(paged(ascending), [3, 6, 9, 2, 8, 1, 4, 7, 5]);
    let descending = Sort::Number("pages".into(), Order::Descending);
    assert_eq!(paged(descending), [4, 1, 2, 3, 5, 6, 7, 8, 9]);
    assert_eq!(paged(Sort::Number("none".into(), Order::Ascending)).len(), 9);

    let options = SearchOptions {
        offset: 3,
        limit: 4,
        total: Total::Count,
        facets: vec![Facet::Kinds, Facet::Keyword("tag".into())],
        ..SearchOptions::default()
    };
    let found =
        indexer.search(&TextQuery::parse("words", &options).unwrap(), &options, None).unwrap();
    assert_eq!(found.hits.iter().map(|hit| hit.id.key()).collect::<Vec<_>>(), [4, 5, 6, 7]);
    assert_eq!((found.total, found.watermark), (Some(9), Some(Seq(1))));
    let words = vec![("other".to_owned(), 6), ("fizz".to_owned(), 3)];
    assert_eq!(
        found.facets,
        [FacetCounts::Kinds(vec![(Kind(1), 9)]), FacetCounts::Keyword(words),]
    );
    for bad in ["", "s", "x0000000000000000", "s000000000000000g", "\u{e9}123456789012345"] {
        assert!(bad.parse::<Cursor>().is_err(), "{bad}");
    }
}

#[test]
fn many_endings_of_a_prefix_are_all_found() {
    let folder = tempfile::tempdir().unwrap();
    let notes: Vec<_> = (0..500).map(|number| Note::new(&format!("prefix{number}x"))).collect();
    let indexer = index_of(folder.path(), &notes);
    let options = SearchOptions { limit: 1_000, ..SearchOptions::default() };
    assert_eq!(find(&indexer, "pref*", &options).len(), 500);
    assert_eq!(find(&indexer, "prefix12*", &options).len(), 11);
    assert!(find(&indexer, "prefix123x~2", &options).len() > 64);
}

pub(super) const WORDS: &[&str] = &[
    "run",
    "running",
    "reply",
    "replies",
    "getName",
    "get",
    "name",
    "\u{6771}\u{4eac}",
    "\u{4eac}\u{90fd}",
    "\u{e9}t\u{e9}",
    "snake_case",
    "late",
    "later",
    "it's",
    "14",
    "a-b",
];

fn text_strategy() -> impl Strategy<Value = String> {
    let glue = prop_oneof![5 => Just(" "), 1 => Just(", "), 1 => Just("\n"), 1 => Just("")];
    prop::collection::vec((prop::sample::select(WORDS), glue), 0..6)
        .prop_map(|words| words.into_iter().flat_map(|(word, glue)| [word, glue]).collect())
}

pub(super) fn note_strategy() -> impl Strategy<Value = Note> {
    let tags = prop::collection::vec(prop::sample::select(vec!["a", "B", "c d"]), 0..3);
    let pages = prop::option::of(prop_oneof![
        (-3_i8..4).prop_map(f64::from),
        (-3_i8..4).prop_map(|half| f64::from(half) / 2.0),
    ]);
    (text_strategy(), text_strategy(), tags, prop::option::of(-3_i64..4), pages).prop_map(
        |(title, body, tags, written, pages)| Note {
            title,
            body,
            tags: tags.into_iter().map(str::to_owned).collect(),
            written,
            pages,
            more: None,
        },
    )
}

/// A question that a scan over all notes can answer as well.
#[derive(Clone, Debug)]
enum Question {
    Term(&'static str),
    Prefix(&'static str),
    Misspelt(&'static str),
    Phrase(String),
    Tag(&'static str),
    Written(i64, i64),
    Pages(f64, f64),
}

fn question_strategy() -> impl Strategy<Value = Question> {
    let word = || prop::sample::select(WORDS);
    prop_oneof![
        word().prop_map(Question::Term),
        prop::sample::select(vec!["r", "runn", "rep", "get", "lat", "snake_c"])
            .prop_map(Question::Prefix),
        prop::sample::select(vec!["runing", "lata", "replys", "nmae"]).prop_map(Question::Misspelt),
        text_strategy().prop_map(Question::Phrase),
        prop::sample::select(vec!["a", "b", "B", "c d"]).prop_map(Question::Tag),
        (-4_i64..5, -4_i64..5).prop_map(|(from, to)| Question::Written(from, to)),
        (-4_i8..5, -4_i8..5)
            .prop_map(|(from, to)| { Question::Pages(f64::from(from) / 2.0, f64::from(to) / 2.0) }),
    ]
}

impl Question {
    fn ask(&self) -> (String, Vec<Filter>) {
        match self {
            Self::Term(word) => ((*word).to_owned(), vec![]),
            Self::Prefix(prefix) => (format!("{prefix}*"), vec![]),
            Self::Misspelt(word) => (format!("{word}~1"), vec![]),
            Self::Phrase(text) => (format!("\"{text}\""), vec![]),
            Self::Tag(tag) => (String::new(), vec![Filter::keyword("tag", *tag)]),
            Self::Written(from, to) => {
                let range = Timestamp::from_micros(*from)..=Timestamp::from_micros(*to);
                (String::new(), vec![Filter::time("written", range)])
            }
            Self::Pages(from, to) => (String::new(), vec![Filter::number("pages", *from..*to)]),
        }
    }

    fn meets(&self, note: &Note) -> bool {
        let texts = [&note.title, &note.body];
        let holds_phrase =
            |terms: &[(usize, String)]| texts.iter().any(|text| holds(&tokens(text), terms));
        let any_token = |is: &dyn Fn(&str) -> bool| {
            texts.iter().any(|text| tokens(text).iter().any(|(_, token)| is(token)))
        };
        match self {
            Self::Term(word) => {
                let units = Analyzer::default().units(word);
                let whole = match &units[..] {
                    [Unit::Compound { whole, .. }] => Some(whole.term.as_str()),
                    _ => None,
                };
                holds_phrase(&phrase_terms(&units)) || any_token(&|token| Some(token) == whole)
            }
            Self::Prefix("snake_c") => {
                any_token(&|token| token.starts_with("snake_c"))
                    || texts.iter().any(|text| {
                        let tokens = tokens(text);
                        tokens.iter().any(|(at, token)| {
                            token == "snake"
                                && tokens
                                    .iter()
                                    .any(|(next, token)| *next == at + 1 && token.starts_with('c'))
                        })
                    })
            }
            Self::Prefix(prefix) => any_token(&|token| token.starts_with(prefix)),
            Self::Misspelt(word) => {
                let term = phrase_terms(&Analyzer::default().units(word)).remove(0).1;
                any_token(&|token| token == term || distance(word, token) <= 1)
            }
            Self::Phrase(text) => holds_phrase(&phrase_terms(&Analyzer::default().units(text))),
            Self::Tag(tag) => note.tags.iter().any(|own| own == tag),
            Self::Written(from, to) => note.written.is_some_and(|at| (*from..=*to).contains(&at)),
            Self::Pages(from, to) => note.pages.is_some_and(|pages| (*from..*to).contains(&pages)),
        }
    }
}

fn tokens(text: &str) -> Vec<(usize, String)> {
    let mut source = Analyzer::default().terms();
    let mut stream = source.stream(text);
    let mut tokens = Vec::new();
    while stream.advance() {
        tokens.push((stream.token().position, stream.token().text.clone()));
    }
    tokens
}

/// Whether the terms stand at their distances from some place on.
fn holds(tokens: &[(usize, String)], terms: &[(usize, String)]) -> bool {
    let last = tokens.last().map_or(0, |(position, _)| position + 1);
    !terms.is_empty()
        && (0..last).any(|start| {
            terms.iter().all(|(at, term)| {
                tokens.iter().any(|(position, token)| *position == start + at && token == term)
            })
        })
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    #[test]
    fn the_index_finds_what_a_scan_finds(
        notes in prop::collection::vec((note_strategy(), any::<bool>()), 1..12),
        cut in 0_usize..12,
        questions in prop::collection::vec(question_strategy(), 1..24),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let indexer = Indexer::open(folder.path(), IndexerOptions::default());
        let all: Vec<_> =
            (1..).map(|key| node(1, key)).zip(notes.iter().map(|(note, _)| note.clone())).collect();
        let (early, late) = all.split_at(cut.min(all.len()));
        put(&indexer, early, 1);
        put(&indexer, late, 2);
        let gone: Vec<_> = all.iter().zip(&notes).filter(|(_, (_, gone))| *gone).collect();
        indexer.apply(gone.iter().map(|((id, _), _)| IndexChange::Delete(*id))).unwrap();
        indexer.commit(Seq(3)).unwrap();

        for question in questions {
            let (text, filters) = question.ask();
            let options = SearchOptions { filters, limit: 100, ..SearchOptions::default() };
            let query = TextQuery::parse(&text, &options).unwrap();
            let found: BTreeSet<u64> = if query.clauses.is_empty() && options.filters.is_empty() {
                // A phrase of nothing is no question.
                continue;
            } else {
                find(&indexer, &text, &options).into_iter().collect()
            };
            let scanned: BTreeSet<u64> = all
                .iter()
                .zip(&notes)
                .filter(|((_, note), (_, gone))| !gone && question.meets(note))
                .map(|((id, _), _)| id.key())
                .collect();
            assert_eq!(found, scanned, "{question:?} {text:?}");
        }
    }
}

#[test]
fn a_phrase_that_is_nowhere_excludes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let notes = [Note::new("some text with getName"), Note::new("name get some")];
    let indexer = index_of(folder.path(), &notes);
    let options = SearchOptions { last_word: LastWord::Prefix, ..SearchOptions::default() };
    for text in [
        "some NOT getName*getName",
        "some NOT \"name some\"",
        "some NOT (\"name some\" AND get)",
        "some NOT \"name so",
        "-\"name some\"",
    ] {
        let query = TextQuery::parse(text, &options).unwrap();
        let found = indexer.search(&query, &options, None).unwrap();
        assert_eq!(found.hits.len(), 2, "{text}");
    }
}

#[test]
fn a_lenient_search_answers_any_text() {
    let folder = tempfile::tempdir().unwrap();
    let mut note = Note::new("some text \u{6771}\u{4eac} with getName and words");
    note.tags = vec!["tag".into()];
    let indexer = index_of(folder.path(), &[note]);
    let mut runner = proptest::test_runner::TestRunner::default();
    let piece = prop_oneof![
        Just("\"".to_owned()),
        Just("(".to_owned()),
        Just(")".to_owned()),
        Just("*".to_owned()),
        Just("~".to_owned()),
        Just(" OR ".to_owned()),
        Just(" AND ".to_owned()),
        Just(" NOT ".to_owned()),
        Just("tag:".to_owned()),
        Just(" -".to_owned()),
        Just("title:".to_owned()),
        Just("getName".to_owned()),
        "\\PC{0,6}".prop_map(|text| text),
    ];
    let texts = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    runner
        .run(&texts, |text| {
            for matching in [Matching::Any, Matching::AllElseAny] {
                let options = SearchOptions {
                    matching,
                    typos: Typos::Accept,
                    last_word: LastWord::Prefix,
                    ..SearchOptions::default()
                };
                let query = TextQuery::parse(&text, &options).unwrap();
                indexer.search(&query, &options, None).unwrap();
                indexer.highlighter(&query, &options).snippet(&[("t", &text)]);
            }
            Ok(())
        })
        .unwrap();
}
