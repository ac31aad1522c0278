//! The vectors of one model and dimension, packed in memory in blocks of rows.
//!
//! Derived from the store's rows, which stay the truth. A row has its values, padded to whole
//! registers, and the same as one byte each, which is a quarter to read and says between which
//! scores the row lies. Rows are in no order: one that goes is replaced by the last.

use std::collections::{BTreeMap, HashMap};

use super::kernel;
use super::metric::{Measure, VectorQuery};
use super::top::{Candidate, Top};
use crate::base::id::NodeId;

/// Rows of a block: appending never moves what is there already.
const BLOCK_ROWS: usize = 1_024;

/// Rows from which the codes are looked at first: below, reading all values takes microseconds.
const CODES_ROWS_MIN: usize = 2_048;

/// Rows for each one wanted from which they are: where most are wanted, most values are read
/// anyway.
const CODES_ROWS_PER_HIT: usize = 8;

/// Bytes that a row takes beside its values and codes, its place in the map included.
const ROW_BYTES: usize = size_of::<Row>() + 2 * size_of::<(NodeId, u32)>();

/// How rows are looked at. The answers are the same, but for the one way that says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scan {
    /// As pays: the values of few vectors, the codes of many.
    #[default]
    Auto,
    /// The values of every vector.
    Exact,
    /// The codes of every vector, one byte a value, then the values of those that can be among the
    /// best. Each code has a bound of its error, so that none of the best is missed.
    Quantised,
    /// The candidates that an approximate index names, where
    /// [`Store::index_vectors`](crate::Store::index_vectors) built one: some of the best can be
    /// missed, and what is found has its exact score. Only of use for the cosine; with filters, or
    /// where there is no such index, as `Auto`.
    Approximate,
}

/// Which rows are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which<'a> {
    All,
    /// The rows at these places, ascending.
    These(&'a [u32]),
}

#[derive(Clone, Copy, Debug)]
struct Row {
    carrier: NodeId,
    subject: NodeId,
    measure: Measure,
    /// Whether the subject is there.
    is_visible: bool,
}

#[derive(Debug)]
struct Block {
    values: Vec<f32>,
    codes: Vec<i8>,
    rows: Vec<Row>,
}

/// A vector to be held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewVector<'a> {
    /// The record that it lies beside or in: its identity here.
    pub(crate) carrier: NodeId,
    /// The record that it is of.
    pub(crate) subject: NodeId,
    /// Whether that record is there.
    pub(crate) is_visible: bool,
    /// Its values, as many as the matrix has columns, finite.
    pub(crate) values: &'a [f32],
}

/// The vectors of one model and dimension.
#[derive(Debug)]
pub(crate) struct Matrix {
    dimension: usize,
    stride: usize,
    blocks: Vec<Block>,
    /// Where the row of a carrier is.
    places: HashMap<NodeId, u32>,
    /// Carriers of vectors of other records, by those records.
    carriers: BTreeMap<NodeId, Vec<NodeId>>,
    /// Rows of subjects beyond the first of each.
    shared: usize,
}

impl Matrix {
    /// One without rows.
    pub(crate) fn new(dimension: usize) -> Self {
        Self {
            dimension,
            stride: kernel::stride(dimension),
            blocks: Vec::new(),
            places: HashMap::new(),
            carriers: BTreeMap::new(),
            shared: 0,
        }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes that it takes, nearly.
    pub(crate) fn size_bytes(&self) -> usize {
        let block = BLOCK_ROWS * self.stride * (size_of::<f32>() + size_of::<i8>());
        self.blocks.len() * block + self.len() * ROW_BYTES
    }

    /// Whether a record carries a row.
    pub(crate) fn contains(&self, carrier: NodeId) -> bool {
        self.places.contains_key(&carrier)
    }

    /// Where the row of a carrier is.
    pub(crate) fn place_of(&self, carrier: NodeId) -> Option<u32> {
        self.places.get(&carrier).copied()
    }

    /// The values of the row of a carrier.
    pub(crate) fn values_of(&self, carrier: NodeId) -> Option<&[f32]> {
        let (block, at) = split(self.place_of(carrier)?);
        Some(&self.blocks[block].values(at, self.stride)[..self.dimension])
    }

    /// Whether any row is of another record than its carrier.
    pub(crate) fn has_carriers(&self) -> bool {
        !self.carriers.is_empty()
    }

    /// The records that carry a row of `subject`, itself apart.
    pub(crate) fn carriers_of(&self, subject: NodeId) -> &[NodeId] {
        self.carriers.get(&subject).map_or(&[], Vec::as_slice)
    }

    /// Writes the row of a carrier, or replaces it.
    pub(crate) fn set(&mut self, new: NewVector<'_>) {
        self.remove(new.carrier);
        if self.blocks.last().is_none_or(|last| last.rows.len() >= BLOCK_ROWS) {
            self.blocks.push(Block {
                values: Vec::with_capacity(BLOCK_ROWS * self.stride),
                codes: Vec::with_capacity(BLOCK_ROWS * self.stride),
                rows: Vec::with_capacity(BLOCK_ROWS),
            });
        }
        let place = self.len() as u32;
        let Some(block) = self.blocks.last_mut() else { return };
        let start = block.values.len();
        block.values.extend_from_slice(new.values);
        block.values.resize(start + self.stride, 0.0);
        let measure = Measure::of(&block.values[start..], &mut block.codes);
        let NewVector { carrier, subject, is_visible, .. } = new;
        block.rows.push(Row { carrier, subject, measure, is_visible });
        self.places.insert(carrier, place);
        if subject == carrier {
            self.shared += usize::from(!self.carriers_of(subject).is_empty());
        } else {
            let has_own = self.has_own(subject);
            let carriers = self.carriers.entry(subject).or_default();
            self.shared += usize::from(has_own || !carriers.is_empty());
            carriers.push(carrier);
        }
    }

    /// Takes the row of a carrier away. Tells whether it was there.
    pub(crate) fn remove(&mut self, carrier: NodeId) -> bool {
        let Some(place) = self.places.remove(&carrier) else { return false };
        let row = *self.row(place);
        let (block, at) = split(place);
        let last = self.places.len() as u32;
        let (from, last_at) = split(last);
        let stride = self.stride;
        if place == last {
            self.blocks[from].cut(last_at, stride);
        } else {
            let moved = self.blocks[from].take(last_at, stride);
            self.places.insert(moved.0.carrier, place);
            self.blocks[block].put(at, stride, &moved);
        }
        if self.blocks[from].rows.is_empty() {
            self.blocks.pop();
        }
        self.forget(&row);
        true
    }

    /// Whether a record carries a row of its own.
    fn has_own(&self, id: NodeId) -> bool {
        self.places.get(&id).is_some_and(|place| self.row(*place).subject == id)
    }

    /// Takes back what [`Self::set`] noted of a row's subject.
    fn forget(&mut self, row: &Row) {
        if row.subject == row.carrier {
            self.shared -= usize::from(!self.carriers_of(row.subject).is_empty());
            return;
        }
        let has_own = self.has_own(row.subject);
        let Some(carriers) = self.carriers.get_mut(&row.subject) else { return };
        carriers.retain(|carrier| *carrier != row.carrier);
        self.shared -= usize::from(has_own || !carriers.is_empty());
        if carriers.is_empty() {
            self.carriers.remove(&row.subject);
        }
    }

    /// Says whether the subject of the row of a carrier is there.
    pub(crate) fn set_visible(&mut self, carrier: NodeId, is_visible: bool) {
        if let Some(place) = self.places.get(&carrier) {
            let (block, at) = split(*place);
            self.blocks[block].rows[at].is_visible = is_visible;
        }
    }

    /// Where the rows of these subjects are, ascending.
    pub(crate) fn places_of(&self, subjects: impl Iterator<Item = NodeId>) -> Vec<u32> {
        let mut places = Vec::new();
        for subject in subjects {
            if let Some(place) = self.places.get(&subject)
                && self.row(*place).subject == subject
            {
                places.push(*place);
            }
            places.extend(self.carriers_of(subject).iter().filter_map(|it| self.places.get(it)));
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    /// Where the rows are for whose carrier and subject `keep` says yes, ascending.
    pub(crate) fn places_where(&self, keep: impl Fn(NodeId, NodeId) -> bool) -> Vec<u32> {
        let rows = (0_u32..).zip(self.blocks.iter().flat_map(|block| &block.rows));
        let kept = rows.filter(|(_, row)| keep(row.carrier, row.subject));
        kept.map(|(place, _)| place).collect()
    }

    fn row(&self, place: u32) -> &Row {
        let (block, at) = split(place);
        &self.blocks[block].rows[at]
    }

    /// Adds the best of the rows to `top`.
    pub(crate) fn search(&self, query: &VectorQuery, which: Which<'_>, scan: Scan, top: &mut Top) {
        let rows = match which {
            Which::All => self.len(),
            Which::These(places) => places.len(),
        };
        let by_codes = match scan {
            Scan::Auto | Scan::Approximate => {
                rows >= CODES_ROWS_MIN && top.count() <= rows / CODES_ROWS_PER_HIT
            }
            Scan::Exact => false,
            Scan::Quantised => true,
        };
        // Rows of one subject count once among the best, but by their bounds they cannot.
        if by_codes && self.shared == 0 {
            self.search_codes(query, which, top);
            return;
        }
        self.each(which, |block, at, _| {
            let row = &block.rows[at];
            if let Some(score) = query.score(block.values(at, self.stride), &row.measure)
                && score >= top.threshold()
            {
                top.push(Candidate { score, subject: row.subject, carrier: row.carrier });
            }
        });
    }

    /// The scores' bounds first, then the values of the rows that can be among the best.
    fn search_codes(&self, query: &VectorQuery, which: Which<'_>, top: &mut Top) {
        let mut lows = Lows::new(top);
        let mut found: Vec<(f32, u32)> = Vec::new();
        self.each(which, |block, at, place| {
            let codes = &block.codes[at * self.stride..(at + 1) * self.stride];
            if let Some(between) = query.bounds(codes, &block.rows[at].measure)
                && between.high >= lows.threshold
            {
                found.push((between.high, place));
                lows.push(between.low);
            }
        });
        found.retain(|(high, _)| *high >= lows.threshold);
        found.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (high, place) in found {
            if high < top.threshold() {
                break;
            }
            let (block, at) = split(place);
            let block = &self.blocks[block];
            let row = &block.rows[at];
            if let Some(score) = query.score(block.values(at, self.stride), &row.measure) {
                top.push(Candidate { score, subject: row.subject, carrier: row.carrier });
            }
        }
    }

    /// Hands the visible rows to `take`: block, place in the block, place.
    fn each(&self, which: Which<'_>, mut take: impl FnMut(&Block, usize, u32)) {
        match which {
            Which::All => {
                let mut place = 0;
                for block in &self.blocks {
                    for (at, row) in block.rows.iter().enumerate() {
                        if row.is_visible {
                            take(block, at, place);
                        }
                        place += 1;
                    }
                }
            }
            Which::These(places) => {
                for place in places {
                    let (block, at) = split(*place);
                    let block = &self.blocks[block];
                    if block.rows[at].is_visible {
                        take(block, at, *place);
                    }
                }
            }
        }
    }

    /// The number of values of a row.
    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }
}

/// The block of a place, and the place in it.
fn split(place: u32) -> (usize, usize) {
    (place as usize / BLOCK_ROWS, place as usize % BLOCK_ROWS)
}

impl Block {
    fn values(&self, at: usize, stride: usize) -> &[f32] {
        &self.values[at * stride..(at + 1) * stride]
    }

    /// Cuts the rows from a place on.
    fn cut(&mut self, at: usize, stride: usize) {
        self.values.truncate(at * stride);
        self.codes.truncate(at * stride);
        self.rows.truncate(at);
    }

    /// Takes the last row out.
    fn take(&mut self, at: usize, stride: usize) -> (Row, Vec<f32>, Vec<i8>) {
        let values = self.values.split_off(at * stride);
        let codes = self.codes.split_off(at * stride);
        let row = self.rows[at];
        self.rows.truncate(at);
        (row, values, codes)
    }

    /// Writes over a row.
    fn put(&mut self, at: usize, stride: usize, (row, values, codes): &(Row, Vec<f32>, Vec<i8>)) {
        self.values[at * stride..(at + 1) * stride].copy_from_slice(values);
        self.codes[at * stride..(at + 1) * stride].copy_from_slice(codes);
        self.rows[at] = *row;
    }
}

/// The greatest lower bounds: a row whose upper bound lies below all of them is not among the best.
struct Lows {
    count: usize,
    /// The least on top. Scores are never NaN, so that their total order is that of the numbers.
    heap: std::collections::BinaryHeap<std::cmp::Reverse<Total>>,
    threshold: f32,
}

/// A number in the total order of floats.
#[derive(Clone, Copy, PartialEq)]
struct Total(f32);

impl Eq for Total {}

impl PartialOrd for Total {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Total {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Lows {
    fn new(top: &Top) -> Self {
        let count = top.count();
        let heap = std::collections::BinaryHeap::with_capacity(count.min(1_024) + 1);
        Self { count, heap, threshold: top.threshold() }
    }

    fn push(&mut self, low: f32) {
        if self.count == 0 || low < self.threshold {
            return;
        }
        self.heap.push(std::cmp::Reverse(Total(low)));
        if self.heap.len() > self.count {
            self.heap.pop();
        }
        if let Some(std::cmp::Reverse(least)) = self.heap.peek()
            && self.heap.len() == self.count
        {
            self.threshold = self.threshold.max(least.0);
        }
    }
}
