//! Reading adjacency lists: one entry, one list, all of them.

use std::ops::ControlFlow;

use super::super::block::{self, Groups};
use super::super::rows::{KeyRange, Rows};
#[cfg(test)]
use super::HEAD_BYTES;
use super::{Broken, Direction, Entry, Group, List, TABLE};
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, NodeId};

impl List {
    fn groups(self, block: &[u8]) -> Result<Groups<'_>> {
        Groups::of(block).map_err(|detail| self.broken(detail))
    }
}

/// The entry of this key, with its weight.
pub(crate) fn get<R: Rows + ?Sized>(
    rows: &R,
    node: NodeId,
    direction: Direction,
    (edge_type, neighbor, edge): (u32, NodeId, EdgeId),
) -> Result<Option<Entry>> {
    let list = List { node, direction };
    let order = block::order_bytes(edge_type, neighbor, edge);
    let Some(block) = list.locate(rows, &order)? else { return Ok(None) };
    let mut groups = list.groups(&block.value)?;
    let group = groups.find(|group| group.edge_type == edge_type);
    Ok(group.and_then(|group| group.find(neighbor, edge)))
}

/// Hands the entries of a list, or those of one type, to `visit`, in order, until it says stop.
pub(crate) fn for_each<R: Rows + ?Sized>(
    rows: &R,
    node: NodeId,
    direction: Direction,
    edge_type: Option<u32>,
    visit: &mut dyn FnMut(Entry) -> ControlFlow<()>,
) -> Result<()> {
    let list = List { node, direction };
    each_block(rows, list, edge_type, &mut |value| visit_block(list, value, edge_type, visit))
}

/// How many entries a list has, or how many of one type. Reads the blocks but no entry.
pub(crate) fn degree<R: Rows + ?Sized>(
    rows: &R,
    node: NodeId,
    direction: Direction,
    edge_type: Option<u32>,
) -> Result<usize> {
    let list = List { node, direction };
    let mut count = 0;
    each_block(rows, list, edge_type, &mut |value| {
        for group in list.groups(value)? {
            if edge_type.is_some_and(|wanted| group.edge_type > wanted) {
                return Ok(ControlFlow::Break(()));
            }
            if edge_type.is_none_or(|wanted| group.edge_type == wanted) {
                count += group.len();
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(count)
}

/// Takes a piece of a list.
#[cfg(test)]
pub(crate) type ListVisitor<'a> = dyn FnMut(NodeId, Direction, &[Entry]) -> Result<()> + 'a;

/// Hands every list to `visit` in the order of nodes, outward before inward. A list of several
/// blocks comes in several pieces, one after the other.
#[cfg(test)]
pub(crate) fn iter_all<R: Rows + ?Sized>(rows: &R, visit: &mut ListVisitor<'_>) -> Result<()> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut newest: Option<(List, Entry)> = None;
    for row in rows.range(TABLE, KeyRange::all())? {
        let (key, value) = row?;
        let list = List::of_key(&key).ok_or_else(|| bad_key(&key))?;
        let before = newest.filter(|(other, _)| *other == list).map(|(_, entry)| entry);
        entries.clear();
        entries.extend(before);
        block::decode_into(&value, &mut entries).map_err(|detail| list.broken(detail))?;
        let start = usize::from(before.is_some());
        if entries[start..].first().is_some_and(|entry| entry.order_bytes()[..] < key[HEAD_BYTES..])
        {
            return Err(list.broken("entry before its block's lower bound"));
        }
        if let Some(entry) = entries[start..].last() {
            newest = Some((list, *entry));
            visit(list.node, list.direction, &entries[start..])?;
        }
    }
    Ok(())
}

/// Takes a group of a list.
pub(crate) type GroupVisitor<'a> =
    dyn FnMut(NodeId, Direction, &Group<'_>) -> Result<(), Broken> + 'a;

/// As `iter_all`, group by group and unread: for whoever needs less than every entry. That the
/// order holds between groups is not checked.
pub(crate) fn iter_groups<R: Rows + ?Sized>(rows: &R, visit: &mut GroupVisitor<'_>) -> Result<()> {
    for row in rows.range(TABLE, KeyRange::all())? {
        let (key, value) = row?;
        let list = List::of_key(&key).ok_or_else(|| bad_key(&key))?;
        for group in list.groups(&value)? {
            visit(list.node, list.direction, &group).map_err(|detail| list.broken(detail))?;
        }
    }
    Ok(())
}

fn bad_key(key: &[u8]) -> Error {
    Error::corrupt("table adjacency", format!("key {key:02x?} names no node and direction"))
}

/// Hands the blocks of a list that can hold the type to `visit`, in order.
fn each_block<R: Rows + ?Sized>(
    rows: &R,
    list: List,
    edge_type: Option<u32>,
    visit: &mut dyn FnMut(&[u8]) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let head = list.head();
    let Some(value) = rows.get(TABLE, &head)? else { return Ok(()) };
    if !block::has_more(&value) {
        return visit(&value).map(|_| ());
    }
    let first = match edge_type {
        // Entries of a type begin in the last block whose lower bound is not after the type.
        Some(edge_type) => {
            let order = block::order_bytes(edge_type, NodeId::from_u64(0), EdgeId::LINK);
            list.locate(rows, &order)?.map_or_else(|| head.to_vec(), |block| block.key)
        }
        None => head.to_vec(),
    };
    for row in rows.range(TABLE, KeyRange::prefix(&head).starting_at(&first))? {
        let (_, value) = row?;
        if visit(&value)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn visit_block(
    list: List,
    value: &[u8],
    edge_type: Option<u32>,
    visit: &mut dyn FnMut(Entry) -> ControlFlow<()>,
) -> Result<ControlFlow<()>> {
    for group in list.groups(value)? {
        if edge_type.is_some_and(|wanted| group.edge_type > wanted) {
            return Ok(ControlFlow::Break(()));
        }
        if edge_type.is_none_or(|wanted| group.edge_type == wanted) {
            let flow = group.entries().try_for_each(&mut *visit);
            if flow.is_break() {
                return Ok(flow);
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}
