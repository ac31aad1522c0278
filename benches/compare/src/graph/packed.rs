//! redb by hand with packed adjacency: both directions with type, id and weight, edges found by
//! their id, and a change log. Bare blocks, nothing checked.

use std::ops::Bound;
use std::path::Path;

use redb::{
    Database, ReadOnlyTable, ReadableDatabase as _, ReadableTable as _, TableDefinition,
    WriteTransaction,
};

use super::walk::{Adjacent, Scratch, hops, reach};
use super::{Stored, Walk, key};
use crate::rmat::{Edge, Rmat};
use crate::{Failure, Outcome};

const NODES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("nodes");
/// Node, direction and number of the block -> edges.
const BLOCKS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("blocks");
/// The first id of a run -> where its edges start.
const SOURCES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("sources");
const CHANGES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("changes");

/// Half a page of the engine holds two of them.
const BLOCK_BYTES: usize = 1_900;
const RUN_EDGES: usize = 128;
/// The kind byte of the first own type, as the ids of engraph have it.
const KIND: u64 = 128;

pub struct Packed {
    database: Database,
    blocks: ReadOnlyTable<&'static [u8], &'static [u8]>,
    bound: usize,
    scratch: Scratch,
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

/// One edge as seen from one end: type, other end, id, weight.
type Entry = (u8, u64, u64, f32);

/// Blocks of one list. A block is runs of one type: type, count, bytes of what follows, then the
/// weights where `weighted`, then neighbours and ids, each less the one before.
fn blocks_of(entries: &[Entry], weighted: bool) -> Vec<Vec<u8>> {
    let (mut blocks, mut block) = (Vec::new(), Vec::new());
    for run in entries.chunk_by(|one, two| one.0 == two.0) {
        // An entry takes at most twelve bytes or so; most take half of that.
        for run in run.chunks(BLOCK_BYTES / 12) {
            if block.len() + run.len() * 12 > BLOCK_BYTES && !block.is_empty() {
                blocks.push(std::mem::take(&mut block));
            }
            put_run(&mut block, run, weighted);
        }
    }
    if !block.is_empty() {
        blocks.push(block);
    }
    blocks
}

fn put_run(block: &mut Vec<u8>, run: &[Entry], weighted: bool) {
    let mut body = Vec::new();
    if weighted {
        run.iter().for_each(|entry| body.extend_from_slice(&entry.3.to_le_bytes()));
    }
    let (mut neighbor, mut edge) = (0, 0);
    for (_, other, id, _) in run {
        put(&mut body, other - neighbor);
        let step = id.wrapping_sub(edge) as i64;
        put(&mut body, ((step << 1) ^ (step >> 63)) as u64);
        (neighbor, edge) = (*other, *id);
    }
    block.push(run[0].0);
    put(block, run.len() as u64);
    put(block, body.len() as u64);
    block.extend_from_slice(&body);
}

fn head(node: u64, backward: bool) -> [u8; 9] {
    let mut head = [0; 9];
    head[..8].copy_from_slice(&node.to_be_bytes());
    head[8] = u8::from(backward);
    head
}

/// The blocks of one direction, in order.
fn sorted(graph: &Rmat, backward: bool) -> Vec<(u64, Entry)> {
    let mut all: Vec<(u64, Entry)> = (1..)
        .zip(&graph.edges)
        .map(|(id, edge)| {
            let (from, to) = (key(edge.source), key(edge.target));
            let (own, other) = if backward { (to, from) } else { (from, to) };
            (own, (edge.kind, other, id, edge.weight))
        })
        .collect();
    all.sort_unstable_by_key(|(own, entry)| (*own, entry.0, entry.1, entry.2));
    all
}

fn write_edges(transaction: &WriteTransaction, graph: &Rmat) -> Outcome {
    let (out, inward) = (sorted(graph, false), sorted(graph, true));
    let lists = |all| -> Vec<Vec<(u64, Entry)>> {
        let all: Vec<(u64, Entry)> = all;
        all.chunk_by(|one, two| one.0 == two.0).map(<[_]>::to_vec).collect()
    };
    let (out, inward) = (lists(out), lists(inward));
    let (mut out, mut inward) = (out.iter().peekable(), inward.iter().peekable());
    let mut table = transaction.open_table(BLOCKS)?;
    let mut cursor = table.upper_bound_mut(Bound::<&[u8]>::Unbounded)?;
    for node in 1..=key(graph.nodes) {
        for (backward, lists) in [(false, &mut out), (true, &mut inward)] {
            let Some(list) = lists.next_if(|list| list[0].0 == node) else { continue };
            let entries: Vec<Entry> = list.iter().map(|(_, entry)| *entry).collect();
            for (place, block) in (0_u16..).zip(blocks_of(&entries, !backward)) {
                let mut key = head(node, backward).to_vec();
                // The first block of a list has the shortest key.
                if place > 0 {
                    key.extend_from_slice(&place.to_be_bytes());
                }
                cursor.insert_before(&key[..], &block[..])?;
            }
        }
    }
    cursor.close()?;
    let mut sources = transaction.open_table(SOURCES)?;
    let mut cursor = sources.upper_bound_mut(Bound::<u64>::Unbounded)?;
    for (run, edges) in (0_u64..).zip(graph.edges.chunks(RUN_EDGES)) {
        cursor.insert_before(run * RUN_EDGES as u64 + 1, &run_of(edges)[..])?;
    }
    cursor.close()?;
    Ok(())
}

/// Where an edge starts, and its type and end, without which its entry would have to be searched.
fn run_of(edges: &[Edge]) -> Vec<u8> {
    let mut value = Vec::new();
    for edge in edges {
        put(&mut value, key(edge.source));
        put(&mut value, edge.kind.into());
        put(&mut value, key(edge.target));
    }
    value
}

impl Packed {
    fn of(database: Database) -> Outcome<Self> {
        let read = database.begin_read()?;
        let blocks = read.open_table(BLOCKS)?;
        let last = blocks.last()?.map(|(key, _)| key.value()[..8].try_into()).transpose()?;
        let bound = last.map_or(0, u64::from_be_bytes) as usize + 1;
        Ok(Self { database, blocks, bound, scratch: Scratch::default() })
    }
}

impl Stored for Packed {
    fn load(folder: &Path, graph: &Rmat) -> Outcome<Self> {
        let mut builder = Database::builder();
        let database = builder.set_cache_size(64 << 20).create(folder.join("data.redb"))?;
        let transaction = database.begin_write()?;
        {
            let mut nodes = transaction.open_table(NODES)?;
            let mut cursor = nodes.upper_bound_mut(Bound::<u64>::Unbounded)?;
            for node in 0..graph.nodes {
                let mut value = vec![1];
                value.extend(rmp_serde::to_vec_named(&std::collections::BTreeMap::from([(
                    "number", node,
                )]))?);
                cursor.insert_before(key(node), &value[..])?;
            }
            cursor.close()?;
            write_edges(&transaction, graph)?;
            let mut changes = transaction.open_table(CHANGES)?;
            changes.insert(1, &graph.edges.len().to_be_bytes()[..])?;
        }
        transaction.commit()?;
        Self::of(database)
    }

    fn close(self) -> Outcome {
        drop(self.blocks);
        self.database.close().map_err(Failure::from)
    }

    fn compact(folder: &Path) -> Outcome<u64> {
        let path = folder.join("data.redb");
        let mut database = Database::open(&path)?;
        while database.compact()? {}
        database.close()?;
        Ok(std::fs::metadata(path)?.len())
    }

    fn open(folder: &Path) -> Outcome<Self> {
        let mut builder = Database::builder();
        Self::of(builder.set_cache_size(64 << 20).open(folder.join("data.redb"))?)
    }
}

impl Adjacent for Packed {
    fn bound(&self) -> usize {
        self.bound.max(1)
    }

    fn id(&self, node: u32) -> u64 {
        KIND << 56 | u64::from(node)
    }

    fn each(
        &self,
        node: u32,
        backward: bool,
        kind: Option<u8>,
        mut visit: impl FnMut(u32),
    ) -> Outcome {
        let from = head(node.into(), backward);
        let mut to = from;
        to[8] += 1;
        for row in self.blocks.range::<&[u8]>(&from[..]..&to[..])? {
            let (_, value) = row?;
            read_block(value.value(), backward, kind, &mut visit).ok_or("a block is broken")?;
        }
        Ok(())
    }
}

fn read_block(
    mut bytes: &[u8],
    backward: bool,
    kind: Option<u8>,
    visit: &mut impl FnMut(u32),
) -> Option<()> {
    while let Some((run_kind, rest)) = bytes.split_first() {
        bytes = rest;
        let (count, length) = (take(&mut bytes)?, take(&mut bytes)? as usize);
        let (mut body, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        if kind.is_some_and(|kind| kind != *run_kind) {
            continue;
        }
        if !backward {
            body = body.get(4 * count as usize..)?;
        }
        let mut neighbor = 0;
        for _ in 0..count {
            neighbor += take(&mut body)?;
            take(&mut body)?;
            visit(neighbor as u32);
        }
    }
    Some(())
}

impl Walk for Packed {
    fn reach(&mut self, from: u32, hops: usize, kind: Option<u8>, into: &mut Vec<u64>) -> Outcome {
        let mut scratch = std::mem::take(&mut self.scratch);
        reach(self, &mut scratch, (key(from) as u32, hops), kind, into)?;
        self.scratch = scratch;
        Ok(())
    }

    fn hops(&mut self, (from, to): (u32, u32)) -> Outcome<u64> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let found = hops(self, &mut scratch, (key(from) as u32, key(to) as u32));
        self.scratch = scratch;
        found
    }
}
