//! `engraph stats`: what a store holds, in numbers.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use engraph::{SearchStats, Store, StoreStats};
use serde::Serialize;

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::{place, text};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The store's directory
    store: PathBuf,

    /// Also the rows and bytes of every table of the data file
    #[arg(long)]
    tables: bool,
}

/// What JSON output has.
#[derive(Serialize)]
struct Counted<'a> {
    #[serde(flatten)]
    stats: &'a StoreStats,
    search: &'a SearchStats,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let store = place::open_to_read(&arguments.store)?;
    place::closing(&store, |store: &Store| {
        let stats = store.stats()?;
        let search = store.search_stats();
        if output.is_json() {
            output.json(&Counted { stats: &stats, search: &search })?;
        } else {
            show(&stats, &search, arguments.tables, output)?;
        }
        Ok(Answer::Yes)
    })
}

fn show(
    stats: &StoreStats,
    search: &SearchStats,
    with_tables: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut facts = Rows::new(["store", ""]);
    let last = stats.last_write_time.map_or_else(|| "never".to_owned(), |time| time.to_string());
    facts.push(["format", &stats.format.to_string()]);
    facts.push(["writes", &text::count(stats.seq.0)]);
    facts.push(["last write", &last]);
    let past = match (stats.oldest_change.map_or(0, |oldest| oldest.0), stats.retention_seconds) {
        (0 | 1, None) => None,
        (oldest, None) => Some(format!("from write {oldest} on")),
        (oldest, Some(seconds)) => {
            let kept = text::duration(Duration::from_secs(seconds));
            Some(format!("from write {oldest} on; {kept} are kept"))
        }
    };
    if let Some(past) = past {
        facts.push(["change log", &past]);
    }
    facts.push(["data file", &text::bytes(stats.data_bytes_on_disk)]);
    facts.push(["search index", &text::bytes(stats.search_bytes_on_disk)]);
    facts.push(["searchable", &text::counted(search.documents, "record")]);
    if search.behind > 0 {
        facts.push(["not searchable yet", &text::counted(search.behind, "write")]);
    }
    output.table(&facts)?;
    output.line("")?;
    let mut records = Rows::new(["kind", "#records"]);
    for (kind, count) in &stats.records {
        let note = if stats.unregistered.contains(kind) { " (of another application)" } else { "" };
        records.push([&format!("{kind}{note}"), &text::count(*count)]);
    }
    records.push(["all", &text::count(stats.records_total)]);
    output.table(&records)?;
    if !stats.sources.is_empty() {
        output.line("")?;
        let mut sources = Rows::new(["#source", "database", "name", "#tables", "#rows"]);
        for source in &stats.sources {
            sources.push([
                &source.number.to_string(),
                &source.database,
                &source.name,
                &source.rows.len().to_string(),
                &text::count(source.rows.values().sum()),
            ]);
        }
        output.table(&sources)?;
    }
    if with_tables {
        output.line("")?;
        let mut tables = Rows::new(["table", "#rows", "#bytes"]);
        for (name, table) in &stats.tables {
            tables.push([name, &text::count(table.rows), &text::bytes(table.stored_bytes)]);
        }
        output.table(&tables)?;
    }
    Ok(())
}
