//! `engraph undo`: puts earlier values back, as a new write.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use engraph::{LaterWrites, Seq, Timestamp, Undo, Undone};

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::records::changing;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Undo one write
    Write {
        #[command(flatten)]
        how: How,
        /// Number of the write; `engraph audit log STORE` shows those that are audited
        write: u64,
    },
    /// Undo every write of an author since a time, as the audit names them
    Author {
        #[command(flatten)]
        how: How,
        /// Whose writes
        name: String,
        /// From that time on, for example `2026-02-14T08:30:00Z`
        #[arg(long, value_name = "TIME")]
        since: Timestamp,
    },
}

#[derive(Args, Debug)]
struct How {
    /// The store's directory
    store: PathBuf,
    /// Who undoes it, for the audit
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Also what later writes changed too: what they did is lost with it
    #[arg(long)]
    overwrite: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let (how, mut undo) = match &arguments.action {
        Action::Write { how, write } => (how, Undo::write(Seq(*write))),
        Action::Author { how, name, since } => (how, Undo::of_author(name, *since)),
    };
    if how.overwrite {
        undo = undo.later(LaterWrites::Overwrite);
    }
    if let Some(author) = &how.author {
        undo = undo.author(author);
    }
    changing(&how.store, |store| {
        let undone = if how.dry_run { store.undo_preview(&undo)? } else { store.undo(&undo)? };
        tell(&undone, output)
    })
}

/// What was done, and whether that was all: a conflict is a no.
fn tell(undone: &Undone, output: &mut Output) -> Result<Answer, Failure> {
    let is_all = undone.conflicts.is_empty() && undone.refused.is_empty();
    let answer = if is_all { Answer::Yes } else { Answer::No };
    if output.is_json() {
        output.json(undone)?;
        return Ok(answer);
    }
    let mut rows = Rows::new(["what", "done", "why"]);
    for id in &undone.restored {
        rows.push([&id.to_string(), "restored", ""]);
    }
    for id in &undone.removed {
        rows.push([&id.to_string(), "removed", ""]);
    }
    for edge in &undone.unlinked {
        rows.push([&format!("edge {edge}"), "removed", ""]);
    }
    for edge in &undone.relinked {
        rows.push([&format!("edge {edge}"), "restored", ""]);
    }
    for conflict in &undone.conflicts {
        let by = conflict.later.map(|seq| format!(" (write {seq})")).unwrap_or_default();
        rows.push([&conflict.id.to_string(), "left", &format!("{}{by}", conflict.reason)]);
    }
    for refused in &undone.refused {
        rows.push([&refused.what, "not possible", &refused.reason]);
    }
    if !undone.has_changes() && is_all {
        output.note("there is nothing to undo")?;
    } else {
        output.table(&rows)?;
    }
    Ok(answer)
}
