//! Records that were made here: which database takes them, and under which row numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::database::{DATABASES, Database, Export, Form};
use super::export::Target;
use super::outgoing::Packed;
use super::route::routed;
use super::value::Cell;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::storage::verbatim;
use crate::store::ReadTx;
use crate::store::sources::SourceTable;

/// The records made here that one database takes, by table, each list in ascending order.
#[derive(Clone, Debug, Default)]
pub(super) struct Births {
    pub(super) tables: BTreeMap<&'static str, Vec<NodeId>>,
    /// Row number of the first of them, by table.
    pub(super) first: BTreeMap<&'static str, i64>,
    /// All of them, of every database.
    everywhere: Arc<Vec<(i64, Vec<NodeId>)>>,
}

impl Births {
    /// The row number of a record made here, in whichever database takes it.
    pub(super) fn row_anywhere(&self, node: NodeId) -> Option<i64> {
        self.everywhere.iter().find_map(|(first, ids)| {
            let position = ids.binary_search(&node).ok()?;
            first.checked_add_unsigned(position as u64)
        })
    }

    /// The row number of a record made here that a table of this database takes.
    pub(super) fn row(&self, table: &str, node: NodeId) -> Option<i64> {
        let (name, ids) = self.tables.iter().find(|(name, _)| **name == table)?;
        let position = ids.binary_search(&node).ok()?;
        self.first.get(name)?.checked_add_unsigned(position as u64)
    }

    /// Gives every record its row number, behind those that the target has had.
    fn number(&mut self, read: &ReadTx, target: &Target) -> Result<()> {
        let sequences = sequences(read, target)?;
        for (table, ids) in &self.tables {
            let last = last_row(target, table).max(sequences.get(*table).copied().unwrap_or(0));
            if last.checked_add_unsigned(ids.len() as u64).is_none() {
                let reason = format!("{table} has no row numbers left");
                return Err(Error::conflict("export", reason));
            }
            self.first.insert(table, last + 1);
        }
        Ok(())
    }
}

/// A table of the source, with its place.
fn source_table<'a>(target: &'a Target, name: &str) -> Option<(usize, &'a SourceTable)> {
    let tables = target.source.as_ref().map_or(&[][..], |source| &source.tables);
    tables.iter().enumerate().find(|(_, table)| table.name.eq_ignore_ascii_case(name))
}

/// The greatest row number of a table of the source.
fn last_row(target: &Target, name: &str) -> i64 {
    let runs = source_table(target, name).map_or(&[][..], |(_, table)| &table.runs);
    runs.last().map_or(0, |run| run.row.saturating_add_unsigned(run.count - 1)).max(0)
}

/// The counters of `sqlite_sequence`, by table.
fn sequences(read: &ReadTx, target: &Target) -> Result<BTreeMap<String, i64>> {
    let mut found = BTreeMap::new();
    let Some(source) = &target.source else { return Ok(found) };
    let Some((place, _)) = source_table(target, "sqlite_sequence") else { return Ok(found) };
    for block in verbatim::blocks(read.rows(), source.number, place as u32)? {
        Packed::of(block?.1).for_each(&mut |_, cells| {
            if let [Cell::Text(name), Cell::Integer(seq)] = cells {
                found.insert(String::from_utf8_lossy(name).into_owned(), *seq);
            }
            Ok(())
        })?;
    }
    Ok(found)
}

/// The records made here that each target takes.
#[derive(Debug, Default)]
pub(super) struct AllBirths(BTreeMap<usize, Births>);

impl AllBirths {
    /// What the target at that place is to hold.
    pub(super) fn of(&self, place: usize) -> Births {
        self.0.get(&place).cloned().unwrap_or_default()
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
    let mut everywhere = Vec::new();
    for (place, births) in &mut all.0 {
        births.tables.values_mut().for_each(|ids| ids.sort_unstable());
        births.number(read, &targets[*place])?;
        let first = |table| births.first.get(table).copied().unwrap_or(1);
        everywhere.extend(births.tables.iter().map(|(table, ids)| (first(*table), ids.clone())));
    }
    let everywhere = Arc::new(everywhere);
    all.0.values_mut().for_each(|births| births.everywhere = Arc::clone(&everywhere));
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
