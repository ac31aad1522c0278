//! `engraph search`: finds records by their texts.

use std::path::PathBuf;

use clap::Args;
use clap::builder::styling::Style;
use engraph::search::{Cursor, Filter, Matching, SearchOptions, Snippet, Syntax};
use engraph::{Error, NodeId, ReadTx, SearchHit, SearchResults, Store};
use serde::Serialize;

use super::failure::{Answer, Failure};
use super::output::Output;
use super::{place, shown, text};

/// Longest label of a hit, in characters.
const LABEL_MAX: usize = 60;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The store's directory
    store: PathBuf,

    /// Words, "phrases in quotes" and, within one argument or after --, -excluded words
    #[arg(required = true)]
    query: Vec<String>,

    /// Only records of these kinds
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,

    /// Hits to show at most
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,

    /// Only records with this word in a field, or this value in their attributes
    #[arg(long, value_name = "FIELD=VALUE")]
    filter: Vec<String>,

    /// Only records with every word
    #[arg(long)]
    all: bool,

    /// Refuse a query that cannot be read exactly, instead of making the best of it
    #[arg(long)]
    strict: bool,

    /// Go on where a page ended: the `next` of its JSON
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let store = open(arguments)?;
    place::closing(&store, |store| {
        let tx = store.read()?;
        let query = arguments.query.join(" ");
        let found = store
            .search(&query)
            .options(options(&tx, arguments)?)
            .run()
            .map_err(|error| hinted(error, &query))?;
        show(&tx, &found, output)?;
        Ok(Answer::yes_if(!found.hits.is_empty()))
    })
}

/// Opens the store without writing where the index has seen every write; else it has to catch up.
fn open(arguments: &Arguments) -> Result<Store, Error> {
    if let Ok(store) = Store::open_read_only(&arguments.store) {
        if store.search_watermark() == Some(store.seq()) {
            return Ok(store);
        }
        store.close()?;
    }
    match Store::open(&arguments.store) {
        // On a disk that cannot be written the index answers with what it has seen.
        Err(Error::Io { .. }) => Store::open_read_only(&arguments.store),
        opened => opened,
    }
}

fn options(tx: &ReadTx, arguments: &Arguments) -> Result<SearchOptions, Failure> {
    let mut filters = Vec::new();
    if !arguments.kind.is_empty() {
        let kinds = arguments.kind.iter().map(|name| shown::kind_named(tx, name));
        filters.push(Filter::Kinds(kinds.collect::<Result<_, _>>()?));
    }
    for filter in &arguments.filter {
        let Some((field, value)) = filter.split_once('=').filter(|(field, _)| !field.is_empty())
        else {
            let failure = Failure::usage(format!("{filter:?} is no filter"));
            return Err(failure.hint("filters are written field=value, for example status=open"));
        };
        filters.push(Filter::Any(vec![
            Filter::keyword(field, value),
            Filter::attribute(field, value),
        ]));
    }
    Ok(SearchOptions {
        syntax: if arguments.strict { Syntax::Strict } else { Syntax::Lenient },
        matching: if arguments.all { Matching::All } else { Matching::Any },
        filters,
        limit: arguments.limit,
        after: arguments.after.as_deref().map(str::parse::<Cursor>).transpose()?,
        ..SearchOptions::default()
    })
}

/// Shows where in the query the fault is.
fn hinted(error: Error, query: &str) -> Failure {
    let rest = match &error {
        Error::Query { offset, .. } => query.get(*offset..).filter(|rest| !rest.is_empty()),
        _ => None,
    };
    let hint = rest.map(|rest| {
        format!(
            "it is about `{}`; without --strict the rest is searched",
            text::shortened(rest, 40)
        )
    });
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

#[derive(Serialize)]
struct Found<'a> {
    hits: Vec<ShownHit<'a>>,
    next: Option<String>,
    seq: u64,
    behind: u64,
}

#[derive(Serialize)]
struct ShownHit<'a> {
    id: NodeId,
    kind: String,
    score: f32,
    label: String,
    snippet: Option<ShownSnippet<'a>>,
}

#[derive(Serialize)]
struct ShownSnippet<'a> {
    field: &'a str,
    text: &'a str,
    /// Byte ranges of the text.
    highlights: Vec<(usize, usize)>,
}

impl<'a> ShownHit<'a> {
    fn new(tx: &ReadTx, hit: &'a SearchHit) -> Result<Self, Failure> {
        let label = tx.get_json(hit.id)?.as_ref().map(shown::label).unwrap_or_default();
        let snippet = hit.snippet.as_ref().map(|snippet| ShownSnippet {
            field: snippet.field,
            text: &snippet.text,
            highlights: snippet.highlights.iter().map(|range| (range.start, range.end)).collect(),
        });
        Ok(Self { id: hit.id, kind: shown::kind_of(tx, hit.id), score: hit.score, label, snippet })
    }
}

pub(super) fn show(tx: &ReadTx, found: &SearchResults, output: &mut Output) -> Result<(), Failure> {
    let hits =
        found.hits.iter().map(|hit| ShownHit::new(tx, hit)).collect::<Result<Vec<_>, _>>()?;
    if output.is_json() {
        return output.json(&Found {
            hits,
            next: found.next.as_ref().map(ToString::to_string),
            seq: found.seq.0,
            behind: found.behind,
        });
    }
    if hits.is_empty() {
        output.note("nothing was found")?;
    }
    let bold = output.style(Style::new().bold());
    for (shown, hit) in hits.iter().zip(&found.hits) {
        let label = text::shortened(&shown.label, LABEL_MAX);
        let (score, kind, id) = (shown.score, text::escaped(&shown.kind), shown.id);
        output.line(format_args!("{score:6.2}  {bold}{kind} {id}{bold:#}  {label}"))?;
        // A short text is its own label.
        if let Some(snippet) = hit.snippet.as_ref().filter(|found| found.text != shown.label) {
            output.line(format_args!("        {}", highlighted(snippet, bold)))?;
        }
    }
    if found.behind > 0 {
        output.note(format_args!(
            "the search index could not be brought up to date: {} missing",
            text::counted(found.behind, "write")
        ))?;
    }
    Ok(())
}

/// The snippet on one line, what was found in it styled.
fn highlighted(snippet: &Snippet, style: Style) -> String {
    let mut out = String::with_capacity(snippet.text.len() + 16);
    let mut at = 0;
    for range in &snippet.highlights {
        let (Some(before), Some(found)) =
            (snippet.text.get(at..range.start), snippet.text.get(range.clone()))
        else {
            continue;
        };
        out.push_str(&text::escaped(before));
        out.extend([style.to_string(), text::escaped(found).into_owned(), format!("{style:#}")]);
        at = range.end;
    }
    out.push_str(&text::escaped(snippet.text.get(at..).unwrap_or_default()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highlights_are_styled_and_the_rest_is_escaped() {
        let text = "a\u{1b}[0m reply".to_owned();
        let highlights = std::iter::once(6..11).collect();
        let snippet = Snippet { field: "content", text, highlights };
        let shown = highlighted(&snippet, Style::new().bold());
        assert_eq!(shown, "a\\u{1b}[0m \u{1b}[1mreply\u{1b}[0m");
        assert_eq!(highlighted(&snippet, Style::new()), "a\\u{1b}[0m reply");
    }
}
