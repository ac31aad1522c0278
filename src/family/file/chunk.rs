//! What is taken out of a file: chunks of its text, its tables, and embeddings of the chunks.

use std::ops::Deref;

use super::{Files, Reader};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::sha1;
use crate::family::{existing, object_or_empty};
use crate::record::{
    ChunkEmbedding, ChunkType, ExtractedTable, ExtractionStatus, FileChunk, IndexedFile, Vector,
};
use crate::store::WriteTx;

/// Characters of a window of plain text, and how many of them the next window repeats.
const WINDOW: usize = 900;
const OVERLAP: usize = 150;

/// A chunk to be stored.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct NewChunk {
    /// How it was cut.
    pub chunk_type: ChunkType,
    /// Heading above the text.
    pub title: Option<String>,
    /// The text.
    pub content: String,
    /// Object with what else is known; `{}` where nothing is given.
    pub metadata: Option<Json>,
}

/// A table to be stored.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct NewExtractedTable {
    /// How far the extraction came.
    pub status: ExtractionStatus,
    /// What extracted it.
    pub method: Option<String>,
    /// Names of the columns.
    pub headers: Vec<String>,
    /// Rows of texts.
    pub rows: Vec<Vec<String>>,
}

/// Cuts a text as the old application does: Markdown at its headings outside code fences, other
/// text into windows of 900 characters, each of which repeats the last 150 of the one before.
pub fn cut_text(text: &str, is_markdown: IsMarkdown) -> Vec<NewChunk> {
    match is_markdown {
        IsMarkdown::Yes => cut_markdown(text),
        IsMarkdown::No => cut_windows(text),
    }
}

/// Whether a text has headings to be cut at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsMarkdown {
    /// It is Markdown.
    Yes,
    /// It is plain text.
    No,
}

fn cut_windows(text: &str) -> Vec<NewChunk> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let mut chunks = Vec::new();
    let mut start = 0;
    while start < starts.len() {
        let end = (start + WINDOW).min(starts.len());
        let to = starts.get(end).copied().unwrap_or(text.len());
        let content = text[starts[start]..to].to_owned();
        if !content.trim().is_empty() {
            chunks.push(NewChunk { content, ..NewChunk::default() });
        }
        if end == starts.len() {
            break;
        }
        start = end - OVERLAP;
    }
    chunks
}

fn cut_markdown(text: &str) -> Vec<NewChunk> {
    let mut chunks = vec![NewChunk::default()];
    let mut in_fence = false;
    for line in text.lines() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            in_fence = !in_fence;
        }
        if let Some(title) = heading(line).filter(|_| !in_fence) {
            chunks.push(NewChunk { title: Some(title.to_owned()), ..NewChunk::default() });
            continue;
        }
        if let Some(last) = chunks.last_mut() {
            last.content.push_str(line);
            last.content.push('\n');
        }
    }
    for chunk in &mut chunks {
        chunk.chunk_type = ChunkType::MarkdownSection;
        chunk.content = chunk.content.trim().to_owned();
    }
    chunks.retain(|chunk| chunk.title.is_some() || !chunk.content.is_empty());
    chunks
}

/// The text of a heading of one to six signs.
fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let signs = line.len() - text.len();
    ((1..=6).contains(&signs) && text.starts_with(' ')).then(|| text.trim())
}

impl<T: Deref<Target: Reader>> Files<T> {
    /// The chunks of a file, in order.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn chunks(&self, file: NodeId) -> Result<Vec<(NodeId, FileChunk)>> {
        self.tx.find_all("file_chunk", (file,))
    }

    /// The tables of a file, in order.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn tables(&self, file: NodeId) -> Result<Vec<(NodeId, ExtractedTable)>> {
        self.tx.find_all("file_table", (file,))
    }

    /// The embeddings of a file's chunks.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn embeddings(&self, file: NodeId) -> Result<Vec<(NodeId, ChunkEmbedding)>> {
        self.tx.index("file", (Some(file),))?.collect()
    }
}

impl Files<&mut WriteTx<'_>> {
    /// Replaces the chunks of a file, and drops the tables and embeddings that were taken from the
    /// old ones. Tag rules about texts are asked. Returns the ids of the new chunks, in order.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the file is absent; [`Error::Invalid`] for metadata that is no
    /// object.
    pub fn replace_chunks(&mut self, file: NodeId, chunks: Vec<NewChunk>) -> Result<Vec<NodeId>> {
        existing::<IndexedFile>(&*self.tx, file)?;
        self.clear_chunks(file)?;
        let now = Some(self.tx.now());
        let insert = |(index, chunk): (i64, NewChunk)| {
            let char_count = chunk.content.chars().count() as i64;
            self.tx.insert(&FileChunk {
                file: Some(file),
                chunk_index: index,
                chunk_type: chunk.chunk_type,
                title: chunk.title,
                content: chunk.content,
                token_estimate: (char_count / 4).max(1),
                char_count,
                metadata: object_or_empty("metadata", chunk.metadata)?,
                created_at: now,
                updated_at: now,
            })
        };
        let ids = (0..).zip(chunks).map(insert).collect::<Result<_>>()?;
        self.tx.tags().apply_to_changed_text(file)?;
        Ok(ids)
    }

    /// Replaces the tables of a file and returns how many it has now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the file is absent.
    pub fn replace_tables(
        &mut self,
        file: NodeId,
        tables: Vec<NewExtractedTable>,
    ) -> Result<usize> {
        existing::<IndexedFile>(&*self.tx, file)?;
        for (id, _) in self.tables(file)? {
            self.tx.delete(id)?;
        }
        let (count, now) = (tables.len(), Some(self.tx.now()));
        for (index, table) in (0..).zip(tables) {
            let sizes =
                serde_json::json!({ "rows": table.rows.len(), "columns": table.headers.len() });
            self.tx.insert(&ExtractedTable {
                file: Some(file),
                table_index: index,
                extraction_status: table.status,
                extraction_method: table.method,
                headers: Some(Json::of(&table.headers)?),
                rows: Some(Json::of(&table.rows)?),
                metadata: Some(Json::of(&sizes)?),
                created_at: now,
                updated_at: now,
                ..ExtractedTable::default()
            })?;
        }
        Ok(count)
    }

    /// Stores what a model makes of a chunk, in the place of what it made before, and returns its
    /// id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the chunk is absent; [`Error::Invalid`] for a model without a name,
    /// or a vector that is empty or holds a number that is not finite.
    pub fn put_embedding(&mut self, chunk: NodeId, model: &str, values: &[f32]) -> Result<NodeId> {
        let file = existing::<FileChunk>(&*self.tx, chunk)?.file;
        super::named("embedding_model", model)?;
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return Err(Error::invalid("embedding", "it is empty or not finite"));
        }
        let now = Some(self.tx.now());
        let mut record = ChunkEmbedding {
            file,
            chunk: Some(chunk),
            embedding_model: model.into(),
            dimension: values.len() as i64,
            embedding: Some(Vector::from_slice(values)),
            embedding_hash: Some(sha1::hex_of(Json::of(values)?.as_str().as_bytes())),
            created_at: now,
            updated_at: now,
        };
        match self.tx.find::<ChunkEmbedding>("chunk_model", (chunk, model))? {
            None => self.tx.insert(&record),
            Some((id, old)) => {
                record.created_at = old.created_at;
                self.tx.put(id, &record)?;
                Ok(id)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_cut_at_headings_outside_fences() {
        let text = "intro\n# One\na\n```\n# no\n```\n## Two\n\nb\n#none\n";
        let chunks = cut_text(text, IsMarkdown::Yes);
        let found: Vec<_> = chunks.iter().map(|c| (c.title.as_deref(), &*c.content)).collect();
        let expected =
            [(None, "intro"), (Some("One"), "a\n```\n# no\n```"), (Some("Two"), "b\n#none")];
        assert_eq!(found, expected);
    }

    #[test]
    fn windows_overlap_and_cover_the_text() {
        let text: String = (0..2_000).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
        let chunks = cut_text(&text, IsMarkdown::No);
        let lengths: Vec<_> = chunks.iter().map(|chunk| chunk.content.len()).collect();
        assert_eq!(lengths, [900, 900, 500]);
        assert_eq!(chunks[0].content[750..], chunks[1].content[..150]);
        let rest: String = chunks[1..].iter().map(|chunk| &chunk.content[OVERLAP..]).collect();
        assert_eq!(format!("{}{rest}", chunks[0].content), text);
        assert_eq!(cut_text("", IsMarkdown::No), []);
        assert_eq!(cut_text(" \n ", IsMarkdown::Yes), []);
        assert_eq!(cut_text(&"\u{e9}".repeat(901), IsMarkdown::No).len(), 2);
    }
}
