//! Random courses of writes: the chain is the one that is computed from what was done, and damage
//! to any row or entry of it is found, and the right entry named.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tempfile::TempDir;

use super::{Note, report, said};
use crate::base::codec;
use crate::base::digest::Digest;
use crate::base::id::{EdgeId, NodeId, Seq};
use crate::base::time::Timestamp;
use crate::base::varint;
use crate::storage::audit::{Act, Item};
use crate::storage::{KeyRange, Rows as _, RowsMut as _, TableId, audit};
use crate::store::{Audit, Store, WriteTx};

const AUTHORS: [&str; 2] = ["anna", "bert"];

/// One operation of a write. Numbers choose among the notes and edges that there are or were.
#[derive(Clone, Debug)]
enum Op {
    Insert(u8),
    Put(usize, u8),
    Delete(usize),
    Link(usize, usize),
    Unlink(usize),
    Erase(usize),
}

type Write = (Option<usize>, Vec<Op>);

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let any = any::<usize>;
    let op = prop_oneof![
        3 => (0_u8..3).prop_map(Op::Insert),
        3 => (any(), 0_u8..3).prop_map(|(at, text)| Op::Put(at, text)),
        1 => any().prop_map(Op::Delete),
        2 => (any(), any()).prop_map(|(source, target)| Op::Link(source, target)),
        1 => any().prop_map(Op::Unlink),
        1 => any().prop_map(Op::Erase),
    ];
    let author = prop::option::of(0..AUTHORS.len());
    prop::collection::vec((author, prop::collection::vec(op, 1..5)), 0..9)
}

/// What an item must say: act, id, and the payload where the model makes it itself.
type PlainItem = (Act, u64, Option<Vec<u8>>);

/// A store, and what was written to it, told by the operations alone.
struct Course {
    _home: TempDir,
    store: Store,
    notes: BTreeMap<NodeId, Option<u8>>,
    edges: BTreeMap<EdgeId, [NodeId; 2]>,
    entries: Vec<(Seq, Timestamp, Vec<PlainItem>)>,
    /// Items of the write that goes on.
    open: Vec<PlainItem>,
    /// Entry and place of items whose payload was erased.
    erased: BTreeSet<(u64, u32)>,
}

impl Course {
    fn follow(writes: &[Write]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let options = Store::builder().cache_bytes(4 << 20).register::<Note>().audit(Audit::all());
        let store = options.create(home.path().join("s")).unwrap();
        let scope = vec![(Act::Scope, 0, Some(vec![1]))];
        let mut course = Self {
            _home: home,
            notes: BTreeMap::new(),
            edges: BTreeMap::new(),
            entries: vec![(store.seq(), store.last_write_time(), scope)],
            open: Vec::new(),
            erased: BTreeSet::new(),
            store,
        };
        for write in writes {
            course.write(write);
        }
        course
    }

    fn write(&mut self, (author, ops): &Write) {
        let store = self.store.clone();
        let author = author.map(|number| AUTHORS[number]);
        let written = store.write(|tx| {
            if let Some(author) = author {
                tx.set_author(author)?;
            }
            for op in ops {
                self.op(tx, op);
            }
            Ok(())
        });
        written.unwrap();
        let mut items = std::mem::take(&mut self.open);
        if !items.is_empty() {
            items.extend(author.map(|name| (Act::Author, 0, Some(name.as_bytes().to_vec()))));
            self.entries.push((store.seq(), store.last_write_time(), items));
        }
    }

    fn op(&mut self, tx: &mut WriteTx<'_>, op: &Op) {
        let note = |number: &usize| {
            let known = self.notes.keys().nth(number % self.notes.len().max(1));
            known.copied()
        };
        match op {
            Op::Insert(text) => {
                let id = tx.insert(&said(&text.to_string())).unwrap();
                self.put(id, *text);
            }
            Op::Put(number, text) => {
                let Some(id) = note(number) else { return };
                tx.put(id, &said(&text.to_string())).unwrap();
                self.put(id, *text);
            }
            Op::Delete(number) => {
                let Some(id) = note(number) else { return };
                let was_there = tx.delete(id).unwrap();
                assert_eq!(was_there, self.delete(id));
            }
            Op::Link(source, target) => {
                let (Some(source), Some(target)) = (note(source), note(target)) else { return };
                if let Ok(edge) = tx.link(source, "near", target) {
                    self.edges.insert(edge, [source, target]);
                    self.open.push((Act::Link, edge.as_u64(), None));
                }
            }
            Op::Unlink(number) => {
                let edge = self.edges.keys().nth(number % self.edges.len().max(1)).copied();
                let Some(edge) = edge else { return };
                assert!(tx.remove_edge(edge).unwrap());
                self.edges.remove(&edge);
                self.open.push((Act::Unlink, edge.as_u64(), Some(Vec::new())));
            }
            Op::Erase(number) => {
                let Some(id) = note(number) else { return };
                tx.audit().erase(id).unwrap();
                self.delete(id);
                self.erase(id.as_u64());
            }
        }
    }

    fn put(&mut self, id: NodeId, text: u8) {
        if self.notes.insert(id, Some(text)) != Some(Some(text)) {
            let payload = codec::encode(&said(&text.to_string())).unwrap();
            self.open.push((Act::Put, id.as_u64(), Some(payload)));
        }
    }

    fn delete(&mut self, id: NodeId) -> bool {
        if self.notes.insert(id, None).flatten().is_none() {
            return false;
        }
        let open = &mut self.open;
        self.edges.retain(|edge, ends| {
            let stays = !ends.contains(&id);
            if !stays {
                open.push((Act::Unlink, edge.as_u64(), Some(Vec::new())));
            }
            stays
        });
        self.open.push((Act::Delete, id.as_u64(), Some(Vec::new())));
        true
    }

    fn erase(&mut self, id: u64) {
        let entries = self.entries.iter().map(|(_, _, items)| items).chain([&self.open]);
        for (number, items) in (1..).zip(entries) {
            let of_id = (1..).zip(items).filter(|(_, item)| item.1 == id && item.0.is_of_record());
            self.erased.extend(of_id.map(|(place, _)| (number, place)));
        }
        self.open.push((Act::Erase, id, Some(Vec::new())));
    }

    /// Computes the digest of the newest entry from what was done, the salts, and the digests of
    /// what was erased.
    fn head(&self) -> Digest {
        let tx = self.store.read().unwrap();
        let (mut salts, nothing) = (BTreeSet::new(), Vec::new());
        let mut previous = Digest::from_bytes([0; 32]);
        for (number, (seq, time, expected)) in (1..).zip(&self.entries) {
            let items: Vec<Item> = audit::items(tx.rows(), Some(number))
                .unwrap()
                .map(|row| row.unwrap().2.unwrap())
                .collect();
            let said: Vec<(Act, u64)> = items.iter().map(|item| (item.act, item.id)).collect();
            let wanted = expected.iter().map(|(act, id, _)| (*act, *id)).collect();
            assert_eq!(in_order(said), in_order(wanted), "entry {number}");
            let mut hashed = Vec::new();
            for (place, item) in (1..).zip(&items) {
                let digest = match &item.secret {
                    Some((salt, payload)) => {
                        assert!(salts.insert(*salt), "a salt is used once");
                        let known = expected[place as usize - 1].2.as_ref();
                        let known = if item.act == Act::Unlink { Some(&nothing) } else { known };
                        assert!(known.is_none_or(|known| known == payload), "entry {number}");
                        Digest::of(&[salt.as_slice(), payload].concat())
                    }
                    None => item.digest,
                };
                assert_eq!(item.secret.is_none(), self.erased.contains(&(number, place)));
                hashed.push(code_of(item.act));
                hashed.extend_from_slice(&item.id.to_be_bytes());
                hashed.extend_from_slice(digest.as_bytes());
            }
            let mut head = vec![1];
            head.extend_from_slice(&number.to_be_bytes());
            varint::put(&mut head, seq.0);
            varint::put_signed(&mut head, time.as_micros());
            varint::put(&mut head, expected.len() as u64);
            head.extend_from_slice(previous.as_bytes());
            head.extend_from_slice(Digest::of(&hashed).as_bytes());
            previous = Digest::of(&head);
        }
        previous
    }
}

/// The order of edges that go with a note is that of its adjacency.
fn in_order(mut items: Vec<(Act, u64)>) -> Vec<(Act, u64)> {
    for run in items.chunk_by_mut(|one, other| one.0 == Act::Unlink && other.0 == Act::Unlink) {
        run.sort_unstable_by_key(|item| item.1);
    }
    items
}

/// As `docs/format.md` has it.
fn code_of(act: Act) -> u8 {
    match act {
        Act::Put => 1,
        Act::Delete => 2,
        Act::Link => 3,
        Act::Unlink => 4,
        Act::Erase => 5,
        Act::Scope => 6,
        Act::Author => 7,
    }
}

/// What somebody does to the rows of the chain. Numbers choose among them.
#[derive(Clone, Debug)]
enum Damage {
    /// One bit of a head or an item.
    Flip(usize, usize),
    /// All but the first bytes of a head or an item go.
    Cut(usize, usize),
    /// A payload becomes another one, and its digest fits.
    Forge(usize),
    /// A head, an item, or a row that finds the items of a record goes.
    Remove(usize),
    /// Two heads, or two items, change places.
    Exchange(usize, usize),
    /// An entry goes with all its rows.
    RemoveEntry(usize),
    /// Two entries change places with their items.
    ExchangeEntries(usize, usize),
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let any = any::<usize>;
    let damage = prop_oneof![
        4 => (any(), any()).prop_map(|(row, bit)| Damage::Flip(row, bit)),
        2 => (any(), any()).prop_map(|(row, length)| Damage::Cut(row, length)),
        1 => any().prop_map(Damage::Forge),
        2 => any().prop_map(Damage::Remove),
        2 => (any(), any()).prop_map(|(one, other)| Damage::Exchange(one, other)),
        1 => any().prop_map(Damage::RemoveEntry),
        1 => (any(), any()).prop_map(|(one, other)| Damage::ExchangeEntries(one, other)),
    ];
    prop::collection::vec(damage, 8..16)
}

type Table = BTreeMap<Vec<u8>, Vec<u8>>;

/// The entry that a row belongs to.
fn entry_of(key: &[u8]) -> u64 {
    let at = if key[0] == 2 { 9 } else { 1 };
    u64::from_be_bytes(key[at..at + 8].try_into().unwrap())
}

fn table(store: &Store) -> Table {
    let tx = store.read().unwrap();
    let rows = tx.rows().range(TableId::AUDIT, KeyRange::all()).unwrap();
    rows.map(Result::unwrap).map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// Makes the chain's table this one.
fn set_table(store: &Store, wanted: &Table) {
    let found = table(store);
    let write = |tx: &mut WriteTx<'_>| {
        for key in found.keys().filter(|key| !wanted.contains_key(*key)) {
            tx.writer.rows.delete(TableId::AUDIT, key)?;
        }
        for (key, value) in wanted.iter().filter(|(key, value)| found.get(*key) != Some(*value)) {
            tx.writer.rows.put(TableId::AUDIT, key, value)?;
        }
        Ok(())
    };
    store.write(write).unwrap();
}

impl Damage {
    /// Damages a table, and tells which entries that is done to.
    fn strike(&self, table: &mut Table) -> BTreeSet<u64> {
        let nth = |number: usize, is: fn(&[u8]) -> bool| {
            let keys: Vec<&Vec<u8>> = table.keys().filter(|key| is(key)).collect();
            keys[number % keys.len()].clone()
        };
        let has_value = |key: &[u8]| key[0] < 2;
        match self {
            Self::Flip(number, bit) => {
                let key = nth(*number, has_value);
                let value = table.get_mut(&key).unwrap();
                let bit = bit % (8 * value.len());
                value[bit / 8] ^= 1 << (bit % 8);
                [entry_of(&key)].into()
            }
            Self::Cut(number, length) => {
                let key = nth(*number, has_value);
                let value = table.get_mut(&key).unwrap();
                value.truncate(length % value.len());
                [entry_of(&key)].into()
            }
            Self::Forge(number) => {
                let key = nth(*number, |key| key[0] == 1);
                let mut item = Item::decode(&table[&key]).unwrap();
                let Some((salt, payload)) = &mut item.secret else { return BTreeSet::new() };
                payload.push(b'!');
                item.digest = Item::digest_of(salt, payload);
                table.insert(key.clone(), item.encode());
                [entry_of(&key)].into()
            }
            Self::Remove(number) => {
                let key = nth(*number, |_| true);
                table.remove(&key);
                [entry_of(&key)].into()
            }
            Self::Exchange(one, other) => {
                let one = nth(*one, has_value);
                let other =
                    nth(*other, if one[0] == 0 { |key| key[0] == 0 } else { |key| key[0] == 1 });
                let (first, second) = (table[&one].clone(), table[&other].clone());
                let numbers = [entry_of(&one), entry_of(&other)];
                if one == other {
                    return BTreeSet::new();
                }
                table.insert(one, second);
                table.insert(other, first);
                numbers.into()
            }
            Self::RemoveEntry(number) => {
                let number = entry_of(&nth(*number, |key| key[0] == 0));
                table.retain(|key, _| entry_of(key) != number);
                [number].into()
            }
            Self::ExchangeEntries(one, other) => {
                let one = entry_of(&nth(*one, |key| key[0] == 0));
                let other = entry_of(&nth(*other, |key| key[0] == 0));
                if one == other {
                    return BTreeSet::new();
                }
                let moved = std::mem::take(table).into_iter().map(|(mut key, value)| {
                    let number = entry_of(&key);
                    if key[0] < 2 && (number == one || number == other) {
                        key[1..9].copy_from_slice(&(one + other - number).to_be_bytes());
                    }
                    (key, value)
                });
                *table = moved.collect();
                [one, other].into()
            }
        }
    }
}

/// Ids that items of entries name.
fn ids_in(table: &Table, entries: &BTreeSet<u64>) -> BTreeSet<u64> {
    let items = table.iter().filter(|(key, _)| key[0] == 1 && entries.contains(&entry_of(key)));
    items.filter_map(|(_, value)| Item::decode(value)).map(|item| item.id).collect()
}

/// Entries of which a problem may be told when others are damaged: the ones after them, and those
/// that changed the same records.
fn beside(tables: [&Table; 2], damaged: &BTreeSet<u64>) -> BTreeSet<u64> {
    let ids: BTreeSet<u64> = tables.iter().flat_map(|table| ids_in(table, damaged)).collect();
    let mut beside: BTreeSet<u64> = damaged.iter().map(|number| number + 1).collect();
    for table in tables {
        let items = table.iter().filter(|(key, _)| key[0] == 1);
        let same =
            items.filter(|(_, value)| Item::decode(value).is_some_and(|it| ids.contains(&it.id)));
        beside.extend(same.map(|(key, _)| entry_of(key)));
    }
    beside
}

/// Damage is found, every entry that it was done to is named, and no other than may be. The newest
/// entry, gone as a whole, is missed in the change log or by what it explained.
fn check(store: &Store, whole: &Table, damage: &Damage) {
    let mut table = whole.clone();
    let damaged = damage.strike(&mut table);
    if damaged.is_empty() || table == *whole {
        return;
    }
    set_table(store, &table);
    let found = report(store);
    assert!(!found.is_ok(), "not found: {damage:?}");
    let named: BTreeSet<u64> = found.problems.iter().filter_map(|problem| problem.entry).collect();
    let newest = entry_of(whole.keys().rfind(|key| key[0] == 0).unwrap());
    let lost = matches!(damage, Damage::RemoveEntry(_)).then_some(newest);
    for number in damaged.iter().filter(|number| lost != Some(**number)) {
        assert!(named.contains(number), "entry {number} is not named: {damage:?}, {found:#?}");
    }
    let allowed = beside([whole, &table], &damaged);
    for number in named.difference(&damaged) {
        assert!(allowed.contains(number), "entry {number} is named: {damage:?}, {found:#?}");
    }
    set_table(store, whole);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_chain_is_the_one_that_is_computed_from_what_was_done(writes in writes()) {
        let course = Course::follow(&writes);
        let report = report(&course.store);
        prop_assert_eq!(report.problems, []);
        prop_assert_eq!(report.erased, course.erased.len() as u64);
        let head = report.head.unwrap();
        prop_assert_eq!(head.number, course.entries.len() as u64);
        prop_assert_eq!(head.digest, course.head().to_string());
    }

    #[test]
    fn damage_is_found_and_the_entry_named(writes in writes(), damages in damages()) {
        let Course { store, _home, .. } = Course::follow(&writes);
        let whole = table(&store);
        for damage in damages {
            check(&store, &whole, &damage);
            prop_assert_eq!(report(&store).problems, []);
        }
    }
}
