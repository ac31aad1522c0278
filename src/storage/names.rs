//! Interned names: index names and edge types are written as small numbers.
//!
//! A number is never given twice. The map holds every committed name and those of accepted writes
//! that are being synced; a write's own new names join it when the write is accepted.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::rows::{KeyRange, Rows, RowsMut};
use super::tables::TableId;
use crate::base::error::{Error, Result};
use crate::base::limits::NAME_BYTES_MAX;
use crate::base::varint;

/// All known names, both ways.
#[derive(Debug, Default)]
pub(crate) struct Names(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

/// New names of one write, numbered behind the known ones.
#[derive(Debug, Default)]
pub(crate) struct NewNames(Vec<Arc<str>>);

impl Names {
    /// Reads every name.
    pub(crate) fn load(rows: &impl Rows) -> Result<Self> {
        let mut found: Vec<(u32, Arc<str>)> = Vec::new();
        for row in rows.range(TableId::NAMES, KeyRange::all())? {
            let (key, value) = row?;
            let name = std::str::from_utf8(&key).map_err(|_| bad_name(&key))?;
            let number = varint::take(&mut &value[..])
                .and_then(|number| u32::try_from(number).ok())
                .ok_or_else(|| bad_name(&key))?;
            found.push((number, name.into()));
        }
        found.sort_unstable();
        let mut known = Known::default();
        for (number, name) in found {
            if number as usize != known.names.len() {
                let detail = format!("number {number} is out of turn");
                return Err(Error::corrupt("table names", detail));
            }
            known.numbers.insert(Arc::clone(&name), number);
            known.names.push(name);
        }
        Ok(Self(RwLock::new(known)))
    }

    /// The number of a known name.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.read().numbers.get(name).copied()
    }

    /// The number of a name that is known, or new in the write that has `new`.
    pub(crate) fn number_in(&self, name: &str, new: &NewNames) -> Option<u32> {
        let known = self.read();
        known.numbers.get(name).copied().or_else(|| {
            let position = new.0.iter().position(|other| **other == *name)?;
            Some((known.names.len() + position) as u32)
        })
    }

    /// The name behind a number.
    pub(crate) fn name(&self, number: u32) -> Option<Arc<str>> {
        self.read().names.get(number as usize).cloned()
    }

    /// The name behind a number that is known, or new in the write that has `new`.
    pub(crate) fn name_in(&self, number: u32, new: &NewNames) -> Option<Arc<str>> {
        let known = self.read();
        let number = number as usize;
        let found = known.names.get(number).or_else(|| {
            number.checked_sub(known.names.len()).and_then(|position| new.0.get(position))
        });
        found.cloned()
    }

    /// The number of a name, given now where it is new.
    pub(crate) fn intern(
        &self,
        name: &str,
        new: &mut NewNames,
        rows: &mut impl RowsMut,
    ) -> Result<u32> {
        if let Some(number) = self.number(name) {
            return Ok(number);
        }
        let known = self.read().names.len();
        if let Some(position) = new.0.iter().position(|other| **other == *name) {
            return Ok((known + position) as u32);
        }
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(Error::invalid(
                "name",
                format!("{} bytes long; a name has 1 to {NAME_BYTES_MAX}", name.len()),
            ));
        }
        let number = (known + new.0.len()) as u32;
        let mut value = Vec::with_capacity(4);
        varint::put(&mut value, number.into());
        rows.put(TableId::NAMES, name.as_bytes(), &value)?;
        new.0.push(name.into());
        Ok(number)
    }

    /// Takes in the names of an accepted write. Called in the order of the writes.
    pub(crate) fn accept(&self, new: NewNames) {
        if new.0.is_empty() {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for name in new.0 {
            let number = known.names.len() as u32;
            known.numbers.insert(Arc::clone(&name), number);
            known.names.push(name);
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        // A panic while the lock was held cannot leave the two halves apart: pushes do not panic.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bad_name(key: &[u8]) -> Error {
    Error::corrupt("table names", format!("row {:?}", String::from_utf8_lossy(key)))
}
