//! Files that are the same, nearly the same, or one file under two spellings of its path.

use std::collections::{BTreeMap, HashSet};
use std::ops::Deref;

use super::{Files, Reader, existing, path};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::near::Texts;
use crate::record::{DuplicateType, FileChunk, FileDuplicate, FileStatus, IndexedFile};
use crate::store::WriteTx;

/// What a file is a duplicate of, and what duplicates it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileDuplicates {
    /// The file that stands for the group, where this one does not.
    pub duplicate_of: Option<NodeId>,
    /// Files with the same bytes, for which this one stands.
    pub exact: Vec<NodeId>,
    /// Files with nearly the same text, the most alike first, with how alike they are.
    pub near: Vec<(NodeId, f64)>,
    /// The same file under another spelling of its path.
    pub twins: Vec<NodeId>,
}

/// What a search for duplicates found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct DuplicatesFound {
    /// Pairs that there are now.
    pub pairs: u64,
    /// Pairs that are new.
    pub added: u64,
    /// Pairs that are no more.
    pub removed: u64,
}

/// A pair as the graph knows it: the one that stands for the group, then the other.
type Pair = (NodeId, NodeId);

impl<T: Deref<Target: Reader>> Files<T> {
    /// How a file relates to others, as far as the last search for duplicates saw.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the file is absent; [`Error::Corrupt`] when something does not
    /// decode.
    pub fn duplicates(&self, file: NodeId) -> Result<FileDuplicates> {
        existing::<IndexedFile>(&*self.tx, file)?;
        let mut found = FileDuplicates::default();
        for (_, row) in self.duplicate_rows(file)? {
            let is_canonical = row.canonical == Some(file);
            let other = if is_canonical { row.duplicate } else { row.canonical };
            let Some(other) = other else { continue };
            match row.relationship_type {
                DuplicateType::Exact if is_canonical => found.exact.push(other),
                DuplicateType::Exact => {
                    found.duplicate_of = found.duplicate_of.or(Some(other));
                }
                DuplicateType::Twin => found.twins.push(other),
                _ => found.near.push((other, row.confidence.unwrap_or(1.0))),
            }
        }
        found.near.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Ok(found)
    }

    fn duplicate_rows(&self, file: NodeId) -> Result<Vec<(NodeId, FileDuplicate)>> {
        let canonical = self.tx.index::<FileDuplicate>("canonical", (Some(file),))?;
        let duplicate = self.tx.index::<FileDuplicate>("duplicate", (Some(file),))?;
        canonical.chain(duplicate).collect()
    }

    /// Every pair of a type.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn duplicate_pairs(
        &self,
        duplicate_type: &DuplicateType,
    ) -> Result<Vec<(NodeId, FileDuplicate)>> {
        self.tx.index("type", (duplicate_type,))?.collect()
    }
}

impl Files<&mut WriteTx<'_>> {
    /// Finds the readable files with the same SHA-256 anew: the one with the smallest id stands for
    /// each group. Spellings of one file are no duplicates. Walks the index of digests.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a file does not decode.
    pub fn find_duplicates(&mut self) -> Result<DuplicatesFound> {
        let mut pairs = BTreeMap::new();
        let mut group: Option<(String, Vec<(NodeId, String)>)> = None;
        for row in self.tx.index::<IndexedFile>("sha256", ())? {
            let (id, file) = row?;
            let Some(digest) = file.sha256.filter(|digest| !digest.is_empty()) else { continue };
            if file.status != FileStatus::Ready {
                continue;
            }
            let known = group.take_if(|(known, _)| *known != digest);
            if let Some((_, files)) = known {
                add_group(files, &mut pairs);
            }
            let place = path::normalized(&file.normalized_path);
            group.get_or_insert_with(|| (digest, Vec::new())).1.push((id, place));
        }
        if let Some((_, files)) = group {
            add_group(files, &mut pairs);
        }
        self.set_pairs(&DuplicateType::Exact, &pairs, "sha256")
    }

    /// Finds the files whose texts are nearly the same anew: `threshold`, 0.5 to 1, is the share of
    /// runs of three words that both have among those that either has. Files with the same digest
    /// are no near duplicates. Reads every chunk; holds half a kilobyte a file.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another threshold; [`Error::Corrupt`] when a chunk does not decode.
    pub fn find_near_duplicates(&mut self, threshold: f64) -> Result<DuplicatesFound> {
        if !(0.5..=1.0).contains(&threshold) {
            return Err(Error::invalid("threshold", format!("{threshold} is not in 0.5 to 1")));
        }
        let mut texts = Texts::default();
        for row in self.tx.iter::<FileChunk>()? {
            let (_, chunk) = row?;
            if let Some(file) = chunk.file {
                texts.add(file, &chunk.content);
            }
        }
        let mut pairs = BTreeMap::new();
        for (first, second, share) in texts.pairs(threshold) {
            let files = (self.tx.get::<IndexedFile>(first)?, self.tx.get::<IndexedFile>(second)?);
            let (Some(a), Some(b)) = files else { continue };
            let is_same = a.sha256.is_some() && a.sha256 == b.sha256
                || path::normalized(&a.normalized_path) == path::normalized(&b.normalized_path);
            if !is_same {
                pairs.insert((first, second), share);
            }
        }
        self.set_pairs(&DuplicateType::Near, &pairs, "minhash")
    }

    /// Links the files that the old application kept under two spellings of one path. Both stay.
    /// Reads every file.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a file does not decode.
    pub fn link_twins(&mut self) -> Result<DuplicatesFound> {
        let mut pairs = BTreeMap::new();
        for row in self.tx.iter::<IndexedFile>()? {
            let (id, file) = row?;
            let normalized = path::normalized(&file.normalized_path);
            if normalized == file.normalized_path {
                continue;
            }
            let key = path::hash(&normalized);
            if let Some((twin, _)) = self.tx.find::<IndexedFile>("path_hash", key.as_str())? {
                pairs.insert((twin, id), 1.0);
            }
        }
        self.set_pairs(&DuplicateType::Twin, &pairs, "path")
    }

    /// Makes the pairs of a type those given: what is there stays, what is not goes.
    fn set_pairs(
        &mut self,
        duplicate_type: &DuplicateType,
        pairs: &BTreeMap<Pair, f64>,
        basis: &str,
    ) -> Result<DuplicatesFound> {
        let now = Some(self.tx.now());
        let mut found = DuplicatesFound { pairs: pairs.len() as u64, ..DuplicatesFound::default() };
        let mut missing = pairs.clone();
        for (id, mut row) in self.duplicate_pairs(duplicate_type)? {
            let confidence = match (row.canonical, row.duplicate) {
                (Some(canonical), Some(duplicate)) => missing.remove(&(canonical, duplicate)),
                _ => None,
            };
            let Some(confidence) = confidence else {
                self.tx.delete(id)?;
                found.removed += 1;
                continue;
            };
            if row.confidence != Some(confidence) {
                (row.confidence, row.updated_at) = (Some(confidence), now);
                self.tx.put(id, &row)?;
            }
        }
        for ((canonical, duplicate), confidence) in missing {
            self.tx.insert(&FileDuplicate {
                canonical: Some(canonical),
                duplicate: Some(duplicate),
                relationship_type: duplicate_type.clone(),
                confidence: Some(confidence),
                match_basis: Some(basis.into()),
                created_at: now,
                updated_at: now,
            })?;
            found.added += 1;
        }
        Ok(found)
    }
}

/// Adds the pairs of files with one digest, of which each place counts once.
fn add_group(mut files: Vec<(NodeId, String)>, pairs: &mut BTreeMap<Pair, f64>) {
    files.sort();
    let mut places = HashSet::new();
    files.retain(|(_, place)| places.insert(place.clone()));
    let mut distinct = files.iter();
    let Some((canonical, _)) = distinct.next() else { return };
    for (duplicate, _) in distinct {
        pairs.insert((*canonical, *duplicate), 1.0);
    }
}
