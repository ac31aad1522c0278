//! Memories that wait for a decision: what is noted about them, and what becomes of them.
//!
//! A proposal is flagged when it is made, needs provenance where it makes a claim, and is stored at
//! once where it is sure enough. Approving stores it with a mark that somebody looked, and makes a
//! term of curated knowledge of it; what the proposal knew goes with it.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde::Serialize;
use serde_json::{Map, Value};

use super::correction::MemoryCorrection;
use super::write::provenance_target;
use super::{Memories, MemoryPolicy, NewMemory, Reader, check, existing, object};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::family::provenance::{NewProvenance, Target};
use crate::family::row_number;
use crate::record::{
    KnowledgeTerm, Memory, MemoryProposal, MemoryProposalStatus, MemoryType, ProvenanceTarget,
    TermStatus,
};
use crate::store::WriteTx;

/// How sure and how important a proposal is where nothing is said: as in the old application.
const SCORE_DEFAULT: f64 = 1.0;
/// How sure a proposal must be to be stored without a decision.
const APPROVED_FROM: f64 = 0.7;
/// Below it a proposal is flagged as unsure.
const SURE_FROM: f64 = 0.5;
/// From it on a proposal is flagged as important.
const IMPORTANT_FROM: f64 = 0.85;
/// Types that claim something, so that it must be known from where.
const CLAIMS: [&str; 6] = ["analysis", "claim", "evidence", "fact", "issue", "argument"];
/// What a text that not everybody may see contains.
const SENSITIVE: [&str; 10] = [
    "privileged",
    "confidential",
    "attorney-client",
    "sealed",
    "ssn",
    "social security",
    "medical",
    "hipaa",
    "trade secret",
    "proprietary",
];
/// Longest text that is taken for a term, in characters.
const TERM_CHARS_MAX: usize = 255;
/// Category of a term where nothing is said.
const CATEGORY_DEFAULT: &str = "Case";
/// Who verified a term that an approval made.
const VERIFIED_BY: &str = "expert_approval";

/// What a reviewer should know about a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MemoryFlag {
    /// Its confidence is below 0.5.
    LowConfidence,
    /// Its importance is 0.85 or more.
    HighImpact,
    /// Its content has a word like `privileged`, `confidential`, `medical` or `trade secret`.
    Sensitive,
    /// What was approved or is remembered under its namespace and key says something else.
    Conflict,
}

impl MemoryFlag {
    /// The stored text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LowConfidence => "low_confidence",
            Self::HighImpact => "high_impact",
            Self::Sensitive => "sensitive",
            Self::Conflict => "conflict",
        }
    }
}

/// A memory to be proposed.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewMemoryProposal {
    proposal: MemoryProposal,
    provenance: Option<NewProvenance>,
}

impl NewMemoryProposal {
    /// A proposal of type [`MemoryType::Analysis`].
    pub fn new(
        namespace: impl Into<String>,
        key: impl Into<String>,
        content: impl Into<String>,
    ) -> Self {
        let proposal = MemoryProposal {
            namespace: namespace.into(),
            key: key.into(),
            content: content.into(),
            memory_type: MemoryType::Analysis,
            ..MemoryProposal::default()
        };
        Self { proposal, provenance: None }
    }

    /// Sets what it is about.
    pub fn memory_type(mut self, memory_type: impl Into<MemoryType>) -> Self {
        self.proposal.memory_type = memory_type.into();
        self
    }

    /// Sets who proposes it.
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.proposal.agent_id = Some(agent.into());
        self
    }

    /// Sets the name of the document that it was taken from, any text.
    pub fn document_name(mut self, name: impl Into<String>) -> Self {
        self.proposal.document_id = Some(name.into());
        self
    }

    /// Sets what else is known, a JSON object.
    pub fn metadata(mut self, metadata: Json) -> Self {
        self.proposal.metadata = Some(metadata);
        self
    }

    /// Sets how sure it is, 0 to 1; 1 where nothing is said.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.proposal.confidence = Some(confidence);
        self
    }

    /// Sets how much it matters, 0 to 1; 1 where nothing is said.
    pub fn importance(mut self, importance: f64) -> Self {
        self.proposal.importance = Some(importance);
        self
    }

    /// Sets what it was taken from.
    pub fn provenance(mut self, provenance: NewProvenance) -> Self {
        self.provenance = Some(provenance);
        self
    }
}

/// Which proposals need provenance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NeedsProvenance {
    /// Those that claim something: of type analysis, claim, evidence, fact, issue or argument, or
    /// with a `claim_grade` in their metadata.
    #[default]
    Claims,
    /// All.
    Always,
    /// None.
    Never,
}

/// What becomes of proposals that sure ones are stored of without a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flagged {
    Stored,
    Wait,
}

/// How proposals are made and approved.
#[derive(Clone, Debug)]
#[must_use]
pub struct ReviewPolicy {
    approved_from: Option<f64>,
    flagged: Flagged,
    provenance: NeedsProvenance,
    jurisdiction: Option<String>,
    memory: MemoryPolicy,
}

impl Default for ReviewPolicy {
    fn default() -> Self {
        Self {
            approved_from: Some(APPROVED_FROM),
            flagged: Flagged::Stored,
            provenance: NeedsProvenance::Claims,
            jurisdiction: None,
            memory: MemoryPolicy::default(),
        }
    }
}

impl ReviewPolicy {
    /// As the old application: claims need provenance, and what is sure by 0.7 or more is stored
    /// without a decision, flagged or not.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets from which confidence on a proposal is stored without a decision; `None` for never.
    pub fn approved_from(mut self, confidence: Option<f64>) -> Self {
        self.approved_from = confidence;
        self
    }

    /// Lets flagged proposals wait for a decision, however sure they are.
    pub fn flagged_wait(mut self) -> Self {
        self.flagged = Flagged::Wait;
        self
    }

    /// Sets which proposals need provenance.
    pub fn needs_provenance(mut self, rule: NeedsProvenance) -> Self {
        self.provenance = rule;
        self
    }

    /// Sets where terms apply whose proposal does not say it.
    pub fn jurisdiction(mut self, jurisdiction: impl Into<String>) -> Self {
        self.jurisdiction = Some(jurisdiction.into());
        self
    }

    /// Sets how approved memories are written.
    pub fn memory(mut self, policy: MemoryPolicy) -> Self {
        self.memory = policy;
        self
    }
}

/// What proposing came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proposed {
    /// The proposal.
    pub id: NodeId,
    /// What a reviewer should know.
    pub flags: Vec<MemoryFlag>,
    /// The memory, where it was stored without a decision.
    pub memory: Option<NodeId>,
}

/// What an approval came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Approved {
    /// The memory; `None` where the proposal was approved before and its memory is gone.
    pub memory: Option<NodeId>,
    /// The term of curated knowledge that it made, where it could be one.
    pub term: Option<NodeId>,
}

/// What becomes of the memory when its proposal is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposedMemory {
    /// It goes too, as in the old application.
    Goes,
    /// It stays.
    Stays,
}

/// Which proposals to list.
#[derive(Clone, Debug)]
#[must_use]
pub struct MemoryProposalQuery {
    status: Option<MemoryProposalStatus>,
    flag: Option<MemoryFlag>,
    is_flagged: bool,
    namespace: Option<String>,
    offset: usize,
    limit: usize,
}

impl Default for MemoryProposalQuery {
    fn default() -> Self {
        let (offset, limit) = (0, 200);
        Self { status: None, flag: None, is_flagged: false, namespace: None, offset, limit }
    }
}

impl MemoryProposalQuery {
    /// The 200 newest proposals.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only proposals in that state.
    pub fn status(mut self, status: MemoryProposalStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Only proposals with that flag.
    pub fn flag(mut self, flag: MemoryFlag) -> Self {
        self.flag = Some(flag);
        self
    }

    /// Only proposals with any flag.
    pub fn flagged(mut self) -> Self {
        self.is_flagged = true;
        self
    }

    /// Only proposals of that namespace.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Leaves out the first ones.
    pub fn offset(mut self, proposals: usize) -> Self {
        self.offset = proposals;
        self
    }

    /// Sets how many to list at most.
    pub fn limit(mut self, proposals: usize) -> Self {
        self.limit = proposals;
        self
    }

    fn is_met(&self, proposal: &MemoryProposal) -> bool {
        let flags = flags_of(proposal);
        self.flag.is_none_or(|flag| flags.iter().any(|found| found == flag.as_str()))
            && (!self.is_flagged || !flags.is_empty())
            && self.namespace.as_ref().is_none_or(|name| *name == proposal.namespace)
    }
}

/// How many proposals there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MemoryProposalStats {
    /// All proposals.
    pub total: u64,
    /// By state.
    pub by_status: BTreeMap<String, u64>,
    /// By flag; one with several counts for each.
    pub flags: BTreeMap<String, u64>,
}

impl<T: Deref<Target: Reader>> Memories<T> {
    /// The proposal `id`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn proposal(&self, id: NodeId) -> Result<Option<MemoryProposal>> {
        self.tx.get(id)
    }

    /// Proposals, newest first. Walks those of the state, or all.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn proposals(&self, query: &MemoryProposalQuery) -> Result<Vec<(NodeId, MemoryProposal)>> {
        let rows = match &query.status {
            Some(status) => self.tx.index_descending("status", (status,))?,
            None => self.tx.index_descending("created", ())?,
        };
        let met = rows.filter(|row| row.as_ref().map_or(true, |(_, found)| query.is_met(found)));
        met.skip(query.offset).take(query.limit).collect()
    }

    /// Counts proposals by state and flag. Looks at every one.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn proposal_stats(&self) -> Result<MemoryProposalStats> {
        let mut stats = MemoryProposalStats::default();
        for row in self.tx.iter::<MemoryProposal>()? {
            let (_, proposal) = row?;
            stats.total += 1;
            for flag in flags_of(&proposal) {
                *stats.flags.entry(flag).or_default() += 1;
            }
            *stats.by_status.entry(proposal.status.to_string()).or_default() += 1;
        }
        Ok(stats)
    }

    /// What a reviewer should know about a proposal.
    fn flags(&self, proposal: &MemoryProposal) -> Result<Vec<MemoryFlag>> {
        let mut flags = Vec::new();
        if proposal.confidence.is_some_and(|confidence| confidence < SURE_FROM) {
            flags.push(MemoryFlag::LowConfidence);
        }
        if proposal.importance.is_some_and(|importance| importance >= IMPORTANT_FROM) {
            flags.push(MemoryFlag::HighImpact);
        }
        let content = proposal.content.to_lowercase();
        if SENSITIVE.iter().any(|word| content.contains(word)) {
            flags.push(MemoryFlag::Sensitive);
        }
        if self.is_in_conflict(proposal)? {
            flags.push(MemoryFlag::Conflict);
        }
        Ok(flags)
    }

    fn is_in_conflict(&self, proposal: &MemoryProposal) -> Result<bool> {
        let content = folded(&proposal.content);
        let key = (&proposal.namespace, &proposal.key);
        for row in self.tx.index::<MemoryProposal>("namespace_key", key)? {
            let (_, other) = row?;
            let is_approved = other.status == MemoryProposalStatus::Approved;
            if is_approved && folded(&other.content) != content {
                return Ok(true);
            }
        }
        let known = self.current(&proposal.namespace, &proposal.key)?;
        Ok(known.is_some_and(|(_, memory)| folded(&memory.content) != content))
    }
}

impl Memories<&mut WriteTx<'_>> {
    /// Proposes a memory: flags it, notes its provenance, and stores it at once where the policy
    /// says that it is sure enough.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the policy asks for provenance that is not given, and for what a
    /// memory may not be; what recording the provenance reports; [`Error::Limit`] for a field that
    /// is too long.
    pub fn propose(&mut self, new: NewMemoryProposal, policy: &ReviewPolicy) -> Result<Proposed> {
        let NewMemoryProposal { mut proposal, provenance } = new;
        proposal.confidence.get_or_insert(SCORE_DEFAULT);
        proposal.importance.get_or_insert(SCORE_DEFAULT);
        check(&as_memory(&proposal))?;
        if provenance.is_none() && needs_provenance(&proposal, policy.provenance) {
            let reason = format!("a proposal of type {} needs it", proposal.memory_type);
            return Err(Error::invalid("provenance", reason));
        }
        if let Some(provenance) = &provenance {
            self.tx.provenance().check(provenance)?;
        }
        let flags = self.flags(&proposal)?;
        proposal.flags = Some(json_of(&flags)?);
        proposal.created_at = Some(self.tx.now());
        let id = self.tx.insert(&proposal)?;
        if let Some(provenance) = provenance {
            let noted = self.tx.provenance().record(provenance, &target_of(id))?;
            let mut metadata = fields_of(proposal.metadata.as_ref());
            metadata.insert("provenance_id".into(), row_number(&*self.tx, noted).into());
            proposal.metadata = Some(Json::of(&metadata)?);
            self.tx.put(id, &proposal)?;
        }
        let confidence = proposal.confidence.unwrap_or(SCORE_DEFAULT);
        let is_sure = policy.approved_from.is_some_and(|from| confidence >= from);
        let waits = policy.flagged == Flagged::Wait && !flags.is_empty();
        let mut memory = None;
        if is_sure && !waits {
            memory = Some(self.store(id, &proposal, &MemoryCorrection::new(), policy)?);
        }
        Ok(Proposed { id, flags, memory })
    }

    /// Approves a proposal: stores it as a memory of confidence 1 with all that it knew, the marks
    /// `expert_verified` and `verified_at` and the corrections on top, and makes a verified term of
    /// it. One that became a memory before, and was rejected since, becomes the same memory again.
    /// An approved one is left as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; else as [`Memories::remember`].
    pub fn approve(
        &mut self,
        id: NodeId,
        correction: &MemoryCorrection,
        policy: &ReviewPolicy,
    ) -> Result<Approved> {
        let proposal: MemoryProposal = existing(&*self.tx, id)?;
        if proposal.status == MemoryProposalStatus::Approved {
            return Ok(Approved { memory: proposal.memory, term: None });
        }
        let mut metadata = fields_of(proposal.metadata.as_ref());
        metadata.insert("expert_verified".into(), true.into());
        metadata.insert("verified_at".into(), self.tx.now().to_string().into());
        let looked_at = MemoryProposal {
            metadata: Some(Json::of(&metadata)?),
            confidence: Some(SCORE_DEFAULT),
            ..proposal.clone()
        };
        // The row keeps what was proposed; the memory gets what was approved.
        let memory = self.store(id, &looked_at, correction, policy)?;
        let stored: Memory = existing(&*self.tx, memory)?;
        let term = self.make_term(id, &stored, policy)?;
        Ok(Approved { memory: Some(memory), term })
    }

    /// Rejects a proposal, in whatever state it is. A memory that it became stays. Returns it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent.
    pub fn reject(&mut self, id: NodeId) -> Result<MemoryProposal> {
        let now = self.tx.now();
        self.tx.update(id, |proposal: &mut MemoryProposal| {
            proposal.status = MemoryProposalStatus::Rejected;
            proposal.rejected_at = Some(now);
            Ok(())
        })
    }

    /// Changes the content and the metadata of a proposal, in whatever state it is, and flags it
    /// anew. Tells whether anything was given.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Invalid`] for empty content or metadata that
    /// are no object.
    pub fn update_proposal(
        &mut self,
        id: NodeId,
        content: Option<&str>,
        metadata: Option<Json>,
    ) -> Result<bool> {
        let mut proposal: MemoryProposal = existing(&*self.tx, id)?;
        if content.is_none() && metadata.is_none() {
            return Ok(false);
        }
        if let Some(content) = content {
            content.clone_into(&mut proposal.content);
        }
        proposal.metadata = object("metadata", metadata)?.or(proposal.metadata);
        check(&as_memory(&proposal))?;
        proposal.flags = Some(json_of(&self.flags(&proposal)?)?);
        self.tx.put(id, &proposal)?;
        Ok(true)
    }

    /// Deletes a proposal with its provenance, and the memory that it became where that is to go
    /// too. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn delete_proposal(&mut self, id: NodeId, memory: ProposedMemory) -> Result<bool> {
        let Some(proposal) = self.proposal(id)? else { return Ok(false) };
        if let Some(stored) = proposal.memory.filter(|_| memory == ProposedMemory::Goes) {
            self.delete(stored)?;
        }
        self.tx.provenance().unlink(&target_of(id))?;
        self.tx.delete(id)
    }

    /// Stores what was proposed, and marks the proposal.
    fn store(
        &mut self,
        id: NodeId,
        proposal: &MemoryProposal,
        correction: &MemoryCorrection,
        policy: &ReviewPolicy,
    ) -> Result<NodeId> {
        let mut memory = as_memory(proposal);
        correction.apply(&mut memory)?;
        let memory = match proposal.memory.map(|id| Ok((id, self.get(id)?))).transpose()? {
            Some((stored, Some(_))) => {
                self.update(stored, |known| {
                    known.content = memory.content;
                    known.metadata = memory.metadata;
                    known.confidence_score = memory.confidence_score;
                    known.importance_score = memory.importance_score;
                    Ok(())
                })?;
                stored
            }
            _ => self.remember_as(NewMemory::of(memory), &policy.memory)?.id,
        };
        let stored: Memory = existing(&*self.tx, memory)?;
        let target = provenance_target(&stored.record_id, memory);
        let known = self.tx.provenance().of(&target)?;
        for source in self.tx.provenance().of(&target_of(id))? {
            if known.iter().all(|known| known.id != source.id) {
                self.tx.provenance().link(source.id, &target)?;
            }
        }
        let now = self.tx.now();
        self.tx.update(id, |proposal: &mut MemoryProposal| {
            proposal.status = MemoryProposalStatus::Approved;
            proposal.approved_at = Some(now);
            proposal.stored_record_id = Some(stored.record_id);
            proposal.memory = Some(memory);
            Ok(())
        })?;
        Ok(memory)
    }

    /// The term that an approved memory makes; none where it can be none.
    fn make_term(
        &mut self,
        proposal: NodeId,
        memory: &Memory,
        policy: &ReviewPolicy,
    ) -> Result<Option<NodeId>> {
        let metadata = fields_of(memory.metadata.as_ref());
        let text = |field: &str| metadata.get(field).and_then(Value::as_str).map(str::trim);
        let said = |field: &str| text(field).filter(|text| !text.is_empty()).map(str::to_owned);
        let term = term_of(memory);
        let category = said("entity_type").or_else(|| said("category"));
        let term = KnowledgeTerm {
            canonical_value: Some(term.clone()),
            jurisdiction: said("jurisdiction").or_else(|| policy.jurisdiction.clone()),
            source: Some(format!("memory_proposal:{}", row_number(&*self.tx, proposal))),
            status: TermStatus::Verified,
            verified: true,
            verified_by: Some(VERIFIED_BY.into()),
            ..KnowledgeTerm::named(term)
        };
        let term = term.in_category(category.unwrap_or_else(|| CATEGORY_DEFAULT.into()));
        match self.tx.knowledge().upsert(&term) {
            Ok(id) => Ok(Some(id)),
            // What is no proper term is remembered all the same.
            Err(Error::Invalid { .. } | Error::Limit { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn target_of(id: NodeId) -> Target {
    Target::record(ProvenanceTarget::MemoryProposal, id)
}

/// The memory that a proposal would become.
fn as_memory(proposal: &MemoryProposal) -> Memory {
    Memory {
        namespace: proposal.namespace.clone(),
        key: proposal.key.clone(),
        content: proposal.content.clone(),
        memory_type: proposal.memory_type.clone(),
        agent_id: proposal.agent_id.clone(),
        document_id: proposal.document_id.clone(),
        metadata: proposal.metadata.clone(),
        importance_score: proposal.importance,
        confidence_score: proposal.confidence,
        ..Memory::default()
    }
}

fn needs_provenance(proposal: &MemoryProposal, rule: NeedsProvenance) -> bool {
    match rule {
        NeedsProvenance::Always => true,
        NeedsProvenance::Never => false,
        NeedsProvenance::Claims => {
            let fields = fields_of(proposal.metadata.as_ref());
            CLAIMS.contains(&proposal.memory_type.as_str())
                || fields.get("claim_grade").is_some_and(|grade| !grade.is_null())
        }
    }
}

/// The fields of metadata; none of what is no object.
pub(super) fn fields_of(metadata: Option<&Json>) -> Map<String, Value> {
    metadata.and_then(|metadata| metadata.parse().ok()).unwrap_or_default()
}

fn flags_of(proposal: &MemoryProposal) -> Vec<String> {
    proposal.flags.as_ref().and_then(|flags| flags.parse().ok()).unwrap_or_default()
}

fn json_of(flags: &[MemoryFlag]) -> Result<Json> {
    Json::of(flags)
}

/// A content as it is compared: blanks and case aside.
fn folded(content: &str) -> String {
    content.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a memory names: a field of JSON content, else the text where it is short, else the key.
fn term_of(memory: &Memory) -> String {
    let content = memory.content.trim();
    let named = serde_json::from_str::<Map<String, Value>>(content).ok().and_then(|fields| {
        let names = ["term", "text", "label", "name"].iter();
        let texts = names.filter_map(|name| fields.get(*name)?.as_str().map(str::trim));
        texts.filter(|text| !text.is_empty()).map(str::to_owned).next()
    });
    let is_text = !content.starts_with('{') && content.chars().count() <= TERM_CHARS_MAX;
    named.or_else(|| is_text.then(|| content.to_owned())).unwrap_or_else(|| memory.key.clone())
}
