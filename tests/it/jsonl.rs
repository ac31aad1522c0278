//! Records as JSON Lines: what goes out comes back in, and what does not fit says where.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use engraph::record::{Document, Memory, Record};
use engraph::transfer::{self, JsonlExport, JsonlExported, JsonlImport, JsonlImported};
use engraph::{Error, Json, NewEdge, NodeId, Result, Store, Timestamp};
use proptest::prelude::*;

use crate::check::{Cards as _, sound};
use crate::families::{Holds, Visit, visit_all};
use crate::random::Random;
use crate::workload::{Card, Counter, Home, new_store, options};

fn export(store: &Store) -> (JsonlExported, String) {
    export_with(store, &JsonlExport::new())
}

fn export_with(store: &Store, options: &JsonlExport) -> (JsonlExported, String) {
    let mut out = Vec::new();
    let report = transfer::export_jsonl(&store.read().unwrap(), options, &mut out).unwrap();
    (report, String::from_utf8(out).unwrap())
}

fn import(store: &Store, lines: &str, options: &JsonlImport) -> Result<JsonlImported> {
    transfer::import_jsonl_from(store, lines.as_bytes(), "lines".as_ref(), options)
}

#[track_caller]
fn check_unchanged(taken: JsonlImported, count: u64) {
    let made = (taken.records, taken.edges, taken.vectors, taken.replaced);
    assert_eq!((made, taken.unchanged), ((0, 0, 0, 0), count));
}

/// All but the first line, which says how many writes there were.
fn body(lines: &str) -> &str {
    lines.split_once('\n').unwrap().1
}

/// Cards that link to each other, a counter, memories, edges with gaps in their numbers, vectors.
fn filled() -> (Home, Store) {
    let (home, store) = new_store();
    store
        .write(|tx| {
            let first = tx.insert(&Card { text: "one".into(), ..Card::new("a").alias("z") })?;
            let gone = tx.insert(&Card::new("gone"))?;
            let second = tx.insert(&Card::new("b").next(first).place("s", -3))?;
            let counter = tx.insert(&Counter { count: i64::MIN })?;
            let hostile = "a \"b\" \u{1b}[2J\u{9b}\u{202e}\u{7f}\r\n\u{e9}\u{1f600}";
            tx.insert(&Memory { content: hostile.into(), ..Memory::default() })?;
            tx.link(gone, "near", first)?;
            let properties = Json::from_text(r#"{"page":3, "x": [1.5, null]}"#)?;
            let from = Timestamp::from_micros(5);
            let edge = NewEdge::new(first, "near", second).weight(0.1).valid_from(from);
            tx.add_edge(&edge.properties(properties))?;
            tx.link(second, "counts", counter)?;
            let removed = tx.link(second, "counts", counter)?;
            tx.remove_edge(removed)?;
            tx.delete(gone)?;
            tx.put_vector(first, "small", &[0.1, -1.5e-30, f32::MAX])?;
            tx.put_vector(second, "large", &[1.0; 4]).map(drop)
        })
        .unwrap();
    (home, store)
}

#[test]
fn a_store_comes_back_with_its_ids_and_a_second_time_nothing_changes() {
    let (_home, store) = filled();
    let (report, lines) = export(&store);
    assert_eq!((report.records, report.edges, report.vectors), (4, 2, 2));
    assert!(lines.is_ascii() && !lines.contains(['\u{1b}', '\u{7f}']));
    let (_other_home, other) = new_store();
    let taken = import(&other, &lines, &JsonlImport::new()).unwrap();
    let JsonlImported { records, edges, vectors, .. } = taken;
    assert_eq!((records, edges, vectors, taken.replaced, taken.unchanged), (4, 2, 2, 0, 0));
    assert_eq!(body(&export(&other).1), body(&lines));
    assert_eq!(other.read().unwrap().cards(), store.read().unwrap().cards());
    sound(&other);
    let seq = other.seq();
    let again = import(&other, &lines, &JsonlImport::new()).unwrap();
    check_unchanged(again, 8);
    assert_eq!(other.seq(), seq, "not even a write");
    let next = other.write(|tx| tx.insert(&Card::new("next"))).unwrap();
    assert_eq!(next.key(), 4, "keys go on behind the greatest");
    assert_eq!(import(&store, &lines, &JsonlImport::new()).unwrap().unchanged, 8);
}

#[test]
fn kinds_are_chosen_and_types_that_nobody_knows_are_counted() {
    let (home, store) = filled();
    let kind = store.read().unwrap().kind_named("card").unwrap();
    let (report, lines) = export_with(&store, &JsonlExport::new().kind(kind));
    assert_eq!((report.records, report.edges, report.vectors), (2, 1, 2));
    assert!(!lines.contains(r#""kind": "counter""#) && !lines.contains("counts"));
    store.close().unwrap();
    let store = Store::open(home.path()).unwrap();
    let (report, _) = export(&store);
    let left_out = BTreeMap::from([("card".to_owned(), 2), ("counter".to_owned(), 1)]);
    assert_eq!((report.records, report.edges, report.vectors), (1, 0, 0));
    assert_eq!(report.left_out, left_out);
    let unknown = JsonlExport::new().kind(engraph::Kind(127));
    let none = transfer::export_jsonl(&store.read().unwrap(), &unknown, &mut Vec::new());
    assert!(matches!(none, Err(Error::NotFound { .. })), "{none:?}");
}

#[test]
fn plain_records_get_ids() {
    let (_home, store) = new_store();
    let kind = store.read().unwrap().kind_of::<Document>().unwrap();
    let lines =
        "{\"file_name\": \"a\"}\n\n  {\"file_name\":\"b\",\"other\":null}\r\n{\"file_name\":\"c\"}";
    let taken = import(&store, lines, &JsonlImport::new().kind(kind)).unwrap();
    assert_eq!(taken.records, 3);
    let tx = store.read().unwrap();
    let documents = tx.iter::<Document>().unwrap();
    let names: Vec<_> = documents.map(|row| row.unwrap().1.file_name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    // A file with ids, or with fields by other names, must not become records with nothing in them.
    for wrong in [export(&store).1.as_str(), r#"{"filename": "d"}"#] {
        let taken = import(&store, wrong, &JsonlImport::new().kind(kind));
        assert!(matches!(taken, Err(Error::Import { .. })), "{taken:?}");
    }
    let mixed = r#"{"kind": "memory", "record": {"content": "x"}}"#;
    assert_eq!(import(&store, mixed, &JsonlImport::new()).unwrap().records, 1);
    sound(&store);
}

#[test]
fn what_is_there_is_replaced_where_that_is_wanted() {
    let (_home, store) = filled();
    let (_, lines) = export(&store);
    let changed = lines.replace("\"text\": \"one\"", "\"text\": \"two\"");
    let changed = changed.replace("[1.0, 1.0, 1.0, 1.0]", "[2.0, 1.0, 1.0, 1.0]");
    assert!(import(&store, &changed, &JsonlImport::new()).is_err());
    assert_eq!(export(&store).1, lines, "nothing of it is there");
    let taken = import(&store, &changed, &JsonlImport::new().replacing()).unwrap();
    assert_eq!((taken.replaced, taken.unchanged, taken.edges), (2, 6, 0));
    assert_eq!(body(&export(&store).1), body(&changed));
    // An edge whose number is another's here is made under a new one.
    let edge = r#"{"edge": 2, "source": "128:1", "type": "other", "target": "128:3"}"#;
    assert_eq!(import(&store, edge, &JsonlImport::new()).unwrap().edges, 1);
    assert!(export(&store).1.contains(r#"{"edge": 5, "source": "128:1", "type": "other""#));
    sound(&store);
}

#[test]
fn what_does_not_fit_says_in_which_line() {
    let (_home, store) = filled();
    let before = export(&store).1;
    let good = r#"{"kind": "card", "record": {"code": "new"}}"#;
    let cases = [
        ("{", "no JSON object"),
        ("[1]", "no JSON object"),
        ("{\"title\": 1}", "needs a kind"),
        (r#"{"record": {}}"#, "no id and no kind"),
        (r#"{"kind": "nothing", "record": {}}"#, "nothing"),
        (r#"{"id": "128:1", "kind": "counter", "record": {}}"#, "no id of the kind"),
        (r#"{"id": "128:1", "record": {"code": "another"}}"#, "128:1"),
        (r#"{"id": "128:9", "record": {"code": "a"}}"#, "code"),
        (r#"{"id": "128:9", "record": {"code": 5}}"#, "invalid type"),
        (r#"{"id": "128:9", "record": {"code": "n", "colour": 1}}"#, "colour"),
        (r#"{"id": "128:0", "record": {"code": "x"}}"#, "128:0"),
        (r#"{"id": "128:99999999999", "record": {"code": "x"}}"#, "too far"),
        (r#"{"id": "240:1", "record": {}}"#, "240"),
        (r#"{"id": "one", "record": {}}"#, "one"),
        (r#"{"edge": 1, "source": "128:1", "type": "x", "target": "128:77"}"#, "128:77"),
        (r#"{"edge": 1, "source": "128:1", "type": "", "target": "128:1"}"#, "0 bytes long"),
        (r#"{"source": "128:1", "type": "x", "target": "128:1", "weight": 1e99}"#, "weight"),
        (r#"{"edge": 99999999999, "source": "128:1", "type": "x", "target": "128:1"}"#, "too far"),
        (r#"{"id": "128:1", "model": "small", "vector": [1.0]}"#, "vector"),
        (r#"{"id": "128:1", "model": "new", "vector": []}"#, "vector"),
        (r#"{"id": "128:7", "model": "small", "vector": [1.0, 1.0, 1.0]}"#, "128:7"),
        (r#"{"engraph_jsonl": 2, "seq": 1, "kinds": {}}"#, "version 2"),
        (r#"{"engraph_jsonl": 1, "seq": 1, "kinds": {"card": 131}}"#, "131"),
    ];
    for (line, words) in cases {
        let error = import(&store, &format!("{good}\n\n{line}\n"), &JsonlImport::new());
        let Err(Error::Import { place, reason, .. }) = &error else { panic!("{line}: {error:?}") };
        assert!(place == "line 3" && reason.contains(words), "{line}: {place}: {reason}");
    }
    assert_eq!(export(&store).1, before);
    let absent = transfer::import_jsonl(&store, "absent".as_ref(), &JsonlImport::new());
    assert!(matches!(absent, Err(Error::Io { .. })), "{absent:?}");
    sound(&store);
}

#[test]
fn a_file_is_taken_in_and_one_that_breaks_off_is_not() {
    let (home, store) = filled();
    let (_, lines) = export(&store);
    let file: PathBuf = home.around().join("s.jsonl");
    fs::write(&file, &lines).unwrap();
    let (_other_home, other) = new_store();
    assert_eq!(transfer::import_jsonl(&other, &file, &JsonlImport::new()).unwrap().records, 4);
    fs::write(&file, &lines[..lines.len() - 9]).unwrap();
    let (_third_home, third) = new_store();
    let broken = transfer::import_jsonl(&third, &file, &JsonlImport::new());
    assert!(matches!(broken, Err(Error::Import { .. })), "{broken:?}");
    assert_eq!(third.stats().unwrap().records_total, 0);
}

/// Random records of each type.
struct Fill<'s>(&'s Store);

impl Visit for Fill<'_> {
    fn visit<T: Record + Clone + PartialEq + Debug>(&mut self, _holds: Holds<T>) {
        let mut random = Random::finite(7);
        let mut written = 0;
        for _ in 0..6 {
            written += u64::from(self.0.write(|tx| tx.insert(&random.value::<T>())).is_ok());
        }
        assert!(written > 2, "{}", T::NAME);
    }
}

#[test]
fn records_of_every_type_come_back() {
    let home = Home::new();
    let store = Store::create(home.path()).unwrap();
    visit_all(&mut Fill(&store));
    let (report, lines) = export(&store);
    assert!(report.records > 200, "{report:?}");
    let other = Store::create(home.around().join("other")).unwrap();
    let taken = import(&other, &lines, &JsonlImport::new()).unwrap();
    assert_eq!(taken.records, report.records);
    assert_eq!(body(&export(&other).1), body(&lines));
    assert_eq!(other.verify().unwrap().problems, store.verify().unwrap().problems);
}

/// What a random write does.
#[derive(Clone, Debug)]
enum Step {
    Insert(u8),
    Change(usize, u8),
    Delete(usize),
    Link(usize, usize, f32),
    Unlink(usize),
    Vector(usize, f32),
}

fn step() -> impl Strategy<Value = Step> {
    let card = any::<prop::sample::Index>().prop_map(|index| index.index(40));
    let float = -1e30..1e30_f32;
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Insert),
        1 => (card.clone(), any::<u8>()).prop_map(|(card, value)| Step::Change(card, value)),
        1 => card.clone().prop_map(Step::Delete),
        3 => (card.clone(), card.clone(), float.clone())
            .prop_map(|(from, to, weight)| Step::Link(from, to, weight)),
        1 => card.clone().prop_map(Step::Unlink),
        1 => (card, float).prop_map(|(card, value)| Step::Vector(card, value)),
    ]
}

fn apply(store: &Store, steps: &[Step]) {
    let (mut cards, mut edges): (Vec<NodeId>, Vec<_>) = (Vec::new(), Vec::new());
    for (number, step) in steps.iter().enumerate() {
        let card = |at: usize| cards.get(at).copied();
        let done = store.write(|tx| {
            match step {
                Step::Insert(rank) => {
                    let mut new = Card::new(number.to_string()).place("s", (*rank).into());
                    new.next = cards.last().copied();
                    return tx.insert(&new).map(Some);
                }
                Step::Change(at, rank) => {
                    if let Some(id) = card(*at)
                        && tx.contains(id)?
                    {
                        tx.update::<Card>(id, |card| {
                            card.rank = (*rank).into();
                            Ok(())
                        })?;
                    }
                }
                Step::Delete(at) => {
                    if let Some(id) = card(*at) {
                        tx.delete(id)?;
                    }
                }
                Step::Link(from, to, weight) => {
                    if let (Some(from), Some(to)) = (card(*from), card(*to))
                        && tx.contains(from)?
                        && tx.contains(to)?
                    {
                        edges.push(tx.add_edge(&NewEdge::new(from, "near", to).weight(*weight))?);
                    }
                }
                Step::Unlink(at) => {
                    if let Some(edge) = edges.get(*at) {
                        tx.remove_edge(*edge)?;
                    }
                }
                Step::Vector(at, value) => {
                    if let Some(id) = card(*at)
                        && tx.contains(id)?
                    {
                        tx.put_vector(id, "small", &[*value, 1.0])?;
                    }
                }
            }
            Ok(None)
        });
        cards.extend(done.unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_a_store_holds_comes_back(steps in prop::collection::vec(step(), 1..60)) {
        let (_home, store) = new_store();
        apply(&store, &steps);
        let (report, lines) = export(&store);
        let (_other_home, other) = new_store();
        let taken = import(&other, &lines, &JsonlImport::new()).unwrap();
        prop_assert_eq!(
            (taken.records, taken.edges, taken.vectors),
            (report.records, report.edges, report.vectors)
        );
        let (_, back) = export(&other);
        prop_assert_eq!(body(&back), body(&lines));
        let unchanged = report.records + report.edges + report.vectors;
        let again = import(&other, &lines, &JsonlImport::new()).unwrap();
        check_unchanged(again, unchanged);
        // Links to cards that are gone dangle in both.
        let problems = |store: &Store| store.verify().unwrap().problems;
        prop_assert_eq!(problems(&other), problems(&store));
    }

    #[test]
    fn broken_lines_are_errors_and_leave_the_store_as_it_was(
        at in any::<prop::sample::Index>(),
        with in prop::collection::vec(any::<u8>(), 0..4),
        cut in 0_usize..6,
    ) {
        let (_home, store) = filled();
        let (_, lines) = export(&store);
        let mut bytes = lines.clone().into_bytes();
        let start = at.index(bytes.len());
        let end = (start + cut).min(bytes.len());
        bytes.splice(start..end, with);
        let other = options().create(store.directory().with_extension("other")).unwrap();
        let taken =
            transfer::import_jsonl_from(&other, &*bytes, "x".as_ref(), &JsonlImport::new());
        if let Err(error) = taken {
            prop_assert!(matches!(error, Error::Import { .. }), "{:?}", error);
            prop_assert_eq!(other.stats().unwrap().records_total, 0);
        }
        prop_assert!(other.verify().is_ok());
    }
}
