//! Decisions on proposals, and what is learned from them.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde::Deserialize;

use super::{Organization, ProposalQuery, Reader, name};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::record::{
    FeedbackAction, OrganizationFeedback, OrganizationProposal, OrganizationStatus,
};
use crate::store::WriteTx;

use OrganizationStatus::{Approved, Proposed, Rejected};

/// How sure a proposal is that somebody wrote by hand.
const EDITED_CONFIDENCE: f64 = 0.99;
/// How sure a proposal is at least that follows earlier edits.
const LEARNED_CONFIDENCE: f64 = 0.98;
const EDITED_RATIONALE: &str = "User edited the proposal";
const LEARNED_RATIONALE: &str = "Follows earlier edits of files of this name";
/// Newest decisions that are learned from.
const LEARNED_FROM_MAX: usize = 5_000;
/// What one vote for or against a folder changes in a confidence.
const VOTE: f64 = 0.03;

/// What somebody changes in a proposal.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ProposalEdit {
    folder: Option<String>,
    filename: Option<String>,
    note: Option<String>,
    stays_open: bool,
}

impl ProposalEdit {
    /// Changes nothing, and approves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the folder.
    pub fn folder(mut self, folder: impl Into<String>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Sets the name of the file.
    pub fn filename(mut self, filename: impl Into<String>) -> Self {
        self.filename = Some(filename.into());
        self
    }

    /// Sets a note.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Leaves the proposal in its state instead of approving it.
    pub fn stays_open(mut self) -> Self {
        self.stays_open = true;
        self
    }
}

/// What earlier decisions say about a file.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Learned {
    /// The folder that edits most often gave files of this name.
    pub folder: Option<String>,
    /// The name that edits most often gave them.
    pub filename: Option<String>,
    /// Votes for folders less votes against them, by folder.
    pub votes: BTreeMap<String, i64>,
}

impl Learned {
    /// What a confidence becomes for a folder: 0.03 more or less a vote, within 0.05 and 0.99.
    #[must_use]
    pub fn confidence(&self, folder: &str, confidence: f64) -> f64 {
        let votes = self.votes.get(folder).copied().unwrap_or(0);
        (confidence + VOTE * votes as f64).clamp(0.05, EDITED_CONFIDENCE)
    }
}

/// What is read of a proposal within feedback; anything else in it may be as it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Seen {
    current_path: Option<String>,
    proposed_folder: Option<String>,
    proposed_filename: Option<String>,
}

impl Seen {
    fn in_json(json: Option<&Json>) -> Self {
        json.and_then(|json| json.parse().ok()).unwrap_or_default()
    }
}

impl<T: Deref<Target: Reader>> Organization<T> {
    /// What the newest 5000 decisions say about a file at `path`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn learned(&self, path: &str) -> Result<Learned> {
        let lessons = Lessons::read(self)?;
        let (folder, filename) = lessons.about(path);
        Ok(Learned { folder, filename, votes: lessons.votes })
    }
}

/// The newest decisions, read once for many files.
struct Lessons {
    votes: BTreeMap<String, i64>,
    folders: BTreeMap<String, BTreeMap<String, usize>>,
    filenames: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Lessons {
    fn read<T: Deref<Target: Reader>>(organization: &Organization<T>) -> Result<Self> {
        let (votes, folders, filenames) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut lessons = Self { votes, folders, filenames };
        for (_, feedback) in organization.feedback(0, LEARNED_FROM_MAX)? {
            lessons.add(&feedback);
        }
        Ok(lessons)
    }

    fn add(&mut self, feedback: &OrganizationFeedback) {
        let original = Seen::in_json(feedback.original.as_ref());
        let (folder, vote) = match feedback.action {
            FeedbackAction::Accept => (original.proposed_folder, 1),
            FeedbackAction::Reject => (original.proposed_folder, -1),
            FeedbackAction::Edit => {
                let new = Seen::in_json(feedback.final_value.as_ref());
                let signature = name::signature(&original.current_path.unwrap_or_default());
                count(&mut self.folders, &signature, new.proposed_folder.as_ref());
                count(&mut self.filenames, &signature, new.proposed_filename.as_ref());
                (new.proposed_folder, 1)
            }
            _ => return,
        };
        if let Some(folder) = folder {
            *self.votes.entry(folder).or_default() += vote;
        }
    }

    /// The folder and the name that edits gave files of this name.
    fn about(&self, path: &str) -> (Option<String>, Option<String>) {
        let signature = name::signature(path);
        let best = |counts: &BTreeMap<String, BTreeMap<String, usize>>| {
            counts.get(&signature).cloned().and_then(name::commonest)
        };
        (best(&self.folders), best(&self.filenames))
    }
}

fn count(
    counts: &mut BTreeMap<String, BTreeMap<String, usize>>,
    signature: &str,
    word: Option<&String>,
) {
    if let Some(word) = word.filter(|_| !signature.is_empty()) {
        *counts.entry(signature.to_owned()).or_default().entry(word.clone()).or_default() += 1;
    }
}

impl Organization<&mut WriteTx<'_>> {
    /// Approves a proposal, and returns it as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] unless it is proposed.
    pub fn accept(&mut self, id: NodeId, note: Option<&str>) -> Result<OrganizationProposal> {
        self.decide(id, &[Proposed], (FeedbackAction::Accept, note), |proposal| {
            proposal.status = Approved;
        })
    }

    /// Rejects a proposal, and returns it as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] unless it is proposed or
    /// approved, or while its file is being moved.
    pub fn reject(&mut self, id: NodeId, note: Option<&str>) -> Result<OrganizationProposal> {
        self.decide(id, &[Proposed, Approved], (FeedbackAction::Reject, note), |proposal| {
            proposal.status = Rejected;
        })
    }

    /// Changes folder and name of a proposal, made safe, and approves it unless told otherwise.
    /// Returns it as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] unless it is proposed or
    /// approved; [`Error::Invalid`] for an empty folder or name.
    pub fn edit(&mut self, id: NodeId, edit: &ProposalEdit) -> Result<OrganizationProposal> {
        for (field, text) in [("folder", &edit.folder), ("filename", &edit.filename)] {
            text.as_ref().map_or(Ok(()), |text| super::named(field, text))?;
        }
        let decision = (FeedbackAction::Edit, edit.note.as_deref());
        self.decide(id, &[Proposed, Approved], decision, |proposal| {
            if let Some(folder) = &edit.folder {
                proposal.proposed_folder = name::safe_folder(folder);
            }
            if let Some(filename) = &edit.filename {
                proposal.proposed_filename = name::safe_filename(filename);
            }
            proposal.confidence = Some(EDITED_CONFIDENCE);
            proposal.rationale = Some(EDITED_RATIONALE.to_owned());
            if !edit.stays_open {
                proposal.status = Approved;
            }
        })
    }

    /// Opens a decided proposal again. Decisions on it stay as they were noted.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] unless it is approved or
    /// rejected, or while its file is being moved.
    pub fn reopen(&mut self, id: NodeId) -> Result<OrganizationProposal> {
        let mut proposal = self.decidable(id, &[Approved, Rejected])?;
        proposal.status = Proposed;
        proposal.updated_at = Some(self.tx.now());
        self.tx.put(id, &proposal)?;
        Ok(proposal)
    }

    /// Approves proposals, all or none.
    ///
    /// # Errors
    /// As [`Organization::accept`].
    pub fn accept_many(&mut self, ids: &[NodeId], note: Option<&str>) -> Result<()> {
        ids.iter().try_for_each(|id| self.decidable(*id, &[Proposed]).map(drop))?;
        ids.iter().try_for_each(|id| self.accept(*id, note).map(drop))
    }

    /// Rejects proposals, all or none.
    ///
    /// # Errors
    /// As [`Organization::reject`].
    pub fn reject_many(&mut self, ids: &[NodeId], note: Option<&str>) -> Result<()> {
        ids.iter().try_for_each(|id| self.decidable(*id, &[Proposed, Approved]).map(drop))?;
        ids.iter().try_for_each(|id| self.reject(*id, note).map(drop))
    }

    /// Rejects the proposals that a query lists, which must name a state, and returns their ids.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the query names no state; else as [`Organization::reject`].
    pub fn clear(&mut self, query: &ProposalQuery, note: Option<&str>) -> Result<Vec<NodeId>> {
        if query.status.is_none() {
            return Err(Error::invalid("status", "what is to be cleared has to be said"));
        }
        let ids: Vec<NodeId> = self.list(query)?.into_iter().map(|(id, _)| id).collect();
        self.reject_many(&ids, note)?;
        Ok(ids)
    }

    /// Brings open proposals into line with earlier edits of files of the same name, at most
    /// `limit`, and returns those that changed.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something does not decode.
    pub fn correct(&mut self, limit: usize) -> Result<Vec<NodeId>> {
        let lessons = Lessons::read(self)?;
        let open = self.list(&ProposalQuery::new().status(Proposed).limit(limit))?;
        let mut changed = Vec::new();
        for (id, proposal) in open {
            let path = proposal.current_path.as_deref().unwrap_or_default();
            let (folder, filename) = lessons.about(path);
            let folder = folder.filter(|folder| *folder != proposal.proposed_folder);
            let filename = filename.filter(|name| *name != proposal.proposed_filename);
            if folder.is_none() && filename.is_none() {
                continue;
            }
            self.decide(id, &[Proposed], (FeedbackAction::AutoCorrect, None), |proposal| {
                if let Some(folder) = folder {
                    proposal.proposed_folder = folder;
                }
                if let Some(filename) = filename {
                    proposal.proposed_filename = filename;
                }
                let confidence = proposal.confidence.unwrap_or(0.0).max(LEARNED_CONFIDENCE);
                proposal.confidence = Some(confidence);
                proposal.rationale = Some(LEARNED_RATIONALE.to_owned());
            })?;
            changed.push(id);
        }
        Ok(changed)
    }
}
