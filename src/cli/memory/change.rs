//! `engraph memory add`, `update`, `delete`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use engraph::family::{MemoryCorrection, MemoryPolicy, NewMemory, Remembered, Written};
use engraph::{Json, NodeId, Timestamp};

use super::{Near, SameKey, found, time};
use crate::cli::failure::{Answer, Failure};
use crate::cli::output::Output;
use crate::cli::records::{changing, done};

/// What is to be remembered.
#[derive(Args, Debug)]
pub(super) struct Said {
    /// Where it belongs
    namespace: String,
    /// Its name within the namespace
    key: String,
    /// What is remembered
    content: String,
    /// What it is about, for example episodic, semantic, procedural, working
    #[arg(long = "type", value_name = "TYPE")]
    memory_type: Option<String>,
    /// Who remembers it
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// The talk or piece of work that it belongs to
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// A tag; may be given again
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// What else is known, a JSON object
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// How much it matters, 0 to 1
    #[arg(long, value_name = "SHARE")]
    importance: Option<f64>,
    /// How sure it is, 0 to 1
    #[arg(long, value_name = "SHARE")]
    confidence: Option<f64>,
    /// Since when it is true
    #[arg(long, value_name = "TIME", value_parser = time)]
    valid_from: Option<Timestamp>,
    /// Until when it is true
    #[arg(long, value_name = "TIME", value_parser = time)]
    valid_to: Option<Timestamp>,
    /// Seconds after which it expires
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u64>,
    /// Never forget it by a policy
    #[arg(long)]
    pin: bool,
}

impl Said {
    pub(super) fn memory(&self) -> Result<NewMemory, Failure> {
        let mut new = NewMemory::new(&*self.namespace, &*self.key, &*self.content);
        if let Some(memory_type) = &self.memory_type {
            new = new.memory_type(&**memory_type);
        }
        if let Some(agent) = &self.agent {
            new = new.agent(agent);
        }
        if let Some(session) = &self.session {
            new = new.session(session);
        }
        for tag in &self.tags {
            new = new.tag(tag);
        }
        if let Some(metadata) = &self.metadata {
            new = new.metadata(Json::from_text(&**metadata)?);
        }
        if let Some(importance) = self.importance {
            new = new.importance(importance);
        }
        if let Some(confidence) = self.confidence {
            new = new.confidence(confidence);
        }
        if let Some(from) = self.valid_from {
            new = new.valid_from(from);
        }
        if let Some(to) = self.valid_to {
            new = new.valid_to(to);
        }
        if let Some(seconds) = self.ttl {
            new = new.time_to_live(Duration::from_secs(seconds));
        }
        Ok(if self.pin { new.pinned() } else { new })
    }
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// The store's directory
    store: PathBuf,
    #[command(flatten)]
    said: Said,
    /// What becomes of a memory of the same key
    #[arg(long, value_name = "POLICY", default_value = "supersede")]
    same_key: SameKey,
    /// What becomes of it where another says nearly the same
    #[arg(long, value_name = "POLICY", default_value = "keep")]
    near: Near,
}

pub(super) fn add(add: &Add, output: &mut Output) -> Result<Answer, Failure> {
    let new = add.said.memory()?;
    let policy = MemoryPolicy::new().on_same_key(add.same_key.into()).on_near(add.near.into());
    changing(&add.store, |store| {
        let remembered = store.write(|tx| tx.memories().remember_as(new, &policy))?;
        tell(&remembered, output)
    })
}

fn tell(remembered: &Remembered, output: &mut Output) -> Result<Answer, Failure> {
    let Remembered { id, written, near, .. } = remembered;
    let (what, older) = match written {
        Written::Added => ("added", None),
        Written::Superseded(older) => ("added", Some(*older)),
        Written::Updated => ("updated", None),
        Written::Unchanged => ("unchanged", None),
        Written::Merged => ("merged", None),
        _ => ("written", None),
    };
    if output.is_json() {
        let near: Vec<_> = near
            .iter()
            .map(|(id, likeness)| serde_json::json!({ "id": id, "likeness": likeness }))
            .collect();
        output.json(&serde_json::json!({
            "done": what, "id": id, "superseded": older, "near": near
        }))?;
        return Ok(Answer::Yes);
    }
    match older {
        Some(older) => output.line(format_args!("{what} {id} in place of {older}"))?,
        None => output.line(format_args!("{what} {id}"))?,
    }
    for (other, likeness) in near {
        output.note(format_args!("{other} says nearly the same ({likeness:.2})"))?;
    }
    Ok(Answer::Yes)
}

#[derive(Args, Debug)]
pub(super) struct Update {
    /// The store's directory
    store: PathBuf,
    /// The memory, for example `memory:3`, or its record id
    memory: String,
    /// What is remembered
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
    /// Never forget it by a policy
    #[arg(long, conflicts_with = "unpin")]
    pin: bool,
    /// Let policies forget it
    #[arg(long)]
    unpin: bool,
}

pub(super) fn update(update: &Update, output: &mut Output) -> Result<Answer, Failure> {
    let correction = correction(
        update.content.as_deref(),
        update.metadata.as_deref(),
        update.importance,
        update.confidence,
    )?;
    changing(&update.store, |store| {
        let (id, _) = found(&store.read()?, &update.memory)?;
        store.write(|tx| {
            tx.memories().correct(id, &correction)?;
            tx.memories().update(id, |memory| {
                memory.pinned = update.pin || memory.pinned && !update.unpin;
                Ok(())
            })
        })?;
        done(output, "updated", id)
    })
}

/// What is corrected in a memory.
pub(super) fn correction(
    content: Option<&str>,
    metadata: Option<&str>,
    importance: Option<f64>,
    confidence: Option<f64>,
) -> Result<MemoryCorrection, Failure> {
    let mut correction = MemoryCorrection::new();
    if let Some(content) = content {
        correction = correction.content(content);
    }
    if let Some(metadata) = metadata {
        correction = correction.metadata(Json::from_text(metadata)?);
    }
    if let Some(importance) = importance {
        correction = correction.importance(importance);
    }
    if let Some(confidence) = confidence {
        correction = correction.confidence(confidence);
    }
    Ok(correction)
}

pub(super) fn delete(
    store: &Path,
    memories: &[String],
    output: &mut Output,
) -> Result<Answer, Failure> {
    changing(store, |store| {
        let tx = store.read()?;
        let ids = memories.iter().map(|memory| Ok(found(&tx, memory)?.0));
        let ids = ids.collect::<Result<Vec<NodeId>, Failure>>()?;
        store.write(|tx| tx.memories().delete_many(&ids))?;
        ids.iter().try_for_each(|id| done(output, "deleted", *id).map(drop))?;
        Ok(Answer::Yes)
    })
}
