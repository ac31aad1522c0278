//! The door for tests of crashes and faults: stores over a disk of the test. Not for applications,
//! and in no release feature set.

use std::path::Path;
use std::sync::Arc;

pub use crate::storage::disk::Disk;

use crate::base::error::Result;
use crate::base::id::{Kind, NodeId, Seq};
use crate::record::Facts;
use crate::search::{
    IndexChange, Indexer, IndexerOptions, LastWord, Matching, SearchOptions, Subject, Typos,
};
use crate::store::{Options, Store};

/// Makes a store in `directory`, whose data lies on `disk`; the data file stays empty.
///
/// # Errors
/// As [`Store::create`].
pub fn create(directory: &Path, mut options: Options, disk: Arc<dyn Disk>) -> Result<Store> {
    options.disk = Some(disk);
    options.create(directory)
}

/// Opens the store that [`create`] made in `directory`, as `disk` has it now.
///
/// # Errors
/// As [`Store::open`].
pub fn open(directory: &Path, mut options: Options, disk: Arc<dyn Disk>) -> Result<Store> {
    options.disk = Some(disk);
    options.open(directory)
}

/// A small index that any query text can be held against.
#[derive(Debug)]
pub struct QueryProbe {
    indexer: Indexer,
}

/// The texts of the two records of a [`QueryProbe`].
const PROBE_TEXTS: [&str; 2] =
    ["some text \u{6771}\u{4eac} with getUserName and words", "other_words, replied late"];

/// The facts of one of those records.
fn probe_facts(text: &str) -> Facts<'_> {
    let mut facts = Facts::default();
    facts.text("title", &text[..4]);
    facts.text("body", text);
    facts.keyword("tag", "to do");
    facts
}

impl QueryProbe {
    /// Makes the index in a folder of its own.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) or [`Error::Engine`](crate::Error::Engine) when it cannot be
    /// written.
    pub fn new(folder: &Path) -> Result<Self> {
        let indexer = Indexer::open(folder, IndexerOptions::default());
        for (key, text) in (1..).zip(PROBE_TEXTS) {
            let id = NodeId::from_parts(Kind(1), key);
            indexer.apply([IndexChange::Put(id, &probe_facts(text))])?;
        }
        indexer.commit(Seq(1))?;
        Ok(Self { indexer })
    }

    /// Asks everything that can be asked of a text.
    ///
    /// # Errors
    /// None, if all is well: a lenient search answers any text.
    pub fn ask(&self, text: &str) -> Result<()> {
        for matching in [Matching::Any, Matching::AllElseAny] {
            let options = SearchOptions {
                matching,
                typos: Typos::Accept,
                last_word: LastWord::Prefix,
                ..SearchOptions::default()
            };
            let query = self.indexer.parse(text, &options)?;
            self.indexer.search(&query, &options, None)?;
            let matcher = self.indexer.matcher(&query, &options);
            let highlighter = self.indexer.highlighter(&query, &options);
            for (key, text) in (1..).zip(PROBE_TEXTS) {
                let id = NodeId::from_parts(Kind(1), key);
                matcher.matches(&Subject::new(id, &probe_facts(text)));
                highlighter.snippet(&[("body", text)]);
                self.indexer.explain(&query, &options, id)?;
            }
        }
        self.indexer.misspelt(text)?;
        self.indexer.completions(text, 3)?;
        self.indexer.keywords_with(text, 3)?;
        Ok(())
    }
}
