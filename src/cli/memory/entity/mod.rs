//! `engraph memory entity`: what memories and facts are about.

mod change;
mod look;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use engraph::record::Entity;
use engraph::{NodeId, ReadTx, Timestamp};

use super::{change::Said, time};
use crate::cli::failure::{Answer, Failure};
use crate::cli::output::Output;
use crate::cli::shown;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add an entity, or add to the one of that name and type; what is not given stays
    Add(change::Add),
    /// List entities, oldest first
    List(look::List),
    /// Show an entity, its relations and what was observed of it
    Show(One),
    /// Remember something that was observed of an entity
    Observe {
        /// The store's directory
        store: PathBuf,
        /// The entity, for example `entity:3`, its id in the graph, or one of its names
        entity: String,
        #[command(flatten)]
        said: Said,
    },
    /// State a fact: how two entities are related, and when that holds
    Relate(change::Relate),
    /// Take a relation away
    Unrelate {
        /// The store's directory
        store: PathBuf,
        /// The relation, for example `relation:3`, or its id in the graph
        relation: String,
    },
    /// List the facts of which an entity is the subject, that hold at a time
    Facts {
        #[command(flatten)]
        one: One,
        /// Only facts of this predicate
        #[arg(long, value_name = "NAME")]
        predicate: Option<String>,
        /// The time; now where it is not given
        #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "all")]
        at: Option<Timestamp>,
        /// Facts of all times
        #[arg(long)]
        all: bool,
    },
    /// Suggest which entities may be one, the likeliest first
    Suggest {
        /// The store's directory
        store: PathBuf,
        /// How likely it has to be, 0.5 to 1
        #[arg(long, value_name = "SCORE", default_value_t = 0.8)]
        min: f64,
    },
    /// Say that two entities are two: they are not suggested as one again
    Apart {
        /// The store's directory
        store: PathBuf,
        /// An entity
        one: String,
        /// The other one
        other: String,
    },
    /// Merge an entity into another that it turned out to be; `split` takes that back
    Merge {
        /// The store's directory
        store: PathBuf,
        /// The entity that is kept
        kept: String,
        /// The entity that goes into it
        other: String,
    },
    /// Take an entity out of the one that it was merged into
    Split(One),
    /// Delete an entity and its relations
    Delete(One),
    /// Count entities and relations by type
    Stats {
        /// The store's directory
        store: PathBuf,
    },
}

/// An entity of a store.
#[derive(Args, Debug)]
struct One {
    /// The store's directory
    store: PathBuf,
    /// The entity, for example `entity:3`, its id in the graph, or one of its names
    entity: String,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Add(add) => change::add(add, output),
        Action::List(list) => look::list(list, output),
        Action::Show(one) => look::show(one, output),
        Action::Observe { store, entity, said } => change::observe(store, entity, said, output),
        Action::Relate(relate) => change::relate(relate, output),
        Action::Unrelate { store, relation } => change::unrelate(store, relation, output),
        Action::Facts { one, predicate, at, all } => {
            let at = if *all { look::Held::Ever } else { look::Held::At(*at) };
            look::facts(one, predicate.as_deref(), at, output)
        }
        Action::Suggest { store, min } => look::suggest(store, *min, output),
        Action::Apart { store, one, other } => change::apart(store, (one, other), output),
        Action::Merge { store, kept, other } => change::merge(store, (kept, other), output),
        Action::Split(one) => change::split(one, output),
        Action::Delete(one) => change::delete(one, output),
        Action::Stats { store } => look::stats(store, output),
    }
}

/// The entity that the user names by its id in the graph, its id, or a name of it: of one that was
/// merged the one that it turned out to be, where a name is given.
fn found(tx: &ReadTx, name: &str) -> Result<NodeId, Failure> {
    found_by(tx, name, |name| tx.entities().resolve(name))
}

/// The same, but one that was merged is itself.
fn found_itself(tx: &ReadTx, name: &str) -> Result<NodeId, Failure> {
    found_by(tx, name, |name| match tx.entities().find_by_name(name)? {
        Some(found) => Ok(Some(found)),
        None => tx.entities().resolve(name),
    })
}

fn found_by(
    tx: &ReadTx,
    name: &str,
    by_name: impl Fn(&str) -> engraph::Result<Option<(NodeId, Entity)>>,
) -> Result<NodeId, Failure> {
    if let Some((id, _)) = tx.entities().find(name)? {
        return Ok(id);
    }
    if let Ok(id) = shown::id_named(tx, name)
        && tx.entities().get(id)?.is_some()
    {
        return Ok(id);
    }
    let gone = || Failure::no(format!("there is no entity {name}"));
    by_name(name)?.map(|(id, _)| id).ok_or_else(gone)
}
