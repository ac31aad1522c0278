//! Proof for every family that has an old table: records made here go out as rows and come back.
#![cfg(test)]

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::database::DATABASES;
use super::export::{ExportOptions, Target, export};
use super::import::{ImportOptions, import};
use super::plan::plan;
use super::report::Fate;
use super::scalar::{Scalar, Scalars};
use crate::record::random::Random;
use crate::record::registry::{Visit, visit_built_in};
use crate::record::{Json, Record, Vector};
use crate::store::Store;

/// Times are written to the second or to the day.
const DAY_MICROS: u64 = 86_400_000_000;
/// Each record goes alone: the references of random ones lead nowhere and go out as NULL, which a
/// column that must not be empty bears once, but not twice under one key.
const ROUNDS: u64 = 4;

/// The fields of a type that columns of the table that takes it stand for, and whether they are
/// JSON.
fn mapped(store: &Store, record: &str, kind: &str) -> BTreeMap<&'static str, bool> {
    let mut fields = BTreeMap::new();
    for database in DATABASES.iter().filter(|database| database.kind == kind) {
        let target = Target::fresh(database).unwrap();
        let core = &store.shared().core;
        for table in plan(core, database, &target.schema, &TimeZone::UTC).unwrap() {
            let typed = table.typed.filter(|typed| typed.table.record == record);
            let maps = typed.iter().flat_map(|typed| typed.map.fields());
            fields.extend(maps.map(|map| (map.field, map.is_json())));
            if typed.is_some() {
                return fields;
            }
        }
    }
    fields
}

fn is_same(before: Option<&Scalar>, after: Option<&Scalar>, is_json: bool) -> bool {
    match (before, after) {
        // SQLite has no such number.
        (Some(Scalar::Real(number)), None) => number.is_nan(),
        // References lead to records that are not there, so they go out as NULL; and no form that
        // the old application reads holds times of thousands of years.
        (Some(Scalar::Unsigned(_) | Scalar::Integer(_)), None) => true,
        (Some(Scalar::Integer(a)), Some(Scalar::Integer(b))) => a.abs_diff(*b) <= DAY_MICROS,
        // The random texts are no JSON; such a cell fits no field.
        (Some(Scalar::Text(text)), None) => is_json && Json::from_text(text.as_str()).is_err(),
        // The random bytes of an embedding are seldom whole numbers that JSON has.
        (Some(Scalar::Bytes(bytes)), _) if !is_vector(bytes) => true,
        (before, after) => before == after,
    }
}

fn is_vector(bytes: &[u8]) -> bool {
    let vector = Vector::from_le_bytes(bytes.to_vec());
    vector.is_some_and(|vector| vector.iter().all(f32::is_finite))
}

struct RoundTrip {
    families: usize,
}

impl Visit for RoundTrip {
    fn visit<T: Record + PartialEq + std::fmt::Debug>(&mut self) {
        let tried = (0..ROUNDS).filter(|round| self.round::<T>(*round)).count();
        self.families += usize::from(tried > 0);
    }
}

impl RoundTrip {
    /// One record out and back. Says whether there is an old table for it.
    fn round<T: Record>(&self, round: u64) -> bool {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path().join("here")).unwrap();
        let mut random = Random::new(7 + self.families as u64 * ROUNDS + round);
        let record: T = random.value();
        store.write(|tx| tx.insert(&record)).unwrap();
        let out = dir.path().join("out");
        let written = export(&store, &out, &ExportOptions::new(), &mut |_| {}).unwrap();
        if written.left_out.contains_key(T::NAME) {
            return false;
        }
        let fields = mapped(&store, T::NAME, &written.files[0].kind);
        let other = Store::create(dir.path().join("there")).unwrap();
        let paths = [written.files[0].path.clone()];
        let taken = import(&other, &paths, &ImportOptions::new(), &mut |_| {}).unwrap();
        assert_eq!(taken.files[0].fate, Fate::Imported, "{}: {:?}", T::NAME, taken.files[0]);
        let read = |store: &Store| -> Vec<T> {
            let read = store.read().unwrap();
            read.iter::<T>().unwrap().map(|row| row.unwrap().1).collect()
        };
        let (here, there) = (read(&store), read(&other));
        assert_eq!(here.len(), there.len(), "{}", T::NAME);
        for (here, there) in here.iter().zip(&there) {
            let (before, after) = (Scalars::of(here).unwrap(), Scalars::of(there).unwrap());
            for (field, is_json) in &fields {
                let (before, after) = (before.get(field), after.get(field));
                assert!(
                    is_same(before, after, *is_json),
                    "{} {field}: {before:?} {after:?}",
                    T::NAME
                );
            }
        }
        true
    }
}

#[test]
fn records_of_every_family_with_an_old_table_go_out_and_come_back() {
    let mut round_trip = RoundTrip { families: 0 };
    visit_built_in(&mut round_trip);
    assert!(round_trip.families > 60, "{} families", round_trip.families);
}
