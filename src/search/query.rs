//! Running a search: text and filters together, a page of hits, counts.

use std::cmp::Reverse;
use std::ops::Bound;

use tantivy::Term;
use tantivy::collector::Count;
use tantivy::query::{BooleanQuery, EmptyQuery, Occur, Query, RangeQuery, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};

use super::build::{Builder, everything, union, unscored};
use super::collect::{Best, KeywordCounts, KindCounts};
use super::indexer::{Indexer, View, guarded};
use super::parse::TextQuery;
use super::schema::{Fields, keyword_term, value_path};
use super::{Cursor, Facet, FacetCounts, Filter, Hit, Hits, Matching, SearchOptions, Sort, Total};
use crate::base::error::{Error, Result};
use crate::base::id::{Kind, NodeId};
use crate::base::limits::SEARCH_WINDOW_MAX;
use crate::base::time::Timestamp;

impl Indexer {
    /// Finds records as of the last commit. Without an index there are no hits.
    ///
    /// # Errors
    /// [`Error::Limit`] for a page beyond [`SEARCH_WINDOW_MAX`] hits: go on with a cursor instead;
    /// [`Error::Engine`] when the index cannot be read.
    pub(crate) fn search(&self, text: &TextQuery, options: &SearchOptions) -> Result<Hits> {
        let reach = options.offset.saturating_add(options.limit);
        if reach > SEARCH_WINDOW_MAX {
            return Err(Error::Limit {
                what: "offset and limit of a search".into(),
                max: SEARCH_WINDOW_MAX as u64,
                found: reach as u64,
            });
        }
        let Some(view) = self.view() else { return Ok(Hits::default()) };
        guarded(|| self.search_view(&view, text, options))
            .map_err(|err| Error::engine("tantivy", "search", err))
    }

    fn search_view(
        &self,
        view: &View,
        text: &TextQuery,
        options: &SearchOptions,
    ) -> tantivy::Result<Hits> {
        let relaxed = options.after.is_some_and(|after| after.relaxed);
        let all = match options.matching {
            Matching::Any => false,
            Matching::All => true,
            Matching::AllElseAny => !relaxed,
        };
        let query = self.query(view, text, options, all)?;
        if options.matching == Matching::AllElseAny && options.after.is_none() {
            let best = Best { sort: Sort::Score, count: 1, after: None };
            if view.searcher.search(&query, &best)?.is_empty() {
                let query = self.query(view, text, options, false)?;
                return page(view, &query, options, true);
            }
        }
        page(view, &query, options, relaxed)
    }

    fn query(
        &self,
        view: &View,
        text: &TextQuery,
        options: &SearchOptions,
        all: bool,
    ) -> tantivy::Result<Box<dyn Query>> {
        let builder = Builder {
            searcher: &view.searcher,
            fields: &self.fields,
            analyzer: &self.analyzer,
            typos: options.typos,
            all,
        };
        let text = builder.query(&text.clauses)?;
        if options.filters.is_empty() {
            return Ok(text);
        }
        let mut clauses = vec![(Occur::Must, text)];
        for filter in &options.filters {
            clauses.push((Occur::Must, unscored(filter_query(&self.fields, filter))));
        }
        Ok(Box::new(BooleanQuery::new(clauses)))
    }
}

fn page(
    view: &View,
    query: &dyn Query,
    options: &SearchOptions,
    relaxed: bool,
) -> tantivy::Result<Hits> {
    let searcher = &view.searcher;
    let best = Best {
        sort: options.sort.clone(),
        count: options.offset + options.limit,
        after: options.after.map(|after| after.rank),
    };
    let ranks = if options.limit == 0 { Vec::new() } else { searcher.search(query, &best)? };
    let ranks = ranks.get(options.offset..).unwrap_or_default();
    let is_full = options.limit > 0 && ranks.len() == options.limit;
    let next = ranks.last().filter(|_| is_full).map(|&rank| Cursor { rank, relaxed });
    let scored = options.sort == Sort::Score;
    let hits = ranks
        .iter()
        .map(|&rank| {
            let Reverse(id) = rank.id;
            Hit { id: NodeId::from_u64(id), score: if scored { rank.score() } else { 0.0 } }
        })
        .collect();
    let total = match options.total {
        Total::Skip => None,
        Total::Count => Some(searcher.search(query, &Count)? as u64),
    };
    let facets = options
        .facets
        .iter()
        .map(|facet| count_facet(view, query, facet))
        .collect::<Result<_, _>>();
    Ok(Hits { hits, total, next, facets: facets?, watermark: Some(view.watermark) })
}

fn count_facet(view: &View, query: &dyn Query, facet: &Facet) -> tantivy::Result<FacetCounts> {
    Ok(match facet {
        Facet::Kinds => {
            let counts = view.searcher.search(query, &KindCounts)?;
            FacetCounts::Kinds(
                counts.into_iter().map(|(kind, count)| (Kind(kind), count)).collect(),
            )
        }
        Facet::Keyword(field) => {
            let prefix = keyword_term(field, "");
            let counts = view.searcher.search(query, &KeywordCounts { prefix })?;
            let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
            counts.sort_by_key(|&(_, count)| Reverse(count));
            FacetCounts::Keyword(counts)
        }
    })
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
            (Occur::MustNot, filter_query(fields, filter)),
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
