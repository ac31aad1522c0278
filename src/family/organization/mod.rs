//! Where files should go: proposals, decisions, what was done, and how it is undone.
//!
//! A proposal is *proposed*, then *approved* or *rejected*; an approved one can still be rejected,
//! and is *applied* once its file was moved; undoing that makes it approved again. Every decision
//! leaves feedback with the proposal before and afterwards, which
//! [`learned`](Organization::learned) reads. Nothing here touches files: the caller moves them,
//! between [`begin`](Organization::begin) and [`finish`](Organization::finish).

mod apply;
mod change;
mod name;

use std::collections::BTreeMap;
use std::ops::Deref;

use serde::Serialize;

use super::provenance::{NewProvenance, Target};
use super::{Reader, array_or_empty, existing, named, object_or_empty, row_number, share};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::record::{
    FeedbackAction, IndexedFile, OrganizationAction, OrganizationFeedback, OrganizationProposal,
    OrganizationStatus, ProvenanceTarget, TaskRun,
};
use crate::store::{ReadTx, WriteTx};
pub use apply::{ActionGroup, GroupKind, Move, Moved};
pub use change::{Learned, ProposalEdit};

const CONFIDENCE_DEFAULT: f64 = 0.5;
/// Rows of a list where nothing is said.
const ROWS_DEFAULT: usize = 200;

/// A proposal to be made.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewProposal {
    proposal: OrganizationProposal,
    provenance: Option<NewProvenance>,
}

impl NewProposal {
    /// A folder and a name for an indexed file.
    pub fn new(file: NodeId, folder: impl Into<String>, filename: impl Into<String>) -> Self {
        let proposal = OrganizationProposal {
            file: Some(file),
            proposed_folder: folder.into(),
            proposed_filename: filename.into(),
            ..OrganizationProposal::default()
        };
        Self { proposal, provenance: None }
    }

    /// Sets the run that makes it.
    pub fn run(mut self, run: NodeId) -> Self {
        self.proposal.run = Some(run);
        self
    }

    /// Sets how sure it is, 0 to 1; 0.5 where nothing is said.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.proposal.confidence = Some(confidence);
        self
    }

    /// Says why.
    pub fn rationale(mut self, rationale: impl Into<String>) -> Self {
        self.proposal.rationale = Some(rationale.into());
        self
    }

    /// Sets other folders, a JSON array.
    pub fn alternatives(mut self, folders: Json) -> Self {
        self.proposal.alternatives = Some(folders);
        self
    }

    /// Sets who was asked, and the name of the model.
    pub fn provider(mut self, provider: impl Into<String>, model: impl Into<String>) -> Self {
        self.proposal.provider = Some(provider.into());
        self.proposal.model = Some(model.into());
        self
    }

    /// Sets how it was decided, a JSON object.
    pub fn metadata(mut self, metadata: Json) -> Self {
        self.proposal.metadata = Some(metadata);
        self
    }

    /// Sets what it was taken from; written with it, or neither is.
    pub fn provenance(mut self, provenance: NewProvenance) -> Self {
        self.provenance = Some(provenance);
        self
    }
}

/// Which proposals to list.
#[derive(Clone, Debug)]
#[must_use]
pub struct ProposalQuery {
    status: Option<OrganizationStatus>,
    root: Option<String>,
    offset: usize,
    limit: usize,
}

impl Default for ProposalQuery {
    fn default() -> Self {
        Self { status: None, root: None, offset: 0, limit: ROWS_DEFAULT }
    }
}

impl ProposalQuery {
    /// The 200 newest proposals.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only proposals in that state.
    pub fn status(mut self, status: OrganizationStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Only proposals for files at or below that path. Upper and lower case, slashes, and drives
    /// as letters or below `/mnt` are alike.
    pub fn root(mut self, path: &str) -> Self {
        self.root = Some(name::comparable(path));
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

    fn is_met(&self, proposal: &OrganizationProposal) -> bool {
        let path = || name::comparable(proposal.current_path.as_deref().unwrap_or_default());
        self.root.as_ref().is_none_or(|root| name::is_below(&path(), root))
    }
}

/// How many proposals, decisions and actions there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OrganizationStats {
    /// All proposals.
    pub proposals: usize,
    /// Proposals by state.
    pub proposals_by_status: BTreeMap<String, usize>,
    /// Decisions.
    pub feedback: usize,
    /// Actions, those that were only tried out included.
    pub actions: usize,
    /// Actions that were only tried out.
    pub dry_runs: usize,
    /// Actions of which the source does not say whether they were tried out.
    pub dry_run_unknown: usize,
    /// Actions that were undone.
    pub undone: usize,
}

/// Proposals, decisions and actions of a transaction. Made by [`ReadTx::organization`] and
/// [`WriteTx::organization`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::{GroupKind, Moved, NewProposal};
/// use engraph::record::{IndexedFile, OrganizationStatus};
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// let normalized_path = "/in/a.txt".to_owned();
/// let (proposal, group) = store.write(|tx| {
///     let file = tx.insert(&IndexedFile { normalized_path, ..IndexedFile::default() })?;
///     let proposal = tx.organization().propose(NewProposal::new(file, "cases/7", "a.txt"))?;
///     tx.organization().accept(proposal, None)?;
///     Ok((proposal, tx.organization().begin(&[proposal], Some("/sorted"), GroupKind::Real)?))
/// })?;
/// assert_eq!(group.moves[0].to, "/sorted/cases/7/a.txt");
/// // The file is moved here.
/// store.write(|tx| tx.organization().finish(group.moves[0].action, Moved::Done))?;
/// let status = |tx: &engraph::ReadTx| tx.organization().get(proposal).map(|p| p.unwrap().status);
/// assert_eq!(status(&store.read()?)?, OrganizationStatus::Applied);
///
/// let back = store.write(|tx| tx.organization().begin_undo(&group.name))?;
/// assert_eq!(back.moves[0].to, "/in/a.txt");
/// // The file is moved back here.
/// store.write(|tx| tx.organization().finish(back.moves[0].action, Moved::Done))?;
/// assert_eq!(status(&store.read()?)?, OrganizationStatus::Approved);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Organization<T> {
    tx: T,
}

impl ReadTx {
    /// Proposals where files should go, to look at.
    pub fn organization(&self) -> Organization<&Self> {
        Organization { tx: self }
    }
}

impl WriteTx<'_> {
    /// Proposals where files should go.
    pub fn organization(&mut self) -> Organization<&mut Self> {
        Organization { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Organization<T> {
    /// The proposal `id`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn get(&self, id: NodeId) -> Result<Option<OrganizationProposal>> {
        self.tx.get(id)
    }

    /// Proposals, newest first. Reads what a root leaves out too.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self, query: &ProposalQuery) -> Result<Vec<(NodeId, OrganizationProposal)>> {
        let rows = match &query.status {
            Some(status) => {
                self.tx.index_descending::<OrganizationProposal>("status", (status,))?
            }
            None => self.tx.index_descending("created", ())?,
        };
        let met = rows.filter(|row| row.as_ref().map_or(true, |(_, found)| query.is_met(found)));
        met.skip(query.offset).take(query.limit).collect()
    }

    /// The proposals for a file, in the order in which they were made.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn of_file(&self, file: NodeId) -> Result<Vec<(NodeId, OrganizationProposal)>> {
        self.tx.index("file", Some(file))?.collect()
    }

    /// Decisions, newest first, `offset` left out and at most `limit`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn feedback(
        &self,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<(NodeId, OrganizationFeedback)>> {
        self.tx.index_descending("created", ())?.skip(offset).take(limit).collect()
    }

    /// Decisions on a proposal, first one first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn feedback_on(&self, id: NodeId) -> Result<Vec<(NodeId, OrganizationFeedback)>> {
        self.tx.index("proposal", Some(id))?.collect()
    }

    /// Actions, newest first, `offset` left out and at most `limit`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn actions(
        &self,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<(NodeId, OrganizationAction)>> {
        self.tx.index_descending("created", ())?.skip(offset).take(limit).collect()
    }

    /// Counts proposals, decisions and actions. Looks at every proposal and action.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn stats(&self) -> Result<OrganizationStats> {
        let mut stats = OrganizationStats::default();
        for row in self.tx.iter::<OrganizationProposal>()? {
            stats.proposals += 1;
            let key = row?.1.status.to_string();
            *stats.proposals_by_status.entry(key).or_default() += 1;
        }
        let all = usize::MAX;
        stats.feedback = self.tx.index_count::<OrganizationFeedback>("created", (), all)?;
        for row in self.tx.iter::<OrganizationAction>()? {
            let action = row?.1;
            stats.actions += 1;
            stats.dry_runs += usize::from(action.dry_run == Some(true));
            stats.dry_run_unknown += usize::from(action.dry_run.is_none());
            stats.undone += usize::from(action.undone_at.is_some());
        }
        Ok(stats)
    }
}

impl Organization<&mut WriteTx<'_>> {
    /// Makes a proposal and returns its id. Folder and name are made safe: no way out of the
    /// root, no separators in the name.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the file or the run is absent; [`Error::Invalid`] without a folder
    /// or a name, for a confidence outside 0 to 1, alternatives that are no array or metadata that
    /// is no object; what recording the provenance reports.
    pub fn propose(&mut self, new: NewProposal) -> Result<NodeId> {
        let mut proposal = new.proposal;
        let file = proposal.file.ok_or_else(|| Error::invalid("file", "a proposal needs one"))?;
        let file: IndexedFile = existing(&*self.tx, file)?;
        named("proposed_folder", &proposal.proposed_folder)?;
        named("proposed_filename", &proposal.proposed_filename)?;
        share("confidence", proposal.confidence)?;
        proposal.confidence.get_or_insert(CONFIDENCE_DEFAULT);
        proposal.proposed_folder = name::safe_folder(&proposal.proposed_folder);
        proposal.proposed_filename = name::safe_filename(&proposal.proposed_filename);
        proposal.current_path.get_or_insert(file.normalized_path);
        proposal.alternatives = array_or_empty("alternatives", proposal.alternatives)?;
        proposal.metadata = object_or_empty("metadata", proposal.metadata)?;
        proposal.created_at = Some(self.tx.now());
        if let Some(run) = proposal.run {
            existing::<TaskRun>(&*self.tx, run)?;
        }
        if let Some(provenance) = &new.provenance {
            self.tx.provenance().check(provenance)?;
        }
        let id = self.tx.insert(&proposal)?;
        if let Some(provenance) = new.provenance {
            self.tx.provenance().record(provenance, &target_of(id))?;
        }
        Ok(id)
    }

    /// Makes proposals, all or none; their ids come in the same order.
    ///
    /// # Errors
    /// As [`Organization::propose`].
    pub fn propose_many(&mut self, new: Vec<NewProposal>) -> Result<Vec<NodeId>> {
        new.into_iter().map(|new| self.propose(new)).collect()
    }

    /// Deletes a proposal with its decisions and provenance; actions stay, without it. Tells
    /// whether it was there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn delete(&mut self, id: NodeId) -> Result<bool> {
        if self.get(id)?.is_none() {
            return Ok(false);
        }
        for (feedback, _) in self.feedback_on(id)? {
            self.tx.delete(feedback)?;
        }
        for (row, mut action) in self.actions_on(id)? {
            action.proposal = None;
            self.tx.put(row, &action)?;
        }
        self.tx.provenance().unlink(&target_of(id))?;
        self.tx.delete(id)
    }

    fn actions_on(&self, id: NodeId) -> Result<Vec<(NodeId, OrganizationAction)>> {
        self.tx.index("proposal", Some(id))?.collect()
    }

    /// A proposal that is in one of the states, and whose file is not being moved.
    fn decidable(&self, id: NodeId, from: &[OrganizationStatus]) -> Result<OrganizationProposal> {
        let proposal: OrganizationProposal = existing(&*self.tx, id)?;
        if !from.contains(&proposal.status) {
            let reason = format!("it is {}, which does not allow this", proposal.status);
            return Err(Error::conflict(format!("organization_proposal {id}"), reason));
        }
        self.check_still(id)?;
        Ok(proposal)
    }

    /// Changes a proposal that is in one of the states, and notes the decision.
    fn decide(
        &mut self,
        id: NodeId,
        from: &[OrganizationStatus],
        (action, note): (FeedbackAction, Option<&str>),
        change: impl FnOnce(&mut OrganizationProposal),
    ) -> Result<OrganizationProposal> {
        let old = self.decidable(id, from)?;
        let mut proposal = old.clone();
        change(&mut proposal);
        proposal.updated_at = Some(self.tx.now());
        self.tx.put(id, &proposal)?;
        let final_value = match action {
            FeedbackAction::Reject => Json::from_text("{}")?,
            _ => snapshot(&*self.tx, id, &proposal)?,
        };
        self.tx.insert(&OrganizationFeedback {
            proposal: Some(id),
            file: proposal.file,
            action,
            original: Some(snapshot(&*self.tx, id, &old)?),
            final_value: Some(final_value),
            note: note.map(ToOwned::to_owned),
            created_at: Some(self.tx.now()),
        })?;
        Ok(proposal)
    }
}

/// A proposal as feedback keeps it.
fn snapshot(tx: &impl Reader, id: NodeId, proposal: &OrganizationProposal) -> Result<Json> {
    #[derive(Serialize)]
    struct Snapshot<'a> {
        id: i64,
        #[serde(flatten)]
        proposal: &'a OrganizationProposal,
    }
    Json::of(&Snapshot { id: row_number(tx, id), proposal })
}

fn target_of(id: NodeId) -> Target {
    Target::record(ProvenanceTarget::OrganizationProposal, id)
}
