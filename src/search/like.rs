//! Records like another one: its most telling words as a query.

use std::cmp::Reverse;
use std::collections::HashMap;

use tantivy::Term;

use super::analyzer::{Form, Unit};
use super::indexer::{ENGINE, Indexer, View, guarded};
use super::parse::{Clause, Demand, End, Node, Scope, TextQuery};
use super::words::floor_boundary;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::{LIKE_TERMS_MAX, SNIPPET_SCAN_BYTES_MAX};
use crate::record::Facts;

impl Indexer {
    /// The query that finds records like the one with these facts, itself excluded: the words in
    /// which it is rich and others are poor. Words that no other record has find nothing.
    ///
    /// # Errors
    /// [`Error::Engine`] when the index cannot be read.
    pub(crate) fn like(&self, id: NodeId, facts: &Facts<'_>) -> Result<TextQuery> {
        let nothing = TextQuery { clauses: vec![clause(Demand::Must, Node::Or(Vec::new()))] };
        let Some(view) = self.view() else { return Ok(nothing) };
        let words = guarded(|| self.telling_words(&view, facts))
            .map_err(|err| Error::engine(ENGINE, "look for similar records", err))?;
        if words.is_empty() {
            return Ok(nothing);
        }
        let words = words.into_iter().map(|text| {
            let (scope, end) = (Scope::Everywhere, End::Whole);
            clause(Demand::Plain, Node::Word { text, scope, end, typos: Some(0) })
        });
        let either = clause(Demand::Must, Node::Or(words.collect()));
        Ok(TextQuery { clauses: vec![either, clause(Demand::Not, Node::Record(id))] })
    }

    /// The most telling words of these texts, by how often they stand there and how rarely
    /// elsewhere: tf x idf.
    fn telling_words(&self, view: &View, facts: &Facts<'_>) -> tantivy::Result<Vec<String>> {
        let mut counts: HashMap<String, (String, u32)> = HashMap::new();
        let mut left = SNIPPET_SCAN_BYTES_MAX;
        for (_, text) in &facts.texts {
            let text = &text[..floor_boundary(text, left)];
            left -= text.len();
            for form in self.analyzer.units(text).into_iter().flat_map(forms) {
                counts.entry(form.term).or_insert((form.surface, 0)).1 += 1;
            }
        }
        let records = view.searcher.num_docs() as f32;
        let mut rated = Vec::with_capacity(counts.len());
        for (term, (surface, count)) in counts {
            let having = view.searcher.doc_freq(&Term::from_field_text(self.fields.body, &term))?;
            if having > 1 {
                let having = having as f32;
                let rarity = (1.0 + (records - having + 0.5).max(0.0) / (having + 0.5)).ln();
                let worth = (count as f32).sqrt() * rarity;
                rated.push((Reverse(ordered(worth)), surface));
            }
        }
        rated.sort_unstable();
        rated.truncate(LIKE_TERMS_MAX);
        Ok(rated.into_iter().map(|(_, surface)| surface).collect())
    }
}

fn clause(demand: Demand, node: Node) -> Clause {
    Clause::new(demand, node)
}

/// The words that a unit stands for when it is one of many.
fn forms(unit: Unit) -> Vec<Form> {
    let pair = |pair: &[String]| Form { surface: pair.concat(), term: pair.concat() };
    match unit {
        Unit::Word(form) => vec![form],
        Unit::Compound { whole, mut parts } => {
            parts.push(whole);
            parts
        }
        Unit::Run(characters) if characters.len() == 1 => vec![pair(&characters)],
        Unit::Run(characters) => characters.windows(2).map(pair).collect(),
    }
}

/// A number that is not negative, in an order of whole ones.
fn ordered(number: f32) -> u32 {
    number.to_bits()
}
