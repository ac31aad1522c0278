//! Search over whole documents: a word in a text or a tag finds the document.

use std::collections::BTreeSet;

use super::DocumentQuery;
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::record::{Document, DocumentContent, DocumentTag};
use crate::search::Snippet;
use crate::store::{ReadTx, Store};

/// Hits that are taken from the index at a time.
const PAGE: usize = 200;

/// A document that a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentHit {
    /// Which document.
    pub id: NodeId,
    /// The document.
    pub document: Document,
    /// How well its best part matches: entry, text or tag.
    pub score: f32,
    /// A passage of that part with the words found.
    pub snippet: Option<Snippet>,
}

impl Store {
    /// Finds documents by words in their entries, texts and tags, the best match first, each once.
    /// The query says which documents count, and how many to give from which one on.
    ///
    /// ```
    /// use engraph::Store;
    /// use engraph::family::{DocumentQuery, NewDocument};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::create(dir.path().join("s"))?;
    /// let new = NewDocument::new("memo.txt", "txt", "legal").content("The reply is due.");
    /// let memo = store.write(|tx| tx.documents().create(new))?;
    /// let found = store.search_documents("reply", &DocumentQuery::new().category("legal"))?;
    /// assert_eq!(found[0].id, memo);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Search::run`](crate::Search::run).
    pub fn search_documents(&self, text: &str, query: &DocumentQuery) -> Result<Vec<DocumentHit>> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let mut left_out = query.offset;
        let mut next = None;
        while found.len() < query.limit {
            let search = self.search(text).of::<Document>().of::<DocumentContent>();
            let mut search = search.of::<DocumentTag>().limit(PAGE);
            if let Some(cursor) = next {
                search = search.after(cursor);
            }
            let page = search.run()?;
            let tx = self.read()?;
            for hit in page.hits {
                let Some(id) = document_of(&tx, hit.id)?.filter(|id| seen.insert(*id)) else {
                    continue;
                };
                let Some(document) = tx.get::<Document>(id)? else { continue };
                if !query.is_met(&document) || !tx.documents().has_tag_of(id, query)? {
                    continue;
                }
                if left_out > 0 {
                    left_out -= 1;
                } else if found.len() < query.limit {
                    let (score, snippet) = (hit.score, hit.snippet);
                    found.push(DocumentHit { id, document, score, snippet });
                }
            }
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        Ok(found)
    }
}

/// The document that a record is, or belongs to.
fn document_of(tx: &ReadTx, id: NodeId) -> Result<Option<NodeId>> {
    let kind = id.kind();
    if kind == tx.kind_of::<Document>()? {
        Ok(Some(id))
    } else if kind == tx.kind_of::<DocumentContent>()? {
        Ok(tx.get::<DocumentContent>(id)?.and_then(|content| content.document))
    } else {
        Ok(tx.get::<DocumentTag>(id)?.and_then(|tag| tag.document))
    }
}
