//! Adjacency blocks and runs of edges as format 1 wrote them, and their way to the present format.
//!
//! ```text
//! block = group*             an empty block is one flag byte
//! group = flags, type varint, kind byte, [kind byte of the edges], [length varint], body
//! body  = [count varint, count x weight f32 little-endian],
//!         per entry: neighbour key varint (less the one before),
//!                    [edge signed varint (less the one before)]
//! run   = per edge: number varint (less the one before, at first the key), type varint,
//!         source and target signed varint (less the one before), the kind's byte at the low end
//! ```
//!
//! The last group of a block has no length: it ends with the block.

use super::block::{self, Broken, Entry};
use super::bulk::Bulk;
use super::edges::{self, Ends};
use super::rows::{KeyRange, Rows as _, RowsMut as _};
use super::tables::TableId;
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, Kind, NodeId};
use crate::base::varint;

/// Edges are all links, so not written.
const LINKS: u8 = 0;
/// Edges stated by records of one kind: its byte stands in the head.
const STATED: u8 = 2;
/// Any edges: whole ids, the kind's byte at the low end.
const MIXED: u8 = 3;
const EDGES: u8 = 0b11;
const WEIGHTED: u8 = 1 << 2;
const LAST: u8 = 1 << 3;
const MORE: u8 = 1 << 4;
const KNOWN: u8 = EDGES | WEIGHTED | LAST | MORE;

/// Rows that are read before those that replace them are written.
const ROWS_AT_ONCE: usize = 4_096;

/// Writes every block and run of format 1 in the format of today. Lists keep their blocks.
///
/// # Errors
/// [`Error::Corrupt`] for a block or a run that is not of format 1.
pub(crate) fn bring_up(rows: &mut Bulk) -> Result<()> {
    rewrite(rows, TableId::ADJACENCY, &|key, value| {
        let mut entries = Vec::new();
        decode_block(value, &mut entries).map_err(|detail| {
            Error::corrupt(format!("table adjacency, block {key:02x?}"), detail)
        })?;
        let mut block = Vec::new();
        block::encode(&entries, has_more(value), &mut block);
        Ok(block)
    })?;
    rewrite(rows, TableId::EDGE_SOURCES, &|key, value| {
        let bad = || Error::corrupt(format!("table edge_sources, run {key:02x?}"), "bad run");
        let first = u64::from_be_bytes(key.try_into().map_err(|_| bad())?);
        let edges = decode_run(first, value).ok_or_else(bad)?;
        Ok(edges::encode_run(first, &edges))
    })
}

type NewValue<'a> = dyn Fn(&[u8], &[u8]) -> Result<Vec<u8>> + 'a;

/// Gives every row of a table a new value.
fn rewrite(rows: &mut Bulk, table: TableId, new_value: &NewValue<'_>) -> Result<()> {
    let mut range = KeyRange::all();
    loop {
        let page: Vec<_> = rows.range(table, range)?.take(ROWS_AT_ONCE).collect::<Result<_>>()?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        range = KeyRange::all().after(last);
        for (key, value) in &page {
            rows.put(table, key, &new_value(key, value)?)?;
        }
    }
}

fn has_more(block: &[u8]) -> bool {
    block.first().is_some_and(|flags| flags & MORE != 0)
}

fn decode_block(mut block: &[u8], out: &mut Vec<Entry>) -> Result<(), Broken> {
    if block.len() <= 1 {
        return Ok(());
    }
    while !block.is_empty() {
        decode_group(&mut block, out)?;
    }
    Ok(())
}

fn decode_group(block: &mut &[u8], out: &mut Vec<Entry>) -> Result<(), Broken> {
    let flags = take_byte(block)?;
    if flags & !KNOWN != 0 {
        return Err("unknown flags");
    }
    let edge_type = varint::take(block).and_then(|number| u32::try_from(number).ok());
    let edge_type = edge_type.ok_or("edge type out of range")?;
    let kind = Kind(take_byte(block)?);
    let mode = flags & EDGES;
    let edge_kind = Kind(if mode == STATED { take_byte(block)? } else { 0 });
    let mut body = if flags & LAST != 0 {
        std::mem::take(block)
    } else {
        varint::take_bytes(block).ok_or("group longer than its block")?
    };
    let mut weights = take_weights(&mut body, flags)?.chunks_exact(4);
    let (mut key, mut number) = (0_u64, 0_u64);
    while !body.is_empty() {
        let step = varint::take(&mut body).ok_or("entry ends early")?;
        key = key.checked_add(step).ok_or("neighbor out of range")?;
        let neighbor = NodeId::new(kind, key).ok_or("neighbor out of range")?;
        let edge = if mode == LINKS {
            EdgeId::LINK
        } else {
            let step = varint::take_signed(&mut body).ok_or("entry ends early")?;
            number = number.wrapping_add_signed(step);
            if mode == MIXED {
                EdgeId::from_u64(number.rotate_right(8))
            } else {
                NodeId::new(edge_kind, number).map(EdgeId::from).ok_or("edge out of range")?
            }
        };
        let weight = match (flags & WEIGHTED, weights.next()) {
            (0, _) => 1.0,
            (_, Some(&[a, b, c, d])) => f32::from_le_bytes([a, b, c, d]),
            _ => return Err("fewer weights than entries"),
        };
        out.push(Entry { edge_type, neighbor, edge, weight });
    }
    Ok(())
}

fn take_weights<'a>(body: &mut &'a [u8], flags: u8) -> Result<&'a [u8], Broken> {
    if flags & WEIGHTED == 0 {
        return Ok(&[]);
    }
    let length = varint::take(body).and_then(|count| usize::try_from(count).ok()?.checked_mul(4));
    let (weights, rest) =
        length.and_then(|length| body.split_at_checked(length)).ok_or("weights end early")?;
    *body = rest;
    Ok(weights)
}

fn take_byte(bytes: &mut &[u8]) -> Result<u8, Broken> {
    let (&byte, rest) = bytes.split_first().ok_or("block ends early")?;
    *bytes = rest;
    Ok(byte)
}

fn decode_run(first: u64, mut bytes: &[u8]) -> Option<Vec<Ends>> {
    let mut edges: Vec<Ends> = Vec::new();
    let (mut number, mut source, mut target) = (first, 0, 0);
    while !bytes.is_empty() {
        number = number.checked_add(varint::take(&mut bytes)?)?;
        let edge_type = u32::try_from(varint::take(&mut bytes)?).ok()?;
        let source = take_node(&mut bytes, &mut source)?;
        let target = take_node(&mut bytes, &mut target)?;
        let id = EdgeId::from_u64(number);
        if edges.last().is_some_and(|last| last.id >= id) {
            return None;
        }
        edges.push(Ends { id, source, edge_type, target });
    }
    Some(edges)
}

fn take_node(bytes: &mut &[u8], before: &mut u64) -> Option<NodeId> {
    *before = before.wrapping_add_signed(varint::take_signed(bytes)?);
    Some(NodeId::from_u64(before.rotate_right(8)))
}
