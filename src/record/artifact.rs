//! Canonical artifacts: content that is never changed, with its blobs and its history.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Facts, History, Json, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

/// A piece of content that is never changed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Artifact {
    /// Its name; unique together with the digest.
    pub artifact_id: String,
    /// SHA-256 of the content, 64 hexadecimal digits.
    pub sha256: String,
    /// Where it comes from.
    pub source_uri: Option<String>,
    /// MIME type.
    pub mime_type: Option<String>,
    /// What else is known: a JSON object.
    pub metadata: Option<Json>,
    /// When it was taken in.
    pub created_at: Option<Timestamp>,
}

impl Record for Artifact {
    const NAME: &'static str = "artifact";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique("artifact_sha256", (&self.artifact_id, &self.sha256));
        facts.index("sha256", &self.sha256);
        facts.index("created", self.created_at);
        facts.text("name", self.artifact_id.as_str());
        facts.text("source", self.source_uri.as_deref());
        facts.keyword("mime", self.mime_type.as_deref());
        facts.time("created", self.created_at);
        facts.attributes(self.metadata.as_ref());
    }
}

/// Where the bytes of an artifact lie.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArtifactBlob {
    /// The artifact.
    pub artifact: Option<NodeId>,
    /// Where they lie.
    pub blob_locator: String,
    /// How many there are.
    pub content_size_bytes: Option<i64>,
    /// When they were stored.
    pub created_at: Option<Timestamp>,
}

impl Record for ArtifactBlob {
    const NAME: &'static str = "artifact_blob";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("artifact", self.artifact);
        facts.link("artifact", self.artifact);
    }
}

/// Something that happened to an artifact; only ever added.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArtifactEvent {
    /// The artifact.
    pub artifact: Option<NodeId>,
    /// What happened; `ingested` comes first.
    pub event_type: String,
    /// What else is known: a JSON object.
    pub data: Option<Json>,
    /// When it happened.
    pub created_at: Option<Timestamp>,
}

impl Record for ArtifactEvent {
    const NAME: &'static str = "artifact_event";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("artifact", self.artifact);
        facts.index("type", (&self.event_type, self.created_at));
        facts.link("artifact", self.artifact);
        facts.keyword("type", self.event_type.as_str());
        facts.time("created", self.created_at);
    }
}
