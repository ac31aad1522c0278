//! Git operations on files: commits, who made them, and how they are taken back. Noted by hand, or
//! read from a repository where the feature `git` is on.

#[cfg(feature = "git")]
mod read;

use std::ops::Deref;

use super::{Reader, existing, named};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;
use crate::record::{GitOperation, GitOperationType, IndexedFile};
use crate::store::{ReadTx, WriteTx};
#[cfg(feature = "git")]
pub use read::{GitRead, GitReading};

/// An operation to be noted.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewGitOperation {
    record: GitOperation,
}

impl NewGitOperation {
    /// What was done to the file at a path, by which commit.
    pub fn new(
        path: impl Into<String>,
        operation_type: GitOperationType,
        commit: impl Into<String>,
    ) -> Self {
        Self {
            record: GitOperation {
                file_path: path.into(),
                operation_type,
                commit_hash_after: commit.into(),
                files_changed: 1,
                operation_success: true,
                ..GitOperation::default()
            },
        }
    }

    /// Sets who did it: name and address.
    pub fn author(mut self, name: impl Into<String>, email: impl Into<String>) -> Self {
        self.record.author_name = name.into();
        self.record.author_email = email.into();
        self
    }

    /// Sets the commit before.
    pub fn before(mut self, commit: impl Into<String>) -> Self {
        self.record.commit_hash_before = Some(commit.into());
        self
    }

    /// Sets the branch.
    pub fn branch(mut self, name: impl Into<String>) -> Self {
        self.record.branch_name = Some(name.into());
        self
    }

    /// Sets the message of the commit.
    pub fn message(mut self, text: impl Into<String>) -> Self {
        self.record.commit_message = Some(text.into());
        self
    }

    /// Sets how much changed: files, lines that came, lines that went.
    pub fn counts(mut self, files: u32, added: u32, removed: u32) -> Self {
        self.record.files_changed = files.into();
        self.record.lines_added = added.into();
        self.record.lines_removed = removed.into();
        self
    }

    /// Sets when it was done: when it is noted, where nothing is said.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.record.operated_at = Some(time);
        self
    }

    /// Says that it did not go well.
    pub fn failed(mut self) -> Self {
        self.record.operation_success = false;
        self
    }

    /// Sets the file.
    pub fn file(mut self, file: NodeId) -> Self {
        self.record.file = Some(file);
        self
    }
}

/// Git operations of a transaction. Made by [`ReadTx::git`] and [`WriteTx::git`].
#[derive(Debug)]
pub struct Git<T> {
    tx: T,
}

impl ReadTx {
    /// Git operations, to look at.
    pub fn git(&self) -> Git<&Self> {
        Git { tx: self }
    }
}

impl WriteTx<'_> {
    /// Git operations.
    pub fn git(&mut self) -> Git<&mut Self> {
        Git { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Git<T> {
    /// Operations on the file at a path, newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn of(&self, path: &str, limit: usize) -> Result<Vec<(NodeId, GitOperation)>> {
        self.tx.index_descending("path", (path,))?.take(limit).collect()
    }

    /// Operations of a commit.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn of_commit(&self, commit: &str) -> Result<Vec<(NodeId, GitOperation)>> {
        self.tx.index("commit", commit)?.collect()
    }

    /// Operations of an author, newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn by(&self, author: &str, limit: usize) -> Result<Vec<(NodeId, GitOperation)>> {
        self.tx.index_descending("author", (author,))?.take(limit).collect()
    }
}

impl Git<&mut WriteTx<'_>> {
    /// Notes an operation and returns its id. A file of the inventory at that path is linked where
    /// none is named.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one without a path, commit, author or address;
    /// [`Error::NotFound`] when the file is given and absent.
    pub fn note(&mut self, new: NewGitOperation) -> Result<NodeId> {
        let mut record = new.record;
        for (field, text) in [
            ("file_path", &record.file_path),
            ("commit_hash_after", &record.commit_hash_after),
            ("author_name", &record.author_name),
            ("author_email", &record.author_email),
        ] {
            named(field, text)?;
        }
        match record.file {
            Some(file) if !self.tx.contains(file)? => {
                return Err(Error::not_found("file record", file));
            }
            Some(_) => {}
            None => record.file = self.tx.files().find(&record.file_path)?.map(|(id, _)| id),
        }
        record.operated_at = record.operated_at.or_else(|| Some(self.tx.now()));
        self.tx.insert(&record)
    }

    /// As [`Git::note`] for each, in order.
    ///
    /// # Errors
    /// As there; the first fault ends the write's work.
    pub fn note_all(
        &mut self,
        new: impl IntoIterator<Item = NewGitOperation>,
    ) -> Result<Vec<NodeId>> {
        new.into_iter().map(|operation| self.note(operation)).collect()
    }

    /// Says by which commit an operation was taken back.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it was taken back before;
    /// [`Error::Invalid`] for no commit.
    pub fn rolled_back(&mut self, id: NodeId, commit: &str) -> Result<()> {
        named("rollback_commit_hash", commit)?;
        let change = |operation: &mut GitOperation| {
            if operation.rollback_commit_hash.is_some() {
                let reason = "it was taken back before";
                return Err(Error::conflict(format!("git_operation {id}"), reason));
            }
            operation.rollback_commit_hash = Some(commit.into());
            Ok(())
        };
        self.tx.update(id, change).map(drop)
    }

    /// Links the operations whose path a file of the inventory has now, and returns how many.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the file is absent; [`Error::Corrupt`] when something does not
    /// decode.
    pub fn link_file(&mut self, file: NodeId) -> Result<usize> {
        let path = existing::<IndexedFile>(&*self.tx, file)?.normalized_path;
        let unlinked = self.of(&path, usize::MAX)?;
        let unlinked = unlinked.into_iter().filter(|(_, operation)| operation.file.is_none());
        let mut count = 0;
        for (id, mut operation) in unlinked {
            operation.file = Some(file);
            self.tx.put(id, &operation)?;
            count += 1;
        }
        Ok(count)
    }
}
