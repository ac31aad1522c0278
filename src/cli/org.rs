//! `engraph org`: where files should go, moving them there, and moving them back.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use engraph::family::{ActionGroup, GroupKind, Move, Moved, OrganizationStats, ProposalQuery};
use engraph::record::{OrganizationProposal, OrganizationStatus};
use engraph::{NodeId, ReadTx, Store};
use serde::Serialize;

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::records::{changing, done, looking, show};
use super::shown::{self, Shown};
use super::text;

/// Columns of a list of proposals.
const FIELDS: &[&str] =
    &["status", "confidence", "current_path", "proposed_folder", "proposed_filename"];
/// Columns of a list of actions.
const ACTION_FIELDS: &[&str] =
    &["rollback_group", "from_path", "to_path", "success", "dry_run", "undone_at", "error"];

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List proposals, newest first
    List {
        /// The store's directory
        store: PathBuf,
        /// Only proposals in this state
        #[arg(long, value_name = "STATE")]
        status: Option<Status>,
        /// Only proposals for files at or below this path
        #[arg(long, value_name = "PATH")]
        root: Option<String>,
        /// Proposals to list at most
        #[arg(long, value_name = "N", default_value_t = 200)]
        limit: usize,
    },
    /// Show a proposal, and what was decided about it
    Show {
        /// The store's directory
        store: PathBuf,
        /// The proposal, for example `organization_proposal:3`
        proposal: String,
    },
    /// List what was done, newest first
    Actions {
        /// The store's directory
        store: PathBuf,
        /// Actions to list at most
        #[arg(long, value_name = "N", default_value_t = 200)]
        limit: usize,
    },
    /// Approve proposals, all or none
    Accept(Decision),
    /// Reject proposals, all or none
    Reject(Decision),
    /// Show where the files of approved proposals would go, or move them there
    Apply(Apply),
    /// Move the files of a group back
    Undo {
        /// The store's directory
        store: PathBuf,
        /// The group; by default the newest that moved anything
        group: Option<String>,
    },
    /// Count proposals, decisions and actions
    Stats {
        /// The store's directory
        store: PathBuf,
    },
}

#[derive(Args, Debug)]
struct Decision {
    /// The store's directory
    store: PathBuf,
    /// The proposals, for example `organization_proposal:3`
    #[arg(required = true, value_name = "PROPOSAL")]
    proposals: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Args, Debug)]
struct Apply {
    /// The store's directory
    store: PathBuf,
    /// The folder below which files go; by default each stays below its own
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Move the files; without this, it is only written down where they would go
    #[arg(long)]
    real: bool,
    /// Proposals to apply at most
    #[arg(long, value_name = "N", default_value_t = 200)]
    limit: usize,
}

/// State of a proposal, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Proposed,
    Approved,
    Rejected,
    Applied,
}

impl From<Status> for OrganizationStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Proposed => Self::Proposed,
            Status::Approved => Self::Approved,
            Status::Rejected => Self::Rejected,
            Status::Applied => Self::Applied,
        }
    }
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::List { store, status, root, limit } => {
            let mut query = ProposalQuery::new().limit(*limit);
            if let Some(status) = status {
                query = query.status((*status).into());
            }
            if let Some(root) = root {
                query = query.root(root);
            }
            looking(store, |tx| show(tx, &tx.organization().list(&query)?, FIELDS, output))
        }
        Action::Show { store, proposal } => {
            looking(store, |tx| show_proposal(tx, found(tx, proposal)?, output))
        }
        Action::Actions { store, limit } => looking(store, |tx| {
            show(tx, &tx.organization().actions(0, *limit)?, ACTION_FIELDS, output)
        }),
        Action::Accept(decision) => changing(&decision.store, |store| {
            let (ids, note) = (decision.ids(&store.read()?)?, decision.note.as_deref());
            store.write(|tx| tx.organization().accept_many(&ids, note))?;
            all_done(output, "approved", &ids)
        }),
        Action::Reject(decision) => changing(&decision.store, |store| {
            let (ids, note) = (decision.ids(&store.read()?)?, decision.note.as_deref());
            store.write(|tx| tx.organization().reject_many(&ids, note))?;
            all_done(output, "rejected", &ids)
        }),
        Action::Apply(apply) => {
            changing(&apply.store, |store| apply_approved(store, apply, output))
        }
        Action::Undo { store, group } => {
            changing(store, |store| undo(store, group.as_deref(), output))
        }
        Action::Stats { store } => {
            looking(store, |tx| show_stats(&tx.organization().stats()?, output))
        }
    }
}

impl Decision {
    fn ids(&self, tx: &ReadTx) -> Result<Vec<NodeId>, Failure> {
        self.proposals.iter().map(|proposal| found(tx, proposal)).collect()
    }
}

/// The proposal that the user names, which must be there.
fn found(tx: &ReadTx, name: &str) -> Result<NodeId, Failure> {
    let id = shown::id_named(tx, name)?;
    match tx.get::<OrganizationProposal>(id)? {
        Some(_) => Ok(id),
        None => Err(Failure::no(format!("there is no proposal {name}"))),
    }
}

fn all_done(output: &mut Output, what: &str, ids: &[NodeId]) -> Result<Answer, Failure> {
    ids.iter().try_for_each(|id| done(output, what, *id).map(drop))?;
    Ok(Answer::Yes)
}

fn show_proposal(tx: &ReadTx, id: NodeId, output: &mut Output) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    struct Whole {
        #[serde(flatten)]
        proposal: Shown,
        feedback: Vec<Shown>,
    }
    let loaded = |id: NodeId| -> Result<Shown, Failure> {
        let shown = Shown::load(tx, id)?;
        shown.ok_or_else(|| Failure::no(format!("there is no record {id}")))
    };
    let feedback = tx.organization().feedback_on(id)?;
    let feedback = feedback.iter().map(|(id, _)| loaded(*id)).collect::<Result<_, Failure>>()?;
    let whole = Whole { proposal: loaded(id)?, feedback };
    if output.is_json() {
        output.json(&whole)?;
        return Ok(Answer::Yes);
    }
    let mut rows = Rows::new([whole.proposal.kind.as_str(), &id.to_string()]);
    for (field, value) in whole.proposal.record.as_object().into_iter().flatten() {
        rows.push([field, &shown::plain(value)]);
    }
    for shown in &whole.feedback {
        let field = |name: &str| shown.record.get(name).map(shown::plain).unwrap_or_default();
        rows.push([field("action"), format!("{} {}", field("created_at"), field("note"))]);
    }
    output.table(&rows)?;
    Ok(Answer::Yes)
}

fn apply_approved(store: &Store, apply: &Apply, output: &mut Output) -> Result<Answer, Failure> {
    settle(store, output)?;
    let root = apply.root.as_ref().map(|root| root.to_string_lossy().into_owned());
    let kind = if apply.real { GroupKind::Real } else { GroupKind::DryRun };
    let query = ProposalQuery::new().status(OrganizationStatus::Approved).limit(apply.limit);
    let group = store.write(|tx| {
        let approved = tx.organization().list(&query)?;
        // Oldest first, so that files are moved in the order in which they were proposed.
        let ids: Vec<NodeId> = approved.into_iter().rev().map(|(id, _)| id).collect();
        tx.organization().begin(&ids, root.as_deref(), kind)
    })?;
    if group.moves.is_empty() {
        output.note("no proposal is approved")?;
        return Ok(Answer::Yes);
    }
    if apply.real {
        return move_files(store, &group, output);
    }
    for step in &group.moves {
        show_move(step, "would move", None, output)?;
    }
    output.note("nothing was moved; --real moves")?;
    Ok(Answer::Yes)
}

fn undo(store: &Store, group: Option<&str>, output: &mut Output) -> Result<Answer, Failure> {
    settle(store, output)?;
    let name = match group {
        Some(name) => name.to_owned(),
        None => newest_group(&store.read()?)?,
    };
    let back = store.write(|tx| tx.organization().begin_undo(&name))?;
    move_files(store, &back, output)
}

/// The newest group with a file that can be moved back, undoing groups aside.
fn newest_group(tx: &ReadTx) -> Result<String, Failure> {
    for name in tx.organization().groups(usize::MAX)? {
        let actions = tx.organization().group(&name)?;
        let can_go_back = actions.iter().any(|(_, action)| {
            action.success == Some(true)
                && action.dry_run == Some(false)
                && action.undone_at.is_none()
                && action.undoes.is_none()
        });
        if can_go_back {
            return Ok(name);
        }
    }
    Err(Failure::no("there is nothing to undo"))
}

/// Writes down how moves ended that another call began and did not live to finish. This call has
/// the store to itself, so nobody is making them now.
fn settle(store: &Store, output: &mut Output) -> Result<(), Failure> {
    let unfinished = store.read()?.organization().unfinished()?;
    for (id, action) in unfinished {
        let path = |path: Option<String>| path.unwrap_or_default();
        let (from, to) = (path(action.from_path), path(action.to_path));
        let moved = match (Path::new(&from).exists(), Path::new(&to).exists()) {
            (false, true) => Moved::Done,
            (true, false) => Moved::Failed("interrupted before it was moved".to_owned()),
            (true, true) => Moved::Failed("interrupted: it may have both names".to_owned()),
            (false, false) => Moved::Failed("interrupted: it is at neither place".to_owned()),
        };
        let what = if moved == Moved::Done { "was moved" } else { "was not moved" };
        output.note(format_args!(
            "an earlier call was interrupted: {} {what}",
            text::escaped(&from)
        ))?;
        store.write(|tx| tx.organization().finish(id, moved))?;
    }
    Ok(())
}

/// Moves the files of a group one by one, and writes down how each move ended.
fn move_files(store: &Store, group: &ActionGroup, output: &mut Output) -> Result<Answer, Failure> {
    let mut is_whole = true;
    for step in &group.moves {
        let error = move_file(Path::new(&step.from), Path::new(&step.to)).err();
        let moved = error.clone().map_or(Moved::Done, Moved::Failed);
        store.write(|tx| tx.organization().finish(step.action, moved))?;
        is_whole &= error.is_none();
        let what = if error.is_none() { "moved" } else { "not moved" };
        show_move(step, what, error.as_deref(), output)?;
    }
    if !output.is_json() {
        output.line(format_args!("group {}", group.name))?;
    }
    Ok(Answer::yes_if(is_whole))
}

/// Moves a file, never over another one.
fn move_file(from: &Path, to: &Path) -> Result<(), String> {
    let failed = |what: &str, error: std::io::Error| format!("cannot {what}: {error}");
    if from == to {
        return Ok(());
    }
    if !from.exists() {
        return Err("the file is not there".to_owned());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|error| failed("make the folder", error))?;
    }
    // A link fails where the name is taken; a rename would replace what has it.
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from).map_err(|error| failed("remove the old name", error)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err("there is a file of that name".to_owned())
        }
        Err(_) if to.exists() => Err("there is a file of that name".to_owned()),
        // A file system without links, or a folder.
        Err(_) => fs::rename(from, to).map_err(|error| failed("move", error)),
    }
}

fn show_move(
    step: &Move,
    what: &str,
    error: Option<&str>,
    output: &mut Output,
) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&serde_json::json!({
            "done": what,
            "proposal": step.proposal,
            "from": step.from,
            "to": step.to,
            "error": error,
        }));
    }
    let (from, to) = (text::escaped(&step.from), text::escaped(&step.to));
    match error {
        Some(error) => output.line(format_args!("{what} {from} -> {to}: {}", text::escaped(error))),
        None => output.line(format_args!("{what} {from} -> {to}")),
    }
}

fn show_stats(stats: &OrganizationStats, output: &mut Output) -> Result<Answer, Failure> {
    if output.is_json() {
        output.json(stats)?;
        return Ok(Answer::Yes);
    }
    let mut rows = Rows::new(["what", "#count"]);
    rows.push(["proposals", &text::count(stats.proposals as u64)]);
    for (status, count) in &stats.proposals_by_status {
        rows.push([&format!("proposals {status}"), &text::count(*count as u64)]);
    }
    for (what, count) in [
        ("feedback", stats.feedback),
        ("actions", stats.actions),
        ("actions tried out", stats.dry_runs),
        ("actions perhaps tried out", stats.dry_run_unknown),
        ("actions undone", stats.undone),
    ] {
        rows.push([what, &text::count(count as u64)]);
    }
    output.table(&rows)?;
    Ok(Answer::Yes)
}
