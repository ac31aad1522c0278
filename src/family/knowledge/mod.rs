//! Curated knowledge: terms, open questions, proposed changes of the knowledge graph.
//!
//! A term is known by itself and its category; no category is a category of its own. Writing a term
//! that is there merges: what is given replaces what is there, the rest stays. Spellings of
//! categories are settled on writing; what import brought is given out as it is.

mod normal;
mod ontology;
mod proposal;
mod question;

use std::ops::Deref;

use super::{Reader, array_or_empty, existing, named, object, object_or_empty, share};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::record::{KnowledgeTerm, TermStatus};
use crate::store::{ReadTx, WriteTx};
pub use ontology::Ontologies;
pub use proposal::{NewKnowledgeProposal, Reviewed};
pub use question::NewQuestion;

const CONFIDENCE_DEFAULT: f64 = 0.5;
/// Terms of a list where nothing is said.
const TERMS_DEFAULT: usize = 100;

impl KnowledgeTerm {
    /// A proposed term without a category.
    #[must_use]
    pub fn named(term: impl Into<String>) -> Self {
        Self { term: term.into(), ..Self::default() }
    }

    /// Sets the category.
    #[must_use]
    pub fn in_category(mut self, category: impl Into<String>) -> Self {
        self.category = Some(category.into());
        self
    }
}

/// Which terms to list.
#[derive(Clone, Debug)]
#[must_use]
pub struct TermQuery {
    status: Option<TermStatus>,
    category: Option<String>,
    containing: Option<String>,
    offset: usize,
    limit: usize,
}

impl Default for TermQuery {
    fn default() -> Self {
        Self { status: None, category: None, containing: None, offset: 0, limit: TERMS_DEFAULT }
    }
}

impl TermQuery {
    /// The first 100 terms.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only terms in that state.
    pub fn status(mut self, status: TermStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Only terms of that category, in any spelling.
    pub fn category(mut self, category: &str) -> Self {
        self.category = normal::category(category);
        self
    }

    /// Only terms with that text in themselves, their canonical value or their notes, upper and
    /// lower case aside.
    pub fn containing(mut self, text: &str) -> Self {
        self.containing = Some(text.to_lowercase());
        self
    }

    /// Leaves out the first ones.
    pub fn offset(mut self, terms: usize) -> Self {
        self.offset = terms;
        self
    }

    /// Sets how many to list at most.
    pub fn limit(mut self, terms: usize) -> Self {
        self.limit = terms;
        self
    }

    fn is_met(&self, term: &KnowledgeTerm) -> bool {
        let is_category = |wanted: &String| {
            let category = term.category.as_deref().and_then(normal::category);
            category.as_ref() == Some(wanted)
        };
        let texts = [Some(&term.term), term.canonical_value.as_ref(), term.notes.as_ref()];
        let has = |wanted: &String| {
            texts.iter().flatten().any(|text| text.to_lowercase().contains(wanted.as_str()))
        };
        self.status.as_ref().is_none_or(|status| *status == term.status)
            && self.category.as_ref().is_none_or(is_category)
            && self.containing.as_ref().is_none_or(has)
    }
}

/// What somebody found when looking at a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is right.
    Verified,
    /// It is wrong.
    Rejected,
}

/// Curated knowledge of a transaction. Made by [`ReadTx::knowledge`] and [`WriteTx::knowledge`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::Verdict;
/// use engraph::record::KnowledgeTerm;
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// let estoppel = || KnowledgeTerm::named("estoppel").in_category("concept");
/// let id = store.write(|tx| {
///     let id = tx.knowledge().upsert(&estoppel())?;
///     tx.knowledge().verify(id, Verdict::Verified, Some("Ada"), None)?;
///     Ok(id)
/// })?;
/// // What is not given stays.
/// let description = Some("A bar to going back on one's word".to_owned());
/// let term = KnowledgeTerm { description, ..estoppel() };
/// assert_eq!(store.write(|tx| tx.knowledge().upsert(&term))?, id);
/// let (_, found) = store.read()?.knowledge().find("estoppel", Some("Concept"))?.unwrap();
/// assert!(found.verified && found.description.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Knowledge<T> {
    tx: T,
}

impl ReadTx {
    /// Curated knowledge, to look at.
    pub fn knowledge(&self) -> Knowledge<&Self> {
        Knowledge { tx: self }
    }
}

impl WriteTx<'_> {
    /// Curated knowledge.
    pub fn knowledge(&mut self) -> Knowledge<&mut Self> {
        Knowledge { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Knowledge<T> {
    /// The term `id`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn get(&self, id: NodeId) -> Result<Option<KnowledgeTerm>> {
        self.tx.get(id)
    }

    /// The term of exactly that spelling in a category, given in any spelling, or in none. Where
    /// import brought several without a category, the oldest.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn find(
        &self,
        term: &str,
        category: Option<&str>,
    ) -> Result<Option<(NodeId, KnowledgeTerm)>> {
        let wanted = category.and_then(normal::category);
        let mut oldest: Option<(NodeId, KnowledgeTerm)> = None;
        for row in self.tx.index::<KnowledgeTerm>("term", term.trim())? {
            let (id, found) = row?;
            let is_older = oldest.as_ref().is_none_or(|(other, _)| id < *other);
            if is_older && found.category.as_deref().and_then(normal::category) == wanted {
                oldest = Some((id, found));
            }
        }
        Ok(oldest)
    }

    /// Whether a term of exactly that spelling is there, in a category or in any.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn has(&self, term: &str, category: Option<&str>) -> Result<bool> {
        match category {
            Some(_) => Ok(self.find(term, category)?.is_some()),
            None => Ok(self.tx.index_count::<KnowledgeTerm>("term", term.trim(), 1)? > 0),
        }
    }

    /// Terms, in the order of their ids, so that editing one moves none. Looks at every term up to
    /// the last one that it gives.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self, query: &TermQuery) -> Result<Vec<(NodeId, KnowledgeTerm)>> {
        let rows = self.tx.iter::<KnowledgeTerm>()?;
        let met = rows.filter(|row| row.as_ref().map_or(true, |(_, term)| query.is_met(term)));
        met.skip(query.offset).take(query.limit).collect()
    }
}

impl Knowledge<&mut WriteTx<'_>> {
    /// Writes a term, or merges it into the one that is there: texts, numbers and JSON that are
    /// given replace what is there; a flag can be set and not be taken away; a state counts unless
    /// it is `proposed`. Returns its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty term, a confidence outside 0 to 1, or JSON of another shape
    /// than its field has.
    pub fn upsert(&mut self, term: &KnowledgeTerm) -> Result<NodeId> {
        self.upsert_by(term, merge)
    }

    /// Writes a term in place of the one that is there, of which only the time when it was added
    /// stays. Returns its id.
    ///
    /// # Errors
    /// As [`Knowledge::upsert`].
    pub fn replace(&mut self, term: &KnowledgeTerm) -> Result<NodeId> {
        self.upsert_by(term, |_, new| new)
    }

    /// Merges terms, all or none; their ids come in the same order.
    ///
    /// # Errors
    /// As [`Knowledge::upsert`].
    pub fn upsert_many(&mut self, terms: &[KnowledgeTerm]) -> Result<Vec<NodeId>> {
        terms.iter().map(|term| self.upsert(term)).collect()
    }

    fn upsert_by(
        &mut self,
        term: &KnowledgeTerm,
        combine: impl FnOnce(KnowledgeTerm, KnowledgeTerm) -> KnowledgeTerm,
    ) -> Result<NodeId> {
        let new = settled(term.clone())?;
        let now = Some(self.tx.now());
        let Some((id, old)) = self.find(&new.term, new.category.as_deref())? else {
            return self.tx.insert(&KnowledgeTerm { created_at: now, ..completed(new)? });
        };
        let created_at = old.created_at;
        let combined = completed(combine(old, new))?;
        self.tx.put(id, &KnowledgeTerm { created_at, updated_at: now, ..combined })?;
        Ok(id)
    }

    /// Changes a term and returns it as written.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::AlreadyExists`] when another one has its new
    /// term and category; what `change` returns; else as [`Knowledge::upsert`].
    pub fn update(
        &mut self,
        id: NodeId,
        change: impl FnOnce(&mut KnowledgeTerm) -> Result<()>,
    ) -> Result<KnowledgeTerm> {
        let mut term: KnowledgeTerm = existing(&*self.tx, id)?;
        change(&mut term)?;
        let mut term = settled(term)?;
        if let Some((other, _)) = self.find(&term.term, term.category.as_deref())?
            && other != id
        {
            return Err(Error::already_exists("knowledge_term", key_of(&term)));
        }
        term.updated_at = Some(self.tx.now());
        self.tx.put(id, &term)?;
        Ok(term)
    }

    /// Says what a label of the ontology a term stands for, and returns the term.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the term is absent; [`Error::Invalid`] for an empty label.
    pub fn link_ontology(&mut self, id: NodeId, label: &str) -> Result<KnowledgeTerm> {
        named("ontology_entity_id", label)?;
        self.update(id, |term| {
            term.ontology_entity_id = normal::category(label);
            Ok(())
        })
    }

    /// Notes what somebody found about a term, in place of what was found before: the verdict, who
    /// found so, and notes. Returns the term.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the term is absent.
    pub fn verify(
        &mut self,
        id: NodeId,
        verdict: Verdict,
        by: Option<&str>,
        notes: Option<&str>,
    ) -> Result<KnowledgeTerm> {
        let now = self.tx.now();
        self.tx.update(id, |term: &mut KnowledgeTerm| {
            term.verified = verdict == Verdict::Verified;
            term.status = match verdict {
                Verdict::Verified => TermStatus::Verified,
                Verdict::Rejected => TermStatus::Rejected,
            };
            term.verified_by = by.map(ToOwned::to_owned);
            term.user_notes = notes.map(ToOwned::to_owned);
            term.updated_at = Some(now);
            Ok(())
        })
    }

    /// Deletes a term. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `id` is no term.
    pub fn delete(&mut self, id: NodeId) -> Result<bool> {
        if id.kind() != self.tx.kind_of::<KnowledgeTerm>()? {
            return Err(Error::invalid("id", format!("{id} is no knowledge_term")));
        }
        self.tx.delete(id)
    }
}

fn key_of(term: &KnowledgeTerm) -> String {
    format!("{:?} in category {:?}", term.term, term.category.as_deref().unwrap_or_default())
}

/// Fields whose JSON is an array.
fn arrays(term: &mut KnowledgeTerm) -> [(&'static str, &mut Option<Json>); 6] {
    [
        ("legal_use_cases", &mut term.legal_use_cases),
        ("root_cause", &mut term.root_cause),
        ("related_frameworks", &mut term.related_frameworks),
        ("aliases", &mut term.aliases),
        ("relations", &mut term.relations),
        ("sources", &mut term.sources),
    ]
}

/// A term in the form in which it is stored.
fn settled(mut term: KnowledgeTerm) -> Result<KnowledgeTerm> {
    named("term", &term.term)?;
    share("confidence", term.confidence)?;
    term.term = term.term.trim().to_owned();
    term.canonical_value = term.canonical_value.map(|value| value.trim().to_owned());
    term.category = term.category.as_deref().and_then(normal::category);
    term.ontology_entity_id = term.ontology_entity_id.as_deref().and_then(normal::category);
    for (field, json) in arrays(&mut term) {
        if json.is_some() {
            *json = array_or_empty(field, json.take())?;
        }
    }
    term.components = object("components", term.components)?;
    term.attributes = object("attributes", term.attributes)?;
    Ok(term)
}

/// A term with what the old application gives where nothing is said.
fn completed(mut term: KnowledgeTerm) -> Result<KnowledgeTerm> {
    term.confidence.get_or_insert(CONFIDENCE_DEFAULT);
    for (field, json) in arrays(&mut term) {
        *json = array_or_empty(field, json.take())?;
    }
    term.components = object_or_empty("components", term.components)?;
    term.attributes = object_or_empty("attributes", term.attributes)?;
    Ok(term)
}

/// What is new where something is given, else what is there.
fn merge(old: KnowledgeTerm, new: KnowledgeTerm) -> KnowledgeTerm {
    KnowledgeTerm {
        term: old.term,
        category: old.category,
        canonical_value: new.canonical_value.or(old.canonical_value),
        ontology_entity_id: new.ontology_entity_id.or(old.ontology_entity_id),
        framework_type: new.framework_type.or(old.framework_type),
        jurisdiction: new.jurisdiction.or(old.jurisdiction),
        components: new.components.or(old.components),
        legal_use_cases: new.legal_use_cases.or(old.legal_use_cases),
        preferred_perspective: new.preferred_perspective.or(old.preferred_perspective),
        is_canonical: new.is_canonical || old.is_canonical,
        issue_category: new.issue_category.or(old.issue_category),
        severity: new.severity.or(old.severity),
        impact_description: new.impact_description.or(old.impact_description),
        root_cause: new.root_cause.or(old.root_cause),
        fix_status: new.fix_status.or(old.fix_status),
        resolution_evidence: new.resolution_evidence.or(old.resolution_evidence),
        resolution_date: new.resolution_date.or(old.resolution_date),
        next_review_date: new.next_review_date.or(old.next_review_date),
        related_frameworks: new.related_frameworks.or(old.related_frameworks),
        aliases: new.aliases.or(old.aliases),
        description: new.description.or(old.description),
        attributes: new.attributes.or(old.attributes),
        relations: new.relations.or(old.relations),
        sources: new.sources.or(old.sources),
        notes: new.notes.or(old.notes),
        source: new.source.or(old.source),
        confidence: new.confidence.or(old.confidence),
        status: if new.status == TermStatus::Proposed { old.status } else { new.status },
        verified: new.verified || old.verified,
        verified_by: new.verified_by.or(old.verified_by),
        user_notes: new.user_notes.or(old.user_notes),
        created_at: old.created_at,
        updated_at: old.updated_at,
    }
}
