//! Directories that are scanned again and again, and what the old application's scans remember.

use std::ops::Deref;

use super::{Files, Reader, path};
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::family::named;
use crate::record::{ScanManifest, Watch};
use crate::store::WriteTx;

/// A directory to be scanned again and again.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewWatch {
    path: String,
    is_recursive: bool,
    keywords: Vec<String>,
    extensions: Vec<String>,
    is_active: bool,
}

impl NewWatch {
    /// A directory with those below it.
    pub fn new(path: impl Into<String>) -> Self {
        let (keywords, extensions) = (Vec::new(), Vec::new());
        Self { path: path.into(), is_recursive: true, keywords, extensions, is_active: true }
    }

    /// Leaves out the directories below.
    pub fn flat(mut self) -> Self {
        self.is_recursive = false;
        self
    }

    /// Sets words of which a path must contain one.
    pub fn keywords(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.keywords = words.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the extensions to look at, with or without their dots; all where there is none.
    pub fn extensions(mut self, extensions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.extensions = extensions.into_iter().map(Into::into).collect();
        self
    }

    /// Keeps it for later: it is not scanned.
    pub fn inactive(mut self) -> Self {
        self.is_active = false;
        self
    }
}

impl<T: Deref<Target: Reader>> Files<T> {
    /// Directories that are watched, newest first; all, or those that are scanned.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when one does not decode.
    pub fn watches(&self, which: Watches) -> Result<Vec<(NodeId, Watch)>> {
        let mut found = match which {
            Watches::Active => self.tx.index::<Watch>("active", (true,))?,
            Watches::All => self.tx.index("active", ())?,
        }
        .collect::<Result<Vec<_>>>()?;
        found.sort_by(|(a_id, a), (b_id, b)| (b.created_at, b_id).cmp(&(a.created_at, a_id)));
        Ok(found)
    }

    /// What the old application's last scan saw at a path.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when it does not decode.
    pub fn manifest(&self, path: &str) -> Result<Option<(NodeId, ScanManifest)>> {
        self.tx.find("path_hash", path::hash(&path::normalized(path)).as_str())
    }
}

/// Which watched directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watches {
    /// Those that are scanned.
    Active,
    /// All.
    All,
}

impl Files<&mut WriteTx<'_>> {
    /// Watches a directory, or replaces what is known of one that is watched, and returns its id.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for an empty path.
    pub fn watch(&mut self, new: NewWatch) -> Result<NodeId> {
        named("path", &new.path)?;
        let now = Some(self.tx.now());
        let mut record = Watch {
            normalized_path: path::normalized(&new.path),
            original_path: new.path,
            recursive: new.is_recursive,
            keywords: Some(Json::of(&new.keywords)?),
            allowed_exts: Some(Json::of(&new.extensions)?),
            active: new.is_active,
            created_at: now,
            updated_at: now,
        };
        match self.tx.find::<Watch>("path", record.normalized_path.as_str())? {
            None => self.tx.insert(&record),
            Some((id, old)) => {
                record.created_at = old.created_at;
                self.tx.put(id, &record)?;
                Ok(id)
            }
        }
    }

    /// Watches a directory no longer. Tells whether it was watched.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when it does not decode.
    pub fn unwatch(&mut self, path: &str) -> Result<bool> {
        match self.tx.find::<Watch>("path", path::normalized(path).as_str())? {
            None => Ok(false),
            Some((id, _)) => self.tx.delete(id),
        }
    }

    /// Remembers what a scan saw at a path, in the place of what it saw before. Key and time are
    /// set here.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for an empty path.
    pub fn put_manifest(&mut self, mut seen: ScanManifest) -> Result<NodeId> {
        named("path", &seen.normalized_path)?;
        seen.normalized_path = path::normalized(&seen.normalized_path);
        seen.path_hash = path::hash(&seen.normalized_path);
        seen.updated_at = Some(self.tx.now());
        match self.tx.find::<ScanManifest>("path_hash", seen.path_hash.as_str())? {
            None => self.tx.insert(&seen),
            Some((id, _)) => {
                self.tx.put(id, &seen)?;
                Ok(id)
            }
        }
    }
}
