//! Why a record has its score: what each word of the query added to it.
//!
//! A score is a sum. Each word that was found adds what its rarity, its number and the length of
//! the text make of it, and something more where it names the record; what is demanded or ruled out
//! without being scored adds nothing. The parts here are computed by the engine's own scorers.

use std::collections::BTreeSet;

use tantivy::query::{EnableScoring, Query};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet as _, Score, Searcher, Term};

use super::build::Builder;
use super::indexer::{ENGINE, Indexer, guarded};
use super::parse::{Clause, Demand, Node, TextQuery};
use super::query::Asking;
use super::records::Records;
use super::{Matching, SearchOptions};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;

/// Why a record has its score in a search.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Explanation {
    /// The score: the sum of the parts.
    pub score: f32,
    /// What was found, the greatest part first.
    pub parts: Vec<ScorePart>,
}

/// What one thing that was found adds to a score.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ScorePart {
    /// The word, phrase or field of the query.
    pub asked: String,
    /// Where it was found.
    pub found_in: FoundIn,
    /// The terms of the index that stand for it; none where there were too many.
    pub terms: Vec<String>,
    /// What it adds.
    pub score: f32,
    /// Records that have the term, where it is one: the fewer, the more it adds.
    pub records: Option<u64>,
    /// How often the record has the term, where it is one.
    pub occurrences: Option<u32>,
}

/// A part of a record that can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundIn {
    /// All its texts.
    Text,
    /// What names it, besides.
    Title,
    /// Its keywords and attributes.
    Field,
}

impl Indexer {
    /// Why a record has its score; `None` when the query does not find it.
    ///
    /// # Errors
    /// [`Error::Engine`] when the index cannot be read.
    pub(crate) fn explain(
        &self,
        text: &TextQuery,
        options: &SearchOptions,
        id: NodeId,
    ) -> Result<Option<Explanation>> {
        let Some(view) = self.view() else { return Ok(None) };
        let asking = Asking { indexer: self, view: &view, text, options, past: None };
        let explain = || {
            let Some(place) = place_of(&view.searcher, self, id)? else { return Ok(None) };
            let all = match options.matching {
                Matching::Any => vec![false],
                Matching::All => vec![true],
                // The words of which one is enough are looked at when no record has them all.
                Matching::AllElseAny => vec![true, false],
            };
            for all in all {
                let explainer = Explainer { builder: asking.builder(&view.searcher, all), place };
                if let Some(found) = explainer.explain(text, &*asking.query(&explainer.builder)?)? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        };
        guarded(explain).map_err(|err| Error::engine(ENGINE, "explain a score", err))
    }
}

/// Where the document of a record is.
fn place_of(
    searcher: &Searcher,
    indexer: &Indexer,
    id: NodeId,
) -> tantivy::Result<Option<DocAddress>> {
    let record = Records::new(indexer.fields.group, vec![id]);
    for (ordinal, segment) in (0..).zip(searcher.segment_readers()) {
        let documents = record.documents(segment)?;
        if let Some(document) =
            documents.into_iter().find(|document| !segment.is_deleted(*document))
        {
            return Ok(Some(DocAddress::new(ordinal, document)));
        }
    }
    Ok(None)
}

struct Explainer<'a> {
    builder: Builder<'a>,
    place: DocAddress,
}

impl Explainer<'_> {
    fn explain(&self, text: &TextQuery, query: &dyn Query) -> tantivy::Result<Option<Explanation>> {
        let Some(score) = self.score(query)? else { return Ok(None) };
        let mut parts = Vec::new();
        self.add_clauses((&text.clauses, 1.0), &mut parts)?;
        parts.retain(|part| part.score != 0.0);
        parts.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(Some(Explanation { score, parts }))
    }

    /// What a query gives the document; `None` when it does not find it.
    fn score(&self, query: &dyn Query) -> tantivy::Result<Option<Score>> {
        let searcher = self.builder.searcher;
        let weight = query.weight(EnableScoring::enabled_from_searcher(searcher))?;
        let mut scorer = weight.scorer(searcher.segment_reader(self.place.segment_ord), 1.0)?;
        let doc = self.place.doc_id;
        // A scorer must not be asked for what lies behind it.
        let found = scorer.doc() == doc || (scorer.doc() < doc && scorer.seek(doc) == doc);
        Ok(found.then(|| scorer.score()))
    }

    /// The parts of clauses that together have a weight.
    fn add_clauses(
        &self,
        (clauses, weight): (&[Clause], f32),
        parts: &mut Vec<ScorePart>,
    ) -> tantivy::Result<()> {
        for clause in clauses.iter().filter(|clause| clause.demand != Demand::Not) {
            // Among other clauses a field is a mere filter.
            if self.builder.filter_of(&clause.node)?.is_none() {
                self.add_node(&clause.node, weight * clause.weight.factor(), parts)?;
            }
        }
        Ok(())
    }

    fn add_node(
        &self,
        node: &Node,
        weight: f32,
        parts: &mut Vec<ScorePart>,
    ) -> tantivy::Result<()> {
        match node {
            Node::Or(clauses) => {
                for clause in clauses.iter().filter(|clause| clause.demand != Demand::Not) {
                    self.add_node(&clause.node, weight * clause.weight.factor(), parts)?;
                }
            }
            Node::And(clauses) => self.add_group((clauses, weight), true, parts)?,
            Node::Group(clauses) => self.add_group((clauses, weight), self.builder.all, parts)?,
            _ => {
                let scored = self.builder.scored(node)?;
                for query in scored.any.iter().chain(&scored.bonus) {
                    if let Some(score) = self.score(&**query)? {
                        parts.push(self.part(node, &**query, score * weight)?);
                    }
                }
            }
        }
        Ok(())
    }

    /// The parts of a group, if it is met as a whole.
    fn add_group(
        &self,
        (clauses, weight): (&[Clause], f32),
        all: bool,
        parts: &mut Vec<ScorePart>,
    ) -> tantivy::Result<()> {
        let Some(group) = self.builder.group(clauses, all)? else { return Ok(()) };
        if self.score(&*group)?.is_none() {
            return Ok(());
        }
        self.add_clauses((clauses, weight), parts)
    }

    fn part(&self, node: &Node, query: &dyn Query, score: Score) -> tantivy::Result<ScorePart> {
        let mut terms: BTreeSet<Term> = BTreeSet::new();
        query.query_terms(&mut |term, _| {
            terms.insert(term.clone());
        });
        let is_title = terms.iter().any(|term| term.field() == self.builder.fields.title);
        let found_in = match node {
            Node::Field { .. } if self.builder.filter_of(node)?.is_some() => FoundIn::Field,
            _ if is_title => FoundIn::Title,
            _ => FoundIn::Text,
        };
        let (mut records, mut occurrences) = (None, None);
        if let Some(only) = terms.first().filter(|_| terms.len() == 1) {
            records = Some(self.builder.searcher.doc_freq(only)?);
            occurrences = self.occurrences(only)?;
        }
        let text = |term: &Term| term.value().as_str().map(str::to_owned);
        let terms = terms.iter().filter_map(text).collect();
        Ok(ScorePart { asked: asked(node), found_in, terms, score, records, occurrences })
    }

    fn occurrences(&self, term: &Term) -> tantivy::Result<Option<u32>> {
        use tantivy::postings::Postings as _;

        let segment = self.builder.searcher.segment_reader(self.place.segment_ord);
        let index = segment.inverted_index(term.field())?;
        let postings = index.read_postings(term, IndexRecordOption::WithFreqs)?;
        Ok(postings.and_then(|mut postings| {
            let doc = self.place.doc_id;
            (postings.doc() <= doc && postings.seek(doc) == doc).then(|| postings.term_freq())
        }))
    }
}

/// A part of the query as it was written, marks apart.
fn asked(node: &Node) -> String {
    match node {
        Node::Everything => "*".to_owned(),
        Node::Record(id) => id.to_string(),
        Node::Word { text, .. } => text.clone(),
        Node::Phrase { text, .. } => format!("\"{text}\""),
        Node::Field { name, value, .. } => format!("{name}:{value}"),
        Node::Or(_) | Node::And(_) | Node::Group(_) => String::new(),
    }
}
