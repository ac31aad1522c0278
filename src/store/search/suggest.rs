//! Better spellings and completions: terms of the index, led back to words that records have.

use std::collections::BTreeSet;

use super::{About, Search};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::record::Facts;
use crate::search::{Candidate, SearchOptions, TextQuery, names_record};
use crate::store::Store;
use crate::store::commit::Shared;
use crate::store::read::Published;
use crate::store::record_read;

/// What a text that somebody is typing may become.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Completions {
    /// Words that its last word may become, the most frequent first.
    pub words: Vec<Completion>,
    /// Titles and names of records that have all its words, the last one perhaps begun.
    pub titles: Vec<String>,
    /// Tags, categories and other keywords that hold the text, the most frequent first.
    pub keywords: Vec<KeywordCompletion>,
}

/// A word that a text may become.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Completion {
    /// The word, in lower case.
    pub word: String,
    /// Records that have it or one with the same stem.
    pub records: u64,
}

/// A keyword that holds a text.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeywordCompletion {
    /// The field, for example `tag`.
    pub field: String,
    /// The keyword.
    pub word: String,
    /// Records that have it.
    pub records: u64,
}

impl Store {
    /// What a text that somebody is typing may become: of each sort at most `limit`.
    ///
    /// # Errors
    /// [`Error::Engine`] when the index cannot be read or written.
    pub fn complete(&self, text: &str, limit: usize) -> Result<Completions> {
        if text.trim().is_empty() || limit == 0 {
            return Ok(Completions::default());
        }
        let shared = self.shared();
        let published = shared.published()?;
        Search::new(self, About::Text(String::new())).freshen(shared, &published)?;
        let indexer = shared.search().indexer();
        let mut words = Vec::new();
        for candidate in indexer.completions(text, limit)? {
            let word = word_of(shared, &published, &candidate)?;
            let known = |word: &String| words.iter().any(|found: &Completion| found.word == *word);
            if let Some(word) = word.filter(|word| !known(word)) {
                words.push(Completion { word, records: candidate.records });
            }
        }
        words.truncate(limit);
        let keywords = indexer.keywords_with(text, limit)?;
        let keywords = keywords.into_iter();
        Ok(Completions {
            words,
            titles: self.titles(text, limit)?,
            keywords: keywords
                .map(|(field, word, records)| KeywordCompletion { field, word, records })
                .collect(),
        })
    }

    /// Titles of the records that are named by all these words, the last one perhaps begun.
    fn titles(&self, text: &str, limit: usize) -> Result<Vec<String>> {
        let shared = self.shared();
        let published = shared.published()?;
        let query = TextQuery::titled(text);
        let options = SearchOptions { limit: limit.saturating_mul(4), ..SearchOptions::default() };
        let mut titles = BTreeSet::new();
        for hit in shared.search().indexer().search(&query, &options, None)?.hits {
            let title = describe(shared, &published, hit.id, |facts| {
                let mut named = facts.texts.iter().filter(|(field, _)| names_record(field));
                named.next().map(|(_, title)| (*title).to_owned())
            })?;
            if titles.len() < limit {
                titles.extend(title.flatten());
            }
        }
        Ok(titles.into_iter().collect())
    }
}

impl Search<'_> {
    /// The text with words that no record has replaced by the nearest ones that some have; `None`
    /// when every word is known, or nothing is near.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn did_you_mean(&self) -> Result<Option<String>> {
        let About::Text(text) = &self.subject else { return Ok(None) };
        let shared = self.store.shared();
        let published = shared.published()?;
        self.freshen(shared, &published)?;
        let mut meant = text.clone();
        let mut is_changed = false;
        // From the end, so that the places before stay where they are.
        for misspelt in shared.search().indexer().misspelt(text)?.into_iter().rev() {
            for candidate in &misspelt.candidates {
                if let Some(word) = word_of(shared, &published, candidate)? {
                    meant.replace_range(misspelt.range.clone(), &word);
                    is_changed = true;
                    break;
                }
            }
        }
        Ok(is_changed.then_some(meant))
    }
}

/// The word that a term was made from, as some record writes it.
fn word_of(
    shared: &Shared,
    published: &Published,
    candidate: &Candidate,
) -> Result<Option<String>> {
    for id in &candidate.witnesses {
        let indexer = shared.search().indexer();
        let word =
            describe(shared, published, *id, |facts| indexer.word_of(facts, &candidate.term));
        if let Some(word) = word?.flatten() {
            return Ok(Some(word));
        }
    }
    Ok(None)
}

/// What is read from the facts of a record that is there.
fn describe<T>(
    shared: &Shared,
    published: &Published,
    id: NodeId,
    read: impl Fn(&Facts<'_>) -> T,
) -> Result<Option<T>> {
    let Some(value) = record_read::raw(&*published.rows, id)? else { return Ok(None) };
    let Some(record_type) = shared.core.kinds.record_type(id.kind()) else { return Ok(None) };
    let mut found = None;
    (record_type.describe)(&value, &mut |facts| {
        found = Some(read(facts));
        Ok::<(), Error>(())
    })?;
    Ok(found)
}
