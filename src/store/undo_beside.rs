//! What undoing brings back beside records: edges that were removed, and the vectors that went with
//! a record when it was deleted.

use std::collections::BTreeSet;

use super::tx::WriteTx;
use super::undo::{LaterWrites, Touched, Undone};
use super::vectors::values_of;
use crate::base::error::Result;
use crate::base::id::{NodeId, Seq};
use crate::storage::audit::Act;
use crate::storage::changes::Operation;
use crate::storage::edges::{self, EdgeRecord};
use crate::storage::{KeyRange, Rows as _, TableId, edge_past, vectors};

impl WriteTx<'_> {
    /// Makes edges again that were removed, under their old numbers.
    pub(super) fn relink(
        &mut self,
        touched: &Touched,
        later: LaterWrites,
        undone: &mut Undone,
    ) -> Result<()> {
        for (id, (removed, changed_by)) in &touched.unlinked {
            if edges::get_edge(self.rows(), *id)?.is_some() {
                continue;
            }
            if let Some(seq) = changed_by.filter(|_| later == LaterWrites::Keep) {
                undone.refuse(id, &format!("write {seq} changed it too"));
                continue;
            }
            let Some(edge) = edge_past::get(self.rows(), *id, *removed)? else {
                undone.refuse(id, "what it was is not kept");
                continue;
            };
            if let Some(end) = self.absent_end(&edge)? {
                undone.refuse(id, &format!("its end {end} is not there"));
                continue;
            }
            self.restore_edge(&edge)?;
            undone.relinked.push(*id);
        }
        Ok(())
    }

    fn absent_end(&self, edge: &EdgeRecord) -> Result<Option<NodeId>> {
        for end in [edge.source, edge.target] {
            if !self.contains(end)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    fn restore_edge(&mut self, edge: &EdgeRecord) -> Result<()> {
        self.writer.flush_links()?;
        edges::add_edge(&mut self.writer.rows, edge)?;
        self.writer.changes.push(Operation::Link, edge.id.as_u64());
        self.audit_edge(Act::Link, edge)
    }

    /// Writes the vectors again that went with records when they were deleted.
    pub(super) fn restore_vectors(
        &mut self,
        ids: &BTreeSet<NodeId>,
        touched: &Touched,
        undone: &mut Undone,
    ) -> Result<()> {
        // Where one of the writes wrote vectors, those that went are none of before it.
        for id in ids.difference(&touched.embedded) {
            let Some(deleted) = self.newest_history(*id)? else { continue };
            for (model, bytes) in vectors::past(self.rows(), *id, deleted)? {
                let values = values_of(&bytes)
                    .ok_or_else(|| vectors::broken(*id, "bytes that are no floats"))?;
                match vectors::dimension(self.rows(), model)? {
                    None => {
                        vectors::put_dimension(&mut self.writer.rows, model, values.len())?;
                    }
                    Some(dimension) if dimension == values.len() => {}
                    Some(_) => {
                        undone.refuse(id, "a vector of it has another dimension than its model");
                        continue;
                    }
                }
                vectors::put(&mut self.writer.rows, model, *id, &values)?;
                self.writer.changes.push(Operation::Embed, id.as_u64());
            }
        }
        Ok(())
    }

    /// The write that left the newest earlier value of a record: of one that was not there before
    /// this write, the one that deleted it.
    fn newest_history(&self, id: NodeId) -> Result<Option<Seq>> {
        let range = KeyRange::prefix(&id.as_u64().to_be_bytes()).descending();
        let newest = self.rows().first(TableId::HISTORY, range)?;
        let seq = newest.as_ref().and_then(|(key, _)| key.last_chunk::<8>());
        Ok(seq.map(|seq| Seq(u64::from_be_bytes(*seq))))
    }
}
