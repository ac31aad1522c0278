//! Memories by a question, and why they come: the part of `engraph memory` that asks.

mod flags;
mod mark;

use std::path::PathBuf;

use clap::builder::styling::Style;
use clap::{Args, Subcommand};
use engraph::family::{RecallContext, RecallHit, RecallReason, RecallVerdict, Recalled};
use engraph::{ReadTx, Store};

use super::failure::{Answer, Failure};
use super::output::Output;
use super::{place, shown, text};
use flags::Flags;

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Recall the memories that have to do with a question
    #[command(name = "recall")]
    Ask(Ask),
    /// Recall as many as fit into a number of tokens, oldest first
    Context(Context),
    /// Tell why a memory comes, or what keeps it from coming
    Why(Why),
    /// Note that a memory should come for a question
    Mark(mark::Mark),
    /// Try every mark again
    Check(mark::Check),
}

#[derive(Args, Debug)]
pub(super) struct Ask {
    /// The store's directory
    store: PathBuf,
    /// The question, or what somebody works on
    question: String,
    #[command(flatten)]
    flags: Flags,
    /// Hits to show at most
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// Show what each signal adds, and the way to each memory
    #[arg(long)]
    explain: bool,
    /// Count it as use of what is shown; the store is written
    #[arg(long)]
    count_use: bool,
}

#[derive(Args, Debug)]
pub(super) struct Context {
    /// The store's directory
    store: PathBuf,
    /// The question, or what somebody works on
    question: String,
    #[command(flatten)]
    flags: Flags,
    /// Tokens that there is room for
    #[arg(long, value_name = "N", default_value_t = 4_000)]
    tokens: usize,
}

#[derive(Args, Debug)]
pub(super) struct Why {
    /// The store's directory
    store: PathBuf,
    /// The question
    question: String,
    /// The memory, by its id or its name
    memory: String,
    #[command(flatten)]
    flags: Flags,
    /// Hits that would be shown
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
}

pub(super) fn run(action: &Action, output: &mut Output) -> Result<Answer, Failure> {
    match action {
        Action::Ask(ask) => {
            let store = if ask.count_use { Store::open(&ask.store)? } else { open(&ask.store)? };
            place::closing(&store, |store| asked(store, ask, output))
        }
        Action::Context(context) => {
            let store = open(&context.store)?;
            place::closing(&store, |store| {
                let recall = context.flags.recall(store, &context.question)?;
                show_context(&recall.context(context.tokens)?, output)
            })
        }
        Action::Why(why) => {
            let store = open(&why.store)?;
            place::closing(&store, |store| explained(store, why, output))
        }
        Action::Mark(mark) => mark::mark(mark, output),
        Action::Check(check) => mark::check(check, output),
    }
}

fn open(store: &std::path::Path) -> Result<Store, Failure> {
    Ok(place::open_to_read(store)?)
}

fn asked(store: &Store, ask: &Ask, output: &mut Output) -> Result<Answer, Failure> {
    let mut recall = ask.flags.recall(store, &ask.question)?.limit(ask.limit);
    if ask.count_use {
        recall = recall.usage(engraph::family::RecallUse::Count);
    }
    let recalled = recall.run()?;
    if output.is_json() {
        output.json(&recalled)?;
    } else {
        show(&recalled, ask.explain, output)?;
    }
    Ok(Answer::yes_if(!recalled.hits.is_empty()))
}

fn show(recalled: &Recalled, explain: bool, output: &mut Output) -> Result<(), Failure> {
    if recalled.hits.is_empty() {
        return output.note("nothing that is remembered has to do with it");
    }
    for hit in &recalled.hits {
        show_hit(hit, output)?;
        if explain {
            show_reasons(hit, output)?;
        }
    }
    Ok(())
}

fn show_hit(hit: &RecallHit, output: &mut Output) -> Result<(), Failure> {
    let bold = output.style(Style::new().bold());
    let dim = output.style(Style::new().dimmed());
    let name = hit.record_id.as_deref().unwrap_or_default();
    let (name, namespace) = (text::escaped(name), text::escaped(&hit.namespace));
    let others = match hit.near_duplicates.len() {
        0 => String::new(),
        count => format!("  (and {count} that say the same)"),
    };
    let (score, id) = (hit.score, hit.id);
    output.line(format_args!(
        "{score:6.3}  {bold}{name}{bold:#} {dim}{id} in {namespace:?}{dim:#}{others}"
    ))?;
    let snippet = hit.snippet.as_deref().unwrap_or_default();
    output.line(format_args!("        {}", text::escaped(snippet)))
}

fn show_reasons(hit: &RecallHit, output: &mut Output) -> Result<(), Failure> {
    let signals = hit.signals.iter();
    let parts: Vec<String> =
        signals.map(|part| format!("{} {:+.3}", part.signal.name(), part.value)).collect();
    output.line(format_args!("        = {}", parts.join(", ")))?;
    for step in &hit.path {
        let via = serde_json::to_value(&step.via).unwrap_or_default();
        let via = match &via {
            serde_json::Value::Object(named) => named
                .iter()
                .map(|(way, what)| format!("{way} {}", shown::plain(what)))
                .collect::<Vec<_>>()
                .join(" "),
            other => shown::plain(other),
        };
        let spans = step.spans.iter().map(|span| format!("{}-{}", span.start, span.end));
        let spans = spans.collect::<Vec<_>>().join(" ");
        output.line(format_args!(
            "        by {} in {} {spans}",
            text::escaped(&via),
            step.memory
        ))?;
    }
    Ok(())
}

fn show_context(context: &RecallContext, output: &mut Output) -> Result<Answer, Failure> {
    if output.is_json() {
        output.json(context)?;
    } else {
        for line in context.text().lines() {
            output.line(text::escaped(line))?;
        }
        let (items, tokens) = (context.items.len(), context.tokens);
        let left_out = context.left_out.len();
        output.note(format_args!("{items} memories, {tokens} tokens; {left_out} left out"))?;
    }
    Ok(Answer::yes_if(!context.items.is_empty()))
}

fn explained(store: &Store, why: &Why, output: &mut Output) -> Result<Answer, Failure> {
    let memory = memory_named(&store.read()?, &why.memory)?;
    let recall = why.flags.recall(store, &why.question)?.limit(why.limit);
    let reason = recall.why(memory)?;
    if output.is_json() {
        output.json(&reason)?;
    } else {
        show_reason(&reason, output)?;
    }
    Ok(Answer::yes_if(reason.verdict == RecallVerdict::Shown))
}

fn show_reason(reason: &RecallReason, output: &mut Output) -> Result<(), Failure> {
    let verdict = verdict(&reason.verdict);
    output.line(text::escaped(&verdict))?;
    if let (Some(rank), Some(score)) = (reason.rank, reason.score) {
        output.line(format_args!("rank {rank}, score {score:.3}"))?;
    }
    if let Some(missing) = reason.missing {
        output.line(format_args!("it lacks {missing:.3} to the last one shown"))?;
    }
    for part in &reason.signals {
        output.line(format_args!("{:+.3}  {}", part.value, part.signal.name()))?;
    }
    Ok(())
}

fn verdict(verdict: &RecallVerdict) -> String {
    match verdict {
        RecallVerdict::Shown => "it is shown".into(),
        RecallVerdict::Absent => "there is no such memory in the state that was asked".into(),
        RecallVerdict::OtherNamespace(name) => format!("it is of the namespace {name:?}"),
        RecallVerdict::OtherAgent(Some(agent)) => format!("it is of the agent {agent:?}"),
        RecallVerdict::OtherAgent(None) => "it is of no agent".into(),
        RecallVerdict::OtherType(name) => format!("it is of the type {name:?}"),
        RecallVerdict::Retired => "it was retired".into(),
        RecallVerdict::Expired => "it has expired".into(),
        RecallVerdict::SaidAtOtherTime => "it was said at another time".into(),
        RecallVerdict::NotHeld => "it did not hold at that time".into(),
        RecallVerdict::NothingKnown => "no memory there has a word of the question".into(),
        RecallVerdict::NothingShared => {
            "nothing speaks for it: no word, no neighbour, no link".into()
        }
        RecallVerdict::FoldedInto(id) => format!("{id} says the same and is shown in its place"),
        _ => "others have more".into(),
    }
}

/// The memory that the user names: by its id, or by its name.
fn memory_named(tx: &ReadTx, name: &str) -> Result<engraph::NodeId, Failure> {
    match tx.find::<engraph::record::Memory>("record_id", name)? {
        Some((id, _)) => Ok(id),
        None => shown::id_named(tx, name),
    }
}
