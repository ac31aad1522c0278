//! Hits as people and programs read them.

use clap::builder::styling::{AnsiColor, Style};
use engraph::search::{Explanation, FacetCounts, FoundIn, Snippet};
use engraph::{NodeId, ReadTx, SearchHit, SearchResults};
use serde::Serialize;
use serde_json::Value;

use super::super::failure::Failure;
use super::super::output::Output;
use super::super::{shown, text};

/// Longest label of a hit, in characters.
const LABEL_MAX: usize = 60;

/// Words of a facet that people are shown.
const FACET_WORDS_MAX: usize = 20;

/// What is shown of a search besides its hits.
#[derive(Debug, Default)]
pub(super) struct Extras {
    /// Why the hits have their scores, in their order; empty where nobody asked.
    pub(super) explanations: Vec<Option<Explanation>>,
    /// What may have been meant.
    pub(super) did_you_mean: Option<String>,
    /// The facets' names, in their order.
    pub(super) facets: Vec<String>,
}

#[derive(Serialize)]
struct Found<'a> {
    hits: Vec<ShownHit<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    next: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facets: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    did_you_mean: Option<&'a str>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Explanation>,
}

#[derive(Serialize)]
struct ShownSnippet<'a> {
    field: &'a str,
    text: &'a str,
    /// Byte ranges of the text.
    highlights: Vec<(usize, usize)>,
}

impl<'a> ShownHit<'a> {
    fn new(
        tx: &ReadTx,
        hit: &'a SearchHit,
        explanation: Option<&'a Explanation>,
    ) -> Result<Self, Failure> {
        let label = tx.get_json(hit.id)?.as_ref().map(shown::label).unwrap_or_default();
        let snippet = hit.snippet.as_ref().map(|snippet| ShownSnippet {
            field: snippet.field,
            text: &snippet.text,
            highlights: snippet.highlights.iter().map(|range| (range.start, range.end)).collect(),
        });
        let kind = shown::kind_of(tx, hit.id);
        Ok(Self { id: hit.id, kind, score: hit.score, label, snippet, explanation })
    }
}

/// Shows what a search found.
pub(super) fn results(
    tx: &ReadTx,
    found: &SearchResults,
    extras: &Extras,
    output: &mut Output,
) -> Result<(), Failure> {
    let explanations = extras.explanations.iter().map(Option::as_ref);
    let explanations = explanations.chain(std::iter::repeat(None));
    let hits = found.hits.iter().zip(explanations);
    let hits = hits.map(|(hit, explanation)| ShownHit::new(tx, hit, explanation));
    let hits = hits.collect::<Result<Vec<_>, _>>()?;
    let facets = extras.facets.iter().zip(&found.facets);
    if output.is_json() {
        return output.json(&Found {
            hits,
            total: found.total,
            next: found.next.as_ref().map(ToString::to_string),
            facets: facets.map(|(name, counts)| facet_json(tx, name, counts)).collect(),
            did_you_mean: extras.did_you_mean.as_deref(),
            seq: found.seq.0,
            behind: found.behind,
        });
    }
    if hits.is_empty() && found.total.unwrap_or_default() == 0 {
        output.note("nothing was found")?;
    }
    if let Some(meant) = &extras.did_you_mean {
        output.note(format_args!("did you mean: {}", text::escaped(meant)))?;
    }
    for (shown, hit) in hits.iter().zip(&found.hits) {
        one_hit(shown, hit, output)?;
    }
    for (name, counts) in facets {
        facet_lines(tx, name, counts, output)?;
    }
    if let Some(total) = found.total {
        output.note(text::counted(total, "hit"))?;
    }
    if found.behind > 0 {
        output.note(format_args!(
            "the search index could not be brought up to date: {} missing",
            text::counted(found.behind, "write")
        ))?;
    }
    Ok(())
}

fn one_hit(shown: &ShownHit<'_>, hit: &SearchHit, output: &mut Output) -> Result<(), Failure> {
    let bold = output.style(Style::new().bold());
    let mark = output.style(AnsiColor::Yellow.on_default().bold());
    let label = text::shortened(&shown.label, LABEL_MAX);
    let (score, kind, id) = (shown.score, text::escaped(&shown.kind), shown.id);
    output.line(format_args!("{score:6.2}  {bold}{kind} {id}{bold:#}  {label}"))?;
    // A short text is its own label.
    if let Some(snippet) = hit.snippet.as_ref().filter(|found| found.text != shown.label) {
        output.line(format_args!("        {}", highlighted(snippet, mark)))?;
    }
    for part in shown.explanation.iter().flat_map(|explanation| &explanation.parts) {
        let place = match part.found_in {
            FoundIn::Text => "in the text",
            FoundIn::Title => "in the title",
            FoundIn::Field => "as a field",
        };
        let records = part.records.map(|count| format!(", in {}", text::counted(count, "record")));
        let often = part.occurrences.filter(|count| *count > 1);
        let often = often.map(|count| format!(", {count} times here"));
        let asked = text::escaped(&part.asked);
        output.line(format_args!(
            "        {:6.2}  {asked} {place}{}{}",
            part.score,
            records.unwrap_or_default(),
            often.unwrap_or_default(),
        ))?;
    }
    Ok(())
}

/// The counts of a facet as (word, count).
fn counts_of(tx: &ReadTx, counts: &FacetCounts) -> Vec<(String, u64)> {
    match counts {
        FacetCounts::Kinds(kinds) => {
            let name = |kind| tx.kind_name(kind).unwrap_or_else(|| kind.0.to_string());
            kinds.iter().map(|(kind, count)| (name(*kind), *count)).collect()
        }
        FacetCounts::Keyword(counts) | FacetCounts::Months(counts) => counts.clone(),
    }
}

fn facet_json(tx: &ReadTx, name: &str, counts: &FacetCounts) -> Value {
    let counts = counts_of(tx, counts).into_iter();
    let counts: Vec<Value> =
        counts.map(|(word, count)| serde_json::json!({ "word": word, "count": count })).collect();
    serde_json::json!({ "facet": name, "counts": counts })
}

fn facet_lines(
    tx: &ReadTx,
    name: &str,
    counts: &FacetCounts,
    output: &mut Output,
) -> Result<(), Failure> {
    let counts = counts_of(tx, counts);
    output.line(format_args!("{}:", text::escaped(name)))?;
    for (word, count) in counts.iter().take(FACET_WORDS_MAX) {
        output.line(format_args!("{:>8}  {}", text::count(*count), text::escaped(word)))?;
    }
    if let Some(rest) = counts.len().checked_sub(FACET_WORDS_MAX).filter(|rest| *rest > 0) {
        output.line(format_args!("          and {rest} more"))?;
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
