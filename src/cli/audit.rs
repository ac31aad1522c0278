//! `engraph audit`: who changed what, and the proof that nobody changed the record of it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use engraph::ReadTx;
use engraph::family::AuditEntry;

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::records::{changing, done, looking};
use super::{shown, text};

/// Widest cell of a table, in characters.
const CELL_MAX: usize = 60;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Prove that no entry was altered, removed or put in another order
    Verify {
        /// The store's directory
        store: PathBuf,
        /// Also that the entry with this digest, noted elsewhere, is still there
        #[arg(long, value_name = "DIGEST")]
        head: Option<String>,
    },
    /// Print the digest of the newest entry, to note it elsewhere
    Head {
        /// The store's directory
        store: PathBuf,
    },
    /// List entries, oldest first
    Log {
        /// The store's directory
        store: PathBuf,
        /// Only entries after this number
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: u64,
        /// Entries to list at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Show who changed what of a record
    History {
        /// The store's directory
        store: PathBuf,
        /// The record, for example `memory:3`
        record: String,
    },
    /// Erase a record for good, with what the audit holds of it
    Erase {
        /// The store's directory
        store: PathBuf,
        /// The record, for example `memory:3`
        record: String,
        /// Who does it
        #[arg(long, value_name = "NAME")]
        author: String,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Verify { store, head } => looking(store, |tx| verify(tx, head.as_deref(), output)),
        Action::Head { store } => looking(store, |tx| {
            let Some(head) = tx.audit().head()? else {
                return Err(Failure::no("nothing was ever audited"));
            };
            if output.is_json() {
                output.json(&head)?;
            } else {
                output.line(format_args!("{} {}", head.number, head.digest))?;
            }
            Ok(Answer::Yes)
        }),
        Action::Log { store, after, limit } => looking(store, |tx| {
            let entries = tx.audit().entries(*after, *limit)?;
            list(&entries, output)
        }),
        Action::History { store, record } => looking(store, |tx| history(tx, record, output)),
        Action::Erase { store, record, author } => changing(store, |store| {
            let id = shown::id_named(&store.read()?, record)?;
            store.write(|tx| {
                tx.set_author(author)?;
                tx.audit().erase(id)
            })?;
            done(output, "erased", id)
        }),
    }
}

fn verify(tx: &ReadTx, head: Option<&str>, output: &mut Output) -> Result<Answer, Failure> {
    let report = tx.audit().verify(head)?;
    let answer = if report.is_ok() { Answer::Yes } else { Answer::No };
    if output.is_json() {
        output.json(&report)?;
        return Ok(answer);
    }
    output.line(format_args!(
        "{} entries, {} changes, {} of them erased",
        text::count(report.entries),
        text::count(report.changes),
        text::count(report.erased)
    ))?;
    for problem in &report.problems {
        let place = match problem.entry {
            Some(entry) => format!("entry {entry}"),
            None => "chain".to_owned(),
        };
        output.line(format_args!("{place}: {}", text::escaped(&problem.detail)))?;
    }
    if report.more_problems > 0 {
        output.line(format_args!("and {} more", report.more_problems))?;
    }
    if report.is_ok() {
        output.line("the chain is whole")?;
    }
    Ok(answer)
}

fn list(entries: &[AuditEntry], output: &mut Output) -> Result<Answer, Failure> {
    let mut rows = Rows::new(["#entry", "#write", "time", "author", "#changes"]);
    for entry in entries {
        if output.is_json() {
            output.json(entry)?;
        }
        rows.push([
            &entry.number.to_string(),
            &entry.seq.to_string(),
            &entry.time.to_string(),
            entry.author.as_deref().unwrap_or_default(),
            &entry.changes.to_string(),
        ]);
    }
    if !output.is_json() {
        output.table(&rows)?;
    }
    Ok(Answer::Yes)
}

fn history(tx: &ReadTx, record: &str, output: &mut Output) -> Result<Answer, Failure> {
    let history = tx.audit().history(shown::id_named(tx, record)?)?;
    if history.is_empty() {
        return Err(Failure::no(format!("nothing is known of {record}")));
    }
    let mut rows = Rows::new(["#entry", "time", "author", "what", "fields"]);
    for change in &history {
        if output.is_json() {
            output.json(change)?;
        }
        let act = serde_json::to_value(change.act).unwrap_or_default();
        let fields =
            if change.is_erased { "(erased)".to_owned() } else { change.changed.join(", ") };
        rows.push([
            &change.entry.to_string(),
            &change.time.to_string(),
            change.author.as_deref().unwrap_or_default(),
            &shown::plain(&act),
            &text::shortened(&fields, CELL_MAX),
        ]);
    }
    if !output.is_json() {
        output.table(&rows)?;
    }
    Ok(Answer::Yes)
}
