//! Documents by the ids of their records: to replace them, to shut them out, to ask for one.
//!
//! The index has a term for every 1,024 neighbouring ids, and a column with the ids themselves. A
//! term for each would be one a document, which takes more room and time than the words of a short
//! text.

use std::fmt;
use std::sync::Arc;

use tantivy::query::{ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Score, SegmentReader, TERMINATED, Term};

use super::schema::ID;
use crate::base::id::NodeId;

/// Bits of an id that do not say its group.
const GROUP_BITS: u32 = 10;

/// What stands in the index for a record's id and its neighbours.
pub(super) fn group_of(id: NodeId) -> u64 {
    id.as_u64() >> GROUP_BITS
}

/// A query for the documents of records, each at the score 1.
#[derive(Clone)]
pub(super) struct Records {
    group: Field,
    /// Ascending.
    ids: Arc<[NodeId]>,
}

impl Records {
    /// `group` is the field of [`group_of`].
    pub(super) fn new(group: Field, mut ids: Vec<NodeId>) -> Self {
        ids.sort_unstable();
        Self { group, ids: ids.into() }
    }

    /// The documents in a segment, deleted ones included, ascending. Looks at those of 1,024 ids
    /// for every group asked for.
    pub(super) fn documents(&self, segment: &SegmentReader) -> tantivy::Result<Vec<DocId>> {
        let mut documents = Vec::new();
        let index = segment.inverted_index(self.group)?;
        let column = segment.fast_fields().u64(ID)?;
        for ids in self.ids.chunk_by(|one, other| group_of(*one) == group_of(*other)) {
            let term = Term::from_field_u64(self.group, group_of(ids[0]));
            let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)? else {
                continue;
            };
            while postings.doc() != TERMINATED {
                let id = column.first(postings.doc()).map(NodeId::from_u64);
                if id.is_some_and(|id| ids.binary_search(&id).is_ok()) {
                    documents.push(postings.doc());
                }
                postings.advance();
            }
        }
        documents.sort_unstable();
        Ok(documents)
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Records").field(&self.ids).finish()
    }
}

impl Query for Records {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(RecordsWeight(self.clone())))
    }
}

struct RecordsWeight(Records);

impl Weight for RecordsWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let documents = Documents { documents: self.0.documents(reader)?, at: 0 };
        Ok(Box::new(ConstScorer::new(documents, boost)))
    }

    fn explain(&self, _: &SegmentReader, _: DocId) -> tantivy::Result<Explanation> {
        Ok(Explanation::new("record", 1.0))
    }
}

/// Documents, ascending.
struct Documents {
    documents: Vec<DocId>,
    at: usize,
}

impl DocSet for Documents {
    fn advance(&mut self) -> DocId {
        self.at += 1;
        self.doc()
    }

    fn doc(&self) -> DocId {
        self.documents.get(self.at).copied().unwrap_or(TERMINATED)
    }

    fn size_hint(&self) -> u32 {
        self.documents.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::tests::{Note, node};
    use super::super::{IndexChange, Indexer, IndexerOptions, SearchOptions, TextQuery};
    use crate::base::id::Seq;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn each_record_has_one_document_however_it_changes(
            commits in prop::collection::vec(
                prop::collection::vec((0_u64..3_000, any::<bool>()), 0..300), 1..6),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let indexer = Indexer::open(folder.path(), IndexerOptions::default());
            let mut model = BTreeMap::new();
            for (seq, changes) in (1..).zip(&commits) {
                for (at, (key, is_put)) in (0..).zip(changes) {
                    // Neighbouring keys share a term, those of another kind do not.
                    let id = node(1 + (key % 2) as u8, key / 2);
                    let note = Note::new(&format!("s{seq}n{at}"));
                    let facts = note.facts();
                    let change = if *is_put {
                        model.insert(id, note.body.clone());
                        IndexChange::Put(id, &facts)
                    } else {
                        model.remove(&id);
                        IndexChange::Delete(id)
                    };
                    indexer.apply([change]).unwrap();
                }
                indexer.commit(Seq(seq)).unwrap();
                assert_eq!(indexer.document_count(), model.len() as u64);
            }
            for (id, word) in &model {
                let options = SearchOptions::default();
                let query = TextQuery::parse(word, &options).unwrap();
                let found = indexer.search(&query, &options, None).unwrap();
                let found: Vec<_> = found.hits.iter().map(|hit| hit.id).collect();
                assert_eq!(found, [*id], "{word}");
            }
        }
    }
}
