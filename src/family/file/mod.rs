//! The file inventory: files by path, what was taken out of them, and how they resemble each other.
//!
//! A file is known by its path in normal form. What is put under a path replaces what was known of
//! it; a change of its content is noted in the hash history, and tag rules are asked, in the same
//! write. Nothing here touches a file: looking at a tree of them is the scanner's.

mod chunk;
mod duplicate;
mod entity;
pub(crate) mod path;
mod query;
mod report;
mod watch;

use std::ops::Deref;

use super::{Reader, existing, named, object_or_empty};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::record::{
    ChangeType, ChunkEmbedding, FileDuplicate, FileEntity, FileEntityLink, FileStatus, FileTag,
    HashHistory, HealthSummary, IndexedFile, KeywordSummary, Record, TimelineSummary,
};
use crate::store::{ReadTx, WriteTx};
pub use chunk::{IsMarkdown, NewChunk, NewExtractedTable, cut_text};
pub use duplicate::{DuplicatesFound, FileDuplicates};
pub use entity::{EntityLinksMade, NewFileEntity};
pub use query::{FileOrder, FileQuery, NewFile};
pub use report::{FileSummary, InventoryHealth};
pub use watch::{NewWatch, Watches};

/// The error of a file that is gone.
const MISSING: &str = "file_missing";

/// Files of a transaction. Made by [`ReadTx::files`] and [`WriteTx::files`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::{FileQuery, NewFile};
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// let file = store.write(|tx| tx.files().put(NewFile::new(r"C:\cases\memo.txt").size(120)))?;
/// let tx = store.read()?;
/// let found = tx.files().find("/mnt/c/cases/memo.txt")?;
/// assert_eq!(found.map(|(id, _)| id), Some(file));
/// assert_eq!(tx.files().list(&FileQuery::new().extension("txt"))?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Files<T> {
    tx: T,
}

impl ReadTx {
    /// The file inventory, to look at.
    pub fn files(&self) -> Files<&Self> {
        Files { tx: self }
    }
}

impl WriteTx<'_> {
    /// The file inventory.
    pub fn files(&mut self) -> Files<&mut Self> {
        Files { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Files<T> {
    /// The file at a path, in whatever spelling; else its twin, which the old application kept
    /// under the spelling with backslashes.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn find(&self, path: &str) -> Result<Option<(NodeId, IndexedFile)>> {
        let normalized = path::normalized(path);
        if let Some(found) = self.tx.find("path_hash", path::hash(&normalized).as_str())? {
            return Ok(Some(found));
        }
        let Some(twin) = path::twin(&normalized) else { return Ok(None) };
        self.tx.find("path_hash", path::hash(&twin).as_str())
    }

    /// Files, in the order asked for. Walks the index of that order and reads what the filters
    /// leave out too.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self, query: &FileQuery) -> Result<Vec<(NodeId, IndexedFile)>> {
        self.matching(query)?.skip(query.offset).take(query.limit).collect()
    }

    /// How many files a query finds, without its offset and limit. Reads them all.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn count(&self, query: &FileQuery) -> Result<usize> {
        self.matching(query)?.try_fold(0, |count, row| row.map(|_| count + 1))
    }

    fn matching<'a>(
        &'a self,
        query: &'a FileQuery,
    ) -> Result<impl Iterator<Item = Result<(NodeId, IndexedFile)>> + 'a> {
        let (index, by_status) = match (&query.status, query.order) {
            (Some(status), FileOrder::Checked | FileOrder::Status) => ("status", Some(status)),
            (_, order) => (order.index(), None),
        };
        let rows = match (by_status, query.is_ascending) {
            (Some(status), true) => self.tx.index(index, (status,))?,
            (Some(status), false) => self.tx.index_descending(index, (status,))?,
            (None, true) => self.tx.index(index, ())?,
            (None, false) => self.tx.index_descending(index, ())?,
        };
        Ok(rows.filter(|row| row.as_ref().map_or(true, |(_, file)| query.is_met(file))))
    }
}

impl Files<&mut WriteTx<'_>> {
    /// Puts a file into the inventory, or replaces what is known of the one at its path, and
    /// returns its id, which stays. Tag rules are asked about it; where the digest differs from the
    /// one known, the hash history notes it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty path, a digest that is none, or metadata that is no object.
    pub fn put(&mut self, new: NewFile) -> Result<NodeId> {
        let mut record = new.record;
        named("path", &record.normalized_path)?;
        if let Some(digest) = &mut record.sha256 {
            *digest = digest.to_ascii_lowercase();
            digest_checked("sha256", digest)?;
        }
        record.metadata = object_or_empty("metadata", record.metadata)?;
        record.last_checked_at = Some(self.tx.now());
        match self.find(&record.normalized_path)? {
            None => {
                let id = self.tx.insert(&record)?;
                self.tx.tags().apply_to_new(id, &record)?;
                Ok(id)
            }
            Some((id, old)) => {
                record.normalized_path.clone_from(&old.normalized_path);
                record.path_hash.clone_from(&old.path_hash);
                self.replace(id, &old, &record)?;
                Ok(id)
            }
        }
    }

    /// As [`Files::put`] for each, in order.
    ///
    /// # Errors
    /// As there; the first fault ends the write's work.
    pub fn put_all(&mut self, new: impl IntoIterator<Item = NewFile>) -> Result<Vec<NodeId>> {
        new.into_iter().map(|file| self.put(file)).collect()
    }

    /// Says that a file lies under another path now. Its id stays, and with it its tags, chunks and
    /// edges; the hash history notes the move, and tag rules are asked.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::AlreadyExists`] when the inventory knows
    /// another file there; [`Error::Invalid`] for an empty path.
    pub fn relocate(&mut self, id: NodeId, path: &str) -> Result<()> {
        let old: IndexedFile = existing(&*self.tx, id)?;
        let place = NewFile::new(path).record;
        named("path", &place.normalized_path)?;
        if let Some((other, _)) = self.find(&place.normalized_path)?
            && other != id
        {
            return Err(Error::already_exists("indexed_file with that path", other));
        }
        let mut record = old.clone();
        record.display_name = place.display_name;
        record.original_path = place.original_path;
        record.normalized_path = place.normalized_path;
        record.path_hash = place.path_hash;
        record.ext = place.ext;
        record.last_checked_at = Some(self.tx.now());
        if record.status == FileStatus::Missing {
            record.status = FileStatus::Ready;
            record.last_error = None;
        }
        let moved = HashHistory {
            file_path: record.normalized_path.clone(),
            change_type: ChangeType::Moved,
            old_path: Some(old.normalized_path.clone()),
            new_path: Some(record.normalized_path.clone()),
            ..history_of(id, &old, &record, self.tx.now())
        };
        self.tx.insert(&moved)?;
        self.tx.put(id, &record)?;
        self.tx.tags().apply_to_changed(id, &record)
    }

    /// Says that a file is gone: its size and time are forgotten, its digest and metadata stay.
    /// Tells whether it was there until now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the inventory does not know it.
    pub fn mark_missing(&mut self, id: NodeId) -> Result<bool> {
        let old: IndexedFile = existing(&*self.tx, id)?;
        if old.status == FileStatus::Missing {
            return Ok(false);
        }
        let mut record = old.clone();
        record.status = FileStatus::Missing;
        record.last_error = Some(MISSING.into());
        record.last_checked_at = Some(self.tx.now());
        (record.file_size, record.modified_at) = (None, None);
        let gone = HashHistory {
            change_type: ChangeType::Deleted,
            hash_after: None,
            ..history_of(id, &old, &record, self.tx.now())
        };
        self.tx.insert(&gone)?;
        self.tx.put(id, &record)?;
        self.tx.tags().apply_to_changed(id, &record)?;
        Ok(true)
    }

    /// Replaces the metadata of a file and nothing else.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Invalid`] for metadata that is no object.
    pub fn set_metadata(&mut self, id: NodeId, metadata: Json) -> Result<()> {
        let metadata = object_or_empty("metadata", Some(metadata))?;
        let change = |file: &mut IndexedFile| {
            file.metadata = metadata;
            Ok(())
        };
        self.tx.update(id, change).map(drop)
    }

    /// Removes a file from the inventory with everything that was taken out of it or says something
    /// about it: chunks, tables, embeddings, entities, links, duplicates, tags, summaries. Its hash
    /// history stays. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn delete(&mut self, id: NodeId) -> Result<bool> {
        if self.tx.get::<IndexedFile>(id)?.is_none() {
            return Ok(false);
        }
        self.clear_chunks(id)?;
        self.delete_by::<FileEntity>("file", id)?;
        self.delete_by::<FileEntityLink>("source", id)?;
        self.delete_by::<FileEntityLink>("target", id)?;
        self.delete_by::<FileDuplicate>("canonical", id)?;
        self.delete_by::<FileDuplicate>("duplicate", id)?;
        self.delete_by::<FileTag>("file", id)?;
        self.delete_summary::<TimelineSummary>(id)?;
        self.delete_summary::<KeywordSummary>(id)?;
        self.delete_summary::<HealthSummary>(id)?;
        self.tx.delete(id)
    }

    fn replace(&mut self, id: NodeId, old: &IndexedFile, new: &IndexedFile) -> Result<()> {
        if new.sha256.is_some() && old.sha256 != new.sha256 {
            let change = match old.sha256 {
                Some(_) => ChangeType::Modified,
                None => ChangeType::Created,
            };
            let change_type = change;
            let now = self.tx.now();
            self.tx.insert(&HashHistory { change_type, ..history_of(id, old, new, now) })?;
        }
        self.tx.put(id, new)?;
        let mut same = old.clone();
        same.last_checked_at = new.last_checked_at;
        if same == *new {
            return Ok(());
        }
        self.tx.tags().apply_to_changed(id, new)
    }

    /// Deletes the records of a type whose index `index` starts with a file.
    fn delete_by<R: Record>(&mut self, index: &str, file: NodeId) -> Result<()> {
        let rows = self.tx.index::<R>(index, (Some(file),))?;
        let ids = rows.map(|row| row.map(|(id, _)| id)).collect::<Result<Vec<_>>>()?;
        for id in ids {
            self.tx.delete(id)?;
        }
        Ok(())
    }

    fn delete_summary<R: Record>(&mut self, file: NodeId) -> Result<()> {
        if let Some((id, _)) = self.tx.find::<R>("file", file)? {
            self.tx.delete(id)?;
        }
        Ok(())
    }

    fn clear_chunks(&mut self, file: NodeId) -> Result<()> {
        self.delete_by::<ChunkEmbedding>("file", file)?;
        for (id, _) in self.tables(file)? {
            self.tx.delete(id)?;
        }
        for (id, _) in self.chunks(file)? {
            self.tx.delete(id)?;
        }
        Ok(())
    }
}

/// A change of a file's content, as far as the inventory knows it.
fn history_of(id: NodeId, old: &IndexedFile, new: &IndexedFile, now: Timestamp) -> HashHistory {
    HashHistory {
        file: Some(id),
        file_path: new.normalized_path.clone(),
        change_type: ChangeType::Modified,
        hash_before: old.sha256.clone(),
        hash_after: new.sha256.clone(),
        hash_algorithm: Some("sha256".into()),
        recorded_at: Some(now),
        ..HashHistory::default()
    }
}

/// A SHA-256 in hexadecimal digits.
fn digest_checked(field: &str, digest: &str) -> Result<()> {
    if digest.len() == 64 && digest.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(Error::invalid(field, format!("{digest:?} is not 64 hexadecimal digits")))
}
