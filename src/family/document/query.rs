//! Which documents to list, and what else can be asked of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, Deref};

use serde::Serialize;

use super::{Documents, Reader, check_document};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;
use crate::record::{Document, DocumentContent, DocumentTag};

/// Documents of a list where nothing is said.
const DOCUMENTS_DEFAULT: usize = 20;
/// Suggestions of each sort.
const SUGGESTIONS_MAX: usize = 5;

/// Which documents to list.
#[derive(Clone, Debug)]
#[must_use]
pub struct DocumentQuery {
    category: Option<String>,
    file_type: Option<String>,
    tags: Vec<String>,
    containing: Option<String>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    pub(super) offset: usize,
    pub(super) limit: usize,
}

impl Default for DocumentQuery {
    fn default() -> Self {
        Self {
            category: None,
            file_type: None,
            tags: Vec::new(),
            containing: None,
            after: None,
            before: None,
            offset: 0,
            limit: DOCUMENTS_DEFAULT,
        }
    }
}

impl DocumentQuery {
    /// The 20 newest documents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only documents of that category.
    pub fn category(mut self, category: &str) -> Self {
        self.category = Some(category.trim().to_owned());
        self
    }

    /// Only documents of that type.
    pub fn file_type(mut self, file_type: &str) -> Self {
        self.file_type = Some(file_type.to_lowercase());
        self
    }

    /// Only documents with that tag, or with one of the tags of further calls.
    pub fn tag(mut self, name: &str) -> Self {
        self.tags.push(name.to_lowercase());
        self
    }

    /// Only documents with that text in name, category or purpose, upper and lower case aside.
    /// Texts of documents are searched by [`Store::search_documents`](crate::Store).
    pub fn containing(mut self, text: &str) -> Self {
        self.containing = Some(text.to_lowercase());
        self
    }

    /// Only documents that were created then or later.
    pub fn created_after(mut self, time: Timestamp) -> Self {
        self.after = Some(time);
        self
    }

    /// Only documents that were created then or earlier.
    pub fn created_before(mut self, time: Timestamp) -> Self {
        self.before = Some(time);
        self
    }

    /// Leaves out the first ones.
    pub fn offset(mut self, documents: usize) -> Self {
        self.offset = documents;
        self
    }

    /// Sets how many documents to list at most.
    pub fn limit(mut self, documents: usize) -> Self {
        self.limit = documents;
        self
    }

    /// Whether a document is one of those, its tags aside.
    pub(super) fn is_met(&self, document: &Document) -> bool {
        let created = document.created_at;
        self.category.as_ref().is_none_or(|category| *category == document.category)
            && self.file_type.as_ref().is_none_or(|file_type| *file_type == document.file_type)
            && self.containing.as_ref().is_none_or(|text| contains(document, text))
            && self.after.is_none_or(|time| created.is_some_and(|created| created >= time))
            && self.before.is_none_or(|time| created.is_some_and(|created| created <= time))
    }

    fn is_everything(&self) -> bool {
        self.containing.is_none() && self.after.is_none() && self.before.is_none()
    }
}

fn contains(document: &Document, folded: &str) -> bool {
    let purpose = document.primary_purpose.as_deref().unwrap_or_default();
    [&document.file_name, &document.category, purpose]
        .iter()
        .any(|text| text.to_lowercase().contains(folded))
}

/// What a text could be the beginning of, or a part: at most five of each, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Suggestions {
    /// Names of documents.
    pub file_names: Vec<String>,
    /// Categories.
    pub categories: Vec<String>,
    /// Names of tags.
    pub tags: Vec<String>,
}

/// How many documents there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DocumentStats {
    /// All documents.
    pub documents: usize,
    /// Texts of documents.
    pub contents: usize,
    /// Tags, each as often as it was given.
    pub tags: usize,
    /// Distinct tags.
    pub unique_tags: usize,
    /// Documents by category, most first.
    pub categories: Vec<(String, usize)>,
    /// Documents by type, most first.
    pub file_types: Vec<(String, usize)>,
}

impl<T: Deref<Target: Reader>> Documents<T> {
    /// Documents, newest first. Walks the documents of the category, the type or the tags, where
    /// one is given; what the other filters leave out is read too.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self, query: &DocumentQuery) -> Result<Vec<(NodeId, Document)>> {
        let mut found = Vec::new();
        let mut left_out = query.offset;
        self.visit(query, |id, document| {
            if left_out > 0 {
                left_out -= 1;
            } else if found.len() < query.limit {
                found.push((id, document));
            } else {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// How many documents [`Documents::list`] would give without an end. Reads no document where
    /// only a category or a type is given, or nothing.
    ///
    /// # Errors
    /// As there.
    pub fn count(&self, query: &DocumentQuery) -> Result<usize> {
        if query.tags.is_empty() && query.is_everything() {
            let all = usize::MAX;
            return match (&query.category, &query.file_type) {
                (Some(category), None) => {
                    self.tx.index_count::<Document>("category", (category,), all)
                }
                (None, Some(file_type)) => {
                    self.tx.index_count::<Document>("file_type", (file_type,), all)
                }
                (None, None) => self.tx.index_count::<Document>("created", (), all),
                (Some(_), Some(_)) => self.counted(query),
            };
        }
        self.counted(query)
    }

    fn counted(&self, query: &DocumentQuery) -> Result<usize> {
        let mut count = 0;
        self.visit(query, |_, _| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    /// Shows the documents of a query, newest first.
    fn visit(
        &self,
        query: &DocumentQuery,
        mut show: impl FnMut(NodeId, Document) -> ControlFlow<()>,
    ) -> Result<()> {
        if !query.tags.is_empty() {
            for (id, document) in self.tagged(query)? {
                if show(id, document).is_break() {
                    break;
                }
            }
            return Ok(());
        }
        let rows = match (&query.category, &query.file_type) {
            (Some(category), _) => self.tx.index_descending::<Document>("category", (category,))?,
            (None, Some(file_type)) => self.tx.index_descending("file_type", (file_type,))?,
            (None, None) => self.tx.index_descending("created", ())?,
        };
        for row in rows {
            let (id, document) = row?;
            if query.after.is_some_and(|time| document.created_at < Some(time)) {
                break;
            }
            if query.is_met(&document) && show(id, document).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The documents with one of the tags, newest first.
    fn tagged(&self, query: &DocumentQuery) -> Result<Vec<(NodeId, Document)>> {
        let mut ids = BTreeSet::new();
        for name in &query.tags {
            for row in self.tx.index::<DocumentTag>("name", (name,))? {
                ids.extend(row?.1.document);
            }
        }
        let mut found = Vec::new();
        for id in ids {
            let document = self.tx.get::<Document>(id)?;
            found.extend(document.filter(|document| query.is_met(document)).map(|doc| (id, doc)));
        }
        found.sort_by_key(|(id, document)| Reverse((document.created_at, *id)));
        Ok(found)
    }

    /// Whether a document has one of the query's tags; without tags it has.
    pub(super) fn has_tag_of(&self, id: NodeId, query: &DocumentQuery) -> Result<bool> {
        for name in &query.tags {
            if self.tag_named(id, name)?.is_some() {
                return Ok(true);
            }
        }
        Ok(query.tags.is_empty())
    }

    /// The names of all tags, sorted.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn tag_names(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        for row in self.tx.index::<DocumentTag>("name", ())? {
            let name = row?.1.tag_name;
            if names.last() != Some(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// What a text is a part of: names of documents, categories, names of tags. Upper and lower
    /// case are alike. Looks at every document and tag.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty text.
    pub fn suggest(&self, text: &str) -> Result<Suggestions> {
        super::named("text", text)?;
        let text = text.trim().to_lowercase();
        let is_part = |whole: &String| whole.to_lowercase().contains(&text);
        let (mut names, mut categories) = (BTreeSet::new(), BTreeSet::new());
        for row in self.tx.iter::<Document>()? {
            let document = row?.1;
            names.extend(Some(document.file_name).filter(is_part));
            categories.extend(Some(document.category).filter(is_part));
        }
        let tags = self.tag_names()?.into_iter().filter(is_part);
        Ok(Suggestions {
            file_names: names.into_iter().take(SUGGESTIONS_MAX).collect(),
            categories: categories.into_iter().take(SUGGESTIONS_MAX).collect(),
            tags: tags.take(SUGGESTIONS_MAX).collect(),
        })
    }

    /// Counts documents, texts and tags. Looks at every document and tag.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn stats(&self) -> Result<DocumentStats> {
        let mut stats = DocumentStats::default();
        let (mut categories, mut file_types) = (BTreeMap::new(), BTreeMap::new());
        for row in self.tx.iter::<Document>()? {
            let document = row?.1;
            stats.documents += 1;
            *categories.entry(document.category).or_default() += 1;
            *file_types.entry(document.file_type).or_default() += 1;
        }
        let all = usize::MAX;
        stats.contents = self.tx.index_count::<DocumentContent>("document", (), all)?;
        stats.tags = self.tx.index_count::<DocumentTag>("name", (), all)?;
        stats.unique_tags = self.tag_names()?.len();
        stats.categories = most_first(categories);
        stats.file_types = most_first(file_types);
        Ok(stats)
    }

    /// Documents that break a rule which writing one checks, in the order of their ids, at most
    /// `limit`, each with what is wrong. They are listed like others; only import brings them in.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn faults(&self, limit: usize) -> Result<Vec<(NodeId, Error)>> {
        let mut found = Vec::new();
        for row in self.tx.iter::<Document>()? {
            if found.len() == limit {
                break;
            }
            let (id, document) = row?;
            found.extend(check_document(&document).err().map(|error| (id, error)));
        }
        Ok(found)
    }
}

fn most_first(counts: BTreeMap<String, usize>) -> Vec<(String, usize)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts
}
