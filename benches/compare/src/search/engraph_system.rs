//! The crate through its public interface: texts are records, the index follows them.

use std::path::Path;

use engraph::record::{Facts, Record};
use engraph::search::{Filter, Matching, SearchOptions, Snippets};
use engraph::{Options, Store};
use serde::{Deserialize, Serialize};

use super::{HITS, Hit, Indexed, Query, Search};
use crate::Outcome;
use crate::texts::Text;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Stored {
    body: String,
    topic: String,
}

impl Record for Stored {
    const NAME: &'static str = "benchmark_text";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.text("body", self.body.as_str());
        facts.keyword("topic", self.topic.as_str());
    }
}

/// The same without anything to be found by.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Unfound(Stored);

impl Record for Unfound {
    const NAME: &'static str = "benchmark_unfound";

    fn describe<'a>(&'a self, _facts: &mut Facts<'a>) {}
}

fn stored(text: &Text) -> Stored {
    Stored { body: text.body.clone(), topic: text.topic.clone() }
}

fn builder() -> Options {
    Store::builder().register::<Stored>().register::<Unfound>()
}

#[derive(Debug)]
pub struct Engraph(Store);

impl Search for Engraph {
    fn create(folder: &Path, texts: &[Text], threads: usize) -> Outcome<Option<Self>> {
        let store = builder().search_threads(threads).create(folder.join("store"))?;
        store.bulk(|tx| {
            for text in texts {
                tx.insert(&stored(text))?;
            }
            Ok(())
        })?;
        Ok(Some(Self(store)))
    }

    fn index(&mut self, _texts: &[Text]) -> Outcome {
        self.refresh()
    }

    fn disk(&self) -> Outcome<u64> {
        Ok(self.0.bytes_on_disk().1)
    }

    fn find(&mut self, query: Query<'_>) -> Outcome<Option<Vec<Hit>>> {
        // Ids alone, as the other systems give them.
        let any =
            SearchOptions { limit: HITS, snippets: Snippets::Skip, ..SearchOptions::default() };
        let (text, options) = match query {
            Query::Any(words) => (words.join(" "), any),
            Query::All(words) => {
                (words.join(" "), SearchOptions { matching: Matching::All, ..any })
            }
            Query::Phrase(words) => (format!("\"{}\"", words.join(" ")), any),
            Query::Prefix(start) => (format!("{start}*"), any),
            Query::Misspelt(word) => (format!("{word}~"), any),
            Query::Filtered(words, topic) => {
                let filters = vec![Filter::keyword("topic", topic)];
                (words.join(" "), SearchOptions { filters, ..any })
            }
        };
        let found = self.0.search(text).options(options).run()?;
        Ok(Some(found.hits.iter().map(|hit| (hit.id.key(), hit.score)).collect()))
    }

    fn find_with_snippets(&mut self, words: &[String]) -> Outcome<Option<usize>> {
        let found = self.0.search(words.join(" ")).limit(HITS).run()?;
        let snippets = found.hits.iter().filter_map(|hit| hit.snippet.as_ref());
        Ok(Some(snippets.map(|snippet| snippet.text.len()).sum()))
    }

    fn put(&mut self, text: &Text, indexed: Indexed) -> Outcome<bool> {
        let record = stored(text);
        match indexed {
            Indexed::Yes => self.0.write(|tx| tx.insert(&record))?,
            Indexed::No => self.0.write(|tx| tx.insert(&Unfound(record)))?,
        };
        Ok(true)
    }

    /// A query sees all that was written before it; there is nothing to do but to ask.
    fn refresh(&mut self) -> Outcome {
        self.0.search("nothing").limit(1).run()?;
        Ok(())
    }

    fn segments(&mut self) -> Outcome<Option<u64>> {
        self.refresh()?;
        Ok(Some(self.0.search_stats().segments))
    }

    fn close(self) -> Outcome {
        Ok(self.0.close()?)
    }
}
