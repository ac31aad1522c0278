//! tantivy by hand: ids only, the same analyzer, the same expansions of prefixes and misspelt
//! words, and no store beside it.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::Path;

use tantivy::collector::TopDocs;
use tantivy::merge_policy::LogMergePolicy;
use tantivy::query::{
    BooleanQuery, BoostQuery, ConstScoreQuery, FuzzyTermQuery, InvertedIndexRangeQuery, Occur,
    PhraseQuery, Query as Engine, TermQuery,
};
use tantivy::schema::{FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::store::{Compressor, ZstdCompressor};
use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, TantivyDocument, Term,
};

use super::{HITS, Hit, Indexed, Query, Search, terms};
use crate::Outcome;
use crate::measure::bytes_below;
use crate::texts::Text;

const WRITER_BYTES: usize = 40 << 20;
/// As engraph has them.
const EXPANSIONS_MAX: usize = 64;
const REST_SCORE: f32 = 0.1;
const PREFIX_BOOST: f32 = 0.8;
const TYPO_BOOSTS: [f32; 3] = [1.0, 0.6, 0.35];

type Boxed = Box<dyn Engine>;

pub struct Limit {
    folder: std::path::PathBuf,
    index: Index,
    id: Field,
    body: Field,
    topic: Field,
    writer: Option<IndexWriter>,
    reader: IndexReader,
    threads: usize,
    next: u64,
}

impl Limit {
    fn writer(&self) -> Outcome<IndexWriter> {
        let threads = self.threads;
        let writer = self.index.writer_with_num_threads(threads, WRITER_BYTES * threads)?;
        let mut policy = LogMergePolicy::default();
        policy.set_min_num_segments(5);
        writer.set_merge_policy(Box::new(policy));
        Ok(writer)
    }

    fn add(&mut self, writer: &IndexWriter, text: &Text) -> Outcome {
        let mut document = TantivyDocument::new();
        document.add_u64(self.id, self.next);
        document.add_text(self.body, &text.body);
        document.add_text(self.topic, &text.topic);
        self.next += 1;
        writer.add_document(document)?;
        Ok(())
    }

    fn term(&self, term: &str, boost: f32) -> Boxed {
        let term = Term::from_field_text(self.body, term);
        let query = Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
        if (boost - 1.0).abs() < f32::EPSILON {
            return query;
        }
        Box::new(BoostQuery::new(query, boost))
    }

    fn words(&self, words: &[String]) -> Outcome<Vec<Boxed>> {
        let term = |word: &String| Ok(self.term(&known(word)?.1, 1.0));
        words.iter().map(term).collect()
    }

    fn prefix(&self, start: &str) -> Outcome<Boxed> {
        let (surface, _) = known(start)?;
        let mut found = BTreeSet::new();
        for segment in self.reader.searcher().segment_readers() {
            let index = segment.inverted_index(self.body)?;
            let mut stream = index.terms().range().ge(&surface).into_stream()?;
            let mut left = EXPANSIONS_MAX + 1;
            while left > 0 && stream.advance() && stream.key().starts_with(surface.as_bytes()) {
                found.insert(String::from_utf8_lossy(stream.key()).into_owned());
                left -= 1;
            }
        }
        if found.len() > EXPANSIONS_MAX {
            let term = |text: &str| Term::from_field_text(self.body, text);
            let (from, to) = (term(&surface), term(&format!("{surface}\u{10ffff}")));
            let all = InvertedIndexRangeQuery::new(Bound::Included(from), Bound::Included(to));
            return Ok(Box::new(ConstScoreQuery::new(Box::new(all), REST_SCORE)));
        }
        let boost = |term: &String| if *term == surface { 1.0 } else { PREFIX_BOOST };
        Ok(union(found.iter().map(|term| self.term(term, boost(term))).collect()))
    }

    fn misspelt(&self, word: &str) -> Outcome<Boxed> {
        let (surface, exact) = known(word)?;
        let typos = match word.chars().count() {
            0..=3 => 0,
            4..=7 => 1,
            _ => 2,
        };
        let near = FuzzyTermQuery::new(Term::from_field_text(self.body, &surface), typos, true);
        let mut found = BTreeSet::new();
        for segment in self.reader.searcher().segment_readers() {
            let index = segment.inverted_index(self.body)?;
            let mut stream = index.terms().search(near.automaton()?).into_stream()?;
            while stream.advance() {
                let term = String::from_utf8_lossy(stream.key()).into_owned();
                found.insert((distance(&surface, &term).min(2), term));
            }
        }
        let mut queries = vec![self.term(&exact, 1.0)];
        if found.len() > EXPANSIONS_MAX {
            queries.push(Box::new(ConstScoreQuery::new(Box::new(near), REST_SCORE)));
        }
        let nearest = found.iter().take(EXPANSIONS_MAX).filter(|(_, term)| *term != exact);
        queries.extend(nearest.map(|(typos, term)| self.term(term, TYPO_BOOSTS[*typos])));
        Ok(union(queries))
    }

    fn query(&self, query: Query<'_>) -> Outcome<Boxed> {
        Ok(match query {
            Query::Any(words) => union(self.words(words)?),
            Query::All(words) => Box::new(BooleanQuery::intersection(self.words(words)?)),
            Query::Phrase(words) => {
                let term = |word: &String| -> Outcome<Term> {
                    Ok(Term::from_field_text(self.body, &known(word)?.1))
                };
                Box::new(PhraseQuery::new(words.iter().map(term).collect::<Outcome<_>>()?))
            }
            Query::Prefix(start) => self.prefix(start)?,
            Query::Misspelt(word) => self.misspelt(word)?,
            Query::Filtered(words, topic) => {
                let term = Term::from_field_text(self.topic, topic);
                let filter = Box::new(TermQuery::new(term, IndexRecordOption::Basic));
                Box::new(BooleanQuery::new(vec![
                    (Occur::Must, union(self.words(words)?)),
                    (Occur::Must, Box::new(ConstScoreQuery::new(filter, 0.0))),
                ]))
            }
        })
    }
}

fn known(word: &str) -> Outcome<(String, String)> {
    Ok(terms::word(word).ok_or("a question has no word")?)
}

fn union(mut queries: Vec<Boxed>) -> Boxed {
    match queries.pop() {
        Some(only) if queries.is_empty() => only,
        Some(last) => {
            queries.push(last);
            Box::new(BooleanQuery::union(queries))
        }
        None => Box::new(BooleanQuery::union(queries)),
    }
}

/// Letters to insert, remove, replace or swap with their neighbour, by the full table.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut table = vec![vec![0; other.len() + 1]; one.len() + 1];
    for row in 0..=one.len() {
        for column in 0..=other.len() {
            if row == 0 || column == 0 {
                table[row][column] = row + column;
                continue;
            }
            let differs = usize::from(one[row - 1] != other[column - 1]);
            let edited = (table[row - 1][column] + 1).min(table[row][column - 1] + 1);
            table[row][column] = edited.min(table[row - 1][column - 1] + differs);
            let swapped = row > 1
                && column > 1
                && one[row - 1] == other[column - 2]
                && one[row - 2] == other[column - 1];
            if swapped {
                table[row][column] = table[row][column].min(table[row - 2][column - 2] + 1);
            }
        }
    }
    table[one.len()][other.len()]
}

impl Search for Limit {
    fn create(folder: &Path, _texts: &[Text], threads: usize) -> Outcome<Option<Self>> {
        let mut schema = Schema::builder();
        let text = TextFieldIndexing::default()
            .set_tokenizer("text")
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let word = TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        let id = schema.add_u64_field("id", FAST);
        let body = schema.add_text_field("body", TextOptions::default().set_indexing_options(text));
        let topic =
            schema.add_text_field("topic", TextOptions::default().set_indexing_options(word));
        let settings = IndexSettings {
            docstore_compression: Compressor::Zstd(ZstdCompressor::default()),
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let index =
            Index::builder().schema(schema.build()).settings(settings).create_in_dir(folder)?;
        index.tokenizers().register("text", terms::tokenizer());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let folder = folder.to_owned();
        let (writer, next) = (None, 1);
        Ok(Some(Self { folder, index, id, body, topic, writer, reader, threads, next }))
    }

    fn index(&mut self, texts: &[Text]) -> Outcome {
        let mut writer = self.writer()?;
        for text in texts {
            self.add(&writer, text)?;
        }
        writer.commit()?;
        self.reader.reload()?;
        self.writer = Some(writer);
        Ok(())
    }

    fn disk(&self) -> Outcome<u64> {
        bytes_below(&self.folder)
    }

    fn find(&mut self, query: Query<'_>) -> Outcome<Option<Vec<Hit>>> {
        let searcher = self.reader.searcher();
        let best = TopDocs::with_limit(HITS).order_by_score();
        let mut hits = Vec::with_capacity(HITS);
        for (score, place) in searcher.search(&*self.query(query)?, &best)? {
            let ids = searcher.segment_reader(place.segment_ord).fast_fields().u64("id")?;
            hits.push((ids.first(place.doc_id).ok_or("a document has no id")?, score));
        }
        Ok(Some(hits))
    }

    /// There is no store to write to, so there is no overhead to tell.
    fn put(&mut self, text: &Text, indexed: Indexed) -> Outcome<bool> {
        let writer = self.writer.take().ok_or("nothing was indexed")?;
        if indexed == Indexed::Yes {
            self.add(&writer, text)?;
        }
        self.writer = Some(writer);
        Ok(indexed == Indexed::Yes)
    }

    fn refresh(&mut self) -> Outcome {
        self.writer.as_mut().ok_or("nothing was indexed")?.commit()?;
        Ok(self.reader.reload()?)
    }

    fn segments(&mut self) -> Outcome<Option<u64>> {
        self.refresh()?;
        Ok(Some(self.reader.searcher().segment_readers().len() as u64))
    }

    fn close(self) -> Outcome {
        if let Some(writer) = self.writer {
            writer.wait_merging_threads()?;
        }
        Ok(())
    }
}
