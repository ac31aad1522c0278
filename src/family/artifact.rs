//! Canonical artifacts: content that never changes, and what happened to it.
//!
//! There is no call that changes or deletes an artifact, its blob or an event: what is there was
//! so. New content of the same name is a new artifact beside the old one.

use std::ops::Deref;

use super::{Reader, existing, named, object_or_empty};
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::record::{Artifact, ArtifactBlob, ArtifactEvent};
use crate::store::{ReadTx, WriteTx};

/// The first event of every artifact.
const INGESTED: &str = "ingested";

/// An artifact to be taken in.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewArtifact {
    artifact: Artifact,
    locator: Option<String>,
    size_bytes: Option<u64>,
}

impl NewArtifact {
    /// An artifact of that name, and the SHA-256 of its bytes in hexadecimal digits.
    pub fn new(artifact_id: impl Into<String>, sha256: impl Into<String>) -> Self {
        let (artifact_id, sha256) = (artifact_id.into(), sha256.into());
        let artifact = Artifact { artifact_id, sha256, ..Artifact::default() };
        Self { artifact, locator: None, size_bytes: None }
    }

    /// An artifact of that name with these bytes. They are digested and counted, not kept.
    pub fn of_bytes(artifact_id: impl Into<String>, bytes: &[u8]) -> Self {
        let mut new = Self::new(artifact_id, Digest::of(bytes).to_string());
        new.size_bytes = Some(bytes.len() as u64);
        new
    }

    /// The SHA-256 of its bytes.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.artifact.sha256
    }

    /// Sets where it comes from.
    pub fn source_uri(mut self, uri: impl Into<String>) -> Self {
        self.artifact.source_uri = Some(uri.into());
        self
    }

    /// Sets the MIME type.
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.artifact.mime_type = Some(mime_type.into());
        self
    }

    /// Sets what else is known, a JSON object; `{}` where none is given.
    pub fn metadata(mut self, metadata: Json) -> Self {
        self.artifact.metadata = Some(metadata);
        self
    }

    /// Sets where its bytes lie.
    pub fn blob(mut self, locator: impl Into<String>) -> Self {
        self.locator = Some(locator.into());
        self
    }

    /// Sets how many bytes there are.
    pub fn size_bytes(mut self, bytes: u64) -> Self {
        self.size_bytes = Some(bytes);
        self
    }
}

/// Canonical artifacts of a transaction. Made by [`ReadTx::artifacts`] and [`WriteTx::artifacts`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::NewArtifact;
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// let memo = NewArtifact::of_bytes("memo", b"The reply is due.").blob("blobs/memo");
/// let id = store.write(|tx| tx.artifacts().ingest(memo))?;
/// store.write(|tx| tx.artifacts().append_event(id, "redacted", None))?;
/// let tx = store.read()?;
/// let lineage = tx.artifacts().lineage(id)?;
/// assert_eq!(lineage[0].1.event_type, "ingested");
/// assert_eq!(lineage[1].1.event_type, "redacted");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Artifacts<T> {
    tx: T,
}

impl ReadTx {
    /// Canonical artifacts, to look at.
    pub fn artifacts(&self) -> Artifacts<&Self> {
        Artifacts { tx: self }
    }
}

impl WriteTx<'_> {
    /// Canonical artifacts.
    pub fn artifacts(&mut self) -> Artifacts<&mut Self> {
        Artifacts { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Artifacts<T> {
    /// The artifact `id`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn get(&self, id: NodeId) -> Result<Option<Artifact>> {
        self.tx.get(id)
    }

    /// The artifact of that name with that content.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn find(&self, artifact_id: &str, sha256: &str) -> Result<Option<(NodeId, Artifact)>> {
        self.tx.find("artifact_sha256", (artifact_id, sha256.to_ascii_lowercase()))
    }

    /// The artifacts with that content, whatever their names, in the order in which they came.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn with_content(&self, sha256: &str) -> Result<Vec<(NodeId, Artifact)>> {
        self.tx.index("sha256", sha256.to_ascii_lowercase())?.collect()
    }

    /// Artifacts, newest first, `offset` left out and at most `limit`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self, offset: usize, limit: usize) -> Result<Vec<(NodeId, Artifact)>> {
        self.tx.index_descending("created", ())?.skip(offset).take(limit).collect()
    }

    /// Where the bytes of an artifact lie.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn blobs(&self, id: NodeId) -> Result<Vec<(NodeId, ArtifactBlob)>> {
        self.tx.index("artifact", (Some(id),))?.collect()
    }

    /// What happened to an artifact, in order.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when an event does not decode.
    pub fn lineage(&self, id: NodeId) -> Result<Vec<(NodeId, ArtifactEvent)>> {
        self.tx.index("artifact", (Some(id),))?.collect()
    }

    /// Whether bytes are the content of the artifact `id`.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent.
    pub fn has_content(&self, id: NodeId, bytes: &[u8]) -> Result<bool> {
        let artifact: Artifact = existing(&*self.tx, id)?;
        Ok(artifact.sha256.eq_ignore_ascii_case(&Digest::of(bytes).to_string()))
    }
}

impl Artifacts<&mut WriteTx<'_>> {
    /// Takes an artifact in: itself, where its bytes lie if that is given, and the event
    /// `ingested`. Returns its id.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the same content is there under that name;
    /// [`Error::Invalid`] without a name or a blob's place, for a digest that is not 64 hexadecimal
    /// digits, or metadata that is no object.
    pub fn ingest(&mut self, new: NewArtifact) -> Result<NodeId> {
        let now = Some(self.tx.now());
        let mut artifact = new.artifact;
        named("artifact_id", &artifact.artifact_id)?;
        let digits = artifact.sha256.to_ascii_lowercase();
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let reason = format!("{digits:?} is not 64 hexadecimal digits");
            return Err(Error::invalid("sha256", reason));
        }
        if self.find(&artifact.artifact_id, &digits)?.is_some() {
            let key = format!("{} {digits}", artifact.artifact_id);
            return Err(Error::already_exists("artifact", key));
        }
        let size = new.size_bytes.map(i64::try_from).transpose();
        let size = size.map_err(|_| Error::invalid("size_bytes", "no content is so large"))?;
        new.locator.as_deref().map_or(Ok(()), |locator| named("blob_locator", locator))?;
        let data = Json::of(&serde_json::json!({ "sha256": digits }))?;
        artifact.sha256 = digits;
        artifact.metadata = object_or_empty("metadata", artifact.metadata)?;
        artifact.created_at = now;
        let id = self.tx.insert(&artifact)?;
        if let Some(blob_locator) = new.locator {
            self.tx.insert(&ArtifactBlob {
                artifact: Some(id),
                blob_locator,
                content_size_bytes: size,
                created_at: now,
            })?;
        }
        self.append_event(id, INGESTED, Some(data))?;
        Ok(id)
    }

    /// Takes artifacts in, all or none; their ids come in the same order.
    ///
    /// # Errors
    /// As [`Artifacts::ingest`].
    pub fn ingest_many(&mut self, new: Vec<NewArtifact>) -> Result<Vec<NodeId>> {
        new.into_iter().map(|new| self.ingest(new)).collect()
    }

    /// Notes that something happened to an artifact, with details, a JSON object, if there are
    /// any. Returns the event.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the artifact is absent; [`Error::Invalid`] for an event without a
    /// type or details that are no object.
    pub fn append_event(
        &mut self,
        id: NodeId,
        event_type: &str,
        data: Option<Json>,
    ) -> Result<NodeId> {
        named("event_type", event_type)?;
        existing::<Artifact>(&*self.tx, id)?;
        self.tx.insert(&ArtifactEvent {
            artifact: Some(id),
            event_type: event_type.to_owned(),
            data: object_or_empty("data", data)?,
            created_at: Some(self.tx.now()),
        })
    }
}
