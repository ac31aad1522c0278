//! Edges that were made by themselves: numbers, ends, validity and properties.
//!
//! The adjacency blocks of both ends hold an edge's type, other end and weight. Beside them, runs
//! of up to [`RUN_EDGES`] edges map numbers to source, type and target, so that an edge is found
//! by its number; a run's key is the smallest number that it can hold. A row of its own is there
//! only where an edge has validity or properties. Numbers are never given twice: when the greatest
//! one goes, the floor of kind 0, whose keys they are, remembers it.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::adjacency::{self, Direction, Entry};
use super::columns::{Extent, Packed};
use super::index::floor_key;
use super::rows::{Bytes, KeyRange, Rows, RowsMut};
use super::tables::TableId;
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, Kind, NodeId};
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::base::varint;

const TABLE: TableId = TableId::EDGE_SOURCES;
/// Edges of one run: at five bytes an edge, six runs fit a page of the engine.
const RUN_EDGES: usize = 128;
/// The kind whose keys are the numbers of edges; no record type has it.
const EDGE_KIND: Kind = Kind(0);

/// One edge, whole.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EdgeRecord {
    pub(crate) id: EdgeId,
    pub(crate) source: NodeId,
    pub(crate) edge_type: u32,
    pub(crate) target: NodeId,
    pub(crate) weight: f32,
    pub(crate) valid_from: Option<Timestamp>,
    pub(crate) valid_to: Option<Timestamp>,
    pub(crate) properties: Option<Json>,
}

impl EdgeRecord {
    fn entry(&self, direction: Direction) -> Entry {
        let neighbor = match direction {
            Direction::Out => self.target,
            Direction::In => self.source,
        };
        Entry { edge_type: self.edge_type, neighbor, edge: self.id, weight: self.weight }
    }
}

/// What an edge has besides ends, type and weight.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Details {
    #[serde(rename = "from", skip_serializing_if = "Option::is_none")]
    pub(crate) valid_from: Option<Timestamp>,
    #[serde(rename = "to", skip_serializing_if = "Option::is_none")]
    pub(crate) valid_to: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) properties: Option<Json>,
}

/// Where an edge lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) id: EdgeId,
    pub(crate) source: NodeId,
    pub(crate) edge_type: u32,
    pub(crate) target: NodeId,
}

// ---- runs ---------------------------------------------------------------------------------

/// Edges by ascending number, under a key that is not greater than the first number.
struct Run {
    first: u64,
    edges: Vec<Ends>,
}

fn run_key(first: u64) -> [u8; 8] {
    first.to_be_bytes()
}

/// A count, then columns: how far the number lies above the least that it can be, type, source and
/// target with the kind's byte at the low end.
pub(super) fn encode_run(first: u64, edges: &[Ends]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + edges.len() * 6);
    let rows = || {
        edges.iter().zip(first..).map(|(edge, least)| {
            let (source, target) = (edge.source.as_u64(), edge.target.as_u64());
            let skipped = edge.id.as_u64() - least;
            [skipped, edge.edge_type.into(), source.rotate_left(8), target.rotate_left(8)]
        })
    };
    varint::put(&mut out, edges.len() as u64);
    Extent::of(rows()).pack(rows(), &mut out);
    out
}

fn decode_run(key: &[u8], mut bytes: &[u8]) -> Result<Run> {
    let bad = |detail: &str| Error::corrupt(format!("table edge_sources, run {key:02x?}"), detail);
    let first: [u8; 8] = key.try_into().map_err(|_| bad("key is not 8 bytes long"))?;
    let first = u64::from_be_bytes(first);
    let count = varint::take(&mut bytes).and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count <= RUN_EDGES).ok_or_else(|| bad("bad count"))?;
    let packed = Packed::take(&mut bytes, count).ok_or_else(|| bad("ends early"))?;
    if !bytes.is_empty() {
        return Err(bad("bytes behind the edges"));
    }
    let mut edges: Vec<Ends> = Vec::with_capacity(count);
    for place in 0..count {
        let least = first.checked_add(place as u64);
        let edge = least.and_then(|least| ends_of_row(least, packed.row(place)));
        let edge = edge.ok_or_else(|| bad("bad number"))?;
        if edges.last().is_some_and(|last| last.id >= edge.id) {
            return Err(bad("numbers out of order"));
        }
        edges.push(edge);
    }
    Ok(Run { first, edges })
}

fn ends_of_row(least: u64, [skipped, edge_type, source, target]: [u64; 4]) -> Option<Ends> {
    let id = EdgeId::from_u64(least.checked_add(skipped)?);
    let edge_type = u32::try_from(edge_type).ok()?;
    let source = NodeId::from_u64(source.rotate_right(8));
    let target = NodeId::from_u64(target.rotate_right(8));
    is_own_number(id).then_some(Ends { id, source, edge_type, target })
}

/// The run that holds, or would hold, the edge.
fn run_of<R: Rows + ?Sized>(rows: &R, id: EdgeId) -> Result<Option<Run>> {
    let range = KeyRange::all().up_to(&run_key(id.as_u64())).descending();
    match rows.first(TABLE, range)? {
        Some((key, value)) => decode_run(&key, &value).map(Some),
        None => Ok(None),
    }
}

fn write_run<R: RowsMut + ?Sized>(rows: &mut R, run: &Run) -> Result<()> {
    if run.edges.is_empty() {
        return rows.delete(TABLE, &run_key(run.first));
    }
    let (here, rest) = run.edges.split_at(run.edges.len().min(RUN_EDGES));
    rows.put(TABLE, &run_key(run.first), &encode_run(run.first, here))?;
    for edges in rest.chunks(RUN_EDGES) {
        let Some(first) = edges.first().map(|edge| edge.id.as_u64()) else { continue };
        rows.put(TABLE, &run_key(first), &encode_run(first, edges))?;
    }
    Ok(())
}

fn insert_ends<R: RowsMut + ?Sized>(rows: &mut R, edge: Ends) -> Result<()> {
    let number = edge.id.as_u64();
    let Some(mut run) = run_of(rows, edge.id)? else {
        return write_run(rows, &Run { first: number, edges: vec![edge] });
    };
    match run.edges.binary_search_by_key(&edge.id, |other| other.id) {
        Ok(_) => Err(Error::already_exists("edge", edge.id)),
        Err(place) if place == run.edges.len() && place >= RUN_EDGES => {
            write_run(rows, &Run { first: number, edges: vec![edge] })
        }
        Err(place) => {
            run.edges.insert(place, edge);
            write_run(rows, &run)
        }
    }
}

fn find<R: Rows + ?Sized>(rows: &R, id: EdgeId) -> Result<Option<Ends>> {
    let Some(run) = run_of(rows, id)? else { return Ok(None) };
    let place = run.edges.binary_search_by_key(&id, |edge| edge.id);
    Ok(place.ok().map(|place| run.edges[place]))
}

fn is_own_number(id: EdgeId) -> bool {
    !id.is_link() && id.stated_by().is_none()
}

// ---- edges --------------------------------------------------------------------------------

/// Writes a new edge: both adjacency lists, its run, and what else it has.
///
/// # Errors
/// [`Error::Invalid`] for a number that no edge can have or a weight that is not a number;
/// [`Error::AlreadyExists`] when the number is taken.
pub(crate) fn add_edge<R: RowsMut + ?Sized>(rows: &mut R, edge: &EdgeRecord) -> Result<()> {
    check(edge)?;
    insert_ends(rows, ends_of(edge))?;
    adjacency::insert(rows, edge.source, Direction::Out, edge.entry(Direction::Out))?;
    adjacency::insert(rows, edge.target, Direction::In, edge.entry(Direction::In))?;
    put_details(rows, edge)
}

/// Writes the ends of edges whose numbers are behind all that are there, in order.
pub(super) fn append_ends<R: RowsMut + ?Sized>(
    rows: &mut R,
    ends: impl Iterator<Item = Ends>,
) -> Result<()> {
    let mut ends = ends.peekable();
    let Some(first) = ends.peek().map(|edge| edge.id) else { return Ok(()) };
    let mut run = run_of(rows, first)?
        .filter(|run| run.edges.len() < RUN_EDGES)
        .unwrap_or(Run { first: first.as_u64(), edges: Vec::new() });
    loop {
        run.edges.extend(ends.by_ref().take(RUN_EDGES - run.edges.len()));
        write_run(rows, &run)?;
        let Some(next) = ends.peek() else { return Ok(()) };
        run.first = next.id.as_u64();
        run.edges.clear();
    }
}

/// Removes an edge. Returns what it was.
pub(crate) fn remove_edge<R: RowsMut + ?Sized>(
    rows: &mut R,
    id: EdgeId,
) -> Result<Option<EdgeRecord>> {
    let Some(edge) = get_edge(rows, id)? else { return Ok(None) };
    for (node, direction) in [(edge.source, Direction::Out), (edge.target, Direction::In)] {
        let entry = edge.entry(direction);
        adjacency::remove(rows, node, direction, entry.edge_type, entry.neighbor, entry.edge)?;
    }
    forget(rows, &edge)?;
    Ok(Some(edge))
}

/// Removes every edge that was made by itself and has `node` as an end. Returns them, by number.
/// Links and edges that records state stay.
pub(crate) fn remove_all_edges_of<R: RowsMut + ?Sized>(
    rows: &mut R,
    node: NodeId,
) -> Result<Vec<EdgeRecord>> {
    let mut removed = Vec::new();
    for direction in [Direction::Out, Direction::In] {
        let (own, others) = own_edges(rows, node, direction)?;
        if own.is_empty() {
            continue;
        }
        for entry in &own {
            let (source, target) = match direction {
                Direction::Out => (node, entry.neighbor),
                Direction::In => (entry.neighbor, node),
            };
            let ends = Ends { id: entry.edge, source, edge_type: entry.edge_type, target };
            removed.push(whole(rows, ends, entry.weight)?);
            let (edge_type, edge) = (entry.edge_type, entry.edge);
            adjacency::remove(rows, entry.neighbor, direction.reversed(), edge_type, node, edge)?;
        }
        rewrite(rows, node, direction, (&own, &others))?;
    }
    removed.sort_unstable_by_key(|edge| edge.id);
    for edge in &removed {
        forget(rows, edge)?;
    }
    Ok(removed)
}

/// The edges of a list that were made by themselves, and the rest of it.
fn own_edges<R: Rows + ?Sized>(
    rows: &R,
    node: NodeId,
    direction: Direction,
) -> Result<(Vec<Entry>, Vec<Entry>)> {
    let (mut own, mut others) = (Vec::new(), Vec::new());
    adjacency::for_each(rows, node, direction, None, &mut |entry| {
        let part = if is_own_number(entry.edge) { &mut own } else { &mut others };
        part.push(entry);
        ControlFlow::Continue(())
    })?;
    Ok((own, others))
}

/// Takes `own` out of a list: one by one where they are few, else by writing the list anew.
fn rewrite<R: RowsMut + ?Sized>(
    rows: &mut R,
    node: NodeId,
    direction: Direction,
    (own, others): (&[Entry], &[Entry]),
) -> Result<()> {
    if own.len() < others.len() / 16 {
        for entry in own {
            let (edge_type, neighbor, edge) = entry.key();
            adjacency::remove(rows, node, direction, edge_type, neighbor, edge)?;
        }
        return Ok(());
    }
    adjacency::take_all(rows, node, direction)?;
    adjacency::insert_sorted(rows, node, direction, others)?;
    Ok(())
}

/// The edge of this number.
pub(crate) fn get_edge<R: Rows + ?Sized>(rows: &R, id: EdgeId) -> Result<Option<EdgeRecord>> {
    let Some(ends) = find(rows, id)? else { return Ok(None) };
    let key = (ends.edge_type, ends.target, id);
    let Some(entry) = adjacency::get(rows, ends.source, Direction::Out, key)? else {
        let place = format!("table adjacency, node {}", ends.source);
        return Err(Error::corrupt(place, format!("edge {id} is not in the list")));
    };
    whole(rows, ends, entry.weight).map(Some)
}

/// Hands every edge from number `from` on to `visit`, in order, until it says stop.
pub(crate) fn for_each_edge<R: Rows + ?Sized>(
    rows: &R,
    from: EdgeId,
    visit: &mut dyn FnMut(Ends) -> ControlFlow<()>,
) -> Result<()> {
    let start = run_of(rows, from)?.map_or(from.as_u64(), |run| run.first);
    for row in rows.range(TABLE, KeyRange::all().starting_at(&run_key(start)))? {
        let (key, value) = row?;
        for edge in decode_run(&key, &value)?.edges {
            if edge.id >= from && visit(edge).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The number of the next new edge: behind every one that was ever given.
///
/// # Errors
/// [`Error::Limit`] when the numbers are used up.
pub(crate) fn next_edge_id<R: Rows + ?Sized>(rows: &R) -> Result<EdgeId> {
    let next = greatest(rows)?.map_or(1, |last| last.as_u64() + 1).max(floor(rows)?);
    let id = EdgeId::from_u64(next);
    if is_own_number(id) {
        return Ok(id);
    }
    Err(Error::Limit { what: "edge number".into(), max: NodeId::MAX_KEY, found: next })
}

fn greatest<R: Rows + ?Sized>(rows: &R) -> Result<Option<EdgeId>> {
    let last = rows.first(TABLE, KeyRange::all().descending())?;
    let Some((key, value)) = last else { return Ok(None) };
    Ok(decode_run(&key, &value)?.edges.last().map(|edge| edge.id))
}

fn floor<R: Rows + ?Sized>(rows: &R) -> Result<u64> {
    let Some(value) = rows.get(TableId::FLOORS, &floor_key(EDGE_KIND))? else { return Ok(1) };
    varint::take(&mut &value[..])
        .filter(|floor| *floor <= NodeId::MAX_KEY + 1)
        .ok_or_else(|| Error::corrupt("table floors", "floor of the edges is out of range"))
}

/// Says that numbers below `next` are given.
pub(crate) fn raise_floor<R: RowsMut + ?Sized>(rows: &mut R, next: EdgeId) -> Result<()> {
    if next <= next_edge_id(rows)? {
        return Ok(());
    }
    let mut value = Vec::with_capacity(5);
    varint::put(&mut value, next.as_u64());
    rows.put(TableId::FLOORS, &floor_key(EDGE_KIND), &value)
}

/// Takes away what an edge has outside the adjacency lists.
fn forget<R: RowsMut + ?Sized>(rows: &mut R, edge: &EdgeRecord) -> Result<()> {
    if greatest(rows)? == Some(edge.id) {
        // Without a floor the number would be given again.
        let mut value = Vec::with_capacity(5);
        varint::put(&mut value, (edge.id.as_u64() + 1).max(floor(rows)?));
        rows.put(TableId::FLOORS, &floor_key(EDGE_KIND), &value)?;
    }
    if let Some(mut run) = run_of(rows, edge.id)? {
        run.edges.retain(|other| other.id != edge.id);
        write_run(rows, &run)?;
    }
    if has_details(edge) {
        rows.delete(TableId::EDGES, &run_key(edge.id.as_u64()))?;
    }
    Ok(())
}

fn check(edge: &EdgeRecord) -> Result<()> {
    if !is_own_number(edge.id) {
        return Err(Error::invalid("edge", format!("number {} is reserved", edge.id)));
    }
    if edge.weight.is_nan() {
        return Err(Error::invalid("weight", "not a number"));
    }
    Ok(())
}

fn ends_of(edge: &EdgeRecord) -> Ends {
    let EdgeRecord { id, source, edge_type, target, .. } = *edge;
    Ends { id, source, edge_type, target }
}

fn has_details(edge: &EdgeRecord) -> bool {
    edge.valid_from.is_some() || edge.valid_to.is_some() || edge.properties.is_some()
}

/// Writes what an edge has besides ends, type and weight, where it has anything.
pub(crate) fn put_details<R: RowsMut + ?Sized>(rows: &mut R, edge: &EdgeRecord) -> Result<()> {
    if !has_details(edge) {
        return Ok(());
    }
    let details = Details {
        valid_from: edge.valid_from,
        valid_to: edge.valid_to,
        properties: edge.properties.clone(),
    };
    rows.put(TableId::EDGES, &run_key(edge.id.as_u64()), &codec::encode(&details)?)
}

/// What an edge has besides ends, type and weight; nothing for links and stated edges.
pub(crate) fn details_of<R: Rows + ?Sized>(rows: &R, id: EdgeId) -> Result<Details> {
    if !is_own_number(id) {
        return Ok(Details::default());
    }
    let row: Option<Bytes> = rows.get(TableId::EDGES, &run_key(id.as_u64()))?;
    Ok(row.map(|row| codec::decode(&row)).transpose()?.unwrap_or_default())
}

fn whole<R: Rows + ?Sized>(rows: &R, ends: Ends, weight: f32) -> Result<EdgeRecord> {
    let Ends { id, source, edge_type, target } = ends;
    let Details { valid_from, valid_to, properties } = details_of(rows, id)?;
    Ok(EdgeRecord { id, source, edge_type, target, weight, valid_from, valid_to, properties })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::edge_load::{self, Arrow};
    use crate::storage::testing::MemoryRows;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn node(number: u64) -> NodeId {
        NodeId::new(Kind(1 + (number % 3) as u8), number).unwrap()
    }

    fn edge(number: u64, source: NodeId, edge_type: u32, target: NodeId) -> EdgeRecord {
        EdgeRecord {
            id: EdgeId::from_u64(number),
            source,
            edge_type,
            target,
            weight: 1.0,
            valid_from: None,
            valid_to: None,
            properties: None,
        }
    }

    #[track_caller]
    fn check_all(rows: &MemoryRows, model: &BTreeMap<EdgeId, EdgeRecord>) {
        let mut found = Vec::new();
        for_each_edge(rows, EdgeId::LINK, &mut |ends| {
            found.push(ends);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(found, model.values().map(ends_of).collect::<Vec<_>>());
        for (id, edge) in model {
            assert_eq!(get_edge(rows, *id).unwrap().as_ref(), Some(edge));
        }
        let mut listed = 0;
        adjacency::iter_all(rows, &mut |_, _, entries| {
            listed += entries.iter().filter(|entry| !entry.edge.is_link()).count();
            Ok(())
        })
        .unwrap();
        assert_eq!(listed, 2 * model.len());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Add { source: u64, target: u64, edge_type: u32, weight: f32, detailed: bool },
        AddMany(Vec<(u64, u64)>),
        Remove(prop::sample::Index),
        RemoveLast,
        RemoveNode(u64),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let add = (0_u64..12, 0_u64..12, 0_u32..3, prop_oneof![Just(1.0_f32), 0.0_f32..4.0]);
        prop_oneof![
            6 => (add, any::<bool>()).prop_map(|((source, target, edge_type, weight), detailed)| {
                Step::Add { source, target, edge_type, weight, detailed }
            }),
            1 => prop::collection::vec((0_u64..12, 0_u64..12), 0..300).prop_map(Step::AddMany),
            3 => any::<prop::sample::Index>().prop_map(Step::Remove),
            1 => Just(Step::RemoveLast),
            1 => (0_u64..12).prop_map(Step::RemoveNode),
        ]
    }

    fn arrow(edge: &EdgeRecord) -> Arrow {
        let EdgeRecord { source, target, edge_type, weight, .. } = *edge;
        Arrow { source, target, edge_type, weight }
    }

    fn add(
        rows: &mut MemoryRows,
        model: &mut BTreeMap<EdgeId, EdgeRecord>,
        edges: Vec<EdgeRecord>,
    ) {
        match &edges[..] {
            [edge] => add_edge(rows, edge).unwrap(),
            [first, ..] => {
                let arrows: Vec<Arrow> = edges.iter().map(arrow).collect();
                edge_load::add_edges(rows, first.id, &arrows, |_, _| Ok(true)).unwrap();
            }
            [] => {}
        }
        model.extend(edges.into_iter().map(|edge| (edge.id, edge)));
    }

    fn apply(rows: &mut MemoryRows, model: &mut BTreeMap<EdgeId, EdgeRecord>, step: Step) {
        let next = next_edge_id(rows).unwrap().as_u64();
        match step {
            Step::Add { source, target, edge_type, weight, detailed } => {
                let mut new = edge(next, node(source), edge_type, node(target));
                new.weight = weight;
                new.valid_to = detailed.then_some(Timestamp::from_micros(7));
                new.properties = detailed.then(|| Json::from_text(r#"{"a": 1}"#).unwrap());
                add(rows, model, vec![new]);
            }
            Step::AddMany(pairs) => {
                let edges = (next..).zip(pairs);
                let edges = edges.map(|(id, (a, b))| edge(id, node(a), 1, node(b))).collect();
                add(rows, model, edges);
            }
            Step::Remove(index) if !model.is_empty() => {
                let id = *model.keys().nth(index.index(model.len())).unwrap();
                assert_eq!(remove_edge(rows, id).unwrap(), model.remove(&id));
                assert_eq!(remove_edge(rows, id).unwrap(), None);
            }
            Step::RemoveLast if !model.is_empty() => {
                let (id, _) = model.pop_last().unwrap();
                assert!(remove_edge(rows, id).unwrap().is_some());
            }
            Step::Remove(_) | Step::RemoveLast => {}
            Step::RemoveNode(number) => {
                let end = node(number);
                let removed = remove_all_edges_of(rows, end).unwrap();
                let expected: Vec<EdgeRecord> = model
                    .extract_if(.., |_, edge| edge.source == end || edge.target == end)
                    .map(|(_, edge)| edge)
                    .collect();
                assert_eq!(removed, expected);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn edges_behave_like_a_map(steps in prop::collection::vec(any_step(), 1..30)) {
            let mut rows = MemoryRows::default();
            let mut model = BTreeMap::new();
            let mut link = edge(1, node(1), 9, node(2)).entry(Direction::Out);
            link.edge = EdgeId::LINK;
            adjacency::insert(&mut rows, node(1), Direction::Out, link).unwrap();
            let mut given = 0;
            for step in steps {
                apply(&mut rows, &mut model, step);
                check_all(&rows, &model);
                let next = next_edge_id(&rows).unwrap().as_u64();
                prop_assert!(next >= given, "a number would be given twice");
                given = next;
            }
            let link_left = adjacency::degree(&rows, node(1), Direction::Out, Some(9)).unwrap();
            prop_assert_eq!(link_left, 1, "links stay");
            let detailed = model.values().filter(|edge| has_details(edge)).count();
            prop_assert_eq!(rows.table(TableId::EDGES).len(), detailed);
        }
    }

    #[test]
    fn reserved_numbers_taken_numbers_and_bad_weights_are_refused() {
        let mut rows = MemoryRows::default();
        let good = edge(5, node(1), 0, node(2));
        add_edge(&mut rows, &good).unwrap();
        let again = add_edge(&mut rows, &good);
        assert!(matches!(again, Err(Error::AlreadyExists { .. })));
        for number in [0, 1 << 56] {
            let reserved = add_edge(&mut rows, &edge(number, node(1), 0, node(2)));
            assert!(matches!(reserved, Err(Error::Invalid { .. })));
        }
        let mut heavy = edge(6, node(1), 0, node(2));
        heavy.weight = f32::NAN;
        assert!(matches!(add_edge(&mut rows, &heavy), Err(Error::Invalid { .. })));
    }

    #[test]
    fn runs_stay_packed_and_broken_ones_are_errors() {
        let mut rows = MemoryRows::default();
        for number in 1..=1_000 {
            add_edge(&mut rows, &edge(number, node(number / 8), 1, node(number % 97))).unwrap();
        }
        let runs = rows.table(TABLE);
        assert_eq!(runs.len(), 1_000_usize.div_ceil(RUN_EDGES));
        for bytes in [&[0x80][..], &[1], &[0xff; 12]] {
            rows.put(TABLE, &run_key(1), bytes).unwrap();
            let read = get_edge(&rows, EdgeId::from_u64(3));
            assert!(matches!(read, Err(Error::Corrupt { .. })), "{read:?}");
        }
    }
}
