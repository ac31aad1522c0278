//! Why a memory was recalled: the chain of memories from the question to it, with the bytes that
//! say so, and a passage of its content around them.

use std::collections::HashSet;
use std::ops::Range;

use super::answer::{RecallStep, RecallVia};
use super::index::{NONE, ScopeIndex};
use super::question::Question;
use super::rank::Ranked;
use super::score::Via;
use super::weights::RecallSignal;
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::search::Pieces;

/// Spans of one step, at most.
const SPANS_MAX: usize = 32;
/// Bytes of a passage, about.
const SNIPPET_BYTES: usize = 200;
/// Bytes of a passage before the first thing found.
const LEAD_BYTES: usize = 40;
/// Bytes of a content that are looked through.
const LOOK_BYTES_MAX: usize = 1 << 20;

/// What is looked for in contents.
#[derive(Debug)]
pub(super) struct Sought<'a> {
    index: &'a ScopeIndex,
    /// Terms of the question, and those that stand for them.
    terms: HashSet<u32>,
}

impl<'a> Sought<'a> {
    pub(super) fn new(index: &'a ScopeIndex, question: &Question) -> Self {
        let own = question.terms.iter().map(|(term, _)| *term);
        let others = question.stands.iter().flat_map(|stand| stand.others.iter().copied());
        Self { index, terms: own.chain(others).collect() }
    }

    /// The chain that leads to a memory. `content` gives the content of one, where it may be read.
    pub(super) fn path(
        &self,
        ranked: &Ranked,
        pieces: &mut Pieces,
        content: &mut dyn FnMut(NodeId) -> Result<Option<String>>,
    ) -> Result<Vec<RecallStep>> {
        let mut path = Vec::new();
        let id = ranked.id;
        let value = |signal: RecallSignal| ranked.parts[signal as usize];
        let own = value(RecallSignal::Words) + value(RecallSignal::Groups);
        let link = value(RecallSignal::NameLink) + value(RecallSignal::SubjectLink);
        if let Some(via) = ranked.joined.name.filter(|_| link > own) {
            let name = self.index.forms.text(via.form).to_owned();
            let start = self.step(&via, pieces, content)?;
            let spans = spans_of(content(id)?, pieces, &|surface, _| surface == name);
            path.extend([start, RecallStep { memory: id, via: RecallVia::Name(name), spans }]);
        } else if let Some(via) = ranked.joined.edge.filter(|_| value(RecallSignal::Edge) > own) {
            let start = self.step(&via, pieces, content)?;
            path.extend([
                start,
                RecallStep { memory: id, via: RecallVia::Edge, spans: Vec::new() },
            ]);
        } else if own > 0.0 {
            path.push(self.words_in(id, pieces, content)?);
        } else if let Some(beside) = self.neighbor_with_words(ranked.place) {
            let beside = self.words_in(self.index.entry(beside).id, pieces, content)?;
            let spans = Vec::new();
            path.extend([beside, RecallStep { memory: id, via: RecallVia::Neighbor, spans }]);
        } else {
            let near = value(RecallSignal::Vector) > value(RecallSignal::Session);
            let via = if near { RecallVia::Vector } else { RecallVia::Session };
            path.push(RecallStep { memory: id, via, spans: Vec::new() });
        }
        Ok(path)
    }

    fn step(
        &self,
        via: &Via,
        pieces: &mut Pieces,
        content: &mut dyn FnMut(NodeId) -> Result<Option<String>>,
    ) -> Result<RecallStep> {
        let memory = self.index.entry(via.start).id;
        let mut step = self.words_in(memory, pieces, content)?;
        if via.form != NONE {
            let name = self.index.forms.text(via.form);
            let names = spans_of(content(memory)?, pieces, &|surface, _| surface == name);
            step.spans.extend(names);
            step.spans.sort_by_key(|span| (span.start, span.end));
            step.spans.dedup();
        }
        Ok(step)
    }

    /// Where a memory has words of the question.
    fn words_in(
        &self,
        memory: NodeId,
        pieces: &mut Pieces,
        content: &mut dyn FnMut(NodeId) -> Result<Option<String>>,
    ) -> Result<RecallStep> {
        let spans = spans_of(content(memory)?, pieces, &|_, term| {
            self.index.terms.get(term).is_some_and(|term| self.terms.contains(&term))
        });
        Ok(RecallStep { memory, via: RecallVia::Words, spans })
    }

    /// The nearest neighbour in the session that has words of the question.
    fn neighbor_with_words(&self, place: u32) -> Option<u32> {
        let mut found = None;
        self.index.settled.each_in_window(place, |other| {
            let has = || {
                let terms = self.index.entry(other).terms.iter();
                terms.map(|(term, _)| term).any(|term| self.terms.contains(term))
            };
            if found.is_none() && other != place && has() {
                found = Some(other);
            }
        });
        found
    }
}

/// The bytes of the words that `is_sought`, by surface and term, in order and without overlaps.
fn spans_of(
    content: Option<String>,
    pieces: &mut Pieces,
    is_sought: &dyn Fn(&str, &str) -> bool,
) -> Vec<Range<usize>> {
    let Some(content) = content else { return Vec::new() };
    let mut spans: Vec<Range<usize>> = Vec::new();
    let looked = start_of(&content, LOOK_BYTES_MAX);
    pieces.each(looked, &mut |piece| {
        if spans.len() >= SPANS_MAX || !is_sought(&piece.surface, &piece.term) {
            return;
        }
        match spans.last_mut() {
            // Pairs of characters overlap, and an identifier has its parts in it.
            Some(last) if piece.range.start <= last.end => last.end = last.end.max(piece.range.end),
            _ => spans.push(piece.range),
        }
    });
    spans
}

/// At most so many bytes of a text, whole characters.
fn start_of(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A passage of a content around the first thing found.
pub(super) fn snippet(content: &str, spans: &[Range<usize>]) -> String {
    if content.len() <= SNIPPET_BYTES {
        return content.to_owned();
    }
    let first = spans.first().map_or(0, |span| span.start);
    let mut start = first.saturating_sub(LEAD_BYTES);
    while !content.is_char_boundary(start) {
        start -= 1;
    }
    // A passage begins with a whole word where there are blanks.
    if start > 0
        && let Some(blank) = content[start..first.max(start)].find(char::is_whitespace)
    {
        start += blank + 1;
        while !content.is_char_boundary(start) {
            start += 1;
        }
    }
    let passage = start_of(&content[start..], SNIPPET_BYTES);
    let is_cut = start + passage.len() < content.len();
    let whole = match passage.rfind(char::is_whitespace).filter(|_| is_cut) {
        Some(end) if end > SNIPPET_BYTES / 2 => &passage[..end],
        _ => passage,
    };
    let (before, after) = (if start > 0 { "... " } else { "" }, if is_cut { " ..." } else { "" });
    format!("{before}{}{after}", whole.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::AnalyzerOptions;

    #[test]
    fn spans_are_the_bytes_of_what_was_found() {
        let mut pieces = Pieces::new(AnalyzerOptions::default());
        let text = "\u{e9}t\u{e9}: the Reply, then replies in \u{5317}\u{4eac}".to_owned();
        let found = |sought: &[&str], pieces: &mut Pieces| -> Vec<String> {
            let spans = spans_of(Some(text.clone()), pieces, &|_, term| sought.contains(&term));
            spans.into_iter().map(|span| text[span].to_owned()).collect()
        };
        assert_eq!(found(&["repli"], &mut pieces), ["Reply", "replies"]);
        let characters = ["\u{5317}", "\u{5317}\u{4eac}", "\u{4eac}"];
        assert_eq!(found(&characters, &mut pieces), ["\u{5317}\u{4eac}"]);
        assert!(spans_of(None, &mut pieces, &|_, _| true).is_empty());
    }

    #[test]
    fn a_passage_holds_what_was_found_and_cuts_no_character() {
        let long = format!("{} needle {}", "\u{4e94}".repeat(300), "word ".repeat(200));
        let at = long.find("needle").unwrap();
        let found = |start: usize, end: usize| vec![Range { start, end }];
        let passage = snippet(&long, &found(at, at + 6));
        assert!(passage.contains("needle") && passage.len() <= SNIPPET_BYTES + 8, "{passage}");
        assert_eq!(snippet("short", &[]), "short");
        let passage = snippet(&"\u{1f600}".repeat(200), &found(400, 404));
        assert!(passage.starts_with("... \u{1f600}"), "{passage}");
    }
}
