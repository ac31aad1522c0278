//! Running a search: text and filters together, a page of hits, counts.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Bound;

use tantivy::collector::{Collector, Count};
use tantivy::query::{
    Bm25StatisticsProvider, BooleanQuery, EmptyQuery, Occur, Query, RangeQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};

use super::build::{Builder, everything, union, unscored};
use super::collect::{Best, KeywordCounts, KindCounts, MonthCounts, month_text};
use super::exclude::Excluded;
use super::indexer::{Indexer, View, guarded};
use super::parse::TextQuery;
use super::past::Past;
use super::records::Records;
use super::schema::{Fields, keyword_term, value_path};
use super::{Cursor, Facet, FacetCounts, Filter, Hit, Hits, Matching, SearchOptions, Sort, Total};
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
use crate::base::limits::SEARCH_WINDOW_MAX;
use crate::base::time::Timestamp;

impl Indexer {
    /// Finds records as of the last commit, or as `past` says that they were. Without an index
    /// there are no hits.
    ///
    /// # Errors
    /// [`Error::Limit`] for a page beyond [`SEARCH_WINDOW_MAX`] hits: go on with a cursor instead;
    /// [`Error::Engine`] when the index cannot be read.
    pub(crate) fn search(
        &self,
        text: &TextQuery,
        options: &SearchOptions,
        past: Option<&Past>,
    ) -> Result<Hits> {
        let reach = options.offset.saturating_add(options.limit);
        if reach > SEARCH_WINDOW_MAX {
            return Err(Error::Limit {
                what: "offset and limit of a search".into(),
                max: SEARCH_WINDOW_MAX as u64,
                found: reach as u64,
            });
        }
        let Some(view) = self.view() else { return Ok(Hits::default()) };
        let asking = Asking { indexer: self, view: &view, text, options, past };
        guarded(|| asking.run()).map_err(|err| Error::engine("tantivy", "search", err))
    }
}

/// A search under way: what is asked, and of which documents.
pub(super) struct Asking<'a> {
    pub(super) indexer: &'a Indexer,
    pub(super) view: &'a View,
    pub(super) text: &'a TextQuery,
    pub(super) options: &'a SearchOptions,
    pub(super) past: Option<&'a Past>,
}

/// Documents, and the query that finds them.
struct Corpus<'a> {
    searcher: &'a Searcher,
    query: Box<dyn Query>,
}

impl Asking<'_> {
    fn run(&self) -> tantivy::Result<Hits> {
        let relaxed = self.options.after.is_some_and(|after| after.relaxed);
        let all = match self.options.matching {
            Matching::Any => false,
            Matching::All => true,
            Matching::AllElseAny => !relaxed,
        };
        let corpora = self.corpora(all)?;
        if self.options.matching == Matching::AllElseAny && self.options.after.is_none() {
            let best = Best { sort: Sort::Score, count: 1, after: None };
            if self.collect(&corpora, &best)?.iter().all(Vec::is_empty) {
                return self.page(&self.corpora(false)?, true);
            }
        }
        self.page(&corpora, relaxed)
    }

    /// The documents of the index, and those of the past in the place of some of them.
    fn corpora(&self, all: bool) -> tantivy::Result<Vec<Corpus<'_>>> {
        let present = &self.view.searcher;
        let query = self.query(&self.builder(present, all))?;
        let Some(past) = self.past else { return Ok(vec![Corpus { searcher: present, query }]) };
        let fields = &self.indexer.fields;
        let replaced = Records::new(fields.group, past.replaced.clone());
        let replaced = Excluded::new(Box::new(replaced));
        let query =
            BooleanQuery::new(vec![(Occur::Must, query), (Occur::MustNot, Box::new(replaced))]);
        let earlier = self.query(&self.builder(&past.searcher, all))?;
        Ok(vec![
            Corpus { searcher: present, query: Box::new(query) },
            Corpus { searcher: &past.searcher, query: earlier },
        ])
    }

    pub(super) fn builder<'b>(&'b self, searcher: &'b Searcher, all: bool) -> Builder<'b> {
        Builder {
            searcher,
            known: [Some(&self.view.searcher), self.past.map(|past| &past.searcher)],
            fields: &self.indexer.fields,
            analyzer: &self.indexer.analyzer,
            typos: self.options.typos,
            title_weight: self.options.title_weight,
            all,
        }
    }

    pub(super) fn query(&self, builder: &Builder<'_>) -> tantivy::Result<Box<dyn Query>> {
        let text = builder.query(&self.text.clauses)?;
        if self.options.filters.is_empty() {
            return Ok(text);
        }
        let mut clauses = vec![(Occur::Must, text)];
        for filter in &self.options.filters {
            clauses.push((Occur::Must, unscored(filter_query(builder.fields, filter))));
        }
        Ok(Box::new(BooleanQuery::new(clauses)))
    }

    /// What a collector gathers from each corpus. Rarity is counted in today's index, unless that
    /// is empty.
    fn collect<C: Collector>(
        &self,
        corpora: &[Corpus<'_>],
        collector: &C,
    ) -> tantivy::Result<Vec<C::Fruit>> {
        let statistics: &dyn Bm25StatisticsProvider = match self.past {
            Some(past) if self.view.searcher.num_docs() == 0 => &past.searcher,
            _ => &self.view.searcher,
        };
        let gathered = corpora.iter().map(|corpus| {
            let Corpus { searcher, query } = corpus;
            searcher.search_with_statistics_provider(&**query, collector, statistics)
        });
        gathered.collect()
    }

    fn page(&self, corpora: &[Corpus<'_>], relaxed: bool) -> tantivy::Result<Hits> {
        let options = self.options;
        let best = Best {
            sort: options.sort.clone(),
            count: options.offset + options.limit,
            after: options.after.map(|after| after.rank),
        };
        let ranks = match options.limit {
            0 => Vec::new(),
            _ => best.merge_fruits(self.collect(corpora, &best)?)?,
        };
        let ranks = ranks.get(options.offset..).unwrap_or_default();
        let is_full = options.limit > 0 && ranks.len() == options.limit;
        let next = ranks.last().filter(|_| is_full).map(|&rank| Cursor { rank, relaxed });
        let scored = options.sort == Sort::Score;
        let hits = ranks.iter().map(|&rank| {
            let Reverse(id) = rank.id;
            Hit { id: NodeId::from_u64(id), score: if scored { rank.score() } else { 0.0 } }
        });
        let total = match options.total {
            Total::Skip => None,
            Total::Count => Some(self.collect(corpora, &Count)?.into_iter().sum::<usize>() as u64),
        };
        let facets = options.facets.iter().map(|facet| self.count_facet(corpora, facet));
        Ok(Hits {
            hits: hits.collect(),
            total,
            next,
            facets: facets.collect::<tantivy::Result<_>>()?,
            watermark: Some(self.view.watermark),
        })
    }

    fn count_facet(&self, corpora: &[Corpus<'_>], facet: &Facet) -> tantivy::Result<FacetCounts> {
        Ok(match facet {
            Facet::Kinds => {
                let counts = added(self.collect(corpora, &KindCounts)?);
                let counts = counts.into_iter().map(|(kind, count)| (Kind(kind), count));
                FacetCounts::Kinds(counts.collect())
            }
            Facet::Keyword(field) => {
                let prefix = keyword_term(field, "");
                let counts = added(self.collect(corpora, &KeywordCounts { prefix })?);
                let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
                counts.sort_by_key(|&(_, count)| Reverse(count));
                FacetCounts::Keyword(counts)
            }
            Facet::Months(field) => {
                let counts = added(self.collect(corpora, &MonthCounts { field: field.clone() })?);
                let counts = counts.into_iter().map(|(month, count)| (month_text(month), count));
                FacetCounts::Months(counts.collect())
            }
        })
    }
}

/// The counts of several corpora together.
fn added<K: Ord>(counts: Vec<BTreeMap<K, u64>>) -> BTreeMap<K, u64> {
    let mut counts = counts.into_iter();
    let mut sum = counts.next().unwrap_or_default();
    for (key, count) in counts.flatten() {
        *sum.entry(key).or_default() += count;
    }
    sum
}

pub(super) fn filter_query(fields: &Fields, filter: &Filter) -> Box<dyn Query> {
    let word = |field: Field, text: &str| -> Box<dyn Query> {
        let term = Term::from_field_text(field, text);
        Box::new(TermQuery::new(term, IndexRecordOption::Basic))
    };
    let each = |filters: &[Filter]| -> Vec<Box<dyn Query>> {
        filters.iter().map(|filter| filter_query(fields, filter)).collect()
    };
    match filter {
        Filter::Kinds(kinds) => {
            let terms = kinds.iter().map(|kind| -> Box<dyn Query> {
                let term = Term::from_field_u64(fields.kind, u64::from(kind.0));
                Box::new(TermQuery::new(term, IndexRecordOption::Basic))
            });
            any_of(terms.collect())
        }
        Filter::Keyword { field, value } => word(fields.keywords, &keyword_term(field, value)),
        Filter::Attribute { path, value } => word(fields.attributes, &keyword_term(path, value)),
        Filter::Time { field, from, to } => {
            let (from, to) = (from.map(Timestamp::as_micros), to.map(Timestamp::as_micros));
            let from = if from == Bound::Unbounded { Bound::Included(i64::MIN) } else { from };
            range_query(fields.times, field, from, to)
        }
        Filter::Number { field, from, to } => number_query(fields, field, *from, *to),
        Filter::Any(filters) => any_of(each(filters)),
        Filter::All(filters) if filters.is_empty() => everything(),
        Filter::All(filters) => Box::new(BooleanQuery::intersection(each(filters))),
        Filter::Not(filter) => Box::new(BooleanQuery::new(vec![
            (Occur::Must, everything()),
            (Occur::MustNot, Box::new(Excluded::new(filter_query(fields, filter)))),
        ])),
    }
}

fn any_of(queries: Vec<Box<dyn Query>>) -> Box<dyn Query> {
    if queries.is_empty() { Box::new(EmptyQuery) } else { union(queries) }
}

/// A range of finite numbers: infinite bounds are none, and nothing lies beyond NaN.
fn number_query(fields: &Fields, name: &str, from: Bound<f64>, to: Bound<f64>) -> Box<dyn Query> {
    let value = |bound: Bound<f64>| match bound {
        Bound::Included(number) | Bound::Excluded(number) => Some(number),
        Bound::Unbounded => None,
    };
    let (low, high) = (value(from), value(to));
    let is_nan = |number: Option<f64>| number.is_some_and(f64::is_nan);
    if is_nan(low) || is_nan(high) || low == Some(f64::INFINITY) || high == Some(f64::NEG_INFINITY)
    {
        return Box::new(EmptyQuery);
    }
    let is_finite = |number: Option<f64>| number.is_some_and(f64::is_finite);
    let from = if is_finite(low) { from } else { Bound::Included(f64::MIN) };
    let to = if is_finite(high) { to } else { Bound::Unbounded };
    // Zero is stored without its sign.
    let (from, to) = (from.map(|number| number + 0.0), to.map(|number| number + 0.0));
    range_query(fields.numbers, name, from, to)
}

fn range_query<T: tantivy::fastfield::FastValue>(
    field: Field,
    name: &str,
    from: Bound<T>,
    to: Bound<T>,
) -> Box<dyn Query> {
    let term = |value: T| {
        let mut term = Term::from_field_json_path(field, &value_path(name), false);
        term.append_type_and_fast_value(value);
        term
    };
    Box::new(RangeQuery::new(from.map(term), to.map(term)))
}
