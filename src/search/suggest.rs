//! Words that somebody may have meant, or may be about to write.
//!
//! The index knows terms: words in lower case, and stems that are no words. Which word a term was
//! made from is read from a record that has it, so that nobody is shown a stem.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use tantivy::query::FuzzyTermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet as _, Searcher, TERMINATED, Term};

use super::analyzer::{Analyzer, Unit};
use super::build::distance;
use super::indexer::{ENGINE, Indexer, View, guarded};
use super::parse::{Clause, Demand, End, Node, Scope, TextQuery, typos_allowed};
use super::schema::ID;
use super::words::{Lexer, Shape, floor_boundary};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::{SNIPPET_SCAN_BYTES_MAX, SUGGESTION_TERMS_MAX};
use crate::record::Facts;

/// Records that are read to find out which word a term was made from.
const WITNESSES: usize = 3;

/// Terms that are tried in the place of one misspelt word.
const CANDIDATES: usize = 8;

/// A term of the index that may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The term, a stem perhaps.
    pub(crate) term: String,
    /// Records that have it.
    pub(crate) records: u64,
    /// Some of them.
    pub(crate) witnesses: Vec<NodeId>,
}

/// A word of a query that no record has, and what may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misspelt {
    /// Its place in the query's text.
    pub(crate) range: Range<usize>,
    /// The nearest terms, then the most frequent ones, first.
    pub(crate) candidates: Vec<Candidate>,
}

impl Indexer {
    /// The words of a query text that no record has, with the terms that may be meant. Operators,
    /// fields, numbers, short words and beginnings of words are left alone.
    ///
    /// # Errors
    /// [`Error::Engine`] when the index cannot be read.
    pub(crate) fn misspelt(&self, text: &str) -> Result<Vec<Misspelt>> {
        let Some(view) = self.view() else { return Ok(Vec::new()) };
        let find = || {
            let mut found = Vec::new();
            let mut lexer = Lexer::new(text);
            while let Some((shape, range)) = lexer.next() {
                if shape == Shape::Word && is_plain(text, &range) {
                    let candidates = self.candidates(&view, &text[range.clone()])?;
                    if !candidates.is_empty() {
                        found.push(Misspelt { range, candidates });
                    }
                }
            }
            Ok(found)
        };
        guarded(find).map_err(|err| Error::engine(ENGINE, "look for similar words", err))
    }

    /// Terms near a word that no record has.
    fn candidates(&self, view: &View, word: &str) -> tantivy::Result<Vec<Candidate>> {
        let units = self.analyzer.units(word);
        let [Unit::Word(form)] = &units[..] else { return Ok(Vec::new()) };
        let typos = typos_allowed(&form.surface);
        let field = self.fields.body;
        let asked = Term::from_field_text(field, &form.term);
        if typos == 0
            || form.surface.contains(char::is_numeric)
            || view.searcher.doc_freq(&asked)? > 0
        {
            return Ok(Vec::new());
        }
        let query = FuzzyTermQuery::new(Term::from_field_text(field, &form.surface), typos, true);
        let mut near: BTreeMap<String, u64> = BTreeMap::new();
        for segment in view.searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let mut stream = index.terms().search(query.automaton()?).into_stream()?;
            while stream.advance() && near.len() < SUGGESTION_TERMS_MAX {
                let term = String::from_utf8_lossy(stream.key()).into_owned();
                *near.entry(term).or_default() += u64::from(stream.value().doc_freq);
            }
        }
        let mut near: Vec<(String, u64)> = near.into_iter().collect();
        near.sort_by_cached_key(|(term, records)| {
            (distance(&form.surface, term), Reverse(*records))
        });
        near.truncate(CANDIDATES);
        self.with_witnesses(&view.searcher, near)
    }

    /// The most frequent terms that begin with the last word of a text.
    ///
    /// # Errors
    /// [`Error::Engine`] when the index cannot be read.
    pub(crate) fn completions(&self, text: &str, count: usize) -> Result<Vec<Candidate>> {
        let Some(view) = self.view() else { return Ok(Vec::new()) };
        let Some(Unit::Word(form)) = self.analyzer.units(text).pop() else {
            return Ok(Vec::new());
        };
        let complete = || {
            let mut begun: BTreeMap<String, u64> = BTreeMap::new();
            for segment in view.searcher.segment_readers() {
                let index = segment.inverted_index(self.fields.body)?;
                let mut stream = index.terms().range().ge(&form.surface).into_stream()?;
                let mut left = SUGGESTION_TERMS_MAX;
                while left > 0
                    && stream.advance()
                    && stream.key().starts_with(form.surface.as_bytes())
                {
                    let term = String::from_utf8_lossy(stream.key()).into_owned();
                    *begun.entry(term).or_default() += u64::from(stream.value().doc_freq);
                    left -= 1;
                }
            }
            let mut begun: Vec<(String, u64)> = begun.into_iter().collect();
            begun.sort_by_key(|(_, records)| Reverse(*records));
            // A stem and the word that it was made from may be one answer.
            begun.truncate(count.saturating_mul(2));
            self.with_witnesses(&view.searcher, begun)
        };
        guarded(complete).map_err(|err| Error::engine(ENGINE, "complete a word", err))
    }

    /// Keywords that hold a text, without regard to case: field, word, and how many records have
    /// it, the most frequent first.
    ///
    /// # Errors
    /// [`Error::Engine`] when the index cannot be read.
    pub(crate) fn keywords_with(
        &self,
        text: &str,
        count: usize,
    ) -> Result<Vec<(String, String, u64)>> {
        let Some(view) = self.view() else { return Ok(Vec::new()) };
        let wanted = text.trim().to_lowercase();
        let look = || {
            let mut found: BTreeMap<String, u64> = BTreeMap::new();
            for segment in view.searcher.segment_readers() {
                let index = segment.inverted_index(self.fields.keywords)?;
                let mut stream = index.terms().stream()?;
                let mut left = SUGGESTION_TERMS_MAX;
                while left > 0 && stream.advance() {
                    left -= 1;
                    let Ok(term) = std::str::from_utf8(stream.key()) else { continue };
                    let word = term.split_once('=').map_or("", |(_, word)| word);
                    if word.to_lowercase().contains(&wanted) {
                        let records = u64::from(stream.value().doc_freq);
                        *found.entry(term.to_owned()).or_default() += records;
                    }
                }
            }
            Ok(found)
        };
        let found =
            guarded(look).map_err(|err| Error::engine(ENGINE, "look through keywords", err))?;
        let mut found: Vec<(String, String, u64)> = found
            .into_iter()
            .filter_map(|(term, records)| {
                let (field, word) = term.split_once('=')?;
                Some((field.to_owned(), word.to_owned(), records))
            })
            .collect();
        found.sort_by_key(|(_, _, records)| Reverse(*records));
        found.truncate(count);
        Ok(found)
    }

    fn with_witnesses(
        &self,
        searcher: &Searcher,
        terms: Vec<(String, u64)>,
    ) -> tantivy::Result<Vec<Candidate>> {
        let candidates = terms.into_iter().map(|(term, records)| {
            let witnesses = self.witnesses(searcher, &term)?;
            Ok(Candidate { term, records, witnesses })
        });
        candidates.collect()
    }

    /// Some records that have a term.
    fn witnesses(&self, searcher: &Searcher, term: &str) -> tantivy::Result<Vec<NodeId>> {
        let term = Term::from_field_text(self.fields.body, term);
        let mut found = Vec::new();
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(self.fields.body)?;
            let ids = segment.fast_fields().u64(ID)?;
            let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)? else {
                continue;
            };
            while postings.doc() != TERMINATED && found.len() < WITNESSES {
                if !segment.is_deleted(postings.doc()) {
                    found.extend(ids.first(postings.doc()).map(NodeId::from_u64));
                }
                postings.advance();
            }
        }
        Ok(found)
    }

    /// The word of these texts that a term was made from, in lower case: itself, else one of which
    /// it is the stem.
    pub(crate) fn word_of(&self, facts: &Facts<'_>, term: &str) -> Option<String> {
        let mut stemmed = None;
        for (_, text) in &facts.texts {
            let text = &text[..floor_boundary(text, SNIPPET_SCAN_BYTES_MAX)];
            if let Some((word, is_whole)) = word_in(&self.analyzer, text, term) {
                if is_whole {
                    return Some(word);
                }
                stemmed.get_or_insert(word);
            }
        }
        stemmed
    }
}

impl TextQuery {
    /// The query for records that are named by all the words of a text, the last one perhaps begun.
    pub(crate) fn titled(text: &str) -> Self {
        let words: Vec<&str> = text.split_whitespace().collect();
        let clauses = words.iter().enumerate().map(|(index, word)| {
            let end = if index + 1 == words.len() { End::Perhaps } else { End::Whole };
            let text = (*word).to_owned();
            let node = Node::Word { text, scope: Scope::Title, end, typos: Some(0) };
            Clause::new(Demand::Must, node)
        });
        Self { clauses: clauses.collect() }
    }
}

/// Whether a word of a query stands for itself: no operator, field, value or beginning.
fn is_plain(text: &str, range: &Range<usize>) -> bool {
    let (before, word) = (&text[..range.start], &text[range.clone()]);
    let after = &text[range.end..];
    !matches!(word, "OR" | "AND" | "NOT")
        && !before.ends_with([':', '-', '.', '/', '\\', '^'])
        && !after.starts_with([':', '*', '~', '.', '/', '\\'])
}

/// The word of a text that a term was made from, and whether it is the term itself.
fn word_in(analyzer: &Analyzer, text: &str, term: &str) -> Option<(String, bool)> {
    let mut stemmed = None;
    let mut lexer = Lexer::new(text);
    while let Some((shape, range)) = lexer.next() {
        let ranges = match shape {
            Shape::Word => vec![range],
            Shape::Compound => [&[range], lexer.parts()].concat(),
            Shape::Run => continue,
        };
        for range in ranges {
            for unit in analyzer.units(&text[range.clone()]) {
                let (Unit::Word(form) | Unit::Compound { whole: form, .. }) = unit else {
                    continue;
                };
                if form.surface == term {
                    return Some((text[range].to_lowercase(), true));
                }
                if form.term == term {
                    stemmed.get_or_insert_with(|| (text[range.clone()].to_lowercase(), false));
                }
            }
        }
    }
    stemmed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_led_back_to_words() {
        let analyzer = Analyzer::default();
        let text = "The Replies of getUserName at the Caf\u{e9}";
        for (term, word, is_whole) in [
            ("repli", "replies", false),
            ("replies", "replies", true),
            ("cafe", "caf\u{e9}", true),
            ("user", "user", true),
            ("getusername", "getusername", true),
        ] {
            assert_eq!(word_in(&analyzer, text, term), Some((word.to_owned(), is_whole)), "{term}");
        }
        assert_eq!(word_in(&analyzer, text, "none"), None);
    }

    #[test]
    fn what_is_no_plain_word_is_left_alone() {
        let text = "reply NOT status:open -late dead* src/search";
        let mut plain = Vec::new();
        let mut lexer = Lexer::new(text);
        while let Some((_, range)) = lexer.next() {
            if is_plain(text, &range) {
                plain.push(&text[range]);
            }
        }
        assert_eq!(plain, ["reply"]);
    }
}
