//! The chain under attack: rows of the table are altered, removed, added and exchanged.

mod damage;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::AuditReport;
use crate::base::codec;
use crate::base::error::Result;
use crate::base::id::{Kind, NodeId};
use crate::record::{Facts, Record};
use crate::storage::audit::{Head, head_key, item_key};
use crate::storage::tables::record_key;
use crate::storage::{KeyRange, Rows as _, RowsMut as _, TableId};
use crate::store::{Audit, Store, WriteTx};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Note {
    text: String,
}

impl Record for Note {
    const NAME: &'static str = "test_note";
    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.text("text", self.text.as_str());
    }
}

const NOTE: Kind = Kind(128);

fn note(key: u64) -> NodeId {
    NodeId::from_parts(NOTE, key)
}

fn said(text: &str) -> Note {
    Note { text: text.into() }
}

/// Entry 1 is the scope; entries 2 to 5 write notes 1 and 2, change 1, and delete 2.
fn store() -> (TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    let options = Store::builder().register::<Note>().audit(Audit::of::<Note>());
    let store = options.create(home.path().join("s")).unwrap();
    for text in ["one", "two"] {
        let write = |tx: &mut WriteTx<'_>| {
            tx.set_author("anna")?;
            tx.insert(&said(text))
        };
        store.write(write).unwrap();
    }
    store.write(|tx| tx.put(note(1), &said("changed"))).unwrap();
    store.write(|tx| tx.delete(note(2))).unwrap();
    (home, store)
}

fn report(store: &Store) -> AuditReport {
    store.read().unwrap().audit().verify(None).unwrap()
}

fn problems(store: &Store) -> Vec<String> {
    let shown = |entry: Option<u64>| entry.map_or("-".to_owned(), |entry| entry.to_string());
    let report = report(store);
    report.problems.iter().map(|it| format!("{}: {}", shown(it.entry), it.detail)).collect()
}

/// Damages a fresh chain and compares what verifying says.
#[track_caller]
fn check(damage: impl FnOnce(&mut WriteTx<'_>) -> Result<()>, expected: &[&str]) {
    let (_home, store) = store();
    assert_eq!(problems(&store), [""; 0], "before the damage");
    store.write(damage).unwrap();
    assert_eq!(problems(&store), expected);
}

fn read(tx: &WriteTx<'_>, key: &[u8]) -> Vec<u8> {
    tx.rows().get(TableId::AUDIT, key).unwrap().unwrap().to_vec()
}

fn put(tx: &mut WriteTx<'_>, key: &[u8], value: &[u8]) -> Result<()> {
    tx.writer.rows.put(TableId::AUDIT, key, value)
}

#[test]
fn a_whole_chain_is_whole_and_counted() {
    let (_home, store) = store();
    let report = report(&store);
    assert_eq!((report.entries, report.changes, report.erased), (5, 5, 0));
    assert_eq!(report.head.unwrap().number, 5);
    assert!(store.verify().unwrap().is_ok());
}

#[test]
fn an_altered_entry_is_named() {
    check(
        |tx| {
            let mut head = Head::decode(&read(tx, &head_key(3))).unwrap();
            head.seq.0 += 1;
            put(tx, &head_key(3), &head.encode())
        },
        &[
            "3: the entry was altered",
            "4: it is older than the entry before it",
            "-: write 3 has no entry",
        ],
    );
    check(
        |tx| {
            let mut head = Head::decode(&read(tx, &head_key(3))).unwrap();
            head.items_digest = head.previous;
            head.digest = head.computed_digest();
            put(tx, &head_key(3), &head.encode())
        },
        &[
            "3: its changes were altered or put in another order",
            "4: it does not follow the entry before it, one of the two was altered",
        ],
    );
    check(
        |tx| put(tx, &head_key(3), b"nonsense"),
        &["3: the entry was altered: it does not decode", "-: write 3 has no entry"],
    );
}

#[test]
fn an_altered_payload_is_named_also_when_its_digest_is_made_to_fit() {
    check(
        |tx| {
            let mut value = read(tx, &item_key(2, 1));
            *value.last_mut().unwrap() ^= 1;
            put(tx, &item_key(2, 1), &value)
        },
        &["2: the payload of change 1 was altered"],
    );
    check(
        |tx| {
            let mut item = crate::storage::audit::item(tx.rows(), 2, 1)?.unwrap();
            let (salt, payload) = item.secret.as_mut().unwrap();
            *payload = codec::encode(&said("forged"))?;
            item.digest = crate::storage::audit::Item::digest_of(salt, payload);
            put(tx, &item_key(2, 1), &item.encode())
        },
        &["2: its changes were altered or put in another order"],
    );
}

#[test]
fn a_removed_entry_is_named_wherever_it_was() {
    let remove = |number: u64| {
        move |tx: &mut WriteTx<'_>| {
            tx.writer.rows.delete(TableId::AUDIT, &head_key(number))?;
            for key in keys_of(tx, &item_key(number, 0)[..9]) {
                tx.writer.rows.delete(TableId::AUDIT, &key)?;
            }
            for key in keys_of(tx, &[2]) {
                if key[9..17] == number.to_be_bytes() {
                    tx.writer.rows.delete(TableId::AUDIT, &key)?;
                }
            }
            Ok(())
        }
    };
    check(remove(3), &["3: the entry is missing", "-: write 3 has no entry"]);
    check(remove(5), &["-: write 5 has no entry", "3: record 128:2 is gone, and no entry says so"]);
    check(
        |tx| tx.writer.rows.delete(TableId::AUDIT, &item_key(4, 1)),
        &["4: it has 0 changes instead of 1", "4: record 128:1 has no change 1 in it"],
    );
}

fn keys_of(tx: &WriteTx<'_>, prefix: &[u8]) -> Vec<Box<[u8]>> {
    let rows = tx.rows().range(TableId::AUDIT, KeyRange::prefix(prefix)).unwrap();
    rows.map(|row| row.unwrap().0).collect()
}

#[test]
fn the_newest_entry_is_named_when_only_its_head_is_gone() {
    check(
        |tx| tx.writer.rows.delete(TableId::AUDIT, &head_key(5)),
        &["5: the entry is missing", "-: write 5 has no entry"],
    );
    check(|tx| put(tx, &item_key(0, 1), &read(tx, &item_key(2, 1))), &["0: the entry is missing"]);
}

#[test]
fn an_entry_with_the_greatest_number_is_named_and_none_follows_it() {
    let numbered = |tx: &WriteTx<'_>, number: u64| {
        let mut head = Head::decode(&read(tx, &head_key(number))).unwrap();
        head.number = u64::MAX;
        head.digest = head.computed_digest();
        head.encode()
    };
    check(
        |tx| put(tx, &head_key(3), &numbered(tx, 3)),
        &[
            "3: entry 18446744073709551615 lies in its place",
            "4: it does not follow the entry before it, one of the two was altered",
        ],
    );
    let (_home, store) = store();
    store.write(|tx| put(tx, &head_key(u64::MAX), &numbered(tx, 5))).unwrap();
    assert_eq!(problems(&store)[0], "6: the entry is missing");
    let next = store.write(|tx| tx.insert(&said("one more")));
    assert_eq!(next.unwrap_err().kind(), "corrupt");
}

#[test]
fn a_chain_that_is_gone_as_a_whole_is_missed() {
    check(
        |tx| {
            for key in keys_of(tx, &[]) {
                tx.writer.rows.delete(TableId::AUDIT, &key)?;
            }
            Ok(())
        },
        &["-: no entry says what is audited, and something is"],
    );
}

#[test]
fn what_is_audited_is_not_changed_past_the_chain() {
    check(
        |tx| tx.writer.rows.put(TableId::META, b"audit/scope", &[0]),
        &["1: what is audited was changed, and no entry says so"],
    );
    check(
        |tx| tx.writer.rows.delete(TableId::META, b"audit/scope"),
        &["1: what is audited was changed, and no entry says so"],
    );
}

#[test]
fn entries_in_another_order_are_named() {
    let exchange = |tx: &mut WriteTx<'_>| {
        for (one, other) in
            [(&head_key(2)[..], &head_key(3)[..]), (&item_key(2, 1), &item_key(3, 1))]
        {
            let (first, second) = (read(tx, one), read(tx, other));
            put(tx, one, &second)?;
            put(tx, other, &first)?;
        }
        Ok(())
    };
    let (_home, store) = store();
    store.write(exchange).unwrap();
    let found = problems(&store);
    assert!(found.contains(&"2: entry 3 lies in its place".to_owned()), "{found:?}");
    assert!(found.contains(&"3: entry 2 lies in its place".to_owned()), "{found:?}");
}

#[test]
fn a_removed_payload_is_named_unless_an_entry_says_that_it_was_erased() {
    check(
        |tx| crate::storage::audit::erase(&mut tx.writer.rows, 2, 1).map(drop),
        &["2: the payload of change 1 was removed"],
    );
    let (_home, store) = store();
    let erased = store.write(|tx| tx.audit().erase(note(1))).unwrap();
    // Two values, and the deletion, whose payload is empty.
    assert_eq!(erased, 3);
    assert_eq!(problems(&store), [""; 0]);
    assert_eq!(report(&store).erased, 3);
}

#[test]
fn an_erasure_does_not_explain_that_its_own_payload_is_gone() {
    let (_home, store) = store();
    store.write(|tx| tx.audit().erase(note(1))).unwrap();
    // The deletion is the first item of the entry, the erasure the second.
    let remove = |tx: &mut WriteTx<'_>| crate::storage::audit::erase(&mut tx.writer.rows, 6, 2);
    assert!(store.write(remove).unwrap());
    assert_eq!(problems(&store), ["6: the payload of change 2 was removed"]);
    store.write(|tx| tx.audit().erase(note(1))).unwrap();
    assert_eq!(problems(&store), [""; 0], "a later one explains it");
}

#[test]
fn a_record_that_was_changed_past_the_chain_is_named() {
    check(
        |tx| {
            let value = codec::encode(&said("forged"))?;
            tx.writer.rows.put(TableId::records(NOTE), &record_key(1), &value)
        },
        &["4: record 128:1 is not as the entry says"],
    );
    check(
        |tx| {
            let value = codec::encode(&said("forged"))?;
            tx.writer.rows.put(TableId::records(NOTE), &record_key(2), &value)
        },
        &["5: record 128:2 is there, and the entry says it is gone"],
    );
    check(
        |tx| tx.writer.rows.delete(TableId::records(NOTE), &record_key(1)),
        &["4: record 128:1 is gone, and no entry says so"],
    );
}

#[test]
fn a_chain_made_anew_is_whole_but_not_the_one_that_was_noted() {
    let (_home, store) = store();
    let head = store.read().unwrap().audit().head().unwrap().unwrap();
    store
        .write(|tx| {
            let mut head = Head::decode(&read(tx, &head_key(5))).unwrap();
            head.time = head.time.saturating_add(std::time::Duration::from_micros(1));
            head.digest = head.computed_digest();
            put(tx, &head_key(5), &head.encode())
        })
        .unwrap();
    let tx = store.read().unwrap();
    assert!(tx.audit().verify(None).unwrap().is_ok(), "nothing within tells");
    let report = tx.audit().verify(Some(&head.digest)).unwrap();
    assert_eq!(report.problems[0].detail, "no entry has the digest that was noted");
}
