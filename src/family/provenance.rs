//! Provenance: what a statement was taken from, passage by passage.
//!
//! A record names a source as it was, with the passages; links say what it supports. It is written
//! in the same write as what it supports, so neither is there without the other. A record without
//! links has no purpose and goes with its last one.

use std::collections::BTreeSet;
use std::ops::Deref;

use super::{Reader, at_most, existing, named, row_number};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::{
    PROVENANCE_EXTRACTOR_CHARS_MAX, PROVENANCE_NOTES_CHARS_MAX, PROVENANCE_QUOTE_CHARS_MAX,
};
use crate::base::time::Timestamp;
use crate::record::{
    Artifact, EvidenceSpan, IndexedFile, Provenance, ProvenanceLink, ProvenanceTarget,
};
use crate::store::{ReadTx, WriteTx};

/// A source to be noted, with what was taken from it.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewProvenance {
    artifact: NodeId,
    source_sha256: String,
    extractor_id: String,
    captured_at: Option<Timestamp>,
    notes: Option<String>,
    spans: Vec<Span>,
}

/// A passage: where it begins and ends, in characters, and its words.
#[derive(Clone, Debug)]
struct Span {
    start: u64,
    end: u64,
    quote: Option<String>,
}

impl NewProvenance {
    /// A source: an indexed file or a canonical artifact, the SHA-256 of its bytes in hexadecimal
    /// digits, and what takes from it. It needs at least one passage.
    pub fn new(
        artifact: NodeId,
        source_sha256: impl Into<String>,
        extractor_id: impl Into<String>,
    ) -> Self {
        let (source_sha256, extractor_id) = (source_sha256.into(), extractor_id.into());
        let (captured_at, notes, spans) = (None, None, Vec::new());
        Self { artifact, source_sha256, extractor_id, captured_at, notes, spans }
    }

    /// Adds a passage from character `start` up to, not including, `end`.
    pub fn span(mut self, start: u64, end: u64) -> Self {
        self.spans.push(Span { start, end, quote: None });
        self
    }

    /// Adds a passage with its words.
    pub fn quote(mut self, start: u64, end: u64, words: impl Into<String>) -> Self {
        self.spans.push(Span { start, end, quote: Some(words.into()) });
        self
    }

    /// Sets when it was taken; the time of the write where none is given.
    pub fn captured_at(mut self, time: Timestamp) -> Self {
        self.captured_at = Some(time);
        self
    }

    /// Sets notes.
    pub fn notes(mut self, notes: impl Into<String>) -> Self {
        self.notes = Some(notes.into());
        self
    }

    fn check(&self) -> Result<()> {
        sha256("source_sha256", &self.source_sha256)?;
        named("extractor_id", &self.extractor_id)?;
        at_most("extractor_id", &self.extractor_id, PROVENANCE_EXTRACTOR_CHARS_MAX)?;
        at_most("notes", self.notes.as_deref().unwrap_or_default(), PROVENANCE_NOTES_CHARS_MAX)?;
        if self.spans.is_empty() {
            return Err(Error::invalid("spans", "a provenance needs at least one passage"));
        }
        for Span { start, end, quote } in &self.spans {
            if end <= start || i64::try_from(*end).is_err() {
                let reason = format!("a passage from {start} to {end} does not end behind it");
                return Err(Error::invalid("spans", reason));
            }
            at_most("quote", quote.as_deref().unwrap_or_default(), PROVENANCE_QUOTE_CHARS_MAX)?;
        }
        Ok(())
    }
}

/// What a provenance supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    kind: ProvenanceTarget,
    /// Its name; without one it is known by the number of its row.
    name: Option<String>,
    record: Option<NodeId>,
}

impl Target {
    /// A record of the store.
    #[must_use]
    pub fn record(target_type: ProvenanceTarget, id: NodeId) -> Self {
        Self { kind: target_type, name: None, record: Some(id) }
    }

    /// A record of the store that the old application knows by a name.
    #[must_use]
    pub fn of(target_type: ProvenanceTarget, name: &str, id: NodeId) -> Self {
        Self { kind: target_type, name: Some(name.to_owned()), record: Some(id) }
    }

    /// Something that is known by a name, in the store or elsewhere.
    #[must_use]
    pub fn named(target_type: ProvenanceTarget, name: impl Into<String>) -> Self {
        Self { kind: target_type, name: Some(name.into()), record: None }
    }

    fn check(&self) -> Result<()> {
        named("target_type", self.kind.as_str())?;
        self.name.as_ref().map_or(Ok(()), |name| named("target_id", name))
    }

    /// What it is called in a link: its name, or the number of the row that it came from, or its
    /// key where it was made here.
    fn id_text(&self, tx: &impl Reader) -> String {
        match (&self.name, self.record) {
            (Some(name), _) => name.clone(),
            (None, Some(id)) => row_number(tx, id).to_string(),
            (None, None) => String::new(),
        }
    }

    /// Whether a link that calls it so means it. Imported links name numbers, which mean rows of
    /// their own source.
    fn is_of(&self, tx: &impl Reader, link_id: NodeId, link: &ProvenanceLink) -> bool {
        let Some(id) = self.record else { return true };
        let source = |id| tx.origin(id).map(|origin| origin.source);
        match link.target {
            Some(target) => target == id,
            None => {
                self.name.is_some() || source(id).is_some_and(|own| source(link_id) == Some(own))
            }
        }
    }
}

/// A provenance with its passages.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FullProvenance {
    /// Which one.
    pub id: NodeId,
    /// The source.
    pub provenance: Provenance,
    /// The passages, in the order of the text.
    pub spans: Vec<EvidenceSpan>,
}

/// Provenance of a transaction. Made by [`ReadTx::provenance`] and [`WriteTx::provenance`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::{NewArtifact, NewProvenance, Target};
/// use engraph::record::ProvenanceTarget;
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// let target = Target::named(ProvenanceTarget::PlannerPersistedOutput, "plan-7");
/// store.write(|tx| {
///     let new = NewArtifact::of_bytes("memo", b"The reply is due.");
///     let sha256 = new.sha256().to_owned();
///     let memo = tx.artifacts().ingest(new)?;
///     let source = NewProvenance::new(memo, sha256, "planner").quote(4, 9, "reply");
///     tx.provenance().record(source, &target)
/// })?;
/// let found = store.read()?.provenance().of(&target)?;
/// assert_eq!(found[0].spans[0].quote.as_deref(), Some("reply"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Provenances<T> {
    tx: T,
}

impl ReadTx {
    /// Provenance, to look at.
    pub fn provenance(&self) -> Provenances<&Self> {
        Provenances { tx: self }
    }
}

impl WriteTx<'_> {
    /// Provenance.
    pub fn provenance(&mut self) -> Provenances<&mut Self> {
        Provenances { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Provenances<T> {
    /// The provenance `id` with its passages.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn get(&self, id: NodeId) -> Result<Option<FullProvenance>> {
        let Some(provenance) = self.tx.get(id)? else { return Ok(None) };
        let spans = self.spans(id)?.into_iter().map(|(_, span)| span).collect();
        Ok(Some(FullProvenance { id, provenance, spans }))
    }

    /// What supports a target, first noted first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn of(&self, target: &Target) -> Result<Vec<FullProvenance>> {
        let mut found = Vec::new();
        for (_, link) in self.links(target)? {
            if let Some(id) = link.provenance {
                found.extend(self.get(id)?);
            }
        }
        Ok(found)
    }

    /// What a provenance supports, first noted first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a link does not decode.
    pub fn targets(&self, id: NodeId) -> Result<Vec<(NodeId, ProvenanceLink)>> {
        self.tx.index("provenance", (Some(id),))?.collect()
    }

    /// What was taken from a source, first taken first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn from_artifact(&self, artifact: NodeId) -> Result<Vec<(NodeId, Provenance)>> {
        self.tx.index("artifact", (Some(artifact),))?.collect()
    }

    fn links(&self, target: &Target) -> Result<Vec<(NodeId, ProvenanceLink)>> {
        let tx = &*self.tx;
        let rows = tx.index::<ProvenanceLink>("target", (&target.kind, target.id_text(tx)))?;
        let is_of = |id: NodeId, link: &ProvenanceLink| target.is_of(tx, id, link);
        rows.filter(|row| row.as_ref().map_or(true, |(id, link)| is_of(*id, link))).collect()
    }

    fn spans(&self, id: NodeId) -> Result<Vec<(NodeId, EvidenceSpan)>> {
        self.tx.index("provenance", (Some(id),))?.collect()
    }
}

impl Provenances<&mut WriteTx<'_>> {
    /// Notes a source and what it supports, and returns the provenance's id.
    ///
    /// # Errors
    /// [`Error::Invalid`] without a passage, for a passage that does not end behind its start, a
    /// digest that is not 64 hexadecimal digits, an extractor or target without a name, or a source
    /// that is neither file nor artifact; [`Error::Limit`] for a text that is too long;
    /// [`Error::NotFound`] when the source or the target is absent.
    pub fn record(&mut self, new: NewProvenance, target: &Target) -> Result<NodeId> {
        self.check(&new)?;
        self.check_target(target)?;
        let id = self.tx.insert(&Provenance {
            artifact: Some(new.artifact),
            source_sha256: new.source_sha256.to_ascii_lowercase(),
            extractor_id: new.extractor_id,
            captured_at: Some(new.captured_at.unwrap_or(self.tx.now())),
            notes: new.notes,
        })?;
        for Span { start, end, quote } in new.spans {
            let (start_char, end_char) = (start.cast_signed(), end.cast_signed());
            let provenance = Some(id);
            self.tx.insert(&EvidenceSpan { provenance, start_char, end_char, quote })?;
        }
        self.link(id, target)?;
        Ok(id)
    }

    /// Lets a provenance support one thing more. Returns the link.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the provenance or the target is absent; [`Error::Invalid`] for a
    /// target without a name.
    pub fn link(&mut self, id: NodeId, target: &Target) -> Result<NodeId> {
        self.check_target(target)?;
        existing::<Provenance>(&*self.tx, id)?;
        self.tx.insert(&ProvenanceLink {
            provenance: Some(id),
            target_type: target.kind.clone(),
            target_id: target.id_text(&*self.tx),
            target: target.record,
        })
    }

    /// What recording a source refuses, its target aside.
    pub(super) fn check(&self, new: &NewProvenance) -> Result<()> {
        new.check()?;
        let kind = new.artifact.kind();
        if kind == self.tx.kind_of::<Artifact>()? {
            existing::<Artifact>(&*self.tx, new.artifact).map(drop)
        } else if kind == self.tx.kind_of::<IndexedFile>()? {
            existing::<IndexedFile>(&*self.tx, new.artifact).map(drop)
        } else {
            let reason = format!("{} is neither a file nor an artifact", new.artifact);
            Err(Error::invalid("artifact", reason))
        }
    }

    fn check_target(&self, target: &Target) -> Result<()> {
        target.check()?;
        match target.record {
            Some(id) if !self.tx.contains(id)? => Err(Error::not_found(target.kind.as_str(), id)),
            _ => Ok(()),
        }
    }

    /// Deletes what supports a target: the links, and what is then without any. Tells how many
    /// links there were.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a target without a name.
    pub fn unlink(&mut self, target: &Target) -> Result<usize> {
        target.check()?;
        let links = self.links(target)?;
        let mut freed = BTreeSet::new();
        for (id, link) in &links {
            self.tx.delete(*id)?;
            freed.extend(link.provenance);
        }
        for id in freed {
            if self.targets(id)?.is_empty() {
                for (span, _) in self.spans(id)? {
                    self.tx.delete(span)?;
                }
                self.tx.delete(id)?;
            }
        }
        Ok(links.len())
    }
}

/// A SHA-256 as it is written: 64 hexadecimal digits.
fn sha256(field: &str, digits: &str) -> Result<()> {
    if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(Error::invalid(field, format!("{digits:?} is not 64 hexadecimal digits")))
}
