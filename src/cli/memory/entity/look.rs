//! `engraph memory entity list`, `show`, `facts`, `suggest`, `stats`.

use std::path::{Path, PathBuf};

use clap::Args;
use engraph::graph::Direction;
use engraph::record::{Entity, Memory, Relation};
use engraph::{NodeId, ReadTx, Timestamp};
use serde::Serialize;

use super::{One, found};
use crate::cli::failure::{Answer, Failure};
use crate::cli::output::{Output, Rows};
use crate::cli::records::{self, looking};
use crate::cli::shown::{self, Shown};
use crate::cli::text;

/// Columns of a list of entities.
const FIELDS: &[&str] = &["entity_id", "name", "entity_type", "aliases", "merged_into"];
/// Widest name or content in a table, in characters.
const CELL_MAX: usize = 40;

#[derive(Args, Debug)]
pub(super) struct List {
    /// The store's directory
    store: PathBuf,
    /// Only entities of this type, by name
    #[arg(long = "type", value_name = "TYPE", conflicts_with = "after")]
    entity_type: Option<String>,
    /// Begin behind this entity
    #[arg(long, value_name = "ENTITY")]
    after: Option<String>,
    /// Entities to list at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

pub(super) fn list(list: &List, output: &mut Output) -> Result<Answer, Failure> {
    looking(&list.store, |tx| {
        let entities = tx.entities();
        let listed: Vec<(NodeId, Entity)> = if let Some(entity_type) = &list.entity_type {
            let rows = entities.of_type(entity_type)?.take(list.limit);
            rows.collect::<Result<_, engraph::Error>>()?
        } else {
            let after = list.after.as_deref().map(|after| shown::id_named(tx, after));
            entities.list(after.transpose()?, list.limit)?
        };
        records::show(tx, &listed, FIELDS, output)
    })
}

pub(super) fn show(one: &One, output: &mut Output) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    struct Whole {
        #[serde(flatten)]
        entity: Shown,
        relations: Vec<Fact>,
        observations: Vec<Shown>,
    }
    looking(&one.store, |tx| {
        let id = found(tx, &one.entity)?;
        let gone = || Failure::no(format!("there is no entity {id}"));
        let entity = Shown::load(tx, id)?.ok_or_else(gone)?;
        let relations = facts_of(tx, tx.entities().relations_of(id, Direction::Both)?)?;
        let observed = tx.memories().observations(id)?;
        if output.is_json() {
            let observed = observed.iter().map(|(id, memory)| {
                Shown::new(tx, *id, serde_json::to_value(memory).unwrap_or_default())
            });
            let observations = observed.collect();
            output.json(&Whole { entity, relations, observations })?;
            return Ok(Answer::Yes);
        }
        let mut rows = Rows::new([entity.kind.as_str(), &id.to_string()]);
        for (field, value) in entity.record.as_object().into_iter().flatten() {
            rows.push([field, &shown::plain(value)]);
        }
        output.table(&rows)?;
        if !relations.is_empty() {
            output.line("")?;
            show_facts(&relations, output)?;
        }
        if !observed.is_empty() {
            output.line("")?;
            show_observed(&observed, output)?;
        }
        Ok(Answer::Yes)
    })
}

fn show_observed(observed: &[(NodeId, Memory)], output: &mut Output) -> Result<(), Failure> {
    let mut rows = Rows::new(["observed", "namespace", "key", "content"]);
    for (id, memory) in observed {
        let content = text::shortened(&memory.content, CELL_MAX);
        rows.push([&id.to_string(), &memory.namespace, &memory.key, &content]);
    }
    output.table(&rows)
}

/// A relation, with its ends by name.
#[derive(Serialize)]
struct Fact {
    id: NodeId,
    subject: String,
    predicate: String,
    object: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<NodeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<NodeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
}

fn facts_of(tx: &ReadTx, relations: Vec<(NodeId, Relation)>) -> Result<Vec<Fact>, Failure> {
    let mut facts = Vec::with_capacity(relations.len());
    for (id, relation) in relations {
        facts.push(Fact {
            id,
            subject: name_of(tx, relation.source, &relation.source_id)?,
            predicate: relation.relation_type,
            object: name_of(tx, relation.target, &relation.target_id)?,
            source: relation.source,
            target: relation.target,
            valid_from: relation.valid_from,
            valid_to: relation.valid_to,
            confidence: relation.confidence,
        });
    }
    Ok(facts)
}

/// What an end of a relation is called: the text that it was imported with where it is unknown.
fn name_of(tx: &ReadTx, end: Option<NodeId>, otherwise: &str) -> Result<String, Failure> {
    let entity = end.map(|id| tx.entities().get(id)).transpose()?.flatten();
    Ok(entity.map_or_else(|| otherwise.to_owned(), |entity| entity.name))
}

fn show_facts(facts: &[Fact], output: &mut Output) -> Result<(), Failure> {
    let mut rows = Rows::new(["fact", "subject", "predicate", "object", "from", "to"]);
    for fact in facts {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        rows.push([
            fact.id.to_string(),
            text::shortened(&fact.subject, CELL_MAX),
            text::shortened(&fact.predicate, CELL_MAX),
            text::shortened(&fact.object, CELL_MAX),
            time(fact.valid_from),
            time(fact.valid_to),
        ]);
    }
    output.table(&rows)
}

/// The time in which a fact has to hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Held {
    /// Any.
    Ever,
    /// That one, or now.
    At(Option<Timestamp>),
}

pub(super) fn facts(
    one: &One,
    predicate: Option<&str>,
    held: Held,
    output: &mut Output,
) -> Result<Answer, Failure> {
    looking(&one.store, |tx| {
        let id = found(tx, &one.entity)?;
        let relations = match held {
            Held::At(time) => {
                tx.entities().facts_at(id, predicate, time.unwrap_or_else(|| tx.now()))?
            }
            Held::Ever => {
                let mut all = tx.entities().relations_of(id, Direction::Out)?;
                all.retain(|(_, relation)| {
                    predicate.is_none_or(|predicate| relation.relation_type == predicate)
                });
                all
            }
        };
        let facts = facts_of(tx, relations)?;
        if output.is_json() {
            facts.iter().try_for_each(|fact| output.json(fact))?;
        } else if facts.is_empty() {
            output.note("no facts hold")?;
        } else {
            show_facts(&facts, output)?;
        }
        Ok(Answer::Yes)
    })
}

pub(super) fn suggest(store: &Path, min: f64, output: &mut Output) -> Result<Answer, Failure> {
    looking(store, |tx| {
        let pairs = tx.entities().same(min)?;
        let mut rows = Rows::new(["first", "name", "second", "name", "#names", "#neighbors"]);
        for pair in &pairs {
            if output.is_json() {
                output.json(pair)?;
                continue;
            }
            rows.push([
                pair.first.to_string(),
                text::shortened(&name_of(tx, Some(pair.first), "")?, CELL_MAX),
                pair.second.to_string(),
                text::shortened(&name_of(tx, Some(pair.second), "")?, CELL_MAX),
                format!("{:.2}", pair.names),
                format!("{:.2}", pair.neighbors),
            ]);
        }
        if pairs.is_empty() {
            output.note("no entities seem to be one")?;
        } else if !output.is_json() {
            output.table(&rows)?;
        }
        Ok(Answer::Yes)
    })
}

pub(super) fn stats(store: &Path, output: &mut Output) -> Result<Answer, Failure> {
    looking(store, |tx| {
        let counts = tx.entities().counts()?;
        if output.is_json() {
            output.json(&counts)?;
            return Ok(Answer::Yes);
        }
        let mut rows = Rows::new(["what", "#count"]);
        rows.push(["entities", &text::count(counts.entities)]);
        for (name, count) in &counts.entity_types {
            rows.push([&format!("type {name}"), &text::count(*count)]);
        }
        rows.push(["relations", &text::count(counts.relations)]);
        for (name, count) in &counts.relation_types {
            rows.push([&format!("relation {name}"), &text::count(*count)]);
        }
        output.table(&rows)?;
        Ok(Answer::Yes)
    })
}
