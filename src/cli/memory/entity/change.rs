//! `engraph memory entity add`, `observe`, `relate`, `merge` and what else changes something.

use std::path::{Path, PathBuf};

use clap::Args;
use engraph::entity::NewFact;
use engraph::record::Entity;
use engraph::{Json, Timestamp};

use super::{One, Said, found, found_itself, time};
use crate::cli::failure::{Answer, Failure};
use crate::cli::output::Output;
use crate::cli::records::{changing, done};
use crate::cli::{shown, text};

#[derive(Args, Debug)]
pub(super) struct Add {
    /// The store's directory
    store: PathBuf,
    /// Its name
    name: String,
    /// What it is, for example Person
    #[arg(value_name = "TYPE")]
    entity_type: String,
    /// Another name of it; may be given again
    #[arg(long = "alias", value_name = "NAME")]
    aliases: Vec<String>,
    /// Text about it
    #[arg(long, value_name = "TEXT")]
    content: Option<String>,
    /// What it is, in a few words
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Where it applies
    #[arg(long, value_name = "NAME")]
    jurisdiction: Option<String>,
    /// What else is known, a JSON object
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// How much it matters, 0 to 1
    #[arg(long, value_name = "SHARE")]
    importance: Option<f64>,
    /// How sure it is, 0 to 1
    #[arg(long, value_name = "SHARE")]
    confidence: Option<f64>,
}

pub(super) fn add(add: &Add, output: &mut Output) -> Result<Answer, Failure> {
    let entity = Entity {
        aliases: add.aliases.clone(),
        content: add.content.clone(),
        description: add.description.clone(),
        jurisdiction: add.jurisdiction.clone(),
        metadata: add.metadata.as_deref().map(Json::from_text).transpose()?,
        importance_score: add.importance,
        confidence_score: add.confidence,
        ..Entity::named(&*add.name, &*add.entity_type)
    };
    changing(&add.store, |store| {
        let id = store.write(|tx| tx.entities().upsert(&entity))?;
        done(output, "kept", id)
    })
}

pub(super) fn observe(
    store: &Path,
    entity: &str,
    said: &Said,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let new = said.memory()?;
    changing(store, |store| {
        let entity = found(&store.read()?, entity)?;
        let id = store.write(|tx| tx.memories().observe(entity, new))?;
        done(output, "observed", id)
    })
}

#[derive(Args, Debug)]
pub(super) struct Relate {
    /// The store's directory
    store: PathBuf,
    /// The entity that the fact is about: its id, or one of its names
    subject: String,
    /// How they are related
    predicate: String,
    /// The entity that it is related to
    object: String,
    /// Since when it holds
    #[arg(long, value_name = "TIME", value_parser = time)]
    valid_from: Option<Timestamp>,
    /// Until when it holds, that time excluded
    #[arg(long, value_name = "TIME", value_parser = time)]
    valid_to: Option<Timestamp>,
    /// How sure it is, 0 to 1
    #[arg(long, value_name = "SHARE")]
    confidence: Option<f64>,
    /// The subject has one object at a time: what held until then ends
    #[arg(long)]
    only: bool,
}

pub(super) fn relate(relate: &Relate, output: &mut Output) -> Result<Answer, Failure> {
    changing(&relate.store, |store| {
        let tx = store.read()?;
        let (subject, object) = (found(&tx, &relate.subject)?, found(&tx, &relate.object)?);
        let mut fact = NewFact::new(subject, &*relate.predicate, object);
        if let Some(from) = relate.valid_from {
            fact = fact.valid_from(from);
        }
        if let Some(to) = relate.valid_to {
            fact = fact.valid_to(to);
        }
        if let Some(confidence) = relate.confidence {
            fact = fact.confidence(confidence);
        }
        if relate.only {
            fact = fact.only();
        }
        let id = store.write(|tx| tx.entities().state(fact))?;
        done(output, "stated", id)
    })
}

pub(super) fn unrelate(
    store: &Path,
    relation: &str,
    output: &mut Output,
) -> Result<Answer, Failure> {
    changing(store, |store| {
        let tx = store.read()?;
        let id = match tx.entities().find_relation(relation)? {
            Some((id, _)) => id,
            None => shown::id_named(&tx, relation)?,
        };
        if store.write(|tx| tx.entities().delete_relation(id))? {
            return done(output, "deleted", id);
        }
        Err(Failure::no(format!("there is no relation {relation}")))
    })
}

pub(super) fn apart(
    store: &Path,
    (one, other): (&str, &str),
    output: &mut Output,
) -> Result<Answer, Failure> {
    changing(store, |store| {
        let tx = store.read()?;
        let (one, other) = (found_itself(&tx, one)?, found_itself(&tx, other)?);
        store.write(|tx| tx.entities().keep_apart(one, other))?;
        if output.is_json() {
            output.json(&serde_json::json!({ "done": "kept apart", "id": one, "other": other }))?;
        } else {
            output.line(format_args!("kept {one} and {other} apart"))?;
        }
        Ok(Answer::Yes)
    })
}

pub(super) fn merge(
    store: &Path,
    (kept, other): (&str, &str),
    output: &mut Output,
) -> Result<Answer, Failure> {
    changing(store, |store| {
        let tx = store.read()?;
        // Names of what was merged before would lead to the kept one, and into itself.
        let (kept, other) = (found(&tx, kept)?, found_itself(&tx, other)?);
        let moved = store.write(|tx| tx.entities().merge(kept, other))?;
        if output.is_json() {
            output.json(&serde_json::json!({
                "done": "merged", "id": kept, "other": other, "moved": moved
            }))?;
        } else {
            let ends = text::counted(moved as u64, "end");
            output.line(format_args!("merged {other} into {kept}, with {ends} of relations"))?;
        }
        Ok(Answer::Yes)
    })
}

pub(super) fn split(one: &One, output: &mut Output) -> Result<Answer, Failure> {
    changing(&one.store, |store| {
        let id = found_itself(&store.read()?, &one.entity)?;
        let moved = store.write(|tx| tx.entities().unmerge(id))?;
        if output.is_json() {
            output.json(&serde_json::json!({ "done": "split", "id": id, "moved": moved }))?;
        } else {
            let ends = text::counted(moved as u64, "end");
            output.line(format_args!("split {id} off, with {ends} of relations"))?;
        }
        Ok(Answer::Yes)
    })
}

pub(super) fn delete(one: &One, output: &mut Output) -> Result<Answer, Failure> {
    changing(&one.store, |store| {
        let id = found_itself(&store.read()?, &one.entity)?;
        let relations = store.write(|tx| tx.entities().delete(id))?.unwrap_or_default();
        if output.is_json() {
            let deleted =
                serde_json::json!({ "done": "deleted", "id": id, "relations": relations });
            output.json(&deleted)?;
        } else {
            let relations = text::counted(relations, "relation");
            output.line(format_args!("deleted {id} and {relations}"))?;
        }
        Ok(Answer::Yes)
    })
}
