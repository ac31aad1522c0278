//! From the clauses of a query text to a query of the engine.
//!
//! A word is asked for in `body`, where all texts are, and once more in `title` for the score. The
//! clauses are kept flat: a union or intersection of plain terms is what the engine can cut short.

use std::collections::BTreeSet;
use std::ops::Bound;

use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EmptyQuery, FuzzyTermQuery,
    InvertedIndexRangeQuery, Occur, PhrasePrefixQuery, PhraseQuery, Query, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};

use super::analyzer::{Analyzer, Form, Unit, phrase_terms};
use super::exclude::Excluded;
use super::parse::{Clause, Demand, End, Node, Scope, typos_allowed};
use super::records::Records;
use super::schema::{Fields, folded_attribute, folded_keyword};
use super::{Typos, words};
use crate::base::limits::QUERY_EXPANSIONS_MAX;

/// The weight of a word with so many wrong letters.
const TYPO_BOOSTS: [f32; 3] = [1.0, 0.6, 0.35];

/// The weight of a word that the typed one may become.
const PREFIX_BOOST: f32 = 0.8;

/// Words that the open end of a phrase may become; the engine knows no other way than to look for
/// each of them.
const PHRASE_EXPANSIONS_MAX: usize = 1_000;

/// The score of terms beyond those that are scored by their rarity.
const REST_SCORE: f32 = 0.1;

type Boxed = Box<dyn Query>;

/// Builds queries for one state of the index.
pub(super) struct Builder<'a> {
    /// The documents that the query is for.
    pub(super) searcher: &'a Searcher,
    /// All documents of the search: they decide which fields there are.
    pub(super) known: [Option<&'a Searcher>; 2],
    pub(super) fields: &'a Fields,
    pub(super) analyzer: &'a Analyzer,
    pub(super) typos: Typos,
    /// The additional weight of a word that names the record.
    pub(super) title_weight: f32,
    /// Whether a record needs all plain clauses of a group.
    pub(super) all: bool,
}

/// A clause in the engine's terms: any of these, and what adds to the score besides.
#[derive(Default)]
pub(super) struct Scored {
    pub(super) any: Vec<Boxed>,
    pub(super) bonus: Vec<Boxed>,
}

/// The parts of a group.
#[derive(Default)]
struct Group {
    /// Met or not, without a score.
    filters: Vec<Boxed>,
    must: Vec<Boxed>,
    should: Vec<Boxed>,
    not: Vec<Boxed>,
    /// Whether something was asked for, be it nothing that can be looked up.
    asks: bool,
}

impl Builder<'_> {
    /// The whole query. Without clauses it finds everything.
    pub(super) fn query(&self, clauses: &[Clause]) -> tantivy::Result<Boxed> {
        if clauses.is_empty() {
            return Ok(everything());
        }
        Ok(self.group(clauses, self.all)?.unwrap_or_else(|| Box::new(EmptyQuery)))
    }

    /// A group of clauses; `None` when none of them can be looked up.
    pub(super) fn group(&self, clauses: &[Clause], all: bool) -> tantivy::Result<Option<Boxed>> {
        let mut group = Group::default();
        for clause in clauses {
            self.add(clause, all, &mut group)?;
        }
        Ok(group.into_query())
    }

    fn add(&self, clause: &Clause, all: bool, group: &mut Group) -> tantivy::Result<()> {
        if clause.demand == Demand::Not {
            group.not.extend(self.scored(&clause.node)?.into_query());
            return Ok(());
        }
        group.asks = true;
        if let Some(filter) = self.filter_of(&clause.node)? {
            group.filters.push(filter);
            return Ok(());
        }
        let scored = self.weighed(clause)?;
        if scored.any.is_empty() {
            return Ok(());
        }
        if all || clause.demand == Demand::Must {
            group.must.push(union(scored.any));
        } else {
            group.should.extend(scored.any);
        }
        group.should.extend(scored.bonus);
        Ok(())
    }

    /// A node that decides without a score, if it is one: a field that some record has.
    pub(super) fn filter_of(&self, node: &Node) -> tantivy::Result<Option<Boxed>> {
        let Node::Field { name, value, end, lenient } = node else { return Ok(None) };
        if *lenient && !self.knows(name)? {
            return Ok(None);
        }
        Ok(Some(self.field_query(name, value, *end)))
    }

    /// A clause with its weight.
    fn weighed(&self, clause: &Clause) -> tantivy::Result<Scored> {
        let Scored { any, bonus } = self.scored(&clause.node)?;
        let weighed = |queries: Vec<Boxed>| {
            queries.into_iter().map(|query| boosted(query, clause.weight.factor())).collect()
        };
        Ok(Scored { any: weighed(any), bonus: weighed(bonus) })
    }

    pub(super) fn scored(&self, node: &Node) -> tantivy::Result<Scored> {
        match node {
            Node::Everything => Ok(Scored::one(everything())),
            Node::Record(id) => {
                Ok(Scored::one(Box::new(Records::new(self.fields.group, vec![*id]))))
            }
            Node::Word { text, scope, end, typos } => {
                let units = self.analyzer.units(text);
                match &units[..] {
                    [] => Ok(Scored::default()),
                    [unit] => self.word(unit, *scope, *end, *typos),
                    _ => self.phrase(&units, *scope, *end, 0),
                }
            }
            Node::Phrase { text, scope, end, slop } => {
                self.phrase(&self.analyzer.units(text), *scope, *end, *slop)
            }
            Node::Field { name, value, end, .. } => {
                if let Some(filter) = self.filter_of(node)? {
                    return Ok(Scored::one(Box::new(ConstScoreQuery::new(filter, 1.0))));
                }
                let units = self.analyzer.units(&format!("{name} {value}"));
                self.phrase(&units, Scope::Everywhere, *end, 0)
            }
            Node::Or(clauses) => {
                let mut found = Scored::default();
                for clause in clauses {
                    if clause.demand == Demand::Not {
                        found.any.extend(self.group(std::slice::from_ref(clause), false)?);
                    } else {
                        let scored = self.weighed(clause)?;
                        found.any.extend(scored.any);
                        found.bonus.extend(scored.bonus);
                    }
                }
                Ok(found)
            }
            Node::And(clauses) => {
                Ok(self.group(clauses, true)?.map(Scored::one).unwrap_or_default())
            }
            Node::Group(clauses) => {
                Ok(self.group(clauses, self.all)?.map(Scored::one).unwrap_or_default())
            }
        }
    }

    /// One word: itself, what it is the beginning of, and what it may be misspelt for.
    fn word(
        &self,
        unit: &Unit,
        scope: Scope,
        end: End,
        typos: Option<u8>,
    ) -> tantivy::Result<Scored> {
        let (form, mut found) = match unit {
            Unit::Run(_) => return self.phrase(std::slice::from_ref(unit), scope, End::Whole, 0),
            Unit::Word(form) => (form, Scored::default()),
            Unit::Compound { whole, .. } => {
                (whole, self.phrase(std::slice::from_ref(unit), scope, end, 0)?)
            }
        };
        if end != End::Prefix {
            self.add_term(&form.term, scope, 1.0, &mut found)?;
        }
        if end != End::Whole {
            // What is asked for exactly is there already.
            let asked = (end == End::Perhaps).then_some(form.term.as_str());
            self.add_prefix(&form.surface, asked, scope, &mut found)?;
        }
        let typos = typos.unwrap_or_else(|| allowed_typos(self.typos, &form.surface));
        if end != End::Prefix && typos > 0 {
            self.add_misspelt(form, scope, typos.min(2), &mut found)?;
        }
        if found.any.is_empty() {
            // A beginning that no term has was asked for all the same.
            found.any.push(Box::new(EmptyQuery));
        }
        Ok(found)
    }

    fn add_term(
        &self,
        term: &str,
        scope: Scope,
        boost: f32,
        found: &mut Scored,
    ) -> tantivy::Result<()> {
        let query = |field: Field, boost: f32| -> Boxed {
            let term = Term::from_field_text(field, term);
            let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
            boosted(Box::new(query), boost)
        };
        if scope == Scope::Title {
            found.any.push(query(self.fields.title, boost));
            return Ok(());
        }
        found.any.push(query(self.fields.body, boost));
        // An empty clause would keep the engine from cutting the union short.
        if self.searcher.doc_freq(&Term::from_field_text(self.fields.title, term))? > 0 {
            found.bonus.push(query(self.fields.title, boost * self.title_weight));
        }
        Ok(())
    }

    fn add_prefix(
        &self,
        prefix: &str,
        asked: Option<&str>,
        scope: Scope,
        found: &mut Scored,
    ) -> tantivy::Result<()> {
        let field = self.field(scope);
        let terms = self.expansions(field, prefix, QUERY_EXPANSIONS_MAX + 1)?;
        if terms.len() > QUERY_EXPANSIONS_MAX {
            let rest = prefix_query(field, prefix);
            found.any.push(Box::new(ConstScoreQuery::new(rest, REST_SCORE)));
            return Ok(());
        }
        for expansion in terms.iter().filter(|expansion| Some(expansion.as_str()) != asked) {
            let boost = if expansion == prefix { 1.0 } else { PREFIX_BOOST };
            self.add_term(expansion, scope, boost, found)?;
        }
        Ok(())
    }

    /// Terms that begin with a prefix, of each segment at most so many.
    fn expansions(
        &self,
        field: Field,
        prefix: &str,
        count: usize,
    ) -> tantivy::Result<BTreeSet<String>> {
        let mut terms = BTreeSet::new();
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let mut stream = index.terms().range().ge(prefix).into_stream()?;
            let mut left = count;
            while left > 0 && stream.advance() && stream.key().starts_with(prefix.as_bytes()) {
                terms.insert(String::from_utf8_lossy(stream.key()).into_owned());
                left -= 1;
            }
        }
        Ok(terms)
    }

    fn add_misspelt(
        &self,
        form: &Form,
        scope: Scope,
        typos: u8,
        found: &mut Scored,
    ) -> tantivy::Result<()> {
        let field = self.field(scope);
        let query = FuzzyTermQuery::new(Term::from_field_text(field, &form.surface), typos, true);
        let mut terms = BTreeSet::new();
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let mut stream = index.terms().search(query.automaton()?).into_stream()?;
            while stream.advance() {
                let key = String::from_utf8_lossy(stream.key()).into_owned();
                terms.insert((distance(&form.surface, &key).min(2), key));
            }
        }
        if terms.len() > QUERY_EXPANSIONS_MAX {
            found.any.push(Box::new(ConstScoreQuery::new(Box::new(query), REST_SCORE)));
        }
        let nearest = terms.iter().take(QUERY_EXPANSIONS_MAX);
        for (distance, expansion) in nearest.filter(|(_, expansion)| *expansion != form.term) {
            self.add_term(expansion, scope, TYPO_BOOSTS[*distance], found)?;
        }
        Ok(())
    }

    fn field(&self, scope: Scope) -> Field {
        match scope {
            Scope::Everywhere => self.fields.body,
            Scope::Title => self.fields.title,
        }
    }

    /// Words that follow each other.
    fn phrase(&self, units: &[Unit], scope: Scope, end: End, slop: u32) -> tantivy::Result<Scored> {
        let phrase = self.phrase_in(self.field(scope), units, end, slop)?;
        let Some(phrase) = phrase else { return Ok(Scored::default()) };
        let mut found = Scored::one(phrase);
        if scope == Scope::Everywhere {
            let title = self.phrase_in(self.fields.title, units, end, slop)?;
            found.bonus.extend(title.map(|title| boosted(title, self.title_weight)));
        }
        Ok(found)
    }

    fn phrase_in(
        &self,
        field: Field,
        units: &[Unit],
        end: End,
        slop: u32,
    ) -> tantivy::Result<Option<Boxed>> {
        let term = |(at, term): &(usize, String)| (*at, Term::from_field_text(field, term));
        let mut terms = phrase_terms(units);
        let (Some(surface), Some(last)) = (open_end(units, end), terms.last_mut()) else {
            return Ok(match &terms[..] {
                [] => None,
                [(_, only)] => {
                    let term = Term::from_field_text(field, only);
                    Some(Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)))
                }
                terms => {
                    let terms = terms.iter().map(term).collect();
                    Some(Box::new(PhraseQuery::new_with_offset_and_slop(terms, slop)))
                }
            });
        };
        if units.len() == 1 && matches!(units[0], Unit::Word(_)) {
            return Ok(Some(Box::new(ConstScoreQuery::new(prefix_query(field, surface), 1.0))));
        }
        surface.clone_into(&mut last.1);
        let mut phrase = PhrasePrefixQuery::new_with_offset(terms.iter().map(term).collect());
        // The engine makes room for as many terms as are allowed, in every segment.
        let expansions = self.expansions(field, surface, PHRASE_EXPANSIONS_MAX)?.len().max(1);
        phrase.set_max_expansions(u32::try_from(expansions).unwrap_or(u32::MAX));
        Ok(Some(Box::new(phrase)))
    }

    /// Where a field of this name and what is there of its value can be, and as which terms: as it
    /// is written where that is folded already, else apart.
    fn places_of(&self, name: &str, value: &str) -> [(Field, String); 4] {
        let folded = folded_keyword(name, value);
        [
            (self.fields.keywords, folded.clone()),
            (self.fields.attributes, folded.clone()),
            (self.fields.folded, folded),
            (self.fields.folded, folded_attribute(name, value)),
        ]
    }

    /// Whether any record has a keyword field or an attribute of this name.
    fn knows(&self, name: &str) -> tantivy::Result<bool> {
        let starts = self.places_of(name, "");
        let known = self.known.iter().flatten();
        for segment in known.flat_map(|searcher| searcher.segment_readers()) {
            for (field, start) in &starts {
                let index = segment.inverted_index(*field)?;
                let mut stream = index.terms().range().ge(start).into_stream()?;
                if stream.advance() && stream.key().starts_with(start.as_bytes()) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn field_query(&self, name: &str, value: &str, end: End) -> Boxed {
        let queries = self.places_of(name, value).map(|(field, term)| -> Boxed {
            if end == End::Whole || value.len() > words::WORD_BYTES_MAX {
                let term = Term::from_field_text(field, &term);
                Box::new(TermQuery::new(term, IndexRecordOption::Basic))
            } else {
                prefix_query(field, &term)
            }
        });
        union(queries.into())
    }
}

impl Scored {
    fn one(query: Boxed) -> Self {
        Self { any: vec![query], bonus: Vec::new() }
    }

    fn into_query(self) -> Option<Boxed> {
        (!self.any.is_empty()).then(|| union(self.any))
    }
}

impl Group {
    fn into_query(mut self) -> Option<Boxed> {
        let found = !(self.filters.is_empty() && self.must.is_empty() && self.should.is_empty());
        if self.asks && !found {
            return None;
        }
        if !found && self.not.is_empty() {
            return None;
        }
        let mut clauses: Vec<(Occur, Boxed)> = Vec::new();
        if self.must.is_empty() && !self.should.is_empty() {
            if self.filters.is_empty() && self.not.is_empty() {
                return Some(union(self.should));
            }
            // Beside a filter the engine would take these for a mere matter of score.
            self.must.push(union(std::mem::take(&mut self.should)));
        }
        if !found {
            clauses.push((Occur::Must, everything()));
        }
        clauses.extend(self.filters.into_iter().map(|query| (Occur::Must, unscored(query))));
        clauses.extend(self.must.into_iter().map(|query| (Occur::Must, query)));
        clauses.extend(self.should.into_iter().map(|query| (Occur::Should, query)));
        clauses.extend(
            self.not.into_iter().map(|query| -> (Occur, Boxed) {
                (Occur::MustNot, Box::new(Excluded::new(query)))
            }),
        );
        Some(Box::new(BooleanQuery::new(clauses)))
    }
}

/// Wrong letters that a word may have by the search's options. A number is never misspelt: it
/// would be another one.
pub(super) fn allowed_typos(typos: Typos, surface: &str) -> u8 {
    if typos == Typos::Refuse || surface.contains(char::is_numeric) {
        return 0;
    }
    typos_allowed(surface)
}

/// The beginning that an open phrase ends in. A run of Han has no beginnings of words.
pub(super) fn open_end(units: &[Unit], end: End) -> Option<&str> {
    if end == End::Whole {
        return None;
    }
    match units.last()? {
        Unit::Word(form) => Some(&form.surface),
        Unit::Compound { parts, .. } => parts.last().map(|form| form.surface.as_str()),
        Unit::Run(_) => None,
    }
}

/// Every record, at no score.
pub(super) fn everything() -> Boxed {
    unscored(Box::new(AllQuery))
}

pub(super) fn unscored(query: Boxed) -> Boxed {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

pub(super) fn union(mut queries: Vec<Boxed>) -> Boxed {
    if queries.len() == 1
        && let Some(query) = queries.pop()
    {
        return query;
    }
    Box::new(BooleanQuery::union(queries))
}

fn boosted(query: Boxed, boost: f32) -> Boxed {
    if (boost - 1.0).abs() < f32::EPSILON {
        return query;
    }
    Box::new(BoostQuery::new(query, boost))
}

fn prefix_query(field: Field, prefix: &str) -> Boxed {
    let from = Term::from_field_text(field, prefix);
    let to = Term::from_field_text(field, &format!("{prefix}\u{10ffff}"));
    Box::new(InvertedIndexRangeQuery::new(Bound::Included(from), Bound::Included(to)))
}

/// Letters to insert, remove, replace or swap with their neighbour to make one word the other.
pub(super) fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let width = other.len() + 1;
    let mut before_last: Vec<usize> = vec![0; width];
    let mut last: Vec<usize> = (0..width).collect();
    for (row, &left) in one.iter().enumerate() {
        let mut next = vec![row + 1; width];
        for (column, &right) in other.iter().enumerate() {
            let replaced = last[column] + usize::from(left != right);
            next[column + 1] = replaced.min(last[column + 1] + 1).min(next[column] + 1);
            let swapped =
                row > 0 && column > 0 && left == other[column - 1] && one[row - 1] == right;
            if swapped {
                next[column + 1] = next[column + 1].min(before_last[column - 1] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, next);
    }
    last[width - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_single_changes() {
        for (one, other, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("deadline", "deadlnie", 1),
            ("deadline", "deadine", 1),
            ("deadline", "dedlime", 2),
            ("", "ab", 2),
            ("\u{e9}t\u{e9}", "ete", 2),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }
}
