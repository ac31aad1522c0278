//! Documents: the entry, its text, its tags and what is computed from the text.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Facts, Json, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

/// A document: what is known about it without its text.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Document {
    /// Name of the file, 1 to 255 characters.
    pub file_name: String,
    /// Type of the file in lower case, for example `docx`; the old application wrote `pd` and `rt`.
    pub file_type: String,
    /// Category, 1 to 100 characters.
    pub category: String,
    /// Path of the file, at most 500 characters.
    pub file_path: Option<String>,
    /// What the document is for, at most 200 characters.
    pub primary_purpose: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When a field other than the text last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for Document {
    const NAME: &'static str = "document";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("created", self.created_at);
        facts.index("category", (&self.category, self.created_at));
        facts.index("file_type", (&self.file_type, self.created_at));
        facts.text("name", self.file_name.as_str());
        facts.text("file_path", self.file_path.as_deref());
        facts.text("primary_purpose", self.primary_purpose.as_deref());
        facts.keyword("category", self.category.as_str());
        facts.keyword("file_type", self.file_type.as_str());
        facts.time("created", self.created_at);
        facts.time("updated", self.updated_at);
    }
}

/// The text of a document.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DocumentContent {
    /// The document; several rows for one document are possible in imported data.
    pub document: Option<NodeId>,
    /// The text.
    pub content_text: Option<String>,
    /// MIME type, at most 100 characters.
    pub content_type: Option<String>,
    /// When it was first stored.
    pub created_at: Option<Timestamp>,
}

impl Record for DocumentContent {
    const NAME: &'static str = "document_content";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("document", (self.document, self.created_at));
        facts.link("document", self.document);
        facts.text("content", self.content_text.as_deref());
        facts.time("created", self.created_at);
    }
}

/// One tag of a document.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DocumentTag {
    /// The document.
    pub document: Option<NodeId>,
    /// Name in lower case: letters, digits, `-` and `_`, 1 to 100 characters.
    pub tag_name: String,
    /// Value, at most 255 characters.
    pub tag_value: Option<String>,
    /// When the tag was given.
    pub created_at: Option<Timestamp>,
}

impl Record for DocumentTag {
    const NAME: &'static str = "document_tag";
    const VERSION: u16 = 2;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(document) = self.document {
            facts.unique("document_tag", (document, &self.tag_name));
        }
        facts.index("name", (&self.tag_name, self.created_at));
        facts.index("document", (self.document, &self.tag_name));
        facts.link("document", self.document);
        facts.keyword("tag", self.tag_name.as_str());
        facts.text("value", self.tag_value.as_deref());
        facts.time("created", self.created_at);
    }
}

/// Counts over the text of a document; derived.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DocumentAnalytics {
    /// The document; one row each.
    pub document: Option<NodeId>,
    /// Length of the text, in characters.
    pub char_count: i64,
    /// Number of words.
    pub word_count: i64,
    /// Number of sentences.
    pub sentence_count: i64,
    /// The commonest words, at most 15, each as `{"term", "count"}`.
    pub top_terms: Option<Json>,
    /// When it was computed.
    pub computed_at: Option<Timestamp>,
}

impl Record for DocumentAnalytics {
    const NAME: &'static str = "document_analytics";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(document) = self.document {
            facts.unique("document", document);
        }
        facts.link("document", self.document);
    }
}

/// The words that the old application searched a document by; derived.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DocumentSearchRow {
    /// The document; the old application added a row at every change of the text.
    pub document: Option<NodeId>,
    /// Distinct words in lower case, separated by blanks, in no order.
    pub search_terms: String,
    /// Weight; always 1.
    pub relevance_score: Option<f64>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for DocumentSearchRow {
    const NAME: &'static str = "document_search_row";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("document", (self.document, self.created_at));
        facts.link("document", self.document);
    }
}
