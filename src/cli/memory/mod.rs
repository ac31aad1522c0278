//! `engraph memory`: what agents know, how it came about, and what waits for a decision.

mod change;
mod condense;
mod entity;
mod exchange;
mod look;
mod relate;
mod review;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use engraph::family::{OnNear, OnSameKey};
use engraph::record::Memory;
use engraph::{NodeId, ReadTx, Timestamp};

use super::failure::{Answer, Failure};
use super::output::Output;
use super::{forget, recall, shown, undo};

/// Columns of a list of memories.
const FIELDS: &[&str] = &["namespace", "key", "memory_type", "content", "updated_at"];

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Remember something; a newer memory of the same key takes the older one's place
    Add(change::Add),
    /// List memories, those that were updated last first
    List(look::List),
    /// Show a memory, its links, and whom it was shown to
    Show(One),
    /// List what a memory said before, and the memories whose place it took
    History(One),
    /// Change a memory
    Update(change::Update),
    /// Delete memories with what belongs to them
    Delete {
        /// The store's directory
        store: PathBuf,
        /// The memories, for example `memory:3`, or their record ids
        #[arg(required = true, value_name = "MEMORY")]
        memories: Vec<String>,
    },
    /// Retire a memory, or let another one take its place
    Retire(relate::Retire),
    /// Suggest which memories are out of date, from their form alone
    Outdated(relate::Outdated),
    /// Sum memories up: these, or each group of those that say alike
    #[command(visible_alias = "summarize")]
    Summarise(condense::Summarise),
    /// Put memories together by what they say, each cluster around one memory
    Clusters(condense::Clusters),
    /// Look after entities: names, facts, what was observed, which ones are one
    Entity(entity::Arguments),
    /// Link a memory to a file of code, or take the link away
    Link(relate::Link),
    /// Show a memory to an agent, or take that back
    Share(relate::Share),
    #[command(flatten)]
    Recall(recall::Action),
    /// Let memories go by rules, and forbid that
    Forget(forget::Arguments),
    /// Put earlier values back
    Undo(undo::Arguments),
    /// Look at proposed memories and decide
    Review(review::Arguments),
    /// Count memories
    Stats {
        /// The store's directory
        store: PathBuf,
    },
    /// Take memories in from a JSON file
    Import(exchange::Import),
    /// Give memories out as JSON
    Export(exchange::Export),
}

/// A memory of a store.
#[derive(Args, Debug)]
struct One {
    /// The store's directory
    store: PathBuf,
    /// The memory, for example `memory:3`, or its record id
    memory: String,
}

/// What becomes of a memory whose key is taken, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SameKey {
    /// It takes the older one's place, which is retired
    Supersede,
    /// It is written into the older one
    Update,
    /// It is one more
    Add,
}

impl From<SameKey> for OnSameKey {
    fn from(policy: SameKey) -> Self {
        match policy {
            SameKey::Supersede => Self::Supersede,
            SameKey::Update => Self::Update,
            SameKey::Add => Self::Add,
        }
    }
}

/// What becomes of a memory that is nearly there, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Near {
    /// It is kept; nothing is compared
    Keep,
    /// It is kept and linked to the others
    Link,
    /// It goes into the other one
    Merge,
}

impl From<Near> for OnNear {
    fn from(policy: Near) -> Self {
        match policy {
            Near::Keep => Self::Keep,
            Near::Link => Self::Link,
            Near::Merge => Self::Merge,
        }
    }
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Add(add) => change::add(add, output),
        Action::List(list) => look::list(list, output),
        Action::Show(one) => look::show(one, output),
        Action::History(one) => look::history(one, output),
        Action::Update(update) => change::update(update, output),
        Action::Delete { store, memories } => change::delete(store, memories, output),
        Action::Retire(retire) => relate::retire(retire, output),
        Action::Outdated(outdated) => relate::outdated(outdated, output),
        Action::Summarise(summarise) => condense::summarise(summarise, output),
        Action::Clusters(clusters) => condense::clusters(clusters, output),
        Action::Entity(entity) => entity::run(entity, output),
        Action::Link(link) => relate::link(link, output),
        Action::Share(share) => relate::share(share, output),
        Action::Recall(action) => recall::run(action, output),
        Action::Forget(forget) => forget::run(forget, output),
        Action::Undo(undo) => undo::run(undo, output),
        Action::Review(review) => review::run(review, output),
        Action::Stats { store } => look::stats(store, output),
        Action::Import(import) => exchange::import(import, output),
        Action::Export(export) => exchange::export(export, output),
    }
}

/// The memory that the user names by its record id or its id, which must be there.
fn found(tx: &ReadTx, name: &str) -> Result<(NodeId, Memory), Failure> {
    if let Some(found) = tx.memories().find(name)? {
        return Ok(found);
    }
    let gone = || Failure::no(format!("there is no memory {name}"));
    // Record ids are any text: what is no id is a record id that nothing has.
    let Ok(id) = shown::id_named(tx, name) else { return Err(gone()) };
    tx.memories().get(id)?.map(|memory| (id, memory)).ok_or_else(gone)
}

/// A time as it is given on the command line.
fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error: engraph::Error| error.to_string())
}
