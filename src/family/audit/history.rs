//! The history of the contents of files: digests before and after, by operation.

use std::ops::Deref;

use super::AuditTrail;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::family::{Reader, named, object_or_empty};
use crate::record::{ChangeType, FileReview, HashHistory, VerificationStatus};
use crate::store::WriteTx;

/// A change of a file's content, to be noted.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewHashEntry {
    record: HashHistory,
}

impl NewHashEntry {
    /// What was done to the file at a path, with the SHA-256 of its content before and afterwards,
    /// each 64 hexadecimal digits.
    pub fn new(
        path: impl Into<String>,
        change_type: ChangeType,
        (before, after): (impl Into<String>, impl Into<String>),
    ) -> Self {
        Self {
            record: HashHistory {
                file_path: path.into(),
                change_type,
                hash_before: Some(before.into()),
                hash_after: Some(after.into()),
                hash_algorithm: Some("sha256".into()),
                verification_status: Some(VerificationStatus::Pending),
                ..HashHistory::default()
            },
        }
    }

    /// Sets the file of the inventory, the code index or the review.
    pub fn file(mut self, file: NodeId) -> Self {
        self.record.file = Some(file);
        self
    }

    /// Sets who did it.
    pub fn author(mut self, name: impl Into<String>) -> Self {
        self.record.author_name = Some(name.into());
        self
    }

    /// Sets the commit.
    pub fn commit(mut self, hash: impl Into<String>) -> Self {
        self.record.commit_hash = Some(hash.into());
        self
    }

    /// Sets whether somebody checked; nobody where nothing is said.
    pub fn verification(mut self, status: VerificationStatus) -> Self {
        self.record.verification_status = Some(status);
        self
    }

    /// Sets details, a JSON object; `{}` where none is given.
    pub fn details(mut self, details: Json) -> Self {
        self.record.details = Some(details);
        self
    }
}

impl<T: Deref<Target: Reader>> AuditTrail<T> {
    /// The changes of the content of the file at a path, newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn hashes_of(&self, path: &str, limit: usize) -> Result<Vec<(NodeId, HashHistory)>> {
        self.tx.index_descending("path", (path,))?.take(limit).collect()
    }

    /// The changes of one sort, newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn hashes_by(
        &self,
        change_type: &ChangeType,
        limit: usize,
    ) -> Result<Vec<(NodeId, HashHistory)>> {
        self.tx.index_descending("type", (change_type,))?.take(limit).collect()
    }

    /// The changes from a time until another, itself excluded, oldest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn hashes_between(
        &self,
        from: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(NodeId, HashHistory)>> {
        let rows = self.tx.index_from::<HashHistory>("recorded", Some(from))?;
        let is_early = |entry: &HashHistory| entry.recorded_at < Some(until);
        let until = rows.take_while(|row| row.as_ref().map_or(true, |(_, entry)| is_early(entry)));
        until.take(limit).collect()
    }
}

impl AuditTrail<&mut WriteTx<'_>> {
    /// Notes a change of a file's content and returns its id. A file under review at that path gets
    /// the digest, the commit and the author, and is verified only if the change is.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty path, a digest that is no SHA-256, or details that are no
    /// object; [`Error::NotFound`] when the file is given and absent.
    pub fn note_hash(&mut self, new: NewHashEntry) -> Result<NodeId> {
        let mut record = new.record;
        named("file_path", &record.file_path)?;
        for (field, digest) in
            [("hash_before", &mut record.hash_before), ("hash_after", &mut record.hash_after)]
        {
            let digest = digest.get_or_insert_default();
            *digest = digest.to_ascii_lowercase();
            super::noted(digest).map_err(|_| {
                Error::invalid(field, format!("{digest:?} is not 64 hexadecimal digits"))
            })?;
        }
        if let Some(file) = record.file
            && !self.tx.contains(file)?
        {
            return Err(Error::not_found("file record", file));
        }
        record.details = object_or_empty("details", record.details)?;
        record.recorded_at = Some(self.tx.now());
        if record.verification_status == Some(VerificationStatus::Verified) {
            record.verified_at = record.recorded_at;
        }
        let id = self.tx.insert(&record)?;
        self.tell_review(&record)?;
        Ok(id)
    }

    /// Says how checking a change ended. The file under review follows where the change is its
    /// newest.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it was checked already.
    pub fn verify_hash(&mut self, id: NodeId, is_right: HashVerdict) -> Result<()> {
        let now = self.tx.now();
        let status = match is_right {
            HashVerdict::Right => VerificationStatus::Verified,
            HashVerdict::Wrong => VerificationStatus::Failed,
        };
        let record = self.tx.update(id, |record: &mut HashHistory| {
            let known = record.verification_status.as_ref();
            if known.is_some_and(|known| *known != VerificationStatus::Pending) {
                return Err(Error::conflict(
                    format!("hash_history {id}"),
                    "it was checked already",
                ));
            }
            record.verification_status = Some(status);
            record.verified_at = Some(now);
            Ok(())
        })?;
        let newest = self.hashes_of(&record.file_path, 1)?;
        if newest.first().is_some_and(|(newest, _)| *newest == id)
            && let Some((review, mut file)) = self.review_at(&record.file_path)?
        {
            file.hash_verified = is_right == HashVerdict::Right;
            self.tx.put(review, &file)?;
        }
        Ok(())
    }

    fn review_at(&self, path: &str) -> Result<Option<(NodeId, FileReview)>> {
        if path.is_empty() { Ok(None) } else { self.tx.find("path", path) }
    }

    /// What the old schema's trigger does, for whatever operation: digest, commit, author.
    fn tell_review(&mut self, record: &HashHistory) -> Result<()> {
        let Some((id, mut file)) = self.review_at(&record.file_path)? else { return Ok(()) };
        file.hash_after.clone_from(&record.hash_after);
        file.hash_verified = record.verification_status == Some(VerificationStatus::Verified);
        file.cleanup_commit_hash.clone_from(&record.commit_hash);
        file.cleanup_author.clone_from(&record.author_name);
        if record.change_type == ChangeType::Refactor {
            file.refactor_commit_hash.clone_from(&record.commit_hash);
        }
        file.last_modified = record.recorded_at;
        self.tx.put(id, &file)
    }
}

/// How checking a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashVerdict {
    /// The content is what the digest says.
    Right,
    /// It is not.
    Wrong,
}
