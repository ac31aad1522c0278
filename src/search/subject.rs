//! One record as matchers see it: its facts, its texts analyzed once for all who ask.
//!
//! Holds what the index would hold of the record, under the same terms and at the same positions,
//! and is filled as it is asked: a record that no filter lets through is never analyzed.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, RangeBounds as _};

use tantivy::tokenizer::TokenStream as _;

use super::Filter;
use super::analyzer::Analyzer;
use super::parse::Scope;
use super::schema::{
    attribute_values, folded_attribute, folded_keyword, folds, keyword_term, names_record,
};
use crate::base::id::NodeId;
use crate::record::Facts;

/// The terms of the texts of one field, each with its positions in order.
pub(super) type Terms = BTreeMap<String, Vec<u32>>;

/// What two texts of one field are apart, beyond the place of a word: no phrase runs across.
const TEXT_GAP: u32 = 1;

/// A record to be matched.
#[derive(Debug)]
pub(crate) struct Subject<'f> {
    id: NodeId,
    facts: &'f Facts<'f>,
    body: OnceCell<Terms>,
    title: OnceCell<Terms>,
    folded: OnceCell<BTreeSet<String>>,
    attributes: OnceCell<BTreeSet<String>>,
}

impl<'f> Subject<'f> {
    /// The record `id` with these facts. Nothing is analyzed yet.
    pub(crate) fn new(id: NodeId, facts: &'f Facts<'f>) -> Self {
        Self {
            id,
            facts,
            body: OnceCell::new(),
            title: OnceCell::new(),
            folded: OnceCell::new(),
            attributes: OnceCell::new(),
        }
    }

    pub(super) fn id(&self) -> NodeId {
        self.id
    }

    /// The terms of all texts, or of those that name the record.
    pub(super) fn terms(&self, analyzer: &Analyzer, scope: Scope) -> &Terms {
        match scope {
            Scope::Everywhere => self.body.get_or_init(|| self.analyze(analyzer, |_| true)),
            Scope::Title => self.title.get_or_init(|| self.analyze(analyzer, names_record)),
        }
    }

    fn analyze(&self, analyzer: &Analyzer, is_in: impl Fn(&str) -> bool) -> Terms {
        let mut terms = Terms::new();
        let mut source = analyzer.terms();
        let mut start = 0;
        for (_, text) in self.facts.texts.iter().filter(|(field, _)| is_in(field)) {
            let mut end = start;
            let mut stream = source.stream(text);
            while stream.advance() {
                let token = stream.token();
                let position = start + token.position as u32;
                end = end.max(position + 1);
                if let Some(positions) = terms.get_mut(&token.text) {
                    positions.push(position);
                } else {
                    terms.insert(token.text.clone(), vec![position]);
                }
            }
            start = end + TEXT_GAP;
        }
        terms
    }

    /// Keywords and attributes without regard to case.
    pub(super) fn folded(&self) -> &BTreeSet<String> {
        self.folded.get_or_init(|| {
            let keywords = self.facts.keywords.iter();
            let mut folded: BTreeSet<String> =
                keywords.map(|(field, word)| folded_keyword(field, word)).collect();
            if let Some(json) = self.facts.attributes {
                attribute_values(json, &mut |path, value| {
                    folded.insert(folded_attribute(path, value));
                });
            }
            folded
        })
    }

    /// Those that have a place of their own in the index.
    pub(super) fn folded_apart(&self) -> BTreeSet<String> {
        let keywords = self.facts.keywords.iter().filter(|(field, word)| folds(field, word));
        let mut apart: BTreeSet<String> =
            keywords.map(|(field, word)| folded_keyword(field, word)).collect();
        if let Some(json) = self.facts.attributes {
            attribute_values(json, &mut |path, value| {
                if folds(path, value) {
                    apart.insert(folded_attribute(path, value));
                }
            });
        }
        apart
    }

    /// Whether the record has a keyword field or an attribute of this name.
    pub(super) fn has_field(&self, name: &str) -> bool {
        let has = |start: String| {
            let mut after = self.folded().range(start.clone()..);
            after.next().is_some_and(|term| term.starts_with(&start))
        };
        has(folded_keyword(name, "")) || has(folded_attribute(name, ""))
    }

    pub(super) fn attributes(&self) -> &BTreeSet<String> {
        self.attributes.get_or_init(|| {
            let mut terms = BTreeSet::new();
            if let Some(json) = self.facts.attributes {
                attribute_values(json, &mut |path, value| {
                    terms.insert(keyword_term(path, value));
                });
            }
            terms
        })
    }

    /// Whether a condition holds of the record.
    pub(super) fn meets(&self, filter: &Filter) -> bool {
        match filter {
            Filter::Kinds(kinds) => kinds.contains(&self.id.kind()),
            Filter::Keyword { field, value } => {
                let mut own = self.facts.keywords.iter();
                own.any(|(name, word)| name == field && word == value)
            }
            Filter::Attribute { path, value } => {
                self.attributes().contains(&keyword_term(path, value))
            }
            Filter::Time { field, from, to } => {
                let mut own = self.facts.times.iter().filter(|(name, _)| name == field);
                own.any(|(_, time)| (from.as_ref(), to.as_ref()).contains(time))
            }
            Filter::Number { field, from, to } => {
                let mut own = self.facts.numbers.iter().filter(|(name, _)| name == field);
                own.any(|(_, number)| is_within(*number, *from, *to))
            }
            Filter::Any(filters) => filters.iter().any(|filter| self.meets(filter)),
            Filter::All(filters) => filters.iter().all(|filter| self.meets(filter)),
            Filter::Not(filter) => !self.meets(filter),
        }
    }
}

/// Whether a finite number lies in a range. Nothing lies beyond NaN; only finite numbers are found.
fn is_within(number: f64, from: Bound<f64>, to: Bound<f64>) -> bool {
    number.is_finite() && (from.as_ref(), to.as_ref()).contains(&number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::Kind;

    #[test]
    fn no_phrase_runs_from_one_text_into_the_next() {
        let mut facts = Facts::default();
        facts.text("title", "one two");
        facts.text("body", "");
        facts.text("note", "three");
        let subject = Subject::new(NodeId::from_parts(Kind(1), 1), &facts);
        let analyzer = Analyzer::default();
        let terms = subject.terms(&analyzer, Scope::Everywhere);
        assert_eq!((&terms["one"][..], &terms["two"][..]), (&[0][..], &[1][..]));
        assert_eq!(terms["three"], [3]);
        assert!(!subject.terms(&analyzer, Scope::Title).contains_key("three"));
    }

    #[test]
    fn ranges_of_numbers_hold_finite_ones_only() {
        let unbounded = Bound::Unbounded;
        assert!(is_within(1.0, unbounded, Bound::Included(f64::INFINITY)));
        assert!(!is_within(f64::INFINITY, unbounded, unbounded));
        assert!(!is_within(1.0, Bound::Included(f64::NAN), unbounded));
        assert!(is_within(0.0, Bound::Included(-0.0), Bound::Included(-0.0)));
        assert!(!is_within(1.0, Bound::Excluded(1.0), unbounded));
    }
}
