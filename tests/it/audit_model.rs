//! The audit chain against a plain model: random courses of writes by several authors, with some
//! dropped, records erased, and what is audited changed on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use engraph::family::{AuditAct, Erase};
use engraph::record::Document;
use engraph::{Audit, EdgeId, Error, ManualClock, NodeId, Seq, Store, Timestamp, WriteTx};
use proptest::prelude::*;
use serde_json::Value;

use crate::check::{fault, sound};
use crate::workload::{Card, Counter, Home, options};

const AUTHORS: [&str; 3] = ["ada", "bert", "\u{e9}milie"];
const ERASER: &str = "dora";

/// Records of three types: one keeps its earlier values, one of the others is audited with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Card,
    Document,
    Counter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Off,
    CardsAndDocuments,
    All,
}

impl Scope {
    fn audit(self) -> Audit {
        match self {
            Self::Off => Audit::off(),
            Self::CardsAndDocuments => Audit::of::<Card>().and::<Document>(),
            Self::All => Audit::all(),
        }
    }

    fn covers(self, sort: Sort) -> bool {
        self == Self::All || self == Self::CardsAndDocuments && sort != Sort::Counter
    }
}

/// One operation within a write. Numbers choose among what there is or was.
#[derive(Clone, Debug)]
enum Op {
    Insert(Sort, u8),
    Put(usize, u8),
    Delete(usize),
    Link(usize, usize),
    Unlink(usize),
    Erase(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Kept,
    Dropped,
    Bulk,
}

#[derive(Clone, Debug)]
enum Step {
    Write { author: Option<usize>, ops: Vec<Op>, ending: Ending },
    EraseEverywhere(Vec<usize>),
    Reopen(Scope),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let any = any::<usize>;
    let sort = prop::sample::select(vec![Sort::Card, Sort::Document, Sort::Counter]);
    let op = prop_oneof![
        4 => (sort, 0_u8..3).prop_map(|(sort, text)| Op::Insert(sort, text)),
        4 => (any(), 0_u8..3).prop_map(|(at, text)| Op::Put(at, text)),
        2 => any().prop_map(Op::Delete),
        3 => (any(), any()).prop_map(|(source, target)| Op::Link(source, target)),
        1 => any().prop_map(Op::Unlink),
        1 => any().prop_map(Op::Erase),
    ];
    let ending = prop_oneof![
        6 => Just(Ending::Kept),
        1 => Just(Ending::Dropped),
        2 => Just(Ending::Bulk),
    ];
    let author = prop::option::of(0..AUTHORS.len());
    let write = (author, prop::collection::vec(op, 1..6), ending);
    let scope = prop::sample::select(vec![Scope::Off, Scope::CardsAndDocuments, Scope::All]);
    let step = prop_oneof![
        10 => write.prop_map(|(author, ops, ending)| Step::Write { author, ops, ending }),
        1 => prop::collection::vec(any(), 1..3).prop_map(Step::EraseEverywhere),
        1 => scope.prop_map(Step::Reopen),
    ];
    prop::collection::vec(step, 1..20)
}

/// A record: its type, what its keys are made of, and what changes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Plain {
    sort: Sort,
    number: usize,
    text: u8,
}

impl Plain {
    fn card(self) -> Card {
        let card = Card::new(format!("c{}", self.number)).place("s", self.text.into());
        if self.text == 0 { card } else { card.alias(&format!("a{}", self.number)) }
    }

    fn document(self) -> Document {
        let file_path = (self.text > 0).then(|| format!("/{}", self.text));
        Document { file_name: format!("d{}", self.number), file_path, ..Document::default() }
    }

    fn counter(self) -> Counter {
        Counter { count: self.text.into() }
    }

    fn value(self) -> Value {
        let value = match self.sort {
            Sort::Card => serde_json::to_value(self.card()),
            Sort::Document => serde_json::to_value(self.document()),
            Sort::Counter => serde_json::to_value(self.counter()),
        };
        value.unwrap()
    }

    fn insert(self, tx: &mut WriteTx<'_>) -> NodeId {
        let inserted = match self.sort {
            Sort::Card => tx.insert(&self.card()),
            Sort::Document => tx.insert(&self.document()),
            Sort::Counter => tx.insert(&self.counter()),
        };
        inserted.unwrap()
    }

    fn put(self, tx: &mut WriteTx<'_>, id: NodeId) {
        let put = match self.sort {
            Sort::Card => tx.put(id, &self.card()),
            Sort::Document => tx.put(id, &self.document()),
            Sort::Counter => tx.put(id, &self.counter()),
        };
        put.unwrap();
    }
}

/// An entry of the chain.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    seq: Seq,
    time: Timestamp,
    author: Option<String>,
    changes: u64,
}

/// A change of a record, by the number of its entry.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    entry: u64,
    act: AuditAct,
    value: Option<Value>,
    is_erased: bool,
}

/// A making of an edge, as the chain holds it.
#[derive(Clone, Debug, PartialEq)]
struct Made {
    ends: [NodeId; 2],
    is_erased: bool,
}

#[derive(Clone, Debug)]
struct Model {
    scope: Scope,
    /// Every record that ever was, as it was last.
    known: BTreeMap<NodeId, Plain>,
    live: BTreeSet<NodeId>,
    /// Records of which the history holds earlier values.
    remembered: BTreeSet<NodeId>,
    /// Records that were not there before the write that goes on.
    born: BTreeSet<NodeId>,
    edges: BTreeMap<EdgeId, [NodeId; 2]>,
    entries: Vec<Entry>,
    histories: BTreeMap<NodeId, Vec<Change>>,
    made: BTreeMap<EdgeId, Made>,
    /// Changes of the write that goes on.
    changes: u64,
    digests: Vec<String>,
}

impl Model {
    fn new(scope: Scope) -> Self {
        Self {
            scope,
            known: BTreeMap::new(),
            live: BTreeSet::new(),
            remembered: BTreeSet::new(),
            born: BTreeSet::new(),
            edges: BTreeMap::new(),
            entries: Vec::new(),
            histories: BTreeMap::new(),
            made: BTreeMap::new(),
            changes: 0,
            digests: Vec::new(),
        }
    }

    fn pick(&self, number: usize) -> Option<NodeId> {
        self.known.keys().nth(number % self.known.len().max(1)).copied()
    }

    /// Notes a change of a record, whatever is audited.
    fn note(&mut self, id: NodeId, act: AuditAct, value: Option<Value>) {
        self.changes += 1;
        let entry = self.entries.len() as u64 + 1;
        let change = Change { entry, act, value, is_erased: false };
        self.histories.entry(id).or_default().push(change);
    }

    /// Closes the entry of a write that was accepted, if it has one.
    fn close(&mut self, store: &Store, author: Option<&str>) {
        self.born.clear();
        let changes = std::mem::take(&mut self.changes);
        if changes > 0 {
            let (seq, time) = (store.seq(), store.last_write_time());
            let author = author.map(ToOwned::to_owned);
            self.entries.push(Entry { seq, time, author, changes });
        }
    }

    fn put(&mut self, id: NodeId, plain: Plain) {
        let is_versioned = plain.sort == Sort::Card;
        if self.live.insert(id) {
            self.born.insert(id);
        } else if self.known[&id] == plain {
            return;
        } else if is_versioned && !self.born.contains(&id) {
            self.remembered.insert(id);
        }
        self.known.insert(id, plain);
        if self.scope.covers(plain.sort) {
            self.note(id, AuditAct::Put, Some(plain.value()));
        }
    }

    /// Follows a deletion, and tells whether the record was there.
    fn delete(&mut self, id: NodeId) -> bool {
        if !self.live.remove(&id) {
            return false;
        }
        let sort = self.known[&id].sort;
        let before = self.edges.len();
        self.edges.retain(|_, ends| !ends.contains(&id));
        if self.scope == Scope::All {
            self.changes += (before - self.edges.len()) as u64;
        }
        if sort == Sort::Card && !self.born.contains(&id) {
            self.remembered.insert(id);
        }
        if self.scope.covers(sort) {
            self.note(id, AuditAct::Delete, None);
        }
        true
    }

    /// Empties what the chain holds of a record; tells how many payloads that were.
    fn empty(&mut self, id: NodeId) -> u64 {
        let mut erased = 0;
        for change in self.histories.entry(id).or_default() {
            erased += u64::from(!change.is_erased);
            (change.is_erased, change.value) = (true, None);
        }
        erased
    }

    fn op(&mut self, tx: &mut WriteTx<'_>, op: &Op) {
        match op {
            Op::Insert(sort, text) => {
                let plain = Plain { sort: *sort, number: self.known.len(), text: *text };
                let id = plain.insert(tx);
                assert!(!self.known.contains_key(&id), "{id} was given before");
                self.put(id, plain);
            }
            Op::Put(number, text) => {
                let Some(id) = self.pick(*number) else { return };
                let plain = Plain { text: *text, ..self.known[&id] };
                plain.put(tx, id);
                self.put(id, plain);
            }
            Op::Delete(number) => {
                let Some(id) = self.pick(*number) else { return };
                let was_there = tx.delete(id).unwrap();
                assert_eq!(was_there, self.delete(id));
            }
            Op::Link(source, target) => {
                let (Some(source), Some(target)) = (self.pick(*source), self.pick(*target)) else {
                    return;
                };
                let linked = tx.link(source, "near", target);
                if !self.live.contains(&source) || !self.live.contains(&target) {
                    return assert_eq!(fault(linked), "not_found");
                }
                let (id, ends) = (linked.unwrap(), [source, target]);
                self.edges.insert(id, ends);
                if self.scope == Scope::All {
                    self.changes += 1;
                    self.made.insert(id, Made { ends, is_erased: false });
                }
            }
            Op::Unlink(number) => {
                let known = self.edges.keys().nth(number % self.edges.len().max(1)).copied();
                let Some(id) = known else { return };
                assert!(tx.remove_edge(id).unwrap());
                self.edges.remove(&id);
                self.changes += u64::from(self.scope == Scope::All);
            }
            Op::Erase(number) => {
                let Some(id) = self.pick(*number) else { return };
                self.erase(id, tx.audit().erase(id));
            }
        }
    }

    fn erase(&mut self, id: NodeId, done: engraph::Result<u64>) {
        let was_there = self.delete(id);
        let has_changes = self.histories.get(&id).is_some_and(|changes| !changes.is_empty());
        let was_remembered = self.remembered.remove(&id);
        if !was_there && !has_changes && !was_remembered {
            return assert_eq!(fault(done), "not_found");
        }
        assert_eq!(done.unwrap(), self.empty(id), "payloads of {id}");
        if has_changes || was_remembered {
            self.note(id, AuditAct::Erase, None);
        }
    }

    fn erase_everywhere(&mut self, store: &Store, numbers: &[usize]) {
        let ids: BTreeSet<NodeId> = numbers.iter().filter_map(|it| self.pick(*it)).collect();
        if ids.is_empty() {
            return;
        }
        let before = self.clone();
        let done = store.erase(&Erase::records(ids.clone()).author(ERASER).reason("asked for"));
        let (mut records, mut payloads) = (0, 0);
        for id in &ids {
            let was_there = self.delete(*id);
            let has_changes = self.histories.get(id).is_some_and(|changes| !changes.is_empty());
            let was_remembered = self.remembered.remove(id);
            if !was_there && !has_changes && !was_remembered {
                *self = before;
                return assert_eq!(fault(done), "not_found");
            }
            records += u64::from(was_there);
            payloads += self.empty(*id);
            if has_changes {
                self.note(*id, AuditAct::Erase, None);
            }
        }
        for made in self.made.values_mut().filter(|made| !made.is_erased) {
            if made.ends.iter().any(|end| ids.contains(end)) {
                made.is_erased = true;
                payloads += 1;
                self.changes += 1;
            }
        }
        // The receipt is a record, too.
        self.changes += u64::from(self.scope == Scope::All);
        let counts = done.unwrap().counts;
        assert_eq!((counts.records, counts.payloads), (records, payloads));
        self.close(store, Some(ERASER));
    }

    fn write(&mut self, store: &Store, (author, ops): (Option<&str>, &[Op]), ending: Ending) {
        let before = self.clone();
        let work = |tx: &mut WriteTx<'_>| {
            if let Some(author) = author {
                tx.set_author(author)?;
            }
            for op in ops {
                self.op(tx, op);
            }
            if ending == Ending::Dropped { Err(Error::invalid("test", "dropped")) } else { Ok(()) }
        };
        let done = if ending == Ending::Bulk { store.bulk(work) } else { store.write(work) };
        if ending == Ending::Dropped {
            assert_eq!(fault(done), "invalid");
            *self = before;
        } else {
            done.unwrap();
            self.close(store, author);
        }
    }

    fn check(&mut self, store: &Store) {
        let tx = store.read().unwrap();
        let audit = tx.audit();
        let entries = audit.entries(0, usize::MAX).unwrap();
        assert!(entries.iter().map(|entry| entry.number).eq(1..=self.entries.len() as u64));
        let found: Vec<Entry> = entries
            .iter()
            .map(|it| Entry {
                seq: it.seq,
                time: it.time,
                author: it.author.clone(),
                changes: it.changes,
            })
            .collect();
        assert_eq!(found, self.entries);
        let digests: Vec<String> = entries.into_iter().map(|entry| entry.digest).collect();
        assert!(digests.starts_with(&self.digests), "an entry that was written stays as it is");
        assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), digests.len());
        self.digests = digests;
        for (id, plain) in &self.known {
            self.check_history(&audit.history(*id).unwrap(), *id);
            let is_live = self.live.contains(id);
            assert_eq!(tx.get_json(*id).unwrap(), is_live.then(|| plain.value()), "{id}");
        }
        let noted = self.digests.get(self.digests.len() / 2);
        let report = audit.verify(noted.map(String::as_str)).unwrap();
        assert!(report.is_ok(), "{report:#?}");
        assert_eq!(report.noted_entry, noted.map(|_| self.digests.len() as u64 / 2 + 1));
        let changes: u64 = self.entries.iter().map(|entry| entry.changes).sum();
        assert_eq!((report.entries, report.changes), (self.entries.len() as u64, changes));
        let of_records = self.histories.values().flatten().filter(|change| change.is_erased);
        let of_edges = self.made.values().filter(|made| made.is_erased);
        assert_eq!(report.erased, (of_records.count() + of_edges.count()) as u64);
        let head =
            audit.head().unwrap().map(|head| (head.number, head.digest, head.seq, head.time));
        let last = self.entries.last().zip(self.digests.last());
        let last = last.map(|(it, digest)| (report.entries, digest.clone(), it.seq, it.time));
        assert_eq!(head, last);
    }

    fn check_history(&self, found: &[engraph::family::AuditChange], id: NodeId) {
        let expected = self.histories.get(&id).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(found.len(), expected.len(), "changes of {id}");
        let mut before = None;
        for (found, expected) in found.iter().zip(expected) {
            let entry = &self.entries[expected.entry as usize - 1];
            assert_eq!(
                (found.entry, found.seq, found.time, &found.author),
                (expected.entry, entry.seq, entry.time, &entry.author),
                "{id}"
            );
            assert_eq!(
                (found.act, &found.value, found.is_erased),
                (expected.act, &expected.value, expected.is_erased),
                "{id} in entry {}",
                expected.entry
            );
            let mut changed = found.changed.clone();
            changed.sort_unstable();
            let after = expected.value.as_ref();
            assert_eq!(changed, differing(before, after), "{id} in entry {}", expected.entry);
            before = after;
        }
    }
}

/// Fields that were added, changed or taken away, in order; none where the record is gone.
fn differing(before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let Some(after) = after else { return Vec::new() };
    let names = [before, Some(after)].into_iter().flatten();
    let names: BTreeSet<&String> = names.flat_map(|it| it.as_object().unwrap().keys()).collect();
    let is_same = |name: &String| before.and_then(|it| it.get(name)) == after.get(name);
    names.into_iter().filter(|name| !is_same(name)).cloned().collect()
}

fn run(scope: Scope, steps: &[Step]) {
    let home = Home::new();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000)));
    let options = |scope: Scope| options().clock(Arc::clone(&clock)).audit(scope.audit());
    let mut store = options(scope).create(home.path()).unwrap();
    let mut model = Model::new(scope);
    let reopened = |model: &mut Model, store: &Store| {
        model.changes += 1;
        model.close(store, None);
    };
    if scope != Scope::Off {
        reopened(&mut model, &store);
    }
    model.check(&store);
    for step in steps {
        clock.advance(Duration::from_micros(1));
        match step {
            Step::Write { author, ops, ending } => {
                model.write(&store, (author.map(|number| AUTHORS[number]), ops), *ending);
            }
            Step::EraseEverywhere(numbers) => model.erase_everywhere(&store, numbers),
            Step::Reopen(scope) => {
                store.close().unwrap();
                drop(store);
                store = options(*scope).open(home.path()).unwrap();
                if std::mem::replace(&mut model.scope, *scope) != *scope {
                    reopened(&mut model, &store);
                }
            }
        }
        model.check(&store);
    }
    sound(&store);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_chain_says_what_a_plain_model_says(
        scope in prop::sample::select(vec![Scope::Off, Scope::CardsAndDocuments, Scope::All]),
        steps in steps(),
    ) {
        run(scope, &steps);
    }
}
