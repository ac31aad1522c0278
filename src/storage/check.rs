//! Integrity of the tables below the records: pages, adjacency blocks, the change log.
//!
//! Each walk reads its table once, in order, and goes on after what is broken: it is named to a
//! listener, and the walk hands on what can still be read. Knows bytes and their order; what the
//! rows must agree with is for the layers above.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::{Builder, Database, DatabaseError, StorageBackend, StorageError};

use super::adjacency::Direction;
use super::block::{self, Entry};
use super::changes::{self, Change};
use super::rows::{KeyRange, Rows};
use super::tables::TableId;
use crate::base::error::{Error, Result};
use crate::base::id::{NodeId, Seq};
use crate::base::time::Timestamp;

/// Hears of what is broken: the place, and what is wrong there.
pub(crate) type Listener<'a> = dyn FnMut(String, String) + 'a;

/// Takes the entries of one block of a node's list.
pub(crate) type Visit<'a> = dyn FnMut(NodeId, Direction, &[Entry]) -> Result<()> + 'a;

// ---- adjacency ----------------------------------------------------------------------------

/// Bytes of a block's key before its lower bound: node and direction.
const HEAD_BYTES: usize = 9;

/// One list of neighbours while its blocks go by.
struct List {
    node: NodeId,
    direction: Direction,
    blocks: usize,
    /// Whether the first block says that others follow.
    promises: bool,
    last: Option<Entry>,
}

impl List {
    fn place(&self) -> String {
        format!("table adjacency, node {} ({:?})", self.node, self.direction)
    }

    /// What is wrong with the list as a whole.
    fn fault(&self) -> Option<&'static str> {
        match (self.promises, self.blocks) {
            (true, 1) => Some("the first block says that others follow, and none does"),
            (false, 2..) => Some("blocks follow a first block that says there are none"),
            _ => None,
        }
    }

    /// What is wrong with the next block, if anything; `entries` are those of the block.
    fn block_fault(&self, bound: &[u8], entries: &[Entry]) -> Option<&'static str> {
        let outside = |entry: &Entry| entry.order_bytes()[..] < *bound;
        match (self.blocks, bound.is_empty()) {
            (0, false) => return Some("the first block is gone"),
            (1.., true) => return Some("two first blocks"),
            _ => {}
        }
        if entries.is_empty() && !(bound.is_empty() && self.promises) {
            return Some("a block without entries");
        }
        if entries.first().is_some_and(outside) {
            return Some("an entry before the lower bound of its block");
        }
        if self.last.is_some_and(|last| last.order_bytes()[..] >= *bound) {
            return Some("a block begins before the one in front of it ends");
        }
        None
    }
}

/// Hands every block's entries to `visit`, in the order of nodes, outward before inward.
pub(crate) fn adjacency(
    rows: &dyn Rows,
    visit: &mut Visit<'_>,
    listener: &mut Listener<'_>,
) -> Result<()> {
    let mut current: Option<List> = None;
    let mut entries = Vec::new();
    for row in rows.range(TableId::ADJACENCY, KeyRange::all())? {
        let (key, value) = row?;
        let Some((node, direction, bound)) = split_key(&key) else {
            let detail = format!("key {key:02x?} names no node and direction");
            listener("table adjacency".into(), detail);
            continue;
        };
        let mut list = match current.take() {
            Some(list) if (list.node, list.direction) == (node, direction) => list,
            before => {
                end_list(before.as_ref(), listener);
                List { node, direction, blocks: 0, promises: false, last: None }
            }
        };
        if bound.is_empty() {
            list.promises = block::has_more(&value);
        }
        entries.clear();
        match block::decode_into(&value, &mut entries) {
            Ok(()) => {
                if let Some(fault) = list.block_fault(bound, &entries) {
                    listener(list.place(), fault.into());
                }
                list.last = entries.last().copied().or(list.last);
                visit(node, direction, &entries)?;
            }
            Err(fault) => listener(list.place(), format!("a block does not decode: {fault}")),
        }
        list.blocks += 1;
        current = Some(list);
    }
    end_list(current.as_ref(), listener);
    Ok(())
}

fn end_list(list: Option<&List>, listener: &mut Listener<'_>) {
    if let Some((list, fault)) = list.and_then(|list| list.fault().map(|fault| (list, fault))) {
        listener(list.place(), fault.into());
    }
}

fn split_key(key: &[u8]) -> Option<(NodeId, Direction, &[u8])> {
    let (head, bound) = key.split_first_chunk::<HEAD_BYTES>()?;
    let (node, _) = head.split_first_chunk::<8>()?;
    let direction = match head[8] {
        0 => Direction::Out,
        1 => Direction::In,
        _ => return None,
    };
    Some((NodeId::from_u64(u64::from_be_bytes(*node)), direction, bound))
}

// ---- change log ---------------------------------------------------------------------------

/// How far the change log reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) oldest: Seq,
    pub(crate) newest: Seq,
}

/// Hands every change of the log after write `limit` to `visit`, oldest first. `None` when there
/// is none.
pub(crate) fn change_log(
    rows: &dyn Rows,
    limit: Seq,
    visit: &mut dyn FnMut(&Change),
    listener: &mut Listener<'_>,
) -> Result<Option<Reach>> {
    const PLACE: &str = "table changes";
    let mut reach: Option<Reach> = None;
    let mut part_before = 0;
    let mut time_before = Timestamp::from_micros(i64::MIN);
    let all = KeyRange::all();
    let range = match limit {
        Seq(0) => all,
        limit => all.after(&changes::part_key(limit, u32::MAX)),
    };
    for row in rows.range(TableId::CHANGES, range)? {
        let (key, value) = row?;
        let Ok((seq, part)) = changes::split_key(&key) else {
            listener(PLACE.into(), format!("key {key:02x?} is not a write and a part"));
            continue;
        };
        let newest = reach.map(|reach| reach.newest);
        if let Some(fault) = order_fault((newest, part_before), (seq, part)) {
            listener(PLACE.into(), fault);
        }
        reach = Some(Reach { oldest: reach.map_or(seq, |reach| reach.oldest), newest: seq });
        part_before = part;
        let mut time = time_before;
        let read = changes::read_part((seq, part), &value, &mut time, &mut |change| {
            visit(&change);
            ControlFlow::Continue(())
        });
        if let Err(error) = read {
            listener(PLACE.into(), error.to_string());
        } else if part == 0 && time <= time_before {
            listener(PLACE.into(), format!("write {seq} is not later than the one before it"));
        }
        time_before = time_before.max(time);
    }
    Ok(reach)
}

/// What is wrong with an entry that follows another, if anything.
fn order_fault(
    (before, part_before): (Option<Seq>, u32),
    (seq, part): (Seq, u32),
) -> Option<String> {
    if before == Some(seq) {
        let expected = part_before.saturating_add(1);
        return (part != expected)
            .then(|| format!("write {seq} goes on with part {part} instead of {expected}"));
    }
    if part != 0 {
        return Some(format!("write {seq} begins with part {part}"));
    }
    let expected = before?.0.saturating_add(1);
    (seq.0 != expected).then(|| format!("write {seq} follows where {expected} must"))
}

// ---- pages --------------------------------------------------------------------------------

/// Bytes of page cache that the check of the pages uses.
const CACHE_BYTES: usize = 16 << 20;

/// Checks the checksum of every page of a data file that nobody writes to meanwhile. Says what is
/// wrong, if anything. Reads the whole file; writes nothing to it.
pub(crate) fn pages(path: &Path) -> Result<Option<String>> {
    let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
    let length = file.metadata().map_err(|error| Error::io("open", path, error))?.len();
    let shadow =
        Shadow(Mutex::new(Shadowed { file, file_length: length, length, pieces: BTreeMap::new() }));
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder.set_check_integrity_on_open(true);
    match builder.create_with_backend(shadow).map(drop::<Database>) {
        Ok(()) => Ok(None),
        Err(DatabaseError::Storage(StorageError::Corrupted(detail))) => Ok(Some(detail)),
        Err(DatabaseError::Storage(StorageError::Io(error)))
            if error.kind() == io::ErrorKind::UnexpectedEof =>
        {
            Ok(Some("the file is shorter than it says".into()))
        }
        Err(DatabaseError::Storage(StorageError::Io(error))) => {
            Err(Error::io("check", path, error))
        }
        Err(error) => Err(Error::engine("redb", format!("check {}", path.display()), error)),
    }
}

/// A file that is only read: what the engine writes while it checks stays in memory. The engine
/// writes no more than its header and the list of free pages.
#[derive(Debug)]
struct Shadow(Mutex<Shadowed>);

/// Bytes of a piece that is kept once something in it was written.
const PIECE_BYTES: u64 = 4_096;

#[derive(Debug)]
struct Shadowed {
    file: File,
    /// Bytes of the file that still count; what lies behind them reads as zero.
    file_length: u64,
    length: u64,
    /// What was written, by the number of the piece.
    pieces: BTreeMap<u64, Vec<u8>>,
}

#[expect(clippy::cast_possible_truncation, reason = "offsets within a buffer in memory")]
impl Shadowed {
    fn read(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset + out.len() as u64;
        let in_file = self.file_length.saturating_sub(offset).min(out.len() as u64);
        let (from_file, behind) = out.split_at_mut(in_file as usize);
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(from_file)?;
        behind.fill(0);
        for (number, piece) in self.pieces.range(offset / PIECE_BYTES..end.div_ceil(PIECE_BYTES)) {
            let start = number * PIECE_BYTES;
            let (from, to) = (start.max(offset), (start + PIECE_BYTES).min(end));
            out[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&piece[(from - start) as usize..(to - start) as usize]);
        }
        Ok(())
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        let end = offset + data.len() as u64;
        for number in offset / PIECE_BYTES..end.div_ceil(PIECE_BYTES) {
            let start = number * PIECE_BYTES;
            let mut piece = vec![0; PIECE_BYTES as usize];
            self.read(start, &mut piece)?;
            let (from, to) = (start.max(offset), (start + PIECE_BYTES).min(end));
            piece[(from - start) as usize..(to - start) as usize]
                .copy_from_slice(&data[(from - offset) as usize..(to - offset) as usize]);
            self.pieces.insert(number, piece);
        }
        self.length = self.length.max(end);
        Ok(())
    }

    fn set_length(&mut self, length: u64) {
        self.pieces.split_off(&length.div_ceil(PIECE_BYTES));
        if let Some(piece) = self.pieces.get_mut(&(length / PIECE_BYTES)) {
            piece[(length % PIECE_BYTES) as usize..].fill(0);
        }
        self.file_length = self.file_length.min(length);
        self.length = length;
    }
}

impl Shadow {
    fn shadowed(&self) -> MutexGuard<'_, Shadowed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageBackend for Shadow {
    fn len(&self) -> io::Result<u64> {
        Ok(self.shadowed().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut shadowed = self.shadowed();
        let end = offset.checked_add(out.len() as u64);
        if end.is_none_or(|end| end > shadowed.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        shadowed.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.shadowed().set_length(len);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.shadowed().write(offset, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    use crate::base::id::{EdgeId, Kind};
    use crate::storage::RowsMut as _;
    use crate::storage::adjacency as lists;
    use crate::storage::changes::{Gathered, Operation};
    use crate::storage::engine::{Engine, EngineOptions};
    use crate::storage::layer::Layer;
    use crate::storage::testing::MemoryRows;

    fn node(key: u64) -> NodeId {
        NodeId::new(Kind(1), key).unwrap()
    }

    fn entry(edge_type: u32, neighbor: u64) -> Entry {
        Entry { edge_type, neighbor: node(neighbor), edge: EdgeId::LINK, weight: 1.0 }
    }

    /// A list of several blocks of node 1, and a short one of node 2.
    fn lists_of_two_nodes() -> MemoryRows {
        let mut rows = MemoryRows::default();
        let many: Vec<Entry> = (1..5_000).map(|neighbor| entry(3, neighbor)).collect();
        lists::insert_sorted(&mut rows, node(1), Direction::Out, &many).unwrap();
        lists::insert(&mut rows, node(2), Direction::In, entry(3, 1)).unwrap();
        rows
    }

    #[track_caller]
    fn check_lists(rows: &MemoryRows, expected: &[&str]) -> usize {
        let (mut seen, mut faults) = (0, Vec::new());
        adjacency(
            rows,
            &mut |_, _, entries| {
                seen += entries.len();
                Ok(())
            },
            &mut |place, detail| faults.push(format!("{place}: {detail}")),
        )
        .unwrap();
        assert_eq!(faults.len(), expected.len(), "{faults:?}");
        for (fault, expected) in faults.iter().zip(expected) {
            assert!(fault.contains(expected), "{fault}");
        }
        seen
    }

    #[test]
    fn whole_lists_are_read_without_a_word() {
        assert_eq!(check_lists(&lists_of_two_nodes(), &[]), 5_000);
    }

    #[test]
    fn every_damage_of_a_list_is_named_and_the_rest_is_read() {
        let whole = lists_of_two_nodes();
        let blocks = whole.table(TableId::ADJACENCY);
        assert!(blocks.len() > 3, "the long list has several blocks");
        let (head, second) = (&blocks[0].0, &blocks[1].0);

        let mut rows = whole.clone();
        rows.put(TableId::ADJACENCY, second, &[0xff; 3]).unwrap();
        let seen = check_lists(&rows, &["node 1:1 (Out): a block does not decode"]);
        assert!(seen > 2_000 && seen < 5_000);

        let mut rows = whole.clone();
        rows.delete(TableId::ADJACENCY, head).unwrap();
        check_lists(&rows, &["the first block is gone", "says there are none"]);

        let mut rows = whole.clone();
        rows.put(TableId::ADJACENCY, second, &blocks[0].1).unwrap();
        check_lists(&rows, &["before the lower bound"]);

        let mut rows = whole.clone();
        for (key, _) in &blocks[1..blocks.len() - 1] {
            rows.delete(TableId::ADJACENCY, key).unwrap();
        }
        check_lists(&rows, &["none does"]);

        let mut rows = whole.clone();
        rows.put(TableId::ADJACENCY, &[7; 4], &[1]).unwrap();
        rows.put(TableId::ADJACENCY, &[7; 9], &[1]).unwrap();
        check_lists(&rows, &["names no node", "names no node"]);
    }

    fn log(writes: &[(u64, i64)]) -> MemoryRows {
        let mut rows = MemoryRows::default();
        for (seq, micros) in writes {
            let mut gathered = Gathered::default();
            gathered.push(Operation::Put, node(*seq).as_u64());
            gathered.write(&mut rows, Seq(*seq), Timestamp::from_micros(*micros)).unwrap();
        }
        rows
    }

    #[track_caller]
    fn check_log(rows: &MemoryRows, changes: usize, expected: &[&str]) -> Option<Reach> {
        let (mut seen, mut faults) = (0, Vec::new());
        let listener: &mut Listener<'_> = &mut |_, detail| faults.push(detail);
        let reach = change_log(rows, Seq(0), &mut |_| seen += 1, listener).unwrap();
        assert_eq!((seen, faults.len()), (changes, expected.len()), "{faults:?}");
        for (fault, expected) in faults.iter().zip(expected) {
            assert!(fault.contains(expected), "{fault}");
        }
        reach
    }

    #[test]
    fn gaps_times_and_broken_runs_of_the_log_are_named() {
        let reach = Reach { oldest: Seq(4), newest: Seq(6) };
        assert_eq!(check_log(&log(&[(4, 1), (5, 2), (6, 9)]), 3, &[]), Some(reach));
        assert_eq!(check_log(&MemoryRows::default(), 0, &[]), None);
        check_log(&log(&[(4, 1), (6, 9)]), 2, &["write 6 follows where 5 must"]);
        check_log(&log(&[(4, 1), (5, 1), (6, 9)]), 3, &["write 5 is not later"]);

        let mut rows = log(&[(1, 1), (2, 2)]);
        rows.put(TableId::CHANGES, &[0; 3], &[]).unwrap();
        rows.put(TableId::CHANGES, &[&3_u64.to_be_bytes()[..], &[0; 4]].concat(), &[6, 9]).unwrap();
        rows.put(TableId::CHANGES, &[&4_u64.to_be_bytes()[..], &[0, 0, 0, 2]].concat(), &[])
            .unwrap();
        check_log(&rows, 2, &["is not a write and a part", "write 3 part 0", "begins with part 2"]);
    }

    #[test]
    fn a_shadow_reads_what_was_written_to_it_and_leaves_the_file() {
        let mut file = tempfile::tempfile().unwrap();
        let original: Vec<u8> = (0..10_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        file.write_all(&original).unwrap();
        let mut model = original.clone();
        let length = original.len() as u64;
        let mut shadow = Shadowed {
            file: file.try_clone().unwrap(),
            file_length: length,
            length,
            pieces: BTreeMap::new(),
        };
        for (offset, bytes) in [(5, 10), (4_090, 5_000), (9_000, 1_000), (0, 1)] {
            let data = vec![0xee; bytes];
            shadow.write(offset as u64, &data).unwrap();
            model[offset..offset + bytes].copy_from_slice(&data);
        }
        shadow.set_length(9_500);
        shadow.set_length(12_000);
        model.truncate(9_500);
        model.resize(12_000, 0);
        let mut read = vec![1; 12_000];
        shadow.read(0, &mut read).unwrap();
        assert_eq!(read, model);
        let mut kept = vec![0; 10_000];
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_exact(&mut kept).unwrap();
        assert_eq!(kept, original);
    }

    #[test]
    fn a_flipped_bit_in_a_page_is_found_and_an_open_file_is_not_disturbed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data");
        let engine = Engine::create(&path, EngineOptions::new(1 << 20)).unwrap();
        let mut layer = Layer::default();
        layer.set(TableId::META, b"key", Some(&[0x5a; 3_000]));
        engine.commit(&layer, false).unwrap();
        assert_eq!(pages(&path).unwrap(), None);
        engine.commit(&layer, false).unwrap();
        engine.close().unwrap();
        assert_eq!(pages(&path).unwrap(), None);
        let mut bytes = std::fs::read(&path).unwrap();
        let values = bytes.windows(64).enumerate().filter(|(_, window)| *window == [0x5a; 64]);
        let places: Vec<usize> = values.map(|(place, _)| place).collect();
        for place in places {
            bytes[place] ^= 1;
        }
        std::fs::write(&path, &bytes).unwrap();
        assert!(pages(&path).unwrap().is_some());
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(pages(&path).is_err() || pages(&path).unwrap().is_some());
    }
}
