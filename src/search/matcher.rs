//! A query held against one record, without an index: what standing queries and rules ask.
//!
//! The answer is the one that an index of that record would give: same analyzer, same parser, and
//! the rules of `build` one by one. Two things need to be said, because an index knows more than
//! one record. `field:value`, read leniently, is a filter where the *record* has such a field, and
//! words where it has not. [`Matching::AllElseAny`] asks for every word. Phrases of three and more
//! words with gaps are within reach when the gaps together are; the engine counts them in an order
//! that depends on how rare the words are.

use std::ops::Bound;

use super::analyzer::{Analyzer, Form, Unit, phrase_terms};
use super::build::{allowed_typos, distance, open_end};
use super::indexer::Indexer;
use super::parse::{Clause, Demand, End, Node, Scope, TextQuery};
use super::schema::{folded_attribute, folded_keyword};
use super::subject::{Subject, Terms};
use super::{Filter, Matching, SearchOptions, Typos, words};
use crate::base::id::NodeId;

/// A query that is ready to be held against records.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    analyzer: Analyzer,
    clauses: Vec<Asked>,
    all: bool,
    filters: Vec<Filter>,
}

impl Indexer {
    /// What decides on single records whether this query finds them.
    pub(crate) fn matcher(&self, query: &TextQuery, options: &SearchOptions) -> Matcher {
        Matcher::new(&self.analyzer, query, options)
    }
}

impl Matcher {
    pub(super) fn new(analyzer: &Analyzer, query: &TextQuery, options: &SearchOptions) -> Self {
        let compiler = Compiler { analyzer, typos: options.typos };
        Self {
            clauses: compiler.clauses(&query.clauses),
            all: options.matching != Matching::Any,
            filters: options.filters.clone(),
            analyzer: analyzer.clone(),
        }
    }

    /// As an index with the default analyzer has it.
    #[cfg(test)]
    pub(crate) fn of_plain_english(query: &TextQuery, options: &SearchOptions) -> Self {
        Self::new(&Analyzer::default(), query, options)
    }

    /// Whether the query finds the record.
    pub(crate) fn matches(&self, record: &Subject<'_>) -> bool {
        self.matches_knowing(record, &|name| record.has_field(name))
    }

    /// As [`Matcher::matches`], `knows` telling which fields any record has.
    pub(super) fn matches_knowing(
        &self,
        record: &Subject<'_>,
        knows: &dyn Fn(&str) -> bool,
    ) -> bool {
        if !self.filters.iter().all(|filter| record.meets(filter)) {
            return false;
        }
        let judge = Judge { analyzer: &self.analyzer, record, knows, all: self.all };
        self.clauses.is_empty() || judge.group(&self.clauses, self.all).unwrap_or(false)
    }
}

/// A clause, its words analyzed.
#[derive(Clone, Debug)]
struct Asked {
    demand: Demand,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Everything,
    Record(NodeId),
    /// Any of these; without one there is nothing to look up.
    Words(Vec<Probe>),
    Field {
        name: String,
        /// As a keyword and as an attribute.
        terms: [String; 2],
        is_start: bool,
        /// What is asked where nothing has such a field.
        words: Option<Vec<Probe>>,
    },
    Or(Vec<Asked>),
    And(Vec<Asked>),
    Group(Vec<Asked>),
}

/// Something to look for among the terms of a record.
#[derive(Clone, Debug)]
struct Probe {
    scope: Scope,
    look: Look,
}

#[derive(Clone, Debug)]
enum Look {
    Term(String),
    Prefix(String),
    Near(String, u8),
    Phrase {
        terms: Vec<(usize, String)>,
        slop: u32,
    },
    /// A phrase whose last term is the beginning of one.
    Open(Vec<(usize, String)>),
}

/// Prepares clauses, in the way in which queries of the index are built.
struct Compiler<'a> {
    analyzer: &'a Analyzer,
    typos: Typos,
}

impl Compiler<'_> {
    fn clauses(&self, clauses: &[Clause]) -> Vec<Asked> {
        let asked = clauses
            .iter()
            .map(|clause| Asked { demand: clause.demand, test: self.test(&clause.node) });
        asked.collect()
    }

    fn test(&self, node: &Node) -> Test {
        match node {
            Node::Everything => Test::Everything,
            Node::Record(id) => Test::Record(*id),
            Node::Word { text, scope, end, typos } => {
                let units = self.analyzer.units(text);
                Test::Words(match &units[..] {
                    [] => Vec::new(),
                    [unit] => self.word(unit, *scope, *end, *typos),
                    _ => phrase(&units, *scope, *end, 0),
                })
            }
            Node::Phrase { text, scope, end, slop } => {
                Test::Words(phrase(&self.analyzer.units(text), *scope, *end, *slop))
            }
            Node::Field { name, value, end, lenient } => {
                let words = lenient.then(|| {
                    let units = self.analyzer.units(&format!("{name} {value}"));
                    phrase(&units, Scope::Everywhere, *end, 0)
                });
                Test::Field {
                    name: name.clone(),
                    terms: [folded_keyword(name, value), folded_attribute(name, value)],
                    is_start: *end != End::Whole && value.len() <= words::WORD_BYTES_MAX,
                    words,
                }
            }
            Node::Or(clauses) => Test::Or(self.clauses(clauses)),
            Node::And(clauses) => Test::And(self.clauses(clauses)),
            Node::Group(clauses) => Test::Group(self.clauses(clauses)),
        }
    }

    fn word(&self, unit: &Unit, scope: Scope, end: End, typos: Option<u8>) -> Vec<Probe> {
        let one = std::slice::from_ref(unit);
        let (form, mut probes): (&Form, _) = match unit {
            Unit::Run(_) => return phrase(one, scope, End::Whole, 0),
            Unit::Word(form) => (form, Vec::new()),
            Unit::Compound { whole, .. } => (whole, phrase(one, scope, end, 0)),
        };
        let mut push = |look| probes.push(Probe { scope, look });
        if end != End::Prefix {
            push(Look::Term(form.term.clone()));
        }
        if end != End::Whole {
            push(Look::Prefix(form.surface.clone()));
        }
        let typos = typos.unwrap_or_else(|| allowed_typos(self.typos, &form.surface));
        if end != End::Prefix && typos > 0 {
            push(Look::Near(form.surface.clone(), typos.min(2)));
        }
        probes
    }
}

fn phrase(units: &[Unit], scope: Scope, end: End, slop: u32) -> Vec<Probe> {
    let mut terms = phrase_terms(units);
    let is_one = terms.len() == 1;
    let Some((_, last)) = terms.last_mut() else { return Vec::new() };
    let look = match open_end(units, end) {
        Some(surface) if is_one => Look::Prefix(surface.to_owned()),
        Some(surface) => {
            surface.clone_into(last);
            Look::Open(terms)
        }
        None if is_one => Look::Term(std::mem::take(last)),
        None => Look::Phrase { terms, slop },
    };
    vec![Probe { scope, look }]
}

/// Judges one record. An answer of `None` is that nothing was asked that can be looked up.
struct Judge<'a> {
    analyzer: &'a Analyzer,
    record: &'a Subject<'a>,
    knows: &'a dyn Fn(&str) -> bool,
    all: bool,
}

impl Judge<'_> {
    fn group(&self, clauses: &[Asked], all: bool) -> Option<bool> {
        let (mut asks, mut demanded) = (false, false);
        let (mut must, mut should, mut not) = (None, None, None);
        for clause in clauses {
            let answer = self.answer(&clause.test);
            if clause.demand == Demand::Not {
                not = either(not, answer);
                continue;
            }
            asks = true;
            if self.is_filter(&clause.test) {
                must = both(must, answer);
            } else if all || clause.demand == Demand::Must {
                must = both(must, answer);
                demanded |= answer.is_some();
            } else {
                should = either(should, answer);
            }
        }
        // What is merely wished for is needed when nothing is demanded, filters apart.
        let found = if demanded { must } else { both(must, should) };
        match (found, not) {
            (None, None) => None,
            (None, Some(_)) if asks => None,
            (None, Some(not)) => Some(!not),
            (Some(found), not) => Some(found && !not.unwrap_or(false)),
        }
    }

    /// Whether the test decides without a say in the rank.
    fn is_filter(&self, test: &Test) -> bool {
        match test {
            Test::Field { name, words, .. } => words.is_none() || (self.knows)(name),
            _ => false,
        }
    }

    fn answer(&self, test: &Test) -> Option<bool> {
        match test {
            Test::Everything => Some(true),
            Test::Record(id) => Some(self.record.id() == *id),
            Test::Words(probes) => self.any(probes),
            Test::Field { terms, is_start, words, .. } => match words {
                Some(words) if !self.is_filter(test) => self.any(words),
                _ => Some(terms.iter().any(|term| self.has_value(term, *is_start))),
            },
            Test::Or(clauses) => clauses.iter().fold(None, |found, clause| {
                let answer = match clause.demand {
                    Demand::Not => self.group(std::slice::from_ref(clause), false),
                    Demand::Plain | Demand::Must => self.answer(&clause.test),
                };
                either(found, answer)
            }),
            Test::And(clauses) => self.group(clauses, true),
            Test::Group(clauses) => self.group(clauses, self.all),
        }
    }

    fn has_value(&self, term: &str, is_start: bool) -> bool {
        let folded = self.record.folded();
        if !is_start {
            return folded.contains(term);
        }
        let mut after = folded.range::<str, _>((Bound::Included(term), Bound::Unbounded));
        after.next().is_some_and(|found| found.starts_with(term))
    }

    fn any(&self, probes: &[Probe]) -> Option<bool> {
        let found =
            |probe: &Probe| look(self.record.terms(self.analyzer, probe.scope), &probe.look);
        (!probes.is_empty()).then(|| probes.iter().any(found))
    }
}

fn either(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one || other),
        (one, other) => one.or(other),
    }
}

fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one && other),
        (one, other) => one.or(other),
    }
}

fn look(terms: &Terms, look: &Look) -> bool {
    match look {
        Look::Term(term) => terms.contains_key(term),
        Look::Prefix(prefix) => starting_with(terms, prefix).next().is_some(),
        Look::Near(surface, typos) => {
            let typos = usize::from(*typos);
            let near = |term: &String| {
                // A letter takes four bytes at most.
                surface.len().abs_diff(term.len()) <= 4 * typos && distance(surface, term) <= typos
            };
            terms.keys().any(near)
        }
        Look::Phrase { terms: phrase, slop } => has_phrase(terms, phrase, *slop),
        Look::Open(phrase) => {
            let Some(((at, prefix), whole)) = phrase.split_last() else { return false };
            starting_with(terms, prefix).any(|(term, _)| {
                let mut phrase = whole.to_vec();
                phrase.push((*at, term.clone()));
                has_phrase(terms, &phrase, 0)
            })
        }
    }
}

fn starting_with<'t>(
    terms: &'t Terms,
    prefix: &'t str,
) -> impl Iterator<Item = (&'t String, &'t Vec<u32>)> {
    let from = terms.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
    from.take_while(move |(term, _)| term.starts_with(prefix))
}

/// Whether the terms stand at their distances, give or take `slop` places in all.
fn has_phrase(terms: &Terms, phrase: &[(usize, String)], slop: u32) -> bool {
    let last = phrase.iter().map(|(at, _)| *at).max().unwrap_or(0);
    // Each term's places, moved to where the last term would be.
    let mut places: Vec<Vec<u32>> = Vec::with_capacity(phrase.len());
    for (at, term) in phrase {
        let Some(positions) = terms.get(term) else { return false };
        let shift = (last - at) as u32;
        places.push(positions.iter().map(|position| position + shift).collect());
    }
    let Some((first, rest)) = places.split_first() else { return false };
    // The window that holds one place of each term begins at one of their places.
    places.iter().flatten().any(|start| {
        let within = |place: &u32| (*start..=start.saturating_add(slop)).contains(place);
        first.iter().any(within) && rest.iter().all(|places| places.iter().any(within))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::Kind;
    use crate::record::Facts;

    #[track_caller]
    fn check(query: &str, expected: bool) {
        let mut facts = Facts::default();
        facts.text("title", "Reply to Anna");
        facts.text("body", "The replies of getUserName are due on 14 March, letter by letter");
        facts.keyword("tag", "To Do");
        let options = SearchOptions::default();
        let query_read = TextQuery::parse(query, &options).unwrap();
        let matcher = Matcher::new(&Analyzer::default(), &query_read, &options);
        let subject = Subject::new(NodeId::from_parts(Kind(1), 1), &facts);
        assert_eq!(matcher.matches(&subject), expected, "{query:?}");
    }

    #[test]
    fn a_record_is_judged_as_the_index_would() {
        for query in [
            "reply",
            "nothing reply",
            "+due -april",
            "\"due on 14\"",
            "\"due 14\"~1",
            "\"replies user\"~2",
            "user_name",
            "getuser*",
            "lettre~",
            "tag:\"to do\"",
            "tag:to* letter",
            "title:anna",
            "-nothing",
            "march AND (nothing OR letter)",
            "*",
            "",
            "due:on",
        ] {
            check(query, true);
        }
        for query in [
            "nothing",
            "tag:to* nothing",
            "+nothing reply",
            "reply -due",
            "\"on due\"",
            "\"due 14\"",
            "\"anna the\"",
            "title:march",
            "tag:to",
            "status:open",
            "?!",
            "-?!",
            "march AND nothing",
        ] {
            check(query, false);
        }
    }
}
