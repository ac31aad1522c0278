//! A write's view: its own rows over the group that waits, the group in flight and the base.

use std::sync::Arc;

use super::edge_log::EdgeChange;
use super::layer::{Layer, Said, merged};
use super::rows::{Bytes, KeyRange, RowIter, Rows, RowsMut};
use super::snapshot::Snapshot;
use super::tables::TableId;
use crate::base::error::Result;

/// What was written before a closure started, newest first. Fixed when the closure starts.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) waiting: Arc<Layer>,
    pub(crate) in_flight: Option<Arc<Layer>>,
    pub(crate) base: Arc<Snapshot>,
}

/// Own rows over a view.
#[derive(Debug)]
pub(crate) struct Overlay {
    own: Layer,
    view: View,
}

impl Overlay {
    pub(crate) fn new(view: View) -> Self {
        // A table that is written and then read takes two thirds of the time so, and any other
        // becomes what it would have been at once.
        Self { own: Layer::for_load(), view }
    }

    /// The rows written here. Drops the view, so that the waiting layer can be extended in place.
    pub(crate) fn into_layer(self) -> Layer {
        self.own
    }

    /// Says that rows were written in part, so that nobody trusts the log of entries.
    pub(crate) fn give_up_log(&mut self) {
        self.own.edges.give_up();
    }

    /// The rows written so far.
    pub(crate) fn own(&self) -> &Layer {
        &self.own
    }

    fn beneath(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(&*self.view.waiting)
            .chain(self.view.in_flight.as_deref())
            .filter(|layer| !layer.is_empty())
    }
}

impl Rows for Overlay {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>> {
        for layer in std::iter::once(&self.own).chain(self.beneath()) {
            match layer.get(table, key) {
                Said::Nothing => {}
                Said::Deleted => return Ok(None),
                Said::Value(value) => return Ok(Some(value)),
            }
        }
        self.view.base.get(table, key)
    }

    fn range(&self, table: TableId, range: KeyRange) -> Result<RowIter<'_>> {
        let base = self.view.base.range(table, range.clone())?;
        let layers: Vec<&Layer> = std::iter::once(&self.own).chain(self.beneath()).collect();
        Ok(merged(&layers, base, table, &range))
    }
}

impl RowsMut for Overlay {
    fn put(&mut self, table: TableId, key: &[u8], value: &[u8]) -> Result<()> {
        self.own.set(table, key, Some(value));
        Ok(())
    }

    fn delete(&mut self, table: TableId, key: &[u8]) -> Result<()> {
        self.own.set(table, key, None);
        Ok(())
    }

    fn note(&mut self, change: EdgeChange) {
        self.own.edges.push(change);
    }
}
