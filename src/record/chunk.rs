//! What is taken out of an indexed file: chunks of text, tables, embeddings, entities.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::{CarriedVectors, Facts, Json, Record, Vector};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

text_enum! {
    /// How a chunk was cut.
    ChunkType {
        /// A window of plain text.
        Text = "text",
        /// The text under one heading.
        MarkdownSection = "markdown_section",
    }
}

text_enum! {
    /// How far the extraction of a table came.
    ExtractionStatus {
        /// Noted, not read.
        Placeholder = "placeholder",
        /// Read.
        Extracted = "extracted",
        /// Not told.
        Unknown = "unknown",
    }
}

/// A piece of the text of a file.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileChunk {
    /// The file.
    pub file: Option<NodeId>,
    /// Position in the file, from 0.
    pub chunk_index: i64,
    /// How it was cut.
    pub chunk_type: ChunkType,
    /// Heading above the text.
    pub title: Option<String>,
    /// The text.
    pub content: String,
    /// Estimated tokens: a quarter of the characters, at least 1.
    pub token_estimate: i64,
    /// Length, in characters.
    pub char_count: i64,
    /// Object, for example the pipeline that made it.
    pub metadata: Option<Json>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for FileChunk {
    const NAME: &'static str = "file_chunk";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(file) = self.file {
            facts.unique("file_chunk", (file, self.chunk_index));
        }
        facts.index("type", &self.chunk_type);
        facts.link("file", self.file);
        facts.text("title", self.title.as_deref());
        facts.text("content", self.content.as_str());
        facts.keyword("type", self.chunk_type.as_str());
        facts.time("created", self.created_at);
    }
}

/// A table found in a file.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExtractedTable {
    /// The file.
    pub file: Option<NodeId>,
    /// The chunk that it was found in.
    pub source_chunk: Option<NodeId>,
    /// Position in the file, from 0.
    pub table_index: i64,
    /// How far the extraction came.
    pub extraction_status: ExtractionStatus,
    /// What extracted it.
    pub extraction_method: Option<String>,
    /// Array of the column names.
    pub headers: Option<Json>,
    /// Array of rows, each an array of texts; at most 200.
    pub rows: Option<Json>,
    /// Object with row and column counts and notes.
    pub metadata: Option<Json>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for ExtractedTable {
    const NAME: &'static str = "extracted_table";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(file) = self.file {
            facts.unique("file_table", (file, self.table_index));
        }
        facts.link("file", self.file);
        facts.link("source_chunk", self.source_chunk);
        facts.keyword("status", self.extraction_status.as_str());
        facts.time("created", self.created_at);
    }
}

/// The embedding of a chunk by one model.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChunkEmbedding {
    /// The file.
    pub file: Option<NodeId>,
    /// The chunk.
    pub chunk: Option<NodeId>,
    /// Name of the model.
    pub embedding_model: String,
    /// Number of values.
    pub dimension: i64,
    /// The values.
    pub embedding: Option<Vector>,
    /// SHA-1 of the JSON text of the values, in hexadecimal digits.
    pub embedding_hash: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for ChunkEmbedding {
    const NAME: &'static str = "chunk_embedding";
    const VECTORS: CarriedVectors = CarriedVectors::OfAny;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(chunk) = self.chunk {
            facts.unique("chunk_model", (chunk, &self.embedding_model));
        }
        facts.index("model", (&self.embedding_model, self.dimension));
        facts.index("file", self.file);
        facts.link("file", self.file);
        facts.link("chunk", self.chunk);
        facts.vector_of(self.chunk, &self.embedding_model, self.embedding.as_ref());
    }
}

/// A name or thing mentioned in a file.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileEntity {
    /// The file.
    pub file: Option<NodeId>,
    /// The words in the text.
    pub entity_text: String,
    /// What it is.
    pub entity_type: Option<String>,
    /// Label of the ontology, in lower case with underscores.
    pub ontology_id: Option<String>,
    /// How sure the extractor is, 0 to 1.
    pub confidence: Option<f64>,
    /// What found it, for example `rule:label_match`.
    pub provenance: Option<String>,
    /// What else is known: a JSON object.
    pub metadata: Option<Json>,
    /// When it was found.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for FileEntity {
    const NAME: &'static str = "file_entity";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(file) = self.file
            && let Some(ontology_id) = &self.ontology_id
        {
            facts.unique("file_entity", (file, ontology_id, &self.entity_text));
        }
        facts.index("file", (self.file, self.confidence, &self.entity_text));
        if let Some(ontology_id) = &self.ontology_id {
            facts.index("ontology", ontology_id);
        }
        facts.link("file", self.file);
        facts.text("name", self.entity_text.as_str());
        facts.keyword("type", self.entity_type.as_deref());
        facts.keyword("ontology", self.ontology_id.as_deref());
        facts.time("created", self.created_at);
    }
}

/// Two files that mention the same entity; derived.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileEntityLink {
    /// The file with the smaller number.
    pub source: Option<NodeId>,
    /// The other file.
    pub target: Option<NodeId>,
    /// Label of the ontology that both mention.
    pub ontology_id: Option<String>,
    /// Why they are linked; only `shared_entity` is written.
    pub link_basis: String,
    /// How sure the link is, 0 to 1.
    pub confidence: Option<f64>,
    /// What else is known: a JSON object.
    pub metadata: Option<Json>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for FileEntityLink {
    const NAME: &'static str = "file_entity_link";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(source) = self.source
            && let Some(target) = self.target
            && let Some(ontology_id) = &self.ontology_id
        {
            facts.unique("files_ontology_basis", (source, target, ontology_id, &self.link_basis));
        }
        facts.index("source", (self.source, self.confidence));
        facts.index("target", (self.target, self.confidence));
        facts.relation(self.source, &self.link_basis, self.target, self.confidence);
    }
}
