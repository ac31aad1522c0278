//! Full-text search: a derived index of what records say about themselves.
//!
//! The index follows the store's change log and holds ids, never texts. It knows the facts of
//! records and none of their types, does not call the store, and can be deleted at any time: it is
//! built anew from the records. The only folder that names tantivy.

#[cfg(test)]
mod agreement;
mod analyzer;
mod build;
mod collect;
mod directory;
mod document;
mod exclude;
mod explain;
mod fingerprint;
mod indexer;
mod like;
mod matcher;
mod normalizer;
mod parse;
mod past;
mod pieces;
mod query;
mod records;
mod schema;
mod snippet;
mod stems;
mod stop_words;
mod subject;
mod suggest;
#[cfg(test)]
mod tests;
pub(crate) mod vector;
mod words;

use std::cmp::Reverse;
use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use analyzer::{AnalyzerOptions, Language, StopWords};
pub use explain::{Explanation, FoundIn, ScorePart};
pub(crate) use indexer::{IndexChange, Indexer, IndexerOptions};
pub(crate) use matcher::Matcher;
pub(crate) use parse::TextQuery;
pub(crate) use past::Past;
pub(crate) use pieces::{Piece, Pieces, Sort as PieceSort};
pub(crate) use schema::{index_name, names_record};
pub use snippet::Snippet;
pub(crate) use subject::Subject;
pub(crate) use suggest::Candidate;
pub use vector::{
    EmbedWith, Embedder, FusedHit, HybridWeights, LocalHash, Metric, Parts, Scan,
    reciprocal_rank_fusion,
};

use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId, Seq};
use crate::base::time::Timestamp;
use collect::Rank;

/// Whether an index may be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Access {
    #[default]
    ReadWrite,
    /// No file is made or changed, lock files included.
    ReadOnly,
}

/// How a query text is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Syntax {
    /// As well as it can be: what has no meaning as an operator is a word or is passed over. Never
    /// an error. For texts that people type and for questions that models ask.
    #[default]
    Lenient,
    /// Exactly: a text that cannot be read is [`Error::Query`], and `field:value` always filters.
    Strict,
}

/// How many of a query's words a record needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Matching {
    /// One is enough; more and rarer ones rank higher.
    #[default]
    Any,
    /// Every one.
    All,
    /// Every one, but if no record has them all, one is enough.
    AllElseAny,
}

/// Whether misspelt words are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Typos {
    /// Words are found as they are written, endings and accents aside.
    #[default]
    Refuse,
    /// One letter may be wrong from four letters on, two from eight. Exact words rank higher.
    Accept,
}

/// What the last word of a query means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LastWord {
    /// A word like the others.
    #[default]
    Whole,
    /// Perhaps the beginning of a word, while somebody is still typing it.
    Prefix,
}

/// A direction of sorting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Order {
    /// The smallest or oldest first.
    Ascending,
    /// The greatest or latest first.
    Descending,
}

/// The order of hits. Equal hits come in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sort {
    /// The best match first.
    #[default]
    Score,
    /// By a time that records have; those without it last.
    Time(String, Order),
    /// By a number that records have; those without it last.
    Number(String, Order),
}

/// A condition that records meet or do not, without a say in their rank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Filter {
    /// The record is of one of these kinds.
    Kinds(Vec<Kind>),
    /// The record has exactly this word in this keyword field.
    Keyword {
        /// The name of the field.
        field: String,
        /// The word, in its own case.
        value: String,
    },
    /// The record's attributes have exactly this value at this path.
    Attribute {
        /// The names on the way, joined by dots. An element of a list has the path of the list.
        path: String,
        /// A text as it is, a number in its shortest spelling, `true` or `false`.
        value: String,
    },
    /// The record has a time within the range.
    Time {
        /// The name of the field.
        field: String,
        /// The earliest time.
        from: Bound<Timestamp>,
        /// The latest time.
        to: Bound<Timestamp>,
    },
    /// The record has a finite number within the range.
    Number {
        /// The name of the field.
        field: String,
        /// The smallest number.
        from: Bound<f64>,
        /// The greatest number.
        to: Bound<f64>,
    },
    /// At least one of these holds; none does when there are none.
    Any(Vec<Self>),
    /// All of these hold.
    All(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
}

impl Filter {
    /// Records with this word in this keyword field.
    pub fn keyword(field: impl Into<String>, value: impl Into<String>) -> Self {
        Self::Keyword { field: field.into(), value: value.into() }
    }

    /// Records with at least one of these words in this keyword field.
    pub fn any_keyword<V: Into<String>>(
        field: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let field = field.into();
        Self::Any(values.into_iter().map(|value| Self::keyword(field.clone(), value)).collect())
    }

    /// Records with all of these words in this keyword field.
    pub fn all_keywords<V: Into<String>>(
        field: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let field = field.into();
        Self::All(values.into_iter().map(|value| Self::keyword(field.clone(), value)).collect())
    }

    /// Records whose attributes have this value at this path.
    pub fn attribute(path: impl Into<String>, value: &(impl ToString + ?Sized)) -> Self {
        Self::Attribute { path: path.into(), value: value.to_string() }
    }

    /// Records with a time within `range`.
    pub fn time(field: impl Into<String>, range: impl RangeBounds<Timestamp>) -> Self {
        Self::Time {
            field: field.into(),
            from: range.start_bound().cloned(),
            to: range.end_bound().cloned(),
        }
    }

    /// Records with a number within `range`.
    pub fn number(field: impl Into<String>, range: impl RangeBounds<f64>) -> Self {
        Self::Number {
            field: field.into(),
            from: range.start_bound().cloned(),
            to: range.end_bound().cloned(),
        }
    }
}

/// What is counted over all hits, whatever the page.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Facet {
    /// Hits of each kind.
    Kinds,
    /// Hits with each word of a keyword field.
    Keyword(String),
    /// Hits in each month, in UTC, of a time that records have.
    Months(String),
}

/// Whether all hits are counted, which costs a look at each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Total {
    /// They are not.
    #[default]
    Skip,
    /// They are.
    Count,
}

/// Whether hits come with the part of their text that was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Snippets {
    /// They do, which costs a look at each record of the page.
    #[default]
    Cut,
    /// Ids and scores are enough.
    Skip,
}

/// Everything about a search but its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchOptions {
    /// How the text is read.
    pub syntax: Syntax,
    /// How many of its words a record needs.
    pub matching: Matching,
    /// Whether misspelt words are found.
    pub typos: Typos,
    /// What its last word means.
    pub last_word: LastWord,
    /// How much more a word in a title or name counts than one elsewhere: 1 for once more, 0 for
    /// nothing.
    pub title_weight: f32,
    /// Conditions, all of which hold.
    pub filters: Vec<Filter>,
    /// The order of hits.
    pub sort: Sort,
    /// Hits to leave out at the beginning.
    pub offset: usize,
    /// Hits to return at most.
    pub limit: usize,
    /// The place from which to go on: [`Hits::next`] of the page before.
    #[serde(skip)]
    pub after: Option<Cursor>,
    /// Whether all hits are counted.
    pub total: Total,
    /// What else is counted.
    pub facets: Vec<Facet>,
    /// Whether hits come with snippets.
    pub snippets: Snippets,
}

impl Default for SearchOptions {
    /// Ten hits, the best first, read leniently.
    fn default() -> Self {
        Self {
            syntax: Syntax::default(),
            matching: Matching::default(),
            typos: Typos::default(),
            last_word: LastWord::default(),
            title_weight: 1.0,
            filters: Vec::new(),
            sort: Sort::default(),
            offset: 0,
            limit: 10,
            after: None,
            total: Total::default(),
            facets: Vec::new(),
            snippets: Snippets::default(),
        }
    }
}

/// A place among the hits of a query. Written and parsed as a short text.
///
/// It names the last hit of a page by its rank, so that hits which come or go on earlier pages do
/// not shift the later ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    rank: Rank,
    /// Whether the page was of [`Matching::AllElseAny`] and fell back to any word.
    relaxed: bool,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.relaxed { 'r' } else { 's' };
        match self.rank.key {
            Some(key) => write!(f, "{mark}{key:016x}{:016x}", self.rank.id.0),
            None => write!(f, "{mark}{:016x}", self.rank.id.0),
        }
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::invalid("cursor", format!("{text:?} was not made by a search"));
        let digits = text.get(1..).ok_or_else(bad)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let number = |digits: &str| u64::from_str_radix(digits, 16).map_err(|_| bad());
        let relaxed = match text.as_bytes()[0] {
            b'r' => true,
            b's' => false,
            _ => return Err(bad()),
        };
        let (key, id) = match digits.len() {
            16 => (None, number(digits)?),
            32 => (Some(number(&digits[..16])?), number(&digits[16..])?),
            _ => return Err(bad()),
        };
        Ok(Self { rank: Rank { key, id: Reverse(id) }, relaxed })
    }
}

/// A record that a search found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The record.
    pub id: NodeId,
    /// How well it matches; comparable within one query only. Zero when the hits are sorted by
    /// something else.
    pub score: f32,
}

/// A page of hits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hits {
    /// The hits, in the order asked for.
    pub hits: Vec<Hit>,
    /// The number of all hits, where it was asked for.
    pub total: Option<u64>,
    /// Where the next page begins; `None` when this one was not full.
    pub next: Option<Cursor>,
    /// The counts asked for, in that order.
    pub facets: Vec<FacetCounts>,
    /// The last write that the answer takes into account; `None` when there was no index.
    pub watermark: Option<Seq>,
}

/// The hits counted for one [`Facet`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FacetCounts {
    /// Hits of each kind, by kind.
    Kinds(Vec<(Kind, u64)>),
    /// Hits with each word, the most frequent first, then by word.
    Keyword(Vec<(String, u64)>),
    /// Hits in each month, as `2026-03`, the earliest first.
    Months(Vec<(String, u64)>),
}
