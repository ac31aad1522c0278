//! `engraph graph match`: where a chain of steps, or a regular expression over types of edges,
//! leads from a record.

use clap::Args;
use engraph::graph::{Direction, Pattern};
use engraph::{ReadTx, Timestamp};

use super::edges::part_of_ways;
use super::node::{list, present};
use super::range::Range;
use super::shape::Shape;
use super::ways::{self, Way};
use super::{Asked, Failure, Output, shown};
use crate::cli::failure::Answer;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The record to start from, for example 1:17 or document:17
    id: String,

    /// Steps: out:TYPE, in:TYPE and both:TYPE, or without :TYPE over any edge; after a step
    /// or-out:TYPE and or-in:TYPE allow other edges too, times:RANGE repeats it, and is:KIND says
    /// what it may end at
    #[arg(required_unless_present = "along", value_name = "STEP")]
    steps: Vec<String>,

    /// Follow a regular expression over types instead, for example 'cites+/^mentions'
    #[arg(long, value_name = "EXPRESSION", conflicts_with = "steps")]
    along: Option<String>,

    /// Show only the records at the end, each once
    #[arg(long)]
    ends: bool,

    /// Only edges that are valid at this time
    #[arg(long, value_name = "TIME")]
    at: Option<String>,

    /// Matches to show at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,

    #[command(flatten)]
    shape: Shape,
}

pub(super) fn run(
    on: &Asked<'_>,
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let id = present(on.tx, &asked.id)?;
    let at = asked.at.as_deref().map(str::parse::<Timestamp>).transpose()?;
    if asked.shape.is_asked() && (asked.ends || asked.along.is_none()) {
        return Err(Failure::usage("only ways have a picture: --along without --ends finds them"));
    }
    let wanted = asked.limit.saturating_add(1);
    if let Some(expression) = &asked.along {
        let mut search = on.graph.regular(id, expression)?.limit(wanted);
        if let Some(at) = at {
            search = search.valid_at(at);
        }
        if asked.ends {
            return list(on, &search.nodes()?, asked.limit, output);
        }
        let found = search.matches()?.items.into_iter().map(|found| Way::from(found.path));
        return regular(on, &found.collect::<Vec<_>>(), asked, output);
    }
    let pattern = chain(on.tx, on.graph.pattern(id), &asked.steps, at)?.limit(wanted);
    if asked.ends {
        return list(on, &pattern.nodes()?, asked.limit, output);
    }
    let rows = pattern.rows()?.items;
    let found: Vec<Way> = rows.iter().map(|row| Way::of_nodes(row)).collect();
    ways::show(on, &found, asked.limit, output)
}

fn regular(
    on: &Asked<'_>,
    found: &[Way],
    asked: &Arguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    if asked.shape.is_asked() {
        let part = part_of_ways(on, found.iter().take(asked.limit).map(Way::parts))?;
        let more = (found.len() > asked.limit, "--limit");
        if asked.shape.give_some(on, &part, more, output)? {
            return Ok(Answer::yes_if(!found.is_empty()));
        }
    }
    ways::show(on, found, asked.limit, output)
}

/// The pattern of these steps.
fn chain<'g>(
    tx: &ReadTx,
    mut pattern: Pattern<'g>,
    steps: &[String],
    at: Option<Timestamp>,
) -> Result<Pattern<'g>, Failure> {
    for (place, step) in steps.iter().enumerate() {
        let (verb, what) = match step.split_once(':') {
            Some((verb, what)) => (verb, Some(what)),
            None => (step.as_str(), None),
        };
        let is_step = matches!(verb, "out" | "in" | "both");
        if !is_step && place == 0 {
            return Err(unknown(step, WORDS));
        }
        pattern = match (verb, what) {
            ("out", None) => pattern.any(Direction::Out),
            ("in", None) => pattern.any(Direction::In),
            ("both", None) => pattern.any(Direction::Both),
            ("out", Some(edge_type)) => pattern.out(edge_type),
            ("in", Some(edge_type)) => pattern.incoming(edge_type),
            ("both", Some(edge_type)) => pattern.both(edge_type),
            ("or-out", Some(edge_type)) => pattern.or_out(edge_type),
            ("or-in", Some(edge_type)) => pattern.or_incoming(edge_type),
            ("times", Some(range)) => {
                let range = range.parse::<Range>().map_err(|reason| unknown(step, &reason))?;
                pattern.repeat(range.least..=range.most)
            }
            ("is", Some(kind)) => pattern.of_kinds(&[shown::kind_named(tx, kind)?]),
            _ => return Err(unknown(step, WORDS)),
        };
        if let Some(at) = at.filter(|_| is_step) {
            pattern = pattern.valid_at(at);
        }
    }
    Ok(pattern)
}

/// What a step is made of.
const WORDS: &str = "a step is out:TYPE, in:TYPE or both:TYPE; what is said of it is or-out:TYPE, \
                     or-in:TYPE, times:RANGE or is:KIND";

fn unknown(step: &str, hint: &str) -> Failure {
    Failure::usage(format!("{step:?} is no step")).hint(hint)
}
