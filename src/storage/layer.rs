//! Pending writes: absolute rows (put or delete) by table and key, and the merge of layers.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::edge_log::EdgeLog;
use super::rows::{Bytes, KeyRange, Row, RowIter};
use super::tables::TableId;
use crate::base::error::Result;

/// The rows of one table in a layer; `None` is a deleted row.
pub(crate) type LayerRows = BTreeMap<Box<[u8]>, Option<Arc<[u8]>>>;

/// What a layer says of a row.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// It was not written here.
    Nothing,
    /// It was deleted here.
    Deleted,
    /// It was written here.
    Value(Arc<[u8]>),
}

/// A set of absolute rows that lies over older ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layer {
    tables: Vec<(TableId, LayerRows)>,
    bytes: usize,
    empty: Option<Arc<[u8]>>,
    /// What the rows changed in the graph.
    pub(crate) edges: EdgeLog,
}

impl Layer {
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
        match self.rows(table).and_then(|rows| rows.get(key)) {
            None => Said::Nothing,
            Some(None) => Said::Deleted,
            Some(Some(value)) => Said::Value(Arc::clone(value)),
        }
    }

    /// Sets or deletes a row.
    pub(crate) fn set(&mut self, table: TableId, key: &[u8], value: Option<&[u8]>) {
        self.bytes += key.len() + value.map_or(0, <[u8]>::len) + 64;
        let value = value.map(|bytes| match bytes {
            // Index rows are all key: they share one empty value.
            [] => Arc::clone(self.empty.get_or_insert_with(|| Arc::from([]))),
            bytes => Arc::from(bytes),
        });
        self.rows_mut(table).insert(key.into(), value);
    }

    /// Lays `newer` over this one.
    pub(crate) fn extend(&mut self, newer: Self) {
        self.bytes += newer.bytes;
        self.edges.extend(&newer.edges);
        for (table, rows) in newer.tables {
            self.rows_mut(table).extend(rows);
        }
    }

    fn rows_mut(&mut self, table: TableId) -> &mut LayerRows {
        let position = self.tables.iter().position(|(id, _)| *id == table).unwrap_or_else(|| {
            self.tables.push((table, LayerRows::new()));
            self.tables.len() - 1
        });
        &mut self.tables[position].1
    }

    fn range(&self, table: TableId, range: &KeyRange) -> Option<LayerIter<'_>> {
        let rows = self.rows(table)?;
        let bounds = (borrowed(&range.from), borrowed(&range.to));
        let entries = rows.range::<[u8], _>(bounds);
        Some(if range.descending { Box::new(entries.rev()) } else { Box::new(entries) })
    }
}

/// A row of a layer.
type LayerRow<'a> = (&'a Box<[u8]>, &'a Option<Arc<[u8]>>);
type LayerIter<'a> = Box<dyn Iterator<Item = LayerRow<'a>> + 'a>;
/// A row of a source of a merge; `None` is a deleted row.
type HeadRow = Result<(Box<[u8]>, Option<Bytes>)>;

fn borrowed(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

/// What one source of a merge has next.
struct Head<'a> {
    next: Option<HeadRow>,
    rest: Box<dyn Iterator<Item = HeadRow> + 'a>,
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
        .filter_map(|layer| layer.range(table, range))
        .map(|rows| {
            let rest = rows.map(|(key, value)| {
                Ok((key.clone(), value.as_ref().map(|bytes| Bytes::Layer(Arc::clone(bytes)))))
            });
            Head { next: None, rest: Box::new(rest) }
        })
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
        ) {
            let mut model = base.clone();
            let mut layers = Vec::new();
            for batch in &writes {
                let mut layer = Layer::default();
                for (key, value) in batch {
                    layer.set(TableId::META, &[*key], value.as_ref().map(std::slice::from_ref));
                    match value {
                        Some(value) => { model.insert(*key, *value); }
                        None => { model.remove(key); }
                    }
                }
                layers.insert(0, layer);
            }
            let newest_first: Vec<&Layer> = layers.iter().collect();
            let seen: Vec<(u8, u8)> =
                merged(&newest_first, rows_of(&base), TableId::META, &KeyRange::all())
                    .map(|row| row.map(|(key, value)| (key[0], value[0])).unwrap())
                    .collect();
            prop_assert_eq!(seen, model.into_iter().collect::<Vec<_>>());
        }
    }
}
