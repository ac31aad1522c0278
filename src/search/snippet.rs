//! What of a record's texts answers a query: a short piece, and the places of the hits in it.
//!
//! The texts are analyzed again, by the code that indexed them, so that endings, prefixes, typing
//! errors and phrases are marked where they were found.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use tantivy::tokenizer::TokenStream as _;

use super::analyzer::{Analyzer, Unit, phrase_terms};
use super::build::{allowed_typos, distance, open_end};
use super::indexer::Indexer;
use super::parse::{Clause, Demand, End, Node, TextQuery};
use super::words::floor_boundary;
use super::{SearchOptions, Typos};
use crate::base::limits::SNIPPET_SCAN_BYTES_MAX;

/// The longest snippet, in characters.
const LENGTH_MAX: usize = 200;

/// Stands where a text goes on.
const ELLIPSIS: char = '\u{2026}';

/// A piece of a record's text around what a query found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// The field that the text is from.
    pub field: &'static str,
    /// At most 200 characters, in one line. An ellipsis stands where the text goes on.
    pub text: String,
    /// The byte ranges of `text` that were found, in order, apart from each other.
    pub highlights: Vec<Range<usize>>,
}

/// Finds the words of one query in texts.
#[derive(Debug)]
pub(crate) struct Highlighter {
    analyzer: Analyzer,
    /// Whole terms, each with the number of the word that it stands for.
    terms: HashMap<String, usize>,
    prefixes: Vec<(String, usize)>,
    misspelt: Vec<(String, u8, usize)>,
    phrases: Vec<(Phrase, usize)>,
    words: usize,
}

#[derive(Debug)]
struct Phrase {
    terms: Vec<(usize, String)>,
    /// Whether the last term is the beginning of one.
    open: bool,
}

/// A place in a text that some word of the query was found at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    start: usize,
    end: usize,
    word: usize,
}

/// The places of the terms of a phrase, by term.
type Places = HashMap<String, Vec<(usize, Range<usize>)>>;

impl Indexer {
    /// What marks the hits of a query.
    pub(crate) fn highlighter(&self, query: &TextQuery, options: &SearchOptions) -> Highlighter {
        Highlighter::new(&self.analyzer, query, options.typos)
    }
}

impl Highlighter {
    pub(super) fn new(analyzer: &Analyzer, query: &TextQuery, typos: Typos) -> Self {
        let mut highlighter = Self {
            analyzer: analyzer.clone(),
            terms: HashMap::new(),
            prefixes: Vec::new(),
            misspelt: Vec::new(),
            phrases: Vec::new(),
            words: 0,
        };
        highlighter.add_clauses(&query.clauses, typos);
        highlighter
    }

    fn add_clauses(&mut self, clauses: &[Clause], typos: Typos) {
        for clause in clauses.iter().filter(|clause| clause.demand != Demand::Not) {
            match &clause.node {
                Node::Everything | Node::Record(_) => {}
                Node::Word { text, end, typos: own, .. } => {
                    let units = self.analyzer.units(text);
                    if let [unit] = &units[..] {
                        self.add_word(unit, *end, *own, typos);
                    }
                    if !matches!(units[..], [Unit::Word(_)]) {
                        self.add_phrase(&units, *end);
                    }
                    self.words += 1;
                }
                Node::Phrase { text, end, slop, .. } => {
                    let units = self.analyzer.units(text);
                    if *slop == 0 {
                        self.add_phrase(&units, *end);
                    } else {
                        let terms = phrase_terms(&units).into_iter();
                        let word = self.words;
                        self.terms.extend(terms.map(|(_, term)| (term, word)));
                    }
                    self.words += 1;
                }
                Node::Field { name, value, end, lenient } => {
                    if *lenient {
                        let units = self.analyzer.units(&format!("{name} {value}"));
                        self.add_phrase(&units, *end);
                        self.words += 1;
                    }
                }
                Node::Or(clauses) | Node::And(clauses) | Node::Group(clauses) => {
                    self.add_clauses(clauses, typos);
                }
            }
        }
    }

    fn add_word(&mut self, unit: &Unit, end: End, own: Option<u8>, typos: Typos) {
        let (surface, term) = match unit {
            Unit::Word(form) | Unit::Compound { whole: form, .. } => (&form.surface, &form.term),
            Unit::Run(_) => return,
        };
        if end != End::Prefix {
            self.terms.insert(term.clone(), self.words);
        }
        if end != End::Whole {
            self.prefixes.push((surface.clone(), self.words));
        }
        let typos = own.unwrap_or_else(|| allowed_typos(typos, surface));
        if end != End::Prefix && typos > 0 {
            self.misspelt.push((surface.clone(), typos.min(2), self.words));
        }
    }

    fn add_phrase(&mut self, units: &[Unit], end: End) {
        let mut terms = phrase_terms(units);
        let opened = open_end(units, end);
        if let (Some(surface), Some(last)) = (opened, terms.last_mut()) {
            surface.clone_into(&mut last.1);
        }
        let open = opened.is_some();
        match (terms.len(), open) {
            (0, _) => {}
            (1, false) => self.terms.extend(terms.pop().map(|(_, term)| (term, self.words))),
            (1, true) => self.prefixes.extend(terms.pop().map(|(_, term)| (term, self.words))),
            _ => self.phrases.push((Phrase { terms, open }, self.words)),
        }
    }

    /// The best piece of these texts, each with the name of its field. Without a hit it is the
    /// beginning of the first text; `None` when there is no text at all.
    pub(crate) fn snippet(&self, texts: &[(&'static str, &str)]) -> Option<Snippet> {
        let mut best: Option<(usize, usize, Vec<Found>)> = None;
        for (index, (_, text)) in texts.iter().enumerate() {
            let found = self.find(text);
            let (worth, window) = best_window(text, &found);
            if best.as_ref().is_none_or(|(most, ..)| worth > *most) {
                best = Some((worth, index, window));
            }
        }
        let (_, index, window) = best?;
        let (field, text) = texts[index];
        Some(cut(field, text, &window))
    }

    /// All places of the query's words in a text, in order.
    fn find(&self, text: &str) -> Vec<Found> {
        let text = &text[..floor_boundary(text, SNIPPET_SCAN_BYTES_MAX)];
        let mut found = Vec::new();
        let mut places = self.phrase_places();
        let mut source = self.analyzer.terms();
        let mut stream = source.stream(text);
        while stream.advance() {
            let token = stream.token();
            let (start, end) = (token.offset_from, token.offset_to);
            if let Some(word) = self.word_of(&token.text) {
                found.push(Found { start, end, word });
            }
            if let Some(places) = places.get_mut(&token.text) {
                places.push((token.position, start..end));
            }
            for (phrase, _) in self.phrases.iter().filter(|(phrase, _)| phrase.open) {
                if let Some((_, last)) = phrase.terms.last()
                    && token.text != *last
                    && token.text.starts_with(last)
                    && let Some(places) = places.get_mut(last)
                {
                    places.push((token.position, start..end));
                }
            }
        }
        for (phrase, word) in &self.phrases {
            find_phrase(phrase, *word, &places, &mut found);
        }
        found.sort_by_key(|found| (found.start, found.end));
        found
    }

    fn phrase_places(&self) -> Places {
        let terms = self.phrases.iter().flat_map(|(phrase, _)| &phrase.terms);
        terms.map(|(_, term)| (term.clone(), Vec::new())).collect()
    }

    fn word_of(&self, token: &str) -> Option<usize> {
        if let Some(&word) = self.terms.get(token) {
            return Some(word);
        }
        if let Some((_, word)) = self.prefixes.iter().find(|(prefix, _)| token.starts_with(prefix))
        {
            return Some(*word);
        }
        let near = |surface: &str, typos: usize| {
            surface.len().abs_diff(token.len()) <= 4 * typos && distance(surface, token) <= typos
        };
        let mut misspelt = self.misspelt.iter();
        misspelt.find(|(surface, typos, _)| near(surface, usize::from(*typos))).map(|found| found.2)
    }
}

/// Adds the places where the terms of a phrase stand at their distances.
fn find_phrase(phrase: &Phrase, word: usize, places: &Places, found: &mut Vec<Found>) {
    let Some(((first_at, first), rest)) = phrase.terms.split_first() else { return };
    let Some(starts) = places.get(first) else { return };
    let mut ranges: Vec<HashMap<usize, &Range<usize>>> = Vec::new();
    for (_, term) in rest {
        let Some(places) = places.get(term) else { return };
        ranges.push(places.iter().map(|(position, range)| (*position, range)).collect());
    }
    for (position, range) in starts {
        let at = |offset: &usize| position + offset - first_at;
        let last = rest
            .iter()
            .zip(&ranges)
            .try_fold(range, |_, ((offset, _), ranges)| ranges.get(&at(offset)).copied());
        if let Some(last) = last {
            found.push(Found { start: range.start, end: last.end.max(range.end), word });
        }
    }
}

/// The places within one snippet's length that say most, and what they are worth: first different
/// words, then many of them.
fn best_window(text: &str, found: &[Found]) -> (usize, Vec<Found>) {
    let mut best = (0, 0..0);
    for first in 0..found.len() {
        let start = found[first].start;
        let mut words = HashSet::new();
        let mut last = first;
        while last < found.len() && fits(text, start, found[last].end) {
            words.insert(found[last].word);
            last += 1;
        }
        let worth = words.len() * 1_000 + (last - first).min(999);
        if worth > best.0 {
            best = (worth, first..last);
        }
    }
    (best.0, found[best.1].to_vec())
}

fn fits(text: &str, start: usize, end: usize) -> bool {
    let most = LENGTH_MAX - 2;
    end - start <= most || (end - start <= 4 * most && text[start..end].chars().count() <= most)
}

/// Cuts the window out of its text, with as much around it as there is room for.
fn cut(field: &'static str, text: &str, window: &[Found]) -> Snippet {
    let start = window.first().map_or(0, |found| found.start);
    let end = window.iter().map(|found| found.end).max().unwrap_or(0);
    let room = (LENGTH_MAX - 2).saturating_sub(text[start..end].chars().count());
    let left = back(text, start, room / 3);
    let spent = text[left..start].chars().count();
    let right = forth(text, end, room.saturating_sub(spent));
    let mut snippet = Snippet { field, text: String::new(), highlights: Vec::new() };
    let (left, right) = trimmed(text, left..right, start..end);
    if left > 0 {
        snippet.text.push(ELLIPSIS);
    }
    let shift = snippet.text.len();
    let one_line = |c: char| if c.is_ascii_control() { ' ' } else { c };
    snippet.text.extend(text[left..right].chars().map(one_line));
    if right < text.len() && !text[right..].trim().is_empty() {
        snippet.text.push(ELLIPSIS);
    }
    for found in window {
        let range = found.start - left + shift..found.end - left + shift;
        match snippet.highlights.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => snippet.highlights.push(range),
        }
    }
    snippet
}

/// The place `count` characters before `at`.
fn back(text: &str, at: usize, count: usize) -> usize {
    text[..at].char_indices().rev().take(count).last().map_or(at, |(offset, _)| offset)
}

/// The place `count` characters after `at`.
fn forth(text: &str, at: usize, count: usize) -> usize {
    text[at..].char_indices().nth(count).map_or(text.len(), |(offset, _)| at + offset)
}

/// Leaves out halves of words and blanks at both ends, but nothing of what was found.
fn trimmed(text: &str, piece: Range<usize>, found: Range<usize>) -> (usize, usize) {
    let mut left = piece.start;
    let before = &text[piece.start..found.start];
    if left > 0 && !text[..left].ends_with(char::is_whitespace) {
        left += before.find(char::is_whitespace).unwrap_or(0);
    }
    left += text[left..found.start].len() - text[left..found.start].trim_start().len();
    let mut right = piece.end;
    let after = &text[found.end..right];
    if right < text.len() && !text[right..].starts_with(char::is_whitespace) {
        right = after.rfind(char::is_whitespace).map_or(right, |offset| found.end + offset);
    }
    right = found.end + text[found.end..right].trim_end().len();
    (left, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The snippet with its highlights in brackets.
    #[track_caller]
    fn check(query: &str, texts: &[(&'static str, &str)], expected: &str) {
        check_with(query, &SearchOptions::default(), texts, expected);
    }

    #[track_caller]
    fn check_with(
        query: &str,
        options: &SearchOptions,
        texts: &[(&'static str, &str)],
        expected: &str,
    ) {
        let parsed = TextQuery::parse(query, options).unwrap();
        let snippet =
            Highlighter::new(&Analyzer::default(), &parsed, options.typos).snippet(texts).unwrap();
        let mut shown = String::new();
        let mut at = 0;
        for range in &snippet.highlights {
            shown += &snippet.text[at..range.start];
            shown.push('[');
            shown += &snippet.text[range.clone()];
            shown.push(']');
            at = range.end;
        }
        shown += &snippet.text[at..];
        assert_eq!(format!("{}: {shown}", snippet.field), expected, "{query:?}");
    }

    const NOTE: (&str, &str) = ("note", "The replies to Anna's letter are due; one reply is late.");

    #[test]
    fn what_was_found_is_marked() {
        check(
            "reply",
            &[NOTE],
            "note: The [replies] to Anna's letter are due; one [reply] is late.",
        );
        check("lett*", &[NOTE], "note: The replies to Anna's [letter] are due; one reply is late.");
        check(
            "lettre~",
            &[NOTE],
            "note: The replies to Anna's [letter] are due; one reply is late.",
        );
        check(
            "\"reply to anna\"",
            &[NOTE],
            "note: The [replies to Anna]'s letter are due; one reply is late.",
        );
        check(
            "\"to ann\"*",
            &[NOTE],
            "note: The replies [to Anna]'s letter are due; one reply is late.",
        );
        check("\"reply letter\" -late", &[NOTE], &format!("note: {}", NOTE.1));
        let typos = SearchOptions { typos: Typos::Accept, ..SearchOptions::default() };
        check_with(
            "leter",
            &typos,
            &[NOTE],
            "note: The replies to Anna's [letter] are due; one reply is late.",
        );
    }

    #[test]
    fn identifiers_and_han_are_marked() {
        check(
            "userName",
            &[("code", "let x = user_name(getUserName);")],
            "code: let x = [user_name](get[UserName]);",
        );
        check(
            "\u{4eac}\u{90fd}",
            &[("t", "\u{6771}\u{4eac}\u{90fd}")],
            "t: \u{6771}[\u{4eac}\u{90fd}]",
        );
    }

    #[test]
    fn the_text_with_most_different_words_is_taken() {
        let texts = [("a", "reply reply reply"), ("b", "the reply is\ndue")];
        check("reply due", &texts, "b: the [reply] is [due]");
        check("nothing", &texts, "a: reply reply reply");
    }

    #[test]
    fn a_long_text_is_cut_between_words() {
        let text = format!("{}the needle here {}", "hay ".repeat(200), "straw ".repeat(200));
        let query = TextQuery::parse("needle", &SearchOptions::default()).unwrap();
        let highlighter = Highlighter::new(&Analyzer::default(), &query, Typos::Refuse);
        let snippet = highlighter.snippet(&[("t", &text)]).unwrap();
        assert!(snippet.text.chars().count() <= LENGTH_MAX, "{}", snippet.text);
        assert!(snippet.text.starts_with("\u{2026}hay "), "{}", snippet.text);
        assert!(snippet.text.ends_with(" straw\u{2026}"), "{}", snippet.text);
        assert_eq!(&snippet.text[snippet.highlights[0].clone()], "needle");
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_highlighted(text in "\\PC{0,400}", query in "\\PC{0,20}") {
            let parsed = TextQuery::parse(&query, &SearchOptions::default()).unwrap();
            let highlighter = Highlighter::new(&Analyzer::default(), &parsed, Typos::Accept);
            let snippet = highlighter.snippet(&[("t", &text)]).unwrap();
            assert!(snippet.text.chars().count() <= LENGTH_MAX);
            for range in &snippet.highlights {
                assert!(snippet.text.get(range.clone()).is_some());
            }
        }
    }
}
