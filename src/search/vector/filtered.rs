//! Every record that meets filters, by the text index.

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::query::{BooleanQuery, Occur, Query};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use super::super::Filter;
use super::super::indexer::{Indexer, guarded};
use super::super::query::filter_query;
use super::super::schema::ID;
use crate::base::error::{Error, Result};
use crate::base::id::{NodeId, Seq};

impl Indexer {
    /// The records that meet all filters as of the last commit, in the order of their ids, and the
    /// last write that is taken into account. `None` without an index. Linear in the records found.
    ///
    /// # Errors
    /// [`Error::Engine`] when the index cannot be read.
    pub(crate) fn matching(&self, filters: &[Filter]) -> Result<Option<(Seq, Vec<NodeId>)>> {
        let Some(view) = self.view() else { return Ok(None) };
        let clauses = filters.iter().map(|filter| -> (Occur, Box<dyn Query>) {
            (Occur::Must, filter_query(&self.fields, filter))
        });
        let query = BooleanQuery::new(clauses.collect());
        let mut ids = guarded(|| view.searcher.search(&query, &Ids))
            .map_err(|err| Error::engine("tantivy", "filter records", err))?;
        ids.sort_unstable();
        Ok(Some((view.watermark, ids)))
    }
}

/// Collects the ids of all documents found.
struct Ids;

impl Collector for Ids {
    type Fruit = Vec<NodeId>;
    type Child = IdsOfSegment;

    fn for_segment(
        &self,
        _segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<IdsOfSegment> {
        Ok(IdsOfSegment { column: reader.fast_fields().u64(ID)?, ids: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Vec<NodeId>>) -> tantivy::Result<Vec<NodeId>> {
        Ok(segments.concat())
    }
}

struct IdsOfSegment {
    column: Column<u64>,
    ids: Vec<NodeId>,
}

impl SegmentCollector for IdsOfSegment {
    type Fruit = Vec<NodeId>;

    fn collect(&mut self, doc: DocId, _score: Score) {
        self.ids.extend(self.column.first(doc).map(NodeId::from_u64));
    }

    fn harvest(self) -> Vec<NodeId> {
        self.ids
    }
}
