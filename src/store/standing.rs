//! Saved searches: a text and its options under a name, kept with the data.
//!
//! A standing one is also held against every record that is written (see `standing_feed`). Saving
//! and forgetting are ordinary writes; the rows lie beside the facts about the store.

use serde::{Deserialize, Serialize};

use super::Store;
use super::tx::WriteTx;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::base::limits::{NAME_BYTES_MAX, SAVED_SEARCH_BYTES_MAX, SAVED_SEARCHES_MAX};
use crate::search::{Matcher, SearchOptions, TextQuery};
use crate::storage::{KeyRange, Rows, RowsMut as _, TableId};
pub(crate) use crate::store::standing_feed::Standing;
use crate::store::standing_feed::forget_matches;

/// Before the names of saved searches.
const PREFIX: &[u8] = b"saved_search/";
/// The number that the next saved search gets.
const NEXT_KEY: &[u8] = b"next_saved_search";

/// A search that is kept under a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedSearch {
    /// The query's text.
    pub text: String,
    /// Everything else about it. The place where a page began is not kept.
    pub options: SearchOptions,
    /// Whether it is held against every record that is written from then on.
    pub watch: Watching,
}

/// Whether a saved search is held against every record that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watching {
    /// It is run when somebody asks.
    #[default]
    Off,
    /// It is; what it matches is read with [`Store::matches`].
    On,
}

impl SavedSearch {
    /// A search with default options that is run when somebody asks.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Sets the options.
    #[must_use]
    pub fn options(mut self, options: SearchOptions) -> Self {
        self.options = options;
        self
    }

    /// Makes it a standing one.
    #[must_use]
    pub fn standing(mut self) -> Self {
        self.watch = Watching::On;
        self
    }
}

/// A saved search as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Saved {
    /// Stands for the search in the rows of its matches. Never given twice.
    pub(super) number: u32,
    /// The write that saved it: later ones are looked at.
    pub(super) since: Seq,
    pub(super) search: SavedSearch,
}

fn key_of(name: &str) -> Vec<u8> {
    [PREFIX, name.as_bytes()].concat()
}

/// The saved search of a name, in any rows.
pub(super) fn find(rows: &impl Rows, name: &str) -> Result<Option<Saved>> {
    rows.get(TableId::META, &key_of(name))?.map(|value| codec::decode(&value)).transpose()
}

/// Every saved search by its name.
pub(super) fn all(rows: &impl Rows) -> Result<Vec<(String, Saved)>> {
    let mut found = Vec::new();
    for row in rows.range(TableId::META, KeyRange::prefix(PREFIX))? {
        let (key, value) = row?;
        let name = std::str::from_utf8(&key[PREFIX.len()..])
            .map_err(|_| Error::corrupt("table meta", "saved search with a broken name"))?;
        found.push((name.to_owned(), codec::decode(&value)?));
    }
    Ok(found)
}

impl WriteTx<'_> {
    /// Keeps a search under a name, in the place of one that has it. One that is changed begins to
    /// match anew; the matches of the old one go with it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty or long name; [`Error::Limit`] for too long a text or too
    /// many searches; [`Error::Query`] for a text that cannot be read, in strict syntax only.
    pub fn save_search(&mut self, name: &str, search: &SavedSearch) -> Result<()> {
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            let reason = format!("{name:?} is not 1 to {NAME_BYTES_MAX} bytes long");
            return Err(Error::invalid("name of a saved search", reason));
        }
        within("text of a saved search in bytes", search.text.len(), SAVED_SEARCH_BYTES_MAX)?;
        TextQuery::parse(&search.text, &search.options)?;
        let mut search = search.clone();
        search.options.after = None;
        match find(self.rows(), name)? {
            Some(saved) if saved.search == search => return Ok(()),
            Some(saved) => forget_matches(&mut self.writer.rows, saved.number)?,
            None => {
                let count = all(self.rows())?.len();
                within("saved searches", count + 1, SAVED_SEARCHES_MAX)?;
            }
        }
        let number = match self.rows().get(TableId::META, NEXT_KEY)? {
            Some(value) => codec::decode(&value)?,
            None => 1_u32,
        };
        let saved = Saved { number, since: self.seq(), search };
        let rows = &mut self.writer.rows;
        rows.put(TableId::META, NEXT_KEY, &codec::encode(&number.saturating_add(1))?)?;
        rows.put(TableId::META, &key_of(name), &codec::encode(&saved)?)
    }

    /// Forgets a saved search and its matches. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub fn forget_search(&mut self, name: &str) -> Result<bool> {
        let Some(saved) = find(self.rows(), name)? else { return Ok(false) };
        forget_matches(&mut self.writer.rows, saved.number)?;
        self.writer.rows.delete(TableId::META, &key_of(name))?;
        Ok(true)
    }

    /// What decides, inside this write, whether a query finds a record: for rules. Costs an
    /// analysis of the query; keep it for all records of the write.
    pub(crate) fn matcher(&self, text: &str, options: &SearchOptions) -> Result<Matcher> {
        self.search().matcher(text, options)
    }
}

fn within(what: &str, found: usize, max: usize) -> Result<()> {
    if found > max {
        return Err(Error::Limit { what: what.into(), max: max as u64, found: found as u64 });
    }
    Ok(())
}

impl Store {
    /// Keeps a search under a name. See [`WriteTx::save_search`].
    ///
    /// ```
    /// use engraph::record::Memory;
    /// use engraph::{SavedSearch, Seq, Store};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::create(dir.path().join("s"))?;
    /// store.save_search("deadlines", &SavedSearch::new("due OR deadline").standing())?;
    /// let fact = store.write(|tx| {
    ///     let content = "The reply is due on 14 March".to_owned();
    ///     tx.insert(&Memory { content, ..Memory::default() })
    /// })?;
    /// let found = store.matches("deadlines", Seq(0), 10)?;
    /// assert_eq!(found.matches[0].id, fact);
    /// assert_eq!(store.matches("deadlines", found.seq, 10)?.matches, []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`WriteTx::save_search`] and [`Store::write`].
    pub fn save_search(&self, name: &str, search: &SavedSearch) -> Result<()> {
        self.write(|tx| tx.save_search(name, search))
    }

    /// Forgets a saved search and its matches. Tells whether it was there.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn forget_search(&self, name: &str) -> Result<bool> {
        self.write(|tx| tx.forget_search(name))
    }

    /// The search that was saved under a name.
    ///
    /// # Errors
    /// [`Error::Closed`]; [`Error::Corrupt`] when it cannot be read.
    pub fn saved_search(&self, name: &str) -> Result<Option<SavedSearch>> {
        let published = self.shared().published()?;
        Ok(find(&*published.rows, name)?.map(|saved| saved.search))
    }

    /// Every saved search by its name, in the order of the names.
    ///
    /// # Errors
    /// As [`Store::saved_search`].
    pub fn saved_searches(&self) -> Result<Vec<(String, SavedSearch)>> {
        let published = self.shared().published()?;
        let saved = all(&*published.rows)?.into_iter();
        Ok(saved.map(|(name, saved)| (name, saved.search)).collect())
    }
}
