//! Pending writes: absolute rows (put or delete) by table and key, and the merge of layers.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::edge_log::EdgeLog;
use super::rows::{Bytes, KeyRange, Row, RowIter};
use super::run::{Run, RunRow};
use super::tables::TableId;
use crate::base::error::Result;

/// What a layer says of a row.
#[derive(Debug)]
pub(crate) enum Said {
    /// It was not written here.
    Nothing,
    /// It was deleted here.
    Deleted,
    /// It was written here.
    Value(Bytes),
}

/// What a row costs beside its bytes: its places in a map, and its allocations.
const TREE_ROW_BYTES: usize = 64;
/// What a row of a run costs beside its bytes, its place in the order of the keys included.
const RUN_ROW_BYTES: usize = 24;

/// The rows of one table in a layer. A row without a value was deleted.
#[derive(Clone, Debug)]
pub(crate) enum LayerRows {
    /// Read and written by turns.
    Tree(BTreeMap<Box<[u8]>, Option<Arc<[u8]>>>),
    /// Written, and then read.
    Run(Run),
}

impl LayerRows {
    /// How many rows were written. In a run those that were overwritten count too.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Tree(rows) => rows.len(),
            Self::Run(run) => run.len(),
        }
    }

    /// Every row in the order of the keys.
    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = RunRow<'_>> + '_> {
        match self {
            Self::Tree(rows) => {
                Box::new(rows.iter().map(|(key, value)| (&key[..], value.as_deref())))
            }
            Self::Run(run) => Box::new(run.range(&KeyRange::all())),
        }
    }

    fn get(&self, key: &[u8]) -> Said {
        match self {
            Self::Tree(rows) => match rows.get(key) {
                None => Said::Nothing,
                Some(None) => Said::Deleted,
                Some(Some(value)) => Said::Value(Bytes::Layer(Arc::clone(value))),
            },
            Self::Run(run) => match run.get(key) {
                None => Said::Nothing,
                Some((_, None)) => Said::Deleted,
                Some((_, Some(value))) => Said::Value(Bytes::Copy(value.to_vec())),
            },
        }
    }

    /// Writes or deletes a row. Gives the bytes by which the rows have grown at most.
    fn set(&mut self, key: &[u8], value: Option<&[u8]>, empty: &mut Option<Arc<[u8]>>) -> usize {
        let bytes = key.len() + value.map_or(0, <[u8]>::len);
        match self {
            Self::Run(run) if run.takes(key, value) => {
                run.push(key, value);
                bytes + RUN_ROW_BYTES
            }
            Self::Run(run) => {
                let dearer = run.len() * (TREE_ROW_BYTES - RUN_ROW_BYTES);
                *self = Self::Tree(run.to_tree());
                dearer + self.set(key, value, empty)
            }
            Self::Tree(rows) => {
                let value = value.map(|bytes| match bytes {
                    // Index rows are all key: they share one empty value.
                    [] => Arc::clone(empty.get_or_insert_with(|| Arc::from([]))),
                    bytes => Arc::from(bytes),
                });
                rows.insert(key.into(), value);
                bytes + TREE_ROW_BYTES
            }
        }
    }

    fn range<'a>(&'a self, range: &KeyRange) -> LayerIter<'a> {
        match self {
            Self::Tree(rows) => {
                let bounds = (borrowed(&range.from), borrowed(&range.to));
                let rows = rows.range::<[u8], _>(bounds).map(|(key, value)| {
                    Ok((key.clone(), value.as_ref().map(|value| Bytes::Layer(Arc::clone(value)))))
                });
                if range.descending { Box::new(rows.rev()) } else { Box::new(rows) }
            }
            Self::Run(run) => {
                let rows = run.range(range).map(|(key, value)| {
                    Ok((key.into(), value.map(|value| Bytes::Copy(value.to_vec()))))
                });
                if range.descending { Box::new(rows.rev()) } else { Box::new(rows) }
            }
        }
    }
}

/// A set of absolute rows that lies over older ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layer {
    tables: Vec<(TableId, LayerRows)>,
    bytes: usize,
    empty: Option<Arc<[u8]>>,
    for_load: bool,
    /// What the rows changed in the graph.
    pub(crate) edges: EdgeLog,
}

impl Layer {
    /// A layer whose rows are for the most part written and then applied.
    pub(crate) fn for_load() -> Self {
        Self { for_load: true, ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Bytes of all keys and values written, overwritten ones included.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows of one table.
    pub(crate) fn rows(&self, table: TableId) -> Option<&LayerRows> {
        self.tables.iter().find(|(id, _)| *id == table).map(|(_, rows)| rows)
    }

    /// Every table that the layer touches.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (TableId, &LayerRows)> {
        self.tables.iter().map(|(id, rows)| (*id, rows))
    }

    /// What the layer says of a row: nothing, deleted, or its value.
    pub(crate) fn get(&self, table: TableId, key: &[u8]) -> Said {
        self.rows(table).map_or(Said::Nothing, |rows| rows.get(key))
    }

    /// Sets or deletes a row.
    pub(crate) fn set(&mut self, table: TableId, key: &[u8], value: Option<&[u8]>) {
        let position = self.position(table);
        self.bytes += self.tables[position].1.set(key, value, &mut self.empty);
    }

    /// Bytes that another row of the table would have to move first.
    pub(crate) fn bytes_to_move(&self, table: TableId) -> usize {
        match self.rows(table) {
            Some(LayerRows::Run(run)) => run.bytes_to_move(),
            Some(LayerRows::Tree(_)) | None => 0,
        }
    }

    /// Lays `newer` over this one.
    pub(crate) fn extend(&mut self, newer: Self) {
        self.bytes += newer.bytes;
        self.edges.extend(&newer.edges);
        for (table, rows) in newer.tables {
            let position = self.position(table);
            match (&mut self.tables[position].1, rows) {
                // A group of one write, which may be a large one: there is nothing to merge.
                (ours, rows) if ours.len() == 0 => *ours = rows,
                (LayerRows::Tree(ours), LayerRows::Tree(rows)) => ours.extend(rows),
                (ours, rows) => {
                    for (key, value) in rows.iter() {
                        ours.set(key, value, &mut self.empty);
                    }
                }
            }
        }
    }

    /// The place of a table, made where it has none yet.
    fn position(&mut self, table: TableId) -> usize {
        self.tables.iter().position(|(id, _)| *id == table).unwrap_or_else(|| {
            let rows = if self.for_load {
                LayerRows::Run(Run::default())
            } else {
                LayerRows::Tree(BTreeMap::new())
            };
            self.tables.push((table, rows));
            self.tables.len() - 1
        })
    }
}

type LayerIter<'a> = Box<dyn Iterator<Item = HeadRow> + 'a>;
/// A row of a source of a merge; `None` is a deleted row.
type HeadRow = Result<(Box<[u8]>, Option<Bytes>)>;

fn borrowed(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

/// What one source of a merge has next.
struct Head<'a> {
    next: Option<HeadRow>,
    rest: LayerIter<'a>,
}

/// The rows of a range as seen through `layers`, newest first, over `base`.
pub(crate) fn merged<'a>(
    layers: &[&'a Layer],
    base: RowIter<'a>,
    table: TableId,
    range: &KeyRange,
) -> RowIter<'a> {
    if range.is_empty() {
        return Box::new(std::iter::empty());
    }
    let mut heads: Vec<Head<'a>> = layers
        .iter()
        .filter_map(|layer| layer.rows(table))
        .map(|rows| Head { next: None, rest: rows.range(range) })
        .collect();
    if heads.is_empty() {
        return base;
    }
    heads.push(Head {
        next: None,
        rest: Box::new(base.map(|row| row.map(|(key, bytes)| (key, Some(bytes))))),
    });
    for head in &mut heads {
        head.next = head.rest.next();
    }
    Box::new(Merge { heads, descending: range.descending })
}

struct Merge<'a> {
    heads: Vec<Head<'a>>,
    descending: bool,
}

impl Merge<'_> {
    /// The head whose key comes first; of equal keys the newest layer's. An error comes first.
    fn leading(&self) -> Option<usize> {
        let mut best: Option<(usize, &[u8])> = None;
        for (position, head) in self.heads.iter().enumerate() {
            let key = match &head.next {
                None => continue,
                Some(Err(_)) => return Some(position),
                Some(Ok((key, _))) => &key[..],
            };
            let wins = best.is_none_or(
                |(_, leader)| {
                    if self.descending { key > leader } else { key < leader }
                },
            );
            if wins {
                best = Some((position, key));
            }
        }
        best.map(|(position, _)| position)
    }
}

impl Iterator for Merge<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            let leader = self.leading()?;
            let taken = {
                let head = &mut self.heads[leader];
                std::mem::replace(&mut head.next, head.rest.next())?
            };
            let (key, value) = match taken {
                Ok(row) => row,
                Err(error) => {
                    self.heads.clear();
                    return Some(Err(error));
                }
            };
            for head in &mut self.heads[leader + 1..] {
                if matches!(&head.next, Some(Ok((other, _))) if *other == key) {
                    head.next = head.rest.next();
                }
            }
            if let Some(bytes) = value {
                return Some(Ok((key, bytes)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows_of(map: &BTreeMap<u8, u8>) -> RowIter<'static> {
        let rows: Vec<_> = map
            .iter()
            .map(|(key, value)| Ok((vec![*key].into_boxed_slice(), Bytes::Copy(vec![*value]))))
            .collect();
        Box::new(rows.into_iter())
    }

    proptest! {
        #[test]
        fn a_merge_reads_like_one_map(
            base in prop::collection::btree_map(0_u8..20, any::<u8>(), 0..12),
            writes in prop::collection::vec(
                prop::collection::vec((0_u8..20, prop::option::of(any::<u8>())), 0..8), 1..4),
            for_load in any::<bool>(),
            read_between in any::<bool>(),
        ) {
            let mut model = base.clone();
            let mut layers = Vec::new();
            for batch in &writes {
                let mut layer = if for_load { Layer::for_load() } else { Layer::default() };
                for (key, value) in batch {
                    layer.set(TableId::META, &[*key], value.as_ref().map(std::slice::from_ref));
                    let said = read_between.then(|| layer.get(TableId::META, &[*key]));
                    let agrees = match (said, value) {
                        (None, _) | (Some(Said::Deleted), None) => true,
                        (Some(Said::Value(said)), Some(value)) => said[..] == [*value],
                        _ => false,
                    };
                    prop_assert!(agrees);
                    match value {
                        Some(value) => { model.insert(*key, *value); }
                        None => { model.remove(key); }
                    }
                }
                layers.insert(0, layer);
            }
            let seen = |newest_first: &[&Layer]| -> Vec<(u8, u8)> {
                merged(newest_first, rows_of(&base), TableId::META, &KeyRange::all())
                    .map(|row| row.map(|(key, value)| (key[0], value[0])).unwrap())
                    .collect()
            };
            let model: Vec<_> = model.into_iter().collect();
            prop_assert_eq!(seen(&layers.iter().collect::<Vec<_>>()), &model[..]);
            let mut one = Layer::default();
            for layer in layers.into_iter().rev() {
                one.extend(layer);
            }
            prop_assert_eq!(seen(&[&one]), model);
        }
    }
}
