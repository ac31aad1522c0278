//! `engraph memory list`, `show`, `history`, `stats`.

use std::path::{Path, PathBuf};

use clap::Args;
use engraph::family::{MemoryQuery, MemoryStats};
use engraph::record::{Memory, MemoryCodeLink, MemorySharing};
use engraph::{NodeId, ReadTx, Seq, Timestamp};
use serde::Serialize;

use super::{FIELDS, One, found, time};
use crate::cli::failure::{Answer, Failure};
use crate::cli::output::{Output, Rows};
use crate::cli::records::{self, looking};
use crate::cli::shown::{self, Shown};
use crate::cli::text;

/// Widest content in a table, in characters.
const CONTENT_MAX: usize = 60;

#[derive(Args, Debug)]
pub(super) struct List {
    /// The store's directory
    store: PathBuf,
    #[command(flatten)]
    asked: Asked,
    /// List what was known at a time
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// Memories to leave out at the beginning
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,
    /// Memories to list at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// Which memories are asked for.
#[derive(Args, Debug)]
pub(super) struct Asked {
    /// Only memories of this namespace
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Only memories of this type
    #[arg(long = "type", value_name = "TYPE")]
    memory_type: Option<String>,
    /// Only memories of this agent
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Only memories of this session
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// Only memories with this tag, or with one of several
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Only memories of what was true at a time
    #[arg(long, value_name = "TIME", value_parser = time)]
    valid_at: Option<Timestamp>,
    /// Also memories that are retired or have expired
    #[arg(long)]
    all: bool,
}

impl Asked {
    pub(super) fn query(&self) -> MemoryQuery {
        let mut query = MemoryQuery::new();
        if let Some(namespace) = &self.namespace {
            query = query.namespace(namespace);
        }
        if let Some(memory_type) = &self.memory_type {
            query = query.memory_type(&**memory_type);
        }
        if let Some(agent) = &self.agent {
            query = query.agent(agent);
        }
        if let Some(session) = &self.session {
            query = query.session(session);
        }
        for tag in &self.tags {
            query = query.tag(tag);
        }
        if let Some(time) = self.valid_at {
            query = query.valid_at(time);
        }
        if self.all {
            query = query.with_retired().with_expired();
        }
        query
    }
}

pub(super) fn list(list: &List, output: &mut Output) -> Result<Answer, Failure> {
    let query = list.asked.query().offset(list.offset).limit(list.limit);
    looking(&list.store, |tx| {
        let found = match list.at {
            Some(time) => tx.memories().list_at(time, &query)?,
            None => tx.memories().list(&query)?,
        };
        records::show(tx, &found, FIELDS, output)
    })
}

pub(super) fn show(one: &One, output: &mut Output) -> Result<Answer, Failure> {
    looking(&one.store, |tx| {
        let (id, _) = found(tx, &one.memory)?;
        show_memory(tx, id, output)
    })
}

fn show_memory(tx: &ReadTx, id: NodeId, output: &mut Output) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    struct Whole {
        #[serde(flatten)]
        memory: Shown,
        files: Vec<MemoryCodeLink>,
        shares: Vec<MemorySharing>,
    }
    let loaded = Shown::load(tx, id)?;
    let memory = loaded.ok_or_else(|| Failure::no(format!("there is no record {id}")))?;
    let files = tx.memories().files_of(id, usize::MAX)?.into_iter().map(|(_, link)| link);
    let shares = tx.memories().shares_of(id)?.into_iter().map(|(_, sharing)| sharing);
    let whole = Whole { memory, files: files.collect(), shares: shares.collect() };
    if output.is_json() {
        output.json(&whole)?;
        return Ok(Answer::Yes);
    }
    let mut rows = Rows::new([whole.memory.kind.as_str(), &id.to_string()]);
    let fields = whole.memory.record.as_object().into_iter().flatten();
    for (field, value) in fields.filter(|(field, _)| *field != "content") {
        rows.push([field, &shown::plain(value)]);
    }
    for link in &whole.files {
        rows.push([&*link.relation_type, &link.file_path]);
    }
    for sharing in &whole.shares {
        let relevance = sharing.relevance_score.unwrap_or_default();
        let agent = sharing.target_agent_id.as_deref().unwrap_or_default();
        rows.push(["shown to", &format!("{agent} ({relevance})")]);
    }
    output.table(&rows)?;
    if let Some(content) = whole.memory.record.get("content").and_then(|content| content.as_str()) {
        output.line("")?;
        output.line(text::escaped_lines(content.trim_end_matches('\n')))?;
    }
    Ok(Answer::Yes)
}

/// One thing that a memory, or one before it, said.
#[derive(Serialize)]
struct Past {
    id: NodeId,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<Seq>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    memory: Option<Memory>,
}

pub(super) fn history(one: &One, output: &mut Output) -> Result<Answer, Failure> {
    looking(&one.store, |tx| {
        let (id, _) = found(tx, &one.memory)?;
        let mut rows = Rows::new(["id", "#write", "time", "state", "content"]);
        for (id, _) in tx.memories().chain(id)? {
            for version in tx.memories().history(id)? {
                let (seq, time, memory) = (version.seq, version.time, version.value);
                let past = Past { id, seq, time, memory };
                if output.is_json() {
                    output.json(&past)?;
                } else {
                    rows.push(row(&past));
                }
            }
        }
        if !output.is_json() {
            output.table(&rows)?;
        }
        Ok(Answer::Yes)
    })
}

fn row(past: &Past) -> [String; 5] {
    let state = match &past.memory {
        None => "deleted",
        Some(memory) if memory.retired_at.is_some() => "retired",
        Some(_) => "present",
    };
    let content = past.memory.as_ref().map(|memory| &*memory.content).unwrap_or_default();
    [
        past.id.to_string(),
        past.seq.map(|seq| seq.to_string()).unwrap_or_default(),
        past.time.map(|time| time.to_string()).unwrap_or_default(),
        state.to_owned(),
        text::shortened(content, CONTENT_MAX),
    ]
}

pub(super) fn stats(store: &Path, output: &mut Output) -> Result<Answer, Failure> {
    looking(store, |tx| show_stats(&tx.memories().stats()?, output))
}

fn show_stats(stats: &MemoryStats, output: &mut Output) -> Result<Answer, Failure> {
    if output.is_json() {
        output.json(stats)?;
        return Ok(Answer::Yes);
    }
    let mut rows = Rows::new(["what", "#count"]);
    for (what, count) in [
        ("memories", stats.memories),
        ("present", stats.present),
        ("retired", stats.retired),
        ("expired", stats.expired),
        ("pinned", stats.pinned),
        ("with an embedding", stats.embedded),
        ("links to files", stats.code_links),
        ("shares", stats.shares),
        ("proposals", stats.proposals),
    ] {
        rows.push([what, &text::count(count)]);
    }
    for (what, counts) in
        [("type", &stats.types), ("namespace", &stats.namespaces), ("agent", &stats.agents)]
    {
        for (name, count) in counts {
            rows.push([&format!("{what} {name}"), &text::count(*count)]);
        }
    }
    output.table(&rows)?;
    Ok(Answer::Yes)
}
