//! Documents that are found through their embeddings, with a score that also weighs what they are.
//!
//! The caller brings the embeddings; all have one dimension. Hits are the nearest by cosine, put in
//! order by a sum: similarity, a few signs of relevance, importance, recency and field of law, as
//! the old vector store describes it. Time is given by the caller.
//!
//! ```
//! use engraph::family::{NewVectorDocument, VectorQuestion};
//! use engraph::{Store, Timestamp};
//!
//! # let dir = tempfile::tempdir()?;
//! let store = Store::create(dir.path().join("s"))?;
//! let near = store.write(|tx| {
//!     let mut documents = tx.vector_documents();
//!     documents.add(NewVectorDocument::new("far", &[0.0, 3.0]))?;
//!     documents.add(NewVectorDocument::new("near", &[3.0, 1.0]))
//! })?;
//! let question = VectorQuestion::new(&[1.0, 0.0]).top(1);
//! let hits = store.read()?.vector_documents().search(&question, Timestamp::from_micros(0))?;
//! assert_eq!(hits[0].id, near);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::ops::Deref;
use std::time::Duration;

use super::{Reader, existing, object_or_empty, share};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::record::{Vector, VectorDocument};
use crate::search::Filter;
use crate::store::{ReadTx, Similar, WriteTx};

/// The model of their vectors.
const MODEL: &str = "vector_document";
/// Candidates by nearness for each hit wanted, among which the sum decides.
const CANDIDATES: usize = 2;
const DAY_MICROS: i64 = 86_400_000_000;

/// A document to be added.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewVectorDocument {
    record: VectorDocument,
    values: Vec<f32>,
}

impl NewVectorDocument {
    /// A text with its embedding, which is brought to unit length.
    pub fn new(content: impl Into<String>, embedding: &[f32]) -> Self {
        let record = VectorDocument { content: content.into(), ..VectorDocument::default() };
        Self { record, values: embedding.to_vec() }
    }

    /// Sets its name; else it is named by its key.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.record.vector_id = name.into();
        self
    }

    /// Sets what it is; `general` where nothing is said.
    pub fn document_type(mut self, document_type: impl Into<String>) -> Self {
        self.record.document_type = Some(document_type.into());
        self
    }

    /// Sets the field of law.
    pub fn legal_domain(mut self, domain: impl Into<String>) -> Self {
        self.record.legal_domain = Some(domain.into());
        self
    }

    /// Sets the case that it belongs to.
    pub fn case_id(mut self, case: impl Into<String>) -> Self {
        self.record.case_id = Some(case.into());
        self
    }

    /// Sets where it applies.
    pub fn jurisdiction(mut self, jurisdiction: impl Into<String>) -> Self {
        self.record.jurisdiction = Some(jurisdiction.into());
        self
    }

    /// Sets what else is known: a JSON object.
    pub fn metadata(mut self, metadata: Json) -> Self {
        self.record.metadata = Some(metadata);
        self
    }

    /// Sets how much it matters, 0 to 1; 0.5 where nothing is said.
    pub fn importance(mut self, importance: f64) -> Self {
        self.record.importance_score = Some(importance);
        self
    }

    /// Sets the record that it was made from.
    pub fn document(mut self, document: NodeId) -> Self {
        self.record.document = Some(document);
        self
    }

    /// Lets it be forgotten after some time.
    pub fn time_to_live(mut self, time: Duration) -> Self {
        self.record.ttl_seconds = Some(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        self
    }
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct VectorQuestion {
    values: Vec<f32>,
    count: usize,
    filters: Vec<Filter>,
    domain: Option<String>,
    importance_min: f64,
}

impl VectorQuestion {
    /// The ten best for an embedding.
    pub fn new(embedding: &[f32]) -> Self {
        let (filters, domain) = (Vec::new(), None);
        Self { values: embedding.to_vec(), count: 10, filters, domain, importance_min: 0.0 }
    }

    /// So many hits at most.
    pub fn top(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// Only documents that meet a condition, for example a type, a case or an attribute.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Prefers documents of a field of law.
    pub fn legal_domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Only documents that matter at least so much.
    pub fn importance_min(mut self, importance: f64) -> Self {
        self.importance_min = importance;
        self
    }
}

/// A document that was found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VectorHit {
    /// Its id.
    pub id: NodeId,
    /// The document.
    pub document: VectorDocument,
    /// The cosine of the two embeddings.
    pub similarity: f64,
    /// 0.4 similarity, 0.2 relevance, 0.2 importance, 0.1 recency and 0.1 field of law.
    pub score: f64,
}

/// Documents with embeddings of a transaction. Made by [`ReadTx::vector_documents`] and
/// [`WriteTx::vector_documents`].
#[derive(Debug)]
pub struct VectorDocuments<T> {
    tx: T,
}

impl ReadTx {
    /// Documents that are found through their embeddings, to look at.
    pub fn vector_documents(&self) -> VectorDocuments<&Self> {
        VectorDocuments { tx: self }
    }
}

impl WriteTx<'_> {
    /// Documents that are found through their embeddings.
    pub fn vector_documents(&mut self) -> VectorDocuments<&mut Self> {
        VectorDocuments { tx: self }
    }
}

impl<T: Deref<Target: Reader>> VectorDocuments<T> {
    /// The document `id`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn get(&self, id: NodeId) -> Result<Option<VectorDocument>> {
        self.tx.get(id)
    }

    /// The document of this name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn find(&self, name: &str) -> Result<Option<(NodeId, VectorDocument)>> {
        self.tx.find("vector_id", name)
    }

    /// How many there are.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when an index is damaged.
    pub fn count(&self) -> Result<usize> {
        self.tx.index_count::<VectorDocument>("created", (), usize::MAX)
    }

    /// The dimension that all embeddings have; `None` while there is none. Looks at the newest
    /// first: what was added here has one.
    fn dimension(&self) -> Result<Option<usize>> {
        for row in self.tx.index_descending::<VectorDocument>("created", ())? {
            if let Some(embedding) = row?.1.embedding {
                return Ok(Some(embedding.dimension()));
            }
        }
        Ok(None)
    }
}

impl VectorDocuments<&ReadTx> {
    /// The best documents for a question, at a time; those whose time is over are left out. Reads
    /// twice as many as are wanted.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an embedding that has no direction, or not the dimension of the
    /// others.
    pub fn search(&self, question: &VectorQuestion, now: Timestamp) -> Result<Vec<VectorHit>> {
        let values = unit(&question.values)?;
        self.fits(values.len())?;
        let mut wanted = question.count.saturating_mul(CANDIDATES);
        loop {
            let similar = self.tx.similar(MODEL, &values).of::<VectorDocument>().top(wanted);
            let similar = question.filters.iter().cloned().fold(similar, Similar::filter);
            let found = similar.run()?.hits;
            let mut hits = Vec::with_capacity(found.len());
            for hit in &found {
                let document: VectorDocument = existing(self.tx, hit.id)?;
                let matters = document.importance_score.unwrap_or(0.0) >= question.importance_min;
                if matters && !is_over(&document, now) {
                    let similarity = f64::from(hit.score);
                    let score = score(&document, similarity, question.domain.as_deref(), now);
                    hits.push(VectorHit { id: hit.id, document, similarity, score });
                }
            }
            // What was left out leaves room for documents that are less near.
            let is_short = hits.len() < question.count && found.len() == wanted && wanted > 0;
            let next = wanted.saturating_mul(CANDIDATES).min(self.count()?);
            if !is_short || next <= wanted {
                hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
                hits.truncate(question.count);
                return Ok(hits);
            }
            wanted = next;
        }
    }

    fn fits(&self, dimension: usize) -> Result<()> {
        check_dimension(self.dimension()?, dimension)
    }
}

impl VectorDocuments<&mut WriteTx<'_>> {
    /// Adds a document and returns its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an embedding without a direction or of another dimension than the
    /// others, an importance outside 0 to 1, or metadata that is no object;
    /// [`Error::AlreadyExists`] when its name is taken.
    pub fn add(&mut self, new: NewVectorDocument) -> Result<NodeId> {
        let values = unit(&new.values)?;
        check_dimension(self.dimension()?, values.len())?;
        let mut record = new.record;
        share("importance_score", record.importance_score)?;
        record.importance_score.get_or_insert(0.5);
        record.document_type.get_or_insert_with(|| "general".to_owned());
        record.metadata = object_or_empty("metadata", record.metadata)?;
        record.embedding = Some(Vector::from_slice(&values));
        record.created_at = Some(self.tx.now());
        let is_named = !record.vector_id.is_empty();
        let id = self.tx.insert(&record)?;
        if !is_named {
            record.vector_id = format!("vector-{}", id.key());
            self.tx.put(id, &record)?;
        }
        Ok(id)
    }

    /// Counts that documents were found, at the time of this write. Those that went meanwhile are
    /// passed over.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn found(&mut self, ids: impl IntoIterator<Item = NodeId>) -> Result<()> {
        let now = Some(self.tx.now());
        for id in ids {
            let Some(mut document) = self.tx.get::<VectorDocument>(id)? else { continue };
            document.access_count = document.access_count.saturating_add(1);
            document.last_accessed_at = now;
            self.tx.put(id, &document)?;
        }
        Ok(())
    }

    /// Deletes a document. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn delete(&mut self, id: NodeId) -> Result<bool> {
        if self.get(id)?.is_none() {
            return Ok(false);
        }
        self.tx.delete(id)
    }

    /// Deletes documents whose time is over, up to `limit`, and returns how many. Looks at all.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn delete_expired(&mut self, limit: usize) -> Result<usize> {
        let now = self.tx.now();
        let mut over = Vec::new();
        for row in self.tx.iter::<VectorDocument>()? {
            let (id, document) = row?;
            if over.len() < limit && is_over(&document, now) {
                over.push(id);
            }
        }
        for id in &over {
            self.tx.delete(*id)?;
        }
        Ok(over.len())
    }
}

/// The values at unit length.
fn unit(values: &[f32]) -> Result<Vec<f32>> {
    let length = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    if !length.is_finite() || length == 0.0 {
        return Err(Error::invalid("embedding", "it has no direction"));
    }
    Ok(values.iter().map(|value| (f64::from(*value) / length) as f32).collect())
}

fn check_dimension(known: Option<usize>, found: usize) -> Result<()> {
    match known {
        Some(known) if known != found => Err(Error::invalid(
            "embedding",
            format!("it has {found} values, the others have {known}"),
        )),
        _ => Ok(()),
    }
}

fn is_over(document: &VectorDocument, now: Timestamp) -> bool {
    let ttl = document.ttl_seconds.filter(|seconds| *seconds > 0);
    ttl.zip(document.created_at).is_some_and(|(seconds, created)| {
        now.as_micros().saturating_sub(created.as_micros()) > seconds.saturating_mul(1_000_000)
    })
}

/// The old vector store's sum.
fn score(document: &VectorDocument, similarity: f64, domain: Option<&str>, now: Timestamp) -> f64 {
    let importance = document.importance_score.unwrap_or(0.0);
    0.4 * similarity
        + 0.2 * relevance(document)
        + 0.2 * (0.1 * importance)
        + 0.1 * recency(document, now)
        + 0.1 * of_domain(document, domain)
}

/// Texts of a handy length and documents that are often found.
fn relevance(document: &VectorDocument) -> f64 {
    let length = match document.content.chars().count() {
        100..=2_000 => 0.1,
        5_001.. => -0.05,
        _ => 0.0,
    };
    let use_often = if document.access_count > 10 { 0.05 } else { 0.0 };
    f64::min(length + use_often, 0.2)
}

fn recency(document: &VectorDocument, now: Timestamp) -> f64 {
    let age =
        document.created_at.map(|created| now.as_micros().saturating_sub(created.as_micros()));
    match age.map(|micros| micros / DAY_MICROS) {
        Some(..7) => 0.1,
        Some(..30) => 0.05,
        Some(..90) => 0.02,
        _ => 0.0,
    }
}

fn of_domain(document: &VectorDocument, wanted: Option<&str>) -> f64 {
    match (&document.legal_domain, wanted) {
        (Some(found), Some(wanted)) if found == wanted => 0.1,
        (Some(found), Some(wanted)) if found.contains(wanted) || wanted.contains(&**found) => 0.05,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &VectorDocument, domain: Option<&str>, days: i64, expected: f64) {
        let found = score(document, 0.5, domain, Timestamp::from_micros(days * DAY_MICROS));
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn the_score_is_the_sum_of_its_parts() {
        let document = |length: usize, count| VectorDocument {
            content: "x".repeat(length),
            access_count: count,
            importance_score: Some(0.5),
            legal_domain: Some("contract law".into()),
            created_at: Some(Timestamp::from_micros(0)),
            ..VectorDocument::default()
        };
        // 0.2 for similarity, 0.01 for importance; the rest by age, length, use and domain.
        check(&document(10, 0), None, 100, 0.21);
        check(&document(10, 0), None, 90, 0.21);
        check(&document(10, 0), None, 89, 0.212);
        check(&document(10, 0), None, 29, 0.215);
        check(&document(10, 0), None, 6, 0.22);
        check(&document(100, 0), None, 100, 0.23);
        check(&document(2_001, 0), None, 100, 0.21);
        check(&document(5_001, 0), None, 100, 0.2);
        check(&document(100, 11), None, 100, 0.24);
        check(&document(10, 0), Some("contract law"), 100, 0.22);
        check(&document(10, 0), Some("contract"), 100, 0.215);
        check(&document(10, 0), Some("tax"), 100, 0.21);
        check(&VectorDocument::default(), Some(""), 0, 0.2);
    }

    #[test]
    fn what_has_no_direction_is_refused() {
        for values in [&[][..], &[0.0, 0.0], &[f32::NAN], &[f32::INFINITY, 1.0]] {
            assert!(matches!(unit(values), Err(Error::Invalid { .. })), "{values:?}");
        }
        assert_eq!(unit(&[0.0, -3.0, 4.0]).unwrap(), [0.0, -0.6, 0.8]);
    }
}
