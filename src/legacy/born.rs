//! Records that were made here: which database takes them, and under which row numbers.

use std::collections::BTreeMap;

use super::database::{DATABASES, Database, Export, Form};
use super::export::Target;
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
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
        match place_for(read, kind, targets, born_into)? {
            Some((place, table)) => {
                let births = all.0.entry(place).or_default();
                births.tables.entry(table).or_default().extend(born);
            }
            None => {
                left_out.insert(name, born.len() as u64);
            }
        }
    }
    for births in all.0.values_mut() {
        births.tables.values_mut().for_each(|ids| ids.sort_unstable());
    }
    Ok(all)
}

/// The target and table for the records of a kind.
fn place_for(
    read: &ReadTx,
    kind: Kind,
    targets: &mut Vec<Target>,
    born_into: Option<&str>,
) -> Result<Option<(usize, &'static str)>> {
    let Some(record) = read.kind_name(kind) else { return Ok(None) };
    let fitting: Vec<(usize, &'static str)> = targets
        .iter()
        .enumerate()
        .filter_map(|(place, target)| Some((place, table_for(target.database, &record)?)))
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
        .filter(|database| database.export == Export::Always)
        .find_map(|database| Some((*database, table_for(database, &record)?)));
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
