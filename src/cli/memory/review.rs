//! `engraph memory review`: proposed memories, and what is decided about them.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use engraph::family::{
    MemoryFlag, MemoryProposalQuery, NeedsProvenance, NewMemoryProposal, ProposedMemory,
    ReviewPolicy,
};
use engraph::record::{MemoryProposal, MemoryProposalStatus};
use engraph::{Json, NodeId, ReadTx};

use super::change::correction;
use super::relate;
use crate::cli::failure::{Answer, Failure};
use crate::cli::output::{Output, Rows};
use crate::cli::records::{changing, done, looking, show};
use crate::cli::{shown, text};

/// Columns of a list of proposals.
const FIELDS: &[&str] = &["status", "namespace", "key", "content", "confidence", "flags"];

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
        #[arg(long, value_name = "STATE", default_value = "pending", conflicts_with = "all")]
        status: Status,
        /// Proposals in any state
        #[arg(long)]
        all: bool,
        /// Only proposals with this flag
        #[arg(long, value_name = "FLAG")]
        flag: Option<Flag>,
        /// Only proposals with any flag
        #[arg(long)]
        flagged: bool,
        /// Proposals to list at most
        #[arg(long, value_name = "N", default_value_t = 200)]
        limit: usize,
    },
    /// Propose a memory
    Propose(Propose),
    /// Approve a proposal: it becomes a memory and a term
    Approve(Approve),
    /// Reject a proposal; a memory that it became stays
    Reject {
        /// The store's directory
        store: PathBuf,
        /// The proposal, for example `memory_proposal:3`
        proposal: String,
    },
    /// Delete a proposal
    Delete {
        /// The store's directory
        store: PathBuf,
        /// The proposal, for example `memory_proposal:3`
        proposal: String,
        /// Delete the memory that it became too
        #[arg(long)]
        with_memory: bool,
    },
    /// Suggest which memories are out of date, from their form alone: as `memory outdated`
    Suggest(relate::Outdated),
    /// Say that two memories both hold: neither is suggested to replace the other again
    Keep {
        /// The store's directory
        store: PathBuf,
        /// A memory, for example `memory:3`, or its record id
        one: String,
        /// The other one
        other: String,
    },
    /// Count proposals by state and flag
    Stats {
        /// The store's directory
        store: PathBuf,
    },
}

#[derive(Args, Debug)]
struct Propose {
    /// The store's directory
    store: PathBuf,
    /// Where it would belong
    namespace: String,
    /// Its name within the namespace
    key: String,
    /// What would be remembered
    content: String,
    /// What it is about
    #[arg(long = "type", value_name = "TYPE", default_value = "entity")]
    memory_type: String,
    /// Who proposes it
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// What else is known, a JSON object
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// How sure it is, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    confidence: f64,
    /// How much it matters, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    importance: f64,
    /// Store it without a decision from this confidence on; by default it waits
    #[arg(long, value_name = "SHARE")]
    approve_from: Option<f64>,
    /// Take it without provenance, whatever it claims
    #[arg(long)]
    without_provenance: bool,
}

#[derive(Args, Debug)]
struct Approve {
    /// The store's directory
    store: PathBuf,
    /// The proposal, for example `memory_proposal:3`
    proposal: String,
    /// What is remembered instead
    #[arg(long, value_name = "TEXT")]
    content: Option<String>,
    /// Fields of the metadata to set, a JSON object
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// How much it matters, 0 to 1
    #[arg(long, value_name = "SHARE")]
    importance: Option<f64>,
    /// How sure it is, 0 to 1
    #[arg(long, value_name = "SHARE")]
    confidence: Option<f64>,
    /// Where the term applies, if the proposal does not say it
    #[arg(long, value_name = "NAME")]
    jurisdiction: Option<String>,
}

/// State of a proposal, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Pending,
    Approved,
    Rejected,
}

impl From<Status> for MemoryProposalStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Approved => Self::Approved,
            Status::Rejected => Self::Rejected,
        }
    }
}

/// A flag, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Flag {
    LowConfidence,
    HighImpact,
    Sensitive,
    Conflict,
}

impl From<Flag> for MemoryFlag {
    fn from(flag: Flag) -> Self {
        match flag {
            Flag::LowConfidence => Self::LowConfidence,
            Flag::HighImpact => Self::HighImpact,
            Flag::Sensitive => Self::Sensitive,
            Flag::Conflict => Self::Conflict,
        }
    }
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::List { store, status, all, flag, flagged, limit } => {
            let mut query = MemoryProposalQuery::new().limit(*limit);
            if !all {
                query = query.status((*status).into());
            }
            if let Some(flag) = flag {
                query = query.flag((*flag).into());
            }
            if *flagged {
                query = query.flagged();
            }
            looking(store, |tx| show(tx, &tx.memories().proposals(&query)?, FIELDS, output))
        }
        Action::Propose(new) => propose(new, output),
        Action::Approve(one) => approve(one, output),
        Action::Reject { store, proposal } => changing(store, |store| {
            let id = found(&store.read()?, proposal)?;
            store.write(|tx| tx.memories().reject(id))?;
            done(output, "rejected", id)
        }),
        Action::Delete { store, proposal, with_memory } => changing(store, |store| {
            let id = found(&store.read()?, proposal)?;
            let memory = if *with_memory { ProposedMemory::Goes } else { ProposedMemory::Stays };
            store.write(|tx| tx.memories().delete_proposal(id, memory))?;
            done(output, "deleted", id)
        }),
        Action::Suggest(outdated) => relate::outdated(outdated, output),
        Action::Keep { store, one, other } => changing(store, |store| {
            let tx = store.read()?;
            let ((one, _), (other, _)) = (super::found(&tx, one)?, super::found(&tx, other)?);
            store.write(|tx| tx.memories().keep_both(one, other))?;
            done(output, "kept", one)?;
            done(output, "kept", other)
        }),
        Action::Stats { store } => show_stats(store, output),
    }
}

fn propose(new: &Propose, output: &mut Output) -> Result<Answer, Failure> {
    let mut proposal = NewMemoryProposal::new(&*new.namespace, &*new.key, &*new.content)
        .memory_type(&*new.memory_type)
        .confidence(new.confidence)
        .importance(new.importance);
    if let Some(agent) = &new.agent {
        proposal = proposal.agent(agent);
    }
    if let Some(metadata) = &new.metadata {
        proposal = proposal.metadata(Json::from_text(&**metadata)?);
    }
    let mut policy = ReviewPolicy::new().approved_from(new.approve_from);
    if new.without_provenance {
        policy = policy.needs_provenance(NeedsProvenance::Never);
    }
    changing(&new.store, |store| {
        let proposed = store.write(|tx| tx.memories().propose(proposal, &policy))?;
        if output.is_json() {
            output.json(&serde_json::json!({
                "done": "proposed",
                "id": proposed.id,
                "flags": proposed.flags,
                "memory": proposed.memory,
            }))?;
            return Ok(Answer::Yes);
        }
        output.line(format_args!("proposed {}", proposed.id))?;
        for flag in &proposed.flags {
            output.note(format_args!("flagged: {}", flag.as_str()))?;
        }
        if let Some(memory) = proposed.memory {
            output.line(format_args!("stored {memory}"))?;
        }
        Ok(Answer::Yes)
    })
}

fn approve(one: &Approve, output: &mut Output) -> Result<Answer, Failure> {
    let correction = correction(
        one.content.as_deref(),
        one.metadata.as_deref(),
        one.importance,
        one.confidence,
    )?;
    let mut policy = ReviewPolicy::new();
    if let Some(jurisdiction) = &one.jurisdiction {
        policy = policy.jurisdiction(jurisdiction);
    }
    changing(&one.store, |store| {
        let id = found(&store.read()?, &one.proposal)?;
        let approved = store.write(|tx| tx.memories().approve(id, &correction, &policy))?;
        if output.is_json() {
            output.json(&serde_json::json!({
                "done": "approved",
                "id": id,
                "memory": approved.memory,
                "term": approved.term,
            }))?;
            return Ok(Answer::Yes);
        }
        output.line(format_args!("approved {id}"))?;
        for (what, made) in [("memory", approved.memory), ("term", approved.term)] {
            if let Some(made) = made {
                output.line(format_args!("{what} {made}"))?;
            }
        }
        Ok(Answer::Yes)
    })
}

fn show_stats(store: &Path, output: &mut Output) -> Result<Answer, Failure> {
    looking(store, |tx| {
        let stats = tx.memories().proposal_stats()?;
        if output.is_json() {
            output.json(&stats)?;
            return Ok(Answer::Yes);
        }
        let mut rows = Rows::new(["what", "#count"]);
        rows.push(["proposals", &text::count(stats.total)]);
        for (name, count) in stats.by_status.iter().chain(&stats.flags) {
            rows.push([name, &text::count(*count)]);
        }
        output.table(&rows)?;
        Ok(Answer::Yes)
    })
}

/// The proposal that the user names, which must be there.
fn found(tx: &ReadTx, name: &str) -> Result<NodeId, Failure> {
    let id = shown::id_named(tx, name)?;
    match tx.get::<MemoryProposal>(id)? {
        Some(_) => Ok(id),
        None => Err(Failure::no(format!("there is no proposal {name}"))),
    }
}
