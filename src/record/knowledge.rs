//! Curated knowledge: terms, open questions, proposals; versions of the ontology.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::{Facts, History, Json, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

text_enum! {
    /// State of a term.
    TermStatus {
        /// Waits for a decision.
        Proposed = "proposed",
        /// Found right.
        Verified = "verified",
        /// Found wrong.
        Rejected = "rejected",
        /// Worked over by an expert.
        Curated = "curated",
        /// Accepted.
        Approved = "approved",
    }
}

text_enum! {
    /// State of a question.
    QuestionStatus {
        /// Waits for an answer.
        Open = "open",
        /// Has one.
        Answered = "answered",
    }
}

text_enum! {
    /// State of a proposal.
    ProposalStatus {
        /// Waits for a decision.
        Proposed = "proposed",
        /// Accepted and applied.
        Approved = "approved",
        /// Refused.
        Rejected = "rejected",
    }
}

text_enum! {
    /// State of a version of an ontology.
    OntologyStatus default Inactive {
        /// The one in use.
        Active = "active",
        /// Not in use.
        Inactive = "inactive",
        /// Not to be used again.
        Deprecated = "deprecated",
    }
}

/// A term, framework or known problem with what experts say about it.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnowledgeTerm {
    /// The term.
    pub term: String,
    /// What it is: a label of the ontology, `framework`, `system_issue` or `entity`.
    pub category: Option<String>,
    /// The spelling to use.
    pub canonical_value: Option<String>,
    /// Label of the ontology.
    pub ontology_entity_id: Option<String>,
    /// Kind of framework.
    pub framework_type: Option<String>,
    /// Where it applies.
    pub jurisdiction: Option<String>,
    /// Object with the parts.
    pub components: Option<Json>,
    /// Array of objects.
    pub legal_use_cases: Option<Json>,
    /// Point of view to take.
    pub preferred_perspective: Option<String>,
    /// Whether it is the reference for its kind.
    pub is_canonical: bool,
    /// Kind of problem.
    pub issue_category: Option<String>,
    /// How bad the problem is, in free words.
    pub severity: Option<String>,
    /// What the problem does.
    pub impact_description: Option<String>,
    /// Array of objects.
    pub root_cause: Option<Json>,
    /// How far the fix is, in free words.
    pub fix_status: Option<String>,
    /// What shows that it is fixed.
    pub resolution_evidence: Option<String>,
    /// When it was fixed, in free form.
    pub resolution_date: Option<String>,
    /// When to look again, in free form.
    pub next_review_date: Option<String>,
    /// Array of texts or objects.
    pub related_frameworks: Option<Json>,
    /// Array of other names.
    pub aliases: Option<Json>,
    /// What it means.
    pub description: Option<String>,
    /// What else is known: a JSON object.
    pub attributes: Option<Json>,
    /// Array of objects.
    pub relations: Option<Json>,
    /// Array of texts or objects.
    pub sources: Option<Json>,
    /// Notes.
    pub notes: Option<String>,
    /// Where it comes from, for example `file:17`.
    pub source: Option<String>,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// State.
    pub status: TermStatus,
    /// Whether it was found right.
    pub verified: bool,
    /// Who found so.
    pub verified_by: Option<String>,
    /// Notes of who verified it.
    pub user_notes: Option<String>,
    /// When it was added.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for KnowledgeTerm {
    const NAME: &'static str = "knowledge_term";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(category) = &self.category {
            facts.unique("term_category", (&self.term, category));
        }
        facts.index("term", &self.term);
        facts.index("status", (&self.status, self.created_at));
        if let Some(category) = &self.category {
            facts.index("category", (category, &self.term));
        }
        facts.text("name", self.term.as_str());
        facts.text("canonical_value", self.canonical_value.as_deref());
        facts.text("description", self.description.as_deref());
        facts.text("notes", self.notes.as_deref());
        facts.text("user_notes", self.user_notes.as_deref());
        facts.text("impact", self.impact_description.as_deref());
        facts.keyword("category", self.category.as_deref());
        facts.keyword("status", self.status.as_str());
        facts.keyword("jurisdiction", self.jurisdiction.as_deref());
        facts.keyword("ontology", self.ontology_entity_id.as_deref());
        facts.time("created", self.created_at);
        facts.time("updated", self.updated_at);
        facts.attributes(self.attributes.as_ref());
    }
}

/// A question that somebody should answer.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnowledgeQuestion {
    /// The question.
    pub question: String,
    /// Object with the file that it comes from.
    pub context: Option<Json>,
    /// The unknown word.
    pub linked_term: Option<String>,
    /// State.
    pub status: QuestionStatus,
    /// The answer.
    pub answer: Option<String>,
    /// Who asks.
    pub asked_by: Option<String>,
    /// When it was asked.
    pub created_at: Option<Timestamp>,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
}

impl Record for KnowledgeQuestion {
    const NAME: &'static str = "knowledge_question";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("status", (&self.status, self.created_at));
        facts.index("created", self.created_at);
        if let Some(linked_term) = &self.linked_term {
            facts.index("term", (linked_term, &self.status));
        }
        facts.text("title", self.question.as_str());
        facts.text("term", self.linked_term.as_deref());
        facts.text("answer", self.answer.as_deref());
        facts.keyword("status", self.status.as_str());
        facts.time("created", self.created_at);
    }
}

/// A change of the knowledge graph that waits for a decision.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnowledgeProposal {
    /// What is to be added: `entity` or `relationship`.
    pub proposal_type: String,
    /// Object with the arguments.
    pub payload: Option<Json>,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// Where it comes from.
    pub source: Option<String>,
    /// State.
    pub status: ProposalStatus,
    /// Why it was decided so.
    pub review_note: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for KnowledgeProposal {
    const NAME: &'static str = "knowledge_proposal";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("status", (&self.status, self.created_at));
        facts.index("created", self.created_at);
        facts.text("note", self.review_note.as_deref());
        facts.text("source", self.source.as_deref());
        facts.keyword("type", self.proposal_type.as_str());
        facts.keyword("status", self.status.as_str());
        facts.time("created", self.created_at);
    }
}

/// One version of an ontology.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OntologyVersion {
    /// Which ontology: `domain`, `cognitive`, `tool`, `objective` and others.
    pub ontology_type: String,
    /// The version.
    pub version: String,
    /// State.
    pub status: OntologyStatus,
    /// Object with the content.
    pub schema: Option<Json>,
    /// Object or array with what came before.
    pub lineage: Option<Json>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

impl Record for OntologyVersion {
    const NAME: &'static str = "ontology_version";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique("type_version", (&self.ontology_type, &self.version));
        facts.index("type_status", (&self.ontology_type, &self.status));
        facts.keyword("type", self.ontology_type.as_str());
        facts.keyword("status", self.status.as_str());
        facts.time("created", self.created_at);
    }
}

/// A term of one version of an ontology.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OntologyTerm {
    /// The version.
    pub ontology: Option<NodeId>,
    /// Its name within the version.
    pub term_id: String,
    /// Its name for people.
    pub label: String,
    /// What else is known: a JSON object.
    pub attributes: Option<Json>,
    /// State.
    pub status: OntologyStatus,
}

impl Record for OntologyTerm {
    const NAME: &'static str = "ontology_term";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(ontology) = self.ontology {
            facts.unique("ontology_term", (ontology, &self.term_id));
        }
        facts.index("ontology_label", (self.ontology, &self.label));
        facts.link("ontology", self.ontology);
        facts.text("name", self.label.as_str());
        facts.keyword("status", self.status.as_str());
        facts.attributes(self.attributes.as_ref());
    }
}

/// Two terms of one version of an ontology are related.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OntologyRelation {
    /// The version.
    pub ontology: Option<NodeId>,
    /// Name of the first term within the version.
    pub from_term: String,
    /// Name of the second term within the version.
    pub to_term: String,
    /// How they are related.
    pub rel_type: String,
    /// What else is known: a JSON object.
    pub properties: Option<Json>,
}

impl Record for OntologyRelation {
    const NAME: &'static str = "ontology_relation";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("from", (self.ontology, &self.from_term));
        facts.index("to", (self.ontology, &self.to_term));
        facts.link("ontology", self.ontology);
        facts.keyword("type", self.rel_type.as_str());
        facts.attributes(self.properties.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::facts_of;

    #[test]
    fn a_term_without_a_category_has_no_natural_key() {
        let mut term = KnowledgeTerm { term: "estoppel".into(), ..Default::default() };
        assert!(facts_of(&term).unique.is_empty());
        term.category = Some("Concept".into());
        let facts = facts_of(&term);
        let expected = crate::base::key::bytes_of(&("estoppel", "Concept"));
        assert_eq!(facts.unique, [("term_category", expected)]);
    }
}
