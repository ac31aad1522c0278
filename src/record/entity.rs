//! The knowledge graph: entities, and relations between them.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::{CarriedVectors, Facts, Json, Record, Vector};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

/// The model of vectors whose entity names none.
const MODEL: &str = "entity";

text_enum! {
    /// Whether a relation has a direction.
    Direction {
        /// From source to target.
        Directed = "directed",
        /// Both ways.
        Undirected = "undirected",
    }
}

text_enum! {
    /// An end of a relation.
    RelationEnd {
        /// The one that it starts from.
        Source = "source",
        /// The one that it leads to.
        Target = "target",
    }
}

/// An end of a relation that a merge of two entities has moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedEnd {
    /// The relation.
    pub relation: NodeId,
    /// Which end of it.
    pub end: RelationEnd,
}

/// A thing that the knowledge graph knows.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entity {
    /// Its name in the graph; the natural key.
    pub entity_id: String,
    /// Its name for people.
    pub name: String,
    /// What it is: a label of the ontology or a free text.
    pub entity_type: String,
    /// Text about it.
    pub content: Option<String>,
    /// What it is, in a few words.
    pub description: Option<String>,
    /// Where it applies.
    pub jurisdiction: Option<String>,
    /// Field of law.
    pub legal_domain: Option<String>,
    /// How much it counts.
    pub authority_level: Option<String>,
    /// Group.
    pub category: Option<String>,
    /// Group within the group.
    pub subcategory: Option<String>,
    /// What else is known: a JSON object.
    pub classification: Option<Json>,
    /// How sure it is, 0 to 1.
    pub confidence_score: Option<f64>,
    /// How much it matters, 0 to 1.
    pub importance_score: Option<f64>,
    /// Relations as the source wrote them beside the row.
    pub relationships: Option<Json>,
    /// Array of tags.
    pub context_tags: Option<Json>,
    /// What else is known: a JSON object.
    pub metadata: Option<Json>,
    /// The embedding.
    pub embedding: Option<Vector>,
    /// Name of the model that made the embedding.
    pub embedding_model: Option<String>,
    /// The file that it stands for or comes from.
    pub file: Option<NodeId>,
    /// Path of that file, where the source names it by path.
    pub source_file: Option<String>,
    /// First line in the file, from 1.
    pub source_line_start: Option<i64>,
    /// Last line in the file.
    pub source_line_end: Option<i64>,
    /// The code entity that it stands for.
    pub code_entity: Option<NodeId>,
    /// Digest of the text.
    pub content_hash: Option<String>,
    /// When it was added.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// When it was last read.
    pub last_accessed_at: Option<Timestamp>,
    /// Other names of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The entity that it turned out to be.
    pub merged_into: Option<NodeId>,
    /// What that took from it, to be given back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<MovedEnd>,
}

impl Record for Entity {
    const NAME: &'static str = "entity";
    const VECTORS: CarriedVectors = CarriedVectors::OfAny;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("entity_id", &self.entity_id);
        facts.index("name", &self.name);
        facts.index("type", (&self.entity_type, &self.name));
        facts.index("created", self.created_at);
        let mut aliases: Vec<String> =
            self.aliases.iter().map(|alias| alias.trim().to_lowercase()).collect();
        aliases.sort_unstable();
        aliases.dedup();
        for alias in &aliases {
            facts.index("alias", alias);
        }
        facts.link("merged_into", self.merged_into);
        facts.link("file", self.file);
        facts.link("code_entity", self.code_entity);
        facts.text("name", self.name.as_str());
        for alias in &self.aliases {
            facts.text("name", alias.as_str());
        }
        facts.text("content", self.content.as_deref());
        facts.text("description", self.description.as_deref());
        facts.keyword("type", self.entity_type.as_str());
        facts.keyword("jurisdiction", self.jurisdiction.as_deref());
        facts.keyword("category", self.category.as_deref());
        facts.keyword("domain", self.legal_domain.as_deref());
        facts.time("created", self.created_at);
        facts.time("updated", self.updated_at);
        facts.attributes(self.metadata.as_ref());
        let model = self.embedding_model.as_deref().filter(|model| !model.is_empty());
        facts.vector(model.unwrap_or(MODEL), self.embedding.as_ref());
    }
}

/// Two entities are related.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Relation {
    /// Its name in the graph; the natural key.
    pub relation_id: String,
    /// Name of the entity that it starts from.
    pub source_id: String,
    /// Name of the entity that it leads to.
    pub target_id: String,
    /// The entity that it starts from, where it exists.
    pub source: Option<NodeId>,
    /// The entity that it leads to, where it exists.
    pub target: Option<NodeId>,
    /// How they are related; the type of the edge.
    pub relation_type: String,
    /// The same for people.
    pub label: Option<String>,
    /// Weight of the edge; 1 where nothing is said.
    pub weight: Option<f64>,
    /// How strong it is, 0 to 1; the weight where that is absent.
    pub strength: Option<f64>,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// How much it matters, 0 to 1.
    pub importance_score: Option<f64>,
    /// Whether it has a direction.
    pub direction: Option<Direction>,
    /// What it rests on.
    pub legal_basis: Option<String>,
    /// Where it applies.
    pub jurisdiction: Option<String>,
    /// Where it was found.
    pub context: Option<String>,
    /// What shows it.
    pub evidence: Option<Json>,
    /// What shows it, as plain text.
    pub evidence_text: Option<String>,
    /// Array of citations.
    pub citations: Option<Json>,
    /// Since when, in free form.
    pub date_established: Option<String>,
    /// Since when it holds.
    pub valid_from: Option<Timestamp>,
    /// Until when it holds.
    pub valid_to: Option<Timestamp>,
    /// Whether it holds; absent where nothing is said.
    pub is_active: Option<bool>,
    /// What else is known: a JSON object.
    pub metadata: Option<Json>,
    /// When it was added.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for Relation {
    const NAME: &'static str = "relation";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("relation_id", &self.relation_id);
        facts.index("source", (&self.source_id, &self.relation_type));
        facts.index("target", (&self.target_id, &self.relation_type));
        facts.index("type", &self.relation_type);
        let weight = self.weight.or(self.strength).or(self.confidence);
        facts.relation(self.source, &self.relation_type, self.target, weight);
        facts.text("name", self.label.as_deref());
        facts.text("basis", self.legal_basis.as_deref());
        facts.text("context", self.context.as_deref());
        facts.text("evidence", self.evidence_text.as_deref());
        facts.keyword("type", self.relation_type.as_str());
        facts.keyword("jurisdiction", self.jurisdiction.as_deref());
        facts.time("created", self.created_at);
        facts.time("updated", self.updated_at);
        facts.attributes(self.metadata.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::facts_of;

    #[test]
    fn a_relation_between_known_entities_is_an_edge_and_no_link() {
        let (source, target) = (NodeId::from_u64(1), NodeId::from_u64(2));
        let relation = Relation {
            relation_type: "cites".into(),
            source: Some(source),
            target: Some(target),
            strength: Some(0.25),
            confidence: Some(0.5),
            ..Default::default()
        };
        let facts = facts_of(&relation);
        assert!(facts.links.is_empty());
        let edge = facts.edges[0];
        assert_eq!((edge.source, edge.edge_type, edge.target), (source, "cites", target));
        assert!((edge.weight - 0.25).abs() < f32::EPSILON, "the strength stands for the weight");
    }
}
