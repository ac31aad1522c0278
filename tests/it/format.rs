//! Stores of earlier formats open and read as they were written.
//!
//! `tests/data/format/vN/` holds a small store of format N as it was closed (`data.redb`, packed)
//! and what must be read from it, as text. `UPDATE_GOLDEN=1` writes both anew for the present
//! format; the store of a format that was released is never written again.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use engraph::record::{
    ConfigValue, Document, DocumentContent, Entity, Facts, History, Memory, Persona, Record,
    Relation, TagDefinition, Task, TaskRun,
};
use engraph::{Json, ManualClock, NewEdge, NodeId, Seq, Store, Timestamp};
use serde::{Deserialize, Serialize};

/// A type of the application that made the store; the one that opens it may not know it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Visit {
    patient: String,
    day: u32,
    about: Option<NodeId>,
}

impl Record for Visit {
    const NAME: &'static str = "visit";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique("patient_day", (&self.patient, self.day));
        facts.index("day", self.day);
        facts.link("about", self.about);
    }
}

/// The format that is written.
const PRESENT: u64 = 2;

fn folder(format: u64) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/data/format").join(format!("v{format}"))
}

/// The time of the first write; every later one is a microsecond after the one before.
const START: Timestamp = Timestamp::from_micros(1_771_057_082_000_000);

/// Makes the store that is kept: records of several families with links, an edge with properties
/// and one without, a history, deleted records and edges, and records of an own type.
fn make(directory: &Path) -> engraph::Result<()> {
    let options = Store::builder().clock(ManualClock::new(START)).register::<Visit>();
    let store = options.create(directory)?;
    let text = "The reply is due on 14 March. ".repeat(40);
    let (memo, fact) = store.write(|tx| {
        let created_at = Some(tx.now());
        let file_name = "memo.txt".to_owned();
        let memo = tx.insert(&Document { file_name, created_at, ..Document::default() })?;
        let content_text = Some(text.clone());
        let document = Some(memo);
        tx.insert(&DocumentContent { document, content_text, ..DocumentContent::default() })?;
        let (record_id, content) = ("m-1".to_owned(), "due on 14 March".to_owned());
        let fact = tx.insert(&Memory { record_id, content, ..Memory::default() })?;
        tx.link(fact, "derived_from", memo)?;
        Ok((memo, fact))
    })?;
    let last = store.write(|tx| {
        let run = Some(tx.insert(&TaskRun { run_type: "scan".into(), ..TaskRun::default() })?);
        let task = |task_name: &str| Task { run, task_name: task_name.into(), ..Task::default() };
        let first = tx.insert(&task("read"))?;
        let second = tx.insert(&task("write"))?;
        let properties = Json::from_text(r#"{"why": "order"}"#)?;
        let edge = NewEdge::new(first, "before", second).weight(2.5).properties(properties);
        tx.add_edge(&edge.valid_from(START))?;
        let gone = tx.link(second, "before", first)?;
        tx.remove_edge(gone)?;
        let name = "Ada".to_owned();
        tx.insert(&Persona { name, active: true, ..Persona::default() })?;
        let (category, tag_name) = ("legal".to_owned(), "urgent".to_owned());
        tx.insert(&TagDefinition { category, tag_name, ..TagDefinition::default() })?;
        let (key, value) = ("theme".to_owned(), Some("dark".to_owned()));
        tx.insert(&ConfigValue { key, value, ..ConfigValue::default() })
    })?;
    store.bulk(|tx| {
        let entity = |number: u32| Entity {
            entity_id: format!("e-{number}"),
            name: format!("Entity {number}"),
            ..Entity::default()
        };
        let source = Some(tx.insert(&entity(1))?);
        let target = Some(tx.insert(&entity(2))?);
        let (relation_id, relation_type) = ("r-1".to_owned(), "cites".to_owned());
        let weight = Some(0.5);
        let relation =
            Relation { relation_id, relation_type, source, target, weight, ..Relation::default() };
        tx.insert(&relation)?;
        let visit = |day| Visit { patient: "Bo".into(), day, about: Some(memo) };
        let first = tx.insert(&visit(1))?;
        tx.insert(&visit(2))?;
        tx.update::<Visit>(first, |visit| {
            visit.day = 3;
            Ok(())
        })
        .map(drop)
    })?;
    store.write(|tx| {
        tx.update::<Memory>(fact, |memory| {
            memory.content = "due on 15 March".into();
            Ok(())
        })?;
        tx.delete(last).map(drop)
    })?;
    store.compact()?;
    store.close()
}

/// Everything that can be read from a store, a line each.
fn content(store: &Store) -> String {
    let mut out = String::new();
    let read = store.read().unwrap();
    let changes = store.changes(Seq(0), usize::MAX).unwrap();
    for change in &changes {
        let (seq, time, operation) = (change.seq, change.time, change.operation);
        for node in change.nodes() {
            writeln!(out, "write {seq} {time} {operation:?} record {node}").unwrap();
        }
        for edge in change.edges() {
            writeln!(out, "write {seq} {time} {operation:?} edge {edge}").unwrap();
        }
    }
    let mut nodes: Vec<NodeId> = changes.iter().flat_map(engraph::Change::nodes).collect();
    nodes.sort_unstable();
    nodes.dedup();
    for node in nodes {
        let shown = match read.get_json(node) {
            Ok(Some(value)) => value.to_string(),
            Ok(None) => "is not there".to_owned(),
            Err(error) => error.kind().to_owned(),
        };
        writeln!(out, "record {node} {shown}").unwrap();
    }
    let stats = store.stats().unwrap();
    for (name, table) in &stats.tables {
        writeln!(out, "table {name}: {} rows", table.rows).unwrap();
    }
    let report = serde_json::to_string(&store.verify().unwrap()).unwrap();
    // What later versions count, too.
    let report = report.replace("\"vectors\":0,", "");
    writeln!(out, "verify {report}").unwrap();
    out
}

/// The kept store of a format, unpacked into a folder of its own.
fn unpacked(format: u64) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let packed = fs::read(folder(format).join("data.redb.zst")).unwrap();
    let data = zstd::stream::decode_all(&packed[..]).unwrap();
    fs::write(directory.path().join("data.redb"), data).unwrap();
    directory
}

fn rewrite_where_asked() {
    if std::env::var_os("UPDATE_GOLDEN").is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    make(&path).unwrap();
    let data = fs::read(path.join("data.redb")).unwrap();
    let packed = zstd::stream::encode_all(&data[..], 19).unwrap();
    assert!(packed.len() < 300_000, "{} bytes are too many to keep", packed.len());
    fs::create_dir_all(folder(PRESENT)).unwrap();
    fs::write(folder(PRESENT).join("data.redb.zst"), packed).unwrap();
    let text = content(&Store::open(&path).unwrap());
    fs::write(folder(PRESENT).join("content.txt"), text).unwrap();
}

#[test]
fn a_store_of_each_format_reads_as_it_was_written() {
    rewrite_where_asked();
    for format in 1..=PRESENT {
        let expected = fs::read_to_string(folder(format).join("content.txt")).unwrap();
        let directory = unpacked(format);
        let read_only = Store::open_read_only(directory.path());
        if format == PRESENT {
            let store = read_only.unwrap();
            assert_eq!(content(&store), expected, "read only");
            assert_eq!(store.stats().unwrap().unregistered, ["visit"]);
            store.close().unwrap();
        } else {
            let refused = read_only.map(drop);
            assert!(matches!(refused, Err(engraph::Error::ReadOnly { .. })), "{refused:?}");
        }
        let store = Store::open(directory.path()).unwrap();
        assert_eq!(content(&store), expected, "format {format}");
        check_values(&store);
    }
}

fn check_values(store: &Store) {
    let read = store.read().unwrap();
    let (fact, memory) = read.find::<Memory>("record_id", "m-1").unwrap().unwrap();
    assert_eq!(memory.content, "due on 15 March");
    let before = read.get_as_of::<Memory>(fact, Seq(1)).unwrap().unwrap();
    assert_eq!(before.content, "due on 14 March");
    let (_, text) = read.iter::<DocumentContent>().unwrap().next().unwrap().unwrap();
    assert_eq!(text.content_text.unwrap().len(), 30 * 40, "a compressed value");
    assert_eq!(read.iter::<ConfigValue>().unwrap().count(), 0, "it was deleted");
}

#[test]
fn a_store_of_each_format_can_be_written_on_and_knows_its_own_types_again() {
    rewrite_where_asked();
    (1..=PRESENT).for_each(check_writing);
}

fn check_writing(format: u64) {
    let directory = unpacked(format);
    let store = Store::builder().register::<Visit>().open(directory.path()).unwrap();
    let visits: Vec<Visit> =
        store.read().unwrap().iter().unwrap().map(|visit| visit.unwrap().1).collect();
    assert_eq!(visits.iter().map(|visit| visit.day).collect::<Vec<_>>(), [3, 2]);
    store
        .write(|tx| {
            let (id, _) = tx.find::<Visit>("patient_day", ("Bo", 2_u32))?.unwrap();
            assert!(tx.delete(id)?);
            let memo = visits[0].about.unwrap();
            assert!(tx.delete(memo)?);
            let key = "theme".to_owned();
            let id = tx.insert(&ConfigValue { key, ..ConfigValue::default() })?;
            assert_eq!(id.key(), 2, "the key of a deleted record is not given again");
            Ok(())
        })
        .unwrap();
    let report = store.verify().unwrap();
    assert_eq!(report.problems, []);
    assert!(report.dangling_links > 0);
}
