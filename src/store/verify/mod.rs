//! Proof that the tables of a store agree: pages, records, indexes, adjacency, change log.
//!
//! Every record is described anew, and what it implies is compared with what the tables hold: by
//! count and fingerprint first, which takes constant memory and one walk over each table; row by
//! row only for the kinds that differ. Reads only. Finds accidents, not forgeries.

mod detail;
mod fingerprint;
mod given;
mod log;
mod tables;
mod vectors;
mod view;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use super::commit::{Shared, message_of};
use crate::base::error::{Error, Result};
use crate::base::trace::category::STORE;
use crate::storage::snapshot::Snapshot;
use crate::storage::{check, place};
use view::View;

/// Problems that a report names one by one; more are only counted.
const NAMED_MAX: usize = 100;

/// What [`Store::verify`](crate::Store::verify) found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Records read, those of types that are not registered included.
    pub records: u64,
    /// Rows of natural keys and ordered indexes.
    pub index_rows: u64,
    /// Links, and edges that records state.
    pub links: u64,
    /// Edges that were made by themselves.
    pub edges: u64,
    /// Ends of links and stated edges that are not there. A finding, not a problem: links outlive
    /// their targets.
    pub dangling_links: u64,
    /// Natural keys of imported records that another record of the same source holds, or held when
    /// they were imported. A finding, not a problem: such records are kept without the key.
    pub duplicate_keys: u64,
    /// Vectors that were written beside records.
    pub vectors: u64,
    /// Kinds whose type is not registered: their rows cannot be compared with their records.
    pub unchecked_kinds: u64,
    /// The first problems, in the order in which they were found.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub more_problems: u64,
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// Where: a table, record or file.
    pub place: String,
    /// What is wrong there.
    pub detail: String,
}

impl VerifyReport {
    /// Whether everything agrees.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }

    /// Adds a problem, or counts it when enough are named.
    pub(crate) fn add(&mut self, place: impl Into<String>, detail: impl Into<String>) {
        if self.problems.len() < NAMED_MAX {
            self.problems.push(Problem { place: place.into(), detail: detail.into() });
        } else {
            self.more_problems += 1;
        }
    }

    /// Adds what an error says of damage; hands other errors back.
    pub(crate) fn add_corrupt(&mut self, error: Error) -> Result<()> {
        match error {
            Error::Corrupt { place, detail, source: None } => self.add(place, detail),
            Error::Corrupt { place, detail, source: Some(cause) } => {
                self.add(place, format!("{detail}: {cause}"));
            }
            other => return Err(other),
        }
        Ok(())
    }

    /// The outcome of a step; damage that ended the step becomes a problem.
    fn absorb(&mut self, outcome: Result<()>) -> Result<()> {
        outcome.or_else(|error| self.add_corrupt(error))
    }
}

/// Verifies an open store. See `Store::verify`.
pub(crate) fn verify(shared: &Shared) -> Result<VerifyReport> {
    let _span = tracing::debug_span!(target: STORE, "verify").entered();
    let mut report = VerifyReport::default();
    let data_file = place::data_file(&shared.core.directory);
    let damage = shared.paused(|| check::pages(&data_file))?;
    let published = shared.published()?;
    let Some(damage) = damage else {
        compare(shared, &published.rows, &mut report)?;
        return Ok(report);
    };
    report.add(data_file.display().to_string(), format!("a page does not match: {damage}"));
    // The engine trusts its pages and may panic on what a broken one says.
    let walk = catch_unwind(AssertUnwindSafe(|| compare(shared, &published.rows, &mut report)));
    let stopped = match walk {
        Ok(Ok(())) => return Ok(report),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => message_of(&*panic),
    };
    report.add("tables", format!("reading them stopped: {stopped}"));
    Ok(report)
}

/// Compares the tables of one snapshot with each other.
fn compare(shared: &Shared, rows: &Snapshot, report: &mut VerifyReport) -> Result<()> {
    let view = match View::load(&shared.core, rows) {
        Ok(view) => view,
        // Without names and sources no row can be told.
        Err(error) => return report.add_corrupt(error),
    };
    let log = log::read(&view, report)?;
    let differing = tables::compare(&view, &log, report)?;
    detail::name_differences(&view, &log, &differing, report)?;
    let outcome = log::check_history(&view, &log, report);
    report.absorb(outcome)?;
    tables::check_verbatim(&view, report)?;
    let outcome = vectors::check(&view, report);
    report.absorb(outcome)?;
    for name in view.unknown_names() {
        report.add("table names", format!("{name:?} is used and has no number"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use tempfile::TempDir;

    use crate::base::codec;
    use crate::base::id::{EdgeId, Kind, NodeId, Seq};
    use crate::base::json::Json;
    use crate::record::{Facts, History, Record};
    use crate::storage::adjacency::{self, Direction, Entry};
    use crate::storage::tables::record_key;
    use crate::storage::trim::{Anchor, Limit};
    use crate::storage::{RowsMut as _, TableId, index};
    use crate::store::{NewEdge, Store, WriteTx};

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Book {
        title: String,
        year: u16,
        sequel_of: Option<NodeId>,
    }

    impl Record for Book {
        const NAME: &'static str = "test_book";
        const HISTORY: History = History::Versions;
        fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
            facts.unique("title", &self.title);
            facts.index("year", self.year);
            facts.link("sequel_of", self.sequel_of);
        }
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Citation {
        from: Option<NodeId>,
        to: Option<NodeId>,
        weight: f32,
    }

    impl Record for Citation {
        const NAME: &'static str = "test_citation";
        fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
            if let (Some(from), Some(to)) = (self.from, self.to) {
                facts.edge(from, "cites", to, self.weight);
            }
        }
    }

    const BOOK: Kind = Kind(128);

    fn book(key: u64) -> NodeId {
        NodeId::new(BOOK, key).unwrap()
    }

    fn titled(title: &str, year: u16, sequel_of: Option<NodeId>) -> Book {
        Book { title: title.into(), year, sequel_of }
    }

    /// Books 1 to 4, of which 3 is deleted and 2 links to it; a citation of weight 2; edges 1 to 3,
    /// of which 1 has properties and 3 is removed.
    fn library() -> (TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let options = Store::builder().register::<Book>().register::<Citation>();
        let store = options.create(directory.path().join("store")).unwrap();
        store
            .write(|tx| {
                let first = tx.insert(&titled("one", 1990, None))?;
                let second = tx.insert(&titled("two", 1991, Some(book(3))))?;
                let third = tx.insert(&titled("three", 1992, Some(first)))?;
                tx.insert(&titled("four", 1992, Some(first)))?;
                tx.insert(&Citation { from: Some(second), to: Some(first), weight: 2.0 })?;
                let properties = Json::from_text("{\"a\": 1}")?;
                tx.add_edge(&NewEdge::new(first, "near", second).properties(properties))?;
                tx.add_edge(&NewEdge::new(second, "near", second).weight(0.5))?;
                tx.link(first, "near", third)?;
                Ok(())
            })
            .unwrap();
        store
            .write(|tx| {
                tx.update::<Book>(book(1), |it| {
                    it.year = 1989;
                    Ok(())
                })
            })
            .unwrap();
        store.write(|tx| tx.delete(book(3))).unwrap();
        (directory, store)
    }

    #[test]
    fn a_whole_store_has_no_problem_and_its_rows_are_counted() {
        let (_directory, store) = library();
        let report = store.verify().unwrap();
        assert_eq!(report.problems, []);
        assert!(report.is_ok());
        assert_eq!((report.records, report.index_rows), (4, 6));
        assert_eq!((report.links, report.edges), (3, 2));
        assert_eq!((report.dangling_links, report.duplicate_keys), (1, 0));
        assert_eq!((report.unchecked_kinds, report.more_problems), (0, 0));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!((&json["records"], &json["problems"]), (&4.into(), &serde_json::json!([])));
    }

    #[test]
    fn verifying_inside_a_write_is_refused() {
        let (_directory, store) = library();
        let clone = store.clone();
        let inner = store.write(|_| Ok(clone.verify().map(|_| ()))).unwrap();
        assert!(matches!(inner, Err(Error::Conflict { .. })));
    }

    /// Damages the library and looks for a problem with these words.
    #[track_caller]
    fn check_damage(damage: impl FnOnce(&mut WriteTx<'_>) -> Result<()>, words: &[&str]) {
        let (_directory, store) = library();
        store.write(damage).unwrap();
        let report = store.verify().unwrap();
        assert!(!report.is_ok());
        for words in words {
            let named = report
                .problems
                .iter()
                .any(|problem| format!("{}: {}", problem.place, problem.detail).contains(words));
            assert!(named, "{words:?} is not in {:#?}", report.problems);
        }
    }

    fn number(tx: &WriteTx<'_>, name: &str) -> u32 {
        tx.core().names.number(name).unwrap()
    }

    fn title_row(tx: &WriteTx<'_>, title: &str) -> Vec<u8> {
        let key = crate::base::key::bytes_of(title);
        index::unique_key(BOOK, number(tx, "title"), 0, &key)
    }

    fn year_row(tx: &WriteTx<'_>, year: u16, id: NodeId) -> Vec<u8> {
        index::index_key(BOOK, number(tx, "year"), &year.to_be_bytes(), id)
    }

    #[test]
    fn damage_of_natural_keys_is_named() {
        check_damage(
            |tx| {
                let row = title_row(tx, "two");
                tx.writer.rows.delete(TableId::UNIQUE, &row)
            },
            &["table unique: row of index title is missing: record 128:2 (test_book)"],
        );
        check_damage(
            |tx| {
                let row = title_row(tx, "two");
                tx.writer.rows.put(TableId::UNIQUE, &row, &index::unique_value(book(1)))
            },
            &["index title points to 128:1 instead", "record 128:1 (test_book), which does not"],
        );
        check_damage(
            |tx| {
                let row = title_row(tx, "nine");
                tx.writer.rows.put(TableId::UNIQUE, &row, &index::unique_value(book(9)))
            },
            &["belongs to record 128:9 (test_book), which is not there"],
        );
        check_damage(
            |tx| {
                let row = title_row(tx, "two");
                tx.writer.rows.put(TableId::UNIQUE, &row, &[0xff])
            },
            &["table unique: value is no record key"],
        );
        check_damage(
            |tx| {
                // Born here, so never kept without its key.
                let value = codec::encode(&titled("one", 1991, Some(book(3))))?;
                tx.writer.rows.put(TableId::records(BOOK), &record_key(2), &value)
            },
            &["is held by 128:1, which has the same key: record 128:2"],
        );
    }

    #[test]
    fn damage_of_ordered_indexes_is_named() {
        check_damage(
            |tx| {
                let row = year_row(tx, 1991, book(2));
                tx.writer.rows.delete(TableId::INDEX, &row)
            },
            &["table index: row of index year is missing: record 128:2 (test_book)"],
        );
        check_damage(
            |tx| {
                let row = year_row(tx, 1990, book(1));
                tx.writer.rows.put(TableId::INDEX, &row, &[])
            },
            &["row of index year belongs to record 128:1 (test_book), which does not have"],
        );
        check_damage(
            |tx| {
                let row = year_row(tx, 1991, book(2));
                tx.writer.rows.put(TableId::INDEX, &row, &[1])
            },
            &["row of index year has a value"],
        );
        check_damage(
            |tx| tx.writer.rows.put(TableId::INDEX, &[250, 1, 2, 3, 4, 5, 6, 7, 8], &[]),
            &["table index: 1 rows of kind 250, which has no name"],
        );
    }

    #[test]
    fn damage_of_records_is_named() {
        check_damage(
            |tx| tx.writer.rows.delete(TableId::records(BOOK), &record_key(2)),
            &[
                "record 128:2 (test_book): is not there, and no write deleted it",
                "row of index year belongs to record 128:2 (test_book), which is not there",
                "entry of a record that is not there: sequel_of from 128:2 to 128:3",
            ],
        );
        check_damage(
            |tx| {
                let value = codec::encode(&titled("three", 1992, None))?;
                tx.writer.rows.put(TableId::records(BOOK), &record_key(3), &value)
            },
            &["record 128:3 (test_book): is there, and the change log says it was deleted"],
        );
        check_damage(
            |tx| {
                let value = codec::encode(&titled("five", 1992, None))?;
                tx.writer.rows.put(TableId::records(BOOK), &record_key(5), &value)
            },
            &["record 128:5 (test_book): is there, and no write made it"],
        );
        check_damage(
            |tx| tx.writer.rows.put(TableId::records(BOOK), &record_key(2), &[1, 0xc1]),
            &["record 128:2 (test_book): corrupt data in record value"],
        );
        check_damage(
            |tx| tx.writer.rows.put(TableId::records(Kind(250)), &record_key(1), &[1]),
            &["table record_250: 1 records of a kind that has no name"],
        );
    }

    fn sequel(tx: &WriteTx<'_>, neighbor: NodeId) -> Entry {
        let edge_type = number(tx, "sequel_of");
        Entry { edge_type, neighbor, edge: EdgeId::LINK, weight: 1.0 }
    }

    fn near(tx: &WriteTx<'_>, neighbor: NodeId, edge: u64, weight: f32) -> Entry {
        Entry { edge_type: number(tx, "near"), neighbor, edge: EdgeId::from_u64(edge), weight }
    }

    #[test]
    fn damage_of_links_is_named() {
        for (node, neighbor, direction) in
            [(book(4), book(1), Direction::Out), (book(1), book(4), Direction::In)]
        {
            check_damage(
                |tx| {
                    let Entry { edge_type, neighbor, edge, .. } = sequel(tx, neighbor);
                    let rows = &mut tx.writer.rows;
                    adjacency::remove(rows, node, direction, edge_type, neighbor, edge).map(drop)
                },
                &[&format!(
                    "entry is missing: sequel_of from 128:4 to 128:1 in the {direction:?} list"
                )],
            );
        }
        check_damage(
            |tx| {
                let entry = sequel(tx, book(2));
                adjacency::insert(&mut tx.writer.rows, book(4), Direction::Out, entry).map(drop)
            },
            &["entry that no record states: sequel_of from 128:4 to 128:2"],
        );
        check_damage(
            |tx| {
                let edge = EdgeId::from(NodeId::new(Kind(129), 1).unwrap());
                let edge_type = number(tx, "cites");
                let entry = Entry { edge_type, neighbor: book(2), edge, weight: 3.0 };
                adjacency::insert(&mut tx.writer.rows, book(1), Direction::In, entry).map(drop)
            },
            &["weight is 3 instead of 2: cites from 128:2 to 128:1", "record 129:1"],
        );
        check_damage(
            |tx| {
                let key = [&book(1).as_u64().to_be_bytes()[..], &[1]].concat();
                tx.writer.rows.put(TableId::ADJACENCY, &key, &[0xff; 4])
            },
            &["node 128:1 (In): a block does not decode", "entry is missing"],
        );
    }

    #[test]
    fn damage_of_edges_is_named() {
        check_damage(
            |tx| {
                let Entry { edge_type, neighbor, edge, .. } = near(tx, book(1), 1, 1.0);
                let rows = &mut tx.writer.rows;
                adjacency::remove(rows, book(2), Direction::In, edge_type, neighbor, edge).map(drop)
            },
            &["entry of edge 1 is missing: near from 128:1 to 128:2 in the In list"],
        );
        check_damage(
            |tx| {
                let entry = near(tx, book(4), 3, 1.0);
                adjacency::insert(&mut tx.writer.rows, book(1), Direction::Out, entry).map(drop)
            },
            &["entry of an edge that is not there: near from 128:1 to 128:4"],
        );
        check_damage(
            |tx| {
                let entry = near(tx, book(4), 1, 1.0);
                adjacency::insert(&mut tx.writer.rows, book(1), Direction::Out, entry).map(drop)
            },
            &["entry of an edge that lies elsewhere: near from 128:1 to 128:4"],
        );
        check_damage(
            |tx| {
                let entry = near(tx, book(2), 2, 7.0);
                adjacency::insert(&mut tx.writer.rows, book(2), Direction::In, entry).map(drop)
            },
            &["the ends of an edge have different weights: near from 128:2 to 128:2"],
        );
        check_damage(
            |tx| tx.writer.rows.put(TableId::EDGES, &8_u64.to_be_bytes(), &[1]),
            &["table edges: row of edge 8, which is none"],
        );
        check_damage(
            |tx| tx.writer.rows.put(TableId::EDGES, &1_u64.to_be_bytes(), &[1, 0xc1]),
            &["record value: "],
        );
        check_damage(
            |tx| tx.writer.rows.delete(TableId::EDGE_SOURCES, &1_u64.to_be_bytes()),
            &["edge 1: is not there, and no write removed it", "edge that is not there"],
        );
    }

    #[test]
    fn damage_of_what_was_trimmed_is_named() {
        check_damage(
            |tx| {
                let first = [&1_u64.to_be_bytes()[..], &[0; 4]].concat();
                tx.writer.rows.delete(TableId::CHANGES, &first)
            },
            &["begins with write 2 part 0, and was trimmed up to write 0 part 0"],
        );
        check_damage(
            |tx| {
                let limit = Limit { seq: Seq(1), time: tx.now() };
                limit.put(&mut tx.writer.rows)?;
                Anchor { seq: Seq(2), ..Anchor::default() }.put(&mut tx.writer.rows)
            },
            &["table changes: swept up to write 2, and trimmed up to 1 only"],
        );
        check_damage(
            |tx| {
                let first = [&1_u64.to_be_bytes()[..], &[0; 4]].concat();
                tx.writer.rows.delete(TableId::CHANGES, &first)?;
                let limit = Limit { seq: Seq(1), time: tx.now() };
                limit.put(&mut tx.writer.rows)?;
                Anchor { seq: Seq(1), ..Anchor::default() }.put(&mut tx.writer.rows)?;
                let value = codec::encode(&titled("one", 1, None))?;
                let key = index::history_key(book(1), Seq(1));
                tx.writer.rows.put(TableId::HISTORY, &key, &value)
            },
            &["record 128:1 (test_book) has a value from before write 1, long trimmed"],
        );
        for key in [&b"changes/limit"[..], b"changes/anchor"] {
            check_damage(|tx| tx.writer.rows.put(TableId::META, key, &[1]), &["table meta"]);
        }
    }

    #[test]
    fn damage_of_log_history_names_and_floors_is_named() {
        check_damage(
            |tx| {
                let second = [&2_u64.to_be_bytes()[..], &[0; 4]].concat();
                tx.writer.rows.delete(TableId::CHANGES, &second)
            },
            &["table changes: write 3 follows where 2 must"],
        );
        check_damage(
            |tx| {
                tx.writer.changes.push(crate::storage::changes::Operation::Put, book(70).as_u64());
                Ok(())
            },
            &["names 128:70 to 128:70, which were never all given"],
        );
        check_damage(
            |tx| {
                let key = index::history_key(book(1), Seq(2));
                tx.writer.rows.put(TableId::HISTORY, &key, &[1, 0xc1])
            },
            &["table history: record 128:1 (test_book) before write 2: corrupt data"],
        );
        check_damage(
            |tx| {
                let key = index::history_key(NodeId::from_u64(1), Seq(2));
                tx.writer.rows.put(TableId::HISTORY, &key, &[7])
            },
            &["table history: edge 1 before write 2: corrupt data"],
        );
        check_damage(
            |tx| {
                let value = codec::encode(&titled("one", 1, None))?;
                let key = index::history_key(book(1), Seq(80));
                tx.writer.rows.put(TableId::HISTORY, &key, &value)
            },
            &["has a value from before write 80, which is none"],
        );
        check_damage(
            |tx| tx.writer.rows.put(TableId::FLOORS, &index::floor_key(BOOK), &[0xff]),
            &["table floors: kind 128"],
        );
        check_damage(
            |tx| {
                let last = number(tx, "near");
                assert_eq!(usize::try_from(last).unwrap() + 1, 5, "the name given last");
                delete_name(tx, b"sequel_of")
            },
            &["table names: number"],
        );
        check_damage(
            |tx| tx.writer.rows.put(TableId::VERBATIM, &[7; 20], b"piece"),
            &["rows of source 117901063, which is not known"],
        );
    }

    /// Names alone are no write, so another row goes with it.
    fn delete_name(tx: &mut WriteTx<'_>, name: &[u8]) -> Result<()> {
        tx.writer.rows.put(TableId::META, b"test", b"")?;
        tx.writer.rows.delete(TableId::NAMES, name)
    }

    #[test]
    fn damage_of_vectors_is_named() {
        use crate::storage::vectors;
        type Damage = fn(&mut WriteTx<'_>, u32) -> Result<()>;
        let damages: [(Damage, &str); 5] = [
            (
                |tx, model| vectors::put(&mut tx.writer.rows, model, book(1), &[1.0]),
                "vector of record 128:1 (test_book) has 4 bytes; its model has 2 values",
            ),
            (
                |tx, model| vectors::put(&mut tx.writer.rows, model, book(1), &[f32::NAN, 0.0]),
                "vector of record 128:1 (test_book) has a value that is not finite",
            ),
            (
                |tx, model| vectors::put(&mut tx.writer.rows, model, book(3), &[1.0, 0.0]),
                "vector of record 128:3 (test_book) is there, the record is not",
            ),
            (
                |tx, model| vectors::delete_model(&mut tx.writer.rows, model),
                "vector of record 128:1 (test_book) is of a model that is none",
            ),
            (|tx, _| vectors::put_dimension(&mut tx.writer.rows, 999, 2), "model 999 has no name"),
        ];
        for (damage, words) in damages {
            check_damage(
                |tx| {
                    tx.put_vector(book(1), "mini", &[0.6, 0.8])?;
                    let model = tx.name_number("mini").unwrap();
                    damage(tx, model)
                },
                &[words],
            );
        }
        let (_directory, store) = library();
        store.write(|tx| tx.put_vector(book(1), "mini", &[0.6, 0.8])).unwrap();
        let report = store.verify().unwrap();
        assert_eq!((report.problems.as_slice(), report.vectors), (&[][..], 1));
    }

    #[test]
    fn a_name_that_is_gone_is_named() {
        let (_directory, store) = library();
        let last = store.write(|tx| Ok(number(tx, "near"))).unwrap();
        let names = ["title", "year", "sequel_of", "cites", "near"];
        assert_eq!(last as usize, names.len() - 1);
        store.write(|tx| delete_name(tx, b"near")).unwrap();
        assert!(store.verify().unwrap().is_ok(), "edges hold the number, not the name");
        store.write(|tx| delete_name(tx, b"cites")).unwrap();
        let report = store.verify().unwrap();
        let detail = &report.problems.last().unwrap().detail;
        assert_eq!(detail, "\"cites\" is used and has no number");
    }

    #[test]
    fn problems_beyond_the_first_hundred_are_counted() {
        let (_directory, store) = library();
        store
            .write(|tx| {
                for key in 1_000..1_150 {
                    let row = year_row(tx, 1, book(key));
                    tx.writer.rows.put(TableId::INDEX, &row, &[])?;
                }
                Ok(())
            })
            .unwrap();
        let report = store.verify().unwrap();
        assert_eq!((report.problems.len(), report.more_problems), (100, 50));
    }

    #[test]
    fn kinds_that_are_not_registered_are_counted_and_do_no_harm() {
        let (directory, store) = library();
        store.close().unwrap();
        let store = Store::open(directory.path().join("store")).unwrap();
        let report = store.verify().unwrap();
        assert_eq!((report.problems.as_slice(), report.unchecked_kinds), (&[][..], 2));
        assert_eq!((report.records, report.links, report.edges), (4, 3, 2));
    }

    #[cfg(feature = "legacy")]
    #[test]
    fn imported_records_may_share_a_key_within_their_source() {
        use crate::store::sources::{Run, Source, SourceTable};
        let (_directory, store) = library();
        store
            .bulk(|tx| {
                tx.set_source(Some(1));
                for key in [10, 11] {
                    tx.insert_imported(book(key), &titled("one", 2000, None))?;
                }
                let runs = vec![Run { row: 1, key: 10, count: 2 }];
                let table = SourceTable { name: "books".into(), kind: BOOK.0, rows: 2, runs };
                tx.put_source(Source { number: 1, tables: vec![table], ..Source::default() })
            })
            .unwrap();
        let report = store.verify().unwrap();
        assert_eq!((report.problems.as_slice(), report.duplicate_keys), (&[][..], 1));
        store.write(|tx| tx.delete(book(10))).unwrap();
        let report = store.verify().unwrap();
        assert_eq!((report.problems.as_slice(), report.duplicate_keys), (&[][..], 1));
    }

    #[test]
    fn a_flipped_bit_in_a_value_is_found_also_where_it_still_decodes() {
        let (directory, store) = library();
        let note = "a note that is nowhere else";
        store.write(|tx| tx.insert(&titled(note, 7, None)).map(drop)).unwrap();
        store.close().unwrap();
        let path = place::data_file(&directory.path().join("store"));
        let mut bytes = std::fs::read(&path).unwrap();
        let places: Vec<usize> = bytes
            .windows(note.len())
            .enumerate()
            .filter(|(_, window)| *window == note.as_bytes())
            .map(|(place, _)| place)
            .collect();
        assert!(!places.is_empty());
        for place in places {
            bytes[place] = b'A';
        }
        std::fs::write(&path, &bytes).unwrap();
        let options = Store::builder().register::<Book>().register::<Citation>();
        let store = options.open(directory.path().join("store")).unwrap();
        let report = store.verify().unwrap();
        assert!(report.problems[0].place.ends_with("data.redb"), "{report:?}");
        assert!(report.problems[0].detail.starts_with("a page does not match"));
    }
}
