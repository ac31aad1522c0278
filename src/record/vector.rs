//! Documents of the vector store: a text with its embedding and a time to live.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{CarriedVectors, Facts, Json, Record, Vector};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

/// The model of their vectors: the vector store has one and does not name it.
const MODEL: &str = "vector_document";

/// A text that is found through its embedding.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VectorDocument {
    /// Its name, usually a UUID; the natural key.
    pub vector_id: String,
    /// The text; may be empty.
    pub content: String,
    /// The embedding, of unit length for the cosine.
    pub embedding: Option<Vector>,
    /// What else is known: a JSON object.
    pub metadata: Option<Json>,
    /// What it is, by default `general`.
    pub document_type: Option<String>,
    /// Field of law.
    pub legal_domain: Option<String>,
    /// The case that it belongs to.
    pub case_id: Option<String>,
    /// Where it applies.
    pub jurisdiction: Option<String>,
    /// The document that it was made from, where that is known.
    pub document: Option<NodeId>,
    /// When it was added.
    pub created_at: Option<Timestamp>,
    /// How much it matters, 0 to 1.
    pub importance_score: Option<f64>,
    /// How often it was found.
    pub access_count: i64,
    /// When it was last found.
    pub last_accessed_at: Option<Timestamp>,
    /// Array of tags.
    pub tags: Option<Json>,
    /// Time to live, in seconds; none or 0 is for ever.
    pub ttl_seconds: Option<i64>,
}

impl Record for VectorDocument {
    const NAME: &'static str = "vector_document";
    const VECTORS: CarriedVectors = CarriedVectors::Of(&[MODEL]);

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("vector_id", &self.vector_id);
        if let Some(document_type) = &self.document_type {
            facts.index("type", (document_type, self.created_at));
        }
        if let Some(legal_domain) = &self.legal_domain {
            facts.index("domain", legal_domain);
        }
        if let Some(case_id) = &self.case_id {
            facts.index("case", case_id);
        }
        if let Some(jurisdiction) = &self.jurisdiction {
            facts.index("jurisdiction", jurisdiction);
        }
        facts.index("accessed", self.last_accessed_at);
        facts.index("created", self.created_at);
        facts.link("document", self.document);
        facts.text("content", self.content.as_str());
        facts.keyword("type", self.document_type.as_deref());
        facts.keyword("domain", self.legal_domain.as_deref());
        facts.keyword("case", self.case_id.as_deref());
        facts.keyword("jurisdiction", self.jurisdiction.as_deref());
        facts.time("created", self.created_at);
        facts.number("importance", self.importance_score);
        facts.attributes(self.metadata.as_ref());
        facts.vector(MODEL, self.embedding.as_ref());
    }
}
