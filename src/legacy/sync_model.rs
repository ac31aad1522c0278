//! Random edits on both sides against a model of what has to come of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rusqlite::Connection;

use super::sync_conflicts::{Side, conflicts, resolve};
use super::{SyncOptions, sample, sync};
use crate::base::id::NodeId;
use crate::record::Document;
use crate::store::Store;

const ROWS: i64 = 5;
const STEPS: usize = 120;

/// Category and purpose of a row or record.
type Pair = [&'static str; 2];
const COLUMNS: [&str; 2] = ["category", "primary_purpose"];
const WORDS: [&str; 3] = ["one", "two", "three"];

/// What both sides say of one row.
#[derive(Clone, Debug, Default, PartialEq)]
struct Entry {
    ours: Option<Pair>,
    theirs: Option<Pair>,
    /// What they said at the last round.
    known: Option<Pair>,
    /// The fields of an open conflict; all of them where one side deleted.
    open: BTreeSet<usize>,
}

impl Entry {
    /// A round: what only they changed is taken, what both changed to different ends is open.
    fn round(&mut self) {
        if self.theirs == self.known {
            return;
        }
        let ours_changed = self.ours != self.known;
        match (self.ours, self.theirs, self.known) {
            (None, None, _) => self.open.clear(),
            (_, theirs, _) if !ours_changed => {
                self.ours = theirs;
                self.open.clear();
            }
            (Some(mut ours), Some(theirs), Some(known)) => {
                for field in 0..2 {
                    if theirs[field] == known[field] {
                        continue;
                    }
                    if ours[field] == known[field] {
                        ours[field] = theirs[field];
                    } else if ours[field] != theirs[field] {
                        self.open.insert(field);
                    }
                }
                self.ours = Some(ours);
            }
            _ => self.open = BTreeSet::from([0, 1]),
        }
        self.known = self.theirs;
    }

    /// The open fields that still differ.
    fn is_open(&self) -> bool {
        match (self.ours, self.known) {
            (Some(ours), Some(known)) => self.open.iter().any(|at| ours[*at] != known[*at]),
            (None, None) => false,
            _ => !self.open.is_empty(),
        }
    }

    fn resolve(&mut self, side: Side) {
        if side == Side::Theirs && self.is_open() {
            match (&mut self.ours, self.known) {
                (Some(ours), Some(known)) => {
                    self.open.iter().for_each(|at| ours[*at] = known[*at]);
                }
                (ours, known) => *ours = known,
            }
        }
        self.open.clear();
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        ((self.0 >> 33) as usize) % bound
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }
}

struct Both {
    file: PathBuf,
    store: Store,
    ids: Vec<NodeId>,
    model: Vec<Entry>,
}

impl Both {
    fn new(folder: &std::path::Path) -> Self {
        let file = sample::write(folder, 0).unwrap().swap_remove(0);
        let store = Store::create(folder.join("store")).unwrap();
        let mut both = Self { file, store, ids: Vec::new(), model: Vec::new() };
        for row in 1..=ROWS {
            both.they_insert(row, ["one", "one"]);
        }
        both.round();
        let start = Some(["one", "one"]);
        let entry = Entry { ours: start, theirs: start, known: start, open: BTreeSet::new() };
        both.model = vec![entry; ROWS as usize];
        let read = both.store.read().unwrap();
        both.ids = read.iter::<Document>().unwrap().map(|row| row.unwrap().0).collect();
        both
    }

    fn run(&self, sql: &str) {
        Connection::open(&self.file).unwrap().execute_batch(sql).unwrap();
    }

    fn they_insert(&self, row: i64, [category, purpose]: Pair) {
        self.run(&format!(
            "INSERT INTO documents (id, file_name, file_type, category, primary_purpose, created_at)
             VALUES ({row}, 'f', 'txt', '{category}', '{purpose}', '2025-01-01T00:00:00')"
        ));
    }

    fn round(&self) {
        sync(&self.store, &self.file, &SyncOptions::new(), &mut |_| {}).unwrap();
    }

    fn step(&mut self, random: &mut Random) {
        let at = random.below(ROWS as usize);
        let (row, id) = (at as i64 + 1, self.ids[at]);
        let (field, word) = (random.below(2), random.word());
        match random.below(9) {
            0..=2 => {
                let Some(ours) = &mut self.model[at].ours else { return };
                ours[field] = word;
                let edited = self.store.write(|tx| {
                    tx.update::<Document>(id, |document| {
                        match field {
                            0 => document.category = word.into(),
                            _ => document.primary_purpose = Some(word.into()),
                        }
                        Ok(())
                    })
                });
                edited.unwrap();
            }
            3 if self.model[at].ours.is_some() && random.below(3) == 0 => {
                self.store.write(|tx| tx.delete(id)).unwrap();
                self.model[at].ours = None;
            }
            4..=6 => {
                if let Some(theirs) = &mut self.model[at].theirs {
                    theirs[field] = word;
                    let column = COLUMNS[field];
                    self.run(&format!("UPDATE documents SET {column} = '{word}' WHERE id = {row}"));
                } else {
                    let pair = [word, random.word()];
                    self.they_insert(row, pair);
                    self.model[at].theirs = Some(pair);
                }
            }
            7 if random.below(2) == 0 => {
                self.run(&format!("DELETE FROM documents WHERE id = {row}"));
                self.model[at].theirs = None;
            }
            8 if random.below(3) == 0 => {
                let side = if random.below(2) == 0 { Side::Ours } else { Side::Theirs };
                let one = self.model[at].is_open() && random.below(2) == 0;
                let records = if one { vec![id] } else { Vec::new() };
                resolve(&self.store, None, &records, side).unwrap();
                let range = if one { at..at + 1 } else { 0..self.model.len() };
                self.model[range].iter_mut().for_each(|entry| entry.resolve(side));
            }
            _ => {
                self.round();
                self.model.iter_mut().for_each(Entry::round);
            }
        }
    }

    fn check(&self, context: &str) {
        let read = self.store.read().unwrap();
        let open: BTreeMap<String, _> = conflicts(&self.store, None)
            .unwrap()
            .into_iter()
            .map(|open| (open.conflict.record.clone(), open))
            .collect();
        for (id, entry) in self.ids.iter().zip(&self.model) {
            let found = read.get::<Document>(*id).unwrap();
            let found = found.map(|found| (found.category, found.primary_purpose));
            let expected = entry.ours.map(|[a, b]| (a.to_owned(), Some(b.to_owned())));
            assert_eq!(found, expected, "{context}: {id} {entry:?}");
            let listed = open.get(&id.to_string());
            assert_eq!(listed.is_some(), entry.is_open(), "{context}: {id} {entry:?} {listed:?}");
            if let (Some(listed), Some(theirs)) = (listed, entry.known) {
                let said = listed.theirs.as_ref().unwrap();
                for at in entry.open.iter().filter(|_| !listed.conflict.fields.is_empty()) {
                    let differs = entry.ours.is_some_and(|ours| ours[*at] != theirs[*at]);
                    let value = said.get(COLUMNS[*at]).and_then(|value| value.as_str());
                    assert_eq!(value, differs.then_some(theirs[*at]), "{context}: {listed:?}");
                }
            }
        }
        assert_eq!(open.len(), self.model.iter().filter(|entry| entry.is_open()).count());
    }
}

#[test]
fn random_edits_on_both_sides_come_to_what_the_model_says() {
    for seed in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        let mut both = Both::new(folder.path());
        let mut random = Random(seed);
        for step in 0..STEPS {
            both.step(&mut random);
            both.check(&format!("seed {seed}, step {step}"));
        }
        let verified = both.store.verify().unwrap();
        assert!(verified.is_ok(), "seed {seed}: {verified:?}");
    }
}
