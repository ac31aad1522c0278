//! The options of a search on the command line, and what the library makes of them.

use std::ops::Bound;

use clap::Args;
use engraph::search::{
    Cursor, Facet, Filter, LastWord, Matching, Order, SearchOptions, Sort, Syntax, Total, Typos,
};
use engraph::{ReadTx, Seq, Timestamp};

use super::super::failure::Failure;
use super::super::shown;

/// What to look for besides the words: the same for a search and for one that is saved.
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own for people")]
pub(super) struct Flags {
    /// Only records of these kinds
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,

    /// Hits to show at most
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,

    /// Only records with this word in a field, or this value in their attributes
    #[arg(long, value_name = "FIELD=VALUE")]
    filter: Vec<String>,

    /// Only records with one of these tags
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,

    /// Only records with every one of these tags
    #[arg(long, value_name = "TAG")]
    all_tags: Vec<String>,

    /// Only records of this namespace
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,

    /// Only records of this category
    #[arg(long, value_name = "NAME")]
    category: Option<String>,

    /// Only records of this type, where their kind has types
    #[arg(long = "type", value_name = "NAME")]
    record_type: Option<String>,

    /// Only records with a time in a range, for example created=2026-03-01..2026-04-01; the end is
    /// left out, and either end may be
    #[arg(long, value_name = "FIELD=FROM..TO")]
    time: Vec<String>,

    /// Only records with a number in a range, for example importance=0.5..; the end is left out
    #[arg(long, value_name = "FIELD=FROM..TO")]
    number: Vec<String>,

    /// Only records with every word
    #[arg(long, conflicts_with = "all_or_any")]
    all: bool,

    /// Records with every word; if there are none, those with any
    #[arg(long)]
    all_or_any: bool,

    /// Find misspelt words too
    #[arg(long)]
    typos: bool,

    /// Take the last word as the beginning of one
    #[arg(long)]
    prefix: bool,

    /// Refuse a query that cannot be read exactly, instead of making the best of it
    #[arg(long)]
    strict: bool,

    /// How much more a word in a title counts than one elsewhere
    #[arg(long, value_name = "WEIGHT", default_value_t = 1.0)]
    title_weight: f32,

    /// Sort by a time, the latest first; or with :asc the earliest
    #[arg(long, value_name = "FIELD[:asc]", conflicts_with = "sort_number")]
    sort: Option<String>,

    /// Sort by a number, the greatest first; or with :asc the smallest
    #[arg(long, value_name = "FIELD[:asc]")]
    sort_number: Option<String>,

    /// Count the hits by kind, by a field such as tag or category, or by month:created
    #[arg(long, value_name = "FIELD")]
    facet: Vec<String>,

    /// Count all hits
    #[arg(long)]
    total: bool,
}

impl Flags {
    /// The options of the library. Kinds are looked up by name.
    pub(super) fn options(&self, tx: &ReadTx) -> Result<SearchOptions, Failure> {
        Ok(SearchOptions {
            syntax: if self.strict { Syntax::Strict } else { Syntax::Lenient },
            matching: match (self.all, self.all_or_any) {
                (true, _) => Matching::All,
                (false, true) => Matching::AllElseAny,
                (false, false) => Matching::Any,
            },
            typos: if self.typos { Typos::Accept } else { Typos::Refuse },
            last_word: if self.prefix { LastWord::Prefix } else { LastWord::Whole },
            title_weight: self.title_weight()?,
            filters: self.filters(tx)?,
            sort: self.sort(),
            limit: self.limit,
            total: if self.total { Total::Count } else { Total::Skip },
            facets: self.facet.iter().map(|name| facet(name)).collect(),
            ..SearchOptions::default()
        })
    }

    fn title_weight(&self) -> Result<f32, Failure> {
        if (0.0..=1_000.0).contains(&self.title_weight) {
            return Ok(self.title_weight);
        }
        let failure = Failure::usage(format!("{} is no weight of a title", self.title_weight));
        Err(failure.hint("weights are 0 to 1000"))
    }

    fn filters(&self, tx: &ReadTx) -> Result<Vec<Filter>, Failure> {
        let mut filters = Vec::new();
        if !self.kind.is_empty() {
            let kinds = self.kind.iter().map(|name| shown::kind_named(tx, name));
            filters.push(Filter::Kinds(kinds.collect::<Result<_, _>>()?));
        }
        for filter in &self.filter {
            let example = "filters are written field=value, for example status=open";
            let (field, value) = split(filter, '=', "filter", example)?;
            let attribute = Filter::attribute(field, value);
            filters.push(Filter::Any(vec![Filter::keyword(field, value), attribute]));
        }
        if !self.tag.is_empty() {
            filters.push(Filter::any_keyword("tag", &self.tag));
        }
        if !self.all_tags.is_empty() {
            filters.push(Filter::all_keywords("tag", &self.all_tags));
        }
        for (field, word) in [
            ("namespace", &self.namespace),
            ("category", &self.category),
            ("type", &self.record_type),
        ] {
            filters.extend(word.as_ref().map(|word| Filter::keyword(field, word)));
        }
        for range in &self.time {
            let (field, from, to) = range_of::<Timestamp>(range)?;
            filters.push(Filter::Time { field, from, to });
        }
        for range in &self.number {
            let (field, from, to) = range_of::<f64>(range)?;
            filters.push(Filter::Number { field, from, to });
        }
        Ok(filters)
    }

    fn sort(&self) -> Sort {
        let ordered = |field: &String| match field.strip_suffix(":asc") {
            Some(field) => (field.to_owned(), Order::Ascending),
            None => (field.strip_suffix(":desc").unwrap_or(field).to_owned(), Order::Descending),
        };
        match (&self.sort, &self.sort_number) {
            (Some(field), _) => {
                let (field, order) = ordered(field);
                Sort::Time(field, order)
            }
            (None, Some(field)) => {
                let (field, order) = ordered(field);
                Sort::Number(field, order)
            }
            (None, None) => Sort::Score,
        }
    }
}

fn facet(name: &str) -> Facet {
    match name.strip_prefix("month:") {
        Some(field) => Facet::Months(field.to_owned()),
        None if name == "kind" => Facet::Kinds,
        None => Facet::Keyword(name.to_owned()),
    }
}

/// A facet as it is named on the command line.
pub(super) fn facet_name(facet: &Facet) -> String {
    match facet {
        Facet::Kinds => "kind".to_owned(),
        Facet::Keyword(field) => field.clone(),
        Facet::Months(field) => format!("month:{field}"),
    }
}

/// The parts of `FIELD=VALUE`.
fn split<'a>(
    text: &'a str,
    mark: char,
    what: &str,
    example: &str,
) -> Result<(&'a str, &'a str), Failure> {
    text.split_once(mark)
        .filter(|(field, _)| !field.is_empty())
        .ok_or_else(|| Failure::usage(format!("{text:?} is no {what}")).hint(example))
}

/// The parts of `FIELD=FROM..TO`.
fn range_of<T: std::str::FromStr>(text: &str) -> Result<(String, Bound<T>, Bound<T>), Failure> {
    let example = "ranges are written field=from..to, for example importance=0.5..1 or \
                   created=2026-03-01T00:00:00..";
    let (field, range) = split(text, '=', "range", example)?;
    let no_range = || Failure::usage(format!("{text:?} is no range")).hint(example);
    let (from, to) = range.split_once("..").ok_or_else(no_range)?;
    let bound = |text: &str| match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| no_range()),
    };
    let from = bound(from)?.map_or(Bound::Unbounded, Bound::Included);
    let to = bound(to)?.map_or(Bound::Unbounded, Bound::Excluded);
    Ok((field.to_owned(), from, to))
}

/// A write or a time, as `--as-of` takes it.
#[derive(Clone, Copy, Debug)]
pub(super) enum AsOf {
    Seq(Seq),
    Time(Timestamp),
}

impl std::str::FromStr for AsOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(seq) = text.parse() {
            return Ok(Self::Seq(Seq(seq)));
        }
        text.parse().map(Self::Time).map_err(|_| {
            "is neither the number of a write nor a time such as 2026-03-01T12:00".into()
        })
    }
}

/// The place where a page ended.
pub(super) fn cursor(text: Option<&str>) -> Result<Option<Cursor>, Failure> {
    Ok(text.map(str::parse::<Cursor>).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_a_field_and_open_ends() {
        let (field, from, to) = range_of::<f64>("pages=0.5..").unwrap();
        assert_eq!((&field[..], from, to), ("pages", Bound::Included(0.5), Bound::Unbounded));
        let (_, from, to) = range_of::<f64>("a.b=..-3").unwrap();
        assert_eq!((from, to), (Bound::Unbounded, Bound::Excluded(-3.0)));
        for bad in ["pages", "=1..2", "pages=1", "pages=x..", "pages=1..2..3"] {
            assert!(range_of::<f64>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_past_state_is_a_write_or_a_time() {
        assert!(matches!("17".parse(), Ok(AsOf::Seq(Seq(17)))));
        assert!(matches!("2026-03-01T12:00".parse(), Ok(AsOf::Time(_))));
        assert!("yesterday".parse::<AsOf>().is_err());
    }
}
