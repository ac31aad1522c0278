//! Proposed changes of the knowledge graph, applied once they are approved.

use std::ops::Deref;

use serde::Deserialize;
use serde_json::Value;

use super::{Knowledge, Reader, existing, named, object, share};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::record::{Entity, KnowledgeProposal, ProposalStatus, Relation};
use crate::store::WriteTx;

const ENTITY: &str = "entity";
const RELATIONSHIP: &str = "relationship";

/// A change of the knowledge graph to be proposed.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewKnowledgeProposal {
    proposal_type: &'static str,
    payload: Json,
    confidence: Option<f64>,
    source: Option<String>,
}

impl NewKnowledgeProposal {
    /// An entity to be added. The payload is an object with `name` and `entity_type`, and if known
    /// `content`, `jurisdiction`, `metadata` and `entity_id`.
    pub fn entity(payload: Json) -> Self {
        Self { proposal_type: ENTITY, payload, confidence: None, source: None }
    }

    /// A relation to be added. The payload is an object with `source_id`, `target_id` (names of
    /// entities in the graph) and `relation_type`, and if known `metadata` and `relation_id`.
    pub fn relation(payload: Json) -> Self {
        Self { proposal_type: RELATIONSHIP, payload, confidence: None, source: None }
    }

    /// Sets how sure it is, 0 to 1.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.confidence = Some(confidence);
        self
    }

    /// Sets where it comes from.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// What became of an approved proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reviewed {
    /// It was applied: the entity or relation that it made.
    Applied(NodeId),
    /// It cannot be applied and was rejected, with why.
    Rejected(String),
}

/// Arguments of an entity, in the spellings in which they are found.
#[derive(Deserialize)]
struct EntityPayload {
    name: String,
    #[serde(alias = "type")]
    entity_type: String,
    content: Option<String>,
    jurisdiction: Option<String>,
    metadata: Option<Value>,
    #[serde(alias = "id", default)]
    entity_id: Option<String>,
}

/// Arguments of a relation, in the spellings in which they are found.
#[derive(Deserialize)]
struct RelationPayload {
    #[serde(alias = "source")]
    source_id: String,
    #[serde(alias = "target")]
    target_id: String,
    #[serde(alias = "type")]
    relation_type: String,
    metadata: Option<Value>,
    #[serde(alias = "id", default)]
    relation_id: Option<String>,
}

impl<T: Deref<Target: Reader>> Knowledge<T> {
    /// The proposal `id`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn proposal(&self, id: NodeId) -> Result<Option<KnowledgeProposal>> {
        self.tx.get(id)
    }

    /// Proposals, of one state if one is given, newest first, `offset` left out and at most
    /// `limit`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn proposals(
        &self,
        status: Option<&ProposalStatus>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<(NodeId, KnowledgeProposal)>> {
        let rows = match status {
            Some(status) => self.tx.index_descending("status", (status,))?,
            None => self.tx.index_descending("created", ())?,
        };
        rows.skip(offset).take(limit).collect()
    }

    fn proposed(&self, id: NodeId) -> Result<KnowledgeProposal> {
        let proposal: KnowledgeProposal = existing(&*self.tx, id)?;
        if proposal.status == ProposalStatus::Proposed {
            return Ok(proposal);
        }
        let reason = format!("it is {}", proposal.status);
        Err(Error::conflict(format!("knowledge_proposal {id}"), reason))
    }
}

impl Knowledge<&mut WriteTx<'_>> {
    /// Proposes a change and returns the proposal.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a payload that is no object or lacks an argument, or a confidence
    /// outside 0 to 1.
    pub fn propose(&mut self, new: NewKnowledgeProposal) -> Result<NodeId> {
        share("confidence", new.confidence)?;
        let payload = object("payload", Some(new.payload))?;
        Payload::read(new.proposal_type, payload.as_ref())?;
        self.tx.insert(&KnowledgeProposal {
            proposal_type: new.proposal_type.to_owned(),
            payload,
            confidence: new.confidence,
            source: new.source,
            created_at: Some(self.tx.now()),
            ..KnowledgeProposal::default()
        })
    }

    /// Approves a proposal and applies it, in one write. One that cannot be applied whatever the
    /// graph holds is rejected, with the reason in its note: only import brings such in.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent, or an entity that a relation needs;
    /// [`Error::Conflict`] when it was decided before; [`Error::AlreadyExists`] when the entity or
    /// relation is there already.
    pub fn approve(&mut self, id: NodeId, note: Option<&str>) -> Result<Reviewed> {
        let mut proposal = self.proposed(id)?;
        let payload = match Payload::read(&proposal.proposal_type, proposal.payload.as_ref()) {
            Ok(payload) => payload,
            Err(Error::Invalid { field, reason }) => {
                let note = format!("{field}: {reason}");
                self.decide(id, &mut proposal, ProposalStatus::Rejected, Some(&note))?;
                return Ok(Reviewed::Rejected(note));
            }
            Err(error) => return Err(error),
        };
        let made = match payload {
            Payload::Entity(payload) => self.add_entity(payload, proposal.confidence)?,
            Payload::Relation(payload) => self.add_relation(payload, proposal.confidence)?,
        };
        self.decide(id, &mut proposal, ProposalStatus::Approved, note)?;
        Ok(Reviewed::Applied(made))
    }

    /// Rejects a proposal.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it was decided before.
    pub fn reject(&mut self, id: NodeId, note: Option<&str>) -> Result<()> {
        let mut proposal = self.proposed(id)?;
        self.decide(id, &mut proposal, ProposalStatus::Rejected, note)
    }

    fn decide(
        &mut self,
        id: NodeId,
        proposal: &mut KnowledgeProposal,
        status: ProposalStatus,
        note: Option<&str>,
    ) -> Result<()> {
        proposal.status = status;
        proposal.review_note = note.map(ToOwned::to_owned);
        proposal.updated_at = Some(self.tx.now());
        self.tx.put(id, proposal)
    }

    fn add_entity(&mut self, payload: EntityPayload, confidence: Option<f64>) -> Result<NodeId> {
        self.tx.entities().create(&Entity {
            name: payload.name,
            entity_type: payload.entity_type,
            content: payload.content,
            jurisdiction: payload.jurisdiction,
            metadata: payload.metadata.map(|value| Json::of(&value)).transpose()?,
            entity_id: payload.entity_id.unwrap_or_default(),
            confidence_score: confidence,
            ..Entity::default()
        })
    }

    fn add_relation(
        &mut self,
        payload: RelationPayload,
        confidence: Option<f64>,
    ) -> Result<NodeId> {
        let mut end = |name: &str| {
            let found = self.tx.entities().find(name)?;
            found.map(|(id, _)| id).ok_or_else(|| Error::not_found("entity", name))
        };
        let source = Some(end(&payload.source_id)?);
        let target = Some(end(&payload.target_id)?);
        self.tx.entities().create_relation(&Relation {
            source,
            target,
            source_id: payload.source_id,
            target_id: payload.target_id,
            relation_type: payload.relation_type,
            metadata: payload.metadata.map(|value| Json::of(&value)).transpose()?,
            relation_id: payload.relation_id.unwrap_or_default(),
            confidence,
            ..Relation::default()
        })
    }
}

enum Payload {
    Entity(EntityPayload),
    Relation(RelationPayload),
}

impl Payload {
    fn read(proposal_type: &str, payload: Option<&Json>) -> Result<Self> {
        let payload = payload.ok_or_else(|| Error::invalid("payload", "there is none"))?;
        match proposal_type {
            ENTITY => {
                let payload: EntityPayload = payload.parse()?;
                named("name", &payload.name)?;
                Ok(Self::Entity(payload))
            }
            RELATIONSHIP => {
                let payload: RelationPayload = payload.parse()?;
                named("relation_type", &payload.relation_type)?;
                Ok(Self::Relation(payload))
            }
            other => {
                let reason = format!("{other:?} is neither {ENTITY} nor {RELATIONSHIP}");
                Err(Error::invalid("proposal_type", reason))
            }
        }
    }
}
