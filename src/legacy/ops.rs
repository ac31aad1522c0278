//! What the legacy layer does with records without naming their types: one table of functions a
//! type, made where the type is named for the last time.

use super::row::{Misfits, Resolve, RowMap};
use super::scalar::Scalars;
use super::shape::{Field, fields_of};
use super::value::Cell;
use crate::base::codec;
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::record::Record;
use crate::store::WriteTx;
use crate::store::draft::Drafts;

/// A row with what is needed to read it.
pub(crate) struct RowInput<'r, 'c> {
    /// How its columns become fields.
    pub(crate) map: &'r RowMap,
    /// Its row id.
    pub(crate) rowid: i64,
    /// Its cells.
    pub(crate) cells: &'r [Cell<'c>],
    /// Where the records that it refers to are found.
    pub(crate) resolve: &'r dyn Resolve,
}

impl RowInput<'_, '_> {
    fn read<T: Record>(&self, misfits: &mut Misfits) -> Result<T> {
        self.map.read(self.rowid, self.cells, self.resolve, misfits)
    }
}

/// The functions of one record type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordOps {
    /// The fields, in order.
    pub(crate) fields: fn() -> Result<Vec<Field>>,
    /// Reads a row into the bytes that the store holds for such a record.
    pub(crate) read: fn(&RowInput<'_, '_>, &mut Misfits) -> Result<Vec<u8>>,
    /// The fields of a record that the store holds.
    pub(crate) scalars: fn(&[u8]) -> Result<Scalars>,
    /// The same record in the bytes that the store writes for it today.
    pub(crate) normalise: fn(&[u8]) -> Result<Vec<u8>>,
    /// Reads a row and makes it ready as a new record of a source.
    pub(crate) draft: fn(&RowInput<'_, '_>, &mut Misfits, &mut Drafts, (NodeId, u32)) -> Result<()>,
    /// Reads a row and writes it as a new record. Tells whether its natural keys were all free.
    pub(crate) insert:
        fn(&RowInput<'_, '_>, &mut Misfits, &mut WriteTx<'_>, NodeId) -> Result<bool>,
}

impl RecordOps {
    /// The functions of `T`.
    pub(crate) const fn of<T: Record>() -> Self {
        Self {
            fields: fields_of::<T>,
            read: |row, misfits| codec::encode(&row.read::<T>(misfits)?),
            scalars: |bytes| Scalars::of(&codec::decode::<T>(bytes)?),
            normalise: |bytes| codec::encode(&codec::decode::<T>(bytes)?),
            draft: |row, misfits, drafts, (id, source)| {
                drafts.push(id, source, &row.read::<T>(misfits)?)
            },
            insert: |row, misfits, tx, id| tx.insert_imported(id, &row.read::<T>(misfits)?),
        }
    }
}
