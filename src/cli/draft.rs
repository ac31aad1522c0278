//! `engraph draft`: memories that wait for a look: begun, shown as a difference, merged or dropped.

use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use engraph::family::{DraftChange, OnConflict};
use engraph::record::Memory;
use engraph::{NodeId, ReadTx};

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::records::{changing, done, looking, show};
use super::{shown, text};

/// Widest cell of a table, in characters.
const CELL_MAX: usize = 40;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Begin a draft
    Begin {
        /// The store's directory
        store: PathBuf,
        /// Its name
        name: String,
        /// Who begins it
        #[arg(long, value_name = "NAME")]
        author: Option<String>,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// List drafts
    List {
        /// The store's directory
        store: PathBuf,
    },
    /// Draft a new memory; its content is read from standard input
    Add {
        /// The store's directory
        store: PathBuf,
        /// Name of the draft
        draft: String,
        /// Namespace of the memory
        #[arg(long, value_name = "NAME")]
        namespace: String,
        /// Its name within the namespace
        #[arg(long, value_name = "NAME")]
        key: String,
        /// Who remembers it
        #[arg(long, value_name = "NAME")]
        agent: Option<String>,
    },
    /// Draft another content of a memory; it is read from standard input
    Change {
        /// The store's directory
        store: PathBuf,
        /// Name of the draft
        draft: String,
        /// The memory, for example `memory:3`
        memory: String,
    },
    /// Draft that a memory is deleted
    Delete {
        /// The store's directory
        store: PathBuf,
        /// Name of the draft
        draft: String,
        /// The memory, for example `memory:3`
        memory: String,
    },
    /// Show what a draft would change
    Show {
        /// The store's directory
        store: PathBuf,
        /// Name of the draft
        draft: String,
    },
    /// Make the changes of a draft, all or none
    Merge {
        /// The store's directory
        store: PathBuf,
        /// Name of the draft
        draft: String,
        /// Who says so
        #[arg(long, value_name = "NAME")]
        author: String,
        /// Also where somebody has changed the same since
        #[arg(long)]
        overwrite: bool,
    },
    /// Throw the changes of a draft away
    Drop {
        /// The store's directory
        store: PathBuf,
        /// Name of the draft
        draft: String,
        /// Who says so
        #[arg(long, value_name = "NAME")]
        author: String,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Begin { store, name, author, description } => changing(store, |store| {
            let (author, description) = (author.as_deref(), description.as_deref());
            let id = store.write(|tx| tx.drafts().begin(name, author, description))?;
            done(output, "begun", id)
        }),
        Action::List { store } => looking(store, |tx| {
            const FIELDS: &[&str] = &["name", "status", "created_at", "author", "decided_by"];
            show(tx, &tx.drafts().list()?, FIELDS, output)
        }),
        Action::Add { store, draft, namespace, key, agent } => changing(store, |store| {
            let draft = named(&store.read()?, draft)?;
            let memory = Memory {
                namespace: namespace.clone(),
                key: key.clone(),
                agent_id: agent.clone(),
                content: given()?,
                ..Memory::default()
            };
            let id = store.write(|tx| tx.drafts().add(draft, &memory))?;
            done(output, "drafted", id)
        }),
        Action::Change { store, draft, memory } => changing(store, |store| {
            let tx = store.read()?;
            let (draft, memory) = (named(&tx, draft)?, shown::id_named(&tx, memory)?);
            let now = tx.get::<Memory>(memory)?;
            drop(tx);
            let now = now.ok_or_else(|| Failure::no(format!("there is no memory {memory}")))?;
            let after = Memory { content: given()?, ..now };
            let id = store.write(|tx| tx.drafts().change(draft, memory, &after))?;
            done(output, "drafted", id)
        }),
        Action::Delete { store, draft, memory } => changing(store, |store| {
            let tx = store.read()?;
            let (draft, memory) = (named(&tx, draft)?, shown::id_named(&tx, memory)?);
            drop(tx);
            let id = store.write(|tx| tx.drafts().delete(draft, memory))?;
            done(output, "drafted", id)
        }),
        Action::Show { store, draft } => looking(store, |tx| {
            let changes = tx.drafts().changes(named(tx, draft)?)?;
            show_changes(&changes, output)
        }),
        Action::Merge { store, draft, author, overwrite } => changing(store, |store| {
            let draft = named(&store.read()?, draft)?;
            let mode = if *overwrite { OnConflict::Overwrite } else { OnConflict::Refuse };
            let merged = store.write(|tx| tx.drafts().merge(draft, author, mode))?;
            if output.is_json() {
                output.json(&merged)?;
            } else {
                output.line(format_args!(
                    "{} added, {} changed, {} deleted",
                    text::count(merged.added.len() as u64),
                    text::count(merged.changed.len() as u64),
                    text::count(merged.deleted.len() as u64),
                ))?;
            }
            Ok(Answer::Yes)
        }),
        Action::Drop { store, draft, author } => changing(store, |store| {
            let draft = named(&store.read()?, draft)?;
            store.write(|tx| tx.drafts().drop_draft(draft, author))?;
            done(output, "dropped", draft)
        }),
    }
}

fn named(tx: &ReadTx, name: &str) -> Result<NodeId, Failure> {
    let found = tx.drafts().find(name)?;
    found.map(|(id, _)| id).ok_or_else(|| Failure::no(format!("there is no draft {name:?}")))
}

/// Standard input, without the end of its last line.
fn given() -> Result<String, Failure> {
    let mut content = String::new();
    std::io::stdin()
        .read_to_string(&mut content)
        .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
    let end = content.trim_end_matches(['\r', '\n']).len();
    content.truncate(end);
    Ok(content)
}

fn show_changes(changes: &[DraftChange], output: &mut Output) -> Result<Answer, Failure> {
    let mut rows = Rows::new(["change", "what", "memory", "key", "field", "before", "after"]);
    for change in changes {
        if output.is_json() {
            output.json(change)?;
            continue;
        }
        let memory = change.memory.map(|id| id.to_string()).unwrap_or_default();
        let key = text::shortened(&change.key, CELL_MAX);
        let mut row = |field: &str, before: &str, after: &str| {
            let action = change.action.as_str();
            rows.push([&change.id.to_string(), action, &memory, &key, field, before, after]);
        };
        for field in &change.fields {
            let [before, after] = [&field.before, &field.after]
                .map(|value| text::shortened(&shown::plain(value), CELL_MAX));
            row(&field.field, &before, &after);
        }
        if change.fields.is_empty() {
            row("", "", "");
        }
        if let Some(conflict) = &change.conflict {
            row("(conflict)", "", conflict);
        }
    }
    if output.is_json() {
        return Ok(Answer::Yes);
    }
    if changes.is_empty() {
        output.note("there are none")?;
    } else {
        output.table(&rows)?;
    }
    Ok(Answer::Yes)
}
