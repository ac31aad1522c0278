//! `engraph memory retire`, `outdated`, `link`, `share`.

use std::path::PathBuf;

use clap::Args;
use engraph::family::{Basis, NewCodeLink};

use super::found;
use super::look::Asked;
use crate::cli::failure::{Answer, Failure};
use crate::cli::output::{Output, Rows};
use crate::cli::records::{changing, done, looking};
use crate::cli::text;

/// Widest value in a table, in characters.
const CELL_MAX: usize = 40;

#[derive(Args, Debug)]
pub(super) struct Retire {
    /// The store's directory
    store: PathBuf,
    /// The memory, for example `memory:3`, or its record id
    memory: String,
    /// The newer memory that takes its place
    #[arg(long, value_name = "MEMORY", conflicts_with = "undo")]
    by: Option<String>,
    /// Take back that it was retired
    #[arg(long)]
    undo: bool,
}

pub(super) fn retire(retire: &Retire, output: &mut Output) -> Result<Answer, Failure> {
    changing(&retire.store, |store| {
        let tx = store.read()?;
        let (id, _) = found(&tx, &retire.memory)?;
        if let Some(newer) = &retire.by {
            let (newer, _) = found(&tx, newer)?;
            store.write(|tx| tx.memories().supersede(id, newer))?;
            return done(output, "retired", id);
        }
        let (is_changed, what) = if retire.undo {
            (store.write(|tx| tx.memories().reinstate(id))?, "reinstated")
        } else {
            (store.write(|tx| tx.memories().retire(id))?, "retired")
        };
        if is_changed {
            return done(output, what, id);
        }
        let state = if retire.undo { "not retired" } else { "retired before" };
        Err(Failure::no(format!("memory {id} was {state}")))
    })
}

#[derive(Args, Debug)]
pub(super) struct Outdated {
    /// The store's directory
    store: PathBuf,
    #[command(flatten)]
    asked: Asked,
}

pub(super) fn outdated(outdated: &Outdated, output: &mut Output) -> Result<Answer, Failure> {
    looking(&outdated.store, |tx| {
        let found = tx.memories().outdated(&outdated.asked.query())?;
        let mut rows = Rows::new(["older", "newer", "by", "subject", "before", "after"]);
        for pair in &found {
            if output.is_json() {
                output.json(pair)?;
                continue;
            }
            let by = match pair.basis {
                Basis::Key => "key",
                Basis::Fact => "fact",
                _ => "frame",
            };
            let cut = |value: &str| text::shortened(value, CELL_MAX);
            rows.push([
                pair.older.to_string(),
                pair.newer.to_string(),
                by.to_owned(),
                cut(&pair.subject),
                cut(&pair.before),
                cut(&pair.after),
            ]);
        }
        if found.is_empty() {
            output.note("nothing seems to be out of date")?;
        } else if !output.is_json() {
            output.table(&rows)?;
        }
        Ok(Answer::Yes)
    })
}

#[derive(Args, Debug)]
pub(super) struct Link {
    /// The store's directory
    store: PathBuf,
    /// The memory, for example `memory:3`, or its record id
    memory: String,
    /// The file's path, any text
    path: String,
    /// How they are related
    #[arg(long, value_name = "NAME", default_value = "references")]
    relation: String,
    /// How sure it is, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    confidence: f64,
    /// Who says so
    #[arg(long, value_name = "NAME", default_value = "system")]
    source: String,
    /// Take the link away instead
    #[arg(long)]
    remove: bool,
}

pub(super) fn link(link: &Link, output: &mut Output) -> Result<Answer, Failure> {
    changing(&link.store, |store| {
        let tx = store.read()?;
        let (id, _) = found(&tx, &link.memory)?;
        if link.remove {
            let links = tx.memories().files_of(id, usize::MAX)?;
            let known = links.into_iter().find(|(_, known)| {
                known.file_path == link.path && known.relation_type == link.relation
            });
            let gone = || Failure::no(format!("memory {id} has no such link"));
            let (row, _) = known.ok_or_else(gone)?;
            store.write(|tx| tx.memories().unlink_file(row))?;
            return done(output, "unlinked", id);
        }
        let new = NewCodeLink::new(&*link.path)
            .relation(&*link.relation)
            .confidence(link.confidence)
            .source(&*link.source);
        store.write(|tx| tx.memories().link_file(id, new))?;
        done(output, "linked", id)
    })
}

#[derive(Args, Debug)]
pub(super) struct Share {
    /// The store's directory
    store: PathBuf,
    /// The memory, for example `memory:3`, or its record id
    memory: String,
    /// The agent
    agent: String,
    /// How much it matters to the agent, 0 to 1
    #[arg(long, value_name = "SHARE")]
    relevance: Option<f64>,
    /// Take it back instead
    #[arg(long)]
    remove: bool,
}

pub(super) fn share(share: &Share, output: &mut Output) -> Result<Answer, Failure> {
    changing(&share.store, |store| {
        let (id, _) = found(&store.read()?, &share.memory)?;
        if share.remove {
            if store.write(|tx| tx.memories().unshare(id, &share.agent))? {
                return done(output, "unshared", id);
            }
            return Err(Failure::no(format!("the agent was not shown memory {id}")));
        }
        store.write(|tx| tx.memories().share(id, &share.agent, share.relevance))?;
        done(output, "shared", id)
    })
}
