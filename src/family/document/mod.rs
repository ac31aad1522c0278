//! Documents: entries, their texts and tags, and what is computed from the texts.
//!
//! A document has one text at most that is written here; imported ones may have several, of which
//! the oldest counts, and a change of the text changes all. What is derived from the text (counts,
//! search row) is written with it, in the same write, and there is one of each. Deleting a document
//! deletes all of that.

mod analytics;
mod query;
mod search;

use std::ops::Deref;

use super::{Reader, at_most, existing, named};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::{
    DOCUMENT_CATEGORY_CHARS_MAX, DOCUMENT_CONTENT_TYPE_CHARS_MAX, DOCUMENT_NAME_CHARS_MAX,
    DOCUMENT_PATH_CHARS_MAX, DOCUMENT_PURPOSE_CHARS_MAX, DOCUMENT_TAG_CHARS_MAX,
    DOCUMENT_TAG_VALUE_CHARS_MAX,
};
use crate::record::{Document, DocumentAnalytics, DocumentContent, DocumentSearchRow, DocumentTag};
use crate::store::{ReadTx, WriteTx};
use analytics::Counts;
pub use query::{DocumentQuery, DocumentStats, Suggestions};
pub use search::DocumentHit;

/// Types of documents. The old application writes `pd` and `rt`, and reads no others in their
/// place; both spellings are stored as they are given.
const FILE_TYPES: [&str; 8] = ["pdf", "pd", "docx", "txt", "doc", "rtf", "rt", "odt"];
const CONTENT_TYPE_DEFAULT: &str = "text/plain";

/// A document to be made.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewDocument {
    document: Document,
    content: Option<String>,
    content_type: Option<String>,
    tags: Vec<NewTag>,
}

impl NewDocument {
    /// A document without a text: the name of its file, its type (`pdf`, `docx`, `txt`, `doc`,
    /// `rtf`, `odt`) and its category.
    pub fn new(
        file_name: impl Into<String>,
        file_type: impl Into<String>,
        category: impl Into<String>,
    ) -> Self {
        let document = Document {
            file_name: file_name.into(),
            file_type: file_type.into(),
            category: category.into(),
            ..Document::default()
        };
        Self { document, content: None, content_type: None, tags: Vec::new() }
    }

    /// Sets the path of the file.
    pub fn file_path(mut self, path: impl Into<String>) -> Self {
        self.document.file_path = Some(path.into());
        self
    }

    /// Sets what the document is for.
    pub fn primary_purpose(mut self, purpose: impl Into<String>) -> Self {
        self.document.primary_purpose = Some(purpose.into());
        self
    }

    /// Sets the text.
    pub fn content(mut self, text: impl Into<String>) -> Self {
        self.content = Some(text.into());
        self
    }

    /// Sets the MIME type of the text; `text/plain` where none is given.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Adds a tag.
    pub fn tag(mut self, tag: NewTag) -> Self {
        self.tags.push(tag);
        self
    }
}

/// A tag to be given to a document.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewTag {
    name: String,
    value: Option<String>,
}

impl NewTag {
    /// A tag without a value; letters, digits, `-` and `_`, kept in lower case.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), value: None }
    }

    /// Sets the value.
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    fn checked(&self) -> Result<(String, Option<String>)> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.name.is_empty() || !self.name.chars().all(is_plain) {
            let reason = format!("{:?} is not made of letters, digits, - and _", self.name);
            return Err(Error::invalid("tag_name", reason));
        }
        at_most("tag_name", &self.name, DOCUMENT_TAG_CHARS_MAX)?;
        if let Some(value) = &self.value {
            at_most("tag_value", value, DOCUMENT_TAG_VALUE_CHARS_MAX)?;
        }
        Ok((self.name.to_ascii_lowercase(), self.value.clone()))
    }
}

/// What changes in a document; what is not given stays.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct DocumentChange {
    file_name: Option<String>,
    file_type: Option<String>,
    category: Option<String>,
    file_path: Field,
    primary_purpose: Field,
    content: Option<String>,
    content_type: Option<String>,
}

/// What becomes of a field that may be absent.
#[derive(Clone, Debug, Default)]
enum Field {
    #[default]
    Stays,
    Becomes(Option<String>),
}

impl Field {
    fn apply(&self, field: &mut Option<String>) {
        if let Self::Becomes(new) = self {
            field.clone_from(new);
        }
    }
}

impl DocumentChange {
    /// Changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name of the file.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// Sets the type of the file.
    pub fn file_type(mut self, file_type: impl Into<String>) -> Self {
        self.file_type = Some(file_type.into());
        self
    }

    /// Sets the category.
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.category = Some(category.into());
        self
    }

    /// Sets the path of the file, or takes it away.
    pub fn file_path(mut self, path: Option<String>) -> Self {
        self.file_path = Field::Becomes(path);
        self
    }

    /// Sets what the document is for, or takes it away.
    pub fn primary_purpose(mut self, purpose: Option<String>) -> Self {
        self.primary_purpose = Field::Becomes(purpose);
        self
    }

    /// Sets the text.
    pub fn content(mut self, text: impl Into<String>) -> Self {
        self.content = Some(text.into());
        self
    }

    /// Sets the MIME type of the text.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    fn apply(&self, document: &mut Document) {
        let given = [
            (&self.file_name, &mut document.file_name),
            (&self.file_type, &mut document.file_type),
            (&self.category, &mut document.category),
        ];
        for (new, field) in given {
            if let Some(new) = new {
                field.clone_from(new);
            }
        }
        self.file_path.apply(&mut document.file_path);
        self.primary_purpose.apply(&mut document.primary_purpose);
    }
}

/// A document with its text and tags.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FullDocument {
    /// The document.
    pub document: Document,
    /// Its text; the oldest one where import brought several.
    pub content: Option<DocumentContent>,
    /// Its tags, by name.
    pub tags: Vec<DocumentTag>,
}

/// Documents of a transaction. Made by [`ReadTx::documents`] and [`WriteTx::documents`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::{DocumentChange, DocumentQuery, NewDocument, NewTag};
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// let new = NewDocument::new("memo.txt", "txt", "legal").content("The reply is due in March.");
/// let memo = store.write(|tx| tx.documents().create(new.tag(NewTag::new("urgent"))))?;
/// let change = DocumentChange::new().content("The reply is due in April.");
/// store.write(|tx| tx.documents().update(memo, &change))?;
///
/// let tx = store.read()?;
/// let urgent = tx.documents().list(&DocumentQuery::new().tag("urgent"))?;
/// assert_eq!(urgent[0].0, memo);
/// assert_eq!(tx.documents().analytics(memo)?.map(|counts| counts.word_count), Some(6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Documents<T> {
    tx: T,
}

impl ReadTx {
    /// Documents, to look at.
    pub fn documents(&self) -> Documents<&Self> {
        Documents { tx: self }
    }
}

impl WriteTx<'_> {
    /// Documents.
    pub fn documents(&mut self) -> Documents<&mut Self> {
        Documents { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Documents<T> {
    /// The document `id` with its text and tags.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn get(&self, id: NodeId) -> Result<Option<FullDocument>> {
        let Some(document) = self.tx.get(id)? else { return Ok(None) };
        let content = self.contents(id)?.into_iter().next().map(|(_, content)| content);
        let tags = self.tags(id)?.into_iter().map(|(_, tag)| tag).collect();
        Ok(Some(FullDocument { document, content, tags }))
    }

    /// The tags of a document, by name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn tags(&self, id: NodeId) -> Result<Vec<(NodeId, DocumentTag)>> {
        self.tx.index("document", (Some(id),))?.collect()
    }

    /// What was computed from the text of a document.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn analytics(&self, id: NodeId) -> Result<Option<DocumentAnalytics>> {
        Ok(self.tx.find("document", id)?.map(|(_, counts)| counts))
    }

    fn contents(&self, id: NodeId) -> Result<Vec<(NodeId, DocumentContent)>> {
        self.tx.index("document", (Some(id),))?.collect()
    }

    fn tag_named(&self, id: NodeId, name: &str) -> Result<Option<NodeId>> {
        let found = self.tx.find::<DocumentTag>("document_tag", (id, name))?;
        Ok(found.map(|(tag, _)| tag))
    }
}

impl Documents<&mut WriteTx<'_>> {
    /// Makes a document and returns its id. Name and category are trimmed, the type is kept in
    /// lower case; an empty text is none. It gets the tags that the rules give it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty name or category, a type that is not known, or a tag that
    /// cannot be one; [`Error::Limit`] for a field that is too long.
    pub fn create(&mut self, new: NewDocument) -> Result<NodeId> {
        let document = Document { created_at: Some(self.tx.now()), ..settled(new.document)? };
        let content_type = new.content_type.as_deref();
        check_content_type(content_type)?;
        new.tags.iter().try_for_each(|tag| tag.checked().map(drop))?;
        let id = self.tx.insert(&document)?;
        if let Some(text) = new.content.filter(|text| !text.is_empty()) {
            self.put_content(id, Some(&text), content_type)?;
        }
        self.tag(id, &new.tags)?;
        self.tx.tags().apply_to_new(id, &document)?;
        Ok(id)
    }

    /// Makes documents, all or none, and returns their ids in the same order.
    ///
    /// # Errors
    /// As [`Documents::create`].
    pub fn create_many(&mut self, new: Vec<NewDocument>) -> Result<Vec<NodeId>> {
        new.into_iter().map(|new| self.create(new)).collect()
    }

    /// Changes a document and returns it as it is now. A change of the text alone leaves
    /// `updated_at`; what is computed from the text follows it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; else as [`Documents::create`].
    pub fn update(&mut self, id: NodeId, change: &DocumentChange) -> Result<Document> {
        let content_type = change.content_type.as_deref();
        check_content_type(content_type)?;
        let old: Document = existing(&*self.tx, id)?;
        let mut document = old.clone();
        change.apply(&mut document);
        if document != old {
            document = settled(document)?;
            document.updated_at = Some(self.tx.now());
            self.tx.put(id, &document)?;
        }
        if change.content.is_some() || content_type.is_some() {
            self.put_content(id, change.content.as_deref(), content_type)?;
        }
        // The text is part of what rules may ask about.
        if document != old {
            self.tx.tags().apply_to_changed(id, &document)?;
        } else if change.content.is_some() {
            self.tx.tags().apply_to_changed_text(id)?;
        }
        Ok(document)
    }

    /// Deletes a document with its text, tags and what was computed. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `id` is no document.
    pub fn delete(&mut self, id: NodeId) -> Result<bool> {
        if id.kind() != self.tx.kind_of::<Document>()? {
            return Err(Error::invalid("id", format!("{id} is no document")));
        }
        let mut parts: Vec<NodeId> = self.contents(id)?.into_iter().map(|(id, _)| id).collect();
        parts.extend(self.tags(id)?.into_iter().map(|(id, _)| id));
        parts.extend(self.search_rows(id)?.into_iter().map(|(id, _)| id));
        parts.extend(self.tx.find::<DocumentAnalytics>("document", id)?.map(|(id, _)| id));
        for part in parts {
            self.tx.delete(part)?;
        }
        self.tx.delete(id)
    }

    /// Deletes documents, all or none; tells how many were there.
    ///
    /// # Errors
    /// As [`Documents::delete`].
    pub fn delete_many(&mut self, ids: &[NodeId]) -> Result<usize> {
        ids.iter().try_fold(0, |count, id| Ok(count + usize::from(self.delete(*id)?)))
    }

    /// Gives tags to a document and returns those that it did not have. One that it has keeps its
    /// value.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the document is absent; [`Error::Invalid`] for a name that cannot
    /// be a tag; [`Error::Limit`] for a name or value that is too long.
    pub fn tag(&mut self, id: NodeId, tags: &[NewTag]) -> Result<Vec<NodeId>> {
        existing::<Document>(&*self.tx, id)?;
        let tags = tags.iter().map(NewTag::checked).collect::<Result<Vec<_>>>()?;
        let mut added = Vec::new();
        for (tag_name, tag_value) in tags {
            if self.tag_named(id, &tag_name)?.is_none() {
                let created_at = Some(self.tx.now());
                let tag = DocumentTag { document: Some(id), tag_name, tag_value, created_at };
                added.push(self.tx.insert(&tag)?);
            }
        }
        Ok(added)
    }

    /// Takes a tag from a document. Tells whether it had it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the tag does not decode.
    pub fn untag(&mut self, id: NodeId, name: &str) -> Result<bool> {
        match self.tag_named(id, &name.to_lowercase())? {
            Some(tag) => self.tx.delete(tag),
            None => Ok(false),
        }
    }

    /// Computes once more what is derived from a document's text: for imported documents, whose
    /// counts may be old or missing.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the document is absent.
    pub fn recompute(&mut self, id: NodeId) -> Result<DocumentAnalytics> {
        existing::<Document>(&*self.tx, id)?;
        let content = self.contents(id)?.into_iter().next();
        let text = content.and_then(|(_, content)| content.content_text).unwrap_or_default();
        self.put_derived(id, &text)
    }

    /// Writes the text into every row of the document, or into a first one.
    fn put_content(
        &mut self,
        id: NodeId,
        text: Option<&str>,
        content_type: Option<&str>,
    ) -> Result<()> {
        let rows = self.contents(id)?;
        if rows.is_empty() {
            let content_type = content_type.unwrap_or(CONTENT_TYPE_DEFAULT);
            self.tx.insert(&DocumentContent {
                document: Some(id),
                content_text: text.map(ToOwned::to_owned),
                content_type: Some(content_type.to_owned()),
                created_at: Some(self.tx.now()),
            })?;
        }
        for (row, mut content) in rows {
            if let Some(text) = text {
                content.content_text = Some(text.to_owned());
            }
            if let Some(content_type) = content_type {
                content.content_type = Some(content_type.to_owned());
            }
            self.tx.put(row, &content)?;
        }
        text.map_or(Ok(()), |text| self.put_derived(id, text).map(drop))
    }

    fn put_derived(&mut self, id: NodeId, text: &str) -> Result<DocumentAnalytics> {
        let now = self.tx.now();
        let counts = Counts::of(text);
        let analytics = DocumentAnalytics {
            document: Some(id),
            char_count: counts.characters as i64,
            word_count: counts.words as i64,
            sentence_count: counts.sentences as i64,
            top_terms: Some(counts.terms_json()?),
            computed_at: Some(now),
        };
        match self.tx.find::<DocumentAnalytics>("document", id)? {
            Some((row, _)) => self.tx.put(row, &analytics)?,
            None => drop(self.tx.insert(&analytics)?),
        }
        let mut rows = self.search_rows(id)?.into_iter();
        let search_terms = analytics::search_terms(text);
        match rows.next() {
            Some((row, mut old)) => {
                old.search_terms = search_terms;
                old.updated_at = Some(now);
                self.tx.put(row, &old)?;
            }
            None => drop(self.tx.insert(&DocumentSearchRow {
                document: Some(id),
                search_terms,
                relevance_score: Some(1.0),
                created_at: Some(now),
                updated_at: None,
            })?),
        }
        // The old application added one at every change; one is enough.
        for (row, _) in rows {
            self.tx.delete(row)?;
        }
        Ok(analytics)
    }

    fn search_rows(&self, id: NodeId) -> Result<Vec<(NodeId, DocumentSearchRow)>> {
        self.tx.index("document", (Some(id),))?.collect()
    }
}

/// A document in the form in which it is stored.
fn settled(mut document: Document) -> Result<Document> {
    check_document(&document)?;
    for field in [&mut document.file_name, &mut document.category] {
        *field = field.trim().to_owned();
    }
    document.file_type = document.file_type.to_lowercase();
    Ok(document)
}

/// What the old application refuses, here refused on writing only.
fn check_document(document: &Document) -> Result<()> {
    named("file_name", &document.file_name)?;
    at_most("file_name", &document.file_name, DOCUMENT_NAME_CHARS_MAX)?;
    named("category", &document.category)?;
    at_most("category", document.category.trim(), DOCUMENT_CATEGORY_CHARS_MAX)?;
    if !FILE_TYPES.contains(&&*document.file_type.to_lowercase()) {
        let reason = format!("{:?} is none of {}", document.file_type, FILE_TYPES.join(", "));
        return Err(Error::invalid("file_type", reason));
    }
    let path = document.file_path.as_deref().unwrap_or_default();
    at_most("file_path", path, DOCUMENT_PATH_CHARS_MAX)?;
    let purpose = document.primary_purpose.as_deref().unwrap_or_default();
    at_most("primary_purpose", purpose, DOCUMENT_PURPOSE_CHARS_MAX)
}

fn check_content_type(content_type: Option<&str>) -> Result<()> {
    at_most("content_type", content_type.unwrap_or_default(), DOCUMENT_CONTENT_TYPE_CHARS_MAX)
}
