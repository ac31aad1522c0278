//! Records as they were: a small index in memory that stands in for some of today's documents.
//!
//! What has not changed since is found in the index itself; what has is taken out of it and looked
//! for here. Both are scored by today's statistics, so that their hits can be ranked together.

use tantivy::directory::RamDirectory;
use tantivy::indexer::SingleSegmentIndexWriter;
use tantivy::{Index, ReloadPolicy, Searcher};

use super::document::Document;
use super::indexer::{ENGINE, Indexer, guarded};
use super::schema::tokenizers;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::INDEXER_BYTES;
use crate::record::Facts;

/// What was different at an earlier write.
pub(crate) struct Past {
    /// The records that have changed since: today's documents of them do not count.
    pub(super) replaced: Vec<NodeId>,
    /// Those of them that were there, as they were.
    pub(super) searcher: Searcher,
}

impl std::fmt::Debug for Past {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Past").field("replaced", &self.replaced.len()).finish_non_exhaustive()
    }
}

/// A [`Past`] in the making.
pub(crate) struct PastBuilder<'i> {
    indexer: &'i Indexer,
    replaced: Vec<NodeId>,
    writer: SingleSegmentIndexWriter<Document>,
}

impl std::fmt::Debug for PastBuilder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PastBuilder")
            .field("replaced", &self.replaced.len())
            .finish_non_exhaustive()
    }
}

fn failed(err: tantivy::TantivyError) -> Error {
    Error::engine(ENGINE, "index earlier values", err)
}

impl Indexer {
    /// Begins to gather what was different at an earlier write.
    ///
    /// # Errors
    /// [`Error::Engine`] when there is no memory for it.
    pub(crate) fn past(&self) -> Result<PastBuilder<'_>> {
        let builder = Index::builder()
            .schema(self.fields.schema.clone())
            .tokenizers(tokenizers(self.analyzer_options()));
        let writer =
            guarded(|| builder.single_segment_index_writer(RamDirectory::create(), INDEXER_BYTES));
        Ok(PastBuilder { indexer: self, replaced: Vec::new(), writer: writer.map_err(failed)? })
    }
}

impl PastBuilder<'_> {
    /// A record that has changed since. What it was is added apart.
    pub(crate) fn replace(&mut self, id: NodeId) {
        self.replaced.push(id);
    }

    /// What a replaced record was.
    ///
    /// # Errors
    /// [`Error::Engine`] when it cannot be indexed.
    pub(crate) fn add(&mut self, id: NodeId, facts: &Facts<'_>) -> Result<()> {
        let Some(document) = self.indexer.fields.document(id, facts) else { return Ok(()) };
        guarded(|| self.writer.add_document(document)).map_err(failed)
    }

    /// What was gathered, ready to be searched.
    ///
    /// # Errors
    /// [`Error::Engine`] when it cannot be read.
    pub(crate) fn finish(self) -> Result<Past> {
        let Self { indexer, replaced, writer } = self;
        let searcher = guarded(|| {
            let mut index = writer.finalize()?;
            index.set_tokenizers(tokenizers(indexer.analyzer_options()));
            let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
            let reader: tantivy::IndexReader = reader;
            Ok(reader.searcher())
        });
        Ok(Past { replaced, searcher: searcher.map_err(failed)? })
    }
}
