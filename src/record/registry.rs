//! Every kind once: the built-in list, and the types that an application registers at open.

use std::any::TypeId;
use std::fmt;

use super::{Facts, History, Record, facts_of};
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::Kind;

type DescribeFn = fn(&[u8], &mut dyn FnMut(&Facts<'_>) -> Result<()>) -> Result<()>;

/// A record type without its Rust type: what the store needs to describe, show and read values.
#[derive(Clone, Copy)]
pub struct RecordType {
    pub(crate) name: &'static str,
    pub(crate) version: u16,
    pub(crate) history: History,
    pub(crate) type_id: TypeId,
    pub(crate) describe: DescribeFn,
    pub(crate) to_json: fn(&[u8]) -> Result<serde_json::Value>,
    pub(crate) from_json: fn(serde_json::Value) -> Result<Vec<u8>>,
}

impl RecordType {
    /// The description of `T`.
    #[must_use]
    pub fn of<T: Record>() -> Self {
        Self {
            name: T::NAME,
            version: T::VERSION,
            history: T::HISTORY,
            type_id: TypeId::of::<T>(),
            describe: |bytes, take| {
                let record: T = codec::decode(bytes)?;
                take(&facts_of(&record))
            },
            to_json: |bytes| {
                let record: T = codec::decode(bytes)?;
                serde_json::to_value(&record)
                    .map_err(|error| Error::invalid(T::NAME, error.to_string()))
            },
            from_json: |value| {
                let record: T = serde_json::from_value(value)
                    .map_err(|error| Error::invalid(T::NAME, error.to_string()))?;
                codec::encode(&record)
            },
        }
    }

    /// The name in the store and in exports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordType")
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// The built-in types with their kinds. A number is never given twice, also not when a type goes.
pub(crate) fn built_in() -> Vec<(Kind, RecordType)> {
    vec![]
}
