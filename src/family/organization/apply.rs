//! Moving files by proposals, and back: what is begun, done, and undone.
//!
//! A move is written down before it is made and its outcome afterwards, so that whatever happens
//! between, the store knows which files to look for. Undoing a group is a group of its own.

use std::collections::BTreeSet;
use std::ops::Deref;

use super::{Organization, Reader, existing, name};
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;
use crate::record::{ActionType, OrganizationAction, OrganizationProposal, OrganizationStatus};
use crate::store::WriteTx;

/// Digits of a group's name, as the old application gives them.
const NAME_DIGITS: usize = 32;

/// Whether files are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// They are.
    Real,
    /// They are not: what would be done is written down and marked.
    DryRun,
}

/// A move of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Move {
    /// The action that stands for it; [`Organization::finish`] takes it.
    pub action: NodeId,
    /// The proposal, where there is one.
    pub proposal: Option<NodeId>,
    /// Path of the file now.
    pub from: String,
    /// Path of the file afterwards.
    pub to: String,
}

/// Moves that belong together, and are undone together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActionGroup {
    /// Its name, 32 hexadecimal digits.
    pub name: String,
    /// When it was begun.
    pub created_at: Option<Timestamp>,
    /// The moves, in the order in which they are to be made.
    pub moves: Vec<Move>,
}

/// How a move ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The file is at its new path.
    Done,
    /// It is not, and why.
    Failed(String),
}

impl<T: Deref<Target: Reader>> Organization<T> {
    /// The actions of a group, in the order in which they were begun.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn group(&self, name: &str) -> Result<Vec<(NodeId, OrganizationAction)>> {
        self.tx.index("group", name)?.collect()
    }

    /// The names of the newest groups, newest first, at most `limit`. Reads the actions of those
    /// groups.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when an action does not decode.
    pub fn groups(&self, limit: usize) -> Result<Vec<String>> {
        let (mut seen, mut names) = (BTreeSet::new(), Vec::new());
        for row in self.tx.index_descending::<OrganizationAction>("created", ())? {
            let Some(name) = row?.1.rollback_group.filter(|name| !seen.contains(name)) else {
                continue;
            };
            if names.len() == limit {
                break;
            }
            seen.insert(name.clone());
            names.push(name);
        }
        Ok(names)
    }

    /// Actions that were begun and whose outcome nobody wrote down, oldest first: what a process
    /// leaves that died. Looks at every action.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn unfinished(&self) -> Result<Vec<(NodeId, OrganizationAction)>> {
        let rows = self.tx.iter::<OrganizationAction>()?;
        rows.filter(|row| row.as_ref().map_or(true, |(_, action)| is_begun(action))).collect()
    }
}

impl Organization<&mut WriteTx<'_>> {
    /// Begins to move the files of approved proposals below a root, or below their own folders.
    /// The moves of a real group wait for their outcome; those of a dry run have ended well.
    ///
    /// # Errors
    /// [`Error::NotFound`] when a proposal is absent; [`Error::Conflict`] when one is not approved,
    /// a move of it was begun before and has no outcome, or two files would get the same path.
    pub fn begin(
        &mut self,
        proposals: &[NodeId],
        root: Option<&str>,
        kind: GroupKind,
    ) -> Result<ActionGroup> {
        let mut steps = Vec::with_capacity(proposals.len());
        let (mut taken, mut moving) = (BTreeSet::new(), BTreeSet::new());
        for id in proposals {
            let proposal: OrganizationProposal = existing(&*self.tx, *id)?;
            let what = || format!("organization_proposal {id}");
            if proposal.status != OrganizationStatus::Approved {
                let reason = format!("it is {}, not approved", proposal.status);
                return Err(Error::conflict(what(), reason));
            }
            self.check_still(*id)?;
            let (from, to) = destination(&proposal, root);
            if from.is_empty() {
                return Err(Error::conflict(what(), "it does not say where its file is"));
            }
            if !taken.insert(to.clone()) {
                let reason = format!("another file of the group goes to {to}, too");
                return Err(Error::conflict(what(), reason));
            }
            if !moving.insert(from.clone()) {
                let reason = format!("the group moves {from} already");
                return Err(Error::conflict(what(), reason));
            }
            let action = OrganizationAction {
                proposal: Some(*id),
                file: proposal.file,
                success: (kind == GroupKind::DryRun).then_some(true),
                dry_run: Some(kind == GroupKind::DryRun),
                ..OrganizationAction::default()
            };
            steps.push((from, to, action));
        }
        self.begin_moves(steps)
    }

    /// Begins to move the files of a group back, last one first. Moves that failed, were only tried
    /// out or were undone already are left out; so are those of imported groups that do not say
    /// whether they were tried out, since nobody knows where the files are. Looks at every action.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such group; [`Error::Conflict`] when one of its moves
    /// has no outcome yet, one of its files was moved since, or nothing of it can be undone.
    pub fn begin_undo(&mut self, name: &str) -> Result<ActionGroup> {
        let actions = self.group(name)?;
        if actions.is_empty() {
            return Err(Error::not_found("group of actions", name));
        }
        let what = || format!("group of actions {name}");
        let open = self.unfinished()?.into_iter().filter_map(|(_, action)| action.undoes);
        let open: BTreeSet<NodeId> = open.collect();
        let mut steps = Vec::with_capacity(actions.len());
        for (id, action) in actions.into_iter().rev() {
            if is_begun(&action) {
                let reason = format!("its action {id} has no outcome yet");
                return Err(Error::conflict(what(), reason));
            }
            if open.contains(&id) {
                let reason = format!("its action {id} is being undone");
                return Err(Error::conflict(what(), reason));
            }
            let is_there = action.success == Some(true) && action.dry_run == Some(false);
            let (Some(from), Some(to)) = (action.to_path, action.from_path) else { continue };
            if !is_there || action.undone_at.is_some() {
                continue;
            }
            if let Some(proposal) = action.proposal.map(|id| self.get(id)).transpose()?.flatten()
                && proposal.current_path.as_ref() != Some(&from)
            {
                return Err(Error::conflict(what(), format!("{from} was moved since")));
            }
            let back = OrganizationAction {
                proposal: action.proposal,
                file: action.file,
                dry_run: Some(false),
                undoes: Some(id),
                ..OrganizationAction::default()
            };
            steps.push((from, to, back));
        }
        if steps.is_empty() {
            return Err(Error::conflict(what(), "nothing of it can be undone"));
        }
        self.begin_moves(steps)
    }

    /// Writes down how a move ended. A file that was moved makes its proposal applied, one that was
    /// moved back makes it approved again.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the action is absent; [`Error::Conflict`] when it has an outcome.
    pub fn finish(&mut self, action: NodeId, moved: Moved) -> Result<()> {
        let mut record: OrganizationAction = existing(&*self.tx, action)?;
        if !is_begun(&record) {
            let what = format!("organization_action {action}");
            return Err(Error::conflict(what, "its outcome is known"));
        }
        let is_done = moved == Moved::Done;
        record.success = Some(is_done);
        if let Moved::Failed(error) = moved {
            record.error = Some(error);
        }
        self.tx.put(action, &record)?;
        if !is_done {
            return Ok(());
        }
        let now = self.tx.now();
        if let Some(undone) = record.undoes
            && let Some(mut old) = self.tx.get::<OrganizationAction>(undone)?
        {
            old.undone_at = Some(now);
            self.tx.put(undone, &old)?;
        }
        if let Some(id) = record.proposal
            && let Some(mut proposal) = self.get(id)?
        {
            // There or back: an undo can be undone, too.
            proposal.status = match proposal.status {
                OrganizationStatus::Applied => OrganizationStatus::Approved,
                _ => OrganizationStatus::Applied,
            };
            proposal.current_path = record.to_path;
            proposal.updated_at = Some(now);
            self.tx.put(id, &proposal)?;
        }
        Ok(())
    }

    /// Writes the moves of a new group down: where from, where to, and the action.
    fn begin_moves(
        &mut self,
        steps: Vec<(String, String, OrganizationAction)>,
    ) -> Result<ActionGroup> {
        let mut group = self.new_group()?;
        for (from, to, action) in steps {
            let proposal = action.proposal;
            let action = self.tx.insert(&OrganizationAction {
                action_type: Some(ActionType::Move),
                from_path: Some(from.clone()),
                to_path: Some(to.clone()),
                rollback_group: Some(group.name.clone()),
                created_at: group.created_at,
                ..action
            })?;
            group.moves.push(Move { action, proposal, from, to });
        }
        Ok(group)
    }

    /// A group of a name that no other has. It follows from the write, not from chance.
    fn new_group(&self) -> Result<ActionGroup> {
        let (seq, now) = (self.tx.seq(), self.tx.now());
        let mut number = 0;
        loop {
            let seed = format!("{seq} {} {number}", now.as_micros());
            let mut name = Digest::of(seed.as_bytes()).to_string();
            name.truncate(NAME_DIGITS);
            if self.group(&name)?.is_empty() {
                return Ok(ActionGroup { name, created_at: Some(now), moves: Vec::new() });
            }
            number += 1;
        }
    }

    /// That no move of a proposal waits for its outcome: until then it stays as it is.
    pub(super) fn check_still(&self, id: NodeId) -> Result<()> {
        if self.actions_on(id)?.iter().any(|(_, action)| is_begun(action)) {
            let what = format!("organization_proposal {id}");
            return Err(Error::conflict(what, "a move of its file has no outcome yet"));
        }
        Ok(())
    }
}

/// Whether an action was begun here and has no outcome. Imported ones without one are as they are.
fn is_begun(action: &OrganizationAction) -> bool {
    action.success.is_none() && action.dry_run == Some(false)
}

/// Where the file of a proposal is, and where it would go.
fn destination(proposal: &OrganizationProposal, root: Option<&str>) -> (String, String) {
    let from = proposal.current_path.clone().unwrap_or_default();
    let folder = name::safe_folder(&proposal.proposed_folder);
    let filename = name::safe_filename(&proposal.proposed_filename);
    let root = root.unwrap_or_else(|| name::folder_of(&from));
    let to = name::joined(root, &name::joined(&folder, &filename));
    (from, to)
}
