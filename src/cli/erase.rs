//! `engraph erase`: erases records or everything of a subject for good, and shows the receipts.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use engraph::Store;
use engraph::family::{Erase, Selected};
use engraph::record::EraseReceipt;

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::records::{changing, looking};
use super::{shown, text};

/// Widest cell of a table, in characters.
const CELL_MAX: usize = 48;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Erase single records
    Records {
        #[command(flatten)]
        how: How,
        /// The records, for example `memory:3`
        #[arg(required = true)]
        records: Vec<String>,
        /// Also what says of itself that it is a part of them, or was made from them
        #[arg(long)]
        with_parts: bool,
    },
    /// Erase the memories, proposals and shares of an agent
    Agent {
        #[command(flatten)]
        how: How,
        /// The agent
        agent: String,
    },
    /// Erase the memories and proposals of a namespace
    Namespace {
        #[command(flatten)]
        how: How,
        /// The namespace
        namespace: String,
    },
    /// Erase a document or file with its parts and what was remembered of it
    Document {
        #[command(flatten)]
        how: How,
        /// The record, for example `document:3`
        document: String,
    },
    /// Erase every row and record of an imported database
    Source {
        #[command(flatten)]
        how: How,
        /// The number of the source; `engraph stats STORE` shows them
        source: u32,
    },
    /// List what was erased, by whom, and why
    Receipts {
        /// The store's directory
        store: PathBuf,
    },
}

#[derive(Args, Debug)]
struct How {
    /// The store's directory
    store: PathBuf,
    /// Who does it
    #[arg(long, value_name = "NAME")]
    author: String,
    /// Why; is kept, so it must not quote what is erased
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Show what would go, and erase nothing
    #[arg(long)]
    dry_run: bool,
    /// Write the data file anew afterwards, so that nothing is left in its free pages
    #[arg(long)]
    compact: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Records { how, records, with_parts } => changing(&how.store, |store| {
            let tx = store.read()?;
            let ids = records.iter().map(|record| shown::id_named(&tx, record));
            let erase = Erase::records(ids.collect::<Result<Vec<_>, _>>()?);
            drop(tx);
            erase_it(store, if *with_parts { erase.with_parts() } else { erase }, how, output)
        }),
        Action::Agent { how, agent } => {
            changing(&how.store, |store| erase_it(store, Erase::of_agent(agent), how, output))
        }
        Action::Namespace { how, namespace } => changing(&how.store, |store| {
            erase_it(store, Erase::of_namespace(namespace), how, output)
        }),
        Action::Document { how, document } => changing(&how.store, |store| {
            let id = shown::id_named(&store.read()?, document)?;
            erase_it(store, Erase::of_document(id), how, output)
        }),
        Action::Source { how, source } => {
            changing(&how.store, |store| erase_it(store, Erase::of_source(*source), how, output))
        }
        Action::Receipts { store } => looking(store, |tx| {
            let receipts: Vec<_> = tx.iter::<EraseReceipt>()?.collect::<Result<_, _>>()?;
            let mut rows = Rows::new(["id", "time", "author", "reason", "#records", "#rows"]);
            for (id, receipt) in receipts {
                if output.is_json() {
                    output.json(&serde_json::json!({ "id": id, "receipt": receipt }))?;
                }
                rows.push([
                    id.to_string(),
                    receipt.erased_at.map(|time| time.to_string()).unwrap_or_default(),
                    text::shortened(&receipt.author, CELL_MAX),
                    text::shortened(&receipt.reason, CELL_MAX),
                    receipt.records.to_string(),
                    receipt.rows.to_string(),
                ]);
            }
            if !output.is_json() {
                output.table(&rows)?;
            }
            Ok(Answer::Yes)
        }),
    }
}

fn erase_it(
    store: &Store,
    erase: Erase,
    how: &How,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let erase = erase.author(&how.author).reason(&how.reason);
    if how.dry_run {
        return selected(&store.erase_selects(&erase)?, output);
    }
    let erased = store.erase(&erase)?;
    if how.compact {
        store.compact()?;
    }
    if output.is_json() {
        output.json(&erased)?;
        return Ok(Answer::Yes);
    }
    let counts = erased.counts;
    output.line(format_args!(
        "erased {} records, {} earlier values, {} edges, {} vectors, {} audit payloads, {} rows",
        text::count(counts.records),
        text::count(counts.versions),
        text::count(counts.edges),
        text::count(counts.vectors),
        text::count(counts.payloads),
        text::count(counts.rows),
    ))?;
    output.line(format_args!("receipt {}", erased.id))?;
    if !how.compact {
        output.note("bytes lie in free pages of the data file until `engraph compact`")?;
    }
    Ok(Answer::Yes)
}

fn selected(selected: &Selected, output: &mut Output) -> Result<Answer, Failure> {
    if output.is_json() {
        output.json(selected)?;
        return Ok(Answer::Yes);
    }
    let mut rows = Rows::new(["id", "kept by"]);
    for id in &selected.ids {
        let held = selected.held.iter().find(|held| held.id == *id);
        let reason = held.map(|held| held.reason.clone()).unwrap_or_default();
        rows.push([id.to_string(), reason]);
    }
    if selected.ids.is_empty() {
        output.note("there are none")?;
    } else {
        output.table(&rows)?;
    }
    Ok(Answer::Yes)
}
