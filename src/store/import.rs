//! What the legacy layer needs of a write: records with given identities, verbatim rows, sources.

use super::draft::Drafts;
use super::options::Compression;
use super::read::ReadTx;
use super::record_read::{self, find_in_source};
use super::record_write::OnTaken;
use super::tx::WriteTx;
use crate::base::codec;
use crate::base::error::Result;
use crate::base::id::{Kind, NodeId};
use crate::record::{Record, facts_of};
use crate::storage::tables::{record_key, record_key_from};
use crate::storage::{Bytes, KeyRange, Rows, RowsMut as _, TableId, cells, verbatim};

/// What the keys of the legacy layer's notes begin with in the table that they share with others.
const NOTE_PREFIX: &[u8] = b"legacy/";

fn note_key(key: &[u8]) -> Vec<u8> {
    [NOTE_PREFIX, key].concat()
}

fn notes(rows: &impl Rows, prefix: &[u8]) -> Result<Vec<Bytes>> {
    let rows = rows.range(TableId::META, KeyRange::prefix(&note_key(prefix)))?;
    rows.map(|row| row.map(|(_, value)| value)).collect()
}

impl WriteTx<'_> {
    /// Says which source the records written from here on belong to; `None` ends that.
    pub(crate) fn set_source(&mut self, source: Option<u32>) {
        self.writer.source = source;
    }

    /// The smallest key that was never given to a record of the kind.
    pub(crate) fn next_key(&mut self, kind: Kind) -> Result<u64> {
        self.writer.next_key(kind)
    }

    /// Says that keys below `next` are given.
    pub(crate) fn advance_key(&mut self, kind: Kind, next: u64) -> Result<()> {
        self.writer.advance_key(kind, next)
    }

    /// Writes an imported record that is known to be new. Tells whether its natural keys were all
    /// free; a record whose keys are taken is kept without them.
    pub(crate) fn insert_imported<T: Record>(&mut self, id: NodeId, record: &T) -> Result<bool> {
        let value = codec::encode(record)?;
        let (writer, core) = self.writer_and_core();
        writer.insert_new(core, id, &value, &facts_of(record), OnTaken::Keep)
    }

    /// Writes imported records that are known to be new. Gives how many had a natural key that was
    /// taken; they are kept without it.
    pub(crate) fn insert_drafts(&mut self, drafts: &Drafts) -> Result<u64> {
        let (writer, core) = self.writer_and_core();
        writer.insert_drafts(core, drafts)
    }

    /// The record of a source with a natural key.
    pub(crate) fn find_imported(
        &self,
        kind: Kind,
        index: &str,
        source: u32,
        key: &[u8],
    ) -> Result<Option<NodeId>> {
        let number = self.core().names.number_in(index, &self.writer.new_names);
        match number {
            Some(number) => find_in_source(self.rows(), kind, number, source, key),
            None => Ok(None),
        }
    }

    /// The encoded value of a record.
    pub(crate) fn raw(&self, id: NodeId) -> Result<Option<Bytes>> {
        record_read::raw(self.rows(), id)
    }

    /// Writes a block of verbatim rows; `ordinal` counts the rows before it.
    pub(crate) fn put_verbatim(
        &mut self,
        source: u32,
        table: u32,
        ordinal: u64,
        block: &[u8],
    ) -> Result<()> {
        if self.core().compression == Compression::Off {
            let block = cells::opened(block)?;
            return verbatim::put_block(&mut self.writer.rows, source, table, ordinal, &block);
        }
        verbatim::put_block(&mut self.writer.rows, source, table, ordinal, block)
    }

    /// Takes the verbatim rows of a table away, from the block with that first row on.
    pub(crate) fn delete_verbatim_from(
        &mut self,
        source: u32,
        table: u32,
        ordinal: u64,
    ) -> Result<()> {
        verbatim::delete_from(&mut self.writer.rows, source, table, ordinal)
    }

    /// Writes the encoded value of an imported record that is known to be new.
    pub(crate) fn insert_imported_value(&mut self, id: NodeId, value: &[u8]) -> Result<bool> {
        let (writer, core) = self.writer_and_core();
        let mut free = true;
        (core.kinds.registered(id.kind())?.describe)(value, &mut |facts| {
            free = writer.insert_new(core, id, value, facts, OnTaken::Keep)?;
            Ok(())
        })?;
        Ok(free)
    }

    /// Writes the encoded value of an imported record, whatever was there.
    pub(crate) fn put_imported_value(&mut self, id: NodeId, value: &[u8]) -> Result<()> {
        let describe = self.core().kinds.registered(id.kind())?.describe;
        describe(value, &mut |facts| self.put_value(id, value, facts, OnTaken::Keep))
    }

    /// Writes what the legacy layer wants to remember under a key.
    pub(crate) fn put_note(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.writer.rows.put(TableId::META, &note_key(key), value)
    }

    /// Takes away what [`WriteTx::put_note`] wrote.
    pub(crate) fn delete_note(&mut self, key: &[u8]) -> Result<()> {
        self.writer.rows.delete(TableId::META, &note_key(key))
    }

    /// As [`ReadTx::notes`], with what this write and those before it wrote.
    pub(crate) fn notes(&self, prefix: &[u8]) -> Result<Vec<Bytes>> {
        notes(self.rows(), prefix)
    }

    /// Links and stated edges that were written so far.
    pub(crate) fn links(&self) -> u64 {
        self.writer.links
    }
}

impl ReadTx {
    /// The values of all notes whose key begins with `prefix`, in the order of the keys.
    pub(crate) fn notes(&self, prefix: &[u8]) -> Result<Vec<Bytes>> {
        notes(self.rows(), prefix)
    }

    /// The records of a kind that no source gave, in order.
    pub(crate) fn born(&self, kind: Kind) -> Result<Vec<NodeId>> {
        let mut born = Vec::new();
        for (first, end) in self.core().sources.born_keys(kind) {
            let range = KeyRange::all().starting_at(&record_key(first)).before(&record_key(end));
            for row in self.rows().range(TableId::records(kind), range)? {
                born.push(NodeId::from_parts(kind, record_key_from(&row?.0)));
            }
        }
        Ok(born)
    }
}
