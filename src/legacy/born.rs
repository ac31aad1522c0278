//! Records that were made here: which database takes them, and under which row numbers.

use std::collections::BTreeMap;

use super::database::{DATABASES, Database, Export, Form};
use super::export::Target;
use super::route::routed;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::store::ReadTx;

/// The records made here that one database takes, by table, each list in ascending order.
#[derive(Debug, Default)]
pub(super) struct Births {
    pub(super) tables: BTreeMap<&'static str, Vec<NodeId>>,
}

/// The records made here that each target takes.
#[derive(Debug, Default)]
pub(super) struct AllBirths(BTreeMap<usize, Births>);

impl AllBirths {
    /// Takes out what the target at that place is to hold.
    pub(super) fn of(&self, place: usize) -> Births {
        self.0
            .get(&place)
            .map_or_else(Births::default, |births| Births { tables: births.tables.clone() })
    }

    /// How many records the other targets take, by place.
    pub(super) fn elsewhere(&self, place: usize) -> impl Iterator<Item = (usize, u64)> {
        let count = |births: &Births| births.tables.values().map(|ids| ids.len() as u64).sum();
        let others = self.0.iter().filter(move |(other, _)| **other != place);
        others.map(move |(other, births)| (*other, count(births)))
    }
}

/// Finds a place for every record made here; adds fresh databases where no source can take them.
/// What no database can hold is counted in `left_out`.
pub(super) fn births(
    read: &ReadTx,
    targets: &mut Vec<Target>,
    born_into: Option<&str>,
    left_out: &mut BTreeMap<String, u64>,
) -> Result<AllBirths> {
    if let Some(name) = born_into
        && !targets.iter().any(|target| target.source.as_ref().is_some_and(|s| s.name == name))
    {
        return Err(Error::not_found("source", name));
    }
    let mut all = AllBirths::default();
    for (kind, name) in read.kinds() {
        let born = read.born(kind)?;
        if born.is_empty() {
            continue;
        }
        for (database, ids) in routed(read, &name, born)? {
            match place_for((&name, database), targets, born_into)? {
                Some((place, table)) => {
                    let births = all.0.entry(place).or_default();
                    births.tables.entry(table).or_default().extend(ids);
                }
                None => *left_out.entry(name.clone()).or_default() += ids.len() as u64,
            }
        }
    }
    for births in all.0.values_mut() {
        births.tables.values_mut().for_each(|ids| ids.sort_unstable());
    }
    Ok(all)
}

/// The target and table for records of a type, in a database of the kind that is meant for them
/// where there is one.
fn place_for(
    (record, meant): (&str, Option<&str>),
    targets: &mut Vec<Target>,
    born_into: Option<&str>,
) -> Result<Option<(usize, &'static str)>> {
    let can = |database: &Database| meant.is_none_or(|kind| database.kind == kind);
    let fitting: Vec<(usize, &'static str)> = targets
        .iter()
        .enumerate()
        .filter(|(_, target)| can(target.database))
        .filter_map(|(place, target)| Some((place, table_for(target.database, record)?)))
        .filter(|(place, table)| targets[*place].schema.table(table).is_some())
        .collect();
    let named = fitting.iter().find(|(place, _)| {
        let source = targets[*place].source.as_ref();
        source.is_some_and(|source| Some(source.name.as_str()) == born_into)
    });
    if let Some(found) = named {
        return Ok(Some(*found));
    }
    if let [only] = fitting[..] {
        return Ok(Some(only));
    }
    let fresh = fitting.iter().find(|(place, _)| targets[*place].source.is_none());
    if let Some(found) = fresh {
        return Ok(Some(*found));
    }
    let database = DATABASES
        .iter()
        .filter(|database| database.export == Export::Always && can(database))
        .find_map(|database| Some((*database, table_for(database, record)?)));
    let Some((database, table)) = database else { return Ok(None) };
    targets.push(Target::fresh(database)?);
    Ok(Some((targets.len() - 1, table)))
}

/// The table of a database kind that holds records of a type. A table whose rows must refer to
/// records that the kind has no table for takes none.
fn table_for(database: &'static Database, record: &str) -> Option<&'static str> {
    database
        .tables
        .iter()
        .filter(|table| table.record == record)
        .find(|table| {
            table.columns.iter().all(|column| match column.form {
                Form::KeyRef { table: referred, .. } => {
                    database.tables.iter().any(|known| known.name == referred)
                }
                _ => true,
            })
        })
        .map(|table| table.name)
}
