//! Fingerprints of documents: a sum over everything that can be found of a record, the same whether
//! it is taken from the index or from the record.
//!
//! The index is walked once, at eight bytes a document. Finds accidents, not forgeries.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tantivy::columnar::{DynamicColumn, NumericalType};
use tantivy::postings::Postings as _;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet as _, SegmentReader, TERMINATED};

use super::indexer::{ENGINE, Indexer, guarded};
use super::parse::Scope;
use super::schema::{ID, NUMBERS, TIMES, keyword_term};
use super::subject::Subject;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::record::Facts;

/// A part of a document; the same number wherever the fingerprint is taken.
#[derive(Clone, Copy, Hash)]
enum Part {
    Title,
    Body,
    Keyword,
    Attribute,
    Folded,
    Time,
    Number,
}

fn hash(part: Part, bytes: &[u8], positions: &[u32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (part, bytes, positions).hash(&mut hasher);
    hasher.finish()
}

impl Indexer {
    /// The fingerprint of every document of the last commit; how many documents a record has where
    /// it is more than one.
    ///
    /// # Errors
    /// [`Error::Engine`] when the index cannot be read.
    pub(crate) fn fingerprints(&self) -> Result<BTreeMap<NodeId, (u64, u64)>> {
        let Some(view) = self.view() else { return Ok(BTreeMap::new()) };
        let walk = || {
            let mut found: BTreeMap<NodeId, (u64, u64)> = BTreeMap::new();
            for segment in view.searcher.segment_readers() {
                let sums = self.sums(segment)?;
                let ids = segment.fast_fields().u64(ID)?;
                for (doc, sum) in (0..).zip(sums) {
                    if !segment.is_deleted(doc)
                        && let Some(id) = ids.first(doc)
                    {
                        let entry = found.entry(NodeId::from_u64(id)).or_default();
                        *entry = (sum, entry.1 + 1);
                    }
                }
            }
            Ok(found)
        };
        guarded(walk).map_err(|err| Error::engine(ENGINE, "walk through the search index", err))
    }

    fn sums(&self, segment: &SegmentReader) -> tantivy::Result<Vec<u64>> {
        let mut sums = vec![0_u64; segment.max_doc() as usize];
        for (field, part, option) in self.parts() {
            let index = segment.inverted_index(field)?;
            let mut terms = index.terms().stream()?;
            let mut positions = Vec::new();
            while terms.advance() {
                let mut postings = index.read_postings_from_terminfo(terms.value(), option)?;
                while postings.doc() != TERMINATED {
                    positions.clear();
                    if option.has_positions() {
                        postings.positions(&mut positions);
                    }
                    let sum = &mut sums[postings.doc() as usize];
                    *sum = sum.wrapping_add(hash(part, terms.key(), &positions));
                    postings.advance();
                }
            }
        }
        for (name, part, target) in
            [(TIMES, Part::Time, NumericalType::I64), (NUMBERS, Part::Number, NumericalType::F64)]
        {
            for handle in segment.fast_fields().dynamic_subpath_column_handles(name)? {
                match handle.open()?.coerce_numerical(target) {
                    Some(DynamicColumn::I64(column)) => add_values(&mut sums, part, |doc| {
                        column.values_for_doc(doc).map(i64::to_le_bytes).collect()
                    }),
                    Some(DynamicColumn::F64(column)) => add_values(&mut sums, part, |doc| {
                        column.values_for_doc(doc).map(f64::to_le_bytes).collect()
                    }),
                    _ => {}
                }
            }
        }
        Ok(sums)
    }

    fn parts(&self) -> [(Field, Part, IndexRecordOption); 5] {
        let (basic, all) = (IndexRecordOption::Basic, IndexRecordOption::WithFreqsAndPositions);
        let fields = &self.fields;
        [
            (fields.title, Part::Title, all),
            (fields.body, Part::Body, all),
            (fields.keywords, Part::Keyword, basic),
            (fields.attributes, Part::Attribute, basic),
            (fields.folded, Part::Folded, basic),
        ]
    }

    /// The fingerprint of the document that a record should have.
    pub(crate) fn fingerprint(&self, id: NodeId, facts: &Facts<'_>) -> u64 {
        let subject = Subject::new(id, facts);
        let mut sum = 0_u64;
        let mut add = |part: Part, bytes: &[u8], positions: &[u32]| {
            sum = sum.wrapping_add(hash(part, bytes, positions));
        };
        for (scope, part) in [(Scope::Title, Part::Title), (Scope::Everywhere, Part::Body)] {
            for (term, positions) in subject.terms(&self.analyzer, scope) {
                add(part, term.as_bytes(), positions);
            }
        }
        let keywords = facts.keywords.iter().map(|(field, word)| keyword_term(field, word));
        for keyword in keywords.collect::<std::collections::BTreeSet<_>>() {
            add(Part::Keyword, keyword.as_bytes(), &[]);
        }
        for attribute in subject.attributes() {
            add(Part::Attribute, attribute.as_bytes(), &[]);
        }
        for folded in subject.folded_apart() {
            add(Part::Folded, folded.as_bytes(), &[]);
        }
        for (_, time) in &facts.times {
            add(Part::Time, &time.as_micros().to_le_bytes(), &[]);
        }
        for (_, number) in facts.numbers.iter().filter(|(_, number)| number.is_finite()) {
            // Zero has two signs but is one number.
            add(Part::Number, &(number + 0.0).to_le_bytes(), &[]);
        }
        sum
    }
}

fn add_values(sums: &mut [u64], part: Part, values: impl Fn(u32) -> Vec<[u8; 8]>) {
    for (doc, sum) in (0..).zip(sums) {
        for value in values(doc) {
            *sum = sum.wrapping_add(hash(part, &value, &[]));
        }
    }
}
