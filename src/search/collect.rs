//! Which of the found documents make the page: ranking, ties, and counting.
//!
//! Hits of one rank are ordered by id, so that the same index and query always give the same
//! order, and a page can begin after the last hit of the one before.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, DynamicColumn, MonotonicallyMappableToU64 as _, NumericalType};
use tantivy::query::Weight;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use super::schema::{ID, KEYWORDS, KIND, NUMBERS, TIMES, value_path};
use super::{Order, Sort};

/// The place of a hit: what is ranked higher is greater. Equal ranks go by id, the smaller first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// The sort key, monotonic, turned around where small keys come first. `None`, for records
    /// without the value, comes last.
    pub(super) key: Option<u64>,
    pub(super) id: Reverse<u64>,
}

impl Rank {
    /// The score that the key stands for.
    pub(super) fn score(self) -> Score {
        self.key.map_or(0.0, score_of)
    }
}

fn key_of_score(score: Score) -> u64 {
    f64::from(score).to_u64()
}

#[expect(clippy::cast_possible_truncation, reason = "the key was made from a 32-bit score")]
fn score_of(key: u64) -> Score {
    f64::from_u64(key) as Score
}

/// Keeps the best documents, all after a given place.
#[derive(Clone, Debug)]
pub(super) struct Best {
    pub(super) sort: Sort,
    pub(super) count: usize,
    pub(super) after: Option<Rank>,
}

impl Collector for Best {
    type Fruit = Vec<Rank>;
    type Child = BestOfSegment;

    fn for_segment(
        &self,
        _segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<BestOfSegment> {
        Ok(BestOfSegment {
            ids: reader.fast_fields().u64(ID)?,
            keys: SortKeys::open(&self.sort, reader)?,
            count: self.count,
            after: self.after,
            heap: BinaryHeap::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        matches!(self.sort, Sort::Score)
    }

    fn merge_fruits(&self, segments: Vec<Vec<Rank>>) -> tantivy::Result<Vec<Rank>> {
        let mut ranks: Vec<Rank> = segments.into_iter().flatten().collect();
        ranks.sort_unstable_by_key(|&rank| Reverse(rank));
        ranks.truncate(self.count);
        Ok(ranks)
    }

    fn collect_segment(
        &self,
        weight: &dyn Weight,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<Vec<Rank>> {
        let mut best = self.for_segment(segment, reader)?;
        let alive = reader.alive_bitset();
        let is_alive = |doc: DocId| alive.is_none_or(|alive| alive.is_alive(doc));
        if self.requires_scoring() {
            weight.for_each_pruning(Score::MIN, reader, &mut |doc, score| {
                if is_alive(doc) {
                    best.collect(doc, score);
                }
                best.threshold()
            })?;
        } else {
            weight.for_each_no_score(reader, &mut |docs| {
                for &doc in docs.iter().filter(|&&doc| is_alive(doc)) {
                    best.collect(doc, 0.0);
                }
            })?;
        }
        Ok(best.harvest())
    }
}

/// The best documents of one segment, the least of them on top of the heap.
pub(super) struct BestOfSegment {
    ids: Column<u64>,
    keys: SortKeys,
    count: usize,
    after: Option<Rank>,
    heap: BinaryHeap<Reverse<Rank>>,
}

impl BestOfSegment {
    /// The score that a document must exceed to be looked at. A tie with the least kept one is
    /// decided by id, so that such a document must still be seen.
    fn threshold(&self) -> Score {
        match self.heap.peek() {
            Some(least) if self.heap.len() == self.count => least.0.score().next_down(),
            _ if self.count == 0 => Score::MAX,
            _ => Score::MIN,
        }
    }
}

impl SegmentCollector for BestOfSegment {
    type Fruit = Vec<Rank>;

    fn collect(&mut self, doc: DocId, score: Score) {
        let key = self.keys.key(doc, score);
        if self.after.is_some_and(|after| key > after.key) {
            return;
        }
        let full = self.heap.len() >= self.count;
        if full && self.heap.peek().is_none_or(|least| key < least.0.key) {
            return;
        }
        let Some(id) = self.ids.first(doc) else { return };
        let rank = Rank { key, id: Reverse(id) };
        if self.after.is_some_and(|after| rank >= after) {
            return;
        }
        if !full {
            self.heap.push(Reverse(rank));
        } else if let Some(mut least) = self.heap.peek_mut()
            && rank > least.0
        {
            *least = Reverse(rank);
        }
    }

    fn harvest(self) -> Vec<Rank> {
        self.heap.into_iter().map(|Reverse(rank)| rank).collect()
    }
}

/// Where the sort keys of a segment's documents come from.
enum SortKeys {
    Score,
    Column(Column<u64>, Order),
    /// No document of the segment has the value.
    Missing,
}

impl SortKeys {
    fn open(sort: &Sort, reader: &SegmentReader) -> tantivy::Result<Self> {
        let (field, name, order, target) = match sort {
            Sort::Score => return Ok(Self::Score),
            Sort::Time(name, order) => (TIMES, name, *order, NumericalType::I64),
            Sort::Number(name, order) => (NUMBERS, name, *order, NumericalType::F64),
        };
        Ok(match column_of(reader, field, name, target)? {
            Some(DynamicColumn::I64(column)) => Self::Column(column.to_u64_monotonic(), order),
            Some(DynamicColumn::F64(column)) => Self::Column(column.to_u64_monotonic(), order),
            _ => Self::Missing,
        })
    }

    fn key(&self, doc: DocId, score: Score) -> Option<u64> {
        match self {
            Self::Score => Some(key_of_score(score)),
            Self::Column(column, Order::Descending) => column.first(doc),
            Self::Column(column, Order::Ascending) => column.first(doc).map(|key| !key),
            Self::Missing => None,
        }
    }
}

/// The values of one name in a JSON fast field, as numbers of the type asked for.
fn column_of(
    reader: &SegmentReader,
    field: &str,
    name: &str,
    target: NumericalType,
) -> tantivy::Result<Option<DynamicColumn>> {
    let path = format!("{field}.{}", value_path(name));
    for handle in reader.fast_fields().dynamic_column_handles(&path)? {
        // A segment keeps a column in the smallest type that holds its values.
        let column = handle.open()?.coerce_numerical(target);
        if matches!(column, Some(DynamicColumn::I64(_) | DynamicColumn::F64(_))) {
            return Ok(column);
        }
    }
    Ok(None)
}

/// Counts documents by kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct KindCounts;

impl Collector for KindCounts {
    type Fruit = BTreeMap<u8, u64>;
    type Child = KindCountsOfSegment;

    fn for_segment(
        &self,
        _segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<KindCountsOfSegment> {
        let kinds = reader.fast_fields().u64(KIND)?;
        Ok(KindCountsOfSegment { kinds, counts: vec![0; 256] })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Vec<u64>>) -> tantivy::Result<BTreeMap<u8, u64>> {
        let mut merged = BTreeMap::new();
        for counts in segments {
            for (kind, count) in (0..=u8::MAX).zip(counts).filter(|&(_, count)| count > 0) {
                *merged.entry(kind).or_default() += count;
            }
        }
        Ok(merged)
    }
}

pub(super) struct KindCountsOfSegment {
    kinds: Column<u64>,
    counts: Vec<u64>,
}

impl SegmentCollector for KindCountsOfSegment {
    type Fruit = Vec<u64>;

    fn collect(&mut self, doc: DocId, _score: Score) {
        let kind = self.kinds.first(doc).and_then(|kind| usize::try_from(kind).ok());
        if let Some(count) = kind.and_then(|kind| self.counts.get_mut(kind)) {
            *count += 1;
        }
    }

    fn harvest(self) -> Vec<u64> {
        self.counts
    }
}

/// Counts documents by the words of one keyword field.
#[derive(Clone, Debug)]
pub(super) struct KeywordCounts {
    /// The field and the equals sign, as its terms begin.
    pub(super) prefix: String,
}

impl Collector for KeywordCounts {
    type Fruit = BTreeMap<String, u64>;
    type Child = KeywordCountsOfSegment;

    fn for_segment(
        &self,
        _segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<KeywordCountsOfSegment> {
        let mut words = BTreeMap::new();
        let Some(column) = reader.fast_fields().str(KEYWORDS)? else {
            return Ok(KeywordCountsOfSegment { column: None, words });
        };
        let mut terms = column.dictionary().prefix_range(&self.prefix).into_stream()?;
        while terms.advance() {
            let word = String::from_utf8_lossy(&terms.key()[self.prefix.len()..]).into_owned();
            words.insert(terms.term_ord(), (word, 0));
        }
        drop(terms);
        Ok(KeywordCountsOfSegment { column: Some(column.ords().clone()), words })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(
        &self,
        segments: Vec<Vec<(String, u64)>>,
    ) -> tantivy::Result<BTreeMap<String, u64>> {
        let mut merged = BTreeMap::new();
        for (word, count) in segments.into_iter().flatten() {
            *merged.entry(word).or_default() += count;
        }
        Ok(merged)
    }
}

pub(super) struct KeywordCountsOfSegment {
    column: Option<Column<u64>>,
    words: BTreeMap<u64, (String, u64)>,
}

impl SegmentCollector for KeywordCountsOfSegment {
    type Fruit = Vec<(String, u64)>;

    fn collect(&mut self, doc: DocId, _score: Score) {
        let Some(column) = &self.column else { return };
        for term in column.values_for_doc(doc) {
            if let Some((_, count)) = self.words.get_mut(&term) {
                *count += 1;
            }
        }
    }

    fn harvest(self) -> Vec<(String, u64)> {
        self.words.into_values().filter(|&(_, count)| count > 0).collect()
    }
}

/// Counts documents by the months, in UTC, that a time of theirs lies in.
#[derive(Clone, Debug)]
pub(super) struct MonthCounts {
    pub(super) field: String,
}

impl Collector for MonthCounts {
    type Fruit = BTreeMap<i32, u64>;
    type Child = MonthCountsOfSegment;

    fn for_segment(
        &self,
        _segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<MonthCountsOfSegment> {
        let column = match column_of(reader, TIMES, &self.field, NumericalType::I64)? {
            Some(DynamicColumn::I64(column)) => Some(column),
            _ => None,
        };
        Ok(MonthCountsOfSegment { column, counts: BTreeMap::new() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(
        &self,
        segments: Vec<BTreeMap<i32, u64>>,
    ) -> tantivy::Result<BTreeMap<i32, u64>> {
        let mut merged = BTreeMap::new();
        for (month, count) in segments.into_iter().flatten() {
            *merged.entry(month).or_default() += count;
        }
        Ok(merged)
    }
}

pub(super) struct MonthCountsOfSegment {
    column: Option<Column<i64>>,
    counts: BTreeMap<i32, u64>,
}

impl SegmentCollector for MonthCountsOfSegment {
    type Fruit = BTreeMap<i32, u64>;

    fn collect(&mut self, doc: DocId, _score: Score) {
        let Some(column) = &self.column else { return };
        let mut months: Vec<i32> = column.values_for_doc(doc).filter_map(month_of).collect();
        months.dedup();
        for month in months {
            *self.counts.entry(month).or_default() += 1;
        }
    }

    fn harvest(self) -> BTreeMap<i32, u64> {
        self.counts
    }
}

/// Months since the year nought; none for times that no calendar has.
fn month_of(micros: i64) -> Option<i32> {
    let time = jiff::Timestamp::from_microsecond(micros).ok()?;
    let date = jiff::tz::Offset::UTC.to_datetime(time).date();
    Some(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
}

/// A month as `2026-03`.
pub(super) fn month_text(month: i32) -> String {
    format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    #[test]
    fn months_are_those_of_the_calendar() {
        for (time, month) in [
            ("2026-03-01T00:00:00Z", "2026-03"),
            ("2026-02-28T23:59:59.999999Z", "2026-02"),
            ("1969-12-31T23:59:59Z", "1969-12"),
            ("0000-01-01T00:00:00Z", "0000-01"),
        ] {
            let micros = time.parse::<Timestamp>().unwrap().as_micros();
            assert_eq!(month_of(micros).map(month_text).as_deref(), Some(month));
        }
        assert_eq!(month_of(i64::MAX), None);
    }
}
