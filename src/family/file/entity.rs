//! Names and things that files mention, and links between files that mention the same.

use std::collections::BTreeSet;
use std::ops::Deref;

use super::{Files, Reader, existing};
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::limits::ENTITY_FILES_MAX;
use crate::family::{object_or_empty, share};
use crate::record::{FileEntity, FileEntityLink, IndexedFile};
use crate::store::WriteTx;

/// How sure an entity is where nothing is said.
const CONFIDENCE_DEFAULT: f64 = 0.5;
/// How sure a link by an entity is.
const LINK_CONFIDENCE: f64 = 0.7;
/// Why files are linked.
const LINK_BASIS: &str = "shared_entity";

/// Something that a file mentions.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewFileEntity {
    record: FileEntity,
}

impl NewFileEntity {
    /// The words in the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { record: FileEntity { entity_text: text.into(), ..FileEntity::default() } }
    }

    /// Sets what it is.
    pub fn entity_type(mut self, entity_type: impl Into<String>) -> Self {
        self.record.entity_type = Some(entity_type.into());
        self
    }

    /// Sets its label in the ontology.
    pub fn ontology_id(mut self, label: impl Into<String>) -> Self {
        self.record.ontology_id = Some(label.into());
        self
    }

    /// Sets how sure it is, 0 to 1; 0.5 where nothing is said.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.record.confidence = Some(confidence);
        self
    }

    /// Sets what found it.
    pub fn provenance(mut self, provenance: impl Into<String>) -> Self {
        self.record.provenance = Some(provenance.into());
        self
    }

    /// Sets details, a JSON object.
    pub fn metadata(mut self, metadata: Json) -> Self {
        self.record.metadata = Some(metadata);
        self
    }
}

/// What linking files by what they mention did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct EntityLinksMade {
    /// Links that there are now.
    pub links: u64,
    /// Links that are new.
    pub added: u64,
    /// Links that are no more.
    pub removed: u64,
    /// Labels that too many files mention to say anything about two of them.
    pub too_common: Vec<String>,
}

impl<T: Deref<Target: Reader>> Files<T> {
    /// What a file mentions, the surest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when one does not decode.
    pub fn entities(&self, file: NodeId) -> Result<Vec<(NodeId, FileEntity)>> {
        let rows = self.tx.index::<FileEntity>("file", (Some(file),))?;
        let mut found = rows.collect::<Result<Vec<_>>>()?;
        let surety = |entity: &FileEntity| entity.confidence.unwrap_or_default();
        found.sort_by(|(_, a), (_, b)| {
            surety(b).total_cmp(&surety(a)).then_with(|| a.entity_text.cmp(&b.entity_text))
        });
        Ok(found)
    }

    /// Links of a file at either end, the surest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when one does not decode.
    pub fn entity_links(&self, file: NodeId) -> Result<Vec<(NodeId, FileEntityLink)>> {
        let as_source = self.tx.index::<FileEntityLink>("source", (Some(file),))?;
        let as_target = self.tx.index::<FileEntityLink>("target", (Some(file),))?;
        let mut found = as_source.chain(as_target).collect::<Result<Vec<_>>>()?;
        let surety = |link: &FileEntityLink| link.confidence.unwrap_or_default();
        found.sort_by(|(a_id, a), (b_id, b)| {
            surety(b).total_cmp(&surety(a)).then_with(|| a_id.cmp(b_id))
        });
        Ok(found)
    }
}

impl Files<&mut WriteTx<'_>> {
    /// Replaces what a file mentions and returns how much that is. Blank words are left out.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when the file is absent;
    /// [`Error::AlreadyExists`](crate::Error::AlreadyExists) when the same words with the same
    /// label come twice; [`Error::Invalid`](crate::Error::Invalid) for a confidence outside 0 to 1
    /// or metadata that is no object.
    pub fn replace_entities(
        &mut self,
        file: NodeId,
        entities: Vec<NewFileEntity>,
    ) -> Result<usize> {
        existing::<IndexedFile>(&*self.tx, file)?;
        self.delete_by::<FileEntity>("file", file)?;
        let now = Some(self.tx.now());
        let mut count = 0;
        for NewFileEntity { mut record } in entities {
            if record.entity_text.trim().is_empty() {
                continue;
            }
            share("confidence", record.confidence)?;
            let given = record.confidence.filter(|confidence| *confidence > 0.0);
            record.confidence = Some(given.unwrap_or(CONFIDENCE_DEFAULT));
            record.metadata = object_or_empty("metadata", record.metadata)?;
            (record.file, record.created_at, record.updated_at) = (Some(file), now, now);
            self.tx.insert(&record)?;
            count += 1;
        }
        Ok(count)
    }

    /// Links every two files that mention the same label of the ontology, anew. A label that more
    /// than a thousand files mention links none, and is named.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when something does not decode.
    pub fn link_entities(&mut self) -> Result<EntityLinksMade> {
        let mut made = EntityLinksMade::default();
        let mut wanted = BTreeSet::new();
        let mut group: (String, BTreeSet<NodeId>) = Default::default();
        let rows = self.tx.index::<FileEntity>("ontology", ())?;
        for row in rows {
            let (_, entity) = row?;
            let (Some(label), Some(file)) = (entity.ontology_id, entity.file) else { continue };
            if label != group.0 {
                let done = std::mem::replace(&mut group, (label, BTreeSet::new()));
                add_pairs(done, &mut wanted, &mut made);
            }
            group.1.insert(file);
        }
        add_pairs(group, &mut wanted, &mut made);
        made.links = wanted.len() as u64;
        self.set_links(wanted, &mut made)?;
        Ok(made)
    }

    fn set_links(
        &mut self,
        mut missing: BTreeSet<(NodeId, NodeId, String)>,
        made: &mut EntityLinksMade,
    ) -> Result<()> {
        let mut stale = Vec::new();
        for row in self.tx.iter::<FileEntityLink>()? {
            let (id, link) = row?;
            let is_wanted = match (link.source, link.target, link.ontology_id) {
                (Some(source), Some(target), Some(label)) => {
                    link.link_basis == LINK_BASIS && missing.remove(&(source, target, label))
                }
                _ => false,
            };
            if !is_wanted {
                stale.push(id);
            }
        }
        for id in stale {
            self.tx.delete(id)?;
            made.removed += 1;
        }
        let now = Some(self.tx.now());
        for (source, target, label) in missing {
            self.tx.insert(&FileEntityLink {
                source: Some(source),
                target: Some(target),
                ontology_id: Some(label),
                link_basis: LINK_BASIS.into(),
                confidence: Some(LINK_CONFIDENCE),
                metadata: object_or_empty("metadata", None)?,
                created_at: now,
                updated_at: now,
            })?;
            made.added += 1;
        }
        Ok(())
    }
}

/// Adds every pair of files that mention a label, the smaller id first.
fn add_pairs(
    (label, files): (String, BTreeSet<NodeId>),
    pairs: &mut BTreeSet<(NodeId, NodeId, String)>,
    made: &mut EntityLinksMade,
) {
    if label.is_empty() {
        return;
    }
    if files.len() > ENTITY_FILES_MAX {
        made.too_common.push(label);
        return;
    }
    for first in &files {
        let later = files.range((std::ops::Bound::Excluded(*first), std::ops::Bound::Unbounded));
        pairs.extend(later.map(|second| (*first, *second, label.clone())));
    }
}
