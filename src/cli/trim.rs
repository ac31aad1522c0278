//! `engraph trim`: forgets states of the store from too long ago, and says how long they are kept.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use engraph::config::FromSetting as _;
use engraph::{Retention, Seq, Store, Timestamp, Trim, Trimmed};

use super::failure::{Answer, Failure};
use super::output::Output;
use super::records::changing;
use super::text;

/// Trims as its options say, else as the store's retention says.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The store's directory
    store: PathBuf,
    /// States from longer ago, for example `90d` or `12h`
    #[arg(long, value_name = "AGE", value_parser = age, group = "which")]
    older_than: Option<Duration>,
    /// States from before that time, for example `2026-02-14T08:30:00Z`
    #[arg(long, value_name = "TIME", group = "which")]
    before: Option<Timestamp>,
    /// States from before that write
    #[arg(long, value_name = "WRITE", group = "which")]
    before_write: Option<u64>,
    /// From now on, forget what is older by itself: an age, or `forever`; the store remembers it
    #[arg(long, value_name = "AGE", value_parser = retention, group = "which")]
    keep: Option<Retention>,
    /// Show what would go, and forget nothing
    #[arg(long)]
    dry_run: bool,
    /// Write the data file anew afterwards, so that it takes less room
    #[arg(long, conflicts_with = "dry_run")]
    compact: bool,
}

fn age(text: &str) -> Result<Duration, String> {
    let has_unit = text.ends_with(|last: char| last.is_ascii_alphabetic());
    let age = Duration::from_setting(&text.into()).filter(|_| has_unit);
    age.ok_or_else(|| "an age is a number and `d`, `h`, `m` or `s`, such as 90d".to_owned())
}

fn retention(text: &str) -> Result<Retention, String> {
    match text {
        "forever" => Ok(Retention::forever()),
        text => age(text).map(Retention::of).map_err(|reason| format!("{reason}, or `forever`")),
    }
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    changing(&arguments.store, |store| {
        let Some(trim) = which(arguments, store.retention()?)? else {
            return kept_forever(arguments, store, output);
        };
        if arguments.dry_run {
            return tell(&store.trim_preview(&trim)?, arguments, output);
        }
        if let Some(retention) = arguments.keep {
            store.set_retention(retention)?;
        }
        let trimmed = store.trim(&trim)?;
        if arguments.compact {
            store.compact()?;
        }
        tell(&trimmed, arguments, output)
    })
}

/// What is to be trimmed; `None` where everything is to be kept.
fn which(arguments: &Arguments, remembered: Retention) -> Result<Option<Trim>, Failure> {
    let said = arguments
        .older_than
        .map(Trim::older_than)
        .or(arguments.before.map(Trim::before))
        .or(arguments.before_write.map(|write| Trim::before_write(Seq(write))));
    if said.is_some() {
        return Ok(said);
    }
    match (arguments.keep, remembered.age()) {
        (Some(retention), _) => Ok(retention.age().map(Trim::older_than)),
        (None, Some(age)) => Ok(Some(Trim::older_than(age))),
        (None, None) => Err(Failure::usage(
            "this store keeps its past forever: say which part of it may go, with --older-than, \
             --before, --before-write or --keep",
        )),
    }
}

fn kept_forever(
    arguments: &Arguments,
    store: &Store,
    output: &mut Output,
) -> Result<Answer, Failure> {
    if !arguments.dry_run {
        store.set_retention(Retention::forever())?;
    }
    tell(&store.trim_preview(&Trim::before_write(Seq(0)))?, arguments, output)
}

fn tell(trimmed: &Trimmed, arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    if output.is_json() {
        output.json(trimmed)?;
        return Ok(Answer::Yes);
    }
    output.line(format_args!(
        "{} {}, {}, {} and {} of deleted records",
        if arguments.dry_run { "would forget" } else { "forgot" },
        text::counted(trimmed.writes, "write"),
        text::counted(trimmed.versions, "earlier value"),
        text::counted(trimmed.edges, "removed edge"),
        text::counted(trimmed.vectors, "vector"),
    ))?;
    let readable = trimmed.readable_from;
    output.line(format_args!("states from write {readable} on can be read"))?;
    if trimmed.writes > 0 && !arguments.dry_run && !arguments.compact {
        output.note("their room is used again; `engraph compact` gives it back")?;
    }
    Ok(Answer::Yes)
}
